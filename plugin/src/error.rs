//! From a failure to `types.error`: what kind it is, whose it is, and what a person can do about it.
//!
//! All shapes of failure that the hosted and the open-source gateway answer with are read here, and nowhere else.
//! Failures below HTTP are in `http`, wrong configurations in [`crate::lint`].

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use openclaw_provider_guest::one_line;

use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::failure::Failure;
use crate::guardrails;
use crate::json::lossy;
use crate::portkey;
use crate::report::Head;

/// A result whose error stands in a box: the record is large, and success the rule.
pub type Result<T> = core::result::Result<T, Box<Error>>;

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 1024;
/// Longest quote of what is not understood, in bytes.
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
            "Set {} or pass {}; a self-hosted gateway that needs no key accepts any value.",
            portkey::CREDENTIAL_ENV,
            portkey::CREDENTIAL_FLAG
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

/// The error that `said` tells of, in the answer with this body.
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
    error.retry_after_ms = retry_after(head, &error.message);
    error
}

/// The failure in a body that came with a success status: an error in any form, or HTML. `None` where it is no failure.
pub fn in_success(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    page(head, body).or_else(|| failing(head, body, |failure| failure.is_marked))
}

/// An answer with a success status that is not what was asked for: a failure in disguise, whatever words it has, or no
/// such thing at all.
pub(crate) fn malformed(head: &Head, what: &str, body: &[u8]) -> Box<Error> {
    let is_failure = |failure: &Failure| failure.is_marked || !failure.message.is_empty();
    page(head, body).or_else(|| failing(head, body, is_failure)).unwrap_or_else(|| protocol(head, what, body))
}

/// The failure in an answer that holds nothing that was asked for, if it has words.
pub(crate) fn in_words(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    failing(head, body, |failure| !failure.message.is_empty())
}

/// The error of a body that was read as a failure, where it is such a one. The body may be large, and is read once.
fn failing(head: &Head, body: &[u8], is_such: impl Fn(&Failure) -> bool) -> Option<Box<Error>> {
    let failure = Failure::read(body).filter(is_such)?;
    if (300..400).contains(&head.status) {
        return Some(redirect(head));
    }
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

/// What stands in an event that says by its name that it is an error.
pub(crate) fn in_event(head: &Head, data: &[u8]) -> Box<Error> {
    let mut said = Said::read(head, data, Failure::read(data));
    if said.message.trim().is_empty() {
        said.message = format!("The stream ended with an error that has no words {}", lossy(data));
    }
    told(head, data, said)
}

/// What an answer says about its failure.
struct Said {
    message: String,
    kind: String,
    code: String,
    origin: ErrorOrigin,
    is_html: bool,
}

impl Said {
    /// What stands in `body`, which holds this failure.
    fn read(head: &Head, body: &[u8], failure: Option<Failure>) -> Self {
        let mut said = match &failure {
            Some(failure) => Self::json(failure),
            None => Self::text(head, body),
        };
        said.origin = said.origin(head, failure.as_ref());
        if (said.kind == "hooks_failed" || head.status == 446)
            && let Some(denied) = guardrails::denied(body)
        {
            said.message = format!("{} ({denied})", said.message.trim());
        }
        said
    }

    fn json(failure: &Failure) -> Self {
        let is_html = failure.is_html || failure.message.trim_start().starts_with('<');
        let message = if is_html { page_text(&failure.message) } else { failure.message.clone() };
        Self { message, kind: failure.kind.clone(), code: failure.code.clone(), origin: ErrorOrigin::Gateway, is_html }
    }

    fn text(head: &Head, body: &[u8]) -> Self {
        let text = lossy(body.get(..4 * MAX_MESSAGE).unwrap_or(body)).into_owned();
        let is_html = text.trim_start().starts_with('<')
            || head.get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let message = if is_html { page_text(&text) } else { text };
        Self { message, kind: String::new(), code: String::new(), origin: ErrorOrigin::Gateway, is_html }
    }

    /// "Is this 401 the gateway's or the model provider's?"
    fn origin(&self, head: &Head, failure: Option<&Failure>) -> ErrorOrigin {
        // The open-source gateway names the provider beside what that one said, and in no refusal of its own.
        if self.is_unreachable() || failure.is_some_and(|failure| !failure.provider.is_empty()) {
            return ErrorOrigin::Upstream;
        }
        let Some(failure) = failure else {
            return match (head.is_routed(), self.is_html) {
                (true, _) => ErrorOrigin::Upstream,
                // A proxy or load balancer in front of the gateway: the gateway itself answers in JSON.
                (false, true) => ErrorOrigin::Network,
                (false, false) => ErrorOrigin::Gateway,
            };
        };
        let is_gateways = failure.is_gateways
            || head.get("x-portkey-gateway-exception").is_some()
            || matches!(head.status, 246 | 446)
            || GATEWAY_TYPES.contains(&self.kind.as_str())
            || GATEWAY_TYPE_ENDS.iter().any(|end| is_gateway_type(&self.kind, end))
            || portkey::GATEWAY_ERRORS.iter().any(|words| self.message.contains(words));
        let is_upstreams = failure.has_error || head.is_routed();
        if !is_gateways && is_upstreams { ErrorOrigin::Upstream } else { ErrorOrigin::Gateway }
    }

    /// The gateway's own fetch failed: refused, hung up, no such name (gateway 1.15.2, 2.2.3).
    fn is_unreachable(&self) -> bool {
        self.message.contains("fetch failed")
    }
}

/// Types that the gateway itself sets. Source: gateway 1.15.2 and 2.2.3.
const GATEWAY_TYPES: [&str; 3] = ["hooks_failed", "timeout_error", "model_not_allowed_error"];

/// Ends of `{api_key,workspace,virtual_key,integration}_*`. Source: gateway 2.2.3.
const GATEWAY_TYPE_ENDS: [&str; 3] = ["_exhaust_error", "_expired_error", "_rate_limit_error"];

fn is_gateway_type(kind: &str, end: &str) -> bool {
    kind.strip_suffix(end).is_some_and(|whose| ["api_key", "workspace", "virtual_key", "integration"].contains(&whose))
}

/// What a person would read on a web page: its title, else its text.
fn page_text(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    if let Some((from, to)) = lower.find("<title>").zip(lower.find("</title>"))
        && let Some(title) = html.get(from + "<title>".len()..to)
    {
        return title.trim().to_owned();
    }
    let mut text = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    text
}

pub(crate) const CHECK_BASE_URL: &str = "Check the base URL: it usually ends in /v1.";

/// The failure that stands where the finish reason should: `overloaded_error` (gateway 1.15.2, provider `anthropic`,
/// events of type `error`), `abort` (vLLM), `insufficient_system_resource` (DeepSeek), `MALFORMED_FUNCTION_CALL` (Google).
pub(crate) fn failed_finish(reason: &str, head: &Head) -> Option<Box<Error>> {
    // What OpenAI says.
    if matches!(reason, "" | "stop" | "length" | "tool_calls") {
        return None;
    }
    let word = reason.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if says(&["filter", "toxic", "safety", "moderation", "guardrail"]) || !says(FAILURES) {
        return None;
    }
    let code = one_line(reason, 128);
    let message = format!("The model provider broke off with {code}");
    let said = Said { kind: code, message, code: String::new(), origin: ErrorOrigin::Upstream, is_html: false };
    let (mut kind, mut hint) = classify(head, &said);
    if kind == ErrorKind::Other {
        (kind, hint) = if says(&["timeout", "timed_out"]) {
            (ErrorKind::Timeout, Some(LATER))
        } else if says(&["malformed", "unexpected", "too_many", "invalid", "missing"]) {
            (ErrorKind::Protocol, Some("The model wrote what nobody can read, such as a wrong tool call: try again."))
        } else if says(&["abort", "cancel", "interrupt", "disconnect", "network", "terminat", "reset"]) {
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

/// Parts of finish reasons that mean a failure. Those of a filter are none.
const FAILURES: &[&str] = &[
    "error",
    "abort",
    "malform",
    "fail",
    "cancel",
    "timeout",
    "timed_out",
    "insufficient",
    "overload",
    "unavailable",
    "exhaust",
    "unexpected",
    "too_many",
    "invalid",
    "interrupt",
    "exception",
    "disconnect",
    "missing",
    "no_image",
    "crash",
    "terminat",
    "reset",
    "unload",
    "quota",
    "rate_limit",
    "expired",
];

/// A guardrail denied the answer, and what stands in its place came with status 200.
pub(crate) fn soft_deny(head: &Head, denied: &str) -> Box<Error> {
    let message = format!("A guardrail denied this: {denied}");
    with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Gateway, &message, head), GUARDRAIL)
}

/// An answer that holds no choice. Of Google that is how a blocked prompt looks in a stream (gateway 2.2.3).
pub(crate) fn no_choice(head: &Head, provider: &str, body: &[u8]) -> Box<Error> {
    let provider = if provider.is_empty() { head.get("x-portkey-provider").unwrap_or_default() } else { provider };
    let text = lossy(body);
    let is_blocked = provider == "google"
        || provider.starts_with("vertex")
        || text.contains("blockReason")
        || text.contains("\"filtered\":true")
        || text.contains("\"filtered\": true");
    if is_blocked {
        let message = "The answer holds no choice: the model provider blocked the prompt";
        return with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Upstream, message, head), FILTER);
    }
    protocol(head, "The answer holds no choice", body)
}

