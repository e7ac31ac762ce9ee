//! Finds secrets, in the order that a user expects: given outright, the environment, the configuration, the system's
//! keyring. Owns where a secret may come from and what a `${NAME}` reference stands for; attaching it to requests is the
//! egress's business.

use std::{collections::BTreeMap, fmt, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    keyring::Keyring,
    references::{first_reference, references},
    types::ErrorKind,
    view::entries,
    wit::onboarding::{Credential, Descriptor},
};

/// Looks up an environment variable. A library reads no environment unless it is told to: see [`Environment::process`].
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// Nothing is set.
    pub fn empty() -> Self {
        Self::from_fn(|_| None)
    }

    /// The variables of this process.
    pub fn process() -> Self {
        Self::from_fn(|name| std::env::var(name).ok())
    }

    /// Whatever `lookup` answers: a vault, a map.
    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(..)")
    }
}

/// Where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Given by the caller: a command-line flag, or an embedder's own store.
    Given,
    /// This environment variable.
    Environment(String),
    /// This place in the configuration.
    Configuration(String),
    /// The system's keyring.
    Keyring,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the command line"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::Configuration(path) => write!(f, "the configuration, {path}"),
            Self::Keyring => f.write_str("the system keyring"),
        }
    }
}

/// The secrets that the host holds for one provider, by credential id.
#[derive(Debug, Default)]
pub struct Held(BTreeMap<String, (SecretString, Source)>);

impl Held {
    /// Finds what `descriptor` declares.
    pub(crate) fn find(
        descriptor: &Descriptor,
        given: &BTreeMap<String, SecretString>,
        environment: &Environment,
        config: &Value,
        keyring: Option<&Keyring>,
    ) -> Result<Self> {
        let mut held = BTreeMap::new();
        for credential in &descriptor.credentials {
            let found = match given.get(&credential.id) {
                Some(secret) => Some((secret.clone(), Source::Given)),
                None => find_one(descriptor, credential, environment, config)
                    .or_else(|| Some((keyring?.get(&descriptor.id, &credential.id)?, Source::Keyring))),
            };
            if let Some((secret, source)) = found {
                let trimmed = SecretString::from(secret.expose_secret().trim());
                if !trimmed.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(Error::config(format!(
                        "the {} holds spaces or unprintable characters",
                        credential.label
                    ))
                    .hint(format!("It comes from {source}: check it for what was pasted along with it.")));
                }
                held.insert(credential.id.clone(), (trimmed, source));
            }
        }
        Ok(Self(held))
    }

    /// The ids of what is held.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Where the credential was found.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.0.get(id).map(|(_, source)| source)
    }

    /// The secret itself, for a host that stores it where the user said. Nothing prints it unasked.
    pub fn secret(&self, id: &str) -> Option<&SecretString> {
        self.0.get(id).map(|(secret, _)| secret)
    }
}

fn find_one(
    descriptor: &Descriptor,
    credential: &Credential,
    environment: &Environment,
    config: &Value,
) -> Option<(SecretString, Source)> {
    let from_environment = credential
        .env_vars
        .iter()
        .find_map(|name| Some((environment.get(name)?.into(), Source::Environment(name.clone()))));
    let from_env_block = || {
        credential.env_vars.iter().find_map(|name| {
            let value = env_block(config, name)?;
            Some((value.into(), Source::Configuration(format!("env.{name}"))))
        })
    };
    // The configuration has one place for a key. Where a provider has several credentials, it is the first one's.
    let from_api_key = || {
        descriptor.credentials.first().filter(|first| first.id == credential.id)?;
        entries(config, &descriptor.id).into_iter().find_map(|(name, entry)| {
            let value = resolve(&api_key(entry.get("apiKey")?)?, environment, config).ok()?;
            Some((value, Source::Configuration(format!("models.providers.{}.apiKey", name.trim()))))
        })
    };
    from_environment.or_else(from_api_key).or_else(from_env_block)
}

/// An API key as OpenClaw's configuration writes it: a string, or `{"source": "env", "id": NAME}`.
fn api_key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Object(reference) if reference.get("source")? == "env" => {
            Some(format!("${{{}}}", reference.get("id")?.as_str()?))
        }
        _ => None,
    }
}

/// `env.NAME` or `env.vars.NAME` of the configuration.
fn env_block(config: &Value, name: &str) -> Option<String> {
    let env = config.get("env")?;
    let value = env.get(name).or_else(|| env.get("vars")?.get(name))?.as_str()?;
    Some(value.to_owned()).filter(|value| !value.trim().is_empty())
}

