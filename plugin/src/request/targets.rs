//! Which models may answer. It may not be the one that was asked for: a Portkey config can fall back, balance and
//! override. An inline config can be read. A config given by its id cannot, and one that is attached to the key cannot
//! even be seen.
//!
//! A pass does only what every possible target accepts. If not all targets are known, it does nothing that a model of
//! another family refuses: OpenAI refuses unknown members (`Unknown parameter: ...`), Databricks and GLM refuse cache
//! markers.

use alloc::string::String;
use alloc::vec::Vec;

use crate::headers;
use crate::json::Object;
use crate::model_traits::{self, Family, Protocol, Route, Traits};
use crate::options::Options;
use crate::prompt;

/// A depth that no real config reaches.
const MAX_DEPTH: usize = 8;
/// Nor so many targets: each costs time with each member of a request.
const MAX_TARGETS: usize = 64;
/// No model has a longer name, in bytes.
const LONGEST: usize = 1_024;

#[derive(Debug, Default)]
pub(crate) struct Targets {
    known: Vec<Traits>,
    /// Whether no other model may answer.
    is_complete: bool,
    /// Whether somebody routes: nothing is known of a model whose id says nothing, but it is one model.
    is_routed: bool,
}

impl Targets {
    /// `sent` are the headers of the connection.
    pub(crate) fn of(model: &str, sent: &[(String, String)], options: &Options<'_>) -> Self {
        // The user knows.
        if let Some(known) = options.family(model).and_then(|family| model_traits::of(&family)) {
            return Self::one(Some(known));
        }
        let header = |wanted| headers::find(sent, wanted);
        let provider = header("x-portkey-provider").or_else(|| header("x-portkey-virtual-key")).unwrap_or_default();
        let Some(config) = header("x-portkey-config") else { return Self::one(told(model, provider, options)) };
        let Some(config) = Object::parse(config) else {
            return Self { known: model_traits::of(model).into_iter().collect(), is_complete: false, is_routed: true };
        };
        let mut targets = Self { known: Vec::new(), is_complete: true, is_routed: true };
        targets.collect(&config, model, provider, options, MAX_DEPTH);
        targets
    }

    fn one(known: Option<Traits>) -> Self {
        Self { is_complete: known.is_some(), known: known.into_iter().collect(), is_routed: false }
    }

    fn collect(&mut self, config: &Object<'_>, model: &str, provider: &str, options: &Options<'_>, left: usize) {
        // The gateway takes either spelling (1.15.2).
        let overridden = config
            .get("override_params")
            .or_else(|| config.get("overrideParams"))
            .and_then(|params| Some(params.object()?.get("model")?.string()?.into_owned()));
        let model = overridden.as_deref().unwrap_or(model);
        let own = ["provider", "virtual_key", "virtualKey"].iter().find_map(|&name| config.get(name)?.string());
        let provider = own.as_deref().unwrap_or(provider);
        let targets = config.list("targets");
        if targets.is_empty() || left == 0 {
            match told(model, provider, options) {
                Some(traits) if left > 0 => self.known.push(traits),
                _ => self.is_complete = false,
            }
        }
        self.is_complete &= targets.len() <= MAX_TARGETS;
        for target in targets.into_iter().take(MAX_TARGETS) {
            match target.into_object() {
                Some(target) if left > 0 && self.known.len() < MAX_TARGETS => {
                    self.collect(&target, model, provider, options, left - 1)
                }
                _ => self.is_complete = false,
            }
        }
    }

    /// Those that are known.
    pub(crate) fn known(&self) -> &[Traits] {
        &self.known
    }

    /// Whether every model that may answer is known, and does this.
    pub(crate) fn all(&self, does: impl Fn(&Traits) -> bool) -> bool {
        self.is_complete && !self.known.is_empty() && self.known.iter().all(does)
    }

    /// Whether at least one known model does this.
    pub(crate) fn any(&self, does: impl Fn(&Traits) -> bool) -> bool {
        self.known.iter().any(does)
    }

    /// Whether every model that may answer is known, and of this family. Not generic, like [`Self::has`].
    pub(crate) fn are(&self, family: Family) -> bool {
        self.all(|target| target.family == family)
    }

    /// Whether at least one known model is of one of these families. Not generic, so that it is compiled once.
    pub(crate) fn has(&self, families: &[Family]) -> bool {
        self.any(|target| families.contains(&target.family))
    }

    /// Whether at least one known model is reached by this route. Not generic, like [`Self::has`].
    pub(crate) fn goes(&self, route: Route) -> bool {
        self.any(|target| target.route == route)
    }

    /// The one that reaches the models. One that speaks only the Responses API decides: it refuses all else, and the
    /// others take it, or gateway 2.x translates it for them.
    pub(crate) fn protocol(&self) -> Protocol {
        if self.any(|target| target.protocol() == Protocol::Responses) { Protocol::Responses } else { Protocol::Chat }
    }

    /// Whether it is one model, of which nothing is known.
    pub(crate) fn is_unknown(&self) -> bool {
        self.known.is_empty() && !self.is_routed
    }

    /// Whether OpenAI may answer, or somebody who is as strict. Not generic, like [`Self::has`].
    pub(crate) fn has_openai(&self) -> bool {
        self.any(|target| target.family == Family::Gpt && target.route != Route::OpenRouter)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// What a model's id, and the provider beside it, say about the model.
fn told(model: &str, provider: &str, options: &Options<'_>) -> Option<Traits> {
    if let Some(known) = options.family(model).and_then(|family| model_traits::of(&family)) {
        return Some(known);
    }
    let provider = provider.trim_start_matches('@');
    if model.len() > LONGEST {
        None
    } else if provider.is_empty() || prompt::split_slug(model).is_some() {
        model_traits::of(model)
    } else {
        model_traits::of(&["@", provider, "/", model].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that only begins as a slug does leaves it to the provider.
    #[test]
    fn the_provider_counts_where_the_id_has_none() {
        for (model, route) in [
            ("gpt-oss-120b", Route::Other),
            ("@cf/openai/gpt-oss-120b", Route::Other),
            ("@workers/@cf/openai/gpt-oss-120b", Route::Direct),
        ] {
            let known = told(model, "@litellm", &Options::default()).unwrap();
            assert_eq!(known.route, route, "{model}");
        }
    }
}