/// The HTTP status, or one inferred from the error's code or type when the response itself was a 2xx: a number as the
/// code is a status (OpenRouter), and the type is one of a few.
fn status(head: &Head, said: &Said) -> u16 {
    if !(200..300).contains(&head.status) {
        return head.status;
    }
    let code = said.code.parse().ok().filter(|code| (400..600).contains(code));
    let of_type =
        |name: &str| TYPES.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(name)).map(|(_, status)| *status);
    let message = said.message.to_ascii_lowercase();
    let of_words = || IN_BAND.iter().find(|(words, _)| message.contains(words)).map(|(_, status)| *status);
    code.or_else(|| of_type(&said.kind)).or_else(|| of_type(&said.code)).or_else(of_words).unwrap_or(head.status)
}

/// What the words of a failure say where there is no status.
const IN_BAND: [(&str, u16); 15] = [
    ("rate limit", 429),
    ("too many requests", 429),
    ("throttl", 429),
    ("timed out", 504),
    ("timeout", 504),
    ("overload", 503),
    ("capacity", 503),
    ("unavailable", 503),
    ("internal", 500),
    ("server error", 500),
    ("unauthorized", 401),
    ("authentication", 401),
    ("login fail", 401),
    ("forbidden", 403),
    ("validation error", 400),
];

/// Of types that [`RULES`] do not tell more of. Source: Anthropic's, Google's and OpenAI's API references, "Errors".
const TYPES: [(&str, u16); 20] = [
    ("api_error", 500),
    ("authentication_error", 401),
    ("invalid_request_error", 400),
    ("not_found_error", 404),
    ("permission_error", 403),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("request_too_large", 413),
    ("server_error", 500),
    ("internal_error", 500),
    ("internal_server_error", 500),
    ("unauthenticated", 401),
    ("permission_denied", 403),
    ("not_found", 404),
    ("resource_exhausted", 429),
    ("invalid_argument", 400),
    ("unavailable", 503),
    ("internal", 500),
    ("deadline_exceeded", 504),
    ("timeout", 504),
];

