//! The model listing: the hosted gateway's catalog and an upstream provider's list, page by page.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::models::Entry;
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::error::{self, Result};
use crate::json::{Json, lossy};
use crate::prompt;
use crate::report::Head;
use crate::text::{hash_of, present};
use crate::wire;

/// Entries asked for on each page after the first.
const PAGE: usize = 100;
/// Most pages: a listing that repeats itself must end.
const MAX_PAGES: usize = 1000;

/// A listing being collected.
#[derive(Debug, Default)]
pub struct Listing {
    entries: Vec<Entry>,
    /// The first id of each page, as its hash.
    firsts: Vec<u64>,
    /// Entries received, those seen before included: what `offset` counts.
    received: usize,
    pages: usize,
    /// The query of the next page, where a page says what comes after it.
    next: Option<String>,
    is_complete: bool,
}

impl Listing {
    /// Path and query of the page to fetch next; `None` when the listing is complete.
    ///
    /// The first page is asked for plainly, because an upstream's own list may know no paging. Source of `limit` and
    /// `offset`: Portkey's OpenAPI document; of `after_id`, `has_more` and `last_id`: Anthropic's API reference, "List
    /// Models"; of tokens: Google's and Cohere's.
    pub fn next_path(&self) -> Option<String> {
        match (self.is_complete, self.pages, &self.next) {
            (true, ..) => None,
            (false, 0, _) => Some("/models".to_owned()),
            (false, _, Some(query)) => Some(format!("/models?{query}")),
            (false, _, None) => Some(format!("/models?limit={PAGE}&offset={}", self.received)),
        }
    }

    /// Reads a page.
    pub fn push(&mut self, head: &Head, body: &[u8]) -> Result<()> {
        let malformed = || error::malformed(head, "The answer is no list of models", body);
        let text = lossy(body);
        let json = Json::parse(&text).map_err(|_| malformed())?;
        let page = json.members();
        if wire::is_failed(&page) {
            return Err(malformed());
        }
        let items = items(&json, true).ok_or_else(malformed)?;
        // A list of what nobody knows is no empty one.
        if !items.is_empty() && items.iter().all(|item| item.id.is_empty()) {
            return Err(malformed());
        }
        self.pages += 1;
        self.received += items.len();
        // Only the hosted catalog has slugs.
        let is_catalog = items.iter().any(|item| item.has_slug || prompt::split_slug(&item.id).is_some());
        // A server that ignores the offset sends the same page for ever.
        let first = items.iter().find(|item| !item.id.is_empty()).map(|item| hash_of(&item.id));
        let repeats = first.is_none_or(|first| self.firsts.contains(&first));
        self.firsts.extend(first);
        let last = items.iter().rev().find(|item| !item.id.is_empty()).map(|item| item.id.clone());
        for Item { id, owner, .. } in items {
            if repeats || id.is_empty() {
                continue;
            }
            let slug = prompt::split_slug(&id).map(|(slug, _)| slug.trim_start_matches('@').to_owned());
            let provider = slug.or(owner).or_else(|| present(page.text("provider")));
            self.entries.push(Entry { id, provider });
        }
        let says_more = page.get("has_more").and_then(Json::bool) == Some(true);
        let after = present(page.text("last_id")).or(last).filter(|_| says_more);
        let token = |name, query| Some(format!("{query}={}", escaped(&present(page.text(name))?)));
        self.next = after
            .map(|id| format!("limit={PAGE}&after_id={}", escaped(&id)))
            .or_else(|| token("nextPageToken", "pageToken"))
            .or_else(|| token("next_page_token", "page_token"));
        let has_more = match page.get("total").and_then(Json::count) {
            Some(total) => (self.received as u64) < total,
            // A catalog without a total may still have pages; an upstream's list comes whole.
            None => is_catalog || self.next.is_some(),
        };
        self.is_complete = !has_more || repeats || self.pages >= MAX_PAGES;
        Ok(())
    }

