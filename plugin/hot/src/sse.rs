//! Server-sent events, byte by byte: any split, any of the three line ends. It hands on the data of each event and
//! does not know what it means.
//!
//! Source: WHATWG HTML, "Server-sent events". What it would drop, and some servers mean, counts here too:
//!
//! - an event that the end of the stream cuts off before its blank line, because a gateway passes such an end on
//!   (gateway 1.15.2);
//! - lines behind white space, and blank lines of white space;
//! - JSON objects that stand line below line without a blank line between them, each of which is an event: where one ends
//!   and the next begins, or the name of one, no JSON goes on;
//! - a JSON object or list without `data:`, on one line or on several;
//! - a field named `error`, and a web page of a proxy's, each of which is an event of that name;
//! - a field behind a byte order mark or a control character (.NET writes the one with each flush, RFC 7464 has the other
//!   between records);
//! - JSON on several lines of which the first alone has `data:`.
//!
//! Words that are no field are kept until the next object comes: an error of a proxy's may be the last of a stream.
//!
//! The data of an event that is named after keeping a connection alive counts for nothing.

use alloc::vec::Vec;
use core::mem;

use memchr::memchr2;

use crate::json::Nesting;

/// Largest event, and largest line, in bytes. An image in a chunk stays far below.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// How much is kept of words that are no field, in bytes: the last of them.
const MAX_WORDS: usize = 1024;

/// An event grew past [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'d> {
    /// Its lines of data, joined.
    pub data: &'d [u8],
    /// Whether it says by its name that it is an error.
    pub is_error: bool,
}

/// What the name of an event says of it.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    is_error: bool,
    is_idle: bool,
}

/// A decoder for one stream.
///
/// ```
/// let mut decoder = portkey_hot::sse::Decoder::default();
/// let mut events = Vec::new();
/// decoder.push(b"data: {\"a\"", &mut |event| events.push(event.data.to_vec())).unwrap();
/// decoder.push(b":1}\n\n", &mut |event| events.push(event.data.to_vec())).unwrap();
/// assert_eq!(events, [b"{\"a\":1}"]);
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    /// A line whose end has not come.
    line: Vec<u8>,
    /// The data of an event whose blank line has not come.
    data: Vec<u8>,
    has_data: bool,
    /// Whether the data ends as an object or a list does, but for blanks.
    is_whole: bool,
    /// Whether its name says that it is an error, or keeps the connection alive.
    name: Name,
    /// A name behind whole data: a blank line makes it that event's, anything else the next one's.
    late_name: Option<Name>,
    /// A JSON object without `data:` that has not come to its end.
    bare: Option<Nesting>,
    /// Lines that are no field, since the last event that holds an object.
    words: Vec<u8>,
    /// Whether the last byte was a CR: a LF after it belongs to the same line end.
    after_cr: bool,
}

impl Decoder {
    /// Reads `bytes` and calls `event` with each event that they complete.
    pub fn push(&mut self, mut bytes: &[u8], event: &mut dyn FnMut(Event<'_>)) -> Result<(), TooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = memchr2(b'\n', b'\r', bytes) {
            let (head, tail) = bytes.split_at(at);
            if self.line.is_empty() {
                self.line(head, event)?;
            } else {
                self.hold(head)?;
                let line = mem::take(&mut self.line);
                self.line(&line, event)?;
            }
            bytes = match tail {
                [b'\r', b'\n', rest @ ..] => rest,
                [end, rest @ ..] => {
                    self.after_cr = *end == b'\r' && rest.is_empty();
                    rest
                }
                [] => tail,
            };
        }
        self.hold(bytes)
    }

