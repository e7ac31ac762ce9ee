//! Where a provider's requests go and by which way: origin, networks, proxy, TLS. Owns how that is made of the
//! configuration; a provider calls it, and `diagnose` looks at it step by step.

use std::fmt;

use boundary::{
    origin::{Networks, Origin},
    references::is_reference,
};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{
    credentials,
    error::{Error, Result},
    plugin::Plugin,
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
        Self::settled(plugin.descriptor(), &setup)
    }

    /// The same for a setup that is settled.
    pub(crate) fn settled(descriptor: &Descriptor, setup: &Setup) -> Result<Self> {
        let base_url = base_url(setup, descriptor)?;
        let origin: Origin = base_url.parse()?;
        let request = setup.config.pointer(&format!("/models/providers/{}/request", descriptor.id));
        let allow_private = allows_private_networks(setup, descriptor);
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

    /// Writes the base URL into `config`, where a reference may stand for it: the plugin must see where it calls.
    pub(crate) fn write_base_url(&self, descriptor: &Descriptor, config: &mut Value) {
        if let Some(written) =
            config.pointer_mut(&pointer(descriptor)).filter(|written| written_url(written).is_some_and(is_reference))
        {
            *written = self.base_url.as_str().into();
        }
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

/// `request.allowPrivateNetwork` of the provider's entry.
pub(crate) fn allows_private_networks(setup: &Setup, descriptor: &Descriptor) -> bool {
    let allowed = setup.config.pointer(&format!("/models/providers/{}/request/allowPrivateNetwork", descriptor.id));
    allowed.and_then(Value::as_bool).unwrap_or(false)
}

/// Where the user says that calls go: the configuration, else the plugin's own default.
pub(crate) fn base_url(setup: &Setup, descriptor: &Descriptor) -> Result<String> {
    match setup.config.pointer(&pointer(descriptor)).and_then(written_url) {
        None => Ok(descriptor.default_base_url.clone()),
        Some(reference) if is_reference(reference) => {
            let resolved = credentials::resolve(reference, &setup.environment, &setup.config)?;
            Ok(resolved.expose_secret().to_owned())
        }
        Some(url) => Ok(url.to_owned()),
    }
}

fn pointer(descriptor: &Descriptor) -> String {
    format!("/models/providers/{}/baseUrl", descriptor.id)
}

fn written_url(configured: &Value) -> Option<&str> {
    configured.as_str().map(str::trim).filter(|url| !url.is_empty())
}
