//! Finds secrets, in the order that a user expects: given outright, the environment, the configuration, the system's
//! keyring. Owns where a secret may come from and what a `${NAME}` reference stands for; attaching it to requests is the
//! egress's business.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use boundary::{
    inline,
    references::{Piece, pieces, references},
    view::entries,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    dotenv::{self, Variable},
    error::{Error, Result},
    locations::{Locations, home_folder},
    secrets::{Found, secret},
    types::ErrorKind,
    wit::onboarding::{Credential, Descriptor},
};

/// Looks up an environment variable. A library reads no environment unless it is told to: see [`Environment::process`].
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    /// What OpenClaw's `.env` files set.
    dotenv: Arc<[Variable]>,
}

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
        Self { lookup: Arc::new(lookup), dotenv: Arc::default() }
    }

    /// The same, and what it does not set is what OpenClaw's `.env` files set.
    pub fn with_dotenv(self, locations: &Locations) -> Self {
        Self { dotenv: locations.dotenv().into(), ..self }
    }

    /// The variable, from wherever it is set.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.own(name).or_else(|| self.of_file(name).map(|(value, _)| value))
    }

    /// The variable of the environment itself.
    fn own(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The variable of a `.env` file, and which file.
    fn of_file(&self, name: &str) -> Option<(String, PathBuf)> {
        dotenv::get(&self.dotenv, name)
    }

    /// What a `${NAME}` is read from, in words for people.
    pub(crate) fn whence(&self, name: &str, config: &Value) -> String {
        match (self.own(name), self.of_file(name), env_block(config, name)) {
            (None, Some((_, file)), _) => Source::DotEnv { name: name.to_owned(), file }.to_string(),
            (None, None, Some((_, path))) => path,
            _ => Source::Environment(name.to_owned()).to_string(),
        }
    }

    /// The folder that `~` stands for.
    pub(crate) fn home(&self) -> PathBuf {
        home_folder(self)
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
    /// This variable of a `.env` file of OpenClaw's.
    DotEnv {
        /// The variable.
        name: String,
        /// The file.
        file: PathBuf,
    },
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
            Self::DotEnv { name, file } => write!(f, "{name} in {}", file.display()),
            Self::Configuration(path) => write!(f, "the configuration, {path}"),
            Self::Keyring => f.write_str("the system keyring"),
        }
    }
}

