//! Suggests the known word that a misspelt one probably means.

use alloc::vec::Vec;
use core::mem;

/// Most bytes of a word that is compared: the known ones are far shorter.
const LONGEST: usize = 64;

/// The one of `known` that `word` was meant to be, and how many letters it is away: at most one in three. A word that
/// differs in case, `_` and `-` alone is 0 away.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<(usize, &'k str)> {
    let word = plain(word);
    let mut nearest = None;
    for known in known {
        let letters = plain(known);
        // As far apart as they differ in length, at least.
        if letters.len().abs_diff(word.len()) * 3 > known.len() {
            continue;
        }
        let distance = distance(&word, &letters);
        if distance * 3 <= known.len() && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, *known));
        }
    }
    nearest
}

fn plain(word: &str) -> Vec<u8> {
    let mut letters = Vec::with_capacity(LONGEST);
    for byte in word.bytes().take(LONGEST) {
        if !matches!(byte, b'_' | b'-') {
            letters.push(byte.to_ascii_lowercase());
        }
    }
    letters
}

/// How many letters must be put in, taken out or replaced to make one of the other (Levenshtein's distance).
fn distance(one: &[u8], other: &[u8]) -> usize {
    // To each beginning of `other`, from a beginning of `one` that grows.
    let mut row = [0; LONGEST + 1];
    row.iter_mut().enumerate().for_each(|(at, cost)| *cost = at);
    for letter in one {
        let (mut slant, mut last) = (row[0], row[0] + 1);
        row[0] = last;
        for (cost, theirs) in row[1..].iter_mut().zip(other) {
            last = (slant + usize::from(letter != theirs)).min(*cost + 1).min(last + 1);
            slant = mem::replace(cost, last);
        }
    }
    row.get(other.len()).copied().unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        const KNOWN: [&str; 5] = ["config", "traceId", "customHost", "debug", "fallback"];
        for (word, expected) in [
            ("confg", Some((1, "config"))),
            ("Config", Some((0, "config"))),
            ("cofnig", Some((2, "config"))),
            ("trace_id", Some((0, "traceId"))),
            ("customhots", Some((2, "customHost"))),
            ("fallbak", Some((1, "fallback"))),
            ("temperature", None),
            ("", None),
            ("c", None),
        ] {
            assert_eq!(nearest(word, &KNOWN), expected, "{word}");
        }
        assert_eq!(nearest(&"config".repeat(1000), &KNOWN), None);
    }
}
