//! How much a plugin may use. Owns the numbers, their defaults, and the count of memory. The engine, the calls and the
//! egress enforce them; `network/pool` holds the connections.

use std::time::Duration;

use tokio::{sync::Semaphore, time::Instant};
use wasmtime::ResourceLimiter;

/// What one call may use. The defaults suit real workloads. Lower `memory` if many calls run at once.
///
/// ```
/// let limits = host_harness::Limits { memory: 64 << 20, ..Default::default() };
/// assert_eq!(limits.concurrent_requests, 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory and tables of one instance, all of them together, in bytes; also the most that it can hand over
    /// in one answer, and in one stream as a whole where `response_body` is no more than this. Default: 512 MiB, enough
    /// for four large images in and out.
    pub memory: usize,
    /// Wall-clock time of one call, and of opening a stream. Default: 10 minutes, as image models take minutes.
    pub call: Duration,
    /// Wall-clock time between two batches of a stream. Default: 5 minutes.
    pub stream_idle: Duration,
    /// Wall-clock time of a whole stream, from when it is open, however fast it arrives and is read. Default: 1 hour.
    pub stream: Duration,
    /// Time to connect, including name lookup and a proxy's answer, but not TLS. If an HTTP/2 connection is silent for
    /// this long during a call, the host pings it, and closes it after as long again. Default: 10 seconds.
    pub connect: Duration,
    /// Body of one HTTP response, in bytes. Default: 256 MiB.
    pub response_body: u64,
    /// Head of one HTTP response, in bytes. Default: 64 KiB.
    pub response_head: usize,
    /// Instances that may live at once: one for each call in progress and each unfinished reply. If all are taken, a
    /// call waits for one, at most for `call`. Each has reserved address space, and used memory is kept for the next
    /// instance. Default: 1,000.
    pub instances: u32,
    /// HTTP requests that one call may have open at once. Default: 8.
    pub concurrent_requests: usize,
    /// A component's file, in bytes. Default: 64 MiB, a hundred times what a provider needs.
    pub component: u64,
    /// Wall-clock time to wait for a component to be compiled. A compilation cannot be interrupted: after this time it
    /// continues in its threads until it is done, and its result is dropped. Default: 2 minutes.
    pub compile: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            call: Duration::from_secs(600),
            stream_idle: Duration::from_secs(300),
            stream: Duration::from_secs(3600),
            connect: Duration::from_secs(10),
            response_body: 256 << 20,
            response_head: 64 << 10,
            instances: 1000,
            concurrent_requests: 8,
            component: 64 << 20,
            compile: Duration::from_secs(120),
        }
    }
}

/// The longest time that is counted. A clock cannot be told of a time much further away, and for a call it is for ever.
const EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl Limits {
    /// The same, where the largest numbers mean that there is no limit: as large as clocks and semaphores can count.
    pub(crate) fn countable(mut self) -> Self {
        for time in [&mut self.call, &mut self.stream_idle, &mut self.stream, &mut self.connect, &mut self.compile] {
            *time = EVER.min(*time);
        }
        self.concurrent_requests = self.concurrent_requests.min(Semaphore::MAX_PERMITS);
        self
    }

    /// What a stream may hand over as a whole, in bytes. What comes of one answer is no more than that was.
    pub(crate) fn handed_over(&self) -> usize {
        self.memory.max(usize::try_from(self.response_body).unwrap_or(usize::MAX))
    }
}

/// How long a call may take: each step of it, and all of them where the caller said so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    step: Duration,
    /// The limit for all, and when that will be.
    whole: Option<(Duration, Instant)>,
}

impl Clock {
    /// Started now.
    pub(crate) fn start(step: Duration, whole: Option<Duration>) -> Self {
        let ends = |whole: Duration| (whole, Instant::now() + EVER.min(whole));
        Self { step, whole: whole.map(ends) }
    }

    /// As one step, which ends when the whole does, and at the latest in `limit` from now.
    pub(crate) fn rest(self, limit: Duration) -> Self {
        let latest = Self::start(EVER, Some(limit));
        Self { step: EVER, whole: [latest.whole, self.whole].into_iter().flatten().min_by_key(|(_, ends)| *ends) }
    }

    /// The limit that comes first, and how much of it is left.
    pub(crate) fn limit(self) -> (Duration, Duration) {
        match self.whole.map(|(whole, ends)| (whole, ends.saturating_duration_since(Instant::now()))) {
            Some((whole, left)) if left < self.step => (whole, left),
            _ => (self.step, self.step),
        }
    }
}

/// What is left of [`Limits::memory`] for one instance.
#[derive(Debug)]
pub(crate) struct MemoryLeft(pub(crate) usize);

impl MemoryLeft {
    fn take(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        self.0 =
            self.0.checked_sub(bytes).ok_or_else(|| wasmtime::format_err!("it needs more memory than it may have"))?;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryLeft {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.take(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.take(desired.saturating_sub(current).saturating_mul(size_of::<usize>()))
    }
}
