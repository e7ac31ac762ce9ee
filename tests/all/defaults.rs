//! The default path on real models: through the real Portkey gateway, before stand-ins that refuse what the providers refuse.
//! A user sets no limit, no markers and nothing about how a model reasons.

use host_harness::{
    Provider,
    types::{Media, MediaSource},
    wit::chat::{AssistantPart, Instructions, Message, Prompt, PromptCache, Request, Response, UserPart},
};
use host_harness_stub::Stub;
use serde_json::{Value, json};

use crate::{
    gateway::through,
    portkey_gateway::{config_for, fallback},
    support::{ask, plugin, streamed, upstream, weather_tool},
};

/// A model, and the provider behind the gateway that serves it.
#[derive(Clone, Copy, Debug)]
struct Target {
    provider: &'static str,
    model: &'static str,
}

const fn target(provider: &'static str, model: &'static str) -> Target {
    Target { provider, model }
}

const CLAUDE: Target = target("anthropic", "claude-sonnet-4-5");
const BEDROCK: Target = target("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0");
const GPT: Target = target("openai", "gpt-5");
const GEMINI: Target = target("google", "gemini-3-pro-preview");

const TARGETS: [Target; 11] = [
    CLAUDE,
    target("anthropic", "claude-opus-4-6"),
    target("anthropic", "claude-sonnet-5"),
    target("anthropic", "claude-3-5-haiku-latest"),
    BEDROCK,
    GPT,
    target("openai", "gpt-4o"),
    GEMINI,
    target("google", "gemini-2.5-pro"),
    // As providers of their own, gateway 1.15.2 keeps the tools from these two.
    target("openai", "deepseek-v4-pro"),
    target("openai", "kimi-k2.5"),
];
const OPENROUTER: Target = target("openrouter", "moonshotai/kimi-k2.5");

impl Target {
    /// The gateway's configuration, as a user writes it, but for where the provider is.
    fn config(self, base_url: &str) -> Value {
        let mut config = config_for(base_url);
        config["provider"] = self.provider.into();
        match self.provider {
            "bedrock" => {
                for (name, value) in
                    [("aws_access_key_id", "a"), ("aws_secret_access_key", "b"), ("aws_region", "us-east-1")]
                {
                    config[name] = value.into();
                }
            }
            // The gateway appends `/v1` by itself.
            "openrouter" => config["custom_host"] = base_url.trim_end_matches("/v1").into(),
            _ => {}
        }
        config
    }
}

async fn before(target: Target) -> (Stub, Provider) {
    let stub = upstream().await;
    let provider = through(&target.config(&stub.base_url())).await;
    (stub, provider)
}

/// The answer, whole or streamed.
async fn answer(provider: &Provider, prompt: &Prompt, stream: bool) -> host_harness::Result<Response> {
    if stream { streamed(provider, prompt).await } else { provider.complete(prompt).await }
}

#[tokio::test]
async fn the_first_chat_with_the_default_model_answers() {
    let model = plugin().await.descriptor().default_model.id.clone();
    let (stub, provider) = before(CLAUDE).await;
    for stream in [false, true] {
        let response = answer(&provider, &ask(&model, "Hello there"), stream).await.unwrap();
        assert!(response.text().contains("You said: \"Hello there\""), "{response:?}");
    }
    assert!(stub.requests().iter().all(|request| request.path.ends_with("/messages")));
}

#[tokio::test]
async fn the_first_chat_with_each_model_answers() {
    for target in TARGETS.into_iter().chain([OPENROUTER]) {
        let (_stub, provider) = before(target).await;
        for stream in [false, true] {
            let response = answer(&provider, &ask(target.model, "Reply with exactly OK."), stream).await;
            let response = response.unwrap_or_else(|error| panic!("{target:?}, streamed: {stream}: {error:?}"));
            assert_eq!(response.text(), "OK.", "{target:?}");
        }
    }
}

const TOOLS: [&str; 3] = ["get_weather", "get_time", "get_news"];

fn loop_of_tools(model: &str, question: &str) -> Prompt {
    let mut prompt = ask(model, question);
    prompt.messages.insert(0, Message::system("You are brief."));
    prompt.tools = TOOLS.map(weather_tool).to_vec();
    prompt.reasoning_effort = Some("medium".into());
    prompt
}

