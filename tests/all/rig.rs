//! Agents and models of rig on the built component: before the real Portkey gateway with strict providers behind it, and
//! before the stand-in for what only the hosted gateway does.

use std::convert::Infallible;

use futures_util::StreamExt as _;
use host_harness::{
    CallOptions, Provider,
    types::{self, ErrorKind as Kind},
};
use host_harness_rig::{audio_generation, completion, embedding, image_generation, models, record, transcription};
use host_harness_stub::Stub;
use rig_agent::{
    Agent,
    prelude::{AgentBuilder, MultiTurnStreamItem, PromptError},
    run::PromptResponse,
    streaming::{Item, StreamEvent},
};
use rig_core::{
    audio_generation::AudioGenerationRequestBuilder,
    completion::{CompletionRequest, Effort},
    embeddings::EmbeddingsBuilder,
    error::ProviderError,
    image_generation::ImageGenerationRequestBuilder,
    message::Message,
    tool::PortableTool,
    transcription::TranscriptionRequestBuilder,
};
use serde_json::{Value, json};

use crate::{
    gateway::through,
    hosted_errors::REFUSALS,
    portkey_gateway::{UPSTREAM_KEY, config_for},
    support::{KEY, ask, before_hosted, hosted, provider, upstream},
};

/// A tool that says something of a city; as a type for each name, as rig has it.
macro_rules! tool {
    ($name:ident, $called:literal) => {
        struct $name;

        impl PortableTool for $name {
            const NAME: &'static str = $called;
            type Args = Value;
            type Output = String;
            type Error = Infallible;

            fn description(&self) -> String {
                "Tells something of a city".into()
            }

            fn parameters(&self) -> Value {
                json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
            }

            async fn call(&self, _arguments: Value) -> Result<String, Infallible> {
                Ok(format!("{} says rain", Self::NAME))
            }
        }
    };
}

tool!(Weather, "get_weather");
tool!(Time, "get_time");

fn agent(provider: &Provider, model: &str) -> Agent {
    let agent = AgentBuilder::new(completion(provider, model)).preamble("You are brief.").reasoning(Effort::Medium);
    agent.tool(Weather).tool(Time).default_max_turns(8).build()
}

/// The plugin before the real gateway, which sends everything to this provider, with `stub` in its place.
async fn behind(stub: &Stub, of: &str) -> Provider {
    let mut config = config_for(&stub.base_url());
    config["provider"] = of.into();
    through(&config).await
}

/// What a streamed run told on its way, and its end.
#[derive(Default)]
struct Told {
    text: String,
    reasoning: String,
    results: Vec<String>,
    end: Option<PromptResponse>,
}

async fn streamed(agent: &Agent, history: &[Message], question: &str) -> Result<Told, PromptError> {
    let mut told = Told::default();
    let mut stream = agent.prompt(question).history(history.to_vec()).stream();
    while let Some(item) = stream.next().await {
        match item? {
            MultiTurnStreamItem::StreamAssistantItem(Item::Event(event)) => match event {
                StreamEvent::Text { text, .. } => told.text += &text,
                StreamEvent::Reasoning { text, .. } => told.reasoning += &text,
                _ => {}
            },
            MultiTurnStreamItem::ToolResult { tool_result } => told.results.push(tool_result.name.to_string()),
            MultiTurnStreamItem::FinalResponse(response) => told.end = Some(response),
            _ => {}
        }
    }
    Ok(told)
}

/// How many blocks of a request's messages are of this type.
fn blocks(body: &Value, kind: &str) -> usize {
    let messages = body["messages"].as_array().unwrap().iter();
    messages.filter_map(|message| message["content"].as_array()).flatten().filter(|block| block["type"] == kind).count()
}

