//! `lint`, and that nothing in the configuration or on the command line is ignored: what does not exist is refused before
//! anything is sent, with the name that was probably meant.

use serde_json::{Value, json};

use crate::support::User;

fn options(options: Value) -> Value {
    json!({"plugins": {"entries": {"portkey": {"config": options}}}})
}

/// A configuration, what is said of it, and where it is the plugin that finds it: then `lint` says it as a finding.
fn wrong() -> Vec<(Value, &'static str, bool)> {
    let entry = |name: &str| {
        let mut config = json!({"models": {"providers": {"portkey": {}}}});
        config["models"]["providers"]["portkey"][name] = json!({"x-a": "b"});
        config
    };
    vec![
        (options(json!({"confg": "pc-a"})), "Did you mean config?", true),
        (options(json!({"trace_id": "t"})), "Did you mean traceId?", true),
        (options(json!({"temperature": 1})), "goes into the params of a model", true),
        (options(json!({"config": {"strategy": {"mode": "fallbak"}}})), "did you mean fallback?", true),
        (options(json!({"config": {"retri": {"attempts": 3}}})), "did you mean retry?", true),
        (options(json!({"config": "{\"targts\":[]}"})), "did you mean targets?", true),
        (json!({"plugins": {"entries": {"portkey": {"confg": {"config": "pc-a"}}}}}), "Did you mean `config`?", false),
        (json!({"plugin": {}}), "Options are at `plugins.entries`", false),
        (entry("header"), "Did you mean `headers`?", false),
        (entry("haeders"), "Did you mean `headers`?", false),
    ]
}

/// Or a call would go where the defaults say, with the key.
#[test]
fn a_configuration_that_is_named_and_not_there_is_refused() {
    let user = User::new();
    for command in [&["chat", "hello"][..], &["models"], &["lint"]] {
        let ran = user.cli.run(&[command, &["--config", "none.json"]].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("there is no configuration `none.json`"), "{ran:?}");
    }
    assert!(user.stub.requests().is_empty());
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest_name() {
    let user = User::new();
    let path = user.cli.folder.path().join("c.json");
    for (config, expected, is_finding) in wrong() {
        std::fs::write(&path, config.to_string()).unwrap();
        for command in [&["chat", "hello"][..], &["lint"], &["doctor"]] {
            let ran = user.cli.run(&[command, &["--config", "c.json"]].concat());
            assert_eq!(ran.code, 4, "{config}: {command:?}: {ran:?}");
            assert!(format!("{}{}", ran.out, ran.err).contains(expected), "{config}: {command:?}: {ran:?}");
        }
        let json = user.cli.run(&["lint", "--config", "c.json", "--json"]);
        assert_eq!(json.code, 4, "{json:?}");
        assert_eq!(json.json()["findings"].is_array(), is_finding, "{json:?}");
        if is_finding {
            assert_eq!(
                (&json.json()["valid"], &json.json()["findings"][0]["severity"]),
                (&json!(false), &json!("error"))
            );
        }
    }
    let chats = user.stub.requests().iter().filter(|request| request.path.contains("chat")).count();
    assert_eq!(chats, 0);
}

#[test]
fn options_on_the_command_line_are_held_to_the_same() {
    let user = User::new();
    for (flags, expected) in [
        (&["--option", "confg=x"][..], "Did you mean config?"),
        (&["--option", "temperature=1"], "chat takes it as --temperature"),
        (&["--portkey-config", r#"{"strategy":{"mode":"fallbak"}}"#], "did you mean fallback?"),
        (&["--header", r#"x-portkey-config: {"strategy":{"mode":"fallbak"}}"#], "did you mean fallback?"),
    ] {
        let ran = user.cli.run(&[&["chat", "hello"], flags].concat());
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{flags:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{flags:?}: {ran:?}");
        assert_eq!(user.cli.run(&[&["lint"], flags].concat()).code, 4, "{flags:?}");
    }
    // All of it is found at once.
    let both = r#"{"strategy":{"mode":"fallbak"},"retri":{}}"#;
    let found = user.cli.run(&["lint", "--portkey-config", both, "--option", "debug=maybe"]);
    assert_eq!((found.code, found.out.lines().count()), (4, 3), "{found:?}");
    assert!(user.stub.requests().is_empty());
}

#[test]
fn doubts_are_told_and_a_good_configuration_has_none() {
    let user = User::new();
    let doubt = user.cli.run(&["lint", "--header", r#"x-portkey-config: {"retry":{"attempts":9}}"#]).ok();
    assert!(doubt.out.starts_with("warning: models.providers.portkey.headers.x-portkey-config: "), "{doubt:?}");
    let good = user.cli.run(&["lint"]).ok();
    assert!(good.out.contains("nothing to mend"), "{good:?}");
    let json = user.cli.run(&["lint", "--json"]).ok().json();
    assert_eq!((&json["valid"], &json["findings"]), (&json!(true), &json!([])));
    assert!(user.stub.requests().is_empty());
}
