//! Answers, as axum takes them, and refusals in OpenAI's form.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

/// An endpoint's answer where it did not.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Refusal {
    pub(super) fn invalid(message: &str, param: &str) -> Self {
        let body =
            json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": null}});
        Self { status: 400, body }
    }

    pub(super) fn not_found(message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "model_not_found"}});
        Self { status: 404, body }
    }

    /// The same, with this status.
    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn response(&self) -> Response {
        response(self.status, "application/json", Body::from(self.body.to_string()))
    }
}

pub(super) fn response(status: u16, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(response.headers_mut(), "content-type", content_type);
    response
}

/// The content type follows from the first byte.
pub(super) fn text_response(status: u16, body: &'static str) -> Response {
    let content_type = match body.as_bytes().first() {
        Some(b'{') => "application/json",
        Some(b'<') => "text/html; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    response(status, content_type, Body::from(body))
}

pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

/// `model` without the `@slug/` before it.
pub(super) fn bare(model: &str) -> &str {
    model.strip_prefix('@').and_then(|model| model.split_once('/')).map_or(model, |(_, model)| model)
}
