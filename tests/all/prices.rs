//! What models and replies cost: the built component before the stand-in's price list, before gateways that have none, and
//! on the command line. No key goes along, and nothing waits for a price.

use std::fs;

use host_harness::{
    CallOptions, Provider,
    types::{GatewayReport, Usage},
    wit::prices::Price,
};
use serde_json::{Value, json};

use crate::{
    fault_server::{FaultServer, Step, bytes},
    hostile::{Host, tight},
    portkey_gateway::PortkeyGateway,
    raw_server::{JSON, whole},
    support::{Cli, KEY, User, ask, before_hosted, hosted, plugin, provider, setup},
};

const GPT_5: Price = Price { input: 1.25, output: 10.0, cache_read: Some(0.125), cache_write: None };

#[tokio::test]
async fn a_price_is_asked_for_once_and_without_the_key() {
    let stub = hosted().await;
    assert!(plugin().await.has_prices());
    let config = json!({"models": {"providers": {"portkey": {"headers": {
        "x-portkey-metadata": "{\"team\":\"a\"}", "x-corp-token": "corp-secret-91c2", "x-portkey-trace-id": "t",
    }}}}});
    let provider = Provider::connect(&plugin().await, setup(stub.base_url()).config(config)).await.unwrap();
    assert_eq!(provider.price_of("@openai/gpt-5").await, Some(GPT_5));
    assert_eq!(provider.price_of(" @openai/gpt-5 ").await, Some(GPT_5));
    // A provider derived from it knows what it knows.
    let call = provider.with(CallOptions::new().trace_id("other")).await.unwrap();
    assert_eq!(call.price_of("@openai/gpt-5").await, Some(GPT_5));
    // The list has none of this name, which is an answer too.
    assert_eq!(provider.price_of("@team-a/gpt-5").await, None);
    assert_eq!(provider.price_of("@team-a/gpt-5").await, None);
    let asked = stub.take_of_prices();
    assert_eq!(
        asked.iter().map(|request| &*request.path).collect::<Vec<_>>(),
        ["/model-configs/pricing/openai/gpt-5", "/model-configs/pricing/team-a/gpt-5"]
    );
    for request in asked {
        let mut names: Vec<_> = request.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host"]);
        assert!(!format!("{:?}", request.headers).contains(KEY));
    }
    assert!(stub.take().is_empty());

    let ids =
        ["@groq/openai/gpt-oss-120b", "gpt-5", "@google/gemini-2.5-flash", "@google/gemini-2.5-pro", "@openai/gpt-5"];
    let prices = provider.price_of_each(ids).await;
    let inputs: Vec<_> = prices.iter().map(|price| price.map(|price| price.input)).collect();
    assert_eq!(inputs, [Some(0.15), None, Some(0.3), None, Some(1.25)], "with two prices there is none");
    assert_eq!(stub.take_of_prices().len(), 7, "three for each of Google's, none for one that nobody serves");
}

