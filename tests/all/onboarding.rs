//! Onboarding through the host: the plugin's merge, what the plugin gets to see, and the file.

use host_harness::{ConfigFile, wit::onboarding::Choices};
use serde_json::{Value, json};

use crate::support::{Cli, KEY, Ran, User, plugin, start, upstream};

fn choices() -> Choices {
    Choices { base_url: None, model: None, api_key_reference: None }
}

/// The form of Portkey's own guide for OpenClaw.
#[tokio::test]
async fn a_new_user_gets_the_form_of_the_guide() {
    let choices = Choices { api_key_reference: Some("${PORTKEY_API_KEY}".into()), ..choices() };
    let config = plugin().await.apply_config(&json!({}), &choices).await.unwrap();
    let provider = &config["models"]["providers"]["portkey"];
    assert_eq!(provider["baseUrl"], "https://api.portkey.ai/v1");
    assert_eq!(provider["apiKey"], "${PORTKEY_API_KEY}");
    assert_eq!(provider["api"], "openai-completions");
    assert_eq!(provider["models"][0]["id"], "@anthropic/claude-sonnet-4-5");
    assert_eq!(config["models"]["mode"], "merge");
    let reference = "portkey/@anthropic/claude-sonnet-4-5";
    assert_eq!(config["agents"]["defaults"]["model"]["primary"], reference);
    assert_eq!(config["agents"]["defaults"]["models"][reference]["alias"], "Portkey");
}

/// It may be somebody else's model, in what the plugin is not shown.
#[tokio::test]
async fn an_alias_that_is_taken_is_left_out_and_null_is_as_good_as_nothing() {
    let reference = "portkey/@anthropic/claude-sonnet-4-5";
    for (config, alias) in [
        (json!({"agents": {"defaults": {"model": "Portkey"}}}), None),
        (json!({"models": {"providers": {"other": {"models": [{"id": "portkey"}]}}}}), None),
        (json!({"agents": null, "models": null}), Some("Portkey")),
        (json!({"agents": {"defaults": null}}), Some("Portkey")),
    ] {
        let merged = plugin().await.apply_config(&config, &choices()).await.unwrap();
        let defaults = &merged["agents"]["defaults"];
        let named = defaults["models"][reference].as_object().unwrap();
        assert_eq!(named.get("alias").and_then(Value::as_str), alias, "{merged}");
        let asked = config.pointer("/agents/defaults/model").unwrap_or(&json!({"primary": reference})).clone();
        assert_eq!(defaults["model"], asked, "{merged}");
        assert!(merged["models"]["providers"]["portkey"]["models"].is_array(), "{merged}");
    }
}

#[test]
fn onboard_writes_a_file_that_the_other_commands_understand() {
    let cli = Cli::with_key();
    let path = cli.folder.path().join("sub/openclaw.json");
    let path = path.to_str().unwrap();
    let first = cli
        .run(&["onboard", "--json", "--no-check", "--config", path, "--base-url", " http://127.0.0.1:1/v1/ "])
        .ok()
        .json();
    assert_eq!(first["changed"], true);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(KEY), "the file refers to the key and does not hold it: {text}");
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["models"]["providers"]["portkey"]["baseUrl"], "http://127.0.0.1:1/v1");

    let again = cli.run(&["onboard", "--json", "--no-check", "--config", path]).ok().json();
    assert_eq!(again["changed"], false);
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

/// What one agent asks is no choice for the others.
#[test]
fn the_only_agents_own_model_becomes_no_default_of_all() {
    let cli = Cli::with_key();
    for own in ["portkey/@openai/gpt-5", "other/model"] {
        let config = json!({"agents": {"entries": {"main": {"model": own}}}});
        cli.write("c.json", config.to_string());
        let ran = cli.run(&["onboard", "--json", "--no-check", "--config", "c.json"]).ok().json();
        assert_eq!((&ran["changed"], &ran["default_model"]), (&json!(true), &Value::Null), "{own}");
        let text = std::fs::read_to_string(cli.folder.path().join("c.json")).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written["agents"]["entries"], config["agents"]["entries"]);
        let listed = written["models"]["providers"]["portkey"]["models"].as_array().unwrap();
        assert_eq!(listed.iter().any(|model| model["id"] == "@openai/gpt-5"), own.starts_with("portkey"), "{text}");
    }
}

