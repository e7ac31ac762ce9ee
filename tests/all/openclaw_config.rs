//! OpenClaw's configuration files as people write them: `tests/fixtures/openclaw-config` has a folder for each, with the
//! files of a home folder and, in `case.json`, what they come to. `openclaw/e2e/config.test.mjs` asks OpenClaw itself the
//! same of them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use host_harness::{
    Environment, ErrorKind, Media, Provider,
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        chat::{Ask, Request},
        embeddings, images,
    },
};
use host_harness_stub::{Options, Stub};
use serde_json::{Value, json};

use crate::{
    raw_server::{Heads, JSON, responding, whole},
    support::{Cli, Ran, ask, component, plugin, root, setup, start},
};

/// What arrived at the gateway: the path, and the headers.
type Seen = (String, BTreeMap<String, String>);

/// A gateway that answers at any path.
struct Gateway {
    url: String,
    heads: Heads,
}

impl Gateway {
    fn start() -> Self {
        let (address, heads) = start(responding(|head| {
            let path = head.split(' ').nth(1).unwrap();
            let answer = if path.ends_with("/models") {
                json!({"object": "list", "data": [{"id": "@openai/gpt-5-mini", "object": "model"}]})
            } else if path.contains("/models?") {
                // No further page.
                json!({"object": "list", "data": []})
            } else {
                json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "OK."}}]})
            };
            whole(JSON, answer.to_string())
        }));
        Self { url: format!("http://{address}"), heads }
    }

    /// What arrived since it was asked before, but for prices: they may be asked for at any time.
    fn seen(&self) -> Vec<Seen> {
        let heads = std::mem::take(&mut *self.heads.lock().unwrap());
        let seen = heads.iter().map(|head| {
            let (first, headers) = head.split_once("\r\n").unwrap();
            let headers = headers.lines().filter_map(|line| line.split_once(':'));
            let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
            (first.split(' ').nth(1).unwrap().to_owned(), headers)
        });
        seen.filter(|(path, _)| !path.starts_with("/model-configs/")).collect()
    }
}

/// One of the fixtures, in a home folder of its own.
struct Case {
    name: String,
    says: Value,
    cli: Cli,
    home: PathBuf,
}

impl Case {
    fn all(gateway: &Gateway) -> Vec<Self> {
        let mut folders: Vec<_> = fs::read_dir(root().join("tests/fixtures/openclaw-config")).unwrap().collect();
        folders.sort_by_key(|folder| folder.as_ref().unwrap().file_name());
        folders.into_iter().map(|folder| Self::new(&folder.unwrap().path(), gateway)).collect()
    }