    /// The stream is over: an unfinished line and an unfinished event count as finished.
    pub fn finish(&mut self, event: &mut dyn FnMut(Event<'_>)) -> Result<(), TooLarge> {
        let line = mem::take(&mut self.line);
        self.line(&line, event)?;
        self.bare = None;
        self.dispatch(event);
        // One whose data never came.
        self.dispatch(event);
        Ok(())
    }

    /// The words behind the last object.
    pub fn words(&self) -> &[u8] {
        &self.words
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + bytes.len() > MAX_EVENT {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, mut line: &[u8], event: &mut dyn FnMut(Event<'_>)) -> Result<(), TooLarge> {
        if line.first().is_some_and(u8::is_ascii_whitespace) {
            line = line.trim_ascii_start();
        }
        if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return self.odd(line, event),
            };
            if self.has_data {
                // Behind an object or a list no JSON goes on but in these ways.
                let is_next = self.is_whole && !matches!(value.trim_ascii_start(), [] | [b',' | b'}' | b']', ..]);
                if self.bare.take().is_some() || is_next {
                    self.dispatch(event);
                }
            }
            return self.data(value);
        }
        if let Some(mut bare) = self.bare {
            bare.push(line);
            self.bare = Some(bare).filter(|bare| bare.is_open());
            self.data(line)?;
            if self.bare.is_none() {
                self.dispatch(event);
            }
            return Ok(());
        }
        match line {
            [] => {
                self.name = self.late_name.take().unwrap_or(self.name);
                self.dispatch(event);
            }
            [b'{' | b'[', ..] => {
                if self.has_data {
                    self.dispatch(event);
                }
                let mut bare = Nesting::default();
                bare.push(line);
                self.data(line)?;
                if bare.is_open() {
                    self.bare = Some(bare);
                } else {
                    self.dispatch(event);
                }
            }
            [b'e', b'v', b'e', b'n', b't', b':', name @ ..] => {
                let name = name.trim_ascii();
                let is_one_of = |names: &[&[u8]]| names.iter().any(|one| name.eq_ignore_ascii_case(one));
                let name = Name {
                    is_error: is_one_of(&[b"error", b"exception", b"failure"]),
                    is_idle: is_one_of(&[b"ping", b"heartbeat", b"keepalive", b"keep-alive", b"keep_alive"]),
                };
                if self.is_whole {
                    self.late_name = Some(name);
                } else {
                    self.name = name;
                }
            }
            [b'e', b'r', b'r', b'o', b'r', b':', value @ ..] if !value.trim_ascii().is_empty() => {
                self.dispatch(event);
                self.name.is_error = true;
                self.data(value.trim_ascii())?;
                self.dispatch(event);
            }
            [b'<', ..] => {
                // The lines of a page are one event.
                if !self.name.is_error {
                    self.dispatch(event);
                }
                self.name.is_error = true;
                self.data(line)?;
            }
            [b':', ..] => {}
            _ => return self.odd(line, event),
        }
        Ok(())
    }

    /// A line that the standard drops.
    #[cold]
    fn odd(&mut self, line: &[u8], event: &mut dyn FnMut(Event<'_>)) -> Result<(), TooLarge> {
        let mut clean = line;
        while let Some(rest) = clean.strip_prefix(b"\xef\xbb\xbf").or(match clean {
            [first, rest @ ..] if *first <= b' ' => Some(rest),
            _ => None,
        }) {
            clean = rest;
        }
        if clean.len() < line.len() {
            return self.line(clean, event);
        }
        // The data is JSON that goes on. Its end is looked for once.
        if let [b'"' | b'}' | b']', ..] = line
            && let [b'{' | b'[', ..] = self.data.as_slice()
            && self.has_data
        {
            let mut nesting = Nesting::default();
            nesting.push(&self.data);
            if !nesting.is_open() {
                self.dispatch(event);
                return Ok(());
            }
            self.bare = Some(nesting);
            return self.line(line, event);
        }
        // The end of the stream may cut off the name of a field.
        let is_field = |field: &&[u8]| line.starts_with(field) || field.starts_with(line);
        if ![&b"data:"[..], b"event:", b"id:", b"retry:"].iter().any(is_field) {
            self.words.push(b' ');
            self.words.extend_from_slice(line);
            self.words.drain(..self.words.len().saturating_sub(MAX_WORDS));
        }
        Ok(())
    }

    fn data(&mut self, value: &[u8]) -> Result<(), TooLarge> {
        if self.data.len() + value.len() > MAX_EVENT {
            return Err(TooLarge);
        }
        if mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        } else if value.starts_with(b"{") {
            self.words.clear();
        }
        // Most end so.
        if let [.., b'}' | b']'] = value {
            self.is_whole = true;
        } else if let [.., last] = value.trim_ascii_end() {
            self.is_whole = matches!(last, b'}' | b']');
        }
        self.data.extend_from_slice(value);
        Ok(())
    }

    /// Hands on what has come. An event that is named an error is one without data too.
    fn dispatch(&mut self, event: &mut dyn FnMut(Event<'_>)) {
        let Name { is_error, is_idle } = mem::replace(&mut self.name, self.late_name.take().unwrap_or_default());
        if mem::take(&mut self.has_data) || is_error {
            if !is_idle {
                event(Event { data: &self.data, is_error });
            }
            self.data.clear();
            self.is_whole = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::string::String;
    use alloc::vec;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        let mut event = |event: Event<'_>| {
            let mark = if event.is_error { "!" } else { "" };
            events.push(alloc::format!("{mark}{}", str::from_utf8(event.data).unwrap()));
        };
        for piece in pieces {
            decoder.push(piece, &mut event).unwrap();
        }
        decoder.finish(&mut event).unwrap();
        events
    }

    const STREAM: &str = "\u{feff}: hi\n\ndata: eins €\n\nevent: x\ndata:zwei\ndata: 2\nid: 4\n\ndata\n\n\ndatabase: no\nretry: 1\n\n\ndata: [DONE]";

    #[test]
    fn every_split_gives_the_same_events() {
        for ending in ["\n", "\r\n", "\r"] {
            let stream = STREAM.replace('\n', ending);
            let bytes = stream.as_bytes();
            let whole = decode(&[bytes]);
            assert_eq!(whole, ["eins €", "zwei\n2", "", "[DONE]"], "{ending:?}");
            for at in 0..=bytes.len() {
                assert_eq!(decode(&[&bytes[..at], &bytes[at..]]), whole, "{ending:?} split at {at}");
                assert_eq!(decode(&[&bytes[..at], b"", &bytes[at..]]), whole, "{ending:?} split at {at}, empty read");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(decode(&single), whole);
        }
    }

    #[test]
    fn events_come_as_soon_as_their_blank_line_does() {
        let mut decoder = Decoder::default();
        let mut count = 0;
        decoder.push(b"data: a\r\r", &mut |_| count += 1).unwrap();
        assert_eq!(count, 1, "a CR alone ends a line without waiting for a LF");
        decoder.push(b"\ndata: b\n", &mut |_| count += 1).unwrap();
        assert_eq!(count, 1);
        decoder.push(b"\n", &mut |_| count += 1).unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn only_one_space_is_taken() {
        assert_eq!(decode(&[b"data:  x \n\n"]), [" x "]);
    }

    #[test]
    fn a_byte_order_mark_drops_no_line() {
        assert_eq!(decode(&["data: a\n\n\u{feff}data: b\n\n\u{feff}\u{feff}\n".as_bytes()]), ["a", "b"]);
    }

    /// What the standard drops, whatever the split.
    #[test]
    fn lines_that_servers_mean() {
        for (stream, events) in [
            ("data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]\n", &["{\"a\":1}", "{\"b\":2}", "[DONE]"][..]),
            ("data: {\ndata: \"a\":1}\n\n", &["{\n\"a\":1}"]),
            ("  data: a\n \t\n data:b\n\n", &["a", "b"]),
            ("data: a\n\n{\"error\":\"x\"}\n", &["a", "{\"error\":\"x\"}"]),
            ("data: a\n{\n \"b\": \"}\"\n\n}\ndata: c", &["a", "{\n\"b\": \"}\"\n\n}", "c"]),
            ("{\"a\":1}\n{\"b\":2}\n{\"c\"", &["{\"a\":1}", "{\"b\":2}", "{\"c\""]),
            ("{\"a\"\ndata: b\n\n", &["{\"a\"", "b"]),
            ("data: a\n\nerror: {\"b\":1}\n\ndata: c\n\n", &["a", "!{\"b\":1}", "c"]),
            ("event: error\ndata: a\n\ndata: b\n\n", &["!a", "b"]),
            ("data: {}\nevent: error\ndata: a\ndata: b\n\n", &["{}", "!a\nb"]),
            ("data: {}\nevent: ping\ndata: {\"a\":1}\nevent: x\ndata: {\"b\":1}", &["{}", "{\"b\":1}"]),
            ("data: a\nevent: error\n\n", &["!a"]),
            ("data: {\"n\":7}\nevent: error\n\ndata: b\n\n", &["!{\"n\":7}", "b"]),
            ("data: {}\ndata:\nevent: error\ndata: a\n\n", &["{}\n", "!a"]),
            ("data: {}\nevent: error", &["{}", "!"]),
            ("event:Error\n\n", &["!"]),
            ("event: error", &["!"]),
            ("data: a\n\n[{\"error\":\"x\"}]\n[DONE]", &["a", "[{\"error\":\"x\"}]", "[DONE]"]),
            ("data: a\n\n<html>\n<title>502</title>\n\ndata: b\n\n", &["a", "!<html>\n<title>502</title>", "b"]),
            ("data: a\n<html>\n</html>", &["a", "!<html>\n</html>"]),
            ("event: message\ndata: a\n\nerror\nerror:\nerrors: x\n\n", &["a"]),
            ("event: ping\ndata: a\n\nevent: Keep-Alive\ndata: 1\n\ndata: b\n\n", &["b"]),
            ("data: a\n\ndata-x: e\n\n", &["a"]),
            ("\0\0data: a\n\n\u{1e}{\"b\":1}\n\u{1e}{\"c\":2}\n\0\n", &["a", "{\"b\":1}", "{\"c\":2}"]),
            ("data: {\n\n", &["{"]),
            ("data: {\n  \"a\": [\n    1,\n    2\n  ]\n}\n\ndata: b\n\n", &["{\n\"a\": [\n1,\n2\n]\n}", "b"]),
            ("data: {\"a\":1}\n}\n\ndata: b\n\n", &["{\"a\":1}", "b"]),
        ] {
            for stream in [stream.to_owned(), stream.replace('\n', "\r\n"), stream.replace('\n', "\r")] {
                let bytes = stream.as_bytes();
                for at in 0..=bytes.len() {
                    assert_eq!(decode(&[&bytes[..at], &bytes[at..]]), events, "{stream:?} split at {at}");
                }
            }
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let piece = vec![b'x'; 1 << 20];
        let mut decoder = Decoder::default();
        let line = (0..20).try_for_each(|_| decoder.push(&piece, &mut |_| ()));
        assert_eq!(line, Err(TooLarge));
        let mut decoder = Decoder::default();
        let lines = (0..20).try_for_each(|_| {
            decoder.push(b"data:", &mut |_| ())?;
            decoder.push(&piece, &mut |_| ())?;
            decoder.push(b"\n", &mut |_| ())
        });
        assert_eq!(lines, Err(TooLarge));
    }
}
