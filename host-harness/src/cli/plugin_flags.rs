//! Flags that a plugin declares for its credentials, such as `--portkey-api-key`. Their names are not known before the
//! plugin is loaded, and their values must not stay in this process's arguments, which every user of the machine can
//! read. So the program starts itself anew without them, and hands the secret on in the environment.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, ExitCode},
};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use host_harness::{Engine, Limits, Plugin};

use super::{connect, output};

/// Where clap stumbled over a flag that the plugin declares: runs this program without such flags, and says how that
/// ended. `None` where the error stands.
pub(crate) fn run_without(error: &clap::Error) -> Option<ExitCode> {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) => unknown.clone(),
        _ => return None,
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let declared = declared(&arguments)?;
    declared.iter().find(|(flag, _)| *flag == unknown)?;

    let mut command = Command::new(std::env::current_exe().ok()?);
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy().into_owned();
        let (name, inline) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
        let Some((flag, variable)) = declared.iter().find(|(flag, _)| flag == name) else {
            command.arg(argument);
            continue;
        };
        let value = inline.map(OsString::from).or_else(|| rest.next()).filter(|value| !value.is_empty());
        let Some(value) = value else {
            return Some(output::failure(&output::Usage(format!("{flag} needs a value")).into(), false));
        };
        command.env(variable, value);
    }
    Some(replace_this_process(command))
}

/// The flags that the plugin declares, each with the environment variable that stands for it.
fn declared(arguments: &[OsString]) -> Option<Vec<(String, String)>> {
    let named = arguments.iter().enumerate().find_map(|(at, argument)| {
        let text = argument.to_str()?;
        let inline = text.strip_prefix("--plugin=").map(str::to_owned);
        inline.or_else(|| (text == "--plugin").then(|| arguments.get(at + 1)?.to_str().map(str::to_owned))?)
    });
    let component = connect::component(named.as_deref().map(Path::new)).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let plugin = runtime.block_on(async { Plugin::load(&Engine::new(Limits::default())?, component).await }).ok()?;
    let pair = |credential: &host_harness::wit::onboarding::Credential| {
        Some((credential.cli_flag.clone()?, credential.env_vars.first()?.clone()))
    };
    Some(plugin.descriptor().credentials.iter().filter_map(pair).collect())
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
