//! Images, files, audio and films in the form that each provider takes, or in words.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, text_part};
use super::cache::MARK;
use super::media::{as_url, is_address, is_seen};
use super::targets::Targets;
use crate::base64;
use crate::json::{Json, Object};
use crate::model_traits::{Family, Protocol, Route, Traits};
use crate::prompt::typed;

/// Claude, Gemini and all at Bedrock get a PDF as a data URL in `image_url`, which the gateway turns into a document, and a
/// text file as text: in `file` it would be lost or broken. OpenAI takes `file`, with a data URL. Source: gateway 1.15.2
/// and 2.2.3, all four providers. What the gateway would leave out without a word, and OpenAI refuse, is named in one.
pub(super) fn all(body: &mut Body<'_>, targets: &Targets) {
    let is_rewritten = targets.all(|target| {
        let is_own = matches!(target.family, Family::Claude | Family::Gemini | Family::Nova);
        (is_own || target.route == Route::Bedrock) && !matches!(target.route, Route::OpenRouter | Route::Other)
    });
    let (is_openai, is_known) = (targets.has_openai(), !targets.is_unknown());
    let is_of = |family| targets.are(family) && !targets.goes(Route::OpenRouter);
    let (is_mistral, is_sonar) = (is_of(Family::Mistral), is_of(Family::Sonar));
    // For Bedrock the gateway wants plain texts in base64.
    let has_texts = targets.all(|target| target.route != Route::Bedrock);
    for message in &mut body.messages {
        let Some(Json::List(content)) = message.get("content") else { continue };
        let is_odd = |part: &Json<'_>| part.object().is_some_and(|part| !part.is("type", "text"));
        if message.is("role", "user") && content.iter().any(is_odd) {
            let content = message.take_list("content");
            let mut all = Vec::with_capacity(content.len() + 1);
            for part in content {
                let object =
                    part.object().map(|object| if is_known && !is_rewritten { pdf_as_file(object) } else { object });
                let name = object.as_ref().map(|object| held(object, &object.text("type")).text("filename"));
                let made = match object {
                    Some(object) if has_texts && let Some(said) = plain(&object) => said,
                    Some(object) if is_rewritten => rewritten(object, targets),
                    Some(object) if targets.all(|target| !takes(target, &object, body.protocol)) => in_words(&object),
                    Some(object) if (is_mistral || is_sonar) && object.is("type", "file") => {
                        by_url(&object, is_mistral)
                    }
                    Some(object) => document(object, is_openai, is_known),
                    None => part,
                };
                // A file is told by its name before it, where it has no place for that.
                let loses_name =
                    made.object().is_some_and(|made| !["text", "file"].iter().any(|kind| made.is("type", kind)));
                let name = name.filter(|name| loses_name && !name.is_empty());
                all.extend(name.map(|name| text_part(Json::Text(name)).into()));
                all.push(made);
            }
            // "A text block must be included when using documents" (BerriAI/litellm#36499).
            let is_text = |part: &Json<'_>| matches!(part, Json::Object(part) if part.is("type", "text"));
            if targets.goes(Route::Bedrock) && all.iter().any(is_document) && !all.iter().any(is_text) {
                all.push(text_part("(see attached file)".into()).into());
            }
            message.set("content", all);
        }
    }
}