/// Or the next chat asks another model than the one that was just named.
#[test]
fn a_model_that_does_not_become_the_default_is_told_of() {
    let cli = Cli::with_key();
    let run =
        |arguments: &[&str]| cli.run(&[&["onboard", "--no-check", "--config", "c.json"], arguments].concat()).ok().err;
    assert!(!run(&["--model", "@openai/gpt-5"]).contains("stays"), "the first is the default");
    let told = "The default model stays portkey/@openai/gpt-5: --default makes it @openai/o3.";
    assert!(run(&["--model", "@openai/o3"]).contains(told));
    for quiet in [
        &["--model", "@openai/o3", "--keep-default"][..],
        &["--model", "@openai/gpt-5"],
        &[],
        &["--model", "@openai/o3", "--default"],
    ] {
        assert!(!run(quiet).contains("stays"), "{quiet:?}");
    }
}

/// OpenClaw takes all behind an `@` for a profile but a date and a quantization.
#[test]
fn a_model_that_openclaw_would_read_with_a_profile_is_refused_by_that() {
    let cli = Cli::with_key();
    let onboard = |model: &str, more: &[&str]| {
        cli.run(&[&["onboard", "--no-check", "--config", "c.json", "--model", model], more].concat())
    };
    for (model, asked) in
        [("@vertex/mistral-large@2407", "@vertex/mistral-large"), ("@v/m@001", "@v/m"), ("@v/m@latest", "@v/m")]
    {
        for more in [&[][..], &["--keep-default"]] {
            onboard(model, more).failed(4, &format!("asks for `portkey/{asked}`"));
        }
    }
    // As the hint has it, and as OpenClaw reads it.
    let aliases = json!({"portkey/@v/m@001": {"alias": "mine"}});
    cli.write("c.json", json!({"agents": {"defaults": {"model": "mine", "models": aliases}}}).to_string());
    onboard("@v/m@001", &[]).ok();
    let file = ConfigFile::open(cli.folder.path().join("c.json")).unwrap();
    assert_eq!(file.value()["models"]["providers"]["portkey"]["models"][0]["id"], "@v/m@001");
    assert_eq!(file.value()["agents"]["defaults"], json!({"model": "mine", "models": aliases}));
    onboard("@v/m@20250929", &[]).ok();
}

#[test]
fn onboard_stores_the_key_only_where_it_is_told_to() {
    let cli = Cli::new();
    cli.run(&["onboard", "--config", "openclaw.json", "--key", "env"]).failed(2, "PORTKEY_API_KEY");
    assert!(!cli.folder.path().join("openclaw.json").exists());

    let cli = Cli::with_key();
    cli.run(&["onboard", "--no-check", "--config", "openclaw.json", "--key", "env"]).ok();
    let config = ConfigFile::open(cli.folder.path().join("openclaw.json")).unwrap();
    assert_eq!(config.value()["env"]["vars"]["PORTKEY_API_KEY"], KEY);
    assert_eq!(config.value()["models"]["providers"]["portkey"]["apiKey"], "${PORTKEY_API_KEY}");
}

/// As the configuration is written: the rest stays, the old file is kept, and nobody else can read it.
#[test]
fn the_key_goes_into_openclaws_env_file_once() {
    let cli = Cli::new();
    let state = cli.folder.path().join(".openclaw");
    std::fs::create_dir(&state).unwrap();
    let file = state.join(".env");
    let old = "# mine\nOTHER=1\nPORTKEY_API_KEY='old'\nPORTKEY_API_KEY=older\n";
    std::fs::write(&file, old).unwrap();
    let flags = ["onboard", "--no-check", "--key", "dotenv", "--portkey-api-key", KEY];
    let ran = cli.run(&flags).ok();
    assert!(ran.err.contains(&format!("PORTKEY_API_KEY is in {}", file.display())), "{ran:?}");
    let new = format!("# mine\nOTHER=1\nPORTKEY_API_KEY={KEY}\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), new);
    assert_eq!(std::fs::read_to_string(state.join(".env.bak-1")).unwrap(), old);
    let config = std::fs::read_to_string(state.join("openclaw.json")).unwrap();
    assert!(config.contains("${PORTKEY_API_KEY}") && !config.contains(KEY), "{config}");
    for private in [file.clone(), state.join(".env.bak-1")] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(private).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Once more, there is nothing to write.
    cli.run(&flags).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), new);
    assert!(!state.join(".env.bak-2").exists());
    let mut left: Vec<_> = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".env", ".env.bak-1", "openclaw.json"], "no lock and no half file stays");
}

