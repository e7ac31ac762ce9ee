//! Files, merges and variables of the environment that attack: nothing reaches further than it should.

use std::{fs, os::unix::fs::symlink};

use host_harness::{types::ErrorKind as Kind, wit::onboarding::Choices};
use serde_json::json;

use super::{Host, hostile, refused, shown};
use crate::{
    raw_server::{HELLO, JSON, recording, whole},
    support::{Cli, KEY, Ran, User, component, start},
};

#[tokio::test]
async fn a_merge_that_reaches_beyond_the_plugins_part_is_refused() {
    let host = Host::new().await;
    let config = |attack: &str| {
        json!({
            "gateway": {"token": "users-own"},
            "env": {"OTHER_SECRET": "s"},
            "models": {"providers": {"hostile": {
                "attack": attack,
                "baseUrl": "https://chosen.example/v1",
                "apiKey": KEY,
            }}},
        })
    };
    let none = || Choices { base_url: None, model: None, api_key_reference: None };
    let merge = async |attack: &str, choices: Choices| host.plugin.apply_config(&config(attack), &choices).await;
    for (attack, kind, because) in [
        ("write elsewhere", Kind::InvalidConfig, "outside its part"),
        ("other provider", Kind::InvalidConfig, "outside its part"),
        ("nested deep", Kind::InvalidConfig, "not JSON"),
        ("nested large", Kind::InvalidConfig, "larger"),
        ("not json", Kind::InvalidConfig, "not JSON"),
        ("call elsewhere", Kind::InvalidConfig, "baseUrl"),
        ("open the network", Kind::InvalidConfig, "request"),
        ("refer to a secret", Kind::InvalidConfig, "headers"),
        ("move a secret", Kind::InvalidConfig, "secret"),
        ("move a secret to a header", Kind::InvalidConfig, "secret"),
        ("trap", Kind::Other, "unreachable"),
        ("spin", Kind::Timeout, "took longer"),
    ] {
        refused(attack, merge(attack, none()).await, kind, because);
    }
    assert_eq!(merge("none", none()).await.unwrap(), config("none"));
    // The user may say what the plugin may not.
    let chosen = Choices { base_url: Some("https://elsewhere.example/v1".into()), ..none() };
    let merged = merge("call elsewhere", chosen).await.unwrap();
    assert_eq!(merged["models"]["providers"]["hostile"]["baseUrl"], "https://elsewhere.example/v1");
    host.serves().await;
}

