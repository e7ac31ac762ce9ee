//! `models`: what the provider offers.

use std::process::ExitCode;

use serde_json::json;

use super::{connect::Connect, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (provider, _) = args.connect.provider().await?;
    let models = provider.models().await?;
    if args.json {
        let models = models.iter().map(|model| json!({"id": model.id, "provider": model.provider}));
        output::print_json(&json!({"models": models.collect::<Vec<_>>()}));
    } else {
        for model in &models {
            output::print_line(&model.id);
        }
    }
    Ok(ExitCode::SUCCESS)
}
