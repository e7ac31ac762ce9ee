//! The configuration file: OpenClaw's `openclaw.json`, JSON with comments and trailing commas. Owns reading it, and
//! writing it so that nothing is lost: only what changed is touched, in one step, with a backup.

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstNode, CstObject, CstRootNode},
};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A configuration file as it was read, or the empty one where there is none yet.
pub struct ConfigFile {
    path: PathBuf,
    /// `None` where there is no file yet.
    text: Option<String>,
    value: Value,
}

impl fmt::Debug for ConfigFile {
    /// The path alone: the rest may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ConfigFile {
    /// Where OpenClaw keeps it: `$OPENCLAW_CONFIG_PATH`, else `~/.openclaw/openclaw.json`.
    pub fn default_path() -> Option<PathBuf> {
        let named = std::env::var_os("OPENCLAW_CONFIG_PATH").filter(|path| !path.is_empty());
        named.map(PathBuf::from).or_else(|| Some(etcetera::home_dir().ok()?.join(".openclaw/openclaw.json")))
    }

    /// Reads the file; a file that is not there is an empty configuration.
    ///
    /// # Errors
    /// Where it cannot be read, or is not a JSON object: with the place and the reason.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let unreadable = |error: io::Error| {
            Error::config(format!("cannot read the configuration `{}`: {error}", path.display())).source(error)
        };
        let text = match fs::read(&path) {
            Ok(bytes) => Some(
                String::from_utf8(bytes)
                    .map_err(|_| Error::config(format!("the configuration `{}` is not UTF-8 text", path.display())))?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(error)),
        };
        let value = match &text {
            Some(text) if !text.trim_start_matches('\u{feff}').trim().is_empty() => {
                let root = parse(text, &path)?;
                root.to_serde_value().filter(Value::is_object).ok_or_else(|| {
                    Error::config(format!("the configuration `{}` is not a JSON object", path.display()))
                })?
            }
            _ => Value::Object(Map::new()),
        };
        Ok(Self { path, text, value })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The text that [`ConfigFile::save`] would write for `value`.
    ///
    /// # Errors
    /// Where the file's text cannot take the change.
    pub fn text_with(&self, value: &Value) -> Result<String> {
        let text = self.text.as_deref().unwrap_or_default();
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Ok(format!("{value:#}\n"));
        }
        let root = parse(text, &self.path)?;
        if let (Some(object), Some(from), Some(to)) = (root.object_value(), self.value.as_object(), value.as_object()) {
            change(&object, from, to);
        }
        let written = root.to_string();
        // The text is what counts: if it does not say what was meant, it must not be written.
        let reread = parse(&written, &self.path)?.to_serde_value();
        if reread.as_ref() == Some(value) {
            Ok(written)
        } else {
            Err(Error::config(format!("cannot change the configuration `{}` in place", self.path.display()))
                .hint("It may hold a key twice. Mend that, then try again; nothing was written."))
        }
    }

    /// Makes the file hold `value`, and says where the backup of the old one lies. Comments, order and layout of all
    /// that does not change are kept. The file is readable by its owner alone; a file that would not change is left.
    ///
    /// # Errors
    /// Where it cannot be written: the old file is then as it was.
    pub fn save(&mut self, value: &Value) -> Result<Option<PathBuf>> {
        if self.text.is_some() && self.value == *value {
            return Ok(None);
        }
        let text = self.text_with(value)?;
        let backup = self.write(&text).map_err(|error| {
            Error::config(format!("cannot write the configuration `{}`: {error}", self.path.display()))
                .hint("The old file is as it was. Check that its folder exists, is yours, and has space.")
                .source(error)
        })?;
        self.text = Some(text);
        self.value = value.clone();
        Ok(backup)
    }

    /// A new file takes the old one's place at once: at no time is there half a file.
    fn write(&self, text: &str) -> io::Result<Option<PathBuf>> {
        // Through a link, the file that it points to is replaced, and the link stays.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;

        let backup = match &self.text {
            Some(old) => {
                let mut name = target.clone().into_os_string();
                name.push(".bak");
                replace(folder, Path::new(&name), old)?;
                Some(PathBuf::from(name))
            }
            None => None,
        };
        replace(folder, &target, text)?;
        Ok(backup)
    }
}

