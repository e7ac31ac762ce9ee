//! The shell blocks of the docs, run as they stand: `console` blocks must print what they show, `sh` blocks must
//! succeed. `...` stands for anything, and a block like `json openclaw.json` or `toml Cargo.toml` is that file.
//!
//! A document is one session of bash in a folder of its own, where the project lies as in a checkout. The ports that the
//! documents name are replaced by free ones. `make` is asked whether it knows the target, and no more: `.ci/run` runs it.
//! So it is with `openclaw`, whose page the tests of `openclaw/e2e` run.

use std::{
    fmt::Write,
    fs,
    net::TcpListener,
    os::unix::{fs::symlink, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use regex_lite::Regex;

use crate::support::{component, install_script, root};

/// Where the documents have their servers.
const PORTS: [&str; 4] = ["8787", "9001", "9002", "9003"];

#[test]
fn readme() {
    run("README.md");
}

#[test]
fn configuration() {
    run("docs/configuration.md");
}

#[test]
fn portkey() {
    run("docs/portkey.md");
}

#[test]
#[ignore = "`make test-scale` installs what it runs, and runs it"]
fn scale() {
    run("docs/scale.md");
}

#[test]
fn write_a_provider() {
    run("docs/write-a-provider.md");
}

/// A command, and what it prints.
struct Shown {
    command: String,
    output: String,
    /// Where it stands, for a message.
    block: usize,
}

/// Runs the blocks of one document.
fn run(document: &str) {
    component();
    let mut text = fs::read_to_string(root().join(document)).unwrap();
    let ports = PORTS.map(|port| {
        let free = free_port();
        text = text.replace(port, &free.to_string());
        free
    });

    let folder = tempfile::tempdir().unwrap();
    let (checkout, outputs) = (folder.path().join("checkout"), folder.path().join("outputs"));
    fs::create_dir(&outputs).unwrap();
    lay_out(&checkout);

    let (script, shown) = script(&text, &ports, &outputs);
    let mut session = Command::new("bash")
        .args(["-u", "-c", &script])
        .current_dir(&checkout)
        .env_clear()
        .env("PATH", format!("{}:{}", checkout.join("bin").display(), std::env::var("PATH").unwrap()))
        .env("HOME", folder.path())
        .env("RUST_BACKTRACE", "0")
        // What a page builds outside of the project is kept from run to run, and much of it is built for the project too.
        .env("CARGO_BUILD_BUILD_DIR", root().join("target"))
        .env("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_STRIP", "debuginfo")
        .envs(["CARGO_HOME", "RUSTUP_HOME"].iter().filter_map(|name| Some((name, toolchain(name)?))))
        // Outside of the project nothing says which Rust it is built with.
        .envs(std::env::var_os("RUSTUP_TOOLCHAIN").map(|name| ("RUSTUP_TOOLCHAIN", name)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(outputs.join("errors")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let ended = session.wait().unwrap();
    let group = rustix::process::Pid::from_child(&session);
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    assert!(
        ended.success(),
        "{document}: an `sh` block failed\n{}",
        fs::read_to_string(outputs.join("errors")).unwrap()
    );

    assert!(!shown.is_empty(), "{document} shows nothing");
    for (number, Shown { command, output, block }) in shown.iter().enumerate() {
        let printed = fs::read_to_string(outputs.join(number.to_string())).unwrap();
        // Of what goes on in the background, the document shows the start.
        let end = if command.ends_with('&') { "" } else { "\\s*$" };
        let pattern = format!("^{}{end}", regex_lite::escape(output.trim_end()).replace(r"\.\.\.", "(?s:.*?)"));
        assert!(
            Regex::new(&pattern).unwrap().is_match(&printed),
            "{document}, block {block}: `{command}` printed\n{printed}\nand not\n{output}"
        );
    }
}

/// A port that a document's server can take in a while. It lies below those that the system hands out: one of them might
/// be a client's by then. Where it begins depends on the process, in case another one runs these tests.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where cargo or rustup keeps its things: in the real home, though the documents run in another.
fn toolchain(variable: &str) -> Option<std::path::PathBuf> {
    let folder = format!(".{}", variable.split('_').next()?.to_lowercase());
    let default = || Some(Path::new(&std::env::var_os("HOME")?).join(folder));
    std::env::var_os(variable).map(Into::into).or_else(default)
}

/// The project as a checkout has it, built; and the programs that the documents name.
fn lay_out(checkout: &Path) {
    fs::create_dir(checkout).unwrap();
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), checkout.join(entry.file_name())).unwrap();
    }
    let bin = checkout.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_host-harness"), bin.join("host-harness")).unwrap();
    let root = root();
    install_script(&format!("exec /usr/bin/make -n -C {} \"$@\" >/dev/null", root.display()), &bin.join("make"));
    // `make test-openclaw` runs the commands of that page. `lint` and `doctor` ask it whether it takes the file.
    let on_page = format!("grep -qF -- \"openclaw $*\" {}/docs/openclaw.md", root.display());
    let openclaw = format!("[ \"$*\" = 'config validate --json' ] && echo '{{\"valid\": true}}' || {on_page}");
    install_script(&openclaw, &bin.join("openclaw"));
}

/// One script of all blocks, which leaves the output of each shown command in a file of its number.
fn script(text: &str, ports: &[u16], outputs: &Path) -> (String, Vec<Shown>) {
    let (mut script, mut all) = (String::new(), Vec::new());
    for (block, (language, body)) in blocks(text).into_iter().enumerate() {
        match language.split_once(' ').unwrap_or((&language, "")) {
            ("sh", _) => writeln!(script, "set -e\n{body}\nset +e").unwrap(),
            ("console", _) => {
                for shown in commands(&body, block) {
                    let file = outputs.join(all.len().to_string());
                    writeln!(script, "{{ {}\n}} > {} 2>&1", shown.command, file.display()).unwrap();
                    script += &wait_for(ports, &shown.command);
                    all.push(shown);
                }
            }
            (_, name) if !name.is_empty() => {
                writeln!(script, "cat > {name} <<'END_OF_FILE'\n{body}END_OF_FILE").unwrap();
            }
            _ => {}
        }
        script += &wait_for(ports, &body);
    }
    (script, all)
}

/// What is started in the background is there when the next command needs it.
fn wait_for(ports: &[u16], started: &str) -> String {
    let is_background = started.trim_end().ends_with('&') || started.contains(" &\n");
    let is_named = |port: &&u16| is_background && started.contains(&port.to_string());
    let wait = |port: &u16| format!("until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done\n");
    ports.iter().filter(is_named).map(wait).collect()
}

/// The fenced blocks of a document: language and file name, and text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                open = Some((language.into_string(), String::new()));
            }
            Event::Text(piece) => open.iter_mut().for_each(|(_, body)| body.push_str(&piece)),
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// `$ command`, and the lines below it up to the next.
fn commands(body: &str, block: usize) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for line in body.lines() {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push(Shown { command: command.to_owned(), output: String::new(), block }),
            (None, Some(last)) if last.command.ends_with('\\') => {
                last.command.push('\n');
                last.command.push_str(line);
            }
            (None, Some(last)) => last.output.extend([line, "\n"]),
            (None, None) => panic!("block {block} shows output before a command: {line}"),
        }
    }
    shown
}