/// Kind and hint. The more telling marks come first, the status last.
fn classify(head: &Head, said: &Said) -> (ErrorKind, Option<&'static str>) {
    let message = said.message.to_ascii_lowercase();
    let says = |part: &str| message.contains(part);
    for rule in RULES {
        let hit = match rule.mark {
            Mark::Code(code) => said.code == code || said.kind == code,
            Mark::Any(parts) => parts.iter().any(|part| says(part)),
            Mark::GatewayCode(status, code) => {
                said.origin == ErrorOrigin::Gateway && head.status == status && said.code == code
            }
            Mark::Type(kind) => said.kind == kind,
            Mark::TypeEnd(end) => is_gateway_type(&said.kind, end),
            Mark::Says(part) => says(part),
            Mark::GatewaySays(part) => said.origin == ErrorOrigin::Gateway && said.message.contains(part),
        };
        // Of the gateway's own key it says so in another way; and a limit of tokens a minute is not the model's.
        let is_other = rule.hint == PROVIDER_KEY && said.origin == ErrorOrigin::Gateway
            || rule.hint == CONTEXT && head.status == 429;
        if hit && !is_other {
            return (rule.kind, Some(rule.hint));
        }
    }
    let upstream = said.origin == ErrorOrigin::Upstream;
    match status(head, said) {
        401 if upstream => (ErrorKind::Unauthorized, Some(PROVIDER_KEY)),
        401 => (ErrorKind::Unauthorized, Some(CHECK_KEY)),
        402 => (ErrorKind::QuotaExceeded, Some("Check the balance of the account.")),
        403 if upstream => (ErrorKind::Forbidden, Some("The model provider forbids this: check what its key may use.")),
        403 => (
            ErrorKind::Forbidden,
            Some("Give the Portkey API key the permission that this call needs, such as completions.write."),
        ),
        404 if upstream && !said.is_html => (ErrorKind::NotFound, Some(MODEL_ID)),
        404 | 405 => (ErrorKind::InvalidConfig, Some(CHECK_BASE_URL)),
        408 => (ErrorKind::Timeout, Some(TIMEOUT)),
        412 => (ErrorKind::QuotaExceeded, Some(BUDGET)),
        413 => (ErrorKind::InvalidRequest, Some(TOO_LARGE)),
        429 => (ErrorKind::RateLimited, Some("Wait before the next call, or raise the limit.")),
        431 => (
            ErrorKind::InvalidConfig,
            Some("The headers are too large: shorten the inline config or the metadata, or use a config id."),
        ),
        446 => (ErrorKind::ContentBlocked, Some(GUARDRAIL)),
        501 => (ErrorKind::Unsupported, None),
        504 => (ErrorKind::Timeout, Some(LATER)),
        500..=599 if said.origin == ErrorOrigin::Gateway => {
            (ErrorKind::Overloaded, Some("Try again later; a self-hosted gateway says more in its own log."))
        }
        500..=599 => (ErrorKind::Overloaded, Some(LATER_OR_FALLBACK)),
        400..=499 => (ErrorKind::InvalidRequest, None),
        // Nothing that this protocol knows as an answer.
        ..200 | 204 | 205 => (ErrorKind::Protocol, None),
        _ => (ErrorKind::Other, None),
    }
}

/// Names both hosted editions: each refuses the other's keys.
const CHECK_KEY: &str = "Check the Portkey API key: copy it again from https://app.portkey.ai/api-keys for https://api.portkey.ai/v1, or from Strata Cloud Manager for https://aigw.portkey.ai/v1. Neither takes the other's keys.";
const LATER: &str = "Try again later.";
const LATER_OR_FALLBACK: &str = "Try again later, or add a fallback to the Portkey config.";
const MODEL_ID: &str = "Check the model id: the hosted catalog names models @provider/model.";
const TIMEOUT: &str = "Raise requestTimeoutMs, or request_timeout in the Portkey config.";
const BUDGET: &str = "A budget is used up: raise it in Portkey, or use another provider.";
const TOO_LARGE: &str = "The request is too large for the gateway: send less.";
const QUOTA: &str = "The model provider's own quota is used up: check its plan and billing.";
const CONTEXT: &str =
    "The conversation is longer than the model's context: shorten it, or choose a model with a larger one.";
const FILTER: &str = "The model provider's content filter refused this: change the content.";
const PROVIDER_KEY: &str =
    "The model provider refused its own key, not Portkey's: check the key stored with the provider in Portkey.";
const GUARDRAIL: &str =
    "A guardrail of the Portkey config refused this: change the content, or the guardrail's action.";
const INLINE_BLOCKED: &str = "This organisation blocks inline routing: save the config in Portkey and use its pc- id, or name the model @provider/model.";

struct Rule {
    mark: Mark,
    kind: ErrorKind,
    hint: &'static str,
}

