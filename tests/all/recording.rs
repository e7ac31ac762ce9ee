//! The recording on README's first screen, `docs/recording.svg`: what the program prints in a terminal, before the
//! stand-in. `make recording` makes it anew; otherwise it must show what the program prints now.

use anstyle_svg::Term;
use regex_lite::Regex;

use crate::support::{User, root};

/// An answer, a cut stream, a budget that is used up, an image.
const SHOWN: &[&[&str]] = &[
    &["chat", "Hello there"],
    &["chat", "--model", "fault/cut", "Hello there"],
    &["chat", "--model", "fault/key-budget", "Hello there"],
    &["image", "A lighthouse at dusk"],
];

#[test]
fn the_recording_shows_what_the_program_prints() {
    let mut user = User::new();
    user.cli = user.cli.env("CLICOLOR_FORCE", "1");
    let mut shown = String::new();
    for arguments in SHOWN {
        let quoted =
            |argument: &&str| if argument.contains(' ') { format!("'{argument}'") } else { (*argument).into() };
        let line: Vec<String> = arguments.iter().map(quoted).collect();
        let ran = user.cli.run(arguments);
        let code = if ran.code == 0 { String::new() } else { format!("\x1b[2mexit code {}\x1b[0m\n", ran.code) };
        shown += &format!("\x1b[1m$ host-harness {}\x1b[0m\n{}{}{code}\n", line.join(" "), ran.out, ran.err);
    }
    // What differs from run to run: times, rates and the ids of calls.
    let shown = Regex::new(r"[\d.]+ s(, \d+ tokens/s)?,").unwrap().replace_all(&shown, "0.42 s,");
    let shown = Regex::new(r"(trace|trace id:) 0[0-9a-f-]{35}").unwrap().replace_all(&shown, "$1 3f0e9c52...");
    let svg = Term::new().render_svg(shown.trim_end());

    let file = root().join("docs/recording.svg");
    if std::env::var_os("UPDATE_RECORDING").is_some() {
        return std::fs::write(file, svg).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), svg, "if that is meant: `make recording`");
}
