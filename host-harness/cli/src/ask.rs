//! Questions to a person at a terminal: a line to fill in, a list to choose from, yes or no. Owns the keys, and going
//! back a question; the caller owns what is asked. Everything is printed on standard error.
//!
//! Esc goes back: the answer is then `None`. Ctrl-C gives up. A line is edited as in a shell: Ctrl-U clears it.

use std::io::{self, Write, stderr};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use crossterm::{
    cursor::{MoveToColumn, MoveUp},
    event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    execute, queue,
    style::Print,
    terminal::{self, Clear, ClearType},
};
use textwrap::core::display_width;

use super::{exit_code::GivenUp, output, terminal::line as printable};

/// Most lines of a list at once.
const PAGE: usize = 8;

const LABEL: Style = AnsiColor::Green.on_default();
const ANSWER: Style = AnsiColor::Cyan.on_default();
const WRONG: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

/// A line to fill in.
pub(crate) struct Line<'a> {
    pub(crate) label: &'a str,
    /// Below the line.
    pub(crate) help: &'a str,
    /// What an empty line stands for. It is shown, unless the line is hidden.
    pub(crate) default: Option<&'a str>,
    /// Whether nobody may see what is typed.
    pub(crate) is_hidden: bool,
    /// What fits the text so far: it is listed, and one can be chosen.
    pub(crate) search: &'a dyn Fn(&str) -> Vec<String>,
    /// Why the text cannot be taken.
    pub(crate) check: &'a dyn Fn(&str) -> Result<(), String>,
}

impl<'a> Line<'a> {
    /// Any text at all.
    pub(crate) fn new(label: &'a str) -> Self {
        Self { label, help: "", default: None, is_hidden: false, search: &|_| Vec::new(), check: &|_| Ok(()) }
    }

    pub(crate) fn ask(&self) -> anyhow::Result<Option<String>> {
        let mut screen = Screen::new()?;
        let (mut typed, mut at, mut chosen, mut wrong) = (String::new(), 0, None, None);
        loop {
            let fitting = (self.search)(&typed);
            screen.draw(&self.frame(&typed, &fitting, chosen, wrong.as_deref()), self.column(&typed, at))?;
            let key = match screen.read()? {
                None => return Ok(None),
                Some(Read::Pasted(text)) => {
                    let text: String = text.chars().filter(|character| !character.is_control()).collect();
                    typed.insert_str(at, &text);
                    (at, chosen) = (at + text.len(), None);
                    continue;
                }
                Some(Read::Key(key)) => key,
            };
            wrong = None;
            match key.code {
                KeyCode::Enter => {
                    let text = match (chosen.and_then(|chosen: usize| fitting.get(chosen)), self.default) {
                        (Some(chosen), _) => chosen.clone(),
                        (None, Some(default)) if typed.is_empty() => default.to_owned(),
                        (None, _) => typed.clone(),
                    };
                    match (self.check)(&text) {
                        Ok(()) => {
                            screen.answered(self.label, if self.is_hidden { "********" } else { &text })?;
                            return Ok(Some(text));
                        }
                        Err(why) => wrong = Some(why),
                    }
                }
                KeyCode::Down => chosen = moved(chosen, 1, fitting.len()),
                KeyCode::PageDown => chosen = moved(chosen, PAGE, fitting.len()),
                KeyCode::Up => chosen = chosen.and_then(|chosen| chosen.checked_sub(1)),
                KeyCode::PageUp => chosen = chosen.and_then(|chosen| chosen.checked_sub(PAGE)),
                KeyCode::Tab => {
                    if let Some(text) = chosen.and_then(|chosen| fitting.get(chosen)) {
                        typed.clone_from(text);
                        (at, chosen) = (typed.len(), None);
                    }
                }
                _ if edit(key, &mut typed, &mut at) => chosen = None,
                _ => {}
            }
        }
    }

