//! The commands as a user runs them: results on standard output, all else on standard error, documented exit codes.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Stdio};

use serde_json::json;

use crate::support::{Cli, KEY, Ran, User, component};

#[test]
fn the_demo_does_the_main_job_without_a_key() {
    let cli = Cli::on_a_new_machine();
    let ran = cli.run(&["demo"]).ok();
    for step in [
        "stand-in gateway",
        "Onboarded into",
        "48 models",
        "Hello",
        "Made an image",
        "Edited it",
        "Next, with PORTKEY_API_KEY set:",
    ] {
        assert!(ran.out.contains(step), "{step}: {ran:?}");
    }
    let images: Vec<_> = ran.out.lines().filter(|line| line.ends_with(".png")).collect();
    assert_eq!(images.len(), 2, "{ran:?}");
    for image in &images {
        let path = image.split_whitespace().last().unwrap();
        assert!(std::fs::read(path).unwrap().starts_with(b"\x89PNG"), "{path}");
    }
}

#[test]
fn chat_prints_the_reply_and_nothing_else_on_standard_output() {
    let user = User::new();
    let ran = user.cli.run(&["chat", "Reply with exactly OK."]).ok();
    assert_eq!(ran.out, "OK.\n");
    assert!(ran.err.contains("tokens in"), "{ran:?}");
    let whole = user.cli.run(&["chat", "--no-stream", "Reply with exactly OK."]).ok();
    assert_eq!(whole.out, "OK.\n");
    let bodies: Vec<_> = user.stub.requests().iter().map(|request| request.json()).collect();
    assert_eq!(bodies[0]["stream"], true);
    assert_ne!(bodies[1]["stream"], true);
    assert_eq!(bodies[0]["model"], "@anthropic/claude-sonnet-4-5");
}

#[test]
fn chat_json_is_the_result_of_the_wit() {
    let user = User::new();
    let streamed = user.cli.run(&["chat", "--json", "--model", "@openai/gpt-5-mini", "hello"]).ok().json();
    let whole = user.cli.run(&["chat", "--json", "--no-stream", "--model", "@openai/gpt-5-mini", "hello"]).ok().json();
    for reply in [&streamed, &whole] {
        assert_eq!(reply["finish_reason"], "stop");
        assert_eq!(reply["model"], "gpt-5-mini");
        assert_eq!(reply["content"], json!([{"type": "text", "text": reply["text"]}]));
        assert!(reply["usage"]["input_tokens"].as_u64() > Some(0), "{reply}");
        assert!(reply["usage"].get("cache_read_tokens").is_some() && reply["id"].is_string());
        assert_eq!(reply["report"]["provider"], "openai");
        assert_eq!(reply["report"]["cache_status"], "DISABLED");
    }
    assert_eq!(streamed["text"], whole["text"]);
    assert_eq!(user.stub.requests()[0].json()["stream"], true);
}

