//! Proxies (HTTP, HTTPS, SOCKS): reads a proxy's URL, and decides which destinations `NO_PROXY` excludes. Opens no
//! socket.

use std::{fmt, net::IpAddr, net::SocketAddr};

use boundary::origin::Origin;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use ipnet::IpNet;
use url::Host;

use crate::error::{Error, Result};

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `CONNECT`, in plain text or over TLS. The proxy resolves names.
    Http,
    /// The older SOCKS: no password, and IPv4 alone.
    Socks4(Names),
    /// SOCKS5 (RFC 1928), with user name and password where they are given (RFC 1929).
    Socks5(Names),
}

/// Who resolves the names of destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// This host, so that the rules for private networks hold for names too: `socks4`, `socks5`.
    Here,
    /// The proxy: `socks4a`, `socks5h`.
    Proxy,
}

/// A proxy to go through.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) protocol: Protocol,
    /// Where to connect to: `http`, or `https` where the proxy itself is spoken to over TLS. The port is spelled out.
    pub(crate) address: http::Uri,
    scheme: &'static str,
    /// The URL's user name and password.
    pub(crate) auth: Intercept,
}

/// Schemes of proxies, what is spoken there, and the port where none is named. curl's are 1080 for all but `https`;
/// a proxy of the scheme `http` has had HTTP's own here and in most libraries.
const SCHEMES: [(&str, Protocol, u16); 6] = [
    ("http", Protocol::Http, 80),
    ("https", Protocol::Http, 443),
    ("socks4", Protocol::Socks4(Names::Here), 1080),
    ("socks4a", Protocol::Socks4(Names::Proxy), 1080),
    ("socks5", Protocol::Socks5(Names::Here), 1080),
    ("socks5h", Protocol::Socks5(Names::Proxy), 1080),
];

impl Proxy {
    /// The proxy that `url` names. Errors say only where that stands, `place`: the text may hold a password.
    pub(crate) fn at(url: &str, place: &str) -> Result<Self> {
        let wrong = || {
            Error::config(format!("{place} is not a proxy's URL")).hint(
                "Write it as http://host:port or socks5h://user:password@host:port, with %20 for a space, %40 for an @ and so on.",
            )
        };
        let url = url.trim();
        // Without a scheme it is HTTP's, as in curl.
        let scheme = url.split_once("://").map_or("http", |(scheme, _)| scheme).to_ascii_lowercase();
        let Some((scheme, protocol, port)) = SCHEMES.into_iter().find(|(known, ..)| *known == scheme) else {
            let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return Err(if is_scheme { unknown_scheme(place, &scheme) } else { wrong() });
        };
        let any = http::Uri::from_static("http://any.invalid");
        let auth = Matcher::builder().all(url).build().intercept(&any).ok_or_else(wrong)?;
        let authority = auth.uri().authority().ok_or_else(wrong)?;
        // A port that is none, or a part of a password that was taken for the host's.
        let origin: Origin = format!("http://{authority}").parse().map_err(|_| wrong())?;
        let is_given = authority.port().is_some();
        let port = if is_given { origin.port() } else { port };
        let connect = if scheme == "https" { scheme } else { "http" };
        let address = format!("{connect}://{}:{port}/", origin.host()).parse().map_err(|_| wrong())?;
        if matches!(protocol, Protocol::Socks4(_)) && auth.raw_auth().is_some() {
            return Err(Error::config(format!("{place} has a user name, which SOCKS4 cannot send"))
                .hint("Use socks5:// or socks5h://, or leave the user name out."));
        }
        if auth.raw_auth().is_some_and(|(user, password)| user.len() > 255 || password.len() > 255) {
            return Err(Error::config(format!("{place} has a user name or password of more than 255 bytes"))
                .hint("SOCKS5 does not allow longer ones."));
        }
        Ok(Self { protocol, address, scheme, auth })
    }

    /// Whether the proxy itself is spoken to over TLS.
    pub(crate) fn is_over_tls(&self) -> bool {
        self.scheme == "https"
    }
}

impl fmt::Display for Proxy {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.address.authority().map(|authority| authority.as_str()).unwrap_or_default();
        write!(f, "{}://{authority}", self.scheme)
    }
}

fn unknown_scheme(place: &str, scheme: &str) -> Error {
    let hint = match scheme {
        // Some tools mean version 4 by it, others version 5.
        "socks" => "Say which SOCKS it speaks: socks5h:// in most cases, else socks5://, socks4a:// or socks4://.",
        _ => "Proxies are http://, https://, socks5h://, socks5://, socks4a:// and socks4://.",
    };
    Error::config(format!("{place} is not a proxy that can be used: `{scheme}` is not a known kind")).hint(hint)
}

