//! Shows images in the terminal, if its environment variables say that it can. The terminal itself is not asked: it
//! might never answer.

use std::{
    io::{IsTerminal, stdout},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::output;

/// How high an image is shown, in lines.
const LINES: usize = 20;
/// The same for sixels, whose unit is the pixel; and how wide, as what writes them takes the square of the width.
const PIXELS: u32 = 400;
const WIDEST: u32 = 1_000;
/// The most bytes that an image may take once it is decoded: 4096 x 4096 pixels.
const LARGEST: usize = 64 << 20;

/// A terminal's protocol for images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Inline {
    /// kitty, Ghostty, Konsole; PNG alone
    Kitty,
    /// iTerm2, WezTerm, mintty
    Iterm2,
    /// foot, mlterm, Windows Terminal, xterm -ti vt340; PNG alone, of up to 4096 x 4096 pixels
    Sixel,
    /// Do not show them
    None,
}

impl Inline {
    /// What standard output can show, by its own word.
    pub(crate) fn of_this_terminal() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let (term, program) = (variable("TERM"), variable("TERM_PROGRAM"));
        // A multiplexer in between passes nothing on unless it was told to.
        if !stdout().is_terminal() || term.starts_with("tmux") || term.starts_with("screen") {
            return Self::None;
        }
        match (program.as_str(), term.as_str()) {
            ("ghostty", _) | (_, "xterm-kitty" | "xterm-ghostty") => Self::Kitty,
            ("iTerm.app" | "WezTerm" | "mintty", _) => Self::Iterm2,
            (_, "mlterm") => Self::Sixel,
            (_, term) if term.starts_with("foot") => Self::Sixel,
            _ if !variable("KONSOLE_VERSION").is_empty() => Self::Kitty,
            _ if !variable("WT_SESSION").is_empty() => Self::Sixel,
            _ => Self::None,
        }
    }
}

/// Shows the image in `file`. It is only a look at what stands in the file: what cannot be shown is left out.
pub(crate) fn show(file: &Path, inline: Inline) {
    let Ok(data) = std::fs::read(file) else { return };
    let shown = match inline {
        Inline::Kitty => kitty(&data),
        Inline::Iterm2 => Some(iterm2(&data)),
        Inline::Sixel => sixel(&data),
        Inline::None => None,
    };
    if let Some(shown) = shown {
        output::print_picture(&shown);
    }
}

/// Source: kitty's docs, "Terminal graphics protocol": PNG is format 100, a piece holds at most 4096 bytes, and `q=2`
/// keeps the terminal from answering.
fn kitty(data: &[u8]) -> Option<String> {
    infer::is_mime(data, "image/png").then_some(())?;
    let text = BASE64.encode(data);
    let mut shown = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(4096));
        let head = if shown.is_empty() { format!("f=100,a=T,q=2,r={LINES},") } else { String::new() };
        shown += &format!("\x1b_G{head}m={};{piece}\x1b\\", u8::from(!more.is_empty()));
        rest = more;
    }
    Some(shown)
}

/// Source: iTerm2's docs, "Inline images protocol".
fn iterm2(data: &[u8]) -> String {
    let (size, text) = (data.len(), BASE64.encode(data));
    format!("\x1b]1337;File=inline=1;size={size};height={LINES};preserveAspectRatio=1:{text}\x07")
}

fn sixel(data: &[u8]) -> Option<String> {
    use icy_sixel::{DiffusionMethod, MethodForLargest, MethodForRep, PixelFormat, Quality, sixel_string};
    let mut decoder = png::Decoder::new(std::io::Cursor::new(data));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size().filter(|&size| size <= LARGEST)?];
    let image = reader.next_frame(&mut pixels).ok()?;
    // Every so many pixels in both directions: a look needs no more.
    let step = image.height.div_ceil(PIXELS).max(image.width.div_ceil(WIDEST)).max(1) as usize;
    let (width, samples) = (image.width as usize, image.color_type.samples());
    let mut small = Vec::new();
    let rows = pixels.chunks_exact(width * samples).take(image.height as usize).step_by(step);
    for pixel in rows.flat_map(|row| row.chunks_exact(samples).step_by(step)) {
        match *pixel {
            [grey] | [grey, _] => small.extend([grey; 3]),
            [red, green, blue] | [red, green, blue, _] => small.extend([red, green, blue]),
            _ => return None,
        }
    }
    let (width, height) = (width.div_ceil(step), (image.height as usize).div_ceil(step));
    sixel_string(
        &small,
        i32::try_from(width).ok()?,
        i32::try_from(height).ok()?,
        PixelFormat::RGB888,
        DiffusionMethod::Auto,
        MethodForLargest::Auto,
        MethodForRep::Auto,
        Quality::AUTO,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgba);
        let next = |last: &u32| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let noise = std::iter::successors(Some(1), next).map(|number: u32| (number >> 24) as u8);
        let pixels: Vec<u8> = noise.take((width * height * 4) as usize).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        file
    }

    #[test]
    fn kitty_takes_a_png_in_pieces_of_4096_bytes() {
        let file = image(64, 64);
        let shown = kitty(&file).unwrap();
        let pieces: Vec<_> = shown.split_terminator("\x1b\\").map(|piece| piece.split_once(';').unwrap()).collect();
        assert!(pieces.len() > 2 && pieces.iter().all(|(_, data)| data.len() <= 4096));
        let (last, others) = pieces.split_last().unwrap();
        assert!(last.0.ends_with("m=0") && others.iter().all(|(head, _)| head.ends_with("m=1")));
        let sent: String = pieces.iter().map(|(_, data)| *data).collect();
        assert_eq!(BASE64.decode(sent).unwrap(), file);
        assert_eq!(kitty(b"RIFF____WEBPVP8 "), None);
    }

    #[test]
    fn sixels_are_made_of_a_png_of_any_size() {
        for (width, height) in [(1, 1), (7, 3), (401, 30), (30, 801), (300, 401)] {
            let shown = sixel(&image(width, height)).unwrap();
            assert!(shown.starts_with("\x1bP") && shown.ends_with("\x1b\\"), "{width}x{height}");
        }
        assert_eq!(sixel(b"\x89PNG\r\n\x1a\nbroken"), None);
    }

    /// What writes sixels takes gigabytes for a line of ten thousand, which is a file of a kilobyte.
    #[test]
    fn no_sixels_are_wider_or_higher_than_a_look_needs() {
        for (width, height, shown_as) in [(30_000, 1, "1000;1"), (1, 30_000, "1;400"), (2_000, 90, "1000;45")] {
            let shown = sixel(&image(width, height)).unwrap();
            assert_eq!(shown.split(['"', '#']).nth(1), Some(&*format!("1;1;{shown_as}")), "{width}x{height}");
        }
    }

    /// The head of a file says how much memory its pixels take, and a server wrote it.
    #[test]
    fn an_image_too_large_to_decode_is_not_shown() {
        let mut file = Vec::new();
        let encoder = png::Encoder::new(&mut file, 1_000_000, 1_000_000);
        encoder.write_header().unwrap().write_chunk(png::chunk::IDAT, &[]).unwrap();
        assert_eq!(sixel(&file), None);
    }
}
