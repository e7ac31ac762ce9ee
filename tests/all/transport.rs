//! Proxies and TLS, each a real one that the test starts.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use host_harness::{
    Provider, Result, Setup,
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
};
use host_harness_stub::Stub;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    raw_server::{Heads, responding, serving, whole},
    support::{KEY, ask, hosted, plugin},
    tls::Authority,
};

/// A proxy that tunnels every target to one address, and remembers what it was asked.
struct Proxy {
    address: SocketAddr,
    heads: Heads,
}

impl Proxy {
    async fn to(target: SocketAddr, answer: &'static str) -> Self {
        Self::start(move |client, asked| tunnel(client, target, answer, asked)).await
    }

    /// Spoken to over TLS, as `localhost`.
    async fn over_tls(target: SocketAddr, authority: &Authority) -> Self {
        let acceptor = authority.acceptor("localhost", false, &["http/1.1"]);
        Self::start(move |client, asked| {
            let accepting = acceptor.accept(client);
            async move {
                let Ok(client) = accepting.await else { return };
                assert!(
                    client.get_ref().1.peer_certificates().is_none(),
                    "the client's certificate is for the gateway"
                );
                tunnel(client, target, TUNNEL, asked).await;
            }
        })
        .await
    }

    /// Speaks SOCKS 4, 4a and 5, and wants this user name and password of version 5. What it was asked reads
    /// `5 gateway.test:80`.
    async fn socks(target: SocketAddr, user: Option<(&'static str, &'static str)>) -> Self {
        Self::start(move |mut client, asked| async move {
            let Ok(true) = socks(&mut client, user, &asked).await else { return };
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        })
        .await
    }

    async fn start<F>(serve: impl Fn(TcpStream, Heads) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let heads = Heads::default();
        let asked = Arc::clone(&heads);
        let address = serving(move |client| serve(client, Arc::clone(&asked))).await;
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(client: impl AsyncRead + AsyncWrite + Unpin, target: SocketAddr, answer: &str, asked: Heads) {
    let mut client = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(client.read_line(&mut head).await.unwrap(), 0);
    }
    asked.lock().unwrap().push(head);
    client.write_all(answer.as_bytes()).await.unwrap();
    let mut server = TcpStream::connect(target).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// The server's part of a SOCKS handshake. Whether it went well.
async fn socks(
    client: &mut TcpStream,
    user: Option<(&str, &str)>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<bool> {
    async fn until_zero(client: &mut TcpStream) -> std::io::Result<String> {
        let mut text = String::new();
        loop {
            match client.read_u8().await? {
                0 => return Ok(text),
                byte => text.push(byte.into()),
            }
        }
    }
    async fn counted(client: &mut TcpStream) -> std::io::Result<String> {
        let mut text = vec![0; client.read_u8().await?.into()];
        client.read_exact(&mut text).await?;
        Ok(String::from_utf8(text).unwrap())
    }
    let version = client.read_u8().await?;
    if version == 4 {
        assert_eq!(client.read_u8().await?, 1, "CONNECT");
        let port = client.read_u16().await?;
        let address = client.read_u32().await?;
        assert_eq!(until_zero(client).await?, "", "the user");
        let host = match address {
            1..=255 => until_zero(client).await?,
            address => std::net::Ipv4Addr::from(address).to_string(),
        };
        asked.lock().unwrap().push(format!("4 {host}:{port}"));
        client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
        return Ok(true);
    }
    assert_eq!(version, 5);
    let mut methods = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut methods).await?;
    let method = if user.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        client.write_all(&[5, 0xff]).await?;
        return Ok(false);
    }
    client.write_all(&[5, method]).await?;
    if let Some((name, password)) = user {
        assert_eq!(client.read_u8().await?, 1);
        let given = (counted(client).await?, counted(client).await?);
        let is_right = (given.0.as_str(), given.1.as_str()) == (name, password);
        client.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(false);
        }
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0], "CONNECT");
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => counted(client).await?,
        4 => format!("[{}]", std::net::Ipv6Addr::from(client.read_u128().await?)),
        other => panic!("address type {other}"),
    };
    let port = client.read_u16().await?;
    asked.lock().unwrap().push(format!("5 {host}:{port}"));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(true)
}

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";

