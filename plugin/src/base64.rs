//! Base64 as gateways write it, whole or in pieces.

use alloc::vec::Vec;
use core::mem;

use base64_simd::{STANDARD_NO_PAD, forgiving_decode_inplace};
use memchr::{memchr, memchr3};

/// So much base64 is decoded at once, in bytes. The head of a data URL is shorter.
pub(crate) const BATCH: usize = 4096;

/// More than the padding at its end, in bytes.
const PADDING: usize = 8;

/// How much is kept of what is no base64, to be shown.
const SHOWN: usize = 320;

/// What stands for an image and is no base64: some of it, from before the place that is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NotBase64(pub Vec<u8>);

/// An image that is there as a whole: base64, or a `data:` URL.
pub(crate) fn decoded(text: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let mut base64 = Base64::default();
    // In a URL they would end it.
    for line in text.split(u8::is_ascii_whitespace) {
        base64.push(line);
    }
    base64.finish()
}

/// Base64 that comes in pieces: in either alphabet, with or without spaces and padding, and with any bits in the last
/// digit, for gateways differ; and behind the head of a data URL, which some send too.
#[derive(Debug, Default)]
pub(crate) struct Base64 {
    data: Vec<u8>,
    /// Digits that are not decoded yet.
    digits: Vec<u8>,
    pub(crate) has_come: bool,
    is_headless: bool,
    is_broken: bool,
}

impl Base64 {
    /// For so many bytes, once decoded.
    pub(crate) fn with_capacity(length: usize) -> Self {
        Self { data: Vec::with_capacity(length), ..Self::default() }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.has_come |= !piece.is_empty();
        if self.is_broken {
            return;
        }
        self.digits.extend_from_slice(piece);
        if self.digits.len() < BATCH + PADDING {
            return;
        }
        self.unify();
        let whole = self.digits.len().saturating_sub(PADDING) / 4 * 4;
        // A head without an end is found below: it has a colon.
        let (ready, _) = self.digits.split_at(whole);
        match STANDARD_NO_PAD.decode_append(ready, &mut self.data) {
            Ok(()) => drop(self.digits.drain(..whole)),
            Err(_) => self.is_broken = true,
        }
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, NotBase64> {
        self.unify();
        let length = self.digits.trim_ascii_end().len();
        self.digits.truncate(length);
        let said = self.digits.get(..SHOWN).unwrap_or(&self.digits).to_vec();
        while self.digits.last() == Some(&b'=') {
            self.digits.pop();
        }
        let rest = forgiving_decode_inplace(&mut self.digits).map(|rest| self.data.extend_from_slice(rest));
        if self.is_broken || rest.is_err() || self.data.is_empty() {
            return Err(NotBase64(said));
        }
        self.data.shrink_to_fit();
        Ok(self.data)
    }

    /// To one alphabet, without spaces and without a head.
    fn unify(&mut self) {
        if !mem::replace(&mut self.is_headless, true) && self.digits.starts_with(b"data:") {
            match memchr(b',', self.digits.get(..BATCH).unwrap_or(&self.digits)) {
                Some(comma) => drop(self.digits.drain(..=comma)),
                None => self.is_broken = true,
            }
        }
        if memchr3(b'-', b'_', b' ', &self.digits).is_some() {
            self.digits.retain_mut(|digit| {
                match digit {
                    b'-' => *digit = b'+',
                    b'_' => *digit = b'/',
                    _ => {}
                }
                *digit != b' '
            });
        }
    }
}
