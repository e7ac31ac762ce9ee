//! Builds `types.error` from a failed response: the kind, who failed, what to do, and how long to wait (`retry-after`).
//!
//! Only this module knows the error responses of the hosted and the open-source gateway. `failure` finds the words in
//! them. Failures below HTTP are in the `http` of `wit/guest`, wrong configurations in [`crate::lint`].

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

/// A result with a boxed error, because the record is large and success is the rule.
pub type Result<T> = core::result::Result<T, Box<Error>>;

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 1024;
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
    error.retry_after_ms = retry_after(head, &error.message).or_else(|| retry_delay(body));
    error
}

/// The failure in a body with a success status: an error in any form, or HTML. `None` if it is not a failure.
pub fn in_success(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    page(head, body).or_else(|| failing(head, body, |failure| failure.is_marked))
}

/// The error for an answer with a success status that is not what was requested: a hidden failure, with or without
/// words, or something else.
pub(crate) fn malformed(head: &Head, what: &str, body: &[u8]) -> Box<Error> {
    let is_failure = |failure: &Failure| failure.is_marked || !failure.message.is_empty();
    page(head, body).or_else(|| failing(head, body, is_failure)).unwrap_or_else(|| protocol(head, what, body))
}

/// The failure in an answer that holds nothing that was requested, if it has words.
pub(crate) fn in_words(head: &Head, body: &[u8]) -> Option<Box<Error>> {
    failing(head, body, |failure| !failure.message.is_empty())
}

/// The error of a body that was read as a failure, if it is one. The body may be large, and is read once.
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

/// The error in an event whose name says that it is one.
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
    /// The status that the failure gives itself.
    status: Option<u16>,
    origin: ErrorOrigin,
    is_html: bool,
}

