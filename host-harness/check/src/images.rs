//! Images: the request, and how the answer is read.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::{
    Check,
    canned::Canned,
    fixture::{Fixture, Flaw, Verdict, ensure, equal, no_request, only_request, pixel, refused, refused_as},
    proxy::Proxy,
};
use host_harness::{
    Provider,
    types::{ErrorKind, Media, MediaSource},
    wit::images::{Image, Request, Response},
};
use host_harness_stub::Recorded;

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "I1", title: "what images take is described: a model, limits, sizes", run: |fixture| Box::pin(described(fixture)) },
    Check { id: "I2", title: "the key arrives in the declared header", run: |fixture| Box::pin(header(fixture)) },
    Check { id: "I3", title: "by default images are drawn at the default base URL", run: |fixture| Box::pin(default_url(fixture)) },
    Check { id: "I4", title: "a configured base URL is used, with its path", run: |fixture| Box::pin(configured_url(fixture)) },
    Check { id: "I5", title: "the body is exactly model, prompt, n and size, as JSON", run: |fixture| Box::pin(body(fixture)) },
    Check { id: "I6", title: "an edit is a multipart form with the image in it, as a file", run: |fixture| Box::pin(edit(fixture)) },
    Check { id: "I7", title: "without a key the error names it, and nothing is sent", run: |fixture| Box::pin(missing_key(fixture)) },
    Check { id: "I8", title: "a configured proxy is used, and does not see the key", run: |fixture| Box::pin(proxied(fixture)) },
    Check { id: "C1", title: "nothing chosen: one image, the default size and model", run: |fixture| Box::pin(defaults(fixture)) },
    Check { id: "C2", title: "more images than the limit are refused, and nothing is sent", run: |fixture| Box::pin(too_many(fixture)) },
    Check { id: "C3", title: "more input images than the limit, or none, are refused, and nothing is sent", run: |fixture| Box::pin(too_many_inputs(fixture)) },
    Check { id: "C3", title: "as many input images as the limit arrive, in order", run: |fixture| Box::pin(all_inputs(fixture)) },
    Check { id: "C4", title: "a trailing slash of the base URL makes no second one", run: |fixture| Box::pin(trailing_slash(fixture)) },
    Check { id: "C5", title: "b64_json becomes bytes, numbered from image-1.png", run: |fixture| Box::pin(bytes(fixture)) },
    Check { id: "C5", title: "the media type and the file's ending are those of the actual bytes", run: |fixture| Box::pin(actual_type(fixture)) },
    Check { id: "C6", title: "a revised prompt is passed on", run: |fixture| Box::pin(revised_prompt(fixture)) },
    Check { id: "C7", title: "entries without data are dropped", run: |fixture| Box::pin(without_data(fixture)) },
    Check { id: "C7", title: "an answer without any image is an error", run: |fixture| Box::pin(no_image(fixture)) },
    Check { id: "C8", title: "a failure says what the gateway said, status included", run: |fixture| Box::pin(failure(fixture)) },
    Check { id: "C9", title: "a size that is not among the known ones passes through", run: |fixture| Box::pin(other_size(fixture)) },
];

const PROMPT: &str = "A lighthouse, \"at night\"\nü";

/// The first bytes of a JPEG file: enough to know one by.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9";

/// The bytes of an image, which must be inline.
fn inline(image: &Image) -> Verdict<&Media> {
    match &image.source {
        MediaSource::Inline(media) => Ok(media),
        MediaSource::Url(url) => Err(Flaw::Failed(format!("expected the image's bytes, got the URL {url}"))),
    }
}

/// Draws, and gives the answer and the one request that arrived for it.
async fn draw(fixture: &Fixture, request: &Request) -> Verdict<(Response, Recorded)> {
    let (gateway, provider) = fixture.connected().await?;
    let response = provider.generate(request).await?;
    Ok((response, only_request(&gateway)?))
}

/// Draws at a gateway that answers with this.
async fn draw_from(fixture: &Fixture, answer: Value) -> Verdict<host_harness::Result<Response>> {
    let gateway = Canned::start(answer).await?;
    let provider = fixture.connect_to(&gateway.base_url).await?;
    Ok(provider.generate(&Request::new(PROMPT)).await)
}

