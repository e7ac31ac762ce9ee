//! Twice as much of anything costs about twice as much, whoever sends it: a host's user, a gateway, a model. What costs the
//! square of its size stops a host. Instructions are wasmtime's fuel, and so are the same on every machine.

use std::fs;

use bytes::Bytes;
use clap::ValueEnum;
use host_harness::{
    types::{Connection, Media},
    wit::{
        chat::{Ask, Prompt as Chat, Request},
        images,
        onboarding::Choices,
    },
};

use crate::{
    budgets::{Counting, connection, conversation, used},
    support::component,
};

/// What grows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Members of a request that the component does not know.
    Members,
    Messages,
    Tools,
    /// Headers of a connection. So many are refused, and that too takes time.
    Headers,
    /// Boundaries that stand in an image already.
    Boundaries,
    /// Content blocks of a whole answer.
    Blocks,
    /// Choices of a whole answer.
    Choices,
    /// Calls in a whole answer.
    Calls,
    /// Unknown members of a whole answer.
    Unknown,
    /// Events of a stream.
    Events,
    /// Lines of one event.
    Lines,
    /// Content blocks in one event.
    StreamedBlocks,
    /// Calls in one event.
    StreamedCalls,
    /// Calls, each in an event of its own, and then a piece for each.
    CallEvents,
    /// Models in the catalog.
    Listed,
    /// Images in an answer.
    Images,
    /// Models in a configuration.
    Models,
    /// Unknown members of the provider's entry in a configuration.
    Settings,
    /// Headers in a configuration.
    ConfiguredHeaders,
    /// Members of one name in a configuration.
    Repeated,
    /// Calls of one past turn and their results, as another client sent them.
    PastCalls,
    /// The same without the results' ids, which are looked for.
    NamelessCalls,
    /// The same for a model that wants the tools' names.
    PastCallsByName,
    /// Calls of a past turn where the tools are not offered any more.
    PastTools,
    /// Members of a request by the Responses API that the component does not know.
    ResponsesMembers,
    /// Pieces of a call's name.
    NamePieces,
    /// Pieces of white space before a call's arguments.
    BlankPieces,
    /// The same behind arguments that hold nothing.
    BlankEnds,
    /// The same behind arguments that are a long text, of a call without a name.
    TextArguments,
    /// Events that end an answer of the Responses API which has a long reason for its end.
    LongReasons,
    /// Pieces of one detail of reasoning.
    DetailPieces,
    /// Members of one detail of reasoning.
    DetailMembers,
    /// Details for calls that do not come, and then calls.
    Details,
    /// Results in the other order than their calls.
    ReversedCalls,
    /// Results of calls that never were.
    LostResults,
    /// Ids that the next provider refuses.
    RefusedIds,
    /// Turns of the functions that there were before tools.
    Functions,
    /// System texts, where a provider takes one.
    SystemTexts,
    /// Parts of a message, of another API's form.
    Parts,
    /// Members of one part.
    PartMembers,
    /// Images in results of tools.
    ToolImages,
    /// Pieces of thought in one past turn.
    PastThoughts,
    /// Members of a tool's parameters.
    ParameterMembers,
    /// Members beside a signature in a call.
    ExtraMembers,
    /// Calls of a provider's own tools.
    ServerCalls,
    /// Events with results of guardrails.
    Guardrails,
    /// Events with usage and citations.
    Usages,
    /// Texts that are cut within a character.
    CutTexts,
    /// Escapes that are cut between two events.
    CutEscapes,
    /// Items of an answer of the Responses API.
    Items,
    /// Ends of one text of the Responses API, each with all of it.
    TextEnds,
    /// Texts, and ends of others that are as long.
    LostEnds,
    /// Details under ids that a call bears for one piece each, and then other calls.
    LostDetails,
    /// Words of an error that ask to wait.
    Waits,
    /// Calls of a whole answer that are the rest of the first.
    CallRests,
    /// Calls whose arguments stand one behind the other in one piece, the last with a long text.
    CallsInOnePiece,
    /// References of a tool's parameters, each to a definition of its own.
    SchemaReferences,
    /// The same to one definition with as many properties.
    SchemaProperties,
    /// Properties of a tool of Gemini's that refer to one definition with as many words.
    SchemaWords,
    /// Parts of parameters, each with the same properties, for Gemini.
    SchemaParts,
    /// References to as many definitions, for Kimi, which takes them.
    KeptReferences,
    /// Variants of a parameter without a type, beside one that is a list of as many, for Kimi.
    SchemaTypes,
    /// Turns of the model's own, one behind the other, each with blocks, where turns alternate.
    PastBlocks,
    /// Calls of one id, the last with a name of as many letters, and results, for a model that wants the tools' names.
    LongNames,
    /// Members of a source that has no type.
    SourceMembers,
    /// Contents of one message, each with a thought.
    Contents,
    /// Members of a request by the Responses API, and between them one that it knows, over and over.
    RepeatedMembers,
    /// References to definitions whose long names begin alike.
    SchemaPrefixes,
    /// Details of calls, and calls of other ids, in one event.
    DetailCalls,
    /// Calls of the Responses API that share a number, and pieces of the first, with long ids that begin alike.
    SharedNumbers,
    /// Targets of a Portkey config, before a request of as many members.
    Targets,
    /// Targets of a Portkey config, for a model with a long name.
    TargetNames,
    /// Models in a configuration with a Portkey config of as many targets, and guardrails.
    GuardedModels,
    /// Families in a configuration with as many models, and guardrails.
    GuardedFamilies,
}

