//! The questions of `onboard`, in a terminal. What a flag answers is not asked; what stands already is proposed.
//! Everything here is said on standard error, and nothing is written.

use std::fmt;

use anstyle::{AnsiColor, Style};
use host_harness::{
    ConfigFile, Environment, Error, Keyring, Origin, Plugin, Provider, Setup, Source, own_model,
    types::{ErrorKind, ErrorOrigin},
    wit::{models::Entry, onboarding::Credential},
};
use inquire::{
    Confirm, CustomUserError, InquireError, Password, PasswordDisplayMode, Select, Text, validator::Validation,
};
use secrecy::SecretString;
use serde_json::Value;

use super::{Answers, Args, DefaultModel, KeyPlace, diff};
use crate::cli::{
    alive,
    connect::{Run, chat_model},
    output::{GivenUp, say},
};

/// Where a gateway of one's own usually listens.
const OWN_GATEWAY: &str = "http://127.0.0.1:8787/v1";

/// Asks what no flag has answered.
pub(super) async fn ask(args: &Args, plugin: &Plugin, file: &ConfigFile) -> anyhow::Result<Answers> {
    let descriptor = plugin.descriptor();
    let bold = Style::new().bold();
    say(&format!("{bold}Set up {} for OpenClaw{bold:#}, in {}", descriptor.label, file.path().display()));
    say(&dim("Esc or Ctrl-C gives up. Nothing is written before the end."));

    let environment = args.config.environment()?;
    let wizard = Wizard { plugin, file, run: args.run.clone().impatient(), environment };
    let found = wizard.gateway().await?;
    let key = match args.key {
        Some(place) => place,
        None => wizard.key_place(&found)?,
    };
    let model = match &args.model {
        Some(model) => model.clone(),
        None => wizard.model(&found.models)?,
    };
    let default = match args.default_model() {
        Some(default) => default,
        None => wizard.default_model(&model)?,
    };
    Ok(Answers {
        base_url: Some(found.base_url),
        model: Some(model),
        default,
        key,
        secret: found.typed.or(found.held.filter(|(_, source)| !key.holds(source)).map(|(secret, _)| secret)),
        allow_private_network: found.allow_private_network,
    })
}

/// Shows what would change, and asks whether to write it.
pub(super) fn confirm(file: &ConfigFile, merged: &Value) -> anyhow::Result<()> {
    let after = file.text_with(merged)?;
    let before = if file.path().exists() { file.text_with(file.value())? } else { String::new() };
    if before == after {
        return Ok(());
    }
    let mut secrets = diff::secrets(file.value());
    secrets.extend(diff::secrets(merged));
    say("");
    for line in diff::lines(&before, &after, &secrets) {
        anstream::eprintln!("{line}");
    }
    say("");
    if answer(Confirm::new("Write this?").with_default(true).prompt())? { Ok(()) } else { Err(GivenUp.into()) }
}

/// Says what is left for the user to do.
pub(super) fn next_steps(left: &[String]) {
    left.iter().for_each(|step| say(step));
    say(&dim("Next: host-harness doctor --chat"));
}

struct Wizard<'a> {
    plugin: &'a Plugin,
    file: &'a ConfigFile,
    run: Run,
    environment: Environment,
}

/// A gateway that answered, or that the user wants all the same.
struct Found {
    base_url: String,
    allow_private_network: bool,
    /// The key that was found, and where.
    held: Option<(SecretString, Source)>,
    /// The key that the user typed: it takes the place of the one found.
    typed: Option<SecretString>,
    models: Vec<Entry>,
}

impl Found {
    /// Whether the key has its place, so that there is nothing to choose.
    fn is_kept(&self) -> bool {
        let source = self.held.as_ref().map(|(_, source)| source);
        self.typed.is_none() && matches!(source, Some(Source::Configuration(_) | Source::Keyring))
    }
}

/// What to do about a gateway that gave no good answer.
#[derive(Clone, Copy)]
enum Way {
    Again,
    OtherUrl,
    OtherKey,
    Unchecked,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Again => "Try again",
            Self::OtherUrl => "Give another base URL",
            Self::OtherKey => "Give another key",
            Self::Unchecked => "Go on without a check",
        })
    }
}

