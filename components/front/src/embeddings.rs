//! Vectors on OpenAI's wire: the JSON of a request, and the answer.
//!
//! Source: OpenAI's API reference, "Create embeddings".

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bindings::openclaw::provider::embeddings::{Request, Response};
use crate::chat;
use crate::failure::Failure;
use crate::images::number;

/// A request for vectors.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// What is asked of the provider.
    pub request: Request,
    /// Whether the caller wants the vectors in base64. OpenAI's own clients do, unless told otherwise.
    pub base64: bool,
}

/// Reads the body of a request.
pub fn read(body: &[u8]) -> Result<Call, Box<Failure>> {
    let mut fields = chat::object(body)?;
    let mut take = |name: &str| fields.shift_remove(name).filter(|value| !value.is_null());
    let texts = texts(take("input").ok_or_else(|| Failure::invalid_field("input", "is missing"))?)?;
    let model = match take("model") {
        None => None,
        Some(Value::String(model)) => Some(model),
        Some(_) => return Err(Failure::invalid_field("model", "must be a text")),
    };
    let base64 = match take("encoding_format").as_ref().map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => return Err(Failure::invalid_field("encoding_format", "must be float or base64")),
    };
    let dimensions = number("dimensions", take("dimensions"), |number| u32::try_from(number.as_u64()?).ok())?;
    let extra_json = (!fields.is_empty()).then(|| Value::Object(fields).to_string());
    Ok(Call { request: Request { model, texts, dimensions, extra_json }, base64 })
}

fn texts(input: Value) -> Result<Vec<String>, Box<Failure>> {
    let wrong = || Failure::invalid_field("input", "must be a text or a list of texts: tokens cannot be had here");
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
    match input {
        Value::Array(items) => items.into_iter().map(text).collect(),
        one => Ok([text(one)?].into()),
    }
}

/// The answer, as JSON.
pub fn answer(response: Response, base64: bool) -> Vec<u8> {
    let entry = |(index, vector): (usize, &Vec<f32>)| {
        let embedding = if base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = response.vectors.iter().enumerate().map(entry).collect();
    let tokens = response.usage.map_or(0, |usage| usage.input_tokens);
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    json!({"object": "list", "data": data, "model": response.model, "usage": usage}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::{GatewayReport, Usage};
    use alloc::vec;

    fn report() -> GatewayReport {
        GatewayReport { trace_id: None, provider: None, cache_status: None, retry_attempts: None, used_target: None }
    }

    #[test]
    fn a_request() {
        let call = read(br#"{"input":"a","model":"m","encoding_format":"base64","dimensions":8,"user":"u"}"#).unwrap();
        assert!(call.base64);
        assert_eq!((call.request.texts, call.request.dimensions), (vec!["a".into()], Some(8)));
        assert_eq!(call.request.extra_json.as_deref(), Some(r#"{"user":"u"}"#));
        let call = read(br#"{"input":["a","b"],"encoding_format":null}"#).unwrap();
        assert_eq!((call.base64, call.request.texts.len(), call.request.model), (false, 2, None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param) in [
            ("{}", "input"),
            (r#"{"input":[1,2]}"#, "input"),
            (r#"{"input":{"a":1}}"#, "input"),
            (r#"{"input":"a","model":3}"#, "model"),
            (r#"{"input":"a","encoding_format":"int8"}"#, "encoding_format"),
            (r#"{"input":"a","dimensions":-1}"#, "dimensions"),
        ] {
            let failure = read(body.as_bytes()).unwrap_err();
            assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
        }
    }

    #[test]
    fn an_answer_in_digits_and_in_base64() {
        let usage = Usage {
            input_tokens: 7,
            output_tokens: 0,
            cache_read_tokens: None,
            cache_write_tokens: None,
            reasoning_tokens: None,
        };
        let response = Response {
            model: "m".into(),
            vectors: vec![vec![1.0, -2.5], vec![0.5, 0.25]],
            usage: Some(usage),
            report: report(),
        };
        let read = |base64| serde_json::from_slice::<Value>(&answer(response.clone(), base64)).unwrap();
        assert_eq!(read(false)["data"][0]["embedding"], json!([1.0, -2.5]));
        assert_eq!(read(true)["data"][0]["embedding"], "AACAPwAAIMA=");
        assert_eq!((&read(true)["data"][1]["index"], &read(true)["usage"]["total_tokens"]), (&json!(1), &json!(7)));
    }
}
