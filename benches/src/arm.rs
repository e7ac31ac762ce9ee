//! The clients that are compared, and the calls that each of them makes: the same, and checked.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use host_harness::{
    Provider,
    bench::Warm,
    wit::chat::{Event, Request},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::{
    component,
    native::{Message, Native},
    server,
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Chat,
    Stream,
    Image,
}

/// A call, made ready for every arm.
pub(crate) struct Case {
    kind: Kind,
    model: String,
    messages: Vec<Message>,
    tools: Vec<Value>,
    /// Members that no interface knows.
    members: Map<String, Value>,
    request: Request,
    /// What the text of a stream, or the arguments in it, come to, in bytes.
    characters: usize,
    image: Vec<u8>,
}

impl Case {
    /// A conversation of this many messages and tools.
    pub(crate) fn chat(messages: usize, tools: usize) -> Arc<Self> {
        Self::new(Kind::Chat, "@bench/chat".into(), messages, tools)
    }

    /// A chat with this many members that no interface knows.
    pub(crate) fn members(members: usize) -> Arc<Self> {
        let members = (0..members).map(|at| (format!("member_{at}"), at.into())).collect();
        Self::with(Kind::Chat, "@bench/chat".into(), 1, 0, members)
    }

    /// A stream of this kind, `server` says which there are, and of this many pieces.
    pub(crate) fn stream(kind: &str, pieces: usize) -> Arc<Self> {
        Self::new(Kind::Stream, format!("@bench/{kind}-{pieces}"), 1, 0)
    }

    /// An image of this many bytes.
    pub(crate) fn image(bytes: usize) -> Arc<Self> {
        Self::new(Kind::Image, format!("@bench/image-{bytes}"), 1, 0)
    }

    fn new(kind: Kind, model: String, messages: usize, tools: usize) -> Arc<Self> {
        Self::with(kind, model, messages, tools, Map::new())
    }

    fn with(kind: Kind, model: String, messages: usize, tools: usize, members: Map<String, Value>) -> Arc<Self> {
        let content = "Tell me, in one sentence, what the answer to the great question is, and why. ".repeat(2);
        let messages: Vec<Message> =
            (0..messages).map(|at| Message { role: "user", content: format!("{at}: {content}") }).collect();
        let properties = json!({"city": {"type": "string", "description": "Where"}, "days": {"type": "integer"}});
        let tools: Vec<Value> = (0..tools)
            .map(|at| {
                let parameters = json!({"type": "object", "properties": properties, "required": ["city"]});
                json!({"type": "function", "function": {"name": format!("tool_{at}"), "parameters": parameters}})
            })
            .collect();
        let (name, number) = model.split_once('-').unwrap_or((&model, "0"));
        let number = number.parse().unwrap_or(0);
        let length = |at| match name {
            "@bench/call" => server::argument(at, number).len(),
            "@bench/calls" => server::argument(0, 1).len(),
            // Reasoning is no text.
            "@bench/blocks" => 0,
            _ => server::piece(at).len(),
        };
        Arc::new(Self {
            kind,
            request: component::request(&model, &messages, &tools, &members),
            members,
            characters: (0..number).map(length).sum(),
            image: if kind == Kind::Image { server::image(number) } else { Vec::new() },
            model,
            messages,
            tools,
        })
    }
}

/// What a call gave.
enum Given {
    Text(String),
    Characters(usize),
    Image(Vec<u8>),
}

impl Given {
    fn check(&self, case: &Case) -> anyhow::Result<()> {
        match self {
            Self::Text(text) => ensure!(text == server::TEXT, "the reply was {text:?}"),
            Self::Characters(count) => ensure!(*count == case.characters, "{count} of {} came", case.characters),
            Self::Image(image) => ensure!(*image == case.image, "an image of {} bytes, and not the one", image.len()),
        }
        Ok(())
    }
}

