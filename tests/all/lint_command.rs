//! `lint`, and that nothing in the configuration or on the command line is ignored: what does not exist is refused before
//! anything is sent, with the name that was probably meant.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Cli, Ran, User};

fn options(options: Value) -> Value {
    json!({"plugins": {"entries": {"portkey": {"config": options}}}})
}

fn lint(cli: &Cli, config: &Value) -> Ran {
    cli.write("c.json", config.to_string());
    cli.run(&["lint", "--config", "c.json"])
}

/// A configuration, and what is said of it.
fn wrong() -> Vec<(Value, &'static str)> {
    let entry = |name: &str| {
        let mut config = json!({"models": {"providers": {"portkey": {}}}});
        config["models"]["providers"]["portkey"][name] = json!({"x-a": "b"});
        config
    };
    vec![
        (options(json!({"confg": "pc-a"})), "Did you mean config?"),
        (options(json!({"trace_id": "t"})), "Did you mean traceId?"),
        (options(json!({"temperature": 1})), "goes into the params of a model"),
        (options(json!({"config": {"strategy": {"mode": "fallbak"}}})), "did you mean fallback?"),
        (options(json!({"config": {"strategy": 1}})), "strategy must be an object"),
        (json!({"agents": {"defaults": {"model": null}}}), "must be a text, such as"),
        (options(json!({"config": {"retri": {"attempts": 3}}})), "did you mean retry?"),
        (options(json!({"config": "{\"targts\":[]}"})), "did you mean targets?"),
        (json!({"plugins": {"entries": {"portkey": {"confg": {"config": "pc-a"}}}}}), "Did you mean `config`?"),
        (json!({"plugin": {}}), "Options are at `plugins.entries`"),
        (entry("header"), "Did you mean `headers`?"),
        (entry("haeders"), "Did you mean `headers`?"),
    ]
}

/// Or a call would go where the defaults say, with the key.
#[test]
fn a_configuration_that_is_named_and_not_there_is_refused() {
    let user = User::new();
    for command in [&["chat", "hello"][..], &["models"], &["lint"]] {
        user.cli
            .run(&[command, &["--config", "none.json"]].concat())
            .failed(2, "there is no configuration `none.json`");
    }
    assert!(user.stub.requests().is_empty());
}

/// Or a call would go where the defaults say, with the key, and nobody would know why.
#[test]
fn another_name_near_the_providers_is_warned_of() {
    let user = User::new();
    let entries = |name: &str| json!({"models": {"providers": {(name): {}}}, "plugins": {"entries": {(name): {}}}});
    for (config, told) in
        [(entries("portky"), 2), (entries("port-key"), 2), (entries("openai"), 0), (entries("Portkey"), 1)]
    {
        let linted = lint(&user.cli, &config).out;
        let called = user.cli.run(&["chat", "--config", "c.json", "hello"]).ok().err;
        for said in [linted, called] {
            assert_eq!(said.matches("Did you mean portkey?").count(), told, "{config}: {said}");
        }
    }
}

