//! All that onboarding must know, and the configuration with that in it.

use anyhow::Context;
use host_harness::{
    ConfigFile, CredentialSource, Environment, Error, Plugin, Setup,
    command_line::references,
    openclaw::Update,
    types::ErrorKind,
    wit::onboarding::{Choices, Severity},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::{
    config_findings::{around, option_place},
    given_secret, openclaw, output,
};

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KeyPlace {
    /// In no file: the configuration refers to the environment variable
    Reference,
    /// In the configuration's `env` block: everybody who can read the file can read the key
    Env,
    /// In OpenClaw's own `.env`, such as ~/.openclaw/.env, which only its owner can read
    Dotenv,
    /// In the system's keyring, which this program reads and OpenClaw does not
    Keyring,
    /// In OpenClaw's own store, where `openclaw onboard` put it. A reference would come before that one, and where its
    /// variable is not set OpenClaw would call nobody.
    #[value(skip)]
    OpenClaw,
}

impl KeyPlace {
    /// Where a key that was found stays, unless the user wants it elsewhere. A reference beside one that the configuration
    /// holds is for those who come without. One that was given is a new one: OpenClaw's own store cannot take it.
    pub(super) fn of(source: Option<&CredentialSource>, config: &Value, id: &str) -> Self {
        match source {
            Some(CredentialSource::Given) => Self::Reference,
            Some(CredentialSource::Keyring) => Self::Keyring,
            _ if !openclaw::named_profiles(config, id).is_empty() => Self::OpenClaw,
            _ => Self::Reference,
        }
    }

    /// Whether a key that was found there is in its place. To refer to it moves nothing; but a flag is gone with the command.
    pub(super) fn holds(self, source: &CredentialSource) -> bool {
        match (self, source) {
            (_, CredentialSource::Given) => false,
            (Self::OpenClaw | Self::Reference, _) | (Self::Keyring, CredentialSource::Keyring) => true,
            (Self::Dotenv, CredentialSource::DotEnv { .. }) => true,
            (Self::Env, CredentialSource::Configuration(path)) => path.starts_with("env.vars."),
            _ => false,
        }
    }
}

/// All that onboarding must know.
pub(super) struct Answers {
    pub(super) base_url: Option<String>,
    /// Those to add, none of them a secret.
    pub(super) headers: Vec<(String, String)>,
    /// Those of the plugin to set, none of them a secret.
    pub(super) options: Vec<(String, Value)>,
    /// Those to add, the candidate for the default model first.
    pub(super) models: Vec<String>,
    pub(super) default: DefaultModel,
    pub(super) key: KeyPlace,
    /// The key, where it is to be kept or takes the place of another.
    pub(super) secret: Option<SecretString>,
    pub(super) allow_private_network: bool,
}

/// What becomes of the default model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultModel {
    Keep,
    SetWhereNone,
    Replace,
}

impl Answers {
    /// What is left for the user to do, once this is written.
    pub(super) fn left_to_do(&self, plugin: &Plugin) -> Vec<String> {
        let Some(credential) = plugin.descriptor().credentials.first() else { return Vec::new() };
        let variable = credential.env_vars.first().map(String::as_str).unwrap_or_default();
        let is_set = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        let in_environment = is_set && given_secret::given(credential).is_none();
        let mut left = Vec::new();
        match (self.key, in_environment) {
            (KeyPlace::Reference, false) if self.secret.is_some() => left.push(format!(
                "Set {variable} to the key where OpenClaw starts, such as in ~/.profile: it stands in no file yet."
            )),
            (KeyPlace::Reference, true) if self.secret.is_some() => {
                left.push(format!("{variable} of the environment still holds the other key: set it to this one."));
            }
            (KeyPlace::Keyring, _) => {
                left.push(format!("OpenClaw does not read the keyring: for it, set {variable}."));
            }
            _ => {}
        }
        for (name, value) in &self.headers {
            for variable in references(value).iter().filter(|variable| std::env::var_os(variable).is_none()) {
                left.push(format!("The header {name} needs {variable}, which is not set here."));
            }
        }
        if in_environment && self.secret.is_some() && self.key != KeyPlace::Reference {
            left.push(format!("{variable} of the environment comes before it, as long as it is set."));
        }
        left
    }

    /// Refuses an option or a header that a call would refuse: it is not written first. Warns of what is doubtful in one.
    pub(super) async fn check_given(
        &self,
        plugin: &Plugin,
        config: &Value,
        environment: &Environment,
    ) -> anyhow::Result<()> {
        let id = &plugin.descriptor().id;
        let options = self.options.iter().map(|(name, _)| (format!("--option {name}"), option_place(id, name)));
        let header = |name: &str| (format!("--header {name}"), format!("models.providers.{id}.headers.{name}"));
        let given: Vec<_> = options.chain(self.headers.iter().map(|(name, _)| header(name))).collect();
        if given.is_empty() {
            return Ok(());
        }
        let merged = self.merge(plugin, config).await?;
        for finding in plugin.lint_setup(Setup::new(merged).environment(environment.clone())).await? {
            // What is wrong with one may be found where all of them stand.
            let is_at = |place: &str| {
                around(&finding.path, place).is_some_and(|(before, _)| before.is_empty())
                    || place.rsplit_once('.').is_some_and(|(above, _)| above == finding.path)
            };
            let Some((flag, _)) = given.iter().find(|(_, place)| is_at(place)) else { continue };
            let message = format!("{flag}: {}", finding.message);
            if finding.severity == Severity::Error {
                let message = format!("{message} Nothing was written.");
                return Err(Error::host(ErrorKind::InvalidConfig, message).into());
            }
            output::warn(&message);
        }
        Ok(())
    }

