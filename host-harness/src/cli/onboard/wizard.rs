//! The questions of `onboard`, in a terminal. What a flag answers is not asked; what stands already is proposed.
//! Everything here is said on standard error, and nothing is written.

use std::fmt;

use anstyle::{AnsiColor, Style};
use host_harness::{
    ConfigFile, Environment, Error, Origin, Plugin, Provider, Setup, Source, own_model,
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
    connect::{Run, chat_model, service_at, services},
    output::{GivenUp, printable, say},
    restored, terminal,
};

/// Where a gateway of one's own usually listens.
const OWN_GATEWAY: &str = "http://127.0.0.1:8787/v1";

/// Asks what no flag has answered.
pub(super) async fn ask(
    args: &Args,
    plugin: &Plugin,
    file: &ConfigFile,
    environment: &Environment,
) -> anyhow::Result<Answers> {
    restored::watch();
    let descriptor = plugin.descriptor();
    let bold = Style::new().bold();
    say(&format!(
        "{bold}Set up {} for OpenClaw{bold:#}, in {}",
        printable(&descriptor.label),
        printable(&file.path().display().to_string())
    ));
    say(&dim("Esc or Ctrl-C gives up. Nothing is written before the end."));

    let wizard = Wizard { plugin, file, run: args.run.clone().impatient(), environment, no_check: args.no_check };
    let found = wizard.gateway().await?;
    let key = match args.key {
        Some(place) => place,
        None => wizard.key_place(&found)?,
    };
    let models = if args.models.is_empty() { wizard.models(&found.models)? } else { args.own_models(plugin, file) };
    let default = match (args.default_model(), models.first()) {
        (Some(default), _) => default,
        (None, Some(model)) => wizard.default_model(model)?,
        (None, None) => DefaultModel::SetWhereNone,
    };
    Ok(Answers {
        base_url: Some(found.base_url),
        models,
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
    left.iter().for_each(|step| say(&printable(step)));
    say(&dim("Next: host-harness doctor --chat"));
}

struct Wizard<'a> {
    plugin: &'a Plugin,
    file: &'a ConfigFile,
    run: Run,
    environment: &'a Environment,
    no_check: bool,
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
    fn setup(&self) -> Setup {
        self.run.setup(self.plugin, self.file, self.environment).keyring(super::keyring(true))
    }

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
                typed = credential.map(|credential| self.key(credential, &base_url)).transpose()?;
            }
            if self.no_check {
                return Ok(Found { base_url, allow_private_network, held, typed, models: Vec::new() });
            }
            let checked = self.offered(&base_url, typed.as_ref(), allow_private_network);
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
                        (Way::OtherKey, Some(credential)) => typed = Some(self.key(credential, &base_url)?),
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

    /// One of the provider's own services, or another gateway.
    fn base_url(&self) -> anyhow::Result<String> {
        let descriptor = self.plugin.descriptor();
        let entries = self.plugin.entries(self.file.value());
        let urls = entries.iter().filter_map(|(_, entry)| Some(entry.get("baseUrl")?.as_str()?.trim()));
        let configured = urls.into_iter().find(|url| !url.is_empty() && terminal::is_line(url));
        let services = services(descriptor);
        let current = configured.map(|url| {
            let origin = url.parse::<Origin>().ok();
            services.iter().position(|service| origin.is_some() && service.base_url.parse::<Origin>().ok() == origin)
        });
        let is_elsewhere = current == Some(None);
        let hosted =
            services.iter().map(|service| terminal::line(&format!("{}, hosted: {}", service.label, service.base_url)));
        let gateways = hosted.chain(["A gateway of your own".to_owned()]).collect();
        let start = if is_elsewhere { services.len() } else { current.flatten().unwrap_or_default() };
        let asked = Select::new("Which gateway?", gateways).with_starting_cursor(start).raw_prompt();
        let chosen = answer(asked)?.index;
        if let Some(service) = services.get(chosen) {
            let is_current = current == Some(Some(chosen));
            return Ok(configured.filter(|_| is_current).unwrap_or(&service.base_url).to_owned());
        }
        // A reference is resolved where it is called, and stays as it is.
        let usable = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(match text.trim().parse::<Origin>() {
                _ if text.trim().starts_with("${") => Validation::Valid,
                _ if !text.contains("://") => Validation::Invalid("it starts with https:// or http://".into()),
                Ok(_) => Validation::Valid,
                Err(error) => Validation::Invalid(terminal::line(&error.to_string()).into()),
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
        match self.setup().held(descriptor) {
            Ok(held) => Ok(held.secret(&credential.id).cloned().zip(held.source(&credential.id).cloned())),
            Err(error) => {
                complain(&error);
                Ok(None)
            }
        }
    }

    fn key(&self, credential: &Credential, base_url: &str) -> anyhow::Result<SecretString> {
        let origin = base_url.parse::<Origin>().ok();
        let service = origin.and_then(|origin| service_at(self.plugin.descriptor(), &origin));
        let from = service.map(|service| service.keys_from).or_else(|| credential.help_url.clone());
        let from = from.filter(|from| !from.is_empty()).map(|from| format!("from {from}; ")).unwrap_or_default();
        let help = terminal::line(&format!("{from}what you type stays hidden"));
        let usable = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(match text.trim() {
                "" => Validation::Invalid("the key is empty; a gateway that asks for none takes any".into()),
                key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    Validation::Invalid("a key holds no spaces: something was pasted along with it".into())
                }
                _ => Validation::Valid,
            })
        };
        let typed = Password::new(&format!("{}:", terminal::line(&credential.label)))
            .with_display_mode(PasswordDisplayMode::Hidden)
            .without_confirmation()
            .with_help_message(&help)
            .with_validator(usable)
            .prompt();
        Ok(SecretString::from(answer(typed)?.trim().to_owned()))
    }

    /// The cheapest call that needs the key.
    async fn offered(
        &self,
        base_url: &str,
        key: Option<&SecretString>,
        allow_private_network: bool,
    ) -> anyhow::Result<Vec<Entry>> {
        let descriptor = self.plugin.descriptor();
        let mut setup = self.setup().base_url(base_url);
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
            Place(KeyPlace::Reference, terminal::line(&format!("In no file: the environment's {variable}"))),
            Place(KeyPlace::Env, "In this configuration, for whoever can read the file".to_owned()),
        ];
        if super::keyring(true).is_available() {
            let text = "In the system keyring: host-harness reads it, OpenClaw does not".to_owned();
            places.push(Place(KeyPlace::Keyring, text));
        }
        Ok(answer(Select::new("Where should the key be kept?", places).prompt())?.0)
    }

    /// Any ids, and those that the gateway offers to choose from. Several are separated by commas, as they are typed.
    fn models(&self, offered: &[Entry]) -> anyhow::Result<Vec<String>> {
        let current = chat_model(None, self.plugin, self.file, self.environment)?;
        // One that steers the terminal is no id that a person could mean.
        let ids = offered.iter().map(|entry| &entry.id).filter(|id| terminal::is_line(id));
        let ids: Vec<String> = ids.cloned().collect();
        let is_offered = terminal::is_line(&current) && (ids.is_empty() || ids.contains(&current));
        let listed = ids.clone();
        let search = move |typed: &str| -> Result<Vec<String>, CustomUserError> {
            // What stands before the last comma is chosen.
            let (chosen, typed) = typed.rsplit_once(',').map_or(("", typed), |(chosen, typed)| (chosen, typed));
            let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
            let fits = |id: &&String| words.iter().all(|word| id.to_lowercase().contains(word.as_str()));
            let after = |id: &String| if chosen.is_empty() { id.clone() } else { format!("{chosen}, {id}") };
            Ok(listed.iter().filter(fits).map(after).collect())
        };
        let filled = |text: &str| -> Result<Validation, CustomUserError> {
            Ok(if ids_of(text).is_empty() {
                Validation::Invalid("choose one, or type its id".into())
            } else {
                Validation::Valid
            })
        };
        let mut question = Text::new("Model:").with_autocomplete(search).with_page_size(8).with_validator(filled);
        question = question.with_help_message(if ids.is_empty() {
            "this gateway gave no list: type the id; a comma, and another one"
        } else {
            "type to search, ↑↓ to choose, Tab and a comma for several, Enter to take; any other id can be typed too"
        });
        if is_offered {
            question = question.with_default(&current);
        }
        let models = ids_of(&answer(question.prompt())?);
        for model in models.iter().filter(|model| !ids.is_empty() && !ids.contains(model)) {
            say(&dim(&format!("{model} is not on the gateway's list; it is taken as you typed it.")));
        }
        Ok(models)
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
        let wanted =
            answer(Confirm::new(&terminal::line(&question)).with_default(yes == DefaultModel::SetWhereNone).prompt())?;
        Ok(if wanted { yes } else { DefaultModel::Keep })
    }
}

/// The ids of models in what a user typed.
fn ids_of(typed: &str) -> Vec<String> {
    typed.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
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
    say(&format!("{style}✗{style:#} {}", printable(&error.to_string())));
    if let Some(hint) = &error.record().hint {
        say(&format!("  {}", printable(hint)));
    }
}

fn good(text: &str) -> String {
    let style = AnsiColor::Green.on_default();
    format!("{style}✓{style:#} {}", printable(text))
}

fn dim(text: &str) -> String {
    let style = Style::new().dimmed();
    format!("{style}{}{style:#}", printable(text))
}
