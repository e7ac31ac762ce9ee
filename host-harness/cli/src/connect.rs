//! The flags of every command that calls, and the way from them to a connected provider.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use anyhow::Context;
use clap::{
    Arg, Command,
    builder::{StringValueParser, TypedValueParser},
    error::ErrorKind,
};
use host_harness::{
    ConfigFile, Engine, Environment, Keyring, Limits, Origin, Plugin, Provider, Setup,
    command_line::{Destination, nearest},
    openclaw::{ChosenModel, Locations, chosen_model, own_model},
    types,
    wit::onboarding::{Credential, Descriptor, Finding, Service, Severity},
};
use serde_json::{Map, Value};

use super::{
    exit_code::{self, Usage},
    given_secret, input, openclaw, output,
    waiting::{self, Waiting},
};

/// The component that a command looks at without calling anything.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Component {
    /// The component
    #[arg(value_name = "COMPONENT", required_unless_present = "plugin")]
    file: Option<PathBuf>,
    /// The same, with the flag of the other commands
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    plugin: Option<PathBuf>,
    /// End a call into the component after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,
}

impl Component {
    /// There is no default: it would silently check our component instead of the user's.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        component(self.file.as_deref().or(self.plugin.as_deref()))
    }

    /// The call waits only for this machine, so the limit is short and finds one that hangs.
    pub(crate) fn limits(&self) -> Limits {
        let call = Duration::from_secs(self.timeout.into());
        Limits { call, stream_idle: call, ..few() }
    }
}

/// Which plugin to run, where it calls, and within which limits.
#[derive(Clone, clap::Args)]
pub(crate) struct Run {
    /// The component to run [default: the one that `make build` built]
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Call this base URL instead of the configured one [default: $PORTKEY_BASE_URL for the provider `portkey`, and so
    /// on]
    #[arg(long, value_name = "URL", value_parser = input::filled)]
    base_url: Option<String>,
    /// End a call, or the wait between two pieces of a stream, after this many seconds [default: 600; 300 between two
    /// pieces]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,
    /// The most memory that the component may use [default: 512]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..4096))]
    max_memory: Option<u32>,
}

impl Run {
    /// The same for somebody who waits at the terminal for a short answer: a call ends sooner, unless `--timeout` says
    /// otherwise.
    pub(crate) fn impatient(self) -> Self {
        Self { timeout: self.timeout.or(Some(30)), ..self }
    }

    /// The flag that names the component, for another command.
    pub(crate) fn named_component(&self) -> Option<String> {
        self.plugin.as_deref().map(|file| format!("--plugin {}", output::quoted(&file.display().to_string())))
    }

    /// Where the component lies.
    pub(crate) fn component(&self) -> anyhow::Result<PathBuf> {
        component(self.plugin.as_deref())
    }

    /// The plugin alone.
    pub(crate) async fn plugin(&self) -> anyhow::Result<Plugin> {
        let _waiting = Waiting::new("loading the component");
        Ok(Plugin::load(&Engine::new(self.limits())?, self.component()?).await?)
    }

    /// What the flags say of limits.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = few();
        if let Some(seconds) = self.timeout {
            limits.call = Duration::from_secs(seconds.into());
            limits.stream_idle = limits.call;
            limits.connect = limits.connect.min(limits.call);
        }
        if let Some(mib) = self.max_memory {
            limits.memory = (mib as usize) << 20;
        }
        limits
    }

    /// `--base-url`, else the provider's variable, such as PORTKEY_BASE_URL.
    pub(crate) fn base_url(&self, plugin: &Plugin) -> Option<String> {
        // What is not UTF-8 is there all the same: whoever reads it says what is wrong with it.
        let of_env = || Some(std::env::var_os(base_url_variable(plugin))?.to_string_lossy().into_owned());
        self.base_url.clone().or_else(|| of_env().filter(|url| !url.trim().is_empty()))
    }

    /// Where the user says the base URL.
    pub(crate) fn place_of_base_url(&self, plugin: &Plugin) -> String {
        match (&self.base_url, self.base_url(plugin)) {
            (Some(_), _) => "--base-url".into(),
            (None, Some(_)) => base_url_variable(plugin),
            (None, None) => format!("models.providers.{}.baseUrl", plugin.descriptor().id),
        }
    }

