//! `onboard`: the provider's entry in the configuration, merged by the plugin itself. In a terminal it asks; elsewhere
//! every answer is a flag.

mod answers;
mod diff;
mod wizard;

use std::{io::IsTerminal, path::Path, process::ExitCode};

use anyhow::Context;
use host_harness::{
    ConfigFile, Credentials, Environment, Error, Keyring, Plugin, Provider, Setup,
    openclaw::{DefaultName, Update, default_name, own_model, primary_model},
    types::ErrorKind,
};
use serde_json::{Value, json};

use answers::{Answers, DefaultModel, KeyPlace};
pub(crate) use answers::{key_reference, set_default};

use super::{
    connect::{self, Config, Run},
    exit_code,
    key_help::ways_to_give,
    name_and_value::{Named, header, option_value, pair},
    output, waiting,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Ask nothing: a setting without a flag keeps its value, or gets the provider's default
    #[arg(long, short)]
    yes: bool,
    /// Add this model instead of the provider's default; may be given several times, and the first is the one for
    /// --default
    #[arg(long = "model", value_name = "ID", value_parser = super::input::filled)]
    models: Vec<String>,
    /// Write this header into the provider's entry, to be sent with each request; write a secret as `${NAME}`, the name
    /// of an environment variable; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = Named(header))]
    headers: Vec<(String, String)>,
    /// Write this option of the plugin, such as provider=openai for a gateway of your own that routes nothing by itself;
    /// VALUE is JSON or text; may be given several times
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = Named(pair))]
    options: Vec<(String, String)>,
    /// Make the model the default, even if another is chosen
    #[arg(long)]
    default: bool,
    /// Leave the default model as it is, even if none is chosen
    #[arg(long, conflicts_with = "default")]
    keep_default: bool,
    /// Where to keep the API key [default: reference]
    #[arg(long, value_name = "WHERE", value_enum)]
    key: Option<KeyPlace>,
    /// Write without asking the gateway whether it takes the key
    #[arg(long)]
    no_check: bool,
    /// Print one JSON object, and ask nothing
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    config: Config,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let plugin = args.run.plugin().await?;
    let (mut file, environment) = args.config.read()?;
    // What is not understood is not written beside.
    Setup::new(file.value().clone()).left_to_openclaw(plugin.descriptor())?;
    let asks = !args.yes && !args.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let answers = if asks {
        wizard::ask(&args, &plugin, &file, &environment).await?
    } else {
        answers_of_flags(&args, &plugin, &file, &environment)?
    };
    answers.check_given(&plugin, file.value(), &environment).await?;
    if !asks {
        // Before anything is called: what is there may not take it.
        file.text_with(&answers.merge(&plugin, file.value()).await?)?;
        if !args.no_check {
            check(&args, &plugin, &file, &environment).await?;
        }
    }
    if let (Some(secret), Some(credential)) = (&answers.secret, plugin.descriptor().credentials.first()) {
        match answers.key {
            KeyPlace::Reference | KeyPlace::Env | KeyPlace::OpenClaw => {}
            KeyPlace::Dotenv => {
                let locations = args.config.locations()?;
                let variable = credential.env_vars.first().context("the plugin names no environment variable")?;
                let written = locations.set_variable(variable, secret).await?;
                output::note(&format!("{variable} is in {}", locations.dotenv_file().display()));
                note_backup(&written);
            }
            KeyPlace::Keyring => keyring(asks).set(&plugin.descriptor().id, &credential.id, secret)?,
        }
    }
    // Run again where another program changes the file in the meantime.
    let update = file.update(async |config| answers.merge(&plugin, config).await).await?;
    if args.json {
        output::print_json(&json!({
            "config": file.path().display().to_string(),
            "changed": update != Update::Unchanged,
            "backup": backup(&update).map(|backup| backup.display().to_string()),
            "provider": plugin.descriptor().id,
            "default_model": file.value().pointer("/agents/defaults/model"),
        }));
    } else if update != Update::Unchanged {
        output::print_line(&format!("{} is set up in {}", plugin.descriptor().label, file.path().display()));
        note_backup(&update);
    } else {
        output::print_line(&format!("{} was set up already: nothing to change", plugin.descriptor().label));
    }
    if let (DefaultModel::Replace, Some(model)) = (answers.default, answers.models.first()) {
        warn_of_agents_own(&plugin, &file, model);
    }
    if !asks && args.default_model().is_none() {
        note_default(&args, &plugin, &file, &environment);
    }
    let left = answers.left_to_do(&plugin);
    if asks {
        wizard::next_steps(&left, &args.next_commands(&plugin, &answers));
    } else {
        left.iter().for_each(|step| output::note(step));
    }
    Ok(ExitCode::SUCCESS)
}

