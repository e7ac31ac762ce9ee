//! `doctor`: that it recognises what can be wrong, and says what to do about it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::{
    portkey_gateway::{PortkeyGateway, config_for},
    raw_server::{serving, whole},
    support::{Cli, KEY, Ran, component, hosted, install_script, json_file, root, start, upstream},
    terminal::Terminal,
    tls::Authority,
};

/// Runs the doctor for a user with a key.
fn doctor(base_url: &str, arguments: &[&str]) -> Ran {
    with(&Cli::with_key(), base_url, arguments)
}

/// The same for another user.
fn with(cli: &Cli, base_url: &str, arguments: &[&str]) -> Ran {
    cli.run(&[&["doctor", "--json", "--base-url", base_url], arguments].concat())
}

/// The same for a user with a key and this configuration.
fn configured(config: impl AsRef<[u8]>, base_url: &str) -> Ran {
    let cli = Cli::with_key();
    cli.write("openclaw.json", config);
    with(&cli, base_url, &["--config", "openclaw.json"])
}

/// The one line of that name.
fn line<'r>(report: &'r Value, name: &str) -> &'r Value {
    let lines: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|line| line["name"] == name).collect();
    assert_eq!(lines.len(), 1, "{name} in {report:#}");
    lines[0]
}

#[test]
fn no_secret_within_a_base_url_is_told() {
    let base_url = start(hosted()).base_url() + "?token=t0ken-1234";
    let ran = doctor(&base_url, &[]);
    assert!(ran.out.contains("/v1") && !ran.out.contains("t0ken") && !ran.err.contains("t0ken"), "{ran:?}");
}

#[test]
fn the_model_that_is_asked_is_told_with_what_chose_it() {
    let gateway = start(hosted());
    let listed = json!([{"id": "  "}, {"id": "@openai/gpt-5"}]);
    for (default, models, state, detail) in [
        ("portkey/@openai/o3", &listed, "ok", "@openai/o3, from agents.defaults.model"),
        ("gpt-5", &listed, "warning", "@openai/gpt-5, the first that the configuration lists"),
        // Another provider's may be meant.
        ("openai/gpt-5", &listed, "ok", "@openai/gpt-5, the first that the configuration lists"),
        // One that is blank chooses nothing, and is no model of another provider.
        (" ", &listed, "ok", "@openai/gpt-5, the first that the configuration lists"),
        ("", &Value::Null, "ok", "@anthropic/claude-sonnet-4-5, the provider's default"),
        ("gpt-5", &Value::Null, "warning", "@anthropic/claude-sonnet-4-5, the provider's default"),
    ] {
        let config = json!({"agents": {"defaults": {"model": {"primary": default}}},
            "models": {"providers": {"portkey": {"models": models}}}});
        let report = configured(config.to_string(), &gateway.base_url()).json();
        let model = line(&report, "model");
        assert_eq!((&model["state"], &model["detail"]), (&state.into(), &detail.into()), "{report:#}");
    }
}

/// OpenClaw's own client then sends the key, as another header.
#[test]
fn a_plugin_that_openclaw_leaves_out_is_warned_of() {
    let gateway = start(hosted());
    for (plugins, place) in [
        (json!({"entries": {"portkey": {"enabled": false}}}), Some("plugins.entries.portkey.enabled")),
        (json!({"enabled": false}), Some("plugins.enabled")),
        (json!({"deny": ["portkey"]}), Some("plugins.deny")),
        (json!({"deny": ["other"], "entries": {"portkey": {"enabled": true}}}), None),
    ] {
        let cli = Cli::with_key();
        cli.write("openclaw.json", json!({"plugins": plugins}).to_string());
        let linted = cli.run(&["lint", "--config", "openclaw.json"]).ok().out;
        let report = with(&cli, &gateway.base_url(), &["--config", "openclaw.json"]).json();
        let lines = report["checks"].as_array().unwrap().iter();
        let lines =
            lines.filter(|line| line["hint"].as_str().is_some_and(|hint| hint.contains("leaves the plugin out")));
        let places: Vec<_> = lines.map(|line| line["detail"].as_str().unwrap()).collect();
        assert_eq!(places, Vec::from_iter(place), "{report:#}");
        let said = place.map(|place| format!("warning: {place}: OpenClaw leaves the plugin out"));
        assert_eq!(linted.contains("OpenClaw leaves"), said.is_some(), "{linted}");
        assert!(said.is_none_or(|said| linted.contains(&said)), "{linted}");
    }
}

