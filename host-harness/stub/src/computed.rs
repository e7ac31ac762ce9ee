//! What a reply says and calls, computed from the request: a test can tell from it what really arrived.

use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::chat::Call;
use super::images;
use super::respond::Refusal;
use super::strict::family::{Family, Maker};

/// The message to answer: OpenClaw may add one of its own behind it, which says nothing.
pub(crate) fn spoken<'m>(before: &'m [Value], last: &'m Value) -> &'m Value {
    let is_added = |message: &&Value| {
        let text = text_of(&message["content"]);
        !text.is_empty() && told(&text).trim().is_empty()
    };
    iter::once(last).chain(before.iter().rev()).find(|message| !is_added(message)).unwrap_or(last)
}

/// What to say in words.
pub(crate) fn answer(request: &Value, model: &str, last: &Value, messages: usize, images: &[String]) -> String {
    let said = told(&text_of(&last["content"]));
    let format = &request["response_format"];
    match format["type"].as_str() {
        Some("json_schema") => {
            return example(&format["json_schema"]["schema"], "value", 0).to_string();
        }
        Some("json_object") => {
            return json!({"model": model, "you_said": said, "messages": messages}).to_string();
        }
        _ => {}
    }
    if last["role"] == "tool" {
        return format!("The tool said: {said}");
    }
    if let Some((_, exact)) = said.split_once("Reply with exactly ") {
        return exact.trim().into();
    }
    let seen = match images {
        [] => String::new(),
        [one] => format!(", with an image: {one}"),
        many => format!(", with {} images: {}", many.len(), many.join("; ")),
    };
    let count = if messages == 1 { String::new() } else { format!(" That was message {messages} of our talk.") };
    format!("Hello, this is {model}. You said: \"{said}\"{seen}.{count}")
}

/// Which of the tools with these `names` are called, where the user has said this and so many results came since: at first
/// all that are mentioned; or, where they are wanted "one after the other", one for each result, in the order of the text.
pub(crate) fn steps(names: &[&str], said: &str, results: usize) -> Vec<usize> {
    let mut mentioned: Vec<(usize, usize)> =
        (names.iter().enumerate()).filter_map(|(at, name)| Some((mention(said, name)?, at))).collect();
    if said.contains("one after the other") {
        mentioned.sort_unstable();
        mentioned = mentioned.into_iter().skip(results).take(1).collect();
    } else if results > 0 {
        mentioned.clear();
    }
    mentioned.into_iter().map(|(_, at)| at).collect()
}

/// Where a tool is named, as a word of its own: `ls` is not in "tells".
fn mention(said: &str, name: &str) -> Option<usize> {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    said.match_indices(name).map(|(at, _)| at).find(|&at| {
        let (before, after) = (said.get(..at), said.get(at + name.len()..));
        !name.is_empty()
            && !is_part(before.and_then(|before| before.chars().next_back()))
            && !is_part(after.and_then(|after| after.chars().next()))
    })
}

