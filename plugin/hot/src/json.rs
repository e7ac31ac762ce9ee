//! JSON, read and written with `serde_json`. `wire` and `config` know the fields.
//!
//! A document is read one level at a time, and a value that nobody reads stays text: numbers keep their spelling, and
//! members their order, which matters to a model in a schema. Depth costs no stack. For speed, a caller can name the
//! members that it needs in advance; they are read in the same pass.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BinaryHeap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::{fmt, mem};

use memchr::memchr;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Error, Number};

/// A value.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// A number, `true`, `false` or `null`, or anything that was read and not looked into.
    Raw(Cow<'a, RawValue>),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Json<'a> {
    /// `null`.
    pub const NULL: Self = Self::Raw(Cow::Borrowed(RawValue::NULL));

    /// Reads all of `text`.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        serde_json::from_str(text)
    }

    /// The value, and if it is a list or an object, not [`Self::Raw`].
    fn into_opened(self) -> Self {
        match self {
            // It was read before, and nothing in it is wrong but maybe a name.
            Self::Raw(Cow::Borrowed(raw)) if self.is_nested() => level(raw.get(), &[]).unwrap_or(Self::NULL),
            _ => self,
        }
    }

    /// A number, `true`, `false` or `null`, as it is spelled.
    pub fn scalar(&self) -> Option<&str> {
        match self {
            Self::Raw(raw) if !matches!(first(raw), b'"' | b'[' | b'{') => Some(raw.get()),
            _ => None,
        }
    }

    /// The text that it was, where it was not looked into.
    pub fn raw(&self) -> Option<&str> {
        if let Self::Raw(raw) = self { Some(raw.get()) } else { None }
    }

    /// Whether it is a list or an object.
    pub fn is_nested(&self) -> bool {
        match self {
            Self::Raw(raw) => matches!(first(raw), b'[' | b'{'),
            Self::Text(_) => false,
            Self::List(_) | Self::Object(_) => true,
        }
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        match self {
            Self::Raw(raw) => first(raw) == b'{',
            _ => matches!(self, Self::Object(_)),
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Raw(raw) if first(raw) == b'n')
    }

    /// Whether it says nothing: `null`, `false`, 0, an empty text, and lists and objects of such.
    pub fn is_blank(&self) -> bool {
        // What holds more levels says something.
        let is_blank = |json: &Self| match json.is_nested() {
            true => matches!(json.compact().as_str(), "{}" | "[]"),
            false => json.is_blank(),
        };
        match self {
            _ if self.is_object() => self.object().is_none_or(|object| object.iter().all(|(_, value)| is_blank(value))),
            _ if self.is_nested() => self.list().is_none_or(|items| items.iter().all(is_blank)),
            _ => matches!(self.text().trim(), "" | "0" | "false"),
        }
    }

    /// A boolean.
    pub fn bool(&self) -> Option<bool> {
        self.scalar()?.parse().ok()
    }

    /// A number without sign and fraction.
    pub fn whole(&self) -> Option<u64> {
        self.scalar()?.parse().ok()
    }

    /// A number.
    #[inline]
    pub fn number(&self) -> Option<f64> {
        self.scalar()?.parse::<Number>().ok()?.as_f64()
    }

    /// A string, borrowed where it holds no escape.
    pub fn string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            _ => {
                let json = self.spelled()?;
                let text = json.strip_prefix('"')?.strip_suffix('"')?;
                Some(if memchr(b'\\', text.as_bytes()).is_some() { unescaped(json) } else { text.into() })
            }
        }
    }

    /// Whether it is this string.
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            _ => self.string().is_some_and(|own| own == text),
        }
    }

    /// A string as it is spelled, in its quotes, where it was not looked into yet.
    pub fn spelled(&self) -> Option<&'a str> {
        match self {
            Self::Raw(Cow::Borrowed(raw)) => Some(raw.get()).filter(|json| json.starts_with('"')),
            _ => None,
        }
    }

    /// A list's items.
    pub fn list(&self) -> Option<Vec<Self>> {
        self.clone().into_list()
    }

    /// The same, where the list is no longer needed.
    pub fn into_list(self) -> Option<Vec<Self>> {
        if let Self::List(items) = self.into_opened() { Some(items) } else { None }
    }

    /// An object.
    pub fn object(&self) -> Option<Object<'a>> {
        self.clone().into_object()
    }

    /// The same, where the value is no longer needed.
    pub fn into_object(self) -> Option<Object<'a>> {
        if let Self::Object(object) = self.into_opened() { Some(object) } else { None }
    }

    /// A list's items; none where it is no list.
    pub fn into_items(self) -> Vec<Self> {
        self.into_list().unwrap_or_default()
    }

    /// An object's members; none where it is no object.
    pub fn members(&self) -> Object<'a> {
        self.clone().into_members()
    }

    /// The same, where the value is no longer needed.
    pub fn into_members(self) -> Object<'a> {
        self.into_object().unwrap_or_default()
    }

    /// A text, leniently: numbers and booleans as they are spelled, of an array of content parts
    /// (`{"type":"text","text":...}`, or a string) the texts, joined, and the empty text for anything else.
    pub fn text(&self) -> Cow<'a, str> {
        if let Some(text) = self.string() {
            return text;
        }
        match self {
            _ if self.is_null() || self.is_object() => Cow::default(),
            _ if self.is_nested() => {
                let parts = self.list().unwrap_or_default();
                let text = |part: &Self| part.string().or_else(|| part.object()?.get("text")?.string());
                Cow::Owned(parts.iter().filter_map(text).collect())
            }
            Self::Raw(Cow::Borrowed(raw)) => Cow::Borrowed(raw.get()),
            _ => Cow::Owned(self.to_json()),
        }
    }

    /// A count, leniently: a fraction is cut off, digits may stand in a string.
    #[inline]
    pub fn count(&self) -> Option<u64> {
        let fractional = || Some(self.number().filter(|count| (0.0..1e18).contains(count))? as u64);
        self.whole().or_else(fractional).or_else(|| self.string()?.parse().ok())
    }

    /// The same, independent of the text that it was read from.
    pub fn owned(&self) -> Json<'static> {
        match self.string() {
            Some(text) => Json::Text(Cow::Owned(text.into_owned())),
            None => RawValue::from_string(self.to_json()).map_or(Json::NULL, |raw| Json::Raw(Cow::Owned(raw))),
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The value on one line.
    pub fn compact(&self) -> String {
        let (mut in_string, mut is_escaped) = (false, false);
        let mut json = self.to_json();
        json.retain(|character| {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            in_string || !character.is_ascii_whitespace()
        });
        json
    }
}