#[tokio::test]
async fn a_gateway_that_is_none_of_the_hosted_ones_has_no_prices() {
    // The open-source gateway, as it is.
    let gateway = provider(PortkeyGateway::shared().base_url()).await;
    assert_eq!(gateway.price_of("@openai/gpt-5").await, None);
    let price = |input: &str| {
        format!(r#"{{"pay_as_you_go":{{"request_token":{{"price":{input}}},"response_token":{{"price":0.001}}}}}}"#)
    };
    for (head, body, is_price) in [
        (JSON, price("0.0001"), true),
        (JSON, price("-0.0001"), false),
        (JSON, price("1e999"), false),
        (JSON, price("5"), false),
        (JSON, r#"{"object":"list","data":[]}"#.into(), false),
        (JSON, String::new(), false),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n", "<html><title>Gateway</title>".into(), false),
        ("HTTP/1.1 302 Found\r\nlocation: https://example.com/\r\n", String::new(), false),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n",
            r#"{"error":"who are you?"}"#.into(),
            false,
        ),
    ] {
        let server = FaultServer::always(head, &body).await;
        let provider = provider(&server.base_url).await;
        for _ in 0..2 {
            assert_eq!(provider.price_of("@openai/gpt-5").await.is_some(), is_price, "{head}{body}");
        }
        assert_eq!(server.requests(), 1, "the answer holds for a day: {head}{body}");
    }
    // One that fails may have prices later; for now nobody is asked again, of whatever model.
    let server = FaultServer::http1(|_| vec![bytes(whole("HTTP/1.1 503 Busy\r\n", "")), Step::Close]).await;
    let provider = provider(&server.base_url).await;
    assert_eq!(provider.price_of_each(["@openai/gpt-5"]).await, [None]);
    assert_eq!(provider.price_of_each(["@openai/gpt-5", "@openai/gpt-5-mini"]).await, [None, None]);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn the_users_own_price_wins_and_asks_nobody() {
    let stub = hosted().await;
    let config = json!({"models": {"providers": {"portkey": {"models": [
        // What a row leaves out, another of its id says.
        {"id": "@openai/gpt-5", "cost": {"input": 1}},
        {"id": "@openai/gpt-5", "cost": {"input": 3, "output": 2, "cacheRead": 0.5, "cacheWrite": 0}},
        // As onboarding writes it.
        {"id": "@openai/gpt-5-mini", "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}},
    ]}}}});
    let provider = Provider::connect(&plugin().await, setup(stub.base_url()).config(config)).await.unwrap();
    let own = Price { input: 1.0, output: 2.0, cache_read: Some(0.5), cache_write: Some(0.0) };
    assert_eq!(provider.price_of("@openai/gpt-5").await, Some(own));
    let report = GatewayReport { provider: Some("openai".into()), ..GatewayReport::default() };
    assert_eq!(provider.price_of_reply("@openai/gpt-5", "gpt-5", &report).await, Some(own));
    assert!(stub.take_of_prices().is_empty());
    assert_eq!(provider.price_of("@openai/gpt-5-mini").await.map(|price| price.input), Some(0.25));
}

/// Another provider behind the same gateway has another price on the same day; what only logs read changes none.
#[tokio::test]
async fn a_price_is_that_of_the_way_that_a_model_is_asked_on() {
    let (stub, provider) = before_hosted().await;
    let by = async |name: &str, value: &str| provider.with(CallOptions::new().header(name, value)).await.unwrap();
    let (openai, groq) = (by("x-portkey-provider", "@openai").await, by("x-portkey-provider", "@groq").await);
    let elsewhere = by("x-portkey-custom-host", "http://127.0.0.1:9/v1").await;
    let report = GatewayReport { provider: Some("openai".into()), ..GatewayReport::default() };
    for _ in 0..2 {
        assert_eq!(provider.price_of("gpt-5").await, None);
        assert_eq!(openai.price_of("gpt-5").await, Some(GPT_5));
        assert_eq!(groq.price_of("gpt-5").await, None);
        assert_eq!(provider.price_of_reply("gpt-5", "gpt-5", &report).await, Some(GPT_5));
        assert_eq!(elsewhere.price_of_reply("gpt-5", "gpt-5", &report).await, None, "it has prices of its own");
        let logged = openai.with(CallOptions::new().trace_id("t").metadata("team", "a")).await.unwrap();
        assert_eq!(logged.price_of("gpt-5").await, Some(GPT_5));
    }
    let asked: Vec<_> = stub.take_of_prices().into_iter().map(|request| request.path).collect();
    assert_eq!(
        asked,
        ["openai/gpt-5", "groq/gpt-5", "openai/gpt-5"].map(|path| format!("/model-configs/pricing/{path}"))
    );
}

#[tokio::test]
async fn a_reply_is_paid_to_whom_it_came_from() {
    let (_stub, provider) = before_hosted().await;
    let report = |provider: Option<&str>, cache: Option<&str>| GatewayReport {
        provider: provider.map(str::to_owned),
        cache_status: cache.map(str::to_owned),
        ..GatewayReport::default()
    };
    let input = async |asked: &str, model: &str, report| {
        provider.price_of_reply(asked, model, &report).await.map(|price| price.input)
    };
    // A slug of the user's own, and a config that fell back to another model.
    assert_eq!(input("@team-a/gpt-5", "gpt-5", report(Some("openai"), Some("MISS"))).await, Some(1.25));
    assert_eq!(input("gpt-5", "claude-haiku-4-5", report(Some("anthropic"), None)).await, Some(1.0));
    assert_eq!(input("@openai/gpt-5", "gpt-5", report(Some("azure-openai"), None)).await, None);
    assert_eq!(input("@openai/gpt-5", "", report(None, None)).await, Some(1.25));
    for status in ["HIT", "SEMANTIC HIT"] {
        let usage = Usage { input_tokens: 5, output_tokens: 5, ..Usage::default() };
        let price = provider.price_of_reply("@openai/gpt-5", "gpt-5", &report(Some("openai"), Some(status))).await;
        assert_eq!(price.unwrap().cost_of(&usage), Some(0.0), "{status}: nobody was asked");
    }
    // And one that really came.
    let response = provider.complete(&ask("@openai/gpt-5", "hello")).await.unwrap();
    assert_eq!(input("@openai/gpt-5", &response.model, response.report).await, Some(1.25));
}

/// The attacks by way of the interface `prices`.
#[tokio::test]
async fn a_hostile_plugin_gets_no_key_for_a_price_and_tells_no_nonsense() {
    let host = Host::with(tight()).await;
    let price = async |id: &str| host.hostile.price_of(id).await;
    assert_eq!(price("fine").await.map(|price| price.input), Some(1.0));
    for id in ["NaN", "negative", "infinite", "largest", "trap"] {
        assert_eq!(price(id).await, None, "{id}");
    }
    // After a failure nobody is asked for a while.
    assert_eq!(price("fine").await.map(|price| price.input), Some(1.0), "what is known stays known");
    assert_eq!(price("ask").await, None);
    host.server.clear();

    let host = Host::with(tight()).await;
    let status = host.hostile.price_of("ask").await.map(|price| price.input);
    let [request] = &host.server.take()[..] else { panic!() };
    assert!(!format!("{:?}", request.headers).contains(KEY), "{:?}", request.headers);
    assert_eq!(status, Some(200.0), "a status, and the number of credentials that it was told of");
    let report = |header: &str| GatewayReport { provider: Some(header.into()), ..GatewayReport::default() };
    let credential = host.hostile.plugin().descriptor().credentials[0].header.clone();
    let refused = host.hostile.price_of_reply("ask", "ask", &report(&credential)).await;
    assert_eq!(refused.map(|price| price.input), Some(0.0), "the name is refused as ever");
    assert!(host.server.take().is_empty());
    assert_eq!(host.hostile.price_of("spin").await, None);
    host.serves().await;
}

fn rows(listed: &str) -> Vec<Vec<&str>> {
    listed.lines().map(|line| line.split('\t').collect()).collect()
}

#[test]
fn models_have_prices_in_each_form() {
    let user = User::new();
    let piped = user.cli.run(&["models", "openai", "gpt-5"]).ok();
    let mini = ["@openai/gpt-5-mini", "openai", "400000", "128000", "image", "minimal,low,medium,high", "$0.25/$2"];
    assert!(rows(&piped.out).contains(&mini.to_vec()), "{piped:?}");
    let nano = ["@openai/gpt-5-nano", "openai", "400000", "128000", "image", "minimal,low,medium,high"];
    assert!(rows(&piped.out).contains(&nano.to_vec()), "what is not known is left empty: {piped:?}");
    let asked = user.stub.take_of_prices();
    assert_eq!(asked.len(), piped.out.lines().count());
    assert!(asked.iter().all(|request| request.header("x-portkey-api-key").is_none()));

    // The next process knows them already.
    let json = user.cli.run(&["models", "openai", "gpt-5", "--json"]).ok().json();
    let price =
        |id: &str| json["models"].as_array().unwrap().iter().find(|model| model["id"] == id).unwrap()["price"].clone();
    assert_eq!(
        price("@openai/gpt-5"),
        json!({"input": 1.25, "output": 10.0, "cache_read": 0.125, "cache_write": null})
    );
    assert_eq!(price("@openai/gpt-5-nano"), Value::Null);
    assert!(user.stub.take_of_prices().is_empty());
    let kept = fs::read_to_string(user.cli.folder.path().join(".cache/host-harness/prices.json")).unwrap();
    assert!(kept.contains("@openai/gpt-5-mini") && kept.contains("127.0.0.1") && !kept.contains(KEY), "{kept}");
}

/// A gateway of so many models, where one costs as much as another: its one answer is to all requests.
async fn catalog(count: usize) -> FaultServer {
    let models: Vec<_> = (0..count).map(|number| json!({"id": format!("@openai/m-{number}")})).collect();
    let rates = json!({"request_token": {"price": 0.0001}, "response_token": {"price": 0.0002}});
    FaultServer::always(JSON, json!({"data": models, "total": count, "pay_as_you_go": rates}).to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_models_are_not_asked_for_unless_the_user_says_so() {
    let server = catalog(51).await;
    let cli = Cli::before(&*server.base_url);
    let few = cli.run(&["models"]).ok();
    assert_eq!(server.requests(), 1, "{few:?}");
    assert!(few.err.contains("prices: --prices asks for them") && !few.out.contains('$'), "{few:?}");
    let filtered = cli.run(&["models", "m-1"]).ok();
    assert_eq!(server.requests(), 2 + filtered.out.lines().count());
    assert!(
        filtered.out.lines().all(|line| line.ends_with("\t$1/$2")) && !filtered.err.contains("--prices"),
        "{filtered:?}"
    );
    let all = cli.run(&["models", "--prices", "--json"]).ok().json();
    assert!(all["models"].as_array().unwrap().iter().all(|model| model["price"]["output"] == 2.0), "{all}");
    assert_eq!(server.requests(), 2 + 51 + 1);
}

/// What a summary says of the cost.
fn cost(summary: &str) -> Option<&str> {
    summary.split(", ").find(|part| part.starts_with('$'))
}

#[test]
fn chat_tells_what_a_reply_costs() {
    let user = User::new();
    let json = user.cli.run(&["chat", "hello", "-m", "@openai/gpt-5-mini", "--json"]).ok().json();
    let tokens = |name: &str| json["usage"][name].as_f64().unwrap();
    let plain = tokens("input_tokens") - json["usage"]["cache_read_tokens"].as_f64().unwrap_or(0.0);
    let expected = plain * 0.25e-6 + tokens("output_tokens") * 2e-6;
    assert!((json["cost"].as_f64().unwrap() - expected).abs() < 1e-9, "{json}");
    for form in [&["--no-stream"][..], &[]] {
        let told = user.cli.run(&[&["chat", "hello", "-m", "@openai/gpt-5-mini"][..], form].concat()).ok();
        assert!(cost(&told.err).is_some(), "{told:?}");
        assert!(!told.out.contains('$'), "{told:?}");
    }
    assert_eq!(user.stub.take_of_prices().len(), 1, "asked for once, and kept");
    // Unknown is absent, and no error.
    let unknown = user.cli.run(&["chat", "hello", "-m", "@team-a/llama"]).ok();
    assert_eq!(cost(&unknown.err), None, "{unknown:?}");
    let unknown = user.cli.run(&["chat", "hello", "-m", "@team-a/llama", "--json"]).ok().json();
    assert_eq!(unknown["cost"], Value::Null);
    // The gateway's own cache.
    let cached = ["chat", "hello", "-m", "@openai/gpt-5", "--header", "x-portkey-cache-namespace: n"];
    assert_ne!(cost(&user.cli.run(&cached).ok().err), Some("$0"));
    assert_eq!(cost(&user.cli.run(&cached).ok().err), Some("$0"));
}

#[test]
fn a_price_that_nobody_would_see_is_not_asked_for() {
    let user = User::new();
    let quiet = ["-q", "chat", "hello", "-m", "@openai/gpt-5-mini"];
    for form in [&["--no-stream"][..], &["--output", "reply.txt"], &[]] {
        user.cli.run(&[&quiet, form].concat()).ok();
    }
    assert!(user.stub.take_of_prices().is_empty());
    let json = user.cli.run(&[&quiet[..], &["--json"]].concat()).ok().json();
    assert!(json["cost"].is_number(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_does_not_come_keeps_no_reply_up() {
    let reply = r#"{"id":"c","model":"m","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;
    let reply = whole(JSON, reply);
    let server =
        FaultServer::http1(move |number| if number == 1 { vec![bytes(&reply)] } else { vec![Step::Stall] }).await;
    let cli = Cli::before(&*server.base_url);
    // The server goes by the model's number, so its provider is named apart.
    let asked = ["chat", "hello", "-m", "1", "--no-stream", "--json", "--option", "provider=openai"];
    let json = cli.run(&asked).ok().json();
    assert_eq!((&json["text"], &json["cost"]), (&json!("hello"), &Value::Null));
    assert_eq!(server.requests(), 2, "a price was asked for");
}
