//! Writes the reasoning effort in the form that the models that may answer know.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::body::{Body, first, is_forced, remove};
use super::limit;
use super::targets::Targets;
use crate::headers;
use crate::json::{Json, Object};
use crate::model_traits::{self, EFFORTS, Family, MAX, NONE, Protocol, Route, Thinking, Traits, XHIGH};
use crate::options::Model;
use crate::prompt;

/// Makes of an effort what the models take, in whichever form a host asks for it. A form that they take stays as it is.
pub(super) fn effort(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>) {
    thinking(body, targets);
    // The first of Qwen3 think unasked, and in a stream alone: "parameter.enable_thinking must be set to false for non-streaming
    // calls" (QuantumNous/new-api#1109).
    let is_first = |rest: &str| rest.as_bytes().first().is_some_and(u8::is_ascii_digit) && !rest.contains("-2507");
    if !body.stream
        && targets.all(|it| it.family == Family::Qwen && it.route == Route::Direct)
        && prompt::bare(&body.members.text("model")).strip_prefix("qwen3-").is_some_and(is_first)
    {
        body.members.set("enable_thinking", false);
    }
    if own.supports_effort == Some(false) {
        return body.members.remove("reasoning_effort");
    }
    let given = body.members.get("reasoning_effort");
    let Some(asked) = given.and_then(spelled) else {
        return body.members.set_some("reasoning_effort", beside_tools(body, targets, None));
    };
    let asked = if asked.is_empty() { "none" } else { &*asked };
    if targets.known().is_empty() {
        // Words of hosts are none of OpenAI's. What else is said somebody may take, such as Groq's "default".
        if given.and_then(Json::string).is_some_and(|word| word != "default") {
            set(body, nearest(asked, targets));
        }
        return;
    }
    // A host's own form wins where it says how much: gateway 2.2.3 writes adaptive thinking in its place where an effort is
    // beside it.
    if let Some(form) = form(body).filter(|form| says_how_much(form))
        && targets.any(|it| !matches!(it.thinking, Thinking::Effort | Thinking::None))
    {
        return set(body, nearest(asked, targets).filter(|_| form.is("type", "adaptive")));
    }
    // A row without numbers stands for models that are not told apart; and the user may know better. Groq refuses one of Llama's,
    // and of Qwen's all but this (OmniRoute#3258 of diegosouzapw, openclaw/openclaw#32638).
    let is_believed = own.supports_effort == Some(true);
    let may_take = |it: &Traits| it.route != Route::Strict || it.family != Family::Llama && asked == "none";
    if targets.any(|it| it.thinking == Thinking::None && (is_believed || it.context_tokens == 0 && may_take(it))) {
        return;
    }
    body.members.remove("reasoning_effort");
    let is = |thinking: Thinking| move |target: &Traits| target.thinking == thinking;
    if targets.all(is(Thinking::Object)) {
        // OpenRouter's own form says "none" too.
        let mut form = body.members.object("reasoning");
        form.set("effort", nearest(asked, targets).unwrap_or(asked).to_owned());
        return body.members.set("reasoning", form);
    }
    let forces_a_tool = body.members.get("tool_choice").is_some_and(is_forced);
    let thinks = |target: &Traits| matches!(target.thinking, Thinking::Budget | Thinking::Adaptive);
    if targets.any(thinks) && (asked == "none" || forces_a_tool && targets.are(Family::Claude)) {
        // It is off unless asked for, but since Claude 5 (Anthropic's documentation, "Troubleshooting thinking"), and for Gemini 2.5,
        // of which the Pro refuses no budget. Anthropic refuses a forced tool beside it.
        if asked == "none" && targets.all(|it| is(Thinking::Budget)(it) && it.efforts & NONE != 0) {
            think(body, "disabled", Some(0));
        } else if asked == "none"
            && targets.all(|it| is(Thinking::Adaptive)(it) && it.efforts & XHIGH != 0 && !it.always_thinks)
        {
            think(body, "disabled", None);
        }
        return;
    }
    // Claude before 4.6 refuses an effort ("adaptive thinking is not supported"). OpenAI is not sent a budget by the
    // gateway, and Gemini takes one (1.15.2 and 2.2.3).
    let takes_budget = |target: &Traits| {
        is_direct(target)
            && (target.thinking == Thinking::Budget || matches!(target.family, Family::Gpt | Family::Gemini))
    };
    if targets.any(is(Thinking::Budget)) {
        if targets.known().iter().all(takes_budget) {
            budget(body, targets, own, asked);
        }
        return;
    }
    if targets.any(is(Thinking::None)) {
        return;
    }
    // Gateway 1.15.2 drops the effort for Anthropic, and 2.x makes it adaptive thinking by itself.
    if targets.all(is(Thinking::Adaptive)) {
        think(body, "adaptive", None);
        leave_out_sampling(body);
        if asked == "adaptive" {
            return;
        }
    }
    set(body, beside_tools(body, targets, nearest(asked, targets)));
}

