//! Chat completions: a reply that is computed from the request alone, so that a test can tell from the reply what
//! really arrived. It owns the text of replies and the shapes of OpenAI's API; `wire` writes streams.

use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::cache::Accounted;
use super::images;
use super::respond::{Refusal, bare};
use super::strict::Signature;
use super::strict::family::{Family, Maker};
use super::wire::{Reasoning, UsageAt, Wire};

const CREATED: u64 = 1_700_000_000;

/// One reply, before it is written whole or in chunks.
#[derive(Debug)]
pub(crate) struct Reply {
    id: String,
    model: String,
    reasoning: String,
    text: String,
    calls: Vec<Call>,
    finish: &'static str,
    usage: Value,
    shows: Reasoning,
    /// What its thinking is bound to.
    pub(crate) prefix: String,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl Reply {
    /// Answers `request`; with `text`, where it is given, in the place of what would be said.
    pub(crate) fn to(request: &Value, number: u64, text: Option<String>, wire: &Wire) -> Result<Self, Refusal> {
        let Some(model) = request["model"].as_str().filter(|model| !model.is_empty()) else {
            return Err(Refusal::invalid("you must provide a model parameter", "model"));
        };
        let Some((last, before)) = request["messages"].as_array().and_then(|all| all.split_last()) else {
            return Err(Refusal::invalid("messages must be an array of at least one message", "messages"));
        };
        let images = images_in(request)?;
        let said = told(&text_of(&last["content"]));

        let mut calls = if text.is_some() { Vec::new() } else { calls(request, last, &said) };
        let shows = wire.reasoning;
        if matches!(shows, Reasoning::Blocks { .. }) {
            calls.iter_mut().for_each(|call| call.signature = Some(Signature::of(&call.name)));
        }
        let mut text = match text {
            Some(text) => text,
            None if !calls.is_empty() => String::new(),
            None => answer(request, bare(model), spoken(before, last), before.len() + 1, &images),
        };
        let mut finish = if calls.is_empty() { "stop" } else { "tool_calls" };
        let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| request[*name].as_u64());
        if let Some(limit) = limit.filter(|limit| words(&text) > *limit) {
            text = tokens(&text).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
            finish = "length";
        }
        let reasoning = match (shows, request["reasoning_effort"].as_str()) {
            (Reasoning::Hidden, _) | (Reasoning::AsAsked, None) | (_, Some("none")) => String::new(),
            (_, None) => format!("I read: {said}"),
            (_, Some(effort)) => format!("With {effort} effort I read: {said}"),
        };
        // What is signed is what is streamed, word by word.
        let reasoning = reasoning.trim_end().to_owned();

        let cached = before.iter().map(|message| words(&text_of(&message["content"]))).sum::<u64>();
        let prompt = cached + words(&said) + 85 * images.len() as u64;
        let thought = words(&reasoning);
        let output = words(&text) + thought + 5 * calls.len() as u64;
        let (read, written) = if wire.anthropic_usage { (1000, 200) } else { (0, 0) };
        let mut usage = json!({
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + read + written + output,
            "prompt_tokens_details": {"cached_tokens": if wire.anthropic_usage { read } else { cached }},
            "completion_tokens_details": {"reasoning_tokens": thought},
        });
        if wire.anthropic_usage {
            usage["cache_read_input_tokens"] = read.into();
            usage["cache_creation_input_tokens"] = written.into();
        }

        let id = format!("chatcmpl-{number}");
        Ok(Self { id, model: bare(model).into(), reasoning, text, calls, finish, usage, shows, prefix: String::new() })
    }

    /// Claude's account of the prompt, as the gateway passes it on.
    pub(crate) fn account(&mut self, accounted: &Accounted) {
        let written = accounted.written + accounted.written_long;
        let output = self.usage["completion_tokens"].as_u64().unwrap_or_default();
        self.usage["prompt_tokens"] = accounted.total().into();
        self.usage["total_tokens"] = (accounted.total() + output).into();
        self.usage["prompt_tokens_details"] = json!({"cached_tokens": accounted.read});
        if accounted.read + written > 0 {
            self.usage["cache_read_input_tokens"] = accounted.read.into();
            self.usage["cache_creation_input_tokens"] = written.into();
        }
    }