/// The only agent's own model goes over that of all: what is said of it names its place.
#[test]
fn what_is_left_of_the_only_agents_own_model_is_named_where_it_stands() {
    let gateway = start(hosted());
    let own = json!({"primary": "portkey/@openai/o3@work", "fallbacks": ["a/b"]});
    let config = json!({"agents": {"entries": {"main": {"model": own}}}});
    let report = configured(config.to_string(), &gateway.base_url()).json();
    assert_eq!(line(&report, "model")["detail"], "@openai/o3, from agents.entries.main.model");
    let ignored = ["agents.entries.main.model@work", "agents.entries.main.model.fallbacks"];
    assert_eq!(report["configuration"]["ignored"], json!(ignored), "{report:#}");
}

/// After `openclaw onboard` the key is in OpenClaw's store, which only OpenClaw reads: it is asked.
#[test]
fn a_key_in_openclaws_own_store_is_found_by_openclaw() {
    let gateway = start(hosted());
    let profiles = r#"{"profiles": [{"id": "portkey:default", "provider": "portkey", "type": "api_key"}]}"#;
    let fails = || Some("echo 'Error: no agent' >&2; exit 1".to_owned());
    // As OpenClaw's onboarding writes it into the file: it is there, whoever can be asked.
    let named = r#"{"auth": {"profiles": {"portkey:default": {"provider": "portkey", "mode": "api_key"}}}}"#;
    for (config, script, code, state, detail, hint) in [
        (named, fails(), 0, "warning", "portkey:default, by auth.profiles", "could not be asked: Error: no agent."),
        (named, None, 0, "warning", "portkey:default, by auth.profiles", "there is no `openclaw` on the PATH."),
        (
            "{}",
            Some(format!("echo '{profiles}'; echo \"$@\" > asked")),
            0,
            "warning",
            "in OpenClaw's own store (portkey:default)",
            "OpenClaw finds it there",
        ),
        (named, Some("echo '{\"profiles\": []}'".to_owned()), 3, "failed", "not found", "own store has none"),
        ("{}", fails(), 3, "failed", "not found", "could not be asked: Error: no agent"),
        ("{}", None, 3, "failed", "not found", "there is no `openclaw` on the PATH"),
    ] {
        let cli = Cli::new();
        let cli = match &script {
            Some(script) => cli.with_openclaw(script),
            None => cli.env("PATH", "/usr/bin:/bin"),
        };
        std::fs::create_dir(cli.folder.path().join(".openclaw-work")).unwrap();
        cli.write(".openclaw-work/openclaw.json", config);
        let asks = script.as_deref().is_some_and(|script| script.contains("asked"));
        let ran = with(&cli, &gateway.base_url(), &["--profile", "work"]);
        let asked = std::fs::read_to_string(cli.folder.path().join("asked")).ok();
        assert_eq!(ran.code, code, "{ran:?}");
        let key = line(&ran.json(), "key").clone();
        assert_eq!(key["state"], state, "{key}");
        assert!(key["detail"].as_str().unwrap().contains(detail), "{key}");
        assert!(
            key["hint"].as_str().unwrap().contains(hint)
                && key["hint"].as_str().unwrap().contains("Set PORTKEY_API_KEY"),
            "{key}"
        );
        assert_eq!(line(&ran.json(), "HTTP")["state"], "ok", "what needs no key is checked");
        if asks {
            assert_eq!(asked.as_deref(), Some("--profile work models auth list --json --provider portkey\n"));
            let gateway = line(&ran.json(), "gateway").clone();
            assert!(gateway["hint"].as_str().unwrap().contains("openclaw --profile work infer model run"), "{gateway}");
        }
    }
    assert!(gateway.requests().iter().all(|request| request.header("x-portkey-api-key").is_none()));
}

