//! The programs in `examples/`, run as their first lines say.

use std::process::{Command, Output};

use host_harness_stub::Stub;

use crate::support::{KEY, component, hosted, root};

async fn example(stub: &Stub, name: &str, question: &str) -> String {
    let ran = run(stub, name, question, &[]).await;
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

async fn run(stub: &Stub, name: &str, question: &str, environment: &[(&str, &str)]) -> Output {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_host-harness")).with_file_name("examples").join(name);
    let mut command = Command::new(program);
    command.arg(component()).arg(question);
    command.envs([("PORTKEY_API_KEY", KEY), ("PORTKEY_BASE_URL", &stub.base_url())]);
    command.envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn each_does_what_it_says() {
    let stub = hosted().await;
    assert_eq!(example(&stub, "chat", "Reply with exactly OK.").await, "OK.\n");
    assert!(example(&stub, "stream", "tell me of ships").await.contains("tell me of ships"));
    for (model, said) in [("fault/cut", "cut short: "), ("fault/key-budget", "the budget is used up: ")] {
        let ran = run(&stub, "stream", "hello", &[("MODEL", model)]).await;
        let printed = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && printed.contains(said), "{model}: {printed}");
    }
    stub.clear();
    let told = example(&stub, "tools", "Use get_weather for Paris.").await;
    assert!(told.contains("It rains in"), "{told}");
    assert_eq!(stub.requests().len(), 2, "one request with the question, one with the result");
    stub.clear();
    let told = example(&stub, "rig", "Use get_weather for Paris.").await;
    assert!(told.contains("It rains in"), "{told}");
    assert_eq!(stub.requests().len(), 2, "the same, asked by an agent");
}

#[test]
fn each_is_short() {
    for name in ["chat", "rig", "stream", "tools"] {
        let text = std::fs::read_to_string(root().join(format!("examples/{name}.rs"))).unwrap();
        assert!(text.lines().count() < 60, "{name}");
    }
}
