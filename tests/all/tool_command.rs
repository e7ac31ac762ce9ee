//! `chat --run`: a program that answers tool calls, and all that it must not get or do.

use serde_json::{Value, json};

use crate::{
    fault_server::FaultServer,
    raw_server::JSON,
    support::{KEY, Ran, User, install_script, start},
};

/// A user whose program for tools is this script.
pub(crate) fn user(script: &str) -> User {
    let user = User::new();
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]);
    user.cli.write("tools.json", tools.to_string());
    install_script(script, &user.cli.folder.path().join("tool"));
    user
}

pub(crate) fn ask(user: &User, more: &[&str]) -> Ran {
    user.cli.run(&[&["chat", "call get_weather", "--tools", "tools.json", "--run", "./tool"], more].concat())
}

/// What the model was told that the tool gave.
pub(crate) fn result(user: &User) -> String {
    let requests = user.stub.requests();
    assert_eq!(requests.len(), 2, "one with the question, one with the result");
    let told = requests[1].json()["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told["role"], "tool", "{told}");
    told["content"].as_str().unwrap().to_owned()
}

#[test]
fn a_program_answers_the_calls_and_gets_nothing_but_the_call() {
    let user = user("read -r call; echo \"$call\"; echo \"arguments: $#\"; env; echo on the side >&2");
    let ran = ask(&user, &[]).ok();
    let told = result(&user);
    let call: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((&call["name"], &call["arguments"]), (&json!("get_weather"), &json!({"city": "city"})));
    assert!(told.contains("\narguments: 0\n") && told.contains("\nHOME="), "{told}");
    assert!(!told.contains(KEY) && !told.contains("PORTKEY"), "{told}");
    // The answer alone is the result; the call and what the program says beside it are remarks.
    assert!(ran.out.starts_with("The tool said: ") && !ran.out.contains("get_weather({"), "{ran:?}");
    assert!(ran.err.contains(r#"get_weather({"city":"city"})"#) && ran.err.contains("on the side"), "{ran:?}");

    user.stub.clear();
    let json = ask(&user, &["--json"]).ok().json();
    assert!(json["text"].as_str().unwrap().contains("The tool said"), "{json}");
    assert!(json["usage"]["output_tokens"].as_u64().unwrap() > 2, "that of both requests: {json}");
    let tokens = |name: &str| json["usage"][name].as_f64().unwrap_or_default();
    let (read, written) = (tokens("cache_read_tokens"), tokens("cache_write_tokens"));
    let plain = tokens("input_tokens") - read - written;
    let cost = (plain * 3.0 + read * 0.3 + written * 3.75 + tokens("output_tokens") * 15.0) / 1e6;
    assert!((json["cost"].as_f64().unwrap() - cost).abs() < 1e-9, "that of both requests, {cost}: {json}");
}

#[test]
fn a_program_that_fails_says_much_or_takes_long_is_told_to_the_model() {
    let failing = user("echo no such city; exit 3");
    ask(&failing, &[]).ok();
    assert_eq!(result(&failing), "error: exit status: 3\nno such city");

    let verbose = user("head -c 1000000 /dev/zero | tr '\\0' x");
    ask(&verbose, &[]).ok();
    assert_eq!(result(&verbose), "error: it printed more than 256 KiB");

    let deaf = user("exec <&-; echo done");
    ask(&deaf, &[]).ok();
    assert_eq!(result(&deaf), "done");

    // With all that it started.
    let slow = user("sleep 600 & echo $! > child; wait");
    ask(&slow, &["--timeout", "2"]).ok();
    assert_eq!(result(&slow), "error: it took longer than 2 s");
    assert_child_ended(&slow);

    // What it left in the background, too, though it answered in time.
    let quick = user("sleep 600 </dev/null >/dev/null 2>&1 & echo $! > child; echo done");
    ask(&quick, &[]).ok();
    assert_eq!(result(&quick), "done");
    assert_child_ended(&quick);
}

fn assert_child_ended(user: &User) {
    let child = std::fs::read_to_string(user.cli.folder.path().join("child")).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.trim())).unwrap_or_default();
    assert!(status.is_empty() || status.contains("(zombie)"), "{status}");
}

/// Nothing of a call is code: it stands in no command line. And a model that never has enough is stopped.
#[test]
fn what_a_model_writes_is_run_by_no_shell() {
    let user = user("cat >>calls; echo ok");
    let city = format!("$(touch pwned); `touch pwned`; touch pwned\n; touch pwned{}", "x".repeat(100_000));
    let arguments = json!({"city": city}).to_string();
    let call = json!({"id": "$(touch pwned)", "type": "function", "function": {"name": "get_weather", "arguments": arguments}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let answer = json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}]});
    let server = start(FaultServer::always(JSON, answer.to_string()));
    let ran =
        ask(&user, &["--base-url", &server.base_url]).failed(1, "the model still asks for tools after 16 requests");
    let calls = std::fs::read_to_string(user.cli.folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 16);
    assert!(calls.contains(r#""id":"$(touch pwned)""#) && calls.contains("`touch pwned`"), "{calls}");
    assert!(calls.len() > 1_600_000 && ran.err.len() < 100_000, "all of it is given, and its beginning shown");
    assert_eq!(user.files(), ["calls", "tool", "tool.script", "tools.json"]);
}

#[test]
fn a_program_that_is_none_is_refused_before_anything_is_sent() {
    let user = user("echo ok");
    user.cli.write("one.json", r#"{"type": "function", "function": {"name": "a"}}"#);
    user.cli.write("broken.json", "[");
    for (arguments, expected) in [
        (&["--tools", "tools.json", "--run", "missing"][..], "`missing` is no program to run"),
        (
            &["--tools", "tools.json", "--run", "tool"],
            "`tool` is no program to run: no folder of the PATH has it; for the file here, write ./",
        ),
        (
            &["--tools", "tools.json", "--run", "./tools.json"],
            "`./tools.json` is no program to run: the file may not be run (chmod +x",
        ),
        (&["--tools", "one.json", "--run", "./tool"], "it is no JSON array, such as [{\"type\": \"function\""),
        (&["--tools", "broken.json", "--run", "./tool"], "it is not JSON"),
        (&["--tools", "tools.json", "--run", "./tool --fast"], "without arguments"),
        (&["--run", "./tool"], "--tools"),
    ] {
        let ran = user.cli.run(&[&["chat", "hello"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
}
