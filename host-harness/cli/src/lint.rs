//! `lint`: lists what the host, the plugin and an installed OpenClaw find wrong or doubtful in the configuration. Calls no
//! gateway.

use std::process::ExitCode;

use host_harness::{
    openclaw::chosen_model,
    wit::onboarding::{Finding, Severity},
};
use serde_json::json;

use super::{
    connect::{Connect, beside_default},
    exit_code, output,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let plugin = args.connect.run.plugin().await?;
    let (file, environment) = args.connect.config.read_existing()?;
    let mut findings = args.connect.findings(&plugin, &file, &environment).await?;
    match chosen_model(file.value(), &environment, plugin.descriptor()) {
        Ok(chosen) => findings.extend(beside_default(&chosen, &plugin.descriptor().id).map(|(path, why)| Finding {
            severity: Severity::Warning,
            path: path.to_owned(),
            message: format!("This {why}"),
        })),
        // Of one that is no text it is said already.
        Err(error) if findings.iter().any(|said| error.path() == Some(&*said.path)) => {}
        Err(error) => findings.push(Finding::from(&error)),
    }
    let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
    if args.json {
        let finding = |finding: &Finding| json!({"severity": severity(finding.severity), "path": finding.path, "message": finding.message});
        output::print_json(&json!({
            "config": file.path().display().to_string(),
            "valid": !is_wrong,
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        }));
    } else {
        for finding in &findings {
            let place = if finding.path.is_empty() { file.path().display().to_string() } else { finding.path.clone() };
            output::print_line(&format!("{}: {place}: {}", severity(finding.severity), finding.message));
        }
        if findings.is_empty() && file.path().exists() {
            output::print_line(&format!("{}: nothing to fix", file.path().display()));
        } else if findings.is_empty() {
            output::print_line(&format!("there is no {} yet: nothing to fix", file.path().display()));
        }
    }
    Ok(if is_wrong { ExitCode::from(exit_code::WRONG_CONFIG) } else { ExitCode::SUCCESS })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
