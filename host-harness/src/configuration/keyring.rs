//! The system's keyring: the Secret Service on Linux and its like, the Keychain on macOS, the Credential Manager on
//! Windows. Owns the name of a secret there, and the time limit for an answer; `credentials` decides when it is asked.
//!
//! OpenClaw does not read it: only this host uses a secret that is kept here.

use std::{
    fmt,
    sync::{Arc, OnceLock, mpsc},
    time::Duration,
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

/// How long a keyring may take for one answer. A message bus may take the connection and stay silent.
const LIMIT: Duration = Duration::from_secs(2);

/// Keeps secrets for the user who is logged in. Nothing is asked of the system before the first secret is looked up.
/// It is given two seconds for an answer, and is passed over for good by this keyring and its clones where it gives none.
#[derive(Clone)]
pub struct Keyring {
    system: System,
    may_prompt: bool,
    skipped: fn(&str),
    shared: Arc<Shared>,
}

/// The system's functions, which block.
#[derive(Clone, Copy)]
struct System {
    open: fn() -> keyring_core::Result<Arc<CredentialStore>>,
    /// Whether the user would be asked to unlock the entry of a service and user.
    is_locked: fn(service: &str, user: &str, to_write: bool) -> keyring_core::Result<bool>,
}

#[derive(Default)]
struct Shared {
    store: OnceLock<Option<Arc<CredentialStore>>>,
    /// Set once it was passed over: it is not waited for again.
    is_skipped: OnceLock<()>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    /// The one of this system and user.
    pub fn system() -> Self {
        let system = System { open: system_store, is_locked: is_system_locked };
        let skipped = |why: &str| tracing::warn!("the system keyring is passed over: {why}");
        Self { system, may_prompt: false, skipped, shared: Arc::default() }
    }

    /// The same, and the user may be asked to unlock it, without limit of time: for a program that is asking questions
    /// anyway. Otherwise a locked keyring is passed over, as far as the system can tell beforehand (the Secret Service
    /// can).
    pub fn may_prompt(self) -> Self {
        Self { may_prompt: true, ..self }
    }

    /// The same, and `tell` hears, once, why the keyring was passed over. Without this it is logged as a warning.
    pub fn on_skip(self, tell: fn(why: &str)) -> Self {
        Self { skipped: tell, ..self }
    }

    /// Whether there is one: a machine without a desktop session usually has none.
    pub fn is_available(&self) -> bool {
        self.store().is_some()
    }

    /// The secret kept for a provider's credential. `None` where there is none, or no keyring, or it stays locked or silent.
    pub fn get(&self, provider: &str, credential: &str) -> Option<SecretString> {
        let is_locked = self.is_locked(provider, credential, false)?;
        if is_locked && !self.may_prompt {
            self.skip("it is locked");
            return None;
        }
        let entry = self.entry(provider, credential).ok()?;
        // Where a person unlocks it, there is no hurry.
        let found = if is_locked { entry.get_password() } else { self.limited(move || entry.get_password())? };
        match found {
            Ok(secret) => Some(secret.into()),
            Err(keyring_core::Error::NoEntry) => None,
            Err(error) => {
                self.skip(&format!("it gave no {credential}: {}", reason(&error)));
                None
            }
        }
    }

    /// Keeps `secret` for a provider's credential, in the place of what was kept for it.
    ///
    /// # Errors
    /// Where there is no keyring, or it refuses, is locked or silent: `invalid-config`, with the reason.
    pub fn set(&self, provider: &str, credential: &str, secret: &SecretString) -> Result<()> {
        let silent = || refused("it does not answer");
        let is_locked = match self.is_locked(provider, credential, true) {
            Some(is_locked) => is_locked,
            None if self.shared.is_skipped.get().is_some() => return Err(silent()),
            None => return Err(absent()),
        };
        if is_locked && !self.may_prompt {
            return Err(refused("it is locked"));
        }
        let entry = self.entry(provider, credential)?;
        let kept = if is_locked {
            entry.set_password(secret.expose_secret())
        } else {
            let secret = secret.clone();
            self.limited(move || entry.set_password(secret.expose_secret())).ok_or_else(silent)?
        };
        kept.map_err(|error| refused(&reason(&error)))
    }

    fn entry(&self, provider: &str, credential: &str) -> Result<Entry> {
        let store = self.store().ok_or_else(absent)?;
        store.build(&service(provider), credential, None).map_err(|error| refused(&reason(&error)))
    }

    fn store(&self) -> Option<&Arc<CredentialStore>> {
        let open = || self.limited(self.system.open)?.inspect_err(|error| tracing::debug!("{}", reason(error))).ok();
        self.shared.store.get_or_init(open).as_ref()
    }

    /// `None` where there is no keyring, or none that answers.
    fn is_locked(&self, provider: &str, credential: &str, to_write: bool) -> Option<bool> {
        let (is_locked, service, user) = (self.system.is_locked, service(provider), credential.to_owned());
        let locked = self.limited(move || is_locked(&service, &user, to_write))?;
        locked.inspect_err(|error| tracing::debug!("{}", reason(error))).ok()
    }

    /// What `ask` gives, in limited time. What does not end in it is left to itself.
    fn limited<T: Send + 'static>(&self, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.shared.is_skipped.get().is_some() {
            return None;
        }
        let (sender, answer) = mpsc::channel();
        let asking = std::thread::Builder::new().name("keyring".into()).spawn(move || sender.send(ask()));
        let answer = asking.ok().and_then(|_| answer.recv_timeout(LIMIT).ok());
        if answer.is_none() {
            self.skip(&format!("it does not answer within {} s", LIMIT.as_secs()));
        }
        answer
    }

    fn skip(&self, why: &str) {
        if self.shared.is_skipped.set(()).is_ok() {
            (self.skipped)(why);
        }
    }
}

