//! Requests with nothing chosen but what they are about: the rest is set as a field, or with `..`.

use std::borrow::Cow;

use crate::{
    types::Media,
    wit::{
        chat::{Ask, Instructions, Message, Prompt, Request, ToolResult, UserPart},
        images,
    },
};

impl Prompt {
    /// Asks `model` to go on after `messages`.
    ///
    /// ```
    /// use host_harness::wit::chat::{Message, Prompt};
    ///
    /// let prompt = Prompt { temperature: Some(0.2), ..Prompt::new("@openai/gpt-5-mini", [Message::ask("Hello?")]) };
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
}

impl Request {
    /// Asks for what `body` asks for: a JSON object in the form of OpenAI's chat completions API.
    pub fn openai(body: impl Into<String>) -> Self {
        Self { ask: Ask::OpenaiJson(body.into()), prompt_cache: None }
    }
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
    /// What the model is told beforehand, the same at every turn.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System(Instructions { stable: text.into(), volatile: String::new() })
    }

    /// What the tool call with this id gave.
    pub fn tool_result(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::ToolResult(ToolResult { call_id: call_id.into(), content: vec![UserPart::Text(text.into())] })
    }

    /// A user's words.
    pub fn ask(text: impl Into<String>) -> Self {
        Self::User(vec![UserPart::Text(text.into())])
    }
}

impl images::Request {
    /// Asks for what `prompt` describes, by the provider's defaults.
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

impl Media {
    /// These bytes, of this type, such as `image/png`.
    pub fn new(media_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { media_type: media_type.into(), data: data.into() }
    }
}
