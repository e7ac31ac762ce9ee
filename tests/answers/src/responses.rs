//! Answers of OpenAI's Responses API.

use serde_json::{Value, json};

use super::{ARGUMENTS, Answer, Choices, Framing, Made, NAMES, TEXTS, WORDS, document, frame, framing, pieces};

/// A good answer of the Responses API, in the ways in which OpenAI and gateways write one.
pub fn good_response(choices: &mut Choices<'_>, is_streamed: bool) -> Made {
    let (right, response) = response(choices);
    let framing = dress(choices);
    let (kind, body) = if is_streamed {
        ("a response, streamed", frame(&events(choices, &response), &framing, true))
    } else {
        ("a response, whole", document(choices, response))
    };
    let cuts = choices.cuts(&body);
    Made { kind, body, cuts, is_broken: false, right: Ok(right), is_plain: false }
}

/// The same with one thing broken.
pub fn broken_response(choices: &mut Choices<'_>, is_streamed: bool) -> Made {
    let (_, mut response) = response(choices);
    let framing = dress(choices);
    let mut made = Made::broken();
    let said = json!({"code": "server_error", "message": WORDS});
    let failure = choices.below(3);
    if !is_streamed {
        match failure {
            0 => {
                (response["status"], response["error"]) = ("failed".into(), said);
                (made.kind, made.right) = ("a failed response", Err(WORDS));
                made.body = document(choices, response);
            }
            1 => {
                response["status"] = choices.one(&["in_progress", "queued", "cancelled", "failed"]).into();
                made.kind = "a response without end";
                made.body = document(choices, response);
            }
            _ => {
                made.body = document(choices, response);
                made.cut_document(choices, "a response cut");
            }
        }
        return made;
    }
    let mut events = events(choices, &response);
    match failure {
        0 => {
            let ends = [
                json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "error": said}}),
                json!({"type": "error", "code": "server_error", "message": WORDS, "param": null}),
                json!({"type": "error", "error": said}),
                json!({"error": said}),
            ];
            let at = choices.below(events.len());
            events.truncate(at);
            events.push(ends[choices.below(ends.len())].clone());
            made.body = frame(&events, &framing, true);
            (made.kind, made.right) = ("a failed response", Err(WORDS));
        }
        1 => {
            // Whatever ends the stream.
            events.truncate(choices.below(events.len()));
            made.body = frame(&events, &framing, true);
            made.kind = "a response without end";
        }
        _ => {
            let last = events.len() - 1;
            let before = frame(&events[..last], &framing, false).len();
            made.body = frame(&events, &framing, true);
            made.body.truncate(choices.below(before + 1));
            (made.kind, made.is_broken) = ("a response cut", choices.yes());
        }
    }
    made.cuts = choices.cuts(&made.body);
    made
}

fn dress(choices: &mut Choices<'_>) -> Framing {
    let mut dress = framing(choices);
    // An event that is like another in none but its text is written on a line of its own.
    dress.is_bare = false;
    dress
}

fn response(choices: &mut Choices<'_>) -> (Answer, Value) {
    let mut answer = Answer { finish: "stop".into(), ..Answer::default() };
    let mut output = Vec::new();
    if choices.yes() {
        answer.thinking = choices.one(&TEXTS).to_owned();
        let mut item =
            json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": answer.thinking}]});
        if choices.yes() {
            item["encrypted_content"] = "gAAA".into();
            answer.field = Some(format!("reasoning_item:{item}"));
        }
        output.push(item);
    }
    let kind = choices.below(4);
    if kind != 1 {
        answer.text = choices.one(&TEXTS).repeat(1 + choices.below(3));
        let part = json!({"type": "output_text", "text": answer.text, "annotations": []});
        output.push(json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [part]}));
    }
    if kind == 2 {
        answer.refusal = choices.one(&TEXTS).to_owned();
        let part = json!({"type": "refusal", "refusal": answer.refusal});
        output.push(json!({"id": "msg_2", "type": "message", "role": "assistant", "content": [part]}));
    }
    if kind == 1 || kind == 3 {
        answer.finish = "tool_calls".into();
        for number in 0..1 + choices.below(3) {
            let (id, name, arguments) = (format!("call-{number}"), choices.one(&NAMES), choices.one(&ARGUMENTS));
            output.push(json!({"id": format!("fc_{number}"), "type": "function_call", "call_id": id, "name": name, "arguments": arguments}));
            answer.calls.push((Some(id), name.to_owned(), arguments.to_owned()));
        }
    }
    let mut response = json!({"id": "r", "object": "response", "created_at": 1, "status": "completed", "error": null,
        "incomplete_details": null, "model": "m", "output": output, "metadata": {}});
    if answer.calls.is_empty() && choices.below(3) == 1 {
        let (reason, finish) = choices.one(&[("max_output_tokens", "length"), ("content_filter", "content_filter")]);
        answer.finish = finish.to_owned();
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({"reason": reason});
    }
    if choices.yes() {
        let cached = choices.below(9) as u64;
        answer.usage = Some((2000, 7, Some(cached)));
        response["usage"] = json!({"input_tokens": 2000, "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 2007});
    }
    (answer, response)
}

/// The events of a stream. Some gateways leave out pieces, or ends of items, or all but the last event.
fn events(choices: &mut Choices<'_>, response: &Value) -> Vec<Value> {
    let style = choices.below(5);
    let status = response["status"].as_str().unwrap_or_default();
    let end = json!({"type": format!("response.{status}"), "response": response});
    if style == 4 {
        return vec![end];
    }
    let begun = json!({"id": "r", "object": "response", "status": "in_progress", "model": "m", "output": []});
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    for (at, item) in response["output"].as_array().into_iter().flatten().enumerate() {
        let mut added = item.clone();
        for (name, value) in [("content", json!([])), ("summary", json!([])), ("arguments", json!(""))] {
            if added.get(name).is_some() {
                added[name] = value;
            }
        }
        events.push(json!({"type": "response.output_item.added", "output_index": at, "item": added}));
        let (kind, text) = match item["type"].as_str() {
            Some("reasoning") => ("reasoning_summary_text", &item["summary"][0]["text"]),
            Some("function_call") => ("function_call_arguments", &item["arguments"]),
            _ if item["content"][0]["type"] == "refusal" => ("refusal", &item["content"][0]["refusal"]),
            _ => ("output_text", &item["content"][0]["text"]),
        };
        if style != 3 {
            for piece in pieces(choices, text.as_str().unwrap_or_default()) {
                events.push(json!({"type": format!("response.{kind}.delta"), "output_index": at, "delta": piece}));
            }
        }
        events.push(json!({"type": format!("response.{kind}.done"), "output_index": at, "text": text}));
        // What is encrypted comes with the end of an item alone.
        if style != 2 || item["type"] == "reasoning" {
            events.push(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
        }
    }
    events.push(end);
    if choices.yes() {
        for (number, event) in events.iter_mut().enumerate() {
            event["sequence_number"] = number.into();
        }
    }
    events
}