    fn frame(&self, typed: &str, fitting: &[String], chosen: Option<usize>, wrong: Option<&str>) -> Vec<Styled> {
        let mut lines = vec![self.first(typed)];
        lines.extend(wrong.map(|wrong| Styled::new(WRONG, format!("# {wrong}"))));
        lines.extend(page(fitting, chosen));
        if !self.help.is_empty() {
            lines.push(Styled::new(FAINT, format!("[{}]", self.help)));
        }
        lines
    }

    fn first(&self, typed: &str) -> Styled {
        let mut first = Styled::new(LABEL, format!("? {} ", self.label));
        match self.default.filter(|_| typed.is_empty() && !self.is_hidden) {
            Some(default) => first.rest = format!("({default})"),
            None => first.rest = self.shown(typed),
        }
        first
    }

    fn shown(&self, typed: &str) -> String {
        if self.is_hidden { "*".repeat(typed.chars().count().min(40)) } else { printable(typed) }
    }

    /// Where the cursor stands.
    fn column(&self, typed: &str, at: usize) -> usize {
        let before = self.shown(typed.get(..at).unwrap_or_default());
        display_width(&format!("? {} ", self.label)) + display_width(&before)
    }
}

/// One of `options`, the cursor on `start` first: its number.
pub(crate) fn choose(label: &str, options: &[String], start: usize) -> anyhow::Result<Option<usize>> {
    let mut screen = Screen::new()?;
    let last = options.len().saturating_sub(1);
    let mut chosen = start.min(last);
    loop {
        let mut lines = vec![Styled::new(LABEL, format!("? {label}"))];
        lines.extend(page(options, Some(chosen)));
        lines.push(Styled::new(FAINT, "[↑↓ to move, Enter to choose, Esc to go back]".to_owned()));
        screen.draw(&lines, display_width(label) + 2)?;
        let key = match screen.read()? {
            None => return Ok(None),
            Some(Read::Pasted(_)) => continue,
            Some(Read::Key(key)) => key,
        };
        match key.code {
            KeyCode::Enter => {
                screen.answered(label, options.get(chosen).map(String::as_str).unwrap_or_default())?;
                return Ok(Some(chosen));
            }
            KeyCode::Down => chosen = (chosen + 1).min(last),
            KeyCode::PageDown => chosen = (chosen + PAGE).min(last),
            KeyCode::Up => chosen = chosen.saturating_sub(1),
            KeyCode::PageUp => chosen = chosen.saturating_sub(PAGE),
            _ => {}
        }
    }
}

/// Yes or no.
pub(crate) fn confirm(question: &str, default: bool) -> anyhow::Result<Option<bool>> {
    let label = format!("{question} {}", if default { "(Y/n)" } else { "(y/N)" });
    let mut screen = Screen::new()?;
    let (mut typed, mut at, mut wrong) = (String::new(), 0, false);
    loop {
        let mut lines = vec![Styled { rest: printable(&typed), ..Styled::new(LABEL, format!("? {label} ")) }];
        lines.extend(wrong.then(|| Styled::new(WRONG, "# type y or n".to_owned())));
        screen.draw(&lines, display_width(&label) + 3 + display_width(&typed))?;
        let key = match screen.read()? {
            None => return Ok(None),
            Some(Read::Pasted(_)) => continue,
            Some(Read::Key(key)) => key,
        };
        match key.code {
            KeyCode::Enter => {
                let said = match typed.trim().to_lowercase().as_str() {
                    "" => default,
                    "y" | "yes" => true,
                    "n" | "no" => false,
                    _ => {
                        wrong = true;
                        continue;
                    }
                };
                screen.answered(question, if said { "Yes" } else { "No" })?;
                return Ok(Some(said));
            }
            _ => wrong &= !edit(key, &mut typed, &mut at),
        }
    }
}

/// The next line of a list of so many that is chosen.
fn moved(chosen: Option<usize>, by: usize, length: usize) -> Option<usize> {
    Some(chosen.map_or(by - 1, |chosen| chosen + by).min(length.checked_sub(1)?))
}

