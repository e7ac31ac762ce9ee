//! Properties of the component that hold for any answer of a gateway and any configuration.

use std::collections::BTreeSet;

use portkey_provider::bindings::exports::openclaw::provider::chat::{AssistantPart, Event, FinishReason};
use portkey_provider::bindings::exports::openclaw::provider::onboarding::{Choices, Finding, Severity};
use portkey_provider::bindings::openclaw::provider::types::{Error, ErrorKind, MediaSource};
use portkey_provider::{
    answer, audio, call, embeddings, error, images, lint, models, onboarding, portkey, report::Head, sse, stream, url,
};
use serde_json::{Map, Value};

use answers::{self, Answer, Made};

/// Cuts a stream into pieces. No UTF-8 text holds this byte, so that inputs stay readable.
const CUT: u8 = 0xff;

/// The body of a streamed answer: however it is cut, the events are the same, and in an order that a host can rely on.
pub fn stream(input: &[u8]) {
    let pieces: Vec<&[u8]> = input.split(|&byte| byte == CUT).collect();
    let whole = pieces.concat();
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();

    let specified = specified_events(&whole);
    let decoded = decoded_events(&[&whole]);
    let reply = read(&[&whole]);
    for pieces in [&[&*whole][..], &pieces, &bytes] {
        assert_eq!(decoded_events(pieces), decoded);
        assert_eq!(read(pieces), reply);
    }
    if is_as_specified(&whole) {
        assert_eq!(decoded, specified);
    }
    // A chunk that is like the one before it is read in a shorter way, but not if one without effect stands between them.
    assert_eq!(spread(&specified, b": nothing\n\n"), spread(&specified, b"data: {\"choices\":[]}\n\n"));
    let (events, error) = reply;
    check_events(&events);
    if let Some(error) = error {
        check_error(&error, &head());
    }
}

/// An answer that these bytes choose, dressed or broken: what comes of it is what it was made from, or an error that says
/// what it was made to say.
pub fn answers(input: &[u8]) {
    check_chosen(input, answers::good, answers::broken);
}

/// The same of answers of the Responses API.
pub fn responses(input: &[u8]) {
    check_chosen(input, answers::good_response, answers::broken_response);
}

type Make = fn(&mut answers::Choices<'_>, bool) -> Made;

fn check_chosen(input: &[u8], good: Make, broken: Make) {
    let (is_streamed, is_broken, rest) = match input {
        [first, rest @ ..] => (first & 1 == 0, first & 2 != 0, rest),
        [] => (true, false, input),
    };
    let make = if is_broken { broken } else { good };
    check_answer(&make(&mut answers::Choices::new(rest), is_streamed), is_streamed);
}

/// The same of one answer.
pub fn check_answer(made: &Made, is_streamed: bool) {
    let got = if is_streamed { streamed(made) } else { completed(made) };
    let shown = || format!("{}, broken {}:\n{}", made.kind, made.is_broken, String::from_utf8_lossy(&made.body));
    match (&made.right, &got) {
        (Ok(answer), Ok(got)) => assert!(answer.is(got), "{}\nright {answer:?}\n  got {got:?}", shown()),
        (Ok(_), Err(error)) => panic!("{}\n{error:?}", shown()),
        (Err(_), Ok(got)) => panic!("{}\na success: {got:?}", shown()),
        (Err(words), Err(error)) => assert!(error.message.contains(words), "{}\n{error:?}", shown()),
    }
}

fn completed(made: &Made) -> Result<Answer, Error> {
    let response = answer::response(head(), &made.body, true).map_err(|error| *error)?;
    let mut got = Answer { finish: finish(&response.finish_reason), ..Answer::default() };
    got.usage = response.usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens));
    for part in response.content {
        match part {
            AssistantPart::Text(text) => got.text.push_str(&text),
            AssistantPart::Refusal(text) => got.refusal.push_str(&text),
            AssistantPart::Thinking(thinking) => {
                got.thinking.push_str(&thinking.text);
                got.field = thinking.signature.or(got.field);
            }
            AssistantPart::ToolCall(call) => got.calls.push((Some(call.id), call.name, call.arguments_json)),
            AssistantPart::Image(MediaSource::Inline(media)) => got.image = Some(media.data),
            AssistantPart::Image(_) | AssistantPart::Other(_) => panic!("{part:?}"),
        }
    }
    Ok(got)
}

