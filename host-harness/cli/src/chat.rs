//! `chat`: one question and its reply, or a session of them.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use anyhow::Context;
use host_harness::{
    Provider,
    openclaw::{chosen_model, model_params, with_params},
    types::MediaSource,
    wit::chat::{Document, Message, Prompt, PromptCache, Request, UserPart},
};
use serde_json::{Value, json};

use super::{
    connect::{Connect, beside_default, chat_model},
    exit_code, image, input,
    name_and_value::Named,
    output, output_file,
    picture::Inline,
    reply::{Answering, Asked, is_markdown},
    reply_text::ReplyText,
    request_fields,
    saved_session::Saved,
    session, signals,
    tool_command::{self, ToolCommand},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask; --file, else standard input, is added below it [default: in a terminal, a session of questions]
    prompt: Vec<String>,
    /// Read the prompt from this file, `-` for standard input; it is added below the words of the command line
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The model to ask, such as @openai/gpt-5-mini
    #[arg(short, long, value_name = "ID", value_parser = super::input::filled)]
    model: Option<String>,
    /// The system prompt
    #[arg(short, long, value_name = "TEXT")]
    system: Option<String>,
    /// Give the model an image, a PDF or a sound; may be given several times
    #[arg(long = "attach", visible_alias = "image", value_name = "FILE|URL")]
    attached: Vec<String>,
    /// Tools that the model may call: a JSON array as in OpenAI's API
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// Run this program for each tool call: it gets {"id", "name", "arguments"} as JSON on standard input, and prints
    /// the result. It runs without a shell and without arguments, and gets no environment variables but PATH, HOME and
    /// the like
    #[arg(long, value_name = "COMMAND", requires = "tools", conflicts_with_all = ["no_stream", "session", "goes_on"])]
    run: Option<PathBuf>,
    /// A JSON Schema: the reply is JSON that matches it
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// How much to reason, in the model's own words: low, medium, high
    #[arg(long, value_name = "EFFORT")]
    reasoning_effort: Option<String>,
    /// Limit for the reply, such as 2000 or 2k
    #[arg(long, value_name = "TOKENS", value_parser = input::tokens)]
    max_output_tokens: Option<u32>,
    /// How freely to choose words: 0 for the likeliest ones, up to 1 or 2, depending on the model
    #[arg(long, value_name = "NUMBER", value_parser = input::number)]
    temperature: Option<f32>,
    /// Choose among the likeliest words that together have this probability, up to 1
    #[arg(long, value_name = "NUMBER", value_parser = input::number)]
    top_p: Option<f32>,
    /// End the reply before this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Make the same choices as another request with this number, if the model can
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    seed: Option<i64>,
    /// How long the model provider may cache the prompt, so that the next request costs less [default: the
    /// configuration's, else short]
    #[arg(long, value_name = "TIME", value_enum)]
    prompt_cache: Option<Cache>,
    /// Set a field of the request's body, such as temperature=0.2 or stop='["END"]'; may be given several times
    #[arg(long = "set", value_name = "NAME=JSON", value_parser = Named(request_fields::field))]
    fields: Vec<(String, Value)>,
    /// Print the request without its secrets, and send nothing
    #[arg(long)]
    show_request: bool,
    /// Wait for the whole reply instead of printing it as it arrives
    #[arg(long)]
    no_stream: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write the reply, once it is complete, to this file instead of standard output; an existing file is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Continue the session that was saved last; if there is none, save this one
    #[arg(long = "continue", conflicts_with = "session")]
    goes_on: bool,
    /// Continue the session of this name, or start it, and save the conversation
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    #[command(flatten)]
    connect: Connect,
}

/// `prompt-cache` on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Cache {
    /// Nothing is kept
    None,
    /// Some minutes
    Short,
    /// An hour, where the provider can
    Long,
}

