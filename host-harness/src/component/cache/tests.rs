use super::*;

const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const DIGEST: &str = "e3b0c442";

/// As an engine does it.
fn compile(cache: &Cache, engine: &wasmtime::Engine) {
    if cache.load(engine, DIGEST).is_none() {
        cache.keep(&Component::new(engine, EMPTY_COMPONENT).unwrap(), DIGEST);
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_altered_entry_is_not_run_but_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let engine = wasmtime::Engine::default();
    compile(&cache, &engine);
    let [path] = &entries(&folder.path().join("cache"))[..] else { panic!("one entry") };
    assert!(cache.load(&engine, DIGEST).is_some());

    let good = fs::read(path).unwrap();
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(path, &bad).unwrap();
        assert!(cache.load(&engine, DIGEST).is_none(), "byte {at} altered");
    }
    fs::write(path, &good[..20]).unwrap();
    assert!(cache.load(&engine, DIGEST).is_none(), "cut short");
    compile(&cache, &engine);
    assert_eq!(fs::read(path).unwrap(), good);
}

#[test]
fn only_the_newest_entries_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let engine = wasmtime::Engine::default();
    let stored = |number: u64| {
        let name = name(&engine, &number.to_string());
        cache.store(&name, b"compiled").unwrap();
        let path = folder.path().join("cache").join(name);
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(1000 - number);
        fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
        path
    };
    let paths: Vec<_> = (0..MOST as u64 + 3).map(stored).collect();
    let is_kept: Vec<_> = paths.iter().map(|path| path.exists()).collect();
    let (old, new) = is_kept.split_at(3);
    assert!(!old.contains(&true) && !new.contains(&false), "{is_kept:?}");
}

#[test]
#[cfg(unix)]
fn the_folder_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let path = folder.path().join("cache");
    Cache::at(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    // Readable by others: closed. Writable by others: what lies there may be theirs.
    set_mode(&path, 0o755);
    Cache::at(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    for writable in [0o770, 0o702, 0o777, 0o1777] {
        set_mode(&path, writable);
        assert!(Cache::at(&path).is_err(), "{writable:o}");
    }
}

/// For root too, whom the modes of other users' folders do not stop: `sudo` with the user's `HOME`.
#[test]
#[cfg(unix)]
fn another_users_folder_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    fs::create_dir(&path).unwrap();
    let theirs = if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() { path } else { "/".into() };
    let owner = fs::metadata(&theirs).unwrap();
    assert!(Cache::at(&theirs).is_err());
    assert_eq!(fs::metadata(&theirs).unwrap().permissions(), owner.permissions(), "it is left as it is");
}

#[test]
#[cfg(unix)]
fn a_link_is_no_cache_and_its_target_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("cache"), folder.path().join("target"));
    fs::create_dir(&target).unwrap();
    let before = fs::metadata(&target).unwrap().permissions();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(Cache::at(&link).is_err());
    assert_eq!(fs::metadata(&target).unwrap().permissions(), before);
}

/// Whoever may write to a folder above can put another in its place, once it was checked. That one they made may even
/// be the user's own.
#[test]
#[cfg(unix)]
fn a_folder_that_takes_the_place_of_the_checked_one_is_not_looked_into() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let at = |name: &str| folder.path().join(name);
    let engine = wasmtime::Engine::default();
    let evil = Cache::at(&at("evil")).unwrap();
    compile(&evil, &engine);
    for swap in ["a folder", "a link", "a link above"] {
        let path = at(swap).join("cache");
        let cache = Cache::at(&path).unwrap();
        match swap {
            "a folder" => {
                fs::rename(&path, at("aside")).unwrap();
                fs::create_dir(&path).unwrap();
                fs::copy(&entries(&at("evil"))[0], path.join(name(&engine, DIGEST))).unwrap();
            }
            "a link" => {
                fs::remove_dir(&path).unwrap();
                symlink(at("evil"), &path).unwrap();
            }
            _ => {
                fs::rename(at(swap), at("moved")).unwrap();
                fs::create_dir(at("above")).unwrap();
                symlink(at("evil"), at("above").join("cache")).unwrap();
                symlink(at("above"), at(swap)).unwrap();
            }
        }
        assert!(cache.load(&engine, DIGEST).is_none(), "{swap}");
        let before = entries(&at("evil"));
        compile(&cache, &engine);
        assert_eq!(entries(&at("evil")), before, "{swap}: nothing is written there");
    }
}