fn streamed(made: &Made) -> Result<Answer, Error> {
    let mut cuts = made.cuts.clone();
    cuts.extend([0, made.body.len()]);
    cuts.sort_unstable();
    let mut reply = stream::Reply::new(head());
    for cut in cuts.windows(2) {
        reply.push(&made.body[cut[0]..cut[1]]);
    }
    let broken = made.is_broken.then(|| {
        let mut error = error::from_response(&head(), b"");
        error.kind = ErrorKind::Transport;
        error
    });
    reply.close(broken);
    let (events, error) = rest(reply, Vec::new());
    check_events(&events);
    if let Some(error) = error {
        return Err(error);
    }
    let mut got = Answer::default();
    for event in events {
        match event {
            Event::Text(text) => got.text.push_str(&text),
            Event::Refusal(text) => got.refusal.push_str(&text),
            Event::Thinking(thinking) => {
                got.thinking.push_str(&thinking.text);
                got.field = thinking.signature.or(got.field);
            }
            Event::ToolCall(delta) => {
                if let (Some(id), Some(name)) = (delta.id, delta.name) {
                    got.calls.push((Some(id), name, String::new()));
                }
                got.calls[delta.index as usize].2.push_str(&delta.arguments_fragment);
            }
            Event::Image(MediaSource::Inline(media)) => got.image = Some(media.data),
            Event::Finish(reason) => got.finish = finish(&reason),
            Event::Usage(usage) => {
                got.usage = Some((usage.input_tokens, usage.output_tokens, usage.cache_read_tokens));
            }
            Event::Start(_) | Event::GuardrailsJson(_) => {}
            Event::Image(_) | Event::Other(_) => panic!("{event:?}"),
        }
    }
    Ok(got)
}

fn finish(reason: &FinishReason) -> String {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(reason) => reason,
    }
    .to_owned()
}

fn head() -> Head {
    Head { status: 200, headers: vec![("x-portkey-trace-id".to_owned(), "t".to_owned())] }
}

fn decoded_events(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut decoder = sse::Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut |event| events.push(event.data.to_vec())).expect("no input is this large");
    }
    decoder.finish(&mut |event| events.push(event.data.to_vec())).expect("no input is this large");
    events
}

/// The same in the words of the standard, for a stream that is there as a whole. An end counts as a blank line.
fn specified_events(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut last = 0;
    for &byte in stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream) {
        match byte {
            b'\n' if last == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            byte => lines.last_mut().expect("there is a line").push(byte),
        }
        last = byte;
    }
    lines.push(Vec::new());
    let mut events = Vec::new();
    let mut data = Vec::new();
    for line in lines {
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&*line, &[][..]),
        };
        if line.is_empty() {
            let lines: Vec<Vec<u8>> = std::mem::take(&mut data);
            events.extend((!lines.is_empty()).then(|| lines.join(&b'\n')));
        } else if name == b"data" {
            data.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        }
    }
    events
}

/// Whether a stream holds nothing of what the standard drops and this decoder reads.
fn is_as_specified(stream: &[u8]) -> bool {
    let mut lines = stream.split(|byte| b"\r\n".contains(byte));
    let is_read = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_field = |field: &[u8]| name != b"data" && name.trim_ascii_end().eq_ignore_ascii_case(field);
        line.first().is_some_and(|first| b"{[<}]\"".contains(first) || *first <= b' ')
            || [&b"data"[..], b"event", b"error"].into_iter().any(is_field)
            || line.starts_with(b"error")
            || line.starts_with(b"event:")
            // Objects below objects are events of their own.
            || line.strip_prefix(b"data").is_some_and(|data| data.iter().any(|byte| b"}]".contains(byte)))
    };
    !lines.any(|line| is_read(line) || line.starts_with(b"\xef\xbb\xbf"))
}

