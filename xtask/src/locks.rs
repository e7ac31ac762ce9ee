//! Checks what is installed, and how: each package is pinned by its digest in a lock file and comes from its own
//! registry, and no install script runs. Also checks that a job that may write, such as one that publishes, builds
//! nothing.
//!
//! Build scripts of cargo's packages do run, as always; the lock file says what they may fetch.

use std::{fs, process::Command};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, output};

const NPM: &str = "https://registry.npmjs.org/";
/// The one package without a digest of its own, and its version: it lies in OpenClaw's, whose digest is checked. What a
/// lock says is bundled is the lock's word alone: npm fetches what the package around it lacks.
const BUNDLED: (&str, &str) = ("node_modules/openclaw/node_modules/chrome-devtools-mcp", "1.8.0");
const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks each file that git knows of which locks packages or installs them.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let files = output(Command::new("git").current_dir(&workspace.root).args(["ls-files", "-z"]))?;
    let mut findings = Vec::new();
    for path in files.split_terminator('\0') {
        let kind = Kind::of(path);
        let bytes = match fs::read(workspace.root.join(path)) {
            // It was removed, and git was not told yet.
            Err(_) if kind.is_none() => continue,
            read => read.with_context(|| path.to_owned())?,
        };
        let Some(kind) = kind.or_else(|| Kind::by_first_line(&bytes)) else { continue };
        let text = String::from_utf8(bytes).with_context(|| path.to_owned())?;
        let found = kind.check(&text).with_context(|| path.to_owned())?;
        findings.extend(found.into_iter().map(|finding| format!("{path}: {finding}")));
        let lock = path.replace("package.json", "package-lock.json");
        if path.ends_with("package.json") && !files.split('\0').any(|file| file == lock) {
            findings.push(format!("{path} has no lock file: `npm install --package-lock-only` makes one"));
        }
    }
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

/// What a file has to do with installing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NpmLock,
    CargoLock,
    PythonLock,
    /// The scripts of a package of npm's.
    Package,
    /// A Makefile or a shell script.
    Script,
    Workflow,
    /// What tells npm, pip or cargo where to take packages from, and with what.
    Settings,
    /// What a tool would take in place of a file that is checked here.
    Unread,
}

impl Kind {
    fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Some(match name {
            // npm prefers the second.
            "package-lock.json" | "npm-shrinkwrap.json" => Self::NpmLock,
            "Cargo.lock" => Self::CargoLock,
            "package.json" => Self::Package,
            "Makefile" => Self::Script,
            "action.yml" | "action.yaml" => Self::Workflow,
            "GNUmakefile" | "makefile" | "rust-toolchain" | "yarn.lock" | "pnpm-lock.yaml" | "bun.lock"
            | "bun.lockb" => Self::Unread,
            ".npmrc" | ".yarnrc" | ".yarnrc.yml" | "bunfig.toml" | "pip.conf" => Self::Settings,
            "config.toml" | "config" if folder.ends_with(".cargo") => Self::Settings,
            _ if name.starts_with("requirements") && name.ends_with(".txt") => Self::PythonLock,
            _ if folder == ".ci" || name.ends_with(".sh") || name.ends_with(".mk") => Self::Script,
            _ if folder.starts_with(".github/") && (name.ends_with(".yml") || name.ends_with(".yaml")) => {
                Self::Workflow
            }
            _ => return None,
        })
    }

    /// A shell script may have any name.
    fn by_first_line(file: &[u8]) -> Option<Self> {
        let line = file.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        line.split(|byte| byte.is_ascii_whitespace()).any(|word| word.ends_with(b"sh")).then_some(Self::Script)
    }

    /// What is wrong with such a file.
    fn check(self, text: &str) -> anyhow::Result<Vec<String>> {
        Ok(match self {
            Self::NpmLock => npm_lock(&serde_json::from_str(text)?),
            Self::CargoLock => cargo_lock(text),
            Self::PythonLock => python_lock(text),
            Self::Package => {
                let package: Value = serde_json::from_str(text)?;
                let scripts = package["scripts"].as_object().into_iter().flatten();
                scripts.filter_map(|(_, script)| script.as_str()).flat_map(commands).collect()
            }
            Self::Script => commands(text),
            Self::Workflow => [commands(text), actions(text), jobs(text), strangers(text), overlays(text)].concat(),
            Self::Settings => settings(text),
            Self::Unread => vec!["it would be taken in place of a file that is checked: remove it".into()],
        })
    }
}

