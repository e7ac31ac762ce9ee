//! One streamed reply: its events as they come, or joined to the whole.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio::time::{Instant, timeout};
use wasmtime::component::ResourceAny;

use crate::{
    bindings::exports::openclaw::provider::chat,
    engine::{Live, within},
    error::{Error, Result},
    limits::Limits,
    redact::Redactor,
    types::{ErrorKind, GatewayReport, Usage},
    wit::chat::{AssistantPart, Event, FinishReason, ReplyStart, Response, Thinking, ToolCall, ToolCallDelta},
};

/// A reply as it is written. Dropping it ends its request.
pub struct Reply {
    report: GatewayReport,
    redactor: Redactor,
    /// The longest wait between two batches.
    idle: Duration,
    /// When it was opened, and how long it may be open.
    opened: Instant,
    whole: Duration,
    /// Gone once the reply is over.
    open: Option<OpenReply>,
}

/// The instance that a reply comes from, and its handle there.
pub(crate) struct OpenReply {
    pub(crate) live: Live,
    pub(crate) chat: chat::Guest,
    pub(crate) reply: ResourceAny,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("report", &self.report).field("open", &self.open.is_some()).finish()
    }
}

impl Reply {
    pub(crate) fn new(open: OpenReply, report: GatewayReport, redactor: Redactor, limits: &Limits) -> Self {
        let (idle, whole) = (limits.stream_idle, limits.stream);
        Self { report, redactor, idle, opened: Instant::now(), whole, open: Some(open) }
    }

    /// What the gateway reported in the head of its answer.
    pub fn report(&self) -> &GatewayReport {
        &self.report
    }

    /// Waits for at least one event and returns all that have arrived; `None` at the end, and after an error.
    ///
    /// Dropping the returned future midway ends the reply.
    ///
    /// # Errors
    /// What broke the stream. A stream that stops early is the error `truncated`.
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>> {
        // Taken, so that a future dropped midway takes the instance along: it could not be entered again.
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let left = self.whole.saturating_sub(self.opened.elapsed());
        // For `timeout`, an answer that is there at once is always in time.
        let in_time = if left.is_zero() {
            None
        } else {
            let replies = open.chat.reply();
            timeout(left, within(self.idle, replies.call_next(&mut open.live.store, open.reply))).await.ok()
        };
        let answer = in_time.unwrap_or_else(|| Err(self.too_long())).map_err(|error| error.request_sent(true))?;
        let events = answer.map_err(|error| self.redactor.error(error))?;
        if events.is_empty() {
            return Ok(None);
        }
        self.open = Some(open);
        Ok(Some(events))
    }

    fn too_long(&self) -> Error {
        let message = format!("the stream took longer than {} s as a whole", self.whole.as_secs_f32());
        Error::host(ErrorKind::Timeout, message).hint("The host ended it. Raise the limit if replies are that long.")
    }

    /// The whole reply, as a call without streaming would have given it.
    ///
    /// # Errors
    /// What broke the stream.
    pub async fn join(mut self) -> Result<Response> {
        let mut joined = Joined::default();
        while let Some(events) = self.next().await? {
            events.into_iter().for_each(|event| joined.push(event));
        }
        Ok(joined.into_response(self.report))
    }

    /// The same as a [`Stream`](futures_util::Stream) of single events.
    pub fn into_events(self) -> impl futures_util::Stream<Item = Result<Event>> {
        use futures_util::{StreamExt, TryStreamExt, stream};
        stream::try_unfold(self, |mut reply| async move {
            let events = reply.next().await?;
            Ok::<_, crate::Error>(events.map(|events| (stream::iter(events).map(Ok), reply)))
        })
        .try_flatten()
    }
}

/// Joins the events of a streamed reply to the reply that a call without streaming would have given.
///
/// ```
/// use host_harness::{Joined, wit::chat::Event};
///
/// let mut joined = Joined::default();
/// for event in [Event::Text("Hello, ".into()), Event::Text("world".into())] {
///     joined.push(event);
/// }
/// assert_eq!(joined.text(), "Hello, world");
/// ```
#[derive(Debug, Default)]
pub struct Joined {
    start: Option<ReplyStart>,
    thinking: Option<Thinking>,
    text: String,
    calls: BTreeMap<u32, ToolCall>,
    finish: Option<FinishReason>,
    images: Vec<AssistantPart>,
    refusal: String,
    others: Vec<AssistantPart>,
    usage: Option<Usage>,
    guardrails_json: Option<String>,
}

impl Joined {
    /// Adds the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(start) => self.start = Some(start),
            Event::Text(text) => self.text.push_str(&text),
            Event::Thinking(piece) => {
                let thinking = self.thinking.get_or_insert(Thinking { text: String::new(), signature: None });
                thinking.text.push_str(&piece.text);
                thinking.signature = piece.signature.or(thinking.signature.take());
            }
            Event::ToolCall(delta) => self.push_call(delta),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Image(image) => self.images.push(AssistantPart::Image(image)),
            Event::Refusal(text) => self.refusal.push_str(&text),
            Event::Other(part) => self.others.push(AssistantPart::Other(part)),
            Event::GuardrailsJson(results) => self.guardrails_json = Some(results),
        }
    }

    fn push_call(&mut self, delta: ToolCallDelta) {
        let call = self.calls.entry(delta.index).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments_json: String::new(),
            signature: None,
        });
        call.id = delta.id.unwrap_or(std::mem::take(&mut call.id));
        call.name = delta.name.unwrap_or(std::mem::take(&mut call.name));
        call.arguments_json.push_str(&delta.arguments_fragment);
        call.signature = delta.signature.or(call.signature.take());
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tool calls so far, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.calls.values()
    }

    /// The whole reply: reasoning, text, images, tool calls, and what else there was.
    pub fn into_response(self, report: GatewayReport) -> Response {
        let start = self.start.unwrap_or(ReplyStart { id: String::new(), model: String::new() });
        let thinking = self.thinking.map(AssistantPart::Thinking);
        let text = (!self.text.is_empty()).then_some(AssistantPart::Text(self.text));
        let refusal = (!self.refusal.is_empty()).then_some(AssistantPart::Refusal(self.refusal));
        let calls = self.calls.into_values().map(AssistantPart::ToolCall);
        Response {
            id: start.id,
            model: start.model,
            content: thinking
                .into_iter()
                .chain(text)
                .chain(refusal)
                .chain(self.images)
                .chain(calls)
                .chain(self.others)
                .collect(),
            finish_reason: self.finish.unwrap_or(FinishReason::Other("unknown".into())),
            usage: self.usage,
            guardrails_json: self.guardrails_json,
            report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(index: u32, id: Option<&str>, fragment: &str) -> Event {
        Event::ToolCall(ToolCallDelta {
            index,
            id: id.map(str::to_owned),
            name: id.map(|id| format!("tool-{id}")),
            arguments_fragment: fragment.into(),
            signature: None,
        })
    }

    #[test]
    fn interleaved_tool_calls_are_joined_by_index() {
        let mut joined = Joined::default();
        for event in [
            delta(1, Some("b"), ""),
            delta(0, Some("a"), "{"),
            delta(1, None, "[1"),
            delta(0, None, "}"),
            delta(1, None, "]"),
        ] {
            joined.push(event);
        }
        let calls: Vec<_> = joined.tool_calls().map(|call| (&*call.id, &*call.name, &*call.arguments_json)).collect();
        assert_eq!(calls, [("a", "tool-a", "{}"), ("b", "tool-b", "[1]")]);
    }
}
