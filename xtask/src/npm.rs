//! The program as packages of npm's: one for each system, which holds the program and beside it the component, and
//! `openclaw-host-harness`, which brings the one that fits: `npx openclaw-host-harness chat 'Hello there'`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use crate::workspace::output;

/// The package that users name.
const NAME: &str = "openclaw-host-harness";

/// What the program is released for: as rustc calls it, and what Node calls the system and the processor.
const TARGETS: &[(&str, &str, &str)] = &[
    ("x86_64-unknown-linux-gnu", "linux", "x64"),
    ("aarch64-unknown-linux-gnu", "linux", "arm64"),
    ("x86_64-apple-darwin", "darwin", "x64"),
    ("aarch64-apple-darwin", "darwin", "arm64"),
    ("x86_64-pc-windows-msvc", "win32", "x64"),
];

/// What goes into both kinds of package.
pub(crate) struct Release<'a> {
    /// The workspace.
    pub(crate) root: &'a Path,
    /// Where the packages are written.
    pub(crate) dist: &'a Path,
    pub(crate) version: &'a str,
}

impl Release<'_> {
    /// The package of one target; the name of its file in `dist`.
    pub(crate) fn program(&self, target: &str, program: &Path) -> anyhow::Result<String> {
        let Some((_, os, cpu)) = TARGETS.iter().find(|(name, ..)| *name == target) else {
            bail!("npm has no name for {target}: add it to TARGETS in xtask/src/npm.rs");
        };
        let folder = tempfile::tempdir()?;
        let name = if *os == "win32" { "host-harness.exe" } else { "host-harness" };
        fs::copy(program, folder.path().join(name)).with_context(|| program.display().to_string())?;
        let component = "portkey-provider.wasm";
        fs::copy(self.dist.join(component), folder.path().join(component))
            .context("dist/ holds no component: run `make package`")?;
        let mut package = self.package(&format!("{NAME}-{os}-{cpu}"), "The program of openclaw-host-harness");
        package["os"] = json!([os]);
        package["cpu"] = json!([cpu]);
        if *os == "linux" {
            package["libc"] = json!(["glibc"]);
        }
        self.pack(folder.path(), &package)
    }

    /// The package that users name.
    pub(crate) fn launcher(&self) -> anyhow::Result<String> {
        let folder = tempfile::tempdir()?;
        let script = "host-harness.js";
        fs::copy(self.root.join("host-harness/cli/npm").join(script), folder.path().join(script))?;
        let mut package =
            self.package(NAME, "Runs an OpenClaw provider component from the command line, and keeps its keys");
        package["type"] = "module".into();
        package["bin"] = json!({"host-harness": script});
        package["engines"] = json!({"node": ">=20.6"});
        let programs = TARGETS.iter().map(|(_, os, cpu)| (format!("{NAME}-{os}-{cpu}"), Value::from(self.version)));
        package["optionalDependencies"] = Value::Object(programs.collect::<Map<_, _>>());
        self.pack(folder.path(), &package)
    }

    fn package(&self, name: &str, description: &str) -> Value {
        json!({"name": name, "version": self.version, "description": description, "license": "Apache-2.0"})
    }

    fn pack(&self, folder: &Path, package: &Value) -> anyhow::Result<String> {
        fs::write(folder.join("package.json"), serde_json::to_string_pretty(package)?)?;
        fs::copy(self.root.join("LICENSE"), folder.join("LICENSE"))?;
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["pack", "--json", "--pack-destination"]).arg(self.dist);
        let packed: Value = serde_json::from_str(&output(&mut npm)?)?;
        packed[0]["filename"].as_str().map(str::to_owned).context("npm does not say what it packed")
    }
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_installed_package_runs_the_program_beside_its_component() {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path();
        fs::write(dist.join("portkey-provider.wasm"), "a component").unwrap();
        let program = dist.join("built");
        fs::write(&program, "#!/bin/sh\ncat \"$(dirname \"$0\")/portkey-provider.wasm\"; echo \" $*\"; exit 5\n")
            .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        let release = Release { root: &root, dist, version: "1.2.3" };
        let launcher = release.launcher().unwrap();
        let programs = release.program("x86_64-unknown-linux-gnu", &program).unwrap();
        assert_eq!(programs, "openclaw-host-harness-linux-x64-1.2.3.tgz");

        let npm = |arguments: &[&str]| {
            // No registry: what is not here is for other systems.
            let mut npm = Command::new("npm");
            npm.current_dir(dist).env("npm_config_registry", "http://127.0.0.1:9").env("npm_config_fetch_retries", "0");
            npm.args(arguments).output().unwrap()
        };
        let install = ["install", "--no-audit", "--no-fund", &format!("./{launcher}"), &format!("./{programs}")];
        let installed = npm(&install);
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let ran = Command::new(dist.join("node_modules/.bin/host-harness")).args(["chat", "a b"]).output().unwrap();
        assert_eq!(
            (String::from_utf8_lossy(&ran.stdout).as_ref(), ran.status.code()),
            ("a component chat a b\n", Some(5))
        );

        let odd = ["$(id)", "`id`; id", "a\"b'c", "line\nbreak", ""];
        let ran = Command::new(dist.join("node_modules/.bin/host-harness")).args(odd).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("a component {}\n", odd.join(" ")));
        // Nothing runs as they are installed, and nothing else is in them.
        for (package, files) in [
            ("openclaw-host-harness", &["LICENSE", "host-harness.js", "package.json"][..]),
            ("openclaw-host-harness-linux-x64", &["LICENSE", "host-harness", "package.json", "portkey-provider.wasm"]),
        ] {
            let folder = dist.join("node_modules").join(package);
            let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            assert_eq!(names, files, "{package}");
            let package: Value = serde_json::from_slice(&fs::read(folder.join("package.json")).unwrap()).unwrap();
            assert!(package.get("scripts").is_none() && package.get("dependencies").is_none(), "{package}");
        }

        // What may be a secret is in the launcher's arguments too.
        fs::write(
            dist.join("node_modules/openclaw-host-harness-linux-x64/host-harness"),
            "#!/bin/sh\ntr '\\0' ' ' < /proc/$PPID/cmdline\n",
        )
        .unwrap();
        let secret = ["chat", "--header", "Authorization: Bearer secret-4711", "--portkey-api-key=secret-4711"];
        let ran = Command::new(dist.join("node_modules/.bin/host-harness")).args(secret).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success() && said.contains("host-harness") && !said.contains("4711"), "{said}");

        // Where it is not installed, none is taken from the folder one works in, or from a variable's.
        fs::remove_dir_all(dist.join("node_modules/openclaw-host-harness-linux-x64")).unwrap();
        let planted = tempfile::tempdir().unwrap();
        for modules in ["node_modules", ".node_modules", ".node_libraries", "."] {
            let package = planted.path().join(modules).join("openclaw-host-harness-linux-x64");
            fs::create_dir_all(&package).unwrap();
            fs::copy(&program, package.join("host-harness")).unwrap();
            fs::write(package.join("package.json"), r#"{"name":"openclaw-host-harness-linux-x64","version":"1.2.3"}"#)
                .unwrap();
        }
        for (name, value) in [
            ("X", "".as_ref()),
            ("NODE_PATH", planted.path().as_os_str()),
            ("NODE_PATH", ".".as_ref()),
            ("NODE_PATH", ":".as_ref()),
            ("HOME", planted.path().as_os_str()),
            ("npm_config_prefix", planted.path().as_os_str()),
            ("INIT_CWD", planted.path().as_os_str()),
        ] {
            let mut launcher = Command::new(dist.join("node_modules/.bin/host-harness"));
            let ran = launcher.current_dir(planted.path()).env(name, value).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.code() == Some(1) && said.contains("is not installed"), "{name} {value:?}: {ran:?}");
        }
        let alone = Command::new(dist.join("node_modules/.bin/host-harness")).output().unwrap();
        let said = String::from_utf8_lossy(&alone.stderr).into_owned();
        assert!(alone.status.code() == Some(1) && said.contains("openclaw-host-harness-linux-x64"), "{said}");
        assert!(release.program("riscv64gc-unknown-linux-gnu", &program).unwrap_err().to_string().contains("TARGETS"));
    }
}
