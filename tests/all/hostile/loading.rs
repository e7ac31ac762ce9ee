//! Components that are refused before they are called, and what a component says of itself.

use std::{fs, path::Path, time::Duration};

use host_harness::{Engine, Limits, types::ErrorKind as Kind, validate};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::{Host, describing, hostile, load, refused, tight};
use crate::support::{Cli, User, component, root};

/// Whoever checks a component of their own hears so soon, and may wait longer or less long.
#[test]
fn a_component_that_hangs_is_found_out_by_those_who_look_at_it() {
    let cli = Cli::new();
    cli.write("spin.wasm", describing("spin"));
    let found = cli.run(&["validate", "spin.wasm", "--timeout", "1"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains("it does not load: onboarding.describe: the call took longer than 1 s"), "{found:?}");
    cli.run(&["check", "spin.wasm", "--timeout", "1"]).failed(6, "the call took longer than 1 s");
    for command in ["validate", "check"] {
        let help = cli.run(&[command, "--help"]).ok();
        assert!(help.out.contains("[default: 10]"), "{help:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_says_nonsense_of_itself_is_not_loaded() {
    let engine = Engine::new(tight()).unwrap();
    for (how, kind, because) in [
        ("id with a path", Kind::InvalidConfig, "lower-case letters"),
        ("empty id", Kind::InvalidConfig, "lower-case letters"),
        ("long id", Kind::InvalidConfig, "lower-case letters"),
        ("base url", Kind::InvalidConfig, "default base URL"),
        ("service", Kind::InvalidConfig, "one of its services"),
        ("no header", Kind::InvalidConfig, "header"),
        ("host", Kind::InvalidConfig, "header"),
        ("transfer-encoding", Kind::InvalidConfig, "header"),
        ("content-length", Kind::InvalidConfig, "header"),
        ("same header", Kind::InvalidConfig, "header"),
        ("prefix", Kind::InvalidConfig, "header"),
        ("many", Kind::InvalidConfig, "credentials"),
        ("flag", Kind::InvalidConfig, "a flag that can be none"),
        ("variable", Kind::InvalidConfig, "a variable that can be none"),
        ("label", Kind::InvalidConfig, "control characters"),
        ("aliased", Kind::Other, "fuel allocated for hostcalls"),
        ("trap", Kind::Other, "unreachable"),
        ("spin", Kind::Timeout, "took longer"),
    ] {
        let error = refused(how, load(&engine, &describing(how)).await, kind, because);
        assert!(error.to_string().len() < 500, "{how}: the error is short enough to read");
    }
    load(&engine, &describing("as it should be")).await.unwrap();
}

/// Names that a shell, a desktop or another program reads.
#[test]
fn a_plugin_has_no_say_in_the_names_of_files() {
    let cli = Cli::new();
    let plugin = cli.folder.path().join("hostile-provider.wasm");
    std::fs::write(&plugin, hostile()).unwrap();
    let png = "GIF89a";
    let names = [".bashrc", "x.desktop", "../up", "/tmp/abs", "a\u{1b}]0;t\u{7}.png", "", "CON", "x.png"];
    let prompt: Vec<_> = names.iter().map(|name| format!("{name}<{png}")).chain(["run.sh<#!/bin/sh".into()]).collect();
    let prompt = prompt.join("\n");
    let arguments = [
        "image",
        &prompt,
        "--output",
        "out",
        "--plugin",
        plugin.to_str().unwrap(),
        "--base-url",
        "http://127.0.0.1:9/v1",
    ];
    let ran = cli.run(&arguments).ok();
    let mut written: Vec<_> = std::fs::read_dir(cli.folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let mut expected: Vec<_> = (1..=names.len()).map(|number| format!("image-{number}.gif")).collect();
    expected.push(format!("image-{}.bin", names.len() + 1));
    expected.sort();
    assert_eq!(written, expected, "{ran:?}");
    assert!(!std::path::Path::new("/tmp/abs").exists() && !cli.folder.path().join("up").exists());
}

/// A component of `world`, which may use `openclaw:provider`, whose functions all trap. `extra` goes into its module.
fn shaped(version: &str, world: &str, extra: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("wit"), folder.path(), version);
    resolve.push_dir(folder.path()).unwrap();
    let package = resolve.push_str("attack.wit", &format!("package openclaw:attack;\n{world}")).unwrap();
    let world = resolve.select_world(&[package], Some("attack")).unwrap();
    let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let text = wasmprinter::print_bytes(module).unwrap();
    let (text, end) = text.rsplit_once(')').unwrap();
    let mut module = wat::parse_str(format!("{text}{extra}){end}")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// The WIT, with another version in place of ours.
fn copy(from: &Path, to: &Path, version: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&from, &to, version);
        } else {
            let text = std::fs::read_to_string(from).unwrap();
            std::fs::write(to, text.replace("openclaw:provider@0.2.0", &format!("openclaw:provider@{version}")))
                .unwrap();
        }
    }
}

fn provider_world(version: &str, more: &str) -> String {
    // Without `wasi:http`, all of whose functions a component made of the WIT would ask for, the clocks among them.
    let exports = ["onboarding", "models", "chat", "images"];
    let exports = exports.map(|name| format!("export openclaw:provider/{name}@{version};"));
    format!("world attack {{ {more} {} }}", exports.concat())
}

#[tokio::test]
async fn a_component_that_asks_for_more_than_the_world_gives_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    for (package, interface, function) in [
        ("wasi:cli@0.2.6", "environment", "get-environment: func() -> list<tuple<string, string>>;"),
        ("wasi:cli@0.2.6", "stdout", "get: func() -> u32;"),
        ("wasi:filesystem@0.2.6", "preopens", "get-directories: func() -> list<u32>;"),
        ("wasi:sockets@0.2.6", "instance-network", "instance-network: func() -> u32;"),
        ("wasi:random@0.2.6", "random", "get-random-u64: func() -> u64;"),
        ("wasi:random@0.2.6", "insecure-seed", "insecure-seed: func() -> tuple<u64, u64>;"),
        ("wasi:keyvalue@0.2.6", "store", "open: func() -> u32;"),
        ("openclaw:secrets@0.1.0", "secrets", "get: func(name: string) -> string;"),
    ] {
        let (name, version) = package.split_once('@').unwrap();
        let import = format!("{name}/{interface}@{version}");
        let world = provider_world("0.2.0", &format!("import {import};"))
            + &format!("\npackage {package} {{ interface {interface} {{ {function} }} }}");
        let wasm = shaped("0.2.0", &world, "");
        let error = refused(&import, load(&engine, &wasm).await, Kind::InvalidConfig, "");
        let asked = format!("it imports {import}: a provider gets wasi:http and wasi:io, and nothing else");
        assert!(error.to_string().ends_with(&asked), "{error}");
        assert!(error.record().hint.as_ref().unwrap().contains("docs/write-a-provider.md"), "{error:?}");
        let found = validate(&engine, &wasm, None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(&import)), "{import}: {found:?}");
    }
}