enum Mark {
    /// The code, or the type.
    Code(&'static str),
    GatewayCode(u16, &'static str),
    Type(&'static str),
    TypeEnd(&'static str),
    /// The message holds this, in lower case.
    Says(&'static str),
    /// The message holds one of these, in lower case.
    Any(&'static [&'static str]),
    GatewaySays(&'static str),
}

const fn rule(mark: Mark, kind: ErrorKind, hint: &'static str) -> Rule {
    Rule { mark, kind, hint }
}

/// Marks of a failure, the first that fits wins. Sources: Portkey docs ("Troubleshooting", "Error codes"), gateway
/// 1.15.2 and 2.2.3; those without a Portkey name are OpenAI's and Anthropic's error codes.
#[rustfmt::skip]
const RULES: &[Rule] = {
    use ErrorKind as Is;
    use Mark::{Any, Code, GatewayCode, GatewaySays, Says, Type, TypeEnd};
    &[
    rule(Code("inline_config_blocked"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(Code("inline_provider_blocked"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(Code("inline_custom_host_blocked"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(Code("inline_provider_url_blocked"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(Code("inline_forward_headers_blocked"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(TypeEnd("_expired_error"), Is::Unauthorized, "Renew what has expired in Portkey: the key, the workspace or the provider."),
    rule(GatewayCode(401, "01"), Is::Unauthorized, "The Portkey API key or the workspace has expired: renew it at https://app.portkey.ai/api-keys."),
    rule(GatewayCode(401, "03"), Is::Unauthorized, CHECK_KEY),
    rule(GatewayCode(401, "033"), Is::Unauthorized, "Portkey could not validate the key: check that it belongs to this gateway's workspace."),
    rule(GatewayCode(403, "033"), Is::Forbidden, "Give the Portkey API key the missing scope, such as completions.write."),
    rule(Type("hooks_failed"), Is::ContentBlocked, GUARDRAIL),
    rule(Type("model_not_allowed_error"), Is::Forbidden, "Allow this model for the provider in Portkey's Model Catalog, or choose another."),
    rule(Type("timeout_error"), Is::Timeout, TIMEOUT),
    rule(TypeEnd("_exhaust_error"), Is::QuotaExceeded, BUDGET),
    rule(TypeEnd("_rate_limit_error"), Is::RateLimited, "Wait before the next call, or raise the rate limit in Portkey."),
    rule(Code("insufficient_quota"), Is::QuotaExceeded, QUOTA),
    rule(Code("billing_hard_limit_reached"), Is::QuotaExceeded, QUOTA),
    rule(Code("billing_not_active"), Is::QuotaExceeded, QUOTA),
    rule(Code("exceeded_current_quota_error"), Is::QuotaExceeded, QUOTA),
    rule(Code("billing_error"), Is::QuotaExceeded, QUOTA),
    rule(Code("account_deactivated"), Is::QuotaExceeded, QUOTA),
    rule(Code("Arrearage"), Is::QuotaExceeded, QUOTA),
    rule(Code("1113"), Is::QuotaExceeded, QUOTA),
    rule(Any(&["insufficient balance", "insufficient_balance", "insufficient credit", "insufficient quota", "insufficient funds", "credit balance is too low",
        "out of credits", "not enough credits", "run out of credits", "more credits", "no credits", "hard limit has been reached", "payment required", "in arrears",
        "overdue", "recharge", "spending limit", "额度", "余额不足", "欠费", "credits are depleted", "any credits", "api usage limits", "key limit exceeded",
        "free tier of", "daily free allocation", "call volume quota"]), Is::QuotaExceeded, QUOTA),
    rule(Code("context_length_exceeded"), Is::InvalidRequest, CONTEXT),
    rule(Code("model_context_window_exceeded"), Is::InvalidRequest, CONTEXT),
    rule(Code("exceed_context_size_error"), Is::InvalidRequest, CONTEXT),
    rule(Code("1261"), Is::InvalidRequest, CONTEXT),
    rule(Says("request too large for"), Is::InvalidRequest, "The request alone is above the provider's limit for a minute: send less, or raise that limit."),
    rule(Any(&["context length", "context window", "context size", "context limit", "prompt is too long", "input is too long", "prompt too long", "input too long", "too many tokens in", "too many input tokens",
        "maximum prompt length", "maximum number of tokens", "exceeds the maximum input", "input token count", "reduce the length", "tokens exceed",
        "max_seq_len", "longer than the model", "inputs tokens + max_new_tokens", "must have less than", "maximum allowed input length", "range of input length",
        "exceeded max context", "maximum context", "model token limit", "token limit exceeded", "max_new_tokens` must", "maximum model length", "input length (",
        "prompt exceeds", "tokens too long", "input length exceeds", "length of messages", "too many tokens:", "prompt token count", "context the overflows"]), Is::InvalidRequest, CONTEXT),
    rule(Code("content_filter"), Is::ContentBlocked, FILTER),
    rule(Code("content_policy_violation"), Is::ContentBlocked, FILTER),
    rule(Code("moderation_blocked"), Is::ContentBlocked, FILTER),
    rule(Code("data_inspection_failed"), Is::ContentBlocked, FILTER),
    rule(Code("DataInspectionFailed"), Is::ContentBlocked, FILTER),
    rule(Code("PROHIBITED_CONTENT"), Is::ContentBlocked, FILTER),
    rule(Code("1301"), Is::ContentBlocked, FILTER),
    rule(Code("1026"), Is::ContentBlocked, FILTER),
    rule(Code("1027"), Is::ContentBlocked, FILTER),
    rule(Any(&["prompt was blocked", "content management policy", "content policy", "safety system", "blocked by safety", "usage policy", "usage policies", "flagged by", "flagged for",
        "responsibleaipolicy", "inappropriate content", "prohibited_content", "input was flagged", "sensitive content", "content exists risk", "high risk", "内容安全", "敏感"]), Is::ContentBlocked, FILTER),
    rule(Code("invalid_api_key"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("API_KEY_INVALID"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("UnrecognizedClientException"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("InvalidApiKey"), Is::Unauthorized, PROVIDER_KEY),
    rule(Any(&["api key not valid", "api key expired", "invalid x-api-key", "incorrect api key", "api key is invalid", "api key provided", "security token included in the request is", "invalid access token",
        "access token invalid", "reported as leaked", "secret access key"]),
        Is::Unauthorized, PROVIDER_KEY),
    rule(Says("max_tokens: field required"), Is::InvalidRequest, "This provider wants a limit: set max-output-tokens, maxTokens of the model, or say in modelFamilies which model this id is."),
    rule(Says("is not supported by"), Is::Unsupported, "This provider cannot do that: choose another model or provider."),
    rule(Any(&["does not support tool", "does not support image", "does not support thinking", "does not support vision", "endpoints found that support"]), Is::Unsupported,
        "This model cannot do that: choose another."),
    rule(Code("model_not_found"), Is::NotFound, MODEL_ID),
    rule(Any(&["not a valid model", "unknown model", "invalid model:", "invalid model name", "model identifier is invalid", "been decommissioned"]), Is::NotFound, MODEL_ID),
    rule(Type("overloaded_error"), Is::Overloaded, LATER_OR_FALLBACK),
    rule(Says("fetch failed"), Is::Overloaded, "The gateway could not reach the model provider: check custom_host, and that the provider runs."),
    rule(GatewaySays("Following keys are not valid"), Is::InvalidConfig, "No provider has this slug: check the part after @ in the model id, and the provider and virtual key headers."),
    rule(GatewaySays("Invalid config id"), Is::InvalidConfig, "Check the config id: it starts with pc- and must belong to this workspace."),
    rule(GatewaySays("Cannot override default config"), Is::InvalidConfig, "This Portkey API key has a locked config: remove x-portkey-config, or use another key."),
    rule(GatewaySays("Invalid config passed"), Is::InvalidConfig, "Mend the inline config; the open-source gateway knows no config ids."),
    rule(GatewaySays("Invalid provider"), Is::InvalidConfig, "Check x-portkey-provider; the open-source gateway knows no @slugs."),
    rule(GatewaySays("Invalid custom host"), Is::InvalidConfig, "Allow the host on the gateway with TRUSTED_CUSTOM_HOSTS, and give custom_host as http(s)://host/v1."),
    rule(GatewaySays("x-portkey-provider"), Is::InvalidConfig, "Say where to route: a model id @provider/model, or a provider or config header."),
    rule(GatewaySays("Query router did not resolve"), Is::InvalidConfig, "Give the conditional config a default target."),
    rule(GatewaySays("Payload size exceeds"), Is::InvalidRequest, TOO_LARGE),
    ]
};

fn redirect(head: &Head) -> Box<Error> {
    let target = head.get("location").unwrap_or("an unnamed place");
    let message = format!("The gateway answered with a redirect (HTTP {}) to {target}", head.status);
    let error = answered(ErrorKind::InvalidConfig, ErrorOrigin::Gateway, &message, head);
    with_hint(
        error,
        "Redirects are not followed, so that the key stays with its host: set the base URL to the new place.",
    )
}

/// How long the service asks to wait: `retry-after-ms`, or `retry-after` in seconds, else as its words have it: "try again
/// in 2.5s", "1m30s", "20ms", "retry after 6 seconds". A date is ignored: without a clock it says nothing.
fn retry_after(head: &Head, message: &str) -> Option<u64> {
    let scaled = |text: &str, scale: u64| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = whole.parse::<u64>().ok()?.checked_mul(scale)?;
        let tenths = fraction.bytes().next().filter(u8::is_ascii_digit).map_or(0, |digit| u64::from(digit - b'0'));
        Some(whole.saturating_add(tenths * scale / 10))
    };
    let milliseconds = head.get("retry-after-ms").and_then(|value| scaled(value, 1));
    let header = milliseconds.or_else(|| scaled(head.get("retry-after")?.trim_end_matches('s'), 1000));
    header.or_else(|| {
        let message = message.to_ascii_lowercase();
        let waits = ["again in ", "retry in ", "retry after ", "again after "];
        let mut rest = waits.into_iter().find_map(|words| Some(message.split_once(words)?.1))?;
        let mut wait = None;
        while let Some(end) = rest.find(|next: char| !next.is_ascii_digit() && next != '.').filter(|&end| end > 0) {
            let (number, unit) = rest.split_at_checked(end)?;
            let unit = unit.trim_start();
            let (scale, length) = match unit.as_bytes() {
                [b'm', b's', ..] => (1, 2),
                [b'm', ..] => (60_000, 1),
                [b's', ..] => (1000, 1),
                _ => break,
            };
            wait = Some(wait.unwrap_or(0_u64).saturating_add(scaled(number, scale)?));
            rest = unit.get(length..)?;
        }
        wait
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind as Is;
    use ErrorOrigin::{Gateway, Network, Upstream};
    use alloc::vec::Vec;

    fn head(status: u16, headers: &[(&str, &str)]) -> Head {
        Head {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    const ROUTED: &[(&str, &str)] = &[
        ("x-portkey-last-used-option-index", "config"),
        ("x-portkey-provider", "openai"),
        ("x-portkey-trace-id", "t"),
    ];
    const BARE: &[(&str, &str)] = &[];

    /// Status, headers and body; kind, origin, code, and a part of the hint.
    type Case<'c> = (u16, &'c [(&'c str, &'c str)], &'c str, ErrorKind, ErrorOrigin, Option<&'c str>, &'c str);

    /// Every shape of failure that was seen, by gateway: open source 1.15.2, hosted 2.2.3.
    #[test]
    fn every_shape_is_told_apart() {
        let cases: &[Case<'_>] = &[
            // Open source, refused by the gateway.
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "Say where to route",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Invalid provider passed"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "x-portkey-provider",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Invalid config passed. You need to pass a valid json"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "no config ids",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Invalid config passed","errors":["path: strategy,mode, message: bad"]}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "inline config",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Invalid custom host"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "TRUSTED_CUSTOM_HOSTS",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Query router did not resolve to any valid target"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "default target",
            ),
            (
                500,
                &[("x-portkey-gateway-exception", "true")],
                r#"{"status":"failure","message":"Something went wrong"}"#,
                Is::Overloaded,
                Gateway,
                None,
                "own log",
            ),
            (
                408,
                ROUTED,
                r#"{"error":{"message":"Request exceeded the timeout sent in the request: 300ms","type":"timeout_error","param":null,"code":null}}"#,
                Is::Timeout,
                Gateway,
                None,
                "requestTimeoutMs",
            ),
            (
                446,
                ROUTED,
                r#"{"error":{"message":"The guardrail checks defined in the config failed.","type":"hooks_failed","param":null,"code":null},"hook_results":{}}"#,
                Is::ContentBlocked,
                Gateway,
                None,
                "guardrail",
            ),
            (404, BARE, r#"{"message":"Not Found","ok":false}"#, Is::InvalidConfig, Gateway, None, "base URL"),
            // Open source, from upstream.
            (
                401,
                ROUTED,
                r#"{"error":{"message":"openai error: Incorrect API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"},"provider":"openai"}"#,
                Is::Unauthorized,
                Upstream,
                Some("invalid_api_key"),
                "not Portkey's",
            ),
            (
                404,
                ROUTED,
                r#"{"error":{"message":"openai error: The model `x` does not exist","code":"model_not_found"},"provider":"openai"}"#,
                Is::NotFound,
                Upstream,
                Some("model_not_found"),
                "@provider/model",
            ),
            (
                429,
                ROUTED,
                r#"{"error":{"message":"openai error: slow down","type":"requests","code":"rate_limit_exceeded"},"provider":"openai"}"#,
                Is::RateLimited,
                Upstream,
                Some("rate_limit_exceeded"),
                "Wait",
            ),
            (
                429,
                ROUTED,
                r#"{"error":{"message":"openai error: quota","type":"insufficient_quota","code":"insufficient_quota"},"provider":"openai"}"#,
                Is::QuotaExceeded,
                Upstream,
                Some("insufficient_quota"),
                "billing",
            ),
            (
                400,
                ROUTED,
                r#"{"error":{"message":"blocked","code":"content_filter"}}"#,
                Is::ContentBlocked,
                Upstream,
                Some("content_filter"),
                "content filter",
            ),
            (
                400,
                ROUTED,
                r#"{"error":{"message":"bad temperature","type":"invalid_request_error"}}"#,
                Is::InvalidRequest,
                Upstream,
                None,
                "",
            ),
            (
                500,
                ROUTED,
                r#"{"error":{"message":"openai error: oops"},"provider":"openai"}"#,
                Is::Overloaded,
                Upstream,
                None,
                "fallback",
            ),
            (
                529,
                ROUTED,
                r#"{"error":{"message":"anthropic error: Overloaded","type":"overloaded_error"},"provider":"anthropic"}"#,
                Is::Overloaded,
                Upstream,
                None,
                "fallback",
            ),
            (
                502,
                ROUTED,
                r#"{"html-message":"<html><head><title>502 Bad Gateway</title></head><body>x</body></html>"}"#,
                Is::Overloaded,
                Upstream,
                None,
                "fallback",
            ),
            (
                500,
                ROUTED,
                r#"{"html-message":"Message: fetch failed Cause: Error: connect ECONNREFUSED 127.0.0.1:19999 Name: TypeError"}"#,
                Is::Overloaded,
                Upstream,
                None,
                "could not reach",
            ),
            // Ollama has one type for nearly all: the status tells more.
            (
                401,
                ROUTED,
                r#"{"error":{"message":"unauthorized","type":"api_error","param":null,"code":null}}"#,
                Is::Unauthorized,
                Upstream,
                None,
                "not Portkey's",
            ),
            (
                429,
                ROUTED,
                r#"{"error":{"message":"usage limit","type":"api_error"}}"#,
                Is::RateLimited,
                Upstream,
                None,
                "Wait",
            ),
            // With a status of success the code tells, or the type.
            (
                200,
                ROUTED,
                r#"{"error":{"message":"Rate limit exceeded","code":429}}"#,
                Is::RateLimited,
                Upstream,
                Some("429"),
                "Wait",
            ),
            (
                200,
                ROUTED,
                r#"{"error":{"message":"no","type":"server_error","code":502}}"#,
                Is::Overloaded,
                Upstream,
                Some("502"),
                "fallback",
            ),
            (
                200,
                ROUTED,
                r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
                Is::Unauthorized,
                Upstream,
                None,
                "not Portkey's",
            ),
            // A gateway behind a gateway: the inner one is a provider to the outer.
            (
                401,
                ROUTED,
                r#"{"error":{"message":"openai error: Portkey Error: Invalid API Key. Error Code: 03","code":"03"},"provider":"openai"}"#,
                Is::Unauthorized,
                Upstream,
                Some("03"),
                "not Portkey's",
            ),
            // Hosted: the same as plain text and HTML.
            (
                500,
                BARE,
                "Message: fetch failed Cause: Error: connect ECONNREFUSED 127.0.0.1:19999",
                Is::Overloaded,
                Upstream,
                None,
                "could not reach",
            ),
            (502, ROUTED, "<html><body><h1>Bad</h1></body></html>", Is::Overloaded, Upstream, None, "fallback"),
            (
                401,
                ROUTED,
                r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                Is::Unauthorized,
                Upstream,
                Some("invalid_api_key"),
                "not Portkey's",
            ),
            // Hosted, refused by the gateway.
            (
                401,
                BARE,
                r#"{"status":"failure","message":"Portkey Error: Invalid API Key. Error Code: 03","error":{"message":"Portkey Error: Invalid API Key. Error Code: 03","code":"03"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("03"),
                "copy it again",
            ),
            // The other hosted edition.
            (
                401,
                BARE,
                r#"{"error":{"message":"AI Gateway Error: Invalid API Key. Error Code: 03","code":"03"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("03"),
                "Strata Cloud Manager",
            ),
            (
                401,
                BARE,
                r#"{"status":"failure","message":"Portkey API Key Expired","error":{"message":"Portkey API Key Expired","code":"01"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("01"),
                "expired",
            ),
            (
                401,
                BARE,
                r#"{"status":"failure","message":"Unable to validate key","error":{"message":"Unable to validate key","code":"033"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("033"),
                "validate",
            ),
            (
                403,
                BARE,
                r#"{"status":"failure","message":"Forbidden!","error":{"message":"Forbidden!","code":"033"}}"#,
                Is::Forbidden,
                Gateway,
                Some("033"),
                "scope",
            ),
            (
                412,
                BARE,
                r#"{"status":"failure","message":"Portkey API Key Usage Limit Exceeded","error":{"message":"Portkey API Key Usage Limit Exceeded","code":"04"}}"#,
                Is::QuotaExceeded,
                Gateway,
                Some("04"),
                "budget",
            ),
            (
                429,
                BARE,
                r#"{"status":"failure","message":"apikey 11********rpm rate limit exceded","error":{"message":"apikey 11********rpm rate limit exceded","code":"05"}}"#,
                Is::RateLimited,
                Gateway,
                Some("05"),
                "Wait",
            ),
            (
                412,
                ROUTED,
                r#"{"error":{"message":"Portkey Virtual Key op********exh Usage Limit Exceeded","type":"virtual_key_exhaust_error","param":null,"code":"04"}}"#,
                Is::QuotaExceeded,
                Gateway,
                Some("04"),
                "budget",
            ),
            (
                401,
                ROUTED,
                r#"{"error":{"message":"expired","type":"integration_expired_error","param":null,"code":"01"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("01"),
                "expired",
            ),
            (
                429,
                ROUTED,
                r#"{"error":{"message":"limit","type":"workspace_rate_limit_error","param":null,"code":null}}"#,
                Is::RateLimited,
                Gateway,
                None,
                "Portkey",
            ),
            (
                412,
                ROUTED,
                r#"{"error":{"message":"Model X is not allowed for this integration","type":"model_not_allowed_error"}}"#,
                Is::Forbidden,
                Gateway,
                None,
                "Model Catalog",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Following keys are not valid: null"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "slug",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Invalid config id passed"}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "pc-",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","message":"Cannot override default config set for this API key."}"#,
                Is::InvalidConfig,
                Gateway,
                None,
                "locked",
            ),
            (
                400,
                BARE,
                r#"{"status":"failure","error":{"code":"inline_custom_host_blocked","message":"m","field":"x-portkey-custom-host"},"message":"m"}"#,
                Is::InvalidConfig,
                Gateway,
                Some("inline_custom_host_blocked"),
                "pc- id",
            ),
            (
                403,
                BARE,
                r#"{"success":false,"data":{"message":"You do not have enough permissions to execute this request","errorCode":"AB03"}}"#,
                Is::Forbidden,
                Gateway,
                Some("AB03"),
                "permission",
            ),
            (
                401,
                BARE,
                r#"{"success":false,"data":{"message":"no","errorCode":"AB05"}}"#,
                Is::Unauthorized,
                Gateway,
                Some("AB05"),
                "Portkey API key",
            ),
            (413, BARE, "Payload size exceeds the limit of 5MB", Is::InvalidRequest, Gateway, None, "too large"),
            (431, BARE, "", Is::InvalidConfig, Gateway, None, "headers"),
            // Neither.
            (
                502,
                BARE,
                "<html><head><title>502 Bad Gateway</title></head></html>",
                Is::Overloaded,
                Network,
                None,
                "later",
            ),
            (
                404,
                BARE,
                "<!DOCTYPE html><html><body>nothing here</body></html>",
                Is::InvalidConfig,
                Network,
                None,
                "base URL",
            ),
            (404, BARE, "404 page not found", Is::InvalidConfig, Gateway, None, "base URL"),
            (418, BARE, "null", Is::InvalidRequest, Gateway, None, ""),
            (600, BARE, "", Is::Other, Gateway, None, ""),
            (400, BARE, r#"{"error":"just a text"}"#, Is::InvalidRequest, Upstream, None, ""),
        ];
        for (status, headers, body, kind, origin, code, hint) in cases {
            let error = from_response(&head(*status, headers), body.as_bytes());
            assert_eq!((error.kind, error.origin, error.code.as_deref()), (*kind, *origin, *code), "{status} {body}");
            assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{body}: {:?}", error.hint);
            assert!(error.request_sent && error.status == Some(*status));
            assert_eq!(error.trace_id.is_some(), headers.len() == 3);
            assert!(!error.message.is_empty() && !error.message.contains('<'), "{}", error.message);
        }
    }

    /// The words of providers and proxies, and what they mean: status, body, kind, the message, a part of the hint.
    #[test]
    fn the_words_are_found_wherever_they_are() {
        let google = r#"{"error":{"code":400,"message":"Unknown name \"x\"","status":"INVALID_ARGUMENT"}}"#;
        let said = |message: &str| format!(r#"{{"error":{{"message":"{message}"}}}}"#);
        for (status, body, kind, message, hint) in [
            (400, format!("[{google}]"), Is::InvalidRequest, "Unknown name \"x\"", ""),
            (400, format!(r#"{{"0":{google}}}"#), Is::InvalidRequest, "Unknown name \"x\"", ""),
            (422, r#"{"detail":[{"type":"missing","loc":["body","tools",7],"msg":"Field required"}]}"#.into(), Is::InvalidRequest, "body.tools.7: Field required", ""),
            (422, r#"{"object":"error","message":{"detail":[{"loc":["body"],"msg":"bad"}]},"type":"invalid_request_error"}"#.into(), Is::InvalidRequest, "body: bad", ""),
            (400, r#"{"error":{"message":"Billing hard limit has been reached","code":"billing_hard_limit_reached"}}"#.into(), Is::QuotaExceeded, "Billing hard limit has been reached", "billing"),
            (400, said("Your credit balance is too low to access the Anthropic API."), Is::QuotaExceeded, "Your credit balance is too low to access the Anthropic API.", "billing"),
            (400, said("API key not valid. Please pass a valid API key."), Is::Unauthorized, "API key not valid. Please pass a valid API key.", "not Portkey's"),
            (400, said("This model's maximum context length is 8192 tokens"), Is::InvalidRequest, "This model's maximum context length is 8192 tokens", "context"),
            (400, said("max_tokens: Field required"), Is::InvalidRequest, "max_tokens: Field required", "modelFamilies"),
            (400, said("prompt is too long: 210000 tokens > 200000 maximum"), Is::InvalidRequest, "prompt is too long: 210000 tokens > 200000 maximum", "context"),
            (400, r#"{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}"#.into(), Is::ContentBlocked, "Input data may contain inappropriate content.", "content filter"),
            (500, said("imageGenerate is not supported by anthropic"), Is::Unsupported, "imageGenerate is not supported by anthropic", "another model"),
            (500, said(r#"Invalid response received from google: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}"#), Is::ContentBlocked, "google: The prompt was blocked: SAFETY", "content filter"),
            (404, r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no model x"}"#.into(), Is::NotFound, "Not Found: no model x", ""),
            (400, r#"{"error_code":336003,"error_msg":"bad"}"#.into(), Is::InvalidRequest, "bad", ""),
            (400, r#"{"statusCode":400,"error":"Bad Request","message":"no such field"}"#.into(), Is::InvalidRequest, "Bad Request: no such field", ""),
            (400, r#"{"errors":[{"message":"a"},{"message":"b"}],"success":false}"#.into(), Is::InvalidRequest, "a; b", ""),
            (400, r#"{"fault":{"faultstring":"no such key","detail":{"errorcode":"x"}}}"#.into(), Is::InvalidRequest, "no such key", ""),
            (400, r#"{"Message":"no","__type":"ValidationException"}"#.into(), Is::InvalidRequest, "no", ""),
            (502, r#"{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"why\"}}"}}}"#.into(), Is::Overloaded, "Provider returned error (why)", ""),
            (400, r#"{"model":["This field is required."]}"#.into(), Is::InvalidRequest, r#"The gateway answered with HTTP status 400: {"model":["This field is required."]}"#, ""),
            (400, said("Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)"), Is::InvalidRequest, "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)", "context"),
            (422, said("`inputs` tokens + `max_new_tokens` must be <= 8193"), Is::InvalidRequest, "`inputs` tokens + `max_new_tokens` must be <= 8193", "context"),
            (400, r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#.into(), Is::InvalidRequest, "Prompt exceeds max length", "context"),
            (429, said("Rate limit: tokens exceed 4000 per minute. Please try again in 1m2.5s."), Is::RateLimited, "Rate limit: tokens exceed 4000 per minute. Please try again in 1m2.5s.", "Wait"),
            (429, said("Request too large for gpt-4o on tokens per min (TPM): Limit 30000"), Is::InvalidRequest, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000", "a minute"),
            (400, said("You have reached your specified API usage limits."), Is::QuotaExceeded, "You have reached your specified API usage limits.", "billing"),
            (403, said("Key limit exceeded (total limit)."), Is::QuotaExceeded, "Key limit exceeded (total limit).", "billing"),
            (403, said("Your API key was reported as leaked."), Is::Unauthorized, "Your API key was reported as leaked.", "not Portkey's"),
            (403, said("Your chosen model requires moderation and your input was flagged"), Is::ContentBlocked, "Your chosen model requires moderation and your input was flagged", "content filter"),
            (400, said("foo/bar is not a valid model ID"), Is::NotFound, "foo/bar is not a valid model ID", "model id"),
            (400, said("llama3 does not support tools"), Is::Unsupported, "llama3 does not support tools", "choose another"),
            (404, said("No endpoints found that support image input"), Is::Unsupported, "No endpoints found that support image input", "choose another"),
            (400, said("Unsupported value: 'temperature' does not support 0.2 with this model."), Is::InvalidRequest, "Unsupported value: 'temperature' does not support 0.2 with this model.", ""),
            (200, r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#.into(), Is::RateLimited, "rate limit", "Wait"),
            (200, r#"{"throttlingException":{"message":"Too many tokens, please wait"}}"#.into(), Is::RateLimited, "throttlingException: Too many tokens, please wait", "Wait"),
            (400, r#"{"Response":{"Error":{"Code":"AuthFailure","Message":"invalid signature"}}}"#.into(), Is::InvalidRequest, "Response: invalid signature", ""),
            (400, r#"{"success":false,"error":{"issues":[{"path":["messages",0],"message":"Required"}],"name":"ZodError"}}"#.into(), Is::InvalidRequest, "messages.0: Required", ""),
            (422, r#"{"a":{"b":1}}"#.into(), Is::InvalidRequest, r#"The gateway answered with HTTP status 422: {"a":{"b":1}}"#, ""),
            (446, r#"{"error":{"message":"denied.","type":"hooks_failed"},"hook_results":{"before_request_hooks":[{"verdict":false,"deny":true,"checks":[{"id":"default.contains","verdict":false,"data":{"explanation":"a bomb"}},{"id":"default.regex","verdict":true}]}]}}"#.into(), Is::ContentBlocked, "denied. (default.contains: a bomb)", "guardrail"),
        ] {
            let error = from_response(&head(status, ROUTED), body.as_bytes());
            assert_eq!((error.kind, error.message.as_str()), (kind, message), "{body}");
            assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{body}: {:?}", error.hint);
        }
    }

    #[test]
    fn messages_are_what_a_person_reads() {
        let message = |body: &str| from_response(&head(500, BARE), body.as_bytes()).message;
        assert_eq!(message(r#"{"error":{"message":"inner"},"message":"outer"}"#), "inner");
        assert_eq!(message(r#"{"message":"outer","errors":["why"]}"#), "outer (why)");
        assert_eq!(message(r#"{"detail":"fast"}"#), "fast");
        assert_eq!(message("<title> 502\nBad Gateway </title>"), "502 Bad Gateway");
        assert_eq!(message("<p>a</p><p>b</p>"), "a b");
        assert_eq!(message(""), "The gateway answered with HTTP status 500");
        assert_eq!(message("a\r\n\tb\u{1b}[31m  c"), "a b [31m c");
        let long = message(&"ä".repeat(5000));
        assert!(long.len() <= MAX_MESSAGE + 3 && long.ends_with("ä…"));
    }

    #[test]
    fn a_success_that_holds_an_error_is_one() {
        let ok = head(200, BARE);
        for body in [
            r#"{"error":{"message":"x"}}"#,
            r#"{"error":"x"}"#,
            r#"{"status":"failure","message":"x"}"#,
            r#"{"success":false,"data":{"message":"x"}}"#,
            r#"{"html-message":"x"}"#,
        ] {
            assert_eq!(in_success(&ok, body.as_bytes()).unwrap().message, "x", "{body}");
        }
        for body in [
            "{}",
            r#"{"error":null}"#,
            r#"{"error":{}}"#,
            r#"{"error":""}"#,
            r#"{"error":false}"#,
            r#"{"status":"completed"}"#,
            "[]",
            "nonsense",
        ] {
            assert!(in_success(&ok, body.as_bytes()).is_none(), "{body}");
        }
        let page = in_success(&ok, b" <!DOCTYPE html><html>").unwrap();
        assert_eq!(page.kind, Is::InvalidConfig);
        assert!(page.hint.unwrap().contains("/v1"));
    }

    #[test]
    fn a_redirect_names_its_target_and_is_not_followed() {
        let error = from_response(&head(308, &[("location", "https://elsewhere/v1")]), b"");
        assert_eq!((error.kind, error.status), (Is::InvalidConfig, Some(308)));
        assert!(error.message.contains("https://elsewhere/v1") && error.hint.unwrap().contains("base URL"));
    }

    #[test]
    fn how_long_to_wait() {
        let wait = |headers: &[(&str, &str)]| from_response(&head(429, headers), b"").retry_after_ms;
        assert_eq!(wait(&[("retry-after", "3")]), Some(3000));
        assert_eq!(wait(&[("retry-after", "1.5")]), Some(1500));
        assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "3")]), Some(250));
        assert_eq!(wait(&[("retry-after", "7s")]), Some(7000));
        for (words, expected) in [
            ("Please try again in 2.5s.", Some(2500)),
            ("Please try again in 20ms. Visit x", Some(20)),
            ("Please try again in 1m30s.", Some(90_000)),
            ("Please retry in 33.5s.", Some(33_500)),
            ("Please retry after 6 seconds.", Some(6000)),
            ("Please try again in 2 minutes.", Some(120_000)),
            ("Please try again in a moment.", None),
            ("Please try again in 5", None),
            ("Please try again in 3 hours", None),
        ] {
            let body = format!(r#"{{"error":{{"message":"{words}"}}}}"#);
            assert_eq!(from_response(&head(429, BARE), body.as_bytes()).retry_after_ms, expected, "{words}");
        }
        for none in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "", "99999999999999999999"] {
            assert_eq!(wait(&[("retry-after", none)]), None, "{none}");
        }
    }

    #[test]
    fn quotes_are_short() {
        let error = protocol(&head(200, BARE), "what", &"x".repeat(500).into_bytes());
        assert!(error.message.len() < 100, "{}", error.message);
        let quotes: Vec<u8> = [b'a', 0xff, b'\n', b'b'].to_vec();
        assert_eq!(protocol(&head(200, BARE), "what", &quotes).message, "what: a\u{fffd} b");
    }
}
