//! Compiled components on disk, so that a component is compiled once and then mapped into memory. Owns where they lie
//! and when one may be trusted; it does not know what a provider is.

use std::{
    fs,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use wasmtime::component::Component;

/// How many files are kept, the newest: some 20 MB of components like ours. Each build of a component leaves one.
const MOST: usize = 32;

/// A folder of compiled components, private to the user.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's cache folder; `None` where the system names none, or where others may write to ours.
    pub(crate) fn open() -> Option<Self> {
        use etcetera::BaseStrategy;
        let folder = etcetera::choose_base_strategy().ok()?.cache_dir().join("host-harness");
        Self::at(folder).inspect_err(|error| tracing::debug!(%error, "no compilation cache")).ok()
    }

    fn at(folder: PathBuf) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let found = fs::symlink_metadata(&folder)?;
            if !found.is_dir() {
                return Err(io::Error::other("the cache is not a plain folder"));
            }
            // Whoever can write here could have us run what they like, and may have left it here already.
            if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
                return Err(io::Error::other("the cache is a folder that others can write to"));
            }
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self { folder })
    }

    /// What was compiled of the component with this digest, where it is there and can be trusted.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        load(engine, &self.path(engine, digest))
    }

    /// Keeps what was compiled of the component with this digest, which is in hexadecimal.
    pub(crate) fn keep(&self, component: &Component, digest: &str) {
        let path = self.path(component.engine(), digest);
        // A cache that cannot be written costs time, not the call.
        if let Err(error) = component.serialize().and_then(|compiled| Ok(self.store(&path, &compiled)?)) {
            tracing::debug!(%error, "could not cache the compiled component");
        }
    }

    /// Named for what went in: the digest of the component's bytes, and the engine's version, settings and target.
    fn path(&self, engine: &wasmtime::Engine, digest: &str) -> PathBuf {
        let mut settings = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        self.folder.join(format!("{digest}-{:016x}.cwasm", settings.finish()))
    }

    /// What was compiled, and its checksum, in a new file that takes its place at once: one that is mapped is never
    /// written to.
    fn store(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(compiled)?;
        file.write_all(&crc32fast::hash(compiled).to_le_bytes())?;
        file.persist(path)?;
        self.prune();
        Ok(())
    }

    /// Removes all but the newest files: older components, and what a writer that was killed left behind. One that is
    /// mapped stays so, and what another process removes meanwhile is gone.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let aged = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut files: Vec<_> = entries.flatten().filter_map(aged).collect();
        files.sort_unstable();
        for (_, path) in files.iter().rev().skip(MOST) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The component at `path`, or `None` where there is none, or where it is not what was stored.
#[allow(unsafe_code, reason = "loading machine code cannot be made safe by types: see the argument below")]
fn load(engine: &wasmtime::Engine, path: &Path) -> Option<Component> {
    if !is_whole(path).ok()? {
        tracing::warn!(path = %path.display(), "the cached component was altered: compiling it anew");
        return None;
    }
    // SAFETY: `deserialize_file` maps the file and runs what is in it, so it must come from `Component::serialize` and not
    // change. It lies in a folder that only this user could ever write to (owner and mode, checked when it was opened),
    // under a name made of the component's digest and the engine's compatibility hash, and is replaced but never written
    // to. Whoever can forge that can already run code as this user; against damage there is the checksum. wasmtime checks
    // its own version and settings once more, and does not read behind the end of its own file, where the checksum is.
    unsafe { Component::deserialize_file(engine, path) }.ok()
}

/// Whether what is in the file has the checksum at its end. Read in pieces that stay in the processor's cache: this is
/// most of what loading takes.
fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let Some(mut left) = file.metadata()?.len().checked_sub(4) else { return Ok(false) };
    let (mut sum, mut piece) = (crc32fast::Hasher::new(), vec![0; 64 << 10]);
    while left > 0 {
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let piece = piece.get_mut(..length).unwrap_or_default();
        file.read_exact(piece)?;
        sum.update(piece);
        left -= length as u64;
    }
    let mut stored = [0; 4];
    file.read_exact(&mut stored)?;
    Ok(sum.finalize().to_le_bytes() == stored)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
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
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let engine = wasmtime::Engine::default();
        compile(&cache, &engine);
        let [path] = &entries(&cache.folder)[..] else { panic!("one entry") };
        assert!(load(&engine, path).is_some());

        let good = fs::read(path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(path, &bad).unwrap();
            assert!(load(&engine, path).is_none(), "byte {at} altered");
        }
        fs::write(path, &good[..20]).unwrap();
        assert!(load(&engine, path).is_none(), "cut short");
        compile(&cache, &engine);
        assert_eq!(fs::read(path).unwrap(), good);
    }

    #[test]
    fn only_the_newest_entries_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let engine = wasmtime::Engine::default();
        let stored = |number: u64| {
            let path = cache.path(&engine, &number.to_string());
            cache.store(&path, b"compiled").unwrap();
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
        Cache::at(path.clone()).unwrap();
        assert_eq!(mode(&path), 0o700);
        // Readable by others: closed. Writable by others: what lies there may be theirs.
        set_mode(&path, 0o755);
        Cache::at(path.clone()).unwrap();
        assert_eq!(mode(&path), 0o700);
        for writable in [0o770, 0o702, 0o777, 0o1777] {
            set_mode(&path, writable);
            assert!(Cache::at(path.clone()).is_err(), "{writable:o}");
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
        assert!(Cache::at(theirs.clone()).is_err());
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
        assert!(Cache::at(link).is_err());
        assert_eq!(fs::metadata(&target).unwrap().permissions(), before);
    }

    #[test]
    fn an_entry_of_other_settings_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let plain = wasmtime::Engine::default();
        let other = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
        compile(&cache, &plain);
        let (path, other_path) = (cache.path(&plain, DIGEST), cache.path(&other, DIGEST));
        assert_ne!(path, other_path);
        // Even under the other's name: wasmtime knows its own settings and version.
        fs::copy(&path, &other_path).unwrap();
        assert!(load(&plain, &path).is_some() && load(&other, &other_path).is_none());
        compile(&cache, &other);
        assert!(load(&other, &other_path).is_some(), "it was compiled anew");
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
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let engine = wasmtime::Engine::default();
        let path = cache.path(&engine, DIGEST);
        let good = Component::new(&engine, EMPTY_COMPONENT).unwrap().serialize().unwrap();
        cache.store(&path, &good).unwrap();
        assert!(load(&engine, &path).is_some(), "what is stored like this is run");
        cache.store(&path, foreign).unwrap();
        assert!(load(&engine, &path).is_none());
        compile(&cache, &engine);
        assert!(load(&engine, &path).is_some(), "it was compiled anew");
        assert_ne!(fs::read(&path).unwrap()[..foreign.len()], *foreign);
    }
}
