//! How connections are made: TLS, and the proxy where there is one. Owns `request.proxy` and `request.tls` of the
//! configuration and the proxy variables of the environment; which requests may go at all is the egress's business.
//!
//! Through a proxy every request goes in a tunnel (`CONNECT`): the proxy learns the host and the port, and over TLS
//! nothing more. It also resolves the name then, so that the rules for private networks hold for literal addresses alone.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, dns::Name, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{
    credentials::Environment,
    error::{Error, Result},
    origin::{Networks, Origin},
    secrets::secret,
};

/// Makes connections for one origin.
pub(crate) type Connector = HttpsConnector<Route>;

/// What the configuration and the environment say about connections.
#[derive(Clone)]
pub(crate) struct Transport {
    tls: ClientConfig,
    /// The same without the client's certificate, and without its sessions, which could be resumed.
    anonymous: ClientConfig,
    server_name: Option<ServerName<'static>>,
    proxy: Option<Intercept>,
}

impl Transport {
    /// What `request` of the provider's configuration says, else the environment.
    pub(crate) fn of(
        request: Option<&Value>,
        origin: &Origin,
        environment: &Environment,
        config: &Value,
    ) -> Result<Self> {
        let settings = Settings { request, environment, config };
        for pointer in ["", "/proxy", "/tls"] {
            settings.check_object(pointer)?;
        }
        let server_name = settings.text("/tls/serverName")?.map(|name| {
            let name = name.expose_secret().to_owned();
            ServerName::try_from(name).map_err(|_| Error::config("`request.tls.serverName` is not a name"))
        });
        let tls = Tls::of(&settings)?;
        Ok(Self {
            tls: tls.config(tls.client.as_ref())?,
            anonymous: tls.config(None)?,
            server_name: server_name.transpose()?,
            proxy: settings.proxy(origin)?,
        })
    }

    /// The same authorities and proxy for another host, which has a name of its own and is shown no client's certificate.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { tls: self.anonymous.clone(), server_name: None, ..self.clone() }
    }

    /// The proxy that requests go through.
    pub(crate) fn proxy(&self) -> Option<&Intercept> {
        self.proxy.as_ref()
    }

    /// How TLS is spoken, and the name that the certificate must have where it is not the host's.
    pub(crate) fn tls(&self) -> (&ClientConfig, Option<&ServerName<'static>>) {
        (&self.tls, self.server_name.as_ref())
    }

    pub(crate) fn connector(&self, networks: Networks, connect: Duration) -> Connector {
        let route = self.route(networks, connect);
        let builder = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone()).https_or_http();
        let builder = match &self.server_name {
            Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name.clone())),
            None => builder,
        };
        builder.enable_all_versions().wrap_connector(route)
    }

    /// What stands between this machine and TLS.
    pub(crate) fn route(&self, networks: Networks, connect: Duration) -> Route {
        let mut direct = HttpConnector::new_with_resolver(self.resolver(networks));
        direct.enforce_http(false);
        direct.set_nodelay(true);
        // Of several addresses each has its share of the time. The lookup before them has no limit there.
        direct.set_connect_timeout(Some(connect));
        let way = match &self.proxy {
            None => Way::Direct(direct),
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri().clone(), direct);
                Way::Tunnel(match proxy.basic_auth() {
                    Some(auth) => tunnel.with_auth(auth.clone()),
                    None => tunnel,
                })
            }
        };
        Route { way, limit: connect }
    }

    /// Looks up the host that is connected to: the proxy's, else the origin's.
    pub(crate) fn resolver(&self, networks: Networks) -> Resolver {
        // The user chose the proxy: it may stand in a private network, whatever the origin may.
        let networks = if self.proxy.is_some() { Networks::Private } else { networks };
        Resolver { networks, lookup: lookup_host }
    }
}

/// `models.providers.<id>.request`, and what its references stand for.
struct Settings<'a> {
    request: Option<&'a Value>,
    environment: &'a Environment,
    config: &'a Value,
}