/// The plugin before `base_url`, with `request` in the configuration and these variables.
async fn with(base_url: &str, request: Value, variables: &[(&str, String)]) -> Result<Provider> {
    let config = json!({"models": {"providers": {"portkey": {"request": request}}}});
    let setup = Setup::new(config).base_url(base_url).secret("portkey-api-key", KEY);
    Provider::connect(&plugin().await, setup.environment(variables.iter().cloned().collect())).await
}

async fn answers(provider: &Provider) -> Result<String> {
    Ok(provider.complete(&ask("gpt", "Reply with exactly OK.")).await?.text())
}

#[tokio::test]
async fn a_configured_proxy_is_used() {
    let stub = hosted().await;
    let proxy = Proxy::to(stub.address(), TUNNEL).await;
    let url = format!("http://user:p%40ss@{}", proxy.address);
    let request = json!({"proxy": {"mode": "explicit-proxy", "url": "${CORPORATE_PROXY}"}});
    let provider = with("http://gateway.test/v1", request, &[("CORPORATE_PROXY", url)]).await.unwrap();
    assert_eq!(answers(&provider).await.unwrap(), "OK.");
    let [head] = &proxy.heads()[..] else { panic!("{:?}", proxy.heads()) };
    assert!(head.starts_with("CONNECT gateway.test:80 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Basic dXNlcjpwQHNz\r\n"), "{head}");
    assert!(!head.contains(KEY), "the proxy does not see the key");
}

#[tokio::test]
async fn the_environments_proxy_is_used_but_not_for_its_exceptions() {
    let stub = hosted().await;
    let proxy = Proxy::to(stub.address(), TUNNEL).await;
    let url = format!("http://{}", proxy.address);
    let provider = with("http://gateway.test/v1", json!({}), &[("HTTP_PROXY", url.clone())]).await.unwrap();
    assert_eq!(answers(&provider).await.unwrap(), "OK.");
    assert_eq!(proxy.heads().len(), 1);

    let exceptions = [("HTTP_PROXY", url.clone()), ("NO_PROXY", "other.test,gateway.test".to_owned())];
    let direct = with("http://gateway.test/v1", json!({}), &exceptions).await.unwrap();
    let error = answers(&direct).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Transport, Origin::Network), "no such name: {error:?}");
    // This machine needs no proxy.
    let local = with(&stub.base_url(), json!({}), &[("HTTP_PROXY", url)]).await.unwrap();
    assert_eq!(answers(&local).await.unwrap(), "OK.");
    assert_eq!(proxy.heads().len(), 1, "neither went through the proxy");
}

/// Each kind, what it is asked for, and who resolves the name.
#[tokio::test]
async fn every_kind_of_socks_proxy_is_spoken_to() {
    let stub = hosted().await;
    let open = Proxy::socks(stub.address(), None).await;
    let port = stub.address().port();
    let own = [format!("4 127.0.0.1:{port}"), format!("5 127.0.0.1:{port}"), format!("5 [::1]:{port}")];
    for (scheme, base_url, expected) in [
        ("socks5h", "http://gateway.test/v1".to_owned(), &["5 gateway.test:80".to_owned()][..]),
        ("socks5h", "http://gateway.test:8787/v1".into(), &["5 gateway.test:8787".into()]),
        ("socks5h", "http://[2606:4700::1111]:8787/v1".into(), &["5 [2606:4700::1111]:8787".into()]),
        ("socks4a", "http://gateway.test/v1".into(), &["4 gateway.test:80".into()]),
        ("socks5", "http://1.1.1.1/v1".into(), &["5 1.1.1.1:80".into()]),
        ("socks4", "http://1.1.1.1/v1".into(), &["4 1.1.1.1:80".into()]),
        // Resolved here: the proxy is given an address.
        ("socks5", format!("http://localhost:{port}/v1"), &own[1..]),
        ("socks4", format!("http://localhost:{port}/v1"), &own[..1]),
    ] {
        let url = format!("{scheme}://{}", open.address);
        let request = json!({"proxy": {"mode": "explicit-proxy", "url": url}});
        let provider = with(&base_url, request, &[]).await.unwrap();
        assert_eq!(answers(&provider).await.unwrap(), "OK.", "{scheme} {base_url}");
        let asked = open.heads().pop().unwrap();
        assert!(expected.contains(&asked), "{scheme} {base_url}: {asked}");
    }

    let locked = Proxy::socks(stub.address(), Some(("ann", "p@ss w"))).await;
    let variable = |user: &str| [("ALL_PROXY", format!("socks5h://{user}{}", locked.address))];
    let known = with("http://gateway.test/v1", json!({}), &variable("ann:p%40ss%20w@")).await.unwrap();
    assert_eq!(answers(&known).await.unwrap(), "OK.");
    for wrong in ["ann:hunter22@", ""] {
        let unknown = with("http://gateway.test/v1", json!({}), &variable(wrong)).await.unwrap();
        let error = answers(&unknown).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Transport, "{error:?}");
        let told = format!("{error} {error:?}");
        assert!(told.contains("the proxy made no connection") && !told.contains("hunter22"), "{told}");
    }
}

