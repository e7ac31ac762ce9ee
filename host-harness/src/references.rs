//! References to secrets, as OpenClaw's configuration writes them: `${NAME}`. Owns how they are spelled; what one stands for
//! is the credentials' business.

/// Whether the text holds a `${NAME}` reference.
pub(crate) fn is_reference(text: &str) -> bool {
    first_reference(text).is_some()
}

/// The names of all references in the text.
pub(crate) fn references(mut text: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((_, name, after)) = first_reference(text) {
        names.push(name.to_owned());
        text = after;
    }
    names
}

/// The first `${NAME}` as (what is before, the name, what is after). Names are OpenClaw's: capitals, digits and `_`, no
/// digit first.
pub(crate) fn first_reference(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices("${").find_map(|(start, _)| {
        let (name, after) = text.get(start + 2..)?.split_once('}')?;
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then_some((text.get(..start)?, name, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitals_digits_and_underscores() {
        assert!(!is_reference("plain ${lower} ${1A} $ {X}"));
        assert_eq!(references("x ${A}-${B_2}${not one} ${_C"), ["A", "B_2"]);
    }
}
