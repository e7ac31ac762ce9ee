//! Speech from text, and text from speech: the requests and the answers.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::mem;

use crate::bindings::openclaw::provider::types::{Connection, Error};
use crate::bindings::optional::audio::{Defaults, SpeechRequest, Transcript, TranscriptionRequest};
use crate::error::{self, Result};
use crate::form::{File, Form};
use crate::images::{self, Kind};
use crate::json::{Json, Object, lossy};
use crate::portkey;
use crate::prompt;
use crate::report::Head;
use crate::text::filled;
use crate::usage;
use crate::wire;

/// What is used where a request says nothing.
pub fn defaults() -> Defaults {
    Defaults {
        speech_model: portkey::SPEECH_MODEL.to_owned(),
        voice: portkey::VOICE.to_owned(),
        format: portkey::SPEECH_FORMAT.to_owned(),
        transcription_model: portkey::TRANSCRIPTION_MODEL.to_owned(),
    }
}

/// The model of the call and the JSON body of `/audio/speech`.
pub fn speech(request: &SpeechRequest) -> Result<(String, String)> {
    let extra = prompt::extra_members(request.extra_json.as_deref())?;
    // As events, the audio would be in base64.
    if extra.has("stream_format") {
        return Err(error::invalid_request("extra-json must not hold stream_format: speech always comes as audio"));
    }
    if request.text.trim().is_empty() {
        return Err(error::invalid_request("There is no text to speak."));
    }
    let given = |text: &Option<String>, default: &str| filled(text.as_deref()).unwrap_or(default).to_owned();
    let mut body = Object::default();
    let model = prompt::model(&extra, request.model.as_deref(), portkey::SPEECH_MODEL);
    body.set("model", model.clone());
    body.set("input", &*request.text);
    body.set("voice", given(&request.voice, portkey::VOICE));
    body.set("response_format", given(&request.format, portkey::SPEECH_FORMAT));
    body.set_some("instructions", request.instructions.as_deref());
    body.extend(extra);
    Ok((model, body.to_json()))
}

/// A text of fewer bytes may be the start of audio.
const SHORT: usize = 16;

/// The media type of an answer that is audio: by its head, and where that says nothing, by its first bytes. None where it is
/// none.
pub fn media_type(head: &Head, bytes: &[u8]) -> Option<String> {
    // A failure in words keeps the type that was asked for at some. So many bytes of audio are more than a name.
    let is_words = |text: &str| text.len() >= SHORT && sniff(bytes).is_none() || text.starts_with('<') || is_json(text);
    if images::text(bytes, images::TEXT).map(str::trim_ascii_start).is_some_and(is_words) {
        return None;
    }
    let named = head.get("content-type").map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase());
    match named {
        Some(kind) if kind.starts_with("audio/") || kind.starts_with("video/") => Some(kind),
        Some(kind) if kind.starts_with("text/") || kind.contains("json") || kind.contains("xml") => None,
        // The gateway's own, where a provider names none (1.15.2).
        _ => Some(sniff(bytes).map_or("application/octet-stream", |(kind, _)| kind).to_owned()),
    }
}

/// An answer to a request for speech that is no audio.
pub fn no_audio(head: &Head, body: &[u8]) -> Box<Error> {
    error::malformed(head, "The answer is no audio", body)
}

/// A recording to be written down: a request to `/audio/transcriptions`.
pub fn transcription(connection: &Connection, request: &TranscriptionRequest) -> Result<Form> {
    let extra = prompt::extra_members(request.extra_json.as_deref())?;
    if extra.get("stream").is_some_and(|stream| stream.bool() != Some(false)) {
        return Err(error::invalid_request("extra-json must not hold stream: a transcript comes as a whole"));
    }
    let audio = &request.audio;
    if audio.data.is_empty() {
        return Err(error::invalid_request("The recording is empty."));
    }
    let model = prompt::model(&extra, request.model.as_deref(), portkey::TRANSCRIPTION_MODEL);
    let mut fields = Object::default();
    fields.set("model", model.clone());
    fields.set_some("language", request.language.as_deref());
    fields.set_some("prompt", request.prompt.as_deref());
    fields.extend(extra);
    // The ending of its name tells OpenAI what is in it.
    let (media_type, ending) =
        sniff(&audio.data).or_else(|| of_media_type(&audio.media_type)).unwrap_or(("application/octet-stream", "bin"));
    let file = File { field: "file", name: format!("audio.{ending}"), media_type, data: &audio.data };
    Ok(Form::new(connection, &model, fields, &[file]))
}