/// As it was left in a folder that others could once write to.
#[test]
#[cfg(unix)]
fn an_entry_that_others_could_have_made_is_not_run() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let engine = wasmtime::Engine::default();
    let path = folder.path().join("cache").join(name(&engine, DIGEST));
    let elsewhere = folder.path().join("elsewhere");
    for made in ["writable by others", "another user's", "a link", "a second name", "a pipe"] {
        compile(&cache, &engine);
        assert!(cache.load(&engine, DIGEST).is_some(), "{made}");
        let _ = fs::remove_file(&elsewhere);
        match made {
            "writable by others" => fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap(),
            // None but root can give a file away.
            "another user's" if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() => continue,
            "another user's" => {}
            "a link" => {
                fs::rename(&path, &elsewhere).unwrap();
                symlink(&elsewhere, &path).unwrap();
            }
            "a second name" => fs::hard_link(&path, &elsewhere).unwrap(),
            _ => {
                fs::remove_file(&path).unwrap();
                assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            }
        }
        assert!(cache.load(&engine, DIGEST).is_none(), "{made}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_not_ours_is_left_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let notes: Vec<_> =
        (0..MOST + 3).map(|number| folder.path().join("cache").join(format!("note-{number}"))).collect();
    notes.iter().for_each(|note| fs::write(note, "mine").unwrap());
    compile(&cache, &wasmtime::Engine::default());
    assert!(notes.iter().all(|note| note.exists()));
}

#[test]
fn an_entry_of_other_settings_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let plain = wasmtime::Engine::default();
    let other = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
    compile(&cache, &plain);
    let (path, other_path) = (name(&plain, DIGEST), name(&other, DIGEST));
    assert_ne!(path, other_path);
    // Even under the other's name: wasmtime knows its own settings and version.
    let at = |name: &str| folder.path().join("cache").join(name);
    fs::copy(at(&path), at(&other_path)).unwrap();
    assert!(cache.load(&plain, DIGEST).is_some() && cache.load(&other, DIGEST).is_none());
    compile(&cache, &other);
    assert!(cache.load(&other, DIGEST).is_some(), "it was compiled anew");
}

/// What another version made, under the name of this one's, with its digest right.
#[test]
fn an_entry_of_another_version_is_not_run_but_replaced() {
    let other = wasmtime::ModuleVersionStrategy::Custom("47.0.0".to_owned());
    let mut config = wasmtime::Config::new();
    config.module_version(other).unwrap();
    let other = wasmtime::Engine::new(&config).unwrap();
    let compiled = Component::new(&other, EMPTY_COMPONENT).unwrap().serialize().unwrap();
    assert_replaced(&compiled);
}

/// The same for another processor: the name of this one's, which the artifact holds, is changed in it.
#[test]
fn an_entry_for_another_processor_is_not_run_but_replaced() {
    let here = std::env::consts::ARCH;
    let other = if here.len() == "mips64".len() { "mips64" } else { "riscv64" };
    let compiled = Component::new(&wasmtime::Engine::default(), EMPTY_COMPONENT).unwrap().serialize().unwrap();
    let at = compiled.windows(here.len()).position(|bytes| bytes == here.as_bytes()).unwrap();
    let foreign = [&compiled[..at], other.as_bytes(), &compiled[at + here.len()..]].concat();
    assert_replaced(&foreign);
}

fn assert_replaced(foreign: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("cache")).unwrap();
    let engine = wasmtime::Engine::default();
    let path = name(&engine, DIGEST);
    let good = Component::new(&engine, EMPTY_COMPONENT).unwrap().serialize().unwrap();
    cache.store(&path, &good).unwrap();
    assert!(cache.load(&engine, DIGEST).is_some(), "what is stored like this is run");
    cache.store(&path, foreign).unwrap();
    assert!(cache.load(&engine, DIGEST).is_none());
    compile(&cache, &engine);
    assert!(cache.load(&engine, DIGEST).is_some(), "it was compiled anew");
    assert_ne!(fs::read(folder.path().join("cache").join(&path)).unwrap()[..foreign.len()], *foreign);
}
