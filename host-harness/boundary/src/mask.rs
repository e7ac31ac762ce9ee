//! Masks secrets in everything that passes from the host to a component or a person: text, header values and streamed
//! bodies. Owns the masking; the egress and the calls pass their data through it.
//!
//! A mask is as long as the secret, so a `content-length` stays true. A secret is found literally and in the encodings
//! that servers use (see `forms` and `escaped`): JSON, URLs, HTML, Base64. `openclaw/src/mask.js` has the same rules, and
//! both are tested with `tests/fixtures/boundary`. A secret in an encoding of the server's own, or split into parts, is
//! not found.

use std::{borrow::Cow, collections::BTreeSet, convert::identity, fmt, iter, mem, ops::Range, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use bytes::{Bytes, BytesMut};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Shorter secrets are not masked: that would mask ordinary text, and no real key is that short.
const SHORTEST: usize = 6;

/// What ends a line: events of a stream, as soon as they are whole, are not held back.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// How many times a secret may be nested as JSON within JSON.
const JSON_LEVELS: usize = 3;

/// Knows the secrets of one connection, and masks them.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    /// Every form of every secret, in the order of their bytes.
    secrets: Arc<[SecretString]>,
    /// How long the longest form is in a URL.
    longest: usize,
    /// Whether no form goes on over the end of a line.
    in_lines: bool,
}

impl Mask {
    /// Masks these.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        // The same secret comes from several places, and each form is searched for in all that passes.
        let forms: BTreeSet<String> = secrets.into_iter().flat_map(|secret| forms(secret.expose_secret())).collect();
        let forms = || forms.iter().filter(|form| form.len() >= SHORTEST);
        Self {
            // Each letter may be written as `%XX`.
            longest: 3 * forms().map(String::len).max().unwrap_or(0),
            in_lines: !forms().any(|form| form.contains(LINE_ENDS)),
            secrets: forms().map(|form| SecretString::from(form.as_str())).collect(),
        }
    }

    fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().map(|secret| secret.expose_secret().as_bytes())
    }

    /// The places of secrets, which may overlap.
    fn hits<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let literal = self.secrets().flat_map(move |secret| {
            let next = move |from: usize| Some(from + memmem::find(bytes.get(from..)?, secret)?);
            iter::successors(next(0), move |at| next(at + 1)).map(|at| at..at + secret.len())
        });
        literal.chain(self.escaped(bytes))
    }

    /// The places of secrets in which letters are written as escapes of URLs. Encoders differ in which, and no two escapes
    /// belong together: a secret may begin behind what looks like half of one.
    fn escaped<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut tried = 0;
        let escapes = memchr::memchr_iter(b'%', bytes).filter(|&at| bytes.get(at..).and_then(escape).is_some());
        let starts = escapes.flat_map(move |escape| {
            let from = tried.max((escape + 1).saturating_sub(self.longest));
            tried = escape + 1;
            from..tried
        });
        starts.flat_map(move |start| {
            let rest = bytes.get(start..).unwrap_or_default();
            let first = escape(rest).or_else(|| rest.first().copied());
            // A `%` may be one, or begin an escape.
            let firsts = first.into_iter().chain((first != Some(b'%') && rest.starts_with(b"%")).then_some(b'%'));
            firsts.flat_map(move |first| {
                let begin_so = move |secret: &&SecretString| secret.expose_secret().as_bytes().first() == Some(&first);
                let before = |secret: &SecretString| secret.expose_secret().as_bytes().first() < Some(&first);
                let from = self.secrets.partition_point(before);
                let forms = self.secrets.get(from..).unwrap_or_default().iter().take_while(begin_so);
                forms.filter_map(move |form| {
                    Some(start..start + escaped_length(form.expose_secret().as_bytes(), rest, identity)?)
                })
            })
        })
    }

    fn holds_secret(&self, bytes: &[u8]) -> bool {
        // A searcher is not made for what is too short, as headers mostly are.
        self.secrets().any(|secret| bytes.len() >= secret.len() && memmem::find(bytes, secret).is_some())
            || self.escaped(bytes).next().is_some()
    }

    /// Whether the name of a header holds a secret. It is in lower case by now, and cannot hold a mask.
    pub fn is_in_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let name = name.as_bytes();
        let has_escape = name.contains(&b'%');
        // Most names are shorter than any secret.
        self.secrets().filter(|secret| name.len() >= secret.len()).any(|secret| {
            let secret = secret.to_ascii_lowercase();
            let small = |letter: u8| letter.to_ascii_lowercase();
            let begins = |at| name.get(at..).is_some_and(|rest| escaped_length(&secret, rest, small).is_some());
            memmem::find(name, &secret).is_some() || has_escape && (0..name.len()).any(begins)
        })
    }

    /// The text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            // A secret is whole characters, and so is what is left around it.
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// The bytes without secrets: `None` where there were none in them.
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.holds_secret(bytes) {
            return None;
        }
        let mut masked = bytes.to_vec();
        self.hits(bytes).for_each(|hit| cover(&mut masked, hit));
        Some(masked)
    }

    /// How many bytes at the end of `bytes` are held back, since a secret may go on in the next piece: as many as the longest
    /// has, and nothing of a line that is over. It does not matter what they are. If the host held back what a secret begins
    /// with and nothing else, a component could have a server repeat its guesses, and see by the pieces that come which of
    /// them is right, letter by letter.
    fn open_end(&self, bytes: &[u8]) -> usize {
        let line = if self.in_lines { memchr::memrchr2(b'\n', b'\r', bytes).map_or(0, |end| end + 1) } else { 0 };
        (bytes.len() - line).min(self.longest.saturating_sub(1))
    }
}

