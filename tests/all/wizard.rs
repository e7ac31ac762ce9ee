//! `onboard` in a terminal, as a person goes through it: what is asked, what is said, what is written, and that the key
//! is never on the screen.

use host_harness::ConfigFile;
use serde_json::{Value, json};

use crate::{
    portkey_gateway::PortkeyGateway,
    support::{Cli, KEY, component, hosted, start},
    terminal::Terminal,
};

const DOWN: &str = "\x1b[B";
const ENTER: &str = "\r";

struct Wizard {
    cli: Cli,
    terminal: Terminal,
}

impl Wizard {
    fn start(cli: Cli, arguments: &[&str]) -> Self {
        Self::sized(cli, arguments, 24, 80)
    }

    fn sized(cli: Cli, arguments: &[&str], lines: u16, columns: u16) -> Self {
        component();
        let command = cli.command(&[&["onboard"], arguments].concat());
        Self { terminal: Terminal::sized(command, lines, columns), cli }
    }

    /// Waits for a question, then types. One that is asked again stands on the screen from the first time: what comes
    /// between the two is to be waited for before.
    fn answer(&mut self, question: &str, keys: &str) {
        self.terminal
            .wait_until(question, |terminal| terminal.is_read_by_key() && terminal.screen().contains(question));
        self.terminal.send(keys);
    }

