//! Requests with nothing chosen but what they are about: the rest is set as a field, or with `..`.

use crate::{
    types::Media,
    wit::{
        chat::{self, Message, UserPart},
        images,
    },
};

impl chat::Request {
    /// Asks `model` to go on after `messages`.
    ///
    /// ```
    /// use host_harness::wit::chat::{Message, Request};
    ///
    /// let request = Request { temperature: Some(0.2), ..Request::new("@openai/gpt-5-mini", [Message::ask("Hello?")]) };
    /// assert!(request.tools.is_empty());
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

impl Message {
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