async fn described(fixture: &Fixture) -> Verdict {
    let images = fixture.images()?;
    ensure(!fixture.descriptor().label.trim().is_empty(), || "label: expected a name, got none".into())?;
    ensure(!images.default_model.trim().is_empty(), || "default-model: expected an id, got none".into())?;
    ensure(images.max_count > 0, || "max-count: expected at least 1, got 0".into())?;
    let is_side = |side: &str| side.parse::<u32>().is_ok_and(|side| side > 0);
    for size in &images.sizes {
        let is_size = size.split_once('x').is_some_and(|(width, height)| is_side(width) && is_side(height));
        ensure(is_size, || format!("sizes: expected WIDTHxHEIGHT, got `{size}`"))?;
        let times = images.sizes.iter().filter(|other| *other == size).count();
        equal(&format!("how often `{size}` is among the sizes"), times, 1)?;
    }
    Ok(())
}

async fn header(fixture: &Fixture) -> Verdict {
    fixture.credential()?;
    let (_, request) = draw(fixture, &Request::new(PROMPT)).await?;
    fixture.keyed(&request)
}

async fn default_url(fixture: &Fixture) -> Verdict {
    let default = fixture.descriptor().default_base_url.as_str();
    for entry in [json!({}), json!({"baseUrl": " "})] {
        let provider = Provider::connect(&fixture.plugin, fixture.setup(fixture.config(entry))).await?;
        equal("the connection's base URL", provider.connection().base_url.as_str(), default)?;
    }
    ensure(!default.ends_with('/'), || format!("the default base URL: expected no trailing slash, got {default}"))
}

async fn configured_url(fixture: &Fixture) -> Verdict {
    let gateway = fixture.gateway().await?;
    let base_url = format!("http://{}/some/where/v1", gateway.address());
    let provider =
        Provider::connect(&fixture.plugin, fixture.setup(fixture.config(json!({"baseUrl": base_url})))).await?;
    equal("the connection's base URL", provider.connection().base_url.as_str(), base_url)?;
    provider.generate(&Request::new(PROMPT)).await?;
    let request = only_request(&gateway)?;
    equal("the method", request.method.as_str(), "POST")?;
    equal("the path", request.path.as_str(), "/some/where/v1/images/generations")
}

async fn body(fixture: &Fixture) -> Verdict {
    let images = fixture.images()?;
    let count = images.max_count.min(2);
    let size = images.sizes.last().map_or("1024x1024", String::as_str);
    let request = Request { count: Some(count), size: Some(size.into()), ..Request::new(PROMPT) };
    let (response, request) = draw(fixture, &request).await?;
    let expected = json!({"model": images.default_model, "prompt": PROMPT, "n": count, "size": size});
    equal("the body", request.json(), expected)?;
    let content_type = request.header("content-type").unwrap_or_default();
    ensure(content_type.starts_with("application/json"), || {
        format!("the content type: expected application/json, got `{content_type}`")
    })?;
    equal("images", response.images.len(), count)
}

async fn edit(fixture: &Fixture) -> Verdict {
    let images = fixture.images()?;
    if images.max_input_images == 0 {
        return Err(Flaw::NotApplicable("the component edits no images".into()));
    }
    let (gateway, provider) = fixture.connected().await?;
    let size = images.sizes.first().map_or("1024x1024", String::as_str);
    let request = Request { count: Some(1), size: Some(size.into()), ..Request::new(PROMPT) };
    let response = provider.edit(&request, &[pixel(b"")], None).await?;
    equal("images", response.images.len(), 1)?;

    let request = only_request(&gateway)?;
    equal("the path", request.path.as_str(), "/v1/images/edits")?;
    let content_type = request.header("content-type").unwrap_or_default();
    ensure(content_type.starts_with("multipart/form-data; boundary="), || {
        format!("the content type: expected multipart/form-data, got `{content_type}`")
    })?;
    let [file] = files(&request)
        .try_into()
        .map_err(|files: Vec<_>| Flaw::Failed(format!("files in the form: expected 1 image, got {}", files.len())))?;
    equal("the file's content type", file.content_type.as_deref(), "image/png")?;
    ensure(file.file_name.is_some(), || "the file: expected a file name, got none".into())?;
    ensure(file.data == pixel(b"").data, || {
        format!("the file: expected the image's bytes, got {} others", file.data.len())
    })?;
    // A gateway may want the provider's slug, such as `@slug/`, out of a form and in a header.
    let model = request.field("model").map(|field| field.text()).unwrap_or_default();
    ensure(!model.is_empty() && images.default_model.ends_with(&model), || {
        format!("the field model: expected `{}`, got `{model}`", images.default_model)
    })?;
    for (name, expected) in [("prompt", PROMPT), ("n", "1"), ("size", size)] {
        let field = request.field(name).map(|field| field.text());
        equal(&format!("the field {name}"), field.map(|text| text.replace("\r\n", "\n")), expected)?;
    }
    Ok(())
}

