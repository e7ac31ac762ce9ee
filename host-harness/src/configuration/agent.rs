//! The agent whose own `model`, `models` and `params` go over those of `agents.defaults`, as in OpenClaw: the only one that
//! the configuration has. Which one of several is meant, only OpenClaw knows.

use serde_json::{Map, Value};

/// The only agent of a configuration.
pub(crate) struct SoleAgent<'c> {
    /// Where it is in the configuration, such as `agents.entries.main`.
    pub(crate) path: String,
    pub(crate) entry: &'c Map<String, Value>,
}

/// The only agent of `agents.entries`, or of the older `agents.list` where there is no `entries`.
pub(crate) fn sole_agent(config: &Value) -> Option<SoleAgent<'_>> {
    let agents = config.get("agents")?;
    match agents.get("entries") {
        Some(entries) => {
            let entries = entries.as_object()?.iter().filter_map(|(id, entry)| Some((id, entry.as_object()?)));
            let (id, entry) = only(entries)?;
            Some(SoleAgent { path: format!("agents.entries.{id}"), entry })
        }
        None => {
            let list = agents.get("list")?.as_array()?.iter().enumerate();
            let (at, entry) = only(list.filter_map(|(at, entry)| Some((at, entry.as_object()?))))?;
            Some(SoleAgent { path: format!("agents.list[{at}]"), entry })
        }
    }
}

/// The item of an iterator that has one.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next();
    if items.next().is_some() { None } else { first }
}
