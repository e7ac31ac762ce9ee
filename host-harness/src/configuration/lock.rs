//! Lets one writer at a time change a file. Owns the lock: a separate file beside it that only this user can open, so
//! that nobody else can hold it. The last writer removes it.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long to wait for other programs that write: `TRIES` times.
const WAIT: Duration = Duration::from_millis(10);
const TRIES: u32 = 3000;

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: fs::File,
    path: PathBuf,
}

impl Drop for Lock {
    /// Before others get the lock: one that waits finds that its file is gone, and makes another.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// Waits until no other program holds the lock of the file `target`, for 30 s at most.
///
/// `None` where files cannot be locked, as on some network file systems.
///
/// # Errors
/// Where the lock's file cannot be made, is not this user's alone, or stays locked: with its path.
pub(crate) async fn lock(target: &Path) -> io::Result<Option<Lock>> {
    within(TRIES, target).await
}

/// Takes away the lock's file of a run that was killed, where there is one.
pub(crate) fn sweep(target: &Path) {
    let path = lock_path(target);
    let left = path.exists().then(|| open(&path).ok()).flatten();
    if let Some(file) = left.filter(|file| file.try_lock().is_ok() && is_at(file, &path)) {
        drop(Lock { file, path });
    }
}

fn lock_path(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".host-lock");
    target.with_file_name(name)
}

async fn within(tries: u32, target: &Path) -> io::Result<Option<Lock>> {
    let path = lock_path(target);
    for _ in 0..tries {
        match open(&path) {
            Ok(file) => match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Some(Lock { file, path })),
                Ok(()) => continue,
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(_)) => {
                    let _ = fs::remove_file(&path);
                    return Ok(None);
                }
            },
            // The administrator's, at work on a user's file.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(WAIT).await;
    }
    let seconds = (WAIT * tries).as_secs();
    let why = format!("another program holds `{}`, and did not end within {seconds} s", path.display());
    Err(io::Error::new(io::ErrorKind::TimedOut, why))
}

/// The lock's file, made where there is none.
fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (found, user) = (file.metadata()?, rustix::process::geteuid());
        // Whoever else can open it could hold it for as long as they like.
        if found.mode() & 0o077 != 0 || found.uid() != user.as_raw() && !user.is_root() {
            let why = format!("others can open `{}`, which locks it: remove that file", path.display());
            return Err(io::Error::other(why));
        }
    }
    Ok(file)
}

/// Whether the file is still the one at `path`: who held it before may have removed it.
fn is_at(file: &fs::File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (open, there) = (file.metadata(), fs::symlink_metadata(path));
        matches!((open, there), (Ok(open), Ok(there)) if (open.dev(), open.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[tokio::test]
    async fn one_holds_it_at_a_time_and_it_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("openclaw.json");
        let held = within(1, &target).await.unwrap().unwrap();
        assert_eq!(fs::metadata(&held.path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = within(3, &target).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains(".openclaw.json.host-lock`"), "{error}");
        // One that waits meanwhile gets another file, and the lock.
        let waiting = open(&held.path).unwrap();
        drop(held);
        assert!(waiting.try_lock().is_ok() && !is_at(&waiting, &folder.path().join(".openclaw.json.host-lock")));
        // A run that is killed leaves its file, and whoever finds nothing to write takes it away.
        drop(within(1, &target).await.unwrap().unwrap());
        fs::write(lock_path(&target), "").unwrap();
        fs::set_permissions(lock_path(&target), fs::Permissions::from_mode(0o600)).unwrap();
        sweep(&target);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// As anyone could who may read the folder, before it was a file that is locked.
    #[tokio::test]
    async fn who_may_read_the_folder_cannot_hold_it() {
        let folder = tempfile::tempdir().unwrap();
        let reader = fs::File::open(folder.path()).unwrap();
        reader.lock().unwrap();
        within(1, &folder.path().join("openclaw.json")).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_file_that_others_can_open_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("a"), folder.path().join(".a.host-lock"));
        fs::write(&path, "").unwrap();
        for mode in [0o644, 0o620, 0o606] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = within(1, &target).await.unwrap_err();
            assert!(error.to_string().contains("remove that file"), "{mode:o}: {error}");
        }
        fs::remove_file(&path).unwrap();
        fs::write(folder.path().join("precious"), "").unwrap();
        symlink("precious", &path).unwrap();
        within(1, &target).await.unwrap_err();
        assert!(folder.path().join("precious").exists());
    }
}
