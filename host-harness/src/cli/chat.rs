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
    wit::chat::{AssistantPart, Event, Message, Request, Response, UserPart},
    with_params,
};

use super::{
    alive::Alive,
    connect::{Connect, chat_model},
    input,
    output::{self, Took, Usage},
    page::Page,
    session,
};

/// What a program ends with that Ctrl-C ended.
const STOPPED: u8 = 130;

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
    /// Show the model an image; may be given several times
    #[arg(long = "image", value_name = "FILE|URL")]
    images: Vec<String>,
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
    /// Wait for the whole reply instead of printing it as it arrives
    #[arg(long)]
    no_stream: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let prompt = input::prompt(&args.prompt, args.file.as_deref())?;
    if prompt.is_none() && (args.json || args.no_stream || !std::io::stdout().is_terminal()) {
        let why = "there is no prompt: give it as an argument, with --file, or on standard input";
        return Err(Usage(why.into()).into());
    }
    let images = args.images.iter().map(|image| image_part(image)).collect::<anyhow::Result<Vec<_>>>()?;
    let tools = args.tools.as_deref().map(input::tools).transpose()?.unwrap_or_default();
    let response_format = args.schema.as_deref().map(input::schema).transpose()?;
    let (provider, config) = args.connect.provider().await?;
    let environment = args.connect.config.environment()?;
    let model = chat_model(args.model.as_deref(), provider.plugin(), &config, &environment)?;
    let params = model_params(config.value(), &provider.plugin().descriptor().id, &model);
    let request = Request {
        tools,
        response_format,
        max_output_tokens: args.max_output_tokens,
        reasoning_effort: args.reasoning_effort,
        ..Request::new(model, args.system.map(Message::System))
    };
    let (request, _) = with_params(request, &params);
    match prompt {
        None => session::run(&provider, request, images).await,
        Some(prompt) => {
            let asked = [UserPart::Text(prompt)].into_iter().chain(images).collect();
            let messages = request.messages.iter().cloned().chain([Message::User(asked)]).collect();
            let request = Request { messages, ..request };
            let page = if args.json { Page::Blank } else { page(&request) };
            let answer = if args.no_stream {
                Answering::new(page).complete(&provider, &request).await?
            } else {
                ask(&provider, &request, page).await?
            };
            if answer.stopped {
                return Ok(ExitCode::from(STOPPED));
            }
            if args.json {
                output::print_json(&output::chat_json(&answer.response));
            } else {
                output::note(&answer.summary());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Where the reply to `request` is printed. One that keeps to a schema is no Markdown.
pub(crate) fn page(request: &Request) -> Page {
    Page::standard_output(request.response_format.is_none())
}

/// A reply, and how it came.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether Ctrl-C ended it: then it is what had come by then.
    pub(crate) stopped: bool,
    took: Took,
}

impl Answer {
    pub(crate) fn summary(&self) -> String {
        output::summary(self.response.usage.as_ref(), &self.response.report, self.took)
    }
}

/// Streams a reply onto `page`, until its end or Ctrl-C. Once this was called, Ctrl-C no longer ends the program by itself.
pub(crate) async fn ask(provider: &Provider, request: &Request, page: Page) -> anyhow::Result<Answer> {
    let mut answering = Answering::new(page);
    let outcome = tokio::select! {
        outcome = answering.stream(provider, request) => outcome.map(|()| false),
        // Dropping the stream ends its request.
        Ok(()) = tokio::signal::ctrl_c() => Ok(true),
    };
    answering.finish(outcome)
}

/// A reply on its way.
pub(crate) struct Answering {
    page: Page,
    joined: Joined,
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
        Self { page, joined: Joined::default(), report, asked: Instant::now(), first: None, reasoned: false }
    }

    /// Prints the reply as it arrives.
    pub(crate) async fn stream(&mut self, provider: &Provider, request: &Request) -> host_harness::Result<()> {
        let mut alive = Some(Alive::new(format!("waiting for {}", request.model)));
        let mut reply = provider.stream(request).await?;
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
                alive.get_or_insert_with(|| Alive::new(format!("{} writes", request.model))).preview(pending);
            }
        }
        Ok(())
    }

    /// Joins the event to the reply; its text, if it has one.
    fn take(&mut self, event: Event) -> Option<String> {
        let text = match &event {
            Event::Text(text) => Some(text.clone()),
            _ => None,
        };
        let is_reasoning = matches!(event, Event::Thinking(_));
        self.reasoned |= is_reasoning;
        if text.is_some() || is_reasoning || matches!(event, Event::ToolCall(_)) {
            self.first.get_or_insert_with(|| self.asked.elapsed());
        }
        self.joined.push(event);
        text
    }

    /// Prints the reply once it is whole.
    async fn complete(mut self, provider: &Provider, request: &Request) -> anyhow::Result<Answer> {
        let alive = Alive::new(format!("waiting for {}", request.model));
        let response = provider.complete(request).await?;
        let took = Took::whole(self.asked.elapsed());
        drop(alive);
        for part in &response.content {
            match part {
                AssistantPart::Text(text) => {
                    output::print(&(self.page.push(text) + &self.page.finish(text)));
                }
                AssistantPart::ToolCall(call) => self.print_call(&call.name, &call.arguments_json),
                AssistantPart::Thinking(_) => {}
            }
        }
        Ok(Answer { response, stopped: false, took })
    }

    /// Prints what is left, and gives the reply as far as it came.
    pub(crate) fn finish(mut self, outcome: host_harness::Result<bool>) -> anyhow::Result<Answer> {
        output::print(&self.page.finish(self.joined.text()));
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

fn image_part(image: &str) -> anyhow::Result<UserPart> {
    if image.starts_with("https://") || image.starts_with("http://") {
        return Ok(UserPart::Image(MediaSource::Url(image.to_owned())));
    }
    Ok(UserPart::Image(MediaSource::Inline(input::image(image.as_ref())?)))
}
