//! What the tests share: the built component, a plugin, a provider before a stand-in, requests.

use std::{
    ffi::{OsStr, OsString},
    fs::{DirBuilder, File},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use futures_util::TryStreamExt as _;
use host_harness::{
    Engine, Limits, Plugin, Provider, Result, Setup, Speech, Validation, validate,
    wit::chat::{Event, Message, Prompt, Response, Tool},
};
use host_harness_stub::{Credential, Options, Role, Stub};
use serde_json::{Value, json};

/// The key of these tests. Nothing but the wire may ever show it.
pub const KEY: &str = "pk-test-7e1f0c9a4b5d";

/// The project's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Puts a program in a place, by another process: what this one holds open for writing is held open too by a process that
/// another test starts at that moment, and Linux then refuses to run it (ETXTBSY).
pub fn install(source: &Path, program: &Path) {
    let status = Command::new("install").args(["-m", "755"]).args([source, program]).status().expect("a Debian tool");
    assert!(status.success(), "{}: {status}", program.display());
}

/// A program for shells, which stands in for another.
pub fn install_script(script: &str, program: &Path) {
    let source = program.with_extension("script");
    std::fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    install(&source, program);
}

/// A file of JSON, such as a manifest, by its path from the root folder.
pub fn json_file(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(root().join(path)).unwrap()).unwrap()
}

/// What validation says of a component and its manifest.
pub async fn validated(component: &[u8], manifest: Option<&Value>) -> Validation {
    validate(&Engine::new(Limits::default()).unwrap(), component, manifest).await
}

/// The component, built from the sources as they are, and labelled as it is shipped.
pub fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["xtask", "component"])
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the component does not build: run `make component`");
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    })
}

/// The plugin in a host with default limits, loaded once.
pub async fn plugin() -> Plugin {
    static PLUGIN: tokio::sync::OnceCell<Plugin> = tokio::sync::OnceCell::const_new();
    PLUGIN.get_or_init(|| async { plugin_with(Limits::default()).await }).await.clone()
}

/// The plugin in a host with these limits.
pub async fn plugin_with(limits: Limits) -> Plugin {
    Plugin::load(&Engine::new(limits).unwrap(), component()).await.unwrap()
}

/// A stand-in for the hosted gateway that wants [`KEY`].
pub async fn hosted() -> Stub {
    let require = Some(Credential { header: "x-portkey-api-key".into(), value: KEY.into() });
    Stub::start(Options { require, token_delay: Duration::ZERO, ..Options::default() }).await.unwrap()
}

/// A stand-in for a model provider, to stand behind the real gateway.
pub async fn upstream() -> Stub {
    Stub::start(Options { role: Role::Upstream, token_delay: Duration::ZERO, ..Options::default() }).await.unwrap()
}

/// A setup that calls `base_url` with [`KEY`].
pub fn setup(base_url: impl Into<String>) -> Setup {
    Setup::new(json!({})).base_url(base_url).secret("portkey-api-key", KEY)
}

/// The plugin, connected to `base_url`.
pub async fn provider(base_url: impl Into<String>) -> Provider {
    Provider::connect(&plugin().await, setup(base_url)).await.unwrap()
}

/// The same before a stand-in for the hosted gateway.
pub async fn before_hosted() -> (Stub, Provider) {
    let stub = hosted().await;
    let provider = provider(stub.base_url()).await;
    (stub, provider)
}

/// Starts a server for a test that is no task: it runs beside all tests of this process.
pub fn start<T>(server: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap()).block_on(server)
}

/// A question to `model`.
pub fn ask(model: &str, text: &str) -> Prompt {
    Prompt::new(model, [Message::user(text)])
}

/// A tool that takes a city.
pub fn weather_tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        description: Some("Tells something of a city".into()),
        parameters_schema_json: json!({
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        })
        .to_string(),
        strict: None,
    }
}

/// All events of a stream, in order; fails where the stream does.
pub async fn events(provider: &Provider, prompt: &Prompt) -> Result<Vec<Event>> {
    provider.events(prompt.clone()).try_collect().await
}

/// Speech to its end; fails where it does.
pub async fn audio_of(speech: &mut Speech) -> Result<Vec<u8>> {
    let mut audio = Vec::new();
    while let Some(piece) = speech.next().await? {
        audio.extend(piece);
    }
    assert!(speech.next().await?.is_none(), "the end stays the end");
    Ok(audio)
}

/// A streamed reply, joined.
pub async fn streamed(provider: &Provider, prompt: &Prompt) -> Result<Response> {
    provider.stream(prompt).await?.join().await
}