#[tokio::test]
async fn a_component_of_another_version_or_world_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    for version in ["0.1.0", "0.3.0", "1.0.0"] {
        let wasm = shaped(version, &provider_world(version, ""), "");
        refused(version, load(&engine, &wasm).await, Kind::InvalidConfig, "");
        let found = validate(&engine, &wasm, None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(version)), "{version}: {found:?}");
    }
    let other = shaped("0.2.0", "world attack { export run: func(); }", "");
    let error = load(&engine, &other).await.unwrap_err();
    assert!(error.to_string().contains("openclaw:provider/"), "{error}");
    // A patch release of ours loads; it traps as soon as it is asked who it is.
    let patch = load(&engine, &shaped("0.2.7", &provider_world("0.2.7", ""), "")).await.unwrap_err();
    assert!(patch.to_string().contains("unreachable"), "{patch}");
}

/// Before any function is called: an instance already runs code and takes memory.
#[tokio::test]
async fn a_component_that_attacks_as_it_starts_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    let start = |body: &str| format!("(func $start {body}) (start $start)");
    for (extra, kind, because) in [
        (start("(loop br 0)"), Kind::Timeout, "took longer"),
        (start("unreachable"), Kind::Other, "unreachable"),
        (start("call $start"), Kind::Other, "call stack exhausted"),
        ("(memory 1000)".into(), Kind::Other, "more memory"),
        ("(memory 300) (memory 300)".into(), Kind::Other, "more memory"),
        // These are more than one component may take of what all share.
        ("(table 10000000 funcref)".into(), Kind::InvalidConfig, "table"),
        ("(table 1 funcref)".repeat(17), Kind::InvalidConfig, "tables"),
        ("(memory 1)".repeat(5), Kind::InvalidConfig, "memories"),
    ] {
        let loaded = load(&engine, &shaped("0.2.0", &provider_world("0.2.0", ""), &extra)).await;
        refused(&extra, loaded, kind, because);
    }
    load(&engine, hostile()).await.unwrap();
}

