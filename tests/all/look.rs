//! How the program shows itself: colours where they are wanted and nowhere else, less and more words, completions, manual.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    support::{Cli, KEY, Ran, User, install},
    terminal::Terminal,
};

/// What a program says to `input`.
fn said(mut command: Command, input: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a Debian tool");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ran = Ran::from(child.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    ran
}

/// The commands that `--help` lists.
fn commands(cli: &Cli) -> Vec<String> {
    let help = cli.run(&["--help"]).ok().out;
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn help_has_colours_in_a_terminal_and_nowhere_else() {
    let in_terminal = |cli: Cli| {
        let mut terminal = Terminal::start(cli.command(&["--help"]));
        assert_eq!(terminal.end(), 0, "{}", terminal.raw());
        assert!(terminal.raw().contains("Commands:"), "{}", terminal.raw());
        terminal.raw()
    };
    assert!(in_terminal(Cli::new()).contains("\x1b["));
    assert!(!in_terminal(Cli::new().env("NO_COLOR", "1")).contains("\x1b["));
    assert!(!Cli::new().run(&["--help"]).ok().out.contains("\x1b["));
    assert!(Cli::new().env("CLICOLOR_FORCE", "1").run(&["--help"]).ok().out.contains("\x1b["));
}

#[test]
fn lines_are_broken_between_words_in_a_terminal_alone() {
    let user = User::new();
    for arguments in
        [&["--help"][..], &["chat", "hello"], &["chat", "--model", "fault/key-budget", "hello"], &["doctor"]]
    {
        let piped = user.cli.run(arguments);
        let piped = format!("{}\n{}", piped.out, piped.err);
        assert!(piped.lines().any(|line| line.len() > 50), "{piped}");
        let mut terminal = Terminal::sized(user.cli.command(arguments), 99, 40);
        terminal.end();
        let screen = terminal.screen();
        for word in screen.split_whitespace() {
            // Times differ, some are too short for a rate, and what is longer than a line cannot be whole.
            let is_it = |whole: &str| whole == word || whole.len() > 30 && whole.contains(word);
            let is_time = word.contains(|digit: char| digit.is_ascii_digit()) || word == "tokens/s,";
            let is_whole = is_time || piped.split_whitespace().any(is_it);
            assert!(is_whole, "{arguments:?}: {word:?}\n{screen}");
        }
    }
}

#[test]
fn an_error_has_colours_in_a_terminal_and_nowhere_else() {
    let run = |no_color: &str| {
        let cli = Cli::new();
        let mut command = cli.command(&["image", "x", "--input", "missing.png"]);
        command.env("NO_COLOR", no_color);
        let mut terminal = Terminal::start(command);
        assert_eq!(terminal.end(), 2);
        terminal.raw()
    };
    assert!(run("").contains("\x1b[1m\x1b[31merror:\x1b[0m cannot read the image"), "{:?}", run(""));
    assert!(run("1").starts_with("error: cannot read the image"), "{:?}", run("1"));
    assert!(Cli::new().run(&["image", "x", "--input", "missing.png"]).err.starts_with("error: cannot"));
}

#[test]
fn fewer_words_and_more() {
    let user = User::new();
    let arguments = ["chat", "Reply with exactly OK."];
    let quiet = user.cli.run(&[&arguments[..], &["-q"]].concat()).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("OK.\n", ""));
    let failed = user.cli.run(&["chat", "-q", "--model", "fault/invalid-key", "hello"]);
    assert!(failed.err.starts_with("error: "), "an error is said all the same: {failed:?}");
    let verbose = user.cli.run(&["chat", "-v", "--model", "fault/reset", "hello"]);
    assert!(verbose.err.contains("DEBUG host_harness") && !verbose.err.contains("hyper"), "{verbose:?}");
    assert!(!verbose.err.contains('\x1b'), "{verbose:?}");
    let more = user.cli.run(&["-vv", "chat", "--model", "fault/reset", "hello"]);
    assert!(more.err.contains("DEBUG hyper"), "{more:?}");
    assert!(![verbose, more].iter().any(|ran| ran.err.contains(KEY)));
}

#[test]
fn completions_load_and_know_every_command_and_the_plugins_flags() {
    let cli = Cli::with_key();
    let commands = commands(&cli);
    assert!(commands.len() >= 11, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = cli.run(&["completions", shell]).ok().out;
        for word in commands.iter().map(String::as_str).chain(["portkey-api-key", "portkey-config", "trace-id"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert!(!script.contains(KEY), "{shell}");
    }
    let script = cli.run(&["completions", "bash"]).ok().out;
    let complete = r#"
spec=$(complete -p host-harness); function=${spec#*-F }; function=${function%% *}
COMP_WORDS=(host-harness chat --portkey-a); COMP_CWORD=2
$function host-harness --portkey-a chat
echo "${COMPREPLY[@]}"
"#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-s"]);
    let ran = said(bash, &(script + complete)).ok();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("--portkey-api-key\n", ""));
}

/// Without a component beside it, as an installed program may be.
#[test]
fn completions_do_without_a_plugin() {
    let cli = Cli::new();
    let program = cli.folder.path().join("host-harness");
    install(Path::new(env!("CARGO_BIN_EXE_host-harness")), &program);
    let ran = Ran::from(Command::new(program).args(["completions", "fish"]).output().unwrap()).ok();
    assert!(ran.out.contains("doctor") && !ran.out.contains("portkey-api-key"), "{ran:?}");
    assert!(ran.err.contains("no component was found"), "{ran:?}");
}

#[test]
fn the_manual_has_a_page_for_the_program_and_each_command() {
    let cli = Cli::with_key();
    let page = cli.run(&["man"]).ok().out;
    assert!(page.contains(".TH host-harness 1"), "{page}");
    for command in commands(&cli) {
        assert!(page.contains(&command.replace('-', "\\-")), "{command}");
        if command != "help" {
            let own = cli.run(&["man", &command]).ok().out;
            assert!(own.contains(&format!(".TH host-harness-{command} 1")), "{own}");
            assert!(!own.contains(KEY));
        }
    }
    assert!(cli.run(&["man", "chat"]).ok().out.contains("portkey\\-api\\-key"));
    let wrong = cli.run(&["man", "nonsense"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{wrong:?}");
}
