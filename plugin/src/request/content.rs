//! Contents of messages in the form that each provider takes: one system message, documents, names of tool results.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, is_system, list, parts, text_part};
use super::cache::MARK;
use super::media::{as_url, is_address, is_seen};
use super::pairs;
use super::targets::Targets;
use crate::base64;
use crate::json::{Json, Object, last_of_each};
use crate::model_traits::{Family, Protocol, Route, Thinking, Traits};
use crate::tool_calls::LONGEST_NAME;

/// Moves images, files, audio and films in tool results, in what is told beforehand, and those that a model made, into a
/// user's message after them. OpenAI and Gemini take only texts there, and the gateway drops images of results for Bedrock,
/// hands files, and images of the model's, to Anthropic as they are, and spoils a system message with an image for it
/// (1.15.2 and 2.2.3). OpenClaw's own client does the same for results. The Responses API takes images and files there, but
/// for the model's.
///
/// What is left and is no text is said in one, or the whole session would be refused: providers have their own parts, such as
/// Anthropic's of a search, which Anthropic alone takes back, and hosts theirs.
pub(super) fn tool_images(body: &mut Body<'_>, targets: &Targets) {
    let is_claude = targets.all(|target| target.family == Family::Claude && target.route == Route::Direct);
    let is_known = !targets.is_unknown();
    let is_shown =
        |message: &Object<'_>| !message.is("role", "user") && matches!(message.get("content"), Some(Json::List(_)));
    if !body.messages.iter().any(is_shown) {
        return;
    }
    let is_chat = body.protocol == Protocol::Chat;
    let mut out = Vec::with_capacity(body.messages.len() + 1);
    let mut shown: Vec<Json<'_>> = Vec::new();
    for mut message in core::mem::take(&mut body.messages) {
        if !message.is("role", "tool") {
            show(&mut out, &mut shown);
        }
        if is_shown(&message) {
            let (is_own, tells) = (message.is("role", "assistant"), is_system(&message));
            let is_image = |part: &Json<'_>| {
                part.object().is_some_and(|part| match &*part.text("type") {
                    "image_url" | "file" => is_chat || is_own,
                    kind => matches!(kind, "input_audio" | "video_url" | "audio_url" | "audio"),
                })
            };
            let all = message.take_list("content");
            let (images, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_image);
            let texts: Vec<_> = rest
                .into_iter()
                .filter_map(|part| if is_known { said(part, is_own, is_claude && !tells) } else { Some(part) })
                .collect();
            let says_nothing = texts.is_empty();
            message.set("content", if says_nothing { Json::NULL } else { texts.into() });
            if !images.is_empty() {
                let are_images = images.iter().all(|part| part.object().is_some_and(|it| it.is("type", "image_url")));
                let (one, some) = if are_images { ("image", "Image") } else { ("file", "File") };
                if says_nothing {
                    message.set("content", ["(see attached ", one, ")"].concat());
                }
                let whose = match &*message.text("role") {
                    "tool" => "tool result",
                    "assistant" => "the assistant's answer",
                    _ => "the instructions",
                };
                shown.push(text_part([some, "(s) from ", whose, ":"].concat().into()).into());
                shown.extend(images);
            }
        }
        out.push(message);
    }
    show(&mut out, &mut shown);
    body.messages = out;
}

/// What is said in a part that is not the user's; none where it says nothing to another model.
fn said<'a>(part: Json<'a>, is_own: bool, is_claude: bool) -> Option<Json<'a>> {
    let Some(object) = part.object() else { return Some(part) };
    let (kind, text) = (object.text("type"), object.text("text"));
    match &*kind {
        "text" | "image_url" | "file" => Some(part),
        // Anthropic's own.
        "search_result" | "tool_reference" | "compaction" if is_claude => Some(part),
        _ if is_claude && (kind.ends_with("tool_use") || kind.ends_with("tool_result")) => Some(part),
        _ if is_own && text.is_empty() => None,
        _ => {
            let mut rest = object.clone();
            let mark = rest.take(MARK);
            let is_text = !text.is_empty() && (is_own || rest.iter().count() == 2);
            let mut said = text_part(if is_text { Json::Text(text) } else { rest.to_json().into() });
            said.set_some(MARK, mark);
            Some(said.into())
        }
    }
}

fn show<'a>(out: &mut Vec<Object<'a>>, shown: &mut Vec<Json<'a>>) {
    if !shown.is_empty() {
        out.push(Object::from([("role", "user".into()), ("content", core::mem::take(shown).into())]));
    }
}

