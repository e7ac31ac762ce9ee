//! A broken network between the host and the gateway. Each test states what is on the wire, and how the call ends:
//! within its limit, as the right kind and origin, and never as a short success.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use host_harness::{
    Error, Limits, Plugin, Provider, Result,
    types::{
        ErrorKind::{self as Kind, InvalidConfig, Overloaded, Protocol, Timeout, Transport, Truncated},
        ErrorOrigin::{self as Origin, Gateway, Host, Network},
    },
    wit::chat::{Event, FinishReason},
};
use tokio::sync::OnceCell;

use crate::{
    fault_server::{
        FaultServer, Script,
        Step::{Close, Endless, Pause, Reset, Stall, Trickle},
        bytes,
    },
    raw_server::serving,
    support::{ask, events, plugin_with, setup},
};

/// A whole answer, and what it says.
pub const JSON: &str =
    r#"{"id":"c","model":"m","choices":[{"message":{"content":"héllo wörld"},"finish_reason":"stop"}]}"#;
/// The same as a stream: two pieces of text, the finish, usage, the end.
pub const SSE: [&str; 5] = [
    "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"héllo \"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"wörld\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];
pub const TEXT: &str = "héllo wörld";

/// The start of a good answer, without the blank line.
const AS_JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const AS_EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// A whole answer with its length.
pub fn whole() -> String {
    format!("{AS_JSON}content-length: {}\r\n\r\n{JSON}", JSON.len())
}

/// Pieces of a body, each a chunk of its own, without the last one.
fn chunks(pieces: &[&[u8]]) -> Vec<u8> {
    pieces
        .iter()
        .filter(|piece| !piece.is_empty())
        .flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
        .collect()
}

/// A streamed answer up to a point.
pub fn opened(pieces: &[&str]) -> Vec<u8> {
    let pieces: Vec<_> = pieces.iter().map(|piece| piece.as_bytes()).collect();
    [format!("{AS_EVENTS}transfer-encoding: chunked\r\n\r\n").as_bytes(), &chunks(&pieces)].concat()
}

