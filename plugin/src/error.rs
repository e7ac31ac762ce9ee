//! Builds `types.error` from a failed response: the kind, who failed, what to do, and how long to wait (`retry-after`).
//!
//! Only this module knows the error responses of the hosted and the open-source gateway. `failure` finds the words in
//! them. Failures below HTTP are in the `http` of `wit/guest`, wrong configurations in [`crate::lint`].

mod classify;
mod failure;
mod retry_after;
mod said;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use openclaw_provider_guest::one_line;

use classify::{FILTER, GUARDRAIL, LATER, LATER_OR_FALLBACK, UNREADABLE, classify};
use failure::Failure;
use said::{MAX_MESSAGE, Said};

use crate::bindings::exports::openclaw::provider::chat::FinishReason;
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::finish::{finish_reason, is_failure};
use crate::json::lossy;
use crate::portkey;
use crate::report::Head;
use crate::text::holds;
use crate::wire;

/// A result with a boxed error, because the record is large and success is the rule.
pub type Result<T> = core::result::Result<T, Box<Error>>;

/// Longest quote of a body that is not understood, in bytes.
const MAX_QUOTE: usize = 200;

/// An error with nothing but its kind, origin and message.
pub(crate) fn new(kind: ErrorKind, origin: ErrorOrigin, message: &str, request_sent: bool) -> Box<Error> {
    Box::new(Error {
        kind,
        origin,
        message: one_line(message, MAX_MESSAGE),
        hint: None,
        status: None,
        code: None,
        retry_after_ms: None,
        trace_id: None,
        request_sent,
    })
}

pub(crate) fn with_hint(mut error: Box<Error>, hint: &str) -> Box<Error> {
    error.hint = Some(hint.to_owned());
    error
}

/// An error in an answer whose head is known.
pub(crate) fn answered(kind: ErrorKind, origin: ErrorOrigin, message: &str, head: &Head) -> Box<Error> {
    let mut error = new(kind, origin, message, true);
    error.status = Some(head.status);
    error.trace_id = head.get("x-portkey-trace-id").map(ToOwned::to_owned);
    error
}

/// A request that this component refuses.
pub(crate) fn invalid_request(message: &str) -> Box<Error> {
    new(ErrorKind::InvalidRequest, ErrorOrigin::Plugin, message, false)
}

/// A configuration that this component refuses.
pub(crate) fn invalid_config(message: &str, hint: &str) -> Box<Error> {
    with_hint(new(ErrorKind::InvalidConfig, ErrorOrigin::Plugin, message, false), hint)
}

/// The host holds no key.
pub(crate) fn missing_credential() -> Box<Error> {
    with_hint(
        new(ErrorKind::MissingCredential, ErrorOrigin::Plugin, "Portkey API key missing", false),
        &format!(
            "Set {}, or give the host the key; a self-hosted gateway that needs no key accepts any value.",
            portkey::CREDENTIAL_ENV
        ),
    )
}

/// An answer that this protocol does not allow. `quote` is cut short.
pub(crate) fn protocol(head: &Head, what: &str, quote: &[u8]) -> Box<Error> {
    let quote = one_line(&String::from_utf8_lossy(quote.get(..320).unwrap_or(quote)), 80);
    let message = if quote.is_empty() { format!("{what}: the answer is empty") } else { format!("{what}: {quote}") };
    answered(ErrorKind::Protocol, ErrorOrigin::Gateway, &message, head)
}

/// Builds the error for a response with a non-success status.
pub fn from_response(head: &Head, body: &[u8]) -> Box<Error> {
    if (300..400).contains(&head.status) {
        return redirect(head);
    }
    told(head, body, Said::read(head, body, Failure::read(body)))
}

/// Builds the error that `said` describes, from the answer with this body.
fn told(head: &Head, body: &[u8], said: Said) -> Box<Error> {
    let (kind, hint) = classify(head, &said);
    // A page may hold tags alone.
    let message = Some(one_line(&said.message, MAX_MESSAGE)).filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| {
        let quote = if said.is_html {
            String::new()
        } else {
            one_line(&lossy(body.get(..4 * MAX_QUOTE).unwrap_or(body)), MAX_QUOTE)
        };
        let message = format!("The gateway answered with HTTP status {}", head.status);
        if quote.is_empty() { message } else { format!("{message}: {quote}") }
    });
    let mut error = answered(kind, said.origin, &message, head);
    error.hint = hint.map(ToOwned::to_owned);
    error.code = (!said.code.is_empty()).then(|| one_line(&said.code, 128));
    error.retry_after_ms = retry_after::read(head, &error.message, body);
    error
}

