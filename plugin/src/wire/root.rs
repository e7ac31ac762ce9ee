//! The text of an answer as JSON, however it is wrapped, and whether its root is that of a failure.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use memchr::memchr_iter;

use crate::json::{Json, Nesting, Object};

/// The answer is no JSON object, or a failure.
#[derive(Debug)]
pub(crate) struct Misshapen;

/// How far down images and vectors are looked for.
pub(super) const MAX_DEPTH: usize = 6;

pub(super) type Result<T> = core::result::Result<T, Misshapen>;

/// The lists and objects of an answer that are looked into.
const OPENED: [&str; 8] = ["choices", "content_blocks", "data", "delta", "function", "message", "tool_calls", "usage"];

/// The root of an answer: an object, or the first of a list of them, as Google writes errors.
pub(crate) fn root(text: &str) -> Result<Object<'_>> {
    match Object::parse_opening(text, &OPENED) {
        Some(root) => Ok(root),
        None => {
            let items = Json::parse(text).ok().and_then(Json::into_list).ok_or(Misshapen)?;
            items.into_iter().next().and_then(Json::into_object).ok_or(Misshapen)
        }
    }
}

/// The root of an answer that is no failure.
pub(super) fn successful(text: &str) -> Result<Object<'_>> {
    root(text).and_then(|root| if is_failed(&root) { Err(Misshapen) } else { Ok(root) })
}

/// An answer that is a bare list. Others are not read once more: they may be large.
pub(super) fn listed(text: &str) -> Option<Json<'_>> {
    Some(text).filter(|text| text.trim_start().starts_with('[')).and_then(|text| Json::parse(text).ok())
}

/// The last JSON of a stream of events, which says all of what it was about; a text that is none stays what it is, and so
/// does a stream that ends with a part of an image.
pub(crate) fn last_event(text: &str) -> &str {
    let is_stream = ["data:", "event:", "id:", ":"].iter().any(|field| text.starts_with(field));
    if !is_stream {
        return text;
    }
    let mut events = text.lines().rev().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let last = events.find(|event| event.starts_with('{'));
    last.filter(|event| !event.contains("partial_image")).unwrap_or(text)
}

/// The object that a text begins with, which may be cut off, and what is behind it.
pub(crate) fn first(text: &str) -> (&str, &str) {
    let mut nesting = Nesting::default();
    let is_last = |byte: u8| {
        nesting.push(&[byte]);
        !nesting.is_open()
    };
    let end = text.bytes().position(is_last).map_or(text.len(), |at| at + 1);
    text.split_at_checked(end).unwrap_or_default()
}

/// The JSON objects of a text that holds several: one behind the other, or as a list.
pub(crate) fn objects(text: &str) -> Option<Vec<&str>> {
    // `data: [DONE]`, commas and brackets, and line breaks that were written as `\n`.
    let is_between = |text: &str| text.bytes().all(|byte| b" \t\r\n,[]\":datoneDONE\\r".contains(&byte));
    let (mut objects, mut rest) = (Vec::new(), text);
    while let Some((between, object)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
        let (object, behind) = first(object);
        objects.push(Some(object).filter(|_| is_between(between))?);
        rest = behind;
    }
    // One alone may have a comma behind it, or the end of a stream.
    let are_several = objects.len() > 1 || rest.contains([',', ':', 'D', 'd', '\\']);
    (are_several && is_between(rest)).then_some(objects)
}

/// A piece of arguments that have come so far, where it holds their end and more: what is theirs, and another object behind
/// it. Some models write parallel calls as one (litellm#40582), and some write words or a tag there (vllm#48975), which are
/// left out; but not where a quote says that the end may be one within a text.
pub(crate) fn parted(mut arguments: Nesting, piece: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    for at in memchr_iter(b'}', piece.as_bytes()) {
        let end = at + 1;
        arguments.push(piece.as_bytes().get(from..end)?);
        from = end;
        if arguments.is_closed {
            let (own, rest) = piece.split_at_checked(end)?;
            let rest = rest.trim_start_matches(|next: char| next == ',' || next.is_ascii_whitespace());
            let is_next = rest.starts_with('{');
            return (is_next || !rest.is_empty() && !rest.contains('"'))
                .then_some((own, if is_next { rest } else { "" }));
        }
    }
    None
}

/// The JSON in a text that was written as a text once more. Not one within that: to read each anew would take the square of
/// its length.
pub(crate) fn unquoted(text: &str) -> Option<String> {
    let text = text.starts_with('"').then(|| Json::parse(text).ok()?.string())??.into_owned();
    Some(text).filter(|text| text.trim_start().starts_with(['{', '[']))
}

/// An object or a list as Python writes it, as JSON: `NaN`, `None`, `'text'`. `None` where nothing in it is written so.
#[cold]
pub(crate) fn from_python(text: &str) -> Option<String> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let (mut read, mut quote, mut is_escaped, mut is_word) = (String::new(), None, false, false);
    for next in text.chars() {
        is_word &= next.is_ascii_alphabetic();
        match (quote, next) {
            _ if mem::take(&mut is_escaped) => {
                if next != '\'' {
                    read.push('\\');
                }
                read.push(next);
            }
            _ if is_word => {}
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if open == next => {
                quote = None;
                read.push('"');
            }
            (Some(_), '"') => read.push_str("\\\""),
            (None, '"' | '\'') => {
                quote = Some(next);
                read.push('"');
            }
            (None, 'N' | 'I' | 'T' | 'F') => {
                is_word = true;
                read.truncate(read.trim_end_matches('-').len());
                read.push_str(match next {
                    'T' => "true",
                    'F' => "false",
                    _ => "null",
                });
            }
            _ => read.push(next),
        }
    }
    (read != text).then_some(read)
}

/// Whether an answer says that it is a failure.
pub(crate) fn is_failed(root: &Object<'_>) -> bool {
    root.iter().any(|(name, value)| is_failure(name, value))
}

/// Whether a member at the top of an answer says that it is a failure.
pub(super) fn is_failure(name: &str, value: &Json<'_>) -> bool {
    match name {
        "error" | "errors" | "html-message" => !value.is_blank(),
        "status" | "object" | "type" => matches!(&*value.text(), "failure" | "failed" | "fail" | "error"),
        "success" | "ok" => value.bool() == Some(false),
        // FastChat's and Baidu's.
        "error_code" => !value.is_blank(),
        // iFlytek's, beside choices too (10013, 11200), and an HTTP status: 0, 200 and 20000 are success.
        "code" => value.count().is_some_and(|code| matches!(code, 400..600 | 10_000..20_000)),
        // MiniMax: 0 is success.
        "base_resp" => value.object().and_then(|base| base.get("status_code")?.count()).is_some_and(|code| code != 0),
        _ => false,
    }
}

/// Whether it is an event, or a whole answer, of the Responses API.
pub(crate) fn is_of_responses(root: &Object<'_>) -> bool {
    root.iter().any(|(name, value)| match &**name {
        "object" => value.is("response"),
        "type" => value.text().starts_with("response."),
        _ => false,
    })
}
