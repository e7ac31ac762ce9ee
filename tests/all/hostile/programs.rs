//! Programs that the user lets a model run: how many, for how long, and how they end.

use std::{
    fs,
    process::Child,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::{
    fault_server::{FaultServer, Step, bytes},
    raw_server::{HELLO, JSON, whole},
    support::{User, component, install_script, start, until},
    tool_command,
};

/// A program for tools that says too much on the side, or not a word to the end, is given up in time.
#[test]
fn a_tool_that_floods_what_is_beside_its_answer_is_given_up() {
    let user = tool_command::user("");
    let late = "error: it took longer than 2 s";
    for (script, expected) in [
        ("yes >&2", "error: exit status: 141"),
        ("yes | head -c 300000 >&2; echo done", "done"),
        ("trap '' TERM INT HUP; sleep 600", late),
        ("(trap '' TERM; sleep 600) & sleep 600", late),
    ] {
        install_script(script, &user.cli.folder.path().join("tool"));
        user.stub.clear();
        let ran = tool_command::ask(&user, &["--timeout", "2"]).ok();
        assert!(ran.err.len() < 2000, "{script}: {ran:?}");
        assert_eq!(tool_command::result(&user), expected, "{script}");
    }
}

const WITH_TOOL: [&str; 6] = ["chat", "hello", "--tools", "tools.json", "--run", "./tool"];

/// A gateway that gives one answer, and then another.
fn answering(first: Vec<u8>, then: Vec<u8>) -> FaultServer {
    let count = AtomicUsize::new(0);
    start(FaultServer::http1(move |_| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        vec![bytes(if is_first { &first } else { &then })]
    }))
}

/// These tests may run under `nohup` themselves.
const WITH_HANGUP: &[&str] = &["env", "--default-signal=HUP"];

/// The program with its tool before this gateway.
fn started(starter: &[&str], user: &User, gateway: &FaultServer) -> Child {
    component();
    user.cli.through(starter, &[&WITH_TOOL[..], &["--base-url", &gateway.base_url]].concat()).spawn().unwrap()
}

/// A model asks for as many calls in one answer as it likes: each would be a process.
#[test]
fn tool_calls_without_number_are_not_all_made() {
    let user = tool_command::user("echo x >>calls; echo ok");
    let call = |number: usize| json!({"id": format!("c{number}"), "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let calls: Vec<_> = (0..2000).map(call).collect();
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    let asking = whole(
        JSON,
        json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}]}).to_string(),
    );
    let server = answering(asking, whole(JSON, HELLO));
    let ran = user.cli.run(&[&WITH_TOOL[..], &["--base-url", &server.base_url]].concat()).ok();
    assert_eq!(ran.out.trim(), "hello");
    let made = fs::read_to_string(user.cli.folder.path().join("calls")).unwrap().lines().count();
    assert!((1..=128).contains(&made), "{made} processes for one answer");
}

/// An answer that asks for the tool, and one that ends the conversation with an image that is elsewhere.
fn asking_and_drawing(image: &str) -> [Vec<u8>; 2] {
    let call = json!({"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let asking = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let drawing = json!({"role": "assistant", "content": "hello", "images": [{"image_url": {"url": image}}]});
    [(asking, "tool_calls"), (drawing, "stop")].map(|(message, reason)| {
        let answer = json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": reason}]});
        whole(JSON, answer.to_string())
    })
}

fn kill(signal: &str, id: u32) {
    assert!(std::process::Command::new("kill").args([signal, &id.to_string()]).status().unwrap().success());
}

/// A program that is killed takes along what it started for the model.
#[test]
fn a_tool_ends_with_the_program_that_started_it() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let user = tool_command::user("echo $$ > child; sleep 600 & echo $! > grandchild; wait");
        let [asking, _] = asking_and_drawing("");
        let server = start(FaultServer::http1(move |_| vec![bytes(&asking)]));
        let mut program = started(WITH_HANGUP, &user, &server);
        let file = |name: &str| fs::read_to_string(user.cli.folder.path().join(name)).unwrap_or_default();
        until(|| file("grandchild").ends_with('\n'));
        kill(signal, program.id());
        assert_eq!(program.wait().unwrap().code(), Some(code));
        let lives = |name: &str| {
            let status = fs::read_to_string(format!("/proc/{}/status", file(name).trim())).unwrap_or_default();
            !status.is_empty() && !status.contains("(zombie)")
        };
        until(|| !lives("child") && !lives("grandchild"));
        let left = ["child", "grandchild"].map(lives);
        for name in ["child", "grandchild"] {
            let _ = std::process::Command::new("kill").args(["-KILL", file(name).trim()]).output();
        }
        assert_eq!(left, [false, false], "after SIG{signal}");
    }
}

/// What handles a signal is never taken away again: what comes after the tools must end, too.
#[test]
fn a_signal_ends_the_program_once_its_tools_are_done() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let user = tool_command::user("echo ok");
        let images = start(FaultServer::http1(|_| vec![Step::Stall]));
        let [asking, drawing] = asking_and_drawing(&format!("{}/image.png", images.base_url));
        let server = answering(asking, drawing);
        let mut program = started(WITH_HANGUP, &user, &server);
        assert!(until(|| images.requests() == 1), "the image is asked for");
        kill(signal, program.id());
        let mut ended = None;
        until(|| {
            ended = program.try_wait().unwrap();
            ended.is_some()
        });
        let _ = program.kill();
        assert_eq!(ended.and_then(|status| status.code()), Some(code), "after SIG{signal}");
    }
}

/// As `nohup` starts it.
#[cfg(target_os = "linux")]
#[test]
fn a_program_with_a_tool_outlives_its_terminal_where_it_is_told_to() {
    let user = tool_command::user("touch started; while [ ! -e go ]; do sleep 0.05; done; echo ok");
    let [asking, _] = asking_and_drawing("");
    let server = answering(asking, whole(JSON, HELLO));
    let mut program = started(&["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"], &user, &server);
    let is_started = until(|| user.cli.folder.path().join("started").exists());
    kill("-HUP", program.id());
    // Time to end, for one that does.
    std::thread::sleep(Duration::from_millis(300));
    user.cli.write("go", "");
    assert_eq!((is_started, program.wait().unwrap().code()), (true, Some(0)));
}
