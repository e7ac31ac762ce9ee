//! Looks up names in the environment, OpenClaw's `.env` and the configuration's `env` block. Owns the value of a
//! `${NAME}`.

use std::{cell::Cell, collections::HashMap, fmt, path::PathBuf, sync::Arc};

use boundary::references::{Piece, pieces};
use secrecy::SecretString;
use serde_json::Value;

use super::dotenv::{self, Variable};
use crate::{
    error::{Error, Result},
    types::ErrorKind,
};

/// Looks up an environment variable. A library reads no environment unless it is told to: see [`Environment::process`].
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    /// What OpenClaw's `.env` files set.
    pub(super) dotenv: Arc<[Variable]>,
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// Nothing is set.
    pub fn empty() -> Self {
        Self::from_fn(|_| None)
    }

    /// The variables of this process.
    pub fn process() -> Self {
        // What is not UTF-8 is there all the same: whoever reads it says what is wrong with it.
        Self::from_fn(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    /// Whatever `lookup` answers: a vault, a map.
    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), dotenv: Arc::default() }
    }

    /// The variable, from wherever it is set.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.own(name).or_else(|| self.of_file(name).map(|(value, _)| value))
    }

    /// The variable of the environment itself.
    pub(super) fn own(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The variable of a `.env` file, and which file.
    pub(super) fn of_file(&self, name: &str) -> Option<(String, PathBuf)> {
        dotenv::get(&self.dotenv, name)
    }
}

/// These variables, by name.
impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables: HashMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self::from_fn(move |name| variables.get(name).cloned())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(..)")
    }
}

/// Where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Given by the caller: a command-line flag, or an embedder's own store.
    Given,
    /// This environment variable.
    Environment(String),
    /// This variable of a `.env` file of OpenClaw's.
    DotEnv {
        /// The variable.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// This place in the configuration.
    Configuration(String),
    /// The system's keyring.
    Keyring,
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the command line"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::DotEnv { name, file } => write!(f, "{name} in {}", file.display()),
            Self::Configuration(path) => write!(f, "the configuration, {path}"),
            Self::Keyring => f.write_str("the system keyring"),
        }
    }
}

/// How often a variable of the block may refer to another.
const MAX_DEPTH: usize = 8;
/// How much may be read in all, in bytes, and how many of these a reference stands for beside its value: a variable that
/// refers to many, which refer to many, is no end of work, and neither are many texts that refer to a long one.
const MAX_BYTES: usize = 4 << 20;
const BYTES_EACH: usize = 64;

/// What the texts of one configuration may refer to.
pub(crate) struct References<'a> {
    pub(crate) environment: &'a Environment,
    /// Its `env` block comes last.
    pub(crate) config: &'a Value,
    /// How many bytes may still be read; `None` once there were more.
    left: Cell<Option<usize>>,
}

impl<'a> References<'a> {
    pub(crate) fn new(environment: &'a Environment, config: &'a Value) -> Self {
        Self { environment, config, left: Cell::new(Some(MAX_BYTES)) }
    }

    /// The text with each `${NAME}` replaced: from the environment, a `.env` of OpenClaw's, the configuration's `env` block.
    ///
    /// # Errors
    /// Where a name is set nowhere, or too much was read: `missing-credential`, with the name.
    pub(crate) fn resolve(&self, text: &str) -> Result<SecretString> {
        Ok(expanded(text, |name| self.found(name))?.into())
    }

    /// The same for one name.
    pub(super) fn found(&self, name: &str) -> Result<String> {
        self.value(name, MAX_DEPTH).ok_or_else(|| self.missing(name))
    }

    /// What a `${NAME}` is read from, in words for people.
    pub(super) fn whence(&self, name: &str) -> String {
        match (self.environment.own(name), self.environment.of_file(name), self.of_block(name)) {
            (None, Some((_, file)), _) => CredentialSource::DotEnv { name: name.to_owned(), file }.to_string(),
            (None, None, Some((_, path))) => path,
            _ => CredentialSource::Environment(name.to_owned()).to_string(),
        }
    }

    /// `env.vars.NAME` of the configuration, or `env.NAME`, as OpenClaw had it before, and which of the two. What it
    /// refers to may be in the block too.
    pub(super) fn of_block(&self, name: &str) -> Option<(String, String)> {
        self.of_block_within(name, MAX_DEPTH)
    }

    fn of_block_within(&self, name: &str, depth: usize) -> Option<(String, String)> {
        let (value, path) = block_value(self.config, name)?;
        let inner = |name: &str| self.value(name, depth.checked_sub(1)?);
        Some((expanded(text_of(value)?, |name| inner(name).ok_or(())).ok()?, path))
    }

    /// The variable, from wherever it is set.
    fn value(&self, name: &str, depth: usize) -> Option<String> {
        let value = self.environment.get(name).or_else(|| Some(self.of_block_within(name, depth)?.0))?;
        let left = self.left.get().and_then(|left| left.checked_sub(value.len() + BYTES_EACH));
        self.left.set(left);
        left.map(|_| value)
    }