/// Adds an answer to the history with the results of its calls; how many calls there were.
fn go_on(prompt: &mut Prompt, response: &Response) -> usize {
    prompt.messages.push(Message::Assistant(response.content.clone()));
    let results = response.tool_calls().map(|call| Message::tool_result(&call.id, format!("{} says rain", call.name)));
    prompt.messages.extend(results);
    response.tool_calls().count()
}

/// The names of the calls of a loop to its end, and its last answer.
async fn run(provider: &Provider, prompt: &mut Prompt, stream: bool) -> (Vec<String>, Response) {
    let mut names = Vec::new();
    loop {
        let response = answer(provider, prompt, stream).await;
        let response = response.unwrap_or_else(|error| panic!("{}, streamed: {stream}: {error:?}", prompt.model));
        names.extend(response.tool_calls().map(|call| call.name.clone()));
        if go_on(prompt, &response) == 0 {
            return (names, response);
        }
        assert!(names.len() <= TOOLS.len(), "it does not end: {names:?}");
    }
}

#[tokio::test]
async fn a_tool_loop_with_thinking_reaches_its_end() {
    const QUESTION: &str = "Use get_weather, get_time and get_news one after the other.";
    for target in TARGETS.into_iter().chain([OPENROUTER]) {
        for stream in [false, true] {
            let (stub, provider) = before(target).await;
            let mut prompt = loop_of_tools(target.model, QUESTION);
            let (names, last) = run(&provider, &mut prompt, stream).await;
            assert_eq!(names, TOOLS, "{target:?}, streamed: {stream}");
            assert!(last.text().contains("get_news says rain"), "{target:?}: {last:?}");
            // The user goes on after it.
            prompt.messages.push(Message::user("Reply with exactly OK."));
            let (_, last) = run(&provider, &mut prompt, stream).await;
            assert_eq!(last.text(), "OK.", "{target:?}");
            assert_eq!(stub.requests().len(), 5, "{target:?}");
        }
    }
}

/// Whether some block of a request is of this type.
fn holds(body: &Value, kind: &str) -> bool {
    let messages = body["messages"].as_array().unwrap().iter();
    messages.filter_map(|message| message["content"].as_array()).flatten().any(|block| block["type"] == kind)
}

/// Adaptive thinking does not insist on its blocks, but without them the model has lost its thoughts. From Opus 4.7 on they
/// are not shown.
#[tokio::test]
async fn thinking_that_nobody_insists_on_goes_back_as_well_and_what_is_redacted_too() {
    const REDACTED: &str = "With redacted thinking use get_weather and get_time one after the other.";
    for (model, question, kind) in [
        ("claude-sonnet-4-5", "Use get_weather.", "thinking"),
        ("claude-opus-4-6", "Use get_weather.", "thinking"),
        ("claude-sonnet-5", "Use get_weather.", "thinking"),
        (CLAUDE.model, REDACTED, "redacted_thinking"),
    ] {
        for stream in [false, true] {
            let (stub, provider) = before(target("anthropic", model)).await;
            run(&provider, &mut loop_of_tools(model, question), stream).await;
            let body = stub.requests().pop().unwrap().json();
            assert!(holds(&body, kind), "{model}, streamed: {stream}: {body}");
        }
    }
}

/// Efforts that a model does not know, and what must not stand beside thinking.
#[tokio::test]
async fn any_effort_and_sampling_is_taken_by_every_model() {
    for target in TARGETS {
        let (_stub, provider) = before(target).await;
        for effort in ["none", "minimal", "low", "medium", "high", "xhigh", "max"] {
            let mut prompt = ask(target.model, "Reply with exactly OK.");
            prompt.reasoning_effort = Some(effort.into());
            let outcome = provider.complete(&prompt).await;
            assert!(outcome.is_ok(), "{target:?}, {effort}: {outcome:?}");
        }
    }
    for model in ["claude-sonnet-4-5", "claude-opus-4-6"] {
        let (_stub, provider) = before(target("anthropic", model)).await;
        let prompt = Prompt {
            temperature: Some(0.2),
            reasoning_effort: Some("low".into()),
            max_output_tokens: Some(700),
            ..ask(model, "Reply with exactly OK.")
        };
        provider.complete(&prompt).await.unwrap();
    }
}

