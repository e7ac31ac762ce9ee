//! A pull parser for JSON: one pass, no recursion, no value tree, strings borrowed where they hold no escape.
//!
//! Why not `serde`: its derived visitors for the gateway's lenient answers took 130 kB of a 420 kB component; this and
//! `wire` take 20 kB. What it accepts is held against `serde_json` in the tests. Writing is [`crate::json`]'s.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

/// Where the text stops being JSON, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The first byte that cannot be.
    pub at: usize,
}

/// What a JSON value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number,
    /// A string.
    Text,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// A place in a JSON text. Each method that reads a value leaves the place after it.
///
/// ```
/// use portkey_provider::reader::Reader;
///
/// let mut model = Default::default();
/// let mut reader = Reader::new(r#"{"id": 1, "model": "m"}"#);
/// reader
///     .members(|name, value| match name {
///         "model" => value.text().map(|text| model = text),
///         _ => value.skip(),
///     })
///     .unwrap();
/// assert_eq!(model, "m");
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Reads what an object or an array holds. A trait of our own: the table of a `dyn FnMut` holds each closure twice,
/// the second time as an `FnOnce` that nobody calls.
trait Visit<'a> {
    fn visit(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed>;
}

struct Visitor<F>(F);

impl<'a, F: FnMut(&str, &mut Reader<'a>) -> Result<(), Malformed>> Visit<'a> for Visitor<F> {
    fn visit(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed> {
        (self.0)(name, value)
    }
}

