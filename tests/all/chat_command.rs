//! `chat` as a user has it: where the prompt comes from, what goes along, and how a reply is shown.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::{
    fault_server::FaultServer,
    raw_server::{HELLO, JSON, responding, whole},
    support::{Cli, KEY, Ran, User, start, until},
    terminal::Terminal,
};

const MARKDOWN: &str = "Reply with exactly # Title\n\nSome **bold** text.\n\n- one\n- two";

impl User {
    pub fn chat(&self, arguments: &[&str], input: &str) -> Ran {
        let path = self.cli.folder.path().join("input.txt");
        std::fs::write(&path, input).unwrap();
        let mut command = self.cli.command(&[&["chat"], arguments].concat());
        Ran::from(command.stdin(File::open(path).unwrap()).output().unwrap())
    }

    /// The last body that arrived.
    pub fn asked(&self) -> Value {
        self.stub.requests().last().unwrap().json()
    }
}

pub fn user() -> User {
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
    let steering = "a\x1b]0;title\x07b\x1b[2Jc";
    assert_eq!(user.chat(&[&format!("Reply with exactly {steering}")], "").ok().out, format!("{steering}\n"));

    let forced = user.cli.run_with("CLICOLOR_FORCE", "1", &["chat", MARKDOWN]).ok();
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

/// Thinking is signed: it comes back letter by letter, whatever the prompt ends in.
#[test]
fn a_session_of_a_model_that_thinks_goes_on_after_a_prompt_that_ends_in_a_space() {
    let user = user();
    for prompt in ["hello ", "again"] {
        let flags = ["--session", "s", "--model", "@anthropic/claude-sonnet-4-5", "--reasoning-effort", "low"];
        user.cli.run(&[&["chat", prompt], &flags[..]].concat()).ok();
    }
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

/// Two at once go on from the same, and the one that ends last takes the other's place.
#[test]
fn a_session_that_another_has_written_in_the_meantime_is_not_replaced_without_a_word() {
    let user = user();
    let alone = user.cli.run(&["chat", "hello", "--session", "s"]).ok();
    let file = user.cli.folder.path().join(".local/state/host-harness/sessions/s.json");
    let text = std::fs::read(&file).unwrap();
    let (address, _) = start(responding(move |_| {
        std::fs::write(&file, &text).unwrap();
        whole(JSON, HELLO)
    }));
    let base_url = format!("http://{address}/v1");
    let beside = user.cli.run(&["chat", "hello", "--session", "s", "--no-stream", "--base-url", &base_url]).ok();
    for (ran, is_said) in [(alone, false), (beside, true)] {
        assert_eq!(ran.err.contains("another program has written the session `s`"), is_said, "{ran:?}");
    }
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
        let server = start(FaultServer::always(JSON, answer.to_string()));
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
    let server = start(FaultServer::always(JSON, answer.to_string()));
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