/// Says it where a model was named that did not become the default: a chat asks another one then.
fn note_default(args: &Args, plugin: &Plugin, file: &ConfigFile, environment: &Environment) {
    let (id, default) = (&plugin.descriptor().id, primary_model(file.value(), environment).ok().flatten());
    let named = args.own_models(plugin, file).into_iter().next();
    if let (Some(named), Some(default)) = (named, default)
        && (&default.provider, &default.model) != (id, &named)
    {
        output::note(&format!(
            "The default model stays {}/{}: --default makes it {named}.",
            default.provider, default.model
        ));
    }
}

/// Where the old file is kept.
fn backup(update: &Update) -> Option<&Path> {
    match update {
        Update::Written { backup } => backup.as_deref(),
        Update::Unchanged => None,
    }
}

fn note_backup(update: &Update) {
    if let Some(backup) = backup(update) {
        output::note(&format!("The old file is kept as {}", backup.display()));
    }
}

/// What the flags and the environment say.
fn answers_of_flags(
    args: &Args,
    plugin: &Plugin,
    file: &ConfigFile,
    environment: &Environment,
) -> anyhow::Result<Answers> {
    let descriptor = plugin.descriptor();
    let held = match args.run.setup(plugin, file, environment).credentials(descriptor) {
        Ok(held) => held,
        // To refer to a key needs none, but whoever comes without will want to know.
        Err(error) if error.kind() == ErrorKind::MissingCredential && args.key.is_none() => {
            output::note(&format!("note: {error}"));
            Credentials::default()
        }
        Err(error) => return Err(error.into()),
    };
    let credential = descriptor.credentials.first();
    let secret = credential.and_then(|credential| held.secret(&credential.id)).cloned();
    if let (Some(credential), None) = (credential.filter(|credential| credential.required), &secret) {
        let missing = format!("there is no {}: set {}", credential.label, ways_to_give(credential));
        match args.key {
            None if KeyPlace::of(None, file.value(), &descriptor.id) == KeyPlace::OpenClaw => {}
            // To refer to a key needs none, but whoever did not ask for just that will want to know.
            None => output::note(&format!("note: {missing}")),
            Some(KeyPlace::Reference | KeyPlace::OpenClaw) => {}
            Some(KeyPlace::Env | KeyPlace::Dotenv | KeyPlace::Keyring) => return Err(exit_code::Usage(missing).into()),
        }
    }
    let source = credential.and_then(|credential| held.source(&credential.id));
    let key = args.key.unwrap_or_else(|| KeyPlace::of(source, file.value(), &descriptor.id));
    let mut models = args.own_models(plugin, file);
    if models.is_empty() {
        // One that is chosen already is the candidate: none is added beside it.
        let chosen = primary_model(file.value(), environment)?;
        models.extend(chosen.filter(|chosen| chosen.provider == descriptor.id).map(|chosen| chosen.model));
    }
    Ok(Answers {
        base_url: args.run.base_url(plugin),
        headers: args.headers()?,
        options: args.options()?,
        models,
        default: args.default_model().unwrap_or(if names_its_own(file.value()) {
            // To the agent it would be nothing, and to those to come a choice that nobody made.
            DefaultModel::Keep
        } else {
            DefaultModel::SetWhereNone
        }),
        secret: secret.filter(|_| !source.is_some_and(|source| key.holds(source))),
        key,
        allow_private_network: false,
    })
}

