//! What goes through rig and back is what it was; what cannot is refused by its name.

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use host_harness::{
    Error,
    types::{self, ErrorKind, ErrorOrigin, GatewayReport, Media, MediaSource},
    wit::chat::{
        self, Ask, AssistantPart, Event, FinishReason, Prompt, PromptCache, Request, Response, ResponseFormat,
        Thinking, ToolCall, ToolCallDelta, ToolChoice, UserPart,
    },
};
use rig_core::{
    Model,
    completion::{
        CacheRetention, CompletionRequest, CompletionResponse, Effort, Reasoning, ServiceTier, ToolDefinition,
    },
    driver::{Exchange, Opened, Opening, Transport},
    error::ProviderError,
    message::{
        AssistantContent, AudioMediaType, CallId, Document, DocumentMediaType, DocumentSourceKind, ImageDetail,
        ImageMediaType, Message, ToolName, ToolResultContent, UserContent, Video,
    },
    schemars::Schema,
    streaming::{Item, StreamEvent},
};
use serde_json::{Value, json};

use crate::{
    chat::Chat,
    error::{provider_error, record},
    history,
    reply::{Frame, frames_of},
};

/// Answers everything with these frames, and keeps what was asked.
#[derive(Clone, Default)]
struct Component {
    frames: Vec<Frame>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Transport<Chat> for Component {
    fn send(&self, request: Request, _exchange: Exchange) -> Opening<Frame> {
        self.asked.lock().unwrap().push(request);
        Opening::ready(Opened::new(stream::iter(self.frames.clone().into_iter().map(Ok))))
    }
}

fn model(frames: Vec<Frame>) -> Model<Chat, Component> {
    Model::new(Chat::named("some-provider", "a-model"), Component { frames, ..Component::default() })
}

/// What `request` becomes.
async fn asked(request: CompletionRequest) -> Result<(Prompt, Option<PromptCache>), ProviderError> {
    let model = model(frames_of(answer(vec![AssistantPart::Text("fine".into())])).collect());
    model.call(request).await?;
    let asked = model.transport.asked.lock().unwrap().pop().unwrap();
    let Ask::Prompt(prompt) = asked.ask else { panic!("{asked:?}") };
    Ok((prompt, asked.prompt_cache))
}

fn answer(content: Vec<AssistantPart>) -> Response {
    let has_calls = content.iter().any(|part| matches!(part, AssistantPart::ToolCall(_)));
    Response {
        id: "r-1".into(),
        model: "a-model-of-today".into(),
        content,
        finish_reason: if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop },
        usage: Some(types::Usage {
            input_tokens: 10,
            output_tokens: 5,
            cache_read_tokens: Some(4),
            cache_write_tokens: Some(3),
            reasoning_tokens: Some(2),
        }),
        guardrails_json: Some(r#"{"before":[]}"#.into()),
        report: GatewayReport { trace_id: Some("t-1".into()), ..GatewayReport::default() },
    }
}

fn thinking(text: &str, signature: Option<&str>) -> AssistantPart {
    AssistantPart::Thinking(Thinking { text: text.into(), signature: signature.map(str::to_owned) })
}

fn call(id: &str, arguments: &str, signature: Option<&str>) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall {
        id: id.into(),
        name: "look".into(),
        arguments_json: arguments.into(),
        signature: signature.map(str::to_owned),
    })
}

fn png() -> Media {
    Media::new("image/png", [0x89, b'P', b'N', b'G'])
}

