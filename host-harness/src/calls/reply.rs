//! One streamed reply: its events as they come, or joined to the whole.

use std::{collections::BTreeMap, fmt};

use wasmtime::component::ResourceAny;

use super::pieces::{Pieces, Source};
use crate::{
    component::engine::Live,
    error::Result,
    types::{self, GatewayReport, MediaSource, Usage},
    wit::chat,
    wit::chat::{AssistantPart, Event, FinishReason, ReplyStart, Response, ToolCall, ToolCallDelta},
};

/// A reply as it is written. Dropping it ends its request.
pub struct Reply {
    report: GatewayReport,
    events: Pieces<OpenReply>,
}

/// The instance that a reply comes from, and its handle there.
pub(crate) struct OpenReply {
    pub(crate) live: Live,
    pub(crate) chat: chat::Guest,
    pub(crate) reply: ResourceAny,
}

impl Source for OpenReply {
    type Piece = Event;

    async fn next(&mut self) -> wasmtime::Result<std::result::Result<Vec<Event>, types::Error>> {
        self.chat.reply().call_next(&mut self.live.store, self.reply).await
    }

    fn size(events: &[Event]) -> usize {
        events.iter().map(|event| size_of::<Event>() + text_of(event)).sum()
    }
}

/// How long what the event says is, in bytes.
fn text_of(event: &Event) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    match event {
        Event::Text(text) | Event::Refusal(text) | Event::Other(text) | Event::GuardrailsJson(text) => text.len(),
        Event::Finish(FinishReason::Other(text)) => text.len(),
        Event::Start(start) => start.id.len() + start.model.len(),
        Event::Thinking(thinking) => thinking.text.len() + length(&thinking.signature),
        Event::ToolCall(call) => {
            call.arguments_fragment.len() + length(&call.id) + length(&call.name) + length(&call.signature)
        }
        Event::Image(MediaSource::Url(url)) => url.len(),
        Event::Image(MediaSource::Inline(image)) => image.media_type.len() + image.data.len(),
        Event::Finish(_) | Event::Usage(_) => 0,
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("report", &self.report).field("open", &self.events.is_open()).finish()
    }
}

impl Reply {
    pub(crate) fn new(events: Pieces<OpenReply>, report: GatewayReport) -> Self {
        Self { report, events }
    }

    /// What the gateway reported in the head of its answer.
    pub fn report(&self) -> &GatewayReport {
        &self.report
    }

    /// Waits for at least one event and returns all that have arrived; `None` at the end, and after an error.
    ///
    /// The returned future may be dropped midway, as in `tokio::select!`: the next call continues the same wait.
    ///
    /// # Errors
    /// What broke the stream. A stream that stops early is the error `truncated`.
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>> {
        self.events.next().await
    }

    /// The whole reply, as a call without streaming would have given it.
    pub async fn join(mut self) -> Result<Response> {
        let mut joined = Joined::default();
        while let Some(events) = self.next().await? {
            events.into_iter().for_each(|event| joined.push(event));
        }
        Ok(joined.into_response(self.report))
    }

    /// The same as a [`Stream`](futures_util::Stream) of single events.
    ///
    /// ```no_run
    /// # async fn run(reply: host_harness::Reply) -> Result<(), host_harness::Error> {
    /// use futures_util::StreamExt;
    ///
    /// let mut events = reply.into_events();
    /// while let Some(event) = events.next().await {
    ///     println!("{:?}", event?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn into_events(self) -> futures_util::stream::BoxStream<'static, Result<Event>> {
        use futures_util::{StreamExt, TryStreamExt, stream};
        stream::try_unfold(self, |mut reply| async move {
            let events = reply.next().await?;
            Ok::<_, crate::error::Error>(events.map(|events| (stream::iter(events).map(Ok), reply)))
        })
        .try_flatten()
        .boxed()
    }
}

/// Joins the events of a streamed reply to the reply that a call without streaming would have given.
///
/// ```
/// use host_harness::{Event, Joined};
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
    /// The parts, in the order in which they began.
    content: Vec<AssistantPart>,
    text: String,
    /// Where in `content` each call is, by its index.
    calls: BTreeMap<u32, usize>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    guardrails_json: Option<String>,
}

impl Joined {
    /// Adds the next event.
    pub fn push(&mut self, event: Event) {
        if let Event::Text(text) = &event {
            self.text.push_str(text);
        }
        match (event, self.content.last_mut()) {
            (Event::Start(start), _) => self.start = Some(start),
            (Event::Text(text), Some(AssistantPart::Text(last))) => last.push_str(&text),
            (Event::Text(text), _) => self.content.push(AssistantPart::Text(text)),
            (Event::Refusal(text), Some(AssistantPart::Refusal(last))) => last.push_str(&text),
            (Event::Refusal(text), _) => self.content.push(AssistantPart::Refusal(text)),
            // A signature ends a piece of reasoning.
            (Event::Thinking(piece), Some(AssistantPart::Thinking(last))) if last.signature.is_none() => {
                last.text.push_str(&piece.text);
                last.signature = piece.signature;
            }
            (Event::Thinking(piece), _) => self.content.push(AssistantPart::Thinking(piece)),
            (Event::Image(image), _) => self.content.push(AssistantPart::Image(image)),
            (Event::Other(part), _) => self.content.push(AssistantPart::Other(part)),
            (Event::ToolCall(delta), _) => self.push_call(delta),
            (Event::Finish(reason), _) => self.finish = Some(reason),
            (Event::Usage(usage), _) => self.usage = Some(usage),
            (Event::GuardrailsJson(results), _) => self.guardrails_json = Some(results),
        }
    }

