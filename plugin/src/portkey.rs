//! Portkey's names and numbers, each stated once. No behaviour.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::onboarding::{
    Credential, Descriptor, ImageCapabilities, Model, Service,
};
use crate::image_size;

/// Id in the host's configuration.
pub const ID: &str = "portkey";
/// The hosted gateway that is called where the configuration names none. Source: Portkey docs.
pub const BASE_URL: &str = "https://api.portkey.ai/v1";
/// Each hosted edition: what it is called, its host name, and where its keys come from. Every other host is taken for a
/// self-hosted gateway. Source: Palo Alto Networks, Prisma AIRS AI Gateway docs (2026).
pub const EDITIONS: [(&str, &str, &str); 2] = [
    ("Portkey", "api.portkey.ai", "https://app.portkey.ai/api-keys"),
    ("Prisma AIRS AI Gateway", "aigw.portkey.ai", "Strata Cloud Manager"),
];
/// What the hosted editions begin their own errors with: the first edition, and the second.
pub const GATEWAY_ERRORS: [&str; 2] = ["Portkey", "AI Gateway Error"];
/// OpenClaw's name for the wire protocol.
pub const API: &str = "openai-completions";
/// Alias of the model that onboarding adds.
pub const ALIAS: &str = "Portkey";

/// The model that onboarding adds, in the catalog's form `@provider/model`. Source: Portkey's guide for OpenClaw.
pub const MODEL: &str = "@anthropic/claude-sonnet-4-5";
/// Its name for people.
pub const MODEL_NAME: &str = "Claude Sonnet 4.5";
/// Its context window, as `model_traits` has it: a descriptor is asked for at each start, and a table need not be searched
/// for it.
pub const MODEL_CONTEXT_TOKENS: u32 = 200_000;
/// Its longest answer, as `model_traits` has it.
pub const MODEL_MAX_OUTPUT_TOKENS: u32 = 64_000;

/// The headers that say where a bare name of a model goes. The hosted gateway does not know by itself (gateway 2.2.3).
pub const ROUTES: [&str; 3] = ["x-portkey-provider", "x-portkey-config", "x-portkey-virtual-key"];
/// Where the models below go that are asked where none is named. By their bare names they are right behind a gateway of
/// one's own, too.
pub const MAKER: &str = "@openai";

/// The model that draws where none is named.
pub const IMAGE_MODEL: &str = "gpt-image-2";
/// Most images that one call may ask for.
pub const MAX_IMAGES: u32 = 4;
/// Most input images that one edit takes.
pub const MAX_INPUT_IMAGES: u32 = 5;
/// The model that makes vectors where none is named.
pub const EMBEDDING_MODEL: &str = "text-embedding-3-small";
/// The model that speaks where none is named.
pub const SPEECH_MODEL: &str = "gpt-4o-mini-tts";
/// The voice that it has then. Source: OpenAI's API reference, "Create speech".
pub const VOICE: &str = "alloy";
/// What its speech comes as.
pub const SPEECH_FORMAT: &str = "mp3";
/// The model that writes down what is said where none is named.
pub const TRANSCRIPTION_MODEL: &str = "gpt-4o-mini-transcribe";

/// Id of the one credential.
pub const CREDENTIAL: &str = "portkey-api-key";
/// Environment variable that may hold it.
pub const CREDENTIAL_ENV: &str = "PORTKEY_API_KEY";
/// Command-line flag that may hold it.
pub const CREDENTIAL_FLAG: &str = "--portkey-api-key";
/// Header that carries it. Not `Authorization`: a self-hosted gateway forwards that one to the model provider
/// (gateway 1.15.2).
pub const CREDENTIAL_HEADER: &str = "x-portkey-api-key";

/// Says whether answers keep to OpenAI's form alone. Off, reasoning comes and goes back. Source: Portkey docs, "Headers".
pub const COMPLIANCE_HEADER: &str = "x-portkey-strict-open-ai-compliance";

/// Whether a host of this name is one of the hosted editions.
pub fn is_hosted(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    EDITIONS.iter().any(|(_, hosted, _)| host.eq_ignore_ascii_case(hosted))
}

/// Who this provider is.
pub fn descriptor() -> Descriptor {
    Descriptor {
        id: ID.to_owned(),
        label: "Portkey".to_owned(),
        docs_url: "https://portkey.ai/docs".to_owned(),
        default_base_url: BASE_URL.to_owned(),
        api: API.to_owned(),
        default_model: Model {
            id: MODEL.to_owned(),
            name: MODEL_NAME.to_owned(),
            context_tokens: Some(MODEL_CONTEXT_TOKENS),
            max_output_tokens: Some(MODEL_MAX_OUTPUT_TOKENS),
            image_input: true,
            reasoning: true,
        },
        images: Some(ImageCapabilities {
            default_model: IMAGE_MODEL.to_owned(),
            max_count: MAX_IMAGES,
            max_input_images: MAX_INPUT_IMAGES,
            sizes: owned(&image_size::KNOWN),
            qualities: owned(&["auto", "low", "medium", "high"]),
            backgrounds: owned(&["auto", "transparent", "opaque"]),
            output_formats: owned(&["png", "jpeg", "webp"]),
        }),
        credentials: vec![Credential {
            id: CREDENTIAL.to_owned(),
            label: "Portkey API key".to_owned(),
            required: true,
            env_vars: owned(&[CREDENTIAL_ENV]),
            cli_flag: Some(CREDENTIAL_FLAG.to_owned()),
            help_url: Some("https://app.portkey.ai/api-keys".to_owned()),
            header: CREDENTIAL_HEADER.to_owned(),
            prefix: String::new(),
        }],
        services: EDITIONS
            .iter()
            .map(|(label, host, keys_from)| Service {
                label: (*label).to_owned(),
                base_url: format!("https://{host}/v1"),
                keys_from: (*keys_from).to_owned(),
            })
            .collect(),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
