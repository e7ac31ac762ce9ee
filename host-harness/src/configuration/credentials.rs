//! Finds secrets, in the order that a user expects: given directly, the environment, the configuration, the system's
//! keyring. Owns where a secret may come from; `egress` attaches it to requests.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
};

use boundary::{
    excerpt::entries,
    references::{references, shorthand},
    secret_json::all_references,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    environment::{CredentialSource, Environment, References},
    secrets::{Found, secret},
};
use crate::{
    error::{Error, Result},
    types::ErrorKind,
    wit::onboarding::{Credential, Descriptor},
};

/// Looks up what is kept for a provider's credential, by the ids of the two: a keyring.
pub(crate) type Kept = dyn Fn(&str, &str) -> Option<SecretString> + Send + Sync;

/// The secrets that the host holds for one provider, by credential id.
#[derive(Debug, Default)]
pub struct Credentials(BTreeMap<String, (SecretString, CredentialSource)>);

impl Credentials {
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
            return Err(Error::config(format!("`{id}` is not a credential of {}", descriptor.label)).hint(hint));
        }
        let mut held = BTreeMap::new();
        for credential in &descriptor.credentials {
            let found = match given.get(&credential.id) {
                Some(secret) if secret.expose_secret().trim().is_empty() => {
                    let message = format!("the {} that was given is empty", credential.label);
                    return Err(Error::host(ErrorKind::MissingCredential, message));
                }
                Some(secret) => Some((secret.clone(), CredentialSource::Given)),
                None => find_one(descriptor, credential, environment, config, keyring)?,
            };
            if let Some((secret, source)) = found {
                let trimmed = SecretString::from(secret.expose_secret().trim());
                if let Some(what) = beside_key(trimmed.expose_secret()) {
                    let whence = match source {
                        CredentialSource::Given => "It was given directly".to_owned(),
                        source => format!("It comes from {source}"),
                    };
                    return Err(Error::config(format!("the {} {what}", credential.label))
                        .hint(format!("{whence}: check it for what was pasted along with it.")));
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
    pub fn source(&self, id: &str) -> Option<&CredentialSource> {
        self.0.get(id).map(|(_, source)| source)
    }

    /// The secret itself, for a host that stores it where the user said. Nothing prints it unasked.
    pub fn secret(&self, id: &str) -> Option<&SecretString> {
        self.0.get(id).map(|(secret, _)| secret)
    }
}

/// How to see that a text holds more than a key, such as what a shell or a guide has around one. `None` where nothing tells.
pub fn beside_key(text: &str) -> Option<&'static str> {
    let is_quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    let is_variable = |name: &str| {
        name.contains('_')
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("holds spaces, or characters that are not printable ASCII")
    } else if ['"', '\'', '`'].into_iter().any(is_quoted) {
        Some("is in quotation marks")
    // A key may end in padding.
    } else if text
        .split_once('=')
        .is_some_and(|(name, rest)| is_variable(name) && rest.bytes().any(|byte| byte != b'='))
    {
        Some("begins with the name of a variable")
    } else if text.contains("${") || text.strip_prefix('$').is_some_and(is_variable) {
        Some("names a variable, which nothing has replaced")
    } else {
        None
    }
}

fn find_one(
    descriptor: &Descriptor,
    credential: &Credential,
    environment: &Environment,
    config: &Value,
    keyring: Option<&Kept>,
) -> Result<Option<(SecretString, CredentialSource)>> {
    let variables = credential.env_vars.iter();
    let of_environment = || {
        variables
            .clone()
            .find_map(|name| Some((environment.own(name)?.into(), CredentialSource::Environment(name.clone()))))
    };
    // The configuration has one place for a key. Where a provider has several credentials, it is the first one's.
    let is_first = descriptor.credentials.first().is_some_and(|first| first.id == credential.id);
    let entries = if is_first { entries(config, &descriptor.id) } else { Vec::new() };
    // OpenClaw takes the entry's own key first where the entry says so.
    let is_own_first = entries.iter().any(|(_, entry)| entry.get("auth").is_some_and(|auth| auth == "api-key"));
    if let Some(found) = of_environment().filter(|_| !is_own_first) {
        return Ok(Some(found));
    }
    let references = References::new(environment, config);
    let mut missing = None;
    for (name, entry) in &entries {
        let path = format!("models.providers.{}.apiKey", name.trim());
        // As OpenClaw reads it: the name alone of the provider's own variable stands for that.
        let own = entry.get("apiKey").unwrap_or(&Value::Null);
        let named = own.as_str().and_then(|text| variables.clone().find(|name| *name == text.trim()));
        let named = named.map(|name| Value::from(format!("${{{name}}}")));
        match secret(named.as_ref().unwrap_or(own), &path, &references) {
            Ok(Some(Found { secret, from })) => {
                let from = from.map(|from| format!(" ({from})")).unwrap_or_default();
                return Ok(Some((secret, CredentialSource::Configuration(format!("{path}{from}")))));
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::MissingCredential => missing = missing.or(Some((entry, error))),
            Err(error) => return Err(error),
        }
    }
    if let Some(found) = of_environment().or_else(|| configured_header(&entries, credential, &references)) {
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
        Some((value.into(), CredentialSource::DotEnv { name: name.clone(), file }))
    };
    let of_block = |name: &String| {
        references.of_block(name).map(|(value, path)| (value.into(), CredentialSource::Configuration(path)))
    };
    let found = variables.clone().find_map(of_file).or_else(|| variables.clone().find_map(of_block));
    Ok(found.or_else(|| Some((keyring?(&descriptor.id, &credential.id)?, CredentialSource::Keyring))))
}

/// The names of variables that stand for the key: its own, those that the entry's `apiKey` or a header of the key refers to,
/// what these refer to in the `env` block, and those of the block that lead to one of all these. By their names alone: a
/// key may be an ordinary word, and another service may take the same one.
pub(super) struct KeyNames<'a> {
    descriptor: &'a Descriptor,
    pub(super) references: References<'a>,
    /// Found when a name is first looked for, so that each text then costs its own length.
    all: OnceCell<HashSet<String>>,
}

impl<'a> KeyNames<'a> {
    /// For one use of the configuration.
    pub(super) fn new(descriptor: &'a Descriptor, references: References<'a>) -> Self {
        Self { descriptor, references, all: OnceCell::new() }
    }

    /// The one of these that stands for the key.
    pub(super) fn among<'n>(&self, names: &'n [String]) -> Option<&'n String> {
        names.iter().find(|name| self.all.get_or_init(|| self.find()).contains(*name))
    }

    /// The one in these options. What stands under a secret's name there is another service's key, which may be the same: only
    /// the key's own variable is a mistake there.
    pub(super) fn among_options(&self, options: &Value) -> Option<String> {
        let (secret, plain): (Vec<_>, Vec<_>) = all_references(options).into_iter().partition(|(_, named)| *named);
        let of = |all: Vec<(String, bool)>| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let is_own = |name: &String| self.own().any(|own| own == name);
        self.among(&of(plain)).cloned().or_else(|| of(secret).into_iter().find(is_own))
    }

    fn own(&self) -> impl Iterator<Item = &'a String> {
        self.descriptor.credentials.iter().flat_map(|credential| &credential.env_vars)
    }

    fn find(&self) -> HashSet<String> {
        let References { environment, config, .. } = self.references;
        let mut block: HashMap<&String, Vec<String>> = HashMap::new();
        let env = config.get("env");
        // What stands in both places is read from the second.
        for (name, value) in
            [env.and_then(|env| env.get("vars")), env].into_iter().flatten().filter_map(Value::as_object).flatten()
        {
            block.insert(name, value.as_str().map(references).unwrap_or_default());
        }
        let mut users: HashMap<&String, Vec<&String>> = HashMap::new();
        for (user, used) in block.iter().flat_map(|(user, all)| all.iter().map(move |used| (*user, used))) {
            users.entry(used).or_default().push(user);
        }
        let entries = entries(config, &self.descriptor.id);
        let keys = entries.iter().filter_map(|(_, entry)| entry.get("apiKey"));
        let headers = self.descriptor.credentials.iter().flat_map(|credential| {
            entries.iter().flat_map(|(_, entry)| headers_of_key(entry, credential)).map(|(.., value)| value)
        });
        let mut found: HashSet<String> = keys.chain(headers).flat_map(names_in).chain(self.own().cloned()).collect();
        // The environment goes over the block.
        let mut left: Vec<String> = found.iter().cloned().collect();
        while let Some(name) = left.pop() {
            for used in block.get(&name).filter(|_| environment.get(&name).is_none()).into_iter().flatten() {
                if found.insert(used.clone()) {
                    left.push(used.clone());
                }
            }
        }
        left.extend(found.iter().cloned());
        while let Some(name) = left.pop() {
            for &user in users.get(&name).into_iter().flatten() {
                if !found.contains(user) && environment.get(user).is_none() {
                    found.insert(user.clone());
                    left.push(user.clone());
                }
            }
        }
        found
    }
}