/// What writers of JSON escape beside what must be, and whether all that is no ASCII too: Python and PHP; with PHP's or
/// Ruby's options for HTML; Go; Gson; .NET.
const ESCAPED_IN_JSON: [(&str, bool); 5] =
    [("", true), ("<>&'", true), ("<>&", false), ("<>&'=", false), ("<>&'+`", true)];

/// Every form in which `secret` is looked for: literally, and as JSON, HTML and Base64 encode it. Any of them may have
/// escapes of URLs: see [`Mask::escaped`].
fn forms(secret: &str) -> BTreeSet<String> {
    if secret.len() < SHORTEST {
        return BTreeSet::new();
    }
    // Of these letters JSON and HTML write all as they are: so mostly little is looked for.
    let is_plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let mut forms = if is_plain { vec![secret.to_owned()] } else { spellings(secret) };
    // Forms in a URL have `+` for a blank.
    forms.push(secret.replace(' ', "+"));
    // Three bytes make four letters, so there are three ways for it to begin, as in `Basic ${user:password}`. Letters that
    // belong to what stands before or behind it too are left out.
    for (before, shared) in [(&b""[..], 0), (b"\0", 2), (b"\0\0", 3)] {
        let text = BASE64_STANDARD_NO_PAD.encode([before, secret.as_bytes()].concat());
        let end = text.len() - usize::from(!(before.len() + secret.len()).is_multiple_of(3));
        let standard = text.get(shared..end).unwrap_or_default().to_owned();
        forms.extend([standard.replace('+', "-").replace('/', "_"), standard]);
    }
    forms.into_iter().collect()
}

/// How writers of JSON and of HTML spell it.
fn spellings(secret: &str) -> Vec<String> {
    // A header may hold it in JSON, and an answer that header in its own: mostly nothing changes but for quotes.
    // Servers such as Node's take the UTF-8 of a header for Latin-1.
    let mut json = BTreeSet::from([secret.to_owned(), secret.bytes().map(char::from).collect()]);
    let mut others = json.iter().flat_map(|text| written(text, &ESCAPED_IN_JSON, true)).collect::<Vec<_>>();
    for _ in 0..JSON_LEVELS {
        json.extend(json.iter().flat_map(|text| written(text, &ESCAPED_IN_JSON[..2], false)).collect::<Vec<_>>());
    }
    for _ in 0..JSON_LEVELS {
        json.extend(others.iter().cloned());
        others = others.iter().map(|text| json_of(text)).collect();
    }
    json.into_iter().chain([html(secret)]).collect()
}

