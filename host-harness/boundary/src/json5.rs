//! Reads JSON5 as OpenClaw does (the npm package json5, version 2), with the position of each value in the text. Owns
//! the grammar; `edit` changes the text.
//!
//! `jsonc-parser` and `json-five` were tried in November 2026. The first does not know `.5`, `Infinity` or `\x41`; the
//! second reads continued lines, `\ud83d\ude00` and `-0x1f` wrong and loses comments when it writes.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Number, Value};

/// How deep lists and objects may nest: what reads them is recursive.
const MAX_DEPTH: usize = 512;

/// A value and the bytes that it takes up in the text.
#[derive(Debug)]
pub struct Node {
    /// From its first byte to behind its last.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub enum Kind {
    /// A text, a number, a boolean or `null`.
    Scalar(Value),
    /// A list.
    Array(Vec<Node>),
    /// An object; a name may stand there twice.
    Object(Vec<Member>),
}

/// A name and its value in an object.
#[derive(Debug)]
pub struct Member {
    /// The name, unescaped.
    pub name: String,
    /// Where the name stands, quotes included.
    pub name_range: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Member {
    /// From the name to the end of the value.
    pub fn range(&self) -> Range<usize> {
        self.name_range.start..self.value.range.end
    }
}

impl Node {
    /// The value. Of several members of one name the last counts. `Infinity` and `NaN`, which JSON has not, become texts:
    /// so they are seen, and refused, where a number belongs.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Array(items) => items.iter().map(Self::value).collect(),
            Kind::Object(members) => {
                members.iter().map(|member| (member.name.clone(), member.value.value())).collect::<Map<_, _>>().into()
            }
        }
    }

    /// The last member of that name, which is the one that counts.
    pub fn get(&self, name: &str) -> Option<&Member> {
        match &self.kind {
            Kind::Object(members) => members.iter().rev().find(|member| member.name == name),
            _ => None,
        }
    }
}

/// The members of each name, in order: the last one counts.
pub fn by_name(members: &[Member]) -> HashMap<&str, Vec<&Member>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for member in members {
        all.entry(&*member.name).or_default().push(member);
    }
    all
}

/// Why a text is no JSON5, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct SyntaxError {
    what: String,
    at: usize,
}

impl SyntaxError {
    /// `Expected comma on line 2 column 9`, in the words of `text`.
    pub fn in_text(&self, text: &str) -> String {
        format!("{} {}", self.what, place(text, self.at))
    }
}

/// `on line 1 column 1`: where in `text` the byte `at` stands.
pub fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!("on line {} column {}", before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Reads one value. `None` where the text holds nothing but spaces and comments.
pub fn parse(text: &str) -> Result<Option<Node>, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_trivia()?;
    if parser.peek().is_none() {
        return Ok(None);
    }
    let node = parser.value(0)?;
    parser.skip_trivia()?;
    match parser.peek() {
        None => Ok(Some(node)),
        Some(_) => parser.fail("Unexpected text after the value"),
    }
}

/// Where spaces and comments that begin at `at` end. The text has been parsed before.
pub(crate) fn end_of_trivia(text: &str, at: usize) -> usize {
    let mut parser = Parser { text, at };
    match parser.skip_trivia() {
        Ok(()) => parser.at,
        Err(_) => at,
    }
}

