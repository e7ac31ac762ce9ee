//! Whom TLS trusts, and as whom it speaks: `request.tls`, the authorities of the system and of the environment.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use boundary::origin::Origin;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor, pem::PemObject},
};
use secrecy::ExposeSecret;

use super::{proxy::Proxy, settings::Settings};
use crate::{
    configuration::environment::Environment,
    error::{Error, Result},
    file::read_file,
};

/// `request.tls`, and the public authorities.
pub(super) struct Tls {
    roots: Arc<RootCertStore>,
    pub(super) client: Option<Client>,
}

/// The client's own certificate, with those up to its authority, and its key.
pub(super) type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Tls {
    pub(super) fn of(settings: &Settings<'_>, origin: &Origin, proxy: Option<&Proxy>) -> Result<Self> {
        if settings.get("/tls/passphrase").is_some() {
            return Err(Error::config("`request.tls.passphrase` is not supported")
                .hint("Give `request.tls.key` unencrypted, by a reference to the environment: ${NAME}."));
        }
        let certificates = |name: &str| -> Result<Option<Vec<CertificateDer<'static>>>> {
            let Some(pem) = settings.text(&format!("/tls/{name}"))? else { return Ok(None) };
            let wrong = || Error::config(format!("`request.tls.{name}` holds no certificate in PEM form")).hint(PEM);
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes()).collect();
            found.ok().filter(|found| !found.is_empty()).ok_or_else(wrong).map(Some)
        };
        let key = settings.text("/tls/key")?.map(|pem| {
            PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
                .map_err(|_| Error::config("`request.tls.key` holds no private key in PEM form").hint(PEM))
        });
        let client = match (certificates("cert")?, key.transpose()?) {
            (Some(chain), Some(key)) => Some((chain, key)),
            (None, None) => None,
            (Some(_), None) => return Err(Error::config("`request.tls.key` is missing beside `request.tls.cert`")),
            (None, Some(_)) => return Err(Error::config("`request.tls.cert` is missing beside `request.tls.key`")),
        };
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // Not read for a plain gateway on this machine: it takes some milliseconds.
        if origin.is_https() || !origin.is_local() || proxy.is_some() {
            match named_authorities(settings.environment) {
                Ok(Some(named)) => drop(roots.add_parsable_certificates(named)),
                Ok(None) => roots.extend(system_authorities().iter().cloned()),
                Err(error) if origin.is_https() || proxy.is_some_and(Proxy::is_over_tls) => return Err(error),
                Err(error) => tracing::debug!(%error, "not needed without TLS"),
            }
        }
        for authority in certificates("ca")?.into_iter().flatten() {
            roots
                .add(authority)
                .map_err(|error| Error::config("`request.tls.ca` cannot be used as an authority").source(error))?;
        }
        Ok(Self { roots: Arc::new(roots), client })
    }

    /// How TLS is spoken by `client`, or by nobody in particular.
    pub(super) fn config(&self, client: Option<&Client>) -> Result<ClientConfig> {
        // Named, since an embedder's own dependencies may bring another one along.
        let cryptography = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(cryptography)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config("TLS cannot be set up").source(error))?
            .with_root_certificates(Arc::clone(&self.roots));
        match client {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| Error::config("`request.tls.cert` and `request.tls.key` do not match").source(error)),
        }
    }
}

/// Whoever has a file writes its path there first.
const PEM: &str = "Write its text there, from -----BEGIN to -----END, or a reference to a file or a variable that holds it: a \
                   path alone is none.";

/// The largest file of authorities, in bytes: those of a system are a fiftieth of it.
const LARGEST_AUTHORITIES: u64 = 16 << 20;

/// The authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, as OpenSSL has them. They take the place of the
/// system's.
fn named_authorities(environment: &Environment) -> Result<Option<Vec<CertificateDer<'static>>>> {
    let (file, folders) = (environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR"));
    if file.is_none() && folders.is_none() {
        return Ok(None);
    }
    let mut found = Vec::new();
    if let Some(file) = &file {
        let unusable = |why: String| {
            Error::config(format!("the environment's SSL_CERT_FILE cannot be used: `{file}`: {why}"))
                .hint("Correct the path, or unset the variable: the system's own authorities are trusted without it.")
        };
        // Whoever opens a pipe or a device may wait, or read, without end.
        let pem = read_file(Path::new(file), LARGEST_AUTHORITIES).map_err(|error| unusable(error.to_string()))?;
        found.extend(CertificateDer::pem_slice_iter(&pem).flatten());
        if found.is_empty() {
            return Err(unusable("it holds no certificate in PEM form".to_owned()));
        }
    }
    // As OpenSSL does it, a folder that is not there is passed over.
    for folder in folders.iter().flat_map(std::env::split_paths).filter(|folder| folder.is_dir()) {
        found.extend(rustls_native_certs::load_certs_from_paths(None, Some(&folder)).certs);
    }
    Ok(Some(found))
}

/// The system's own authorities, read once for a process. Where there are none, the built-in ones are left.
fn system_authorities() -> &'static [TrustAnchor<'static>] {
    static FOUND: OnceLock<Vec<TrustAnchor<'static>>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let read = rustls_native_certs::load_native_certs();
        if let Some(error) = read.errors.first() {
            tracing::debug!(%error, "not all of the system's authorities can be read");
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(read.certs);
        store.roots
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A company's authority that the system trusts is trusted here; a plain gateway on this machine needs none.
    #[test]
    fn the_systems_authorities_stand_beside_the_built_in_ones() {
        let (environment, config) = (Environment::empty(), Value::Null);
        let settings = Settings { request: None, environment: &environment, config: &config };
        let roots = |origin: &str| Tls::of(&settings, &origin.parse().unwrap(), None).unwrap().roots.len();
        let built_in = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(!system_authorities().is_empty(), "this machine trusts nobody: install ca-certificates");
        for (origin, expected) in [
            ("https://gateway.test", built_in + system_authorities().len()),
            ("http://gateway.test", built_in + system_authorities().len()),
            ("https://127.0.0.1", built_in + system_authorities().len()),
            ("http://127.0.0.1", built_in),
        ] {
            assert_eq!(roots(origin), expected, "{origin}");
        }
    }
}
