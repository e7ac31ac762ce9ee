//! What every case uses: the component, the suite's own keys, gateways that require them, and helpers to report what is
//! not as expected.

use std::io;

use serde_json::{Value, json};

use host_harness::{
    Error, Plugin, Provider, Result, Setup,
    types::{self, ErrorKind},
    wit::{
        chat,
        onboarding::{Choices, Credential, Descriptor, ImageCapabilities},
    },
};
use host_harness_stub::{self as stub, Recorded, Stub};

/// Every key of the suite starts with this, so that one search finds any of them.
pub(super) const KEY: &str = "openclaw-check-key";

/// The `api` that the suite's gateway speaks.
const SPOKEN: &str = "openai-completions";

/// Why a case does not pass.
#[derive(Debug)]
pub(super) enum Flaw {
    Failed(String),
    NotApplicable(String),
}

/// What a case, or a step of it, gives.
pub(super) type Verdict<T = ()> = Result<T, Flaw>;

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        let mut said = format!("expected success, got the error {:?}: {error}", error.kind());
        match &error.record().hint {
            _ if error.record().status == Some(404) => said.push_str(". The suite's gateway has OpenAI's paths alone"),
            Some(hint) => said.extend([". ", hint]),
            None => {}
        }
        Self::Failed(said)
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("the stand-in gateway did not start: {error}"))
    }
}

/// The text with the suite's keys cut short: none is printed, though they open nothing.
pub(super) fn without_keys(text: &str) -> String {
    text.replace(KEY, "[key]")
}

/// Fails unless `what` is `expected`.
pub(super) fn equal(what: &str, got: impl Into<Value>, expected: impl Into<Value>) -> Verdict {
    let (got, expected) = (got.into(), expected.into());
    ensure(got == expected, || format!("{what}: expected {expected}, got {got}"))
}

/// Fails, and says why, unless something holds.
pub(super) fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Flaw::Failed(reason())) }
}

/// Fails where a key of the suite stands in `text`.
pub(super) fn keyless(what: &str, text: &str) -> Verdict {
    ensure(!text.contains(KEY), || format!("{what}: expected no key in it, got one"))
}

/// The error that a call must end in.
pub(super) fn refused<T>(what: &str, answer: Result<T>) -> Verdict<types::Error> {
    match answer {
        Ok(_) => Err(Flaw::Failed(format!("{what}: expected an error, got success"))),
        Err(error) => Ok(error.record().clone()),
    }
}

/// The error of this kind that a call must end in.
pub(super) fn refused_as<T>(what: &str, answer: Result<T>, kind: ErrorKind) -> Verdict<types::Error> {
    let error = refused(what, answer)?;
    let reason = || format!("{what}: expected the error {kind:?}, got {:?}: {}", error.kind, error.message);
    ensure(error.kind == kind, reason)?;
    Ok(error)
}

/// The one request that arrived.
pub(super) fn only_request(gateway: &Stub) -> Verdict<Recorded> {
    let mut requests = gateway.requests();
    equal("requests that arrived", requests.len(), 1)?;
    requests.pop().ok_or_else(|| Flaw::Failed("expected a request, got none".into()))
}

/// Fails if anything arrived.
pub(super) fn no_request(gateway: &Stub) -> Verdict {
    equal("requests that arrived", gateway.requests().len(), 0)
}

/// The value at `path`; null where there is none.
pub(super) fn at(document: &Value, path: &[&str]) -> Value {
    path.iter().try_fold(document, |value, step| value.get(step)).cloned().unwrap_or_default()
}

/// Nothing chosen.
pub(super) fn no_choices() -> Choices {
    Choices { base_url: None, model: None, api_key_reference: None }
}

/// A chat with one short question.
pub(super) fn question(model: &str) -> chat::Request {
    chat::Prompt::new(model, [chat::Message::user("Reply with exactly OK.")]).into()
}

/// A reply, streamed.
pub(super) async fn streamed(provider: &Provider, question: &chat::Request) -> Result<chat::Response> {
    provider.stream(question).await?.join().await
}

/// The smallest PNG file, one pixel, with `more` after its end, where no reader looks.
pub(super) fn pixel(more: &[u8]) -> types::Media {
    types::Media { media_type: "image/png".into(), data: [PIXEL, more].concat() }
}

const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

