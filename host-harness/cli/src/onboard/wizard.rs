//! The questions of `onboard`, in a terminal. A question that a flag answers is not asked; existing values are
//! proposed. The user can go back from each question, and earlier answers are proposed again. Prints only on standard
//! error, and writes no file.

use std::fmt;

use anstyle::{AnsiColor, Style};
use host_harness::{
    ConfigFile, CredentialSource, Environment, Error, Origin, Plugin, Provider, Setup,
    command_line::beside_key,
    openclaw::{default_name, own_model},
    types::{ErrorKind, ErrorOrigin},
    wit::{
        models::Entry,
        onboarding::{Credential, Finding, Severity},
    },
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    Args,
    answers::{Answers, DefaultModel, KeyPlace, allow_private_network},
    diff,
};
use crate::{
    ask,
    ask::Line,
    connect::chat_model,
    exit_code::GivenUp,
    key_help::{keys_from, services},
    models,
    output::{not_checked, printable, say},
    signals, terminal, waiting,
};

/// Where a gateway of one's own usually listens.
const OWN_GATEWAY: &str = "http://127.0.0.1:8787/v1";

/// The option that says whose models a gateway calls, where the plugin has it.
const ROUTE: &str = "provider";

/// The header in which such a gateway takes the key of a model provider.
const AUTHORIZATION: &str = "Authorization";

/// The questions, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Gateway,
    Url,
    Key,
    Route,
    RouteKey,
    Place,
    Models,
    Default,
    Write,
}

impl Step {
    fn next(self) -> Self {
        match self {
            Self::Gateway => Self::Url,
            Self::Url => Self::Key,
            Self::Key => Self::Route,
            Self::Route => Self::RouteKey,
            Self::RouteKey => Self::Place,
            Self::Place => Self::Models,
            Self::Models => Self::Default,
            Self::Default | Self::Write => Self::Write,
        }
    }
}

/// What came of a step.
enum Came {
    /// The user answered.
    Answered,
    /// There was nothing to ask.
    Silent,
    /// The user wants the question before.
    Back,
    /// Another question must be asked first.
    To(Step),
}

/// An answer, which the wizard has noted.
fn noted<T>(answer: Option<T>, note: impl FnOnce(T)) -> Came {
    answer.map_or(Came::Back, |answer| {
        note(answer);
        Came::Answered
    })
}

/// Asks what no flag has answered, and at last whether to write it.
pub(super) async fn ask(
    args: &Args,
    plugin: &Plugin,
    file: &ConfigFile,
    environment: &Environment,
) -> anyhow::Result<Answers> {
    signals::watch();
    let bold = Style::new().bold();
    say(&format!(
        "{bold}Set up {} for OpenClaw{bold:#}, in {}",
        printable(&plugin.descriptor().label),
        printable(&file.path().display().to_string())
    ));
    say(&dim("Esc goes back a question, Ctrl-C gives up. Nothing is written before the end."));

    let mut wizard = Wizard { args, plugin, file, environment, said: Said::default() };
    wizard.said.base_url = args.run.base_url(plugin);
    wizard.said.held = wizard.held()?;
    if let Some((_, source)) = &wizard.said.held {
        say(&good(&format!("The key is there: {source}")));
    }
    let (mut step, mut asked, mut is_back) = (Step::Gateway, Vec::new(), false);
    loop {
        let came = wizard.step(step, is_back).await?;
        is_back = false;
        match came {
            // A file that holds it all is not asked about.
            Came::Answered | Came::Silent if step == Step::Write => return wizard.answers(),
            Came::Answered => {
                asked.push(step);
                step = step.next();
            }
            Came::Silent => step = step.next(),
            Came::Back => {
                step = asked.pop().ok_or(GivenUp)?;
                is_back = true;
            }
            Came::To(other) => {
                asked.retain(|step| *step < other);
                (step, is_back) = (other, true);
            }
        }
    }
}

/// Says what is left for the user to do, and how to see that it works.
pub(super) fn next_steps(left: &[String], commands: &[String]) {
    left.iter().for_each(|step| say(&printable(step)));
    for (number, command) in commands.iter().enumerate() {
        say(&dim(&format!("{} {command}", if number == 0 { "Next:" } else { "     " })));
    }
}

struct Wizard<'a> {
    args: &'a Args,
    plugin: &'a Plugin,
    file: &'a ConfigFile,
    environment: &'a Environment,
    said: Said,
}

