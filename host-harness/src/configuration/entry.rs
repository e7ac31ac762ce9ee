//! The provider's entry, put together from all places where OpenClaw takes it: other spellings of its name, and headers of
//! the entry, of a model, and of `request`.

use std::{collections::HashSet, mem};

use boundary::references::shorthand;
use serde_json::{Map, Value, json};

use super::value_shapes::REFUSED_TOO;
use crate::error::{Error, Result};

/// Adds what another spelling of the provider's name says to its entry, as a plugin reads the two: models and headers are
/// joined, and of every other setting the first value counts.
pub(crate) fn join(entry: &mut Map<String, Value>, mut more: Map<String, Value>) {
    if let (Some(Value::Array(all)), Some(Value::Array(more))) = (entry.get_mut("models"), more.get_mut("models")) {
        all.append(more);
    }
    if let (Some(Value::Object(all)), Some(Value::Object(more))) = (entry.get_mut("headers"), more.get_mut("headers")) {
        *all = last_of_each(mem::take(more).into_iter().chain(mem::take(all)).collect());
    }
    fill(entry, more);
}

/// Adds what is said elsewhere of the same thing: the first value of a name counts, and `null` is none.
pub(crate) fn fill(known: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        if let None | Some(Value::Null) = known.get(&name) {
            known.insert(name, value);
        }
    }
}

/// The headers of an entry: its own, over these the model's, and over these those of `request`. As OpenClaw does it,
/// `request.auth` is a header that goes over all of them.
pub(crate) fn headers(entry: &Map<String, Value>, model: Option<&Value>, path: &str) -> Result<Map<String, Value>> {
    let mut all = Vec::new();
    let request = entry.get("request");
    let places = [
        ("headers", entry.get("headers")),
        ("models[].headers", model.and_then(|model| model.get("headers"))),
        ("request.headers", request.and_then(|request| request.get("headers"))),
    ];
    for (place, table) in places {
        match table {
            None | Some(Value::Null) => {}
            Some(Value::Object(table)) => {
                for (name, value) in table {
                    all.push((name.clone(), checked_header(value, &format!("{path}.{place}.{name}"))?));
                }
            }
            // What is wrong with the entry's own, the plugin says.
            Some(_) if place == "headers" => return Ok(Map::new()),
            Some(_) => return Err(Error::at(format!("{path}.{place}"), "is not an object of names and values")),
        }
    }
    if let Some((name, header)) =
        auth(request.and_then(|request| request.get("auth")), &format!("{path}.request.auth"))?
    {
        all.extend([("authorization".to_owned(), Value::Null), (name, header)]);
    }
    Ok(last_of_each(all))
}

/// Of the headers of each name, in any letters, the last; null says that there is none.
fn last_of_each(mut all: Vec<(String, Value)>) -> Map<String, Value> {
    let mut seen = HashSet::new();
    all.reverse();
    all.retain(|(name, _)| seen.insert(name.trim().to_ascii_lowercase()));
    all.into_iter().rev().filter(|(_, value)| !value.is_null()).collect()
}

/// `$NAME` is written out, for those who look for `${NAME}`.
fn checked_header(value: &Value, path: &str) -> Result<Value> {
    match value {
        Value::String(text) => Ok(shorthand(text).map_or_else(|| value.clone(), |name| format!("${{{name}}}").into())),
        Value::Object(_) => Ok(secret_header("", value, path)),
        _ => Err(Error::at(path, "must be a text, or a reference to a secret").hint(REFUSED_TOO)),
    }
}

/// A header whose value is a secret of `value`'s form behind `prefix`. A plugin never sees an object there, and so only
/// this host reads it.
fn secret_header(prefix: &str, value: &Value, path: &str) -> Value {
    json!({"prefix": prefix, "secret": value, "path": path})
}

/// The parts of what [`secret_header`] made.
pub(crate) fn read_secret_header(header: &Map<String, Value>) -> Option<(&str, &Value, &str)> {
    Some((header.get("prefix")?.as_str()?, header.get("secret")?, header.get("path")?.as_str()?))
}

/// `request.auth`: a header's name and value.
fn auth(auth: Option<&Value>, path: &str) -> Result<Option<(String, Value)>> {
    let auth = match auth {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(auth)) => auth,
        Some(_) => return Err(Error::at(path, "must be an object")),
    };
    let is_filled = |value: &&Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    let needed =
        |name: &str| auth.get(name).filter(is_filled).ok_or_else(|| Error::at(format!("{path}.{name}"), "is missing"));
    let only = |names: &[&str]| match auth.keys().find(|name| *name != "mode" && !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::at(format!("{path}.{name}"), "does not belong to this mode")),
    };
    match auth.get("mode").and_then(Value::as_str).unwrap_or_default() {
        "provider-default" => only(&[]).map(|()| None),
        "authorization-bearer" => {
            only(&["token"])?;
            let token = secret_header("Bearer ", needed("token")?, &format!("{path}.token"));
            Ok(Some(("authorization".into(), token)))
        }
        "header" => {
            only(&["headerName", "value", "prefix"])?;
            let wrong = || Error::at(format!("{path}.headerName"), "must be a text");
            let name = needed("headerName")?.as_str().ok_or_else(wrong)?.trim().to_owned();
            let prefix = auth.get("prefix").and_then(Value::as_str).unwrap_or_default().trim();
            Ok(Some((name, secret_header(prefix, needed("value")?, &format!("{path}.value")))))
        }
        other => Err(Error::at(format!("{path}.mode"), format!("is `{other}`, which is unknown"))
            .hint("Use provider-default, authorization-bearer with a token, or header with a headerName and a value.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn headers_come_from_every_place_and_the_last_counts() {
        let entry = json!({"headers": {"A": "1", "b": "1", "Authorization": "x", "t": "$TEAM"},
            "request": {"headers": {"a": "3"}, "auth": {"mode": "header", "headerName": "X-Pass", "value": {"source": "env", "provider": "default", "id": "P"}, "prefix": "p "}}});
        let model = json!({"headers": {"B": "2", "a": "2"}});
        let all = headers(&object(entry), Some(&model), "p").unwrap();
        let passed = json!({"prefix": "p", "secret": {"source": "env", "provider": "default", "id": "P"}, "path": "p.request.auth.value"});
        assert_eq!(Value::from(all), json!({"t": "${TEAM}", "B": "2", "a": "3", "X-Pass": passed}));
    }

    #[test]
    fn a_way_to_sign_in_that_is_not_understood_is_refused() {
        for (auth, why) in [
            (json!("x"), "must be an object"),
            (json!({"mode": "basic"}), "`basic`"),
            (json!({}), "mode"),
            (json!({"mode": "authorization-bearer"}), "token` is missing"),
            (json!({"mode": "authorization-bearer", "token": " "}), "token` is missing"),
            (json!({"mode": "header", "value": "x"}), "headerName` is missing"),
            (json!({"mode": "header", "headerName": "x", "value": "x", "token": "y"}), "token` does not belong"),
        ] {
            let error = headers(&object(json!({"request": {"auth": auth}})), None, "p").unwrap_err().to_string();
            assert!(error.contains(why), "{auth}: {error}");
        }
    }
}