#[test]
fn chat_reads_standard_input_images_tools_and_headers() {
    let user = User::new();
    let folder = user.cli.folder.path();
    std::fs::write(folder.join("question.txt"), "call get_weather").unwrap();
    std::fs::write(folder.join("tools.json"), r#"[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]"#).unwrap();
    let input = std::fs::File::open(folder.join("question.txt")).unwrap();
    let arguments =
        ["chat", "--json", "--tools", "tools.json", "--system", "Be brief.", "--header", "x-portkey-trace-id: t-1"];
    let ran = Ran::from(user.cli.command(&arguments).stdin(input).output().unwrap()).ok().json();
    assert_eq!(ran["finish_reason"], "tool_calls");
    assert_eq!(ran["content"][0]["name"], "get_weather");
    assert_eq!(ran["report"]["trace_id"], "t-1");
    let system = user.stub.requests()[0].json()["messages"][0]["content"].clone();
    assert_eq!(system[0]["text"], "Be brief.", "kept for the next request, with the tools: {system}");

    user.cli.run(&["image", "a lighthouse"]).ok();
    let seen = user.cli.run(&["chat", "what is this?", "--image", "image-1.png"]).ok();
    assert!(seen.out.contains("image/png"), "{seen:?}");
}

#[test]
fn images_are_written_whole_and_never_over_others() {
    let user = User::new();
    let first = user.cli.run(&["image", "--json", "--count", "2", "a", "lighthouse"]).ok().json();
    let second = user.cli.run(&["image", "--json", "--input", "image-1.png", "at night"]).ok().json();
    assert_eq!(first["images"][1]["path"], "./image-2.png");
    assert_eq!(second["images"][0]["path"], "./image-3.png");
    assert_eq!(first["images"][0]["media_type"], "image/png");
    assert_eq!(first["model"], "gpt-image-2");
    let bytes = std::fs::metadata(user.cli.folder.path().join("image-1.png")).unwrap().len();
    assert_eq!(first["images"][0]["bytes"], bytes);
    assert!(first["images"][0]["revised_prompt"].as_str().unwrap().contains("a lighthouse"));

    let by_url = user.cli.run(&["image", "--json", "--model", "dall-e-3", "--output", "urls", "a ship"]).ok().json();
    assert_eq!(by_url["images"][0]["path"], "urls/image-1.png");
    assert!(by_url["images"][0]["bytes"].as_u64() > Some(100));
}

#[test]
fn who_gives_no_key_is_told_how_to() {
    let user = User::new();
    let how = "Set PORTKEY_API_KEY or give --portkey-api-key. Get one from https://app.portkey.ai/api-keys. A gateway of your \
               own that needs none takes any.";
    for command in [&["doctor"][..], &["chat", "hello"]] {
        let ran = Cli::new().env("PORTKEY_BASE_URL", user.stub.base_url()).run(command);
        assert!(ran.code == 3 && ran.said().contains(how), "{ran:?}");
    }
}

#[test]
fn a_failure_is_one_json_object_and_an_exit_code() {
    let user = User::new();
    for (model, kind, code) in [
        ("fault/invalid-key", "unauthorized", 3),
        ("fault/429", "rate_limited", 5),
        ("fault/key-budget", "quota_exceeded", 5),
        ("fault/guardrail", "content_blocked", 7),
        ("fault/404", "not_found", 1),
        ("fault/unknown-config", "invalid_config", 4),
        ("fault/cut", "truncated", 6),
        ("fault/200-html", "invalid_config", 4),
    ] {
        let ran = user.cli.run(&["chat", "--json", "--model", model, "hello there you"]);
        let error = &ran.json()["error"];
        assert_eq!((error["kind"].as_str(), ran.code), (Some(kind), code), "{model}: {ran:?}");
        for field in ["origin", "message", "hint", "status", "code", "retry_after_ms", "trace_id", "request_sent"] {
            assert!(error.get(field).is_some(), "{field}: {ran:?}");
        }
    }
    for (arguments, message, code) in [
        (&["chat", "--json", "hello", "--unknown"][..], "unexpected argument '--unknown' found", 2),
        (&["image", "--json"], "the following required arguments were not provided:\n  <PROMPT>...", 2),
        (&["chat", "--json", "hello", "--portkey-api-key"], "--portkey-api-key needs a value", 2),
        (&["chat", "hello", "--portkey-api-key", "--json"], "--portkey-api-key needs a value", 2),
        (&["chat", "hello", "--portkey-api-key", " ", "--json"], "--portkey-api-key needs a value", 2),
        (&["models", "--json", "--plugin", "none.wasm", "--portkey-api-key", "k"], "none.wasm", 4),
    ] {
        let ran = user.cli.run(arguments);
        assert_eq!((ran.code, &*ran.err), (code, ""), "{arguments:?}: {ran:?}");
        let said = ran.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(if code == 2 { said == message } else { said.contains(message) }, "{arguments:?}: {ran:?}");
    }
    let plain = user.cli.run(&["chat", "--model", "fault/invalid-key", "hello"]);
    assert_eq!(plain.out, "", "{plain:?}");
    assert!(plain.err.starts_with("error: ") && plain.err.contains("\nhint: "), "{plain:?}");
    assert!(plain.err.ends_with("\nkind: unauthorized\n"), "{plain:?}");
    let later = user.cli.run(&["chat", "--model", "fault/429", "hello"]);
    assert!(later.err.contains("\nkind: rate_limited\nretry after: 2 s\ntrace id: "), "{later:?}");
    let usage = user.cli.run(&["chat", "--file", "none", "hello"]);
    assert!(!usage.err.contains("kind:"), "{usage:?}");
}

/// It is there, and no key: "missing" would send its owner to look for a name.
#[test]
fn a_key_that_is_no_text_is_not_called_missing() {
    let user = User::new();
    let key = OsStr::from_bytes(b"pk-\xff");
    let ran = user.cli.run_with("PORTKEY_API_KEY", key, &["chat", "x"]).failed(4, "not printable ASCII");
    assert!(ran.err.contains("variable PORTKEY_API_KEY"), "{ran:?}");
}

/// Docker's `--env-file` keeps quotation marks: sent with them, the gateway would refuse a key that is right.
#[test]
fn what_was_pasted_along_with_a_key_is_said_before_anything_is_sent() {
    let mut user = User::new();
    for (key, what) in
        [("'pk-1'", "is in quotation marks"), ("PORTKEY_API_KEY=pk-1", "begins with the name of a variable")]
    {
        user.cli = user.cli.env("PORTKEY_API_KEY", key);
        let ran = user.cli.run(&["chat", "x"]).failed(4, what);
        assert!(ran.err.contains("variable PORTKEY_API_KEY"), "{ran:?}");
        assert!(!ran.err.contains("pk-1"), "{ran:?}");
    }
}

#[test]
fn wrong_usage_is_named_and_exits_with_2() {
    let user = User::new();
    user.cli.write("text.png", "not an image");
    for (arguments, expected) in [
        (&["chat", ""][..], "the prompt is empty"),
        (&["chat", " ", "\n"], "the prompt is empty"),
        (&["image", " "], "the prompt is empty"),
        (&["chat", "x", "--unknown"], "--unknown"),
        (&["chat", "x", "--header", "no colon"], "Name: value"),
        (&["chat", "x", "--image", "missing.png"], "missing.png"),
        (&["chat", "x", "--image", "text.png"], "is not an image"),
        (&["chat", "x", "--tools", "missing.json"], "missing.json"),
        (&["image"], "PROMPT"),
        (&["image", "x", "--mask", "text.png"], "--input"),
        (&["image", "x", "--input", "."], "cannot read the image"),
        (&["validate", "missing.wasm"], "missing.wasm"),
        (&["validate", built(), "--manifest", "missing.json"], "missing.json"),
        (&["validate", "--manifest", "missing.json"], "<COMPONENT>"),
        (&["check"], "<COMPONENT>"),
        (&["nonsense"], "nonsense"),
        (&["chat", "x", "--portkey-api-key"], "--portkey-api-key"),
        (
            &["onboard", "--yes", "--header", "Authorization: Bearer sk-0123456789abcdef"],
            "'authorization: ${AUTHORIZATION}'",
        ),
        (&["onboard", "--yes", "--header", "x-portkey-config: {\"api_key\":\"sk-0123456789\"}"], "${X_PORTKEY_CONFIG}"),
        (&["chat", "x", "--output", "missing/reply.txt"], "there is no folder `missing`"),
        (&["chat", "x", "--output", "."], "it is a folder"),
        (&["chat", "x", "--session", "../x"], "a session's name is made of"),
        (&["chat", "x", "--session", "a", "--continue"], "cannot be used with"),
        (&["chat", "x", "--temperature", "hot"], "it is not a number"),
        (&["chat", "x", "--top-p=-1"], "a number of 0 or more"),
        (&["models", "--no-check"], "--default"),
        // What a shell makes of an unset variable: the key would go to the provider's own service, or nobody be asked.
        (&["chat", "x", "--base-url", ""], "'--base-url <URL>': it is empty"),
        (&["onboard", "--yes", "--base-url", " "], "'--base-url <URL>': it is empty"),
        (&["chat", "x", "--model", ""], "'--model <ID>': it is empty"),
        (&["embed", "x", "-m", " "], "'--model <ID>': it is empty"),
        (&["models", "--default", ""], "'--default <ID>': it is empty"),
        (&["chat", "x", "--output", "-"], "give ./- for a file of that name, or /dev/stdout"),
        // The nearest name is looked for among the plugin's flags too.
        (&["chat", "x", "--portkey-api-kye", "k"], "a similar argument exists: '--portkey-api-key'"),
        (&["chat", "x", "--portky-config", "pc-1"], "a similar argument exists: '--portkey-config'"),
        // What a command would have no use for, it does not take.
        (&["onboard", "--yes", "--metadata", "a=b"], "unexpected argument '--metadata'"),
        (&["onboard", "--yes", "--trace-id", "t"], "unexpected argument '--trace-id'"),
        (&["demo", "--config", "openclaw.json"], "unexpected argument '--config'"),
        (&["validate", "--portkey-config", "pc-1"], "unexpected argument '--portkey-config'"),
        (&["validate", "--portkey-api-key", "k"], "unexpected argument '--portkey-api-key'"),
    ] {
        let ran = user.cli.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(user.files(), ["text.png"]);
    for (arguments, code) in [
        (&["chat", "x", "--plugin", "missing.wasm"][..], 4),
        (&["chat", "x", "--plugin", "missing.wasm", "--portkey-api-key", "k"], 4),
        (&["chat", "x", "--plugin", "missing.wasm", "--portkey-config", "pc-1"], 4),
        (&["chat", "x", "--base-url", "ftp://example"], 4),
        (&["chat", "x", "--base-url", "http://user:pw@127.0.0.1/v1"], 4),
        (&["chat", "x", "--base-url", "http://192.168.1.1/v1"], 4),
        (&["image", "x", "--count", "5"], 2),
        (&["image", "x", "--count", "0"], 2),
        (&["image", "x", "--size", "0x0"], 2),
    ] {
        let ran = user.cli.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{arguments:?}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());

    user.cli.write("bad.json", "{");
    let manifest = user.cli.run(&["validate", built(), "--manifest", "bad.json"]);
    assert_eq!(manifest.code, 4, "{manifest:?}");
    assert!(manifest.err.starts_with("error: the manifest `bad.json` is not valid JSON5"), "{manifest:?}");
}

/// The component, as an argument.
fn built() -> &'static str {
    component().to_str().unwrap()
}

const COMMANDS: [&str; 12] = [
    "demo", "chat", "image", "embed", "speak", "transcribe", "models", "onboard", "doctor", "validate", "check", "stub",
];

#[test]
fn every_command_refuses_nonsense() {
    let user = User::new();
    for command in COMMANDS {
        for nonsense in [&b"--nonsense"[..], b"--plugin\xff", b"-\xff", b"-Z", b"--json=maybe", b"a\xff\xfe"] {
            // These take a file of any name.
            if nonsense[0] == b'a' && ["transcribe", "validate", "check"].contains(&command) {
                continue;
            }
            let ran = user.cli.run(&[OsStr::new(command), OsStr::from_bytes(nonsense)]);
            assert_eq!(ran.code, 2, "{command} {nonsense:?}: {ran:?}");
            assert!(ran.err.starts_with("error: ") && ran.err.contains("Usage: "), "{command} {nonsense:?}: {ran:?}");
            assert_eq!(ran.out, "", "{command} {nonsense:?}");
        }
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(user.files(), [] as [&str; 0]);
}

/// What is no file, and what is too much of one, wherever a command takes a file.
#[test]
fn a_file_that_cannot_be_one_is_refused_and_nothing_is_sent() {
    let user = User::new();
    let folder = user.cli.folder.path();
    std::fs::create_dir(folder.join("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    // No disk is filled for it: it is a hole.
    std::fs::File::create(folder.join("large")).unwrap().set_len(200 << 20).unwrap();
    let image = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 64]].concat();
    std::fs::write(folder.join("image.png"), image).unwrap();
    let before = user.files();
    for (arguments, code) in [
        (&["chat", "x", "--image"][..], 2),
        (&["chat", "x", "--tools"], 2),
        (&["image", "x", "--input"], 2),
        (&["transcribe"], 2),
        (&["speak", "--output", "speech", "--file"], 2),
        (&["image", "x", "--input", "image.png", "--mask"], 2),
        (&["validate"], 2),
        (&["validate", built(), "--manifest"], 2),
        (&["check"], 4),
        (&["models", "--plugin"], 4),
        (&["demo", "--plugin"], 4),
        (&["models", "--config"], 4),
        (&["chat", "x", "--config"], 4),
        (&["onboard", "--config"], 4),
        (&["doctor", "--config"], 4),
    ] {
        for (file, reason) in [
            ("missing", "missing"),
            ("folder", "folder"),
            ("pipe", "pipe"),
            ("/dev/zero", "/dev/zero"),
            ("large", "larger than"),
        ] {
            // A configuration may be missing; a manifest is read as a configuration is.
            if arguments.ends_with(&["--config"]) && file == "missing" {
                continue;
            }
            let code = if arguments.ends_with(&["--manifest"]) && file == "large" { 4 } else { code };
            let ran = user.cli.run(&[arguments, &[file]].concat());
            assert_eq!(ran.code, code, "{arguments:?} {file}: {ran:?}");
            let told = if arguments[0] == "doctor" { &ran.out } else { &ran.err };
            assert!(told.contains(reason), "{arguments:?} {file}: {ran:?}");
            assert!(!ran.err.contains("panicked"), "{arguments:?} {file}: {ran:?}");
        }
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(user.files(), before, "nothing is left behind");
}

#[test]
fn standard_input_is_not_read_without_end() {
    let user = User::new();
    user.cli.write("noise", b"a\xff");
    for (file, reason) in [("/dev/zero", "larger than"), ("noise", "UTF-8"), ("/dev/null", "the prompt is empty")] {
        let input = std::fs::File::open(user.cli.folder.path().join(file)).unwrap();
        let ran = Ran::from(user.cli.command(&["chat"]).stdin(input).output().unwrap());
        assert_eq!(ran.code, 2, "{file}: {ran:?}");
        assert!(ran.err.contains(reason), "{file}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
}

/// The plugin has no part in it.
#[test]
#[cfg(target_os = "linux")]
fn too_little_address_space_is_called_so() {
    let user = User::new();
    user.cli.run(&["models"]).ok();
    let mut limited = user.cli.through(&["sh", "-c", "ulimit -v 3000000; exec \"$@\"", "sh"], &["models"]);
    let ran = Ran::from(limited.output().unwrap()).failed(1, "ulimit -v");
    assert!(!ran.err.contains("fault of the plugin"), "{ran:?}");
}

/// As of `host-harness chat x | head -0`, and as of a disk that is full: a script must not take what is not there for a result.
#[test]
fn nobody_reading_is_no_failure_and_a_result_that_cannot_be_written_is_one() {
    let user = User::new();
    let into = |out: Stdio, arguments: &[&str]| Ran::from(user.cli.command(arguments).stdout(out).output().unwrap());
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap().into();
    for arguments in [
        &["--help"][..],
        &["stub", "--faults"],
        &["chat", "hello"],
        &["chat", "hello", "--json"],
        &["chat", "hello", "--no-stream"],
        &["image", "a ship"],
        &["models"],
        &["onboard"],
        &["doctor"],
        &["validate", built()],
        &["man"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = into(writer.into(), arguments).ok();
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {ran:?}");
        into(full(), arguments).failed(1, "error: cannot write to standard output: No space left");
    }
    // What went wrong before it is said as well.
    let refused = into(full(), &["chat", "hello", "--json", "--model", "fault/429"]);
    refused.failed(5, "error: Rate limit reached").failed(5, "error: cannot write to standard output");
}

/// Images are paid for when they are made.
#[test]
fn images_are_asked_for_only_where_they_can_be_written() {
    let user = User::new();
    user.cli.write("file", "");
    // Not even the administrator can write below `/proc`.
    let nowhere = if cfg!(target_os = "linux") { "/proc/images" } else { "file/images" };
    for output in ["file", "file/images", nowhere] {
        let ran = user.cli.run(&["image", "a ship", "--output", output]);
        assert_eq!(ran.code, 2, "{output}: {ran:?}");
        assert!(ran.err.contains(output), "{output}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(user.files(), ["file"]);
}

#[test]
fn every_command_has_help() {
    let cli = Cli::new();
    let help = cli.run(&["--help"]).ok().out;
    assert!(help.contains("Exit codes:"), "{help}");
    for command in COMMANDS {
        assert!(help.contains(command), "{command}");
        assert!(cli.run(&[command, "--help"]).ok().out.contains("Usage:"), "{command}");
    }
}

#[test]
fn the_stub_serves_until_it_is_stopped() {
    use std::io::BufRead;
    let cli = Cli::with_key();
    let faults = cli.run(&["stub", "--faults"]).ok().out;
    assert!(faults.contains("fault/429"), "{faults}");
    let mut stub = cli.command(&["stub", "--port", "0", "--require", &format!("x-portkey-api-key: {KEY}")]);
    let mut stub = stub.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut base_url = String::new();
    let mut out = std::io::BufReader::new(stub.stdout.take().unwrap());
    out.read_line(&mut base_url).unwrap();
    let ran = cli.run(&["chat", "Reply with exactly OK.", "--base-url", base_url.trim()]);
    let mut seen = String::new();
    out.read_line(&mut seen).unwrap();
    stub.kill().unwrap();
    stub.wait().unwrap();
    assert_eq!(ran.ok().out, "OK.\n");
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    assert_eq!((&seen["method"], &seen["path"]), (&json!("POST"), &json!("/v1/chat/completions")));
    assert_eq!(seen["body"]["messages"][0]["content"], "Reply with exactly OK.");
    assert_eq!(seen["headers"]["x-portkey-api-key"], "***", "the key is not printed");
}

#[test]
fn limits_are_a_users_to_lower() {
    let user = User::new();
    user.cli.run(&["chat", "hello", "--model", "fault/silence", "--timeout", "1"]).failed(6, "longer than 1 s");

    let image = user.cli.folder.path().join("large.png");
    std::fs::write(&image, [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 4 << 20]].concat()).unwrap();
    let arguments = ["chat", "hello", "--image", "large.png", "--max-memory"];
    user.cli
        .run(&[&arguments[..], &["2"]].concat())
        .failed(1, "the plugin failed: it needs more memory than it may have");
    user.cli.run(&[&arguments[..], &["64"]].concat()).ok();
    assert_eq!(user.cli.run(&[&arguments[..], &["0"]].concat()).code, 2);
}

/// With the key it would go to the provider's own service.
#[test]
fn a_base_url_that_is_no_text_is_not_passed_over() {
    let user = User::new();
    let url = OsStr::from_bytes(b"http://\xff/v1");
    user.cli.run_with("PORTKEY_BASE_URL", url, &["chat", "hello"]).failed(4, "is not a usable base URL");
}

#[test]
fn what_is_logged_is_a_users_to_set() {
    let user = User::new();
    let said = |levels: &str| user.cli.run_with("HOST_HARNESS_LOG", levels, &["chat", "hello"]);
    assert!(said("debug").ok().err.contains("DEBUG hyper_util"));
    for quiet in ["", "warn", "host_harness=debug", "debug,hyper_util=off"] {
        assert!(!said(quiet).ok().err.contains("DEBUG hyper_util"), "{quiet}");
    }
    said("host_harness=loud").failed(2, "HOST_HARNESS_LOG is `host_harness=loud`: set it to a level such as `debug`");
}