    /// What the command line, the environment and `config` say together.
    pub(crate) fn setup(&self, plugin: &Plugin, config: &ConfigFile, environment: &Environment) -> Setup {
        let mut setup = Setup::new(config.value().clone()).keep_prices();
        setup = setup.environment(environment.clone()).keyring(keyring());
        if let Some(base_url) = self.base_url(plugin) {
            setup = setup.base_url(base_url);
        }
        for credential in &plugin.descriptor().credentials {
            if let Some(secret) = given_secret::given(credential) {
                setup = setup.secret(&credential.id, secret);
            }
        }
        setup
    }
}

/// The variable that may name the base URL, such as PORTKEY_BASE_URL.
fn base_url_variable(plugin: &Plugin) -> String {
    format!("{}_BASE_URL", plugin.descriptor().id.to_uppercase().replace('-', "_"))
}

/// Which configuration.
#[derive(clap::Args)]
pub(crate) struct Config {
    /// The configuration file [default: OpenClaw's: $OPENCLAW_CONFIG_PATH, else ~/.openclaw/openclaw.json]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The OpenClaw profile whose configuration to use, if no variable names one
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    profile: Option<String>,
}

impl Config {
    /// For what calls, a file that the user names is there, so that no key goes where another one says: else as [`Self::read`].
    pub(crate) fn read_existing(&self) -> anyhow::Result<(ConfigFile, Environment)> {
        if let Some(path) = self.config.as_deref().filter(|path| !path.exists()) {
            let path = path.display();
            let why = format!("there is no configuration `{path}`: `host-harness onboard --config {path}` makes it");
            return Err(exit_code::Usage(why).into());
        }
        self.read()
    }

    /// The file, which need not exist yet, and the variables, from one look at where they are.
    pub(crate) fn read(&self) -> anyhow::Result<(ConfigFile, Environment)> {
        let locations = self.locations()?;
        let file = self.open_at(&locations)?;
        Ok((file, Environment::process().with_dotenv(&locations)))
    }

    /// The file, which need not exist yet.
    pub(crate) fn open(&self) -> anyhow::Result<ConfigFile> {
        self.open_at(&self.locations()?)
    }

    fn open_at(&self, locations: &Locations) -> anyhow::Result<ConfigFile> {
        let path = self.config.as_deref().unwrap_or(locations.config());
        Ok(ConfigFile::open_with(path, locations.include_roots())?)
    }

    /// The variables of this process, and those of OpenClaw's `.env`.
    pub(crate) fn environment(&self) -> host_harness::Result<Environment> {
        Ok(Environment::process().with_dotenv(&self.locations()?))
    }

    /// The flag that names the same configuration, for another command.
    pub(crate) fn named(&self) -> Option<String> {
        let config = self.config.as_deref().map(|file| ("--config", file.display().to_string()));
        let named = config.or_else(|| Some(("--profile", self.profile.clone()?)))?;
        Some(format!("{} {}", named.0, output::quoted(&named.1)))
    }

    /// The profile that the user named.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// What `openclaw` must be told to read the same file.
    pub(crate) fn of_profile(&self) -> String {
        self.profile().map(|profile| format!(" --profile {profile}")).unwrap_or_default()
    }

    /// Where OpenClaw keeps its files.
    pub(crate) fn locations(&self) -> host_harness::Result<Locations> {
        // A file that is named needs no home folder.
        let named = self.config.as_ref().map(|path| path.display().to_string());
        let variable = move |name: &str| match (name, &named) {
            ("OPENCLAW_CONFIG_PATH", Some(named)) => Some(named.clone()),
            _ => std::env::var(name).ok(),
        };
        Locations::of(&Environment::from_fn(variable), self.profile.as_deref())
    }
}

