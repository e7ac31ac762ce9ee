//! Texts as vectors: the request's body and the answer.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::base64;
use crate::bindings::optional::embeddings::{Request, Response};
use crate::error::{self, Result};
use crate::json::{Json, Object, lossy};
use crate::portkey;
use crate::prompt;
use crate::report::Head;
use crate::text::present;
use crate::usage;
use crate::wire;

/// Most texts of one request. Source: OpenAI's API reference, "Create embeddings".
const MAX_TEXTS: usize = 2048;

/// The model of the call and the JSON body of `/embeddings`.
pub fn request(request: &Request) -> Result<(String, String)> {
    let extra = prompt::extra_members(request.extra_json.as_deref())?;
    if request.texts.is_empty() {
        return Err(error::invalid_request("There is no text to make a vector of."));
    }
    if request.texts.len() > MAX_TEXTS {
        return Err(error::with_hint(
            error::invalid_request(&format!(
                "One call takes at most {MAX_TEXTS} texts, and these are {}.",
                request.texts.len()
            )),
            "Send them in several calls.",
        ));
    }
    if let Some(at) = request.texts.iter().position(String::is_empty) {
        return Err(error::with_hint(
            error::invalid_request(&format!("Text {} is empty.", at + 1)),
            "Leave it out: an empty text has no vector.",
        ));
    }
    let model = prompt::model(&extra, request.model.as_deref(), portkey::EMBEDDING_MODEL);
    let mut body = Object::default();
    body.set("model", model.clone());
    body.set("input", request.texts.iter().map(|text| text.as_str().into()).collect::<Vec<_>>());
    body.set_some("dimensions", request.dimensions);
    body.set_some("encoding_format", encoding(&model));
    body.extend(extra);
    Ok((model, body.to_json()))
}

/// Vectors in base64 are a third of their size in digits. OpenAI's models are asked for it; Amazon's refuse the request
/// that the gateway makes of it, and other providers may (gateway 1.15.2, `embeddingTypes`).
fn encoding(model: &str) -> Option<&'static str> {
    prompt::bare(model).starts_with("text-embedding-").then_some("base64")
}

/// The answer to a request for `count` vectors.
pub fn response(head: &Head, body: &[u8], count: usize, model: &str) -> Result<Response> {
    let malformed = || error::malformed(head, "The answer holds no vectors", body);
    let text = lossy(body);
    let mut answer = wire::Vectors::parse(&text).map_err(|_| malformed())?;
    if answer.data.is_empty() {
        return Err(malformed());
    }
    let miscounted = |found: usize| {
        let what = format!("The answer holds {found} vectors for {count} texts");
        error::protocol(head, &what, b"none of them is used")
    };
    if answer.data.len() != count {
        return Err(miscounted(answer.data.len()));
    }
    // Some providers number them, from 0 or 1, and not each in its place; others do not, or give all the number 0. Google
    // leaves that one out.
    let number = |item: &wire::Vector<'_>| item.index.unwrap_or(0);
    let is_numbered = answer.data.iter().any(|item| number(item) > 0);
    let first = is_numbered.then(|| answer.data.iter().map(number).min().unwrap_or(0).min(1));
    let mut vectors = vec![Vec::new(); count];
    for (at, item) in answer.data.iter().enumerate() {
        let place = first.map_or(at, |first| usize::try_from(number(item) - first).unwrap_or(usize::MAX));
        let vector = numbers(&item.embedding).ok_or_else(|| {
            let quote = item.embedding.raw().unwrap_or_default();
            error::protocol(head, "A vector in the answer is no list of numbers", quote.as_bytes())
        })?;
        if let Some(slot) = vectors.get_mut(place) {
            *slot = vector;
        }
    }
    // One that was not filled had its number twice, or out of range.
    let filled = vectors.iter().filter(|vector| !vector.is_empty()).count();
    if filled != count {
        return Err(miscounted(filled));
    }
    let length = vectors.first().map_or(0, Vec::len);
    if let Some(other) = vectors.iter().map(Vec::len).find(|other| *other != length) {
        let what = format!("The vectors in the answer have {length} numbers, and {other}");
        return Err(error::protocol(head, &what, b"none of them is used"));
    }
    // Nothing is written, so a total alone is what was read.
    if let Some(usage) = &mut answer.usage
        && let Some(total) = usage.get("total_tokens").cloned()
        && ["prompt_tokens", "input_tokens"].iter().all(|name| usage.get(name).is_none())
    {
        usage.set("prompt_tokens", total);
    }
    Ok(Response {
        model: present(core::mem::take(&mut answer.model)).unwrap_or_else(|| model.to_owned()),
        vectors,
        usage: answer.usage.as_ref().and_then(usage::usage),
        report: head.report(),
    })
}

