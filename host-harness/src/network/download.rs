//! Fetches an image by its URL, for the host itself: without credentials, and from no other networks than the provider's.
//! Follows some redirects, each of them checked as the first.

use std::sync::Arc;

use boundary::origin::{Networks, Origin};
use http::{Request, header};
use http_body_util::{BodyExt, Empty};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions};

use super::{destination::Destination, egress::Egress, pool::Pool, wasi_hooks::Refusals};
use crate::{
    error::{Error, Result},
    image_kind::image_kind,
    limits::Clock,
    types::{ErrorKind, Media},
};

/// How many redirects a download follows.
const DOWNLOAD_REDIRECTS: usize = 5;

/// What one request of a download gave.
enum Hop {
    Here(Media),
    /// The URL that it is redirected to.
    To(String),
}

impl Egress {
    /// Fetches `url`, without credentials, from wherever it is: with the same proxy and authorities as the origin, and on
    /// no other networks. Storage may redirect it: up to five times, each of them checked as the first.
    pub(crate) async fn download(&self, url: &str, clock: Clock) -> Result<Media> {
        let (limit, left) = clock.limit();
        tokio::time::timeout(left, self.fetch(url)).await.unwrap_or_else(|_| {
            let late = format!("the image took longer than {} s", limit.as_secs_f32());
            Err(Error::host(ErrorKind::Timeout, late).request_sent(true))
        })
    }

    async fn fetch(&self, url: &str) -> Result<Media> {
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

    async fn hop(&self, url: &str) -> Result<Hop> {
        let denied = |why: &str| {
            let why = format!("the image may not be fetched: {why}");
            Error::host(ErrorKind::DeniedByHost, why)
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
        let policy = self.without_credentials().policy;
        let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(url).body(empty).map_err(|error| not_fetched(&error.to_string()))?;
        let permit =
            Arc::new(Semaphore::new(1)).try_acquire_owned().map_err(|error| not_fetched(&error.to_string()))?;
        let pool = Arc::new(Pool::new(elsewhere, &policy.limits));
        let response = Egress::new(policy, pool)
            .send(request, RequestOptions::default(), permit, &Refusals::default())
            .await
            .map_err(failed)?;
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
}

/// A download that failed on the way.
fn not_fetched(why: &str) -> Error {
    Error::host(ErrorKind::Transport, format!("the image could not be fetched: {why}")).request_sent(true)
}
