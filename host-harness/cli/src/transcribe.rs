//! `transcribe`: text from a recording.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use host_harness::wit::audio::TranscriptionRequest;
use serde_json::json;

use super::{
    connect::{Connect, model_of},
    input,
    output::{self, Took},
    waiting,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The recording: MP3, WAV, M4A, OGG, FLAC or WebM, of up to 25 MiB
    file: PathBuf,
    /// The model, such as @openai/gpt-4o-mini-transcribe
    #[arg(short, long, value_name = "ID", value_parser = super::input::filled)]
    model: Option<String>,
    /// The language that is spoken, such as de
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// What came before, or names that are hard to spell
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let audio = input::recording(&args.file)?;
    let (provider, config, _) = args.connect.provider().await?;
    let request = TranscriptionRequest {
        model: model_of(args.model, &provider, &config),
        language: args.language,
        prompt: args.prompt,
        ..TranscriptionRequest::new(audio)
    };
    let asked = Instant::now();
    let transcript = waiting::during("listening", provider.transcribe(&request)).await?;
    let took = Took::whole(asked.elapsed());
    if args.json {
        output::print_json(&json!({
            "text": transcript.text,
            "usage": transcript.usage,
            "report": transcript.report,
        }));
    } else {
        output::print_line(transcript.text.trim_end());
        output::note(&output::summary(transcript.usage.as_ref(), None, &transcript.report, took));
    }
    Ok(ExitCode::SUCCESS)
}
