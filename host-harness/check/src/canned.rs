//! A gateway that gives one answer to every request, for answers that the stand-in, which computes real ones, never
//! gives.

use std::{io, net::Ipv4Addr};

use axum::{Json, Router};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// Listens until it is dropped.
pub(super) struct Canned {
    pub(super) base_url: String,
    serving: JoinHandle<()>,
}

impl Canned {
    pub(super) async fn start(answer: Value) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let app = Router::new().fallback(move || std::future::ready(Json(answer.clone())));
        let serving = tokio::spawn(async move {
            // It ends with the task alone.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { base_url, serving })
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
