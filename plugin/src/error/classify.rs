//! The kind of a failure and the hint for it: by what the gateway and the providers call it and say, else by its status.

use super::said::{Said, is_gateway_type};
use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};
use crate::report::Head;
use crate::text::holds;

/// The HTTP status, or one inferred from the error's status, type or words (`message`, in lower case) when the response itself
/// was a 2xx: the type is one of a few.
fn status(head: &Head, said: &Said, message: &str) -> u16 {
    if !(200..300).contains(&head.status) {
        // Some answer so to a limit further on.
        return if head.status >= 500 && said.status == Some(429) { 429 } else { head.status };
    }
    let of_type = |name: &str| {
        let is_it = |kind: &str| kind.eq_ignore_ascii_case(name);
        TYPES.iter().find(|(kinds, _)| kinds.split('|').any(is_it)).map(|(_, status)| *status)
    };
    let of_words = || IN_BAND.iter().find(|(words, _)| holds(message, words)).map(|(_, status)| *status);
    let (kind, code) = (of_type(&said.kind), of_type(&said.code));
    // Of two words the one that says more: `server_error`, and the code `rate_limit_exceeded` (OpenAI).
    let named = code.filter(|code| !matches!(code, 400 | 500)).or(kind).or(code);
    said.status.or(named).or_else(of_words).unwrap_or(head.status)
}

/// The kind that the words of a failure suggest if there is no status.
const IN_BAND: [(&str, u16); 7] = [
    (
        " 429|rate limit|rate-limit|request limit|per minute|per day| tpm|(tpm|tpm limit| rpm|(rpm|rpm limit|request rate|usage limit|too many requests|too many concurrent|please wait before|\
        throttl|quota|exhausted|频繁|频率",
        429,
    ),
    ("timed out|timeout|time-out|deadline|超时", 504),
    (
        "overload|capacity|unavailable|high demand|high load|busy|is loading|are loading|currently loading|still loading|loading model|no available|out of memory|refused|upstream|bad gateway| died|\
        负载|过载|访问量|繁忙|不可用",
        503,
    ),
    (
        "internal|server error|unexpected error|unexpected eof|unknown error|network error|while processing|completion aborted|网络错误|内部错误|服务器错误|系统",
        500,
    ),
    (
        "unauthorized|authentication|login fail|invalid token|token expired|credentials|no api key|invalid signature|认证|鉴权|密钥",
        401,
    ),
    ("forbidden|无权", 403),
    ("validation error|invalid param", 400),
];

/// The kinds of types for which [`RULES`] has nothing more precise. Source: Anthropic's, Google's and OpenAI's API
/// references, "Errors". The numbers are Zhipu's, MiniMax' and Baidu's.
const TYPES: [(&str, u16); 9] = [
    (
        "limit_requests|rate_limit_reached_error|1302|1303|1305|1039|1041|rate_limit_error|rate_limit_exceeded|too_many_requests_error|resource_exhausted",
        429,
    ),
    ("api_error|server_error|internal_error|internal_server_error|internal|1024|1033|336100", 500),
    ("authentication_error|unauthenticated", 401),
    ("invalid_request_error|invalid_argument|validationexception|1210|1213|1214", 400),
    ("not_found_error|not_found", 404),
    ("permission_error|permission_denied", 403),
    ("request_too_large", 413),
    ("unavailable|slow_down", 503),
    ("deadline_exceeded|timeout", 504),
];

