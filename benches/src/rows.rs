//! What is measured: the rows of the table, and the series of the chart.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use anyhow::ensure;
use flate2::{Compression, write::GzEncoder};
use host_harness::Provider;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::{
    alone::{Measured, What, measure},
    arm::{Arm, Case, Pair, median, pair},
    chart::{self, Series},
    component, cost,
    native::Native,
    portkey_gateway::{PortkeyGateway, UPSTREAM_KEY},
    report::{RUNS, Report},
    server::{Addresses, KEY},
};

/// Rounds of each comparison: an odd number, so that one is in the middle.
const ROUNDS: usize = 15;

/// Calls that are compared one by one.
const CALLS: usize = 1501;

/// All that is asked for, part by part. Calls are made on one thread, as `host-harness` makes them and as Node does; a chat
/// also on two.
pub(crate) fn all(server: &Addresses, report: &mut Report<'_>) -> anyhow::Result<()> {
    let base_url = &server.http;
    let one_thread = Builder::new_current_thread().enable_all().build()?;
    let two_threads = Runtime::new()?;
    report.part("chat", RUNS, |report| {
        for (runtime, threads, aims) in [(&one_thread, "", CHAT), (&two_threads, " on two threads", NO_AIMS)] {
            let arms = runtime.block_on(direct(base_url))?;
            runtime.block_on(chat(&arms, &format!("chat call{threads}"), aims, report))?;
        }
        Ok(())
    })?;
    let mut gateway = None;
    report.part("gateway", RUNS, |report| {
        let gateway = gateway.get_or_insert_with(PortkeyGateway::start);
        for (runtime, threads, aims) in [(&one_thread, "", THROUGH), (&two_threads, " on two threads", NO_AIMS)] {
            let arms = runtime.block_on(through(gateway, base_url))?;
            runtime.block_on(chat(&arms, &format!("chat call through Portkey{threads}"), aims, report))?;
        }
        Ok(())
    })?;
    drop(gateway);
    report.part("instance", RUNS, |report| one_thread.block_on(instance(report)))?;
    report.part("load", RUNS, |report| load(base_url, report))?;
    report.part("start", RUNS, start)?;
    report.part("event", RUNS, |report| one_thread.block_on(event(base_url, report)))?;
    report.part("image", RUNS, |report| one_thread.block_on(image(base_url, report)))?;
    report.part("streams", RUNS, |report| streams(base_url, report))?;
    report.part("connections", RUNS, |report| one_thread.block_on(connections(server, report)))?;
    // Always the same.
    report.part("size", 1, size)?;
    report.part("peers", RUNS, |report| one_thread.block_on(peers(base_url, report)))?;
    report.part("cost", 1, |report| one_thread.block_on(cost::rows(report)))?;
    // Makes its runs itself: the chart shows the middle of each point.
    report.part("growth", 1, |report| growth(base_url, report))
}

/// By the clock, of both.
fn times(pair: &Pair) -> String {
    format!("{:.0} us, native {:.0} us", pair.other.us, pair.base.us)
}

/// At most so many times native: in one instance for all calls, in one for each, and the processor time of the latter.
type Aims = [Option<f64>; 3];

const CHAT: Aims = [Some(1.45), Some(1.8), Some(2.2)];
const THROUGH: Aims = [Some(1.08), Some(1.12), None];
const NO_AIMS: Aims = [None; 3];

/// A native client and the component, which call the bench's own server.
async fn direct(base_url: &str) -> anyhow::Result<[Arm; 2]> {
    Ok([Arm::native(base_url), Arm::component(base_url).await?])
}

/// The same, which call it through the real Portkey gateway: what a user waits for, less the model.
async fn through(gateway: &PortkeyGateway, upstream: &str) -> anyhow::Result<[Arm; 2]> {
    let authorization = format!("Bearer {UPSTREAM_KEY}");
    let headers =
        [("x-portkey-provider", "openai"), ("x-portkey-custom-host", upstream), ("authorization", &authorization)];
    let mut native = Native::new(&gateway.base_url());
    let mut setup = component::setup(&gateway.base_url());
    for (name, value) in headers {
        native = native.header(name.parse()?, value)?;
        setup = setup.header(name, value);
    }
    let native = Arm::Native(native.into());
    // A compiler that learns as it goes is given time to.
    native.clone().block(Case::chat(1, 0), 2000).await?;
    Ok([native, Arm::Component(Provider::connect(&component::plugin().await?, setup).await?)])
}

