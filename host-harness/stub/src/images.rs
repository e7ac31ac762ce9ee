//! Image generation and edits: real PNG files, a gradient whose colours follow from the prompt and the input images.
//! It owns the shapes of OpenAI's image API. Always PNG: `output_format` and `quality` are not honoured.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::respond::{Refusal, bare};
use super::{Field, Recorded};

const MAX_SIDE: u32 = 4096;

type Colour = [u8; 3];

/// POST images/generations. `files` is the URL under which [`file()`] is served.
pub(crate) fn generate(request: &Recorded, files: &str) -> Result<Value, Refusal> {
    let body = request.json();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    draw(text, body["n"].as_u64().or(body["n"].is_null().then_some(1)), &[], files)
}

/// POST images/edits: multipart alone, as at OpenAI.
pub(crate) fn edit(request: &Recorded, files: &str) -> Result<Value, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    if !content_type.starts_with("multipart/form-data") {
        let message = format!(
            "Unsupported content type: '{content_type}'. This API method only accepts 'multipart/form-data' requests."
        );
        return Err(Refusal::invalid(&message, "content-type"));
    }
    let text = |name: &str| request.field(name).map(Field::text);
    // The hosted gateway routes by the slug and leaves it in the form, where the provider does not know it.
    if let Some(model) = text("model").filter(|model| model.starts_with('@')) {
        return Err(Refusal::not_found(&format!("The model '{model}' does not exist.")));
    }
    let inputs: Vec<&Field> =
        request.fields.iter().filter(|field| matches!(&*field.name, "image" | "image[]")).collect();
    if inputs.is_empty() {
        return Err(Refusal::invalid("Missing required parameter: 'image'.", "image"));
    }
    for field in inputs.iter().copied().chain(request.field("mask")) {
        if media_type(&field.data).is_none() || (field.name == "mask" && media_type(&field.data) != Some("image/png")) {
            return Err(Refusal::invalid(&format!("Invalid image file for '{}'.", field.name), &field.name));
        }
    }
    draw(text, text("n").map_or(Some(1), |n| n.parse().ok()), &inputs, files)
}

/// GET images/files/WIDTHxHEIGHT-COLOUR-COLOUR.png: the name says all there is to say about an image.
pub(crate) fn file(name: &str) -> Option<Vec<u8>> {
    let mut parts = name.strip_suffix(".png")?.split('-');
    let (width, height) = size(parts.next()?)?;
    let mut colour = || u32::from_str_radix(parts.next()?, 16).ok().map(colour_of);
    png(width, height, colour()?, colour()?)
}

fn draw(
    text: impl Fn(&str) -> Option<String>,
    n: Option<u64>,
    inputs: &[&Field],
    files: &str,
) -> Result<Value, Refusal> {
    let model = text("model").unwrap_or_else(|| "dall-e-2".into());
    let model = bare(&model);
    let Some(prompt) = text("prompt").filter(|prompt| !prompt.is_empty()) else {
        return Err(Refusal::invalid("Missing required parameter: 'prompt'.", "prompt"));
    };
    let Some(n) = n.filter(|n| (1..=10).contains(n)) else {
        return Err(Refusal::invalid("Invalid 'n': expected an integer from 1 to 10.", "n"));
    };
    let asked = text("size").filter(|size| size != "auto").unwrap_or_else(|| "1024x1024".into());
    let Some((width, height)) = size(&asked) else {
        return Err(Refusal::invalid(&format!("Invalid size '{asked}'."), "size"));
    };
    let format = text("response_format");
    if model.starts_with("gpt-image") && format.is_some() {
        return Err(Refusal::invalid("Unknown parameter: 'response_format'.", "response_format"));
    }
    let by_url = format.map_or(model.starts_with("dall-e"), |format| format == "url");

    let image = |index: u64| {
        let mut hasher = DefaultHasher::new();
        (&prompt, index).hash(&mut hasher);
        inputs.iter().for_each(|input| input.data.hash(&mut hasher));
        let hash = hasher.finish();
        let [from, to] = [hash as u32, (hash >> 32) as u32].map(|bits| bits & 0xff_ffff);
        let revised = format!("A gradient for \"{prompt}\"{}", describe_all(inputs));
        if by_url {
            let url = format!("{files}{width}x{height}-{from:06x}-{to:06x}.png");
            return Some(json!({"url": url, "revised_prompt": revised}));
        }
        let bytes = png(width, height, colour_of(from), colour_of(to))?;
        Some(json!({"b64_json": BASE64.encode(bytes), "revised_prompt": revised}))
    };
    let data: Option<Vec<Value>> = (0..n).map(image).collect();
    let words = prompt.split_whitespace().count() as u64;
    let (image_tokens, output) = (100 * inputs.len() as u64, 1000 * n);
    Ok(json!({
        "created": 1_700_000_000,
        "background": text("background").unwrap_or_else(|| "opaque".into()),
        "output_format": "png",
        "quality": text("quality").unwrap_or_else(|| "medium".into()),
        "size": format!("{width}x{height}"),
        "data": data,
        "usage": {
            "input_tokens": words + image_tokens,
            "output_tokens": output,
            "total_tokens": words + image_tokens + output,
            "input_tokens_details": {"text_tokens": words, "image_tokens": image_tokens},
        },
    }))
}

fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
    Some((side(width)?, side(height)?))
}

fn colour_of(bits: u32) -> Colour {
    let [_, red, green, blue] = bits.to_be_bytes();
    [red, green, blue]
}

/// A PNG file: a gradient from the top to the bottom.
pub(crate) fn png(width: u32, height: u32, from: Colour, to: Colour) -> Option<Vec<u8>> {
    use std::io::Write as _;

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().ok()?;
    let mut rows = writer.stream_writer().ok()?;
    for y in 0..height {
        let mix = |from: u8, to: u8| ((u32::from(from) * (height - y) + u32::from(to) * y) / height) as u8;
        let ([r, g, b], [to_r, to_g, to_b]) = (from, to);
        let row = [mix(r, to_r), mix(g, to_g), mix(b, to_b)].repeat(usize::try_from(width).ok()?);
        rows.write_all(&row).ok()?;
    }
    rows.finish().ok()?;
    drop(writer);
    Some(bytes)
}

/// The media type by the first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        _ => None,
    }
}

/// An image in words, such as `image/png 16x16 (90 bytes)`; `None` where the bytes are no image.
pub(crate) fn describe(bytes: &[u8]) -> Option<String> {
    let media_type = media_type(bytes)?;
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let size = match (media_type, number(16), number(20)) {
        ("image/png", Some(width), Some(height)) => format!(" {width}x{height}"),
        _ => String::new(),
    };
    Some(format!("{media_type}{size} ({} bytes)", bytes.len()))
}

fn describe_all(inputs: &[&Field]) -> String {
    let all: Vec<String> = inputs.iter().filter_map(|input| describe(&input.data)).collect();
    if all.is_empty() { String::new() } else { format!(" from {}", all.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_is_real() {
        let bytes = png(5, 7, [255, 0, 0], [0, 0, 255]).unwrap();
        assert_eq!(describe(&bytes).unwrap(), format!("image/png 5x7 ({} bytes)", bytes.len()));
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!((pixels.len(), &pixels[..3]), (5 * 7 * 3, &[255, 0, 0][..]));
    }

    #[test]
    fn sizes() {
        assert_eq!(size("1024x1536"), Some((1024, 1536)));
        for bad in ["", "1024", "0x1", "4097x1", "1x-1", "1X1", "99999999999x1"] {
            assert_eq!(size(bad), None, "{bad}");
        }
        assert_eq!(describe(&file("4x3-ff0000-0000ff.png").unwrap()).unwrap().get(..13), Some("image/png 4x3"));
        assert!(file("4x3-ff0000.png").is_none());
    }
}
