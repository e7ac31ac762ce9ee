//! Base64: written in the standard alphabet, read in either, with or without padding and line breaks.
//!
//! Why not the crate of that name: it takes 7 kB and reads one spelling at a time, and gateways differ.

use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Neither a digit nor to be skipped.
const BAD: u8 = 0xff;
/// White space, and padding at the end.
const SKIP: u8 = 0xfe;

/// What each byte stands for.
#[allow(clippy::indexing_slicing, reason = "it is evaluated at compile time, where a panic is an error")]
const VALUES: [u8; 256] = {
    let mut values = [BAD; 256];
    let mut digit = 0;
    while digit < 64 {
        values[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values[b' ' as usize] = SKIP;
    values[b'\t' as usize] = SKIP;
    values[b'\n' as usize] = SKIP;
    values[b'\r' as usize] = SKIP;
    values
};

/// Appends `data`, padded.
pub fn encode(out: &mut Vec<u8>, data: &[u8]) {
    let digit = |bits: u32| ALPHABET.get(bits as usize & 63).copied().unwrap_or(b'=');
    out.reserve(data.len().div_ceil(3) * 4);
    let (threes, rest) = data.as_chunks::<3>();
    for [a, b, c] in threes {
        let bits = u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c);
        out.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)]);
    }
    match rest {
        [a] => {
            let bits = u32::from(*a) << 16;
            out.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), b'=', b'=']);
        }
        [a, b] => {
            let bits = u32::from(*a) << 16 | u32::from(*b) << 8;
            out.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), b'=']);
        }
        _ => {}
    }
}

/// The bytes that `text` spells; `None` where it is no base64.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.trim_ascii_end().trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(rest.len() / 4 * 3 + 3);
    // Digits that do not make up three bytes yet, and how many.
    let (mut bits, mut count) = (0, 0);
    loop {
        if count == 0 {
            rest = decode_fours(&mut out, rest);
        }
        let Some((&byte, after)) = rest.split_first() else { break };
        rest = after;
        match value(byte) {
            SKIP => continue,
            BAD => return None,
            digit => bits = bits << 6 | u32::from(digit),
        }
        count += 1;
        if count == 4 {
            push(&mut out, bits);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => {}
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return None,
    }
    Some(out)
}

/// The fast path: four digits at a time, up to the first four that are not all digits.
fn decode_fours<'t>(out: &mut Vec<u8>, mut text: &'t [u8]) -> &'t [u8] {
    while let Some((four, after)) = text.split_first_chunk::<4>() {
        let [a, b, c, d] = four.map(|byte| u32::from(value(byte)));
        if (a | b | c | d) > 63 {
            break;
        }
        push(out, a << 18 | b << 12 | c << 6 | d);
        text = after;
    }
    text
}

fn push(out: &mut Vec<u8>, bits: u32) {
    out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
}

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(BAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::Engine;
    use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn writes_and_reads_what_the_crate_does() {
        let data: Vec<u8> =
            (0..=255).cycle().take(1031).map(|byte: u8| byte.wrapping_mul(37).wrapping_add(11)).collect();
        for length in (0..70).chain([1029, 1030, 1031]) {
            let data = &data[..length];
            let mut ours = Vec::new();
            encode(&mut ours, data);
            assert_eq!(String::from_utf8(ours).unwrap(), STANDARD.encode(data));
            for text in [
                STANDARD.encode(data),
                STANDARD_NO_PAD.encode(data),
                URL_SAFE.encode(data),
                URL_SAFE_NO_PAD.encode(data),
            ] {
                assert_eq!(decode(&text).as_deref(), Some(data), "{text}");
                for step in [1, 3, 4, 5, 76] {
                    let lines: Vec<&str> =
                        text.as_bytes().chunks(step).map(|line| core::str::from_utf8(line).unwrap()).collect();
                    if !text.contains('=') {
                        assert_eq!(decode(&lines.join("\r\n ")).as_deref(), Some(data));
                    }
                    assert_eq!(decode(&format!("{text}\n")).as_deref(), Some(data));
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_base64() {
        for text in ["A", "AAAAA", "AA=A", "A*AA", "AAA\u{e9}", "<html>"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
