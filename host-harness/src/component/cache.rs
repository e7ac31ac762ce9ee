//! The user's cache folder. In it compiled components, so that a component is compiled once and then mapped into memory,
//! and small files of others'. Owns where the files are and when one may be trusted. It does not know what a provider is.

use std::{
    fs,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use wasmtime::component::Component;

/// How many files are kept, the newest: some 20 MB of components like ours. Each build of a component leaves one.
const MOST: usize = 32;

/// What their names end with, and what those that are being written begin with.
const ENDING: &str = ".cwasm";
const UNFINISHED: &str = ".unfinished-";

/// A folder of compiled components and small files, private to the user.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: Arc<Folder>,
}

impl Cache {
    /// The user's cache folder; `None` where the system names none, or one in the current folder, or where others may write
    /// to ours.
    pub(crate) fn open() -> Option<Self> {
        use etcetera::BaseStrategy;
        let folder = etcetera::choose_base_strategy().ok()?.cache_dir();
        let folder = folder.is_absolute().then(|| folder.join("host-harness"))?;
        Self::at(&folder).inspect_err(|error| tracing::debug!(%error, "no compilation cache")).ok()
    }

    pub(crate) fn at(folder: &Path) -> io::Result<Self> {
        Ok(Self { folder: Arc::new(Folder::open(folder)?) })
    }

    /// What was compiled of the component with this digest, where it is there and can be trusted.
    pub(crate) fn load(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        load(engine, &self.folder, &name(engine, digest))
    }

    /// Keeps what was compiled of the component with this digest, which is in hexadecimal.
    pub(crate) fn keep(&self, component: &Component, digest: &str) {
        let name = name(component.engine(), digest);
        // A cache that cannot be written costs time, not the call.
        if let Err(error) = component.serialize().and_then(|compiled| Ok(self.store(&name, &compiled)?)) {
            tracing::debug!(%error, "could not cache the compiled component");
        }
    }

    /// The file of this name, where it is there, can be trusted, and has no more bytes than `most`.
    pub(crate) fn read(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.folder.read(name).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes).filter(|bytes| bytes.len() as u64 <= most)
    }

    /// What was compiled, and its checksum.
    fn store(&self, name: &str, compiled: &[u8]) -> io::Result<()> {
        let stored = self.write(name, &[compiled, &crc32fast::hash(compiled).to_le_bytes()]);
        self.prune();
        stored
    }

    /// The parts in a new file that takes its place at once: one that is mapped is never written to.
    pub(crate) fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let unfinished = format!("{UNFINISHED}{}-{:?}", std::process::id(), std::thread::current().id());
        let mut file = self.folder.create(&unfinished)?;
        let mut written = parts.iter().try_for_each(|part| file.write_all(part));
        drop(file);
        written = written.and_then(|()| self.folder.rename(&unfinished, name));
        if written.is_err() {
            let _ = self.folder.remove(&unfinished);
        }
        written
    }

    /// Removes all but the newest of our files: older components, and what a writer that was killed left behind. One that is
    /// mapped stays so, and what another process removes meanwhile is gone.
    fn prune(&self) {
        let mut files = self.folder.files().unwrap_or_default();
        files.retain(|(_, name)| name.ends_with(ENDING) || name.starts_with(UNFINISHED));
        files.sort_unstable();
        for (_, name) in files.iter().rev().skip(MOST) {
            let _ = self.folder.remove(name);
        }
    }
}

/// Named for what went in: the digest of the component's bytes, and the engine's version, settings and target.
fn name(engine: &wasmtime::Engine, digest: &str) -> String {
    let mut settings = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{digest}-{:016x}{ENDING}", settings.finish())
}

/// A folder that is held open: whatever becomes of the path to it, it is the one that was checked.
#[cfg(unix)]
#[derive(Debug)]
struct Folder(std::os::fd::OwnedFd);

