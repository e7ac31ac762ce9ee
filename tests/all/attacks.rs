//! The third and the fourth hostile review: waits, copies, redirects and files that the first two did not try; streams,
//! vectors, speech and transcripts. `tests/hostile/review/README.md` lists each attempt with its result.

use std::{fs, net::SocketAddr, time::Duration};

use host_harness::{
    Engine, Error, Limits, Provider, Result, Speech,
    types::{ErrorKind as Kind, ErrorOrigin as Origin, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        chat::Event,
        embeddings,
    },
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    hostile::{Host, assert_failed, assert_timeout, at, hostile, load, request, shown, tight},
    review::{HELLO, JSON, before, good, recording, whole},
    support::{KEY, User, ask, hosted, install_script, setup, text},
};

/// What is let go of is gone, what is named often is there once, and a copy is held to what the whole may be.
#[tokio::test]
async fn what_a_component_waits_for_names_or_copies_is_bounded() {
    let host = Host::new().await;
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let patient = load(&engine, hostile()).await.unwrap();
    let patient = Provider::connect(&patient, at(host.server.base_url())).await.unwrap();
    assert_eq!(text(&patient.complete(&request("forgetful", &["10000"])).await.unwrap()), "true");
    assert_eq!(host.attack("crowd", &["10"]).await.unwrap(), "10");
    for count in ["100000", "2000000"] {
        assert_failed("crowd", patient.complete(&request("crowd", &[count])).await, "handle limit");
    }
    assert_eq!(host.attack("copies", &["2"]).await.unwrap(), "2");
    assert_failed("copies", host.attack("copies", &["10"]).await, "total size of fields exceeds limit");
    host.serves().await;
}

/// What a server says in its head is not what a component may say in the next request's.
#[tokio::test]
async fn the_headers_of_an_answer_and_a_late_body_are_not_sent() {
    let host = Host::new().await;
    let told =
        format!("{JSON}range: bytes=0-4\r\nte: trailers\r\nkeep-alive: x\r\nx-hostile-key: mine\r\nx-own: yes\r\n");
    let (server, heads) = recording(whole(&told, HELLO)).await;
    let base_url = format!("http://{server}/v1");
    let provider = Provider::connect(&host.plugin, at(&base_url)).await.unwrap();
    assert_eq!(text(&provider.complete(&request("copied", &[])).await.unwrap()), "false false 200");
    let (own, heads) = (server.to_string(), heads.lock().unwrap().clone());
    assert_eq!(heads.iter().map(|head| head.contains("x-own: yes")).collect::<Vec<_>>(), [false, true]);
    for head in heads {
        assert!(!["range:", "keep-alive:", "mine"].iter().any(|it| head.contains(it)), "{head}");
        assert!(
            head.contains(&format!("host: {own}\r\n")) && head.contains(&format!("x-hostile-key: {KEY}\r\n")),
            "{head}"
        );
    }
    assert_failed("late body", provider.complete(&request("late body", &[])).await, "has children");
    host.serves().await;
}

/// Wherever it leads, and however it is said: a redirect of a call is not followed, and the key goes nowhere else.
#[tokio::test]
async fn a_redirect_of_a_call_is_not_followed() {
    let plugin = good().await;
    let (other, others) = recording(whole(JSON, HELLO)).await;
    for status in [301, 302, 303, 307, 308] {
        for location in
            ["/v1/elsewhere", "//elsewhere.example/v1", &format!("http://{other}/v1"), "?x", "javascript:x", ""]
        {
            let head = format!("HTTP/1.1 {status} x\r\nlocation: {location}\r\n");
            let (server, heads) = recording(whole(&head, HELLO)).await;
            let outcome = before(&plugin, server).await.complete(&ask("m", "hello")).await;
            assert!(outcome.is_err(), "{status} {location}: {outcome:?}");
            assert_eq!(heads.lock().unwrap().len(), 1, "{status} {location}");
        }
    }
    assert!(others.lock().unwrap().is_empty());
}

