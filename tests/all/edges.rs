//! The seventh and the eighth hostile review: what a component learns by how an answer comes, HTTP/2, tools, files of the environment, what is
//! left when a program is killed, agents of a configuration. `tests/hostile/review/README.md` lists each attempt with its result.

use std::{
    fs,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt;
use host_harness::{Engine, Limits, Provider};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    fault_server::{FaultServer, Script, Step, bytes, frame},
    faults::answer,
    hostile::{Host, at, hostile, load, request, tight},
    raw_server::{HELLO, JSON, answering, recording, request_of, responding, serving, whole},
    review::before,
    support::{Cli, KEY, User, ask, eventually, provider, setup, text, until, upstream},
    tls::Authority,
    tool_command,
};

const OCTETS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// A server that gives back the path that it is asked for, in pieces, with a pause between them.
async fn repeating(pieces: fn(&str) -> Vec<String>) -> SocketAddr {
    serving(move |mut client| async move {
        let (head, _) = request_of(&mut client).await.unwrap();
        for piece in pieces(head.split(' ').nth(1).unwrap()) {
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
    .await
}

/// A component has a server repeat a guess. If the host held back what may be the start of the key, and nothing else, each letter
/// could be guessed by itself.
#[tokio::test]
async fn how_an_answer_comes_tells_nothing_of_the_key() {
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let plugin = load(&engine, hostile()).await.unwrap();
    let encoded = STANDARD.encode(KEY);
    type Pieces = fn(&str) -> Vec<String>;
    for (name, pieces) in [
        ("whole", (|path| vec![format!("{OCTETS}content-length: {}\r\n\r\n{path}", path.len())]) as Pieces),
        ("in a chunk", |path| vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "0\r\n\r\n".into()]),
        ("and on", |path| vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "4\r\nmore\r\n0\r\n\r\n".into()]),
        ("and a line on", |path| {
            vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "4\r\n\nmor\r\n0\r\n\r\n".into()]
        }),
        ("in a line of its own", |path| {
            vec![format!("{CHUNKS}{:x}\r\n{path}\n\r\n", path.len() + 1), "4\r\nmore\r\n0\r\n\r\n".into()]
        }),
    ] {
        let server = repeating(pieces).await;
        let provider = Provider::connect(&plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let seen = async |guess: &str| {
            let path = format!("/{}{guess}", "x".repeat(500));
            let asked = request("pieces", &["http", &server.to_string(), &path, "GET", ""]);
            text(&provider.complete(&asked).await.unwrap())
        };
        for secret in [KEY, &encoded] {
            for length in [1, 2, secret.len() / 2, secret.len() - 3] {
                let (right, wrong) = (&secret[..length], "q".repeat(length));
                assert_eq!(seen(right).await, seen(&wrong).await, "{name}: {right}");
            }
        }
    }
}

/// The letters of a text, each apart.
fn spelled(text: &str) -> String {
    text.chars().flat_map(|letter| [letter, ' ']).collect()
}

/// Not what it tells its caller, which is masked, but what it is told: spelled, so that no mask finds it there.
#[tokio::test]
async fn what_no_mask_reads_is_told_to_no_component() {
    let host = Host::new().await;
    let encoded = STANDARD.encode(format!(":{KEY}"));
    for head in [
        format!("200 OK\r\ncontent-encoding: {KEY}"),
        format!("200 OK\r\ncontent-encoding: gzip, {KEY}"),
        format!("200 OK\r\ncontent-encoding: {encoded}"),
        format!("200 OK\r\ntransfer-encoding: {KEY}"),
        format!("200 OK\r\ntransfer-encoding: {KEY}, chunked"),
        format!("200 {KEY}"),
        format!("200 OK\r\n{}: 1", KEY.to_uppercase()),
        format!("200 OK\r\nx-{KEY}-x: {KEY}"),
        format!("200 OK\r\nlocation: http://{KEY}.example/{KEY}"),
        format!("{KEY} OK"),
        format!("103 Early\r\nlink: {KEY}\r\n\r\nHTTP/1.1 200 OK"),
    ] {
        let server = answering(whole(&format!("HTTP/1.1 {head}\r\n"), "x")).await;
        let provider = Provider::connect(&host.plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let asked = request("spell", &["http", &server.to_string(), "/v1/x", "GET", ""]);
        let seen = text(&provider.complete(&asked).await.unwrap());
        for secret in [KEY, encoded.trim_end_matches('=')] {
            assert!(!seen.to_lowercase().contains(&spelled(secret).to_lowercase()), "{head}: {seen}");
        }
        assert!(seen.len() > 20, "{head}: it sees something: {seen}");
    }
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        format!("1;{KEY}\r\nx\r\n0\r\n\r\n"),
        format!("1\r\nx\r\n0\r\nx-t: {KEY}\r\n{KEY}: x\r\n\r\n"),
        format!("{KEY}\r\n"),
    ] {
        let server = answering(format!("{chunked}{body}")).await;
        let provider = Provider::connect(&host.plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let asked = request("spell", &["http", &server.to_string(), "/v1/x", "GET", ""]);
        let seen = text(&provider.complete(&asked).await.unwrap());
        assert!(!seen.contains(&spelled(KEY)), "{body}: {seen}");
    }
    host.serves().await;
}

/// A connection's end over HTTP/2 may come with a text for debugging.
fn farewell(text: &str) -> Vec<u8> {
    frame::frame(7, 0, 0, &[&[0; 4][..], &frame::INTERNAL_ERROR.to_be_bytes(), text.as_bytes()].concat())
}

type Http2 = (&'static str, fn(u32) -> Script);

/// Where a server of HTTP/2 can say something, beside a body.
const SAYING: &[Http2] = &[
    ("a farewell", |_| vec![bytes(farewell(KEY)), Step::Close]),
    ("a farewell in the middle", |stream| {
        vec![
            bytes([frame::head(stream, "application/json", &[]), frame::data(stream, b"{"), farewell(KEY)].concat()),
            Step::Close,
        ]
    }),
    ("a header", |stream| {
        vec![bytes([frame::head(stream, "application/json", &[("x-said", KEY)]), frame::last(stream, b"{}")].concat())]
    }),
    ("a header's name", |stream| {
        vec![bytes([frame::head(stream, "application/json", &[(KEY, "x")]), frame::last(stream, b"{}")].concat())]
    }),
    ("a coding", |stream| {
        vec![bytes(frame::head(stream, "application/json", &[("content-encoding", KEY)])), Step::Stall]
    }),
    ("a trailer", |stream| {
        let (head, mut trailers) =
            (frame::head(stream, "application/json", &[]), frame::head(stream, KEY, &[("x-said", KEY)]));
        trailers[4] |= 1;
        trailers.remove(9);
        let length = u32::try_from(trailers.len() - 9).unwrap().to_be_bytes();
        trailers[..3].copy_from_slice(&length[1..]);
        vec![bytes([head, frame::data(stream, b"{}"), trailers].concat())]
    }),
    ("a ping", |stream| vec![bytes(frame::frame(6, 0, 0, &KEY.as_bytes()[..8])), bytes(answer(stream))]),
    ("a frame that nobody knows", |stream| {
        vec![bytes(frame::frame(0xfe, 0, 0, KEY.as_bytes())), bytes(answer(stream))]
    }),
];

#[tokio::test]
async fn what_a_server_of_http2_says_beside_a_body_is_told_to_no_component() {
    let engine = Engine::new(Limits { call: Duration::from_secs(20), ..tight() }).unwrap();
    let plugin = load(&engine, hostile()).await.unwrap();
    for (name, script) in SAYING {
        let authority = Authority::new();
        let server =
            FaultServer::http2(authority.acceptor("localhost", false, &["h2"]), |_, stream| script(stream)).await;
        let tls = json!({"models": {"providers": {"hostile": {"request": {"tls": {"ca": authority.pem}}}}}});
        let provider = Provider::connect(&plugin, at(&server.base_url).config(tls)).await.unwrap();
        let place = server.base_url.trim_start_matches("https://").trim_end_matches("/v1");
        let outcome = provider.complete(&request("spell", &["https", place, "/v1/x", "POST", "{}"])).await;
        let seen = text(&outcome.unwrap());
        assert!(seen.len() > 20 && !seen.contains(&spelled(KEY)), "{name}: {seen}");
    }
}

/// However much is logged.
#[test]
fn what_a_server_of_http2_says_is_in_no_log() {
    for (name, script) in SAYING {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let authority = Authority::new();
        let acceptor = authority.acceptor("localhost", false, &["h2"]);
        let server = runtime.block_on(FaultServer::http2(acceptor, |_, stream| script(stream)));
        let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", &server.base_url);
        let file = cli.folder.path().join("authority.pem");
        fs::write(&file, &authority.pem).unwrap();
        let cli = cli.env("SSL_CERT_FILE", file.display().to_string());
        for (level, flag) in [
            ("error", "-v"),
            ("error", "-vv"),
            ("trace", "--no-stream"),
            ("h2::proto=trace", "--no-stream"),
            ("error,h2=trace,h2::proto::connection=debug", "--no-stream"),
        ] {
            let output = cli
                .command(&["chat", "hello", "--timeout", "20", flag])
                .env("HOST_HARNESS_LOG", level)
                .output()
                .unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(!said.contains(KEY), "{name}, {level} {flag}: {said}");
            assert!(level != "trace" || said.contains("TRACE"), "{name}: {said}");
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
        let server =
            FaultServer::http2(authority.acceptor("localhost", false, &["h2"]), |number, stream| match number {
                1 => vec![bytes(answer(stream))],
                _ => script(stream),
            })
            .await;
        let provider = Provider::connect(&plugin, crate::faults::trusting(&authority, &server)).await.unwrap();
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

/// Times to wait of nothing, and of all that there are.
#[tokio::test]
async fn odd_times_to_wait_end_in_words() {
    let host = Host::new().await;
    let (none, ever) = ("0", u64::MAX.to_string());
    for times in [[none; 3], ["1"; 3], [&*ever; 3], [none, &ever, &ever], [&ever, none, &ever], [&ever, &ever, none]] {
        let outcome = host.attack("hurried", &times).await;
        match outcome {
            Ok(status) => assert_eq!(status, "400", "what the stand-in says of such a body: {times:?}"),
            Err(error) => assert!(!error.to_string().contains("the plugin failed"), "{times:?}: {error}"),
        }
    }
}

/// Whoever drops a call at any moment leaves nothing behind: no instance, no connection that is half read.
#[tokio::test]
async fn calls_that_are_dropped_at_any_moment_leave_nothing() {
    let engine = Engine::new(Limits { instances: 4, call: Duration::from_secs(20), ..tight() }).unwrap();
    let plugin = load(&engine, &fs::read(crate::support::component()).unwrap()).await.unwrap();
    let slow = FaultServer::http1(|number| match number {
        0 => vec![bytes(whole(JSON, HELLO))],
        _ => vec![Step::Trickle(whole(JSON, HELLO)), Step::Close],
    })
    .await;
    let provider = Provider::connect(&plugin, setup(&slow.base_url)).await.unwrap();
    for wait in 0..60 {
        let (whole, streamed) = (ask("1", "hello"), ask("1", "hello"));
        let _ = tokio::time::timeout(Duration::from_millis(wait), provider.complete(&whole)).await;
        let mut reply = None;
        let _ =
            tokio::time::timeout(Duration::from_millis(wait), async { reply = Some(provider.stream(&streamed).await) })
                .await;
        if let Some(Ok(mut reply)) = reply {
            let _ = tokio::time::timeout(Duration::from_millis(1), reply.next()).await;
        }
    }
    assert_eq!(text(&provider.complete(&ask("0", "hello")).await.unwrap()), "hello");
    assert!(eventually(|| engine.instances() == 0).await, "{} instances live on", engine.instances());
}

/// A gateway that always has one more page of models.
#[tokio::test]
async fn a_catalog_of_pages_without_end_ends() {
    let page = AtomicUsize::new(0);
    let (server, _) = responding(move |_| {
        let id = format!("@a/m{}", page.fetch_add(1, Ordering::Relaxed));
        whole(JSON, json!({"total": u64::MAX, "has_more": true, "data": [{"id": id, "slug": "m"}]}).to_string())
    })
    .await;
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let plugin = load(&engine, &fs::read(crate::support::component()).unwrap()).await.unwrap();
    let models = before(&plugin, server).await.models().await.unwrap();
    assert!((1..=1000).contains(&models.len()), "{}", models.len());
}

const WITH_TOOL: [&str; 6] = ["chat", "hello", "--tools", "tools.json", "--run", "./tool"];

/// A model asks for as many calls in one answer as it likes: each would be a process.
#[test]
fn tool_calls_without_number_are_not_all_made() {
    let user = tool_command::user("echo x >>calls; echo ok");
    let call = |number: usize| json!({"id": format!("c{number}"), "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let calls: Vec<_> = (0..2000).map(call).collect();
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    let asking = whole(
        JSON,
        json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}]}).to_string(),
    );
    let count = AtomicUsize::new(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(FaultServer::http1(move |_| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        vec![bytes(if is_first { asking.clone() } else { whole(JSON, HELLO) })]
    }));
    let ran = user.cli.run(&[&WITH_TOOL[..], &["--base-url", &server.base_url]].concat()).ok();
    assert_eq!(ran.out.trim(), "hello");
    let made = fs::read_to_string(user.cli.folder.path().join("calls")).unwrap().lines().count();
    assert!((1..=128).contains(&made), "{made} processes for one answer");
}

/// An answer that asks for the tool, and one that ends the conversation with an image that is elsewhere.
#[cfg(unix)]
fn asking_and_drawing(image: &str) -> [Vec<u8>; 2] {
    let call = json!({"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let asking = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let drawing = json!({"role": "assistant", "content": "hello", "images": [{"image_url": {"url": image}}]});
    [(asking, "tool_calls"), (drawing, "stop")].map(|(message, reason)| {
        let answer = json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": reason}]});
        whole(JSON, answer.to_string())
    })
}

#[cfg(unix)]
fn kill(signal: &str, id: u32) {
    assert!(std::process::Command::new("kill").args([signal, &id.to_string()]).status().unwrap().success());
}

/// The command of a user, as `starter` starts what is behind it.
#[cfg(unix)]
fn started_by(starter: &[&str], user: &User, arguments: &[&str]) -> std::process::Command {
    let command = user.cli.command(arguments);
    let mut started = std::process::Command::new(starter[0]);
    started.args(&starter[1..]).arg(command.get_program()).args(command.get_args());
    started.current_dir(user.cli.folder.path()).env_clear();
    started.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", "/usr/bin:/bin");
    started
}

/// These tests may run under `nohup` themselves.
#[cfg(unix)]
const WITH_HANGUP: &[&str] = &["env", "--default-signal=HUP"];

/// A program that is killed takes along what it started for the model.
#[cfg(unix)]
#[test]
fn a_tool_ends_with_the_program_that_started_it() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let user = tool_command::user("echo $$ > child; sleep 600 & echo $! > grandchild; wait");
        let [asking, _] = asking_and_drawing("");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(FaultServer::http1(move |_| vec![bytes(&asking)]));
        crate::support::component();
        let mut program = started_by(WITH_HANGUP, &user, &[&WITH_TOOL[..], &["--base-url", &server.base_url]].concat())
            .spawn()
            .unwrap();
        let file = |name: &str| fs::read_to_string(user.cli.folder.path().join(name)).unwrap_or_default();
        until(|| file("grandchild").ends_with('\n'));
        kill(signal, program.id());
        assert_eq!(program.wait().unwrap().code(), Some(code));
        let lives = |name: &str| {
            let status = fs::read_to_string(format!("/proc/{}/status", file(name).trim())).unwrap_or_default();
            !status.is_empty() && !status.contains("(zombie)")
        };
        until(|| !lives("child") && !lives("grandchild"));
        let left = ["child", "grandchild"].map(lives);
        for name in ["child", "grandchild"] {
            let _ = std::process::Command::new("kill").args(["-KILL", file(name).trim()]).output();
        }
        assert_eq!(left, [false, false], "after SIG{signal}");
    }
}

/// What handles a signal is never taken away again: what comes after the tools must end, too.
#[cfg(unix)]
#[test]
fn a_signal_ends_the_program_once_its_tools_are_done() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let user = tool_command::user("echo ok");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let images = runtime.block_on(FaultServer::http1(|_| vec![Step::Stall]));
        let [asking, drawing] = asking_and_drawing(&format!("{}/image.png", images.base_url));
        let count = AtomicUsize::new(0);
        let server = runtime.block_on(FaultServer::http1(move |_| {
            let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
            vec![bytes(if is_first { &asking } else { &drawing })]
        }));
        crate::support::component();
        let mut program = started_by(WITH_HANGUP, &user, &[&WITH_TOOL[..], &["--base-url", &server.base_url]].concat())
            .spawn()
            .unwrap();
        assert!(until(|| images.requests() == 1), "the image is asked for");
        kill(signal, program.id());
        let mut ended = None;
        until(|| {
            ended = program.try_wait().unwrap();
            ended.is_some()
        });
        let _ = program.kill();
        assert_eq!(ended.and_then(|status| status.code()), Some(code), "after SIG{signal}");
    }
}

/// As `nohup` starts it.
#[cfg(target_os = "linux")]
#[test]
fn a_program_with_a_tool_outlives_its_terminal_where_it_is_told_to() {
    let user = tool_command::user("touch started; while [ ! -e go ]; do sleep 0.05; done; echo ok");
    let [asking, _] = asking_and_drawing("");
    let count = AtomicUsize::new(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(FaultServer::http1(move |_| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        vec![bytes(if is_first { asking.clone() } else { whole(JSON, HELLO) })]
    }));
    crate::support::component();
    let nohup = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let arguments = [&WITH_TOOL[..], &["--base-url", &server.base_url]].concat();
    let mut program = started_by(&nohup, &user, &arguments).spawn().unwrap();
    let is_started = until(|| user.cli.folder.path().join("started").exists());
    kill("-HUP", program.id());
    // Time to end, for one that does.
    std::thread::sleep(Duration::from_millis(300));
    fs::write(user.cli.folder.path().join("go"), "").unwrap();
    assert_eq!((is_started, program.wait().unwrap().code()), (true, Some(0)));
}

/// The file that is replaced may be another user's: of its mode only who may read and write counts.
#[cfg(unix)]
#[test]
fn what_is_written_gets_no_rights_of_a_program() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let file = user.cli.folder.path().join("out");
    for (before, after) in
        [(0o4755, 0o755), (0o2755, 0o755), (0o6777, 0o777), (0o1644, 0o644), (0o640, 0o640), (0o600, 0o600)]
    {
        for arguments in [&["chat", "hello", "--output", "out"][..], &["speak", "hello", "--output", "out", "--force"]]
        {
            fs::write(&file, "old").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(before)).unwrap();
            user.cli.run(arguments).ok();
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
            assert_eq!(format!("{mode:o}"), format!("{after:o}"), "{arguments:?}, where it was {before:o}");
        }
    }
}

