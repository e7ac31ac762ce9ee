//! Where a provider's requests go, and how: origin, networks, proxy, TLS. Owns how the configuration becomes a
//! destination; a provider calls it, and `diagnose` checks it step by step.

use std::fmt;

use boundary::origin::{Networks, Origin};

use super::transport::Transport;
use crate::{
    configuration::setup::Setup,
    error::{Error, Result},
    types::ErrorKind,
    wit::onboarding::Descriptor,
};

/// Where requests go and by which way, as the configuration says it: no plugin has a say in it, and no key is needed.
///
/// ```no_run
/// # async fn run() -> Result<(), host_harness::Error> {
/// use host_harness::{command_line::Destination, Engine, Limits, Plugin, Setup};
///
/// let plugin = Plugin::load(&Engine::new(Limits::default())?, "portkey_provider.wasm").await?;
/// let destination = Destination::of(plugin.descriptor(), Setup::default())?;
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
    /// Where the provider of this description is called with what `setup` holds.
    ///
    /// # Errors
    /// Where the base URL, the proxy or the TLS settings are none that can be used, or may not be called.
    pub fn of(descriptor: &Descriptor, mut setup: Setup) -> Result<Self> {
        setup.apply_overrides(descriptor, &[], None)?;
        Self::of_applied(descriptor, &setup)
    }

    /// The same for a setup whose overrides are applied.
    pub(crate) fn of_applied(descriptor: &Descriptor, setup: &Setup) -> Result<Self> {
        let base_url = setup.base_url_of(descriptor)?;
        let origin: Origin = base_url.parse()?;
        let request = setup.config.pointer(&format!("/models/providers/{}/request", descriptor.id));
        let allow_private = setup.allows_private_networks(descriptor);
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
        Some(self.transport.proxy.as_ref()?.to_string())
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
