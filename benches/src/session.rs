//! An agent's session, made up but of a real one's size, and always the same: 20 turns of a user with loops of tool calls, a
//! system prompt of 48 kB whose last 4 kB change with each turn, 14 tools.

use std::{iter, time::Duration};

use host_harness::wit::chat::{AssistantPart, Instructions, Message, Prompt, Tool, ToolCall};
use serde_json::{Value, json};

pub(crate) const MODEL: &str = "@anthropic/claude-sonnet-4-5";
const STABLE: usize = 44_000;
const VOLATILE: usize = 4_000;
const TOOLS: usize = 14;

/// For each turn of the user: the calls of each step of its loop. The eleventh reads twelve files at once.
const LOOPS: [&[usize]; 20] = [
    &[1, 2, 1],
    &[1],
    &[1, 1, 1, 1],
    &[2, 1],
    &[1, 1, 3, 1, 1],
    &[],
    &[1, 1],
    &[4, 1, 1],
    &[1, 1, 1],
    &[2],
    &[1, 12, 1],
    &[1, 1, 1, 1, 1, 1],
    &[1],
    &[2, 1, 1],
    &[],
    &[1, 1, 1],
    &[3, 2, 1],
    &[1, 1],
    &[1, 2, 1, 1],
    &[1],
];
/// Bytes of the results of tools, in turns: most are short, some are files.
const RESULTS: [usize; 8] = [300, 1200, 600, 4800, 900, 2400, 450, 1500];
/// A user reads and thinks before the next turn. After two of the turns, for longer than a short cache lives.
const PAUSE: Duration = Duration::from_secs(75);
const LONG_PAUSE: Duration = Duration::from_secs(20 * 60);
/// Until the next request of a loop.
const STEP: Duration = Duration::from_secs(9);

/// One thing that a session's history holds.
#[derive(Clone)]
enum Said {
    User(String),
    Answer(String),
    Calls(Vec<(String, String, Value)>),
    /// Id, name of the tool, text.
    Result(String, String, String),
}

/// One request of a session.
pub(crate) struct Asked {
    /// Since the session began.
    pub(crate) at: Duration,
    stable: String,
    volatile: String,
    history: Vec<Said>,
}

/// All requests of the session, in order.
pub(crate) fn requests() -> Vec<Asked> {
    let mut words = Words(1);
    let stable = words.text(STABLE);
    let (mut at, mut history, mut all) = (Duration::ZERO, Vec::new(), Vec::new());
    let (mut calls, mut results) = (0, 0);
    for (turn, steps) in LOOPS.iter().enumerate() {
        let volatile = words.text(VOLATILE);
        let mut ask = |history: &[Said], at| {
            all.push(Asked { at, stable: stable.clone(), volatile: volatile.clone(), history: history.to_vec() });
        };
        history.push(Said::User(words.text(240)));
        ask(&history, at);
        for &count in *steps {
            let step: Vec<_> = iter::repeat_with(|| {
                calls += 1;
                let arguments = json!({"path": words.text(40), "limit": calls});
                (format!("toolu_{calls:04}"), format!("tool_{:02}", calls % TOOLS), arguments)
            })
            .take(count)
            .collect();
            history.push(Said::Calls(step.clone()));
            for (id, name, _) in step {
                let size = RESULTS.get(results % RESULTS.len()).copied().unwrap_or_default();
                results += 1;
                history.push(Said::Result(id, name, words.text(size)));
            }
            at += STEP;
            ask(&history, at);
        }
        history.push(Said::Answer(words.text(600)));
        at += if turn % 8 == 6 { LONG_PAUSE } else { PAUSE };
    }
    all
}

/// Bytes of all results of tools in the session.
pub(crate) fn result_bytes() -> usize {
    let last = requests().pop();
    let size = |said: &Said| if let Said::Result(_, _, text) = said { text.len() } else { 0 };
    last.map_or(0, |last| last.history.iter().map(size).sum())
}

