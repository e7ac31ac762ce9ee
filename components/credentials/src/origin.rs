//! Origins: which requests may go out, with the secrets. A URL that cannot be parsed has no origin, and so matches none.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::{Ipv4Addr, Ipv6Addr};

/// Scheme, host and port of a request or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    /// In lower case.
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an absolute URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        Self::new(scheme, rest.get(..end)?)
    }

    /// The origin of a request with this scheme and this authority. `None` where the authority holds anything but a
    /// host and a port: a user name before an `@` above all.
    pub fn new(scheme: &str, authority: &str) -> Option<Self> {
        let https = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return None,
        };
        let host_ends = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
        let (host, port) = match authority.get(host_ends..)?.find(':') {
            Some(at) => {
                let (host, port) = authority.split_at_checked(host_ends + at)?;
                let port = port.strip_prefix(':')?;
                (host, port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??)
            }
            None => (authority, if https { 443 } else { 80 }),
        };
        Some(Self { https, host: canonical_host(host)?, port })
    }
}

/// One spelling for a name or an address.
fn canonical_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    // A host takes what ends in a number for an address, in spellings that this does not read.
    let is_number = |label: &str| label.starts_with(|first: char| first.is_ascii_digit());
    if host.trim_end_matches('.').rsplit('.').next().is_some_and(is_number) {
        return Some(host.parse::<Ipv4Addr>().ok()?.to_string());
    }
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (is_name && !host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_origin() {
        for url in [
            "", "a", "//a", "ftp://a", "https://", "https:///v1", "https://u@a", "https://u:p@a", "https://a:b",
            "https://a:", "https://a:+1", "https://a:99999", "https://[::1", "https://[::1]x", "https://[x]",
            "https://a b", "https://a,b", "https://a%2eb", "https://é",
        ] {
            assert_eq!(Origin::of_url(url), None, "{url}");
        }
    }

    /// What both hosts' tests read too. What is written in a way that this reader does not know is another origin or none,
    /// and gets no secret.
    #[test]
    fn origins_in_all_spellings() {
        let fixture = include_str!("../../../tests/fixtures/boundary/origins.json");
        let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let pairs = |kind: &str| {
            let pairs = fixture[kind].as_array().unwrap().iter();
            let origin = |pair: &serde_json::Value, name: &str| Origin::of_url(pair[name].as_str().unwrap());
            pairs.map(move |pair| (pair, origin(pair, "a"), origin(pair, "b"))).collect::<Vec<_>>()
        };
        for (pair, one, other) in pairs("same") {
            assert!(one.is_some() && (other.is_none() || one == other), "{pair}");
            assert!(other.is_some() || pair["plain"] != true, "{pair}");
        }
        for (pair, one, other) in pairs("different") {
            assert!(one.is_some() && one != other, "{pair}");
        }
        for url in fixture["refused"].as_array().unwrap() {
            assert_eq!(Origin::of_url(url.as_str().unwrap()), None, "{url}");
        }
    }
}
