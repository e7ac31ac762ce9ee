//! A provider component in its sandbox: compiled and kept (`cache`), run with limits (`engine`), asked about itself and the
//! configuration (`plugin`, `descriptor`, `interfaces`), and checked before it is loaded (`validate`).

pub(crate) mod cache;
pub(crate) mod descriptor;
pub(crate) mod engine;
pub(crate) mod interfaces;
pub(crate) mod plugin;
pub(crate) mod validate;
