//! An answer as it is written, with what it used at the end.
//!
//!     PORTKEY_API_KEY=... cargo run --example stream -- portkey_provider.wasm 'Tell me of ships'

use std::io::Write;

use futures_util::{StreamExt, pin_mut};
use host_harness::{
    Engine, Environment, Limits, Plugin, Provider, Setup,
    wit::chat::{Event, Message, Prompt},
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

    let reply = provider.stream(Prompt::new(model, [Message::ask(question)])).await?;
    eprintln!("trace id: {}", reply.report().trace_id.as_deref().unwrap_or("none"));
    let events = reply.into_events();
    pin_mut!(events);
    while let Some(event) = events.next().await {
        match event? {
            Event::Text(text) => {
                print!("{text}");
                std::io::stdout().flush()?;
            }
            Event::Usage(usage) => eprintln!("\n{} tokens in, {} out", usage.input_tokens, usage.output_tokens),
            _ => {}
        }
    }
    Ok(())
}
