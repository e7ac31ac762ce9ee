//! What of the host's configuration a plugin gets to see. A plugin merges its own entry into the configuration, so it
//! must see that; everything else, and every secret, stays behind and is laid back afterwards.
//!
//! A secret that stands literally in the plugin's own part is handed over as a `${NAME}` reference of the host's
//! making. The plugin keeps references as they are, so that the secret finds its way back without having been seen.

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    origin::Origin,
    references::{is_reference, references},
    wit::onboarding::{Choices, Descriptor},
};

/// How much a plugin may add to what it was shown, in bytes.
const ADDED: usize = 1 << 20;

/// The part of a configuration that the plugin of one provider sees.
pub(crate) struct View {
    document: Value,
    /// What each reference of our making stands for, in order.
    sealed: Vec<Value>,
    /// What the names of our references begin with, and none of the user's does.
    mark: String,
}

/// The sections that a plugin may read and write; `*` stands for its own id, in any case.
const SHARED: [&[&str]; 5] = [
    &["models", "mode"],
    &["models", "providers", "*"],
    &["agents", "defaults", "model"],
    &["agents", "defaults", "models"],
    &["plugins", "entries", "*", "config"],
];

impl View {
    /// What the plugin `id` sees of `config`.
    pub(crate) fn of(config: &Value, id: &str) -> Self {
        let mut document = Value::Object(Map::new());
        for path in SHARED {
            copy(config, &mut document, path, id);
        }
        let taken = references(&document.to_string());
        let mut mark = "SEALED_".to_owned();
        while taken.iter().any(|name| name.starts_with(&mark)) {
            mark.insert(0, '_');
        }
        let mut view = Self { document, sealed: Vec::new(), mark };
        for provider in own_entries(&mut view.document, &["models", "providers"], id) {
            seal_provider(provider, &view.mark, &mut view.sealed);
        }
        view
    }

    /// As the plugin takes it.
    pub(crate) fn json(&self) -> String {
        self.document.to_string()
    }

    /// The value that a reference of our making stands for.
    pub(crate) fn unseal(&self, text: &str) -> Option<&Value> {
        let number: usize = text.strip_prefix("${")?.strip_prefix(&*self.mark)?.strip_suffix('}')?.parse().ok()?;
        self.sealed.get(number)
    }

    /// The header values that hold a reference, ours or the user's, of the plugin's own entry.
    pub(crate) fn referring_headers(&self, id: &str) -> Vec<(String, String)> {
        let headers = self.document.pointer(&format!("/models/providers/{id}/headers")).and_then(Value::as_object);
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        headers.into_iter().flatten().filter_map(text).filter(|(_, value)| is_reference(value)).collect()
    }

    /// `config` with what the plugin made of its part laid back into it.
    ///
    /// # Errors
    /// Where the plugin's answer is not an object, is far larger than what it was shown, or holds anything outside its
    /// part: `invalid-config`.
    pub(crate) fn merge_back(&self, config: &Value, id: &str, answer: &str) -> Result<Value> {
        if answer.len() > self.json().len() + ADDED {
            return Err(Error::config(format!("the plugin's configuration is over {ADDED} bytes larger than it was")));
        }
        let mut answer: Value = serde_json::from_str(answer)
            .map_err(|error| Error::config("the plugin's configuration is not JSON").source(error))?;
        // Only where the next view would seal it again.
        for provider in own_entries(&mut answer, &["models", "providers"], id) {
            for_each_secret(provider, |value, named| {
                let sealed = value.as_str().and_then(|text| self.unseal(text));
                if let Some(sealed) = sealed.filter(|sealed| named || sealed.is_object()) {
                    *value = sealed.clone();
                }
            });
        }
        let mut merged = config.clone();
        for path in SHARED {
            replace(&mut merged, &answer, path, id);
        }
        // What a plugin wrote elsewhere must not get lost silently: refuse it.
        let mut seen = Value::Object(Map::new());
        for path in SHARED {
            copy(&answer, &mut seen, path, id);
        }
        if seen != answer {
            return Err(Error::config(format!("the plugin `{id}` wrote outside its part of the configuration")));
        }
        if references(&answer.to_string()).iter().any(|name| name.starts_with(&self.mark)) {
            return Err(Error::config(format!("the plugin `{id}` moved a secret to where it does not belong")));
        }
        Ok(merged)
    }

