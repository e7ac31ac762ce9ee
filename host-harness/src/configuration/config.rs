//! The configuration file: OpenClaw's `openclaw.json`, which is JSON5. Owns reading it with its includes, and changing
//! it without loss: only changed places are touched, and what another program wrote in the meantime stays.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use boundary::{
    edit::{Refusal, edited},
    json5::{self, Node, place},
};
use serde_json::{Map, Value};

use super::{
    includes::{self, Included},
    lock,
    write::{ATTEMPTS, LARGEST, Update, write},
};
use crate::{
    error::{Error, Result},
    file::read_file,
};

/// A configuration file as it was read, or the empty one where there is none yet.
pub struct ConfigFile {
    path: PathBuf,
    /// The folders besides its own that `$include` may lead to.
    include_roots: Vec<PathBuf>,
    /// `None` where there is no file yet.
    text: Option<String>,
    /// With what it includes.
    value: Value,
    included: Vec<Included>,
}

impl fmt::Debug for ConfigFile {
    /// The path alone: the rest may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ConfigFile {
    /// Reads the file; a file that is not there is an empty configuration.
    ///
    /// # Errors
    /// Where it, or a file that it includes, cannot be read, or it is not a JSON object: with the place and the reason.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path, &[])
    }

    /// The same, where `$include` may lead to `include_roots` too.
    pub fn open_with(path: impl Into<PathBuf>, include_roots: &[PathBuf]) -> Result<Self> {
        let path = path.into();
        match read_file(&path, LARGEST) {
            Ok(bytes) => Self::read(path, include_roots, Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    return Err(Error::config(format!(
                        "the configuration `{}` is a link to a file that is not there",
                        path.display()
                    )));
                }
                Self::read(path, include_roots, None)
            }
            Err(error) => Err(Error::config(format!("cannot read the configuration `{}`: {error}", path.display()))),
        }
    }

    fn read(path: PathBuf, include_roots: &[PathBuf], bytes: Option<Vec<u8>>) -> Result<Self> {
        let text = bytes.map(|bytes| utf8(bytes, &path)).transpose()?;
        let (value, included) = match text.as_deref().map(split_bom) {
            Some((_, json)) if !json.trim().is_empty() => resolve(json, &path, include_roots)?,
            _ => (Value::Object(Map::new()), Vec::new()),
        };
        Ok(Self { path, include_roots: include_roots.to_vec(), text, value, included })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, with what it includes.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The objects in it that include files.
    pub fn included(&self) -> &[Included] {
        &self.included
    }

    /// The text that [`ConfigFile::update`] would write for `value`.
    ///
    /// # Errors
    /// Where the file's text cannot take the change.
    pub fn text_with(&self, value: &Value) -> Result<String> {
        let (bom, json) = split_bom(self.text.as_deref().unwrap_or_default());
        if json.trim().is_empty() {
            return Ok(format!("{value:#}\n"));
        }
        let root = parse(json, &self.path)?;
        let written = edited(json, &root, &self.value, value).map_err(|refusal| self.refused(json, refusal))?;
        // The text is what counts: if it does not say what was meant, it must not be written.
        if resolve(&written, &self.path, &self.include_roots)?.0 == *value {
            return Ok(format!("{bom}{written}"));
        }
        Err(self.unchangeable("its text does not take the change"))
    }

    fn refused(&self, json: &str, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Twice { name, at } => {
                self.unchangeable(&format!("it holds the key `{name}` a second time {}", place(json, at)))
            }
            Refusal::Included { path } => {
                let from = self.included.iter().find(|included| included.path == path);
                let files: Vec<_> =
                    from.iter().flat_map(|included| &included.files).map(|file| file.display().to_string()).collect();
                let files = if files.is_empty() { "other files".to_owned() } else { files.join(" and ") };
                let whose = if path.is_empty() { "all of it".to_owned() } else { format!("`{}`", path.join(".")) };
                Error::config(format!(
                    "cannot change the configuration `{}` in place: {whose} comes from {}, by $include",
                    self.path.display(),
                    files,
                ))
                .hint("Write the provider's entry into that file, or put it into this one in place of the $include; nothing was written.")
            }
        }
    }

    fn unchangeable(&self, why: &str) -> Error {
        Error::config(format!("cannot change the configuration `{}` in place: {why}", self.path.display()))
            .hint("Fix that place in the file, then try again; nothing was written.")
    }

    /// Reads the file anew, and makes it hold what `change` makes of what it holds. Where another program writes the
    /// file in the meantime, that is done again with what it wrote, so `change` may run several times.
    ///
    /// Comments, order and layout of all that does not change are kept. The file is readable by its owner alone; a
    /// file that would not change is left. Through a link, the file that it points to is written.
    ///
    /// # Errors
    /// Those of `change` and of [`ConfigFile::open`], and where the file cannot be written: it is then as it was.
    pub async fn update<E: From<Error>>(
        &mut self,
        change: impl AsyncFn(&Value) -> Result<Value, E>,
    ) -> Result<Update, E> {
        for _ in 0..ATTEMPTS {
            *self = Self::open_with(&self.path, &self.include_roots)?;
            let value = change(&self.value).await?;
            if self.text.is_some() && self.value == value {
                lock::sweep(&fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()));
                return Ok(Update::Unchanged);
            }
            let text = self.text_with(&value)?;
            match write(&self.path, self.text.as_deref(), &text).await {
                Ok(Some(written)) => {
                    (self.text, self.value) = (Some(text), value);
                    return Ok(written);
                }
                Ok(None) => tracing::debug!(path = %self.path.display(), "another program wrote it: merging again"),
                Err(error) => {
                    let message = format!("cannot write the configuration `{}`: {error}", self.path.display());
                    let error = Error::config(message)
                        .hint("The old file is as it was. Check that you may write to it and its folder, and that there is space.");
                    return Err(error.into());
                }
            }
        }
        let message = format!("another program keeps changing the configuration `{}`", self.path.display());
        Err(Error::config(message).hint("Stop it, or try again later; nothing was written.").into())
    }
}