    fn config(&self) -> Value {
        ConfigFile::open(self.cli.folder.path().join(".openclaw/openclaw.json")).unwrap().value().clone()
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.cli.folder.path().join(".openclaw/openclaw.json")).ok()
    }

    fn entry(&self) -> Value {
        self.config()["models"]["providers"]["portkey"].clone()
    }

    /// The ids of the models in the entry.
    fn models(&self) -> Vec<String> {
        let entry = self.entry();
        entry["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The last question, and the end.
    fn writes(&mut self) {
        self.answer("Write this?", ENTER);
        assert_eq!(self.end(), 0, "{}", self.terminal.screen());
    }

    fn changes_nothing(&mut self) {
        self.terminal.wait_for("nothing to change");
        assert_eq!(self.end(), 0, "{}", self.terminal.screen());
    }

    /// Runs it to its end; the key was on no screen.
    fn end(&mut self) -> i32 {
        let code = self.terminal.end();
        let raw = self.terminal.raw();
        assert!(!raw.contains(KEY), "{raw:?}");
        assert!(self.terminal.is_as_a_shell_wants_it(), "{raw:?}");
        code
    }
}

#[test]
fn a_gateway_of_ones_own_is_set_up_with_a_key_that_is_typed() {
    let stub = start(hosted());
    let mut wizard = Wizard::start(Cli::new(), &[]);
    wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
    wizard.answer("Base URL:", &format!("localhost:1{ENTER}"));
    wizard.answer("it starts with https:// or http://", &"\x7f".repeat("localhost:1".len()));
    wizard.terminal.send(&format!("http://localhost:1/../v1{ENTER}"));
    // What the plugin refuses is asked for again before the key is.
    wizard.answer("a part of its path is", &format!("{}{ENTER}", stub.base_url()));
    wizard.answer("Portkey API key:", &format!("pk-of-somebody-else{ENTER}"));
    // Refused, with the reason and what to do, and asked again.
    wizard.terminal.wait_for("Invalid API Key");
    wizard.terminal.wait_for("copy it again");
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    wizard.terminal.wait_for("offers 48 models");
    wizard.answer("Where should the key be kept?", &format!("{DOWN}{DOWN}{ENTER}"));
    // The list is searched by any words, and what is highlighted is taken.
    wizard.answer("Model:", "mini gpt-5");
    wizard.terminal.wait_until("the model found", |terminal| {
        let screen = terminal.screen();
        screen.contains("@azure-openai/gpt-5-mini") && !screen.contains("@xai/grok-4")
    });
    wizard.terminal.send(&format!("{DOWN}{ENTER}"));
    wizard.answer("Make it the default model of your agents?", ENTER);
    wizard.writes();

    let config = wizard.config();
    assert_eq!(config["models"]["providers"]["portkey"]["baseUrl"], stub.base_url());
    assert_eq!(config["models"]["providers"]["portkey"]["apiKey"], "${PORTKEY_API_KEY}");
    assert_eq!(config["env"]["vars"]["PORTKEY_API_KEY"], KEY);
    assert_eq!(config["agents"]["defaults"]["model"]["primary"], "portkey/@openai/gpt-5-mini");
    let raw = wizard.terminal.raw();
    assert!(raw.contains("+       \"PORTKEY_API_KEY\": \"***\""), "{raw}");
    assert!(!raw.contains("pk-of-somebody-else"), "{raw}");

    // Whoever runs it again is asked for nothing that is there, and nothing is changed.
    let before = wizard.text();
    let mut again = Wizard::start(wizard.cli, &[]);
    again.answer("Which gateway?", ENTER);
    again.answer("Base URL:", ENTER);
    again.terminal.wait_for("The key is there: the configuration, models.providers.portkey.apiKey");
    again.answer("Model:", ENTER);
    again.changes_nothing();
    for question in ["Portkey API key:", "Where should the key", "default model", "Write this?"] {
        assert!(!again.terminal.raw().contains(question), "{question}");
    }
    assert_eq!(again.text(), before);
    assert!(!again.cli.folder.path().join(".openclaw/openclaw.json.bak-1").exists());
}

/// The README shows what a user sees, which no script can: this is a terminal.
#[test]
fn the_readme_shows_the_questions_as_they_stand_on_the_screen() {
    let readme = std::fs::read_to_string(crate::support::root().join("README.md")).unwrap();
    let (_, shown) = readme.split_once("$ target/debug/host-harness onboard\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let stub = start(hosted());
    let mut wizard = Wizard::sized(Cli::new(), &[], 80, 120);
    wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
    wizard.answer("Base URL:", &format!("{}{ENTER}", stub.base_url()));
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    for question in ["Where should the key be kept?", "Model:", "Make it the default model", "Write this?"] {
        wizard.answer(question, ENTER);
    }
    assert_eq!(wizard.end(), 0, "{}", wizard.terminal.screen());
    let screen = wizard.terminal.screen();
    let home = wizard.cli.folder.path().display().to_string();
    let seen = screen.replace(&home, "/home/you").replace(&stub.base_url(), "http://127.0.0.1:8787/v1");
    let seen = seen.replace(env!("CARGO_BIN_EXE_host-harness"), "target/debug/host-harness");
    let pattern = format!("^{}$", regex_lite::escape(shown.trim_end()).replace(r"\.\.\.", "(?s:.*?)"));
    assert!(
        regex_lite::Regex::new(&pattern).unwrap().is_match(seen.trim_end()),
        "the screen is\n{seen}\nand not\n{shown}"
    );
}

/// OpenClaw reads that file wherever it is started, and nobody but its owner can.
#[test]
fn the_key_is_kept_in_openclaws_own_env_file() {
    let stub = start(hosted());
    let url = stub.base_url();
    let flags = ["--base-url", &url, "--model", "@openai/gpt-5", "--keep-default"];
    let mut wizard = Wizard::start(Cli::new(), &flags);
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    wizard.answer("Where should the key be kept?", &format!("{DOWN}{ENTER}"));
    wizard.terminal.wait_for("The key goes into ");
    wizard.writes();
    let file = wizard.cli.folder.path().join(".openclaw/.env");
    assert_eq!(std::fs::read_to_string(file).unwrap(), format!("PORTKEY_API_KEY={KEY}\n"));
    assert_eq!(wizard.entry()["apiKey"], "${PORTKEY_API_KEY}");
    assert!(!wizard.text().unwrap().contains(KEY));
    assert!(!wizard.terminal.screen().contains("Set PORTKEY_API_KEY"), "{}", wizard.terminal.screen());

    let mut again = Wizard::start(wizard.cli, &flags);
    again.changes_nothing();
}

/// A flag is gone with the command.
#[test]
fn a_key_given_as_a_flag_is_kept_where_the_user_says() {
    let stub = start(hosted());
    let url = stub.base_url();
    let flags = ["--base-url", &url, "--model", "@openai/gpt-5", "--keep-default", "--portkey-api-key", KEY];
    let mut wizard = Wizard::start(Cli::new(), &flags);
    wizard.terminal.wait_for("The key is there: the command line");
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.writes();
    assert!(wizard.terminal.screen().contains("Set PORTKEY_API_KEY to the key"), "{}", wizard.terminal.screen());
}

/// OpenClaw's own store, which this program cannot write to, has the old one.
#[test]
fn a_key_that_is_typed_is_not_said_to_be_in_openclaws_store() {
    let stub = start(hosted());
    let cli = Cli::new();
    let profiles = json!({"auth": {"profiles": {"it": {"provider": "portkey", "mode": "api_key"}}}});
    cli.write_config(&profiles.to_string());
    let url = stub.base_url();
    let mut wizard = Wizard::start(cli, &["--base-url", &url, "--model", "@openai/gpt-5", "--keep-default"]);
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.writes();
    assert!(!wizard.terminal.raw().contains("own store"), "{}", wizard.terminal.raw());
    assert!(wizard.terminal.screen().contains("read -rs PORTKEY_API_KEY"), "{}", wizard.terminal.screen());
}

/// What the hosted service of the provider would be: nothing is called, since the way there is closed.
#[test]
fn the_providers_own_service_is_the_first_choice() {
    // A proxy that is not there, so that no test reaches out.
    let cli = Cli::with_key().env("HTTPS_PROXY", "http://127.0.0.1:9");
    let mut wizard = Wizard::start(cli, &["--model", "@openai/gpt-5", "--keep-default"]);
    wizard.answer("Portkey, hosted: https://api.portkey.ai/v1", ENTER);
    wizard.terminal.wait_for("the environment variable PORTKEY_API_KEY");
    wizard.answer("What now?", &format!("{DOWN}{DOWN}{DOWN}{ENTER}"));
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.answer("Write this?", "y\r");
    assert_eq!(wizard.end(), 0, "{}", wizard.terminal.screen());
    let config = wizard.config();
    assert_eq!(config["models"]["providers"]["portkey"]["baseUrl"], "https://api.portkey.ai/v1");
    assert_eq!(config["models"]["providers"]["portkey"]["models"][0]["id"], "@openai/gpt-5");
    assert_eq!(config["agents"]["defaults"].get("model"), None);
    assert!(config.get("env").is_none());
}

/// The other hosted edition, with keys of its own; and a list of models that is typed.
#[test]
fn the_other_hosted_edition_is_a_choice() {
    let cli = Cli::new().env("HTTPS_PROXY", "http://127.0.0.1:9");
    let mut wizard = Wizard::start(cli, &["--keep-default", "--no-check"]);
    wizard.answer("Prisma AIRS AI Gateway, hosted: https://aigw.portkey.ai/v1", &format!("{DOWN}{ENTER}"));
    wizard.terminal.wait_for("from Strata Cloud Manager");
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.answer("Model:", ",, @ours/a , @ours/b,");
    wizard.terminal.send(ENTER);
    wizard.writes();
    assert_eq!(wizard.entry()["baseUrl"], "https://aigw.portkey.ai/v1");
    assert_eq!(wizard.models(), ["@ours/a", "@ours/b"]);

    // It is proposed the next time.
    let mut again = Wizard::start(wizard.cli, &["--no-check", "--model", "@ours/a", "--key", "reference"]);
    again.answer("Which gateway?", ENTER);
    again.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    again.answer("default model of your agents?", "n\r");
    again.changes_nothing();
}

/// Each is searched for and completed on its own.
#[test]
fn several_models_are_chosen_at_once() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let mut wizard = Wizard::sized(cli, &["--base-url", &stub.base_url(), "--key", "reference", "--default"], 30, 100);
    wizard.answer("Model:", "openai gpt-5-mini");
    wizard.terminal.wait_until("the first", |terminal| !terminal.screen().contains("@xai/grok-4"));
    wizard.terminal.send(&format!("{DOWN}\t, grok-4"));
    wizard.terminal.wait_for(", @xai/grok-4");
    wizard.terminal.send(&format!("{DOWN}{ENTER}"));
    wizard.writes();
    let (config, ids) = (wizard.config(), wizard.models());
    assert_eq!((ids.len(), &*ids[1]), (2, "@xai/grok-4"), "{ids:?}");
    assert_eq!(config["agents"]["defaults"]["model"]["primary"], format!("portkey/{}", ids[0]));
}

/// The real open-source gateway asks for no key and lists no models.
#[test]
fn a_gateway_without_a_list_says_so_and_takes_a_model_that_is_typed() {
    let gateway = PortkeyGateway::shared().base_url();
    let mut wizard = Wizard::start(Cli::with_key(), &["--base-url", &gateway]);
    wizard.terminal.wait_for("open-source gateway keeps no catalog");
    wizard.answer("Model provider:", "x-ai\r");
    // Back once: what was answered is proposed.
    wizard.answer("Its key is in: (X_AI_API_KEY)", "\x1b");
    wizard.answer("Model provider: (x-ai)", "\r");
    wizard.answer("Its key is in: (X_AI_API_KEY)", "sk-the key\r");
    wizard.answer("and not the key itself", "\x15XAI_KEY\r");
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.terminal.wait_for("this gateway gave no list");
    // The plugin's default is a name that this provider does not know.
    assert!(!wizard.terminal.screen().contains("Model: ("), "{}", wizard.terminal.screen());
    wizard.answer("Model:", "ours/llama-4\r");
    wizard.answer("default model", "n\r");
    wizard.writes();
    let (config, entry) = (wizard.config(), wizard.entry());
    assert_eq!(wizard.models(), ["ours/llama-4"]);
    assert_eq!(entry["headers"], json!({"Authorization": "Bearer ${XAI_KEY}"}));
    assert_eq!(config["plugins"]["entries"]["portkey"]["config"], json!({"provider": "x-ai"}));
    assert!(wizard.terminal.raw().contains("Bearer ${XAI_KEY}"), "a reference is shown as it stands");
    assert_eq!(config["agents"]["defaults"].get("model"), None);
}

/// At any question: the file stays as it is, and the terminal is given back.
#[test]
fn giving_up_writes_nothing() {
    let stub = start(hosted());
    let text =
        "// mine\n{ agents: { defaults: { model: 'other/model' } }, gateway: { auth: { token: 'hidden-token' } } }\n";
    let questions = ["Base URL:", "Portkey API key:", "Where should", "Model:", "Make it portkey/", "Write this?"];
    for at in questions {
        let cli = Cli::new();
        cli.write_config(text);
        let mut wizard = Wizard::start(cli, &[]);
        wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
        for (question, keys) in [
            ("Base URL:", stub.base_url()),
            ("Portkey API key:", KEY.to_owned()),
            ("Where should", String::new()),
            ("Model:", String::new()),
            ("Make it portkey/", "y".to_owned()),
            ("Write this?", String::new()),
        ] {
            if question == at {
                wizard.answer(question, "\x03");
                break;
            }
            wizard.answer(question, &format!("{keys}{ENTER}"));
        }
        assert_eq!(wizard.end(), 130, "{at}: {}", wizard.terminal.screen());
        assert!(wizard.terminal.screen().contains("nothing was written"), "{at}: {}", wizard.terminal.screen());
        assert_eq!(wizard.text().as_deref(), Some(text), "{at}");
        assert!(!wizard.terminal.raw().contains("hidden-token"), "{at}");
        assert_eq!(std::fs::read_dir(wizard.cli.folder.path().join(".openclaw")).unwrap().count(), 1, "{at}");
    }
}

/// Esc goes back, and what was answered is proposed again; at the first question it gives up.
#[test]
fn each_question_can_be_gone_back_from() {
    let stub = start(hosted());
    let mut wizard = Wizard::start(Cli::new(), &[]);
    let back = |wizard: &mut Wizard, from: &str, to: &str| {
        wizard.answer(from, "\x1b");
        let is_asked =
            |terminal: &Terminal| terminal.screen().lines().any(|line| line.starts_with("? ") && line.contains(to));
        wizard.terminal.wait_until(to, is_asked);
    };
    wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
    // Ctrl-U clears the line.
    wizard.answer("? Base URL:", &format!("http://wrong\x15{}{ENTER}", stub.base_url()));
    back(&mut wizard, "? Portkey API key:", "Base URL:");
    wizard.terminal.wait_for(&format!("({})", stub.base_url()));
    wizard.terminal.send(ENTER);
    wizard.answer("? Portkey API key:", &format!("half\x15{KEY}{ENTER}"));
    wizard.answer("? Where should the key be kept?", &format!("{DOWN}{DOWN}{ENTER}"));
    wizard.answer("? Model:", &format!("@xai/grok-4{ENTER}"));
    back(&mut wizard, "? Make it the default model", "Model:");
    wizard.terminal.wait_for("(@xai/grok-4)");
    back(&mut wizard, "? Model:", "Where should the key be kept?");
    wizard.terminal.wait_for("> In this configuration");
    wizard.terminal.send(ENTER);
    wizard.answer("? Model:", ENTER);
    wizard.answer("? Make it the default model", &format!("n{ENTER}"));
    back(&mut wizard, "? Write this?", "Make it the default model");
    wizard.terminal.send(ENTER);
    wizard.writes();
    let config = wizard.config();
    assert_eq!(config["env"]["vars"]["PORTKEY_API_KEY"], KEY);
    assert_eq!(wizard.models(), ["@xai/grok-4"], "no other is added beside it");
    assert_eq!(wizard.entry()["models"][0]["contextWindow"], 256_000, "what is known of it is written");
    assert_eq!(config["agents"]["defaults"].get("model"), None, "the last answer, No, was proposed again");

    let mut first = Wizard::start(Cli::new(), &[]);
    first.answer("Which gateway?", "\x1b");
    assert_eq!(first.end(), 130, "{}", first.terminal.screen());
    assert!(first.terminal.screen().contains("nothing was written"), "{}", first.terminal.screen());
}

#[test]
fn a_wrong_base_url_is_given_again() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let mut wizard = Wizard::start(cli, &["--key", "reference", "--model", "@xai/grok-4", "--keep-default"]);
    wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
    wizard.answer("? Base URL:", &format!("http://127.0.0.1:1/v1{ENTER}"));
    // Letters choose nothing, and hide nothing.
    wizard.answer("? What now?", "http");
    wizard.terminal.wait_for("> Give another base URL");
    wizard.terminal.send(ENTER);
    wizard.answer("(http://127.0.0.1:1/v1)", &format!("{}{ENTER}", stub.base_url()));
    wizard.writes();
    assert_eq!(wizard.entry()["baseUrl"], stub.base_url());
    // The key is there: the command can be pasted as it stands.
    let screen = wizard.terminal.screen();
    assert!(screen.contains("doctor --chat") && !screen.contains("read -rs"), "{screen}");
}

