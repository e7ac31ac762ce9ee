//! A plugin with a place to call: models, chat, images. Each call runs in an instance of its own and shares nothing
//! with the others but the pool of connections.

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    credentials::{Held, Resolver},
    destination::Destination,
    egress::{Egress, Filled, Policy},
    engine::Live,
    error::{Error, Result},
    inline::{self, Named, names_a_secret},
    origin::Origin,
    plugin::Plugin,
    redact::Redactor,
    reply::{OpenReply, Reply},
    setup::Setup,
    types::{Connection, Media},
    view::View,
    wit::{chat, images, models, onboarding::Descriptor},
};

/// A plugin, connected: it knows where to call and holds the credentials for it. Cheap to clone.
///
/// ```no_run
/// use host_harness::{Engine, Environment, Limits, Plugin, Provider, Setup};
///
/// # async fn run() -> Result<(), host_harness::Error> {
/// let plugin = Plugin::load(&Engine::new(Limits::default())?, "portkey_provider.wasm").await?;
/// let provider = Provider::connect(&plugin, Setup::new(serde_json::json!({})).environment(Environment::process())).await?;
/// for model in provider.models().await? {
///     println!("{}", model.id);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Provider {
    plugin: Plugin,
    connection: Arc<Connection>,
    egress: Arc<Egress>,
    held: Arc<Held>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("plugin", &self.plugin).field("base_url", &self.connection.base_url).finish()
    }
}

impl Provider {
    /// `plugin`, ready to call with what `setup` holds. No network yet.
    ///
    /// # Errors
    /// A missing credential, a wrong configuration, a base URL that may not be called.
    pub async fn connect(plugin: &Plugin, mut setup: Setup) -> Result<Self> {
        let descriptor = plugin.descriptor();
        let outdone = plugin.headers_of(&setup).await?;
        setup.settle(descriptor, &outdone)?;
        let Destination { origin, networks, transport, .. } = Destination::settled(descriptor, &mut setup)?;
        let held = setup.held(descriptor)?;
        let resolver = setup.resolver();
        let view = View::for_calls(&setup.config, &descriptor.id, &resolver)?;
        let mut attached = attached(descriptor, &held, &view, &resolver)?;
        attached.secrets.extend(view.secrets().cloned());

        let ids: Vec<String> = held.ids().map(str::to_owned).collect();
        let connection = plugin.resolve(&view.json(), &ids).await?;
        // The user's configuration says where the key goes. A plugin has no say in it.
        if connection.base_url.parse::<Origin>()? != origin {
            return Err(Error::config(format!(
                "the plugin wants to call another origin than {origin}, the configured one"
            )));
        }

        let policy = Policy {
            origin,
            networks,
            attached: attached.headers,
            filled: filled(&connection, &view)?,
            mark: view.mark().to_owned(),
            redactor: Redactor::new(attached.secrets),
            limits: plugin.limits().clone(),
        };
        let egress = Egress::new(policy, transport);
        Ok(Self {
            plugin: plugin.clone(),
            connection: Arc::new(connection),
            egress: Arc::new(egress),
            held: Arc::new(held),
        })
    }

    /// Where calls go, as the plugin resolved it. It holds no secret.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Names of the headers that the host attaches at its boundary: their values are secrets.
    pub fn attached_headers(&self) -> impl Iterator<Item = &str> {
        self.egress.attached_headers()
    }

