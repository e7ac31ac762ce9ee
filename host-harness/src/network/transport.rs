//! How connections are made: with TLS, and through a proxy if there is one. `egress` decides which requests may go.
//!
//! Every request through a proxy uses a tunnel (`CONNECT`, SOCKS): the proxy learns the host and the port, and with TLS
//! nothing more. Most proxies also resolve the name, and then the rules for private networks apply only to literal
//! addresses. For `socks5` and `socks4` this host resolves the name, and the rules apply to names too.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use boundary::origin::{Networks, Origin};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        dns::Name,
        proxy::{SocksV4, SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{
    proxy::{Names, Protocol, Proxy, at_address},
    settings::Settings,
    tls::Tls,
};
use crate::{
    configuration::environment::Environment,
    error::{Error, Result},
};

/// Makes connections for one origin.
pub(crate) type Connector = HttpsConnector<Dialer>;

/// What the configuration and the environment say about connections.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(super) tls: ClientConfig,
    /// The same without the client's certificate, and without its sessions, which could be resumed.
    anonymous: ClientConfig,
    /// What the certificate must name where it is not the host.
    pub(super) server_name: Option<ServerName<'static>>,
    /// What requests go through.
    pub(super) proxy: Option<Proxy>,
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
        let proxy = settings.proxy(origin)?;
        let tls = Tls::of(&settings, origin, proxy.as_ref())?;
        Ok(Self {
            tls: tls.config(tls.client.as_ref())?,
            anonymous: tls.config(None)?,
            server_name: server_name.transpose()?,
            proxy,
        })
    }

    /// The same authorities and proxy for another host, which has a name of its own and is shown no client's certificate.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { tls: self.anonymous.clone(), server_name: None, ..self.clone() }
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
    pub(crate) fn route(&self, networks: Networks, connect: Duration) -> Dialer {
        let mut direct = HttpConnector::new_with_resolver(self.resolver(networks));
        direct.enforce_http(false);
        direct.set_nodelay(true);
        // Of several addresses each has its share of the time. The lookup before them has no limit there.
        direct.set_connect_timeout(Some(connect));
        let way = match &self.proxy {
            None => Way::Direct(direct),
            Some(proxy) => {
                // The client's certificate is for the gateway, and not for a proxy that is spoken to over TLS.
                let builder = HttpsConnectorBuilder::new().with_tls_config(self.anonymous.clone()).https_or_http();
                let to_proxy = builder.enable_http1().wrap_connector(direct);
                let address = proxy.address.clone();
                let here = |names| (names == Names::Here).then_some(Resolver { networks, lookup: lookup_host });
                match proxy.protocol {
                    Protocol::Http => {
                        let tunnel = Tunnel::new(address, to_proxy);
                        Way::Tunnel(match proxy.auth.basic_auth() {
                            Some(auth) => tunnel.with_auth(auth.clone()),
                            None => tunnel,
                        })
                    }
                    Protocol::Socks4(names) => Way::Socks4(SocksV4::new(address, to_proxy), here(names)),
                    Protocol::Socks5(names) => {
                        let socks = SocksV5::new(address, to_proxy);
                        let socks = match proxy.auth.raw_auth() {
                            Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                            None => socks,
                        };
                        Way::Socks5(socks, here(names))
                    }
                }
            }
        };
        Dialer { way, limit: connect }
    }

    /// Looks up the host that is connected to: the proxy's, else the origin's.
    pub(crate) fn resolver(&self, networks: Networks) -> Resolver {
        // The user chose the proxy: it may stand in a private network, whatever the origin may.
        let networks = if self.proxy.is_some() { Networks::Private } else { networks };
        Resolver { networks, lookup: lookup_host }
    }
}

/// The way to the origin, in limited time.
#[derive(Clone)]
pub(crate) struct Dialer {
    way: Way,
    limit: Duration,
}

/// Straight to the origin, or through a proxy. With a resolver, names are looked up here and the proxy is given
/// addresses.
#[derive(Clone)]
enum Way {
    Direct(HttpConnector<Resolver>),
    Tunnel(Tunnel<ToProxy>),
    Socks4(SocksV4<ToProxy>, Option<Resolver>),
    Socks5(SocksV5<ToProxy>, Option<Resolver>),
}

/// Connects to the proxy, over TLS where its URL says so.
type ToProxy = HttpsConnector<HttpConnector<Resolver>>;

