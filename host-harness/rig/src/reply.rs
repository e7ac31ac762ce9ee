//! A component's answer as rig's: its events, one after the other, whether it was streamed or not.

use std::{collections::BTreeMap, future::ready};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{Stream, StreamExt as _, stream};
use host_harness::{
    Joined, Reply,
    types::{self, GatewayReport, MediaSource},
    wit::chat::{AssistantPart, Event, FinishReason, Message, Response, Thinking, ToolCallDelta},
};
use rig_core::{
    completion::{self, Usage},
    error::ProviderError,
    message::{DocumentSourceKind, Image, ImageMediaType, MimeType as _},
    operation::{Block, CallFragment, Completion, Finish},
    wire::{
        Decoder, Flow, Out, WireEvent,
        document::{Reassemble, Serves},
    },
};
use serde_json::{Value, json};

use crate::{
    error::provider_error,
    history::{MEDIA_TYPE, REFUSAL, SIGNATURE},
};

/// One step of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// What the gateway reported in the head of its answer.
    Report(GatewayReport),
    Event(Event),
    /// Nothing more will come: guardrails may come after `finish`.
    End,
}

pub(crate) fn frames_of_stream(reply: Reply) -> impl Stream<Item = Result<Frame, ProviderError>> + Send {
    let report = Frame::Report(reply.report().clone());
    let events = reply.into_events().map(|event| event.map(Frame::Event).map_err(provider_error));
    stream::once(ready(Ok(report))).chain(events).chain(stream::once(ready(Ok(Frame::End))))
}

pub(crate) fn frames_of(response: Response) -> impl Iterator<Item = Frame> + Send {
    let report = Frame::Report(response.report.clone());
    std::iter::once(report).chain(response.into_events().map(Frame::Event)).chain([Frame::End])
}

/// The decoder of one answer.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    finish: Finish,
    /// The piece that the next of its kind goes on with.
    open: Option<(Kind, usize)>,
    /// Where each call is, by the component's index.
    calls: BTreeMap<u32, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Reasoning,
}

impl<'id> Decoder<'id, Completion, Frame> for Parts {
    type Event = Frame;

    fn classify(&self, frame: Frame) -> WireEvent<Frame> {
        WireEvent::Known(frame)
    }

    fn decode(&mut self, frame: Frame, mut out: Out<'id, Completion>) -> Result<Flow, ProviderError> {
        match frame {
            Frame::Report(_) => {}
            Frame::Event(event) => self.event(event, &mut out)?,
            Frame::End => {
                out.finish_open()?;
                return Ok(out.end(std::mem::take(&mut self.finish)));
            }
        }
        Ok(Flow::More)
    }
}

impl Parts {
    fn event(&mut self, event: Event, out: &mut Out<'_, Completion>) -> Result<(), ProviderError> {
        match event {
            Event::Start(start) => {
                self.finish.response_id = Some(start.id);
                self.finish.model = Some(start.model);
            }
            Event::Text(text) => {
                let at = self.go_on(Kind::Text, out)?;
                out.push(at, &text)?;
            }
            Event::Refusal(text) => {
                let at = self.go_on(Kind::Refusal, out)?;
                out.push(at, &text)?;
            }
            Event::Thinking(thinking) => self.thinking(thinking, out)?,
            Event::ToolCall(delta) => self.call(&delta, out)?,
            Event::Image(image) => {
                let (image, item) = image_block(image);
                self.whole(Block::Image(image), item, out)?;
            }
            Event::Other(part) => self.whole(Block::Opaque { replay: true }, read(&part), out)?,
            Event::Finish(reason) => self.finish.reason = Some(finish_reason(reason)),
            Event::Usage(told) => self.finish.usage = usage(&told),
            // Rig has no place for it in an answer, and hands on what it does not know.
            Event::GuardrailsJson(results) => out.unknown(json!({"guardrails": read(&results)}).into()),
        }
        Ok(())
    }

    /// The piece of this kind that came last, or a new one.
    fn go_on(&mut self, kind: Kind, out: &mut Out<'_, Completion>) -> Result<usize, ProviderError> {
        if let Some((_, at)) = self.open.filter(|(open, _)| *open == kind) {
            return Ok(at);
        }
        self.end_piece(out)?;
        let (block, item) = match kind {
            Kind::Text => (Block::Text, Value::Null),
            Kind::Refusal => (Block::Text, json!({"type": REFUSAL})),
            Kind::Reasoning => (Block::Reasoning { redacted: false }, Value::Null),
        };
        let at = out.fresh_index();
        out.open(at, block, item)?;
        self.open = Some((kind, at));
        Ok(at)
    }