/// Whether cases of an optional interface apply.
fn exported(is_exported: bool, interface: &str) -> Verdict {
    is_exported.then_some(()).ok_or_else(|| Flaw::NotApplicable(format!("the component exports no {interface}")))
}

/// The component under test.
pub(super) struct Fixture {
    pub(super) plugin: Plugin,
}

impl Fixture {
    pub(super) fn new(plugin: Plugin) -> Self {
        Self { plugin }
    }

    pub(super) fn descriptor(&self) -> &Descriptor {
        self.plugin.descriptor()
    }

    pub(super) fn id(&self) -> &str {
        &self.descriptor().id
    }

    /// `agents.defaults` name the default model so.
    pub(super) fn default_reference(&self) -> String {
        format!("{}/{}", self.id(), self.descriptor().default_model.id)
    }

    /// The credential that the configuration has a place for: the first.
    pub(super) fn credential(&self) -> Verdict<&Credential> {
        let none = || Flaw::NotApplicable("the component declares no credential".into());
        self.descriptor().credentials.first().ok_or_else(none)
    }

    pub(super) fn images(&self) -> Verdict<&ImageCapabilities> {
        let none = || Flaw::NotApplicable("the component makes no images".into());
        let images = self.descriptor().images.as_ref().ok_or_else(none)?;
        self.answered().map(|()| images)
    }

    pub(super) fn embeddings(&self) -> Verdict {
        exported(self.plugin.has_embeddings(), "embeddings").and_then(|()| self.answered())
    }

    pub(super) fn audio(&self) -> Verdict {
        exported(self.plugin.has_audio(), "audio").and_then(|()| self.answered())
    }

    pub(super) fn prices(&self) -> Verdict {
        exported(self.plugin.has_prices(), "prices")
    }

    /// Whether the suite's gateway can answer what the component asks of its service.
    pub(super) fn answered(&self) -> Verdict {
        let api = &self.descriptor().api;
        let other = || format!("its `api` is {api:.64}, and the suite's gateway answers {SPOKEN} alone");
        (api == SPOKEN).then_some(()).ok_or_else(|| Flaw::NotApplicable(other()))
    }

    /// A configuration with this as the provider's entry.
    pub(super) fn config(&self, entry: Value) -> Value {
        json!({"models": {"providers": {self.id(): entry}}})
    }

    /// A field of the provider's entry.
    pub(super) fn own(&self, config: &Value, field: &str) -> Value {
        at(config, &["models", "providers", self.id(), field])
    }

    /// What `apply-provider-config` makes of an entry, nothing chosen.
    pub(super) async fn merge(&self, entry: Value) -> Verdict<Value> {
        Ok(self.plugin.apply_provider_config(&self.config(entry), &no_choices()).await?)
    }

    /// The suite's key for `credential`.
    pub(super) fn key(credential: &Credential) -> String {
        format!("{KEY}-{}", credential.id)
    }

    /// The header of the first credential, as it must arrive.
    pub(super) fn header_value(credential: &Credential, key: &str) -> String {
        format!("{}{key}", credential.prefix)
    }

    /// `config`, with every key given outright.
    pub(super) fn setup(&self, config: Value) -> Setup {
        let credentials = self.descriptor().credentials.iter();
        credentials.fold(Setup::new(config), |setup, credential| setup.secret(&credential.id, Self::key(credential)))
    }

    /// `config`, with every key but the first one's given, and an environment that holds `variables`.
    pub(super) fn setup_without_key(&self, config: Value, variables: &[(&str, &str)]) -> Setup {
        let others = self.descriptor().credentials.iter().skip(1);
        let setup = Setup::new(config).environment(variables.iter().copied().collect());
        others.fold(setup, |setup, credential| setup.secret(&credential.id, Self::key(credential)))
    }

    /// The error of connecting without the first key, after which nothing may have been sent.
    pub(super) async fn refused_without_key(&self) -> Verdict<types::Error> {
        let credential = self.credential()?;
        if !credential.required {
            return Err(Flaw::NotApplicable(format!("the credential `{}` is not required", credential.id)));
        }
        let gateway = self.gateway().await?;
        let setup = self.setup_without_key(json!({}), &[]).base_url(gateway.base_url());
        let connected = Provider::connect(&self.plugin, setup).await;
        let error = refused_as("connecting without a key", connected, ErrorKind::MissingCredential)?;
        no_request(&gateway)?;
        Ok(error)
    }