/// How often it is looked whether something is so yet, every ten milliseconds: a minute at least.
const LOOKS: usize = 6000;

/// Waits until it is so, but not without end.
pub fn until(mut is_so: impl FnMut() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        is_so() || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }
    })
}

/// The same in a task.
pub async fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..LOOKS {
        if is_so() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// A run of the command line, in an environment of its own.
pub struct Cli {
    /// Home and working folder of the run.
    pub folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// The cache that a first run of the program leaves: the component, compiled. That takes more than a second of a core, and a
/// hundred tests would do it again.
fn compiled() -> &'static [(OsString, Vec<u8>)] {
    static COMPILED: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let first = Cli::on_a_new_machine();
        first.run(&[OsStr::new("validate"), component().as_os_str()]).ok();
        let files = std::fs::read_dir(first.folder.path().join(CACHE)).unwrap().map(|file| file.unwrap());
        let all: Vec<_> = files.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect();
        assert!(!all.is_empty(), "the program keeps no compiled component");
        all
    })
}

/// Where the program keeps compiled components, below a user's home.
const CACHE: &str = ".cache/host-harness";

impl Cli {
    /// A new user, whose program has compiled the component before.
    pub fn new() -> Self {
        let new = Self::on_a_new_machine();
        let cache = new.folder.path().join(CACHE);
        DirBuilder::new().recursive(true).mode(0o700).create(&cache).unwrap();
        for (name, bytes) in compiled() {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(cache.join(name)).unwrap();
            file.write_all(bytes).unwrap();
        }
        new
    }

    /// A user whose program has run never before.
    pub fn on_a_new_machine() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// A new user with [`KEY`], for whom this is the gateway.
    pub fn before(base_url: impl Into<String>) -> Self {
        Self::with_key().env("PORTKEY_BASE_URL", base_url)
    }

    /// A new user with [`KEY`].
    pub fn with_key() -> Self {
        Self::new().env("PORTKEY_API_KEY", KEY)
    }

    /// Writes OpenClaw's configuration where OpenClaw keeps it.
    pub fn write_config(&self, config: &str) {
        std::fs::create_dir_all(self.folder.path().join(".openclaw")).unwrap();
        self.write(".openclaw/openclaw.json", config);
    }

    /// Writes a file into the user's folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// With this environment variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With this script in the place of an installed OpenClaw.
    pub fn with_openclaw(self, script: &str) -> Self {
        install_script(script, &self.folder.path().join("openclaw"));
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        self.env("PATH", path)
    }

    /// The command, ready to run.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-harness"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("TMPDIR", self.folder.path()).env("RUST_BACKTRACE", "1");
        // Found beside the program only in a workspace with the default target folder.
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
            command.env("CARGO_TARGET_DIR", target);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// The command as `"$@"` of another program, such as a shell that sets limits.
    pub fn through(&self, starter: &[&str], arguments: &[impl AsRef<OsStr>]) -> Command {
        let command = self.command(arguments);
        let mut started = Command::new(starter[0]);
        started.args(&starter[1..]).arg(command.get_program()).args(command.get_args());
        started.current_dir(self.folder.path()).env_clear();
        started.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", "/usr/bin:/bin");
        started
    }

    /// Runs it with this on standard input, which one that refuses at once may not read to its end.
    pub fn piped(&self, input: &[u8], arguments: &[impl AsRef<OsStr>]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    /// Runs it to its end, with another value of this environment variable.
    pub fn run_with(&self, name: &str, value: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Ran {
        component();
        self.command(arguments).env(name, value).output().unwrap().into()
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Ran {
        component();
        Ran::from(self.command(arguments).output().unwrap())
    }
}

/// A run of the command line before a gateway that wants [`KEY`].
pub struct User {
    /// With the key, and the gateway to call.
    pub cli: Cli,
    /// The gateway.
    pub stub: Stub,
}

impl User {
    /// With a key, and a gateway to call.
    pub fn new() -> Self {
        let stub = start(hosted());
        Self { cli: Cli::before(stub.base_url()), stub }
    }

    /// The names of the files that are there, but for hidden ones: the cache of compiled components.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cli.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }
}

/// How a run of the command line ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Standard output as JSON; shows the run where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// All that was printed.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The same, where the run ended well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The same, where it ended with this exit code and said this on standard error.
    #[track_caller]
    pub fn failed(self, code: i32, said: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(said), "{said}: {self:?}");
        self
    }
}
