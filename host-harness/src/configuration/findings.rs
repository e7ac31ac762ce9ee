//! What is wrong with a configuration, and what is doubtful, without a call: for `doctor`, `lint` and the start of a call.

use boundary::{excerpt::entries, merge_check::conflict, origin::Origin};
use serde_json::Value;

use super::{
    known_keys::{self, Checked, FORM, Left},
    model_ref::default_name,
    secrets::MOST_REFUSED,
    setup::{Setup, resolved_url},
};
use crate::{
    error::{Error, Result},
    wit::onboarding::{Descriptor, Finding, Severity},
};

impl Setup {
    /// What this host would refuse, and what is doubtful. Overrides are applied where they can be, as for a call.
    pub(crate) fn findings(&mut self, descriptor: &Descriptor, overridden: &[String]) -> Vec<Finding> {
        let Checked { left, mut refused } = self.checked(descriptor);
        let mut of_models = Vec::new();
        let keys = self.key_names(descriptor);
        for (path, row) in self.models_with_url(descriptor) {
            match row["baseUrl"].as_str().map(|url| resolved_url(&keys, &path, url)) {
                Some(Ok(url)) => of_models.push((path, url)),
                Some(Err(error)) if refused.len() < MOST_REFUSED => refused.push(error),
                _ => {}
            }
        }
        let missing = missing(&self.config, &descriptor.id);
        refused.extend(default_name(&self.config).err());
        refused.extend(self.override_options(descriptor).err());
        let mut applied = self.clone();
        match applied.override_entry(descriptor, overridden, None) {
            Ok(()) => *self = applied,
            // What the plugin then finds is in the entry as it is written.
            Err(error) => refused.push(error),
        }
        // The plugin reads no reference: of one that is set nowhere, it would say that it is no URL. Of the place that it
        // gets instead it has nothing to say.
        let base_url = self.base_url_of(descriptor);
        self.write_base_url(descriptor, base_url.as_deref().unwrap_or("http://127.0.0.1/v1"));
        refused.extend(base_url.err());
        let mut findings: Vec<_> = refused.iter().map(Finding::from).collect();
        findings.extend(self.in_the_clear(descriptor, of_models));
        let of_form = left.into_iter().filter(|left| left.why == FORM);
        findings.extend(of_form.map(|Left { path, why }| {
            let message = format!("This changes nothing: {why}. Remove it, or write {}.", descriptor.api);
            Finding { severity: Severity::Warning, path, message }
        }));
        findings.extend(missing);
        findings
    }

    /// Base URLs that the key would go to for everybody on the way to read, also of these of models.
    fn in_the_clear(&self, descriptor: &Descriptor, of_models: Vec<(String, String)>) -> Vec<Finding> {
        let main =
            self.base_url_of(descriptor).ok().map(|url| (format!("models.providers.{}.baseUrl", descriptor.id), url));
        let all = main.into_iter().chain(of_models);
        let allow_private = self.allows_private_networks(descriptor);
        let is_open = |url: &str| url.parse::<Origin>().is_ok_and(|origin| origin.is_in_the_clear(allow_private));
        let message = "Plain http over a public network: whoever is on the way can read the key. Use https.";
        all.filter(|(_, url)| is_open(url))
            .map(|(path, _)| Finding { severity: Severity::Warning, path, message: message.into() })
            .collect()
    }

    /// The values of the provider's entry that are left to OpenClaw.
    ///
    /// # Errors
    /// Where the entry holds what is none of OpenClaw's keys, or one that is refused: with its name.
    pub fn left_to_openclaw(&self, descriptor: &Descriptor) -> Result<Vec<Left>> {
        let Checked { left, refused } = self.checked(descriptor);
        refused.into_iter().next().map_or(Ok(left), Err)
    }

    fn checked(&self, descriptor: &Descriptor) -> Checked {
        let mut all = Checked { refused: known_keys::check_way(&self.config), ..Checked::default() };
        if let Some((name, why)) = conflict(&self.config, &descriptor.id, &descriptor.default_base_url) {
            all.refused.push(Error::at(format!("models.providers.{}", name.trim()), why));
        }
        for (name, entry) in entries(&self.config, &descriptor.id) {
            let checked = known_keys::check(entry, &format!("models.providers.{}", name.trim()), &descriptor.api);
            all.left.extend(checked.left);
            all.refused.extend(checked.refused);
        }
        all
    }
}

