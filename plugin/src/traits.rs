//! What is known of models without asking anybody: one table, by families. Every pass over a request asks it.

use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::models;

/// What is known of one model.
#[derive(Debug)]
pub(crate) struct Traits;

/// What is known of the model with this id.
pub(crate) fn of(_id: &str) -> Traits {
    Traits
}

impl Traits {
    /// The same for hosts.
    pub(crate) fn shown(&self) -> models::Traits {
        models::Traits {
            family: None,
            context_tokens: None,
            max_output_tokens: None,
            image_input: None,
            document_input: None,
            audio_input: None,
            reasoning: None,
            reasoning_efforts: Vec::new(),
            prompt_cache: None,
            limit_field: None,
            thinking_format: None,
        }
    }
}
