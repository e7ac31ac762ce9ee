//! Reads the service's answers: models, a whole answer, a streamed one, an error.

#![allow(clippy::indexing_slicing, reason = "of JSON alone, where what is missing is null")]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use serde_json::Value;

use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, Event, FinishReason, ReplyStart, Response, ToolCall, ToolCallDelta,
};
use crate::bindings::exports::openclaw::provider::models::Entry;
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, GatewayReport, Usage};
use crate::{error, sse};

/// The models of a listing, `{"data": [{"id", "owned_by"}]}`.
pub fn models(body: &[u8]) -> Result<Vec<Entry>, Error> {
    let listing = parsed(body)?;
    let entry = |entry: &Value| Some(Entry { id: text(&entry["id"])?, provider: text(&entry["owned_by"]) });
    Ok(list(&listing["data"]).filter_map(entry).collect())
}

/// A whole answer. Fails with [`ErrorKind::Protocol`] where it is none.
pub fn response(body: &[u8]) -> Result<Response, Error> {
    let body = parsed(body)?;
    let choice = &body["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        return Err(sent(ErrorKind::Protocol, "The answer holds no message", "Check the base URL."));
    }
    let said = text(&message["content"]).filter(|said| !said.is_empty()).map(AssistantPart::Text);
    let calls = list(&message["tool_calls"]).map(|call| {
        AssistantPart::ToolCall(ToolCall {
            id: text(&call["id"]).unwrap_or_default(),
            name: text(&call["function"]["name"]).unwrap_or_default(),
            arguments_json: text(&call["function"]["arguments"]).unwrap_or_default(),
            signature: None,
        })
    });
    Ok(Response {
        id: text(&body["id"]).unwrap_or_default(),
        model: text(&body["model"]).unwrap_or_default(),
        content: said.into_iter().chain(calls).collect(),
        finish_reason: finish_reason(choice["finish_reason"].as_str().unwrap_or("unknown")),
        usage: usage(&body["usage"]),
        guardrails_json: None,
        report: GatewayReport::default(),
    })
}

/// Reads the events of a streamed answer, which come split anywhere. The last line is `data: [DONE]`.
#[derive(Debug, Default)]
pub struct Events {
    lines: sse::Lines,
    started: bool,
    finished: bool,
    over: bool,
}

impl Events {
    /// The events that `bytes` complete. `None` is the end of the stream: it fails with [`ErrorKind::Truncated`] where the
    /// answer was not finished, since what came is not the whole.
    pub fn push(&mut self, bytes: Option<&[u8]>) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        let Some(bytes) = bytes else {
            self.over = true;
            let cut = || sent(ErrorKind::Truncated, "The stream stopped before its end", "Try again.");
            return if self.finished { Ok(events) } else { Err(cut()) };
        };
        let Self { lines, started, finished, over } = self;
        lines.push(bytes, |data| {
            if data == b"[DONE]" {
                (*finished, *over) = (true, true);
                return Ok(());
            }
            let broken = |_| sent(ErrorKind::Protocol, "An event of the stream is not JSON", "Try again.");
            let chunk: Value = serde_json::from_slice(data).map_err(broken)?;
            if let Some(message) = chunk["error"]["message"].as_str() {
                return Err(sent(ErrorKind::Overloaded, message, "Try again."));
            }
            if !mem::replace(started, true) {
                let [id, model] = ["id", "model"].map(|name| text(&chunk[name]).unwrap_or_default());
                events.push(Event::Start(ReplyStart { id, model }));
            }
            let choice = &chunk["choices"][0];
            let delta = &choice["delta"];
            events.extend(text(&delta["content"]).filter(|said| !said.is_empty()).map(Event::Text));
            events.extend(list(&delta["tool_calls"]).map(call).map(Event::ToolCall));
            if let Some(reason) = choice["finish_reason"].as_str() {
                *finished = true;
                events.push(Event::Finish(finish_reason(reason)));
            }
            events.extend(usage(&chunk["usage"]).map(Event::Usage));
            Ok(())
        })?;
        Ok(events)
    }

    /// Whether nothing more is to come.
    pub fn are_over(&self) -> bool {
        self.over
    }
}

fn call(call: &Value) -> ToolCallDelta {
    ToolCallDelta {
        index: call["index"].as_u64().and_then(|index| index.try_into().ok()).unwrap_or_default(),
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments_fragment: text(&call["function"]["arguments"]).unwrap_or_default(),
        signature: None,
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.into()),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input_tokens: usage["prompt_tokens"].as_u64()?,
        output_tokens: usage["completion_tokens"].as_u64()?,
        cache_read_tokens: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
        cache_write_tokens: None,
        reasoning_tokens: usage["completion_tokens_details"]["reasoning_tokens"].as_u64(),
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(Into::into)
}