/// The stand-in refuses thinking that does not come back, or comes back unsigned, in Anthropic's words.
#[tokio::test]
async fn an_agent_with_two_tools_streams_several_turns_and_its_thinking_goes_back() {
    let stub = upstream().await;
    let agent = agent(&behind(&stub, "anthropic").await, "claude-sonnet-4-5");
    let told = streamed(&agent, &[], "Use get_weather and get_time one after the other.").await.unwrap();
    assert_eq!(told.results, ["get_weather", "get_time"]);
    assert!(told.text.contains("get_time says rain"), "{}", told.text);
    assert!(told.reasoning.contains("I read"), "{}", told.reasoning);
    let end = told.end.unwrap();
    assert_eq!(end.output(), told.text);
    let requests = stub.requests();
    assert_eq!(requests.len(), 3);
    let body = requests[2].json();
    assert_eq!(
        (blocks(&body, "thinking"), blocks(&body, "tool_use"), blocks(&body, "tool_result")),
        (2, 2, 2),
        "{body}"
    );
    let used: u64 = end.completion_calls().iter().filter_map(|call| call.usage.output_tokens).sum();
    assert_eq!((end.completion_calls().len(), end.usage().output_tokens), (3, Some(used)));
    assert!(end.usage().input_tokens.unwrap() > 0 && used > 0);

    // The user goes on, with a history that was kept as JSON.
    let kept = serde_json::to_string(end.messages()).unwrap();
    let history: Vec<Message> = serde_json::from_str(&kept).unwrap();
    let told = streamed(&agent, &history, "Reply with exactly OK.").await.unwrap();
    assert_eq!(told.text, "OK.");
    // The provider saw its own key, and nobody but the gateway that of Portkey.
    for request in stub.requests() {
        assert_eq!(request.header("x-api-key"), Some(UPSTREAM_KEY), "{:?}", request.headers);
        assert!(!format!("{:?}", request.headers).contains(KEY));
    }
    assert!(!kept.contains(KEY));
}

#[tokio::test]
async fn encrypted_thinking_and_signed_calls_go_back_whole_and_streamed() {
    let stub = upstream().await;
    let claude = agent(&behind(&stub, "anthropic").await, "claude-sonnet-4-5");
    const QUESTION: &str = "With redacted thinking use get_weather and get_time one after the other.";
    let response = claude.prompt(QUESTION).run().await.unwrap();
    assert!(response.output().contains("get_time says rain"), "{response:?}");
    assert!(blocks(&stub.requests().pop().unwrap().json(), "redacted_thinking") > 0);
    streamed(&claude, &[], QUESTION).await.unwrap();
    assert!(blocks(&stub.requests().pop().unwrap().json(), "redacted_thinking") > 0);

    // Gemini 3 refuses a call whose signature is lost.
    let stub = upstream().await;
    let gemini = agent(&behind(&stub, "google").await, "gemini-3-pro-preview");
    for run in 0..2 {
        const QUESTION: &str = "Use get_weather and get_time one after the other.";
        let said = match run {
            0 => gemini.prompt(QUESTION).run().await.unwrap().output(),
            _ => streamed(&gemini, &[], QUESTION).await.unwrap().text,
        };
        assert!(said.contains("get_time says rain"), "{said}");
        assert!(stub.requests().pop().unwrap().json().to_string().contains("thoughtSignature"));
    }
}

#[tokio::test]
async fn structured_output_and_cached_tokens_come_back() {
    let (stub, provider) = before_hosted().await;
    let schema: rig_core::schemars::Schema =
        json!({"title": "City", "type": "object", "properties": {"name": {"type": "string"}}}).try_into().unwrap();
    let model = completion(&provider, "@openai/gpt-5-mini");
    let response = model.call(CompletionRequest::new("a city").output_schema(schema)).await.unwrap();
    assert!(serde_json::from_str::<Value>(&response.text()).unwrap()["name"].is_string(), "{}", response.text());
    let format = &stub.requests()[0].json()["response_format"]["json_schema"];
    assert_eq!((&format["name"], &format["strict"]), (&json!("City"), &json!(true)));
    assert_eq!(format["schema"]["additionalProperties"], json!(false));

    for stream in [false, true] {
        let model = completion(&provider, "@anthropic/fault/cached");
        let response = match stream {
            false => model.call("hello").await.unwrap(),
            true => model.stream("hello").unwrap().finish().await.unwrap(),
        };
        let usage = response.usage;
        assert_eq!(
            (usage.cached_input_tokens, usage.cache_creation_input_tokens),
            (Some(1000), Some(200)),
            "{usage:?}"
        );
        assert!(usage.input_tokens.unwrap() > 1200, "{usage:?}");
    }
    // A guardrail's results are no answer, and reach who streams.
    let mut stream = completion(&provider, "@openai/fault/guardrail-soft").stream("hello").unwrap();
    let mut unknown = Vec::new();
    while let Some(item) = stream.next().await {
        if let Item::Unknown(payload) = item.unwrap() {
            unknown.push(payload.value().clone());
        }
    }
    assert!(unknown.iter().any(|payload| payload["guardrails"].is_object()), "{unknown:?}");
    assert!(stream.finish().await.unwrap().raw["guardrails"].is_object());
}

