//! The vectors of an answer, in the forms of all services.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::root::{MAX_DEPTH, Result, listed, successful};
use crate::json::{Json, Object};

/// An answer that holds vectors.
#[derive(Debug)]
pub(crate) struct Vectors<'a> {
    pub(crate) data: Vec<Vector<'a>>,
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) model: Cow<'a, str>,
}

#[derive(Debug)]
pub(crate) struct Vector<'a> {
    pub(crate) index: Option<u64>,
    /// A list of numbers, or base64; `null` where there is none.
    pub(crate) embedding: Json<'a>,
}

impl<'a> Vector<'a> {
    fn read(item: Json<'a>) -> Self {
        let (mut index, mut embedding) = (None, item);
        // Google's stands one level down, and some are named after their kind.
        for name in ["embedding", "embeddings", "values", "float"] {
            if embedding.is_object() {
                let mut object = embedding.into_members();
                index = index.or_else(|| object.get("index").or_else(|| object.get("text_index"))?.count());
                embedding = object.take(name).unwrap_or(Json::Object(object));
            }
        }
        // Objects without any take room, and there may be many.
        if embedding.is_object() {
            embedding = Json::NULL;
        }
        // llama.cpp's is a list of it alone.
        if begins(&embedding, LIST) {
            let mut rows = embedding.list().unwrap_or_default();
            if rows.len() == 1 {
                embedding = rows.pop().unwrap_or(Json::NULL);
            }
        }
        Self { index, embedding }
    }
}

/// What leads to the vectors, the outer first: what OpenAI, Cohere and MiniMax call them, what wraps them (DashScope,
/// Workers AI, Vertex, watsonx), the kinds of them, of which whole numbers come only where they were asked for, and one
/// alone.
const VECTORS: [&str; 16] = [
    "data", "embeddings", "output", "result", "results", "predictions", "vectors", "embedding", "embeddingsByType",
    "float", "base64", "int8", "uint8", "binary", "ubinary", "values",
];

/// How a list and a number begin.
const LIST: &[char] = &['['];
const NUMBER: &[char] = &['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// Whether it is a list whose first item begins so. The list may be large, and is not read.
fn begins(list: &Json<'_>, with: &[char]) -> bool {
    let first = match list {
        Json::List(items) => items.first().and_then(Json::raw),
        list => list.raw().and_then(|raw| raw.strip_prefix('[')).map(str::trim_start),
    };
    first.is_some_and(|first| first.starts_with(with))
}

impl<'a> Vectors<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let mut found = listed(text).unwrap_or(Json::NULL);
        // Hugging Face's are nothing but lists.
        let is_bare = begins(&found, LIST) || begins(&found, NUMBER);
        let mut root = if is_bare { Object::default() } else { successful(text)? };
        let (usage, model) = (root.take("usage").and_then(Json::into_object), root.text("model"));
        if found.is_null() {
            found = root.into();
        }
        for _ in 0..MAX_DEPTH {
            if found.is_object() {
                let mut object = found.into_members();
                found = VECTORS.iter().find_map(|name| object.take(name)).unwrap_or(Json::NULL);
            }
        }
        // One vector alone, too.
        let is_one = !found.is_nested() || found.is_object() || begins(&found, NUMBER);
        let items = if is_one { alloc::vec![found] } else { found.into_items() };
        let data = items.into_iter().filter(|item| item.scalar().is_none()).map(Vector::read).collect();
        Ok(Self { data, usage, model })
    }
}