/// What a call took, of those of a block the median.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Took {
    /// Microseconds by the clock.
    pub(crate) us: f64,
    /// Microseconds of processor time of the whole client process.
    pub(crate) cpu_us: f64,
}

/// A client.
#[derive(Clone)]
pub(crate) enum Arm {
    Native(Arc<Native>),
    Component(Provider),
    /// The component, in one instance for many calls.
    Warm(Arc<Mutex<Warm>>),
    Node(Arc<Mutex<Node>>),
}

impl Arm {
    pub(crate) fn native(base_url: &str) -> Self {
        Self::Native(Arc::new(Native::new(base_url)))
    }

    pub(crate) async fn component(base_url: &str) -> anyhow::Result<Self> {
        Ok(Self::Component(component::provider(base_url).await?))
    }

    /// The arm of this name, which sends so many headers of its own with each call.
    pub(crate) async fn with_headers(arm: &str, base_url: &str, headers: usize) -> anyhow::Result<Self> {
        let names = (0..headers).map(|at| format!("x-{at}"));
        if arm == "native" {
            let mut native = Native::new(base_url);
            for name in names {
                native = native.header(name.parse()?, "v")?;
            }
            return Ok(Self::Native(native.into()));
        }
        let setup = names.fold(component::setup(base_url), |setup, name| setup.header(name, "v"));
        Ok(Self::Component(Provider::connect(&component::plugin().await?, setup).await?))
    }

    /// One instance for many calls, of a component.
    pub(crate) async fn warm(&self) -> anyhow::Result<Self> {
        let Self::Component(provider) = self else { anyhow::bail!("this arm has no instances") };
        Ok(Self::Warm(Arc::new(Mutex::new(Warm::new(provider).await?))))
    }

    pub(crate) fn node(package: &str, base_url: &str) -> anyhow::Result<Self> {
        Ok(Self::Node(Arc::new(Mutex::new(Node::start(package, base_url)?))))
    }

    /// So many calls, one after the other.
    pub(crate) async fn block(self, case: Arc<Case>, calls: usize) -> anyhow::Result<Took> {
        if let Self::Node(node) = &self {
            return node.lock().await.block(&case, calls);
        }
        let (mut times, before) = (Vec::with_capacity(calls), cpu());
        for _ in 0..calls {
            let start = Instant::now();
            let given = self.call(&case).await?;
            times.push(start.elapsed());
            given.check(&case)?;
        }
        let cpu_us = cpu().saturating_sub(before).as_secs_f64() * 1e6 / calls as f64;
        Ok(Took { us: median(times.iter().map(|time| time.as_secs_f64() * 1e6)), cpu_us })
    }

    /// So many calls at once; the time that all of them take.
    pub(crate) async fn at_once(self, case: Arc<Case>, calls: usize) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let calls: Vec<_> = (0..calls)
            .map(|_| {
                let (arm, case) = (self.clone(), Arc::clone(&case));
                tokio::spawn(async move { arm.call(&case).await?.check(&case) })
            })
            .collect();
        for call in calls {
            call.await??;
        }
        Ok(start.elapsed())
    }

    async fn call(&self, case: &Case) -> anyhow::Result<Given> {
        Ok(match (self, case.kind) {
            (Self::Native(native), Kind::Chat) => {
                Given::Text(native.chat(&case.model, &case.messages, &case.tools, &case.members).await?)
            }
            (Self::Component(provider), Kind::Chat) => {
                Given::Text(component::text(provider.complete(&case.request).await?)?)
            }
            (Self::Warm(warm), Kind::Chat) => {
                Given::Text(component::text(warm.lock().await.complete(&case.request).await?)?)
            }
            (Self::Native(native), Kind::Image) => Given::Image(native.image(&case.model).await?),
            (Self::Component(provider), Kind::Image) => Given::Image(component::image(provider, &case.model).await?),
            (_, Kind::Stream) => {
                let (mut open, mut characters) = (self.open(case).await?, 0);
                while let Some(count) = open.next().await? {
                    characters += count;
                }
                Given::Characters(characters)
            }
            (Self::Warm(_) | Self::Node(_), _) => anyhow::bail!("this arm makes no such calls"),
        })
    }

    /// A stream whose head is there.
    pub(crate) async fn open(&self, case: &Case) -> anyhow::Result<Open> {
        Ok(match self {
            Self::Native(native) => Open::Native(native.stream(&case.model, &case.messages).await?),
            Self::Component(provider) => Open::Component(Box::new(provider.stream(&case.request).await?)),
            Self::Warm(_) | Self::Node(_) => anyhow::bail!("this arm opens no streams"),
        })
    }
}

