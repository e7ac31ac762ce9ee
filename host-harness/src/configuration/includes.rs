//! `$include` in OpenClaw's configuration: reads the included files as OpenClaw does, with its limits.

use std::{
    fs,
    path::{Path, PathBuf},
};

use boundary::{
    edit::INCLUDE,
    json5::{self, Kind, Node},
};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result, shortened},
    file::{normal, read_file},
};

// OpenClaw's limits.
const MAX_DEPTH: usize = 10;
const MAX_FILE: u64 = 2 << 20;
const MAX_PATH: usize = 4096;
/// What may be included in all, where each file counts as a page at least. OpenClaw has no such limit: ten files that include
/// the next one many times each would be read for ever.
const MAX_ALL: usize = 16 << 20;
const PAGE: usize = 4 << 10;

/// An object that includes files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// The names that lead to the object.
    pub path: Vec<String>,
    /// The files, in order.
    pub files: Vec<PathBuf>,
}

/// The value of `root`, which stands in the file `config`, with what it includes.
///
/// # Errors
/// What OpenClaw refuses: a file that is missing, lies outside of the configuration's folder and `roots`, is too large or
/// no JSON5, includes itself, or goes too deep.
pub(crate) fn resolve(root: &Node, config: &Path, roots: &[PathBuf]) -> Result<(Value, Vec<Included>)> {
    let config = normal(&std::path::absolute(config).unwrap_or_else(|_| config.to_owned()));
    let own = config.parent().unwrap_or(Path::new("/")).to_owned();
    let real = |root: &Path| fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let roots = std::iter::once(&own).chain(roots).map(|root| (normal(root), real(root))).collect();
    let mut reader = Reader { config: config.clone(), roots, path: Vec::new(), found: Vec::new(), left: MAX_ALL };
    let value = reader.value(root, &[config])?;
    Ok((value, reader.found))
}

struct Reader {
    config: PathBuf,
    /// Where files may lie: by the letter, and in truth.
    roots: Vec<(PathBuf, PathBuf)>,
    /// The names that lead to what is read: written out for each value, a long one would be there once more for all below it.
    path: Vec<String>,
    found: Vec<Included>,
    /// How much may still be included, in bytes.
    left: usize,
}

impl Reader {
    /// `files` are those that were opened on the way here, the last one being that which holds `node`.
    fn value(&mut self, node: &Node, files: &[PathBuf]) -> Result<Value> {
        match &node.kind {
            Kind::Scalar(value) => Ok(value.clone()),
            Kind::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(at, item)| self.below(at.to_string(), item, files)).collect()
            }
            Kind::Object(members) => {
                let included = match node.get(INCLUDE) {
                    Some(include) => Some(self.included(&include.value.value(), files)?),
                    None => None,
                };
                let mut own = Map::new();
                let named = json5::by_name(members);
                for member in members.iter().filter(|member| member.name != INCLUDE) {
                    // Of several of one name the last counts, and the others' files are not looked at.
                    let last = named.get(&*member.name).and_then(|all| all.last());
                    if last.is_some_and(|last| last.name_range != member.name_range) {
                        continue;
                    }
                    own.insert(member.name.clone(), self.below(member.name.clone(), &member.value, files)?);
                }
                match included {
                    None => Ok(own.into()),
                    Some(included) if own.is_empty() => Ok(included),
                    Some(included @ Value::Object(_)) => Ok(merged(included, own.into())),
                    Some(_) => Err(self.refuse("other keys beside it need it to be an object")),
                }
            }
        }
    }

    /// The value of a member, or of an item.
    fn below(&mut self, name: String, node: &Node, files: &[PathBuf]) -> Result<Value> {
        self.path.push(name);
        let value = self.value(node, files)?;
        self.path.pop();
        Ok(value)
    }

    fn included(&mut self, include: &Value, files: &[PathBuf]) -> Result<Value> {
        let is_text = "is neither a file's name nor a list of such";
        let (names, is_list) = match include {
            Value::String(name) => (vec![name.clone()], false),
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
                (names.ok_or_else(|| self.refuse(is_text))?, true)
            }
            _ => return Err(self.refuse(is_text)),
        };
        // It is kept for each.
        if self.path.iter().map(String::len).sum::<usize>() > MAX_PATH {
            return Err(self.refuse("stands below a name that is too long"));
        }
        let mut value = Value::Object(Map::new());
        let mut opened = Vec::new();
        for name in &names {
            let (file, read) = self.file(name, files)?;
            opened.push(file);
            value = if is_list { merged(value, read) } else { read };
        }
        self.found.push(Included { path: self.path.clone(), files: opened });
        Ok(value)
    }

    fn file(&mut self, name: &str, files: &[PathBuf]) -> Result<(PathBuf, Value)> {
        let refuse = |why: String| self.refuse(&why);
        if name.contains('\0') {
            return Err(refuse("its name holds a zero byte".into()));
        }
        let folder = files.last().and_then(|file| file.parent()).unwrap_or(Path::new("/"));
        let file = normal(&folder.join(name));
        if name.len() >= MAX_PATH || file.as_os_str().len() >= MAX_PATH {
            return Err(refuse(format!("its name is {MAX_PATH} bytes or longer")));
        }
        let shown = file.display();
        let outside = |what: &str| {
            refuse(format!("`{shown}` {what} the configuration's folder"))
                .hint("Move the file there, or name its folder in OPENCLAW_INCLUDE_ROOTS.")
        };
        if !self.roots.iter().any(|(root, _)| file.starts_with(root)) {
            return Err(outside("lies outside of"));
        }
        if let Ok(real) = fs::canonicalize(&file)
            && !self.roots.iter().any(|(_, root)| real.starts_with(root))
        {
            return Err(outside("is a link that leads out of"));
        }
        if files.contains(&file) {
            return Err(refuse(format!("`{shown}` includes itself, through whatever lies between")));
        }
        if files.len() > MAX_DEPTH {
            return Err(refuse(format!("`{shown}` is more than {MAX_DEPTH} files deep")));
        }
        #[cfg(unix)]
        if fs::metadata(&file).is_ok_and(|found| found.is_file() && std::os::unix::fs::MetadataExt::nlink(&found) > 1) {
            return Err(refuse(format!("`{shown}` has a second name (a hard link), which OpenClaw does not take")));
        }
        let bytes = read_file(&file, MAX_FILE).map_err(|error| refuse(format!("`{shown}` cannot be read: {error}")))?;
        self.left = self.left.checked_sub(bytes.len().max(PAGE)).ok_or_else(|| {
            self.refuse(&format!("more than {} MiB are included, each file as often as it is", MAX_ALL >> 20))
        })?;
        let refuse = |why: String| self.refuse(&why);
        let text = String::from_utf8(bytes).map_err(|_| refuse(format!("`{shown}` is not UTF-8 text")))?;
        let node = json5::parse(&text)
            .map_err(|error| refuse(format!("`{shown}` is not valid JSON5: {}", error.in_text(&text))))?
            .ok_or_else(|| refuse(format!("`{shown}` holds no value")))?;
        let value = self.value(&node, &[files, std::slice::from_ref(&file)].concat())?;
        Ok((file, value))
    }

    fn refuse(&self, why: &str) -> Error {
        let place = [&*self.path, &[INCLUDE.to_owned()]].concat().join(".");
        Error::config(format!("the configuration `{}`, {}: {why}", self.config.display(), shortened(&place)))
            .hint("Fix it there: nothing is sent or written without the included file.")
    }
}

