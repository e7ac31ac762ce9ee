//! Each capability, called once, with an account of what was called and what it may cost. In every run before the
//! stand-in, so that this code is known to work; before the hosted service where `PORTKEY_API_KEY` is set (`make test`
//! asks for it). `PORTKEY_BASE_URL`, the `PORTKEY_TEST_*_MODEL` below and `PORTKEY_TEST_MAX_CENTS` say what to call.

use std::fmt::{self, Display};

use host_harness::{
    Environment, Error, Provider, Setup, ToolLimits,
    types::{Media, MediaSource},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        chat::{Message, Prompt, Response, ResponseFormat},
        embeddings, images,
    },
};
use serde_json::{Value, json};

use crate::support::{ask, audio_of, before_hosted, plugin, streamed, weather_tool};

/// US cents that a run may cost at most, where `PORTKEY_TEST_MAX_CENTS` says nothing.
const MAX_CENTS: f64 = 25.0;

/// Which models are called.
struct Models {
    chat: String,
    image: String,
    embedding: String,
    speech: String,
    transcription: String,
}

impl Models {
    fn of(environment: impl Fn(&str) -> Option<String>, chat: &str) -> Self {
        let model = |kind: &str, default: &str| {
            environment(&format!("PORTKEY_TEST_{kind}MODEL")).unwrap_or_else(|| default.into())
        };
        Self {
            chat: model("", chat),
            image: model("IMAGE_", "@openai/gpt-image-2"),
            embedding: model("EMBEDDING_", "@openai/text-embedding-3-small"),
            speech: model("SPEECH_", "@openai/gpt-4o-mini-tts"),
            transcription: model("TRANSCRIPTION_", "@openai/gpt-4o-mini-transcribe"),
        }
    }
}

/// What was called, and what came of it.
struct Account {
    left: f64,
    rows: Vec<Row>,
}

struct Row {
    what: &'static str,
    model: String,
    cents: f64,
    came: Came,
}

enum Came {
    Right,
    Wrong(String),
    NotCalled,
}

impl Account {
    fn of(max_cents: f64) -> Self {
        Self { left: max_cents, rows: Vec::new() }
    }

    /// Makes a call that costs at most so many cents, unless that is more than is left.
    async fn call<T>(
        &mut self,
        what: &'static str,
        model: &str,
        cents: f64,
        call: impl Future<Output = Result<T, String>>,
    ) -> Option<T> {
        let (came, answer) = if cents > self.left {
            (Came::NotCalled, None)
        } else {
            self.left -= cents;
            match call.await {
                Ok(answer) => (Came::Right, Some(answer)),
                Err(why) => (Came::Wrong(why), None),
            }
        };
        self.rows.push(Row { what, model: model.into(), cents, came });
        answer
    }

    fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.came, Came::Wrong(_))).count()
    }

    fn not_called(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.came, Came::NotCalled)).count()
    }
}

impl Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { what, model, cents, came } in &self.rows {
            let came = match came {
                Came::Right => "right",
                Came::Wrong(why) => why,
                Came::NotCalled => "not called: it may cost more than is left",
            };
            writeln!(f, "{what:<16} {model:<40} at most {cents:>5.2} cents  {came}")?;
        }
        Ok(())
    }
}

fn said(error: impl Display) -> String {
    error.to_string()
}

/// Of an answer, whether it says what it should.
fn says(answer: &Response, part: &str) -> Result<(), String> {
    let text = answer.text();
    if text.to_lowercase().contains(part) { Ok(()) } else { Err(format!("`{part}` is not in the answer: {text}")) }
}

