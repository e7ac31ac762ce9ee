//! A broken network between the host and a gateway that speaks HTTP/2: as `faults`, with frames in place of lines.

use std::time::Duration;

use host_harness::{
    Limits, Plugin, Provider, Setup,
    types::{
        ErrorKind::{self as Kind, Protocol, Timeout, Transport, Truncated},
        ErrorOrigin::{self as Origin, Gateway, Network},
    },
};
use serde_json::json;

use crate::{
    fault_server::{
        FaultServer, Script,
        Step::{self, Close, Pause, Reset, Stall},
        bytes, frame,
    },
    faults::{JSON, SHORT, SSE, TEXT, all, complete, is_as_said, stream, whole, with_limits},
    support::{ask, plugin_with, setup},
    tls::Authority,
};

/// What a provider needs to call a server of this authority.
pub fn trusting(authority: &Authority, server: &FaultServer) -> Setup {
    let request = json!({"tls": {"ca": authority.pem}});
    setup(&server.base_url).config(json!({"models": {"providers": {"portkey": {"request": request}}}}))
}

/// The plugin before a server that speaks HTTP/2.
async fn before_http2(
    plugin: Plugin,
    script: impl Fn(usize, u32) -> Script + Send + Sync + 'static,
) -> (FaultServer, Provider) {
    let authority = Authority::new();
    let server = FaultServer::http2(&authority, script).await;
    let provider = Provider::connect(&plugin, trusting(&authority, &server)).await.unwrap();
    (server, provider)
}

/// A whole answer on one stream.
pub fn answer(stream: u32) -> Vec<u8> {
    [frame::head(stream, "application/json", &[]), frame::last(stream, JSON.as_bytes())].concat()
}

/// Whoever wants no limit writes the largest number.
#[tokio::test]
async fn the_largest_limits_are_none() {
    let (ever, any) = (Duration::MAX, usize::MAX);
    let limits = Limits {
        call: ever,
        stream_idle: ever,
        stream: ever,
        connect: ever,
        compile: ever,
        memory: any,
        response_head: any,
        response_body: u64::MAX,
        component: u64::MAX,
        concurrent_requests: any,
        ..Limits::default()
    };
    let plugin = plugin_with(limits).await;
    let server = FaultServer::http1(|_| vec![bytes(whole()), Close]).await;
    let provider = Provider::connect(&plugin, setup(&server.base_url)).await.unwrap();
    assert_eq!(provider.complete(&ask("gpt", "hello")).await.unwrap().text(), TEXT);
    let (_server, provider) = before_http2(plugin, |_, stream| vec![bytes(answer(stream))]).await;
    assert_eq!(provider.complete(&ask("gpt", "hello")).await.unwrap().text(), TEXT);
}

