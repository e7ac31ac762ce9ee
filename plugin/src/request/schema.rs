//! Schemas of tools, in the part of JSON Schema that the models that may answer know.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::mem;

use super::body::{each, list};
use super::targets::Targets;
use crate::json::{Json, Object, firsts};
use crate::model_traits::{Family, Route};

/// As most schemas begin, which need not be looked into, unless something of [`ODD`] is in them.
const PLAIN: &str = r#"{"type":"object","properties":{"#;

/// A list of required members that is `null`, a union, and a reference.
const ODD: [&str; 3] = ["null", "Of\"", "\"$ref\""];
/// Where definitions were before they had the place of today: the gateway drops those for Claude.
const OLDER: &str = "#/definitions/";

/// What of a schema is looked at: one that refers to itself has no end.
const MOST: usize = 4_096;
const DEEPEST: usize = 32;
/// How much deeper it gets where a reference is.
const PLACE: usize = 8;
/// So few required members may be looked for one by one.
const MOST_REQUIRED: usize = 512;
/// The longest type that is given to each variant, in bytes: all seven names in a list are no longer.
const LONGEST_TYPE: usize = 128;

/// How much the references in all tools of a request may cost together, in bytes that they stand for and names that are
/// looked at: any number of them may name one definition of any length.
pub(super) const ROOM: usize = 1 << 22;

/// Whose part of JSON Schema a schema has to keep to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What all take.
    Common,
    Google,
    Kimi,
    Nova,
}

impl Form {
    pub(super) fn of(targets: &Targets) -> Self {
        let has = |family| targets.any(|target| target.family == family && target.route != Route::OpenRouter);
        let forms = [(Family::Gemini, Self::Google), (Family::Nova, Self::Nova), (Family::Kimi, Self::Kimi)];
        forms.into_iter().find(|(family, _)| has(*family)).map_or(Self::Common, |(_, form)| form)
    }
}

/// How Google takes a member.
enum As {
    Is,
    /// The first of several, which may be a schema.
    One,
    Choices,
    Format,
    Properties,
    Variants,
    /// As another, which includes its value.
    Bound(&'static str),
}

/// The members that Google knows. Source: Google's API reference, `Schema`.
const GOOGLES: [(&str, As); 23] = [
    ("title", As::Is),
    ("description", As::Is),
    ("nullable", As::Is),
    ("pattern", As::Is),
    ("minimum", As::Is),
    ("maximum", As::Is),
    ("minLength", As::Is),
    ("maxLength", As::Is),
    ("minItems", As::Is),
    ("maxItems", As::Is),
    ("required", As::Is),
    ("default", As::Is),
    ("exclusiveMinimum", As::Bound("minimum")),
    ("exclusiveMaximum", As::Bound("maximum")),
    ("type", As::One),
    ("items", As::One),
    ("enum", As::Choices),
    ("const", As::Choices),
    ("format", As::Format),
    ("properties", As::Properties),
    ("anyOf", As::Variants),
    ("oneOf", As::Variants),
    ("allOf", As::Variants),
];
/// The only formats that it takes.
const FORMATS: [&str; 6] = ["enum", "date-time", "float", "double", "int32", "int64"];

/// The schema of a function's parameters, as all providers take it. None where it takes nothing and Google gets it:
/// "properties: should be non-empty for OBJECT type" (crmne/ruby_llm#61).
pub(super) fn parameters<'a>(given: Option<Json<'a>>, form: Form, room: &mut usize) -> Option<Json<'a>> {
    let raw = given.as_ref().and_then(Json::raw).unwrap_or_default();
    let is_lenient = matches!(form, Form::Common | Form::Kimi);
    if is_lenient && raw.starts_with(PLAIN) && !ODD.iter().any(|odd| raw.contains(odd)) {
        return given;
    }
    if raw.contains(OLDER) {
        let given = raw.replace(OLDER, "#/$defs/");
        return fitted(Json::parse(&given).ok(), form, room).map(|schema| Json::from(schema).owned());
    }
    fitted(given, form, room).map(Json::from)
}

