//! Reads the answer to an image request while it arrives: decodes each image piece by piece and takes it out; small
//! JSON remains. So an image is never in memory as text, and each byte is decoded while it is in the processor's cache.

use alloc::vec::Vec;
use core::mem;

use memchr::{memchr_iter, memchr2};

use crate::base64::{Base64, NotBase64};

/// The member that holds an image.
const NAME: &[u8] = b"\"b64_json\"";

/// No colon and quote that belong to a name come later, in bytes: white space without end is not waited through.
const APART: usize = 256;

/// An answer, as far as it has come.
///
/// ```
/// let mut answer = portkey_provider::images::Answer::new(30);
/// answer.push(br#"{"data":[{"b64_json":"AQ"#);
/// answer.push(br#"ID"}]}"#);
/// assert_eq!(answer.finish(), (br##"{"data":[{"b64_json":"#0"}]}"##.to_vec(), vec![Ok(vec![1, 2, 3])]));
/// ```
#[derive(Debug, Default)]
pub struct Answer {
    json: Vec<u8>,
    images: Vec<Result<Vec<u8>, NotBase64>>,
    open: Option<Base64>,
    /// A few bytes that only the next piece decides on.
    held: Vec<u8>,
    /// How many bytes are to come.
    left: usize,
}

/// How reading goes on, with what is left of the bytes.
enum Step<'b> {
    On(&'b [u8]),
    /// These few need more to be read.
    Hold(&'b [u8]),
}

impl Answer {
    /// An answer of so many bytes, as far as it is known.
    pub fn new(length: usize) -> Self {
        Self { left: length, ..Self::default() }
    }

    /// Reads a piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.held.is_empty() {
            self.held = self.read(piece).to_vec();
        } else {
            let mut bytes = mem::take(&mut self.held);
            bytes.extend_from_slice(piece);
            self.held = self.read(&bytes).to_vec();
        }
        self.left = self.left.saturating_sub(piece.len());
    }

    /// The JSON, where in the place of each image is its number behind a `#`, and the images.
    pub fn finish(mut self) -> (Vec<u8>, Vec<Result<Vec<u8>, NotBase64>>) {
        self.json.append(&mut self.held);
        (self.json, self.images)
    }

    fn read<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        loop {
            match if self.open.is_none() { self.text(bytes) } else { self.image(bytes) } {
                Step::On(rest) => bytes = rest,
                Step::Hold(rest) => return rest,
            }
        }
    }

    /// Reads to where an image starts.
    fn text<'b>(&mut self, bytes: &'b [u8]) -> Step<'b> {
        let is_name =
            |&at: &usize| bytes.get(at..).is_some_and(|rest| rest.starts_with(NAME) || NAME.starts_with(rest));
        let Some(at) = memchr_iter(b'"', bytes).find(is_name) else {
            self.json.extend_from_slice(bytes);
            return Step::Hold(b"");
        };
        let (before, name) = bytes.split_at(at);
        let value = name.get(NAME.len()..).unwrap_or_default().trim_ascii_start();
        let rest = match value.split_first() {
            Some((b':', value)) => match value.trim_ascii_start().split_first() {
                Some((b'"', rest)) => {
                    self.open = Some(Base64::with_capacity(self.left / 4 * 3));
                    rest
                }
                Some(_) => value,
                None => b"",
            },
            Some(_) => value,
            None => b"",
        };
        if rest.is_empty() && self.open.is_none() && name.len() < APART {
            self.json.extend_from_slice(before);
            return Step::Hold(name);
        }
        self.json.extend_from_slice(bytes.get(..bytes.len() - rest.len()).unwrap_or_default());
        Step::On(rest)
    }

    /// Reads an image to its end, where the quote is left to the text.
    fn image<'b>(&mut self, bytes: &'b [u8]) -> Step<'b> {
        let Some(open) = &mut self.open else { return Step::On(bytes) };
        let Some(at) = memchr2(b'"', b'\\', bytes) else {
            open.push(bytes);
            return Step::Hold(b"");
        };
        let (digits, rest) = bytes.split_at(at);
        open.push(digits);
        if rest.starts_with(b"\\") {
            return match escaped(rest) {
                Some((digit, rest)) => {
                    open.push(&[digit]);
                    Step::On(rest)
                }
                None => Step::Hold(rest),
            };
        }
        // An empty text is no image, and stays what it is.
        if let Some(open) = self.open.take().filter(|open| open.has_come) {
            self.json.extend_from_slice(alloc::format!("#{}", self.images.len()).as_bytes());
            self.images.push(open.finish());
        }
        Step::On(rest)
    }
}

