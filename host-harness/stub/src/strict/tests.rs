//! Each rule: what is refused, what it says, and a neighbour that is not.

use serde_json::{Value, json};

use super::{REDACTED, Signature, anthropic, bedrock, compatible, gemini, openai, responses};

/// A request that Claude Sonnet 4.5 takes, with these members in the place of its own.
fn claude(members: Value) -> Value {
    let mut body =
        json!({"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [{"role": "user", "content": "hi"}]});
    merge(&mut body, members);
    body
}

/// `null` takes a member away.
fn merge(body: &mut Value, members: Value) {
    let Value::Object(members) = members else { panic!("no object") };
    for (name, value) in members {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(&name).map(drop).unwrap_or_default()
        } else {
            body[name] = value
        }
    }
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn mark(long: bool) -> Value {
    if long { json!({"type": "ephemeral", "ttl": "1h"}) } else { json!({"type": "ephemeral"}) }
}

fn text(text: &str, long: Option<bool>) -> Value {
    let mut block = json!({"type": "text", "text": text});
    if let Some(long) = long {
        block["cache_control"] = mark(long);
    }
    block
}

/// A turn of the model's that is to go on.
fn prefilled(content: Value, members: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": content}]});
    merge(&mut body, members);
    claude(body)
}

/// A tool loop that waits for the model, with this before the call.
fn waiting(before: Value, members: Value) -> Value {
    let mut blocks: Vec<Value> = before.as_array().unwrap().clone();
    blocks.push(json!({"type": "tool_use", "id": "1", "name": "f", "input": {}}));
    let result = json!({"type": "tool_result", "tool_use_id": "1", "content": "r"});
    let mut body = json!({"messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [result]},
    ]});
    merge(&mut body, members);
    claude(body)
}

fn thinking(text: &str, signature: &str) -> Value {
    json!([{"type": "thinking", "thinking": text, "signature": signature}])
}

#[test]
fn what_anthropic_refuses() {
    let budget = |tokens: u32| json!({"type": "enabled", "budget_tokens": tokens});
    let on = json!({"thinking": budget(2000)});
    let long_after_short = json!([text("a", Some(false)), text("b", Some(true))]);
    let result = |content: Value| json!([{"type": "tool_result", "tool_use_id": "1", "content": content}]);
    let formed =
        |schema: Value| claude(json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}));
    let of = |kind: &str, media_type: &str, data: &str| {
        let source = json!({"type": "base64", "media_type": media_type, "data": data});
        claude(user(json!([{"type": kind, "source": source}])))
    };
    let shown = |kind: &str, media_type: &str| of(kind, media_type, "AA==");
    let image = |media_type: &str, data: &str| of("image", media_type, data);
    let search = |bounds: Value| {
        let mut tool = json!({"type": "web_search_20250305", "name": "web_search"});
        merge(&mut tool, bounds);
        claude(json!({"tools": [tool]}))
    };
    let cases = [
        (shown("image", "image/jpg"), "media_type: Input should be 'image/jpeg'"),
        (shown("document", "text/csv"), "media_type: Input should be 'application/pdf'"),
        (claude(json!({"max_tokens": null})), "max_tokens: Field required"),
        (claude(json!({"max_tokens": 64_001})), "64001 > 64000, which is the maximum"),
        (claude(json!({"tools": [{"name": "f"}]})), "tools.0.custom.input_schema: Field required"),
        (
            claude(json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}, {"name": "f"}]})),
            "must be unique",
        ),
        (claude(json!({"tools": [{"name": "a.b"}]})), "tools.0.custom.name: String should match pattern"),
        (claude(json!({"tools": [{"name": "custom", "type": "f"}]})), "tools.0: Input tag \"f\" found using 'type'"),
        (
            claude(json!({"tools": [{"name": "f", "input_schema": {"type": "object", "oneOf": []}}]})),
            "does not support oneOf, allOf, or anyOf at the top level",
        ),
        (
            claude(json!({"model": "claude-unknown", "tool_choice": {"type": "tool"}})),
            "tool_choice.tool.name: Field required",
        ),
        (claude(json!({"stop_sequences": "x"})), "stop_sequences: Input should be a valid list"),
        (claude(json!({"stop_sequences": ["\n"]})), "each stop sequence must contain non-whitespace"),
        (claude(json!({"temperature": 1.2})), "temperature: range: 0..1"),
        (claude(json!({"metadata": {"user_id": "a@b.example"}})), "user_id appears to contain an email address"),
        (search(json!({"domains": []})), "tools.0.domains: Extra inputs are not permitted"),
        (search(json!({"allowed_domains": ["a.example"], "blocked_domains": ["b.example"]})), "Only one of"),
        (search(json!({"max_uses": 0})), "tools.0.max_uses: Input should be greater than 0"),
        (search(json!({"user_location": {"city": "Rome"}})), "user_location.type: Input should be 'approximate'"),
        (image("image/png", "/9j/4AAQ"), "Image does not match the provided media type image/png"),
        (
            claude(json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}]})),
            "final assistant content cannot end with trailing whitespace",
        ),
        (claude(user(json!(""))), "messages.0: all messages must have non-empty content"),
        (claude(user(json!([text("", None)]))), "text content blocks must be non-empty"),
        (claude(user(json!([text(" \n", None)]))), "must contain non-whitespace text"),
        (claude(user(json!([text("", Some(false))]))), "cache_control cannot be set for empty text blocks"),
        (claude(json!({"system": [text("", None)]})), "system: text content blocks must be non-empty"),
        (claude(json!({"messages": [{"role": "user", "content": "a", "name": "b"}]})), "messages.0.name: Extra inputs"),
        (claude(user(json!(["a", "b", "c", "d", "e"].map(|word| text(word, Some(false)))))), "Found 5"),
        (claude(user(long_after_short)), "a ttl='1h' cache_control block must not come after"),
        (claude(user(result(json!("r")))), "unexpected `tool_use_id` found in `tool_result` blocks: 1"),
        (
            waiting(
                json!([]),
                json!({"messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
                {"role": "user", "content": "go on"}]}),
            ),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: 1",
        ),
        (
            waiting(
                json!([]),
                json!({"messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
                {"role": "user", "content": result(json!([text("r", Some(false))]))}]}),
            ),
            "may not be specified within `tool_result.content`",
        ),
        (claude(json!({"thinking": {"type": "adaptive"}})), "adaptive thinking is not supported on this model"),
        (claude(json!({"thinking": budget(1023)})), "greater than or equal to 1024"),
        (claude(json!({"thinking": budget(4096)})), "`max_tokens` must be greater than `thinking.budget_tokens`"),
        (claude(json!({"thinking": budget(2000), "temperature": 0.5})), "`temperature` may only be set to 1"),
        (claude(json!({"thinking": budget(2000), "top_p": 0.5})), "`top_p` must be greater than or equal to 0.95"),
        (claude(json!({"thinking": budget(2000), "tool_choice": {"type": "any"}})), "Thinking may not be enabled when"),
        (claude(json!({"temperature": 0.5, "top_p": 0.5})), "cannot both be specified"),
        (claude(json!({"output_config": {"effort": "low"}})), "does not support the effort parameter"),
        (formed(json!({"type": "object"})), "output_config.format.schema: For 'object' type, 'additionalProperties'"),
        (formed(json!({"type": "array", "items": {"type": "integer", "minimum": 1}})), "property 'minimum' is not"),
        (formed(json!({"type": "array", "minItems": 2})), "'minItems' values other than 0 or 1"),
        (formed(json!({"type": ["object", "null"]})), "output_config.format.schema: For 'object' type"),
        (formed(json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}})), "Circular reference"),
        (formed(json!({"definitions": {"a": {"items": {"$ref": "#/definitions/a"}}}})), "Circular reference"),
        (
            claude(json!({"model": "claude-opus-4-1", "output_config": {"format": {"schema": {"type": "string"}}}})),
            "does not support output format",
        ),
        (
            claude(json!({"tools": [{"name": "f", "strict": true, "input_schema": {"type": "object"}}]})),
            "tools.0.custom: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            claude(json!({"model": "claude-opus-4-6", "output_config": {"effort": "xhigh"}})),
            "Input should be 'low', 'medium'",
        ),
        (
            claude(json!({"model": "claude-opus-5", "thinking": budget(2000)})),
            "\"thinking.type.enabled\" is not supported",
        ),
        (claude(json!({"model": "claude-opus-5", "temperature": 0.5})), "`temperature` is deprecated"),
        (
            claude(json!({"model": "claude-fable-5-1", "thinking": {"type": "disabled"}})),
            "\"thinking.type.disabled\" is not supported",
        ),
        (
            claude(json!({"model": "claude-sonnet-5-5", "thinking": {"type": "disabled"}})),
            "send \"thinking\": {\"type\": \"between_tools\"}",
        ),
        (
            claude(
                json!({"model": "claude-opus-5", "thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
            ),
            "is not supported with this effort",
        ),
        (
            waiting(
                thinking("a", &Signature::of("yesterdaya")),
                json!({"model": "claude-opus-5-5", "system": [text("today", None)]}),
            ),
            "The block is bound to a different conversation",
        ),
        (
            claude(
                json!({"model": "claude-opus-5-5", "thinking": {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}}),
            ),
            "thinking.adaptive.block_binding: Extra inputs are not permitted",
        ),
        (
            claude(json!({"model": "claude-opus-5-5", "tool_choice": {"type": "any"}})),
            "type \"tool\" and \"any\" are not",
        ),
        (
            claude(
                json!({"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            ),
            "does not support assistant message prefill",
        ),
        (
            claude(
                json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "f:0", "name": "f", "input": {}}]}]}),
            ),
            "tool_use.id: String should match pattern",
        ),
        (
            claude(user(json!([{"type": "tool_use", "id": "1", "name": "a.b", "input": {}}]))),
            "tool_use.name: String should match pattern",
        ),
        (waiting(json!([]), on.clone()), "Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
        (prefilled(thinking("a", &Signature::of("a")), on.clone()), "cannot be `thinking`."),
        (prefilled(json!("a"), on.clone()), "Expected `thinking` or `redacted_thinking`, but found `text`"),
        (waiting(thinking("a", "c2lnbmVk"), on.clone()), "Invalid `signature` in `thinking` block"),
        (waiting(thinking("a", &Signature::of("b")), on.clone()), "cannot be modified"),
        (waiting(json!([{"type": "thinking", "thinking": "a"}]), on.clone()), "thinking.signature: Field required"),
    ];
    for (body, message) in cases {
        let refused = anthropic::check(&body).expect_err(message);
        assert!(refused.contains(message), "{refused}, and not {message}");
    }
    for body in [
        claude(json!({})),
        waiting(
            thinking("a", &Signature::of("yesterdaya")),
            json!({"model": "claude-opus-5-5", "system": [text("today", None)], "anthropic_beta": "thinking-binding-controls-2026-08-01", "thinking": {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}}),
        ),
        formed(
            json!({"type": "object", "additionalProperties": false, "properties": {"minimum": {"type": "integer"}}}),
        ),
        formed(json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {}}})),
        claude(
            json!({"model": "claude-opus-5", "thinking": {"type": "disabled"}, "tool_choice": {"type": "tool", "name": "f"}}),
        ),
        claude(json!({"model": "claude-sonnet-5-5", "thinking": {"type": "between_tools"}})),
        waiting(
            thinking("a", &Signature::of("todaya")),
            json!({"model": "claude-opus-5-5", "system": [text("today", None)]}),
        ),
        claude(json!({"tools": [{"type": "web_search_20260101", "name": "web_search"}]})),
        search(json!({"max_uses": 2, "allowed_domains": ["a.example"], "user_location": {"type": "approximate"}})),
        claude(json!({"metadata": {"user_id": "5f2c"}})),
        image("image/jpeg", "/9j/4AAQ"),
        claude(json!({"tools": [{"name": "f", "strict": false, "input_schema": {"type": "object"}}]})),
        claude(
            json!({"model": "claude-opus-4-6", "thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ),
        claude(json!({"thinking": budget(4095), "temperature": 1.0})),
        claude(user(json!([text("a", Some(true)), text("b", Some(false))]))),
        claude(json!({"model": "claude-9", "thinking": {"type": "adaptive"}})),
        waiting(thinking("a", &Signature::of("a")), on.clone()),
        waiting(json!([{"type": "redacted_thinking", "data": REDACTED}]), on.clone()),
        waiting(json!([]), json!({})),
    ] {
        assert_eq!(anthropic::check(&body), Ok(()), "{body}");
    }
}

#[test]
fn what_bedrock_refuses() {
    let request = |content: Value, tools: bool| {
        let mut body =
            json!({"messages": [{"role": "user", "content": content}], "inferenceConfig": {"maxTokens": 100}});
        if tools {
            body["toolConfig"] =
                json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]});
        }
        body
    };
    let point = json!({"cachePoint": {"type": "default"}});
    let result = |content: Value| json!([{"toolResult": {"toolUseId": "1", "content": content}}]);
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    for (body, message) in [
        (request(json!([]), false), "The content field in the Message object at messages.0 is empty"),
        (
            request(json!([{"text": ""}]), false),
            "The text field in the ContentBlock object at messages.0.content.0 is blank",
        ),
        (request(json!([point, {"text": "a"}]), false), "There is nothing available to cache."),
        (request(result(json!([{"text": "a"}, point])), true), "extraneous key [cachePoint] is not permitted"),
        (request(result(json!([{"text": "a"}])), false), "The toolConfig field must be defined"),
        (request(result(json!([{"text": "a"}])), true), "errors: messages.0.content.0: unexpected `tool_use_id`"),
        (json!({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}), "must start with a user message"),
        (
            request(json!([{"document": {"format": "pdf", "source": {"bytes": "AA=="}}}]), false),
            "A text block must be included when using documents.",
        ),
        (
            request(json!([{"text": "a"}, {"toolUse": {"toolUseId": "1", "name": "a.b", "input": {}}}]), true),
            "Value \"a.b\" at 'messages.1.member.content.2.member.toolUse.name' failed to satisfy constraint",
        ),
        (
            request(json!([{"text": "a"}, {"document": {"format": "gif", "source": {"bytes": "AA=="}}}]), false),
            "Value 'gif' at 'messages.1.member.content.2.member.document.format' failed to satisfy constraint",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"text": "a"}]}],
                "additionalModelRequestFields": {"output_config": {"format": {}}}}),
            "output_config.format: Extra inputs are not permitted",
        ),
    ] {
        let refused = bedrock::check(model, &body).expect_err(message);
        assert!(refused.contains(message), "{refused}, and not {message}");
    }
    let named =
        json!({"messages": [], "toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {}}}}]}});
    assert!(bedrock::check(model, &named).unwrap_err().contains("toolSpec.name"));
    let body = request(json!([{"text": "a"}, point]), true);
    assert_eq!(bedrock::check(model, &body), Ok(()));
    assert_eq!(bedrock::as_messages(model, &body)["messages"][0]["content"], json!([text("a", Some(false))]));
}

#[test]
fn what_gemini_refuses() {
    let call = |signature: Option<&str>| {
        let mut part = json!({"functionCall": {"name": "f", "args": {}}});
        if let Some(signature) = signature {
            part["thoughtSignature"] = signature.into();
        }
        json!({"role": "model", "parts": [part]})
    };
    let asks = json!({"role": "user", "parts": [{"text": "hi"}]});
    let gives = json!({"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]});
    let contents = |turns: &[&Value]| json!({"contents": turns});
    let declares = |properties: Value| {
        let parameters = json!({"type": "object", "properties": properties});
        json!({"contents": [asks], "tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]})
    };
    let formed = |schema: Value, tools: bool| {
        let config = json!({"responseMimeType": "application/json", "responseSchema": schema});
        let mut body = json!({"contents": [asks], "generationConfig": config});
        if tools {
            body["tools"] = json!([{"functionDeclarations": [{"name": "f"}]}]);
        }
        body
    };
    let shows = |kind: &str| {
        let parts = json!([{"text": "hi"}, {"inlineData": {"mimeType": kind, "data": "AA=="}}]);
        json!({"contents": [{"role": "user", "parts": parts}]})
    };
    let (good, bad, none) = (call(Some(&Signature::of("f"))), call(Some("x")), call(None));
    let level = json!({"contents": [asks], "generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}});
    for (model, body, message) in [
        ("gemini-2.5-pro", level.clone(), "Thinking level is not supported for this model."),
        ("gemini-2.5-pro", json!({"generationConfig": {"stopSequences": "x"}}), "generation_config.stop_sequences"),
        ("gemini-2.5-pro", declares(json!({})), "should be non-empty for OBJECT type"),
        (
            "gemini-2.5-pro",
            declares(json!({"a": {"type": "integer", "exclusiveMinimum": 0}})),
            "Unknown name \"exclusiveMinimum\"",
        ),
        ("gemini-2.5-pro", declares(json!({"a": {"anyOf": [{"const": "x"}]}})), "Unknown name \"const\""),
        ("gemini-2.5-pro", declares(json!({"a": {"type": ["string", "null"]}})), "cannot start list"),
        ("gemini-2.5-pro", declares(json!({"a": {"type": "integer", "enum": [1]}})), "(TYPE_STRING), 1"),
        ("gemini-2.5-pro", declares(json!({"a": {"type": "string", "format": "uri"}})), "only 'enum' and 'date-time'"),
        ("gemini-2.5-pro", declares(json!({"a": {"type": "array"}})), "properties[a].items: missing field."),
        (
            "gemini-2.5-pro",
            declares(json!({"a": {"type": "object", "required": ["b"]}})),
            "required[0]: property is not defined",
        ),
        ("gemini-2.5-pro", declares(json!({"a": true})), "Invalid value at 'tools[0]"),
        ("gemini-2.5-pro", formed(json!({"type": "string"}), true), "Function calling with a response mime type"),
        ("gemini-3-pro", formed(json!({"const": 1}), true), "\"const\" at 'generation_config.response_schema'"),
        ("gemini-3-pro", contents(&[]), "contents is not specified"),
        ("gemini-3-pro", shows("image/gif"), "Unsupported MIME type: image/gif"),
        ("gemini-3-pro", json!({"tools": [{"functionDeclarations": [{"name": "1a"}]}]}), "Invalid function name."),
        (
            "gemini-3-pro",
            json!({"tools": [{"functionDeclarations": vec![json!({"name": "a"}); 513]}]}),
            "At most 512 function declarations",
        ),
        (
            "gemini-2.5-pro",
            json!({"tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "a"}]}]}),
            "Built-in tools ({googleSearch}) and Function Calling cannot be combined",
        ),
        ("gemini-3-pro", contents(&[&json!({"role": "user", "parts": []})]), "contents.parts must not be empty"),
        ("gemini-3-pro", contents(&[&json!({"role": "human", "parts": [{"text": "a"}]})]), "Please use a valid role"),
        (
            "gemini-3-pro",
            json!({"contents": [asks], "generationConfig": {"stopSequences": ["a", "b", "c", "d", "e", "f"]}}),
            "must not exceed 5",
        ),
        ("gemini-3-pro", contents(&[&asks, &none, &gives]), "missing a thought_signature"),
        ("gemini-3-pro", contents(&[&asks, &bad, &gives]), "Corrupted thought signature"),
        ("gemini-2.5-pro", contents(&[&asks, &none]), "number of function response parts"),
        ("gemini-2.5-pro", contents(&[&none, &gives]), "function call turn comes immediately after"),
    ] {
        let refused = gemini::check(model, &body).expect_err(message);
        assert!(refused.contains(message), "{refused}, and not {message}");
    }
    for (model, body) in [
        ("gemini-3-pro", level),
        ("gemini-3-pro", shows("image/heic")),
        ("gemini-3-pro", json!({"contents": [asks], "tools": [{"functionDeclarations": [{"name": "a.b"}]}]})),
        ("gemini-3-pro", formed(json!({"type": "string"}), true)),
        ("gemini-2.5-pro", formed(json!({"type": "string"}), false)),
        ("gemini-3-pro", contents(&[&asks, &good, &gives])),
        ("gemini-3-pro", contents(&[&asks, &none, &gives, &json!({"role": "model", "parts": [{"text": "a"}]}), &asks])),
        ("gemini-2.5-pro", contents(&[&asks, &none, &gives])),
    ] {
        assert_eq!(gemini::check(model, &body), Ok(()), "{model}: {body}");
    }
}

#[test]
fn what_openai_and_its_like_refuse() {
    let body = |model: &str, members: Value| {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        merge(&mut body, members);
        body
    };
    let function = json!({"name": "f", "arguments": "{}"});
    let turn = |member: Option<(&str, Value)>, result: bool| {
        let mut message = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": function}]});
        if let Some((name, value)) = member {
            message[name] = value;
        }
        let mut all = vec![json!({"role": "user", "content": "hi"}), message];
        if result {
            all.push(json!({"role": "tool", "tool_call_id": "1", "content": "r"}));
        }
        json!({"messages": all})
    };
    let marked = |role: &str| json!({"messages": [{"role": role, "content": [text("a", Some(false))]}]});
    let tool = |parameters: Value| json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]});
    let call = json!({"id": "1", "type": "function", "function": {"name": "", "arguments": "{}"}});
    let result = json!({"role": "tool", "tool_call_id": "1", "content": "r"});
    let nameless = json!([{"role": "assistant", "tool_calls": [call]}, result]);
    let call = json!({"id": "1", "type": "function", "function": {"name": "a.b", "arguments": "{}"}});
    let odd_name = json!([{"role": "assistant", "tool_calls": [call]}, result]);
    let offered = |format: Value| {
        body("gpt-5", json!({"tools": [{"type": "custom", "custom": {"name": "f", "format": format}}]}))
    };
    let grammar = json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}});
    let custom = json!({"id": "1", "type": "custom", "custom": {"name": "f", "input": "a"}});
    let custom = json!([{"role": "assistant", "tool_calls": [custom]}, result]);
    for (body, message) in [
        (body("gpt-5", json!({"max_tokens": 10})), "Use 'max_completion_tokens' instead."),
        (body("gpt-4o", json!({"max_tokens": 16_385})), "supports at most 16384 completion tokens"),
        (body("gpt-4o", json!({"max_tokens": 1, "max_completion_tokens": 1})), "at the same time is not supported"),
        (body("gpt-5", json!({"reasoning_effort": "xhigh"})), "does not support \"xhigh\" with this model"),
        (
            body("gpt-4o", json!({"reasoning_effort": "low"})),
            "Unrecognized request argument supplied: reasoning_effort",
        ),
        (
            body("gpt-5.6-luna", tool(json!({"type": "object", "properties": {}}))),
            "Function tools with reasoning_effort",
        ),
        (
            body(
                "gpt-5.4",
                json!({"reasoning_effort": "low", "tools": [{"type": "function", "function": {"name": "f"}}]}),
            ),
            "are not supported for gpt-5.4",
        ),
        (body("gpt-6.2-astra", json!({"reasoning_effort": "none"})), "does not support \"none\""),
        (body("gpt-5", json!({"tools": [{"type": "web_search"}]})), "Supported values are: 'function' and 'custom'"),
        (body("gpt-5", json!({"messages": [{"role": "human", "content": "a"}]})), "Invalid value: 'human'"),
        (body("gpt-5", json!({"web_search_options": {}})), "Unknown parameter: 'web_search_options'"),
        (body("gpt-5", json!({"temperature": 0.5})), "Only the default (1) value is supported"),
        (body("gpt-5-mini", json!({"stop": ["x"]})), "'stop' is not supported with this model"),
        (body("o4-mini", json!({"parallel_tool_calls": true})), "'parallel_tool_calls' is not supported"),
        (
            body("gpt-4o", json!({"tool_choice": {"type": "auto"}})),
            "Supported values are: 'none', 'auto', and 'required'",
        ),
        (body("gpt-4o", json!({"tool_choice": {"type": "function", "name": "f"}})), "'tool_choice.function'"),
        (body("gpt-5", json!({"tool_choice": {"type": "custom", "name": "f"}})), "'tool_choice.custom'"),
        (body("gpt-5", json!({"tool_choice": {"type": "allowed_tools", "tools": []}})), "'tool_choice.allowed_tools'"),
        (body("gpt-5", json!({"tools": [{"type": "custom", "name": "f"}]})), "Unknown parameter: 'tools[0].name'."),
        (body("gpt-5", json!({"tools": [{"type": "custom"}]})), "parameter: 'tools[0].custom.name'"),
        (body("gpt-5", json!({"tools": [{"type": "function"}]})), "parameter: 'tools[0].function.name'"),
        (offered(json!({"syntax": "lark"})), "Unknown parameter: 'tools[0].custom.format.syntax'."),
        (offered(json!({"type": "grammar"})), "parameter: 'tools[0].custom.format.grammar.syntax'"),
        (
            body("gpt-4o", json!({"messages": [{"role": "system", "content": [{"type": "input_audio"}]}]})),
            "Invalid value: 'input_audio'. Supported values are: 'text'.",
        ),
        (
            body(
                "gpt-5-mini",
                user(json!([{"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}])),
            ),
            "Content blocks are expected to be either text or image_url type",
        ),
        (body("gpt-4o", json!({"temperature": 99})), "Expected a value <= 2, but got 99.0 instead"),
        (
            body("gpt-5", json!({"tools": [{"type": "function", "function": {"name": "f", "title": "t"}}]})),
            "Unknown parameter: 'tools[0].function.title'",
        ),
        (body("gpt-4o", tool(json!({"type": "object", "anyOf": []}))), "at the top level"),
        (
            body("deepseek-v4-pro", json!({"tool_choice": "required"})),
            "Thinking mode does not support this tool_choice",
        ),
        (body("kimi-k2.5", json!({"tool_choice": {"type": "function"}})), "incompatible with thinking enabled"),
        (body("kimi-k2.5", json!({"temperature": 0.6})), "invalid temperature: only 1 is allowed"),
        (body("@moonshot/kimi-k2.5", json!({"temperature": 0.6})), "invalid temperature: only 1 is allowed"),
        (body("@openai/gpt-4o", json!({"thinking": {}})), "Unrecognized request argument supplied: thinking"),
        (body("gpt-4o", json!({"thinking": {}})), "Unrecognized request argument supplied: thinking"),
        (body("gpt-4o", json!({"response_format": {"type": "yaml"}})), "Supported values are: 'json_object'"),
        (body("gpt-5", json!({"response_format": {"type": "json_object"}})), "must contain the word 'json'"),
        (body("gpt-4o", turn(Some(("reasoning_content", json!("a"))), true)), "'messages[1].reasoning_content'"),
        (body("gpt-4o", turn(Some(("content_blocks", json!([]))), true)), "'messages[1].content_blocks'"),
        (body("gpt-5", marked("system")), "'messages[0].content[0].cache_control'"),
        (body("gpt-4o", marked("user")), "'messages[0].content[0].cache_control'"),
        (body("gpt-4o", turn(None, false)), "must be followed by tool messages"),
        (body("gpt-4o", json!({"messages": [{"role": "assistant", "content": null}]})), "expected a string, got null"),
        (body("gpt-4o", json!({"tools": []})), "Invalid 'tools': empty array"),
        (
            body("gpt-5", json!({"tools": vec![json!({"type": "function", "function": {"name": "f"}}); 129]})),
            "maximum length 128, but got an array with length 129",
        ),
        (body("gpt-4o", json!({"verbosity": "low"})), "'verbosity' does not support 'low' with this model"),
        (body("o3", json!({"verbosity": "high"})), "'verbosity' does not support 'high' with this model"),
        (
            body("gpt-4o", json!({"messages": [{"role": "assistant", "content": "a", "tool_calls": []}]})),
            "'messages[0].tool_calls': empty array",
        ),
        (body("gpt-4o", user(json!(["hi"]))), "expected an object, but got a string"),
        (
            body(
                "gpt-4o",
                user(
                    json!([{"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": null}}]),
                ),
            ),
            "file.file_id'",
        ),
        (body("gpt-4o", json!({"messages": nameless})), "function.name': empty string"),
        (body("gpt-4o", json!({"messages": odd_name})), "function.name': string does not match pattern"),
        (
            body("gpt-5", json!({"tools": [{"type": "function", "function": {"name": "a.b"}}]})),
            "'tools[0].function.name': string does not match pattern",
        ),
        (
            body(
                "gpt-5",
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a.b", "schema": {}}}}),
            ),
            "'response_format.json_schema.name': string does not match pattern",
        ),
        (body("gpt-5", json!({"metadata": {"a": "b"}})), "'metadata' parameter is only allowed when 'store'"),
        (
            body("gpt-5", json!({"messages": [{"role": "user", "name": "Ann Lee", "content": "hi"}]})),
            "Invalid 'messages[0].name'",
        ),
        (body("gpt-4o", user(json!([{"type": "video_url"}]))), "Invalid value: 'video_url'"),
        (
            body(
                "gpt-5",
                user(json!([{"type": "file", "file": {"filename": "a", "file_data": "data:text/csv;base64,YQ=="}}])),
            ),
            "but got unsupported MIME type 'text/csv'",
        ),
        (
            body(
                "gpt-4o",
                json!({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a.example"}}]}]}),
            ),
            "but this message with role \"system\" contains an image URL",
        ),
        (body("gpt-4o", tool(json!({}))), "schema must be a JSON Schema"),
        (body("gpt-5", tool(json!({"type": "object"}))), "object schema missing properties"),
        (
            body("llama", json!({"messages": [{"role": "tool", "tool_call_id": "1", "content": "r"}]})),
            "preceeding message",
        ),
        (body("llama", json!({"messages": [{"role": "user", "content": []}]})), "empty array"),
        (body("kimi-k2.5", turn(None, true)), "reasoning_content is missing in assistant tool call message at index 1"),
        (body("deepseek-v4-pro", turn(None, true)), "must be passed back to the API"),
        (body("kimi-k2.5", turn(Some(("reasoning", json!("a"))), true)), "is missing"),
        (body("gpt-5.1", json!({"logit_bias": {"1": 1}})), "'logit_bias' is not supported with this model"),
        (body("gpt-5", json!({"modalities": ["text"]})), "Unknown parameter: 'modalities'."),
        (body("gpt-4o", json!({"stop": ["a", "b", "c", "d", "e"]})), "an array with length 5 instead"),
        (body("gpt-4o", json!({"prompt_cache_key": "k".repeat(65)})), "a string with length 65 instead"),
    ] {
        let refused = openai::check(&body).expect_err(message);
        assert!(refused.message.contains(message), "{refused:?}, and not {message}");
    }
    for body in [
        body("gpt-5", json!({"max_completion_tokens": 10, "reasoning_effort": "minimal"})),
        body("gpt-5.1", json!({"temperature": 0.5, "reasoning_effort": "none"})),
        body("gpt-5", json!({"metadata": {"a": "b"}, "store": true})),
        body("gpt-5", json!({"messages": custom})),
        offered(json!({"type": "text"})),
        offered(grammar),
        body("gpt-5", json!({"tool_choice": {"type": "custom", "custom": {"name": "f"}}})),
        body(
            "gpt-6-sol",
            json!({"reasoning_effort": "none", "tools": [{"type": "function", "function": {"name": "f"}}]}),
        ),
        body("gpt-5.5", json!({"tools": [{"type": "function", "function": {"name": "f"}}]})),
        body("gpt-4o", marked("system")),
        body(
            "gpt-4o",
            json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "as JSON"}]}),
        ),
        body("kimi-k2.5", turn(Some(("reasoning_content", json!(""))), true)),
        body("kimi-k2.5", json!({"thinking": {"type": "disabled"}, "messages": turn(None, true)["messages"]})),
        body("moonshotai/kimi-k2.5", turn(Some(("reasoning_details", json!([]))), true)),
        body("gpt-4o-search-preview", json!({"web_search_options": {}})),
        body("gpt-4o", json!({"tools": [{"type": "function", "function": {"name": "f", "title": "t"}}]})),
        body("gpt-5", json!({"moderation": {"model": "omni-moderation-latest"}})),
        body(
            "gpt-4o",
            json!({"logit_bias": {"1": 1}, "stop": ["a", "b", "c", "d"], "prompt_cache_key": "k".repeat(64)}),
        ),
        body("llama", json!({"anything": 1})),
    ] {
        assert_eq!(openai::check(&body), Ok(()), "{body}");
    }
}

#[test]
fn what_those_refuse_that_are_stricter_than_openai() {
    let turns = |roles: &[&str]| {
        let all = roles.iter().map(|role| match *role {
            "call" => json!({"role": "assistant", "tool_calls": [{"id": "D681PevKs"}]}),
            "tool" => json!({"role": "tool", "tool_call_id": "D681PevKs", "content": "r"}),
            role => json!({"role": role, "content": "a"}),
        });
        json!({"messages": all.collect::<Vec<_>>()})
    };
    let of = |model: &str, members: Value| {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        merge(&mut body, members);
        body
    };
    let said = |name: &str| json!({"messages": [{"role": "assistant", "content": "a", (name): "b"}]});
    let seen = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let shown = |kind: &str| user(json!([text("a", None), {"type": kind}]));
    let forced = json!({"tool_choice": "required"});
    let formed = |kind: &str| json!({"response_format": {"type": kind}});
    let both = |kind: &str| json!({"response_format": {"type": kind}, "tools": [{}]});
    let streamed = json!({"response_format": {"type": "json_object"}, "stream": true});
    let union = json!({"tools": [{"function": {"parameters": {"type": "object", "anyOf": []}}}]});
    let within =
        |a: Value| json!({"tools": [{"function": {"parameters": {"type": "object", "properties": {"a": a}}}}]});
    for (slug, body, message) in [
        ("groq", of("m", said("reasoning_content")), "property 'reasoning_content' is unsupported)]"),
        (
            "groq",
            of("m", json!({"messages": [{"role": "user", "content": [text("a", Some(false))]}]})),
            "'cache_control'",
        ),
        ("groq", of("m", json!({"store": false})), "property 'store' is unsupported"),
        ("groq", of("m", json!({"tools": vec![json!({}); 129]})), "maximum number of items is 128"),
        ("cerebras", of("m", said("content_blocks")), "property 'messages.0.assistant.content_blocks' is unsupported"),
        ("", of("grok-3", json!({"presence_penalty": 0})), "Argument not supported on this model: presencePenalty"),
        ("", of("grok-4", json!({"stop": ["x"]})), "model: stop"),
        ("", of("@xai/grok-4", json!({"stop": ["x"]})), "model: stop"),
        ("", of("grok-4-1-fast", json!({"reasoning_effort": "low"})), "model: reasoningEffort"),
        ("", of("mistral-large", turns(&["user", "call", "tool", "user"])), "Unexpected role 'user' after role 'tool'"),
        ("", of("devstral-small", turns(&["user", "assistant"])), "Expected last role User or Tool"),
        (
            "",
            of("mistral-large", json!({"messages": [{"role": "tool", "tool_call_id": "call_1"}]})),
            "with a length of 9",
        ),
        ("", of("sonar", turns(&["user", "user"])), "should alternate"),
        ("", of("sonar", turns(&["user", "call", "tool", "user"])), "should alternate"),
        ("", of("sonar", turns(&["user", "assistant", "system"])), "should alternate"),
        ("", of("sonar", turns(&["user", "assistant"])), "Last message must have role"),
        (
            "",
            of("mistral-large", said("metadata")),
            "Extra inputs are not permitted: body.messages.0.assistant.metadata",
        ),
        ("", of("mistral-large", json!({"metadata": {"a": "b"}})), "Extra inputs are not permitted: body.metadata"),
        ("", of("mistral-large", said("name")), "body.messages.0.assistant.name"),
        ("", of("kimi-k3", union), "At path 'root'"),
        ("", of("kimi-k3", within(json!({"type": "string", "anyOf": []}))), "At path 'properties.a'"),
        ("", of("kimi-k3", json!({"tools": [{"function": {"name": "21st"}}]})), "must start with a letter"),
        ("", of("kimi-k3", within(json!({"$ref": "#/properties/b"}))), "references must start with #/$defs/"),
        ("", of("kimi-k3", within(json!({"$ref": "#/$defs/b"}))), "$defs not found for reference: #/$defs/b"),
        ("", of("kimi-k3", within(json!({"properties": {"$ref": {}}}))), "$ref must be a string"),
        (
            "",
            of(
                "kimi-k3",
                json!({"tools": [{"function": {"parameters": {"$ref": "#/$defs/b", "type": "object", "$defs": {"b": {}}}}}]}),
            ),
            "when using $ref, type should be defined in the referenced schema",
        ),
        (
            "",
            of("command-a", json!({"tools": [{"function": {"strict": true}}]})),
            "parameter 'strict' is not a valid field",
        ),
        ("", of("qwen3.6-plus", forced.clone()), "in thinking mode"),
        ("zai", of("glm-5", forced.clone()), "Tool choice must be auto"),
        ("", of("deepseek-chat", formed("json_schema")), "This response_format type is unavailable now"),
        ("", of("deepseek-chat", formed("json_object")), "Prompt must contain the word 'json'"),
        ("", of("sonar", formed("json_object")), "Input should be 'text'"),
        ("groq", of("llama-3.3-70b-versatile", formed("json_schema")), "only supports response formats"),
        ("", of("command-a", formed("json_schema")), "response_format.type must be"),
        ("", of("command-a", both("json_object")), "not supported with tools"),
        ("", of("command-a", json!({"messages": [{"role": "tool", "content": "r"}]})), "tool_call_id is required"),
        ("", of("deepseek-v4-pro", shown("image_url")), "messages[0]: unknown variant `image_url`, expected `text`"),
        ("", of("deepseek-v4-flash", shown("file")), "unknown variant `file`"),
        ("", of("qwen3.6-plus", shown("file")), "Invalid value: file."),
        ("", of("mistral-large", user(json!([{"type": "file", "file": {}}]))), "user.content.0.file.file"),
        ("", of("command-a", json!({"messages": [{"role": "assistant", "content": null}]})), "must have a message"),
        ("groq", of("openai/gpt-oss-120b", both("json_schema")), "json mode cannot be combined with tool"),
        ("groq", of("llama-3.3-70b-versatile", streamed), "does not support streaming"),
        ("groq", of("llama-3.3-70b-versatile", json!({"reasoning_effort": "low"})), "is not supported with this model"),
        ("groq", of("qwen/qwen3-32b", json!({"reasoning_effort": "high"})), "must be one of `none` or `default`"),
        ("", of("MiniMax-M2", turns(&["system", "system", "user"])), "invalid chat setting (2013)"),
        ("", of("MiniMax-M2", turns(&["system", "user", "system"])), "invalid message role: system (2013)"),
        ("", of("MiniMax-M2", json!({"tools": [{"function": {"name": "f"}}]})), "function parameters is empty"),
        (
            "",
            of("deepseek-chat", json!({"tools": [{"type": "web_search"}]})),
            "tools[0].type: unknown variant `web_search`",
        ),
        (
            "",
            of("mistral-large", json!({"tools": [{"type": "mcp", "server_label": "x"}]})),
            "body.tools.0.server_label",
        ),
        ("", of("MiniMax-M3", json!({"thinking": {"type": "enabled"}})), "invalid thinking.type"),
        (
            "",
            of("kimi-k2.6", user(json!([seen("https://a.example/b.png")]))),
            "unsupported image url: https://a.example",
        ),
        ("", of("qwen3-32b", json!({})), "enable_thinking must be set to false for non-streaming calls"),
        ("", of("grok-4", said("name")), "Only messages of role 'user' can have a name."),
        ("", of("qwen3.6-plus", turns(&["system"])), "do not contain elements with the role of user"),
        ("", of("qwen3.6-plus", turns(&["system", "user", "system"])), "System message must be at the beginning."),
        ("zai", of("glm-5", turns(&["system", "assistant"])), "The messages parameter is illegal."),
        ("zai", of("glm-5", json!({"temperature": 1.5})), "The temperature parameter is illegal."),
        (
            "",
            of("mistral-large", json!({"tools": [{"type": "function", "function": {"name": "f", "title": "t"}}]})),
            "body.tools.0.function.title",
        ),
        (
            "",
            of(
                "mistral-large",
                json!({"tools": [{"type": "function", "function": {"name": "f", "description": null}}]}),
            ),
            "Input should be a valid string",
        ),
        ("", of("mistral-large", shown("video_url")), "Input tag 'video_url'"),
        (
            "",
            of("mistral-large", user(json!([{"type": "input_audio", "input_audio": {"data": "a"}}]))),
            "Input should be a valid string",
        ),
        ("", of("mistral-large", user(json!([text("a", Some(false))]))), "content.0.cache_control"),
        ("", of("mistral-large", user(json!([{"type": "thinking", "thinking": "t"}]))), "Input should be a valid list"),
    ] {
        let refused = compatible::check(slug, &body).expect_err(message);
        assert!(refused.message.contains(message), "{refused:?}, and not {message}");
    }
    for (slug, body) in [
        ("groq", of("m", said("reasoning"))),
        ("", of("deepseek-v4-flash", shown("image_url"))),
        ("", of("qwen3.6-plus", shown("video_url"))),
        ("openrouter", of("deepseek/deepseek-v4-pro", shown("file"))),
        ("openrouter", of("x-ai/grok-4", json!({"stop": ["x"]}))),
        ("", of("grok-3", json!({"stop": ["x"]}))),
        ("", of("grok-3-mini", json!({"reasoning_effort": "low"}))),
        ("", of("mistral-large", turns(&["user", "call", "tool", "assistant", "user"]))),
        ("", of("sonar", turns(&["system", "system", "user", "call", "tool", "tool"]))),
        ("", of("kimi-k3", within(json!({"anyOf": [{"type": "string"}]})))),
        ("", of("command-a", within(json!({"type": "string"})))),
        ("", of("qwen3-max", forced.clone())),
        ("cerebras", of("zai-glm-4.7", forced)),
        ("", of("sonar", formed("json_schema"))),
        ("zai", of("glm-5", json!({"tool_choice": "auto"}))),
        ("groq", of("llama-3.3-70b-versatile", formed("json_object"))),
        ("groq", of("openai/gpt-oss-120b", formed("json_schema"))),
        ("", of("command-a", formed("json_object"))),
        ("", of("command-a", turns(&["user", "call", "tool"]))),
        ("groq", of("openai/gpt-oss-120b", json!({"reasoning_effort": "low"}))),
        ("groq", of("qwen/qwen3-32b", json!({"reasoning_effort": "none"}))),
        ("", of("MiniMax-M2", turns(&["system", "user"]))),
        ("", of("grok-4", json!({"messages": [{"role": "user", "name": "ann", "content": "a"}]}))),
        ("", of("qwen3-max", turns(&["user", "system", "user"]))),
        ("", of("qwen3-32b", json!({"stream": true}))),
        ("", of("qwen3-235b-a22b-instruct-2507", json!({}))),
        ("", of("kimi-k2.6", user(json!([seen("data:image/png;base64,iVBORw0"), seen("ms://f1")])))),
        ("", of("mistral-large", user(json!([{"type": "document_url", "document_url": "https://a.example/a.pdf"}])))),
    ] {
        assert_eq!(compatible::check(slug, &body), Ok(()), "{slug} {body}");
    }
}

#[test]
fn what_the_responses_api_refuses() {
    let body = |model: &str, members: Value| {
        let mut body = json!({"model": model, "input": "hi", "store": false});
        merge(&mut body, members);
        body
    };
    let asks = |members: Value| body("gpt-5-codex", members);
    let input = |items: Value| asks(json!({"input": items}));
    let user = json!({"role": "user", "content": "hi"});
    let call = json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "1", "output": "r"});
    let thought = |sealed: Option<&str>| {
        let mut item = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}]});
        if let Some(sealed) = sealed {
            item["encrypted_content"] = sealed.into();
        }
        item
    };
    let good = thought(Some(&Signature::of("rs_1a")));
    let without = |item: &Value, name: &str| {
        let mut item = item.clone();
        merge(&mut item, json!({name: null}));
        item
    };
    let with = |item: &Value, members: Value| {
        let mut item = item.clone();
        merge(&mut item, members);
        item
    };
    let open = json!({"type": "object", "properties": {}});
    let closed = with(&open, json!({"additionalProperties": false}));
    let tool = |members: Value| {
        let tool = with(&json!({"type": "function", "name": "f", "parameters": closed}), members);
        asks(json!({"tools": [tool]}))
    };
    let custom = |format: Value| asks(json!({"tools": [{"type": "custom", "name": "f", "format": format}]}));
    for (body, message) in [
        (asks(json!({"messages": []})), "Unsupported parameter: 'messages'. In the Responses API"),
        (asks(json!({"max_tokens": 10})), "Unknown parameter: 'max_tokens'."),
        (asks(json!({"max_output_tokens": 15})), "Expected a value >= 16, but got 15 instead"),
        (asks(json!({"reasoning": {"budget": 1}})), "Unknown parameter: 'reasoning.budget'."),
        (asks(json!({"text": {"style": "x"}})), "Unknown parameter: 'text.style'."),
        (
            asks(json!({"text": {"format": {"type": "json_schema", "name": "n", "json_schema": {}}}})),
            "'text.format.json_schema'",
        ),
        (asks(json!({"text": {"format": {"type": "json_schema", "schema": {}}}})), "parameter: 'text.format.name'"),
        (asks(json!({"text": {"format": {"type": "json_object"}}})), "must contain the word 'json'"),
        (asks(json!({"tool_choice": {"type": "function"}})), "parameter: 'tool_choice.name'"),
        (asks(json!({"tool_choice": {"type": "function", "name": "f", "function": {}}})), "'tool_choice.function'"),
        (asks(json!({"tool_choice": {"type": "custom", "custom": {"name": "f"}}})), "parameter: 'tool_choice.name'"),
        (asks(json!({"tools": [{"type": "custom", "custom": {}}]})), "parameter: 'tools[0].name'"),
        (custom(json!({"type": "grammar", "grammar": {}})), "Unknown parameter: 'tools[0].format.grammar'."),
        (custom(json!({"type": "grammar", "syntax": "lark"})), "parameter: 'tools[0].format.definition'"),
        (tool(json!({"name": null})), "parameter: 'tools[0].name'"),
        (tool(json!({"type": "search"})), "Invalid value: 'search'."),
        (tool(json!({"defer_loading": true})), "Deferred tools require tools.tool_search"),
        (asks(json!({"tools": [{"type": "tool_search"}]})), "tools.tool_search requires at least one deferred tool"),
        (
            body("gpt-5.2-codex", json!({"text": {"verbosity": "low"}})),
            "'low' is not supported with the 'gpt-5.2-codex' model",
        ),
        (tool(json!({"function": {}})), "Unknown parameter: 'tools[0].function'."),
        (
            tool(json!({"parameters": open, "strict": true})),
            "'additionalProperties' is required to be supplied and to be false",
        ),
        (body("gpt-4o", json!({"include": ["reasoning.encrypted_content"]})), "Encrypted content is not supported"),
        (
            body("gpt-4o", json!({"reasoning": {"effort": "low"}})),
            "'reasoning.effort' is not supported with this model",
        ),
        (input(json!([{"type": "tool_result"}])), "Invalid value: 'tool_result'."),
        (input(json!([{"role": "tool", "content": "r"}])), "Supported values are: 'assistant', 'system'"),
        (input(json!([{"role": "user", "content": null}])), "parameter: 'input[0].content'"),
        (input(json!([{"role": "user", "content": "a", "name": "b"}])), "Unknown parameter: 'input[0].name'."),
        (
            input(json!([{"role": "user", "content": [{"type": "text", "text": "a"}]}])),
            "Supported values are: 'input_text'",
        ),
        (
            input(json!([{"role": "assistant", "content": [{"type": "input_text", "text": "a"}]}])),
            "are: 'output_text', 'refusal'",
        ),
        (
            input(json!([{"role": "user", "content": [{"type": "input_image", "image_url": "u", "url": "u"}]}])),
            "Unknown parameter: 'input[0].content[0].url'.",
        ),
        (
            input(json!([{"role": "user", "content": [{"type": "input_file", "file_id": "f", "mime_type": "m"}]}])),
            "Unknown parameter: 'input[0].content[0].mime_type'.",
        ),
        (input(json!([user, without(&call, "arguments"), output])), "parameter: 'input[1].arguments'"),
        (input(json!([user, with(&call, json!({"function": {}})), output])), "Unknown parameter: 'input[1].function'."),
        (input(json!([user, call])), "No tool output found for function call 1."),
        (input(json!([user, output])), "No tool call found for function call output with call_id 1."),
        (input(json!([user, call, without(&output, "call_id")])), "parameter: 'input[2].call_id'"),
        (input(json!([user, call, with(&output, json!({"content": "r"}))])), "Unknown parameter: 'input[2].content'."),
        (input(json!([user, good])), "was provided without its required following item"),
        (input(json!([user, good, user])), "was provided without its required following item"),
        (input(json!([user, without(&good, "summary"), call, output])), "parameter: 'input[1].summary'"),
        (input(json!([user, thought(None), call, output])), "Items are not persisted when `store` is set to false"),
        (input(json!([user, thought(Some(&Signature::of("b"))), call, output])), "could not be verified"),
    ] {
        let refused = responses::check(&body).expect_err(message);
        assert!(refused.message.contains(message), "{refused:?}, and not {message}");
    }
    for body in [
        asks(json!({})),
        asks(json!({"max_output_tokens": 16, "reasoning": {"effort": "low", "summary": "auto"}})),
        asks(json!({"include": ["reasoning.encrypted_content"]})),
        asks(
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}, "verbosity": "medium"}}),
        ),
        asks(json!({"tool_choice": {"type": "function", "name": "f"}})),
        asks(
            json!({"tools": [{"type": "tool_search"}, {"type": "function", "name": "f", "strict": false, "defer_loading": true}]}),
        ),
        asks(json!({"tools": [{"type": "tool_search", "execution": "client"}, {"type": "web_search"}]})),
        asks(json!({"tool_choice": {"type": "custom", "name": "f"}})),
        custom(json!({"type": "text"})),
        custom(json!({"type": "grammar", "syntax": "lark", "definition": "a"})),
        tool(json!({})),
        tool(json!({"parameters": open})),
        asks(
            json!({"reasoning": {"context": "current_turn"}, "input": [user, {"type": "web_search_call", "id": "ws_1"}]}),
        ),
        asks(json!({"previous_response_id": "resp_1", "input": [output]})),
        body("gpt-4o", json!({"reasoning": {}})),
        input(json!([user, good, call, output])),
        input(json!([user, good, {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}, user])),
        input(
            json!([{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "u"}]}]),
        ),
        asks(json!({"store": true, "input": [user, thought(None), call, output]})),
    ] {
        assert_eq!(responses::check(&body), Ok(()), "{body}");
    }
}

#[test]
fn nova_takes_three_members_of_a_schema() {
    let check = |schema: Value| {
        let tool = json!({"toolSpec": {"name": "f", "inputSchema": {"json": schema}}});
        bedrock::check("us.amazon.nova-pro-v1:0", &json!({"messages": [], "toolConfig": {"tools": [tool]}}))
    };
    assert_eq!(check(json!({"type": "object", "properties": {}, "required": []})), Ok(()));
    let refused = check(json!({"type": "object", "properties": {}, "definitions": {}})).unwrap_err();
    assert!(refused.contains("extraneous key [definitions] is not permitted"), "{refused}");
}
