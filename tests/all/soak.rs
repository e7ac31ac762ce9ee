//! Ten thousand calls through one engine, good and broken in turn, and what is left of them afterwards: nothing.
//!
//! What is counted belongs to a whole process, so the test runs in one of its own. `SOAK_CALLS` sets another number.

#![cfg(target_os = "linux")]

use std::{
    fmt, fs,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use host_harness::{
    Engine, Limits, Plugin, Provider,
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
};
use tokio::runtime::{Handle, Runtime};

use crate::{
    fault_server::{FaultServer, Script, Step, bytes},
    faults::{self, complete, is_as_said},
    http2_faults,
    support::{ask, component, eventually, setup},
    tls::Authority,
};

const CALLS: usize = 10_000;
const AT_ONCE: usize = 32;
/// Most that the second half of the calls may add to the memory after the first, in KiB: what an allocator keeps to itself.
const GROWTH: usize = 8 << 10;

/// What calls could leave behind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Left {
    sockets: usize,
    tasks: usize,
    instances: usize,
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sockets, {} tasks, {} instances", self.sockets, self.tasks, self.instances)
    }
}

impl Left {
    fn count(engine: &Engine) -> Self {
        let is_socket = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
        };
        Self {
            sockets: fs::read_dir("/proc/self/fd").unwrap().flatten().filter(is_socket).count(),
            tasks: Handle::current().metrics().num_alive_tasks(),
            instances: engine.instances(),
        }
    }
}

/// Resident memory, in KiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_calls_leave_nothing_behind() {
    const ALONE: &str = "SOAK_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return soak();
    }
    component();
    let name = concat!(module_path!(), "::ten_thousand_calls_leave_nothing_behind");
    let (_, name) = name.split_once("::").unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.contains("1 passed"), "{out}{err}");
    println!("{out}");
}

/// How a call is made and how it must end.
#[derive(Clone, Copy)]
enum Call {
    Whole,
    Streamed,
    /// A stream whose reader goes after the first events.
    Left,
    /// A whole reply whose caller goes before it is there.
    Cancelled,
}

/// What is played.
enum Scene {
    Http1(Script),
    Http2(fn(u32) -> Script),
}