/// What OpenClaw refuses the whole file for, and this host does without. Source: OpenClaw 2026.9.6, which knows these of
/// its own providers.
fn missing(config: &Value, id: &str) -> Vec<Finding> {
    let finding = |path, what: &str| {
        let message = format!("{what}{}", Setup::LACKING);
        Finding { severity: Severity::Warning, path, message }
    };
    let entries: Vec<_> = entries(config, id).into_iter().filter(|(_, entry)| entry.is_object()).collect();
    let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    let lacks =
        |key: &&str| !entries.is_empty() && entries.iter().all(|(_, entry)| entry.get(key).is_none_or(is_blank));
    let keys = ["baseUrl", "models"].into_iter().filter(lacks);
    let mut nameless = entries.iter().flat_map(|(name, entry)| {
        let rows = entry.get("models").and_then(Value::as_array).into_iter().flatten().enumerate();
        let nameless = rows.filter(|(_, row)| row.is_object() && row.get("name").is_none());
        nameless.map(|(at, _)| (name.trim(), at))
    });
    let keys = keys.map(|key| format!("models.providers.{id}.{key}"));
    let named = nameless.by_ref().take(MOST_REFUSED);
    let named = named.map(|(name, at)| format!("models.providers.{name}.models[{at}].name"));
    let mut found: Vec<_> = keys.chain(named).map(|path| finding(path, "")).collect();
    let more = nameless.count();
    if more > 0 {
        found.push(finding(format!("models.providers.{id}.models"), &format!("{more} more rows have no `name`. ")));
    }
    found
}

impl From<&Error> for Finding {
    /// The message without the place, and what to do.
    fn from(error: &Error) -> Self {
        let path = error.path().unwrap_or_default();
        let message = error.to_string();
        let named = [format!("`{path}` "), format!("{path}: ")];
        let why = named.iter().find_map(|named| message.strip_prefix(named)).unwrap_or(&message);
        let hint = error.record().hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
        Self { severity: Severity::Error, path: path.into(), message: format!("{why}.{hint}") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::credentials::tests::descriptor;
    use super::*;

    /// By the place in the file, and not in the list of all spellings.
    #[test]
    fn a_models_base_url_in_the_clear_is_found_where_it_is_written() {
        let open = "http://gateway.example/v1";
        let mut setup = Setup::new(json!({"models": {"providers": {
            "Acme": {"models": [{"id": "a", "baseUrl": open}, {"id": "b"}, {"id": "c", "baseUrl": open}]},
            "acme": {"baseUrl": "https://gateway.example/v1", "models": [
                {"id": "d"}, {"id": "e", "baseUrl": open}, {"id": "f", "baseUrl": "http://${HERE}/v1"}
            ]},
        }}, "env": {"vars": {"HERE": "127.0.0.1"}}}));
        let findings = setup.findings(&descriptor(), &[]);
        let paths: Vec<_> =
            findings.iter().map(|finding| &*finding.path).filter(|path| path.ends_with("Url")).collect();
        let at = |name: &str, row: usize| format!("models.providers.{name}.models[{row}].baseUrl");
        assert_eq!(paths, [at("acme", 1), at("Acme", 0), at("Acme", 2)]);
    }

    #[test]
    fn no_base_url_refers_to_the_key() {
        // By its own variable, by the one that `apiKey` names, by what these refer to, and by others that refer to one of them.
        for (url, name) in [
            ("${ACME_KEY}", "ACME_KEY"),
            ("https://acme.example/${ACME_KEY}/v1", "ACME_KEY"),
            ("https://acme.example/${OWN_KEY}/v1", "OWN_KEY"),
            ("https://acme.example/${BY_WAY}/v1", "BY_WAY"),
            ("https://acme.example/${OF_HEADER}/v1", "OF_HEADER"),
            ("https://acme.example/${BEHIND_IT}/v1", "BEHIND_IT"),
        ] {
            let rows = json!([{"id": "a", "name": "A", "baseUrl": url}]);
            for mut entry in
                [json!({"baseUrl": url, "models": []}), json!({"baseUrl": "https://acme.example", "models": rows})]
            {
                match name {
                    "OWN_KEY" => entry["apiKey"] = "${OWN_KEY}".into(),
                    "OF_HEADER" => entry["headers"] = json!({"X-Acme-Key": "${OF_HEADER}"}),
                    "BEHIND_IT" => entry["apiKey"] = "${BEFORE_IT}".into(),
                    _ => {}
                }
                let keys = [("ACME_KEY", "k-secret-1"), ("OWN_KEY", "k-secret-2"), ("BEHIND_IT", "k-secret-3")];
                let env = json!({"vars": {"BY_WAY": "${NEXT}", "NEXT": "x-${ACME_KEY}", "BEFORE_IT": "${BEHIND_IT}"}});
                let mut setup = Setup::new(json!({"env": env, "models": {"providers": {"acme": entry}}}))
                    .environment(keys.into_iter().collect());
                let found = format!("{:?}", setup.findings(&descriptor(), &[]));
                assert!(
                    found.contains(&format!("{name}, and the key goes into no URL")) && !found.contains("k-secret"),
                    "{found}"
                );
            }
        }
    }
}