    /// Every model so far.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// What holds the models: Together's own list is a bare array; Ollama's and Google's are named `models`, and Ollama's is
/// `null` where it holds none; the last are Bedrock's, watsonx', Vertex' and Databricks'.
const LISTS: [&str; 8] = [
    "data", "models", "result", "modelSummaries", "inferenceProfileSummaries", "resources", "publisherModels",
    "endpoints",
];

/// The models of a listing, in a list, or behind one more name; in place of a list one alone, or an object of them, each
/// by its id.
fn items(value: &Json<'_>, is_root: bool) -> Option<Vec<Item>> {
    if let Some(list) = value.list() {
        return Some(list.iter().map(Item::read).collect());
    }
    let object = value.object()?;
    let within = |name: &str| object.get(name).filter(|inner| is_root || !inner.is_object());
    let found = LISTS.iter().find_map(|name| items(within(name)?, false));
    if found.is_some() {
        return found;
    }
    if LISTS.iter().any(|name| object.has(name) && object.get(name).is_none()) {
        return Some(Vec::new());
    }
    let one = Item::read(value);
    if !one.id.is_empty() && (!is_root || object.is("object", "model")) {
        return Some(alloc::vec![one]);
    }
    let mut by_id = Vec::new();
    for (name, model) in object.iter() {
        by_id.push(Some(Item::read(model)).filter(|item| model.is_object() && item.id == **name)?);
    }
    Some(by_id).filter(|models| !models.is_empty())
}

/// A model in a listing.
struct Item {
    id: String,
    owner: Option<String>,
    has_slug: bool,
}

impl Item {
    /// Ollama and Google name a model by `name`; some lists hold names alone.
    fn read(item: &Json<'_>) -> Self {
        let Some(object) = item.object() else {
            return Self { id: item.string().unwrap_or_default().into_owned(), owner: None, has_slug: false };
        };
        let names = ["id", "model", "name", "model_id", "modelId", "model_name", "inferenceProfileId", "slug", "key"];
        let id = names.iter().map(|name| object.text(name)).find(|id| !id.is_empty());
        // At Cloudflare the id is a number of its own.
        let own = Some(object.text("name")).filter(|name| prompt::is_like_slug(name));
        let id = id.filter(|id| id.starts_with('@') || own.is_none()).or(own);
        Self {
            id: id.unwrap_or_default().into_owned(),
            owner: present(object.text("owned_by")),
            has_slug: !object.text("slug").is_empty() && object.has("id"),
        }
    }
}

/// As it stands in a query, or in one part of a path.
pub(crate) fn escaped(id: &str) -> String {
    let mut query = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => query.push(byte.into()),
            _ => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}

const NO_LIST: &str =
    "Check the base URL: it usually ends in /v1. If it does, there is no list of models behind it: give a model's id.";

/// What a refused listing means. It names no model, so that what was not found is the list itself. The open-source gateway
/// keeps no catalog: asked for one it answers as to any request that names no provider (gateway 1.15.2), where the hosted
/// one lists.
pub(crate) fn refused(mut error: Box<Error>) -> Box<Error> {
    let asks_for_provider = error.message.contains("x-portkey-provider header is required");
    if asks_for_provider && error.origin == ErrorOrigin::Gateway {
        error.kind = ErrorKind::Unsupported;
        error.message = "The open-source gateway keeps no catalog of models".to_owned();
        error.hint = Some(
            "It calls nobody unasked, and reads no @provider/model: set the option provider (plugins.entries.portkey.config.provider, such as openai) or config, and name a model as that provider does.".to_owned(),
        );
    } else if error.status == Some(404) {
        error.kind = ErrorKind::InvalidConfig;
        error.hint = Some(NO_LIST.to_owned());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pages: &[&str]) -> (Vec<(String, Option<String>)>, Vec<String>) {
        let mut listing = Listing::default();
        let mut paths = Vec::new();
        let mut pages = pages.iter();
        while let Some(path) = listing.next_path() {
            paths.push(path);
            let page = pages.next().expect("no page too many is asked for");
            listing.push(&Head { status: 200, headers: Vec::new() }, page.as_bytes()).unwrap();
        }
        assert!(pages.next().is_none(), "every page is asked for");
        (listing.into_entries().into_iter().map(|entry| (entry.id, entry.provider)).collect(), paths)
    }

    fn entry(id: &str, provider: &str) -> (String, Option<String>) {
        (id.to_owned(), Some(provider.to_owned()))
    }

    #[test]
    fn the_catalog_comes_in_pages() {
        let (entries, paths) = list(&[
            r#"{"object":"list","total":3,"data":[{"id":"@a/x","slug":"x"},{"id":"@b/y/z","slug":"y/z"}]}"#,
            r#"{"object":"list","total":3,"data":[{"id":"@a/w","slug":"w"}]}"#,
        ]);
        assert_eq!(entries, [entry("@a/x", "a"), entry("@b/y/z", "b"), entry("@a/w", "a")]);
        assert_eq!(paths, ["/models", "/models?limit=100&offset=2"]);
    }

    #[test]
    fn a_catalog_without_a_total_ends_with_an_empty_or_a_repeated_page() {
        let page = r#"{"data":[{"id":"@a/x","slug":"x"}]}"#;
        assert_eq!(list(&[page, r#"{"data":[]}"#]).0.len(), 1);
        assert_eq!(list(&[page, page]).0.len(), 1);
    }

    #[test]
    fn an_upstream_list_comes_whole() {
        let (entries, paths) = list(&[
            r#"{"object":"list","provider":"openai","data":[{"id":"gpt-5","owned_by":"system"},{"id":"o3"},{"id":null}]}"#,
        ]);
        assert_eq!(entries, [entry("gpt-5", "system"), entry("o3", "openai")]);
        assert_eq!(paths, ["/models"]);
        assert_eq!(list(&[r#"[{"id":"m"}]"#]).0, [("m".to_owned(), None)]);
        // But for Anthropic's.
        let (entries, paths) = list(&[
            r#"{"provider":"anthropic","data":[{"id":"claude-a"},{"id":"claude-b"}],"has_more":true,"last_id":"claude-b"}"#,
            r#"{"provider":"anthropic","data":[{"id":"claude-c"}],"has_more":false,"last_id":"claude-c"}"#,
        ]);
        assert_eq!(entries, ["claude-a", "claude-b", "claude-c"].map(|id| entry(id, "anthropic")));
        assert_eq!(paths, ["/models", "/models?limit=100&after_id=claude-b"]);
        assert!(list(&[r#"{"data":[]}"#]).0.is_empty());
    }

    #[test]
    fn lists_of_other_shapes() {
        let ids = |page: &str| list(&[page]).0.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert!(ids(r#"{"object":"list","data":null}"#).is_empty(), "Ollama without a model");
        assert_eq!(ids(r#"{"models":[{"name":"llama3:latest","model":"llama3:latest"}]}"#), ["llama3:latest"]);
        assert_eq!(ids(r#"{"models":[{"name":"models/gemini-3-pro"}]}"#), ["models/gemini-3-pro"]);
        assert_eq!(ids(r#"["a","b"]"#), ["a", "b"]);
        assert_eq!(ids(r#"{"data":[{"model_id":"a"},{"modelId":"b"},null]}"#), ["a", "b"]);
        assert_eq!(ids(r#"{"error":null,"data":[{"id":"a"}]}"#), ["a"]);
        // Whatever the last id is made of, and where it is not given apart.
        let (entries, paths) = list(&[
            r#"{"data":[{"id":"a/b"}],"has_more":true,"last_id":"a/b c&d"}"#,
            r#"{"data":[{"id":"x/ü"}],"has_more":true}"#,
            r#"{"data":[{"id":"z"}],"has_more":false}"#,
        ]);
        assert_eq!(entries.len(), 3);
        assert_eq!(paths[1..], ["/models?limit=100&after_id=a%2Fb%20c%26d", "/models?limit=100&after_id=x%2F%C3%BC"]);
        // Google's and Cohere's pages.
        for (name, query) in [("nextPageToken", "pageToken"), ("next_page_token", "page_token")] {
            let page = format!(r#"{{"models":[{{"name":"a"}}],"{name}":"T/1="}}"#);
            let (entries, paths) = list(&[&page, r#"{"models":[{"name":"b"}]}"#]);
            assert_eq!((entries.len(), &*paths[1]), (2, &*format!("/models?{query}=T%2F1%3D")));
        }
        assert_eq!(ids(r#"{"success":true,"result":[{"name":"a"}],"errors":[]}"#), ["a"]);
        assert_eq!(list(&[r#"{"result":[{"id":"1-2","name":"@cf/a/b"}]}"#]).0, [("@cf/a/b".to_owned(), None)]);
        assert_eq!(ids(r#"{"result":[{"id":"1-2","name":"@hf/a/b"}]}"#), ["@hf/a/b"]);
        assert_eq!(ids(r#"{"total":1,"data":[{"id":"@w/@cf/a/b","name":"@cf/a/b"}]}"#), ["@w/@cf/a/b"]);
        assert!(ids(r#"{"success":true,"result":null}"#).is_empty());
        assert_eq!(ids(r#"{"modelSummaries":[{"modelId":"a","modelName":"A"}]}"#), ["a"]);
        assert_eq!(ids(r#"{"inferenceProfileSummaries":[{"inferenceProfileId":"a"}]}"#), ["a"]);
        assert_eq!(
            ids(r#"{"publisherModels":[{"name":"publishers/google/models/a"}]}"#),
            ["publishers/google/models/a"]
        );
        assert_eq!(ids(r#"{"endpoints":[{"name":"a"}]}"#), ["a"]);
        assert_eq!(ids(r#"[{"model_name":"a"},{"key":"b"}]"#), ["a", "b"]);
        assert_eq!(ids(r#"{"total_count":1,"resources":[{"model_id":"a","provider":"p"}]}"#), ["a"]);
        // A list of Codex' (codex-mobile#188): one page, whatever it calls its models.
        let (entries, paths) = list(&[r#"{"models":[{"slug":"a"},{"slug":"b"}]}"#]);
        assert_eq!((entries.len(), paths.len()), (2, 1));
        for one in [
            r#"{"data":{"id":"a"}}"#,
            r#"{"id":"a","object":"model"}"#,
            r#"{"data":{"a":{"id":"a"}}}"#,
            r#"{"a":{"id":"a","object":"model"}}"#,
            r#"{"code":0,"data":{"data":[{"id":"a"}]}}"#,
            r#"{"data":{"models":[{"id":"a"}]}}"#,
            r#"{"data":null,"models":[{"id":"a"}]}"#,
        ] {
            assert_eq!(ids(one), ["a"], "{one}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for body in [
            "",
            "{}",
            "<html></html>",
            r#"{"data":[{"label":"a"}]}"#,
            r#"{"data":{}}"#,
            r#"{"error":{"message":"x"}}"#,
            r#"{"id":"a"}"#,
            r#"{"request":{"id":"a"}}"#,
            r#"{"data":{"page":{"id":"a"}}}"#,
            r#"{"data":{"data":{"data":[]}}}"#,
        ] {
            let result = Listing::default().push(&Head { status: 200, headers: Vec::new() }, body.as_bytes());
            assert!(result.is_err(), "{body}");
        }
    }

    #[test]
    fn a_list_that_is_not_there_is_a_matter_of_the_base_url() {
        let head = Head { status: 404, headers: Vec::new() };
        for (kind, origin) in
            [(ErrorKind::NotFound, ErrorOrigin::Upstream), (ErrorKind::InvalidConfig, ErrorOrigin::Gateway)]
        {
            let error = refused(error::answered(kind, origin, "Not Found", &head));
            assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::InvalidConfig, Some(NO_LIST)));
        }
    }
}
