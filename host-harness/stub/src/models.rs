//! The model lists: the hosted gateway's paged catalog, and a provider's own list.

use serde_json::{Value, json};

use super::{Recorded, Role};

const PAGE: usize = 20;
const MAX_PAGE: usize = 100;

#[rustfmt::skip]
const CATALOG: &[(&str, &[&str])] = &[
    ("anthropic", &["claude-opus-4-6", "claude-opus-4-5", "claude-opus-4-1", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-3-7-sonnet-latest"]),
    ("openai", &["gpt-5.2", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o3", "o4-mini", "gpt-image-2", "gpt-image-1", "text-embedding-3-large"]),
    ("gemini", &["gemini-3-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-flash-image"]),
    ("bedrock", &["anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0"]),
    ("azure-openai", &["gpt-5-mini", "gpt-4.1"]),
    ("mistral", &["mistral-large-latest", "mistral-small-latest", "codestral-latest"]),
    ("groq", &["openai/gpt-oss-120b", "openai/gpt-oss-20b", "llama-3.3-70b-versatile"]),
    ("deepseek", &["deepseek-chat", "deepseek-reasoner"]),
    ("xai", &["grok-4", "grok-4-fast-reasoning", "grok-code-fast-1"]),
    ("cohere", &["command-a-03-2025", "command-r-plus-08-2024"]),
    ("perplexity", &["sonar", "sonar-pro"]),
    ("fireworks", &["accounts/fireworks/models/kimi-k2-instruct", "accounts/fireworks/models/glm-4p6"]),
];

/// GET models: in the role of the hosted gateway the catalog, unless the request names a provider or a configuration;
/// else what a provider lists.
pub(crate) fn list(request: &Recorded, role: Role) -> Value {
    let provider = request.header("x-portkey-provider").map(|name| name.trim_start_matches('@'));
    let integrated = request.header("x-portkey-fetch-integrated-models") == Some("true");
    let names_one = provider.is_some() || request.header("x-portkey-config").is_some();
    if role == Role::Hosted && (integrated || !names_one) {
        return catalog(request);
    }
    let owner = provider.unwrap_or("openai");
    let of_owner = CATALOG.iter().filter(|(slug, _)| *slug == owner).flat_map(|(_, models)| *models);
    let model = |id| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": owner});
    let mut list = json!({"object": "list", "data": of_owner.map(model).collect::<Vec<_>>()});
    if role == Role::Hosted {
        list["provider"] = owner.into();
    }
    list
}

fn catalog(request: &Recorded) -> Value {
    let all = CATALOG.iter().flat_map(|(slug, models)| models.iter().map(move |model| (slug, model)));
    let total = all.clone().count();
    let offset = number(request, "offset").unwrap_or(0);
    let limit = number(request, "limit").unwrap_or(PAGE).min(MAX_PAGE);
    let page = all.skip(offset).take(limit);
    let entry = |(slug, model)| json!({"id": format!("@{slug}/{model}"), "slug": model, "canonical_slug": model, "object": "model"});
    json!({"object": "list", "total": total, "data": page.map(entry).collect::<Vec<_>>()})
}

fn number(request: &Recorded, name: &str) -> Option<usize> {
    let (_, query) = request.path.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, headers: &[(&str, &str)]) -> Recorded {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Recorded { method: "GET".into(), path: path.into(), headers, ..Recorded::default() }
    }

    #[test]
    fn the_catalog_comes_in_pages() {
        let mut ids = Vec::new();
        loop {
            let page = list(&get(&format!("/v1/models?limit=17&offset={}", ids.len()), &[]), Role::Hosted);
            ids.extend(page["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()));
            assert!(page["total"].as_u64().unwrap() > 40);
            if page["data"].as_array().unwrap().len() < 17 {
                break;
            }
        }
        assert!(
            ids.contains(&"@anthropic/claude-sonnet-4-5".into()) && ids.contains(&"@groq/openai/gpt-oss-120b".into())
        );
        assert_eq!(list(&get("/v1/models", &[]), Role::Hosted)["data"].as_array().unwrap().len(), PAGE);
    }

    #[test]
    fn a_provider_lists_its_own() {
        for (role, headers) in [(Role::Upstream, &[][..]), (Role::Hosted, &[("x-portkey-provider", "@anthropic")])] {
            let list = list(&get("/v1/models", headers), role);
            assert!(list["data"][0]["id"].as_str().unwrap().starts_with(if headers.is_empty() {
                "gpt"
            } else {
                "claude"
            }));
            assert!(list["data"][0]["owned_by"].is_string() && list.get("total").is_none());
        }
    }
}
