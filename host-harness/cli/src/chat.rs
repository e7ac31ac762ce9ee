//! `chat`: one question and its reply, or a session of them.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use host_harness::{
    Joined, Provider, model_params,
    types::{GatewayReport, MediaSource, Usage},
    wit::chat::{
        AssistantPart, Document, Event, FinishReason, Message, Prompt, PromptCache, Request, Response, UserPart,
    },
    with_params,
};

use serde_json::{Value, json};

use super::{
    alive::Alive,
    connect::{Connect, chat_model},
    file, image, input,
    output::{self, Took},
    page::Page,
    picture::Inline,
    saved::Saved,
    session,
    tool_command::{self, ToolCommand},
};

/// What a program ends with that Ctrl-C ended.
const STOPPED: u8 = 130;

/// What it ends with where a content filter, or the model, refused.
const REFUSED: u8 = 7;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask; below it goes --file, else standard input [default: in a terminal, a session of questions]
    prompt: Vec<String>,
    /// Read the prompt from this file, `-` for standard input; it goes below the words of the command line
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The model to ask, such as @openai/gpt-5-mini
    #[arg(short, long, value_name = "ID")]
    model: Option<String>,
    /// What the model should be told beforehand
    #[arg(short, long, value_name = "TEXT")]
    system: Option<String>,
    /// Give the model an image, a PDF or a sound to read; may be given several times
    #[arg(long = "attach", visible_alias = "image", value_name = "FILE|URL")]
    attached: Vec<String>,
    /// Tools that the model may call: a JSON array as in OpenAI's API
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// Run this program for each call of a tool: it gets {"id", "name", "arguments"} as JSON on standard input, and what it
    /// prints is the result. It runs without a shell, without arguments, and with no variable of this program but PATH, HOME and the like
    #[arg(long, value_name = "COMMAND", requires = "tools", conflicts_with_all = ["no_stream", "session", "goes_on"])]
    run: Option<PathBuf>,
    /// The form of the reply, as a JSON Schema: the reply is JSON that keeps to it
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// How much to reason, in the model's own words: low, medium, high
    #[arg(long, value_name = "EFFORT")]
    reasoning_effort: Option<String>,
    /// Limit for the reply
    #[arg(long, value_name = "TOKENS")]
    max_output_tokens: Option<u32>,
    /// How freely to choose words: 0 for the likeliest ones, up to 1 or 2 by the model
    #[arg(long, value_name = "NUMBER", value_parser = input::number)]
    temperature: Option<f32>,
    /// Choose among the likeliest words that together have this probability, up to 1
    #[arg(long, value_name = "NUMBER", value_parser = input::number)]
    top_p: Option<f32>,
    /// End the reply before this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Choose in the same way as another request with this number, where the model can
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    seed: Option<i64>,
    /// How long the model provider may keep the prompt, so that the next request need not pay for it again [default: what
    /// the configuration says, else short]
    #[arg(long, value_name = "TIME", value_enum)]
    prompt_cache: Option<Cache>,
    /// Set a field of the request's body, such as temperature=0.2 or stop='["END"]'; may be given several times
    #[arg(long = "set", value_name = "NAME=JSON", value_parser = input::field)]
    fields: Vec<(String, Value)>,
    /// Print the request that would be sent, its secrets left out, and send nothing
    #[arg(long)]
    show_request: bool,
    /// Wait for the whole reply instead of printing it as it arrives
    #[arg(long)]
    no_stream: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write the reply, once it is whole, to this file instead of standard output; one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on with the session that was kept last; where there is none, keep this one
    #[arg(long = "continue", conflicts_with = "session")]
    goes_on: bool,
    /// Go on with the session of this name, or begin it, and keep what is said
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
    let prompt = input::prompt(&args.prompt, args.file.as_deref())?;
    let command =
        args.run.as_deref().map(|name| ToolCommand::find(name, args.connect.run.limits().call)).transpose()?;
    let is_once = args.json || args.no_stream || args.output.is_some() || command.is_some();
    if prompt.is_none() && (is_once || !std::io::stdout().is_terminal()) {
        let why = "there is no prompt: give it as an argument, with --file, or on standard input";
        return Err(output::Usage(why.into()).into());
    }
    if args.show_request && prompt.is_none() {
        return Err(output::Usage("there is no request to show: give a prompt".into()).into());
    }
    let attached = args.attached.iter().map(|file| attached(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let tools = args.tools.as_deref().map(input::tools).transpose()?.unwrap_or_default();
    let response_format = args.schema.as_deref().map(input::schema).transpose()?;
    input::doubt_fields(&args.fields);
    let mut saved = match &args.session {
        Some(name) => Some(Saved::named(name)?),
        None => args.goes_on.then(Saved::last).transpose()?,
    };
    // The reply costs money: what would keep it from being written is found out beforehand.
    let file = args.output.as_deref().map(file::Output::new).transpose()?;
    let (provider, config, environment) = args.connect.provider().await?;
    let model = args.model.as_deref().or(saved.as_ref().and_then(|saved| saved.model.as_deref()));
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
    let page = || if is_blank { Page::Blank } else { Page::standard_output(is_markdown) };
    let model = asked.model.clone();
    let answer = if let Some(command) = command.filter(|_| !args.show_request) {
        tool_command::converse(&provider, asked, prompt_cache, &command, page).await?
    } else {
        let asked = Asked { model: model.clone(), request: Request { prompt_cache, ..asked.into() } };
        if args.show_request {
            return show_request(&provider, &asked).await;
        }
        if args.no_stream {
            Answering::new(page()).complete(&provider, asked).await?
        } else {
            ask(&provider, asked, page()).await?
        }
    };
    if answer.stopped {
        return Ok(ExitCode::from(STOPPED));
    }
    let (images, failed) = image::save_of_chat(&provider, &answer.response).await;
    let result = args.json.then(|| {
        let mut result = output::chat_json(&answer.response);
        if let Value::Object(result) = &mut result {
            result.insert("images".into(), images.iter().map(image::Saved::json).collect());
            result.extend(failed.iter().map(|error| ("error".into(), output::error_json(error.record()))));
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
        output::note(&answer.summary());
    }
    if let (Some(saved), Some(mut messages)) = (&saved, kept) {
        messages.push(Message::Assistant(answer.response.content.clone()));
        saved.keep(&model, &messages, provider.held())?;
    }
    match failed {
        Some(error) if args.json => Ok(output::exit_code(&error.into())),
        Some(error) => Err(error.into()),
        None => Ok(if answer.is_refused() { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS }),
    }
}

/// Where the reply to `prompt` is printed.
pub(crate) fn page(prompt: &Prompt) -> Page {
    Page::standard_output(is_markdown(prompt))
}

/// A reply that keeps to a schema is no Markdown.
fn is_markdown(prompt: &Prompt) -> bool {
    prompt.response_format.is_none()
}

/// A reply, and how it came.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether Ctrl-C ended it: then it is what had come by then.
    pub(crate) stopped: bool,
    took: Took,
}

impl Answer {
    fn is_refused(&self) -> bool {
        let has_refusal = self.response.content.iter().any(|part| matches!(part, AssistantPart::Refusal(_)));
        has_refusal || matches!(self.response.finish_reason, FinishReason::ContentFilter)
    }

    /// All that is printed of the reply in a pipe.
    fn text(&self) -> String {
        let mut text: String = self.response.content.iter().filter_map(output::said).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(self.response.tool_calls().map(|call| format!("{}({})\n", call.name, call.arguments_json)));
        text
    }

    /// What the text and the images do not say of the reply: a line for each.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let content = &self.response.content;
        let mut remarks = self.sources();
        let says = |part: &AssistantPart| !matches!(part, AssistantPart::Thinking(_) | AssistantPart::Other(_));
        if content.iter().any(|part| matches!(part, AssistantPart::Refusal(_))) {
            remarks.push("refusal: the model does not answer, and says why".to_owned());
        } else if !content.iter().any(says) {
            let has_reasoned = content.iter().any(|part| matches!(part, AssistantPart::Thinking(_)));
            let but = if has_reasoned { "but for its reasoning" } else { "at all" };
            remarks.push(format!("the model said nothing {but}"));
        }
        remarks.extend(match &self.response.finish_reason {
            FinishReason::Stop | FinishReason::ToolCalls => None,
            FinishReason::Length => {
                Some("length: the reply ends early, at the limit of its tokens (--max-output-tokens)".to_owned())
            }
            FinishReason::ContentFilter => Some("content_filter: a content filter cut the reply".to_owned()),
            FinishReason::Other(reason) => Some(format!("the reply ended for another reason: {reason}")),
        });
        remarks.iter().map(|remark| output::printable(remark)).collect()
    }

    /// Where the reply is from, as far as its text does not show it: `[1]` in it means the first.
    fn sources(&self) -> Vec<String> {
        let content = &self.response.content;
        let is_shown =
            |url: &str| content.iter().any(|part| matches!(part, AssistantPart::Text(text) if text.contains(url)));
        let url_of = |part: &AssistantPart| {
            let AssistantPart::Other(json) = part else { return None };
            let part: Value = serde_json::from_str(json).ok()?;
            part.pointer("/url_citation/url")?.as_str().map(str::to_owned)
        };
        let urls: Vec<String> = content.iter().filter_map(url_of).collect();
        let numbered = urls.iter().enumerate().filter(|(_, url)| !is_shown(url));
        numbered.map(|(at, url)| format!("[{}] {url}", at + 1)).collect()
    }

    /// The same, as far as it came before Ctrl-C.
    pub(crate) fn stopped(self) -> Self {
        Self { stopped: true, ..self }
    }

    /// The same, where it took this much in all.
    pub(crate) fn used(mut self, usage: Usage) -> Self {
        self.response.usage = self.response.usage.map(|_| usage);
        self
    }

    pub(crate) fn summary(&self) -> String {
        output::summary(self.response.usage.as_ref(), &self.response.report, self.took)
    }
}

/// A request, and the model that it names.
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) request: Request,
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

