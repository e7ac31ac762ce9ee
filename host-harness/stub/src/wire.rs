//! Writes an answer onto the wire: server-sent events in any framing, whole JSON bodies, and the ways in which both can
//! break off. Knows nothing about the content.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{future, io};

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;

use super::connection::Connection;

/// One way of writing a reply. [`Wire::PLAIN`] is the well-behaved one; a fault differs from it in a field or two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// Ends every line of the event stream.
    pub(crate) newline: &'static str,
    /// A comment stands before every event.
    pub(crate) comments: bool,
    /// Every event has `event:`, `id:` and `retry:` lines.
    pub(crate) fields: bool,
    /// The JSON of an event is spread over several `data:` lines.
    pub(crate) multi_line: bool,
    /// The last event ends in a blank line.
    pub(crate) last_newline: bool,
    /// Every byte travels alone.
    pub(crate) bytewise: bool,
    /// `[DONE]` is sent.
    pub(crate) done: bool,
    /// A finish reason is sent.
    pub(crate) finish: bool,
    /// A request for a stream gets a whole JSON body.
    pub(crate) never_streams: bool,
    /// Fragments of tool calls have an index. Without it, each call comes in one piece.
    pub(crate) call_index: bool,
    /// Usage as the gateway writes it for Anthropic: `prompt_tokens` is without what was read from or written to the
    /// cache, which have fields of their own.
    pub(crate) anthropic_usage: bool,
    pub(crate) reasoning: Reasoning,
    pub(crate) usage: UsageAt,
    /// Guardrail results are added to the reply.
    pub(crate) hooks: Option<Hooks>,
    pub(crate) midway: Option<Midway>,
    /// Between two tokens, instead of the server's own delay.
    pub(crate) delay: Option<Duration>,
}

/// How reasoning shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reasoning {
    /// As `reasoning_content`, where the request asks for an effort.
    AsAsked,
    /// As `reasoning_content`, always.
    Content,
    /// As OpenRouter does, always.
    Details,
    /// In `content_blocks`, as the gateway writes them without strict OpenAI compliance: the text two times, calls with a
    /// `thought_signature`.
    Blocks {
        signed: bool,
    },
    Hidden,
}

/// Where a stream reports usage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum UsageAt {
    /// In a chunk of its own, after the finish reason.
    OwnChunk,
    /// The same, two times.
    OwnChunkTwice,
    /// In the chunk with the finish reason.
    LastChoice,
}

/// Where a stream reports guardrail results.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hooks {
    /// In a first chunk, which has no `choices`.
    First,
    /// In one more chunk after `[DONE]`.
    AfterDone,
}

/// What happens in the middle of a reply.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Midway {
    /// The body ends, as if it were complete.
    End,
    /// The TCP connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays open.
    Stall,
    /// An error event, and the end.
    ErrorEvent,
    /// An error in the place of the finish reason, and `[DONE]`.
    ErrorFinish,
    /// One event is not JSON; the others follow.
    BadEvent,
}

impl Wire {
    pub(crate) const PLAIN: Self = Self {
        newline: "\n",
        comments: false,
        fields: false,
        multi_line: false,
        last_newline: true,
        bytewise: false,
        done: true,
        finish: true,
        never_streams: false,
        call_index: true,
        anthropic_usage: false,
        reasoning: Reasoning::AsAsked,
        usage: UsageAt::OwnChunk,
        hooks: None,
        midway: None,
        delay: None,
    };

