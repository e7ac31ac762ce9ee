//! What is answered whole: vectors, an image, speech, a transcript, the list of models. Rig's own wire for what runs in
//! the process, [`Local`], carries each; the component is the runtime behind it.

use futures_util::stream;
use host_harness::{
    Provider,
    types::{GatewayReport, Media, MediaSource},
    wit::{audio, embeddings, images},
};
use rig_core::{
    DynModel, Model,
    audio_generation::{AudioGenerationRequest, AudioGenerationResponse},
    driver::{Exchange, Local, Opened, Opening, Step, Transport},
    embeddings::{Embedding as Vector, EmbeddingResponse},
    error::{EncodeError, ProviderError},
    image_generation::{ImageGenerationRequest, ImageGenerationResponse},
    model::{ModelInfo, ModelList},
    operation::{AudioGeneration, Embedding, ImageGeneration, ModelListing, ModelPage, Transcription},
    transcription::{TranscriptionRequest, TranscriptionResponse},
    wire::{Capabilities, Free, Operation},
};
use serde_json::{Map, Value, json};

use crate::{
    error::{no_place, provider_error},
    reply::usage,
};

/// Most texts in one request, of those that go to OpenAI.
const MAX_TEXTS: usize = 2048;

/// A model of a provider, whose id may be left to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Of {
    provider: Provider,
    model: Option<String>,
}

impl Of {
    fn new(provider: &Provider, model: String) -> Self {
        Self { provider: provider.clone(), model: Some(model).filter(|model| !model.trim().is_empty()) }
    }

    fn wire<Op: Operation<Emit = Free>>(&self) -> Local<Op> {
        let wire = Local::new(&*self.provider.plugin().descriptor().id);
        match &self.model {
            Some(model) => wire.with_id(model),
            None => wire,
        }
    }
}

/// A model whose request says all that there is to say.
pub(crate) fn model<Op>(provider: &Provider, model: String) -> DynModel<Op>
where
    Op: Operation<Emit = Free>,
    Of: Transport<Local<Op>>,
{
    let of = Of::new(provider, model);
    Model::new(of.wire(), of).erase()
}

/// Opens the answer that `call` gives: what it is to rig, what came beside it, and what the gateway reported.
fn opening<Op>(
    call: impl Future<Output = Result<(Op::End, Value, GatewayReport), ProviderError>> + Send + 'static,
) -> Opening<Step<Op>>
where
    Op: Operation<Emit = Free>,
{
    Opening::new(async move {
        let (end, mut raw, report) = call.await?;
        let trace = report.trace_id.clone();
        if let Value::Object(raw) = &mut raw {
            raw.insert("report".to_owned(), serde_json::to_value(report)?);
        }
        Ok(Opened::new(stream::iter([Ok(Step::End(end))])).with_document(raw).with_request_id(trace))
    })
}