/// OpenClaw takes it too, and asks in the same form with the plugin's package.
#[test]
fn another_api_is_warned_of() {
    let cli = Cli::new();
    let config = json!({"models": {"providers": {"portkey": {
        "api": "openai-responses", "models": [{"id": "a", "api": "anthropic-messages"}, {"id": "b", "api": "openai-completions"}],
    }}}});
    let lines = lint(&cli, &config).ok().out;
    let places =
        lines.lines().filter_map(|line| Some(line.split_once(": This changes nothing")?.0)).collect::<Vec<_>>();
    assert_eq!(
        places,
        ["warning: models.providers.portkey.api", "warning: models.providers.portkey.models[0].api"],
        "{lines}"
    );
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest_name() {
    let user = User::new();
    for (config, expected) in wrong() {
        user.cli.write("c.json", config.to_string());
        for command in [&["chat", "hello"][..], &["lint"], &["doctor"]] {
            let ran = user.cli.run(&[command, &["--config", "c.json"]].concat());
            assert_eq!(ran.code, 4, "{config}: {command:?}: {ran:?}");
            assert!(ran.said().contains(expected), "{config}: {command:?}: {ran:?}");
        }
        let json = user.cli.run(&["lint", "--config", "c.json", "--json"]);
        assert_eq!(json.code, 4, "{json:?}");
        let (valid, finding) = (&json.json()["valid"], &json.json()["findings"][0]);
        assert_eq!((valid, &finding["severity"]), (&json!(false), &json!("error")));
        assert!(finding["message"].as_str().unwrap().contains(expected), "{json:?}");
        assert!(
            config.pointer(&format!("/{}", finding["path"].as_str().unwrap().replace('.', "/"))).is_some(),
            "{json:?}"
        );
    }
    let chats = user.stub.requests().iter().filter(|request| request.path.contains("chat")).count();
    assert_eq!(chats, 0);
}

#[test]
fn options_on_the_command_line_are_held_to_the_same() {
    let user = User::new();
    for (flags, expected) in [
        (&["--option", "confg=x"][..], "Did you mean config?"),
        (&["--option", "temperature=1"], "chat takes it as --temperature"),
        (&["--portkey-config", r#"{"strategy":{"mode":"fallbak"}}"#], "did you mean fallback?"),
        (&["--header", r#"x-portkey-config: {"strategy":{"mode":"fallbak"}}"#], "did you mean fallback?"),
    ] {
        let ran = user.cli.run(&[&["chat", "hello"], flags].concat());
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{flags:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{flags:?}: {ran:?}");
        assert_eq!(user.cli.run(&[&["lint"], flags].concat()).code, 4, "{flags:?}");
    }
    // The flag is to blame, and not the file; and what is not asked of the flag is the file's.
    user.cli.write("c.json", options(json!({"debgu": true})).to_string());
    for (arguments, expected) in [
        (&["lint", "--option", "confg=x"][..], "error: --option confg: There is no such option."),
        (&["chat", "hello", "--option", "confg=x"], "error: --option confg: There is no such option."),
        (&["lint", "--header", "x-portkey-metadata: x"], "error: --header x-portkey-metadata: "),
        (&["lint", "--trace-id", "a\nb"], "error: --trace-id: "),
        (&["lint", "--base-url", "http://gateway.example/v1"], "warning: --base-url: Plain http over a public network"),
        (&["lint", "--config", "c.json", "--option", "debg=1"], "error: plugins.entries.portkey.config.debgu: "),
    ] {
        let ran = user.cli.run(arguments);
        assert!(ran.said().contains(expected), "{arguments:?}: {ran:?}");
    }
    // All of it is found at once.
    let both = r#"{"strategy":{"mode":"fallbak"},"retri":{}}"#;
    let found = user.cli.run(&["lint", "--portkey-config", both, "--option", "debug=maybe"]);
    assert_eq!((found.code, found.out.lines().count()), (4, 3), "{found:?}");
    assert!(user.stub.requests().is_empty());
}

/// Nobody lints what is typed once.
#[test]
fn what_chat_does_not_take_as_it_is_meant_is_warned_of() {
    let user = User::new();
    let typed = user.cli.run(&["chat", "--header", "x-portkey-confg: pc-a", "hello"]).ok();
    assert!(
        typed.err.starts_with("warning: --header x-portkey-confg: ") && typed.err.contains("-config?"),
        "{typed:?}"
    );
    // Another provider's is no mistake.
    for (model, is_warned) in [("gpt-5", true), ("anthropic/claude-opus-4-6", false)] {
        let config = json!({"agents": {"defaults": {"model": model}}});
        user.cli.write("c.json", config.to_string());
        for command in [&["lint", "--config", "c.json"][..], &["chat", "--config", "c.json", "hello"]] {
            let said = user.cli.run(command).ok();
            let is = (said.out + &said.err).contains("agents.defaults.model");
            assert_eq!(is, is_warned, "{model} {command:?}");
        }
    }
}

/// What keeps `chat` from asking a model, `lint` says.
#[test]
fn a_default_model_that_refers_to_the_key_or_to_nothing_is_one_error() {
    let user = User::new();
    for (name, expected) in [
        ("PORTKEY_API_KEY", "refers to PORTKEY_API_KEY, and the key is no part of a model's name"),
        ("NOPE", "the configuration refers to ${NOPE}, which is not set"),
    ] {
        let config = json!({"agents": {"defaults": {"model": format!("portkey/${{{name}}}")}}});
        let linted = lint(&user.cli, &config);
        assert_eq!((linted.code, linted.out.lines().count()), (4, 1), "{linted:?}");
        assert!(linted.out.starts_with(&format!("error: agents.defaults.model: {expected}")), "{linted:?}");
        let asked = user.cli.run(&["chat", "--config", "c.json", "hello"]);
        assert!(
            asked.code != 0 && asked.err.contains("agents.defaults.model") && asked.err.contains(expected),
            "{asked:?}"
        );
    }
    assert!(user.stub.requests().is_empty());
}

/// What is told of one flag, whether another is there changes nothing of.
#[test]
fn chat_warns_of_the_flags_that_lint_never_sees_alone() {
    let user = User::new();
    let beside = user.stub.base_url().replace("/v1", "/x");
    for more in [&[][..], &["--trace-id", "t"]] {
        let said = user.cli.run(&[&["chat", "hello", "--base-url", &beside], more].concat());
        assert!(!said.err.contains("warning: --base-url"), "{said:?}");
    }
}

/// A reference that is set nowhere is told of alone, where it stands.
#[test]
fn a_base_url_that_refers_to_nothing_is_one_error() {
    let user = User::new();
    let cli = Cli::with_key();
    let entry = json!({"baseUrl": "${NOPE}", "models": [{"id": "gpt-5", "name": "n"}]});
    let config = json!({"models": {"providers": {"portkey": entry}}});
    cli.write("c.json", config.to_string());
    for (command, expected) in [
        (&["lint", "--config", "c.json"][..], "error: models.providers.portkey.baseUrl: "),
        (&["lint", "--config", "c.json", "--base-url", "${NOPE}"], "error: --base-url: "),
    ] {
        let said = cli.run(command);
        assert_eq!((said.code, said.out.lines().count()), (4, 1), "{said:?}");
        assert!(said.out.starts_with(expected) && said.out.contains("NOPE"), "{said:?}");
    }
    // Each model has a place of its own.
    let entry = json!({"baseUrl": user.stub.base_url(), "models": [
        {"id": "b", "name": "n"}, {"id": "@openai/gpt-5-mini", "name": "n", "baseUrl": "${NOPE}/v1"},
    ]});
    let config = json!({"models": {"providers": {"portkey": entry}}});
    cli.write("c.json", config.to_string());
    for command in [&["lint"][..], &["chat", "hello", "--model", "@openai/gpt-5-mini"]] {
        let said = cli.run(&[command, &["--config", "c.json"]].concat());
        let place = "models.providers.portkey.models[1].baseUrl";
        assert!(said.code != 0 && (said.out + &said.err).contains(place), "{command:?}");
    }
}

#[test]
fn doubts_are_told_and_a_good_configuration_has_none() {
    let user = User::new();
    let doubt = user.cli.run(&["lint", "--header", r#"x-portkey-config: {"retry":{"attempts":9}}"#]).ok();
    assert!(doubt.out.starts_with("warning: --header x-portkey-config: "), "{doubt:?}");
    let good = user.cli.run(&["lint"]).ok();
    assert!(good.out.contains("nothing to fix"), "{good:?}");
    // A file that is not there is not called good.
    let none = Cli::new().run(&["lint"]).ok();
    assert!(none.out.contains("there is no ") && none.out.contains("openclaw.json yet"), "{none:?}");
    let json = user.cli.run(&["lint", "--json"]).ok().json();
    assert_eq!((&json["valid"], &json["findings"]), (&json!(true), &json!([])));
    assert!(user.stub.requests().is_empty());
}

/// OpenClaw refuses all of a file for a key that only it knows is none of its own.
#[test]
fn an_installed_openclaw_is_asked_whether_it_takes_the_file() {
    let said = |json: &str| {
        format!(
            "printf %s '{json}'; [ \"$*\" = 'config validate --json' ] && echo \"$OPENCLAW_CONFIG_PATH\" > asked; exit 1"
        )
    };
    let refused = said(
        r#"{"valid": false, "issues": [{"path": "agents.defaults", "message": "Unrecognized key: \"memorySearch\""}]}"#,
    );
    let valid = said(r#"{"valid": true, "path": "x"}"#);
    let old = said("error: unknown command");
    // What this host warns of, OpenClaw says better.
    let lacking = said(
        r#"{"valid": false, "issues": [{"path": "models.providers.portkey.models", "message": "must declare models"}]}"#,
    );
    let file = "{agents: {defaults: {memorySearch: {}}}}";
    for (script, file, code, expected) in [
        (
            &refused,
            file,
            4,
            "error: agents.defaults.memorySearch: OpenClaw refuses the file for it: it has no such key. `openclaw doctor --fix` moves what an older version wrote.\n",
        ),
        (&valid, file, 0, "c.json: nothing to fix\n"),
        (
            &lacking,
            "{models: {providers: {portkey: {baseUrl: 'https://a.example/v1'}}}}",
            4,
            "error: models.providers.portkey.models: OpenClaw refuses the file for it: must declare models\n",
        ),
        (&old, file, 0, "c.json: `openclaw config validate` could not be asked about the file: exit status: 1\n"),
    ] {
        let cli = Cli::before("http://127.0.0.1:1/v1").with_openclaw(script);
        cli.write("c.json", file);
        let ran = cli.run(&["lint", "--config", "c.json"]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.out.ends_with(expected) && ran.out.lines().count() == 1, "{ran:?}");
        let asked = std::fs::read_to_string(cli.folder.path().join("asked")).unwrap();
        assert_eq!(Path::new(asked.trim()).file_name().unwrap(), "c.json");
        assert!(Path::new(asked.trim()).is_absolute(), "{asked}");
    }
}

/// Without the plugin OpenClaw calls by its own client. Its own advice, to remove the plugin's options, is not repeated.
#[test]
fn a_plugin_that_openclaw_lacks_is_named_where_the_file_is_for_it() {
    let inspected = |inspected: &str| {
        format!(
            r#"case "$*" in *"plugins inspect portkey --json") echo '{inspected}'; exit 1;;
            *) echo '{{"valid": true, "warnings": [{{"path": "plugins.entries.portkey", "message":
                "plugin not found: portkey (stale config entry ignored; remove it from plugins config)"}}]}}';; esac"#
        )
    };
    let found = inspected(
        r#"{"ok": false, "error": {"message": "Plugin not found: portkey. Run `openclaw plugins list` to see them."}}"#,
    );
    let older = inspected("error: unknown command");
    let silent = older.replace("plugin not found", "channel not found").replace("entries.portkey", "entries.other");
    let provider = json!({"providers": {"Portkey": {"baseUrl": "https://api.portkey.ai/v1", "models": []}}});
    let options = json!({"entries": {"portkey": {"config": {"provider": "openai"}}}});
    let both = json!({"models": provider, "plugins": options});
    for (script, file, path) in [
        (&found, &both, Some("models.providers.Portkey")),
        (&older, &both, Some("models.providers.Portkey")),
        (&older, &json!({"plugins": options}), Some("plugins.entries.portkey")),
        (&silent, &both, None),
    ] {
        let cli = Cli::before("http://127.0.0.1:1/v1").with_openclaw(script);
        std::fs::create_dir(cli.folder.path().join(".openclaw-work")).unwrap();
        cli.write(".openclaw-work/openclaw.json", file.to_string());
        let ran = cli.run(&["lint", "--profile", "work", "--json"]);
        let all: Value = serde_json::from_str(&ran.out).unwrap();
        let all = all["findings"].as_array().unwrap();
        assert_eq!((ran.code, all.len()), (0, usize::from(path.is_some())), "{ran:?}");
        for finding in all {
            assert_eq!((&finding["severity"], &finding["path"]), (&json!("warning"), &json!(path)), "{ran:?}");
            let install = "Install the plugin's package with `openclaw --profile work plugins install`.";
            assert!(finding["message"].as_str().unwrap().ends_with(install), "{finding}");
        }
    }
}

/// Only what this host says of the same lack gives way to OpenClaw's words.
#[test]
fn what_openclaw_says_takes_the_place_of_nothing_else() {
    let issue = |place: &str| {
        format!(
            r#"printf %s '{{"valid": false, "issues": [{{"path": "models.providers.portkey.{place}", "message": "wrong"}}]}}'; exit 1"#
        )
    };
    let entry = |entry: Value| json!({"models": {"providers": {"portkey": entry}}}).to_string();
    let row = json!({"id": "a", "name": "A", "baseUrl": "http://gateway.example/v1"});
    let of_row = entry(json!({"baseUrl": "https://a.example/v1", "models": [row]}));
    let refused = "OpenClaw refuses the file for it: wrong";
    for (script, file, expected) in [
        // The variable goes over the file, and the file still lacks it.
        (issue("baseUrl"), entry(json!({"models": []})), vec![format!("models.providers.portkey.baseUrl: {refused}")]),
        (
            issue("models.0.baseUrl"),
            of_row,
            vec![
                "models.providers.portkey.models[0].baseUrl: Plain http".to_owned(),
                format!("models.providers.portkey.models.0.baseUrl: {refused}"),
            ],
        ),
    ] {
        let cli = Cli::before("http://127.0.0.1:1/v1").with_openclaw(&script);
        cli.write("c.json", &file);
        let ran = cli.run(&["lint", "--config", "c.json"]);
        assert_eq!((ran.code, ran.out.lines().count()), (4, expected.len()), "{file}: {ran:?}");
        for (line, expected) in ran.out.lines().zip(&expected) {
            assert!(line.contains(expected), "{file}: {ran:?}");
        }
    }
}

/// OpenClaw refuses the whole file, which this host can do with: said where no `openclaw` is there to say it.
#[test]
fn what_openclaw_needs_in_an_entry_is_named() {
    let cli = Cli::new();
    let row = json!({"id": "@openai/gpt-5", "name": "GPT-5"});
    let entry = "models.providers.portkey";
    for (entries, missing) in [
        (json!({"portkey": {"apiKey": "x"}}), vec![format!("{entry}.baseUrl"), format!("{entry}.models")]),
        (json!({"portkey": {"baseUrl": " ", "models": []}}), vec![format!("{entry}.baseUrl")]),
        (
            json!({"portkey": {"baseUrl": "https://a.example/v1", "models": [row, {"id": "b"}, {"id": "c"}]}}),
            vec![format!("{entry}.models[1].name"), format!("{entry}.models[2].name")],
        ),
        (json!({"portkey": {"baseUrl": "https://a.example/v1", "models": [row]}}), Vec::new()),
        (json!({"Portkey": {"models": []}, "portkey": {"baseUrl": "https://api.portkey.ai/v1"}}), Vec::new()),
        (json!({"another": {}}), Vec::new()),
    ] {
        let config = json!({"models": {"providers": entries}});
        let found = lint(&cli, &config).ok().out;
        let places = found.lines().filter_map(|line| {
            let (place, _) = line.strip_prefix("warning: ")?.split_once(": OpenClaw refuses the file without it")?;
            Some(place.to_owned())
        });
        assert_eq!(places.collect::<Vec<_>>(), missing, "{config}: {found}");
    }
    // What goes over the file adds nothing to it.
    let config = json!({"models": {"providers": {"portkey": {"models": []}}}});
    cli.write("c.json", config.to_string());
    let url = "http://127.0.0.1:8787/v1";
    let by_variable = cli.run_with("PORTKEY_BASE_URL", url, &["lint", "--config", "c.json"]);
    for found in [by_variable, cli.run(&["lint", "--config", "c.json", "--base-url", url])] {
        let found = found.ok();
        assert!(found.out.starts_with(&format!("warning: {entry}.baseUrl: OpenClaw refuses")), "{found:?}");
        assert_eq!(found.out.lines().count(), 1, "{found:?}");
    }
}

/// A file may hold any number of rows.
#[test]
fn of_many_rows_without_a_name_the_first_are_named_and_the_others_counted() {
    let cli = Cli::new();
    let rows: Vec<_> = (0..1_000).map(|number| json!({"id": format!("@a/m{number}")})).collect();
    let entry = json!({"baseUrl": "https://a.example/v1", "models": rows});
    let found = lint(&cli, &json!({"models": {"providers": {"portkey": entry}}})).ok().out;
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 101, "{found}");
    assert!(lines[99].starts_with("warning: models.providers.portkey.models[99].name: "), "{found}");
    assert!(
        lines[100].starts_with("warning: models.providers.portkey.models: 900 more rows have no `name`. "),
        "{found}"
    );
}

/// What the host itself refuses is found at once too, and beside what the plugin finds.
#[test]
fn all_that_is_wrong_is_said_at_once() {
    let user = User::new();
    let config = json!({
        "plugin": {},
        "models": {"provider": {}, "providers": {"portkey": {
            "baseURL": "x",
            "headers": {"x-a": {"source": "exec", "provider": "v", "id": "i"}},
            "request": {"auth": {"mode": "basic"}, "tls": {"passphrase": "x"}},
            "models": [{"id": "a", "baseUrl": "http://gateway.example/v1"}],
        }}},
        "plugins": {"entries": {"portkey": {"config": {"confg": "pc-a", "key": "${PORTKEY_API_KEY}"}}}},
    });
    user.cli.write("c.json", config.to_string());
    let found = user.cli.run(&["lint", "--config", "c.json", "--json"]).json();
    let found: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["severity"].as_str().unwrap(), finding["path"].as_str().unwrap()))
        .collect();
    let (error, warning) = ("error", "warning");
    for expected in [
        (error, "plugin"),
        (error, "models.provider"),
        (error, "models.providers.portkey.baseURL"),
        (error, "models.providers.portkey.headers.x-a"),
        (error, "models.providers.portkey.request.auth.mode"),
        (error, "models.providers.portkey.request.tls.passphrase"),
        (warning, "models.providers.portkey.models[0].baseUrl"),
        (error, "plugins.entries.portkey.config"),
        (error, "plugins.entries.portkey.config.confg"),
    ] {
        assert_eq!(found.iter().filter(|found| **found == expected).count(), 1, "{expected:?} in {found:?}");
    }
    assert!(user.stub.requests().is_empty());
}

/// The key would go over the network for everybody to read; in a network of one's own that may be meant.
#[test]
fn plain_http_to_a_public_gateway_is_warned_about() {
    let cli = Cli::new();
    for (base_url, allow_private, is_warned) in [
        ("http://gateway.example/v1", false, true),
        ("http://93.184.216.34/v1", true, true),
        ("https://gateway.example/v1", false, false),
        ("http://localhost:8787/v1", false, false),
        ("http://127.0.0.1:8787/v1", false, false),
        ("http://host.docker.internal:8787/v1", false, false),
        ("http://gateway.corp.example/v1", true, false),
        ("http://10.1.2.3/v1", true, false),
    ] {
        let entry = json!({"baseUrl": base_url, "request": {"allowPrivateNetwork": allow_private}});
        let ran = lint(&cli, &json!({"models": {"providers": {"portkey": entry}}})).ok();
        assert_eq!(
            ran.out.contains("portkey.baseUrl: Plain http over a public network"),
            is_warned,
            "{base_url}: {ran:?}"
        );
    }
}
