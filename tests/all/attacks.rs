//! The third to the sixth hostile review: waits, copies, redirects and files that the first two did not try; streams,
//! vectors, speech and transcripts; prices, the Responses API, rig; images without number, frames, files. `tests/hostile/review/README.md` lists each attempt with its result.

use std::{fs, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt as _;
use host_harness::{
    Engine, Error, Limits, Provider,
    types::{ErrorKind as Kind, ErrorOrigin as Origin, GatewayReport, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        chat::Event,
        embeddings,
    },
};
use host_harness_rig::{completion, record};
use rig_agent::prelude::AgentBuilder;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    fault_server::{FaultServer, Step, bytes},
    hostile::{Host, assert_failed, assert_timeout, at, hostile, load, request, shown, tight},
    raw_server::{EVENTS, HELLO, JSON, answering, recording, serving, whole},
    review::{before, good},
    support::{Cli, KEY, Ran, User, ask, audio_of, component, hosted, install_script, setup, text},
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
    let spoken = async { audio_of(&mut host.hostile.speak(&say("flood")).await?).await };
    assert_failed("flood", spoken.await, more);
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
    let speak = async |attack: &str| audio_of(&mut host.hostile.speak(&say(attack)).await?).await;
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
        ("a vector of lists", two(r#""embedding":[[1],[1]]"#, r#""embedding":[1]"#), false),
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
        let server = if closes { answering(answer).await } else { recording(answer).await.0 };
        let spoken = before(&plugin, server).await.speak(&SpeechRequest::new("x")).await;
        assert!(!format!("{spoken:?}").contains(KEY), "{name}: {spoken:?}");
        match (async { audio_of(&mut spoken?).await }.await, bytes) {
            (Ok(read), Some(bytes)) => assert_eq!(read.len(), bytes, "{name}"),
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
        "link.wav", "zero.wav", "loop.wav", "pipe.wav", "large.wav", ".", "none.wav", "/proc/self/environ",
        "/proc/self/mem", "/dev/stdin", "a\u{1b}]0;x\u{7}.wav",
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

/// A provider whose name is spelled twice is two places: what is kept for one does not go to the other.
#[tokio::test]
async fn what_one_spelling_of_a_provider_holds_does_not_go_to_another() {
    let plugin = good().await;
    let (server, heads) = recording(whole(JSON, HELLO)).await;
    let held = json!({
        "baseUrl": "https://elsewhere.example/v1", "apiKey": "key-of-elsewhere-4711",
        "headers": {"Authorization": "Bearer sk-of-elsewhere", "x-portkey-virtual-key": "vk-of-elsewhere",
            "x-corp-token": "token-of-elsewhere"},
        "request": {"headers": {"x-more-token": "more-of-elsewhere"}},
        "models": [{"id": "m", "headers": {"x-model-token": "model-of-elsewhere"}}],
    });
    for name in ["PORTKEY", " portkey", "Portkey\u{a0}", "pORTKEY\t"] {
        for (kind, own) in [("key", json!({"apiKey": "key-of-our-own-1234"})), ("no key", json!({}))] {
            let mut own = own;
            own["baseUrl"] = format!("http://{server}/v1").into();
            let config = json!({"models": {"providers": {name: held, "portkey": own}}});
            heads.lock().unwrap().clear();
            if let Ok(provider) = Provider::connect(&plugin, host_harness::Setup::new(config)).await {
                for model in ["m", "n"] {
                    let _ = provider.complete(&ask(model, "hello")).await;
                    let _ = provider.price_of("@openai/gpt-5").await;
                }
            }
            for head in heads.lock().unwrap().iter() {
                assert!(!head.contains("elsewhere"), "{name:?} {kind}: {head}");
            }
        }
    }
}

/// Whatever a price list says: there is a sound price or none, nobody else is asked, and no long list is waited for.
#[tokio::test]
async fn a_price_list_of_any_content_gives_a_price_or_none() {
    let plugin = good().await;
    let (other, others) = recording(whole(JSON, HELLO)).await;
    let entry = |input: &str, more: &str| {
        let rates = format!(r#""request_token":{{"price":{input}}},"response_token":{{"price":0.0001}}"#);
        format!(r#"{{"pay_as_you_go":{{{rates}{more}}}}}"#)
    };
    let json = |body: &str| vec![bytes(whole(JSON, body))];
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let many = (0..5_000).map(|at| format!(r#""unit-{at}":{{"price":0}}"#)).collect::<Vec<_>>().join(",");
    let head = |head: &str| vec![bytes(whole(&format!("HTTP/1.1 {head}\r\n"), entry("0.0001", "")))];
    for (name, script, is_price) in [
        ("a good one", json(&entry("0.0001", "")), true),
        ("nested deep", json(&entry("0.0001", &format!(r#","x":{deep}"#))), false),
        ("a price nested deep", json(&entry(&deep, "")), false),
        ("many units", json(&entry("0.0001", &format!(r#","additional_units":{{{many}}}"#))), true),
        ("a number of 100,000 digits", json(&entry(&"9".repeat(100_000), "")), false),
        ("the least there is", json(&entry("5e-324", "")), true),
        ("a price twice", json(&entry(r#"0.0001,"price":-1"#, "")), false),
        ("rates twice", json(&entry("-1", r#","request_token":{"price":0.0001}"#)), true),
        ("larger than an entry", json(&entry("0.0001", &format!(r#","x":"{}""#, "x".repeat(300 << 10)))), false),
        ("a list of entries", json(&format!("[{}]", entry("0.0001", ""))), false),
        ("half a surrogate", json(&entry("0.0001", r#","\ud800":"\udfff""#)), false),
        ("events", vec![bytes(whole("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n", "data: {}\n\n"))], false),
        ("a coding", head("200 OK\r\ncontent-encoding: gzip"), false),
        ("a redirect", head(&format!("302 Found\r\nlocation: http://{other}/v1/models")), false),
        ("a permanent one", head(&format!("308 x\r\nlocation: http://{other}/v1/models")), false),
        ("who are you", head("401 x\r\nwww-authenticate: Basic realm=x"), false),
        ("through a proxy", head("407 x\r\nproxy-authenticate: Basic realm=x"), false),
        ("misdirected", head("421 x"), false),
        ("half of it", vec![bytes(format!("{JSON}content-length: 900\r\n\r\n{{\"pay_as")), Step::Close], false),
        ("without end", vec![bytes(format!("{JSON}\r\n")), Step::Endless(b" ".repeat(1 << 16))], false),
        ("a head without end", vec![bytes("HTTP/1.1 200 OK\r\nx: "), Step::Endless(b"x".repeat(1 << 16))], false),
        ("nothing", vec![Step::Stall], false),
    ] {
        let server = FaultServer::http1(move |_| script.clone()).await;
        let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
        let price = provider.price_of("@openai/gpt-5").await;
        assert_eq!(price.is_some(), is_price, "{name}: {price:?}");
        assert_eq!(server.requests(), 1, "{name}");
    }
    assert!(others.lock().unwrap().is_empty());

    let late = FaultServer::http1(move |_| {
        vec![Step::Pause(Duration::from_millis(700)), bytes(whole(JSON, r#"{"pay_as_you_go":{}}"#))]
    });
    let late = late.await;
    let provider = Provider::connect(&plugin, setup(&*late.base_url)).await.unwrap();
    let prices = provider.price_of_each((0..64).map(|at| format!("@openai/m-{at}"))).await;
    assert_eq!(prices, [None; 64]);
    assert!(late.requests() < 40, "as long as one call may take, and no more are asked for: {}", late.requests());
}

/// What a gateway calls a model or a provider leads to no other path of its own, and to no other entry.
#[tokio::test]
async fn a_name_in_a_reply_leads_to_no_other_path_than_its_price() {
    let plugin = good().await;
    let (server, heads) = recording(whole(JSON, HELLO)).await;
    let provider = before(&plugin, server).await;
    let names = [
        "..", ".", "../../v1/admin", "a/../../x", "%2e%2e", "a%2f..", "a?b=c", "a#b", "a\r\nx-own: 1", "a b",
        "a\\..\\b", "//elsewhere.example/", "http://elsewhere.example", "\u{202e}a", "a\0b", "@other/a", "arn:aws:x",
        "\u{2024}\u{2024}",
    ];
    for name in names {
        for provider_name in ["openai", "..", "OPENAI", "a/b", "google", "vertex-ai", name] {
            let report = GatewayReport { provider: Some(provider_name.into()), ..GatewayReport::default() };
            assert_eq!(provider.price_of_reply("@openai/m", name, &report).await, None, "{name} {provider_name}");
        }
        assert_eq!(provider.price_of(name).await, None, "{name}");
        assert_eq!(provider.price_of(&format!("@openai/{name}")).await, None, "{name}");
    }
    let heads = heads.lock().unwrap();
    assert!(heads.len() > names.len(), "{heads:?}");
    for head in heads.iter() {
        let path = head.strip_prefix("GET /model-configs/pricing/").and_then(|rest| rest.split_once(" HTTP/1.1\r\n"));
        let (of, model) = path.and_then(|(path, _)| path.split_once('/')).unwrap_or_else(|| panic!("{head}"));
        assert!(["openai", "google", "vertex-ai", "other"].contains(&of), "{head}");
        assert!(!model.contains(['/', '?', '#', ' ', '\\']) && ![".", ".."].contains(&model), "{head}");
        assert!(
            !head.contains("\nx-own") && !head.contains(KEY) && head.contains(&format!("host: {server}\r\n")),
            "{head}"
        );
    }
}

/// What stands where prices are kept is read if it is a plain file of the user's alone, and never written through.
#[cfg(unix)]
#[test]
fn prices_are_kept_in_a_plain_file_of_the_users_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let user = User::new();
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    let file = user.cli.folder.path().join(".cache/host-harness/prices.json");
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let elsewhere = user.cli.folder.path().join("elsewhere.json");
    let cheap = kept.replace("0.25", "0.01");
    assert_ne!(cheap, kept);
    let deep = format!(r#"{{"prices":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    // An entry of another plugin's with all that a terminal, a path or JavaScript could take amiss.
    let odd = kept.replace(r#""prices":["#, r#""prices":[{"plugin":"\u001b]0;x\u0007","origin":"../..","id":"__proto__","at":1e30,"price":{"input":1e300}},null,7,"#);
    type Plant<'p> = &'p dyn Fn();
    let write = |text: &str| fs::write(&file, text).unwrap();
    for (name, is_read, plant) in [
        ("as it was", true, (&|| write(&kept)) as Plant),
        ("other prices in it", true, &|| write(&cheap)),
        ("a link", false, &|| {
            fs::write(&elsewhere, &cheap).unwrap();
            symlink(&elsewhere, &file).unwrap();
        }),
        ("a second name", false, &|| {
            fs::write(&elsewhere, &cheap).unwrap();
            fs::hard_link(&elsewhere, &file).unwrap();
        }),
        ("a link to nothing", false, &|| symlink("/nonexistent/x", &file).unwrap()),
        ("a link to a device", false, &|| symlink("/dev/zero", &file).unwrap()),
        ("a link to itself", false, &|| symlink(&file, &file).unwrap()),
        ("a pipe", false, &|| assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success())),
        ("a folder", false, &|| fs::create_dir(&file).unwrap()),
        ("open to others", false, &|| {
            write(&cheap);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        }),
        ("too large", false, &|| {
            write(&cheap.replace(r#"{"prices""#, &format!("{}{{\"prices\"", " ".repeat(5 << 20))))
        }),
        ("nested deep", false, &|| write(&deep)),
        ("odd entries before it", true, &|| write(&odd)),
        ("a number that is none", false, &|| write(&odd.replace("1e300", "1e999"))),
        ("no UTF-8", false, &|| fs::write(&file, b"\xff\xfe{").unwrap()),
    ] {
        let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
        let _ = fs::remove_file(&elsewhere);
        plant();
        user.stub.take_of_prices();
        let listed = user.cli.run(&["models", "gpt-5-mini"]).ok();
        assert_eq!(user.stub.take_of_prices().is_empty(), is_read, "{name}: {listed:?}");
        let price = if name == "other prices in it" { "$0.01/" } else { "$0.25/" };
        assert!(listed.out.contains(price) && !listed.err.contains("error"), "{name}: {listed:?}");
        if elsewhere.exists() {
            assert_eq!(fs::read_to_string(&elsewhere).unwrap(), cheap, "{name}");
        }
    }
}

/// The errors of rig carry ours as JSON, and agents hand them on as reports: no form of the key gets into any of them.
#[tokio::test]
async fn an_error_of_rigs_holds_no_secret_whatever_a_gateway_says() {
    let plugin = good().await;
    let escaped: String = KEY.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let within = KEY.replace('/', "\\\\/");
    for status in ["400 x", "401 x", "429 x\r\nretry-after: 99999999999999999999", "500 x\r\nretry-after: -1", "200 OK"]
    {
        for place in [
            r#"{"error":{"message":"HERE","code":"HERE","type":"HERE","param":"HERE"}}"#,
            r#"{"error":{"message":"{\"kind\":\"other\",\"message\":\"HERE\"}"}}"#,
            r#"{"status":"failure","message":"HERE"}"#,
            r#"{"object":"response","status":"failed","error":{"code":"HERE","message":"HERE"}}"#,
            r#""HERE""#,
            "HERE",
        ] {
            for key in [KEY, &escaped, &within, &STANDARD.encode(KEY)] {
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-portkey-trace-id: {KEY}\r\n");
                let answer = whole(&head, place.replace("HERE", &format!("a {key} b")));
                let server = FaultServer::http1(move |_| vec![bytes(&answer)]).await;
                let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
                let model = completion(&provider, "m");
                let streamed = model.stream("hello").unwrap().next().await.unwrap().map(drop).unwrap_err();
                let whole = model.call("hello").await.map(drop).unwrap_err();
                let agent = AgentBuilder::new(model).build().prompt("hello").run().await.map(drop).unwrap_err();
                let told = [&whole, &streamed].map(|error| error.provider_response_body());
                let mut said = format!("{whole} {whole:?} {streamed} {streamed:?} {agent} {agent:?} {told:?}");
                said += agent.provider_response_body().unwrap();
                let mut cause = std::error::Error::source(&agent);
                while let Some(error) = cause {
                    said += &format!("{error} {error:?}");
                    cause = error.source();
                }
                let told = record(agent.provider_response_body()).unwrap();
                said += &format!("{told:?} {}", serde_json::to_string(&told).unwrap());
                for form in [KEY, &escaped, &STANDARD.encode(KEY)] {
                    assert!(!said.contains(form), "{status} {place} {key}: {said}");
                }
            }
        }
    }
}

/// An answer of the Responses API is what no reader wants: it ends the call in words, and nothing of it is lost unsaid.
#[tokio::test]
async fn an_answer_of_the_responses_api_of_any_content_ends_the_call_in_words() {
    let plugin = good().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let event = |kind: &str, more: &str| format!("data: {{\"type\":\"response.{kind}\"{more}}}\n\n");
    let item = |item: &str| event("output_item.done", &format!(r#","output_index":0,"item":{{{item}}}"#));
    let piece = event("output_text.delta", r#","output_index":0,"delta":"good""#);
    let end = event("completed", r#","response":{"object":"response","status":"completed","model":"m","output":[]}"#);
    let at = |index: &str| event("output_text.delta", &format!(r#","output_index":{index},"delta":"good""#));
    let called = |index: usize| {
        let item = format!(r#","output_index":{index},"item":{{"type":"function_call","call_id":"c","name":"f"}}"#);
        event("output_item.added", &item)
    };
    let chat = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"good\"},\"finish_reason\":\"stop\"}]}\n\n";
    for (name, events, is_good) in [
        ("a good one", format!("{piece}{end}"), true),
        ("an index of 2^64", format!("{}{end}", at("18446744073709551616")), true),
        ("an index below zero", format!("{}{end}", at("-1")), true),
        ("an index that is a list", format!("{}{end}", at("[1]")), true),
        ("an event nested deep", format!("{}{piece}{end}", event("x", &format!(r#","y":{}"#, deep(200_000)))), false),
        (
            "an item nested deep",
            format!("{piece}{}{end}", item(&format!(r#""type":"x","y":{}"#, deep(200_000)))),
            false,
        ),
        (
            "a delta nested deep",
            format!("{}{end}", event("output_text.delta", &format!(r#","delta":{}"#, deep(200_000)))),
            false,
        ),
        (
            "reasoning without an end of its text",
            format!("{}{piece}{end}", item(r#""type":"reasoning","encrypted_content":7"#)),
            true,
        ),
        (
            "reasoning of a megabyte",
            format!(
                "{}{piece}{end}",
                item(&format!(r#""type":"reasoning","encrypted_content":"{}""#, "x".repeat(900 << 10)))
            ),
            true,
        ),
        ("an item without a type", format!("{}{piece}{end}", item("")), true),
        ("an item that is a list", format!("{}{piece}{end}", event("output_item.done", r#","item":[]"#)), true),
        (
            "a call without a name",
            format!("{}{end}", item(r#""type":"function_call","call_id":"c","arguments":"{}""#)),
            false,
        ),
        ("calls of one id", format!("{}{}{end}", called(0), called(1)), false),
        ("more items than an answer may hold", format!("{}{end}", (0..5_000).map(called).collect::<String>()), false),
        (
            "arguments before their call",
            format!("{}{end}", event("function_call_arguments.delta", r#","output_index":3,"delta":"{}""#)),
            false,
        ),
        ("a chat after it", format!("{piece}{chat}{end}"), false),
        ("it after a chat", format!("{chat}{piece}{end}"), false),
        ("two ends", format!("{piece}{end}{end}"), true),
        ("words after the end", format!("{piece}{end}{piece}"), false),
        ("no end", piece.clone(), false),
        ("an end alone that is a list", event("completed", r#","response":[]"#), false),
        (
            "an end that holds more than came",
            format!(
                "{piece}{}",
                event(
                    "completed",
                    r#","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"good and more"}]}]}"#
                )
            ),
            false,
        ),
        (
            "an unknown status",
            format!("{piece}{}", event("completed", r#","response":{"status":"done","output":[]}"#)),
            false,
        ),
        (
            "an error that is nothing",
            format!("{piece}{}", event("failed", r#","response":{"status":"failed","error":{}}"#)),
            false,
        ),
        ("a kind of 100 kB", format!("{}{piece}{end}", event(&"x".repeat(100_000), "")), true),
        ("half a surrogate", format!("{}{end}", event("output_text.delta", r#","delta":"\ud800""#)), false),
        (
            "members of JavaScript",
            format!("{}{piece}{end}", event("output_item.done", r#","item":{"type":"__proto__","__proto__":{"x":1}}"#)),
            true,
        ),
        (
            "a web search of its own",
            format!("{}{piece}{end}", item(r#""type":"web_search_call","action":{"query":"x"}"#)),
            true,
        ),
        (
            "an image that is none",
            format!("{}{piece}{end}", item(r#""type":"image_generation_call","result":"%%%""#)),
            false,
        ),
        (
            "usage that is no number",
            format!(
                "{piece}{}",
                event(
                    "completed",
                    r#","response":{"status":"completed","output":[],"usage":{"input_tokens":"x","output_tokens":1e400}}"#
                )
            ),
            true,
        ),
    ] {
        let body = format!("{EVENTS}{events}data: [DONE]\n\n");
        let server = FaultServer::http1(move |_| vec![bytes(&body), Step::Close]).await;
        let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
        let told = crate::support::streamed(&provider, &ask("gpt-5.3-codex", "hello")).await;
        match &told {
            Ok(reply) if is_good => assert_eq!(text(reply), "good", "{name}"),
            Ok(_) => {}
            Err(error) => {
                assert!(!is_good, "{name}: {error:?}");
                assert!(
                    !error.to_string().contains("the plugin failed") && !shown(error).contains(KEY),
                    "{name}: {error}"
                );
            }
        }
    }
}

/// What one component told is kept for it alone: another that calls itself the same may have been anybody's.
#[test]
fn a_component_leaves_no_prices_for_another_of_its_name() {
    let user = User::new();
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    assert!(!user.stub.take_of_prices().is_empty());
    let other = user.cli.folder.path().join("other.wasm");
    // The same with a section of its own at the end.
    fs::write(&other, [&fs::read(component()).unwrap()[..], &[0, 2, 1, b'x']].concat()).unwrap();
    let other = ["models", "gpt-5-mini", "--plugin", other.to_str().unwrap()];
    for is_known in [false, true] {
        user.cli.run(&other).ok();
        assert_eq!(user.stub.take_of_prices().is_empty(), is_known);
    }
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    assert!(user.stub.take_of_prices().is_empty(), "its own are still there");
}

/// However many images an answer holds, or names: so many are fetched and written, and the rest is told of.
#[tokio::test(flavor = "multi_thread")]
async fn images_without_number_are_neither_fetched_nor_written() {
    let (images, fetched) =
        recording(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", b"\x89PNG\r\n\x1a\n")).await;
    let inline = STANDARD.encode(b"\x89PNG\r\n\x1a\n");
    let place = |number: usize| format!("http://{images}/{number}.png");
    let answer = |count: usize, is_chat: bool, is_url: bool| {
        let url = |number| if is_url { place(number) } else { format!("data:image/png;base64,{inline}") };
        let drawn = |number| if is_url { json!({"url": place(number)}) } else { json!({"b64_json": inline}) };
        let said = |number| json!({"type": "image_url", "image_url": {"url": url(number)}});
        if !is_chat {
            return json!({"created": 1, "data": (0..count).map(drawn).collect::<Vec<_>>()}).to_string();
        }
        let message = json!({"role": "assistant", "content": "x", "images": (0..count).map(said).collect::<Vec<_>>()});
        json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}).to_string()
    };
    for (count, is_chat, is_url) in
        [(32, false, true), (2000, false, true), (2000, true, true), (2000, false, false), (2000, true, false)]
    {
        let (gateway, _) = recording(whole(JSON, answer(count, is_chat, is_url))).await;
        let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", format!("http://{gateway}/v1"));
        fetched.lock().unwrap().clear();
        let ran = cli.run(if is_chat { &["chat", "a ship", "--no-stream"][..] } else { &["image", "a ship"] });
        let written = fs::read_dir(cli.folder.path()).unwrap().flatten();
        let written = written.filter(|entry| entry.file_name().to_string_lossy().starts_with("image-")).count();
        assert_eq!(written, 32, "{count} {is_chat} {is_url}: {ran:?}");
        assert_eq!(fetched.lock().unwrap().len(), if is_url { 32 } else { 0 }, "{count} {is_chat} {is_url}");
        assert!(fetched.lock().unwrap().iter().all(|head| !head.contains(KEY)));
        assert_eq!(ran.err.contains(&format!("{} images more", count - 32)), count > 32, "{ran:?}");
        assert_eq!(ran.code == 0, count == 32, "{ran:?}");
    }
}

/// Each would take as long as a call may, and an answer names 32 of them.
#[tokio::test(flavor = "multi_thread")]
async fn images_that_never_come_are_waited_for_once() {
    let (silent, asked) = recording(Vec::new()).await;
    let inline = STANDARD.encode(b"\x89PNG\r\n\x1a\n");
    let mut drawn: Vec<_> = (0..8).map(|number| json!({"url": format!("http://{silent}/{number}.png")})).collect();
    drawn.push(json!({"b64_json": inline}));
    let answer = json!({"created": 1, "data": drawn}).to_string();
    let (gateway, _) = recording(whole(JSON, answer)).await;
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", format!("http://{gateway}/v1"));
    let ran = cli.run(&["image", "a ship", "--timeout", "2"]);
    assert_eq!((ran.code, asked.lock().unwrap().len()), (6, 1), "{ran:?}");
    assert_eq!(ran.err.matches("those before it took too long").count(), 7, "{ran:?}");
    assert!(cli.folder.path().join("image-9.png").exists(), "what is in the answer is written: {ran:?}");
}

/// Each may be as large as a body.
#[tokio::test(flavor = "multi_thread")]
async fn images_that_are_too_large_together_are_not_all_fetched() {
    let large = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 130 << 20]].concat();
    let (images, fetched) = recording(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", large)).await;
    let mut drawn: Vec<_> = (0..4).map(|number| json!({"url": format!("http://{images}/{number}.png")})).collect();
    drawn.push(json!({"b64_json": STANDARD.encode(b"\x89PNG\r\n\x1a\n")}));
    let (gateway, _) = recording(whole(JSON, json!({"created": 1, "data": drawn}).to_string())).await;
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", format!("http://{gateway}/v1"));
    let ran = cli.run(&["image", "a ship"]);
    assert_eq!((ran.code, fetched.lock().unwrap().len()), (6, 2), "{ran:?}");
    assert_eq!(ran.err.matches("those before it are too large together").count(), 2, "{ran:?}");
    assert!(cli.folder.path().join("image-5.png").exists(), "what is in the answer is written: {ran:?}");
}

/// What stands before, behind and beside an answer is read in one way, or refused in words.
#[tokio::test]
async fn an_answer_in_odd_frames_is_read_or_refused() {
    let engine = Engine::new(Limits { call: Duration::from_secs(20), ..tight() }).unwrap();
    let plugin = load(&engine, &fs::read(component()).unwrap()).await.unwrap();
    let good = whole(JSON, HELLO);
    let status = |line: &str| whole(&format!("{line}\r\ncontent-type: application/json\r\n"), HELLO);
    let after = |early: String| [early.into_bytes(), good.clone()].concat();
    let size = format!("{:x}", HELLO.len());
    let trailers = |more: &str| {
        format!("{JSON}transfer-encoding: chunked\r\n\r\n{size}\r\n{HELLO}\r\n0\r\n{more}\r\n").into_bytes()
    };
    let length = |length: &str| format!("{JSON}content-length: {length}\r\n\r\n{HELLO}").into_bytes();
    for (name, answer, is_read) in [
        ("20,000 early hints", after("HTTP/1.1 103 x\r\nlink: </x>; rel=preload\r\n\r\n".repeat(20_000)), true),
        ("20,000 times go on", after("HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000)), true),
        ("an early hint with a body", after("HTTP/1.1 103 x\r\ncontent-length: 5\r\n\r\nhello".into()), false),
        (
            "an early hint that is too large",
            after(format!("HTTP/1.1 103 x\r\nx: {}\r\n\r\n", "y".repeat(1 << 20))),
            false,
        ),
        ("trailers", trailers("x-a: b\r\ncontent-length: 1\r\nset-cookie: a=b\r\n"), true),
        ("trailers of a megabyte", trailers(&format!("x: {}\r\n", "y".repeat(1 << 20))), false),
        ("20,000 trailers", trailers(&"x: y\r\n".repeat(20_000)), false),
        ("trailers that are none", trailers("x y\r\n"), false),
        ("the status 203", status("HTTP/1.1 203 x"), true),
        ("the status 299", status("HTTP/1.1 299"), false),
        ("the status 205", status("HTTP/1.1 205 x"), false),
        ("a part, by its status", status("HTTP/1.1 206 x\r\ncontent-range: bytes 0-9/99"), false),
        ("the status 99", status("HTTP/1.1 099 x"), false),
        ("the status 1000", status("HTTP/1.1 1000 x"), false),
        ("the status 20", status("HTTP/1.1 20 x"), false),
        ("the status 2OO", status("HTTP/1.1 2OO x"), false),
        ("the status -200", status("HTTP/1.1 -200 x"), false),
        ("version 9.9", status("HTTP/9.9 200 OK"), false),
        ("version 2", status("HTTP/2 200"), false),
        ("another protocol", status("ICY 200 OK"), false),
        ("no head", HELLO.into(), false),
        ("a zero byte in a header", status("HTTP/1.1 200 OK\r\nx-a: b\0c"), false),
        ("a space in a name", status("HTTP/1.1 200 OK\r\nx a: b"), false),
        ("no name", status("HTTP/1.1 200 OK\r\n: b"), false),
        ("a carriage return alone", status("HTTP/1.1 200 OK\r\nx-a: b\rc: d"), false),
        ("a length in hexadecimal", length("0x10"), false),
        ("a length in thousands", length("1e3"), false),
        ("a length of 2^64", length("18446744073709551616"), false),
        ("one length twice", length(&format!("{0}, {0}", HELLO.len())), true),
        ("two lengths in a list", length(&format!("{}, 5", HELLO.len())), false),
        ("a negative length", length("-1"), false),
        ("no length and no end", format!("{JSON}\r\n{HELLO}").into_bytes(), true),
    ] {
        let provider = before(&plugin, answering(answer).await).await;
        let outcome = provider.complete(&ask("m", "hello")).await;
        assert_eq!(outcome.is_ok(), is_read, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}");
            assert_ne!(error.kind(), Kind::Timeout, "{name}: {error}");
        }
    }
    // Heads without end are ended by time.
    let plugin = load(&Engine::new(tight()).unwrap(), &fs::read(component()).unwrap()).await.unwrap();
    let server = serving(
        async |mut client| {
            while client.write_all(&b"HTTP/1.1 103 x\r\nx: y\r\n\r\n".repeat(100)).await.is_ok() {}
        },
    )
    .await;
    assert_timeout("hints without end", before(&plugin, server).await.complete(&ask("m", "hello")).await);
}

/// A file says which headers are sent. It does not say where a request goes, where its body ends, or in what coding or part an
/// answer comes.
#[tokio::test]
async fn headers_of_a_file_change_neither_the_place_nor_the_frame_of_a_request() {
    let plugin = good().await;
    let environment = host_harness::Environment::from_fn(|name| (name == "WORD").then(|| "elsewhere.example".into()));
    for name in [
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Range", "If-Range",
        "Accept-Encoding", "Expect", "Trailer", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive",
        "HTTP2-Settings", ":authority", ":path", "x y", "",
    ] {
        for value in ["${WORD}", "chunked"] {
            let (server, heads) = recording(whole(JSON, HELLO)).await;
            let config = json!({"models": {"providers": {"portkey": {"headers": {name: value}}}}});
            let setup = setup(format!("http://{server}/v1")).config(config).environment(environment.clone());
            let called = async { Provider::connect(&plugin, setup).await?.complete(&ask("m", "hello")).await };
            let outcome = called.await;
            let heads = heads.lock().unwrap().clone();
            assert!(heads.len() <= 1, "{name}: {value}: {heads:?}");
            assert_eq!(outcome.is_ok(), heads.len() == 1, "{name}: {value}: {outcome:?}");
            for head in heads.iter().map(|head| head.to_lowercase()) {
                let lines = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
                assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
                assert!(
                    head.contains(&format!("\r\nhost: {server}\r\n")) && lines("host:") == 1,
                    "{name}: {value}: {head}"
                );
                assert!(head.contains("\r\naccept-encoding: identity\r\n") && lines("accept-encoding:") == 1, "{head}");
                assert!(lines("content-length:") == 1 && !head.contains("\r\ncontent-length: 1\r\n"), "{head}");
                assert!(
                    lines("transfer-encoding:") + lines("range:") + lines("if-range:") == 0,
                    "{name}: {value}: {head}"
                );
            }
        }
    }
}

/// What stands where OpenClaw keeps variables, or where a file names a secret: nothing is waited for, and nothing of it is shown.
#[cfg(unix)]
#[test]
fn variables_and_secrets_are_read_from_plain_files_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let user = User::new();
    let home = user.cli.folder.path().join(".openclaw");
    fs::create_dir(&home).unwrap();
    let other = user.cli.folder.path().join("other");
    fs::write(&other, "sk-of-another-program\n").unwrap();
    let fifo = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success())
    };
    let config = |path: &std::path::Path| {
        let secret = json!({"source": "file", "provider": "p", "id": "value"});
        let providers = json!({"p": {"source": "file", "path": path, "mode": "singleValue"}});
        json!({"models": {"providers": {"portkey": {"apiKey": secret}}}, "secrets": {"providers": providers}})
            .to_string()
    };
    for place in [home.join(".env"), home.join("secret")] {
        let is_secret = place.ends_with("secret");
        type Plant<'p> = &'p dyn Fn();
        for (name, plant) in [
            ("a pipe", (&|| fifo(&place)) as Plant),
            ("a folder", &|| fs::create_dir(&place).unwrap()),
            ("a device", &|| symlink("/dev/zero", &place).unwrap()),
            ("a terminal", &|| symlink("/dev/tty", &place).unwrap()),
            ("itself", &|| symlink(&place, &place).unwrap()),
            ("the memory of a process", &|| symlink("/proc/self/mem", &place).unwrap()),
            ("too large", &|| fs::write(&place, "A=b\n".repeat(1 << 20)).unwrap()),
            ("another program's secret", &|| symlink(&other, &place).unwrap()),
            ("a second name of it", &|| fs::hard_link(&other, &place).unwrap()),
        ] {
            plant();
            if !place.is_symlink() && place.is_file() {
                fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
            }
            fs::write(home.join("openclaw.json"), if is_secret { config(&place) } else { "{}".into() }).unwrap();
            user.stub.take();
            let mut command = user.cli.command(&["chat", "hello", "--no-stream"]);
            if is_secret {
                command.env_remove("PORTKEY_API_KEY");
            }
            let ran = Ran::from(command.output().unwrap());
            assert!(!format!("{ran:?}").contains("another-program"), "{name}: {ran:?}");
            let sent = user.stub.take();
            assert_eq!(ran.code == 0, !sent.is_empty(), "{name}: {ran:?}");
            if is_secret {
                assert!(sent.is_empty() && ran.err.contains("secret`"), "{name}: {ran:?}");
            } else {
                // One that only holds nothing that is a variable is as good as none.
                let is_plain = name.contains("secret") || name.contains("second");
                assert_eq!(ran.code, if is_plain { 0 } else { 4 }, "{name}: {ran:?}");
            }
            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
        }
    }
}

/// A cache is where the system keeps the user's, or there is none: nothing is written into the folder that one works in.
#[cfg(unix)]
#[test]
fn a_cache_that_is_named_oddly_is_none() {
    let user = User::new();
    let work = user.cli.folder.path().join("work");
    fs::create_dir(&work).unwrap();
    for folder in [".", "cache", "", "/dev/null", "/proc/self", "/nonexistent/\u{1b}]0;x\u{7}"] {
        let mut command = user.cli.command(&["models", "gpt-5-mini"]);
        let ran = command.current_dir(&work).env("XDG_CACHE_HOME", folder).output().unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        assert!(ran.status.success() && said.contains("gpt-5-mini"), "{folder}: {said}");
        let left: Vec<_> = fs::read_dir(&work).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

/// OpenClaw fills in what looks like a reference wherever it stands. A gateway that names its model so would be told the secret
/// with the next request.
#[tokio::test(flavor = "multi_thread")]
async fn a_models_name_becomes_no_reference_in_the_file() {
    for name in ["@openai/${OPENAI_API_KEY}", "${PORTKEY_API_KEY}", "x ${env:HOME} ${OTHER_KEY}"] {
        let list = json!({"object": "list", "data": [{"id": name}]}).to_string();
        let (gateway, _) = recording(whole(JSON, list)).await;
        let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", format!("http://{gateway}/v1"));
        let cli = cli.env("OPENAI_API_KEY", "sk-other-secret").env("OTHER_KEY", "sk-other-secret");
        for arguments in [
            &["models", "--default", name][..],
            &["models", "--default", name, "--no-check"],
            &["onboard", "--yes", "--model", name],
            &["onboard", "--yes", "--model", name, "--no-check"],
        ] {
            let ran = cli.run(arguments);
            let written = fs::read_to_string(cli.folder.path().join(".openclaw/openclaw.json")).unwrap_or_default();
            assert!(
                ran.code != 0 && !written.contains("${O") && !written.contains("portkey/${"),
                "{arguments:?}: {ran:?} {written}"
            );
            assert!(!format!("{ran:?}").contains("sk-other-secret"), "{ran:?}");
        }
    }
}

/// A place in an answer is fetched over HTTP, or not at all.
#[tokio::test]
async fn what_is_no_address_on_the_web_is_not_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    fs::write(&file, b"\x89PNG\r\n\x1a\n").unwrap();
    let (server, heads) =
        recording(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", b"\x89PNG\r\n\x1a\n")).await;
    let provider = before(&good().await, server).await;
    let path = file.to_str().unwrap();
    for url in [
        format!("file://{path}"),
        format!("FILE://{path}"),
        format!("file:{path}"),
        path.to_owned(),
        format!("view-source:http://{server}/"),
        "data:image/png;base64,iVBORw0KGgo=".into(),
        "DATA:image/png;base64,iVBORw0KGgo=".into(),
        format!("ftp://{server}/a.png"),
        format!("gopher://{server}/1a"),
        format!("ws://{server}/a.png"),
        format!("unix://{path}"),
        format!("blob:http://{server}/x"),
        "javascript:1".into(),
        "//a.png".into(),
        "/a.png".into(),
        "a.png".into(),
        String::new(),
        "http:".into(),
        "http://".into(),
        format!("http://user:pass@{server}/a.png"),
        format!("http://{server}\\@elsewhere.example/a.png\r\nx: y"),
    ] {
        let outcome = provider.download(&url).await;
        let is_web = heads
            .lock()
            .unwrap()
            .iter()
            .all(|head| head.starts_with("GET /") && !head.contains("x: y") && !head.contains("authorization"));
        assert!(outcome.is_err() && is_web, "{url}: {outcome:?} {:?}", heads.lock().unwrap());
    }
}

/// A body may name another model than the request: it goes where the request's model is, with what is that place's alone.
#[tokio::test]
async fn a_member_that_names_another_model_takes_no_secret_to_another_place() {
    let plugin = good().await;
    let (main, mains) = recording(whole(JSON, HELLO)).await;
    let (own, owns) = recording(whole(JSON, HELLO)).await;
    let model = json!({"id": "private", "name": "p", "baseUrl": format!("http://{own}/v1"), "headers": {"x-private-token": "secret-of-private"}});
    let config =
        json!({"models": {"providers": {"portkey": {"baseUrl": format!("http://{main}/v1"), "models": [model]}}}});
    let setup = host_harness::Setup::new(config).secret("portkey-api-key", KEY);
    let provider = Provider::connect(&plugin, setup).await.unwrap();
    for (asked, member, is_private) in
        [("m", "private", false), ("private", "m", true), ("private ", "m", true), ("PRIVATE", "private", false)]
    {
        let extra = Some(json!({"model": member}).to_string());
        let prompt = host_harness::wit::chat::Prompt { extra_json: extra.clone(), ..ask(asked, "hello") };
        let _ = provider.complete(&prompt).await;
        let _ = provider
            .embed(&embeddings::Request {
                model: Some(asked.into()),
                extra_json: extra.clone(),
                ..embeddings::Request::new(["a"])
            })
            .await;
        let speech = SpeechRequest { model: Some(asked.into()), extra_json: extra, ..SpeechRequest::new("x") };
        let _ = provider.speak(&speech).await;
        let (mains, owns): (Vec<_>, Vec<_>) =
            (mains.lock().unwrap().drain(..).collect(), owns.lock().unwrap().drain(..).collect());
        assert_eq!((mains.len(), owns.len()), if is_private { (0, 3) } else { (3, 0) }, "{asked} {member}");
        assert!(mains.iter().all(|head| !head.contains("secret-of-private")), "{mains:?}");
        assert!(owns.iter().all(|head| head.contains("secret-of-private")), "{owns:?}");
    }
}
