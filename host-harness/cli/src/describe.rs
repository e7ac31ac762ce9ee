//! `completions` and `man`: describes the commands and flags, including the plugin's, for a shell and for a reader.

use std::{path::PathBuf, process::ExitCode};

use clap::CommandFactory;
use host_harness::{Engine, Plugin};

use super::{Cli, component_file, connect, exit_code::Usage, output, plugin_flags, waiting::Waiting};

const COMPLETIONS_HELP: &str = "\
Where a shell finds them:
  bash        source <(host-harness completions bash)           in ~/.bashrc
  zsh         source <(host-harness completions zsh)            in ~/.zshrc, below compinit
  fish        host-harness completions fish | source            in ~/.config/fish/config.fish
  powershell  host-harness completions powershell | Out-String | Invoke-Expression   in $PROFILE";

#[derive(clap::Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
    #[command(flatten)]
    plugin: Shown,
}

#[derive(clap::Args)]
pub(crate) struct Man {
    /// The command to describe [default: the program]
    command: Option<String>,
    #[command(flatten)]
    plugin: Shown,
}

/// The component whose flags are shown along.
#[derive(clap::Args)]
struct Shown {
    /// Include this component's flags [default: the one that `make build` built]
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

impl Shown {
    /// All commands. Without a component those flags are left out that it would give the names of.
    async fn commands(&self) -> anyhow::Result<clap::Command> {
        let component = match component_file::find(self.plugin.as_deref()) {
            Ok(component) => component,
            Err(error) => {
                output::note(&format!("the plugin's own flags are left out: {error}"));
                return Ok(Cli::command());
            }
        };
        let _waiting = Waiting::new("loading the component");
        let plugin = Plugin::load(&Engine::new(connect::few())?, component).await?;
        Ok(plugin_flags::shown(Cli::command(), plugin.descriptor()))
    }
}

pub(crate) async fn completions(args: Completions) -> anyhow::Result<ExitCode> {
    let mut commands = args.plugin.commands().await?;
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut commands, "host-harness", &mut script);
    output::print_line(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn man(args: Man) -> anyhow::Result<ExitCode> {
    let mut commands = args.plugin.commands().await?;
    // Gives each command its full name, and the flags that all have.
    commands.build();
    let page = match &args.command {
        None => commands,
        Some(name) => {
            let unknown = || Usage(format!("there is no command `{name}`"));
            let command = commands.find_subcommand(name).ok_or_else(unknown)?.clone();
            command.display_name(format!("host-harness-{name}"))
        }
    };
    let mut text = Vec::new();
    let source = concat!("host-harness ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(page).source(source).render(&mut text)?;
    output::print_line(String::from_utf8_lossy(&text).trim_end());
    Ok(ExitCode::SUCCESS)
}