    fn new(folder: &Path, gateway: &Gateway) -> Self {
        let says: Value = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap();
        // All share one cache of the compiled component.
        let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/openclaw-config");
        let mut cli = Cli::on_a_new_machine().env("XDG_CACHE_HOME", cache);
        let home = cli.folder.path().canonicalize().unwrap();
        let filled = |text: &str| text.replace("{{GATEWAY}}", &gateway.url).replace("{{HOME}}", home.to_str().unwrap());
        for file in files(&folder.join("home")) {
            let to = home.join(file.strip_prefix(folder.join("home")).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, filled(&fs::read_to_string(&file).unwrap())).unwrap();
            let mode = says["modes"][to.strip_prefix(&home).unwrap().to_str().unwrap()].as_str().unwrap_or("600");
            fs::set_permissions(&to, fs::Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap())).unwrap();
        }
        for (name, value) in says["env"].as_object().into_iter().flatten() {
            cli = cli.env(name, filled(value.as_str().unwrap()));
        }
        Self { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), says, cli, home }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let own = self.says["args"].as_array().into_iter().flatten().map(|argument| argument.as_str().unwrap());
        self.cli.run(&arguments.iter().copied().chain(own).collect::<Vec<_>>())
    }

    fn texts(&self) -> Vec<(PathBuf, String)> {
        files(&self.home).into_iter().map(|file| (file.clone(), fs::read_to_string(&file).unwrap())).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// The headers that the configuration asks for: not those that any client sends, nor the key.
fn own_headers(headers: &BTreeMap<String, String>) -> Value {
    const ANY: [&str; 4] = ["host", "connection", "transfer-encoding", "user-agent"];
    const OURS: [&str; 2] = ["x-portkey-api-key", "x-portkey-strict-open-ai-compliance"];
    let is_any = |name: &str| {
        [&ANY[..], &OURS].concat().contains(&name) || name.starts_with("content-") || name.starts_with("accept")
    };
    headers.iter().filter(|(name, _)| !is_any(name)).map(|(name, value)| (name.clone(), json!(value))).collect()
}

#[test]
fn a_file_means_what_openclaw_means_by_it() {
    component();
    let gateway = Gateway::start();
    let cases = Case::all(&gateway);
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (name, says) = (&case.name, &case.says);
        let doctor = case.run(&["doctor", "--json"]);
        let facts = doctor.json()["configuration"].take();
        gateway.seen();
        let chat = case.run(&["chat", "--json", "--no-stream", "hello"]);
        let seen = gateway.seen();
        if let Some(why) = says["refused"].as_str() {
            if chat.code == 0 || !chat.out.contains(why) || !seen.is_empty() {
                wrong.push(format!("{name}: chat does not refuse with {why:?}: {chat:?}, {seen:?}"));
            }
            if doctor.code == 0 || !doctor.out.contains(why) {
                wrong.push(format!("{name}: doctor does not say {why:?}: {}", doctor.out));
            }
            continue;
        }
        let [(path, headers)] = &*seen else {
            wrong.push(format!("{name}: {} calls, {chat:?}", seen.len()));
            continue;
        };
        let found = json!({
            "file": Path::new(facts["file"].as_str().unwrap_or_default()).strip_prefix(&case.home).ok(),
            "path": path.strip_suffix("/chat/completions"),
            "model": facts["model"],
            "key": headers.get("x-portkey-api-key"),
            "headers": own_headers(headers),
        });
        let expected = json!({"file": says["file"], "path": says["path"], "model": says["model"], "key": says["key"],
            "headers": says["headers"]});
        if found != expected {
            wrong.push(format!("{name}: {found}\n  and not {expected}"));
        }
        if says.get("ignored").is_some_and(|ignored| *ignored != facts["ignored"]) {
            wrong.push(format!("{name}: doctor calls {} ignored, and not {}", facts["ignored"], says["ignored"]));
        }
        let checks = doctor.json()["checks"].take();
        let is_wrong = |check: &&Value| check["name"] == "configuration" && check["state"] == "failed";
        if let Some(check) = checks.as_array().into_iter().flatten().find(is_wrong) {
            wrong.push(format!("{name}: doctor finds wrong what is called: {check}"));
        }
        let source = facts["key"].as_str().unwrap_or_default();
        if !source.contains(says["source"].as_str().unwrap()) {
            wrong.push(format!("{name}: the key is from {source:?}, and not {}", says["source"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Where the entry lies in another file, or holds what is not understood, nothing is written beside it.
#[test]
fn what_is_not_understood_is_not_written_beside() {
    component();
    let gateway = Gateway::start();
    for (name, arguments, why) in [
        ("include-models", &["--model", "@openai/gpt-5"][..], "`models` comes from"),
        ("include-models-quoted", &["--base-url", "http://127.0.0.1:1/v1"], "models.json5, by $include"),
        ("include-one-provider", &["--model", "@openai/gpt-5"], "`models.providers.portkey` comes from"),
        ("include-all", &["--model", "@openai/gpt-5"], "all of it comes from"),
        ("include-with-siblings", &["--model", "@openai/gpt-5"], "`models` comes from"),
        ("include-a-list", &["--model", "@openai/gpt-5"], "`models.providers.portkey.models` comes from"),
        ("include-missing", &[], "models.$include"),
        ("include-outside", &[], "outside of"),
        ("include-broken", &[], "models.$include"),
        ("base-url-misspelt", &[], "baseURL"),
        ("local-service", &[], "localService"),
        ("header-of-program", &[], "`exec`"),
        ("key-of-program", &[], "`exec`"),
        ("key-of-store", &[], "`store`"),
        ("request-unknown-key", &[], "request.proxies"),
    ] {
        let case = Case::new(&root().join("tests/fixtures/openclaw-config").join(name), &gateway);
        let before = case.texts();
        let ran = case.run(&[&["onboard", "--json"], arguments].concat());
        assert_ne!(ran.code, 0, "{name}: {ran:?}");
        assert!(ran.out.contains(why), "{name}: {ran:?}");
        assert_eq!(case.texts(), before, "{name}");
    }
}

/// A model is added to a list as people write one, and all else stays.
#[test]
fn onboarding_adds_to_a_list_and_keeps_what_is_there() {
    component();
    let gateway = Gateway::start();
    let case = Case::new(&root().join("tests/fixtures/openclaw-config/comments-everywhere"), &gateway);
    let file = case.home.join(".openclaw/openclaw.json");
    case.run(&["onboard", "--model", "@openai/gpt-5"]).ok();
    let after = fs::read_to_string(&file).unwrap();
    for kept in [
        "// the gateway at work\n{\n  /* models */ models: { // one\n    providers: /* two */ { portkey: {",
        "baseUrl: /* three */ '",
        "/* four */, // five\n      \"apiKey\": \"pk-literal\", 'api': 'openai-completions',\n      models: [ // what we use",
        "// the small one\n        { id: '@openai/gpt-5-mini', name: 'GPT-5 mini' }, // last\n",
        "/* end */",
        "} // bye\n",
    ] {
        assert!(after.contains(kept), "{kept:?} is gone from\n{after}");
    }
    let line = |text: &str, part: &str| text.lines().any(|line| line.contains(part));
    assert!(line(&after, "\"id\": \"@openai/gpt-5\""), "{after}");
    case.run(&["onboard", "--model", "@openai/gpt-5"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), after);
}

/// In whichever of its forms a request names the model.
#[tokio::test]
async fn a_model_of_its_own_headers_is_called_with_them_however_it_is_asked() {
    let stub = Stub::start(Options::default()).await.unwrap();
    let config = json!({"models": {"providers": {"portkey": {"headers": {"x-team": "all"}, "models": [
        {"id": "portkey/@openai/own", "headers": {"x-team": "own", "x-pass": "${PASS}"}},
    ]}}}});
    let environment = Environment::from_iter([("PASS", "secret-1")]);
    let setup = setup(stub.base_url()).config(config).environment(environment);
    let provider = Provider::connect(&plugin().await, setup).await.unwrap();
    let own = ("own", Some("secret-1"));
    for (model, (team, pass)) in [("@openai/own", own), ("portkey/@openai/own", own), ("@openai/other", ("all", None))]
    {
        let prompt = ask(model, "hello");
        let finished = Ask::FinishedJson(provider.body(&prompt).await.unwrap());
        let openai = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]}).to_string();
        for request in
            [Request::from(prompt.clone()), Request::openai(openai), Request { ask: finished, prompt_cache: None }]
        {
            stub.clear();
            provider.stream(&request).await.unwrap().join().await.unwrap();
            let seen = &stub.requests()[0];
            assert_eq!((seen.header("x-team"), seen.header("x-pass")), (Some(team), pass), "{request:?}");
        }
        let (connection, attached) = provider.way_to(model).await.unwrap();
        assert_eq!(attached.filter(|name| *name == "x-pass").count(), usize::from(pass.is_some()));
        assert!(connection.headers.contains(&("x-team".to_owned(), team.to_owned())));
    }
}

/// A body that the component reads and JSON's strict readers do not, such as one with half of an emoji, is sent where it says.
#[tokio::test]
async fn a_model_of_its_own_headers_is_called_with_them_in_any_body() {
    let stub = Stub::start(Options::default()).await.unwrap();
    let models = json!([{"id": "own", "headers": {"x-team": "own"}}]);
    let config = json!({"models": {"providers": {"portkey": {"models": models}}}});
    let provider = Provider::connect(&plugin().await, setup(stub.base_url()).config(config)).await.unwrap();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (members, is_own) in [
        (r#""model": "own", "user": "cut \ud83d""#, true),
        (&format!(r#""model": "own", "metadata": {deep}"#), true),
        (r#""seed": 1e400, "model": "own""#, true),
        (r#""model": "other", "model": " \u006fwn""#, true),
        (r#""model": "own", "model": "other""#, false),
    ] {
        stub.clear();
        let body = format!(r#"{{"messages": [{{"role": "user", "content": "hello"}}], {members}}}"#);
        // What the gateway says of it is not the question.
        let _ = provider.complete(&Request::openai(&body)).await;
        let seen = stub.requests();
        assert_eq!(seen[0].header("x-team"), is_own.then_some("own"), "{members}");
    }
    stub.clear();
    for unread in [r#"{"model": "own", "model": "\ud83d", "messages": []}"#, "{", "[]", r#"{"model": "own"} {"#] {
        let error = provider.complete(&Request::openai(unread)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidRequest && error.to_string().contains("cannot read"), "{error}");
    }
    assert!(stub.requests().is_empty());
}

/// Of any kind, also where a call leaves the model to the plugin, or names it among its further fields.
#[tokio::test]
async fn a_model_of_its_own_headers_is_called_with_them_where_a_call_does_not_name_it() {
    let stub = Stub::start(Options::default()).await.unwrap();
    let plugin = plugin().await;
    let audio = plugin.audio_defaults().await.unwrap();
    let drawn = plugin.descriptor().images.clone().unwrap().default_model;
    let defaults = [drawn, plugin.embedding_model().await.unwrap(), audio.speech_model, audio.transcription_model];
    let own = |id: &str| json!({"id": id, "headers": {"x-team": id}});
    let rows: Vec<_> = defaults.iter().map(|id| own(id)).chain([own("further")]).collect();
    let config = json!({"models": {"providers": {"portkey": {"models": rows}}}});
    let provider = Provider::connect(&plugin, setup(stub.base_url()).config(config)).await.unwrap();
    let further = || Some(r#"{"model": "further"}"#.to_owned());
    let media = || Media::new("image/png", b"\x89PNG\r\n\x1a\n".to_vec());
    for extra in [None, further()] {
        stub.clear();
        let image = images::Request { extra_json: extra.clone(), ..images::Request::new("a ship") };
        let _ = provider.generate(&image).await;
        let _ = provider.edit(&image, &[media()], None).await;
        let _ =
            provider.embed(&embeddings::Request { extra_json: extra.clone(), ..embeddings::Request::new(["a"]) }).await;
        let _ = provider.speak(&SpeechRequest { extra_json: extra.clone(), ..SpeechRequest::new("a") }).await.map(drop);
        let recorded = TranscriptionRequest {
            extra_json: extra.clone(),
            ..TranscriptionRequest::new(Media::new("audio/wav", "RIFF"))
        };
        let _ = provider.transcribe(&recorded).await;
        let teams: Vec<_> = stub.requests().iter().map(|seen| seen.header("x-team").map(str::to_owned)).collect();
        let [drawn, embedded, spoken, heard] = &defaults;
        let expected = [drawn, drawn, embedded, spoken, heard];
        let expected = expected.map(|own| Some(if extra.is_some() { "further".to_owned() } else { own.clone() }));
        assert_eq!(teams, expected);
    }
}
