//! Sends the reasoning of past turns, and the signatures of past calls, back in the form that the models that may
//! answer take.
//!
//! Hosts write them in one of a few forms: `content_blocks` (Portkey's), `reasoning_details` (OpenRouter's, and the
//! front component's), `reasoning_content` or `reasoning`, and of a call `extra_content.signature`. The signatures in
//! them are this component's own text, which says who sent it: see [`crate::signature`].

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, REASONING, calls, first, is_system, list, parts, remove, says_something, text_part};
use super::targets::Targets;
use crate::json::{Json, Object};
use crate::model_traits::{BOUND, Family, Protocol, Route, Thinking, Traits};
use crate::prompt::typed;
use crate::signature::{self, BLOCKS, CALL, DETAILS, EXTRA, EXTRAS, ITEM, REDACTED};

/// The form in which a model takes reasoning back.
#[derive(Clone, Copy, Default)]
struct Takes {
    /// `content_blocks`, which the gateway prefers over `content` for Claude, and passes over for Gemini.
    blocks: bool,
    /// LiteLLM's `thinking_blocks`.
    thinking_blocks: bool,
    /// `reasoning_content`.
    content: bool,
    /// `reasoning` and `reasoning_details`.
    details: bool,
    /// `reasoning`, where it came as this.
    reasoning: bool,
    /// Parts of `content`, as Mistral has them: "Do not strip `ThinkChunk` from assistant messages" (its documentation, "Reasoning").
    parts: bool,
    /// `function.thought_signature`.
    signatures: bool,
    /// A call without `reasoning_content` is refused: "reasoning_content is missing".
    needs_content: bool,
    /// Items of the Responses API, which the last pass takes out of `content_blocks`.
    items: bool,
}

impl Takes {
    fn of(targets: &Targets, protocol: Protocol) -> Self {
        if protocol == Protocol::Responses {
            return Self { items: true, ..Self::default() };
        }
        if targets.is_unknown() {
            // It goes back to the one that sent it, whoever that is.
            let all = Self { blocks: true, thinking_blocks: true, content: true, ..Self::default() };
            return Self { details: true, signatures: true, ..all };
        }
        let is_claude = |target: &Traits| target.family == Family::Claude && target.route != Route::Other;
        let is_open = |target: &Traits| target.route == Route::OpenRouter;
        let is_strict = |target: &Traits| target.route == Route::Strict;
        let is_gemini = |target: &Traits| target.family == Family::Gemini;
        // For these the gateway writes messages anew, and what it does not know stays behind.
        let is_rewritten = |target: &Traits| (is_claude(target) || is_gemini(target)) && !is_open(target);
        let wants = |does: &dyn Fn(&Traits) -> bool| {
            targets.any(does) && targets.all(|target| does(target) || is_rewritten(target))
        };
        let wants_content =
            |target: &Traits| target.wants_reasoning_content() && !is_open(target) && !is_strict(target);
        let needs_content = |target: &Traits| matches!(target.family, Family::Kimi | Family::DeepSeek | Family::MiMo);
        Self {
            blocks: wants(&|target| is_claude(target) && !is_open(target)),
            thinking_blocks: wants(&|target| target.family == Family::Claude && target.route == Route::Other),
            // Without it each turn of the model that was asked for would fail.
            content: wants(&wants_content) || (!targets.is_complete() && targets.any(wants_content)),
            details: wants(&is_open),
            reasoning: targets.all(is_strict),
            parts: targets.all(|target| target.family == Family::Mistral && !is_open(target)),
            signatures: wants(&|target| is_gemini(target) && !is_open(target)),
            needs_content: targets.any(needs_content),
            items: false,
        }
    }
}

/// A piece of a past turn.
enum Piece<'a> {
    Thinking {
        text: Cow<'a, str>,
        signature: Option<Cow<'a, str>>,
    },
    /// A text, or a block of another kind, which stays as it is.
    Other(Object<'a>),
}

/// The model's own turns, if there are any.
pub(super) fn turns(body: &mut Body<'_>, targets: &Targets) {
    if !body.messages.iter().any(|message| message.is("role", "assistant")) {
        return;
    }
    // Of two parts the second changes with what the user says.
    let changes =
        |message: &Object<'_>| is_system(message) && parts(message, "content").is_some_and(|all| all.len() == 2);
    let is_bound = targets.any(|target| target.refuses & BOUND != 0) && body.messages.iter().any(changes);
    let asked = body.messages.iter().rposition(|message| message.is("role", "user")).filter(|_| is_bound).unwrap_or(0);
    let takes = Takes::of(targets, body.protocol);
    let must_be_signed = targets.any(|target| target.family == Family::Gemini && target.thinking == Thinking::Effort);
    let turns = body.messages.iter_mut().enumerate().filter(|(_, message)| message.is("role", "assistant"));
    for (at, message) in turns {
        let takes =
            if at < asked { Takes { blocks: false, thinking_blocks: false, details: false, ..takes } } else { takes };
        reasoning(message, takes);
        call_signatures(message, takes, must_be_signed);
    }
    // A turn that was cut while it thought says nothing: all but a few refuse it in each later turn, and nobody misses it.
    body.messages.retain(|message| !message.is("role", "assistant") || says_something(message));
}