/// What lies in the folder that one works in is not run because the `PATH` names that folder, or nothing.
#[test]
fn openclaw_is_run_from_no_folder_that_is_not_absolute() {
    let gateway = start(hosted());
    for path in [".:/usr/bin:/bin", ":/usr/bin:/bin", "/usr/bin:/bin:", "bin:/usr/bin:/bin", "./bin:/usr/bin"] {
        let cli = Cli::new().env("PATH", path);
        let folder = cli.folder.path().to_owned();
        std::fs::create_dir(folder.join("bin")).unwrap();
        for program in ["openclaw", "bin/openclaw"] {
            install_script("touch \"$HOME/pwned\"; echo '{\"profiles\": []}'", &folder.join(program));
        }
        let ran = with(&cli, &gateway.base_url(), &[]);
        assert!(!folder.join("pwned").exists(), "{path}: {ran:?}");
        let hint = line(&ran.json(), "key")["hint"].to_string();
        assert!(hint.contains("there is no `openclaw` on the PATH"), "{path}: {hint}");
    }
}

/// OpenClaw reads a `.env` where it is started: not in the folder that one works in, whether there is a home or not.
#[test]
fn openclaw_is_not_started_where_one_works() {
    let gateway = start(hosted());
    let programs = tempfile::tempdir().unwrap();
    let script = format!("pwd > {}/started; echo '{{\"profiles\": []}}'", programs.path().display());
    install_script(&script, &programs.path().join("openclaw"));
    let cli = Cli::new().env("PATH", format!("{}:/usr/bin:/bin", programs.path().display()));
    let [home, cache] = ["none", "cache"].map(|name| programs.path().join(name).display().to_string());
    let cli = cli.env("HOME", home).env("XDG_CACHE_HOME", cache);
    with(&cli, &gateway.base_url(), &[]);
    let started = std::fs::read_to_string(programs.path().join("started")).unwrap();
    assert_ne!(std::path::Path::new(started.trim()), cli.folder.path().canonicalize().unwrap());
}

/// Each row of Portkey's own troubleshooting table, from its guide for OpenClaw and its list of error codes: a fault of
/// the gateway; the line that fails; what it says; what it advises; the exit code.
const TROUBLES: &[(&str, &str, &str, &str, i32)] = &[
    // "401 errors: invalid credentials. Regenerate Portkey API key; check provider credentials."
    ("invalid-key", "chat", "Invalid API Key", "copy it again from https://app.portkey.ai/api-keys", 3),
    ("key-of-other-edition", "chat", "AI Gateway Error", "Strata Cloud Manager for https://aigw.portkey.ai/v1", 3),
    ("expired-key", "chat", "Expired", "renew it", 3),
    ("401", "chat", "Incorrect API key", "check the key stored with the provider in Portkey", 3),
    ("expired-provider", "chat", "Expired", "Renew what has expired in Portkey", 3),
    ("forbidden", "chat", "Forbidden", "completions.write", 3),
    // "Provider errors: missing provider config. Verify provider is configured in Portkey with correct slug."
    ("unknown-slug", "chat", "not valid", "check the part after @ in the model id", 4),
    ("no-provider", "chat", "header is required", "plugins.entries.portkey.config.provider", 4),
    ("unknown-config", "chat", "Invalid config id", "starts with pc-", 4),
    ("invalid-config", "chat", "mode", "Fix the inline config", 4),
    ("locked-config", "chat", "Cannot override", "remove x-portkey-config", 4),
    ("inline-config-blocked", "chat", "blocked", "use its pc- id", 4),
    ("html-message", "chat", "ECONNREFUSED", "that the provider runs", 5),
    // "Model not found: use the @provider/model format."
    ("404", "chat", "does not exist", "@provider/model", 1),
    ("model-not-allowed", "chat", "not allowed", "Allow this model", 3),
    // "Rate limit errors (HTTP 429): virtual key limits exceeded. Adjust rate limits in Portkey dashboard."
    ("key-rate-limit", "chat", "rate limit", "raise the limit", 5),
    ("provider-rate-limit", "chat", "rate limit", "raise the rate limit in Portkey", 5),
    ("429", "chat", "Rate limit reached", "Wait", 5),
    // Budgets (412), guardrails (446), time limits (408), and what a gateway does when it breaks.
    ("key-budget", "chat", "Usage Limit Exceeded", "raise it in Portkey", 5),
    ("key-budget-provider", "chat", "Usage Limit Exceeded", "raise it in Portkey", 5),
    ("quota", "chat", "quota", "plan and billing", 5),
    ("guardrail", "chat", "guardrail", "change the content", 7),
    ("request-timeout", "chat", "timeout", "requestTimeoutMs", 6),
    ("gateway-bug", "chat", "Something went wrong", "own log", 5),
    ("502", "chat", "502 Bad Gateway", "fallback", 5),
    ("cut", "chat", "", "", 6),
    ("404-html", "chat", "404", "usually ends in /v1", 4),
    ("200-html", "chat", "web page", "base URL", 4),
    ("redirect", "chat", "redirect", "set the base URL to the new place", 4),
];