/// The byte order mark that some editors put first, and the rest.
fn split_bom(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches('\u{feff}').len())
}

fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good =
            String::from_utf8_lossy(error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default());
        let place = place(&good, good.len());
        Error::config(format!("the configuration `{}` is not UTF-8 text {place}", path.display()))
            .hint("Save it as UTF-8; nothing was changed.")
    })
}

/// The value of `json` with what it includes: an object.
fn resolve(json: &str, path: &Path, include_roots: &[PathBuf]) -> Result<(Value, Vec<Included>)> {
    let (value, included) = includes::resolve(&parse(json, path)?, path, include_roots)?;
    if value.is_object() { Ok((value, included)) } else { Err(no_object(path)) }
}

fn parse(json: &str, path: &Path) -> Result<Node> {
    let read = json5::parse(json).map_err(|error| {
        let message = format!("the configuration `{}` is not valid JSON5: {}", path.display(), error.in_text(json));
        Error::config(message).hint("Fix that place in the file; nothing was changed.")
    });
    read?.ok_or_else(|| no_object(path))
}

fn no_object(path: &Path) -> Error {
    Error::config(format!("the configuration `{}` is not a JSON object", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, ConfigFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openclaw.json");
        fs::write(&path, text).unwrap();
        let config = ConfigFile::open(&path).unwrap();
        (folder, config)
    }

    async fn save(config: &mut ConfigFile, value: &Value) -> Result<Update> {
        config.update(async |_| Ok(value.clone())).await
    }

    /// A plugin writes its entry under the proper name, whatever that was written as.
    #[test]
    fn what_is_written_in_another_case_is_renamed_in_its_place() {
        let text = "{\n  Acme: { a: 1, /* one */ b: 2 }, // mine\n  'x': { y: 3 /* three */ },\n  ' ACME': {},\n}\n";
        let (_folder, config) = file(text);
        let written = config.text_with(&json!({"acme": {"a": 4, "b": 2}, "X": {"y": 3}})).unwrap();
        assert_eq!(written, "{\n  \"acme\": { a: 4, /* one */ b: 2 }, // mine\n  \"X\": { y: 3 /* three */ },\n}\n");
        let both = config.text_with(&json!({"Acme": {"a": 1, "b": 2}, "acme": {}, "ACME": {}})).unwrap();
        assert!(both.contains("Acme: { a: 1, /* one */ b: 2 }, // mine\n"), "{both}");
    }

    #[tokio::test]
    async fn a_key_that_stands_twice_is_never_lost_silently() {
        let text = "{\n  \"b\": {},\n  \"a\": 1, \"a\": 2\n}";
        let (_folder, mut config) = file(text);
        let error = save(&mut config, &json!({"b": {}, "a": 3})).await.unwrap_err().to_string();
        assert!(error.contains("the key `a` a second time on line 3 column 11"), "{error}");
        assert_eq!(fs::read_to_string(config.path()).unwrap(), text);
        // Another key can still be changed, and both stay.
        save(&mut config, &json!({"b": {"c": 1}, "a": 2})).await.unwrap();
        let written = fs::read_to_string(config.path()).unwrap();
        assert!(written.ends_with("\"a\": 1, \"a\": 2\n}"), "{written}");
    }

    /// What another program writes between reading and writing: it does not lock anything.
    #[tokio::test]
    async fn what_another_program_writes_meanwhile_is_merged_with() {
        let (_folder, mut config) = file("{ a: 1 }");
        let path = config.path().to_owned();
        let runs = std::cell::Cell::new(0);
        let add = async |value: &Value| {
            runs.set(runs.get() + 1);
            if runs.get() == 1 {
                fs::write(&path, "{ a: 1, theirs: 2 } // new").unwrap();
            }
            let mut value = value.clone();
            value["ours"] = json!(3);
            Ok::<_, Error>(value)
        };
        config.update(add).await.unwrap();
        assert_eq!(runs.get(), 2);
        assert_eq!(config.value(), &json!({"a": 1, "theirs": 2, "ours": 3}));
        assert!(fs::read_to_string(&path).unwrap().ends_with("} // new"));

        let always = async |value: &Value| {
            runs.set(runs.get() + 1);
            fs::write(&path, format!("{{ theirs: {} }}", runs.get())).unwrap();
            let mut value = value.clone();
            value["ours"] = json!(4);
            Ok::<_, Error>(value)
        };
        let error = config.update(always).await.unwrap_err();
        assert!(error.to_string().contains("keeps changing"), "{error}");
        assert!(!fs::read_to_string(&path).unwrap().contains("ours"));
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn a_file_of_another_user_stays_theirs_or_is_left_alone() {
        use std::os::unix::fs::{MetadataExt, chown};

        use crate::configuration::write::keep_owner;
        let (folder, mut config) = file("{}");
        // Only the administrator can give a file away; anyone else is refused to.
        if chown(config.path(), Some(12_345), None).is_ok() {
            save(&mut config, &json!({"a": 1})).await.unwrap();
            assert_eq!(fs::metadata(config.path()).unwrap().uid(), 12_345);
        } else {
            let ours = fs::File::open(config.path()).unwrap();
            let error = keep_owner(&ours, &fs::metadata("/").unwrap()).unwrap_err();
            assert!(error.to_string().contains("another user"), "{error}");
        }
        drop(folder);
    }
}
