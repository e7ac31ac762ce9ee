//! Through the real open-source Portkey gateway, with the stand-in as the model provider behind it.

use host_harness::{
    Provider,
    types::{ErrorKind as Kind, ErrorOrigin as Origin, Media, MediaSource},
    wit::{
        chat::{AssistantPart, Event, FinishReason, Message, Response, ResponseFormat, ToolChoice, UserPart},
        images,
    },
};
use host_harness_stub::Stub;
use serde_json::{Value, json};

use crate::{
    portkey_gateway::{PortkeyGateway, UPSTREAM_KEY, config_for, fallback},
    support::{ask, before_hosted, events, plugin, setup, streamed, upstream, weather_tool},
};

/// The plugin before the real gateway, which sends everything where `config` says.
pub async fn through(config: &Value) -> Provider {
    through_with(config, &[]).await
}

/// The same with these options of the plugin.
pub async fn through_with(config: &Value, options: &[(&str, Value)]) -> Provider {
    let setup = setup(PortkeyGateway::shared().base_url()).header("x-portkey-config", config.to_string());
    let setup = options.iter().fold(setup, |setup, (name, value)| setup.option(*name, value.clone()));
    Provider::connect(&plugin().await, setup).await.unwrap()
}

/// The plugin before the real gateway, and behind that `stub`.
pub async fn before(stub: &Stub) -> Provider {
    through(&config_for(&stub.base_url())).await
}

/// The same before a stand-in for the model provider.
pub async fn before_upstream() -> (Stub, Provider) {
    let stub = upstream().await;
    let provider = before(&stub).await;
    (stub, provider)
}

/// An address of this machine where nobody listens.
fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/v1", free.local_addr().unwrap())
}

#[tokio::test]
async fn a_whole_reply() {
    let stub = upstream().await;
    let response = before(&stub).await.complete(&ask("gpt-5-mini", "Reply with exactly OK.")).await.unwrap();
    assert_eq!(response.text(), "OK.");
    assert_eq!(response.finish_reason, FinishReason::Stop);
    assert_eq!(response.model, "gpt-5-mini");
    let usage = response.usage.unwrap();
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0, "{usage:?}");
    assert_eq!(response.report.provider.as_deref(), Some("openai"));
    assert_eq!(response.report.cache_status.as_deref(), Some("DISABLED"));
    assert_eq!(response.report.retry_attempts, Some(0));
    assert_eq!(response.report.used_target.as_deref(), Some("config"));

    // The key of Portkey goes to Portkey, the provider's to the provider.
    let request = &stub.requests()[0];
    assert_eq!(request.header("authorization"), Some(format!("Bearer {UPSTREAM_KEY}").as_str()));
    assert_eq!(request.header("x-portkey-api-key"), None);
}

#[tokio::test]
async fn a_streamed_reply_comes_in_pieces() {
    let (stub, provider) = before_upstream().await;
    let events = events(&provider, &ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    assert!(matches!(&events[0], Event::Start(start) if start.model == "gpt-5-mini"), "{events:?}");
    let pieces = events.iter().filter(|event| matches!(event, Event::Text(_))).count();
    assert!(pieces > 3, "{events:?}");
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Finish(_))).count(), 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Usage(_))).count(), 1);

    let whole = provider.complete(&ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    let joined = streamed(&provider, &ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    assert_eq!(joined.text(), whole.text());
    assert_eq!(joined.usage, whole.usage);
    let body = stub.requests()[0].json();
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn all_of_a_request_arrives() {
    let stub = upstream().await;
    // Of no model that is known, so that nothing is made to fit for it.
    let mut request = ask("a-model", "what is in this picture?");
    request.messages.insert(0, Message::system("You are brief."));
    let png = Media { media_type: "image/png".into(), data: b"\x89PNG\r\n\x1a\n".to_vec() };
    request.messages.push(Message::User(vec![
        UserPart::Text("and here?".into()),
        UserPart::Image(MediaSource::Inline(png)),
        UserPart::Image(MediaSource::Url("https://images.example/cat.jpg".into())),
    ]));
    request.max_output_tokens = Some(50);
    request.temperature = Some(0.7);
    request.top_p = Some(0.9);
    request.stop = vec!["END".into()];
    request.seed = Some(7);
    request.reasoning_effort = Some("low".into());
    request.tools = vec![weather_tool("get_weather")];
    request.tool_choice = Some(ToolChoice::None);
    request.parallel_tool_calls = Some(false);
    request.extra_json = Some(r#"{"user": "u-1", "top_p": 0.5}"#.into());
    before(&stub).await.complete(&request).await.unwrap();

    let body = stub.requests()[0].json();
    assert_eq!(body["model"], "a-model");
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "You are brief."}));
    let parts = &body["messages"][2]["content"];
    assert_eq!(parts[0], json!({"type": "text", "text": "and here?"}));
    assert_eq!(parts[1]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(parts[2]["image_url"]["url"], "https://images.example/cat.jpg");
    assert_eq!(body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64()), Some(50), "{body}");
    assert_eq!(body["temperature"], json!(0.7));
    assert_eq!(body["stop"], json!(["END"]));
    assert_eq!(body["seed"], 7);
    assert_eq!(body["reasoning_effort"], "low");
    assert_eq!(body["tools"][0]["function"]["name"], "get_weather");
    assert_eq!(body["tools"][0]["function"]["parameters"]["required"], json!(["city"]));
    assert_eq!(body["tool_choice"], "none");
    assert_eq!(body["parallel_tool_calls"], false);
    assert_eq!(body["user"], "u-1");
    assert_eq!(body["top_p"], 0.5, "extra fields win");
}

