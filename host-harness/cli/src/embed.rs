//! `embed`: texts as vectors.

use std::{process::ExitCode, time::Instant};

use host_harness::{types, wit::embeddings::Request};
use serde_json::{Value, json};

use super::{
    connect::{Connect, model_of},
    input,
    output::{self, Took},
    waiting,
};

/// Most texts of one request. Source: OpenAI's API reference, "Create embeddings".
const AT_ONCE: usize = 2048;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The texts, one per argument; without any, the lines of standard input
    texts: Vec<String>,
    /// The model, such as @openai/text-embedding-3-small
    #[arg(short, long, value_name = "ID", value_parser = super::input::filled)]
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
    let model = model_of(args.model, &provider, &config);
    let asked = Instant::now();
    let (mut vectors, mut usage, mut last) = (Vec::new(), Some(types::Usage::default()), None);
    for texts in texts.chunks(AT_ONCE) {
        let request = Request { model: model.clone(), dimensions: args.dimensions, ..Request::new(texts) };
        let response = waiting::during("making vectors", provider.embed(&request)).await?;
        for vector in &response.vectors {
            let digits = digits(vector);
            if args.json {
                vectors.push(serde_json::from_str::<Value>(&digits)?);
            } else if !output::print(&(digits + "\n")) {
                // Whoever read has gone: further requests would be paid for in vain.
                return Ok(ExitCode::SUCCESS);
            }
        }
        usage = usage.zip(response.usage.as_ref()).map(|(mut all, more)| {
            all += more;
            all
        });
        last = Some(response);
    }
    let Some(last) = last else { return Ok(ExitCode::SUCCESS) };
    if args.json {
        output::print_json_line(
            &json!({
                "model": last.model,
                "dimensions": last.vectors.first().map_or(0, Vec::len),
                "vectors": vectors,
                "usage": usage,
                "report": last.report,
            })
            .to_string(),
        );
    } else {
        output::note(&output::summary(usage.as_ref(), None, &last.report, Took::whole(asked.elapsed())));
    }
    Ok(ExitCode::SUCCESS)
}

/// A vector as JSON, with no more digits than its numbers have: as doubles they would have twice as many.
fn digits(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}
