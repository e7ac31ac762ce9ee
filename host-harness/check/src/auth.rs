//! The key: only in its header on the wire. Also checks the `content-length` of the same requests.

use serde_json::{Value, json};

use super::{
    Check, audio, embeddings,
    fixture::{
        Fixture, Flaw, KEY, Verdict, at, ensure, equal, keyless, no_choices, no_request, only_request, pixel, question,
        refused, refused_as, streamed,
    },
};
use host_harness::{
    Error, Provider,
    types::ErrorKind,
    wit::{images, onboarding::Credential},
};
use host_harness_stub::{Options, Recorded, Stub};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "A1", title: "credentials are declared so that a host can ask for them and send them", run: |fixture| Box::pin(declared(fixture)) },
    Check { id: "A2", title: "every call brings the key in the declared header, with its prefix", run: |fixture| Box::pin(arrives(fixture)) },
    Check { id: "A3", title: "the key is nowhere else in a request", run: |fixture| Box::pin(nowhere_else(fixture)) },
    Check { id: "A4", title: "there is an Authorization header only where it is declared or configured", run: |fixture| Box::pin(authorization(fixture)) },
    Check { id: "A5", title: "the component does not see the key, even if the gateway repeats it", run: |fixture| Box::pin(unseen(fixture)) },
    Check { id: "A6", title: "an error does not hold the key, even if the gateway's does", run: |fixture| Box::pin(errors(fixture)) },
    Check { id: "A7", title: "a wrong key is the error unauthorized, and a hint says what to do", run: |fixture| Box::pin(wrong_key(fixture)) },
    Check { id: "A8", title: "a missing key is an error that says how to give it, before any request", run: |fixture| Box::pin(missing_key(fixture)) },
    Check { id: "A9", title: "a redirect takes the key to no other origin", run: |fixture| Box::pin(redirect(fixture)) },
    Check { id: "W1", title: "a request with a body says its length, so that it does not go out in chunks", run: |fixture| Box::pin(length(fixture)) },
    Check { id: "M2", title: "merging keeps a key that stands in the configuration, and the component does not tell it", run: |fixture| Box::pin(literal_key(fixture)) },
    Check { id: "M3", title: "secret headers survive merging, arrive, and stay out of the connection", run: |fixture| Box::pin(secret_headers(fixture)) },
];

async fn declared(fixture: &Fixture) -> Verdict {
    fixture.credential()?;
    for credential in &fixture.descriptor().credentials {
        let Credential { id, header, .. } = credential;
        ensure(!id.is_empty(), || "a credential's id: expected one, got none".into())?;
        ensure(!credential.label.trim().is_empty(), || format!("the label of `{id}`: expected one, got none"))?;
        ensure(http::HeaderName::from_lowercase(header.as_bytes()).is_ok(), || {
            format!("the header of `{id}`: expected a header's name in lower case, got `{header}`")
        })?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        for name in &credential.env_vars {
            ensure(is_name(name), || format!("an environment variable of `{id}`: expected A_NAME, got `{name}`"))?;
        }
        if let Some(flag) = &credential.cli_flag {
            ensure(flag.starts_with("--"), || format!("the flag of `{id}`: expected --a-flag, got `{flag}`"))?;
        }
    }
    Ok(())
}

/// One call of each kind that the component has, those that send nothing too.
async fn every_call(fixture: &Fixture, provider: &Provider) -> Verdict {
    let model = &fixture.descriptor().default_model.id;
    let question = question(model);
    provider.traits_of_each([model]).await?;
    provider.body(&question).await?;
    // A gateway of another API answers none of these. What was sent is seen all the same.
    let is_unknown = |error: &Error| fixture.answered().is_err() && error.record().status.is_some();
    let sent = |answer: Result<(), Error>| answer.or_else(|error| if is_unknown(&error) { Ok(()) } else { Err(error) });
    sent(provider.models().await.map(drop))?;
    sent(provider.complete(&question).await.map(drop))?;
    sent(streamed(provider, &question).await.map(drop))?;
    if let Some(images) = &fixture.descriptor().images {
        sent(provider.generate(&images::Request::new("a lighthouse")).await.map(drop))?;
        if images.max_input_images > 0 {
            sent(provider.edit(&images::Request::new("a lighthouse"), &[pixel(b"")], None).await.map(drop))?;
        }
    }
    if fixture.plugin.has_embeddings() {
        sent(provider.embed(&embeddings::asked(&["a lighthouse"])).await.map(drop))?;
    }
    if fixture.plugin.has_audio() {
        let spoken = audio::speech(provider, &audio::asked("tts-1", "a lighthouse")).await;
        let recording = spoken.as_ref().map_or(&b"ID3"[..], |(_, recording)| recording);
        let heard = provider.transcribe(&audio::recorded(recording)).await;
        sent(spoken.map(drop))?;
        sent(heard.map(drop))?;
    }
    Ok(())
}