/// The names that a secret refers to.
fn names_in(secret: &Value) -> Vec<String> {
    match secret.as_str().and_then(shorthand) {
        Some(name) => vec![name.to_owned()],
        None => all_references(secret).into_iter().map(|(name, _)| name).collect(),
    }
}

/// Whether a reference is to one of these variables.
fn is_of(reference: &Value, variables: &[String]) -> bool {
    match reference {
        Value::String(text) => match shorthand(text) {
            Some(name) => variables.iter().any(|known| known == name),
            None => references(text).iter().all(|name| variables.contains(name)),
        },
        other => {
            other.get("id").and_then(Value::as_str).is_some_and(|name| variables.iter().any(|known| known == name))
        }
    }
}

/// The key where the entry gives it as the header that it is sent in.
fn configured_header(
    entries: &[(&str, &Value)],
    credential: &Credential,
    references: &References<'_>,
) -> Option<(SecretString, CredentialSource)> {
    entries.iter().find_map(|(name, entry)| {
        headers_of_key(entry, credential).find_map(|(place, header, value)| {
            let path = format!("models.providers.{}.{place}.{header}", name.trim());
            let found = secret(value, &path, references).ok().flatten()?;
            let key = found.secret.expose_secret().trim().strip_prefix(&*credential.prefix)?.to_owned();
            Some((key.into(), CredentialSource::Configuration(path)))
        })
    })
}