/// What of a list is shown, around the one that is chosen.
fn page(list: &[String], chosen: Option<usize>) -> Vec<Styled> {
    let from = chosen.unwrap_or_default().saturating_sub(PAGE / 2).min(list.len().saturating_sub(PAGE));
    let shown = list.iter().enumerate().skip(from).take(PAGE).map(|(number, text)| {
        let (style, sign) = if chosen == Some(number) { (ANSWER, '>') } else { (Style::new(), ' ') };
        Styled::new(style, format!("{sign} {}", printable(text)))
    });
    let more = list.len().saturating_sub(from + PAGE);
    shown.chain((more > 0).then(|| Styled::new(FAINT, format!("  {more} more")))).collect()
}

/// Edits a line as a shell does. Gives whether it changed.
fn edit(key: KeyEvent, line: &mut String, at: &mut usize) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let (before, after) = line.split_at(*at);
    let left = before.char_indices().next_back().map_or(0, |(place, _)| place);
    let word = before.trim_end().rfind(char::is_whitespace).map_or(0, |place| place + 1);
    let right = *at + after.chars().next().map_or(0, char::len_utf8);
    match (key.code, control) {
        (KeyCode::Char('u'), true) => {
            line.drain(..*at);
            *at = 0;
        }
        (KeyCode::Char('k'), true) => line.truncate(*at),
        (KeyCode::Char('w'), true) => {
            line.drain(word..*at);
            *at = word;
        }
        (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => {
            line.drain(left..*at);
            *at = left;
        }
        (KeyCode::Delete, _) => drop(line.drain(*at..right)),
        (KeyCode::Left, _) | (KeyCode::Char('b'), true) => *at = left,
        (KeyCode::Right, _) | (KeyCode::Char('f'), true) => *at = right,
        (KeyCode::Home, _) | (KeyCode::Char('a'), true) => *at = 0,
        (KeyCode::End, _) | (KeyCode::Char('e'), true) => *at = line.len(),
        (KeyCode::Char(character), false) if !key.modifiers.contains(KeyModifiers::ALT) => {
            line.insert(*at, character);
            *at += character.len_utf8();
        }
        _ => return false,
    }
    true
}

/// A line of a question: text of one style, and plain text behind it.
struct Styled {
    style: Style,
    text: String,
    rest: String,
}

impl Styled {
    fn new(style: Style, text: String) -> Self {
        Self { style, text, rest: String::new() }
    }
}

enum Read {
    Key(KeyEvent),
    Pasted(String),
}

/// The lines of a question on the terminal, which is given back in the end.
struct Screen {
    /// How many lines below the first the cursor stands.
    below: usize,
    has_colours: bool,
}

