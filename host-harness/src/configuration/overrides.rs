//! Puts what was given beside the configuration into it, before a call: base URL, headers, options, and all spellings of the
//! provider's name as one entry.

use std::mem;

use boundary::{excerpt::entries, merge_check::SPELLINGS};
use serde_json::{Map, Value, json};

use super::{
    call_options::put,
    entry,
    model_ref::id_of,
    setup::{Setup, resolved_url},
};
use crate::{
    error::{Error, Result},
    wit::onboarding::Descriptor,
};

impl Setup {
    /// Puts what was given beside the configuration into it, and the provider's entry under its proper name, with all
    /// headers in one place: also those of `model`, one of the entry's. Headers of the names `overridden` are dropped where
    /// they come from the configuration: the options given say what they say.
    pub(crate) fn apply_overrides(
        &mut self,
        descriptor: &Descriptor,
        overridden: &[String],
        model: Option<&Value>,
    ) -> Result<()> {
        self.left_to_openclaw(descriptor)?;
        self.override_options(descriptor)?;
        // OpenClaw reads options under the exact name alone.
        if let Some(entries) = self.config.pointer_mut("/plugins/entries").and_then(Value::as_object_mut) {
            entries.retain(|name, _| *name == descriptor.id);
        }
        self.override_entry(descriptor, overridden, model)
    }

    pub(super) fn override_entry(
        &mut self,
        descriptor: &Descriptor,
        overridden: &[String],
        model: Option<&Value>,
    ) -> Result<()> {
        let of_env = || self.environment.get(&format!("{}_BASE_URL", descriptor.id.to_uppercase().replace('-', "_")));
        let given = self.base_url.clone().or_else(|| of_env().filter(|url| self.is_from_env && !url.trim().is_empty()));
        if given.as_ref().is_some_and(|base_url| base_url.trim().is_empty()) {
            return Err(Error::config("the base URL that was given is empty").hint("Give one, or none at all."));
        }
        // A model's own is resolved while its place is known.
        let of_model = |model: &Value| {
            let is_it = |(_, row): &(String, &Value)| id_of(row) == id_of(model);
            let (path, row) = self.models_with_url(descriptor).into_iter().find(is_it)?;
            let resolved = row["baseUrl"]
                .as_str()
                .map(|url| resolved_url(&self.key_names(descriptor), &path, url).map(Value::from));
            Some(resolved.unwrap_or_else(|| Ok(row["baseUrl"].clone())))
        };
        let base_url = match given {
            Some(given) => Some(Value::from(given)),
            None => model.and_then(of_model).transpose()?,
        };
        // More are refused.
        let own = entries(&self.config, &descriptor.id);
        let own: Vec<_> = own.iter().take(SPELLINGS).map(|(name, _)| (*name).to_owned()).collect();
        let providers = self
            .config
            .as_object_mut()
            .map(|config| config.entry("models").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .map(|models| models.entry("providers").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .ok_or_else(|| Error::at("models.providers", "is not an object"))?;
        let path = format!("models.providers.{}", descriptor.id);
        let mut entry = Map::new();
        for name in own {
            match providers.shift_remove(&name) {
                Some(Value::Object(more)) => entry::join(&mut entry, more),
                _ => return Err(Error::at(format!("models.providers.{}", name.trim()), "is not an object")),
            }
        }
        if let Some(base_url) = base_url {
            entry.insert("baseUrl".into(), base_url);
        }
        let mut headers = entry::headers(&entry, model, &path)?;
        headers.retain(|name, _| !overridden.iter().any(|overridden| overridden.eq_ignore_ascii_case(name.trim())));
        // One that is no table stays, for the plugin to say so.
        if !headers.is_empty() || entry.get("headers").is_some_and(Value::is_object) {
            entry.insert("headers".into(), headers.into());
        }
        if !self.headers.is_empty() {
            let headers = entry.entry("headers").or_insert_with(|| Value::Object(Map::new()));
            let headers =
                headers.as_object_mut().ok_or_else(|| Error::at(format!("{path}.headers"), "is not an object"))?;
            for (name, value) in self.headers.drain(..) {
                headers.retain(|other, _| !other.eq_ignore_ascii_case(&name));
                headers.insert(name, value.into());
            }
        }
        providers.insert(descriptor.id.clone(), Value::Object(entry));
        Ok(())
    }

    pub(super) fn override_options(&mut self, descriptor: &Descriptor) -> Result<()> {
        let path = format!("plugins.entries.{}.config", descriptor.id);
        if !self.options.is_empty() {
            let config = ["plugins", "entries", &descriptor.id, "config"]
                .into_iter()
                .fold(self.config.as_object_mut(), |parent, name| object_in(parent?, name))
                .ok_or_else(|| Error::at(path.as_str(), "is not an object of objects"))?;
            mem::take(&mut self.options).into_iter().for_each(|(name, value)| put(config, name, value));
        }
        let options = self.config.pointer(&format!("/plugins/entries/{}/config", descriptor.id));
        match options.and_then(|options| self.key_names(descriptor).among_options(options)) {
            None => Ok(()),
            Some(name) => Err(Error::at(path, format!("refers to {name}, and the key goes into no option"))
                .hint("Remove it there: the host sends the key by itself.")),
        }
    }
}

/// The object of this name, which is made where there is none.
fn object_in<'v>(parent: &'v mut Map<String, Value>, name: &str) -> Option<&'v mut Map<String, Value>> {
    let value = parent.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::super::{credentials::tests::descriptor, environment::Environment};
    use super::*;

