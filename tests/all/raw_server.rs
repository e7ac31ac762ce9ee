//! Servers of raw bytes, for answers that no HTTP library sends. They answer whatever is asked; `fault_server` plays scripts
//! of several steps.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
pub const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
/// A chat's answer.
pub const HELLO: &str = r#"{"id":"c","model":"m","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}"#;

/// An answer with its length.
pub fn whole(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A server that does this with each connection.
pub async fn serving<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            client.set_nodelay(true).unwrap();
            tokio::spawn(serve(client));
        }
    });
    address
}

/// The next request: its head, and its body.
pub async fn request_of(client: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// A server that gives one request of each connection this answer, and hangs up.
pub async fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    serving(move |mut client| {
        let answer = answer.clone();
        async move {
            request_of(&mut client).await;
            let _ = client.write_all(&answer).await;
        }
    })
    .await
}

/// The heads of the requests that reached a server.
pub type Heads = Arc<Mutex<Vec<String>>>;

/// A server that gives each request of a connection the answer to its head, and keeps the heads. A stream ends its connection.
pub async fn responding(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (SocketAddr, Heads) {
    let (answer, heads) = (Arc::new(answer), Heads::default());
    let seen = Arc::clone(&heads);
    let address = serving(move |mut client| {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        async move {
            while let Some((head, _)) = request_of(&mut client).await {
                let answer = answer(&head);
                seen.lock().unwrap().push(head);
                let _ = client.write_all(&answer).await;
                if answer.starts_with(EVENTS.as_bytes()) {
                    break;
                }
            }
        }
    });
    (address.await, heads)
}

/// The same with one answer for all.
pub async fn recording(answer: Vec<u8>) -> (SocketAddr, Heads) {
    responding(move |_| answer.clone()).await
}