/// All of these take a PDF as a file alone, if at all; OpenClaw's builder has it as an image.
fn pdf_as_file(part: Object<'_>) -> Object<'_> {
    let url = url_of(&held(&part, "image_url")).into_owned();
    if !part.is("type", "image_url") || !url.starts_with("data:application/pdf") {
        return part;
    }
    typed("file", [("file_data", url.into())].into())
}

/// Whether a part becomes a document at Bedrock.
fn is_document(part: &Json<'_>) -> bool {
    let Json::Object(part) = part else { return false };
    match part.get("image_url") {
        Some(Json::Object(image)) => {
            matches!(image.get("url"), Some(Json::Text(url)) if url.starts_with("data:application/"))
        }
        _ => part.is("type", "file"),
    }
}

/// Whether a model takes a part, as far as is known. OpenAI takes a file by its address, or one that is no PDF, by the
/// Responses API alone, and there no audio (OpenAI's documentation, "File inputs"; trpc-group/trpc-agent-go#1816), and few
/// kinds of images ("You uploaded an unsupported image"). Others
/// are refused for good once an image or a file is in the history ("unknown variant `image_url`, expected `text`":
/// nesquena/hermes-webui#2297; "Invalid value: file": QwenLM/qwen-code#1888), as is an image by its address at Moonshot
/// ("unsupported image url": OpenHands/software-agent-sdk#3155).
fn takes(target: &Traits, part: &Object<'_>, protocol: Protocol) -> bool {
    let is_chat = protocol == Protocol::Chat;
    let is_open = target.route == Route::OpenRouter;
    match (target.family, &*part.text("type")) {
        (_, "text") => true,
        (_, "image_url") => {
            let url = url_of(&held(part, "image_url"));
            let is_had = target.family != Family::Kimi || target.route != Route::Direct || !url.starts_with("http");
            is_had && (!url.starts_with("data:") || is_seen(&url)) && (target.images || target.context_tokens == 0)
        }
        (Family::Gpt, "file") if is_chat && !is_open => {
            let url = url_of(&held(part, "file"));
            !is_address(&url) && (!url.starts_with("data:") || url.starts_with("data:application/pdf"))
        }
        (Family::Gpt, "input_audio") => is_chat && target.context_tokens == 0,
        (Family::Gpt, kind) if !is_open => kind == "file" || !is_chat && kind.starts_with("input_"),
        (Family::Qwen, "video_url" | "video" | "input_audio") => true,
        (Family::DeepSeek | Family::Qwen, _) => is_open,
        (Family::Kimi, "file") => is_open,
        // Of audio a text alone, where a model hears (its `openapi-public-doc.yaml`, `AudioChunk`).
        (Family::Mistral, "input_audio") => is_open || part.get("input_audio").is_some_and(|it| it.string().is_some()),
        (Family::Mistral, kind) => is_open || ["file", "document_url", "reference", "thinking"].contains(&kind),
        (Family::Grok, "file") => is_open || held(part, "file").has("file_id"),
        _ => target.route != Route::Strict,
    }
}

/// A plain text in a file, where it stands as it is: the gateway wants no base64 of it.
fn plain<'a>(part: &Object<'a>) -> Option<Json<'a>> {
    let file = part.get("file")?.object()?;
    let text = file.get("file_data").filter(|_| file.is("mime_type", "text/plain"))?.string()?;
    if text.starts_with("data:") {
        return None;
    }
    // OpenAI's own form is base64.
    let decoded = base64::decoded(text.as_bytes()).ok().filter(|_| text.len() >= 8 && text.len() % 4 == 0);
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|read| !read.contains(is_odd));
    let text = decoded.map_or(text, Cow::Owned);
    let mut said = text_part([&*file.text("filename"), "\n", &text].concat().into());
    said.set_some(MARK, part.get(MARK).cloned());
    Some(said.into())
}

/// Whether no text has this in it.
fn is_odd(next: char) -> bool {
    next.is_control() && !next.is_whitespace()
}

/// A part as a text.
fn in_words(part: &Object<'_>) -> Json<'static> {
    let kind = part.text("type");
    let held = held(part, &kind);
    text_part(told(&kind, &held, &url_of(&held)).into()).into()
}

/// What is in a part of this kind, which may be the part itself.
fn held<'a>(part: &Object<'a>, kind: &str) -> Object<'a> {
    part.get(kind).map_or_else(|| part.clone(), |held| held.object().unwrap_or([("url", held.clone())].into()))
}

/// Where it is, or its data.
fn url_of<'a>(held: &Object<'a>) -> Cow<'a, str> {
    let url = ["url", "file_data", "file_url"].iter().find_map(|name| held.get(name)?.string()).unwrap_or_default();
    as_url(url, &held.text("mime_type"))
}

