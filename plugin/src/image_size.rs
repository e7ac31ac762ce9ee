//! The sizes of images: those that a host offers, and what is taken for one.

/// Sizes that OpenAI's image models know, the default first.
pub(crate) const KNOWN: [&str; 11] = [
    DEFAULT, "256x256", "512x512", "1024x1536", "1024x1792", "1536x1024", "1792x1024", "2048x2048", "2048x1152",
    "3840x2160", "2160x3840",
];
/// What is asked for where the request names none.
pub(crate) const DEFAULT: &str = "1024x1024";

/// `WIDTHxHEIGHT`, or OpenAI's `auto`.
pub(crate) fn is_size(text: &str) -> bool {
    let is_pixels = |text: &str| text.parse::<u32>().is_ok_and(|pixels| pixels > 0) && !text.starts_with('+');
    text == "auto" || text.split_once('x').is_some_and(|(width, height)| is_pixels(width) && is_pixels(height))
}
