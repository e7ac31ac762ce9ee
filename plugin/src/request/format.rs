//! The form that an answer is asked for in (`response_format`). Some providers refuse it, and the gateway keeps it from
//! others, who then answer as they like: they are told in words.

use alloc::string::String;

use super::body::{Body, first, is_system};
use super::targets::Targets;
use super::{schema, tools};
use crate::json::{Json, Object};
use crate::model_traits::{self, Family, Route, Thinking, Traits};
use crate::prompt::{turn, typed};

/// How much of a format is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sent {
    Nothing,
    /// That it is an object.
    Object,
    All,
}

/// How a model takes a format, with tools beside it and maybe a schema in it; and whether it has to be told in words.
///
/// Gateway 1.15.2 drops it for Anthropic, Bedrock, Mistral and Moonshot, and 2.2.3 for the last two; what 2.2.3 makes of it
/// for Claude Bedrock refuses (vercel/ai#19988). Of schemas DeepSeek knows nothing ("This response_format type is
/// unavailable now": UKGovernmentBEIS/inspect_ai#4916), nor do GLM (hugalafutro/model-hotel#896), Cohere, and Llama at Groq
/// (TypeWhisper/typewhisper-win#26), nor Perplexity of an object without one (567-labs/instructor#1005). Before Gemini 3 it
/// does not go with tools ("Function calling with a response mime type": googleapis/python-genai#867), nor does any at Groq
/// (vercel/ai#10023), where it does not stream either (BerriAI/litellm#4804).
fn takes(target: &Traits, has_tools: bool, has_schema: bool, stream: bool) -> (Sent, bool) {
    use Family as F;
    match (target.family, target.route) {
        (_, Route::OpenRouter | Route::Other) => (Sent::All, false),
        (_, Route::Bedrock) | (F::Claude, Route::Vertex) => (Sent::Nothing, true),
        (F::Claude, _) => {
            let is_known = target.reasons() && target.refuses & model_traits::SCHEMA == 0;
            (if is_known { Sent::All } else { Sent::Nothing }, true)
        }
        (F::Gemini, _) if has_tools && target.thinking != Thinking::Effort => (Sent::Nothing, true),
        (F::Command, _) if has_tools => (Sent::Nothing, true),
        (_, Route::Strict) if has_tools || stream => (Sent::Nothing, true),
        (F::DeepSeek | F::Glm | F::Command, Route::Direct) | (F::Llama, Route::Strict) => (Sent::Object, true),
        (F::Sonar, _) if !has_schema => (Sent::Nothing, true),
        (F::Mistral | F::Kimi | F::MiniMax, _) => (Sent::All, true),
        _ => (Sent::All, false),
    }
}

const WORDS: &str =
    "Answer in JSON alone: an object, unless a schema says otherwise, without a code fence or other words.";

/// Whether an answer in JSON is asked for, in a word, by a type, or by a schema alone; and the schema, if there is one.
pub(super) fn json<'a>(given: &Json<'a>) -> Option<Option<Json<'a>>> {
    let format = given.members();
    let kind = if given.is_object() { format.text("type") } else { given.text() };
    // llama.cpp, Together and Fireworks have it beside the type, and so has Hugging Face. Some say it alone, or where it should
    // have a name.
    let places = [&format.object("json_schema"), &format];
    let within = places.iter().find_map(|it| first(it, &["schema", "value"]).filter(|schema| schema.is_object()));
    let itself = |it: &&Object<'_>| first(it, &["properties", "$ref", "anyOf"]).is_some();
    let schema = within.cloned().or_else(|| places.into_iter().find(itself).map(|it| it.clone().into()));
    (schema.is_some() || kind.starts_with("json") || kind == "object").then_some(schema)
}

/// Asks for the form in the way that all models take which may answer.
pub(super) fn answer(body: &mut Body<'_>, targets: &Targets) {
    let Some(given) = body.members.get("response_format").filter(|_| !targets.known().is_empty()) else { return };
    let format = given.members();
    let Some(schema) = json(given) else {
        // A text is what they answer in anyway. The rest is a form that is the provider's own.
        if format.text("type").is_empty() {
            body.members.remove("response_format");
        }
        return;
    };
    let mut told = format.object("json_schema");
    let has_schema = schema.is_some();
    if told.is_empty() {
        told = format;
    }
    told.retain(&|name| matches!(name, "name" | "description" | "strict"));
    // OpenAI refuses others, such as that of a class with its namespace (neuron-core/neuron-ai#32).
    let name = told.text("name");
    let fit = if name.is_empty() { Some("answer".into()) } else { tools::fit_name(&name, tools::is_plain, 64) };
    told.set_some("name", fit);
    let has_tools = !body.tools.is_empty();
    let all = targets.known().iter().map(|target| takes(target, has_tools, has_schema, body.stream));
    let Some((mut sent, mut says)) = all.reduce(|(sent, says), (other, also)| (sent.min(other), says | also)) else {
        return;
    };
    // OpenAI and its like refuse an object that nobody speaks of: "'messages' must contain the word 'json'".
    let is_spoken_of = |message: &Object<'_>| message.text("content").to_ascii_lowercase().contains("json");
    says |= !has_schema && !body.messages.iter().any(is_spoken_of);
    if says {
        let schema = schema.as_ref().map(Json::compact).unwrap_or_default();
        say(body, [WORDS, if has_schema { "\nThe schema:\n" } else { "" }, &schema].concat());
    }
    if sent == Sent::All
        && let Some(schema) = schema
    {
        let is_of = |family| targets.has(&[family]);
        // Anthropic takes one for a promise alone, and not each.
        let fitted = if is_of(Family::Claude) && !targets.goes(Route::OpenRouter) && !targets.goes(Route::Other) {
            told.get("strict")
                .and_then(Json::bool)
                .filter(|strict| *strict)
                .and_then(|_| schema::of_answer(&schema, true))
        } else if is_of(Family::Gemini) && !targets.goes(Route::OpenRouter) {
            schema::of_answer(&schema, false)
        } else {
            Some(schema)
        };
        if let Some(schema) = fitted {
            told.set("schema", schema);
            return body.members.set("response_format", typed("json_schema", told.into()));
        }
        sent = Sent::Nothing;
    }
    if sent == Sent::Nothing {
        body.members.remove("response_format");
    } else {
        body.members.set("response_format", [("type", "json_object".into())]);
    }
}

/// Adds this to what the model is told beforehand.
fn say(body: &mut Body<'_>, words: String) {
    let at = body.messages.iter().position(|message| !is_system(message)).unwrap_or(0);
    let before = at.checked_sub(1).and_then(|at| body.messages.get_mut(at));
    if let Some(before) = before
        && let Some(text) = before.get("content").and_then(Json::string)
    {
        return before.set("content", [&*text, "\n\n", &words].concat());
    }
    // Parts stay as they are: one of them may be kept in the prompt cache.
    body.messages.insert(at, turn("system", words.into()));
}
