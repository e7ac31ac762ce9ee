use super::*;
use std::format;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings::read(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn a_key_has_two_spellings_and_the_later_pair_wins() {
    let settings = settings(&[
        ("CREDENTIAL_X_PORTKEY_API_KEY", "from-environment"),
        ("GATEWAY_BASE_URL", "http://old/v1"),
        ("gateway.base-url", "https://api.portkey.ai/v1"),
        ("credential.x-portkey-api-key", " from-store\n"),
        ("credential.authorization", "  "),
    ]);
    assert_eq!(settings.secrets, [("x-portkey-api-key".to_owned(), b"from-store".to_vec())]);
    assert_eq!(settings.public("gateway.base-url"), Some("https://api.portkey.ai/v1"));
    assert_eq!(settings.public("GATEWAY_CREDENTIALS"), Some("x-portkey-api-key"));
}

#[test]
fn no_origin_but_the_configured_one_is_called() {
    let pairs = [("gateway.base-url", "https://gateway.example:8443/v1"), ("credential.authorization", "Bearer s")];
    let settings = settings(&pairs);
    assert_eq!(settings.secrets_for("https", "gateway.example:8443").unwrap().len(), 1);
    assert_eq!(settings.secrets_for("HTTPS", "Gateway.Example:8443").unwrap().len(), 1);
    for (scheme, authority) in [
        ("http", "gateway.example:8443"),
        ("https", "gateway.example"),
        ("https", "gateway.example:443"),
        ("https", "gateway.example:8443@evil.example"),
        ("https", "evil.example:8443"),
        ("https", "gateway.example.evil.example:8443"),
        ("https", "gateway.example.:8443"),
        ("https", "169.254.169.254"),
        ("http", "127.0.0.1:8443"),
        ("https", ""),
        ("", "gateway.example:8443"),
    ] {
        assert!(settings.secrets_for(scheme, authority).is_none(), "{scheme} {authority}");
    }
}

#[test]
fn without_a_base_url_that_can_be_read_nobody_is_called() {
    for base_url in ["", "gateway.example/v1", "https://user@gateway.example/v1", "ftp://gateway.example"] {
        let settings = settings(&[("gateway.base-url", base_url), ("credential.authorization", "Bearer s")]);
        assert!(settings.secrets_for("https", "gateway.example").is_none(), "{base_url}");
    }
}

#[test]
fn nothing_but_the_gateways_own_keys_is_public() {
    let settings = settings(&[
        ("gateway.token", "callers"),
        ("credential.x-portkey-api-key", "pk-secret"),
        ("CREDENTIAL_AUTHORIZATION", "Bearer pk-secret"),
        ("secret.key", "pk-secret"),
        ("PORTKEY_API_KEY", "pk-secret"),
        ("gateway.credentials", "a lie"),
    ]);
    let public = settings.all_public();
    assert_eq!(public.len(), 2, "{public:?}");
    assert!(public.iter().all(|(_, value)| !value.contains("pk-secret") && value != "a lie"), "{public:?}");
    for key in ["credential.x-portkey-api-key", "CREDENTIAL_AUTHORIZATION", "secret.key", "PORTKEY_API_KEY"] {
        assert_eq!(settings.public(key), None);
    }
    assert!(!format!("{settings:?}").contains("pk-secret"));
}

/// The hosts' own fixture: each of these names a secret there too.
#[test]
fn what_is_reserved_is_secret_in_every_host() {
    let fixture = fixture(include_str!("../../../../tests/fixtures/boundary/names.json"));
    let settings = settings(&[]);
    for reserved in SECRET {
        assert!(texts(&fixture["secret"]).any(|name| reserved.eq_ignore_ascii_case(name)), "{reserved}");
    }
    // Members of JSON are among them, and not all of those could be headers.
    let is_header = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    for name in texts(&fixture["plain"]).filter(is_header) {
        assert!(WAY.contains(&name) || !settings.is_reserved(name), "{name}");
    }
}

#[test]
fn headers_that_are_not_the_providers() {
    let settings = settings(&[("credential.x-custom-key", "s")]);
    for name in ["X-Custom-Key", "Authorization", "x-portkey-api-key", "Cookie"] {
        assert!(settings.is_reserved(name), "{name}");
    }
    assert!(!settings.is_reserved("x-portkey-config"));
}

#[test]
fn what_an_answer_says_of_a_secret() {
    let settings = settings(&[("credential.authorization", "Bearer Sk-Secret-1"), ("credential.x-key", "short")]);
    for (name, is_telling) in [
        ("x-sk-secret-1", true),
        ("X-SK-SECRET-1-y", true),
        ("x-sk-secret", false),
        ("x-short", false),
        ("bearer", false),
    ] {
        assert_eq!(settings.is_telling(name), is_telling, "{name}");
    }
    for (value, masked) in [
        ("Sk-Secret-1", "***********"),
        ("a Sk-Secret-1Sk-Secret-1, Bearer Sk-Secret-1", "a **********************, ******************"),
        ("sk-secret-1 Sk-Secret", "sk-secret-1 Sk-Secret"),
        ("short", "short"),
        ("", ""),
    ] {
        let mut bytes = value.as_bytes().to_vec();
        assert_eq!(settings.mask(&mut bytes), value != masked);
        assert_eq!(bytes, masked.as_bytes());
    }
}

#[test]
fn secrets_that_overlap_are_masked_whole() {
    let settings = settings(&[
        ("credential.a", "Sk-Secret"),
        ("credential.b", "Sk-Secret-and-more"),
        ("credential.c", "more-Sk-Se"),
        ("credential.d", "abababab"),
    ]);
    for (value, masked) in [
        ("Sk-Secret-and-more", "******************"),
        ("x Sk-Secret-and-more-Sk-Secret y", "x **************************** y"),
        ("xabababababy", "x**********y"),
    ] {
        assert_eq!(settings.masked(value.to_owned()), masked);
    }
}

/// What parsers of URLs, resolvers and systems take for the configured place, or might.
#[test]
fn an_authority_in_other_letters_is_the_same_or_none() {
    let settings = settings(&[("gateway.base-url", "http://127.0.0.1:8787/v1"), ("credential.a", "secret-value")]);
    for authority in [
        "127.1:8787",
        "2130706433:8787",
        "0x7f000001:8787",
        "0177.0.0.1:8787",
        "127.0.0.1.:8787",
        "127.0.0.1:8787/",
        "127.0.0.1:8787#",
        "127.0.0.1:8787?x",
        "127.0.0.1:8787\\@evil.example",
        "127.0.0.1:8787\t",
        " 127.0.0.1:8787",
        "127.0.0.1\0:8787",
        "127.0.0.1:8787,evil.example",
        "127.0.0.1:+8787",
        "127.0.0.1:74323",
        "127.0.0.1:",
        ":8787",
        "127.0.0.1:87:87",
        "[::ffff:127.0.0.1]:8787",
        "[::1]:8787",
        "[127.0.0.1]:8787",
        "[::1%25lo]:8787",
        "127%2e0.0.1:8787",
        "１27.0.0.1:8787",
        "127。0.0.1:8787",
        "localhost:8787",
        "x@127.0.0.1:8787",
        "127.0.0.1:8787\r\nhost: evil.example",
    ] {
        assert!(settings.secrets_for("http", authority).is_none(), "{authority:?}");
    }
    for scheme in ["http:", "http ", "\u{ff48}ttp", "ws", "http\0", "unix"] {
        assert!(settings.secrets_for(scheme, "127.0.0.1:8787").is_none(), "{scheme:?}");
    }
    assert!(settings.secrets_for("http", "127.0.0.1:08787").is_some(), "the same number");
}

#[test]
fn answers_that_are_packed() {
    let settings = settings(&[("credential.authorization", "Bearer Sk-Secret-1"), ("credential.x-key", "a,Secret-2")]);
    for (headers, expected) in [
        (&[][..], None),
        (&[("content-type", "a")], None),
        (&[("Content-Encoding", "identity")], None),
        (&[("content-encoding", "")], None),
        (&[("Content-Encoding", "GZIP")], Some("GZIP")),
        (&[("content-encoding", "identity, br")], Some("br")),
        (&[("content-encoding", "identity"), ("content-encoding", "zstd")], Some("zstd")),
        (&[("content-encoding", "Sk-Secret-1")], Some("***********")),
        (&[("content-encoding", "identity, x-Sk-Secret-1-y")], Some("x-***********-y")),
        (&[("content-encoding", "a,Secret-2")], Some("**********")),
    ] {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        assert_eq!(settings.coding(&headers).as_deref(), expected, "{headers:?}");
    }
}

fn fixture(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn texts(list: &serde_json::Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

/// What both hosts' tests read too. What is refused there is left out here.
#[test]
fn headers_of_a_provider() {
    let fixture = fixture(include_str!("../../../../tests/fixtures/boundary/headers.json"));
    let settings = settings(&[("credential.x-hostile-key", "secret-value")]);
    for name in texts(&fixture["set"]) {
        assert!(!settings.is_reserved(name) && !is_overruled(name), "{name:?}");
    }
    for name in texts(&fixture["refused"]) {
        assert!(settings.is_reserved(name) || is_overruled(name), "{name:?}");
    }
    for name in texts(&fixture["overruled"]) {
        assert!(is_overruled(name), "{name:?}");
    }
    for value in texts(&fixture["refused_values"]) {
        assert!(is_broken(value.as_bytes()), "{value:?}");
    }
}

#[test]
fn names_of_headers_in_answers() {
    let fixture = fixture(include_str!("../../../../tests/fixtures/boundary/masks.json"));
    for case in fixture["header_names"].as_array().unwrap() {
        let secrets = texts(&case["secrets"]).map(|secret| ("credential.x-key", secret));
        let settings = settings(&secrets.collect::<Vec<_>>());
        assert_eq!(settings.is_telling(case["name"].as_str().unwrap()), case["kept"] == false, "{case}");
    }
}
