//! Recognises a chunk of a stream that differs from the one before in only one text, as most do. Its result is known
//! without reading it as JSON. The reader of streams decides which chunk may be such a pattern, and tests it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use memchr::{arch::all::is_prefix, memchr2, memrchr};

use crate::json;

/// A chunk around the one text in it that counts.
#[derive(Debug)]
pub struct Pattern {
    before: Vec<u8>,
    /// Where in it the values are that nobody reads and that may change, in their order: the chunk's id, and the number in
    /// `created`.
    unread: Vec<Range<usize>>,
    after: Vec<u8>,
    field: Field,
    /// Whether noise follows, and then the end: OpenAI puts a text at the end of each chunk that hides how long the chunk's
    /// own is (`stream_options.include_obfuscation`).
    is_noisy: bool,
}

/// The field of an event that the text fills.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// A text.
    Text,
    /// A piece of reasoning.
    Thinking,
    /// Arguments of the call with this index.
    Arguments(u32),
}

impl Pattern {
    const ID: &[u8] = b"{\"id\":";
    const TIME: &[u8] = b"\"created\":";
    const NOISE: &[u8] = b"\"obfuscation\":";
    const END: &[u8] = b"}";

    /// `spelled` is a string in `chunk`, in its quotes, and fills this field of the only event that the chunk gave.
    pub fn new(chunk: &[u8], spelled: &str, field: Field) -> Option<Self> {
        let at = spelled.as_ptr().addr().checked_sub(chunk.as_ptr().addr())?;
        let (before, rest) = chunk.split_at_checked(at)?;
        let (_, after) = rest.split_at_checked(spelled.len())?;
        // Noise with a quote in it is not known as such: in front of that stands a backslash, and not the name.
        let noisy = after.strip_suffix(b"\"}").and_then(|after| after.get(..memrchr(b'"', after)?));
        let noisy = noisy.filter(|after| after.ends_with(Self::NOISE));
        let of_value = |start: usize| Some(start..before.len() - value(before.get(start..)?)?.len());
        let id = before.starts_with(Self::ID).then(|| of_value(Self::ID.len())).flatten();
        let name = before.windows(Self::TIME.len()).position(|name| name == Self::TIME);
        let time = name.and_then(|at| of_value(at + Self::TIME.len()));
        Some(Self {
            before: before.to_vec(),
            unread: id.into_iter().chain(time).collect(),
            after: noisy.unwrap_or(after).to_vec(),
            field,
            is_noisy: noisy.is_some(),
        })
    }

    /// What follows `before`, whatever the values in it that nobody reads.
    fn behind_others<'b>(&self, chunk: &'b [u8]) -> Option<&'b [u8]> {
        let (mut rest, mut from) = (chunk, 0);
        for unread in &self.unread {
            rest = value(behind(rest, self.before.get(from..unread.start)?)?)?;
            from = unread.end;
        }
        behind(rest, self.before.get(from..)?)
    }

    /// The field and the text that another chunk gives, where it differs in its text alone.
    pub fn read(&self, chunk: &[u8]) -> Option<(Field, String)> {
        let rest = behind(chunk, &self.before).or_else(|| self.behind_others(chunk))?;
        let (spelled, rest) = string(rest)?;
        let mut rest = behind(rest, &self.after)?;
        if self.is_noisy {
            let (noise, end) = string(rest)?;
            text(noise)?;
            rest = behind(end, Self::END)?;
        }
        let text = text(spelled).filter(|text| rest.is_empty() && !text.is_empty())?;
        Some((self.field, text.into_owned()))
    }
}

/// What follows the string or the whole number at the start of `bytes`.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"\"") {
        return number(bytes);
    }
    let (spelled, rest) = string(bytes)?;
    text(spelled).map(|_| rest)
}

/// What follows the whole number at the start of `bytes`.
fn number(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // JSON has no other number that begins with 0.
    if length == 0 || length > 1 && bytes.starts_with(b"0") { None } else { bytes.get(length..) }
}

/// The rest of `bytes`, which start with `prefix`: compared by words, where the C library compares bytes.
fn behind<'b>(bytes: &'b [u8], prefix: &[u8]) -> Option<&'b [u8]> {
    if is_prefix(bytes, prefix) { bytes.get(prefix.len()..) } else { None }
}

/// What seems a JSON string at the start of `bytes`, in its quotes, and what follows it.
fn string(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let inside = bytes.strip_prefix(b"\"")?;
    let mut end = memchr2(b'"', b'\\', inside)?;
    while inside.get(end) == Some(&b'\\') {
        // What is escaped may be a quote.
        end += 2;
        end += memchr2(b'"', b'\\', inside.get(end..)?)?;
    }
    let (spelled, rest) = bytes.split_at_checked(end + 2)?;
    Some((str::from_utf8(spelled).ok()?, rest))
}

/// The text of a JSON string in its quotes; none where it is wrong.
fn text(spelled: &str) -> Option<Cow<'_, str>> {
    let inside = spelled.strip_prefix('"')?.strip_suffix('"')?;
    if inside.bytes().all(|byte| byte >= b' ' && byte != b'\\') {
        return Some(inside.into());
    }
    // One that ends within a character goes on in the next chunk.
    Some(json::unescaped(spelled)).filter(|text| !text.is_empty() && !text.as_bytes().ends_with(json::HALF))
}
