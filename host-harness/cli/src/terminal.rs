//! Makes text from a model, a gateway, a file or a component safe for a terminal. Owns which characters control one;
//! `output` owns what is printed where.
//!
//! Control characters can make a terminal write elsewhere, set its title or the clipboard, or answer as if the user
//! typed. Direction marks can make a text look like another.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Whether a terminal, or whoever reads one, is led astray by this character: those of Unicode's `Cc` but for line breaks
/// and tabs, all `Bidi_Control`, and the separators of lines and paragraphs.
fn steers(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    character.is_control() && !is_layout || is_mark(character)
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without what steers a terminal; it may have many lines.
pub(crate) fn text(text: &str) -> String {
    text.chars().filter(|&character| !steers(character)).collect()
}

/// The same on one line.
pub(crate) fn line(text: &str) -> String {
    let on_one_line = text.chars().map(|character| if matches!(character, '\n' | '\t') { ' ' } else { character });
    on_one_line.filter(|&character| !steers(character)).collect()
}

/// A text for the cell of a table, in lines of at most 1,000 letters: the table is drawn in a time that grows as the square
/// of its longest line.
pub(crate) fn cell(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(1000).map(String::from_iter).collect::<Vec<_>>().join("\n")
}

/// Whether [`line()`] would leave the text as it is.
pub(crate) fn is_line(text: &str) -> bool {
    !text.chars().any(|character| steers(character) || matches!(character, '\n' | '\t'))
}

/// `text` that holds styles of our own: those are kept, all else that steers is not. What others wrote in it must have
/// passed one of the above before, or it has styles too.
pub(crate) fn styled(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(character) = rest.chars().next() {
        let length = if let Some(style) = style(rest) {
            kept.push_str(style);
            style.len()
        } else {
            kept.extend(Some(character).filter(|&character| !steers(character)));
            character.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(kept)
}

/// The sequence for a style that `text` begins with: `ESC [ 1 ; 31 m`.
fn style(text: &str) -> Option<&str> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let length = numbers.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    numbers.get(length..)?.starts_with('m').then(|| text.get(..length + 3))?
}

/// JSON that says the same and holds nothing that steers: in valid JSON such a character stands in a string.
pub(crate) fn json(json: &str) -> Cow<'_, str> {
    let is_told = |character: char| steers(character) && !character.is_ascii() || character == '\u{7f}';
    if !json.contains(is_told) {
        return Cow::Borrowed(json);
    }
    let escaped = json.chars().map(|character| {
        if is_told(character) { format!("\\u{:04x}", u32::from(character)) } else { character.to_string() }
    });
    Cow::Owned(escaped.collect())
}

/// Writes lines of a log, which may tell of what a server sent.
#[derive(Debug)]
pub(crate) struct Log<W>(pub(crate) W);

impl<W: Write> Write for Log<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(styled(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Title, clipboard, a question to be answered, cursor, C1 forms, a backspace, direction of writing.
    const HOSTILE: [&str; 12] = [
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;cm0=\u{1b}\\",
        "\u{1b}[6n",
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}P$q\u{1b}\\",
        "\u{9b}31m",
        "\u{9d}0;title\u{9c}",
        "\u{90}q\u{9c}",
        "safe\u{8}\u{8}\u{8}\u{8}evil\r",
        "\u{202e}gpj.exe\u{202c}",
        "\u{2066}a\u{2069}\u{61c}\u{200e}\u{200f}",
        "\u{2028}\u{2029}\u{7f}\u{0}",
    ];

    #[test]
    fn nothing_that_steers_is_left() {
        for hostile in HOSTILE {
            let around = format!("a{hostile}b\nc\td");
            for clean in [text(&around), line(&around), styled(&around).into_owned()] {
                assert!(!clean.chars().any(steers), "{around:?} gave {clean:?}");
                assert!(clean.starts_with('a') && clean.ends_with('d'), "{clean:?}");
            }
            assert!(is_line(&line(&around)) && !is_line(hostile), "{hostile:?}");
        }
    }

    #[test]
    fn what_people_write_stays() {
        for plain in ["naïve 値段 👩‍👩‍👧 שלום مرحبا", "a\nb\tc"] {
            assert_eq!(text(plain), plain);
            assert_eq!(styled(plain), plain);
            assert_eq!(json(plain), plain);
        }
        assert_eq!(line("a\nb\tc"), "a b c");
    }

    #[test]
    fn styles_are_kept_where_they_are_our_own_and_nowhere_else() {
        let own = "\u{1b}[1;31mred\u{1b}[0m and \u{1b}[mplain";
        assert_eq!(styled(own), own);
        assert_eq!(text(own), "[1;31mred[0m and [mplain");
        assert_eq!(styled("\u{1b}[31\u{1b}[2J\u{1b}["), "[31[2J[");
    }

    #[test]
    fn json_says_the_same_in_characters_that_do_nothing() {
        for hostile in HOSTILE {
            let value = serde_json::Value::from(hostile);
            let printed = value.to_string();
            let safe = json(&printed);
            assert!(!safe.chars().any(steers), "{safe:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }

    #[test]
    fn a_log_is_written_without_what_steers() {
        let mut log = Log(Vec::new());
        log.write_all("\u{1b}[2mDEBUG\u{1b}[0m \u{1b}]0;x\u{7}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(log.0).unwrap(), "\u{1b}[2mDEBUG\u{1b}[0m ]0;x\n");
    }
}