/// The answer to it: JSON, or the text alone where `text`, `srt` or `vtt` was asked for.
pub fn transcript(head: &Head, body: &[u8]) -> Result<Transcript> {
    let text = lossy(body);
    let plain = |text: Cow<'_, str>| Transcript { text: text.into_owned(), usage: None, report: head.report() };
    let named = head.get("content-type").unwrap_or_default();
    // Some name the type of JSON, or none: the first bytes tell. Silence alone needs a name.
    let start = wire::last_event(text.trim_ascii_start());
    if start.starts_with('"')
        && !named.starts_with("text/")
        && let Some(text) = Json::parse(start).ok().and_then(|json| json.string())
    {
        return Ok(plain(text));
    }
    let is_silent = start.is_empty() && !named.starts_with("text/");
    if !is_silent
        && !start.starts_with('<')
        && !named.contains("html")
        && !is_json(start)
        && !start.starts_with("data:")
        && !named.contains("event-stream")
    {
        return Ok(plain(text));
    }
    let malformed = || error::malformed(head, "The answer is no transcript", start.as_bytes());
    let answer = Object::parse(start).ok_or_else(malformed)?;
    if wire::is_failed(&answer) {
        return Err(malformed());
    }
    let usage = answer.get("usage").and_then(|usage| usage.object());
    let text = said(answer.into(), DEPTH).ok_or_else(malformed)?;
    Ok(Transcript { text, usage: usage.as_ref().and_then(usage::usage), report: head.report() })
}

/// How far down the words of a transcript are looked for.
const DEPTH: usize = 5;

/// What the words of a transcript are called: by OpenAI, Deepgram, Azure, and some that serve Whisper.
const WORDS: [&str; 4] = ["text", "transcript", "DisplayText", "transcription"];

/// What leads to them: all that was said in one place, before it is said in parts (Workers AI, Google and Deepgram, Azure).
const AROUND: [&str; 6] = ["result", "results", "channels", "alternatives", "combinedPhrases", "segments"];

/// The words in a part of a transcript. Silence is an empty text.
fn said(part: Json<'_>, left: usize) -> Option<String> {
    if !part.is_object() {
        let left = left.checked_sub(1)?;
        let (mut all, mut is_said) = (String::new(), false);
        for words in part.into_list()?.into_iter().filter_map(|part| said(part, left)) {
            if mem::replace(&mut is_said, true) {
                all.push(' ');
            }
            all.push_str(words.trim());
        }
        return is_said.then_some(all);
    }
    let mut part = part.into_object()?;
    let words = WORDS.iter().find_map(|name| part.get(name)?.string());
    words.map(Cow::into_owned).or_else(|| {
        let left = left.checked_sub(1)?;
        AROUND.iter().find_map(|name| {
            let mut inner = part.take(name)?;
            if *name == "alternatives" {
                // The first is the likeliest.
                inner = inner.into_list()?.into_iter().next()?;
            }
            said(inner, left)
        })
    })
}

/// Whether a text begins as an object or a list in JSON does. What is heard may stand in brackets too: `[Music]`.
fn is_json(text: &str) -> bool {
    let inside = text.strip_prefix(['{', '[']).map(str::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(['"', '{', '[', '}', ']']))
}

const MP3: (&str, &str) = ("audio/mpeg", "mp3");

