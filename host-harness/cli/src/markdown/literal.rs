//! Finds text that must be shown literally, because Markdown would swallow characters or whole lines of it: formulas,
//! globs, paths, names in code, and the definitions of references, which are the sources of an answer.

use std::{collections::BTreeMap, ops::Range};

use pulldown_cmark::{Event, Parser, Tag};

use super::OPTIONS;

/// How often emphasis is looked for again: what is escaped lets other signs pair up.
const ROUNDS: usize = 8;

/// `markdown` with what is to be shown as it stands escaped. `None` where all of it is: it nests without end, maybe only
/// once something is escaped.
pub(super) fn escaped(markdown: &str) -> Option<String> {
    if is_too_deep(markdown) {
        return None;
    }
    let mut text = insert(markdown, &outside_of_code(markdown));
    for _ in 0..ROUNDS {
        if is_too_deep(&text) {
            return None;
        }
        let unmeant = unmeant_emphasis(&text);
        if unmeant.is_empty() {
            break;
        }
        text = insert(&text, &unmeant);
    }
    Some(text).filter(|text| !is_too_deep(text))
}

/// Whether more stands in each other than anyone means: each line would have a sign for each quotation that it is in.
fn is_too_deep(markdown: &str) -> bool {
    const DEEPEST: usize = 32;
    // The parser looks for each of them in each line. Here `> > 1. ` is five.
    let opens = |line: &str| {
        let signs =
            line.split_once(|sign: char| !" \t>-*+.)0123456789".contains(sign)).map_or(line, |(signs, _)| signs);
        let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        signs.matches('>').count() + signs.split_whitespace().filter(|word| !is_number(word)).count()
    };
    if markdown.lines().any(|line| opens(line) > 2 * DEEPEST) {
        return true;
    }
    let mut depth = 0_usize;
    Parser::new_ext(markdown, OPTIONS).any(|event| {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        depth > DEEPEST
    })
}

/// What to insert, by the byte before which it goes.
type Insertions = BTreeMap<usize, &'static str>;

fn insert(text: &str, insertions: &Insertions) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len() + insertions.len() * 2), 0);
    for (&at, added) in insertions {
        out += text.get(done..at).unwrap_or_default();
        out += added;
        done = at;
    }
    out + text.get(done..).unwrap_or_default()
}

/// Keeps the backslash of a formula and of a pattern, and shows definitions, each on a line of its own.
fn outside_of_code(markdown: &str) -> Insertions {
    let events = Parser::new_ext(markdown, OPTIONS).into_offset_iter();
    let mut kept: Vec<Range<usize>> = events
        .filter(|(event, _)| {
            matches!(
                event,
                Event::Code(_)
                    | Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Start(Tag::CodeBlock(_) | Tag::Link { .. } | Tag::Image { .. })
            )
        })
        .map(|(_, range)| range)
        .collect();
    // One within another adds nothing, and without those they stand in order.
    let mut end = 0;
    kept.retain(|range| {
        let is_outermost = range.start >= end;
        end = end.max(range.end);
        is_outermost
    });
    let is_kept = |at: usize| {
        let before = kept.partition_point(|range| range.start <= at);
        before.checked_sub(1).and_then(|last| kept.get(last)).is_some_and(|range| range.contains(&at))
    };
    let mut insertions = Insertions::new();

    let mut escape = false;
    for (at, sign) in markdown.char_indices() {
        // Markdown's own signs are escaped to be shown; before others, a backslash is meant.
        if escape && sign.is_ascii_punctuation() && !"*_`#|<>~\\$".contains(sign) && !is_kept(at - 1) {
            insertions.insert(at - 1, "\\\\");
        }
        escape = !escape && sign == '\\';
    }

    let mut start = 0;
    for line in markdown.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        if let Some(bracket) = definition(line).map(|at| start + at).filter(|at| !is_kept(*at)) {
            insertions.insert(bracket, "\\");
            // Each on a line of its own: two spaces break it.
            if let Some(before) = markdown.get(..start).map(|before| before.trim_end_matches(['\n', '\r']).len()) {
                insertions.entry(before).or_insert("  ");
            }
            insertions.entry(end).or_insert("  ");
        }
        start += line.len();
    }
    insertions
}

/// Where the bracket stands of a line that defines a reference, such as `[1]: https://a.example` or `[^1]: A book.`
fn definition(line: &str) -> Option<usize> {
    let mut rest = line.trim_start_matches([' ', '\t', '>']);
    let digits = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let after_marker = match rest.len() - digits.len() {
        0 => rest.strip_prefix(['-', '*', '+']),
        _ => digits.strip_prefix(['.', ')']),
    };
    if let Some(item) = after_marker.and_then(|after| after.strip_prefix([' ', '\t'])) {
        rest = item.trim_start();
    }
    let (label, _) = rest.strip_prefix('[')?.split_once("]:")?;
    (!label.trim().is_empty() && !label.contains([']', '['])).then(|| line.len() - rest.len())
}

/// Escapes for the signs around what Markdown would emphasise or strike, and nobody meant so.
fn unmeant_emphasis(text: &str) -> Insertions {
    let mut insertions = Insertions::new();
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        let length = match event {
            Event::Start(Tag::Emphasis) => 1,
            Event::Start(Tag::Strong) => 2,
            Event::Start(Tag::Strikethrough) => {
                1 + usize::from(text.get(range.start..).unwrap_or_default().starts_with("~~"))
            }
            _ => continue,
        };
        if range.len() > 2 * length && !is_meant(text, &range, length) {
            for at in (range.start..range.start + length).chain(range.end - length..range.end) {
                insertions.insert(at, "\\");
            }
        }
    }
    insertions
}

/// Whether the signs at both ends of `range` look like a person's emphasis.
fn is_meant(text: &str, range: &Range<usize>, length: usize) -> bool {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let (before, after) = (part(0..range.start), part(range.end..text.len()));
    let (sign, inner) = (part(range.clone()).chars().next(), part(range.start + length..range.end - length));
    let is_word = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric());
    let mut next = after.chars();
    // `__init__.py`, `_call_(x)`
    let goes_on_as_code = match next.next() {
        Some('.') => is_word(next.next()),
        Some('(' | '[' | '/' | '=') => true,
        _ => false,
    };
    let mut first = inner.chars();
    let starts_as_path = match first.next() {
        Some('.') => first.next().is_some_and(|sign| sign.is_ascii_alphanumeric() || sign == '*'),
        Some(sign) => "/,;)]}".contains(sign),
        None => true,
    };
    let ends_as_path = inner.ends_with(['/', '(', '[', '{', '=']);
    if starts_as_path || ends_as_path {
        return false;
    }
    match sign {
        // `2*3*4`, `p*q`; a part of a word may be set off by two, and words of some scripts have no spaces between.
        Some('*') => {
            let in_word = is_word(before.chars().next_back()) && is_word(inner.chars().next());
            let into_word = length == 1 && is_word(after.chars().next()) && is_word(inner.chars().next_back());
            let in_url = before.ends_with('/');
            !(in_word || into_word || in_url)
        }
        // `__name__`: a name of code.
        Some('_') => {
            let of_name = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
            !(goes_on_as_code || length == 2 && inner.chars().all(of_name))
        }
        // `H~2~O`
        _ => length == 2,
    }
}
