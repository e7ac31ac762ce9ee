//! Finds wrong or doubtful headers and settings: one set of rules, for `onboarding.lint` and for each call. An error
//! refuses the call; only `lint` shows a warning.

use alloc::format;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::onboarding::{Finding, Severity};
use crate::config::{self, Settings, finding};
use crate::headers::{self, Header};
use crate::json::{Json, Object};
use crate::nearest::nearest;
use crate::portkey;
use crate::prompt;
use crate::request;

/// Most bytes of all configured headers. Node, which gateways run on, answers 431 above 16 KiB in all; the rest is
/// for the request line, the key and what the host adds.
pub const MAX_HEADER_BYTES: usize = 15 * 1024;

/// Longest metadata value, in characters. Source: Portkey docs, "Metadata".
pub const MAX_METADATA_VALUE: usize = 128;

/// Most attempts that the gateway's retry honours. Source: Portkey docs, "Automatic Retries".
const MAX_RETRY_ATTEMPTS: u64 = 5;

/// Most models that are looked at together with a config.
const MAX_MODELS: usize = 256;

/// How deep targets may nest before the check gives up on a config.
const MAX_DEPTH: usize = 32;

/// The modes of a part of a config: the ways to choose among targets, and to cache. Source: Portkey docs, "Configs", and
/// the open-source gateway's schema, which answers "Invalid config passed" to others.
const STRATEGIES: &[&str] = &["single", "loadbalance", "fallback", "conditional"];
const CACHES: &[&str] = &["simple", "semantic"];

// Names in a config that make a difference, by which a misspelt one is known: the open-source gateway ignores what it
// does not know.

/// Those of a target. A provider's own, such as `azure_...`, are far from all of these.
const TARGET: &[&str] = &[
    "strategy", "targets", "weight", "provider", "api_key", "virtual_key", "override_params", "custom_host",
    "request_timeout", "forward_headers", "retry", "cache", "input_guardrails", "output_guardrails",
];
/// Those of a target's `strategy`.
const STRATEGY: &[&str] = &["mode", "on_status_codes", "conditions", "default"];
/// Those of its `retry`.
const RETRY: &[&str] = &["attempts", "on_status_codes", "use_retry_after_header", "use_retry_after_headers"];
/// Those of its `cache`.
const CACHE: &[&str] = &["mode", "max_age"];

/// What is wrong or doubtful in a configuration document.
pub fn document(config: &str) -> Vec<Finding> {
    match config::read(config) {
        Ok(settings) => settings_findings(&settings),
        Err(error) => alloc::vec![finding(Severity::Error, "", &error.message)],
    }
}

/// The same, errors and warnings, for settings that were read.
pub(crate) fn settings_findings(settings: &Settings) -> Vec<Finding> {
    let mut findings = settings.findings.clone();
    let is_hosted = settings.base_url.as_ref().is_some_and(|url| portkey::is_hosted(url.host()));
    findings.extend(headers(&settings.headers, is_hosted, true));
    if let Some(url) = &settings.base_url
        && !url.path.ends_with("/v1")
    {
        let path = format!("{}.baseUrl", config::PROVIDER);
        let call = ["/chat/completions", "/responses", "/embeddings"].iter().find(|call| url.path.ends_with(**call));
        findings.push(match call {
            Some(call) => finding(Severity::Error, &path, &format!("The base URL ends before {call}: leave that out.")),
            None => finding(
                Severity::Warning,
                &path,
                "The base URL usually ends in /v1; without it the gateway answers 404 or a web page.",
            ),
        });
    }
    // Gateway 1.15.2 says nothing of it.
    let guards = |header: &&Header| match &*header.name {
        "x-portkey-default-input-guardrails" | "x-portkey-default-output-guardrails" => true,
        name => name == "x-portkey-config" && header.value.contains("_guardrails"),
    };
    if let Some(config) = settings.headers.iter().find(guards).filter(|_| !is_hosted) {
        let sent: Vec<_> = settings.headers.iter().map(Header::on_wire).collect();
        // The last stands for a model that the configuration does not name. For each the config is read once more.
        let models = settings.models.iter().take(MAX_MODELS).map(|(_, id)| &**id).chain([""]);
        if request::uses_responses(models, &sent, &settings.options_json) {
            let message = "The open-source gateway runs no guardrails for models of the Responses API.";
            findings.push(finding(Severity::Warning, &config.path, message));
        }
    }
    let is_routed = settings.headers.iter().any(|header| portkey::ROUTES.contains(&header.name.as_str()));
    if is_hosted && !is_routed {
        for (path, id) in settings.models.iter().filter(|(_, id)| prompt::split_slug(id).is_none()) {
            let message = format!(
                "The hosted gateway cannot route the bare model id {id} by itself: write @provider/{id}, or set a provider or a config, here or at the key."
            );
            findings.push(finding(Severity::Warning, path, &message));
        }
    }
    findings
}

