//! The one way out: every request of a component passes `Egress::send`, which decides whether it may go, attaches the
//! credentials, sends it on a pooled connection, and masks secrets in the answer.
//!
//! Owns the network; the connections are in `pool`. It does not know what the requests mean, and follows no redirects of a
//! guest's request: the guest may report a `Location`. The host's own downloads follow some redirects.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use boundary::{
    mask::{Mask, MaskedBody},
    origin::{Networks, Origin},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use memchr::memmem;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
    p2::bindings::http::types::ErrorCode,
};

use super::{
    destination::Destination,
    pool::Pool,
    transport::{ProxyFailed, Unresolved},
};
use crate::{
    image_kind::image_kind,
    limits::{Clock, Limits},
    types::{ErrorKind, Media},
};

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

/// How many redirects a download follows.
const DOWNLOAD_REDIRECTS: usize = 5;

/// What one request of a download gave.
enum Hop {
    Here(Media),
    /// The URL that it is redirected to.
    To(String),
}

/// A policy, and the connections that requests go out on under it.
pub(crate) struct Egress {
    policy: Policy,
    /// The headers that a guest may not set.
    forbidden: ForbiddenHeaderFilter,
    pool: Arc<Pool>,
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

    /// Fetches `url`, without credentials, from wherever it is: with the same proxy and authorities as the origin, and on
    /// no other networks. Storage may redirect it: up to five times, each of them checked as the first.
    pub(crate) async fn download(&self, url: &str, clock: Clock) -> crate::error::Result<Media> {
        let (limit, left) = clock.limit();
        tokio::time::timeout(left, self.fetch(url)).await.unwrap_or_else(|_| {
            let late = format!("the image took longer than {} s", limit.as_secs_f32());
            Err(crate::error::Error::host(ErrorKind::Timeout, late).request_sent(true))
        })
    }

    async fn fetch(&self, url: &str) -> crate::error::Result<Media> {
        let mut url = url.to_owned();
        for hop in 0..=DOWNLOAD_REDIRECTS {
            // Behind a redirect something was sent.
            let next = self.hop(&url).await.map_err(|error| if hop > 0 { error.request_sent(true) } else { error });
            match next? {
                Hop::Here(media) => return Ok(media),
                Hop::To(next) => url = next,
            }
        }
        Err(not_fetched(&format!("it is redirected over {DOWNLOAD_REDIRECTS} times")))
    }

    async fn hop(&self, url: &str) -> crate::error::Result<Hop> {
        let denied = |why: &str| {
            let why = format!("the image may not be fetched: {why}");
            crate::error::Error::host(ErrorKind::DeniedByHost, why)
        };
        let failed = |error: WasiError| match error {
            WasiError::DestinationIpProhibited => denied("its URL leads to a network where the provider may not be"),
            error => not_fetched(&error.to_string()),
        };
        let origin: Origin = url.parse().map_err(|_| {
            denied("its URL cannot be read, does not begin with http:// or https://, or holds a user name")
        })?;
        // A gateway on this machine may answer with a URL of this machine or a public one; a public one only with public.
        let own = &self.pool.destination;
        let networks = Networks::of(&origin, false);
        // A name of this machine resolves to nothing that may be called here; behind a proxy it is a name of that one.
        if networks != Networks::Public && networks != own.networks {
            return Err(failed(WasiError::DestinationIpProhibited));
        }
        let elsewhere = Destination { origin, networks, transport: own.transport.elsewhere(), base_url: String::new() };
        let policy = Policy {
            attached: HeaderMap::new(),
            filled: Vec::new(),
            mark: String::new(),
            mask: self.policy.mask.clone(),
            limits: self.policy.limits.clone(),
        };
        let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(url).body(empty).map_err(|error| not_fetched(&error.to_string()))?;
        let permit =
            Arc::new(Semaphore::new(1)).try_acquire_owned().map_err(|error| not_fetched(&error.to_string()))?;
        let pool = Arc::new(Pool::new(elsewhere, &policy.limits));
        let response =
            Egress::new(policy, pool).send(request, RequestOptions::default(), permit).await.map_err(failed)?;
        if response.status().is_redirection()
            && let Some(location) = response.headers().get(header::LOCATION)
        {
            let next = url::Url::parse(url).ok().zip(location.to_str().ok());
            let next = next.and_then(|(url, location)| url.join(location).ok());
            return next.map(|next| Hop::To(next.into())).ok_or_else(|| not_fetched("its redirect leads nowhere"));
        }
        if !response.status().is_success() {
            return Err(not_fetched(&format!("HTTP status {}", response.status())));
        }
        let data = response.into_body().collect().await.map_err(|error| not_fetched(&error.to_string()))?.to_bytes();
        let (media_type, _) = image_kind(&data).ok_or_else(|| not_fetched("what came is not an image"))?;
        Ok(Hop::Here(Media { media_type: media_type.to_owned(), data: data.to_vec() }))
    }

