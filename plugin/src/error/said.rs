//! What a failed answer says, and who says it: the gateway, the provider behind it, or something in between.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use super::failure::Failure;
use crate::bindings::openclaw::provider::types::ErrorOrigin;
use crate::guardrails;
use crate::json::lossy;
use crate::portkey;
use crate::report::Head;

/// Longest message, in bytes.
pub(super) const MAX_MESSAGE: usize = 1024;

/// How much of what a failure says is looked through for its kind, in bytes: no person reads more.
const READ: usize = 16 * MAX_MESSAGE;

/// What an answer says about its failure.
pub(super) struct Said {
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) code: String,
    /// The status that the failure gives itself.
    pub(super) status: Option<u16>,
    pub(super) origin: ErrorOrigin,
    pub(super) is_html: bool,
}

impl Said {
    /// Reads `body`, which holds this failure.
    pub(super) fn read(head: &Head, body: &[u8], failure: Option<Failure>) -> Self {
        let (mut text, is_html) = match &failure {
            Some(failure) => (failure.message.clone(), failure.is_html),
            None => {
                let is_html = head.get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
                (lossy(body.get(..4 * MAX_MESSAGE).unwrap_or(body)).into_owned(), is_html)
            }
        };
        text.truncate(text.floor_char_boundary(READ));
        let is_page = is_html || text.trim_start().starts_with('<');
        // The XML of S3, and of stores like it.
        let is_html = is_page && !text.contains("<Code>");
        let message = if is_page { page_text(&text) } else { text };
        let of_failure = |failure: &Failure| (failure.kind.clone(), failure.code.clone(), failure.status);
        let (kind, code, status) = failure.as_ref().map(of_failure).unwrap_or_default();
        let mut said = Self { message, kind, code, status, origin: ErrorOrigin::Gateway, is_html };
        said.origin = if is_page && !is_html { ErrorOrigin::Upstream } else { said.origin(head, failure.as_ref()) };
        if (said.kind == "hooks_failed" || head.status == 446)
            && let Some(denied) = guardrails::denied(body)
        {
            said.message = format!("{} ({denied})", said.message.trim());
        }
        said
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

pub(super) fn is_gateway_type(kind: &str, end: &str) -> bool {
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
    for (at, part) in html.split('<').enumerate() {
        match part.split_once('>') {
            Some((tag, said)) if !["style", "script"].iter().any(|unread| tag.starts_with(unread)) => {
                text.push(' ');
                text.push_str(said);
            }
            None if at == 0 => text.push_str(part),
            _ => {}
        }
    }
    text
}
