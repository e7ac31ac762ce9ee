//! Texts as vectors: the built component before the stand-in, before answers that are wrong, and before the real gateway.

use host_harness::{
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
    wit::embeddings::Request,
};
use host_harness_stub::Recorded;
use serde_json::json;

use crate::{
    gateway,
    support::{Cli, KEY, Ran, User, hosted, plugin, provider},
};

fn asked(model: &str, texts: &[&str]) -> Request {
    Request { model: Some(model.into()), ..Request::new(texts.iter().copied()) }
}

fn closeness(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn vectors_tell_which_texts_are_near() {
    let stub = hosted().await;
    assert!(plugin().await.has_embeddings());
    let provider = provider(stub.base_url()).await;
    let texts = ["ships in the harbour", "the harbour and its ships", "a cake with cherries"];
    let response = provider.embed(&Request::new(texts)).await.unwrap();
    let [first, second, third] = &response.vectors[..] else { panic!("{}", response.vectors.len()) };
    assert_eq!(first.len(), 1536);
    assert!(closeness(first, second) > closeness(first, third) + 0.2);
    assert_eq!(response.model, "text-embedding-3-small");
    assert_eq!(response.usage.unwrap().input_tokens, 13);
    assert_eq!(response.report.provider.as_deref(), Some("openai"));
    let [request] = &stub.take()[..] else { panic!() };
    assert_eq!(request.path, "/v1/embeddings");
    assert_eq!(request.header("x-portkey-api-key"), Some(KEY));
    assert_eq!(request.json()["encoding_format"], "base64");

    // In digits, from a model that is not asked for base64, and as short as was asked.
    let short = Request { dimensions: Some(64), ..asked("@nomic/nomic-embed-text", &texts) };
    let response = provider.embed(&short).await.unwrap();
    assert_eq!(response.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 64]);
    assert!(closeness(&response.vectors[0], &response.vectors[1]) > 0.4);
    assert!(stub.take()[0].json().get("encoding_format").is_none());
}

#[tokio::test]
async fn as_many_texts_as_a_call_may_have() {
    let stub = hosted().await;
    let texts: Vec<String> = (0..2048).map(|number| format!("text number {number}")).collect();
    let request = Request { dimensions: Some(64), ..Request::new(texts) };
    let response = provider(stub.base_url()).await.embed(&request).await.unwrap();
    assert_eq!((response.vectors.len(), response.vectors[2047].len()), (2048, 64));
    let nearest = |at: usize| {
        let all = response.vectors.iter().enumerate().filter(|(other, _)| *other != at);
        all.map(|(_, vector)| closeness(&response.vectors[at], vector)).fold(0.0_f32, f32::max)
    };
    assert!(nearest(7) < 0.999, "each is its own");
}

#[tokio::test]
async fn through_the_real_gateway() {
    let (stub, provider) = gateway::before_upstream().await;
    let request = Request { dimensions: Some(256), ..asked("text-embedding-3-small", &["a", "b", "a"]) };
    let response = provider.embed(&request).await.unwrap();
    assert_eq!(response.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [256; 3]);
    assert_eq!(response.vectors[0], response.vectors[2]);
    assert_ne!(response.vectors[0], response.vectors[1]);
    assert_eq!(response.report.provider.as_deref(), Some("openai"));
    let [sent] = &stub.take()[..] else { panic!() };
    assert_eq!(sent.header("x-portkey-api-key"), None, "the key of Portkey goes to Portkey alone");
    assert_eq!(sent.json()["encoding_format"], "base64");

    let error = provider.embed(&asked("gpt-5-mini", &["a"])).await.unwrap_err();
    assert_eq!((error.kind(), error.record().origin), (Kind::Unsupported, Origin::Upstream), "{error:?}");
    assert!(error.to_string().contains("not allowed to generate embeddings"), "{error}");
}

fn embed(user: &User, arguments: &[&str]) -> Ran {
    user.cli.run(&[&["embed"], arguments].concat())
}

/// The command with these lines on standard input.
fn piped(user: &User, lines: &str, arguments: &[&str]) -> Ran {
    user.cli.piped(lines.as_bytes(), &[&["embed"], arguments].concat())
}