    fn push_call(&mut self, delta: ToolCallDelta) {
        let at = *self.calls.entry(delta.index).or_insert_with(|| {
            let (id, name, arguments_json) = (String::new(), String::new(), String::new());
            self.content.push(AssistantPart::ToolCall(ToolCall { id, name, arguments_json, signature: None }));
            self.content.len() - 1
        });
        let Some(AssistantPart::ToolCall(call)) = self.content.get_mut(at) else { return };
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
        self.calls.values().filter_map(|at| match self.content.get(*at) {
            Some(AssistantPart::ToolCall(call)) => Some(call),
            _ => None,
        })
    }

    /// The whole reply: its parts in the order in which they began.
    pub fn into_response(self, report: GatewayReport) -> Response {
        let start = self.start.unwrap_or(ReplyStart { id: String::new(), model: String::new() });
        Response {
            id: start.id,
            model: start.model,
            content: self.content,
            finish_reason: self.finish.unwrap_or(FinishReason::Other("unknown".into())),
            usage: self.usage,
            guardrails_json: self.guardrails_json,
            report,
        }
    }
}

impl Response {
    /// The events that a stream of the same answer would have had, for a host that shows both kinds in one way. The
    /// [`report`](Self::report) is not among them, as in a stream. [`Joined`] is the way back.
    ///
    /// ```
    /// # fn run(response: host_harness::Response) {
    /// use host_harness::Event;
    ///
    /// for event in response.into_events() {
    ///     if let Event::Text(text) = event {
    ///         print!("{text}");
    ///     }
    /// }
    /// # }
    /// ```
    pub fn into_events(self) -> impl Iterator<Item = Event> + Send {
        let start = Event::Start(ReplyStart { id: self.id, model: self.model });
        let parts = self.content.into_iter().zip(0..).map(|(part, index)| match part {
            AssistantPart::Text(text) => Event::Text(text),
            AssistantPart::Refusal(text) => Event::Refusal(text),
            AssistantPart::Thinking(thinking) => Event::Thinking(thinking),
            AssistantPart::Image(image) => Event::Image(image),
            AssistantPart::Other(part) => Event::Other(part),
            AssistantPart::ToolCall(call) => Event::ToolCall(ToolCallDelta {
                index,
                id: Some(call.id),
                name: Some(call.name),
                arguments_fragment: call.arguments_json,
                signature: call.signature,
            }),
        });
        let results = self.guardrails_json.map(Event::GuardrailsJson);
        let end = [results, Some(Event::Finish(self.finish_reason)), self.usage.map(Event::Usage)];
        std::iter::once(start).chain(parts).chain(end.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wit::chat::Thinking;

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
    fn parts_keep_their_order_and_each_piece_of_reasoning_its_signature() {
        let thinking = |text: &str, signature: Option<&str>| Thinking {
            text: text.into(),
            signature: signature.map(str::to_owned),
        };
        let mut joined = Joined::default();
        for event in [
            Event::Thinking(thinking("a", None)),
            Event::Thinking(thinking("b", None)),
            Event::Thinking(thinking("", Some("s"))),
            Event::Thinking(thinking("c", Some("t"))),
            Event::Text("x".into()),
            delta(0, Some("a"), "{}"),
            Event::Text("y".into()),
            Event::Text("z".into()),
        ] {
            joined.push(event);
        }
        assert_eq!(joined.text(), "xyz");
        let expected = [
            AssistantPart::Thinking(thinking("ab", Some("s"))),
            AssistantPart::Thinking(thinking("c", Some("t"))),
            AssistantPart::Text("x".into()),
            AssistantPart::ToolCall(ToolCall {
                id: "a".into(),
                name: "tool-a".into(),
                arguments_json: "{}".into(),
                signature: None,
            }),
            AssistantPart::Text("yz".into()),
        ];
        assert_eq!(joined.into_response(GatewayReport::default()).content, expected);
    }

    #[test]
    fn the_events_of_a_whole_answer_lead_to_it() {
        let call = |id: &str| ToolCall {
            id: id.into(),
            name: "look".into(),
            arguments_json: "{}".into(),
            signature: Some("s".into()),
        };
        let response = Response {
            id: "r".into(),
            model: "m".into(),
            content: vec![
                AssistantPart::Thinking(Thinking { text: "hm".into(), signature: Some("t".into()) }),
                AssistantPart::Text("x".into()),
                AssistantPart::ToolCall(call("a")),
                AssistantPart::Image(MediaSource::Url("https://example.com/i.png".into())),
                AssistantPart::ToolCall(call("b")),
                AssistantPart::Refusal("no".into()),
                AssistantPart::Other("{}".into()),
            ],
            finish_reason: FinishReason::ToolCalls,
            usage: Some(Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() }),
            guardrails_json: Some("[]".into()),
            report: GatewayReport { trace_id: Some("trace".into()), ..GatewayReport::default() },
        };
        let mut joined = Joined::default();
        response.clone().into_events().for_each(|event| joined.push(event));
        assert_eq!(joined.into_response(response.report.clone()), response);
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
