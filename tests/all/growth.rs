//! Twice as much of anything costs about twice as much, whoever sends it: a host's user, a gateway, a model. What costs the
//! square of its size stops a host. Instructions are wasmtime's fuel, and so are the same on every machine.

use std::fs;

use host_harness::{
    types::{Connection, Media},
    wit::{
        chat::{Prompt as Chat, Request},
        images,
        onboarding::Choices,
    },
};

use crate::{
    budgets::{Counting, connection, conversation, used},
    support::component,
};

fn each(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

/// So many, in which `N` is their number.
fn list(count: usize, item: &str) -> String {
    each(count, |number| item.replace('N', &number.to_string()))
}

/// So many events, each with these members in its delta.
fn deltas(count: usize, members: &str) -> String {
    (0..count).map(|number| delta(&members.replace('N', &number.to_string()))).collect()
}

fn members(count: usize) -> String {
    list(count, r#""member-N":N"#)
}

/// What is called, and what the gateway answers.
enum Load {
    /// A chat, and whether it succeeds: one that is refused early would count as cheap.
    Chat(Box<(Connection, Request)>, String, bool),
    /// The events of a streamed chat.
    Stream(Vec<u8>),
    /// A configuration.
    Onboard(String),
    Edit(Media, String),
    List(String),
}

fn chat(prompt: Chat) -> Load {
    Load::Chat(Box::new((connection(), prompt.into())), answer(WORD), true)
}

fn answered(answer: String) -> Load {
    Load::Chat(Box::new((connection(), conversation(1, 0).into())), answer, true)
}

fn refused(connection: Connection, answer: String) -> Load {
    Load::Chat(Box::new((connection, conversation(1, 0).into())), answer, false)
}

/// A body of another client's, for this model.
fn asked(model: &str, members: &str) -> Load {
    Load::Chat(
        Box::new((connection(), Request::openai(format!(r#"{{"model":"{model}",{members}}}"#)))),
        answer(WORD),
        true,
    )
}

const WORD: &str = r#""content":"x""#;
const CALL: &str = r#"{"index":N,"id":"call_N","type":"function","function":{"name":"f","arguments":"{}"}}"#;
const USER: &str = r#"{"role":"user","content":"x"}"#;
/// A model of a configuration.
const ROW: &str = r#"{"id":"@a/model-N"}"#;

const GPT: &str = "@openai/gpt-5-mini";
const GEMINI: &str = "@google/gemini-2.5-pro";
const CLAUDE_AT_BEDROCK: &str = "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0";

/// So many messages, and the user's.
fn messages(model: &str, count: usize, message: &str) -> Load {
    asked(model, &format!(r#""messages":[{},{USER}]"#, list(count, message)))
}

/// JSON in texts in texts, so deep that its size grows with the count.
fn nested(count: usize, around: fn(String) -> String) -> String {
    let quoted = |text: String, _| around(format!(r#""{}""#, text.replace('\\', r"\u005c").replace('"', r"\u0022")));
    (0..2 * count.isqrt()).fold(r#"{"error":"no"}"#.to_owned(), quoted)
}

/// A past turn with so many calls, and a result for each.
fn past(count: usize, has_ids: bool) -> String {
    let id = if has_ids { r#""tool_call_id":"call_N","# } else { "" };
    let (calls, results) = (list(count, CALL), list(count, &format!(r#"{{"role":"tool",{id}"content":"x"}}"#)));
    format!(r#""messages":[{USER},{{"role":"assistant","tool_calls":[{calls}]}},{results}]"#)
}

/// A call, and then so many pieces of it.
fn pieces(begun: &str, piece: &str, count: usize) -> String {
    let piece = delta(&format!(r#""tool_calls":[{{"index":0,"id":"a",{piece}}}]"#));
    delta(&format!(r#""tool_calls":[{{"index":0,"id":"a","type":"function",{begun}}}]"#)) + &piece.repeat(count)
}

/// The same of a call that Anthropic made itself: it has no name.
fn nameless(arguments: &str, piece: &str, count: usize) -> String {
    pieces(arguments, piece, count).replace(r#""id":"a""#, r#""id":"srvtoolu_a""#)
}

fn stream(events: String) -> Load {
    Load::Stream(events.into_bytes())
}

/// So many events without a delta, each with these members.
fn events(count: usize, members: &str) -> Load {
    let event = |number: usize| format!("data: {{\"choices\":[],{}}}\n\n", members.replace('N', &number.to_string()));
    stream((0..count).map(event).collect())
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

/// An event of the Responses API.
fn event(kind: &str, members: &str) -> String {
    format!("data: {{\"type\":\"response.{kind}\",{members}}}\n\n")
}

fn blocks(count: usize) -> String {
    let block = r#"{"index":N,"type":"thinking","thinking":"thought N","signature":"sN"}"#;
    format!(r#""content_blocks":[{}]"#, list(count, block))
}

fn calls(count: usize) -> String {
    format!(r#""tool_calls":[{}]"#, list(count, CALL))
}

/// What grows, and the call with so many of it.
type Growing = (&'static str, fn(usize) -> Load);

fn growing() -> Vec<Growing> {
    vec![
        ("members of a request that the component does not know", |count| {
            chat(Chat { extra_json: Some(format!("{{{}}}", members(count))), ..conversation(1, 0) })
        }),
        ("messages", |count| chat(conversation(count, 0))),
        ("tools", |count| chat(conversation(1, count))),
        ("headers of a connection, which are refused, and that too takes time", |count| {
            let headers = (0..count).map(|number| (format!("x-{number}"), "v".to_owned())).collect();
            let connection = Connection { headers, ..connection() };
            refused(connection, String::new())
        }),
        ("boundaries that stand in an image already", |count| {
            let data = (0..count).map(|number| format!("------portkey-provider-{number:08x}\r\n")).collect::<String>();
            let image = Media { media_type: "image/png".into(), data: data.into_bytes() };
            Load::Edit(image, r#"{"data":[{"url":"https://example.com/1"}]}"#.to_owned())
        }),
        ("images in an answer", |count| {
            let data = list(count, r#"{"url":"https://example.com/N"}"#);
            let image = Media { media_type: "image/png".into(), data: vec![1] };
            Load::Edit(image, format!(r#"{{"data":[{data}]}}"#))
        }),
        ("content blocks of a whole answer", |count| answered(answer(&blocks(count)))),
        ("calls in a whole answer", |count| answered(answer(&calls(count / 2)))),
        ("choices of a whole answer", |count| {
            let choice = |number| format!(r#"{{"index":{},"message":{{"content":"x"}}}}"#, number + 1);
            answered(format!(r#"{{"id":"c","model":"m","choices":[{}]}}"#, each(count, choice)))
        }),
        ("unknown members of a whole answer", |count| {
            let members = members(count);
            answered(answer(WORD).replacen('{', &format!(r#"{{"unknown":{{{members}}},{members},"#), 1))
        }),
        ("events of a stream", |count| stream(deltas(count, r#""content":"N""#))),
        ("lines of one event", |count| stream(delta(r#""content":?"x""#).replace('?', &"\ndata: ".repeat(count)))),
        ("names behind a long blank end", |count| {
            stream(format!("{}{}\n{}\n", delta("").trim_end(), " ".repeat(count), "event: a\n".repeat(count)))
        }),
        ("content blocks in one event", |count| stream(delta(&blocks(count)))),
        ("calls in one event", |count| stream(delta(&calls(count / 2)))),
        ("calls, each in an event of its own, and then a piece for each", |count| {
            let begun = r#""tool_calls":[{"index":N,"id":"call_N","function":{"name":"f","arguments":"{\"a\":"}}]"#;
            let more = r#""tool_calls":[{"index":N,"function":{"arguments":"1}"}}]"#;
            stream(deltas(count / 2, begun) + &deltas(count / 2, more))
        }),
        ("models in the catalog", |count| {
            Load::List(format!(r#"{{"data":[{}]}}"#, list(count, r#"{"id":"model-N","owned_by":"o"}"#)))
        }),
        ("models in a configuration", |count| Load::Onboard(entry(&format!(r#""models":[{}]"#, list(count, ROW))))),
        ("unknown members of the provider's entry in a configuration", |count| Load::Onboard(entry(&members(count)))),
        ("headers in a configuration", |count| {
            // As many as short ones may be.
            let headers = each(count / 5, |number| format!(r#""{number:x}":1"#));
            Load::Onboard(entry(&format!(r#""headers":{{{headers}}}"#)))
        }),
        ("members of one name in a configuration", |count| Load::Onboard(entry(&list(count, r#""headers":{"a":N}"#)))),
        ("calls of one past turn and their results, as another client sent them", |count| {
            asked(GPT, &past(count, true))
        }),
        ("calls of one past turn and results without their ids, which are looked for", |count| {
            asked(GPT, &past(count, false))
        }),
        ("calls of one past turn and their results, for a model that wants the tools' names", |count| {
            asked(GEMINI, &past(count, true))
        }),
        ("calls of a past turn where the tools are not offered any more", |count| {
            let mut names = (0..count).map(|number| format!(r#""name":"f{number}""#));
            let past = past(count, true);
            let named = past.split(r#""name":"f""#).map(|text| text.to_owned() + &names.next().unwrap_or_default());
            asked(CLAUDE_AT_BEDROCK, &named.collect::<String>())
        }),
        ("members of a request by the Responses API that the component does not know", |count| {
            let members = format!(r#""messages":[{USER}],{}"#, members(count));
            asked("@openai/gpt-5-pro", &members)
        }),
        ("pieces of a call's name", |count| {
            stream(pieces(r#""function":{"name":"f_"}"#, r#""function":{"name":"a_"}"#, count))
        }),
        ("pieces of white space before a call's arguments", |count| {
            let blank = r#""function":{"arguments":"          "}"#;
            stream(pieces(r#""function":{"name":"f","arguments":""}"#, blank, count))
        }),
        ("pieces of white space behind arguments that hold nothing", |count| {
            let blank = r#""function":{"arguments":"          "}"#;
            stream(nameless(r#""function":{"name":"","arguments":"{}"}"#, blank, count))
        }),
        ("pieces of white space behind arguments that are a long text, of a call without a name", |count| {
            let text = format!(r#""function":{{"name":"","arguments":"\"{}\""}}"#, "x".repeat(10 * count));
            stream(nameless(&text, r#""function":{"arguments":" "}"#, count))
        }),
        ("events that end an answer of the Responses API which has a long reason for its end", |count| {
            let details = format!(r#"{{"reason":"max_{}"}}"#, "x".repeat(10 * count));
            let response = format!(r#"{{"status":"incomplete","incomplete_details":{details},"output":[]}}"#);
            let begun = event("incomplete", &format!(r#""response":{response}"#));
            let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
            stream(begun + &end.repeat(count))
        }),
        ("pieces of one detail of reasoning", |count| {
            let detail = r#"{"type":"reasoning.text","index":0,"text":"ten bytes."}"#;
            stream(delta(&format!(r#""reasoning_details":[{detail}]"#)).repeat(count))
        }),
        ("members of one detail of reasoning", |count| {
            let detail = format!(r#"{{"type":"reasoning.text","index":0,{}}}"#, members(count));
            stream(delta(&format!(r#""reasoning_details":[{detail}]"#)).repeat(2))
        }),
        ("details for calls that do not come, and then calls", |count| {
            let detail = r#""reasoning_details":[{"type":"reasoning.encrypted","id":"call_N","data":"x"}]"#;
            stream(deltas(count / 2, detail) + &deltas(count / 2, &format!(r#""tool_calls":[{CALL}]"#)))
        }),
        ("results in the other order than their calls", |count| {
            let result =
                |number| format!(r#"{{"role":"tool","tool_call_id":"call_{}","content":"x"}}"#, count - 1 - number);
            let turn = format!(r#"{{"role":"assistant",{}}}"#, calls(count));
            asked(GPT, &format!(r#""messages":[{USER},{turn},{}]"#, each(count, result)))
        }),
        ("results of calls that never were", |count| {
            messages(GPT, count, r#"{"role":"tool","tool_call_id":"call_N","content":"x"}"#)
        }),
        ("ids that the next provider refuses", |count| asked("@mistral-ai/mistral-large-latest", &past(count, true))),
        ("turns of the functions that there were before tools", |count| {
            let turn = r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"x"}"#;
            messages(GPT, count, turn)
        }),
        ("system texts, where a provider takes one", |count| {
            messages(GEMINI, count, r#"{"role":"system","content":"rule N"}"#)
        }),
        ("parts of a message, of another API's form", |count| {
            let parts = list(count, r#"{"type":"input_text","text":"part N"}"#);
            messages(GPT, 1, &format!(r#"{{"role":"user","content":[{parts}]}}"#))
        }),
        ("members of one part", |count| {
            let part = format!(r#"{{"type":"input_image","image_url":"https://a/b",{}}}"#, members(count));
            messages(GPT, 1, &format!(r#"{{"role":"user","content":[{part}]}}"#))
        }),
        ("images in results of tools", |count| {
            let image = r#"{"type":"image_url","image_url":{"url":"https://a/N"}}"#;
            let call = r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
            let turn = format!(r#"{call},{{"role":"tool","tool_call_id":"a","content":[{image}]}}"#);
            messages(GPT, count, &turn)
        }),
        ("pieces of thought in one past turn", |count| {
            let blocks = list(count, r#"{"type":"thinking","thinking":"N","signature":"s"}"#);
            let turn = format!(r#"{{"role":"assistant","content":"x","content_blocks":[{blocks}]}}"#);
            messages("@anthropic/claude-sonnet-4-5", 1, &turn)
        }),
        ("members of a tool's parameters", |count| tool(GPT, &format!("{{{}}}", members(count)))),
        ("members beside a signature in a call", |count| {
            let call = r#""index":0,"id":"a","function":{"name":"f","arguments":"{}"}"#;
            stream(delta(&format!(r#""tool_calls":[{{{call},"extra_content":{{{}}}}}]"#, members(count))))
        }),
        ("calls of a provider's own tools", |count| {
            let block = r#"{"index":N,"type":"server_tool_use","id":"sN","name":"search"}"#;
            stream(deltas(count, &format!(r#""content_blocks":[{block}]"#)))
        }),
        ("events with results of guardrails", |count| {
            let hook = r#"{"verdict":true,"id":"N","checks":[]}"#;
            events(count, &format!(r#""hook_results":{{"before_request_hooks":[{hook}]}}"#))
        }),
        ("events with usage and citations", |count| {
            events(count, r#""citations":["https://a/N"],"usage":{"prompt_tokens":N}"#)
        }),
        ("texts that are cut within a character", |count| {
            let cut = delta(r#""content":"a?""#) + &delta(r#""content":"!b""#);
            let halves = |byte| match byte {
                b'?' => 0xc3,
                b'!' => 0xa9,
                byte => byte,
            };
            Load::Stream(cut.repeat(count / 2).bytes().map(halves).collect())
        }),
        ("escapes that are cut between two events", |count| {
            let cut = [delta(r#""content":"a\ud83d""#), delta(r#""content":"\ude00b""#)].concat();
            stream(cut.repeat(count / 2))
        }),
        ("items of an answer of the Responses API", |count| {
            let item = r#"{"type":"message","id":"mN","content":[{"type":"output_text","text":"x"}]}"#;
            let answer = r#"{"object":"response","id":"r","model":"m","status":"completed","output":[?]}"#;
            answered(answer.replace('?', &list(count / 2, item)))
        }),
        ("ends of one text of the Responses API, each with all of it", |count| {
            let text = "x".repeat(1_000);
            let begun = event("output_text.delta", &format!(r#""output_index":0,"delta":"{text}""#));
            let end = event("output_text.done", &format!(r#""output_index":0,"text":"{text}""#));
            stream(begun + &end.repeat(count / 4))
        }),
        ("texts, and ends of others that are as long", |count| {
            let of = |kind: &str, part: usize, text: &str| {
                event(&format!("output_text.{kind}"), &format!(r#""output_index":0,"content_index":{part},{text}"#))
            };
            let (count, text) = (count / 16, "x".repeat(1_000));
            let begun = (0..count).map(|part| of("delta", part, &format!(r#""delta":"{text}""#)));
            let ends = (0..count).map(|part| of("done", count + part, &format!(r#""text":"{part:01000}""#)));
            stream(begun.chain(ends).collect())
        }),
        ("details under ids that a call bears for one piece each, and then other calls", |count| {
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
            stream(all)
        }),
        ("images that are none in a text that begins with white space", |count| {
            answered(answer(&format!(r#""content":"{}{}""#, " ".repeat(4 * count), "data:image/x ".repeat(count))))
        }),
        ("texts within a text, each in the next", |count| refused(connection(), nested(count, |text| text))),
        ("failures within a failure, each as a text", |count| {
            refused(connection(), nested(count, |text| format!(r#"{{"error":{text}}}"#)))
        }),
        ("words of an error that ask to wait", |count| {
            let error = format!(r#"{{"error":{{"message":"Try again in {}"}}}}"#, "1m2s".repeat(count));
            refused(connection(), error)
        }),
        ("calls of a whole answer that are the rest of the first", |count| {
            let count = count / 2;
            let begun = r#"{"id":"a","function":{"name":"f","arguments":"{\"a\":\""}}"#;
            let rests = list(count, r#"{"function":{"arguments":"ten bytes."}}"#);
            let end = r#"{"function":{"arguments":"\"}"}}"#;
            answered(answer(&format!(r#""tool_calls":[{begun},{rests},{end}]"#)))
        }),
        ("calls whose arguments stand one behind the other in one piece, the last with a long text", |count| {
            let (count, long) = (count / 4, "x".repeat(20 * count));
            let calls = (0..count).map(|number| format!(r#"{{\"a\":{number}}}"#)).collect::<String>();
            let call = format!(r#"{{"id":"a","function":{{"name":"f","arguments":"{calls}{{\"a\":\"{long}\"}}"}}}}"#);
            answered(answer(&format!(r#""tool_calls":[{call}]"#)))
        }),
        ("references of a tool's parameters, each to a definition of its own", |count| {
            let references = list(count, r##"{"$ref":"#/$defs/dN"}"##);
            let definitions = list(count, r#""dN":{"properties":{"pN":{}}}"#);
            tool(GPT, &format!(r#"{{"allOf":[{references}],"$defs":{{{definitions}}}}}"#))
        }),
        ("references of a tool's parameters to one definition with as many properties", |count| {
            let count = count / 4;
            let references = list(count, r##"{"$ref":"#/$defs/d"}"##);
            let properties = list(count, r#""pN":{}"#);
            let definitions = format!(r#"{{"d":{{"properties":{{{properties}}}}}}}"#);
            tool(GPT, &format!(r#"{{"allOf":[{references}],"$defs":{definitions}}}"#))
        }),
        ("properties of a tool of Gemini's that refer to one definition with as many words", |count| {
            let count = count / 4;
            let properties = list(count, r##""pN":{"$ref":"#/$defs/d"}"##);
            let definitions = format!(r#"{{"d":{{"type":"string","description":"{}"}}}}"#, "many words ".repeat(count));
            tool(GEMINI, &format!(r#"{{"properties":{{{properties}}},"$defs":{definitions}}}"#))
        }),
        ("parts of parameters, each with the same properties, for Gemini", |count| {
            let parts = list(count, r#"{"properties":{"pN":{"type":"string"}}}"#);
            tool(GEMINI, &format!(r#"{{"properties":{{"a":{{"allOf":[{parts}]}}}}}}"#))
        }),
        ("references to as many definitions, for Kimi, which takes them", |count| {
            let references = list(count, r##""pN":{"$ref":"#/$defs/dN"}"##);
            let definitions = list(count, r#""dN":{}"#);
            let parameters = format!(r#"{{"properties":{{{references}}},"$defs":{{{definitions}}}}}"#);
            tool("@moonshot/kimi-k2.5", &parameters)
        }),
        ("variants of a parameter without a type, beside one that is a list of as many, for Kimi", |count| {
            let count = count / 4;
            let (types, variants) = (list(count, r#""string""#), list(count, "{}"));
            let a = format!(r#"{{"type":[{types}],"anyOf":[{variants}]}}"#);
            tool("@moonshot/kimi-k2-0905", &format!(r#"{{"properties":{{"a":{a}}}}}"#))
        }),
        ("turns of the model's own, one behind the other, each with blocks, where turns alternate", |count| {
            let blocks = r#""content_blocks":[{"type":"thinking","thinking":"N","signature":"s"}]"#;
            messages(CLAUDE_AT_BEDROCK, count, &format!(r#"{{"role":"assistant","content":"x",{blocks}}}"#))
        }),
        (
            "calls of one id, the last with a name of as many letters, and results, for a model that wants the tools' names",
            |count| {
                let count = count / 4;
                let called = |name: &str| format!(r#"{{"id":"a","function":{{"name":"{name}","arguments":"{{}}"}}}}"#);
                let calls = each(count, |number| {
                    called(&if number + 1 < count { "f".into() } else { "many_words_".repeat(count) })
                });
                let results = list(count, r#"{"role":"tool","tool_call_id":"a","content":"x"}"#);
                let turn = format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#);
                asked(GEMINI, &format!(r#""messages":[{USER},{turn},{results}]"#))
            },
        ),
        ("members of a source that has no type", |count| {
            stream(delta(&format!(r#""annotations":[{{{}}}]"#, members(count))))
        }),
        ("contents of one message, each with a thought", |count| {
            let content = r#""content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"x"}]"#;
            stream(delta(&list(count, content)))
        }),
        ("members of a request by the Responses API, and between them one that it knows, over and over", |count| {
            let members = list(count, r#""max_completion_tokens":100,"member-N":N"#);
            asked("@openai/gpt-5-pro", &format!(r#""messages":[{USER}],{members}"#))
        }),
        ("references to definitions whose long names begin alike", |count| {
            let (count, prefix) = (count / 4, "x".repeat(500));
            let properties =
                each(count, |number| format!(r##""p{number}":{{"$ref":"#/$defs/{prefix}{:08}"}}"##, number / 8));
            let definitions = each(count, |number| format!(r#""{prefix}{number:08}":{{}}"#));
            tool(GEMINI, &format!(r#"{{"properties":{{{properties}}},"$defs":{{{definitions}}}}}"#))
        }),
        ("details of calls, and calls of other ids, in one event", |count| {
            let details = list(count / 4, r#"{"type":"reasoning.encrypted","id":"lost_N","data":"x"}"#);
            stream(delta(&format!(r#""reasoning_details":[{details}],{}"#, calls(count / 4))))
        }),
        (
            "calls of the Responses API that share a number, and pieces of the first, with long ids that begin alike",
            |count| {
                let (count, prefix) = (count / 64, "x".repeat(4_000));
                let item = |number| {
                    format!(r#"{{"type":"function_call","id":"{prefix}{number:08}","call_id":"c{number}","name":"f"}}"#)
                };
                let added =
                    |number| event("output_item.added", &format!(r#""output_index":0,"item":{}"#, item(number)));
                let piece = format!(r#""output_index":0,"item_id":"{prefix}00000000","delta":"x""#);
                let pieces = event("function_call_arguments.delta", &piece).repeat(count);
                stream((0..count).map(added).collect::<String>() + &pieces)
            },
        ),
        // Of a config no more targets go into a header.
        ("targets of a Portkey config, before a request of as many members", |count| {
            let count = count / 2;
            routed(count, format!(r#"{{"model":"gpt-5","messages":[{USER}],{}}}"#, members(count)))
        }),
        ("targets of a Portkey config, for a model with a long name", |count| {
            let name = "many-words-".repeat(count / 2);
            routed(count / 2, format!(r#"{{"model":"{name}","messages":[{USER}]}}"#))
        }),
        ("models in a configuration with a Portkey config of as many targets, and guardrails", |count| {
            Load::Onboard(guarded(&list(count / 2, "{}"), &list(count / 2, ROW), ""))
        }),
        ("families in a configuration with as many models, and guardrails", |count| {
            Load::Onboard(guarded("", &list(count, ROW), &list(count, r#""@b/model-N":"gpt-5""#)))
        }),
    ]
}

/// A body by a Portkey config of so many targets.
fn routed(targets: usize, body: String) -> Load {
    let config = format!(r#"{{"targets":[{}]}}"#, list(targets, "{}"));
    let connection = Connection { headers: vec![("x-portkey-config".into(), config)], ..connection() };
    Load::Chat(Box::new((connection, Request::openai(body))), answer(WORD), true)
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
fn tool(model: &str, parameters: &str) -> Load {
    let tool = format!(r#"{{"type":"function","function":{{"name":"f","parameters":{parameters}}}}}"#);
    asked(model, &format!(r#""messages":[{USER}],"tools":[{tool}]"#))
}

/// The instructions that the component takes for it.
async fn instructions(counting: &Counting, load: Load) -> u64 {
    match load {
        Load::Chat(asked, answer, succeeds) => {
            let (connection, request) = *asked;
            let (mut store, guest) = counting.start("application/json", vec![answer.into()]).await;
            let reply = guest.chat.call_complete(&mut store, &connection, &request).await.unwrap();
            assert_eq!(reply.is_ok(), succeeds, "{:?}", reply.err());
            used(&store)
        }
        Load::Stream(mut events) => {
            let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
            events.extend(format!("data: {end}\n\ndata: [DONE]\n\n").bytes());
            let pieces = events.chunks(16 << 10).map(|piece| piece.to_vec().into());
            let (mut store, guest) = counting.start("text/event-stream", pieces.collect()).await;
            let chat = &guest.chat;
            let reply = chat.call_stream(&mut store, &connection(), &conversation(1, 0).into()).await.unwrap().unwrap();
            while !chat.reply().call_next(&mut store, reply).await.unwrap().unwrap().is_empty() {}
            used(&store)
        }
        Load::Onboard(config) => {
            let (mut store, guest) = counting.start("", Vec::new()).await;
            let onboarding = &guest.onboarding;
            let choices = Choices { base_url: None, model: None, api_key_reference: None };
            onboarding.call_apply_config(&mut store, &config, &choices).await.unwrap().unwrap();
            onboarding.call_lint(&mut store, &config).await.unwrap();
            let held = ["portkey-api-key".to_owned()];
            onboarding.call_resolve_connection(&mut store, &config, &held).await.unwrap().unwrap();
            used(&store)
        }
        Load::Edit(image, answer) => {
            let (mut store, guest) = counting.start("application/json", vec![answer.into()]).await;
            let request = images::Request::new("a lighthouse");
            let images = &guest.images;
            images.call_edit(&mut store, &connection(), &request, &[image], None).await.unwrap().unwrap();
            used(&store)
        }
        Load::List(page) => {
            let (mut store, guest) = counting.start("application/json", vec![page.into()]).await;
            guest.models.call_list(&mut store, &connection()).await.unwrap().unwrap();
            used(&store)
        }
    }
}

#[tokio::test]
async fn twice_as_much_costs_about_twice_as_much() {
    let counting = Counting::new(&fs::read(component()).unwrap());
    let mut found = Vec::new();
    for (what, load) in growing() {
        // So many that what is the same for each call counts for little, and the square would count for most.
        let once = instructions(&counting, load(4_000)).await;
        let twice = instructions(&counting, load(8_000)).await;
        if twice > once / 4 * 9 {
            found.push(format!("{what}: {once} instructions, and for twice as much {twice}"));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The same bytes are looked at from several places when the words of a failure are looked for.
#[tokio::test]
async fn failures_within_failures_are_read_a_few_times_and_no_more() {
    let counting = Counting::new(&fs::read(component()).unwrap());
    let nothing_said = format!("[{}]", list(20_000, "[1]"));
    let plain = instructions(&counting, refused(connection(), format!(r#"{{"error":{nothing_said}}}"#))).await;
    let quoted = |text: String| serde_json::Value::from(text).to_string();
    let forms: [(&str, &dyn Fn(String) -> String); 5] = [
        ("error", &|inner| format!(r#"{{"error":{inner}}}"#)),
        ("detail and errors", &|inner| format!(r#"{{"detail":{inner},"errors":[]}}"#)),
        ("a member of another name", &|inner| format!(r#"{{"other":{inner}}}"#)),
        ("a list", &|inner| format!(r#"[{inner}]"#)),
        ("a text in data", &|inner| format!(r#"{{"data":{{"message":{}}}}}"#, quoted(inner))),
    ];
    for (name, within) in forms {
        for (around_name, around) in forms {
            let inner = (0..6).fold(nothing_said.clone(), |inner, _| within(inner));
            let outer = (0..6).fold(inner, |inner, _| around(inner));
            let (bytes, count) = (outer.len(), instructions(&counting, refused(connection(), outer)).await);
            let times = count / plain;
            assert!(times <= 4, "{name} within {around_name}: {times} times for {bytes} bytes");
        }
    }
}
