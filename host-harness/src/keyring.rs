//! The system's keyring: the Secret Service on Linux and its like, the Keychain on macOS, the Credential Manager on
//! Windows. Owns under which name a secret stands there; when it is asked is the credentials' business.
//!
//! OpenClaw does not read it: a secret that is kept here is for this host alone.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(all(unix, not(target_vendor = "apple")))]
use dbus_secret_service_keyring_store::Store;
use keyring_core::{CredentialStore, Entry};
use secrecy::{ExposeSecret, SecretString};
#[cfg(windows)]
use windows_native_keyring_store::Store;

use crate::error::{Error, Result};

/// What all entries of this host are filed under, before the provider's id: `host-harness/portkey`.
const SERVICE: &str = "host-harness";

/// Keeps secrets for the user who is logged in. Nothing is asked of the system before the first secret is looked up.
#[derive(Clone)]
pub struct Keyring {
    open: fn() -> keyring_core::Result<Arc<CredentialStore>>,
    store: Arc<OnceLock<Option<Arc<CredentialStore>>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    /// The one of this system and user.
    pub fn system() -> Self {
        Self { open: system_store, store: Arc::default() }
    }

    /// Whether there is one: a machine without a desktop session usually has none.
    pub fn is_available(&self) -> bool {
        self.store().is_some()
    }

    /// The secret kept for a provider's credential. `None` where there is none, or no keyring, or it stays locked.
    pub fn get(&self, provider: &str, credential: &str) -> Option<SecretString> {
        match self.entry(provider, credential).ok()?.get_password() {
            Ok(secret) => Some(secret.into()),
            Err(keyring_core::Error::NoEntry) => None,
            Err(error) => {
                tracing::warn!("the system keyring gave no {credential}: {}", reason(&error));
                None
            }
        }
    }

    /// Keeps `secret` for a provider's credential, in the place of what was kept for it.
    ///
    /// # Errors
    /// Where there is no keyring, or it refuses: `invalid-config`, with the reason.
    pub fn set(&self, provider: &str, credential: &str, secret: &SecretString) -> Result<()> {
        self.entry(provider, credential)?.set_password(secret.expose_secret()).map_err(|error| refused(&error))
    }

    fn entry(&self, provider: &str, credential: &str) -> Result<Entry> {
        let store = self.store().ok_or_else(|| {
            Error::config("there is no system keyring")
                .hint("It needs a desktop session. Keep the key in an environment variable instead.")
        })?;
        store.build(&format!("{SERVICE}/{provider}"), credential, None).map_err(|error| refused(&error))
    }

    fn store(&self) -> Option<&Arc<CredentialStore>> {
        self.store.get_or_init(|| (self.open)().inspect_err(|error| tracing::debug!("{}", reason(error))).ok()).as_ref()
    }
}

fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// What a keyring said. Two of its errors carry what it holds, so that they are told by their kind alone.
fn reason(error: &keyring_core::Error) -> String {
    match error {
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => "the entry is no text".into(),
        error => error.to_string(),
    }
}

fn refused(error: &keyring_core::Error) -> Error {
    Error::config(format!("the system keyring refused: {}", reason(error)))
        .hint("Unlock it, or keep the key in an environment variable instead.")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A keyring in memory.
    pub(crate) fn keyring() -> Keyring {
        Keyring { open: || Ok(keyring_core::mock::Store::new()?), store: Arc::default() }
    }

    #[test]
    fn a_secret_is_kept_for_one_credential_of_one_provider() {
        let keyring = keyring();
        assert!(keyring.is_available());
        keyring.set("portkey", "portkey-api-key", &"pk-first".into()).unwrap();
        keyring.set("portkey", "portkey-api-key", &"pk-second".into()).unwrap();
        assert_eq!(keyring.get("portkey", "portkey-api-key").unwrap().expose_secret(), "pk-second");
        assert!(keyring.get("portkey", "other").is_none());
        assert!(keyring.get("other", "portkey-api-key").is_none());
        assert!(!format!("{keyring:?}").contains("pk-second"));
    }

    #[test]
    fn without_a_keyring_nothing_is_found_and_nothing_kept() {
        let none = Keyring { open: || Err(keyring_core::Error::NoDefaultStore), store: Arc::default() };
        assert!(!none.is_available());
        assert!(none.get("portkey", "portkey-api-key").is_none());
        let error = none.set("portkey", "portkey-api-key", &"pk-1234567".into()).unwrap_err();
        assert!(error.to_string().contains("no system keyring"), "{error}");
    }

    #[test]
    fn what_a_keyring_holds_is_in_no_error() {
        let error = refused(&keyring_core::Error::BadEncoding(b"pk-1234567".to_vec()));
        assert!(!format!("{error:?} {error}").contains("pk-1"), "{error:?}");
        assert!(!format!("{error:?}").contains("112, 107"), "{error:?}");
    }
}