impl From<Cache> for PromptCache {
    fn from(cache: Cache) -> Self {
        match cache {
            Cache::None => Self::None,
            Cache::Short => Self::Short,
            Cache::Long => Self::Long,
        }
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let prompt = input::prompt(&args.prompt, args.file.as_deref(), "the prompt")?;
    let command =
        args.run.as_deref().map(|name| ToolCommand::find(name, args.connect.run.limits().call)).transpose()?;
    if command.is_none() {
        return chat(args, prompt, None).await;
    }
    // All that follows: once they are waited for, nothing else ends the program at these signals.
    let killed = signals::killed().context("cannot wait for the end of the program")?;
    tokio::select! {
        ended = chat(args, prompt, command) => ended,
        // What ran is given up by then, and has ended with all that it started.
        code = killed => Ok(ExitCode::from(code)),
    }
}

async fn chat(args: Args, prompt: Option<String>, command: Option<ToolCommand>) -> anyhow::Result<ExitCode> {
    let is_once = args.json || args.no_stream || args.output.is_some() || command.is_some();
    if prompt.is_none() && (is_once || !std::io::stdout().is_terminal()) {
        let why = "there is no prompt: give it as an argument, with --file, or on standard input";
        return Err(exit_code::Usage(why.into()).into());
    }
    if args.show_request && prompt.is_none() {
        return Err(exit_code::Usage("there is no request to show: give a prompt".into()).into());
    }
    let attached = args.attached.iter().map(|file| attached(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let tools = args.tools.as_deref().map(input::tools).transpose()?.unwrap_or_default();
    let response_format = args.schema.as_deref().map(input::schema).transpose()?;
    request_fields::doubt_fields(&args.fields);
    request_fields::doubt_effort(args.reasoning_effort.as_deref());
    let mut saved = match &args.session {
        Some(name) => Some(Saved::named(name)?),
        None => args.goes_on.then(Saved::last).transpose()?,
    };
    // The reply costs money: what would keep it from being written is found out beforehand.
    let file = args.output.as_deref().map(output_file::Output::new).transpose()?;
    let (provider, config, environment) = args.connect.provider().await?;
    let model = args.model.as_deref().or(saved.as_ref().and_then(|saved| saved.model.as_deref()));
    if model.is_none() {
        let descriptor = provider.plugin().descriptor();
        let chosen = chosen_model(config.value(), &environment, descriptor)?;
        if let Some((named_at, why)) = beside_default(&chosen, &descriptor.id) {
            output::warn(&format!("{named_at} {why} This asks {}.", chosen.id));
        }
    }
    let model = chat_model(model, provider.plugin(), &config, &environment)?;
    if let Some(saved) = &saved {
        output::note(&saved.about());
    }
    let mut said = saved.as_mut().map(|saved| std::mem::take(&mut saved.messages)).unwrap_or_default();
    // What the user says now of the beginning counts.
    if args.system.is_some() {
        said.retain(|message| !matches!(message, Message::System(_)));
    }
    let asked = Prompt {
        tools,
        response_format,
        max_output_tokens: args.max_output_tokens,
        temperature: args.temperature,
        top_p: args.top_p,
        stop: args.stop,
        seed: args.seed,
        reasoning_effort: args.reasoning_effort,
        extra_json: (!args.fields.is_empty()).then(|| Value::from(serde_json::Map::from_iter(args.fields)).to_string()),
        ..Prompt::new(model, args.system.map(Message::system).into_iter().chain(said))
    };
    let prompt_cache = args.prompt_cache.map(PromptCache::from);
    let Some(prompt) = prompt else {
        let knows = session::Knows { config: &config, environment: &environment, saved: saved.as_ref() };
        return session::run(&provider, asked, prompt_cache, attached, knows).await;
    };
    let params = model_params(config.value(), &provider.plugin().descriptor().id, &asked.model);
    let (mut asked, _) = with_params(asked, &params);
    asked.messages.push(Message::User([UserPart::Text(prompt)].into_iter().chain(attached).collect()));
    let kept = saved.is_some().then(|| asked.messages.clone());
    let (is_blank, is_markdown) = (args.json || file.is_some(), is_markdown(&asked));
    let answering = || {
        let text = if is_blank { ReplyText::Blank } else { ReplyText::standard_output(is_markdown) };
        if args.json { Answering::new(text).with_cost() } else { Answering::new(text) }
    };
    let model = asked.model.clone();
    let mut answer = if let Some(command) = command.filter(|_| !args.show_request) {
        tool_command::converse(&provider, asked, prompt_cache, &command, answering).await?
    } else {
        let asked = Asked { model: model.clone(), request: Request { prompt_cache, ..asked.into() } };
        if args.show_request {
            return show_request(&provider, &asked).await;
        }
        if args.no_stream {
            answering().complete(&provider, asked).await?
        } else {
            answering().ask(&provider, asked).await?
        }
    };
    if answer.stopped {
        return Ok(ExitCode::from(exit_code::STOPPED));
    }
    if answer.cut {
        // The rest did not come: there is nothing to keep or to remark.
        return Ok(ExitCode::SUCCESS);
    }
    let (images, failed) = image::save_of_chat(&provider, &answer.response).await;
    let cost = answer.cost().await;
    let result = args.json.then(|| {
        let mut result = output::chat_json(&answer.response, cost);
        if let Value::Object(result) = &mut result {
            result.insert("images".into(), images.iter().map(image::Saved::json).collect());
            result.extend(failed.iter().map(|error| ("error".into(), json!(error.record()))));
        }
        result
    });
    match (&result, &file) {
        (Some(result), None) => drop(output::print_json(result)),
        (Some(result), Some(file)) => file.write(&format!("{result:#}\n"))?,
        (None, Some(file)) => file.write(&answer.text())?,
        (None, None) => {}
    }
    if result.is_none() {
        image::show(&images, Inline::of_this_terminal());
        answer.remarks().iter().for_each(|remark| output::say(remark));
        output::note(&answer.summary(cost));
    }
    if let (Some(saved), Some(mut messages)) = (&saved, kept) {
        messages.push(Message::Assistant(answer.response.content.clone()));
        saved.keep(&model, &messages, provider.credentials())?;
    }
    match failed {
        Some(error) if args.json => Ok(exit_code::of(&error.into())),
        Some(error) => Err(error.into()),
        None => Ok(if answer.is_refused() { ExitCode::from(exit_code::REFUSED) } else { ExitCode::SUCCESS }),
    }
}

/// The request as it would go out: method, place, headers and body. A header that the host attaches shows its name alone.
async fn show_request(provider: &Provider, asked: &Asked) -> anyhow::Result<ExitCode> {
    let body: Value = serde_json::from_str(&provider.body(&asked.request).await?)?;
    let (connection, attached) = provider.way_to(&asked.model).await?;
    let headers = connection.headers.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let attached = attached.map(|name| (name.to_owned(), Value::from("***")));
    output::print_json(&json!({
        "method": "POST",
        "base_url": connection.base_url,
        "headers": headers.chain(attached).collect::<serde_json::Map<_, _>>(),
        "body": body,
    }));
    Ok(ExitCode::SUCCESS)
}

/// A file for the model to read, by what is in it; a URL is taken for an image unless it ends like a PDF.
fn attached(file: &str) -> anyhow::Result<UserPart> {
    if file.starts_with("https://") || file.starts_with("http://") {
        let source = MediaSource::Url(file.to_owned());
        let path = file.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().map(str::to_owned);
        let is_pdf = path.to_ascii_lowercase().ends_with(".pdf");
        return Ok(if is_pdf { UserPart::Document(Document { source, name }) } else { UserPart::Image(source) });
    }
    let media = input::attachment(file.as_ref())?;
    let name = std::path::Path::new(file).file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(match media.media_type.split('/').next() {
        Some("image") => UserPart::Image(MediaSource::Inline(media)),
        Some("audio") => UserPart::Audio(media),
        _ => UserPart::Document(Document { source: MediaSource::Inline(media), name }),
    })
}