/// The authorities that a variable names are read from a plain file, of a size that some are.
#[cfg(unix)]
#[test]
fn authorities_are_read_from_plain_files_alone() {
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", "https://127.0.0.1:1/v1");
    let folder = cli.folder.path();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    fs::create_dir(folder.join("folder")).unwrap();
    fs::write(folder.join("secret"), format!("-----BEGIN CERTIFICATE-----\n{KEY}\n-----END CERTIFICATE-----\n"))
        .unwrap();
    fs::File::create(folder.join("large")).unwrap().set_len(1 << 40).unwrap();
    crate::support::component();
    for (variable, name) in [
        ("SSL_CERT_FILE", "pipe"),
        ("SSL_CERT_FILE", "folder"),
        ("SSL_CERT_FILE", "secret"),
        ("SSL_CERT_FILE", "large"),
        ("SSL_CERT_FILE", "/dev/zero"),
        ("SSL_CERT_FILE", "/dev/tty"),
        ("SSL_CERT_FILE", "/proc/self/environ"),
    ] {
        let path = folder.join(name);
        // Memory is what `/dev/zero` would take.
        let script = "ulimit -v 12000000; exec timeout 10 \"$@\"";
        let command = cli.command(&["chat", "hello"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", script, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(folder)
            .env_clear();
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran =
            crate::support::Ran::from(limited.env("PATH", "/usr/bin:/bin").env(variable, &path).output().unwrap());
        assert_eq!(ran.code, 4, "{variable} {name}: {ran:?}");
        assert!(ran.err.contains("SSL_CERT_FILE") && !ran.err.contains(KEY), "{name}: {ran:?}");
    }
}

/// What a file says twice, or of JavaScript's members, means what it means to OpenClaw, whose reader takes the last.
#[test]
fn a_file_that_says_a_thing_twice_calls_what_openclaw_would() {
    let user = User::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (other, others) = runtime.block_on(recording(whole(JSON, HELLO)));
    let (own, other) = (user.stub.base_url(), format!("http://{other}/v1"));
    for text in [
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}", baseUrl: "{own}"}}}}}}}}"#),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}", "base\u0055rl": "{own}"}}}}}}}}"#),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}"}}, "portkey": {{baseUrl: "{own}"}}}}}}}}"#),
        format!(
            r#"{{models: {{providers: {{portkey: {{baseUrl: "{other}"}}}}}}, models: {{providers: {{portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
        format!(r#"{{models: {{providers: {{portkey: {{baseUrl: "{own}"}}, __proto__: {{baseUrl: "{other}"}}}}}}}}"#),
        format!(
            r#"{{__proto__: {{models: {{providers: {{portkey: {{baseUrl: "{other}"}}}}}}}}, models: {{providers: {{portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
        format!(
            r#"{{models: {{providers: {{constructor: {{prototype: {{baseUrl: "{other}"}}}}, portkey: {{baseUrl: "{own}"}}}}}}}}"#
        ),
    ] {
        user.stub.clear();
        fs::write(user.cli.folder.path().join("twice.json"), &text).unwrap();
        let output =
            user.cli.command(&["chat", "hello", "--config", "twice.json"]).env_remove("PORTKEY_BASE_URL").output();
        let ran = crate::support::Ran::from(output.unwrap());
        assert!(ran.code == 0 && user.stub.requests().len() == 1, "{text}: {ran:?}");
    }
    assert!(others.lock().unwrap().is_empty());
}

/// A line break in what becomes a header makes no second one.
#[test]
fn no_flag_adds_a_header_to_another() {
    let user = User::new();
    for flag in [
        ["--metadata", "team=a\r\nx-own: 1"],
        ["--metadata", "a\r\nx-own: 1=b"],
        ["--metadata", "team=\u{2028}\u{85}x-own: 1"],
        ["--option", "traceId=a\r\nx-own: 1"],
        ["--option", "provider=@a\nx-own: 1"],
        ["--option", "config={\"a\":\"b\r\nx-own: 1\"}"],
        ["--header", "x-a: b\r\nx-own: 1"],
        ["--header", "x-a\r\nx-own: 1"],
        ["--header", "x-a: b\u{7f}x-own: 1"],
        ["--trace-id", "a\r\nx-own: 1"],
        ["--model", "@a/b\r\nx-own: 1"],
    ] {
        user.stub.clear();
        let ran = user.cli.run(&["chat", "hello", flag[0], flag[1]]);
        assert!([0, 1, 2, 4].contains(&ran.code), "{flag:?}: {ran:?}");
        for request in user.stub.requests() {
            assert!(request.header("x-own").is_none(), "{flag:?}: {request:?}");
        }
    }
}

/// What stands in the environment for terminals, languages and other programs changes no answer.
#[test]
fn odd_variables_change_no_answer() {
    let user = User::new();
    let expected = user.cli.run(&["chat", "hello"]).ok().out;
    let long = "x.example,".repeat(12_000);
    for (name, value) in [
        ("COLUMNS", "99999999999"),
        ("COLUMNS", "0"),
        ("COLUMNS", "-1"),
        ("LINES", "0"),
        ("TERM", "\u{1b}]0;x\u{7}"),
        ("TERM", ""),
        ("TZ", "../../../etc/passwd"),
        ("LC_ALL", "\u{1b}]0;x\u{7}"),
        ("LANG", "tr_TR.UTF-8"),
        ("CLICOLOR_FORCE", "1"),
        ("NO_COLOR", "1"),
        ("NO_PROXY", &long),
        ("TMPDIR", "/no/such/folder"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_LOG", "trace"),
        ("SSL_CERT_DIR", "/dev"),
        ("HOSTALIASES", "/etc/passwd"),
        ("MALLOC_TRACE", "trace"),
        ("PWD", "/"),
        ("USER", "root\nx"),
    ] {
        let ran = crate::support::Ran::from(user.cli.command(&["chat", "hello"]).env(name, value).output().unwrap());
        assert!(ran.code == 0 && ran.out == expected, "{name}={value:.20}: {ran:?}");
        assert!(!ran.err.contains("\u{1b}]") && !ran.err.contains(KEY), "{name}={value:.20}: {ran:?}");
    }
}

/// A proxy's password is in no log, whatever the proxy answers.
#[test]
fn a_proxys_password_is_in_no_log() {
    let password = "hunter22-of-the-proxy";
    let encoded = STANDARD.encode(format!("user:{password}"));
    for head in [
        "200 OK".to_owned(),
        "103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK".to_owned(),
        "200 OK\r\ncontent-length: 5".to_owned(),
        "200 OK\r\ntransfer-encoding: chunked".to_owned(),
        format!("407 {password}\r\nproxy-authenticate: Basic realm=\"{encoded}\""),
        format!("500 {encoded}\r\nx-said: {password}"),
        format!("301 x\r\nlocation: http://user:{password}@127.0.0.1:1/"),
        password.to_string(),
    ] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let proxy =
            runtime.block_on(FaultServer::http1(move |_| vec![bytes(format!("HTTP/1.1 {head}\r\n\r\n")), Step::Close]));
        let place = proxy.base_url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        for scheme in ["http", "socks5h"] {
            let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", "http://gateway.test/v1");
            let cli =
                cli.env("HTTP_PROXY", format!("{scheme}://user:{password}@{place}")).env("HOST_HARNESS_LOG", "trace");
            let ran = cli.run(&["chat", "hello", "--timeout", "5"]);
            assert_ne!(ran.code, 0, "{ran:?}");
            for secret in [password, &encoded, KEY] {
                assert!(!format!("{}{}", ran.out, ran.err).contains(secret), "{scheme}: {ran:?}");
            }
        }
    }
}

/// Sessions that several programs write at once, and names in the folder that the program would not give.
#[cfg(unix)]
#[test]
fn a_session_is_whole_and_private_whoever_writes_it() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let runs: Vec<_> =
        (0..6).map(|_| user.cli.command(&["chat", "hello", "--session", "one"]).output()).map(Result::unwrap).collect();
    assert!(runs.iter().all(|run| run.status.success()));
    let children: Vec<_> = (0..6)
        .map(|_| {
            user.cli
                .command(&["chat", "hello", "--session", "one"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let folder = user.cli.folder.path().join(".local/state/host-harness/sessions");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["one.json"]);
    let text = fs::read_to_string(folder.join("one.json")).unwrap();
    let session: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(session["messages"].as_array().unwrap().len() >= 14, "{text}");
    assert_eq!(fs::metadata(folder.join("one.json")).unwrap().permissions().mode() & 0o777, 0o600);
    for name in ["a\u{202e}b", "x y", "\u{1b}]0;t\u{7}", "a\nerror: b", "..", "ＯＮＥ"] {
        fs::write(folder.join(format!("{name}.json")), &text).unwrap();
        let ran = user.cli.run(&["chat", "hello", "--continue"]);
        assert!(!ran.err.contains(['\u{202e}', '\u{1b}', '\u{7}']), "{name:?}: {ran:?}");
        fs::remove_file(folder.join(format!("{name}.json"))).unwrap();
    }
}

/// Whoever asks on after the end of a stream gets nothing more, and whoever drops one, at any place, leaves nothing.
#[tokio::test]
async fn events_end_once_and_may_be_dropped_anywhere() {
    let stub = upstream().await;
    let (good, nobody) = (provider(stub.base_url()).await, provider("http://127.0.0.1:1/v1").await);
    for (provider, is_answered) in [(&good, true), (&nobody, false)] {
        let mut events = provider.events(ask("gpt-5-mini", "hello"));
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            all.push(event);
        }
        assert!(all.iter().all(|event| event.is_ok() == is_answered) && !all.is_empty(), "{all:?}");
        assert!(is_answered || all.len() == 1, "{all:?}");
        for _ in 0..3 {
            assert!(events.next().await.is_none());
        }
    }
    stub.clear();
    for taken in 0..6 {
        let mut events = good.events(ask("gpt-5-mini", "hello"));
        for _ in 0..taken {
            let _ = events.next().await;
        }
    }
    assert_eq!(stub.requests().len(), 5, "one that nobody asks sends nothing");
    good.complete(&ask("gpt-5-mini", "hello")).await.unwrap();
}

/// What a configuration says of its agents is read, or refused by name: it steers no terminal, adds no header, and shows no
/// secret.
#[test]
fn agents_of_any_form_are_read_or_refused_by_name() {
    let user = User::new();
    let many =
        (0..50_000).map(|number| format!(r#""a{number}":{{"model":"portkey/m"}}"#)).collect::<Vec<_>>().join(",");
    let many = format!(r#"{{"entries":{{{many}}}}}"#);
    let deep =
        format!(r#"{{"entries":{{"a":{{"params":{{"extraBody":{}{}}}}}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (agents, codes) in [
        (r#"{"entries":{"\u001b]0;x\u0007":{"model":"portkey/m"}}}"#, &[0][..]),
        (r#"{"entries":{"\u001b]0;x\u0007":{"model":3}}}"#, &[4]),
        (r#"{"entries":{"__proto__":{"model":"portkey/m"}}}"#, &[0]),
        (r#"{"entries":{"":{"model":"portkey/m"}}}"#, &[0]),
        (r#"{"entries":{"a":{"model":"portkey/\u001b]0;x\u0007"}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":"\u009d0;x\u009c"}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":{"primary":[]}}}}"#, &[4]),
        (r#"{"entries":"x"}"#, &[4]),
        (r#"{"entries":[]}"#, &[4]),
        (r#"{"entries":{"a":"x","b":null}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"models":[]}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"models":{"portkey/m":"x","/":{},"portkey/":3}}}}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"params":"x"}}}"#, &[0, 2, 4]),
        (
            r#"{"entries":{"a":{"params":{"headers":{"x-own":"1"},"temperature":1e308,"maxTokens":-1,"stop":[{}]}}}}"#,
            &[0, 2, 4],
        ),
        (r#"{"entries":{"a":{"model":"${PORTKEY_API_KEY}"}}}"#, &[0, 2, 4]),
        (r#"{"list":"x"}"#, &[4]),
        (r#"{"list":[[],{"model":"portkey/m"},7]}"#, &[0, 2, 4]),
        (r#"{"entries":{"a":{"model":"portkey/m"}},"entries":{"b":{"model":"portkey/n"}}}"#, &[0]),
        (&many, &[0]),
        (&deep, &[4]),
    ] {
        user.stub.clear();
        fs::write(user.cli.folder.path().join("agents.json"), format!(r#"{{"agents":{agents}}}"#)).unwrap();
        let shown = agents.get(..200).unwrap_or(agents);
        for command in [&["chat", "hello", "--config", "agents.json"][..], &["doctor", "--config", "agents.json"]] {
            let ran = user.cli.run(command);
            let text = format!("{}{}", ran.out, ran.err);
            if command[0] == "chat" {
                assert!(codes.contains(&ran.code), "{shown}: {ran:?}");
            }
            assert!(!text.contains("panicked") && !text.contains(KEY), "{shown}: {text}");
            // What a model says goes into a pipe as it is.
            let steering = if command[0] == "chat" { &ran.err } else { &text };
            assert!(!steering.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown}: {steering:?}");
        }
        assert!(user.stub.requests().iter().all(|request| request.header("x-own").is_none()), "{shown}");
    }
}
