//! The interfaces of the WIT, as Rust types and calls, generated from `wit/` by `build.rs`. What they share is in
//! [`crate::types`].
//!
//! The folder is a copy of the project's, so that a package of this crate holds it. A test, `xtask/tests/wit.rs`, compares
//! the two.

pub use generated::exports::openclaw::provider::{audio, chat, embeddings, images, models, onboarding, prices};

mod generated {
    #![allow(
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        reason = "the WIT documents each item; the generator carries over only some"
    )]

    include!(concat!(env!("OUT_DIR"), "/wit.rs"));
}

#[cfg(test)]
mod tests {
    use super::chat::{Event, Message, ToolCall};

    #[test]
    fn a_debug_print_is_in_rusts_spelling() {
        let message = format!("{:?}", Message::tool_result("call_1", "4"));
        assert_eq!(message, r#"ToolResult(ToolResult { call_id: "call_1", content: [Text("4")] })"#);
        let call =
            ToolCall { id: "a-b".to_owned(), name: "c-d".to_owned(), arguments_json: "{}".to_owned(), signature: None };
        assert_eq!(
            format!("{call:?}"),
            r#"ToolCall { id: "a-b", name: "c-d", arguments_json: "{}", signature: None }"#
        );
        assert_eq!(format!("{:?}", Event::Text("-".to_owned())), "Text(\"-\")");
    }
}