/// A body as a text without its byte order mark. What is no UTF-8 is replaced, as the Encoding standard says.
pub fn lossy(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Which reads many bytes at once, where the other looks at each.
    str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// How far a JSON object, list or string has come that arrives in pieces. It is not checked otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nesting {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    /// Whether its end has come.
    pub is_closed: bool,
}

impl Nesting {
    /// Reads a piece of the text.
    pub fn push(&mut self, piece: &[u8]) {
        for &byte in piece {
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => {
                        self.in_string = false;
                        self.is_closed |= self.depth == 0;
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_closed |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    /// Whether it has begun, and not ended.
    pub fn is_open(self) -> bool {
        self.depth > 0 || (self.in_string && !self.is_closed)
    }
}

/// An object: its members in their order.
#[derive(Clone, Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// Reads all of `text`; none where it is not an object.
    pub fn parse(text: &'a str) -> Option<Self> {
        Self::parse_opening(text, &[])
    }

    /// The same, where members of these names, at any level, are lists and objects that will be looked into: they are
    /// read along, and not once more for each level.
    pub fn parse_opening(text: &'a str, names: &[&str]) -> Option<Self> {
        match level(text, names).or_else(|_| level(text, &[])) {
            Ok(Json::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// A member, `null` being none. Of two of one name the last counts.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        let (_, value) = self.0.iter().rev().find(|(known, _)| known == name)?;
        Some(value).filter(|value| !value.is_null())
    }

    /// A member, however its name is spelled in upper and lower case.
    pub fn like(&self, name: &str) -> Option<&Json<'a>> {
        let (_, value) = self.0.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value).filter(|value| !value.is_null())
    }

    /// A member, which is no longer here then, `null` being none.
    pub fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let (_, value) = self.0.iter_mut().rev().find(|(known, _)| known == name)?;
        Some(mem::replace(value, Json::NULL)).filter(|value| !value.is_null())
    }

    /// A member as a text, leniently: see [`Json::text`].
    pub fn text(&self, name: &str) -> Cow<'a, str> {
        self.get(name).map(Json::text).unwrap_or_default()
    }