/// What the user, the flags and the gateway have said so far.
#[derive(Clone, Default)]
struct Said {
    /// Which of the gateways was chosen: one behind the last is the user's own.
    gateway: Option<usize>,
    base_url: Option<String>,
    allow_private_network: bool,
    /// The key that was found, and where.
    held: Option<(SecretString, CredentialSource)>,
    /// The key that the user typed: it takes the place of the one found.
    typed: Option<SecretString>,
    /// What the gateway offers. Empty where it was not asked, or has no list.
    offered: Vec<Entry>,
    /// Whether the gateway keeps no list. Such a one may have to be told whose models to call.
    keeps_no_list: bool,
    /// The model provider behind such a gateway.
    route: Option<String>,
    /// The environment variable with that one's key.
    route_key: Option<String>,
    place: Option<KeyPlace>,
    models: Vec<String>,
    default: Option<DefaultModel>,
}

/// What to do about a gateway that gave no good answer.
#[derive(Clone, Copy)]
enum Way {
    Again,
    OtherUrl,
    OtherKey,
    Unchecked,
}

impl Way {
    const ALL: [Self; 4] = [Self::Again, Self::OtherUrl, Self::OtherKey, Self::Unchecked];
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
    async fn step(&mut self, step: Step, is_back: bool) -> anyhow::Result<Came> {
        match step {
            Step::Gateway => self.gateway(is_back),
            Step::Url => self.url(is_back).await,
            Step::Key => self.key(is_back).await,
            Step::Route => self.route().await,
            Step::RouteKey => self.route_key(),
            Step::Place => self.place(),
            Step::Models => self.models(),
            Step::Default => self.default(),
            Step::Write => self.write().await,
        }
    }

    fn answers(self) -> anyhow::Result<Answers> {
        let said = self.said;
        let key = said.place.unwrap_or(KeyPlace::Reference);
        let (mut headers, mut options) = (self.args.headers()?, self.args.options()?);
        headers.extend(said.route_key.map(|variable| (AUTHORIZATION.to_owned(), format!("Bearer ${{{variable}}}"))));
        options.extend(said.route.map(|provider| (ROUTE.to_owned(), provider.into())));
        Ok(Answers {
            base_url: said.base_url,
            headers,
            options,
            models: said.models,
            default: said.default.unwrap_or(DefaultModel::SetWhereNone),
            key,
            secret: said.typed.or(said.held.filter(|(_, source)| !key.holds(source)).map(|(secret, _)| secret)),
            allow_private_network: said.allow_private_network,
        })
    }

    fn setup(&self) -> anyhow::Result<Setup> {
        Ok(self.args.setup(self.plugin, self.file, self.environment)?.keyring(super::keyring(true)))
    }

    /// The base URL that the file has, where a person can read it.
    fn configured(&self) -> Option<String> {
        let entries = self.plugin.entries(self.file.value());
        let urls = entries.iter().filter_map(|(_, entry)| Some(entry.get("baseUrl")?.as_str()?.trim()));
        urls.into_iter().find(|url| !url.is_empty() && terminal::is_line(url)).map(str::to_owned)
    }

    /// The number of the provider's own service at `url`, or the number behind the last.
    fn service_number(&self, url: &str) -> usize {
        let services = services(self.plugin.descriptor());
        let origin = url.parse::<Origin>().ok();
        let is_there = |base_url: &str| origin.is_some() && base_url.parse::<Origin>().ok() == origin;
        services.iter().position(|service| is_there(&service.base_url)).unwrap_or(services.len())
    }

    /// One of the provider's own services, or another gateway.
    fn gateway(&mut self, is_back: bool) -> anyhow::Result<Came> {
        if self.said.base_url.is_some() && self.said.gateway.is_none() && !is_back {
            return Ok(Came::Silent);
        }
        let services = services(self.plugin.descriptor());
        let hosted =
            services.iter().map(|service| terminal::line(&format!("{}, hosted: {}", service.label, service.base_url)));
        let gateways: Vec<String> = hosted.chain(["A gateway of your own".to_owned()]).collect();
        let configured = self.configured();
        let current = configured.as_deref().map(|url| self.service_number(url));
        let start = self.said.gateway.or(current).unwrap_or_default();
        let Some(chosen) = ask::choose("Which gateway?", &gateways, start)? else { return Ok(Came::Back) };
        if self.said.gateway != Some(chosen) {
            self.said.base_url = services.get(chosen).map(|service| match configured {
                // As the file spells it.
                Some(configured) if current == Some(chosen) => configured,
                _ => service.base_url.clone(),
            });
        }
        self.said.gateway = Some(chosen);
        Ok(Came::Answered)
    }

