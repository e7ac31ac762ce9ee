//! The images and files of a part, by their URLs: as data or as an address.

use alloc::borrow::Cow;

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

const BASE64: &str = ";base64";

/// Data as a URL, of this kind if it is told. Parameters go: with them the gateway loses it for Anthropic and Bedrock
/// (1.15.2 and 2.2.3). An image is of the kind that its bytes are ("Image does not match the provided media type":
/// anthropics/claude-code#15746).
pub(super) fn as_url<'a>(data: Cow<'a, str>, kind: &str) -> Cow<'a, str> {
    let (head, rest, end) = match data.strip_prefix("data:") {
        Some(url) => {
            let (head, rest) = url.split_once(',').unwrap_or_default();
            (head, rest, if head.ends_with(BASE64) { BASE64 } else { "" })
        }
        None if data.contains(':') => return data,
        None => (kind, &*data, BASE64),
    };
    let told = head.split(';').next().unwrap_or_default().trim();
    let is_open = told.is_empty() || told.starts_with("image/") || told == "application/octet-stream";
    let known = BARE.iter().find(|(start, _)| is_open && !end.is_empty() && rest.starts_with(start));
    let kind = known.map_or(told, |(_, kind)| kind);
    let is_sound = head.strip_suffix(BASE64).unwrap_or(head) == kind && data.starts_with("data:");
    if kind.is_empty() || rest.is_empty() || is_sound { data } else { ["data:", kind, end, ",", rest].concat().into() }
}
