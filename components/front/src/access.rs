//! Who may call: a caller with a token, or a program on this machine if the configuration allows that.
//!
//! A component cannot see what address its host listens on, nor who calls. It sees only the request. So a request
//! without a token is accepted only if the configuration says that the host listens on the loopback interface, and
//! nothing in the request contradicts this.

use alloc::boxed::Box;

use subtle::{Choice, ConstantTimeEq};

use crate::failure::Failure;
use crate::settings::Settings;

/// What a request says of its sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'r> {
    /// `Authorization`.
    pub authorization: Option<&'r [u8]>,
    /// Host and port that the request was sent to, in the client's own words.
    pub authority: Option<&'r str>,
    /// `Origin`, which a web page's request has, but for most of those that get.
    pub origin: Option<&'r [u8]>,
    /// `Sec-Fetch-Site`, with which a browser says where a request comes from.
    pub fetch_site: Option<&'r [u8]>,
}

impl Caller<'_> {
    /// Whether a web page asks, and not a program, or a person who typed the address.
    fn is_web_page(&self) -> bool {
        self.origin.is_some() || self.fetch_site.is_some_and(|site| !site.eq_ignore_ascii_case(b"none"))
    }
}

/// Whether the caller may call.
pub fn check(settings: &Settings, caller: Caller<'_>) -> Result<(), Box<Failure>> {
    if let Some(token) = caller.authorization.and_then(bearer)
        && is_one_of(token, settings)
    {
        return Ok(());
    }
    if !settings.allows_loopback {
        return Err(Failure::new(401, "invalid_api_key", "This gateway wants its own token as the API key"));
    }
    if caller.is_web_page() {
        return Err(Failure::new(403, "not_loopback", "This gateway wants a token from web pages"));
    }
    if !caller.authority.is_some_and(is_loopback) {
        let message = "This gateway wants a token from callers that do not address it as localhost or 127.0.0.1";
        return Err(Failure::new(403, "not_loopback", message));
    }
    Ok(())
}

fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

/// In a time that depends on the lengths alone.
fn is_one_of(token: &[u8], settings: &Settings) -> bool {
    let found = settings.tokens.iter().fold(Choice::from(0), |found, known| found | known.as_bytes().ct_eq(token));
    found.into()
}

/// Without a port or with any.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::vec::Vec;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut all: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        all.push(("gateway.base-url".to_owned(), "http://127.0.0.1:1/v1".to_owned()));
        Settings::read(&all).unwrap()
    }

    #[test]
    fn a_token_opens_and_nothing_else_does() {
        let settings = settings(&[("gateway.token", "first second")]);
        let with = |authorization: &'static [u8]| {
            check(
                &settings,
                Caller { authorization: Some(authorization), authority: Some("localhost"), ..Caller::default() },
            )
        };
        assert!(with(b"Bearer first").is_ok() && with(b"bearer second ").is_ok());
        for wrong in
            [&b"Bearer "[..], b"Bearer firs", b"Bearer firstt", b"Basic first", b"first", b"Bearer first second", b""]
        {
            assert_eq!(with(wrong).unwrap_err().status, 401);
        }
        let failure = check(&settings, Caller { authority: Some("127.0.0.1:80"), ..Caller::default() }).unwrap_err();
        assert_eq!((failure.status, failure.code.as_str()), (401, "invalid_api_key"));
    }

    /// Spellings that some servers take for the same, and settings that name no token.
    #[test]
    fn what_only_looks_like_a_token_opens_nothing() {
        let opens = |token: &str, authorization: &[u8]| {
            let settings = settings(&[("gateway.token", token)]);
            let caller = Caller { authorization: Some(authorization), ..Caller::default() };
            check(&settings, caller).is_ok()
        };
        let long = [b"Bearer ".to_vec(), b"x".repeat(1 << 20)].concat();
        let padded = [b"Bearer first".to_vec(), b" ".repeat(1 << 20)].concat();
        for wrong in [
            &b"Bearer\tfirst"[..],
            b"Bearer:first",
            b"Bearer  ",
            b"BEARER",
            b"bearer first,second",
            b"Bearer first\0",
            b"Bearer fir\xc5\xbft",
            b"Bearer \xc2\xa0first",
            b"Bearer \"first\"",
            b"Bearer first=",
            b"Bearer Bearer first",
            b"Token first",
            b" Bearer first",
            b"Bearer FIRST",
            b"Bearer %66irst",
            b"Bearer first\x7f",
            b"\xe2Bearer first",
            &long,
        ] {
            assert!(
                !opens("first second", wrong),
                "{}",
                wrong.escape_ascii().to_string().get(..40).unwrap_or_default()
            );
        }
        assert!(opens("first second", &padded) && opens("first second", b"bEARER second"));
        assert!(opens("first\tsecond\nthird", b"Bearer third") && !opens("first\tsecond", b"Bearer first\tsecond"));
    }

    #[test]
    fn without_a_token_a_program_on_this_machine() {
        let settings = settings(&[("gateway.anonymous", "loopback")]);
        let to = |authority| check(&settings, Caller { authority, ..Caller::default() }).is_ok();
        for near in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:8080", "[::1]"] {
            assert!(to(Some(near)), "{near}");
        }
        for far in [
            "gateway.example", "0.0.0.0:8080", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil", "[::2]", "",
            "[::1]evil.example", "[::1]evil.example:80", "localhost:80@evil.example",
        ] {
            assert!(!to(Some(far)), "{far}");
        }
        assert!(!to(None));
    }

    /// An image or a script of a page is fetched with no `Origin`.
    #[test]
    fn web_pages_want_a_token() {
        let settings = settings(&[("gateway.anonymous", "loopback"), ("gateway.token", "t")]);
        for (origin, fetch_site, may) in [
            (None, None, true),
            (None, Some(&b"none"[..]), true),
            (None, Some(b"cross-site"), false),
            (None, Some(b"same-site"), false),
            (None, Some(b"same-origin"), false),
            (None, Some(b""), false),
            (Some(&b"http://localhost:3000"[..]), None, false),
            (Some(b"null"), Some(b"none"), false),
        ] {
            let page = Caller { authority: Some("localhost"), origin, fetch_site, authorization: None };
            assert_eq!(check(&settings, page).map_err(|failure| failure.status), if may { Ok(()) } else { Err(403) });
            let bearer = Caller { authorization: Some(b"Bearer t"), ..page };
            assert!(check(&settings, bearer).is_ok());
        }
    }
}
