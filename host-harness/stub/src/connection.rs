//! Connections: each has a number, and can be broken off.

use std::io;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections, and counts them.
pub(super) struct Accepting {
    listener: TcpListener,
    accepted: u64,
}

/// The connection that carries a request.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    /// A second handle on the socket.
    socket: Arc<TcpStream>,
}

impl Connection {
    /// Makes the coming close a TCP reset.
    pub(super) fn reset_on_close(&self) {
        let _ = self.socket.set_zero_linger();
    }
}

impl Accepting {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, accepted: 0 }
    }
}

impl Listener for Accepting {
    type Io = TcpStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (TcpStream, Connection) {
        loop {
            let (stream, _) = Listener::accept(&mut self.listener).await;
            let _ = stream.set_nodelay(true);
            if let Ok((stream, socket)) = two_handles(stream) {
                self.accepted += 1;
                return (stream, Connection { number: self.accepted, socket: Arc::new(socket) });
            }
        }
    }

    fn local_addr(&self) -> io::Result<Connection> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn two_handles(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let first = stream.into_std()?;
    let second = first.try_clone()?;
    Ok((TcpStream::from_std(first)?, TcpStream::from_std(second)?))
}

impl Connected<IncomingStream<'_, Accepting>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Accepting>) -> Self {
        stream.remote_addr().clone()
    }
}