/// A session is a file of the user's own, in its own folder, that can be read.
#[cfg(unix)]
#[test]
fn a_session_is_no_link_no_pipe_and_in_no_other_folder() {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    let user = User::new();
    let sessions = user.cli.folder.path().join(".local/state/host-harness/sessions");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&sessions).unwrap();
    let secret = user.cli.folder.path().join("secret");
    fs::write(&secret, "sk-of-another-program\n").unwrap();
    symlink(&secret, sessions.join("link.json")).unwrap();
    symlink("/dev/zero", sessions.join("zero.json")).unwrap();
    symlink(sessions.join("loop.json"), sessions.join("loop.json")).unwrap();
    fs::create_dir(sessions.join("folder.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(sessions.join("pipe.json")).status().unwrap().success());
    fs::write(sessions.join("deep.json"), "[".repeat(200_000)).unwrap();
    for name in
        ["link", "zero", "loop", "folder", "pipe", "deep", "../x", "a/b", ".x", "-x", "", "a\u{202e}b", &"x".repeat(65)]
    {
        let ran = user.cli.run(&["chat", "hello", &format!("--session={name}")]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(!format!("{ran:?}").contains("sk-of-another"), "{name}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(fs::read_to_string(&secret).unwrap(), "sk-of-another-program\n");
    // One that is not absolute would mean the working folder.
    let before = user.files();
    let output =
        user.cli.command(&["chat", "hello", "--session", "x"]).env("XDG_STATE_HOME", "state").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(user.files(), before);
}

/// A program for tools that says too much on the side, or not a word to the end, is given up in time.
#[test]
fn a_tool_that_floods_what_is_beside_its_answer_is_given_up() {
    let user = User::new();
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]);
    fs::write(user.cli.folder.path().join("tools.json"), tools.to_string()).unwrap();
    let late = "error: it took longer than 2 s";
    for (script, expected) in [
        ("yes >&2", "error: exit status: 141"),
        ("yes | head -c 300000 >&2; echo done", "done"),
        ("trap '' TERM INT HUP; sleep 600", late),
        ("(trap '' TERM; sleep 600) & sleep 600", late),
    ] {
        install_script(script, &user.cli.folder.path().join("tool"));
        user.stub.clear();
        let ran = user
            .cli
            .run(&["chat", "call get_weather", "--tools", "tools.json", "--run", "./tool", "--timeout", "2"])
            .ok();
        assert!(ran.err.len() < 2000, "{script}: {ran:?}");
        let told = user.stub.requests()[1].json()["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        assert_eq!(told, expected, "{script}");
    }
}

/// As [`tight`], and no call or stream is over for its time.
fn small() -> Limits {
    let minute = Duration::from_secs(60);
    Limits { call: minute, stream_idle: minute, stream: minute, ..tight() }
}

/// A server that gives one request this answer, and hangs up.
async fn once(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let _ = client.read(&mut head).await;
        let _ = client.write_all(&answer).await;
    });
    server
}

async fn read_all(speech: Result<Speech>) -> Result<usize> {
    let (mut speech, mut bytes) = (speech?, 0);
    while let Some(piece) = speech.next().await? {
        bytes += piece.len();
    }
    Ok(bytes)
}

fn say(attack: &str) -> SpeechRequest {
    SpeechRequest { model: Some(attack.into()), ..SpeechRequest::new("x") }
}

/// Whoever joins the events, or writes the speech into a file, keeps all of them: a component that always has more is ended
/// long before its time.
#[tokio::test]
async fn a_stream_hands_over_no_more_as_a_whole_than_an_answer_may() {
    let host = Host::with(small()).await;
    let flooded = async || {
        let mut reply = host.hostile.stream(&request("flood", &[])).await?;
        let mut bytes = 0;
        while let Some(events) = reply.next().await? {
            bytes +=
                events.iter().map(|event| if let Event::Text(text) = event { text.len() } else { 0 }).sum::<usize>();
            assert!(bytes <= 32 << 20, "{bytes}");
        }
        Ok::<_, Error>(bytes)
    };
    let more = "hands over more in one stream than it may";
    assert_failed("flood", flooded().await, more);
    assert_failed("flood", read_all(host.hostile.speak(&say("flood")).await).await, more);
    host.serves().await;
}

/// The attacks of the four interfaces, by way of the two that a component may leave out.
#[tokio::test]
async fn vectors_speech_and_transcripts_are_bounded_as_chats_are() {
    let host = Host::new().await;
    let embed = async |attack: &str, text: &str| {
        host.hostile
            .embed(&embeddings::Request { model: Some(attack.into()), ..embeddings::Request::new([text]) })
            .await
    };
    let transcribe = async |attack: &str, language: &str| {
        let recorded = TranscriptionRequest::new(Media::new("", *b"RIFF"));
        let asked = TranscriptionRequest { model: Some(attack.into()), language: Some(language.into()), ..recorded };
        host.hostile.transcribe(&asked).await
    };
    let speak = async |attack: &str| read_all(host.hostile.speak(&say(attack)).await).await;
    for (attack, because) in [("trap", "unreachable"), ("aliased", "fuel")] {
        assert_failed(attack, embed(attack, "").await, because);
    }
    for (attack, because) in [("trap", "unreachable"), ("large", "more memory")] {
        assert_failed(attack, transcribe(attack, "").await, because);
    }
    for (attack, because) in
        [("trap at once", "unreachable"), ("trap midway", "unreachable"), ("kind large", "more memory")]
    {
        assert_failed(attack, speak(attack).await, because);
    }
    // They take no more of the host than of it.
    assert_eq!(embed("empty", "").await.unwrap().vectors.len(), 1 << 16);
    assert_timeout("embed", embed("spin", "").await);
    assert_timeout("transcribe", transcribe("spin", "").await);
    assert_timeout("speak", speak("spin midway").await);
    // Its destructor never returns.
    let mut speech = host.hostile.speak(&say("drip")).await.unwrap();
    assert_eq!(speech.next().await.unwrap().unwrap(), [0]);
    drop(speech);

    let words = format!("it is {KEY}!");
    for error in [
        embed("error", &words).await.unwrap_err(),
        transcribe("error", &words).await.unwrap_err(),
        host.hostile.speak(&SpeechRequest { text: words.clone(), ..say("error") }).await.unwrap_err(),
    ] {
        assert!(!shown(&error).contains(KEY) && error.to_string().contains("it is ***"), "{error:?}");
    }
    let broken = speak("error midway").await.unwrap_err();
    assert_eq!((broken.kind(), broken.origin()), (Kind::Other, Origin::Plugin), "{broken:?}");
    host.serves().await;
}

/// A gateway that gives vectors of any form: those of all texts, in their order and of numbers, or an error in words.
#[tokio::test]
async fn vectors_of_any_form_are_those_of_the_texts_or_none() {
    let plugin = good().await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let two = |first: &str, second: &str| format!(r#"{{"data":[{{{first}}},{{{second}}}],"model":"{KEY}"}}"#);
    let ordered = |first: &str| two(&format!(r#""index":{first},"embedding":[1]"#), r#""index":1,"embedding":[2]"#);
    for (name, body, is_good) in [
        ("in order", ordered("0"), true),
        ("an index below", ordered("-1"), false),
        ("an index beyond", ordered("4294967296"), false),
        ("an index of 2^64", ordered("18446744073709551616"), false),
        ("an index of 1e300", ordered("1e300"), false),
        ("an index that others have", ordered("1"), false),
        ("a vector of lists", two(r#""embedding":[[1]]"#, r#""embedding":[1]"#), false),
        ("a vector nested deep", two(&format!(r#""embedding":{deep}"#), r#""embedding":[1]"#), false),
        ("a vector that is an object", two(r#""embedding":{"0":1}"#, r#""embedding":[1]"#), false),
        ("a vector that is null", two(r#""embedding":null"#, r#""embedding":[1]"#), false),
        ("half a number in base64", two(r#""embedding":"AAAA""#, r#""embedding":"AAAA""#), false),
        ("no number in base64", two(r#""embedding":"AADAfw==""#, r#""embedding":"AADAfw==""#), false),
        ("more than a number", two(r#""embedding":[1e39]"#, r#""embedding":[1]"#), false),
        ("a digit without end", two(&format!(r#""embedding":[{}]"#, "9".repeat(100_000)), r#""embedding":[1]"#), false),
        ("a bomb in base64", two(&format!(r#""embedding":"{}""#, "A".repeat(1 << 19)), r#""embedding":[1]"#), false),
        ("a hundred thousand vectors", format!(r#"{{"data":[{}{{}}]}}"#, "{},".repeat(100_000)), false),
        ("a list in a list", format!(r#"{{"data":[{deep}]}}"#), false),
        ("data twice", format!(r#"{{"data":[],"data":{}}}"#, r#"[{"embedding":[1]},{"embedding":[2]}]"#), true),
        ("more than a body may be", two(&format!(r#""x":"{}""#, "x".repeat(2 << 20)), ""), false),
    ] {
        let (server, _) = recording(whole(JSON, &body)).await;
        let outcome = before(&plugin, server).await.embed(&embeddings::Request::new(["a", "b"])).await;
        assert!(!format!("{outcome:?}").contains(KEY), "{name}");
        match outcome {
            // An index that is none may be passed by.
            Ok(response) => assert_eq!(response.vectors, [[1.0], [2.0]], "{name}"),
            Err(error) => assert!(!is_good && !error.to_string().contains("the plugin failed"), "{name}: {error}"),
        }
    }
}

/// Speech that is none, stops early or has no end is an error in words, and a transcript is a text.
#[tokio::test]
async fn speech_and_transcripts_of_any_form_end_the_call_in_words() {
    let plugin = good().await;
    let audio = |head: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n{head}");
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";
    for (name, answer, bytes) in [
        ("as it should be", whole(&audio(""), b"ID3"), Some(3)),
        ("a page", whole(page, "<script>"), None),
        ("an error under a success", whole(JSON, format!(r#"{{"error":{{"message":"{KEY}"}}}}"#)), None),
        (
            "less than was said",
            format!("{}content-length: 100\r\nconnection: close\r\n\r\nID3", audio("")).into(),
            None,
        ),
        (
            "no last chunk",
            format!("{}transfer-encoding: chunked\r\n\r\n3\r\nID3\r\n", audio("connection: close\r\n")).into(),
            None,
        ),
        ("more than a body may be", whole(&audio(""), vec![0; 2 << 20]), None),
        ("a coding", whole(&audio("content-encoding: gzip\r\n"), b"ID3"), None),
        (
            "a part",
            whole("HTTP/1.1 206 Partial Content\r\ncontent-type: audio/mpeg\r\ncontent-range: bytes 0-2/9\r\n", b"ID3"),
            None,
        ),
        ("nothing", whole(&audio(""), b""), None),
        ("the key as its kind", whole(&format!("HTTP/1.1 200 OK\r\ncontent-type: audio/{KEY}\r\n"), b"ID3"), Some(3)),
    ] {
        let closes = String::from_utf8_lossy(&answer).contains("connection: close");
        let server = if closes { once(answer).await } else { recording(answer).await.0 };
        let spoken = before(&plugin, server).await.speak(&SpeechRequest::new("x")).await;
        assert!(!format!("{spoken:?}").contains(KEY), "{name}: {spoken:?}");
        match (read_all(spoken).await, bytes) {
            (Ok(read), Some(bytes)) => assert_eq!(read, bytes, "{name}"),
            (Err(error), None) => {
                assert!(
                    !shown(&error).contains(KEY) && !error.to_string().contains("the plugin failed"),
                    "{name}: {error}"
                );
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for (name, answer, text) in [
        ("the key", whole(JSON, format!(r#"{{"text":"it is {KEY}"}}"#)), Some("it is ***")),
        ("half a surrogate", whole(JSON, r#"{"text":"a\ud800b"}"#), Some("a\u{fffd}b")),
        ("text twice", whole(JSON, r#"{"text":"a","text":"b"}"#), Some("")),
        ("a text that is a list", whole(JSON, r#"{"text":["a"]}"#), None),
        ("nested deep", whole(JSON, format!(r#"{{"text":"a","words":{deep}}}"#)), Some("a")),
        ("all nested deep", whole(JSON, &deep), None),
        ("no JSON", whole(JSON, "{\"text\":\"a"), None),
        ("a page", whole(page, "<html>"), None),
        ("no UTF-8", whole("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n", b"a\xff"), Some("a\u{fffd}")),
    ] {
        let (server, heads) = recording(answer).await;
        let recorded = TranscriptionRequest::new(Media::new("", *b"RIFF\0\0\0\0WAVE"));
        let heard = before(&plugin, server).await.transcribe(&recorded).await;
        assert_eq!(heads.lock().unwrap().len(), 1, "{name}");
        match (heard, text) {
            (Ok(heard), Some(text)) => {
                assert!(heard.text.contains(text) && !heard.text.contains(KEY), "{name}: {heard:?}")
            }
            (Err(error), None) => assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

/// A form holds what it is given and nothing that this says: neither a recording nor a member's name ends a part.
#[tokio::test]
async fn nothing_that_is_sent_in_a_form_becomes_a_part_of_it() {
    let stub = hosted().await;
    let provider = Provider::connect(&good().await, setup(stub.base_url())).await.unwrap();
    let part = "\r\n------portkey-provider-00000000\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nother\r\n";
    for number in 0..3 {
        let evil = part.replace("00000000", &format!("{number:08x}"));
        let recorded = [&b"RIFF\0\0\0\0WAVE"[..], evil.as_bytes()].concat();
        let asked = TranscriptionRequest {
            prompt: Some(evil.clone()),
            extra_json: Some(json!({format!("a\"{evil}"): evil, "file": "x"}).to_string()),
            ..TranscriptionRequest::new(Media::new("audio/wav\r\nx: y", recorded.clone()))
        };
        let _ = provider.transcribe(&asked).await;
        let [request] = &stub.take()[..] else { panic!() };
        assert_eq!(request.field("model").unwrap().text(), "gpt-4o-mini-transcribe");
        assert_eq!(request.field("prompt").unwrap().text(), evil);
        assert!(request.header("x").is_none() && !format!("{request:?}").contains("name=\"model\"\r\n\r\nother\r\n--"));
    }
    // A slug is a header, and a model may be any text.
    for model in ["@a\r\nx-portkey-api-key: mine/b", "@a\u{0}/b", "@\u{e9}\r/b"] {
        let asked = TranscriptionRequest {
            model: Some(model.into()),
            ..TranscriptionRequest::new(Media::new("", *b"RIFF\0\0\0\0WAVE"))
        };
        assert_eq!(provider.transcribe(&asked).await.unwrap_err().kind(), Kind::InvalidConfig, "{model:?}");
        assert!(stub.take().is_empty(), "{model:?}");
    }
}

/// A recording is a plain file of a recording, and speech goes through no link that the user did not mean.
#[cfg(unix)]
#[test]
fn recordings_and_speech_are_plain_files() {
    use std::os::unix::fs::symlink;
    let user = User::new();
    let folder = user.cli.folder.path();
    let secret = folder.join("secret");
    fs::write(&secret, "sk-of-another-program\n").unwrap();
    for (link, to) in
        [("link.wav", &*secret), ("zero.wav", "/dev/zero".as_ref()), ("loop.wav", &folder.join("loop.wav"))]
    {
        symlink(to, folder.join(link)).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe.wav")).status().unwrap().success());
    let large = fs::File::create(folder.join("large.wav")).unwrap();
    large.set_len(26 << 20).unwrap();
    for file in [
        "link.wav",
        "zero.wav",
        "loop.wav",
        "pipe.wav",
        "large.wav",
        ".",
        "none.wav",
        "/proc/self/environ",
        "/proc/self/mem",
        "/dev/stdin",
        "a\u{1b}]0;x\u{7}.wav",
    ] {
        let ran = user.cli.run(&["transcribe", file]);
        assert_eq!(ran.code, 2, "{file}: {ran:?}");
        assert!(!format!("{ran:?}").contains("sk-of-another") && !format!("{ran:?}").contains(KEY), "{file}: {ran:?}");
    }
    symlink(&secret, folder.join("there.mp3")).unwrap();
    symlink(folder.join("not-there"), folder.join("nowhere.mp3")).unwrap();
    for (output, code) in [("there.mp3", 2), (".", 2), ("none/a.mp3", 2), ("secret/a.mp3", 2), ("nowhere.mp3", 0)] {
        assert_eq!(user.cli.run(&["speak", "a", "--output", output]).code, code, "{output}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "sk-of-another-program\n");
    assert!(!folder.join("not-there").exists() && fs::read(folder.join("nowhere.mp3")).unwrap().starts_with(b"ID3"));
}
