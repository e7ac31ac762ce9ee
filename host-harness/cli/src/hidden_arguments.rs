//! Keeps secrets out of the process list, where every user of the machine can read this program's arguments. The
//! program restarts itself with placeholders for values that may be secrets, and passes the values in the environment,
//! which only this user can read.
//!
//! Owns which values those are. Only on Unix-like systems; elsewhere arguments stay as they are.

use std::{
    collections::HashSet,
    ffi::OsString,
    io,
    process::{Command, ExitCode},
    sync::LazyLock,
};

use clap::CommandFactory;

use super::Cli;

/// Says that values went along, in variables of this name with a number behind it: the process that they are for, which
/// stays the same when a program takes another's place, and how many there are.
const HIDDEN: &str = "HOST_HARNESS_HIDDEN";

/// What stands in the place of a value.
const SIGN: &str = "***";

/// Flags whose values may be secrets, by what they are for.
const SECRET: [&str; 5] = ["--header", "--option", "--metadata", "--require", "--set"];

/// The arguments as the user gave them, this program's name first.
pub(crate) fn given() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let values = hidden_values();
    if values.is_empty() {
        return arguments;
    }
    let mut places = places(&arguments);
    places.truncate(values.len());
    for (place, value) in places.into_iter().zip(values) {
        if let Some(argument) = arguments.get_mut(place.at) {
            *argument = place.with(value);
        }
    }
    arguments
}

/// Takes what may be a secret out of the process list, where there is any. Gives how that ended, or nothing where this
/// process may go on.
pub(crate) fn hide(arguments: &[OsString]) -> Option<io::Result<ExitCode>> {
    let shown = std::env::args_os().collect::<Vec<_>>();
    let is_hidden = places(&shown).iter().all(|place| place.value == SIGN);
    (cfg!(unix) && !is_hidden).then(|| start_anew(arguments.get(1..).unwrap_or_default(), |_| {}))
}

/// Starts this program anew with other arguments, and what `prepare` adds. Only a failure comes back on Unix-like systems.
pub(crate) fn start_anew(arguments: &[OsString], prepare: impl FnOnce(&mut Command)) -> io::Result<ExitCode> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = std::env::args_os().next().unwrap_or_default();
    let mut arguments: Vec<_> = [name].iter().chain(arguments).cloned().collect();
    if cfg!(unix) {
        let places = places(&arguments);
        command.env(HIDDEN, format!("{} {}", std::process::id(), places.len()));
        for (number, place) in places.into_iter().enumerate() {
            if let Some(argument) = arguments.get_mut(place.at) {
                *argument = place.with(SIGN.into());
            }
            command.env(format!("{HIDDEN}_{number}"), place.value);
        }
    }
    command.args(arguments.into_iter().skip(1));
    prepare(&mut command);
    replace_this_process(command)
}

#[cfg(unix)]
fn replace_this_process(mut command: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace_this_process(mut command: Command) -> io::Result<ExitCode> {
    let code = command.status()?.code();
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// What went along for this very process: one that it starts gets the same environment, and other arguments.
fn hidden_values() -> Vec<OsString> {
    let Ok(hidden) = std::env::var(HIDDEN) else { return Vec::new() };
    let count = hidden.split_once(' ').filter(|(process, _)| *process == std::process::id().to_string());
    let count = count.and_then(|(_, count)| count.parse::<usize>().ok()).unwrap_or(0);
    (0..count).map_while(|number| std::env::var_os(format!("{HIDDEN}_{number}"))).collect()
}

/// A value that may be a secret among arguments.
struct Place {
    at: usize,
    /// The flag before it in the same argument, with its sign of equality.
    flag: Option<String>,
    value: OsString,
}

impl Place {
    /// The argument with another value.
    fn with(&self, value: OsString) -> OsString {
        let mut argument = OsString::from(self.flag.clone().unwrap_or_default());
        argument.push(value);
        argument
    }
}

/// Where values stand that may be secrets: those of flags that are made for them, those of flags that the plugin names,
/// which are not known yet, and URLs with more than a place in them.
fn places(arguments: &[OsString]) -> Vec<Place> {
    let is_secret = |flag: &str| SECRET.contains(&flag) || !known_flags().contains(flag);
    let mut places = Vec::new();
    // The flag whose value the next argument is, if it takes one.
    let mut after: Option<bool> = None;
    for (at, argument) in arguments.iter().enumerate().skip(1) {
        let text = argument.to_string_lossy();
        let mut add = |flag: Option<String>, value: OsString| {
            if !value.is_empty() {
                places.push(Place { at, flag, value });
            }
        };
        let was = after.take();
        if text == "--" {
            break;
        }
        match text.strip_prefix("--").map(|flag| flag.split_once('=')) {
            Some(Some((name, value))) if is_secret(&format!("--{name}")) || is_telling(value) => {
                add(Some(format!("--{name}=")), value.into());
            }
            Some(Some(_)) => {}
            Some(None) => after = Some(is_secret(&text)),
            None if was == Some(true) || is_telling(&text) => add(None, argument.clone()),
            None => {}
        }
    }
    places
}

/// Whether a URL holds a password, or something behind its path, such as a signature.
fn is_telling(text: &str) -> bool {
    let scheme = text.trim_start().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_url = matches!(scheme.as_deref(), Some("http" | "https"));
    is_url && text.contains(['@', '?', '#']) || text == SIGN
}

/// The long flags of all commands.
fn known_flags() -> &'static HashSet<String> {
    // To build all commands takes its time, and most command lines do not need it.
    static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let mut commands = Cli::command();
        commands.build();
        let own = commands.get_arguments().chain(commands.get_subcommands().flat_map(clap::Command::get_arguments));
        own.filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
    });
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_secrets_are_found() {
        for (line, hidden) in [
            ("chat hello --model gpt --json", ""),
            ("chat --header A:b hello", "A:b"),
            ("chat --header=A:b --option config={} --metadata a=b", "A:b config={} a=b"),
            ("chat --acme-api-key key hello", "key"),
            ("chat --acme-api-key=key hello", "key"),
            ("chat --acme-config {} -- --header A:b", "{}"),
            ("chat --no-stream hello", ""),
            ("chat --header --json", ""),
            ("stub --require x:y", "x:y"),
            ("chat --set tools=[] hello", "tools=[]"),
            ("chat --base-url HTTPS://user:pw@host/v1", "HTTPS://user:pw@host/v1"),
            ("chat --base-url http://user:pw@host/v1", "http://user:pw@host/v1"),
            ("chat --image https://host/a.png?signature=1 --base-url http://host/v1", "https://host/a.png?signature=1"),
        ] {
            let arguments: Vec<OsString> =
                ["host-harness"].into_iter().chain(line.split(' ')).map(Into::into).collect();
            let found: Vec<_> =
                places(&arguments).into_iter().map(|place| place.value.into_string().unwrap()).collect();
            assert_eq!(found.join(" "), hidden, "{line}");
        }
    }
}
