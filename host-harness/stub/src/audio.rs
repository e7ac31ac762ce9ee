//! Speech and transcripts. The speech is silence, real files of MP3 and WAV, that carry the text along in a place for
//! comments; so what was spoken here can be transcribed here. It owns the shapes of OpenAI's audio API, and what it refuses.
//! Of the formats that OpenAI speaks it makes `mp3`, `wav` and `pcm`.

use serde_json::{Value, json};

use super::respond::{Refusal, bare};
use super::strict::Refused;
use super::{Field, Recorded};

/// Longest text that is spoken, in characters. Source: OpenAI's API reference, "Create speech".
const MAX_TEXT: usize = 4096;
/// Largest recording that is transcribed, in bytes. Source: OpenAI's "Speech to text" guide.
const MAX_RECORDING: usize = 25 << 20;

/// Before the text in a file of speech.
const MARK: &[u8] = b"stand-in speech: ";

/// Source: OpenAI's "Text to speech" guide: the first nine are those of `tts-1` too.
const VOICES: [&str; 13] =
    ["alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "ballad", "verse", "marin", "cedar"];
const FORMATS: [&str; 6] = ["mp3", "opus", "aac", "flac", "wav", "pcm"];

/// A media type, and the file in pieces.
pub(crate) type Spoken = (&'static str, Vec<Vec<u8>>);

/// POST audio/speech.
pub(crate) fn speak(request: &Recorded) -> Result<Spoken, Refusal> {
    let body = request.json();
    let model = bare(body["model"].as_str().unwrap_or_default());
    // A model that does not speak: openai/openai-go#85.
    if !model.contains("tts") && !model.starts_with("fault/") {
        return Err(Refusal::invalid("Invalid URL (POST /v1/audio/speech)", "").status(404));
    }
    let voices = if model.starts_with("tts-1") { &VOICES[..9] } else { &VOICES };
    let text = body["input"].as_str().unwrap_or_default();
    match text.chars().count() {
        0 => return Err(unfit("input", "string_too_short", "String should have at least 1 character", &body["input"])),
        length if length > MAX_TEXT => {
            let says = format!("String should have at most {MAX_TEXT} characters");
            return Err(unfit("input", "string_too_long", &says, &json!("...")));
        }
        _ => {}
    }
    let one_of = |names: &[&str]| match names {
        [all @ .., last] => format!("Input should be '{}' or '{last}'", all.join("', '")),
        [] => String::new(),
    };
    if !body["voice"].as_str().is_some_and(|voice| voices.contains(&voice)) {
        return Err(unfit("voice", "enum", &one_of(voices), &body["voice"]));
    }
    let format = if body["response_format"].is_null() { "mp3" } else { body["response_format"].as_str().unwrap_or("") };
    match format {
        "mp3" => Ok(("audio/mpeg", mp3(text))),
        "wav" => Ok(("audio/wav", wav(text))),
        "pcm" => Ok(("audio/pcm", vec![vec![0; samples(text) * 2]])),
        _ if FORMATS.contains(&format) => {
            let message = format!("The stand-in makes no {format}: ask it for mp3, wav or pcm.");
            Err(Refusal::invalid(&message, "response_format"))
        }
        _ => Err(unfit("response_format", "enum", &one_of(&FORMATS), &body["response_format"])),
    }
}

/// In the words of OpenAI's own checks: openai/openai-node#1284.
fn unfit(field: &str, kind: &str, says: &str, input: &Value) -> Refusal {
    let message = format!("[{{'type': '{kind}', 'loc': ('body', '{field}'), 'msg': \"{says}\", 'input': {input}}}]");
    Refusal::invalid(&message, "")
}

/// A sixteenth of a second for each letter, at 24,000 samples a second.
fn samples(text: &str) -> usize {
    text.chars().count() * 1500
}

/// ID3, and frames of silence: MPEG 1, layer III, 128 kbit/s, 44.1 kHz.
fn mp3(text: &str) -> Vec<Vec<u8>> {
    let comment = [&b"\0eng\0"[..], MARK, text.as_bytes()].concat();
    // Sizes of the tag have seven bits in a byte.
    let spread = |size: usize| [21, 14, 7, 0].map(|bits| (size >> bits & 0x7f) as u8);
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend(spread(comment.len() + 10));
    tag.extend(b"COMM");
    tag.extend(spread(comment.len()));
    tag.extend([0, 0]);
    tag.extend(comment);
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x64]);
    let frames = std::iter::repeat_n(frame, samples(text) / 1152 + 1);
    std::iter::once(tag).chain(frames).collect()
}