/// Asks for this effort, or for none.
fn set(body: &mut Body<'_>, word: Option<&str>) {
    body.members.remove("reasoning_effort");
    body.members.set_some("reasoning_effort", word.map(ToOwned::to_owned));
}

/// Asks for it in Claude's form, which Gemini takes too.
fn think(body: &mut Body<'_>, kind: &'static str, tokens: Option<u32>) {
    let mut form = Object::from([("type", kind.into())]);
    form.set_some("budget_tokens", tokens);
    body.members.set("thinking", form);
}

/// Makes an effort of Claude's `thinking` in a form that is refused: a budget since 4.7 ("`thinking.type.enabled` is not
/// supported for this model": Kilo-Org/kilocode#11194), `adaptive` before 4.6, a budget that is none, too small or no less than
/// the limit, and any beside a forced tool. Those that always think refuse to be told not to (danny-avila/LibreChat#13704).
/// The gateway hands OpenAI none of them, nor OpenRouter's `reasoning` to either.
fn thinking(body: &mut Body<'_>, targets: &Targets) {
    let is_known = targets.all(|it| matches!(it.family, Family::Claude | Family::Gpt) && is_direct(it));
    let has = |does: fn(&Traits) -> bool| targets.any(|it| it.family == Family::Claude && does(it));
    let is_openai = is_known && targets.are(Family::Gpt);
    let Some(mut form) = form(body).filter(|_| !targets.known().is_empty()) else { return };
    let name = if body.members.get("thinking").is_some() { "thinking" } else { "reasoning" };
    // "invalid thinking.type: \"enabled\" (allowed: adaptive, disabled)": CherryHQ/cherry-studio#16431.
    if targets.are(Family::MiniMax) && form.is("type", "enabled") {
        form.set("type", "adaptive");
        return body.members.set(name, form);
    }
    let is_openrouters = first(&form, &["enabled", "max_tokens", "exclude"]).is_some();
    let is_refused = match &*form.text("type") {
        _ if !is_known => false,
        _ if is_openai => name == "thinking" || body.protocol == Protocol::Chat || is_openrouters,
        _ if name == "reasoning" => true,
        "disabled" => has(|it| it.always_thinks),
        _ if body.members.get("tool_choice").is_some_and(is_forced) => true,
        "adaptive" => has(|it| it.thinking != Thinking::Adaptive),
        "enabled" => {
            has(|it| it.thinking == Thinking::None || it.thinking == Thinking::Adaptive && it.efforts & XHIGH != 0)
                || lacks_reasoning(body)
                || budget_of(&form).is_none_or(|it| it < LEAST_BUDGET.into() || it >= limit::of(body).into())
        }
        _ => true,
    };
    if is_refused {
        let word = asked(body);
        body.members.remove(name);
        set(body, Some(&*word).filter(|word| !word.is_empty()));
    } else if is_known && !is_openai {
        if !form.is("type", "disabled") {
            leave_out_sampling(body);
        }
    } else if let Some(word) = form.get("effort").and_then(spelled) {
        // OpenRouter says "none" to all.
        let word = nearest(&word, targets).or(Some(&*word).filter(|_| !is_openai));
        form.remove("effort");
        form.set_some("effort", word.map(ToOwned::to_owned));
        body.members.set(name, form);
    }
}

/// Whether it is reached by an API of the model's own.
fn is_direct(target: &Traits) -> bool {
    !matches!(target.route, Route::OpenRouter | Route::Other)
}

/// The tokens for reasoning in Claude's form, or in OpenRouter's.
fn budget_of(form: &Object<'_>) -> Option<u64> {
    form.get("budget_tokens").or_else(|| form.get("max_tokens"))?.whole()
}

/// The effort that is asked for, by its word or in another form. Empty where none is.
fn asked(body: &Body<'_>) -> String {
    let word = body.members.get("reasoning_effort").and_then(spelled).unwrap_or_default();
    if word.is_empty() { form(body).map(|form| in_form(&form)).unwrap_or_default() } else { word }
}

