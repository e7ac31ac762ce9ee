//! The arm that the others are measured against: the same calls by a careful native client, hyper's with kept
//! connections, serde_json with types, and nothing between them and the caller.

use std::borrow::Cow;

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Deserialize, Serialize};

use crate::server::KEY;

/// A native client of the gateway.
#[derive(Clone)]
pub(crate) struct Native {
    base_url: String,
    /// Beside the key's.
    headers: HeaderMap,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [serde_json::Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(flatten)]
    members: &'a serde_json::Map<String, serde_json::Value>,
}

/// A message of a conversation.
#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) role: &'static str,
    pub(crate) content: String,
}

/// What there is to a reply.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read from the wire, as a client would")]
pub(crate) struct Completion {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read from the wire, as a client would")]
pub(crate) struct Choice {
    #[serde(alias = "delta")]
    pub(crate) message: Content,
    pub(crate) finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Content {
    pub(crate) content: Option<String>,
    #[serde(default)]
    pub(crate) tool_calls: Vec<ToolCall>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read from the wire, as a client would")]
pub(crate) struct ToolCall {
    pub(crate) index: u32,
    pub(crate) id: Option<String>,
    pub(crate) function: Function,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read from the wire, as a client would")]
pub(crate) struct Function {
    pub(crate) name: Option<String>,
    pub(crate) arguments: String,
}

impl Content {
    /// Bytes of text and of arguments.
    pub(crate) fn characters(&self) -> usize {
        let arguments: usize = self.tool_calls.iter().map(|call| call.function.arguments.len()).sum();
        self.content.as_ref().map_or(0, String::len) + arguments
    }
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read from the wire, as a client would")]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

#[derive(Deserialize)]
struct Connections {
    http: usize,
    https: usize,
}

#[derive(Deserialize)]
struct Images<'a> {
    #[serde(borrow)]
    data: Vec<Image<'a>>,
}

#[derive(Deserialize)]
struct Image<'a> {
    #[serde(borrow)]
    b64_json: Cow<'a, str>,
}

impl Native {
    pub(crate) fn new(base_url: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { base_url: base_url.to_owned(), headers: HeaderMap::new(), client }
    }

    /// The same, which sends this header too.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> anyhow::Result<Self> {
        self.headers.insert(name, value.parse()?);
        Ok(self)
    }

    pub(crate) async fn chat(
        &self,
        model: &str,
        messages: &[Message],
        tools: &[serde_json::Value],
        members: &serde_json::Map<String, serde_json::Value>,
    ) -> anyhow::Result<String> {
        let answer = self.post("/chat/completions", &Body { model, messages, tools, stream: None, members }).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        let completion: Completion = serde_json::from_slice(&body)?;
        let choice = completion.choices.into_iter().next().context("no choice")?;
        choice.message.content.context("no content")
    }

    pub(crate) async fn stream(&self, model: &str, messages: &[Message]) -> anyhow::Result<Stream> {
        let members = &serde_json::Map::new();
        let body = Body { model, messages, tools: &[], stream: Some(true), members };
        let answer = self.post("/chat/completions", &body).await?;
        Ok(Stream { body: answer.into_body(), rest: BytesMut::new() })
    }

    pub(crate) async fn image(&self, model: &str) -> anyhow::Result<Vec<u8>> {
        let body = serde_json::json!({"model": model, "prompt": "a lighthouse"});
        let answer = self.post("/images/generations", &body).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        let images: Images<'_> = serde_json::from_slice(&body)?;
        let image = images.data.into_iter().next().context("no image")?;
        Ok(BASE64_STANDARD.decode(image.b64_json.as_bytes())?)
    }

    /// How many connections the gateway has taken, over HTTP/1.1 and over TLS.
    pub(crate) async fn connections(&self) -> anyhow::Result<(usize, usize)> {
        let body = serde_json::json!({"model": "@bench/connections"});
        let body = self.post("/chat/completions", &body).await?.into_body().collect().await?.to_bytes();
        let counts: Connections = serde_json::from_slice(&body)?;
        Ok((counts.http, counts.https))
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Response<Incoming>> {
        let body = serde_json::to_vec(body)?;
        let mut request = Request::post(format!("{}{path}", self.base_url))
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-portkey-api-key", KEY)
            .body(Full::from(body))?;
        request.headers_mut().extend(self.headers.clone());
        let answer = self.client.request(request).await?;
        ensure!(answer.status().is_success(), "HTTP status {}", answer.status());
        Ok(answer)
    }
}

/// A streamed reply.
pub(crate) struct Stream {
    body: Incoming,
    rest: BytesMut,
}

impl Stream {
    /// The events of the next piece; none at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Vec<Completion>> {
        let mut events = Vec::new();
        while events.is_empty() {
            let Some(frame) = self.body.frame().await else { break };
            let Ok(piece) = frame?.into_data() else { continue };
            self.rest.extend_from_slice(&piece);
            let mut from = 0;
            while let Some(length) = memchr::memchr(b'\n', self.rest.get(from..).unwrap_or_default()) {
                let line = self.rest.get(from..from + length).unwrap_or_default();
                from += length + 1;
                match line.strip_prefix(b"data: ") {
                    None | Some(b"[DONE]") => {}
                    Some(data) => events.push(serde_json::from_slice(data)?),
                }
            }
            self.rest.advance(from);
        }
        Ok(events)
    }
}