/// A fault: its name, what is on the wire, and how a call ends.
pub type Case = (&'static str, Script, Kind, Origin);

/// Faults of the head: a whole and a streamed reply end alike.
pub fn heads() -> Vec<Case> {
    let ok = |head: &str| bytes(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n"));
    let mut cases: Vec<Case> = vec![
        ("reset at once", vec![Reset], Transport, Network),
        ("closed at once", vec![Close], Transport, Network),
        ("silence", vec![Stall], Timeout, Host),
        ("silence within the head", vec![bytes("HTTP/1.1 200 OK\r\nconte"), Stall], Timeout, Host),
        ("interim answers alone", vec![Endless(b"HTTP/1.1 103 Early Hints\r\n\r\n".into())], Timeout, Host),
        ("not HTTP", vec![bytes("SSH-2.0-OpenSSH_9.9\r\n"), Stall], Protocol, Gateway),
        ("TLS for plain HTTP", vec![bytes(b"\x15\x03\x01\x00\x02\x02\x46"), Close], Protocol, Gateway),
        ("a status of two digits", vec![bytes("HTTP/1.1 20 OK\r\n\r\n"), Close], Protocol, Gateway),
        ("HTTP/3.0", vec![bytes("HTTP/3.0 200 OK\r\n\r\n"), Close], Protocol, Gateway),
        ("a NUL in a header", vec![ok("a: \0"), Close], Protocol, Gateway),
        ("a header without a colon", vec![ok("abc"), Close], Protocol, Gateway),
        ("an oversized header", vec![ok(&format!("a: {}", "x".repeat(64 << 10))), Close], Protocol, Gateway),
        ("an endless header", vec![bytes("HTTP/1.1 200 OK\r\na: "), Endless(vec![b'x'; 4096])], Protocol, Gateway),
        ("endless headers", vec![bytes("HTTP/1.1 200 OK\r\n"), Endless(b"a: b\r\n".into())], Protocol, Gateway),
        ("a negative length", vec![ok("content-length: -1"), Close], Protocol, Gateway),
        ("a length in words", vec![ok("content-length: ten"), Close], Protocol, Gateway),
        ("a length past 64 bits", vec![ok("content-length: 18446744073709551616"), Close], Protocol, Gateway),
        (
            "two lengths",
            vec![bytes("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"), Close],
            Protocol,
            Gateway,
        ),
        (
            "an upgrade that nobody asked for",
            vec![bytes("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), Stall],
            Protocol,
            Gateway,
        ),
        (
            "a 200 with HTML",
            vec![bytes(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 23\r\n\r\n<html>Please log in</ht",
            )],
            InvalidConfig,
            Gateway,
        ),
        ("a 200 without a body", vec![bytes(format!("{AS_JSON}content-length: 0\r\n\r\n"))], Protocol, Gateway),
        ("a 204", vec![bytes("HTTP/1.1 204 No Content\r\ncontent-type: application/json\r\n\r\n")], Protocol, Gateway),
        (
            "gzip",
            vec![bytes(format!("{AS_JSON}content-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x08\0\0"))],
            Protocol,
            Gateway,
        ),
        (
            "gzip beside identity",
            vec![bytes(format!(
                "{AS_JSON}content-encoding: identity\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n{JSON}",
                JSON.len()
            ))],
            Protocol,
            Gateway,
        ),
        (
            "gzip of the transfer",
            vec![
                bytes(format!("{AS_JSON}transfer-encoding: gzip, chunked\r\n\r\n")),
                bytes(chunks(&[JSON.as_bytes()])),
                bytes("0\r\n\r\n"),
            ],
            Protocol,
            Gateway,
        ),
        ("endless refusal", vec![bytes("HTTP/1.1 500 Oh\r\n\r\n"), Endless(b"no ".repeat(1000))], Overloaded, Gateway),
        ("a cut refusal", vec![bytes("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nno"), Close], Overloaded, Gateway),
    ];
    for (name, status) in [
        ("300", "300 Multiple Choices"),
        ("301", "301 Moved Permanently"),
        ("302", "302 Found"),
        ("303", "303 See Other"),
        ("304", "304 Not Modified"),
        ("305", "305 Use Proxy"),
        ("306", "306 Switch Proxy"),
        ("307", "307 Temporary Redirect"),
        ("308", "308 Permanent Redirect"),
    ] {
        let head = format!("HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:9/v1\r\ncontent-length: 0\r\n\r\n");
        cases.push((name, vec![bytes(head)], InvalidConfig, Gateway));
    }
    cases
}

/// Faults of a whole reply's body.
pub fn bodies() -> Vec<Case> {
    let chunked = |rest: &str| bytes(format!("{AS_JSON}transfer-encoding: chunked\r\n\r\n{rest}"));
    let long = |length: usize| bytes(format!("{AS_JSON}content-length: {length}\r\n\r\n{JSON}"));
    vec![
        ("a length too long", vec![long(JSON.len() + 1), Close], Transport, Network),
        ("a length too long, connection open", vec![long(JSON.len() + 1), Stall], Timeout, Network),
        ("a length too short", vec![long(JSON.len() - 1)], Protocol, Gateway),
        ("a length past the host's limit", vec![long(1 << 40), Endless(vec![b' '; 4096])], Protocol, Host),
        ("silence within the body", vec![bytes(&whole()[..120]), Stall], Timeout, Network),
        ("an endless body", vec![bytes(format!("{AS_JSON}\r\n[")), Endless(vec![b' '; 4096])], Protocol, Host),
        ("an endless chunk", vec![chunked("fffffffffff\r\n"), Endless(vec![b' '; 4096])], Protocol, Host),
        ("a chunk without a size", vec![chunked("xyz\r\n"), Close], Protocol, Gateway),
        ("a chunk past 64 bits", vec![chunked("fffffffffffffffff\r\n"), Close], Protocol, Gateway),
        ("a chunk longer than it says", vec![chunked("2\r\n{}{}\r\n0\r\n\r\n"), Close], Protocol, Gateway),
        ("a chunk's endless extension", vec![chunked("2;"), Endless(vec![b'x'; 4096])], Protocol, Gateway),
        ("a last chunk that never comes", vec![chunked("2\r\n{}\r\n"), Close], Transport, Network),
        ("endless trailers", vec![chunked("2\r\n{}\r\n0\r\n"), Endless(b"a: b\r\n".into())], Protocol, Gateway),
        ("no JSON", vec![bytes(format!("{AS_JSON}content-length: 2\r\n\r\nOK"))], Protocol, Gateway),
    ]
}

/// Faults of a streamed reply's body, each after `SSE[0]`.
pub fn streams() -> Vec<Case> {
    let begun = || bytes(opened(&SSE[..1]));
    vec![
        ("reset", vec![begun(), Pause(SHORT), Reset], Truncated, Network),
        ("closed", vec![begun(), Close], Truncated, Network),
        ("ended as if whole", vec![begun(), bytes("0\r\n\r\n")], Truncated, Gateway),
        ("silence between chunks", vec![begun(), Stall], Timeout, Network),
        ("silence within a chunk", vec![begun(), bytes("20\r\ndata: {"), Stall], Timeout, Network),
        ("comments alone", vec![begun(), Endless(b"2\r\n:\n\r\n".into())], Timeout, Host),
        ("a bad chunk", vec![begun(), bytes("xyz\r\n"), Close], Protocol, Gateway),
        ("an event that is no JSON", vec![begun(), bytes(chunks(&[b"data: OK\n\n"])), Stall], Protocol, Gateway),
        ("an event that is HTML", vec![begun(), bytes(chunks(&[b"data: <html>\n\n"])), Stall], Protocol, Gateway),
        ("an endless event", vec![begun(), bytes("fffffff\r\ndata: "), Endless(vec![b'x'; 4096])], Protocol, Host),
    ]
}

pub const SHORT: Duration = Duration::from_millis(20);

/// Odd, but right.
fn fine() -> Vec<(&'static str, Script)> {
    let sized = |head: &str| vec![bytes(format!("{head}\r\n{JSON}"))];
    let ended = |head: &str| vec![bytes(format!("{head}\r\n{JSON}")), Close];
    let length = format!("content-length: {}\r\n", JSON.len());
    vec![
        ("one byte at a time", vec![Trickle(whole().into())]),
        ("a pause within the head", vec![bytes("HTTP/1.1 "), Pause(SHORT), bytes(&whole()["HTTP/1.1 ".len()..])]),
        (
            "1xx first",
            vec![bytes(format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n{}",
                whole()
            ))],
        ),
        ("no length", ended(AS_JSON)),
        ("HTTP/1.0", ended(&AS_JSON.replace("1.1", "1.0"))),
        ("the same length twice", sized(&format!("{AS_JSON}{length}{length}"))),
        ("no reason phrase", sized(&format!("HTTP/1.1 200\r\n{length}"))),
        ("obsolete text in a header", sized(&format!("{AS_JSON}{length}x: \u{e9}\r\n"))),
        (
            "chunks with extensions and trailers",
            vec![
                bytes(format!("{AS_JSON}transfer-encoding: chunked\r\n\r\n{:X} ;a=b\r\n{JSON}\r\n", JSON.len())),
                bytes("0\r\na: b\r\n\r\n"),
            ],
        ),
        (
            "chunks win over a length",
            vec![
                bytes(format!("{AS_JSON}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n")),
                bytes(chunks(&[JSON.as_bytes()])),
                bytes("0\r\n\r\n"),
            ],
        ),
    ]
}

/// Small limits for what is read, so that the endless ends.
pub fn patient() -> Limits {
    Limits { response_head: 16 << 10, response_body: 1 << 20, ..Limits::default() }
}

/// The same, and little time: for what must end by a time limit, and for nothing else, as machines may be slow.
fn hasty() -> Limits {
    let (call, stream_idle) = (Duration::from_secs(3), Duration::from_millis(300));
    Limits { call, stream_idle, connect: Duration::from_millis(500), ..patient() }
}

pub async fn with_limits(kind: Kind) -> Plugin {
    static PATIENT: OnceCell<Plugin> = OnceCell::const_new();
    static HASTY: OnceCell<Plugin> = OnceCell::const_new();
    match kind {
        Timeout => HASTY.get_or_init(|| plugin_with(hasty())).await.clone(),
        _ => PATIENT.get_or_init(|| plugin_with(patient())).await.clone(),
    }
}

/// The plugin before `server`, with time limits only where `kind` is one.
pub async fn before(server: &FaultServer, kind: Kind) -> Provider {
    Provider::connect(&with_limits(kind).await, setup(&server.base_url)).await.unwrap()
}

/// How a call ended: what was said, and the error.
pub type Ended = (String, Result<()>);

/// A whole reply.
pub async fn complete(provider: &Provider, number: usize) -> Ended {
    match provider.complete(&ask(&number.to_string(), "hello")).await {
        Ok(response) => (response.text(), Ok(())),
        Err(error) => (String::new(), Err(error)),
    }
}

/// A streamed reply. A finish reason is part of every good end.
pub async fn stream(provider: &Provider, number: usize) -> Ended {
    let mut said = String::new();
    let mut has_finished = false;
    let mut reply = match provider.stream(&ask(&number.to_string(), "hello")).await {
        Ok(reply) => reply,
        Err(error) => return (said, Err(error)),
    };
    loop {
        match reply.next().await {
            Ok(Some(events)) => {
                for event in events {
                    match event {
                        Event::Text(text) => said.push_str(&text),
                        Event::Finish(reason) => has_finished = reason == FinishReason::Stop,
                        _ => {}
                    }
                }
            }
            Ok(None) => {
                assert!(has_finished, "a good end without a finish reason, after {said:?}");
                return (said, Ok(()));
            }
            Err(error) => {
                assert!(matches!(reply.next().await, Ok(None)), "over is over");
                return (said, Err(error));
            }
        }
    }
}

/// Whether a call ended as it must. A time limit may be noticed by the host's clock for the whole call or by the one
/// for the connection, where both have the same limit.
pub fn is_as_said((_, end): &Ended, kind: Kind, origin: Origin) -> bool {
    end.as_ref().is_err_and(|error| is_of(error, kind, origin))
}

/// The same of its error.
pub fn is_of(error: &Error, kind: Kind, origin: Origin) -> bool {
    let may_be_either = kind == Timeout && error.origin() == Host;
    error.kind() == kind && (error.origin() == origin || may_be_either) && error.record().request_sent
}

/// Runs all of it, some at a time.
pub async fn all<T>(calls: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls).buffer_unordered(16).collect().await
}

/// Every case, and the cases that did not end as they say.
async fn check(cases: Vec<Case>, forms: &[bool], said: &str) {
    let cases = Arc::new(cases);
    let scripts = Arc::clone(&cases);
    let server = FaultServer::http1(move |number| scripts[number].1.clone()).await;
    let (patient, hasty) = (before(&server, Transport).await, before(&server, Timeout).await);
    let calls = cases.iter().enumerate().flat_map(|case| forms.iter().map(move |form| (case, *form)));
    let wrong = all(calls.map(|((number, (name, _, kind, origin)), is_streamed)| {
        let provider = if *kind == Timeout { &hasty } else { &patient };
        async move {
            let ended = if is_streamed { stream(provider, number).await } else { complete(provider, number).await };
            let is_right = is_as_said(&ended, *kind, *origin) && ended.0 == said;
            (!is_right).then(|| format!("{name}, streamed {is_streamed}, not {kind:?} of {origin:?}: {ended:?}\n"))
        }
    }))
    .await;
    let wrong: String = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(server.requests(), cases.len() * forms.len(), "nothing is sent twice");
}

#[tokio::test]
async fn a_broken_head_has_its_kind_and_origin() {
    check(heads(), &[false, true], "").await;
}

#[tokio::test]
async fn a_broken_body_has_its_kind_and_origin() {
    check(bodies(), &[false], "").await;
}

#[tokio::test]
async fn a_broken_stream_has_its_kind_and_origin_and_keeps_what_came() {
    check(streams(), &[true], "héllo ").await;
}

#[tokio::test]
async fn what_is_odd_but_right_is_read() {
    let scripts = fine();
    let names: Vec<_> = scripts.iter().map(|(name, _)| *name).collect();
    let server = FaultServer::http1(move |number| scripts[number].1.clone()).await;
    let provider = before(&server, Kind::Other).await;
    for (number, name) in names.into_iter().enumerate() {
        let (said, end) = complete(&provider, number).await;
        assert!(end.is_ok() && said == TEXT, "{name}: {said:?} {end:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_says_that_nothing_was_sent() {
    // A port that is taken, and that nobody listens on.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let setup = setup(format!("http://{}/v1", socket.local_addr().unwrap()));
    let provider = Provider::connect(&with_limits(Kind::Other).await, setup).await.unwrap();
    for (_, end) in [complete(&provider, 0).await, stream(&provider, 0).await] {
        let error = end.unwrap_err();
        assert_eq!((error.kind(), error.origin()), (Transport, Network), "{error:?}");
        assert!(!error.record().request_sent && error.record().hint.is_some(), "{error:?}");
    }
}

/// Whoever ends it, and wherever.
#[tokio::test]
async fn an_answer_cut_at_any_byte_is_a_broken_connection() {
    let answer = whole();
    for end in [Reset, Close] {
        let (answer, end) = (answer.clone(), end);
        let length = answer.len();
        let named = format!("{end:?}");
        let server = FaultServer::http1(move |at| vec![bytes(&answer.as_bytes()[..at]), end.clone()]).await;
        let provider = before(&server, Kind::Other).await;
        all((0..length).map(async |at| {
            let ended = complete(&provider, at).await;
            assert!(is_as_said(&ended, Transport, Network), "{named} at {at}: {ended:?}");
        }))
        .await;
        assert_eq!(server.requests(), length, "nothing is sent twice");
    }
}

/// Without a length the end of the connection is the end of the answer: only the JSON itself tells that it was cut.
#[tokio::test]
async fn json_cut_at_any_byte_is_no_answer() {
    let server =
        FaultServer::http1(|at| vec![bytes(format!("{AS_JSON}\r\n")), bytes(&JSON.as_bytes()[..at]), Close]).await;
    let provider = before(&server, Kind::Other).await;
    all((0..JSON.len()).map(async |at| {
        let ended = complete(&provider, at).await;
        assert!(is_as_said(&ended, Protocol, Gateway), "at {at}: {ended:?}");
    }))
    .await;
    assert_eq!(complete(&provider, JSON.len()).await.0, TEXT);
}

/// Whether a body that ends in order after so many bytes of [`SSE`] is whole: the finish reason is there, and no event
/// was begun behind it, but for the last.
pub fn is_end(at: usize) -> bool {
    let mut start = 0;
    for (number, event) in SSE.iter().enumerate() {
        let end = start + event.len();
        if at < end {
            let is_whole = at + "\n\n".len() >= end;
            return number > 2 && (at <= start + "data: ".len() || number == 4) || number >= 2 && is_whole;
        }
        start = end;
    }
    true
}

/// With chunks the host notices, without them the end looks as if it were meant: a stream without its finish is
/// truncated either way, and what came before the cut is there.
#[tokio::test]
async fn a_stream_cut_at_any_byte_is_truncated() {
    let body = SSE.concat();
    for (is_chunked, origin) in [(true, Network), (false, Gateway)] {
        let server = FaultServer::http1(move |at| {
            let body = &SSE.concat().into_bytes()[..at];
            let (head, body) = match is_chunked {
                true => ("transfer-encoding: chunked\r\n", chunks(&[body])),
                false => ("", body.to_vec()),
            };
            vec![bytes(format!("{AS_EVENTS}{head}\r\n")), bytes(body), Close]
        })
        .await;
        let provider = before(&server, Kind::Other).await;
        // An event is there with its blank line, and at an end that looks as if it were meant with its last brace.
        let missing = if is_chunked { 0 } else { "\n\n".len() };
        let ends: Vec<_> = (1..=SSE.len()).map(|count| SSE[..count].concat().len() - missing).collect();
        all((0..body.len()).map(async |at| {
            let ended = stream(&provider, at).await;
            let said = ["", "héllo ", TEXT][ends.iter().filter(|end| at >= **end).count().min(2)];
            let is_right =
                if is_end(at) && !is_chunked { ended.1.is_ok() } else { is_as_said(&ended, Truncated, origin) };
            assert!(is_right && ended.0 == said, "chunked {is_chunked}, at {at}: {ended:?}");
        }))
        .await;
    }
}

/// Each piece is a chunk, so the component reads just these pieces, however the network joins them.
#[tokio::test]
async fn a_stream_split_at_any_two_bytes_says_the_same() {
    const SHORT: &[u8] =
        "data:{\"choices\":[{\"delta\":{\"content\":\"é\"},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\n\n"
            .as_bytes();
    let pairs = |number: usize| (number / (SHORT.len() + 1), number % (SHORT.len() + 1));
    let server = FaultServer::http1(move |number| {
        let (a, b) = pairs(number);
        let body = chunks(&[&SHORT[..a], &SHORT[a..b], &SHORT[b..]]);
        vec![bytes([format!("{AS_EVENTS}transfer-encoding: chunked\r\n\r\n").as_bytes(), &body, b"0\r\n\r\n"].concat())]
    })
    .await;
    let provider = before(&server, Kind::Other).await;
    let whole = events(&provider, &ask("0", "hello")).await.unwrap();
    assert!(whole.iter().any(|event| matches!(event, Event::Text(text) if text == "é")), "{whole:?}");
    let numbers = (0..(SHORT.len() + 1).pow(2)).filter(|number| pairs(*number).0 <= pairs(*number).1);
    all(numbers.map(async |number| {
        let got = events(&provider, &ask(&number.to_string(), "hello")).await;
        assert!(got.as_ref().is_ok_and(|got| *got == whole), "at {:?}: {got:?}", pairs(number));
    }))
    .await;
}

/// A call's limit holds wherever the gateway stops: before TLS stands, and before it has read the request.
#[tokio::test]
async fn a_gateway_that_takes_nothing_is_not_waited_for() {
    let address = serving(async |client| {
        std::future::pending::<()>().await;
        drop(client);
    })
    .await;
    for scheme in ["http", "https"] {
        let setup = setup(format!("{scheme}://{address}/v1"));
        let provider = Provider::connect(&with_limits(Timeout).await, setup).await.unwrap();
        let error = provider.complete(&ask("gpt", &"long ".repeat(4 << 20))).await.unwrap_err();
        assert_eq!((error.kind(), error.origin()), (Timeout, Host), "{scheme}: {error:?}");
    }
}

/// The kernel takes no more connections than fit its queue, and leaves the others waiting.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_never_stands_ends_at_its_own_limit() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut taken = Vec::new();
    while let Ok(stood) =
        tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
    {
        taken.push(stood.unwrap());
    }
    let setup = setup(format!("http://{address}/v1"));
    let provider = Provider::connect(&with_limits(Timeout).await, setup).await.unwrap();
    let error = complete(&provider, 0).await.1.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Timeout, Network), "{error:?}");
    assert!(!error.record().request_sent, "{error:?}");
}

/// Each byte comes within the limit between two bytes: the limit of a call ends it all the same.
#[tokio::test]
async fn a_download_ends_at_the_limit_of_a_call() {
    let server = FaultServer::http1(|_| vec![bytes("HTTP/1.1 200 OK\r\n\r\n"), Trickle(vec![b'x'; 1 << 20])]).await;
    let provider = before(&server, Timeout).await;
    let url = server.base_url.clone();
    let error = tokio::time::timeout(Duration::from_secs(60), provider.download(&url)).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Timeout, Host), "{error:?}");
    assert!(error.record().request_sent, "{error:?}");
}