/// The hostile component, with something in it that no cache has seen: a section that is nobody's.
fn uncompiled() -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let content = [&b"\x03now"[..], &now.as_nanos().to_le_bytes()].concat();
    [hostile(), &[0, u8::try_from(content.len()).unwrap()], &content].concat()
}

/// Compiling takes as long as a component makes it take, and nothing can interrupt a compiler: the caller and all others go on
/// without it.
#[test]
fn a_component_is_compiled_beside_the_calls_and_given_up_if_it_takes_too_long() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Host::new().await;
        // The one thread on which it could be compiled has other work.
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        let hasty = Engine::new(Limits { compile: Duration::from_millis(50), ..tight() }).unwrap();
        refused("uncompiled", load(&hasty, &uncompiled()).await, Kind::Timeout, "to compile");
        host.serves().await;
        let (engine, wasm) = (Engine::new(tight()).unwrap(), uncompiled());
        let mut loading = std::pin::pin!(load(&engine, &wasm));
        tokio::select! {
            biased;
            _ = &mut loading => panic!("it was compiled on the thread of the calls"),
            () = host.serves() => {}
        }
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        loading.await.unwrap();
    });
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_compiled() {
    let size = hostile().len() as u64;
    let engine = Engine::new(Limits { component: size - 1, ..tight() }).unwrap();
    refused("a large component", load(&engine, hostile()).await, Kind::InvalidConfig, "it is larger than");
    let found = validate(&engine, hostile(), None).await;
    assert!(found.findings[0].contains("larger"), "{found:?}");
    load(&Engine::new(Limits { component: size, ..tight() }).unwrap(), hostile()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_whole_component_is_refused_whatever_it_is() {
    let engine = Engine::new(tight()).unwrap();
    let whole = hostile();
    let mut files: Vec<Vec<u8>> = (0..16).map(|part| whole[..whole.len() * part / 16].to_vec()).collect();
    // Bytes of no meaning, the same on each run, with and without a component's first eight.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(4096)
    .collect();
    files.push([&whole[..8], &noise].concat());
    files.push(noise);
    for file in files {
        refused("a damaged file", load(&engine, &file).await, Kind::InvalidConfig, "");
    }
    load(&engine, whole).await.unwrap();
}

/// It names the program's own flags, as those of its key.
#[test]
fn a_component_takes_none_of_the_programs_own_flags() {
    let cli = Cli::new();
    let plugin = cli.folder.path().join("hostile-provider.wasm");
    fs::write(&plugin, describing("own flag")).unwrap();
    let plugin = plugin.to_str().unwrap();
    let ran = cli.run(&["models", "--plugin", plugin, "--base-url", "http://127.0.0.1:9/v1", "--help"]).ok();
    assert!(ran.out.contains("Call this base URL instead"), "{ran:?}");
    let ran = cli.run(&["models", "--plugin", plugin, "--base-url", "ftp://127.0.0.1:9/v1"]);
    assert!(ran.err.contains("must be http or https"), "the flag is the program's own: {ran:?}");
}

/// What one component told is kept for it alone: another that calls itself the same may have been anybody's.
#[test]
fn a_component_leaves_no_prices_for_another_of_its_name() {
    let user = User::new();
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    assert!(!user.stub.take_of_prices().is_empty());
    let other = user.cli.folder.path().join("other.wasm");
    // The same with a section of its own at the end.
    fs::write(&other, [&fs::read(component()).unwrap()[..], &[0, 2, 1, b'x']].concat()).unwrap();
    let other = ["models", "gpt-5-mini", "--plugin", other.to_str().unwrap()];
    for is_known in [false, true] {
        user.cli.run(&other).ok();
        assert_eq!(user.stub.take_of_prices().is_empty(), is_known);
    }
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    assert!(user.stub.take_of_prices().is_empty(), "its own are still there");
}
