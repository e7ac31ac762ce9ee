//! Server-sent events, byte by byte: any split, any of the three line ends. It hands on the data of each event and
//! does not know what it means.
//!
//! Source: WHATWG HTML, "Server-sent events", with one difference: an event that the end of the stream cuts off
//! before its blank line still counts, because a gateway passes such an end on (gateway 1.15.2).

use alloc::vec::Vec;
use core::mem;

use memchr::memchr2;

/// Largest event, and largest line, in bytes. An image in a chunk stays far below.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An event grew past [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// A decoder for one stream.
///
/// ```
/// let mut decoder = portkey_provider::sse::Decoder::default();
/// let mut events = Vec::new();
/// decoder.push(b"data: {\"a\"", |data| events.push(data.to_vec())).unwrap();
/// decoder.push(b":1}\n\n", |data| events.push(data.to_vec())).unwrap();
/// assert_eq!(events, [b"{\"a\":1}"]);
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    /// A line whose end has not come.
    line: Vec<u8>,
    /// The data of an event whose blank line has not come.
    data: Vec<u8>,
    has_data: bool,
    /// Whether the first line is past, and with it a byte order mark.
    started: bool,
    /// Whether the last byte was a CR: a LF after it belongs to the same line end.
    after_cr: bool,
}

impl Decoder {
    /// Reads `bytes` and calls `event` with the data of each event that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut event: impl FnMut(&[u8])) -> Result<(), TooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = memchr2(b'\n', b'\r', bytes) {
            let (head, tail) = bytes.split_at(at);
            if self.line.is_empty() {
                self.line(head, &mut event)?;
            } else {
                self.hold(head)?;
                let line = mem::take(&mut self.line);
                self.line(&line, &mut event)?;
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
    pub fn finish(&mut self, mut event: impl FnMut(&[u8])) -> Result<(), TooLarge> {
        let line = mem::take(&mut self.line);
        self.line(&line, &mut event)?;
        self.line(b"", &mut event)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + bytes.len() > MAX_EVENT {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, mut line: &[u8], event: &mut impl FnMut(&[u8])) -> Result<(), TooLarge> {
        if !mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            if mem::take(&mut self.has_data) {
                event(&self.data);
                self.data.clear();
            }
        } else if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return Ok(()),
            };
            if self.data.len() + value.len() > MAX_EVENT {
                return Err(TooLarge);
            }
            if mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        let mut event = |data: &[u8]| events.push(String::from_utf8(data.to_vec()).unwrap());
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
        decoder.push(b"data: a\r\r", |_| count += 1).unwrap();
        assert_eq!(count, 1, "a CR alone ends a line without waiting for a LF");
        decoder.push(b"\ndata: b\n", |_| count += 1).unwrap();
        assert_eq!(count, 1);
        decoder.push(b"\n", |_| count += 1).unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn only_one_space_is_taken() {
        assert_eq!(decode(&[b"data:  x \n\n"]), [" x "]);
    }

    #[test]
    fn a_byte_order_mark_counts_at_the_start_alone() {
        assert_eq!(decode(&["data: a\n\n\u{feff}data: b\n\n".as_bytes()]), ["a"]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let piece = vec![b'x'; 1 << 20];
        let mut decoder = Decoder::default();
        let line = (0..20).try_for_each(|_| decoder.push(&piece, |_| ()));
        assert_eq!(line, Err(TooLarge));
        let mut decoder = Decoder::default();
        let lines = (0..20).try_for_each(|_| {
            decoder.push(b"data:", |_| ())?;
            decoder.push(&piece, |_| ())?;
            decoder.push(b"\n", |_| ())
        });
        assert_eq!(lines, Err(TooLarge));
    }
}
