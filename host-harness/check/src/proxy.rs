//! A proxy that connects to one gateway, whatever name is requested, and records the names.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Listens until it is dropped.
pub(super) struct Proxy {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn to(gateway: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let remembered = Arc::clone(&remembered);
                // A tunnel that breaks is its client's to notice.
                tokio::spawn(async move { tunnel(client, gateway, &remembered).await });
            }
        });
        Ok(Self { url, asked, serving })
    }

    /// The first lines of what it was asked, such as `CONNECT gateway.test:80 HTTP/1.1`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn tunnel(client: TcpStream, gateway: SocketAddr, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut first = String::new();
    client.read_line(&mut first).await?;
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(first.trim_end().to_owned());
    let mut line = first;
    while !line.trim_end().is_empty() {
        line.clear();
        client.read_line(&mut line).await?;
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut gateway = TcpStream::connect(gateway).await?;
    tokio::io::copy_bidirectional(&mut client, &mut gateway).await.map(|_| ())
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
