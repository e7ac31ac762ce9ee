//! Draws Markdown in a terminal while it arrives: waits until a block is complete (a paragraph, a list item, a table, a
//! line of a fenced code block), and then draws it. Drawn text never changes.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{output, terminal};

/// An event without what steers the terminal: in Markdown `&#27;` is an escape, too.
fn clean(event: Event<'_>) -> Event<'_> {
    let text = |text: CowStr<'_>| CowStr::from(terminal::text(&text));
    match event {
        Event::Text(found) => Event::Text(text(found)),
        Event::Code(found) => Event::Code(text(found)),
        Event::Html(found) => Event::Html(text(found)),
        Event::InlineHtml(found) => Event::InlineHtml(text(found)),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: text(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: text(dest_url), title, id })
        }
        event => event,
    }
}

mod literal;

const CODE: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

/// Markdown that arrives in pieces, drawn block by block.
#[derive(Debug)]
pub(crate) struct Stream {
    /// In columns.
    width: usize,
    blocks: Blocks,
}

impl Stream {
    /// For a terminal of `width` columns.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, blocks: Blocks::default() }
    }

    /// Takes the next piece, and gives what can be shown now.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.blocks.push(piece);
        let mut drawn = String::new();
        while let Some(block) = self.blocks.next() {
            drawn += &self.draw(&block);
        }
        drawn
    }

    /// What no block is yet.
    pub(crate) fn pending(&self) -> &str {
        self.blocks.text.get(self.blocks.done..).unwrap_or_default()
    }

    /// Gives what is left once nothing more comes.
    pub(crate) fn finish(&mut self) -> String {
        let rest = self.blocks.finish();
        rest.map(|block| self.draw(&block)).unwrap_or_default()
    }

    fn draw(&self, block: &Block) -> String {
        match block {
            Block::Fence(line) => format!("{FAINT}{}{FAINT:#}\n", line.trim_end()),
            Block::Code(line) => format!("{CODE}{}{CODE:#}\n", line.trim_end_matches(['\n', '\r'])),
            Block::Text(text) => {
                let mut drawn = Drawing::new(self.width).of(text);
                // Blank lines are the author's: between two items of a list there may be none.
                if text.trim().is_empty() || text.trim_end_matches([' ', '\t']).ends_with("\n\n") {
                    drawn.push('\n');
                }
                drawn
            }
        }
    }
}

/// A piece of Markdown that can be drawn without what follows.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// The line that opens or closes a block of code.
    Fence(String),
    /// A line inside.
    Code(String),
    /// Anything else.
    Text(String),
}

/// Cuts Markdown into blocks. Their texts, joined, are the Markdown again.
#[derive(Debug, Default)]
struct Blocks {
    text: String,
    /// How much of `text` was cut off. It goes with the next piece: a piece may have many blocks.
    done: usize,
    /// How much of `text` was looked at, always to the end of a line.
    seen: usize,
    state: State,
    /// The fence that opened a block of code: its sign, and how often it stands there.
    fence: Option<(char, usize)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first line of a block.
    #[default]
    Start,
    /// In a paragraph, a table, a quotation.
    Paragraph,
    /// In an item of a list, whose further paragraphs are indented.
    Item {
        /// After a blank line.
        blank: bool,
    },
}

impl Blocks {
    fn push(&mut self, piece: &str) {
        let done = std::mem::take(&mut self.done);
        self.text.drain(..done);
        self.seen -= done;
        self.text.push_str(piece);
    }

