//! Shows on standard error that a command is waiting: only in a terminal, and removed before anything is printed.

use std::{
    io::IsTerminal,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::level_filters::LevelFilter;

use super::{output, terminal};

/// What takes less is not worth a word.
const PATIENCE: Duration = Duration::from_millis(300);

/// Says what is waited for, and for how long now, until it is dropped.
pub(crate) struct Waiting(Option<(Sender<String>, JoinHandle<()>)>);

impl Waiting {
    /// From now on; `what` is such as `listing models`. Nothing in a pipe, under `--quiet`, and among log lines.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        let logs = LevelFilter::current() >= LevelFilter::DEBUG;
        let seen = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        if output::is_quiet() || logs || !seen {
            return Self(None);
        }
        let (what, (sender, previews)) = (terminal::line(&what.into()), channel());
        // A thread of its own: the work may keep the runtime's busy.
        Self(Some((sender, std::thread::spawn(move || show(what, &previews)))))
    }

    /// From now on shows the end of `text` instead, as far as there is room: what is on its way.
    pub(crate) fn preview(&self, text: &str) {
        // It is called for each piece of it.
        let text = text.get(text.floor_char_boundary(text.len().saturating_sub(10_000))..).unwrap_or_default();
        if let (Some((sender, _)), false) = (&self.0, text.trim().is_empty()) {
            let columns = console::Term::stderr().size().1;
            // The thread ends no earlier than this.
            let _ = sender.send(end_of(&terminal::text(text), usize::from(columns).saturating_sub(3)));
        }
    }
}

/// Waits for `work`, and says `what` it is.
pub(crate) async fn during<T>(what: impl Into<String>, work: impl Future<Output = T>) -> T {
    let _waiting = Waiting::new(what);
    work.await
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.0.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn show(what: String, previews: &Receiver<String>) {
    let (start, mut preview) = (Instant::now(), None);
    loop {
        match previews.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
            Ok(text) => preview = Some(text),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let style = |template| ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_style(style("{spinner} {msg}, {elapsed}"))
        .with_elapsed(PATIENCE);
    bar.set_message(what);
    loop {
        if let Some(text) = preview.take() {
            bar.set_style(style("{spinner} {msg}"));
            bar.set_message(text);
        }
        bar.tick();
        match previews.recv_timeout(Duration::from_millis(100)) {
            Ok(text) => preview = Some(text),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    bar.finish_and_clear();
}

/// What of the end of `text` fits into `columns`, on one line.
fn end_of(text: &str, columns: usize) -> String {
    let on_one_line =
        text.trim_end().chars().rev().map(|character| if character.is_whitespace() { ' ' } else { character });
    let end = output::fitting(on_one_line, columns);
    end.chars().rev().collect::<String>().trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_fits_into_its_columns() {
        assert_eq!(end_of("one\ntwo\n", 80), "one two");
        assert_eq!(end_of("one two three", 9), "two three");
        assert_eq!(end_of("値段は百円", 5), "百円", "wide characters take two columns");
        assert_eq!(end_of("one", 0), "");
    }
}