/// All events of a reply that comes in these pieces, and the error at its end.
fn read(pieces: &[&[u8]]) -> (Vec<Event>, Option<Error>) {
    let mut reply = stream::Reply::new(head());
    let mut events = Vec::new();
    for piece in pieces {
        reply.push(piece);
        // As the component does: what is ready is taken at once.
        while let Some(Ok(batch)) = reply.take() {
            if batch.is_empty() {
                return (events, None);
            }
            events.extend(batch);
        }
    }
    reply.close(None);
    rest(reply, events)
}

/// The same of these events, with something `between` them as soon as the reply has started.
fn spread(events: &[Vec<u8>], between: &[u8]) -> (Vec<Event>, Option<Error>) {
    let mut reply = stream::Reply::new(head());
    let mut given = Vec::new();
    for event in events {
        let lines = event.split(|&byte| byte == b'\n');
        let lines: Vec<u8> = lines.flat_map(|line| [b"data: ", line, b"\n"].concat()).collect();
        reply.push(&[&lines[..], b"\n"].concat());
        while !reply.is_over()
            && let Some(Ok(batch)) = reply.take()
        {
            given.extend(batch);
        }
        if given.iter().any(|event| matches!(event, Event::Start(_))) {
            reply.push(between);
        }
    }
    reply.close(None);
    rest(reply, given)
}

fn rest(mut reply: stream::Reply, mut events: Vec<Event>) -> (Vec<Event>, Option<Error>) {
    loop {
        match reply.take().expect("a closed reply needs no more bytes") {
            Ok(batch) if batch.is_empty() => return (events, None),
            Ok(batch) => events.extend(batch),
            Err(error) => {
                assert_eq!(reply.take(), Some(Ok(Vec::new())), "nothing comes after an error");
                return (events, Some(*error));
            }
        }
    }
}

/// The start first and once, each call announced once and in its order, one end.
fn check_events(events: &[Event]) {
    let (mut starts, mut calls, mut finishes, mut usages) = (0, 0, 0, 0);
    for event in events {
        match event {
            Event::Start(_) => starts += 1,
            Event::GuardrailsJson(json) => assert!(is_json(json)),
            Event::Usage(_) => usages += 1,
            _ => assert_eq!(starts, 1, "before the start: {event:?}"),
        }
        match event {
            Event::Text(text) => assert!(!text.is_empty()),
            Event::Thinking(thinking) => assert!(!thinking.text.is_empty() || thinking.signature.is_some()),
            Event::ToolCall(delta) if delta.id.is_some() => {
                assert_eq!(delta.index, calls);
                assert!(delta.name.is_some() && delta.id.as_deref() != Some(""));
                calls += 1;
            }
            Event::ToolCall(delta) => assert!(delta.index < calls && delta.name.is_none()),
            Event::Finish(_) => finishes += 1,
            _ => {}
        }
    }
    assert!(starts <= 1 && finishes <= 1 && usages <= 1, "{events:?}");
}

/// Not a value: one may nest too deep for that, or hold a number that is too large.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

/// What a person or a program is told of a failure.
fn check_error(error: &Error, head: &Head) {
    assert!(!error.message.trim().is_empty());
    let lines = [Some(&error.message), error.hint.as_ref(), error.code.as_ref()];
    for line in lines.into_iter().flatten() {
        assert!(line.len() < 1200 && !line.contains(char::is_control), "{line:?}");
    }
    assert!(error.request_sent && error.status == Some(head.status));
}