/// Bytes to the origin: TLS there is TLS to the proxy on the way.
type Tunnelled = MaybeHttpsStream<TokioIo<TcpStream>>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<http::Uri> for Dialer {
    type Response = Tunnelled;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.way {
            Way::Direct(direct) => direct.poll_ready(cx).map_err(Into::into),
            Way::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
            Way::Socks4(socks, _) => socks.poll_ready(cx).map_err(Into::into),
            Way::Socks5(socks, _) => socks.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, destination: http::Uri) -> Self::Future {
        let limit = self.limit;
        match &mut self.way {
            Way::Direct(direct) => {
                let connecting = within(limit, direct.call(destination));
                Box::pin(async { connecting.await.map(MaybeHttpsStream::Http) })
            }
            Way::Tunnel(tunnel) => {
                let connecting = within(limit, tunnel.call(with_port(destination)));
                Box::pin(async { connecting.await.map_err(|error| ProxyFailed(error).into()) })
            }
            Way::Socks4(socks, resolver) => {
                Box::pin(through(socks.clone(), resolver.clone(), destination, SocketAddr::is_ipv4, limit))
            }
            Way::Socks5(socks, resolver) => {
                Box::pin(through(socks.clone(), resolver.clone(), destination, |_| true, limit))
            }
        }
    }
}

/// Connects through a SOCKS proxy: to the name, or with a `resolver` to the first of its addresses that the proxy
/// reaches, among those that it can be given (`fits`).
async fn through<S>(
    mut socks: S,
    resolver: Option<Resolver>,
    destination: http::Uri,
    fits: fn(&SocketAddr) -> bool,
    limit: Duration,
) -> Result<Tunnelled, BoxError>
where
    S: Service<http::Uri, Response = Tunnelled>,
    S::Error: Into<BoxError>,
{
    let connecting = async {
        let host = destination.host().unwrap_or_default();
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let destinations = match resolver {
            Some(mut resolver) if !is_address => {
                let found = resolver.call(host.parse()?).await?;
                found.filter(fits).filter_map(|address| at_address(&destination, address)).collect()
            }
            _ => vec![with_port(destination)],
        };
        let mut last: BoxError = "a SOCKS4 proxy reaches IPv4 addresses alone".into();
        for destination in destinations {
            match socks.call(destination).await {
                Ok(connected) => return Ok(connected),
                Err(error) => last = error.into(),
            }
        }
        Err(BoxError::from(ProxyFailed(last)))
    };
    within(limit, connecting).await
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
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use rustls::RootCertStore;

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

    fn to_proxy(direct: HttpConnector<Resolver>) -> ToProxy {
        let cryptography = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(cryptography).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(direct)
    }

    /// Names that are resolved here are resolved by the same rules before a proxy is asked.
    #[tokio::test]
    async fn a_socks_proxy_is_given_no_address_that_may_not_be_called() {
        let direct = HttpConnector::new_with_resolver(Resolver { networks: Networks::Private, lookup: lookup_host });
        let to_proxy = to_proxy(direct);
        let proxy: http::Uri = "http://127.0.0.1:1/".parse().unwrap();
        let private = |_| addresses(&["10.0.0.1", "169.254.169.254"]);
        let public = |_| addresses(&["1.1.1.1"]);
        for (lookup, is_asked) in [(private as fn(Name) -> Lookup, false), (public, true)] {
            let resolver = Resolver { networks: Networks::Public, lookup };
            for way in [
                Way::Socks4(SocksV4::new(proxy.clone(), to_proxy.clone()), Some(resolver.clone())),
                Way::Socks5(SocksV5::new(proxy.clone(), to_proxy.clone()), Some(resolver.clone())),
            ] {
                let mut route = Dialer { way, limit: Duration::from_secs(5) };
                let error = route.call("https://gateway.example".parse().unwrap()).await.unwrap_err();
                assert_eq!(error.is::<ProxyFailed>(), is_asked, "{error:?}");
                assert_eq!(error.is::<Unresolved>(), !is_asked, "{error:?}");
            }
        }
    }

    /// A lookup that does not end and a proxy that does not answer are late, as an address is that does not answer.
    #[tokio::test]
    async fn the_limit_holds_for_the_lookup_and_the_proxy_too() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let never = |_| -> Lookup { Box::pin(std::future::pending()) };
        let mut direct = HttpConnector::new_with_resolver(Resolver { networks: Networks::Loopback, lookup: never });
        direct.enforce_http(false);
        for way in [Way::Direct(direct.clone()), Way::Tunnel(Tunnel::new(proxy, to_proxy(direct)))] {
            let mut route = Dialer { way, limit: Duration::from_millis(50) };
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
