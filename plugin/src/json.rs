//! JSON without a value tree: a writer that appends to one buffer, and objects that keep what they do not touch as
//! the text it was (order, numbers of any size, spelling).
//!
//! It does not know what the JSON means. Reading is [`crate::reader`]'s; the gateway's answers are in `wire`.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;

use crate::reader::{Kind, Malformed, Reader};

/// Appends `text` as it is. One copy of this code, and not one at each of its many callers, saves kilobytes.
#[inline(never)]
pub(crate) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    put(out, "\"");
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => put(out, "\\n"),
            b'\r' => put(out, "\\r"),
            b'\t' => put(out, "\\t"),
            _ => push_escape(out, u16::from(byte)),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    put(out, "\"");
}

fn push_escape(out: &mut Vec<u8>, unit: u16) {
    put(out, "\\u");
    for shift in [12, 8, 4, 0] {
        let digit = char::from_digit(u32::from(unit >> shift & 15), 16).unwrap_or('0');
        out.push(digit as u8);
    }
}

/// The same JSON in ASCII on one line, as a header value must be.
///
/// The open-source gateway reads raw UTF-8 in a header as Latin-1 (gateway 1.15.2); escapes arrive right. In valid
/// JSON a character outside ASCII stands inside a string, and a line break outside of one.
pub(crate) fn ascii(json: &str) -> String {
    let mut out = Vec::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' | '\r' | '\t' => put(&mut out, " "),
            _ if character.is_ascii() && character != '\u{7f}' => out.push(character as u8),
            _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| push_escape(&mut out, unit)),
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Appends `value` with at most six decimals, the way a person wrote it: `0.7`, where its nearest `f32` is
/// 0.699999988. `None` where it is negative, huge or not a number.
pub(crate) fn push_decimal(out: &mut Vec<u8>, value: f32) -> Option<()> {
    if !(0.0..1e9).contains(&value) {
        return None;
    }
    let millionths = (f64::from(value) * 1e6 + 0.5) as u64;
    push_number(out, millionths / 1_000_000);
    let mut decimals = millionths % 1_000_000;
    let mut place = 100_000;
    if decimals > 0 {
        put(out, ".");
    }
    while decimals > 0 {
        out.push(b'0' + (decimals / place) as u8);
        decimals %= place;
        place /= 10;
    }
    Some(())
}

pub(crate) fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + (value % 10) as u8);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// An object in the making. Members of `extra` win: a field of the same name is skipped, and they come last.
pub(crate) struct Writer<'e> {
    pub(crate) out: Vec<u8>,
    extra: Object<'e>,
}

impl<'e> Writer<'e> {
    pub(crate) fn new(extra: Object<'e>) -> Self {
        let mut out = Vec::with_capacity(1024);
        put(&mut out, "{");
        Self { out, extra }
    }

    /// The buffer, after `"name":`, or `None` where `extra` holds that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        if self.extra.get(name).is_some() {
            return None;
        }
        key(&mut self.out, name);
        Some(&mut self.out)
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if let Some(out) = self.field(name) {
            push_string(out, text);
        }
    }

    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        if let Some(out) = self.field(name) {
            put(out, json);
        }
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        if let Some(out) = self.field(name) {
            push_number(out, value);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = self.out;
        for (name, node) in &self.extra.members {
            key(&mut out, name);
            node.write(&mut out);
        }
        put(&mut out, "}");
        out
    }
}

/// Appends `"name":`, after a comma where the object or array is not empty so far.
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    comma(out);
    push_string(out, name);
    put(out, ":");
}

pub(crate) fn comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        put(out, ",");
    }
}

