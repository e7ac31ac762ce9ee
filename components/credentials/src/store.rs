//! `wasi:config/store` as the others see it: without the secrets.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use once_cell::race::OnceBox;

use crate::bindings::Credentials;
use crate::bindings::exports::wasi::config::store as exported;
use crate::bindings::wasi::cli::environment;
use crate::bindings::wasi::config::store;
use crate::settings::Settings;

/// Read once an instance: neither source changes while one lives.
pub(crate) fn settings() -> &'static Settings {
    static SETTINGS: OnceBox<Settings> = OnceBox::new();
    SETTINGS.get_or_init(|| {
        let mut pairs = environment::get_environment();
        // A host whose store fails gives no settings: then no request gets a secret.
        pairs.extend(store::get_all().unwrap_or_default());
        Box::new(Settings::read(pairs))
    })
}

impl exported::Guest for Credentials {
    fn get(key: String) -> Result<Option<String>, exported::Error> {
        Ok(settings().public(&key).map(Into::into))
    }

    fn get_all() -> Result<Vec<(String, String)>, exported::Error> {
        Ok(settings().all_public())
    }
}