#[tokio::test]
async fn a_proxy_is_spoken_to_over_tls() {
    let (stub, authority) = (hosted().await, Authority::new());
    let proxy = Proxy::over_tls(stub.address(), &authority).await;
    let url = format!("https://user:p%40ss@localhost:{}", proxy.address.port());
    let (cert, key) = authority.client();
    let request = json!({
        "proxy": {"mode": "explicit-proxy", "url": url},
        "tls": {"ca": authority.pem, "cert": cert, "key": key},
    });
    let provider = with("http://gateway.test/v1", request.clone(), &[]).await.unwrap();
    assert_eq!(answers(&provider).await.unwrap(), "OK.");
    let [head] = &proxy.heads()[..] else { panic!("{:?}", proxy.heads()) };
    assert!(
        head.starts_with("CONNECT gateway.test:80 HTTP/1.1\r\n") && head.contains("Basic dXNlcjpwQHNz\r\n"),
        "{head}"
    );

    // A proxy that nobody vouches for is not even asked.
    let stranger = json!({"proxy": request["proxy"]});
    let error = answers(&with("http://gateway.test/v1", stranger, &[]).await.unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("proxy") && error.to_string().contains("UnknownIssuer"), "{error}");
    assert_eq!(proxy.heads().len(), 1);
}

