//! A tool loop: the model may ask for the weather until it has what it needs.
//!
//!     PORTKEY_API_KEY=... cargo run --example tools -- portkey_provider.wasm 'Use get_weather for Paris'

use host_harness::{Prompt, Provider, Setup, Tool, ToolLimits};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let provider = Provider::load(component, Setup::from_env()).await?;
    let model = &provider.plugin().descriptor().default_model.id;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tool = Tool::new("get_weather", "The weather in a city", schema);
    let prompt = Prompt::user(model, question).tools([tool]);
    let limits = ToolLimits { rounds: 8, ..ToolLimits::default() };

    let weather = async |_, arguments: Value| {
        let city = arguments.get("city").and_then(Value::as_str).unwrap_or("no city");
        Ok(format!("It rains in {city}."))
    };
    let said = provider.run_tools(prompt, &limits, weather).await?;
    println!("{}", said.response.text());
    Ok(())
}
