//! Speech and transcripts: audio comes whole or not at all, and arrives as a file.

use serde_json::json;

use super::{
    Check,
    canned::Canned,
    fixture::{Fixture, Verdict, ensure, equal, no_request, only_request, refused, refused_as},
};
use host_harness::{
    Provider, Result,
    types::{ErrorKind, Media},
    wit::audio::{SpeechRequest, TranscriptionRequest},
};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "V1", title: "models for speech and for transcripts are named, a voice and a format", run: |fixture| Box::pin(described(fixture)) },
    Check { id: "V2", title: "a request for speech holds text, voice and format, and the key in its header", run: |fixture| Box::pin(request(fixture)) },
    Check { id: "V3", title: "speech comes with its media type, and to its last byte", run: |fixture| Box::pin(whole(fixture)) },
    Check { id: "V4", title: "speech that breaks off is an error", run: |fixture| Box::pin(cut(fixture)) },
    Check { id: "V5", title: "an answer that is no audio is an error", run: |fixture| Box::pin(no_audio(fixture)) },
    Check { id: "V6", title: "a recording arrives as a file whose name says what it is, and its text comes back", run: |fixture| Box::pin(transcript(fixture)) },
    Check { id: "V7", title: "an empty text, and an empty recording, is refused, and nothing is sent", run: |fixture| Box::pin(empty(fixture)) },
];

const TEXT: &str = "Ships, \"at night\"\nü";

/// By a model, a voice and a format that the stand-in has.
pub(super) fn asked(model: &str, text: &str) -> SpeechRequest {
    SpeechRequest {
        model: Some(model.into()),
        voice: Some("alloy".into()),
        format: Some("wav".into()),
        ..SpeechRequest::new(text)
    }
}

pub(super) fn recorded(data: &[u8]) -> TranscriptionRequest {
    TranscriptionRequest { model: Some("whisper-1".into()), ..TranscriptionRequest::new(Media::new("audio/wav", data)) }
}

/// Speech to its end: its media type, and its bytes.
pub(super) async fn speech(provider: &Provider, request: &SpeechRequest) -> Result<(String, Vec<u8>)> {
    let mut speech = provider.speak(request).await?;
    let mut audio = Vec::new();
    while let Some(piece) = speech.next().await? {
        audio.extend(piece);
    }
    Ok((speech.media_type().to_owned(), audio))
}

async fn described(fixture: &Fixture) -> Verdict {
    let defaults = fixture.plugin.audio_defaults().await?;
    for (what, default) in [
        ("speech-model", defaults.speech_model),
        ("voice", defaults.voice),
        ("format", defaults.format),
        ("transcription-model", defaults.transcription_model),
    ] {
        ensure(!default.trim().is_empty(), || format!("{what}: expected a name, got none"))?;
    }
    Ok(())
}

async fn request(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    speech(&provider, &asked("tts-1", TEXT)).await?;
    let request = only_request(&gateway)?;
    equal("the path", request.path.as_str(), "/v1/audio/speech")?;
    let expected = json!({"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "wav"});
    equal("the body", request.json(), expected)?;
    fixture.keyed(&request)
}

async fn whole(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let (media_type, audio) = speech(&provider, &asked("tts-1", TEXT)).await?;
    equal("the media type", media_type, "audio/wav")?;
    // A RIFF file says how long it is.
    let says = audio.get(4..8).and_then(|size| Some(u32::from_le_bytes(size.try_into().ok()?)));
    equal("the bytes of audio", audio.len().saturating_sub(8), says)
}

async fn cut(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    refused("speech that breaks off", speech(&provider, &asked("fault/reset", TEXT)).await).map(drop)
}

async fn no_audio(fixture: &Fixture) -> Verdict {
    let gateway = Canned::start(json!({"error": {"message": "the voice is hoarse"}})).await?;
    let provider = fixture.connect_to(&gateway.base_url).await?;
    let error = refused("JSON in place of audio", speech(&provider, &asked("tts-1", TEXT)).await)?;
    ensure(!error.message.trim().is_empty(), || "the error: expected words, got none".into())
}

async fn transcript(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    let (_, audio) = speech(&provider, &asked("tts-1", TEXT)).await?;
    gateway.clear();
    let transcript = provider.transcribe(&recorded(&audio)).await?;
    equal("the transcript", transcript.text, TEXT)?;
    let request = only_request(&gateway)?;
    equal("the path", request.path.as_str(), "/v1/audio/transcriptions")?;
    let file = request.field("file");
    ensure(file.is_some_and(|file| file.data == audio), || {
        "the file: expected the recording, got something else".into()
    })?;
    let name = file.and_then(|file| file.file_name.clone()).unwrap_or_default();
    ensure(name.ends_with(".wav"), || format!("the file's name: expected one that ends in .wav, got `{name}`"))
}

async fn empty(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    refused_as("an empty text", speech(&provider, &asked("tts-1", "")).await, ErrorKind::InvalidRequest)?;
    refused_as("an empty recording", provider.transcribe(&recorded(b"")).await, ErrorKind::InvalidRequest)?;
    no_request(&gateway)
}
