//! The provider of `docs/write-a-provider.md`: the host runs it as it runs Portkey's, and knows neither.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use host_harness::{
    Engine, Limits, Plugin, Provider, Setup,
    types::{ErrorKind as Kind, ErrorOrigin as Origin, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        embeddings, images,
    },
};
use host_harness_check::Outcome;
use host_harness_stub::{Credential, Options, Stub};
use serde_json::{Value, json};

use crate::support::{KEY, ask, json_file, root, streamed, validated, weather_tool};

/// The built component.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = ["build", "--quiet", "-p", "openai-compatible"];
        let to = ["--target", "wasm32-wasip2", "--profile", "component"];
        assert!(Command::new(env!("CARGO")).args(build).args(to).current_dir(root()).status().unwrap().success());
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
        target.join("wasm32-wasip2/component/openai_compatible.wasm")
    })
}

/// The plugin, which leaves the optional interfaces out.
pub async fn second() -> Plugin {
    Plugin::load(&Engine::new(Limits::default()).unwrap(), built()).await.unwrap()
}

/// The component as an author with a slip would have it: `text` for another one of the same length, wherever it stands.
fn with_slip(text: &str, slip: &str) -> Vec<u8> {
    renamed(std::fs::read(built()).unwrap(), text, slip)
}

fn renamed(mut wasm: Vec<u8>, text: &str, slip: &str) -> Vec<u8> {
    assert_eq!(text.len(), slip.len());
    let places = memchr::memmem::find_iter(&wasm, text).collect::<Vec<_>>();
    assert!(!places.is_empty(), "{text} does not stand in the component");
    places.into_iter().for_each(|at| wasm[at..at + text.len()].copy_from_slice(slip.as_bytes()));
    wasm
}

#[tokio::test]
async fn validate_finds_an_authors_slips() {
    let manifest = json_file("examples/openai-compatible/openclaw.plugin.json");
    let found = validated(&std::fs::read(built()).unwrap(), Some(&manifest)).await;
    assert_eq!(found.findings, Vec::<String>::new());
    for (text, slip, expected) in [
        ("authorization", "Authorization", "names the header Authorization: write it in lower case, authorization"),
        ("OPENAI_API_KEY", "OPENAI_API_KEx", "can be none: OPENAI_API_KEx; one is IN_CAPITALS"),
        ("openai-completions", "openai-completiens", "`models.providers.openai-compatible.api` must be openai-"),
    ] {
        let found = validated(&with_slip(text, slip), None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(expected)), "{slip}: {found:?}");
    }
}

#[tokio::test]
async fn validate_compares_what_is_promised_with_what_is_exported() {
    let manifest = json_file("openclaw.plugin.json");
    let portkey = std::fs::read(crate::support::component()).unwrap();
    assert_eq!(validated(&portkey, Some(&manifest)).await.findings, Vec::<String>::new());
    for contract in ["embeddingProviders", "speechProviders", "mediaUnderstandingProviders"] {
        let mut silent = manifest.clone();
        silent["contracts"].as_object_mut().unwrap().remove(contract);
        let found = validated(&portkey, Some(&silent)).await.findings;
        assert!(
            matches!(&found[..], [one] if one.contains("exports `") && one.ends_with(&format!("put `portkey` into the manifest's list `contracts.{contract}`"))),
            "{found:?}"
        );
    }
    let mut promises = json_file("examples/openai-compatible/openclaw.plugin.json");
    promises["contracts"]["embeddingProviders"] = json!(["openai-compatible"]);
    let found = validated(&std::fs::read(built()).unwrap(), Some(&promises)).await.findings;
    assert!(
        matches!(&found[..], [one] if one.contains("does not export `embeddings`: take `openai-compatible` out of")),
        "{found:?}"
    );
}

