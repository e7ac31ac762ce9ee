//! The only module that sends: a request and its body to the gateway, with the client of `wit/guest`. It turns failures
//! below HTTP into errors.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;

use openclaw_provider_guest::http::{Body, ErrorCode, Failure, Request, announced};

use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::error::{self, Result};
use crate::report::Head;

/// Most bytes of an answer that tells of a failure.
const MAX_FAILURE: usize = 256 * 1024;

/// An answer whose head is there.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Body,
}

impl Answer {
    /// How many bytes its body has; 0 where it does not say.
    pub(crate) fn announced(&self) -> usize {
        announced(&self.head.headers)
    }
}

/// Sends a request and reads the whole of its answer, which must be a success of at most `limit` bytes.
pub(crate) fn fetch(request: Request, body: &[u8], limit: usize) -> Result<(Head, Vec<u8>)> {
    let answer = open(request, body)?;
    let whole = whole(&answer, limit)?;
    Ok((answer.head, whole))
}

/// The rest of the body of an answer, of at most `limit` bytes.
pub(crate) fn whole(answer: &Answer, limit: usize) -> Result<Vec<u8>> {
    answer.body.whole(answer.announced(), limit).map_err(|failure| broken(failure, &answer.head))
}

/// Sends a request and waits for the head of its answer, which must be a success.
pub(crate) fn open(request: Request, body: &[u8]) -> Result<Answer> {
    let response = request.send(body).map_err(failed)?;
    let head = Head { status: response.status, headers: response.headers };
    if head.is_success() {
        return Ok(Answer { head, body: response.body });
    }
    Err(error::from_response(&head, &response.body.beginning(MAX_FAILURE)))
}

/// Each piece of the body of an answer.
pub(crate) fn each(answer: &Answer, limit: usize, read: impl FnMut(Vec<u8>)) -> Result<()> {
    answer.body.each(answer.announced(), limit, read).map_err(|failure| broken(failure, &answer.head))
}

/// The error where a body did not come whole.
fn broken(failure: Failure, head: &Head) -> Box<Error> {
    match failure {
        large @ Failure::TooLarge(_) => {
            let message = large.into_error("gateway").message;
            error::answered(ErrorKind::Protocol, ErrorOrigin::Gateway, &message, head)
        }
        other => failed(other),
    }
}

/// A failure of the client, in the gateway's words.
pub(crate) fn failed(failure: Failure) -> Box<Error> {
    use ErrorCode as C;
    let has_large_headers =
        matches!(failure, Failure::Request(C::HttpRequestHeaderSectionSize(_) | C::HttpRequestHeaderSize(_)));
    let mut error = Box::new(failure.into_error("gateway"));
    // What answers at the base URL is the gateway, or is none.
    if error.origin == ErrorOrigin::Upstream {
        error.origin = ErrorOrigin::Gateway;
        error.hint = Some("Check that the base URL is a Portkey gateway's.".to_owned());
    }
    if has_large_headers {
        error.hint = Some("Shorten the metadata or the inline config, or use a config id.".to_owned());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_the_gateways() {
        use ErrorCode as C;
        for (code, kind, origin, message, hint) in [
            (
                C::ConnectionRefused,
                ErrorKind::Transport,
                ErrorOrigin::Network,
                "The gateway refused",
                "the gateway runs",
            ),
            (C::HttpProtocolError, ErrorKind::Protocol, ErrorOrigin::Gateway, "not proper HTTP", "a Portkey gateway's"),
            (C::HttpRequestHeaderSectionSize(None), ErrorKind::InvalidConfig, ErrorOrigin::Host, "large", "config id"),
        ] {
            let error = failed(Failure::Request(code));
            assert_eq!((error.kind, error.origin), (kind, origin), "{}", error.message);
            assert!(error.message.contains(message) && error.hint.is_some_and(|said| said.contains(hint)));
        }
    }
}
