//! What was said in an answer so far: how it begins, and which part of a piece is there already.

use alloc::string::String;

use crate::text::{fnv, hash_of};

/// So many bytes, or a few more, show whether a text begins as a call.
const MAX_START: usize = 64;

/// A shorter beginning of two pieces is chance, in bytes.
const MIN_GROWING: usize = 4;

/// All that was said so far: how it begins, how many bytes it has, their hash, and whether it came in several pieces.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) start: String,
    pub(crate) length: usize,
    hash: u64,
    is_several: bool,
    /// The last piece, while each began with the one before it.
    growing: String,
    has_grown: bool,
}

impl Said {
    /// Adds a piece, and leaves of it what is new. Some gateways end with the whole text, and some have it midway; some
    /// servers say in each piece all of the text so far. What is short, or holds no words, may repeat itself. Says whether
    /// anything is new.
    pub(crate) fn is_new(&mut self, piece: &mut String) -> bool {
        let has_words = |text: &str| text.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        let is_whole = self.is_several && piece.len() == self.length && piece.len() > 15 && hash_of(piece) == self.hash;
        if is_whole && has_words(piece) || self.has_grown && *piece == self.growing {
            return false;
        }
        let begun = self.growing.len();
        let is_growing = begun > 0 && piece.len() > begun && piece.starts_with(&*self.growing);
        let is_first = self.length == 0;
        if is_first || begun > 0 {
            let last = if is_first || is_growing { piece.clone() } else { String::new() };
            let before = core::mem::replace(&mut self.growing, last);
            self.has_grown = is_growing && begun >= MIN_GROWING && has_words(&before);
            if self.has_grown {
                piece.drain(..begun);
            }
        }
        self.is_several = self.length > 0;
        self.length += piece.len();
        self.hash = piece.bytes().fold(self.hash, fnv);
        if self.start.len() < MAX_START {
            self.start.extend(piece.chars().take(MAX_START));
        }
        true
    }
}
