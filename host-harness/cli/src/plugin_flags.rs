//! Flags whose names the plugin gives: one for each credential that it declares, such as `--portkey-api-key`, and
//! `--<id>-config` for its option `config`. The names are known only after the plugin is loaded, so the program then
//! restarts itself: it passes the secret in an environment variable of ours, and the option as `--option`.

use std::{ffi::OsString, path::Path, process::ExitCode};

use super::{Cli, component_file, connect, exit_code::Usage, given_secret::variable, hidden_arguments};
use anyhow::Context;
use clap::{
    Arg, CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};
use host_harness::{Engine, Plugin, command_line::nearest, wit::onboarding::Descriptor};

/// Where clap stumbled over a flag whose name the plugin gives: runs this program without such flags, and says how that
/// ended. `None` where the error stands, which then names the plugin's flag if that one was meant.
pub(crate) fn run_without(error: &mut clap::Error, arguments: &[OsString]) -> anyhow::Result<Option<ExitCode>> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return Ok(None);
    };
    let unknown = unknown.clone();
    let arguments: Vec<OsString> = arguments.iter().skip(1).cloned().collect();
    let commands = Cli::command();
    let name = arguments.iter().find(|argument| !argument.to_string_lossy().starts_with('-'));
    let Some(command) = name.and_then(|name| commands.find_subcommand(name)).filter(|command| calls(command)) else {
        return Ok(None);
    };
    let descriptor = match descriptor(&arguments) {
        Ok(descriptor) => descriptor,
        // As far as a name tells, it is the plugin's flag: then this is what is wrong.
        Err(error) if unknown.ends_with("-api-key") || unknown.ends_with("-config") => return Err(error),
        Err(_) => return Ok(None),
    };
    let flags = flags(command, &descriptor);
    if !flags.iter().any(|flag| flag.name == unknown) {
        if let Some(meant) = nearest(&unknown, flags.iter().map(|flag| &*flag.name)) {
            error.insert(ContextKind::SuggestedArg, ContextValue::String(meant.into()));
            error.remove(ContextKind::Usage);
        }
        return Ok(None);
    }

    let (mut rest, mut anew) = (arguments.into_iter(), Vec::new());
    let mut variables: Vec<(String, OsString)> = Vec::new();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            anew.push(argument);
            anew.extend(rest);
            break;
        }
        let text = argument.to_string_lossy().into_owned();
        let (name, inline) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            anew.push(argument);
            continue;
        };
        let next = || rest.next().filter(|value| !value.to_string_lossy().starts_with("--"));
        let value = inline.map(OsString::from).or_else(next).filter(|value| !value.to_string_lossy().trim().is_empty());
        let value = value.ok_or_else(|| Usage(format!("{} needs a value", flag.name)))?;
        match &flag.means {
            Means::Variable(own) => variables.push((variable(own), value)),
            Means::Option(option) => {
                let mut pair = OsString::from(format!("{option}="));
                pair.push(value);
                anew.extend(["--option".into(), pair]);
            }
        }
    }
    let started = hidden_arguments::start_anew(&anew, |command| {
        command.envs(variables);
    });
    started.context("could not start this program anew").map(Some)
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

/// Those that `command` takes: for credentials where it calls, for an option where it takes options.
fn flags(command: &clap::Command, descriptor: &Descriptor) -> Vec<Flag> {
    let credentials = descriptor.credentials.iter().filter(|_| calls(command)).filter_map(|credential| {
        let means = Means::Variable(credential.env_vars.first()?.clone());
        Some(Flag { name: credential.cli_flag.clone()?, about: credential.label.clone(), means })
    });
    let config = takes(command, "options").then(|| Flag {
        name: format!("--{}-config", descriptor.id),
        about: format!("The {} configuration for these calls: its id, or the configuration itself", descriptor.label),
        means: Means::Option("config"),
    });
    credentials.chain(config).collect()
}

fn calls(command: &clap::Command) -> bool {
    takes(command, "base_url")
}

fn takes(command: &clap::Command, id: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_id() == id)
}

/// `commands` with the plugin's flags where they are taken, for completions and manuals: never for parsing.
pub(crate) fn shown(commands: clap::Command, descriptor: &Descriptor) -> clap::Command {
    commands.mut_subcommands(|command| {
        let flags = flags(&command, descriptor).into_iter().map(|flag| {
            let name = flag.name.trim_start_matches('-').to_owned();
            Arg::new(name.clone()).long(name).help(flag.about).value_name("VALUE")
        });
        command.args(flags)
    })
}

/// The plugin that the arguments name, or the one that is taken without.
fn descriptor(arguments: &[OsString]) -> anyhow::Result<Descriptor> {
    let named = arguments.iter().enumerate().find_map(|(at, argument)| {
        let text = argument.to_str()?;
        let inline = text.strip_prefix("--plugin=").map(str::to_owned);
        inline.or_else(|| (text == "--plugin").then(|| arguments.get(at + 1)?.to_str().map(str::to_owned))?)
    });
    let component = component_file::find(named.as_deref().map(Path::new))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let plugin = runtime.block_on(async { Plugin::load(&Engine::new(connect::few())?, component).await })?;
    Ok(plugin.descriptor().clone())
}