/// Looks up what is kept for a provider's credential, by the ids of the two: a keyring.
pub(crate) type Kept = dyn Fn(&str, &str) -> Option<SecretString> + Send + Sync;

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
        keyring: Option<&Kept>,
    ) -> Result<Self> {
        let known = || descriptor.credentials.iter().map(|credential| &*credential.id);
        if let Some(id) = given.keys().find(|id| !known().any(|known| known == **id)) {
            let hint = format!("It has {}.", known().collect::<Vec<_>>().join(", "));
            return Err(Error::config(format!("`{id}` is no credential of {}", descriptor.label)).hint(hint));
        }
        let mut held = BTreeMap::new();
        for credential in &descriptor.credentials {
            let found = match given.get(&credential.id) {
                Some(secret) if secret.expose_secret().trim().is_empty() => {
                    let message = format!("the {} that was given is empty", credential.label);
                    return Err(Error::host(ErrorKind::MissingCredential, message));
                }
                Some(secret) => Some((secret.clone(), Source::Given)),
                None => find_one(descriptor, credential, environment, config, keyring)?,
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
    keyring: Option<&Kept>,
) -> Result<Option<(SecretString, Source)>> {
    let variables = credential.env_vars.iter();
    let of_environment =
        || variables.clone().find_map(|name| Some((environment.own(name)?.into(), Source::Environment(name.clone()))));
    // The configuration has one place for a key. Where a provider has several credentials, it is the first one's.
    let is_first = descriptor.credentials.first().is_some_and(|first| first.id == credential.id);
    let entries = if is_first { entries(config, &descriptor.id) } else { Vec::new() };
    // OpenClaw takes the entry's own key first where the entry says so.
    let is_own_first = entries.iter().any(|(_, entry)| entry.get("auth").is_some_and(|auth| auth == "api-key"));
    if let Some(found) = of_environment().filter(|_| !is_own_first) {
        return Ok(Some(found));
    }
    let mut missing = None;
    for (name, entry) in &entries {
        let path = format!("models.providers.{}.apiKey", name.trim());
        match secret(entry.get("apiKey").unwrap_or(&Value::Null), &path, environment, config) {
            Ok(Some(Found { secret, from })) => {
                let from = from.map(|from| format!(" ({from})")).unwrap_or_default();
                return Ok(Some((secret, Source::Configuration(format!("{path}{from}")))));
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::MissingCredential => missing = missing.or(Some((entry, error))),
            Err(error) => return Err(error),
        }
    }
    if let Some(found) = of_environment().or_else(|| configured_header(&entries, credential, environment, config)) {
        return Ok(Some(found));
    }
    // A key that is meant to be another's is not replaced by one that lies about.
    if let Some((entry, error)) = missing
        && !entry.get("apiKey").is_some_and(|key| is_of(key, &credential.env_vars))
    {
        return Err(error);
    }
    let of_file = |name: &String| {
        let (value, file) = environment.of_file(name)?;
        Some((value.into(), Source::DotEnv { name: name.clone(), file }))
    };
    let of_block =
        |name: &String| env_block(config, name).map(|(value, path)| (value.into(), Source::Configuration(path)));
    let found = variables.clone().find_map(of_file).or_else(|| variables.clone().find_map(of_block));
    Ok(found.or_else(|| Some((keyring?(&descriptor.id, &credential.id)?, Source::Keyring))))
}

/// Whether a reference is to one of these variables.
fn is_of(reference: &Value, variables: &[String]) -> bool {
    match reference {
        Value::String(text) => references(text).iter().all(|name| variables.contains(name)),
        other => {
            other.get("id").and_then(Value::as_str).is_some_and(|name| variables.iter().any(|known| known == name))
        }
    }
}

/// The key where the entry gives it as the header that it is sent in.
fn configured_header(
    entries: &[(&str, &Value)],
    credential: &Credential,
    environment: &Environment,
    config: &Value,
) -> Option<(SecretString, Source)> {
    entries.iter().find_map(|(name, entry)| {
        [("request.headers", entry.pointer("/request/headers")), ("headers", entry.get("headers"))]
            .into_iter()
            .find_map(|(place, headers)| {
                let headers = headers.and_then(Value::as_object)?;
                let (header, value) =
                    headers.iter().find(|(header, _)| header.trim().eq_ignore_ascii_case(&credential.header))?;
                let path = format!("models.providers.{}.{place}.{header}", name.trim());
                let found = secret(value, &path, environment, config).ok().flatten()?;
                let key = found.secret.expose_secret().trim().strip_prefix(&*credential.prefix)?.to_owned();
                Some((key.into(), Source::Configuration(path)))
            })
    })
}

/// `env.vars.NAME` of the configuration, or `env.NAME`, as OpenClaw had it before, and which of the two. OpenClaw takes
/// them as they are: one that holds a reference is none.
fn env_block(config: &Value, name: &str) -> Option<(String, String)> {
    let env = config.get("env")?;
    let short = env.get(name).map(|value| (value, format!("env.{name}")));
    let (value, path) = short.or_else(|| Some((env.get("vars")?.get(name)?, format!("env.vars.{name}"))))?;
    let value = value.as_str().filter(|value| !value.trim().is_empty() && references(value).is_empty())?;
    Some((value.to_owned(), path))
}

/// The text with each `${NAME}` replaced: from the environment, a `.env` of OpenClaw's, the configuration's `env` block.
///
/// # Errors
/// Where a name is set nowhere: `missing-credential`, with the name.
pub(crate) fn resolve(text: &str, environment: &Environment, config: &Value) -> Result<SecretString> {
    let mut resolved = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Escaped(text) => resolved.push_str(text),
            Piece::Reference(name) => resolved.push_str(&value_of(name, environment, config)?),
        }
    }
    Ok(resolved.into())
}

/// Where references are looked up.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) environment: &'a Environment,
    /// Its `env` block comes second.
    pub(crate) config: &'a Value,
}