/// A scene, the call that it answers, and how that ends: well, or with an error.
type Plan = (&'static str, Scene, Call, Option<(Kind, Origin)>);

/// Every fault, and as many good calls.
fn plans() -> Vec<Plan> {
    let broken =
        |call: Call| move |(name, script, kind, origin)| (name, Scene::Http1(script), call, Some((kind, origin)));
    let streamed = [&faults::opened(&faults::SSE)[..], b"0\r\n\r\n"].concat();
    let mut plans: Vec<Plan> = Vec::new();
    plans.extend(faults::heads().into_iter().map(broken(Call::Whole)));
    plans.extend(faults::heads().into_iter().map(broken(Call::Streamed)));
    plans.extend(faults::bodies().into_iter().map(broken(Call::Whole)));
    plans.extend(faults::streams().into_iter().map(broken(Call::Streamed)));
    // The calls share a connection of HTTP/2: those that end it would end others.
    let keeps = |script: fn(u32) -> Script| !script(1).iter().any(|step| matches!(step, Step::Close | Step::Stall));
    for &(name, script, kind, origin) in http2_faults::HTTP2_BODIES.iter().filter(|case| keeps(case.1)) {
        plans.push((name, Scene::Http2(script), Call::Whole, Some((kind, origin))));
    }
    for _ in 0..plans.len() / 5 {
        plans.push(("a whole reply", Scene::Http1(vec![bytes(faults::whole())]), Call::Whole, None));
        plans.push((
            "one by HTTP/2",
            Scene::Http2(|stream| vec![bytes(http2_faults::answer(stream))]),
            Call::Whole,
            None,
        ));
        plans.push(("a streamed reply", Scene::Http1(vec![bytes(streamed.clone())]), Call::Streamed, None));
        plans.push(("a reader who goes", Scene::Http1(vec![bytes(streamed.clone())]), Call::Left, None));
        plans.push(("a caller who goes", Scene::Http1(vec![Step::Stall]), Call::Cancelled, None));
    }
    plans
}

/// Makes the call, and says whether it ended as planned and not by a limit of time, which may be first on a busy machine:
/// what each fault must end as is `faults`' to say.
async fn run([http1, http2]: &[Provider; 2], number: usize, (name, scene, call, expected): &Plan) -> bool {
    let provider = match scene {
        Scene::Http1(_) => http1,
        Scene::Http2(_) => http2,
    };
    let ended = match call {
        Call::Whole => complete(provider, number).await,
        Call::Streamed => faults::stream(provider, number).await,
        Call::Left => match provider.stream(&ask(&number.to_string(), "hello")).await {
            Ok(mut reply) => (String::new(), reply.next().await.map(|_| ())),
            Err(error) => (String::new(), Err(error)),
        },
        Call::Cancelled => {
            let call = complete(provider, number);
            let ended = tokio::time::timeout(Duration::from_millis(20), call).await;
            assert!(ended.is_err(), "{name}: {ended:?}");
            return true;
        }
    };
    let is_right = match expected {
        None => ended.1.is_ok(),
        Some((kind, origin)) => is_as_said(&ended, *kind, *origin),
    };
    let is_late = ended.1.as_ref().is_err_and(|error| error.kind() == Kind::Timeout);
    assert!(is_right || is_late, "{name}: {ended:?}");
    is_right
}

/// The same numbers in each run, and all of them before any comes twice.
fn shuffled(at: usize, of: usize) -> usize {
    // 7919 is prime, and larger than the number of plans.
    at.wrapping_mul(7919) % of
}

fn soak() {
    let calls = std::env::var("SOAK_CALLS").map_or(CALLS, |calls| calls.parse().unwrap());
    // The server's tasks are not to be counted.
    let servers = Runtime::new().unwrap();
    let plans: &'static [Plan] = plans().leak();
    let script = |number: usize, stream: u32| match &plans[number].1 {
        Scene::Http1(script) => script.clone(),
        Scene::Http2(script) => script(stream),
    };
    let authority = Authority::new();
    let http1 = servers.block_on(FaultServer::http1(move |number| script(number, 0)));
    let http2 = servers.block_on(FaultServer::http2(&authority, script));
    Runtime::new().unwrap().block_on(async {
        // A call that ends by a time limit takes its time; the others must not be hurried on a slow machine.
        let (call, stream_idle) = (Duration::from_secs(3), Duration::from_secs(2));
        let engine = Engine::new(Limits { call, stream_idle, response_body: 256 << 10, ..faults::patient() }).unwrap();
        let plugin = Plugin::load(&engine, component()).await.unwrap();
        let before = Left::count(&engine);
        let start = Instant::now();

        let providers = [
            Provider::connect(&plugin, setup(&http1.base_url)).await.unwrap(),
            Provider::connect(&plugin, http2_faults::trusting(&authority, &http2)).await.unwrap(),
        ];
        let (mut memory, as_planned) = ([0; 2], AtomicUsize::new(0));
        for (half, memory) in memory.iter_mut().enumerate() {
            let numbers = (0..calls / 2).map(|at| shuffled(half * (calls / 2) + at, plans.len()));
            let (providers, as_planned) = (&providers, &as_planned);
            stream::iter(numbers)
                .for_each_concurrent(AT_ONCE, |number| async move {
                    let planned = run(providers, number, &plans[number]).await;
                    as_planned.fetch_add(planned.into(), Ordering::Relaxed);
                })
                .await;
            *memory = resident();
        }
        drop(providers);

        // Connections end in tasks of their own, soon after their last user.
        eventually(|| Left::count(&engine) == before).await;
        let [first, second] = memory;
        println!(
            "{calls} calls in {:?}: {before:?} before, {:?} after; {first} KiB resident after one half, {second} after both",
            start.elapsed(),
            Left::count(&engine)
        );
        assert_eq!(Left::count(&engine), before);
        let as_planned = as_planned.into_inner();
        assert!(as_planned > calls / 10 * 9, "only {as_planned} of {calls} calls ended as planned");
        assert!(second < first + GROWTH, "memory grew from {first} to {second} KiB");
    });
}
