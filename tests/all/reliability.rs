//! The table of docs/reliability.md: each kind of damage, how often it was tried, and what came of it. Answers are made up by
//! `tests/answers`, which knows what is right without the decoder, and go over a real connection to the built component.
//!
//! A few of each are tried in every run; `make faults` tries thousands, prints the table and writes it.

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use answers::{Answer, Choices, Made};
use host_harness::{
    Provider, Result,
    types::{ErrorKind as Kind, MediaSource},
    wit::chat::{AssistantPart, Response},
};
use proptest::{
    prelude::Rng as _,
    test_runner::{RngAlgorithm, TestRng},
};

use crate::{
    fault_server::{
        FaultServer, Script,
        Step::{Close, Endless, Stall},
        bytes,
    },
    faults::{self, JSON, SSE, all, before, is_end, is_of},
    hosted_errors::REFUSALS,
    support::{KEY, ask, before_hosted, root},
};

/// So long a call may take, whatever happens.
const HANG: Duration = Duration::from_secs(60);

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Came {
    Right,
    /// An error of another kind than it should be, without the words it should have, or where there is nothing wrong.
    WrongKind,
    Hang,
    /// A success that is none, or another than it should be.
    WrongSuccess,
    /// The key was told.
    Leak,
}

#[derive(Debug, Default)]
struct Table(BTreeMap<&'static str, Vec<Came>>);

impl Table {
    fn add(&mut self, kind: &'static str, came: Came) {
        self.0.entry(kind).or_default().push(came);
    }

    fn text(&self) -> String {
        let mut text = String::from(
            "| kind of damage | tried | right | wrong kind | hang | wrong success | leak |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        let mut row = |kind: &str, all: &[Came]| {
            let count = |came| all.iter().filter(|other| **other == came).count();
            let [right, kinds, hang, success, leak] =
                [Came::Right, Came::WrongKind, Came::Hang, Came::WrongSuccess, Came::Leak].map(count);
            writeln!(text, "| {kind} | {} | {right} | {kinds} | {hang} | {success} | {leak} |", all.len()).unwrap();
        };
        for (kind, came) in &self.0 {
            row(kind, came);
        }
        let all: Vec<Came> = self.0.values().flatten().copied().collect();
        row("**all**", &all);
        text
    }

    fn is_right(&self) -> bool {
        self.0.values().flatten().all(|came| *came == Came::Right)
    }
}

/// The end of a call in one word. `is_right` judges what came in time.
async fn judge<T: std::fmt::Debug>(
    call: impl Future<Output = Result<T>>,
    is_right: impl FnOnce(&Result<T>) -> bool,
) -> Came {
    let Ok(ended) = tokio::time::timeout(HANG, call).await else { return Came::Hang };
    if format!("{ended:?}").contains(KEY) {
        return Came::Leak;
    }
    match (is_right(&ended), &ended) {
        (true, _) => Came::Right,
        (false, Ok(_)) => Came::WrongSuccess,
        (false, Err(_)) => Came::WrongKind,
    }
}

fn read(response: &Response) -> Answer {
    let usage = response.usage.as_ref();
    let usage = usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens));
    let mut got = Answer { finish: response.finish_reason.name().to_owned(), usage, ..Answer::default() };
    for part in &response.content {
        match part {
            AssistantPart::Text(text) => got.text.push_str(text),
            AssistantPart::Refusal(text) => got.refusal.push_str(text),
            AssistantPart::Thinking(thinking) => {
                got.thinking.push_str(&thinking.text);
                got.field = thinking.signature.clone().or(got.field);
            }
            AssistantPart::ToolCall(call) => {
                got.calls.push((Some(call.id.clone()), call.name.clone(), call.arguments_json.clone()));
            }
            AssistantPart::Image(MediaSource::Inline(media)) => got.image = Some(media.data.clone()),
            AssistantPart::Image(_) | AssistantPart::Other(_) => got.text.push_str("something else"),
        }
    }
    got
}