/// Flags that override the configuration for these calls.
#[derive(clap::Args)]
pub(crate) struct Extra {
    /// Send this header with each request; `${NAME}` in it is replaced by an environment variable
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = Named(header))]
    headers: Vec<(String, String)>,
    /// Give the requests this trace id, to find them in the gateway's logs
    #[arg(long, value_name = "ID")]
    trace_id: Option<String>,
    /// Log this with the requests; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = Named(pair))]
    metadata: Vec<(String, String)>,
    /// Set this option of the plugin, as `plugins.entries.<id>.config` of the configuration does; VALUE is JSON or text
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = Named(pair))]
    options: Vec<(String, String)>,
}

impl Extra {
    /// `setup` with this in it.
    pub(crate) fn over(&self, mut setup: Setup) -> Setup {
        for (name, value) in &self.headers {
            setup = setup.header(name, value);
        }
        for (name, value) in self.options() {
            setup = setup.option(name, value);
        }
        if let Some(trace_id) = &self.trace_id {
            setup = setup.option("traceId", trace_id.as_str());
        }
        if !self.metadata.is_empty() {
            let metadata = self.metadata.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            setup = setup.option("metadata", metadata.collect::<Map<_, _>>());
        }
        setup
    }

    /// Refuses a header that the host attaches itself: it would be left out.
    fn check(&self, descriptor: &Descriptor) -> Result<(), Usage> {
        let is_given = |credential: &&Credential| {
            self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(&credential.header))
        };
        let Some(credential) = descriptor.credentials.iter().find(is_given) else { return Ok(()) };
        let (header, ways) = (&credential.header, ways_to_give(credential));
        Err(Usage(format!("--header {header}: the host attaches this header itself. Set {ways}")))
    }

    /// The options that were given one by one, as JSON or text.
    fn options(&self) -> impl Iterator<Item = (String, Value)> {
        self.options.iter().map(|(name, text)| (name.clone(), option_value(text)))
    }

    /// The flags, and the places in the configuration of the provider `id` that they go over.
    fn places(&self, id: &str) -> Vec<(String, String)> {
        let option = |name: &str| option_place(id, name);
        let trace_id = self.trace_id.iter().map(|_| ("--trace-id".to_owned(), option("traceId")));
        let metadata = self.metadata.first().map(|_| ("--metadata".to_owned(), option("metadata")));
        let as_flag = |name: &str| if name == "config" { format!(" (--{id}-config)") } else { String::new() };
        let flag = |name: &str| format!("--option {name}{}", as_flag(name));
        let options = self.options.iter().map(|(name, _)| (flag(name), option(name)));
        let header = |name: &str| (format!("--header {name}"), format!("models.providers.{id}.headers.{name}"));
        trace_id.chain(metadata).chain(options).chain(self.headers.iter().map(|(name, _)| header(name))).collect()
    }

    /// For the refusal of an option that is a field of a request: which flag that has.
    fn flag_of_field(&self, message: &str) -> Option<String> {
        let mut fields = self.options.iter().filter_map(|(name, _)| Some((name, input::flag_of_field(name)?)));
        let (name, flag) = fields.find(|(name, _)| message.contains(&format!("--option {name}: ")))?;
        Some(format!("{name} is a field of a request: chat takes it as {flag}."))
    }
}

/// The flags of a command that calls as the configuration says.
#[derive(clap::Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(flatten)]
    extra: Extra,
}

impl Connect {
    /// What the command line, the environment and `config` say together.
    pub(crate) fn setup(&self, plugin: &Plugin, config: &ConfigFile, environment: &Environment) -> Setup {
        self.extra.over(self.run.setup(plugin, config, environment))
    }

    /// What the host and the plugin find in the configuration and what the flags put over it, and OpenClaw in the file, where
    /// it is installed.
    ///
    /// # Errors
    /// Where the plugin fails.
    pub(crate) async fn findings(
        &self,
        plugin: &Plugin,
        file: &ConfigFile,
        environment: &Environment,
    ) -> host_harness::Result<Vec<Finding>> {
        let mut findings = self.own_findings(plugin, file, environment).await?;
        findings.extend(self.switched_off(&plugin.descriptor().id, file.value()));
        let is_lack = |finding: &Finding| finding.message.ends_with(Setup::LACKING);
        if file.path().exists() {
            let (id, entries) = (&plugin.descriptor().id, plugin.entries(file.value()));
            let entry = entries.first().map(|(name, _)| *name);
            let asked = openclaw::findings(file.path(), id, entry, self.config.profile(), &findings);
            let said = waiting::during("asking openclaw", asked).await;
            // Said once: OpenClaw's own words for it are the better ones.
            let is_refused =
                |place: String| said.iter().any(|found| found.severity == Severity::Error && found.path == place);
            findings.retain(|own| !is_lack(own) || !is_refused(openclaw::dotted(&own.path)));
            findings.extend(said);
        }
        Ok(findings)
    }

