//! Chat: a request of rig's as one of a component's, and the way there.

use futures_util::stream;
use host_harness::{
    Provider,
    wit::chat::{Prompt, PromptCache, Request, ResponseFormat, Tool, ToolChoice},
};
use rig_core::{
    completion::{
        Accepts, CacheRetention, CompletionRequest, Reasoning, ReplayTarget,
        options::{Mapping, OptionFields, OptionMap, RawAt, request_params},
    },
    driver::{Exchange, Opened, Opening, Transport},
    error::EncodeError,
    message::{self, Api},
    operation::Completion,
    wire::{Descriptor, Mode, Wire},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{
    error::{no_place, provider_error},
    history,
    reply::{Document, Frame, Parts, frames_of, frames_of_stream},
};

/// The chat of one model of one provider.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    provider: String,
    model: String,
}

impl Chat {
    pub(crate) fn new(provider: &Provider, model: impl Into<String>) -> Self {
        Self::named(&provider.plugin().descriptor().id, model)
    }

    pub(crate) fn named(provider: &str, model: impl Into<String>) -> Self {
        Self { provider: provider.to_owned(), model: model.into() }
    }
}

impl Wire for Chat {
    type Op = Completion;
    type Payload = Request;
    type Frame = Frame;
    type Decoder<'id> = Parts;
    type Reassembler = Document;

    fn describe(&self) -> Descriptor<'_> {
        Descriptor::new(&self.provider).model(self.model.as_str()).replay(self)
    }

    fn encode(&self, request: CompletionRequest, _mode: Mode) -> Result<Request, EncodeError> {
        let mut prompt_cache = None;
        let mut own_tools = Vec::new();
        // The layers above what the request itself says: its options, the provider's own, and `additional_params`.
        let above = request_params(
            self,
            &request,
            |input| {
                prompt_cache = input.cache();
                own_tools = input.raw_tools()?;
                Ok(Map::new())
            },
            RawAt::Top,
            &[],
        )?;
        let mut extra: Map<String, Value> = above.deserialize()?;
        let tools: Vec<Tool> = request
            .tools
            .iter()
            .map(|tool| Tool::new(tool.name.as_str(), &*tool.description, tool.parameters.clone()))
            .collect();
        if !own_tools.is_empty() {
            // A prompt holds functions alone, and a member of the body wins over it.
            let functions = request.tools.iter().map(|tool| json!({"type": "function", "function": tool}));
            extra.insert("tools".to_owned(), functions.chain(own_tools).collect());
        }
        let has_tools = !tools.is_empty() || extra.contains_key("tools");
        let prompt = Prompt {
            model: request.model.unwrap_or_else(|| self.model.clone()),
            messages: history::messages(&request.chat_history)?,
            tools,
            // Without tools there is none to choose, and providers refuse it.
            tool_choice: request.tool_choice.filter(|_| has_tools).map(tool_choice).transpose()?,
            parallel_tool_calls: take(&mut extra, "parallel_tool_calls"),
            response_format: request.output_schema.map(response_format),
            max_output_tokens: request.max_tokens.map(max_output_tokens).transpose()?,
            temperature: request.temperature.map(|temperature| temperature as f32),
            top_p: take(&mut extra, "top_p"),
            stop: take(&mut extra, "stop").unwrap_or_default(),
            seed: take(&mut extra, "seed"),
            reasoning_effort: take(&mut extra, "reasoning_effort"),
            extra_json: (!extra.is_empty()).then(|| Value::Object(extra).to_string()),
        };
        let prompt_cache = prompt_cache.map(retention).transpose()?;
        Ok(Request { prompt_cache, ..prompt.into() })
    }

    fn decoder<'id>(&self) -> Self::Decoder<'id> {
        Parts::default()
    }
}

/// Takes out what a prompt has a field for, where it is of that field's type. The rest goes along as it is.
fn take<T: DeserializeOwned>(extra: &mut Map<String, Value>, name: &str) -> Option<T> {
    let read = T::deserialize(extra.get(name)?).ok()?;
    extra.shift_remove(name);
    Some(read)
}

fn tool_choice(choice: message::ToolChoice) -> Result<ToolChoice, EncodeError> {
    Ok(match choice {
        message::ToolChoice::Auto => ToolChoice::Auto,
        message::ToolChoice::None => ToolChoice::None,
        message::ToolChoice::Required => ToolChoice::Required,
        message::ToolChoice::Specific { function_names } => match &*function_names {
            [name] => ToolChoice::Named(name.as_str().to_owned()),
            _ => return Err(no_place("a choice between several tools", "demand one, or give those alone")),
        },
    })
}