/// What is text in it, a drawing in SVG or code, and else which part it is that a model cannot take: its name, and its address
/// or its type.
fn told(kind: &str, held: &Object<'_>, url: &str) -> String {
    let name = held.text("filename");
    // What was found, say, is within, and where (Anthropic's `search_result`).
    if let Some(text) = ["text", "content"].iter().map(|name| held.text(name)).find(|text| !text.is_empty()) {
        let mut said = String::new();
        for place in ["title", "source"].iter().filter(|_| kind == "search_result") {
            said.push_str(&held.text(place));
            said.push('\n');
        }
        said.push_str(&text);
        return said;
    }
    let may_be_text = url.starts_with("data:") && !url.starts_with("data:application/pdf");
    let file = if may_be_text { base64::decoded(url.as_bytes()).unwrap_or_default() } else { Vec::new() };
    let is_text = ["data:text/", "data:image/svg", "data:application/json"].iter().any(|start| url.starts_with(start));
    let read = match url.split_once(',') {
        Some((head, text)) if is_text && !head.ends_with(";base64") => Some(unescaped(text).into()),
        _ if is_text => Some(String::from_utf8_lossy(&file)),
        _ => core::str::from_utf8(&file).ok().filter(|read| !read.contains(is_odd)).map(Cow::Borrowed),
    };
    if let Some(read) = read.filter(|read| !read.is_empty()) {
        return [&*name, "\n", &read].concat();
    }
    let mut words = ["(", kind, " that this model cannot take:"].concat();
    let shown = match url.strip_prefix("data:") {
        Some(data) => data.split([';', ',']).next().unwrap_or_default(),
        None if is_address(url) => url,
        None => "",
    };
    for told in [&*name, shown, &held.text("file_id")].iter().filter(|told| !told.is_empty()) {
        words.push(' ');
        words.push_str(told);
    }
    words.push(')');
    words
}

/// A text of a URL: `%20` is a space.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out: Vec<u8> = pieces.next().unwrap_or_default().into();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(b'%'));
        out.extend_from_slice(piece.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default().as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Types that are called otherwise, by a part of their names: "Input should be 'image/jpeg'", and those for Bedrock, for
/// which the gateway hands on what stands behind the slash.
const RENAMED: [(&str, &str); 11] = [
    ("image/jpg", "image/jpeg"),
    ("text/plain", "text/txt"),
    ("text/markdown", "text/md"),
    ("wordprocessingml", "application/docx"),
    ("spreadsheetml", "application/xlsx"),
    ("msword", "application/doc"),
    ("ms-excel", "application/xls"),
    ("quicktime", "video/mov"),
    ("x-matroska", "video/mkv"),
    ("x-ms-wmv", "video/wmv"),
    ("x-flv", "video/flv"),
];

/// A part for those for whom the gateway writes it anew. It keeps a text and what is in `image_url`, for Gemini audio too, and
/// for Bedrock only what is there (for an address it answers 500), and a file in S3.
fn rewritten<'a>(mut part: Object<'a>, targets: &Targets) -> Json<'a> {
    let is_gemini = targets.are(Family::Gemini);
    let is_nova = targets.are(Family::Nova);
    let is_bedrock = targets.goes(Route::Bedrock);
    let kind = part.text("type");
    let mut held = held(&part, &kind);
    // Of Anthropic's Files the hosted gateway takes the id (Portkey's documentation, "Anthropic", "Files").
    let is_stored = is_bedrock && held.text("file_url").starts_with("s3://")
        || held.text("file_id").starts_with("file_")
            && targets.are(Family::Claude)
            && targets.all(|target| target.route == Route::Direct);
    if kind == "text" || kind == "input_audio" && is_gemini {
        return part.into();
    }
    let told_type = held.text("mime_type");
    let name_of = |head: &str| {
        let mut names = RENAMED.iter().take(if is_bedrock { RENAMED.len() } else { 1 });
        names.find(|(part, _)| head.contains(part)).map(|(_, name)| *name)
    };
    if kind == "file" && is_stored {
        held.set_some("mime_type", name_of(&told_type));
        part.set("file", held);
        return part.into();
    }
    let url = url_of(&held);
    let renamed = url
        .split_once(";base64,")
        .and_then(|(head, data)| Some(Cow::Owned(["data:", name_of(head)?, ";base64,", data].concat())));
    let url = renamed.unwrap_or(url);
    let is = |start: &str| url.starts_with(start);
    let is_elsewhere = is_address(&url);
    let is_of = |group: &str, kinds: &[&str]| {
        let kind = url.strip_prefix(group);
        kind.is_some_and(|kind| kinds.iter().any(|known| kind.starts_with(known)))
    };
    let is_image = |kinds: &[&str]| is_of("data:image/", kinds);
    let is_taken = match &*kind {
        "image_url" | "file" => true,
        // As vLLM, Qwen and Kimi have them.
        "video_url" | "audio_url" => is_gemini || is_nova,
        _ => false,
    } && if is_elsewhere {
        !is_bedrock
    } else {
        // Bedrock knows no AVI, and the gateway no name of a 3GP that Bedrock does ("three_gp").
        let is_film = is_gemini && is("data:video/")
            || is_nova && is_of("data:video/", &["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv"]);
        let is_office = is_bedrock && (is("data:application/doc") || is("data:application/xls"));
        let has_gif = !is_bedrock && !targets.has(&[Family::Gemini]);
        is_film || is_office || is("data:application/pdf") || is_gemini && is("data:audio/")
            // The gateway makes a document of a GIF for Bedrock, and of what else is no image to it.
            || is_image(&["png", "jpeg", "webp"]) || has_gif && is_image(&["gif"]) || is_gemini && is_image(&["heic", "heif"])
    };
    let mut out = if !is_taken {
        text_part(told(&kind, &held, &url).into())
    } else if is_elsewhere && kind == "file" && !is_gemini {
        // Claude takes a document from an address.
        typed("file", [("file_url", Json::Text(url))].into())
    } else {
        // The type stays too, which Gemini needs where it is elsewhere.
        let mut image = held;
        image.retain(&|name| !name.starts_with("file"));
        image.set("url", Json::Text(url));
        typed("image_url", image.into())
    };
    out.set_some(MARK, part.take(MARK));
    out.into()
}

