//! Options of one call: headers, metadata, time limit and more. `setup` and `provider` apply them.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::wit::chat::PromptCache;

/// What one call, or a few of them, bring along: see [`Provider::with`](crate::Provider::with).
///
/// ```
/// use std::time::Duration;
///
/// use host_harness::{CallOptions, wit::chat::PromptCache};
///
/// let options = CallOptions::new()
///     .trace_id("order-4711")
///     .metadata("team", "sales")
///     .header("x-portkey-cache-namespace", "orders")
///     .prompt_cache(PromptCache::Long)
///     .time_limit(Duration::from_secs(30));
/// # let _ = options;
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) options: Map<String, Value>,
    pub(crate) prompt_cache: Option<PromptCache>,
    pub(crate) time_limit: Option<Duration>,
}

impl fmt::Debug for CallOptions {
    /// Names alone: headers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("options", &self.options.keys().collect::<Vec<_>>())
            .field("prompt_cache", &self.prompt_cache)
            .field("time_limit", &self.time_limit)
            .finish()
    }
}

impl CallOptions {
    /// Nothing of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// The places in the configuration of the provider `id` that this goes over, each with what to call it instead.
    pub(crate) fn places(&self, id: &str) -> Vec<(String, String)> {
        let header = |name: &String| (format!("models.providers.{id}.headers.{name}"), format!("the header {name}"));
        let option = |name: &String| (format!("plugins.entries.{id}.config.{name}"), format!("the option {name}"));
        self.headers.iter().map(|(name, _)| header(name)).chain(self.options.keys().map(option)).collect()
    }

    /// Sends this header, in the place of one that is configured. What holds for headers of the configuration holds for
    /// it: a `${NAME}` in it is resolved, and the plugin sees neither that nor the value of one that is named like a
    /// secret.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets an option of the plugin's own, as [`Setup::option`](crate::Setup::option) does.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        put(&mut self.options, name.into(), value.into());
        self
    }

    /// The id by which the gateway's logs know the call: the option `traceId`.
    pub fn trace_id(self, id: impl Into<String>) -> Self {
        self.option("traceId", id.into())
    }

    /// What is logged with the call: a member of the option `metadata`, beside those that the option has. A header that says
    /// the same gives way.
    pub fn metadata(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.option("metadata", Value::Object(Map::from_iter([(name.into(), value.into().into())])))
    }

    /// How long the model provider may keep the start of the prompt, where the request does not say it itself.
    pub fn prompt_cache(mut self, cache: PromptCache) -> Self {
        self.prompt_cache = Some(cache);
        self
    }

    /// How long a call may take from its start to its end, that of a stream included. What [`Limits`](crate::Limits) allow
    /// less of still holds. [`Provider::with`](crate::Provider::with) itself, where it asks the plugin, ends as soon. A call
    /// that is late is the error `timeout`.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }
}

/// Sets `name`; an object adds to one that is there.
pub(crate) fn put(object: &mut Map<String, Value>, name: String, value: Value) {
    match (object.get_mut(&name), value) {
        (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
        (_, value) => drop(object.insert(name, value)),
    }
}