#[test]
fn every_row_of_the_troubleshooting_table_is_recognised() {
    let stub = start(hosted());
    for &(fault, name, says, advises, code) in TROUBLES {
        let ran = doctor(&stub.base_url(), &["--chat", "--model", &format!("@openai/fault/{fault}")]);
        let report = ran.json();
        let failed = line(&report, name);
        assert_eq!(
            (ran.code, &failed["state"], &report["ok"]),
            (code, &"failed".into(), &false.into()),
            "{fault}: {failed}"
        );
        assert!(failed["detail"].as_str().unwrap().contains(says), "{fault}: {failed}");
        assert!(failed["hint"].as_str().unwrap_or_default().contains(advises), "{fault}: {failed}");
        assert_eq!(line(&report, "key accepted")["state"], "ok", "{fault}: {report:#}");
        assert_eq!(line(&report, "models")["state"], "warning", "{fault}: it is not on the list: {report:#}");
    }
}

/// "Requests not appearing in dashboard: wrong API key or base URL." Each way in which these can be wrong.
#[test]
fn a_wrong_key_or_base_url_is_found_where_it_fails() {
    let stub = start(hosted());
    let good = stub.base_url();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = good.trim_end_matches("/v1");
    let tls = good.replace("http://", "https://");
    for (base_url, name, says, advises, code) in [
        (format!("{root}/v2"), "gateway", "Not Found", "usually ends in /v1", 4),
        (root.to_owned(), "gateway", "Not Found", "usually ends in /v1", 4),
        (format!("http://{nobody}/v1"), "TCP", "takes no connection", "start the gateway", 6),
        (
            "http://no-such-host.invalid/v1".to_owned(),
            "DNS",
            "no-such-host.invalid is not found",
            "Check the host name",
            6,
        ),
        (tls, "TLS", "no TLS connection", "use http", 6),
        ("http://192.168.7.7/v1".to_owned(), "base URL", "not a public address", "allowPrivateNetwork", 4),
        ("gateway.example/v1".to_owned(), "base URL", "not a usable base URL", "absolute URL", 4),
        ("ftp://gateway.example".to_owned(), "base URL", "scheme", "absolute URL", 4),
    ] {
        let ran = doctor(&base_url, &[]);
        let report = ran.json();
        let failed = line(&report, name);
        assert_eq!((ran.code, &failed["state"]), (code, &"failed".into()), "{base_url}: {report:#}");
        assert!(failed["detail"].as_str().unwrap().contains(says), "{base_url}: {failed}");
        assert!(failed["hint"].as_str().unwrap_or_default().contains(advises), "{base_url}: {failed}");
    }
    let wrong = with(&Cli::new().env("PORTKEY_API_KEY", "pk-of-somebody-else"), &good, &[]);
    let report = wrong.json();
    assert_eq!((wrong.code, &line(&report, "key accepted")["state"]), (3, &"failed".into()), "{report:#}");
    assert!(line(&report, "key accepted")["hint"].as_str().unwrap().contains("copy it again"), "{report:#}");
    assert_eq!(line(&report, "gateway")["state"], "ok", "{report:#}");

    // Without a key, all the rest is looked at all the same.
    let none = with(&Cli::new(), &good, &[]);
    let report = none.json();
    assert_eq!((none.code, &line(&report, "HTTP")["state"]), (3, &"ok".into()), "{report:#}");
    assert!(line(&report, "key")["hint"].as_str().unwrap().contains("Set PORTKEY_API_KEY or give --portkey-api-key"));
    assert_eq!(stub.requests().last().unwrap().header("x-portkey-api-key"), None);
}

