//! The key is on the wire, in its header, for its origin, and nowhere else: the suite of `host-harness check` looks at each request
//! and answer for it (A2 to A9), and `component` runs it. Here are the forms that a configuration gives secrets, and the command line.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use host_harness::{Environment, Provider, Setup};
use host_harness_stub::{Options, Stub};
use serde_json::{Value, json};

use crate::support::{Cli, KEY, ask, component, hosted, plugin, setup, start, until};

/// Of a gateway's own configuration, wherever it stands and however its keys are written: the plugin sees the rest of it, the
/// gateway all of it, and whoever reads the answer no key.
#[tokio::test]
async fn keys_in_an_inline_configuration_are_the_hosts() {
    const INLINE: &str = "sk-inline-\"ü\\1";
    let stub = Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() }).await.unwrap();
    let plugin = plugin().await;
    let targets =
        |key: &str| json!({"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai", "api_key": key}]});
    let sent = targets(INLINE).to_string().replace('ü', "\\u00fc");
    let option = |value: Value| json!({"plugins": {"entries": {"portkey": {"config": {"config": value}}}}});
    let header =
        |value: String| json!({"models": {"providers": {"portkey": {"headers": {"X-Portkey-Config": value}}}}});
    let by_object = {
        let mut config = targets("");
        config["targets"][0]["api_key"] = json!({"source": "env", "provider": "default", "id": "INLINE"});
        config
    };
    for (place, config) in [
        ("an option, literal", option(targets(INLINE))),
        ("an option, as a text", option(targets(INLINE).to_string().into())),
        ("an option, by reference", option(targets("${INLINE}"))),
        ("an option, by an object", option(by_object)),
        ("an option, as a text by reference", option(targets("${INLINE}").to_string().into())),
        ("an option, all of it by reference", option(json!("${ALL}"))),
        ("a header, literal", header(targets(INLINE).to_string())),
        ("a header, by reference", header(targets("${INLINE}").to_string())),
        ("a header, all of it by reference", header("${ALL}".into())),
    ] {
        stub.clear();
        let environment = Environment::from_iter([("INLINE", INLINE), ("ALL", &targets(INLINE).to_string())]);
        let setup = setup(stub.base_url()).config(config).environment(environment);
        let provider = Provider::connect(&plugin, setup).await.unwrap();
        let seen = format!("{:?}", provider.connection());
        assert!(!seen.contains("sk-inline"), "{place}: {seen}");
        assert!(
            place.contains("all of it") || seen.contains("fallback"),
            "the rest is the plugin's to see: {place}: {seen}"
        );
        let answer = provider.complete(&ask("fault/echo-headers", "hello")).await.unwrap().text();
        assert!(answer.contains("x-portkey-config") && !answer.contains("sk-inline"), "{place}: {answer}");
        assert_eq!(stub.requests()[0].header("x-portkey-config"), Some(&*sent), "{place}");
    }
}