fn each(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn members(count: usize) -> String {
    format!("{{{}}}", each(count, |number| format!(r#""member-{number}":{number}"#)))
}

/// A call, and whether it succeeds: one that is refused early would count as cheap.
async fn called(
    counting: &Counting,
    connection: &Connection,
    request: &Request,
    answer: String,
    succeeds: bool,
) -> u64 {
    let (mut store, guest) = counting.start("application/json", vec![answer.into()]).await;
    let reply = guest.openclaw_provider_chat().call_complete(&mut store, connection, request).await.unwrap();
    assert_eq!(reply.is_ok(), succeeds, "{:?}", reply.err());
    used(&store)
}

async fn complete(counting: &Counting, connection: &Connection, request: &Chat, answer: String) -> u64 {
    called(counting, connection, &request.clone().into(), answer, true).await
}

async fn refused(counting: &Counting, connection: &Connection, answer: String) -> u64 {
    called(counting, connection, &conversation(1, 0).into(), answer, false).await
}

/// A body of another client's, for this model.
async fn asked(counting: &Counting, model: &str, members: &str) -> u64 {
    let body = format!(r#"{{"model":"{model}",{members}}}"#);
    let request = Request { ask: Ask::OpenaiJson(body), prompt_cache: None };
    called(counting, &connection(), &request, answer(r#""content":"x""#), true).await
}

const GPT: &str = "@openai/gpt-5-mini";
const GEMINI: &str = "@google/gemini-2.5-pro";
const CLAUDE_AT_BEDROCK: &str = "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0";

/// So many messages, in which `N` is their number, and the user's.
async fn messages(counting: &Counting, model: &str, count: usize, message: &str) -> u64 {
    let all = each(count, |number| message.replace('N', &number.to_string()));
    asked(counting, model, &format!(r#""messages":[{all},{{"role":"user","content":"x"}}]"#)).await
}

/// A past turn with so many calls, and a result for each.
fn past(count: usize, has_ids: bool) -> String {
    let result = |number| {
        let id = if has_ids { format!(r#""tool_call_id":"call_{number}","#) } else { String::new() };
        format!(r#"{{"role":"tool",{id}"content":"x"}}"#)
    };
    let (calls, results) = (each(count, call), each(count, result));
    format!(r#""messages":[{{"role":"user","content":"x"}},{{"role":"assistant","tool_calls":[{calls}]}},{results}]"#)
}

/// A call, and then so many pieces of it.
fn pieces(begun: &str, piece: &str, count: usize) -> String {
    let piece = delta(&format!(r#""tool_calls":[{{"index":0,"id":"a",{piece}}}]"#));
    delta(&format!(r#""tool_calls":[{{"index":0,"id":"a","type":"function",{begun}}}]"#)) + &piece.repeat(count)
}

async fn stream(counting: &Counting, events: String) -> u64 {
    stream_bytes(counting, events.into_bytes()).await
}

async fn stream_bytes(counting: &Counting, mut events: Vec<u8>) -> u64 {
    let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    events.extend(format!("data: {end}\n\ndata: [DONE]\n\n").bytes());
    let events = Bytes::from(events);
    let pieces = (0..events.len()).step_by(16 << 10).map(|at| events.slice(at..events.len().min(at + (16 << 10))));
    let (mut store, guest) = counting.start("text/event-stream", pieces.collect()).await;
    let chat = guest.openclaw_provider_chat();
    let reply = chat.call_stream(&mut store, &connection(), &conversation(1, 0).into()).await.unwrap().unwrap();
    while !chat.reply().call_next(&mut store, reply).await.unwrap().unwrap().is_empty() {}
    used(&store)
}

async fn onboard(counting: &Counting, config: &str) -> u64 {
    let (mut store, guest) = counting.start("", Vec::new()).await;
    let onboarding = guest.openclaw_provider_onboarding();
    let choices = Choices { base_url: None, model: None, api_key_reference: None };
    onboarding.call_apply_config(&mut store, config, &choices).await.unwrap().unwrap();
    onboarding.call_lint(&mut store, config).await.unwrap();
    let held = ["portkey-api-key".to_owned()];
    onboarding.call_resolve_connection(&mut store, config, &held).await.unwrap().unwrap();
    used(&store)
}

fn entry(members: &str) -> String {
    format!(r#"{{"models":{{"providers":{{"portkey":{{{members}}}," Portkey":{{{members}}}}}}}}}"#)
}

fn answer(message: &str) -> String {
    format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"message":{{{message}}},"finish_reason":"stop"}}]}}"#)
}

fn delta(delta: &str) -> String {
    format!("data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}}}}]}}\n\n")
}

fn blocks(count: usize) -> String {
    let block = |number| {
        format!(r#"{{"index":{number},"type":"thinking","thinking":"thought {number}","signature":"s{number}"}}"#)
    };
    format!(r#""content_blocks":[{}]"#, each(count, block))
}

fn call(number: usize) -> String {
    format!(
        r#"{{"index":{number},"id":"call_{number}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#
    )
}

async fn images(counting: &Counting, media: Vec<Media>, answer: String) -> u64 {
    let (mut store, guest) = counting.start("application/json", vec![answer.into()]).await;
    let request = images::Request::new("a lighthouse");
    let images = guest.openclaw_provider_images();
    images.call_edit(&mut store, &connection(), &request, &media, None).await.unwrap().unwrap();
    used(&store)
}

/// The instructions for so many of it.
async fn instructions(counting: &Counting, what: What, count: usize) -> u64 {
    let chat =
        |request: Chat| async move { complete(counting, &connection(), &request, answer(r#""content":"x""#)).await };
    let answered = |answer: String| async move { complete(counting, &connection(), &conversation(1, 0), answer).await };
    match what {
        What::Members => chat(Chat { extra_json: Some(members(count)), ..conversation(1, 0) }).await,
        What::Messages => chat(conversation(count, 0)).await,
        What::Tools => chat(conversation(1, count)).await,
        What::Headers => {
            let headers = (0..count).map(|number| (format!("x-{number}"), "v".to_owned())).collect();
            let connection = Connection { headers, ..connection() };
            refused(counting, &connection, String::new()).await
        }
        What::Boundaries => {
            let data = (0..count).map(|number| format!("------portkey-provider-{number:08x}\r\n")).collect::<String>();
            let image = Media { media_type: "image/png".into(), data: data.into_bytes() };
            images(counting, vec![image], r#"{"data":[{"url":"https://example.com/1"}]}"#.to_owned()).await
        }
        What::Images => {
            let data = each(count, |number| format!(r#"{{"url":"https://example.com/{number}"}}"#));
            let image = Media { media_type: "image/png".into(), data: vec![1] };
            images(counting, vec![image], format!(r#"{{"data":[{data}]}}"#)).await
        }
        What::Blocks => answered(answer(&blocks(count))).await,
        What::Calls => answered(answer(&format!(r#""tool_calls":[{}]"#, each(count, call)))).await,
        What::Choices => {
            let choice = |number| format!(r#"{{"index":{},"message":{{"content":"x"}}}}"#, number + 1);
            answered(format!(r#"{{"id":"c","model":"m","choices":[{}]}}"#, each(count, choice))).await
        }
        What::Unknown => {
            let members = members(count);
            let (inner, known) = (members.trim_matches(['{', '}']), answer(r#""content":"x""#));
            answered(format!(r#"{{"unknown":{members},{inner},{}"#, known.strip_prefix('{').unwrap())).await
        }
        What::Events => {
            stream(counting, (0..count).map(|number| delta(&format!(r#""content":"{number}""#))).collect()).await
        }
        What::Lines => stream(counting, delta(r#""content":?"x""#).replace('?', &"\ndata: ".repeat(count))).await,
        What::StreamedBlocks => stream(counting, delta(&blocks(count))).await,
        What::StreamedCalls => stream(counting, delta(&format!(r#""tool_calls":[{}]"#, each(count, call)))).await,
        What::CallEvents => {
            let begun = |number| {
                format!(r#"{{"index":{number},"id":"call_{number}","function":{{"name":"f","arguments":"{{\"a\":"}}}}"#)
            };
            let more = |number| format!(r#"{{"index":{number},"function":{{"arguments":"1}}"}}}}"#);
            let event = |call| delta(&format!(r#""tool_calls":[{call}]"#));
            let begun = (0..count).map(|number| event(begun(number)));
            let more = (0..count).map(|number| event(more(number)));
            stream(counting, begun.chain(more).collect()).await
        }
        What::Listed => {
            let data = each(count, |number| format!(r#"{{"id":"model-{number}","owned_by":"o"}}"#));
            let page = format!(r#"{{"data":[{data}]}}"#);
            let (mut store, guest) = counting.start("application/json", vec![page.into()]).await;
            guest.openclaw_provider_models().call_list(&mut store, &connection()).await.unwrap().unwrap();
            used(&store)
        }
        What::Models => {
            let models = each(count, |number| format!(r#"{{"id":"@a/model-{number}"}}"#));
            onboard(counting, &entry(&format!(r#""models":[{models}]"#))).await
        }
        What::Settings => {
            onboard(counting, &entry(&each(count, |number| format!(r#""member-{number}":{number}"#)))).await
        }
        What::ConfiguredHeaders => {
            // As many as short ones may be.
            let headers = each(count / 5, |number| format!(r#""{number:x}":1"#));
            onboard(counting, &entry(&format!(r#""headers":{{{headers}}}"#))).await
        }
        What::Repeated => {
            onboard(counting, &entry(&each(count, |number| format!(r#""headers":{{"a":{number}}}"#)))).await
        }
        What::PastCalls => asked(counting, GPT, &past(count, true)).await,
        What::NamelessCalls => asked(counting, GPT, &past(count, false)).await,
        What::PastCallsByName => asked(counting, GEMINI, &past(count, true)).await,
        What::PastTools => {
            let named = past(count, true).replace(r#""name":"f""#, r#""name":"f?""#);
            let mut names = (0..count).map(|number| number.to_string());
            let named =
                named.split('?').map(|text| text.to_owned() + &names.next().unwrap_or_default()).collect::<String>();
            asked(counting, CLAUDE_AT_BEDROCK, &named).await
        }
        What::ResponsesMembers => {
            let members = each(count, |number| format!(r#""member-{number}":{number}"#));
            let members = format!(r#""messages":[{{"role":"user","content":"x"}}],{members}"#);
            asked(counting, "@openai/gpt-5-pro", &members).await
        }
        What::NamePieces => {
            stream(counting, pieces(r#""function":{"name":"f_"}"#, r#""function":{"name":"a_"}"#, count)).await
        }
        What::BlankPieces => {
            let blank = r#""function":{"arguments":"          "}"#;
            stream(counting, pieces(r#""function":{"name":"f","arguments":""}"#, blank, count)).await
        }
        What::BlankEnds => {
            let blank = r#""function":{"arguments":"          "}"#;
            stream(counting, pieces(r#""function":{"name":"","arguments":"{}"}"#, blank, count)).await
        }
        What::TextArguments => {
            let text = format!(r#""function":{{"name":"","arguments":"\"{}\""}}"#, "x".repeat(10 * count));
            stream(counting, pieces(&text, r#""function":{"arguments":" "}"#, count)).await
        }
        What::LongReasons => {
            let details = format!(r#"{{"reason":"max_{}"}}"#, "x".repeat(10 * count));
            let begun = format!(
                "data: {{\"type\":\"response.incomplete\",\"response\":{{\"status\":\"incomplete\",\"incomplete_details\":{details},\"output\":[]}}}}\n\n"
            );
            let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
            stream(counting, begun + &end.repeat(count)).await
        }
        What::DetailPieces => {
            let detail = r#"{"type":"reasoning.text","index":0,"text":"ten bytes."}"#;
            stream(counting, delta(&format!(r#""reasoning_details":[{detail}]"#)).repeat(count)).await
        }
        What::DetailMembers => {
            let detail = members(count).replacen('{', r#"{"type":"reasoning.text","index":0,"#, 1);
            stream(counting, delta(&format!(r#""reasoning_details":[{detail}]"#)).repeat(2)).await
        }
        What::Details => {
            let detail = |number| format!(r#"{{"type":"reasoning.encrypted","id":"call_{number}","data":"x"}}"#);
            let details = (0..count)
                .map(|number| delta(&format!(r#""reasoning_details":[{}]"#, detail(number))))
                .collect::<String>();
            let calls = (0..count.min(4_000)).map(|number| delta(&format!(r#""tool_calls":[{}]"#, call(number))));
            stream(counting, details + &calls.collect::<String>()).await
        }
        What::ReversedCalls => {
            let result =
                |number| format!(r#"{{"role":"tool","tool_call_id":"call_{}","content":"x"}}"#, count - 1 - number);
            let (calls, results) = (each(count, call), each(count, result));
            let turn = format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#);
            asked(counting, GPT, &format!(r#""messages":[{{"role":"user","content":"x"}},{turn},{results}]"#)).await
        }
        What::LostResults => {
            messages(counting, GPT, count, r#"{"role":"tool","tool_call_id":"call_N","content":"x"}"#).await
        }
        What::RefusedIds => asked(counting, "@mistral-ai/mistral-large-latest", &past(count, true)).await,
        What::Functions => {
            let turn = r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"x"}"#;
            messages(counting, GPT, count, turn).await
        }
        What::SystemTexts => messages(counting, GEMINI, count, r#"{"role":"system","content":"rule N"}"#).await,
        What::Parts => {
            let parts = each(count, |number| format!(r#"{{"type":"input_text","text":"part {number}"}}"#));
            messages(counting, GPT, 1, &format!(r#"{{"role":"user","content":[{parts}]}}"#)).await
        }
        What::PartMembers => {
            let part = members(count).replacen('{', r#"{"type":"input_image","image_url":"https://a/b","#, 1);
            messages(counting, GPT, 1, &format!(r#"{{"role":"user","content":[{part}]}}"#)).await
        }
        What::ToolImages => {
            let image = r#"{"type":"image_url","image_url":{"url":"https://a/N"}}"#;
            let call = r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
            let turn = format!(r#"{call},{{"role":"tool","tool_call_id":"a","content":[{image}]}}"#);
            messages(counting, GPT, count, &turn).await
        }
        What::PastThoughts => {
            let block = |number| format!(r#"{{"type":"thinking","thinking":"{number}","signature":"s"}}"#);
            let turn = format!(r#"{{"role":"assistant","content":"x","content_blocks":[{}]}}"#, each(count, block));
            messages(counting, "@anthropic/claude-sonnet-4-5", 1, &turn).await
        }
        What::ParameterMembers => {
            let tool = format!(r#"{{"type":"function","function":{{"name":"f","parameters":{}}}}}"#, members(count));
            asked(counting, GPT, &format!(r#""messages":[{{"role":"user","content":"x"}}],"tools":[{tool}]"#)).await
        }
        What::ExtraMembers => {
            let extra = format!(
                r#""index":0,"id":"a","function":{{"name":"f","arguments":"{{}}"}},"extra_content":{}"#,
                members(count)
            );
            stream(counting, delta(&format!(r#""tool_calls":[{{{extra}}}]"#))).await
        }
        What::ServerCalls => {
            let block =
                |number| format!(r#"{{"index":{number},"type":"server_tool_use","id":"s{number}","name":"search"}}"#);
            let blocks = (0..count).map(|number| delta(&format!(r#""content_blocks":[{}]"#, block(number))));
            stream(counting, blocks.collect()).await
        }
        What::Guardrails => {
            let hook = |number| format!(r#"{{"verdict":true,"id":"{number}","checks":[]}}"#);
            let event = |number| {
                format!("data: {{\"choices\":[],\"hook_results\":{{\"before_request_hooks\":[{}]}}}}\n\n", hook(number))
            };
            stream(counting, (0..count).map(event).collect()).await
        }
        What::Usages => {
            let usage = |number| {
                format!(
                    "data: {{\"choices\":[],\"citations\":[\"https://a/{number}\"],\"usage\":{{\"prompt_tokens\":{number}}}}}\n\n"
                )
            };
            stream(counting, (0..count).map(usage).collect()).await
        }
        What::CutTexts => {
            let cut =
                [delta(r#""content":"a?""#).replace('?', "\u{1}"), delta(r#""content":"?b""#).replace('?', "\u{2}")]
                    .concat();
            stream_bytes(
                counting,
                cut.repeat(count / 2)
                    .bytes()
                    .map(|byte| match byte {
                        1 => 0xc3,
                        2 => 0xa9,
                        byte => byte,
                    })
                    .collect(),
            )
            .await
        }
        What::CutEscapes => {
            let cut = [delta(r#""content":"a\ud83d""#), delta(r#""content":"\ude00b""#)].concat();
            stream(counting, cut.repeat(count / 2)).await
        }
        What::Items => {
            let item = |number| {
                format!(r#"{{"type":"message","id":"m{number}","content":[{{"type":"output_text","text":"x"}}]}}"#)
            };
            let answer = format!(
                r#"{{"object":"response","id":"r","model":"m","status":"completed","output":[{}]}}"#,
                each(count, item)
            );
            complete(counting, &connection(), &conversation(1, 0), answer).await
        }
        What::TextEnds => {
            let of = |kind: &str, text: &str| {
                format!("data: {{\"type\":\"response.output_text.{kind}\",\"output_index\":0,{text}}}\n\n")
            };
            let begun = of("delta", &format!(r#""delta":"{}""#, "x".repeat(1_000)));
            let end = of("done", &format!(r#""text":"{}""#, "x".repeat(1_000)));
            stream(counting, begun + &end.repeat(count / 4)).await
        }
        What::LostEnds => {
            let of = |kind: &str, part: usize, text: &str| {
                format!(
                    "data: {{\"type\":\"response.output_text.{kind}\",\"output_index\":0,\"content_index\":{part},{text}}}\n\n"
                )
            };
            let (count, text) = (count / 16, "x".repeat(1_000));
            let begun = (0..count).map(|part| of("delta", part, &format!(r#""delta":"{text}""#)));
            let ends = (0..count).map(|part| of("done", count + part, &format!(r#""text":"{part:01000}""#)));
            stream(counting, begun.chain(ends).collect()).await
        }
        What::LostDetails => {
            let (count, prefix) = (count / 16, "x".repeat(1_000));
            let call = |index: usize, id: &str, function: &str| {
                format!(r#""tool_calls":[{{"index":{index},"id":"{id}","function":{{{function}}}}}]"#)
            };
            let begun = delta(&call(0, "a", r#""name":"f","arguments":"{""#));
            let details = (0..count).map(|number| {
                let id = format!("{prefix}{number:08}");
                let detail =
                    format!(r#""reasoning_details":[{{"type":"reasoning.encrypted","id":"{id}","data":"x"}}]"#);
                delta(&format!("{detail},{}", call(0, &id, r#""arguments":" ""#)))
            });
            let closed = delta(&call(0, "a", r#""arguments":"}""#));
            let others = (1..=count)
                .map(|index| delta(&call(index, &format!("{prefix}o{index:07}"), r#""name":"f","arguments":"{}""#)));
            let all: String = [begun].into_iter().chain(details).chain([closed]).chain(others).collect();
            stream(counting, all).await
        }
        What::Waits => {
            let error = format!(r#"{{"error":{{"message":"Try again in {}"}}}}"#, "1m2s".repeat(count));
            refused(counting, &connection(), error).await
        }
        What::CallRests => {
            let begun = r#"{"id":"a","function":{"name":"f","arguments":"{\"a\":\""}}"#;
            let rests = each(count, |_| r#"{"function":{"arguments":"ten bytes."}}"#.to_owned());
            let end = r#"{"function":{"arguments":"\"}"}}"#;
            answered(answer(&format!(r#""tool_calls":[{begun},{rests},{end}]"#))).await
        }
        What::CallsInOnePiece => {
            let (count, long) = (count / 4, "x".repeat(20 * count));
            let calls = (0..count).map(|number| format!(r#"{{\"a\":{number}}}"#)).collect::<String>();
            let call = format!(r#"{{"id":"a","function":{{"name":"f","arguments":"{calls}{{\"a\":\"{long}\"}}"}}}}"#);
            answered(answer(&format!(r#""tool_calls":[{call}]"#))).await
        }
        What::SchemaReferences => {
            let references = each(count, |number| format!(r##"{{"$ref":"#/$defs/d{number}"}}"##));
            let definitions = each(count, |number| format!(r#""d{number}":{{"properties":{{"p{number}":{{}}}}}}"#));
            tool(counting, GPT, &format!(r#"{{"allOf":[{references}],"$defs":{{{definitions}}}}}"#)).await
        }
        What::SchemaProperties => {
            let count = count / 4;
            let references = each(count, |_| r##"{"$ref":"#/$defs/d"}"##.to_owned());
            let properties = each(count, |number| format!(r#""p{number}":{{}}"#));
            let definitions = format!(r#"{{"d":{{"properties":{{{properties}}}}}}}"#);
            tool(counting, GPT, &format!(r#"{{"allOf":[{references}],"$defs":{definitions}}}"#)).await
        }
        What::SchemaWords => {
            let count = count / 4;
            let properties = each(count, |number| format!(r##""p{number}":{{"$ref":"#/$defs/d"}}"##));
            let definitions = format!(r#"{{"d":{{"type":"string","description":"{}"}}}}"#, "many words ".repeat(count));
            tool(counting, GEMINI, &format!(r#"{{"properties":{{{properties}}},"$defs":{definitions}}}"#)).await
        }
        What::SchemaParts => {
            let parts = each(count, |number| format!(r#"{{"properties":{{"p{number}":{{"type":"string"}}}}}}"#));
            tool(counting, GEMINI, &format!(r#"{{"properties":{{"a":{{"allOf":[{parts}]}}}}}}"#)).await
        }
        What::KeptReferences => {
            let references = each(count, |number| format!(r##""p{number}":{{"$ref":"#/$defs/d{number}"}}"##));
            let definitions = each(count, |number| format!(r#""d{number}":{{}}"#));
            let parameters = format!(r#"{{"properties":{{{references}}},"$defs":{{{definitions}}}}}"#);
            tool(counting, "@moonshot/kimi-k2.5", &parameters).await
        }
        What::SchemaTypes => {
            let count = count / 4;
            let (types, variants) = (each(count, |_| r#""string""#.to_owned()), each(count, |_| "{}".to_owned()));
            let a = format!(r#"{{"type":[{types}],"anyOf":[{variants}]}}"#);
            tool(counting, "@moonshot/kimi-k2-0905", &format!(r#"{{"properties":{{"a":{a}}}}}"#)).await
        }
        What::PastBlocks => {
            let block = r#"{"type":"thinking","thinking":"N","signature":"s"}"#;
            messages(
                counting,
                CLAUDE_AT_BEDROCK,
                count,
                &format!(r#"{{"role":"assistant","content":"x","content_blocks":[{block}]}}"#),
            )
            .await
        }
        What::LongNames => {
            let count = count / 4;
            let called = |name: &str| format!(r#"{{"id":"a","function":{{"name":"{name}","arguments":"{{}}"}}}}"#);
            let calls = each(count, |number| {
                called(&if number + 1 < count { "f".into() } else { "many_words_".repeat(count) })
            });
            let results = each(count, |_| r#"{"role":"tool","tool_call_id":"a","content":"x"}"#.to_owned());
            let turn = format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#);
            asked(counting, GEMINI, &format!(r#""messages":[{{"role":"user","content":"x"}},{turn},{results}]"#)).await
        }
        What::SourceMembers => stream(counting, delta(&format!(r#""annotations":[{}]"#, members(count)))).await,
        What::Contents => {
            let content = r#""content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"x"}]"#.to_owned();
            stream(counting, delta(&each(count, |_| content.clone()))).await
        }
        What::RepeatedMembers => {
            let members = each(count, |number| format!(r#""max_completion_tokens":100,"member-{number}":{number}"#));
            let members = format!(r#""messages":[{{"role":"user","content":"x"}}],{members}"#);
            asked(counting, "@openai/gpt-5-pro", &members).await
        }
        What::SchemaPrefixes => {
            let (count, prefix) = (count / 4, "x".repeat(500));
            let properties =
                each(count, |number| format!(r##""p{number}":{{"$ref":"#/$defs/{prefix}{:08}"}}"##, number / 8));
            let definitions = each(count, |number| format!(r#""{prefix}{number:08}":{{}}"#));
            tool(counting, GEMINI, &format!(r#"{{"properties":{{{properties}}},"$defs":{{{definitions}}}}}"#)).await
        }
        What::DetailCalls => {
            let count = count / 4;
            let detail = |number| format!(r#"{{"type":"reasoning.encrypted","id":"lost_{number:04}","data":"x"}}"#);
            let (details, calls) = (each(count, detail), each(count, call));
            stream(counting, delta(&format!(r#""reasoning_details":[{details}],"tool_calls":[{calls}]"#))).await
        }
        What::SharedNumbers => {
            let (count, prefix) = (count / 64, "x".repeat(4_000));
            let event = |kind: &str, members: &str| {
                format!("data: {{\"type\":\"response.{kind}\",\"output_index\":0,{members}}}\n\n")
            };
            let begun = (0..count).map(|number| {
                let item = format!(
                    r#""item":{{"type":"function_call","id":"{prefix}{number:08}","call_id":"c{number}","name":"f"}}"#
                );
                event("output_item.added", &item)
            });
            let more = (0..count).map(|_| {
                event("function_call_arguments.delta", &format!(r#""item_id":"{prefix}00000000","delta":"x""#))
            });
            stream(counting, begun.chain(more).collect()).await
        }
        // Of a config no more targets go into a header.
        What::Targets => {
            let count = count / 2;
            let members = each(count, |number| format!(r#""member-{number}":{number}"#));
            let body = format!(r#"{{"model":"gpt-5","messages":[{{"role":"user","content":"x"}}],{members}}}"#);
            routed(counting, count, body).await
        }
        What::TargetNames => {
            let count = count / 2;
            let name = "many-words-".repeat(count);
            let body = format!(r#"{{"model":"{name}","messages":[{{"role":"user","content":"x"}}]}}"#);
            routed(counting, count, body).await
        }
        What::GuardedModels => {
            let count = count / 2;
            let targets = each(count, |_| "{}".to_owned());
            let models = each(count, |number| format!(r#"{{"id":"@a/model-{number}"}}"#));
            onboard(counting, &guarded(&targets, &models, "")).await
        }
        What::GuardedFamilies => {
            let models = each(count, |number| format!(r#"{{"id":"@a/model-{number}"}}"#));
            let families = each(count, |number| format!(r#""@b/model-{number}":"gpt-5""#));
            onboard(counting, &guarded("", &models, &families)).await
        }
    }
}

/// A body by a Portkey config of so many targets.
async fn routed(counting: &Counting, targets: usize, body: String) -> u64 {
    let config = format!(r#"{{"targets":[{}]}}"#, each(targets, |_| "{}".to_owned()));
    let connection = Connection { headers: vec![("x-portkey-config".into(), config)], ..connection() };
    let request = Request { ask: Ask::OpenaiJson(body), prompt_cache: None };
    called(counting, &connection, &request, answer(r#""content":"x""#), true).await
}

/// A configuration for a gateway of one's own, with guardrails.
fn guarded(targets: &str, models: &str, families: &str) -> String {
    let provider = format!(r#"{{"baseUrl":"http://127.0.0.1/v1","models":[{models}]}}"#);
    let config = format!(r#"{{"input_guardrails":["a"],"targets":[{targets}]}}"#);
    format!(
        r#"{{"models":{{"providers":{{"portkey":{provider}}}}},
            "plugins":{{"entries":{{"portkey":{{"config":{{"config":{config},"modelFamilies":{{{families}}}}}}}}}}}}}"#
    )
}

/// A request with a tool of these parameters.
async fn tool(counting: &Counting, model: &str, parameters: &str) -> u64 {
    let tool = format!(r#"{{"type":"function","function":{{"name":"f","parameters":{parameters}}}}}"#);
    asked(counting, model, &format!(r#""messages":[{{"role":"user","content":"x"}}],"tools":[{tool}]"#)).await
}

#[tokio::test]
async fn twice_as_much_costs_about_twice_as_much() {
    let counting = Counting::new(&fs::read(component()).unwrap());
    let mut found = Vec::new();
    for &what in What::value_variants() {
        // So many that what is the same for each call counts for little, and the square would count for most.
        let once = match what {
            // Of calls no answer holds more than twice as many as this.
            What::Calls | What::StreamedCalls | What::CallEvents | What::Details | What::Items | What::CallRests => {
                2_000
            }
            _ => 4_000,
        };
        let (once, twice) = (instructions(&counting, what, once).await, instructions(&counting, what, 2 * once).await);
        if twice > once / 4 * 9 {
            found.push(format!("{what:?}: {once} instructions, and for twice as much {twice}"));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