    /// The reply as one `chat.completion`.
    pub(crate) fn whole(&self) -> Value {
        let mut message = json!({"role": "assistant", "content": self.text, "refusal": null});
        match self.shows {
            Reasoning::Blocks { signed } => {
                let mut thinking = json!({"type": "thinking", "thinking": self.reasoning});
                if signed {
                    thinking["signature"] = Signature::of(&format!("{}{}", self.prefix, self.reasoning)).into();
                }
                let mut blocks = vec![thinking];
                if !self.text.is_empty() {
                    blocks.push(json!({"type": "text", "text": self.text}));
                }
                message["content_blocks"] = blocks.into();
            }
            _ if self.reasoning.is_empty() => {}
            Reasoning::Details => {
                message["reasoning"] = self.reasoning.clone().into();
                message["reasoning_details"] = details(&self.reasoning);
            }
            _ => message["reasoning_content"] = self.reasoning.clone().into(),
        }
        if !self.calls.is_empty() {
            message["content"] = Value::Null;
            message["tool_calls"] = self.calls.iter().map(|call| call.json(&call.arguments)).collect();
        }
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish}],
            "usage": self.usage,
        })
    }

    /// The reply as `chat.completion.chunk`s.
    pub(crate) fn chunks(&self, include_usage: bool, wire: &Wire) -> Vec<Value> {
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        if let Reasoning::Blocks { signed } = self.shows {
            let block = |index: u8, kind: &str, text: &str| json!([{"index": index, "delta": {(kind): text}}]);
            let thinking = tokens(&self.reasoning).map(|word| json!({"content_blocks": block(0, "thinking", word)}));
            let text =
                tokens(&self.text).map(|word| json!({"content": word, "content_blocks": block(1, "text", word)}));
            deltas.extend(thinking);
            if signed {
                deltas.push(json!({"content_blocks": block(0, "signature", &Signature::of(&format!("{}{}", self.prefix, self.reasoning)))}));
            }
            deltas.extend(text);
        } else {
            let reasoning = |word| match self.shows {
                Reasoning::Details => json!({"reasoning": word, "reasoning_details": details(word)}),
                _ => json!({"reasoning_content": word}),
            };
            deltas.extend(tokens(&self.reasoning).map(reasoning));
            deltas.extend(tokens(&self.text).map(|word| json!({"content": word})));
        }
        deltas.extend(self.call_deltas(wire.call_index).into_iter().map(|call| json!({"tool_calls": [call]})));

        let mut chunks: Vec<Value> = deltas.into_iter().map(|delta| self.chunk(json!([choice(delta, None)]))).collect();
        if wire.finish {
            chunks.push(self.chunk(json!([choice(json!({}), Some(self.finish))])));
        }
        if include_usage && wire.usage == UsageAt::LastChoice {
            if let Some(last) = chunks.last_mut() {
                last["usage"] = self.usage.clone();
            }
        } else if include_usage {
            let mut usage = self.chunk(json!([]));
            usage["usage"] = self.usage.clone();
            let times = if wire.usage == UsageAt::OwnChunkTwice { 2 } else { 1 };
            chunks.extend(std::iter::repeat_n(usage, times));
        }
        chunks
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({"id": self.id, "object": "chat.completion.chunk", "created": CREATED, "model": self.model, "choices": choices})
    }

    /// Fragments of all calls in turns, as models write parallel calls; or each call in one piece, without index.
    fn call_deltas(&self, index: bool) -> Vec<Value> {
        if !index {
            return self.calls.iter().map(|call| call.json(&call.arguments)).collect();
        }
        let mut deltas = Vec::new();
        let mut rests = Vec::new();
        for (index, call) in self.calls.iter().enumerate() {
            let mut first = call.json("");
            first["index"] = index.into();
            deltas.push(first);
            rests.push((index, call.arguments.as_str()));
        }
        while !rests.is_empty() {
            for (index, rest) in &mut rests {
                let end = rest.char_indices().nth(8).map_or(rest.len(), |(at, _)| at);
                let (fragment, more) = rest.split_at(end);
                *rest = more;
                deltas.push(json!({"index": index, "function": {"arguments": fragment}}));
            }
            rests.retain(|(_, rest)| !rest.is_empty());
        }
        deltas
    }
}

