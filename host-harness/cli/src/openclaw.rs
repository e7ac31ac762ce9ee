//! Asks `openclaw`, where it is installed, what only OpenClaw knows: whether it takes a configuration file, has the plugin
//! that the file is for, and has a key in its own store. It names its profiles and shows no key.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use host_harness::wit::onboarding::{Finding, Severity};
use serde_json::Value;
use tokio::process::Command;

use crate::search_path;

/// It takes some seconds to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of much that it says the first is told, and of a long name or reason the beginning, in bytes: a file may hold any number
/// of names of any length.
const MOST: usize = 100;
const LONGEST: usize = 300;
const LONGEST_REASON: usize = 1_000;

/// What `openclaw` says of its store.
pub(crate) enum Store {
    /// The names of the profiles that it has for the provider, if any.
    Holds(Vec<String>),
    /// It could not be asked, for this reason.
    Failed(String),
}

/// Asks for the profiles of the provider `id`; of an OpenClaw of this `profile`, where there is one.
pub(crate) async fn store(id: &str, profile: Option<&str>) -> Store {
    match ask(&["models", "auth", "list", "--json", "--provider", id], profile, None).await {
        Ok(None) => Store::Failed("there is no `openclaw` on the PATH".to_owned()),
        Ok(Some(said)) => match profiles(&said.out, id).filter(|_| said.succeeded) {
            Some(profiles) => Store::Holds(profiles),
            None => Store::Failed(said.reason()),
        },
        Err(why) => Store::Failed(why.to_string()),
    }
}

/// What OpenClaw refuses the file for, and what it warns of about the provider `id`, but for what is in `known`; and that it
/// has no plugin for `entry`, the file's own of that provider. Nothing where there is no `openclaw` on the `PATH`.
pub(crate) async fn findings(
    file: &Path,
    id: &str,
    entry: Option<&str>,
    profile: Option<&str>,
    known: &[Finding],
) -> Vec<Finding> {
    let failed = |why: String| {
        let message = format!("`openclaw config validate` could not be asked about the file: {why}");
        vec![Finding { severity: Severity::Warning, path: String::new(), message }]
    };
    let inspect = ["plugins", "inspect", id, "--json"];
    let inspected = async { if entry.is_some() { ask(&inspect, profile, Some(file)).await } else { Ok(None) } };
    let (validated, inspected) = tokio::join!(ask(&["config", "validate", "--json"], profile, Some(file)), inspected);
    let mut findings = match validated {
        Ok(None) => Vec::new(),
        Ok(Some(said)) => verdict(&said.out, id, known).unwrap_or_else(|| failed(said.reason())),
        Err(why) => failed(why.to_string()),
    };
    // Of a plugin that is not there, it wants the options removed. What is missing is the plugin.
    let is_lack = |finding: &Finding| finding.message.starts_with("OpenClaw says: plugin not found");
    let is_lacking = match inspected {
        Ok(Some(said)) => !said.succeeded && said.reason().starts_with(&format!("{NO_PLUGIN}{id}")),
        _ => false,
    };
    if is_lacking || findings.iter().any(is_lack) {
        findings.retain(|finding| !is_lack(finding));
        let path = entry.map_or_else(|| format!("plugins.entries.{id}"), |entry| format!("models.providers.{entry}"));
        let message = format!(
            "OpenClaw has no plugin `{id}`: it calls by its own client, which sends the key as `Authorization: Bearer`. \
             Install the plugin's package with `openclaw{} plugins install`.",
            of_profile(profile)
        );
        findings.push(Finding { severity: Severity::Warning, path, message });
    }
    findings
}

/// What `openclaw` must be told to read the files of this profile.
pub(crate) fn of_profile(profile: Option<&str>) -> String {
    profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default()
}

/// Source: `openclaw plugins inspect portkey --json` of OpenClaw 2026.9.6.
const NO_PLUGIN: &str = "Plugin not found: ";

/// What it answered.
struct Said {
    succeeded: bool,
    out: String,
    /// The last line that it complained with, else how it ended.
    complaint: String,
}

impl Said {
    /// Why there is no answer.
    fn reason(self) -> String {
        let said = serde_json::from_str(&self.out).ok();
        let of_json =
            said.and_then(|said: Value| Some(said.pointer("/error/message")?.as_str()?.lines().next()?.to_owned()));
        begun(&of_json.unwrap_or(self.complaint), LONGEST_REASON).to_owned()
    }
}