    fn end_piece(&mut self, out: &mut Out<'_, Completion>) -> Result<(), ProviderError> {
        self.open.take().map_or(Ok(()), |(_, at)| out.finish(at))
    }

    fn whole(&mut self, block: Block, item: Value, out: &mut Out<'_, Completion>) -> Result<(), ProviderError> {
        self.end_piece(out)?;
        let at = out.fresh_index();
        out.whole(at, block, item, "")
    }

    /// A signature ends a piece of reasoning; one without text before it is the whole of one that was encrypted.
    fn thinking(&mut self, thinking: Thinking, out: &mut Out<'_, Completion>) -> Result<(), ProviderError> {
        let Thinking { text, signature } = thinking;
        let goes_on = self.open.is_some_and(|(kind, _)| kind == Kind::Reasoning);
        let Some(signature) = signature else {
            let at = self.go_on(Kind::Reasoning, out)?;
            return out.push(at, &text);
        };
        let item = json!({(SIGNATURE): signature});
        if text.is_empty() && !goes_on {
            return self.whole(Block::Reasoning { redacted: true }, item, out);
        }
        let at = self.go_on(Kind::Reasoning, out)?;
        out.push(at, &text)?;
        out.edit(at, |own| *own = item)?;
        self.end_piece(out)
    }

    fn call(&mut self, delta: &ToolCallDelta, out: &mut Out<'_, Completion>) -> Result<(), ProviderError> {
        let at = match self.calls.get(&delta.index) {
            Some(at) => *at,
            None => {
                self.end_piece(out)?;
                *self.calls.entry(delta.index).or_insert(out.fresh_index())
            }
        };
        let (id, name) = (delta.id.as_deref(), delta.name.as_deref());
        out.fragment(Some(at), CallFragment { id, name, arguments: Some(&delta.arguments_fragment) })?;
        if let Some(signature) = &delta.signature {
            out.edit(at, |own| *own = json!({(SIGNATURE): signature}))?;
        }
        Ok(())
    }
}

/// With its media type as its item, where rig has no name for it.
fn image_block(image: MediaSource) -> (Image, Value) {
    let media = match image {
        MediaSource::Url(url) => {
            return (Image { data: DocumentSourceKind::Url(url), ..Image::default() }, Value::Null);
        }
        MediaSource::Inline(media) => media,
    };
    let media_type = ImageMediaType::from_mime_type(&media.media_type);
    let item = if media_type.is_some() { Value::Null } else { json!({(MEDIA_TYPE): media.media_type}) };
    let data = DocumentSourceKind::Base64(STANDARD.encode(media.data));
    (Image { data, media_type, ..Image::default() }, item)
}

fn finish_reason(reason: FinishReason) -> completion::FinishReason {
    match reason {
        FinishReason::Stop => completion::FinishReason::Stop,
        FinishReason::Length => completion::FinishReason::Length,
        FinishReason::ToolCalls => completion::FinishReason::ToolCalls,
        FinishReason::ContentFilter => completion::FinishReason::ContentFilter,
        FinishReason::Other(reason) => completion::FinishReason::Other(reason),
    }
}

pub(crate) fn usage(told: &types::Usage) -> Usage {
    Usage::new()
        .input_tokens(told.input_tokens)
        .output_tokens(told.output_tokens)
        .total_tokens(told.input_tokens.saturating_add(told.output_tokens))
        .cached_input_tokens(told.cache_read_tokens)
        .cache_creation_input_tokens(told.cache_write_tokens)
        .reasoning_tokens(told.reasoning_tokens)
}

/// JSON as a component gives it; a text where it is none.
fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

/// What rig keeps of an answer as it came (`raw`): all of it, with what the gateway reported.
#[derive(Debug, Default)]
pub(crate) struct Document {
    joined: Joined,
    report: GatewayReport,
}

impl Serves<Completion> for Document {}

impl Reassemble<Frame> for Document {
    fn absorb(&mut self, frame: &Frame) {
        match frame {
            Frame::Report(report) => self.report = report.clone(),
            Frame::Event(event) => self.joined.push(event.clone()),
            Frame::End => {}
        }
    }

    fn finish(self) -> Value {
        let response = self.joined.into_response(self.report);
        let others = response.content.iter().filter_map(|part| match part {
            AssistantPart::Other(part) => Some(read(part)),
            _ => None,
        });
        json!({
            "id": response.id,
            "model": response.model,
            "others": others.collect::<Vec<Value>>(),
            "guardrails": response.guardrails_json.as_deref().map(read),
            "finish_reason": finish_reason(response.finish_reason),
            "usage": response.usage,
            "report": response.report,
            "message": Message::Assistant(response.content).to_openai(),
        })
    }
}
