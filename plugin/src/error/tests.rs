use super::classify::CHECK_KEY;
use super::*;
use ErrorKind as Is;
use ErrorOrigin::{Gateway, Network, Upstream};
use alloc::vec::Vec;

fn head(status: u16, headers: &[(&str, &str)]) -> Head {
    Head { status, headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() }
}

const ROUTED: &[(&str, &str)] =
    &[("x-portkey-last-used-option-index", "config"), ("x-portkey-provider", "openai"), ("x-portkey-trace-id", "t")];
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
            "budget of this Portkey API key",
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
            "budget of this provider",
        ),
        (
            412,
            BARE,
            r#"{"status":"failure","message":"Portkey Error: Portkey Workspace Usage Limit Exceeded. Error Code: 04","error":{"message":"Portkey Error: Portkey Workspace Usage Limit Exceeded. Error Code: 04","code":"04"}}"#,
            Is::QuotaExceeded,
            Gateway,
            Some("04"),
            "budget of the workspace",
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
        (502, BARE, "<html><head><title>502 Bad Gateway</title></head></html>", Is::Overloaded, Network, None, "later"),
        (
            524,
            BARE,
            "<html><head><title>524: A timeout occurred</title></head></html>",
            Is::Timeout,
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
        (404, said("This model is only supported in v1/responses and not in v1/chat/completions."), Is::Unsupported, "This model is only supported in v1/responses and not in v1/chat/completions.", "option protocol"),
        (404, said("This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?"), Is::Unsupported, "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?", "option protocol"),
        (400, said("The chatCompletion operation does not work with the specified model, gpt-5-codex. Please choose different model and try again."), Is::Unsupported, "The chatCompletion operation does not work with the specified model, gpt-5-codex. Please choose different model and try again.", "option protocol"),
        (400, said("model gpt-5.4 is not accessible via the /chat/completions endpoint"), Is::Unsupported, "model gpt-5.4 is not accessible via the /chat/completions endpoint", "option protocol"),
        (500, said("createModelResponse is not supported by mistral-ai"), Is::Unsupported, "createModelResponse is not supported by mistral-ai", "option protocol to chat"),
        (404, said("Invalid URL (POST /v1/responses)"), Is::Unsupported, "Invalid URL (POST /v1/responses)", "option protocol to chat"),
        (500, said("imageGenerate is not supported by anthropic"), Is::Unsupported, "imageGenerate is not supported by anthropic", "another model"),
        (500, said(r#"Invalid response received from google: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}"#), Is::ContentBlocked, "google: The prompt was blocked: SAFETY", "content filter"),
        (404, r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no model x"}"#.into(), Is::NotFound, "Not Found: no model x", ""),
        (400, r#"{"error_code":336003,"error_msg":"bad"}"#.into(), Is::InvalidRequest, "bad", ""),
        (400, r#"{"statusCode":400,"error":"Bad Request","message":"no such field"}"#.into(), Is::InvalidRequest, "Bad Request: no such field", ""),
        (400, r#"{"errors":[{"message":"a"},{"message":"b"}],"success":false}"#.into(), Is::InvalidRequest, "a; b", ""),
        (400, r#"{"fault":{"faultstring":"no such key","detail":{"errorcode":"x"}}}"#.into(), Is::InvalidRequest, "no such key", ""),
        (400, r#"{"Message":"no","__type":"ValidationException"}"#.into(), Is::InvalidRequest, "no", ""),
        (502, r#"{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"why\"}}"}}}"#.into(), Is::Overloaded, "Provider returned error (why)", ""),
        (403, r#"{"code":30001,"message":"Sorry, your account balance is insufficient"}"#.into(), Is::QuotaExceeded, "Sorry, your account balance is insufficient", "billing"),
        (400, said("Budget has been exceeded! Current cost: 10.1"), Is::QuotaExceeded, "Budget has been exceeded! Current cost: 10.1", "billing"),
        (400, said("the input text may contain sensitive information."), Is::ContentBlocked, "the input text may contain sensitive information.", "content filter"),
        (200, r#"{"base_resp":{"status_code":2056,"status_msg":"usage limit exceeded"}}"#.into(), Is::RateLimited, "usage limit exceeded", "Wait"),
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
        (400, said("Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 150 instead."), Is::InvalidRequest, "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 150 instead.", "fewer tools"),
        (400, said("* tools[0].function_declarations: [FIELD_INVALID] At most 512 function declarations can be specified."), Is::InvalidRequest, "* tools[0].function_declarations: [FIELD_INVALID] At most 512 function declarations can be specified.", "fewer tools"),
        (404, said("Invalid URL (POST /v1/audio/speech)"), Is::Unsupported, "Invalid URL (POST /v1/audio/speech)", "choose another"),
        (403, said("You are not allowed to generate embeddings from this model"), Is::Unsupported, "You are not allowed to generate embeddings from this model", "choose another"),
        (404, said("No endpoints found that support image input"), Is::Unsupported, "No endpoints found that support image input", "choose another"),
        (400, said("Unsupported value: 'temperature' does not support 0.2 with this model."), Is::InvalidRequest, "Unsupported value: 'temperature' does not support 0.2 with this model.", "leave it out"),
        (400, said("Unsupported parameter: 'stop' is not supported with this model."), Is::InvalidRequest, "Unsupported parameter: 'stop' is not supported with this model.", "modelFamilies"),
        (400, said("`top_k` is deprecated for this model."), Is::InvalidRequest, "`top_k` is deprecated for this model.", "leave it out"),
        (404, said("Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'."), Is::Unsupported, "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.", "option protocol"),
        (200, r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#.into(), Is::RateLimited, "rate limit", "Wait"),
        (200, r#"{"base_resp":{"status_code":1000,"status_msg":"unknown error, 999"}}"#.into(), Is::Overloaded, "unknown error, 999", "later"),
        (200, r#"{"error":{"code":"1000","message":"Authentication Failed"}}"#.into(), Is::Unauthorized, "Authentication Failed", "not Portkey's"),
        (200, r#"{"error":{"code":"1234","message":"Network error, error id: 2025"}}"#.into(), Is::Overloaded, "Network error, error id: 2025", "later"),
        (429, said("This is a paid model. To use paid models, you need to add credits."), Is::QuotaExceeded, "This is a paid model. To use paid models, you need to add credits.", "billing"),
        (400, said("This organization has been disabled."), Is::Forbidden, "This organization has been disabled.", "forbids"),
        (400, r#"{"error":"The model has crashed without additional information. (Exit code: 6)"}"#.into(), Is::Overloaded, "The model has crashed without additional information. (Exit code: 6)", "later"),
        (200, r#"{"type":"error","error":{"type":"server_error","code":"rate_limit_exceeded","message":"Slow down"}}"#.into(), Is::RateLimited, "Slow down", "Wait"),
        (200, r#"{"error":{"type":"permission_error","code":"invalid_request_error","message":"No"}}"#.into(), Is::Forbidden, "No", ""),
        (200, r#"{"message":"Too many tokens, please wait before trying again."}"#.into(), Is::RateLimited, "Too many tokens, please wait before trying again.", "Wait"),
        (200, r#"{"message":"The system encountered an unexpected error during processing."}"#.into(), Is::Overloaded, "The system encountered an unexpected error during processing.", "later"),
        (200, r#"{"throttlingException":{"message":"Too many tokens, please wait"}}"#.into(), Is::RateLimited, "throttlingException: Too many tokens, please wait", "Wait"),
        (400, r#"{"Response":{"Error":{"Code":"AuthFailure","Message":"invalid signature"}}}"#.into(), Is::Unauthorized, "Response: invalid signature", "not Portkey's"),
        (400, r#"{"throttlingException":{"message":"Please wait"}}"#.into(), Is::RateLimited, "throttlingException: Please wait", "Wait"),
        // The provider's own error in the words of one that passes it on.
        (400, r#"{"message":"{\"error\":{\"message\":\"why\",\"code\":\"context_length_exceeded\"}}"}"#.into(), Is::InvalidRequest, "why", "context"),
        (400, said(r#"litellm.BadRequestError: OpenAIException - {\"error\":{\"message\":\"why\",\"type\":\"insufficient_quota\"}}"#), Is::QuotaExceeded, "litellm.BadRequestError: OpenAIException - why", "billing"),
        // LiteLLM's usual form: a code that is its status, a type that is a word for none, and how it went behind the error.
        (400, r#"{"error":{"message":"litellm.BadRequestError: OpenAIException - {\"error\":{\"message\":\"why\",\"code\":\"insufficient_quota\"}}. Received Model Group=x\nAvailable Model Group Fallbacks=None","type":"None","param":null,"code":"400"}}"#.into(), Is::QuotaExceeded, "litellm.BadRequestError: OpenAIException - why", "billing"),
        (400, r#"{"error":{"message":"litellm.BadRequestError: AnthropicException - b'{\"error\":{\"type\":\"billing_error\",\"message\":\"A\\'s \\\\\"b\\\\\"\"}}\\n'. Received Model Group=x\nAvailable Model Group Fallbacks=None","type":null,"param":null,"code":"400"}}"#.into(), Is::QuotaExceeded, r#"litellm.BadRequestError: AnthropicException - A's "b""#, "billing"),
        // What is behind it may be the same once more, and where it was thrown (claude-code-router#429), and it may be written
        // as Python writes it (modelscope#1495).
        (400, said(r#"Error from provider: {\"error\":{\"code\":\"1113\",\"message\":\"why\"}}Error: Error from provider: {\"error\":{\"message\":\"why\"}}\n at x.js"#), Is::QuotaExceeded, "Error from provider: why", "billing"),
        (500, r#"{"detail":"Error code: 400 - {'error': {'code': 'context_length_exceeded', 'message': \"it's so\", 'param': None, 'ok': True}, 'id': 'None'}"}"#.into(), Is::InvalidRequest, "Error code: 400 - it's so", "context"),
        (400, said(r#"Error: {'error': {'message': 'it\\'s \"so\"'}}"#), Is::InvalidRequest, r#"Error: it's "so""#, ""),
        (400, said(r#"Wrong: {'a': 'b}"#), Is::InvalidRequest, "Wrong: {'a': 'b}", ""),
        (400, r#"{"code":"1210","message":"Invalid API parameter"}"#.into(), Is::InvalidRequest, "Invalid API parameter", ""),
        (200, r#"{"code":"1210","message":"Invalid API parameter"}"#.into(), Is::InvalidRequest, "Invalid API parameter", ""),
        (200, r#"{"message":"It is gone","code":"3230","raw_status_code":400}"#.into(), Is::InvalidRequest, "It is gone", ""),
        (400, r#"{"fault":{"a":{"b":{"c":{"message":"why"}}}}}"#.into(), Is::InvalidRequest, "a: b: c: why", ""),
        (400, r#"{"x":{"y":1},"a":{"z":{"w":2},"b":{"error":"why"}}}"#.into(), Is::InvalidRequest, "a: b: why", ""),
        (400, said(r#"Wrong arguments: {\"message\":\"a\"}"#), Is::InvalidRequest, r#"Wrong arguments: {"message":"a"}"#, ""),
        (400, r#"{"success":false,"error":{"issues":[{"path":["messages",0],"message":"Required"}],"name":"ZodError"}}"#.into(), Is::InvalidRequest, "messages.0: Required", ""),
        (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.into(), Is::RateLimited, "Rate exceeded", "Wait"),
        (400, r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}"#.into(), Is::Unauthorized, "Authentication error", "not Portkey's"),
        (451, r#"{"error":{"message":"It is blocked.","type":"censorship_blocked"}}"#.into(), Is::ContentBlocked, "It is blocked.", "content filter"),
        (400, said("litellm.ContextWindowExceededError: x"), Is::InvalidRequest, "litellm.ContextWindowExceededError: x", "context"),
        (400, said("Request exceeds the maximum sequence length"), Is::InvalidRequest, "Request exceeds the maximum sequence length", "context"),
        (400, said("Prompt length 9 exceeds maximum 8"), Is::InvalidRequest, "Prompt length 9 exceeds maximum 8", "context"),
        (400, said("Conversation too long: 9 tokens"), Is::InvalidRequest, "Conversation too long: 9 tokens", "context"),
        (200, r#"{"message":"Requests per minute limit exceeded","type":"too_many_requests_error"}"#.into(), Is::RateLimited, "Requests per minute limit exceeded", "Wait"),
        (400, r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"content_filter","content_filter_results":{"error":{"code":"content_filter","message":"Blocked by label 'Violence'."}}}]}"#.into(), Is::ContentBlocked, "choices: content_filter_results: Blocked by label 'Violence'.", "content filter"),
        // OpenCode Zen's, of a model that it lists.
        (424, r#"{"error":{"type":"ModelErrorException","message":"The model failed."}}"#.into(), Is::Overloaded, "The model failed.", "fallback"),
        (401, r#"{"type":"error","error":{"type":"ModelError","message":"Model x is not supported"}}"#.into(), Is::NotFound, "Model x is not supported", "model id"),
        (404, said("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."), Is::InvalidRequest, "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", "a new one"),
        (400, said("Item 'rs_1' of type 'reasoning' was provided without its required following item."), Is::InvalidRequest, "Item 'rs_1' of type 'reasoning' was provided without its required following item.", "a new one"),
        (500, said("input (4002 tokens) is too large to process. increase the physical batch size (current batch size: 512)"), Is::InvalidRequest, "input (4002 tokens) is too large to process. increase the physical batch size (current batch size: 512)", "shorten"),
        // As the event of a stream, behind the status of a failure.
        (400, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidApiKey\",\"message\":\"No such key\"}\n\n".into(), Is::Unauthorized, "No such key", ""),
        (429, "data: {\"error\":{\"message\":\"slow\"}}\n\ndata: [DONE]\n\n".into(), Is::RateLimited, "slow", "Wait"),
        (422, r#"{"a":{"b":1}}"#.into(), Is::InvalidRequest, r#"The gateway answered with HTTP status 422: {"a":{"b":1}}"#, ""),
        (446, r#"{"error":{"message":"denied.","type":"hooks_failed"},"hook_results":{"before_request_hooks":[{"verdict":false,"deny":true,"checks":[{"id":"default.contains","verdict":false,"data":{"explanation":"a bomb"}},{"id":"default.regex","verdict":true}]}]}}"#.into(), Is::ContentBlocked, "denied. (default.contains: a bomb)", "guardrail"),
    ] {
        let error = from_response(&head(status, ROUTED), body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{body}");
        assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{body}: {:?}", error.hint);
    }
}

/// In the words of more providers, each of another: what they say tells more than the status.
#[test]
fn words_of_every_provider() {
    for (status, kind, words) in [
        (
            400,
            Is::InvalidRequest,
            "Requested input length 200000 exceeds maximum input length 131071|Input length 140000 exceeds the \
            maximum length 131072|the number of input tokens 9000 cannot exceed the total tokens limit 8192|the max input characters is \
            11200|prompt token length 40000 exceeds max model len 32768|Total tokens of image and text exceed max message tokens|\
            max tokens of 100000 exceeded|tokens in request more than max tokens allowed|Context overflow: too large|上下文长度超出限制|\
            Total tokens 9000 exceeds the model's max limit|The total length of all messages is too long.|The request exceeds session_len 8192|max_tokens must be at least 1, got -500.",
        ),
        (
            403,
            Is::QuotaExceeded,
            "Insufficient account balance|not enough balance|token quota is not enough, need quota: $0.01|\
            资源包余量已用尽|You have exceeded your budget limit|This API method requires billing to be enabled|\
            You've reached your usage limit for this billing cycle|Your available balance is 0|You are out of budget|\
            Your prepaid balance has run out, please top up|Top up your account|Your account has an overdue balance|Please recharge|\
            Your current subscription plan does not yet include access to x|\
            Model x is not available on your current plan|Free quota exhausted|A valid credit card on file is required",
        ),
        (429, Is::QuotaExceeded, "Usage credits are required for fast mode."),
        (400, Is::Unauthorized, "API key doesn't match expected format."),
        (401, Is::QuotaExceeded, "No payment method. Add a payment method here: https://x"),
        (
            400,
            Is::QuotaExceeded,
            "your current token plan not support model, MiniMax-M2.5-highspeed (2061)|The long context beta is not yet available \
            for this subscription",
        ),
        (
            403,
            Is::QuotaExceeded,
            "Free tier users do not have access to this model. Please purchase credits|this model requires a subscription, \
            upgrade for access|Model access is denied due to INVALID_PAYMENT_INSTRUMENT: A valid payment instrument must be \
            provided|You need a Grok subscription|Your organization has no credits",
        ),
        (
            403,
            Is::ContentBlocked,
            "Your chosen model requires moderation and your input was flagged for \"violence\". No credits were charged.",
        ),
        (400, Is::ContentBlocked, "Violated guardrail policy"),
        (
            429,
            Is::RateLimited,
            "Your usage pattern does not comply with the Fair Usage Policy: the frequency has been limited",
        ),
        (403, Is::Unauthorized, "Bearer Token has expired"),
        (
            404,
            Is::Forbidden,
            "No endpoints available matching your guardrail restrictions and data policy|Model use case details have not been \
            submitted for this account",
        ),
        (401, Is::Forbidden, "You have insufficient permissions for this operation. Missing scopes: model.request."),
        (410, Is::NotFound, "Llama-3.1 is deprecated"),
        (502, Is::NotFound, "unknown provider for model gpt-5"),
        (400, Is::NotFound, "Unsupported model: foo"),
        (
            429,
            Is::RateLimited,
            "The requested model is temporarily at capacity upstream. This is not your API key's rate limit, please retry shortly",
        ),
        (403, Is::QuotaExceeded, "User is locked. Reason: TOP_UP."),
        (400, Is::Unsupported, "tools is not supported in this model. For a list of supported models, refer to x"),
        (
            403,
            Is::ContentBlocked,
            "Prompt rejected by safety filter|The image was rejected by our content moderation|Content blocked: PII detected|\
            Potentially harmful content detected",
        ),
        (498, Is::Overloaded, "Flex tier capacity exceeded"),
        (
            429,
            Is::QuotaExceeded,
            "Your project has exceeded its monthly spending cap|Organization has reached its spend limit|\
            You are using a Trial key, which is limited to 1000 API calls / month",
        ),
        (429, Is::RateLimited, "You are using a Trial key, which is limited to 40 API calls / minute"),
        (
            200,
            Is::RateLimited,
            "exceeds the limit of 40,000 input tokens per minute: rate limit|Open api qps request limit reached",
        ),
        (
            400,
            Is::ContentBlocked,
            "Output blocked by content filtering policy|the input text may contain risk|This prompt contains \
            sensitive words|Request Moderated|content blocked by safeguard model|NSFW content detected|blocked due to RECITATION|\
            ContentPolicyViolationError: filtered|the content of the request is unsafe|flagged as unsafe|\
            Invalid prompt: your prompt was flagged as odd|The model's safeguards flagged this message|contains NSFW",
        ),
        (
            403,
            Is::Unauthorized,
            "Please make sure your API Key is valid.|The API key you provided is invalid.|Method doesn't allow \
            unregistered callers",
        ),
        (
            400,
            Is::Forbidden,
            "User location is not supported for the API use.|Your organization must be verified to stream this model|\
            The model `x` requires terms acceptance",
        ),
        (
            400,
            Is::NotFound,
            "Model Not Exist|Model does not exist.|Model not found: x|Invalid model 'x'.|No such model @cf/x|\
            The requested model is not supported.|Unable to access non-serverless model x|模型不存在|The requested model 'x' is not \
            supported by any provider|The 'x' model is not supported when using Codex with a ChatGPT account.|\
            Invocation of model ID x with on-demand throughput isn't supported.|This model version has reached the end of its life.",
        ),
        (
            404,
            Is::NotFound,
            "Function 'x': Not found for account 'y'|model 'x' was removed on September 15, 2025. See y for models you can use",
        ),
        (
            400,
            Is::NotFound,
            "The supported API model names are x or y, but you passed z.|Model x is not supported. Supported models are ['y']",
        ),
        (
            400,
            Is::Overloaded,
            "Model unloaded by user or system|No models loaded. Please load a model in the developer page",
        ),
        (403, Is::QuotaExceeded, "Budget limit reached for models"),
        (
            200,
            Is::Overloaded,
            "This model is currently experiencing high demand.|An error occurred while processing your request.|\
            Bad gateway|系统繁忙|当前负载过高|CUDA out of memory|The server is busy|model is loading",
        ),
        (200, Is::Timeout, "deadline exceeded|请求超时|504 Gateway Time-out"),
        (
            200,
            Is::Unauthorized,
            "Invalid token|access token expired|Could not validate credentials|鉴权失败|api_key_invalid",
        ),
        (403, Is::Unauthorized, "This API key has been disabled|API key has been revoked"),
        (400, Is::Overloaded, "Function id 'x' version 'null': DEGRADED function cannot be invoked"),
        (503, Is::NotFound, "当前分组 default 下对于模型 x 无可用渠道"),
        (
            500,
            Is::Unsupported,
            "image input is not supported - hint|tools param requires --jinja flag|embed: thinking is not enabled",
        ),
        (
            400,
            Is::Unsupported,
            "This model doesn't support the video content block that you provided.|x is not a multimodal model|At most 0 image(s) may be provided|This model doesn't support tool use.|\
            `tool calling` is not supported with this model|Function calling is not enabled for x|The model is not a VLM|\
            Image input not supported for model x|tools are not supported by the provided model|this model is missing data required \
            for image input",
        ),
        (
            400,
            Is::InvalidRequest,
            "This model supports at most 16384 completion tokens, whereas you provided 100000.|messages with \
            role 'tool' must be a response to a message with 'tool_calls'.|image exceeds 5 MB maximum|budget_tokens must be less than \
            max_tokens|Request timeout must be a number|function call turn comes immediately after a user turn|string too long. \
            Expected a string with maximum length 64|Unsupported value: 'messages[0].role' does not support 'system' with this model.|image type x is not supported|tool name is too long|case-sensitive field",
        ),
    ] {
        for words in words.split('|').filter(|words| !words.is_empty()) {
            let body = serde_json::json!({ "error": { "message": words } }).to_string();
            let error = from_response(&head(status, ROUTED), body.as_bytes());
            assert_eq!(error.kind, kind, "{words}: {:?}", error.hint);
        }
    }
    let no_model = from_response(&head(404, ROUTED), br#"{"error":{"message":"The model 'x' is unsupported"}}"#);
    assert_eq!(no_model.kind, Is::NotFound);
    for words in
        ["This violates OpenAI's usage policy", "It is against the usage policies", "It violates our usage policies"]
    {
        let body = serde_json::json!({ "error": { "message": words } }).to_string();
        assert_eq!(from_response(&head(400, ROUTED), body.as_bytes()).kind, Is::ContentBlocked, "{words}");
    }
    // What LiteLLM takes for a context's end, of OpenAI and Bedrock, and LM Studio's, but not any text that is too long.
    for (words, is_context) in [
        (
            "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576, but got 2000000",
            true,
        ),
        ("Invalid 'user': string too long. Expected a string with maximum length 64, but got 80 instead.", false),
        ("Cannot truncate prompt with n_keep (12000) >= n_ctx (4096)", true),
        ("Malformed input request: expected maxLength: 50000, actual: 60000, please reformat your input", true),
    ] {
        let body = serde_json::json!({ "error": { "message": words } }).to_string();
        let error = from_response(&head(400, ROUTED), body.as_bytes());
        assert_eq!(error.hint.is_some_and(|hint| hint.contains("context")), is_context, "{words}");
    }
    // Of a conversation that its provider does not take up again.
    for words in [
        "Previous response with id 'resp_1' not found.",
        "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",
        "The encrypted content gAAA could not be verified.",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "Corrupted thought signature.",
        "Function call is missing a thought_signature in functionCall parts.",
    ] {
        let body = serde_json::json!({ "error": { "message": words } }).to_string();
        let error = from_response(&head(400, ROUTED), body.as_bytes());
        assert!(
            error.kind == Is::InvalidRequest && error.hint.is_some_and(|hint| hint.contains("a new one")),
            "{words}"
        );
    }
    // A field that is refused, in the words of each.
    for words in [
        "Unrecognized request argument supplied: reasoning_effort",
        "thinking.type.enabled is not supported for this model. Use thinking.type.adaptive and output_config.effort",
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
        "body.messages.2.assistant.reasoning_content: Extra inputs are not permitted",
        "Argument not supported on this model: presencePenalty",
        "Model grok-4 does not support parameter reasoningEffort.",
        "deepseek-reasoner does not support the parameter `presence_penalty`",
        "litellm.UnsupportedParamsError: anthropic does not support parameters: ['parallel_tool_calls'], for model=x.",
        "Validation: Unsupported parameter(s): `reasoning_effort`",
        "Malformed input request: #: extraneous key [reasoning_effort] is not permitted, please reformat your input",
        "Invalid JSON payload received. Unknown name \"store\": Cannot find field.",
    ] {
        let body = serde_json::json!({ "error": { "message": words } }).to_string();
        let error = from_response(&head(400, ROUTED), body.as_bytes());
        assert_eq!(error.kind, Is::InvalidRequest, "{words}");
        assert!(error.hint.is_some_and(|hint| hint.contains("refuses this field")), "{words}");
    }
    // What the user named is no word of the provider's.
    for words in [
        "openai error: Invalid schema for function 'get_spending': schema must be of type object",
        "Invalid schema for function 'set_api_key': x is not valid",
        "Invalid schema for function 'f': In context=('properties', 'api_key'), x is not valid",
        "Invalid schema for function 'flagged_items': x",
        "Invalid schema for response_format 'overdue': x",
        "Function get_car_model not found in tools",
        "Invalid value for 'tool_choice': Tool choice 'car_model' not found in 'tools' parameter.",
        "tool_choice: Tool 'model' not found in provided tools",
        "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[flagged].items: missing field.",
        "Duplicate tool: get_spending",
        "Duplicate tool: flagged_items",
        "Duplicate tool: list_overdue",
        "Duplicate tool: recharge_card",
        "Duplicate tool: check_safeguard",
        "Duplicate tool: nsfw_score",
        "Duplicate tool: plan_recitation",
        "A desktop update is not a role",
        "'n' must be 1 when using this model",
    ] {
        let body = serde_json::json!({ "error": { "message": words } }).to_string();
        let error = from_response(&head(400, ROUTED), body.as_bytes());
        assert_eq!(error.kind, Is::InvalidRequest, "{words}: {:?}", error.hint);
    }
    for (status, names, kind) in [
        (429, r#""type":"engine_overloaded_error""#, Is::Overloaded),
        (429, r#""code":"ServerOverloaded""#, Is::Overloaded),
        (429, r#""code":"SetLimitExceeded""#, Is::QuotaExceeded),
        (401, r#""code":"pre_consume_token_quota_failed""#, Is::QuotaExceeded),
        (413, r#""code":"tokens_limit_reached""#, Is::InvalidRequest),
        (400, r#""code":"SensitiveContentDetected.SevereViolation""#, Is::ContentBlocked),
        (400, r#""type":"content_policy_violation""#, Is::ContentBlocked),
        (400, r#""code":"model_not_supported""#, Is::NotFound),
        (400, r#""code":"context_overflow""#, Is::InvalidRequest),
        (429, r#""__type":"ModelNotReadyException""#, Is::Overloaded),
        (403, r#""code":1311"#, Is::QuotaExceeded),
        (429, r#""code":"1309""#, Is::QuotaExceeded),
        (429, r#""code":"credit_balance_exhausted""#, Is::QuotaExceeded),
        (403, r#""code":"CommodityNotPurchased""#, Is::QuotaExceeded),
        (401, r#""type":"key_model_access_denied""#, Is::Forbidden),
        (524, r#""code":"x""#, Is::Timeout),
        // Google's limit in a gateway's envelope (litellm's `_get_body_error_code`).
        (503, r#""code":429,"status":"RESOURCE_EXHAUSTED""#, Is::RateLimited),
        // Groq's, of what its model wrote.
        (400, r#""type":"invalid_request_error","code":"tool_use_failed""#, Is::Overloaded),
        (400, r#""type":"invalid_request_error","code":"json_validate_failed""#, Is::Overloaded),
        // OpenAI's, midway too (litellm#8020).
        (200, r#""type":"model_error","code":null"#, Is::Overloaded),
        (499, r#""status":"CANCELLED""#, Is::Timeout),
        (451, r#""code":"x""#, Is::Forbidden),
        (200, r#""code":"1033""#, Is::Overloaded),
        (200, r#""code":"1041""#, Is::RateLimited),
    ] {
        let body = format!(r#"{{"error":{{"message":"x",{names}}}}}"#);
        assert_eq!(from_response(&head(status, ROUTED), body.as_bytes()).kind, kind, "{names}");
    }
}

/// A refused key is one, whoever refuses it, and whatever the status: without an `error` it counts as the gateway's.
#[test]
fn a_refused_key_without_an_error() {
    for (status, body) in [
        (200, r#"{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"x"}"#),
        (403, r#"{"message":"The security token included in the request is expired"}"#),
    ] {
        let error = from_response(&head(status, BARE), body.as_bytes());
        assert_eq!(
            (error.kind, error.origin, error.hint.as_deref()),
            (Is::Unauthorized, Gateway, Some(CHECK_KEY)),
            "{body}"
        );
    }
}

#[test]
fn codes_in_a_list_of_errors() {
    let body = r#"{"errors":[{"code":"authentication_token_expired","message":"expired"}],"status_code":401}"#;
    for status in [401, 200] {
        let error = from_response(&head(status, BARE), body.as_bytes());
        assert_eq!((error.kind, error.code.as_deref()), (Is::Unauthorized, Some("authentication_token_expired")));
    }
}

/// Behind a status of success a failure may name its own, beside a code that is a word.
#[test]
fn a_failure_names_its_own_status() {
    for (body, kind) in [
        (r#"{"errors":[{"code":"downstream_request_failed","message":"x"}],"status_code":500}"#, Is::Overloaded),
        (r#"{"errors":[{"code":"consumption_limit_reached","message":"x"}],"status_code":429}"#, Is::RateLimited),
        (r#"{"error":{"message":"x","type":"y","code":"z","status_code":400}}"#, Is::InvalidRequest),
        (r#"{"error":{"message":"x","code":"z"},"statusCode":"403"}"#, Is::Forbidden),
        (r#"{"error":{"message":"x","code":"429"},"status":500}"#, Is::RateLimited),
        (r#"{"error_code":429,"error_msg":"x"}"#, Is::RateLimited),
        (r#"{"Error":{"Code":503,"Message":"x"}}"#, Is::Overloaded),
        (r#"{"error":503,"message":"x"}"#, Is::Overloaded),
        (r#"{"error":{"message":"x","code":7}}"#, Is::Other),
        (r#"{"error":{"code":"1302","message":"x"}}"#, Is::RateLimited),
        (r#"{"code":"rate_limit_daily","message":"Error code: 429 - x"}"#, Is::RateLimited),
        (r#"{"base_resp":{"status_code":2049,"status_msg":"invalid api key"}}"#, Is::Unauthorized),
        (r#"{"error":{"code":"insufficient_user_quota","message":"user quota is not enough"}}"#, Is::QuotaExceeded),
        (r#"{"error":{"message":"Tokens per minute limit exceeded"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"Request rate increased too quickly"}}"#, Is::RateLimited),
        (
            r#"{"error":{"message":"You exceeded your current requests list.","type":"limit_requests"}}"#,
            Is::RateLimited,
        ),
        (r#"{"base_resp":{"status_code":2013,"status_msg":"invalid params, empty"}}"#, Is::InvalidRequest),
        // A limit of tokens is not the model's context.
        (r#"{"error":{"code":429,"message":"The input token limit is reached"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"Limit of input tokens per day reached"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"Limit of input tokens: 8192"}}"#, Is::InvalidRequest),
        // Nor is a number that holds one of a code's.
        (r#"{"error":{"message":"x","code":"11130"}}"#, Is::Other),
        (r#"{"error":{"message":"x","code":"1113"}}"#, Is::QuotaExceeded),
        (r#"{"error":{"message":"x","code":"213010"}}"#, Is::Other),
        (r#"{"error":{"message":"x","type":"rate_limit_reached_error"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"x","type":"slow_down"}}"#, Is::Overloaded),
        (r#"{"errors":[{"code":"token_quota_reached","message":"x"}],"status_code":403}"#, Is::QuotaExceeded),
        (r#"{"error":"You have exceeded your monthly included credits."}"#, Is::QuotaExceeded),
        (r#"{"error":{"message":"Request failed during generation","code":424}}"#, Is::Overloaded),
        (r#"{"predictions":[{"raiFilteredReason":"Unable to show generated images."}]}"#, Is::ContentBlocked),
        // Parts of other words are none.
        (r#"{"error":{"message":"HttpMessageNotReadableException: x"}}"#, Is::Other),
        (r#"{"error":{"message":"The airpmode is odd"}}"#, Is::Other),
        (r#"{"error":{"message":"Nobody studied this"}}"#, Is::Other),
        (r#"{"error":{"message":"Error uploading the image"}}"#, Is::Other),
        (r#"{"error":{"message":"Limit of RPM reached"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"The limit (TPM) is reached"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"The worker died"}}"#, Is::Overloaded),
        (r#"{"error":{"message":"RPM limit reached"}}"#, Is::RateLimited),
        (r#"{"error":{"message":"Loading model"}}"#, Is::Overloaded),
        (r#"{"error":{"message":"Model x is currently loading"}}"#, Is::Overloaded),
        // What is told midway alone: of Copilot, Bedrock twice, Zhipu and TabbyAPI.
        (r#"{"error":{"message":"Sorry, you have been rate-limited.","code":"rate_limited"}}"#, Is::RateLimited),
        (
            r#"{"modelStreamErrorException":{"message":"Model produced invalid sequence as part of ToolUse."}}"#,
            Is::Overloaded,
        ),
        (r#"{"validationException":{"message":"The text field is blank"}}"#, Is::InvalidRequest),
        (r#"{"error":{"code":"1234","message":"网络错误，错误id：x，请稍后重试"}}"#, Is::Overloaded),
        (r#"{"error":{"message":"Chat completion aborted. Please check the server console."}}"#, Is::Overloaded),
    ] {
        assert_eq!(from_response(&head(200, BARE), body.as_bytes()).kind, kind, "{body}");
    }
}

#[test]
fn messages_are_what_a_person_reads() {
    let message = |body: &str| from_response(&head(500, BARE), body.as_bytes()).message;
    assert_eq!(message(r#"{"error":{"message":"inner"},"message":"outer"}"#), "inner");
    assert_eq!(message(r#"{"message":"outer","errors":["why"]}"#), "outer (why)");
    assert_eq!(message(r#"{"detail":"fast"}"#), "fast");
    assert_eq!(message(r#"{"error":"short","error_description":"long"}"#), "short: long");
    assert_eq!(message(r#"{"error":"short","details":"long"}"#), "short: long");
    assert_eq!(message("<title> 502\nBad Gateway </title>"), "502 Bad Gateway");
    assert_eq!(message("<p>a</p><style>p{}</style><p>b</p>"), "a b");
    let fields = r#"{"error":{"message":"invalid.","details":[{"x":1},{"fieldViolations":[{"field":"f","description":"too deep"}]}]}}"#;
    assert_eq!(message(fields), "invalid. (too deep)");
    assert_eq!(message(""), "The gateway answered with HTTP status 500");
    let page = from_response(&head(403, BARE), b"<title>Attention Required! | Cloudflare</title>");
    assert_eq!((page.kind, page.origin), (Is::Forbidden, Network));
    assert!(page.hint.unwrap().contains("firewall"));
    let store = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No access</Message></Error>";
    let store = from_response(&head(403, BARE), store);
    assert_eq!((store.kind, store.origin, &*store.message), (Is::Forbidden, Upstream, "AccessDenied No access"));
    assert!(store.hint.unwrap().contains("its key"));
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
        assert_eq!(malformed(&ok, "no", body.as_bytes()).message, "x", "{body}");
    }
    for body in [
        "{}", r#"{"error":null}"#, r#"{"error":{}}"#, r#"{"error":""}"#, r#"{"error":false}"#,
        r#"{"status":"completed"}"#, "[]", "nonsense",
    ] {
        assert_eq!(malformed(&ok, "no", body.as_bytes()).kind, Is::Protocol, "{body}");
    }
    let page = malformed(&ok, "no", b" <!DOCTYPE html><html>");
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
        ("Please try again in 3 hours", Some(10_800_000)),
        ("Please try again in 1h2m3.5s.", Some(3_723_500)),
        ("Please wait 20 seconds before retrying.", Some(20_000)),
        ("Please wait a moment.", None),
        ("Your limit resets in 2h.", Some(7_200_000)),
        ("Weekly usage limit reached. It will reset in 10 hours 27 minutes", Some(37_620_000)),
        ("Please wait for 15 seconds and try again", Some(15_000)),
        ("Please wait before you ask again, wait 30s", Some(30_000)),
        ("Do not try again in 5; retry after 6 seconds", Some(6000)),
        ("Please try again in 500 milliseconds", Some(500)),
        ("Please wait 10 seconds before sending 5 messages", Some(10_000)),
        ("Please try again in 1 hour, 2 minutes and 3 seconds.", Some(3_723_000)),
        ("Please try again in 2min", Some(120_000)),
        ("Please try again after 2026-11-30T00:00:00Z", None),
    ] {
        let body = format!(r#"{{"error":{{"message":"{words}"}}}}"#);
        assert_eq!(from_response(&head(429, BARE), body.as_bytes()).retry_after_ms, expected, "{words}");
    }
    let google =
        r#"{"error":{"message":"exhausted","details":[{"@type":"x/google.rpc.RetryInfo","retryDelay": "34.5s"}]}}"#;
    assert_eq!(from_response(&head(429, BARE), google.as_bytes()).retry_after_ms, Some(34_500));
    for (body, expected) in [
        (r#"{"error":{"message":"x","retry_after":3}}"#, Some(3000)),
        (r#"{"retry_after": "2.5"}"#, Some(2500)),
        (r#"{"retryAfter":7}"#, Some(7000)),
        (r#"{"retry_after_seconds":12}"#, Some(12_000)),
        (r#"{"retryAfterMs":250}"#, Some(250)),
        (r#"{"retryAfterMillis":1500}"#, Some(1500)),
        (r#"{"retry_after_ms":250}"#, Some(250)),
        (r#"{"retry_after_minutes":2}"#, Some(120_000)),
        (r#"{"headers":{"Retry-After-Ms":"250"}}"#, Some(250)),
        (r#"{"retry_after_max":30}"#, None),
        (r#"{"error":{"metadata":{"headers":{"Retry-After":"30"}}}}"#, Some(30_000)),
        (r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":100}}"#, Some(100_000)),
        (r#"{"retryAfter":"2026-11-30T00:00:00Z"}"#, None),
        (r#"{"retry_after":null,"error":{"retry_after":3}}"#, Some(3000)),
        (r#"{"retry_after":"2026-11-30T00:00:00Z","retryAfter":3}"#, Some(3000)),
    ] {
        assert_eq!(from_response(&head(429, BARE), body.as_bytes()).retry_after_ms, expected, "{body}");
    }
    let until = |date: &str, after: &str| wait(&[("date", date), ("retry-after", after)]);
    for (now, after, expected) in [
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:30 GMT", Some(30_000)),
        ("Thu, 31 Dec 2026 23:59:59 GMT", "Fri, 01 Jan 2027 00:01:00 GMT", Some(61_000)),
        ("Mon, 28 Feb 2028 12:00:00 GMT", "Wed, 01 Mar 2028 12:00:00 GMT", Some(2 * 86_400_000)),
        ("Sun, 28 Feb 2027 12:00:00 GMT", "Mon, 01 Mar 2027 12:00:00 GMT", Some(86_400_000)),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", Some(0)),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Foo 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "x, 18446744073709551615 Oct 2026 07:28:00 GMT", None),
        ("today", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        // Days and numbers that are none.
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 18446744073709551615 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 99999999999999999 Oct 2026 07:28:00 GMT", None),
        ("Wed, 213503982334601 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 32 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 00 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 ctN 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21  2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", ", : : : :", None),
    ] {
        assert_eq!(until(now, after), expected, "{after}");
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
