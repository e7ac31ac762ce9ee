//! What can go wrong on request: one table of names, status codes, headers and bodies. The shapes were taken from
//! Portkey's gateway (open source and hosted) and from OpenAI. The server acts them out.

use std::time::Duration;

use super::wire::{ERROR_EVENT, Hooks, Midway, Reasoning, UsageAt, Wire};

/// A fault that the stand-in plays when a request asks for it: by the model name `fault/<name>`, with or without
/// `@slug/` before it (so that it survives a real gateway in between), or by the header `x-stub-fault: <name>`.
#[derive(Debug)]
pub struct Fault {
    /// What a request calls it.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Sent with the answer, and in the place of a default header of the same name.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) effect: Effect,
}

/// What a fault does to the answer.
#[derive(Debug)]
pub(crate) enum Effect {
    /// This answer, whatever was asked. `routed` is false where the gateway refuses before it has chosen a provider:
    /// such an answer has no `x-portkey-*` headers.
    Fixed { status: u16, routed: bool, body: &'static str },
    /// The usual answer, written in another way.
    Written { status: u16, wire: Wire },
    /// To another place: [`super::Options::redirect`], or the header `x-stub-location`.
    Redirect { status: u16 },
    /// No answer, on an open connection.
    Silence,
    /// The fault of this name two times, the usual answer the third time, and so on.
    TwiceThenFine(&'static str),
    /// The request's headers, as the text of a chat reply or in an error message.
    EchoHeaders { as_error: bool },
}

/// Every fault, in the order in which a person would want to read them.
pub fn faults() -> &'static [Fault] {
    FAULTS
}

pub(crate) fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

const fn fault(name: &'static str, about: &'static str, effect: Effect) -> Fault {
    Fault { name, about, headers: &[], effect }
}

/// An answer of the hosted gateway before routing.
const fn refused(name: &'static str, about: &'static str, status: u16, body: &'static str) -> Fault {
    Fault { headers: HOSTED_JSON, ..fault(name, about, Effect::Fixed { status, routed: false, body }) }
}

/// An answer after routing: by the gateway for a provider, or by the provider itself.
const fn routed(name: &'static str, about: &'static str, status: u16, body: &'static str) -> Fault {
    fault(name, about, Effect::Fixed { status, routed: true, body })
}

const fn written(name: &'static str, about: &'static str, wire: Wire) -> Fault {
    fault(name, about, Effect::Written { status: 200, wire })
}

const fn midway(name: &'static str, about: &'static str, midway: Midway) -> Fault {
    written(name, about, Wire { midway: Some(midway), ..Wire::PLAIN })
}

const HOSTED_JSON: &[(&str, &str)] = &[("content-type", "application/json;charset=UTF-8")];

const RATE_LIMIT: &str = r#"{"error":{"message":"Rate limit reached for requests.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;

// A fault a line or two, the bodies as they are on the wire.
#[rustfmt::skip]
const FAULTS: &[Fault] = &[
    // The hosted gateway, before routing
    refused("invalid-key", "hosted 401, code 03: invalid Portkey API key", 401,
        r#"{"status":"failure","message":"Portkey Error: Invalid API Key. Error Code: 03","error":{"message":"Portkey Error: Invalid API Key. Error Code: 03","code":"03"}}"#),
    refused("key-of-other-edition", "hosted 401, code 03, in the words of aigw.portkey.ai", 401,
        r#"{"error":{"message":"AI Gateway Error: Invalid API Key. Error Code: 03","code":"03"}}"#),
    refused("expired-key", "hosted 401, code 01: expired Portkey API key", 401,
        r#"{"status":"failure","message":"Portkey Error: Portkey API Key Expired. Error Code: 01","error":{"message":"Portkey Error: Portkey API Key Expired. Error Code: 01","code":"01"}}"#),
    refused("forbidden", "hosted 403, code 033: the key lacks a scope", 403,
        r#"{"status":"failure","message":"Portkey Error: Forbidden!. Error Code: 033","error":{"message":"Portkey Error: Forbidden!. Error Code: 033","code":"033"}}"#),
    refused("key-budget", "hosted 412, code 04: the key's budget is used up", 412,
        r#"{"status":"failure","message":"Portkey Error: Portkey API Key Usage Limit Exceeded. Error Code: 04","error":{"message":"Portkey Error: Portkey API Key Usage Limit Exceeded. Error Code: 04","code":"04"}}"#),
    refused("key-rate-limit", "hosted 429, code 05: the key's rate limit", 429,
        r#"{"status":"failure","message":"Portkey Error: apikey 11********rpm rate limit exceded. Error Code: 05","error":{"message":"Portkey Error: apikey 11********rpm rate limit exceded. Error Code: 05","code":"05"}}"#),
    refused("no-provider", "400: nothing says which provider to use", 400,
        r#"{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}"#),
    refused("unknown-slug", "hosted 400: no such provider slug", 400,
        r#"{"status":"failure","message":"Following keys are not valid: null"}"#),
    refused("unknown-config", "hosted 400: no such config id", 400,
        r#"{"status":"failure","message":"Invalid config id passed"}"#),
    refused("invalid-config", "400: the inline config breaks its schema", 400,
        r#"{"status":"failure","message":"Invalid config passed","errors":["path: strategy,mode, message: Invalid 'mode' value."]}"#),
    refused("locked-config", "hosted 400: the key's default config may not be overridden", 400,
        r#"{"status":"failure","message":"Cannot override default config set for this API key."}"#),
    refused("inline-config-blocked", "hosted 400: the organisation blocks inline configs", 400,
        r#"{"status":"failure","error":{"code":"inline_config_blocked","message":"Inline configs are blocked for this organisation.","field":"x-portkey-config"},"message":"Inline configs are blocked for this organisation."}"#),
    refused("no-permission", "403, AB03: the Admin API's refusal", 403,
        r#"{"success":false,"data":{"message":"You do not have enough permissions to execute this request","errorCode":"AB03"}}"#),
    refused("too-large", "hosted 413: the request is too large", 413,
        r#"{"status":"failure","message":"Payload size exceeds the limit of 10MB"}"#),
    fault("404-html", "404, HTML: a base URL that is no gateway", Effect::Fixed { status: 404, routed: false,
        body: "<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>" }),
    // The gateway, for a provider
    routed("key-budget-provider", "hosted 412, code 04: the provider's budget is used up", 412,
        r#"{"error":{"message":"Portkey Virtual Key op********exh Usage Limit Exceeded","type":"virtual_key_exhaust_error","param":null,"code":"04"}}"#),
    routed("expired-provider", "hosted 401, code 01: the provider's key has expired", 401,
        r#"{"error":{"message":"Portkey Virtual Key op********exp Expired","type":"virtual_key_expired_error","param":null,"code":"01"}}"#),
    routed("provider-rate-limit", "hosted 429: the gateway's rate limit for the provider", 429,
        r#"{"error":{"message":"Portkey Virtual Key op********rpm rate limit exceeded","type":"virtual_key_rate_limit_error","param":null,"code":null}}"#),
    routed("model-not-allowed", "hosted 412: the integration does not allow the model", 412,
        r#"{"error":{"message":"Model fault/model-not-allowed is not allowed for this integration","type":"model_not_allowed_error","param":null,"code":null}}"#),
    routed("guardrail", "446: a guardrail denied the request", 446,
        r#"{"error":{"message":"The guardrail checks defined in the config failed. You can find more information in the `hook_results` object.","type":"hooks_failed","param":null,"code":null},"hook_results":{"before_request_hooks":[{"id":"input_guardrail_1","verdict":false,"deny":true,"transformed":false,"checks":[{"id":"default.contains","verdict":false,"transformed":false,"execution_time":1,"error":null,"data":{"operator":"none","words":["bomb"]}}]}],"after_request_hooks":[]}}"#),
    fault("guardrail-soft", "246: the usual reply, and results of a failed guardrail (first in a stream)",
        Effect::Written { status: 246, wire: Wire { hooks: Some(Hooks::First), ..Wire::PLAIN } }),
    written("guardrail-late", "the usual stream, and results of a guardrail after [DONE]",
        Wire { hooks: Some(Hooks::AfterDone), ..Wire::PLAIN }),
    routed("soft-deny-200", "hosted 200: a guardrail's denial in the shape of a chat completion", 200,
        r#"{"id":"chatcmpl-denied","object":"chat.completion","created":1700000000,"model":"fault/soft-deny-200","choices":[{"index":0,"message":{"role":"assistant","content":"The guardrail checks defined in the config failed."},"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"hook_results":{"before_request_hooks":[{"id":"input_guardrail_1","verdict":false,"deny":true,"transformed":false,"checks":[{"id":"default.contains","verdict":false}]}],"after_request_hooks":[]}}"#),
    routed("request-timeout", "408: the request timeout passed", 408,
        r#"{"error":{"message":"Request exceeded the timeout sent in the request: 300ms","type":"timeout_error","param":null,"code":null}}"#),
    routed("html-message", "500: the gateway could not reach the provider", 500,
        r#"{"html-message":"Message: fetch failed Cause: Error: connect ECONNREFUSED 127.0.0.1:9 Name: TypeError"}"#),
    Fault { headers: &[("x-portkey-gateway-exception", "true")], ..refused("gateway-bug", "500: the gateway itself failed", 500,
        r#"{"status":"failure","message":"Something went wrong"}"#) },
    Fault { headers: &[("x-portkey-provider", "anthropic"), ("x-portkey-retry-attempt-count", "2"), ("x-portkey-cache-status", "MISS"), ("x-portkey-last-used-option-index", "config.targets[1]")],
        ..written("fell-back", "the usual reply, with the headers of a fallback after two retries", Wire::PLAIN) },
    // The model provider
    routed("400", "OpenAI 400: the context is too long", 400,
        r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#),
    routed("401", "OpenAI 401: wrong provider key", 401,
        r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#),
    routed("404", "OpenAI 404: model not found", 404,
        r#"{"error":{"message":"The model `fault/404` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#),
    Fault { headers: &[("retry-after", "2"), ("x-ratelimit-remaining-requests", "0")], ..routed("429", "OpenAI 429, retry-after: 2", 429, RATE_LIMIT) },
    Fault { headers: &[("retry-after-ms", "1500")], ..routed("429-ms", "429, retry-after-ms: 1500", 429, RATE_LIMIT) },
    Fault { headers: &[("retry-after", "Fri, 31 Dec 2999 23:59:59 GMT")], ..routed("429-date", "429, retry-after with a date", 429, RATE_LIMIT) },
    routed("quota", "OpenAI 429: the provider account's quota is used up", 429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#),
    routed("500", "OpenAI 500", 500, ERROR_EVENT),
    routed("500-text", "500, plain text", 500, "Internal Server Error"),
    routed("502", "502, HTML", 502, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"),
    Fault { headers: &[("retry-after", "1")], ..routed("503", "OpenAI 503: overloaded", 503,
        r#"{"error":{"message":"The engine is currently overloaded, please try again later.","type":"server_error","param":null,"code":null}}"#) },
    fault("flaky", "500 two times, the usual answer the third time, and so on", Effect::TwiceThenFine("500")),
    // Success that is none
    routed("200-error", "200 that holds an error", 200, ERROR_EVENT),
    routed("200-html", "200, HTML", 200, "<!DOCTYPE html><html><body>Please sign in</body></html>"),
    routed("200-empty", "200, empty body", 200, ""),
    Fault { headers: &[("content-type", "application/json")],
        ..routed("200-bad-json", "200, JSON that breaks off", 200, r#"{"id":"chatcmpl-1","choices":[{"index":0,"mess"#) },
    routed("200-no-choices", "200, a chat completion without choices", 200,
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m","choices":[]}"#),
    fault("redirect", "302 to another place", Effect::Redirect { status: 302 }),
    fault("redirect-307", "307 to another place", Effect::Redirect { status: 307 }),
    // Streams that break
    midway("cut", "ends in the middle as if complete: no finish reason, no [DONE]", Midway::End),
    midway("reset", "the connection is reset in the middle", Midway::Reset),
    midway("stall-midway", "stops in the middle, connection open", Midway::Stall),
    midway("error-event", "an error event in the middle of a stream, then the end", Midway::ErrorEvent),
    midway("error-finish", "an Anthropic error in the middle of a stream: finish_reason overloaded_error, [DONE]", Midway::ErrorFinish),
    midway("bad-event", "one event in the middle of a stream is not JSON", Midway::BadEvent),
    written("no-done", "a stream with a finish reason but no [DONE]", Wire { done: false, ..Wire::PLAIN }),
    written("no-finish", "a stream with [DONE] but no finish reason", Wire { finish: false, ..Wire::PLAIN }),
    // Streams that are odd but right
    written("crlf", "a stream with CRLF line ends", Wire { newline: "\r\n", ..Wire::PLAIN }),
    written("cr", "a stream with CR line ends", Wire { newline: "\r", ..Wire::PLAIN }),
    written("comments", "a stream with keep-alive comments", Wire { comments: true, ..Wire::PLAIN }),
    written("event-lines", "a stream with event:, id: and retry: lines", Wire { fields: true, ..Wire::PLAIN }),
    written("multi-line", "a stream with several data: lines an event", Wire { multi_line: true, ..Wire::PLAIN }),
    written("no-newline", "a stream whose last event has no line end", Wire { last_newline: false, ..Wire::PLAIN }),
    written("bytewise", "a body that arrives one byte at a time", Wire { bytewise: true, ..Wire::PLAIN }),
    written("whole", "plain JSON in answer to a request for a stream", Wire { never_streams: true, ..Wire::PLAIN }),
    written("usage-twice", "a stream that reports usage two times", Wire { usage: UsageAt::OwnChunkTwice, ..Wire::PLAIN }),
    written("usage-in-choice", "a stream that reports usage with the finish reason", Wire { usage: UsageAt::LastChoice, ..Wire::PLAIN }),
    written("no-index", "streamed tool calls without index, each in one piece", Wire { call_index: false, ..Wire::PLAIN }),
    written("cached", "usage as for Anthropic: prompt_tokens without cache_read_input_tokens and cache_creation_input_tokens",
        Wire { anthropic_usage: true, usage: UsageAt::LastChoice, ..Wire::PLAIN }),
    written("content-blocks", "thinking with a signature in content_blocks, and tool calls with a thought_signature",
        Wire { reasoning: Reasoning::Blocks { signed: true }, ..Wire::PLAIN }),
    // Time
    written("slow", "100 ms a token", Wire { delay: Some(Duration::from_millis(100)), ..Wire::PLAIN }),
    fault("silence", "never answers", Effect::Silence),
    // Leaks
    fault("echo-headers", "the request's headers, as the text of a chat reply", Effect::EchoHeaders { as_error: false }),
    fault("echo-headers-error", "the request's headers, in the message of a 401", Effect::EchoHeaders { as_error: true }),
];

#[cfg(test)]
mod tests {
    use super::super::wire::HOOK_RESULTS;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_is_sound() {
        let names: HashSet<_> = faults().iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), faults().len(), "a name stands twice");
        for fault in faults() {
            let Effect::Fixed { body, .. } = fault.effect else {
                continue;
            };
            if body.starts_with('{') && fault.name != "200-bad-json" {
                serde_json::from_str::<serde_json::Value>(body).expect(fault.name);
            }
        }
        assert!(serde_json::from_str::<serde_json::Value>(HOOK_RESULTS).is_ok());
    }
}
