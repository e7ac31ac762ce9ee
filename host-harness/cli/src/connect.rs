//! The flags of every command that calls, and the way from them to a connected provider.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use host_harness::{
    ConfigFile, Engine, Environment, Keyring, Limits, Plugin, Provider, Setup,
    openclaw::{ChosenModel, Locations, chosen_model, own_model},
    wit::onboarding::{Credential, Descriptor, Finding},
};
use serde_json::{Map, Value};

use super::{
    component_file,
    config_findings::{misnamed, option_place},
    exit_code::{self, Usage},
    given_secret, input,
    key_help::ways_to_give,
    name_and_value::{Named, header, option_value, pair},
    openclaw, output, request_fields,
    waiting::Waiting,
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
        component_file::find(self.file.as_deref().or(self.plugin.as_deref()))
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
        component_file::find(self.plugin.as_deref())
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
        openclaw::of_profile(self.profile())
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
    pub(crate) fn places(&self, id: &str) -> Vec<(String, String)> {
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
    pub(crate) fn flag_of_field(&self, message: &str) -> Option<String> {
        let mut fields = self.options.iter().filter_map(|(name, _)| Some((name, request_fields::flag_of_field(name)?)));
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
    pub(crate) extra: Extra,
}

impl Connect {
    /// What the command line, the environment and `config` say together.
    pub(crate) fn setup(&self, plugin: &Plugin, config: &ConfigFile, environment: &Environment) -> Setup {
        self.extra.over(self.run.setup(plugin, config, environment))
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

/// The system's keyring, one for this run: what is passed over is told once.
pub(crate) fn keyring() -> Keyring {
    static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
        Keyring::system().on_skip(|why| output::warn(&format!("the system keyring was passed over: {why}")))
    });
    KEYRING.clone()
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

/// Where the configuration names a default model without a provider that `chosen` stands in for, and what to do about it.
pub(crate) fn beside_default<'c>(chosen: &'c ChosenModel, id: &str) -> Option<(&'c str, String)> {
    Some((chosen.beside_default()?, format!("names no provider: write it as {id}/MODEL.")))
}
