//! What holds for any configuration file and any body: the properties that `make fuzz` puts to the test too, inputs
//! that it found or began with, and made-up ones.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

use boundary::view::View;
use properties::{corpus, host};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn every_input_of_the_corpora() {
    corpus::replay("file", host::file);
    corpus::replay("mask", host::mask);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    // Few names, so that a patch hits.
    let name = prop_oneof![9 => "[abc]", 1 => any::<String>()];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from), any_object(name.clone(), inner),]
    })
}

fn any_object(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    prop::collection::vec((name, value), 0..6).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// `value` with `patch` over it, where `null` removes (RFC 7396).
fn patched(mut value: Value, patch: &Value) -> Value {
    let Value::Object(members) = patch else { return patch.clone() };
    if !value.is_object() {
        value = json!({});
    }
    for (name, patch) in members {
        let fields = value.as_object_mut().unwrap();
        match patch {
            Value::Null => drop(fields.shift_remove(name)),
            _ => {
                let old = fields.entry(name).or_insert(Value::Null);
                *old = patched(old.take(), patch);
            }
        }
    }
    value
}

/// The value as a person may write it. `whims` says how.
fn handwritten(value: &Value, whims: &mut impl Iterator<Item = u8>, out: &mut String) {
    let (open, close, members): (_, _, Vec<(Option<&str>, &Value)>) = match value {
        Value::Object(members) => ('{', '}', members.iter().map(|(name, value)| (Some(&**name), value)).collect()),
        Value::Array(items) => ('[', ']', items.iter().map(|item| (None, item)).collect()),
        leaf => return out.push_str(&leaf.to_string()),
    };
    out.push(open);
    gap(whims, out);
    for (at, (name, value)) in members.iter().enumerate() {
        if let Some(name) = name {
            match *name {
                "a" => out.push('a'),
                "b" => out.push_str("'b'"),
                name => out.push_str(&json!(name).to_string()),
            }
            gap(whims, out);
            out.push(':');
            gap(whims, out);
        }
        handwritten(value, whims, out);
        gap(whims, out);
        if at + 1 < members.len() || whims.next() < Some(128) {
            out.push(',');
        }
        gap(whims, out);
    }
    out.push(close);
}

/// What may stand between two tokens.
fn gap(whims: &mut impl Iterator<Item = u8>, out: &mut String) {
    const GAPS: [&str; 8] = ["", " ", "\n  ", "\r\n\t", " /* of old */ ", "\n// on: {a line}\n", "", "  "];
    out.push_str(GAPS[usize::from(whims.next().unwrap_or_default()) % GAPS.len()]);
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        host::file(&bytes);
        host::mask(&bytes);
    }

    #[test]
    fn any_file_with_any_change(old in any_object("[abc]", any_json()), patch in any_object("[abc]", any_json()),
        whims in prop::collection::vec(any::<u8>(), 1..64), has_mark in any::<bool>())
    {
        let mut file = String::from(if has_mark { "\u{feff}// on top\n" } else { "" });
        handwritten(&old, &mut whims.into_iter().cycle(), &mut file);
        let new = patched(old, &patch).to_string();
        host::file(&[file.as_bytes(), &[0xff], new.as_bytes()].concat());
    }

    #[test]
    fn any_body_with_any_secrets(secrets in prop::collection::vec("[ab-]{6,9}", 1..4), body in "[ab-]{0,40}",
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..6))
    {
        let mut body = body.into_bytes();
        for index in at {
            body.insert(index.index(body.len() + 1), 0xff);
        }
        host::mask(&[secrets.join(" ").as_bytes(), b"\n", &*body].concat());
    }

    #[test]
    fn no_secret_is_shown_to_a_plugin_and_each_comes_back(id in "[pP]ortkey", key in "secret-[a-z]{1,9}",
        header in prop_oneof![Just("Authorization"), Just("x-api-key"), Just("Cookie")], request in any_json(), rest in any_json())
    {
        let config = json!({"rest": rest, "gateway": {"token": key}, "models": {"providers": {
            "other": {"apiKey": key},
            id: {"apiKey": key, "headers": {header: key, "x-plain": "plain"}, "request": {"proxy": key, "rest": request}}}}});
        let view = View::of(&config, "portkey");
        prop_assert!(!view.json().contains("secret-"), "{}", view.json());
        prop_assert_eq!(view.merge_back(&config, "portkey", &view.json()).unwrap(), config);
    }
}
