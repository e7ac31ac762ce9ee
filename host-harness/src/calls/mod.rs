//! Calls: a connected provider (`provider`), what is asked (`request`, `openai`), what comes (`reply`), and a model that calls
//! tools (`tool_loop`).

pub(crate) mod openai;
pub(crate) mod pieces;
pub(crate) mod provider;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod speech;
pub(crate) mod tool_loop;
