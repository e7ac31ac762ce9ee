//! The provider of `docs/write-a-provider.md`: the host runs it as it runs Portkey's, and knows neither.

use std::process::Command;

use host_harness::{
    Engine, Limits, Plugin, Provider, Setup,
    check::{self, Outcome},
    stub::{Credential, Options, Stub},
    types::ErrorKind as Kind,
    wit::images,
};
use serde_json::json;

use crate::support::{KEY, ask, root, streamed, text, weather_tool};

async fn second() -> Plugin {
    let build = ["rustc", "--quiet", "-p", "openai-compatible", "--crate-type", "cdylib"];
    let to = ["--target", "wasm32-wasip2", "--profile", "component"];
    assert!(Command::new(env!("CARGO")).args(build).args(to).current_dir(root()).status().unwrap().success());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let file = target.join("wasm32-wasip2/component/openai_compatible.wasm");
    Plugin::load(&Engine::new(Limits::default()).unwrap(), file).await.unwrap()
}

#[tokio::test]
async fn it_passes_the_suite() {
    let report = check::run(&second().await).await.unwrap();
    assert!(report.passed(), "{}", report.tap());
    let done = report.cases.iter().filter(|case| case.outcome == Outcome::Ok).count();
    assert!(done >= 30, "{}", report.tap());
}

#[tokio::test]
async fn it_chats_streams_and_calls_tools_and_says_what_it_cannot_do() {
    let require = Some(Credential { header: "authorization".into(), value: format!("Bearer {KEY}") });
    let stub = Stub::start(Options { require, ..Options::default() }).await.unwrap();
    let setup = Setup::new(json!({})).secret("openai-api-key", KEY).base_url(stub.base_url());
    let provider = Provider::connect(&second().await, setup).await.unwrap();

    let whole = provider.complete(&ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    let joined = streamed(&provider, &ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    assert!(text(&whole).contains("tell me of ships"));
    assert_eq!((text(&joined), joined.usage), (text(&whole), whole.usage));

    let mut request = ask("gpt-5-mini", "Use get_weather for Paris.");
    request.tools = vec![weather_tool("get_weather")];
    let whole = provider.complete(&request).await.unwrap();
    assert!(!whole.content.is_empty());
    assert_eq!(streamed(&provider, &request).await.unwrap().content, whole.content);

    let error = streamed(&provider, &ask("fault/cut", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Truncated, "{error:?}");
    let error = provider.generate(&images::Request::new("a lighthouse")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error:?}");
}
