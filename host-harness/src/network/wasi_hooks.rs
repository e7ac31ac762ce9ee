//! The seam to wasmtime: what `wasi:http` asks the host for each header and each request of an instance.

use std::sync::{Arc, OnceLock};

use http::{HeaderName, Request, Response};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use super::egress::Egress;
use crate::limits::Limits;

/// The most that a guest writes into a request's body at once. Two such pieces wait in the host's memory for each request that
/// is never sent, and a guest can hold some hundred of those.
const BODY_CHUNK: usize = 64 << 10;

/// One per instance.
pub(crate) struct Hooks {
    /// Absent for the pure calls: then there is no way out at all.
    egress: Option<Arc<Egress>>,
    requests: Arc<Semaphore>,
    refused: Refusals,
    has_sent: bool,
}

/// The first thing that a guest wanted and may not, for people: the guest is told no more than that it may not.
pub(crate) type Refusals = Arc<OnceLock<Refused>>;

/// What the host refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// To set this header.
    Header(HeaderName),
    /// To call this origin: it is not the configured one.
    Origin(String),
}

impl Hooks {
    pub(crate) fn new(egress: Option<Arc<Egress>>, limits: &Limits, refused: Refusals) -> Self {
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
            self.refused.get_or_init(|| Refused::Header(name.clone()));
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
        let refused = Arc::clone(&self.refused);
        let permit = Arc::clone(&self.requests).try_acquire_owned();
        Box::new(async move {
            let egress = egress.ok_or(WasiError::HttpRequestDenied)?;
            let permit = permit.map_err(|_| WasiError::ConnectionLimitReached)?;
            let response = egress.send(request, options.unwrap_or_default(), permit, &refused).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}