/// A file as Mistral has it, which refuses OpenAI's form (0xPlaygrounds/rig#2331, danny-avila/LibreChat#12144), or
/// Perplexity, without the head of a data URL (its documentation, "Attachments"; so Vercel's SDK, vercel/ai#16972).
fn by_url(part: &Object<'_>, is_mistral: bool) -> Json<'static> {
    let held = held(part, "file");
    let url = url_of(&held);
    if url.starts_with("data:application/") || is_address(&url) {
        if is_mistral {
            return typed("document_url", url.into_owned().into()).into();
        }
        let url = String::from(url.split_once(";base64,").map_or(&*url, |(_, data)| data));
        return typed("file_url", [("url", url.into())].into()).into();
    }
    match held.get("file_id") {
        Some(id) => [("type", "file".into()), ("file_id", id.owned())].into(),
        None => in_words(part),
    }
}

/// A file, and an image, for all others. Strands Agents writes a format beside the URL, which OpenAI refuses.
fn document(mut part: Object<'_>, is_openai: bool, is_known: bool) -> Json<'_> {
    if is_known
        && part.is("type", "image_url")
        && let Some(mut image) = part.take("image_url")
    {
        if let Some(mut named) = image.object() {
            named.retain(&|name| matches!(name, "url" | "detail"));
            image = named.into();
        }
        part.set("image_url", image);
        return part.into();
    }
    let Some(mut file) = part.get("file").and_then(Json::object) else { return part.into() };
    let mut kind = String::new();
    if is_openai && file.has("mime_type") {
        kind = file.text("mime_type").into_owned();
        file.remove("mime_type");
        part.set("file", file.clone());
    }
    let Some(url) = file.get("file_data").and_then(Json::string).map(|data| as_url(data, &kind)) else {
        return part.into();
    };
    // OpenAI takes data without a name for none ("Missing required parameter": openai/openai-agents-python#1513).
    if url.starts_with("data:") && file.text("filename").is_empty() {
        file.set("filename", "file");
    }
    file.set("file_data", Json::Text(url));
    part.set("file", file);
    part.into()
}
