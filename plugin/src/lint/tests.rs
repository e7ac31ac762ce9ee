use super::*;

/// The findings for one header: `E` or `W`, and a part of the message.
fn found(is_hosted: bool, name: &str, value: &str) -> Vec<(Severity, String)> {
    let header = Header { name: name.to_owned(), value: value.to_owned(), path: "p".to_owned() };
    headers(&[header], is_hosted, true).into_iter().map(|finding| (finding.severity, finding.message)).collect()
}

const HOSTED: bool = true;
const OWN: bool = false;

#[test]
fn both_hosted_editions_are_hosted() {
    for (base_url, is_hosted) in [
        ("https://api.portkey.ai/v1", true),
        ("https://aigw.portkey.ai/v1", true),
        ("https://AIGW.Portkey.ai:443/v1/", true),
        ("https://aigw.portkey.ai./v1", true),
        ("https://gateway.portkey.ai.example/v1", false),
        ("http://127.0.0.1:8787/v1", false),
    ] {
        let config = serde_json::json!({"models": {"providers": {"portkey": {
            "baseUrl": base_url,
            "models": [{"id": "gpt-5"}],
            "headers": {"x-portkey-custom-host": "http://h/v1", "x-portkey-cache-force-refresh": "false"},
        }}}});
        let findings = document(&config.to_string());
        let says = |part: &str| findings.iter().any(|finding| finding.message.contains(part));
        assert_eq!(says("cannot route the bare model id"), is_hosted, "{base_url}");
        assert_eq!(says("hosted gateway refuses a custom host"), is_hosted, "{base_url}");
        assert_eq!(says("open-source gateway takes any value"), !is_hosted, "{base_url}");
    }
}

#[test]
fn guardrails_that_do_not_run_are_told() {
    let told_of = |base_url: &str, model: &str, options: serde_json::Value| {
        let config = serde_json::json!({
            "models": {"providers": {"portkey": {"baseUrl": base_url, "models": [{"id": model}]}}},
            "plugins": {"entries": {"portkey": {"config": options}}},
        });
        document(&config.to_string()).iter().any(|finding| finding.message.contains("runs no guardrails"))
    };
    let told = |base_url: &str, model: &str, config: &str, protocol: Option<&str>| {
        told_of(base_url, model, serde_json::json!({"config": {config: [{}]}, "protocol": protocol}))
    };
    let own = "http://127.0.0.1:8787/v1";
    assert!(told(own, "gpt-5-codex", "input_guardrails", None));
    assert!(told(own, "prod", "output_guardrails", Some("responses")));
    assert!(!told(own, "gpt-5-codex", "input_guardrails", Some("chat")));
    assert!(!told(own, "gpt-5", "input_guardrails", None));
    assert!(!told(own, "gpt-5-codex", "override_params", None));
    assert!(!told("https://api.portkey.ai/v1", "@openai/gpt-5-codex", "input_guardrails", None));
    // As a request is sent: for the model that the user says is behind an id, and that a config sends it to.
    let guarded = |families: serde_json::Value, config: serde_json::Value| {
        let mut options = serde_json::json!({"config": config, "modelFamilies": families});
        options["config"]["input_guardrails"] = serde_json::json!([{}]);
        told_of(own, "prod", options)
    };
    assert!(guarded(serde_json::json!({"prod": "gpt-5-codex"}), serde_json::json!({})));
    assert!(!guarded(serde_json::json!({"prod": "gpt-5", "other": "gpt-5-codex"}), serde_json::json!({})));
    let targets = serde_json::json!({"targets": [{"provider": "openai", "override_params": {"model": "gpt-5-codex"}}]});
    assert!(guarded(serde_json::json!({}), targets));
    // The gateway takes them without a config too.
    let default = |name: &str, model: &str| {
        let entry = serde_json::json!({"baseUrl": own, "models": [{"id": model}], "headers": {name: "[{}]"}});
        let config = serde_json::json!({"models": {"providers": {"portkey": entry}}});
        document(&config.to_string()).iter().any(|finding| finding.message.contains("runs no guardrails"))
    };
    assert!(default("x-portkey-default-input-guardrails", "gpt-5-codex"));
    assert!(default("X-Portkey-Default-Output-Guardrails", "gpt-5-codex"));
    assert!(!default("x-portkey-default-output-guardrails", "gpt-5.5"));
}

