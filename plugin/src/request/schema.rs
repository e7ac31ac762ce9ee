//! Schemas of tools, in the part of JSON Schema that the models that may answer know.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::mem;

use super::list;
use crate::json::{Json, Object, firsts};

/// As most schemas begin, which need not be looked into, unless something of [`ODD`] is in them.
const PLAIN: &str = r#"{"type":"object","properties":{"#;

/// A list of required members that is `null`, and a union.
const ODD: [&str; 2] = ["null", "Of\""];
/// Where definitions were before they had the place of today: the gateway drops those for Claude.
const OLDER: &str = "#/definitions/";

/// What of a schema is looked at: one that refers to itself has no end.
const MOST: usize = 4_096;
const DEEPEST: usize = 32;
/// So few required members may be looked for one by one.
const MOST_REQUIRED: usize = 512;

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
pub(super) fn parameters<'a>(given: Option<Json<'a>>, is_gemini: bool) -> Option<Json<'a>> {
    let raw = given.as_ref().and_then(Json::raw).unwrap_or_default();
    if !is_gemini && raw.starts_with(PLAIN) && !raw.contains('#') && !ODD.iter().any(|odd| raw.contains(odd)) {
        return given;
    }
    if raw.contains(OLDER) {
        let given = raw.replace(OLDER, "#/$defs/");
        return fitted(Json::parse(&given).ok(), is_gemini).map(|schema| Json::from(schema).owned());
    }
    fitted(given, is_gemini).map(Json::from)
}

fn fitted<'a>(given: Option<Json<'a>>, is_gemini: bool) -> Option<Object<'a>> {
    let mut schema = given.and_then(Json::into_object).unwrap_or_default();
    if let Some(mut older) = schema.take("definitions").and_then(Json::into_object) {
        older.extend(schema.take("$defs").and_then(Json::into_object).unwrap_or_default());
        schema.set("$defs", older);
    }
    schema.remove("definitions");
    let defs = schema.get("$defs").and_then(Json::object).unwrap_or_default();
    let schema = object(schema, &defs);
    if !is_gemini {
        return Some(schema);
    }
    let schema = Walk { defs, left: MOST }.google(schema.into(), DEEPEST);
    let takes = |schema: &Object<'_>| matches!(schema.get("properties"), Some(Json::Object(all)) if !all.is_empty());
    Some(schema).filter(takes)
}

/// The schema of an object, with its properties and without a union around them: OpenAI, Anthropic, Bedrock and Kimi
/// refuse one at the top.
fn object<'a>(mut schema: Object<'a>, defs: &Object<'a>) -> Object<'a> {
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
            let mut variant = named(&variant, defs).and_then(Json::into_object).unwrap_or(variant);
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

/// What holds variants, and whether what one demands is demanded: what one of several does is not.
const UNIONS: [(&str, bool); 4] = [("$ref", true), ("allOf", true), ("anyOf", false), ("oneOf", false)];

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
    fn google(&mut self, schema: Json<'a>, depth: usize) -> Object<'a> {
        let mut out = Object::default();
        let is_seen = depth > 0 && self.left > 0;
        self.left = self.left.saturating_sub(1);
        let mut schema = schema.into_object().filter(|_| is_seen).unwrap_or_default();
        if schema.get("allOf").and_then(Json::list).is_some_and(|all| all.len() > 1) {
            schema = object(schema, &self.defs);
        }
        if let Some(named) = named(&schema, &self.defs) {
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
                    for (name, schema) in value.into_object().unwrap_or_default() {
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
