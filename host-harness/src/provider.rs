//! A plugin with a place to call: models, chat, images. Each call runs in an instance of its own and shares nothing
//! with the others but the pool of connections.

use std::{collections::BTreeMap, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    credentials::{self, Held},
    destination::Destination,
    egress::{Egress, Policy},
    engine::Live,
    entry::read_secret_header,
    error::{Error, Result},
    origin::Origin,
    plugin::Plugin,
    redact::Redactor,
    reply::{OpenReply, Reply},
    secrets::secret,
    setup::Setup,
    types::{Connection, Media},
    view::{View, names_a_secret},
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
    main: Route,
    /// The models that are called in another way, and that way once it was needed.
    special: Arc<BTreeMap<String, (Value, OnceCell<Route>)>>,
    setup: Arc<Setup>,
    outdone: Arc<[String]>,
    held: Arc<Held>,
}

/// Where calls go, and what goes along.
#[derive(Clone)]
struct Route {
    connection: Arc<Connection>,
    egress: Arc<Egress>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("plugin", &self.plugin)
            .field("base_url", &self.main.connection.base_url)
            .finish()
    }
}

impl Provider {
    /// `plugin`, ready to call with what `setup` holds. No network yet.
    ///
    /// # Errors
    /// A missing credential, a wrong configuration, a base URL that may not be called.
    pub async fn connect(plugin: &Plugin, setup: Setup) -> Result<Self> {
        let descriptor = plugin.descriptor();
        setup.left_to_openclaw(descriptor)?;
        let outdone = plugin.headers_of(&setup.options).await?;
        let held = setup.held(descriptor)?;
        let special = setup.special_models(descriptor).into_iter().map(|(id, model)| (id, (model, OnceCell::new())));
        Ok(Self {
            plugin: plugin.clone(),
            main: Route::of(plugin, setup.clone(), &outdone, &held, None).await?,
            special: Arc::new(special.collect()),
            setup: Arc::new(setup),
            outdone: outdone.into(),
            held: Arc::new(held),
        })
    }

    /// The way to a model.
    async fn route(&self, model: &str) -> Result<&Route> {
        match self.special.get(model.trim()) {
            None => Ok(&self.main),
            Some((model, route)) => {
                let setup = Setup::clone(&self.setup);
                let open = || Route::of(&self.plugin, setup, &self.outdone, &self.held, Some(model));
                route.get_or_try_init(open).await
            }
        }
    }

    /// Where calls go, as the plugin resolved it. It holds no secret.
    pub fn connection(&self) -> &Connection {
        &self.main.connection
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
        self.called(models.call_list(&mut live.store, &self.main.connection)).await
    }

    /// A whole reply.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn complete(&self, request: &chat::Request) -> Result<chat::Response> {
        let route = self.route(&request.model).await?;
        let mut live = route.instantiate(&self.plugin).await?;
        let chat = live.chat()?;
        route.called(&self.plugin, chat.call_complete(&mut live.store, &route.connection, request)).await
    }

    /// A reply as it is written.
    ///
    /// # Errors
    /// What the provider, the network or the host refused before the first event.
    pub async fn stream(&self, request: &chat::Request) -> Result<Reply> {
        let route = self.route(&request.model).await?;
        let mut live = route.instantiate(&self.plugin).await?;
        let chat = live.chat()?;
        let reply = route.called(&self.plugin, chat.call_stream(&mut live.store, &route.connection, request)).await?;
        let report = self.plugin.within_limit(chat.reply().call_report(&mut live.store, reply)).await?;
        Ok(Reply::new(OpenReply { live, chat, reply }, report, route.egress.redactor().clone(), self.plugin.limits()))
    }

    /// Images from a prompt.
    ///
    /// # Errors
    /// What the provider, the network or the host refused.
    pub async fn generate(&self, request: &images::Request) -> Result<images::Response> {
        let route = self.route(request.model.as_deref().unwrap_or_default()).await?;
        let mut live = route.instantiate(&self.plugin).await?;
        let images = live.images()?;
        route.called(&self.plugin, images.call_generate(&mut live.store, &route.connection, request)).await
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
        let route = self.route(request.model.as_deref().unwrap_or_default()).await?;
        let mut live = route.instantiate(&self.plugin).await?;
        let images = live.images()?;
        route.called(&self.plugin, images.call_edit(&mut live.store, &route.connection, request, inputs, mask)).await
    }

    /// The bytes behind a URL that the provider answered with, such as a generated image. No credential goes along, and
    /// only networks that the provider itself may be on are reached.
    ///
    /// # Errors
    /// Where the URL may not be fetched, or what it gives is no success.
    pub async fn download(&self, url: &str) -> Result<Media> {
        self.main.egress.download(url).await
    }

    pub(crate) async fn instantiate(&self) -> Result<Live> {
        self.main.instantiate(&self.plugin).await
    }

    pub(crate) async fn called<T>(
        &self,
        call: impl Future<Output = wasmtime::Result<Result<T, crate::types::Error>>>,
    ) -> Result<T> {
        self.main.called(&self.plugin, call).await
    }
}

