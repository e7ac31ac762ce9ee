//! `models`: what the provider offers.

use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use host_harness::wit::models::Entry;
use serde_json::json;

use super::{alive::Alive, connect::Connect, output, terminal};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only models whose id or provider holds each of these words, in any case
    filter: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (provider, ..) = args.connect.provider().await?;
    let alive = Alive::new("listing models");
    let mut models = provider.models().await?;
    drop(alive);
    let all = models.len();
    models.retain(|model| holds(model, &args.filter));
    if args.json {
        let models = models.iter().map(|model| json!({"id": model.id, "provider": model.provider}));
        output::print_json(&json!({"models": models.collect::<Vec<_>>()}));
        return Ok(ExitCode::SUCCESS);
    }
    let rows = models.iter().map(|model| [model.id.as_str(), model.provider.as_deref().unwrap_or_default()]);
    match output::columns() {
        Some(_) if models.is_empty() => {}
        Some(columns) => {
            let mut table = Table::new();
            table.load_style(UTF8_FULL_CONDENSED).set_header(["model", "provider"]);
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
            table.add_rows(rows.map(|row| row.map(terminal::line)));
            table.lines().for_each(|line| output::print_line(line.trim_end()));
        }
        None => rows.for_each(|row| output::print_line(&row.map(terminal::line).join("\t"))),
    }
    output::note(&match models.len() {
        some if some == all => format!("{all} models"),
        some => format!("{some} of {all} models"),
    });
    Ok(ExitCode::SUCCESS)
}

fn holds(model: &Entry, words: &[String]) -> bool {
    let text = format!("{} {}", model.id, model.provider.as_deref().unwrap_or_default()).to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}
