//! Schemas of tools, in the part of JSON Schema that the models that may answer know.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::targets::Targets;
use crate::json::{Json, Object, firsts};
use crate::traits::{Family, Route};

/// As most schemas begin, which need not be looked into, unless something of [`ODD`] is in them.
const PLAIN: &str = r#"{"type":"object","properties":{"#;

/// A list of required members that is `null`, and a union.
const ODD: [&str; 2] = ["null", "Of\""];
const ANY: &str = "\"anyOf\"";
/// Where definitions were before they had the place of today: the gateway drops those for Claude.
const OLDER: &str = "#/definitions/";

/// What of a schema is looked at: one that refers to itself has no end.
const MOST: usize = 4_096;
const DEEPEST: usize = 32;

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

/// The schema of a function's parameters, as all providers take it; none where it is so already.
pub(super) fn parameters<'a>(given: Option<Json<'a>>, form: Form) -> Option<Json<'a>> {
    let raw = given.as_ref().and_then(Json::raw).unwrap_or_default();
    let is_lenient = matches!(form, Form::Common | Form::Kimi);
    if is_lenient && raw.starts_with(PLAIN) && !raw.contains('#') && !ODD.iter().any(|odd| raw.contains(odd)) {
        return None;
    }
    if raw.contains(OLDER) {
        let given = raw.replace(OLDER, "#/$defs/");
        return Some(fitted(Json::parse(&given).ok(), form).owned());
    }
    Some(fitted(given, form))
}

/// Whether it takes nothing.
pub(super) fn is_empty(schema: &Json<'_>) -> bool {
    let properties = schema.object().and_then(|schema| schema.get("properties")?.object());
    properties.is_none_or(|properties| properties.is_empty())
}

fn fitted<'a>(given: Option<Json<'a>>, form: Form) -> Json<'a> {
    let mut schema = given.and_then(Json::into_object).unwrap_or_default();
    if let Some(older) = schema.take("definitions") {
        schema.set("$defs", older);
    }
    schema.remove("definitions");
    let defs = schema.get("$defs").and_then(Json::object).unwrap_or_default();
    let schema = object(schema, &defs);
    match form {
        Form::Common => schema.into(),
        Form::Google => Walk { defs, left: MOST }.google(schema.into(), DEEPEST),
        Form::Kimi => typed(schema.into(), DEEPEST),
        Form::Nova => nova(schema, defs).into(),
    }
}

/// The three members that Nova takes at the top ("extraneous key [definitions] is not permitted":
/// zed-industries/zed#28521): what is defined apart is written where it is referred to, as for Google.
fn nova<'a>(mut schema: Object<'a>, defs: Object<'a>) -> Object<'a> {
    if !defs.is_empty() {
        schema = Walk { defs, left: MOST }.google(schema.into(), DEEPEST).into_object().unwrap_or_default();
    }
    schema.retain(&|name| matches!(name, "type" | "properties" | "required"));
    schema
}

