//! Requests as clients send them and providers refused them, through the gateway's stand-in, which refuses what they do:
//! `tests/requests.jsonl`, an input and the models that it is for on each line. Nothing is refused, and where a line says what is
//! to be sent, this is. Nor is anything lost that was said: a provider does not refuse what it never gets. What a line gives up
//! stands in its `lost`, in words, each with the reason.

use std::collections::HashSet;
use std::{fs, slice};

use host_harness::wit::chat::{Ask, AssistantPart, Request};
use serde_json::{Value, json};

use crate::support::{before_hosted, root};

/// Models of each family and route, by kind.
const MODELS: [(&str, &str); 29] = [
    ("claude", "@anthropic/claude-sonnet-4-5"),
    ("claude", "@anthropic/claude-opus-4-8"),
    ("claude", "@anthropic/claude-3-5-haiku-latest"),
    ("claude", "@bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("openrouter", "@openrouter/anthropic/claude-sonnet-4.6"),
    ("openrouter", "@openrouter/openai/gpt-5"),
    ("gpt", "@openai/gpt-4o"),
    ("gpt", "@openai/gpt-5"),
    ("gpt", "@openai/gpt-5.1"),
    ("gpt", "@openai/o3"),
    ("gpt", "@openai/o4-mini"),
    ("codex", "@openai/gpt-5.1-codex"),
    ("gemini", "@google/gemini-2.5-pro"),
    ("gemini", "@google/gemini-3-pro-preview"),
    ("deepseek", "@deepseek/deepseek-v4-pro"),
    ("kimi", "@moonshot/kimi-k2.5"),
    ("strict", "@groq/moonshotai/kimi-k2-instruct"),
    ("strict", "@groq/llama-3.3-70b-versatile"),
    ("strict", "@cerebras/zai-glm-4.7"),
    ("grok", "@xai/grok-4"),
    ("grok", "@xai/grok-3"),
    ("mistral", "@mistral/mistral-large-latest"),
    ("sonar", "@perplexity/sonar-pro"),
    ("nova", "@bedrock/us.amazon.nova-pro-v1:0"),
    ("cohere", "@cohere/command-a-03-2025"),
    ("qwen", "@dashscope/qwen3.6-plus"),
    ("other", "@minimax/MiniMax-M2"),
    ("other", "@zai/glm-4.6"),
    ("other", "@together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
];

/// The models of an input: kinds and ids, or all.
fn models(input: &Value) -> Vec<&str> {
    let Some(named) = input["models"].as_array() else { return MODELS.iter().map(|(_, model)| *model).collect() };
    let of = |named: &'_ Value| {
        let named = named.as_str().unwrap().to_owned();
        let kind: Vec<&str> = MODELS.iter().filter(|(kind, _)| *kind == named).map(|(_, model)| *model).collect();
        kind
    };
    let ids = named.iter().filter_map(Value::as_str).filter(|named| named.starts_with('@'));
    named.iter().flat_map(of).chain(ids).collect()
}

/// The words of a text, so that spaces, marks and the escapes of JSON within JSON make no difference.
fn words(text: &str) -> String {
    let plain = ["\\n", "\\t", "\\r", "\\u0000"].iter().fold(text.to_owned(), |text, escape| text.replace(escape, " "));
    let words = plain.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Members that are no words to a model: what a part is and whose, files, and what the provider does with it.
const NO_TEXTS: [&str; 17] = [
    "type", "id", "tool_use_id", "toolCallId", "toolName", "tool_call_ids", "cache_control", "data", "file_data",
    "blob", "detail", "index", "format", "media_type", "mime_type", "mimeType", "mediaType",
];

/// Parts of what a model thought: they go back in other members, or stay away.
const THOUGHT: [&str; 4] = ["thinking", "redacted_thinking", "reasoning", "think"];

/// The words of each text and number in a value.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) if THOUGHT.iter().any(|kind| members.get("type").is_some_and(|it| it == kind)) => {}
        Value::Object(members) => {
            let read = members.iter().filter(|(name, _)| !NO_TEXTS.contains(&name.as_str()));
            read.for_each(|(_, member)| leaves(member, found));
        }
        Value::String(text) if text.starts_with("data:") => {}
        Value::String(text) => found.push(words(text)),
        scalar => found.push(words(&scalar.to_string())),
    }
}

/// What is said in a body: all texts, and the names and arguments of calls. Those of one content may become one.
fn said(body: &Value) -> Vec<Vec<String>> {
    let mut contents = vec![&body["system"]];
    for message in body["messages"].as_array().into_iter().flatten() {
        contents.push(&message["content"]);
        let calls = match &message["tool_calls"] {
            Value::Array(calls) => calls.as_slice(),
            alone => slice::from_ref(alone),
        };
        let parts = message["content"].as_array().into_iter().flatten();
        contents.extend(parts.filter(|part| part["type"] == "tool-call").map(|part| &part["toolName"]));
        let functions = calls.iter().flat_map(|call| [call, &call["function"], &call["custom"]]);
        for function in functions.chain([&message["function_call"]]) {
            contents.extend(["name", "arguments", "input", "args"].map(|name| &function[name]));
        }
    }
    let texts = |content| {
        let mut texts = Vec::new();
        leaves(content, &mut texts);
        texts
    };
    contents.into_iter().map(texts).collect()
}

