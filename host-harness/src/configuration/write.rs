//! Writing a file of the user's without loss: in one step, with a backup, and never over what another program wrote in the
//! meantime.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::lock;
use crate::file::read_file;

/// The largest file that is read to be written, in bytes. Real configurations are a thousandth of it.
pub(super) const LARGEST: u64 = 8 << 20;

/// How often a change is made anew because another program changed the file first. Each time, one of them gets on.
pub(super) const ATTEMPTS: u32 = 100;

/// What [`ConfigFile::update`](crate::ConfigFile::update) did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The file held it all already, and was left alone.
    Unchanged,
    /// The file holds the new configuration.
    Written {
        /// Where the old file lies, if there was one.
        backup: Option<PathBuf>,
    },
}

/// Puts `text` into the file at `path`, which held `read`. A new file takes the old one's place at once: at no time is
/// there half a file. `None` where the file is no longer what was read.
pub(super) async fn write(path: &Path, read: Option<&str>, text: &str) -> io::Result<Option<Update>> {
    // Through a link, the file that it points to is replaced, and the link stays.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder)?;
    let lock = lock::lock(&target).await?;

    let old = match read_file(&target, LARGEST) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if old.as_deref() != read.map(str::as_bytes) {
        return Ok(None);
    }
    let writer = Writer::new(&target, folder)?;
    if lock.is_some() {
        writer.sweep();
    }
    let backup = old.map(|old| writer.back_up(&target, &old)).transpose()?;
    writer.replace(&target, text.as_bytes())?;
    Ok(Some(Update::Written { backup }))
}

/// Makes the folder where there is none, for this user alone.
fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Puts new files in the place of old ones, as their owner's.
struct Writer<'a> {
    folder: &'a Path,
    /// What the names of files that are not finished begin with.
    unfinished: String,
    /// The file as it is.
    old: Option<fs::Metadata>,
}

impl<'a> Writer<'a> {
    fn new(target: &Path, folder: &'a Path) -> io::Result<Self> {
        let old = fs::metadata(target).ok();
        // To take its place needs no leave of the file's, but whoever took the right to write away meant it.
        if old.as_ref().is_some_and(|old| old.permissions().readonly()) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self { folder, unfinished: format!(".{name}.host-harness-"), old })
    }

    /// Takes away what a run that was killed left.
    fn sweep(&self) {
        for entry in fs::read_dir(self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.unfinished) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Keeps the old file under a number of its own, so that none is lost: `openclaw.json.bak-1` is the oldest. OpenClaw
    /// has names like `openclaw.json.bak` for its own backups, and lets them rotate. What the last one holds is not kept
    /// twice.
    fn back_up(&self, target: &Path, old: &[u8]) -> io::Result<PathBuf> {
        let name = |number: u32| {
            let mut name = target.to_owned().into_os_string();
            name.push(format!(".bak-{number}"));
            PathBuf::from(name)
        };
        let mut file = self.unfinished(old)?;
        for number in 1_u32.. {
            let last = name(number - 1);
            if !name(number).exists() && read_file(&last, LARGEST).is_ok_and(|kept| kept == old) {
                return Ok(last);
            }
            match file.persist_noclobber(name(number)) {
                Ok(_) => return Ok(name(number)),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(error.error),
            }
        }
        Err(io::Error::other("there is no number left for a backup"))
    }

    /// A new file beside the target, for its owner alone: it is made with mode 0600, which it keeps under its last name.
    fn unfinished(&self, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix(&self.unfinished).tempfile_in(self.folder)?;
        #[cfg(unix)]
        if let Some(old) = &self.old {
            keep_owner(file.as_file(), old)?;
        }
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn replace(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        use io::ErrorKind::{CrossesDevices, ResourceBusy};
        match self.unfinished(bytes)?.persist(target) {
            Err(failed) if matches!(failed.error.kind(), ResourceBusy | CrossesDevices) => overwrite(target, bytes),
            persisted => Ok(persisted.map(drop)?),
        }
    }
}

/// Writes a file that cannot be replaced: one that is a mount of its own, as in a container. Its backup is there by then.
fn overwrite(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let put = |bytes: &[u8]| {
        let mut file = fs::File::options().write(true).open(target)?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()
    };
    let old = fs::read(target)?;
    #[cfg(unix)]
    keep_from_others(target)?;
    put(bytes).map_err(|error| {
        // What was there comes back, as far as it can.
        let _ = put(&old);
        io::Error::new(error.kind(), format!("it is a mount of its own, and cannot be written over ({error})"))
    })
}

/// Takes the rights of all but the owner away, before a key is written.
#[cfg(unix)]
fn keep_from_others(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(file, fs::Permissions::from_mode(mode & 0o700)).map_err(|error| {
        io::Error::new(error.kind(), format!("others have rights to it, which cannot be taken ({error})"))
    })
}

/// The administrator may change a user's configuration, and the user must be able to read it afterwards.
#[cfg(unix)]
pub(super) fn keep_owner(file: &fs::File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    if file.metadata()?.uid() == old.uid() {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
        .map_err(|error| io::Error::new(error.kind(), format!("it belongs to another user ({error})")))
}