/// One of everything that an answer may hold.
fn all_parts() -> Vec<AssistantPart> {
    vec![
        thinking("first", Some("s1")),
        thinking("", Some("redacted_thinking:x")),
        thinking("unsigned", None),
        AssistantPart::Text("so ".into()),
        thinking("again", Some("s2")),
        AssistantPart::Refusal("not that".into()),
        AssistantPart::Image(MediaSource::Inline(png())),
        AssistantPart::Image(MediaSource::Inline(Media::new("image/bmp", [1, 2]))),
        AssistantPart::Image(MediaSource::Url("https://h/i.png".into())),
        AssistantPart::Other(r#"{"type":"citation","of":[1]}"#.into()),
        call("c1", r#"{"at":{"x":1.5}}"#, Some("g1")),
        call("c2", r#"{"at":"#, None),
        AssistantPart::Text("and so".into()),
    ]
}

/// Two in the place of one, so that pieces are joined.
fn streamed(content: Vec<AssistantPart>) -> Vec<Frame> {
    let halves = |text: &str| {
        let (one, other) = text.split_at(text.len() / 2);
        [one.to_owned(), other.to_owned()]
    };
    let mut frames = Vec::new();
    for frame in frames_of(answer(content)) {
        match frame {
            Frame::Event(Event::Text(text)) => frames.extend(halves(&text).map(Event::Text).map(Frame::Event)),
            Frame::Event(Event::Refusal(text)) => frames.extend(halves(&text).map(Event::Refusal).map(Frame::Event)),
            Frame::Event(Event::Thinking(Thinking { text, signature })) if !text.is_empty() => {
                let unsigned = |text| Frame::Event(Event::Thinking(Thinking { text, signature: None }));
                frames.extend(halves(&text).map(unsigned));
                let signature = signature.map(|signature| Thinking { text: String::new(), signature: Some(signature) });
                frames.extend(signature.map(Event::Thinking).map(Frame::Event));
            }
            Frame::Event(Event::ToolCall(delta)) => {
                let [one, other] = halves(&delta.arguments_fragment);
                let rest = ToolCallDelta { id: None, name: None, arguments_fragment: other, ..delta.clone() };
                frames.push(Frame::Event(Event::ToolCall(ToolCallDelta {
                    arguments_fragment: one,
                    signature: None,
                    ..delta
                })));
                frames.push(Frame::Event(Event::ToolCall(rest)));
            }
            frame => frames.push(frame),
        }
    }
    frames
}

fn checked(response: &CompletionResponse) {
    assert_eq!(response.text(), "so not thatand so");
    assert_eq!(response.reasoning(), "firstunsignedagain");
    let redacted =
        response.choice.iter().map(|part| matches!(part, AssistantContent::Reasoning(part) if part.redacted));
    assert_eq!(redacted.collect::<Vec<_>>().iter().position(|redacted| *redacted), Some(1), "{response:?}");
    assert_eq!(response.tool_calls().map(|call| call.id.to_string()).collect::<Vec<_>>(), ["c1", "c2"]);
    let usage = response.usage;
    assert_eq!([usage.input_tokens, usage.output_tokens, usage.total_tokens], [Some(10), Some(5), Some(15)]);
    assert_eq!([usage.cached_input_tokens, usage.cache_creation_input_tokens], [Some(4), Some(3)]);
    assert_eq!(usage.reasoning_tokens, Some(2));
    assert_eq!((response.response_id(), response.model()), (Some("r-1"), Some("a-model-of-today")));
    assert_eq!(response.provider(), "some-provider");
    assert_eq!(response.raw["report"]["trace_id"], "t-1");
    assert_eq!(response.raw["guardrails"], json!({"before": []}));
    assert_eq!(response.raw["others"], json!([{"type": "citation", "of": [1]}]));
    assert_eq!(response.raw["usage"]["cache_read_tokens"], 4);
}

#[tokio::test]
async fn every_part_of_an_answer_goes_back_as_it_came() {
    for frames in [frames_of(answer(all_parts())).collect(), streamed(all_parts())] {
        let model = model(frames);
        let response = model.call(CompletionRequest::new("hi")).await.unwrap();
        checked(&response);
        // A host may keep it as JSON meanwhile.
        let kept: Message = serde_json::from_value(serde_json::to_value(response.message().unwrap()).unwrap()).unwrap();
        let tool = ToolDefinition::new(ToolName::new("look").unwrap(), "looks", json!({"type": "object"}));
        let (prompt, _) = asked(CompletionRequest::new("and now?").message(kept).tool(tool)).await.unwrap();
        let [chat::Message::Assistant(parts), chat::Message::ToolResult(_), chat::Message::ToolResult(_), _] =
            &*prompt.messages
        else {
            panic!("{:?}", prompt.messages)
        };
        assert_eq!(*parts, all_parts());
    }
}

/// What `content` is when it goes back.
async fn there_and_back(content: Vec<AssistantPart>) -> Vec<AssistantPart> {
    let response = model(frames_of(answer(content)).collect()).call(CompletionRequest::new("hi")).await.unwrap();
    let tool = ToolDefinition::new(ToolName::new("look").unwrap(), "looks", json!({"type": "object"}));
    let request = CompletionRequest::new("and now?").message(response.message().unwrap()).tool(tool);
    let (prompt, _) = asked(request).await.unwrap();
    let Some(chat::Message::Assistant(parts)) = prompt.messages.first() else { panic!("{prompt:?}") };
    parts.clone()
}

#[tokio::test]
async fn a_call_between_texts_stays_there_and_one_without_an_id_keeps_its_signature() {
    let text = |text: &str| AssistantPart::Text(text.into());
    let between = vec![text("a"), call("c1", "{}", None), text("b")];
    assert_eq!(there_and_back(between.clone()).await, between);
    let nameless = there_and_back(vec![call("", "{}", Some("g1"))]).await;
    let [AssistantPart::ToolCall(call)] = &*nameless else { panic!("{nameless:?}") };
    assert_eq!((call.signature.as_deref(), call.id.is_empty()), (Some("g1"), false));
}

#[tokio::test]
async fn a_stream_tells_each_piece_as_it_comes() {
    let mut stream = model(streamed(all_parts())).stream(CompletionRequest::new("hi")).unwrap();
    let (mut text, mut thought, mut arguments, mut unknown) = (String::new(), String::new(), String::new(), Vec::new());
    while let Some(item) = stream.next().await {
        match item.unwrap() {
            Item::Event(StreamEvent::Text { text: piece, .. }) => text += &piece,
            Item::Event(StreamEvent::Reasoning { text: piece, .. }) => thought += &piece,
            Item::Event(StreamEvent::Arguments { json, .. }) => arguments += &json,
            Item::Event(_) => {}
            Item::Unknown(payload) => unknown.push(payload.value().clone()),
        }
    }
    assert_eq!((&*text, &*thought), ("so not thatand so", "firstunsignedagain"));
    assert_eq!(arguments, r#"{"at":{"x":1.5}}{"at":"#);
    assert_eq!(unknown, [json!({"guardrails": {"before": []}})], "what rig has no place for is handed on");
    checked(&stream.finish().await.unwrap());
}

/// A block that was changed is none of the model's own any more, so nothing of it is signed.
#[tokio::test]
async fn what_was_changed_since_loses_its_signature() {
    let model =
        model(frames_of(answer(vec![thinking("first", Some("s1")), AssistantPart::Text("so".into())])).collect());
    let response = model.call(CompletionRequest::new("hi")).await.unwrap();
    let Some(Message::Assistant(mut turn)) = response.message() else { panic!("{response:?}") };
    let [AssistantContent::Reasoning(reasoning), _] = &mut *turn.content else { panic!("{turn:?}") };
    reasoning.text += ", edited";
    let (prompt, _) = asked(CompletionRequest::new("go on").message(turn.into())).await.unwrap();
    let expected = vec![thinking("first, edited", None), AssistantPart::Text("so".into())];
    assert_eq!(prompt.messages.first(), Some(&chat::Message::Assistant(expected)));
}

#[tokio::test]
async fn a_question_arrives_with_everything_in_it() {
    let bytes = vec![1, 2, 3];
    let document = |data, title: Option<&str>| {
        UserContent::Document(Document {
            data,
            media_type: Some(DocumentMediaType::PDF),
            additional_params: title.map(|title| json!({"title": title})),
        })
    };
    let content = vec![
        UserContent::text("look"),
        UserContent::image_raw(png().data, None, None),
        UserContent::image_url("https://h/i.png", None, Some(ImageDetail::Auto)),
        UserContent::image_url("https://h/i.png", None, Some(ImageDetail::Low)),
        UserContent::audio_raw(bytes.clone(), Some(AudioMediaType::WAV)),
        document(DocumentSourceKind::Raw(bytes.clone()), Some("a.pdf")),
        document(DocumentSourceKind::url("https://h/a.pdf"), None),
        document(DocumentSourceKind::file_id("file-1"), None),
        UserContent::document_text("plain", None),
        UserContent::Video(Video { data: DocumentSourceKind::url("https://h/v.mp4"), ..Video::default() }),
    ];
    let (prompt, _) = asked(CompletionRequest::new(content)).await.unwrap();
    let other = |part: Value| UserPart::Other(part.to_string());
    let pdf = |source, name: Option<&str>| UserPart::Document(chat::Document { source, name: name.map(str::to_owned) });
    let expected = vec![
        UserPart::Text("look".into()),
        UserPart::Image(MediaSource::Inline(png())),
        UserPart::Image("https://h/i.png".into()),
        other(json!({"type": "image_url", "image_url": {"url": "https://h/i.png", "detail": "low"}})),
        UserPart::Audio(Media::new("audio/wav", bytes.clone())),
        pdf(MediaSource::Inline(Media::new("application/pdf", bytes)), Some("a.pdf")),
        pdf("https://h/a.pdf".into(), None),
        other(json!({"type": "file", "file": {"file_id": "file-1"}})),
        UserPart::Text("plain".into()),
        other(json!({"type": "video_url", "video_url": {"url": "https://h/v.mp4"}})),
    ];
    assert_eq!(prompt.messages, [chat::Message::User(expected)]);
}

#[tokio::test]
async fn results_of_tools_are_messages_of_their_own() {
    let model = model(frames_of(answer(vec![call("c1", "{}", None), call("c2", "{}", None)])).collect());
    let response = model.call(CompletionRequest::new("hi")).await.unwrap();
    let calls: Vec<_> = response.tool_calls().collect();
    let [one, two] = &*calls else { panic!("{response:?}") };
    let image = ToolResultContent::image_raw(png().data, Some(ImageMediaType::PNG), None);
    let results = vec![
        UserContent::ToolResult(one.result(vec![ToolResultContent::json(json!({"a": 1})), image])),
        UserContent::ToolResult(two.error_result(vec![ToolResultContent::text("no such place")])),
        UserContent::text("go on"),
    ];
    let tool = ToolDefinition::new(ToolName::new("look").unwrap(), "looks", json!({"type": "object"}));
    let request = CompletionRequest::new(results).message(response.message().unwrap()).tool(tool);
    let (prompt, _) = asked(request).await.unwrap();
    let result = |id: &str, content| chat::Message::ToolResult(chat::ToolResult { call_id: id.into(), content });
    let expected = [
        result("c1", vec![UserPart::Text(r#"{"a":1}"#.into()), UserPart::Image(MediaSource::Inline(png()))]),
        result("c2", vec![UserPart::Text("[tool error] no such place".into())]),
        chat::Message::user("go on"),
    ];
    assert_eq!(prompt.messages[1..], expected);
    // Words before a result stay before it.
    let result = UserContent::ToolResult(one.result(vec![ToolResultContent::text("fine")]));
    let messages =
        history::messages(&[vec![UserContent::text("so"), result, UserContent::text("go on")].into()]).unwrap();
    let expected = [chat::Message::user("so"), chat::Message::tool_result("c1", "fine"), chat::Message::user("go on")];
    assert_eq!(messages, expected);
}

fn full() -> CompletionRequest {
    let schema: Schema = json!({
        "title": "Place",
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/At"}, "tags": {"type": "array", "items": {"properties": {"t": {}}}}},
        "$defs": {"At": {"type": "object", "properties": {"x": {"type": "number"}}}},
    })
    .try_into()
    .unwrap();
    CompletionRequest::new("where?")
        .preamble("Be brief.")
        .tool(ToolDefinition::new(ToolName::new("look").unwrap(), "looks", json!({"type": "object"})))
        .temperature(0.5)
        .max_tokens(70)
        .tool_choice(rig_core::message::ToolChoice::Specific { function_names: vec![ToolName::new("look").unwrap()] })
        .output_schema(schema)
}

#[tokio::test]
async fn every_setting_arrives() {
    let request = full()
        .reasoning(Effort::Low)
        .cache(CacheRetention::Long)
        .service_tier(ServiceTier::Flex)
        .parallel_tool_calls(false)
        .top_p(0.9)
        .seed(7)
        .stop(["END"])
        .additional_params(json!({"user": "u-1", "metadata": {"a": 1}}));
    let (prompt, cache) = asked(request).await.unwrap();
    let schema = json!({
        "title": "Place",
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/At"},
            "tags": {"type": "array", "items": {
                "properties": {"t": {}}, "required": ["t"], "additionalProperties": false,
            }},
        },
        "$defs": {"At": {
            "type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": false,
        }},
        "required": ["at", "tags"],
        "additionalProperties": false,
    });
    let Some(ResponseFormat::JsonSchema(format)) = &prompt.response_format else { panic!("{prompt:?}") };
    let expected = json!({"name": "Place", "strict": true, "schema": schema});
    assert_eq!(serde_json::from_str::<Value>(format).unwrap(), expected);
    let expected = Prompt {
        tools: vec![chat::Tool::new("look", "looks", json!({"type": "object"}))],
        tool_choice: Some(ToolChoice::Named("look".into())),
        parallel_tool_calls: Some(false),
        response_format: prompt.response_format.clone(),
        max_output_tokens: Some(70),
        temperature: Some(0.5),
        top_p: Some(0.9),
        stop: vec!["END".into()],
        seed: Some(7),
        reasoning_effort: Some("low".into()),
        extra_json: Some(r#"{"service_tier":"flex","user":"u-1","metadata":{"a":1}}"#.into()),
        ..Prompt::new("a-model", [chat::Message::system("Be brief."), chat::Message::user("where?")])
    };
    assert_eq!((prompt, cache), (expected, Some(PromptCache::Long)));
}

/// Members of the body win as they are, whatever their type.
#[tokio::test]
async fn additional_params_have_the_last_word() {
    let own = json!({"stop": "END", "seed": 1e30, "top_p": 0.1, "tools": [{"type": "web_search"}], "temperature": 0.1});
    let request = full().stop(["other"]).seed(1).top_p(0.9).model("another".to_owned()).additional_params(own);
    let (prompt, cache) = asked(request).await.unwrap();
    assert_eq!((prompt.stop.len(), prompt.seed, prompt.top_p), (0, None, Some(0.1)));
    assert_eq!((&*prompt.model, cache), ("another", None));
    let extra: Value = serde_json::from_str(&prompt.extra_json.unwrap()).unwrap();
    let function = json!({"name": "look", "description": "looks", "parameters": {"type": "object"}});
    let tools = json!([{"type": "function", "function": function}, {"type": "web_search"}]);
    assert_eq!(extra, json!({"stop": "END", "seed": 1e30, "temperature": 0.1, "tools": tools}));
    let (prompt, _) = asked(CompletionRequest::new("hi").reasoning(Reasoning::Budget { tokens: 2048 })).await.unwrap();
    let chosen = CompletionRequest::new("hi").tool_choice(rig_core::message::ToolChoice::Required);
    assert_eq!(asked(chosen).await.unwrap().0.tool_choice, None, "there is none to choose");
    let none = full().tool_choice(rig_core::message::ToolChoice::None);
    assert_eq!(asked(none).await.unwrap().0.tool_choice, Some(ToolChoice::None));
    let budget = r#"{"thinking":{"type":"enabled","budget_tokens":2048}}"#;
    assert_eq!((prompt.extra_json.as_deref(), prompt.reasoning_effort), (Some(budget), None));
}

#[tokio::test]
async fn what_has_no_place_is_refused_by_its_name() {
    let user = |content: UserContent| CompletionRequest::new(content);
    let file = |data| UserContent::Image(rig_core::message::Image { data, ..Default::default() });
    let with_params = |params: Value| {
        UserContent::Document(Document {
            data: DocumentSourceKind::url("https://h/a.pdf"),
            media_type: None,
            additional_params: Some(params),
        })
    };
    let video = Video {
        data: DocumentSourceKind::url("https://h/v"),
        additional_params: Some(json!({"fps": 1})),
        ..Video::default()
    };
    let two = vec![ToolName::new("look").unwrap(), ToolName::new("see").unwrap()];
    for (request, name) in [
        (user(file(DocumentSourceKind::file_id("f"))), "an image by a file id"),
        (user(file(DocumentSourceKind::base64("AQID"))), "an image without a media type"),
        (user(UserContent::image_base64("?", Some(ImageMediaType::PNG), None)), "an image that is no base64"),
        (user(UserContent::audio_url("https://h/a", Some(AudioMediaType::MP3))), "audio by its URL"),
        (user(UserContent::audio_raw([1], None)), "audio without a media type"),
        (user(UserContent::document_raw([1], None)), "a document without a media type"),
        (user(with_params(json!({"citations": {"enabled": true}}))), "`citations` of a document"),
        (user(UserContent::Video(video)), "`additional_params` of a video"),
        (full().max_tokens(5_000_000_000), "`max_tokens` of 5000000000"),
        (full().seed(u64::MAX), "`seed` is not supported"),
        (
            full().tool_choice(rig_core::message::ToolChoice::Specific { function_names: two }),
            "a choice between several tools",
        ),
        (full().additional_params(json!({"tools": 1})), "`additional_params.tools`"),
    ] {
        let error = asked(request).await.unwrap_err();
        assert_eq!(error.kind(), rig_core::ErrorKind::Request, "{error}");
        assert!(error.to_string().contains(name), "{error} has no {name}");
    }
    // An image in a result too.
    let image = ToolResultContent::image_base64("AQID", None, None);
    let (id, name) = (CallId::from_wire("c1"), ToolName::new("look").unwrap());
    let request = full()
        .message(AssistantContent::tool_call("c1", name.clone(), json!({})).into())
        .message(UserContent::tool_result(id, name, vec![image]).into());
    assert!(asked(request).await.unwrap_err().to_string().contains("an image without a media type"));
}

/// Every kind, as a report that went over rig's bus and through JSON still tells it.
#[test]
fn each_kind_of_error_is_told_with_its_hint_and_whether_to_try_again() {
    let kinds = [
        ("missing_credential", false),
        ("unauthorized", false),
        ("forbidden", false),
        ("quota_exceeded", false),
        ("rate_limited", true),
        ("content_blocked", false),
        ("not_found", false),
        ("invalid_request", false),
        ("invalid_config", false),
        ("unsupported", false),
        ("overloaded", true),
        ("timeout", true),
        ("denied_by_host", false),
        ("transport", true),
        ("protocol", false),
        ("truncated", true),
        ("other", false),
    ];
    for ((name, again), status) in
        kinds.into_iter().zip([None, Some(429), Some(500), Some(200), Some(401)].into_iter().cycle())
    {
        let told = types::Error {
            kind: serde_json::from_value(name.into()).unwrap(),
            origin: ErrorOrigin::Gateway,
            message: "it failed".into(),
            hint: Some("Do this.".into()),
            status,
            code: None,
            retry_after_ms: Some(1500),
            trace_id: Some("t-1".into()),
            request_sent: true,
        };
        assert_eq!(told.kind.name(), name);
        let error = provider_error(Error::from(told.clone()));
        assert_eq!(record(error.provider_response_body()), Some(told.clone()), "{name}");
        assert_eq!(error.is_retryable(), again, "{name}, {status:?}");
        assert!(error.to_string().contains("Do this."), "{error}");
        let is_authentication = matches!(error, ProviderError::InvalidAuthentication(_));
        assert_eq!(is_authentication, ["unauthorized", "forbidden"].contains(&name), "{name}");
        assert_eq!(error.provider_response_headers().unwrap()["retry-after"], "2");

        let report: rig_core::ErrorReport =
            serde_json::from_value(serde_json::to_value(error.report()).unwrap()).unwrap();
        assert_eq!(record(report.provider_response_body()), Some(told), "{name}");
        assert_eq!((report.code.as_deref(), report.request_id.as_deref()), (Some(name), Some("t-1")));
        assert_eq!(report.refusal, name == "content_blocked");
    }
    // One that is newer than this library is none of these, and rig's own are none of the library's.
    assert_eq!(serde_json::from_str::<ErrorKind>("\"newer\"").unwrap(), ErrorKind::Other);
    assert_eq!(record(ProviderError::Truncated.provider_response_body()), None);
}
