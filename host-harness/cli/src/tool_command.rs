//! `chat --run COMMAND`: a program of the user's that answers the model's tool calls. It is started for each call,
//! without a shell, for a minute at most. It gets the call as JSON on standard input, no text of the model on its
//! command line, and no environment variables that may hold keys.

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use host_harness::{
    Error, ErrorKind, Provider, Result, StopReason, Stopped, ToolError, ToolLimits,
    wit::chat::{Prompt, PromptCache, Request, ToolCall},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use super::{
    exit_code::Usage,
    output,
    reply::{Answer, Answering, Asked},
    search_path,
};

/// How long one call may take, where `--timeout` does not say less.
const TIME: Duration = Duration::from_secs(60);

/// The most that is read of what it prints, in bytes: more than a model should be told at once.
const OUTPUT: u64 = 256 << 10;

/// How much of a call's arguments is shown, in bytes.
const SHOWN: usize = 2_000;

/// The variables that it gets: where programs, files and languages are. A key may stand in any other.
const VARIABLES: [&str; 12] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "PATHEXT"];

/// The program behind `--run`.
pub(crate) struct ToolCommand {
    program: PathBuf,
    time: Duration,
}

impl ToolCommand {
    /// Found now, and not once a call was paid for.
    pub(crate) fn find(name: &Path, time: Duration) -> anyhow::Result<Self> {
        let found = match (name.components().count(), name.to_str()) {
            (1, Some(name)) => search_path::find(name),
            _ => Some(name.to_owned()).filter(|path| search_path::is_program(path)),
        };
        let not_found = || {
            let is_here = name.is_file();
            let why = match name.components().count() {
                1 if is_here && !name.starts_with(".") => {
                    "no folder of the PATH has it; for the file here, write ./ before it"
                }
                _ if is_here => "the file may not be run (chmod +x makes it a program)",
                _ => "--run takes the name or the path of one, without arguments",
            };
            Usage(format!("`{}` is no program to run: {why}", name.display()))
        };
        let program = found.and_then(|program| std::path::absolute(program).ok());
        Ok(Self { program: program.ok_or_else(not_found)?, time: time.min(TIME) })
    }

    /// What it prints, or in a few words why it did not: both are for the model.
    async fn run(&self, call: ToolCall, arguments: Value) -> Result<String, ToolError> {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // With what it starts itself, so that all of it ends with it.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        let group = Group { id: child.id(), child };
        let asked = json!({"id": call.id, "name": call.name, "arguments": arguments}).to_string() + "\n";
        Ok(match tokio::time::timeout(self.time, group.answer(asked.as_bytes())).await {
            Ok(answer) => answer?,
            Err(_) => format!("error: it took longer than {} s", self.time.as_secs()),
        })
    }
}

/// A running program, which ends with this, and so does all that it started.
struct Group {
    child: Child,
    /// Noted at once: a child that has ended has none, while others of its group go on.
    id: Option<u32>,
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Group {
    async fn answer(mut self, asked: &[u8]) -> std::io::Result<String> {
        let (mut input, out, err) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let write = async {
            if let Some(mut input) = input.take() {
                // One that does not read it may answer all the same.
                let _ = input.write_all(asked).await;
            }
        };
        let ((), out, err) = tokio::join!(write, read(out), read(err));
        let (out, err) = (out?, err?);
        if let Some(line) = err.lines().next() {
            output::note(&format!("{line:.200}"));
        }
        if out.len() as u64 > OUTPUT {
            return Ok(format!("error: it printed more than {} KiB", OUTPUT >> 10));
        }
        let status = self.child.wait().await?;
        Ok(if status.success() { out } else { format!("error: {status}\n{out}") }.trim_end().to_owned())
    }
}

/// All of it, and of too much one byte more.
async fn read(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(OUTPUT + 1).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Asks, runs the tools that the model calls, and asks again, each answer by itself.
pub(crate) async fn converse(
    provider: &Provider,
    prompt: Prompt,
    cache: Option<PromptCache>,
    command: &ToolCommand,
    answering: impl Fn() -> Answering,
) -> anyhow::Result<Answer> {
    let (answers, stopped) = (RefCell::new(Vec::new()), Cell::new(false));
    let given_up = || {
        stopped.set(true);
        Error::host(ErrorKind::Other, "stopped")
    };
    let ask = |prompt: Prompt| {
        let asked = Asked { model: prompt.model.clone(), request: Request { prompt_cache: cache, ..prompt.into() } };
        let answering = answering().without_calls();
        let (answers, given_up) = (&answers, &given_up);
        async move {
            let answer = answering.ask(provider, asked).await?;
            let (response, is_stopped) = (answer.response.clone(), answer.stopped);
            answers.borrow_mut().push(answer);
            if is_stopped { Err(given_up()) } else { Ok(response) }
        }
    };
    let tool = |call: ToolCall, arguments| {
        let given_up = &given_up;
        async move {
            let written = &call.arguments_json;
            let (shown, more) = written.split_at(written.floor_char_boundary(SHOWN));
            let more = if more.is_empty() { String::new() } else { format!("… and {} bytes more", more.len()) };
            output::note(&format!("{:.100}({shown}{more})", call.name));
            tokio::select! {
                result = command.run(call, arguments) => result,
                Ok(()) = tokio::signal::ctrl_c() => Err(given_up().into()),
            }
        }
    };
    let said = ToolLimits::default().run(prompt, ask, tool).await;
    let mut answers = answers.take();
    match (said, answers.pop()) {
        (Ok(said), Some(answer)) => Ok(answer.after(said.usage, answers)),
        (Err(_), Some(answer)) if stopped.get() => Ok(answer.stopped()),
        (Err(stopped), _) => Err(failed(stopped).into()),
        (Ok(_), None) => Err(Error::host(ErrorKind::Other, "there was no answer").into()),
    }
}

fn failed(stopped: Stopped) -> Error {
    let message = stopped.to_string();
    match stopped.reason {
        StopReason::Call(error) => error,
        StopReason::Time(_) => Error::host(ErrorKind::Timeout, message),
        StopReason::Cut => Error::host(ErrorKind::Truncated, message),
        _ => Error::host(ErrorKind::Other, message),
    }
}