/// A reply that is being read.
pub(crate) enum Open {
    Native(crate::native::Stream),
    Component(Box<host_harness::Reply>),
}

impl Open {
    /// How many bytes of text and of arguments the next events hold; `None` at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<usize>> {
        Ok(match self {
            Self::Native(stream) => {
                let events = stream.next().await?;
                let choices = events.iter().flat_map(|event| &event.choices);
                (!events.is_empty()).then(|| choices.map(|choice| choice.message.characters()).sum())
            }
            Self::Component(reply) => reply.next().await?.map(|events: Vec<Event>| component::text_of(&events)),
        })
    }
}

/// An official client for Node, in a process of its own.
pub(crate) struct Node {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

impl Node {
    fn start(package: &str, base_url: &str) -> anyhow::Result<Self> {
        let mut process = Command::new("node")
            .args(["client.mjs", package, base_url, server::KEY])
            .current_dir(crate::root().join("benches/node"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be started")?;
        let input = process.stdin.take().context("no standard input")?;
        let output = BufReader::new(process.stdout.take().context("no standard output")?).lines();
        Ok(Self { process, input, output })
    }

    /// Blocks: nothing else is to run meanwhile.
    fn block(&mut self, case: &Case, calls: usize) -> anyhow::Result<Took> {
        let asked = json!({
            "kind": case.kind, "model": case.model, "messages": case.messages, "tools": case.tools, "calls": calls,
            "text": server::TEXT, "characters": case.characters,
        });
        self.input.write_all(format!("{asked}\n").as_bytes())?;
        let answer = self.output.next().context("the Node client ended")??;
        Ok(serde_json::from_str(&answer)?)
    }
}

/// Processor time that this process has used.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The middle one, or NaN of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Two arms against each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) base: Took,
    pub(crate) other: Took,
    /// By the clock, other to base: the median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// The same of processor time.
    pub(crate) cpu_ratio: f64,
}

/// So many calls by the one and then by the other, whose order changes with each round.
pub(crate) async fn pair(
    base: &Arm,
    other: &Arm,
    case: &Arc<Case>,
    calls: usize,
    rounds: usize,
) -> anyhow::Result<Pair> {
    let run = |arm: &Arm, calls| tokio::spawn(arm.clone().block(Arc::clone(case), calls));
    run(base, calls.min(20)).await??;
    run(other, calls.min(20)).await??;
    let mut taken = Vec::with_capacity(rounds);
    for round in 0..rounds {
        taken.push(if round % 2 == 0 {
            let base = run(base, calls).await??;
            (base, run(other, calls).await??)
        } else {
            let other = run(other, calls).await??;
            (run(base, calls).await??, other)
        });
    }
    let of = |value: fn(&(Took, Took)) -> f64| median(taken.iter().map(value));
    Ok(Pair {
        base: Took { us: of(|(base, _)| base.us), cpu_us: of(|(base, _)| base.cpu_us) },
        other: Took { us: of(|(_, other)| other.us), cpu_us: of(|(_, other)| other.cpu_us) },
        ratio: of(|(base, other)| other.us / base.us),
        cpu_ratio: of(|(base, other)| other.cpu_us / base.cpu_us),
    })
}