    /// The next block that is whole.
    fn next(&mut self) -> Option<Block> {
        loop {
            let rest = self.text.get(self.seen..)?;
            let length = rest.find('\n')? + 1;
            let line = rest.get(..length)?.to_owned();
            let (start, end) = (self.seen, self.seen + length);

            if let Some(fence) = self.fence {
                let closes = fence_of(&line)
                    .is_some_and(|(sign, count, tail)| sign == fence.0 && count >= fence.1 && tail.trim().is_empty());
                if closes {
                    self.fence = None;
                }
                if self.state != State::Start {
                    self.seen = end;
                    continue;
                }
                let line = self.cut(end);
                return Some(if closes { Block::Fence(line) } else { Block::Code(line) });
            }

            let indented = line.starts_with([' ', '\t']);
            let starts_item = is_item(&line);
            // What a line begins ends what stands before it.
            let ends_before = match self.state {
                State::Start => false,
                State::Paragraph => {
                    !indented
                        && (is_heading(&line)
                            || fence_of(&line).is_some()
                            || starts_item && !line.starts_with(|first: char| first.is_ascii_digit() && first != '1'))
                }
                State::Item { blank } => {
                    !indented
                        && !line.trim().is_empty()
                        && (blank || starts_item || is_heading(&line) || fence_of(&line).is_some())
                }
            };
            if ends_before {
                return Some(Block::Text(self.cut(start)));
            }

            if let Some((sign, count, _)) = fence_of(&line) {
                self.fence = Some((sign, count));
                if self.state == State::Start {
                    return Some(Block::Fence(self.cut(end)));
                }
            }
            if line.trim().is_empty() {
                match &mut self.state {
                    State::Item { blank } => *blank = true,
                    State::Start | State::Paragraph => return Some(Block::Text(self.cut(end))),
                }
            } else if self.state == State::Start {
                if is_heading(&line) {
                    return Some(Block::Text(self.cut(end)));
                }
                self.state = if starts_item { State::Item { blank: false } } else { State::Paragraph };
            } else if let State::Item { blank } = &mut self.state {
                *blank = false;
            }
            self.seen = end;
        }
    }

    /// The text up to `end`, which is thereby done with.
    fn cut(&mut self, end: usize) -> String {
        let block = self.text.get(self.done..end).unwrap_or_default().to_owned();
        (self.done, self.seen) = (end, end);
        self.state = State::Start;
        block
    }

    fn finish(&mut self) -> Option<Block> {
        let rest = self.cut(self.text.len());
        let in_code = self.fence.take().is_some();
        let block = if in_code { Block::Code } else { Block::Text };
        (!rest.is_empty()).then(|| block(rest))
    }
}

/// A line that opens or closes a block of code: the sign, how often it stands there, and what follows.
fn fence_of(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
    let tail = line.trim_start_matches(sign);
    let count = line.len() - tail.len();
    (count >= 3 && !(sign == '`' && tail.contains('`'))).then_some((sign, count, tail))
}

fn is_heading(line: &str) -> bool {
    let tail = line.trim_start_matches('#');
    (1..=6).contains(&(line.len() - tail.len())) && tail.starts_with([' ', '\n'])
}

/// Whether an item of a list starts at the line's first column.
fn is_item(line: &str) -> bool {
    let digits = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let after = match line.len() - digits.len() {
        0 => line.strip_prefix(['-', '*', '+']),
        1..=9 => digits.strip_prefix(['.', ')']),
        _ => None,
    };
    after.is_some_and(|after| after.starts_with([' ', '\t', '\n']))
}

/// One block on its way to lines of a terminal.
struct Drawing {
    width: usize,
    out: String,
    /// The paragraph so far, styles included.
    line: String,
    /// Those in force, the innermost last.
    styles: Vec<Style>,
    /// What stands before each line: for the next one, and for those after it.
    indents: Vec<(String, String)>,
    /// The numbers of the lists that are open; none for bullets.
    lists: Vec<Option<u64>>,
    /// Where the links that are open lead, with where their text starts in `line`.
    links: Vec<(String, usize)>,
    /// The table that is open, and how its columns are aligned.
    table: Option<(Table, Vec<Alignment>)>,
    row: Vec<String>,
    in_code: bool,
}

impl Drawing {
    fn new(width: usize) -> Self {
        Self {
            width,
            out: String::new(),
            line: String::new(),
            styles: Vec::new(),
            indents: Vec::new(),
            lists: Vec::new(),
            links: Vec::new(),
            table: None,
            row: Vec::new(),
            in_code: false,
        }
    }

