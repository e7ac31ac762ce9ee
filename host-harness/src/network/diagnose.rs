//! Checks the connection to a provider step by step, with times: name lookup, TCP, a proxy if there is one, TLS, HTTP.
//! Owns what a failed step means and what to do about it. Sends no credential, and does not use the plugin.

use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{destination::Destination, transport::Unresolved, wasi_error::chain};
use crate::{
    error::{Error, Result},
    limits::Limits,
    types::{self, ErrorKind, ErrorOrigin},
};

/// One step on the way, and how it went.
#[derive(Debug)]
pub struct Step {
    /// `DNS`, `TCP`, `proxy`, `TLS` or `HTTP`.
    pub name: &'static str,
    /// From its start to its end.
    pub took: Duration,
    /// What was found, in a few words; else why it failed and what to do.
    pub outcome: Result<String>,
}

/// What the later steps talk over.
type Stream = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Destination {
    /// Walks the way that requests take, on connections of its own. It ends with the first step that fails; each has
    /// [`Limits::connect`] of time.
    pub async fn diagnose(&self, limits: &Limits) -> Vec<Step> {
        let mut walk = Walk { steps: Vec::new(), limit: limits.connect };
        self.walk(&mut walk).await;
        walk.steps
    }

    /// `None` where a step failed.
    async fn walk(&self, walk: &mut Walk) -> Option<()> {
        let addresses = walk.step("DNS", self.look_up()).await?;
        let mut stream: Stream = Box::new(walk.step("TCP", connect(&addresses)).await?);
        if self.transport.proxy.is_some() {
            stream = walk.step("proxy", self.tunnel(walk.limit)).await?;
        }
        if self.origin.is_https() {
            stream = walk.step("TLS", self.shake_hands(stream)).await?;
        }
        walk.step("HTTP", self.ask(stream)).await
    }

    /// The addresses of the proxy, else of the origin.
    async fn look_up(&self) -> Result<(Vec<SocketAddr>, String)> {
        let (host, port) = match self.transport.proxy.as_ref().map(|proxy| &proxy.address) {
            Some(proxy) => (proxy.host().unwrap_or_default().to_owned(), proxy.port_u16().unwrap_or_default()),
            None => (self.origin.host(), self.origin.port()),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok((vec![SocketAddr::new(address, port)], format!("{host} is an address")));
        }
        let name = host.parse().map_err(|_| Error::config(format!("`{host}` is no host name")))?;
        let found = self.transport.resolver(self.networks).call(name).await.map_err(|error| match error {
            Unresolved::NotFound(why) => failed(
                format!("{host} is not found: {why}"),
                "Check the host name in the base URL, then the network and the VPN.",
            ),
            Unresolved::Prohibited => denied(format!("{host} leads to a network that may not be called")),
        })?;
        let found: Vec<_> = found.map(|address| SocketAddr::new(address.ip(), port)).collect();
        let shown: Vec<_> = found.iter().take(2).map(|address| address.ip().to_string()).collect();
        let more = if found.len() > shown.len() { ", ..." } else { "" };
        Ok((found, format!("{host} is {}{more}", shown.join(", "))))
    }

    /// A new connection: to the proxy, and through it.
    async fn tunnel(&self, limit: Duration) -> Result<(Stream, String)> {
        let uri: http::Uri = self.origin.to_string().parse().map_err(|error| Error::config("no URL").source(error))?;
        let stream = self.transport.route(self.networks, limit).call(uri).await.map_err(|error| {
            failed(
                chain(&*error),
                "Check `request.proxy` of the configuration, else HTTPS_PROXY or ALL_PROXY: the kind, the address, the user name, the password.",
            )
        })?;
        Ok((Box::new(TokioIo::new(stream)), format!("opened a tunnel to {}", self.origin.authority())))
    }

    async fn shake_hands(&self, stream: Stream) -> Result<(Stream, String)> {
        let name = match &self.transport.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(self.origin.host().trim_matches(['[', ']']).to_owned())
                .map_err(|error| Error::config("the host has no name for TLS").source(error))?,
        };
        let mut config = self.transport.tls.clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream =
            TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| not_tls(&error))?;
        let version = stream.get_ref().1.protocol_version().and_then(|version| version.as_str());
        let version = version.unwrap_or("TLS").replace("TLSv1_", "TLS 1.");
        Ok((Box::new(stream), format!("{version}, the certificate is good")))
    }

    /// A request without credentials: whatever the answer is, something that speaks HTTP gave it.
    async fn ask(&self, stream: Stream) -> Result<((), String)> {
        let no_http = |error: &dyn StdError| {
            failed(
                format!("what answers at {} does not speak HTTP: {error}", self.origin),
                "Check scheme and port of the base URL: a server of TLS needs https.",
            )
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| no_http(&error))?;
        tokio::spawn(connection);
        let path = http::Uri::try_from(self.base_url.trim()).ok().map(|uri| uri.path().to_owned());
        let request = Request::get(path.filter(|path| path.starts_with('/')).unwrap_or_else(|| "/".into()))
            .header(http::header::HOST, self.origin.authority())
            .body(Empty::<Bytes>::new())
            .map_err(|error| Error::config("the base URL cannot be asked for").source(error))?;
        let answer = sender.send_request(request).await.map_err(|error| no_http(&error))?;
        Ok(((), format!("answers, with status {} to a request without a key", answer.status().as_u16())))
    }
}