/// The configuration refers to it, and so it must come from somewhere.
#[test]
fn a_key_given_as_a_flag_is_to_be_put_where_the_configuration_says() {
    let cli = Cli::new();
    let path = cli.folder.path().join("openclaw.json");
    let key = |place| {
        let flags = ["onboard", "--no-check", "--config", "openclaw.json", "--key", place, "--portkey-api-key", KEY];
        let ran = cli.run(&flags).ok();
        (ran, ConfigFile::open(&path).unwrap().value().clone())
    };
    std::fs::write(&path, r#"{"models":{"providers":{"portkey":{"apiKey":"another-key"}}}}"#).unwrap();
    let (ran, config) = key("reference");
    assert!(ran.err.contains("Set PORTKEY_API_KEY to the key where OpenClaw starts"), "{ran:?}");
    assert_eq!(
        config["models"]["providers"]["portkey"]["apiKey"], "${PORTKEY_API_KEY}",
        "the other is not called with"
    );
    assert!(!std::fs::read_to_string(&path).unwrap().contains(KEY));

    let (ran, config) = key("env");
    assert!(!ran.err.contains("Set PORTKEY_API_KEY"), "{ran:?}");
    assert_eq!(config["env"]["vars"]["PORTKEY_API_KEY"], KEY);
}

/// Calls take the provider's id in any case, and so does each command.
#[test]
fn an_entry_in_another_case_is_the_same_entry() {
    let (cli, with_key) = (Cli::new(), Cli::with_key());
    let text = r#"{
  models: { providers: {
    PORTKEY: {
      baseUrl: "http://127.0.0.1:1/v1", // the staging gateway
      apiKey: "pk-literal",
    },
    openai: {},
  } },
}
"#;
    for cli in [&cli, &with_key] {
        cli.write("openclaw.json", text);
    }
    let report = cli.run(&["doctor", "--json", "--config", "openclaw.json"]).json();
    let key = report["checks"].as_array().unwrap().iter().find(|line| line["name"] == "key").unwrap();
    assert_eq!(key["state"], "ok", "{key}");
    assert!(key.to_string().contains("models.providers.PORTKEY.apiKey"), "{key}");

    for (cli, key) in [(&cli, "pk-literal"), (&with_key, KEY)] {
        cli.run(&["onboard", "--config", "openclaw.json", "--yes", "--no-check", "--key", "env"]).ok();
        let file = ConfigFile::open(cli.folder.path().join("openclaw.json")).unwrap();
        assert_eq!(file.value()["env"]["vars"]["PORTKEY_API_KEY"], key);
        let written = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(written.matches("pk-literal").count(), usize::from(key == "pk-literal"), "{written}");
        assert!(
            written.contains("    \"portkey\": {\n      baseUrl: \"http://127.0.0.1:1/v1\", // the staging gateway\n"),
            "{written}"
        );
        assert_eq!(file.value()["models"]["providers"]["portkey"]["apiKey"], "${PORTKEY_API_KEY}");
    }
}

/// Whoever onboards without a terminal, as in CI, learns at once that it would not work, and nothing is written.
#[test]
fn a_key_is_checked_before_anything_is_written() {
    let user = User::new();
    let good = user.stub.base_url();
    let old = "// mine\n{ gateway: { port: 1 } }\n";
    let root = good.trim_end_matches("/v1");
    let deeper = format!("{good}/nothing");
    let path = user.cli.folder.path().join("openclaw.json");
    let flags = [&["--yes"][..], &[], &["--json"], &["--yes"], &[], &[]];
    for ((key, base_url, code, part), flags) in [
        ("pk-of-somebody-else", good.as_str(), 3, "copy it again"),
        (KEY, "http://127.0.0.1:1/v1", 6, "the gateway runs at the base URL"),
        ("pk-of-somebody-else", good.as_str(), 3, "copy it again"),
        (KEY, root, 4, "usually ends in /v1"),
        (KEY, deeper.as_str(), 4, "usually ends in /v1"),
        (KEY, "http://192.168.7.7/v1", 4, "allowPrivateNetwork"),
    ]
    .into_iter()
    .zip(flags)
    {
        std::fs::write(&path, old).unwrap();
        let command = [&["onboard", "--config", "openclaw.json", "--base-url", base_url], flags].concat();
        let run = |command: &[&str]| user.cli.run_with("PORTKEY_API_KEY", key, command);
        let ran = run(&command);
        assert_eq!(ran.code, code, "{base_url}: {ran:?}");
        let told = if flags == ["--json"] { ran.json()["error"]["hint"].to_string() } else { ran.err.clone() };
        assert!(told.contains("Nothing was written; --no-check") && told.contains(part), "{base_url}: {ran:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), old, "{base_url}");
        assert!(!path.with_extension("json.bak-1").exists(), "{base_url}");
        let unseen = run(&[&command[..], &["--no-check"]].concat()).ok();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), old, "{base_url}: {unseen:?}");
        std::fs::remove_file(path.with_extension("json.bak-1")).unwrap();
    }
    assert!(!user.stub.take().is_empty());
    // A good key is written, and so is a configuration whose key is yet to come, with nothing asked.
    user.cli.run(&["onboard", "--config", "openclaw.json"]).ok();
    assert!(!user.stub.take().is_empty());
    let keyless = user.cli.command(&["onboard", "--config", "third.json"]).env_remove("PORTKEY_API_KEY").output();
    Ran::from(keyless.unwrap()).ok();
    user.cli.run(&["onboard", "--config", "other.json", "--no-check"]).ok();
    assert!(user.stub.requests().is_empty());
}