#[test]
fn a_model_that_the_gateway_does_not_offer_is_asked_about() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let url = stub.base_url();
    let mut wizard = Wizard::start(cli, &["--key", "reference", "--base-url", &url, "--keep-default"]);
    wizard.answer("? Model:", &format!("grok{ENTER}"));
    wizard.answer("? Which one is grok?", "\x1b");
    wizard.answer("? Model:", &format!("gpt-5-mimi{ENTER}"));
    wizard.answer("? Which one is gpt-5-mimi?", "");
    wizard.terminal.wait_for("> @openai/gpt-5-mini");
    wizard.terminal.send("\x1b");
    wizard.answer("? Model:", &format!("nonsense{ENTER}"));
    wizard.answer("does not offer nonsense. Take it all the same?", ENTER);
    wizard.answer("? Model:", &format!("grok-4{ENTER}"));
    wizard.answer("? Which one is grok-4?", ENTER);
    wizard.writes();
    assert_eq!(wizard.models(), ["@xai/grok-4"]);
}

/// What is typed into the shell afterwards is seen.
#[test]
fn a_question_that_is_ended_from_outside_gives_the_terminal_back() {
    let stub = start(hosted());
    let mut wizard = Wizard::start(Cli::new(), &["--base-url", &stub.base_url()]);
    wizard.answer("Portkey API key:", "pk-half");
    wizard.terminal.terminate();
    assert_eq!(wizard.end(), 143, "{}", wizard.terminal.screen());
    assert_eq!(wizard.text(), None);
    assert!(!wizard.terminal.raw().contains("pk-half"));
}

