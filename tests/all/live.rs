//! The hosted service itself. Ignored unless asked for: `make test` asks for it where `PORTKEY_API_KEY` is set.
//! `PORTKEY_BASE_URL`, `PORTKEY_TEST_MODEL` and `PORTKEY_TEST_IMAGE_MODEL` say what to call.

use host_harness::{Environment, Plugin, Provider, Setup, types::MediaSource, wit::images};
use serde_json::json;

use crate::support::{ask, events, plugin, text};

async fn live() -> (Plugin, Provider) {
    let plugin = plugin().await;
    let setup = Setup::new(json!({})).environment(Environment::process());
    let setup = match std::env::var("PORTKEY_BASE_URL") {
        Ok(base_url) => setup.base_url(base_url),
        Err(_) => setup,
    };
    let provider = Provider::connect(&plugin, setup).await.unwrap();
    (plugin, provider)
}

fn model(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.into())
}

#[tokio::test]
#[ignore = "needs PORTKEY_API_KEY and the hosted service"]
async fn live_chat_answers_ok() {
    let (plugin, provider) = live().await;
    let model = model("PORTKEY_TEST_MODEL", &plugin.descriptor().default_model.id);
    let request = ask(&model, "Reply with exactly OK.");
    let answer = text(&provider.complete(&request).await.unwrap());
    assert!(answer.trim().trim_end_matches(['.', '!']) == "OK", "{answer}");
    assert!(!events(&provider, &request).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs PORTKEY_API_KEY and the hosted service"]
async fn live_models_are_listed() {
    let (_, provider) = live().await;
    assert!(!provider.models().await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs PORTKEY_API_KEY and the hosted service"]
async fn live_image_is_made() {
    let (_, provider) = live().await;
    let request = images::Request {
        model: Some(model("PORTKEY_TEST_IMAGE_MODEL", "@openai/gpt-image-2")),
        quality: Some("low".into()),
        ..images::Request::new("A small red circle on white")
    };
    let response = provider.generate(&request).await.unwrap();
    let MediaSource::Inline(media) = &response.images[0].source else { panic!("a url: {response:?}") };
    assert!(media.data.len() > 100);
}