/// `NO_PROXY`: the destinations that are called directly. As curl reads it, with three forms of other tools besides:
/// `*.corp.test` for the subdomains alone, `host:port`, and `*` among other entries.
/// Source: curl 8.16, `lib/noproxy.c`.
pub(crate) struct NoProxy(Vec<Entry>);

struct Entry {
    hosts: Hosts,
    /// The one port that the entry is for, else all.
    port: Option<u16>,
}

enum Hosts {
    All,
    Network(IpNet),
    /// The domain and its subdomains.
    Domain(String),
    /// Its subdomains alone.
    Subdomains(String),
}

impl NoProxy {
    /// Reads the variable. Entries are separated by commas, spaces or both.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text.split(|sign: char| sign == ',' || sign.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    /// Whether `origin` is called directly.
    pub(crate) fn holds(&self, origin: &Origin) -> bool {
        let address = origin.literal_address().map(|address| address.to_canonical());
        let name = origin.host();
        let name = name.trim_end_matches('.');
        self.0.iter().any(|entry| {
            let is_host = match (&entry.hosts, address) {
                (Hosts::All, _) => true,
                (Hosts::Network(network), Some(address)) => network.contains(&address),
                (Hosts::Domain(domain), None) => name == domain || is_below(name, domain),
                (Hosts::Subdomains(domain), None) => is_below(name, domain),
                _ => false,
            };
            is_host && entry.port.is_none_or(|port| port == origin.port())
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        match Hosts::address(text) {
            Some(hosts) => Self { hosts, port: None },
            None => match text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
                Some((host, port)) => Self { hosts: Hosts::parse(host), port: Some(port) },
                None => Self { hosts: Hosts::parse(text), port: None },
            },
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Self {
        if let Some(address) = Self::address(text) {
            return address;
        }
        let text = text.trim_end_matches('.');
        match text.strip_prefix('*') {
            Some("") => Self::All,
            Some(domain) => Self::Subdomains(spelled(domain)),
            None => Self::Domain(spelled(text)),
        }
    }

    /// An address or a network. Around IPv6 there may be brackets.
    fn address(text: &str) -> Option<Self> {
        let text = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, bits)) if bits.is_empty() || bits.starts_with('/') => format!("{address}{bits}"),
            Some(_) => return None,
            None => text.to_owned(),
        };
        let address = text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
        address.or_else(|| text.parse().ok()).map(Self::Network)
    }
}

/// A domain as origins spell it: in lower case, and in ASCII.
fn spelled(domain: &str) -> String {
    let domain = domain.trim_start_matches('.');
    Host::parse(domain).map_or_else(|_| domain.to_lowercase(), |host| host.to_string())
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'))
}