/// The names of variables in either case, the lower one first, as curl has it.
#[tokio::test]
async fn the_variables_are_read_as_curl_reads_them() {
    let stub = hosted().await;
    let proxy = Proxy::to(stub.address(), TUNNEL).await;
    let (url, dead) = (format!("http://{}", proxy.address), "http://127.0.0.1:1".to_owned());
    for (variables, is_used) in [
        (vec![("http_proxy", url.clone()), ("HTTP_PROXY", dead.clone())], true),
        (vec![("HTTP_PROXY", url.clone()), ("ALL_PROXY", dead.clone())], true),
        (vec![("all_proxy", url.clone()), ("HTTPS_PROXY", dead)], true),
        (vec![("HTTP_PROXY", url.clone()), ("no_proxy", "*".into())], false),
        (vec![("HTTP_PROXY", url.clone()), ("NO_PROXY", "a.test gateway.TEST.".into())], false),
        (vec![("HTTP_PROXY", url.clone()), ("NO_PROXY", "*.test".into())], false),
        (vec![("HTTP_PROXY", url.clone()), ("NO_PROXY", "test:80".into())], false),
        (vec![("HTTP_PROXY", url), ("NO_PROXY", "test:8080".into())], true),
    ] {
        let before = proxy.heads().len();
        let provider = with("http://gateway.test/v1", json!({}), &variables).await.unwrap();
        assert_eq!(answers(&provider).await.is_ok(), is_used, "{variables:?}");
        assert_eq!(proxy.heads().len() - before, usize::from(is_used), "{variables:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let stub = hosted().await;
    let proxy = Proxy::to(stub.address(), REFUSED).await;
    let request = json!({"proxy": {"mode": "explicit-proxy", "url": format!("http://{}", proxy.address)}});
    let provider = with("http://gateway.test/v1", request, &[]).await.unwrap();
    let error = answers(&provider).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Transport, "{error:?}");
    assert!(error.to_string().contains("proxy"), "{error}");
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_be_followed_are_refused() {
    let (cert, key) = Authority::new().client();
    for (request, expected) in [
        (json!("nonsense"), "`request` must be an object"),
        (json!({"proxy": "http://127.0.0.1:1"}), "`request.proxy` must be an object"),
        (json!({"proxy": {"url": "http://127.0.0.1:1"}}), "`request.proxy.mode` is missing"),
        (json!({"proxy": {"mode": "http://user:hunter22@proxy"}}), "`request.proxy.mode` is none that is known"),
        (json!({"proxy": {"mode": ["explicit-proxy"], "url": "http://127.0.0.1:1"}}), "`request.proxy.mode`"),
        (json!({"proxy": {"mode": "explicit-proxy"}}), "`request.proxy.url` is missing"),
        (json!({"proxy": {"mode": "explicit-proxy", "url": "socks://127.0.0.1:1080"}}), "`socks`"),
        (json!({"proxy": {"mode": "env-proxy", "url": "http://127.0.0.1:1"}}), "`request.proxy.url` is not used"),
        (json!({"proxy": {"mode": "sideways"}}), "`request.proxy.mode` is none that is known"),
        (json!({"tls": "nonsense"}), "`request.tls` must be an object"),
        (json!({"tls": {"ca": "nonsense"}}), "request.tls.ca"),
        (json!({"tls": {"cert": cert}}), "`request.tls.key` is missing"),
        (json!({"tls": {"key": key}}), "`request.tls.cert` is missing"),
        (json!({"tls": {"key": "nonsense", "cert": cert}}), "`request.tls.key` holds no private key"),
        (json!({"tls": {"key": key, "cert": "nonsense"}}), "`request.tls.cert` holds no certificate"),
        (json!({"tls": {"insecureSkipVerify": true}}), "insecureSkipVerify"),
        (json!({"tls": {"ca": 7}}), "request.tls.ca"),
        (json!({"tls": {"ca": "${NOT_SET}"}}), "NOT_SET"),
    ] {
        let error = with("https://gateway.test/v1", request.clone(), &[]).await.unwrap_err();
        assert!(
            error.to_string().contains(expected) && !format!("{error:?}").contains("hunter22"),
            "{request}: {error}"
        );
    }
}

/// Never a direct connection instead, and never the password in the error.
#[tokio::test]
async fn a_proxy_that_cannot_be_understood_is_refused() {
    for url in [
        "",
        "http://",
        "http:/proxy:3128",
        "http//proxy:3128",
        "ttp://proxy:3128",
        "http://pro xy:3128",
        "http://proxy:port",
        "http://proxy:99999",
        "http://user:hunter22 x@proxy:3128",
        "http://user:hunt@er22@proxy:3128",
        "socks://user:hunter22@proxy:1080",
        "socks4://user:hunter22@proxy:1080",
        "ftp://user:hunter22@proxy:21",
    ] {
        let request = json!({"proxy": {"mode": "explicit-proxy", "url": url}});
        // The configured one is used for this machine too.
        for base_url in ["https://gateway.test/v1", "http://127.0.0.1:1/v1"] {
            let error = with(base_url, request.clone(), &[]).await.unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidConfig, "{url}: {error:?}");
            let told = format!("{error:?} {error}");
            assert!(told.contains("`request.proxy.url`") && !told.contains("er22"), "{url}: {told}");
        }
        if url.is_empty() {
            continue;
        }
        // It is the variable for the scheme that counts, and not where the origin is an exception.
        let good = ("ALL_PROXY", "http://127.0.0.1:1".to_owned());
        let mut variables = vec![("HTTPS_PROXY", url.to_owned()), good];
        let error = with("https://gateway.test/v1", json!({}), &variables).await.unwrap_err();
        let told = format!("{error:?} {error}");
        assert!(told.contains("the environment's HTTPS_PROXY") && !told.contains("er22"), "{url}: {told}");
        with("http://gateway.test/v1", json!({}), &variables).await.unwrap();
        variables.push(("NO_PROXY", "gateway.test".to_owned()));
        with("https://gateway.test/v1", json!({}), &variables).await.unwrap();
        with("http://127.0.0.1:1/v1", json!({}), &variables[..1]).await.unwrap();
    }
}

/// Takes TLS as `name` and hands on to `stub`: the base URL.
async fn tls_before(stub: &Stub, authority: &Authority, name: &str, expired: bool) -> String {
    format!("https://localhost:{}/v1", tls_that_looks(stub, authority, name, expired).await.0.port())
}

/// The same by its address, and whether each client had a certificate of its own.
async fn tls_that_looks(
    stub: &Stub,
    authority: &Authority,
    name: &str,
    expired: bool,
) -> (SocketAddr, Arc<Mutex<Vec<bool>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looked = Arc::clone(&seen);
    let acceptor = authority.acceptor(name, expired, &[]);
    let target = stub.address();
    let address = serving(move |client| {
        let (accepting, looked) = (acceptor.accept(client), Arc::clone(&looked));
        async move {
            let Ok(mut client) = accepting.await else { return };
            looked.lock().unwrap().push(client.get_ref().1.peer_certificates().is_some());
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (address.await, seen)
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_configured() {
    let (stub, authority) = (hosted().await, Authority::new());
    let base_url = tls_before(&stub, &authority, "localhost", false).await;

    let unknown = with(&base_url, json!({}), &[]).await.unwrap();
    let error = answers(&unknown).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (Kind::Transport, Origin::Network), "{error:?}");
    assert!(error.record().hint.is_some() && stub.requests().is_empty());

    let request = json!({"tls": {"ca": "${COMPANY_CA}"}});
    let known = with(&base_url, request, &[("COMPANY_CA", authority.pem.clone())]).await.unwrap();
    assert_eq!(answers(&known).await.unwrap(), "OK.");
    assert_eq!(stub.requests()[0].header("x-portkey-api-key"), Some(KEY));
}

/// Where OpenSSL and what is built on it find a company's authority.
#[tokio::test]
async fn the_authorities_of_the_environment_are_trusted() {
    let (stub, authority) = (hosted().await, Authority::new());
    let base_url = tls_before(&stub, &authority, "localhost", false).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("company.pem");
    std::fs::write(&file, format!("Our authority\n{}", authority.pem)).unwrap();
    let (file, folder) = (file.display().to_string(), folder.path().display().to_string());
    let both = format!("/no/such/folder:{folder}");
    for variable in [("SSL_CERT_FILE", file.clone()), ("SSL_CERT_DIR", folder.clone()), ("SSL_CERT_DIR", both)] {
        let known = with(&base_url, json!({}), std::slice::from_ref(&variable)).await.unwrap();
        assert_eq!(answers(&known).await.unwrap(), "OK.", "{variable:?}");
    }
    // A path that leads nowhere is named, where it matters.
    for (path, why) in [
        ("/no/such/file.pem", "/no/such/file.pem"),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "no certificate"),
    ] {
        let variable = [("SSL_CERT_FILE", path.to_owned())];
        let error = with(&base_url, json!({}), &variable).await.unwrap_err();
        assert!(error.to_string().contains("SSL_CERT_FILE") && error.to_string().contains(why), "{error}");
        with("http://127.0.0.1:1/v1", json!({}), &variable).await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_time_is_refused() {
    let (stub, authority) = (hosted().await, Authority::new());
    let request = json!({"tls": {"ca": authority.pem.clone()}});
    for (name, expired) in [("gateway.test", false), ("localhost", true)] {
        let base_url = tls_before(&stub, &authority, name, expired).await;
        let error = answers(&with(&base_url, request.clone(), &[]).await.unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.origin()), (Kind::Transport, Origin::Network), "{name}: {error:?}");
    }
    assert!(stub.requests().is_empty());

    let base_url = tls_before(&stub, &authority, "gateway.test", false).await;
    let request = json!({"tls": {"ca": authority.pem.clone(), "serverName": "gateway.test"}});
    let named = with(&base_url, request, &[]).await.unwrap();
    assert_eq!(answers(&named).await.unwrap(), "OK.");
}

/// An image that the gateway answers with by URL comes the same way as the answer did.
#[tokio::test]
async fn an_image_by_url_is_fetched_through_the_same_proxy() {
    let stub = hosted().await;
    let proxy = Proxy::to(stub.address(), TUNNEL).await;
    let request = json!({"proxy": {"mode": "explicit-proxy", "url": format!("http://{}", proxy.address)}});
    let provider = with("http://gateway.test/v1", request, &[]).await.unwrap();
    let error = provider.download("http://images.test/v1/images/files/none.png").await.unwrap_err();
    assert!(error.to_string().contains("HTTP status 404"), "the stand-in has no such file: {error}");
    let [head] = &proxy.heads()[..] else { panic!("{:?}", proxy.heads()) };
    assert!(head.starts_with("CONNECT images.test:80 HTTP/1.1\r\n"), "{head}");
    assert_eq!(stub.requests()[0].header("x-portkey-api-key"), None, "and without the key");
}

/// Whoever resolves them: these names are of the machine of the proxy, where a gateway may not send anybody.
#[tokio::test]
async fn an_image_is_fetched_from_no_name_of_this_machine_behind_a_proxy() {
    let stub = hosted().await;
    let port = stub.address().port();
    for proxy in [Proxy::to(stub.address(), TUNNEL).await, Proxy::socks(stub.address(), None).await] {
        for scheme in ["http", "socks5h", "socks4a"] {
            let request = json!({"proxy": {"mode": "explicit-proxy", "url": format!("{scheme}://{}", proxy.address)}});
            let provider = with("http://gateway.test/v1", request, &[]).await.unwrap();
            for host in ["localhost", "LOCALHOST.", "a.localhost", "host.docker.internal", "host.docker.internal."] {
                let error = provider.download(&format!("http://{host}:{port}/x.png")).await.expect_err(host);
                assert!(proxy.heads().is_empty(), "{scheme}, {host}: {error}, {:?}", proxy.heads());
            }
        }
    }
}

/// The client's certificate is for the gateway. Whoever else the gateway names in an answer does not get to see it, be it on
/// the same machine, where a session of TLS could be resumed.
#[tokio::test]
async fn an_image_by_url_is_fetched_without_the_clients_certificate() {
    let (stub, authority) = (hosted().await, Authority::new());
    let (gateway, at_gateway) = tls_that_looks(&stub, &authority, "localhost", false).await;
    let (images, at_images) = tls_that_looks(&stub, &authority, "localhost", false).await;
    let (cert, key) = authority.client();
    let request = json!({"tls": {"ca": authority.pem, "cert": cert, "key": key}});
    let provider = with(&format!("https://localhost:{}/v1", gateway.port()), request, &[]).await.unwrap();
    assert_eq!(answers(&provider).await.unwrap(), "OK.");
    let url = format!("https://localhost:{}/v1/images/files/none.png", images.port());
    let error = provider.download(&url).await.unwrap_err();
    assert!(error.to_string().contains("HTTP status 404"), "the stand-in has no such file: {error}");
    assert_eq!((&at_gateway.lock().unwrap()[..], &at_images.lock().unwrap()[..]), (&[true][..], &[false][..]));
}

/// Storage redirects: up to five times, each place checked as the first, and without the key.
#[tokio::test]
async fn an_image_by_url_follows_five_redirects_and_none_to_where_it_may_not_go() {
    let (address, seen) = responding(|head| {
        let path = head.split(' ').nth(1).unwrap();
        match path.strip_prefix("/hop/").and_then(|hop| hop.parse::<u32>().ok()) {
            Some(0) => whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", b"\x89PNG\r\n\x1a\n01234567"),
            Some(hop) => whole(&format!("HTTP/1.1 302 x\r\nlocation: /hop/{}\r\n", hop - 1), ""),
            None => whole(&format!("HTTP/1.1 307 x\r\nlocation: {}\r\n", &path[1..]), ""),
        }
    })
    .await;
    let provider = with(&format!("http://{address}/v1"), json!({}), &[]).await.unwrap();
    let media = provider.download(&format!("http://{address}/hop/5")).await.unwrap();
    assert_eq!((&*media.media_type, media.data.len()), ("image/png", 16));
    assert_eq!(seen.lock().unwrap().len(), 6);
    let error = provider.download(&format!("http://{address}/hop/6")).await.unwrap_err();
    assert!(error.to_string().contains("over 5 times"), "{error}");
    for elsewhere in
        ["http://10.0.0.1/x", "http://169.254.169.254/x", "http://user:pw@127.0.0.1/x", "file:///etc/passwd"]
    {
        let error = provider.download(&format!("http://{address}/{elsewhere}")).await.expect_err(elsewhere);
        assert!(!error.to_string().contains("pw@"), "{error}");
        assert_eq!(error.kind(), Kind::DeniedByHost, "{error}");
        let error = provider.download(elsewhere).await.expect_err(elsewhere);
        assert_eq!(error.kind(), Kind::DeniedByHost, "{error}");
    }
    assert!(seen.lock().unwrap().iter().all(|head| !head.contains("x-portkey-api-key")));
}