/// Calls everything. What a call may cost is that of the default models, rounded up.
async fn everything(provider: &Provider, models: &Models, account: &mut Account) {
    let chat = models.chat.as_str();
    let prompt = |text: &str| Prompt { max_output_tokens: Some(400), ..ask(chat, text) };

    let listed = async { provider.models().await.map_err(said)?.first().map(drop).ok_or_else(|| said("no model")) };
    account.call("models", "-", 0.0, listed).await;

    let vectors = async {
        let request = embeddings::Request {
            model: Some(models.embedding.clone()),
            ..embeddings::Request::new(["a ship", "the sea"])
        };
        let answer = provider.embed(&request).await.map_err(said)?;
        if answer.vectors.len() == 2 { Ok(()) } else { Err(format!("{} vectors", answer.vectors.len())) }
    };
    account.call("embed", &models.embedding, 0.01, vectors).await;

    let whole = async { says(&provider.complete(&prompt("Reply with exactly OK.")).await.map_err(said)?, "ok") };
    account.call("chat", chat, 0.5, whole).await;

    let stream = async { says(&streamed(provider, &prompt("Reply with exactly OK.")).await.map_err(said)?, "ok") };
    account.call("stream", chat, 0.5, stream).await;

    let tools = async {
        let prompt = Prompt {
            tools: vec![weather_tool("get_weather")],
            ..prompt("Use get_weather for Paris, then tell me what it said.")
        };
        let rains = |_, _| async { Ok("It rains.") };
        let limits = ToolLimits { rounds: 3, ..ToolLimits::default() };
        let talk = provider.run_tools(prompt, &limits, rains).await.map_err(said)?;
        if talk.messages.len() < 4 { Err(said("no tool was called")) } else { says(&talk.response, "rain") }
    };
    account.call("tools", chat, 1.5, tools).await;

    let reasoning = async {
        let mut prompt = Prompt {
            reasoning_effort: Some("low".into()),
            max_output_tokens: Some(2000),
            ..ask(chat, "Which is larger, 9.9 or 9.11? Reply with exactly the number.")
        };
        let first = streamed(provider, &prompt).await.map_err(said)?;
        prompt.messages.push(first.into());
        prompt.messages.push(Message::user("Reply with exactly OK."));
        says(&streamed(provider, &prompt).await.map_err(said)?, "ok")
    };
    account.call("reasoning", chat, 6.0, reasoning).await;

    let format = async {
        let schema = json!({
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": false,
        });
        let prompt = Prompt {
            response_format: Some(ResponseFormat::schema("place", schema)),
            ..prompt("Name the capital of France.")
        };
        let answer = provider.complete(&prompt).await.map_err(said)?;
        let place: Value = serde_json::from_str(&answer.text()).map_err(said)?;
        place["city"].as_str().map(drop).ok_or_else(|| format!("no city: {place}"))
    };
    account.call("response format", chat, 0.5, format).await;

    let cached = async {
        let rules = "Answer in the fewest words. The sea is wide, and ships sail on it. ".repeat(400);
        let mut read = 0;
        for _ in 0..2 {
            let prompt = Prompt {
                messages: vec![Message::system(rules.as_str()), Message::user("Reply with exactly OK.")],
                ..prompt("")
            };
            let answer = provider.complete(&prompt).await.map_err(said)?;
            read = answer.usage.and_then(|usage| usage.cache_read_tokens).unwrap_or_default();
        }
        if read > 1000 { Ok(()) } else { Err(format!("{read} tokens were read from the cache at the second time")) }
    };
    account.call("prompt cache", chat, 5.0, cached).await;

    let spoken = async {
        let request = SpeechRequest { model: Some(models.speech.clone()), ..SpeechRequest::new("Ships sail.") };
        let mut speech = provider.speak(&request).await.map_err(said)?;
        let audio = audio_of(&mut speech).await.map_err(said)?;
        Ok(Media::new(speech.media_type(), audio))
    };
    if let Some(audio) = account.call("speak", &models.speech, 0.1, spoken).await {
        let heard = async {
            let request =
                TranscriptionRequest { model: Some(models.transcription.clone()), ..TranscriptionRequest::new(audio) };
            let text = provider.transcribe(&request).await.map_err(said)?.text;
            if text.to_lowercase().contains("sail") { Ok(()) } else { Err(format!("heard: {text}")) }
        };
        account.call("transcribe", &models.transcription, 0.1, heard).await;
    }

    let request = images::Request {
        model: Some(models.image.clone()),
        quality: Some("low".into()),
        ..images::Request::new("A small red circle on white")
    };
    let made = async { inline(provider.generate(&request).await) };
    if let Some(image) = account.call("image", &models.image, 2.0, made).await {
        let seen = async {
            let question = "Reply with a sentence: what is in this image?";
            let prompt = Prompt { messages: vec![Message::image(question, image.clone())], ..prompt("") };
            says(&provider.complete(&prompt).await.map_err(said)?, "image")
        };
        account.call("image seen", chat, 1.0, seen).await;
        let edited = async { inline(provider.edit(&request, std::slice::from_ref(&image), None).await).map(drop) };
        account.call("image edit", &models.image, 3.0, edited).await;
    }
}

/// The first image of an answer.
fn inline(answer: Result<images::Response, Error>) -> Result<Media, String> {
    match answer.map_err(said)?.images.into_iter().next().map(|image| image.source) {
        Some(MediaSource::Inline(media)) if media.data.len() > 60 => Ok(media),
        other => Err(format!("no image: {other:?}")),
    }
}

#[tokio::test]
async fn everything_that_live_tests_call_works_before_the_stand_in() {
    let (stub, provider) = before_hosted().await;
    let models = Models::of(|_| None, &plugin().await.descriptor().default_model.id);

    let mut account = Account::of(MAX_CENTS);
    everything(&provider, &models, &mut account).await;
    assert!(account.wrong() == 0 && account.not_called() == 0 && account.rows.len() == 13, "{account}");

    stub.take();
    let mut account = Account::of(0.9);
    everything(&provider, &models, &mut account).await;
    assert_eq!(account.wrong(), 0, "{account}");
    // What is dearer than what was left was not sent.
    let mut paths: Vec<_> = stub.take().into_iter().map(|request| request.path).collect();
    paths.retain(|path| !path.starts_with("/v1/models"));
    let cheap = ["embeddings", "chat/completions", "audio/speech", "audio/transcriptions"];
    assert_eq!(paths, cheap.map(|path| format!("/v1/{path}")), "{account}");

    let mut account = Account::of(MAX_CENTS);
    let models = Models { chat: "fault/key-budget".into(), ..models };
    everything(&provider, &models, &mut account).await;
    assert_eq!(account.wrong(), 7, "{account}");
    assert!(account.to_string().contains("Usage Limit Exceeded"), "{account}");
}

#[tokio::test]
#[ignore = "needs PORTKEY_API_KEY and the hosted service"]
async fn live_everything() {
    let variable = |name: &str| std::env::var(name).ok();
    let plugin = plugin().await;
    let setup = Setup::new(json!({})).environment(Environment::process());
    let setup = variable("PORTKEY_BASE_URL").into_iter().fold(setup, Setup::base_url);
    let provider = Provider::connect(&plugin, setup).await.unwrap();
    let models = Models::of(variable, &plugin.descriptor().default_model.id);
    let max = variable("PORTKEY_TEST_MAX_CENTS").map_or(MAX_CENTS, |cents| cents.parse().expect("a number of cents"));

    let mut account = Account::of(max);
    everything(&provider, &models, &mut account).await;
    println!("{account}");
    assert_eq!(account.wrong(), 0, "{account}");
}