/// A comment, and samples of silence, 16 bits each.
fn wav(text: &str) -> Vec<Vec<u8>> {
    let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut comment = [MARK, text.as_bytes(), b"\0"].concat();
    comment.resize(comment.len().next_multiple_of(2), 0);
    let silence = vec![0; samples(text) * 2];
    let mut head = b"RIFF".to_vec();
    head.extend(word(4 + 24 + 20 + comment.len() + 8 + silence.len()));
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(word(24_000));
    head.extend(word(48_000));
    head.extend([2, 0, 16, 0]);
    head.extend(b"LIST");
    head.extend(word(12 + comment.len()));
    head.extend(b"INFOICMT");
    head.extend(word(comment.len()));
    head.extend(comment);
    head.extend(b"data");
    head.extend(word(silence.len()));
    std::iter::once(head).chain(silence.chunks(4096).map(<[u8]>::to_vec)).collect()
}

/// What a transcription answers with.
#[derive(Debug)]
pub(crate) enum Written {
    Json(Value),
    Text(String),
}

/// POST audio/transcriptions: multipart alone, as at OpenAI.
pub(crate) fn transcribe(request: &Recorded) -> Result<Written, Refusal> {
    let text = |name: &str| request.field(name).map(Field::text);
    let model = text("model").unwrap_or_default();
    // The hosted gateway routes by the slug and leaves it in the form, where the provider does not know it.
    if model.starts_with('@') || model.is_empty() {
        return Err(Refusal::not_found(&format!("The model '{model}' does not exist.")));
    }
    if !model.contains("whisper") && !model.contains("transcribe") {
        return Err(Refusal::invalid("Invalid URL (POST /v1/audio/transcriptions)", "").status(404));
    }
    let Some(file) = request.field("file") else {
        return Err(Refusal::invalid("Missing required parameter: 'file'.", "file"));
    };
    let size = request.body.len();
    if size > MAX_RECORDING {
        // chidiwilliams/buzz#381.
        let message = format!("Maximum content size limit ({MAX_RECORDING}) exceeded ({size} bytes read)");
        let body = json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}});
        return Err(Refusal { status: 413, body });
    }
    let name = file.file_name.as_deref().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    const ENDINGS: [&str; 10] = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"];
    if !ENDINGS.contains(&ending) {
        let known = ENDINGS.map(|ending| format!("'{ending}'")).join(", ");
        return Err(Refusal::invalid(&format!("Invalid file format. Supported formats: [{known}]"), "file"));
    }
    let said = spoken(&file.data).unwrap_or_else(|| format!("A recording of {} bytes.", file.data.len()));
    let format = text("response_format").unwrap_or_else(|| "json".into());
    let is_whisper = model.contains("whisper");
    let usage = if is_whisper {
        json!({"type": "duration", "seconds": 1})
    } else {
        let words = said.split_whitespace().count();
        json!({"type": "tokens", "input_tokens": 10, "output_tokens": words, "total_tokens": 10 + words})
    };
    match format.as_str() {
        "json" => Ok(Written::Json(json!({"text": said, "usage": usage}))),
        "text" => Ok(Written::Text(said + "\n")),
        "srt" | "vtt" if is_whisper => Ok(Written::Text(format!("1\n00:00:00,000 --> 00:00:01,000\n{said}\n"))),
        "verbose_json" if is_whisper => {
            let language = text("language").unwrap_or_else(|| "english".into());
            Ok(Written::Json(
                json!({"text": said, "language": language, "duration": 1.0, "segments": [], "usage": usage}),
            ))
        }
        // vercel/ai#8214.
        _ => {
            let message = format!(
                "response_format '{format}' is not compatible with model '{model}'. Use 'json' or 'text' instead."
            );
            Err(Refused::new(message, "response_format", "unsupported_value").into())
        }
    }
}