/// The text of `size` bytes, of words that differ.
fn long_text(size: usize) -> String {
    (0..)
        .map(|number: u32| format!("{number} "))
        .scan(0, |bytes, word| {
            *bytes += word.len();
            (*bytes < size).then_some(word)
        })
        .collect()
}

#[tokio::test]
async fn what_claude_keeps_of_a_prompt_is_read_at_the_next_turn() {
    for target in [CLAUDE, BEDROCK] {
        for stream in [false, true] {
            let (_stub, provider) = before(target).await;
            let mut prompt = ask(target.model, "Use get_weather.");
            let system = Instructions { stable: long_text(44_000), volatile: "It is Monday.".into() };
            prompt.messages.insert(0, Message::System(system));
            prompt.tools = TOOLS.map(weather_tool).to_vec();
            let first = answer(&provider, &prompt, stream).await.unwrap();
            let usage = first.usage.unwrap();
            assert!(usage.cache_write_tokens.unwrap() > 10_000, "{target:?}, {stream}: {usage:?}");
            go_on(&mut prompt, &first);
            let usage = answer(&provider, &prompt, stream).await.unwrap().usage.unwrap();
            assert!(usage.cache_read_tokens.unwrap() > 10_000, "{target:?}, {stream}: {usage:?}");
            assert!(usage.input_tokens > usage.cache_read_tokens.unwrap(), "{usage:?}");
        }
    }
}

/// Claude fails in the middle of a tool loop with thinking and a cached prompt, and another model goes on.
#[tokio::test]
async fn another_model_goes_on_where_claude_fails() {
    for stream in [false, true] {
        for (first, other) in [(CLAUDE, GPT), (CLAUDE, GEMINI), (BEDROCK, GPT), (CLAUDE, target("openai", "kimi-k2.5"))]
        {
            let (claude, standby) = (upstream().await, upstream().await);
            let mut second = other.config(&standby.base_url());
            second["override_params"] = json!({"model": other.model});
            let provider = through(&fallback(&[first.config(&claude.base_url()), second])).await;
            let mut prompt = loop_of_tools(first.model, "Use get_weather, get_time and get_news one after the other.");
            let volatile = "Today is Monday.";
            prompt.messages[0] = Message::System(Instructions { stable: long_text(44_000), volatile: volatile.into() });
            let request = Request { prompt_cache: Some(PromptCache::Short), ..prompt.clone().into() };
            let response = provider.complete(&request).await.unwrap_or_else(|error| panic!("{first:?}: {error:?}"));
            assert_eq!(response.report.used_target.as_deref(), Some("config.targets[0]"), "{first:?}");
            go_on(&mut prompt, &response);
            drop(claude);
            let (names, last) = run(&provider, &mut prompt, stream).await;
            assert_eq!(names, TOOLS[1..], "{other:?}");
            assert_eq!(last.report.used_target.as_deref(), Some("config.targets[1]"));
            let body = String::from_utf8(standby.requests().pop().unwrap().body.to_vec()).unwrap();
            assert!(body.contains("100 101 102") && body.contains(volatile), "{other:?} lost the system text: {body}");
        }
    }
}

/// A session that another model began.
#[tokio::test]
async fn a_model_goes_on_where_another_left_off() {
    for from in [CLAUDE, GPT, GEMINI] {
        let (_stub, provider) = before(from).await;
        let mut begun = loop_of_tools(from.model, "Use get_weather and get_time one after the other.");
        let response = provider.complete(&begun).await.unwrap();
        go_on(&mut begun, &response);
        for to in TARGETS.into_iter().chain([OPENROUTER]) {
            let (_stub, provider) = before(to).await;
            let mut prompt = Prompt { model: to.model.into(), ..begun.clone() };
            let (names, _) = run(&provider, &mut prompt, false).await;
            assert_eq!(names, ["get_time"], "{from:?} to {to:?}");
        }
    }
}