/// What is wrong with a lock file of npm's.
fn npm_lock(lock: &Value) -> Vec<String> {
    let Some(packages) = lock["packages"].as_object().filter(|packages| packages.len() > 1) else {
        return vec!["it locks no package: make it with `npm install --package-lock-only`".into()];
    };
    let mut findings = Vec::new();
    // The first, without a name, is the package itself.
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        let has_digest = package["integrity"].as_str().is_some_and(|digest| digest.starts_with("sha512-"));
        if !has_digest && (path.as_str(), package["version"].as_str()) != (BUNDLED.0, Some(BUNDLED.1)) {
            findings.push(format!("{path} has no sha512 digest"));
        }
        match &package["resolved"] {
            Value::Null => {}
            Value::String(url) if url.starts_with(NPM) => {}
            other => findings.push(format!("{path} comes from {other}, not {NPM}")),
        }
        // npm installs what the name says, and the address, under whatever path.
        let own = path.rsplit("node_modules/").next().unwrap_or_default();
        let name = package["name"].as_str().unwrap_or(own);
        let is_own = own.strip_prefix(name).is_some_and(|version| version.is_empty() || version.starts_with('-'));
        let file =
            format!("{}-{}.tgz", name.rsplit('/').next().unwrap_or(name), package["version"].as_str().unwrap_or(""));
        let is_of = |url: &str| url.strip_prefix(NPM).is_none_or(|rest| rest == format!("{name}/-/{file}"));
        if !is_own || !package["resolved"].as_str().is_none_or(is_of) {
            findings.push(format!("{path} is another package"));
        }
    }
    findings
}

/// What is wrong with a lock file of cargo's. The workspace's own packages have no source.
fn cargo_lock(lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
            line.strip_suffix('"')
        };
        let Some(source) = field("source") else { continue };
        let name = field("name").unwrap_or_default();
        if source != CRATES {
            findings.push(format!("{name} comes from {source}, not crates.io"));
        }
        if field("checksum").is_none_or(|digest| digest.len() != 64) {
            findings.push(format!("{name} has no digest"));
        }
    }
    findings
}

/// What is wrong with requirements of pip's: each names one version and at least one digest.
fn python_lock(lock: &str) -> Vec<String> {
    let lines = lock.replace("\\\n", " ");
    let lines = lines.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines
        .filter(|line| {
            let is_pinned = line.split_once("==").is_some_and(|(name, rest)| {
                let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.[],".contains(letter);
                name.chars().all(is_name) && rest.contains(" --hash=sha256:")
            });
            !line.is_empty() && !is_pinned
        })
        .map(|line| format!("not pinned by a digest: {line}"))
        .collect()
}

/// What is wrong with the commands that install something. A command ends with its line, if no `\` joins the next to it.
fn commands(script: &str) -> Vec<String> {
    let script = script.replace("\\\n", " ");
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    let commands = lines.flat_map(|line| line.split(['&', '|', ';', '(', ')', '{', '}', '`', '"', '\'']));
    commands.filter_map(|command| Some(format!("{}: {}", wrong(command)?, command.trim()))).collect()
}

/// What is wrong with one command.
fn wrong(command: &str) -> Option<&'static str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    // The program may stand behind others (`sudo`, `nice`), a variable or a path.
    let at = |name: &str| words.iter().position(|word| word.rsplit('/').next() == Some(name));
    let after = |name: &str| at(name).map(|at| words.get(at + 1..).unwrap_or_default());
    let says = |name: &str, verbs: &[&str]| {
        // Options, with or without a value, may stand between the program and its verb.
        after(name).is_some_and(|rest| rest.iter().any(|word| verbs.contains(word)))
    };
    if says("npm", &["install", "i", "add", "update", "exec", "x", "init"])
        || ["npx", "yarn", "pnpm", "bun", "pipx", "uvx", "wget", "curl"].iter().any(|name| at(name).is_some())
        || says("cargo", &["binstall"])
        || says("go", &["install", "get"])
    {
        return Some("takes what no lock file names");
    }
    if says("npm", &["ci", "clean-install"]) && !has("--ignore-scripts") {
        return Some("runs the packages' scripts: --ignore-scripts");
    }
    if ["pip", "pip3"].iter().any(|pip| says(pip, &["install", "download", "wheel"])) {
        let is_locked = has("--require-hashes") && words.windows(2).any(|pair| pair == ["--only-binary", ":all:"]);
        return (!is_locked)
            .then_some("takes packages without a digest, or runs their scripts: --require-hashes --only-binary :all:");
    }
    if says("cargo", &["install"]) && !has("--locked") {
        return Some("takes other versions than the program's own lock file: --locked");
    }
    None
}