#[test]
fn the_command() {
    let user = User::new();
    let ran = embed(&user, &["a ship", "a boat", "--dimensions", "8"]).ok();
    let vectors: Vec<Vec<f32>> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8]);
    assert!(ran.err.contains("4 tokens in"), "{}", ran.err);
    let piped_in = piped(&user, "a ship\na boat\n", &["--dimensions", "8"]).ok();
    assert_eq!(piped_in.out, ran.out);

    let json = embed(&user, &["a ship", "-m", "portkey/@openai/text-embedding-3-large", "--json"]).ok().json();
    assert_eq!((&json["model"], &json["dimensions"]), (&json!("text-embedding-3-large"), &json!(3072)));
    assert_eq!(json["vectors"][0].as_array().unwrap().len(), 3072);
    assert_eq!(json["usage"]["input_tokens"], 2);
    assert_eq!(json["report"]["provider"], "openai");
}

/// More lines than one request takes are asked for in several.
#[test]
fn many_lines() {
    let user = User::new();
    let lines: String = (0..5000).map(|number| format!("ship {number}\n")).collect();
    let ran = piped(&user, &lines, &["--dimensions", "4"]).ok();
    let texts = |request: &Recorded| request.json()["input"].as_array().unwrap().len();
    assert_eq!(user.stub.requests().iter().map(texts).collect::<Vec<_>>(), [2048, 2048, 904]);
    assert!(ran.err.contains("10000 tokens in"), "{}", ran.err);
    let told: Vec<&str> = ran.out.lines().collect();
    assert_eq!(told.len(), 5000);
    for number in [0, 2047, 2048, 4999] {
        assert_eq!(told[number], embed(&user, &[&format!("ship {number}"), "--dimensions", "4"]).ok().out.trim());
    }
    let json = piped(&user, &lines, &["--dimensions", "4", "--json"]).ok().json();
    assert_eq!((&json["usage"]["input_tokens"], &json["dimensions"]), (&json!(10_000), &json!(4)));
    assert_eq!(json["vectors"].as_array().unwrap().len(), 5000);
    assert_eq!(json["vectors"][4999].to_string(), told[4999]);
    assert!(embed(&user, &["ship", "--dimensions", "4"]).ok().err.contains("1 token in, 0 out"));
}

/// Each with its message and its exit code.
#[test]
fn bad_input() {
    let user = User::new();
    let many = "a\n".repeat(10_000);
    for (ran, code, message, hint) in [
        (embed(&user, &["a", ""]), 2, "text 2 is empty", "leave it out"),
        (piped(&user, "a\n\nb\n", &[]), 2, "text 2 is empty", "leave it out"),
        (piped(&user, &format!("{many}\n"), &[]), 2, "text 10001 is empty", "leave it out"),
        (piped(&user, "", &[]), 2, "there is no text", ""),
        (embed(&user, &["a", "--dimensions", "0"]), 2, "'--dimensions <NUMBER>'", ""),
    ] {
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.err.contains(message) && ran.err.contains(hint) && ran.out.is_empty(), "{ran:?}");
    }
    assert!(user.stub.requests().is_empty(), "nothing was sent");
    for (arguments, code, message) in [
        (&["a", "-m", "@openai/gpt-5-mini"][..], 1, "You are not allowed to generate embeddings from this model"),
        (&["a", "-m", "@openai/nobody"], 1, "does not exist"),
        (&["a", "--dimensions", "5000"], 1, "Must be from 1 to 1536"),
        (&["a", "-m", "fault/429"], 5, "ate limit"),
        (&["a", "-m", "fault/invalid-key"], 3, "Invalid API Key"),
    ] {
        let ran = embed(&user, arguments).failed(code, message);
        assert!(ran.err.contains("hint:") || code == 1, "{ran:?}");
        let told = embed(&user, &[arguments, &["--json"]].concat());
        assert_eq!(told.code, code);
        assert!(told.json()["error"]["message"].as_str().unwrap().contains(message), "{told:?}");
    }
    Cli::new().env("PORTKEY_BASE_URL", user.stub.base_url()).run(&["embed", "a"]).failed(3, "PORTKEY_API_KEY");
}
