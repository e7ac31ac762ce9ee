//! A gateway that breaks in a given way: it reads a request and then plays a script of bytes, pauses and ends. What is
//! on the wire stands in the test, byte by byte; no HTTP library has a say in it.
//!
//! The model's name in a request is a number, and says which script is played. A script that ends without an end of its
//! own leaves the connection open for the next request.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    raw_server::{request_of, whole},
    tls::Authority,
};

/// One thing that happens on the wire.
#[derive(Clone, Debug)]
pub enum Step {
    /// These bytes, in one write.
    Bytes(Vec<u8>),
    /// These bytes, one at a time.
    Trickle(Vec<u8>),
    /// These bytes, over and over until the client goes.
    Endless(Vec<u8>),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing until the client goes.
    Stall,
    /// The connection ends in order; over TLS with its farewell.
    Close,
    /// The connection is reset.
    Reset,
}

/// What a request is answered with.
pub type Script = Vec<Step>;

/// Bytes on the wire.
pub fn bytes(bytes: impl AsRef<[u8]>) -> Step {
    Step::Bytes(bytes.as_ref().to_vec())
}

type Scripts = Arc<dyn Fn(usize, u32) -> Script + Send + Sync>;

/// A running server. When dropped it takes no more connections; those that stand end with their clients.
pub struct FaultServer {
    /// Where a provider finds it.
    pub base_url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl FaultServer {
    /// HTTP/1.1 in plain text. Scripts by number.
    pub async fn http1(script: impl Fn(usize) -> Script + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(move |number, _| script(number))).await
    }

    /// The same answer for every request, with its length.
    pub async fn always(head: &str, body: impl AsRef<[u8]>) -> Self {
        let answer = bytes(whole(head, body));
        Self::http1(move |_| vec![answer.clone()]).await
    }

    /// HTTP/2 over TLS as `localhost`, by this authority. Scripts by number and by the stream that they are for.
    pub async fn http2(tls: &Authority, script: impl Fn(usize, u32) -> Script + Send + Sync + 'static) -> Self {
        Self::start(Some(tls.acceptor("localhost", false, &["h2"])), Arc::new(script)).await
    }

    /// How many requests were read to their end.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many connections were taken.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    async fn start(tls: Option<TlsAcceptor>, scripts: Scripts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base_url = match &tls {
            None => format!("http://{address}/v1"),
            Some(_) => format!("https://localhost:{}/v1", address.port()),
        };
        let (requests, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (count, taken) = (Arc::clone(&requests), Arc::clone(&connections));
        let accepting = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                taken.fetch_add(1, Ordering::Relaxed);
                socket.set_nodelay(true).unwrap();
                let (tls, scripts, count) = (tls.clone(), Arc::clone(&scripts), Arc::clone(&count));
                // However it ends: the client is what is tested.
                tokio::spawn(async move {
                    match tls {
                        None => http1(socket, &scripts, &count).await,
                        Some(tls) => http2(tls.accept(socket).await?, &scripts, &count).await,
                    }
                });
            }
        });
        Self { base_url, requests, connections, accepting }
    }
}

