//! Reads a complete chat answer, one that was not streamed as events: by the rules for those that are.

use crate::bindings::exports::openclaw::provider::chat::Response;
use crate::error::Result;
use crate::report::Head;
use crate::stream::Reply;

/// Reads a whole answer, to a request that offered tools or none. Some providers send a stream anyway: the first byte shows
/// it.
pub fn response(head: Head, body: &[u8], offers_tools: bool) -> Result<Response> {
    let mut reply = Reply::new(head).offers_tools(offers_tools);
    reply.document(body);
    reply.response()
}

#[cfg(test)]
mod tests;