async fn chat(
    [native, component]: &[Arm; 2],
    what: &str,
    [of_warm, of_fresh, of_processor]: Aims,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let chat = Case::chat(1, 0);
    let warm = pair(native, &component.warm().await?, &chat, 1, CALLS).await?;
    report.row(format!("{what}, one instance for all"), warm.ratio, "x native", of_warm, times(&warm));
    let fresh = pair(native, component, &chat, 1, CALLS).await?;
    report.row(format!("{what}, an instance for each"), fresh.ratio, "x native", of_fresh, times(&fresh));
    let processor = format!("{:.0} us, native {:.0} us", fresh.other.cpu_us, fresh.base.cpu_us);
    report.row(format!("{what}, processor time"), fresh.cpu_ratio, "x native", of_processor, processor);
    Ok(())
}

async fn event(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    const EVENTS: usize = 10_000;
    let [native, component] = direct(base_url).await?;
    let stream = pair(&native, &component, &Case::stream("stream", EVENTS), 1, ROUNDS).await?;
    let each = |us: f64| us / EVENTS as f64;
    let detail = format!("native {:.2} us; {EVENTS} at full rate", each(stream.base.us));
    report.row("streamed event", each(stream.other.us), "us", 5.0, detail);
    report.row("streamed event", stream.ratio, "x native", 1.5, times(&stream));
    for (what, case, aim) in [
        ("streamed piece of a tool call", Case::stream("call", EVENTS), 1.5),
        ("streamed event, no two alike", Case::stream("unlike", EVENTS), 2.0),
    ] {
        let events = pair(&native, &component, &case, 1, ROUNDS).await?;
        let detail = format!("{:.2} us, native {:.2} us", each(events.other.us), each(events.base.us));
        report.row(what, events.ratio, "x native", aim, detail);
    }
    Ok(())
}

async fn image(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    const IMAGE: usize = 4 << 20;
    let [native, component] = direct(base_url).await?;
    let image = pair(&native, &component, &Case::image(IMAGE), 1, ROUNDS).await?;
    report.row("image of 4 MiB as b64_json", image.ratio, "x native", 1.1, times(&image));
    let peak = |arm| anyhow::Ok(measure(What::Bytes, arm, IMAGE, base_url)?.peak_kib * 1024.0 / IMAGE as f64);
    let detail = format!("native {:.1}", peak("native")?);
    report.row("image of 4 MiB, peak memory", peak("component")?, "x its size", 3.0, detail);
    Ok(())
}

fn streams(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    const STREAMS: usize = 1000;
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let native = measure(What::Paced, "native", STREAMS, base_url)?;
        rounds.push((native, measure(What::Paced, "component", STREAMS, base_url)?));
    }
    let of = |value: fn(&(Measured, Measured)) -> f64| median(rounds.iter().map(value));
    let detail = format!(
        "{:.2} s, native {:.2} s; of the processor {:.2} s, native {:.2} s; 40 events each, 50 ms apart",
        of(|(_, component)| component.us / 1e6),
        of(|(native, _)| native.us / 1e6),
        of(|(_, component)| component.cpu_us / 1e6),
        of(|(native, _)| native.cpu_us / 1e6),
    );
    report.row("1,000 streams at once", of(|(native, component)| component.us / native.us), "x native", 1.3, detail);
    let each = |arm| anyhow::Ok(measure(What::Open, arm, STREAMS, base_url)?.peak_kib / STREAMS as f64);
    let detail = format!("of 1,000; native {:.0} KiB", each("native")?);
    report.row("open stream, resident memory", each("component")?, "KiB", 350.0, detail);
    Ok(())
}

/// Starts and drops instances.
async fn instance(report: &mut Report<'_>) -> anyhow::Result<()> {
    const COUNT: usize = 5000;
    let plugin = component::plugin().await?;
    let mut times = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let start = Instant::now();
        host_harness::bench::instantiate(&plugin).await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    report.row("an instance, made and dropped", median(times), "us", 10.0, format!("of {COUNT}"));
    Ok(())
}

