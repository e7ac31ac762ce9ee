//! The programs in `examples/`, run as their first lines say.

use std::process::Command;

use host_harness::stub::Stub;

use crate::support::{KEY, component, hosted, root};

async fn example(stub: &Stub, name: &str, question: &str) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_host-harness")).with_file_name("examples").join(name);
    let mut command = Command::new(program);
    command.arg(component()).arg(question);
    command.envs([("PORTKEY_API_KEY", KEY), ("PORTKEY_BASE_URL", &stub.base_url())]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test]
async fn each_does_what_it_says() {
    let stub = hosted().await;
    assert_eq!(example(&stub, "chat", "Reply with exactly OK.").await, "OK.\n");
    assert!(example(&stub, "stream", "tell me of ships").await.contains("tell me of ships"));
    stub.clear();
    let told = example(&stub, "tools", "Use get_weather for Paris.").await;
    assert!(told.contains("It rains in"), "{told}");
    assert_eq!(stub.requests().len(), 2, "one request with the question, one with the result");
}

#[test]
fn each_is_short() {
    for name in ["chat", "stream", "tools"] {
        let text = std::fs::read_to_string(root().join(format!("examples/{name}.rs"))).unwrap();
        assert!(text.lines().count() < 60, "{name}");
    }
}
