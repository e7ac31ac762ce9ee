use super::*;

fn sent(body: &Value) -> Value {
    Sent::of(body).ok().unwrap().for_claude().unwrap()
}

#[test]
fn markers_are_kept_where_the_gateway_keeps_them() {
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    let plain = json!({"type": "ephemeral"});
    let body = json!({
        "model": "@anthropic/claude-sonnet-4-5",
        "tools": [{"type": "function", "cache_control": long, "function": {"name": "f"}}],
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": long}]},
            {"role": "user", "content": "lost", "cache_control": long},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "function", "cache_control": long, "function": {"name": "f", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r", "cache_control": long}]},
        ],
    });
    let sent = sent(&body);
    assert_eq!(sent["tools"][0]["cache_control"], plain);
    assert_eq!(sent["system"][0]["cache_control"], plain);
    assert_eq!(sent["messages"][0], json!({"role": "user", "content": "lost"}));
    assert_eq!(sent["messages"][1]["content"][0]["cache_control"], long);
    assert_eq!(sent["messages"][2]["content"][0]["content"][0]["cache_control"], long);
    assert_eq!(sent["tools"][0]["input_schema"]["type"], "object");
}

#[test]
fn what_it_makes_of_tools_of_another_kind_and_of_parts_of_a_system_text() {
    let tool = json!({"type": "custom", "custom": {"name": "f", "description": "d"}});
    let made = json!({"name": "custom", "type": "f", "description": "d"});
    let image = json!({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}});
    let text = json!({"type": "text", "text": "t"});
    let with = |content: Value| {
        sent(
            &json!({"model": "claude-sonnet-4-5", "tools": [tool], "messages": [{"role": "system", "content": content}]}),
        )
    };
    assert_eq!(with(json!([text, image]))["tools"], json!([made]));
    assert_eq!(with(json!([text, image]))["system"], json!([text, {"type": "text", "text": null}]));
    assert_eq!(with(json!([image, text]))["system"], json!([]));
    let call = json!({"id": "1", "type": "custom", "custom": {"name": "f", "input": "a"}});
    let body = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "assistant", "tool_calls": [call]}]});
    assert_eq!(Sent::of(&body).unwrap_err().status, 500);
}

#[test]
fn what_a_format_becomes() {
    let told = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
    let claude = |model: &str, format: &Value| sent(&json!({"model": model, "response_format": format}));
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    for model in ["claude-sonnet-4-5", "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"] {
        assert_eq!(claude(model, &told)["output_config"]["format"], format, "{model}");
        assert_eq!(claude(model, &json!({"type": "json_object"}))["output_config"], Value::Null, "{model}");
    }
    let body = json!({"model": "gemini-2.5-pro", "response_format": told});
    let Ok(Sent::Gemini { body, .. }) = Sent::of(&body) else { panic!() };
    let config = json!({"responseMimeType": "application/json", "responseSchema": {"type": "object"}});
    assert_eq!(body["generationConfig"], config);
}

#[test]
fn an_image_from_an_address_breaks_it_for_bedrock() {
    let image = |url: &str| json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
    let model = "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0";
    let sent = |url: &str| Sent::of(&json!({"model": model, "messages": image(url)}));
    assert_eq!(sent("https://a.example/b.png").unwrap_err().status, 500);
    assert!(sent("data:image/png;base64,AA==").is_ok());
}

#[test]
fn files_reach_each_provider_in_its_form() {
    let content = |model: &str, part: Value| {
        let body = json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]});
        match Sent::of(&body) {
            Ok(Sent::Anthropic(body)) => body["messages"][0]["content"][0].clone(),
            Ok(Sent::Bedrock { body, .. }) => body["messages"][0]["content"][0].clone(),
            Ok(Sent::Gemini { body, .. }) => body["contents"][0]["parts"][0].clone(),
            _ => panic!("{model}"),
        }
    };
    let file = |file: Value| json!({"type": "file", "file": file});
    let shown = |image: Value| json!({"type": "image_url", "image_url": image});
    let (claude, nova, gemini) =
        ("@anthropic/claude-sonnet-4-5", "@bedrock/us.amazon.nova-pro-v1:0", "@google/gemini-2.5-pro");
    for (model, part, expected) in [
        (
            claude,
            file(json!({"mime_type": "text/plain", "file_data": "a"})),
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}),
        ),
        (
            claude,
            file(json!({"file_url": "https://a.example/b"})),
            json!({"type": "document", "source": {"type": "url", "url": "https://a.example/b"}}),
        ),
        (
            nova,
            file(json!({"file_url": "s3://a/b"})),
            json!({"document": {"format": "pdf", "source": {"s3Location": {"uri": "s3://a/b"}}}}),
        ),
        (
            nova,
            shown(json!({"url": "data:video/mp4;base64,AA=="})),
            json!({"video": {"format": "mp4", "source": {"bytes": "AA=="}}}),
        ),
        (
            nova,
            shown(json!({"url": "data:image/gif;base64,AA=="})),
            json!({"document": {"format": "gif", "source": {"bytes": "AA=="}}}),
        ),
        (
            gemini,
            shown(json!({"url": "https://youtu.be/x", "mime_type": "video/mp4"})),
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}),
        ),
        (
            gemini,
            shown(json!({"url": "data:image/heic;base64,AA=="})),
            json!({"inlineData": {"mimeType": "image/heic", "data": "AA=="}}),
        ),
    ] {
        assert_eq!(content(model, part.clone()), expected, "{model}: {part}");
    }
}

#[test]
fn cohere_gets_two_members_of_a_message() {
    let call = json!([{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let body = json!({"model": "@cohere/command-a", "messages": [
        {"role": "assistant", "content": null, "tool_calls": call}, {"role": "tool", "tool_call_id": "1", "content": "r"}]});
    let Ok(Sent::OpenAi { body, .. }) = Sent::of(&body) else { panic!() };
    let kept = json!([{"role": "assistant", "content": null}, {"role": "tool", "content": "r"}]);
    assert_eq!(body["messages"], kept);
}

#[test]
fn arguments_that_are_cut_break_it() {
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": "}});
    let body = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "assistant", "tool_calls": [call]}]});
    assert_eq!(Sent::of(&body).unwrap_err().status, 500);
}