/// It takes connections and never says a word.
#[test]
fn a_gateway_that_is_stuck_is_told_from_a_network_that_is() {
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", stuck.local_addr().unwrap());
    let report = doctor(&base_url, &["--timeout", "1"]).json();
    assert_eq!(line(&report, "TCP")["state"], "ok", "{report:#}");
    let failed = line(&report, "HTTP");
    assert_eq!((&failed["state"], &failed["detail"]), (&"failed".into(), &"took longer than 1 s".into()));
    assert!(failed["hint"].as_str().unwrap().contains("its own log"), "{failed}");
}

#[test]
fn what_is_well_is_said_with_its_times_and_versions() {
    let stub = start(hosted());
    let manifest = root().join("openclaw.plugin.json");
    let arguments = ["--chat", "--manifest", manifest.to_str().unwrap()];
    let report = doctor(&stub.base_url(), &arguments).ok().json();
    assert_eq!(report["ok"], true, "{report:#}");
    for name in ["versions", "component", "manifest", "key", "base URL", "egress", "DNS", "TCP", "HTTP", "gateway"] {
        assert_eq!(line(&report, name)["state"], "ok", "{name}: {report:#}");
    }
    for name in ["DNS", "TCP", "HTTP", "key accepted", "chat"] {
        assert!(line(&report, name)["milliseconds"].as_f64() > Some(0.0), "{name}: {report:#}");
    }
    assert!(line(&report, "models")["detail"].as_str().unwrap().contains("48 offered"), "{report:#}");
    assert!(line(&report, "chat")["detail"].as_str().unwrap().contains("tokens in"), "{report:#}");
    assert!(
        line(&report, "egress")["detail"].as_str().unwrap().contains("direct; to this machine alone"),
        "{report:#}"
    );
    assert_eq!(report["versions"]["host_harness"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["versions"]["component_sha256"].as_str().unwrap().len(), 64);
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let wasmtime = report["versions"]["wasmtime"].as_str().unwrap();
    assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{wasmtime}\"\n")), "{wasmtime}");

    // The key goes to the gateway with the calls, and not with the look at the way there.
    let keys: Vec<_> = stub.requests().iter().map(|request| request.header("x-portkey-api-key").is_some()).collect();
    assert_eq!(keys.iter().filter(|has_key| !**has_key).count(), 1, "{keys:?}");
}

