//! An agent of rig with a tool, streamed, on a component: rig never sees the key.
//!
//!     PORTKEY_API_KEY=... cargo run --example rig -- portkey_provider.wasm 'Use get_weather for Paris'

use std::{convert::Infallible, io::Write as _};

use futures_util::StreamExt as _;
use host_harness::{Provider, Setup};
use rig_agent::{
    prelude::{AgentBuilder, MultiTurnStreamItem},
    streaming::{Item, StreamEvent},
};
use rig_core::tool::PortableTool;
use serde_json::{Value, json};

/// What the agent may ask for.
struct Weather;

impl PortableTool for Weather {
    const NAME: &'static str = "get_weather";
    type Args = Value;
    type Output = String;
    type Error = Infallible;

    fn description(&self) -> String {
        "The weather in a city".into()
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    }

    async fn call(&self, arguments: Value) -> Result<String, Infallible> {
        Ok(format!("It rains in {}.", arguments.get("city").and_then(Value::as_str).unwrap_or("no city")))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let provider = Provider::load(component, Setup::from_env()).await?;
    let model = host_harness_rig::completion(&provider, &*provider.plugin().descriptor().default_model.id);
    let agent = AgentBuilder::new(model).preamble("Be brief.").tool(Weather).default_max_turns(8).build();

    let mut stream = agent.prompt(question).stream();
    while let Some(item) = stream.next().await {
        if let MultiTurnStreamItem::StreamAssistantItem(Item::Event(StreamEvent::Text { text, .. })) = item? {
            print!("{text}");
            std::io::stdout().flush()?;
        }
    }
    println!();
    Ok(())
}
