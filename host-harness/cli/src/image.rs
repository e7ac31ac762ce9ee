//! `image`: pictures from a prompt, and from a prompt and pictures.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use host_harness::{
    Error, Provider,
    command_line::image_kind,
    types::{self, ErrorKind, MediaSource},
    wit::{
        chat,
        images::{Image, Request, Response},
    },
};
use serde_json::{Value, json};

use super::{
    connect::{Connect, model_of},
    exit_code::{self, Usage},
    input,
    output::{self, Took},
    output_file,
    picture::{self, Inline},
    waiting::Waiting,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to draw
    #[arg(required = true)]
    prompt: Vec<String>,
    /// Edit this image; may be given several times
    #[arg(long = "input", value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// Repaint only where this image is transparent; needs --input
    #[arg(long, value_name = "FILE", requires = "inputs")]
    mask: Option<PathBuf>,
    /// The model, such as @openai/gpt-image-2
    #[arg(short, long, value_name = "ID", value_parser = super::input::filled)]
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
    /// The folder for the images, or the file for a single image: a name that ends in .png, .jpg, .jpeg, .webp or .gif
    #[arg(short, long, value_name = "FOLDER|FILE", default_value = ".")]
    output: PathBuf,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    /// Open the images in the default program
    #[arg(long)]
    open: bool,
    /// Show the images in the terminal by this protocol [default: one that the terminal is known to have]
    #[arg(long, value_name = "PROTOCOL", value_enum)]
    inline: Option<Inline>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let prompt = args.prompt.join(" ");
    if prompt.trim().is_empty() {
        return Err(Usage("the prompt is empty: say what to draw".into()).into());
    }
    let target = Target::new(&args.output, args.force)?;
    if matches!(target.place, Place::File(_)) && args.count.is_some_and(|count| count > 1) {
        return Err(Usage("several images do not go into one file: name a folder with --output".into()).into());
    }
    let inputs = args.inputs.iter().map(|path| input::image(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mask = args.mask.as_deref().map(input::image).transpose()?;
    let (provider, config, _) = args.connect.provider().await?;
    // Images cost money: what would keep them from being written is found out beforehand.
    target.prepare()?;
    let request = Request {
        model: model_of(args.model, &provider, &config),
        count: args.count,
        size: args.size,
        quality: args.quality,
        background: args.background,
        output_format: args.output_format,
        ..Request::new(prompt)
    };
    let (asked, waiting) = (Instant::now(), Waiting::new(if inputs.is_empty() { "drawing" } else { "editing" }));
    let response = if inputs.is_empty() {
        provider.generate(&request).await?
    } else {
        provider.edit(&request, &inputs, mask.as_ref()).await?
    };
    let (images, mut failed) = parted(save(&provider, &response, &target).await);
    let took = Took::whole(asked.elapsed());
    drop(waiting);
    if args.open {
        failed.extend(images.iter().filter_map(|image| open(image).err()));
    }
    let failed = joined(&failed);
    if args.json {
        let mut result = json!({
            "model": response.model,
            "images": images.iter().map(Saved::json).collect::<Vec<_>>(),
            "usage": response.usage,
            "report": response.report,
        });
        if let (Some(error), Value::Object(result)) = (&failed, &mut result) {
            result.insert("error".into(), json!(error.record()));
        }
        output::print_json(&result);
    } else {
        for image in &images {
            if let Some(held) = image.misnamed() {
                output::warn(&format!("`{}` holds {held}: --output-format asks for another", image.path.display()));
            }
        }
        show(&images, args.inline.unwrap_or_else(Inline::of_this_terminal));
        output::note(&output::summary(response.usage.as_ref(), None, &response.report, took));
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(error) if args.json => Ok(exit_code::of(&error.into())),
        Some(error) => Err(error.into()),
    }
}

/// What is no image by its bytes, another program than one for images would open: on macOS, one that unpacks it.
fn open(image: &Saved) -> Result<(), Error> {
    let wrong = |why: String| {
        Error::host(ErrorKind::Other, format!("`{}` is written, but cannot be opened: {why}", image.path.display()))
    };
    match image.kind {
        Some(_) => open::that_detached(&image.path).map_err(|error| wrong(error.to_string())),
        None => Err(wrong("its bytes are of no kind of image".into())),
    }
}

/// One error that says it all, a line each.
fn joined(errors: &[Error]) -> Option<Error> {
    let message = errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n");
    Some(types::Error { message, ..errors.first()?.record().clone() }.into())
}

/// An image on disk.
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// What its bytes are, and the ending for that.
    kind: Option<(&'static str, &'static str)>,
    media_type: String,
    bytes: usize,
    revised_prompt: Option<String>,
}

impl Saved {
    /// What it holds, where its name says something else.
    fn misnamed(&self) -> Option<&'static str> {
        let (kind, ending) = self.kind?;
        let named = self.path.extension()?.to_str()?.to_ascii_lowercase();
        (named != ending && !(ending == "jpg" && named == "jpeg")).then_some(kind)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "path": self.path.display().to_string(),
            "media_type": self.media_type,
            "bytes": self.bytes,
            "revised_prompt": self.revised_prompt,
        })
    }
}