    /// Of [`Self::findings`], those of the host and the plugin.
    async fn own_findings(
        &self,
        plugin: &Plugin,
        file: &ConfigFile,
        environment: &Environment,
    ) -> host_harness::Result<Vec<Finding>> {
        let mut findings = plugin.lint_setup(self.setup(plugin, file, environment)).await?;
        findings.extend(misnamed(&plugin.descriptor().id, file.value()));
        // What the entry lacks, it lacks for OpenClaw, whatever a flag says.
        for finding in findings.iter_mut().filter(|finding| !finding.message.ends_with(Setup::LACKING)) {
            finding.path = self.in_flags(plugin, &finding.path);
        }
        Ok(findings)
    }

    /// Where OpenClaw is told to leave the plugin out. Uninstalling it says so, and installing it again does not take that
    /// back.
    fn switched_off(&self, id: &str, config: &Value) -> Option<Finding> {
        let is_false = |path: &&String| config.pointer(&path.replace('.', "/")) == Some(&Value::Bool(false));
        let denied = config.pointer("/plugins/deny").and_then(Value::as_array);
        let denied = denied.filter(|denied| denied.iter().any(|name| name == id)).map(|_| ".plugins.deny".to_owned());
        let switches = [".plugins.enabled".to_owned(), format!(".plugins.entries.{id}.enabled")];
        let path = denied.or_else(|| switches.into_iter().find(|path| is_false(&path)))?;
        let message = format!(
            "OpenClaw leaves the plugin out for it, and calls by its own client. Change it, or run `openclaw{} plugins enable {id}`.",
            self.config.of_profile()
        );
        Some(Finding { severity: Severity::Warning, path: path[1..].to_owned(), message })
    }

    /// `text` with what the user wrote in the place of what it goes over in the configuration: a flag, a variable.
    fn in_flags(&self, plugin: &Plugin, text: &str) -> String {
        let id = &plugin.descriptor().id;
        let mut places = self.extra.places(id);
        places.push((self.run.place_of_base_url(plugin), format!("models.providers.{id}.baseUrl")));
        places.into_iter().fold(text.to_owned(), |text, (name, place)| match around(&text, &place) {
            Some((before, after)) => format!("{before}{name}{after}"),
            None => text,
        })
    }

    /// The refusal of what a flag says names the flag, and not the configuration; that of a call without a key says where to
    /// put one, as `doctor` does.
    fn explained(
        &self,
        plugin: &Plugin,
        config: &ConfigFile,
        environment: &Environment,
        error: host_harness::Error,
    ) -> host_harness::Error {
        let descriptor = plugin.descriptor();
        let credential = descriptor.credentials.iter().find(|credential| credential.required);
        if let (types::ErrorKind::MissingCredential, types::ErrorOrigin::Plugin, Some(credential)) =
            (error.kind(), error.origin(), credential)
        {
            let destination = Destination::of(descriptor, self.setup(plugin, config, environment)).ok();
            let how = how_to_set(descriptor, credential, destination.as_ref().map(Destination::origin));
            let hint = Some(match &openclaw::named_profiles(config.value(), &descriptor.id)[..] {
                [] => how,
                [profile, ..] => {
                    format!("OpenClaw has it in its own store ({profile}), which only OpenClaw reads. {how}")
                }
            });
            return types::Error { hint, ..error.record().clone() }.into();
        }
        let message = self.in_flags(plugin, &error.to_string());
        if message == error.to_string() {
            return error;
        }
        let hint = self.extra.flag_of_field(&message);
        let hint =
            hint.unwrap_or_else(|| "Fix it there; `host-harness lint` with it shows everything that is wrong.".into());
        types::Error { hint: Some(hint), message, ..error.record().clone() }.into()
    }