/// The images of an edit, as they arrived.
fn files(request: &Recorded) -> Vec<&host_harness_stub::Field> {
    request.fields.iter().filter(|field| matches!(field.name.as_str(), "image" | "image[]")).collect()
}

async fn missing_key(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let error = fixture.refused_without_key().await?;
    ensure(error.message.contains(&credential.label), || {
        format!("the message: expected `{}` in it, got: {}", credential.label, error.message)
    })
}

async fn proxied(fixture: &Fixture) -> Verdict {
    let gateway = fixture.gateway().await?;
    let proxy = Proxy::to(gateway.address()).await?;
    let request = json!({"proxy": {"mode": "explicit-proxy", "url": proxy.url}});
    let config = json!({"models": {"providers": {&fixture.descriptor().id: {"request": request}}}});
    let provider = Provider::connect(&fixture.plugin, fixture.setup(config).base_url("http://gateway.test/v1")).await?;
    provider.generate(&Request::new(PROMPT)).await?;
    equal("what the proxy was asked", proxy.asked(), json!(["CONNECT gateway.test:80 HTTP/1.1"]))?;
    only_request(&gateway).map(|_| ())
}

async fn defaults(fixture: &Fixture) -> Verdict {
    let images = fixture.images()?;
    let (response, request) = draw(fixture, &Request::new(PROMPT)).await?;
    let mut expected = json!({"model": images.default_model, "prompt": PROMPT, "n": 1});
    if let (Some(size), Some(fields)) = (images.sizes.first(), expected.as_object_mut()) {
        fields.insert("size".into(), size.as_str().into());
    }
    equal("the body", request.json(), expected)?;
    equal("the model that drew", response.model, images.default_model.as_str())?;
    let (_, request) = draw(fixture, &Request { model: Some("dall-e-2".into()), ..Request::new(PROMPT) }).await?;
    equal("the model, where one is chosen", request.json().get("model").cloned(), "dall-e-2")
}

async fn too_many(fixture: &Fixture) -> Verdict {
    let Some(count) = fixture.images()?.max_count.checked_add(1) else {
        return Err(Flaw::NotApplicable("the component sets no limit".into()));
    };
    let (gateway, provider) = fixture.connected().await?;
    for count in [count, 0] {
        let request = Request { count: Some(count), ..Request::new(PROMPT) };
        let error =
            refused_as(&format!("{count} images"), provider.generate(&request).await, ErrorKind::InvalidRequest)?;
        equal("request-sent", error.request_sent, false)?;
    }
    no_request(&gateway)
}

async fn too_many_inputs(fixture: &Fixture) -> Verdict {
    let limit = usize::try_from(fixture.images()?.max_input_images).unwrap_or(usize::MAX);
    if limit > 1000 {
        return Err(Flaw::NotApplicable("the component sets no limit".into()));
    }
    let (gateway, provider) = fixture.connected().await?;
    for count in [limit + 1, 0] {
        let answer = provider.edit(&Request::new(PROMPT), &vec![pixel(b""); count], None).await;
        let error = refused(&format!("an edit of {count} images"), answer)?;
        ensure(matches!(error.kind, ErrorKind::InvalidRequest | ErrorKind::Unsupported), || {
            format!(
                "an edit of {count} images: expected the error InvalidRequest, got {:?}: {}",
                error.kind, error.message
            )
        })?;
        equal("request-sent", error.request_sent, false)?;
    }
    no_request(&gateway)
}

async fn all_inputs(fixture: &Fixture) -> Verdict {
    let limit = fixture.images()?.max_input_images.min(16);
    if limit < 2 {
        return Err(Flaw::NotApplicable("the component takes no more than one input image".into()));
    }
    let (gateway, provider) = fixture.connected().await?;
    let numbers = (0..=u8::MAX).zip(0..limit).map(|(number, _)| number);
    let inputs: Vec<Media> = numbers.clone().map(|number| pixel(&[number])).collect();
    provider.edit(&Request::new(PROMPT), &inputs, None).await?;
    let request = only_request(&gateway)?;
    let arrived: Vec<Option<u8>> = files(&request).iter().map(|file| file.data.last().copied()).collect();
    equal("the last bytes of the images", arrived, numbers.collect::<Vec<_>>())
}