    /// The items of a member that is a list; none where it is not.
    pub fn list(&self, name: &str) -> Vec<Json<'a>> {
        self.get(name).and_then(Json::list).unwrap_or_default()
    }

    /// The same of one that is no longer here then.
    pub fn take_list(&mut self, name: &str) -> Vec<Json<'a>> {
        self.take(name).map(Json::into_items).unwrap_or_default()
    }

    /// The members of a member that is an object; none where it is not.
    pub fn object(&self, name: &str) -> Self {
        self.get(name).map(Json::members).unwrap_or_default()
    }

    /// The same of one that is no longer here then.
    pub fn take_object(&mut self, name: &str) -> Self {
        self.take(name).map(Json::into_members).unwrap_or_default()
    }

    /// Whether a member is this string.
    pub fn is(&self, name: &str, text: &str) -> bool {
        self.get(name).is_some_and(|value| value.is(text))
    }

    /// The members.
    pub fn iter(&self) -> impl Iterator<Item = &(Cow<'a, str>, Json<'a>)> {
        self.0.iter()
    }

    /// Whether there is such a member, `null` being one.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Not generic, so that it is compiled once.
    fn taken(members: &mut [(&'a str, Json<'a>)]) -> Self {
        Self(members.iter_mut().map(|(name, value)| (Cow::Borrowed(*name), mem::replace(value, Json::NULL))).collect())
    }

    /// Puts `value` in the place of one of the same name, else at the end.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Json<'a>>) {
        self.put(name.into(), value.into());
    }

    /// Not generic, so that it is compiled once.
    fn put(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        match self.0.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Adds a member without a look at the others: [`Self::unify`] leaves one of each name.
    pub fn add(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        self.0.push((name, value));
    }

    /// The same as [`Self::set`], where there is a value.
    pub fn set_some(&mut self, name: &'a str, value: Option<impl Into<Json<'a>>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Takes out the members of this name.
    pub fn remove(&mut self, name: &str) {
        self.retain(&|known| known != name);
    }

    /// Takes out the members that do not have such a name.
    pub fn retain(&mut self, is_kept: &dyn Fn(&str) -> bool) {
        self.0.retain(|(name, _)| is_kept(name));
    }

    /// Takes out the members that are `null`.
    pub fn extract_nulls(&mut self) -> Self {
        Self(self.0.extract_if(.., |(_, value)| value.is_null()).collect())
    }

    /// Leaves one member of each name: the value of the last, in the place of the first.
    pub fn unify(&mut self) {
        last_of_each(&mut self.0, |(name, _)| name);
    }

    /// Sets the members of `other`, which win.
    pub fn extend(&mut self, other: Self) {
        if !other.is_empty() {
            self.0.extend(other.0);
            self.unify();
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = alloc::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, const N: usize> From<[(&'a str, Json<'a>); N]> for Object<'a> {
    fn from(mut members: [(&'a str, Json<'a>); N]) -> Self {
        Self::taken(&mut members)
    }
}

impl<'a> From<Object<'a>> for Json<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

impl<'a, const N: usize> From<[(&'a str, Json<'a>); N]> for Json<'a> {
    fn from(members: [(&'a str, Json<'a>); N]) -> Self {
        Self::Object(members.into())
    }
}

impl<'a> From<Vec<Json<'a>>> for Json<'a> {
    fn from(items: Vec<Json<'a>>) -> Self {
        Self::List(items)
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<bool> for Json<'_> {
    fn from(value: bool) -> Self {
        Self::Raw(Cow::Borrowed(if value { RawValue::TRUE } else { RawValue::FALSE }))
    }
}

/// Of a number from 0 to a billion, as the samplings of a chat are, in as few places as tell it from others, at most nine:
/// what writes any number takes 3 kB.
impl From<f32> for Json<'_> {
    fn from(number: f32) -> Self {
        let (mut places, mut scale) = (1, 10_u64);
        let scaled = |scale: u64| (f64::from(number) * scale as f64 + 0.5) as u64;
        while places < 9 && (scaled(scale) as f64 / scale as f64) as f32 != number {
            (places, scale) = (places + 1, scale * 10);
        }
        let (whole, rest) = (scaled(scale) / scale, scaled(scale) % scale);
        let json = alloc::format!("{whole}.{rest:0places$}");
        RawValue::from_string(json).map_or(Self::NULL, |raw| Self::Raw(Cow::Owned(raw)))
    }
}

impl From<i64> for Json<'_> {
    #[inline]
    fn from(number: i64) -> Self {
        to_raw_value(&number).map_or(Self::NULL, |raw| Self::Raw(Cow::Owned(raw)))
    }
}

impl From<u32> for Json<'_> {
    #[inline]
    fn from(number: u32) -> Self {
        i64::from(number).into()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self::Raw(Cow::Borrowed(raw)))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(raw) => raw.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// For each name, the place of the first that is the same. They are sorted for it: to look for each among all others
/// would cost the square of their number, and the number may be an attacker's choice.
pub fn firsts(names: &[&str]) -> Vec<usize> {
    // A heap is a tenth of the code of the standard library's sorts.
    let mut sorted: BinaryHeap<_> = names.iter().copied().zip((0..).map(Reverse)).collect();
    let mut firsts = alloc::vec![0; names.len()];
    let mut before = None;
    while let Some((name, Reverse(at))) = sorted.pop() {
        let first = before.filter(|(known, _)| *known == name).map_or(at, |(_, first)| first);
        before = Some((name, first));
        if let Some(place) = firsts.get_mut(at) {
            *place = first;
        }
    }
    firsts
}

/// Leaves one item of each name: the last, in the place of the first.
pub fn last_of_each<T>(items: &mut Vec<T>, name: impl Fn(&T) -> &str) {
    let firsts = firsts(&items.iter().map(name).collect::<Vec<_>>());
    for (at, &first) in firsts.iter().enumerate() {
        items.swap(at, first);
    }
    let mut places = firsts.iter().enumerate();
    items.retain(|_| places.next().is_some_and(|(at, &first)| at == first));
}

/// What a value starts with, which says what it is.
fn first(raw: &RawValue) -> u8 {
    raw.get().bytes().next().unwrap_or_default()
}

/// A JSON string with escapes, in its quotes; empty where it is none. Half of a surrogate pair becomes a replacement
/// character.
pub fn unescaped(json: &str) -> Cow<'static, str> {
    let text = |json: &str| if let Ok(Json::Text(text)) = level(json, &[]) { Some(text.into_owned()) } else { None };
    Cow::Owned(text(json).or_else(|| text(&whole_pairs(json))).unwrap_or_default())
}

