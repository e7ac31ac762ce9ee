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
mod tests {
    use super::*;

    const SAMPLE: &str = "# Title\nText with **bold** and `code`,\nin two lines.\n\n1. one\n2. two\n   - nested\n\n   more of two\n\n```rust\nfn main() {}\n\n# no heading\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n- [x] done\n* [link](https://example.org/x)\nlast ~~word~~";

    fn blocks(markdown: &str, size: usize) -> Vec<Block> {
        let (mut blocks, mut cut) = (Blocks::default(), Vec::new());
        let characters: Vec<char> = markdown.chars().collect();
        for piece in characters.chunks(size) {
            blocks.push(&piece.iter().collect::<String>());
            cut.extend(std::iter::from_fn(|| blocks.next()));
        }
        cut.extend(blocks.finish());
        cut
    }

    fn text(block: &Block) -> &str {
        let (Block::Fence(text) | Block::Code(text) | Block::Text(text)) = block;
        text
    }

    fn plain(markdown: &str) -> String {
        let mut stream = Stream::new(40);
        let drawn = stream.push(markdown) + &stream.finish();
        anstream::adapter::strip_str(&drawn).to_string()
    }

    #[test]
    fn blocks_are_cut_in_the_same_places_however_they_arrive_and_nothing_is_lost() {
        let whole = blocks(SAMPLE, usize::MAX);
        for size in [1, 2, 3, 7, 50] {
            assert_eq!(blocks(SAMPLE, size), whole, "pieces of {size}");
        }
        assert_eq!(whole.iter().map(text).collect::<String>(), SAMPLE);
        let starts: Vec<_> = whole.iter().map(|block| text(block).lines().next().unwrap_or_default()).collect();
        assert_eq!(
            starts,
            [
                "# Title",
                "Text with **bold** and `code`,",
                "1. one",
                "2. two",
                "```rust",
                "fn main() {}",
                "",
                "# no heading",
                "```",
                "",
                "| a | b |",
                "> quoted",
                "- [x] done",
                "* [link](https://example.org/x)"
            ]
        );
    }

    #[test]
    fn a_block_is_drawn_as_soon_as_it_is_whole() {
        let mut stream = Stream::new(40);
        assert_eq!(stream.push("one **two"), "");
        assert_eq!(stream.push("** three\n"), "", "the paragraph may go on");
        assert_eq!(stream.push("\n"), "one \u{1b}[1mtwo\u{1b}[0m three\n\n");
        assert!(stream.push("```\nlet x;\n").contains("let x;"), "a line of code is whole at its end");
    }

    #[test]
    fn what_nests_without_end_is_shown_as_it_stands() {
        for (open, line) in [(">", "\nb"), ("- ", "\n  b"), ("*a **", " b")] {
            let markdown = format!("{} a{}", open.repeat(1_000), line.repeat(1_000));
            let drawn = plain(&markdown);
            assert!(drawn.len() < 2 * markdown.len(), "{open}: {} of {}", drawn.len(), markdown.len());
            assert_eq!(drawn.matches('b').count(), markdown.matches('b').count(), "{open}");
            assert!(drawn.ends_with("b\n") && !drawn.ends_with("\n\n"), "{open}");
        }
        let hidden = format!("[1]: /u \"{}c{}\"", "*a **b ".repeat(1_000), " x** x*".repeat(1_000));
        assert!(plain(&hidden).len() < 2 * hidden.len() && plain(&hidden).contains('c'));
        let wide = format!("{0}|\n{1}|\n|{2}|", "|a".repeat(1_000), "|-".repeat(1_000), "x".repeat(2_000));
        assert!(plain(&wide).len() < 2 * wide.len());
        assert_eq!(plain(&wide).matches('x').count(), 2_000);
        assert_eq!(plain("> > deep"), "│ │ deep\n");
    }

