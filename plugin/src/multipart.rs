//! `multipart/form-data` bodies (RFC 7578). [`crate::form`] chooses the fields.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use memchr::memchr_iter;

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
    let mut taken = Vec::new();
    for part in parts {
        taken.extend(numbers(part.data));
    }
    // One number more than are taken: so one is free, and it is found in one pass.
    let mut is_taken = vec![false; taken.len() + 1];
    for number in taken {
        if let Some(is_taken) = is_taken.get_mut(number) {
            *is_taken = true;
        }
    }
    let boundary = boundary(is_taken.iter().position(|is_taken| !is_taken).unwrap_or(is_taken.len()));
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

const BOUNDARY: &str = "----portkey-provider-";
/// Digits of the number that follows.
const DIGITS: usize = 8;

fn boundary(number: usize) -> String {
    format!("{BOUNDARY}{number:0DIGITS$x}")
}

/// The numbers of the boundaries that occur in `data`.
fn numbers(data: &[u8]) -> impl Iterator<Item = usize> {
    memchr_iter(b'-', data).filter_map(|at| {
        let number = data.get(at..)?.strip_prefix(BOUNDARY.as_bytes())?.get(..DIGITS)?;
        usize::from_str_radix(str::from_utf8(number).ok()?, 16).ok()
    })
}

/// As browsers do (WHATWG HTML, "multipart/form-data").
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
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
        assert_eq!(content_type, "multipart/form-data; boundary=----portkey-provider-00000000");
        let expected = b"------portkey-provider-00000000\r\n\
            Content-Disposition: form-data; name=\"model\"\r\n\r\ngpt-image-2\r\n\
            ------portkey-provider-00000000\r\n\
            Content-Disposition: form-data; name=\"image[]\"; filename=\"a%22b%0D%0A.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n\
            ------portkey-provider-00000000--\r\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn the_boundary_occurs_in_no_part() {
        for (taken, free) in
            [(&[][..], 0), (&[0, 1], 2), (&[1, 1, 2, 700], 0), (&[2, 0, 1, 0], 3), (&[0xffff_ffff, 0], 1)]
        {
            let data: String = taken.iter().map(|&number| format!("---{}", boundary(number))).collect();
            let part = |data| Part { name: "x", file: None, data };
            let (content_type, _) = encode(&[part(BOUNDARY.as_bytes()), part(data.as_bytes())]);
            assert_eq!(content_type, format!("multipart/form-data; boundary={}", boundary(free)), "{taken:?}");
        }
    }
}
