//! Vectors: each of them is the one of its text.

use serde_json::{Value, json};

use super::{
    Check,
    canned::Canned,
    fixture::{Fixture, Verdict, at, ensure, equal, no_request, only_request, refused_as},
};
use host_harness::{
    types::ErrorKind,
    wit::embeddings::{Request, Response},
};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "E1", title: "a model for vectors is named", run: |fixture| Box::pin(described(fixture)) },
    Check { id: "E2", title: "a request for vectors holds the texts in order, and the key in its header", run: |fixture| Box::pin(request(fixture)) },
    Check { id: "E3", title: "each text has the vector that it has alone", run: |fixture| Box::pin(one_for_each(fixture)) },
    Check { id: "E4", title: "vectors that come out of order are put in order", run: |fixture| Box::pin(in_order(fixture)) },
    Check { id: "E5", title: "another count of vectors than of texts is an error", run: |fixture| Box::pin(miscounted(fixture)) },
    Check { id: "E6", title: "no text, and an empty one, is refused, and nothing is sent", run: |fixture| Box::pin(empty(fixture)) },
];

/// One that the stand-in has.
const MODEL: &str = "text-embedding-3-small";

pub(super) fn asked(texts: &[&str]) -> Request {
    Request { model: Some(MODEL.into()), ..Request::new(texts.iter().copied()) }
}

async fn described(fixture: &Fixture) -> Verdict {
    let model = fixture.plugin.embedding_model().await?;
    ensure(!model.trim().is_empty(), || "default-model: expected an id, got none".into())
}

async fn request(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    provider.embed(&asked(&["one", "two"])).await?;
    let request = only_request(&gateway)?;
    equal("the path", request.path.as_str(), "/v1/embeddings")?;
    let body = request.json();
    equal("the model", at(&body, &["model"]), MODEL)?;
    equal("the input", at(&body, &["input"]), json!(["one", "two"]))?;
    fixture.keyed(&request)
}

async fn one_for_each(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let both = provider.embed(&asked(&["a ship", "an onion"])).await?;
    let alone = provider.embed(&asked(&["an onion"])).await?;
    equal("vectors for two texts", both.vectors.len(), 2)?;
    let is_same = both.vectors.last().is_some_and(|last| !last.is_empty() && alone.vectors.first() == Some(last));
    ensure(is_same, || "the second vector: expected that of the second text alone, got another".into())
}

/// What becomes of this answer to two texts.
async fn answered(fixture: &Fixture, data: Value) -> Verdict<host_harness::Result<Response>> {
    let gateway = Canned::start(json!({"object": "list", "model": MODEL, "data": data})).await?;
    let provider = fixture.connect_to(&gateway.base_url).await?;
    Ok(provider.embed(&asked(&["one", "two"])).await)
}

fn vector(index: u32, number: f32) -> Value {
    json!({"object": "embedding", "index": index, "embedding": [number, 1.0]})
}

async fn in_order(fixture: &Fixture) -> Verdict {
    let response = answered(fixture, json!([vector(1, 0.25), vector(0, 0.5)])).await??;
    equal("the vectors", json!(response.vectors), json!([[0.5, 1.0], [0.25, 1.0]]))
}

async fn miscounted(fixture: &Fixture) -> Verdict {
    for data in [
        json!([vector(0, 0.5)]),
        json!([vector(0, 0.5), vector(1, 0.5), vector(2, 0.5)]),
        // Numbered 0 both, they may be in the list's order: there are services that number all so.
        json!([vector(1, 0.5), vector(1, 0.25)]),
    ] {
        let what = format!("the vectors {data} for two texts");
        refused_as(&what, answered(fixture, data).await?, ErrorKind::Protocol)?;
    }
    Ok(())
}

async fn empty(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    for texts in [&[][..], &["one", ""]] {
        let answer = provider.embed(&asked(texts)).await;
        refused_as(&format!("the texts {texts:?}"), answer, ErrorKind::InvalidRequest)?;
    }
    no_request(&gateway)
}