/// The text with each `${NAME}` replaced from the environment, then from the configuration's `env` block.
///
/// # Errors
/// Where a name is set nowhere: `missing-credential`, with the name.
pub(crate) fn resolve(text: &str, environment: &Environment, config: &Value) -> Result<SecretString> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = first_reference(rest) {
        resolved.push_str(before);
        resolved.push_str(&value_of(name, environment, config)?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved.into())
}

/// Where references are looked up.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) environment: &'a Environment,
    /// Its `env` block comes second.
    pub(crate) config: &'a Value,
}

impl Resolver<'_> {
    /// See [`resolve`].
    pub(crate) fn resolve(&self, text: &str) -> Result<SecretString> {
        resolve(text, self.environment, self.config)
    }

    /// What each `${NAME}` in the text stands for, without the text around them.
    ///
    /// # Errors
    /// As for [`resolve`].
    pub(crate) fn referred(&self, text: &str) -> Result<Vec<SecretString>> {
        let value = |name: &String| value_of(name, self.environment, self.config).map(SecretString::from);
        references(text).iter().map(value).collect()
    }
}

fn value_of(name: &str, environment: &Environment, config: &Value) -> Result<String> {
    environment.get(name).or_else(|| env_block(config, name)).ok_or_else(|| {
        Error::host(ErrorKind::MissingCredential, format!("the configuration refers to ${{{name}}}, which is not set"))
            .hint(format!("Set the environment variable {name}, or put it in the configuration's `env` block."))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_resolved_from_the_environment_then_the_env_block() {
        let environment = Environment::from_fn(|name| (name == "A").then(|| "one".to_owned()));
        let config = json!({"env": {"A": "other", "B": "two", "vars": {"C": "three"}}});
        let resolved = resolve("x ${A}-${B}${C} ${not one} $", &environment, &config).unwrap();
        assert_eq!(resolved.expose_secret(), "x one-twothree ${not one} $");
        let error = resolve("${MISSING_KEY}", &environment, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingCredential);
        assert!(error.to_string().contains("MISSING_KEY"));
    }

    /// What is kept in the keyring is looked up last, and never asked for where the key is found before.
    #[test]
    fn the_keyring_comes_last() {
        let keyring = crate::keyring::tests::keyring();
        keyring.set("acme", "acme-key", &"from-keyring".into()).unwrap();
        let held = |environment: &Environment, config: Value, keyring: Option<&Keyring>| {
            let held = Held::find(&descriptor(), &BTreeMap::new(), environment, &config, keyring).unwrap();
            let secret = held.secret("acme-key").map(|secret| secret.expose_secret().to_owned());
            secret.zip(held.source("acme-key").cloned())
        };
        let set = Environment::from_fn(|name| (name == "ACME_KEY").then(|| "from-environment".to_owned()));
        let (none, empty) = (Environment::empty(), json!({}));
        let block = json!({"env": {"ACME_KEY": "from-block"}});
        assert_eq!(held(&set, empty.clone(), Some(&keyring)).unwrap().0, "from-environment");
        assert_eq!(held(&none, block, Some(&keyring)).unwrap().0, "from-block");
        assert_eq!(held(&none, empty.clone(), Some(&keyring)), Some(("from-keyring".into(), Source::Keyring)));
        assert_eq!(held(&none, empty, None), None);
    }

    fn descriptor() -> Descriptor {
        let credential = Credential {
            id: "acme-key".into(),
            label: "Acme key".into(),
            required: true,
            env_vars: vec!["ACME_KEY".into()],
            cli_flag: None,
            help_url: None,
            header: "x-acme-key".into(),
            prefix: String::new(),
        };
        let model = crate::wit::onboarding::Model {
            id: "m".into(),
            name: "M".into(),
            context_tokens: None,
            max_output_tokens: None,
            image_input: false,
            reasoning: false,
        };
        Descriptor {
            id: "acme".into(),
            label: "Acme".into(),
            docs_url: String::new(),
            default_base_url: "https://acme.example/v1".into(),
            api: "openai-completions".into(),
            default_model: model,
            images: None,
            credentials: vec![credential],
            services: Vec::new(),
        }
    }

    #[test]
    fn an_api_key_is_a_string_or_a_reference_to_the_environment() {
        assert_eq!(api_key(&json!("  key ")).as_deref(), Some("key"));
        assert_eq!(api_key(&json!({"source": "env", "provider": "default", "id": "K"})).as_deref(), Some("${K}"));
        assert_eq!(api_key(&json!(" ")), None);
        assert_eq!(api_key(&json!(7)), None);
    }
}