    /// The credentials in use, and where they were found.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// The plugin behind this.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Every model that the provider offers.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn models(&self) -> Result<Vec<models::Entry>> {
        let mut live = self.instantiate().await?;
        let models = live.models()?;
        self.called(models.call_list(&mut live.store, &self.connection)).await
    }

    /// What is known of the model with this id without asking anybody.
    ///
    /// # Errors
    /// What the host refused.
    pub async fn traits_of(&self, id: &str) -> Result<models::Traits> {
        let mut live = self.instantiate().await?;
        let models = live.models()?;
        self.plugin.within_limit(models.call_traits_of(&mut live.store, id)).await
    }

    /// The body that [`stream`](Self::stream) would send, as JSON. Nothing is sent.
    ///
    /// # Errors
    /// What the provider or the host refused.
    pub async fn body(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<String> {
        let mut live = self.instantiate().await?;
        let chat = live.chat()?;
        let answer =
            self.plugin.within_limit(chat.call_body(&mut live.store, &self.connection, &request.into())).await?;
        answer.map_err(|error| self.egress.redactor().error(error).into())
    }

    /// A whole reply.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn complete(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<chat::Response> {
        let mut live = self.instantiate().await?;
        let chat = live.chat()?;
        self.called(chat.call_complete(&mut live.store, &self.connection, &request.into())).await
    }

    /// A reply as it is written.
    ///
    /// # Errors
    /// What the provider, the network or the host refused before the first event.
    pub async fn stream(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<Reply> {
        let mut live = self.instantiate().await?;
        let chat = live.chat()?;
        let reply = self.called(chat.call_stream(&mut live.store, &self.connection, &request.into())).await?;
        let report = self.plugin.within_limit(chat.reply().call_report(&mut live.store, reply)).await?;
        Ok(Reply::new(OpenReply { live, chat, reply }, report, self.egress.redactor().clone(), self.plugin.limits()))
    }

    /// Images from a prompt.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn generate(&self, request: &images::Request) -> Result<images::Response> {
        let mut live = self.instantiate().await?;
        let images = live.images()?;
        self.called(images.call_generate(&mut live.store, &self.connection, request)).await
    }

    /// Images from a prompt and other images.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn edit(
        &self,
        request: &images::Request,
        inputs: &[Media],
        mask: Option<&Media>,
    ) -> Result<images::Response> {
        let mut live = self.instantiate().await?;
        let images = live.images()?;
        self.called(images.call_edit(&mut live.store, &self.connection, request, inputs, mask)).await
    }

    /// The bytes behind a URL that the provider answered with, such as a generated image. No credential goes along, and
    /// only networks that the provider itself may be on are reached.
    ///
    /// # Errors
    /// Where the URL may not be fetched, or what it gives is no success or no image.
    pub async fn download(&self, url: &str) -> Result<Media> {
        self.egress.download(url).await
    }

    pub(crate) async fn instantiate(&self) -> Result<Live> {
        self.plugin.instantiate(Some(Arc::clone(&self.egress))).await
    }

    /// The answer to a call that goes out: by the time a limit ends it, the request may have left.
    pub(crate) async fn called<T>(
        &self,
        call: impl Future<Output = wasmtime::Result<Result<T, crate::types::Error>>>,
    ) -> Result<T> {
        let answer = self.plugin.within_limit(call).await.map_err(|error| error.request_sent(true))?;
        answer.map_err(|error| self.egress.redactor().error(error).into())
    }
}

/// The headers that the host attaches, and the secrets in them.
struct Attached {
    headers: HeaderMap,
    secrets: Vec<SecretString>,
}

fn attached(descriptor: &Descriptor, held: &Held, view: &View, resolver: &Resolver<'_>) -> Result<Attached> {
    let mut attached = Attached { headers: HeaderMap::new(), secrets: Vec::new() };
    for (name, value) in view.referring_headers(&descriptor.id) {
        let value = match view.unseal(&value) {
            Some(literal @ Value::String(_)) => literal.clone(),
            Some(_) => return Err(Error::config(format!("the header {name} must be a string"))),
            None => value.into(),
        };
        let named = if names_a_secret(&name) { Named::Secret } else { Named::No };
        attached.secrets.extend(inline::secrets(&value, named, resolver)?);
        attached.header(&name, inline::header(&value, resolver)?.expose_secret())?;
    }
    for credential in &descriptor.credentials {
        if let Some(secret) = held.secret(&credential.id) {
            attached.header(&credential.header, &format!("{}{}", credential.prefix, secret.expose_secret()))?;
            attached.secrets.push(secret.clone());
        }
    }
    Ok(attached)
}

/// The headers of the connection that the plugin wrote with something hidden in them, and what goes out instead.
fn filled(connection: &Connection, view: &View) -> Result<Vec<Filled>> {
    let hidden = connection.headers.iter().filter(|(_, value)| view.is_marked(value));
    let filled = hidden.map(|(name, value)| {
        let real = view.fill(value).ok_or_else(|| {
            Error::config(format!("the plugin makes of a secret or a reference something that it is not: {name}"))
                .hint("Write the value of that option out, or put it in `headers`.")
        })?;
        let (name, shown) = header(name, value)?;
        let (_, real) = header(name.as_str(), real.expose_secret())?;
        Ok(Filled { name, shown, real })
    });
    filled.collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Error::config(format!("`{name}` is not a header that can be sent"));
    let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
    // Keeps it out of debug prints, and out of HTTP/2's compression tables.
    value.set_sensitive(true);
    Ok((HeaderName::try_from(name).map_err(|_| wrong())?, value))
}

impl Attached {
    fn header(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = header(name, value)?;
        self.headers.insert(name, value);
        Ok(())
    }
}
