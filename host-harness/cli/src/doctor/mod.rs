//! `doctor`: the checks, each a function that adds a line with its result and what to do. It checks everything that it
//! can reach; the first failure decides the exit code. `print` owns how a line looks.

mod print;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use host_harness::{
    ConfigFile, Environment, Error, Origin, Plugin, Provider, Setup, WIT_VERSION,
    command_line::Destination,
    openclaw::{
        ModelSource, chosen_model, default_name, fallbacks, model_params, own_model, primary_model, with_params,
    },
    types::{ErrorKind, ErrorOrigin},
    wit::{
        chat::{Message, Prompt},
        models::Entry,
        onboarding::{Service, Severity},
    },
};
use serde_json::{Value, json};

use self::print::{Line, Report};
use super::{
    connect::{Connect, beside_default, chat_model},
    exit_code,
    key_help::{how_to_set, service_at},
    openclaw, output, waiting,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also ask a model for one word
    #[arg(long)]
    chat: bool,
    /// The model to ask [default: the configuration's, else the provider's]
    #[arg(long, value_name = "ID", value_parser = super::input::filled)]
    model: Option<String>,
    /// The manifest [default: openclaw.plugin.json in this folder or beside the component, if there is one]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    args.connect.run = args.connect.run.impatient();
    // Where this fails, the configuration's line says so.
    let environment = args.connect.config.environment().unwrap_or_else(|_| Environment::process());
    let mut examination = Examination { args: &args, environment, report: Report::default(), refused: Vec::new() };
    let plugin = examination.all().await;
    let report = examination.report;
    if args.json {
        let versions = json!({
            "host_harness": env!("CARGO_PKG_VERSION"),
            "wasmtime": wasmtime_environ::VERSION,
            "wit": WIT_VERSION,
            "component_sha256": plugin.as_ref().map(Plugin::digest),
        });
        output::print_json(&report.json(&versions));
    } else {
        report.print(args.chat);
    }
    Ok(report.error().map_or(ExitCode::SUCCESS, exit_code::of))
}

/// The name of the lines about the configuration.
const CONFIGURATION: &str = "configuration";

/// Where the key is that calls need.
enum Key {
    Held,
    /// In a store that only OpenClaw reads.
    OfOpenClaw,
    Missing,
}

struct Examination<'a> {
    args: &'a Args,
    environment: Environment,
    report: Report,
    /// The places in the configuration that were found to be wrong.
    refused: Vec<String>,
}