impl Said {
    /// Reads `body`, which holds this failure.
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
        let (kind, code, status) = (failure.kind.clone(), failure.code.clone(), failure.status);
        Self { message, kind, code, status, origin: ErrorOrigin::Gateway, is_html }
    }

    fn text(head: &Head, body: &[u8]) -> Self {
        let text = lossy(body.get(..4 * MAX_MESSAGE).unwrap_or(body)).into_owned();
        let is_html = text.trim_start().starts_with('<')
            || head.get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let message = if is_html { page_text(&text) } else { text };
        let (kind, code, status) = Default::default();
        Self { message, kind, code, status, origin: ErrorOrigin::Gateway, is_html }
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

/// The failure in the place of the finish reason: `overloaded_error` (gateway 1.15.2, provider `anthropic`, events of
/// type `error`), `abort` (vLLM), `insufficient_system_resource` (DeepSeek), `MALFORMED_FUNCTION_CALL` (Google).
pub(crate) fn failed_finish(reason: &str, head: &Head) -> Option<Box<Error>> {
    // What OpenAI says.
    if matches!(reason, "" | "stop" | "length" | "tool_calls") {
        return None;
    }
    let word = reason.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    // Cohere's word for its context's end is no failure.
    if says(&["filter", "toxic", "safety", "moderation", "guardrail", "error_limit"]) || !says(FAILURES) {
        return None;
    }
    let code = one_line(reason, 128);
    let message = format!("The model provider broke off with {code}");
    let said =
        Said { kind: code, message, code: String::new(), status: None, origin: ErrorOrigin::Upstream, is_html: false };
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

/// Parts of finish reasons that mean a failure. A filter's reasons do not.
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

/// A guardrail denied the answer, and its replacement came with status 200.
pub(crate) fn soft_deny(head: &Head, denied: &str) -> Box<Error> {
    let message = format!("A guardrail denied this: {denied}");
    with_hint(answered(ErrorKind::ContentBlocked, ErrorOrigin::Gateway, &message, head), GUARDRAIL)
}

/// An answer without a choice. Google's blocked prompts look like this in a stream (gateway 2.2.3).
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

/// The HTTP status, or one inferred from the error's status, type or words (`message`, in lower case) when the response itself
/// was a 2xx: the type is one of a few.
fn status(head: &Head, said: &Said, message: &str) -> u16 {
    if !(200..300).contains(&head.status) {
        return head.status;
    }
    let of_type =
        |name: &str| TYPES.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(name)).map(|(_, status)| *status);
    let of_words = || IN_BAND.iter().find(|(words, _)| message.contains(words)).map(|(_, status)| *status);
    said.status.or_else(|| of_type(&said.kind)).or_else(|| of_type(&said.code)).or_else(of_words).unwrap_or(head.status)
}

/// The kind that the words of a failure suggest if there is no status.
const IN_BAND: [(&str, u16); 19] = [
    ("rate limit", 429),
    ("per minute limit", 429),
    ("request rate", 429),
    ("usage limit", 429),
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
    ("invalid param", 400),
];

/// The kinds of types for which [`RULES`] has nothing more precise. Source: Anthropic's, Google's and OpenAI's API
/// references, "Errors".
const TYPES: [(&str, u16); 22] = [
    ("limit_requests", 429),
    ("api_error", 500),
    ("authentication_error", 401),
    ("invalid_request_error", 400),
    ("not_found_error", 404),
    ("permission_error", 403),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("too_many_requests_error", 429),
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

/// Chooses kind and hint. The more precise signs come first, the status last.
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
        // A limit of tokens a minute is not the model's.
        if hit && !(rule.hint == CONTEXT && head.status == 429) {
            // Of the gateway's own key it says so in another way.
            let is_own = rule.hint == PROVIDER_KEY && said.origin == ErrorOrigin::Gateway;
            return (rule.kind, Some(if is_own { CHECK_KEY } else { rule.hint }));
        }
    }
    let upstream = said.origin == ErrorOrigin::Upstream;
    match status(head, said, &message) {
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
        429 => (ErrorKind::RateLimited, Some(WAIT)),
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
const WAIT: &str = "Wait before the next call, or raise the limit.";
const LATER: &str = "Try again later.";
const LATER_OR_FALLBACK: &str = "Try again later, or add a fallback to the Portkey config.";
const MODEL_ID: &str = "Check the model id: the hosted catalog names models @provider/model.";
const TIMEOUT: &str = "Raise requestTimeoutMs, or request_timeout in the Portkey config.";
const BUDGET: &str = "A budget is used up: raise it in Portkey, or use another provider.";
/// Where each budget is raised. Source: Portkey's docs, "Enforce Budget Limits", "Workspace Budget", "Budget Limits".
const KEY_BUDGET: &str =
    "The budget of this Portkey API key is used up: raise it in Portkey (API Keys), or use another key.";
const WORKSPACE_BUDGET: &str =
    "The budget of the workspace is used up: raise it in Portkey (Workspace Control, Budget Allocation).";
const PROVIDER_BUDGET: &str = "The budget of this provider is used up: raise it in Portkey (Workspace Provisioning of its integration), or use another provider.";
const TOO_LARGE: &str = "The request is too large for the gateway: send less.";
const QUOTA: &str = "The model provider's own quota is used up: check its plan and billing.";
const CONTEXT: &str =
    "The conversation is longer than the model's context: shorten it, or choose a model with a larger one.";
const FILTER: &str = "The model provider's content filter refused this: change the content.";
const PROVIDER_KEY: &str =
    "The model provider refused its own key, not Portkey's: check the key stored with the provider in Portkey.";
const GUARDRAIL: &str =
    "A guardrail of the Portkey config refused this: change the content, or the guardrail's action.";
const RESPONSES: &str = "This model speaks only the Responses API: set the option protocol to responses, or in modelFamilies which model this id stands for.";
const FIELD: &str = "The model refuses this field: leave it out of the request (the params of the model, an option of the command), or say in modelFamilies which model this id stands for.";
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

/// Signs of a failure; the first that matches wins. Sources: Portkey docs ("Troubleshooting", "Error codes"), gateway
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
    rule(Type("api_key_exhaust_error"), Is::QuotaExceeded, KEY_BUDGET),
    rule(Type("workspace_exhaust_error"), Is::QuotaExceeded, WORKSPACE_BUDGET),
    rule(Type("virtual_key_exhaust_error"), Is::QuotaExceeded, PROVIDER_BUDGET),
    rule(Type("integration_exhaust_error"), Is::QuotaExceeded, PROVIDER_BUDGET),
    rule(GatewaySays("Portkey API Key Usage Limit"), Is::QuotaExceeded, KEY_BUDGET),
    rule(GatewaySays("Portkey Workspace Usage Limit"), Is::QuotaExceeded, WORKSPACE_BUDGET),
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
        "balance is insufficient", "budget has been exceeded", "exceeded budget", "exceededbudget", "free tier of", "daily free allocation", "call volume quota"]), Is::QuotaExceeded, QUOTA),
    rule(Code("context_length_exceeded"), Is::InvalidRequest, CONTEXT),
    rule(Code("model_context_window_exceeded"), Is::InvalidRequest, CONTEXT),
    rule(Code("exceed_context_size_error"), Is::InvalidRequest, CONTEXT),
    rule(Code("1261"), Is::InvalidRequest, CONTEXT),
    rule(Says("request too large for"), Is::InvalidRequest, "The request alone is above the provider's limit for a minute: send less, or raise that limit."),
    rule(Any(&["context length", "context window", "context size", "context limit", "prompt is too long", "input is too long", "prompt too long", "input too long", "too many tokens in", "too many input tokens",
        "maximum prompt length", "maximum number of tokens", "exceeds the maximum input", "input token count", "reduce the length", "tokens exceed",
        "max_seq_len", "longer than the model", "inputs tokens + max_new_tokens", "must have less than", "maximum allowed input length", "range of input length",
        "exceeded max context", "maximum context", "model token limit", "token limit exceeded", "max_new_tokens` must", "maximum model length", "input length (",
        "prompt exceeds", "tokens too long", "input length exceeds", "length of messages", "too many tokens:", "prompt token count", "context the overflows", "contextwindowexceeded"]), Is::InvalidRequest, CONTEXT),
    rule(Code("content_filter"), Is::ContentBlocked, FILTER),
    rule(Code("content_policy_violation"), Is::ContentBlocked, FILTER),
    rule(Code("moderation_blocked"), Is::ContentBlocked, FILTER),
    rule(Code("censorship_blocked"), Is::ContentBlocked, FILTER),
    rule(Code("data_inspection_failed"), Is::ContentBlocked, FILTER),
    rule(Code("DataInspectionFailed"), Is::ContentBlocked, FILTER),
    rule(Code("PROHIBITED_CONTENT"), Is::ContentBlocked, FILTER),
    rule(Code("1301"), Is::ContentBlocked, FILTER),
    rule(Code("1026"), Is::ContentBlocked, FILTER),
    rule(Code("1027"), Is::ContentBlocked, FILTER),
    rule(Any(&["prompt was blocked", "content management policy", "content policy", "safety system", "blocked by safety", "usage policy", "usage policies", "flagged by", "flagged for",
        "responsibleaipolicy", "inappropriate content", "prohibited_content", "input was flagged", "sensitive content", "sensitive information", "content exists risk", "high risk", "内容安全", "敏感"]), Is::ContentBlocked, FILTER),
    rule(Code("invalid_api_key"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("API_KEY_INVALID"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("UnrecognizedClientException"), Is::Unauthorized, PROVIDER_KEY),
    rule(Code("InvalidApiKey"), Is::Unauthorized, PROVIDER_KEY),
    rule(Any(&["api key not valid", "api key expired", "invalid x-api-key", "incorrect api key", "api key is invalid", "api key provided", "security token included in the request is", "invalid access token",
        "access token invalid", "reported as leaked", "secret access key", "authentication error"]),
        Is::Unauthorized, PROVIDER_KEY),
    rule(Says("max_tokens: field required"), Is::InvalidRequest, "This provider wants a limit: set max-output-tokens, maxTokens of the model, or say in modelFamilies which model this id is."),
    // OpenAI's words, twice, those of Azure and of Copilot.
    rule(Any(&["only supported in v1/responses", "not supported in the v1/chat/completions", "the chatcompletion operation does not work",
        "not accessible via the /chat/completions"]), Is::Unsupported, RESPONSES),
    // Of a field that the model does not take: OpenAI's words, and Anthropic's.
    rule(Any(&["unsupported value: '", "unsupported parameter: '", "unknown parameter: '", "is deprecated for this model"]), Is::InvalidRequest, FIELD),
    rule(Says("is not supported by"), Is::Unsupported, "This provider cannot do that: choose another model or provider."),
    rule(Any(&["does not support tool", "does not support image", "does not support thinking", "does not support vision", "endpoints found that support",
        "does not support embeddings", "not allowed to generate embeddings"]), Is::Unsupported,
        "This model cannot do that: choose another."),
    // OpenAI's words for a model that neither speaks nor listens.
    rule(Says("invalid url (post /v1/audio"), Is::Unsupported, "This model cannot do that: choose another."),
    rule(Code("model_not_found"), Is::NotFound, MODEL_ID),
    rule(Any(&["not a valid model", "unknown model", "invalid model:", "invalid model name", "model identifier is invalid", "been decommissioned"]), Is::NotFound, MODEL_ID),
    rule(Type("ThrottlingException"), Is::RateLimited, WAIT),
    rule(Type("overloaded_error"), Is::Overloaded, LATER_OR_FALLBACK),
    rule(Says("fetch failed"), Is::Overloaded, "The gateway could not reach the model provider: check custom_host, and that the provider runs."),
    rule(GatewaySays("Following keys are not valid"), Is::InvalidConfig, "No provider has this slug: check the part after @ in the model id, and the provider and virtual key headers."),
    rule(GatewaySays("Invalid config id"), Is::InvalidConfig, "Check the config id: it starts with pc- and must belong to this workspace."),
    rule(GatewaySays("Cannot override default config"), Is::InvalidConfig, "This Portkey API key has a locked config: remove x-portkey-config, or use another key."),
    rule(GatewaySays("Invalid config passed"), Is::InvalidConfig, "Fix the inline config; the open-source gateway knows no config ids."),
    rule(GatewaySays("Invalid provider"), Is::InvalidConfig, "Check x-portkey-provider; the open-source gateway knows no @slugs."),
    rule(GatewaySays("Invalid custom host"), Is::InvalidConfig, "Allow the host on the gateway with TRUSTED_CUSTOM_HOSTS, and give custom_host as http(s)://host/v1."),
    rule(GatewaySays("x-portkey-provider"), Is::InvalidConfig, "Say where to route: by the option provider (plugins.entries.portkey.config.provider, such as openai) or config; if hosted, @provider/model."),
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

/// A decimal number, to a tenth.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let tenths = fraction.bytes().next().filter(u8::is_ascii_digit).map_or(0, |digit| u64::from(digit - b'0'));
    Some(whole.saturating_add(tenths * scale / 10))
}

/// Google's way to say it, among the details: `"retryDelay": "34.5s"`; and Cloudflare's: `"retry_after": 30`.
fn retry_delay(body: &[u8]) -> Option<u64> {
    let text = lossy(body);
    let (_, rest) = text.split_once("\"retryDelay\"").or_else(|| text.split_once("\"retry_after\""))?;
    let rest = rest.trim_start_matches([':', ' ', '"']);
    scaled(rest.split(|next: char| !next.is_ascii_digit() && next != '.').next()?, 1000)
}

/// How long the service asks to wait: `retry-after-ms`, or `retry-after` in seconds, else from the message: "try again
/// in 2.5s", "1m30s", "20ms", "retry after 6 seconds". A date is ignored, because the component has no clock.
fn retry_after(head: &Head, message: &str) -> Option<u64> {
    let milliseconds = head.get("retry-after-ms").and_then(|value| scaled(value, 1));
    let header = milliseconds.or_else(|| scaled(head.get("retry-after")?.trim_end_matches('s'), 1000));
    header.or_else(|| {
        let message = message.to_ascii_lowercase();
        let waits = ["again in ", "retry in ", "retry after ", "again after ", "please wait "];
        let mut rest = waits.into_iter().find_map(|words| Some(message.split_once(words)?.1))?;
        let mut wait = None;
        while let Some(end) = rest.find(|next: char| !next.is_ascii_digit() && next != '.').filter(|&end| end > 0) {
            let (number, unit) = rest.split_at_checked(end)?;
            let unit = unit.trim_start();
            let (scale, length) = match unit.as_bytes() {
                [b'm', b's', ..] => (1, 2),
                [b'm', ..] => (60_000, 1),
                [b's', ..] => (1000, 1),
                [b'h', ..] => (3_600_000, 1),
                _ => break,
            };
            wait = Some(wait.unwrap_or(0_u64).saturating_add(scaled(number, scale)?));
            rest = unit.get(length..)?;
        }
        wait
    })
}

#[cfg(test)]
mod tests;