#[tokio::test]
async fn validate_compares_options_with_the_manifest() {
    let portkey = std::fs::read(crate::support::component()).unwrap();
    let manifest = json_file("openclaw.plugin.json");
    for (pointer, value, expected) in [
        (
            "/configSchema/properties/promptCache/enum",
            json!(["none", "for ever"]),
            "promptCache: \"for ever\", which the component refuses",
        ),
        ("/configSchema/properties/traceId", json!(null), "takes the option `traceId`"),
    ] {
        let mut manifest = manifest.clone();
        match value {
            Value::Null => drop(manifest["configSchema"]["properties"].as_object_mut().unwrap().remove("traceId")),
            value => *manifest.pointer_mut(pointer).unwrap() = value,
        }
        let found = validated(&portkey, Some(&manifest)).await;
        assert!(found.findings.iter().any(|finding| finding.contains(expected)), "{expected}: {found:?}");
    }
}

#[tokio::test]
async fn check_finds_a_missing_length_and_names_a_refused_header() {
    let folder = tempfile::tempdir().unwrap();
    for (slip, expected) in [
        // Then the body goes out in chunks.
        ("x-other-length", ("W1", "content-length of /v1/chat/completions: expected \"")),
        // That is the protocol's.
        ("http2-settings", ("A2", "the host refused the header http2-settings")),
    ] {
        let file = folder.path().join("slip.wasm");
        std::fs::write(&file, with_slip("content-length", slip)).unwrap();
        let plugin = Plugin::load(&Engine::new(Limits::default()).unwrap(), file).await.unwrap();
        let report = host_harness_check::run(&plugin).await;
        let (id, expected) = expected;
        let case = report.cases.iter().find(|case| case.id == id).unwrap();
        assert!(matches!(&case.outcome, Outcome::Failed(reason) if reason.contains(expected)), "{slip}: {case:?}");
    }
}

#[tokio::test]
async fn it_passes_the_suite() {
    let report = host_harness_check::run(&second().await).await;
    assert!(report.passed(), "{}", report.tap());
    let done = report.cases.iter().filter(|case| case.outcome == Outcome::Ok).count();
    assert!(done >= 30, "{}", report.tap());
    // What it does not export is no fault of its, and said.
    for (id, reason) in [
        ("E3", "the component exports no embeddings"),
        ("V3", "the component exports no audio"),
        ("P1", "the component exports no prices"),
    ] {
        let case = report.cases.iter().find(|case| case.id == id).unwrap();
        assert_eq!(case.outcome, Outcome::NotApplicable(reason.into()));
    }
}

/// One of an API that the suite's gateway does not speak: what goes out is checked, what comes back is not, and that is said.
#[tokio::test]
async fn a_provider_of_another_api_passes_what_applies_to_it() {
    let of_another_api = |wasm, paths: &[(&str, &str)]| {
        let wasm = renamed(wasm, "openai-completions", "anthropic-messages");
        paths.iter().fold(wasm, |wasm, (path, other)| renamed(wasm, path, other))
    };
    let second = of_another_api(std::fs::read(built()).unwrap(), &[("/chat/completions", "/other/path/of-it")]);
    let portkey = of_another_api(
        std::fs::read(crate::support::component()).unwrap(),
        &[
            ("/images/generations", "/pictures/of-a-kind"),
            ("/images/edits", "/pictures/new"),
            ("/audio/speech", "/sounds/voice"),
            ("/audio/transcriptions", "/sound/transcriptions"),
        ],
    );
    for (what, wasm, failed, skipped) in [
        ("other paths", second.clone(), &[][..], &["S4"][..]),
        ("no length", renamed(second.clone(), "content-length", "x-other-length"), &["W1"], &["S4"]),
        // A fault is asked for by the body's model. The same word is one of the configuration's.
        (
            "the model elsewhere",
            renamed(second, "modelmessages", "motelmessages"),
            &["O10", "O10", "O10", "O11", "M1", "M2", "M3"],
            &["S4", "A6", "A9"],
        ),
        ("all that there is", portkey, &[], &["S4", "I5", "E1", "V1"]),
    ] {
        let plugin = Plugin::from_bytes(&Engine::new(Limits::default()).unwrap(), &wasm).await.unwrap();
        let report = host_harness_check::run(&plugin).await;
        let is_failed = |case: &&host_harness_check::Case| matches!(case.outcome, Outcome::Failed(_));
        let found: Vec<_> = report.cases.iter().filter(is_failed).map(|case| case.id).collect();
        assert_eq!(found, failed, "{what}: {}", report.tap());
        let outcome = |id: &str| &report.cases.iter().find(|case| case.id == id).unwrap().outcome;
        for id in ["A2", "A3", "A6", "A9"].iter().filter(|id| !skipped.contains(id)) {
            assert_eq!(outcome(id), &Outcome::Ok, "{what}: {id}");
        }
        for id in skipped {
            let of_api = |why: &str| why.contains("anthropic-messages");
            assert!(matches!(outcome(id), Outcome::NotApplicable(why) if of_api(why)), "{what}: {id}");
        }
    }
}

