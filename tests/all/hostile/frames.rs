//! Gateways that break the frames of HTTP/1.1 and HTTP/2: each call ends in the answer, or in words.

use std::time::Duration;

use host_harness::{Limits, Provider, types::ErrorKind as Kind};

use super::{Http2, before, good};
use crate::{
    fault_server::{FaultServer, Script, Step, bytes, frame},
    http2_faults::{answer, trusting},
    raw_server::{HELLO, JSON, answering, whole},
    support::ask,
    tls::Authority,
};

/// What two readers would take for two things, and what stands before, behind and beside an answer, is read in one way, or
/// refused in words. `faults` has more, by how a call ends.
#[tokio::test]
async fn an_answer_in_odd_frames_is_read_in_one_way_or_refused() {
    let plugin = good().await;
    let (length, size) = (HELLO.len(), format!("{:x}", HELLO.len()));
    let chunked = format!("{JSON}transfer-encoding: chunked\r\n\r\n");
    let chunk = |size: &str| format!("{chunked}{size}\r\n{HELLO}\r\n0\r\n\r\n").into_bytes();
    let trailers = |more: &str| format!("{chunked}{size}\r\n{HELLO}\r\n0\r\n{more}\r\n").into_bytes();
    let sized = |header: &str| format!("{JSON}{header}\r\n\r\n{HELLO}").into_bytes();
    let status = |line: &str| whole(&format!("{line}\r\ncontent-type: application/json\r\n"), HELLO);
    let after = |early: String| [early.into_bytes(), whole(JSON, HELLO)].concat();
    let large = "y".repeat(1 << 20);
    for (name, answer, is_read) in [
        ("a size in capitals with zeros", chunk(&format!("000{}", size.to_uppercase())), true),
        ("a size with a plus", chunk(&format!("+{size}")), false),
        ("a size with 0x", chunk(&format!("0x{size}")), false),
        ("a negative size", chunk("-1"), false),
        ("an extension of 100 kB", chunk(&format!("{size};x={}", &large[..100_000])), false),
        ("a line feed alone behind the size", format!("{chunked}{size}\n{HELLO}\r\n0\r\n\r\n").into(), false),
        ("trailers", trailers("x-a: b\r\ncontent-length: 1\r\nset-cookie: a=b\r\n"), true),
        ("trailers of a megabyte", trailers(&format!("x: {large}\r\n")), false),
        ("20,000 trailers", trailers(&"x: y\r\n".repeat(20_000)), false),
        ("trailers that are none", trailers("x y\r\n"), false),
        ("a length with a plus", sized(&format!("content-length: +{length}")), false),
        ("a colon after a space", sized(&format!("content-length : {length}")), false),
        ("a length in hexadecimal", sized("content-length: 0x10"), false),
        ("a length in thousands", sized("content-length: 1e3"), false),
        ("one length twice", sized(&format!("content-length: {length}, {length}")), true),
        ("two lengths in a list", sized(&format!("content-length: {length}, 5")), false),
        ("500 headers", whole(&format!("{JSON}{}", "x-a: b\r\n".repeat(500)), HELLO), false),
        ("a header of 100 kB", whole(&format!("{JSON}x-a: {}\r\n", &large[..100_000]), HELLO), false),
        ("20,000 early hints", after("HTTP/1.1 103 x\r\nlink: </x>; rel=preload\r\n\r\n".repeat(20_000)), true),
        ("20,000 times go on", after("HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000)), true),
        ("an early hint with a body", after("HTTP/1.1 103 x\r\ncontent-length: 5\r\n\r\nhello".into()), false),
        ("an early hint that is too large", after(format!("HTTP/1.1 103 x\r\nx: {large}\r\n\r\n")), false),
        ("the status 203", status("HTTP/1.1 203 x"), true),
        ("the status 299", status("HTTP/1.1 299"), false),
        ("no body by its status", status("HTTP/1.1 204 x"), false),
        ("the status 205", status("HTTP/1.1 205 x"), false),
        ("a part, by its status", status("HTTP/1.1 206 x\r\ncontent-range: bytes 0-9/99"), false),
        ("the status 99", status("HTTP/1.1 099 x"), false),
        ("the status 1000", status("HTTP/1.1 1000 x"), false),
        ("the status 2OO", status("HTTP/1.1 2OO x"), false),
        ("the status -200", status("HTTP/1.1 -200 x"), false),
        ("version 9.9", status("HTTP/9.9 200 OK"), false),
        ("version 2", status("HTTP/2 200"), false),
        ("another protocol", status("ICY 200 OK"), false),
        ("no head", HELLO.into(), false),
        ("a space in a name", status("HTTP/1.1 200 OK\r\nx a: b"), false),
        ("no name", status("HTTP/1.1 200 OK\r\n: b"), false),
        ("a carriage return alone", status("HTTP/1.1 200 OK\r\nx-a: b\rc: d"), false),
    ] {
        let outcome = before(&plugin, answering(answer).await).await.complete(&ask("m", "hello")).await;
        assert_eq!(outcome.is_ok(), is_read, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}");
            assert_ne!(error.kind(), Kind::Timeout, "{name}: {error}");
        }
    }
}

/// Frames of HTTP/2 that cost a careless client its memory, its time, or the next call.
#[tokio::test]
async fn frames_of_http2_without_end_or_sense_end_the_call_alone() {
    let limits = Limits {
        call: Duration::from_secs(2),
        stream_idle: Duration::from_secs(1),
        connect: Duration::from_secs(1),
        response_body: 1 << 20,
        ..Limits::default()
    };
    let plugin = crate::support::plugin_with(limits).await;
    fn endless(frame: Vec<u8>) -> Script {
        vec![Step::Endless(frame.repeat(100))]
    }
    fn alone(frame: Vec<u8>) -> Script {
        vec![bytes(frame), Step::Stall]
    }
    fn head(stream: u32, block: &[u8]) -> Script {
        vec![bytes(frame::frame(1, 4, stream, block)), bytes(frame::last(stream, b"{}"))]
    }
    fn field(stream: u32, name: &str, value: &str) -> Script {
        vec![bytes(frame::head(stream, "application/json", &[(name, value)])), bytes(frame::last(stream, b"{}"))]
    }
    let cases: &[Http2] = &[
        ("pings", |_| endless(frame::frame(6, 0, 0, &[0; 8]))),
        ("settings", |_| endless(frame::frame(4, 0, 0, &[]))),
        ("settings that change back and forth", |_| {
            endless([[0, 4, 0, 0, 0, 0], [0, 4, 0, 0, 255, 255]].map(|window| frame::frame(4, 0, 0, &window)).concat())
        }),
        ("a head that is continued", |stream| {
            [vec![bytes(frame::frame(1, 0, stream, &[0x88]))], endless(frame::frame(9, 0, stream, &[]))].concat()
        }),
        ("a head that is continued with more", |stream| {
            let more = [&[0, 1, b'a', 100][..], &[b'x'; 100]].concat();
            [vec![bytes(frame::frame(1, 0, stream, &[0x88]))], endless(frame::frame(9, 0, stream, &more))].concat()
        }),
        ("data of nothing", |stream| {
            let head = frame::head(stream, "application/json", &[]);
            [vec![bytes(head)], endless(frame::data(stream, b""))].concat()
        }),
        ("data of padding", |stream| {
            let head = frame::head(stream, "application/json", &[]);
            [vec![bytes(head)], endless(frame::frame(0, 8, stream, &[&[255][..], &[0; 255]].concat()))].concat()
        }),
        ("windows", |stream| endless(frame::frame(8, 0, stream, &1_u32.to_be_bytes()))),
        ("a window of too much", |_| alone(frame::frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes()))),
        ("a window of nothing", |stream| alone(frame::frame(8, 0, stream, &[0; 4]))),
        ("priorities", |stream| endless(frame::frame(2, 0, stream, &[0, 0, 0, 0, 1]))),
        ("what nobody knows", |_| endless(frame::frame(0xfe, 0, 0, &[0; 1000]))),
        ("resets of what is over", |_| endless(frame::rst_stream(1, frame::CANCEL))),
        ("resets of what never was", |_| endless(frame::rst_stream(99, frame::CANCEL))),
        ("a promise", |stream| alone(frame::frame(5, 4, stream, &[0, 0, 0, 2, 0x82, 0x84, 0x87]))),
        ("heads that inform", |stream| endless(frame::frame(1, 4, stream, &[8, 3, b'1', b'0', b'3']))),
        ("two statuses", |stream| head(stream, &[0x88, 0x88])),
        ("no status", |stream| head(stream, &[0, 1, b'a', 1, b'b'])),
        ("a status that is none", |stream| head(stream, &[8, 3, b'2', b'O', b'0'])),
        ("a path in an answer", |stream| head(stream, &[0x88, 0x84])),
        ("a name in capitals", |stream| field(stream, "X-A", "b")),
        ("a transfer coding", |stream| field(stream, "transfer-encoding", "chunked")),
        ("a connection's header", |stream| field(stream, "connection", "close")),
        ("a line break in a value", |stream| field(stream, "x-a", "b\r\nx-b: c")),
        ("a table that is too large", |stream| {
            alone(frame::frame(1, 4, stream, &[0x3f, 0xff, 0xff, 0xff, 0x0f, 0x88]))
        }),
        ("an entry that is not there", |stream| alone(frame::frame(1, 4, stream, &[0xff, 0xff, 0x0f]))),
        ("no streams any more", |stream| {
            let refused = frame::rst_stream(stream, frame::REFUSED_STREAM);
            alone([frame::frame(4, 0, 0, &[0, 3, 0, 0, 0, 0]), refused].concat())
        }),
        ("data for another's stream", |stream| alone(frame::data(stream + 2, b"{}"))),
        ("a head on stream 0", |_| alone(frame::head(0, "application/json", &[]))),
    ];
    for (name, script) in cases {
        let authority = Authority::new();
        // The first request of a connection gets the script; a call to the model `1` a good answer.
        let server = FaultServer::http2(&authority, |number, stream| match number {
            1 => vec![bytes(answer(stream))],
            _ => script(stream),
        })
        .await;
        let provider = Provider::connect(&plugin, trusting(&authority, &server)).await.unwrap();
        let question = ask("0", "hello");
        let call = tokio::time::timeout(Duration::from_secs(30), provider.complete(&question));
        let outcome = call.await.unwrap_or_else(|_| panic!("{name}: the call goes on"));
        if let Err(error) = &outcome {
            assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}");
        }
        // What takes no streams is a gateway that answers nobody.
        if *name == "no streams any more" {
            continue;
        }
        // The first may find a connection that is gone.
        let mut after = provider.complete(&ask("1", "hello")).await;
        for _ in 0..3 {
            if after.is_err() {
                after = provider.complete(&ask("1", "hello")).await;
            }
        }
        assert!(after.is_ok(), "{name}: {outcome:?}, and then {after:?}");
    }
}
