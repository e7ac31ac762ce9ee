//! Short constructors for requests, and accessors for answers. A constructor takes only what a request is about; set
//! other fields directly, or with `..`.

use std::{borrow::Cow, fmt};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::{
    error::{Error, Result},
    types::{ErrorKind, ErrorOrigin, Media, MediaSource},
    wit::{
        audio,
        chat::{
            Ask, AssistantPart, FinishReason, Instructions, Message, Prompt, PromptCache, Request, Response,
            ResponseFormat, Tool, ToolCall, ToolResult, UserPart,
        },
        embeddings, images,
    },
};

impl Prompt {
    /// Asks `model` to go on after `messages`.
    ///
    /// ```
    /// use host_harness::{Message, Prompt};
    ///
    /// let messages = [Message::system("Be brief."), Message::user("Hello?")];
    /// let prompt = Prompt { temperature: Some(0.2), ..Prompt::new("@openai/gpt-5-mini", messages) };
    /// assert!(prompt.tools.is_empty());
    /// ```
    pub fn new(model: impl Into<String>, messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            model: model.into(),
            messages: messages.into_iter().collect(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: None,
            max_output_tokens: None,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            seed: None,
            reasoning_effort: None,
            extra_json: None,
        }
    }

    /// Asks `model` this question, and nothing before it.
    ///
    /// ```
    /// use host_harness::{Message, Prompt};
    ///
    /// let prompt = Prompt::user("@openai/gpt-5-mini", "Hello?");
    /// assert_eq!(prompt, Prompt::new("@openai/gpt-5-mini", [Message::user("Hello?")]));
    /// ```
    pub fn user(model: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(model, [Message::user(text)])
    }

    /// The same with these tools, which the model may call.
    pub fn tools(self, tools: impl IntoIterator<Item = Tool>) -> Self {
        Self { tools: tools.into_iter().collect(), ..self }
    }
}

impl Request {
    /// Asks for what `body` asks for: a JSON object in the form of OpenAI's chat completions API, as text or as a
    /// [`Value`].
    pub fn openai(body: impl ToString) -> Self {
        Self { ask: Ask::OpenaiJson(body.to_string()), prompt_cache: None }
    }

    /// Says how long the model provider may cache the start of the prompt.
    pub fn prompt_cache(self, cache: PromptCache) -> Self {
        Self { prompt_cache: Some(cache), ..self }
    }
}

/// The model that a body in JSON names, of two the last: `None` where it is no text. Nothing else in it is read: a plugin may
/// read what a strict reader does not, such as half of an emoji.
pub(super) fn model_in(body: &str) -> Result<Option<String>> {
    struct Model;
    impl<'de> Visitor<'de> for Model {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
            let mut model = Value::Null;
            while let Some(name) = members.next_key::<String>()? {
                if name == "model" {
                    model = members.next_value()?;
                } else {
                    members.next_value::<IgnoredAny>()?;
                }
            }
            Ok(model)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(body);
    let model = reader.deserialize_map(Model).and_then(|model| reader.end().map(|()| model)).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::host(ErrorKind::InvalidRequest, format!("cannot read the request as a JSON object ({place})"))
            .hint("A model of the configuration has a place or headers of its own: the host must know which is asked.")
    })?;
    Ok(model.as_str().map(str::to_owned))
}

// What a call takes: a request, or a prompt with nothing chosen beside it.

impl<'r> From<&'r Request> for Cow<'r, Request> {
    fn from(request: &'r Request) -> Self {
        Self::Borrowed(request)
    }
}

impl From<Request> for Cow<'_, Request> {
    fn from(request: Request) -> Self {
        Self::Owned(request)
    }
}

impl From<Prompt> for Cow<'_, Request> {
    fn from(prompt: Prompt) -> Self {
        Self::Owned(prompt.into())
    }
}

impl From<&Prompt> for Cow<'_, Request> {
    fn from(prompt: &Prompt) -> Self {
        Self::Owned(prompt.clone().into())
    }
}

impl From<Prompt> for Request {
    fn from(prompt: Prompt) -> Self {
        Self { ask: Ask::Prompt(prompt), prompt_cache: None }
    }
}

