//! Reads a command's input from files and standard input: the prompt, images, tools, a schema. Wrong input is wrong
//! usage.

use std::{
    io::{IsTerminal, Read},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use host_harness::{
    types::Media,
    wit::chat::{ResponseFormat, Tool},
};
use serde_json::{Value, json};

use super::{exit_code::Usage, output};

/// The largest prompt, schema, and list of tools, in bytes: more than any model takes.
const LARGEST_TEXT: u64 = 16 << 20;
/// The largest image that is sent, in bytes: what OpenAI's API takes of one.
/// Source: <https://platform.openai.com/docs/api-reference/images/createEdit>.
const LARGEST_IMAGE: u64 = 50 << 20;

/// The largest recording that is sent, in bytes: what OpenAI's API takes.
/// Source: <https://platform.openai.com/docs/guides/speech-to-text>.
const LARGEST_RECORDING: u64 = 25 << 20;

/// How long standard input may say nothing before that is told of.
const PATIENCE: Duration = Duration::from_secs(3);

/// What to ask: the words of the command line, and below them the file, or else standard input where that is no terminal.
/// `None` where there is nothing at all to read. A user knows it as `what`, such as `the prompt`.
pub(crate) fn prompt(words: &[String], file: Option<&Path>, what: &str) -> anyhow::Result<Option<String>> {
    let mut parts = Vec::new();
    if !words.is_empty() {
        parts.push(words.join(" "));
    }
    match file {
        Some(path) if path == Path::new("-") => parts.push(standard_input(what, false)?),
        Some(path) => parts.push(text(path, what)?),
        None if !std::io::stdin().is_terminal() => {
            let read = standard_input(what, !words.is_empty())?;
            // With words, an empty one adds nothing: it is what a scheduler gives.
            parts.extend(Some(read).filter(|read| words.is_empty() || !read.trim().is_empty()));
        }
        None => {}
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let prompt = parts.join("\n\n");
    if prompt.trim().is_empty() {
        let why = format!("{what} is empty: give it as an argument, with --file, or on standard input");
        return Err(Usage(why).into());
    }
    Ok(Some(prompt))
}

/// Texts to make vectors of: the words of the command line, each one of them, else the lines of standard input.
pub(crate) fn texts(words: &[String]) -> anyhow::Result<Vec<String>> {
    let texts = if words.is_empty() { lines()? } else { words.to_vec() };
    match texts.iter().position(String::is_empty) {
        None => Ok(texts),
        Some(at) => {
            Err(Usage(format!("text {} is empty: leave it out, since an empty text has no vector", at + 1)).into())
        }
    }
}

/// The lines of standard input, which are texts.
fn lines() -> anyhow::Result<Vec<String>> {
    let nothing = || Usage("there is no text: give texts as arguments, or as lines on standard input".into());
    if std::io::stdin().is_terminal() {
        return Err(nothing().into());
    }
    let texts: Vec<String> = standard_input("texts", false)?.lines().map(str::to_owned).collect();
    if texts.is_empty() { Err(nothing().into()) } else { Ok(texts) }
}

/// A recording from a file, its type by its bytes. Some containers are those of films too.
pub(crate) fn recording(path: &Path) -> anyhow::Result<Media> {
    let is_one = |kind: &str| kind.starts_with("audio/") || kind.starts_with("video/");
    media(path, "the recording", LARGEST_RECORDING, is_one, "a recording")
}

/// An image from a file, its type by its bytes.
pub(crate) fn image(path: &Path) -> anyhow::Result<Media> {
    let data = file(path, "the image", LARGEST_IMAGE)?;
    match host_harness::command_line::image_kind(&data) {
        Some((media_type, _)) => Ok(Media { media_type: media_type.to_owned(), data }),
        None => Err(Usage(format!("`{}` is not an image", path.display())).into()),
    }
}

/// A file for a model to read: an image, a sound, or a document, its type by its bytes.
pub(crate) fn attachment(path: &Path) -> anyhow::Result<Media> {
    let is_one = |kind: &str| kind == "application/pdf" || kind.starts_with("image/") || kind.starts_with("audio/");
    media(path, "the attachment", LARGEST_IMAGE, is_one, "an image, a PDF or a sound")
}

/// What is in a file, where its bytes are of a type that `is_one`; it is refused as no `kinds`.
fn media(path: &Path, what: &str, limit: u64, is_one: impl Fn(&str) -> bool, kinds: &str) -> anyhow::Result<Media> {
    let data = file(path, what, limit)?;
    match infer::get(&data).map(|kind| kind.mime_type()).filter(|kind| is_one(kind)) {
        Some(kind) => Ok(Media { media_type: kind.to_owned(), data }),
        None => Err(Usage(format!("`{}` is not {kinds}", path.display())).into()),
    }
}

/// A text that is not blank: what a shell makes of an unset variable is no choice, and no address.
pub(crate) fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty: leave it out, or say which".to_owned()) } else { Ok(text.to_owned()) }
}

/// A number of tokens, as people write it too: `200k` or `1M`.
pub(crate) fn tokens(text: &str) -> Result<u32, String> {
    let (digits, each) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let count = digits.parse::<u32>().ok().and_then(|count| count.checked_mul(each));
    count.ok_or_else(|| "it is a whole number, such as 200000, 200k or 1M".to_owned())
}

/// A number that is one: none below 0, and not infinity.
pub(crate) fn number(text: &str) -> Result<f32, String> {
    let number: f32 = text.parse().map_err(|_| "it is not a number")?;
    if number.is_finite() && number >= 0.0 { Ok(number) } else { Err("it is a number of 0 or more".to_owned()) }
}

/// Tools as OpenAI's API writes them: `{"type": "function", "function": {...}}`, or the inner object alone.
pub(crate) fn tools(path: &Path) -> anyhow::Result<Vec<Tool>> {
    let wrong = |why: &str| Usage(format!("the tools in `{}` cannot be used: {why}", path.display()));
    let tools: Value =
        serde_json::from_str(&text(path, "the tools")?).map_err(|error| wrong(&format!("it is not JSON ({error})")))?;
    let Value::Array(tools) = tools else {
        return Err(wrong(r#"it is no JSON array, such as [{"type": "function", "function": {"name": ...}}]"#).into());
    };
    let tool = |tool: &Value| {
        let function = tool.get("function").unwrap_or(tool);
        let name = function.get("name").and_then(Value::as_str).ok_or_else(|| wrong("a tool has no name"))?;
        Ok(Tool {
            name: name.to_owned(),
            description: function.get("description").and_then(Value::as_str).map(str::to_owned),
            parameters_schema_json: function.get("parameters").map_or("{}".into(), Value::to_string),
            strict: function.get("strict").and_then(Value::as_bool),
        })
    };
    tools.iter().map(tool).collect()
}

/// The form of the reply: a JSON Schema, or one with its name and strictness as OpenAI's API writes it:
/// `{"name", "schema", "strict"}`. A schema alone is to be kept strictly.
pub(crate) fn schema(path: &Path) -> anyhow::Result<ResponseFormat> {
    let wrong = |why: &str| Usage(format!("the schema in `{}` cannot be used: {why}", path.display()));
    let schema: Value = serde_json::from_str(&text(path, "the schema")?).map_err(|error| wrong(&error.to_string()))?;
    if !schema.is_object() {
        return Err(wrong("it is not a JSON object").into());
    }
    let is_named =
        schema.get("name").is_some_and(Value::is_string) && schema.get("schema").is_some_and(Value::is_object);
    let named = if is_named { schema } else { json!({"name": "reply", "schema": schema, "strict": true}) };
    Ok(ResponseFormat::JsonSchema(named.to_string()))
}

fn text(path: &Path, what: &str) -> anyhow::Result<String> {
    let bytes = file(path, what, LARGEST_TEXT)?;
    let not_text = |_| Usage(format!("cannot read {what} `{}`: it is not text in UTF-8", path.display()));
    Ok(String::from_utf8(bytes).map_err(not_text)?)
}

/// Each file that a user gives a command to send is read here.
fn file(path: &Path, what: &str, most: u64) -> anyhow::Result<Vec<u8>> {
    let wrong = |error| Usage(format!("cannot read {what} `{}`: {error}", path.display()));
    Ok(host_harness::command_line::read_file(path, most).map_err(wrong)?)
}

/// Standard input to its end. Where there is a prompt without it (`is_more`), one that says nothing is left alone: programs
/// leave it open and never write to it.
fn standard_input(what: &str, is_more: bool) -> anyhow::Result<String> {
    let wrong = |why: String| Usage(format!("cannot read {what} from standard input: {why}"));
    let (piece, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().take(LARGEST_TEXT + 1);
        loop {
            let mut buffer = vec![0; 64 << 10];
            let read = input.read(&mut buffer).map(|length| buffer.drain(..length).collect::<Vec<u8>>());
            let is_over = !read.as_ref().is_ok_and(|read| !read.is_empty());
            if piece.send(read).is_err() || is_over {
                return;
            }
        }
    });
    let (mut bytes, mut patience) = (Vec::new(), PATIENCE);
    loop {
        match pieces.recv_timeout(patience) {
            Ok(Ok(piece)) if piece.is_empty() => break,
            Ok(piece) => bytes.extend(piece.map_err(|error| wrong(error.to_string()))?),
            Err(RecvTimeoutError::Timeout) if is_more && bytes.is_empty() => {
                output::note("standard input says nothing, and is left alone; `--file -` waits for it");
                return Ok(String::new());
            }
            Err(RecvTimeoutError::Timeout) => {
                output::note(&format!("reading {what} from standard input, to its end; `< /dev/null` leaves it out"));
                patience = Duration::MAX;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if bytes.len() as u64 > LARGEST_TEXT {
        return Err(wrong(format!("it is larger than {} MiB", LARGEST_TEXT >> 20)).into());
    }
    Ok(String::from_utf8(bytes).map_err(|_| wrong("it is not text in UTF-8".into()))?)
}
