//! Asks `openclaw` whether there is a key in its own store, which only OpenClaw can read. It names its profiles and
//! shows no key.

use std::{
    fs::File,
    io::{self, Read, Seek},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;

use crate::search_path;

/// It takes some seconds to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `openclaw` says of its store.
pub(super) enum Store {
    /// The names of the profiles that it has for the provider, if any.
    Holds(Vec<String>),
    /// There is no `openclaw` on the `PATH`.
    NotInstalled,
    /// It was asked, and this went wrong.
    Failed(String),
}

/// Asks for the profiles of the provider `id`; of an OpenClaw of this `profile`, where there is one.
pub(super) async fn store(id: &str, profile: Option<&str>) -> Store {
    match ask(id, profile).await {
        Ok(store) => store,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Store::NotInstalled,
        Err(error) => Store::Failed(error.to_string()),
    }
}

async fn ask(id: &str, profile: Option<&str>) -> io::Result<Store> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let Some(program) = search_path::find("openclaw") else { return Ok(Store::NotInstalled) };
    // It looks for others there, such as Node.
    let mut command = Command::new(program);
    command.env("PATH", search_path::path());
    if let Some(profile) = profile {
        command.args(["--profile", profile]);
    }
    command.args(["models", "auth", "list", "--json", "--provider", id]).env("NO_COLOR", "1");
    // What went along for this program, such as the value of a flag, is none of its business.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOST_HARNESS_")) {
        command.env_remove(name);
    }
    let command = command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.kill_on_drop(true).spawn()?;
    let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await else {
        child.kill().await?;
        return Ok(Store::Failed(format!("it said nothing for {} s", PATIENCE.as_secs())));
    };
    let status = status?;
    let said = read(&mut stdout)?;
    match profiles(&said, id).filter(|_| status.success()) {
        Some(profiles) => Ok(Store::Holds(profiles)),
        None => {
            let reason = serde_json::from_str(&said)
                .ok()
                .and_then(|said: Value| Some(said.pointer("/error/message")?.as_str()?.lines().next()?.to_owned()));
            let complaint = read(&mut stderr)?;
            let line = complaint.lines().rev().find(|line| !line.trim().is_empty());
            let line = || line.map_or_else(|| status.to_string(), |line| line.trim().to_owned());
            Ok(Store::Failed(reason.unwrap_or_else(line)))
        }
    }
}

/// What was written, as far as it is of a sensible length.
fn read(file: &mut File) -> io::Result<String> {
    let mut said = Vec::new();
    file.rewind()?;
    file.take(1 << 20).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Source: `openclaw models auth list --provider portkey --json` of OpenClaw 2026.9.6.
fn profiles(said: &str, id: &str) -> Option<Vec<String>> {
    let said: Value = serde_json::from_str(said).ok()?;
    let of_provider = said.get("profiles")?.as_array()?.iter().filter(|profile| {
        let provider = profile.get("provider").and_then(Value::as_str);
        provider.is_some_and(|provider| provider.eq_ignore_ascii_case(id))
    });
    Some(of_provider.filter_map(|profile| Some(profile.get("id")?.as_str()?.to_owned())).collect())
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
}
