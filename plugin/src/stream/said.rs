//! What was said in an answer so far: how it begins, and whether a piece is all of it once more.

use alloc::string::String;

use crate::text::{fnv, hash_of};

/// So many bytes, or a few more, show whether a text begins as a call.
const MAX_START: usize = 64;

/// All that was said so far: how it begins, how many bytes it has, their hash, and whether it came in several pieces.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) start: String,
    pub(crate) length: usize,
    hash: u64,
    is_several: bool,
}

impl Said {
    /// Adds a piece, but not one that is all before it once more: some gateways end with the whole text, and some have it
    /// midway. What is short, or holds no words, may repeat itself.
    pub(crate) fn is_again(&mut self, piece: &str) -> bool {
        let is_long = || piece.len() > 15 && piece.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        let is_again = self.is_several && piece.len() == self.length && is_long() && hash_of(piece) == self.hash;
        if !is_again {
            self.is_several = self.length > 0;
            self.length += piece.len();
            self.hash = piece.bytes().fold(self.hash, fnv);
            if self.start.len() < MAX_START {
                self.start.extend(piece.chars().take(MAX_START));
            }
        }
        is_again
    }
}
