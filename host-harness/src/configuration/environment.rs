//! Looks up names in the environment, OpenClaw's `.env` and the configuration's `env` block. Owns the value of a
//! `${NAME}`.

use std::{fmt, path::PathBuf, sync::Arc};

use boundary::references::{Piece, pieces, references};
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
        Self::from_fn(|name| std::env::var(name).ok())
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

    /// What a `${NAME}` is read from, in words for people.
    pub(crate) fn whence(&self, name: &str, config: &Value) -> String {
        match (self.own(name), self.of_file(name), env_block(config, self, name)) {
            (None, Some((_, file)), _) => Source::DotEnv { name: name.to_owned(), file }.to_string(),
            (None, None, Some((_, path))) => path,
            _ => Source::Environment(name.to_owned()).to_string(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(..)")
    }
}

/// Where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
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

impl fmt::Display for Source {
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

/// `env.vars.NAME` of the configuration, or `env.NAME`, as OpenClaw had it before, and which of the two. What it refers to
/// may be in the block too.
pub(super) fn env_block(config: &Value, environment: &Environment, name: &str) -> Option<(String, String)> {
    block_value(config, environment, name, MAX_REFERENCES)
}

/// How often a variable of the block may refer to another.
const MAX_REFERENCES: usize = 8;

fn block_value(config: &Value, environment: &Environment, name: &str, left: usize) -> Option<(String, String)> {
    let env = config.get("env")?;
    let short = env.get(name).map(|value| (value, format!("env.{name}")));
    let (value, path) = short.or_else(|| Some((env.get("vars")?.get(name)?, format!("env.vars.{name}"))))?;
    let value = value.as_str().filter(|value| !value.trim().is_empty())?;
    if references(value).is_empty() {
        return Some((value.to_owned(), path));
    }
    let of = |name: &str| {
        environment.get(name).or_else(|| Some(block_value(config, environment, name, left.checked_sub(1)?)?.0))
    };
    let mut resolved = String::new();
    for piece in pieces(value) {
        match piece {
            Piece::Text(text) | Piece::Escaped(text) => resolved.push_str(text),
            Piece::Reference(name) => resolved.push_str(&of(name)?),
        }
        if resolved.len() > LONGEST {
            return None;
        }
    }
    Some((resolved, path))
}

/// The longest text, in bytes, that references make of one: a few lines whose variables refer to each other many times would
/// fill all memory.
const LONGEST: usize = 1 << 20;

/// The text with each `${NAME}` replaced: from the environment, a `.env` of OpenClaw's, the configuration's `env` block.
///
/// # Errors
/// Where a name is set nowhere: `missing-credential`, with the name.
pub(crate) fn resolve(text: &str, environment: &Environment, config: &Value) -> Result<SecretString> {
    let mut resolved = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Escaped(text) => resolved.push_str(text),
            Piece::Reference(name) => resolved.push_str(&value_of(name, environment, config)?),
        }
        if resolved.len() > LONGEST {
            let why = format!("a text of the configuration is over {LONGEST} bytes long with its references filled in");
            return Err(Error::config(why).hint("Write it with fewer references."));
        }
    }
    Ok(resolved.into())
}

pub(super) fn value_of(name: &str, environment: &Environment, config: &Value) -> Result<String> {
    environment.get(name).or_else(|| Some(env_block(config, environment, name)?.0)).ok_or_else(|| {
        Error::host(ErrorKind::MissingCredential, format!("the configuration refers to ${{{name}}}, which is not set"))
            .hint(format!(
                "Set the environment variable {name}, or put it in ~/.openclaw/.env or the configuration's `env` block."
            ))
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_resolved_from_the_environment_then_the_env_block() {
        let environment = Environment::from_fn(|name| (name == "A").then(|| "one".to_owned()));
        let config = json!({"env": {"A": "other", "B": "two", "vars": {"C": "three"}}});
        let resolved = resolve("x ${A}-${B}${C} ${not one} $", &environment, &config).unwrap();
        assert_eq!(resolved.expose_secret(), "x one-twothree ${not one} $");
        // As OpenClaw 2026.9.6 has it.
        let chained = json!({"env": {"vars": {"B": "b-${A}", "C": "${B}", "D": "${D}", "E": "${MISSING_KEY}"}}});
        let resolved = |text| resolve(text, &environment, &chained).map(|found| found.expose_secret().to_owned());
        assert_eq!(resolved("${B} ${C}").unwrap(), "b-one b-one");
        assert!(resolved("${D}").is_err() && resolved("${E}").is_err());
        let error = resolve("${MISSING_KEY}", &environment, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingCredential);
        assert!(error.to_string().contains("MISSING_KEY"));
    }

    /// What a few lines say could be as long as there is no memory for.
    #[test]
    fn references_that_multiply_are_given_up() {
        let chain = |times: usize, last: &str| {
            let names: Vec<char> = ('A'..='I').collect();
            let link = |pair: &[char]| (pair[0].to_string(), format!("${{{}}}", pair[1]).repeat(times).into());
            let mut vars: serde_json::Map<_, Value> = names.windows(2).map(link).collect();
            vars.insert("I".into(), last.into());
            json!({"env": {"vars": vars}})
        };
        let environment = Environment::empty();
        let resolved = |text: &str, config: &Value| resolve(text, &environment, config);
        assert_eq!(resolved("${A}", &chain(2, "x")).unwrap().expose_secret(), &"x".repeat(256));
        for times in [64, 1000] {
            assert!(resolved("${A}", &chain(times, "x")).unwrap_err().to_string().contains("${A}"), "{times}");
        }
        let error = resolved(&"${I}".repeat(1000), &chain(1, &"x".repeat(2000))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
}