/// What the user says: what OpenClaw adds for the model alone (`<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>`, OpenClaw 2026.9.6), such
/// as which tools run, is left out.
pub(crate) fn told(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>") else { return text.to_owned() };
    let after = rest.split_once("<<<END_OPENCLAW_INTERNAL_CONTEXT>>>").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// A call of each tool that the last message mentions by name, if it is a user's (see [`steps`]); or of the tool that the
/// request demands.
pub(crate) fn calls(request: &Value, last: &Value, said: &str) -> Vec<Call> {
    let functions = list(&request["tools"]).map(|tool| &tool["function"]);
    let choice = &request["tool_choice"];
    let demanded = choice["function"]["name"].as_str();
    let all: Vec<&Value> = functions.clone().collect();
    let mut chosen: Vec<&Value> = functions
        .clone()
        .filter(|function| {
            let name = function["name"].as_str().unwrap_or_default();
            demanded.map_or_else(|| mention(said, name).is_some(), |demanded| demanded == name)
        })
        .collect();
    if demanded.is_none() && said.contains("one after the other") {
        chosen = next_step(request, &all);
    }
    match choice.as_str() {
        Some("none") => chosen.clear(),
        Some("required") if chosen.is_empty() => chosen.extend(functions.take(1)),
        Some("required") => {}
        _ if demanded.is_none() && last["role"] != "user" => chosen = next_step(request, &all),
        _ => {}
    }
    if request["parallel_tool_calls"] == false {
        chosen.truncate(1);
    }
    let turn = request["messages"].as_array().map_or(0, Vec::len);
    let call = |(index, function): (usize, &Value)| Call {
        id: format!("call_{turn}_{index}"),
        name: function["name"].as_str().unwrap_or_default().into(),
        arguments: example(&function["parameters"], "value", 0).to_string(),
        signature: None,
    };
    chosen.into_iter().enumerate().map(call).collect()
}

/// What is called next of tools that the user wants one after the other.
fn next_step<'t>(request: &Value, tools: &[&'t Value]) -> Vec<&'t Value> {
    let messages: Vec<&Value> = list(&request["messages"]).collect();
    let Some(at) = messages.iter().rposition(|message| message["role"] == "user") else { return Vec::new() };
    let said = messages.get(at).map(|message| text_of(&message["content"])).unwrap_or_default();
    let results = messages.iter().skip(at).filter(|message| message["role"] == "tool").count();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default()).collect();
    steps(&names, &said, results).into_iter().filter_map(|at| tools.get(at).copied()).collect()
}

/// A value that fits `schema`; a string is the name of its property. `$ref` is not followed.
pub(crate) fn example(schema: &Value, name: &str, depth: u8) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    let first = |key: &str| schema[key].as_array().and_then(|list| list.first());
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")).or_else(|| first("enum")) {
        return value.clone();
    }
    if let Some(option) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
        return example(option, name, depth + 1);
    }
    match schema["type"].as_str().or_else(|| first("type")?.as_str()) {
        Some("string") => name.into(),
        Some("integer") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("number") => schema["minimum"].as_f64().unwrap_or(1.5).into(),
        Some("boolean") => true.into(),
        Some("array") => vec![example(&schema["items"], name, depth + 1)].into(),
        Some("null") => Value::Null,
        _ => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let fields = properties.map(|(name, schema)| (name.clone(), example(schema, name, depth + 1)));
            fields.collect::<Map<_, _>>().into()
        }
    }
}

/// The items of a list; none of anything else.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

/// The text of a message's content: a string, or parts.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => list(parts).filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
    }
}

/// Each image of the last message, in words: its URL, or the type, size and number of bytes of an inline one.
pub(crate) fn images_in(request: &Value) -> Result<Vec<String>, Refusal> {
    let last = request["messages"].as_array().and_then(|all| all.last());
    let parts = last.and_then(|message| message["content"].as_array()).into_iter().flatten();
    // The gateway makes a document of it there.
    let model = request["model"].as_str().unwrap_or_default();
    let is_own = |family: &Family| matches!(family.maker, Maker::Anthropic | Maker::Google);
    let reads_documents = Family::of(model).is_some_and(is_own) || super::strict::bedrock::is_nova(model);
    parts
        .filter_map(|part| part["image_url"]["url"].as_str())
        .map(|url| match url.strip_prefix("data:") {
            None => Ok(url.to_owned()),
            Some(data) if reads_documents && data.starts_with("application/pdf;") => Ok("a PDF".to_owned()),
            // What it is was checked for its provider.
            Some(data) if reads_documents && (!data.starts_with("image/") || data.starts_with("image/hei")) => {
                Ok("a file".to_owned())
            }
            Some(data) => data
                .split_once(";base64,")
                .and_then(|(_, data)| BASE64.decode(data).ok())
                .and_then(|bytes| images::describe(&bytes))
                .ok_or_else(|| Refusal::invalid("You uploaded an unsupported image.", "messages")),
        })
        .collect()
}

/// Pieces that join to `text`, a word each with the space before it.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| !c.is_whitespace())?;
        let end = rest.get(start..)?.find(char::is_whitespace).map_or(rest.len(), |at| start + at);
        let (token, more) = rest.split_at(end);
        rest = more;
        Some(token)
    })
}

pub(crate) fn words(text: &str) -> u64 {
    tokens(text).count() as u64
}
