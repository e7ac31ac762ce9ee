//! Which kind of image bytes are.

/// The media type of an image and the usual ending of its file, by its first bytes: what a server or a file's name says of
/// it does not count. `None` where it is no image.
///
/// ```
/// assert_eq!(host_harness::command_line::image_kind(b"\x89PNG\r\n\x1a\n"), Some(("image/png", "png")));
/// assert_eq!(host_harness::command_line::image_kind(b"#!/bin/sh"), None);
/// ```
pub fn image_kind(data: &[u8]) -> Option<(&'static str, &'static str)> {
    let kind = infer::get(data).filter(|kind| kind.matcher_type() == infer::MatcherType::Image)?;
    Some((kind.mime_type(), kind.extension()))
}
