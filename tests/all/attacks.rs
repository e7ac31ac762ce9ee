//! The third hostile review: waits, copies, redirects and files that the first two did not try. `tests/hostile/review/README.md`
//! lists each attempt with its result.

use std::{fs, time::Duration};

use host_harness::{Engine, Limits, Provider};
use serde_json::json;

use crate::{
    hostile::{Host, assert_failed, at, hostile, load, request, tight},
    review::{HELLO, JSON, before, good, recording, whole},
    support::{KEY, User, ask, install_script, text},
};

/// What is let go of is gone, what is named often is there once, and a copy is held to what the whole may be.
#[tokio::test]
async fn what_a_component_waits_for_names_or_copies_is_bounded() {
    let host = Host::new().await;
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let patient = load(&engine, hostile()).await.unwrap();
    let patient = Provider::connect(&patient, at(host.server.base_url())).await.unwrap();
    assert_eq!(text(&patient.complete(&request("forgetful", &["10000"])).await.unwrap()), "true");
    assert_eq!(host.attack("crowd", &["10"]).await.unwrap(), "10");
    for count in ["100000", "2000000"] {
        assert_failed("crowd", patient.complete(&request("crowd", &[count])).await, "handle limit");
    }
    assert_eq!(host.attack("copies", &["2"]).await.unwrap(), "2");
    assert_failed("copies", host.attack("copies", &["10"]).await, "total size of fields exceeds limit");
    host.serves().await;
}

/// What a server says in its head is not what a component may say in the next request's.
#[tokio::test]
async fn the_headers_of_an_answer_and_a_late_body_are_not_sent() {
    let host = Host::new().await;
    let told =
        format!("{JSON}range: bytes=0-4\r\nte: trailers\r\nkeep-alive: x\r\nx-hostile-key: mine\r\nx-own: yes\r\n");
    let (server, heads) = recording(whole(&told, HELLO)).await;
    let base_url = format!("http://{server}/v1");
    let provider = Provider::connect(&host.plugin, at(&base_url)).await.unwrap();
    assert_eq!(text(&provider.complete(&request("copied", &[])).await.unwrap()), "false false 200");
    let (own, heads) = (server.to_string(), heads.lock().unwrap().clone());
    assert_eq!(heads.iter().map(|head| head.contains("x-own: yes")).collect::<Vec<_>>(), [false, true]);
    for head in heads {
        assert!(!["range:", "keep-alive:", "mine"].iter().any(|it| head.contains(it)), "{head}");
        assert!(
            head.contains(&format!("host: {own}\r\n")) && head.contains(&format!("x-hostile-key: {KEY}\r\n")),
            "{head}"
        );
    }
    assert_failed("late body", provider.complete(&request("late body", &[])).await, "has children");
    host.serves().await;
}

/// Wherever it leads, and however it is said: a redirect of a call is not followed, and the key goes nowhere else.
#[tokio::test]
async fn a_redirect_of_a_call_is_not_followed() {
    let plugin = good().await;
    let (other, others) = recording(whole(JSON, HELLO)).await;
    for status in [301, 302, 303, 307, 308] {
        for location in
            ["/v1/elsewhere", "//elsewhere.example/v1", &format!("http://{other}/v1"), "?x", "javascript:x", ""]
        {
            let head = format!("HTTP/1.1 {status} x\r\nlocation: {location}\r\n");
            let (server, heads) = recording(whole(&head, HELLO)).await;
            let outcome = before(&plugin, server).await.complete(&ask("m", "hello")).await;
            assert!(outcome.is_err(), "{status} {location}: {outcome:?}");
            assert_eq!(heads.lock().unwrap().len(), 1, "{status} {location}");
        }
    }
    assert!(others.lock().unwrap().is_empty());
}

/// A session is a file of the user's own, in its own folder, that can be read.
#[cfg(unix)]
#[test]
fn a_session_is_no_link_no_pipe_and_in_no_other_folder() {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    let user = User::new();
    let sessions = user.cli.folder.path().join(".local/state/host-harness/sessions");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&sessions).unwrap();
    let secret = user.cli.folder.path().join("secret");
    fs::write(&secret, "sk-of-another-program\n").unwrap();
    symlink(&secret, sessions.join("link.json")).unwrap();
    symlink("/dev/zero", sessions.join("zero.json")).unwrap();
    symlink(sessions.join("loop.json"), sessions.join("loop.json")).unwrap();
    fs::create_dir(sessions.join("folder.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(sessions.join("pipe.json")).status().unwrap().success());
    fs::write(sessions.join("deep.json"), "[".repeat(200_000)).unwrap();
    for name in
        ["link", "zero", "loop", "folder", "pipe", "deep", "../x", "a/b", ".x", "-x", "", "a\u{202e}b", &"x".repeat(65)]
    {
        let ran = user.cli.run(&["chat", "hello", &format!("--session={name}")]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(!format!("{ran:?}").contains("sk-of-another"), "{name}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(fs::read_to_string(&secret).unwrap(), "sk-of-another-program\n");
    // One that is not absolute would mean the working folder.
    let before = user.files();
    let output =
        user.cli.command(&["chat", "hello", "--session", "x"]).env("XDG_STATE_HOME", "state").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(user.files(), before);
}

/// A program for tools that says too much on the side, or not a word to the end, is given up in time.
#[test]
fn a_tool_that_floods_what_is_beside_its_answer_is_given_up() {
    let user = User::new();
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]);
    fs::write(user.cli.folder.path().join("tools.json"), tools.to_string()).unwrap();
    let late = "error: it took longer than 2 s";
    for (script, expected) in [
        ("yes >&2", "error: exit status: 141"),
        ("yes | head -c 300000 >&2; echo done", "done"),
        ("trap '' TERM INT HUP; sleep 600", late),
        ("(trap '' TERM; sleep 600) & sleep 600", late),
    ] {
        install_script(script, &user.cli.folder.path().join("tool"));
        user.stub.clear();
        let ran = user
            .cli
            .run(&["chat", "call get_weather", "--tools", "tools.json", "--run", "./tool", "--timeout", "2"])
            .ok();
        assert!(ran.err.len() < 2000, "{script}: {ran:?}");
        let told = user.stub.requests()[1].json()["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        assert_eq!(told, expected, "{script}");
    }
}