/// Claude, Gemini and all at Bedrock get a PDF as a data URL in `image_url`, which the gateway turns into a document, and a
/// text file as text: in `file` it would be lost or broken. OpenAI takes `file`, with a data URL. Source: gateway 1.15.2
/// and 2.2.3, all four providers. What the gateway would leave out without a word, and OpenAI refuse, is named in one.
pub(super) fn documents(body: &mut Body<'_>, targets: &Targets) {
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
    [("type", "file".into()), ("file", Object::from([("file_data", url.into())]).into())].into()
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
/// nesquena/hermes-webui#2297; "Invalid value: file": QwenLM/qwen-code#1888).
fn takes(target: &Traits, part: &Object<'_>, protocol: Protocol) -> bool {
    let is_chat = protocol == Protocol::Chat;
    let is_open = target.route == Route::OpenRouter;
    match (target.family, &*part.text("type")) {
        (_, "text") => true,
        (_, "image_url") => {
            let url = url_of(&held(part, "image_url"));
            (!url.starts_with("data:") || is_seen(&url)) && (target.images || target.context_tokens == 0)
        }
        (Family::Gpt, "file") if is_chat && !is_open => {
            let url = url_of(&held(part, "file"));
            !is_address(&url) && (!url.starts_with("data:") || url.starts_with("data:application/pdf"))
        }
        (Family::Gpt, "input_audio") => is_chat,
        (Family::Gpt, kind) if !is_open => kind == "file" || !is_chat && kind.starts_with("input_"),
        (Family::Qwen, "video_url" | "video" | "input_audio") => true,
        (Family::DeepSeek | Family::Qwen, _) => is_open,
        (Family::Kimi, "file") => is_open,
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
    // What was found, say, is within (Anthropic's `search_result`).
    if let Some(text) = ["text", "content"].iter().map(|name| held.text(name)).find(|text| !text.is_empty()) {
        return text.into_owned();
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
        [("type", "file".into()), ("file", [("file_url", Json::Text(url))].into())].into()
    } else {
        // The type stays too, which Gemini needs where it is elsewhere.
        let mut image = held;
        image.retain(&|name| !name.starts_with("file"));
        image.set("url", Json::Text(url));
        [("type", "image_url".into()), ("image_url", image.into())].into()
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
            return [("type", "document_url".into()), ("document_url", url.into_owned().into())].into();
        }
        let url = String::from(url.split_once(";base64,").map_or(&*url, |(_, data)| data));
        return [("type", "file_url".into()), ("file_url", [("url", url.into())].into())].into();
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

/// Gives each tool result the name that its call goes by: Gemini identifies results by it, and without one the gateway makes
/// up a name (1.15.2 and 2.2.3).
pub(super) fn tool_names(body: &mut Body<'_>, targets: &Targets) {
    if !targets.has(&[Family::Gemini]) {
        return;
    }
    let numbers = pairs::numbers_of(&pairs::ids_of(&body.messages));
    let mut names = alloc::vec![None; numbers.len()];
    let mut numbers = numbers.into_iter();
    for message in &mut body.messages {
        if message.is("role", "tool") {
            let known = numbers.next().and_then(|number| names.get(number)?.clone());
            message.set_some("name", known.map(Json::Text));
        } else if let Some(Json::List(calls)) = message.get("tool_calls") {
            // Ids may come again: the last counts.
            for (call, number) in calls.iter().zip(&mut numbers) {
                let name = call.object().and_then(|call| Some(call.get("function")?.object()?.text("name")));
                if let Some(known) = names.get_mut(number) {
                    // Any number of results may get it.
                    *known = name.filter(|name| name.len() <= LONGEST_NAME).or(known.take());
                }
            }
        }
    }
}

/// Joins system messages into one text for models that take one: for Gemini the gateway keeps only the first message and its
/// first part (1.15.2 and 2.2.3), and Perplexity wants them first (edenai/edenai-apis#144). Models that cache parts of a
/// prompt separately keep the parts. Only OpenAI knows `developer`.
pub(super) fn system(body: &mut Body<'_>, targets: &Targets) {
    let takes_one = targets.has(&[Family::Gemini, Family::Sonar]);
    let keeps_parts = targets.all(|target| target.takes_markers() || target.route == Route::OpenRouter)
        || (!takes_one && has_marker(&body.messages));
    let knows_developer = !targets.all(|target| target.family != Family::Gpt);
    for message in body.messages.iter_mut().filter(|message| is_system(message)) {
        if !knows_developer && message.is("role", "developer") {
            message.set("role", "system");
        }
        if !keeps_parts && let Some(text) = joined(message) {
            message.set("content", text);
        }
    }
    if takes_one {
        // Gemini's has to be the first message of all.
        let (mut told, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut body.messages).into_iter().partition(is_system);
        if told.len() > 1 {
            let text = told.iter().map(|message| message.text("content")).collect::<Vec<_>>().join("\n\n");
            told.truncate(1);
            told.iter_mut().for_each(|first| first.set("content", text.clone()));
        }
        told.extend(rest);
        body.messages = told;
    }
}

/// A conversation begins with the user's words at Claude, Gemini, Perplexity and Bedrock, and since Claude 4.6 it ends with
/// them ("This model does not support assistant message prefill"), as it always does at Mistral and Perplexity, and where an
/// older Claude thinks ("You cannot pre-fill responses when thinking is enabled": Anthropic's documentation): a history
/// that was cut off gets some. Of a prompt that is a system text alone the last becomes the user's.
pub(super) fn turns(body: &mut Body<'_>, targets: &Targets) {
    let said = |text: &'static str| Object::from([("role", "user".into()), ("content", text.into())]);
    let is_own = |message: Option<&Object<'_>>| message.is_some_and(|message| message.is("role", "assistant"));
    if is_own(body.messages.iter().rfind(|message| !is_system(message))) {
        let thinks = body.members.get("thinking").is_some_and(|it| !it.members().is("type", "disabled"));
        let ends_with_the_users = |target: &Traits| match target.family {
            Family::Claude => thinks || target.thinking == Thinking::Adaptive,
            family => matches!(family, Family::Mistral | Family::Sonar),
        };
        if targets.any(ends_with_the_users) {
            body.messages.push(said("(go on)"));
        } else if targets.has(&[Family::Claude])
            && let Some(last) = body.messages.iter_mut().rfind(|message| !is_system(message))
        {
            // It takes what it thought only where it thinks.
            last.remove("content_blocks");
            let mut said = parts(last, "content").unwrap_or_default();
            // "final assistant content cannot end with trailing whitespace"
            if let Some(mut end) = said.pop() {
                let text = String::from(end.text("text").trim_end());
                if said.is_empty() {
                    last.set("content", text);
                } else {
                    end.set("text", text);
                    said.push(end);
                    last.set("content", list(said));
                }
            }
        }
    }
    if !targets.has(&[Family::Claude, Family::Gemini, Family::Sonar]) && !targets.goes(Route::Bedrock) {
        return;
    }
    match body.messages.iter().position(|message| !is_system(message)) {
        Some(at) if is_own(body.messages.get(at)) => body.messages.insert(at, said("(the conversation goes on)")),
        Some(_) => {}
        None => body.messages.iter_mut().rev().take(1).for_each(|last| last.set("role", "user")),
    }
}

/// Between results and the user's next words Mistral and Perplexity want an answer ("Unexpected role 'user' after role
/// 'tool'": onyx-dot-app/onyx#6458): OpenClaw's own client has this one. Perplexity and Bedrock want the user and the model to
/// take turns ("should alternate": perplexityai/api-discussion#265); the gateway sees to the user's for Bedrock.
pub(super) fn order(body: &mut Body<'_>, targets: &Targets) {
    let is_sonar = targets.has(&[Family::Sonar]);
    let wants_answers = targets.has(&[Family::Sonar, Family::Mistral]);
    let takes_turns = is_sonar || targets.goes(Route::Bedrock);
    if !wants_answers && !takes_turns {
        return;
    }
    let mut out: Vec<Object<'_>> = Vec::with_capacity(body.messages.len());
    for mut message in core::mem::take(&mut body.messages) {
        let before = out.last_mut();
        let is_both =
            |role: &str| before.as_ref().is_some_and(|before| before.is("role", role)) && message.is("role", role);
        if (takes_turns && is_both("assistant") || is_sonar && is_both("user"))
            && let Some(before) = before
        {
            let [first, then] =
                [&mut *before, &mut message].map(|of| of.take("content_blocks").and_then(Json::into_list));
            let (mut all, more) = (taken(before), taken(&mut message));
            if first.is_some() || then.is_some() {
                let [mut blocks, then] =
                    [(first, &all), (then, &more)].map(|(blocks, content)| blocks.unwrap_or_else(|| content.clone()));
                blocks.extend(then);
                message.set("content_blocks", blocks);
            }
            all.extend(more);
            message.set("content", all);
            *before = message;
            continue;
        }
        if wants_answers && message.is("role", "user") && before.is_some_and(|before| before.is("role", "tool")) {
            let said = ("content", "I have processed the tool results.".into());
            out.push(Object::from([("role", "assistant".into()), said]));
        }
        out.push(message);
    }
    body.messages = out;
}

/// What is said beside a call the gateway leaves out for Gemini (1.15.2): it becomes a turn of its own before the call, and
/// the gateway makes one of both.
pub(super) fn beside_calls(body: &mut Body<'_>, targets: &Targets) {
    if !targets.all(|target| target.family == Family::Gemini && target.route != Route::OpenRouter) {
        return;
    }
    let mut out = Vec::with_capacity(body.messages.len());
    for mut message in core::mem::take(&mut body.messages) {
        if message.has("tool_calls")
            && let Some(said) = message.take("content").filter(|said| !said.is(""))
        {
            out.push(Object::from([("role", "assistant".into()), ("content", said)]));
        }
        out.push(message);
    }
    body.messages = out;
}

/// The gateway keeps no call and no id of a result for Cohere (1.15.2 and 2.2.3): what was called, and what came of it, is
/// said in words, or each turn after a call is refused.
pub(super) fn told_calls(body: &mut Body<'_>, targets: &Targets) {
    if !targets.any(|target| target.family == Family::Command && target.route == Route::Direct) {
        return;
    }
    let said = |message: &Object<'_>| joined(message).unwrap_or_else(|| message.text("content").into_owned());
    for message in &mut body.messages {
        if message.is("role", "tool") {
            let text = ["Result of ", &message.text("tool_call_id"), ": ", &said(message)].concat();
            *message = Object::from([("role", "user".into()), ("content", text.into())]);
        } else if let Some(calls) = message.take("tool_calls").and_then(Json::into_list) {
            let mut text = said(message);
            for call in calls.into_iter().filter_map(Json::into_object) {
                let function = call.object("function");
                let told = [&*call.text("id"), &*function.text("name"), &*function.text("arguments")].join(" ");
                // It is not copied: there may be any number of calls.
                ["\n(call ", &told, ")"].iter().for_each(|words| text.push_str(words));
            }
            message.remove("tool_calls");
            message.set("content", String::from(text.trim_start()));
        }
    }
}

/// The parts of a content, which is no longer there.
fn taken<'a>(message: &mut Object<'a>) -> Vec<Json<'a>> {
    match message.take("content") {
        Some(text) if text.is("") => Vec::new(),
        Some(text) if text.string().is_some() => alloc::vec![text_part(text).into()],
        content => content.and_then(Json::into_list).unwrap_or_default(),
    }
}

/// Bedrock refuses calls in a history where no tools are offered ("The toolConfig field must be defined"): those that were
/// called are offered, since what is said of them stays.
pub(super) fn past_tools(body: &mut Body<'_>, targets: &Targets) {
    if !body.tools.is_empty() || !targets.goes(Route::Bedrock) {
        return;
    }
    let calls = body.messages.iter().filter_map(|message| message.get("tool_calls")?.list()).flatten();
    let names = calls.filter_map(|call| Some(call.object()?.get("function")?.object()?.text("name")));
    let mut names: Vec<Cow<'_, str>> = names.collect();
    last_of_each(&mut names, |name| name);
    body.tools.extend(names.into_iter().map(|name| {
        let parameters = Object::from([("type", "object".into()), ("properties", Object::default().into())]);
        let function = [("name", Json::Text(name)), ("parameters", parameters.into())];
        [("type", "function".into()), ("function", function.into())].into()
    }));
}

fn has_marker(messages: &[Object<'_>]) -> bool {
    let marked = |message: &Object<'_>| {
        parts(message, "content").is_some_and(|parts| parts.iter().any(|part| part.get(MARK).is_some()))
    };
    messages.iter().filter(|message| is_system(message)).any(marked)
}

/// The parts of a content as one text, if all of them are texts.
fn joined(message: &Object<'_>) -> Option<String> {
    let Some(Json::List(_)) = message.get("content") else { return None };
    let parts = parts(message, "content")?;
    parts.iter().map(|part| part.get("text").filter(|_| part.is("type", "text"))?.string()).collect()
}
