//! Where OpenClaw keeps its files: which configuration and which `.env` are used, and where `$include` may lead. Owns
//! OpenClaw's rules for `OPENCLAW_HOME`, `OPENCLAW_STATE_DIR`, `OPENCLAW_CONFIG_PATH`, `--profile` and the old names.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{
    dotenv::{self, Variable},
    environment::Environment,
    write::Update,
};
use crate::{
    error::{Error, Result},
    file::normal,
};

const CONFIG: &str = "openclaw.json";
/// The names that OpenClaw had before, which it still reads.
const OLD_CONFIG: &str = "clawdbot.json";
const OLD_STATE: &str = ".clawdbot";

/// Where OpenClaw's files are for this user.
///
/// ```
/// use host_harness::{Environment, openclaw::Locations};
///
/// let environment = Environment::from_iter([("OPENCLAW_STATE_DIR", "/srv/claw")]);
/// let locations = Locations::of(&environment, None).unwrap();
/// assert_eq!(locations.config(), std::path::Path::new("/srv/claw/openclaw.json"));
/// ```
#[derive(Clone, Debug)]
pub struct Locations {
    config: PathBuf,
    include_roots: Vec<PathBuf>,
    dotenv_file: PathBuf,
    dotenv: Vec<Variable>,
}

impl Locations {
    /// Where they are with these variables, and with OpenClaw's `--profile`, which each of the variables goes over.
    ///
    /// # Errors
    /// Where the profile's name cannot be one, a `.env` is there and cannot be read, or there is neither a home folder nor
    /// a variable that names OpenClaw's state or configuration: what stands in the current folder may be anybody's.
    pub fn of(environment: &Environment, profile: Option<&str>) -> Result<Self> {
        let names_a_place =
            ["OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"].iter().any(|name| environment.get(name).is_some());
        if known_home(environment).is_none() && !names_a_place {
            let hint = "Set HOME to a whole path, or OPENCLAW_HOME or OPENCLAW_STATE_DIR.";
            return Err(Error::config("no home folder is known").hint(hint));
        }
        let home = home_folder(environment);
        let profile = profile.map(|profile| profile_folder(&home, profile)).transpose()?;
        let state = environment.get("OPENCLAW_STATE_DIR").map(|given| user_path(&given, &home)).or(profile.clone());
        let state_or_default = state.clone().unwrap_or_else(|| default_state(&home));

        // The `.env` may name the configuration, as any variable.
        let dotenv_file = state_or_default.join(".env");
        let mut dotenv = dotenv::read(&dotenv_file)?;
        if state.as_deref().is_none_or(|state| state == home.join(".openclaw")) {
            dotenv.extend(dotenv::read(&home.join(".config/openclaw/gateway.env"))?);
        }
        let variable =
            |name: &str| environment.get(name).or_else(|| dotenv::get(&dotenv, name).map(|(value, _)| value));

        let config = match (variable("OPENCLAW_CONFIG_PATH"), &profile) {
            (Some(given), _) => user_path(&given, &home),
            (None, Some(_)) => state_or_default.join(CONFIG),
            (None, None) => existing_config(&home, state.as_deref()),
        };
        let include_roots = variable("OPENCLAW_INCLUDE_ROOTS").unwrap_or_default();
        let include_roots = std::env::split_paths(&include_roots)
            .filter_map(|root| Some(root.to_str()?.trim().to_owned()).filter(|root| !root.is_empty()))
            .map(|root| user_path(&root, &home))
            .collect();
        Ok(Self { config, include_roots, dotenv_file, dotenv })
    }

    /// The configuration, which need not exist yet.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The folders that `$include` may lead to besides the configuration's own.
    pub fn include_roots(&self) -> &[PathBuf] {
        &self.include_roots
    }

    /// The `.env` that OpenClaw reads first, which need not exist yet: `~/.openclaw/.env`.
    pub fn dotenv_file(&self) -> &Path {
        &self.dotenv_file
    }