    /// `config` with these answers in it. What is right already stays as it is.
    pub(super) async fn merge(&self, plugin: &Plugin, config: &Value) -> anyhow::Result<Value> {
        let descriptor = plugin.descriptor();
        let mut config = config.clone();
        let variable = descriptor.credentials.first().and_then(|credential| credential.env_vars.first());
        if let Some(secret) = &self.secret {
            // A key that stands there comes before the `env` block and the keyring.
            let names: Vec<_> = plugin.entries(&config).into_iter().map(|(name, _)| name.to_owned()).collect();
            for name in names {
                let entry = config.pointer_mut(&format!("/models/providers/{name}")).and_then(Value::as_object_mut);
                entry.and_then(|entry| entry.shift_remove("apiKey"));
            }
            if self.key == KeyPlace::Env {
                let variable = variable.context("the plugin names no environment variable")?;
                let env = open(&mut config, "env")?;
                // OpenClaw has refused the whole file for it since 2026.
                env.as_object_mut().context("it was just made")?.shift_remove(variable);
                let vars = open(env, "vars")?.as_object_mut().context("it was just made")?;
                vars.insert(variable.clone(), secret.expose_secret().into());
            }
        }
        if self.allow_private_network {
            allow_private_network(&mut config, plugin)?;
        }
        for (name, value) in &self.headers {
            let headers = provider_member(&mut config, plugin, "headers")?;
            headers.retain(|other, _| !other.trim().eq_ignore_ascii_case(name));
            headers.insert(name.clone(), value.as_str().into());
        }
        for (name, value) in &self.options {
            let entry = ["plugins", "entries", &plugin.descriptor().id, "config"];
            let options = entry.into_iter().try_fold(&mut config, open)?;
            options.as_object_mut().context("it was just made")?.insert(name.clone(), value.clone());
        }
        if self.default == DefaultModel::Replace
            && let Some(defaults) = config.pointer_mut("/agents/defaults").and_then(Value::as_object_mut)
        {
            match defaults.get_mut("model") {
                Some(Value::Object(model)) => drop(model.shift_remove("primary")),
                _ => drop(defaults.shift_remove("model")),
            }
        }
        let choices = |model: Option<&String>| Choices {
            base_url: self.base_url.clone(),
            model: model.cloned(),
            api_key_reference: key_reference(plugin)
                .filter(|_| !matches!(self.key, KeyPlace::Keyring | KeyPlace::OpenClaw)),
        };
        let first = choices(self.models.first());
        let mut merged = match self.default {
            DefaultModel::Keep => plugin.apply_provider_config(&config, &first).await?,
            DefaultModel::SetWhereNone | DefaultModel::Replace => plugin.apply_config(&config, &first).await?,
        };
        for model in self.models.iter().skip(1) {
            merged = plugin.apply_provider_config(&merged, &choices(Some(model))).await?;
        }
        Ok(merged)
    }
}

/// How the configuration refers to the provider's key.
pub(crate) fn key_reference(plugin: &Plugin) -> Option<String> {
    let variable = plugin.descriptor().credentials.first()?.env_vars.first()?;
    Some(format!("${{{variable}}}"))
}

/// Lets the provider be in a private network.
pub(super) fn allow_private_network(config: &mut Value, plugin: &Plugin) -> anyhow::Result<()> {
    provider_member(config, plugin, "request")?.insert("allowPrivateNetwork".into(), true.into());
    Ok(())
}

/// The object `member` of the provider's entry, made where there is none.
fn provider_member<'a>(
    config: &'a mut Value,
    plugin: &Plugin,
    member: &str,
) -> anyhow::Result<&'a mut Map<String, Value>> {
    let name = plugin.entries(config).first().map_or(&*plugin.descriptor().id, |(name, _)| name).to_owned();
    let object = ["models", "providers", &name, member].into_iter().try_fold(config, open)?;
    object.as_object_mut().context("it was just made")
}

/// Makes `model` the default one of `file`, as `onboard --default --model` does. Gives where the old file is kept, or
/// nothing where it held that already.
pub(crate) async fn set_default(
    plugin: &Plugin,
    file: &mut ConfigFile,
    base_url: Option<String>,
    model: String,
    key: Option<&CredentialSource>,
) -> anyhow::Result<Update> {
    // One that was given is for this command alone.
    let key = key.filter(|source| !matches!(source, CredentialSource::Given));
    let answers = Answers {
        base_url,
        headers: Vec::new(),
        options: Vec::new(),
        models: vec![model],
        default: DefaultModel::Replace,
        key: KeyPlace::of(key, file.value(), &plugin.descriptor().id),
        secret: None,
        allow_private_network: false,
    };
    file.update(async |config| answers.merge(plugin, config).await).await
}

/// The object under `name`, made where there is none.
fn open<'a>(value: &'a mut Value, name: &str) -> anyhow::Result<&'a mut Value> {
    let inner = value.as_object_mut().map(|fields| fields.entry(name).or_insert_with(|| Value::Object(Map::new())));
    let wrong = || Error::host(ErrorKind::InvalidConfig, format!("`{name}` of the configuration is not an object"));
    Ok(inner.filter(|inner| inner.is_object()).ok_or_else(wrong)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_stays_in_the_keyring_when_onboarding_runs_again() {
        let of = |source| KeyPlace::of(source, &json!({}), "portkey");
        assert!(of(Some(&CredentialSource::Keyring)) == KeyPlace::Keyring);
        assert!(of(Some(&CredentialSource::Keyring)).holds(&CredentialSource::Keyring));
        assert!(of(None) == KeyPlace::Reference);
    }
}
