//! Speech and transcripts: the built component before the stand-in, before connections that break, and before the real
//! gateway.

use std::io::Write as _;

use host_harness::{
    types::{ErrorKind as Kind, ErrorOrigin as Origin, Media},
    wit::audio::{SpeechRequest, TranscriptionRequest},
};
use serde_json::json;

use crate::{
    fault_server::{FaultServer, Step, bytes},
    gateway,
    raw_server::JSON,
    support::{Cli, KEY, User, audio_of, before_hosted, eventually, hosted, plugin, provider},
};

fn spoken(model: &str, text: &str, format: &str) -> SpeechRequest {
    SpeechRequest { model: Some(model.into()), format: Some(format.into()), ..SpeechRequest::new(text) }
}

fn recorded(model: &str, data: impl Into<Vec<u8>>) -> TranscriptionRequest {
    TranscriptionRequest { model: Some(model.into()), ..TranscriptionRequest::new(Media::new("", data)) }
}

#[tokio::test]
async fn what_is_spoken_comes_in_pieces_and_is_understood() {
    let stub = hosted().await;
    assert!(plugin().await.has_audio());
    let provider = provider(stub.base_url()).await;
    let mut speech = provider.speak(&SpeechRequest::new("Ships sail to Zoë.")).await.unwrap();
    assert_eq!(speech.media_type(), "audio/mpeg");
    assert_eq!(speech.report().provider.as_deref(), Some("openai"));
    let (mut pieces, mut audio) = (0, Vec::new());
    while let Some(piece) = speech.next().await.unwrap() {
        pieces += 1;
        audio.extend(piece);
    }
    assert!(pieces > 1 && audio.starts_with(b"ID3"), "{pieces} pieces");
    let [request] = &stub.take()[..] else { panic!() };
    assert_eq!((request.path.as_str(), request.header("x-portkey-api-key")), ("/v1/audio/speech", Some(KEY)));
    assert_eq!(
        request.json(),
        json!({"model": "gpt-4o-mini-tts", "input": "Ships sail to Zoë.", "voice": "alloy", "response_format": "mp3"})
    );

    let asked = TranscriptionRequest { language: Some("en".into()), ..recorded("@openai/whisper-1", audio) };
    let transcript = provider.transcribe(&asked).await.unwrap();
    assert_eq!((transcript.text.as_str(), transcript.usage), ("Ships sail to Zoë.", None));
    let [request] = &stub.take()[..] else { panic!() };
    assert_eq!(request.path, "/v1/audio/transcriptions");
    assert_eq!(request.header("x-portkey-provider"), Some("@openai"));
    let text = |name: &str| request.field(name).unwrap().text();
    assert_eq!((text("model"), text("language")), ("whisper-1".into(), "en".into()));
    assert_eq!(request.field("file").unwrap().file_name.as_deref(), Some("audio.mp3"));
}