    fn applied_entry(providers: Value) -> Result<Value> {
        let mut setup = Setup::new(json!({"models": {"providers": providers}}));
        setup.apply_overrides(&descriptor(), &[], None)?;
        let providers = setup.config["models"]["providers"].take();
        assert_eq!(providers.as_object().unwrap().len(), 1, "{providers}");
        Ok(providers["acme"].clone())
    }

    /// As the plugin reads them: a proxy that only one of them names is one that requests go through.
    #[test]
    fn all_spellings_of_the_provider_are_one_entry() {
        let proxy = json!({"proxy": {"mode": "explicit-proxy", "url": "http://proxy.test:3128"}});
        let entry = applied_entry(json!({
            "ACME": {"request": proxy, "headers": {"a": "1", "B": "1", "c": "1"}, "models": [{"id": "one"}], "timeoutSeconds": 1},
            " Acme": {"maxTokens": 7, "timeoutSeconds": 3},
            "acme": {"headers": {"b": "2", "c": "2"}, "models": [{"id": "two"}]},
        }));
        let expected = json!({
            "headers": {"a": "1", "b": "2", "c": "2"}, "models": [{"id": "two"}, {"id": "one"}],
            "timeoutSeconds": 1, "request": proxy, "maxTokens": 7,
        });
        assert_eq!(entry.unwrap(), expected);
        let wrong = applied_entry(json!({"acme": {}, "Acme": 3})).unwrap_err().to_string();
        assert!(wrong.contains("models.providers.Acme"), "{wrong}");
        // Of two ways to make connections none is passed over.
        let error =
            applied_entry(json!({"Acme": {"request": proxy}, "acme": {"request": {"allowPrivateNetwork": true}}}));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("models.providers.Acme") && error.contains("another `request`"), "{error}");
        assert!(applied_entry(json!({"Acme": {"request": proxy}, "acme": {"request": proxy}})).is_ok());
    }

    /// OpenClaw reads no other.
    #[test]
    fn options_are_read_under_the_plugins_exact_name() {
        for own in [json!(null), json!({}), json!({"config": null}), json!({"config": {"spanId": "2"}})] {
            let entries =
                json!({"acme": own, "Acme": {"config": {"traceId": "t"}}, "other": {"config": {"traceId": "o"}}});
            let mut setup = Setup::new(json!({"plugins": {"entries": entries}})).option("spanId", "1");
            setup.apply_overrides(&descriptor(), &[], None).unwrap();
            assert_eq!(setup.config["plugins"]["entries"], json!({"acme": {"config": {"spanId": "1"}}}), "{own}");
        }
        let mut setup = Setup::new(json!({"plugins": {"entries": {"acme": {"config": {"traceId": "${ACME_KEY}"}}}}}));
        let refused = setup.apply_overrides(&descriptor(), &[], None).unwrap_err();
        assert!(refused.to_string().contains("the key goes into no option"), "{refused}");
    }

    /// With the key it would go to the provider's own service.
    #[test]
    fn a_base_url_that_is_given_and_empty_is_refused() {
        for given in ["", " \n"] {
            let config = json!({"models": {"providers": {"acme": {"baseUrl": "https://mine.test/v1"}}}});
            let mut setup = Setup::new(config).base_url(given);
            assert!(
                setup
                    .apply_overrides(&descriptor(), &[], None)
                    .unwrap_err()
                    .to_string()
                    .contains("base URL that was given is empty")
            );
        }
    }

    #[test]
    fn an_option_may_refer_to_a_variable_but_not_to_the_key() {
        let applied = |options: Value| {
            let mut setup = Setup::new(json!({
                "env": {"BY_WAY": "x-${OWN_KEY}"},
                "models": {"providers": {"acme": {"apiKey": "$OWN_KEY", "models": []}}},
                "plugins": {"entries": {"acme": {"config": options}}},
            }));
            setup.apply_overrides(&descriptor(), &[], None)?;
            Ok::<_, Error>(setup.config["plugins"]["entries"]["acme"]["config"].take())
        };
        // It stays as it is written: what it stands for is filled in where the request goes out.
        let options = json!({"a": "${TEAM}", "metadata": {"team": "x-${TEAM}"}, "list": ["$${ACME_KEY}"], "n": 1});
        assert_eq!(applied(options.clone()).unwrap(), options);
        // A gateway of one's own may take the key of the service behind it.
        let options =
            json!({"config": {"provider": "openai", "api_key": "${OWN_KEY}"}, "inline": "{\"apiKey\": \"${BY_WAY}\"}"});
        assert_eq!(applied(options.clone()).unwrap(), options);
        for name in ["OWN_KEY", "BY_WAY"] {
            let error = applied(json!({"metadata": {"team": format!("${{{name}}}")}})).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}, and the key goes into no option")), "{error}");
        }
        for options in [
            json!({"api_key": "${ACME_KEY}"}),
            json!({"a": "${ACME_KEY}"}),
            json!({"a": [{"b": "x-${ACME_KEY}"}]}),
            json!({"a": "{\"b\": \"${ACME_KEY}\"}"}),
            json!({"a": {"source": "env", "provider": "default", "id": "ACME_KEY"}}),
        ] {
            let error = applied(options).unwrap_err().to_string();
            assert!(error.contains("ACME_KEY, and the key goes into no option"), "{error}");
        }
    }

    /// Where each is looked for among all the others, this takes minutes.
    #[test]
    fn many_references_are_compared_with_many_in_one_pass() {
        let many = |letter: char| (0..300_000).map(|at| format!("${{{letter}{at}}}")).collect::<String>();
        let rows: Vec<_> = (0..2_000).map(|at| json!({"id": at.to_string(), "baseUrl": "http://${HERE}/v1"})).collect();
        let mut setup = Setup::new(json!({
            "env": {"HERE": "127.0.0.1"},
            "models": {"providers": {"acme": {"apiKey": many('A'), "models": rows}}},
            "plugins": {"entries": {"acme": {"config": {"a": many('B')}}}},
        }));
        let descriptor = descriptor();
        assert!(setup.override_options(&descriptor).is_ok());
        let keys = setup.key_names(&descriptor);
        for (path, row) in setup.models_with_url(&descriptor) {
            assert_eq!(resolved_url(&keys, &path, row["baseUrl"].as_str().unwrap()).unwrap(), "http://127.0.0.1/v1");
        }
    }

    /// A gateway of one's own takes any key, such as the word `portkey`, or another service's.
    #[test]
    fn a_key_that_stands_in_other_variables_too_is_refused_in_none() {
        let environment = Environment::from_iter([
            ("ACME_KEY", "gateway"),
            ("OPENAI_API_KEY", "gateway"),
            ("URL", "http://gateway:8787/v1"),
            ("M", "acme/@gateway/m"),
            // It goes over that of the block.
            ("BY_WAY", "plain"),
        ]);
        let config = json!({
            "agents": {"defaults": {"model": "${M}"}},
            "env": {"BY_WAY": "${ACME_KEY}"},
            "models": {"providers": {"acme": {"baseUrl": "${URL}", "models": []}}},
            "plugins": {"entries": {"acme": {"config": {"config": {"api_key": "${OPENAI_API_KEY}"}, "a": "${BY_WAY}"}}}},
        });
        let chosen = super::super::model_ref::chosen_model(&config, &environment, &descriptor()).unwrap();
        assert_eq!(chosen.id, "@gateway/m");
        let mut setup = Setup::new(config).environment(environment);
        setup.apply_overrides(&descriptor(), &[], None).unwrap();
        assert_eq!(setup.base_url_of(&descriptor()).unwrap(), "http://gateway:8787/v1");
    }
}
