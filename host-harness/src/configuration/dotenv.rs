//! OpenClaw's `.env` files, by the rules of the npm package dotenv, version 17.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::write::{ATTEMPTS, Update, write};
use crate::{
    error::{Error, Result},
    file::read_file,
};

/// The largest that OpenClaw reads, in bytes.
const LARGEST: u64 = 1 << 20;

/// A variable and the file that sets it.
#[derive(Clone)]
pub(crate) struct Variable {
    name: String,
    value: String,
    file: PathBuf,
}

impl fmt::Debug for Variable {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("name", &self.name).field("file", &self.file).finish_non_exhaustive()
    }
}

/// The variable's value and the file that sets it: of several files the first counts.
pub(crate) fn get(variables: &[Variable], name: &str) -> Option<(String, PathBuf)> {
    let found = variables.iter().find(|variable| variable.name == name)?;
    Some((found.value.clone(), found.file.clone())).filter(|(value, _)| !value.trim().is_empty())
}

/// What the file sets; nothing where there is none.
///
/// # Errors
/// Where it is there and cannot be read: a key in it would be missing without a word.
pub(crate) fn read(file: &Path) -> Result<Vec<Variable>> {
    let bytes = match read_file(file, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Error::config(format!("cannot read `{}`: {error}", file.display()))),
    };
    let pairs = parse(&String::from_utf8_lossy(&bytes));
    Ok(pairs.into_iter().map(|(name, value)| Variable { name, value, file: file.to_owned() }).collect())
}

/// Makes the file set the variable `name`, once, as a configuration is written: readable by its owner alone, in one step,
/// with a backup, and not over what another program wrote in the meantime.
///
/// # Errors
/// Where it cannot be written, or the value is one that no such file can hold.
pub(crate) async fn set(file: &Path, name: &str, value: &SecretString) -> Result<Update> {
    let failed = |error: io::Error| {
        Error::config(format!("cannot write `{}`: {error}", file.display()))
            .hint("It is as it was. Check that you may write to it and its folder, and that there is space.")
    };
    for _ in 0..ATTEMPTS {
        let old = match read_file(file, LARGEST) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|error| failed(io::Error::other(error.utf8_error())))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let text = old.as_deref().unwrap_or_default();
        let new = with(text, name, value.expose_secret())
            .ok_or_else(|| Error::config(format!("no `.env` file can hold this value of {name}")))?;
        if new == text {
            return Ok(Update::Unchanged);
        }
        if let Some(written) = write(file, old.as_deref(), &new).await.map_err(failed)? {
            return Ok(written);
        }
    }
    Err(Error::config(format!("another program keeps changing `{}`", file.display()))
        .hint("Stop it, or try again later; nothing was written."))
}

/// `text` where it sets `name` to `value`, and to nothing else: in the place where it did, else at its end. `None` where it
/// cannot say that value.
fn with(text: &str, name: &str, value: &str) -> Option<String> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/+=@".contains(&byte));
    let quote = if is_plain { Some("") } else { ["'", "`", "\""].into_iter().find(|quote| !value.contains(quote)) }?;
    let set = format!("{name}={quote}{value}{quote}\n");
    let lines = text.replace("\r\n", "\n");
    let mut new = String::with_capacity(lines.len() + set.len());
    let (mut rest, mut is_set) = (&*lines, false);
    while !rest.is_empty() {
        let (pair, after) = line(rest.trim_start_matches('\u{feff}'));
        if pair.is_some_and(|(other, _)| other == name) {
            if !is_set {
                new.push_str(&set);
            }
            is_set = true;
        } else {
            // To look whether it ends in what follows would read all of that once more for each line.
            new.push_str(rest.get(..rest.len() - after.len()).unwrap_or(rest));
        }
        rest = after;
    }
    if !is_set {
        if !new.is_empty() && !new.ends_with('\n') {
            new.push('\n');
        }
        new.push_str(&set);
    }
    if parse(&new).get(name).is_none_or(|set| set != value) {
        return None;
    }
    Some(if text.contains("\r\n") { new.replace('\n', "\r\n") } else { new })
}

/// `NAME=value` a line; a value in quotes may go on over lines, and one without ends at a `#`. Of several the last counts.
fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut pairs = BTreeMap::new();
    let mut rest = &*text;
    while !rest.is_empty() {
        let (pair, after) = line(rest);
        rest = after;
        pairs.extend(pair);
    }
    pairs
}

