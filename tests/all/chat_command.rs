//! `chat` as a user has it: where the prompt comes from, what goes along, how a reply is shown, and a session.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::{
    fault_server::{FaultServer, bytes},
    raw_server::{HELLO, JSON, whole},
    support::{Cli, KEY, Ran, User, start, until},
    terminal::Terminal,
};

const MARKDOWN: &str = "Reply with exactly # Title\n\nSome **bold** text.\n\n- one\n- two";

impl User {
    fn chat(&self, arguments: &[&str], input: &str) -> Ran {
        let path = self.cli.folder.path().join("input.txt");
        std::fs::write(&path, input).unwrap();
        let mut command = self.cli.command(&[&["chat"], arguments].concat());
        Ran::from(command.stdin(File::open(path).unwrap()).output().unwrap())
    }

    fn session(&self, arguments: &[&str]) -> Terminal {
        let terminal = Terminal::start(self.cli.command(&[&["chat"], arguments].concat()));
        terminal.wait_for("> ");
        terminal
    }

    /// The last body that arrived.
    fn asked(&self) -> Value {
        self.stub.requests().last().unwrap().json()
    }
}

fn user() -> User {
    crate::support::component();
    User::new()
}

#[test]
fn the_prompt_is_made_of_arguments_and_a_file_or_of_standard_input() {
    let user = user();
    user.cli.write("question.txt", "from the file");
    for (arguments, expected) in [
        (&["some", "words"][..], "some words\n\nfrom the pipe"),
        (&["--file", "question.txt"], "from the file"),
        (&["some words", "--file", "question.txt"], "some words\n\nfrom the file"),
        (&[], "from the pipe"),
        (&["--file", "-"], "from the pipe"),
        (&["some words", "--file", "-"], "some words\n\nfrom the pipe"),
        (&["some words"], "some words\n\nfrom the pipe"),
    ] {
        user.chat(arguments, "from the pipe").ok();
        assert_eq!(user.asked()["messages"][0]["content"], expected, "{arguments:?}");
    }
    user.chat(&["words alone"], " \n").ok();
    assert_eq!(user.asked()["messages"][0]["content"], "words alone");
    let before = user.stub.requests().len();
    for (arguments, expected) in [
        (&["--file", "missing.txt"][..], "missing.txt"),
        (&["--schema", "missing.json", "x"], "missing.json"),
        (&["--schema", "question.txt", "x"], "question.txt"),
        (&["--metadata", "novalue", "x"], "NAME=VALUE"),
        (&["--option", "=1", "x"], "NAME=VALUE"),
        (&[], "the prompt is empty"),
    ] {
        let ran = user.chat(arguments, "  \n");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {ran:?}");
    }
    assert_eq!(user.stub.requests().len(), before);
}