struct Walk {
    steps: Vec<Step>,
    limit: Duration,
}

impl Walk {
    async fn step<T>(&mut self, name: &'static str, step: impl Future<Output = Result<(T, String)>>) -> Option<T> {
        let start = Instant::now();
        let ended = tokio::time::timeout(self.limit, step).await.unwrap_or_else(|_| Err(late(name, self.limit)));
        let took = start.elapsed();
        let (passed, outcome) = match ended {
            Ok((passed, found)) => (Some(passed), Ok(found)),
            Err(error) => (None, Err(error)),
        };
        self.steps.push(Step { name, took, outcome });
        passed
    }
}

/// To the first address that takes the connection.
async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, String)> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((stream, format!("connected to {address}"))),
            Err(error) => last = Some((address, error)),
        }
    }
    let Some((address, error)) = last else {
        return Err(failed("there is no address".into(), "Check the host name in the base URL."));
    };
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "Nothing listens there: start the gateway, or correct the port in the base URL."
        }
        _ => "Check the network. Where only a proxy leads out, set HTTPS_PROXY or `request.proxy`.",
    };
    Err(failed(format!("{address} takes no connection: {error}"), hint))
}

fn not_tls(error: &io::Error) -> Error {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let hint = match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "Give the authority that signed it, such as your company's, as `request.tls.ca` in PEM form, or its file in SSL_CERT_FILE."
        }
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "The certificate is another host's: check the host name in the base URL.",
        Some(rustls::Error::InvalidCertificate(_)) => {
            "The server's certificate must be renewed, or this machine's clock set."
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "The server may not speak TLS on this port: check the port, or use http."
        }
        _ => "Check port and scheme of the base URL, and what stands between here and the server.",
    };
    failed(format!("no TLS connection: {error}"), hint)
}

fn late(step: &str, limit: Duration) -> Error {
    let hint = match step {
        "HTTP" => {
            "It takes the connection and says nothing: see in its own log whether the gateway is what listens there."
        }
        _ => "Check the network. Where only a proxy leads out, set HTTPS_PROXY or `request.proxy`.",
    };
    step_error(ErrorKind::Timeout, format!("took longer than {} s", limit.as_secs_f32()), hint)
}

fn failed(message: String, hint: &str) -> Error {
    step_error(ErrorKind::Transport, message, hint)
}

fn denied(message: String) -> Error {
    step_error(
        ErrorKind::DeniedByHost,
        message,
        "Set `request.allowPrivateNetwork` of the provider to true to allow private networks.",
    )
}

fn step_error(kind: ErrorKind, message: String, hint: &str) -> Error {
    let mut error = types::Error::clone(Error::host(kind, message).record());
    error.origin = ErrorOrigin::Network;
    Error::from(error).hint(hint)
}
