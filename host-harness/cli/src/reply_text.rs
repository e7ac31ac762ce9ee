//! Writes the text of a reply: drawn in a terminal, unchanged into a pipe or a file.

use std::io::{IsTerminal, stdout};

use anstream::{AutoStream, ColorChoice};

use super::{markdown, output};

/// Takes a reply's text as it arrives.
pub(crate) enum ReplyText {
    /// Nothing is printed.
    Blank,
    /// Each byte as it came.
    Exact,
    /// A terminal without colours: the text, but nothing in it that steers the terminal.
    Plain,
    /// A terminal: Markdown, drawn block by block.
    Drawn(markdown::Stream),
}

impl ReplyText {
    /// Standard output, as it wants to be written to. `NO_COLOR` and its like also decide on drawing, which is made of
    /// the same escape sequences.
    pub(crate) fn standard_output(is_markdown: bool) -> Self {
        if is_markdown && AutoStream::choice(&stdout()) != ColorChoice::Never {
            Self::Drawn(markdown::Stream::new(output::width()))
        } else if stdout().is_terminal() {
            Self::Plain
        } else {
            Self::Exact
        }
    }

    /// What of the text so far and `piece` can be printed now.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Exact => piece.to_owned(),
            Self::Plain => output::printable(piece),
            Self::Drawn(stream) => stream.push(&output::printable(piece)),
        }
    }

    /// What is left to print at the end of `text`, the whole of it.
    pub(crate) fn finish(&mut self, text: &str) -> String {
        match self {
            Self::Drawn(stream) => stream.finish(),
            Self::Exact | Self::Plain if !text.is_empty() => "\n".to_owned(),
            Self::Blank | Self::Exact | Self::Plain => String::new(),
        }
    }

    /// What is held back so far. `None` where nothing ever is: there, what is printed may also end within a line.
    pub(crate) fn pending(&self) -> Option<&str> {
        match self {
            Self::Drawn(stream) => Some(stream.pending()),
            Self::Blank | Self::Exact | Self::Plain => None,
        }
    }
}