/// Asks the gateway, by the cheapest call that needs the key, whether it takes it: nothing is written that would not
/// work. Without a key there is nothing to ask, and a gateway without a list of models cannot be asked.
async fn check(args: &Args, plugin: &Plugin, file: &ConfigFile, environment: &Environment) -> anyhow::Result<()> {
    let setup = args.setup(plugin, file, environment)?;
    let held = match setup.credentials(plugin.descriptor()) {
        Err(error) if error.kind() == ErrorKind::MissingCredential => return Ok(()),
        held => held?,
    };
    let mut credentials = plugin.descriptor().credentials.iter();
    if credentials.any(|credential| credential.required && held.source(&credential.id).is_none()) {
        return Ok(());
    }
    let listed = async { Provider::connect(plugin, setup).await?.models().await };
    match waiting::during("checking the key", listed).await {
        Ok(offered) => {
            for model in args.own_models(plugin, file) {
                if !offered.is_empty() && !offered.iter().any(|entry| entry.id == model) {
                    output::warn(&format!(
                        "the gateway does not offer {model}: `host-harness models` lists what it does"
                    ));
                }
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            output::note(&output::not_checked(&error, "key"));
            Ok(())
        }
        Err(error) => {
            let mut record = error.record().clone();
            let hint = record.hint.unwrap_or_default();
            record.hint =
                Some(format!("{hint} Nothing was written; --no-check writes without asking.").trim_start().into());
            Err(Error::from(record).into())
        }
    }
}

impl Args {
    /// What is called to see whether it works: as the flags say, with the headers that are to be written.
    fn setup(&self, plugin: &Plugin, file: &ConfigFile, environment: &Environment) -> anyhow::Result<Setup> {
        let setup = self.run.clone().impatient().setup(plugin, file, environment);
        let setup = self.headers()?.into_iter().fold(setup, |setup, (name, value)| setup.header(name, value));
        Ok(self.options()?.into_iter().fold(setup, |setup, (name, value)| setup.option(name, value)))
    }

    /// The models that the flags name, as the provider knows them.
    fn own_models(&self, plugin: &Plugin, file: &ConfigFile) -> Vec<String> {
        self.models.iter().map(|model| own_model(file.value(), plugin.descriptor(), model)).collect()
    }

    /// The headers to write. A secret among them would stand in the file for whoever can read it.
    fn headers(&self) -> anyhow::Result<Vec<(String, String)>> {
        for (name, value) in &self.headers {
            if !diff::secrets(&json!({ name: value })).is_empty() {
                let variable = name.to_uppercase().replace(|sign: char| !sign.is_ascii_alphanumeric(), "_");
                let why = format!(
                    "the value of --header {name} may be a secret, and is not written into the file: set a variable to it, \
                     and give '{name}: ${{{variable}}}'"
                );
                return Err(exit_code::Usage(why).into());
            }
        }
        Ok(self.headers.clone())
    }

    /// The options to write. A secret in one would stand in the file for whoever can read it.
    fn options(&self) -> anyhow::Result<Vec<(String, Value)>> {
        let mut options = Vec::new();
        for (name, text) in &self.options {
            let value = option_value(text);
            if !diff::secrets(&json!({ name: value })).is_empty() {
                let why = format!(
                    "a part of --option {name} may be a secret, and is not written into the file: set a variable to it, and \
                     give `${{VARIABLE}}` in its place"
                );
                return Err(exit_code::Usage(why).into());
            }
            options.push((name.clone(), value));
        }
        Ok(options)
    }

    /// The commands that try what was set up, as they can be pasted into the shell that this runs in.
    fn next_commands(&self, plugin: &Plugin, answers: &Answers) -> Vec<String> {
        let variable = plugin.descriptor().credentials.first().and_then(|credential| credential.env_vars.first());
        let is_set = |variable: &&String| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        let mut commands = Vec::new();
        // Nowhere but in the user's hands is the key that was typed.
        if let Some(variable) = variable.filter(|variable| !is_set(variable))
            && answers.key == KeyPlace::Reference
            && answers.secret.is_some()
        {
            commands.push(format!("printf 'Key: '; read -rs {variable}; export {variable}"));
        }
        let mut words = vec![output::program(), "doctor".to_owned(), "--chat".to_owned()];
        words.extend(self.run.named_component().into_iter().chain(self.config.named()));
        commands.push(words.join(" "));
        commands
    }

    /// What the flags say of the default model.
    fn default_model(&self) -> Option<DefaultModel> {
        match (self.default, self.keep_default) {
            (true, _) => Some(DefaultModel::Replace),
            (_, true) => Some(DefaultModel::Keep),
            (false, false) => None,
        }
    }
}

/// The system's keyring. A user at the terminal may be asked to unlock it.
fn keyring(asks: bool) -> Keyring {
    let keyring = connect::keyring();
    if asks { keyring.may_prompt() } else { keyring }
}

/// Whether the configuration's only agent names its own model, which goes over the default one.
fn names_its_own(config: &Value) -> bool {
    default_name(config).ok().flatten().is_some_and(|named| named.is_agents_own)
}

/// Says of the default model that was just written that it is not the one that the only agent asks.
pub(crate) fn warn_of_agents_own(plugin: &Plugin, file: &ConfigFile, model: &str) {
    let named = default_name(file.value()).ok().flatten().filter(|named| named.is_agents_own);
    if let Some(own) = named.and_then(|named| instead_of(&named, plugin, file, model)) {
        output::warn(&own);
    }
}

/// What the only agent asks instead of `model`, if it names another.
fn instead_of(own: &DefaultName<'_>, plugin: &Plugin, file: &ConfigFile, model: &str) -> Option<String> {
    let is_other = own_model(file.value(), plugin.descriptor(), own.name) != model;
    is_other.then(|| format!("{} is {}, and goes over the default model", own.path, own.name))
}