#[test]
fn a_default_model_is_replaced_where_the_user_says_so() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let old =
        "{\n  // keep me\n  agents: { defaults: { model: { primary: 'other/model', fallbacks: ['a/b'] } } },\n}\n";
    cli.write_config(old);
    let url = stub.base_url();
    let mut wizard = Wizard::start(cli, &["--base-url", &url, "--key", "reference", "--model", "@xai/grok-4"]);
    wizard.answer("The default model is other/model. Make it portkey/@xai/grok-4?", "y\r");
    wizard.writes();
    let model = &wizard.config()["agents"]["defaults"]["model"];
    assert_eq!(*model, json!({"primary": "portkey/@xai/grok-4", "fallbacks": ["a/b"]}));
    assert!(wizard.text().unwrap().contains("// keep me"));
}

/// A default that the only agent does not ask is none to choose.
#[test]
fn an_agents_own_model_is_told_and_not_asked_about() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let old = json!({"agents": {"defaults": {"model": "other/model"}, "list": [{"id": "a", "model": "third/one"}]}});
    cli.write_config(&old.to_string());
    let url = stub.base_url();
    let mut wizard = Wizard::start(cli, &["--base-url", &url, "--key", "reference", "--model", "@xai/grok-4"]);
    wizard.writes();
    let raw = wizard.terminal.raw();
    assert!(raw.contains("agents.list[0].model is third/one, and goes over the default model"), "{raw:?}");
    assert!(!raw.contains("Make it"), "{raw:?}");
    assert_eq!(wizard.config()["agents"]["defaults"]["model"], "other/model");
}