/// Options of a call are those of a derived provider; by its id the gateway's logs know the call.
#[tokio::test]
async fn a_call_has_options_of_its_own() {
    let stub = hosted().await;
    let provider = provider(stub.base_url()).await.with(CallOptions::new().trace_id("order-4711")).await.unwrap();
    let model = completion(&provider, "@openai/gpt-5-mini");
    let whole = model.call("tell me of ships").await.unwrap();
    assert_eq!(stub.requests()[0].header("x-portkey-trace-id"), Some("order-4711"));
    assert_eq!(whole.provider_request_id.as_deref(), Some("order-4711"));

    let (mut stream, mut pieces) = (model.stream("tell me of ships").unwrap(), 0);
    while let Some(item) = stream.next().await {
        pieces += usize::from(matches!(item.unwrap(), Item::Event(StreamEvent::Text { .. })));
    }
    let joined = stream.finish().await.unwrap();
    assert!(pieces > 3, "{pieces}");
    assert_eq!((joined.text(), joined.usage), (whole.text(), whole.usage));
    assert_eq!(joined.provider_request_id, whole.provider_request_id);
}

/// The library's error in rig's: what it would have been without rig, but for the id of the call.
fn same(error: &ProviderError, own: &types::Error) {
    let record = record(error.provider_response_body()).unwrap_or_else(|| panic!("no record in {error:?}"));
    assert_eq!(record, types::Error { trace_id: record.trace_id.clone(), ..own.clone() });
    let hint = own.hint.as_deref().unwrap_or_default();
    assert!(!hint.is_empty() && serde_json::to_value(&record).unwrap()["hint"] == hint, "{error}");
}

#[tokio::test]
async fn each_refusal_arrives_as_rigs_error_with_kind_and_hint_inside() {
    let (_stub, provider) = before_hosted().await;
    for &(fault, kind, _, status, _) in REFUSALS {
        let name = format!("@openai/fault/{fault}");
        let own = provider.complete(&ask(&name, "hello")).await.unwrap_err();
        assert_eq!(own.kind(), kind);
        let model = completion(&provider, &*name);
        let whole = model.call("hello").await.unwrap_err();
        let streamed = model.stream("hello").unwrap().next().await.unwrap().unwrap_err();
        for error in [whole, streamed] {
            same(&error, own.record());
            let again = matches!(kind, Kind::RateLimited | Kind::Overloaded | Kind::Timeout);
            assert_eq!(error.is_retryable(), again, "{fault}: {error}");
            let told = error.provider_response_status().map(|status| status.as_u16());
            assert!(told == Some(status) || kind == Kind::QuotaExceeded, "{fault}: {told:?}");
        }
    }
    // What is wrong before anything was sent, and in the middle of a stream.
    let negative = completion(&provider, "@openai/gpt-5-mini").call(CompletionRequest::new("hi").temperature(-1.0));
    let record = record(negative.await.unwrap_err().provider_response_body()).unwrap();
    assert_eq!((record.kind, record.request_sent), (Kind::InvalidRequest, false), "{record:?}");
    for fault in ["cut", "reset", "error-event"] {
        let name = format!("@openai/fault/{fault}");
        let mut stream = completion(&provider, &*name).stream("tell me of ships").unwrap();
        let mut pieces = 0;
        let error = loop {
            match stream.next().await.expect("no end in order") {
                Ok(_) => pieces += 1,
                Err(error) => break error,
            }
        };
        let mut reply = provider.stream(&ask(&name, "tell me of ships")).await.unwrap();
        let own = loop {
            match reply.next().await {
                Ok(events) => assert!(events.is_some()),
                Err(error) => break error,
            }
        };
        same(&error, own.record());
        assert!(pieces > 0 && stream.next().await.is_none(), "{fault}");
        assert_eq!(stream.finish().await.unwrap_err().to_string(), error.to_string());
    }
}

/// An agent hands its errors on as reports: kind and hint are in those too.
#[tokio::test]
async fn an_agents_error_tells_kind_and_hint() {
    let stub = hosted().await;
    let agent = agent(&provider(stub.base_url()).await, "@openai/fault/key-budget");
    for error in [
        agent.prompt("hello").run().await.map(drop).unwrap_err(),
        streamed(&agent, &[], "hello").await.map(drop).unwrap_err(),
    ] {
        let record = record(error.provider_response_body()).unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((record.kind, record.status), (Kind::QuotaExceeded, Some(412)));
        assert!(record.hint.is_some() && !format!("{error:?}").contains(KEY), "{error:?}");
    }
}