/// The lines of a workflow that are no comments.
fn written(workflow: &str) -> impl Iterator<Item = &str> {
    workflow.lines().filter(|line| !line.trim_start().starts_with('#'))
}

/// The actions that are not pinned by a commit.
fn actions(workflow: &str) -> Vec<String> {
    // A line may hold several keys, in braces and quotes.
    let words = written(workflow).flat_map(|line| line.match_indices("uses").map(|(at, _)| line.split_at(at)));
    let keys = words.filter(|(before, _)| !before.ends_with(|letter: char| letter.is_ascii_alphanumeric()));
    let is_around = |letter: char| letter.is_whitespace() || "\"'".contains(letter);
    let uses = keys.filter_map(|(_, key)| key["uses".len()..].trim_start_matches(is_around).strip_prefix(':'));
    let actions = uses.filter_map(|action| {
        action.trim_start_matches(is_around).split(|letter| is_around(letter) || ",}".contains(letter)).next()
    });
    let is_pinned = |action: &&str| {
        // A branch's name may hold an `@` too.
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        action.starts_with("./") || commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    actions.filter(|action| !is_pinned(action)).map(|action| format!("not pinned by a commit: {action}")).collect()
}

/// Where a stranger has a say in what a workflow does: by what starts it with rights of its own, and by texts of theirs
/// (titles, names of branches) that are put into commands.
fn strangers(workflow: &str) -> Vec<String> {
    let theirs = [
        "pull_request_target", "workflow_run", "issue_comment", "github.event", "github.head_ref", "github[",
        "(github)",
    ];
    let found = written(workflow).filter(|line| {
        let line = line.to_lowercase().replace("github.event_name", "");
        theirs.iter().any(|their| line.contains(their))
    });
    found.map(|line| format!("a stranger has a say: {}", line.trim())).collect()
}

/// Where the files of several jobs go into one folder unseen: those of one may take the place of another's.
fn overlays(workflow: &str) -> Vec<String> {
    let found = written(workflow).filter(|line| line.contains("merge-multiple"));
    found.map(|line| format!("one job's files may take the place of another's: {}", line.trim())).collect()
}

/// The settings that take packages from elsewhere, or put a program before the compiler.
fn settings(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let elsewhere = [
        "registry", "index-url", "find-links", "source", "replace-with", "wrapper", "runner", "linker", "script-shell",
        // What reads another file, what the tools below get, and letters that spell one of these.
        "include", "env", "node-options", "\\",
    ];
    let found = lines.filter(|line| elsewhere.iter().any(|word| line.contains(word)));
    found.map(|line| format!("decides where packages come from, or what builds them: {line}")).collect()
}

/// The jobs that may write and yet run what somebody else wrote: a build, a test, a package, the source itself.
fn jobs(workflow: &str) -> Vec<String> {
    let (before, jobs) = workflow.split_once("\njobs:\n").unwrap_or((workflow, ""));
    let mut findings = Vec::new();
    if writes(before) {
        findings.push("gives each job the right to write".to_owned());
    }
    // Jobs are what is set in by two spaces.
    let is_name = |line: &str| line.starts_with("  ") && !line.starts_with("   ") && line.trim_end().ends_with(':');
    let mut job: Vec<&str> = Vec::new();
    for line in jobs.lines().chain(["  end:"]) {
        if !is_name(line) {
            job.push(line);
            continue;
        }
        let text = job.join("\n");
        let forbidden =
            ["make ", "cargo ", "npm ", "node ", "pip", "apt", "rustup ", "actions/checkout@", "actions/setup-"];
        if writes(&text) {
            let found = forbidden.iter().filter(|word| text.contains(*word));
            findings.extend(found.map(|word| format!("a job that may write holds `{}`", word.trim_end())));
        }
        job.clear();
    }
    findings
}

/// Whatever spaces, lines and quotes are between a right and its value.
fn writes(text: &str) -> bool {
    let lines = written(text).flat_map(str::chars);
    let text: String = lines.filter(|letter| !letter.is_whitespace() && !"\"'".contains(*letter)).collect();
    text.contains(":write")
}

#[cfg(test)]
mod tests;
