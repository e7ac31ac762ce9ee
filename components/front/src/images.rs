//! Images on OpenAI's wire: the JSON of a generation, the form of an edit, and the answer to either.
//!
//! Source: OpenAI's API reference, "Create image" and "Create image edit".

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::bindings::openclaw::provider::images::{Request, Response};
use crate::bindings::openclaw::provider::types::{Media, MediaSource};
use crate::failure::Failure;
use crate::fields::{self, flag, number, rest, text, usage};
use crate::form::parts;

/// Reads the body of a generation.
pub fn generation(body: &[u8]) -> Result<Request, Box<Failure>> {
    request(fields::object(body)?)
}

/// An edit.
#[derive(Debug, PartialEq)]
pub struct Edit {
    /// What to draw.
    pub request: Request,
    /// The images to start from, at least one.
    pub inputs: Vec<Media>,
    /// Where to draw.
    pub mask: Option<Media>,
}

/// Reads the body of an edit.
pub fn edit(content_type: &[u8], body: &[u8]) -> Result<Edit, Box<Failure>> {
    let mut fields = Map::new();
    let mut inputs = Vec::new();
    let mut mask = None;
    for part in parts(content_type, body)? {
        match part.name.as_str() {
            "image" | "image[]" => inputs.push(part.media()),
            "mask" => mask = Some(part.media()),
            _ => {
                let (name, text) = part.text()?;
                fields.insert(name, text.into());
            }
        }
    }
    if inputs.is_empty() {
        return Err(Failure::invalid_field("image", "is missing: an edit needs an image to start from"));
    }
    // In a form all is text.
    for name in ["n", "stream"] {
        if let Some(value) = fields.get_mut(name)
            && let Some(Ok(read)) = value.as_str().map(serde_json::from_str)
        {
            *value = read;
        }
    }
    Ok(Edit { request: request(fields)?, inputs, mask })
}

fn request(mut fields: Map<String, Value>) -> Result<Request, Box<Failure>> {
    if flag(&mut fields, "stream")? == Some(true) {
        return Err(Failure::invalid_field("stream", "cannot be had for images"));
    }
    let prompt = text(&mut fields, "prompt")?.ok_or_else(|| Failure::invalid_field("prompt", "is missing"))?;
    Ok(Request {
        model: text(&mut fields, "model")?,
        prompt,
        size: text(&mut fields, "size")?,
        quality: text(&mut fields, "quality")?,
        background: text(&mut fields, "background")?,
        output_format: text(&mut fields, "output_format")?,
        count: number(&mut fields, "n")?,
        extra_json: rest(fields),
    })
}

/// The answer to either request, as JSON.
pub fn answer(response: Response, created: u64) -> Vec<u8> {
    let data: Vec<Value> = response
        .images
        .iter()
        .map(|image| {
            let mut entry = match &image.source {
                MediaSource::Inline(media) => json!({"b64_json": STANDARD.encode(&media.data)}),
                MediaSource::Url(url) => json!({"url": url}),
            };
            if let (Some(prompt), Some(entry)) = (&image.revised_prompt, entry.as_object_mut()) {
                entry.insert("revised_prompt".to_owned(), prompt.as_str().into());
            }
            entry
        })
        .collect();
    let mut answer = json!({"created": created, "data": data});
    if let (Some(used), Some(answer)) = (response.usage, answer.as_object_mut()) {
        answer.insert("usage".to_owned(), usage(&used).into());
    }
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::images::Image;
    use crate::bindings::openclaw::provider::types::{GatewayReport, Usage};
    use alloc::vec;

    const FORM: &[u8] = b"multipart/form-data; boundary=\"b-1\"";

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (head, data) in parts {
            body.extend_from_slice(format!("--b-1\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b-1--\r\n");
        body
    }

    #[test]
    fn a_form_with_images_a_mask_and_fields() {
        let png = b"\x89PNG\r\n--b-\r\n\x00";
        let body = form(&[
            ("name=\"prompt\"", "at n\u{ef}ght".as_bytes()),
            ("name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: image/png", png),
            ("name=\"image[]\"; filename=\"b\"", b""),
            ("name=\"mask\"; filename=\"m.webp\"\r\ncontent-type: image/webp", b"RIFF"),
            ("name=\"n\"", b"2"),
            ("name=\"input_fidelity\"", b"high"),
        ]);
        let edit = edit(FORM, &body).unwrap();
        let media = |media_type: &str, data: &[u8]| Media { media_type: media_type.into(), data: data.to_vec() };
        assert_eq!(edit.inputs, [media("image/png", png), media("", b"")]);
        assert_eq!(edit.mask, Some(media("image/webp", b"RIFF")));
        assert_eq!((edit.request.prompt.as_str(), edit.request.count), ("at nïght", Some(2)));
        assert_eq!(edit.request.extra_json.as_deref(), Some(r#"{"input_fidelity":"high"}"#));
    }

    #[test]
    fn forms_that_are_none() {
        let good = form(&[("name=\"prompt\"", b"x"), ("name=\"image\"; filename=\"a\"", b"y")]);
        assert!(edit(FORM, &good).is_ok());
        for (content_type, body) in [
            (&b"application/json"[..], &good[..]),
            (b"multipart/form-data", &good),
            (FORM, b""),
            (FORM, &good[..good.len() - 4]),
            (FORM, &form(&[("name=\"prompt\"", b"x")])),
            (FORM, &form(&[("name=\"image\"; filename=\"a\"", b"x")])),
            (FORM, &form(&[("name=\"prompt\"", b"\xff"), ("name=\"image\"", b"y")])),
            (FORM, &form(&[(&"x".repeat(2000), b"x")])),
        ] {
            assert_eq!(edit(content_type, body).unwrap_err().status, 400, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_generation() {
        let body =
            json!({"model": "m", "prompt": "p", "n": 3, "size": "auto", "style": "vivid", "response_format": "url"});
        let request = generation(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (request.model.as_deref(), request.count, request.size.as_deref()),
            (Some("m"), Some(3), Some("auto"))
        );
        assert_eq!(request.extra_json.as_deref(), Some(r#"{"style":"vivid","response_format":"url"}"#));
        for body in
            [json!({}), json!({"prompt": 3}), json!({"prompt": "p", "stream": true}), json!({"prompt": "p", "n": -1})]
        {
            assert_eq!(generation(body.to_string().as_bytes()).unwrap_err().status, 400, "{body}");
        }
    }

    #[test]
    fn images_and_their_usage() {
        let image = |source| Image { source, file_name: String::new(), revised_prompt: Some("r".into()) };
        let media = Media { media_type: "image/png".into(), data: b"\x89PNG".to_vec() };
        let response = Response {
            model: "m".into(),
            images: vec![image(MediaSource::Inline(media)), image(MediaSource::Url("https://x.example/1".into()))],
            usage: Some(Usage {
                input_tokens: 1,
                output_tokens: 2,
                cache_read_tokens: None,
                cache_write_tokens: None,
                reasoning_tokens: None,
            }),
            report: GatewayReport {
                trace_id: None,
                provider: None,
                cache_status: None,
                retry_attempts: None,
                used_target: None,
            },
        };
        let answer: Value = serde_json::from_slice(&answer(response, 7)).unwrap();
        assert_eq!(
            answer,
            json!({
                "created": 7,
                "data": [
                    {"b64_json": "iVBORw==", "revised_prompt": "r"},
                    {"url": "https://x.example/1", "revised_prompt": "r"},
                ],
                "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            })
        );
    }
}