#[tokio::test]
async fn vectors_images_speech_transcripts_and_models() {
    let (stub, provider) = before_hosted().await;

    let vectors = embedding(&provider, "@openai/text-embedding-3-large", Some(8));
    let texts = ["a ship", "a boat", "a tree"].map(str::to_owned);
    let response = vectors.call(texts.to_vec()).await.unwrap();
    let own = host_harness::wit::embeddings::Request {
        model: Some("@openai/text-embedding-3-large".into()),
        dimensions: Some(8),
        ..host_harness::wit::embeddings::Request::new(texts.clone())
    };
    let own = provider.embed(&own).await.unwrap();
    for ((got, text), own) in response.embeddings.iter().zip(&texts).zip(own.vectors) {
        assert_eq!(&got.document, text);
        assert_eq!(got.vec, own.into_iter().map(f64::from).collect::<Vec<_>>());
    }
    assert_eq!((response.embeddings.len(), response.embeddings[0].vec.len()), (3, 8));
    assert!(response.usage.input_tokens.unwrap() > 0 && response.provider_request_id.is_some());
    assert_eq!(vectors.capabilities().ndims, 8);
    let built = EmbeddingsBuilder::new(vectors).documents(texts.to_vec()).unwrap().build().await.unwrap();
    assert_eq!(built.len(), 3);

    let draw = image_generation(&provider, "");
    let asked = || ImageGenerationRequestBuilder::new("a ship").width(1024).height(1024);
    let image = draw.call(asked().build()).await.unwrap();
    assert!(image.image.starts_with(b"\x89PNG"), "{image:?}");
    assert_eq!(image.raw["media_type"], "image/png");
    assert_eq!(stub.requests().pop().unwrap().json()["size"], "1024x1024");
    for (params, why) in [(json!({"n": 2}), "an `n` other than 1"), (json!([]), "must be a JSON object")] {
        let error = draw.call(asked().additional_params(params).build()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let by_url = asked().additional_params(json!({"response_format": "url", "model": "@openai/dall-e-3"}));
    let error = draw.call(by_url.build()).await.unwrap_err();
    assert!(error.to_string().contains("came as a URL"), "{error}");

    let request = AudioGenerationRequestBuilder::new("Ships sail.", "nova").speed(1.5).build();
    let speech = audio_generation(&provider, "").call(request).await.unwrap();
    assert!(!speech.audio.is_empty());
    assert!(speech.raw["media_type"].as_str().unwrap().starts_with("audio/"), "{}", speech.raw);
    let body = stub.requests().pop().unwrap().json();
    assert_eq!((&body["voice"], &body["speed"], &body["input"]), (&json!("nova"), &json!(1.5), &json!("Ships sail.")));

    let request = TranscriptionRequestBuilder::new(speech.audio).filename("ships.mp3".to_owned());
    let request = request.language("en".into()).prompt("ships".into()).temperature(0.5).build();
    let transcript = transcription(&provider, "").call(request).await.unwrap();
    assert!(!transcript.text.is_empty());
    let sent = stub.requests().pop().unwrap();
    for (name, value) in [("temperature", "0.5"), ("language", "en"), ("prompt", "ships")] {
        assert_eq!(sent.field(name).map(|field| &*field.data), Some(value.as_bytes()), "{name}");
    }

    let listed = models(&provider).list().await.unwrap();
    let ids: Vec<_> = listed.iter().map(|model| model.id.clone()).collect();
    assert_eq!(ids, provider.models().await.unwrap().into_iter().map(|entry| entry.id).collect::<Vec<_>>());
    let known = listed.iter().find(|model| model.id == "@anthropic/claude-sonnet-4-5").unwrap();
    assert!(known.context_length.is_some() && known.max_output_tokens.is_some(), "{known:?}");

    // Each of them fails as rig's error does.
    let wrong = self::provider("http://127.0.0.1:1/v1").await;
    for error in [
        embedding(&wrong, "", None).call(texts.to_vec()).await.map(drop).unwrap_err(),
        image_generation(&wrong, "").call(asked().build()).await.map(drop).unwrap_err(),
        audio_generation(&wrong, "")
            .call(AudioGenerationRequestBuilder::new("a", "").build())
            .await
            .map(drop)
            .unwrap_err(),
        transcription(&wrong, "").call(TranscriptionRequestBuilder::new(vec![1]).build()).await.map(drop).unwrap_err(),
        models(&wrong).list().await.map(drop).unwrap_err(),
    ] {
        assert_eq!(record(error.provider_response_body()).unwrap().kind, Kind::Transport, "{error}");
        assert!(error.is_retryable());
    }
}