/// Never is a reference sent as a text, and never is an option lost without a word.
#[tokio::test]
async fn a_reference_in_an_option_is_resolved_or_refused_by_name() {
    let stub = Stub::start(Options::default()).await.unwrap();
    let plugin = plugin().await;
    let variables = [("SET", "a-value"), ("PORTKEY_API_KEY", "pk-test")];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.json");
    std::fs::write(&file, r#"{"key": "a-value"}"#).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let connect = async |options: Value, given: Option<(&str, Value)>| {
        let config = json!({
            "plugins": {"entries": {"portkey": {"config": options}}},
            "secrets": {"providers": {"mine": {"source": "file", "path": file}}},
        });
        let setup = setup(stub.base_url()).config(config).environment(Environment::from_iter(variables));
        let setup = given.into_iter().fold(setup, |setup, (name, value)| setup.option(name, value));
        Provider::connect(&plugin, setup).await
    };
    for (options, header, value) in [
        (json!({"config": "pc-${SET}"}), "x-portkey-config", "pc-a-value"),
        (json!({"config": {"cache": {"mode": "${SET}"}}}), "x-portkey-config", r#"{"cache":{"mode":"a-value"}}"#),
        (json!({"traceId": "${SET}"}), "x-portkey-trace-id", "a-value"),
        (json!({"virtualKey": "${SET}"}), "x-portkey-virtual-key", "a-value"),
        (json!({"virtualKey": "vk-literal"}), "x-portkey-virtual-key", "vk-literal"),
        (json!({"metadata": {"_user": "${SET}"}}), "x-portkey-metadata", r#"{"_user":"a-value"}"#),
        (json!({"customHost": "https://${SET}.example"}), "x-portkey-custom-host", "https://a-value.example"),
        (json!({"forwardHeaders": "a, ${SET}"}), "x-portkey-forward-headers", "a, a-value"),
        (
            json!({"config": {"api_key": {"source": "file", "provider": "mine", "id": "/key"}}}),
            "x-portkey-config",
            r#"{"api_key":"a-value"}"#,
        ),
    ] {
        let (name, given) = options.as_object().unwrap().iter().next().unwrap();
        for (options, given) in [(options.clone(), None), (json!({}), Some((name.as_str(), given.clone())))] {
            stub.clear();
            connect(options, given).await.unwrap().complete(&ask("gpt", "hello")).await.unwrap();
            assert_eq!(stub.requests()[0].header(header), Some(value), "{name}");
        }
    }
    stub.clear();
    for (options, named) in [
        (json!({"config": "${UNSET}"}), "${UNSET}"),
        (
            json!({"config": {"targets": [{"api_key": "${UNSET}"}]}}),
            "portkey.config.config.targets[0].api_key: the configuration refers to ${UNSET}",
        ),
        (
            json!({"config": {"api_key": {"source": "exec", "provider": "vault", "id": "x"}}}),
            "portkey.config.config.api_key` is a reference of the source `exec`",
        ),
        (
            json!({"config": {"source": "store", "provider": "default", "id": "X"}}),
            "portkey.config.config` is a reference of the source `store`",
        ),
        (
            json!({"config": {"source": "file", "provider": "f", "id": "/key"}}),
            "portkey.config.config` refers to the file",
        ),
        (json!({"config": {"source": "file", "provider": "mine", "id": "/no"}}), "no text at `/no`"),
        (json!({"metadata": {"a": "x-${PORTKEY_API_KEY}"}}), "refers to PORTKEY_API_KEY"),
        (
            json!({"config": {"source": "env", "provider": "default", "id": "PORTKEY_API_KEY"}}),
            "refers to PORTKEY_API_KEY",
        ),
        (json!({"metadata": "${SET}"}), "portkey.config.metadata"),
        (json!({"forwardHeaders": ["a", "${SET}"]}), "x-portkey-forward-headers"),
        (json!({"requestTimeoutMs": "${SET}"}), "portkey.config.requestTimeoutMs"),
        (json!({"config": "{'api_key': 'sk-broken-1'}"}), "portkey.config.config"),
    ] {
        for (options, given) in [
            (options.clone(), None),
            (json!({}), options.as_object().unwrap().iter().next().map(|(name, value)| (name.as_str(), value.clone()))),
        ] {
            let error = connect(options, given).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(named), "{named} is not in {shown}");
            assert!(!shown.contains("a-value") && !shown.contains("sk-broken"), "{shown}");
        }
    }
    assert!(stub.requests().is_empty());
}

/// Not every reference is to a secret: what has no secret's name and is short is left in answers, and so is what stands
/// around references.
#[tokio::test]
async fn ordinary_words_of_headers_stay_in_answers() {
    let stub = Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() }).await.unwrap();
    let environment = Environment::from_iter([
        ("TEAM", "production"),
        ("MODE", "choices"),
        ("SIGNATURE", "0123456789abcdef"),
        ("PASSPHRASE", "Basic hunter-22"),
        ("LOGIN", "staging"),
    ]);
    // What is JSON may be repeated in parts.
    let account =
        json!({"type": "service_account", "private_key": "-----BEGIN\nlinesofbase64data", "password": "hunter23"});
    let account = account.to_string();
    let config = json!({"models": {"providers": {"portkey": {"headers": {
        "x-team": "${TEAM}",
        // Every answer holds the word `choices`.
        "x-mode": "message ${MODE}",
        "x-signed": "${TEAM} ${SIGNATURE}",
        "x-app-token": "literal-of-the-user ${LOGIN}",
        "x-portkey-vertex-service-account-json": account,
        "Authorization": "${PASSPHRASE}",
        "x-other-key": "token literal-secret",
    }}}}});
    let setup = setup(stub.base_url()).config(config).environment(environment);
    let provider = Provider::connect(&plugin().await, setup).await.unwrap();
    let answer = provider.complete(&ask("fault/echo-headers", "hello")).await.unwrap().text();
    for shown in ["production", "message choices", "service_account", "Basic ", "token "] {
        assert!(answer.contains(shown), "{shown} not in {answer}");
    }
    for hidden in [
        "0123456789abcdef", "staging", "literal-of-the-user", "hunter-22", "literal-secret", "linesofbase64data",
        "hunter23", KEY,
    ] {
        assert!(!answer.contains(hidden), "{hidden} in {answer}");
    }
    let request = &stub.requests()[0];
    assert_eq!(request.header("x-signed"), Some("production 0123456789abcdef"));
    assert_eq!(request.header("x-app-token"), Some("literal-of-the-user staging"));
}

