//! What holds for any input: the properties that `make fuzz` puts to the test too, and inputs that it found or began
//! with.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, helpers included"
)]

use portkey_provider::multipart::{self, Part};
use properties::{corpus, plugin};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// How many answers each of the two tests below makes.
const ANSWERS: u32 = 10_000;

/// Half of them broken, half of them streamed. What fails is shrunk.
fn check_answers(rng: TestRng, check: fn(&[u8])) {
    let config = Config { cases: ANSWERS, failure_persistence: None, ..Config::default() };
    let choices = prop::collection::vec(any::<u8>(), 0..256);
    let checked = TestRunner::new_with_rng(config, rng).run(&choices, |choices| {
        check(&choices);
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}

#[test]
fn ten_thousand_answers_dressed_and_broken() {
    check_answers(TestRng::from_seed(RngAlgorithm::ChaCha, &[15; 32]), plugin::answers);
    check_answers(TestRng::from_seed(RngAlgorithm::ChaCha, &[19; 32]), plugin::responses);
}

fn random() -> TestRng {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&now.to_le_bytes());
    println!("seed {now}");
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed)
}

#[test]
fn ten_thousand_other_answers_at_each_run() {
    check_answers(random(), plugin::answers);
    check_answers(random(), plugin::responses);
}

/// Good answers, a line of JSON for each, for OpenAI's own client to read: `tests/clients/referee.test.mjs`.
#[test]
#[ignore = "the test of OpenAI's client runs it, and reads what it prints"]
fn answers_for_a_referee() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[16; 32]);
    for number in 0..2000 {
        let mut bytes = [0; 256];
        rng.fill_bytes(&mut bytes);
        let made = answers::good(&mut answers::Choices::new(&bytes), number % 2 == 0);
        plugin::check_answer(&made, number % 2 == 0);
        let Ok(right) = made.right else { continue };
        let calls: Vec<Value> = right
            .calls
            .iter()
            .map(|(id, name, arguments)| json!({"id": id, "name": name, "arguments": arguments}))
            .collect();
        println!(
            "answer {}",
            json!({"streamed": number % 2 == 0, "plain": made.is_plain, "body": made.body, "text": right.text,
                "refusal": right.refusal, "calls": calls, "finish": right.finish,
                "usage": right.usage.map(|(input, output, _)| [input, output])})
        );
    }
}

#[test]
fn every_input_of_the_corpora() {
    corpus::replay("answers", plugin::answers);
    corpus::replay("answer", plugin::answer);
    corpus::replay("config", plugin::config);
    corpus::replay("stream", plugin::stream);
}

/// JSON of any shape, its members often those that `names` lists.
fn any_json(names: &'static [&'static str], texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let text = prop_oneof![prop::sample::select(texts).prop_map(str::to_owned), any::<String>()];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1000..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        4 => text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let name = prop_oneof![9 => prop::sample::select(names).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((name, inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What gateways answer with.
fn any_answer() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "id", "model", "choices", "index", "delta", "message", "content", "refusal", "reasoning", "reasoning_content",
        "content_blocks", "thinking", "signature", "data", "text", "tool_calls", "function", "name", "arguments",
        "thought_signature", "extra_content", "google", "finish_reason", "usage", "prompt_tokens", "completion_tokens",
        "total_tokens", "cache_read_input_tokens", "hook_results", "error", "type", "code", "status", "success",
        "errors", "html-message", "provider", "b64_json", "embedding", "url", "revised_prompt", "slug", "owned_by",
        "total",
    ];
    const TEXTS: &[&str] = &[
        "", "stop", "tool_calls", "overloaded_error", "failure", "hooks_failed", "@a/b", "aGk=", "AACAPwAAAMA=",
        "<html>", "03",
    ];
    any_json(NAMES, TEXTS)
}

/// A configuration, most of it where this provider looks.
fn any_config() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "models",
        "providers",
        "portkey",
        "Portkey",
        " portkey",
        "openai",
        "mode",
        "baseUrl",
        "apiKey",
        "api",
        "headers",
        "id",
        "name",
        "alias",
        "timeoutSeconds",
        "request",
        "agents",
        "defaults",
        "model",
        "primary",
        "fallbacks",
        "plugins",
        "entries",
        "config",
        "metadata",
        "traceId",
        "customHost",
        "forwardHeaders",
        "requestTimeoutMs",
        "cacheForceRefresh",
        "x-portkey-config",
        "x-portkey-metadata",
        "X-Portkey-Trace-Id",
        "host",
        "portkey/@anthropic/claude-sonnet-4-5",
    ];
    const TEXTS: &[&str] = &[
        "",
        " ",
        "merge",
        "http://localhost:8787/v1/",
        "https://api.portkey.ai",
        "${PORTKEY_API_KEY}",
        "key",
        "Portkey",
        "@openai/gpt-5",
        "portkey/@openai/gpt-5",
        "pc-1",
        "{\"targets\":[{\"weight\":0}]}",
    ];
    let json = || any_json(NAMES, TEXTS);
    let choices = prop::option::of(any_json(&["baseUrl", "model", "apiKeyReference"], TEXTS));
    (json(), json(), json(), json(), json(), choices, any::<bool>()).prop_map(
        |(mut other, provider, variant, defaults, options, choices, has_variant)| {
            if !other.is_object() {
                other = json!({"other": other});
            }
            // Over whatever stands there, so that it gets through to the merge often enough.
            other["models"] = json!({"providers": {"portkey": provider, "x": 1}});
            if has_variant {
                other["models"]["providers"]["PortKey"] = variant;
            }
            other["agents"] = json!({"defaults": defaults});
            other["plugins"] = json!({"entries": {"portkey": {"config": options}}});
            other["choices"] = choices.unwrap_or_default();
            other
        },
    )
}

