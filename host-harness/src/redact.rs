//! Keeps secrets out of all that leaves the host's boundary towards a component or a person: text, header values and
//! bodies as they stream by. Owns the masking; who passes what through it is the egress's and the calls' business.
//!
//! A mask is as long as what it hides, so a `content-length` stays true.

use std::{borrow::Cow, sync::Arc};

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

use crate::types;

/// Shorter secrets are not masked: they would blot out ordinary text, and no real key is that short.
const SHORTEST: usize = 6;

/// Knows the secrets of one connection, and masks them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    secrets: Arc<[SecretString]>,
}

impl Redactor {
    pub(crate) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| secret.expose_secret().len() >= SHORTEST);
        Self { secrets: secrets.collect() }
    }

    fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().map(|secret| secret.expose_secret().as_bytes())
    }

    /// Masks in place and says whether there was anything to mask.
    fn mask(&self, bytes: &mut [u8]) -> bool {
        let mut found = false;
        for secret in self.secrets() {
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| memmem::find(rest, secret)) {
                let end = from + at + secret.len();
                if let Some(hit) = bytes.get_mut(from + at..end) {
                    hit.fill(b'*');
                }
                from = end;
                found = true;
            }
        }
        found
    }

    fn holds_secret(&self, bytes: &[u8]) -> bool {
        self.secrets().any(|secret| memmem::find(bytes, secret).is_some())
    }

    /// The text without secrets.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.holds_secret(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes);
        // A secret is whole characters, and so is what is left around it.
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What a plugin says of a failure, without secrets, should one have found a way into it.
    pub(crate) fn error(&self, mut error: types::Error) -> types::Error {
        let texts = [Some(&mut error.message), error.hint.as_mut(), error.code.as_mut(), error.trace_id.as_mut()];
        for text in texts.into_iter().flatten() {
            *text = self.text(text).into_owned();
        }
        error
    }

    /// The bytes without secrets: `None` where there were none in them.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked = bytes.to_vec();
        self.mask(&mut masked).then_some(masked)
    }

    /// How many bytes at the end of `bytes` may be the start of a secret that goes on in the next piece.
    fn open_end(&self, bytes: &[u8]) -> usize {
        let starts_here = |secret: &[u8]| {
            let longest = bytes.len().min(secret.len() - 1);
            (1..=longest).rev().find(|&length| secret.get(..length) == bytes.get(bytes.len() - length..))
        };
        self.secrets().filter_map(starts_here).max().unwrap_or(0)
    }
}

/// Masks a body that comes in pieces, also where a secret lies across two of them.
#[derive(Debug, Default)]
pub(crate) struct Masked {
    redactor: Redactor,
    held_back: BytesMut,
}

impl Masked {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, held_back: BytesMut::new() }
    }

    /// What of the body is safe to pass on now that `piece` has come: it is not copied unless it must be.
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.held_back.is_empty() && !self.redactor.holds_secret(&piece) {
            let open = self.redactor.open_end(&piece);
            self.held_back.extend_from_slice(piece.get(piece.len() - open..).unwrap_or_default());
            return piece.slice(..piece.len() - open);
        }
        let mut bytes = std::mem::take(&mut self.held_back);
        bytes.extend_from_slice(&piece);
        self.redactor.mask(&mut bytes);
        self.held_back = bytes.split_off(bytes.len() - self.redactor.open_end(&bytes));
        bytes.freeze()
    }

    /// What was held back, at the end of the body.
    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held_back).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(["pk-secret-pk".into(), "other-key".into(), "abc".into()])
    }

    fn in_pieces(text: &str, at: &[usize]) -> String {
        let mut masked = Masked::new(redactor());
        let mut out = Vec::new();
        let mut from = 0;
        for &to in at.iter().chain([&text.len()]) {
            out.extend_from_slice(&masked.push(Bytes::copy_from_slice(&text.as_bytes()[from..to])));
            from = to;
        }
        out.extend_from_slice(&masked.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_keeps_its_length_and_loses_the_secret() {
        assert_eq!(redactor().text("key pk-secret-pk, abc"), "key ************, abc");
        assert_eq!(redactor().text("nothing"), "nothing");
    }

    #[test]
    fn a_secret_across_any_two_cuts_is_masked() {
        let text = "a pk-secret-pk-secret-pk other-keypk-secret-p";
        let whole = in_pieces(text, &[]);
        assert!(!whole.contains("pk-secret-pk") && !whole.contains("other-key"), "{whole}");
        assert!(whole.ends_with("pk-secret-p"), "an unfinished start is not a secret: {whole}");
        for first in 0..text.len() {
            for second in first..text.len() {
                assert_eq!(in_pieces(text, &[first, second]), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Masked::new(redactor()));
        assert!(!shown.contains("secret-pk") && !shown.contains("other-key"), "{shown}");
    }
}
