//! Secrets that were given as flags: the program restarts without them, and passes them in the environment.

use host_harness::wit::onboarding::Credential;
use secrecy::SecretString;

/// The variable that a secret goes along in: named for the credential's own, and not that one itself. A plugin says what that is,
/// and could name one that means something to this program, such as `HOME`.
pub(crate) fn variable(own: &str) -> String {
    format!("HOST_HARNESS_GIVEN_{own}")
}

/// The secret that was given as a flag for `credential`. What is no UTF-8 in it is replaced: then it is refused as a key.
pub(crate) fn given(credential: &Credential) -> Option<SecretString> {
    let given = std::env::var_os(variable(credential.env_vars.first()?))?;
    Some(given.to_string_lossy().into_owned().into())
}