    /// Policy first, then the credentials, then the network.
    async fn send(
        &self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        permit: OwnedSemaphorePermit,
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
        let body = ResponseBody {
            incoming: body,
            is_http2: parts.version == http::Version::HTTP_2,
            masked: MaskedBody::new(policy.mask.clone()),
            left: policy.limits.response_body,
            idle,
            timer: Box::pin(tokio::time::sleep(idle)),
            _permit: permit,
        };
        Ok(Response::from_parts(parts, body.boxed_unsync()))
    }
}

/// A download that failed on the way.
fn not_fetched(why: &str) -> crate::error::Error {
    crate::error::Error::host(ErrorKind::Transport, format!("the image could not be fetched: {why}")).request_sent(true)
}

/// A coding, other than `plain`, in which the mask would not find a secret.
fn coded(headers: &HeaderMap, name: HeaderName, plain: &str) -> Option<String> {
    let values = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.map(|value| value.trim().to_owned()).find(|value| !value.eq_ignore_ascii_case(plain))
}

/// The WIT's word for what went wrong, found along the chain of causes. What a server says as it ends a connection of HTTP/2 is
/// among them.
fn wasi_error(error: &(dyn StdError + 'static), mask: &Mask) -> WasiError {
    tracing::debug!(error = %mask.text(&chain(error)), "a request failed");
    let mut cause = Some(error);
    let mut found = WasiError::ConnectionTerminated;
    while let Some(error) = cause {
        if let Some(unresolved) = error.downcast_ref::<Unresolved>() {
            return match unresolved {
                Unresolved::Prohibited => WasiError::DestinationIpProhibited,
                Unresolved::NotFound(_) => WasiError::DnsError { rcode: None, info_code: None },
            };
        }
        if error.is::<ProxyFailed>() {
            return WasiError::InternalError(Some(mask.text(&chain(error)).into_owned()));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) => WasiError::TlsCertificateError,
                rustls::Error::AlertReceived(alert) => WasiError::TlsAlertReceived {
                    alert_id: Some(u8::from(*alert)),
                    alert_message: Some(format!("{alert:?}")),
                },
                _ => WasiError::TlsProtocolError,
            };
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = match io.kind() {
                io::ErrorKind::ConnectionRefused => WasiError::ConnectionRefused,
                io::ErrorKind::TimedOut => WasiError::ConnectionTimeout,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    WasiError::DestinationIpUnroutable
                }
                // What hyper says of chunks that are none.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => WasiError::HttpProtocolError,
                _ => found,
            };
            // `io::Error::source` skips the error that it wraps.
            if let Some(inner) = io.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        // What the other side got wrong; what it sent or did is a broken connection.
        if error.downcast_ref::<h2::Error>().is_some_and(h2::Error::is_library) {
            return WasiError::HttpProtocolError;
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            if hyper.is_parse_too_large() {
                return WasiError::HttpResponseHeaderSectionSize(None);
            }
            if hyper.is_parse() {
                return WasiError::HttpProtocolError;
            }
        }
        cause = error.source();
    }
    found
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What a guest is told of an error in a response's body, should it ask. `wasmtime-wasi-http` 48 looks for another type
/// than it puts there, and so has no answer.
pub(crate) fn body_error_code(error: &wasmtime::Error) -> Option<ErrorCode> {
    Some(match error.downcast_ref::<WasiError>()? {
        WasiError::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        WasiError::HttpResponseBodySize(size) => ErrorCode::HttpResponseBodySize(*size),
        WasiError::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        WasiError::HttpProtocolError => ErrorCode::HttpProtocolError,
        WasiError::TlsProtocolError => ErrorCode::TlsProtocolError,
        _ => ErrorCode::ConnectionTerminated,
    })
}