/// Where images are written to.
pub(crate) struct Target {
    place: Place,
    /// Whether files that are there are replaced.
    force: bool,
}

/// The endings of images.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// Endings of files that hold none of these. Any other may be a folder's, such as `shots.final`.
const OTHERS: [&str; 16] = [
    "avif", "bmp", "csv", "heic", "htm", "html", "ico", "json", "md", "pdf", "psd", "svg", "tif", "tiff", "txt", "zip",
];

enum Place {
    /// Under names of our own: what a component would name them could be read by a shell or a desktop.
    Folder(PathBuf),
    File(PathBuf),
}

impl Target {
    /// `path` is a file where it ends like an image and is no folder. One that ends like another file, or is one, is wrong
    /// usage, and so is a file that is there, unless it may be replaced: said before anything is paid for.
    pub(crate) fn new(path: &Path, force: bool) -> anyhow::Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let is_file = ENDINGS.contains(&ending.as_str()) && !path.is_dir();
        // A folder may be named like a file, where it is there or ends in a slash.
        let names_a_file = OTHERS.contains(&ending.as_str());
        let is_named_folder = path.to_string_lossy().ends_with(std::path::is_separator);
        if !is_file && ((path.exists() && !path.is_dir()) || (names_a_file && !path.exists() && !is_named_folder)) {
            let endings = ENDINGS.join(", .");
            let why = format!("`{}` is no name of an image: end it in .{endings}, or give a folder", path.display());
            return Err(Usage(why).into());
        }
        if is_file && path.exists() && !force {
            return Err(Usage(format!("`{}` is there already: --force replaces it", path.display())).into());
        }
        let place = if is_file { Place::File } else { Place::Folder };
        Ok(Self { place: place(path.to_owned()), force })
    }

    fn folder(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::File(path) => output_file::folder(path),
        }
    }

    /// The highest number of an image in the folder: further ones count on, so that a second run loses none and its images
    /// sort behind those of the first.
    fn taken(&self) -> u32 {
        let Place::Folder(folder) = &self.place else { return 0 };
        if self.force {
            return 0;
        }
        let number = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let digits = name.strip_prefix("image-")?.split('.').next()?.parse().ok();
            digits.filter(|number| *number < u32::MAX / 2)
        };
        std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(number).max().unwrap_or(0)
    }

    /// Where image `number` of an answer goes, which ends so.
    fn path(&self, number: u32, ending: &str) -> PathBuf {
        match &self.place {
            Place::File(file) => file.clone(),
            Place::Folder(folder) => folder.join(format!("image-{number}.{ending}")),
        }
    }

    /// Makes the folder, and sees that it can be written into.
    pub(crate) fn prepare(&self) -> Result<(), Usage> {
        let folder = self.folder();
        let wrong = |what: &str, error| Usage(format!("cannot {what} the folder `{}`: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(|error| wrong("make", error))?;
        tempfile::tempfile_in(folder).map(drop).map_err(|error| wrong("write into", error))
    }
}

/// Most images of one answer that are fetched and written. No model makes more, and a gateway could name millions of places.
const MOST: usize = 32;

/// How long they may take to come, all together. A place that answers each just in time would keep the program for hours.
const LONGEST: Duration = Duration::from_secs(600);

/// How much of them is enough, in bytes: no more are fetched then. Each may be as large as a body, and the disk may not.
const ENOUGH: usize = 256 << 20;

/// Writes the images, each whole or not at all. They are paid for: one that fails takes no other along. But none is
/// fetched after one that does not come in time, or after [`ENOUGH`].
pub(crate) async fn save(provider: &Provider, response: &Response, target: &Target) -> Vec<Result<Saved, Error>> {
    let mut saved: Vec<Result<Saved, Error>> = Vec::new();
    let (started, mut bytes) = (Instant::now(), 0);
    let mut over: Option<(ErrorKind, &str)> = None;
    for (number, image) in (target.taken() + 1..).zip(&response.images).take(MOST) {
        let written: Vec<_> = saved.iter().flatten().map(|saved| saved.path.clone()).collect();
        if let Some((kind, why)) = over.filter(|_| matches!(image.source, MediaSource::Url(_))) {
            let message = format!("a further image is not fetched: those before it {why}");
            saved.push(Err(Error::host(kind, message)));
            continue;
        }
        let one = save_one(provider, image, number, target, &written).await;
        bytes += one.as_ref().map_or(0, |image| image.bytes);
        if started.elapsed() > LONGEST || one.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout) {
            over = Some((ErrorKind::Timeout, "took too long"));
        } else if bytes > ENOUGH {
            over = Some((ErrorKind::Protocol, "are too large together"));
        }
        saved.push(one);
    }
    let left = response.images.len() - saved.len();
    if left > 0 {
        let why = format!("the answer holds {left} images more, which are not saved: {MOST} are the most");
        saved.push(Err(Error::host(ErrorKind::Protocol, why)));
    }
    saved
}

