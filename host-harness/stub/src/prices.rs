//! The price list, as the hosted gateway serves it to everybody: `GET /model-configs/pricing/{provider}/{model}`, outside of
//! `/v1`. It owns the shape of an entry; the prices are made up, but for their order of size.
//!
//! Source: Portkey's OpenAPI document, "Get Model Pricing".

use serde_json::{Value, json};

use super::respond::Refusal;

/// Before the provider and the model.
pub(crate) const PATH: &str = "/model-configs/pricing/";

/// Input, output, and read from and written to a prompt cache; in US cents for a token, where 0 stands for none.
type Rates = [f64; 4];

#[rustfmt::skip]
const LIST: &[(&str, &str, Rates)] = &[
    ("anthropic", "claude-opus-4-6", [0.0005, 0.0025, 0.00005, 0.000625]),
    ("anthropic", "claude-sonnet-4-5", [0.0003, 0.0015, 0.00003, 0.000375]),
    ("anthropic", "claude-haiku-4-5", [0.0001, 0.0005, 0.00001, 0.000125]),
    ("openai", "gpt-5", [0.000125, 0.001, 0.0000125, 0.0]),
    ("openai", "gpt-5-mini", [0.000025, 0.0002, 0.0000025, 0.0]),
    ("openai", "gpt-4.1", [0.0002, 0.0008, 0.00005, 0.0]),
    ("openai", "gpt-4o-mini", [0.000015, 0.00006, 0.0000075, 0.0]),
    ("openai", "text-embedding-3-small", [0.000002, 0.0, 0.0, 0.0]),
    // For short prompts and for long ones: of these the price is the same, of those it is not.
    ("google", "gemini-2.5-flash-lte-128k", [0.00003, 0.00025, 0.000003, 0.0]),
    ("google", "gemini-2.5-flash-gt-128k", [0.00003, 0.00025, 0.000003, 0.0]),
    ("google", "gemini-2.5-pro-lte-128k", [0.000125, 0.001, 0.0000125, 0.0]),
    ("google", "gemini-2.5-pro-gt-128k", [0.00025, 0.0015, 0.000025, 0.0]),
    ("groq", "openai/gpt-oss-120b", [0.000015, 0.00006, 0.0, 0.0]),
];

/// The answer to a GET of `{provider}/{model}` behind [`PATH`].
pub(crate) fn find(asked: &str) -> Result<Value, Refusal> {
    let (provider, model) = asked.split_once('/').unwrap_or_default();
    let model = model.replace("%2F", "/").replace("%40", "@");
    let found = LIST.iter().find(|(of, name, _)| *of == provider && *name == model);
    let none = || Refusal { status: 404, body: json!({"error": "Model not found"}) };
    found.map(|(.., rates)| entry(rates)).ok_or_else(none)
}

fn entry([input, output, cache_read, cache_write]: &Rates) -> Value {
    let mut rates = json!({"request_token": {"price": input}, "response_token": {"price": output}});
    if *cache_read > 0.0 {
        rates["cache_read_input_token"] = json!({"price": cache_read});
        rates["cache_write_input_token"] = json!({"price": cache_write});
    }
    rates["additional_units"] = json!({"web_search": {"price": 1}});
    let sum =
        json!({"operation": "multiply", "operands": [{"value": "output_tokens"}, {"value": "rates.response_token"}]});
    json!({"pay_as_you_go": rates, "calculate": {"response": sum}, "currency": "USD"})
}
