//! What the hosted gateway does and the open-source one cannot be made to do: its error codes, its catalog, its odd
//! streams. Each comes from the stand-in; the shapes are Portkey's.

use host_harness::{
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
    wit::chat::{AssistantPart, Event, FinishReason},
};

use crate::support::{ask, before_hosted, events, hosted, provider, streamed, weather_tool};

/// Name of the fault, kind, origin, status, and a word that the hint must hold.
pub const REFUSALS: &[(&str, Kind, Origin, u16, &str)] = &[
    ("invalid-key", Kind::Unauthorized, Origin::Gateway, 401, "Portkey"),
    ("expired-key", Kind::Unauthorized, Origin::Gateway, 401, ""),
    ("forbidden", Kind::Forbidden, Origin::Gateway, 403, ""),
    ("key-budget", Kind::QuotaExceeded, Origin::Gateway, 412, ""),
    ("key-rate-limit", Kind::RateLimited, Origin::Gateway, 429, ""),
    ("no-provider", Kind::InvalidConfig, Origin::Gateway, 400, "@"),
    ("unknown-slug", Kind::InvalidConfig, Origin::Gateway, 400, "@"),
    ("unknown-config", Kind::InvalidConfig, Origin::Gateway, 400, ""),
    ("invalid-config", Kind::InvalidConfig, Origin::Gateway, 400, ""),
    ("locked-config", Kind::InvalidConfig, Origin::Gateway, 400, ""),
    ("inline-config-blocked", Kind::InvalidConfig, Origin::Gateway, 400, "pc-"),
    ("no-permission", Kind::Forbidden, Origin::Gateway, 403, ""),
    ("too-large", Kind::InvalidRequest, Origin::Gateway, 413, ""),
    ("404-html", Kind::InvalidConfig, Origin::Network, 404, "base URL"),
    ("key-budget-provider", Kind::QuotaExceeded, Origin::Gateway, 412, ""),
    ("expired-provider", Kind::Unauthorized, Origin::Gateway, 401, ""),
    ("provider-rate-limit", Kind::RateLimited, Origin::Gateway, 429, ""),
    ("guardrail", Kind::ContentBlocked, Origin::Gateway, 446, "guardrail"),
    ("request-timeout", Kind::Timeout, Origin::Gateway, 408, ""),
    ("400", Kind::InvalidRequest, Origin::Upstream, 400, ""),
    ("401", Kind::Unauthorized, Origin::Upstream, 401, "provider"),
    ("404", Kind::NotFound, Origin::Upstream, 404, "@"),
    ("429", Kind::RateLimited, Origin::Upstream, 429, ""),
    ("quota", Kind::QuotaExceeded, Origin::Upstream, 429, ""),
    ("500", Kind::Overloaded, Origin::Upstream, 500, ""),
    ("502", Kind::Overloaded, Origin::Upstream, 502, ""),
    ("503", Kind::Overloaded, Origin::Upstream, 503, ""),
];

#[tokio::test]
async fn each_refusal_has_its_kind_origin_status_and_hint() {
    let (_stub, provider) = before_hosted().await;
    for &(fault, kind, origin, status, hint) in REFUSALS {
        let request = ask(&format!("@openai/fault/{fault}"), "hello");
        for error in [provider.complete(&request).await.unwrap_err(), provider.stream(&request).await.unwrap_err()] {
            let record = error.record();
            assert_eq!(
                (record.kind, record.origin, record.status),
                (kind, origin, Some(status)),
                "{fault}: {record:?}"
            );
            assert!(record.hint.as_deref().unwrap_or_default().contains(hint), "{fault}: {record:?}");
            assert!(record.request_sent && !record.message.is_empty(), "{fault}: {record:?}");
        }
    }
}

#[tokio::test]
async fn codes_waiting_times_and_trace_ids_come_through() {
    let (_stub, provider) = before_hosted().await;
    let error = |fault| {
        let request = ask(&format!("fault/{fault}"), "hello");
        let provider = provider.clone();
        async move { provider.complete(&request).await.unwrap_err().record().clone() }
    };
    assert_eq!(error("invalid-key").await.code.as_deref(), Some("03"));
    assert_eq!(error("inline-config-blocked").await.code.as_deref(), Some("inline_config_blocked"));
    assert_eq!(error("no-permission").await.code.as_deref(), Some("AB03"));
    assert_eq!(error("404").await.code.as_deref(), Some("model_not_found"));
    assert_eq!(error("429").await.retry_after_ms, Some(2000));
    assert_eq!(error("429-ms").await.retry_after_ms, Some(1500));
    assert!(error("429").await.trace_id.is_some_and(|id| !id.is_empty()));
}

/// Status 200, and yet no answer.
#[tokio::test]
async fn a_success_that_is_none_is_an_error() {
    let (_stub, provider) = before_hosted().await;
    for fault in ["200-error", "200-html", "200-empty", "200-bad-json", "200-no-choices", "redirect", "redirect-307"] {
        let request = ask(&format!("fault/{fault}"), "hello");
        assert!(provider.complete(&request).await.is_err(), "{fault}");
        assert!(events(&provider, &request).await.is_err(), "{fault}, streamed");
    }
}