/// `additional_params`, over what this crate has no field for.
fn extra(
    additional: Option<Value>,
    own: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Option<String>, EncodeError> {
    let mut members: Map<String, Value> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    match additional {
        None | Some(Value::Null) => {}
        Some(Value::Object(additional)) => members.extend(additional),
        Some(_) => return Err(EncodeError::request("`additional_params` must be a JSON object")),
    }
    Ok((!members.is_empty()).then(|| Value::Object(members).to_string()))
}

/// How long vectors are to be.
#[derive(Clone, Debug)]
struct Embeddings(Of, Option<usize>);

pub(crate) fn embedding(provider: &Provider, model: String, ndims: Option<usize>) -> DynModel<Embedding> {
    let of = Of::new(provider, model);
    let capabilities = Capabilities::embedding(MAX_TEXTS, ndims.unwrap_or_default()).declaring(ndims);
    Model::new(of.wire().with_capabilities(capabilities), Embeddings(of, ndims)).erase()
}

impl Transport<Local<Embedding>> for Embeddings {
    fn send(&self, texts: Vec<String>, _exchange: Exchange) -> Opening<Step<Embedding>> {
        let Self(of, ndims) = self.clone();
        opening(async move {
            let dimensions = ndims.filter(|&ndims| ndims > 0).map(u32::try_from).transpose();
            let dimensions = dimensions.map_err(ProviderError::request)?;
            let request = embeddings::Request { model: of.model, dimensions, ..embeddings::Request::new(texts) };
            let response = of.provider.embed(&request).await.map_err(provider_error)?;
            // Rig puts the texts to them.
            let vectors = response
                .vectors
                .into_iter()
                .map(|vector| Vector { document: String::new(), vec: vector.into_iter().map(f64::from).collect() });
            let mut end = EmbeddingResponse::new(vectors.collect());
            end.usage = response.usage.as_ref().map(usage).unwrap_or_default();
            end.model = Some(response.model);
            Ok((end, json!({}), response.report))
        })
    }
}

impl Transport<Local<ImageGeneration>> for Of {
    fn send(&self, asked: ImageGenerationRequest, _exchange: Exchange) -> Opening<Step<ImageGeneration>> {
        let of = self.clone();
        opening(async move {
            if asked.additional_params.as_ref().and_then(|params| params.get("n")).is_some_and(|n| n != 1) {
                return Err(no_place("an `n` other than 1", "rig takes one image of an answer").into());
            }
            let request = images::Request {
                model: of.model,
                size: Some(format!("{}x{}", asked.width, asked.height)),
                extra_json: extra(asked.additional_params, [])?,
                ..images::Request::new(asked.prompt)
            };
            let response = of.provider.generate(&request).await.map_err(provider_error)?;
            let mut images = response.images.into_iter();
            let (Some(image), None) = (images.next(), images.next()) else {
                return Err(ProviderError::Response(
                    "the answer holds more than the one image that was asked for".into(),
                ));
            };
            let MediaSource::Inline(media) = image.source else {
                let why = "the image came as a URL, and rig takes bytes: ask for them with `response_format`";
                return Err(ProviderError::Response(why.into()));
            };
            let raw = json!({
                "media_type": media.media_type,
                "file_name": image.file_name,
                "revised_prompt": image.revised_prompt,
            });
            let mut end = ImageGenerationResponse::new(media.data);
            end.usage = response.usage.as_ref().map(usage).unwrap_or_default();
            end.model = Some(response.model);
            Ok((end, raw, response.report))
        })
    }
}

impl Transport<Local<AudioGeneration>> for Of {
    fn send(&self, asked: AudioGenerationRequest, _exchange: Exchange) -> Opening<Step<AudioGeneration>> {
        let of = self.clone();
        opening(async move {
            // Rig always says how fast; 1 is how one speaks.
            let speed = (asked.speed != 1.0).then(|| ("speed", json!(asked.speed)));
            let request = audio::SpeechRequest {
                model: of.model,
                voice: Some(asked.voice).filter(|voice| !voice.is_empty()),
                extra_json: extra(asked.additional_params, speed)?,
                ..audio::SpeechRequest::new(asked.text)
            };
            let mut speech = of.provider.speak(&request).await.map_err(provider_error)?;
            let mut bytes = Vec::new();
            while let Some(more) = speech.next().await.map_err(provider_error)? {
                bytes.extend(more);
            }
            let raw = json!({"media_type": speech.media_type()});
            Ok((AudioGenerationResponse::new(bytes), raw, speech.report().clone()))
        })
    }
}

impl Transport<Local<Transcription>> for Of {
    fn send(&self, asked: TranscriptionRequest, _exchange: Exchange) -> Opening<Step<Transcription>> {
        let of = self.clone();
        opening(async move {
            let temperature = asked.temperature.map(|temperature| ("temperature", json!(temperature)));
            // Of a recording's name its ending says something, where the bytes do not.
            let ending = asked.filename.rsplit_once('.').map_or("", |(_, ending)| ending);
            let media_type = if ending.is_empty() { String::new() } else { format!("audio/{ending}") };
            let request = audio::TranscriptionRequest {
                model: of.model,
                language: asked.language,
                prompt: asked.prompt,
                extra_json: extra(asked.additional_params, temperature)?,
                ..audio::TranscriptionRequest::new(Media::new(media_type, asked.data))
            };
            let transcript = of.provider.transcribe(&request).await.map_err(provider_error)?;
            let mut end = TranscriptionResponse::new(transcript.text);
            end.usage = transcript.usage.as_ref().map(usage).unwrap_or_default();
            Ok((end, json!({}), transcript.report))
        })
    }
}

/// The way to the list of models.
#[derive(Clone, Debug)]
pub struct Listing(Provider);

pub(crate) fn models(provider: &Provider) -> Model<Local<ModelListing>, Listing> {
    Model::new(Local::new(&*provider.plugin().descriptor().id), Listing(provider.clone()))
}

impl Transport<Local<ModelListing>> for Listing {
    /// The component follows the pages itself: there is one.
    fn send(&self, _page: Option<String>, _exchange: Exchange) -> Opening<Step<ModelListing>> {
        let Self(provider) = self.clone();
        opening(async move {
            let entries = provider.models().await.map_err(provider_error)?;
            let traits =
                provider.traits_of_each(entries.iter().map(|entry| &entry.id)).await.map_err(provider_error)?;
            let models = entries.into_iter().zip(traits).map(|(entry, traits)| ModelInfo {
                owned_by: entry.provider,
                context_length: traits.context_tokens,
                max_output_tokens: traits.max_output_tokens,
                ..ModelInfo::from_id(entry.id)
            });
            let end = ModelPage { models: ModelList::new(models.collect()), next: None };
            Ok((end, json!({}), GatewayReport::default()))
        })
    }
}