/// An answer, head and body: each decoder gives what its interface promises, or an error that can be shown.
pub fn answer(input: &[u8]) {
    let (head, body) = response(input);
    check_error(&error::from_response(&head, body), &head);
    match answer::response(head.clone(), body, true) {
        Ok(response) => {
            assert!(response.guardrails_json.is_none_or(|json| is_json(&json)));
        }
        Err(error) => check_error(&error, &head),
    }
    let drawn = |pieces: &[&[u8]]| {
        let mut answer = images::Answer::new(body.len());
        pieces.iter().for_each(|piece| answer.push(piece));
        images::response(&head, answer, "m")
    };
    let (start, end) = body.split_at(body.len() / 2);
    assert_eq!(drawn(&[body]), drawn(&[start, end]), "it depends on how the answer was cut");
    match drawn(&[body]) {
        Ok(response) => {
            assert!(!response.images.is_empty() && !response.model.is_empty());
            for (image, number) in response.images.iter().zip(1..) {
                assert!(image.file_name.starts_with(&format!("image-{number}.")), "{}", image.file_name);
                match &image.source {
                    MediaSource::Inline(media) => assert!(!media.data.is_empty(), "an empty image"),
                    MediaSource::Url(url) => assert!(!url.is_empty()),
                }
            }
        }
        Err(error) => check_error(&images::failed(images::GENERATION_FAILED, error), &head),
    }
    for count in [1, 3] {
        match embeddings::response(&head, body, count, "m") {
            Ok(response) => {
                assert_eq!(response.vectors.len(), count);
                let length = response.vectors[0].len();
                assert!(length > 0 && response.vectors.iter().all(|vector| vector.len() == length));
                assert!(response.vectors.iter().flatten().all(|number| number.is_finite()));
            }
            Err(error) => check_error(&error, &head),
        }
    }
    if let Err(error) = audio::transcript(&head, body) {
        check_error(&error, &head);
    }
    if audio::media_type(&head, body).is_none() {
        check_error(&audio::no_audio(&head, body), &head);
    }
    list(&head, body);
}

/// A server that sends this page whatever is asked of it: the listing ends.
fn list(head: &Head, page: &[u8]) {
    let mut listing = models::Listing::default();
    let mut pages = 0;
    while let Some(path) = listing.next_path() {
        assert!(path.starts_with("/models"));
        if let Err(error) = listing.push(head, page) {
            return check_error(&error, head);
        }
        pages += 1;
        assert!(pages <= 2, "the same page again and again");
    }
    assert!(listing.into_entries().iter().all(|entry| !entry.id.is_empty()));
}

/// A response as HTTP/1.1 writes it; what has no such head is a body with status 200.
fn response(input: &[u8]) -> (Head, &[u8]) {
    let plain = (Head { status: 200, headers: Vec::new() }, input);
    if !input.starts_with(b"HTTP/") {
        return plain;
    }
    let Some(end) = input.windows(2).position(|pair| pair == b"\n\n") else { return plain };
    let Ok(text) = str::from_utf8(&input[..end]) else { return plain };
    let mut lines = text.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(200);
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    (Head { status, headers }, &input[end + 2..])
}

/// A configuration. What a user chose in onboarding stands in it too, as `choices`, which the component takes for a
/// value like any other that is none of its business.
pub fn config(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let document: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let choice = |name| Some(document.as_ref()?.get("choices")?.get(name)?.as_str()?.to_owned());
    let choices =
        Choices { base_url: choice("baseUrl"), model: choice("model"), api_key_reference: choice("apiKeyReference") };

    let findings = lint::document(text);
    assert!(findings.iter().all(|finding| !finding.message.is_empty()));
    let held = [portkey::CREDENTIAL.to_owned()];
    let connection = onboarding::resolve(text, &held);
    match &connection {
        Ok(connection) => {
            assert_eq!(errors(&findings), [] as [&Finding; 0], "an error refuses the connection");
            let url = url::BaseUrl::parse(&connection.base_url).expect("a base URL");
            assert_eq!(url.text(), connection.base_url);
            call::get(connection, "/models").expect("a connection can be called");
        }
        Err(error) => {
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidConfig, false));
            assert!(!errors(&findings).is_empty() && error.hint.is_some());
        }
    }

    for primary in [false, true] {
        let Ok(merged) = onboarding::apply(text, &choices, primary) else { continue };
        assert_eq!(onboarding::apply(&merged, &choices, primary).as_ref(), Ok(&merged), "again changes nothing");
        assert!(is_json(&merged));
        // Numbers that are too large for a reader of numbers are kept as they are written.
        if let Some(before) = &document {
            check_unrelated(before, &serde_json::from_str(&merged).expect("JSON"), &choices);
        }
        // A merge mends no configuration, and breaks none.
        let after = lint::document(&merged);
        let known: BTreeSet<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        for error in errors(&after) {
            assert!(known.contains(error.message.as_str()), "{error:?}");
        }
        let again = onboarding::resolve(&merged, &held);
        if let (Ok(one), Ok(other)) = (&connection, &again) {
            assert_eq!(one.headers, other.headers);
            assert!(one.base_url == other.base_url || choices.base_url.is_some());
        }
    }
}

