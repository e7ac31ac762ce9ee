//! Measures that need a process of their own: memory, whose peak belongs to a process, and a start from nothing. The bench
//! starts itself anew for each.

use std::{
    fs,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use host_harness::{Engine, Limits};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{
    arm::{Arm, Case, cpu, median},
    component,
};

/// What is measured, of one arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// A chat of so many messages.
    Messages,
    /// A chat with so many tools.
    Tools,
    /// A chat with so many members that no interface knows.
    Members,
    /// A chat with so many headers.
    Headers,
    /// A stream of so many events.
    Events,
    /// A stream with so many tool calls in one event.
    Calls,
    /// A stream with so many content blocks in one event.
    Blocks,
    /// An image of so many bytes.
    Bytes,
    /// So many streams at once, each of 100 events as fast as they go.
    Streams,
    /// So many streams at once, each of 40 events with 50 ms between them.
    Paced,
    /// Memory of so many streams that are open at once.
    Open,
    /// The component, compiled into an empty cache (`first`) or taken from there (`cached`), so many times.
    Load,
}

/// What one such measure gave.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Of one call, or of all that are at once, in microseconds.
    pub(crate) us: f64,
    pub(crate) cpu_us: f64,
    /// The most memory that was resident beyond what was before, in KiB.
    pub(crate) peak_kib: f64,
}

/// Measures in a process of its own.
pub(crate) fn measure(what: What, arm: &str, size: usize, base_url: &str) -> anyhow::Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    let asked = serde_json::to_string(&(what, arm, size, base_url))?;
    command.args(["alone", &asked]).stderr(Stdio::inherit());
    let folder = tempfile::tempdir()?;
    if arm == "first" {
        command.env("XDG_CACHE_HOME", folder.path());
    }
    let output = command.output()?;
    ensure!(output.status.success(), "{what:?} {size} by the {arm} arm failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// As many open files as the system lets this process have: a stream is one.
pub(crate) fn raise_open_files() -> anyhow::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// The other side of [`measure`].
pub(crate) async fn run(asked: &str) -> anyhow::Result<()> {
    let (what, arm, size, base_url): (What, &str, usize, &str) = serde_json::from_str(asked)?;
    raise_open_files()?;
    if what == What::Load {
        let engine = Engine::new(Limits::default())?;
        let wasm = fs::read(component::path())?;
        let mut times = Vec::new();
        for _ in 0..size {
            let start = Instant::now();
            let compiled = host_harness::bench::compile(&engine, &wasm).await?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
            drop(compiled);
        }
        let us = median(times);
        return print(&Measured { us, cpu_us: cpu().as_secs_f64() * 1e6, peak_kib: 0.0 });
    }
    let headers = if what == What::Headers { size } else { 0 };
    let arm = Arm::with_headers(arm, base_url, headers).await?;
    let case = match what {
        What::Messages => Case::chat(size, 0),
        What::Tools => Case::chat(1, size),
        What::Members => Case::members(size),
        What::Headers => Case::chat(1, 0),
        What::Events => Case::stream("stream", size),
        What::Calls => Case::stream("calls", size),
        What::Blocks => Case::stream("blocks", size),
        What::Bytes => Case::image(size),
        What::Streams => Case::stream("stream", 100),
        What::Paced => Case::stream("paced", 40),
        What::Open | What::Load => Case::stream("open", 1),
    };
    // What is allocated once is not of one call.
    tokio::spawn(arm.clone().block(Case::chat(1, 0), 2)).await??;
    let memory = Memory::start()?;
    let before = cpu();
    let us = match what {
        What::Open => tokio::spawn(open(arm, case, size)).await??.as_secs_f64() * 1e6,
        What::Streams | What::Paced => tokio::spawn(arm.at_once(case, size)).await??.as_secs_f64() * 1e6,
        _ => {
            // Once for the peak of memory, then as often as half a second holds.
            let first = tokio::spawn(arm.clone().block(Arc::clone(&case), 1)).await??.us;
            let peak_kib = memory.peak()?;
            let calls = ((5e5 / first) as usize).clamp(1, 50);
            let mut blocks = Vec::new();
            for _ in 0..3 {
                blocks.push(tokio::spawn(arm.clone().block(Arc::clone(&case), calls)).await??);
            }
            let us = median(blocks.iter().map(|took| took.us));
            return print(&Measured { us, cpu_us: median(blocks.iter().map(|took| took.cpu_us)), peak_kib });
        }
    };
    let cpu_us = cpu().saturating_sub(before).as_secs_f64() * 1e6;
    print(&Measured { us, cpu_us, peak_kib: memory.peak()? })
}

/// Opens so many streams, reads the first event of each, and holds them.
async fn open(arm: Arm, case: Arc<Case>, count: usize) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let (opened, held) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let streams: Vec<_> = (0..count)
        .map(|_| {
            let (arm, case) = (arm.clone(), Arc::clone(&case));
            let (opened, held) = (Arc::clone(&opened), Arc::clone(&held));
            tokio::spawn(async move {
                let mut stream = arm.open(&case).await?;
                let first = stream.next().await?;
                opened.add_permits(1);
                let _ = held.acquire().await;
                drop(stream);
                first.context("the stream ended").map(drop)
            })
        })
        .collect();
    let all = opened.acquire_many(u32::try_from(count)?);
    let took = tokio::time::timeout(Duration::from_secs(60), all).await.context("not all streams opened")?;
    drop(took?);
    let took = start.elapsed();
    tokio::time::sleep(Duration::from_millis(200)).await;
    held.close();
    for stream in streams {
        stream.await??;
    }
    Ok(took)
}

fn print(measured: &Measured) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}

/// What memory this process takes beyond what it took at the start.
struct Memory {
    before: f64,
}

impl Memory {
    fn start() -> anyhow::Result<Self> {
        // Forgets the peak so far.
        fs::write("/proc/self/clear_refs", "5")?;
        Ok(Self { before: Self::now("VmRSS:")? })
    }

    fn peak(&self) -> anyhow::Result<f64> {
        Ok(Self::now("VmHWM:")? - self.before)
    }

    fn now(name: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}
