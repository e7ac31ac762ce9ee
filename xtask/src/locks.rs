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
    let theirs = ["pull_request_target", "workflow_run", "issue_comment", "github.event", "github.head_ref", "github[", "(github)"];
    let found = written(workflow)
        .filter(|line| {
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn this_repository() {
        run(&Workspace::read().unwrap()).unwrap();
    }

    #[test]
    fn files_by_their_names() {
        for (path, kind) in [
            ("Cargo.lock", Some(Kind::CargoLock)),
            ("fuzz/Cargo.lock", Some(Kind::CargoLock)),
            ("a/b/package-lock.json", Some(Kind::NpmLock)),
            ("a/npm-shrinkwrap.json", Some(Kind::NpmLock)),
            ("a/package.json", Some(Kind::Package)),
            ("tests/requirements.txt", Some(Kind::PythonLock)),
            ("Makefile", Some(Kind::Script)),
            (".ci/run", Some(Kind::Script)),
            ("tests/scale/debian.sh", Some(Kind::Script)),
            (".github/workflows/ci.yml", Some(Kind::Workflow)),
            (".github/actions/a/action.yaml", Some(Kind::Workflow)),
            (".npmrc", Some(Kind::Settings)),
            ("openclaw/.npmrc", Some(Kind::Settings)),
            ("fuzz/.cargo/config.toml", Some(Kind::Settings)),
            ("tests/requirements-dev.txt", Some(Kind::PythonLock)),
            ("tools/x/action.yml", Some(Kind::Workflow)),
            ("more.mk", Some(Kind::Script)),
            // make, rustup and npm's kin prefer them.
            ("GNUmakefile", Some(Kind::Unread)),
            ("makefile", Some(Kind::Unread)),
            ("rust-toolchain", Some(Kind::Unread)),
            ("openclaw/yarn.lock", Some(Kind::Unread)),
            ("Cargo.toml", None),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
        for (line, kind) in [
            ("#!/bin/sh -e\n", Some(Kind::Script)),
            ("#!/bin/sh\nnpm ci", Some(Kind::Script)),
            ("#!/usr/bin/env bash\r\n", Some(Kind::Script)),
            ("#!/usr/bin/env node\n", None),
            ("sh\n", None),
        ] {
            assert_eq!(Kind::by_first_line(line.as_bytes()), kind, "{line}");
        }
        assert_eq!(Kind::Unread.check("all:").unwrap().len(), 1);
    }

    #[test]
    fn npm_packages_without_digest_or_from_elsewhere() {
        let good = json!({"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "integrity": "sha512-YQ=="});
        let lock = |key: &str, value: Value| {
            let mut package = good.clone();
            package[key] = value;
            json!({"packages": {"": {"name": "own"}, "node_modules/a": package}})
        };
        assert_eq!(npm_lock(&lock("license", json!("MIT"))), Vec::<String>::new());
        assert_eq!(npm_lock(&lock("resolved", Value::Null)), Vec::<String>::new());
        for (key, value) in [
            ("integrity", Value::Null),
            ("integrity", json!("sha1-YQ==")),
            ("resolved", json!("https://registry.npmjs.org.example.com/a/-/a-1.0.0.tgz")),
            ("resolved", json!("http://registry.npmjs.org/a/-/a-1.0.0.tgz")),
            ("resolved", json!("git+ssh://git@example.com/a.git")),
            ("resolved", json!("https://registry.npmjs.org/evil/-/evil-1.0.0.tgz")),
            ("resolved", json!("https://registry.npmjs.org/aa/-/a-1.0.0.tgz")),
            ("resolved", json!("https://registry.npmjs.org/a/-/../../evil/-/evil-1.0.0.tgz")),
            ("resolved", json!("https://registry.npmjs.org/a/-/a-0.9.0.tgz")),
            ("name", json!("evil")),
            ("name", json!("@evil/a")),
        ] {
            assert_eq!(npm_lock(&lock(key, value.clone())).len(), 1, "{key}: {value}");
        }
        assert_eq!(npm_lock(&json!({"packages": {"": {}}})).len(), 1);
        let bundled = |package: Value| {
            let around = json!({"integrity": "sha512-YQ==", "bundleDependencies": ["a"]});
            json!({"packages": {"": {}, "node_modules/b": around, "node_modules/b/node_modules/a": package}})
        };
        assert_eq!(npm_lock(&bundled(json!({"inBundle": true}))).len(), 1);
        for (version, found) in [("1.8.0", 0), ("1.8.1", 1)] {
            let known = json!({BUNDLED.0: {"version": version, "inBundle": true}, "": {}});
            assert_eq!(npm_lock(&json!({"packages": known})).len(), found, "{version}");
        }
        assert_eq!(npm_lock(&json!({"packages": {"": {}, "node_modules/a": {"inBundle": true}}})).len(), 1);
        let aside = json!({"name": "a", "integrity": "sha512-YQ=="});
        let aside = json!({"packages": {"": {}, "node_modules/a-1-0-0": aside}});
        assert_eq!(npm_lock(&aside), Vec::<String>::new(), "another version beside it");
    }

    #[test]
    fn workflows_that_strangers_steer() {
        for good in [
            "on:\n  pull_request:",
            "run: echo ${{ github.ref }}",
            "# github.event.",
            "env: ${{ needs.build.outputs.version }}",
            "if: github.event_name == 'push'",
        ] {
            assert_eq!(strangers(good), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "on:\n  pull_request_target:",
            "on: workflow_run",
            "on: [issue_comment]",
            "run: echo ${{ github.event.pull_request.title }}",
            "run: git checkout ${{ github.head_ref }}",
            "ref: ${{ github.event.pull_request.head.sha }}",
            "run: echo '${{ toJSON(github.event) }}'",
            "run: echo ${{ github.event['issue'].title }}",
        ] {
            assert_eq!(strangers(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn files_of_one_job_that_take_the_place_of_anothers() {
        assert_eq!(
            overlays("with:\n  pattern: program-*\n  path: programs\n# merge-multiple: true"),
            Vec::<String>::new()
        );
        assert_eq!(overlays("with:\n  pattern: program-*\n  path: dist\n  merge-multiple: true").len(), 1);
        assert_eq!(overlays("with: { path: dist, merge-multiple: true }").len(), 1);
    }

    #[test]
    fn settings_that_take_packages_from_elsewhere() {
        for good in ["[alias]\nxtask = \"run\"", "# registry=x", "fund=false"] {
            assert_eq!(settings(good), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "registry=https://npm.example.com/",
            "@scope:registry=https://npm.example.com/",
            "[source.crates-io]\nreplace-with = \"x\"",
            "[build]\nrustc-wrapper = \"x\"",
            "[target.x86_64-unknown-linux-gnu]\nrunner = \"x\"",
            "extra-index-url = https://pypi.example.com/",
            "include = [\"more.toml\"]",
            "[build]\nrustc-wrapp\\u0065r = \"x\"",
            "[env]\nRUSTC = \"x\"",
            "node-options=--require=x",
        ] {
            assert!(!settings(bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn crates_without_digest_or_from_elsewhere() {
        let lock = |source: &str, digest: &str| {
            format!(
                "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nsource = \"{source}\"\n{digest}\n"
            )
        };
        let digest = format!("checksum = \"{}\"", "0".repeat(64));
        assert_eq!(cargo_lock(&lock(CRATES, &digest)), Vec::<String>::new());
        assert_eq!(cargo_lock(&lock(CRATES, "")).len(), 1);
        assert_eq!(cargo_lock(&lock("git+https://example.com/a#0", &digest)).len(), 1);
        assert_eq!(cargo_lock(&lock("git+https://example.com/a#0", "")).len(), 2);
    }

    #[test]
    fn python_packages_without_a_digest() {
        let good = "# by hand\na==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via b\n";
        assert_eq!(python_lock(good), Vec::<String>::new());
        for bad in [
            "a==1.0\n",
            "a>=1.0 --hash=sha256:00",
            "a",
            "-r other.txt",
            "git+https://example.com/a --hash=sha256:00",
            "a @ https://example.com/a==1.whl --hash=sha256:00",
            "--index-url https://example.com/== --hash=sha256:00",
        ] {
            assert_eq!(python_lock(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn commands_that_install() {
        for good in [
            "npm --prefix openclaw ci --ignore-scripts --no-audit",
            "npm ci \\\n  --ignore-scripts",
            "npm --prefix openclaw run build",
            "npm test",
            "target/python/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements.txt",
            "cargo install cargo-deny@0.20.2 --locked",
            "# npm install",
            "echo 'sudo apt-get install haproxy'",
            "apt-get install -y haproxy",
            "cargo fetch --locked",
        ] {
            assert_eq!(commands(good), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "npm ci",
            "\tnpm --prefix openclaw ci --no-audit",
            "npm clean-install",
            "npm install",
            "npm i -g jco --ignore-scripts",
            "cd a && npm install a@1.0.0",
            "npx jco",
            "npm exec jco",
            "      - run: npm ci && npm test",
            "true || yarn",
            "pip install a",
            "python3 -m pip install -r requirements.txt",
            "pip3 install --require-hashes -r requirements.txt",
            "pip install --only-binary :all: -r requirements.txt",
            "sudo target/bin/pip \\\n  install a",
            "cargo install cargo-deny@0.20.2",
            "cargo binstall a --locked",
            "curl -sSf https://sh.rustup.rs | sh",
            "$(wget -qO- https://example.com)",
            "go install example.com/a@latest",
            "if true; then npm install; fi",
        ] {
            assert_eq!(commands(bad).len(), 1, "{bad}: {:?}", commands(bad));
        }
    }

    #[test]
    fn actions_that_may_change() {
        let commit = "a".repeat(40);
        for good in [
            format!("      - uses: a/b@{commit} # v1"),
            format!("- {{ name: what it uses, uses: a/b@{commit}, with: {{ ref: c@v4 }} }}"),
            format!("uses: 'a/b@{commit}'"),
            "    uses: ./.github/workflows/ci.yml".to_owned(),
            "# uses: a/b@v4".to_owned(),
            "- run: x # what it uses".to_owned(),
        ] {
            assert_eq!(actions(&good), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "      - uses: a/b@v4",
            "uses: a/b@main",
            "- uses: a/b",
            "uses: docker://a:latest",
            "- { uses: a/b@v4 }",
            "\"uses\": a/b@v4",
            "- { name: what it uses, uses: a/b@v4 }",
            "- { name: 'a # b', uses: a/b@v4 }",
        ] {
            assert_eq!(actions(bad).len(), 1, "{bad}");
        }
        for bad in
            [format!("- {{ uses: evil/x@main, with: {{ ref: b@{commit} }} }}"), format!("uses: a/b@main@{commit}")]
        {
            assert_eq!(actions(&bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn jobs_that_may_write() {
        let workflow = |permissions: &str, steps: &str| {
            format!(
                "on: push\npermissions:\n  contents: read\njobs:\n  one:\n    steps:\n      - run: make dist\n  other:\n    permissions:\n      contents: {permissions}\n    steps:\n      - run: {steps}\n"
            )
        };
        assert_eq!(jobs(&workflow("read", "make dist")), Vec::<String>::new());
        assert_eq!(jobs(&workflow("write", "gh release create")), Vec::<String>::new());
        for build in ["make dist", "cargo build", "npm ci --ignore-scripts", "node build.mjs", "apt-get install a"] {
            assert_eq!(jobs(&workflow("write", build)).len(), 1, "{build}");
            assert_eq!(jobs(&workflow("write # to publish", build)).len(), 1, "{build}");
            assert_eq!(jobs(&workflow("\"write\"", build)).len(), 1, "{build}");
            assert_eq!(jobs(&workflow("  write", build)).len(), 1, "{build}");
        }
        assert_eq!(jobs("permissions: { contents: write, packages: read }\njobs:\n").len(), 1);
        assert_eq!(jobs("permissions: write-all\njobs:\n").len(), 1);
        assert_eq!(jobs("permissions: {\"contents\":write}\njobs:\n").len(), 1);
        assert_eq!(jobs("permissions:\n  contents:\n    write\njobs:\n").len(), 1);
        assert_eq!(jobs("permissions:\n  contents: write\njobs:\n").len(), 1);
    }
}
