//! Vectors on OpenAI's wire: the JSON of a request, and the answer.
//!
//! Source: OpenAI's API reference, "Create embeddings".

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::bindings::openclaw::provider::embeddings::{Request, Response};
use crate::failure::Failure;
use crate::fields::{self, number, rest, take, text};

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
    let mut fields = fields::object(body)?;
    let texts = texts(take(&mut fields, "input").ok_or_else(|| Failure::invalid_field("input", "is missing"))?)?;
    let model = text(&mut fields, "model")?;
    let base64 = match take(&mut fields, "encoding_format").as_ref().map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => return Err(Failure::invalid_field("encoding_format", "must be float or base64")),
    };
    let dimensions = number(&mut fields, "dimensions")?;
    let extra_json = rest(fields);
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

/// An answer. As a tree of values it would take many times the memory of its numbers.
#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
    model: &'a str,
    usage: Tokens,
}

#[derive(Serialize)]
struct Entry<'a> {
    object: &'static str,
    index: usize,
    embedding: Embedding<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Embedding<'a> {
    Digits(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The answer, as JSON.
pub fn answer(response: &Response, base64: bool) -> Vec<u8> {
    let embedding = |vector: &Vec<f32>| {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        STANDARD.encode(bytes)
    };
    let entry = |(index, vector)| Entry {
        object: "embedding",
        index,
        embedding: if base64 { Embedding::Base64(embedding(vector)) } else { Embedding::Digits(vector) },
    };
    let tokens = response.usage.map_or(0, |usage| usage.input_tokens);
    let answer = Answer {
        object: "list",
        data: response.vectors.iter().enumerate().map(entry).collect(),
        model: &response.model,
        usage: Tokens { prompt_tokens: tokens, total_tokens: tokens },
    };
    // Nothing in it fails to be written.
    serde_json::to_vec(&answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::{GatewayReport, Usage};
    use alloc::vec;
    use serde_json::json;

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

    /// A provider hands over what it likes.
    #[test]
    fn vectors_of_any_numbers_are_json() {
        let odd = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45];
        let model = "\"}],\"x\":[{\"\n";
        let vectors = vec![odd.clone(), Vec::new()];
        let response = Response { model: model.into(), vectors, usage: None, report: report() };
        for base64 in [false, true] {
            let read = serde_json::from_slice::<Value>(&answer(&response, base64)).unwrap();
            assert_eq!(
                (&read["model"], read["data"].as_array().unwrap().len(), &read["x"]),
                (&json!(model), 2, &Value::Null)
            );
        }
        let numbers = serde_json::from_slice::<Value>(&answer(&response, false)).unwrap();
        assert_eq!(numbers["data"][0]["embedding"].as_array().unwrap().len(), odd.len());
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
            vectors: vec![vec![1.0, -2.5], vec![0.5, 0.1]],
            usage: Some(usage),
            report: report(),
        };
        let read = |base64| serde_json::from_slice::<Value>(&answer(&response, base64)).unwrap();
        assert_eq!(read(false)["data"][0]["embedding"], json!([1.0, -2.5]));
        assert_eq!(read(true)["data"][0]["embedding"], "AACAPwAAIMA=");
        assert_eq!(
            String::from_utf8(answer(&response, false)).unwrap(),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,-2.5]},{"object":"embedding","index":1,"embedding":[0.5,0.1]}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        );
        assert_eq!((&read(true)["data"][1]["index"], &read(true)["usage"]["total_tokens"]), (&json!(1), &json!(7)));
    }
}