#[tokio::test]
async fn debug_prints_hold_no_secret() {
    let stub = hosted().await;
    let config = json!({"models": {"providers": {"portkey": {"apiKey": KEY, "headers": {"Authorization": KEY}}}}});
    let setup = setup(stub.base_url()).config(config);
    assert!(!format!("{setup:?}").contains(KEY), "a setup");
    let odd = Setup::new(json!({})).base_url(format!("https://user:{KEY}@gateway.test/v1"));
    assert!(!format!("{odd:?}").contains(KEY), "a setup with a base URL that will be refused");
    let provider = Provider::connect(&plugin().await, setup).await.unwrap();
    let reply = provider.stream(&ask("gpt", "hello")).await.unwrap();
    let shown = format!("{provider:?} {reply:?} {:?} {:?}", provider.credentials(), provider.connection());
    assert!(!shown.contains(KEY), "{shown}");
}

/// At the most verbose level, over plain text and JSON, in success and failure; and the cache and home folders after.
#[test]
fn no_output_log_or_file_of_a_command_holds_the_key() {
    let stub = start(Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() })).unwrap();
    let base_url = stub.base_url();
    let cli = Cli::with_key().env("HOST_HARNESS_LOG", "trace").env("RUST_BACKTRACE", "full");
    for command in [
        &["models"][..],
        &["models", "--json"],
        &["chat", "hello"],
        &["chat", "hello", "--no-stream", "--json"],
        &["chat", "hello", "--model", "fault/echo-headers"],
        &["chat", "hello", "--model", "fault/echo-headers-error"],
        &["chat", "hello", "--model", "fault/echo-headers-error", "--json"],
        &["chat", "hello", "--model", "fault/reset"],
        &["image", "a lighthouse", "--output", "images"],
        &["embed", "a ship"],
        &["embed", "a ship", "--model", "fault/echo-headers-error", "--json"],
        &["speak", "a ship", "--output", "ship.mp3"],
        &["speak", "a ship", "--output", "lost.mp3", "--model", "fault/echo-headers-error"],
        &["transcribe", "ship.mp3", "--json"],
        &["transcribe", "ship.mp3", "--model", "fault/echo-headers-error"],
        &["doctor"],
        &["doctor", "--json"],
        &["onboard"],
    ] {
        let ran = cli.run(&[command, &["--base-url", &base_url]].concat());
        assert!(ran.code != 101, "a panic: {ran:?}");
        assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{command:?}: {ran:?}");
        let reached = command[0] == "onboard" || ran.err.contains("TRACE") || ran.err.contains("DEBUG");
        assert!(reached, "{command:?} logs at all: {ran:?}");
    }
    // The doctor's look at the way to the gateway needs none.
    let calls = stub.requests().into_iter().filter(|request| request.path != "/v1");
    assert!(calls.into_iter().all(|request| request.header("x-portkey-api-key") == Some(KEY)));
    let found = Command::new("grep").args(["-rl", KEY]).arg(cli.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "files that hold the key");
}