/// A vector, in base64 or in digits. None where there is a number missing, or one that is none.
fn numbers(vector: &Json<'_>) -> Option<Vec<f32>> {
    let mut numbers: Vec<f32> = Vec::new();
    if let Some(text) = vector.string() {
        let bytes = base64::decoded(text.as_bytes()).ok()?;
        let (all, rest) = bytes.as_chunks::<4>();
        numbers.extend(all.iter().filter(|_| rest.is_empty()).map(|bytes| f32::from_le_bytes(*bytes)));
        // No model has such numbers: Perplexity's are bytes.
        if numbers.iter().any(|number| number.is_finite() && number.abs() > 1e9) {
            numbers = bytes.into_iter().map(|byte| f32::from(byte as i8)).collect();
        }
    } else {
        for number in vector.list()? {
            numbers.push(number.number()? as f32);
        }
    }
    (!numbers.is_empty() && numbers.iter().all(|number| number.is_finite())).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_other_shapes() {
        for body in [
            r#"{"embeddings":[[1,0.5]]}"#,
            r#"{"embeddings":{"float":[[1,0.5]]},"id":"x"}"#,
            r#"{"embeddings":{"int8":null,"base64":["AACAPwAAAD8="]}}"#,
            r#"{"embeddings":{"texts":"x","ubinary":[[1,0.5]]}}"#,
            r#"{"embedding":[1,0.5]}"#,
            r#"{"embedding":"AACAPwAAAD8="}"#,
            r#"{"embedding":[1,0.5],"embeddingsByType":{"float":[1,0.5]}}"#,
            r#"{"embeddingsByType":{"float":[1,0.5]}}"#,
            "[[1,0.5]]",
            " [1, 0.5]",
            r#"{"embedding":{"values":[1,0.5]}}"#,
            r#"{"embeddings":[{"values":[1,0.5]}]}"#,
            r#"{"data":[{"index":0,"embedding":{"float":[1,0.5]}}]}"#,
            r#"{"data":[{"embeddings":{"values":[1,0.5],"statistics":{}}}]}"#,
            r#"{"data":[{"index":0,"embedding":[[1,0.5]]}]}"#,
            r#"[{"index":0,"embedding":[[1,0.5]]}]"#,
            "\n[{\"index\":0,\"embedding\":[\n  [1,0.5]\n]}]",
        ] {
            let answer = response(&Head { status: 200, headers: Vec::new() }, body.as_bytes(), 1, "m");
            assert_eq!(answer.map(|answer| answer.vectors), Ok(vec![vec![1.0, 0.5]]), "{body}");
        }
        // Hugging Face, DashScope, Workers AI, Vertex, watsonx, MiniMax, SageMaker; all of one number (spring-ai#7019), and
        // without the number 0, as Google does it (pi-session-search#13).
        for body in [
            "[[1],[2]]",
            r#"{"output":{"embeddings":[{"text_index":1,"embedding":[2]},{"text_index":0,"embedding":[1]}]}}"#,
            r#"{"result":{"shape":[2,1],"data":[[1],[2]]},"success":true,"errors":[]}"#,
            r#"{"predictions":[{"embeddings":{"values":[1],"statistics":{"token_count":3}}},{"embeddings":{"values":[2]}}]}"#,
            r#"{"model_id":"m","results":[{"embedding":[1]},{"embedding":[2]}]}"#,
            r#"{"vectors":[[1],[2]],"base_resp":{"status_code":0}}"#,
            r#"{"embedding":[[1],[2]]}"#,
            r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}"#,
            r#"{"data":[{"embedding":[1]},{"index":1,"embedding":[2]}]}"#,
            r#"{"data":[{"index":1,"embedding":[2]},{"embedding":[1]}]}"#,
        ] {
            let answer = response(&Head { status: 200, headers: Vec::new() }, body.as_bytes(), 2, "m");
            assert_eq!(answer.map(|answer| answer.vectors), Ok(vec![vec![1.0], vec![2.0]]), "{body}");
        }
        for (body, words) in [
            (r#"{"data":[{"embedding":[1]},{"embedding":[2]},{"index":2,"embedding":[3]}]}"#, "2 vectors for 3 texts"),
            (r#"[{"error":{"message":"bad input"}}]"#, "bad input"),
            (r#"{"detail":[{"msg":"bad input"}]}"#, "bad input"),
            (r#"{"vectors":null,"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#, "rate limit"),
            ("[]", "no vectors"),
            ("[null]", "no vectors"),
        ] {
            let error = response(&Head { status: 200, headers: Vec::new() }, body.as_bytes(), 3, "m").unwrap_err();
            assert!(error.message.contains(words), "{body}: {}", error.message);
        }
        let total = r#"{"data":[{"embedding":[1]}],"usage":{"total_tokens":2}}"#;
        let answer = response(&Head { status: 200, headers: Vec::new() }, total.as_bytes(), 1, "m").unwrap();
        assert_eq!(answer.usage.map(|usage| usage.input_tokens), Some(2));
        let both = r#"{"data":[{"embedding":[1]}],"usage":{"input_tokens":3,"total_tokens":5}}"#;
        let answer = response(&Head { status: 200, headers: Vec::new() }, both.as_bytes(), 1, "m").unwrap();
        assert_eq!(answer.usage.map(|usage| usage.input_tokens), Some(3));
    }

    use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};

    fn asked(texts: &[&str]) -> Request {
        Request {
            model: None,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            dimensions: None,
            extra_json: None,
        }
    }

    fn head() -> Head {
        Head { status: 200, headers: vec![("x-portkey-trace-id".into(), "t".into())] }
    }

    fn answered(body: &str, count: usize) -> Result<Response> {
        response(&head(), body.as_bytes(), count, "m")
    }

    #[test]
    fn the_body_holds_what_was_asked() {
        let (model, body) = request(&asked(&["a", "b\n"])).unwrap();
        assert_eq!(model, "text-embedding-3-small");
        assert_eq!(body, r#"{"model":"text-embedding-3-small","input":["a","b\n"],"encoding_format":"base64"}"#);
        let other = Request {
            model: Some(" @bedrock/amazon.titan-embed-text-v2:0 ".into()),
            dimensions: Some(256),
            extra_json: Some(r#"{"normalize":true}"#.into()),
            ..asked(&["a"])
        };
        assert_eq!(
            request(&other).unwrap().1,
            r#"{"model":"@bedrock/amazon.titan-embed-text-v2:0","input":["a"],"dimensions":256,"normalize":true}"#
        );
        let extra = Request { extra_json: Some(r#"{"encoding_format":"float","model":"x"}"#.into()), ..asked(&["a"]) };
        assert_eq!(
            request(&extra).unwrap(),
            ("x".into(), r#"{"model":"x","input":["a"],"encoding_format":"float"}"#.into())
        );
    }

    #[test]
    fn what_no_provider_takes_is_refused_before_anything_is_sent() {
        for (texts, says) in [
            (vec![], "no text"),
            (vec!["a", ""], "Text 2 is empty."),
            (vec!["a"; 10_000], "at most 2048 texts, and these are 10000"),
        ] {
            let error = request(&asked(&texts)).unwrap_err();
            assert_eq!(
                (error.kind, error.origin, error.request_sent),
                (ErrorKind::InvalidRequest, ErrorOrigin::Plugin, false)
            );
            assert!(error.message.contains(says), "{}", error.message);
        }
        assert!(request(&Request { extra_json: Some("[]".into()), ..asked(&["a"]) }).is_err());
        assert!(request(&asked(&["a"; 2048])).is_ok());
    }

    #[test]
    fn vectors_come_in_base64_and_in_digits_and_are_put_in_order() {
        // 1.0 and -2.5, little-endian.
        let got = answered(
            r#"{"object":"list","model":"text-embedding-3-small","data":[{"object":"embedding","index":1,"embedding":"AACAPwAAIMA="},
            {"object":"embedding","index":0,"embedding":[0.5, -1e-3]}],"usage":{"prompt_tokens":7,"total_tokens":7}}"#,
            2,
        )
        .unwrap();
        assert_eq!(got.vectors, [[0.5, -1e-3], [1.0, -2.5]]);
        assert_eq!(got.model, "text-embedding-3-small");
        let usage = got.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (7, 0));
        assert_eq!(got.report.trace_id.as_deref(), Some("t"));
        let bare = answered(r#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#, 2).unwrap();
        assert_eq!((bare.vectors, bare.model, bare.usage), (vec![vec![1.0], vec![2.0]], "m".into(), None));
        let from_one = r#"{"data":[{"index":2,"embedding":[1]},{"index":1,"embedding":[2]}]}"#;
        assert_eq!(answered(from_one, 2).unwrap().vectors, [[2.0], [1.0]]);
    }

    /// Perplexity's are whole numbers of one byte each ("Embeddings", its API's reference).
    #[test]
    fn bytes_in_base64_are_no_floats() {
        // Read as floats, one of them is 10^28.
        let got = answered(r#"{"data":[{"embedding":"EewDgAB//20="}]}"#, 1).unwrap();
        assert_eq!(got.vectors, [[17.0, -20.0, 3.0, -128.0, 0.0, 127.0, -1.0, 109.0]]);
    }

    #[test]
    fn another_count_than_texts_is_no_answer() {
        for (body, count, says) in [
            (r#"{"data":[{"index":0,"embedding":[1]}]}"#, 2, "The answer holds 1 vectors for 2 texts"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1]}]}"#, 1, "The answer holds 2 vectors for 1 texts"),
            (
                r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]},{"index":1,"embedding":[3]}]}"#,
                3,
                "The answer holds 2 vectors for 3 texts",
            ),
            (
                r#"{"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[2]}]}"#,
                2,
                "The answer holds 1 vectors for 2 texts",
            ),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1,2]}]}"#, 2, "have 1 numbers, and 2"),
            (r#"{"data":[{"embedding":[]}]}"#, 1, "no list of numbers"),
            (r#"{"data":[{"embedding":"AAAA"}]}"#, 1, "no list of numbers"),
            (r#"{"data":[{"embedding":"!"}]}"#, 1, "no list of numbers"),
            (r#"{"data":[{"embedding":[1,"x"]}]}"#, 1, "no list of numbers"),
            (r#"{"data":[{"embedding":[1e400]}]}"#, 1, "no list of numbers"),
            // An infinity.
            (r#"{"data":[{"embedding":"AACAfw=="}]}"#, 1, "no list of numbers"),
            (r#"{"data":[]}"#, 1, "The answer holds no vectors"),
            ("{}", 1, "The answer holds no vectors"),
            ("", 1, "the answer is empty"),
        ] {
            let error = answered(body, count).unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::Protocol, true), "{body}");
            assert!(error.message.contains(says), "{body}: {}", error.message);
        }
    }

    #[test]
    fn a_failure_in_a_success_is_one() {
        let error = answered(r#"{"error":{"message":"no such model","code":"model_not_found"}}"#, 1).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, "no such model"));
        assert_eq!(answered("<html><title>Hello</title>", 1).unwrap_err().kind, ErrorKind::InvalidConfig);
    }
}