impl Message {
    /// The system prompt, the same at every turn.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System(Instructions { stable: text.into(), volatile: String::new() })
    }

    /// A user's words.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User(vec![UserPart::Text(text.into())])
    }

    /// A user's words about an image: its bytes, as a [`Media`], or its URL.
    ///
    /// ```
    /// use host_harness::{Media, Message};
    ///
    /// let png = Media::new("image/png", [0x89, b'P', b'N', b'G']);
    /// let message = Message::image("What is this?", png);
    /// let other = Message::image("And this?", "https://example.com/a.png");
    /// # let _ = (message, other);
    /// ```
    pub fn image(text: impl Into<String>, image: impl Into<MediaSource>) -> Self {
        Self::User(vec![UserPart::Text(text.into()), UserPart::Image(image.into())])
    }

    /// The model's words. A whole [`Response`] is a message too, `response.into()`, with its calls and its reasoning.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant(vec![AssistantPart::Text(text.into())])
    }

    /// The result of the tool call with this id.
    pub fn tool_result(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::ToolResult(ToolResult { call_id: call_id.into(), content: vec![UserPart::Text(text.into())] })
    }
}

impl Response {
    /// The text of the answer, without reasoning and without a refusal.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|part| match part {
            AssistantPart::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The calls that the model asks for, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.content.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

/// The answer as a message, for the next turn.
impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Assistant(response.content)
    }
}

impl Tool {
    /// A function that takes one object, of this JSON Schema.
    ///
    /// ```
    /// use host_harness::Tool;
    /// use serde_json::json;
    ///
    /// let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    /// let tool = Tool::new("get_weather", "The weather in a city", schema);
    /// assert!(tool.parameters_schema_json.contains("city"));
    /// ```
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            description: Some(description.into()),
            parameters_schema_json: parameters.into().to_string(),
            strict: None,
        }
    }
}

impl ToolCall {
    /// The arguments. Missing arguments are an empty object.
    ///
    /// # Errors
    /// `protocol` if the model did not write JSON.
    pub fn arguments(&self) -> Result<Value> {
        match self.arguments_json.trim() {
            "" => Ok(Value::Object(Map::new())),
            json => serde_json::from_str(json).map_err(|error| {
                let message =
                    format!("the arguments that the model wrote for `{:.64}` are not JSON: {error}", self.name);
                Error::of(ErrorKind::Protocol, ErrorOrigin::Upstream, message).request_sent(true)
            }),
        }
    }
}

impl FinishReason {
    /// Its name as OpenAI has it, such as `tool_calls`, or the provider's own.
    pub fn name(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(reason) => reason,
        }
    }
}

impl ResponseFormat {
    /// JSON that matches this JSON Schema strictly; the model sees `name`.
    pub fn schema(name: impl Into<String>, schema: impl Into<Value>) -> Self {
        Self::JsonSchema(json!({"name": name.into(), "schema": schema.into(), "strict": true}).to_string())
    }
}

impl images::Request {
    /// Asks for an image of `prompt`, with the provider's defaults.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            model: None,
            prompt: prompt.into(),
            count: None,
            size: None,
            quality: None,
            background: None,
            output_format: None,
            extra_json: None,
        }
    }
}

impl embeddings::Request {
    /// Asks for a vector of each of these texts, with the provider's defaults.
    pub fn new(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let texts = texts.into_iter().map(Into::into).collect();
        Self { model: None, texts, dimensions: None, extra_json: None }
    }
}

impl audio::SpeechRequest {
    /// Asks for this text to be spoken, with the provider's defaults.
    pub fn new(text: impl Into<String>) -> Self {
        Self { model: None, text: text.into(), voice: None, format: None, instructions: None, extra_json: None }
    }
}

impl audio::TranscriptionRequest {
    /// Asks for the text of this recording, with the provider's defaults.
    pub fn new(audio: Media) -> Self {
        Self { model: None, audio, language: None, prompt: None, extra_json: None }
    }
}

impl Media {
    /// These bytes, of this type, such as `image/png`.
    pub fn new(media_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { media_type: media_type.into(), data: data.into() }
    }
}

impl From<Media> for MediaSource {
    fn from(media: Media) -> Self {
        Self::Inline(media)
    }
}

/// A URL.
impl From<&str> for MediaSource {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

/// A URL.
impl From<String> for MediaSource {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}
