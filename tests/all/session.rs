//! `chat` as a session: several questions in a terminal, what is sent of those before, and what is kept of it in a file.

use std::{os::unix::fs::PermissionsExt, process::Stdio};

use serde_json::json;

use crate::{
    chat_command::user,
    fault_server::FaultServer,
    raw_server::{HELLO, JSON},
    support::{KEY, Ran, User, start},
    terminal::Terminal,
};

impl User {
    fn session(&self, arguments: &[&str]) -> Terminal {
        let terminal = Terminal::start(self.cli.command(&[&["chat"], arguments].concat()));
        terminal.wait_for("> ");
        terminal
    }
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
    for (path, mode) in [(&path, 0o600), (&sessions, 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
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
    let server = start(FaultServer::always(JSON, HELLO));
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
#[test]
fn a_session_is_kept_in_no_folder_that_others_can_write_to() {
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