/// What was said in a body, and is not in what was sent.
fn lost(body: &Value, sent: &Value) -> Vec<String> {
    let mut found = Vec::new();
    ["messages", "input", "instructions"].iter().for_each(|name| leaves(&sent[name], &mut found));
    let mut found = format!(" {} ", found.join(" | "));
    // Each counts once, so that one of two that are alike is missed.
    let mut take = |text: &str| {
        let text = format!(" {text} ");
        let at = found.find(&text);
        at.into_iter().for_each(|at| found.replace_range(at..at + text.len(), " | "));
        at.is_some() || text.trim().is_empty()
    };
    let mut said = said(body);
    // The longest first: a short one may be a part of it.
    said.sort_by_key(|texts| usize::MAX - texts.iter().map(String::len).sum::<usize>());
    let mut lost = Vec::new();
    for texts in said {
        if !take(&texts.concat()) {
            lost.extend(texts.into_iter().filter(|text| !take(text)));
        }
    }
    lost
}

#[tokio::test]
async fn what_clients_send_is_refused_by_nobody() {
    let (stub, provider) = before_hosted().await;
    let inputs = fs::read_to_string(root().join("tests/requests.jsonl")).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (number, line) in (1..).zip(inputs.lines()) {
        let input: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {number}: {error}"));
        let models = models(&input);
        assert!(!models.is_empty(), "line {number}");
        let mut given_up = HashSet::new();
        for model in models {
            tried += 1;
            let mut body = input["body"].clone();
            body["model"] = model.into();
            if let Err(error) = provider.complete(&Request::openai(&body)).await {
                wrong.push(format!("line {number}, {model}: {error} ({})", input["from"]));
                continue;
            }
            let sent = stub.take().pop().unwrap().json();
            for text in lost(&body, &sent) {
                if !input["lost"][&text].is_string() {
                    wrong.push(format!("line {number}, {model}: {text:?} is lost"));
                }
                given_up.insert(text);
            }
            for (place, expected) in input["sent"].as_object().into_iter().flatten() {
                let found = sent.pointer(place).unwrap_or(&Value::Null);
                if found != expected {
                    wrong.push(format!("line {number}, {model}: {place} is {found}, and not {expected}"));
                }
            }
        }
        let kept = input["lost"].as_object().into_iter().flatten().filter(|(text, _)| !given_up.contains(*text));
        wrong.extend(kept.map(|(text, _)| format!("line {number}: {text:?} is lost for nobody")));
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried >= 200, "{tried}");
}

/// Claude's thinking is bound to what it was told beforehand, of which hosts change the last part with each turn.
#[tokio::test]
async fn what_was_thought_ends_no_session_whose_instructions_change() {
    let (_stub, provider) = before_hosted().await;
    for model in ["@anthropic/claude-opus-5-5", "@bedrock/us.anthropic.claude-sonnet-5-5-v1:0"] {
        let mut messages = vec![json!(null)];
        for day in ["Monday", "Tuesday", "Wednesday"] {
            let told = ["Be brief.", day].map(|text| json!({"type": "text", "text": text}));
            messages[0] = json!({"role": "system", "content": told});
            messages.push(json!({"role": "user", "content": "Reply with exactly yes."}));
            let asked = json!({"model": model, "reasoning_effort": "high", "messages": messages});
            let response = provider.complete(&Request::openai(asked)).await.unwrap();
            let AssistantPart::Thinking(thought) = &response.content[0] else { panic!("{response:?}") };
            let block = json!({"type": "thinking", "thinking": thought.text, "signature": thought.signature});
            messages.push(json!({"role": "assistant", "content": response.text(), "content_blocks": [block, {"type": "text", "text": response.text()}]}));
        }
    }
}

/// Names of tools that a provider refuses, as MCP's may be: it gets others, and the host its own again.
#[tokio::test]
async fn a_tool_is_called_by_the_name_that_the_host_gave_it() {
    let (_stub, provider) = before_hosted().await;
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}});
    let ask = |model: &str, names: &[&str]| {
        let tools: Vec<Value> = names.iter().map(|name| tool(name)).collect();
        let said = "calendar_read and Create_Share and plain, own_21st_build, google_search and own_google_search";
        Request::openai(json!({"model": model, "tools": tools, "messages": [{"role": "user", "content": said}]}))
    };
    let names = ["calendar.read", "Create Share", "plain", "21st_build", "google_search"];
    for model in [
        "@openai/gpt-5",
        "@openai/gpt-5.1-codex",
        "@anthropic/claude-sonnet-4-5",
        "@bedrock/us.amazon.nova-pro-v1:0",
        "@google/gemini-2.5-pro",
        "@moonshot/kimi-k2.5",
    ] {
        let request = ask(model, &names);
        let whole = provider.complete(&request).await.unwrap();
        let streamed = provider.stream(&request).await.unwrap().join().await.unwrap();
        for response in [whole, streamed] {
            let called: Vec<&str> = response.tool_calls().map(|call| &*call.name).collect();
            assert_eq!(called, names, "{model}");
        }
    }
    // Two that would go by one name.
    let mut request = ask("@openai/gpt-5", &["a.b", "a/b"]);
    let Ask::OpenaiJson(body) = &mut request.ask else { unreachable!() };
    *body = body.replace("calendar_read and", "a_b and a_b_1, and not");
    let called = provider.complete(&request).await.unwrap();
    assert_eq!(called.tool_calls().map(|call| &*call.name).collect::<Vec<_>>(), ["a.b", "a/b"]);
}