#[test]
fn the_gateway_of_an_entry_in_another_case_is_proposed() {
    let stub = start(hosted());
    let cli = Cli::with_key();
    let old = json!({"models": {"providers": {"Portkey": {"baseUrl": stub.base_url()}}}}).to_string();
    cli.write_config(&old);
    let mut wizard = Wizard::start(cli, &["--key", "reference", "--model", "@xai/grok-4", "--keep-default"]);
    wizard.answer("Which gateway?", ENTER);
    wizard.answer("Base URL:", ENTER);
    wizard.writes();
    let entry = wizard.config()["models"]["providers"].as_object().unwrap().clone();
    assert_eq!((entry.len(), entry["portkey"]["baseUrl"].as_str()), (1, Some(&*stub.base_url())));
}

/// Narrow, and without colours: every question can still be read and answered.
#[test]
fn a_narrow_terminal_without_colours_will_do() {
    let stub = start(hosted());
    let cli = Cli::new().env("NO_COLOR", "1");
    let mut wizard = Wizard::sized(cli, &[], 20, 40);
    wizard.answer("Which gateway?", &format!("{DOWN}{DOWN}{ENTER}"));
    wizard.answer("Base URL:", &format!("{}{ENTER}", stub.base_url()));
    wizard.answer("Portkey API key:", &format!("{KEY}{ENTER}"));
    wizard.answer("Where should the key be kept?", ENTER);
    wizard.answer("Model:", ENTER);
    wizard.answer("Make it the default model", ENTER);
    wizard.writes();
    assert_eq!(wizard.config()["agents"]["defaults"]["model"]["primary"], "portkey/@anthropic/claude-sonnet-4-5");
    let raw = wizard.terminal.raw();
    let colours = ["\x1b[3", "\x1b[9", "\x1b[4", "\x1b[38;"].map(|start| {
        let ends = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m');
        raw.split(start).skip(1).filter(|rest| ends(rest)).count()
    });
    assert_eq!(colours, [0; 4], "{raw:?}");
    assert!(wizard.terminal.screen().contains("Set PORTKEY_API_KEY"), "{}", wizard.terminal.screen());
}