/// Streams a reply onto `page`, until its end or Ctrl-C. Once this was called, Ctrl-C no longer ends the program by itself.
pub(crate) async fn ask(provider: &Provider, asked: Asked, page: Page) -> anyhow::Result<Answer> {
    Ok(Answering::new(page).ask(provider, asked).await?)
}

/// A reply on its way.
pub(crate) struct Answering {
    page: Page,
    joined: Joined,
    /// What was printed: text, or a refusal.
    said: String,
    report: GatewayReport,
    asked: Instant,
    first: Option<Duration>,
    reasoned: bool,
    /// Whether calls of tools are printed.
    calls: bool,
}

impl Answering {
    /// Streams the reply, until its end or Ctrl-C: see [`ask`].
    pub(crate) async fn ask(mut self, provider: &Provider, asked: Asked) -> host_harness::Result<Answer> {
        let outcome = tokio::select! {
            outcome = self.stream(provider, asked) => outcome.map(|()| false),
            // Dropping the stream ends its request.
            Ok(()) = tokio::signal::ctrl_c() => Ok(true),
        };
        self.finish(outcome)
    }

    pub(crate) fn new(page: Page) -> Self {
        Self {
            page,
            joined: Joined::default(),
            said: String::new(),
            report: GatewayReport::default(),
            asked: Instant::now(),
            first: None,
            reasoned: false,
            calls: true,
        }
    }

