//! Suggests the known name that a misspelt one probably means.

/// The one of `known` that `name` was probably meant to be: at most one letter in three is another.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = plain(name);
    let length = name.chars().count();
    let near = known.into_iter().filter_map(|known| {
        let (letters, most) = (plain(known), known.len() / 3);
        // As far apart as they differ in length, at least: a gateway names models as long as it likes.
        let is_as_long = letters.chars().count().abs_diff(length) <= most;
        is_as_long.then(|| (strsim::osa_distance(&letters, &name), known))
    });
    near.filter(|(distance, known)| distance * 3 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|near| near.1)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_among_any() {
        let long = "gpt-5-mini".repeat(100_000);
        for (name, known, expected) in [
            ("gpt5_mini", &["gpt-5-mini", "gpt-5-nano"][..], Some("gpt-5-mini")),
            ("gtp-5-mini", &["gpt-5-mini"], Some("gpt-5-mini")),
            ("gpt-5", &["claude", ""], None),
            // Whoever makes a list of names makes them as long as they like, and so does whoever writes a file.
            ("gpt-5-mini", &[&long, "gpt-5-minx"], Some("gpt-5-minx")),
            (&long, &["gpt-5-mini"], None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), expected);
        }
    }
}