async fn trailing_slash(fixture: &Fixture) -> Verdict {
    let gateway = fixture.gateway().await?;
    let setup = fixture.setup(json!({})).base_url(format!("{}/", gateway.base_url()));
    let provider = Provider::connect(&fixture.plugin, setup).await?;
    equal("the connection's base URL", provider.connection().base_url.as_str(), gateway.base_url())?;
    provider.generate(&Request::new(PROMPT)).await?;
    equal("the path", only_request(&gateway)?.path, "/v1/images/generations")
}

async fn bytes(fixture: &Fixture) -> Verdict {
    let count = fixture.images()?.max_count.min(3);
    let (response, _) = draw(fixture, &Request { count: Some(count), ..Request::new(PROMPT) }).await?;
    equal("images", response.images.len(), count)?;
    for (number, image) in (1..).zip(&response.images) {
        equal("the file name", image.file_name.as_str(), format!("image-{number}.png"))?;
        let media = inline(image)?;
        equal("the media type", media.media_type.as_str(), "image/png")?;
        let size = media.data.len();
        ensure(png::Decoder::new(std::io::Cursor::new(&media.data)).read_info().is_ok(), || {
            format!("image {number}: expected a PNG file, got {size} other bytes")
        })?;
    }
    Ok(())
}

async fn actual_type(fixture: &Fixture) -> Verdict {
    let response = draw_from(fixture, json!({"created": 1, "data": [{"b64_json": BASE64.encode(JPEG)}]})).await??;
    let [image] = response.images.as_slice() else {
        return equal("images", response.images.len(), 1);
    };
    let media = inline(image)?;
    equal("the media type", media.media_type.as_str(), "image/jpeg")?;
    ensure(media.data == JPEG, || {
        format!("expected the {} bytes that were sent, got {}", JPEG.len(), media.data.len())
    })?;
    ensure(matches!(image.file_name.as_str(), "image-1.jpg" | "image-1.jpeg"), || {
        format!("the file name: expected image-1.jpg, got {}", image.file_name)
    })
}

async fn revised_prompt(fixture: &Fixture) -> Verdict {
    let revised = "A lighthouse at night, \"in oil\"\nü";
    let data = BASE64.encode(pixel(b"").data);
    let answer = json!({"created": 1, "data": [{"b64_json": data, "revised_prompt": revised}, {"b64_json": data}]});
    let response = draw_from(fixture, answer).await??;
    let prompts: Vec<Option<String>> = response.images.into_iter().map(|image| image.revised_prompt).collect();
    equal("revised prompts", prompts, json!([revised, null]))
}

async fn without_data(fixture: &Fixture) -> Verdict {
    let data = BASE64.encode(pixel(b"").data);
    let answer = json!({"created": 1, "data": [{"revised_prompt": "nothing"}, {"b64_json": data}, {"b64_json": null}]});
    let response = draw_from(fixture, answer).await??;
    let [image] = response.images.as_slice() else {
        return equal("images of three entries, two of them without data", response.images.len(), 1);
    };
    ensure(inline(image)?.data == pixel(b"").data, || "expected the bytes that were sent, got others".into())
}

async fn no_image(fixture: &Fixture) -> Verdict {
    for answer in [json!({"created": 1, "data": []}), json!({"created": 1, "data": [{}]}), json!({"created": 1})] {
        let what = format!("the answer {answer}");
        let error = refused_as(&what, draw_from(fixture, answer).await?, ErrorKind::Protocol)?;
        equal("request-sent", error.request_sent, true)?;
    }
    Ok(())
}

async fn failure(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    for (fault, kind, status, said) in [
        ("400", ErrorKind::InvalidRequest, 400, "maximum context length"),
        ("500", ErrorKind::Overloaded, 500, "had an error while processing"),
    ] {
        let request = Request { model: Some(format!("fault/{fault}")), ..Request::new(PROMPT) };
        for (what, answer) in [
            ("generation", provider.generate(&request).await),
            ("edit", provider.edit(&request, &[pixel(b"")], None).await),
        ] {
            let what = format!("an image {what} that fails with {status}");
            let error = refused_as(&what, answer, kind)?;
            equal(&format!("{what}: the status"), error.status, status)?;
            ensure(error.message.contains(said), || {
                format!("{what}: expected `{said}` in the message, got: {}", error.message)
            })?;
        }
    }
    Ok(())
}

async fn other_size(fixture: &Fixture) -> Verdict {
    let (_, request) = draw(fixture, &Request { size: Some("123x45".into()), ..Request::new(PROMPT) }).await?;
    equal("the size", request.json().get("size").cloned(), "123x45")
}