    /// A gateway that asks for the key, where the component has one.
    pub(super) async fn gateway(&self) -> Verdict<Stub> {
        self.gateway_with(stub::Options::default()).await
    }

    pub(super) async fn gateway_with(&self, options: stub::Options) -> Verdict<Stub> {
        let require = self.descriptor().credentials.first().map(|credential| stub::Credential {
            header: credential.header.clone(),
            value: Self::header_value(credential, &Self::key(credential)),
        });
        let token_delay = std::time::Duration::ZERO;
        Ok(Stub::start(stub::Options { require, token_delay, ..options }).await?)
    }

    /// A gateway that asks for the key, and the component connected to it.
    pub(super) async fn connected(&self) -> Verdict<(Stub, Provider)> {
        let gateway = self.gateway().await?;
        let provider = self.connect(&gateway).await?;
        Ok((gateway, provider))
    }

    /// The component, connected to `gateway` with its key.
    pub(super) async fn connect(&self, gateway: &Stub) -> Verdict<Provider> {
        self.connect_to(&gateway.base_url()).await
    }

    /// The same, at any base URL.
    pub(super) async fn connect_to(&self, base_url: &str) -> Verdict<Provider> {
        Ok(Provider::connect(&self.plugin, self.setup(json!({})).base_url(base_url)).await?)
    }

    /// Fails unless `request` has the key, where there is one, in its header, and neither in the path nor in the body.
    pub(super) fn keyed(&self, request: &Recorded) -> Verdict {
        if let Ok(credential) = self.credential() {
            let expected = Self::header_value(credential, &Self::key(credential));
            equal(&format!("the header {}", credential.header), request.header(&credential.header), expected)?;
        }
        keyless("the path", &request.path)?;
        keyless("the body", &String::from_utf8_lossy(&request.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(verdict: Verdict) -> String {
        match verdict {
            Err(Flaw::Failed(reason)) => reason,
            other => panic!("expected a failure, got {other:?}"),
        }
    }

    #[test]
    fn a_wrong_value_fails_and_says_what_was_expected_and_what_came() {
        assert!(equal("the api", "openai-completions", "openai-completions").is_ok());
        let wrong = reason(equal("the api", "anthropic-messages", "openai-completions"));
        assert_eq!(wrong, r#"the api: expected "openai-completions", got "anthropic-messages""#);
        assert!(equal("fields", json!({"n": 2}), json!({"n": 2, "quality": "low"})).is_err(), "a field is missing");
    }

    #[test]
    fn a_call_that_should_fail_and_does_not_is_a_failure() {
        assert!(refused("a call", Ok(())).is_err());
        let other = || Err::<(), _>(Error::host(ErrorKind::Timeout, "too late"));
        let wrong = refused_as("a call", other(), ErrorKind::Unauthorized).map(drop);
        assert_eq!(reason(wrong), "a call: expected the error Unauthorized, got Timeout: too late");
        assert!(refused_as("a call", other(), ErrorKind::Timeout).is_ok());
    }

    #[test]
    fn the_pixel_is_an_image() {
        let mut reader = png::Decoder::new(io::Cursor::new(pixel(b"more").data)).read_info().unwrap();
        reader.next_frame(&mut vec![0; reader.output_buffer_size().unwrap()]).unwrap();
    }

    #[test]
    fn a_key_is_found_and_never_printed() {
        let leak = format!("x-api-key: {KEY}-some-id");
        assert!(reason(keyless("the reply", &leak)).starts_with("the reply: expected no key"));
        assert!(!without_keys(&leak).contains(KEY));
    }

    #[tokio::test]
    async fn requests_that_should_not_have_come_fail_a_case() {
        let gateway = Stub::start(stub::Options::default()).await.unwrap();
        assert!(no_request(&gateway).is_ok() && only_request(&gateway).is_err());
        tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
        assert!(no_request(&gateway).is_ok(), "a connection is no request yet");
    }

    #[test]
    fn an_error_that_was_not_expected_comes_with_what_helps() {
        let said = |status| {
            let mut record = Error::host(ErrorKind::NotFound, "Not Found").record().clone();
            (record.status, record.hint) = (status, Some("Do this.".to_owned()));
            reason(Err(Error::from(record).into()))
        };
        assert!(said(Some(404)).ends_with("Not Found. The suite's gateway has OpenAI's paths alone"));
        assert!(said(None).ends_with("Not Found. Do this."));
    }
}
