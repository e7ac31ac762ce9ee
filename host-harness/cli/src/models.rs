//! `models`: lists the provider's models, or makes one the default.

use std::process::ExitCode;

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use host_harness::{
    ConfigFile, Error, Provider,
    command_line::nearest,
    openclaw::{Update, own_model},
    types::{self, ErrorKind},
    wit::{
        models::{Entry, Traits},
        prices::Price,
    },
};
use serde_json::json;

use super::{connect::Connect, onboard, output, terminal, waiting};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// List only models whose id or provider holds each of these words, in any letter case
    filter: Vec<String>,
    /// List only models that are known to reason
    #[arg(long)]
    reasoning: bool,
    /// List only models that are known to take this; may be given several times
    #[arg(long = "input", value_name = "KIND", value_enum)]
    inputs: Vec<Input>,
    /// List only models whose window is known to hold this many tokens, such as 200000 or 200k
    #[arg(long, value_name = "TOKENS", value_parser = super::input::tokens)]
    context: Option<u32>,
    /// Ask for the price of each model listed, however many they are; without this, prices are asked for where 50 models or
    /// fewer are left
    #[arg(long)]
    prices: bool,
    /// Make this model the default in the configuration; the gateway must offer it
    #[arg(long, value_name = "ID", value_parser = super::input::filled, conflicts_with_all = ["filter", "reasoning", "inputs", "context", "prices"])]
    default: Option<String>,
    /// With --default: write without asking the gateway whether it offers the model
    #[arg(long, requires = "default")]
    no_check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (provider, file, _) = args.connect.provider().await?;
    if let Some(id) = args.default {
        // A provider that is not set up yet is set up as it is called now.
        let is_new = provider.plugin().entries(file.value()).is_empty();
        let base_url = args.connect.run.base_url(provider.plugin()).filter(|_| is_new);
        return set_default(&provider, file, base_url, &id, args.no_check, args.json).await;
    }
    let mut models = waiting::during("listing models", provider.models()).await?;
    let all = models.len();
    models.retain(|model| holds(model, &args.filter));
    let traits = provider.traits_of_each(models.iter().map(|model| &model.id)).await?;
    let models: Vec<(Entry, Traits)> =
        models.into_iter().zip(traits).filter(|(_, traits)| args.takes(traits)).collect();
    let asks_prices = args.prices || models.len() <= MANY;
    let mut prices = vec![None; models.len()];
    if asks_prices {
        let asked = provider.price_of_each(models.iter().map(|(model, _)| &model.id));
        prices = waiting::during("asking for prices", asked).await;
    }
    let models: Vec<Listed> =
        models.into_iter().zip(prices).map(|((model, traits), price)| Listed { model, traits, price }).collect();
    if args.json {
        let models = models.iter().map(Listed::json);
        output::print_json(&json!({"models": models.collect::<Vec<_>>()}));
        return Ok(ExitCode::SUCCESS);
    }
    let rows = models.iter().map(Listed::row);
    let ids = models.iter().map(|listed| listed.model.id.chars().count()).max().unwrap_or_default();
    // In a narrow one the rest would leave the ids no room.
    let has_room = |columns: usize| columns >= WIDE.max(ids + REST);
    match output::columns() {
        Some(_) if models.is_empty() => {}
        Some(columns) => {
            let shown = if has_room(columns) { HEADER.len() } else { 2 };
            let mut table = Table::new();
            table.load_style(UTF8_FULL_CONDENSED).set_header(HEADER.into_iter().take(shown));
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
            table.add_rows(rows.map(|row| row.map(|cell| terminal::cell(&cell)).into_iter().take(shown)));
            if shown > 2 {
                // The id may say it, and the rest needs the room.
                let says_provider = columns < ROOMY && models.iter().all(Listed::names_its_provider);
                for (at, column) in table.column_iter_mut().enumerate() {
                    match at {
                        3 if columns < ids + REST + ANSWER => column.set_constraint(ColumnConstraint::Hidden),
                        // An id is to be copied, and a price read: each stands in one line. The others are broken between words.
                        0 | 6 => column.set_constraint(ColumnConstraint::ContentWidth),
                        1 if says_provider => column.set_constraint(ColumnConstraint::Hidden),
                        _ => column.set_delimiter(','),
                    };
                }
            }
            table.lines().for_each(|line| output::print_line(line.trim_end()));
        }
        None => rows.for_each(|row| output::print_line(row.join("\t").trim_end_matches('\t'))),
    }
    output::note(&match models.len() {
        some if some == all => format!("{all} models"),
        some => format!("{some} of {all} models"),
    });
    if output::columns().is_some_and(has_room) && models.iter().any(|model| model.price.is_some()) {
        output::note("prices: US dollars for a million tokens, in/out");
    }
    if !asks_prices && provider.plugin().has_prices() {
        output::note(&format!(
            "prices: --prices asks for them; without it, only where {MANY} models or fewer are listed"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a model takes beside text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Input {
    Image,
    Document,
    Audio,
}

impl Input {
    /// Whether a model takes it, where that is known.
    fn of(self, traits: &Traits) -> Option<bool> {
        match self {
            Self::Image => traits.image_input,
            Self::Document => traits.document_input,
            Self::Audio => traits.audio_input,
        }
    }
}

impl Args {
    fn takes(&self, traits: &Traits) -> bool {
        (!self.reasoning || traits.reasoning == Some(true))
            && self.inputs.iter().all(|input| input.of(traits) == Some(true))
            && self.context.is_none_or(|least| traits.context_tokens.is_some_and(|window| window >= least))
    }
}

/// Of more models than these, prices are asked for only if the user says so: each is a request.
const MANY: usize = 50;

const HEADER: [&str; 7] = ["model", "provider", "window", "answer", "takes", "reasons", "price"];

/// A terminal of so many columns has room for all of it.
const WIDE: usize = 90;

/// What the columns behind the ids take at least, without the provider and the longest answer; and what the latter takes.
const REST: usize = 50;
const ANSWER: usize = 9;

/// One of so many does not have to save it.
const ROOMY: usize = 130;

/// What it takes beside text, by name.
fn inputs(traits: &Traits) -> Vec<String> {
    let taken = Input::value_variants().iter().filter(|input| input.of(traits) == Some(true));
    taken.filter_map(|input| Some(input.to_possible_value()?.get_name().to_owned())).collect()
}

/// A model, and what is known of it.
struct Listed {
    model: Entry,
    traits: Traits,
    price: Option<Price>,
}

impl Listed {
    /// Whether the id begins with it, as `@provider/`.
    fn names_its_provider(&self) -> bool {
        let named = self.model.id.strip_prefix('@').and_then(|id| id.split_once('/')).map(|(provider, _)| provider);
        self.model.provider.as_deref().is_none_or(|provider| named == Some(provider))
    }

    /// What is not known is left empty.
    fn row(&self) -> [String; 7] {
        let Self { model, traits, price } = self;
        let tokens = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let reasons = match traits.reasoning {
            Some(true) if traits.reasoning_efforts.is_empty() => "yes".to_owned(),
            Some(true) => traits.reasoning_efforts.join(","),
            Some(false) => "no".to_owned(),
            None => String::new(),
        };
        let price = price.map(|price| format!("{}/{}", output::dollars(price.input), output::dollars(price.output)));
        [
            model.id.clone(),
            model.provider.clone().unwrap_or_default(),
            tokens(traits.context_tokens),
            tokens(traits.max_output_tokens),
            inputs(traits).join(","),
            reasons,
            price.unwrap_or_default(),
        ]
        .map(|cell| terminal::line(&cell))
    }

    fn json(&self) -> serde_json::Value {
        let Self { model, traits, price } = self;
        json!({
            "id": model.id,
            "provider": model.provider,
            "context_tokens": traits.context_tokens,
            "max_output_tokens": traits.max_output_tokens,
            "image_input": traits.image_input,
            "document_input": traits.document_input,
            "audio_input": traits.audio_input,
            "reasoning": traits.reasoning,
            "reasoning_efforts": traits.reasoning_efforts,
            "price": price.as_ref().map(Price::to_json),
        })
    }
}

/// Makes `id` the default model, where the gateway offers it.
async fn set_default(
    provider: &Provider,
    mut file: ConfigFile,
    base_url: Option<String>,
    id: &str,
    no_check: bool,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let descriptor = provider.plugin().descriptor();
    let id = own_model(file.value(), descriptor, id);
    if !no_check {
        match waiting::during("listing models", provider.models()).await {
            Ok(models) if models.iter().any(|model| model.id == id) => {}
            Ok(models) => return Err(not_offered(&id, &models).into()),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                output::note(&output::not_checked(&error, "model"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let source = descriptor.credentials.first().and_then(|credential| provider.credentials().source(&credential.id));
    let (changed, backup) =
        match onboard::set_default(provider.plugin(), &mut file, base_url, id.clone(), source).await? {
            Update::Unchanged => (false, None),
            Update::Written { backup } => (true, backup.map(|backup| backup.display().to_string())),
        };
    onboard::warn_of_agents_own(provider.plugin(), &file, &id);
    let path = file.path().display().to_string();
    if as_json {
        output::print_json(&json!({"config": path, "changed": changed, "backup": backup, "default_model": id}));
        return Ok(ExitCode::SUCCESS);
    }
    output::print_line(&format!("{id} is the default model{} in {path}", if changed { "" } else { " already" }));
    if let Some(backup) = backup {
        output::note(&format!("The old file is kept as {backup}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Names the model that was probably meant.
fn not_offered(id: &str, models: &[Entry]) -> Error {
    let ids = models.iter().map(|model| model.id.as_str());
    let meant = meant(id, ids).map(|meant| format!("Did you mean {meant}? ")).unwrap_or_default();
    let hint = format!("{meant}`host-harness models` lists what it offers; --no-check writes without asking.");
    let error = Error::host(ErrorKind::NotFound, format!("the gateway does not offer {id}: nothing was written"));
    types::Error { hint: Some(hint), ..error.record().clone() }.into()
}

/// The one of `ids` that was probably meant by an id that is none of them.
pub(crate) fn meant<'m>(id: &str, ids: impl Iterator<Item = &'m str> + Clone) -> Option<&'m str> {
    let holding = ids.clone().find(|offered| offered.to_lowercase().contains(&id.to_lowercase()));
    // Without the provider before it, as people type it.
    let bare = |id: &'m str| id.rsplit('/').next().unwrap_or(id);
    let near_bare = || nearest(id, ids.clone().map(bare)).and_then(|near| ids.clone().find(|id| bare(id) == near));
    holding.or_else(|| nearest(id, ids.clone())).or_else(near_bare)
}

fn holds(model: &Entry, words: &[String]) -> bool {
    let text = format!("{} {}", model.id, model.provider.as_deref().unwrap_or_default()).to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}
