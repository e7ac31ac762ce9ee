//! Finds the user's programs on the `PATH`. Owns which of its folders are used: not relative ones, since they would
//! mean the working directory, which may hold anybody's files.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The folders of the `PATH` that are absolute.
fn folders() -> Vec<PathBuf> {
    let all = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&all).filter(|folder| folder.is_absolute()).collect()
}

/// The `PATH` without what is not absolute, for a program that starts others.
pub(crate) fn path() -> OsString {
    env::join_paths(folders()).unwrap_or_default()
}

/// The program of this name.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    folders().into_iter().flat_map(|folder| spellings(folder.join(name))).find(|path| is_program(path))
}

/// On Windows a program is named without its ending.
fn spellings(path: PathBuf) -> Vec<PathBuf> {
    if !cfg!(windows) || path.extension().is_some() {
        return vec![path];
    }
    let endings = env::var("PATHEXT").unwrap_or_else(|_| ".EXE;.CMD;.BAT".to_owned());
    endings.split(';').map(|ending| path.with_extension(ending.trim_start_matches('.'))).collect()
}

/// Whether it can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    return rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file();
    #[cfg(not(unix))]
    return path.is_file();
}