/// The requests of one call of each kind.
async fn requests(fixture: &Fixture) -> Verdict<Vec<Recorded>> {
    let (gateway, provider) = fixture.connected().await?;
    every_call(fixture, &provider).await?;
    let requests = gateway.requests();
    ensure(!requests.is_empty(), || "every call: expected requests, got none".into())?;
    Ok(requests)
}

async fn arrives(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let expected = Fixture::header_value(credential, &Fixture::key(credential));
    for request in requests(fixture).await? {
        let values = request.headers.iter().filter(|(name, _)| *name == credential.header);
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        equal(&format!("{} of {}", credential.header, request.path), values, json!([expected]))?;
    }
    Ok(())
}

async fn nowhere_else(fixture: &Fixture) -> Verdict {
    fixture.credential()?;
    let declared = |name: &str| fixture.descriptor().credentials.iter().any(|credential| credential.header == name);
    for request in requests(fixture).await? {
        keyless("the path", &request.path)?;
        keyless(&format!("the body for {}", request.path), &String::from_utf8_lossy(&request.body))?;
        for (name, value) in request.headers.iter().filter(|(name, _)| !declared(name)) {
            keyless(&format!("the header {name} for {}", request.path), value)?;
        }
    }
    Ok(())
}

async fn length(fixture: &Fixture) -> Verdict {
    for request in requests(fixture).await?.iter().filter(|request| request.method == "POST") {
        let expected = request.body.len().to_string();
        equal(&format!("content-length of {}", request.path), request.header("content-length"), expected)?;
    }
    Ok(())
}

/// Says that there is nothing to check where the key itself travels as `Authorization`.
fn authorization_is_free(fixture: &Fixture) -> Verdict {
    if fixture.descriptor().credentials.iter().any(|credential| credential.header == "authorization") {
        return Err(Flaw::NotApplicable("the component declares Authorization as a credential's header".into()));
    }
    Ok(())
}

async fn authorization(fixture: &Fixture) -> Verdict {
    authorization_is_free(fixture)?;
    for request in requests(fixture).await? {
        equal(&format!("authorization of {}", request.path), request.header("authorization"), Value::Null)?;
    }
    let gateway = fixture.gateway().await?;
    let setup = fixture.setup(fixture.config(json!({"headers": {"Authorization": "Bearer of-another"}})));
    every_call(fixture, &Provider::connect(&fixture.plugin, setup.base_url(gateway.base_url())).await?).await?;
    for request in gateway.requests() {
        equal(&format!("authorization of {}", request.path), request.header("authorization"), "Bearer of-another")?;
    }
    Ok(())
}

async fn unseen(fixture: &Fixture) -> Verdict {
    fixture.answered()?;
    let credential = fixture.credential()?;
    let (_gateway, provider) = fixture.connected().await?;
    keyless("the connection", &format!("{:?}", provider.connection()))?;
    let question = question("fault/echo-headers");
    let whole = provider.complete(&question).await?.text();
    let streamed = streamed(&provider, &question).await?.text();
    for (what, text) in [("a reply that repeats the headers", whole), ("such a reply, streamed", streamed)] {
        ensure(text.contains(&credential.header), || {
            format!("{what}: expected {} in it, got: {text}", credential.header)
        })?;
        keyless(what, &text)?;
    }
    Ok(())
}

async fn errors(fixture: &Fixture) -> Verdict {
    fixture.credential()?;
    let (gateway, provider) = fixture.connected().await?;
    let fault = "fault/echo-headers-error";
    let question = question(fault);
    for (what, answer) in [
        ("an error that repeats the headers", provider.complete(&question).await.map(drop)),
        ("such an error, streamed", streamed(&provider, &question).await.map(drop)),
    ] {
        let error = refused(what, answer)?;
        served(fixture, &gateway, fault)?;
        equal(&format!("{what}: the status"), error.status, 401)?;
        keyless(what, &format!("{error:?}"))?;
    }
    Ok(())
}

/// Says that there is nothing to check where the gateway was sent this model in another place than the body: it reads there
/// what it is asked to do.
fn served(fixture: &Fixture, gateway: &Stub, model: &str) -> Verdict {
    let is_named = gateway.requests().iter().any(|request| at(&request.json(), &["model"]) == model);
    if is_named { Ok(()) } else { fixture.answered() }
}

