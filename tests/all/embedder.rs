//! The library, as an agent host embeds it: calls with options of their own, tools, and what it costs in connections.

use std::{
    error::Error as _,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use host_harness::{
    CallOptions, ConfigFile, Environment, ErrorKind, ErrorOrigin, Event, Joined, Provider, Setup, StopReason,
    ToolLimits,
    wit::chat::{Message, Prompt, PromptCache, Request, Tool, ToolCall},
};
use host_harness_stub::{Options, Stub};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::{KEY, ask, before_hosted, hosted, plugin, provider, setup, streamed, weather_tool};

const MODEL: &str = "@openai/gpt-5-mini";

#[tokio::test]
async fn twenty_calls_with_options_of_their_own_share_a_socket() {
    let stub = hosted().await;
    let base =
        setup(stub.base_url()).header("x-portkey-trace-id", "of-all").option("metadata", json!({"app": "tests"}));
    let provider = Provider::connect(&plugin().await, base).await.unwrap();
    for number in 0..20 {
        let call = CallOptions::new()
            .trace_id(format!("call-{number}"))
            .metadata("number", number.to_string())
            .header("x-own", format!("own-{number}"));
        let provider = provider.with(call).await.unwrap();
        if number % 2 == 0 {
            provider.complete(ask(MODEL, "hello")).await.unwrap();
        } else {
            streamed(&provider, &ask(MODEL, "hello")).await.unwrap();
        }
    }
    provider.complete(ask(MODEL, "hello")).await.unwrap();
    let requests = stub.requests();
    assert_eq!(requests.len(), 21);
    for (number, request) in requests[..20].iter().enumerate() {
        assert_eq!(request.connection, requests[0].connection, "request {number} came on a connection of its own");
        assert_eq!(request.header("x-portkey-trace-id"), Some(&*format!("call-{number}")));
        let metadata: Value = serde_json::from_str(request.header("x-portkey-metadata").unwrap()).unwrap();
        assert_eq!(metadata, json!({"app": "tests", "number": number.to_string()}));
        assert_eq!(request.header("x-own"), Some(&*format!("own-{number}")));
        assert_eq!(request.header("x-portkey-api-key"), Some(KEY));
    }
    // What one call brings along stays with it.
    assert_eq!(requests[20].header("x-portkey-trace-id"), Some("of-all"));
    assert_eq!(requests[20].header("x-own"), None);
}

#[tokio::test]
async fn a_model_with_headers_of_its_own_shares_it_too() {
    let stub = hosted().await;
    let config = json!({"models": {"providers": {"portkey": {
        "baseUrl": stub.base_url(),
        "models": [{"id": "@anthropic/claude-sonnet-4-5", "name": "C", "headers": {"x-of-model": "yes"}}],
    }}}});
    let provider = Provider::connect(&plugin().await, Setup::new(config).secret("portkey-api-key", KEY)).await.unwrap();
    provider.complete(ask(MODEL, "hello")).await.unwrap();
    for trace_id in ["one", "two"] {
        let provider = provider.with(CallOptions::new().trace_id(trace_id)).await.unwrap();
        provider.complete(ask("@anthropic/claude-sonnet-4-5", "hello")).await.unwrap();
    }
    let requests = stub.requests();
    assert!(requests.iter().all(|request| request.connection == requests[0].connection));
    let seen = |name| requests.iter().map(|request| request.header(name).unwrap_or("none")).collect::<Vec<_>>();
    assert_eq!(seen("x-of-model"), ["none", "yes", "yes"]);
    assert_eq!(seen("x-portkey-trace-id")[1..], ["one", "two"]);
}

/// A secret header of a call is one of the host's: the plugin neither sees nor sets it, and it is masked in what comes back.
#[tokio::test]
async fn a_secret_of_a_call_is_kept_as_a_configured_one_is() {
    const SECRET: &str = "Bearer of-this-call-5a0c";
    let (stub, provider) = before_hosted().await;
    let call =
        CallOptions::new().header("Authorization", SECRET).option("config", json!({"api_key": "sk-inline-77aa"}));
    assert!(!format!("{call:?}").contains("of-this-call"));
    let with = provider.with(call).await.unwrap();
    let seen = format!("{:?} {with:?}", with.connection());
    assert!(!seen.contains("of-this-call") && !seen.contains("sk-inline"), "{seen}");
    let answer = with.complete(ask("fault/echo-headers", "hello")).await.unwrap().text();
    let request = stub.requests().pop().unwrap();
    assert_eq!(request.header("authorization"), Some(SECRET));
    assert_eq!(request.header("x-portkey-config"), Some(r#"{"api_key":"sk-inline-77aa"}"#));
    assert!(answer.contains("authorization") && !answer.contains("of-this-call"), "{answer}");
    assert!(!answer.contains("sk-inline"), "{answer}");

    // Nor does a call move the key, or send it elsewhere.
    let refused = provider.with(CallOptions::new().header("X-Portkey-API-Key", "another")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.origin()), (ErrorKind::InvalidConfig, ErrorOrigin::Host));
    assert!(refused.to_string().contains("which no call replaces"), "{refused}");
    let key = Environment::from_iter([("PORTKEY_API_KEY", KEY)]);
    let provider = Provider::connect(&plugin().await, setup(stub.base_url()).environment(key)).await.unwrap();
    let moved =
        provider.with(CallOptions::new().option("metadata", json!({"a": "${PORTKEY_API_KEY}"}))).await.unwrap_err();
    assert_eq!(moved.kind(), ErrorKind::InvalidConfig, "{moved}");
    let broken = provider.with(CallOptions::new().header("no header", "x")).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::InvalidConfig, "{broken}");
    // What a call brought is in no file, and is not looked for there.
    for (call, named) in [
        (CallOptions::new().header("no header", "x"), "the header no header"),
        (CallOptions::new().header("x-team", "bär"), "the header x-team"),
        (
            CallOptions::new().header("x-portkey-config", r#"{"strategy":{"mode":"fallbak"}}"#),
            "the header x-portkey-config",
        ),
        (CallOptions::new().option("confg", "pc-a"), "the option confg"),
        (CallOptions::new().option("config", json!({"strategy": {"mode": "fallbak"}})), "the option config"),
        (CallOptions::new().trace_id("a\nb"), "the option traceId"),
    ] {
        let refused = provider.with(call).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(named) && !text.contains("models.providers") && !text.contains("entries"), "{refused}");
        let hint = refused.record().hint.as_deref().unwrap_or_default();
        assert!(hint.contains("CallOptions") && refused.path().is_none(), "{named}: {hint}");
    }
}

#[tokio::test]
async fn a_call_has_a_time_limit_of_its_own() {
    let (_stub, provider) = before_hosted().await;
    let quick = provider.with(CallOptions::new().time_limit(Duration::from_millis(200))).await.unwrap();
    let error = quick.complete(ask("fault/silence", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Timeout, ErrorOrigin::Host), "{error}");
    assert!(error.to_string().contains("0.2 s") && error.record().request_sent, "{error:?}");

    // Of a stream it is the whole, not the time to its head.
    let slow = Stub::start(Options { token_delay: Duration::from_millis(50), ..Options::default() }).await.unwrap();
    let provider = self::provider(slow.base_url()).await;
    let quick = provider.with(CallOptions::new().time_limit(Duration::from_millis(400))).await.unwrap();
    let long = ask(MODEL, &"word ".repeat(200));
    let mut reply = quick.stream(&long).await.unwrap();
    let error = loop {
        match reply.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it came to its end"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("0.4 s as a whole"), "{error}");
    // Nothing of it stays with the others, and the longest time is one.
    let patient = provider.with(CallOptions::new().time_limit(Duration::MAX)).await.unwrap();
    patient.complete(ask(MODEL, "hello")).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_is_none_of_the_providers_is_refused_by_name() {
    let connect = async |id: &str, secret: &str| {
        let setup = Setup::new(json!({})).base_url("http://127.0.0.1:1/v1").secret(id, secret);
        Provider::connect(&plugin().await, setup).await.map(drop).unwrap_err()
    };
    let unknown = connect("portkey", KEY).await;
    assert_eq!(unknown.kind(), ErrorKind::InvalidConfig, "{unknown}");
    let hint = unknown.record().hint.as_deref();
    assert!(unknown.to_string().contains("`portkey` is not a credential"), "{unknown}");
    assert_eq!(hint, Some("It has portkey-api-key."));
    for empty in ["", "  "] {
        assert_eq!(connect("portkey-api-key", empty).await.kind(), ErrorKind::MissingCredential);
    }
}

#[tokio::test]
async fn a_call_says_how_long_the_prompt_may_be_kept() {
    let (_stub, provider) = before_hosted().await;
    let long = "Know this. ".repeat(2000);
    let prompt = Prompt::new("@anthropic/claude-sonnet-4-5", [Message::system(long), Message::user("hello")]);
    let none = provider.with(CallOptions::new().prompt_cache(PromptCache::None)).await.unwrap();
    let marked = |body: String| body.contains("cache_control");
    assert!(marked(provider.body(&prompt).await.unwrap()));
    assert!(!marked(none.body(&prompt).await.unwrap()));
    // The request's own word comes first.
    let request = Request::from(prompt).prompt_cache(PromptCache::Short);
    assert!(marked(none.body(&request).await.unwrap()));
}

/// A prompt whose tools are these, to the stand-in: it calls each tool that the question names.
fn with_tools(names: &[&str], question: &str) -> Prompt {
    Prompt { tools: names.iter().map(|name| weather_tool(name)).collect(), ..ask(MODEL, question) }
}

#[tokio::test]
async fn the_calls_of_an_answer_run_at_the_same_time_and_their_results_keep_its_order() {
    let (stub, provider) = before_hosted().await;
    let both = Barrier::new(2);
    let tool = |call: ToolCall, arguments: Value| {
        let both = &both;
        async move {
            // Neither comes past this without the other.
            both.wait().await;
            Ok(json!({"of": call.name, "city": arguments["city"]}))
        }
    };
    let prompt = with_tools(&["get_weather", "get_time"], "Use get_weather and get_time for Paris.");
    let limits = ToolLimits { time: Duration::from_secs(20), ..ToolLimits::default() };
    let said = provider.run_tools(prompt, &limits, tool).await.unwrap();
    assert!(said.response.text().contains("The tool said"), "{:?}", said.response);
    assert_eq!(said.messages.len(), 5, "a question, an answer, two results, an answer");
    let requests = stub.requests();
    assert_eq!(requests.len(), 2);
    let sent = requests[1].json();
    let results: Vec<_> =
        sent["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "tool").collect();
    let named = |at: usize| results[at]["content"].as_str().unwrap().to_owned();
    assert!(named(0).contains("get_weather") && named(1).contains("get_time"), "{results:?}");
    assert!(said.usage.output_tokens > said.response.usage.unwrap().output_tokens, "that of both requests");

    let one_by_one = AtomicUsize::new(0);
    let limits = ToolLimits { at_once: 1, ..limits };
    let tool = |_, _| {
        let under_way = &one_by_one;
        async move {
            let others = under_way.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            if others == 0 { Ok("alone") } else { Err("not alone".into()) }
        }
    };
    let prompt = with_tools(&["get_weather", "get_time"], "Use get_weather and get_time for Paris.");
    provider.run_tools(prompt, &limits, tool).await.unwrap();
}

#[tokio::test]
async fn a_conversation_with_tools_ends_at_its_limits_and_nothing_of_it_is_lost() {
    let (_stub, provider) = before_hosted().await;
    let question = || with_tools(&["get_weather"], "Use get_weather for Paris.");
    let rains = |_, _| async { Ok("It rains.") };

    let stopped = provider.run_tools(question(), &ToolLimits { rounds: 1, ..ToolLimits::default() }, rains).await;
    let stopped = stopped.unwrap_err();
    assert!(matches!(stopped.reason, StopReason::Rounds(1)), "{stopped:?}");
    assert_eq!(stopped.messages.len(), 3);
    let on = Prompt { messages: stopped.messages, ..question() };
    assert!(provider.run_tools(on, &ToolLimits::default(), rains).await.unwrap().response.text().contains("It rains."));

    let hangs = |_, _| std::future::pending::<Result<String, host_harness::ToolError>>();
    let limits = ToolLimits { time: Duration::from_millis(500), ..ToolLimits::default() };
    let stopped = provider.run_tools(question(), &limits, hangs).await.unwrap_err();
    assert!(matches!(stopped.reason, StopReason::Time(_)), "{stopped:?}");
    assert_eq!(stopped.messages, question().messages, "a call without a result would be refused");

    let fails = |_, _| async { Err::<String, _>("out of order".into()) };
    let stopped = provider.run_tools(question(), &ToolLimits::default(), fails).await.unwrap_err();
    assert!(matches!(&stopped.reason, StopReason::Tool { name, .. } if name == "get_weather"), "{stopped:?}");
    assert_eq!(format!("{:#}", anyhow::Error::from(stopped)), "the tool `get_weather` failed: out of order");

    let refused = Prompt { model: "fault/key-budget".into(), ..question() };
    let stopped = provider.run_tools(refused, &ToolLimits::default(), rains).await.unwrap_err();
    let StopReason::Call(error) = stopped.reason else { panic!("{stopped:?}") };
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
}

/// What the model got wrong it is told, and no tool is run for it.
#[tokio::test]
async fn a_call_that_no_tool_can_take_is_told_to_the_model() {
    use host_harness::{
        types::GatewayReport,
        wit::chat::{AssistantPart, FinishReason, Response},
    };
    let call = |name: &str, arguments: &str| {
        AssistantPart::ToolCall(ToolCall {
            id: "c1".into(),
            name: name.into(),
            arguments_json: arguments.into(),
            signature: None,
        })
    };
    let answer = |content, finish_reason| Response {
        id: "r".into(),
        model: MODEL.into(),
        content,
        finish_reason,
        usage: None,
        guardrails_json: None,
        report: GatewayReport::default(),
    };
    let never = |_, _| async { panic!("it ran") as Result<String, host_harness::ToolError> };
    for (bad, said) in
        [(call("get_time", "{}"), "there are: get_weather"), (call("get_weather", "{\"city\":"), "not JSON")]
    {
        let mut answers = vec![
            answer(vec![AssistantPart::Text("Sorry.".into())], FinishReason::Stop),
            answer(vec![bad], FinishReason::ToolCalls),
        ];
        let ask = |_| std::future::ready(Ok(answers.pop().unwrap()));
        let said_all = ToolLimits::default().run(with_tools(&["get_weather"], "hello"), ask, never).await.unwrap();
        assert_eq!(said_all.response.text(), "Sorry.");
        let result = said_all.messages[2].to_openai().to_string();
        assert!(result.contains(said), "{result}");
    }
    let cut = |_| std::future::ready(Ok(answer(vec![call("get_weather", "{}")], FinishReason::Length)));
    let stopped = ToolLimits::default().run(with_tools(&["get_weather"], "hello"), cut, never).await.unwrap_err();
    assert!(matches!(stopped.reason, StopReason::Cut), "{stopped:?}");
}

/// Each failure is an item of the stream of events, also one before the first event, and the last.
#[tokio::test]
async fn a_stream_of_events_says_how_a_reply_ends() {
    let (stub, provider) = before_hosted().await;
    let events = provider.events(ask(MODEL, "tell me of ships"));
    assert_eq!(stub.requests().len(), 0, "it asks when it is polled");
    let events: Vec<Event> = events.try_collect().await.unwrap();
    let mut joined = Joined::default();
    events.into_iter().for_each(|event| joined.push(event));
    assert!(joined.text().contains("tell me of ships"), "{joined:?}");

    for (model, pieces, kind) in
        [("fault/key-budget", false, ErrorKind::QuotaExceeded), ("fault/cut", true, ErrorKind::Truncated)]
    {
        let events: Vec<_> = provider.events(ask(model, "tell me of ships")).collect().await;
        let (last, before) = events.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().kind(), kind, "{model}");
        assert_eq!(!before.is_empty(), pieces, "{model}: {before:?}");
        assert!(before.iter().all(Result::is_ok), "{model}: {before:?}");
    }
}

/// What an embedder gives to `tokio::spawn`.
#[tokio::test]
async fn a_conversation_and_a_call_run_on_any_thread() {
    let (_stub, provider) = before_hosted().await;
    let said = tokio::spawn(async move {
        let provider = provider.with(CallOptions::new().trace_id("spawned")).await.unwrap();
        let prompt = with_tools(&["get_weather"], "Use get_weather for Paris.");
        provider.run_tools(prompt, &ToolLimits::default(), |_, _| async { Ok("It rains.") }).await.unwrap()
    });
    assert!(said.await.unwrap().response.text().contains("It rains."));
}

#[tokio::test]
async fn shapes_made_and_read_in_few_words_are_what_goes_out() {
    let (stub, provider) = before_hosted().await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let messages = [
        Message::system("Be brief."),
        Message::image("What is this?", "https://example.com/a.png"),
        Message::assistant("A ship."),
        Message::user("Use get_weather for Paris."),
    ];
    let prompt =
        Prompt { tools: vec![Tool::new("get_weather", "The weather", schema.clone())], ..Prompt::new(MODEL, messages) };
    let response = provider.complete(&prompt).await.unwrap();
    let calls: Vec<_> = response.tool_calls().collect();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].arguments().unwrap()["city"].is_string());
    let sent = stub.requests().pop().unwrap().json();
    assert_eq!(sent["tools"][0]["function"]["parameters"], schema);
    // The plugin writes what the host's own reading of OpenAI's form writes.
    assert_eq!(sent["messages"], Message::history_to_openai(&prompt.messages));
    let history = Message::history_from_openai(&sent["messages"]).unwrap();
    assert_eq!(history, prompt.messages);
    // And a body of that form can be asked as a value.
    let said =
        provider.complete(Request::openai(json!({"model": MODEL, "messages": [{"role": "user", "content": "ships"}]})));
    assert!(said.await.unwrap().text().contains("ships"));
}

#[tokio::test]
async fn an_error_is_printed_in_rusts_spelling() {
    let stub = hosted().await;
    let error = provider(stub.base_url()).await.complete(ask("fault/key-budget", "hello")).await.unwrap_err();
    let printed = format!("{error:?}");
    assert!(printed.contains("kind: QuotaExceeded") && printed.contains("retry_after_ms: None"), "{printed}");
    assert_eq!((error.kind().name(), error.origin().name()), ("quota_exceeded", "gateway"));
}

/// A report, such as anyhow's `{:#}`, prints the message and all causes.
#[tokio::test]
async fn no_cause_of_an_error_says_what_its_message_says() {
    let call = ToolCall { id: "1".into(), name: "f".into(), arguments_json: "{".into(), signature: None };
    for error in [
        Provider::load("Cargo.toml", Setup::default()).await.unwrap_err(),
        ConfigFile::open("/").unwrap_err(),
        call.arguments().unwrap_err(),
    ] {
        let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
        assert!(!causes.any(|cause| error.to_string().contains(&cause.to_string())), "{error}");
    }
}

/// What an embedder gave came from no command line, and the path of a certificate is none.
#[tokio::test]
async fn a_hint_is_right_for_an_embedder_too() {
    let plugin = plugin().await;
    let ca = json!({"models": {"providers": {"portkey": {"request": {"tls": {"ca": "/etc/company.pem"}}}}}});
    for (setup, said) in [
        (Setup::default().secret("portkey-api-key", "pk-a\nb"), "It was given directly"),
        (Setup::new(ca).secret("portkey-api-key", KEY), "-----BEGIN"),
    ] {
        let error = Provider::connect(&plugin, setup).await.unwrap_err();
        let hint = error.record().hint.as_deref().unwrap_or_default();
        assert!(hint.contains(said) && !hint.contains("command line"), "{hint}");
    }
}

/// The base URL of the environment holds for a setup that is of the environment, and for no other.
#[tokio::test]
async fn a_setup_of_the_environment_calls_where_that_says() {
    let plugin = plugin().await;
    let variables =
        || Environment::from_iter([("PORTKEY_API_KEY", KEY), ("PORTKEY_BASE_URL", "http://127.0.0.1:1/v1")]);
    let of_env = Provider::connect(&plugin, Setup::from_env().environment(variables())).await.unwrap();
    assert_eq!(of_env.connection().base_url, "http://127.0.0.1:1/v1");
    let given = Setup::from_env().environment(variables()).base_url("http://127.0.0.1:2/v1");
    assert_eq!(Provider::connect(&plugin, given).await.unwrap().connection().base_url, "http://127.0.0.1:2/v1");
    let other = Setup::new(json!({})).environment(variables());
    let other = Provider::connect(&plugin, other).await.unwrap();
    assert_eq!(other.connection().base_url, plugin.descriptor().default_base_url);
}
