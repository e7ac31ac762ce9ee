//! Speech and transcripts on OpenAI's wire: the JSON request for speech, the form for transcripts, and their answers.
//!
//! Source: OpenAI's API reference, "Create speech" and "Create transcription".

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::bindings::openclaw::provider::audio::{SpeechRequest, Transcript, TranscriptionRequest};
use crate::bindings::openclaw::provider::types::Media;
use crate::failure::Failure;
use crate::fields::{self, rest, text};
use crate::form::parts;

/// Reads the body of a request for speech.
pub fn speech(body: &[u8]) -> Result<SpeechRequest, Box<Failure>> {
    let mut fields = fields::object(body)?;
    if text(&mut fields, "stream_format")?.is_some_and(|format| format != "audio") {
        return Err(Failure::invalid_field("stream_format", "cannot be had: speech comes as audio, as it is made"));
    }
    // One of a caller's own is an object.
    let voice = if fields.get("voice").is_some_and(Value::is_object) { None } else { text(&mut fields, "voice")? };
    Ok(SpeechRequest {
        text: text(&mut fields, "input")?.ok_or_else(|| Failure::invalid_field("input", "is missing"))?,
        model: text(&mut fields, "model")?,
        voice,
        format: text(&mut fields, "response_format")?,
        instructions: text(&mut fields, "instructions")?,
        extra_json: rest(fields),
    })
}

/// A request for a transcript.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// What is asked of the provider.
    pub request: TranscriptionRequest,
    /// Whether the caller wants the text alone.
    pub is_plain: bool,
}

/// Reads the form of a request for a transcript.
pub fn transcription(content_type: &[u8], body: &[u8]) -> Result<Call, Box<Failure>> {
    let mut fields = Map::new();
    let mut audio: Option<Media> = None;
    for part in parts(content_type, body)? {
        if part.name == "file" {
            audio = Some(part.media());
            continue;
        }
        let (name, text) = part.text()?;
        fields.insert(name, text.into());
    }
    let audio = audio.ok_or_else(|| Failure::invalid_field("file", "is missing: it is the recording"))?;
    if text(&mut fields, "stream")?.is_some_and(|stream| stream != "false") {
        return Err(Failure::invalid_field("stream", "cannot be had for transcripts"));
    }
    let format = text(&mut fields, "response_format")?.unwrap_or_else(|| "json".to_owned());
    let is_plain = matches!(format.as_str(), "text" | "srt" | "vtt");
    if !is_plain && format != "json" {
        let message = "must be json, text, srt or vtt: the provider's interface gives the text alone";
        return Err(Failure::invalid_field("response_format", message));
    }
    if matches!(format.as_str(), "srt" | "vtt") {
        fields.insert("response_format".to_owned(), format.into());
    }
    let request = TranscriptionRequest {
        model: text(&mut fields, "model")?,
        audio,
        language: text(&mut fields, "language")?,
        prompt: text(&mut fields, "prompt")?,
        extra_json: rest(fields),
    };
    Ok(Call { request, is_plain })
}

/// The answer, and its media type.
pub fn answer(transcript: Transcript, is_plain: bool) -> (&'static str, Vec<u8>) {
    if is_plain {
        return ("text/plain; charset=utf-8", transcript.text.into_bytes());
    }
    let mut answer = Map::from_iter([("text".to_owned(), transcript.text.into())]);
    if let Some(used) = transcript.usage {
        let mut usage = fields::usage(&used);
        usage.insert("type".to_owned(), "tokens".into());
        answer.insert("usage".to_owned(), usage.into());
    }
    ("application/json", Value::Object(answer).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn speech_that_is_asked_for() {
        let body = br#"{"model":"tts-1","input":"Hi","voice":"nova","response_format":"wav","speed":1.5,"stream_format":"audio"}"#;
        let request = speech(body).unwrap();
        assert_eq!(
            (request.text.as_str(), request.voice.as_deref(), request.format.as_deref()),
            ("Hi", Some("nova"), Some("wav"))
        );
        assert_eq!(request.extra_json.as_deref(), Some(r#"{"speed":1.5}"#));
        let own = speech(br#"{"input":"Hi","voice":{"id":"v"}}"#).unwrap();
        assert_eq!((own.voice, own.extra_json.as_deref()), (None, Some(r#"{"voice":{"id":"v"}}"#)));
        for (body, param) in [
            (r#"{"voice":"nova"}"#, "input"),
            (r#"{"input":3}"#, "input"),
            (r#"{"input":"a","voice":3}"#, "voice"),
            (r#"{"input":"a","stream_format":"sse"}"#, "stream_format"),
        ] {
            assert_eq!(speech(body.as_bytes()).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }

    fn form(fields: &[(&str, &str)]) -> Result<Call, Box<Failure>> {
        let part = |(name, value): &(&str, &str)| {
            let file = if *name == "file" { "; filename=\"a.wav\"\r\nContent-Type: audio/wav" } else { "" };
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
        };
        let body: String = fields.iter().map(part).collect();
        transcription(b"multipart/form-data; boundary=b", format!("{body}--b--\r\n").as_bytes())
    }

    #[test]
    fn a_transcript_that_is_asked_for() {
        let call = form(&[("model", "whisper-1"), ("file", "RIFF"), ("language", "de"), ("temperature", "0")]).unwrap();
        assert_eq!((call.request.audio.media_type.as_str(), &call.request.audio.data[..]), ("audio/wav", &b"RIFF"[..]));
        assert_eq!((call.request.model.as_deref(), call.request.language.as_deref()), (Some("whisper-1"), Some("de")));
        assert_eq!((call.request.extra_json.as_deref(), call.is_plain), (Some(r#"{"temperature":"0"}"#), false));
        let subtitles = form(&[("file", "x"), ("response_format", "srt")]).unwrap();
        assert_eq!(
            (subtitles.request.extra_json.as_deref(), subtitles.is_plain),
            (Some(r#"{"response_format":"srt"}"#), true)
        );
        assert!(form(&[("file", "x"), ("response_format", "text"), ("stream", "false")]).unwrap().is_plain);
        for (fields, param) in [
            (&[("model", "m")][..], "file"),
            (&[("file", "x"), ("stream", "true")], "stream"),
            (&[("file", "x"), ("response_format", "verbose_json")], "response_format"),
        ] {
            assert_eq!(form(fields).unwrap_err().param.as_deref(), Some(param), "{fields:?}");
        }
    }
}
