//! Asks for the price of a model or of a reply. The plugin knows whom to ask; `prices` keeps what was told.

use std::{sync::Arc, time::Duration};

use boundary::origin::Origin;
use futures_util::StreamExt;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    prices::Key,
    provider::{Provider, owned},
};
use crate::{
    component::{cache::hex, engine::within},
    limits::Clock,
    types::{Connection, GatewayReport},
    wit::prices::Price,
};

/// How long one answer may take: nobody waits for a price longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer a list of models may take for each model on it: whoever answers each question just in time holds up no
/// list for long.
const PATIENCE_EACH: Duration = Duration::from_millis(50);
/// How many models are asked for at once.
const AT_ONCE: usize = 8;

impl Provider {
    /// The price of a model: the user's own where the configuration has one (`models[].cost`), else what the service tells.
    /// `None` where it tells none, where the plugin exports no `prices`, and where the question failed: a price is never worth
    /// an error.
    ///
    /// No credential and no header of the configuration goes with the question. An answer is kept for a day, in memory and
    /// where [`Setup::keep_prices`](crate::Setup::keep_prices) says so on disk.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) -> Result<(), host_harness::Error> {
    /// if let Some(price) = provider.price_of("@openai/gpt-5-mini").await {
    ///     println!("${} for a million tokens in, ${} out", price.input, price.output);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn price_of(&self, id: &str) -> Option<Price> {
        self.price(id, id, None).await
    }

    /// The same of each of these models, in their order; some are asked for at once. All of it takes some ten seconds at most,
    /// longer for hundreds of models, and no longer than a call may take: prices that have not come by then are `None`.
    pub fn price_of_each(
        &self,
        ids: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> impl Future<Output = Vec<Option<Price>>> + Send {
        let ids = owned(ids);
        async move {
            let all = PATIENCE + PATIENCE_EACH * u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let clock = self.plugin().clock(Some(all.min(self.plugin().limits().call)));
            let ask = |id: String| async move { self.known_or_asked(&id, &id, None, clock.rest(PATIENCE)).await };
            let prices = ids.into_iter().map(ask);
            let prices = futures_util::stream::iter(prices).buffered(AT_ONCE).collect().await;
            self.prices().keep();
            prices
        }
    }

    /// The price that a reply was made for: that of the model that answered, which may be another than was asked for.
    /// `asked` is the id in the request, `model` the one in the reply.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) -> Result<(), host_harness::Error> {
    /// use host_harness::Prompt;
    ///
    /// let reply = provider.complete(Prompt::user("@openai/gpt-5-mini", "Tell me of ships")).await?;
    /// let price = provider.price_of_reply("@openai/gpt-5-mini", &reply.model, &reply.report).await;
    /// if let (Some(price), Some(usage)) = (price, &reply.usage) {
    ///     println!("{:?} US dollars", price.cost_of(usage));
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn price_of_reply(&self, asked: &str, model: &str, report: &GatewayReport) -> Option<Price> {
        let is_hit = |status: &str| status.trim().to_ascii_uppercase().ends_with("HIT");
        if report.cache_status.as_deref().is_some_and(is_hit) {
            return Some(Price::NOTHING);
        }
        match report.provider.as_deref().filter(|_| !model.is_empty()) {
            Some(provider) => self.price(asked, model, Some(provider)).await,
            None => self.price_of(asked).await,
        }
    }

    /// The user's own price of the model `asked`, or that of `id`, kept once it was told.
    async fn price(&self, asked: &str, id: &str, provider: Option<&str>) -> Option<Price> {
        let price = self.known_or_asked(asked, id, provider, self.plugin().clock(Some(PATIENCE))).await;
        self.prices().keep();
        price
    }

    async fn known_or_asked(&self, asked: &str, id: &str, provider: Option<&str>, clock: Clock) -> Option<Price> {
        let own = self.configured_price(asked);
        if own.is_some() || !self.plugin().has_prices() {
            return own;
        }
        let route = self.route(asked, clock).await.ok()?;
        // Whom it asks is told that no credential is attached.
        let connection = Connection { credentials: Vec::new(), ..Connection::clone(&route.connection) };
        let origin = connection.base_url.parse::<Origin>().ok()?.to_string();
        let key = Key {
            origin,
            way: route.way.get_or_init(|| way_of(&route.connection)).clone(),
            provider: provider.map(str::to_owned),
            id: id.trim().to_owned(),
        };
        if let Some(known) = self.prices().known(&key) {
            return known;
        }
        let ask = async {
            let egress = Arc::new(route.egress.without_credentials());
            let mut live = self.plugin().start(Some(egress), clock).await?;
            let prices = live.prices()?;
            let answer = prices.call_price_of(&mut live.store, &connection, &key.id, provider);
            Ok::<_, crate::Error>(within(clock, answer).await??)
        };
        match ask.await {
            Ok(price) => {
                let price = price.filter(Price::is_sound);
                self.prices().told(key, price);
                price
            }
            Err(error) => {
                tracing::debug!(%error, "no price");
                self.prices().failed(key.origin);
                None
            }
        }
    }
}

/// Words in the names of headers that are there for logs, and that may be others for each call. The conditions of a config may
/// decide by metadata who answers. That tells no prices apart: behind a config the plugin goes by the slug of the model's id,
/// or by the provider that the reply names, and both are in the key.
const LOGGED: [&str; 3] = ["trace", "span", "metadata"];

/// The digest of the headers that may decide who answers to a model's name. Whoever sends others is asked anew: for another
/// provider, or at an address of the user's own, a price is another. No secret stands in them.
fn way_of(connection: &Connection) -> String {
    let is_logged = |name: &str| LOGGED.iter().any(|word| name.to_ascii_lowercase().contains(word));
    let deciding: Vec<_> = connection.headers.iter().filter(|(name, _)| !is_logged(name)).collect();
    hex(&Sha256::digest(json!(deciding).to_string()))
}