#[tokio::test]
async fn streams_that_are_odd_but_right_say_the_same() {
    let (_stub, provider) = before_hosted().await;
    let plain = streamed(&provider, &ask("gpt", "héllo wörld")).await.unwrap().text().replace("gpt", "");
    assert!(plain.contains("héllo wörld"), "{plain}");
    for fault in [
        "crlf", "cr", "comments", "event-lines", "multi-line", "no-newline", "bytewise", "whole", "usage-twice",
        "usage-in-choice",
    ] {
        let model = format!("fault/{fault}");
        let response =
            streamed(&provider, &ask(&model, "héllo wörld")).await.unwrap_or_else(|e| panic!("{fault}: {e:?}"));
        assert_eq!(response.text().replace(&model, ""), plain, "{fault}");
        assert_eq!(response.finish_reason, FinishReason::Stop, "{fault}");
        assert!(response.usage.is_some_and(|usage| usage.output_tokens > 0), "{fault}");
    }
}

#[tokio::test]
async fn streams_that_break_are_never_a_short_success() {
    let (_stub, provider) = before_hosted().await;
    for (fault, kinds) in [
        ("cut", &[Kind::Truncated][..]),
        ("reset", &[Kind::Transport, Kind::Truncated]),
        ("error-event", &[Kind::Overloaded]),
        ("error-finish", &[Kind::Overloaded]),
        ("bad-event", &[Kind::Protocol]),
    ] {
        let mut reply = provider.stream(&ask(&format!("fault/{fault}"), "a question of some words")).await.unwrap();
        let mut seen = Vec::new();
        let error = loop {
            match reply.next().await {
                Ok(Some(events)) => seen.extend(events),
                Ok(None) => panic!("{fault}: a stream that broke ended well, after {seen:?}"),
                Err(error) => break error,
            }
        };
        assert!(kinds.contains(&error.kind()), "{fault}: {error:?}");
        assert!(seen.iter().any(|event| matches!(event, Event::Text(_))), "{fault}: what arrived is kept");
        assert!(matches!(reply.next().await, Ok(None)), "{fault}: over is over");
    }
    // A finish reason is enough, [DONE] alone is not.
    streamed(&provider, &ask("fault/no-done", "hello")).await.unwrap();
    let error = streamed(&provider, &ask("fault/no-finish", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Truncated, "{error:?}");
}

#[tokio::test]
async fn guardrail_results_are_found_wherever_they_come() {
    let (_stub, provider) = before_hosted().await;
    for fault in ["guardrail-soft", "guardrail-late"] {
        let response = streamed(&provider, &ask(&format!("fault/{fault}"), "hello")).await.unwrap();
        assert!(response.guardrails_json.unwrap().contains("before_request_hooks"), "{fault}");
        assert_eq!(response.finish_reason, FinishReason::Stop, "{fault}");
    }
    let whole = provider.complete(&ask("fault/guardrail-soft", "hello")).await.unwrap();
    assert!(whole.guardrails_json.unwrap().contains("default.contains"));
}

#[tokio::test]
async fn reasoning_signatures_and_cached_tokens_arrive() {
    let (_stub, provider) = before_hosted().await;
    let request = ask("fault/content-blocks", "think about it");
    for response in [provider.complete(&request).await.unwrap(), streamed(&provider, &request).await.unwrap()] {
        let [AssistantPart::Thinking(thinking), AssistantPart::Text(said)] = &response.content[..] else {
            panic!("{:?}", response.content)
        };
        assert!(thinking.text.contains("think about it") && thinking.signature.is_some(), "{thinking:?}");
        assert_eq!(said.matches("think about it").count(), 1, "text is not counted twice: {said}");
    }

    // Through Portkey, Anthropic's prompt_tokens leave out what came from the cache; ours never do.
    let usage = provider.complete(&ask("fault/cached", "hello")).await.unwrap().usage.unwrap();
    assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (Some(1000), Some(200)), "{usage:?}");
    assert!(usage.input_tokens > 1200, "{usage:?}");
}

#[tokio::test]
async fn tool_calls_without_index_stay_apart() {
    let (_stub, provider) = before_hosted().await;
    let mut request = ask("fault/no-index", "call get_weather and get_time");
    request.tools = vec![weather_tool("get_weather"), weather_tool("get_time")];
    let response = streamed(&provider, &request).await.unwrap();
    let names: Vec<_> = response.tool_calls().map(|call| &*call.name).collect();
    assert_eq!(names, ["get_weather", "get_time"]);
}

/// Every page of the hosted catalog, each model once.
#[tokio::test]
async fn the_whole_catalog_is_listed() {
    let stub = hosted().await;
    let models = provider(stub.base_url()).await.models().await.unwrap();
    let ids: std::collections::BTreeSet<_> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids.len(), models.len(), "a model stands twice");
    assert!(ids.contains("@anthropic/claude-sonnet-4-5"), "{ids:?}");
    assert!(stub.requests().len() > 1, "the stand-in's catalog has several pages");
    assert_eq!(models.len(), 48, "as README.md says");
}