/// Runs it, about this configuration `file` where one is given. `None` where it is not installed.
async fn ask(arguments: &[&str], profile: Option<&str>, file: Option<&Path>) -> io::Result<Option<Said>> {
    let Some(program) = search_path::find("openclaw") else { return Ok(None) };
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    // It looks for others there, such as Node.
    let mut command = Command::new(program);
    command.env("PATH", search_path::path()).env("NO_COLOR", "1");
    // OpenClaw reads a `.env` where it is started, and that may be anybody's. What is named from here stays what it is.
    for name in ["OPENCLAW_HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_INCLUDE_ROOTS"] {
        let Some(value) = std::env::var_os(name) else { continue };
        let absolute = |path: PathBuf| {
            if path.starts_with("~") { path } else { std::path::absolute(&path).unwrap_or(path) }
        };
        if let Ok(all) = std::env::join_paths(std::env::split_paths(&value).map(absolute)) {
            command.env(name, all);
        }
    }
    command.current_dir(
        std::env::home_dir().filter(|home| home.is_absolute() && home.is_dir()).unwrap_or_else(|| "/".into()),
    );
    if let Some(profile) = profile {
        command.args(["--profile", profile]);
    }
    if let Some(file) = file {
        command.env("OPENCLAW_CONFIG_PATH", std::path::absolute(file)?);
    }
    // What went along for this program, such as the value of a flag, is none of its business.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOST_HARNESS_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.kill_on_drop(true).spawn()?;
    let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await else {
        child.kill().await?;
        return Err(io::Error::other(format!("it said nothing for {} s", PATIENCE.as_secs())));
    };
    let status = status?;
    let complaint = read(&mut stderr)?;
    let line = complaint.lines().rev().find(|line| !line.trim().is_empty());
    let complaint = line.map_or_else(|| status.to_string(), |line| line.trim().to_owned());
    Ok(Some(Said { succeeded: status.success(), out: read(&mut stdout)?, complaint }))
}

