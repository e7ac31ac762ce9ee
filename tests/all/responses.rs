//! Models that speak only the Responses API, through the real gateway (1.15.2), before a stand-in that refuses what OpenAI
//! refuses there. What the gateway does for them, and what it does not, is what `docs/portkey.md` says.

use host_harness::{
    types::{ErrorKind as Kind, Media, MediaSource},
    wit::chat::{AssistantPart, Event, FinishReason, Message, ResponseFormat, ToolChoice, UserPart},
};
use host_harness_stub::Stub;
use serde_json::{Value, json};

use crate::{
    gateway::{before_upstream, through, through_with},
    portkey_gateway::{config_for, fallback},
    support::{User, ask, events, streamed, upstream, weather_tool},
};

const CODEX: &str = "gpt-5.3-codex";

fn paths(stub: &Stub) -> Vec<String> {
    stub.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn a_reply_is_the_same_whole_and_streamed() {
    let (stub, provider) = before_upstream().await;
    let mut question = ask(CODEX, "tell me of ships");
    question.reasoning_effort = Some("max".into());
    question.max_output_tokens = Some(500);
    question.response_format = Some(ResponseFormat::Text);
    let whole = provider.complete(&question).await.unwrap();
    let pieces = events(&provider, &question).await.unwrap();
    assert!(pieces.iter().filter(|event| matches!(event, Event::Text(_))).count() > 3, "{pieces:?}");
    let joined = streamed(&provider, &question).await.unwrap();
    assert_eq!(joined.text(), whole.text());
    assert!(whole.text().contains("You said: \"tell me of ships\""), "{}", whole.text());
    assert_eq!((joined.usage, joined.finish_reason), (whole.usage, FinishReason::Stop));
    assert!(whole.usage.unwrap().reasoning_tokens.unwrap() > 0);
    assert!(
        matches!(&joined.content[0], AssistantPart::Thinking(thought) if thought.text.contains("With xhigh effort"))
    );
    assert_eq!((whole.model.as_str(), whole.report.provider.as_deref()), (CODEX, Some("openai")));
    assert!(paths(&stub).iter().all(|path| path == "/v1/responses"), "{:?}", paths(&stub));
    // What is asked for too short an answer is raised to the least that OpenAI takes.
    let mut short = ask(CODEX, &"one two three ".repeat(20));
    short.max_output_tokens = Some(3);
    assert_eq!(streamed(&provider, &short).await.unwrap().finish_reason, FinishReason::Length);
    assert_eq!(provider.complete(&short).await.unwrap().finish_reason, FinishReason::Length);
}

/// Two rounds, and a turn after them: what is encrypted goes back with the call that it led to.
#[tokio::test]
async fn a_loop_of_tools_takes_its_reasoning_along() {
    let (stub, provider) = before_upstream().await;
    let mut request = ask(CODEX, "Use get_weather and get_time, one after the other, for Paris.");
    request.messages.insert(0, Message::system("You are brief."));
    request.tools = vec![weather_tool("get_weather"), weather_tool("get_time")];
    request.tool_choice = Some(ToolChoice::Auto);
    request.reasoning_effort = Some("low".into());
    let mut seen = Vec::new();
    let answer = loop {
        let reply = streamed(&provider, &request).await.unwrap();
        request.messages.push(Message::Assistant(reply.content.clone()));
        if reply.finish_reason != FinishReason::ToolCalls {
            break reply;
        }
        for part in &reply.content {
            match part {
                AssistantPart::Thinking(thought) => seen.push(thought.signature.clone().unwrap()),
                AssistantPart::ToolCall(call) => {
                    let sun = vec![
                        UserPart::Text(format!("{} says rain", call.name)),
                        UserPart::Image(MediaSource::Inline(png())),
                    ];
                    request.messages.push(Message::ToolResult(host_harness::wit::chat::ToolResult {
                        call_id: call.id.clone(),
                        content: sun,
                    }));
                }
                _ => {}
            }
        }
    };
    assert!(answer.text().contains("The tool said: get_time says rain"), "{}", answer.text());
    request.messages.push(Message::user("Thank you."));
    provider.complete(&request).await.unwrap();

    let input = stub.requests().last().unwrap().json()["input"].clone();
    let kinds: Vec<&str> = input.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message", "message", "reasoning", "function_call", "function_call_output", "reasoning", "function_call",
            "function_call_output", "reasoning", "message", "message"
        ]
    );
    for (at, signature) in [(2, &seen[0]), (5, &seen[1])] {
        let item: Value = serde_json::from_str(signature.strip_prefix("reasoning_item:").unwrap()).unwrap();
        assert_eq!(input[at], item);
        assert!(item["encrypted_content"].is_string() && item["summary"][0]["text"].is_string(), "{item}");
    }
    assert_eq!(input[4]["output"][1]["type"], "input_image");
    assert_eq!(input[0]["role"], "system");
    let first = stub.requests()[0].json();
    assert_eq!((&first["store"], &first["tools"][0]["strict"]), (&json!(false), &json!(false)));

    // An agent may go on with a model of another kind, and back.
    let mut request = request.clone();
    request.model = "gpt-5-mini".into();
    provider.complete(&request).await.unwrap();
    assert!(!stub.requests().last().unwrap().json().to_string().contains("encrypted_content"));
}