/// Reads one level of a JSON text: what is in a list or an object stays [`Json::Raw`], unless it is a member of one of
/// these names, which is opened too, as are the items of such a list.
fn level<'a>(json: &'a str, open: &[&str]) -> Result<Json<'a>, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let level = Level { open, left: LEVELS }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(level)
}

/// How far down members are opened: the calls of a message of a choice lie six levels deep.
const LEVELS: usize = 8;

/// It takes whatever comes: to ask for a type links all that `serde` says of values of others, some 30 kB.
#[derive(Clone, Copy)]
struct Level<'n> {
    open: &'n [&'n str],
    left: usize,
}

impl Level<'_> {
    fn below(self, is_open: bool) -> Option<Self> {
        (is_open && self.left > 0).then(|| Self { left: self.left - 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::NULL)
    }

    // Of the rest of the scalars the spelling is gone: that they are no list and no object is all that counts here.

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(false.into())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(false.into())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(false.into())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(false.into())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let below = self.below(!self.open.is_empty());
        let mut items = Vec::new();
        while let Some(item) = match below {
            Some(level) => seq.next_element_seed(level)?,
            None => seq.next_element()?,
        } {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        // So many are in most objects.
        let mut members = Vec::with_capacity(8);
        while let Some(Json::Text(name)) = map.next_key_seed(self)? {
            let value = match self.below(self.open.contains(&&*name)) {
                Some(level) => map.next_value_seed(level)?,
                None => map.next_value()?,
            };
            members.push((name, value));
        }
        Ok(Json::Object(Object(members)))
    }
}

