//! `demo`: the main job from end to end, with the real service if there is a key, else with the stand-in gateway.

use std::process::ExitCode;

use anyhow::Context;
use host_harness::{
    ConfigFile, Environment, Plugin, Provider,
    openclaw::Locations,
    wit::{
        chat::{Message, Prompt},
        images,
        onboarding::Choices,
    },
};
use host_harness_stub::{Credential, Options, Stub};

use super::{
    connect::{Extra, Run, chat_model},
    image::{Target, save},
    input,
    onboard::key_reference,
    output,
    reply::{Answering, Asked},
    reply_text::ReplyText,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The model to ask
    #[arg(long, value_name = "ID", value_parser = super::input::filled)]
    model: Option<String>,
    /// The model that draws
    #[arg(long, value_name = "ID", value_parser = super::input::filled)]
    image_model: Option<String>,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    extra: Extra,
}

/// The key for the stand-in gateway: it opens nothing.
const STUB_KEY: &str = "demo-key-for-the-stand-in";

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let plugin = args.run.plugin().await?;
    let descriptor = plugin.descriptor().clone();
    step(&format!("Loaded {} ({})", descriptor.label, &plugin.digest().get(..12).unwrap_or_default()));

    let folder = tempfile::Builder::new().prefix("host-harness-demo-").tempdir()?.keep();
    let mut config = ConfigFile::open(folder.join("openclaw.json"))?;
    let environment = Environment::process();
    let environment = environment.clone().with_dotenv(&Locations::of(&environment, None)?);
    let setup = args.extra.over(args.run.setup(&plugin, &config, &environment));
    let real = setup.credentials(&descriptor)?.ids().next().is_some();

    // Kept until the end: it stops when it is dropped.
    let mut stub = None;
    let (base_url, setup) = if real {
        (args.run.base_url(&plugin), setup)
    } else {
        let started = start_stub(&plugin).await?;
        let base_url = started.base_url();
        step(&format!("No key found: a stand-in gateway plays the service, at {base_url}"));
        stub = Some(started);
        let secrets = descriptor.credentials.iter().map(|credential| credential.id.as_str());
        (Some(base_url.clone()), secrets.fold(setup.base_url(base_url), |setup, id| setup.secret(id, STUB_KEY)))
    };

    let choices = Choices { base_url, model: args.model.clone(), api_key_reference: key_reference(&plugin) };
    config.update(async |config| plugin.apply_config(config, &choices).await).await?;
    step(&format!("Onboarded into {}", config.path().display()));

    let provider = Provider::connect(&plugin, setup.config(config.value().clone())).await?;
    let models = list_models(&provider).await?;
    ask(&provider, chat_model(args.model.as_deref(), &plugin, &config, &environment)?).await?;
    if let Some(images) = &descriptor.images {
        // As the catalog names it, where it has it: `@openai/gpt-image-2`.
        let listed = models.into_iter().find(|id| id.rsplit('/').next() == Some(images.default_model.as_str()));
        draw(&provider, args.image_model.or(listed), &folder).await?;
    }
    drop(stub);

    next_commands(&plugin);
    Ok(ExitCode::SUCCESS)
}

async fn start_stub(plugin: &Plugin) -> anyhow::Result<Stub> {
    let credential = plugin.descriptor().credentials.first();
    let require = credential.map(|credential| Credential {
        header: credential.header.clone(),
        value: format!("{}{STUB_KEY}", credential.prefix),
    });
    Stub::start(Options { require, ..Options::default() }).await.context("cannot start the stand-in gateway")
}

async fn list_models(provider: &Provider) -> anyhow::Result<Vec<String>> {
    let models: Vec<_> = provider.models().await?.into_iter().map(|model| model.id).collect();
    let some: Vec<_> = models.iter().take(3).map(String::as_str).collect();
    step(&format!("{} models, such as {}", models.len(), some.join(", ")));
    Ok(models)
}

async fn ask(provider: &Provider, model: String) -> anyhow::Result<()> {
    step(&format!("Asking {model}, as it answers:"));
    let question = "Say hello to a new user of this plugin, in one sentence.";
    let request = Prompt::new(model.clone(), [Message::user(question)]).into();
    let mut answering = Answering::new(ReplyText::standard_output(true)).with_cost();
    let outcome = answering.stream(provider, Asked { model, request }).await;
    let mut answer = answering.finish(outcome.map(|()| false))?;
    let cost = answer.cost().await;
    step(&answer.summary(cost));
    Ok(())
}

async fn draw(provider: &Provider, model: Option<String>, folder: &std::path::Path) -> anyhow::Result<()> {
    let request = |prompt| images::Request { model: model.clone(), ..images::Request::new(prompt) };
    let drawn = provider.generate(&request("A lighthouse at dawn")).await?;
    let target = Target::new(folder, false)?;
    let drawn = save(provider, &drawn, &target).await.into_iter().next().context("no image came")??;
    step(&format!("Made an image: {}", drawn.path.display()));
    let edited = provider.edit(&request("The same, in the evening"), &[input::image(&drawn.path)?], None).await?;
    for image in save(provider, &edited, &target).await {
        step(&format!("Edited it:     {}", image?.path.display()));
    }
    Ok(())
}

fn next_commands(plugin: &Plugin) {
    let program = std::env::args().next().unwrap_or_else(|| "host-harness".into());
    let variables = plugin.descriptor().credentials.iter().filter_map(|credential| credential.env_vars.first());
    let variables: Vec<_> = variables.map(String::as_str).collect();
    output::print_line(&format!("\nNext, with {} set:", variables.join(" and ")));
    output::print_line(&format!("  {program} onboard              # write it into OpenClaw's configuration"));
    output::print_line(&format!("  {program} doctor               # see that everything is in place"));
    output::print_line(&format!("  {program} chat 'Hello there'   # ask the real thing"));
}

fn step(text: &str) {
    output::print_line(&format!("* {text}"));
}
