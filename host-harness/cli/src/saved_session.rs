//! Saved sessions of `chat`, a file for each, to be continued later. Owns where the files are and what is in them: the
//! model, and the messages in the form of OpenAI's API. No header, option or key is kept.

use std::{
    cell::Cell,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcetera::BaseStrategy;
use host_harness::{Credentials, wit::chat::Message};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{exit_code::Usage, output};

/// The largest session that is read, in bytes: some images are in it.
const LARGEST: u64 = 512 << 20;

/// The shortest key that is looked for in one, in bytes, as in answers.
const SHORTEST: usize = 6;

/// The members of a message that hold what was said. The others are the form of the file, and a key may be a word of it.
const SAID: [&str; 12] = [
    "content", "text", "thinking", "refusal", "arguments", "filename", "url", "file_data", "id", "tool_call_id",
    "name", "signature",
];

/// What a session without a name is kept as.
const UNNAMED: &str = "default";

/// A session that is kept.
pub(crate) struct Saved {
    name: String,
    path: PathBuf,
    /// When the file was written that this goes on from.
    written: Cell<Option<SystemTime>>,
    /// What was said in it before, and by which model; nothing in a new one.
    pub(crate) messages: Vec<Message>,
    pub(crate) model: Option<String>,
}

impl Saved {
    /// The session of this name, which need not exist yet.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with(['.', '-']) || !name.bytes().all(is_plain) {
            let why =
                "a session's name is made of letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first";
            return Err(Usage(why.into()).into());
        }
        Self::at(name.to_owned(), folder()?.join(format!("{name}.json")))
    }

    /// The session that was used last; where there is none, a new one.
    pub(crate) fn last() -> anyhow::Result<Self> {
        let written = |entry: fs::DirEntry| {
            let path = entry.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            let is_session = path.extension().is_some_and(|ending| ending == "json") && !name.starts_with('.');
            Some((entry.metadata().ok()?.modified().ok()?, name, path)).filter(|_| is_session)
        };
        let entries = fs::read_dir(folder()?).into_iter().flatten().flatten();
        match entries.filter_map(written).max() {
            Some((_, name, path)) => Self::at(name, path),
            None => Self::named(UNNAMED),
        }
    }

    fn at(name: String, path: PathBuf) -> anyhow::Result<Self> {
        let written = Cell::new(last_written(&path));
        let bytes = match host_harness::command_line::read_file(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { name, path, written, messages: Vec::new(), model: None });
            }
            Err(error) => return Err(damaged(&name, &path, &error).into()),
        };
        let session: Value = serde_json::from_slice(&bytes).map_err(|error| damaged(&name, &path, &error))?;
        let messages = Message::history_from_openai(session.get("messages").unwrap_or(&Value::Null));
        let messages = messages.map_err(|error| damaged(&name, &path, &error))?;
        let model = session.get("model").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { name, path, written, messages, model })
    }

    /// What a user should know of it.
    pub(crate) fn about(&self) -> String {
        match self.messages.iter().filter(|message| matches!(message, Message::User(_))).count() {
            0 => format!("this is kept as the session `{}`: --session {} goes on with it", self.name, self.name),
            1 => format!("going on with the session `{}`, after one question", self.name),
            asked => format!("going on with the session `{}`, after {asked} questions", self.name),
        }
    }

    /// Keeps what was said so far, for this user alone. A key of `held` that was said is left out, unless it is so short that it
    /// may be an ordinary word.
    pub(crate) fn keep(&self, model: &str, messages: &[Message], held: &Credentials) -> Result<(), Usage> {
        let secrets = held.ids().filter_map(|id| held.secret(id)).map(|secret| secret.expose_secret());
        let secrets: Vec<&str> = secrets.filter(|secret| secret.len() >= SHORTEST).collect();
        let mut messages = Message::history_to_openai(messages);
        mask(&mut messages, &secrets);
        let text = format!("{:#}\n", json!({"model": model, "messages": messages}));
        if last_written(&self.path) != self.written.get() {
            output::warn(&format!(
                "another program has written the session `{0}` since it was read, and this goes in its place: to keep \
                 both, give each --session another name",
                self.name
            ));
        }
        let write = || {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            make_folder(folder)?;
            // Made with mode 0600, and in its place at once.
            let mut file = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.persist(&self.path).map(drop).map_err(|error| error.error)?;
            self.written.set(last_written(&self.path));
            Ok(())
        };
        write().map_err(|error: io::Error| {
            Usage(format!("cannot keep the session `{}` in `{}`: {error}", self.name, self.path.display()))
        })
    }
}

fn last_written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Leaves the `secrets` out of what was said, also as JSON within it writes them.
fn mask(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // Data: masked it would be broken.
                    Value::String(text) if text.starts_with("data:") && matches!(&**name, "url" | "file_data") => {}
                    Value::String(text) if SAID.contains(&&**name) => {
                        for secret in secrets {
                            let escaped = Value::from(*secret).to_string();
                            *text = text.replace(&escaped[1..escaped.len() - 1], "***").replace(secret, "***");
                        }
                    }
                    member => mask(member, secrets),
                }
            }
        }
        _ => {}
    }
}

fn damaged(name: &str, path: &Path, error: &dyn std::fmt::Display) -> Usage {
    let path = path.display();
    Usage(format!(
        "the session `{name}` cannot be read: {error}. Fix or remove `{path}`, or give another name with --session"
    ))
}

/// Where programs keep their state.
fn folder() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy()?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    if !state.is_absolute() {
        return Err(Usage("no home folder is known: set HOME to a whole path".into()).into());
    }
    let own = state.join("host-harness");
    let folder = own.join("sessions");
    check(&own)?;
    check(&folder)?;
    Ok(folder)
}

/// Who can write there could put words into a session.
fn check(folder: &Path) -> Result<(), Usage> {
    #[cfg(unix)]
    if let Ok(found) = fs::metadata(folder) {
        use std::os::unix::fs::MetadataExt;
        let user = rustix::process::geteuid();
        if found.mode() & 0o022 != 0 || found.uid() != user.as_raw() && !user.is_root() {
            return Err(Usage(format!(
                "other users can write to `{0}`, where sessions are kept: look at what is in it, then run chmod 700 '{0}'",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_an_address_is_left_out() {
        let data = "data:application/pdf;base64,a-long-key";
        let said = |url: &str, data: &str| json!([{"file": {"file_data": url}}, {"file": {"file_data": data}}]);
        let mut messages = said("https://h/a.pdf?k=a-long-key", data);
        mask(&mut messages, &["a-long-key"]);
        assert_eq!(messages, said("https://h/a.pdf?k=***", data));
    }
}
