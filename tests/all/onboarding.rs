//! Onboarding through the host: the plugin's merge, what the plugin gets to see, and the file.

use host_harness::{ConfigFile, wit::onboarding::Choices};
use serde_json::{Value, json};

use crate::support::{Cli, KEY, plugin};

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

/// The proposed extension's model id cannot be routed by the hosted catalog, but who holds it keeps it.
#[tokio::test]
async fn a_configuration_of_the_proposed_extension_still_works() {
    let config = json!({
        "models": {"mode": "replace", "providers": {"portkey": {
            "baseUrl": " https://gateway.example/v1 ",
            "apiKey": "  old-key  ",
            "api": "anthropic-messages",
            "models": [{"id": "claude-opus-4-6", "name": "mine"}, {"id": "claude-opus-4-6", "name": "twice"}],
        }}},
        "agents": {"defaults": {"model": {"primary": "portkey/claude-opus-4-6", "fallbacks": ["x/y"]}}},
        "gateway": {"auth": {"token": "unrelated"}},
    });
    let merged = plugin().await.apply_config(&config, &choices()).await.unwrap();
    let provider = &merged["models"]["providers"]["portkey"];
    assert_eq!(provider["baseUrl"], "https://gateway.example/v1");
    assert_eq!(provider["apiKey"], "old-key");
    assert_eq!(provider["api"], "openai-completions");
    let ids: Vec<_> = provider["models"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["claude-opus-4-6", "@anthropic/claude-sonnet-4-5"]);
    assert_eq!(provider["models"][0]["name"], "mine");
    assert_eq!(merged["models"]["mode"], "replace");
    assert_eq!(merged["agents"]["defaults"]["model"], config["agents"]["defaults"]["model"]);
    assert_eq!(merged["gateway"], config["gateway"]);
}

#[test]
fn onboard_writes_a_file_that_the_other_commands_understand() {
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY);
    let path = cli.folder.path().join("sub/openclaw.json");
    let path = path.to_str().unwrap();
    let first = cli.run(&["onboard", "--json", "--config", path, "--base-url", " http://127.0.0.1:1/v1/ "]).ok().json();
    assert_eq!(first["changed"], true);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(KEY), "the file refers to the key and does not hold it: {text}");
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["models"]["providers"]["portkey"]["baseUrl"], "http://127.0.0.1:1/v1");

    let again = cli.run(&["onboard", "--json", "--config", path]).ok().json();
    assert_eq!(again["changed"], false);
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[test]
fn onboard_keeps_comments_and_makes_a_private_file_with_a_backup() {
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY);
    let path = cli.folder.path().join("openclaw.json");
    let old = "{\n  // my gateway\n  gateway: { port: 18789, },\n}\n";
    std::fs::write(&path, old).unwrap();
    let ran = cli.run(&["onboard", "--config", "openclaw.json"]).ok();
    let new = std::fs::read_to_string(&path).unwrap();
    assert!(new.contains("// my gateway\n  gateway: { port: 18789, },"), "{new}");
    assert_eq!(std::fs::read_to_string(cli.folder.path().join("openclaw.json.bak")).unwrap(), old, "{ran:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(ConfigFile::open(&path).unwrap().value()["gateway"]["port"], 18789);
}

#[test]
fn onboard_stores_the_key_only_where_it_is_told_to() {
    let cli = Cli::new();
    let missing = cli.run(&["onboard", "--config", "openclaw.json", "--key", "env"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.err.contains("PORTKEY_API_KEY"), "{missing:?}");
    assert!(!cli.folder.path().join("openclaw.json").exists());

    let cli = Cli::new().env("PORTKEY_API_KEY", KEY);
    cli.run(&["onboard", "--config", "openclaw.json", "--key", "env"]).ok();
    let config = ConfigFile::open(cli.folder.path().join("openclaw.json")).unwrap();
    assert_eq!(config.value()["env"]["vars"]["PORTKEY_API_KEY"], KEY);
    assert_eq!(config.value()["models"]["providers"]["portkey"]["apiKey"], "${PORTKEY_API_KEY}");
}

/// The configuration refers to it, and so it must come from somewhere.
#[test]
fn a_key_given_as_a_flag_is_to_be_put_where_the_configuration_says() {
    let cli = Cli::new();
    let path = cli.folder.path().join("openclaw.json");
    let key = |place| {
        let ran = cli.run(&["onboard", "--config", "openclaw.json", "--key", place, "--portkey-api-key", KEY]).ok();
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
    let (cli, with_key) = (Cli::new(), Cli::new().env("PORTKEY_API_KEY", KEY));
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
        std::fs::write(cli.folder.path().join("openclaw.json"), text).unwrap();
    }
    let report = cli.run(&["doctor", "--json", "--config", "openclaw.json"]).json();
    let key = report["checks"].as_array().unwrap().iter().find(|line| line["name"] == "key").unwrap();
    assert_eq!(key["state"], "ok", "{key}");
    assert!(key.to_string().contains("models.providers.PORTKEY.apiKey"), "{key}");

    for (cli, key) in [(&cli, "pk-literal"), (&with_key, KEY)] {
        cli.run(&["onboard", "--config", "openclaw.json", "--yes", "--key", "env"]).ok();
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

#[test]
fn a_configuration_that_cannot_be_merged_with_is_refused_and_left_as_it_is() {
    for (text, expected) in [
        ("{\"models\": {\"providers\": []}}", "models.providers"),
        ("{\"models\": {\"providers\": {\"portkey\": 7}}}", "models.providers.portkey"),
        ("{", "openclaw.json"),
    ] {
        let cli = Cli::new();
        let path = cli.folder.path().join("openclaw.json");
        std::fs::write(&path, text).unwrap();
        let ran = cli.run(&["onboard", "--config", "openclaw.json"]);
        assert_eq!(ran.code, 4, "{text}: {ran:?}");
        assert!(ran.err.contains(expected), "{text}: {ran:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(!cli.folder.path().join("openclaw.json.bak").exists());
    }
}
