//! `speak`: speech from text, into a file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use host_harness::wit::audio::SpeechRequest;
use serde_json::json;

use super::{
    connect::{Connect, model_of},
    exit_code::Usage,
    input,
    output::{self, Took},
    output_file::Output,
    waiting::Waiting,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to say
    text: Vec<String>,
    /// Also say the text of this file, after the words; - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The file to write the speech to
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// The model, such as @openai/gpt-4o-mini-tts
    #[arg(short, long, value_name = "ID", value_parser = super::input::filled)]
    model: Option<String>,
    /// The voice, by the model's name for it
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// mp3, wav, opus, aac, flac or pcm [default: by the extension of the file]
    #[arg(long)]
    format: Option<String>,
    /// How to say it, if the model takes instructions
    #[arg(long, value_name = "TEXT")]
    instructions: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Some(text) = input::prompt(&args.text, args.file.as_deref(), "the text")? else {
        return Err(Usage("there is nothing to say: give the text as an argument or on standard input".into()).into());
    };
    let shown = args.output.display().to_string();
    let output = Output::new(&args.output)?;
    if args.output.is_file() && !args.force {
        return Err(Usage(format!("`{shown}` is there already: --force replaces it")).into());
    }
    let format = args.format.map_or_else(|| of_ending(&args.output), |format| Ok(Some(format)))?;
    let (provider, config, _) = args.connect.provider().await?;
    let request = SpeechRequest {
        model: model_of(args.model, &provider, &config),
        voice: args.voice,
        format,
        instructions: args.instructions,
        ..SpeechRequest::new(text)
    };
    let (asked, waiting) = (Instant::now(), Waiting::new("speaking"));
    let mut speech = provider.speak(&request).await?;
    let mut file = output.begin()?;
    let mut bytes = 0;
    while let Some(piece) = speech.next().await? {
        bytes += piece.len();
        file.write(&piece)?;
    }
    file.finish()?;
    let took = Took::whole(asked.elapsed());
    drop(waiting);
    if args.json {
        output::print_json(&json!({
            "path": shown,
            "media_type": speech.media_type(),
            "bytes": bytes,
            "report": speech.report(),
        }));
    } else {
        output::print_line(&shown);
        output::note(&output::summary(None, None, speech.report(), took));
    }
    Ok(ExitCode::SUCCESS)
}

const FORMATS: [&str; 6] = ["mp3", "wav", "opus", "aac", "flac", "pcm"];

/// The format that a file's ending names. A file without an ending gets the model's own.
fn of_ending(path: &Path) -> Result<Option<String>, Usage> {
    let Some(ending) = path.extension() else { return Ok(None) };
    let ending = ending.to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "ogg" => Ok(Some("opus".into())),
        known if FORMATS.contains(&known) => Ok(Some(ending)),
        _ => {
            let known = FORMATS.join(", ");
            Err(Usage(format!(".{ending} names no format: end the file in one of {known}, or name one with --format")))
        }
    }
}