/// The error for an answer that is no success, in the words of its body: `{"error": {"message", "code"}}`.
pub fn refusal(status: u16, body: &[u8]) -> Error {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let (kind, hint) = match status {
        401 => (ErrorKind::Unauthorized, "Check the API key."),
        403 => (ErrorKind::Forbidden, "The key may not do this."),
        404 => (ErrorKind::NotFound, "Check the model and the base URL."),
        429 => (ErrorKind::RateLimited, "Wait, and try again."),
        400..500 => (ErrorKind::InvalidRequest, "Correct the request."),
        500.. => (ErrorKind::Overloaded, "Try again later."),
        _ => (ErrorKind::Protocol, "Check the base URL: an API does not redirect."),
    };
    let said = text(&body["error"]["message"]).or_else(|| text(&body["message"]));
    let message = said.unwrap_or_else(|| format!("The service answered {status}"));
    Error { status: Some(status), code: text(&body["error"]["code"]), ..sent(kind, &message, hint) }
}

fn parsed(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|_| sent(ErrorKind::Protocol, "The answer is not JSON", "Check the base URL."))
}

/// The service's failure: the request had left.
fn sent(kind: ErrorKind, message: &str, hint: &str) -> Error {
    Error { request_sent: true, ..error(kind, ErrorOrigin::Upstream, message, hint) }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::vec;

    use super::*;

    #[test]
    fn a_whole_answer() {
        let body = br#"{"id":"i","model":"m","choices":[{"message":{"content":"so","tool_calls":[
            {"id":"c","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}"#;
        let response = response(body).unwrap();
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments_json: "{}".into(), signature: None };
        assert_eq!(response.content, [AssistantPart::Text("so".into()), AssistantPart::ToolCall(call)]);
        assert_eq!((response.id.as_str(), response.finish_reason), ("i", FinishReason::ToolCalls));
        let usage = response.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cache_read_tokens), (1, 2, Some(1)));
    }

    #[test]
    fn an_answer_that_is_none() {
        for body in [&b""[..], b"<html>", b"{}", br#"{"choices":[]}"#, br#"{"choices":[{"message":"x"}]}"#] {
            let error = response(body).unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::Protocol, true));
        }
        assert_eq!(models(b"{}").unwrap(), []);
        assert_eq!(models(b"x").unwrap_err().kind, ErrorKind::Protocol);
    }

    const STREAM: &str = "data: {\"id\":\"i\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"\u{fc}\"}}]}\r\n\r\n\
        : ping\n\
        data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c\",\"function\":{\"name\":\"f\"}}]}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n\
        data: [DONE]\n\n";

    #[test]
    fn a_stream_is_the_same_however_it_is_split() {
        let mut events = Events::default();
        let whole = events.push(Some(STREAM.as_bytes())).unwrap();
        assert!(events.are_over() && events.push(None) == Ok(vec![]));
        assert_eq!(whole[0], Event::Start(ReplyStart { id: "i".into(), model: "m".into() }));
        assert_eq!(whole[1], Event::Text("\u{fc}".into()));
        assert!(matches!(&whole[2], Event::ToolCall(call) if call.index == 1 && call.name == Some("f".to_owned())));
        assert_eq!(whole[3], Event::Finish(FinishReason::Length));
        assert!(matches!(&whole[4..], [Event::Usage(usage)] if usage.output_tokens == 2));
        let mut events = Events::default();
        let bytewise = STREAM.as_bytes().iter().flat_map(|byte| events.push(Some(&[*byte])).unwrap());
        assert_eq!(bytewise.collect::<Vec<_>>(), whole);
    }

    #[test]
    fn a_stream_that_is_cut_or_fails() {
        let mut events = Events::default();
        events.push(Some(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n")).unwrap();
        assert_eq!(events.push(None).unwrap_err().kind, ErrorKind::Truncated);
        for (line, kind, message) in [
            ("data: {\"error\":{\"message\":\"busy\"}}\n", ErrorKind::Overloaded, "busy"),
            ("data: <html>\n", ErrorKind::Protocol, "An event of the stream is not JSON"),
        ] {
            let error = Events::default().push(Some(line.as_bytes())).unwrap_err();
            assert_eq!((error.kind, error.message.as_str(), error.request_sent), (kind, message, true));
        }
    }

    #[test]
    fn refusals() {
        for (status, kind) in [
            (302, ErrorKind::Protocol),
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound),
            (422, ErrorKind::InvalidRequest),
            (429, ErrorKind::RateLimited),
            (503, ErrorKind::Overloaded),
        ] {
            let error = refusal(status, b"<html>");
            assert_eq!((error.kind, error.status, error.request_sent), (kind, Some(status), true));
            assert!(error.message.contains("answered"));
        }
        let error = refusal(400, br#"{"error":{"message":"no","code":"bad"}}"#);
        assert_eq!((error.message.as_str(), error.code.as_deref()), ("no", Some("bad")));
    }
}