/// A response's body on its way to the guest: masked, counted, and not waited for without end.
struct ResponseBody {
    incoming: Incoming,
    is_http2: bool,
    masked: MaskedBody,
    left: u64,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// Counts as an open request until the body is gone.
    _permit: OwnedSemaphorePermit,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                ready!(self.timer.as_mut().poll(cx));
                return Poll::Ready(Some(Err(WasiError::ConnectionReadTimeout)));
            };
            let deadline = Instant::now() + self.idle;
            self.timer.as_mut().reset(deadline);
            let piece = match frame {
                // hyper takes a stream that is reset without an error for one that is whole.
                None if self.is_http2 && !self.incoming.is_end_stream() => {
                    return Poll::Ready(Some(Err(WasiError::HttpResponseIncomplete)));
                }
                None => {
                    let rest = self.masked.finish();
                    return Poll::Ready((!rest.is_empty()).then_some(Ok(Frame::data(rest))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(wasi_error(&error, self.masked.mask())))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    // Trailers: no provider needs them, and the mask does not read them.
                    Err(_) => continue,
                },
            };
            self.left = match self.left.checked_sub(piece.len() as u64) {
                Some(left) => left,
                None => return Poll::Ready(Some(Err(WasiError::HttpResponseBodySize(None)))),
            };
            let is_last = self.incoming.is_end_stream();
            let safe = if is_last { self.masked.last(piece) } else { self.masked.push(piece) };
            if !safe.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(safe))));
            }
        }
    }
}

/// The most that a guest writes into a request's body at once. Two such pieces wait in the host's memory for each request that
/// is never sent, and a guest can hold some hundred of those.
const BODY_CHUNK: usize = 64 << 10;

/// The seam to wasmtime: one per instance.
pub(crate) struct Hooks {
    /// Absent for the pure calls: then there is no way out at all.
    egress: Option<Arc<Egress>>,
    requests: Arc<Semaphore>,
    refused: RefusedHeader,
    has_sent: bool,
}

/// The first header that a guest wanted to set and may not, for people: the guest is told no more than that it may not.
pub(crate) type RefusedHeader = Arc<OnceLock<HeaderName>>;

impl Hooks {
    pub(crate) fn new(egress: Option<Arc<Egress>>, limits: &Limits, refused: RefusedHeader) -> Self {
        Self { egress, requests: Arc::new(Semaphore::new(limits.concurrent_requests)), refused, has_sent: false }
    }
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), WasiError>> + Send>), WasiError>;

impl WasiHttpHooks for Hooks {
    /// Asked for each header that a guest sets; and for those of answers, which no guest has set.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        let is_forbidden = match &self.egress {
            Some(egress) => (egress.forbidden)(name),
            None => DEFAULT_FORBIDDEN_HEADERS.contains(name),
        };
        if is_forbidden && !self.has_sent {
            self.refused.get_or_init(|| name.clone());
        }
        is_forbidden
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        match &self.egress {
            Some(egress) => Arc::clone(&egress.forbidden),
            None => Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)),
        }
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    /// The client writes it, and HTTP/2 has none.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        self.has_sent = true;
        let egress = self.egress.clone();
        let permit = Arc::clone(&self.requests).try_acquire_owned();
        Box::new(async move {
            let egress = egress.ok_or(WasiError::HttpRequestDenied)?;
            let permit = permit.map_err(|_| WasiError::ConnectionLimitReached)?;
            let response = egress.send(request, options.unwrap_or_default(), permit).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}
