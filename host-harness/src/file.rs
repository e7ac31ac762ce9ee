//! Files that a user names: their paths, and what they hold, read whole and never without end.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

/// What the file at `path` holds: a plain file (or a link to one) of `most` bytes at most. A pipe or a device, which
/// may never end, is not even opened.
///
/// ```
/// let zeros = host_harness::command_line::read_file("/dev/zero".as_ref(), 1 << 20);
/// assert!(zeros.is_err());
/// ```
///
/// # Errors
/// Where it cannot be read, is something else, or is larger.
pub fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let plain = |found: fs::Metadata| match found.is_file() {
        true => Ok(found),
        false if found.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    };
    plain(fs::metadata(path)?)?;
    let mut options = File::options();
    // It may have become a pipe since: what is open is looked at once more, and its opening waits for nobody.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.read(true).open(path)?;
    let found = plain(file.metadata()?)?;
    let mut bytes = Vec::new();
    // One more than it may have tells: the size that was found may not be what comes.
    if found.len() <= most {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    if found.len().max(bytes.len() as u64) > most {
        let most = if most < 1 << 20 { format!("{most} bytes") } else { format!("{} MiB", most >> 20) };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most}")));
    }
    Ok(bytes)
}

/// Without `.` and `..`, which are resolved by the letter.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}