impl Settings<'_> {
    fn get(&self, pointer: &str) -> Option<&Value> {
        self.request?.pointer(pointer)
    }

    /// Whether what stands there holds settings: in anything else they would be lost without a word.
    fn check_object(&self, pointer: &str) -> Result<()> {
        match self.get(pointer) {
            None | Some(Value::Null | Value::Object(_)) => Ok(()),
            Some(_) => Err(Error::config(format!("`{}` must be an object", dotted(pointer)))),
        }
    }

    /// A text, its references resolved.
    fn text(&self, pointer: &str) -> Result<Option<SecretString>> {
        match self.get(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(value @ (Value::String(_) | Value::Object(_))) => {
                let found = secret(value, &dotted(pointer), self.environment, self.config)?;
                Ok(found.map(|found| found.secret))
            }
            Some(_) => Err(Error::config(format!("`{}` must be a string", dotted(pointer)))),
        }
    }

    /// The proxy for `origin`: the configured one, else the environment's. As in other tools, the environment's is not
    /// used for this machine. What names a proxy and cannot be understood is an error, never a direct connection.
    fn proxy(&self, origin: &Origin) -> Result<Option<Intercept>> {
        let uri = origin.to_string().parse().map_err(|error| Error::config("no URL").source(error))?;
        let mode = match self.get("/proxy") {
            None | Some(Value::Null) => "env-proxy",
            Some(proxy) => proxy.get("mode").and_then(Value::as_str).unwrap_or_default(),
        };
        let unusable =
            |why: String| Err(Error::config(why).hint("Use the mode explicit-proxy with a url, or env-proxy without."));
        match (mode, self.text("/proxy/url")?) {
            ("explicit-proxy", Some(url)) => proxy_at(url.expose_secret(), &uri, "`request.proxy.url`").map(Some),
            ("explicit-proxy", None) => unusable("`request.proxy.url` is missing".into()),
            ("env-proxy", Some(_)) => unusable("`request.proxy.url` is not used in the mode `env-proxy`".into()),
            ("env-proxy", None) if origin.is_local() => Ok(None),
            ("env-proxy", None) => self.proxy_of_environment(&uri),
            ("", _) => unusable("`request.proxy.mode` is missing".into()),
            (other, _) => unusable(format!("`request.proxy.mode` is `{other}`, which is unknown")),
        }
    }

    /// As curl does it: of two variables that are set the one for the scheme counts, even where it cannot be understood.
    fn proxy_of_environment(&self, uri: &http::Uri) -> Result<Option<Intercept>> {
        let variable = |name: &str| self.environment.get(name).or_else(|| self.environment.get(&name.to_lowercase()));
        let of_scheme = if uri.scheme_str() == Some("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        let found = [of_scheme, "ALL_PROXY"].into_iter().find_map(|name| Some((name, variable(name)?)));
        let Some((name, url)) = found else { return Ok(None) };
        // Some proxy that is good, to see whether the origin is an exception.
        let any = Matcher::builder().all("http://proxy").no(variable("NO_PROXY").unwrap_or_default()).build();
        if any.intercept(uri).is_none() {
            return Ok(None);
        }
        proxy_at(&url, uri, &format!("the environment's {name}")).map(Some)
    }
}

/// The proxy that `url` names. Errors say only where that stands: the text may hold a password.
fn proxy_at(url: &str, uri: &http::Uri, place: &str) -> Result<Intercept> {
    let wrong = || {
        Error::config(format!("{place} is not a proxy's URL")).hint(
            "Write it as http://host:port or http://user:password@host:port, with %20 for a space, %40 for an @ and so on.",
        )
    };
    let proxy = Matcher::builder().all(url.to_owned()).build().intercept(uri).ok_or_else(wrong)?;
    if proxy.uri().scheme_str() != Some("http") {
        return Err(Error::config(format!("{place} is none that can be used: only proxies with an http:// URL are"))
            .hint("Give the proxy as http://host:port. What is sent through it is encrypted all the same."));
    }
    // A port that is none, or a part of a password that was taken for the host's.
    proxy.uri().to_string().parse::<Origin>().map_err(|_| wrong())?;
    Ok(proxy)
}

/// How a user writes the place `pointer` of the settings.
fn dotted(pointer: &str) -> String {
    format!("request{}", pointer.replace('/', "."))
}

