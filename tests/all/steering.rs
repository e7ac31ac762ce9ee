//! Nothing that a model, a gateway or a file says steers the terminal: each command runs in one, before a gateway that
//! puts control characters into every field it can.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    hostile::describing,
    raw_server::{JSON, recording, request_of, serving, whole},
    support::{Cli, component, start},
    terminal::Terminal,
};

/// Sets the title and the clipboard, hides text, rings, goes back, turns the direction; as ESC, as C1, as Markdown has it.
const EVIL: &str = "PWNED\u{1b}]0;title\u{7}\u{1b}]52;c;cm0=\u{1b}\\\u{1b}[8mhidden\u{1b}P0q\u{1b}\\\u{9d}0;title\u{9c}\u{9b}8m\
    \u{8}\u{202e}gpj\u{2066}\u{200f}\u{2028}&#27;]0;entity&#7;&#x9d;0;entity&#x9c;";

/// What a header can hold of it.
const EVIL_HEADER: &str = "PWNED\u{9d}0;title\u{9c}\u{9b}8m\u{202e}gpj\u{2066}";

/// Answers every request, with what does not belong into a terminal in each place. A model of the name `fail` fails.
fn gateway() -> String {
    let server = start(serving(async |mut client| {
        while let Some((head, body)) = request_of(&mut client).await {
            let (status, media_type, body) = answer(&head.to_lowercase(), &String::from_utf8_lossy(&body));
            let head = format!(
                "HTTP/1.1 {status} {EVIL_HEADER}\r\ncontent-type: {media_type}\r\nx-portkey-trace-id: {EVIL_HEADER}\r\n\
                 x-portkey-provider: {EVIL_HEADER}\r\nx-portkey-cache-status: {EVIL_HEADER}\r\n\
                 x-portkey-last-used-option-index: {EVIL_HEADER}\r\n"
            );
            let _ = client.write_all(&whole(&head, body)).await;
        }
    }));
    format!("http://{server}/v1")
}

fn answer(head: &str, body: &str) -> (u16, &'static str, String) {
    const AS_JSON: &str = "application/json";
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let call = json!([{"index": 0, "id": EVIL, "type": "function", "function": {"name": EVIL, "arguments": EVIL}}]);
    if head.starts_with("get") {
        let model = |id: &str| json!({"id": id, "object": "model", "owned_by": EVIL, "slug": EVIL, "provider": EVIL, "canonical_slug": EVIL});
        return (200, AS_JSON, json!({"object": "list", "data": [model(EVIL), model("@openai/plain")]}).to_string());
    }
    if body.contains("fail") {
        let error = json!({"message": EVIL, "type": EVIL, "code": EVIL, "param": EVIL});
        return (400, AS_JSON, json!({"error": error, "provider": EVIL, "status": EVIL}).to_string());
    }
    if head.contains("/audio/speech") {
        return (200, "audio/mpeg", format!("ID3{EVIL}"));
    }
    if head.contains("/audio/") {
        return (200, AS_JSON, json!({"text": EVIL, "usage": usage}).to_string());
    }
    if head.contains("/embeddings") {
        return (
            200,
            AS_JSON,
            json!({"model": EVIL, "data": [{"index": 0, "embedding": [1]}], "usage": usage}).to_string(),
        );
    }
    if head.contains("/images/") {
        let data = BASE64.encode(b"\x89PNG\r\n\x1a\n");
        return (
            200,
            AS_JSON,
            json!({"created": 1, "model": EVIL, "data": [{"b64_json": data, "revised_prompt": EVIL}]}).to_string(),
        );
    }
    if !body.contains("\"stream\":true") {
        let message = json!({"role": "assistant", "content": EVIL, "tool_calls": call});
        let choices = json!([{"index": 0, "message": message, "finish_reason": "tool_calls"}]);
        return (200, AS_JSON, json!({"id": EVIL, "model": EVIL, "choices": choices, "usage": usage}).to_string());
    }
    let event = |delta: Value, reason: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
        format!("data: {}\n\n", json!({"id": EVIL, "model": EVIL, "choices": choices, "usage": usage}))
    };
    let text = format!(
        "# {EVIL}\n\n`{EVIL}` [{EVIL}](http://x/{EVIL})\n\n| a |\n|---|\n| {EVIL} |\n\n```{EVIL}\n{EVIL}\n```\n\n{EVIL}\n"
    );
    let events = event(json!({"role": "assistant", "content": text}), Value::Null)
        + &event(json!({"reasoning_content": EVIL, "tool_calls": call}), Value::Null)
        + &event(json!({}), "tool_calls".into());
    (200, "text/event-stream", events + "data: [DONE]\n\n")
}