    /// Whether the configuration that a plugin wrote still sends the key, and no other secret, where the user wants it.
    ///
    /// # Errors
    /// Where it names a base URL, settings for requests, or a reference that are not the user's: `invalid-config`.
    pub(crate) fn check(
        &self,
        config: &Value,
        merged: &Value,
        descriptor: &Descriptor,
        choices: &Choices,
    ) -> Result<()> {
        let id = &descriptor.id;
        let refuse = |what: &str| {
            Err(Error::config(format!(
                "the plugin `{id}` wrote {what} into the configuration, which is the user's choice"
            )))
        };

        let mut known = references(&self.json());
        known.extend(choices.api_key_reference.iter().flat_map(|reference| references(reference)));
        known.extend(descriptor.credentials.iter().flat_map(|credential| credential.env_vars.iter().cloned()));
        let view = Self::of(merged, id);
        let written = references(&view.json());
        let ours = |name: &str| name.starts_with(&view.mark);
        if let Some(name) = written.iter().find(|&name| !ours(name) && !known.contains(name)) {
            return refuse(&format!("the reference ${{{name}}}"));
        }

        let values = |config| entries(config, id).into_iter().map(|(_, entry)| entry).collect::<Vec<_>>();
        let (before, after) = (values(config), values(merged));
        let mut settings: Vec<_> = before.iter().map(|entry| entry.get("request")).collect();
        if settings.is_empty() {
            settings.push(None);
        }
        if !after.iter().all(|entry| settings.contains(&entry.get("request"))) {
            return refuse("`request`");
        }

        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let base_url = |entry: &&Value| given(entry.get("baseUrl")?.as_str()?);
        let default = || descriptor.default_base_url.clone();
        let mut wanted: Vec<_> = match choices.base_url.as_deref().and_then(given) {
            Some(chosen) => vec![chosen],
            None => before.iter().filter_map(base_url).collect(),
        };
        if wanted.is_empty() {
            wanted.push(default());
        }
        let is_wanted = |url: String| wanted.iter().any(|wanted| same_place(wanted, &url));
        if !after.iter().all(|entry| is_wanted(base_url(entry).unwrap_or_else(default))) {
            return refuse("another `baseUrl`");
        }
        Ok(())
    }
}

/// Whether both name the same origin, or are the same text: a base URL may be a reference.
fn same_place(one: &str, other: &str) -> bool {
    one == other || matches!((one.parse::<Origin>(), other.parse::<Origin>()), (Ok(one), Ok(other)) if one == other)
}

/// The entries of the provider `id` and their names, in whatever case those are written: the one that is written as `id`
/// first, since of several it wins.
pub(crate) fn entries<'a>(config: &'a Value, id: &str) -> Vec<(&'a str, &'a Value)> {
    let providers = config.pointer("/models/providers").and_then(Value::as_object);
    let all = providers.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry));
    let mut own: Vec<_> = all.filter(|(name, _)| name.trim().eq_ignore_ascii_case(id)).collect();
    own.sort_by_key(|(name, _)| *name != id);
    own
}

/// Visits each place of a provider's entry where a secret may stand, and whether it is one by its name: the key, the
/// headers, the proxy and TLS settings.
fn for_each_secret(provider: &mut Value, mut visit: impl FnMut(&mut Value, bool)) {
    for (name, value) in provider.as_object_mut().into_iter().flatten() {
        match (&**name, value) {
            ("apiKey" | "request", value) => visit(value, true),
            ("headers", Value::Object(headers)) => {
                headers.iter_mut().for_each(|(name, value)| visit(value, names_a_secret(name)));
            }
            _ => {}
        }
    }
}

/// Seals what is, or may be, a secret in a provider's entry.
fn seal_provider(provider: &mut Value, mark: &str, sealed: &mut Vec<Value>) {
    for_each_secret(provider, |value, named| {
        let secret = match value {
            Value::String(text) => named && !text.trim().is_empty() && !is_reference(text),
            Value::Object(_) => true,
            Value::Array(_) => named,
            // Nothing that could be sent: the plugin may say what is wrong with it.
            _ => false,
        };
        if !secret {
            return;
        }
        // Trimmed here, as the plugin would: it cannot trim what it does not see.
        let secret = match value.take() {
            Value::String(text) => Value::String(text.trim().to_owned()),
            other => other,
        };
        sealed.push(secret);
        *value = Value::String(format!("${{{mark}{}}}", sealed.len() - 1));
    });
}

/// Whether a header of this name carries a secret, by the words that the name is made of.
pub(crate) fn names_a_secret(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    let starts = ["auth", "cookie", "cred", "passp", "passw", "secret", "token"];
    name.contains("service-account")
        || name.split(['-', '_']).any(|word| {
            matches!(word, "key" | "apikey" | "session") || starts.iter().any(|start| word.starts_with(start))
        })
}

/// The names that `step` stands for in `fields`.
fn matching(fields: &Map<String, Value>, step: &str, id: &str) -> Vec<String> {
    let matches = |name: &&String| if step == "*" { name.trim().eq_ignore_ascii_case(id) } else { *name == step };
    fields.keys().filter(matches).cloned().collect()
}

