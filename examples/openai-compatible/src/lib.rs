//! A provider for any endpoint that speaks OpenAI's chat completions: chat whole and streamed, and the list of models.
//! It makes no images. `docs/write-a-provider.md` builds it.
//!
//! Its description and its calls are here; everything that providers share comes from the guest crate.

#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;

use alloc::{string::String, vec, vec::Vec};
use core::cell::RefCell;

use openclaw_provider_guest::{
    bindings::{
        exports::openclaw::provider::{chat, images, models, onboarding},
        openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin, GatewayReport, Media},
    },
    configuration, error,
    http::{Body, Failure, Method, Request, Response},
    openai::{self, Events},
};

/// Most bytes of a whole answer.
const LIMIT: usize = 16 << 20;

struct Provider;

openclaw_provider_guest::export!(Provider);

fn descriptor() -> onboarding::Descriptor {
    let base_url = "https://api.openai.com/v1";
    let keys_from = "https://platform.openai.com/api-keys";
    onboarding::Descriptor {
        id: "openai-compatible".into(),
        label: "OpenAI-compatible API".into(),
        docs_url: "https://platform.openai.com/docs/api-reference/chat".into(),
        default_base_url: base_url.into(),
        api: "openai-completions".into(),
        default_model: onboarding::Model {
            id: "gpt-5-mini".into(),
            name: "GPT-5 mini".into(),
            context_tokens: Some(400_000),
            max_output_tokens: Some(128_000),
            image_input: true,
            reasoning: true,
        },
        images: None,
        credentials: vec![onboarding::Credential {
            id: "openai-api-key".into(),
            label: "OpenAI API key".into(),
            required: true,
            env_vars: vec!["OPENAI_API_KEY".into()],
            cli_flag: Some("--openai-api-key".into()),
            help_url: Some(keys_from.into()),
            header: "authorization".into(),
            prefix: "Bearer ".into(),
        }],
        services: vec![onboarding::Service {
            label: "OpenAI".into(),
            base_url: base_url.into(),
            keys_from: keys_from.into(),
        }],
    }
}

impl onboarding::Guest for Provider {
    fn describe() -> onboarding::Descriptor {
        descriptor()
    }

    fn apply_provider_config(config: String, choices: onboarding::Choices) -> Result<String, Error> {
        configuration::apply(&descriptor(), &config, &choices, false)
    }

    fn apply_config(config: String, choices: onboarding::Choices) -> Result<String, Error> {
        configuration::apply(&descriptor(), &config, &choices, true)
    }

    fn lint(config: String) -> Vec<onboarding::Finding> {
        configuration::lint(&descriptor(), &config)
    }

    fn resolve_connection(config: String, held: Vec<String>) -> Result<Connection, Error> {
        configuration::resolve(&descriptor(), &config, &held)
    }
}

impl models::Guest for Provider {
    fn traits_of(_: String) -> models::Traits {
        // Which models the endpoint serves is not known here.
        models::Traits::default()
    }

    fn list(connection: Connection) -> Result<Vec<models::Entry>, Error> {
        openai::models(&whole(send(&connection, "/models", None)?)?)
    }
}

impl chat::Guest for Provider {
    type Reply = Reply;

    fn body(_: Connection, request: chat::Request) -> Result<String, Error> {
        openai::body(&request, true)
    }

    fn complete(connection: Connection, request: chat::Request) -> Result<chat::Response, Error> {
        let body = openai::body(&request, false)?;
        openai::response(&whole(send(&connection, "/chat/completions", Some(&body))?)?)
    }

    fn stream(connection: Connection, request: chat::Request) -> Result<chat::Reply, Error> {
        let body = openai::body(&request, true)?;
        let answer = send(&connection, "/chat/completions", Some(&body))?;
        Ok(chat::Reply::new(Reply(RefCell::new((Some(answer.body), Events::default())))))
    }
}

/// A streamed reply: the rest of the answer until the reply is over, and its events. Dropping it ends its request.
struct Reply(RefCell<(Option<Body>, Events)>);

impl chat::GuestReply for Reply {
    fn report(&self) -> GatewayReport {
        // There is no gateway that could report.
        GatewayReport::default()
    }

    fn next(&self) -> Result<Vec<chat::Event>, Error> {
        let (body, events) = &mut *self.0.borrow_mut();
        while let Some(rest) = body {
            let read = rest.read().map_err(failed).and_then(|piece| events.push(piece.as_deref()));
            if read.is_err() || events.are_over() {
                *body = None;
            }
            if !matches!(&read, Ok(read) if read.is_empty()) {
                return read;
            }
        }
        Ok(Vec::new())
    }
}

impl images::Guest for Provider {
    fn generate(_: Connection, _: images::Request) -> Result<images::Response, Error> {
        Err(error(
            ErrorKind::Unsupported,
            ErrorOrigin::Plugin,
            "This provider makes no images",
            "Use another provider.",
        ))
    }

    fn edit(
        connection: Connection,
        request: images::Request,
        _: Vec<Media>,
        _: Option<Media>,
    ) -> Result<images::Response, Error> {
        Self::generate(connection, request)
    }
}

/// Sends a request, a POST where it has a body, and waits for the head of its answer, which must be a success. The host
/// attaches the key.
fn send(connection: &Connection, path: &str, body: Option<&str>) -> Result<Response, Error> {
    let request = match body {
        Some(_) => Request::new(Method::Post, connection, path)?.header("content-type", "application/json"),
        None => Request::new(Method::Get, connection, path)?,
    };
    let response = request.send(body.unwrap_or_default().as_bytes()).map_err(failed)?;
    if response.is_success() {
        return Ok(response);
    }
    Err(openai::refusal(response.status, &response.body.beginning(LIMIT)))
}

fn whole(response: Response) -> Result<Vec<u8>, Error> {
    response.whole(LIMIT).map_err(failed)
}

fn failed(failure: Failure) -> Error {
    failure.into_error("endpoint")
}