/// An answer on the wire, under whatever media type, in pieces.
fn script(number: usize, made: &Made) -> Script {
    let media_type = ["text/event-stream", "application/json", "text/plain"][number / 4 % 3];
    let mut cuts = made.cuts.clone();
    cuts.extend([0, made.body.len()]);
    cuts.sort_unstable();
    let chunk = |cut: &[usize]| match &made.body[cut[0]..cut[1]] {
        [] => Vec::new(),
        piece => [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat(),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut wire = head.into_bytes();
    wire.extend(cuts.windows(2).flat_map(chunk));
    if made.is_broken {
        return vec![bytes(wire), Close];
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    vec![bytes(wire)]
}

async fn call(provider: &Provider, number: usize, is_streamed: bool) -> Result<Response> {
    let prompt = ask(&number.to_string(), "hello");
    match is_streamed {
        true => provider.stream(prompt).await?.join().await,
        false => provider.complete(prompt).await,
    }
}

/// Answers that a seed makes: half of them streamed, half of them broken.
async fn answers(table: &mut Table, count: usize) {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[15; 32]);
    let made: Vec<Made> = (0..count)
        .map(|number| {
            let mut choices = [0; 256];
            rng.fill_bytes(&mut choices);
            let choices = &mut Choices::new(&choices);
            match number & 2 {
                0 => answers::good(choices, number & 1 == 0),
                _ => answers::broken(choices, number & 1 == 0),
            }
        })
        .collect();
    let made = Arc::new(made);
    let scripts = Arc::clone(&made);
    let server = FaultServer::http1(move |number| script(number, &scripts[number])).await;
    let provider = before(&server, Kind::Other).await;
    let came = all((0..count).map(async |number| {
        let made = &made[number];
        let is_right = |ended: &Result<Response>| match (&made.right, ended) {
            (Ok(answer), Ok(response)) => answer.is(&read(response)),
            (Err(words), Err(error)) => error.record().message.contains(words),
            _ => false,
        };
        let came = judge(call(&provider, number, number & 1 == 0), is_right).await;
        if came != Came::Right {
            println!("{came:?}: {}: {:?}\n{}", made.kind, made.right, String::from_utf8_lossy(&made.body));
        }
        (made.kind, came)
    }))
    .await;
    came.into_iter().for_each(|(kind, came)| table.add(kind, came));
}

/// A whole answer and a stream, cut at every byte, by an end in order and by one that is none.
async fn cuts(table: &mut Table) {
    let body = SSE.concat();
    let server = FaultServer::http1(|number| {
        let (is_whole, at) = (number >= 10_000, number % 10_000);
        let (kind, body) =
            if is_whole { ("application/json", JSON.to_owned()) } else { ("text/event-stream", SSE.concat()) };
        vec![bytes(format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n")), bytes(&body.as_bytes()[..at]), Close]
    })
    .await;
    let provider = before(&server, Kind::Other).await;
    let streams = all((0..body.len()).map(async |at| {
        judge(call(&provider, at, true), |ended| match ended {
            Ok(_) => is_end(at),
            Err(error) => error.kind() == Kind::Truncated && !is_end(at),
        })
        .await
    }));
    streams.await.into_iter().for_each(|came| table.add("cut at every byte, streamed", came));
    let wholes = all((0..JSON.len()).map(async |at| {
        judge(call(&provider, 10_000 + at, false), |ended| {
            ended.as_ref().is_err_and(|error| error.kind() == Kind::Protocol)
        })
        .await
    }));
    wholes.await.into_iter().for_each(|came| table.add("cut at every byte, whole", came));
}

/// The network's faults. `is_patient`: those too that end at a time limit.
async fn network(table: &mut Table, is_patient: bool) {
    for (name, cases, is_streamed) in [
        ("network: the head", faults::heads(), true),
        ("network: the head", faults::heads(), false),
        ("network: a whole body", faults::bodies(), false),
        ("network: a stream", faults::streams(), true),
    ] {
        let waits = |script: &Script| script.iter().any(|step| matches!(step, Stall | Endless(_)));
        let cases: Vec<_> = cases.into_iter().filter(|(_, script, ..)| is_patient || !waits(script)).collect();
        let cases = Arc::new(cases);
        let scripts = Arc::clone(&cases);
        let server = FaultServer::http1(move |number| scripts[number].1.clone()).await;
        let (patient, hasty) = (before(&server, Kind::Transport).await, before(&server, Kind::Timeout).await);
        let came = all(cases.iter().enumerate().map(async |(number, (_, _, kind, origin))| {
            let provider = if *kind == Kind::Timeout { &hasty } else { &patient };
            let ended = async {
                match is_streamed {
                    true => faults::stream(provider, number).await,
                    false => faults::complete(provider, number).await,
                }
                .1
            };
            judge(ended, |ended| ended.as_ref().is_err_and(|error| is_of(error, *kind, *origin))).await
        }));
        came.await.into_iter().for_each(|came| table.add(name, came));
    }
}

/// What the gateway refuses with.
async fn refusals(table: &mut Table) {
    let (_stub, provider) = before_hosted().await;
    for &(fault, kind, origin, status, _) in REFUSALS {
        for is_streamed in [false, true] {
            let prompt = ask(&format!("@openai/fault/{fault}"), "hello");
            let call = async {
                match is_streamed {
                    true => provider.stream(prompt).await?.join().await,
                    false => provider.complete(prompt).await,
                }
            };
            let came = judge(call, |ended| {
                ended.as_ref().is_err_and(|error| {
                    let record = error.record();
                    (record.kind, record.origin, record.status) == (kind, origin, Some(status))
                })
            });
            table.add("a code of the gateway", came.await);
        }
    }
}

async fn table(count: usize, is_patient: bool) -> Table {
    let mut table = Table::default();
    answers(&mut table, count).await;
    cuts(&mut table).await;
    network(&mut table, is_patient).await;
    refusals(&mut table).await;
    table
}

#[tokio::test]
async fn some_of_each_kind_of_damage() {
    let table = table(400, false).await;
    assert!(table.is_right(), "{}", table.text());
}

#[tokio::test]
#[ignore = "`make faults` runs it, and writes docs/reliability.md"]
async fn faults_table() {
    let table = table(10_000, true).await;
    println!("{}", table.text());
    let path = root().join("docs/reliability.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let start = page.find("| kind of damage |").unwrap();
    let end = start + page[start..].find("\n\n").map_or(page.len() - start, |end| end + 1);
    std::fs::write(&path, format!("{}{}{}", &page[..start], table.text(), &page[end..])).unwrap();
    assert!(table.is_right());
}