fn own_entries<'a>(document: &'a mut Value, path: &[&str], id: &str) -> Vec<&'a mut Value> {
    let mut place = document;
    for step in path {
        match place.get_mut(*step) {
            Some(next) => place = next,
            None => return Vec::new(),
        }
    }
    let Some(fields) = place.as_object_mut() else { return Vec::new() };
    fields.iter_mut().filter(|(name, _)| name.trim().eq_ignore_ascii_case(id)).map(|(_, value)| value).collect()
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

/// Makes the values at `path` of `to` those of `from`: changed, added and removed ones.
fn replace(to: &mut Value, from: &Value, path: &[&str], id: &str) {
    let Some((step, rest)) = path.split_first() else {
        *to = from.clone();
        return;
    };
    let empty = Map::new();
    let source = from.as_object().unwrap_or(&empty);
    let Some(fields) = to.as_object_mut() else { return };
    let names = matching(source, step, id);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "gateway": {"token": "gateway-token"},
            "env": {"PORTKEY_API_KEY": "env-key"},
            "models": {
                "mode": "merge",
                "providers": {
                    "other": {"apiKey": "other-key"},
                    "Portkey": {
                        "apiKey": "  old-key ",
                        "baseUrl": "https://api.portkey.ai/v1",
                        "headers": {"Authorization": "Bearer sk-1", "x-portkey-trace-id": "t", "x-a": "${A}"},
                        "request": {"proxy": {"url": "http://user:pw@proxy"}},
                    },
                },
            },
            "agents": {"defaults": {"model": "x", "workspace": "~/work"}, "list": []},
            "plugins": {"entries": {"portkey": {"enabled": true, "config": {"traceId": "t"}}}},
        })
    }

    #[test]
    fn a_plugin_sees_its_own_part_and_no_secret() {
        let seen = View::of(&config(), "portkey").json();
        for hidden in ["gateway-token", "env-key", "other", "old-key", "sk-1", "user:pw", "workspace", "enabled"] {
            assert!(!seen.contains(hidden), "{hidden} in {seen}");
        }
        for shown in ["https://api.portkey.ai/v1", "x-portkey-trace-id", "${A}", "\"mode\":\"merge\"", "traceId"] {
            assert!(seen.contains(shown), "{shown} not in {seen}");
        }
    }

    /// `x-portkey-...` holds the letters `key`, and is no secret for it.
    #[test]
    fn secrets_are_known_by_whole_words() {
        for secret in [
            "Authorization",
            "x-api-key",
            "x-portkey-virtual-key",
            "x-portkey-vertex-service-account-json",
            "X-Auth-Token",
            "X-Passphrase",
            "cookie",
            "x_client_secret",
        ] {
            assert!(names_a_secret(secret), "{secret}");
        }
        for plain in ["x-portkey-trace-id", "x-portkey-metadata", "x-portkey-config", "user-agent", "x-monkey"] {
            assert!(!names_a_secret(plain), "{plain}");
        }
    }

    #[test]
    fn what_a_plugin_leaves_alone_comes_back_as_it_was() {
        let view = View::of(&config(), "portkey");
        let mut expected = config();
        expected["models"]["providers"]["Portkey"]["apiKey"] = json!("old-key");
        assert_eq!(view.merge_back(&config(), "portkey", &view.json()).unwrap(), expected);
    }

    #[test]
    fn changes_additions_and_removals_are_laid_back() {
        let view = View::of(&config(), "portkey");
        let mut answer: Value = serde_json::from_str(&view.json()).unwrap();
        let entry = answer["models"]["providers"].as_object_mut().unwrap().remove("Portkey").unwrap();
        answer["models"]["providers"]["portkey"] = entry;
        answer["models"]["mode"] = json!("replace");
        answer["agents"]["defaults"]["models"] = json!({"portkey/m": {}});
        let merged = view.merge_back(&config(), "portkey", &answer.to_string()).unwrap();
        assert_eq!(merged["models"]["providers"]["portkey"]["apiKey"], "old-key");
        assert!(merged["models"]["providers"].get("Portkey").is_none());
        assert_eq!(merged["models"]["providers"]["other"]["apiKey"], "other-key");
        assert_eq!(merged["agents"]["defaults"]["workspace"], "~/work");
        assert_eq!(merged["agents"]["defaults"]["models"], json!({"portkey/m": {}}));
    }

    #[test]
    fn a_plugin_that_writes_elsewhere_is_refused() {
        let view = View::of(&config(), "portkey");
        for (pointer, value) in [("gateway", json!({"token": ""})), ("models", json!({"providers": {"other": {}}}))] {
            let mut answer: Value = serde_json::from_str(&view.json()).unwrap();
            answer[pointer] = value;
            assert!(view.merge_back(&config(), "portkey", &answer.to_string()).is_err(), "{pointer}");
        }
    }
}