/// Two calls at once, their fragments interleaved; then their results go back.
#[tokio::test]
async fn a_round_of_tools() {
    let (stub, provider) = before_upstream().await;
    let mut request = ask("gpt-5-mini", "Use get_weather and get_time for Paris.");
    request.tools = vec![weather_tool("get_weather"), weather_tool("get_time")];
    request.tool_choice = Some(ToolChoice::Auto);
    let whole = provider.complete(&request).await.unwrap();
    let response = streamed(&provider, &request).await.unwrap();
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    let called = |response: &Response| {
        response.tool_calls().map(|call| (call.name.clone(), call.arguments_json.clone())).collect::<Vec<_>>()
    };
    assert_eq!(called(&response), called(&whole));
    let [(first, arguments), (second, _)] = &called(&response)[..] else { panic!("{response:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("get_weather", "get_time"));
    assert!(serde_json::from_str::<Value>(arguments).unwrap().get("city").is_some(), "{arguments}");

    request.messages.push(Message::Assistant(response.content.clone()));
    for call in response.tool_calls() {
        request.messages.push(Message::tool_result(&call.id, format!("{} says rain", call.name)));
    }
    let answer = streamed(&provider, &request).await.unwrap().text();
    assert!(answer.contains("get_time says rain"), "{answer}");
    let body = stub.requests().last().unwrap().json();
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["name"], "get_weather");
    assert_eq!(body["messages"][2]["tool_call_id"], body["messages"][1]["tool_calls"][0]["id"]);
}

#[tokio::test]
async fn structured_output_and_reasoning() {
    let (stub, provider) = before_upstream().await;
    let mut request = ask("gpt-5", "a person");
    let schema = json!({"name": "person", "strict": true, "schema": {
        "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false,
    }});
    request.response_format = Some(ResponseFormat::JsonSchema(schema.to_string()));
    let answer = provider.complete(&request).await.unwrap().text();
    assert!(serde_json::from_str::<Value>(&answer).unwrap()["name"].is_string(), "{answer}");
    assert_eq!(stub.requests()[0].json()["response_format"], json!({"type": "json_schema", "json_schema": schema}));

    let mut request = ask("gpt-5", "think hard");
    request.reasoning_effort = Some("high".into());
    let response = streamed(&provider, &request).await.unwrap();
    assert!(matches!(&response.content[0], AssistantPart::Thinking(thinking) if thinking.text.contains("high")));
    assert!(response.usage.unwrap().reasoning_tokens.unwrap() > 0);
}

fn inline(image: &images::Image) -> &Media {
    match &image.source {
        MediaSource::Inline(media) => media,
        MediaSource::Url(url) => panic!("a url: {url}"),
    }
}

/// Width and height of a PNG, from its first chunk.
fn png_size(data: &[u8]) -> (u32, u32) {
    assert!(data.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn images_are_made() {
    let (stub, provider) = before_upstream().await;
    let request =
        images::Request { count: Some(2), size: Some("3840x2160".into()), ..images::Request::new("a lighthouse") };
    let response = provider.generate(&request).await.unwrap();
    assert_eq!(response.model, "gpt-image-2");
    assert_eq!(response.images.len(), 2);
    let names: Vec<_> = response.images.iter().map(|image| image.file_name.as_str()).collect();
    assert_eq!(names, ["image-1.png", "image-2.png"]);
    assert!(response.images[0].revised_prompt.as_deref().unwrap().contains("a lighthouse"));
    let media = inline(&response.images[0]);
    assert_eq!((media.media_type.as_str(), png_size(&media.data)), ("image/png", (3840, 2160)));
    assert_eq!(
        stub.requests()[0].json(),
        json!({"model": "gpt-image-2", "prompt": "a lighthouse", "n": 2, "size": "3840x2160"})
    );
}

#[tokio::test]
async fn images_are_edited_in_multipart() {
    let (stub, provider) = before_upstream().await;
    let drawn = provider.generate(&images::Request::new("a lighthouse")).await.unwrap();
    let media = inline(&drawn.images[0]).clone();
    assert_eq!(png_size(&media.data), (1024, 1024));
    stub.clear();
    let request = images::Request { model: Some("gpt-image-1".into()), ..images::Request::new("at night") };
    let edited = provider.edit(&request, &[media.clone(), media.clone()], Some(&media)).await.unwrap();
    assert_ne!(inline(&edited.images[0]).data, media.data);
    let request = &stub.requests()[0];
    assert!(request.header("content-type").unwrap().starts_with("multipart/form-data"));
    assert_eq!(request.field("prompt").unwrap().text(), "at night");
    assert_eq!(request.field("model").unwrap().text(), "gpt-image-1");
    let files: Vec<_> = request.fields.iter().filter(|field| field.name == "image[]").collect();
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].data, media.data);
    assert_eq!(files[0].content_type.as_deref(), Some("image/png"));
    assert_eq!(request.field("mask").unwrap().data, media.data);
}

#[tokio::test]
async fn models_of_the_upstream_are_listed() {
    let stub = upstream().await;
    let models = before(&stub).await.models().await.unwrap();
    assert!(models.len() > 3 && models.iter().all(|model| model.provider.is_some()), "{models:?}");
}

#[tokio::test]
async fn a_fallback_and_its_report() {
    let (broken, good) = (upstream().await, upstream().await);
    let mut first = config_for(&broken.base_url());
    first["override_params"] = json!({"model": "fault/500"});
    let provider = through(&fallback(&[first, config_for(&good.base_url())])).await;
    let response = streamed(&provider, &ask("gpt-5-mini", "hello")).await.unwrap();
    assert_eq!(response.report.used_target.as_deref(), Some("config.targets[1]"));
    assert_eq!((broken.requests().len(), good.requests().len()), (1, 1));
}

#[tokio::test]
async fn retries_and_their_report() {
    let stub = upstream().await;
    let mut config = config_for(&stub.base_url());
    config["retry"] = json!({"attempts": 3});
    let response = through(&config).await.complete(&ask("fault/flaky", "hello")).await.unwrap();
    assert_eq!(response.report.retry_attempts, Some(2));
    assert_eq!(stub.requests().len(), 3);
}

#[tokio::test]
async fn guardrails_deny_and_warn() {
    let stub = upstream().await;
    let mut config = config_for(&stub.base_url());
    config["input_guardrails"] = json!([{"default.contains": {"operator": "none", "words": ["bomb"]}, "deny": true}]);
    let error = through(&config).await.complete(&ask("gpt", "a bomb")).await.unwrap_err();
    assert_eq!((error.kind(), error.record().status), (Kind::ContentBlocked, Some(446)), "{error:?}");
    assert!(stub.requests().is_empty());

    config["input_guardrails"][0]["deny"] = json!(false);
    let provider = through(&config).await;
    let whole = provider.complete(&ask("gpt", "a bomb")).await.unwrap();
    assert!(whole.text().contains("a bomb"));
    assert!(whole.guardrails_json.unwrap().contains("default.contains"));
    // The gateway tells a stream's reader only where strict compliance is off.
    let provider = through_with(&config, &[("strictOpenAiCompliance", json!(false))]).await;
    let reply = streamed(&provider, &ask("gpt", "a bomb")).await.unwrap();
    assert!(reply.guardrails_json.unwrap().contains("default.contains"));
}

/// What the open-source gateway makes of an upstream's failures.
#[tokio::test]
async fn failures_of_the_upstream_keep_their_kind_and_origin() {
    let (_stub, provider) = before_upstream().await;
    for (fault, kind, status) in [
        ("401", Kind::Unauthorized, 401),
        ("404", Kind::NotFound, 404),
        ("429", Kind::RateLimited, 429),
        ("500", Kind::Overloaded, 500),
        ("502", Kind::Overloaded, 502),
    ] {
        for model in [format!("fault/{fault}"), format!("@openai/fault/{fault}")] {
            let error = provider.complete(&ask(&model, "hello")).await.unwrap_err();
            assert_eq!((error.kind(), error.record().status), (kind, Some(status)), "{model}: {error:?}");
            assert_eq!(error.origin(), Origin::Upstream, "{model}: {error:?}");
            let error = events(&provider, &ask(&model, "hello")).await.unwrap_err();
            assert_eq!((error.kind(), error.record().status), (kind, Some(status)), "{model}, streamed: {error:?}");
        }
    }
    let error = provider.complete(&ask("fault/429", "hello")).await.unwrap_err();
    assert_eq!(error.record().retry_after_ms, Some(2000), "{error:?}");
}

#[tokio::test]
async fn an_upstream_that_is_not_there() {
    let error = through(&config_for(&nobody())).await.complete(&ask("gpt", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Overloaded, Origin::Upstream), "{error:?}");
}

#[tokio::test]
async fn an_upstream_that_is_too_slow() {
    let stub = upstream().await;
    let mut config = config_for(&stub.base_url());
    config["request_timeout"] = json!(300);
    let error = through(&config).await.complete(&ask("fault/silence", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Timeout, Origin::Gateway), "{error:?}");
}

/// The gateway ends such a stream as if it were whole (Portkey-AI/gateway#1797). We do not.
#[tokio::test]
async fn a_stream_that_the_upstream_cuts_is_truncated() {
    let (_stub, provider) = before_upstream().await;
    for fault in ["cut", "reset"] {
        let error = events(&provider, &ask(&format!("fault/{fault}"), "a question of some words")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Truncated, "{fault}: {error:?}");
    }
}

/// `https` is TLS: a server that speaks none gets no request, and so no key.
#[tokio::test]
async fn a_gateway_that_speaks_no_tls() {
    let stub = crate::support::hosted().await;
    let base_url = stub.base_url().replace("http://", "https://");
    let error = crate::support::provider(base_url).await.complete(&ask("gpt", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Transport, Origin::Network), "{error:?}");
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn what_the_gateway_itself_refuses() {
    // No provider and no configuration: the open-source gateway knows no catalog.
    let error = crate::support::provider(PortkeyGateway::shared().base_url())
        .await
        .complete(&ask("gpt-5", "hello"))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::InvalidConfig, Origin::Gateway), "{error:?}");
    let error = crate::support::provider(PortkeyGateway::shared().base_url()).await.models().await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Unsupported, Origin::Gateway), "{error:?}");
    assert!(error.to_string().contains("open-source gateway"), "{error:?}");

    // A custom host that the gateway does not trust.
    let error = through(&config_for("http://10.1.2.3/v1")).await.complete(&ask("gpt", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.record().status), (Kind::InvalidConfig, Some(400)), "{error:?}");

    // A configuration that the gateway's schema refuses.
    let config = json!({"strategy": {"mode": "sideways"}, "targets": []});
    let error = through(&config).await.complete(&ask("gpt", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::InvalidConfig, Origin::Gateway), "{error:?}");
}

/// `é` in a header's JSON would arrive as two other letters: it goes as an escape.
#[tokio::test]
async fn text_beyond_ascii_in_a_header_arrives() {
    let stub = upstream().await;
    let mut config = config_for(&stub.base_url());
    config["override_params"] = json!({"user": "Zoë 🚢"});
    through(&config).await.complete(&ask("gpt", "hello")).await.unwrap();
    assert_eq!(stub.requests()[0].json()["user"], "Zoë 🚢");
}

/// Also what is multipart: the slug goes into a header, since the gateway leaves it in a form.
#[tokio::test]
async fn a_slug_is_split_off_for_forms() {
    let (stub, provider) = before_hosted().await;
    let drawn = provider.generate(&images::Request::new("a lighthouse")).await.unwrap();
    let media = inline(&drawn.images[0]).clone();
    stub.clear();
    let request = images::Request { model: Some("@openai/gpt-image-1".into()), ..images::Request::new("at night") };
    provider.edit(&request, &[media], None).await.unwrap();
    let request = &stub.requests()[0];
    assert_eq!(request.field("model").unwrap().text(), "gpt-image-1");
    assert_eq!(request.header("x-portkey-provider"), Some("@openai"));
    assert!(request.field("image").is_some());
}