/// `request.tls`, and the public authorities.
struct Tls {
    roots: Arc<RootCertStore>,
    client: Option<Client>,
}

/// The client's own certificate, with those up to its authority, and its key.
type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Tls {
    fn of(settings: &Settings<'_>) -> Result<Self> {
        if settings.get("/tls/insecureSkipVerify").and_then(Value::as_bool) == Some(true) {
            return Err(Error::config(
                "`request.tls.insecureSkipVerify` is not supported: it would hand the key to anybody",
            )
            .hint("Give the certificate authority as `request.tls.ca` instead, in PEM form."));
        }
        if settings.get("/tls/passphrase").is_some() {
            return Err(Error::config("`request.tls.passphrase` is not supported")
                .hint("Give `request.tls.key` unencrypted, by a reference to the environment: ${NAME}."));
        }
        let certificates = |name: &str| -> Result<Option<Vec<CertificateDer<'static>>>> {
            let Some(pem) = settings.text(&format!("/tls/{name}"))? else { return Ok(None) };
            let wrong = || Error::config(format!("`request.tls.{name}` holds no certificate in PEM form"));
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes()).collect();
            found.ok().filter(|found| !found.is_empty()).ok_or_else(wrong).map(Some)
        };
        let key = settings.text("/tls/key")?.map(|pem| {
            PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
                .map_err(|_| Error::config("`request.tls.key` holds no private key in PEM form"))
        });
        let client = match (certificates("cert")?, key.transpose()?) {
            (Some(chain), Some(key)) => Some((chain, key)),
            (None, None) => None,
            (Some(_), None) => return Err(Error::config("`request.tls.key` is missing beside `request.tls.cert`")),
            (None, Some(_)) => return Err(Error::config("`request.tls.cert` is missing beside `request.tls.key`")),
        };
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in certificates("ca")?.into_iter().flatten() {
            roots
                .add(authority)
                .map_err(|error| Error::config("`request.tls.ca` cannot be used as an authority").source(error))?;
        }
        Ok(Self { roots: Arc::new(roots), client })
    }

    /// How TLS is spoken by `client`, or by nobody in particular.
    fn config(&self, client: Option<&Client>) -> Result<ClientConfig> {
        // Named, since an embedder's own dependencies may bring another one along.
        let cryptography = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(cryptography)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config("TLS cannot be set up").source(error))?
            .with_root_certificates(Arc::clone(&self.roots));
        match client {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| Error::config("`request.tls.cert` and `request.tls.key` do not fit").source(error)),
        }
    }
}

/// The way to the origin, in limited time.
#[derive(Clone)]
pub(crate) struct Route {
    way: Way,
    limit: Duration,
}