/// Writes reasoning in the form that the model takes, or leaves it out.
fn reasoning(message: &mut Object<'_>, takes: Takes) {
    let calls = message.get("tool_calls").is_some();
    // A host may want the member in each turn, also where nothing was thought.
    let is_wanted = message.has("reasoning_content");
    if REASONING.iter().any(|&name| message.has(name)) {
        turn(message, takes);
    }
    let has_reasoning = first(message, &["reasoning_content", "reasoning", "reasoning_details"]).is_some();
    if (is_wanted || takes.needs_content && calls) && (takes.content || takes.details) && !has_reasoning {
        message.set("reasoning_content", "");
    }
}

fn turn<'a>(message: &mut Object<'a>, takes: Takes) {
    let mut details: Vec<Json<'a>> = Vec::new();
    let pieces = pieces(message, takes, &mut details);
    remove(message, &REASONING);
    let (mut blocks, mut thinking_blocks) = (Vec::new(), Vec::new());
    let mut unsigned = String::new();
    let mut field = "";
    for piece in pieces {
        match piece {
            Piece::Other(block) if block.is("type", CALL) && !takes.items => {}
            Piece::Other(block) => blocks.push(block),
            Piece::Thinking { text, signature } => match signature.as_deref() {
                Some(name @ ("reasoning_content" | "reasoning")) => {
                    field = if name == "reasoning" { "reasoning" } else { "reasoning_content" };
                    unsigned.push_str(&text);
                }
                None => unsigned.push_str(&text),
                Some(signature) if signature.starts_with(ITEM) != takes.items => unsigned.push_str(&text),
                Some(signature) => match signature.strip_prefix(DETAILS) {
                    Some(json) => {
                        let kept = Json::parse(json).ok().and_then(Json::into_list).unwrap_or_default();
                        details.extend(kept.into_iter().map(|detail| detail.owned()));
                        unsigned.push_str(&text);
                    }
                    None => match signature.strip_prefix(BLOCKS) {
                        Some(signature) if takes.thinking_blocks => thinking_blocks.push(block(text, signature)),
                        own => blocks.push(block(text, own.unwrap_or(signature))),
                    },
                },
            },
        }
    }
    let is_thought = |block: &Object<'_>| block.is("type", "thinking") || block.is("type", "redacted_thinking");
    // "The final block in an assistant message cannot be `thinking`" (tailcallhq/forgecode#3071).
    while !message.has("tool_calls") && blocks.last().is_some_and(is_thought) {
        blocks.pop();
    }
    if (takes.blocks || takes.items) && blocks.iter().any(is_thought) {
        message.set("content_blocks", list(blocks));
    }
    if !thinking_blocks.is_empty() {
        message.set("thinking_blocks", list(thinking_blocks));
    }
    if takes.details && !details.is_empty() {
        message.set("reasoning_details", details);
    } else if !unsigned.is_empty() {
        match field {
            _ if takes.parts && says_something(message) => {
                let mut content = parts(message, "content").unwrap_or_default();
                content.retain(|part| !part.is("text", ""));
                let thought = Json::List(alloc::vec![text_part(unsigned.into()).into()]);
                content.insert(0, typed("thinking", thought));
                message.set("content", list(content));
            }
            "reasoning" if takes.details || takes.reasoning => message.set("reasoning", unsigned),
            _ if takes.content => message.set("reasoning_content", unsigned),
            _ if takes.details && field.is_empty() => message.set("reasoning", unsigned),
            _ => {}
        }
    }
}