fn is_clean(raw: &str) -> Result<(), String> {
    let sequences = ["\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}[8m", "\u{7}", "\u{8}"];
    let found = sequences.into_iter().find(|sequence| raw.contains(sequence)).map(str::to_owned);
    let steers = |character: char| {
        ('\u{80}'..='\u{9f}').contains(&character)
            || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match found.or_else(|| raw.chars().find(|&character| steers(character)).map(String::from)) {
        Some(found) => Err(format!("{found:?} in {raw:?}")),
        None => Ok(()),
    }
}

/// Runs it in a terminal, and gives what it wrote.
fn run(command: Command, type_in: &[(&str, &str)]) -> String {
    let mut terminal = Terminal::start(command);
    for (question, keys) in type_in {
        terminal.wait_until(question, |terminal| terminal.is_read_by_key() && terminal.screen().contains(question));
        terminal.send(keys);
    }
    terminal.end();
    terminal.raw()
}

#[test]
fn no_command_lets_a_gateway_steer_the_terminal() {
    let base_url = gateway();
    component();
    let cli = Cli::before(&base_url).env("HOST_HARNESS_NO_KEYRING", "1");
    cli.write("a.wav", b"RIFF\0\0\0\0WAVEfmt ");
    for (arguments, shows) in [
        (&["models"][..], true),
        (&["models", "--json"], true),
        (&["models", "-vv"], true),
        (&["chat", "hello"], true),
        (&["chat", "hello", "-vv"], true),
        (&["chat", "hello", "--json"], true),
        (&["chat", "hello", "--no-stream"], true),
        (&["chat", "hello", "--no-stream", "--json"], true),
        (&["chat", "hello", "--model", "fail"], true),
        (&["chat", "hello", "--model", "fail", "--json"], true),
        (&["chat", "hello", "--model", "fail", "--no-stream"], true),
        (&["image", "a ship"], true),
        (&["image", "a ship", "--json"], true),
        (&["image", "fail"], true),
        (&["embed", "a"], true),
        (&["embed", "a", "--json"], true),
        (&["embed", "fail"], true),
        (&["speak", "a", "--output", "a.mp3", "--force"], true),
        (&["speak", "a", "--output", "a.mp3", "--force", "--json"], true),
        (&["speak", "fail", "--output", "b.mp3"], true),
        (&["transcribe", "a.wav"], true),
        (&["transcribe", "a.wav", "--json"], true),
        (&["transcribe", "a.wav", "--model", "fail"], true),
        // Such a file is the terminal itself, or what it is called by.
        (&["speak", "a", "--output", "/dev/tty"], false),
        (&["speak", "a", "--output", "/dev/stdout", "--force"], false),
        (&["chat", "hello", "--output", "/dev/tty"], false),
        (&["chat", "hello", "--output", "/dev/stderr", "--no-stream"], false),
        (&["chat", "hello", "--output", "/proc/self/fd/1", "--json"], false),
        (&["doctor", "--chat"], true),
        (&["doctor", "--chat", "--model", "fail"], true),
        (&["doctor", "--chat", "--json"], true),
        (&["demo"], true),
        (&["onboard", "--yes", "--model", EVIL], false),
    ] {
        for no_color in ["", "1"] {
            let mut command = cli.command(arguments);
            command.env("NO_COLOR", no_color);
            let raw = run(command, &[]);
            is_clean(&raw).unwrap_or_else(|found| panic!("{arguments:?} {no_color}: {found}"));
            assert_eq!(raw.contains("PWNED"), shows, "{arguments:?}: {raw:?}");
        }
    }
}

#[test]
fn the_wizard_and_a_session_are_not_steered_either() {
    let base_url = gateway();
    component();
    let cli = Cli::before(&base_url);
    let config = json!({"agents": {"defaults": {"model": {"primary": format!("other/{EVIL}")}}}, "x": EVIL});
    cli.write_config(&config.to_string());
    let answers = [
        ("Where should the key be kept?", "\r"),
        ("Model:", "plain\u{1b}[B\r"),
        ("Make it", "\r"),
        ("Write this?", "y\r"),
    ];
    let raw = run(cli.command(&["onboard"]), &answers);
    is_clean(&raw).unwrap();
    assert!(raw.contains("offers 2 models") && raw.contains("The default model is other/PWNED"), "{raw:?}");

    let mut session = Terminal::start(cli.command(&["chat"]));
    session.wait_until("a prompt", |terminal| terminal.is_read_by_key() && terminal.screen().contains("> "));
    session.send("hello\r");
    session.wait_for("result of PWNED");
    is_clean(&session.raw()).unwrap();
}

/// What a component says of itself is printed by whoever looks at it, and becomes a script that a shell runs.
#[test]
fn a_components_own_texts_are_no_code_and_do_not_steer_the_terminal() {
    let cli = Cli::new().env("HOST_HARNESS_NO_KEYRING", "1");
    for how in ["marks", "code"] {
        cli.write("plugin.wasm", describing(how));
        let plugin = ["--plugin", "plugin.wasm"];
        for arguments in [
            &["validate"][..],
            &["completions", "bash"],
            &["completions", "fish"],
            &["man"],
            &["man", "chat"],
            &["lint"],
            &["onboard", "--yes"],
            &["doctor", "--base-url", "http://127.0.0.1:9/v1"],
            &["models", "--base-url", "http://127.0.0.1:9/v1"],
        ] {
            let raw = run(cli.command(&[arguments, &plugin].concat()), &[]);
            is_clean(&raw).unwrap_or_else(|found| panic!("{how} {arguments:?}: {found}"));
        }
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let script = cli.run(&[&["completions", shell][..], &plugin].concat()).ok().out;
            assert!(script.contains("hostile-key"), "{how} {shell}");
            if shell == "bash" {
                assert!(!script.contains("touch"), "it is told the names alone");
                continue;
            }
            // The others write texts between single quotes.
            let (is_doubled, is_escaped) = (matches!(shell, "powershell" | "elvish"), shell == "fish");
            let code =
                unquoted(&script, is_doubled, is_escaped).unwrap_or_else(|| panic!("{how} {shell}: a quote is open"));
            let place = code.find("touch").map(|at| code.get(at.saturating_sub(80)..at));
            assert_eq!(place, None, "{how} {shell}");
        }
        let script = cli.run(&[&["completions", "bash"][..], &plugin].concat()).ok().out;
        cli.write("script", script);
        let complete = "source ./script; COMP_WORDS=(host-harness chat --host); COMP_CWORD=2; _host-harness host-harness --host chat; echo \"${COMPREPLY[*]}\"";
        let ran = Command::new("bash").args(["-c", complete]).current_dir(cli.folder.path()).output().unwrap();
        assert!(String::from_utf8_lossy(&ran.stdout).contains("--hostile-key"), "{ran:?}");
        assert!(!cli.folder.path().join("pwned").exists(), "{how}");
    }
}