/// The text as a string of JSON, without the quotes around it.
fn json_of(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.get(1..json.len() - 1).unwrap_or_default().to_owned()
}

/// The same, as writers of JSON with these habits have it, and with `\/`: where that goes with the other habits, too.
fn written(text: &str, habits: &[(&str, bool)], with_all: bool) -> Vec<String> {
    let json = json_of(text);
    // .NET's has no quotes.
    let dotnet = json.replace("\\\"", "\\u0022");
    let others = habits.iter().flat_map(|&(letters, and_no_ascii)| {
        let json = if letters.contains('+') { &dotnet } else { &json };
        let is_other = move |letter: char| letters.contains(letter) || and_no_ascii && !letter.is_ascii();
        [false, true].map(|upper| escaped(json, is_other, upper))
    });
    let mut all: Vec<String> = others.collect();
    let slashed = |json: &String| json.replace('/', "\\/");
    if with_all {
        all.extend(all.iter().map(slashed).collect::<Vec<_>>());
    }
    all.extend([slashed(&json), json]);
    all
}

/// The text, escaped for HTML.
fn html(text: &str) -> String {
    let entities = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    entities.iter().fold(text.to_owned(), |text, (letter, entity)| text.replace(letter, entity))
}

/// JSON with these letters as `\u00e9`.
pub(crate) fn escaped(json: &str, is_escaped: impl Fn(char) -> bool, upper: bool) -> String {
    let mut out = String::new();
    for letter in json.chars() {
        if !is_escaped(letter) {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            out.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
        }
    }
    out
}

