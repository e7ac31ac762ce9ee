//! `models` as a user has it: a table for people, lines for programs, and a filter.

use host_harness::ConfigFile;

use crate::{support::User, terminal::Terminal};

#[test]
fn models_are_a_table_in_a_terminal_and_lines_in_a_pipe() {
    let user = User::new();
    let piped = user.cli.run(&["models"]).ok();
    let lines: Vec<Vec<&str>> = piped.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 48, "{piped:?}");
    assert!(lines.contains(&vec!["@openai/gpt-5-mini", "openai"]), "{piped:?}");
    assert_eq!(piped.err, "48 models\n");

    let mut terminal = Terminal::start(user.cli.command(&["models", "OpenAI", "mini"]));
    assert_eq!(terminal.end(), 0);
    let screen = terminal.screen();
    let rows: Vec<Vec<&str>> =
        screen.lines().map(|line| line.split(['│', '┆', ' ']).filter(|word| !word.is_empty()).collect()).collect();
    assert!(rows.contains(&vec!["model", "provider"]), "{screen}");
    assert!(rows.contains(&vec!["@openai/gpt-5-mini", "openai"]), "{screen}");
    assert!(!screen.contains("anthropic"), "{screen}");
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
    std::fs::write(user.cli.folder.path().join("c.json"), "{}").unwrap();
    let missing = user.cli.run(&["models", "--config", "c.json", "--default", "gpt-5-mini"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("does not offer gpt-5-mini") && missing.err.contains("gpt-5-mini?"), "{missing:?}");
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