/// Takes the component from the cache, and compiles it into an empty one.
fn load(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    let took = |arm, times| measure(What::Load, arm, times, base_url).map_or(f64::NAN, |took| took.us);
    let cached = median((0..2 * ROUNDS).map(|_| took("cached", 1)));
    report.row("load from the cache", cached / 1e3, "ms", 0.45, "of a process that has just started");
    report.row(
        "load from the cache, again",
        took("cached", 200) / 1e3,
        "ms",
        None,
        "of a process that has loaded it before",
    );
    let first = median((0..3).map(|_| took("first", 1)));
    report.row(
        "first-ever use: compiled and kept",
        first / 1e3,
        "ms",
        400.0,
        format!("{:.0} x the cache", first / cached),
    );
    Ok(())
}

/// The program as a user runs it, from its start to the first byte of its request.
fn start(report: &mut Report<'_>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base_url = format!("http://{}/v1", listener.local_addr()?);
    let program = std::env::current_exe()?.with_file_name("host-harness");
    ensure!(program.exists(), "{} is missing: `make bench` builds it", program.display());
    let home = tempfile::tempdir()?;
    let mut times = Vec::new();
    for round in 0..2 * ROUNDS {
        let start = Instant::now();
        let mut child = Command::new(&program)
            .args(["chat", "hello", "--plugin"])
            .arg(component::path())
            .env_clear()
            .envs([("HOME", home.path()), ("PORTKEY_BASE_URL", Path::new(&base_url))])
            .env("PORTKEY_API_KEY", KEY)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let (mut connection, _) = listener.accept()?;
        connection.read_exact(&mut [0])?;
        let took = start.elapsed();
        child.kill()?;
        child.wait()?;
        // The first fills the cache.
        if round > 0 {
            times.push(took.as_secs_f64() * 1e3);
        }
    }
    report.row("program start to first request byte", median(times), "ms", 15.0, "`host-harness chat`, cache warm");
    Ok(())
}

async fn connections(server: &Addresses, report: &mut Report<'_>) -> anyhow::Result<()> {
    let plugin = component::plugin().await?;
    let counting = Native::new(&server.http);
    let call = Case::chat(1, 0);

    let plain = Arm::Component(Provider::connect(&plugin, component::setup(&server.http)).await?);
    let before = counting.connections().await?.0;
    plain.block(Arc::clone(&call), 1000).await?;
    let used = counting.connections().await?.0 - before;
    report.row("connections of 1,000 calls, HTTP/1.1", used as f64, "", 1.0, "one after the other");

    let trusting = json!({"models": {"providers": {"portkey": {"request": {"tls": {"ca": server.authority}}}}}});
    let setup = component::setup(&server.https).config(trusting);
    let secure = Arm::Component(Provider::connect(&plugin, setup).await?);
    let before = counting.connections().await?.1;
    secure.clone().block(Arc::clone(&call), 1000).await?;
    let used = counting.connections().await?.1 - before;
    report.row("connections of 1,000 calls, HTTP/2 over TLS", used as f64, "", 1.0, "one after the other");
    secure.at_once(call, 100).await?;
    let used = counting.connections().await?.1 - before;
    report.row("the same, with 100 more at once", used as f64, "", 1.0, "HTTP/2 over TLS");
    Ok(())
}

fn size(report: &mut Report<'_>) -> anyhow::Result<()> {
    let wasm = fs::read(component::path())?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&wasm)?;
    report.row("component", wasm.len() as f64 / 1e3, "kB", 340.0, "with all that it can do");
    report.row("component, gzip", gzip.finish()?.len() as f64 / 1e3, "kB", 140.0, "");
    Ok(())
}

