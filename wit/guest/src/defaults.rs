//! Empty records: a provider fills in the fields that it knows.

#![allow(clippy::derivable_impls, reason = "the types are generated")]

use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::models::Traits;
use crate::bindings::openclaw::provider::types::GatewayReport;

impl Default for Traits {
    fn default() -> Self {
        Self {
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

impl Default for GatewayReport {
    fn default() -> Self {
        Self { trace_id: None, provider: None, cache_status: None, retry_attempts: None, used_target: None }
    }
}
