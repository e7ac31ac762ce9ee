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
    assert_eq!(overlays("with:\n  pattern: program-*\n  path: programs\n# merge-multiple: true"), Vec::<String>::new());
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
    for bad in [format!("- {{ uses: evil/x@main, with: {{ ref: b@{commit} }} }}"), format!("uses: a/b@main@{commit}")] {
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
        for write in ["write", "write # to publish", "\"write\"", "  write"] {
            assert_eq!(jobs(&workflow(write, build)).len(), 1, "{write}: {build}");
        }
    }
    assert_eq!(jobs("permissions: { contents: write, packages: read }\njobs:\n").len(), 1);
    assert_eq!(jobs("permissions: write-all\njobs:\n").len(), 1);
    assert_eq!(jobs("permissions: {\"contents\":write}\njobs:\n").len(), 1);
    assert_eq!(jobs("permissions:\n  contents:\n    write\njobs:\n").len(), 1);
    assert_eq!(jobs("permissions:\n  contents: write\njobs:\n").len(), 1);
}
