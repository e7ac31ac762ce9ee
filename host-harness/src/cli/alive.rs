//! A sign of life on standard error while a command waits: in a terminal alone, and gone before anything is printed.

use std::{
    io::IsTerminal,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::level_filters::LevelFilter;

use super::output;

/// What takes less is not worth a word.
const PATIENCE: Duration = Duration::from_millis(300);

/// Says what is waited for, and for how long now, until it is dropped.
pub(crate) struct Alive(Option<(Sender<()>, JoinHandle<()>)>);

impl Alive {
    /// From now on; `what` is such as `listing models`. Nothing in a pipe, under `--quiet`, and among log lines.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        let logs = LevelFilter::current() >= LevelFilter::DEBUG;
        let seen = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        if output::is_quiet() || logs || !seen {
            return Self(None);
        }
        let (what, (stop, stopped)) = (what.into(), channel());
        // A thread of its own: the work may keep the runtime's busy.
        Self(Some((stop, std::thread::spawn(move || show(what, &stopped)))))
    }
}

/// Waits for `work`, and says `what` it is.
pub(crate) async fn during<T>(what: impl Into<String>, work: impl Future<Output = T>) -> T {
    let _alive = Alive::new(what);
    work.await
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn show(what: String, stopped: &Receiver<()>) {
    if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}").unwrap_or(ProgressStyle::default_spinner());
    let bar =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style).with_elapsed(PATIENCE);
    bar.set_message(what);
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        bar.tick();
    }
    bar.finish_and_clear();
}