/// The effort that a host's own form asks for. Empty where it asks for none.
fn in_form(form: &Object<'_>) -> String {
    let effort = form.get("effort").and_then(spelled).unwrap_or_default();
    let enabled = form.get("enabled").and_then(Json::bool);
    String::from(match budget_of(form) {
        _ if form.is("type", "disabled") || enabled == Some(false) => "none",
        _ if !effort.is_empty() => &*effort,
        Some(tokens) => of_tokens(tokens),
        None if enabled.is_none() && !form.has("type") => "",
        _ => "medium",
    })
}

/// Whether a host's own form says more than that the model may think.
fn says_how_much(form: &Object<'_>) -> bool {
    first(form, &["effort", "max_tokens", "budget_tokens", "type"]).is_some()
        || form.get("enabled").and_then(Json::bool) == Some(false)
}

/// A host's own form of asking for reasoning.
fn form<'a>(body: &Body<'a>) -> Option<Object<'a>> {
    first(&body.members, &["thinking", "reasoning"])?.object()
}

fn of_tokens(tokens: u64) -> &'static str {
    match tokens {
        0 => "none",
        1..4_096 => "low",
        16_384.. => "high",
        _ => "medium",
    }
}

/// An effort in one of the words that are known here. Groq says "default", LiteLLM "disable"
/// (BerriAI/litellm#15958), and Fireworks takes a number of tokens too, and whether at all. LiteLLM also has it in an object, a
/// summary beside it. None for what else is in a list or an object.
fn spelled(effort: &Json<'_>) -> Option<String> {
    let within = effort.members().take("effort");
    let effort = within.as_ref().unwrap_or(effort);
    if effort.is_nested() {
        return None;
    }
    let word = effort.text().trim().to_ascii_lowercase();
    let known = match &*word {
        "off" | "disable" | "disabled" | "false" => "none",
        "auto" | "default" | "true" => "adaptive",
        other => other.parse().map_or(other, |tokens| of_tokens(tokens)),
    };
    Some(known.to_owned())
}

/// The nearest word that all known targets know; none where one of them has no word for it. A word that is nobody's goes
/// along.
fn nearest<'w>(asked: &'w str, targets: &Targets) -> Option<&'w str> {
    let rank = |word: &str| EFFORTS.iter().position(|known| *known == word);
    let wanted = match asked {
        "adaptive" => "medium",
        "ultra" if !targets.known().is_empty() => "max",
        asked => asked,
    };
    let Some(wanted) = rank(wanted) else { return Some(asked) };
    let takes = |target: &Traits, at: usize| !target.reasons() || target.efforts >> at & 1 == 1;
    let known = EFFORTS.iter().enumerate().filter(|(at, _)| targets.known().iter().all(|target| takes(target, *at)));
    // "None" is no little reasoning, and a little none.
    let known = known.filter(|(at, _)| (*at == 0) == (wanted == 0));
    known.min_by_key(|(at, _)| (at.abs_diff(wanted), *at)).map(|(_, word)| *word)
}

/// OpenAI refuses an effort beside function tools for GPT-5.4 and 5.5 on chat completions, and since GPT-5.6 all but "none", the
/// lack of one too (BerriAI/litellm#34569, pipecat-ai/pipecat#4043, onyx-dot-app/onyx#15008; OpenClaw 2026.9.6 does the same).
fn beside_tools<'w>(body: &Body<'_>, targets: &Targets, word: Option<&'w str>) -> Option<&'w str> {
    let is_taken = body.tools.is_empty() || body.protocol == Protocol::Responses;
    if is_taken || !targets.any(|target| target.family == Family::Gpt && target.route == Route::Direct) {
        return word;
    }
    // Astra knows no "none".
    if is_named(body, &["gpt-5.6", "gpt-6"]) && !is_named(body, ASTRA) {
        return Some("none");
    }
    word.filter(|_| !is_named(body, &["gpt-5.4", "gpt-5.5"]))
}

const ASTRA: &[&str] = &["gpt-6-astra", "gpt-6.2-astra"];

/// Whether the model's name begins with one of these.
fn is_named(body: &Body<'_>, names: &[&str]) -> bool {
    let model = body.members.text("model");
    names.iter().any(|start| prompt::bare(&model).starts_with(start))
}

/// How the types begin of tools that search among tools.
pub(super) const SEARCH: &str = "tool_search";

