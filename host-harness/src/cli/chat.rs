//! `chat`: one question and its reply, or a session of them.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use host_harness::{
    Joined, Provider, model_params,
    types::{GatewayReport, MediaSource},
    wit::chat::{
        AssistantPart, Document, Event, FinishReason, Message, Prompt, PromptCache, Request, Response, UserPart,
    },
    with_params,
};

use serde_json::{Value, json};

use super::{
    alive::Alive,
    connect::{Connect, chat_model},
    image, input,
    output::{self, Took, Usage},
    page::Page,
    picture::Inline,
    session,
};

/// What a program ends with that Ctrl-C ended.
const STOPPED: u8 = 130;

/// What it ends with where a content filter, or the model, refused.
const REFUSED: u8 = 7;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask [default: --file, else standard input; in a terminal, a session of questions]
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
    /// The form of the reply, as a JSON Schema: the reply is JSON that keeps to it
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// How much to reason, in the model's own words: low, medium, high
    #[arg(long, value_name = "EFFORT")]
    reasoning_effort: Option<String>,
    /// Limit for the reply
    #[arg(long, value_name = "TOKENS")]
    max_output_tokens: Option<u32>,
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
    if prompt.is_none() && (args.json || args.no_stream || !std::io::stdout().is_terminal()) {
        let why = "there is no prompt: give it as an argument, with --file, or on standard input";
        return Err(Usage(why.into()).into());
    }
    let attached = args.attached.iter().map(|file| attached(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let tools = args.tools.as_deref().map(input::tools).transpose()?.unwrap_or_default();
    let response_format = args.schema.as_deref().map(input::schema).transpose()?;
    let (provider, config, environment) = args.connect.provider().await?;
    let model = chat_model(args.model.as_deref(), provider.plugin(), &config, &environment)?;
    let params = model_params(config.value(), &provider.plugin().descriptor().id, &model);
    let asked = Prompt {
        tools,
        response_format,
        max_output_tokens: args.max_output_tokens,
        reasoning_effort: args.reasoning_effort,
        extra_json: (!args.fields.is_empty()).then(|| Value::from(serde_json::Map::from_iter(args.fields)).to_string()),
        ..Prompt::new(model, args.system.map(Message::system))
    };
    let (asked, _) = with_params(asked, &params);
    let prompt_cache = args.prompt_cache.map(PromptCache::from);
    if args.show_request && prompt.is_none() {
        return Err(Usage("there is no request to show: give a prompt".into()).into());
    }
    match prompt {
        None => session::run(&provider, asked, prompt_cache, attached).await,
        Some(prompt) => {
            let question = [UserPart::Text(prompt)].into_iter().chain(attached).collect();
            let messages = asked.messages.iter().cloned().chain([Message::User(question)]).collect();
            let asked = Prompt { messages, ..asked };
            let page = if args.json { Page::Blank } else { page(&asked) };
            let asked = Asked { model: asked.model.clone(), request: Request { prompt_cache, ..asked.into() } };
            if args.show_request {
                return show_request(&provider, &asked).await;
            }
            let answer = if args.no_stream {
                Answering::new(page).complete(&provider, asked).await?
            } else {
                ask(&provider, asked, page).await?
            };
            if answer.stopped {
                return Ok(ExitCode::from(STOPPED));
            }
            let (images, failed) = image::save_of_chat(&provider, &answer.response).await;
            if args.json {
                let mut result = output::chat_json(&answer.response);
                if let Value::Object(result) = &mut result {
                    result.insert("images".into(), images.iter().map(image::Saved::json).collect());
                    result.extend(failed.iter().map(|error| ("error".into(), output::error_json(error.record()))));
                }
                output::print_json(&result);
            } else {
                image::show(&images, Inline::of_this_terminal());
                answer.remarks().iter().for_each(|remark| output::say(remark));
                output::note(&answer.summary());
            }
            match failed {
                Some(error) if args.json => Ok(output::exit_code(&error.into())),
                Some(error) => Err(error.into()),
                None => Ok(if answer.is_refused() { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS }),
            }
        }
    }
}

/// Where the reply to `prompt` is printed. One that keeps to a schema is no Markdown.
pub(crate) fn page(prompt: &Prompt) -> Page {
    Page::standard_output(prompt.response_format.is_none())
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
    let mut answering = Answering::new(page);
    let outcome = tokio::select! {
        outcome = answering.stream(provider, asked) => outcome.map(|()| false),
        // Dropping the stream ends its request.
        Ok(()) = tokio::signal::ctrl_c() => Ok(true),
    };
    answering.finish(outcome)
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
}

impl Answering {
    pub(crate) fn new(page: Page) -> Self {
        let report = GatewayReport {
            trace_id: None,
            provider: None,
            cache_status: None,
            retry_attempts: None,
            used_target: None,
        };
        Self {
            page,
            joined: Joined::default(),
            said: String::new(),
            report,
            asked: Instant::now(),
            first: None,
            reasoned: false,
        }
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
    pub(crate) fn finish(mut self, outcome: host_harness::Result<bool>) -> anyhow::Result<Answer> {
        output::print(&self.page.finish(&self.said));
        let stopped = outcome?;
        self.joined.tool_calls().for_each(|call| self.print_call(&call.name, &call.arguments_json));
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
