//! Results of the gateway's guardrails: which check denied a request or an answer, and why. Source: gateway 1.15.2, 2.2.3.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{Json, Object, lossy};

/// The checks that denied, of the `hook_results` in a body.
pub(crate) fn denied(body: &[u8]) -> Option<String> {
    let text = lossy(body);
    denied_by(Object::parse(&text)?.get("hook_results")?, false)
}

/// The same of `hook_results` themselves. `is_late`: where they come behind a streamed answer, a verdict alone denies
/// nothing, since the answer is there.
pub(crate) fn denied_by(results: &Json<'_>, is_late: bool) -> Option<String> {
    let results = results.object()?;
    let (mut first, mut checks) = (None, Vec::new());
    for name in ["before_request_hooks", "after_request_hooks"] {
        for hook in results.list(name).into_iter().filter_map(Json::into_object) {
            let says = |name| hook.get(name).and_then(Json::bool);
            let denies = if is_late { says("deny") == Some(true) } else { says("deny") != Some(false) };
            if denies && says("verdict") == Some(false) && says("async") != Some(true) {
                first.get_or_insert_with(|| hook.text("id").into_owned());
                checks.extend(hook.list("checks").into_iter().filter_map(why));
            }
        }
    }
    first.map(|id| if checks.is_empty() { id } else { checks.join("; ") })
}

/// A check that failed: its id, and what it says of it.
fn why(check: Json<'_>) -> Option<String> {
    let check = check.into_object().filter(|check| check.get("verdict").and_then(Json::bool) == Some(false))?;
    let said = |name| {
        let object = check.get(name)?.object()?;
        ["explanation", "message"].iter().map(|name| object.text(name)).find(|text| !text.is_empty())
    };
    let id = check.text("id");
    Some(match said("data").or_else(|| said("error")) {
        Some(said) => format!("{id}: {said}"),
        None => id.into_owned(),
    })
}