#[tokio::test]
async fn through_the_real_gateway() {
    let (stub, provider) = gateway::before_upstream().await;
    for (format, media_type) in [("mp3", "audio/mpeg"), ("wav", "audio/wav")] {
        let mut speech = provider.speak(&spoken("tts-1", "Hello from afar.", format)).await.unwrap();
        assert_eq!(speech.media_type(), media_type);
        let audio = audio_of(&mut speech).await.unwrap();
        let transcript = provider.transcribe(&recorded("gpt-4o-mini-transcribe", audio)).await.unwrap();
        assert_eq!(transcript.text, "Hello from afar.");
        assert_eq!(transcript.usage.unwrap().output_tokens, 3);
        let [spoke, heard] = &stub.take()[..] else { panic!() };
        assert_eq!(spoke.header("x-portkey-api-key").or(heard.header("x-portkey-api-key")), None);
        assert_eq!(heard.field("file").unwrap().file_name, Some(format!("audio.{format}")));
    }
    for (error, says) in [
        (provider.speak(&spoken("gpt-5-mini", "a", "mp3")).await.unwrap_err(), "audio/speech"),
        (provider.transcribe(&recorded("gpt-5-mini", "OggS")).await.unwrap_err(), "audio/transcriptions"),
    ] {
        assert_eq!((error.kind(), error.record().origin), (Kind::Unsupported, Origin::Upstream), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = provider.speak(&spoken("tts-1", "a", "midi")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidRequest, "{error:?}");
    assert!(error.to_string().contains("'flac', 'wav' or 'pcm'"), "{error}");
}

/// Its line is over: what may go on as a secret is held back.
const AUDIO: &str = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 1000\r\n\r\nID3\n";

#[tokio::test]
async fn speech_that_breaks_off_is_an_error() {
    for end in [Step::Close, Step::Reset] {
        let server = FaultServer::http1(move |_| vec![bytes(AUDIO), Step::Pause(A_WHILE), end.clone()]).await;
        let mut speech = provider(&server.base_url).await.speak(&spoken("1", "a", "mp3")).await.unwrap();
        let error = audio_of(&mut speech).await.unwrap_err();
        assert_eq!((error.kind(), error.record().request_sent), (Kind::Transport, true), "{error:?}");
    }
}

/// For what was sent to be read before the connection goes.
const A_WHILE: std::time::Duration = std::time::Duration::from_millis(50);

#[tokio::test]
async fn a_failure_in_place_of_audio_is_told() {
    for (body, kind, says) in [
        (r#"{"error":{"message":"no such voice"}}"#, Kind::Other, "no such voice"),
        (r#"{"audio":"AAAA"}"#, Kind::Protocol, "The answer is no audio"),
        ("", Kind::Protocol, "The answer is no audio"),
        (&format!(r#"{{"error":{{"message":"no voice for {KEY}"}}}}"#), Kind::Other, "no voice for *"),
    ] {
        let server = FaultServer::always(JSON, body).await;
        let error = provider(&server.base_url).await.speak(&spoken("1", "a", "mp3")).await.unwrap_err();
        assert!(error.to_string().contains(says), "{body}: {error:?}");
        assert_eq!(error.kind(), kind, "{body}: {error:?}");
        assert!(!format!("{error:?} {error}").contains(KEY), "{error:?}");
    }
}

#[tokio::test]
async fn a_wait_that_is_given_up_can_be_gone_on_with_and_a_drop_ends_the_request() {
    let (stub, provider) = before_hosted().await;
    let mut speech = provider.speak(&spoken("tts-1", &"a".repeat(4096), "wav")).await.unwrap();
    let mut audio = Vec::new();
    loop {
        // Given up at once, again and again.
        let given_up = tokio::time::timeout(std::time::Duration::ZERO, speech.next()).await;
        match given_up {
            Err(_) => tokio::task::yield_now().await,
            Ok(Ok(Some(piece))) => audio.extend(piece),
            Ok(end) => break assert!(end.unwrap().is_none()),
        }
    }
    let length = u32::from_le_bytes(audio[4..8].try_into().unwrap()) as usize;
    assert_eq!(audio.len(), length + 8, "nothing is lost");

    drop(provider.speak(&spoken("tts-1", &"a".repeat(4096), "wav")).await.unwrap());
    assert!(eventually(|| stub.abandoned() > 0).await, "the request goes on");
}

#[test]
fn the_commands() {
    let user = User::new();
    let at = |name: &str| user.cli.folder.path().join(name);
    let ran = user.cli.run(&["speak", "Hello,", "you.", "-o", "hello.wav"]).ok();
    assert_eq!(ran.out, "hello.wav\n");
    assert!(std::fs::read(at("hello.wav")).unwrap().starts_with(b"RIFF"), "by the ending of the file");
    assert_eq!(user.cli.run(&["transcribe", "hello.wav"]).ok().out, "Hello, you.\n");

    let json =
        user.cli.run(&["speak", "Hi", "-o", "hi", "--voice", "nova", "--instructions", "slowly", "--json"]).ok().json();
    assert_eq!((&json["path"], &json["media_type"]), (&json!("hi"), &json!("audio/mpeg")));
    assert_eq!(json["bytes"], std::fs::read(at("hi")).unwrap().len());
    let sent = user.stub.requests().pop().unwrap().json();
    assert_eq!((&sent["voice"], &sent["instructions"]), (&json!("nova"), &json!("slowly")));
    let heard =
        user.cli.run(&["transcribe", "hi", "-m", "portkey/@openai/gpt-4o-transcribe", "--prompt", "Zoë", "--json"]);
    let heard = heard.ok().json();
    assert_eq!((&heard["text"], &heard["usage"]["output_tokens"]), (&json!("Hi"), &json!(1)));

    // What is there is precious.
    user.cli.run(&["speak", "other", "-o", "hi"]).failed(2, "`hi` is there already: --force replaces it");
    user.cli.run(&["speak", "other", "-o", "hi", "--force"]).ok();
    assert_eq!(user.cli.run(&["transcribe", "hi"]).ok().out, "other\n");

    // A model is named as `chat` takes it: by an alias, or behind the provider's id in any letters.
    let config = json!({"agents": {"defaults": {"models": {"portkey/@openai/tts-1-hd": {"alias": "Stage"}}}}});
    std::fs::write(at("named.json"), config.to_string()).unwrap();
    for model in ["stage", "PORTKEY/@openai/tts-1-hd"] {
        user.cli.run(&["speak", "Hi", "-o", "hi", "--force", "-m", model, "--config", "named.json"]).ok();
        assert_eq!(user.stub.requests().pop().unwrap().json()["model"], "@openai/tts-1-hd", "{model}");
    }

    user.cli.piped(b"from a pipe", &["speak", "-o", "piped.mp3"]).ok();
    assert_eq!(user.cli.run(&["transcribe", "piped.mp3"]).ok().out, "from a pipe\n");
}

/// Each with its message and its exit code, and nothing lost.
#[test]
fn bad_input() {
    let user = User::new();
    let at = |name: &str| user.cli.folder.path().join(name);
    std::fs::write(at("notes.txt"), "no sound").unwrap();
    std::fs::write(at("old.mp3"), "precious").unwrap();
    let large = std::fs::File::create(at("large.wav")).unwrap();
    (&large).write_all(b"RIFF\0\0\0\0WAVEfmt ").unwrap();
    large.set_len(200 << 20).unwrap();
    for (arguments, message) in [
        (&["speak", "", "-o", "a.mp3"][..], "the text is empty"),
        (&["speak", "a", "-o", "nowhere/a.mp3"], "there is no folder `nowhere`"),
        (&["speak", "a", "-o", "."], "it is a folder"),
        (&["speak", "a", "-o", "a.mp33"], ".mp33 names no format: end the file in one of mp3, wav"),
        (&["transcribe", "large.wav"], "cannot read the recording `large.wav`: it is larger than 25 MiB"),
        (&["transcribe", "notes.txt"], "`notes.txt` is not a recording"),
        (&["transcribe", "nowhere.mp3"], "cannot read the recording `nowhere.mp3`"),
    ] {
        let ran = user.cli.run(arguments).failed(2, message);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
    assert!(user.stub.requests().is_empty(), "nothing was sent");
    std::fs::write(at("short.mp3"), b"ID3\x04\0\0\0\0\0\0").unwrap();
    for (arguments, code, message) in [
        (&["speak", "a", "-o", "old.mp3", "--force", "--format", "midi"][..], 1, "'flac', 'wav' or 'pcm'"),
        (&["speak", "a", "-o", "old.mp3", "--force", "--voice", "bob"], 1, "Input should be 'alloy'"),
        (&["speak", "a", "-o", "old.mp3", "--force", "-m", "@openai/gpt-5-mini"], 1, "(POST /v1/audio/speech)"),
        (&["speak", "a", "-o", "old.mp3", "--force", "-m", "fault/reset"], 6, "broke"),
        (&["transcribe", "short.mp3", "-m", "@openai/gpt-5-mini"], 1, "(POST /v1/audio/transcriptions)"),
        (&["transcribe", "short.mp3", "-m", "fault/429"], 5, "ate limit"),
    ] {
        let ran = user.cli.run(arguments).failed(code, message);
        assert!(ran.out.is_empty(), "{ran:?}");
        assert_eq!(std::fs::read(at("old.mp3")).unwrap(), b"precious", "{arguments:?}");
    }
    assert_eq!(user.files(), ["large.wav", "notes.txt", "old.mp3", "short.mp3"], "nothing half is left behind");
    let keyless = Cli::new().env("PORTKEY_BASE_URL", user.stub.base_url());
    keyless.run(&["speak", "a", "-o", "a.mp3"]).failed(3, "PORTKEY_API_KEY");
}

/// What is larger than the command allows reaches the provider by the library, which says so itself.
#[tokio::test]
async fn a_recording_too_large_for_the_provider() {
    let stub = hosted().await;
    let mut data = b"ID3".to_vec();
    data.resize(26 << 20, 0);
    let error = provider(stub.base_url()).await.transcribe(&recorded("@openai/whisper-1", data)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidRequest, "{error:?}");
    assert!(error.to_string().contains("Maximum content size limit (26214400) exceeded"), "{error}");
    assert!(error.record().hint.as_deref().is_some_and(|hint| hint.contains("send less")), "{error:?}");
}
