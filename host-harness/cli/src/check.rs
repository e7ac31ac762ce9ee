//! `check`: the onboarding and auth suite against a component.

use std::process::ExitCode;

use host_harness::{Engine, Limits, Plugin};

use super::{alive::Alive, connect::Component, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    component: Component,
    /// How to print the results
    #[arg(long, value_enum, default_value_t = Format::Tap)]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Test Anything Protocol, a line a test
    Tap,
    /// JUnit XML, for CI services
    Junit,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let component = args.component.path()?;
    let alive = Alive::new("checking");
    let plugin = Plugin::load(&Engine::new(Limits::default())?, component).await?;
    let report = host_harness_check::run(&plugin).await?;
    drop(alive);
    output::print_line(&match args.format {
        Format::Tap => report.tap(),
        Format::Junit => report.junit(),
    });
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
