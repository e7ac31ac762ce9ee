//! `doctor`: what works and what does not, a line each, with what to do.

use std::process::ExitCode;

use host_harness::{Error, Provider, wit::onboarding::Severity};
use serde_json::{Value, json};

use super::{connect::Connect, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// One line of the report.
struct Line {
    name: &'static str,
    state: State,
    detail: String,
    hint: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    Bad,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }
}

impl Line {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Good, detail: detail.into(), hint: None }
    }

    fn bad(name: &'static str, error: &Error) -> Self {
        Self { name, state: State::Bad, detail: error.to_string(), hint: error.record().hint.clone() }
    }

    fn json(&self) -> Value {
        json!({"name": self.name, "state": self.state.name(), "detail": self.detail, "hint": self.hint})
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (lines, error) = examine(&args.connect).await?;
    if args.json {
        let lines: Vec<_> = lines.iter().map(Line::json).collect();
        output::print_json(&json!({"ok": error.is_none(), "checks": lines}));
    } else {
        for line in &lines {
            output::print_line(&format!("{:>8}  {}: {}", line.state.name(), line.name, line.detail));
            if let Some(hint) = &line.hint {
                output::print_line(&format!("{:>8}  {hint}", ""));
            }
        }
    }
    Ok(error.map_or(ExitCode::SUCCESS, |error| output::exit_code(&error.into())))
}

/// The lines, and the error that the last failed one stands for.
async fn examine(connect: &Connect) -> anyhow::Result<(Vec<Line>, Option<Error>)> {
    let plugin = connect.plugin().await?;
    let descriptor = plugin.descriptor();
    let mut lines = vec![Line::good("component", format!("{} ({})", descriptor.label, plugin.digest()))];

    let config = match connect.config_file() {
        Ok(config) => config,
        Err(error) => {
            let error = error.downcast::<Error>()?;
            lines.push(Line::bad("configuration", &error));
            return Ok((lines, Some(error)));
        }
    };
    lines.push(Line::good("configuration", config.path().display().to_string()));
    for finding in plugin.lint(config.value()).await? {
        let state = if finding.severity == Severity::Error { State::Bad } else { State::Warning };
        lines.push(Line { name: "configuration", state, detail: finding.path, hint: Some(finding.message) });
    }

    let setup = connect.setup(&plugin, &config);
    match setup.held(descriptor) {
        Ok(held) => lines.extend(descriptor.credentials.iter().map(|credential| match held.source(&credential.id) {
            Some(source) => Line::good("key", format!("{}, from {source}", credential.label)),
            None => Line {
                name: "key",
                state: if credential.required { State::Bad } else { State::Warning },
                detail: format!("{} not found", credential.label),
                hint: Some(format!(
                    "Set {}{}.{}",
                    credential.env_vars.join(" or "),
                    credential.cli_flag.as_ref().map(|flag| format!(" or give {flag}")).unwrap_or_default(),
                    credential.help_url.as_ref().map(|url| format!(" Get one at {url}.")).unwrap_or_default(),
                )),
            },
        })),
        Err(error) => {
            lines.push(Line::bad("key", &error));
            return Ok((lines, Some(error)));
        }
    }

    let provider = match Provider::connect(&plugin, setup).await {
        Ok(provider) => provider,
        Err(error) => {
            lines.push(Line::bad("connection", &error));
            return Ok((lines, Some(error)));
        }
    };
    lines.push(Line::good("connection", provider.connection().base_url.clone()));
    match provider.models().await {
        Ok(models) => {
            lines.push(Line::good("gateway", "reached, and the key was accepted"));
            let state = if models.is_empty() { State::Warning } else { State::Good };
            let hint = models.is_empty().then(|| "The key may have no model integrated yet.".to_owned());
            lines.push(Line { name: "models", state, detail: format!("{} offered", models.len()), hint });
            Ok((lines, None))
        }
        Err(error) => {
            lines.push(Line::bad("gateway", &error));
            Ok((lines, Some(error)))
        }
    }
}
