//! Prices: nobody needs a key to know one, and what is none is not taken for one.

use serde_json::json;

use super::{
    Check,
    canned::Canned,
    fixture::{Fixture, Verdict, ensure, keyless},
};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "P1", title: "no key goes along with a question for a price", run: |fixture| Box::pin(keyless_question(fixture)) },
    Check { id: "P2", title: "a service that tells no prices has none", run: |fixture| Box::pin(none(fixture)) },
];

async fn keyless_question(fixture: &Fixture) -> Verdict {
    let (gateway, provider) = fixture.connected().await?;
    if let Some(price) = provider.price_of(&fixture.descriptor().default_model.id).await {
        ensure(price.input > 0.0 || price.output > 0.0, || format!("a price: expected one, got {price:?}"))?;
    }
    for request in gateway.take().into_iter().chain(gateway.take_of_prices()) {
        keyless(&format!("the head of {}", request.path), &format!("{:?}", request.headers))?;
        keyless(&format!("the body of {}", request.path), &String::from_utf8_lossy(&request.body))?;
    }
    Ok(())
}

async fn none(fixture: &Fixture) -> Verdict {
    for answer in [json!({}), json!([]), json!("prices"), json!({"error": {"message": "Not Found"}})] {
        let gateway = Canned::start(answer.clone()).await?;
        let provider = fixture.connect_to(&gateway.base_url).await?;
        let price = provider.price_of(&fixture.descriptor().default_model.id).await;
        ensure(price.is_none(), || {
            format!("the service answered {answer}, which tells no price: expected none, got {price:?}")
        })?;
    }
    Ok(())
}
