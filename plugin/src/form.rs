//! Requests as multipart forms with files, for image edits and transcripts.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::openclaw::provider::types::Connection;
use crate::json::{Json, Object};
use crate::multipart::{self, Part};
use crate::prompt;

/// A multipart request, all but its path.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The model of the call, without its slug.
    pub model: String,
    /// The connection, with the model's slug as its provider.
    pub connection: Connection,
    /// Media type of the body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A file of a form.
#[derive(Debug)]
pub(crate) struct File<'a> {
    /// Name of the field.
    pub(crate) field: &'a str,
    /// Name of the file.
    pub(crate) name: String,
    pub(crate) media_type: &'a str,
    pub(crate) data: &'a [u8],
}

impl Form {
    /// A form of these fields and files, for `model`.
    ///
    /// The hosted gateway routes by a slug in the form's model but passes it on unstripped (gateway 2.2.3), so the slug
    /// goes in a header here.
    pub(crate) fn new(connection: &Connection, model: &str, mut fields: Object<'_>, files: &[File<'_>]) -> Self {
        let mut connection = connection.clone();
        let mut model = model;
        if let Some((slug, bare)) = prompt::split_slug(model) {
            if !connection.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-portkey-provider")) {
                connection.headers.push(("x-portkey-provider".to_owned(), slug.to_owned()));
            }
            model = bare;
        }
        fields.set("model", model.to_owned());
        let mut texts: Vec<(&str, String)> = Vec::new();
        for (name, value) in fields.iter() {
            texts.extend(text(value).map(|text| (&**name, text)));
        }
        let mut parts: Vec<Part<'_>> =
            texts.iter().map(|(name, text)| Part { name, file: None, data: text.as_bytes() }).collect();
        parts.extend(files.iter().map(|file| Part {
            name: file.field,
            file: Some((&file.name, file.media_type)),
            data: file.data,
        }));
        let (content_type, body) = multipart::encode(&parts);
        Self { model: model.to_owned(), connection, content_type, body }
    }
}

/// A JSON value as the text of a form field; `null` is no field.
fn text(value: &Json<'_>) -> Option<String> {
    if value.is_null() {
        return None;
    }
    Some(value.string().map_or_else(|| value.compact(), Cow::into_owned))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// To the hosted gateway, with a key and nothing else.
    pub(crate) fn connection() -> Connection {
        Connection {
            base_url: crate::portkey::BASE_URL.to_owned(),
            headers: Vec::new(),
            credentials: alloc::vec![crate::portkey::CREDENTIAL.to_owned()],
            connect_timeout_ms: None,
            first_byte_timeout_ms: None,
            idle_timeout_ms: None,
            options_json: "{}".into(),
        }
    }
}
