//! `models` as a user has it: a table for people, lines for programs, and a filter.

use host_harness::ConfigFile;
use serde_json::Value;

use crate::{
    support::{KEY, User},
    terminal::Terminal,
};

#[test]
fn models_are_a_table_in_a_terminal_and_lines_in_a_pipe() {
    let user = User::new();
    let piped = user.cli.run(&["models"]).ok();
    let lines: Vec<Vec<&str>> = piped.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 48, "{piped:?}");
    let mini = ["@openai/gpt-5-mini", "openai", "400000", "128000", "image", "minimal,low,medium,high", "$0.25/$2"];
    assert!(lines.contains(&mini.to_vec()), "{piped:?}");
    // What is not known is not guessed.
    assert!(lines.contains(&vec!["@openai/text-embedding-3-large", "openai"]), "{piped:?}");
    assert_eq!(piped.err, "48 models\n");

    for (columns, header, row) in [
        (80, &["model", "provider"][..], &mini[..2]),
        (140, &["model", "provider", "window", "answer", "takes", "reasons", "price"], &mini),
    ] {
        let mut terminal = Terminal::sized(user.cli.command(&["models", "OpenAI", "mini"]), 60, columns);
        assert_eq!(terminal.end(), 0);
        let screen = terminal.screen();
        let rows: Vec<Vec<&str>> =
            screen.lines().map(|line| line.split(['│', '┆', ' ']).filter(|word| !word.is_empty()).collect()).collect();
        assert!(rows.iter().any(|cells| cells == header), "{screen}");
        assert!(rows.iter().any(|cells| cells == row), "{screen}");
        assert!(!screen.contains("anthropic"), "{screen}");
    }
}