/// The open-source gateway asks for no key and keeps no list.
#[test]
fn a_gateway_that_cannot_be_asked_is_written_with_a_word_about_it() {
    let gateway = crate::portkey_gateway::PortkeyGateway::shared().base_url();
    let cli = Cli::with_key();
    let ran = cli.run(&["onboard", "--config", "openclaw.json", "--base-url", &gateway]).ok();
    assert!(
        ran.err
            .contains("the key is not checked. It calls nobody unasked, and reads no @provider/model: set the option"),
        "{ran:?}"
    );
    assert!(cli.folder.path().join("openclaw.json").exists());
}

#[test]
fn several_models_are_added_at_once() {
    let user = User::new();
    let flags = ["--model", "@openai/gpt-5", "--model", "@xai/grok-4", "--model", "portkey/@ours/llama"];
    let command = [&["onboard", "--config", "openclaw.json"], &flags[..]].concat();
    user.cli.run(&command).ok();
    let file = ConfigFile::open(user.cli.folder.path().join("openclaw.json")).unwrap();
    let models = file.value()["models"]["providers"]["portkey"]["models"].as_array().unwrap();
    let ids: Vec<_> = models.iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["@openai/gpt-5", "@xai/grok-4", "@ours/llama"], "and no other");
    let defaults = &file.value()["agents"]["defaults"];
    assert_eq!(defaults["model"]["primary"], "portkey/@openai/gpt-5");
    for id in &ids {
        assert!(defaults["models"].get(format!("portkey/{id}")).is_some(), "{id}: {defaults}");
    }
    assert!(user.cli.run(&command).ok().out.contains("nothing to change"));
    let without = user.cli.run(&["onboard", "--config", "openclaw.json"]).ok();
    assert!(without.out.contains("nothing to change"), "the one that is chosen is the candidate: {without:?}");
}

#[test]
fn a_header_is_written_and_a_secret_in_one_is_a_reference() {
    let user = User::new();
    let flags = ["--header", "X-Team: docs", "--header", "cf-access-client-secret: ${CF_SECRET}"];
    let command = [&["onboard", "--config", "openclaw.json"], &flags[..]].concat();
    user.cli.run_with("CF_SECRET", "of-cloudflare", &command).ok();
    assert_eq!(user.stub.requests()[0].header("x-team"), Some("docs"), "it goes along where the key is checked");
    let read = || ConfigFile::open(user.cli.folder.path().join("openclaw.json")).unwrap().value().clone();
    let headers = json!({"x-team": "docs", "cf-access-client-secret": "${CF_SECRET}"});
    assert_eq!(read()["models"]["providers"]["portkey"]["headers"], headers);
    let again = ["onboard", "--config", "openclaw.json", "--no-check", "--header", "x-TEAM: other"];
    user.cli.run(&again).ok();
    assert_eq!(read()["models"]["providers"]["portkey"]["headers"]["x-team"], "other");
}

