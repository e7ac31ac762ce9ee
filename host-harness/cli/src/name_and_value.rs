//! Flags that take a name and a value: `--header 'Name: value'`, `--option NAME=VALUE`. No error shows the value.

use std::ffi::OsStr;

use clap::{
    Arg, Command,
    builder::{StringValueParser, TypedValueParser},
    error::ErrorKind,
};
use serde_json::Value;

/// Reads a name and a value. The value may be a secret: clap's own errors would show it.
#[derive(Clone)]
pub(crate) struct Named<T>(pub(crate) fn(&str) -> Result<(String, T), String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = (String, T);

    fn parse_ref(&self, command: &Command, flag: Option<&Arg>, text: &OsStr) -> Result<Self::Value, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, flag, text)?;
        self.0(&text).map_err(|why| {
            let flag = flag.map(Arg::to_string).unwrap_or_default();
            command.clone().error(ErrorKind::ValueValidation, format!("invalid value for '{flag}': {why}"))
        })
    }
}

/// `Name: value`.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let wrong = || {
        // What a name could be is named, and no more: behind it may be a secret.
        let name = text.trim().split_once(|sign: char| sign.is_whitespace() || matches!(sign, ':' | '='));
        let name = name.map(|(name, _)| name).filter(|name| !name.is_empty());
        let found = name.map(|name| format!(", and not `{name}` and so on")).unwrap_or_default();
        format!("write it as 'Name: value'{found}")
    };
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = http::HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    Ok((name.to_string(), value.trim().to_owned()))
}

/// The value of an option: JSON, or text.
pub(crate) fn option_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
