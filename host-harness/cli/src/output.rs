//! How results and errors look, for people and as JSON.

use std::{
    borrow::Cow,
    io::{self, ErrorKind::BrokenPipe, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anstyle::{AnsiColor, Style};

use host_harness::{
    Error,
    types::{self, ErrorKind, GatewayReport, MediaSource},
    wit::chat::{AssistantPart, Response, ToolCall},
};
use serde_json::{Value, json};

use super::{
    exit_code::{self, Usage},
    terminal,
};

/// As clap draws them.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const HINT: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();

/// Whether nothing but results and errors is to be printed.
static QUIET: AtomicBool = AtomicBool::new(false);

/// What first kept standard output from being written to.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// From now on, prints results and errors alone.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Reports `error`, as JSON on standard output or as text on standard error, and gives the code to exit with.
pub(crate) fn failure(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let record = record(error);
    if !(as_json && print_json(&json!({"error": record}))) {
        let line = |style: Style, name: &str, text: &str| say(&format!("{style}{name}:{style:#} {}", printable(text)));
        line(ERROR, "error", &record.message);
        if let Some(hint) = &record.hint {
            line(HINT, "hint", hint);
        }
        // What a script would ask `--json` for, and a person the documentation.
        if error.is::<host_harness::Error>() {
            line(Style::new(), "kind", record.kind.name());
        }
        if let Some(wait) = record.retry_after_ms {
            line(Style::new(), "retry after", &format!("{} s", Duration::from_millis(wait).as_secs_f32()));
        }
        if let Some(trace_id) = &record.trace_id {
            line(Style::new(), "trace id", trace_id);
        }
    }
    exit_code::of(error)
}

/// Turns success into failure if standard output could not be written. A closed pipe is not a failure: whoever read may
/// have gone.
pub(crate) fn final_exit_code(code: ExitCode) -> ExitCode {
    let Some(error) = UNWRITTEN.get().filter(|error| error.kind() != BrokenPipe) else { return code };
    let failed = failure(&anyhow::Error::new(error).context("cannot write to standard output"), false);
    if code == ExitCode::SUCCESS { failed } else { code }
}

/// Prints what clap has to say instead of running a command: what is wrong, or the help that was asked for.
pub(crate) fn refused(error: &clap::Error, as_json: bool) -> ExitCode {
    if as_json && error.use_stderr() {
        let text = error.to_string();
        // Below the first paragraph stand tips and how the command is used.
        let why = text.split("\n\n").next().unwrap_or_default();
        return failure(&Usage(why.trim_start_matches("error: ").to_owned()).into(), true);
    }
    // It repeats what was typed, or what a shell found in a folder.
    let text = error.render();
    let text = terminal::styled(&text.ansi().to_string()).into_owned();
    if error.use_stderr() {
        let _ = write!(anstream::stderr(), "{text}");
    } else {
        is_written(write!(anstream::stdout(), "{text}"));
    }
    final_exit_code(ExitCode::from(if error.use_stderr() { 2 } else { 0 }))
}

/// Every error in the one shape.
fn record(error: &anyhow::Error) -> types::Error {
    if let Some(error) = error.downcast_ref::<host_harness::Error>() {
        return error.record().clone();
    }
    let kind = if error.is::<Usage>() { ErrorKind::InvalidRequest } else { ErrorKind::Other };
    host_harness::Error::host(kind, format!("{error:#}")).record().clone()
}

/// Prints one JSON object on standard output.
pub(crate) fn print_json(value: &Value) -> bool {
    print_json_line(&format!("{value:#}"))
}

/// The same for JSON that is written already.
pub(crate) fn print_json_line(json: &str) -> bool {
    write(&format!("{}\n", terminal::json(json)))
}

/// Prints a line on standard output: as it is into a pipe or a file, and on a terminal without what would steer it.
pub(crate) fn print_line(line: &str) {
    let line = if io::stdout().is_terminal() { terminal::text(line).into() } else { Cow::Borrowed(line) };
    write(&format!("{line}\n"));
}

/// Prints `text` at once on standard output, and gives whether it could. On a terminal it may hold styles, which are kept.
pub(crate) fn print(text: &str) -> bool {
    write(&if io::stdout().is_terminal() { terminal::styled(text) } else { Cow::Borrowed(text) })
}

/// Prints a picture, which is made of what nothing else may hold.
pub(crate) fn print_picture(picture: &str) {
    write(&format!("{picture}\n"));
}

/// Gives whether it could be written. [`final_exit_code`] tells where it could not.
fn write(text: &str) -> bool {
    let mut out = io::stdout();
    is_written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Remembers what went wrong.
fn is_written(written: io::Result<()>) -> bool {
    written.map_err(|error| UNWRITTEN.set(error)).is_ok()
}

/// Prints a line beside the results, on standard error, unless that is to be quiet.
pub(crate) fn note(line: &str) {
    if !is_quiet() {
        say(&format!("{FAINT}{}{FAINT:#}", printable(line)));
    }
}

/// That `what` is not checked, since the gateway cannot say, and what to do about that.
pub(crate) fn not_checked(error: &Error, what: &str) -> String {
    let hint = error.record().hint.as_deref().unwrap_or_default();
    format!("{error}. So the {what} is not checked. {hint}").trim_end().into()
}

/// Prints a warning on standard error, unless that is to be quiet.
pub(crate) fn warn(text: &str) {
    if !is_quiet() {
        say(&format!("{WARNING}warning:{WARNING:#} {}", printable(text)));
    }
}

/// Prints a line that may hold styles on standard error: for a terminal it is broken between words. What others wrote in it
/// has passed [`printable`].
pub(crate) fn say(line: &str) {
    let columns = console::Term::stderr().size_checked().map_or(usize::MAX, |(_, columns)| columns.into());
    for line in wrapped(&terminal::styled(line), columns, "", "") {
        let _ = writeln!(anstream::stderr(), "{line}");
    }
}

/// `text` without what would steer a terminal: a server or a model may have written it.
pub(crate) fn printable(text: &str) -> String {
    terminal::text(text)
}

/// As many of the characters, from the first, as fit into `columns`.
pub(crate) fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut room = columns;
    let fits = |character: &char| {
        let width = textwrap::core::display_width(character.encode_utf8(&mut [0; 4]));
        let rest = room.checked_sub(width);
        room = rest.unwrap_or_default();
        rest.is_some()
    };
    characters.take_while(fits).collect()
}

/// `text` in lines of at most `width` columns, behind `first` and, after the first line, `rest`. A long word is a URL or
/// a path: whole, it can be copied.
pub(crate) fn wrapped<'t>(text: &'t str, width: usize, first: &str, rest: &str) -> Vec<Cow<'t, str>> {
    let options = textwrap::Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options)
}

