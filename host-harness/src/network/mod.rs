//! The one way out: where requests go (`destination`), what leaves and what comes back (`egress`), by which connections
//! (`transport`, `proxy`), and what is wrong with the way (`diagnose`).

pub(crate) mod destination;
pub(crate) mod diagnose;
pub(crate) mod egress;
pub(crate) mod proxy;
pub(crate) mod transport;
