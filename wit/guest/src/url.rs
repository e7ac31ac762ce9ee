//! Base URLs: which ones are fit to be called, and their parts. No percent-decoding and no relative references.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// A checked base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether the scheme is `https`.
    pub https: bool,
    /// Host and port, as written.
    pub authority: String,
    /// The path, without a trailing slash; may be empty.
    pub path: String,
}

impl BaseUrl {
    /// Reads `text`, white space and trailing slashes aside. The error says what is wrong with it.
    ///
    /// ```
    /// let url = openclaw_provider_guest::url::BaseUrl::parse(" https://api.portkey.ai/v1/ ")?;
    /// assert_eq!(url.text(), "https://api.portkey.ai/v1");
    /// # Ok::<(), &'static str>(())
    /// ```
    #[inline]
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or("it needs a scheme: https:// or http://")?;
        let https = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err("its scheme must be https or http"),
        };
        if !rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'{' | b'}'))
        {
            return Err("it holds a character that no URL may hold");
        }
        if rest.contains('?') {
            return Err("it must not have a query");
        }
        if rest.contains('#') {
            return Err("it must not have a fragment");
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err("it must not hold a user name or password");
        }
        if !is_authority(authority) {
            return Err("it needs a host, and a port between 1 and 65535 if any");
        }
        // Whoever forwards the request may take them for another path.
        if path.split('/').any(is_dots) {
            return Err("a part of its path is nothing but dots");
        }
        Ok(Self { https, authority: authority.to_owned(), path: path.trim_end_matches('/').to_owned() })
    }

    /// The URL as text, without a trailing slash.
    #[inline]
    pub fn text(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }

    /// The host without its port.
    #[inline]
    pub fn host(&self) -> &str {
        host_and_port(&self.authority).map_or("", |(host, _)| host)
    }
}

/// Whether a step of a path is nothing but dots, escaped ones too.
fn is_dots(step: &str) -> bool {
    let mut rest = step;
    while let Some(left) = [".", "%2e", "%2E"].iter().find_map(|dot| rest.strip_prefix(dot)) {
        rest = left;
    }
    rest.is_empty() && !step.is_empty()
}

#[inline]
fn is_authority(authority: &str) -> bool {
    let Some((host, port)) = host_and_port(authority) else { return false };
    !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[inline]
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let (host, rest) = authority.split_at(authority.find(']')? + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls() {
        for (text, canonical, host) in [
            ("https://api.portkey.ai/v1", "https://api.portkey.ai/v1", "api.portkey.ai"),
            ("  HTTPS://api.portkey.ai/v1//\n", "https://api.portkey.ai/v1", "api.portkey.ai"),
            ("http://localhost:8787", "http://localhost:8787", "localhost"),
            ("http://[::1]:8787/v1", "http://[::1]:8787/v1", "[::1]"),
            ("http://[::1]", "http://[::1]", "[::1]"),
            ("http://h/.well/v1..", "http://h/.well/v1..", "h"),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!((url.text().as_str(), url.host()), (canonical, host));
        }
    }

    #[test]
    fn bad_urls() {
        for text in [
            "", "api.portkey.ai/v1", "ftp://x", "https://", "https:///v1", "https://a:b@c/v1", "https://key@c",
            "https://c/v1?x=1", "https://c/v1#x", "https://c:99999", "https://c:0", "https://c:", "https://c:x",
            "https://:80", "https://a b", "https://[::1", "https://[::1]x", "https://c\\d", "https://ü.example",
            "https://c/v1/../v2", "https://c/./v1", "https://c/v1/%2E.", "${PORTKEY_BASE_URL}",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
