//! Image generation and edits: the request's body (model, count, size and so on) and the answer.

mod answer;

pub use answer::Answer;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::base64::{self, NotBase64};
use crate::bindings::exports::openclaw::provider::images::{Image, Request, Response};
use crate::bindings::openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin, Media, MediaSource};
use crate::error::{self, Result};
use crate::form::{File, Form};
use crate::image_size;
use crate::json::{Object, lossy};
use crate::portkey;
use crate::prompt;
use crate::report::Head;
use crate::text::{filled, present};
use crate::usage;
use crate::wire;

/// So many bytes of an image are looked at to see whether it is a text.
pub(crate) const TEXT: usize = 256;

/// So many to see whether that text is an SVG.
const PROLOG: usize = 4096;

/// What a failed generation is called.
pub const GENERATION_FAILED: &str = "Portkey image generation failed";
/// What a failed edit is called.
pub const EDIT_FAILED: &str = "Portkey image edit failed";

/// The model of a request and its fields, with its defaults filled in and checked.
fn fields(request: &Request) -> Result<(String, Object<'_>)> {
    let extra = prompt::extra_members(request.extra_json.as_deref())?;
    let model = prompt::model(&extra, request.model.as_deref(), portkey::IMAGE_MODEL);
    let count = request.count.unwrap_or(1);
    if !(1..=portkey::MAX_IMAGES).contains(&count) {
        return Err(error::invalid_request(&format!(
            "Portkey makes 1 to {} images in a call, not {count}.",
            portkey::MAX_IMAGES
        )));
    }
    let size = filled(request.size.as_deref()).unwrap_or(image_size::DEFAULT);
    if !image_size::is_size(size) {
        return Err(error::invalid_request(
            "The size of an image is written WIDTHxHEIGHT in pixels, such as 1024x1024.",
        ));
    }
    let mut body = Object::default();
    body.set("model", model.clone());
    body.set("prompt", &*request.prompt);
    body.set("n", count);
    body.set("size", size);
    body.set_some("quality", request.quality.as_deref());
    body.set_some("background", request.background.as_deref());
    body.set_some("output_format", request.output_format.as_deref());
    body.set_some("response_format", response_format(&model));
    body.extend(extra);
    Ok((model, body))
}

/// Only these take `response_format`; gpt-image models refuse it and always answer in base64. Source: OpenAI's API
/// reference, "Create image".
fn response_format(model: &str) -> Option<&'static str> {
    matches!(prompt::bare(model), "dall-e-2" | "dall-e-3").then_some("b64_json")
}

/// The model of the call and the JSON body of `/images/generations`.
pub fn generation(request: &Request) -> Result<(String, Vec<u8>)> {
    let (model, body) = fields(request)?;
    Ok((model, body.to_json().into_bytes()))
}

/// An edit of `inputs`: a request to `/images/edits`.
pub fn edit(connection: &Connection, request: &Request, inputs: &[Media], mask: Option<&Media>) -> Result<Form> {
    if inputs.is_empty() {
        return Err(error::invalid_request("An image edit needs an image to edit."));
    }
    if inputs.len() > portkey::MAX_INPUT_IMAGES as usize {
        return Err(error::invalid_request(&format!(
            "Portkey image editing supports up to {} reference images.",
            portkey::MAX_INPUT_IMAGES
        )));
    }
    let (model, fields) = fields(request)?;
    let field = if inputs.len() > 1 { "image[]" } else { "image" };
    let mut files: Vec<File<'_>> =
        inputs.iter().enumerate().map(|(at, media)| file_of(field, &format!("image-{}", at + 1), media)).collect();
    files.extend(mask.map(|media| file_of("mask", "mask", media)));
    Ok(Form::new(connection, &model, fields, &files))
}

