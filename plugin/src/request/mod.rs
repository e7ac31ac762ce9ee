//! Writes a request: a prompt or a host's body becomes one body, goes through a few passes, and becomes JSON.
//!
//! Each pass is a named function that adapts one thing to the models that may answer, and leaves alone what it does not
//! know. `model_traits` knows the models, and `targets` says which of them may answer. For models that speak only the
//! Responses API the last pass writes the same in that form.

mod body;
mod cache;
mod content;
mod documents;
mod format;
mod limit;
mod media;
mod pairs;
mod reasoning;
mod repair;
mod replay;
mod responses;
mod schema;
mod spelling;
mod targets;
#[cfg(test)]
mod tests;
mod tools;

use alloc::string::String;

use crate::bindings::exports::openclaw::provider::chat::{Ask, Request};
use crate::bindings::openclaw::provider::types::Connection;
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::model_traits::Protocol;
use crate::options::Options;
use crate::prompt;
use body::Body;
pub(crate) use body::Renamed;
use targets::Targets;

/// A body as it is sent.
#[derive(Debug)]
pub struct Finished {
    /// The body.
    pub json: String,
    /// Where it goes, below the base URL.
    pub path: &'static str,
    pub(crate) renamed: Renamed,
    /// Whether tools were offered, and neither an answer in JSON asked for, which may begin as a call does, nor one
    /// without a call.
    pub(crate) offers_tools: bool,
}

impl Finished {
    fn new(json: String, protocol: Protocol, offers_tools: bool) -> Self {
        let path = match protocol {
            Protocol::Chat => "/chat/completions",
            Protocol::Responses => "/responses",
        };
        Self { json, path, renamed: Renamed::new(), offers_tools }
    }
}

/// The API that a request goes out by.
fn protocol(targets: &Targets, options: &Options<'_>) -> Protocol {
    options.protocol.unwrap_or_else(|| targets.protocol())
}

/// Whether requests for one of these models go out by the Responses API, with these headers and options.
pub(crate) fn uses_responses<'m>(
    mut models: impl Iterator<Item = &'m str>,
    headers: &[(String, String)],
    options_json: &str,
) -> bool {
    let options = Options::read(options_json);
    models.any(|model| protocol(&Targets::of(model, headers, &options), &options) == Protocol::Responses)
}

/// Whether an answer without a call is asked for, or one in JSON, in the form of either API.
fn asks_no_call(body: &Object<'_>) -> bool {
    let formats = [body.get("response_format").cloned(), body.object("text").take("format")];
    body.is("tool_choice", "none") || formats.iter().flatten().any(|format| format::json(format).is_some())
}

/// The body of a request for a whole answer, or for a streamed one.
pub fn body(connection: &Connection, request: &Request, stream: bool) -> Result<Finished> {
    let members = match &request.ask {
        Ask::Prompt(prompt) => prompt::body(prompt)?,
        Ask::OpenaiJson(json) => opened(json)?,
        Ask::FinishedJson(json) => return finished(json, stream),
    };
    let options = Options::read(&connection.options_json);
    let mut body = Body::new(members, stream)?;
    let model = body.members.text("model").into_owned();
    let targets = Targets::of(&model, &connection.headers, &options);
    let own = options.of_model(&model);

    let asks_no_call = asks_no_call(&body.members);

    repair::functions(&mut body, &targets);
    repair::blocks_of_tools(&mut body);
    tools::web_search(&mut body, &targets);
    body.protocol = protocol(&targets, &options);
    if options.protocol.is_none() && reasoning::needs_responses(&body, &targets, &own, &connection.headers) {
        body.protocol = Protocol::Responses;
    }
    tools::tools(&mut body, &targets, &own);
    tools::tool_names(&mut body, &targets);
    repair::arguments(&mut body, &targets);
    repair::contents(&mut body, &targets);
    pairs::all(&mut body, &targets);
    content::tool_images(&mut body, &targets);
    documents::all(&mut body, &targets);
    content::tool_names(&mut body, &targets);
    replay::turns(&mut body, &targets);
    repair::members(&mut body, &targets);
    format::answer(&mut body, &targets);
    limit::output(&mut body, &targets, &own, &options);
    reasoning::effort(&mut body, &targets, &own);
    reasoning::sampling(&mut body, &targets, &own);
    content::system(&mut body, &targets);
    content::turns(&mut body, &targets);
    content::order(&mut body, &targets);
    content::beside_calls(&mut body, &targets);
    content::past_tools(&mut body, &targets);
    content::told_calls(&mut body, &targets);
    cache::prompt(&mut body, &targets, &own, request.prompt_cache.or(options.prompt_cache));
    let protocol = body.protocol;
    let (renamed, offers_tools) = (core::mem::take(&mut body.renamed), !body.tools.is_empty() && !asks_no_call);
    let json = match protocol {
        Protocol::Chat => body.into_json(),
        Protocol::Responses => responses::body(body, &targets).to_json(),
    };
    Ok(Finished { renamed, ..Finished::new(json, protocol, offers_tools) })
}

/// Gives a tool that was called the host's name again.
pub(crate) fn restore(called: &mut String, renamed: &Renamed) {
    if let Some((_, own)) = renamed.iter().find(|(sent, _)| sent == called) {
        called.clone_from(own);
    }
}

/// A host's body, its lists opened in the same pass that reads it.
fn opened(json: &str) -> Result<Object<'_>> {
    Object::parse_opening(json, &["messages", "tools"])
        .ok_or_else(|| error::invalid_request("The body of the request is not a JSON object"))
}

/// A body that was made to fit before, and maybe changed since.
fn finished(json: &str, stream: bool) -> Result<Finished> {
    let body = opened(json)?;
    let is_stream = body.get("stream").and_then(Json::bool).unwrap_or(false);
    if is_stream != stream {
        let message = if stream { "The body does not ask for a stream" } else { "The body asks for a stream" };
        return Err(error::invalid_request(message));
    }
    // What was made to fit for the other API has no messages.
    let is_chat = body.has("messages") || !body.has("input");
    let protocol = if is_chat { Protocol::Chat } else { Protocol::Responses };
    Ok(Finished::new(json.into(), protocol, body.has("tools") && !asks_no_call(&body)))
}
