//! The images of an answer, in the forms of all services.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::root::{MAX_DEPTH, Result, listed, successful};
use crate::bindings::exports::openclaw::provider::chat::FinishReason;
use crate::finish::finish_reason;
use crate::json::{Json, Object};

/// An image: where it is, or its base64.
#[derive(Debug, Default)]
pub(crate) struct Image<'a> {
    /// A `data:` URL, or another.
    pub(crate) url: Cow<'a, str>,
    pub(crate) base64: Cow<'a, str>,
    pub(crate) revised_prompt: Cow<'a, str>,
    /// Why it is as it is: a filter blurs.
    pub(crate) reason: Cow<'a, str>,
}

impl<'a> Image<'a> {
    /// The forms of OpenAI, Google and Anthropic, and a text alone.
    pub(super) fn read(value: &Json<'a>) -> Option<Self> {
        Some(Self::of(value, true)).filter(Self::is_there)
    }

    /// An image, or with another in it.
    fn of(value: &Json<'a>, may_hold: bool) -> Self {
        let mut read = Self::default();
        read.place(value.string().unwrap_or_default());
        for (name, value) in value.members() {
            match &*name {
                "image_url" | "image" | "source" | "inlineData" | "inline_data" if may_hold => {
                    Self { url: read.url, base64: read.base64, .. } = Self::of(&value, false);
                }
                _ => read.member(&name, &value),
            }
        }
        read
    }

    fn is_there(&self) -> bool {
        !self.url.is_empty() || !self.base64.is_empty()
    }

    /// Whether a filter took it: it may be there all the same, blurred or black.
    fn is_refused(&self) -> bool {
        finish_reason(&self.reason, false) == FinishReason::ContentFilter
    }

    /// A text that is one or the other.
    fn place(&mut self, text: Cow<'a, str>) {
        let is_url = text.starts_with("http") || text.starts_with("data:");
        *(if is_url { &mut self.url } else { &mut self.base64 }) = text;
    }

    fn member(&mut self, name: &str, value: &Json<'a>) {
        match name {
            _ if value.is_nested() => {}
            "url" => self.url = value.text(),
            "b64_json" | "data" | "base64" | "bytesBase64Encoded" | "imageBytes" => self.base64 = value.text(),
            "revised_prompt" => self.revised_prompt = value.text(),
            "finish_reason" | "finishReason" => self.reason = value.text(),
            // Ideogram's and xAI's.
            "is_image_safe" | "respect_moderation" if value.bool() == Some(false) => self.reason = MODERATION,
            _ => {}
        }
    }
}

/// Images, or one alone in place of a list.
pub(super) fn images(value: Json<'_>) -> Vec<Image<'_>> {
    match value.is_object() || !value.is_nested() {
        true => Image::read(&value).into_iter().collect(),
        false => value.into_items().iter().filter_map(Image::read).collect(),
    }
}

/// The images in a value, wherever they are. A text is one where what holds it is named after them.
pub(super) fn within<'a>(is_named: bool, value: Json<'a>, left: usize, found: &mut Vec<Image<'a>>) {
    if value.is_nested() && !value.is_object() {
        let items = value.into_list().filter(|_| left > 0).unwrap_or_default();
        items.into_iter().for_each(|item| within(is_named, item, left - 1, found));
        return;
    }
    let image = Image::of(&value, true);
    if (is_named || value.is_object()) && (image.is_there() || image.is_refused()) {
        found.push(image);
    } else if left > 0 {
        for (name, value) in value.into_members() {
            let is_named =
                matches!(&*name, "image" | "images" | "image_url" | "image_urls" | "image_base64" | "sample");
            within(is_named, value, left - 1, found);
        }
    }
}

/// An answer to an image request.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    pub(crate) data: Vec<Image<'a>>,
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) model: Cow<'a, str>,
    /// What Stability says of all of them.
    pub(crate) reason: String,
    /// What Black Forest Labs says where there is none.
    pub(crate) status: Cow<'a, str>,
}

/// The reason of an image of which it is only said that it was moderated.
const MODERATION: Cow<'static, str> = Cow::Borrowed("moderation");

/// What leads to the images of an answer; the last is that of an event of a stream.
const IMAGES: [&str; 12] = [
    "data", "images", "output", "result", "image", "artifacts", "predictions", "choices", "candidates",
    "generatedImages", "assets", "b64_json",
];

impl<'a> Images<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let mut root = successful(text)?;
        let mut data = Vec::new();
        if let Some(list) = listed(text) {
            within(true, list, MAX_DEPTH, &mut data);
        }
        let reason = root.text("finish_reason").into_owned() + &root.text("finish_reasons");
        for name in IMAGES {
            if data.is_empty()
                && let Some(value) = root.take(name)
            {
                within(true, value, MAX_DEPTH, &mut data);
            }
        }
        // fal's, in the order of the images, which are black then.
        for (image, is_nsfw) in data.iter_mut().zip(root.list("has_nsfw_concepts")) {
            if is_nsfw.bool() == Some(true) {
                image.reason = MODERATION;
            }
        }
        let (usage, status) = (root.take("usage").and_then(Json::into_object), root.text("status"));
        Ok(Self { data, usage, model: root.text("model"), reason, status })
    }
}
