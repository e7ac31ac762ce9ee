//! What models cost, by Portkey's price list: which entry a model has, and what an entry says. The list needs no key, and
//! gets none.
//!
//! Source: Portkey's OpenAPI document, "Get Model Pricing", and the data behind it, github.com/Portkey-AI/models. An open
//! gateway, or another edition, may not serve the list: any answer that is not one of its entries means "no price".

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;

use openclaw_provider_guest::http::{Method, Request, Timeouts};

use crate::bindings::openclaw::provider::types::{Connection, Error};
use crate::bindings::optional::prices::Price;
use crate::call::base_url;
use crate::error::Result;
use crate::headers;
use crate::json::{Object, lossy};
use crate::models::escaped;
use crate::prompt;

/// Largest entry. Those of today have some 5 kB.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;

/// A higher price for a million tokens is none for tokens, but for pages or searches.
const MAX_DOLLARS: f64 = 1000.0;

/// An entry of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the list's words: `openai`, `vertex-ai`.
    provider: String,
    /// In the provider's words.
    pub(crate) model: String,
}

impl Asked {
    /// The entry of a model, where who serves it is known: by the answer, by the slug of its id, or by the configuration.
    ///
    /// A slug of the user's own choice is asked for too: the list has no provider of that name.
    pub fn of(connection: &Connection, id: &str, answered_by: Option<&str>) -> Option<Self> {
        let header = |wanted| headers::find(&connection.headers, wanted);
        let config = header("x-portkey-config");
        // Who serves a model at the user's own address has prices of its own.
        let is_elsewhere = |config: &str| config.contains("custom_host") || config.contains("customHost");
        if header("x-portkey-custom-host").is_some() || config.is_some_and(is_elsewhere) {
            return None;
        }
        let id = id.trim();
        let (slug, model) = prompt::split_slug(id).map_or((None, id), |(slug, model)| (Some(slug), model));
        // A config may route to any provider.
        let configured = || header("x-portkey-provider").filter(|_| config.is_none());
        let provider = answered_by.or(slug).or_else(configured)?.trim().trim_start_matches('@');
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if provider.is_empty() || !provider.bytes().all(is_name) {
            return None;
        }
        // The gateway takes a publisher before the name, which the list leaves out.
        const PUBLISHERS: [&str; 4] = ["anthropic.", "google.", "meta.", "mistralai."];
        let bare = PUBLISHERS.iter().find_map(|publisher| model.strip_prefix(publisher));
        let model = bare.filter(|_| provider == "vertex-ai").unwrap_or(model);
        // None, one that means another path, or a name that an account gave to something of its own.
        if model.bytes().all(|byte| byte == b'.') || model.len() > 256 || model.starts_with("arn:") {
            return None;
        }
        Some(Self { provider: provider.to_owned(), model: model.to_owned() })
    }

    /// The request for the entry of `model` of this provider: at the origin of the base URL, without a header of the
    /// connection's.
    pub fn call(&self, connection: &Connection, model: &str) -> Result<Request> {
        let url = base_url(connection)?;
        Ok(Request {
            method: Method::Get,
            https: url.https,
            path: format!("/model-configs/pricing/{}/{}", self.provider, escaped(model)),
            authority: url.authority,
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            timeouts: Timeouts::from(connection),
        })
    }

    /// The entries of a model of Google's for short prompts and for long ones: most have no other.
    pub fn tiers(&self) -> Option<[String; 2]> {
        let of = |tier: &str| format!("{}-{tier}-128k", self.model);
        (self.provider == "google").then(|| [of("lte"), of("gt")])
    }
}

/// Whether the answer means that there is no such entry, and not that the service failed for now.
pub fn is_none(error: &Error) -> bool {
    error.status.is_some_and(|status| status < 500 && status != 408 && status != 429)
}

/// The price in an entry. The list is in US cents for a token.
pub fn price(body: &[u8]) -> Option<Price> {
    let text = lossy(body);
    let entry = Object::parse(&text)?;
    if entry.has("currency") && !entry.is("currency", "USD") {
        return None;
    }
    let rates = entry.get("pay_as_you_go")?.object()?;
    let units = rates.object("additional_units");
    let cents = |rates: &Object<'_>, name: &str| rates.get(name)?.object()?.get("price")?.number();
    let (input, output) = (cents(&rates, "request_token")?, cents(&rates, "response_token")?);
    // Tokens that have a price of their own and are not counted apart: of sound, of images, of reasoning.
    const APART: [&str; 3] = ["audio", "image", "reasoning"];
    let is_apart = |name: &str| APART.iter().any(|kind| name.contains(kind)) && cents(&rates, name) != Some(0.0);
    let has_apart = rates.iter().any(|(name, _)| is_apart(name))
        || units.has("image_token")
        || cents(&units, "thinking_token").is_some_and(|thinking| thinking != output);
    let (input, output) = (dollars(input)?, dollars(output)?);
    // The entry for models that the list does not know costs nothing.
    if has_apart || input == 0.0 && output == 0.0 {
        return None;
    }
    // Here 0 means that none is told. Reading that costs more than input is a slip: some entries have the two exchanged.
    let cached = |name| cents(&rates, name).and_then(dollars).filter(|price| *price > 0.0);
    let (cache_read, cache_write) = (cached("cache_read_input_token"), cached("cache_write_input_token"));
    let is_slip = cache_read.is_some_and(|read| read > input);
    Some(Price {
        input,
        output,
        cache_read: cache_read.filter(|_| !is_slip),
        cache_write: cache_write.filter(|_| !is_slip),
    })
}

