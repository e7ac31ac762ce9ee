//! `onboard` and the file that it writes, when things go wrong: whatever happens, the old or the new file is there,
//! whole, and the next run finds nothing in its way.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::{
        ffi::OsStringExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::PathBuf,
    process::{Command, Stdio},
};

use host_harness::ConfigFile;
use serde_json::json;

use crate::support::Cli;

/// A user, and a folder for the configuration.
struct User {
    cli: Cli,
    folder: PathBuf,
    config: PathBuf,
}

impl User {
    fn new() -> Self {
        let cli = Cli::new();
        let folder = cli.folder.path().canonicalize().unwrap().join("openclaw");
        Self { config: folder.join("openclaw.json"), folder, cli }
    }

    fn onboard<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["onboard", "--config", self.config.to_str().unwrap()], more].concat()
    }

    /// With the folder as it should be before a run: gone, or holding the one file.
    fn holding(&self, text: Option<&str>) {
        let _ = fs::remove_dir_all(&self.folder);
        if let Some(text) = text {
            fs::create_dir(&self.folder).unwrap();
            fs::write(&self.config, text).unwrap();
        }
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(&self.config).ok()
    }

    /// The names in the configuration's folder.
    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A file as people write it.
const OLD: &str = "// mine\n{\n  gateway: { port: 18789, }, // 'quoted'\n  'models': { \"mode\": \"merge\" },\n}\n";

/// Each system call that writes, in turn.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod each_call {
    use super::*;
    use crate::system_calls::{Fault, Traced, run};

    /// Runs `onboard` once for each of its calls with `fault` in that one's place, and shows `check` each.
    fn each(user: &User, old: Option<&str>, fault: Fault, mut check: impl FnMut(&Traced)) {
        for at in 0.. {
            assert!(at < 100, "it does not come to an end");
            user.holding(old);
            let traced = run(user.cli.command(&user.onboard(&[])), &user.folder, at, fault);
            if traced.calls.len() <= at {
                // The last run was let alone, and so shows that all calls were met that are made.
                assert_eq!(traced.ran.code, 0, "{traced:?}");
                for call in ["openat", "write", "fsync", "rename", "flock"] {
                    assert!(traced.calls.iter().any(|made| made.starts_with(call)), "{call}: {traced:?}");
                }
                return;
            }
            check(&traced);
        }
    }

    /// What an undisturbed run writes.
    fn new(user: &User, old: Option<&str>) -> Option<String> {
        user.holding(old);
        user.cli.run(&user.onboard(&[])).ok();
        user.text()
    }

    #[test]
    fn a_run_that_is_killed_leaves_the_old_or_the_new_file_and_nothing_in_the_way() {
        let user = User::new();
        for old in [None, Some(OLD)] {
            let new = new(&user, old);
            let names = user.names();
            each(&user, old, Fault::Kill, |traced| {
                assert_eq!(traced.ran.code, -1, "{traced:?}");
                let left = user.text();
                assert!(left.as_deref() == old || left == new, "{traced:?} left {left:?}");
                user.cli.run(&user.onboard(&[])).ok();
                assert_eq!(user.text(), new, "after {traced:?}");
                assert_eq!(user.names(), names, "the next takes away what {traced:?} left");
            });
        }
    }

    /// As where the file alone is mounted into a container: another cannot be put in its place.
    #[test]
    fn a_file_that_is_a_mount_of_its_own_is_written_in_place_with_its_backup() {
        let user = User::new();
        let new = new(&user, Some(OLD));
        user.holding(Some(OLD));
        let calls = run(user.cli.command(&user.onboard(&[])), &user.folder, usize::MAX, Fault::Kill).calls;
        let at = calls.iter().rposition(|call| call.starts_with("rename")).unwrap();
        for errno in [libc::EBUSY, libc::EXDEV] {
            user.holding(Some(OLD));
            let inode = fs::metadata(&user.config).unwrap().ino();
            let traced = run(user.cli.command(&user.onboard(&[])), &user.folder, at, Fault::Fail(errno));
            assert_eq!(traced.ran.code, 0, "{traced:?}");
            assert_eq!(user.text(), new, "{traced:?}");
            let written = fs::metadata(&user.config).unwrap();
            assert_eq!((written.ino(), written.mode() & 0o777), (inode, 0o600), "the same file: {traced:?}");
            assert_eq!(fs::read_to_string(user.folder.join("openclaw.json.bak-1")).unwrap(), OLD);
            assert_eq!(user.names().len(), 2, "{:?}", user.names());
        }
    }

    #[test]
    fn a_disk_that_is_full_broken_or_read_only_is_named_and_loses_nothing() {
        let user = User::new();
        for (old, errno) in
            [(Some(OLD), libc::ENOSPC), (Some(OLD), libc::EIO), (Some(OLD), libc::EROFS), (None, libc::ENOSPC)]
        {
            let new = new(&user, old);
            let mut failed = 0;
            each(&user, old, Fault::Fail(errno), |traced| {
                // Where the lock's own file cannot be removed, the next run does it.
                let mut temporary = user.names().into_iter().filter(|name| name.starts_with('.'));
                assert!(temporary.all(|name| name.ends_with(".host-lock")), "{traced:?}");
                if traced.ran.code == 0 {
                    assert_eq!(user.text(), new, "{traced:?}");
                    return;
                }
                failed += 1;
                assert_eq!(traced.ran.code, 4, "{traced:?}");
                assert!(traced.ran.err.contains("cannot write the configuration"), "{traced:?}");
                assert!(
                    traced.ran.err.contains(&*std::io::Error::from_raw_os_error(errno).to_string()),
                    "{errno}: {traced:?}"
                );
                assert_eq!(user.text().as_deref(), old, "{traced:?}");
            });
            assert!(failed >= 3, "{errno}: making, writing and renaming a file can all fail");
        }
    }
}