/// What is wrong in headers, and with `warns` what is doubtful. A value that holds a reference is the host's, and not looked
/// at.
pub(crate) fn headers(all: &[Header], is_hosted: bool, warns: bool) -> Vec<Finding> {
    let mut check = Check { findings: Vec::new(), is_hosted, warns };
    for header in all {
        check.header(header);
    }
    let bytes: usize = all.iter().map(|header| header.name.len() + header.wire_value().len() + 4).sum();
    if bytes > MAX_HEADER_BYTES {
        let largest = all.iter().max_by_key(|header| header.value.len()).map_or("", |header| header.path.as_str());
        check.error(largest, &format!(
            "The headers take {bytes} bytes, over the limit of {MAX_HEADER_BYTES}: a gateway on Node answers 431 above 16384 in all. Shorten the largest, this one, or save the config in Portkey and use its id."
        ));
    }
    check.findings
}

struct Check {
    findings: Vec<Finding>,
    is_hosted: bool,
    /// Whether what is only doubtful counts: each call is checked, and has no use for it.
    warns: bool,
}

impl Check {
    fn error(&mut self, path: &str, message: &str) {
        self.findings.push(finding(Severity::Error, path, message));
    }

    fn warn(&mut self, path: &str, message: &str) {
        if self.warns {
            self.findings.push(finding(Severity::Warning, path, message));
        }
    }