/// US dollars for a million tokens, without what binary fractions add; `None` where it is no price.
fn dollars(cents: f64) -> Option<f64> {
    let dollars = cents * 10_000.0;
    (0.0..=MAX_DOLLARS).contains(&dollars).then(|| ((dollars * 1e6 + 0.5) as u64) as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};
    use crate::error;
    use crate::report::Head;
    use alloc::vec::Vec;

    fn connection(headers: &[(&str, &str)]) -> Connection {
        Connection {
            base_url: "https://api.portkey.ai/v1".to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            credentials: Vec::new(),
            connect_timeout_ms: None,
            first_byte_timeout_ms: None,
            idle_timeout_ms: None,
            options_json: "{}".to_owned(),
        }
    }

    /// The path that a model's price is asked at.
    fn path(id: &str, answered_by: Option<&str>, headers: &[(&str, &str)]) -> Option<String> {
        let connection = connection(headers);
        let asked = Asked::of(&connection, id, answered_by)?;
        let path = asked.call(&connection, &asked.model).unwrap().path;
        Some(path.strip_prefix("/model-configs/pricing/").unwrap().to_owned())
    }

    #[test]
    fn a_model_is_asked_for_where_it_is_known_who_serves_it() {
        const OPENAI: &[(&str, &str)] = &[("X-Portkey-Provider", "@openai")];
        for (id, answered_by, headers, expected) in [
            ("@openai/gpt-5", None, &[][..], "openai/gpt-5"),
            (" @anthropic/claude-sonnet-4-5 ", None, &[], "anthropic/claude-sonnet-4-5"),
            ("@openrouter/openai/gpt-5", None, &[], "openrouter/openai%2Fgpt-5"),
            ("@bedrock/us.anthropic.claude-opus-4-6-v1:0", None, &[], "bedrock/us.anthropic.claude-opus-4-6-v1:0"),
            ("@vertex-ai/anthropic.claude-opus-4-1@20250805", None, &[], "vertex-ai/claude-opus-4-1%4020250805"),
            ("@vertex-ai/gemini-2.5-pro", None, &[], "vertex-ai/gemini-2.5-pro"),
            ("gpt-5", None, OPENAI, "openai/gpt-5"),
            // A slug of the user's own says nothing, but the answer does.
            ("@team-a/gpt-5", None, &[], "team-a/gpt-5"),
            ("@team-a/gpt-5", Some("azure-openai"), &[], "azure-openai/gpt-5"),
            ("gpt-5-2025-08-07", Some("openai"), &[("x-portkey-config", "pc-a")], "openai/gpt-5-2025-08-07"),
            ("@openai/gpt-5", None, &[("x-portkey-config", "pc-a")], "openai/gpt-5"),
            // Not every name that begins in such a way has a slug.
            ("@cf/meta/llama-3", Some("workers-ai"), &[], "workers-ai/%40cf%2Fmeta%2Fllama-3"),
        ] {
            assert_eq!(path(id, answered_by, headers).as_deref(), Some(expected), "{id} {answered_by:?}");
        }
        for (id, answered_by, headers) in [
            ("gpt-5", None, &[][..]),
            ("claude-sonnet-4-5", None, &[]),
            ("gpt-5", None, &[("x-portkey-virtual-key", "openai-1a2b")]),
            ("gpt-5", None, &[("x-portkey-config", "pc-a"), ("x-portkey-provider", "openai")]),
            ("@openai/", None, &[]),
            ("@cf/meta/llama-3", None, &[]),
            ("", Some("openai"), &[]),
            ("@Team A/gpt-5", None, &[]),
            ("@../gpt-5", None, &[]),
            ("@openai/..", None, &[]),
            ("@vertex-ai/anthropic...", None, &[]),
            ("..", Some("openai"), &[]),
            ("@bedrock/arn:aws:bedrock:us-east-1:1:application-inference-profile/x", None, &[]),
            ("@openai/gpt-5", Some("openai"), &[("x-portkey-custom-host", "http://10.0.0.1/v1")]),
            ("gpt-5", Some("openai"), &[("x-portkey-config", r#"{"custom_host":"http://10.0.0.1/v1"}"#)]),
        ] {
            assert_eq!(path(id, answered_by, headers), None, "{id} {answered_by:?} {headers:?}");
        }
    }

    #[test]
    fn the_request_goes_to_the_origin_and_takes_no_header_along() {
        let connection = Connection {
            base_url: "http://localhost:8787/a/v1/".to_owned(),
            ..connection(&[("x-portkey-metadata", "{}"), ("x-portkey-trace-id", "t"), ("x-portkey-api-key", "pk")])
        };
        let asked = Asked::of(&connection, "@openai/gpt-5", None).unwrap();
        let call = asked.call(&connection, &asked.model).unwrap();
        assert!(!call.https && call.method == Method::Get);
        assert_eq!((&*call.authority, &*call.path), ("localhost:8787", "/model-configs/pricing/openai/gpt-5"));
        assert_eq!(call.headers, [("accept".to_owned(), "application/json".to_owned())]);
        assert_eq!(asked.tiers(), None);
        let google = Asked::of(&connection, "@google/gemini-2.5-flash", None).unwrap();
        assert_eq!(google.tiers().unwrap(), ["gemini-2.5-flash-lte-128k", "gemini-2.5-flash-gt-128k"]);
    }

    #[test]
    fn cents_for_a_token_are_dollars_for_a_million() {
        let claude = r#"{"pay_as_you_go":{"request_token":{"price":0.0003},"response_token":{"price":0.0015},
            "cache_write_input_token":{"price":0.000375},"cache_read_input_token":{"price":3e-05},
            "additional_units":{"cache_write_1h":{"price":0.0006}}},"currency":"USD"}"#;
        let price = |body: &str| super::price(body.as_bytes());
        let expected = Price { input: 3.0, output: 15.0, cache_read: Some(0.3), cache_write: Some(3.75) };
        assert_eq!(price(claude), Some(expected));
        let gpt = r#"{"pay_as_you_go":{"request_token":{"price":0.000125},"response_token":{"price":0.001},
            "cache_write_input_token":{"price":0},"cache_read_input_token":{"price":1.25e-05}}}"#;
        let expected = Price { input: 1.25, output: 10.0, cache_read: Some(0.125), cache_write: None };
        assert_eq!(price(gpt), Some(expected));
        let vectors = r#"{"pay_as_you_go":{"request_token":{"price":2e-06},"response_token":{"price":0}}}"#;
        assert_eq!(price(vectors).map(|price| (price.input, price.output)), Some((0.02, 0.0)));
    }

    /// A price, with these members for others.
    fn with(members: &str) -> Option<Price> {
        let body = alloc::format!(
            r#"{{"pay_as_you_go":{{"request_token":{{"price":0.0001}},"response_token":{{"price":0.0004}}{members}}}}}"#
        );
        super::price(body.as_bytes())
    }

    #[test]
    fn what_is_no_price_for_tokens_is_none() {
        assert!(with("").is_some() && with(r#","response_audio_token":{"price":0}"#).is_some());
        assert!(with(r#","additional_units":{"thinking_token":{"price":0.0004},"web_search":{"price":1}}"#).is_some());
        for members in [
            r#","request_audio_token":{"price":0.0032}"#,
            r#","response_image_token":{"price":0.003}"#,
            r#","reasoning_token":{"price":0.001}"#,
            r#","additional_units":{"thinking_token":{"price":0.0035}}"#,
            r#","additional_units":{"image_token":{"price":0.003}}"#,
        ] {
            assert_eq!(with(members), None, "{members}");
        }
        // Of two that are exchanged, neither is believed.
        let exchanged =
            with(r#","cache_read_input_token":{"price":0.000125},"cache_write_input_token":{"price":1e-05}"#);
        assert_eq!(exchanged, Some(Price { input: 1.0, output: 4.0, cache_read: None, cache_write: None }));
        let of = |input: &str, output: &str| {
            let entry = r#"{"pay_as_you_go":{"request_token":{"price":IN},"response_token":{"price":OUT}}}"#;
            super::price(entry.replace("IN", input).replace("OUT", output).as_bytes())
        };
        assert!(of("0.06", "0.06").is_some());
        for wrong in ["-0.0001", "0.6", "1e400", "-0.0", "null", "\"0.0001\"", "{}", "NaN"] {
            let is_zero = wrong == "-0.0";
            assert_eq!(of(wrong, "0.0001").is_some(), is_zero, "{wrong}");
            assert_eq!(of("0.0001", wrong).is_some(), is_zero, "{wrong}");
        }
        assert_eq!(of("0", "0"), None, "the entry of models that the list does not know");
        for body in [
            "",
            "null",
            "[]",
            "<html><title>Portkey</title>",
            r#"{"error":{"message":"x"}}"#,
            r#"{"pay_as_you_go":[]}"#,
            r#"{"pay_as_you_go":{"request_token":{"price":1e-4}}}"#,
            r#"{"pay_as_you_go":{"request_token":{"price":1e-4},"response_token":{"price":1e-4}},"currency":"EUR"}"#,
        ] {
            assert_eq!(super::price(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn another_service_has_no_prices_and_one_that_failed_may_have() {
        let answered = |status| {
            let head = Head { status, headers: Vec::new() };
            error::answered(ErrorKind::Other, ErrorOrigin::Gateway, "x", &head)
        };
        assert!([301, 400, 401, 404].into_iter().all(|status| is_none(&answered(status))));
        assert!(![408, 429, 500, 503].into_iter().any(|status| is_none(&answered(status))));
        assert!(!is_none(&error::missing_credential()));
    }
}
