//! Records the requests that reached the stand-in. It owns reading a request to its end, multipart bodies included, and
//! keeps keys out of `Debug`; the server decides how many requests are kept.

use std::fmt;

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::HeaderValue;
use bytes::Bytes;
use serde_json::{Value, json};

use super::respond::Refusal;
use boundary::secret_names::names_a_secret;

/// The largest request body that is read; a larger one is answered with 413.
const MAX_BODY: usize = 64 << 20;

/// One request that arrived. `Debug` shows neither bodies nor queries, and of the headers only the values of those
/// that describe the body or the client: the others may hold keys.
#[derive(Clone, Default)]
pub struct Recorded {
    /// The method, in upper case.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, as it arrived.
    pub body: Bytes,
    /// The parts of a multipart body, in order; none for any other body.
    pub fields: Vec<Field>,
    /// Which TCP connection carried it, counted from 1.
    pub connection: u64,
}

/// A part of a multipart body. `Debug` does not show its data.
#[derive(Clone, Default)]
pub struct Field {
    /// The field's name, as sent: `image[]` with its brackets.
    pub name: String,
    /// The file name, if any.
    pub file_name: Option<String>,
    /// The content type, if any.
    pub content_type: Option<String>,
    /// What the part holds.
    pub data: Bytes,
}

impl Recorded {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        Some(value)
    }

    /// The first part of this name of a multipart body.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The request for a person to read: values of headers that are named like a secret are hidden, and of a multipart
    /// body the sizes of its parts are told.
    pub fn shown(&self) -> Value {
        let hidden = |name: &str, value: &str| if names_a_secret(name) { "***".into() } else { value.to_owned() };
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), hidden(name, value).into()));
        let parts = self.fields.iter().map(|field| json!({"name": field.name, "bytes": field.data.len()}));
        let body = if self.fields.is_empty() { self.json() } else { parts.collect() };
        json!({
            "method": self.method,
            "path": self.path,
            "headers": headers.collect::<serde_json::Map<_, _>>(),
            "body": body,
        })
    }

    /// The model that it asks for, in JSON or multipart.
    pub(super) fn model(&self) -> Option<String> {
        match self.field("model") {
            Some(field) => Some(field.text()),
            None => self.json()["model"].as_str().map(str::to_owned),
        }
    }

    pub(super) async fn read(request: Request, connection: u64) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
            let message = format!("Payload size exceeds the limit of {}MB", MAX_BODY >> 20);
            return Err(Refusal { status: 413, body: json!({"status": "failure", "message": message}) });
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut recorded = Self {
            method: head.method.to_string(),
            path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.clone(),
            fields: Vec::new(),
            connection,
        };
        let request = Request::from_parts(head, Body::from(body));
        if let Ok(mut parts) = Multipart::from_request(request, &()).await {
            while let Ok(Some(part)) = parts.next_field().await {
                recorded.fields.push(Field {
                    name: part.name().unwrap_or_default().into(),
                    file_name: part.file_name().map(Into::into),
                    content_type: part.content_type().map(Into::into),
                    data: part.bytes().await.unwrap_or_default(),
                });
            }
        }
        Ok(recorded)
    }
}

impl Field {
    /// The data as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HARMLESS: [&str; 6] =
            ["accept", "content-length", "content-type", "host", "transfer-encoding", "user-agent"];
        let shown = |(name, value): &(String, String)| {
            if HARMLESS.contains(&name.as_str()) { format!("{name}: {value}") } else { format!("{name}: …") }
        };
        f.debug_struct("Recorded")
            .field("method", &self.method)
            .field("path", &self.path.split('?').next().unwrap_or_default())
            .field("headers", &self.headers.iter().map(shown).collect::<Vec<_>>())
            .field("body_len", &self.body.len())
            .field("fields", &self.fields)
            .field("connection", &self.connection)
            .finish()
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name)
            .field("file_name", &self.file_name)
            .field("content_type", &self.content_type)
            .field("data_len", &self.data.len())
            .finish()
    }
}