impl Route {
    async fn of(
        plugin: &Plugin,
        mut setup: Setup,
        outdone: &[String],
        held: &Held,
        model: Option<&Value>,
    ) -> Result<Self> {
        let descriptor = plugin.descriptor();
        setup.settle(descriptor, outdone, model)?;
        let Destination { origin, networks, transport, .. } = Destination::settled(descriptor, &mut setup)?;
        let view = View::of(&setup.config, &descriptor.id);
        let attached = attached(descriptor, held, &view, &setup)?;

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
            redactor: Redactor::new(attached.secrets),
            limits: plugin.limits().clone(),
        };
        let egress = Egress::new(policy, transport);
        Ok(Self { connection: Arc::new(connection), egress: Arc::new(egress) })
    }

    async fn instantiate(&self, plugin: &Plugin) -> Result<Live> {
        plugin.instantiate(Some(Arc::clone(&self.egress))).await
    }

    /// The answer to a call that goes out: by the time a limit ends it, the request may have left.
    async fn called<T>(
        &self,
        plugin: &Plugin,
        call: impl Future<Output = wasmtime::Result<Result<T, crate::types::Error>>>,
    ) -> Result<T> {
        let answer = plugin.within_limit(call).await.map_err(|error| error.request_sent(true))?;
        answer.map_err(|error| self.egress.redactor().error(error).into())
    }
}

/// The headers that the host attaches, and the secrets in them.
struct Attached {
    headers: HeaderMap,
    secrets: Vec<SecretString>,
}

/// A shorter word that a reference stands for may be an ordinary one, such as a team's name, and would be blotted out of
/// answers: it is a secret only where the header's name says so, or in JSON its own.
const SHORTEST_UNNAMED: usize = 16;

fn attached(descriptor: &Descriptor, held: &Held, view: &View, setup: &Setup) -> Result<Attached> {
    let is_long = |secret: &SecretString| secret.expose_secret().len() >= SHORTEST_UNNAMED;
    let of_options = setup.option_secrets.iter().flat_map(secrets_in).filter(is_long).collect();
    let mut attached = Attached { headers: HeaderMap::new(), secrets: of_options };
    for (name, value) in view.referring_headers(&descriptor.id) {
        let whole = match view.unseal(&value) {
            Some(Value::String(literal)) => literal.as_str().into(),
            Some(Value::Object(header)) if let Some((prefix, value, path)) = read_secret_header(header) => {
                let Some(found) = secret(value, path, &setup.environment, &setup.config)? else { continue };
                let secret = found.secret.expose_secret().trim();
                attached.header(&name, &format!("{prefix}{secret}"))?;
                attached.secrets.extend(secrets_in(&found.secret));
                continue;
            }
            Some(_) => return Err(Error::config(format!("the header {name} must be a string"))),
            None => credentials::resolve(&value, &setup.environment, &setup.config)?,
        };
        attached.header(&name, whole.expose_secret())?;
        if names_a_secret(&name) {
            attached.secrets.extend(secrets_in(&whole));
        } else {
            let referred = credentials::referred(&value, &setup.environment, &setup.config)?;
            attached.secrets.extend(referred.iter().flat_map(secrets_in).filter(is_long));
        }
    }
    for credential in &descriptor.credentials {
        if let Some(secret) = held.secret(&credential.id) {
            attached.header(&credential.header, &format!("{}{}", credential.prefix, secret.expose_secret()))?;
            attached.secrets.push(secret.clone());
        }
    }
    Ok(attached)
}

/// What to look for in answers: of `Bearer sk-1` what follows the scheme, of JSON its texts.
fn secrets_in(value: &SecretString) -> Vec<SecretString> {
    let value = value.expose_secret();
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(value) {
        return texts("", &json).into_iter().map(SecretString::from).collect();
    }
    let is_scheme = |word: &&str| ["basic", "bearer", "token"].contains(&word.to_ascii_lowercase().as_str());
    value.split_ascii_whitespace().filter(|word| !is_scheme(word)).map(SecretString::from).collect()
}

/// The lines of all texts in `json`, the member `name` of an object: a private key has many. Ordinary ones are left out.
fn texts<'j>(name: &str, json: &'j Value) -> Vec<&'j str> {
    let is_secret = |line: &&str| line.len() >= SHORTEST_UNNAMED || names_a_secret(name);
    match json {
        Value::String(text) => text.lines().filter(is_secret).collect(),
        Value::Array(items) => items.iter().flat_map(|item| texts(name, item)).collect(),
        Value::Object(members) => members.iter().flat_map(|(name, member)| texts(name, member)).collect(),
        _ => Vec::new(),
    }
}

impl Attached {
    fn header(&mut self, name: &str, value: &str) -> Result<()> {
        let wrong = || Error::config(format!("`{name}` is not a header that can be sent"));
        let name = HeaderName::try_from(name).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        // Keeps it out of debug prints, and out of HTTP/2's compression tables.
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }
}