/// The pieces of a turn in their order; details that came as such go to `details`.
fn pieces<'a>(message: &Object<'a>, takes: Takes, details: &mut Vec<Json<'a>>) -> Vec<Piece<'a>> {
    let mut out = Vec::new();
    if let Some(blocks) = parts(message, "content_blocks") {
        out.extend(blocks.into_iter().map(|block| piece(block, "")));
        return out;
    }
    let blocks = parts(message, "thinking_blocks").unwrap_or_default();
    out.extend(blocks.into_iter().map(|block| piece(block, BLOCKS)));
    for detail in message.list("reasoning_details") {
        // Ours have a signature and nothing of OpenRouter's: see the front component. Clients write `null` for what they lack
        // (0xPlaygrounds/rig).
        let is_open = takes.details && !takes.blocks;
        let is_own = |it: &Object<'_>| it.get("format").is_none() && !(is_open && it.has("format"));
        let own = detail.object().filter(|object| object.is("type", "reasoning.text") && is_own(object));
        match own.as_ref().and_then(|object| Some((object.text("text"), object.get("signature")?.string()?))) {
            Some((text, signature)) => out.push(Piece::Thinking { text, signature: Some(signature) }),
            None => details.push(detail),
        }
    }
    let has_details = !details.is_empty() || !out.is_empty();
    for name in ["reasoning_content", "reasoning"] {
        let text = message.text(name);
        // Where there are details, the same stands in them.
        if !text.is_empty() && !has_details {
            out.push(Piece::Thinking { text, signature: Some(name.into()) });
            break;
        }
    }
    if !out.is_empty() {
        let content = parts(message, "content").unwrap_or_default();
        out.extend(
            content
                .into_iter()
                .filter(|part| !part.text("text").is_empty() || !part.is("type", "text"))
                .map(Piece::Other),
        );
    }
    out
}

/// A block as a piece; `form` marks its signature.
fn piece<'a>(block: Object<'a>, form: &str) -> Piece<'a> {
    if block.is("type", "thinking") {
        let signature = block.get("signature").and_then(Json::string).filter(|signature| !signature.is_empty());
        let signature = signature.map(|signature| Cow::Owned([form, &*signature].concat()));
        return Piece::Thinking { text: block.text("thinking"), signature };
    }
    if block.is("type", "redacted_thinking") {
        let signature = Some(Cow::Owned([form, REDACTED, &block.text("data")].concat()));
        return Piece::Thinking { text: Cow::default(), signature };
    }
    Piece::Other(block)
}

fn block<'a>(text: Cow<'a, str>, signature: &str) -> Object<'a> {
    match signature.strip_prefix(REDACTED) {
        Some(data) => Object::from([("type", "redacted_thinking".into()), ("data", String::from(data).into())]),
        None => {
            let mut block = typed("thinking", Json::Text(text));
            block.set("signature", String::from(signature));
            block
        }
    }
}

/// Gemini 3 refuses a call without a signature, and accepts this one for a call by another model, which never had one.
/// Source: Google's documentation, "Thought signatures"; OpenClaw 2026.9.6 sends the same.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// Signatures of calls: Portkey's and Google's go to Gemini, encrypted details to OpenRouter, and neither to anybody else.
fn call_signatures(message: &mut Object<'_>, takes: Takes, must_be_signed: bool) {
    let mut details = Vec::new();
    calls(message, &mut |call| Some(signed(call, takes, must_be_signed, &mut details)));
    if !details.is_empty() && takes.details && message.get("reasoning_details").is_none() {
        message.set("reasoning_details", details);
    }
}

fn signed<'a>(mut call: Object<'a>, takes: Takes, must: bool, details: &mut Vec<Json<'a>>) -> Object<'a> {
    let extra = call.take("extra_content").and_then(Json::into_object);
    call.remove("extra_content");
    let mut function = call.take_object("function");
    let own = function.take("thought_signature").map(|signature| signature.text());
    function.remove("thought_signature");
    let mut google = extra.clone().and_then(signature::of_extra);
    let mut portkey = own.filter(|own| !own.is_empty());
    if let Some(signature) = extra.as_ref().and_then(|extra| extra.get("signature")?.string()) {
        if signature.starts_with('{') {
            details.extend(Json::parse(&signature).ok().map(|detail| detail.owned()));
        } else if signature.starts_with(EXTRA) {
            google = Some(signature.into_owned());
        } else {
            portkey = Some(signature);
        }
    }
    // Whoever answered signed it.
    let is_known = |(name, _): &(&str, &str)| EXTRAS.contains(name);
    if takes.signatures {
        if portkey.is_none() && google.is_none() && must {
            portkey = Some(UNSIGNED.into());
        }
        function.set_some("thought_signature", portkey.map(Json::Text));
        if let Some((name, signature)) =
            google.as_deref().and_then(|google| google.strip_prefix(EXTRA)?.split_once(':')).filter(is_known)
        {
            let mut extra = Object::default();
            extra.set(String::from(name), [("thought_signature", String::from(signature).into())]);
            call.set("extra_content", extra);
        }
    }
    call.set("function", function);
    call
}