    /// Makes [`dotenv_file`](Self::dotenv_file) set the variable `name`, by the rules for a configuration: for its owner
    /// alone, in one step, with a backup, and all else stays. What this holds is not read anew.
    ///
    /// # Errors
    /// Where it cannot be written, or the value is one that no such file can hold.
    pub async fn set_variable(&self, name: &str, value: &SecretString) -> Result<Update> {
        dotenv::set(&self.dotenv_file, name, value).await
    }
}

/// A path as a user writes it: `~` is the home folder, and a relative one begins in the current folder.
pub(crate) fn user_path(path: &str, home: &Path) -> PathBuf {
    let path = path.trim();
    let expanded = match path.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with(['/', '\\']) => home.join(&rest[1..]),
        _ => PathBuf::from(path),
    };
    normal(&std::path::absolute(&expanded).unwrap_or(expanded))
}

/// The folder that `~` stands for: `OPENCLAW_HOME`, else the user's own, else the root: OpenClaw takes the current one then,
/// which may be anybody's.
pub(crate) fn home_folder(environment: &Environment) -> PathBuf {
    known_home(environment).unwrap_or_else(|| user_path("/", Path::new("/")))
}

fn known_home(environment: &Environment) -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = environment.get(name)?.trim().to_owned();
        (value != "undefined" && value != "null").then_some(value)
    };
    let system = || {
        let given = variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        given.or_else(|| etcetera::home_dir().ok()).filter(|home| home.is_absolute())
    };
    match variable("OPENCLAW_HOME") {
        None => system().map(|home| user_path(&home.to_string_lossy(), Path::new("/"))),
        Some(given) if given == "~" || given.starts_with("~/") || given.starts_with("~\\") => {
            Some(user_path(&given, &system()?))
        }
        Some(given) => Some(user_path(&given, Path::new("."))),
    }
}

/// `~/.openclaw-NAME`; the profile `default` has no name there.
fn profile_folder(home: &Path, profile: &str) -> Result<PathBuf> {
    let profile = profile.trim();
    let is_name = profile.len() <= 64
        && profile.starts_with(|first: char| first.is_ascii_alphanumeric())
        && profile.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    if !is_name {
        return Err(Error::config("this is not a profile name").hint("Use only letters, digits, `_` and `-`."));
    }
    let suffix = if profile.eq_ignore_ascii_case("default") { String::new() } else { format!("-{profile}") };
    Ok(home.join(format!(".openclaw{suffix}")))
}

/// `~/.openclaw`, or the old folder where that alone is there.
fn default_state(home: &Path) -> PathBuf {
    let (new, old) = (home.join(".openclaw"), home.join(OLD_STATE));
    if !new.exists() && old.exists() { old } else { new }
}

/// The configuration that is there, else where it would be made.
fn existing_config(home: &Path, state: Option<&Path>) -> PathBuf {
    let folders = match state {
        Some(state) => vec![state.to_owned()],
        None => vec![default_state(home), home.join(".openclaw"), home.join(OLD_STATE)],
    };
    let mut candidates = folders.iter().flat_map(|folder| [folder.join(CONFIG), folder.join(OLD_CONFIG)]);
    let made = folders.first().map(|folder| folder.join(CONFIG)).unwrap_or_default();
    candidates.find(|candidate| candidate.exists()).unwrap_or(made)
}