/// This program as the user started it, for a command to paste: a path, or a name that the shell finds.
pub(crate) fn program() -> String {
    let name = std::env::args().next().unwrap_or_else(|| "host-harness".to_owned());
    // Started anew, it is a whole path: shorter where it lies below this folder.
    let below =
        std::env::current_dir().ok().and_then(|folder| Some(Path::new(&name).strip_prefix(folder).ok()?.to_owned()));
    quoted(&below.map_or(name, |below| Path::new(".").join(below).display().to_string()))
}

/// `text` as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// How wide the terminal is that standard output goes to, if it is one.
pub(crate) fn columns() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

/// How wide text may become on standard output, in columns: lines over 100 are hard to read.
pub(crate) fn width() -> usize {
    columns().unwrap_or(80).clamp(20, 100)
}

/// Prints a line that holds styles, which only a terminal gets to see. What others wrote in it has passed [`printable`].
pub(crate) fn print_styled(line: &str) {
    is_written(writeln!(anstream::stdout(), "{}", terminal::styled(line)));
}

/// The words of a part.
pub(crate) fn said(part: &AssistantPart) -> Option<&str> {
    match part {
        AssistantPart::Text(text) | AssistantPart::Refusal(text) => Some(text),
        _ => None,
    }
}

/// A reply, and what it cost in US dollars, as `chat --json` prints it.
pub(crate) fn chat_json(response: &Response, cost: Option<f64>) -> Value {
    let text: String = response.content.iter().filter_map(said).collect();
    json!({
        "id": response.id,
        "model": response.model,
        "text": text,
        "content": response.content.iter().map(part_json).collect::<Vec<_>>(),
        "finish_reason": response.finish_reason.name(),
        "usage": response.usage,
        "cost": cost,
        "guardrails": response.guardrails_json.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "report": response.report,
    })
}

