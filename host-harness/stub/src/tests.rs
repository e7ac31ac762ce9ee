//! The stand-in over real connections.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::faults::Effect;
use super::*;

fn start(options: Options) -> Stub {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let options = Options { token_delay: Duration::ZERO, ..options };
    runtime.block_on(Stub::start(options)).unwrap()
}

fn send(stub: &Stub, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(stub.address()).unwrap();
    let length = body.len();
    write!(stream, "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    stream
}

/// The whole answer, head and body, as text.
fn ask(stub: &Stub, head: &str, body: &[u8]) -> String {
    let mut answer = Vec::new();
    send(stub, head, body).read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn chat(model: &str, stream: bool) -> Vec<u8> {
    let messages = json!([{"role": "user", "content": "Reply with exactly one two three."}]);
    json!({"model": model, "stream": stream, "messages": messages}).to_string().into()
}

const CHAT: &str = "POST /any/prefix/v1/chat/completions?q=1 HTTP/1.1\r\ncontent-type: application/json";

#[test]
fn answers_and_records_without_showing_keys() {
    let stub = start(Options::default());
    let answer = ask(&stub, &format!("{CHAT}\r\nx-portkey-api-key: sesame"), &chat("@openai/m", false));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("one two three."), "{answer}");
    assert!(answer.contains("x-portkey-provider: openai") && answer.contains("x-portkey-trace-id: 0000"), "{answer}");
    ask(&stub, CHAT, &chat("m", true));
    let [first, second] = stub.requests().try_into().unwrap();
    assert_eq!(
        (first.path.as_str(), first.header("x-portkey-api-key")),
        ("/any/prefix/v1/chat/completions?q=1", Some("sesame"))
    );
    assert_eq!((first.connection, second.connection), (1, 2));
    // Of a client that adds what the base URL ends with.
    let twice = ask(&stub, &CHAT.replace("/v1/", "/v1/v1/"), &chat("m", false));
    assert!(twice.starts_with("HTTP/1.1 404 "), "{twice}");
    assert_eq!(second.json()["stream"], true);
    let shown = format!("{first:?}");
    assert!(!shown.contains("sesame") && shown.contains("x-portkey-api-key"), "{shown}");
    stub.clear();
    assert!(stub.requests().is_empty());
}

#[test]
fn asks_for_the_key_in_the_shape_of_whom_it_plays() {
    let key = Credential { header: "X-Portkey-Api-Key".into(), value: "sesame".into() };
    for (role, shape) in [(Role::Hosted, "Error Code: 03"), (Role::Upstream, "invalid_api_key")] {
        let options = Options { role, require: Some(key.clone()), ..Options::default() };
        assert!(!format!("{options:?}").contains("sesame"));
        let stub = start(options);
        let answer = ask(&stub, CHAT, &chat("m", false));
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains(shape), "{answer}");
        let answer = ask(&stub, &format!("{CHAT}\r\nx-portkey-api-key: sesame"), &chat("m", false));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// A beta is asked for in Anthropic's header, beside a body of any form, and not in the body.
#[test]
fn a_beta_stands_in_the_header() {
    let stub = start(Options { role: Role::Upstream, ..Options::default() });
    let binding = "thinking-binding-controls-2026-08-01";
    let thinking = json!({"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}});
    let messages = json!([{"role": "user", "content": "hi"}]);
    let mut body = json!({"model": "claude-opus-5-5", "max_tokens": 9, "thinking": thinking, "messages": messages});
    let post = |beta: &str, body: &serde_json::Value| {
        let head = format!("POST /v1/messages HTTP/1.1\r\ncontent-type: application/json\r\nanthropic-beta: {beta}");
        ask(&stub, &head, body.to_string().as_bytes())
    };
    assert!(post(binding, &body).starts_with("HTTP/1.1 200 "));
    assert!(post("x", &body).contains("block_binding: Extra inputs are not permitted"));
    body["anthropic_beta"] = binding.into();
    assert!(post(binding, &body).contains("anthropic_beta: Extra inputs are not permitted"));
    for odd in [json!([]), json!("x"), json!(1)] {
        assert!(post("x", &odd).contains("max_tokens: Field required"), "{odd}");
    }
}

#[test]
fn remembers_only_the_newest() {
    let stub = start(Options { record: 2, ..Options::default() });
    for number in 0..4 {
        ask(&stub, &format!("GET /v1/models?number={number} HTTP/1.1"), b"");
    }
    let paths: Vec<String> = stub.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/v1/models?number=2", "/v1/models?number=3"]);
}

#[test]
fn every_fault_that_ends_answers_as_its_table_row_says() {
    let stub = start(Options::default());
    for fault in faults() {
        let status = match fault.effect {
            Effect::Fixed { status, .. } | Effect::Redirect { status } | Effect::Written { status, .. } => status,
            Effect::TwiceThenFine(_) => 500,
            Effect::EchoHeaders { as_error: true } => 401,
            Effect::EchoHeaders { as_error: false } => 200,
            Effect::Silence => continue,
        };
        if matches!(fault.name, "reset" | "stall-midway" | "slow") {
            continue;
        }
        let answer = ask(&stub, CHAT, &chat(&format!("@openai/fault/{}", fault.name), true));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{}: {answer}", fault.name);
        let by_header = ask(&stub, &format!("GET /v1/models HTTP/1.1\r\nx-stub-fault: {}", fault.name), b"");
        assert!(!by_header.is_empty());
    }
    assert!(ask(&stub, CHAT, &chat("fault/no-such", true)).starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_cut_ends_well_and_a_reset_does_not() {
    let stub = start(Options::default());
    let cut = ask(&stub, CHAT, &chat("fault/cut", true));
    assert!(cut.contains("\"one\"") && !cut.contains("DONE") && cut.ends_with("0\r\n\r\n"), "{cut}");
    let mut partial = Vec::new();
    let error = send(&stub, CHAT, &chat("fault/reset", true)).read_to_end(&mut partial).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(String::from_utf8_lossy(&partial).contains("\"one\""));
}

#[test]
fn a_drop_closes_everything_and_a_hang_up_is_counted() {
    let stub = start(Options::default());
    let mut stalled = send(&stub, CHAT, &chat("fault/stall-midway", true));
    stalled.read_exact(&mut [0; 12]).unwrap();
    drop(stalled);
    while stub.abandoned() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut silent = send(&stub, CHAT, &chat("fault/silence", true));
    while stub.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let address = stub.address();
    drop(stub);
    assert!(TcpStream::connect(address).is_err());
    assert!(!matches!(silent.read(&mut [0]), Ok(1..)));
}

#[test]
fn images_by_url_and_multipart_edits() {
    let stub = start(Options::default());
    let body = json!({"model": "dall-e-3", "prompt": "a", "size": "8x4"}).to_string();
    let answer = ask(&stub, "POST /x/v1/images/generations HTTP/1.1", body.as_bytes());
    let (_, path) = answer.split_once(&stub.address().to_string()).unwrap();
    let file = ask(&stub, &format!("GET {} HTTP/1.1", path.split('"').next().unwrap()), b"");
    assert!(path.starts_with("/x/v1/images/files/8x4-") && file.contains("content-type: image/png"), "{file}");

    let png = images::png(2, 2, [0; 3], [255; 3]).unwrap();
    let form = |model: &str, image: &[u8]| {
        let model = format!("--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n");
        let prompt = "--b\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nblue\r\n";
        let head = "--b\r\ncontent-disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n";
        [model.as_bytes(), prompt.as_bytes(), head.as_bytes(), image, b"\r\n--b--\r\n"].concat()
    };
    let edit = "POST /v1/images/edits HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b";
    let answer = ask(&stub, edit, &form("gpt-image-2", &png));
    assert!(answer.contains("b64_json") && answer.contains("from image/png 2x2"), "{answer}");
    let recorded = stub.requests().pop().unwrap();
    assert_eq!(recorded.field("image[]").unwrap().file_name.as_deref(), Some("a.png"));
    assert_eq!(recorded.field("image[]").unwrap().data, png);
    assert!(ask(&stub, edit, &form("@openai/gpt-image-2", &png)).starts_with("HTTP/1.1 404 "));
    let large = [&png[..], &vec![0; 3 << 20]].concat();
    assert!(ask(&stub, edit, &form("gpt-image-2", &large)).starts_with("HTTP/1.1 200 "), "axum's own limit is 2 MB");
    assert!(ask(&stub, edit, &form("gpt-image-2", b"not an image")).starts_with("HTTP/1.1 400 "));
    assert!(ask(&stub, "POST /v1/images/edits HTTP/1.1", b"{}").starts_with("HTTP/1.1 400 "));
}

#[test]
fn prices_are_for_everybody_and_recorded_apart() {
    let key = Credential { header: "X-Portkey-Api-Key".into(), value: "sesame".into() };
    let stub = start(Options { require: Some(key), ..Options::default() });
    let price = |model: &str| ask(&stub, &format!("GET /model-configs/pricing/{model} HTTP/1.1"), b"");
    let found = price("openai/gpt-5");
    assert!(found.starts_with("HTTP/1.1 200 ") && found.contains(r#""request_token":{"price":0.000125}"#), "{found}");
    assert!(!found.contains("x-portkey-"), "no provider was asked: {found}");
    assert!(price("groq/openai%2Fgpt-oss-120b").starts_with("HTTP/1.1 200 "));
    for unknown in ["openai/gpt-0", "team-a/gpt-5", "openai/"] {
        let answer = price(unknown);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("Model not found"), "{answer}");
    }
    assert!(stub.requests().is_empty());
    assert_eq!(stub.take_of_prices().len(), 5);

    let upstream = start(Options { role: Role::Upstream, ..Options::default() });
    let answer = ask(&upstream, "GET /model-configs/pricing/openai/gpt-5 HTTP/1.1", b"");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
