//! The fields that requests share, taken out of a JSON object one by one: what is left goes to the provider as it is.
//! `null` counts as missing.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value};

use crate::bindings::openclaw::provider::types::Usage;
use crate::failure::Failure;

/// The members of a JSON object, in their order.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Box<Failure>> {
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