#[test]
fn errors() {
    let long = format!("{{\"a\":\"{}\"}}", "é".repeat(129));
    for (name, value, part) in [
        ("x-portkey-metadata", "not json", "must be a JSON object"),
        ("x-portkey-metadata", "{'a':'b'}", "double quotes"),
        ("x-portkey-metadata", "[1]", "must be a JSON object"),
        ("x-portkey-metadata", r#"{"a":1}"#, "value of a must be a text"),
        ("x-portkey-metadata", &long, "longer than 128"),
        ("x-portkey-config", r#"'{"a":1}'"#, "single quotes"),
        ("x-portkey-config", r#"{"strategy":1}"#, "strategy must be an object"),
        ("x-portkey-config", r#"{"targets":[{"retry":null}]}"#, "retry must be an object"),
        ("x-portkey-config", r#"{"cache":"simple"}"#, "cache must be an object"),
        ("x-portkey-config", r#"{"strategy":{"mode":1}}"#, "mode must be a text"),
        ("x-portkey-config", r#"{"targets":[{"strategy":{"mode":null}}]}"#, "mode must be a text"),
        ("x-portkey-config", r#"{"cache":{"mode":true}}"#, "mode must be a text"),
        ("x-portkey-config", r#"{"request_timeout":"1s"}"#, "request_timeout must be a number"),
        ("x-portkey-config", r#"{"targets":[{"weight":"1"}]}"#, "weight must be a number"),
        ("x-portkey-config", r#"{"retry":{"attempts":"3"}}"#, "attempts must be a number"),
        ("x-portkey-config", r#"{"cache":{"max_age":"1h"}}"#, "max_age must be a number"),
        ("x-portkey-config", r#"{"retry":{"on_status_codes":["429"]}}"#, "on_status_codes must be a list of numbers"),
        ("x-portkey-config", r#"{"targets":{}}"#, "targets must be a list"),
        ("x-portkey-config", r#"{"targets":[1]}"#, "targets must be a list of objects"),
        ("x-portkey-config", "{'retry':{}}", "double quotes"),
        ("x-portkey-config", "[1]", "must be a JSON object"),
        (
            "x-portkey-config",
            r#"{"strategy":{"mode":"loadbalance"},"targets":[{"weight":0},{"weight":0.0e5}]}"#,
            "All weights",
        ),
        (
            "x-portkey-config",
            r#"{"targets":[{"strategy":{"mode":"loadbalance"},"targets":[{"weight":0}]}]}"#,
            "All weights",
        ),
        ("x-portkey-config", r#"{"targets":[{"custom_host":"http://h/v1/"}]}"#, "end in a slash"),
        ("x-portkey-config", r#"{"strategy":{"mode":"fallbak"}}"#, "did you mean fallback"),
        ("x-portkey-config", r#"{"strategy":{"mode":"load_balance"}}"#, "did you mean loadbalance"),
        ("x-portkey-config", r#"{"targets":[{"strategy":{"mode":"Fallback"}}]}"#, "did you mean fallback"),
        (
            "x-portkey-config",
            r#"{"cache":{"mode":"simpel"}}"#,
            "holds simpel, which means nothing: did you mean simple?",
        ),
        ("x-portkey-config", r#"{"targets":[{"cache":{"mode":"sematic"}}]}"#, "did you mean semantic"),
        ("x-portkey-config", r#"{"stratgy":{"mode":"fallback"}}"#, "holds stratgy"),
        ("x-portkey-config", r#"{"targets":[{"target":[]}]}"#, "did you mean targets"),
        ("x-portkey-config", r#"{"retry":{"attemps":3}}"#, "did you mean attempts"),
        ("x-portkey-config", r#"{"strategy":{"on_status_code":[429]}}"#, "did you mean on_status_codes"),
        ("x-portkey-config", r#"{"cache":{"maxage":1,"moda":"simple"}}"#, "did you mean mode"),
        ("x-portkey-custom-host", "http://h/v1/", "end in a slash"),
        ("x-portkey-forward-headers", "['a','b']", "write a, b"),
        ("x-portkey-request-timeout", "5s", "milliseconds"),
        ("x-a", "h\u{e9}", "printable ASCII"),
        ("x-a", "a\u{7f}", "printable ASCII"),
        ("x-portkey-config", "pc\n-a", "printable ASCII"),
        ("a b", "v", "no header name"),
        ("", "v", "no header name"),
        ("host", "h", "from the base URL"),
        ("content-length", "1", "from its body"),
        ("content-type", "x", "from its body"),
        ("transfer-encoding", "chunked", "the host's"),
        ("connection", "close", "the host's"),
    ] {
        let found = found(OWN, name, value);
        let errors: Vec<_> = found.iter().filter(|(severity, _)| *severity == Severity::Error).collect();
        assert_eq!(errors.len(), 1, "{name}: {value}: {found:?}");
        assert!(errors[0].1.contains(part), "{name}: {value}: {}", errors[0].1);
    }
}

#[test]
fn warnings() {
    for (is_hosted, name, value, part) in [
        (HOSTED, "x-portkey-config", r#"{"retry":{"use_retry_after_header":true}}"#, "use_retry_after_headers there"),
        (
            OWN,
            "x-portkey-config",
            r#"{"targets":[{"retry":{"use_retry_after_headers":true}}]}"#,
            "use_retry_after_header there",
        ),
        (OWN, "x-portkey-config", r#"{"retry":{"attempts":6}}"#, "at most 5"),
        (OWN, "x-portkey-config", r#"{"strategy":{"mode":"sticky"}}"#, "single, loadbalance, fallback, conditional"),
        (OWN, "x-portkey-config", r#"{"cache":{"mode":"on"}}"#, "knows no cache mode on: there are simple, semantic"),
        (HOSTED, "x-portkey-config", r#"{"provider":"openai"}"#, "pc- id"),
        (HOSTED, "x-portkey-custom-host", "http://h/v1", "blocks inline"),
        (HOSTED, "x-portkey-forward-headers", "a, b", "blocks inline"),
        (OWN, "authorization", "Bearer ${PORTKEY_API_KEY}", "forwards Authorization"),
        (OWN, "x-portkey-cache-force-refresh", "false", "any value"),
        (OWN, "x-portkey-api-key", "pk-1", "ignored"),
    ] {
        let found = found(is_hosted, name, value);
        assert!(found.iter().all(|(severity, _)| *severity == Severity::Warning), "{name}: {value}: {found:?}");
        assert!(found.iter().any(|(_, message)| message.contains(part)), "{name}: {value}: {found:?}");
    }
}

#[test]
fn nothing_is_said_of_what_is_right() {
    let longest = format!("{{\"_user\":\"{}\"}}", "é".repeat(128));
    for (is_hosted, name, value) in [
        (HOSTED, "x-portkey-config", "pc-abc"),
        (
            OWN,
            "x-portkey-config",
            r#"{"strategy":{"mode":"loadbalance"},"targets":[{"weight":0},{}],"retry":{"attempts":5,"use_retry_after_header":true}}"#,
        ),
        (OWN, "x-portkey-config", r#"{"strategy":{"mode":"fallback"},"targets":[{"weight":0}]}"#),
        (
            OWN,
            "x-portkey-config",
            r#"{"strategy":{"mode":"conditional","conditions":[],"default":"a"},"targets":[{"name":"a","apiKey":"k","azure_region":"r","aws_region":"r","openai_project":"p","api_version":"v","default_params":{},"drop_params":[],"passthrough":{},"metadata":{},"before_request_hooks":[],"default_input_guardrails":[],"requestTimeout":1}]}"#,
        ),
        (HOSTED, "x-portkey-metadata", &longest),
        (OWN, "x-portkey-forward-headers", "a, b"),
        (OWN, "x-portkey-custom-host", "http://h/v1"),
        (HOSTED, "authorization", "Bearer ${PORTKEY_API_KEY}"),
        (OWN, "authorization", "Bearer ${OPENAI_API_KEY}"),
        (OWN, "x-portkey-metadata", "${METADATA}"),
        (OWN, "x-portkey-api-key", "${PORTKEY_API_KEY}"),
        // A letter away from a name that stands elsewhere.
        (OWN, "x-portkey-config", r#"{"targets":[{"provider":"openai","model":"gpt-5"}]}"#),
    ] {
        assert_eq!(found(is_hosted, name, value), [], "{name}: {value}");
    }
}

#[test]
fn a_header_of_portkeys_that_is_none_is_named_with_the_one_that_was_meant() {
    for (name, meant) in [
        ("x-portkey-cofig", Some("x-portkey-config")),
        ("x-portkey-metadta", Some("x-portkey-metadata")),
        ("x-portkey-virtualkey", Some("x-portkey-virtual-key")),
        ("x-portkey-trace-id", None),
        ("x-portkey-cache", None),
        ("x-portkey-aws-region", None),
        ("x-config", None),
    ] {
        let said: Vec<_> =
            found(OWN, name, "a").into_iter().filter(|(_, said)| said.contains("Did you mean")).collect();
        let expected =
            meant.map(|meant| (Severity::Warning, format!("Portkey has no header {name}. Did you mean {meant}?")));
        assert_eq!(said, Vec::from_iter(expected), "{name}");
    }
}

#[test]
fn headers_near_what_node_takes_are_refused() {
    let header = |size| Header { name: "x-a".to_owned(), value: "v".repeat(size), path: "p".to_owned() };
    assert_eq!(headers(&[header(MAX_HEADER_BYTES - 7)], OWN, true), []);
    let finding = headers(&[header(MAX_HEADER_BYTES - 6)], OWN, true).pop().unwrap();
    assert!(
        finding.severity == Severity::Error && finding.message.contains("431") && finding.message.contains("15360")
    );
}

#[test]
fn a_config_that_nests_without_end_is_refused() {
    let deep = format!("{}{}{}", r#"{"targets":["#.repeat(40), "{}", "]}".repeat(40));
    assert!(found(OWN, "x-portkey-config", &deep).iter().any(|(_, message)| message.contains("too deep")));
}

#[test]
fn documents() {
    let paths = |config: &str| -> Vec<(Severity, String)> {
        document(config).into_iter().map(|finding| (finding.severity, finding.path)).collect()
    };
    assert_eq!(paths("{}"), []);
    assert_eq!(paths("{"), [(Severity::Error, String::new())]);
    assert_eq!(
        paths(r#"{"models":{"providers":{"portkey":{"baseUrl":"http://localhost:8787"}}}}"#),
        [(Severity::Warning, "models.providers.portkey.baseUrl".to_owned())]
    );
    let of_a_call =
        paths(r#"{"models":{"providers":{"portkey":{"baseUrl":"http://localhost:8787/v1/chat/completions/"}}}}"#);
    assert_eq!(of_a_call, [(Severity::Error, "models.providers.portkey.baseUrl".to_owned())]);
    let bare = r#"{"models":{"providers":{"portkey":{"models":[{"id":"gpt-5"},{"id":"@openai/gpt-5"}],"headers":{}}}},"agents":{"defaults":{"model":{"primary":"portkey/o3"}}}}"#;
    assert_eq!(
        paths(bare),
        [
            (Severity::Warning, "models.providers.portkey.models[0]".to_owned()),
            (Severity::Warning, "agents.defaults.model".to_owned())
        ]
    );
    assert_eq!(paths(&bare.replace("o3", "@cf/meta/llama-3")), paths(bare), "no slug is in it");
    assert_eq!(paths(&bare.replace(r#""headers":{}"#, r#""headers":{"x-portkey-config":"${CONFIG}"}"#)), []);
    assert_eq!(paths(&bare.replace(r#""headers":{}"#, r#""baseUrl":"http://localhost:8787/v1""#)), []);
    assert_eq!(
        paths(
            r#"{"models":{"providers":{"portkey":{"headers":{"Content-Type":"x"}}}},"plugins":{"entries":{"portkey":{"config":{"metadata":{"a":true}}}}}}"#
        ),
        [
            (Severity::Error, "plugins.entries.portkey.config.metadata".to_owned()),
            (Severity::Error, "models.providers.portkey.headers.Content-Type".to_owned())
        ]
    );
}
