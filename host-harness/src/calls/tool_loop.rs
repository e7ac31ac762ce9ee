//! A conversation in which the model may call tools, until it gives its answer. Owns the order of requests and tool
//! calls, and the limits; the caller owns what a tool does.

use std::{error::Error as StdError, fmt, ops::AddAssign, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::time::Instant;

use super::provider::Provider;
use crate::{
    error::{Error, Result},
    types::{Media, MediaSource, Usage},
    wit::chat::{FinishReason, Message, Prompt, Response, ToolCall, ToolResult, UserPart},
};

/// Limits of one conversation.
///
/// ```
/// let limits = host_harness::ToolLimits { rounds: 4, ..Default::default() };
/// assert_eq!(limits.at_once, 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// Requests to the model. Default: 16.
    pub rounds: u32,
    /// Wall-clock time from the first request to the last answer, tools included. Default: 10 minutes.
    pub time: Duration,
    /// Tool calls of one answer that run at the same time. Default: 8.
    pub at_once: usize,
    /// Tool calls of one answer that are made at all; of the others the model is told that they were not. Default: 128.
    pub calls: usize,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self { rounds: 16, time: Duration::from_secs(600), at_once: 8, calls: 128 }
    }
}

/// A finished conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The last answer, which asks for no tool.
    pub response: Response,
    /// The whole conversation, including that answer. Append the next question to it.
    pub messages: Vec<Message>,
    /// Of all requests together, as far as it was told.
    pub usage: Usage,
}

/// A conversation that stopped early.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub reason: StopReason,
    /// The conversation so far. Each tool call in it has its result, so it can continue with a higher limit.
    pub messages: Vec<Message>,
    /// Of all requests together, as far as it was told.
    pub usage: Usage,
}

/// Why a conversation with tools stopped early.
#[derive(Debug)]
#[non_exhaustive]
pub enum StopReason {
    /// A request failed.
    Call(Error),
    /// A tool failed.
    Tool {
        /// Its name.
        name: String,
        /// Why.
        error: ToolError,
    },
    /// The model asks for more than [`ToolLimits::rounds`].
    Rounds(u32),
    /// [`ToolLimits::time`] is over.
    Time(Duration),
    /// An answer was cut, by its limit or a filter, while it asked for tools. A call in it may be incomplete, so none
    /// was made.
    Cut,
}

/// Why a tool failed: any error, or a text.
pub type ToolError = Box<dyn StdError + Send + Sync>;

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Tool { name, error } => write!(f, "the tool `{name:.64}` failed: {error}"),
            Self::Rounds(rounds) => write!(f, "the model still asks for tools after {rounds} requests"),
            Self::Time(time) => write!(f, "the conversation took longer than {} s as a whole", time.as_secs_f32()),
            Self::Cut => f.write_str("an answer was cut while it asked for tools"),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl StdError for Stopped {
    /// What the message does not say yet: the error itself is in [`Stopped::reason`].
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.reason {
            StopReason::Call(error) => error.source(),
            StopReason::Tool { error, .. } => error.source(),
            StopReason::Rounds(_) | StopReason::Time(_) | StopReason::Cut => None,
        }
    }
}

impl Provider {
    /// Sends `prompt`, runs `tool` for each call that the model asks for, and sends the results, until the model asks
    /// for no more calls. `tool` gets the call and its arguments. The calls of one answer run at the same time. A call
    /// of an unknown tool, or with arguments that are not JSON, is not run, and the model is told.
    ///
    /// An error of `tool` ends the conversation. If the model should know about a failure, return it as the result: a
    /// text, a JSON value or an image.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) -> Result<(), host_harness::Stopped> {
    /// use host_harness::{Prompt, Tool, ToolLimits};
    /// use serde_json::{Value, json};
    ///
    /// let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    /// let tool = Tool::new("get_weather", "The weather in a city", schema);
    /// let prompt = Prompt::user("@openai/gpt-5-mini", "Do I need a coat in Paris?").tools([tool]);
    /// let weather = async |_, arguments: Value| Ok(format!("It rains in {}.", arguments["city"]));
    /// let said = provider.run_tools(prompt, &ToolLimits::default(), weather).await?;
    /// println!("{}", said.response.text());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Why it stopped early, and the conversation so far.
    pub async fn run_tools<R, F>(
        &self,
        prompt: Prompt,
        limits: &ToolLimits,
        tool: impl Fn(ToolCall, Value) -> F,
    ) -> Result<Conversation, Stopped>
    where
        R: Into<UserPart>,
        F: Future<Output = Result<R, ToolError>>,
    {
        limits.run(prompt, |prompt| self.complete(prompt), tool).await
    }
}

