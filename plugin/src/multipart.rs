//! `multipart/form-data` bodies (RFC 7578). What goes into them is [`crate::images`]'s to say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr;

/// One field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Name of the field.
    pub name: &'a str,
    /// File name and media type, where it is a file.
    pub file: Option<(&'a str, &'a str)>,
    /// Its bytes.
    pub data: &'a [u8],
}

/// The content type, and the body.
///
/// The boundary is the same for the same parts, so that a call can be repeated byte for byte, and occurs in none of
/// them: that is checked, not hoped for.
pub fn encode(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut number = 0u64;
    let mut boundary = boundary(number);
    while parts.iter().any(|part| contains(part.data, boundary.as_bytes())) {
        number += 1;
        boundary = self::boundary(number);
    }
    let size: usize = parts.iter().map(|part| part.data.len() + part.name.len() + 256).sum();
    let mut body = Vec::with_capacity(size + 64);
    for part in parts {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", escape(part.name));
        if let Some((file_name, media_type)) = part.file {
            head.push_str(&format!("; filename=\"{}\"\r\nContent-Type: {}", escape(file_name), escape(media_type)));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(part.data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn boundary(number: u64) -> String {
    format!("----portkey-provider-{number:016x}")
}

/// As browsers do (WHATWG HTML, "multipart/form-data").
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn contains(data: &[u8], needle: &[u8]) -> bool {
    let Some((first, tail)) = needle.split_first() else { return true };
    let mut rest = data;
    while let Some(at) = memchr(*first, rest) {
        let (_, found) = rest.split_at(at);
        let Some((_, after)) = found.split_first() else { return false };
        if after.starts_with(tail) {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_form() {
        let parts = [
            Part { name: "model", file: None, data: b"gpt-image-2" },
            Part { name: "image[]", file: Some(("a\"b\r\n.png", "image/png")), data: b"\x89PNG\r\n" },
        ];
        let (content_type, body) = encode(&parts);
        assert_eq!(content_type, "multipart/form-data; boundary=----portkey-provider-0000000000000000");
        let expected = b"------portkey-provider-0000000000000000\r\n\
            Content-Disposition: form-data; name=\"model\"\r\n\r\ngpt-image-2\r\n\
            ------portkey-provider-0000000000000000\r\n\
            Content-Disposition: form-data; name=\"image[]\"; filename=\"a%22b%0D%0A.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n\
            ------portkey-provider-0000000000000000--\r\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn the_boundary_occurs_in_no_part() {
        let taken = boundary(0);
        let also = boundary(1);
        let data = format!("-----{taken}{also}");
        let (content_type, _) = encode(&[Part { name: "x", file: None, data: data.as_bytes() }]);
        assert_eq!(content_type, format!("multipart/form-data; boundary={}", boundary(2)));
    }
}
