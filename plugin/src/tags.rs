//! Reasoning that stands in the text itself, between tags, before the answer.
//!
//! Google's OpenAI-compatible endpoint writes `<thought>`. The others are of models whose server leaves their reasoning
//! where it is. OpenClaw knows the first four (2026.9.6, `THINKING_TAG_NAME_PATTERN`), and leaves out what stands before an
//! end without a beginning, wherever it is. Here that is so in a whole text alone: of one in pieces the rest was told.

use alloc::string::String;
use core::mem;

use memchr::memchr3_iter;

const TAGS: [(&str, &str); 9] = [
    ("<think>", "</think>"),
    ("<thought>", "</thought>"),
    ("<thinking>", "</thinking>"),
    ("<mm:think>", "</mm:think>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("◁think▷", "◁/think▷"),
];

/// The longest white space at an edge that is taken for a part of it, in bytes.
const MAX_BLANK: usize = 64;

/// How far a text has come.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// Whether all of the text comes at once.
    pub(crate) is_whole: bool,
    place: Place,
    /// What may be a part of a tag, and the white space before it.
    held: String,
    /// The reasoning so far whose end has not come: it may be the answer.
    open: String,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Start,
    /// Behind an opening tag, before the closing one; and whether there was a word.
    Inside(&'static str, bool),
    Behind,
    Text,
}

impl Tags {
    /// Whether reasoning, but no text, has come.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.place, Place::Inside(..) | Place::Behind)
    }

    /// Reads a piece of a text; gives the reasoning and the text that are certain. `is_thought`: all of it is reasoning, as
    /// Google marks it.
    pub(crate) fn push(&mut self, piece: String, is_thought: bool) -> (String, String) {
        match self.place {
            Place::Text if !is_thought => return (String::new(), piece),
            Place::Text => self.place = Place::Behind,
            _ => {}
        }
        let all = mem::take(&mut self.held) + &piece;
        let (mut thought, mut rest) = (String::new(), &*all);
        loop {
            let begun = rest.trim_ascii_start();
            match self.place {
                Place::Inside(end, is_begun) => {
                    let inside = if is_begun { rest } else { begun };
                    let at = inside.find(end);
                    let is_part = |at: &usize| inside.get(*at..).is_some_and(|tail| end.starts_with(tail));
                    let tail = || (inside.len().saturating_sub(end.len())..inside.len()).find(is_part);
                    let said = inside.get(..at.or_else(tail).unwrap_or(inside.len())).unwrap_or_default();
                    let said = said.get(..said.trim_ascii_end().len().max(said.len().saturating_sub(MAX_BLANK)));
                    let said = said.unwrap_or_default();
                    thought.push_str(said);
                    let Some(at) = at else {
                        self.place = Place::Inside(end, is_begun || !said.is_empty());
                        self.held = inside.get(said.len()..).unwrap_or_default().into();
                        if !is_thought {
                            self.open.push_str(said);
                        }
                        return (thought, String::new());
                    };
                    (self.place, self.open) = (Place::Behind, String::new());
                    rest = inside.get(at + end.len()..).unwrap_or_default();
                }
                Place::Text if is_thought => return (thought + rest, String::new()),
                Place::Text => return (thought, rest.into()),
                Place::Start | Place::Behind => {
                    let tag = TAGS.into_iter().find_map(|(tag, end)| Some((begun.strip_prefix(tag)?, end)));
                    if let Some((inside, end)) = tag {
                        self.place = Place::Inside(end, false);
                        rest = inside;
                        continue;
                    }
                    let is_start = matches!(self.place, Place::Start);
                    if is_start && let Some((before, behind)) = self.without_beginning(begun) {
                        self.place = Place::Behind;
                        thought.push_str(before.trim_ascii_end());
                        rest = behind;
                        continue;
                    }
                    // White space between the two belongs to neither.
                    if matches!(self.place, Place::Behind) && !is_thought {
                        rest = begun;
                    }
                    let is_part =
                        |(tag, end): (&str, &str)| tag.starts_with(begun) || is_start && end.starts_with(begun);
                    if rest.len() - begun.len() <= MAX_BLANK && TAGS.into_iter().any(is_part) {
                        self.held = rest.into();
                        return (thought, String::new());
                    }
                    self.place = Place::Text;
                }
            }
        }
    }

    /// Parts a text at the end of reasoning whose beginning was in the prompt. Behind some other text it is one where a
    /// line break stands before the tag, or a blank line follows, but not within code.
    fn without_beginning<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        // One look through the text for all of them: most texts have none. The last is the first byte of `◁`.
        let begins = memchr3_iter(b'<', b'[', 0xe2, text.as_bytes()).take_while(|at| self.is_whole || *at == 0);
        let (before, tag, behind) = begins.filter_map(|at| text.split_at_checked(at)).find_map(|(before, rest)| {
            let at_end = |(tag, end)| Some((before, tag, rest.strip_prefix::<&str>(end)?));
            TAGS.into_iter().find_map(at_end)
        })?;
        let is_alone = before.is_empty() || before.ends_with('\n') || behind.starts_with("\n\n");
        // Three marks begin code, and end it.
        (is_alone && !before.contains(tag) && before.split("```").count() % 2 == 1).then_some((before, behind))
    }

    /// Takes out the reasoning whose end never came.
    pub(crate) fn take_open(&mut self) -> String {
        mem::take(&mut self.open) + &self.held
    }

    /// What was held, where something else follows, or nothing.
    pub(crate) fn release(&mut self) -> (String, String) {
        let held = mem::take(&mut self.held);
        match self.place {
            Place::Inside(..) if held.trim_ascii().is_empty() => Default::default(),
            Place::Inside(..) => (held, String::new()),
            _ => (String::new(), held),
        }
    }
}