/// A fault of HTTP/2; the script is for the first stream of a connection.
pub type Http2Case = (&'static str, fn(u32) -> Script, Kind, Origin);

fn rst(stream: u32, code: u32) -> Step {
    bytes(frame::rst_stream(stream, code))
}

/// Before the head and within it: a whole and a streamed reply end alike.
const HTTP2_HEADS: &[Http2Case] = &[
    ("closed", |_| vec![Close], Transport, Network),
    ("reset", |_| vec![Reset], Transport, Network),
    ("a stream's internal error", |stream| vec![rst(stream, frame::INTERNAL_ERROR)], Transport, Network),
    ("a stream refused", |stream| vec![rst(stream, frame::REFUSED_STREAM)], Transport, Network),
    ("a stream cancelled", |stream| vec![rst(stream, frame::CANCEL)], Transport, Network),
    ("sent away", |_| vec![bytes(frame::goaway(0, frame::NO_ERROR)), Stall], Transport, Network),
    ("sent away for an error", |_| vec![bytes(frame::goaway(0, frame::PROTOCOL_ERROR)), Close], Transport, Network),
    (
        "a head that unpacks to a megabyte",
        |stream| {
            // A field that is put into the table, and then named a thousand times.
            let field = [&[0x88, 0x40, 1, b'a', 0x7f, 0x81, 0x07][..], &[b'x'; 1024]].concat();
            vec![bytes(frame::frame(1, 4, stream, &[field, vec![0xbe; 1024]].concat())), Stall]
        },
        Protocol,
        Gateway,
    ),
    ("too long a frame", |stream| vec![bytes(frame::data(stream, &vec![b'x'; 16_385])), Stall], Protocol, Gateway),
    ("an undecodable head", |stream| vec![bytes(frame::frame(1, 4, stream, &[0xff; 8])), Stall], Protocol, Gateway),
    ("a body before its head", |stream| vec![bytes(frame::data(stream, b"{}")), Stall], Protocol, Gateway),
    ("HTTP/1.1 after all", |_| vec![bytes(whole()), Stall], Protocol, Gateway),
];

/// Within the body of a whole reply. All but those that close leave the connection to other streams.
pub const HTTP2_BODIES: &[Http2Case] = &[
    ("a body cancelled", |stream| vec![half(stream), rst(stream, frame::CANCEL)], Transport, Network),
    ("a body reset without an error", |stream| vec![half(stream), rst(stream, frame::NO_ERROR)], Transport, Network),
    ("a body closed", |stream| vec![half(stream), Close], Transport, Network),
    ("a body ended as if whole", |stream| vec![half(stream), bytes(frame::last(stream, b""))], Protocol, Gateway),
    ("a length too long", |stream| vec![sized(stream, JSON.len() + 1)], Protocol, Gateway),
    ("a length too short", |stream| vec![sized(stream, JSON.len() - 1)], Protocol, Gateway),
    (
        "gzip",
        |stream| vec![bytes(frame::head(stream, "application/json", &[("content-encoding", "gzip")])), Stall],
        Protocol,
        Gateway,
    ),
];

/// Within a streamed reply, after its first event.
const HTTP2_STREAMS: &[Http2Case] = &[
    ("an error", |stream| vec![begun(stream), Pause(SHORT), rst(stream, frame::INTERNAL_ERROR)], Truncated, Network),
    ("cancelled", |stream| vec![begun(stream), Pause(SHORT), rst(stream, frame::CANCEL)], Truncated, Network),
    (
        "sent away for an error",
        |stream| vec![begun(stream), Pause(SHORT), bytes(frame::goaway(stream, frame::INTERNAL_ERROR)), Close],
        Truncated,
        Network,
    ),
    ("closed", |stream| vec![begun(stream), Pause(SHORT), Close], Truncated, Network),
    ("ended as if whole", |stream| vec![begun(stream), bytes(frame::last(stream, b""))], Truncated, Gateway),
    ("silence", |stream| vec![begun(stream), Stall], Timeout, Network),
];

fn half(stream: u32) -> Step {
    let data = frame::data(stream, &JSON.as_bytes()[..JSON.len() / 2]);
    bytes([frame::head(stream, "application/json", &[]), data].concat())
}

fn sized(stream: u32, length: usize) -> Step {
    let head = frame::head(stream, "application/json", &[("content-length", &length.to_string())]);
    bytes([head, frame::last(stream, JSON.as_bytes())].concat())
}

fn begun(stream: u32) -> Step {
    bytes([frame::head(stream, "text/event-stream", &[]), frame::data(stream, SSE[0].as_bytes())].concat())
}

/// Every case, each on a connection of its own: one that breaks would take the others with it.
async fn check_http2(cases: &'static [Http2Case], forms: &[bool], said: &str) {
    let calls = cases.iter().flat_map(|case| forms.iter().map(move |form| (case, *form)));
    let wrong = all(calls.map(async |((name, script, kind, origin), is_streamed)| {
        let (server, provider) = before_http2(with_limits(*kind).await, |_, stream| script(stream)).await;
        let ended = if is_streamed { stream(&provider, 0).await } else { complete(&provider, 0).await };
        let is_right = is_as_said(&ended, *kind, *origin) && ended.0 == said && server.requests() == 1;
        (!is_right).then(|| {
            format!(
                "{name}, streamed {is_streamed}, not {kind:?} of {origin:?}: {ended:?}, {} requests\n",
                server.requests()
            )
        })
    }))
    .await;
    let wrong: String = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn a_broken_head_of_http2_has_its_kind_and_origin() {
    check_http2(HTTP2_HEADS, &[false, true], "").await;
}

#[tokio::test]
async fn a_broken_body_of_http2_has_its_kind_and_origin() {
    check_http2(HTTP2_BODIES, &[false], "").await;
}

#[tokio::test]
async fn a_broken_stream_of_http2_has_its_kind_and_origin_and_keeps_what_came() {
    check_http2(HTTP2_STREAMS, &[true], "héllo ").await;
}

/// A gateway that goes takes its last answers along, and the next call finds the next gateway.
#[tokio::test]
async fn http2_goes_on_after_a_farewell() {
    const SCRIPTS: [fn(u32) -> Script; 5] = [
        |stream| vec![bytes(answer(stream))],
        |stream| vec![bytes([answer(stream), frame::goaway(stream, frame::NO_ERROR)].concat()), Close],
        |stream| vec![bytes(frame::goaway(stream, frame::NO_ERROR)), Pause(SHORT), bytes(answer(stream)), Close],
        |stream| vec![bytes(answer(stream)), rst(stream, frame::NO_ERROR)],
        |stream| vec![bytes(frame::frame(0xfe, 0xff, 0, b"a kind to come")), bytes(answer(stream))],
    ];
    let (server, provider) =
        before_http2(with_limits(Kind::Other).await, |number, stream| SCRIPTS[number](stream)).await;
    for number in (0..SCRIPTS.len()).chain(0..SCRIPTS.len()) {
        let (said, end) = complete(&provider, number).await;
        assert!(end.is_ok() && said == TEXT, "{number}: {end:?}");
        // So that the farewell is read before the next call: a call on a connection that ends may well fail.
        tokio::time::sleep(SHORT).await;
    }
    assert_eq!(server.requests(), 2 * SCRIPTS.len());
}

/// All calls share one connection of HTTP/2, so one that died in silence must not be kept.
#[tokio::test]
async fn a_dead_connection_of_http2_is_given_up() {
    let (_server, provider) = before_http2(with_limits(Timeout).await, |number, stream| match number {
        0 => vec![Stall],
        _ => vec![bytes(answer(stream))],
    })
    .await;
    let ended = complete(&provider, 0).await;
    assert!(is_as_said(&ended, Transport, Network), "{ended:?}");
    assert_eq!(complete(&provider, 1).await.0, TEXT);
}