#[cfg(unix)]
impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        use rustix::fs::{CWD, Mode, OFlags, fchmod, fstat, openat};
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().mode(0o700).recursive(true).create(path)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = openat(CWD, path, flags, Mode::empty())?;
        let found = fstat(&folder)?;
        // Whoever can write here could have us run what they like, and may have left it here already.
        if !is_ours(&found) {
            return Err(io::Error::other("the cache is a folder that others can write to"));
        }
        fchmod(&folder, Mode::RWXU)?;
        Ok(Self(folder))
    }

    /// A file that nobody else could have put or changed here, also where this folder was another's once.
    fn read(&self, name: &str) -> io::Result<fs::File> {
        use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let found = fstat(&file)?;
        if !FileType::from_raw_mode(found.st_mode).is_file() || !is_ours(&found) || found.st_nlink != 1 {
            return Err(io::Error::other("the cached file is not this user's alone"));
        }
        Ok(file.into())
    }

    fn create(&self, name: &str) -> io::Result<fs::File> {
        use rustix::fs::{Mode, OFlags, openat};
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        // What a process of the same number left when it was killed.
        let _ = self.remove(name);
        Ok(openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    /// The names of what is here, and when each was last written.
    fn files(&self) -> io::Result<Vec<(impl Ord + use<>, String)>> {
        use rustix::fs::{AtFlags, Dir, statat};
        let names =
            Dir::read_from(&self.0)?.flatten().filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        let aged = |name: String| {
            let found = statat(&self.0, &*name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some((found.st_mtime, name))
        };
        Ok(names.filter_map(aged).collect())
    }

    /// A path to what is open, and to nothing else, for as long as it is.
    fn path(&self, _: &str, file: &fs::File) -> PathBuf {
        use std::os::fd::AsRawFd;
        format!("/dev/fd/{}", file.as_raw_fd()).into()
    }
}

/// Whether it belongs to this user, and no other may write to it.
#[cfg(unix)]
fn is_ours(found: &rustix::fs::Stat) -> bool {
    found.st_uid == rustix::process::geteuid().as_raw() && found.st_mode & 0o022 == 0
}

/// A folder in the user's profile, which is the user's alone.
#[cfg(not(unix))]
#[derive(Debug)]
struct Folder(PathBuf);

#[cfg(not(unix))]
impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self(path.to_owned()))
    }

    fn read(&self, name: &str) -> io::Result<fs::File> {
        fs::File::open(self.0.join(name))
    }

    fn create(&self, name: &str) -> io::Result<fs::File> {
        fs::File::create(self.0.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn files(&self) -> io::Result<Vec<(std::time::SystemTime, String)>> {
        let aged = |entry: fs::DirEntry| {
            Some((entry.metadata().ok()?.modified().ok()?, entry.file_name().into_string().ok()?))
        };
        Ok(fs::read_dir(&self.0)?.flatten().filter_map(aged).collect())
    }

    fn path(&self, name: &str, _: &fs::File) -> PathBuf {
        self.0.join(name)
    }
}

/// The component in the file of this name, or `None` where there is none, or where it is not what was stored.
#[allow(unsafe_code, reason = "loading machine code cannot be made safe by types: see the argument below")]
fn load(engine: &wasmtime::Engine, folder: &Folder, name: &str) -> Option<Component> {
    let mut file = folder.read(name).inspect_err(|error| tracing::debug!(%error, "nothing cached")).ok()?;
    if !is_whole(&mut file).ok()? {
        tracing::warn!(name, "the cached component was altered: compiling it anew");
        return None;
    }
    // SAFETY: `deserialize_file` maps the file and runs what is in it, so it must come from `Component::serialize` and not
    // change. The file is open, and so is its folder: both belong to this user, and no other may write to them, as was
    // found of what is open and not of a path, which others may lead elsewhere. It is named for the component's digest and
    // the engine's compatibility hash, and is replaced but never written to. Whoever can forge that can already run code
    // as this user; against damage there is the checksum. wasmtime checks its own version and settings once more, and does
    // not read behind the end of its own file, where the checksum is.
    unsafe { Component::deserialize_file(engine, folder.path(name, &file)) }.ok()
}

/// Whether what is in the file has the checksum at its end. Read in pieces that stay in the processor's cache: this is
/// most of what loading takes.
fn is_whole(file: &mut fs::File) -> io::Result<bool> {
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
mod tests;