/// Its colon, its sign of equality or its name is easily mistyped, and a terminal is easily copied from.
#[test]
fn a_flag_that_is_mistyped_is_refused_without_its_value() {
    let cli = Cli::new();
    for (flag, value, named) in [
        ("--header", format!("Authorization Bearer {KEY}"), "and not `Authorization` and"),
        ("--header", format!("Authorization Bearer {KEY}: {KEY}"), "`Authorization`"),
        ("--header", format!("Authör: {KEY}"), "and not `Authör` and"),
        ("--header", format!(": {KEY}"), "'Name: value'"),
        ("--header", format!("x-api-key={KEY}"), "and not `x-api-key` and"),
        ("--header", format!("Cookie=sid={KEY}; a=b"), "and not `Cookie` and"),
        ("--header", format!("x-api-key={KEY}:more "), "and not `x-api-key` and"),
        ("--header", format!(" {KEY} "), "'Name: value'"),
        ("--header", KEY.to_owned(), "'Name: value'"),
        ("--option", format!("config {{\"api_key\": \"{KEY}\"}}"), "NAME=VALUE"),
        ("--metadata", format!("={KEY}"), "NAME=VALUE"),
        ("--set", format!("tools=[{KEY}]"), "the value of tools is not JSON"),
    ] {
        let ran = cli.run(&["chat", flag, &value]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.starts_with(&format!("error: invalid value for '{flag} ")), "{ran:?}");
        assert!(ran.err.contains(named), "{ran:?}");
        assert!(!ran.err.contains(KEY) && !ran.err.contains("Bearer"), "{ran:?}");
    }
}

/// Arguments are for every user of a machine to see, the environment is not.
#[test]
#[cfg(target_os = "linux")]
fn no_flag_that_may_hold_a_secret_stays_in_the_process_list() {
    let stub = start(Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() })).unwrap();
    component();
    let cli = Cli::new().env("PORTKEY_API_KEY", "pk-of-the-environment");
    let inline = format!(r#"{{"provider":"openai","api_key":"{KEY}"}}"#);
    for (flags, header, value) in [
        (vec!["--portkey-api-key".into(), KEY.into()], "x-portkey-api-key", KEY.to_owned()),
        (vec![format!("--portkey-api-key={KEY}")], "x-portkey-api-key", KEY.to_owned()),
        (vec!["--portkey-config".into(), inline.clone()], "x-portkey-config", inline.clone()),
        (vec!["--option".into(), format!("config={inline}")], "x-portkey-config", inline.clone()),
        (vec![format!("--option=config={inline}")], "x-portkey-config", inline.clone()),
        (vec!["--header".into(), format!("Authorization: Bearer {KEY}")], "authorization", format!("Bearer {KEY}")),
        (vec![format!("--header=x-own: {KEY}"), "--".into()], "x-own", KEY.to_owned()),
        (vec!["--metadata".into(), format!("key={KEY}")], "x-portkey-metadata", json!({"key": KEY}).to_string()),
        (vec!["--set".into(), format!("user=\"{KEY}\"")], "x-portkey-api-key", "pk-of-the-environment".into()),
    ] {
        stub.clear();
        let base_url = stub.base_url();
        let arguments: Vec<_> = ["chat", "--model", "fault/slow", "--base-url", &base_url]
            .into_iter()
            .map(str::to_owned)
            .chain(flags)
            .chain(["hello".to_owned()])
            .collect();
        let mut child = cli.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(|| !stub.requests().is_empty());
        let shown = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        let shown = String::from_utf8_lossy(&shown);
        let sent = stub.requests();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(shown.contains("fault/slow") && shown.contains("***") || header == "x-portkey-api-key", "{shown}");
        assert!(!shown.contains(KEY), "{shown}");
        assert_eq!(sent[0].header(header), Some(&*value), "{arguments:?}");
    }
}

/// The memory of a program that crashes, or is ended by Ctrl-\, may be kept in a file.
#[test]
#[cfg(target_os = "linux")]
fn a_crash_leaves_no_memory_behind() {
    let stub = start(Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() })).unwrap();
    component();
    let cli = Cli::with_key();
    let base_url = stub.base_url();
    let shell = ["sh", "-c", "ulimit -S -c $(ulimit -H -c) && exec \"$@\"", "sh"];
    let mut program = cli.through(&shell, &["chat", "--model", "fault/slow", "--base-url", &base_url, "hello"]);
    let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| !stub.requests().is_empty());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stub.requests().len(), 1, "it was at work");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}
