//! OpenAI's Responses API over the chats of [`super::chat`]: a request becomes one of a chat, and the reply that is
//! computed from it the items and events of this API.

use serde_json::{Value, json};

use super::computed::{list, text_of, told};
use super::strict::Signature;

/// The chat that a request stands for.
pub(crate) fn chat(body: &Value) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    if let Some(text) = body["instructions"].as_str() {
        messages.push(json!({"role": "system", "content": text}));
    }
    if let Some(text) = body["input"].as_str() {
        messages.push(json!({"role": "user", "content": text}));
    }
    for item in list(&body["input"]) {
        match item["type"].as_str().unwrap_or("message") {
            "message" => {
                let said = content(&item["content"]);
                // What OpenClaw alone says, in a message of its own, is no question.
                let shows_more = said.as_array().is_some_and(|parts| parts.iter().any(|part| part["type"] != "text"));
                if shows_more || !told(&text_of(&said)).trim().is_empty() {
                    messages.push(json!({"role": item["role"], "content": said}));
                }
            }
            "function_call" => {
                let function = json!({"name": item["name"], "arguments": item["arguments"]});
                let call = json!({"id": item["call_id"], "type": "function", "function": function});
                match messages.last_mut().filter(|last| last["role"] == "assistant") {
                    Some(last) if last["tool_calls"].is_array() => {
                        last["tool_calls"].as_array_mut().into_iter().for_each(|calls| calls.push(call.clone()));
                    }
                    Some(last) => last["tool_calls"] = json!([call]),
                    None => messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]})),
                }
            }
            "function_call_output" => messages
                .push(json!({"role": "tool", "tool_call_id": item["call_id"], "content": content(&item["output"])})),
            _ => {}
        }
    }
    let mut chat = json!({"model": body["model"], "messages": messages});
    let tools = list(&body["tools"]).filter(|tool| tool["type"] == "function");
    let tools: Vec<Value> = tools.map(|tool| json!({"type": "function", "function": tool})).collect();
    if !tools.is_empty() {
        chat["tools"] = tools.into();
    }
    let choice = &body["tool_choice"];
    let choice = if choice.is_object() { json!({"function": {"name": choice["name"]}}) } else { choice.clone() };
    let format = &body["text"]["format"];
    for (name, value) in [
        ("tool_choice", &choice),
        ("parallel_tool_calls", &body["parallel_tool_calls"]),
        ("max_completion_tokens", &body["max_output_tokens"]),
        ("reasoning_effort", &body["reasoning"]["effort"]),
        ("response_format", &json!({"type": format["type"], "json_schema": format})),
    ] {
        if !value.is_null() {
            chat[name] = value.clone();
        }
    }
    chat
}

/// The same in a chat's words.
fn content(content: &Value) -> Value {
    let Some(parts) = content.as_array() else { return content.clone() };
    let part = |part: &Value| match part["type"].as_str() {
        Some("input_image") => json!({"type": "image_url", "image_url": {"url": part["image_url"]}}),
        Some("input_file") => json!({"type": "file"}),
        _ => json!({"type": "text", "text": part["text"]}),
    };
    parts.iter().map(part).collect()
}

/// The answer that a whole chat completion stands for.
pub(crate) fn answer(completion: &Value, body: &Value) -> Value {
    let (choice, usage) = (&completion["choices"][0], &completion["usage"]);
    let message = &choice["message"];
    let number = completion["id"].as_str().unwrap_or_default().trim_start_matches("chatcmpl-").to_owned();
    let mut output = Vec::new();
    if let Some(thought) = message["reasoning_content"].as_str() {
        // Shown where that was asked for, and sealed too.
        let summary = if body["reasoning"]["summary"].is_string() { thought } else { "" };
        let parts: Vec<Value> = Some(summary)
            .filter(|text| !text.is_empty())
            .into_iter()
            .map(|text| json!({"type": "summary_text", "text": text}))
            .collect();
        let id = format!("rs_{number}");
        let mut item = json!({"id": id, "type": "reasoning", "summary": parts});
        if body["include"].as_array().is_some_and(|all| all.iter().any(|what| what == "reasoning.encrypted_content")) {
            item["encrypted_content"] = Signature::of(&format!("{id}{summary}")).into();
        }
        output.push(item);
    }
    if let Some(text) = message["content"].as_str().filter(|text| !text.is_empty()) {
        let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        output.push(json!({"id": format!("msg_{number}"), "type": "message", "role": "assistant", "status": "completed", "content": [part]}));
    }
    for (at, call) in list(&message["tool_calls"]).enumerate() {
        let function = &call["function"];
        output.push(json!({"id": format!("fc_{number}_{at}"), "type": "function_call", "status": "completed",
            "call_id": call["id"], "name": function["name"], "arguments": function["arguments"]}));
    }
    let is_cut = choice["finish_reason"] == "length";
    json!({
        "id": format!("resp_{number}"),
        "object": "response",
        "created_at": completion["created"],
        "status": if is_cut { "incomplete" } else { "completed" },
        "error": null,
        "incomplete_details": is_cut.then(|| json!({"reason": "max_output_tokens"})),
        "model": completion["model"],
        "output": output,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": usage["prompt_tokens_details"]["cached_tokens"]},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": usage["completion_tokens_details"]["reasoning_tokens"]},
            "total_tokens": usage["total_tokens"],
        },
    })
}

/// The events in which OpenAI streams an answer.
pub(crate) fn events(answer: &Value) -> Vec<Value> {
    let mut begun = answer.clone();
    for (name, value) in [("status", json!("in_progress")), ("output", json!([])), ("usage", Value::Null)] {
        begun[name] = value;
    }
    begun["incomplete_details"] = Value::Null;
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    for (at, item) in list(&answer["output"]).enumerate() {
        let mut added = item.clone();
        for (name, value) in
            [("summary", json!([])), ("content", json!([])), ("arguments", json!("")), ("status", json!("in_progress"))]
        {
            if added.get(name).is_some() {
                added[name] = value;
            }
        }
        events.push(json!({"type": "response.output_item.added", "output_index": at, "item": added}));
        let id = &item["id"];
        let mut pieces = |kind: &str, text: &str, place: &str| {
            let (delta, done) = (format!("response.{kind}.delta"), format!("response.{kind}.done"));
            let mut event = json!({"item_id": id, "output_index": at});
            if !place.is_empty() {
                event[place] = 0.into();
            }
            let letters: Vec<char> = text.chars().collect();
            for piece in letters.chunks(8) {
                event["type"] = delta.as_str().into();
                event["delta"] = piece.iter().collect::<String>().into();
                events.push(event.clone());
            }
            event.as_object_mut().into_iter().for_each(|event| drop(event.remove("delta")));
            event["type"] = done.into();
            event[if kind == "function_call_arguments" { "arguments" } else { "text" }] = text.into();
            events.push(event);
        };
        match item["type"].as_str() {
            Some("reasoning") => {
                let text = item["summary"][0]["text"].as_str().unwrap_or_default();
                pieces("reasoning_summary_text", text, "summary_index");
            }
            Some("message") => {
                pieces("output_text", item["content"][0]["text"].as_str().unwrap_or_default(), "content_index");
            }
            _ => pieces("function_call_arguments", item["arguments"].as_str().unwrap_or_default(), ""),
        }
        events.push(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
    }
    let status = answer["status"].as_str().unwrap_or_default();
    events.push(json!({"type": format!("response.{status}"), "response": answer}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}
