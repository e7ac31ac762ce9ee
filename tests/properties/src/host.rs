//! Properties of the host that hold for any configuration file, any answer of a plugin to it, and any answer of a
//! server.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jsonc_parser::{
    ParseOptions,
    cst::{CstNode, CstObject, CstObjectProp, CstRootNode},
};
use serde_json::{Map, Value, json};

use boundary::{
    edit::edited,
    json5,
    mask::{Mask, MaskedBody},
    view::View,
};

/// Cuts an input into parts. No UTF-8 text holds this byte, so that inputs stay readable.
const CUT: u8 = 0xff;

/// A configuration file, and after a cut the one that it shall become: the new text says just that, and all that did
/// not change stands there as it did.
pub fn file(input: &[u8]) {
    let mut parts = input.splitn(2, |&byte| byte == CUT);
    let old = parts.next().unwrap_or_default();
    let Some((old, node)) = str::from_utf8(old).ok().and_then(|old| Some((old, read(old)?))) else { return };
    let from = node.value();
    let value = match parts.next() {
        Some(new) => match str::from_utf8(new).ok().and_then(read) {
            Some(new) => new.value(),
            None => return,
        },
        None => {
            let mut value = from.clone();
            value["added"] = json!({"\u{e9}\"\n": [1, null]});
            value
        }
    };

    let Some(before) = object(old) else { return };
    if !is_plain(&before) || has_line_ends_of_json5(old) {
        // It may be refused, or come out wrong, which the host looks for before it writes.
        let _ = edited(old, &node, &from, &value);
        return;
    }
    assert_eq!(edited(old, &node, &from, &from).expect("it takes no change"), old, "nothing changed");
    let text = edited(old, &node, &from, &value).expect("it takes any change");
    assert_eq!(read(&text).expect("what was written can be read").value(), value);
    check_kept(&before, &object(&text).expect("an object"), &value);
    let around = |text: &str| {
        let children = CstRootNode::parse(text.trim_start_matches('\u{feff}'), &ParseOptions::default())
            .map(|root| root.children());
        children
            .expect("it was read before")
            .iter()
            .filter(|node| node.as_object().is_none())
            .map(CstNode::to_string)
            .collect::<String>()
    };
    assert_eq!(around(&text), around(old));
    view(&from, &value);
}

fn read(text: &str) -> Option<json5::Node> {
    json5::parse(text).ok()?.filter(|node| matches!(node.kind, json5::Kind::Object(_)))
}

fn object(text: &str) -> Option<CstObject> {
    let root = CstRootNode::parse(text.trim_start_matches('\u{feff}'), &ParseOptions::default()).ok()?;
    root.object_value()
}

/// Whether a line may end in `text` where it does not for `jsonc-parser`, whose comments then run on.
fn has_line_ends_of_json5(text: &str) -> bool {
    text.replace("\r\n", "\n").contains(['\r', '\u{2028}', '\u{2029}'])
}

/// Whether each member says what it is called, once, and what it is, here: none comes from another file.
fn is_plain(object: &CstObject) -> bool {
    let mut names = BTreeSet::new();
    object.properties().iter().all(|property| {
        let name = property.name().and_then(|name| name.decoded_value().ok());
        let value = property.value();
        name.is_some_and(|name| name != "$include" && names.insert(name))
            && value.as_ref().is_some_and(|value| value.to_serde_value().is_some())
            && value.and_then(|value| value.as_object()).is_none_or(|object| is_plain(&object))
    })
}

/// Members that did not change are the same text, and comments between members are still there unless one is gone.
fn check_kept(before: &CstObject, after: &CstObject, to: &Value) {
    let mut is_gone = false;
    let named = |property: CstObjectProp| {
        let name = property.name().and_then(|name| name.decoded_value().ok()).expect("a name");
        (name, property)
    };
    // `CstObject::get` goes through all members.
    let after_by_name: BTreeMap<_, _> = after.properties().into_iter().map(named).collect();
    for (name, old) in before.properties().into_iter().map(named) {
        let (Some(new), Some(value)) = (after_by_name.get(&name), to.get(&name)) else {
            is_gone = true;
            continue;
        };
        if old.to_serde_value().as_ref() == Some(value) {
            assert_eq!(new.to_string(), old.to_string());
        } else if let (Some(old), Some(new)) = (old.object_value(), new.object_value()) {
            check_kept(&old, &new, value);
        }
    }
    // A CR at its end may become part of the line's.
    let comments = |object: &CstObject| -> Vec<String> {
        object.children().iter().filter_map(|node| Some(node.as_comment()?.raw_value().trim_end().to_owned())).collect()
    };
    assert!(is_gone || comments(before) == comments(after), "{:?} became {:?}", comments(before), comments(after));
}