/// What the half of a surrogate pair is read as.
pub const HALF: &[u8] = "\u{fffd}".as_bytes();

/// Where a string in a JSON text ends in the first half of a surrogate pair, as JavaScript cuts texts: the place of that
/// escape.
#[cold]
pub fn cut(json: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr(b'\\', json.as_bytes().get(from..)?)?;
        if let [b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _, b'"', ..] =
            json.as_bytes().get(at + 1..)?
        {
            return Some(at);
        }
        // What is escaped may be a backslash.
        from = at + 2;
    }
}

/// A JSON text that is [`cut`], with the other halves of its pairs, and the next text without them, as far as that one
/// goes on so.
#[cold]
#[inline]
pub fn joined(mut json: &str, mut next: &str) -> (String, String) {
    // An escaped quote begins no string.
    let is_second = |text: &[u8]| matches!(text, [before, b'"', b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F'] if *before != b'\\');
    let (mut whole, mut rest) = (String::new(), String::new());
    // Some send the same text in two fields.
    while let Some(first) = cut(json)
        && let Some(second) = next.as_bytes().windows(6).position(is_second)
        && let Some((before, after)) = json.split_at_checked(first + 6)
        && let Some((between, escape)) = next.split_at_checked(second + 2)
        && let Some((half, behind)) = escape.split_at_checked(6)
    {
        whole.extend([before, half]);
        rest.push_str(between);
        (json, next) = (after, behind);
    }
    (whole + json, rest + next)
}

/// The same JSON string with a replacement character for half of a surrogate pair.
fn whole_pairs(json: &str) -> String {
    let mut out = String::new();
    let mut rest = json;
    while let Some((before, escape)) = rest.split_once('\\') {
        let unit = |escape: &str| u32::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok();
        let pair = escape.get(5..).and_then(|low| Some((unit(escape)?, unit(low.strip_prefix('\\')?)?)));
        let (kept, replacement) = match (pair, unit(escape)) {
            (Some((0xd800..0xdc00, 0xdc00..0xe000)), _) => (11, None),
            (_, Some(0xd800..0xe000)) => (5, Some("ufffd")),
            _ => (1, None),
        };
        let (escape, after) = escape.split_at_checked(kept).unwrap_or((escape, ""));
        out.extend([before, "\\", replacement.unwrap_or(escape)]);
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    fn json(json: &str) -> Json<'_> {
        Json::parse(json).unwrap()
    }

    #[test]
    fn texts_are_lenient() {
        for (spelled, expected) in [
            (r#""plain""#, "plain"),
            (r#""a\n""#, "a\n"),
            (r#""\n""#, "\n"),
            ("null", ""),
            ("7", "7"),
            ("1.50e3", "1.50e3"),
            ("true", "true"),
            (r#"{"a":[1]}"#, ""),
            (r#"[{"type":"text","text":"a"},{"type":"image"},3,{"text":{"x":1}},{"type":"text","text":"b"}]"#, "ab"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""x\ud800""#, "x\u{fffd}"),
            (r#""\ud800\u0041""#, "\u{fffd}A"),
            (r#""\udc00x""#, "\u{fffd}x"),
        ] {
            assert_eq!(json(spelled).text(), expected, "{spelled}");
        }
        assert!(matches!(json(r#""x""#).text(), Cow::Borrowed("x")));
    }

    /// To look for each pair from the start would cost the square of their number, which may be an attacker's choice.
    #[test]
    fn halves_of_pairs_meet_in_one_pass() {
        let list = |text: &str| format!(r#"["a{}"]"#, [text; 100_000].join(r#"","#));
        let (whole, rest) = joined(&list(r#"\ud83d","b"#), &list(r#"b","\ude00"#));
        assert!(whole == list(r#"\ud83d\ude00","b"#) && rest == list(r#"b",""#));
        for (cut, next, expected) in [
            (
                r#"["\ud800","\ud801"]"#,
                r#"["\udc00\udc01","\udc02"]"#,
                [r#"["\ud800\udc00","\ud801\udc02"]"#, r#"["\udc01",""]"#],
            ),
            (r#"["\ud800","\ud801"]"#, r#"["\udc00"]"#, [r#"["\ud800\udc00","\ud801"]"#, r#"[""]"#]),
            (r#"["\ud800"]"#, r#"["\udc00","\udc01"]"#, [r#"["\ud800\udc00"]"#, r#"["","\udc01"]"#]),
            (r#"["\ud800"]"#, r#"["a"]"#, [r#"["\ud800"]"#, r#"["a"]"#]),
            (r#"["\ud800"]"#, r#"["\"\udc00"]"#, [r#"["\ud800"]"#, r#"["\"\udc00"]"#]),
        ] {
            let (whole, rest) = joined(cut, next);
            assert_eq!([&*whole, &*rest], expected, "{cut} {next}");
        }
    }

    #[test]
    fn counts_are_lenient() {
        for (spelled, expected) in [
            ("3", Some(3)),
            ("3.7", Some(3)),
            ("3e2", Some(300)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-3", None),
            ("null", None),
            (r#""5""#, Some(5)),
            (r#""x""#, None),
            ("{}", None),
            ("[1]", None),
            ("1e20", None),
        ] {
            assert_eq!(json(spelled).count(), expected, "{spelled}");
        }
    }

    #[test]
    fn bytes_are_read_as_utf8_and_may_start_with_its_mark() {
        assert_eq!(lossy(b"\"\xff\xe2\x82x\""), "\"\u{fffd}\u{fffd}x\"");
        assert_eq!(lossy(b"\xef\xbb\xbf{}"), "{}");
        assert!(Object::parse("{} {}").is_none());
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let text = r#"{"z": [1.0, 1e400, "\u0041"],"a":{ } ,"a":null}"#;
        assert_eq!(json(text).to_json(), text);
        assert_eq!(json(text).compact(), r#"{"z":[1.0,1e400,"\u0041"],"a":{},"a":null}"#);
        assert_eq!(json(r#"["a \" \\", "b"]"#).compact(), r#"["a \" \\","b"]"#);
        let mut object = json(text).object().unwrap();
        assert!(object.get("a").is_none() && object.has("a"), "the last counts");
        object.set("z", vec![0.7f32.into(), Json::NULL, "\"".into(), true.into()]);
        object.extend(Object::from([("a", 3u32.into()), ("b", [("c", (-1i64).into())].into())]));
        assert_eq!(object.to_json(), r#"{"z":[0.7,null,"\"",true],"a":3,"b":{"c":-1}}"#);
        object.remove("a");
        assert_eq!(object.to_json(), r#"{"z":[0.7,null,"\"",true],"b":{"c":-1}}"#);
    }

    #[test]
    fn numbers_have_the_fewest_places() {
        for (number, expected) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.7, "0.7"),
            (0.1 + 0.2, "0.3"),
            (1.05, "1.05"),
            (0.001, "0.001"),
            (1.999_999, "1.999999"),
            (123_456.79, "123456.79"),
            (999_999_936.0, "999999936.0"),
            (0.000_000_001, "0.000000001"),
            (1e-12, "0.000000000"),
            (1.0 / 3.0, "0.33333334"),
        ] {
            assert_eq!(Json::from(number as f32).to_json(), expected);
            assert!(number == 1e-12 || expected.parse() == Ok(number as f32), "{expected}");
        }
    }

    #[test]
    fn of_members_of_one_name_the_last_value_is_left_in_the_first_place() {
        for (members, expected) in [
            ("{}", "{}"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"b":1,"a":2,"b":3,"c":4,"b":5,"a":6}"#, r#"{"b":5,"a":6,"c":4}"#),
            (r#"{"":1,"\u0000":2,"":null}"#, r#"{"":null,"\u0000":2}"#),
        ] {
            let mut object = Object::parse(members).unwrap();
            object.unify();
            assert_eq!(object.to_json(), expected);
        }
    }
}