impl inline::Resolver for Resolver<'_> {
    type Error = Error;

    fn resolve(&self, text: &str, path: &str) -> Result<SecretString> {
        resolve(text, self.environment, self.config).map_err(|error| error.placed_at(path))
    }

    fn referred(&self, text: &str) -> Result<Vec<SecretString>> {
        let value = |name: &String| value_of(name, self.environment, self.config).map(SecretString::from);
        references(text).iter().map(value).collect()
    }

    fn follow(&self, reference: &Value, path: &str) -> Result<SecretString> {
        let found = secret(reference, path, self.environment, self.config)?;
        Ok(found.map(|found| found.secret).unwrap_or_default())
    }
}

fn value_of(name: &str, environment: &Environment, config: &Value) -> Result<String> {
    environment.get(name).or_else(|| Some(env_block(config, name)?.0)).ok_or_else(|| {
        Error::host(ErrorKind::MissingCredential, format!("the configuration refers to ${{{name}}}, which is not set"))
            .hint(format!(
                "Set the environment variable {name}, or put it in ~/.openclaw/.env or the configuration's `env` block."
            ))
    })
}

#[cfg(test)]
pub(crate) mod tests {
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
        let keyring =
            |provider: &str, id: &str| ((provider, id) == ("acme", "acme-key")).then(|| "from-keyring".into());
        let held = |environment: &Environment, config: Value, keyring: Option<&Kept>| {
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

    /// Of a provider with one key.
    pub(crate) fn descriptor() -> Descriptor {
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
    fn a_header_is_json_in_ascii_whatever_the_secret_is() {
        let environment = Environment::from_fn(|name| match name {
            "QUOTED" => Some("a\"b\\c".into()),
            "UMLAUT" => Some("ü\u{1f600}".into()),
            "JSON" => Some("{\"api_key\":\n \"ü\"}".into()),
            _ => None,
        });
        let resolver = Resolver { environment: &environment, config: &json!({}) };
        for (value, sent) in [
            (json!({"api_key": "${QUOTED}"}), r#"{"api_key":"a\"b\\c"}"#),
            (json!(r#" {"api_key": "${QUOTED}${UMLAUT}"} "#), r#"{"api_key":"a\"b\\c\u00fc\ud83d\ude00"}"#),
            (json!({"inner": r#"{"k": "${QUOTED}"}"#}), r#"{"inner":"{\"k\":\"a\\\"b\\\\c\"}"}"#),
            (json!({"key": {"source": "env", "id": "UMLAUT"}}), r#"{"key":"\u00fc\ud83d\ude00"}"#),
            (json!("${JSON}"), r#"{"api_key":"\u00fc"}"#),
            (json!(" pc-${QUOTED} "), r#"pc-a"b\c"#),
        ] {
            assert_eq!(inline::header(&value, "p", &resolver).unwrap().expose_secret(), sent, "{value}");
        }
        for (value, why) in [
            (json!({"a": ["", "${NOWHERE}"]}), "p.a[1]: the configuration refers to ${NOWHERE}"),
            (json!({"key": {"source": "env", "id": "NOWHERE"}}), "${NOWHERE}"),
            (json!({"key": {"source": "env", "id": "lower"}}), "`p.key` refers to `lower`"),
            (json!({"key": {"source": "exec", "id": "vault"}}), "`p.key` is a reference of the source `exec`"),
            (json!({"key": {"source": "store", "id": "X"}}), "`p.key` is a reference of the source `store`"),
            (json!({"key": {"source": "file", "id": "/x"}}), "`p.key` refers to the file provider `default`"),
        ] {
            let error = inline::header(&value, "p", &resolver).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
