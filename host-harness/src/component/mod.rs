//! A provider component in its sandbox: compiled and cached (`cache`), run with limits (`engine`), its pure calls
//! (`plugin`, `descriptor`), its imports and exports (`interfaces`), and the checks before it is loaded (`validate`).

pub(crate) mod cache;
pub(crate) mod descriptor;
pub(crate) mod engine;
pub(crate) mod interfaces;
pub(crate) mod plugin;
pub(crate) mod validate;
