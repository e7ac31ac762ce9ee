//! `chat`: one question, one reply.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use host_harness::{
    Joined, Provider, read_file,
    types::MediaSource,
    wit::chat::{AssistantPart, Event, Message, Request, Response, Tool, UserPart},
};
use serde_json::Value;

use super::{
    connect::{Connect, chat_model},
    image::read_image,
    output::{self, Usage},
};

/// The largest prompt and the largest list of tools, in bytes: more than any model takes.
const LARGEST_TEXT: u64 = 16 << 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask [default: standard input]
    prompt: Vec<String>,
    /// The model to ask, such as @openai/gpt-5-mini
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// What the model should be told beforehand
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Show the model an image; may be given several times
    #[arg(long = "image", value_name = "FILE|URL")]
    images: Vec<String>,
    /// Tools that the model may call: a JSON array as in OpenAI's API
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// How much to reason, in the model's own words: low, medium, high
    #[arg(long, value_name = "EFFORT")]
    reasoning_effort: Option<String>,
    /// Limit for the reply
    #[arg(long, value_name = "TOKENS")]
    max_output_tokens: Option<u32>,
    /// Wait for the whole reply instead of printing it as it arrives
    #[arg(long)]
    no_stream: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let prompt = prompt(&args.prompt)?;
    let mut parts = vec![UserPart::Text(prompt)];
    for image in &args.images {
        parts.push(UserPart::Image(image_source(image)?));
    }
    let tools = match &args.tools {
        Some(path) => tools(path)?,
        None => Vec::new(),
    };
    let (provider, config) = args.connect.provider().await?;
    let system = args.system.map(Message::System);
    let model = chat_model(args.model.as_deref(), provider.plugin(), &config);
    let request = Request {
        tools,
        max_output_tokens: args.max_output_tokens,
        reasoning_effort: args.reasoning_effort,
        ..Request::new(model, system.into_iter().chain([Message::User(parts)]))
    };
    let response = if args.no_stream {
        let response = provider.complete(&request).await?;
        if !args.json {
            print_whole(&response);
        }
        response
    } else {
        stream(&provider, &request, !args.json).await?
    };
    if args.json {
        output::print_json(&output::chat_json(&response));
    } else {
        eprintln!("{}", output::summary(response.usage.as_ref(), &response.report));
    }
    Ok(ExitCode::SUCCESS)
}

/// Streams a reply, to the terminal too where `print` is set, and joins it.
pub(crate) async fn stream(provider: &Provider, request: &Request, print: bool) -> anyhow::Result<Response> {
    let mut reply = provider.stream(request).await?;
    let mut joined = Joined::default();
    let outcome = loop {
        match reply.next().await {
            Ok(Some(events)) => events.into_iter().for_each(|event| {
                if let (true, Event::Text(text)) = (print, &event) {
                    output::print_piece(text);
                }
                joined.push(event);
            }),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if print && !joined.text().is_empty() {
        output::print_line("");
    }
    outcome?;
    if print {
        joined.tool_calls().for_each(|call| output::print_line(&format!("{}({})", call.name, call.arguments_json)));
    }
    Ok(joined.into_response(reply.report().clone()))
}

fn print_whole(response: &Response) {
    for part in &response.content {
        match part {
            AssistantPart::Text(text) => output::print_line(text),
            AssistantPart::ToolCall(call) => output::print_line(&format!("{}({})", call.name, call.arguments_json)),
            AssistantPart::Thinking(_) => {}
        }
    }
}

/// The words of the command line, else standard input where it is no terminal.
fn prompt(words: &[String]) -> anyhow::Result<String> {
    let mut prompt = words.join(" ");
    if words.is_empty() && !std::io::stdin().is_terminal() {
        let input = std::io::stdin().take(LARGEST_TEXT + 1);
        let read = std::io::BufReader::new(input).read_to_string(&mut prompt);
        read.map_err(|error| Usage(format!("cannot read the prompt from standard input: {error}")))?;
    }
    if prompt.len() as u64 > LARGEST_TEXT {
        return Err(Usage(format!("the prompt is larger than {} MiB", LARGEST_TEXT >> 20)).into());
    }
    if prompt.trim().is_empty() {
        return Err(Usage("the prompt is empty: give it as an argument or on standard input".into()).into());
    }
    Ok(prompt)
}

fn image_source(image: &str) -> anyhow::Result<MediaSource> {
    if image.starts_with("https://") || image.starts_with("http://") {
        return Ok(MediaSource::Url(image.to_owned()));
    }
    Ok(MediaSource::Inline(read_image(image.as_ref())?))
}

/// Tools as OpenAI's API writes them: `{"type": "function", "function": {...}}`, or the inner object alone.
fn tools(path: &Path) -> anyhow::Result<Vec<Tool>> {
    let wrong = |why: String| Usage(format!("the tools in `{}` cannot be used: {why}", path.display()));
    let json = read_file(path, LARGEST_TEXT).map_err(|error| wrong(error.to_string()))?;
    let tools: Vec<Value> = serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
    let tool = |tool: &Value| {
        let function = tool.get("function").unwrap_or(tool);
        let name = function.get("name").and_then(Value::as_str).ok_or_else(|| wrong("a tool has no name".into()))?;
        Ok(Tool {
            name: name.to_owned(),
            description: function.get("description").and_then(Value::as_str).map(str::to_owned),
            parameters_schema_json: function.get("parameters").map_or("{}".into(), Value::to_string),
            strict: function.get("strict").and_then(Value::as_bool),
        })
    };
    tools.iter().map(tool).collect()
}