/// What was written, as far as it is of a sensible length.
fn read(file: &mut File) -> io::Result<String> {
    let mut said = Vec::new();
    file.rewind()?;
    file.take(16 << 20).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Whether a profile, of OpenClaw's store or of its configuration, is of the provider `id`.
fn is_profile_of(profile: &Value, id: &str) -> bool {
    let provider = profile.get("provider").and_then(Value::as_str);
    provider.is_some_and(|provider| provider.eq_ignore_ascii_case(id))
}

/// The profiles of the provider `id` that the configuration names, whose keys are in OpenClaw's store.
pub(crate) fn named_profiles(config: &Value, id: &str) -> Vec<String> {
    let all = config.pointer("/auth/profiles").and_then(Value::as_object).into_iter().flatten();
    let own = all.filter(|(_, profile)| is_profile_of(profile, id) && profile["mode"] == "api_key");
    own.map(|(name, _)| name.clone()).collect()
}

/// Source: `openclaw models auth list --provider portkey --json` of OpenClaw 2026.9.6.
fn profiles(said: &str, id: &str) -> Option<Vec<String>> {
    let said: Value = serde_json::from_str(said).ok()?;
    let of_provider = said.get("profiles")?.as_array()?.iter().filter(|profile| is_profile_of(profile, id));
    Some(of_provider.filter_map(|profile| Some(profile.get("id")?.as_str()?.to_owned())).collect())
}

/// The beginning of `text`, of at most so many bytes.
fn begun(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// A place as OpenClaw writes it: `models.0`.
pub(crate) fn dotted(path: &str) -> String {
    path.replace('[', ".").replace(']', "")
}

/// Source: `openclaw config validate --json` of OpenClaw 2026.9.6.
fn verdict(said: &str, id: &str, known: &[Finding]) -> Option<Vec<Finding>> {
    let said: Value = serde_json::from_str(said).ok()?;
    let is_valid = said.get("valid")?.as_bool()?;
    let all = said.get(if is_valid { "warnings" } else { "issues" }).and_then(Value::as_array);
    if !is_valid && all.is_none_or(Vec::is_empty) {
        return None;
    }
    let known = known.iter().filter(|finding| finding.severity == Severity::Error);
    let known: Vec<_> = known.map(|finding| dotted(&finding.path)).collect();
    let mut findings = Vec::new();
    for found in all.into_iter().flatten() {
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        let (path, message) = (text("path").unwrap_or_default().trim_start_matches("<root>"), text("message")?);
        let (path, reason) = (begun(path, LONGEST), begun(message, LONGEST_REASON));
        if is_valid {
            if findings.len() < MOST && path == format!("plugins.entries.{id}") {
                let message = format!("OpenClaw says: {reason}");
                findings.push(Finding { severity: Severity::Warning, path: path.to_owned(), message });
            }
            continue;
        }
        let places = match message.strip_prefix("Unrecognized key") {
            Some(names) => {
                names.split('"').skip(1).step_by(2).take(MOST).map(|name| format!("{path}.{name}")).collect()
            }
            None => vec![path.to_owned()],
        };
        let of_key = message
            .starts_with("Unrecognized key")
            .then_some("it has no such key. `openclaw doctor --fix` moves what an older version wrote.");
        for place in places {
            let path = begun(place.trim_start_matches('.'), LONGEST).to_owned();
            // Of what may be one of several shapes it names the whole.
            let is_known = known
                .iter()
                .any(|known| known.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
            if (!is_known || path.is_empty()) && findings.len() < MOST {
                let message = format!("OpenClaw refuses the file for it: {}", of_key.unwrap_or(reason));
                findings.push(Finding { severity: Severity::Error, path, message });
            }
        }
    }
    Some(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_of_the_provider_are_named() {
        let said = r#"{"agentId": "main", "profiles": [
            {"id": "portkey:default", "provider": "portkey", "type": "api_key"},
            {"id": "openai:default", "provider": "openai", "type": "api_key"}]}"#;
        assert_eq!(profiles(said, "portkey"), Some(vec!["portkey:default".to_owned()]));
        assert_eq!(profiles(r#"{"profiles": []}"#, "portkey"), Some(Vec::new()));
        assert_eq!(profiles("Error: no agent", "portkey"), None);
    }
    /// As OpenClaw 2026.9.6 answered.
    #[test]
    fn what_openclaw_refuses_is_named_once() {
        let finding = |path: &str| Finding { severity: Severity::Error, path: path.into(), message: String::new() };
        let warned = |path: &str| Finding { severity: Severity::Warning, ..finding(path) };
        let known = [
            finding("models.providers.portkey.models[0].reasoning"),
            finding("models.providers.portkey.request.auth.user"),
            warned("models.providers.portkey.models[0].name"),
        ];
        let said = r#"{"valid": false, "issues": [
            {"path": "models.providers.portkey.models.0.reasoning", "message": "Invalid input: expected boolean"},
            {"path": "models.providers.portkey.models.0.name", "message": "Invalid input: expected string, received undefined"},
            {"path": "models.providers.portkey.request.auth", "message": "Invalid input"},
            {"path": "<root>", "message": "Unrecognized keys: \"x\", \"y\""}]}"#;
        let found = verdict(said, "portkey", &known).unwrap();
        let found: Vec<_> = found.iter().map(|finding| (&*finding.path, &*finding.message)).collect();
        let refused = |why: &str| format!("OpenClaw refuses the file for it: {why}");
        let name = refused("Invalid input: expected string, received undefined");
        let key = refused("it has no such key. `openclaw doctor --fix` moves what an older version wrote.");
        assert_eq!(found, [("models.providers.portkey.models.0.name", &*name), ("x", &key), ("y", &key)]);
        let said = r#"{"valid": true, "warnings": [{"path": "plugins.entries.portkey", "message": "plugin not found: portkey"},
            {"path": "channels.telegram.botToken", "message": "Missing env var"}]}"#;
        let found = verdict(said, "portkey", &[]).unwrap();
        assert_eq!((found.len(), &*found[0].message), (1, "OpenClaw says: plugin not found: portkey"));
        assert!(verdict(r#"{"valid": true}"#, "portkey", &[]).unwrap().is_empty());
        assert!(verdict("error: unknown command", "portkey", &[]).is_none());
        // A name of any length stands beside each of any number of others.
        let (name, keys) = ("x".repeat(1 << 16), [r#"\"y\""#; 1_000].join(", "));
        let issue = format!(r#"{{"path": "{name}", "message": "Unrecognized keys: {keys}"}}"#);
        let found = verdict(&format!(r#"{{"valid": false, "issues": [{issue}, {issue}]}}"#), "portkey", &[]).unwrap();
        let length: usize = found.iter().map(|finding| finding.path.len()).sum();
        assert!((1..=100).contains(&found.len()) && length < 100_000, "{} {length}", found.len());
        // So may what it says of each, and of what it only warns of.
        for kind in [r#""valid": false, "issues""#, r#""valid": true, "warnings""#] {
            let issue = format!(r#"{{"path": "plugins.entries.portkey", "message": "{name}"}}"#);
            let issues = vec![issue; 1_000].join(",");
            let found = verdict(&format!("{{{kind}: [{issues}]}}"), "portkey", &[]).unwrap();
            let length: usize = found.iter().map(|finding| finding.message.len()).sum();
            assert!((1..=100).contains(&found.len()) && length < 200_000, "{kind}: {} {length}", found.len());
        }
        let failed = |out: String, complaint: String| Said { succeeded: false, out, complaint }.reason().len();
        let why = format!(r#"{{"error": {{"message": "{name}"}}}}"#);
        assert!(failed(why, String::new()) < 2_000 && failed(String::new(), name) < 2_000);
        // It could not read the file.
        assert!(verdict(r#"{"ok": false, "error": {"message": "x"}, "valid": false}"#, "portkey", &[]).is_none());
    }
}