    /// Why there is no value.
    fn missing(&self, name: &str) -> Error {
        let (why, hint) = match block_value(self.config, name) {
            _ if self.left.get().is_none() => (
                format!("and all that is referred to is over {} MiB", MAX_BYTES >> 20),
                "Refer to less, less often, and not to variables that refer to many others.".to_owned(),
            ),
            Some((value, path)) if !value.is_string() && !value.is_null() => {
                (format!("and {path} is not a text"), "Write its value in quotes.".to_owned())
            }
            Some((value, path)) if text_of(value).is_some() => (
                format!("and {path} refers to what is not set, to itself, or through more than {MAX_DEPTH} others"),
                "Write it there as a text without references, or set the environment variable.".to_owned(),
            ),
            _ => (
                "which is not set".to_owned(),
                format!(
                    "Set the environment variable {name}, or put it in ~/.openclaw/.env or the configuration's `env` block."
                ),
            ),
        };
        Error::host(ErrorKind::MissingCredential, format!("the configuration refers to ${{{name}}}, {why}")).hint(hint)
    }
}

/// The variable as it stands in the block, and where.
fn block_value<'c>(config: &'c Value, name: &str) -> Option<(&'c Value, String)> {
    let env = config.get("env")?;
    let short = env.get(name).map(|value| (value, format!("env.{name}")));
    short.or_else(|| Some((env.get("vars")?.get(name)?, format!("env.vars.{name}"))))
}

/// Its text, where it has one.
fn text_of(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// The text with each reference replaced by what `value` gives for its name.
fn expanded<E>(text: &str, value: impl Fn(&str) -> Result<String, E>) -> Result<String, E> {
    let mut expanded = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Escaped(text) => expanded.push_str(text),
            Piece::Reference(name) => expanded.push_str(&value(name)?),
        }
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_resolved_from_the_environment_then_the_env_block() {
        let environment = Environment::from_iter([("A", "one")]);
        let config = json!({"env": {"A": "other", "B": "two", "vars": {"C": "three"}}});
        let resolved = References::new(&environment, &config).resolve("x ${A}-${B}${C} ${not one} $").unwrap();
        assert_eq!(resolved.expose_secret(), "x one-twothree ${not one} $");
        // As OpenClaw 2026.9.6 has it.
        let chained = json!({"env": {"vars": {"B": "b-${A}", "C": "${B}", "D": "${D}", "E": "${MISSING_KEY}"}}});
        let resolved =
            |text| References::new(&environment, &chained).resolve(text).map(|found| found.expose_secret().to_owned());
        assert_eq!(resolved("${B} ${C}").unwrap(), "b-one b-one");
        assert!(resolved("${D}").is_err() && resolved("${E}").is_err());
        assert!(resolved("${D}").unwrap_err().to_string().contains("env.vars.D refers to"));
        for (number, place) in [(json!({"vars": {"N": 5}}), "env.vars.N"), (json!({"N": 5}), "env.N")] {
            let error = References::new(&environment, &json!({"env": number})).resolve("${N}").unwrap_err().to_string();
            assert!(error.contains(&format!("and {place} is not a text")), "{error}");
        }
        for unset in [json!(null), json!(" ")] {
            let error =
                References::new(&environment, &json!({"env": {"N": unset}})).resolve("${N}").unwrap_err().to_string();
            assert!(error.contains("which is not set"), "{error}");
        }
        let error = References::new(&environment, &config).resolve("${MISSING_KEY}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingCredential);
        assert!(error.to_string().contains("MISSING_KEY"));
    }

    /// 100 to the power of 8 look-ups would never end.
    #[test]
    fn variables_that_refer_to_many_end() {
        let mut vars = serde_json::Map::new();
        for depth in 0..8 {
            vars.insert(format!("V{depth}"), format!("${{V{}}}", depth + 1).repeat(100).into());
        }
        vars.insert("V8".into(), "x".into());
        let config = json!({"env": {"vars": vars}});
        let resolved = |text: &str| References::new(&Environment::empty(), &config).resolve(text);
        for text in ["${V0}", &"${V6}".repeat(1000)] {
            assert!(resolved(text).unwrap_err().to_string().contains("is over 4 MiB"), "{text:.5}");
        }
        // One that is set is not said to be set nowhere.
        let set = Environment::from_iter([("A", "a".repeat(1 << 20))]);
        let error = References::new(&set, &config).resolve(&"${A}".repeat(5)).unwrap_err().to_string();
        assert!(error.contains("refers to ${A}, and all that is referred to is over 4 MiB"), "{error}");
        let error = References::new(&set, &config).resolve("${V9} ${A}").unwrap_err().to_string();
        assert!(error.contains("refers to ${V9}, which is not set"), "{error}");
        // Texts that refer to a long one count together.
        let references = References::new(&set, &config);
        let texts: Vec<_> = (0..5).map(|_| references.resolve("${A}")).collect();
        assert!(texts[..3].iter().all(Result::is_ok));
        assert!(texts[4].as_ref().unwrap_err().to_string().contains("is over 4 MiB"));
        assert_eq!(resolved("${V7}").unwrap().expose_secret().len(), 100);
        assert_eq!(resolved("${V6}").unwrap().expose_secret().len(), 10_000);
        let large = json!({"env": {"vars": {"CA": "c".repeat(1 << 20), "B": "${CA}"}}});
        assert_eq!(
            References::new(&Environment::empty(), &large).resolve("${B}").unwrap().expose_secret().len(),
            1 << 20
        );
    }
}