impl Wizard<'_> {
    /// Asks for the gateway and the key until they fit.
    async fn gateway(&self) -> anyhow::Result<Found> {
        let credential = self.plugin.descriptor().credentials.first();
        let mut base_url = match self.run.base_url(self.plugin) {
            Some(given) => given,
            None => self.base_url()?,
        };
        let mut allow_private_network = false;
        let mut typed: Option<SecretString> = None;
        let held = self.held()?;
        if let Some((_, source)) = &held {
            say(&good(&format!("The key is there: {source}")));
        }
        loop {
            if held.is_none() && typed.is_none() {
                typed = credential.map(|credential| self.key(credential)).transpose()?;
            }
            let checked = self.models(&base_url, typed.as_ref(), allow_private_network);
            let models = match ended(alive::during(format!("checking the key with {base_url}"), checked).await)? {
                Ok(models) => {
                    say(&good(&format!("{base_url} takes the key, and offers {} models", models.len())));
                    models
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    say(&dim(&format!("{error}. So the key is not checked.")));
                    Vec::new()
                }
                Err(error) if error.kind() == ErrorKind::DeniedByHost && !allow_private_network => {
                    complain(&error);
                    let question = "Is this gateway in a private network of yours, which may be called?";
                    if answer(Confirm::new(question).with_default(false).prompt())? {
                        allow_private_network = true;
                    } else {
                        base_url = self.base_url()?;
                    }
                    continue;
                }
                Err(error) => {
                    complain(&error);
                    let is_refused = matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden)
                        && error.origin() == ErrorOrigin::Gateway;
                    let way = if is_refused { Way::OtherKey } else { which_way()? };
                    match (way, credential) {
                        (Way::OtherKey, Some(credential)) => typed = Some(self.key(credential)?),
                        (Way::OtherUrl, _) => base_url = self.base_url()?,
                        (Way::Unchecked, _) => {
                            return Ok(Found { base_url, allow_private_network, held, typed, models: Vec::new() });
                        }
                        (Way::Again | Way::OtherKey, _) => {}
                    }
                    continue;
                }
            };
            return Ok(Found { base_url, allow_private_network, held, typed, models });
        }
    }

    /// The provider's own service, or another gateway.
    fn base_url(&self) -> anyhow::Result<String> {
        let descriptor = self.plugin.descriptor();
        let entries = self.plugin.entries(self.file.value());
        let urls = entries.iter().filter_map(|(_, entry)| Some(entry.get("baseUrl")?.as_str()?.trim()));
        let configured = urls.into_iter().find(|url| !url.is_empty());
        let own = descriptor.default_base_url.parse::<Origin>().ok();
        let is_elsewhere = configured.is_some_and(|url| url.parse::<Origin>().ok() != own);
        let hosted = format!("The service of {}: {}", descriptor.label, descriptor.default_base_url);
        let asked = Select::new("Which gateway?", vec![hosted.clone(), "A gateway of your own".to_owned()])
            .with_starting_cursor(usize::from(is_elsewhere))
            .prompt();
        if answer(asked)? == hosted {
            return Ok(configured.filter(|_| !is_elsewhere).unwrap_or(&descriptor.default_base_url).to_owned());
        }
        // A reference is resolved where it is called, and stays as it is.
        let usable = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(match text.trim().parse::<Origin>() {
                _ if text.trim().starts_with("${") => Validation::Valid,
                _ if !text.contains("://") => Validation::Invalid("it starts with https:// or http://".into()),
                Ok(_) => Validation::Valid,
                Err(error) => Validation::Invalid(error.to_string().into()),
            })
        };
        let typed = Text::new("Base URL:")
            .with_default(configured.filter(|_| is_elsewhere).unwrap_or(OWN_GATEWAY))
            .with_help_message("it usually ends in /v1")
            .with_validator(usable)
            .prompt();
        Ok(answer(typed)?.trim().to_owned())
    }

    /// The key that is there already, and where. One that can be none is told about and asked for anew.
    fn held(&self) -> anyhow::Result<Option<(SecretString, Source)>> {
        let descriptor = self.plugin.descriptor();
        let Some(credential) = descriptor.credentials.first() else { return Ok(None) };
        match self.run.setup(self.plugin, self.file, &self.environment).held(descriptor) {
            Ok(held) => Ok(held.secret(&credential.id).cloned().zip(held.source(&credential.id).cloned())),
            Err(error) => {
                complain(&error);
                Ok(None)
            }
        }
    }

    fn key(&self, credential: &Credential) -> anyhow::Result<SecretString> {
        let from = credential.help_url.as_ref().map(|url| format!("from {url}; ")).unwrap_or_default();
        let help = format!("{from}what you type stays hidden");
        let usable = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(match text.trim() {
                "" => Validation::Invalid("the key is empty; a gateway that asks for none takes any".into()),
                key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    Validation::Invalid("a key holds no spaces: something was pasted along with it".into())
                }
                _ => Validation::Valid,
            })
        };
        let typed = Password::new(&format!("{}:", credential.label))
            .with_display_mode(PasswordDisplayMode::Hidden)
            .without_confirmation()
            .with_help_message(&help)
            .with_validator(usable)
            .prompt();
        Ok(SecretString::from(answer(typed)?.trim().to_owned()))
    }

    /// The cheapest call that needs the key.
    async fn models(
        &self,
        base_url: &str,
        key: Option<&SecretString>,
        allow_private_network: bool,
    ) -> anyhow::Result<Vec<Entry>> {
        let descriptor = self.plugin.descriptor();
        let mut setup: Setup = self.run.setup(self.plugin, self.file, &self.environment).base_url(base_url);
        if let (Some(key), Some(credential)) = (key, descriptor.credentials.first()) {
            setup = setup.secret(&credential.id, key.clone());
        }
        if allow_private_network {
            let mut config = self.file.value().clone();
            super::allow_private_network(&mut config, self.plugin)?;
            setup = setup.config(config);
        }
        Ok(Provider::connect(self.plugin, setup).await?.models().await?)
    }

    fn key_place(&self, found: &Found) -> anyhow::Result<KeyPlace> {
        let Some(credential) = self.plugin.descriptor().credentials.first() else { return Ok(KeyPlace::Reference) };
        if found.is_kept() {
            return Ok(KeyPlace::of(found.held.as_ref().map(|(_, source)| source)));
        }
        let variable = credential.env_vars.first().map(String::as_str).unwrap_or_default();
        let mut places = vec![
            Place(KeyPlace::Reference, format!("In no file: the environment's {variable}")),
            Place(KeyPlace::Env, "In this configuration, for whoever can read the file".to_owned()),
        ];
        if Keyring::system().is_available() {
            let text = "In the system keyring: host-harness reads it, OpenClaw does not".to_owned();
            places.push(Place(KeyPlace::Keyring, text));
        }
        Ok(answer(Select::new("Where should the key be kept?", places).prompt())?.0)
    }

    /// Any id, and those that the gateway offers to choose from.
    fn model(&self, offered: &[Entry]) -> anyhow::Result<String> {
        let current = chat_model(None, self.plugin, self.file, &self.environment)?;
        let ids: Vec<String> = offered.iter().map(|entry| entry.id.clone()).collect();
        let is_offered = ids.is_empty() || ids.contains(&current);
        let listed = ids.clone();
        let search = move |typed: &str| -> Result<Vec<String>, CustomUserError> {
            let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
            let fits = |id: &&String| words.iter().all(|word| id.to_lowercase().contains(word.as_str()));
            Ok(listed.iter().filter(fits).cloned().collect())
        };
        let filled = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(if text.trim().is_empty() {
                Validation::Invalid("choose one, or type its id".into())
            } else {
                Validation::Valid
            })
        };
        let mut question = Text::new("Model:").with_autocomplete(search).with_page_size(8).with_validator(filled);
        question = question.with_help_message(if ids.is_empty() {
            "this gateway gave no list: type the id"
        } else {
            "type to search, ↑↓ to choose, Enter to take; any other id can be typed too"
        });
        if is_offered {
            question = question.with_default(&current);
        }
        let model = answer(question.prompt())?.trim().to_owned();
        if !ids.is_empty() && !ids.contains(&model) {
            say(&dim(&format!("{model} is not on the gateway's list; it is taken as you typed it.")));
        }
        Ok(model)
    }

    fn default_model(&self, model: &str) -> anyhow::Result<DefaultModel> {
        let reference = format!("{}/{model}", self.plugin.descriptor().id);
        let chosen = self.file.value().pointer("/agents/defaults/model");
        let chosen = chosen.and_then(|model| model.as_str().or_else(|| model.get("primary")?.as_str())).map(str::trim);
        let (question, yes) = match chosen.filter(|chosen| !chosen.is_empty()) {
            Some(chosen) if own_model(self.file.value(), self.plugin.descriptor(), chosen) == model => {
                return Ok(DefaultModel::SetWhereNone);
            }
            Some(chosen) => (format!("The default model is {chosen}. Make it {reference}?"), DefaultModel::Replace),
            None => ("Make it the default model of your agents?".to_owned(), DefaultModel::SetWhereNone),
        };
        let wanted = answer(Confirm::new(&question).with_default(yes == DefaultModel::SetWhereNone).prompt())?;
        Ok(if wanted { yes } else { DefaultModel::Keep })
    }
}

/// A place for the key, in words.
struct Place(KeyPlace, String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

fn which_way() -> anyhow::Result<Way> {
    let ways = vec![Way::Again, Way::OtherUrl, Way::OtherKey, Way::Unchecked];
    answer(Select::new("What now?", ways).prompt())
}

/// What the gateway or the host said, apart from what is no answer at all.
fn ended<T>(checked: anyhow::Result<T>) -> anyhow::Result<Result<T, Error>> {
    match checked {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) => error.downcast::<Error>().map(Err),
    }
}

/// An answer, or that the user gave up.
fn answer<T>(asked: Result<T, InquireError>) -> anyhow::Result<T> {
    asked.map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => GivenUp.into(),
        error => error.into(),
    })
}

fn complain(error: &Error) {
    let style = AnsiColor::Red.on_default();
    say(&format!("{style}✗{style:#} {error}"));
    if let Some(hint) = &error.record().hint {
        say(&format!("  {hint}"));
    }
}

fn good(text: &str) -> String {
    let style = AnsiColor::Green.on_default();
    format!("{style}✓{style:#} {text}")
}

fn dim(text: &str) -> String {
    let style = Style::new().dimmed();
    format!("{style}{text}{style:#}")
}