/// The destination of a tunnel: an address in place of a name.
pub(crate) fn at_address(destination: &http::Uri, address: SocketAddr) -> Option<http::Uri> {
    let port =
        destination.port_u16().or_else(|| (destination.scheme_str() == Some("http")).then_some(80)).unwrap_or(443);
    format!("{}://{}/", destination.scheme_str()?, SocketAddr::new(address.ip(), port)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: the variable, a base URL, whether it is called directly.
    #[test]
    fn no_proxy_is_read_as_curl_reads_it() {
        for (text, origin, expected) in [
            ("*", "https://gateway.corp.test", true),
            (" * ", "http://10.0.0.1", true),
            ("other.test, *", "https://[2001:db8::1]", true),
            ("corp.test", "https://corp.test", true),
            ("corp.test", "https://gateway.corp.test:8443", true),
            ("corp.test", "https://a.b.corp.test", true),
            ("corp.test", "https://notcorp.test", false),
            ("corp.test", "https://corp.test.evil.example", false),
            (".corp.test", "https://gateway.corp.test", true),
            (".corp.test", "https://corp.test", true),
            (".corp.test", "https://notcorp.test", false),
            ("*.corp.test", "https://gateway.corp.test", true),
            ("*.corp.test", "https://a.b.corp.test", true),
            ("*.corp.test", "https://corp.test", false),
            ("*.corp.test", "https://notcorp.test", false),
            ("CORP.Test", "https://gateway.corp.test", true),
            ("corp.test", "https://GATEWAY.CORP.TEST", true),
            ("corp.test.", "https://gateway.corp.test", true),
            ("corp.test", "https://gateway.corp.test.", true),
            ("*.corp.test.", "https://gateway.corp.test.", true),
            ("b\u{fc}ro.test", "https://b\u{fc}ro.test", true),
            ("a.test b.test", "https://b.test", true),
            ("a.test ,\tb.test,", "https://b.test", true),
            ("a.test,,b.test", "https://c.test", false),
            (",", "https://c.test", false),
            ("", "https://c.test", false),
            (".", "https://c.test", false),
            ("corp.test:8443", "https://gateway.corp.test:8443", true),
            ("corp.test:8443", "https://gateway.corp.test", false),
            ("corp.test:443", "https://gateway.corp.test", true),
            ("corp.test:80", "http://gateway.corp.test", true),
            ("*.corp.test:443", "https://gateway.corp.test", true),
            ("*:8443", "https://corp.test:8443", true),
            ("*:8443", "https://corp.test", false),
            ("10.1.2.3", "http://10.1.2.3:8787", true),
            ("10.1.2.3", "http://10.1.2.30", false),
            ("10.1.2.3:8787", "http://10.1.2.3:8787", true),
            ("10.1.2.3:8787", "http://10.1.2.3:8788", false),
            ("10.0.0.0/8", "http://10.200.1.1", true),
            ("10.1.2.3/8", "http://10.200.1.1", true),
            ("10.0.0.0/8", "http://11.0.0.1", false),
            ("10.0.0.0/8", "http://[::ffff:10.0.0.1]", true),
            ("10.0.0.0/99", "http://10.0.0.1", false),
            ("10.0.0.0/8", "https://10.0.0.0.corp.test", false),
            ("::1", "http://[::1]:8787", true),
            ("[::1]", "http://[::1]:8787", true),
            ("[::1]:8787", "http://[::1]:8787", true),
            ("[::1]:8787", "http://[::1]:8788", false),
            ("FD00::/8", "http://[fd12::1]", true),
            ("[fd00::]/8", "http://[fd12::1]", true),
            ("fd00::/8", "http://[fe80::1]", false),
            ("0:0:0:0:0:0:0:1", "http://[::1]", true),
        ] {
            let origin: Origin = origin.parse().unwrap();
            assert_eq!(NoProxy::parse(text).holds(&origin), expected, "{text:?} and {origin}");
        }
    }

    #[test]
    fn a_proxy_has_a_kind_and_a_port() {
        for (url, shown, protocol, connected) in [
            ("http://proxy", "http://proxy:80", Protocol::Http, "http://proxy:80/"),
            ("proxy:3128", "http://proxy:3128", Protocol::Http, "http://proxy:3128/"),
            ("HTTPS://proxy/", "https://proxy:443", Protocol::Http, "https://proxy:443/"),
            ("https://u:p@proxy:8443", "https://proxy:8443", Protocol::Http, "https://proxy:8443/"),
            ("socks5h://u:p@proxy", "socks5h://proxy:1080", Protocol::Socks5(Names::Proxy), "http://proxy:1080/"),
            ("socks5://[::1]:9050", "socks5://[::1]:9050", Protocol::Socks5(Names::Here), "http://[::1]:9050/"),
            ("socks4a://proxy", "socks4a://proxy:1080", Protocol::Socks4(Names::Proxy), "http://proxy:1080/"),
            ("socks4://10.0.0.1", "socks4://10.0.0.1:1080", Protocol::Socks4(Names::Here), "http://10.0.0.1:1080/"),
        ] {
            let proxy = Proxy::at(url, "it").unwrap();
            assert_eq!(
                (proxy.to_string(), proxy.protocol, proxy.address.to_string()),
                (shown.to_owned(), protocol, connected.to_owned()),
                "{url}"
            );
        }
        let proxy = Proxy::at("socks5://u%40:p%20w@proxy", "it").unwrap();
        assert_eq!(proxy.auth.raw_auth(), Some(("u@", "p w")));
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let long = format!("socks5://{}:p@proxy", "u".repeat(256));
        for (url, part) in [
            ("socks://proxy:1080", "`socks`"),
            ("ftp://proxy", "`ftp`"),
            ("quic://user:hunter22@proxy", "`quic`"),
            ("socks4://user:hunter22@proxy", "SOCKS4"),
            ("socks4a://user@proxy", "SOCKS4"),
            (long.as_str(), "255"),
            ("hunter22@x://proxy", "is not a proxy's URL"),
        ] {
            let error = Proxy::at(url, "it").err().unwrap();
            assert!(error.to_string().contains(part) && error.record().hint.is_some(), "{url}: {error}");
            assert!(!format!("{error:?} {error}").contains("hunter22"), "{url}: {error:?}");
        }
    }
}