/// With a flag for everything, and with `--yes`, nothing is asked, in a terminal and out of it.
#[test]
fn flags_answer_everything_and_a_missing_answer_is_named() {
    let stub = start(hosted());
    let url = stub.base_url();
    let mut quiet = Wizard::start(Cli::with_key(), &["--yes", "--base-url", &url]);
    assert_eq!(quiet.end(), 0, "{}", quiet.terminal.screen());
    assert!(quiet.terminal.screen().contains("Portkey is set up in"), "{}", quiet.terminal.screen());
    let asked: Vec<_> = stub.requests().iter().map(|request| request.path.clone()).collect();
    assert!(
        asked.iter().all(|path| path.starts_with("/v1/models")) && !asked.is_empty(),
        "the key is checked: {asked:?}"
    );

    // A key is not needed to refer to it, but it is missed.
    let piped = Cli::new().run(&["onboard", "--base-url", &url]).ok();
    for part in ["note: there is no Portkey API key", "PORTKEY_API_KEY", "--portkey-api-key"] {
        assert!(piped.err.contains(part), "{part}: {piped:?}");
    }
    let reference = Cli::new().run(&["onboard", "--base-url", &url, "--key", "reference", "--json"]).ok();
    assert_eq!((&reference.json()["changed"], &*reference.err), (&json!(true), ""));
    for place in ["env", "dotenv", "keyring"] {
        Cli::new().run(&["onboard", "--key", place]).failed(2, "set PORTKEY_API_KEY or give --portkey-api-key");
    }
    let none = Cli::new().run(&["onboard", "--key", "env", "--portkey-api-key", ""]);
    assert_eq!(none.code, 2, "{none:?}");
    Cli::new()
        .env("PORTKEY_API_KEY", KEY)
        .run(&["onboard", "--key", "keyring", "--no-check"])
        .failed(4, "no system keyring");
    let default = Cli::before(&url);
    default.run(&["onboard", "--model", "@openai/gpt-5"]).ok();
    let other = default.run(&["onboard", "--json", "--default", "--model", "@xai/grok-4"]).ok().json();
    assert_eq!(other["default_model"]["primary"], "portkey/@xai/grok-4");
    let kept = default.run(&["onboard", "--json", "--model", "@openai/gpt-5"]).ok().json();
    assert_eq!(kept["default_model"]["primary"], "portkey/@xai/grok-4");
    assert_eq!(kept["changed"], false);
}