    #[test]
    fn markdown_reads_well_in_a_terminal() {
        let expected = "\
Title
Text with bold and code, in two lines.

1. one
2. two
   • nested
   more of two

```rust
fn main() {}

# no heading
```

┌───┬───┐
│ a ┆ b │
╞═══╪═══╡
│ 1 ┆ 2 │
└───┴───┘

│ quoted

• [x] done
• link (https://example.org/x) last word
";
        assert_eq!(plain(SAMPLE), expected);
    }

    /// As Perplexity gives its sources. A block is drawn before the next one is there, so that a reference is left as it
    /// stands, and its URL is below.
    #[test]
    fn references_and_footnotes_show_their_urls() {
        for (markdown, expected) in [
            ("[1]: https://a.example/x\n[2]: https://b.example", "[1]: https://a.example/x\n[2]: https://b.example\n"),
            ("As known[1][2].\n\n[1]: https://a.example", "As known[1][2].\n\n[1]: https://a.example\n"),
            ("[1]: https://a.example\nAs [known][1].", "[1]: https://a.example\nAs [known][1].\n"),
            (
                "See [^1].\n\n[^1]: https://a.example\n[^2]: A book.",
                "See [^1].\n\n[^1]: https://a.example\n[^2]: A book.\n",
            ),
            ("[^1]: A book.\n[^2]: Another one.", "[^1]: A book.\n[^2]: Another one.\n"),
            ("Sources:\n[1]: <https://a.example>", "Sources:\n[1]: https://a.example\n"),
            ("[1]: https://a.example \"A title\"", "[1]: https://a.example \"A title\"\n"),
            ("[1]:\n  https://a.example", "[1]:\nhttps://a.example\n"),
            ("> [1]: https://a.example", "│ [1]: https://a.example\n"),
            ("- [1]: https://a.example", "• [1]: https://a.example\n"),
            ("[the docs]: https://a.example", "[the docs]: https://a.example\n"),
            ("1. item\n\n   ```\n   [1]: x\n   ```", "1. item\n\n   ```\n   [1]: x\n   ```\n"),
            ("`[1]: x` and [a](https://b.example)", "[1]: x and a (https://b.example)\n"),
            (&format!("![it](data:image/png;base64,{})", "A".repeat(9999)), "it (data:image/png;base64,…)\n"),
        ] {
            assert_eq!(plain(markdown), expected, "{markdown:?}");
        }
    }

    /// Signs that are no Markdown, though they could be taken for it.
    #[test]
    fn signs_of_formulas_paths_and_code_stay() {
        for same in [
            r"\(x\) and \[a_1 + b_2\]",
            "*.log and src/*.rs",
            "rm *.o lib/*.a",
            "src/*/mod.rs or */x",
            "the files *.rs, *.toml and *.md",
            "__init__.py and __main__.py",
            "__name__ is a name",
            "_internal_.x and _private_method_(y)",
            "2*3*4 = 24",
            "2**3**4",
            "5*x + 3*y",
            "int *p; p*q",
            "~/x~ and ~/y~",
            "H~2~O",
            r"\d+\.\d+ and a\{2\}",
            r"C:\(new) and D:\[old]",
            "f(*args, **kwargs)",
            "snake_case_name",
            "a * b * c",
            "https://a.example/a_b_c/*x*",
        ] {
            assert_eq!(plain(same), format!("{same}\n"), "{same:?}");
        }
        for (markdown, expected) in [
            ("*one* and **two**, _three_ and __Four five__", "one and two, three and Four five"),
            ("(*one*), \"**two**\": ***three***!", "(one), \"two\": three!"),
            ("**Note:** x **bold**text", "Note: x boldtext"),
            ("中文*强调*中文", "中文强调中文"),
            ("~~gone~~ \\*star\\* 1\\. x\\_y \\$5", "gone *star* 1\\. x_y $5"),
            (r"`\(x\)` `*.a *.b` `__init__`", r"\(x\) *.a *.b __init__"),
            (r"[a](https://a.example/\(b\))", "a (https://a.example/(b))"),
            ("*...and so on*", "...and so on"),
        ] {
            let drawn = plain(markdown);
            assert_eq!(drawn.trim_end(), expected, "{markdown:?}");
        }
    }

    #[test]
    fn columns_of_a_table_are_aligned_as_it_says() {
        let drawn = plain("| left | right | mid |\n|:--|--:|:-:|\n| 値段 | 1 | x |\n");
        assert!(drawn.contains("│ 値段 ┆     1 ┆  x  │"), "{drawn}");
    }

    #[test]
    fn long_lines_are_wrapped_below_their_beginning() {
        let drawn = plain(
            "12. The quick brown fox jumps over the lazy dog, and over https://example.org/a/rather/long/path/too",
        );
        assert_eq!(
            drawn,
            "12. The quick brown fox jumps over the\n    lazy dog, and over\n    https://example.org/a/rather/long/path/too\n"
        );
    }

    #[test]
    fn nested_styles_end_one_at_a_time() {
        let mut stream = Stream::new(80);
        let drawn = stream.push("**a *b* c**\n\n");
        assert_eq!(drawn, "\u{1b}[1ma \u{1b}[3mb\u{1b}[0m\u{1b}[1m c\u{1b}[0m\n\n");
    }
}