    fn header(&mut self, header: &Header) {
        let (name, path) = (header.name.as_str(), header.path.as_str());
        let value = header.value.trim();
        if !headers::is_name(name) {
            return self.error(path, "This is no header name: it may hold letters, digits and hyphens.");
        }
        if let Some(reason) = headers::reserved(name) {
            return self.error(path, &format!("The header {name} cannot be set here: it {reason}."));
        }
        if self.warns
            && let Some(meant) = headers::meant(name)
        {
            self.warn(path, &format!("Portkey has no header {name}. Did you mean {meant}?"));
        }
        if headers::is_credential(name) {
            if !header.is_reference() {
                self.warn(
                    path,
                    "This header is ignored, the host attaches the key: put the key, as a reference, in apiKey.",
                );
            }
            return;
        }
        if name == "authorization" && !self.is_hosted && (value.contains("PORTKEY_API_KEY") || value.contains("pk-")) {
            self.warn(path, "A self-hosted gateway forwards Authorization to the model provider: the Portkey key goes in x-portkey-api-key, which the host attaches.");
        }
        if header.is_reference() {
            return;
        }
        if !header.is_json() && !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return self.error(path, "A header value may hold printable ASCII alone.");
        }
        match name {
            "x-portkey-metadata" => self.metadata(value, path),
            "x-portkey-config" => self.config(value, path),
            "x-portkey-custom-host" => {
                self.custom_host(value, path);
                self.inline(path, "a custom host", ": save it as a provider in Portkey");
            }
            "x-portkey-forward-headers" => {
                if value.contains(['[', ']']) {
                    self.error(path, "The gateway forwards nothing when the names stand in brackets: write a, b.");
                }
                self.inline(path, "forwarded headers", "");
            }
            "x-portkey-request-timeout" if value.parse::<u64>().is_err() => {
                self.error(path, "The time limit must be a whole number of milliseconds.");
            }
            "x-portkey-cache-force-refresh" if !self.is_hosted && value != "true" => {
                self.warn(
                    path,
                    "The open-source gateway takes any value of this header for true: leave the header out.",
                );
            }
            _ => {}
        }
    }

    /// `what` leads past what is saved in Portkey; `instead` says how to do without it.
    fn inline(&mut self, path: &str, what: &str, instead: &str) {
        if self.is_hosted {
            self.warn(path, &format!("The hosted gateway refuses {what} where the organisation blocks inline routing, which is the default{instead}."));
        }
    }

    fn metadata(&mut self, value: &str, path: &str) {
        let Some(metadata) = Object::parse(value) else {
            return self.error(path, "The metadata must be a JSON object, in double quotes: {\"_user\":\"ann\"}.");
        };
        for (name, value) in metadata.iter() {
            match value.string() {
                None => self.error(path, &format!("The metadata value of {name} must be a text: put it in quotes.")),
                Some(text) if text.chars().count() > MAX_METADATA_VALUE => {
                    self.error(
                        path,
                        &format!("The metadata value of {name} is longer than {MAX_METADATA_VALUE} characters."),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn config(&mut self, value: &str, path: &str) {
        if value.starts_with('\'') {
            return self.error(path, "The config stands in single quotes: write it without them.");
        }
        if !value.starts_with(['{', '[']) {
            return;
        }
        let Some(config) = Object::parse(value) else {
            return self.error(path, "The inline config must be a JSON object, its names and texts in double quotes.");
        };
        self.inline(path, "inline configs", ": save it in Portkey and use its pc- id");
        self.target(&config, path, MAX_DEPTH);
    }

    /// One config, or one target in it: they have the same fields.
    fn target(&mut self, target: &Object<'_>, path: &str, depth: usize) {
        let part = |name: &str| target.object(name);
        let (strategy, retry, cache) = (part("strategy"), part("retry"), part("cache"));
        let parts = [(target, TARGET), (&strategy, STRATEGY), (&retry, RETRY), (&cache, CACHE)];
        for (part, known) in parts {
            // Gateway 1.15.2 answers "Invalid config passed".
            for (name, value) in part.iter() {
                if !known.contains(&&**name) {
                    // In another case it may be another gateway's spelling.
                    self.is_misspelt(name, known, 1, path);
                }
                let all = |fits: fn(&Json<'_>) -> bool| value.list().is_some_and(|list| list.iter().all(fits));
                let (fits, kind) = match &**name {
                    "strategy" | "retry" | "cache" => (value.is_object(), "an object"),
                    "targets" => (all(|target| target.is_object()), "a list of objects"),
                    "mode" => (value.string().is_some(), "a text"),
                    "on_status_codes" => (all(|code| code.number().is_some()), "a list of numbers"),
                    "request_timeout" | "weight" | "attempts" | "max_age" => (value.number().is_some(), "a number"),
                    _ => continue,
                };
                if !fits {
                    self.error(path, &format!("The config's {name} must be {kind}."));
                }
            }
        }
        if let Some(host) = target.get("custom_host").and_then(Json::string) {
            self.custom_host(&host, path);
        }
        self.retry(&retry, path);
        let targets = target.list("targets");
        let targets: Vec<Object<'_>> = targets.iter().map(|target| target.members()).collect();
        let is_zero = |target: &Object<'_>| target.get("weight").and_then(Json::number) == Some(0.0);
        for (name, part, modes) in [("strategy", &strategy, STRATEGIES), ("cache", &cache, CACHES)] {
            let Some(mode) = part.get("mode").and_then(Json::string).filter(|mode| !modes.contains(&&**mode)) else {
                continue;
            };
            if !self.is_misspelt(&mode, modes, 0, path) {
                let modes = modes.join(", ");
                self.warn(path, &format!("The gateway knows no {name} mode {mode}: there are {modes}."));
            }
        }
        let mode = strategy.get("mode").and_then(Json::string);
        if mode.as_deref() == Some("loadbalance") && !targets.is_empty() && targets.iter().all(is_zero) {
            self.error(
                path,
                "All weights of a loadbalance are 0, which hangs the gateway for good: give one target a weight.",
            );
        }
        if depth == 0 {
            return self.error(path, "The targets of the config nest too deep.");
        }
        for target in &targets {
            self.target(target, path, depth - 1);
        }
    }

    /// Whether `word`, which is none of `known`, is so many letters off one or a few more: then that is said.
    fn is_misspelt(&mut self, word: &str, known: &[&str], least: usize, path: &str) -> bool {
        let Some((_, meant)) = nearest(word, known).filter(|(off, _)| *off >= least) else { return false };
        self.error(path, &format!("The config holds {word}, which means nothing: did you mean {meant}?"));
        true
    }

    fn custom_host(&mut self, host: &str, path: &str) {
        if host.trim().ends_with('/') {
            self.error(path, "The custom host must not end in a slash: the gateway would call //chat/completions.");
        }
    }

    fn retry(&mut self, retry: &Object<'_>, path: &str) {
        let (right, wrong) = match self.is_hosted {
            true => ("use_retry_after_headers", "use_retry_after_header"),
            false => ("use_retry_after_header", "use_retry_after_headers"),
        };
        if retry.has(wrong) && !retry.has(right) {
            let whose = if self.is_hosted { "hosted" } else { "open-source" };
            self.warn(path, &format!("The {whose} gateway does not know {wrong}: it is {right} there."));
        }
        if retry.get("attempts").and_then(Json::whole).is_some_and(|attempts| attempts > MAX_RETRY_ATTEMPTS) {
            self.warn(path, &format!("The gateway is meant to make at most {MAX_RETRY_ATTEMPTS} attempts."));
        }
    }
}

#[cfg(test)]
mod tests;