/// A JSON value: as the text it was, or opened to be changed.
#[derive(Clone, Debug)]
pub(crate) enum Node<'a> {
    Raw(&'a str),
    Made(String),
    Object(Object<'a>),
    Array(Vec<Node<'a>>),
}

impl<'a> Node<'a> {
    pub(crate) fn string(text: &str) -> Self {
        let mut out = Vec::new();
        push_string(&mut out, text);
        Self::Made(String::from_utf8(out).unwrap_or_default())
    }

    pub(crate) fn kind(&self) -> Kind {
        let text = match self {
            Self::Object(_) => return Kind::Object,
            Self::Array(_) => return Kind::Array,
            Self::Raw(text) => text,
            Self::Made(text) => text.as_str(),
        };
        Reader::new(text).kind().unwrap_or(Kind::Null)
    }

    /// The text of a JSON string.
    pub(crate) fn text(&self) -> Option<String> {
        let text = match self {
            Self::Raw(text) => text,
            Self::Made(text) => text.as_str(),
            _ => return None,
        };
        text.starts_with('"').then(|| Reader::new(text).text().ok().map(Cow::into_owned))?
    }

    /// A whole number, not negative.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Raw(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The members, where it is an object.
    pub(crate) fn object(&self) -> Option<Object<'a>> {
        match self {
            Self::Object(object) => Some(object.clone()),
            Self::Raw(text) => Object::parse(text).ok(),
            _ => None,
        }
    }

    /// The elements, where it is an array.
    pub(crate) fn array(&self) -> Option<Vec<Node<'a>>> {
        match self {
            Self::Array(nodes) => Some(nodes.clone()),
            Self::Raw(text) if text.starts_with('[') => {
                let mut nodes = Vec::new();
                let read = Reader::new(text).elements(|element| element.raw().map(|raw| nodes.push(Self::Raw(raw))));
                read.is_ok().then_some(nodes)
            }
            _ => None,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(text) => put(out, text),
            Self::Made(text) => put(out, text),
            Self::Object(object) => object.write(out),
            Self::Array(nodes) => {
                put(out, "[");
                for node in nodes {
                    comma(out);
                    node.write(out);
                }
                put(out, "]");
            }
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// A JSON object in the order of its text. A name that occurs twice counts as its last, as in JavaScript.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<(String, Node<'a>)>,
}

impl<'a> Object<'a> {
    /// Checks the syntax of all of `text`; reads the members of its first level.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut reader = Reader::new(text);
        if reader.kind()? != Kind::Object {
            return Err(Malformed { at: 0 });
        }
        let mut members = Vec::new();
        reader.members(|name, value| value.raw().map(|raw| members.push((name.to_owned(), Node::Raw(raw)))))?;
        reader.end()?;
        Ok(Self { members })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// The text of a string member.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text()
    }

    /// The value of a member, `null` being none.
    pub(crate) fn value(&self, name: &str) -> Option<&Node<'a>> {
        self.get(name).filter(|node| node.kind() != Kind::Null)
    }

    pub(crate) fn set(&mut self, name: &str, node: Node<'a>) {
        match self.members.iter_mut().rev().find(|(key, _)| key == name) {
            Some((_, old)) => *old = node,
            None => self.members.push((name.to_owned(), node)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.members.retain(|(key, _)| key != name);
    }

    /// The object under `name`, opened for change, made where there is none or `null`. `None`: something else is there.
    pub(crate) fn open(&mut self, name: &str) -> Option<&mut Object<'a>> {
        let object = match self.value(name) {
            None => Object::default(),
            Some(node) => node.object()?,
        };
        self.set(name, Node::Object(object));
        self.members.iter_mut().rev().find(|(key, _)| key == name).and_then(|(_, node)| match node {
            Node::Object(object) => Some(object),
            _ => None,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put(out, "{");
        for (name, node) in &self.members {
            key(out, name);
            node.write(out);
        }
        put(out, "}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        for text in ["", "plain", "\"\\/", "a\nb\r\t\u{1}\u{1f}\u{7f}", "é€😀", "\u{8}\u{c}"] {
            let read: String = serde_json::from_str(&string(text)).unwrap();
            assert_eq!(read, text);
        }
        assert_eq!(string("a\"\u{1}é"), "\"a\\\"\\u0001é\"");
    }

    #[test]
    fn ascii_json_uses_surrogate_pairs() {
        assert_eq!(ascii("{\"é\":\n\"😀\"}"), "{\"\\u00e9\": \"\\ud83d\\ude00\"}");
    }

    #[test]
    fn decimals_are_short() {
        let decimal = |value| {
            let mut out = Vec::new();
            push_decimal(&mut out, value).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(decimal(0.7).as_deref(), Some("0.7"));
        assert_eq!(decimal(1.0).as_deref(), Some("1"));
        assert_eq!(decimal(0.0).as_deref(), Some("0"));
        assert_eq!(decimal(0.05).as_deref(), Some("0.05"));
        assert_eq!(decimal(1.999_999).as_deref(), Some("1.999999"));
        assert_eq!(decimal(0.000_001).as_deref(), Some("0.000001"));
        for bad in [-0.1, f32::NAN, f32::INFINITY, 1e9] {
            assert_eq!(decimal(bad), None);
        }
    }

    #[test]
    fn untouched_members_keep_their_text() {
        let text = r#"{"z": 1e400, "a":0.10, "big":18446744073709551616, "a\u0062":[ 1 ]}"#;
        let mut object = Object::parse(text).unwrap();
        object.open("new").unwrap().set("k", Node::string("v"));
        let mut out = Vec::new();
        object.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"z":1e400,"a":0.10,"big":18446744073709551616,"ab":[ 1 ],"new":{"k":"v"}}"#
        );
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let mut object = Object::parse(r#"{"a":1,"a":{"b":2}}"#).unwrap();
        assert_eq!(object.get("a").unwrap().kind(), Kind::Object);
        object.open("a").unwrap().set("c", Node::Raw("3"));
        let mut out = Vec::new();
        object.write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":1,"a":{"b":2,"c":3}}"#);
    }

    #[test]
    fn syntax_is_checked_at_every_depth() {
        for bad in ["", "[]", "1", "{", r#"{"a":}"#, r#"{"a":{"b":[1,]}}"#, "{} x"] {
            assert!(Object::parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Object::parse(&deep).is_ok());
    }

    #[test]
    fn extra_members_win() {
        let mut writer = Writer::new(Object::parse(r#"{"b":2}"#).unwrap());
        writer.text("a", "x");
        writer.number("b", 1);
        assert_eq!(String::from_utf8(writer.finish()).unwrap(), r#"{"a":"x","b":2}"#);
    }
}