/// What a host may hold after something went wrong: a name, and the messages of a body.
fn damaged() -> Vec<(&'static str, Value)> {
    let call = |arguments: Value| {
        let mut function = json!({"name": "get_weather"});
        if !arguments.is_null() {
            function["arguments"] = arguments;
        }
        json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": function}]})
    };
    let result = |content: Value| {
        let mut message = json!({"role": "tool", "tool_call_id": "c1"});
        if content != "absent" {
            message["content"] = content;
        }
        message
    };
    let (ask, sound, rain) = (json!({"role": "user", "content": "hi"}), call(json!("{}")), result(json!("rain")));
    let said = json!({"role": "assistant", "content": "It rains."});
    let turn = |call: &Value, result: &Value| json!([ask, call, result, said]);
    let image = |url: &str| {
        json!([{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]}, said])
    };
    vec![
        ("arguments cut off", turn(&call(json!("{\"city\": \"Par")), &rain)),
        ("arguments that are no object", turn(&call(json!("[1]")), &rain)),
        ("no arguments", turn(&call(Value::Null), &rain)),
        ("empty arguments", turn(&call(json!("")), &rain)),
        ("a result without content", turn(&sound, &result(json!("absent")))),
        ("a result that is null", turn(&sound, &result(Value::Null))),
        ("an empty result", turn(&sound, &result(json!("")))),
        ("an empty list as a result", turn(&sound, &result(json!([])))),
        ("an image without data", image("data:image/png;base64,")),
        ("an image without anything", image("")),
        ("an empty answer", json!([ask, {"role": "assistant", "content": ""}])),
        (
            "an empty text part",
            json!([{"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}]}, said]),
        ),
        ("an empty system message", json!([{"role": "system", "content": ""}, ask, said])),
    ]
}

#[tokio::test]
async fn a_damaged_history_ends_no_session() {
    let mut failed = Vec::new();
    for target in [CLAUDE, BEDROCK, GPT, GEMINI, target("google", "gemini-2.5-pro")] {
        let (_stub, provider) = before(target).await;
        for (name, mut messages) in damaged() {
            let all = messages.as_array_mut().unwrap();
            all.push(json!({"role": "user", "content": "Reply with exactly OK."}));
            let tool = json!({"type": "function", "function": {"name": "get_weather"}});
            let body = json!({"model": target.model, "messages": all, "tools": [tool]});
            let request = Request::openai(body.to_string());
            for outcome in
                [provider.complete(&request).await, async { provider.stream(&request).await?.join().await }.await]
            {
                match outcome {
                    Ok(response) => assert_eq!(response.text(), "OK.", "{target:?}: {name}"),
                    Err(error) => failed.push(format!("{}: {name}: {error}", target.model)),
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn an_image_without_data_in_a_typed_prompt_ends_no_session() {
    for target in [CLAUDE, BEDROCK, GPT, GEMINI] {
        let (_stub, provider) = before(target).await;
        let empty = Media { media_type: "image/png".into(), data: Vec::new() };
        let mut prompt = ask(target.model, "hi");
        prompt.messages = vec![
            Message::User(vec![UserPart::Text("look".into()), UserPart::Image(MediaSource::Inline(empty))]),
            Message::Assistant(vec![AssistantPart::Text("I see nothing.".into())]),
            Message::user("Reply with exactly OK."),
        ];
        let response = provider.complete(&prompt).await.unwrap_or_else(|error| panic!("{target:?}: {error:?}"));
        assert_eq!(response.text(), "OK.");
    }
}

#[tokio::test]
async fn two_system_messages_both_arrive() {
    for target in [CLAUDE, BEDROCK, GPT, GEMINI] {
        let (stub, provider) = before(target).await;
        let mut prompt = ask(target.model, "Reply with exactly OK.");
        prompt.messages.insert(0, Message::system("You are brief."));
        prompt.messages.insert(1, Message::system("You are kind."));
        provider.complete(&prompt).await.unwrap();
        let body = String::from_utf8(stub.requests().pop().unwrap().body.to_vec()).unwrap();
        assert!(body.contains("You are brief.") && body.contains("You are kind."), "{target:?}: {body}");
    }
}

/// Gateway 1.15.2 gives Gemini a made-up name for a result that has none.
#[tokio::test]
async fn results_reach_gemini_under_their_names() {
    let (stub, provider) = before(GEMINI).await;
    let mut prompt = loop_of_tools(GEMINI.model, "Use get_weather.");
    run(&provider, &mut prompt, false).await;
    let body = stub.requests().pop().unwrap().json().to_string();
    assert!(body.contains(r#""functionResponse":{"name":"get_weather""#), "{body}");
}
