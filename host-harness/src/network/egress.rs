//! The one way out: every request of a component passes `Egress::send`, which decides whether it may go, attaches the
//! credentials, sends it on a pooled connection, and masks secrets in the answer.
//!
//! Owns the network; the connections are in `pool`. It does not know what the requests mean, and follows no redirects of a
//! guest's request: the guest may report a `Location`.

use std::sync::Arc;

use boundary::{
    mask::{Mask, MaskedBody},
    origin::Origin,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use memchr::memmem;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody,
};

use super::{
    destination::Destination,
    pool::Pool,
    response_body::ResponseBody,
    wasi_error::wasi_error,
    wasi_hooks::{Refusals, Refused},
};
use crate::limits::Limits;

/// What the host adds to the requests of one provider, and the rules that it enforces.
pub(crate) struct Policy {
    /// Credentials and other secret headers; the guest may set none of these names.
    pub(crate) attached: HeaderMap,
    /// Headers that the guest writes with secrets hidden in them.
    pub(crate) filled: Vec<Filled>,
    /// The text in every placeholder for a hidden secret, and nowhere else. Empty if nothing is hidden.
    pub(crate) mark: String,
    pub(crate) mask: Mask,
    pub(crate) limits: Limits,
}

/// A header as the guest writes it, and as it goes out.
pub(crate) struct Filled {
    pub(crate) name: HeaderName,
    pub(crate) shown: HeaderValue,
    pub(crate) real: HeaderValue,
}

impl Policy {
    /// Puts the secrets into the headers that they are hidden in.
    ///
    /// # Errors
    /// If a placeholder is in another header, or differs from the configured one.
    fn fill(&self, headers: &mut HeaderMap) -> Result<(), WasiError> {
        let is_marked = |value: &HeaderValue| memmem::find(value.as_bytes(), self.mark.as_bytes()).is_some();
        if self.mark.is_empty() {
            return Ok(());
        }
        for (name, value) in headers.iter_mut().filter(|(_, value)| is_marked(value)) {
            let filled = self.filled.iter().find(|filled| filled.name == name && filled.shown == *value);
            *value = filled.map(|filled| filled.real.clone()).ok_or_else(|| {
                tracing::debug!(%name, "denied a request that moves a hidden secret");
                WasiError::HttpRequestDenied
            })?;
        }
        Ok(())
    }
}

/// A server that gives the answer in parts would give a secret in parts, and the mask finds none of them.
pub(crate) const IN_PARTS: [HeaderName; 2] = [header::RANGE, header::IF_RANGE];

/// A policy, and the connections that requests go out on under it.
pub(crate) struct Egress {
    pub(super) policy: Policy,
    /// The headers that a guest may not set.
    pub(super) forbidden: ForbiddenHeaderFilter,
    pub(super) pool: Arc<Pool>,
}

impl Egress {
    pub(crate) fn new(policy: Policy, pool: Arc<Pool>) -> Self {
        let attached: Vec<HeaderName> = policy.attached.keys().cloned().chain(IN_PARTS).collect();
        let forbidden = move |name: &_| DEFAULT_FORBIDDEN_HEADERS.contains(name) || attached.contains(name);
        Self { policy, forbidden: Arc::new(forbidden), pool }
    }

    /// Names of the headers that are attached to each request.
    pub(crate) fn attached_headers(&self) -> impl Iterator<Item = &str> {
        self.policy.attached.keys().map(HeaderName::as_str)
    }

    pub(crate) fn mask(&self) -> &Mask {
        &self.policy.mask
    }

    /// The same way to the same origin, with nothing attached and nothing filled in: for what anybody may ask. A guest may set
    /// the headers that are attached here as little as before.
    pub(crate) fn without_credentials(&self) -> Self {
        let policy = Policy {
            attached: HeaderMap::new(),
            filled: Vec::new(),
            mark: self.policy.mark.clone(),
            mask: self.policy.mask.clone(),
            limits: self.policy.limits.clone(),
        };
        Self { policy, forbidden: Arc::clone(&self.forbidden), pool: Arc::clone(&self.pool) }
    }