fn schema(at: usize) -> Value {
    let mut words = Words(100 + at as u64);
    json!({"type": "object", "required": ["path"], "properties": {
        "path": {"type": "string", "description": words.text(300)},
        "limit": {"type": "integer", "description": words.text(300)},
    }})
}

fn description(at: usize) -> String {
    Words(200 + at as u64).text(400)
}

impl Asked {
    /// Whether it is the first since the user spoke.
    pub(crate) fn begins_a_turn(&self) -> bool {
        matches!(self.history.last(), Some(Said::User(_)))
    }

    /// As a host of the component asks it.
    pub(crate) fn prompt(&self) -> Prompt {
        let mut messages =
            vec![Message::System(Instructions { stable: self.stable.clone(), volatile: self.volatile.clone() })];
        for said in &self.history {
            messages.push(match said {
                Said::User(text) => Message::user(text.clone()),
                Said::Answer(text) => Message::Assistant(vec![AssistantPart::Text(text.clone())]),
                Said::Calls(calls) => {
                    let call = |(id, name, arguments): &(String, String, Value)| {
                        AssistantPart::ToolCall(ToolCall {
                            id: id.clone(),
                            name: name.clone(),
                            arguments_json: arguments.to_string(),
                            signature: None,
                        })
                    };
                    Message::Assistant(calls.iter().map(call).collect())
                }
                Said::Result(id, _, text) => Message::tool_result(id, text.clone()),
            });
        }
        let tool = |at| Tool {
            name: format!("tool_{at:02}"),
            description: Some(description(at)),
            parameters_schema_json: schema(at).to_string(),
            strict: None,
        };
        Prompt { tools: (0..TOOLS).map(tool).collect(), ..Prompt::new(MODEL, messages) }
    }

    /// As OpenClaw's client builds it: the arguments of its builder.
    pub(crate) fn openclaw(&self, compat: &Value) -> Value {
        let model = json!({
            "id": MODEL, "name": MODEL, "api": "openai-completions", "provider": "portkey",
            "baseUrl": "https://api.portkey.ai/v1", "reasoning": false, "input": ["text"], "contextWindow": 200_000,
            "maxTokens": 16_384, "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}, "compat": compat,
        });
        let of_assistant = |content: Value| {
            json!({"role": "assistant", "content": content, "api": "openai-completions", "provider": "portkey",
                "model": MODEL, "stopReason": "stop", "timestamp": 0})
        };
        let text = |text: &String| json!([{"type": "text", "text": text}]);
        let message = |said: &Said| {
            match said {
            Said::User(said) => json!({"role": "user", "content": text(said), "timestamp": 0}),
            Said::Answer(said) => of_assistant(text(said)),
            Said::Calls(calls) => of_assistant(
                calls.iter().map(|(id, name, arguments)| json!({"type": "toolCall", "id": id, "name": name, "arguments": arguments})).collect(),
            ),
            Said::Result(id, name, said) => json!({
                "role": "toolResult", "toolCallId": id, "toolName": name, "content": text(said), "isError": false, "timestamp": 0,
            }),
        }
        };
        let tool =
            |at| json!({"name": format!("tool_{at:02}"), "description": description(at), "parameters": schema(at)});
        let prompt = format!("{}\n<!-- OPENCLAW_CACHE_BOUNDARY -->\n{}", self.stable, self.volatile);
        json!({
            "model": model,
            "context": {
                "systemPrompt": prompt,
                "messages": self.history.iter().map(message).collect::<Vec<_>>(),
                "tools": (0..TOOLS).map(tool).collect::<Vec<_>>(),
            },
            "options": {"cacheRetention": "short"},
        })
    }
}

/// Words that do not repeat, the same in each run.
struct Words(u64);

impl Words {
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 8);
        while text.len() < bytes {
            // Knuth's MMIX.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text += &format!("{:x} ", self.0 >> 40);
        }
        text.truncate(bytes.saturating_sub(1));
        text.trim_end().to_owned()
    }
}