/// References in other forms than the plain one, and what is hidden put elsewhere.
#[tokio::test]
async fn a_merge_gets_at_no_secret_by_writing_it_otherwise() {
    let host = Host::new().await;
    let config = json!({
        "env": {"OTHER_SECRET": "s"},
        "models": {"providers": {"hostile": {
            "attack": "edit",
            "baseUrl": "https://chosen.example/v1",
            "headers": {"x-config": "{\"api_key\":\"sk-literal-1\"}", "x-own-key": "sk-literal-2"},
        }}},
        "plugins": {"entries": {"hostile": {"config": {"virtualKey": "sk-literal-3"}}}},
    });
    let merge = async |edit: String| {
        let choices = Choices { base_url: None, model: Some(edit), api_key_reference: None };
        host.plugin.apply_config(&config, &choices).await
    };
    assert_eq!(merge("nothing -> nothing".into()).await.unwrap(), config);
    let entry = r#""attack":"edit""#;
    for (old, new, because) in [
        (entry, r#""attack":"edit","apiKey":{"source":"env","id":"OTHER_SECRET"}"#, "`apiKey`"),
        (entry, r#""attack":"edit","apiKey":{"source":"exec","provider":"vault","id":"THEIRS"}"#, "`apiKey`"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"k\":\"\\u0024{OTHER_SECRET}\"}","#, "`headers`"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"api_key\":\"x${OTHER_SECRET}\"}","#, "`headers`"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"in\":\"{\\\"k\\\":\\\"${OTHER_SECRET}\\\"}\"}","#, "`headers`"),
        (r#""virtualKey":"#, r#""config":{"a":[{"source":"env","id":"OTHER_SECRET"}]},"virtualKey":"#, "an option"),
        (r#""virtualKey":"#, r#""config":"${OTHER_SECRET}","virtualKey":"#, "an option"),
        // What is hidden, elsewhere: alone, in a name, in a place where the next look would see it.
        (r#""headers":{"#, r#""headers":{"x-a":"SEALED_1","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-SEALED_1":"","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"k\":\"SEALED_1\"}","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-a":"SEALED_2","#, "secret"),
        (r#""virtualKey":"#, r#""traceId":"SEALED_2","virtualKey":"#, "secret"),
        (r#""virtualKey":"#, r#""traceId":"${SEALED_1}","virtualKey":"#, "secret"),
        (entry, r#""attack":"edit","name":"SEALED_1""#, "secret"),
    ] {
        let error = refused(new, merge(format!("{old} -> {new}")).await, Kind::InvalidConfig, because);
        assert!(!shown(&error).contains("sk-literal"), "{new}: {error:?}");
    }
    host.serves().await;
}

/// Values that go along in the environment are for one process: not for those that it starts, nor for a later one.
#[test]
fn arguments_are_not_taken_from_an_environment_that_is_for_another() {
    let cli = Cli::new().env("HOST_HARNESS_HIDDEN", "1 1").env("HOST_HARNESS_HIDDEN_0", "no header: at all");
    let ran = cli.run(&["stub", "--faults", "--require", "x-own: 1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let shown = cli.run(&["models", "--header", "***"]);
    assert!(shown.err.contains("invalid value for '--header") && !shown.err.contains("at all"), "{shown:?}");
}

/// A folder that somebody else filled, such as a repository: nothing in it is read because one works there.
#[test]
fn a_folder_that_one_works_in_says_nothing() {
    let user = User::new();
    let folder = user.cli.folder.path().join("cloned");
    fs::create_dir_all(folder.join(".openclaw")).unwrap();
    let elsewhere = "http://127.0.0.1:9/v1";
    let config = json!({"models": {"providers": {"portkey": {"baseUrl": elsewhere, "apiKey": "theirs"}}}}).to_string();
    for (name, text) in [
        (
            ".env",
            format!(
                "PORTKEY_BASE_URL={elsewhere}\nPORTKEY_API_KEY=theirs\nHTTP_PROXY={elsewhere}\nALL_PROXY={elsewhere}\n"
            ),
        ),
        ("openclaw.json", config.clone()),
        ("clawdbot.json", config.clone()),
        (".openclaw/openclaw.json", config.clone()),
        (".openclaw/.env", format!("PORTKEY_BASE_URL={elsewhere}\n")),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    component();
    fs::write(folder.join("portkey_provider.wasm"), hostile()).unwrap();
    fs::write(folder.join("gateway.wasm"), hostile()).unwrap();
    for arguments in [&["models"][..], &["chat", "hello"], &["doctor"]] {
        let ran = Ran::from(user.cli.command(arguments).current_dir(&folder).output().unwrap()).ok();
        assert!(!ran.said().contains("127.0.0.1:9") && !ran.said().contains("Hostile"), "{arguments:?}: {ran:?}");
    }
    assert!(user.stub.requests().len() >= 3);
}

/// What an error repeats of a file is its place, and not its text: it may be another's file, or a secret.
#[test]
fn no_error_shows_what_is_in_a_file_that_is_not_a_configuration() {
    let user = User::new();
    let folder = user.cli.folder.path().join(".openclaw");
    fs::create_dir(&folder).unwrap();
    let secret = user.cli.folder.path().join("secret");
    for text in [
        "hunter22:x:0:0\n", "{\"key\": hunter22}", "[hunter22", "{\"a\": 'hunter22\n'}", "\"hunter22", "{hunter22",
        "hunter22",
    ] {
        fs::write(&secret, text).unwrap();
        let ran = user.cli.run(&["models", "--config", secret.to_str().unwrap()]);
        assert!(ran.code != 0 && !format!("{ran:?}").contains("hunter22"), "{text}: {ran:?}");
        let link = folder.join("linked.json");
        let _ = fs::remove_file(&link);
        symlink(&secret, &link).unwrap();
        for include in [
            secret.to_str().unwrap(),
            "../secret",
            "./../.openclaw/../secret",
            "linked.json",
            "/proc/self/environ",
            "/dev/zero",
        ] {
            fs::write(folder.join("openclaw.json"), json!({"$include": include}).to_string()).unwrap();
            let ran = user.cli.run(&["models"]);
            assert!(ran.code != 0, "{include}: {ran:?}");
            assert!(
                !format!("{ran:?}").contains("hunter22") && !format!("{ran:?}").contains(KEY),
                "{include}: {ran:?}"
            );
        }
    }
    assert!(user.stub.requests().is_empty());
}

/// OpenClaw fills in what looks like a reference wherever it stands. A gateway that names its model so would be told the secret
/// with the next request.
#[tokio::test(flavor = "multi_thread")]
async fn a_models_name_becomes_no_reference_in_the_file() {
    for name in ["@openai/${OPENAI_API_KEY}", "${PORTKEY_API_KEY}", "x ${env:HOME} ${OTHER_KEY}"] {
        let list = json!({"object": "list", "data": [{"id": name}]}).to_string();
        let (gateway, _) = recording(whole(JSON, list)).await;
        let cli = Cli::before(format!("http://{gateway}/v1"));
        let cli = cli.env("OPENAI_API_KEY", "sk-other-secret").env("OTHER_KEY", "sk-other-secret");
        for arguments in [
            &["models", "--default", name][..],
            &["models", "--default", name, "--no-check"],
            &["onboard", "--yes", "--model", name],
            &["onboard", "--yes", "--model", name, "--no-check"],
        ] {
            let ran = cli.run(arguments);
            let written = fs::read_to_string(cli.folder.path().join(".openclaw/openclaw.json")).unwrap_or_default();
            assert!(
                ran.code != 0 && !written.contains("${O") && !written.contains("portkey/${"),
                "{arguments:?}: {ran:?} {written}"
            );
            assert!(!format!("{ran:?}").contains("sk-other-secret"), "{ran:?}");
        }
    }
}

/// What a file says twice, or of JavaScript's members, means what it means to OpenClaw, whose reader takes the last.
#[test]
fn a_file_that_says_a_thing_twice_calls_what_openclaw_would() {
    let user = User::new();
    let (other, others) = start(recording(whole(JSON, HELLO)));
    let (own, other) = (user.stub.base_url(), format!("http://{other}/v1"));
    for text in [
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}", baseUrl: "{own}"}}}}}}}}"#),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}", "base\u0055rl": "{own}"}}}}}}}}"#),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}"}}, "portkey": {{baseUrl: "{own}"}}}}}}}}"#),
        format!(
            r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}"}}}}}}, models: {{providers: {{portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{own}"}}, __proto__: {{baseUrl: "{other}"}}}}}}}}"#),
        format!(
            r#"{{__proto__: {{models: {{providers: {{portkey: {{baseUrl: "{other}"}}}}}}}}, models: {{providers: {{portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
        format!(
            r#"{{models: {{providers: {{constructor: {{prototype: {{baseUrl: "{other}"}}}}, portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
    ] {
        user.stub.clear();
        user.cli.write("twice.json", &text);
        let output =
            user.cli.command(&["chat", "hello", "--config", "twice.json"]).env_remove("PORTKEY_BASE_URL").output();
        let ran = Ran::from(output.unwrap());
        assert!(ran.code == 0 && user.stub.requests().len() == 1, "{text}: {ran:?}");
    }
    assert!(others.lock().unwrap().is_empty());
}

/// What stands in the environment for terminals, languages and other programs changes no answer.
#[test]
fn odd_variables_change_no_answer() {
    let user = User::new();
    let expected = user.cli.run(&["chat", "hello"]).ok().out;
    let long = "x.example,".repeat(12_000);
    for (name, value) in [
        ("COLUMNS", "99999999999"),
        ("COLUMNS", "0"),
        ("COLUMNS", "-1"),
        ("LINES", "0"),
        ("TERM", "\u{1b}]0;x\u{7}"),
        ("TERM", ""),
        ("TZ", "../../../etc/passwd"),
        ("LC_ALL", "\u{1b}]0;x\u{7}"),
        ("LANG", "tr_TR.UTF-8"),
        ("CLICOLOR_FORCE", "1"),
        ("NO_COLOR", "1"),
        ("NO_PROXY", &long),
        ("TMPDIR", "/no/such/folder"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_LOG", "trace"),
        ("SSL_CERT_DIR", "/dev"),
        ("HOSTALIASES", "/etc/passwd"),
        ("MALLOC_TRACE", "trace"),
        ("PWD", "/"),
        ("USER", "root\nx"),
    ] {
        let ran = user.cli.run_with(name, value, &["chat", "hello"]);
        assert!(ran.code == 0 && ran.out == expected, "{name}={value:.20}: {ran:?}");
        assert!(!ran.err.contains("\u{1b}]") && !ran.err.contains(KEY), "{name}={value:.20}: {ran:?}");
    }
}

/// What a configuration says of its agents is read, or refused by name: it steers no terminal, adds no header, and shows no
/// secret.
#[test]
fn agents_of_any_form_are_read_or_refused_by_name() {
    let user = User::new();
    let many =
        (0..50_000).map(|number| format!(r#""a{number}":{{"model":"portkey/m"}}"#)).collect::<Vec<_>>().join(",");
    let many = format!(r#"{{"entries":{{{many}}}}}"#);
    let deep =
        format!(r#"{{"entries":{{"a":{{"params":{{"extraBody":{}{}}}}}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (agents, codes) in [
        (r#"{"entries":{"\u001b]0;x\u0007":{"model":"portkey/m"}}}"#, &[0][..]),
        (r#"{"entries":{"\u001b]0;x\u0007":{"model":3}}}"#, &[4]),
        (r#"{"entries":{"__proto__":{"model":"portkey/m"}}}"#, &[0]),
        (r#"{"entries":{"":{"model":"portkey/m"}}}"#, &[0]),
        (r#"{"entries":{"a":{"model":"portkey/\u001b]0;x\u0007"}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":"\u009d0;x\u009c"}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":{"primary":[]}}}}"#, &[4]),
        (r#"{"entries":"x"}"#, &[4]),
        (r#"{"entries":[]}"#, &[4]),
        (r#"{"entries":{"a":"x","b":null}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"models":[]}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"models":{"portkey/m":"x","/":{},"portkey/":3}}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"params":"x"}}}"#, &[0, 2, 4]),
        (
            r#"{"entries":{"a":{"params":{"headers":{"x-own":"1"},"temperature":1e308,"maxTokens":-1,"stop":[{}]}}}}"#,
            &[0, 2, 4],
        ),
        (r#"{"entries":{"a":{"model":"${PORTKEY_API_KEY}"}}}"#, &[0, 2, 4]),
        (r#"{"list":"x"}"#, &[4]),
        (r#"{"list":[[],{"model":"portkey/m"},7]}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":"portkey/m"}},"entries":{"b":{"model":"portkey/n"}}}"#, &[0]),
        (&many, &[0]),
        (&deep, &[4]),
    ] {
        user.stub.clear();
        user.cli.write("agents.json", format!(r#"{{"agents":{agents}}}"#));
        let shown = agents.get(..200).unwrap_or(agents);
        for command in [&["chat", "hello", "--config", "agents.json"][..], &["doctor", "--config", "agents.json"]] {
            let ran = user.cli.run(command);
            let text = ran.said();
            if command[0] == "chat" {
                assert!(codes.contains(&ran.code), "{shown}: {ran:?}");
            }
            assert!(!text.contains("panicked") && !text.contains(KEY), "{shown}: {text}");
            // What a model says goes into a pipe as it is.
            let steering = if command[0] == "chat" { &ran.err } else { &text };
            assert!(!steering.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown}: {steering:?}");
        }
        assert!(user.stub.requests().iter().all(|request| request.header("x-own").is_none()), "{shown}");
    }
}
