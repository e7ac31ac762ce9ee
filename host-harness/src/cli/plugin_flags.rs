//! Flags whose names the plugin gives: one for each credential that it declares, such as `--portkey-api-key`, and
//! `--<id>-config` for its option `config`. The names are not known before the plugin is loaded, and a secret must not
//! stay in this process's arguments, which every user of the machine can read. So the program starts itself anew: the
//! secret goes along in the environment, the option under its general name, `--option`.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, ExitCode},
};

use clap::{
    Arg,
    error::{ContextKind, ContextValue, ErrorKind},
};
use host_harness::{Engine, Plugin, wit::onboarding::Descriptor};

use super::{connect, output};

/// Where clap stumbled over a flag whose name the plugin gives: runs this program without such flags, and says how that
/// ended. `None` where the error stands.
pub(crate) fn run_without(error: &clap::Error) -> Option<ExitCode> {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) => unknown.clone(),
        _ => return None,
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let flags = flags(&descriptor(&arguments)?);
    flags.iter().find(|flag| flag.name == unknown)?;

    let mut command = Command::new(std::env::current_exe().ok()?);
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy().into_owned();
        let (name, inline) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            command.arg(argument);
            continue;
        };
        let value = inline.map(OsString::from).or_else(|| rest.next()).filter(|value| !value.is_empty());
        let Some(value) = value else {
            return Some(output::failure(&output::Usage(format!("{} needs a value", flag.name)).into(), false));
        };
        match &flag.means {
            Means::Variable(variable) => drop(command.env(variable, value)),
            Means::Option(option) => {
                let mut given = OsString::from(format!("{option}="));
                given.push(value);
                command.arg("--option").arg(given);
            }
        }
    }
    Some(replace_this_process(command))
}

/// A flag that the plugin gives the name of.
struct Flag {
    /// Dashes included.
    name: String,
    /// For people.
    about: String,
    means: Means,
}

enum Means {
    /// This environment variable, which holds a secret.
    Variable(String),
    /// This option of the plugin.
    Option(&'static str),
}

fn flags(descriptor: &Descriptor) -> Vec<Flag> {
    let credentials = descriptor.credentials.iter().filter_map(|credential| {
        let means = Means::Variable(credential.env_vars.first()?.clone());
        Some(Flag { name: credential.cli_flag.clone()?, about: credential.label.clone(), means })
    });
    let config = Flag {
        name: format!("--{}-config", descriptor.id),
        about: format!("The {} configuration for these calls: its id, or the configuration itself", descriptor.label),
        means: Means::Option("config"),
    };
    credentials.chain([config]).collect()
}

/// `command` with the plugin's flags where they are taken, for completions and manuals: never for parsing.
pub(crate) fn shown(command: clap::Command, descriptor: &Descriptor) -> clap::Command {
    let args: Vec<Arg> = flags(descriptor)
        .into_iter()
        .map(|flag| {
            let name = flag.name.trim_start_matches('-').to_owned();
            Arg::new(name.clone()).long(name).help(flag.about).value_name("VALUE")
        })
        .collect();
    command.mut_subcommands(|command| {
        let calls = command.get_arguments().any(|argument| argument.get_id() == "base_url");
        if calls { command.args(&args) } else { command }
    })
}

/// The plugin that the arguments name, or the one that is taken without.
fn descriptor(arguments: &[OsString]) -> Option<Descriptor> {
    let named = arguments.iter().enumerate().find_map(|(at, argument)| {
        let text = argument.to_str()?;
        let inline = text.strip_prefix("--plugin=").map(str::to_owned);
        inline.or_else(|| (text == "--plugin").then(|| arguments.get(at + 1)?.to_str().map(str::to_owned))?)
    });
    let component = connect::component(named.as_deref().map(Path::new)).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let plugin = runtime.block_on(async { Plugin::load(&Engine::new(connect::few())?, component).await }).ok()?;
    Some(plugin.descriptor().clone())
}

#[cfg(unix)]
fn replace_this_process(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    output::failure(&anyhow::Error::new(error).context("could not start this program anew"), false)
}

#[cfg(not(unix))]
fn replace_this_process(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => output::failure(&anyhow::Error::new(error).context("could not start this program anew"), false),
    }
}