/// The text that speech of the stand-in's carries along.
fn spoken(data: &[u8]) -> Option<String> {
    let at = data.windows(MARK.len()).position(|window| window == MARK)?;
    let text = data.get(at + MARK.len()..)?;
    let end = text.iter().position(|byte| matches!(byte, 0 | 0xff)).unwrap_or(text.len());
    Some(String::from_utf8_lossy(text.get(..end)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(body: Value) -> Result<Spoken, Refusal> {
        speak(&Recorded { body: body.to_string().into(), ..Recorded::default() })
    }

    fn field(name: &str, file_name: Option<&str>, data: &[u8]) -> Field {
        Field {
            name: name.into(),
            file_name: file_name.map(Into::into),
            content_type: None,
            data: data.to_vec().into(),
        }
    }

    fn hear(model: &str, format: Option<&str>, name: &str, data: &[u8]) -> Result<Written, Refusal> {
        let mut fields = vec![field("model", None, model.as_bytes()), field("file", Some(name), data)];
        fields.extend(format.map(|format| field("response_format", None, format.as_bytes())));
        transcribe(&Recorded { fields, body: data.to_vec().into(), ..Recorded::default() })
    }

    #[test]
    fn what_is_spoken_can_be_transcribed() {
        for (format, starts, kind) in [("mp3", &b"ID3"[..], "audio/mpeg"), ("wav", b"RIFF", "audio/wav")] {
            let body =
                json!({"model": "@openai/tts-1", "input": "Zoë sails.", "voice": "alloy", "response_format": format});
            let (media_type, pieces) = say(body).unwrap();
            let file = pieces.concat();
            assert!(pieces.len() > 2 && file.starts_with(starts) && media_type == kind);
            assert_eq!(infer::get(&file).unwrap().matcher_type(), infer::MatcherType::Audio);
            let Written::Json(answer) = hear("whisper-1", None, &format!("a.{format}"), &file).unwrap() else {
                panic!()
            };
            assert_eq!(answer["text"], "Zoë sails.");
        }
        let Written::Text(text) = hear("gpt-4o-transcribe", Some("text"), "a.ogg", b"OggS").unwrap() else { panic!() };
        assert_eq!(text, "A recording of 4 bytes.\n");
    }

    #[test]
    fn what_openai_refuses_to_speak() {
        let with = |name: &str, value: Value| {
            let mut body = json!({"model": "gpt-4o-mini-tts", "input": "a", "voice": "alloy"});
            body[name] = value;
            body
        };
        for (body, status, says) in [
            (with("input", "".into()), 400, "at least 1 character"),
            (with("input", "a".repeat(4097).into()), 400, "at most 4096 characters"),
            (with("voice", "bob".into()), 400, "'marin' or 'cedar'"),
            (with("voice", Value::Null), 400, "Input should be"),
            (with("response_format", "midi".into()), 400, "'wav' or 'pcm'"),
            (with("response_format", "opus".into()), 400, "stand-in makes no opus"),
            (with("model", "gpt-5-mini".into()), 404, "Invalid URL (POST /v1/audio/speech)"),
        ] {
            let refusal = say(body.clone()).unwrap_err();
            assert_eq!(refusal.status, status, "{body}");
            assert!(refusal.body.to_string().contains(says), "{}", refusal.body);
        }
        assert!(say(with("voice", "cedar".into())).is_ok());
        assert!(say(json!({"model": "tts-1", "input": "a", "voice": "cedar"})).is_err(), "a voice of the newer model");
    }

    #[test]
    fn what_openai_refuses_to_transcribe() {
        for (model, format, name, data, status, says) in [
            ("@openai/whisper-1", None, "a.mp3", &b"x"[..], 404, "does not exist"),
            ("gpt-5", None, "a.mp3", b"x", 404, "Invalid URL"),
            ("whisper-1", None, "a.bin", b"x", 400, "Invalid file format"),
            ("whisper-1", None, "a.mp3", &vec![0; MAX_RECORDING + 1], 413, "Maximum content size limit (26214400)"),
            ("gpt-4o-transcribe", Some("verbose_json"), "a.mp3", b"x", 400, "Use 'json' or 'text' instead."),
        ] {
            let refusal = hear(model, format, name, data).unwrap_err();
            assert_eq!(refusal.status, status, "{model} {name}");
            assert!(refusal.body.to_string().contains(says), "{}", refusal.body);
        }
        assert!(hear("whisper-1", Some("verbose_json"), "a.mp3", b"x").is_ok());
    }
}