impl Call {
    fn json(&self, arguments: &str) -> Value {
        let mut function = json!({"name": self.name, "arguments": arguments});
        if let Some(signature) = &self.signature {
            function["thought_signature"] = signature.as_str().into();
        }
        json!({"id": self.id, "type": "function", "function": function})
    }
}

/// Reasoning as OpenRouter shows it. Source: openrouter.ai/docs, "Reasoning tokens".
fn details(text: &str) -> Value {
    json!([{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}])
}

fn choice(delta: Value, finish: Option<&str>) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish})
}

/// The message to answer: OpenClaw may add one of its own behind it, which says nothing.
fn spoken<'m>(before: &'m [Value], last: &'m Value) -> &'m Value {
    let is_added = |message: &&Value| {
        let text = text_of(&message["content"]);
        !text.is_empty() && told(&text).trim().is_empty()
    };
    iter::once(last).chain(before.iter().rev()).find(|message| !is_added(message)).unwrap_or(last)
}

/// What to say in words.
fn answer(request: &Value, model: &str, last: &Value, messages: usize, images: &[String]) -> String {
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
pub(super) fn steps(names: &[&str], said: &str, results: usize) -> Vec<usize> {
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
pub(super) fn told(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>") else { return text.to_owned() };
    let after = rest.split_once("<<<END_OPENCLAW_INTERNAL_CONTEXT>>>").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// A call of each tool that the last message mentions by name, if it is a user's (see [`steps`]); or of the tool that the
/// request demands.
fn calls(request: &Value, last: &Value, said: &str) -> Vec<Call> {
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
pub(super) fn example(schema: &Value, name: &str, depth: u8) -> Value {
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
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

/// The text of a message's content: a string, or parts.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => list(parts).filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
    }
}

/// Each image of the last message, in words: its URL, or the type, size and number of bytes of an inline one.
fn images_in(request: &Value) -> Result<Vec<String>, Refusal> {
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
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| !c.is_whitespace())?;
        let end = rest.get(start..)?.find(char::is_whitespace).map_or(rest.len(), |at| start + at);
        let (token, more) = rest.split_at(end);
        rest = more;
        Some(token)
    })
}