    /// Where a gateway of the user's own is.
    async fn url(&mut self, is_back: bool) -> anyhow::Result<Came> {
        let is_own = self.said.gateway.is_some_and(|chosen| chosen >= services(self.plugin.descriptor()).len());
        if !is_own && !is_back {
            return Ok(Came::Silent);
        }
        // A reference is resolved where it is called, and stays as it is.
        let check = |text: &str| match text.trim().parse::<Origin>() {
            _ if text.trim().starts_with("${") => Ok(()),
            _ if !text.contains("://") => Err("it starts with https:// or http://".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(terminal::line(&error.to_string())),
        };
        let services = services(self.plugin.descriptor()).len();
        let configured = self.configured().filter(|url| self.service_number(url) == services);
        let mut default = self.said.base_url.clone().or(configured).unwrap_or_else(|| OWN_GATEWAY.to_owned());
        loop {
            let help = "it usually ends in /v1";
            let line = Line { default: Some(&default), help, check: &check, ..Line::new("Base URL:") };
            let Some(typed) = line.ask()? else { return Ok(Came::Back) };
            typed.trim().clone_into(&mut default);
            match self.refused_url(&default).await? {
                Some(error) => complain(&error),
                None => break,
            }
        }
        self.said.base_url = Some(default);
        self.said.allow_private_network = false;
        Ok(Came::Answered)
    }

    /// What the plugin has against a base URL. It never sees a reference.
    async fn refused_url(&self, url: &str) -> anyhow::Result<Option<Error>> {
        if url.starts_with("${") {
            return Ok(None);
        }
        let id = &self.plugin.descriptor().id;
        let config = json!({"models": {"providers": {(id): {"baseUrl": url}}}});
        let findings = self.plugin.lint(&config).await?.into_iter();
        let mut wrong = findings.filter(|finding| finding.severity == Severity::Error);
        Ok(wrong.next().map(|finding| Error::host(ErrorKind::InvalidConfig, finding.message)))
    }

    /// The key, and whether it fits the gateway.
    async fn key(&mut self, is_back: bool) -> anyhow::Result<Came> {
        let credential = self.plugin.descriptor().credentials.first();
        let base_url = self.said.base_url.clone().unwrap_or_else(|| OWN_GATEWAY.to_owned());
        let mut came = Came::Silent;
        let is_missing = self.said.held.is_none() && self.said.typed.is_none();
        if let Some(credential) = credential.filter(|_| is_missing || is_back) {
            match self.ask_key(credential, &base_url)? {
                Some(typed) => self.said.typed = Some(typed),
                None => return Ok(Came::Back),
            }
            came = Came::Answered;
        }
        self.said.offered.clear();
        self.said.keeps_no_list = false;
        if self.args.no_check {
            return Ok(came);
        }
        loop {
            let checked = self.offered(&base_url);
            let error = match ended(waiting::during(format!("checking the key with {base_url}"), checked).await)? {
                Ok(models) => {
                    say(&good(&format!("{base_url} takes the key, and offers {} models", models.len())));
                    self.said.offered = models;
                    return Ok(came);
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    say(&dim(&not_checked(&error, "key")));
                    self.said.keeps_no_list = true;
                    return Ok(came);
                }
                Err(error) => error,
            };
            complain(&error);
            if error.kind() == ErrorKind::DeniedByHost && !self.said.allow_private_network {
                match ask::confirm("Is this gateway in a private network of yours, which may be called?", false)? {
                    Some(true) => {
                        self.said.allow_private_network = true;
                        continue;
                    }
                    Some(false) => return Ok(Came::To(Step::Url)),
                    None => return Ok(Came::Back),
                }
            }
            let is_refused = matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden)
                && error.origin() == ErrorOrigin::Gateway;
            let way = if is_refused {
                Way::OtherKey
            } else {
                let ways: Vec<_> = Way::ALL.iter().map(Way::to_string).collect();
                // What is wrong with the way there is most often the URL.
                let start = usize::from(!matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Overloaded));
                match ask::choose("What now?", &ways, start)? {
                    Some(chosen) => Way::ALL.get(chosen).copied().unwrap_or(Way::Again),
                    None => return Ok(if matches!(came, Came::Answered) { Came::To(Step::Key) } else { Came::Back }),
                }
            };
            match way {
                Way::Again => {}
                Way::OtherUrl => return Ok(Came::To(Step::Url)),
                Way::OtherKey => return Ok(Came::To(Step::Key)),
                Way::Unchecked => return Ok(Came::Answered),
            }
        }
    }

    /// The key that is there already, and where. One that can be none is told about and asked for anew.
    fn held(&self) -> anyhow::Result<Option<(SecretString, CredentialSource)>> {
        let descriptor = self.plugin.descriptor();
        let Some(credential) = descriptor.credentials.first() else { return Ok(None) };
        match self.setup()?.credentials(descriptor) {
            Ok(held) => Ok(held.secret(&credential.id).cloned().zip(held.source(&credential.id).cloned())),
            Err(error) => {
                complain(&error);
                Ok(None)
            }
        }
    }

    fn ask_key(&self, credential: &Credential, base_url: &str) -> anyhow::Result<Option<SecretString>> {
        let origin = base_url.parse::<Origin>().ok();
        let from = keys_from(self.plugin.descriptor(), credential, origin.as_ref());
        let from = from.map(|from| format!("from {from}; ")).unwrap_or_default();
        let help = terminal::line(&format!("{from}what you type stays hidden"));
        let check = |text: &str| match text.trim() {
            "" => Err("the key is empty; a gateway that asks for none takes any".to_owned()),
            key => match beside_key(key) {
                Some(what) => Err(format!("it {what}: something was pasted along with the key")),
                None => Ok(()),
            },
        };
        let label = format!("{}:", terminal::line(&credential.label));
        let line = Line { help: &help, is_hidden: true, check: &check, ..Line::new(&label) };
        Ok(line.ask()?.map(|typed| SecretString::from(typed.trim().to_owned())))
    }

    /// The cheapest call that needs the key.
    async fn offered(&self, base_url: &str) -> anyhow::Result<Vec<Entry>> {
        let descriptor = self.plugin.descriptor();
        let mut setup = self.setup()?.base_url(base_url);
        if let (Some(key), Some(credential)) = (&self.said.typed, descriptor.credentials.first()) {
            setup = setup.secret(&credential.id, key.clone());
        }
        if self.said.allow_private_network {
            let mut config = self.file.value().clone();
            allow_private_network(&mut config, self.plugin)?;
            setup = setup.config(config);
        }
        Ok(Provider::connect(self.plugin, setup).await?.models().await?)
    }

    /// Whose models a gateway without a list calls: it sends nothing on before that is said.
    async fn route(&mut self) -> anyhow::Result<Came> {
        let is_given = |name: &&str| self.args.options.iter().any(|(given, _)| given == *name);
        if !self.said.keeps_no_list || ["config", ROUTE].iter().any(is_given) || !self.has_route().await? {
            self.said.route = None;
            return Ok(Came::Silent);
        }
        let last = self.said.route.clone();
        let line = Line {
            help: "such as openai or anthropic: where requests go; nothing, if a config of yours is to say it",
            default: last.as_deref(),
            ..Line::new("Model provider:")
        };
        Ok(noted(line.ask()?, |typed| {
            self.said.route = Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty())
        }))
    }

    /// Whether the plugin has the option that says it.
    async fn has_route(&self) -> anyhow::Result<bool> {
        let id = &self.plugin.descriptor().id;
        let config = json!({"plugins": {"entries": {(id): {"config": {(ROUTE): "openai"}}}}});
        let is_wrong = |finding: &Finding| finding.severity == Severity::Error;
        Ok(!self.plugin.lint(&config).await?.iter().any(is_wrong))
    }

    /// Where that provider's key is: such a gateway holds none, and passes on the one that comes with the request.
    fn route_key(&mut self) -> anyhow::Result<Came> {
        let is_given = self.args.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION));
        let Some(provider) = self.said.route.as_deref().filter(|_| !is_given) else {
            self.said.route_key = None;
            return Ok(Came::Silent);
        };
        let usual = provider.to_uppercase().replace(|sign: char| !sign.is_ascii_alphanumeric(), "_") + "_API_KEY";
        let default = self.said.route_key.clone().unwrap_or(usual);
        let check = |text: &str| match text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            true => Ok(()),
            false => Err("the name of a variable, and not the key itself, which no file is to hold".to_owned()),
        };
        let line = Line {
            help: "a variable of the environment, sent as Authorization: Bearer; `none`, if it takes no key",
            default: Some(&default),
            check: &check,
            ..Line::new("Its key is in:")
        };
        Ok(noted(line.ask()?, |typed| self.said.route_key = Some(typed).filter(|typed| typed != "none")))
    }

    fn place(&mut self) -> anyhow::Result<Came> {
        let source = self.said.held.as_ref().map(|(_, source)| source);
        let in_a_place = |source| {
            matches!(
                source,
                &CredentialSource::Configuration(_) | &CredentialSource::DotEnv { .. } | &CredentialSource::Keyring
            )
        };
        let source = if self.said.typed.is_some() { Some(&CredentialSource::Given) } else { source };
        let found = KeyPlace::of(source, self.file.value(), &self.plugin.descriptor().id);
        let is_kept = source.is_some_and(in_a_place);
        let credential = match (self.args.key, self.plugin.descriptor().credentials.first()) {
            (None, Some(credential)) if !is_kept => credential,
            (given, _) => {
                self.said.place = Some(given.unwrap_or(found));
                return Ok(Came::Silent);
            }
        };
        let variable = credential.env_vars.first().map(String::as_str).unwrap_or_default();
        let mut places = vec![
            (KeyPlace::Reference, terminal::line(&format!("In no file: the environment's {variable}"))),
            (KeyPlace::Dotenv, terminal::line(&format!("In {}, which OpenClaw reads, for you alone", self.dotenv()?))),
            (KeyPlace::Env, "In this configuration, for whoever can read the file".to_owned()),
        ];
        if super::keyring(true).is_available() {
            let text = "In the system keyring: host-harness reads it, OpenClaw does not".to_owned();
            places.push((KeyPlace::Keyring, text));
        }
        if found == KeyPlace::OpenClaw {
            places.insert(0, (found, "In OpenClaw's own store alone, where it is".to_owned()));
        }
        let (places, texts): (Vec<_>, Vec<_>) = places.into_iter().unzip();
        let start = places.iter().position(|place| self.said.place == Some(*place)).unwrap_or_default();
        let chosen = ask::choose("Where should the key be kept?", &texts, start)?;
        Ok(noted(chosen, |chosen| self.said.place = places.get(chosen).copied()))
    }

    /// OpenClaw's `.env`.
    fn dotenv(&self) -> anyhow::Result<String> {
        Ok(self.args.config.locations()?.dotenv_file().display().to_string())
    }

    /// Any ids, and those that the gateway offers to choose from. Several are separated by commas, as they are typed.
    fn models(&mut self) -> anyhow::Result<Came> {
        if !self.args.models.is_empty() {
            self.said.models = self.args.own_models(self.plugin, self.file);
            return Ok(Came::Silent);
        }
        let current = chat_model(None, self.plugin, self.file, self.environment)?;
        // One that steers the terminal is no id that a person could mean.
        let ids = self.said.offered.iter().map(|entry| &entry.id).filter(|id| terminal::is_line(id));
        let ids: Vec<String> = ids.cloned().collect();
        // The plugin's own default is of its own service. A gateway without a list calls one model provider, by its names.
        let is_foreign = self.said.keeps_no_list && current == self.plugin.descriptor().default_model.id;
        let is_offered = terminal::is_line(&current) && !is_foreign && (ids.is_empty() || ids.contains(&current));
        let search = |typed: &str| {
            // What stands before the last comma is chosen.
            let (chosen, typed) = typed.rsplit_once(',').map_or(("", typed), |(chosen, typed)| (chosen, typed));
            let after = |id: String| if chosen.is_empty() { id } else { format!("{chosen}, {id}") };
            fitting(&ids, typed).into_iter().map(after).collect()
        };
        let check = |text: &str| match ids_of(text).is_empty() {
            true => Err("choose one, or type its id".to_owned()),
            false => Ok(()),
        };
        let help = if ids.is_empty() {
            "this gateway gave no list: type the id, as the model provider has it; a comma, and another one"
        } else {
            "type to search, ↑↓ to choose, Tab and a comma for several, Enter to take; any other id can be typed too"
        };
        let last = self.said.models.join(", ");
        let mut default = Some(current.as_str()).filter(|_| is_offered);
        if !last.is_empty() {
            default = Some(&last);
        }
        let line = Line { help, default, search: &search, check: &check, ..Line::new("Model:") };
        loop {
            let Some(typed) = line.ask()? else { return Ok(Came::Back) };
            let meant =
                ids_of(&typed).into_iter().map(|id| meant(&ids, id)).collect::<anyhow::Result<Option<Vec<_>>>>()?;
            if let Some(models) = meant {
                self.said.models = models;
                return Ok(Came::Answered);
            }
        }
    }

    fn default(&mut self) -> anyhow::Result<Came> {
        let (None, Some(model)) = (self.args.default_model(), self.said.models.first()) else {
            self.said.default = self.args.default_model();
            return Ok(Came::Silent);
        };
        let reference = format!("{}/{model}", self.plugin.descriptor().id);
        // What is none to OpenClaw may be replaced here.
        let named = default_name(self.file.value()).ok().flatten();
        let (question, yes) = match named {
            Some(named) if named.is_agents_own => {
                if let Some(own) = super::instead_of(&named, self.plugin, self.file, model) {
                    say(&printable(&format!("{own}: that stays as it is.")));
                }
                self.said.default = Some(DefaultModel::Keep);
                return Ok(Came::Silent);
            }
            Some(named) if own_model(self.file.value(), self.plugin.descriptor(), named.name) == *model => {
                self.said.default = Some(DefaultModel::SetWhereNone);
                return Ok(Came::Silent);
            }
            Some(named) => {
                (format!("The default model is {}. Make it {reference}?", named.name), DefaultModel::Replace)
            }
            None => ("Make it the default model of your agents?".to_owned(), DefaultModel::SetWhereNone),
        };
        let last = self.said.default.map(|last| last != DefaultModel::Keep);
        let wanted = ask::confirm(&terminal::line(&question), last.unwrap_or(yes == DefaultModel::SetWhereNone))?;
        Ok(noted(wanted, |wanted| self.said.default = Some(if wanted { yes } else { DefaultModel::Keep })))
    }

    /// Shows what would change, and asks whether to write it.
    async fn write(&self) -> anyhow::Result<Came> {
        let answers = Self { said: self.said.clone(), ..*self }.answers()?;
        let merged = answers.merge(self.plugin, self.file.value()).await?;
        let after = self.file.text_with(&merged)?;
        let before = if self.file.path().exists() { self.file.text_with(self.file.value())? } else { String::new() };
        let goes_elsewhere = answers.key == KeyPlace::Dotenv && answers.secret.is_some();
        if before == after && !goes_elsewhere {
            return Ok(Came::Silent);
        }
        let mut secrets = diff::secrets(self.file.value());
        secrets.extend(diff::secrets(&merged));
        say("");
        for line in diff::lines(&before, &after, &secrets) {
            anstream::eprintln!("{line}");
        }
        if goes_elsewhere {
            say(&format!("The key goes into {}", printable(&self.dotenv()?)));
        }
        say("");
        match ask::confirm("Write this?", true)? {
            Some(true) => Ok(Came::Answered),
            Some(false) => Err(GivenUp.into()),
            None => Ok(Came::Back),
        }
    }
}

