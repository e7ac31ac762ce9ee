//! One question, one answer.
//!
//!     PORTKEY_API_KEY=... cargo run --example chat -- portkey_provider.wasm 'Say hello'

use host_harness::{Prompt, Provider, Setup};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let provider = Provider::load(component, Setup::from_env()).await?;
    let model = &provider.plugin().descriptor().default_model.id;
    let response = provider.complete(Prompt::user(model, question)).await?;
    println!("{}", response.text());
    Ok(())
}