/// The real gateway that anybody can run: it is told from the hosted one, and a model behind it can be asked.
#[test]
fn the_open_source_gateway_is_recognised() {
    let upstream = start(upstream());
    let gateway = PortkeyGateway::shared().base_url();
    let bare = doctor(&gateway, &[]).ok().json();
    assert!(line(&bare, "gateway")["detail"].as_str().unwrap().contains("open-source gateway keeps no catalog"));
    assert_eq!(line(&bare, "key accepted")["state"], "skipped", "{bare:#}");
    // It would refuse each chat too: so no word of it working.
    assert_eq!(line(&bare, "models")["state"], "warning", "{bare:#}");
    assert!(line(&bare, "models")["hint"].as_str().unwrap().contains("plugins.entries.portkey.config.provider"));
    let cli = Cli::before(&gateway);
    let told = cli.run(&["doctor"]).ok().out;
    assert!(!told.contains("It works") && told.contains("--chat asks a model too"), "{told}");
    let config = format!("x-portkey-config: {}", config_for(&upstream.base_url()));
    let routed = doctor(&gateway, &["--chat", "--model", "gpt-5", "--header", &config]).ok().json();
    assert_eq!(line(&routed, "chat")["state"], "ok", "{routed:#}");
}

/// A server whose certificate nobody vouches for: the advice is what mends it.
#[test]
fn tls_is_looked_at_with_the_configured_authorities() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = Authority::new();
    let acceptor = authority.acceptor("localhost", false, &["http/1.1"]);
    let server = start(serving(move |stream| {
        let accepting = acceptor.accept(stream);
        async move {
            let Ok(mut stream) = accepting.await else { return };
            assert!(stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0));
            let _ = stream.write_all(&whole("HTTP/1.1 404 Not Found\r\nconnection: close\r\n", "")).await;
            let _ = stream.shutdown().await;
        }
    }));
    let base_url = format!("https://localhost:{}/v1", server.port());
    let unknown = doctor(&base_url, &[]).json();
    assert!(line(&unknown, "TLS")["hint"].as_str().unwrap().contains("request.tls.ca"), "{unknown:#}");
    let cli = Cli::with_key().env("COMPANY_CA", &authority.pem);
    let config = r#"{"models":{"providers":{"portkey":{"request":{"tls":{"ca":"${COMPANY_CA}"}}}}}}"#;
    cli.write("openclaw.json", config);
    let known = with(&cli, &base_url, &["--config", "openclaw.json"]).json();
    assert!(line(&known, "TLS")["detail"].as_str().unwrap().contains("TLS 1.3"), "{known:#}");
    assert!(line(&known, "HTTP")["detail"].as_str().unwrap().contains("404"), "{known:#}");
}

#[test]
fn a_proxy_is_named_without_its_password_and_looked_at() {
    // It takes connections and says nothing that a proxy would.
    let address = start(serving(async |client| drop(client)));
    let cli = Cli::with_key().env("HTTPS_PROXY", format!("http://ann:proxy-password@{address}"));
    let ran = with(&cli, "https://gateway.example/v1", &[]);
    let report = ran.json();
    let egress = line(&report, "egress")["detail"].as_str().unwrap();
    assert!(egress.contains(&format!("through the proxy http://{address}")), "{egress}");
    assert!(!ran.out.contains("proxy-password"), "{ran:?}");
    assert_eq!((ran.code, &line(&report, "proxy")["state"]), (6, &"failed".into()), "{report:#}");
    assert!(line(&report, "proxy")["hint"].as_str().unwrap().contains("HTTPS_PROXY"), "{report:#}");
}

/// It comes before the environment's, and is not taken for it.
#[test]
fn a_key_given_as_a_flag_is_told_from_one_of_the_environment() {
    let stub = start(hosted());
    let wrong = || Cli::new().env("PORTKEY_API_KEY", "wrong-key-of-a-user");
    let ran = with(&wrong(), &stub.base_url(), &["--portkey-api-key", KEY]).ok();
    assert_eq!(line(&ran.json(), "key")["detail"], "Portkey API key, from the command line");
    let ran = with(&wrong(), &stub.base_url(), &["--portkey-config", "pc-1"]);
    let from = "Portkey API key, from the environment variable PORTKEY_API_KEY";
    assert_eq!(line(&ran.json(), "key")["detail"], from);
}