/// The error for an answer with a success status that is not what was requested: a hidden failure, with or without
/// words, or something else.
pub(crate) fn malformed(head: &Head, what: &str, body: &[u8]) -> Box<Error> {
    let is_failure: fn(&Failure) -> bool = |failure| failure.is_marked || !failure.message.is_empty();
    page(head, body).or_else(|| failing(head, body, is_failure)).unwrap_or_else(|| protocol(head, what, body))
}

/// The error for a whole answer that is no chat completion.
pub(crate) fn no_completion(head: &Head, body: &[u8]) -> Box<Error> {
    let error = malformed(head, "The answer is no chat completion", body);
    if error.kind == ErrorKind::Protocol
        && let Some(api) = foreign(&lossy(body))
    {
        return in_form(head, api);
    }
    error
}

/// What the answers of a provider's own API hold, or are called, and whose that is.
const FORMS: [(&str, &str); 15] = [
    ("candidates|usageMetadata", "Google's"),
    ("generation|stopReason", "Bedrock's"),
    ("message_start|stop_reason|completion", "Anthropic's"),
    ("generated_text", "Hugging Face's"),
    ("done", "Ollama's"),
    ("message-start|event_type|generation_id", "Cohere's"),
    ("is_truncated", "Baidu's"),
    ("Choices|Response", "Tencent's"),
    ("urls", "Replicate's"),
    ("predictions", "Vertex AI's"),
    ("response|result", "Workers AI's"),
    ("output", "DashScope's"),
    ("stop", "llama.cpp's"),
    ("data", "another gateway's"),
    ("finish_reason", "Cohere's"),
];

/// Whose API an answer without choices is in the form of.
pub(crate) fn foreign(text: &str) -> Option<&'static str> {
    let root = wire::root(text).ok().filter(|root| !root.has("choices"))?;
    let is_it =
        |(marks, _): &&(&str, &'static str)| marks.split('|').any(|mark| root.has(mark) || root.is("type", mark));
    FORMS.iter().find(is_it).map(|(_, api)| *api)
}

/// The error for an answer in the form of another API.
pub(crate) fn in_form(head: &Head, api: &str) -> Box<Error> {
    let message = format!("The answer is in the form of {api} own API, not of OpenAI's");
    let error = answered(ErrorKind::InvalidConfig, ErrorOrigin::Gateway, &message, head);
    with_hint(
        error,
        "Tell the gateway who answers, by the option provider: it translates then. A base URL or custom_host of the provider's own must be that of its OpenAI API, usually /v1.",
    )
}

/// The failure in an answer that holds nothing that was requested, if it has words.
pub(crate) fn in_words(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    failing(head, body, |failure| !failure.message.is_empty())
}

/// The error of a body that was read as a failure, if it is one. The body may be large, and is read once.
fn failing(head: &Head, body: &[u8], is_such: fn(&Failure) -> bool) -> Option<Box<Error>> {
    let failure = Failure::read(body).filter(is_such)?;
    Some(told(head, body, Said::read(head, body, Some(failure))))
}

/// The error of a web page.
fn page(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    if !body.trim_ascii_start().starts_with(b"<") {
        return None;
    }
    let mut error = protocol(head, "The gateway answered with a web page", body);
    error.kind = ErrorKind::InvalidConfig;
    Some(with_hint(error, "Check the base URL: it probably lacks its path, usually /v1."))
}

/// The error in an event whose name says that it is one.
pub(crate) fn in_event(head: &Head, data: &[u8]) -> Box<Error> {
    let mut said = Said::read(head, data, Failure::read(data));
    if said.message.trim().is_empty() {
        said.message = format!("The stream ended with an error that has no words {}", lossy(data));
    }
    told(head, data, said)
}

/// What a stream that was cut lacks, mostly.
pub(crate) const REASON: &str = "a finish reason";