    fn of(mut self, markdown: &str) -> String {
        let Some(text) = literal::escaped(markdown) else { return terminal::text(markdown.trim_end()) + "\n" };
        for event in Parser::new_ext(&text, OPTIONS) {
            self.event(clean(event));
        }
        self.end_line();
        self.out
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.code(&text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.line += &text,
            Event::Code(text) => self.styled(CODE, &text),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Rule => self.paragraph(&format!("{FAINT}{}{FAINT:#}", "─".repeat(self.width.min(40)))),
            Event::TaskListMarker(done) => self.line += if done { "[x] " } else { "[ ] " },
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                let style = Style::new().bold();
                self.open(if level <= HeadingLevel::H2 { style.underline() } else { style });
            }
            Tag::Emphasis => self.open(Style::new().italic()),
            Tag::Strong => self.open(Style::new().bold()),
            Tag::Strikethrough => self.open(Style::new().strikethrough()),
            Tag::BlockQuote(_) => {
                let bar = format!("{FAINT}│{FAINT:#} ");
                self.indents.push((bar.clone(), bar));
            }
            Tag::List(start) => {
                self.end_line();
                self.lists.push(start);
            }
            Tag::Item => {
                let sign = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let sign = format!("{number}. ");
                        *number += 1;
                        sign
                    }
                    _ => "• ".to_owned(),
                };
                let rest = " ".repeat(sign.chars().count());
                self.indents.push((sign, rest));
            }
            Tag::CodeBlock(kind) => {
                self.end_line();
                self.in_code = true;
                if let CodeBlockKind::Fenced(language) = kind {
                    self.paragraph(&format!("{FAINT}```{}{FAINT:#}", terminal::line(&language)));
                }
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push((dest_url.into_string(), self.line.len()));
            }
            Tag::Table(alignments) => self.table = Some((Table::new(), alignments)),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.close();
                self.end_line();
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_line(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.close(),
            TagEnd::BlockQuote(_) | TagEnd::Item => {
                self.end_line();
                self.indents.pop();
            }
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::Link | TagEnd::Image => {
                if let Some((target, start)) = self.links.pop()
                    && self.line.get(start..) != Some(&target)
                {
                    // Nobody reads base64.
                    let shown = match target.split_once(',') {
                        Some((kind, data)) if kind.starts_with("data:") && data.len() > 64 => &format!("{kind},…"),
                        _ => &target,
                    };
                    self.styled(FAINT, &format!(" ({shown})"));
                }
            }
            TagEnd::TableCell => self.row.push(terminal::cell(&std::mem::take(&mut self.line))),
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some((table, _)) = &mut self.table {
                    if tag == TagEnd::TableHead {
                        table.set_header(row)
                    } else {
                        table.add_row(row)
                    };
                }
            }
            TagEnd::Table => {
                if let Some((mut table, alignments)) = self.table.take() {
                    // A column takes four at least. With more of them, each line of a long cell would be as wide as all are.
                    if alignments.len() * 4 > self.width {
                        let rows = table.header().into_iter().chain(table.row_iter());
                        let rows: Vec<_> = rows
                            .map(|row| row.cell_iter().map(|cell| cell.content()).collect::<Vec<_>>().join(" | "))
                            .collect();
                        return rows.iter().for_each(|row| self.paragraph(row));
                    }
                    for (column, alignment) in table.column_iter_mut().zip(alignments) {
                        column.set_cell_alignment(match alignment {
                            Alignment::None | Alignment::Left => CellAlignment::Left,
                            Alignment::Center => CellAlignment::Center,
                            Alignment::Right => CellAlignment::Right,
                        });
                    }
                    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
                    table.set_width(u16::try_from(self.width).unwrap_or(u16::MAX));
                    table.lines().for_each(|line| self.paragraph(&line));
                }
            }
            _ => {}
        }
    }

    /// Styles reach the cells of a table as text would, so there they are left out.
    fn open(&mut self, style: Style) {
        self.styles.push(style);
        if self.table.is_none() {
            let _ = write!(self.line, "{style}");
        }
    }

    fn close(&mut self) {
        if let Some(style) = self.styles.pop()
            && self.table.is_none()
        {
            let _ = write!(self.line, "{style:#}");
            // The end of one style is the end of all.
            for style in &self.styles {
                let _ = write!(self.line, "{style}");
            }
        }
    }

    fn styled(&mut self, style: Style, text: &str) {
        self.open(style);
        self.line += text;
        self.close();
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            let (first, _) = self.indent();
            let _ = writeln!(self.out, "{first}{CODE}{line}{CODE:#}");
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.paragraph(&line);
        }
    }

    fn paragraph(&mut self, text: &str) {
        let (first, rest) = self.indent();
        for line in output::wrapped(text, self.width, &first, &rest) {
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// What stands before the next line, and before those after it.
    fn indent(&mut self) -> (String, String) {
        let first = self.indents.iter().map(|(first, _)| first.as_str()).collect();
        let rest: String = self.indents.iter().map(|(_, rest)| rest.as_str()).collect();
        for (first, rest) in &mut self.indents {
            first.clone_from(rest);
        }
        (first, rest)
    }
}

#[cfg(test)]
mod tests;
