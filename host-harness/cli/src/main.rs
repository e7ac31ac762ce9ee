//! The program `host-harness`: its commands, flags and exit codes. It does nothing that the library cannot do.
//!
//! Results go to standard output, all else to standard error.

use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use clap::{ArgAction, Parser, Subcommand};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::{Targets, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

mod ask;
mod chat;
mod check;
mod component_file;
mod config_findings;
mod connect;
mod demo;
mod describe;
mod doctor;
mod embed;
mod exit_code;
mod given_secret;
mod hidden_arguments;
mod image;
mod input;
mod key_help;
mod lint;
mod markdown;
mod models;
mod name_and_value;
mod onboard;
mod openclaw;
mod output;
mod output_file;
mod picture;
mod plugin_flags;
mod reply;
mod reply_text;
mod request_fields;
mod saved_session;
mod search_path;
mod session;
mod signals;
mod speak;
mod stub;
mod terminal;
mod tool_command;
mod transcribe;
mod validate;
mod waiting;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the call failed, a check found something, or the result could not be written
  2  wrong usage: a flag, an argument, an input file, an output folder
  3  a credential is missing or was refused
  4  the configuration, the component or the gateway's configuration is wrong, or the host's policy refused
  5  rate limited, over budget or overloaded: later may help
  6  the network failed, a time limit passed, or the answer was broken or cut short
  7  a guardrail, a content filter or the model itself refused
  130  given up: Ctrl-C, Esc at the first question, or No to the last

Flags that the plugin declares for its credentials (`host-harness doctor` names them) are taken by each command that \
calls, and --<id>-config for its option `config` by each that takes --option. What may be a secret in a flag is taken \
off the command line at once; an environment variable never shows there.";

/// Runs an OpenClaw provider plugin and keeps its keys.
#[derive(Parser)]
#[command(name = "host-harness", version, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print only results and errors
    #[arg(short, long, global = true, display_order = 900)]
    quiet: bool,
    /// Log what the host does to standard error; twice, log all parts of it [default: HOST_HARNESS_LOG]
    #[arg(short, long, global = true, display_order = 900, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Go through all of it: onboard, list models, chat, make an image and edit it
    Demo(demo::Args),
    /// Ask a model; the reply is printed as it arrives
    Chat(chat::Args),
    /// Make images from a prompt, or edit images
    Image(image::Args),
    /// Make vectors of texts, for a search by meaning
    Embed(embed::Args),
    /// Make speech from text, into a file
    Speak(speak::Args),
    /// Turn a recording into text
    Transcribe(transcribe::Args),
    /// List the models that the provider offers
    Models(models::Args),
    /// Write the provider into the configuration
    Onboard(onboard::Args),
    /// Find out what is wrong: component, key, gateway, models
    Doctor(doctor::Args),
    /// Check the configuration without calling the gateway
    Lint(lint::Args),
    /// Check a component and its manifest without calling anything
    Validate(validate::Args),
    /// Run the onboarding and auth suite against a component
    Check(check::Args),
    /// Serve a stand-in gateway on this machine
    Stub(stub::Args),
    /// Print completions for a shell
    Completions(describe::Completions),
    /// Print the manual page of the program, or of a command
    Man(describe::Man),
}

/// Parses the command line, runs the command, and reports how it went.
fn main() -> ExitCode {
    leave_no_core();
    // Known before the rest is understood: what cannot be is an error in this form too.
    let arguments = hidden_arguments::given();
    let json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    if let Some(started) = hidden_arguments::hide(&arguments) {
        let started = started.context("could not start this program anew, to take secrets out of the process list");
        return started.unwrap_or_else(|error| output::failure(&error, json));
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(mut error) => {
            // An unknown flag may be one that the plugin declares.
            return match plugin_flags::run_without(&mut error, &arguments) {
                Ok(Some(code)) => code,
                Ok(None) => output::refused(&error, json),
                Err(error) => output::failure(&error, json),
            };
        }
    };
    if cli.quiet {
        output::be_quiet();
    }
    let logged = match logged(cli.verbose) {
        Ok(logged) => logged,
        Err(error) => return output::failure(&error, json),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| terminal::Log(std::io::stderr()))
        .with_ansi(AutoStream::choice(&std::io::stderr()) != ColorChoice::Never);
    tracing_subscriber::registry().with(logged).with(filter_fn(is_masked)).with(lines).init();
    let outcome =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            let outcome = runtime.block_on(run(cli.command));
            // What cannot be interrupted, such as a compiler, is not waited for.
            runtime.shutdown_background();
            outcome
        });
    output::final_exit_code(outcome.unwrap_or_else(|error| output::failure(&error, json)))
}

/// Keeps the system from writing this program's memory, keys and all, into a file should it crash.
fn leave_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..getrlimit(Resource::Core) });
    }
}

/// What is logged: errors alone, where nobody asks for more.
fn logged(verbose: u8) -> anyhow::Result<Targets> {
    const VARIABLE: &str = "HOST_HARNESS_LOG";
    let wanted = std::env::var_os(VARIABLE).map(|wanted| wanted.to_string_lossy().into_owned());
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let levels = match verbose {
        0 => wanted.as_deref().unwrap_or("error"),
        1 => "warn,host_harness=debug",
        _ => "debug",
    };
    let wrong = |_| exit_code::Usage(format!("{VARIABLE} is `{levels}`: set it to a level such as `debug`"));
    Ok(levels.parse::<Targets>().map_err(wrong)?)
}

/// Nothing that `h2` says below `info`, whoever asks for it: it logs what a server says in its frames, which no mask has read.
fn is_masked(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() != Some("h2") || *metadata.level() <= Level::INFO
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Chat(args) => chat::run(args).await,
        Command::Image(args) => image::run(args).await,
        Command::Embed(args) => embed::run(args).await,
        Command::Speak(args) => speak::run(args).await,
        Command::Transcribe(args) => transcribe::run(args).await,
        Command::Models(args) => models::run(args).await,
        Command::Onboard(args) => onboard::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Lint(args) => lint::run(args).await,
        Command::Validate(args) => validate::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Stub(args) => stub::run(args).await,
        Command::Completions(args) => describe::completions(args).await,
        Command::Man(args) => describe::man(args).await,
    }
}