fn part_json(part: &AssistantPart) -> Value {
    match part {
        AssistantPart::Text(text) => json!({"type": "text", "text": text}),
        AssistantPart::Thinking(thinking) => {
            json!({"type": "thinking", "text": thinking.text, "signature": thinking.signature})
        }
        AssistantPart::ToolCall(ToolCall { id, name, arguments_json, signature }) => {
            json!({"type": "tool_call", "id": id, "name": name, "arguments_json": arguments_json, "signature": signature})
        }
        AssistantPart::Image(MediaSource::Url(url)) => json!({"type": "image", "url": url}),
        AssistantPart::Image(MediaSource::Inline(media)) => {
            json!({"type": "image", "media_type": media.media_type, "bytes": media.data.len()})
        }
        AssistantPart::Refusal(text) => json!({"type": "refusal", "text": text}),
        AssistantPart::Other(part) => serde_json::from_str(part).unwrap_or_default(),
    }
}

/// How long a call took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) whole: Duration,
    /// To the first token of a streamed reply.
    pub(crate) first: Option<Duration>,
    /// Whether its reasoning came along: then those tokens count for its speed.
    pub(crate) reasoned: bool,
}

impl Took {
    /// A call that answered in one piece.
    pub(crate) fn whole(whole: Duration) -> Self {
        Self { whole, first: None, reasoned: false }
    }

    fn parts(self, usage: Option<&types::Usage>) -> Vec<String> {
        let Some(first) = self.first else { return vec![format!("in {:.2} s", self.whole.as_secs_f64())] };
        let mut parts = vec![format!("first token after {:.2} s", first.as_secs_f64())];
        let seconds = self.whole.saturating_sub(first).as_secs_f64();
        let hidden = |usage: &types::Usage| if self.reasoned { 0 } else { usage.reasoning_tokens.unwrap_or(0) };
        let written = usage.map_or(0, |usage| usage.output_tokens.saturating_sub(hidden(usage)));
        // Of a reply that came in one go there is nothing to tell.
        if written > 1 && seconds > 0.05 {
            parts.push(format!("{:.0} tokens/s", written as f64 / seconds));
        }
        parts
    }
}

/// Dollars for a person: whole ones bare, others with two digits; of less than one the first three that are not 0, twelve
/// places at most.
pub(crate) fn dollars(amount: f64) -> String {
    let places = if amount > 0.0 && amount < 1.0 { (2 - amount.log10().floor() as i32).clamp(2, 12) } else { 2 };
    let text = format!("{amount:.*}", places as usize);
    let (whole, digits) = text.split_once('.').unwrap_or((&text, ""));
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { format!("${whole}") } else { format!("${whole}.{digits:0<2}") }
}

/// The tokens of a call, such as `12 tokens in (4 cached), 1 out`.
pub(crate) fn tokens(usage: &types::Usage) -> String {
    let cached = usage.cache_read_tokens.filter(|&tokens| tokens > 0);
    let cached = cached.map(|tokens| format!(" ({tokens} cached)")).unwrap_or_default();
    let noun = if usage.input_tokens == 1 { "token" } else { "tokens" };
    format!("{} {noun} in{cached}, {} out", usage.input_tokens, usage.output_tokens)
}

/// The line below a result: tokens, what they cost in US dollars, time, and what the gateway reported.
pub(crate) fn summary(usage: Option<&types::Usage>, cost: Option<f64>, report: &GatewayReport, took: Took) -> String {
    let mut parts = Vec::new();
    if let Some(usage) = usage {
        parts.push(tokens(usage));
    }
    parts.extend(cost.map(dollars));
    parts.extend(took.parts(usage));
    let named = [
        ("provider", report.provider.clone()),
        ("cache", report.cache_status.clone()),
        ("retries", report.retry_attempts.filter(|&retries| retries != 0).map(|retries| retries.to_string())),
        ("target", report.used_target.clone()),
        ("trace", report.trace_id.clone()),
    ];
    parts.extend(named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_short_and_never_nothing() {
        for (amount, text) in [
            (0.0, "$0"),
            (12.0, "$12"),
            (12.345, "$12.35"),
            (0.5, "$0.50"),
            (0.1234567, "$0.123"),
            (0.0123456, "$0.0123"),
            (0.00003, "$0.00003"),
            (0.000_012_345, "$0.0000123"),
            (1e-13, "$0"),
        ] {
            assert_eq!(dollars(amount), text);
        }
    }
}