/// The ids that hold each word of `typed`, in any case.
fn fitting(ids: &[String], typed: &str) -> Vec<String> {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let fits = |id: &&String| words.iter().all(|word| id.to_lowercase().contains(word.as_str()));
    ids.iter().filter(fits).cloned().collect()
}

/// The id that `typed` stands for. One that the gateway does not offer is asked about: `None` is to be typed again.
fn meant(ids: &[String], typed: String) -> anyhow::Result<Option<String>> {
    if ids.is_empty() || ids.contains(&typed) {
        return Ok(Some(typed));
    }
    let mut fitting = fitting(ids, &typed);
    if fitting.is_empty() {
        fitting.extend(models::meant(&typed, ids.iter().map(String::as_str)).map(str::to_owned));
    }
    if fitting.is_empty() {
        let question = format!("This gateway does not offer {typed}. Take it all the same?");
        return Ok(ask::confirm(&terminal::line(&question), false)?.unwrap_or(false).then_some(typed));
    }
    let as_typed = format!("{}, as typed: the gateway does not offer it", terminal::line(&typed));
    let options: Vec<String> = fitting.iter().cloned().chain([as_typed]).collect();
    let chosen = ask::choose(&terminal::line(&format!("Which one is {typed}?")), &options, 0)?;
    Ok(chosen.map(|chosen| fitting.get(chosen).cloned().unwrap_or(typed)))
}

/// The ids of models in what a user typed.
fn ids_of(typed: &str) -> Vec<String> {
    typed.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// What the gateway or the host said, apart from what is no answer at all.
fn ended<T>(checked: anyhow::Result<T>) -> anyhow::Result<Result<T, Error>> {
    match checked {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) => error.downcast::<Error>().map(Err),
    }
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
