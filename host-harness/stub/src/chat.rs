//! Chat completions: a reply in the shapes of OpenAI's API, whole and in chunks. `computed` says what is in it, and `wire`
//! writes streams.

use serde_json::{Value, json};

use super::cache::Accounted;
use super::computed::{answer, calls, images_in, spoken, text_of, tokens, told, words};
use super::respond::{Refusal, bare};
use super::strict::Signature;
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
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
    pub(crate) signature: Option<String>,
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::super::images;
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
