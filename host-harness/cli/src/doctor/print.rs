//! How the doctor's findings look, as lines on a screen and as JSON. `mod.rs` says which lines there are.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use host_harness::Error;
use serde_json::{Map, Value, json};

use crate::output;

/// One thing that was looked at.
pub(super) struct Line {
    name: &'static str,
    state: State,
    detail: String,
    hint: Option<String>,
    took: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    Bad,
    /// Could not be looked at, or was not asked for.
    Skipped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
            Self::Skipped => "skipped",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Skipped => Style::new().dimmed(),
        }
    }
}

impl Line {
    fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into(), hint: None, took: None }
    }

    pub(super) fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Good, detail)
    }

    pub(super) fn warning(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Warning, detail)
    }

    pub(super) fn bad(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Bad, detail)
    }

    pub(super) fn skipped(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, detail)
    }

    /// What failed, and what to do about it.
    pub(super) fn failed(name: &'static str, error: &Error) -> Self {
        Self { hint: error.record().hint.clone(), ..Self::bad(name, error.to_string()) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "state": self.state.name(),
            "detail": self.detail,
            "hint": self.hint,
            "milliseconds": self.took.map(|took| took.as_secs_f64() * 1000.0),
        })
    }

    fn print(&self) {
        let (style, dim) = (self.state.style(), Style::new().dimmed());
        let took = self.took.map(|took| format!(" {dim}({}){dim:#}", milliseconds(took))).unwrap_or_default();
        let head = format!("{style}{:>7}{style:#}  {:<14}  ", self.state.name(), self.name);
        // In a pipe a line is one line. Below the details there must be room for some words.
        let columns = output::columns().unwrap_or(usize::MAX);
        let below = " ".repeat(if columns < 60 { 9 } else { 25 });
        let print = |text: &str, first: &str, rest: &str| {
            output::wrapped(text, columns, first, rest).iter().for_each(|line| output::print_styled(line));
        };
        print(&format!("{}{took}", output::printable(&self.detail)), &head, &below);
        if let Some(hint) = &self.hint {
            print(&format!("-> {}", output::printable(hint)), &below, &format!("{below}   "));
        }
    }
}

fn milliseconds(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

/// All that was found, and the error of the first thing that failed.
#[derive(Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    /// What the configuration comes to, for programs.
    facts: Map<String, Value>,
    error: Option<anyhow::Error>,
}

impl Report {
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A thing that the configuration comes to.
    pub(super) fn fact(&mut self, name: &str, value: &(impl serde::Serialize + ?Sized)) {
        self.facts.insert(name.to_owned(), json!(value));
    }

    /// A thing that failed as `error` says.
    pub(super) fn fail(&mut self, line: Line, error: impl Into<anyhow::Error>) {
        self.lines.push(line);
        self.error.get_or_insert(error.into());
    }

    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// The first failure: what the program exits with follows from it.
    pub(super) fn error(&self) -> Option<&anyhow::Error> {
        self.error.as_ref()
    }

    pub(super) fn json(&self, versions: &Value) -> Value {
        let lines: Vec<_> = self.lines.iter().map(Line::json).collect();
        json!({"ok": self.error.is_none(), "versions": versions, "configuration": self.facts, "checks": lines})
    }

    fn has_chatted(&self) -> bool {
        self.lines.iter().any(|line| line.name == "chat" && line.state == State::Good)
    }

    /// `was_to_chat` is whether a model was to be asked.
    pub(super) fn print(&self, was_to_chat: bool) {
        self.lines.iter().for_each(Line::print);
        let count = |state| self.lines.iter().filter(|line| line.state == state).count();
        let summary = match (count(State::Bad), count(State::Warning)) {
            (0, 0) => "All is well.".to_owned(),
            // Only a reply shows that it works.
            (0, warnings) if self.has_chatted() => format!("It works, with {}.", number(warnings, "warning")),
            (0, warnings) => {
                let rest = if was_to_chat { "no model was asked" } else { "--chat asks a model too" };
                format!("Nothing failed, with {}; {rest}.", number(warnings, "warning"))
            }
            (failed, 0) => format!("{} failed.", number(failed, "check")),
            (failed, warnings) => format!("{} failed, with {}.", number(failed, "check"), number(warnings, "warning")),
        };
        output::print_line(&format!("\n{summary}"));
    }
}

fn number(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}
