//! The part of OpenClaw's configuration that is one provider's: what its plugin may read and write, and the entries under
//! any spelling of its name.

use serde_json::{Map, Value};

/// The sections that a plugin may read and write; `*` stands for its own id, in any case.
const SHARED: [&[&str]; 5] = [
    &["models", "mode"],
    &["models", "providers", "*"],
    &["agents", "defaults", "model"],
    &["agents", "defaults", "models"],
    &["plugins", "entries", "*", "config"],
];

/// The part of `config` that the plugin `id` may read and write.
pub(crate) fn excerpt(config: &Value, id: &str) -> Value {
    let mut part = Value::Object(Map::new());
    for path in SHARED {
        copy(config, &mut part, path, id);
    }
    part
}

/// A text without white space around it, as JavaScript has it, and so OpenClaw: a next line is none there, and a byte order
/// mark is.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter == '\u{feff}' || letter.is_whitespace() && letter != '\u{85}')
}

/// Whether `name` is the provider `id`'s, in any letter case.
pub(crate) fn is_own(name: &str, id: &str) -> bool {
    trimmed(name).eq_ignore_ascii_case(id)
}

/// The entries of the provider `id` and their names, in any letter case. The one that is spelled as `id` comes first,
/// because it wins.
pub fn entries<'a>(config: &'a Value, id: &str) -> Vec<(&'a str, &'a Value)> {
    let providers = config.pointer("/models/providers").and_then(Value::as_object);
    let all = providers.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry));
    let mut own: Vec<_> = all.filter(|(name, _)| is_own(name, id)).collect();
    own.sort_by_key(|(name, _)| *name != id);
    own
}

/// The rows of models that the entries of the provider `id` list, in their order.
pub fn models<'a>(config: &'a Value, id: &str) -> Vec<&'a Value> {
    entries(config, id).iter().filter_map(|(_, entry)| entry.get("models")?.as_array()).flatten().collect()
}

/// The id in a row of models of the provider `id`: OpenClaw takes `portkey/m` there for the `m` of Portkey.
pub fn model_id<'a>(model: &'a str, id: &str) -> &'a str {
    match model.split_once('/') {
        Some((provider, model)) if is_own(provider, id) => trimmed(model),
        _ => trimmed(model),
    }
}

/// Puts the plugin's part of `from` into `to`.
pub(crate) fn put_back(to: &mut Value, from: &Value, id: &str) {
    for path in SHARED {
        replace(to, from, path, id);
    }
}

/// The names that `step` stands for in `fields`.
fn matching(fields: &Map<String, Value>, step: &str, id: &str) -> Vec<String> {
    let matches = |name: &&String| if step == "*" { is_own(name, id) } else { *name == step };
    fields.keys().filter(matches).cloned().collect()
}

/// Copies the values at `path` into the same place of `to`. A value of another type than an object on the way is
/// copied as it is, so that the plugin can say what is wrong with it.
fn copy(from: &Value, to: &mut Value, path: &[&str], id: &str) {
    let (Some((step, rest)), Some(fields)) = (path.split_first(), from.as_object()) else {
        *to = from.clone();
        return;
    };
    for name in matching(fields, step, id) {
        let (Some(value), Some(to)) = (fields.get(&name), to.as_object_mut()) else { continue };
        copy(value, to.entry(name).or_insert_with(|| Value::Object(Map::new())), rest, id);
    }
}

/// Makes the values at `path` of `to` those of `from`: changed, added and removed ones. `null` on the way is as good as
/// nothing, where there is something to add.
fn replace(to: &mut Value, from: &Value, path: &[&str], id: &str) {
    let Some((step, rest)) = path.split_first() else {
        *to = from.clone();
        return;
    };
    let empty = Map::new();
    let source = from.as_object().unwrap_or(&empty);
    let names = matching(source, step, id);
    if to.is_null() && !names.is_empty() {
        *to = Value::Object(Map::new());
    }
    let Some(fields) = to.as_object_mut() else { return };
    if rest.is_empty() {
        for gone in matching(fields, step, id).iter().filter(|name| !names.contains(name)) {
            fields.shift_remove(gone);
        }
    }
    for name in names {
        let Some(value) = source.get(&name) else { continue };
        let place = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
        replace(place, value, rest, id);
    }
}
