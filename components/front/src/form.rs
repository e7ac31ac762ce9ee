//! Forms, as requests with files have them.
//!
//! Source: RFC 7578.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use nostd_multipart::{Event, Parser, content_disposition};

use crate::bindings::openclaw::provider::types::Media;
use crate::failure::Failure;
use crate::fields::MOST_MEMBERS;

/// Longest line in the head of a form's part. That of OpenAI's clients are below 200 bytes.
const LINE: usize = 1024;
/// Most lines in the head of a form's part.
const LINES: usize = 8;

/// Most parts of a form: their names become members of an object.
const PARTS: usize = MOST_MEMBERS as usize;

/// A part of a form.
pub(crate) struct Part {
    pub(crate) name: String,
    media_type: String,
    data: Vec<u8>,
}

impl Part {
    /// A file.
    pub(crate) fn media(self) -> Media {
        Media { media_type: self.media_type, data: self.data }
    }

    /// A field: its name and its text.
    pub(crate) fn text(self) -> Result<(String, String), Box<Failure>> {
        match String::from_utf8(self.data) {
            Ok(text) => Ok((self.name, text)),
            Err(_) => Err(Failure::invalid_field(&self.name, "is not text")),
        }
    }
}

/// The parts of a form.
pub(crate) fn parts(content_type: &[u8], body: &[u8]) -> Result<Vec<Part>, Box<Failure>> {
    let malformed = |error| Failure::invalid(format!("The form cannot be read: {error}"));
    let mut parser = Parser::<'_, LINE, LINES>::from_content_type(content_type).map_err(malformed)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = body;
    loop {
        let (read, event) = parser.parse(rest, true).map_err(malformed)?;
        match (event, parts.last_mut()) {
            (Some(Event::PartStart), _) => {
                if parts.len() == PARTS {
                    return Err(Failure::invalid(format!("The form has more than {PARTS} parts")));
                }
                parts.push(Part { name: String::new(), media_type: String::new(), data: Vec::new() });
            }
            (Some(Event::Header { name, value }), Some(part)) => {
                if name.eq_ignore_ascii_case(b"content-disposition") {
                    let name = content_disposition(value).map_err(malformed)?.name();
                    let name: Vec<u8> = name.map(|name| name.bytes().collect()).unwrap_or_default();
                    part.name = String::from_utf8_lossy(&name).into_owned();
                } else if name.eq_ignore_ascii_case(b"content-type") {
                    part.media_type = String::from_utf8_lossy(value).into_owned();
                }
            }
            (Some(Event::Data(bytes)), Some(part)) => part.data.extend_from_slice(bytes),
            (Some(Event::Finished), _) => return Ok(parts),
            _ => {}
        }
        (_, rest) = rest.split_at_checked(read).unwrap_or((rest, &[]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_more_parts_than_anyone_means_is_refused() {
        let form = |count: usize| {
            let part = |number| format!("--b\r\ncontent-disposition: form-data; name=\"f{number}\"\r\n\r\nx\r\n");
            let body = (0..count).map(part).collect::<String>() + "--b--\r\n";
            parts(b"multipart/form-data; boundary=b", body.as_bytes()).map(|parts| parts.len())
        };
        assert_eq!(form(PARTS).ok(), Some(PARTS));
        assert!(form(PARTS + 1).is_err());
    }
}