impl<'a> Reader<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// At the start of `bytes`, which must be UTF-8.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(bytes).map_err(|error| Malformed { at: error.valid_up_to() })?;
        // RFC 8259 allows to ignore a byte order mark.
        Ok(Self::new(text.strip_prefix('\u{feff}').unwrap_or(text)))
    }

    fn fail<T>(&self) -> Result<T, Malformed> {
        Err(Malformed { at: self.at })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.eat(byte) { Ok(()) } else { self.fail() }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    /// What the next value is; it is not read.
    pub fn kind(&mut self) -> Result<Kind, Malformed> {
        self.space();
        Ok(match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Null,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => return self.fail(),
        })
    }

    /// Nothing but white space may be left.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { self.fail() }
    }

    /// Reads an object and calls `member`, which must read the value, for each of its members. A value that is no
    /// object has none.
    pub fn members(&mut self, member: impl FnMut(&str, &mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        self.each(Kind::Object, &mut Visitor(member))
    }

    /// Reads an array and calls `element`, which must read the value, for each of its elements. A value that is no
    /// array has none.
    pub fn elements(&mut self, mut element: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        self.each(Kind::Array, &mut Visitor(|_: &str, value: &mut Self| element(value)))
    }

    fn each(&mut self, kind: Kind, visitor: &mut dyn Visit<'a>) -> Result<(), Malformed> {
        if self.kind()? != kind {
            return self.skip();
        }
        let end = if kind == Kind::Object { b'}' } else { b']' };
        self.at += 1;
        self.space();
        if self.eat(end) {
            return Ok(());
        }
        loop {
            let mut name = Cow::Borrowed("");
            if kind == Kind::Object {
                self.space();
                name = self.string()?;
                self.space();
                self.expect(b':')?;
            }
            visitor.visit(&name, self)?;
            self.space();
            if self.eat(end) {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads any value as its JSON text.
    pub fn raw(&mut self) -> Result<&'a str, Malformed> {
        self.space();
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Reads any value as its JSON text; `null` is none.
    pub fn present(&mut self) -> Result<Option<&'a str>, Malformed> {
        Ok(Some(self.raw()?).filter(|raw| *raw != "null"))
    }

    /// Reads a value as a text, leniently: numbers and booleans as they are spelled, of an array of content parts
    /// (`{"type":"text","text":...}`) the texts, joined, and the empty text for anything else.
    pub fn text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        match self.kind()? {
            Kind::Text => self.string(),
            Kind::Number | Kind::Bool(_) => Ok(Cow::Borrowed(self.raw()?)),
            Kind::Null | Kind::Object => self.skip().map(|()| Cow::Borrowed("")),
            Kind::Array => {
                let mut texts = String::new();
                self.elements(|part| {
                    part.members(|name, value| {
                        if name == "text" && value.kind()? == Kind::Text {
                            texts.push_str(&value.string()?);
                            return Ok(());
                        }
                        value.skip()
                    })
                })?;
                Ok(Cow::Owned(texts))
            }
        }
    }

    /// [`Reader::text`], into a place that is there already.
    pub(crate) fn text_into(&mut self, place: &mut Cow<'a, str>) -> Result<(), Malformed> {
        *place = self.text()?;
        Ok(())
    }

    /// Reads a value as a count, leniently: a fraction is cut off, digits may stand in a string, and anything else is
    /// none.
    pub fn count(&mut self) -> Result<Option<u64>, Malformed> {
        match self.kind()? {
            Kind::Number | Kind::Text => {
                let text = self.text()?;
                let whole = text.split('.').next().unwrap_or_default();
                Ok(whole.parse().ok().filter(|_| !whole.starts_with('+')))
            }
            _ => self.skip().map(|()| None),
        }
    }

    /// Reads any value, checking its syntax. The brackets that are open stand in a list, not on the stack.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.kind()? {
                Kind::Text => self.skip_string()?,
                Kind::Number => self.skip_number()?,
                Kind::Null => self.literal("null")?,
                Kind::Bool(true) => self.literal("true")?,
                Kind::Bool(false) => self.literal("false")?,
                kind => {
                    self.at += 1;
                    self.space();
                    let end = if kind == Kind::Object { b'}' } else { b']' };
                    if !self.eat(end) {
                        open.push(end);
                        if end == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                }
            }
            // A value is read: what it is in may end after it, and what that is in.
            loop {
                let Some(&end) = open.last() else { return Ok(()) };
                self.space();
                if self.eat(end) {
                    open.pop();
                    continue;
                }
                self.expect(b',')?;
                if end == b'}' {
                    self.space();
                    self.name()?;
                }
                break;
            }
        }
    }

    fn name(&mut self) -> Result<(), Malformed> {
        self.skip_string()?;
        self.space();
        self.expect(b':')
    }

    fn literal(&mut self, word: &str) -> Result<(), Malformed> {
        for &byte in word.as_bytes() {
            self.expect(byte)?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { self.fail() }
    }

    fn skip_number(&mut self) -> Result<(), Malformed> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// Runs over a string's characters up to one that is special, and returns it.
    fn plain(&mut self) -> Result<u8, Malformed> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at += length.unwrap_or(rest.len());
        self.byte().ok_or(Malformed { at: self.at })
    }

    fn skip_string(&mut self) -> Result<(), Malformed> {
        self.expect(b'"')?;
        loop {
            match self.plain()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => drop(self.escape()?),
                _ => return self.fail(),
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.expect(b'"')?;
        let mut start = self.at;
        let mut decoded = String::new();
        loop {
            let special = self.plain()?;
            let plain = self.text.get(start..self.at).unwrap_or_default();
            match special {
                b'"' => {
                    self.at += 1;
                    if decoded.is_empty() {
                        return Ok(Cow::Borrowed(plain));
                    }
                    decoded.push_str(plain);
                    return Ok(Cow::Owned(decoded));
                }
                b'\\' => {
                    decoded.push_str(plain);
                    decoded.push(self.escape()?);
                    start = self.at;
                }
                _ => return self.fail(),
            }
        }
    }

    /// Half of a surrogate pair reads as U+FFFD: JavaScript writes such, and it should not lose an answer.
    fn escape(&mut self) -> Result<char, Malformed> {
        self.expect(b'\\')?;
        let Some(byte) = self.byte() else { return self.fail() };
        let character = match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return self.fail(),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode(&mut self) -> Result<char, Malformed> {
        let unit = self.hex()?;
        if let 0xd800..0xdc00 = unit {
            let after = self.at;
            if self.eat(b'\\') && self.eat(b'u') {
                let low = self.hex()?;
                if let 0xdc00..0xe000 = low {
                    let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            self.at = after;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Malformed> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| (byte as char).to_digit(16));
            let Some(digit) = digit else { return self.fail() };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use serde_json::Value;

    fn is_valid(text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.skip().and_then(|()| reader.end()).is_ok()
    }

    const CORPUS: [&str; 12] = [
        r#"{"id":"a","choices":[{"index":0,"delta":{"content":"hé\n\u00e9\ud83d\ude00\"\\/"}}],"usage":null}"#,
        " [ ] ",
        "{}",
        "[[],{},[{}],{\"a\":[1,-0,0.5,1e9,1E-2,-12.5e+3]}]",
        "\"\\b\\f\\n\\r\\t\"",
        "true",
        "false",
        "null",
        "-1.0e5",
        "0",
        r#"{"":{"":""}}"#,
        "[1 , 2\n,\t3 ]",
    ];

    /// Each text of the corpus with one byte changed, left out or doubled: what we take for JSON is what serde_json does.
    #[test]
    fn accepts_what_serde_json_accepts() {
        let mut checked = 0;
        let mut check = |text: &str| {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            assert_eq!(is_valid(text), theirs, "{text:?}");
            checked += 1;
        };
        for text in CORPUS {
            check(text);
            for at in 0..=text.len() {
                if !text.is_char_boundary(at) {
                    continue;
                }
                check(&text[..at]);
                for insert in [
                    "", " ", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", "+", ".", "e", "u", "\u{1}", "n",
                    "é",
                ] {
                    check(&format!("{}{insert}{}", &text[..at], &text[at..]));
                    let after = text[at..].chars().next().map_or(0, char::len_utf8);
                    check(&format!("{}{insert}{}", &text[..at], &text[at + after..]));
                }
            }
        }
        assert!(checked > 5000);
    }

    /// Reading with members, elements and text gives what serde_json gives.
    #[test]
    fn reads_what_serde_json_reads() {
        fn read(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
            Ok(match reader.kind()? {
                Kind::Object => {
                    let mut object = serde_json::Map::new();
                    reader.members(|name, value| {
                        object.insert(name.into(), read(value)?);
                        Ok(())
                    })?;
                    Value::Object(object)
                }
                Kind::Array => {
                    let mut array = Vec::new();
                    reader.elements(|value| {
                        array.push(read(value)?);
                        Ok(())
                    })?;
                    Value::Array(array)
                }
                Kind::Text => Value::String(reader.text()?.into_owned()),
                _ => serde_json::from_str(reader.raw()?).unwrap(),
            })
        }
        for text in CORPUS {
            let mut reader = Reader::new(text);
            let ours = read(&mut reader).unwrap();
            reader.end().unwrap();
            assert_eq!(ours, serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn texts_are_lenient() {
        for (json, text) in [
            (r#""plain""#, "plain"),
            (r#""a\n""#, "a\n"),
            (r#""\n""#, "\n"),
            ("null", ""),
            ("7", "7"),
            ("true", "true"),
            (r#"{"a":[1]}"#, ""),
            (r#"[{"type":"text","text":"a"},{"type":"image"},3,{"text":{"x":1}},{"type":"text","text":"b"}]"#, "ab"),
            (r#""\ud800""#, "\u{fffd}"),
            (r#""\ud800\u0041""#, "\u{fffd}A"),
            (r#""\udc00x""#, "\u{fffd}x"),
        ] {
            assert_eq!(Reader::new(json).text().unwrap(), text, "{json}");
        }
        assert!(matches!(Reader::new(r#""x""#).text(), Ok(Cow::Borrowed("x"))));
    }

    #[test]
    fn counts_are_lenient() {
        for (json, count) in [
            ("3", Some(3)),
            ("3.7", Some(3)),
            ("-3", None),
            ("null", None),
            (r#""5""#, Some(5)),
            (r#""+5""#, None),
            ("{}", None),
            ("[1]", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Reader::new(json).count(), Ok(count), "{json}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let mut deep = vec![b'['; 1_000_000];
        deep.extend(vec![b']'; 1_000_000]);
        assert!(is_valid(core::str::from_utf8(&deep).unwrap()));
        deep.pop();
        assert!(!is_valid(core::str::from_utf8(&deep).unwrap()));
    }

    #[test]
    fn the_place_of_the_fault_is_named() {
        assert_eq!(Reader::new(r#"{"a": x}"#).skip(), Err(Malformed { at: 6 }));
        assert_eq!(Reader::from_bytes(b"\"\xff\"").unwrap_err(), Malformed { at: 1 });
        assert!(Reader::from_bytes(b"\xef\xbb\xbf{}").unwrap().skip().is_ok());
    }
}
