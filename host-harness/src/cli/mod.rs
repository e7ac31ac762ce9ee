//! Commands, their flags, and what they exit with. Results go to standard output, all else to standard error.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod chat;
mod check;
mod connect;
mod credential_flags;
mod demo;
mod doctor;
mod image;
mod models;
mod onboard;
mod output;
mod stub;
mod validate;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the call failed, or a check found something
  2  wrong usage: a flag, an argument, an input file
  3  a credential is missing or was refused
  4  the configuration, the component or the gateway's configuration is wrong, or the host's policy refused
  5  rate limited, over budget or overloaded: later may help
  6  the network failed, a time limit passed, or the answer was broken or cut short
  7  a guardrail or a content filter refused

Flags that the plugin declares for its credentials (`host-harness doctor` names them) are taken by each command that \
calls. A secret given that way is taken off the command line at once; an environment variable never shows there.";

/// Runs an OpenClaw provider plugin and keeps its keys.
#[derive(Parser)]
#[command(name = "host-harness", version, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole round: onboard, list models, chat, make an image and edit it
    Demo(demo::Args),
    /// Ask a model; the reply is printed as it arrives
    Chat(chat::Args),
    /// Make images from a prompt, or edit images
    Image(image::Args),
    /// List the models that the provider offers
    Models(models::Args),
    /// Write the provider into the configuration
    Onboard(onboard::Args),
    /// Find out what is wrong: component, key, gateway, models
    Doctor(doctor::Args),
    /// Check a component and its manifest without calling anything
    Validate(validate::Args),
    /// Run the onboarding and auth suite against a component
    Check(check::Args),
    /// Serve a stand-in gateway on this machine
    Stub(stub::Args),
}

/// Parses the command line, runs the command, and reports how it went.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // An unknown flag may be one that the plugin declares.
            if let Some(code) = credential_flags::run_without(&error) {
                return code;
            }
            error.exit()
        }
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("HOST_HARNESS_LOG"))
        .init();
    let json = cli.command.json();
    let outcome =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            let outcome = runtime.block_on(run(cli.command));
            // What cannot be interrupted, such as a compiler, is not waited for.
            runtime.shutdown_background();
            outcome
        });
    outcome.unwrap_or_else(|error| output::failure(&error, json))
}

impl Command {
    fn json(&self) -> bool {
        match self {
            Self::Chat(args) => args.json,
            Self::Image(args) => args.json,
            Self::Models(args) => args.json,
            Self::Onboard(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Validate(args) => args.json,
            Self::Demo(_) | Self::Check(_) | Self::Stub(_) => false,
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Chat(args) => chat::run(args).await,
        Command::Image(args) => image::run(args).await,
        Command::Models(args) => models::run(args).await,
        Command::Onboard(args) => onboard::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Validate(args) => validate::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Stub(args) => stub::run(args).await,
    }
}