fn service(provider: &str) -> String {
    format!("{SERVICE}/{provider}")
}

fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// Asked on a connection of its own that never prompts: the store's would, and wait for as long as the user does.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn is_system_locked(service: &str, user: &str, to_write: bool) -> keyring_core::Result<bool> {
    use dbus_secret_service::{EncryptionType, Error, SecretService};
    let ask = || -> Result<bool, Error> {
        let keyring = SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, 0)?;
        let found = keyring.search_items([("service", service), ("username", user)].into())?;
        if !found.unlocked.is_empty() {
            return Ok(false);
        }
        Ok(!found.locked.is_empty() || to_write && keyring.get_default_collection()?.is_locked()?)
    };
    ask().map_err(|error| keyring_core::Error::PlatformFailure(Box::new(error)))
}

/// These systems do not say beforehand.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn is_system_locked(_: &str, _: &str, _: bool) -> keyring_core::Result<bool> {
    Ok(false)
}

/// What a keyring said. Two of its errors carry what it holds, so that they are told by their kind alone.
fn reason(error: &keyring_core::Error) -> String {
    match error {
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => "the entry is no text".into(),
        error => error.to_string(),
    }
}

fn absent() -> Error {
    Error::config("there is no system keyring")
        .hint("It needs a desktop session. Keep the key in an environment variable instead.")
}

fn refused(why: &str) -> Error {
    Error::config(format!("the system keyring refused: {why}"))
        .hint("Unlock it, or keep the key in an environment variable instead.")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn unlocked(_: &str, _: &str, _: bool) -> keyring_core::Result<bool> {
        Ok(false)
    }

    fn with(system: System) -> Keyring {
        Keyring { system, ..Keyring::system() }
    }

    fn mock() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(keyring_core::mock::Store::new()?)
    }

    /// A keyring in memory.
    fn keyring() -> Keyring {
        with(System { open: mock, is_locked: unlocked })
    }

    /// Neither silence nor a lock is waited for, and each is told once.
    #[test]
    fn a_keyring_that_is_locked_or_silent_is_passed_over_and_told_of_once() {
        static TOLD: AtomicUsize = AtomicUsize::new(0);
        fn silence<T>() -> T {
            loop {
                std::thread::park();
            }
        }
        let key = || "pk-1234567".into();
        for (at, system) in [
            System { open: silence, is_locked: unlocked },
            System { open: mock, is_locked: |_, _, _| silence() },
            System { open: mock, is_locked: |_, _, _| Ok(true) },
        ]
        .into_iter()
        .enumerate()
        {
            let keyring = with(system).on_skip(|_| {
                TOLD.fetch_add(1, Ordering::Relaxed);
            });
            for _ in 0..3 {
                assert!(keyring.clone().get("portkey", "portkey-api-key").is_none());
            }
            assert_eq!(TOLD.load(Ordering::Relaxed), at + 1);
            assert!(keyring.set("portkey", "portkey-api-key", &key()).is_err());
        }
        // Whoever may be asked unlocks it.
        let keyring = with(System { open: mock, is_locked: |_, _, _| Ok(true) }).may_prompt();
        keyring.set("portkey", "portkey-api-key", &key()).unwrap();
        assert!(keyring.get("portkey", "portkey-api-key").is_some());
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
        let none = with(System { open: || Err(keyring_core::Error::NoDefaultStore), is_locked: unlocked });
        assert!(!none.is_available());
        assert!(none.get("portkey", "portkey-api-key").is_none());
        let error = none.set("portkey", "portkey-api-key", &"pk-1234567".into()).unwrap_err();
        assert!(error.to_string().contains("no system keyring"), "{error}");
    }

    #[test]
    fn what_a_keyring_holds_is_in_no_error() {
        let error = refused(&reason(&keyring_core::Error::BadEncoding(b"pk-1234567".to_vec())));
        assert!(!format!("{error:?} {error}").contains("pk-1"), "{error:?}");
        assert!(!format!("{error:?}").contains("112, 107"), "{error:?}");
    }
}
