//! What was said in an answer so far: how it begins, and which part of a piece is there already.

use alloc::string::String;
use core::mem;

use crate::text::{fnv, hash_of};

/// So many bytes, or a few more, show whether a text begins as a call.
const MAX_START: usize = 64;

/// A shorter beginning of two pieces is chance, in bytes; but no JSON begins with two of the same.
const MIN_GROWING: usize = 4;

fn has_words(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// Pieces each of which may be all of the text so far: some servers say it so (qwen-code#3896, hermes-agent#35592).
#[derive(Debug, Default)]
pub(crate) struct Growing {
    /// The last piece, while each began with the one before it.
    last: String,
    has_grown: bool,
    pub(crate) is_over: bool,
}

impl Growing {
    /// How many bytes of the next piece were in those before it.
    pub(crate) fn known(&mut self, piece: &str) -> usize {
        let known = self.last.len();
        let is_again = self.has_grown && *piece == self.last;
        if is_again || self.is_over || piece.is_empty() {
            return if is_again { known } else { 0 };
        }
        let is_longer = piece.len() > known && piece.starts_with(&*self.last);
        let last = if is_longer { piece.into() } else { String::new() };
        let before = mem::replace(&mut self.last, last);
        self.is_over = !is_longer;
        self.has_grown = is_longer && (before.starts_with('{') || known >= MIN_GROWING && has_words(&before));
        if self.has_grown { known } else { 0 }
    }
}

/// All that was said so far: how it begins, how many bytes it has, their hash, and whether it came in several pieces.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) start: String,
    pub(crate) length: usize,
    hash: u64,
    is_several: bool,
    growing: Growing,
}

impl Said {
    /// Leaves of a piece what was not in those before it.
    pub(crate) fn cut(&mut self, piece: &mut String) {
        piece.drain(..self.growing.known(piece));
    }

    /// Both: adds what is left of a piece.
    pub(crate) fn is_next(&mut self, piece: &mut String) -> bool {
        self.cut(piece);
        self.is_new(piece)
    }

    /// Adds a piece, but none that is all before it once more: some gateways end with the whole text, and some have it
    /// midway. What is short, or holds no words, may repeat itself. Says whether it is new.
    pub(crate) fn is_new(&mut self, piece: &str) -> bool {
        let is_whole = self.is_several && piece.len() == self.length && piece.len() > 15 && hash_of(piece) == self.hash;
        if piece.is_empty() || is_whole && has_words(piece) {
            return false;
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