/// Straight to the origin, or through a proxy.
#[derive(Clone)]
enum Way {
    Direct(HttpConnector<Resolver>),
    Tunnel(Tunnel<HttpConnector<Resolver>>),
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<http::Uri> for Route {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.way {
            Way::Direct(direct) => direct.poll_ready(cx).map_err(Into::into),
            Way::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, destination: http::Uri) -> Self::Future {
        let limit = self.limit;
        match &mut self.way {
            Way::Direct(direct) => Box::pin(within(limit, direct.call(destination))),
            Way::Tunnel(tunnel) => {
                let connecting = within(limit, tunnel.call(with_port(destination)));
                Box::pin(async { connecting.await.map_err(|error| ProxyFailed(error).into()) })
            }
        }
    }
}

async fn within<T, E: Into<BoxError>>(
    limit: Duration,
    connecting: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {} s", limit.as_secs_f32()));
    tokio::time::timeout(limit, connecting).await.map_err(late)?.map_err(Into::into)
}

/// The same with its port spelled out: the tunnel takes 443 for granted, also for `http`.
fn with_port(destination: http::Uri) -> http::Uri {
    match (destination.scheme_str(), destination.host(), destination.port()) {
        (Some("http"), Some(host), None) => format!("http://{host}:80/").parse().unwrap_or(destination),
        _ => destination,
    }
}

/// The proxy is what failed, not the origin.
#[derive(Debug, thiserror::Error)]
#[error("the proxy made no connection")]
pub(crate) struct ProxyFailed(#[source] BoxError);

/// Resolves a name once and hands on only the addresses that may be called: what was checked is what is connected to.
#[derive(Clone)]
pub(crate) struct Resolver {
    networks: Networks,
    lookup: fn(Name) -> Lookup,
}

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The system's.
fn lookup_host(name: Name) -> Lookup {
    Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
}

/// A name that may not be called, or that has no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("the name leads to an address that is not allowed")]
    Prohibited,
    #[error("the name could not be resolved")]
    NotFound(#[source] io::Error),
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (networks, found) = (self.networks, (self.lookup)(name));
        Box::pin(async move {
            let mut allowed = found.await.map_err(Unresolved::NotFound)?;
            allowed.retain(|address| networks.allow(address.ip()));
            if allowed.is_empty() { Err(Unresolved::Prohibited) } else { Ok(allowed.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn resolve(networks: Networks, lookup: fn(Name) -> Lookup) -> Result<Vec<String>, Unresolved> {
        let found = Resolver { networks, lookup }.call("gateway.example".parse().unwrap()).await?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    fn addresses(texts: &[&str]) -> Lookup {
        let found = texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_or_metadata_address_is_not_called() {
        let private = |_| addresses(&["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:192.168.0.1"]);
        let metadata = |_| addresses(&["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"]);
        for networks in [Networks::Public, Networks::Loopback, Networks::Private] {
            assert!(matches!(resolve(networks, metadata).await, Err(Unresolved::Prohibited)), "{networks:?}");
        }
        assert!(matches!(resolve(Networks::Public, private).await, Err(Unresolved::Prohibited)));
        assert_eq!(resolve(Networks::Loopback, private).await.unwrap(), ["127.0.0.1", "::1"]);
        assert_eq!(resolve(Networks::Private, private).await.unwrap().len(), 5);
    }

    #[tokio::test]
    async fn of_several_addresses_only_the_allowed_ones_are_called() {
        let mixed = |_| addresses(&["169.254.169.254", "1.1.1.1", "10.0.0.1"]);
        assert_eq!(resolve(Networks::Public, mixed).await.unwrap(), ["1.1.1.1"]);
    }

    /// A lookup that does not end and a proxy that does not answer are late, as an address is that does not answer.
    #[tokio::test]
    async fn the_limit_holds_for_the_lookup_and_the_proxy_too() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let never = |_| -> Lookup { Box::pin(std::future::pending()) };
        let mut direct = HttpConnector::new_with_resolver(Resolver { networks: Networks::Loopback, lookup: never });
        direct.enforce_http(false);
        for way in [Way::Direct(direct.clone()), Way::Tunnel(Tunnel::new(proxy, direct))] {
            let mut route = Route { way, limit: Duration::from_millis(50) };
            let connecting = route.call("https://gateway.example".parse().unwrap());
            let error = tokio::time::timeout(Duration::from_secs(5), connecting).await.expect("it ends").unwrap_err();
            let cause = error.downcast_ref::<ProxyFailed>().map_or(&*error, |failed| &*failed.0);
            assert_eq!(cause.downcast_ref().map(io::Error::kind), Some(io::ErrorKind::TimedOut), "{error:?}");
        }
    }

    /// A name that changes its address after it was checked: each connection goes to an address that was checked for
    /// it, and there is no second lookup between the check and the connection.
    #[tokio::test]
    async fn a_name_is_looked_up_once_for_a_connection_and_checked_each_time() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let rebinding = |_| match LOOKUPS.fetch_add(1, Ordering::Relaxed) {
            0 => addresses(&["127.0.0.1"]),
            _ => addresses(&["10.0.0.1"]),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let uri: http::Uri = format!("http://gateway.example:{port}/").parse().unwrap();
        let mut direct = HttpConnector::new_with_resolver(Resolver { networks: Networks::Loopback, lookup: rebinding });
        direct.call(uri.clone()).await.unwrap();
        assert_eq!(LOOKUPS.load(Ordering::Relaxed), 1);
        let error = direct.call(uri).await.unwrap_err();
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
        assert!(matches!(cause, Some(Unresolved::Prohibited)), "{error:?}");
    }
}