/// A plugin that answers with `answer` to its view of `config`.
fn view(config: &Value, answer: &Value) {
    const ID: &str = "portkey";
    let view = View::of(config, ID);
    let own = serde_json::from_str::<Value>(&view.json()).expect("JSON");
    // What the plugin was not shown is not changed, whatever it answers.
    for answer in [answer, &own] {
        let Ok(merged) = view.merge_back(config, ID, &answer.to_string()) else { continue };
        assert_eq!(unseen(&merged, ID), unseen(config, ID));
        if answer == &own {
            assert_eq!(View::of(&merged, ID).json(), view.json(), "a plugin that changes nothing");
        }
    }
}

/// The configuration without what a plugin is shown of it.
fn unseen(config: &Value, id: &str) -> Value {
    let mut rest = config.clone();
    let own = |name: &String| name.trim().eq_ignore_ascii_case(id);
    // Sections that hold nothing are made on the way.
    within(&mut rest, "models", &mut |models| {
        models.remove("mode");
        within_fields(models, "providers", &mut |providers| providers.retain(|name, _| !own(name)));
    });
    within(&mut rest, "agents", &mut |agents| {
        within_fields(agents, "defaults", &mut |defaults| {
            defaults.retain(|name, _| name != "model" && name != "models")
        });
    });
    within(&mut rest, "plugins", &mut |plugins| {
        within_fields(plugins, "entries", &mut |entries| {
            for name in entries.keys().filter(|name| own(name)).cloned().collect::<Vec<_>>() {
                within_fields(entries, &name, &mut |entry| drop(entry.remove("config")));
            }
        });
    });
    rest
}

fn within(value: &mut Value, name: &str, look: &mut dyn FnMut(&mut Map<String, Value>)) {
    if let Some(fields) = value.as_object_mut() {
        within_fields(fields, name, look);
    }
}

fn within_fields(fields: &mut Map<String, Value>, name: &str, look: &mut dyn FnMut(&mut Map<String, Value>)) {
    match fields.get_mut(name) {
        Some(Value::Object(inner)) => {
            look(inner);
            if inner.is_empty() {
                fields.remove(name);
            }
        }
        // Shown to the plugin as it is.
        Some(_) => drop(fields.remove(name)),
        None => {}
    }
}

/// Secrets, in the first line, and a body in pieces: however it is cut, the same comes out, and no secret.
pub fn mask(input: &[u8]) {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return };
    let Ok(secrets) = str::from_utf8(&input[..end]) else { return };
    // A mask may look like part of a secret that is written with asterisks.
    let secrets: Vec<&str> =
        secrets.split_ascii_whitespace().filter(|word| word.len() >= 6 && !word.contains('*')).collect();
    let mask = Mask::new(secrets.iter().map(|&secret| secret.into()));
    let pieces: Vec<&[u8]> = input[end + 1..].split(|&byte| byte == CUT).collect();
    let body = pieces.concat();

    let expected = mask.bytes(&body).unwrap_or(body.clone());
    check_masked(&body, &expected, &secrets);
    // Byte by byte, but for what is long.
    let bytes: Vec<&[u8]> = body.chunks(1 + body.len() / 128).collect();
    for pieces in [&[&*body][..], &pieces, &bytes] {
        let mut masked = MaskedBody::new(mask.clone());
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&masked.push(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&masked.finish());
        assert_eq!(out, expected, "{}", String::from_utf8_lossy(&out));
    }
    if let Ok(text) = str::from_utf8(&body) {
        assert_eq!(mask.text(text).as_bytes(), expected);
    }
}

/// Each byte that belongs to a secret is masked, and no other is changed. (A secret is masked in other codes too.)
fn check_masked(body: &[u8], masked: &[u8], secrets: &[&str]) {
    assert_eq!(masked.len(), body.len());
    assert!(masked.iter().zip(body).all(|(masked, byte)| masked == byte || *masked == b'*'));
    assert!(!secrets.is_empty() || masked == body);
    for secret in secrets {
        for at in 0..body.len() {
            if body[at..].starts_with(secret.as_bytes()) {
                assert!(masked[at..at + secret.len()].iter().all(|&byte| byte == b'*'), "at {at}");
            }
        }
        assert!(!masked.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}
