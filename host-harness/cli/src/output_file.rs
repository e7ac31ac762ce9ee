//! `--output FILE`: writes a result to a file, whole or not at all. An existing file is replaced.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::exit_code::Usage;

/// A file that can be written to, as far as that is known beforehand.
pub(crate) struct Output {
    path: PathBuf,
    /// What is no ordinary file, such as a pipe or a terminal, is written into as it stands.
    is_special: bool,
}

impl Output {
    /// # Errors
    /// Where it is a terminal or a folder, or its folder is not there or cannot be written into.
    pub(crate) fn new(path: &Path) -> Result<Self, Usage> {
        let wrong = |error: io::Error| cannot(path, &error);
        if path == Path::new("-") {
            return Err(wrong(io::Error::other("give ./- for a file of that name, or /dev/stdout")));
        }
        // Through a link, the file that it points to is written.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() {
            return Err(wrong(io::Error::other("it is a folder")));
        }
        if is_terminal(path) {
            return Err(wrong(io::Error::other("it is a terminal, which what is written could steer: name a file")));
        }
        let is_special = path.exists() && !path.is_file();
        if !is_special {
            if fs::metadata(path).is_ok_and(|file| file.permissions().readonly()) {
                return Err(wrong(io::Error::other("it is read-only")));
            }
            let folder = folder(path);
            if !folder.is_dir() {
                return Err(wrong(io::Error::other(format!("there is no folder `{}`", folder.display()))));
            }
            unfinished(path).map_err(wrong)?;
        }
        Ok(Self { path: path.clone(), is_special })
    }

    /// Writes it. Nobody sees half of it.
    pub(crate) fn write(&self, text: &str) -> anyhow::Result<()> {
        let mut file = self.begin()?;
        file.write(text.as_bytes())?;
        file.finish()
    }

    /// Begins to write it, piece by piece. Nobody sees it before it is whole.
    pub(crate) fn begin(&self) -> anyhow::Result<Begun<'_>> {
        let file = if self.is_special {
            fs::File::options().write(true).open(&self.path).map(Place::Special)
        } else {
            unfinished(&self.path).map(Place::Beside)
        };
        Ok(Begun { path: &self.path, file: file.map_err(|error| unwritten(&self.path, error))? })
    }
}

/// A result that is being written. Dropped before its end, it leaves nothing behind.
pub(crate) struct Begun<'o> {
    path: &'o Path,
    file: Place,
}

enum Place {
    /// A new file, which takes the place of the other in the end.
    Beside(tempfile::NamedTempFile),
    Special(fs::File),
}

impl Begun<'_> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = match &mut self.file {
            Place::Beside(file) => file.write_all(bytes),
            Place::Special(file) => file.write_all(bytes),
        };
        written.map_err(|error| unwritten(self.path, error))
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let finish = || match self.file {
            Place::Special(_) => Ok(()),
            Place::Beside(file) => {
                if let Ok(old) = fs::metadata(self.path) {
                    file.as_file().set_permissions(readers(&old))?;
                }
                file.persist(self.path).map(drop).map_err(|error| error.error)
            }
        };
        finish().map_err(|error| unwritten(self.path, error))
    }
}

/// Who may read and write the old file, and nothing else of its mode: it may be another user's, and a program that runs with
/// the rights of its owner. What a server says would then run with those of whoever wrote it down.
fn readers(old: &fs::Metadata) -> fs::Permissions {
    #[allow(unused_mut, reason = "it has but one bit on other systems")]
    let mut permissions = old.permissions();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        permissions.set_mode(permissions.mode() & 0o777);
    }
    permissions
}

/// Whether it is a terminal, by whatever name. A pipe is not opened for it, since that may wait for its reader.
fn is_terminal(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::{io::IsTerminal, os::unix::fs::FileTypeExt};
        let is_device = fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device());
        is_device && fs::File::options().write(true).open(path).is_ok_and(|file| file.is_terminal())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn unwritten(path: &Path, error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()))
}

fn cannot(path: &Path, error: &io::Error) -> Usage {
    Usage(format!("cannot write to `{}`: {error}", path.display()))
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file beside it, which goes away by itself.
pub(crate) fn unfinished(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = folder(path);
    let mut builder = &mut tempfile::Builder::new();
    // Like any other file that a program writes, for whoever the user's umask lets read it; a temporary one is private.
    #[cfg(unix)]
    {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder = builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
