//! The fields that requests share, taken out of a JSON object one by one: what is left goes to the provider as it is.
//! `null` counts as missing.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value};

use crate::bindings::openclaw::provider::types::Usage;
use crate::failure::Failure;

/// Most members of one object. Without std the maps have a seed that can be known, so names may be made to have one hash,
/// and each would then be compared with all before it. `logit_bias` has about a thousand.
pub(crate) const MOST_MEMBERS: u32 = 2_048;

/// Whether an object has more. What nests deeper than this counts is refused by the parser.
pub(crate) fn has_too_many_members(body: &[u8]) -> bool {
    let (mut counts, mut depth) = ([0_u32; 130], 0_usize);
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while bytes.next().is_some_and(|byte| *byte != b'"' && (*byte != b'\\' || bytes.next().is_some())) {}
            }
            b'{' | b'[' => {
                depth += 1;
                counts.get_mut(depth).into_iter().for_each(|count| *count = 0);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' => {
                let count = counts.get_mut(depth).map(|count| {
                    *count += 1;
                    *count
                });
                if count.is_some_and(|count| count > MOST_MEMBERS) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The members of a JSON object, in their order.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Box<Failure>> {
    if has_too_many_members(body) {
        return Err(Failure::invalid(format!("An object of the body has more than {MOST_MEMBERS} members")));
    }
    serde_json::from_slice(body).map_err(|error| Failure::invalid(format!("The body is not a JSON object: {error}")))
}

/// A value of any type.
pub(crate) fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.shift_remove(name).filter(|value| !value.is_null())
}

/// A text.
pub(crate) fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Box<Failure>> {
    match take(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::invalid_field(name, "must be a text")),
    }
}

/// A boolean.
pub(crate) fn flag(fields: &mut Map<String, Value>, name: &str) -> Result<Option<bool>, Box<Failure>> {
    let flag = |value: Value| value.as_bool().ok_or_else(|| Failure::invalid_field(name, "must be true or false"));
    take(fields, name).map(flag).transpose()
}

/// A whole number.
pub(crate) fn number(fields: &mut Map<String, Value>, name: &str) -> Result<Option<u32>, Box<Failure>> {
    let whole = |value: &Value| match value.as_f64() {
        // JSON does not tell 1.0 from 1.
        Some(number) if value.is_f64() && number == number as i64 as f64 => u32::try_from(number as i64).ok(),
        _ => u32::try_from(value.as_u64()?).ok(),
    };
    let read =
        |value: Value| whole(&value).ok_or_else(|| Failure::invalid_field(name, "must be a number in its range"));
    take(fields, name).map(read).transpose()
}

/// What was not taken: an `extra-json`.
pub(crate) fn rest(fields: Map<String, Value>) -> Option<String> {
    (!fields.is_empty()).then(|| Value::Object(fields).to_string())
}

/// How answers about images and audio count tokens.
pub(crate) fn usage(usage: &Usage) -> Map<String, Value> {
    let (input, output) = (usage.input_tokens, usage.output_tokens);
    let counts = [("input_tokens", input), ("output_tokens", output), ("total_tokens", input.saturating_add(output))];
    counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn no_object_has_more_members_than_it_may() {
        let members = |count: u32| (0..count).map(|number| format!("\"a{number}\":0")).collect::<Vec<_>>().join(",");
        let most = members(MOST_MEMBERS);
        for good in [
            format!("{{{most}}}"),
            format!(r#"{{"a":{{{most}}},"b":[{{{most}}},{{{most}}}]}}"#),
            format!(r#"{{"a":"{}"}}"#, ":\\\"{".repeat(10_000)),
            format!("{{\"a\":[{}]}}", ["{\"a\":0}"; 10_000].join(",")),
        ] {
            assert!(object(good.as_bytes()).is_ok());
        }
        let more = members(MOST_MEMBERS + 1);
        for bad in
            [format!("{{{more}}}"), format!(r#"{{"a":[[{{"b":"\\",{more}}}]]}}"#), format!(r#"{{"a":[{{}}],{more}"#)]
        {
            let failure = object(bad.as_bytes()).unwrap_err();
            assert!(failure.status == 400 && failure.message.contains("more than 2048 members"), "{}", failure.message);
        }
    }
}