/// What is wrong on this machine is found before anything is called.
#[test]
fn the_component_the_manifest_and_the_configuration_are_looked_at() {
    let stub = start(hosted());
    let cli = || Cli::with_key();
    let ran = with(&cli(), &stub.base_url(), &["--plugin", "missing.wasm"]);
    assert_eq!((ran.code, &line(&ran.json(), "component")["state"]), (4, &"failed".into()), "{ran:?}");

    let user = cli();
    user.write("openclaw.plugin.json", r#"{"id": "other"}"#);
    let ran = with(&user, &stub.base_url(), &[]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let json = ran.json();
    let mut manifest = json["checks"].as_array().unwrap().iter().filter(|line| line["name"] == "manifest");
    assert!(manifest.any(|line| line["detail"].as_str().unwrap().contains("`id` is not `portkey`")), "{json:#}");

    // What `validate` finds in it, this does too.
    let mut silent = json_file("openclaw.plugin.json");
    silent["contracts"].as_object_mut().unwrap().remove("speechProviders");
    let user = cli();
    user.write("openclaw.plugin.json", silent.to_string());
    let ran = with(&user, &stub.base_url(), &[]);
    let says = "the component exports `audio`: put `portkey` into the manifest's list `contracts.speechProviders`";
    assert_eq!((ran.code, &line(&ran.json(), "manifest")["detail"]), (4, &says.into()), "{ran:?}");

    for (config, says, code) in [
        ("{ not json", "not valid JSON5", 4),
        (
            r#"{"models":{"providers":{"portkey":{"headers":{"x-portkey-metadata":"{'a':1}"}}}}}"#,
            "x-portkey-metadata",
            4,
        ),
        (
            r#"{"models":{"providers":{"portkey":{"headers":{"x-portkey-cache-force-refresh":"false"}}}}}"#,
            "any value",
            0,
        ),
        ("{}", "does not name portkey", 0),
    ] {
        let ran = configured(config, &stub.base_url());
        assert_eq!(ran.code, code, "{config}: {ran:?}");
        let report = ran.json();
        let lines: Vec<_> =
            report["checks"].as_array().unwrap().iter().filter(|line| line["name"] == "configuration").collect();
        assert!(lines.iter().any(|line| line.to_string().contains(says)), "{config}: {report:#}");
        assert!(lines.iter().any(|line| line["state"] != "ok"), "{config}: {report:#}");
    }
}

/// One screen, with colours in a terminal and none elsewhere; and a spinner only while one waits.
#[test]
fn the_report_is_one_screen() {
    component();
    let stub = start(hosted());
    let cli = || Cli::before(stub.base_url());
    let mut terminal = Terminal::sized(cli().command(&["doctor", "--chat"]), 30, 100);
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    let screen = terminal.screen();
    assert!(screen.contains("versions") && screen.contains("It works, with 1 warning."), "{screen}");
    assert!(terminal.raw().contains("\x1b[32m") && !terminal.raw().contains(KEY));
    let mut plain = Terminal::start(cli().env("NO_COLOR", "1").command(&["doctor"]));
    assert_eq!(plain.end(), 0, "{}", plain.screen());
    assert!(!plain.raw().contains("\x1b[3"), "{}", plain.raw());
    let piped = cli().run(&["doctor"]).ok();
    assert!(!piped.out.contains('\x1b') && piped.err.is_empty(), "{piped:?}");
    let wrong = cli().env("PORTKEY_API_KEY", "wrong-key-of-a-user").run(&["doctor"]);
    assert!(wrong.code == 3 && wrong.out.contains("failed  key accepted"), "{wrong:?}");

    let mut slow = Terminal::start(cli().command(&["doctor", "--chat", "--model", "fault/slow"]));
    slow.wait_for("asking fault/slow");
    assert_eq!(slow.end(), 0, "{}", slow.screen());
    assert!(!slow.screen().contains("asking fault/slow"), "it is wiped away: {}", slow.screen());
}