/// The pair that `text` begins with, and what follows its line. Empty lines before it belong to it.
fn line(text: &str) -> (Option<(String, String)>, &str) {
    let start = text.trim_start();
    let next = after_line(start);
    let start = start
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(char::is_whitespace))
        .map_or(start, str::trim_start);
    let name_end = start.find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')));
    let (name, rest) = start.split_at(name_end.unwrap_or(start.len()));
    // The sign and the value may stand on lines of their own.
    let value = match (rest.trim_start().strip_prefix('='), rest.strip_prefix(':')) {
        (Some(value), _) => value,
        (None, Some(value)) if value.starts_with(char::is_whitespace) => value.get(1..).unwrap_or_default(),
        _ => return (None, next),
    };
    if name.is_empty() {
        return (None, next);
    }
    let opening = |text: &str| text.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'));
    let quoted = value.trim_start();
    let end = opening(quoted).and_then(|quote| end(quoted, quote));
    let (value, after) = match end {
        Some(end) => (quoted.get(..end).unwrap_or_default(), quoted.get(end..).unwrap_or_default()),
        None => (value.split(['\n', '#']).next().unwrap_or_default().trim(), value),
    };
    let quote = opening(value);
    let inside = quote.and_then(|quote| value.get(1..)?.strip_suffix(quote)).unwrap_or(value);
    let value = if quote == Some('"') { inside.replace("\\n", "\n").replace("\\r", "\r") } else { inside.to_owned() };
    (Some((name.to_owned(), value)), after_line(after))
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, after)| after)
}

/// Where a value in quotes ends: its line holds nothing behind it but a comment. A quote behind a backslash is one of the
/// value's, unless there is no other end.
fn end(quoted: &str, quote: char) -> Option<usize> {
    let mut ends = Vec::new();
    for (at, _) in quoted.match_indices(quote).skip(1) {
        ends.push(at + 1);
        if !quoted.get(..at).unwrap_or_default().ends_with('\\') {
            break;
        }
    }
    let is_last = |end: &usize| {
        let behind = quoted.get(*end..).unwrap_or_default().trim_start_matches([' ', '\t']);
        behind.is_empty() || behind.starts_with(['\n', '#'])
    };
    ends.into_iter().rev().find(is_last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_once_and_the_rest_stays() {
        for (text, value, expected) in [
            ("", "pk-1", "K=pk-1\n"),
            ("# mine\nA=1", "pk-1", "# mine\nA=1\nK=pk-1\n"),
            ("A=1\nexport K='old' # x\n# K=z\nB=2\n", "pk-1", "A=1\nK=pk-1\n# K=z\nB=2\n"),
            ("K=a\nB=2\nK=\"b\nc\"\nD=4\n", "pk-1", "K=pk-1\nB=2\nD=4\n"),
            ("A=1\r\nK=a\r\nB=2\r\n", "pk-1", "A=1\r\nK=pk-1\r\nB=2\r\n"),
            ("\u{feff}A=1\n", "pk-1", "\u{feff}A=1\nK=pk-1\n"),
            ("", "a#b", "K='a#b'\n"),
            ("", "a'b", "K=`a'b`\n"),
            ("K=pk-1\n", "pk-1", "K=pk-1\n"),
        ] {
            assert_eq!(with(text, "K", value).as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(with("", "K", "a'b`c\"d"), None);
        assert_eq!(with("", "K", "a'`\\n"), None, "in double quotes that would be a line break");
    }

    /// As large as one may be. Each took time by the square.
    #[test]
    fn a_file_of_empty_lines_or_of_many_variables_is_read() {
        let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
        assert_eq!(parse(&(lines(1 << 20, &|_| "\n".into()) + "#")).len(), 0);
        assert_eq!(parse(&lines(1 << 16, &|number| format!("A{number:x}=\n"))).len(), 1 << 16);
        assert!(with(&lines(1 << 19, &|_| "#\n".into()), "K", "v").unwrap().ends_with("#\nK=v\n"));
    }

    /// Each was held against dotenv 17.4.2, which OpenClaw uses.
    #[test]
    fn lines_are_read_as_dotenv_reads_them() {
        for (text, value) in [
            ("K=v", Some("v")),
            ("export K=v\r\n", Some("v")),
            ("  K = v # mine", Some("v")),
            ("K=v#w", Some("v")),
            ("K='v # w' # x", Some("v # w")),
            ("K=\"a\\nb\"", Some("a\nb")),
            ("K='a\\nb'", Some("a\\nb")),
            ("K=\"a\nb\"\nL=1", Some("a\nb")),
            ("K=`a`", Some("a")),
            ("K: v", Some("v")),
            ("# K=v", None),
            ("K", None),
            ("K=", Some("")),
            ("K=a\nK=b", Some("b")),
            ("K=a=b==", Some("a=b==")),
            ("K=\"a", Some("\"a")),
            ("K=\"a\" b", Some("\"a\" b")),
            ("K='a'b # 'c'", Some("'a'b")),
            ("K='a\nK='b' # it's", Some("b")),
            ("K=\"x # y\nL=\"1\"", Some("\"x")),
            ("K='a\\'b'", Some("a\\'b")),
            ("K='a\\'", Some("a\\")),
            ("K\n=v", Some("v")),
            ("K=\n'v'", Some("v")),
            ("K=\nL=2", Some("")),
            ("K:\nv", Some("v")),
            ("K=${L}\nL=1", Some("${L}")),
            ("L=1\n\nK=v", Some("v")),
            ("\u{feff}K=v", Some("v")),
        ] {
            assert_eq!(parse(text).get("K").map(String::as_str), value, "{text:?}");
        }
    }
}
