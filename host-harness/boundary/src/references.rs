//! `${NAME}` in OpenClaw's configuration, and `$${NAME}`, the escaped form of that text. Owns how they are spelled; the
//! host looks up the value.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text without a reference.
    Text(&'t str),
    /// `${NAME}`: the name.
    Reference(&'t str),
    /// `$${NAME}`: the text that it means, `${NAME}`.
    Escaped(&'t str),
}

/// The text in pieces.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest.get(from..).and_then(|rest| rest.find('$')).map(|at| at + from) {
        let (before, found) = rest.split_at(at);
        let escaped = found.strip_prefix("$${").and_then(name);
        let reference = || found.strip_prefix("${").and_then(name);
        let (piece, length) = match escaped {
            Some(name) => (Piece::Escaped(found.get(1..name.len() + 4).unwrap_or_default()), name.len() + 4),
            None => match reference() {
                Some(name) => (Piece::Reference(name), name.len() + 3),
                None => {
                    from = at + 1;
                    continue;
                }
            },
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(piece);
        (rest, from) = (found.get(length..).unwrap_or_default(), 0);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The name that `text` begins with, before a `}`. No more is read than that: a text may hold any number of beginnings.
fn name(text: &str) -> Option<&str> {
    let end = text.find(|letter: char| !is_in_name(letter))?;
    let (name, rest) = text.split_at(end);
    (rest.starts_with('}') && is_name(name)).then_some(name)
}

fn is_in_name(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
}

/// Names are OpenClaw's: capitals, digits and `_`, no digit first.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.chars().all(is_in_name)
}

/// Whether the text holds a reference, or an escaped one.
pub fn is_reference(text: &str) -> bool {
    pieces(text).iter().any(|piece| !matches!(piece, Piece::Text(_)))
}

/// The names of all references in the text.
pub fn references(text: &str) -> Vec<String> {
    let name = |piece| match piece {
        Piece::Reference(name) => Some(name.to_owned()),
        _ => None,
    };
    pieces(text).into_iter().filter_map(name).collect()
}

/// The same, and the names of escaped ones.
pub(crate) fn names(text: &str) -> Vec<String> {
    let name = |piece| match piece {
        Piece::Reference(name) => Some(name),
        Piece::Escaped(text) => text.strip_prefix("${")?.strip_suffix('}'),
        Piece::Text(_) => None,
    };
    pieces(text).into_iter().filter_map(name).map(str::to_owned).collect()
}

/// The name in `$NAME`, the short form of `${NAME}` for a whole secret.
pub fn shorthand(text: &str) -> Option<&str> {
    text.trim().strip_prefix('$').filter(|name| is_name(name) && !name.starts_with('_') && name.len() <= 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitals_digits_and_underscores() {
        assert!(!is_reference("plain ${lower} ${1A} $ {X} $X"));
        assert_eq!(references("x ${A}-${B_2}${not one} ${_C"), ["A", "B_2"]);
        assert_eq!(
            (shorthand(" $A_1 "), shorthand("$a"), shorthand("$A b"), shorthand("A")),
            (Some("A_1"), None, None, None)
        );
    }

    #[test]
    fn a_doubled_sign_escapes_a_reference() {
        use Piece::{Escaped, Reference, Text};
        for (text, expected) in [
            ("a$${B}c", &[Text("a"), Escaped("${B}"), Text("c")][..]),
            ("$$${B}", &[Text("$"), Escaped("${B}")]),
            ("$${b}", &[Text("$${b}")]),
            ("$$${b} ${C}", &[Text("$$${b} "), Reference("C")]),
            ("${A$${B}", &[Text("${A"), Escaped("${B}")]),
            ("$", &[Text("$")]),
            ("", &[]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
        assert!(is_reference("$${A}") && references("$${A}").is_empty());
        assert_eq!(names("$${A} ${B} $${c}"), ["A", "B"]);
    }

    /// Where each beginning is followed to the end of the text, this takes minutes.
    #[test]
    fn a_text_of_beginnings_is_read_once() {
        for beginning in ["${", "$${", "${A", "$"] {
            let text = beginning.repeat(2_000_000) + "}";
            assert!(pieces(&text).len() < 3, "{beginning}");
        }
    }
}