/// Whether JSON5 takes `character` for white space.
pub(crate) fn is_space(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\n' | '\r' | ' ' | '\u{a0}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
        || matches!(character, '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn take_while(&mut self, mut is_wanted: impl FnMut(char) -> bool) {
        while self.peek().is_some_and(&mut is_wanted) {
            self.next();
        }
    }

    fn fail<T>(&self, what: &str) -> Result<T, SyntaxError> {
        fail_at(what, self.at)
    }

    fn skip_trivia(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.take_while(is_space);
            let start = self.at;
            if self.take("//") {
                self.take_while(|character| !is_line_end(character));
            } else if self.take("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return fail_at("Unterminated comment", start),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        if depth >= MAX_DEPTH - 1 {
            return self.fail("Maximum nesting depth exceeded");
        }
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"' | '\'') => Kind::Scalar(self.string()?.into()),
            _ => Kind::Scalar(self.scalar()?),
        };
        Ok(Node { range: start..self.at, kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind, SyntaxError> {
        self.next();
        let mut members = Vec::new();
        loop {
            self.skip_trivia()?;
            if self.take("}") {
                return Ok(Kind::Object(members));
            }
            let start = self.at;
            let name = match self.peek() {
                Some('"' | '\'') => self.string()?,
                Some(_) => self.identifier()?,
                None => return self.fail("Expected } or a name"),
            };
            let name_range = start..self.at;
            self.skip_trivia()?;
            if !self.take(":") {
                return self.fail("Expected a colon after the name");
            }
            self.skip_trivia()?;
            members.push(Member { name, name_range, value: self.value(depth + 1)? });
            if self.ends('}')? {
                return Ok(Kind::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind, SyntaxError> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip_trivia()?;
            if self.take("]") {
                return Ok(Kind::Array(items));
            }
            items.push(self.value(depth + 1)?);
            if self.ends(']')? {
                return Ok(Kind::Array(items));
            }
        }
    }

    /// What stands behind an item: the end, or a comma.
    fn ends(&mut self, close: char) -> Result<bool, SyntaxError> {
        let end = self.at;
        self.skip_trivia()?;
        match self.peek() {
            Some(',') => {
                self.next();
                Ok(false)
            }
            Some(found) if found == close => {
                self.next();
                Ok(true)
            }
            None | Some('}' | ']') => self.fail(&format!("Expected a comma or {close}")),
            Some(_) => fail_at("Expected comma", end),
        }
    }

    /// A name without quotes, as in ECMAScript.
    fn identifier(&mut self) -> Result<String, SyntaxError> {
        let mut name = String::new();
        loop {
            let start = self.at;
            let character = match self.peek() {
                Some('\\') => {
                    self.next();
                    if !self.take("u") {
                        return self.fail("Expected \\u");
                    }
                    char::from_u32(self.hex(4)?.into()).filter(|&character| is_part(character, name.is_empty()))
                }
                Some(character) if is_part(character, name.is_empty()) => self.next(),
                _ if name.is_empty() => return self.fail("Unexpected character"),
                _ => return Ok(name),
            };
            match character {
                Some(character) => name.push(character),
                None => return fail_at("This is no letter of a name", start),
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n' | '\r') => return fail_at("Unterminated string", start),
                character if character == quote => return Ok(text),
                Some('\\') => self.escape(&mut text)?,
                Some(character) => text.push(character),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), SyntaxError> {
        let start = self.at - 1;
        let Some(character) = self.next() else { return fail_at("Unterminated string", start) };
        text.push(match character {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
            '0'..='9' => return fail_at("Octal escapes are not allowed", start),
            'x' => char::from(u8::try_from(self.hex(2)?).unwrap_or_default()),
            'u' => {
                let first = self.hex(4)?;
                let mut units = vec![first];
                // Of a pair each half has an escape of its own.
                if (0xd800..0xdc00).contains(&first) && self.take("\\u") {
                    units.push(self.hex(4)?);
                }
                match String::from_utf16(&units) {
                    Ok(characters) => {
                        text.push_str(&characters);
                        return Ok(());
                    }
                    Err(_) => return fail_at("Half of a character's escape is missing", start),
                }
            }
            // A line that goes on in the next.
            '\r' => {
                self.take("\n");
                return Ok(());
            }
            line_end if is_line_end(line_end) => return Ok(()),
            other => other,
        });
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Result<u16, SyntaxError> {
        let found = self.rest().get(..digits).filter(|found| found.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match found.and_then(|found| u16::from_str_radix(found, 16).ok()) {
            Some(number) => {
                self.at += digits;
                Ok(number)
            }
            None => self.fail(&format!("Expected {digits} hexadecimal digits")),
        }
    }

    fn scalar(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        for (word, value) in [("null", Value::Null), ("true", true.into()), ("false", false.into())] {
            if self.take(word) {
                return Ok(value);
            }
        }
        let sign = match self.peek() {
            Some(sign @ ('+' | '-')) => {
                self.next();
                Some(sign)
            }
            _ => None,
        };
        let negative = if sign == Some('-') { "-" } else { "" };
        if self.take("Infinity") {
            return Ok(format!("{negative}Infinity").into());
        }
        if self.take("NaN") {
            return Ok("NaN".into());
        }
        if self.take("0x") || self.take("0X") {
            let digits = self.at;
            self.take_while(|digit| digit.is_ascii_hexdigit());
            let digits = self.text.get(digits..self.at).unwrap_or_default();
            if digits.is_empty() {
                return self.fail("Expected hexadecimal digits");
            }
            let number = digits.bytes().fold(0.0, |number: f64, digit| {
                number.mul_add(16.0, f64::from(char::from(digit).to_digit(16).unwrap_or_default()))
            });
            return Ok(number_of(if sign == Some('-') { -number } else { number }));
        }
        let digits = self.at;
        let is_zero = self.take("0");
        if !is_zero {
            self.take_while(|digit| digit.is_ascii_digit());
        }
        let has_whole = self.at > digits;
        let mut is_plain = true;
        if self.take(".") {
            is_plain = false;
            let fraction = self.at;
            self.take_while(|digit| digit.is_ascii_digit());
            if !has_whole && self.at == fraction {
                return self.fail("Expected a digit");
            }
        } else if !has_whole {
            self.at = if sign.is_some() { self.at } else { start };
            return self.fail("Unexpected character");
        }
        if self.take("e") || self.take("E") {
            is_plain = false;
            let _ = self.take("+") || self.take("-");
            let exponent = self.at;
            self.take_while(|digit| digit.is_ascii_digit());
            if self.at == exponent {
                return self.fail("Expected a digit");
            }
        }
        let written = format!("{negative}{}", self.text.get(digits..self.at).unwrap_or_default());
        // Whole numbers to the last digit.
        if is_plain && let Ok(number) = written.parse::<i64>() {
            return Ok(number.into());
        }
        if is_plain && let Ok(number) = written.parse::<u64>() {
            return Ok(number.into());
        }
        Ok(number_of(written.parse().unwrap_or(f64::NAN)))
    }
}

fn fail_at<T>(what: &str, at: usize) -> Result<T, SyntaxError> {
    Err(SyntaxError { what: what.to_owned(), at })
}

fn is_part(character: char, is_first: bool) -> bool {
    let is_joiner = matches!(character, '\u{200c}' | '\u{200d}');
    matches!(character, '$' | '_')
        || unicode_ident::is_xid_start(character)
        || !is_first && (is_joiner || unicode_ident::is_xid_continue(character))
}

/// A whole number as one, whatever it was written as: `1.` and `1e0` are `1`, as in JavaScript.
#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn number_of(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return (number as i64).into();
    }
    match Number::from_f64(number) {
        Some(number) => number.into(),
        None if number.is_nan() => "NaN".into(),
        None => if number < 0.0 { "-Infinity" } else { "Infinity" }.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let node = parse(text).map_err(|error| error.in_text(text))?;
        Ok(node.map_or(Value::Null, |node| node.value()))
    }

    /// Each was held against json5 2.2.3, the parser that OpenClaw uses.
    #[test]
    fn the_whole_of_json5_is_read() {
        for (text, value) in [
            ("{a: 'b\\\nc', d: \"e\\\r\n  f\"}", json!({"a": "bc", "d": "e  f"})),
            ("[\"\\\u{2028}x\", 'a\u{2028}b']", json!(["x", "a\u{2028}b"])),
            (
                "{$a: 1, _b: 2, \u{e9}t\u{e9}: 3, a\u{200c}b: 4, a1: 5}",
                json!({"$a": 1, "_b": 2, "\u{e9}t\u{e9}": 3, "a\u{200c}b": 4, "a1": 5}),
            ),
            ("{\\u0061b: 1, c\\u0064: 2, \u{1d400}: 3}", json!({"ab": 1, "cd": 2, "\u{1d400}": 3})),
            ("{null: 1, true: 2, Infinity: 3, NaN: 4}", json!({"null": 1, "true": 2, "Infinity": 3, "NaN": 4})),
            ("[.5, 5., +1, -.5, +.5e3, 5.e2, 1E-2]", json!([0.5, 5, 1, -0.5, 500, 500, 0.01])),
            ("[0x1F, -0x1f, +0XA, 0, -0, 0.0]", json!([31, -31, 10, 0, 0, 0])),
            (
                "[Infinity, -Infinity, +Infinity, NaN, 1e400]",
                json!(["Infinity", "-Infinity", "Infinity", "NaN", "Infinity"]),
            ),
            (
                "[18446744073709551615, 123456789012345678901234567890, 0xFFFFFFFFFFFFFFFFFF]",
                json!([u64::MAX, 1.234_567_890_123_456_8e29, 4_722_366_482_869_645_213_695.0]),
            ),
            (
                "['\\x41\\u0041\\v\\0\\'\\\"\\a\\/\\b', '\\ud83d\\ude00', 'tab\tx', \"\u{1}\"]",
                json!(["AA\u{b}\0'\"a/\u{8}", "\u{1f600}", "tab\tx", "\u{1}"]),
            ),
            ("\u{feff}\u{b}\u{c}\u{a0}\u{2003}\u{3000}{a: 1}\u{2028}", json!({"a": 1})),
            ("/* a */{/*b*/a/*c*/:/*d*/1/*e*/,/*f*/}/*g*/ // h", json!({"a": 1})),
            ("[1//c\n,2,]", json!([1, 2])),
            ("{a: 1, a: 2}", json!({"a": 2})),
            ("{a: 1 //\u{2028}, b: 2}", json!({"a": 1, "b": 2})),
            ("'text'", json!("text")),
        ] {
            assert_eq!(read(text), Ok(value), "{text:?}");
        }
        for nothing in ["", "  ", "// nothing", "/* */"] {
            assert!(parse(nothing).unwrap().is_none(), "{nothing:?}");
        }
    }

    #[test]
    fn what_is_not_json5_is_refused_with_the_place() {
        for (text, place) in [
            ("['\\u{41}']", "line 1 column 5"),
            ("['\\ud83d']", "line 1 column 3"),
            ("['a\nb']", "Unterminated string on line 1 column 2"),
            ("['a", "Unterminated string on line 1 column 2"),
            ("{a: 01}", "Expected comma on line 1 column 6"),
            ("{a: 1,,}", "column 7"),
            ("[,]", "column 2"),
            ("{,}", "column 2"),
            ("{a: 1} /* ", "Unterminated comment on line 1 column 8"),
            ("{a: 1 b: 2}", "Expected comma on line 1 column 6"),
            ("{a: undefined}", "column 5"),
            ("{1a: 1}", "column 2"),
            ("{a-b: 1}", "colon"),
            ("['\\1', '\\01']", "Octal"),
            ("['\\01']", "Octal"),
            ("['\\x4']", "hexadecimal"),
            ("{a: .}", "column 6"),
            ("{a: +}", "column 6"),
            ("{a: - 1}", "column 6"),
            ("{a: 0x}", "column 7"),
            ("{a: 1e}", "column 7"),
            ("{a: 1\u{85}}", "column 6"),
            ("{a: tru}", "column 5"),
            ("{a: nullx}", "Expected comma"),
            ("{} {}", "line 1 column 4"),
            ("{\n  a: [1, 2\n}", "Expected a comma or ] on line 3 column 1"),
            ("{a: 1", "Expected a comma or } on line 1 column 6"),
            ("# x\n{}", "line 1 column 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(place), "{text:?} gave {error}");
        }
        assert!(read(&"[".repeat(10_000)).unwrap_err().contains("nesting depth exceeded"));
    }
}