/// The same without a type beside a union, which Kimi refuses at any depth ("type should be defined in anyOf items":
/// nicobailon/pi-subagents#126): each variant that has none gets it.
fn typed(json: Json<'_>, depth: usize) -> Json<'_> {
    if depth == 0 || json.raw().is_some_and(|raw| !raw.contains(ANY)) {
        return json;
    }
    if !json.is_object() {
        let items = json.list();
        return items
            .map_or(json, |items| items.into_iter().map(|item| typed(item, depth - 1)).collect::<Vec<_>>().into());
    }
    let mut schema = json.into_object().unwrap_or_default();
    if let Some(mut variants) = schema.get("anyOf").and_then(Json::list)
        && let Some(kind) = schema.take("type")
    {
        schema.remove("type");
        for variant in &mut variants {
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
        out.add(name, typed(value, depth - 1));
    }
    out.into()
}

/// The schema of an object, with its properties and without a union around them: OpenAI, Anthropic, Bedrock and Kimi
/// refuse one at the top.
fn object<'a>(mut schema: Object<'a>, defs: &Object<'a>) -> Object<'a> {
    let mut properties = Vec::new();
    let mut required = Vec::new();
    take(&mut schema, &mut properties, &mut required);
    let own = properties.len();
    for name in UNIONS {
        let variants = match schema.take(name) {
            Some(named) if named.string().is_some() => alloc::vec![[("$ref", named)].into()],
            variants => variants.and_then(Json::into_list).unwrap_or_default(),
        };
        for variant in variants {
            let Some(variant) = variant.into_object() else { continue };
            let mut variant = named(&variant, defs).and_then(Json::into_object).unwrap_or(variant);
            let demanded = required.len();
            take(&mut variant, &mut properties, &mut required);
            // What one of several demands is demanded no more.
            if name.ends_with("yOf") || name == "oneOf" {
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

const UNIONS: [&str; 4] = ["$ref", "allOf", "anyOf", "oneOf"];

/// Takes out the properties of a schema, and which of them it demands.
fn take<'a>(schema: &mut Object<'a>, properties: &mut Vec<(Cow<'a, str>, Json<'a>)>, required: &mut Vec<Json<'a>>) {
    properties.extend(schema.take("properties").and_then(Json::into_object).unwrap_or_default());
    required.extend(schema.take("required").and_then(Json::into_list).unwrap_or_default());
    schema.remove("required");
}

/// What a schema refers to.
fn named<'a>(schema: &Object<'a>, defs: &Object<'a>) -> Option<Json<'a>> {
    defs.get(schema.get("$ref")?.string()?.strip_prefix("#/$defs/")?).cloned()
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
struct Walk<'a> {
    defs: Object<'a>,
    left: usize,
}

impl<'a> Walk<'a> {
    /// The same in OpenAPI's form: Google refuses each member that it does not know ("Unknown name"), lists of types,
    /// values that are no texts, and more. Sources: see `host-harness/stub/src/strict/gemini.rs`.
    fn google(&mut self, schema: Json<'a>, depth: usize) -> Json<'a> {
        let mut out = Object::default();
        let is_seen = depth > 0 && self.left > 0;
        self.left = self.left.saturating_sub(1);
        let mut schema = schema.into_object().filter(|_| is_seen).unwrap_or_default();
        if schema.get("allOf").and_then(Json::list).is_some_and(|all| all.len() > 1) {
            schema = object(schema, &self.defs);
        }
        if let Some(named) = named(&schema, &self.defs) {
            out.extend(self.google(named, depth - 1).into_object().unwrap_or_default());
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
                    out.set("type", "string");
                }
                As::Properties => {
                    let mut all = Object::default();
                    for (name, schema) in value.into_object().unwrap_or_default() {
                        all.add(name, self.google(schema, depth - 1));
                    }
                    out.set("properties", all);
                }
                As::One => {
                    let (first, _) = one(&mut out, value);
                    out.set(name.clone(), if name == "type" { first } else { self.google(first, depth - 1) });
                }
                As::Variants => {
                    let (first, mut rest) = one(&mut out, value);
                    if rest.is_empty() || name == "allOf" {
                        rest.insert(0, first);
                        for variant in rest {
                            out.extend(self.google(variant, depth - 1).into_object().unwrap_or_default());
                        }
                        continue;
                    }
                    rest.insert(0, first);
                    for variant in &mut rest {
                        *variant = self.google(mem::replace(variant, Json::NULL), depth - 1);
                    }
                    out.set("anyOf", rest);
                }
            }
        }
        let has = |name: &str| out.has(name);
        let kind = match () {
            // It stands alone, but for what is said of it.
            () if has("anyOf") => "",
            () if has("enum") => "string",
            () if has("properties") => "object",
            () if has("items") => "array",
            () => &*out.text("type"),
        };
        let kind = String::from(if kind.is_empty() && !has("anyOf") { "string" } else { kind });
        if kind == "array" && !has("items") {
            out.set("items", [("type", "string".into())]);
        }
        out.remove("type");
        if !kind.is_empty() {
            out.set("type", kind);
        }
        if let Some(mut required) = out.take("required").and_then(Json::into_list) {
            let properties = out.get("properties").and_then(Json::object).unwrap_or_default();
            // So few that they may be looked for one by one.
            required.truncate(DEEPEST);
            required.retain(|name| properties.has(&name.text()));
            out.set("required", required);
        }
        out.into()
    }
}

/// The first of several, and the others, without what says that there may be none.
fn one<'a>(out: &mut Object<'a>, value: Json<'a>) -> (Json<'a>, Vec<Json<'a>>) {
    let mut all = value.list().unwrap_or_else(|| alloc::vec![value]);
    let count = all.len();
    all.retain(|item| !item.is("null") && !item.object().is_some_and(|item| item.is("type", "null")));
    if all.len() < count {
        out.set("nullable", true);
    }
    if all.is_empty() {
        return (Json::NULL, all);
    }
    (all.remove(0), all)
}