    /// The same, where calls of tools are answered and not printed.
    pub(crate) fn without_calls(self) -> Self {
        Self { calls: false, ..self }
    }

    /// Prints the reply as it arrives.
    pub(crate) async fn stream(&mut self, provider: &Provider, asked: Asked) -> host_harness::Result<()> {
        let model = asked.model;
        let mut alive = Some(Alive::new(format!("waiting for {model}")));
        let mut reply = provider.stream(asked.request).await?;
        self.report = reply.report().clone();
        while let Some(events) = reply.next().await? {
            let waited = self.first.is_none();
            let text: String = events.into_iter().filter_map(|event| self.take(event)).collect();
            let printed = self.page.push(&text);
            if !printed.is_empty() || waited && self.first.is_some() {
                alive = None;
            }
            // Once whoever read has gone, what is still to come would be paid for in vain.
            if !printed.is_empty() && !output::print(&printed) {
                return Ok(());
            }
            // What cannot be drawn yet is shown as it comes. Nowhere but at the start of a line is room for it.
            if let Some(pending) = self.page.pending() {
                alive.get_or_insert_with(|| Alive::new(format!("{model} writes"))).preview(pending);
            }
        }
        Ok(())
    }

    /// Joins the event to the reply; its text, if it has one.
    fn take(&mut self, event: Event) -> Option<String> {
        let text = match &event {
            Event::Text(text) | Event::Refusal(text) => Some(text.clone()),
            _ => None,
        };
        let is_reasoning = matches!(event, Event::Thinking(_));
        self.reasoned |= is_reasoning;
        if text.is_some() || is_reasoning || matches!(event, Event::ToolCall(_)) {
            self.first.get_or_insert_with(|| self.asked.elapsed());
        }
        self.said.extend(text.as_deref());
        self.joined.push(event);
        text
    }

    /// Prints the reply once it is whole.
    async fn complete(mut self, provider: &Provider, asked: Asked) -> anyhow::Result<Answer> {
        let alive = Alive::new(format!("waiting for {}", asked.model));
        let response = provider.complete(asked.request).await?;
        let took = Took::whole(self.asked.elapsed());
        drop(alive);
        for part in &response.content {
            match part {
                AssistantPart::Text(text) | AssistantPart::Refusal(text) => {
                    output::print(&(self.page.push(text) + &self.page.finish(text)));
                }
                AssistantPart::ToolCall(call) => self.print_call(&call.name, &call.arguments_json),
                AssistantPart::Thinking(_) | AssistantPart::Image(_) | AssistantPart::Other(_) => {}
            }
        }
        Ok(Answer { response, stopped: false, took })
    }

    /// Prints what is left, and gives the reply as far as it came.
    pub(crate) fn finish(mut self, outcome: host_harness::Result<bool>) -> host_harness::Result<Answer> {
        output::print(&self.page.finish(&self.said));
        let stopped = outcome?;
        self.joined
            .tool_calls()
            .filter(|_| self.calls)
            .for_each(|call| self.print_call(&call.name, &call.arguments_json));
        let took = Took { whole: self.asked.elapsed(), first: self.first, reasoned: self.reasoned };
        Ok(Answer { response: self.joined.into_response(self.report), stopped, took })
    }

    fn print_call(&self, name: &str, arguments: &str) {
        let call = format!("{name}({arguments})");
        match self.page {
            Page::Blank => {}
            Page::Exact => output::print_line(&call),
            Page::Plain | Page::Drawn(_) => output::print_line(&output::printable(&call)),
        }
    }
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
