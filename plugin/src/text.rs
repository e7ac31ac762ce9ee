//! What is asked of a text, whatever it is about.

use alloc::borrow::Cow;
use alloc::string::String;

/// The text, where it is not empty.
pub(crate) fn present(text: Cow<'_, str>) -> Option<String> {
    if text.is_empty() { None } else { Some(text.into_owned()) }
}

/// A text, trimmed; none where it is empty.
pub(crate) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Whether a text holds one of these: `this|that`.
#[inline(never)]
pub(crate) fn holds(text: &str, parts: &str) -> bool {
    parts.split('|').any(|part| text.contains(part))
}

/// Whether a text is one of these: `this|that`.
#[inline(never)]
pub(crate) fn is_among(text: &str, known: &str) -> bool {
    known.split('|').any(|known| known == text)
}

/// FNV-1a, 64 bits, but for its start.
pub(crate) fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// The hash of a text, by which one of any length is compared with many.
pub(crate) fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0, fnv)
}
