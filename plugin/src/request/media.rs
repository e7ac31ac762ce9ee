//! The images and files of a part, by their URLs: as data or as an address.

use alloc::borrow::Cow;
use alloc::format;

/// Whether data of this type, in a URL or told, are of an image that those who see take, but for a GIF at Gemini and Bedrock.
pub(super) fn is_seen(kind: &str) -> bool {
    let kind = kind.strip_prefix("data:").unwrap_or(kind);
    let begins = |seen: &str| kind.get(..seen.len()).is_some_and(|start| start.eq_ignore_ascii_case(seen));
    ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"].into_iter().any(begins)
}

/// Whether it says where something is, and is not the thing itself.
pub(super) fn is_address(url: &str) -> bool {
    !url.starts_with("data:") && url.contains("://")
}

/// The first bytes of what is sent without a type, in base64.
const BARE: [(&str, &str); 5] = [
    ("JVBERi0", "application/pdf"),
    ("iVBORw0", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
];

/// Data as a URL, of this kind if it is told.
pub(super) fn as_url<'a>(data: Cow<'a, str>, kind: &str) -> Cow<'a, str> {
    let bare = || BARE.iter().find(|(start, _)| data.starts_with(start)).map_or("", |(_, kind)| kind);
    match if kind.is_empty() { bare() } else { kind } {
        kind if !kind.is_empty() && !data.is_empty() && !data.contains(':') => {
            Cow::Owned(format!("data:{kind};base64,{data}"))
        }
        _ => data,
    }
}