fn words(text: &str) -> u64 {
    tokens(text).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(request: Value) -> Reply {
        Reply::to(&request, 1, None, &Wire::PLAIN).ok().unwrap()
    }

    fn ask(text: &str) -> Value {
        json!({"model": "@openai/m", "messages": [{"role": "user", "content": text}]})
    }

    #[test]
    fn a_tool_is_called_by_its_whole_name_and_by_the_user_alone() {
        let calls = |said: &str| {
            let mut request = ask(said);
            request["tools"] = ["ls", "exec"].iter().map(|name| json!({"function": {"name": name}})).collect();
            reply(request).calls.into_iter().map(|call| call.name).collect::<Vec<_>>()
        };
        assert_eq!(calls("Use ls, then exec."), ["ls", "exec"]);
        assert_eq!(calls("It tells of executives"), [""; 0]);
        let added = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nActive exec sessions\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>";
        assert_eq!(calls(&format!("Hello\n{added}")), [""; 0]);
        // As a message of its own, behind the user's.
        let mut request = ask("Hello");
        request["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": added}));
        assert!(reply(request).text.starts_with("Hello, this is m. You said: \"Hello\"."));
        // It calls no tool, whatever was named before it: OpenClaw names its own folder and what runs.
        let mut request = ask("Use ls in /home/user/.openclaw/workspace");
        request["tools"] = ["ls", "openclaw", "exec"].iter().map(|name| json!({"function": {"name": name}})).collect();
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "tool", "tool_call_id": "a", "content": "a.txt"}));
        messages.push(json!({"role": "user", "content": added}));
        let answer = reply(request);
        assert!(answer.calls.is_empty() && answer.text.contains("The tool said: a.txt"), "{}", answer.text);
    }

    #[test]
    fn says_what_arrived() {
        assert_eq!(reply(ask("Reply with exactly OK.")).text, "OK.");
        let mut request = ask("");
        let png = images::png(3, 2, [1, 2, 3], [4, 5, 6]).unwrap();
        let inline = format!("data:image/png;base64,{}", BASE64.encode(&png));
        request["messages"][0]["content"] = json!([
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": inline}},
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        ]);
        let text = reply(request).text;
        assert_eq!(
            text,
            format!(
                "Hello, this is m. You said: \"Look\", with 2 images: image/png 3x2 ({} bytes); https://x.test/a.png.",
                png.len()
            )
        );
    }

    #[test]
    fn tool_calls_stream_interleaved_and_join() {
        let mut request = ask("Use get_weather and get_time.");
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}}});
        request["tools"] = ["get_weather", "get_time", "other"]
            .map(|name| json!({"type": "function", "function": {"name": name, "parameters": schema}}))
            .to_vec()
            .into();
        let whole = reply(request.clone());
        assert_eq!(whole.finish, "tool_calls");
        assert_eq!(whole.calls.len(), 2);
        assert_eq!(whole.calls[0].arguments, r#"{"city":"city","days":1,"unit":"C"}"#);
        let mut joined = [String::new(), String::new()];
        for chunk in whole.chunks(false, &Wire::PLAIN) {
            let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
            if let Some(index) = call["index"].as_u64() {
                joined[index as usize] += call["function"]["arguments"].as_str().unwrap();
            }
        }
        assert_eq!(joined, [whole.calls[0].arguments.clone(), whole.calls[1].arguments.clone()]);

        request["parallel_tool_calls"] = false.into();
        assert_eq!(reply(request.clone()).calls.len(), 1);
        request["tool_choice"] = json!({"type": "function", "function": {"name": "other"}});
        assert_eq!(reply(request.clone()).calls[0].name, "other");
        request["tool_choice"] = "none".into();
        assert!(reply(request).calls.is_empty());
    }

    #[test]
    fn usage_reasoning_and_limits() {
        let mut request = ask("one two three");
        request["reasoning_effort"] = "high".into();
        request["max_tokens"] = 4.into();
        let reply = reply(request);
        assert_eq!((reply.text.as_str(), reply.finish), ("Hello, this is m.", "length"));
        assert_eq!(reply.usage["prompt_tokens"], 3);
        assert_eq!(reply.usage["completion_tokens_details"]["reasoning_tokens"], 8);
        let last = reply.chunks(true, &Wire::PLAIN).pop().unwrap();
        assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &reply.usage));
    }

    #[test]
    fn content_blocks_are_signed_and_repeat_the_text() {
        let wire = Wire { reasoning: Reasoning::Blocks { signed: true }, ..Wire::PLAIN };
        let reply = Reply::to(&ask("Reply with exactly one two."), 1, None, &wire).ok().unwrap();
        let (mut content, mut text, mut signature) = (String::new(), String::new(), String::new());
        for chunk in reply.chunks(false, &wire) {
            let delta = &chunk["choices"][0]["delta"];
            content += delta["content"].as_str().unwrap_or_default();
            text += delta["content_blocks"][0]["delta"]["text"].as_str().unwrap_or_default();
            signature += delta["content_blocks"][0]["delta"]["signature"].as_str().unwrap_or_default();
        }
        let expected = Signature::of(&reply.reasoning);
        assert_eq!((content.as_str(), text.as_str(), &signature), ("one two.", "one two.", &expected));
        assert_eq!(reply.whole()["choices"][0]["message"]["content_blocks"][0]["signature"], expected);
    }

    #[test]
    fn structured_output_fits_the_schema() {
        let mut request = ask("a person");
        request["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "p", "schema":
            {"type": "object", "properties": {"name": {"type": ["string", "null"]}, "tags": {"type": "array", "items": {"type": "string"}}}}}});
        assert_eq!(reply(request).text, r#"{"name":"name","tags":["tags"]}"#);
    }
}