impl Screen {
    fn new() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let screen = Self { below: 0, has_colours: AutoStream::choice(&stderr()) != ColorChoice::Never };
        execute!(stderr(), EnableBracketedPaste)?;
        Ok(screen)
    }

    /// `None` where the user goes back.
    fn read(&mut self) -> anyhow::Result<Option<Read>> {
        loop {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let control = key.modifiers.contains(KeyModifiers::CONTROL);
                    if control && matches!(key.code, KeyCode::Char('c' | 'd')) {
                        self.clear()?;
                        return Err(GivenUp.into());
                    }
                    if key.code == KeyCode::Esc {
                        self.clear()?;
                        return Ok(None);
                    }
                    return Ok(Some(Read::Key(key)));
                }
                Event::Paste(text) => return Ok(Some(Read::Pasted(text))),
                _ => {}
            }
        }
    }

    /// Draws the lines in the place of those before, the cursor so many columns behind the start of the first.
    fn draw(&mut self, lines: &[Styled], column: usize) -> io::Result<()> {
        // A terminal that does not know its size says 0.
        let size = terminal::size().ok().filter(|(columns, rows)| *columns > 1 && *rows > 1);
        let (columns, rows) = size.unwrap_or((80, 24));
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        let mut drawn = Vec::new();
        for (number, Styled { style, text, rest }) in lines.iter().enumerate() {
            // The first is as long as it must be, and has room for the cursor behind it; the others are cut or broken.
            let texts = match number {
                0 => vec![(text.clone(), format!("{rest} "))],
                _ if text.starts_with(['[', '#']) => {
                    let parts = output::wrapped(text, columns, "", "").into_iter();
                    parts.map(|part| (part.into_owned(), String::new())).collect()
                }
                _ => vec![(output::fitting(text.chars(), columns), String::new())],
            };
            drawn.extend(texts.into_iter().map(|(text, rest)| (*style, text, rest)));
        }
        drawn.truncate(rows.max(2) - 1);
        self.erase()?;
        let mut height = 0;
        for (number, (style, text, rest)) in drawn.iter().enumerate() {
            let width = display_width(text) + display_width(rest);
            height += width.saturating_sub(1) / columns + 1;
            let end = if number + 1 < drawn.len() { "\r\n" } else { "" };
            queue!(stderr(), Print(self.styled(*style, text)), Print(rest), Print(end))?;
        }
        self.below = column / columns;
        let up = (height - 1).saturating_sub(self.below);
        if up > 0 {
            queue!(stderr(), MoveUp(u16::try_from(up).unwrap_or(u16::MAX)))?;
        }
        queue!(stderr(), MoveToColumn(u16::try_from(column % columns).unwrap_or(0)))?;
        stderr().flush()
    }

    /// Leaves the question and its answer on the screen.
    fn answered(&mut self, label: &str, answer: &str) -> io::Result<()> {
        self.erase()?;
        let text = format!("{} {} {}\r\n", self.styled(LABEL, ">"), label, self.styled(ANSWER, &printable(answer)));
        execute!(stderr(), Print(text))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.erase()?;
        stderr().flush()
    }

    fn erase(&mut self) -> io::Result<()> {
        if self.below > 0 {
            queue!(stderr(), MoveUp(u16::try_from(self.below).unwrap_or(u16::MAX)))?;
        }
        self.below = 0;
        queue!(stderr(), MoveToColumn(0), Clear(ClearType::FromCursorDown))
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.has_colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(stderr(), DisableBracketedPaste);
        let _ = terminal::disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let press = |code, modifiers| KeyEvent::new(code, modifiers);
        let control = |letter| press(KeyCode::Char(letter), KeyModifiers::CONTROL);
        let key = |code| press(code, KeyModifiers::NONE);
        let (mut line, mut at) = (String::new(), 0);
        for (keys, expected) in [
            (vec![key(KeyCode::Char('é')), key(KeyCode::Char('b'))], "éb|"),
            (vec![key(KeyCode::Left), key(KeyCode::Left), key(KeyCode::Left), key(KeyCode::Delete)], "|b"),
            (vec![control('e'), key(KeyCode::Char(' ')), key(KeyCode::Char('c')), key(KeyCode::Char('d'))], "b cd|"),
            (vec![control('w')], "b |"),
            (vec![control('a'), control('f'), control('k')], "b|"),
            (vec![key(KeyCode::Backspace), key(KeyCode::Backspace)], "|"),
            (vec![key(KeyCode::Char('x')), key(KeyCode::Char('y')), control('b'), control('u')], "|y"),
            (vec![control('e'), control('u')], "|"),
            (vec![control('u'), control('g'), press(KeyCode::Char('z'), KeyModifiers::ALT)], "|"),
        ] {
            for key in keys {
                edit(key, &mut line, &mut at);
            }
            let (before, after) = line.split_at(at);
            assert_eq!(format!("{before}|{after}"), expected);
        }
    }

    #[test]
    fn a_list_is_shown_around_what_is_chosen() {
        let list: Vec<String> = (0..20).map(|number| format!("model {number}")).collect();
        let shown = |chosen| page(&list, chosen).into_iter().map(|line| line.text).collect::<Vec<_>>();
        assert_eq!(shown(None).first().map(String::as_str), Some("  model 0"));
        assert_eq!(shown(None).last().map(String::as_str), Some("  12 more"));
        assert!(shown(Some(10)).contains(&"> model 10".to_owned()));
        assert_eq!(shown(Some(19)).last().map(String::as_str), Some("> model 19"));
        assert_eq!((moved(None, 1, 3), moved(Some(2), 1, 3), moved(None, 1, 0)), (Some(0), Some(2), None));
        assert_eq!(output::fitting("値段は".chars(), 5), "値段");
    }
}
