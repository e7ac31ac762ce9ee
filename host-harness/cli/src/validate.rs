//! `validate`: checks whether a host may load a component and its manifest.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use host_harness::{ConfigFile, Engine, Error, command_line::read_file, types};
use serde_json::{Value, json};

use super::{connect::Component, exit_code::Usage, output, waiting};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    component: Component,
    /// The manifest [default: openclaw.plugin.json in this folder, if there is one]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let component = args.component.path()?;
    let limits = args.component.limits();
    let wasm = read_file(&component, limits.component)
        .map_err(|error| Usage(format!("cannot read the component `{}`: {error}", component.display())))?;
    let default = Path::new("openclaw.plugin.json");
    let manifest_path = args.manifest.as_deref().or_else(|| default.exists().then_some(default));
    let manifest = manifest_path.map(read_manifest).transpose()?;

    let engine = Engine::new(limits)?;
    let found = waiting::during("validating", host_harness::validate(&engine, &wasm, manifest.as_ref())).await;
    let valid = found.findings.is_empty();
    if args.json {
        output::print_json(&json!({
            "component": component.display().to_string(),
            "manifest": manifest_path.map(|path| path.display().to_string()),
            "valid": valid,
            "id": found.id,
            "wit_version": host_harness::WIT_VERSION,
            "imports": found.imports,
            "exports": found.exports,
            "findings": found.findings,
        }));
    } else {
        found.findings.iter().for_each(|finding| output::print_line(&format!("{}: {finding}", component.display())));
        if valid {
            let id = found.id.unwrap_or_default();
            let manifest = manifest_path.map(|path| format!(", as {} says", path.display())).unwrap_or_default();
            output::print_line(&format!("{}: a valid provider, `{id}`{manifest}", component.display()));
        }
    }
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn read_manifest(path: &Path) -> anyhow::Result<Value> {
    if !path.is_file() {
        return Err(Usage(format!("there is no manifest `{}`", path.display())).into());
    }
    // The same reader as for the configuration, which its errors speak of: OpenClaw takes JSON5 for both.
    let file = ConfigFile::open(path).map_err(|error| {
        let message = error.to_string().replacen("the configuration", "the manifest", 1);
        Error::from(types::Error { message, ..error.record().clone() })
    })?;
    Ok(file.value().clone())
}