async fn wrong_key(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let gateway = fixture.gateway().await?;
    let setup = fixture.setup(json!({})).base_url(gateway.base_url()).secret(&credential.id, format!("{KEY}-wrong"));
    let provider = Provider::connect(&fixture.plugin, setup).await?;
    let question = question(&fixture.descriptor().default_model.id);
    for (what, answer) in [
        ("models with a wrong key", provider.models().await.map(drop)),
        ("a chat with a wrong key", provider.complete(&question).await.map(drop)),
        ("a streamed chat with a wrong key", streamed(&provider, &question).await.map(drop)),
    ] {
        let error = refused_as(what, answer, ErrorKind::Unauthorized)?;
        equal(&format!("{what}: the status"), error.status, 401)?;
        equal(&format!("{what}: request-sent"), error.request_sent, true)?;
        let has_hint = error.hint.as_ref().is_some_and(|hint| !hint.trim().is_empty());
        ensure(has_hint, || format!("{what}: expected a hint, got none"))?;
        keyless(what, &format!("{error:?}"))?;
    }
    Ok(())
}

async fn missing_key(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let error = fixture.refused_without_key().await?;
    equal("request-sent", error.request_sent, false)?;
    let hint = error.hint.unwrap_or_default();
    let ways = credential.env_vars.iter().chain(&credential.cli_flag);
    ensure(ways.clone().next().is_none() || ways.clone().any(|way| hint.contains(way.as_str())), || {
        format!("the hint: expected one of {:?} in it, got: {hint}", ways.collect::<Vec<_>>())
    })
}

async fn redirect(fixture: &Fixture) -> Verdict {
    fixture.credential()?;
    let elsewhere = Stub::start(Options::default()).await?;
    let location = format!("{}/chat/completions", elsewhere.base_url());
    let gateway = fixture.gateway_with(Options { redirect: Some(location), ..Options::default() }).await?;
    let provider = fixture.connect(&gateway).await?;
    for fault in ["fault/redirect", "fault/redirect-307"] {
        let question = question(fault);
        gateway.clear();
        refused(fault, provider.complete(&question).await)?;
        served(fixture, &gateway, fault)?;
        only_request(&gateway)?;
        refused(&format!("{fault}, streamed"), streamed(&provider, &question).await)?;
        if fixture.images().is_ok() {
            let drawing = images::Request { model: Some(fault.into()), ..images::Request::new("a lighthouse") };
            refused(&format!("{fault}, for an image"), provider.generate(&drawing).await)?;
        }
    }
    no_request(&elsewhere)
}

async fn literal_key(fixture: &Fixture) -> Verdict {
    let key = format!("{KEY}-literal");
    let config = fixture.config(json!({"apiKey": key, "baseUrl": "http://127.0.0.1:8787/v1"}));
    for merged in [
        fixture.plugin.apply_provider_config(&config, &no_choices()).await?,
        fixture.plugin.apply_config(&config, &no_choices()).await?,
    ] {
        equal("apiKey", fixture.own(&merged, "apiKey"), key.as_str())?;
        equal("how often the key is in the configuration", merged.to_string().matches(KEY).count(), 1)?;
    }
    keyless("the findings", &format!("{:?}", fixture.plugin.lint(&config).await?))?;
    let connected = Provider::connect(&fixture.plugin, fixture.setup(config)).await?;
    keyless("the connection", &format!("{:?}", connected.connection()))?;

    let broken = fixture.config(json!({"apiKey": key, "models": {"not": "a list"}, "baseUrl": "nowhere"}));
    keyless("the findings", &format!("{:?}", fixture.plugin.lint(&broken).await?))?;
    let error = refused("merging with a broken entry", fixture.plugin.apply_config(&broken, &no_choices()).await)?;
    keyless("the error of merging", &format!("{error:?}"))
}

async fn secret_headers(fixture: &Fixture) -> Verdict {
    let upstream = format!("Bearer {KEY}-upstream");
    let mut own = json!({"X-Check-Token": "${OPENCLAW_CHECK_TOKEN}", "X-Check-Plain": "plain"});
    // Where it is declared, the key itself travels there.
    let is_free = authorization_is_free(fixture).is_ok();
    if is_free && let Some(own) = own.as_object_mut() {
        own.insert("Authorization".into(), upstream.as_str().into());
    }
    let config = fixture.config(json!({"headers": own}));
    let merged = fixture.plugin.apply_config(&config, &no_choices()).await?;
    equal("headers after merging", fixture.own(&merged, "headers"), own)?;

    let token = format!("{KEY}-token");
    let setup = fixture.setup(merged).environment([("OPENCLAW_CHECK_TOKEN", &*token)].into_iter().collect());
    let gateway = fixture.gateway().await?;
    let provider = Provider::connect(&fixture.plugin, setup.base_url(gateway.base_url())).await?;
    keyless("the connection", &format!("{:?}", provider.connection()))?;
    let answer = provider.complete(&question("fault/echo-headers")).await;
    if fixture.answered().is_ok() {
        keyless("a reply that repeats the headers", &answer?.text())?;
    }
    let request = only_request(&gateway)?;
    let authorization = is_free.then_some(("authorization", &*upstream));
    for (name, expected) in [("x-check-token", &*token), ("x-check-plain", "plain")].into_iter().chain(authorization) {
        equal(&format!("the header {name}"), request.header(name), expected)?;
    }
    Ok(())
}