/// What of a script stands between no single quotes, and in no comment.
fn unquoted(script: &str, is_doubled: bool, is_escaped: bool) -> Option<String> {
    let (mut code, mut is_quoted) = (String::new(), false);
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if is_escaped || !is_quoted && !is_doubled => drop(letters.next()),
            '\'' if is_quoted && is_doubled && letters.peek() == Some(&'\'') => drop(letters.next()),
            '\'' => is_quoted = !is_quoted,
            '#' if !is_quoted && code.rsplit('\n').next().is_none_or(|line| line.trim().is_empty()) => {
                while letters.next_if(|&letter| letter != '\n').is_some() {}
            }
            _ if !is_quoted => code.push(letter),
            _ => {}
        }
    }
    (!is_quoted).then_some(code)
}

/// Whatever a gateway calls its models, and however many: they are listed.
#[test]
fn a_list_of_long_names_is_drawn() {
    component();
    let cli = Cli::with_key();
    let names: Vec<Value> =
        (0..500).map(|number| json!({"id": format!("@openai/m-{number}"), "owned_by": "x".repeat(99)})).collect();
    let long = |letter: &str, length| json!({"id": letter.repeat(length)});
    for (name, models) in [
        ("many", names),
        ("one of 70,000 letters", vec![long("x", 70_000)]),
        ("one of 70,000 words", vec![long("x ", 70_000)]),
        ("wide ones", vec![long("\u{5bbd}", 40_000), long("\u{301}", 40_000)]),
        ("an empty one, and a blank one", vec![long("", 1), long(" ", 9)]),
    ] {
        let list = json!({"object": "list", "data": models}).to_string();
        // Which is asked for prices too, over the same connection.
        let (server, _) = start(recording(whole(JSON, list)));
        let base_url = format!("http://{server}/v1");
        for columns in [20, 80, 200] {
            let mut terminal = Terminal::sized(cli.command(&["models", "--base-url", &base_url]), 24, columns);
            assert_eq!(terminal.end(), 0, "{name} {columns}");
            assert!(terminal.raw().contains("models"), "{name} {columns}");
        }
    }
}

/// Such as a pattern of the shell finds them.
#[test]
fn a_files_name_does_not_steer_the_terminal() {
    component();
    let cli = Cli::new();
    for arguments in [
        &["validate", "PWNED\u{1b}]0;title\u{7}\u{9d}0;x\u{9c}.wasm"][..],
        &["validate", component().to_str().unwrap(), "--manifest", "PWNED\u{1b}]0;title\u{7}\u{202e}.json"],
        &["PWNED\u{1b}]0;title\u{7}\u{9d}0;x\u{9c}"],
        &["--PWNED\u{1b}]0;title\u{7}\u{202e}"],
        &["models", "--PWNED\u{1b}]0;title\u{7}\u{202e}", "--json"],
        &["chat", "--file", "PWNED\u{1b}]52;c;\u{7}\u{202e}"],
        &["onboard", "--yes", "--config", "PWNED\u{1b}]52;c;\u{7}\u{202e}.json"],
        &["onboard", "--json", "--config", "PWNED\u{1b}]52;c;\u{7}\u{202e}.json"],
        &["doctor", "--config", "PWNED\u{1b}]52;c;\u{7}\u{202e}.json"],
    ] {
        let raw = run(cli.command(arguments), &[]);
        is_clean(&raw).unwrap_or_else(|found| panic!("{arguments:?}: {found}"));
        assert!(raw.contains("PWNED"), "{arguments:?}: {raw:?}");
    }
}
