//! The one way out: where requests go (`destination`), the policy for requests and responses (`egress`), the connections
//! (`pool`) and how they are made (`transport` by `settings`, `tls`, `proxy`), and a diagnosis of each step (`diagnose`).

pub(crate) mod destination;
pub(crate) mod diagnose;
pub(crate) mod egress;
pub(crate) mod pool;
pub(crate) mod proxy;
mod settings;
mod tls;
pub(crate) mod transport;