/// Bytes with cuts in them: the properties take 0xff for one.
fn cut(bytes: Vec<u8>, mut at: Vec<prop::sample::Index>) -> Vec<u8> {
    let mut cut = bytes;
    for index in at.drain(..) {
        cut.insert(index.index(cut.len() + 1), 0xff);
    }
    cut
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        plugin::answer(&bytes);
        plugin::config(&bytes);
        plugin::stream(&bytes);
    }

    #[test]
    fn any_stream(chunks in prop::collection::vec((any_answer(), prop_oneof!["\n\n", "\r\n\r\n", "\r\r", "\n", "\ndata:"]), 0..6),
        done in any::<bool>(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..8))
    {
        let mut stream: String = chunks.iter().map(|(chunk, end)| format!("data: {chunk}{end}")).collect();
        stream.push_str(if done { "data: [DONE]\n\n" } else { "" });
        plugin::stream(&cut(stream.into_bytes(), at));
    }

    #[test]
    fn any_answer_at_all(status in 100..600u16, is_routed in any::<bool>(), body in any_answer()) {
        let headers = if is_routed { "x-portkey-provider: openai\nretry-after: 1.5\n" } else { "" };
        plugin::answer(format!("HTTP/1.1 {status}\n{headers}\n{body}").as_bytes());
    }

    #[test]
    fn any_configuration(config in any_config()) {
        plugin::config(config.to_string().as_bytes());
    }

    #[test]
    fn a_form_holds_its_parts(parts in prop::collection::vec((any::<String>(), prop::option::of((any::<String>(), "[a-z/\r\n]{0,9}")),
        prop::collection::vec(any::<u8>(), 0..64), any::<bool>()), 0..5))
    {
        // Some hold a boundary.
        let data: Vec<Vec<u8>> = parts.iter().map(|(.., data, has_boundary)| {
            let boundary: &[u8] = if *has_boundary { b"\r\n------portkey-provider-0000000000000000" } else { b"" };
            [data, boundary].concat()
        }).collect();
        let all: Vec<Part<'_>> = parts.iter().zip(&data).map(|((name, file, ..), data)| {
            Part { name, file: file.as_ref().map(|(name, media_type)| (&**name, &**media_type)), data }
        }).collect();
        let (content_type, body) = multipart::encode(&all);
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
        let delimiter = format!("\r\n--{boundary}");
        let body = [b"\r\n", &*body].concat();
        let mut read: Vec<&[u8]> = Vec::new();
        let mut rest = &*body;
        while let Some(end) = rest.windows(delimiter.len()).position(|part| part == delimiter.as_bytes()) {
            read.push(&rest[..end]);
            rest = &rest[end + delimiter.len()..];
        }
        prop_assert_eq!(rest, b"--\r\n");
        prop_assert_eq!(read.len(), all.len() + 1, "what is before the first delimiter, and the parts");
        for (read, part) in read[1..].iter().zip(&all) {
            let end = read.windows(4).position(|end| end == b"\r\n\r\n").expect("the end of the part's head");
            let head = String::from_utf8_lossy(&read[..end]);
            prop_assert_eq!(head.lines().count(), if part.file.is_some() { 3 } else { 2 }, "{}", head);
            prop_assert_eq!(&read[end + 4..], part.data);
        }
    }
}