fn errors(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// Without what is the merge's to write both are the same.
fn check_unrelated(before: &Map<String, Value>, after: &Map<String, Value>, choices: &Choices) {
    let own = |name: &str| name.trim().eq_ignore_ascii_case(portkey::ID);
    let model = choices.model.as_deref().unwrap_or_default().trim();
    let model = Some(model.strip_prefix("portkey/").unwrap_or(model).trim()).filter(|model| !model.is_empty());
    let reference = format!("portkey/{}", model.unwrap_or(portkey::MODEL));
    let rest = |document: &Map<String, Value>| {
        let mut root = document.clone();
        within(&mut root, "models", |models| {
            models.remove("mode");
            within(models, "providers", |providers| providers.retain(|name, _| !own(name)));
        });
        within(&mut root, "agents", |agents| {
            within(agents, "defaults", |defaults| {
                within(defaults, "models", |models| {
                    within(models, &reference, |entry| drop(entry.remove("alias")));
                });
                match defaults.get("model") {
                    Some(Value::String(_)) => drop(defaults.remove("model")),
                    _ => within(defaults, "model", |model| drop(model.remove("primary"))),
                }
            });
        });
        root
    };
    assert_eq!(rest(after), rest(before));

    let mode =
        |document: &Map<String, Value>| document.get("models")?.get("mode").cloned().filter(|mode| !mode.is_null());
    assert!(mode(before).is_none() || mode(before) == mode(after));

    // Its own entry, of each spelling of its name: the exact one counts for more.
    let Some(providers) = before.get("models").and_then(|models| models.get("providers")?.as_object()) else { return };
    let mut old: Vec<_> = providers.iter().filter(|(name, _)| own(name)).collect();
    old.sort_by_key(|(name, _)| *name != portkey::ID);
    let old: Vec<_> = old.into_iter().filter_map(|(_, entry)| entry.as_object()).collect();
    let entry = after["models"]["providers"]["portkey"].as_object().expect("the provider's entry");
    let first = |name: &str| old.iter().find_map(|entry| entry.get(name).filter(|value| !value.is_null()));
    for name in old.iter().flat_map(|entry| entry.keys()) {
        if !["baseUrl", "apiKey", "api", "models", "headers"].contains(&&**name) {
            assert_eq!(entry[name], *first(name).unwrap_or(&Value::Null), "{name}");
        }
    }
    if first("headers").is_some_and(Value::is_object) {
        // Of one in two letter cases the first entry's is left.
        let plain = |name: &String| name.trim().to_ascii_lowercase();
        let left: BTreeSet<_> = entry["headers"].as_object().expect("a table").keys().map(plain).collect();
        for (name, _) in old.iter().filter_map(|entry| entry.get("headers")?.as_object()).flatten() {
            assert!(left.contains(&plain(name)), "{name}");
        }
    }
    let id = |model: &Value| Some(model.as_str().or_else(|| model.get("id")?.as_str())?.trim().to_owned());
    let mut ids = BTreeSet::new();
    let mut models: Vec<&Value> = Vec::new();
    for model in old.iter().filter_map(|entry| entry.get("models")?.as_array()).flatten() {
        if id(model).is_none_or(|id| ids.insert(id)) {
            models.push(model);
        }
    }
    let (old, new) = entry["models"].as_array().expect("a list").split_at(models.len());
    assert!(old.iter().eq(models) && new.iter().all(|model| id(model).is_some_and(|id| !id.is_empty())));
}

/// Looks into the object under `name`. The merge makes it where it is missing: an empty one counts as none.
fn within(object: &mut Map<String, Value>, name: &str, look: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(Value::Object(inner)) = object.get_mut(name) {
        look(inner);
    }
    if object.get(name).is_some_and(|value| value.is_null() || value.as_object().is_some_and(Map::is_empty)) {
        object.remove(name);
    }
}
