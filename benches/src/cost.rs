//! What an agent's session costs at Claude: the same session by the component and by OpenClaw's own client, before the
//! stand-in gateway, its tokens accounted for as Anthropic documents it.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use host_harness::{
    Provider, Setup,
    wit::chat::{self, Ask, Request},
};
use host_harness_stub::{Accounted, Options, PromptCache, Stub};
use serde_json::{Value, json};

use crate::{
    component,
    report::Report,
    session::{self, Asked},
};

/// One way to send the session.
struct Sent {
    total: Accounted,
    /// How many of the requests the provider refuses, and the first of its reasons.
    refused: usize,
    reason: Option<String>,
}

/// Who sends it.
enum Client<'a> {
    /// The component, as a host asks it.
    Component(Option<chat::PromptCache>),
    /// The component, with the bodies that OpenClaw's builder made.
    Bodies(&'a [String]),
    /// OpenClaw's own client.
    OpenClaw(&'a [String]),
}

pub(crate) async fn rows(report: &mut Report<'_>) -> anyhow::Result<()> {
    let requests = session::requests();
    ensure!(session::result_bytes() >= 80_000, "the results of tools are {} bytes", session::result_bytes());
    let stub = Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() }).await?;
    let setup: Setup = component::setup(&stub.base_url());
    let provider = Provider::connect(&component::plugin().await?, setup).await?;

    let without = send(&stub, &provider, &requests, &Client::Component(Some(chat::PromptCache::None))).await?;
    let ours = send(&stub, &provider, &requests, &Client::Component(None)).await?;
    for sent in [&without, &ours] {
        ensure!(sent.refused == 0, "refused: {:?}", sent.reason);
    }
    let turns = requests.iter().filter(|asked| asked.begins_a_turn()).count();
    let Accounted { read, readable, .. } = ours.total;
    let what = format!("{read} of {readable}, {:.3}; {} requests of {turns} turns", reads(&ours), requests.len());
    report.row(
        "input tokens that the best markers can read and ours do not",
        1.0 - reads(&ours),
        "of them",
        0.05,
        what,
    );
    let share = ours.total.read as f64 / ours.total.total() as f64;
    let detail = format!("{} of {} tokens", ours.total.read, ours.total.total());
    report.row("input tokens read from the cache", share, "of all", None, detail);
    let price = ours.total.price() / without.total.price();
    report.row("price of the session's input", price, "x without markers", 0.5, prices(&ours, &without));

    let Some(module) = openclaw() else {
        println!("(OpenClaw is not installed: `make test-openclaw` does that, and then its client is compared too)");
        return Ok(());
    };
    for (name, compat) in [("", json!({})), (" with cacheControlFormat", json!({"cacheControlFormat": "anthropic"}))] {
        let bodies = build(&module, &requests, &compat)?;
        let own = send(&stub, &provider, &requests, &Client::OpenClaw(&bodies)).await?;
        let price = ours.total.price() / own.total.price();
        let mut detail = prices(&ours, &own);
        if let Some(reason) = &own.reason {
            detail += &format!("; but Claude refuses {} of its {} requests: {reason}", own.refused, requests.len());
        }
        report.row(format!("price, to OpenClaw's own client{name}"), price, "x", 1.0, detail);
        let through = send(&stub, &provider, &requests, &Client::Bodies(&bodies)).await?;
        ensure!(through.refused == 0, "refused: {:?}", through.reason);
        let price = through.total.price() / own.total.price();
        let detail = format!("{}; {:.3} of what can be read", prices(&through, &own), reads(&through));
        report.row(format!("the same, of its bodies{name} through the component"), price, "x", 1.0, detail);
    }
    Ok(())
}

/// How much of what could have been read was.
fn reads(sent: &Sent) -> f64 {
    sent.total.read as f64 / sent.total.readable as f64
}

fn prices(one: &Sent, other: &Sent) -> String {
    let thousands = |sent: &Sent| sent.total.price() / 1000.0;
    format!("{:.0} and {:.0} thousand uncached tokens' worth", thousands(one), thousands(other))
}

/// Sends the session, and accounts for what Claude gets of it.
async fn send(stub: &Stub, provider: &Provider, requests: &[Asked], client: &Client<'_>) -> anyhow::Result<Sent> {
    let mut cache = PromptCache::default();
    let mut sent = Sent { total: Accounted::default(), refused: 0, reason: None };
    for (at, asked) in requests.iter().enumerate() {
        let body = |bodies: &[String]| bodies.get(at).cloned().context("a body is missing");
        let request = match client {
            Client::Component(prompt_cache) => Request { prompt_cache: *prompt_cache, ..asked.prompt().into() },
            Client::Bodies(bodies) => Request::openai(body(bodies)?),
            Client::OpenClaw(bodies) => Request { ask: Ask::FinishedJson(body(bodies)?), prompt_cache: None },
        };
        let outcome = async { provider.stream(&request).await?.join().await }.await;
        if let Err(error) = outcome {
            sent.refused += 1;
            sent.reason.get_or_insert(error.to_string());
        }
        let arrived = stub.take().pop().context("nothing arrived")?.json();
        let body = host_harness_stub::for_claude(&arrived).context("Claude gets nothing of it")?;
        sent.total += cache.account(&body, asked.at);
    }
    Ok(sent)
}

/// OpenClaw's builder, where the end-to-end tests have installed it.
fn openclaw() -> Option<std::path::PathBuf> {
    let module = crate::root().join("openclaw/e2e/node_modules/@openclaw/ai/dist/transports.mjs");
    module.canonicalize().ok()
}

/// The bodies that OpenClaw's client would send.
fn build(module: &std::path::Path, requests: &[Asked], compat: &Value) -> anyhow::Result<Vec<String>> {
    let mut node = Command::new("node")
        .arg("openclaw.mjs")
        .arg(module)
        .current_dir(crate::root().join("benches/node"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node cannot be started")?;
    let lines: Vec<String> = requests.iter().map(|asked| asked.openclaw(compat).to_string() + "\n").collect();
    let mut input = node.stdin.take().context("no standard input")?;
    let writing = std::thread::spawn(move || lines.iter().try_for_each(|line| input.write_all(line.as_bytes())));
    let mut bodies = String::new();
    node.stdout.take().context("no standard output")?.read_to_string(&mut bodies)?;
    writing.join().ok().context("the writing thread failed")??;
    ensure!(node.wait()?.success(), "OpenClaw's builder failed");
    let bodies: Vec<String> = bodies.lines().map(str::to_owned).collect();
    ensure!(bodies.len() == requests.len(), "{} bodies for {} requests", bodies.len(), requests.len());
    Ok(bodies)
}
