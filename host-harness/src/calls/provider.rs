//! A plugin connected to a gateway: models, chat, images, vectors, speech. Each call runs in an instance of its own and
//! shares only the connection pool with others.

use std::{borrow::Cow, collections::BTreeMap, fmt, future::ready, path::Path, sync::Arc, time::Duration};

use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::OnceCell;

use super::{
    pieces::{Pieces, Source},
    prices::Prices,
    reply::{OpenReply, Reply},
    request::model_in,
    route::{Places, Route},
    speech::{OpenSpeech, Speech},
};
use crate::{
    component::{
        engine::{Engine, Live, within},
        plugin::Plugin,
    },
    configuration::{call_options::CallOptions, credentials::Credentials, setup::Setup},
    error::{Error, Result},
    limits::{Clock, Limits},
    network::wasi_hooks::Refusals,
    types::{Connection, ErrorKind, Media},
    wit::{audio, chat, embeddings, images, models, prices::Price},
};

/// A plugin, connected: it knows where to call and holds the credentials for it. Cheap to clone.
///
/// A call fails with what the service, the network or the host refused; a stream before its first event, or midway.
///
/// Its calls need a tokio runtime with I/O and time. A connection belongs to the runtime that opened it: use a provider
/// in one runtime, as another's call waits on a shared connection while that one is not driven.
///
/// ```no_run
/// use host_harness::{Provider, Setup};
///
/// # async fn run() -> Result<(), host_harness::Error> {
/// let provider = Provider::load("portkey_provider.wasm", Setup::from_env()).await?;
/// for model in provider.models().await? {
///     println!("{}", model.id);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Provider {
    plugin: Plugin,
    places: Arc<Places>,
    main: Route,
    /// The connections of models with headers or a base URL of their own, made when first needed.
    special: Arc<BTreeMap<String, OnceCell<Route>>>,
    setup: Arc<Setup>,
    overridden: Arc<[String]>,
    held: Arc<Credentials>,
    prices: Arc<Prices>,
    prompt_cache: Option<chat::PromptCache>,
    time_limit: Option<Duration>,
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
    /// Loads the component in this file and connects it as `setup` says, in an [`Engine`] of its own with the default
    /// [`Limits`]. For several plugins, or other limits, make one engine for the process and use
    /// [`connect`](Self::connect).
    pub async fn load(component: impl AsRef<Path>, setup: Setup) -> Result<Self> {
        let plugin = Plugin::load(&Engine::new(Limits::default())?, component).await?;
        Self::connect(&plugin, setup).await
    }

    /// Connects `plugin` as `setup` says. Sends nothing.
    ///
    /// # Errors
    /// A missing credential, a wrong configuration, a base URL that may not be called.
    pub async fn connect(plugin: &Plugin, setup: Setup) -> Result<Self> {
        let descriptor = plugin.descriptor();
        setup.left_to_openclaw(descriptor)?;
        let clock = plugin.clock(None);
        let overridden = plugin.headers_of(&setup, clock).await?;
        let held = if setup.keyring.is_some() {
            // A keyring blocks, and may ask the user to unlock it.
            let (plugin, setup) = (plugin.clone(), setup.clone());
            let held = tokio::task::spawn_blocking(move || setup.credentials(plugin.descriptor()));
            held.await.map_err(|error| Error::host(ErrorKind::Other, "the keyring failed").source(error))??
        } else {
            setup.credentials(descriptor)?
        };
        let places = Places::of(setup.models(descriptor));
        let folder = plugin.cache().filter(|_| setup.keeps_prices);
        let prices = folder.map_or_else(Prices::default, |folder| Prices::in_folder(plugin.digest(), folder.clone()));
        Self::of(plugin.clone(), setup, overridden, Arc::new(held), Arc::new(places), Arc::new(prices), clock).await
    }

    async fn of(
        plugin: Plugin,
        setup: Setup,
        overridden: Vec<String>,
        held: Arc<Credentials>,
        places: Arc<Places>,
        prices: Arc<Prices>,
        clock: Clock,
    ) -> Result<Self> {
        let main = Route::of(&plugin, setup.clone(), &overridden, &held, &places.main, clock).await?;
        let special = places.special.keys().map(|id| (id.clone(), OnceCell::new())).collect();
        Ok(Self {
            plugin,
            places,
            main,
            special: Arc::new(special),
            setup: Arc::new(setup),
            overridden: overridden.into(),
            held,
            prices,
            prompt_cache: None,
            time_limit: None,
        })
    }

    /// The same provider with the options `call`, which override the configuration and [`Setup`]. It shares the
    /// connections and the credentials. Sends nothing.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) -> Result<(), host_harness::Error> {
    /// use host_harness::{CallOptions, Prompt};
    ///
    /// let call = CallOptions::new().trace_id("order-4711").metadata("team", "sales");
    /// let prompt = Prompt::user("@openai/gpt-5-mini", "Where is my parcel?");
    /// let response = provider.with(call).await?.complete(prompt).await?;
    /// # Ok(()) }
    /// ```
    pub async fn with(&self, call: CallOptions) -> Result<Self> {
        let places = call.places(&self.plugin.descriptor().id);
        self.with_call(call).await.map_err(|error| error.of_call(&places))
    }

    async fn with_call(&self, call: CallOptions) -> Result<Self> {
        let prompt_cache = call.prompt_cache.or(self.prompt_cache);
        let time_limit = call.time_limit.or(self.time_limit);
        let credentials = &self.plugin.descriptor().credentials;
        let keys =
            |name: &str| credentials.iter().any(|credential| credential.header.eq_ignore_ascii_case(name.trim()));
        if let Some((name, _)) = call.headers.iter().find(|(name, _)| keys(name)) {
            return Err(Error::config(format!("{name} is the header of a credential, which no call replaces"))
                .hint("Make a provider for each key, with `Provider::connect` and `Setup::secret`."));
        }
        if call.headers.is_empty() && call.options.is_empty() {
            return Ok(Self { prompt_cache, time_limit, ..self.clone() });
        }
        let clock = self.plugin.clock(time_limit);
        let (adds, had) = (!call.options.is_empty(), !self.setup.options.is_empty());
        let alone = Setup::clone(&self.setup).options_alone(call.options.clone());
        let of_call = self.plugin.headers_of(&alone, clock).await?;
        let setup = Setup::clone(&self.setup).with(call, &of_call);
        // The plugin is asked again only where it has not said this yet.
        let overridden = match (adds, had) {
            (false, _) => self.overridden.to_vec(),
            (true, false) => of_call,
            (true, true) => self.plugin.headers_of(&setup, clock).await?,
        };
        let (held, places, prices) = (self.held.clone(), self.places.clone(), self.prices.clone());
        let with = Self::of(self.plugin.clone(), setup, overridden, held, places, prices, clock).await?;
        Ok(Self { prompt_cache, time_limit, ..with })
    }

    /// For a call that starts now.
    fn clock(&self) -> Clock {
        self.plugin.clock(self.time_limit)
    }

    /// `request` with the options of the call.
    fn request<'r>(&self, request: impl Into<Cow<'r, chat::Request>>) -> Cow<'r, chat::Request> {
        let mut request = request.into();
        if request.prompt_cache.is_none() && self.prompt_cache.is_some() {
            request.to_mut().prompt_cache = self.prompt_cache;
        }
        request
    }

    /// The way to the model that is asked.
    async fn route_of(&self, request: &chat::Request, clock: Clock) -> Result<&Route> {
        let (model, body) = match &request.ask {
            chat::Ask::Prompt(prompt) => (Some(&*prompt.model), None),
            chat::Ask::OpenaiJson(body) | chat::Ask::FinishedJson(body) => (None, Some(&**body)),
        };
        // A chat without a model is for the plugin to refuse.
        self.route_to(model, body, ready(Ok(String::new())), clock).await
    }

    /// The way to `model`, else to the one that a body, or further fields of one, name, else to the plugin's `own`.
    async fn route_to(
        &self,
        model: Option<&str>,
        body: Option<&str>,
        own: impl Future<Output = Result<String>>,
        clock: Clock,
    ) -> Result<&Route> {
        let is_filled = |text: &&str| !text.trim().is_empty();
        if self.special.is_empty() {
            return Ok(&self.main);
        }
        if let Some(model) = model.filter(is_filled) {
            return self.route(model, clock).await;
        }
        let model = match body.filter(is_filled).map(model_in).transpose()?.flatten() {
            Some(model) => model,
            None => own.await?,
        };
        self.route(&model, clock).await
    }

    /// The way to a model.
    pub(super) async fn route(&self, model: &str, clock: Clock) -> Result<&Route> {
        let id = model.trim();
        match self.special.get(id).zip(self.places.special.get(id)) {
            None => Ok(&self.main),
            Some((route, place)) => {
                let setup = Setup::clone(&self.setup);
                route
                    .get_or_try_init(|| Route::of(&self.plugin, setup, &self.overridden, &self.held, place, clock))
                    .await
            }
        }
    }

    /// Starts a call to the model that it names, itself or in its further fields, or to the plugin's `own`.
    async fn open(
        &self,
        model: Option<&str>,
        extra: Option<&str>,
        own: impl Future<Output = Result<String>>,
    ) -> Result<(Clock, &Route, Live)> {
        let clock = self.clock();
        let route = self.route_to(model, extra, own, clock).await?;
        Ok((clock, route, route.start(&self.plugin, clock).await?))
    }

    /// The same for images.
    async fn open_images(&self, request: &images::Request) -> Result<(Clock, &Route, Live)> {
        let own = self.plugin.descriptor().images.as_ref().map(|images| images.default_model.clone());
        self.open(request.model.as_deref(), request.extra_json.as_deref(), ready(Ok(own.unwrap_or_default()))).await
    }

    /// The prices that were told so far.
    pub(super) fn prices(&self) -> &Prices {
        &self.prices
    }

    /// The user's own price of a model.
    pub(super) fn configured_price(&self, model: &str) -> Option<Price> {
        self.places.prices.get(model.trim()).copied()
    }

    /// Where calls go, as the plugin resolved it. It holds no secret.
    pub fn connection(&self) -> &Connection {
        &self.main.connection
    }

    /// Where calls to `model` go, as the plugin resolved it, and the names of the headers that the host attaches at its
    /// boundary: their values are secrets.
    ///
    /// # Errors
    /// If the configuration has headers or a base URL for this model that cannot be used.
    pub async fn way_to(&self, model: &str) -> Result<(&Connection, impl Iterator<Item = &str>)> {
        let route = self.route(model, self.clock()).await?;
        Ok((&route.connection, route.egress.attached_headers()))
    }

    /// The credentials in use, and where they were found.
    pub fn credentials(&self) -> &Credentials {
        &self.held
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Every model that the provider offers.
    pub async fn models(&self) -> Result<Vec<models::Entry>> {
        let clock = self.clock();
        let mut live = self.main.start(&self.plugin, clock).await?;
        let (models, refused) = (live.models()?, live.refused.clone());
        self.main.called(clock, &refused, models.call_list(&mut live.store, &self.main.connection)).await
    }

    /// What the plugin knows about each of these models, in their order, without a request. They are asked about in one
    /// instance.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) {
    /// let task = tokio::spawn(async move {
    ///     let models = provider.models().await?;
    ///     let traits = provider.traits_of_each(models.iter().map(|model| &model.id)).await?;
    ///     Ok::<_, host_harness::Error>(traits.iter().filter_map(|traits| traits.context_tokens).max())
    /// });
    /// # }
    /// ```
    pub fn traits_of_each(
        &self,
        ids: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> impl Future<Output = Result<Vec<models::Traits>>> + Send {
        let ids = owned(ids);
        async move {
            let clock = self.clock();
            let mut live = self.main.start(&self.plugin, clock).await?;
            let models = live.models()?;
            let mut each = Vec::with_capacity(ids.len());
            for id in &ids {
                each.push(within(clock, models.call_traits_of(&mut live.store, id)).await?);
            }
            Ok(each)
        }
    }

    /// The body that [`stream`](Self::stream) would send, as JSON. Nothing is sent.
    pub async fn body(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<String> {
        let (clock, request) = (self.clock(), self.request(request));
        let route = self.route_of(&request, clock).await?;
        let mut live = route.start(&self.plugin, clock).await?;
        let chat = live.chat()?;
        let answer = within(clock, chat.call_body(&mut live.store, &route.connection, &request)).await?;
        answer.map_err(|error| Error::of_plugin(error, route.egress.mask()))
    }

    /// Asks for a whole reply.
    pub async fn complete(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<chat::Response> {
        let (clock, request) = (self.clock(), self.request(request));
        let route = self.route_of(&request, clock).await?;
        let mut live = route.start(&self.plugin, clock).await?;
        let (complete, refused) = (live.complete()?, live.refused.clone());
        let call = async { Ok(complete.call_async(&mut live.store, (&*route.connection, &*request)).await?.0) };
        route.called(clock, &refused, call).await
    }

    /// Asks for a reply as it is written.
    pub async fn stream(&self, request: impl Into<Cow<'_, chat::Request>>) -> Result<Reply> {
        let (clock, request) = (self.clock(), self.request(request));
        let route = self.route_of(&request, clock).await?;
        let mut live = route.start(&self.plugin, clock).await?;
        let (chat, refused) = (live.chat()?, live.refused.clone());
        let reply =
            route.called(clock, &refused, chat.call_stream(&mut live.store, &route.connection, &request)).await?;
        let report = within(clock, chat.reply().call_report(&mut live.store, reply)).await?;
        let open = OpenReply { live, chat, reply };
        Ok(Reply::new(self.pieces(open, route, clock), report))
    }

    /// The same as a stream of single events. It asks when it is polled for the first time, so that each failure is an
    /// item of it, also one before the first event. [`Reply::report`] is left out.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) {
    /// use futures_util::StreamExt;
    /// use host_harness::{ErrorKind, Event, Prompt};
    ///
    /// let mut events = provider.events(Prompt::user("@openai/gpt-5-mini", "Tell me of ships"));
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Ok(Event::Text(text)) => print!("{text}"),
    ///         Ok(_) => {}
    ///         Err(error) if error.kind() == ErrorKind::Truncated => eprintln!("cut short: {error}"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn events(&self, request: impl Into<chat::Request>) -> BoxStream<'static, Result<chat::Event>> {
        let (provider, request) = (self.clone(), request.into());
        stream::once(async move { provider.stream(request).await.map(Reply::into_events) }).try_flatten().boxed()
    }

    /// Starts to read the pieces of a call; `clock` measures its time.
    fn pieces<S: Source>(&self, source: S, route: &Route, clock: Clock) -> Pieces<S> {
        Pieces::new(source, route.egress.mask().clone(), self.plugin.limits(), clock)
    }

    /// Images from a prompt.
    pub async fn generate(&self, request: &images::Request) -> Result<images::Response> {
        let (clock, route, mut live) = self.open_images(request).await?;
        let (images, refused) = (live.images()?, live.refused.clone());
        route.called(clock, &refused, images.call_generate(&mut live.store, &route.connection, request)).await
    }

    /// Images from a prompt and other images.
    pub async fn edit(
        &self,
        request: &images::Request,
        inputs: &[Media],
        mask: Option<&Media>,
    ) -> Result<images::Response> {
        let (clock, route, mut live) = self.open_images(request).await?;
        let (images, refused) = (live.images()?, live.refused.clone());
        route.called(clock, &refused, images.call_edit(&mut live.store, &route.connection, request, inputs, mask)).await
    }

    /// Texts as vectors, in the order of the texts.
    ///
    /// ```no_run
    /// # async fn run(provider: host_harness::Provider) -> Result<(), host_harness::Error> {
    /// use host_harness::wit::embeddings::Request;
    ///
    /// let response = provider.embed(&Request::new(["a ship", "a boat"])).await?;
    /// assert_eq!(response.vectors.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `unsupported` where the plugin exports no `embeddings`.
    pub async fn embed(&self, request: &embeddings::Request) -> Result<embeddings::Response> {
        let own = self.plugin.embedding_model();
        let (clock, route, mut live) = self.open(request.model.as_deref(), request.extra_json.as_deref(), own).await?;
        let (embeddings, refused) = (live.embeddings()?, live.refused.clone());
        route.called(clock, &refused, embeddings.call_embed(&mut live.store, &route.connection, request)).await
    }

    /// Speech from text, streamed.
    ///
    /// # Errors
    /// `unsupported` where the plugin exports no `audio`.
    pub async fn speak(&self, request: &audio::SpeechRequest) -> Result<Speech> {
        let own = async { Ok(self.plugin.audio_defaults().await?.speech_model) };
        let (clock, route, mut live) = self.open(request.model.as_deref(), request.extra_json.as_deref(), own).await?;
        let (audio, refused) = (live.audio()?, live.refused.clone());
        let speech =
            route.called(clock, &refused, audio.call_speak(&mut live.store, &route.connection, request)).await?;
        let media_type = within(clock, audio.speech().call_media_type(&mut live.store, speech)).await?;
        let report = within(clock, audio.speech().call_report(&mut live.store, speech)).await?;
        let open = OpenSpeech { live, audio, speech };
        Ok(Speech::new(self.pieces(open, route, clock), media_type, report))
    }

    /// Text from speech.
    ///
    /// # Errors
    /// `unsupported` where the plugin exports no `audio`.
    pub async fn transcribe(&self, request: &audio::TranscriptionRequest) -> Result<audio::Transcript> {
        let own = async { Ok(self.plugin.audio_defaults().await?.transcription_model) };
        let (clock, route, mut live) = self.open(request.model.as_deref(), request.extra_json.as_deref(), own).await?;
        let (audio, refused) = (live.audio()?, live.refused.clone());
        route.called(clock, &refused, audio.call_transcribe(&mut live.store, &route.connection, request)).await
    }

    /// Downloads a URL from the provider's answer, such as a generated image. No credential is sent, and only networks
    /// where the provider itself may be are reached.
    ///
    /// # Errors
    /// If the URL may not be fetched, or the answer is not a success or not an image.
    pub async fn download(&self, url: &str) -> Result<Media> {
        self.main.egress.download(url, self.clock()).await
    }

    pub(crate) async fn instantiate(&self) -> Result<Live> {
        self.main.start(&self.plugin, self.clock()).await
    }

    pub(crate) async fn called<T>(
        &self,
        call: impl Future<Output = wasmtime::Result<Result<T, crate::types::Error>>>,
    ) -> Result<T> {
        self.main.called(self.clock(), &Refusals::default(), call).await
    }
}

/// So that no future holds an iterator that borrows: such a future could not be spawned.
pub(super) fn owned(ids: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    ids.into_iter().map(|id| id.as_ref().to_owned()).collect()
}