fn file_of<'m>(field: &'m str, stem: &str, media: &'m Media) -> File<'m> {
    let (media_type, ending) = match sniff(&media.data) {
        Some(known) => known,
        None if media.media_type.is_empty() => ("image/png", "png"),
        None => {
            let ending = media
                .media_type
                .strip_prefix("image/")
                .filter(|ending| ending.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            (&*media.media_type, ending.unwrap_or("bin"))
        }
    };
    File { field, name: format!("{stem}.{ending}"), media_type, data: &media.data }
}

/// A kind of file: where its first bytes tell it, and which, its media type and its ending.
pub(crate) type Kind = (usize, &'static [u8], &'static str, &'static str);

const KINDS: [Kind; 5] = [
    (0, b"\x89PNG", "image/png", "png"),
    (0, b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (8, b"WEBP", "image/webp", "webp"),
    (0, b"GIF8", "image/gif", "gif"),
    (4, b"ftypavi", "image/avif", "avif"),
];

/// Media type and file ending, by the first bytes.
pub(crate) fn kind_of(kinds: &[Kind], data: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_it = |(at, bytes, ..): &&Kind| data.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    kinds.iter().find(is_it).map(|(.., kind, ending)| (*kind, *ending))
}

/// The same of an image.
pub(crate) fn sniff(data: &[u8]) -> Option<(&'static str, &'static str)> {
    kind_of(&KINDS, data).or_else(|| is_svg(data).then_some(("image/svg+xml", "svg")))
}

/// The start of a text, if it is one, up to a number of bytes: other images than SVG begin with more than printable
/// characters.
pub(crate) fn text(data: &[u8], most: usize) -> Option<&str> {
    let start = data.get(..most).unwrap_or(data);
    // The last character may be cut off.
    let length = str::from_utf8(start).map_or_else(|wrong| wrong.valid_up_to(), str::len);
    let text = str::from_utf8(start.get(..length)?).ok()?;
    let is_text = length == data.len() || length + 4 > most;
    (is_text && length > 0 && !text.contains(|one: char| one.is_control() && !one.is_ascii_whitespace()))
        .then_some(text)
}

/// Whether it is a text whose first element is `svg`. A web page may have one further in.
fn is_svg(data: &[u8]) -> bool {
    let mut rest = text(data, PROLOG).unwrap_or_default().trim_start_matches('\u{feff}').trim_start();
    while let Some(behind) = without_prolog(rest) {
        rest = behind.trim_start();
    }
    rest.starts_with("<svg")
}

/// What is behind the next thing that may stand before an SVG's first element.
fn without_prolog(svg: &str) -> Option<&str> {
    let behind = |begin, end| Some(svg.strip_prefix(begin)?.split_once(end)?.1);
    behind("<?", "?>").or_else(|| behind("<!--", "-->")).or_else(|| {
        let kind = svg.strip_prefix("<!DOCTYPE svg")?;
        // Entities are declared in brackets.
        let (declared, rest) = kind.split_once('>')?;
        if declared.contains('[') { Some(kind.split_once("]>")?.1) } else { Some(rest) }
    })
}

/// Refuses an image that is a text: a web page, or what an error says.
pub(crate) fn check(head: &Head, data: &[u8]) -> Result<()> {
    if text(data, TEXT).is_none() || is_svg(data) {
        return Ok(());
    }
    Err(error::in_words(head, data).unwrap_or_else(|| error::protocol(head, "An image in the answer is text", data)))
}

/// An image in a text takes so many bytes at least. A model may write of a smaller one.
pub(crate) const DRAWN: usize = 1024;

/// The first image in a text, between what is before it and behind it: many proxies write so what Google's models draw, as
/// `![image](data:image/png;base64,...)` (QuantumNous/new-api#2346), and some its URL alone (WebAI2API#102). Code that was
/// asked for may have one in it, and `is_code` where the text begins in it.
pub(crate) fn drawn(text: &str, is_code: bool) -> Option<(&str, MediaSource, &str)> {
    let (mut from, mut marks) = (0, usize::from(is_code));
    // Each byte is looked at once, however many are none.
    while text.len() - from >= DRAWN {
        let (all, rest) = text.split_at_checked(from + text.get(from..)?.find("data:image/")?)?;
        let before = all.get(from..)?;
        let end = rest.bytes().position(|byte| matches!(byte, b')' | b' ' | b'\n' | b'"' | b'`')).unwrap_or(rest.len());
        let (url, behind) = rest.split_at_checked(end)?;
        // Three marks begin code, and end it.
        marks += before.split("```").count() - 1;
        // A bracket alone is a part of its name; a link before it is none.
        let named = before.strip_suffix("](").unwrap_or_default().as_bytes();
        let at = named.windows(2).rposition(|two| two == b"![" || two == b"](");
        let start = match at.filter(|at| named.get(*at) == Some(&b'!')) {
            Some(at) => Some(from + at),
            None => Some(0).filter(|_| from == 0 && before.trim().is_empty()),
        };
        if let Some(start) = start.filter(|_| marks % 2 == 0 && url.len() >= DRAWN)
            && let Ok(data) = base64::decoded(url.as_bytes())
            && let Some((media_type, _)) = sniff(&data)
        {
            let image = MediaSource::Inline(Media { media_type: media_type.to_owned(), data });
            return Some((text.get(..start)?, image, behind.strip_prefix(')').unwrap_or(behind)));
        }
        from = text.len() - behind.len();
    }
    None
}

/// The answer to either request.
pub fn response(head: &Head, answer: Answer, model: &str) -> Result<Response> {
    let (json, mut inlined) = answer.finish();
    let text = lossy(&json);
    let text = wire::last_event(text.trim_start());
    let malformed = |what| error::malformed(head, what, text.as_bytes());
    let answer = wire::Images::parse(text).map_err(|_| malformed("Portkey image generation response malformed"))?;
    let not_base64 = |quote: &[u8]| error::protocol(head, "An image is not base64", quote);
    let mut images = Vec::with_capacity(answer.data.len());
    if let Some(error) = error::refused_image(&answer.reason, head) {
        return Err(error);
    }
    let mut refused = None;
    for image in answer.data {
        if let Some(error) = error::refused_image(&image.reason, head) {
            refused = Some(error);
            continue;
        }
        // One whose name is spelled in another way was not found, and has no number.
        let number = image.base64.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        let (source, ending) = if let Some(found) = number.and_then(|number| inlined.get_mut(number)) {
            let data = mem::replace(found, Err(NotBase64::default()));
            media(head, data.map_err(|NotBase64(text)| not_base64(&text))?)?
        } else if !image.base64.is_empty() || image.url.starts_with("data:") {
            let text = if image.base64.is_empty() { &image.url } else { &image.base64 }.as_bytes();
            media(head, base64::decoded(text).map_err(|_| not_base64(text.get(..32).unwrap_or(text)))?)?
        } else {
            let ending = url_ending(&image.url);
            (MediaSource::Url(image.url.into_owned()), ending)
        };
        let file_name = format!("image-{}.{ending}", images.len() + 1);
        images.push(Image { source, file_name, revised_prompt: present(image.revised_prompt) });
    }
    if images.is_empty() {
        return Err(refused.unwrap_or_else(|| {
            let missing = malformed("Portkey image generation response missing image data");
            if missing.kind != ErrorKind::Protocol {
                return missing;
            }
            // A model that also chats says why not.
            let choice = wire::Completion::parse(text).ok().and_then(|read| read.choices.into_iter().next());
            let said = choice.and_then(|choice| choice.message).unwrap_or_default().content.text;
            if !said.is_empty() {
                return error::protocol(head, "The model made no image, and says", said.as_bytes());
            }
            error::refused_image(&answer.status, head).unwrap_or(missing)
        }));
    }
    let model = present(answer.model).unwrap_or_else(|| model.to_owned());
    Ok(Response { model, images, usage: answer.usage.as_ref().and_then(usage::usage), report: head.report() })
}

fn media(head: &Head, data: Vec<u8>) -> Result<(MediaSource, &'static str)> {
    check(head, &data)?;
    let (media_type, ending) = sniff(&data).unwrap_or(("image/png", "png"));
    Ok((MediaSource::Inline(Media { media_type: media_type.to_owned(), data }), ending))
}

/// The ending in a URL's path, where it is an image's.
fn url_ending(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let ending = path.rsplit('.').next().map_or("", |ending| if ending == "jpeg" { "jpg" } else { ending });
    KINDS.iter().find(|kind| kind.3 == ending).map_or("png", |kind| kind.3)
}

/// The same error, said to be an image's: `Portkey image generation failed (HTTP 400): ...`. What this component
/// refused by itself says so already.
pub fn failed(what: &str, mut error: Box<Error>) -> Box<Error> {
    if error.origin != ErrorOrigin::Plugin && !error.message.starts_with("Portkey image") {
        let status = error.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        error.message = format!("{what}{status}: {}", error.message);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::tests::connection;
    use alloc::vec;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn request(prompt: &str) -> Request {
        Request {
            model: None,
            prompt: prompt.to_owned(),
            count: None,
            size: None,
            quality: None,
            background: None,
            output_format: None,
            extra_json: None,
        }
    }

    fn generated(request: &Request) -> String {
        String::from_utf8(generation(request).unwrap().1).unwrap()
    }

    fn png() -> Media {
        Media { media_type: String::new(), data: PNG.to_vec() }
    }

    fn ok(body: &str) -> Result<Response> {
        let mut answer = Answer::new(body.len());
        answer.push(body.as_bytes());
        response(&Head { status: 200, headers: Vec::new() }, answer, "m")
    }

    #[test]
    fn i5_the_body_holds_what_was_asked_and_no_more() {
        let asked = Request { count: Some(2), size: Some("3840x2160".into()), ..request("a cat") };
        assert_eq!(generated(&asked), r#"{"model":"gpt-image-2","prompt":"a cat","n":2,"size":"3840x2160"}"#);
        assert_eq!(
            generated(&request("a cat")),
            r#"{"model":"gpt-image-2","prompt":"a cat","n":1,"size":"1024x1024"}"#
        );
        let all = Request {
            model: Some(" @openai/dall-e-3 ".into()),
            quality: Some("hd".into()),
            background: Some("opaque".into()),
            output_format: Some("webp".into()),
            extra_json: Some(r#"{"user":"u","quality":"low"}"#.into()),
            ..request("p")
        };
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&generated(&all)).unwrap(),
            serde_json::json!({"model": "@openai/dall-e-3", "prompt": "p", "n": 1, "size": "1024x1024", "background": "opaque",
                "output_format": "webp", "response_format": "b64_json", "user": "u", "quality": "low"})
        );
    }

    #[test]
    fn counts_and_sizes_are_checked_before_anything_is_sent() {
        for count in [0, 5] {
            let error = generation(&Request { count: Some(count), ..request("p") }).unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidRequest, false));
        }
        for size in ["big", "1024", "1024x", "x1", "0x10", "-1x2", "+1x2", "1x2x3", "1024X1024"] {
            assert!(generation(&Request { size: Some(size.into()), ..request("p") }).is_err(), "{size}");
        }
        for size in ["17x23", "auto", " 1024x1024 ", ""] {
            assert!(generation(&Request { size: Some(size.into()), ..request("p") }).is_ok(), "{size}");
        }
    }

    fn form(edit: &Form) -> String {
        String::from_utf8_lossy(&edit.body).into_owned()
    }

    #[test]
    fn i6_an_edit_of_one_image_is_a_form() {
        let edit = edit(&connection(), &request("p"), &[png()], None).unwrap();
        let form = form(&edit);
        assert!(edit.content_type.starts_with("multipart/form-data; boundary="));
        assert!(form.contains("name=\"image\"; filename=\"image-1.png\"\r\nContent-Type: image/png\r\n\r\n"));
        for (name, value) in [("model", "gpt-image-2"), ("prompt", "p"), ("n", "1"), ("size", "1024x1024")] {
            assert!(form.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n")), "{name}");
        }
        assert!(!form.contains("response_format") && !form.contains("image[]") && !form.contains("\"mask\""));
    }

    #[test]
    fn several_images_a_mask_and_further_fields() {
        let jpeg = Media { media_type: "image/png".into(), data: vec![0xff, 0xd8, 0xff, 0] };
        let odd = Media { media_type: "image/tiff".into(), data: vec![1] };
        let asked = Request {
            extra_json: Some(r#"{"n":2,"n":3,"input_fidelity":"high","x":1,"x":null,"flag":true}"#.into()),
            ..request("p")
        };
        let edit = edit(&connection(), &asked, &[png(), jpeg, odd], Some(&png())).unwrap();
        let form = form(&edit);
        for part in [
            "name=\"image[]\"; filename=\"image-1.png\"\r\nContent-Type: image/png",
            "name=\"image[]\"; filename=\"image-2.jpg\"\r\nContent-Type: image/jpeg",
            "name=\"image[]\"; filename=\"image-3.tiff\"\r\nContent-Type: image/tiff",
            "name=\"mask\"; filename=\"mask.png\"",
            "name=\"n\"\r\n\r\n3\r\n",
            "name=\"input_fidelity\"\r\n\r\nhigh\r\n",
            "name=\"flag\"\r\n\r\ntrue\r\n",
        ] {
            assert!(form.contains(part), "{part}");
        }
        // Of two members of one name the last counts.
        assert_eq!(form.matches("name=\"n\"").count(), 1);
        assert!(!form.contains("name=\"x\""));
    }

    #[test]
    fn two_images_are_a_list() {
        let edit = edit(&connection(), &request("p"), &[png(), png()], None).unwrap();
        assert_eq!(form(&edit).matches("name=\"image[]\"").count(), 2);
    }

    #[test]
    fn the_slug_goes_in_a_header() {
        let asked = |model: &str| Request { model: Some(model.into()), ..request("p") };
        let split = edit(&connection(), &asked("@openai/gpt-image-1"), &[png()], None).unwrap();
        assert_eq!(split.model, "gpt-image-1");
        assert_eq!(split.connection.headers, [("x-portkey-provider".to_owned(), "@openai".to_owned())]);
        assert!(form(&split).contains("\r\n\r\ngpt-image-1\r\n"));

        let mut own = connection();
        own.headers.push(("X-Portkey-Provider".into(), "@mine".into()));
        let kept = edit(&own, &asked("@openai/a/b"), &[png()], None).unwrap();
        assert_eq!((kept.model.as_str(), kept.connection.headers), ("a/b", own.headers));

        for model in ["@cf/black/flux", "@hf/x/y", "gpt-image-1", "@alone"] {
            let whole = edit(&connection(), &asked(model), &[png()], None).unwrap();
            assert_eq!((whole.model.as_str(), whole.connection.headers.len()), (model, 0));
        }
    }

    #[test]
    fn too_many_inputs_and_none() {
        let error = edit(&connection(), &request("p"), &vec![png(); 6], None).unwrap_err();
        assert_eq!(error.message, "Portkey image editing supports up to 5 reference images.");
        assert!(edit(&connection(), &request("p"), &[], None).is_err());
    }

    #[test]
    fn answers_in_base64_and_by_url() {
        let answer = ok(r#"{"created":1,"model":"gpt-image-1","data":[{"b64_json":"iVBORw0KGgo=","revised_prompt":"a grey cat"},{"x":1},
            {"b64_json":null,"url":"https://cdn/x.JPEG?sig=1"},{"b64_json":"data:image/png;base64,_9j_AA"}],
            "usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12,"input_tokens_details":{"text_tokens":5}}}"#)
        .unwrap();
        let images = &answer.images;
        assert_eq!(images.len(), 3);
        assert_eq!(images[0].source, MediaSource::Inline(Media { media_type: "image/png".into(), data: PNG.to_vec() }));
        assert_eq!(
            (images[0].file_name.as_str(), images[0].revised_prompt.as_deref()),
            ("image-1.png", Some("a grey cat"))
        );
        assert_eq!(
            (&images[1].source, images[1].file_name.as_str()),
            (&MediaSource::Url("https://cdn/x.JPEG?sig=1".into()), "image-2.jpg")
        );
        assert_eq!(
            images[2].source,
            MediaSource::Inline(Media { media_type: "image/jpeg".into(), data: vec![0xff, 0xd8, 0xff, 0] })
        );
        assert_eq!(answer.model, "gpt-image-1");
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (5, 7));
        assert_eq!(ok(r#"{"data":[{"url":"u"}]}"#).unwrap().model, "m");
    }

    #[test]
    fn images_stand_anywhere_in_an_answer() {
        let images = |json: &str| {
            let images = ok(json).unwrap().images.into_iter();
            images
                .map(|image| match image.source {
                    MediaSource::Inline(media) => media.data,
                    MediaSource::Url(url) => url.into_bytes(),
                })
                .collect::<Vec<_>>()
        };
        // The last of them in the middle, before another that is a URL, and with an escape.
        assert_eq!(
            images("\u{feff}{\"data\":[{\"b64_json\":\"AQID\\n\"},{\"b64_json\":\"BAUG\"}],\"x\":[1]}"),
            [[1, 2, 3], [4, 5, 6]]
        );
        assert!(ok(r#"{"data":[{"b64_json":"data:image/png"}]}"#).is_err());
        assert_eq!(images(r#"{"data":[{"b64_json":"AQID"},{"url":"u"}]}"#), [&[1, 2, 3][..], b"u"]);
        assert_eq!(images(r#"{"data":[{"b64_json":"\/\/\/\/"}]}"#), [[255; 3]]);
        assert_eq!(images(r#"{"data":[{"b64_json":"data:image\/png;base64,AQID=="}]}"#), [[1, 2, 3]]);
    }

    #[test]
    fn answers_without_images_are_errors() {
        for body in [r#"{"data":[]}"#, r#"{"data":[{"revised_prompt":"x"}]}"#] {
            let error = ok(body).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol);
            assert!(
                error.message.starts_with("Portkey image generation response missing image data"),
                "{}",
                error.message
            );
        }
        let words = r#"{"choices":[{"message":{"role":"assistant","content":"I draw no persons.","images":[]},"finish_reason":"stop"}]}"#;
        assert_eq!(ok(words).unwrap_err().message, "The model made no image, and says: I draw no persons.");
        for body in ["", "[]", "{}", r#"{"data":{}}"#, r#"{"data":[{"b64_json":"%%"}]}"#] {
            assert_eq!(ok(body).unwrap_err().kind, ErrorKind::Protocol, "{body}");
        }
        assert_eq!(ok(r#"{"error":{"message":"no"},"data":[{"url":"u"}]}"#).unwrap_err().message, "no");
    }

    #[test]
    fn failures_say_what_failed() {
        let head = Head { status: 400, headers: Vec::new() };
        let error = failed(EDIT_FAILED, error::from_response(&head, br#"{"error":{"message":"bad mask"}}"#));
        assert_eq!(error.message, "Portkey image edit failed (HTTP 400): bad mask");
        assert_eq!(failed(EDIT_FAILED, error::missing_credential()).message, "Portkey API key missing");
    }

    #[test]
    fn types_are_told_by_their_first_bytes() {
        for (data, ending) in [
            (PNG, "png"),
            (b"\xff\xd8\xff\xe0", "jpg"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
            (b"GIF89a", "gif"),
            (b"\0\0\0\x1cftypavif", "avif"),
        ] {
            assert_eq!(sniff(data).unwrap().1, ending);
        }
        let long = format!("<?xml version=\"1.0\"?>\n<!-- {} -->\n<svg>", "<svg ".repeat(200));
        let entities = "\u{feff}<!DOCTYPE svg PUBLIC \"a\" \"b\" [ <!ENTITY c \"d\"> ]>\n<svg>";
        for svg in ["<svg", "\n<!DOCTYPE svg><!---->\n<svg>", &long, entities] {
            assert_eq!(sniff(svg.as_bytes()).map(|(_, ending)| ending), Some("svg"), "{svg}");
        }
        for page in ["<html><svg></svg>", "<!DOCTYPE html><svg>", "<!-- <svg>", "a <svg>"] {
            assert_eq!(sniff(page.as_bytes()), None, "{page}");
        }
        assert_eq!(sniff(b"<html>"), None);
        assert_eq!(sniff(b""), None);
        assert!(check(&Head { status: 200, headers: Vec::new() }, b"").is_ok(), "nothing is no text");
    }

    #[test]
    fn images_of_other_shapes() {
        let png = MediaSource::Inline(Media { media_type: "image/png".into(), data: PNG.to_vec() });
        for body in [
            r#"{"data":[{"url":"data:image/png;base64,iVBORw0KGgo="}]}"#,
            r#"{"data":{"b64_json":"iVBORw0KGgo="}}"#,
            r#"{"data":["data:image/png;base64,iVBORw0KGgo="]}"#,
            r#"{"images":[{"image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}"#,
            r#"{"data":[{"base64":"iVBORw0KGgo="}],"error":null}"#,
            r#"{"data":[null,3,{},{"b64_json":"iVBORw0KGgo="}]}"#,
            r#"{"image":"iVBORw0KGgo=","seed":1}"#,
            r#"{"result":{"image":"iVBORw0KGgo="},"success":true}"#,
            r#"{"artifacts":[{"base64":"iVBORw0KGgo=","finishReason":"SUCCESS"}]}"#,
            r#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"iVBORw0KGgo="}]}"#,
            r#"{"data":{"image_base64":["iVBORw0KGgo="]},"base_resp":{"status_code":0,"status_msg":"success"}}"#,
            r#"{"output":{"choices":[{"message":{"content":[{"image":"iVBORw0KGgo="}]}}]}}"#,
            r#"{"choices":[{"message":{"images":[{"image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"x"},{"inlineData":{"data":"iVBORw0KGgo="}}]}}]}"#,
            r#"[{"base64":"iVBORw0KGgo=","seed":1}]"#,
            r#"{"image":"iVBORw0KGgo=","finish_reason":"SUCCESS","seed":1}"#,
            r#"{"seeds":[1],"finish_reasons":[null],"images":["iVBORw0KGgo="]}"#,
            r#"{"artifacts":[{"base64":"iVBORw0KGgo=","finishReason":"SUCCESS"},{"base64":"AQID","finishReason":"CONTENT_FILTERED"}]}"#,
            r#"{"generatedImages":[{"image":{"imageBytes":"iVBORw0KGgo=","mimeType":"image/png"}}]}"#,
            // As it is streamed, where it is, though nobody asked for it.
            "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"iVBORw0KGgo=\"}\n\ndata: [DONE]\n",
            "\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AQID\"}\n\ndata:{\"b64_json\":\"iVBORw0KGgo=\"}",
        ] {
            let images = ok(body).unwrap().images;
            assert_eq!(images.len(), 1, "{body}");
            assert_eq!((&images[0].source, images[0].file_name.as_str()), (&png, "image-1.png"), "{body}");
        }
        for body in [
            r#"{"data":[{"url":"https://a/b","respect_moderation":true,"is_image_safe":true}],"has_nsfw_concepts":[false]}"#,
            r#"{"images":[{"url":"https://a/c"},{"url":"https://a/b"}],"has_nsfw_concepts":[true,false]}"#,
            r#"{"data":[{"url":null,"is_image_safe":false},{"url":"https://a/b","is_image_safe":true}]}"#,
            r#"{"status":"Ready","result":{"sample":"https://a/b"}}"#,
        ] {
            let images = ok(body).unwrap().images;
            assert_eq!(
                images.iter().map(|image| &image.source).collect::<Vec<_>>(),
                [&MediaSource::Url("https://a/b".into())],
                "{body}"
            );
        }
        let several = ok(r#"[{"base64":"iVBORw0KGgo="},{"base64":"iVBORw0KGgo="}]"#).unwrap();
        assert_eq!(several.images.len(), 2);
        let endless = format!(r#"{{"data":[{{"url":"data:image/png;base64,{}%"}}]}}"#, "AAAA".repeat(1000));
        let error = ok(&endless).unwrap_err();
        assert!(error.message.contains("not base64") && error.message.len() < 100, "{}", error.message);
        for (body, words) in [
            (r#"{"code":7,"msg":"no balance"}"#, "no balance"),
            (r#"{"data":[],"error":"why"}"#, "why"),
            (r#"{"data":[{"error":{"code":"x","message":"it is sensitive"}}]}"#, "it is sensitive"),
            (r#"{"output":{"results":[],"image_count":0}}"#, "missing image data"),
            (r#"{"data":{"id":"abc"}}"#, "missing image data"),
            ("event: error\ndata: {\"error\":{\"message\":\"no luck\"}}\n", "no luck"),
            ("data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AQID\"}\n", "malformed"),
            ("data: [DONE]", "malformed"),
            (r#"{"artifacts":[{"base64":"AQID","finishReason":"ERROR"}]}"#, "broke off with ERROR"),
        ] {
            assert!(ok(body).unwrap_err().message.contains(words), "{body}");
        }
        // Blurred by a filter, or not there for it.
        for (body, words) in [
            (r#"{"artifacts":[{"base64":"AQID","finishReason":"CONTENT_FILTERED"}]}"#, "CONTENT_FILTERED"),
            (r#"{"image":"AQID","finish_reason":"CONTENT_FILTERED","seed":1}"#, "CONTENT_FILTERED"),
            (r#"{"finish_reasons":["Filter reason: output image"],"images":["AQID"]}"#, "output image"),
            (r#"{"finish_reasons":["Filter reason: prompt"],"images":[""]}"#, "prompt"),
            (r#"{"predictions":[{"raiFilteredReason":"They violated Vertex AI's usage guidelines."}]}"#, "guidelines"),
            (r#"{"images":[],"error":"All images have been blocked by our content filters."}"#, "content filters"),
            (r#"{"data":[{"error":{"code":"x","message":"the output image may be related to a risk"}}]}"#, "a risk"),
            // Of xAI, Ideogram and fal: there, not there, or black.
            (r#"{"data":[{"b64_json":"iVBORw0KGgo=","respect_moderation":false}]}"#, "refused"),
            (r#"{"data":[{"url":"","respect_moderation":false}]}"#, "refused"),
            (r#"{"data":[{"url":null,"is_image_safe":false,"seed":1}]}"#, "refused"),
            (r#"{"images":[{"url":"https://a/b"}],"has_nsfw_concepts":[true]}"#, "refused"),
            // Of Google's own endpoint, and a chat's.
            (r#"{"candidates":[{"finishReason":"IMAGE_SAFETY","index":0}]}"#, "IMAGE_SAFETY"),
            (r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#, "content_filter"),
            // Of Black Forest Labs.
            (r#"{"id":"a","status":"Content Moderated","result":null}"#, "Content Moderated"),
            (r#"{"status":"Request Moderated","details":{"Moderation Reasons":["Derivative Works"]}}"#, "Derivative"),
        ] {
            let error = ok(body).unwrap_err();
            assert_eq!(error.kind, ErrorKind::ContentBlocked, "{body}: {}", error.message);
            assert!(error.message.contains(words), "{body}: {}", error.message);
        }
        // What is text is no image, but for one kind.
        for (base64, words) in [
            ("PGh0bWw+PHRpdGxlPk5vPC90aXRsZT4=", "is text: <html><title>No</title>"),
            ("eyJlcnJvciI6eyJtZXNzYWdlIjoibm8gY3JlZGl0In19", "no credit"),
            ("cmF0ZSBsaW1pdGVk", "is text: rate limited"),
        ] {
            for body in [format!(r#"{{"data":[{{"b64_json":"{base64}"}}]}}"#), format!(r#"{{"data":["{base64}"]}}"#)] {
                let error = ok(&body).unwrap_err();
                assert!(error.message.contains(words) && !error.message.contains(base64), "{}", error.message);
            }
        }
        let svg = ok(r#"{"data":[{"b64_json":"PD94bWw/Pgo8c3ZnIHdpZHRoPSIxIi8+"}]}"#).unwrap();
        assert_eq!(svg.images[0].file_name, "image-1.svg");
        assert!(ok(r#"{"data":[{"b64_json":"AAECAwQFBgc="}]}"#).is_ok(), "of a kind that nobody knows here");
        let urls = [
            r#"{"output":{"results":[{"url":"https://a/b"}]}}"#,
            r#"{"data":{"image_urls":["https://a/b"]}}"#,
            r#"{"image":{"url":"https://a/b"}}"#,
            r#"{"status":"Ready","result":{"sample":"https://a/b","prompt":"https://c"}}"#,
            r#"{"state":"completed","assets":{"image":"https://a/b"}}"#,
        ];
        for body in urls {
            let images = ok(body).unwrap().images;
            assert_eq!(
                images.iter().map(|image| &image.source).collect::<Vec<_>>(),
                [&MediaSource::Url("https://a/b".into())],
                "{body}"
            );
        }
    }
}