fn max_output_tokens(limit: u64) -> Result<u32, EncodeError> {
    u32::try_from(limit).map_err(|_| no_place(&format!("`max_tokens` of {limit}"), "it is more than any model writes"))
}

fn retention(cache: CacheRetention) -> Result<PromptCache, EncodeError> {
    Ok(match cache {
        CacheRetention::None => PromptCache::None,
        CacheRetention::Short => PromptCache::Short,
        CacheRetention::Long => PromptCache::Long,
        _ => return Err(no_place("a `cache` of a kind that is newer than this library", "leave it out")),
    })
}

fn response_format(schema: rig_core::schemars::Schema) -> ResponseFormat {
    let mut schema = schema.to_value();
    let name = schema.get("title").and_then(Value::as_str).unwrap_or("response_schema").to_owned();
    close(&mut schema);
    ResponseFormat::schema(name, schema)
}

/// Makes of a schema one that can be held to strictly: its objects have all of their members, and no others. Source:
/// OpenAI's documentation, "Structured outputs"; rig does the same for OpenAI.
fn close(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    if let Some(Value::Object(members)) = schema.get("properties") {
        let names = members.keys().cloned().map(Value::from).collect();
        schema.insert("required".to_owned(), Value::Array(names));
    }
    if schema.contains_key("properties") || schema.get("type").is_some_and(|kind| kind == "object") {
        schema.entry("properties").or_insert_with(|| json!({}));
        schema.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    for (keyword, inner) in schema.iter_mut() {
        match (keyword.as_str(), inner) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => named.values_mut().for_each(close),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => all.iter_mut().for_each(close),
            ("items", one) => close(one),
            _ => {}
        }
    }
}

impl ReplayTarget for Chat {
    fn api(&self) -> Api {
        Api::from_static("openclaw.chat")
    }

    fn provider(&self) -> &str {
        &self.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// The component knows what a model takes, and says so where it is asked for more.
    fn accepts(&self, _model: &str) -> Accepts {
        Accepts::ALL
    }

    fn map_options(&self, _request: &CompletionRequest, fields: OptionFields<'_>) -> OptionMap {
        let OptionFields { reasoning, cache, service_tier, verbosity, parallel_tool_calls, top_p, seed, stop } = fields;
        let send = |name: &str, value: Value| Mapping::Send(Value::Object(Map::from_iter([(name.to_owned(), value)])));
        OptionMap {
            reasoning: Mapping::of(reasoning, |reasoning| match reasoning {
                Reasoning::Off => send("reasoning_effort", "none".into()),
                Reasoning::Effort(effort) => send("reasoning_effort", effort.as_str().into()),
                Reasoning::Budget { tokens } => send("thinking", json!({"type": "enabled", "budget_tokens": tokens})),
                _ => Mapping::unsupported("it is newer than this library"),
            }),
            // A request has a field for it.
            cache: Mapping::of(cache, |_| Mapping::Place),
            service_tier: Mapping::of(service_tier, |tier| match serde_json::to_value(tier) {
                Ok(tier) => send("service_tier", tier),
                Err(error) => Mapping::unsupported(error.to_string()),
            }),
            verbosity: Mapping::of(verbosity, |verbosity| send("verbosity", verbosity.as_str().into())),
            parallel_tool_calls: Mapping::of(parallel_tool_calls, |parallel| {
                send("parallel_tool_calls", parallel.into())
            }),
            top_p: Mapping::of(top_p, |top_p| send("top_p", top_p.into())),
            seed: Mapping::of(seed, |seed| match i64::try_from(seed) {
                Ok(seed) => send("seed", seed.into()),
                Err(_) => Mapping::unsupported("a seed has 63 bits"),
            }),
            stop: Mapping::of_stop(stop, |stop| send("stop", stop.into())),
        }
    }

    /// A call that came without an id keeps its signature so.
    fn call_id_slot(&self) -> Option<&'static str> {
        Some("/id")
    }

    /// A result holds as many parts as there are.
    fn result_parts(&self, _model: &str) -> bool {
        true
    }
}

impl Transport<Chat> for Provider {
    fn send(&self, request: Request, exchange: Exchange) -> Opening<Frame> {
        let provider = self.clone();
        Opening::new(async move {
            Ok(match exchange.mode {
                Mode::Unary => {
                    let response = provider.complete(request).await.map_err(provider_error)?;
                    let trace = response.report.trace_id.clone();
                    Opened::new(stream::iter(frames_of(response).map(Ok))).with_request_id(trace)
                }
                Mode::Streaming => {
                    let reply = provider.stream(request).await.map_err(provider_error)?;
                    let trace = reply.report().trace_id.clone();
                    Opened::new(frames_of_stream(reply)).with_request_id(trace)
                }
            })
        })
    }
}
