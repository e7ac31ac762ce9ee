//! Prints an answer as it is written, and its usage at the end; shows how to handle an error.
//!
//!     PORTKEY_API_KEY=... cargo run --example stream -- portkey_provider.wasm 'Tell me of ships'
//!
//! `MODEL` names a model other than the provider's default.

use std::io::Write;

use host_harness::{Error, ErrorKind, Event, Prompt, Provider, Setup};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [component, question] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("COMPONENT QUESTION"))?;

    let provider = Provider::load(component, Setup::from_env()).await?;
    let model = std::env::var("MODEL").unwrap_or_else(|_| provider.plugin().descriptor().default_model.id.clone());
    let Err(error) = answer(&provider, Prompt::user(model, question)).await else { return Ok(()) };
    match error.kind() {
        // What was printed is not the whole.
        ErrorKind::Truncated | ErrorKind::Transport => eprintln!("\ncut short: {error}"),
        ErrorKind::RateLimited | ErrorKind::Overloaded => eprintln!("later: {:?}", error.retry_after()),
        ErrorKind::QuotaExceeded => eprintln!("the budget is used up: {error}"),
        // There may be more kinds one day.
        _ => eprintln!("{:?} of {:?}: {error}", error.kind(), error.origin()),
    }
    Err(error.into())
}

async fn answer(provider: &Provider, prompt: Prompt) -> Result<(), Error> {
    let mut reply = provider.stream(prompt).await?;
    eprintln!("trace id: {}", reply.report().trace_id.as_deref().unwrap_or("none"));
    while let Some(events) = reply.next().await? {
        for event in events {
            match event {
                Event::Text(text) => print!("{text}"),
                Event::Usage(usage) => eprintln!("\n{} tokens in, {} out", usage.input_tokens, usage.output_tokens),
                _ => {}
            }
        }
        // A reader who is gone is no error of the reply's.
        let _ = std::io::stdout().flush();
    }
    Ok(())
}