/// A schema with its definitions in the place of today.
fn of_today(given: Option<Json<'_>>) -> Object<'_> {
    let mut schema = given.and_then(Json::into_object).unwrap_or_default();
    if let Some(mut older) = schema.take("definitions").and_then(Json::into_object) {
        older.extend(schema.take_object("$defs"));
        schema.set("$defs", older);
    }
    schema.remove("definitions");
    schema
}

fn fitted<'a>(given: Option<Json<'a>>, form: Form, room: &mut usize) -> Option<Object<'a>> {
    let schema = of_today(given);
    let mut walk = Walk::of(&schema, room);
    let is_alone = walk.defs.is_empty();
    let mut schema = walk.object(schema);
    match form {
        Form::Common => {}
        Form::Google => {
            schema = walk.google(schema.into(), DEEPEST);
            let takes = matches!(schema.get("properties"), Some(Json::Object(all)) if !all.is_empty());
            return takes.then_some(schema);
        }
        Form::Kimi => schema = walk.kimi(schema.into(), DEEPEST).into_members(),
        // Three members at the top are all that it takes ("extraneous key [definitions] is not permitted":
        // zed-industries/zed#28521): what is defined apart is written where it is referred to, as for Google.
        Form::Nova => {
            if !is_alone {
                schema = walk.google(schema.into(), DEEPEST);
            }
            schema.retain(&|name| matches!(name, "type" | "properties" | "required"));
        }
    }
    Some(schema)
}

