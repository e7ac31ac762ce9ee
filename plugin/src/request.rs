//! A request's way to the wire: from either form to a body, through the passes, to JSON.

use alloc::string::String;

use crate::bindings::exports::openclaw::provider::chat::{Ask, Request};
use crate::bindings::openclaw::provider::types::Connection;
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::prompt;

/// The body of a request for a whole answer, or for a streamed one.
pub fn body(_connection: &Connection, request: &Request, stream: bool) -> Result<String> {
    let mut body = match &request.ask {
        Ask::Prompt(prompt) => prompt::body(prompt)?,
        Ask::OpenaiJson(json) => open(json)?,
        Ask::FinishedJson(json) => return finished(json, stream),
    };
    set_stream(&mut body, stream);
    Ok(body.to_json())
}

fn open(json: &str) -> Result<Object<'_>> {
    Object::parse(json).ok_or_else(|| error::invalid_request("The body of the request is not a JSON object"))
}

fn finished(json: &str, stream: bool) -> Result<String> {
    let is_stream = open(json)?.get("stream").and_then(Json::bool).unwrap_or(false);
    if is_stream != stream {
        let message = if stream { "The body does not ask for a stream" } else { "The body asks for a stream" };
        return Err(error::invalid_request(message));
    }
    Ok(json.into())
}

fn set_stream(body: &mut Object<'_>, stream: bool) {
    if stream {
        body.set("stream", true);
        if body.get("stream_options").is_none() {
            body.set("stream_options", [("include_usage", true.into())]);
        }
    } else {
        body.remove("stream");
        body.remove("stream_options");
    }
}