    /// The steps that write `chunks` as server-sent events, `delay` apart.
    pub(crate) fn events(&self, chunks: &[Value], delay: Duration) -> VecDeque<Step> {
        let mut events: Vec<String> = chunks.iter().map(|chunk| self.json(chunk)).collect();
        if matches!(self.hooks, Some(Hooks::First)) {
            events.insert(0, self.json(&hook_results()));
        }
        if self.done {
            events.push("[DONE]".into());
        }
        if matches!(self.hooks, Some(Hooks::AfterDone)) {
            events.push(self.json(&hook_results()));
        }
        let middle = (events.len() / 2).max(1);
        match self.midway {
            None => {}
            Some(Midway::BadEvent) => events.insert(middle, r#"{"choices":[{"del"#.into()),
            Some(Midway::ErrorEvent) => {
                events.truncate(middle);
                events.push(ERROR_EVENT.into());
            }
            Some(Midway::ErrorFinish) => {
                events.truncate(middle);
                events.extend([ERROR_FINISH.into(), "[DONE]".into()]);
            }
            Some(Midway::End | Midway::Reset | Midway::Stall) => events.truncate(middle),
        }

        let mut parts = Vec::new();
        let last = events.len().saturating_sub(1);
        for (number, event) in events.iter().enumerate() {
            let mut text = self.frame(number, event);
            if number == last && !self.last_newline {
                text.truncate(text.trim_end().len());
            }
            parts.push(text.into());
        }
        self.paced(parts, delay)
    }

    /// The steps that write `value` as one JSON body.
    pub(crate) fn whole(&self, mut value: Value) -> VecDeque<Step> {
        if let (Some(_), Value::Object(fields)) = (self.hooks, &mut value) {
            fields.extend(hook_results().as_object().cloned().unwrap_or_default());
        }
        let mut body = Bytes::from(value.to_string());
        if self.midway.is_some() {
            body.truncate(body.len() / 2);
        }
        let mut steps = VecDeque::new();
        self.send(&mut steps, body);
        self.break_off(&mut steps);
        steps
    }

    /// A body that is made piece by piece.
    pub(crate) fn pieces(&self, mut pieces: Vec<Vec<u8>>, delay: Duration) -> VecDeque<Step> {
        if self.midway.is_some() {
            pieces.truncate((pieces.len() / 2).max(1));
        }
        self.paced(pieces.into_iter().map(Bytes::from).collect(), delay)
    }

    /// The steps that write `parts`, `delay` apart unless the wire has a pace of its own.
    fn paced(&self, parts: Vec<Bytes>, delay: Duration) -> VecDeque<Step> {
        let mut steps = VecDeque::new();
        for part in parts {
            self.send(&mut steps, part);
            steps.push_back(Step::Wait(self.delay.unwrap_or(delay)));
        }
        self.break_off(&mut steps);
        steps
    }

    fn json(&self, value: &Value) -> String {
        if self.multi_line { format!("{value:#}") } else { value.to_string() }
    }

    fn frame(&self, number: usize, data: &str) -> String {
        let newline = self.newline;
        let mut text = String::new();
        if self.comments {
            text += &format!(": keep-alive{newline}{newline}");
        }
        if self.fields {
            text += &format!("event: message{newline}id: {number}{newline}retry: 1000{newline}");
        }
        for line in data.lines() {
            text += &format!("data: {line}{newline}");
        }
        text + newline
    }

    fn send(&self, steps: &mut VecDeque<Step>, bytes: Bytes) {
        if self.bytewise {
            for byte in bytes {
                steps.push_back(Step::Send(Bytes::copy_from_slice(&[byte])));
                steps.push_back(Step::Wait(Duration::ZERO));
            }
        } else {
            steps.push_back(Step::Send(bytes));
        }
    }

    fn break_off(&self, steps: &mut VecDeque<Step>) {
        match self.midway {
            Some(Midway::Reset) => steps.push_back(Step::Reset),
            Some(Midway::Stall) => steps.push_back(Step::Stall),
            _ => {}
        }
    }
}

pub(crate) const ERROR_EVENT: &str = r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}"#;
/// What the gateway makes of an error event in Anthropic's stream.
pub(crate) const ERROR_FINISH: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"","provider":"anthropic","choices":[{"finish_reason":"overloaded_error","delta":{"content":""}}]}"#;
pub(crate) const HOOK_RESULTS: &str = r#"{"hook_results":{"before_request_hooks":[{"id":"input_guardrail_1","verdict":false,"deny":false,"transformed":false,"checks":[{"id":"default.contains","verdict":false,"transformed":false,"execution_time":1,"error":null,"data":{"operator":"none","words":["bomb"],"explanation":"The text contains a word that it must not contain."}}]}],"after_request_hooks":[]}}"#;

fn hook_results() -> Value {
    serde_json::from_str(HOOK_RESULTS).unwrap_or_default()
}