/// `over` laid over `base`: objects are joined, lists too, and of all else `over` counts.
fn merged(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            for (name, value) in over {
                let value = match base.get_mut(&name) {
                    Some(old) => merged(old.take(), value),
                    None => value,
                };
                base.insert(name, value);
            }
            base.into()
        }
        (Value::Array(mut base), Value::Array(over)) => {
            base.extend(over);
            base.into()
        }
        (_, over) => over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<(Value, Vec<Included>)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        }
        let config = folder.path().join("openclaw.json");
        let text = fs::read_to_string(&config).unwrap();
        resolve(&json5::parse(&text).unwrap().unwrap(), &config, &[])
    }

    #[test]
    fn what_is_included_counts_as_in_openclaw() {
        for (files, value) in [
            (
                &[("openclaw.json", "{m: {$include: './m.json5'}}"), ("m.json5", "{/* a */ a: .5}")][..],
                json!({"m": {"a": 0.5}}),
            ),
            (&[("openclaw.json", "{\"m\": {\"$include\": \"sub/m.json\"}}"), ("sub/m.json", "[1]")], json!({"m": [1]})),
            (
                &[
                    ("openclaw.json", "{a: {z: 1, $include: 'm.json', l: [2], o: {y: 2}}}"),
                    ("m.json", "{l: [1], o: {x: 1}, z: 0}"),
                ],
                json!({"a": {"l": [1, 2], "o": {"x": 1, "y": 2}, "z": 1}}),
            ),
            (
                &[
                    ("openclaw.json", "{$include: ['a.json', 'b.json']}"),
                    ("a.json", "{a: 1, l: [1]}"),
                    ("b.json", "{a: 2, l: [2]}"),
                ],
                json!({"a": 2, "l": [1, 2]}),
            ),
            (
                &[
                    ("openclaw.json", "{a: {$include: 's/a.json'}}"),
                    ("s/a.json", "{b: {$include: 'b.json'}}"),
                    ("s/b.json", "1"),
                ],
                json!({"a": {"b": 1}}),
            ),
            (&[("openclaw.json", "{l: [{$include: 'a.json'}, 2]}"), ("a.json", "1")], json!({"l": [1, 2]})),
            (&[("openclaw.json", "{a: {$include: []}}")], json!({"a": {}})),
            (&[("openclaw.json", "{a: {$include: 'no.json'}, a: 1}")], json!({"a": 1})),
        ] {
            let (found, _) = read(files).unwrap_or_else(|error| panic!("{files:?}: {error}"));
            assert_eq!(found, value, "{files:?}");
        }
        let (_, included) = read(&[("openclaw.json", "{m: {$include: 'm.json'}}"), ("m.json", "{}")]).unwrap();
        assert_eq!((&*included[0].path, included[0].files.len()), (&["m".to_owned()][..], 1));
    }

    #[test]
    fn what_openclaw_refuses_is_refused_by_name() {
        let chain: Vec<_> =
            (0..12).map(|at| (format!("{at}.json"), format!("{{$include: '{}.json'}}", at + 1))).collect();
        let mut deep: Vec<_> = chain.iter().map(|(name, text)| (&**name, &**text)).collect();
        deep.push(("openclaw.json", "{$include: '0.json'}"));
        let long = format!("{{$include: '{}'}}", "a".repeat(5000));
        let large = format!("'{}'", "a".repeat(2 << 20));
        for (files, why) in [
            (&[("openclaw.json", "{a: {b: {$include: 'no.json'}}}")][..], "a.b.$include: "),
            (&[("openclaw.json", "{$include: '../no.json'}")], "outside"),
            (&[("openclaw.json", "{$include: '/etc/hostname'}")], "outside"),
            (
                &[("openclaw.json", "{$include: 'a.json'}"), ("a.json", "{$include: './openclaw.json'}")],
                "includes itself",
            ),
            (&[("openclaw.json", "{$include: 7}")], "neither"),
            (&[("openclaw.json", "{$include: ['a.json', 7]}")], "neither"),
            (&[("openclaw.json", "{$include: 'a.json', x: 1}"), ("a.json", "[]")], "need it to be an object"),
            (&[("openclaw.json", "{$include: 'a.json'}"), ("a.json", "{a: }")], "line 1 column 5"),
            (&[("openclaw.json", "{$include: 'a.json'}"), ("a.json", "")], "holds no value"),
            (&[("openclaw.json", "{$include: 'a.json'}"), ("a.json", &large)], "larger than 2 MiB"),
            (&[("openclaw.json", &long)], "4096"),
            (&[("openclaw.json", "{$include: 'a\\0'}")], "zero byte"),
            (&deep, "10 files deep"),
        ] {
            let error = read(files).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }

    /// Ten small files, each of which includes the next many times.
    #[test]
    fn files_that_multiply_are_given_up() {
        let names: Vec<String> = (0..10).map(|number| format!("{number}.json")).collect();
        let bomb = |times: usize, last: &str| {
            let including = |name: &String| format!("{{$include: [{}]}}", format!("'{name}',").repeat(times));
            let mut texts: Vec<String> = names.iter().map(including).collect();
            texts.push(last.to_owned());
            let paths = std::iter::once("openclaw.json").chain(names.iter().map(String::as_str));
            let files: Vec<_> = paths.zip(texts.iter().map(String::as_str)).collect();
            read(&files)
        };
        assert_eq!(bomb(1, "{a: [1]}").unwrap().0, json!({"a": [1]}));
        assert_eq!(bomb(2, "{a: [1]}").unwrap().0["a"].as_array().unwrap().len(), 1024);
        for times in [3, 300] {
            let error = bomb(times, "{a: [1]}").unwrap_err().to_string();
            assert!(error.contains("more than 16 MiB are included"), "{times}: {error}");
        }
    }

    /// Where the way to each value is written out, this takes minutes.
    #[test]
    fn members_below_a_long_name_are_read_once() {
        let members: String = (0..100_000).map(|number| format!("a{number}:1,")).collect();
        let (value, _) = read(&[("openclaw.json", &format!("{{{}:{{{members}}}}}", "x".repeat(4 << 20)))]).unwrap();
        assert_eq!(value.as_object().unwrap().values().next().unwrap().as_object().unwrap().len(), 100_000);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_out_of_the_folder_is_refused_and_another_root_is_allowed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("a.json"), "{a: 1}").unwrap();
        let config = folder.path().join("openclaw.json");
        let link = folder.path().join("a.json");
        std::os::unix::fs::symlink(other.path().join("a.json"), &link).unwrap();
        let node = json5::parse("{$include: 'a.json'}").unwrap().unwrap();
        assert!(resolve(&node, &config, &[]).unwrap_err().to_string().contains("leads out of"));
        let roots = [other.path().to_owned()];
        assert_eq!(resolve(&node, &config, &roots).unwrap().0, json!({"a": 1}));
        fs::remove_file(&link).unwrap();
        fs::write(folder.path().join("b.json"), "1").unwrap();
        fs::hard_link(folder.path().join("b.json"), &link).unwrap();
        assert!(resolve(&node, &config, &roots).unwrap_err().to_string().contains("hard link"));
    }
}
