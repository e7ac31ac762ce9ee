//! Vectors of texts, computed from their words: texts that share words lie near each other, so that a search over them finds
//! something. It owns the shapes of OpenAI's embeddings API, and what it refuses.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Recorded;
use super::respond::{Refusal, bare};
use super::strict::family::Family;

/// Most texts of a request. Source: OpenAI's API reference, "Create embeddings".
const MAX_TEXTS: usize = 2048;

/// How many numbers a word sets.
const OF_A_WORD: u64 = 8;

/// The length of a model's vectors, and whether a request may ask for shorter ones. Source: OpenAI's "Vector embeddings" guide.
fn model_of(name: &str) -> Option<(usize, bool)> {
    match name {
        "text-embedding-3-small" => Some((1536, true)),
        "text-embedding-3-large" => Some((3072, true)),
        "text-embedding-ada-002" => Some((1536, false)),
        // Any other that says so.
        _ => name.contains("embed").then_some((768, true)),
    }
}

/// POST embeddings.
pub(crate) fn create(request: &Recorded) -> Result<Value, Refusal> {
    let body = request.json();
    let name = bare(body["model"].as_str().unwrap_or_default()).to_owned();
    let Some((longest, is_free)) = model_of(&name) else {
        return Err(no_embeddings(&name));
    };
    let texts = texts(&body["input"]).ok_or_else(invalid_input)?;
    let length = match body["dimensions"].as_u64() {
        None if body["dimensions"].is_null() => longest,
        Some(_) if !is_free => {
            return Err(Refusal::invalid("This model does not support specifying dimensions.", "dimensions"));
        }
        Some(length) if (1..=longest as u64).contains(&length) => length as usize,
        _ => {
            let asked = &body["dimensions"];
            let message = format!("Invalid value for 'dimensions' = {asked}. Must be from 1 to {longest}.");
            return Err(Refusal::invalid(&message, "dimensions"));
        }
    };
    let in_base64 = match body["encoding_format"].as_str() {
        None if body["encoding_format"].is_null() => false,
        Some("float") => false,
        Some("base64") => true,
        _ => {
            let message = "Invalid value for 'encoding_format'. Supported values are: 'float' and 'base64'.";
            return Err(Refusal::invalid(message, "encoding_format"));
        }
    };
    let words: usize = texts.iter().map(|text| text.split_whitespace().count().max(1)).sum();
    let entry = |(index, text): (usize, &&str)| {
        let vector = vector(text, length);
        let embedding = if in_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            BASE64.encode(bytes).into()
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    Ok(json!({
        "object": "list",
        "data": texts.iter().enumerate().map(entry).collect::<Vec<_>>(),
        "model": name,
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }))
}

/// Seen in infiniflow/ragflow#1835; for a model that nobody knows the words are those of chat completions.
fn no_embeddings(name: &str) -> Refusal {
    if Family::of(name).is_none() && !name.contains("gpt") && !name.contains("whisper") {
        return Refusal::not_found(&format!("The model `{name}` does not exist or you do not have access to it."));
    }
    Refusal::invalid("You are not allowed to generate embeddings from this model", "").status(403)
}

/// The words for an empty text and for too many texts alike: embeddings-benchmark/mteb#1200, openai-php/client#171.
fn invalid_input() -> Refusal {
    let message =
        "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.";
    Refusal::invalid(message, "")
}

fn texts(input: &Value) -> Option<Vec<&str>> {
    let texts = match input {
        Value::String(text) => vec![text.as_str()],
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    let is_good = (1..=MAX_TEXTS).contains(&texts.len()) && texts.iter().all(|text| !text.is_empty());
    is_good.then_some(texts)
}

/// Of length 1, as OpenAI's are.
fn vector(text: &str, length: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; length];
    let lower = text.to_lowercase();
    let mut add = |word: &str| {
        for number in 0..OF_A_WORD {
            let mut hasher = DefaultHasher::new();
            (word, number).hash(&mut hasher);
            let hash = hasher.finish();
            if let Some(at) = vector.get_mut((hash >> 1) as usize % length) {
                *at += if hash & 1 == 0 { 1.0 } else { -1.0 };
            }
        }
    };
    let words = || lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    if words().next().is_none() {
        add(&lower);
    }
    words().for_each(&mut add);
    let norm = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    // Two words may cancel each other out.
    if norm == 0.0 {
        vector.iter_mut().take(1).for_each(|first| *first = 1.0);
        return vector;
    }
    vector.iter().map(|number| number / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: Value) -> Result<Value, Refusal> {
        create(&Recorded { body: body.to_string().into(), ..Recorded::default() })
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value["embedding"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    }

    #[test]
    fn texts_that_share_words_lie_near_each_other() {
        let answer = ask(json!({"model": "@openai/text-embedding-3-small",
            "input": ["The harbour is full of ships", "ships in a harbour", "a recipe with onions"]}))
        .unwrap();
        let [first, second, third] = [0, 1, 2].map(|at| numbers(&answer["data"][at]));
        let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
        assert!((product(&first, &first) - 1.0).abs() < 1e-4);
        assert!(product(&first, &second) > 0.3 && product(&first, &third) < 0.3);
        assert_eq!((first.len(), &answer["usage"]["prompt_tokens"]), (1536, &json!(14)));
    }

    #[test]
    fn base64_holds_the_same_numbers() {
        let body = |format: &str| json!({"model": "nomic-embed-text", "input": "x", "dimensions": 16, "encoding_format": format});
        let digits = numbers(&ask(body("float")).unwrap()["data"][0]);
        let answer = ask(body("base64")).unwrap();
        let bytes = BASE64.decode(answer["data"][0]["embedding"].as_str().unwrap()).unwrap();
        let read: Vec<f64> = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect();
        assert_eq!((read.len(), read), (16, digits));
    }

    #[test]
    fn what_openai_refuses() {
        let model = "text-embedding-3-small";
        for (body, status, says) in [
            (json!({"model": model, "input": ""}), 400, "'$.input' is invalid"),
            (json!({"model": model, "input": ["a", ""]}), 400, "'$.input' is invalid"),
            (json!({"model": model, "input": []}), 400, "'$.input' is invalid"),
            (json!({"model": model, "input": vec!["a"; 2049]}), 400, "'$.input' is invalid"),
            (json!({"model": model, "input": "a", "dimensions": 1537}), 400, "Must be from 1 to 1536"),
            (json!({"model": "text-embedding-ada-002", "input": "a", "dimensions": 3}), 400, "specifying dimensions"),
            (json!({"model": model, "input": "a", "encoding_format": "int8"}), 400, "encoding_format"),
            (json!({"model": "@openai/gpt-5-mini", "input": "a"}), 403, "not allowed to generate embeddings"),
            (json!({"model": "nobody", "input": "a"}), 404, "does not exist"),
        ] {
            let refusal = ask(body.clone()).unwrap_err();
            assert_eq!(refusal.status, status, "{body}");
            assert!(refusal.body["error"]["message"].as_str().unwrap().contains(says), "{}", refusal.body);
        }
        assert!(ask(json!({"model": model, "input": vec!["a"; 2048], "dimensions": 1})).is_ok());
    }
}