/// An open pipe that says nothing, as another program may leave it: beside a prompt it is left alone.
#[test]
fn standard_input_that_says_nothing_holds_up_no_prompt() {
    let user = user();
    let command = &mut user.cli.command(&["chat", "Reply with exactly OK."]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _open = child.stdin.take();
    let ran = Ran::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(ran.out, "OK.\n");
    assert!(ran.err.contains("standard input says nothing"), "{ran:?}");
}

/// Where it is the prompt, it is waited for, and that is said.
#[test]
fn standard_input_that_does_not_end_is_told_of() {
    let user = user();
    let mut child = user
        .cli
        .command(&["chat", "Reply with exactly OK.", "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_line(&mut told).unwrap();
    assert!(told.contains("reading the prompt from standard input") && told.contains("< /dev/null"), "{told}");
    assert!(user.stub.requests().is_empty());
    drop(child.stdin.take());
    let ran = Ran::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(ran.out, "OK.\n");
}

#[test]
fn a_schema_shapes_the_reply() {
    let user = user();
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let named = json!({"name": "place", "schema": schema, "strict": false});
    for (file, content, sent) in [
        ("schema.json", &schema, json!({"name": "reply", "schema": schema, "strict": true})),
        ("named.json", &named, named.clone()),
    ] {
        std::fs::write(user.cli.folder.path().join(file), content.to_string()).unwrap();
        // Claude's default gets it closed: `tests/requests.jsonl`.
        let ran = user.chat(&["--model", "@openai/gpt-4o", "--schema", file, "Where?"], "").ok();
        assert_eq!(ran.json(), json!({"city": "city"}));
        assert_eq!(user.asked()["response_format"], json!({"type": "json_schema", "json_schema": sent}));
    }
}

#[test]
fn trace_id_metadata_and_config_win_over_the_configuration() {
    let user = user();
    let config = json!({
        "models": {"providers": {"portkey": {"headers": {"X-Portkey-Config": "pc-file", "x-portkey-span-id": "span-file"}}}},
        "plugins": {"entries": {"portkey": {"config": {"metadata": {"team": "file", "kept": "yes"}, "traceId": "file"}}}},
    });
    user.cli.write("c.json", config.to_string());
    let arguments =
        ["hello", "--config", "c.json", "--portkey-config", "pc-mine", "--trace-id", "t-1", "--metadata", "team=a=b"];
    user.chat(&[&arguments[..], &["--metadata", "user=é", "--option", "cacheForceRefresh=true"]].concat(), "").ok();
    let request = &user.stub.requests()[0];
    assert_eq!(request.header("x-portkey-config"), Some("pc-mine"));
    assert_eq!(request.header("x-portkey-trace-id"), Some("t-1"));
    assert_eq!(request.header("x-portkey-span-id"), Some("span-file"), "what was not given stays");
    assert_eq!(request.header("x-portkey-cache-force-refresh"), Some("true"));
    let metadata: Value = serde_json::from_str(request.header("x-portkey-metadata").unwrap()).unwrap();
    assert_eq!(metadata, json!({"team": "a=b", "kept": "yes", "user": "é"}));
    assert_eq!(request.header("x-portkey-api-key"), Some(KEY));

    let header = user.chat(&["hello", "--portkey-config=pc-mine", "--header", "x-portkey-config: pc-header"], "");
    assert_eq!(user.stub.requests()[1].header("x-portkey-config"), Some("pc-header"), "{header:?}");
    user.chat(&["hello", "--option", "traceId=7"], "").failed(4, "must be a text");
    assert_eq!(user.stub.requests().len(), 2);
}

#[test]
fn a_pipe_gets_the_reply_as_it_is_and_a_terminal_gets_it_drawn() {
    let user = user();
    let source = "# Title\n\nSome **bold** text.\n\n- one\n- two\n";
    let piped = user.chat(&[MARKDOWN], "").ok();
    assert_eq!(piped.out, source);
    assert!(piped.err.contains("first token after"), "{piped:?}");
    assert!(!piped.err.contains('\x1b'), "{piped:?}");
    assert_eq!(user.chat(&["--quiet", MARKDOWN], "").ok().err, "");

    let mut forced = user.cli.command(&["chat", MARKDOWN]);
    let forced = Ran::from(forced.env("CLICOLOR_FORCE", "1").output().unwrap()).ok();
    assert!(forced.out.contains("Some \x1b[1mbold\x1b[0m text."), "on demand into a pipe too: {forced:?}");

    let mut drawn = Terminal::start(user.cli.command(&["chat", MARKDOWN]));
    assert_eq!(drawn.end(), 0);
    assert!(drawn.screen().contains("Title\n\nSome bold text.\n\n• one\n• two\n"), "{}", drawn.screen());
    assert!(drawn.raw().contains("Some \x1b[1mbold\x1b[0m text."), "{:?}", drawn.raw());

    let mut plain = Terminal::start({
        let mut command = user.cli.command(&["chat", MARKDOWN]);
        command.env("NO_COLOR", "1");
        command
    });
    assert_eq!(plain.end(), 0);
    assert!(plain.screen().contains(source), "{}", plain.screen());
    assert!(!plain.raw().contains("\x1b["), "{:?}", plain.raw());
}

/// A model, or whoever wrote what it read, must not steer the terminal: retitle it, clear it, hide what it says.
#[test]
fn escape_sequences_of_a_reply_do_not_reach_a_terminal() {
    let user = user();
    let prompt = "Reply with exactly a\x1b]0;title\x07b\x1b[2Jc";
    assert_eq!(user.chat(&[prompt], "").ok().out, "a\x1b]0;title\x07b\x1b[2Jc\n", "a pipe takes all");
    for no_color in ["", "1"] {
        let mut command = user.cli.command(&["chat", prompt]);
        command.env("NO_COLOR", no_color);
        let mut terminal = Terminal::start(command);
        assert_eq!(terminal.end(), 0);
        assert!(terminal.screen().contains("a]0;titleb[2Jc"), "{}", terminal.screen());
        assert!(!terminal.raw().contains("\x1b]0;") && !terminal.raw().contains("\x1b[2J"), "{:?}", terminal.raw());
    }
}

#[test]
fn waiting_shows_that_it_is_alive_and_leaves_no_trace() {
    let user = user();
    let prompt = "Reply with exactly # Title\n\nSome **bold** text that goes on for a while.\n\n- one\n- two";
    let mut terminal = Terminal::start(user.cli.command(&["chat", "--model", "fault/slow", prompt]));
    // What no whole block is yet is shown as it came, behind the sign of life.
    terminal.wait_for("Some **bold** text that");
    assert_eq!(terminal.end(), 0);
    let screen = terminal.screen();
    assert!(!screen.contains("fault/slow"), "{screen}");
    assert!(screen.contains("Title\n\nSome bold text that goes on for a while.\n\n• one\n• two\n"), "{screen}");
    let piped = user.chat(&["--model", "fault/slow", prompt], "").ok();
    assert!(!piped.err.contains("writes") && !piped.err.contains("waiting"), "{piped:?}");
}

#[test]
fn ctrl_c_ends_a_single_question_and_its_request() {
    let user = user();
    let mut terminal =
        Terminal::start(user.cli.command(&["chat", "--model", "fault/slow", "First line.\n\nSecond and more."]));
    terminal.wait_for("First line.");
    terminal.send("\x03");
    assert_eq!(terminal.end(), 130, "{}", terminal.screen());
    terminal.wait_until("end of the request", |_| user.stub.abandoned() == 1);
}

/// As `| head` does it: the rest would be paid for in vain.
#[test]
fn a_reader_that_goes_ends_the_request() {
    let user = user();
    let mut command =
        user.cli.command(&["chat", "--model", "fault/slow", "Reply with exactly one two three four five six"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut first).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    // The gateway learns of it at its next word.
    assert!(until(|| user.stub.abandoned() > 0), "the reply was read to its end");
}

/// A reply that came whole was paid for: it is kept, whoever reads it. One that was cut off is not.
#[test]
fn a_whole_reply_that_nobody_reads_is_kept() {
    let user = user();
    let kept = |session: &str, more: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let arguments = [&["chat", "hello", "--session", session], more].concat();
        let ran = Ran::from(user.cli.command(&arguments).stdout(writer).output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
        user.cli.folder.path().join(format!(".local/state/host-harness/sessions/{session}.json")).exists()
    };
    assert!(kept("whole", &["--no-stream"]));
    assert!(!kept("cut", &[]));
}

#[test]
fn a_session_sends_what_was_said_before() {
    let user = user();
    let mut session = user.session(&["--system", "Be brief."]);
    session.send("Reply with exactly one\r");
    session.wait_for("tokens in");
    session.send("Reply with exactly two\r");
    session.wait_until("second reply", |_| user.stub.requests().len() == 2);
    session.wait_until("second summary", |session| session.screen().matches("tokens in").count() == 2);
    let messages = |at: usize| user.stub.requests()[at].json()["messages"].clone();
    assert_eq!(
        messages(1),
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Reply with exactly one"},
            {"role": "assistant", "content": "one"},
            {"role": "user", "content": "Reply with exactly two"},
        ])
    );
    session.send("/clear\r");
    session.send("three\r");
    session.wait_until("third reply", |session| session.screen().matches("tokens in").count() == 3);
    assert_eq!(messages(2)[1], json!({"role": "user", "content": "three"}));
    assert_eq!(messages(2).as_array().unwrap().len(), 2);
    // Nothing is paid for by mistake.
    session.send("/modle gpt-5\r");
    session.wait_for("there is no command /modle, did you mean /model?");
    session.wait_for("Send the line to the model as it stands? (y/N)");
    session.send("/system hush\r");
    session.wait_for("neither y nor n: nothing was done");
    session.send("/help\r");
    session.wait_for("/system [TEXT]");
    // A path is a question.
    session.send("/etc/hosts\r");
    session.wait_until("fourth reply", |session| session.raw().matches("tokens in").count() == 4);
    assert_eq!(messages(3)[3], json!({"role": "user", "content": "/etc/hosts"}));
    session.send("/quit\r");
    assert_eq!(session.end(), 0);
    assert_eq!(user.stub.requests().len(), 4);
    assert_eq!(user.files(), [] as [&str; 0], "nothing of it is stored");
}

/// Ends a session by Ctrl-D, which is lost if it comes before the prompt: lines are the terminal's own until then.
fn leave(session: &mut Terminal) {
    session
        .wait_until("a prompt", |session| session.screen().lines().next_back().is_some_and(|line| line.trim() == ">"));
    session.send("\x04");
    assert_eq!(session.end(), 0);
}

#[test]
fn a_session_that_is_ended_from_outside_gives_the_terminal_back() {
    let user = user();
    let mut session = user.session(&[]);
    session.wait_until("a prompt", Terminal::is_read_by_key);
    session.terminate();
    assert_eq!(session.end(), 143);
    assert!(session.is_as_a_shell_wants_it(), "{}", session.raw());
}

#[test]
fn ctrl_c_stops_a_reply_and_not_the_session() {
    let user = user();
    let mut session = user.session(&["--model", "fault/slow"]);
    // Of 100 ms each: as long as a busy machine may take to come to Ctrl-C.
    session.send(&format!("Reply with exactly One,{}\r", " two".repeat(200)));
    session.wait_until("reply on its way", |_| user.stub.requests().len() == 1);
    // The sign of life, and not the question.
    let is_reply =
        |line: &str| line.starts_with(|first| ('\u{2800}'..='\u{28ff}').contains(&first)) && line.contains("two two");
    session.wait_until("some words", |session| session.screen().lines().any(is_reply));
    session.send("\x03");
    session.wait_for("stopped");
    session.wait_until("end of the request", |_| user.stub.abandoned() == 1);
    session.send("Reply with exactly OK.\r");
    session.wait_for("tokens in");
    let messages = user.asked()["messages"].clone();
    assert_eq!(messages[1]["role"], "assistant", "what had come by then was said: {messages}");
    assert!(messages[1]["content"].as_str().unwrap().starts_with("One,"), "{messages}");
    leave(&mut session);
}

#[test]
fn a_session_outlives_an_error_which_is_not_said() {
    let user = user();
    let mut session = user.session(&["--model", "fault/flaky"]);
    for _ in 0..2 {
        session.send("hello\r");
    }
    session.wait_until("both errors", |session| session.screen().matches("error: ").count() == 2);
    session.send("Reply with exactly OK.\r");
    session.wait_for("tokens in");
    assert_eq!(user.asked()["messages"].as_array().unwrap().len(), 1);
    leave(&mut session);
}

#[test]
fn a_session_asks_for_the_results_of_tool_calls() {
    let user = user();
    let tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
    user.cli.write("tools.json", tools.to_string());
    let mut session = user.session(&["--tools", "tools.json"]);
    session.send("call get_weather\r");
    session.wait_for("result of get_weather> ");
    assert!(session.screen().contains(r#"get_weather({"city":"city"})"#), "{}", session.screen());
    session.send("sunny\r");
    session.wait_for("The tool said: sunny");
    let messages = user.asked()["messages"].clone();
    assert_eq!(messages[1]["tool_calls"][0]["id"], messages[2]["tool_call_id"], "{messages}");
    session.send("/quit\r");
    assert_eq!(session.end(), 0);
}

#[test]
fn a_session_changes_its_model_and_takes_several_lines() {
    let user = user();
    let mut session = user.session(&[]);
    for (lines, count) in [
        ("/model @openai/gpt-5-mini\r/system Be brief.\rone \\\rtwo\r", 1),
        ("\"\"\"three\r\rfour\"\"\"\r", 2),
        ("/wrong five\ry\r", 3),
    ] {
        session.send(lines);
        session.wait_until("reply", |session| session.raw().matches("tokens in").count() == count);
    }
    let body = user.asked();
    assert_eq!(body["model"], "@openai/gpt-5-mini");
    let said: Vec<_> = body["messages"].as_array().unwrap().iter().map(|message| message["content"].clone()).collect();
    assert_eq!(said[0], "Be brief.", "{body}");
    assert_eq!([&said[1], &said[3], &said[5]], ["one \ntwo", "three\n\nfour", "/wrong five"]);
    leave(&mut session);
}

#[test]
fn a_session_asks_about_a_model_that_the_gateway_does_not_offer() {
    let user = user();
    let mut session = user.session(&[]);
    session.send("/model gpt-5-mimi\r");
    session.wait_for("the gateway does not offer gpt-5-mimi, did you mean");
    session.wait_for("Ask it all the same? (y/N)");
    session.send("n\r");
    session.send("Reply with exactly one\r");
    session.wait_for("tokens in");
    assert_eq!(user.asked()["model"], "@anthropic/claude-sonnet-4-5");
    session.send("/model fault/gone\r");
    session.wait_until("second question", |session| session.raw().matches("Ask it all the same?").count() == 2);
    session.send("y\r");
    session.send("two\r");
    session.wait_until("second request", |_| user.asked()["model"] == "fault/gone");
    let lists = user.stub.requests().into_iter().filter(|request| request.path.ends_with("/models"));
    assert_eq!(lists.count(), 1, "it is asked for once");
    session.wait_until("an end", |session| session.screen().contains("error: "));
    leave(&mut session);
}

#[test]
fn a_reply_goes_into_a_file_in_one_piece() {
    let user = user();
    let path = user.cli.folder.path().join("reply.md");
    std::fs::write(&path, "an old one that is longer than the new one").unwrap();
    for arguments in [&["-o", "reply.md"][..], &["--output", "reply.md", "--no-stream"]] {
        let ran = user.chat(&[&[MARKDOWN], arguments].concat(), "").ok();
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("tokens in"), "{ran:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# Title\n\nSome **bold** text.\n\n- one\n- two\n");
    }
    let ran = user.chat(&["Reply with exactly OK.", "-o", "reply.json", "--json"], "").ok();
    let result: Value =
        serde_json::from_str(&std::fs::read_to_string(path.with_file_name("reply.json")).unwrap()).unwrap();
    assert_eq!((ran.out.as_str(), &result["text"]), ("", &json!("OK.")));
    // A reply that breaks off leaves the old file.
    let cut = user.chat(&["hello", "--model", "fault/cut", "-o", "reply.md"], "");
    assert_ne!(cut.code, 0, "{cut:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("# Title"));
    assert_eq!(user.files(), ["input.txt", "reply.json", "reply.md"]);
}

#[test]
fn flags_for_sampling_reach_the_request() {
    let user = user();
    let flags = [
        "--model", "@openai/gpt-4.1", "--temperature", "0.5", "--top-p", "0.9", "--stop", "END", "--stop", "two",
        "--seed=-7",
    ];
    user.chat(&[&["hello"], &flags[..]].concat(), "").ok();
    let body = user.asked();
    assert_eq!((&body["stop"], &body["seed"]), (&json!(["END", "two"]), &json!(-7)), "{body}");
    assert_eq!(
        body["temperature"].as_f64().zip(body["top_p"].as_f64()).map(|(t, p)| (t, (p * 10.0).round())),
        Some((0.5, 9.0))
    );
    let doubted = user.chat(&["hello", "--set", "temprature=1", "--set", "top_k=3"], "").ok();
    assert!(doubted.err.contains("--set temprature: did you mean temperature?"), "{doubted:?}");
    assert!(!doubted.err.contains("top_k"), "{doubted:?}");
    for (effort, is_doubted) in [("hihg", true), ("High", false), ("ultra-deep", false)] {
        let ran = user.chat(&["hello", "--reasoning-effort", effort], "").ok();
        assert_eq!(ran.err.contains("did you mean high?"), is_doubted, "{ran:?}");
    }
}

/// Off unless asked for; for this user alone; and no key in it, not even one that was said.
#[test]
fn a_session_that_is_kept_is_gone_on_with() {
    let user = user();
    user.chat(&["hello"], "").ok();
    let sessions = user.cli.folder.path().join(".local/state/host-harness/sessions");
    assert!(!sessions.exists());
    let said = format!("Reply with exactly {KEY}");
    let first =
        user.chat(&["--session", "work", "--system", "Be brief.", "--model", "@openai/gpt-5-mini", &said], "").ok();
    assert!(first.err.contains("kept as the session `work`"), "{first:?}");
    let second = user.chat(&["--session", "work", "Reply with exactly two"], "").ok();
    assert!(second.err.contains("going on with the session `work`, after one question"), "{second:?}");
    let body = user.asked();
    assert_eq!(body["model"], "@openai/gpt-5-mini", "the session's model");
    let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|message| message["role"].clone()).collect();
    assert_eq!(roles.len(), 4, "{body}");
    assert_eq!(body["messages"][1]["content"], "Reply with exactly ***");
    let path = sessions.join("work.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(KEY) && text.contains("Reply with exactly two"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for (path, mode) in [(&path, 0o600), (&sessions, 0o700)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }
    user.chat(&["--continue", "three"], "").ok();
    assert_eq!(user.asked()["messages"].as_array().unwrap().len(), 6);

    // In a terminal it goes on too.
    let mut session = user.session(&["--continue"]);
    session.send("four\r");
    session.wait_for("tokens in");
    leave(&mut session);
    assert_eq!(user.asked()["messages"].as_array().unwrap().len(), 8);
    assert!(std::fs::read_to_string(&path).unwrap().contains("four"));

    // What is forgotten is no longer kept either.
    let mut session = user.session(&["--continue"]);
    session.send("/clear\r");
    session.wait_for("forgotten");
    leave(&mut session);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("four"));
    user.chat(&["--continue", "anew"], "").ok();
    assert_eq!(user.asked()["messages"].as_array().unwrap().len(), 2, "what it was told beforehand, and this");

    // A gateway of one's own takes any key: these are words of the file itself.
    let wire = whole(JSON, HELLO);
    let server = start(FaultServer::http1(move |_| vec![bytes(&wire)]));
    user.cli.write("a.png", [0x89, b'P', b'N', b'G', 13, 10, 26, 10]);
    for key in ["user", "assistant", "content", "messages", "image_url", "base64"] {
        for question in ["first", "second"] {
            let said = format!("{question} {key}");
            let arguments = [
                "chat", "--session", key, "--base-url", &server.base_url, "--model", "base64", "--attach", "a.png",
                &said,
            ];
            let mut command = user.cli.command(&arguments);
            let ran = Ran::from(command.env("PORTKEY_API_KEY", key).stdin(Stdio::null()).output().unwrap()).ok();
            assert!(question == "first" || ran.err.contains("after one question"), "{key}: {ran:?}");
        }
        let text = std::fs::read_to_string(sessions.join(format!("{key}.json"))).unwrap();
        let of_short = if key == "user" { key } else { "***" };
        assert!(text.contains(&format!("\"first {of_short}\"")), "{text}");
        assert!(text.contains("\"model\": \"base64\"") && text.contains("data:image/png;base64,"), "{text}");
    }

    let before = user.stub.requests().len();
    for damage in ["{", "{}", "[]", "{\"messages\": [{\"role\": \"nobody\"}]}"] {
        std::fs::write(&path, damage).unwrap();
        let ran = user.chat(&["--session", "work", "five"], "");
        assert_eq!(ran.code, 2, "{damage}: {ran:?}");
        assert!(ran.err.contains("the session `work` cannot be read") && ran.err.contains("work.json"), "{ran:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damage);
    }
    assert_eq!(user.stub.requests().len(), before);
}

/// Who can write where sessions are kept could put words into them.
#[cfg(unix)]
#[test]
fn a_session_is_kept_in_no_folder_that_others_can_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let user = user();
    let sessions = user.cli.folder.path().join(".local/state/host-harness/sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    let (own, session) = (sessions.parent().unwrap(), sessions.join("work.json"));
    for (folder, mode) in [(sessions.as_path(), 0o777), (sessions.as_path(), 0o775), (own, 0o1777)] {
        for path in [&sessions, own] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&["--session", "work", "hello"][..], &["--continue", "hello"]] {
            let ran = user.chat(arguments, "");
            assert_eq!(ran.code, 2, "{mode:o} {arguments:?}: {ran:?}");
            assert!(ran.err.contains(&format!("chmod 700 '{}'", folder.display())), "{ran:?}");
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert!(user.stub.requests().is_empty() && !session.exists());
    user.chat(&["--session", "work", "hello"], "").ok();
    assert!(session.exists());
}

/// Text mode says what JSON says, and both exit alike.
#[test]
fn how_a_reply_ended_is_told() {
    for (message, reason, code, out, err) in [
        (json!({"content": "Hello"}), "length", 0, "Hello\n", "length: "),
        (json!({"content": "Hello"}), "content_filter", 7, "Hello\n", "content_filter: "),
        (json!({"content": ""}), "content_filter", 7, "", "content_filter: "),
        (json!({"refusal": "No."}), "stop", 7, "No.\n", "refusal: "),
        (json!({"content": ""}), "stop", 0, "", "said nothing at all"),
        (json!({"content": "", "reasoning": "hm"}), "stop", 0, "", "said nothing but for its reasoning"),
        (
            json!({"content": "Hello[1][2]", "annotations": [
                {"type": "url_citation", "url_citation": {"url": "https://a.test/1"}}, {"url": "https://b.test/2"}]}),
            "stop",
            0,
            "Hello[1][2]\n",
            "[1] https://a.test/1\n",
        ),
        (json!({"content": "Hello"}), "a new word", 0, "Hello\n", "another reason: a new word"),
        (
            json!({"images": [{"image_url": {"url": "data:image/png;base64,iVBORw0KGgow"}}]}),
            "stop",
            0,
            "./image-1.png\n",
            "",
        ),
    ] {
        let answer = json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": reason}]});
        let wire = whole(JSON, answer.to_string());
        let server = start(FaultServer::http1(move |_| vec![bytes(&wire)]));
        let cli = Cli::before(server.base_url.clone());
        for arguments in [&["chat", "hello"][..], &["chat", "hello", "--no-stream"], &["chat", "hello", "--json"]] {
            let ran = cli.run(arguments);
            assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
            let image = cli.folder.path().join("image-1.png");
            assert_eq!(image.exists(), out.contains("image-1.png"), "{arguments:?}: {ran:?}");
            if image.exists() {
                assert_eq!(std::fs::read(&image).unwrap(), b"\x89PNG\r\n\x1a\n0");
                std::fs::remove_file(&image).unwrap();
            }
            if arguments.contains(&"--json") {
                assert_eq!(ran.json()["finish_reason"], reason);
            } else {
                assert_eq!(ran.out, out, "{arguments:?}: {ran:?}");
                assert!(ran.err.contains(err), "{arguments:?}: {ran:?}");
            }
            assert!(!format!("{ran:?}").contains("iVBORw0KGgow"), "base64 is never printed: {ran:?}");
        }
    }
}

/// The reply is paid for: an image of it that cannot be had takes neither its text nor its other images along.
#[test]
fn an_image_of_a_reply_that_is_not_saved_is_named() {
    let image = |url: &str| json!({"image_url": {"url": url}});
    let images = [image("http://192.0.2.1/gone.png?signature=abc"), image("data:image/png;base64,iVBORw0KGgow")];
    let message = json!({"content": "Two.", "images": images});
    let answer = json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "stop"}]});
    let wire = whole(JSON, answer.to_string());
    let server = start(FaultServer::http1(move |_| vec![bytes(&wire)]));
    let cli = Cli::before(server.base_url.clone());
    let text = cli.run(&["chat", "hello"]);
    assert_ne!(text.code, 0, "{text:?}");
    assert_eq!(text.out, "Two.\n./image-2.png\n", "{text:?}");
    assert!(text.err.contains("192.0.2.1/gone.png is not saved") && !text.err.contains("signature"), "{text:?}");
    let result = cli.run(&["chat", "hello", "--json"]);
    assert_eq!((result.code, &result.json()["text"]), (text.code, &json!("Two.")), "{result:?}");
    assert_eq!(result.json()["images"][0]["path"], "./image-4.png", "{result:?}");
    assert!(result.json()["error"]["message"].as_str().unwrap().contains("gone.png"), "{result:?}");
}

#[test]
fn the_gateways_report_stands_below_the_reply() {
    let user = user();
    let ran = user.chat(&["--model", "fault/fell-back", "hello"], "").ok();
    for part in [
        "1 token in", "first token after", "provider anthropic", "cache MISS", "retries 2", "target config.targets[1]",
        "trace ",
    ] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
}
