//! Where a plugin may call, and to which addresses that may resolve. Pure policy: nothing here opens a socket.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use url::{Host, ParseError, Url};

use crate::{Error, Result};

/// Scheme, host and port: what a credential is bound to.
///
/// ```
/// let origin: boundary::origin::Origin = "https://api.portkey.ai/v1".parse()?;
/// assert_eq!(origin.to_string(), "https://api.portkey.ai:443");
/// assert_ne!(origin, "http://api.portkey.ai/v1".parse()?);
/// # Ok::<(), boundary::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    port: u16,
}

impl Origin {
    /// The origin of a request's URI. `None` where it has none.
    pub fn of(uri: &http::Uri) -> Option<Self> {
        uri.to_string().parse().ok()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// As written in a URI: without the scheme's default port.
    pub fn authority(&self) -> String {
        match (&*self.scheme, self.port) {
            ("http", 80) | ("https", 443) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The host alone; an IPv6 address is in brackets.
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The port, even if it is the scheme's default.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether requests there are encrypted.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The address, where the host is one and not a name.
    pub fn literal_address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Whether requests to it cross public networks unencrypted. If private addresses may be called, a name may be that
    /// of a private address.
    pub fn is_in_the_clear(&self, allow_private: bool) -> bool {
        let is_public = match self.literal_address() {
            Some(address) => Network::of(address) == Network::Public,
            None => Networks::of(self, allow_private) == Networks::Public,
        };
        !self.is_https() && is_public
    }

    /// Whether the host names this very machine, so that loopback addresses are what the user means.
    pub fn is_local(&self) -> bool {
        match &self.host {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            // What stands before an `@` or behind a `?` may be a secret, and is not repeated.
            let what = if text.contains(['@', '?', '#']) { "the text" } else { &format!("`{text}`") };
            Error::new(format!("{what} is not a usable base URL: {why}"))
                .hint("Give an absolute URL such as https://gateway.example/v1 or http://127.0.0.1:8787/v1.")
        };
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::RelativeUrlWithoutBase => wrong("it does not begin with https:// or http://"),
            error => wrong(&error.to_string()),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("the scheme must be http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::new("a base URL must not hold a user name or a password")
                .hint("Put credentials into the environment: the host attaches them as headers."));
        }
        match (url.host(), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port }),
            _ => Err(wrong("it names no host")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Which addresses the origin's host may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networks {
    /// Only public addresses: the default.
    Public,
    /// Only this machine, if the base URL names it.
    Loopback,
    /// Private networks and this machine too, if the user set `request.allowPrivateNetwork`.
    Private,
}

impl Networks {
    /// What the user's base URL and setting allow.
    pub fn of(origin: &Origin, allow_private: bool) -> Self {
        // Docker's name for the machine that runs the container: a private address that the user named outright.
        let docker_host =
            matches!(&origin.host, Host::Domain(name) if name.trim_end_matches('.') == "host.docker.internal");
        if allow_private || docker_host {
            Self::Private
        } else if origin.is_local() {
            Self::Loopback
        } else {
            Self::Public
        }
    }

    /// Whether a connection to `address` is allowed.
    pub fn allow(self, address: IpAddr) -> bool {
        match (Network::of(address), self) {
            (Network::Public, Self::Public | Self::Private) => true,
            (Network::Loopback, Self::Loopback | Self::Private) => true,
            (Network::Private, Self::Private) => true,
            (Network::Public, Self::Loopback) => false,
            (Network::Loopback | Network::Private | Network::Never, _) => false,
        }
    }
}

/// What kind of network an address belongs to (IANA's special-purpose registries).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Public,
    Loopback,
    Private,
    /// Link-local (used for cloud metadata), multicast, unspecified, reserved: no gateway has such an address.
    Never,
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            // The metadata services of Alibaba and Azure, within shared and public space.
            _ if matches!(address.octets(), [100, 100, 100, 200] | [168, 63, 129, 16]) => Self::Never,
            (127, ..) => Self::Loopback,
            (10, ..) | (172, 16..=31, _) | (192, 168, _) => Self::Private,
            // Shared address space of carriers, also used by overlay networks.
            (100, 64..=127, _) => Self::Private,
            (0, ..) | (169, 254, _) | (224.., ..) => Self::Never,
            // Protocol assignments, documentation, benchmarking.
            (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (198, 18..=19, _) => Self::Never,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let segments = address.segments();
        match segments {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            // The metadata services of Amazon and Google, within private space.
            [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] => Self::Never,
            [0xfc00..=0xfdff, ..] => Self::Private,
            // NAT64 and 6to4 carry an IPv4 address: it decides.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                match Self::of_v4(Ipv4Addr::new(a, b, c, d)) {
                    Self::Public => Self::Public,
                    _ => Self::Never,
                }
            }
            // Everything else outside global unicast, and within it documentation and protocol assignments: Teredo,
            // which carries an IPv4 address too, is one of those.
            [0x2001, 0xdb8 | 0..=0x1ff, ..] | [0x3fff, 0..=0xfff, ..] => Self::Never,
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_the_same_however_it_is_written_and_no_other() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/boundary/origins.json")).unwrap();
        let cases = |name: &str| fixture[name].as_array().unwrap().clone();
        for (list, is_same) in [("same", true), ("different", false)] {
            for case in cases(list) {
                let [one, other] = ["a", "b"].map(|name| case[name].as_str().unwrap().parse::<Origin>().ok());
                assert!(one.is_some(), "{case}");
                assert_eq!(one == other, is_same, "{case}");
            }
        }
        for url in [cases("refused"), cases("no_addresses")].concat() {
            let error = url.as_str().unwrap().parse::<Origin>().expect_err(url.as_str().unwrap());
            assert!(!format!("{error} {error:?}").contains("hunter22"), "{error:?}");
        }
    }

    /// OpenClaw's own cases (`allowPrivateNetwork` of its LiteLLM provider), and the tricks around them.
    #[test]
    fn networks_follow_from_the_base_url() {
        use Networks::{Loopback, Private, Public};
        for (base_url, expected) in [
            ("http://localhost:8787/v1", Loopback),
            ("http://gateway.localhost/v1", Loopback),
            ("http://127.0.0.1:8787/v1", Loopback),
            ("http://[::1]:8787/v1", Loopback),
            ("http://0x7f.1/v1", Loopback),
            ("http://2130706433/v1", Loopback),
            ("http://host.docker.internal:8787/v1", Private),
            ("https://api.portkey.ai/v1", Public),
            ("https://127.0.0.1.example/v1", Public),
            ("https://gateway.example/127.0.0.1?localhost#localhost", Public),
            ("http://192.168.1.1/v1", Public),
            ("http://gateway.internal/v1", Public),
        ] {
            assert_eq!(Networks::of(&origin(base_url), false), expected, "{base_url}");
        }
        assert_eq!(Networks::of(&origin("http://192.168.1.1/v1"), true), Private);
    }

    #[test]
    fn addresses_are_judged_in_every_spelling() {
        use Network::{Loopback, Never, Private, Public};
        for (network, addresses) in [
            (Public, &["1.1.1.1", "2606:4700::1111", "172.32.0.1", "64:ff9b::101:101"][..]),
            (Loopback, &["127.8.9.10", "::1", "::ffff:127.0.0.1"]),
            (Private, &["10.0.0.1", "::ffff:10.0.0.1", "172.31.255.255", "100.64.0.1", "fd12::1"]),
            (Never, &["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fe80::1", "0.0.0.0", "::"]),
            (Never, &["224.0.0.1", "255.255.255.255", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:a00:1::", "3fff::1"]),
            (Never, &["100.100.100.200", "168.63.129.16", "fd00:ec2::23", "fd20:ce::254"]),
            // IPv4 within IPv6 in the older ways, and those that are for one network alone.
            (Never, &["::169.254.169.254", "::127.0.0.1", "::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe"]),
            (Never, &["fec0::1", "5f00::1"]),
        ] {
            for address in addresses {
                assert_eq!(Network::of(address.parse().unwrap()), network, "{address}");
            }
        }
        assert!(!Networks::Private.allow("169.254.169.254".parse().unwrap()));
        assert!(!Networks::Public.allow("127.0.0.1".parse().unwrap()));
        assert!(!Networks::Loopback.allow("10.0.0.1".parse().unwrap()));
    }
}
