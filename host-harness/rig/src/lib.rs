//! The models of a provider component as models of [rig](rig_core): an agent of rig runs on whatever component the host
//! has loaded, and the key stays with the host.
//!
//! A model of rig is a wire and a transport; here the transport is a [`Provider`]. Each call runs in an instance of the
//! component of its own, in the runtime (tokio's) that polls it. Options of one call are those of a derived provider:
//! `completion(&provider.with(options).await?, model)`.
//!
//! ```no_run
//! use host_harness::{Provider, Setup};
//! use rig_core::completion::CompletionRequest;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = Provider::load("portkey_provider.wasm", Setup::from_env()).await?;
//! let model = host_harness_rig::completion(&provider, "@openai/gpt-5-mini");
//! let response = model.call(CompletionRequest::new("Tell me of ships").temperature(0.2)).await?;
//! println!("{}", response.text());
//! # Ok(()) }
//! ```
//!
//! Nothing of a request is left out in silence. What the interface of components has no place for is refused by its name,
//! before anything is sent; `additional_params`, and the provider's own entry of rig's `provider_options`, become members
//! of the body as they are. Reasoning keeps its signature, and a call of a tool its own, as the block's provider item, so
//! that both go back to the model that they came from. A failed call is rig's error, and [`record`] gets the library's out
//! of it.

#![allow(clippy::result_large_err, reason = "rig's errors are as large as they are, and rig wants them so")]

mod chat;
mod error;
mod history;
mod reply;
#[cfg(test)]
mod tests;
mod whole;

use host_harness::Provider;
use rig_core::{
    DynModel, Model,
    driver::Local,
    operation::{AudioGeneration, Completion, Embedding, ImageGeneration, ModelListing, Transcription},
};

pub use self::{error::record, whole::Listing};

/// The chat model with this id, whole and streamed.
pub fn completion(provider: &Provider, model: impl Into<String>) -> DynModel<Completion> {
    Model::new(chat::Chat::new(provider, model), provider.clone()).erase()
}

/// The model with this id as one that makes vectors; `ndims` is their length, where the model leaves the choice. An empty
/// id is the provider's own choice, here and below.
pub fn embedding(provider: &Provider, model: impl Into<String>, ndims: Option<usize>) -> DynModel<Embedding> {
    whole::embedding(provider, model.into(), ndims)
}

/// The model with this id as one that draws. Rig takes one image of an answer, as bytes.
pub fn image_generation(provider: &Provider, model: impl Into<String>) -> DynModel<ImageGeneration> {
    whole::model(provider, model.into())
}

/// The model with this id as one that speaks. An empty voice is the provider's own choice.
pub fn audio_generation(provider: &Provider, model: impl Into<String>) -> DynModel<AudioGeneration> {
    whole::model(provider, model.into())
}

/// The model with this id as one that writes down what is said.
pub fn transcription(provider: &Provider, model: impl Into<String>) -> DynModel<Transcription> {
    whole::model(provider, model.into())
}

/// Every model that the provider offers: `models(&provider).list().await?`, with what the component knows of each.
pub fn models(provider: &Provider) -> Model<Local<ModelListing>, Listing> {
    whole::models(provider)
}