/// A schema for the answer as Anthropic takes it, or else in Google's form.
pub(super) fn of_answer(schema: &Json<'_>, is_claude: bool) -> Option<Json<'static>> {
    let json = schema.to_json().replace(OLDER, "#/$defs/");
    let schema = of_today(Json::parse(&json).ok());
    let fitted = if is_claude {
        closed(schema)?
    } else {
        Walk::of(&schema, &mut { ROOM }).google(schema.clone().into(), DEEPEST).into()
    };
    Some(fitted.owned())
}

/// Bounds, which Anthropic refuses in a schema for the answer.
const BOUNDS: [&str; 11] = [
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems", "pattern", "format",
];

/// So many definitions may lead to each other.
const MOST_DEFINITIONS: usize = 64;

/// A schema for the answer as Anthropic takes it: each object closed, without bounds. None if it leads to itself ("Circular
/// reference detected in schema definitions": egonSchiele/agency-lang#487), or if an object in it may have any members:
/// closed it could have none. Sources of the others: see `host-harness/stub/src/strict/anthropic.rs`.
fn closed(schema: Object<'_>) -> Option<Json<'_>> {
    let defs = schema.object("$defs");
    let mut all: Vec<_> = defs.iter().map(|(name, json)| (["/$defs/", name].concat(), json.to_json())).collect();
    all.push(("".into(), schema.to_json()));
    if all.len() > MOST_DEFINITIONS {
        return None;
    }
    // Which of them each leads to, a bit for each.
    let bit = |reference: &str| all.iter().position(|(name, _)| name == reference).map_or(0, |at| 1_u64 << at);
    let leads = |json: &str| {
        let references = json.split("\"#").skip(1).filter_map(|rest| rest.split('"').next());
        references.fold(0, |bits, reference| bits | bit(reference))
    };
    let leads: Vec<_> = all.iter().map(|(_, json)| leads(json)).collect();
    // Those that lead to none that is left, until none is.
    let mut left = u64::MAX;
    while left != 0 {
        let still = leads.iter().rev().fold(0, |still, leads| still << 1 | u64::from(leads & left != 0));
        if still == left {
            return None;
        }
        left = still;
    }
    close(schema.into(), DEEPEST)
}

fn close(json: Json<'_>, depth: usize) -> Option<Json<'_>> {
    if !json.is_nested() {
        return Some(json);
    }
    let depth = depth.checked_sub(1)?;
    if !json.is_object() {
        let items = json.into_list()?;
        let count = items.len();
        let closed = each(items, &mut |item| close(item, depth));
        return (closed.len() == count).then(|| closed.into());
    }
    let mut out = Object::default();
    for (name, value) in json.into_object()? {
        // A property of such a name is an object.
        if value.is_nested() || !BOUNDS.contains(&&*name) {
            out.add(name, close(value, depth)?);
        }
    }
    // It may be `null` too.
    if out.text("type").contains("object") {
        let more = out.get("additionalProperties");
        let is_open = more.is_some_and(Json::is_object) || more.and_then(Json::bool) == Some(true);
        if is_open || out.has("patternProperties") || !out.has("properties") && more.is_none() {
            return None;
        }
        out.set("additionalProperties", false);
    }
    Some(out.into())
}

/// What holds variants, and whether what one demands is demanded: what one of several does is not.
const UNIONS: [(&str, bool); 4] = [("$ref", true), ("allOf", true), ("anyOf", false), ("oneOf", false)];

/// Takes out the properties of a schema, and which of them it demands.
fn take<'a>(schema: &mut Object<'a>, properties: &mut Vec<(Cow<'a, str>, Json<'a>)>, required: &mut Vec<Json<'a>>) {
    properties.extend(schema.take_object("properties"));
    required.extend(schema.take_list("required"));
    schema.remove("required");
}

/// Properties of one name may be any that a variant has, unless they are among the first, which the schema itself has.
fn union<'a>(mut all: Vec<(Cow<'a, str>, Json<'a>)>, own: usize) -> Object<'a> {
    let firsts = firsts(&all.iter().map(|(name, _)| &**name).collect::<Vec<_>>());
    for (at, first) in firsts.into_iter().enumerate().filter(|(at, first)| at != first) {
        let Some((_, more)) = all.get_mut(at) else { continue };
        let more = mem::replace(more, Json::NULL);
        let Some((_, kept)) = all.get_mut(first).filter(|_| first >= own) else { continue };
        // No schema is a list: one stands for the variants until all are there.
        match kept {
            Json::List(variants) => variants.push(more),
            kept if kept.raw() == more.raw() => {}
            kept => *kept = Json::List(alloc::vec![mem::replace(kept, Json::NULL), more]),
        }
    }
    let mut out = Object::default();
    for (name, schema) in all {
        match schema {
            Json::List(variants) => out.add(name, [("anyOf", variants.into())].into()),
            schema if schema.is_null() => {}
            schema => out.add(name, schema),
        }
    }
    out
}

/// A way through a schema.
struct Walk<'a, 'r> {
    root: Object<'a>,
    defs: Object<'a>,
    left: usize,
    /// How long all of it is.
    length: usize,
    /// See [`ROOM`].
    room: &'r mut usize,
}

impl<'a, 'r> Walk<'a, 'r> {
    fn of(schema: &Object<'a>, room: &'r mut usize) -> Self {
        let length = schema.iter().map(|(name, value)| name.len() + value.raw().unwrap_or_default().len()).sum();
        Self { root: schema.clone(), defs: schema.object("$defs"), left: MOST, length, room }
    }

    /// The schema of an object, with its properties and without a union around them: OpenAI, Anthropic, Bedrock and Kimi
    /// refuse one at the top.
    fn object(&mut self, mut schema: Object<'a>) -> Object<'a> {
        let mut properties = Vec::new();
        let mut required = Vec::new();
        take(&mut schema, &mut properties, &mut required);
        let own = properties.len();
        for (name, demands) in UNIONS {
            let variants = match schema.take(name) {
                Some(named) if named.string().is_some() => alloc::vec![[("$ref", named)].into()],
                variants => variants.and_then(Json::into_list).unwrap_or_default(),
            };
            for variant in variants {
                let Some(variant) = variant.into_object() else { continue };
                let mut variant = self.named(&variant).and_then(Json::into_object).unwrap_or(variant);
                let demanded = required.len();
                take(&mut variant, &mut properties, &mut required);
                if !demands {
                    required.truncate(demanded);
                }
            }
            schema.remove(name);
        }
        schema.remove("not");
        schema.set("type", "object");
        schema.set("properties", union(properties, own));
        if !required.is_empty() {
            schema.set("required", required);
        }
        schema
    }

    /// How many of the parts that a schema holds all of have properties.
    fn objects_in(&mut self, schema: &Object<'a>) -> usize {
        let parts = schema.list("allOf");
        let is_object = |part: &Object<'a>| {
            self.named(part).map_or_else(
                || part.has("properties"),
                |named| named.object().is_some_and(|named| named.has("properties")),
            )
        };
        parts.into_iter().filter_map(Json::into_object).filter(is_object).count()
    }

    /// Takes the room that it needs to look for a name. Names may be long, and begin alike.
    fn look_for(&mut self, reference: &str) -> Option<()> {
        let names = self.defs.iter().count() + self.root.iter().count();
        *self.room = self.room.checked_sub(names * (reference.len() / 64 + 1))?;
        Some(())
    }

    /// What a schema refers to: a definition, or by its path.
    fn named(&mut self, schema: &Object<'a>) -> Option<Json<'a>> {
        let reference = schema.get("$ref")?.string()?;
        self.look_for(&reference)?;
        let mut path = reference.strip_prefix('#')?.split('/').skip(1).peekable();
        let mut named = if path.next_if_eq(&"$defs").is_some() {
            self.defs.get(path.next()?)?.clone()
        } else {
            self.root.clone().into()
        };
        for name in path {
            *self.room = self.room.checked_sub(named.raw().unwrap_or_default().len())?;
            named = match named.object() {
                Some(object) => object.get(name)?.clone(),
                None => named.list()?.into_iter().nth(name.parse().ok()?)?,
            };
        }
        *self.room = self.room.checked_sub(named.raw().map_or(self.length, str::len))?;
        Some(named)
    }

    /// The same as Kimi takes it: with no type beside a union ("type should be defined in anyOf items":
    /// nicobailon/pi-subagents#126), which each variant gets that has none, or beside a reference (lidge-jun/opencodex#2673),
    /// and with references to definitions alone (farion1231/cc-switch#5125): what others lead to is written in their place.
    fn kimi(&mut self, json: Json<'a>, depth: usize) -> Json<'a> {
        if json.raw().is_some_and(|raw| !["\"anyOf\"", "\"$ref\""].iter().any(|odd| raw.contains(odd))) {
            return json;
        }
        if depth == 0 {
            return Object::default().into();
        }
        if !json.is_object() {
            let items = json.list();
            return items.map_or(json, |items| each(items, &mut |item| Some(self.kimi(item, depth - 1))).into());
        }
        self.left = self.left.saturating_sub(1);
        let mut schema = json.into_members();
        if schema.has("$ref") {
            let reference = schema.text("$ref").into_owned();
            let has_room = self.look_for(&reference).is_some();
            // Where there is no more room it is taken at its word.
            if reference.strip_prefix("#/$defs/").is_some_and(|name| !has_room || self.defs.has(name)) {
                schema.retain(&|name| matches!(name, "$ref" | "description"));
                return schema.into();
            }
            // One that leads to itself has an end.
            let named = self.named(&schema).filter(|_| depth > PLACE && self.left > 0);
            schema.remove("$ref");
            if let Some(named) = named {
                let mut named = named.into_members();
                named.extend(schema);
                return self.kimi(named.into(), depth - PLACE);
            }
        }
        if let Some(mut variants) = schema.get("anyOf").and_then(Json::list)
            && let Some(kind) = schema.take("type")
        {
            schema.remove("type");
            let is_short = kind.raw().is_none_or(|raw| raw.len() <= LONGEST_TYPE);
            for variant in variants.iter_mut().filter(|_| is_short) {
                if let Some(mut own) = variant.object()
                    && !["type", "$ref", "anyOf"].iter().any(|name| own.has(name))
                {
                    own.set("type", kind.clone());
                    *variant = own.into();
                }
            }
            schema.set("anyOf", variants);
        }
        let mut out = Object::default();
        for (name, value) in schema {
            out.add(name, self.kimi(value, depth - 1));
        }
        out.into()
    }

    /// The same in OpenAPI's form: Google refuses each member that it does not know ("Unknown name"), lists of types,
    /// values that are no texts, and more. Sources: see `host-harness/stub/src/strict/gemini.rs`.
    fn google(&mut self, schema: Json<'a>, depth: usize) -> Object<'a> {
        let mut out = Object::default();
        let is_seen = depth > 0 && self.left > 0;
        self.left = self.left.saturating_sub(1);
        let mut schema = schema.into_object().filter(|_| is_seen).unwrap_or_default();
        // One object in parts: else the properties of the last would be all that is left.
        if usize::from(schema.has("properties")) + self.objects_in(&schema) > 1 {
            schema = self.object(schema);
        }
        if let Some(named) = self.named(&schema) {
            out.extend(self.google(named, depth - 1));
        }
        for (name, value) in schema {
            let Some((_, how)) = GOOGLES.iter().find(|(known, _)| name == *known) else { continue };
            match how {
                As::Is => out.set(name, value),
                As::Bound(name) if value.number().is_some() => out.set(*name, value),
                As::Format if FORMATS.iter().any(|format| value.is(format)) => out.set(name, value),
                As::Bound(_) | As::Format => {}
                As::Choices => {
                    let mut values = value.clone().into_list().unwrap_or_else(|| alloc::vec![value]);
                    for value in &mut values {
                        *value = Json::Text(value.text());
                    }
                    values.retain(|value| !value.is(""));
                    out.set("enum", values);
                }
                As::Properties => {
                    let mut all = Object::default();
                    for (name, schema) in value.into_members() {
                        all.add(name, self.google(schema, depth - 1).into());
                    }
                    out.set("properties", all);
                }
                As::One => {
                    let first = some(&mut out, value).swap_remove(0);
                    let first = if name == "type" { first } else { self.google(first, depth - 1).into() };
                    out.set(name, first);
                }
                As::Variants => {
                    let variants = some(&mut out, value).into_iter().map(|variant| self.google(variant, depth - 1));
                    let variants: Vec<_> = variants.collect();
                    if variants.len() == 1 || name == "allOf" {
                        variants.into_iter().for_each(|variant| out.extend(variant));
                    } else {
                        out.set("anyOf", list(variants));
                    }
                }
            }
        }
        let told = [("enum", "string"), ("properties", "object"), ("items", "array")];
        let kind =
            told.iter().find(|(name, _)| out.has(name)).map_or_else(|| out.text("type"), |(_, kind)| (*kind).into());
        let kind = if kind.is_empty() { "string".into() } else { kind };
        out.remove("type");
        // It stands alone, but for what is said of it.
        if !out.has("anyOf") {
            if kind == "array" && !out.has("items") {
                out.set("items", [("type", "string".into())]);
            }
            out.set("type", Json::Text(kind));
        }
        // A number's mean nothing to a text.
        if out.is("type", "string") && !FORMATS.iter().take(2).any(|format| out.is("format", format)) {
            out.remove("format");
        }
        if let Some(mut required) = out.take("required").and_then(Json::into_list) {
            required.truncate(MOST_REQUIRED);
            required.retain(|name| matches!(out.get("properties"), Some(Json::Object(all)) if all.has(&name.text())));
            out.set("required", required);
        }
        out
    }
}

/// One or several, without what says that there may be none.
fn some<'a>(out: &mut Object<'a>, value: Json<'a>) -> Vec<Json<'a>> {
    let mut all = value.list().unwrap_or_else(|| alloc::vec![value]);
    let count = all.len();
    all.retain(|item| !item.is("null") && !item.object().is_some_and(|item| item.is("type", "null")));
    if all.len() < count {
        out.set("nullable", true);
    }
    if all.is_empty() {
        all.push(Json::NULL);
    }
    all
}
