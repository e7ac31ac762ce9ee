//! Through the real Portkey gateway, with model providers behind it that are no OpenAI: what the gateway makes of their own
//! answers is odd in places, and must not be lost.

use host_harness::{
    Joined, Provider,
    types::{ErrorKind, ErrorOrigin},
    wit::chat::{AssistantPart, FinishReason, Thinking},
};
use serde_json::{Value, json};

use crate::{
    fault_server::FaultServer,
    gateway::through_with,
    support::{ask, streamed},
};

/// The plugin before the gateway, and behind that `target`, a provider that gives this answer to all.
async fn behind(target: Value, media_type: &str, answer: impl AsRef<[u8]>) -> (FaultServer, Provider) {
    let server = FaultServer::always(&format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\n"), answer).await;
    let mut config = target;
    config["custom_host"] = server.base_url.as_str().into();
    // So that reasoning comes along.
    let provider = through_with(&config, &[("strictOpenAiCompliance", json!(false))]).await;
    (server, provider)
}

fn aws() -> Value {
    json!({"provider": "bedrock", "aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"})
}

/// A message of AWS' binary event stream. Source: Smithy, "Amazon Event Stream Specification".
fn aws_message(headers: [(&str, &str); 2], payload: &str) -> Vec<u8> {
    let text = |(name, value): (&str, &str)| {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[name.len() as u8], name.as_bytes(), &[7], &length, value.as_bytes()].concat()
    };
    let headers: Vec<u8> = headers.into_iter().flat_map(text).collect();
    let word = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let prelude = [word(16 + headers.len() + payload.len()), word(headers.len())].concat();
    let sum = |bytes: &[u8]| crc32fast::hash(bytes).to_be_bytes();
    let message = [&prelude[..], &sum(&prelude), &headers, payload.as_bytes()].concat();
    [&message[..], &sum(&message)].concat()
}

#[tokio::test]
async fn a_bedrock_stream_that_breaks_off_is_no_success() {
    let piece = r#"{"contentBlockIndex":0,"delta":{"text":"The answer is"}}"#;
    let stream = [
        aws_message([(":message-type", "event"), (":event-type", "messageStart")], r#"{"role":"assistant"}"#),
        aws_message([(":message-type", "event"), (":event-type", "contentBlockDelta")], piece),
        aws_message(
            [(":message-type", "exception"), (":exception-type", "throttlingException")],
            r#"{"message":"Too many tokens, please wait before trying again."}"#,
        ),
    ];
    let (_server, provider) = behind(aws(), "application/vnd.amazon.eventstream", stream.concat()).await;
    let mut reply = provider.stream(&ask("anthropic.claude", "hi")).await.unwrap();
    let mut said = Joined::default();
    let error = loop {
        match reply.next().await {
            Ok(events) => events.expect("no end in order").into_iter().for_each(|event| said.push(event)),
            Err(error) => break error,
        }
    };
    assert_eq!(said.text(), "The answer is");
    assert_eq!((error.kind(), error.record().origin), (ErrorKind::Truncated, ErrorOrigin::Upstream));
}

#[tokio::test]
async fn bedrocks_reasoning_keeps_its_place() {
    let reasoning = |text: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "s"}}});
    let content = json!([reasoning("1"), {"text": "a"}, reasoning("2"), {"text": "b"}]);
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
        "metrics": {"latencyMs": 1},
    });
    let (_server, provider) = behind(aws(), "application/json", answer.to_string()).await;
    let response = provider.complete(&ask("anthropic.claude", "hi")).await.unwrap();
    let thinking = |text: &str| AssistantPart::Thinking(Thinking { text: text.into(), signature: Some("s".into()) });
    let text = |text: &str| AssistantPart::Text(text.into());
    assert_eq!(
        format!("{:?}", response.content),
        format!("{:?}", [thinking("1"), text("a"), thinking("2"), text("b")])
    );
}

#[tokio::test]
async fn geminis_calls_and_reasoning_tokens_are_all_there() {
    let candidate = json!({
        "content": {"role": "model", "parts": [
            {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "sig"}, {"text": ""},
        ]},
        "finishReason": "STOP",
        "index": 0,
    });
    let usage =
        json!({"promptTokenCount": 10, "candidatesTokenCount": 20, "thoughtsTokenCount": 100, "totalTokenCount": 130});
    let chunk = json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-pro"});
    let target = json!({"provider": "google", "api_key": "k"});
    let (_server, provider) = behind(target, "text/event-stream", format!("data: {chunk}\r\n\r\n")).await;
    let response = streamed(&provider, &ask("gemini-3-pro", "hi")).await.unwrap();
    assert_eq!(response.tool_calls().map(|call| &*call.name).collect::<Vec<_>>(), ["look"]);
    let usage = response.usage.unwrap();
    assert_eq!((usage.output_tokens, usage.reasoning_tokens), (120, Some(100)));
}

#[tokio::test]
async fn coheres_own_word_for_an_end_is_one() {
    let answer = json!({
        "id": "x",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
        "usage": {"billed_units": {"input_tokens": 1, "output_tokens": 1}, "tokens": {"input_tokens": 1, "output_tokens": 1}},
    });
    let target = json!({"provider": "cohere", "api_key": "k"});
    let (_server, provider) = behind(target, "application/json", answer.to_string()).await;
    let response = provider.complete(&ask("command-r", "hi")).await.unwrap();
    assert_eq!((response.text(), response.finish_reason), ("hi".to_owned(), FinishReason::Stop));
}

#[tokio::test]
async fn a_stream_of_workers_ai_has_no_other_end_than_done() {
    let stream = "data: {\"response\":\"Hello\"}\n\ndata: {\"response\":\" there\"}\n\ndata: [DONE]\n\n";
    let target = json!({"provider": "workers-ai", "api_key": "k", "workersAiAccountId": "1"});
    let (_server, provider) = behind(target, "text/event-stream", stream).await;
    assert_eq!(streamed(&provider, &ask("@cf/meta/llama", "hi")).await.unwrap().text(), "Hello there");
}
