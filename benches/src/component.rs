//! The arm that is measured: the shipped component in the host, with its limits, egress policy and credential boundary
//! as any embedder has them.

use std::path::PathBuf;

use anyhow::{Context, bail};
use host_harness::{
    Engine, Limits, Plugin, Provider, Setup,
    types::MediaSource,
    wit::{
        chat::{AssistantPart, Event, Message, Prompt, Request, Response, Tool},
        images,
    },
};

use crate::{native, server::KEY};

/// The component that `make bench` built.
pub(crate) fn path() -> PathBuf {
    crate::root().join("target/wasm32-wasip2/component/portkey_provider.wasm")
}

pub(crate) async fn plugin() -> anyhow::Result<Plugin> {
    Ok(Plugin::load(&Engine::new(Limits::default())?, path()).await?)
}

pub(crate) fn setup(base_url: &str) -> Setup {
    Setup::new(serde_json::json!({})).base_url(base_url).secret("portkey-api-key", KEY)
}

pub(crate) async fn provider(base_url: &str) -> anyhow::Result<Provider> {
    Ok(Provider::connect(&plugin().await?, setup(base_url)).await?)
}

/// The same request as the native one.
pub(crate) fn request(
    model: &str,
    messages: &[native::Message],
    tools: &[serde_json::Value],
    members: &serde_json::Map<String, serde_json::Value>,
) -> Request {
    let messages = messages.iter().map(|message| Message::user(message.content.clone()));
    let tool = |tool: &serde_json::Value| Tool {
        name: tool.pointer("/function/name").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
        description: None,
        parameters_schema_json: tool.pointer("/function/parameters").map(ToString::to_string).unwrap_or_default(),
        strict: None,
    };
    let extra_json = (!members.is_empty()).then(|| serde_json::json!(members).to_string());
    Prompt { tools: tools.iter().map(tool).collect(), extra_json, ..Prompt::new(model, messages) }.into()
}

pub(crate) fn text(response: Response) -> anyhow::Result<String> {
    match response.content.into_iter().next().context("no content")? {
        AssistantPart::Text(text) => Ok(text),
        other => bail!("{other:?} is no text"),
    }
}

/// How many bytes of text and of arguments are in these events.
pub(crate) fn text_of(events: &[Event]) -> usize {
    let piece = |event: &Event| match event {
        Event::Text(text) => text.len(),
        Event::ToolCall(call) => call.arguments_fragment.len(),
        _ => 0,
    };
    events.iter().map(piece).sum()
}

pub(crate) async fn image(provider: &Provider, model: &str) -> anyhow::Result<Vec<u8>> {
    let request = images::Request { model: Some(model.to_owned()), ..images::Request::new("a lighthouse") };
    let response = provider.generate(&request).await?;
    match response.images.into_iter().next().context("no image")?.source {
        MediaSource::Inline(media) => Ok(media.data),
        MediaSource::Url(url) => bail!("an image at {url}"),
    }
}
