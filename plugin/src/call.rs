//! Prepares a request: checks the connection, and checks and encodes its headers. Sends nothing.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use openclaw_provider_guest::http::{Method, Request, Timeouts};

use crate::bindings::openclaw::provider::types::Connection;
use crate::error::{self, Result};
use crate::headers::{self, Header};
use crate::lint;
use crate::onboarding::refusal;
use crate::portkey;
use crate::url::BaseUrl;

/// The media type of JSON.
pub const JSON: &str = "application/json";

/// A GET of `path`, which starts with a slash.
pub fn get(connection: &Connection, path: &str) -> Result<Request> {
    request(connection, path, JSON, None)
}

/// A POST to `path` of a body of this media type, for an answer of the type that `accept` says.
pub fn post(connection: &Connection, path: &str, accept: &str, media_type: &str) -> Result<Request> {
    request(connection, path, accept, Some(media_type))
}

/// The call with a route for `model`, where that is this provider's own choice and nothing else routes it.
pub(crate) fn routed(mut call: Request, model: &str, choice: &str) -> Request {
    let host = call.authority.split(':').next().unwrap_or_default();
    let is_routed = call.headers.iter().any(|(name, _)| portkey::ROUTES.contains(&&**name));
    if model == choice && portkey::is_hosted(host) && !is_routed {
        call.headers.push(("x-portkey-provider".to_owned(), portkey::MAKER.to_owned()));
    }
    call
}

/// The base URL of a connection.
pub(crate) fn base_url(connection: &Connection) -> Result<BaseUrl> {
    let refused = |reason| refusal("connection.base-url", &format!("This is no base URL: {reason}."));
    BaseUrl::parse(&connection.base_url).map_err(refused)
}

fn request(connection: &Connection, path: &str, accept: &str, media_type: Option<&str>) -> Result<Request> {
    if !connection.credentials.iter().any(|id| id == portkey::CREDENTIAL) {
        return Err(error::missing_credential());
    }
    let url = base_url(connection)?;
    let is_hosted = portkey::is_hosted(url.host());
    // The host may have added to the headers for this call, so they are checked again; what it added wins.
    let header = |(name, value): &(String, String)| Header {
        name: name.trim().to_ascii_lowercase(),
        value: value.clone(),
        path: name.clone(),
    };
    let mut configured: Vec<Header> = connection.headers.iter().map(header).collect();
    headers::unify(&mut configured);
    if let Some(finding) = lint::headers(&configured, is_hosted, false).into_iter().next() {
        return Err(refusal(&format!("connection.headers.{}", finding.path), &finding.message));
    }
    let mut all = Vec::with_capacity(configured.len() + 3);
    all.push(("accept".to_owned(), accept.to_owned()));
    if let Some(media_type) = media_type {
        all.push(("content-type".to_owned(), media_type.to_owned()));
    }
    all.extend(configured.iter().filter(|header| header.is_ours()).map(Header::on_wire));
    Ok(Request {
        method: if media_type.is_some() { Method::Post } else { Method::Get },
        https: url.https,
        path: url.path + path,
        authority: url.authority,
        headers: all,
        timeouts: Timeouts::from(connection),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};
    use alloc::vec;

    fn connection(headers: &[(&str, &str)]) -> Connection {
        Connection {
            base_url: "http://localhost:8787/v1/".to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            credentials: vec![portkey::CREDENTIAL.to_owned()],
            connect_timeout_ms: Some(1),
            first_byte_timeout_ms: Some(2),
            idle_timeout_ms: Some(3),
            options_json: "{}".to_owned(),
        }
    }

    #[test]
    fn the_models_of_its_own_choice_are_routed_where_nothing_else_does() {
        let hosted = |headers| Connection { base_url: portkey::BASE_URL.to_owned(), ..connection(headers) };
        let provider = "x-portkey-provider";
        for (connection, model, route) in [
            (hosted(&[]), "gpt-image-2", Some(portkey::MAKER)),
            (hosted(&[]), "@openai/gpt-image-2", None),
            (hosted(&[]), "dall-e-3", None),
            (hosted(&[("X-Portkey-Provider", "azure")]), "gpt-image-2", Some("azure")),
            (hosted(&[("x-portkey-config", "pc-mine")]), "gpt-image-2", None),
            (connection(&[]), "gpt-image-2", None),
        ] {
            let call = routed(post(&connection, "/images/generations", JSON, JSON).unwrap(), model, "gpt-image-2");
            let found = call.headers.iter().find(|(name, _)| name == provider).map(|(_, value)| value.as_str());
            assert_eq!(found, route, "{model} {connection:?}");
        }
    }

    #[test]
    fn a_call_is_spelled_for_the_wire() {
        let headers =
            [("X-Portkey-Metadata", "{\"_user\":\n\"Zoë\"}"), ("x-portkey-trace-id", "a"), ("X-PORTKEY-TRACE-ID", "b")];
        let call = post(&connection(&headers), "/chat/completions", "text/event-stream", JSON).unwrap();
        assert!(!call.https && call.method == Method::Post);
        assert_eq!((call.authority.as_str(), call.path.as_str()), ("localhost:8787", "/v1/chat/completions"));
        let headers: Vec<String> = call.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            headers,
            [
                "accept: text/event-stream",
                "content-type: application/json",
                "x-portkey-metadata: {\"_user\": \"Zo\\u00eb\"}",
                "x-portkey-trace-id: b",
            ]
        );
        assert_eq!(call.timeouts, Timeouts { connect_ms: Some(1), first_byte_ms: Some(2), idle_ms: Some(3) });
        let call = get(&connection(&[]), "/models?limit=1").unwrap();
        assert_eq!((call.path.as_str(), call.method), ("/v1/models?limit=1", Method::Get));
        assert_eq!(call.headers, [("accept".to_owned(), "application/json".to_owned())]);
    }

    #[test]
    fn i2_the_keys_header_and_references_are_never_sent() {
        let call =
            get(&connection(&[("X-Portkey-Api-Key", "pk"), ("authorization", "Bearer ${OPENAI_API_KEY}")]), "/models")
                .unwrap();
        assert_eq!(call.headers.len(), 1);
    }

    #[test]
    fn i7_without_the_key_nothing_is_sent() {
        let keyless = Connection { credentials: vec!["other".to_owned()], ..connection(&[]) };
        let error = get(&keyless, "/models").unwrap_err();
        assert_eq!((error.kind, error.origin), (ErrorKind::MissingCredential, ErrorOrigin::Plugin));
        assert_eq!(error.message, "Portkey API key missing");
        assert!(!error.request_sent);
        let hint = error.hint.unwrap();
        assert!(
            hint.contains("PORTKEY_API_KEY, or give the host the key")
                && !hint.contains("--")
                && hint.contains("accepts any value")
        );
    }

    #[test]
    fn what_the_host_added_is_checked_too() {
        for (name, value) in [
            ("x-portkey-metadata", "{\"n\":1}"),
            ("content-length", "3"),
            ("x-a", "line\nbreak"),
            ("x-a", "ü"),
            ("x y", "z"),
            ("x-portkey-custom-host", "http://h/v1/"),
        ] {
            let error = get(&connection(&[(name, value)]), "/models").unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidConfig, false), "{name}: {value}");
            assert!(error.message.starts_with(&format!("connection.headers.{name}: ")), "{}", error.message);
        }
        let broken = Connection { base_url: "ftp://x".to_owned(), ..connection(&[]) };
        assert_eq!(get(&broken, "/models").unwrap_err().kind, ErrorKind::InvalidConfig);
    }
}
