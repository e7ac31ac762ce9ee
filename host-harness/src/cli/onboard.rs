//! `onboard`: the provider's entry in the configuration, merged by the plugin itself.

use std::process::ExitCode;

use anyhow::Context;
use host_harness::{ConfigFile, Error, Plugin, Update, types::ErrorKind, wit::onboarding::Choices};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{connect::Connect, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Add this model instead of the provider's default
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// Leave the default model as it is, even where none is chosen
    #[arg(long)]
    keep_default: bool,
    /// Where the API key goes: a reference to the environment variable, or the key itself in the `env` block
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = KeyPlace::Reference)]
    key: KeyPlace,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KeyPlace {
    /// `${PORTKEY_API_KEY}`: the file holds no secret
    Reference,
    /// The key, readable by whoever can read the file
    Env,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let plugin = args.connect.plugin().await?;
    let mut file = args.connect.config_file()?;
    let stored = match args.key {
        KeyPlace::Reference => None,
        KeyPlace::Env => Some(held_key(&plugin, &args.connect, &file)?),
    };
    let choices = Choices {
        base_url: args.connect.base_url(&plugin),
        model: args.model.clone(),
        api_key_reference: key_reference(&plugin),
    };
    // Run again where another program changes the file in the meantime.
    let merge = async |config: &Value| {
        let mut config = config.clone();
        if let Some((variable, key)) = &stored {
            store_key(&mut config, variable, key)?;
        }
        anyhow::Ok(if args.keep_default {
            plugin.apply_provider_config(&config, &choices).await?
        } else {
            plugin.apply_config(&config, &choices).await?
        })
    };
    let (changed, backup) = match file.update(merge).await? {
        Update::Unchanged => (false, None),
        Update::Written { backup } => (true, backup),
    };
    if args.json {
        output::print_json(&json!({
            "config": file.path().display().to_string(),
            "changed": changed,
            "backup": backup.map(|backup| backup.display().to_string()),
            "provider": plugin.descriptor().id,
            "default_model": file.value().pointer("/agents/defaults/model"),
        }));
    } else if changed {
        output::print_line(&format!("{} is set up in {}", plugin.descriptor().label, file.path().display()));
        if let Some(backup) = backup {
            eprintln!("The old file is kept as {}", backup.display());
        }
    } else {
        output::print_line(&format!("{} was set up already: nothing to change", plugin.descriptor().label));
    }
    Ok(ExitCode::SUCCESS)
}

/// How the configuration refers to the provider's key.
pub(crate) fn key_reference(plugin: &Plugin) -> Option<String> {
    let variable = plugin.descriptor().credentials.first()?.env_vars.first()?;
    Some(format!("${{{variable}}}"))
}

/// The key that is held, and the variable that it goes into.
fn held_key(plugin: &Plugin, connect: &Connect, file: &ConfigFile) -> anyhow::Result<(String, SecretString)> {
    let descriptor = plugin.descriptor();
    let held = connect.setup(plugin, file).held(descriptor)?;
    let credential = descriptor.credentials.first().context("the plugin declares no credential")?;
    let variable = credential.env_vars.first().context("the plugin names no environment variable")?;
    let secret = held.secret(&credential.id).ok_or_else(|| {
        output::Usage(format!("there is no {} to store: set {variable}, or give the plugin's flag", credential.label))
    })?;
    Ok((variable.clone(), secret.clone()))
}

/// Puts the key into `env.<VARIABLE>`.
fn store_key(config: &mut Value, variable: &str, key: &SecretString) -> anyhow::Result<()> {
    let env = config
        .as_object_mut()
        .map(|config| config.entry("env").or_insert_with(|| Value::Object(Map::new())))
        .and_then(Value::as_object_mut)
        .ok_or_else(|| Error::host(ErrorKind::InvalidConfig, "`env` of the configuration is not an object"))?;
    env.insert(variable.to_owned(), key.expose_secret().into());
    Ok(())
}
