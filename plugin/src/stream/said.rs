//! What was said in an answer so far: how it begins, and which part of a piece is there already.

use alloc::string::String;
use core::mem;

use crate::text::{fnv, hash_of, present};

/// So many bytes, or a few more, show whether a text begins as a call: the name in it may be long, and there may be white
/// space.
const MAX_START: usize = 512;
/// What a call begins with, as [`crate::parts::begins_call`] knows it.
const CALLS: [char; 4] = ['{', '[', '<', 'c'];

/// A shorter beginning of two texts is chance, in bytes.
const MIN_GROWING: usize = 4;
/// So is a shorter one whose first letter comes again behind it, as in "haha".
const MIN_REPEATED: usize = 16;

fn has_words(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// A text that came in pieces: how many bytes it has, and their hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) length: usize,
    hash: u64,
}

impl Heard {
    pub(crate) fn of(text: &str) -> Self {
        Self { length: text.len(), hash: hash_of(text) }
    }

    pub(crate) fn add(&mut self, piece: &str) {
        self.length += piece.len();
        self.hash = piece.bytes().fold(self.hash, fnv);
    }

    /// What of a text has not come, where it begins with what has.
    pub(crate) fn rest<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (before, rest) = text.split_at_checked(self.length)?;
        (Self::of(before) == *self).then_some(rest)
    }
}

/// Pieces each of which may be all of the text so far: some servers say it so (qwen-code#3896, hermes-agent#35592).
#[derive(Debug, Default)]
pub(crate) struct Growing {
    /// The last piece, while each began with the one before it.
    last: String,
    /// Pieces that may have grown or not, and how many bytes were told before them.
    held: String,
    told: usize,
    has_grown: bool,
    pub(crate) is_over: bool,
}

impl Growing {
    /// The piece before this one, which begins with it.
    fn before(&mut self, piece: &str) -> String {
        let before = mem::replace(&mut self.last, piece.into());
        self.is_over = !piece.starts_with(&*before) || piece == before && !self.has_grown;
        if self.is_over { String::new() } else { before }
    }

    /// How many bytes of the next piece of arguments were in those before it: none begin with two `{`.
    pub(crate) fn known(&mut self, piece: &str) -> usize {
        if self.is_over || piece.is_empty() {
            return 0;
        }
        let before = self.before(piece);
        self.has_grown |= before.trim_start().starts_with(['{', '"']);
        if self.has_grown { before.len() } else { 0 }
    }

    /// Leaves of a piece what was not in those before it. While that may be chance it is held, and nothing is left.
    pub(crate) fn cut(&mut self, piece: &mut String) {
        if self.is_over || piece.is_empty() {
            return;
        }
        let before = self.before(piece);
        if self.is_over {
            return piece.insert_str(0, &mem::take(&mut self.held));
        }
        let is_long = before.len() >= MIN_GROWING || !self.held.is_empty();
        let next = piece.get(before.len()..).and_then(|rest| rest.chars().next());
        let is_repeated = before.len() < MIN_REPEATED && before.chars().next() == next;
        if self.held.is_empty() {
            self.told = before.len();
        }
        self.has_grown |= is_long && has_words(&before) && !is_repeated;
        if self.has_grown {
            piece.drain(..self.told);
            self.held.clear();
        } else if !before.is_empty() {
            self.held.push_str(&mem::take(piece));
        }
    }

    /// What is held, where something else follows: nothing grows any more.
    pub(crate) fn release(&mut self) -> Option<String> {
        self.is_over |= !self.held.is_empty();
        present(mem::take(&mut self.held).into())
    }
}

/// All that was said so far: how it begins, how long it is, and whether it came in several pieces.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) start: String,
    pub(crate) all: Heard,
    is_several: bool,
    pub(crate) growing: Growing,
    /// How many marks of code it ends with, and whether three of them began code that is not over.
    marks: u8,
    pub(crate) is_code: bool,
}

impl Said {
    /// Adds a piece where none grows. Says whether it did.
    pub(crate) fn is_more(&mut self, piece: &str) -> bool {
        self.growing.is_over && self.is_new(piece)
    }

    /// Adds a piece, but none that is all before it once more: some gateways end with the whole text, and some have it
    /// midway. What is short, or holds no words, may repeat itself. Says whether it is new.
    pub(crate) fn is_new(&mut self, piece: &str) -> bool {
        let may_repeat = || piece.len() <= 15 || !has_words(piece);
        let is_whole = self.is_several && piece.len() == self.all.length && self.all.rest(piece).is_some();
        if piece.is_empty() || is_whole && !may_repeat() {
            return false;
        }
        self.is_several = self.all.length > 0;
        if self.all.length < MAX_START {
            let begun = self.start.trim_start();
            if begun.is_empty() || begun.starts_with(CALLS) {
                self.start.extend(piece.get(..piece.floor_char_boundary(MAX_START)));
            }
        }
        if self.marks > 0 || piece.as_bytes().contains(&b'`') {
            for byte in piece.bytes() {
                self.marks = if byte == b'`' { self.marks.saturating_add(1) } else { 0 };
                self.is_code ^= self.marks == 3;
            }
        }
        self.all.add(piece);
        true
    }
}
