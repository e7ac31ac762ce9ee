//! One question, one answer.
//!
//!     PORTKEY_API_KEY=... cargo run --example chat -- portkey_provider.wasm 'Say hello'

use host_harness::{
    Engine, Environment, Limits, Plugin, Provider, Setup,
    wit::chat::{AssistantPart, Message, Prompt},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let plugin = Plugin::load(&Engine::new(Limits::default())?, component).await?;
    let mut setup = Setup::new(serde_json::json!({})).environment(Environment::process());
    if let Ok(base_url) = std::env::var("PORTKEY_BASE_URL") {
        setup = setup.base_url(base_url);
    }
    let provider = Provider::connect(&plugin, setup).await?;
    let model = &plugin.descriptor().default_model.id;

    let response = provider.complete(Prompt::new(model, [Message::ask(question)])).await?;
    for part in response.content {
        if let AssistantPart::Text(text) = part {
            println!("{text}");
        }
    }
    Ok(())
}