/// What a gateway of one's own needs is set up at once, and works; what would be refused is not written.
#[test]
fn an_option_is_written_and_one_that_is_wrong_is_not() {
    let stub = start(upstream());
    let gateway = crate::portkey_gateway::PortkeyGateway::shared().base_url();
    let cli = Cli::with_key().env("OPENAI_API_KEY", "sk-of-the-provider");
    let host = format!("customHost={}", stub.base_url());
    let flags = ["--base-url", &gateway, "--model", "gpt-5-mini", "--option", "provider=openai", "--option", &host];
    let key = ["--header", "Authorization: Bearer ${OPENAI_API_KEY}"];
    cli.run(&[&["onboard", "--config", "openclaw.json"][..], &flags, &key].concat()).ok();
    let file = ConfigFile::open(cli.folder.path().join("openclaw.json")).unwrap();
    let config = &file.value()["plugins"]["entries"]["portkey"]["config"];
    assert_eq!(config, &json!({"provider": "openai", "customHost": stub.base_url()}));
    let reply = cli.run(&["chat", "--config", "openclaw.json", "hello"]).ok();
    assert!(reply.out.contains("gpt-5-mini"), "{reply:?}");
    assert_eq!(stub.requests().pop().unwrap().header("authorization"), Some("Bearer sk-of-the-provider"));

    // The plugin's own flag for one is written too.
    cli.run(&["onboard", "--config", "saved.json", "--no-check", "--portkey-config", "pc-1"]).ok();
    let saved = ConfigFile::open(cli.folder.path().join("saved.json")).unwrap();
    assert_eq!(saved.value()["plugins"]["entries"]["portkey"]["config"], json!({"config": "pc-1"}));

    for (option, code, told) in [
        ("providr=openai", 4, "--option providr: There is no such option. Did you mean provider?"),
        (r#"config={"strategy":{"mode":"fallbak"},"targets":[]}"#, 4, "did you mean fallback?"),
        (r#"config={"provider":"openai","api_key":"sk-inline-77aa"}"#, 2, "may be a secret"),
        (r#"config={"provider":"openai","api_key":"${UNSET_7}-sk-inline"}"#, 2, "may be a secret"),
        ("traceId=${PORTKEY_API_KEY}", 4, "--option traceId: refers to PORTKEY_API_KEY"),
        ("provider", 2, "NAME=VALUE"),
    ] {
        let ran = cli.run(&["onboard", "--config", "new.json", "--no-check", "--option", option]);
        assert_eq!(ran.code, code, "{option}: {ran:?}");
        assert!(ran.err.contains(told) && !ran.err.contains("sk-inline"), "{option}: {ran:?}");
        assert!(!cli.folder.path().join("new.json").exists(), "{option}");
    }
    // So are headers, and of what is doubtful in one it is warned.
    for (header, written, told) in [
        ("x-portkey-metadata: ann", false, "--header x-portkey-metadata: The metadata must be a JSON object"),
        ("x-api-key: ${UNSET_7}sk-inline", false, "may be a secret"),
        ("x-api-key: sk-inline${}", false, "may be a secret"),
        ("authorization: Bearer ${UNSET_7:-sk-inline}", false, "may be a secret"),
        ("authorization: token ${UNSET_7}", true, "The header authorization needs UNSET_7, which is not set here."),
        ("x-portkey-confg: pc-1", true, "--header x-portkey-confg: Portkey has no header"),
        ("x-own: ${NAME:-sk-inline} ${UNSET_7}", true, "The header x-own needs UNSET_7, which is not set here."),
    ] {
        let ran = cli.run(&["onboard", "--config", "new.json", "--no-check", "--header", header]);
        assert!(ran.err.contains(told) && !ran.err.contains("sk-inline"), "{header}: {ran:?}");
        assert_eq!(cli.folder.path().join("new.json").exists(), written, "{header}");
    }
}

/// Each change keeps what was there before it, and the first is there for good.
#[test]
fn backups_are_numbered() {
    let user = User::new();
    let path = user.cli.folder.path().join("openclaw.json");
    let old = "// the first\n{}\n";
    std::fs::write(&path, old).unwrap();
    for (number, model) in [(1, "@openai/gpt-5"), (2, "@xai/grok-4"), (3, "@ours/llama")] {
        let before = std::fs::read_to_string(&path).unwrap();
        let ran = user.cli.run(&["onboard", "--config", "openclaw.json", "--no-check", "--model", model]).ok();
        let name = format!("openclaw.json.bak-{number}");
        assert!(ran.err.contains(&name), "{ran:?}");
        assert_eq!(std::fs::read_to_string(path.with_file_name(name)).unwrap(), before);
    }
    assert_eq!(std::fs::read_to_string(path.with_file_name("openclaw.json.bak-1")).unwrap(), old);
    assert_eq!(user.files().len(), 4, "{:?}", user.files());
}