/// The suite takes its time: what is known of it is told before its end.
#[tokio::test]
async fn each_case_of_the_suite_is_told_as_it_ends() {
    let (plugin, first) = (second().await, tokio::sync::Notify::new());
    let run = host_harness_check::run_and_tell(&plugin, |number, case| {
        assert!(number > 1 || case.tap(number).starts_with("ok 1 - O1 "), "{case:?}");
        first.notify_one();
    });
    tokio::select! {
        biased;
        () = first.notified() => {}
        report = run => panic!("it told at its end: {report:?}"),
    }
    let ran = crate::support::Cli::new().run(&["check", built().to_str().unwrap()]).ok();
    let report = host_harness_check::run(&plugin).await;
    assert_eq!(ran.out, report.tap() + "\n");
    assert_eq!(host_harness_check::count(), report.cases.len());
}

#[tokio::test]
async fn it_chats_streams_and_calls_tools_and_says_what_it_cannot_do() {
    let require = Some(Credential { header: "authorization".into(), value: format!("Bearer {KEY}") });
    let stub = Stub::start(Options { require, ..Options::default() }).await.unwrap();
    let setup = Setup::new(json!({})).secret("openai-api-key", KEY).base_url(stub.base_url());
    let plugin = second().await;
    assert!(!plugin.has_embeddings() && !plugin.has_audio());
    let provider = Provider::connect(&plugin, setup).await.unwrap();

    let whole = provider.complete(&ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    let joined = streamed(&provider, &ask("gpt-5-mini", "tell me of ships")).await.unwrap();
    assert!(whole.text().contains("tell me of ships"));
    assert_eq!((joined.text(), joined.usage), (whole.text(), whole.usage));

    let mut request = ask("gpt-5-mini", "Use get_weather for Paris.");
    request.tools = vec![weather_tool("get_weather")];
    let whole = provider.complete(&request).await.unwrap();
    assert!(!whole.content.is_empty());
    assert_eq!(streamed(&provider, &request).await.unwrap().content, whole.content);

    let error = streamed(&provider, &ask("fault/cut", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Truncated, "{error:?}");
    let error = provider.generate(&images::Request::new("a lighthouse")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported, "{error:?}");
    stub.clear();
    for (error, lacks) in [
        (provider.embed(&embeddings::Request::new(["a"])).await.unwrap_err(), "embeddings"),
        (provider.speak(&SpeechRequest::new("a")).await.unwrap_err(), "audio"),
        (provider.transcribe(&TranscriptionRequest::new(Media::new("", *b"OggS"))).await.unwrap_err(), "audio"),
    ] {
        assert_eq!(
            (error.kind(), error.origin(), error.record().request_sent),
            (Kind::Unsupported, Origin::Host, false)
        );
        assert_eq!(error.to_string(), format!("the provider does not export openclaw:provider/{lacks}@0.2.0"));
    }
    assert!(stub.requests().is_empty());
}