/// The error of an answer that ends without this.
pub(crate) fn truncated(head: &Head, lacks: &str) -> Box<Error> {
    let message = format!("The stream ended without {lacks}: what arrived is not the whole answer");
    let error = answered(ErrorKind::Truncated, ErrorOrigin::Gateway, &message, head);
    let hint = "Try again. A gateway ends a stream in this way when the model provider's connection breaks.";
    with_hint(error, hint)
}

/// The error of a stream that was cut, where it ends in words: they may say why.
pub(crate) fn cut_with(cut: &Error, head: &Head, words: &[u8]) -> Box<Error> {
    let mut error = in_event(head, words);
    // That the server broke is what a cut says.
    if matches!(error.kind, ErrorKind::Overloaded | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Other) {
        error.kind = cut.kind;
        error.hint.clone_from(&cut.hint);
    }
    error.message = one_line(&format!("{}: {}", cut.message, error.message), MAX_MESSAGE);
    error
}

/// The failure in the place of the finish reason: `overloaded_error` (gateway 1.15.2, provider `anthropic`, events of
/// type `error`), `abort` (vLLM), `insufficient_system_resource` (DeepSeek), `MALFORMED_FUNCTION_CALL` (Google).
pub(crate) fn failed_finish(reason: &str, head: &Head) -> Option<Box<Error>> {
    if !is_failure(reason) {
        return None;
    }
    let word = reason.to_ascii_lowercase();
    let code = one_line(reason, 128);
    let message = format!("The model provider broke off with {code}");
    let said =
        Said { kind: code, message, code: String::new(), status: None, origin: ErrorOrigin::Upstream, is_html: false };
    let (mut kind, mut hint) = classify(head, &said);
    if kind == ErrorKind::Other {
        (kind, hint) = if holds(&word, "timeout|timed_out") {
            (ErrorKind::Timeout, Some(LATER))
        } else if holds(&word, "function_call_filter|malformed|unexpected|too_many|invalid|missing") {
            (ErrorKind::Protocol, Some(UNREADABLE))
        } else if holds(&word, "abort|cancel|interrupt|disconnect|network|terminat|reset") {
            (ErrorKind::Truncated, Some("What arrived is not the whole answer: try again."))
        } else {
            (ErrorKind::Overloaded, Some(LATER_OR_FALLBACK))
        };
    }
    let mut error = answered(kind, said.origin, &said.message, head);
    error.hint = hint.map(ToOwned::to_owned);
    error.code = Some(said.kind);
    Some(error)
}

/// The error of an image that is not what was asked for, by the reason beside it: a filter blurs it, or blackens it.
pub(crate) fn refused_image(reason: &str, head: &Head) -> Option<Box<Error>> {
    if finish_reason(reason, false) != FinishReason::ContentFilter {
        return failed_finish(reason, head);
    }
    let message = format!("The model provider's filter refused the image: {reason}");
    Some(with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Upstream, &message, head), FILTER))
}

/// A guardrail denied the answer, and its replacement came with status 200.
pub(crate) fn soft_deny(head: &Head, denied: &str) -> Box<Error> {
    let message = format!("A guardrail denied this: {denied}");
    with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Gateway, &message, head), GUARDRAIL)
}

/// An answer without a choice. Google's blocked prompts look like this in a stream (gateway 2.2.3).
pub(crate) fn no_choice(head: &Head, provider: &str, body: &[u8]) -> Box<Error> {
    let provider = if provider.is_empty() { head.get("x-portkey-provider").unwrap_or_default() } else { provider };
    if holds(provider, "google|vertex") || holds(&lossy(body), "blockReason|\"filtered\":true|\"filtered\": true") {
        let message = "The answer holds no choice: the model provider blocked the prompt";
        return with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Upstream, message, head), FILTER);
    }
    protocol(head, "The answer holds no choice", body)
}

fn redirect(head: &Head) -> Box<Error> {
    let target = head.get("location").unwrap_or("an unnamed place");
    let message = format!("The gateway answered with a redirect (HTTP {}) to {target}", head.status);
    let error = answered(ErrorKind::InvalidConfig, ErrorOrigin::Gateway, &message, head);
    with_hint(
        error,
        "Redirects are not followed, so that the key stays with its host: set the base URL to the new place.",
    )
}
