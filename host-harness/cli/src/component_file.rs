//! Which component is run where no flag names one.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::exit_code::Usage;

/// The component: `given`, else the one beside this program, else the one of the workspace that built this program.
pub(crate) fn find(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let folder = program.parent().unwrap_or(Path::new("."));
    for folder in [folder.to_owned(), folder.with_file_name("wasm32-wasip2").join("component")] {
        let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_provider(path))
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some(path), true) => return Ok(path),
            (Some(_), false) => {
                return Err(Usage(format!(
                    "{} holds several components: name one with --plugin FILE",
                    folder.display()
                ))
                .into());
            }
            (None, _) => {}
        }
    }
    Err(Usage("no component was found: build it with `make build`, or name it with --plugin FILE".into()).into())
}

/// By its name, `...provider.wasm`: beside it may lie components that are none.
fn is_provider(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with("provider.wasm"))
}
