//! Calls: a connected provider (`provider`), the ways to its places (`route`), requests (`request`, `openai`), streamed
//! answers (`reply`, `speech`, both by `pieces`), a model that calls tools (`tool_loop`), and what models cost
//! (`price_of`, and `prices`, which keeps what was told).

pub(crate) mod openai;
pub(crate) mod pieces;
mod price_of;
pub(crate) mod prices;
pub(crate) mod provider;
pub(crate) mod reply;
pub(crate) mod request;
mod route;
pub(crate) mod speech;
pub(crate) mod tool_loop;