/// A connection, and the TCP socket below.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Plays a script. An error is the end of the connection.
async fn play(wire: &mut impl Wire, script: Script) -> io::Result<()> {
    for step in script {
        match step {
            Step::Bytes(bytes) => {
                wire.write_all(&bytes).await?;
                wire.flush().await?;
            }
            Step::Trickle(bytes) => {
                for byte in bytes {
                    wire.write_all(&[byte]).await?;
                    wire.flush().await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Step::Endless(bytes) => loop {
                wire.write_all(&bytes).await?;
            },
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Stall => while wire.read(&mut [0; 1024]).await? > 0 {},
            Step::Close => {
                wire.shutdown().await?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Step::Reset => {
                wire.tcp().set_zero_linger()?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
    }
    Ok(())
}

async fn http1(mut wire: impl Wire, scripts: &Scripts, count: &AtomicUsize) -> io::Result<()> {
    loop {
        let (_, body) = request_of(&mut wire).await.ok_or(io::ErrorKind::UnexpectedEof)?;
        count.fetch_add(1, Ordering::Relaxed);
        play(&mut wire, scripts(number(&body), 0)).await?;
    }
}

/// The number in `"model":"NUMBER"`; 0 where there is none.
fn number(body: &[u8]) -> usize {
    let body = String::from_utf8_lossy(body);
    let rest = body.split_once(r#""model":""#).map_or("", |(_, rest)| rest);
    rest.split('"').next().and_then(|name| name.parse().ok()).unwrap_or(0)
}

const PREFACE: usize = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

async fn http2(mut wire: impl Wire, scripts: &Scripts, count: &AtomicUsize) -> io::Result<()> {
    wire.read_exact(&mut [0; PREFACE]).await?;
    wire.write_all(&frame::SETTINGS).await?;
    let mut bodies = BTreeMap::<u32, Vec<u8>>::new();
    loop {
        let mut head = [0; 9];
        wire.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let (length, stream) = (u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes(stream));
        let mut payload = vec![0; length as usize];
        wire.read_exact(&mut payload).await?;
        let is_end = match (kind, flags & 1) {
            (frame::SETTINGS_KIND, 0) => {
                wire.write_all(&frame::frame(frame::SETTINGS_KIND, 1, 0, &[])).await?;
                false
            }
            (frame::PING_KIND, 0) => {
                wire.write_all(&frame::frame(frame::PING_KIND, 1, 0, &payload)).await?;
                false
            }
            (frame::DATA_KIND, end) => {
                bodies.entry(stream).or_default().extend_from_slice(&payload);
                // What was read may be sent again.
                wire.write_all(&frame::frame(frame::WINDOW_KIND, 0, 0, &length.max(1).to_be_bytes())).await?;
                end == 1
            }
            (frame::HEADERS_KIND, end) => end == 1,
            _ => false,
        };
        wire.flush().await?;
        if is_end {
            count.fetch_add(1, Ordering::Relaxed);
            let body = bodies.remove(&stream).unwrap_or_default();
            play(&mut wire, scripts(number(&body), stream)).await?;
        }
    }
}

/// Frames of HTTP/2 (RFC 9113), and the few header fields that the tests need (RFC 7541).
pub mod frame {
    pub(super) const DATA_KIND: u8 = 0;
    pub(super) const HEADERS_KIND: u8 = 1;
    pub(super) const SETTINGS_KIND: u8 = 4;
    pub(super) const PING_KIND: u8 = 6;
    pub(super) const WINDOW_KIND: u8 = 8;
    /// No settings at all: the defaults.
    pub(super) const SETTINGS: [u8; 9] = [0, 0, 0, SETTINGS_KIND, 0, 0, 0, 0, 0];

    /// Codes of `RST_STREAM` and `GOAWAY`.
    pub const NO_ERROR: u32 = 0;
    pub const PROTOCOL_ERROR: u32 = 1;
    pub const INTERNAL_ERROR: u32 = 2;
    pub const REFUSED_STREAM: u32 = 7;
    pub const CANCEL: u32 = 8;

    /// Any frame.
    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// A head: status 200, a media type, and further fields.
    pub fn head(stream: u32, media_type: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = vec![0x88];
        for (name, value) in [("content-type", media_type)].iter().chain(fields) {
            block.push(0);
            for text in [name, value] {
                // An integer with a prefix of seven bits.
                if let Some(mut rest) = text.len().checked_sub(127) {
                    block.push(127);
                    while rest >= 128 {
                        block.push(u8::try_from(rest % 128 + 128).unwrap());
                        rest /= 128;
                    }
                    block.push(u8::try_from(rest).unwrap());
                } else {
                    block.push(u8::try_from(text.len()).unwrap());
                }
                block.extend_from_slice(text.as_bytes());
            }
        }
        frame(HEADERS_KIND, 4, stream, &block)
    }

    /// A piece of a body.
    pub fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
        frame(DATA_KIND, 0, stream, bytes)
    }

    /// The last piece of a body.
    pub fn last(stream: u32, bytes: &[u8]) -> Vec<u8> {
        frame(DATA_KIND, 1, stream, bytes)
    }

    /// The end of one stream.
    pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
        frame(3, 0, stream, &code.to_be_bytes())
    }

    /// The end of a connection: streams after `last` were not looked at.
    pub fn goaway(last: u32, code: u32) -> Vec<u8> {
        frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
    }
}