/// Each adds another model to the same list.
#[test]
fn of_many_at_once_none_is_lost() {
    let user = User::new();
    let models: Vec<String> = (0..16).map(|number| format!("@openai/model-{number}")).collect();
    for old in [None, Some(OLD)] {
        user.holding(old);
        let start = |model: &String| {
            let mut command = user.cli.command(&user.onboard(&["--model", model]));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let running: Vec<_> = models.iter().map(start).collect();
        for mut run in running {
            assert!(run.wait().unwrap().success());
        }
        let config = ConfigFile::open(&user.config).unwrap();
        let listed = config.value()["models"]["providers"]["portkey"]["models"].as_array().unwrap();
        let listed: BTreeSet<_> = listed.iter().map(|model| model["id"].as_str().unwrap()).collect();
        for model in &models {
            assert!(listed.contains(&**model), "{model} is not in {listed:?}");
        }
        let backups = if old.is_some() { 16 } else { 15 };
        assert_eq!(user.names().len(), backups + 1, "the file, and what it held before: {:?}", user.names());
        if old.is_some() {
            assert_eq!(config.value()["gateway"], json!({"port": 18789}));
        }
    }
}

/// All that was there stays, byte for byte.
#[test]
fn a_file_as_people_write_it_is_only_added_to() {
    let user = User::new();
    for old in [
        "{\n  \"gateway\": {\"port\": 1}\n}\n",
        "// first\n{\n\t/* a */ gateway: { port: 0x10, 'b': [1, ], },\n}\n// last",
        "{\n  // first\n  gateway: {   port:1   },   // 'quoted' \"too\"\n\n  'single': 'it\\'s', // last\n}\n",
        "\u{feff}{\n  \"gateway\": 1, // a byte order mark\n}\n",
        "{\r\n  \"gateway\": {\r\n    \"port\": 1,\r\n  },\r\n}\r\n",
        "{\n  gateway: 1,\n  twice: 1, twice: 2,\n}",
        "{}",
        "{\n    gateway: '\u{e4}\u{1f600}\\u00e4', deep: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n}",
    ] {
        user.holding(Some(old));
        let first = user.cli.run(&user.onboard(&[]));
        assert_eq!(first.code, 0, "{old}: {first:?}");
        let new = user.text().unwrap();
        let kept = common(old.chars(), new.chars()) + common(old.chars().rev(), new.chars().rev());
        assert!(kept >= old.chars().count(), "{old:?} became {new:?}");
        assert!(!old.contains("\r\n") || !new.replace("\r\n", "").contains('\n'), "line ends are mixed: {new:?}");
        assert_eq!(fs::read_to_string(user.folder.join("openclaw.json.bak-1")).unwrap(), old);
        assert!(user.cli.run(&user.onboard(&[])).ok().out.contains("nothing to change"));
        assert_eq!(user.text().unwrap(), new);
    }
}

fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

#[test]
fn a_file_that_is_broken_is_refused_with_the_place_and_the_reason() {
    let user = User::new();
    let deep = format!("{{\n\"a\": {}", "[".repeat(10_000));
    for (old, reason) in [
        (&b"{\n  \"a\": [1, 2\n}"[..], "line 3 column 1"),
        (b"{\n  \"a\": 1\n  \"b\": 2\n}", "Expected comma on line 2 column 9"),
        (b"{\n  \"a\": 'no end\n}", "line 2 column 8"),
        (b"{ \"a\": \0 }", "line 1 column 8"),
        (b"{\n  \"a\": 1 \xff }", "not UTF-8 text on line 2 column 10"),
        (b"\xff\xfe{\0}\0", "not UTF-8 text on line 1 column 1"),
        (b"[1]", "is not a JSON object"),
        (b"// nothing", "is not a JSON object"),
        (b"{} {}", "line 1 column 4"),
        (deep.as_bytes(), "nesting depth exceeded on line 2 column 516"),
        (b"{\n \"models\": {}, \"models\": {}\n}", "the key `models` a second time on line 2 column 16"),
        (b"{\"env\": 7}", "`env` must be an object"),
        (b"{\"models\": {\"providers\": []}}", "models.providers"),
        (b"{\"models\": {\"providers\": {\"portkey\": 7}}}", "models.providers.portkey"),
    ] {
        user.holding(Some(""));
        fs::write(&user.config, old).unwrap();
        let named = String::from_utf8_lossy(&old[..old.len().min(40)]);
        let ran = user.cli.run_with("PORTKEY_API_KEY", "pk-1234567", &user.onboard(&["--key", "env"]));
        assert_eq!(ran.code, 4, "{named:?}: {ran:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(reason), "{named:?}: {ran:?}");
        assert_eq!(fs::read(&user.config).unwrap(), old);
        assert_eq!(user.names().len(), 1, "{:?}", user.names());
    }
    // No disk is filled for it: it is a hole.
    fs::File::options().write(true).open(&user.config).unwrap().set_len(50 << 20).unwrap();
    user.cli.run(&user.onboard(&[])).failed(4, "larger than 8 MiB");
}

#[test]
fn what_is_in_the_files_place_is_used_as_it_is_or_refused() {
    let user = User::new();
    let mode = || fs::metadata(&user.config).unwrap().permissions().mode() & 0o777;
    let refused = |reason: &str| {
        let ran = user.cli.run(&user.onboard(&[]));
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.err.contains(reason), "{reason}: {ran:?}");
    };
    for given in [0o600, 0o644] {
        user.holding(Some(OLD));
        fs::set_permissions(&user.config, fs::Permissions::from_mode(given)).unwrap();
        user.cli.run(&user.onboard(&[])).ok();
        assert_eq!(mode(), 0o600);
        let backup = fs::metadata(user.folder.join("openclaw.json.bak-1")).unwrap();
        assert_eq!(backup.permissions().mode() & 0o777, 0o600, "it holds the same keys");
    }
    user.holding(Some(OLD));
    fs::set_permissions(&user.config, fs::Permissions::from_mode(0o400)).unwrap();
    refused("it is read-only");
    assert_eq!((user.text().as_deref(), mode(), user.names().len()), (Some(OLD), 0o400, 1));

    // A link stays, what it points to is changed, and the backup is there.
    let target = user.cli.folder.path().join("dotfiles/config.json5");
    fs::create_dir(target.parent().unwrap()).unwrap();
    fs::write(&target, OLD).unwrap();
    fs::remove_file(&user.config).unwrap();
    symlink("../dotfiles/config.json5", &user.config).unwrap();
    user.cli.run(&user.onboard(&[])).ok();
    assert_eq!(fs::read_link(&user.config).unwrap(), PathBuf::from("../dotfiles/config.json5"));
    assert_ne!(fs::read_to_string(&target).unwrap(), OLD);
    assert_eq!(fs::read_to_string(target.with_extension("json5.bak-1")).unwrap(), OLD);
    assert_eq!(user.names().len(), 1);
    fs::remove_file(&target).unwrap();
    refused("a link to a file that is not there");
    assert!(user.config.is_symlink() && !target.exists());

    user.holding(Some(OLD));
    fs::remove_file(&user.config).unwrap();
    fs::create_dir(&user.config).unwrap();
    refused("it is a folder");
    fs::remove_dir(&user.config).unwrap();
    // Nobody writes into this pipe: who opened it would wait for ever.
    assert!(Command::new("mkfifo").arg(&user.config).status().unwrap().success());
    refused("it is not a plain file");
    fs::remove_file(&user.config).unwrap();
    // A file where a folder should be.
    fs::remove_dir(&user.folder).unwrap();
    fs::write(&user.folder, "").unwrap();
    refused("cannot read the configuration");
}

/// A folder that `onboard` makes is nobody else's; one that is there stays as it is.
#[test]
fn a_new_folder_is_the_users_alone() {
    let user = User::new();
    let mode = || fs::metadata(&user.folder).unwrap().permissions().mode() & 0o777;
    user.holding(None);
    user.cli.run(&user.onboard(&[])).ok();
    assert_eq!(mode(), 0o700);
    fs::set_permissions(&user.folder, fs::Permissions::from_mode(0o755)).unwrap();
    // Whoever may read it holds no lock of ours by that.
    let reader = fs::File::open(&user.folder).unwrap();
    reader.lock().unwrap();
    user.cli.run(&user.onboard(&["--model", "@openai/another"])).ok();
    assert_eq!(mode(), 0o755);
}

/// Paths need not be text.
#[test]
#[cfg(target_os = "linux")]
fn a_path_that_is_no_text_is_a_path() {
    let cli = Cli::new();
    let path = OsString::from_vec(b"con\xfffig.json".to_vec());
    let arguments = ["onboard".into(), "--json".into(), "--config".into(), path.clone()];
    let ran = cli.run(&arguments).ok();
    assert_eq!(ran.json()["config"], "con\u{fffd}fig.json");
    assert!(cli.folder.path().join(path).exists());
}