/// The official clients for Node, on the same server.
async fn peers(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    let component = Arm::component(base_url).await?;
    for package in ["openai", "portkey-ai"] {
        let node = Arm::node(package, base_url)?;
        let chat = Case::chat(1, 0);
        // A compiler that learns as it goes is given time to.
        node.clone().block(Arc::clone(&chat), 2000).await?;
        let call = pair(&node, &component, &chat, 100, ROUNDS).await?;
        let processor = format!("{:.0} us, {package} {:.0} us", call.other.cpu_us, call.base.cpu_us);
        report.row(format!("processor time of a chat call, to {package}"), call.cpu_ratio, "x", 0.2, processor);
        let clock = format!("{:.0} us, {package} {:.0} us", call.other.us, call.base.us);
        report.row(format!("chat call, to {package}"), call.ratio, "x", None, clock);
        let stream = pair(&node, &component, &Case::stream("stream", 2000), 1, ROUNDS).await?;
        let clock = format!("{:.1} us, {package} {:.1} us", stream.other.us / 2e3, stream.base.us / 2e3);
        report.row(format!("streamed event, to {package}"), stream.ratio, "x", None, clock);
    }
    Ok(())
}

/// Cost over size, into `docs/cost-over-size.svg`, and how it grows from the smallest to the largest into the table.
fn growth(base_url: &str, report: &mut Report<'_>) -> anyhow::Result<()> {
    let kinds: [(&'static str, What, &[usize]); 9] = [
        ("messages in a chat", What::Messages, &[1, 10, 100, 500, 2000]),
        ("tools in a chat", What::Tools, &[0, 8, 32, 128]),
        ("unknown members in a chat", What::Members, &[1, 100, 1000, 10_000, 100_000]),
        ("headers of a chat", What::Headers, &[1, 10, 100, 500]),
        ("tool calls in one event", What::Calls, &[1, 10, 100, 1000, 4000]),
        ("content blocks in one event", What::Blocks, &[1, 100, 1000, 10_000]),
        ("events in a stream", What::Events, &[10, 100, 1000, 10_000, 100_000]),
        ("bytes of an image", What::Bytes, &[100_000, 1_000_000, 4_000_000, 20_000_000]),
        ("streams at once, of 100 events each", What::Streams, &[1, 10, 100, 1000]),
    ];
    let (mut times, mut memories) = (Vec::new(), Vec::new());
    for (title, what, sizes) in kinds {
        let mut of_time = Vec::new();
        let mut of_memory = Vec::new();
        // By the processor's clock: it counts the same on a busy machine.
        let us = |measured: &Measured| measured.cpu_us;
        let kib = |measured: &Measured| measured.peak_kib.max(1.0);
        for arm in ["component", "native"] {
            let run = |_| sizes.iter().map(|&size| measure(what, arm, size, base_url)).collect();
            let runs: Vec<Vec<_>> = (0..RUNS).map(run).collect::<Result<_, _>>()?;
            let points = |value: fn(&Measured) -> f64| -> Vec<(f64, f64)> {
                let middle = |at| median(runs.iter().filter_map(|run: &Vec<_>| run.get(at)).map(value));
                // A logarithm of nothing there is not.
                sizes.iter().enumerate().map(|(at, &size)| (size.max(1) as f64, middle(at))).collect()
            };
            of_time.push((arm, points(us)));
            of_memory.push((arm, points(kib)));
            if arm == "native" {
                continue;
            }
            for run in &runs {
                let (&[.., few, many], [.., before, last]) = (sizes, run.as_slice()) else { continue };
                // 1 where cost grows as size does, from the last size but one; less where it grows less.
                let growth = |value: fn(&Measured) -> f64| value(last) / value(before) / (many as f64 / few as f64);
                let detail = format!("{many} {title}: {:.1} ms, {:.1} MiB", us(last) / 1e3, kib(last) / 1024.0);
                // A conversation grows with each turn; the others are a few of a kind.
                let aim = if what == What::Messages { 1.1 } else { 1.2 };
                report.row(format!("growth of time with {title}"), growth(us), "x size", aim, detail);
                report.row(format!("growth of memory with {title}"), growth(kib), "x size", aim, "");
            }
        }
        times.push(Series { title, unit: "us of processor time", lines: of_time });
        memories.push(Series { title, unit: "KiB at most", lines: of_memory });
    }
    times.extend(memories);
    chart::draw(&crate::root().join("docs/cost-over-size.svg"), &times)
}
