//! `check`: the suite for providers against a component: onboarding, the key, images, vectors, audio, streams.

use std::process::ExitCode;

use host_harness::{Engine, Plugin};
use host_harness_check::Report;

use super::{connect::Component, output, waiting::Waiting};

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
    let mut waiting = Some(Waiting::new("checking"));
    let plugin = Plugin::load(&Engine::new(args.component.limits())?, component).await?;
    let report = match args.format {
        Format::Tap => {
            let mut lines = Report::tap_head(host_harness_check::count());
            host_harness_check::run_and_tell(&plugin, |number, case| {
                waiting.take();
                lines.push_str(&case.tap(number));
                output::print_line(&std::mem::take(&mut lines));
                waiting = Some(Waiting::new("checking"));
            })
            .await
        }
        Format::Junit => host_harness_check::run(&plugin).await,
    };
    drop(waiting);
    if matches!(args.format, Format::Junit) {
        output::print_line(&report.junit());
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
