//! OpenClaw's `.env` files, by the rules of the npm package dotenv, version 17.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

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
        Err(error) => return Err(Error::config(format!("cannot read `{}`: {error}", file.display())).source(error)),
    };
    let pairs = parse(&String::from_utf8_lossy(&bytes));
    Ok(pairs.into_iter().map(|(name, value)| Variable { name, value, file: file.to_owned() }).collect())
}

/// `NAME=value` a line; a value in quotes may go on over lines, and one without ends at a `#`. Of several the last counts.
fn parse(text: &str) -> Vec<(String, String)> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = &*text;
    while !rest.is_empty() {
        let (pair, after) = line(rest);
        rest = after;
        if let Some((name, value)) = pair {
            pairs.retain(|(other, _)| *other != name);
            pairs.push((name, value));
        }
    }
    pairs
}

/// The pair that `text` begins with, and what follows its line.
fn line(text: &str) -> (Option<(String, String)>, &str) {
    let (first, next) = text.split_once('\n').unwrap_or((text, ""));
    let start = first.trim_start();
    let start = start
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(char::is_whitespace))
        .map_or(start, str::trim_start);
    let name_end = start.find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')));
    let (name, rest) = start.split_at(name_end.unwrap_or(start.len()));
    let behind = rest.trim_start();
    let value = match (behind.strip_prefix('='), rest.strip_prefix(':')) {
        (Some(value), _) => value,
        (None, Some(value)) if value.starts_with(char::is_whitespace) => value,
        _ => return (None, next),
    };
    if name.is_empty() {
        return (None, next);
    }
    // From here on the value may leave its line.
    let value = text.get(first.len() - value.len()..).unwrap_or_default();
    let space = value.len() - value.trim_start_matches([' ', '\t']).len();
    let quoted = value.get(space..).unwrap_or_default();
    if let Some(quote) = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`')) {
        let mut escaped = false;
        let end = quoted.char_indices().skip(1).find_map(|(at, letter)| {
            let ends = letter == quote && !escaped;
            escaped = letter == '\\' && !escaped;
            ends.then_some(at)
        });
        if let Some(end) = end {
            let inside = quoted.get(1..end).unwrap_or_default();
            let value = if quote == '"' { inside.replace("\\n", "\n").replace("\\r", "\r") } else { inside.to_owned() };
            let after = quoted.get(end..).and_then(|rest| rest.split_once('\n')).map_or("", |(_, after)| after);
            return (Some((name.to_owned(), value)), after);
        }
    }
    let value = value.split('\n').next().unwrap_or_default();
    let value = value.split('#').next().unwrap_or_default().trim();
    (Some((name.to_owned(), value.to_owned())), next)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("L=1\n\nK=v", Some("v")),
            ("\u{feff}K=v", Some("v")),
        ] {
            let found = parse(text).into_iter().find(|(name, _)| name == "K").map(|(_, value)| value);
            assert_eq!(found.as_deref(), value, "{text:?}");
        }
    }
}