/// What the escape of a URL stands for that `bytes` begin with, such as `%2F`.
fn escape(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *bytes else { return None };
    let digit = |letter: u8| char::from(letter).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The text that `text` stands for in a URL.
pub(crate) fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        let letter = escape(rest);
        bytes.push(letter.unwrap_or(first));
        rest = if letter.is_some() { rest.get(3..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long the form is that `bytes` begin with, any of whose letters may be written as an escape of URLs. An escape is
/// compared by the letter that it stands for, as `spelled` writes it.
fn escaped_length(form: &[u8], bytes: &[u8], spelled: impl Fn(u8) -> u8) -> Option<usize> {
    let mut length = 0;
    for letter in form {
        let rest = bytes.get(length..)?;
        length += if escape(rest).map(&spelled) == Some(*letter) {
            3
        } else if rest.first() == Some(letter) {
            1
        } else {
            return None;
        };
    }
    Some(length)
}

fn cover(bytes: &mut [u8], part: Range<usize>) {
    if let Some(part) = bytes.get_mut(part) {
        part.fill(b'*');
    }
}

/// Masks a body that arrives in pieces, even if a secret is split over two of them.
#[derive(Default)]
pub struct MaskedBody {
    mask: Mask,
    /// The unmasked end of the last piece: a secret may continue in the next one.
    held_back: BytesMut,
    /// How many bytes at its start belong to a secret that is complete.
    masked: usize,
}

impl fmt::Debug for MaskedBody {
    /// Without what is held back: it is most of a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskedBody").field("mask", &self.mask).finish_non_exhaustive()
    }
}

impl MaskedBody {
    /// A body before its first piece.
    pub fn new(mask: Mask) -> Self {
        Self { mask, held_back: BytesMut::new(), masked: 0 }
    }

    /// What masks it.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The part of the body that is safe to pass on after `piece`. It is copied only if it must be.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        self.take(piece, Mask::open_end)
    }

    /// All that is left of the body, which ends with `piece`.
    pub fn last(&mut self, piece: Bytes) -> Bytes {
        self.take(piece, |_, _| 0)
    }

    fn take(&mut self, piece: Bytes, open_end: impl Fn(&Mask, &[u8]) -> usize) -> Bytes {
        if self.held_back.is_empty() && !self.mask.holds_secret(&piece) {
            let open = open_end(&self.mask, &piece);
            self.held_back.extend_from_slice(piece.get(piece.len() - open..).unwrap_or_default());
            return piece.slice(..piece.len() - open);
        }
        self.held_back.extend_from_slice(&piece);
        let open = open_end(&self.mask, &self.held_back);
        self.pass_on(self.held_back.len() - open)
    }

    /// The bytes that were held back, at the end of the body.
    pub fn finish(&mut self) -> Bytes {
        self.pass_on(self.held_back.len())
    }

    /// Takes the first `length` bytes, masked. A secret that begins in them and continues in the rest is remembered;
    /// one that begins in the rest is found again.
    fn pass_on(&mut self, length: usize) -> Bytes {
        let hits = self.mask.hits(&self.held_back).filter(|hit| hit.start < length);
        let hits: Vec<_> = hits.chain(iter::once(0..self.masked)).collect();
        let rest = self.held_back.split_off(length);
        let mut passed = mem::replace(&mut self.held_back, rest);
        self.masked = hits.iter().map(|hit| hit.end.saturating_sub(length)).max().unwrap_or(0);
        hits.into_iter().for_each(|hit| cover(&mut passed, hit.start..hit.end.min(length)));
        passed.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        Mask::new(["pk-secret-pk".into(), "other-key".into(), "abc".into()])
    }

    fn cut(mask: Mask, text: &str, at: &[usize]) -> String {
        let mut masked = MaskedBody::new(mask);
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
    fn a_secret_of_plain_letters_has_one_spelling() {
        let secret = "pk-Ab_9.xyz";
        assert!(spellings(secret).iter().all(|spelling| spelling == secret), "{:?}", spellings(secret));
    }

    /// A component may have a server repeat its guesses.
    #[test]
    fn what_is_held_back_tells_nothing_of_a_secret() {
        let lengths = |pieces: &[&str]| {
            let mut masked = MaskedBody::new(mask());
            let pushed: Vec<_> =
                pieces.iter().map(|piece| masked.push(Bytes::copy_from_slice(piece.as_bytes())).len()).collect();
            (pushed, masked.finish().len())
        };
        for secret in ["pk-secret-pk", "other-key", "abc"] {
            for length in 0..secret.len() {
                let (right, wrong) = (&secret[..length], "q".repeat(length));
                for around in
                    [["a b c d e f g ", ""], ["", " and on"], ["a line\n", ""], ["a line\nand half of one ", "\n"]]
                {
                    let [one, other] =
                        [right, &wrong].map(|guess| lengths(&[&[around[0], guess].concat(), around[1], "x"]));
                    assert_eq!(one, other, "{right} in {around:?}");
                }
            }
        }
        // An event that is whole is there at once, and the end of a body with it.
        assert_eq!(lengths(&["data: pk-secret\n\n"]), (vec!["data: pk-secret\n\n".len()], 0));
        assert_eq!(MaskedBody::new(mask()).last(Bytes::from_static(b"{pk-secret")), "{pk-secret");
    }

    #[test]
    fn what_a_component_may_see_of_an_answer_however_it_is_cut() {
        let fixture: Value = serde_json::from_str(include_str!("../../../tests/fixtures/boundary/masks.json")).unwrap();
        let mask = |case: &Value| {
            Mask::new(case["secrets"].as_array().unwrap().iter().map(|secret| secret.as_str().unwrap().into()))
        };
        for case in fixture["cases"].as_array().unwrap() {
            let (mask, text) = (mask(case), case["text"].as_str().unwrap());
            assert_eq!(mask.text(text), case["masked"].as_str().unwrap());
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let masked = cut(mask.clone(), text, &[first, second]);
                    assert_eq!(masked, case["masked"].as_str().unwrap(), "cut at {first} and {second}");
                }
            }
            let bytes: Vec<_> = (0..text.len()).collect();
            assert_eq!(cut(mask.clone(), text, &bytes), case["masked"].as_str().unwrap(), "byte by byte");
        }
        for case in fixture["header_names"].as_array().unwrap() {
            let is_in_name = mask(case).is_in_name(case["name"].as_str().unwrap());
            assert_eq!(is_in_name, !case["kept"].as_bool().unwrap(), "{case}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", MaskedBody::new(mask()));
        assert!(!shown.contains("secret-pk") && !shown.contains("other-key"), "{shown}");
    }
}
