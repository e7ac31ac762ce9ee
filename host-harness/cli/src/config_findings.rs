//! What is wrong with the configuration and the flags over it, told by the place that the user wrote: a flag, a variable, a
//! line of the file.

use host_harness::{
    ConfigFile, Environment, Plugin, Setup,
    command_line::{Destination, nearest},
    types,
    wit::onboarding::{Finding, Severity},
};
use serde_json::Value;

use super::{connect::Connect, key_help::how_to_set, openclaw, waiting};

impl Connect {
    /// What the host and the plugin find in the configuration and what the flags put over it, and OpenClaw in the file, where
    /// it is installed.
    pub(crate) async fn findings(
        &self,
        plugin: &Plugin,
        file: &ConfigFile,
        environment: &Environment,
    ) -> host_harness::Result<Vec<Finding>> {
        let mut findings = self.own_findings(plugin, file, environment).await?;
        findings.extend(self.switched_off(&plugin.descriptor().id, file.value()));
        let is_lack = |finding: &Finding| finding.message.ends_with(Setup::LACKING);
        if file.path().exists() {
            let (id, entries) = (&plugin.descriptor().id, plugin.entries(file.value()));
            let entry = entries.first().map(|(name, _)| *name);
            let asked = openclaw::findings(file.path(), id, entry, self.config.profile(), &findings);
            let said = waiting::during("asking openclaw", asked).await;
            // Said once: OpenClaw's own words for it are the better ones.
            let is_refused =
                |place: String| said.iter().any(|found| found.severity == Severity::Error && found.path == place);
            findings.retain(|own| !is_lack(own) || !is_refused(openclaw::dotted(&own.path)));
            findings.extend(said);
        }
        Ok(findings)
    }

    /// Of [`Self::findings`], those of the host and the plugin.
    pub(crate) async fn own_findings(
        &self,
        plugin: &Plugin,
        file: &ConfigFile,
        environment: &Environment,
    ) -> host_harness::Result<Vec<Finding>> {
        let mut findings = plugin.lint_setup(self.setup(plugin, file, environment)).await?;
        findings.extend(misnamed(&plugin.descriptor().id, file.value()));
        // What the entry lacks, it lacks for OpenClaw, whatever a flag says.
        for finding in findings.iter_mut().filter(|finding| !finding.message.ends_with(Setup::LACKING)) {
            finding.path = self.in_flags(plugin, &finding.path);
        }
        Ok(findings)
    }

    /// Where OpenClaw is told to leave the plugin out. Uninstalling it says so, and installing it again does not take that
    /// back.
    fn switched_off(&self, id: &str, config: &Value) -> Option<Finding> {
        let is_false = |path: &&String| config.pointer(&path.replace('.', "/")) == Some(&Value::Bool(false));
        let denied = config.pointer("/plugins/deny").and_then(Value::as_array);
        let denied = denied.filter(|denied| denied.iter().any(|name| name == id)).map(|_| ".plugins.deny".to_owned());
        let switches = [".plugins.enabled".to_owned(), format!(".plugins.entries.{id}.enabled")];
        let path = denied.or_else(|| switches.into_iter().find(|path| is_false(&path)))?;
        let message = format!(
            "OpenClaw leaves the plugin out for it, and calls by its own client. Change it, or run `openclaw{} plugins enable {id}`.",
            self.config.of_profile()
        );
        Some(Finding { severity: Severity::Warning, path: path[1..].to_owned(), message })
    }

    /// `text` with what the user wrote in the place of what it goes over in the configuration: a flag, a variable.
    fn in_flags(&self, plugin: &Plugin, text: &str) -> String {
        let id = &plugin.descriptor().id;
        let mut places = self.extra.places(id);
        places.push((self.run.place_of_base_url(plugin), format!("models.providers.{id}.baseUrl")));
        places.into_iter().fold(text.to_owned(), |text, (name, place)| match around(&text, &place) {
            Some((before, after)) => format!("{before}{name}{after}"),
            None => text,
        })
    }

    /// The refusal of what a flag says names the flag, and not the configuration; that of a call without a key says where to
    /// put one, as `doctor` does.
    pub(crate) fn explained(
        &self,
        plugin: &Plugin,
        config: &ConfigFile,
        environment: &Environment,
        error: host_harness::Error,
    ) -> host_harness::Error {
        let descriptor = plugin.descriptor();
        let credential = descriptor.credentials.iter().find(|credential| credential.required);
        if let (types::ErrorKind::MissingCredential, types::ErrorOrigin::Plugin, Some(credential)) =
            (error.kind(), error.origin(), credential)
        {
            let destination = Destination::of(descriptor, self.setup(plugin, config, environment)).ok();
            let how = how_to_set(descriptor, credential, destination.as_ref().map(Destination::origin));
            let hint = Some(match &openclaw::named_profiles(config.value(), &descriptor.id)[..] {
                [] => how,
                [profile, ..] => {
                    format!("OpenClaw has it in its own store ({profile}), which only OpenClaw reads. {how}")
                }
            });
            return types::Error { hint, ..error.record().clone() }.into();
        }
        let message = self.in_flags(plugin, &error.to_string());
        if message == error.to_string() {
            return error;
        }
        let hint = self.extra.flag_of_field(&message);
        let hint =
            hint.unwrap_or_else(|| "Fix it there; `host-harness lint` with it shows everything that is wrong.".into());
        types::Error { hint: Some(hint), message, ..error.record().clone() }.into()
    }
}

/// Where an option of the plugin of the provider `id` stands in the configuration.
pub(crate) fn option_place(id: &str, name: &str) -> String {
    format!("plugins.entries.{id}.config.{name}")
}

/// What is before and behind `place` in `text`. A longer name is another place.
pub(crate) fn around<'t>(text: &'t str, place: &str) -> Option<(&'t str, &'t str)> {
    let is_longer = |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_-".contains(next));
    text.split_once(place).filter(|(_, after)| !is_longer(after))
}

/// Names that are probably meant for the provider `id`, or for its plugin: what is below them is not read. OpenClaw takes a
/// provider in any letter case, and a plugin in its own alone.
pub(crate) fn misnamed(id: &str, config: &Value) -> Vec<Finding> {
    let is_spelling = |name: &str| name.trim().eq_ignore_ascii_case(id);
    let mut findings = Vec::new();
    for (place, takes_any_case) in [("models.providers", true), ("plugins.entries", false)] {
        let is_read = |name: &str| name == id || takes_any_case && is_spelling(name);
        let named = config.pointer(&format!("/{}", place.replace('.', "/"))).and_then(Value::as_object);
        let names = || named.into_iter().flatten().map(|(name, _)| name.as_str());
        let has_own = names().any(is_read);
        let is_meant = |name: &&str| !is_read(name) && (is_spelling(name) || !has_own && nearest(name, [id]).is_some());
        findings.extend(names().filter(is_meant).map(|name| {
            let message = format!("This is not read, since it is another's name. Did you mean {id}?");
            Finding { severity: Severity::Warning, path: format!("{place}.{name}"), message }
        }));
    }
    findings
}