    /// The plugin, connected, and what it was connected by.
    pub(crate) async fn provider(&self) -> anyhow::Result<(Provider, ConfigFile, Environment)> {
        let plugin = self.run.plugin().await?;
        self.extra.check(plugin.descriptor())?;
        let (config, environment) = self.config.read_existing()?;
        let provider = Provider::connect(&plugin, self.setup(&plugin, &config, &environment)).await;
        let provider = provider.map_err(|error| self.explained(&plugin, &config, &environment, error))?;
        for finding in misnamed(&plugin.descriptor().id, config.value()) {
            output::warn(&format!("{}: {}", finding.path, finding.message));
        }
        // `lint` warns of what else stands in the file; nobody lints a command.
        let flags = self.extra.places(&plugin.descriptor().id);
        if !flags.is_empty() {
            let findings = self.own_findings(&plugin, &config, &environment).await?;
            let is_of_one = |finding: &&Finding| flags.iter().any(|(flag, _)| finding.path.starts_with(flag.as_str()));
            for finding in findings.iter().filter(is_of_one) {
                output::warn(&format!("{}: {}", finding.path, finding.message));
            }
        }
        Ok((provider, config, environment))
    }
}

/// The limits of a command: it makes a few calls at most, and room for a thousand takes some milliseconds to reserve.
pub(crate) fn few() -> Limits {
    Limits { instances: 8, ..Limits::default() }
}

/// Where a user puts a credential: `PORTKEY_API_KEY or give --portkey-api-key`, behind the word `set`.
pub(crate) fn ways_to_give(credential: &Credential) -> String {
    let flag = credential.cli_flag.as_ref().map(|flag| format!(" or give {flag}")).unwrap_or_default();
    format!("{}{flag}", credential.env_vars.join(" or "))
}

/// Where a user puts a credential, and where they get one for the gateway at `origin`, where that is known.
pub(crate) fn how_to_set(descriptor: &Descriptor, credential: &Credential, origin: Option<&Origin>) -> String {
    let is_own = origin.is_some_and(|origin| service_at(descriptor, origin).is_none());
    let own = if is_own { " A gateway of your own that needs none takes any." } else { "" };
    let from = keys_from(descriptor, credential, origin);
    let from = from.map(|from| format!(" Get one from {from}.")).unwrap_or_default();
    format!("Set {}.{from}{own}", ways_to_give(credential))
}

/// The system's keyring, one for this run: what is passed over is told once.
pub(crate) fn keyring() -> Keyring {
    static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
        Keyring::system().on_skip(|why| output::warn(&format!("the system keyring was passed over: {why}")))
    });
    KEYRING.clone()
}

/// The provider's own services, the default one first: every other gateway is the user's.
pub(crate) fn services(descriptor: &Descriptor) -> Vec<Service> {
    if !descriptor.services.is_empty() {
        return descriptor.services.clone();
    }
    let keys_from = descriptor.credentials.first().and_then(|credential| credential.help_url.clone());
    vec![Service {
        label: descriptor.label.clone(),
        base_url: descriptor.default_base_url.clone(),
        keys_from: keys_from.unwrap_or_default(),
    }]
}

/// The provider's own service at `origin`.
pub(crate) fn service_at(descriptor: &Descriptor, origin: &Origin) -> Option<Service> {
    services(descriptor).into_iter().find(|service| service.base_url.parse::<Origin>().is_ok_and(|own| own == *origin))
}

/// Where a user gets a credential for the gateway at `origin`: of a service's own place, else of the provider's.
pub(crate) fn keys_from(descriptor: &Descriptor, credential: &Credential, origin: Option<&Origin>) -> Option<String> {
    let service = origin.and_then(|origin| service_at(descriptor, origin));
    let from = service.map(|service| service.keys_from).or_else(|| credential.help_url.clone());
    from.filter(|from| !from.is_empty())
}

/// Where an option of the plugin of the provider `id` stands in the configuration.
pub(crate) fn option_place(id: &str, name: &str) -> String {
    format!("plugins.entries.{id}.config.{name}")
}