impl Environment {
    /// The same, and what it does not set is what OpenClaw's `.env` files set.
    pub fn with_dotenv(mut self, locations: &Locations) -> Self {
        self.dotenv = locations.dotenv.as_slice().into();
        self
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Each row: files that are there, variables, the profile, and the configuration that OpenClaw 2026.9.6 reads.
    #[test]
    fn the_configuration_is_the_one_that_openclaw_reads() {
        type Row<'r> = (&'r [&'r str], &'r [(&'r str, &'r str)], Option<&'r str>, &'r str);
        let rows: &[Row<'_>] = &[
            (&[], &[], None, "H/.openclaw/openclaw.json"),
            (&[".clawdbot/x"], &[], None, "H/.clawdbot/openclaw.json"),
            (&[".clawdbot/clawdbot.json"], &[], None, "H/.clawdbot/clawdbot.json"),
            (&[".clawdbot/clawdbot.json", ".openclaw/x"], &[], None, "H/.clawdbot/clawdbot.json"),
            (&[".openclaw/clawdbot.json"], &[], None, "H/.openclaw/clawdbot.json"),
            (&[".openclaw/clawdbot.json", ".openclaw/openclaw.json"], &[], None, "H/.openclaw/openclaw.json"),
            (&[".openclaw/openclaw.json"], &[("OPENCLAW_STATE_DIR", "~/state")], None, "H/state/openclaw.json"),
            (&["state/clawdbot.json"], &[("OPENCLAW_STATE_DIR", " ~/state ")], None, "H/state/clawdbot.json"),
            (&[".openclaw/openclaw.json"], &[("OPENCLAW_CONFIG_PATH", "~/a/../mine.json5")], None, "H/mine.json5"),
            (&[], &[("OPENCLAW_CONFIG_PATH", "  "), ("OPENCLAW_STATE_DIR", "")], None, "H/.openclaw/openclaw.json"),
            (&[], &[("OPENCLAW_CONFIG_PATH", "/c.json"), ("OPENCLAW_STATE_DIR", "/s")], None, "/c.json"),
            (&[], &[("OPENCLAW_HOME", "~/svc")], None, "H/svc/.openclaw/openclaw.json"),
            (&[], &[("OPENCLAW_HOME", "/srv"), ("OPENCLAW_CONFIG_PATH", "~/c.json")], None, "/srv/c.json"),
            (&[], &[("OPENCLAW_HOME", "undefined")], None, "H/.openclaw/openclaw.json"),
            (&[], &[], Some("work"), "H/.openclaw-work/openclaw.json"),
            (&[".clawdbot/x"], &[], Some("Default"), "H/.openclaw/openclaw.json"),
            (&[], &[("OPENCLAW_STATE_DIR", "/s")], Some("work"), "/s/openclaw.json"),
            (&[], &[("OPENCLAW_CONFIG_PATH", "/c.json")], Some("work"), "/c.json"),
            // The variable alone chooses nothing in OpenClaw: its own flag sets it.
            (&[], &[("OPENCLAW_PROFILE", "work")], None, "H/.openclaw/openclaw.json"),
        ];
        for (files, variables, profile, expected) in rows {
            let home = tempfile::tempdir().unwrap();
            for file in *files {
                fs::create_dir_all(home.path().join(file).parent().unwrap()).unwrap();
                fs::write(home.path().join(file), "{}").unwrap();
            }
            let root = home.path().to_str().unwrap().to_owned();
            let set = [("HOME", root.as_str())].into_iter().chain(variables.iter().copied());
            let found = Locations::of(&Environment::from_iter(set), *profile).unwrap();
            let expected = expected.replacen("H/", &format!("{root}/"), 1);
            assert_eq!(found.config(), Path::new(&expected), "{files:?} {variables:?} {profile:?}");
        }
        assert!(Locations::of(&Environment::process(), Some("a/b")).is_err());
    }

    /// What stands in the current folder may be anybody's.
    #[test]
    fn a_home_that_is_no_whole_path_is_none() {
        let with = |home: &'static str, state: Option<&'static str>| {
            let set = state.map(|state| ("OPENCLAW_STATE_DIR", state)).into_iter().chain([("HOME", home)]);
            Locations::of(&Environment::from_iter(set), None)
        };
        for home in [".", "a/b", "./c"] {
            assert!(with(home, None).unwrap_err().to_string().contains("no home folder is known"), "{home}");
            assert_eq!(with(home, Some("/s")).unwrap().config(), Path::new("/s/openclaw.json"));
        }
    }

    #[test]
    fn the_env_file_may_name_the_configuration_and_the_roots() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".openclaw")).unwrap();
        let text = "OPENCLAW_CONFIG_PATH=~/c.json\nOPENCLAW_INCLUDE_ROOTS=/a: ~/b :\n";
        fs::write(home.path().join(".openclaw/.env"), text).unwrap();
        let root = home.path().to_str().unwrap().to_owned();
        let environment = Environment::from_iter([("HOME", root)]);
        let found = Locations::of(&environment, None).unwrap();
        assert_eq!(found.config(), home.path().join("c.json"));
        assert_eq!(found.include_roots(), [PathBuf::from("/a"), home.path().join("b")]);
    }
}