/// The headers of the entry that the key is sent in: where each stands, its name and its value.
fn headers_of_key<'e>(
    entry: &'e Value,
    credential: &'e Credential,
) -> impl Iterator<Item = (&'static str, &'e String, &'e Value)> {
    let places = [("request.headers", entry.pointer("/request/headers")), ("headers", entry.get("headers"))];
    places.into_iter().filter_map(|(place, headers)| {
        let mut headers = headers.and_then(Value::as_object)?.iter();
        let (header, value) = headers.find(|(header, _)| header.trim().eq_ignore_ascii_case(&credential.header))?;
        Some((place, header, value))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// What is kept in the keyring is looked up last, and never asked for where the key is found before.
    #[test]
    fn the_keyring_comes_last() {
        let keyring =
            |provider: &str, id: &str| ((provider, id) == ("acme", "acme-key")).then(|| "from-keyring".into());
        let held = |environment: &Environment, config: Value, keyring: Option<&Kept>| {
            let held = Credentials::find(&descriptor(), &BTreeMap::new(), environment, &config, keyring).unwrap();
            let secret = held.secret("acme-key").map(|secret| secret.expose_secret().to_owned());
            secret.zip(held.source("acme-key").cloned())
        };
        let set = Environment::from_iter([("ACME_KEY", "from-environment")]);
        let (none, empty) = (Environment::empty(), json!({}));
        let block = json!({"env": {"ACME_KEY": "from-block"}});
        assert_eq!(held(&set, empty.clone(), Some(&keyring)).unwrap().0, "from-environment");
        assert_eq!(held(&none, block, Some(&keyring)).unwrap().0, "from-block");
        assert_eq!(
            held(&none, empty.clone(), Some(&keyring)),
            Some(("from-keyring".into(), CredentialSource::Keyring))
        );
        assert_eq!(held(&none, empty, None), None);
    }

    /// A file of OpenClaw's may hold it so: the name was sent as the key.
    #[test]
    fn the_name_alone_of_the_providers_variable_is_a_reference() {
        let key = |environment: &Environment, name: &str| {
            let config = json!({"models": {"providers": {"acme": {"auth": "api-key", "apiKey": name}}}});
            let held = Credentials::find(&descriptor(), &BTreeMap::new(), environment, &config, None).unwrap();
            held.secret("acme-key").map(|secret| secret.expose_secret().to_owned())
        };
        let set = Environment::from_iter([("ACME_KEY", "from-environment")]);
        assert_eq!(key(&set, " ACME_KEY ").as_deref(), Some("from-environment"));
        assert_eq!(key(&Environment::empty(), "ACME_KEY"), None);
        assert_eq!(key(&set, "OTHER_KEY").as_deref(), Some("OTHER_KEY"));
    }

    /// However the other is referred to.
    #[test]
    fn a_key_that_is_anothers_is_not_replaced() {
        for reference in ["${OTHER_KEY}", "$OTHER_KEY"] {
            let config = json!({
                "env": {"ACME_KEY": "from-block"},
                "models": {"providers": {"acme": {"apiKey": reference}}},
            });
            let held = Credentials::find(&descriptor(), &BTreeMap::new(), &Environment::empty(), &config, None);
            assert_eq!(held.unwrap_err().kind(), ErrorKind::MissingCredential, "{reference}");
        }
    }

    #[test]
    fn what_was_pasted_along_with_a_key_is_seen() {
        for (text, why) in [
            ("\"pk-1\"", "quotation marks"),
            ("'pk-1'", "quotation marks"),
            ("`pk-1`", "quotation marks"),
            ("PORTKEY_API_KEY=pk-1", "name of a variable"),
            ("${PORTKEY}", "nothing has replaced"),
            ("pk-${A}", "nothing has replaced"),
            ("$PORTKEY_KEY", "nothing has replaced"),
            ("Bearer pk-1", "spaces, or"),
            ("pk\n1", "not printable ASCII"),
            ("pk-ä", "not printable ASCII"),
        ] {
            assert!(beside_key(text).is_some_and(|said| said.contains(why)), "{text}");
        }
        for key in ["pk-1", "a\"b", "\"", "QUJD_A==", "A_B=", "x=y", "ABC=y", "$1", "{}"] {
            assert_eq!(beside_key(key), None, "{key}");
        }
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
}
