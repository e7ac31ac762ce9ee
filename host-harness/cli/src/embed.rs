//! `embed`: texts as vectors.

use std::{process::ExitCode, time::Instant};

use host_harness::{own_model, wit::embeddings::Request};
use serde_json::{Value, json};

use super::{
    alive,
    connect::Connect,
    input,
    output::{self, Took},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The texts, one per argument; without any, the lines of standard input
    texts: Vec<String>,
    /// The model, such as @openai/text-embedding-3-small
    #[arg(short, long, value_name = "ID")]
    model: Option<String>,
    /// How many numbers a vector should have, if the model allows a choice
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    dimensions: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let texts = input::texts(&args.texts)?;
    let (provider, config, _) = args.connect.provider().await?;
    let request = Request {
        model: args.model.map(|model| own_model(config.value(), provider.plugin().descriptor(), &model)),
        dimensions: args.dimensions,
        ..Request::new(texts)
    };
    let asked = Instant::now();
    let response = alive::during("making vectors", provider.embed(&request)).await?;
    let took = Took::whole(asked.elapsed());
    if args.json {
        let vectors = response.vectors.iter().map(|vector| serde_json::from_str(&digits(vector)));
        output::print_json_line(
            &json!({
                "model": response.model,
                "dimensions": response.vectors.first().map_or(0, Vec::len),
                "vectors": vectors.collect::<Result<Vec<Value>, _>>()?,
                "usage": response.usage.as_ref().map(output::usage_json),
                "report": output::report_json(&response.report),
            })
            .to_string(),
        );
    } else {
        response.vectors.iter().for_each(|vector| output::print_line(&digits(vector)));
        output::note(&output::summary(response.usage.as_ref(), None, &response.report, took));
    }
    Ok(ExitCode::SUCCESS)
}

/// A vector as JSON, with no more digits than its numbers have: as doubles they would have twice as many.
fn digits(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}