/// An id is to be copied from it, and what a price is for is said.
#[test]
fn an_id_stands_in_one_line_of_the_table() {
    let user = User::new();
    let mut terminal = Terminal::sized(user.cli.command(&["models"]), 200, 110);
    assert_eq!(terminal.end(), 0);
    let screen = terminal.screen();
    for id in ["@groq/openai/gpt-oss-120b", "@fireworks/accounts/fireworks/models/kimi-k2-instruct", "@openai/gpt-5.2"]
    {
        assert!(screen.lines().any(|line| line.split(['│', '┆', ' ']).any(|word| word == id)), "{id}: {screen}");
    }
    for part in ["document", "minimal", "$1.25/$10", "US dollars for a million tokens"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(screen.lines().all(|line| line.chars().count() <= 110), "{screen}");
}

#[test]
fn the_table_fits_into_a_narrow_terminal() {
    let user = User::new();
    let mut terminal = Terminal::sized(user.cli.command(&["models", "gpt-5-mini"]), 24, 30);
    assert_eq!(terminal.end(), 0);
    let screen = terminal.screen();
    let is_of_the_table = |line: &&str| line.starts_with(['┌', '│', '╞', '└']);
    assert!(screen.lines().filter(is_of_the_table).count() > 5, "{screen}");
    assert_eq!(screen.trim_end().lines().filter(|line| !is_of_the_table(line)).collect::<Vec<_>>(), ["2 of 48 models"]);
    let mut empty = Terminal::start(user.cli.command(&["models", "nonsense"]));
    assert_eq!(empty.end(), 0);
    assert_eq!(empty.screen().trim(), "0 of 48 models");
}

#[test]
fn the_default_model_is_set_to_one_that_the_gateway_offers() {
    let user = User::new();
    let config = || ConfigFile::open(user.cli.folder.path().join("c.json")).unwrap().value().clone();
    user.cli.write("c.json", "{}");
    let missing = user
        .cli
        .run(&["models", "--config", "c.json", "--default", "gpt-5-mini"])
        .failed(1, "does not offer gpt-5-mini");
    assert!(missing.err.contains("gpt-5-mini?"), "{missing:?}");
    assert_eq!(config(), serde_json::json!({}));
    let set = user.cli.run(&["models", "--config", "c.json", "--default", "@openai/gpt-5-mini"]).ok();
    assert!(set.out.contains("@openai/gpt-5-mini is the default model in c.json"), "{set:?}");
    assert_eq!(config()["agents"]["defaults"]["model"]["primary"], "portkey/@openai/gpt-5-mini");
    let entry = &config()["models"]["providers"]["portkey"];
    assert_eq!(entry["baseUrl"], user.stub.base_url());
    assert_eq!(entry["models"].as_array().unwrap().len(), 1, "no other is added: {entry}");
    assert_eq!(entry["models"][0]["contextWindow"], 400_000, "{entry}");
    let again = user.cli.run(&["models", "--config", "c.json", "--default", "portkey/@openai/gpt-5-mini"]).ok();
    assert!(again.out.contains("is the default model already"), "{again:?}");
    let other = ["models", "--config", "c.json", "--default", "@ours/llama", "--no-check", "--json"];
    let other = user.cli.run(&other).ok().json();
    assert_eq!((&other["changed"], &other["default_model"]), (&true.into(), &"@ours/llama".into()));
    assert_eq!(config()["agents"]["defaults"]["model"]["primary"], "portkey/@ours/llama");
}

/// OpenClaw resolves a reference before it looks into its store, and calls nobody where the variable is not set.
#[test]
fn no_reference_is_written_over_a_key_that_openclaw_keeps() {
    let user = User::new();
    let file = user.cli.folder.path().join("c.json");
    let profile = |provider: &str| {
        serde_json::json!({"auth": {"profiles": {"it": {"provider": provider, "mode": "api_key"}}}}).to_string()
    };
    for (provider, key, reference) in [
        ("portkey", &[][..], false),
        ("Portkey", &[], false),
        ("portkey", &["--key", "reference"], true),
        ("openai", &[], true),
    ] {
        std::fs::write(&file, profile(provider)).unwrap();
        user.cli.run(&[&["onboard", "--config", "c.json"], key].concat()).ok();
        let written = ConfigFile::open(&file).unwrap().value()["models"]["providers"]["portkey"].clone();
        assert_eq!(written.get("apiKey").is_some(), reference, "{provider} {key:?}: {written}");
    }
    for key in [&[][..], &["--portkey-api-key", KEY]] {
        std::fs::write(&file, profile("portkey")).unwrap();
        user.cli.run(&[&["models", "--config", "c.json", "--default", "@openai/gpt-5-mini"], key].concat()).ok();
        let written = ConfigFile::open(&file).unwrap().value()["models"]["providers"]["portkey"].clone();
        assert!(written["baseUrl"].is_string() && written.get("apiKey").is_none(), "{written}");
    }
}

/// The store has the old one, and only OpenClaw can write there.
#[test]
fn a_new_key_beside_one_that_openclaw_keeps_is_not_dropped() {
    let user = User::new();
    let file = user.cli.folder.path().join("c.json");
    let config = serde_json::json!({
        "auth": {"profiles": {"it": {"provider": "portkey", "mode": "api_key"}}},
        "models": {"providers": {"portkey": {"apiKey": "pk-old"}}},
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let run = user.cli.run(&["onboard", "--config", "c.json", "--portkey-api-key", KEY]).ok();
    assert!(run.err.contains("Set PORTKEY_API_KEY to the key where OpenClaw starts"), "{run:?}");
    let written = ConfigFile::open(&file).unwrap().value()["models"]["providers"]["portkey"].clone();
    assert_eq!(written["apiKey"], "${PORTKEY_API_KEY}");
}

/// It would be no choice at all, and nobody would know why.
#[test]
fn a_default_model_that_the_only_agent_does_not_ask_is_written_with_a_warning() {
    let user = User::new();
    let warning = "warning: agents.entries.main.model is other/model, and goes over the default model";
    for (own, is_over) in [("other/model", true), ("portkey/@ours/llama", false)] {
        let config = serde_json::json!({"agents": {"entries": {"main": {"model": own}}}});
        for command in
            [&["models", "--default", "@ours/llama"][..], &["onboard", "--default", "--model", "@ours/llama"]]
        {
            user.cli.write("c.json", config.to_string());
            let ran = user.cli.run(&[command, &["--no-check", "--config", "c.json"]].concat()).ok();
            assert_eq!(ran.err.contains(warning), is_over, "{ran:?}");
            assert_eq!(ran.err.contains("goes over"), is_over, "{ran:?}");
            let written = ConfigFile::open(user.cli.folder.path().join("c.json")).unwrap();
            assert_eq!(written.value()["agents"]["defaults"]["model"]["primary"], "portkey/@ours/llama");
        }
    }
}

#[test]
fn a_filter_holds_for_each_form() {
    let user = User::new();
    let piped = user.cli.run(&["models", "claude", "ANTHROPIC"]).ok();
    assert!(!piped.out.is_empty() && piped.out.lines().all(|line| line.contains("claude")), "{piped:?}");
    let json = user.cli.run(&["models", "--json", "claude", "anthropic"]).ok().json();
    assert_eq!(json["models"].as_array().unwrap().len(), piped.out.lines().count());
    let none = user.cli.run(&["models", "nonsense"]).ok();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "0 of 48 models\n"));
}

#[test]
fn models_are_found_by_what_they_are_known_to_do() {
    let user = User::new();
    let found = |arguments: &[&str]| {
        let json = user.cli.run(&[&["models", "--json"], arguments].concat()).ok().json();
        json["models"].as_array().unwrap().clone()
    };
    let all = found(&[]);
    type Holds = fn(&Value) -> bool;
    let cases: [(&[&str], Holds); 6] = [
        (&["--reasoning"], |model| model["reasoning"] == true),
        (&["--input", "image"], |model| model["image_input"] == true),
        (&["--input", "image", "--input", "audio"], |model| {
            model["image_input"] == true && model["audio_input"] == true
        }),
        (&["--context", "1000000"], |model| model["context_tokens"].as_u64() >= Some(1_000_000)),
        (&["--context", "1M"], |model| model["context_tokens"].as_u64() >= Some(1_000_000)),
        (&["claude", "--context", "200k"], |model| {
            model["id"].as_str().unwrap().contains("claude") && model["context_tokens"].as_u64() >= Some(200_000)
        }),
    ];
    for (arguments, holds) in cases {
        let expected: Vec<_> = all.iter().filter(|model| holds(model)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{arguments:?}: {}", expected.len());
        assert_eq!(found(arguments), expected, "{arguments:?}");
    }
    let mini = all.iter().find(|model| model["id"] == "@openai/gpt-5-mini").unwrap();
    assert_eq!(
        (&mini["context_tokens"], &mini["max_output_tokens"], &mini["reasoning_efforts"][0]),
        (&400_000.into(), &128_000.into(), &"minimal".into())
    );
    let unknown = all.iter().find(|model| model["id"] == "@openai/text-embedding-3-large").unwrap();
    assert!(unknown["context_tokens"].is_null() && unknown["reasoning"].is_null(), "{unknown}");
    for arguments in
        [&["--input", "smell"][..], &["--context", "many"], &["--context", "9000M"], &["--default", "x", "--reasoning"]]
    {
        assert_eq!(user.cli.run(&[&["models"], arguments].concat()).code, 2, "{arguments:?}");
    }
    assert_eq!(user.cli.run(&["models", "nonsense", "--reasoning"]).ok().err, "0 of 48 models\n");
}