/// OpenAI's own tools, of its Responses API alone ("Supported values are: 'function' and 'custom'": langchain-ai/langchain-litellm#197).
const OWN_TOOLS: [&str; 6] =
    ["web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp"];

/// Whether what is asked for is to be had by the Responses API alone: [`OWN_TOOLS`], since GPT-5.4 tools beside an effort ("To use
/// function tools, use /v1/responses or set reasoning_effort to 'none'") and a search among tools, and the most of Astra
/// (BerriAI/litellm-docs#1173). Not where one of these headers is sent (`sent`): gateway 1.15.2 runs no guardrails there, and a
/// host of one's own may speak chat completions alone. Nor where several answers are asked for, which it does not give.
pub(super) fn needs_responses(body: &Body<'_>, targets: &Targets, own: &Model<'_>, sent: &[(String, String)]) -> bool {
    const STAYS: [&str; 4] = [
        "x-portkey-config",
        "x-portkey-default-input-guardrails",
        "x-portkey-default-output-guardrails",
        "x-portkey-custom-host",
    ];
    let asked = asked(body);
    let is_asked = !matches!(&*asked, "" | "none") && own.supports_effort != Some(false)
        || body.tools.iter().any(|tool| tool.is("type", SEARCH));
    let is_astra = is_named(body, ASTRA);
    let is_own = |tool: &Object<'_>| OWN_TOOLS.iter().any(|kind| tool.is("type", kind));
    let is_there_alone = is_astra && matches!(&*asked, "max" | "ultra")
        || !body.tools.is_empty()
            && own.supports_tools != Some(false)
            && (is_asked && is_named(body, &["gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-6"])
                || is_astra
                || body.tools.iter().any(is_own));
    is_there_alone
        && STAYS.iter().all(|name| headers::find(sent, name).is_none())
        && body.members.get("n").and_then(Json::whole).is_none_or(|n| n <= 1)
        && targets.all(|target| target.family == Family::Gpt && target.route == Route::Direct)
}

/// Anthropic's least.
const LEAST_BUDGET: u32 = 1_024;

/// `thinking` with a budget, which is part of the limit for the answer and must be below it.
fn budget(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>, asked: &str) {
    let is_claude = targets.has(&[Family::Claude]);
    if is_claude && lacks_reasoning(body) {
        return;
    }
    let wanted = match asked {
        "minimal" => LEAST_BUDGET,
        "low" => 2_048,
        "medium" | "adaptive" => 8_192,
        "xhigh" | "max" if is_claude => 32_768,
        // What gateway 2.x makes of a high effort for Gemini 2.5.
        _ if !is_claude => 24_576,
        _ => 16_384,
    };
    if !is_claude {
        // Gemini's budget is its own, and its thoughts are shown for it.
        return think(body, "enabled", Some(wanted));
    }
    let most = targets.known().iter().map(|target| target.max_output_tokens).filter(|&most| most > 0).min();
    let mut limit = limit::of(body);
    if body.has_default_limit || limit <= LEAST_BUDGET {
        // Nobody's wish, or too little to think at all: what is to be said comes on top.
        limit = limit.saturating_add(wanted).min(most.unwrap_or(u32::MAX));
    }
    let budget = wanted.min(limit / 5 * 4).max(LEAST_BUDGET);
    think(body, "enabled", Some(budget));
    leave_out_sampling(body);
    limit::set(body, targets, own, limit);
}

/// What OpenAI's models refuse while they reason. Sources: OpenAI's pages on GPT-5 and its successors ("Parameter
/// compatibility"); nextai-translator#1781 and vercel/ai#10940, in which users quote the refusals.
const NOT_WHILE_REASONING: [&str; 6] =
    ["temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"];

/// What the bits of [`Traits::refuses`] stand for. Sources: huggingface/smolagents#1671 (`stop`), BerriAI/litellm#21576 (what is beside
/// it, of GPT-5), run-llama/llama_index#20865
/// (`parallel_tool_calls`, of the o-series); n8n-io/n8n#14581 and BerriAI/litellm#12635 (Grok, of which the third takes
/// `stop`); HKUDS/nanobot#4967 (Kimi); google-deepmind/concordia#164 and openai/codex#9035 (`verbosity`); fanenr/chatbot#21, sipeed/picoclaw#1196 and Groq's documentation, "OpenAI
/// compatibility".
const REFUSED: [(u8, &[&str]); 6] = [
    (model_traits::STOP, &["stop", "logit_bias", "prediction", "modalities", "audio"]),
    (model_traits::PARALLEL, &["parallel_tool_calls"]),
    (model_traits::PENALTIES, &["presence_penalty", "frequency_penalty"]),
    (model_traits::SAMPLING, &["temperature", "top_p"]),
    (model_traits::VERBOSITY, &["verbosity"]),
    (
        model_traits::EXTRAS,
        &["store", "metadata", "prompt_cache_key", "logprobs", "top_logprobs", "logit_bias", "reasoning"],
    ),
];