/// The digit behind an escape, and what follows; what is no digit for anything else. `None`: there is more to come.
fn escaped(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (kind, rest) = bytes.get(1..)?.split_first()?;
    Some(match kind {
        b'/' => (b'/', rest),
        b'f' | b'n' | b'r' | b't' => (b' ', rest),
        b'u' => {
            let (digits, rest) = rest.split_at_checked(4)?;
            let byte = str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
            (byte.map_or(b'*', |byte| if byte.is_ascii_whitespace() { b' ' } else { byte }), rest)
        }
        _ => (b'*', rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::BATCH;
    use alloc::string::String;
    use alloc::vec;
    use base64_simd::{STANDARD, URL_SAFE_NO_PAD};

    fn read(pieces: &[&[u8]]) -> (String, Vec<Option<Vec<u8>>>) {
        let mut answer = Answer::new(0);
        pieces.iter().for_each(|piece| answer.push(piece));
        let (json, images) = answer.finish();
        (String::from_utf8(json).unwrap(), images.into_iter().map(Result::ok).collect())
    }

    #[test]
    fn every_split_gives_the_same() {
        let text = r#"{"b64_json" : "AQID" ,"b64_json":null,"b64_json":"","\"b64_json\":\"":1,"b64_json":"\/\u002b\n_-","x":"b64_json","b64_json"
            :"data:image\/png;base64,AQ==","b64_json":"%","b64_jso":"A"}"#;
        let json = r##"{"b64_json" : "#0" ,"b64_json":null,"b64_json":"","\"b64_json\":\"":1,"b64_json":"#1","x":"b64_json","b64_json"
            :"#2","b64_json":"#3","b64_jso":"A"}"##;
        let expected = (json.into(), vec![Some(vec![1, 2, 3]), Some(vec![255, 239, 254]), Some(vec![1]), None]);
        let bytes = text.as_bytes();
        assert_eq!(read(&[bytes]), expected);
        assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), expected);
        for at in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]]), expected, "split at {at}");
        }
    }

    #[test]
    fn what_is_cut_off_stays_what_it_is() {
        for (text, json) in [
            (r#"{"b64_json":"AQID"#, r#"{"b64_json":""#),
            (r#"{"b64_json":"AQID\"#, r#"{"b64_json":"\"#),
            (r#"{"b64_json" "#, r#"{"b64_json" "#),
            (r#"{"b64_js"#, r#"{"b64_js"#),
        ] {
            assert_eq!(read(&[text.as_bytes()]), (json.into(), vec![]), "{text}");
        }
    }

    #[test]
    fn white_space_without_end_is_no_image() {
        let text = alloc::format!(r#"{{"b64_json"{}:"AQID"}}"#, " ".repeat(APART));
        assert_eq!(read(&text.as_bytes().chunks(7).collect::<Vec<_>>()), (text.clone(), vec![]));
    }

    #[test]
    fn base64_in_every_spelling() {
        let decoded = |text: &str| {
            let text = text.replace('\r', "\\r").replace('\n', "\\u000a").replace('\t', "\\f");
            let [image] = &read(&[alloc::format!(r#"{{"b64_json":"{text}"}}"#).as_bytes()]).1[..] else {
                panic!("{text}")
            };
            image.clone()
        };
        let data: Vec<u8> = (0..=255).cycle().take(3 * BATCH).collect();
        for length in [data.len(), 255, 254, 1, BATCH / 4 * 3, BATCH / 4 * 3 + 6, BATCH / 4 * 3 + 7] {
            let data = &data[..length];
            for text in [STANDARD.encode_to_string(data), URL_SAFE_NO_PAD.encode_to_string(data)] {
                let lines: Vec<&str> = text.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
                let whole = alloc::format!("data:image/x-png;base64,{text}==");
                for text in [text.clone(), lines.join("\r\n \t") + "\n", whole] {
                    assert_eq!(decoded(&text).as_deref(), Some(data), "{length}: {text}");
                }
            }
        }
        let broken = "AAAA".repeat(BATCH) + "*" + &"AAAA".repeat(BATCH);
        let endless = alloc::format!("data:{}", "AAAA".repeat(2 * BATCH));
        let blank = " ".repeat(2 * BATCH);
        for text in [&broken, &endless, &blank] {
            assert_eq!(decoded(text), None);
            let answer = alloc::format!(r#"{{"b64_json":"{text}"}}"#);
            for length in [1000, 5000, 9000] {
                let pieces: Vec<&[u8]> = answer.as_bytes().chunks(length).collect();
                assert_eq!(read(&pieces).1, [None], "pieces of {length}");
            }
        }
        for text in ["A", "AAAAA", "AA=A", "A*AA", "AAA\u{e9}", "<html>", " ", "=", "data:image/png", "\\bAAA", &broken]
        {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