/// `NamedTempFile` creates its file with mode 0600, which `persist` keeps.
fn replace(folder: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}

fn parse(text: &str, path: &Path) -> Result<CstRootNode> {
    let options = ParseOptions { allow_missing_commas: false, ..ParseOptions::default() };
    CstRootNode::parse(text.trim_start_matches('\u{feff}'), &options).map_err(|error| {
        Error::config(format!("the configuration `{}` is not valid JSON5: {error}", path.display()))
            .hint("Mend that place in the file; nothing was changed.")
    })
}

/// Makes `object`, which holds `from`, hold `to`, touching only what differs.
fn change(object: &CstObject, from: &Map<String, Value>, to: &Map<String, Value>) {
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        if let Some(property) = object.get(name) {
            property.remove();
        }
    }
    for (name, value) in to {
        match (from.get(name), object.get(name)) {
            (Some(old), Some(_)) if old == value => {}
            (Some(Value::Object(old)), Some(property)) if value.is_object() => {
                match (property.value().as_ref().and_then(CstNode::as_object), value.as_object()) {
                    (Some(inner), Some(new)) => change(&inner, old, new),
                    _ => property.set_value(input(value)),
                }
            }
            (_, Some(property)) => property.set_value(input(value)),
            (_, None) => {
                object.append(name, input(value));
            }
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => {
            CstInputValue::Object(fields.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
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

    #[test]
    fn comments_order_and_layout_stay() {
        let text = "\u{feff}// mine\n{\n  z: 1, // last first\n  'models': { \"mode\": \"merge\", },\n  /* b */ \"a\": [1, 2,],\n}\n";
        let (_folder, mut config) = file(text);
        let mut value = config.value().clone();
        assert_eq!(value, json!({"z": 1, "models": {"mode": "merge"}, "a": [1, 2]}));
        value["models"]["providers"] = json!({"portkey": {"baseUrl": "http://x"}});
        value["z"] = json!(2);
        config.save(&value).unwrap();
        let written = fs::read_to_string(config.path()).unwrap();
        for kept in ["// mine", "z: 2, // last first", "'models': {", "/* b */ \"a\": [1, 2,],"] {
            assert!(written.contains(kept), "{kept:?} is not in\n{written}");
        }
        assert_eq!(ConfigFile::open(config.path()).unwrap().value(), &value);
    }

    #[test]
    fn an_unchanged_file_is_left_alone() {
        let (_folder, mut config) = file("{ a : 1 }");
        let value = config.value().clone();
        assert_eq!(config.save(&value).unwrap(), None);
        assert_eq!(fs::read_to_string(config.path()).unwrap(), "{ a : 1 }");
    }

    #[test]
    #[cfg(unix)]
    fn the_new_file_is_private_and_the_old_one_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, mut config) = file("{}");
        let backup = config.save(&json!({"a": 1})).unwrap().unwrap();
        assert_eq!(fs::read_to_string(&backup).unwrap(), "{}");
        for path in [&backup, config.path()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn what_is_not_json5_is_refused_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openclaw.json");
        for (text, place) in [("{\n  \"a\": ,\n}", "line 2"), ("[1]", "not a JSON object"), ("{a:1 b:2}", "line 1")] {
            fs::write(&path, text).unwrap();
            let error = ConfigFile::open(&path).unwrap_err().to_string();
            assert!(error.contains(place), "{text:?} gave {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_never_lost_silently() {
        let (_folder, mut config) = file(r#"{"a": 1, "a": 2}"#);
        let mut value = config.value().clone();
        value["a"] = json!(3);
        if config.save(&value).is_ok() {
            assert_eq!(ConfigFile::open(config.path()).unwrap().value()["a"], 3);
        } else {
            assert_eq!(fs::read_to_string(config.path()).unwrap(), r#"{"a": 1, "a": 2}"#);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_made_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ConfigFile::open(folder.path().join("new/openclaw.json")).unwrap();
        assert_eq!(config.save(&json!({"a": 1})).unwrap(), None);
        assert_eq!(ConfigFile::open(config.path()).unwrap().value(), &json!({"a": 1}));
    }
}