impl Examination<'_> {
    fn setup(&self, plugin: &Plugin, file: &ConfigFile) -> Setup {
        self.args.connect.setup(plugin, file, &self.environment)
    }

    /// From the component outwards. Gives the plugin where it can be loaded.
    async fn all(&mut self) -> Option<Plugin> {
        self.report.push(Line::good(
            "versions",
            format!(
                "host-harness {}, wasmtime {}, openclaw:provider {WIT_VERSION}",
                env!("CARGO_PKG_VERSION"),
                wasmtime_environ::VERSION
            ),
        ));
        let plugin = self.component().await?;
        if let Some(file) = self.file(&plugin) {
            let destination = Destination::of(plugin.descriptor(), self.setup(&plugin, &file));
            self.configuration(&plugin, &file, destination.as_ref().err()).await;
            let key = self.key(&plugin, &file, destination.as_ref().ok().map(Destination::origin)).await;
            if let Some(service) = self.way(&plugin, destination).await {
                match key {
                    Key::Held => self.service(&plugin, &file, service).await,
                    Key::Missing => self.report.push(Line::skipped("gateway", "asked for nothing without a key")),
                    Key::OfOpenClaw => {
                        let id = &plugin.descriptor().id;
                        let model = chat_model(self.args.model.as_deref(), &plugin, &file, &self.environment);
                        let model = model.unwrap_or_else(|_| plugin.descriptor().default_model.id.clone());
                        let line = Line::skipped("gateway", "not asked: the key is OpenClaw's, which can ask");
                        self.report.push(line.hint(format!(
                            "Try `openclaw{} infer model run --local --model {id}/{model} --prompt hello`.",
                            self.args.connect.config.of_profile()
                        )));
                    }
                }
            }
        }
        Some(plugin)
    }

    /// The component and its manifest.
    async fn component(&mut self) -> Option<Plugin> {
        let path = match self.args.connect.run.component() {
            Ok(path) => path,
            Err(error) => {
                self.report.fail(Line::bad("component", format!("{error:#}")), error);
                return None;
            }
        };
        let plugin = match self.args.connect.run.plugin().await {
            Ok(plugin) => plugin,
            Err(error) => {
                let line = error.downcast_ref::<Error>().map(|error| Line::failed("component", error));
                self.report.fail(line.unwrap_or_else(|| Line::bad("component", format!("{error:#}"))), error);
                return None;
            }
        };
        let digest = plugin.digest().get(..12).unwrap_or_default();
        let label = &plugin.descriptor().label;
        self.report.push(Line::good("component", format!("{label}, {digest}, {}", path.display())));

        let Some(manifest) = manifest(self.args.manifest.as_deref(), &path) else {
            self.report.push(Line::skipped("manifest", "none is here: name it with --manifest FILE"));
            return Some(plugin);
        };
        let read = super::validate::read_manifest(&manifest);
        match read.map(|manifest| host_harness::command_line::manifest_findings(&plugin, &manifest)) {
            Ok(findings) if findings.is_empty() => {
                self.report.push(Line::good("manifest", manifest.display().to_string()));
            }
            Ok(findings) => {
                for finding in findings {
                    let error = Error::host(ErrorKind::InvalidConfig, finding.clone());
                    let line = Line::bad("manifest", finding).hint(format!("Fix it in {}.", manifest.display()));
                    self.report.fail(line, error);
                }
            }
            Err(error) => self.report.fail(Line::bad("manifest", format!("{error:#}")), error),
        }
        Some(plugin)
    }

    /// The configuration. `None` where it cannot be read.
    fn file(&mut self, plugin: &Plugin) -> Option<ConfigFile> {
        let id = &plugin.descriptor().id;
        let file = match self.args.connect.config.open() {
            Ok(file) => file,
            Err(error) => {
                let line = error.downcast_ref::<Error>().map(|error| Line::failed(CONFIGURATION, error));
                self.report.fail(line.unwrap_or_else(|| Line::bad(CONFIGURATION, format!("{error:#}"))), error);
                return None;
            }
        };
        let path = file.path().display();
        self.report.fact("file", &path.to_string());
        let is_set_up = !plugin.entries(file.value()).is_empty();
        self.report.push(match (file.path().exists(), is_set_up) {
            (true, true) => Line::good(CONFIGURATION, path.to_string()),
            (true, false) => Line::warning(CONFIGURATION, format!("{path} does not name {id}: its defaults hold"))
                .hint("Run `host-harness onboard` to set it up there."),
            (false, _) => Line::warning(CONFIGURATION, format!("there is no {path} yet: the defaults hold"))
                .hint("Run `host-harness onboard` to make it."),
        });
        for included in file.included() {
            let files: Vec<_> = included.files.iter().map(|file| file.display().to_string()).collect();
            let whose = if included.path.is_empty() { "all".to_owned() } else { included.path.join(".") };
            self.report.push(Line::good("included", format!("{whose} from {}", files.join(" and "))));
        }
        Some(file)
    }

    /// What the host and the plugin find in the configuration, and what becomes of it. `nowhere` says why it leads to no
    /// gateway.
    async fn configuration(&mut self, plugin: &Plugin, file: &ConfigFile, nowhere: Option<&Error>) {
        let mut warned = Vec::new();
        match self.args.connect.findings(plugin, file, &self.environment).await {
            Ok(findings) => {
                // The line of the base URL says it, and what to do.
                let is_below = nowhere.is_some_and(|error| error.path().is_none());
                let base_url = self.args.connect.run.place_of_base_url(plugin);
                for finding in findings {
                    if is_below && finding.path == base_url {
                        continue;
                    }
                    if finding.severity == Severity::Error {
                        let error = Error::host(ErrorKind::InvalidConfig, finding.message.clone());
                        self.report.fail(Line::bad(CONFIGURATION, finding.path.clone()).hint(finding.message), error);
                        self.refused.push(finding.path);
                    } else {
                        self.report.push(Line::warning(CONFIGURATION, finding.path.clone()).hint(finding.message));
                        warned.push(finding.path);
                    }
                }
            }
            Err(error) => self.report.fail(Line::failed(CONFIGURATION, &error), error),
        }
        self.model(plugin, file);
        self.left(plugin, file, &warned);
    }

    /// The model that is asked, and what says so.
    fn model(&mut self, plugin: &Plugin, file: &ConfigFile) {
        let descriptor = plugin.descriptor();
        let chosen = match &self.args.model {
            Some(given) => Ok((own_model(file.value(), descriptor, given), "from the command line".to_owned(), None)),
            None => chosen_model(file.value(), &self.environment, descriptor).map(|chosen| {
                let beside = beside_default(&chosen, &descriptor.id).map(|(named_at, why)| format!("{named_at} {why}"));
                let from = match chosen.source {
                    ModelSource::AgentsDefault => format!("from {}", chosen.named_at.unwrap_or_default()),
                    ModelSource::FirstListed => "the first that the configuration lists".to_owned(),
                    _ => "the provider's default".to_owned(),
                };
                (chosen.id, from, beside)
            }),
        };
        match chosen {
            Ok((model, from, beside)) => {
                self.report.fact("model", &model);
                let said = format!("{model}, {from}");
                self.report.push(match beside {
                    Some(beside) => Line::warning("model", said).hint(beside),
                    None => Line::good("model", said),
                });
            }
            Err(error) => self.report.fail(Line::failed("model", &error), error),
        }
    }

    /// What of the configuration is left to OpenClaw, but for what was warned of.
    fn left(&mut self, plugin: &Plugin, file: &ConfigFile, warned: &[String]) {
        let descriptor = plugin.descriptor();
        let config = file.value();
        // Where this fails, the configuration's line said so.
        let left = self.setup(plugin, file).left_to_openclaw(descriptor).unwrap_or_default();
        let mut left: Vec<_> = left.into_iter().map(|left| (left.path, left.why.to_owned())).collect();
        let named = default_name(config).ok().flatten();
        let profile = primary_model(config, &self.environment).ok().flatten().and_then(|model| model.profile);
        if let (Some(named), Some(profile)) = (named, profile) {
            let why = "a profile is OpenClaw's, and so is its key: here the key is the one below".to_owned();
            left.push((format!("{}@{profile}", named.path), why));
        }
        for path in fallbacks(config) {
            left.push((path, "here one model is asked, and OpenClaw turns to these".to_owned()));
        }
        for (name, value) in config.get("env").and_then(Value::as_object).into_iter().flatten() {
            match &**name {
                "vars" => {}
                "shellEnv" if value.get("enabled").is_none_or(|enabled| enabled == false) => {}
                "shellEnv" => left.push(("env.shellEnv".into(), "this host starts no shell".into())),
                name => {
                    let line = Line::warning("env", format!("env.{name}: OpenClaw refuses the file for it"));
                    self.report.push(line.hint("Move it into env.vars."));
                }
            }
        }
        if let Ok(model) = chat_model(self.args.model.as_deref(), plugin, file, &self.environment) {
            let params = model_params(config, &descriptor.id, &model);
            for name in with_params(Prompt::new(model.clone(), []), &params).1 {
                left.push((format!("params.{name} of {model}"), "it is for OpenClaw".to_owned()));
            }
        }
        if let Some(profile) =
            std::env::var_os("OPENCLAW_PROFILE").filter(|_| self.args.connect.config.profile().is_none())
        {
            let why = format!("it is {}, and chooses no configuration by itself: give --profile", profile.display());
            left.push(("OPENCLAW_PROFILE".into(), why));
        }
        self.report.fact("ignored", &left.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>());
        for (path, why) in left.into_iter().filter(|(path, _)| !warned.contains(path)) {
            self.report.push(Line::skipped("ignored", format!("{path}: {why}")));
        }
    }

    /// Whether every credential that calls to `origin` need is there.
    async fn key(&mut self, plugin: &Plugin, file: &ConfigFile, origin: Option<&Origin>) -> Key {
        let descriptor = plugin.descriptor();
        let held = match self.setup(plugin, file).credentials(descriptor) {
            Ok(held) => held,
            Err(error) => {
                self.report.fail(Line::failed("key", &error), error);
                return Key::Missing;
            }
        };
        let mut key = Key::Held;
        for credential in &descriptor.credentials {
            let missing = format!("{} not found", credential.label);
            let how = || how_to_set(descriptor, credential, origin);
            match held.source(&credential.id) {
                Some(source) => {
                    self.report.fact("key", &source.to_string());
                    self.report.push(Line::good("key", format!("{}, from {source}", credential.label)));
                }
                None if credential.required => {
                    let profile = self.args.connect.config.profile();
                    let store = waiting::during("asking openclaw", openclaw::store(&descriptor.id, profile)).await;
                    let (profiles, why) = match store {
                        openclaw::Store::Holds(profiles) if profiles.is_empty() => {
                            (profiles, "OpenClaw's own store has none for it either.".to_owned())
                        }
                        openclaw::Store::Holds(profiles) => (profiles, "OpenClaw finds it there.".to_owned()),
                        // The configuration says whether OpenClaw finds it there all the same.
                        openclaw::Store::Failed(why) => (
                            openclaw::named_profiles(file.value(), &descriptor.id)
                                .into_iter()
                                .map(|name| format!("{name}, by auth.profiles"))
                                .collect(),
                            format!("OpenClaw's own store could not be asked: {}.", why.trim_end_matches('.')),
                        ),
                    };
                    if !profiles.is_empty() {
                        let profiles = profiles.join(" and ");
                        let line =
                            format!("{} is in OpenClaw's own store ({profiles}), and not here", credential.label);
                        let hint = format!("{why} For what `host-harness` calls: {}", how());
                        self.report.fact("key", &format!("OpenClaw's own store, {profiles}"));
                        self.report.push(Line::warning("key", line).hint(hint));
                        key = Key::OfOpenClaw;
                        continue;
                    }
                    key = Key::Missing;
                    let line = Line::bad("key", missing.clone()).hint(format!("{} {why}", how()));
                    self.report.fail(line, Error::host(ErrorKind::MissingCredential, missing));
                }
                None => self.report.push(Line::warning("key", missing).hint(how())),
            }
        }
        key
    }

    /// The way to the gateway, step by step. Gives the provider's own service where it is one, or `None` where there is no
    /// way.
    async fn way(
        &mut self,
        plugin: &Plugin,
        destination: host_harness::Result<Destination>,
    ) -> Option<Option<Service>> {
        let destination = match destination {
            Ok(destination) => destination,
            // Said above.
            Err(error) if error.path().is_some_and(|path| self.refused.iter().any(|refused| refused == path)) => {
                self.report.push(Line::skipped("base URL", "fix what failed above first"));
                return None;
            }
            Err(error) => {
                self.report.fail(Line::failed("base URL", &error), error);
                return None;
            }
        };
        let service = service_at(plugin.descriptor(), destination.origin());
        // Behind a `?` there may be a secret.
        let base_url = destination.base_url().split(['?', '#']).next().unwrap_or_default();
        self.report.fact("base_url", base_url);
        self.report.push(Line::good("base URL", base_url));
        let by = destination.proxy().map_or_else(|| "direct".into(), |proxy| format!("through the proxy {proxy}"));
        self.report.push(Line::good("egress", format!("{by}; to {} alone", destination.networks())));

        let limits = self.args.connect.run.limits();
        for step in waiting::during("looking for the gateway", destination.diagnose(&limits)).await {
            match step.outcome {
                Ok(found) => self.report.push(Line::good(step.name, found).took(step.took)),
                Err(error) => {
                    self.report.fail(Line::failed(step.name, &error).took(step.took), error);
                    self.report.push(Line::skipped("gateway", "not reached"));
                    return None;
                }
            }
        }
        Some(service)
    }

    /// What the gateway is, whether it takes the key, what it offers.
    async fn service(&mut self, plugin: &Plugin, file: &ConfigFile, service: Option<Service>) {
        let setup = self.setup(plugin, file);
        let provider = match Provider::connect(plugin, setup).await {
            Ok(provider) => provider,
            // The same as the finding above.
            Err(_) if self.report.has_failed() => {
                return self.report.push(Line::skipped("gateway", "fix what failed above first"));
            }
            Err(error) => return self.report.fail(Line::failed("gateway", &error), error),
        };
        let gateway = match service {
            Some(service) => format!("the hosted service {}", service.label),
            None => "a gateway of your own".to_owned(),
        };
        let Ok(model) = chat_model(self.args.model.as_deref(), plugin, file, &self.environment) else { return };
        let start = Instant::now();
        let listed = waiting::during("asking for the models", provider.models()).await;
        let took = start.elapsed();
        match listed {
            Ok(models) => {
                self.report.push(Line::good("gateway", format!("{gateway}, with a list of models")));
                self.report.push(Line::good("key accepted", "yes").took(took));
                self.models(&models, &model);
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.report.push(Line::good("gateway", format!("{gateway}. {error}")).took(took));
                self.report.push(Line::skipped("key accepted", "not checked: without a list there is nothing to ask"));
                // With a hint there is something to do first: a chat may be refused as the list was.
                self.report.push(match error.record().hint.clone() {
                    Some(hint) => Line::warning("models", "not listed").hint(hint),
                    None => Line::skipped("models", "not listed"),
                });
            }
            Err(error) if error.origin() == ErrorOrigin::Gateway && is_about_the_key(error.kind()) => {
                self.report.push(Line::good("gateway", gateway));
                self.report.fail(Line::failed("key accepted", &error).took(took), error);
            }
            Err(error) => self.report.fail(Line::failed("gateway", &error).took(took), error),
        }
        if self.args.chat {
            self.chat(&provider, &model).await;
        } else {
            self.report.push(Line::skipped("chat", "ask for one word with --chat"));
        }
    }

    fn models(&mut self, models: &[Entry], model: &str) {
        let offered = format!("{} offered", models.len());
        self.report.push(if models.is_empty() {
            Line::warning("models", offered).hint("The key may have no model integrated yet.")
        } else if models.iter().any(|entry| entry.id == model) {
            Line::good("models", format!("{offered}, {model} among them"))
        } else {
            Line::warning("models", format!("{offered}, but not {model}"))
                .hint("Choose one of `host-harness models`, unless the gateway knows this one all the same.")
        });
    }

    /// One word from the model, streamed as an agent's host does it.
    async fn chat(&mut self, provider: &Provider, model: &str) {
        // Nothing else is chosen: what works here works for a user who chooses nothing.
        let request = Prompt::new(model, [Message::user("Reply with exactly OK.")]);
        let start = Instant::now();
        let asked = async { provider.stream(&request).await?.join().await };
        let reply = waiting::during(format!("asking {model}"), asked).await;
        let took = start.elapsed();
        match reply {
            Ok(reply) => {
                let usage = reply.usage.map(|usage| output::tokens(&usage));
                let trace = reply.report.trace_id.map(|trace| format!("trace {trace}"));
                let said: Vec<_> = usage.into_iter().chain(trace).collect();
                let summary = said.join(", ");
                self.report.push(Line::good("chat", format!("{model}: {summary}")).took(took));
            }
            Err(error) => {
                let line = Line::failed("chat", &error).took(took);
                self.report.fail(line, error);
            }
        }
    }
}

/// Kinds of refusal that say something of the key, and nothing of the gateway.
fn is_about_the_key(kind: ErrorKind) -> bool {
    use ErrorKind::{Forbidden, MissingCredential, QuotaExceeded, RateLimited, Unauthorized};
    matches!(kind, MissingCredential | Unauthorized | Forbidden | QuotaExceeded | RateLimited)
}

/// `given`, else the one in this folder, else the one beside the component.
fn manifest(given: Option<&Path>, component: &Path) -> Option<PathBuf> {
    const NAME: &str = "openclaw.plugin.json";
    let beside = component.with_file_name(NAME);
    given.map(Path::to_owned).or_else(|| [PathBuf::from(NAME), beside].into_iter().find(|path| path.exists()))
}