/// What is before and behind `place` in `text`. A longer name is another place.
pub(crate) fn around<'t>(text: &'t str, place: &str) -> Option<(&'t str, &'t str)> {
    let is_longer = |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_-".contains(next));
    text.split_once(place).filter(|(_, after)| !is_longer(after))
}

/// The provider's own model that `given` means.
pub(crate) fn model_of(given: Option<String>, provider: &Provider, config: &ConfigFile) -> Option<String> {
    given.map(|given| own_model(config.value(), provider.plugin().descriptor(), &given))
}

/// The model to ask: `given`, else the configuration's choice, else the default.
pub(crate) fn chat_model(
    given: Option<&str>,
    plugin: &Plugin,
    config: &ConfigFile,
    environment: &Environment,
) -> host_harness::Result<String> {
    let descriptor = plugin.descriptor();
    if let Some(given) = given {
        return Ok(own_model(config.value(), descriptor, given));
    }
    Ok(chosen_model(config.value(), environment, descriptor)?.id)
}

/// Names that are probably meant for the provider `id`, where nothing has its own: what is below them is not read.
fn misnamed(id: &str, config: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in ["models.providers", "plugins.entries"] {
        let named = config.pointer(&format!("/{}", place.replace('.', "/"))).and_then(Value::as_object);
        let names = || named.into_iter().flatten().map(|(name, _)| name);
        if names().any(|name| name.trim().eq_ignore_ascii_case(id)) {
            continue;
        }
        findings.extend(names().filter(|name| nearest(name, [id]).is_some()).map(|name| {
            let message = format!("This is not read, since it is another's name. Did you mean {id}?");
            Finding { severity: Severity::Warning, path: format!("{place}.{name}"), message }
        }));
    }
    findings
}

/// Where the configuration names a default model without a provider that `chosen` stands in for, and what to do about it.
pub(crate) fn beside_default<'c>(chosen: &'c ChosenModel, id: &str) -> Option<(&'c str, String)> {
    let why = || format!("names no provider: write it as {id}/MODEL.");
    chosen.beside_default().map(|named_at| (named_at, why()))
}

/// Reads a name and a value. The value may be a secret: clap's own errors would show it.
#[derive(Clone)]
pub(crate) struct Named<T>(pub(crate) fn(&str) -> Result<(String, T), String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = (String, T);

    fn parse_ref(&self, command: &Command, flag: Option<&Arg>, text: &OsStr) -> Result<Self::Value, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, flag, text)?;
        self.0(&text).map_err(|why| {
            let flag = flag.map(Arg::to_string).unwrap_or_default();
            command.clone().error(ErrorKind::ValueValidation, format!("invalid value for '{flag}': {why}"))
        })
    }
}

/// `Name: value`.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let wrong = || {
        // What a name could be is named, and no more: behind it may be a secret.
        let name = text.trim().split_once(|sign: char| sign.is_whitespace() || matches!(sign, ':' | '='));
        let name = name.map(|(name, _)| name).filter(|name| !name.is_empty());
        let found = name.map(|name| format!(", and not `{name}` and so on")).unwrap_or_default();
        format!("write it as 'Name: value'{found}")
    };
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = http::HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    Ok((name.to_string(), value.trim().to_owned()))
}

/// The value of an option: JSON, or text.
pub(crate) fn option_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The component: `given`, else the one beside this program, else the one of the workspace that built this program.
pub(crate) fn component(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let folder = program.parent().unwrap_or(Path::new("."));
    for folder in [folder.to_owned(), folder.with_file_name("wasm32-wasip2").join("component")] {
        let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_provider(path))
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some(path), true) => return Ok(path),
            (Some(_), false) => {
                return Err(Usage(format!(
                    "{} holds several components: name one with --plugin FILE",
                    folder.display()
                ))
                .into());
            }
            (None, _) => {}
        }
    }
    Err(Usage("no component was found: build it with `make build`, or name it with --plugin FILE".into()).into())
}

/// By its name, `...provider.wasm`: beside it may lie components that are none.
fn is_provider(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with("provider.wasm"))
}
