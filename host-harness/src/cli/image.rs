//! `image`: pictures from a prompt, and from a prompt and pictures.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use host_harness::{
    Provider, read_file,
    types::{Media, MediaSource},
    wit::images::{Request, Response},
};
use serde_json::{Value, json};

use super::{
    connect::Connect,
    output::{self, Usage},
};

/// The largest image that is sent, in bytes: what OpenAI's API takes of one.
/// Source: <https://platform.openai.com/docs/api-reference/images/createEdit>.
const LARGEST_IMAGE: u64 = 50 << 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to draw
    #[arg(required = true)]
    prompt: Vec<String>,
    /// Edit this image; may be given several times
    #[arg(long = "input", value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// Repaint the transparent areas of this image alone; needs --input
    #[arg(long, value_name = "FILE", requires = "inputs")]
    mask: Option<PathBuf>,
    /// The model, such as @openai/gpt-image-2
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// How many images
    #[arg(long, value_name = "NUMBER")]
    count: Option<u32>,
    /// WIDTHxHEIGHT in pixels
    #[arg(long)]
    size: Option<String>,
    /// In the model's own words: low, medium, high
    #[arg(long)]
    quality: Option<String>,
    /// transparent, opaque or auto
    #[arg(long)]
    background: Option<String>,
    /// png, jpeg or webp
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<String>,
    /// The folder for the images; a file that is there is never replaced
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let prompt = args.prompt.join(" ");
    if prompt.trim().is_empty() {
        return Err(Usage("the prompt is empty: say what to draw".into()).into());
    }
    let inputs = args.inputs.iter().map(|path| read_image(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mask = args.mask.as_deref().map(read_image).transpose()?;
    let (provider, _) = args.connect.provider().await?;
    // Images cost money: what would keep them from being written is found out beforehand.
    tempfile::tempfile_in(make_folder(&args.output)?)
        .map_err(|error| Usage(format!("cannot write into the folder `{}`: {error}", args.output.display())))?;
    let request = Request {
        model: args.model.map(|model| strip_provider(&provider, model)),
        count: args.count,
        size: args.size,
        quality: args.quality,
        background: args.background,
        output_format: args.output_format,
        ..Request::new(prompt)
    };
    let response = if inputs.is_empty() {
        provider.generate(&request).await?
    } else {
        provider.edit(&request, &inputs, mask.as_ref()).await?
    };
    let images = save(&provider, &response, &args.output).await?;
    if args.json {
        output::print_json(&json!({
            "model": response.model,
            "images": images.iter().map(Saved::json).collect::<Vec<_>>(),
            "usage": response.usage.as_ref().map(output::usage_json),
            "report": output::report_json(&response.report),
        }));
    } else {
        images.iter().for_each(|image| output::print_line(&image.path.display().to_string()));
        eprintln!("{}", output::summary(response.usage.as_ref(), &response.report));
    }
    Ok(ExitCode::SUCCESS)
}

fn strip_provider(provider: &Provider, model: String) -> String {
    let prefix = format!("{}/", provider.plugin().descriptor().id);
    model.strip_prefix(&prefix).map(str::to_owned).unwrap_or(model)
}

/// An image on disk.
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    media_type: String,
    bytes: usize,
    revised_prompt: Option<String>,
}

impl Saved {
    fn json(&self) -> Value {
        json!({
            "path": self.path.display().to_string(),
            "media_type": self.media_type,
            "bytes": self.bytes,
            "revised_prompt": self.revised_prompt,
        })
    }
}

/// Writes the images into `folder`, each whole or not at all.
pub(crate) async fn save(provider: &Provider, response: &Response, folder: &Path) -> anyhow::Result<Vec<Saved>> {
    make_folder(folder)?;
    let mut saved = Vec::new();
    for image in &response.images {
        let fetched;
        let media = match &image.source {
            MediaSource::Inline(media) => media,
            MediaSource::Url(url) => {
                fetched = provider.download(url).await?;
                &fetched
            }
        };
        let path = write_new(folder, &image.file_name, &media.data)
            .with_context(|| format!("cannot write an image into `{}`", folder.display()))?;
        saved.push(Saved {
            path,
            media_type: media.media_type.clone(),
            bytes: media.data.len(),
            revised_prompt: image.revised_prompt.clone(),
        });
    }
    Ok(saved)
}

fn make_folder(folder: &Path) -> anyhow::Result<&Path> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Usage(format!("cannot make the folder `{}`: {error}", folder.display())))?;
    Ok(folder)
}

/// Writes a file that is not there yet: `image-1.png`, or `image-1-2.png` where that name is taken, and so on.
fn write_new(folder: &Path, name: &str, data: &[u8]) -> std::io::Result<PathBuf> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(data)?;
    // A plugin's name is a name and not a path.
    let name = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or("image");
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let mut number = 1_u32;
    loop {
        let name = if number == 1 { name.to_owned() } else { format!("{stem}-{number}.{ending}") };
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
        number += 1;
    }
}

/// An image from a file, its type by its bytes.
pub(crate) fn read_image(path: &Path) -> anyhow::Result<Media> {
    let data = read_file(path, LARGEST_IMAGE)
        .map_err(|error| Usage(format!("cannot read the image `{}`: {error}", path.display())))?;
    match infer::get(&data) {
        Some(kind) if kind.matcher_type() == infer::MatcherType::Image => {
            Ok(Media { media_type: kind.mime_type().to_owned(), data })
        }
        _ => Err(Usage(format!("`{}` is not an image", path.display())).into()),
    }
}