/// Leaves out what a model that may answer is known to refuse, as OpenClaw's own clients do: `top_p` beside a
/// temperature at Claude since Opus 4.1 ("`temperature` and `top_p` cannot both be specified for this model"), both since
/// Opus 4.7 ("`temperature` is deprecated for this model"), at OpenAI's models that reason all of
/// [`NOT_WHILE_REASONING`], and what is [`REFUSED`]. OpenRouter does so itself.
pub(super) fn sampling(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>) {
    if own.supports_temperature == Some(false) {
        body.members.remove("temperature");
    }
    // The gateway hands one on as it is, and all but OpenAI want a list.
    if let Some(stop) = body.members.get("stop").and_then(Json::string) {
        body.members.set("stop", Json::List(alloc::vec![Json::Text(stop)]));
    }
    let is_sent = own.supports_temperature == Some(true);
    let effort = body.members.get("reasoning_effort");
    let is_asked = effort.is_some_and(|effort| !effort.is("none")) || body.members.get("reasoning").is_some();
    // Those that need not reason do not, unless asked to; the latest refuse it all the same (OpenClaw 2026.9.6).
    let reasons = |efforts: u8| is_asked || efforts & NONE == 0 || efforts & MAX != 0;
    for target in targets.known().iter().filter(|target| target.route != Route::OpenRouter) {
        if !is_sent && target.reasons() {
            if target.family == Family::Gpt && reasons(target.efforts) {
                remove(&mut body.members, &NOT_WHILE_REASONING);
            }
            if target.family == Family::Claude && target.efforts & XHIGH != 0 {
                leave_out_sampling(body);
            }
        }
        for (_, names) in REFUSED.iter().filter(|(bit, _)| target.refuses & bit != 0) {
            names.iter().filter(|name| !is_sent || **name != "temperature").for_each(|name| body.members.remove(name));
        }
    }
    let is_claude = targets.has(&[Family::Claude]);
    if let Some(temperature) = body.members.get("temperature").and_then(Json::number) {
        if is_claude {
            body.members.remove("top_p");
        }
        // "temperature: range: 0..1" (odysseus-dev/odysseus#1615); the gateway sees to it for Anthropic alone. Z.AI has the same
        // range (theopenco/llmgateway#3268).
        if temperature > 1.0 && (is_claude || targets.any(Traits::is_zai)) {
            body.members.set("temperature", 1_u32);
        }
    }
    if let Some(mut stop) = body.members.take("stop").and_then(Json::into_list) {
        // OpenAI takes four, and Gemini five (BerriAI/litellm#18921).
        let is_gemini = targets.has(&[Family::Gemini]);
        stop.truncate(if targets.has_openai() {
            4
        } else if is_gemini {
            5
        } else {
            usize::MAX
        });
        // "each stop sequence must contain non-whitespace" (BerriAI/litellm#3286)
        stop.retain(|text| !is_claude || !text.text().trim().is_empty());
        if stop.is_empty() { body.members.remove("stop") } else { body.members.set("stop", stop) }
    }
}

/// Anthropic takes a temperature of 1 alone while it thinks, a `top_p` of nearly 1, and no `top_k`. Source: Anthropic's API
/// reference, "Extended thinking".
fn leave_out_sampling(body: &mut Body<'_>) {
    remove(&mut body.members, &["temperature", "top_p", "top_k"]);
}

/// Whether the tool loop under way began without reasoning that can be shown: Claude then refuses to go on with it
/// ("Expected `thinking` or `redacted_thinking`, but found `tool_use`"). What the user says behind the results ends no loop.
fn lacks_reasoning(body: &Body<'_>) -> bool {
    let is_own = |message: &&Object<'_>| message.is("role", "assistant");
    let mut turn = body.messages.iter().rev().skip_while(|message| !is_own(message)).peekable();
    turn.peek().is_some_and(|last| last.has("tool_calls"))
        && turn
            .take_while(|message| !message.is("role", "user"))
            .any(|message| message.has("tool_calls") && !message.has("content_blocks"))
}