impl ToolLimits {
    /// The same, but `ask` gets each answer, for example from a stream that is shown as it arrives.
    pub async fn run<A, R, F>(
        &self,
        prompt: Prompt,
        mut ask: impl FnMut(Prompt) -> A,
        tool: impl Fn(ToolCall, Value) -> F,
    ) -> Result<Conversation, Stopped>
    where
        A: Future<Output = Result<Response>>,
        R: Into<UserPart>,
        F: Future<Output = Result<R, ToolError>>,
    {
        let mut said = Said { prompt, usage: Usage::default() };
        let started = Instant::now();
        let in_time = |left: Duration| left.saturating_sub(started.elapsed());
        for _ in 0..self.rounds {
            let asking = ask(said.prompt.clone());
            let response = match tokio::time::timeout(in_time(self.time), asking).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(said.stopped(StopReason::Call(error))),
                Err(_) => return Err(said.stopped(StopReason::Time(self.time))),
            };
            response.usage.iter().for_each(|usage| said.usage += usage);
            let mut calls: Vec<ToolCall> = response.tool_calls().cloned().collect();
            if calls.is_empty() {
                return Ok(said.ended(response));
            }
            if matches!(response.finish_reason, FinishReason::Length | FinishReason::ContentFilter) {
                return Err(said.stopped(StopReason::Cut));
            }
            let too_many = calls.split_off(self.calls.min(calls.len()));
            let results = stream::iter(calls).map(|call| said.result(call, &tool)).buffered(self.at_once.max(1));
            match tokio::time::timeout(in_time(self.time), results.try_collect::<Vec<_>>()).await {
                Ok(Ok(results)) => {
                    said.prompt.messages.push(response.into());
                    said.prompt.messages.extend(results);
                    let not_made = "error: not made: an answer may not ask for so many calls";
                    said.prompt.messages.extend(too_many.into_iter().map(|call| told(call.id, not_made.into())));
                }
                Ok(Err(reason)) => return Err(said.stopped(reason)),
                Err(_) => return Err(said.stopped(StopReason::Time(self.time))),
            }
        }
        Err(said.stopped(StopReason::Rounds(self.rounds)))
    }
}

/// What the model is told of a call.
fn told(call_id: String, result: UserPart) -> Message {
    Message::ToolResult(ToolResult { call_id, content: vec![result] })
}

/// What was said so far.
struct Said {
    prompt: Prompt,
    usage: Usage,
}

impl Said {
    /// The call's result.
    async fn result<R, F>(&self, call: ToolCall, tool: &impl Fn(ToolCall, Value) -> F) -> Result<Message, StopReason>
    where
        R: Into<UserPart>,
        F: Future<Output = Result<R, ToolError>>,
    {
        let (call_id, name) = (call.id.clone(), call.name.clone());
        let names: Vec<&str> = self.prompt.tools.iter().map(|tool| &*tool.name).collect();
        let result = match call.arguments() {
            _ if !names.contains(&&*name) => {
                format!("error: there is no tool of this name; there are: {}", names.join(", ")).into()
            }
            Err(error) => format!("error: {error}").into(),
            Ok(arguments) => tool(call, arguments).await.map_err(|error| StopReason::Tool { name, error })?.into(),
        };
        Ok(told(call_id, result))
    }

    fn stopped(self, reason: StopReason) -> Stopped {
        Stopped { reason, messages: self.prompt.messages, usage: self.usage }
    }

    fn ended(self, response: Response) -> Conversation {
        let mut messages = self.prompt.messages;
        messages.push(response.clone().into());
        Conversation { response, messages, usage: self.usage }
    }
}

/// What several calls took together.
impl AddAssign<&Self> for Usage {
    fn add_assign(&mut self, other: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or_default().saturating_add(other.unwrap_or_default())),
        };
        *self = Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
        };
    }
}

impl From<String> for UserPart {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for UserPart {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// As text.
impl From<Value> for UserPart {
    fn from(value: Value) -> Self {
        Self::Text(value.to_string())
    }
}

/// An image.
impl From<Media> for UserPart {
    fn from(media: Media) -> Self {
        Self::Image(MediaSource::Inline(media))
    }
}