/// What OpenAI transcribes and speaks.
const KINDS: [Kind; 6] = [
    (8, b"WAVE", "audio/wav", "wav"),
    (0, b"OggS", "audio/ogg", "ogg"),
    (0, b"fLaC", "audio/flac", "flac"),
    (0, b"ID3", MP3.0, MP3.1),
    (0, b"\x1a\x45\xdf\xa3", "audio/webm", "webm"),
    (4, b"ftyp", "audio/mp4", "m4a"),
];

/// Media type and file ending, by the first bytes.
fn sniff(data: &[u8]) -> Option<(&'static str, &'static str)> {
    images::kind_of(&KINDS, data).or(match data {
        // AAC before MP3: they share their first bits, and differ in the layer.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(("audio/aac", "aac")),
        [0xff, second, ..] if second & 0xe0 == 0xe0 => Some(MP3),
        _ => None,
    })
}

/// The same, by a media type.
fn of_media_type(media_type: &str) -> Option<(&'static str, &'static str)> {
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    let name = bare.split_once('/').filter(|(kind, _)| matches!(*kind, "audio" | "video"))?.1;
    let ending = match name.strip_prefix("x-").unwrap_or(name) {
        "wave" => "wav",
        "opus" => "ogg",
        "mpeg" | "mpga" => "mp3",
        "mp4" => "m4a",
        other => other,
    };
    KINDS.iter().find(|kind| kind.3 == ending).map(|(.., kind, ending)| (*kind, *ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::{ErrorKind, Media};
    use crate::form::tests::connection;
    use alloc::string::ToString;

    fn said(text: &str) -> SpeechRequest {
        SpeechRequest {
            model: None,
            text: text.to_owned(),
            voice: None,
            format: None,
            instructions: None,
            extra_json: None,
        }
    }

    fn recorded(data: &[u8]) -> TranscriptionRequest {
        TranscriptionRequest {
            model: None,
            audio: Media { media_type: String::new(), data: data.to_vec() },
            language: None,
            prompt: None,
            extra_json: None,
        }
    }

    fn head(content_type: &str) -> Head {
        let headers = [("content-type", content_type)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Head { status: 200, headers: headers.to_vec() }
    }

    #[test]
    fn the_body_of_speech() {
        assert_eq!(
            speech(&said("Hi")).unwrap().1,
            r#"{"model":"gpt-4o-mini-tts","input":"Hi","voice":"alloy","response_format":"mp3"}"#
        );
        let all = SpeechRequest {
            model: Some("@openai/tts-1".into()),
            voice: Some("nova".into()),
            format: Some(" wav ".into()),
            instructions: Some("slowly".into()),
            extra_json: Some(r#"{"speed":1.5,"voice":{"id":"v"}}"#.into()),
            ..said("Hi")
        };
        assert_eq!(
            speech(&all).unwrap().1,
            r#"{"model":"@openai/tts-1","input":"Hi","voice":{"id":"v"},"response_format":"wav","instructions":"slowly","speed":1.5}"#
        );
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_sent() {
        let streamed = |extra: &str| TranscriptionRequest { extra_json: Some(extra.into()), ..recorded(b"RIFF") };
        for error in [
            speech(&said(" \n")).unwrap_err(),
            speech(&SpeechRequest { extra_json: Some(r#"{"stream_format":"sse"}"#.into()), ..said("x") }).unwrap_err(),
            speech(&SpeechRequest { extra_json: Some("no".into()), ..said("x") }).unwrap_err(),
            transcription(&connection(), &recorded(b"")).unwrap_err(),
            transcription(&connection(), &streamed(r#"{"stream":true}"#)).unwrap_err(),
        ] {
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidRequest, false), "{}", error.message);
        }
        assert!(transcription(&connection(), &streamed(r#"{"stream":false}"#)).is_ok());
    }

    #[test]
    fn audio_is_told_by_its_head_or_by_its_bytes() {
        for (content_type, bytes, expected) in [
            ("audio/MPEG; x=1", &b"{"[..], Some("audio/mpeg")),
            ("application/octet-stream", b"ID3\x04", Some("audio/mpeg")),
            ("application/octet-stream", b"\xff\xf1", Some("audio/aac")),
            ("", b"\xff\xfb\x90", Some("audio/mpeg")),
            ("", b"\0\0", Some("application/octet-stream")),
            ("application/json", b"ID3", None),
            ("text/html", b"<", None),
            ("audio/mpeg", b"{\"error\":{", None),
            ("", b" {\n  \"error\": \"x\"}", None),
            ("application/octet-stream", b"<html>", None),
            ("audio/pcm", b"{\"\x01\x02", Some("audio/pcm")),
            // An error in plain words, or as an event.
            ("audio/mpeg", b"Internal Server Error", None),
            ("audio/wav", b"data: {\"error\":\"x\"}\n\n", None),
            ("audio/mpeg", b"ID3 and then what no word is", Some("audio/mpeg")),
            ("audio/pcm", b"short", Some("audio/pcm")),
        ] {
            assert_eq!(media_type(&head(content_type), bytes).as_deref(), expected, "{content_type}");
        }
        let error = no_audio(&head("application/json"), br#"{"error":{"message":"no such voice"}}"#);
        assert_eq!(error.message, "no such voice");
    }

    #[test]
    fn a_recording_is_a_form_and_its_name_says_what_it_is() {
        let wav = b"RIFF\0\0\0\0WAVE";
        let asked = TranscriptionRequest {
            model: Some("@openai/whisper-1".into()),
            language: Some("de".into()),
            prompt: Some("Zoë".into()),
            extra_json: Some(r#"{"temperature":0.2,"response_format":"verbose_json"}"#.into()),
            ..recorded(wav)
        };
        let form = transcription(&connection(), &asked).unwrap();
        assert_eq!(form.model, "whisper-1");
        assert_eq!(form.connection.headers, [("x-portkey-provider".to_string(), "@openai".to_string())]);
        let body = String::from_utf8_lossy(&form.body).into_owned();
        for part in [
            "name=\"model\"\r\n\r\nwhisper-1\r\n",
            "name=\"language\"\r\n\r\nde\r\n",
            "name=\"prompt\"\r\n\r\nZoë\r\n",
            "name=\"temperature\"\r\n\r\n0.2\r\n",
            "name=\"response_format\"\r\n\r\nverbose_json\r\n",
            "name=\"file\"; filename=\"audio.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
        for (data, media_type, name) in [
            (&b"\0\0\0\x20ftypM4A "[..], "", "audio.m4a"),
            (b"OggS", "audio/mpeg", "audio.ogg"),
            (b"??", "audio/x-wav", "audio.wav"),
            (b"??", "video/mp4;codecs=x", "audio.m4a"),
            (b"??", "text/plain", "audio.bin"),
        ] {
            let mut asked = recorded(data);
            asked.audio.media_type = media_type.into();
            let form = transcription(&connection(), &asked).unwrap();
            let body = String::from_utf8_lossy(&form.body).into_owned();
            assert!(body.contains(&format!("filename=\"{name}\"")), "{name} in {body}");
            assert_eq!(form.model, "gpt-4o-mini-transcribe");
        }
    }

    #[test]
    fn transcripts() {
        let json = head("application/json");
        let got = transcript(
            &json,
            br#"{"text":"Hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"total_tokens":16}}"#,
        )
        .unwrap();
        assert_eq!((got.text.as_str(), got.usage.unwrap().input_tokens), ("Hello", 14));
        let whisper = transcript(&json, br#"{"text":"","usage":{"type":"duration","seconds":3}}"#).unwrap();
        assert_eq!((whisper.text.as_str(), whisper.usage), ("", None), "silence is no failure");
        let subtitles = transcript(&head("text/plain; charset=utf-8"), b"1\n00:00 --> 00:01\nHi\n").unwrap();
        assert!(subtitles.text.ends_with("Hi\n"));
        for (content_type, body, text) in [
            ("", "Hi\n", "Hi\n"),
            ("application/octet-stream", "WEBVTT\n", "WEBVTT\n"),
            ("application/json", "[Music] Hi", "[Music] Hi"),
            ("application/json", r#""Hi""#, "Hi"),
            ("text/plain", r#""Hi""#, r#""Hi""#),
            ("text/plain", "{laughs} Hi", "{laughs} Hi"),
            ("text/plain", "", ""),
            (
                "application/json",
                r#"{"segments":[{"id":0,"text":" Hi"},{"text":" there "}],"language":"en"}"#,
                "Hi there",
            ),
            ("application/json", r#"{"text":null,"segments":[{"text":"Hi"}]}"#, "Hi"),
            ("application/json", r#"{"results":{"channels":[{"alternatives":[{"transcript":"Hi"}]}]}}"#, "Hi"),
            (
                "application/json",
                r#"{"results":[{"alternatives":[{"transcript":"Hi "},{"transcript":"Hay"}]},{"alternatives":[{"transcript":"there"}]}]}"#,
                "Hi there",
            ),
            ("application/json", r#"{"result":{"text":"Hi","word_count":1},"success":true,"errors":[]}"#, "Hi"),
            ("application/json", r#"{"combinedPhrases":[{"text":"Hi"}],"phrases":[{"text":"Hi"}]}"#, "Hi"),
            ("application/json", r#"{"RecognitionStatus":"Success","DisplayText":"Hi"}"#, "Hi"),
            ("application/json", r#"{"segments":[{"text":"Hi"}],"transcription":"Hi","translation":null}"#, "Hi"),
            (
                "text/event-stream",
                "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hi\"}\n\nevent: x\ndata: {\"type\":\"transcript.text.done\",\"text\":\"Hi\"}\n\ndata: [DONE]\n\n",
                "Hi",
            ),
            ("text/plain", "event: none\n", "event: none\n"),
        ] {
            assert_eq!(transcript(&head(content_type), body.as_bytes()).unwrap().text, text, "{content_type}");
        }
        for (content_type, body, kind) in [
            ("", "", ErrorKind::Protocol),
            ("", r#"{"text":"H"#, ErrorKind::Protocol),
            ("text/plain", "<html>", ErrorKind::InvalidConfig),
            ("application/json", "{}", ErrorKind::Protocol),
            ("application/json", r#"{"text":7}"#, ErrorKind::Protocol),
            ("application/json", r#"{"results":[],"segments":[{"id":0}]}"#, ErrorKind::Protocol),
            ("application/json", r#"{"status":"queued","text":null}"#, ErrorKind::Protocol),
            ("text/event-stream", "data: [DONE]\n\n", ErrorKind::Protocol),
            ("text/event-stream", "event: x\ndata: [DONE]\n\n", ErrorKind::Protocol),
            ("text/event-stream", ": ping\n\ndata: [DONE]\n\n", ErrorKind::Protocol),
            (
                "text/event-stream",
                "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hi\"}\n\n",
                ErrorKind::Protocol,
            ),
            (
                "text/event-stream",
                "data: {\"error\":{\"message\":\"m\",\"code\":\"model_not_found\"}}\n\n",
                ErrorKind::NotFound,
            ),
            ("application/json", "", ErrorKind::Protocol),
            ("text/html", "<html>", ErrorKind::InvalidConfig),
            ("text/plain", r#"{"error":{"message":"m","code":"model_not_found"}}"#, ErrorKind::NotFound),
            (
                "application/json",
                r#"{"text":"x","error":{"message":"m","code":"model_not_found"}}"#,
                ErrorKind::NotFound,
            ),
        ] {
            assert_eq!(transcript(&head(content_type), body.as_bytes()).unwrap_err().kind, kind, "{body}");
        }
    }
}