/// Chooses kind and hint. The more precise signs come first, the status last.
pub(super) fn classify(head: &Head, said: &Said) -> (ErrorKind, Option<&'static str>) {
    let message = said.message.to_ascii_lowercase();
    let names = [&*said.code, " ", &*said.kind].concat().to_ascii_lowercase();
    // A limit of tokens in some time is not the model's.
    let is_limit = head.status == 429 || said.status == Some(429) || holds(&message, " per minute| per day");
    for rule in RULES {
        let hit = match rule.mark {
            Mark::GatewayCode(status, code) => {
                said.origin == ErrorOrigin::Gateway && head.status == status && said.code == code
            }
            // A number is the whole of a code.
            Mark::Names(parts) => parts.split('|').any(|part| match part.as_bytes() {
                [b'0'..=b'9', ..] => names.split(' ').any(|name| name == part),
                _ => names.contains(part),
            }),
            Mark::TypeEnd(end) => is_gateway_type(&said.kind, end),
            Mark::Says(parts) => holds(&message, parts),
            Mark::SaysBoth(what, how) => holds(&message, what) && holds(&message, how),
            Mark::GatewaySays(part) => said.origin == ErrorOrigin::Gateway && said.message.contains(part),
        };
        if hit && !(rule.hint == CONTEXT && is_limit) {
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
        403 if said.is_html => (ErrorKind::Forbidden, Some(FIREWALL)),
        403 | 451 if upstream => (ErrorKind::Forbidden, Some(FORBIDS)),
        403 | 451 => (
            ErrorKind::Forbidden,
            Some("Give the Portkey API key the permission that this call needs, such as completions.write."),
        ),
        404 | 410 if upstream && !said.is_html => (ErrorKind::NotFound, Some(MODEL_ID)),
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
        499 | 504 | 522 | 524 => (ErrorKind::Timeout, Some(LATER)),
        500..=599 if said.origin == ErrorOrigin::Gateway => {
            (ErrorKind::Overloaded, Some("Try again later; a self-hosted gateway says more in its own log."))
        }
        // The first is a model's failure, of Bedrock and TGI, the second Groq's word for no room.
        424 | 498 | 500..=599 => (ErrorKind::Overloaded, Some(LATER_OR_FALLBACK)),
        400..=499 => (ErrorKind::InvalidRequest, None),
        // Nothing that this protocol knows as an answer.
        ..200 | 204 | 205 => (ErrorKind::Protocol, None),
        _ => (ErrorKind::Other, None),
    }
}

/// Names both hosted editions: each refuses the other's keys.
pub(super) const CHECK_KEY: &str = "Check the Portkey API key: copy it again from https://app.portkey.ai/api-keys for https://api.portkey.ai/v1, or from Strata Cloud Manager for https://aigw.portkey.ai/v1. Neither takes the other's keys.";
const CHECK_BASE_URL: &str = "Check the base URL: it usually ends in /v1.";
const WAIT: &str = "Wait before the next call, or raise the limit.";
pub(super) const LATER: &str = "Try again later.";
pub(super) const LATER_OR_FALLBACK: &str = "Try again later, or add a fallback to the Portkey config.";
pub(super) const UNREADABLE: &str = "The model wrote what nobody can read, such as a wrong tool call: try again.";
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
pub(super) const FILTER: &str = "The model provider's content filter refused this: change the content.";
const PROVIDER_KEY: &str =
    "The model provider refused its own key, not Portkey's: check the key stored with the provider in Portkey.";
const FIREWALL: &str = "A firewall on the way refused this, with a web page: ask who runs it, or take another network.";
const FORBIDS: &str = "The model provider forbids this: check what its key may use.";
pub(super) const GUARDRAIL: &str =
    "A guardrail of the Portkey config refused this: change the content, or the guardrail's action.";
const RESPONSES: &str = "This model speaks only the Responses API: set the option protocol to responses, or in modelFamilies which model this id stands for.";
const CHAT: &str = "This provider has no Responses API: set the option protocol to chat.";
const FIELD: &str = "The model refuses this field: leave it out of the request (the params of the model, an option of the command), or say in modelFamilies which model this id stands for.";
const INLINE_BLOCKED: &str = "This organisation blocks inline routing: save the config in Portkey and use its pc- id, or name the model @provider/model.";

struct Rule {
    mark: Mark,
    kind: ErrorKind,
    hint: &'static str,
}

enum Mark {
    GatewayCode(u16, &'static str),
    /// The code, or the type, holds one of these, in lower case, or is one that is a number: `this|that`.
    Names(&'static str),
    TypeEnd(&'static str),
    /// The message holds one of these, in lower case: `this|that`.
    Says(&'static str),
    /// The message holds one of each.
    SaysBoth(&'static str, &'static str),
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
    use Mark::{GatewayCode, GatewaySays, Names, Says, SaysBoth, TypeEnd};
    &[
    rule(Names("inline_"), Is::InvalidConfig, INLINE_BLOCKED),
    rule(TypeEnd("_expired_error"), Is::Unauthorized, "Renew what has expired in Portkey: the key, the workspace or the provider."),
    rule(GatewayCode(401, "01"), Is::Unauthorized, "The Portkey API key or the workspace has expired: renew it at https://app.portkey.ai/api-keys."),
    rule(GatewayCode(401, "03"), Is::Unauthorized, CHECK_KEY),
    rule(GatewayCode(401, "033"), Is::Unauthorized, "Portkey could not validate the key: check that it belongs to this gateway's workspace."),
    rule(GatewayCode(403, "033"), Is::Forbidden, "Give the Portkey API key the missing scope, such as completions.write."),
    rule(Names("hooks_failed"), Is::ContentBlocked, GUARDRAIL),
    rule(Names("model_not_allowed"), Is::Forbidden, "Allow this model for the provider in Portkey's Model Catalog, or choose another."),
    rule(Names("timeout_error"), Is::Timeout, TIMEOUT),
    rule(Names("api_key_exhaust"), Is::QuotaExceeded, KEY_BUDGET),
    rule(Names("workspace_exhaust"), Is::QuotaExceeded, WORKSPACE_BUDGET),
    rule(Names("virtual_key_exhaust|integration_exhaust"), Is::QuotaExceeded, PROVIDER_BUDGET),
    rule(GatewaySays("Portkey API Key Usage Limit"), Is::QuotaExceeded, KEY_BUDGET),
    rule(GatewaySays("Portkey Workspace Usage Limit"), Is::QuotaExceeded, WORKSPACE_BUDGET),
    rule(TypeEnd("_rate_limit_error"), Is::RateLimited, "Wait before the next call, or raise the rate limit in Portkey."),
    rule(Names("insufficient_quota|insufficient_user_quota|insufficient_balance|insufficient_credits|billing|quota_failed|quota_reached|current_quota|\
        account_deactivated|arrearage|setlimitexceeded|invalidsubscription|creditserror|notpurchased|credit_balance|1113|1309|1311"), Is::QuotaExceeded, QUOTA),
    rule(Says("item with id|response with id|without its required|encrypted content|thought signature|thought_signature|`signature` in"), Is::InvalidRequest,
        "The model provider lacks a part of this conversation: start a new one."),
    // Before what a tool's or a field's name may hold.
    rule(Says("'tools': array too long|function declarations can be"), Is::InvalidRequest, "Offer fewer tools at once."),
    rule(Says("invalid schema for|function_declarations[|not found in tools|not found in 'tools'|not found in provided tools"),
        Is::InvalidRequest, "The model provider refuses a tool, or a schema: its words say which."),
    rule(Says("insufficient balance|insufficient_balance|insufficient credit|insufficient quota|insufficient_user_quota|insufficient funds|\
        credit balance is too low|out of credits|enough credits|more credits|has no credits|any credits|purchase credits|usage credits|add credits|available credits|included credits|credits exhausted|\
        credits are depleted|hard limit has been reached|payment required|in arrears|is overdue|overdue balance|overdue payment|overdue-payment|accountoverdue|\
        please recharge|to recharge|recharge your|recharge and| top up|top up your|top_up|额度|余额不足|余量|欠费|\
        api usage limits|key limit exceeded|balance is insufficient|account balance|available balance|diem balance|enough balance|\
        quota is not enough|free quota|remaining quota|extra usage|out of budget|spend limit|spending limit|spending cap|budget has been exceeded|\
        exceeded budget|budget limit|exceededbudget|exceeded your budget|free tier of|daily free allocation|call volume quota|payment method|\
        credit card on file|requires billing|billing account|billing cycle|calls / month|plan subscription|subscription plan|current plan|plan not support|for this subscription|requires a subscription|grok subscription|payment instrument"),
        Is::QuotaExceeded, QUOTA),
    rule(Names("context_|tokens_limit|max_prompt_tokens|1261"), Is::InvalidRequest, CONTEXT),
    rule(Says("request too large for"), Is::InvalidRequest, "The request alone is above the provider's limit for a minute: send less, or raise that limit."),
    rule(Says("context length|context window|context size|context limit|prompt is too long|input is too long|prompt too long|input too long|\
        too many tokens in|maximum number of tokens|exceeds the maximum input|reduce the length|tokens exceed|\
        max_seq_len|longer than the model|inputs tokens + max_new_tokens|must have less than|input length|prompt length|sequence length|conversation too long|input token|input characters|\
        exceeded max context|maximum context|model token limit|token limit exceeded|max_new_tokens` must|maximum model length|\
        prompt exceeds|prompt token|max tokens allowed|context overflow|total tokens|上下文|输入长度|length of messages|length of all messages|too large to process|too many tokens:|max message tokens|max tokens of|session_len|context the overflows|\
        must be at least 1, got -|contextwindowexceeded|maximum length 104857|expected maxlength|n_keep"), Is::InvalidRequest, CONTEXT),
    rule(Names("content_filter|content_policy|content_security|moderation|censorship|inspection|sensitive|prohibited|nsfw|1301|1026|1027|10013|10014|10019"),
        Is::ContentBlocked, FILTER),
    rule(Says("prompt was blocked|content management policy|content policy|contentpolicy|safety system|blocked by safety|s usage polic| our usage polic|the usage polic|\
        violated guardrail|was flagged|been flagged|flagged this|is flagged|input flagged|flagged as|flagged by|flagged for|responsibleaipolicy|inappropriate content|prohibited_content|sensitive content|sensitive words|\
        sensitive information|content exists risk|high risk|related to a risk|contain risk|is unsafe|usage guidelines|content filter|\
        request moderated|moderation reasons|show generated images|by safeguard|our safeguard|safeguards blocked|nsfw content|contains nsfw|due to recitation|by recitation|: recitation|content moderation|safety filter|content blocked|harmful content|内容安全|审核不通过|敏感"), Is::ContentBlocked, FILTER),
    rule(Names("invalid_api_key|api_key_invalid|invalidapikey|unrecognizedclient|authfailure"), Is::Unauthorized, PROVIDER_KEY),
    rule(SaysBoth("api key|api_key|apikey|access token|bearer token|x-api-key", "invalid|incorrect|not valid|is valid|expected format|expired|disabled|revoked|leaked"),
        Is::Unauthorized, PROVIDER_KEY),
    rule(Says("security token included in the request is|secret access key|authentication error|unregistered callers|api key provided"),
        Is::Unauthorized, PROVIDER_KEY),
    rule(Says("max_tokens: field required"), Is::InvalidRequest, "This provider wants a limit: set max-output-tokens, maxTokens of the model, or say in modelFamilies which model this id is."),
    // OpenAI's words, twice, those of Azure and of Copilot.
    rule(Says("only supported in v1/responses|not supported in the v1/chat/completions|the chatcompletion operation does not work|\
        not accessible via the /chat/completions|use /v1/responses"), Is::Unsupported, RESPONSES),
    // The gateway's words (1.15.2), and those of a proxy (QuantumNous/new-api#1396).
    rule(Says("createmodelresponse is not supported by|invalid url (post /v1/responses"), Is::Unsupported, CHAT),
    // Of a field that the model does not take: the words of OpenAI, Anthropic, Groq, pydantic, xAI, LiteLLM, Bedrock and Google.
    rule(Says("unsupported value: '|unsupported parameter|unknown parameter: '|is deprecated for this model|unrecognized request argument|thinking.type|\
        extra inputs are not permitted|argument not supported|support parameter|support the parameter|extraneous key|unknown name \""), Is::InvalidRequest, FIELD),
    rule(SaysBoth("property '", "' is unsupported"), Is::InvalidRequest, FIELD),
    rule(Names("model_access_denied"), Is::Forbidden, FORBIDS),
    rule(Says("organization must be verified|organization has been disabled|location is not supported|requires terms acceptance|missing scopes|data policy|use case details"),
        Is::Forbidden, FORBIDS),
    // Bedrock says of a model that failed what OpenCode Zen says of one that it lacks.
    rule(Names("modelerrorexception"), Is::Overloaded, LATER_OR_FALLBACK),
    rule(Names("model_not|modelerror|invalid_model|1211"), Is::NotFound, MODEL_ID),
    rule(SaysBoth("model", "not a valid model|unknown model|invalid model|identifier is invalid|decommissioned|not exist|not found|no such model|\
        requested model is not|unsupported model|unknown provider|by any provider|non-serverless|deactivated|no longer available|end of its life|on-demand throughput|retired| removed|please upgrade|supported models are|supported api model names|\
        when using codex|find it here|not supported model"), Is::NotFound, MODEL_ID),
    rule(Says("模型不存在|无可用渠道|not found for account"), Is::NotFound, MODEL_ID),
    rule(SaysBoth("tool|function call|image|vision|vlm|multimodal|audio|video|thinking|instruction|embedding",
        "does not support|n't support|not enabled|supported by th|supported in th|supported for|supported with|input is not supported|\
        input not supported|endpoints found that support|requires --|not a multimodal|not a vlm|data required|at most 0|not allowed to generate"),
        Is::Unsupported, "This model cannot do that: choose another."),
    rule(Says("is not supported by"), Is::Unsupported, "This provider cannot do that: choose another model or provider."),
    // OpenAI's words for a model that neither speaks nor listens.
    rule(Says("invalid url (post /v1/audio"), Is::Unsupported, "This model cannot do that: choose another."),
    rule(Names("throttlingexception"), Is::RateLimited, WAIT),
    rule(Names("overload|notready"), Is::Overloaded, LATER_OR_FALLBACK),
    // NVIDIA's word, and LM Studio's, with a status of 400.
    rule(Says("degraded function|no models loaded|model unloaded|has crashed"), Is::Overloaded, LATER_OR_FALLBACK),
    // Groq's, OpenAI's and Bedrock's, of what the model wrote: the next time it may write another.
    rule(Names("tool_use_failed|json_validate_failed|model_error|modelstreamerror"), Is::Overloaded, UNREADABLE),
    rule(Says("fetch failed"), Is::Overloaded, "The gateway could not reach the model provider: check the gateway's network, that the provider runs, and custom_host if you set one."),
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
