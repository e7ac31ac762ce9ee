//! The ways to the places that calls go to: for each, the connection as the plugin resolved it, and the egress that
//! attaches what the plugin may not see.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use boundary::{
    mask::Mask,
    origin::Origin,
    secret_json::{self, Named},
    secret_names::{names_a_secret, secrets_in},
    view::View,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{
    component::{
        engine::{Live, within},
        plugin::Plugin,
    },
    configuration::{
        credentials::Credentials, entry::read_secret_header, environment::References, secrets::secret, setup::Setup,
    },
    error::{Error, Result},
    limits::Clock,
    network::{
        destination::Destination,
        egress::{Egress, Filled, IN_PARTS, Policy},
        pool::Pool,
        wasi_hooks::{Refusals, Refused},
    },
    types::Connection,
    wit::{onboarding::Descriptor, prices::Price},
};

/// The places that calls go to, and the user's own prices, shared by all options of calls.
pub(super) struct Places {
    pub(super) main: Place,
    /// The places of models with headers or a base URL of their own, by model id.
    pub(super) special: BTreeMap<String, Place>,
    /// The prices that the configuration has, by model id.
    pub(super) prices: BTreeMap<String, Price>,
}

/// One place, and the connections to it after the first call.
pub(super) struct Place {
    model: Option<Value>,
    pool: Arc<OnceCell<Arc<Pool>>>,
}

impl Places {
    /// All models at one base URL share the connections to it.
    pub(super) fn of(models: Map<String, Value>) -> Self {
        let main = Place { model: None, pool: Arc::default() };
        let is_said = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        let price = |(id, model): (&String, &Value)| Some((id.clone(), Price::configured(model.get("cost")?)?));
        let prices = models.iter().filter_map(price).collect();
        let mut special = BTreeMap::new();
        for (id, model) in models {
            let is_elsewhere = is_said(model.get("baseUrl"));
            if is_elsewhere || is_said(model.get("headers")) {
                let pool = if is_elsewhere { Arc::default() } else { main.pool.clone() };
                special.insert(id, Place { pool, model: Some(model) });
            }
        }
        Self { main, special, prices }
    }
}

/// Where calls go, and what is sent with them.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) connection: Arc<Connection>,
    pub(super) egress: Arc<Egress>,
    /// What tells its prices from those of other ways, once one was asked for.
    pub(super) way: OnceLock<String>,
}

impl Route {
    pub(super) async fn of(
        plugin: &Plugin,
        mut setup: Setup,
        overridden: &[String],
        held: &Credentials,
        place: &Place,
        clock: Clock,
    ) -> Result<Self> {
        let descriptor = plugin.descriptor();
        setup.apply_overrides(descriptor, overridden, place.model.as_ref())?;
        let open =
            async || Ok::<_, Error>(Arc::new(Pool::new(Destination::of_applied(descriptor, &setup)?, plugin.limits())));
        let pool = Arc::clone(place.pool.get_or_try_init(open).await?);
        setup.write_base_url(descriptor, pool.destination.base_url());
        let references = setup.references();
        let view = View::for_calls(&setup.config, &descriptor.id, &references)?;
        let mut attached = attached(descriptor, held, &view, &references)?;
        attached.secrets.extend(view.secrets().cloned());

        let ids: Vec<String> = held.ids().map(str::to_owned).collect();
        let connection = plugin.resolve(&view.json(), &ids, clock).await?;
        // The user's configuration says where the key goes. A plugin has no say in it.
        let Destination { origin, .. } = &pool.destination;
        let wanted: Origin = connection.base_url.parse()?;
        if wanted != *origin {
            return Err(Error::config(format!(
                "the plugin wants to call {wanted}, and not {origin}, the configured one"
            ))
            .hint("Its resolve-connection goes by the base URL of its own entry, `models.providers.<id>.baseUrl`, and by its own default where there is none."));
        }

        let policy = Policy {
            attached: attached.headers,
            filled: filled(&connection, &view)?,
            mark: view.mark().to_owned(),
            mask: Mask::new(attached.secrets),
            limits: plugin.limits().clone(),
        };
        let egress = Egress::new(policy, pool);
        Ok(Self { connection: Arc::new(connection), egress: Arc::new(egress), way: OnceLock::new() })
    }

    pub(super) async fn start(&self, plugin: &Plugin, clock: Clock) -> Result<Live> {
        plugin.start(Some(Arc::clone(&self.egress)), clock).await
    }

    /// The answer to a call that sends a request. If a limit ends it, the request may have left.
    pub(super) async fn called<T>(
        &self,
        clock: Clock,
        refused: &Refusals,
        call: impl Future<Output = wasmtime::Result<Result<T, crate::types::Error>>>,
    ) -> Result<T> {
        let answer = within(clock, call).await.map_err(|error| error.request_sent(true))?;
        answer.map_err(|mut error| {
            // The plugin was not told which.
            let (what, hint) = match refused.get().filter(|_| !error.request_sent) {
                None => return Error::of_plugin(error, self.egress.mask()),
                Some(Refused::Header(name)) => {
                    let is_attached = self.egress.attached_headers().any(|attached| attached == name.as_str());
                    let hint = "The host attaches this header itself: a provider must not set it.";
                    (format!("the header {:.64}", name.as_str()), is_attached.then_some(hint))
                }
                Some(Refused::Origin(name)) => {
                    let hint = "A provider calls the configured base URL alone: the one in its `connection`.";
                    (format!("a request to {name:.256}"), Some(hint))
                }
            };
            error.message = format!("{} (the host refused {what})", error.message);
            error.hint = hint.map(Into::into).or(error.hint);
            Error::of_plugin(error, self.egress.mask())
        })
    }
}

/// The headers that the host attaches, and the secrets in them.
struct Attached {
    headers: HeaderMap,
    secrets: Vec<SecretString>,
}

fn attached(descriptor: &Descriptor, held: &Credentials, view: &View, references: &References<'_>) -> Result<Attached> {
    let mut attached = Attached { headers: HeaderMap::new(), secrets: Vec::new() };
    for (name, value) in view.referring_headers(&descriptor.id) {
        let value = match view.unseal(&value) {
            Some(literal @ Value::String(_)) => literal.clone(),
            Some(Value::Object(header)) if let Some((prefix, value, path)) = read_secret_header(header) => {
                let Some(found) = secret(value, path, references)? else { continue };
                let secret = found.secret.expose_secret().trim();
                attached.header(&name, &format!("{prefix}{secret}"))?;
                attached.secrets.extend(secrets_in(&found.secret));
                continue;
            }
            Some(_) => return Err(Error::config(format!("the header {name} must be a string"))),
            None => value.into(),
        };
        let named = if names_a_secret(&name) { Named::Secret } else { Named::No };
        let path = format!("models.providers.{}.headers.{name}", descriptor.id);
        attached.header(&name, secret_json::header(&value, &path, references)?.expose_secret())?;
        attached.secrets.extend(secret_json::secrets(&value, named, &path, references)?);
    }
    for credential in &descriptor.credentials {
        if let Some(secret) = held.secret(&credential.id) {
            attached.header(&credential.header, &format!("{}{}", credential.prefix, secret.expose_secret()))?;
            attached.secrets.push(secret.clone());
        }
    }
    Ok(attached)
}

/// The connection's headers in which the plugin wrote placeholders of secrets, and what is sent instead.
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
        if IN_PARTS.contains(&name) {
            return Err(Error::config(format!(
                "the header {name} asks for a part of an answer, in which no secret is masked"
            ))
            .hint("Remove it from the headers of the provider."));
        }
        self.headers.insert(name, value);
        Ok(())
    }
}