/// Writes the images of a chat's reply into the working directory, as `image` does; with them what went wrong. The reply
/// is paid for: the caller shows it all the same.
pub(crate) async fn save_of_chat(provider: &Provider, reply: &chat::Response) -> (Vec<Saved>, Option<Error>) {
    let images: Vec<_> = reply
        .content
        .iter()
        .filter_map(|part| match part {
            chat::AssistantPart::Image(source) => Some(source.clone()),
            _ => None,
        })
        .map(|source| Image { source, file_name: String::new(), revised_prompt: None })
        .collect();
    if images.is_empty() {
        return (Vec::new(), None);
    }
    let target = Target { place: Place::Folder(".".into()), force: false };
    if let Err(error) = target.prepare() {
        return (Vec::new(), Some(Error::host(ErrorKind::Other, error.to_string())));
    }
    let response = Response { model: reply.model.clone(), images, usage: None, report: reply.report.clone() };
    let (saved, failed) = parted(save(provider, &response, &target).await);
    (saved, joined(&failed))
}

fn parted(images: Vec<Result<Saved, Error>>) -> (Vec<Saved>, Vec<Error>) {
    let (mut saved, mut failed) = (Vec::new(), Vec::new());
    for image in images {
        match image {
            Ok(image) => saved.push(image),
            Err(error) => failed.push(error),
        }
    }
    (saved, failed)
}

/// Prints where the images are, and shows them where the terminal can.
pub(crate) fn show(images: &[Saved], inline: Inline) {
    for image in images {
        output::print_line(&image.path.display().to_string());
        picture::show(&image.path, inline);
    }
}

async fn save_one(
    provider: &Provider,
    image: &Image,
    number: u32,
    target: &Target,
    written: &[PathBuf],
) -> Result<Saved, Error> {
    let fetched;
    let media = match &image.source {
        MediaSource::Inline(media) => media,
        MediaSource::Url(url) => {
            fetched = provider.download(url).await.map_err(|error| {
                // What may follow is often a signature.
                let place = url.split(['?', '#']).next().unwrap_or_default();
                let message = format!("the image {place} is not saved: {error}");
                Error::from(types::Error { message, ..error.record().clone() })
            })?;
            &fetched
        }
    };
    let kind = image_kind(&media.data);
    let (folder, path) = (target.folder(), target.path(number, kind.map_or("bin", |(_, ending)| ending)));
    // What was written just now is not what the user wants replaced.
    let force = target.force && !written.contains(&path);
    let wrong = |error| format!("cannot write an image into `{}`: {error}", folder.display());
    let path = write(path, &media.data, force).map_err(|error| Error::host(ErrorKind::Other, wrong(error)))?;
    Ok(Saved {
        path,
        kind,
        media_type: media.media_type.clone(),
        bytes: media.data.len(),
        revised_prompt: image.revised_prompt.clone(),
    })
}

/// Writes a file, beside one that another program put there just now: `image-1.png`, or `image-1-2.png`, and so on; with
/// `force` in its place.
fn write(path: PathBuf, data: &[u8], force: bool) -> std::io::Result<PathBuf> {
    let mut file = output_file::unfinished(&path)?;
    file.write_all(data)?;
    if force {
        file.persist(&path).map_err(|error| error.error)?;
        return Ok(path);
    }
    let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let (stem, ending) = (part(path.file_stem()).unwrap_or_default(), part(path.extension()).unwrap_or("bin".into()));
    let (mut number, mut free) = (1_u32, path);
    loop {
        match file.persist_noclobber(&free) {
            Ok(_) => return Ok(free),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
        number += 1;
        free.set_file_name(format!("{stem}-{number}.{ending}"));
    }
}
