//! The one way out: what wasmtime asks (`wasi_hooks`), where requests go (`destination`), the policy for requests and responses
//! (`egress`), images by URL (`download`), what comes back (`response_body`, `wasi_error`), the connections (`pool`) and how they are made (`transport`
//! by `settings`, `tls`, `proxy`), and a diagnosis of each step (`diagnose`).

pub(crate) mod destination;
pub(crate) mod diagnose;
mod download;
pub(crate) mod egress;
pub(crate) mod pool;
pub(crate) mod proxy;
mod response_body;
mod settings;
mod tls;
pub(crate) mod transport;
pub(crate) mod wasi_error;
pub(crate) mod wasi_hooks;