/// One thing to do while a body is written.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Bytes),
    /// Also hands over what was sent so far, however short the time.
    Wait(Duration),
    Stall,
    Reset,
}

/// A body that takes `steps` as the client reads it. A client that hangs up before the end is counted in `abandoned`.
pub(crate) fn body(steps: VecDeque<Step>, connection: Connection, abandoned: Arc<AtomicU64>) -> Body {
    let writing = Writing { steps, connection, abandoned };
    Body::from_stream(futures_util::stream::unfold(writing, Writing::next))
}

struct Writing {
    steps: VecDeque<Step>,
    connection: Connection,
    abandoned: Arc<AtomicU64>,
}

impl Writing {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            // A step is taken off the queue only once it is done: see `drop`.
            match self.steps.front()? {
                Step::Send(bytes) => {
                    let bytes = bytes.clone();
                    self.steps.pop_front();
                    return Some((Ok(bytes), self));
                }
                Step::Wait(Duration::ZERO) => tokio::task::yield_now().await,
                Step::Wait(time) => tokio::time::sleep(*time).await,
                Step::Stall => future::pending().await,
                Step::Reset => {
                    // Time for what was sent to leave: a reset discards what did not.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    self.steps.clear();
                    self.connection.reset_on_close();
                    return Some((Err(io::ErrorKind::ConnectionReset.into()), self));
                }
            }
            self.steps.pop_front();
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.steps.is_empty() {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(wire: &Wire) -> String {
        let chunks = [json!({"a": "é"}), json!({"b": 2}), json!({"c": 3})];
        let steps = wire.events(&chunks, Duration::ZERO);
        let sent =
            steps.iter().filter_map(|step| if let Step::Send(bytes) = step { Some(bytes.to_vec()) } else { None });
        String::from_utf8(sent.flatten().collect()).unwrap()
    }

    #[test]
    fn framings() {
        let plain = text(&Wire::PLAIN);
        assert_eq!(plain, "data: {\"a\":\"é\"}\n\ndata: {\"b\":2}\n\ndata: {\"c\":3}\n\ndata: [DONE]\n\n");
        assert_eq!(text(&Wire { bytewise: true, ..Wire::PLAIN }), plain);
        assert_eq!(text(&Wire { newline: "\r\n", ..Wire::PLAIN }), plain.replace('\n', "\r\n"));
        assert_eq!(text(&Wire { last_newline: false, ..Wire::PLAIN }), plain.trim_end());
        assert!(
            text(&Wire { multi_line: true, ..Wire::PLAIN }).starts_with("data: {\ndata:   \"a\": \"é\"\ndata: }\n\n")
        );
        assert!(
            text(&Wire { hooks: Some(Hooks::AfterDone), ..Wire::PLAIN }).contains("[DONE]\n\ndata: {\"hook_results\"")
        );
    }

    #[test]
    fn pieces_come_at_the_pace_and_in_the_parts_of_events() {
        let steps = |wire: Wire| wire.pieces(vec![b"ab".to_vec(), b"c".to_vec()], Duration::ZERO);
        let bytewise = steps(Wire { bytewise: true, ..Wire::PLAIN });
        assert_eq!(bytewise.iter().filter(|step| matches!(step, Step::Send(bytes) if bytes.len() == 1)).count(), 3);
        let slow = Duration::from_millis(100);
        let slowly = steps(Wire { delay: Some(slow), ..Wire::PLAIN });
        assert_eq!(slowly.iter().filter(|step| matches!(step, Step::Wait(time) if *time == slow)).count(), 2);
    }

    #[test]
    fn endings() {
        assert!(!text(&Wire { done: false, ..Wire::PLAIN }).contains("DONE"));
        assert!(text(&Wire { midway: Some(Midway::End), ..Wire::PLAIN }).ends_with("data: {\"b\":2}\n\n"));
        assert!(text(&Wire { midway: Some(Midway::BadEvent), ..Wire::PLAIN }).ends_with("[DONE]\n\n"));
        let steps = Wire { midway: Some(Midway::Reset), ..Wire::PLAIN }.whole(json!({"a": 1}));
        assert!(matches!(steps.back(), Some(Step::Reset)));
    }
}