    /// Policy first, then the credentials, then the network.
    pub(super) async fn send(
        &self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        permit: OwnedSemaphorePermit,
        refused: &Refusals,
    ) -> Result<Response<WasiBody>, WasiError> {
        let policy = &self.policy;
        let Pool { destination: Destination { origin, networks, .. }, authority, client } = &*self.pool;
        let uri = request.uri();
        let authority = authority.as_ref().ok_or(WasiError::HttpRequestUriInvalid)?;
        // As the origin is written, letter by letter; what is written otherwise is parsed.
        let is_as_written = uri.scheme_str() == Some(origin.scheme())
            && uri.authority().is_some_and(|given| given.as_str() == authority.as_str());
        if !is_as_written && Origin::of(uri).as_ref() != Some(origin) {
            tracing::debug!(allowed = %origin, "denied a request to another origin");
            let host = || uri.host().unwrap_or_default().to_owned();
            refused.get_or_init(|| Refused::Origin(Origin::of(uri).map_or_else(host, |origin| origin.to_string())));
            return Err(WasiError::HttpRequestDenied);
        }
        // The connector resolves names through `Resolver`, but takes an address as it stands.
        if origin.literal_address().is_some_and(|address| !networks.allow(address)) {
            return Err(WasiError::DestinationIpProhibited);
        }
        // The host that was checked is the one that is called, however the guest has written it.
        if !is_as_written {
            let mut uri = std::mem::take(request.uri_mut()).into_parts();
            uri.authority = Some(authority.clone());
            *request.uri_mut() = http::Uri::from_parts(uri).map_err(|_| WasiError::HttpRequestUriInvalid)?;
        }
        policy.fill(request.headers_mut())?;
        for (name, value) in &policy.attached {
            request.headers_mut().insert(name, value.clone());
        }
        // The mask must see the answer in plain text.
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));

        let first_byte = options.first_byte_timeout.unwrap_or(policy.limits.call);
        let head = first_byte.saturating_add(policy.limits.connect);
        let response = tokio::time::timeout(head, client.request(request))
            .await
            .map_err(|_| WasiError::ConnectionReadTimeout)?
            .map_err(|error| wasi_error(&error, &policy.mask))?;

        let (mut parts, body) = response.into_parts();
        // The client counts what it reads at once, which may be more.
        let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > policy.limits.response_head {
            return Err(WasiError::HttpResponseHeaderSectionSize(None));
        }
        let masked = |coding: String| Some(policy.mask.text(&coding).into_owned());
        if let Some(coding) = coded(&parts.headers, header::CONTENT_ENCODING, "identity") {
            return Err(WasiError::HttpResponseContentCoding(masked(coding)));
        }
        if let Some(coding) = coded(&parts.headers, header::TRANSFER_ENCODING, "chunked") {
            return Err(WasiError::HttpResponseTransferCoding(masked(coding)));
        }
        // A name cannot hold a mask.
        let telling = |name: &&HeaderName| policy.mask.is_in_name(name.as_str());
        let telling: Vec<_> = parts.headers.keys().filter(telling).cloned().collect();
        for name in telling {
            parts.headers.remove(name);
        }
        for value in parts.headers.values_mut() {
            if let Some(masked) = policy.mask.bytes(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&masked).map_err(|_| WasiError::HttpProtocolError)?;
            }
        }
        let idle = options.between_bytes_timeout.unwrap_or(policy.limits.stream_idle);
        let masked = MaskedBody::new(policy.mask.clone());
        let is_http2 = parts.version == http::Version::HTTP_2;
        let body = ResponseBody::new(body, is_http2, masked, policy.limits.response_body, idle, permit);
        Ok(Response::from_parts(parts, body.boxed_unsync()))
    }
}

/// A coding, other than `plain`, in which the mask would not find a secret.
fn coded(headers: &HeaderMap, name: HeaderName, plain: &str) -> Option<String> {
    let values = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.map(|value| value.trim().to_owned()).find(|value| !value.eq_ignore_ascii_case(plain))
}