fn png() -> Media {
    let encoded = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
    let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    Media { media_type: "image/png".into(), data }
}

#[tokio::test]
async fn images_and_schemas_arrive() {
    let (_stub, provider) = before_upstream().await;
    let mut request = ask(CODEX, "look");
    request.messages = vec![Message::User(vec![
        UserPart::Text("look".into()),
        UserPart::Image(MediaSource::Inline(png())),
        UserPart::Image(MediaSource::Url("https://x.test/a.png".into())),
    ])];
    let answer = streamed(&provider, &request).await.unwrap().text();
    assert!(answer.contains("with 2 images: image/png 1x1"), "{answer}");
    let mut request = ask(CODEX, "a person");
    let schema = json!({"name": "person", "strict": true, "schema": {"type": "object",
        "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}});
    request.response_format = Some(ResponseFormat::JsonSchema(schema.to_string()));
    let answer = provider.complete(&request).await.unwrap().text();
    assert_eq!(answer, r#"{"name":"name"}"#);
}

/// The option wins over what is known of a model, and where it is missing the refusal names it.
#[tokio::test]
async fn an_alias_needs_the_option() {
    let stub = upstream().await;
    let mut config = config_for(&stub.base_url());
    config["override_params"] = json!({"model": CODEX});
    // The config says who answers.
    assert!(through(&config).await.complete(&ask("prod", "hello")).await.is_ok());
    let chat = through_with(&config, &[("protocol", "chat".into())]).await;
    let error = chat.complete(&ask("prod", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error:?}");
    assert!(error.record().hint.as_deref().unwrap().contains("option protocol"), "{error:?}");
    assert_eq!(paths(&stub), ["/v1/responses", "/v1/chat/completions"]);
    let asked = through_with(&config_for(&stub.base_url()), &[("protocol", "responses".into())]).await;
    assert!(streamed(&asked, &ask("prod", "hello")).await.unwrap().text().contains("this is prod"));
}

#[tokio::test]
async fn a_stream_that_is_cut_is_no_success() {
    let stub = upstream().await;
    let provider = through_with(&config_for(&stub.base_url()), &[("protocol", "responses".into())]).await;
    for (fault, kind) in [
        ("cut", Kind::Truncated),
        ("reset", Kind::Truncated),
        ("no-finish", Kind::Truncated),
        ("error-event", Kind::Overloaded),
    ] {
        let error = streamed(&provider, &ask(&format!("fault/{fault}"), "tell me of ships and of the sea")).await;
        assert_eq!(error.map_err(|error| error.kind()).unwrap_err(), kind, "{fault}");
    }
}

/// What of a config holds for this API on gateway 1.15.2: fallback, retry and conditions, and no guardrail.
#[tokio::test]
async fn what_the_gateway_does_here() {
    let (stub, other) = (upstream().await, upstream().await);
    let config = config_for(&stub.base_url());
    // Fallback.
    let mut broken = config.clone();
    broken["override_params"] = json!({"model": "fault/500"});
    let targets = fallback(&[broken, config_for(&other.base_url())]);
    let reply = streamed(&through(&targets).await, &ask(CODEX, "hello")).await.unwrap();
    assert_eq!(reply.report.used_target.as_deref(), Some("config.targets[1]"));
    assert_eq!(paths(&other), ["/v1/responses"]);
    // Retry.
    let mut retried = config.clone();
    retried["retry"] = json!({"attempts": 3});
    let retried = through_with(&retried, &[("protocol", "responses".into())]).await;
    let reply = retried.complete(&ask("fault/flaky", "hello")).await.unwrap();
    assert_eq!(reply.report.retry_attempts, Some(2));
    // Metadata decide.
    let mut named = config_for(&other.base_url());
    named["name"] = "other".into();
    let mut usual = config.clone();
    usual["name"] = "usual".into();
    let routed = json!({"strategy": {"mode": "conditional", "default": "usual", "conditions": [
        {"query": {"metadata.team": {"$eq": "sea"}}, "then": "other"}]}, "targets": [usual, named]});
    let sea = through_with(&routed, &[("metadata", json!({"team": "sea"}))]).await;
    let reply = sea.complete(&ask(CODEX, "hello")).await.unwrap();
    assert_eq!(reply.report.used_target.as_deref(), Some("config.targets[1]"));
    // Guardrails do not run: the same words are refused in a chat.
    for guardrails in ["input_guardrails", "output_guardrails"] {
        let mut guarded = config.clone();
        guarded[guardrails] = json!([{"default.contains": {"operator": "none", "words": ["bomb"]}, "deny": true}]);
        let error = through(&guarded).await.complete(&ask("gpt", "a bomb")).await.unwrap_err();
        assert_eq!((error.kind(), error.record().status), (Kind::ContentBlocked, Some(446)), "{error:?}");
        let reply = through(&guarded).await.complete(&ask(CODEX, "a bomb")).await.unwrap();
        assert!(reply.text().contains("a bomb") && reply.guardrails_json.is_none(), "{reply:?}");
    }
    // What it does not know stays behind, where OpenAI would refuse it.
    let mut more = ask(CODEX, "hello");
    more.extra_json = Some(r#"{"stop": ["x"], "prompt_cache_retention": "24h", "truncation": "auto"}"#.into());
    through(&config).await.complete(&more).await.unwrap();
    let sent = stub.requests().last().unwrap().json();
    assert_eq!((sent.get("stop"), sent.get("prompt_cache_retention")), (None, None));
    assert_eq!((&sent["truncation"], &sent["include"]), (&json!("auto"), &json!(["reasoning.encrypted_content"])));
    // Of a maker whose models it does not know by this API, it has none.
    let claude = json!({"provider": "anthropic", "api_key": "k", "custom_host": stub.base_url()});
    let claude = through_with(&claude, &[("protocol", "responses".into())]).await;
    let error = claude.complete(&ask("claude-sonnet-4-5", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error:?}");
}

#[test]
fn the_command_line_speaks_to_such_a_model() {
    let user = User::new();
    let model = "@openai/gpt-5.3-codex";
    let ran = user.cli.run(&["chat", "--model", model, "--show-request", "hello"]);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["body"]["input"], json!([{"type": "message", "role": "user", "content": "hello"}]));
    let ran = user.cli.run(&["chat", "--model", model, "hello"]);
    assert!(ran.out.contains("this is gpt-5.3-codex"), "{ran:?}");
    let ran = user.cli.run(&["doctor", "--chat", "--model", model]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let requests = user.stub.requests();
    assert!(requests.iter().filter(|request| request.path.ends_with("/responses")).count() == 2, "{requests:?}");
}
