//! A tool loop: the model may ask for the weather until it has what it needs.
//!
//!     PORTKEY_API_KEY=... cargo run --example tools -- portkey_provider.wasm 'Use get_weather for Paris'

use host_harness::{
    Engine, Environment, Limits, Plugin, Provider, Setup,
    wit::chat::{AssistantPart, Message, Prompt, Tool},
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let plugin = Plugin::load(&Engine::new(Limits::default())?, component).await?;
    let mut setup = Setup::new(json!({})).environment(Environment::process());
    if let Ok(base_url) = std::env::var("PORTKEY_BASE_URL") {
        setup = setup.base_url(base_url);
    }
    let provider = Provider::connect(&plugin, setup).await?;
    let model = &plugin.descriptor().default_model.id;

    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let mut prompt = Prompt::new(model, [Message::ask(question)]);
    prompt.tools = vec![Tool {
        name: "get_weather".into(),
        description: Some("The weather in a city".into()),
        parameters_schema_json: schema.to_string(),
        strict: None,
    }];
    loop {
        let content = provider.complete(&prompt).await?.content;
        prompt.messages.push(Message::Assistant(content.clone()));
        let mut called = false;
        for part in content {
            match part {
                AssistantPart::Text(text) => println!("{text}"),
                AssistantPart::ToolCall(call) => {
                    called = true;
                    let arguments: Value = serde_json::from_str(&call.arguments_json)?;
                    let text =
                        format!("It rains in {}.", arguments.get("city").and_then(Value::as_str).unwrap_or("no city"));
                    prompt.messages.push(Message::tool_result(call.id, text));
                }
                _ => {}
            }
        }
        if !called {
            return Ok(());
        }
    }
}
