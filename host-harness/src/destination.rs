//! Where a provider's requests go and by which way: origin, networks, proxy, TLS. Owns how that is made of the
//! configuration; a provider calls it, and `diagnose` looks at it step by step.

use std::fmt;

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{
    credentials,
    error::{Error, Result},
    origin::{Networks, Origin},
    plugin::Plugin,
    references::is_reference,
    setup::Setup,
    transport::Transport,
    types::ErrorKind,
    wit::onboarding::Descriptor,
};

/// Where requests go and by which way, as the configuration says it: no plugin has a say in it, and no key is needed.
///
/// ```no_run
/// # async fn run() -> Result<(), host_harness::Error> {
/// use host_harness::{Destination, Engine, Limits, Plugin, Setup};
///
/// let plugin = Plugin::load(&Engine::new(Limits::default())?, "portkey_provider.wasm").await?;
/// let destination = Destination::of(&plugin, Setup::new(serde_json::json!({})))?;
/// for step in destination.diagnose(&Limits::default()).await {
///     println!("{} took {:?}", step.name, step.took);
/// }
/// # Ok(()) }
/// ```
pub struct Destination {
    pub(crate) origin: Origin,
    pub(crate) networks: Networks,
    pub(crate) transport: Transport,
    /// What the origin follows from.
    pub(crate) base_url: String,
}

impl fmt::Debug for Destination {
    /// Without the transport, which holds keys and the proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("origin", &self.origin)
            .field("networks", &self.networks)
            .finish_non_exhaustive()
    }
}

impl Destination {
    /// Where `plugin` calls with what `setup` holds.
    ///
    /// # Errors
    /// Where the base URL, the proxy or the TLS settings are none that can be used, or may not be called.
    pub fn of(plugin: &Plugin, mut setup: Setup) -> Result<Self> {
        setup.settle(plugin.descriptor(), &[], None)?;
        Self::settled(plugin.descriptor(), &mut setup)
    }

    /// The same for a setup that is settled. A reference in its base URL is resolved there.
    pub(crate) fn settled(descriptor: &Descriptor, setup: &mut Setup) -> Result<Self> {
        let base_url = base_url(setup, descriptor)?;
        let origin: Origin = base_url.parse()?;
        let request = setup.config.pointer(&format!("/models/providers/{}/request", descriptor.id));
        let allow_private = request.and_then(|request| request.get("allowPrivateNetwork")?.as_bool()).unwrap_or(false);
        let transport = Transport::of(request, &origin, &setup.environment, &setup.config)?;
        let networks = Networks::of(&origin, allow_private);
        if origin.literal_address().is_some_and(|address| !networks.allow(address)) {
            return Err(Error::host(
                ErrorKind::DeniedByHost,
                format!("{origin} is not a public address, and calls to private networks are off"),
            )
            .hint(format!("Set models.providers.{}.request.allowPrivateNetwork to true to allow it.", descriptor.id)));
        }
        Ok(Self { origin, networks, transport, base_url })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The base URL as it is configured, else the plugin's own default.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The proxy that requests go through, without its user name and password.
    pub fn proxy(&self) -> Option<String> {
        Some(self.transport.proxy()?.to_string())
    }

    /// Which addresses the origin's host may have: `public addresses`.
    pub fn networks(&self) -> &'static str {
        match self.networks {
            Networks::Public => "public addresses",
            Networks::Loopback => "this machine",
            Networks::Private => "public addresses, private networks and this machine",
        }
    }
}

/// Where the user says that calls go: the configuration, else the plugin's own default.
fn base_url(setup: &mut Setup, descriptor: &Descriptor) -> Result<String> {
    let pointer = format!("/models/providers/{}/baseUrl", descriptor.id);
    let configured = setup.config.pointer(&pointer).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if configured.is_empty() {
        return Ok(descriptor.default_base_url.clone());
    }
    if !is_reference(configured) {
        return Ok(configured.to_owned());
    }
    // The plugin must see where it calls, so this reference alone is resolved for it.
    let resolved = credentials::resolve(configured, &setup.environment, &setup.config)?;
    let resolved = resolved.expose_secret().to_owned();
    if let Some(base_url) = setup.config.pointer_mut(&pointer) {
        *base_url = resolved.as_str().into();
    }
    Ok(resolved)
}
