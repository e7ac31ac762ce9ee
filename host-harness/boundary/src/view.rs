//! Which parts of the host's configuration a plugin sees. A plugin merges its own entry into the configuration, so it
//! must see that entry. The host keeps everything else, and every secret, and puts it back afterwards.
//!
//! For a literal secret in the plugin's own part, the plugin gets a `${NAME}` reference that the host made up. The
//! plugin keeps references as they are, so the host can put the secret back. In JSON only the secret itself is
//! replaced, so that the plugin sees the rest: routes, retries, guardrails.

use std::{
    collections::{BTreeSet, HashMap},
    fmt, iter,
};

use secrecy::SecretString;
use serde_json::Value;

use crate::{
    Error, Result,
    excerpt::{excerpt, is_own, put_back},
    references::is_reference,
    secret_json::{self, Concealer, Named, Resolver, Unresolved, is_bare_reference},
    secret_names::names_a_secret,
};

/// What every placeholder begins with: `SEALED_`, or `SEALED7_` where the user's own text holds that.
fn mark(text: &str) -> String {
    if !text.contains("SEALED_") {
        return "SEALED_".to_owned();
    }
    let number = |rest: &str| rest.split_once('_')?.0.parse().ok();
    let taken: BTreeSet<u32> = text.split("SEALED").skip(1).filter_map(number).collect();
    let free = (0..).zip(&taken).find_map(|(free, taken)| (free != *taken).then_some(free));
    format!("SEALED{}_", free.unwrap_or(taken.len() as u32))
}

/// How much a plugin may add to what it was shown, in bytes; and to what was hidden, by naming it more than once.
const ADDED: usize = 1 << 20;

/// The part of a configuration that the plugin of one provider sees.
pub struct View {
    document: Value,
    /// The hidden values, by what the plugin sees instead: there may be any number.
    sealed: HashMap<Value, Sealed>,
    /// The text in every placeholder, and nowhere else.
    mark: String,
    /// For calls, headers with placeholders, by what the plugin sees of them, [as JSON](as_json) where it is some.
    fills: HashMap<Value, Fill>,
}

/// A value of the configuration that the plugin does not see.
struct Sealed {
    value: Value,
    /// Whether only a part of it is hidden. Then it may be put back wherever that part would be hidden again.
    is_inline: bool,
}

/// A header's value with a placeholder, as it is sent.
struct Fill {
    text: SecretString,
    /// The parts of it that are masked in answers.
    secrets: Vec<SecretString>,
}

impl fmt::Debug for View {
    /// What the plugin sees, and no more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("document", &self.document).finish_non_exhaustive()
    }
}

impl View {
    /// What the plugin `id` sees of `config` when it merges or checks: references stay as the user wrote them.
    pub fn of(config: &Value, id: &str) -> Self {
        let Ok(view) = Self::seal(config, id, None::<&Unresolved>);
        view
    }

    /// The same for calls: the values of references within JSON and in options are resolved here, and hidden as
    /// secrets.
    ///
    /// # Errors
    /// If a reference is set nowhere, or has a source that this host does not read.
    pub fn for_calls<R: Resolver>(config: &Value, id: &str, resolver: &R) -> Result<Self, R::Error> {
        Self::seal(config, id, Some(resolver))
    }

    fn seal<R: Resolver>(config: &Value, id: &str, resolver: Option<&R>) -> Result<Self, R::Error> {
        let mut document = excerpt(config, id);
        let text = document.to_string();
        let mark = mark(&text);
        let mut sealer = Sealer { mark: &mark, count: 0, sealed: HashMap::new(), fills: HashMap::new(), resolver };
        each_secret(&mut document, id, |place, value| sealer.hide(id, place, value))?;
        let Sealer { sealed, fills, .. } = sealer;
        Ok(Self { document, sealed, mark, fills })
    }

    /// As the plugin takes it.
    pub fn json(&self) -> String {
        self.document.to_string()
    }

    /// The text in every placeholder in headers; empty if there is none.
    pub fn mark(&self) -> &str {
        if self.fills.is_empty() { "" } else { &self.mark }
    }

    /// Whether the text holds a placeholder, or a copy of one.
    pub fn is_marked(&self, text: &str) -> bool {
        text.contains(&self.mark)
    }

    /// The value that stands for `text`, a whole secret.
    pub fn unseal(&self, text: &str) -> Option<&Value> {
        self.sealed.get(&text.into()).map(|sealed| &sealed.value)
    }

    /// What is sent instead of `text`, a header's value that the plugin made from a placeholder. `None` if it does not
    /// hold the whole placeholder.
    pub fn fill(&self, text: &str) -> Option<&SecretString> {
        self.fills.get(&as_json(text)).map(|fill| &fill.text)
    }

    /// What is hidden in headers, for the mask.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.fills.values().flat_map(|fill| &fill.secrets)
    }

    /// The header values that hold a reference, ours or the user's, of the plugin's own entry.
    pub fn referring_headers(&self, id: &str) -> Vec<(String, String)> {
        let headers = self.document.pointer(&format!("/models/providers/{id}/headers")).and_then(Value::as_object);
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        headers.into_iter().flatten().filter_map(text).filter(|(_, value)| is_reference(value)).collect()
    }

    /// Puts hidden values back where the next view would hide them again, and nowhere else. `room` is left for them, in bytes:
    /// an answer of a kilobyte can name a value of a kilobyte a hundred times.
    fn put_back(&self, value: &mut Value, named: bool, room: &mut usize) -> Result<()> {
        let Some(sealed) = self.sealed.get(value) else { return Ok(()) };
        // Before it is read: that costs as much as to put it back.
        let left = room.checked_sub(size(&sealed.value));
        let why = || format!("the plugin named hidden values of over {ADDED} bytes more than there were");
        *room = left.ok_or_else(|| Error::new(why()))?;
        let is_hidden_again = if sealed.is_inline {
            Concealer { mark: &self.mark, count: 0, references: false }.hides_in(&sealed.value, named)
        } else {
            named || !sealed.value.is_string()
        };
        if is_hidden_again {
            *value = sealed.value.clone();
        }
        Ok(())
    }

    /// `config` with the plugin's changed part put back.
    ///
    /// # Errors
    /// `invalid-config` if the plugin's answer is not an object, is far larger than what it was shown, or holds
    /// anything outside its part.
    pub fn merge_back(&self, config: &Value, id: &str, answer: &str) -> Result<Value> {
        if answer.len() > self.json().len() + ADDED {
            return Err(Error::new(format!("the plugin's configuration is over {ADDED} bytes larger than it was")));
        }
        let mut answer: Value = serde_json::from_str(answer)
            .map_err(|error| Error::new(format!("the plugin's configuration is not JSON: {error}")))?;
        if !answer.is_object() {
            return Err(Error::new("the plugin's configuration is not an object"));
        }
        let known: BTreeSet<_> = names(&self.document).collect();
        if let Some(name) = names(&answer).find(|name| UNSAFE.contains(name) && !known.contains(name)) {
            return Err(Error::new(format!("the plugin `{id}` wrote the member `{name}`")));
        }
        // Only where the next view would seal it again.
        let mut room = ADDED + self.sealed.values().map(|sealed| size(&sealed.value)).sum::<usize>();
        each_secret(&mut answer, id, |place, value| self.put_back(value, place.is_named(), &mut room))?;
        let mut merged = config.clone();
        put_back(&mut merged, &answer, id);
        // What a plugin wrote elsewhere must not get lost silently: refuse it.
        if excerpt(&answer, id) != answer {
            return Err(Error::new(format!("the plugin `{id}` wrote outside its part of the configuration")));
        }
        if answer.to_string().contains(&self.mark) {
            return Err(Error::new(format!("the plugin `{id}` moved a secret to where it does not belong")));
        }
        Ok(merged)
    }
}

/// As JSON, in bytes.
fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// Names with a special meaning in JavaScript code that copies objects carelessly, as OpenClaw does with this file.
/// `$include` would include another file the next time.
const UNSAFE: [&str; 4] = ["__proto__", "constructor", "prototype", "$include"];

/// The names of all members.
fn names(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter().flat_map(names)),
        Value::Object(members) => {
            Box::new(members.iter().flat_map(|(name, value)| iter::once(&**name).chain(names(value))))
        }
        _ => Box::new(iter::empty()),
    }
}

/// Settings that a plugin does not need and that may hold secrets.
const HELD: [&str; 4] = ["apiKey", "localService", "params", "request"];

/// Where a secret may be.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The key, or settings.
    Held,
    Header(&'a str),
    Option(&'a str),
}

impl Place<'_> {
    /// Whether a text there is a secret by its place or its name.
    fn is_named(self) -> bool {
        match self {
            Self::Held => true,
            Self::Header(name) | Self::Option(name) => names_a_secret(name),
        }
    }
}

type Visit<'v, E> = dyn FnMut(Place<'_>, &mut Value) -> Result<(), E> + 'v;

/// Visits each place that may hold a secret: in the provider's entry, in what agents know of models, of whatever provider,
/// and in the plugin's options. What is no object where one belongs is one such place.
fn each_secret<E>(
    document: &mut Value,
    id: &str,
    mut visit: impl FnMut(Place<'_>, &mut Value) -> Result<(), E>,
) -> Result<(), E> {
    each_member(document, &mut visit, |section, value, visit| {
        each_member(value, visit, |part, value, visit| match (section, part) {
            ("models", "providers") => each_member(value, visit, |name, entry, visit| match is_own(name, id) {
                true => each_member(entry, visit, of_entry),
                false => Ok(()),
            }),
            ("agents", "defaults") => each_member(value, visit, |name, value, visit| match name {
                "models" => each_member(value, visit, |_, model, visit| each_member(model, visit, of_model)),
                _ => Ok(()),
            }),
            ("plugins", "entries") => each_member(value, visit, |name, entry, visit| match is_own(name, id) {
                true => each_member(entry, visit, |name, value, visit| match name {
                    "config" => each_member(value, visit, |name, value, visit| visit(Place::Option(name), value)),
                    _ => Ok(()),
                }),
                false => Ok(()),
            }),
            _ => Ok(()),
        })
    })
}

/// Calls `each` for the members of an object; what is none is visited whole.
fn each_member<E>(
    value: &mut Value,
    visit: &mut Visit<'_, E>,
    each: impl Fn(&str, &mut Value, &mut Visit<'_, E>) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Value::Object(members) => members.iter_mut().try_for_each(|(name, value)| each(name, value, visit)),
        other => visit(Place::Held, other),
    }
}

fn of_entry<E>(name: &str, value: &mut Value, visit: &mut Visit<'_, E>) -> Result<(), E> {
    match (name.to_ascii_lowercase().as_str(), value) {
        ("headers", value) => each_member(value, visit, |name, value, visit| visit(Place::Header(name), value)),
        // A plugin reads the ids of the models, and these of none.
        ("models", Value::Array(models)) => models.iter_mut().try_for_each(|model| each_member(model, visit, of_model)),
        ("models", value) => visit(Place::Held, value),
        (_, value) => of_model(name, value, visit),
    }
}

/// The settings of a model, or of an entry, that may hold a secret: also what is misspelt so that it names one.
fn of_model<E>(name: &str, value: &mut Value, visit: &mut Visit<'_, E>) -> Result<(), E> {
    let is_held = HELD.iter().chain(["headers"].iter()).any(|held| held.eq_ignore_ascii_case(name));
    match value {
        value if is_held || names_a_secret(name) => visit(Place::Held, value),
        Value::Object(_) => each_member(value, visit, of_model),
        _ => Ok(()),
    }
}

/// Hides what is, or may be, a secret.
struct Sealer<'a, R> {
    mark: &'a str,
    count: usize,
    sealed: HashMap<Value, Sealed>,
    fills: HashMap<Value, Fill>,
    /// Present for calls.
    resolver: Option<&'a R>,
}

impl<R: Resolver> Sealer<'_, R> {
    fn hide(&mut self, id: &str, place: Place<'_>, value: &mut Value) -> Result<(), R::Error> {
        let named = place.is_named();
        if let Place::Option(name) = place {
            return self.option(&format!("plugins.entries.{id}.config.{name}"), value, named);
        }
        let is_whole = match value {
            Value::String(text) => named && !text.trim().is_empty() && !is_bare_reference(text),
            // Nothing that could be sent, where it is no key: the host says so.
            Value::Object(_) | Value::Array(_) => true,
            // The plugin may say what is wrong with it.
            _ => false,
        };
        if is_whole {
            self.whole(value, false);
            return Ok(());
        }
        let (Place::Header(name), Value::String(text)) = (place, &*value) else { return Ok(()) };
        if secret_json::parse(text).is_some() || !is_reference(text) {
            return self.inline(&format!("models.providers.{id}.headers.{name}"), value, false);
        }
        // The plugin leaves it to the host; what stands around the reference may be a secret too.
        if secret_json::is_broken(text) {
            self.whole(value, true);
        }
        Ok(())
    }

    /// An option of the plugin's own.
    fn option(&mut self, place: &str, value: &mut Value, named: bool) -> Result<(), R::Error> {
        match value {
            // Until it is resolved it is no JSON, and the plugin leaves a reference to the host.
            Value::String(text) if self.resolver.is_none() && secret_json::is_broken(text) && is_reference(text) => {
                self.whole(value, true);
                Ok(())
            }
            _ => self.inline(place, value, named),
        }
    }

    /// Replaces all of it by a reference of ours, which the plugin keeps as it is and sends nowhere.
    fn whole(&mut self, value: &mut Value, is_inline: bool) {
        // Trimmed here, as the plugin would: it cannot trim what it does not see.
        let secret = match value.take() {
            Value::String(text) => Value::String(text.trim().to_owned()),
            other => other,
        };
        *value = Value::String(format!("${{{}{}}}", self.mark, self.sealed.len()));
        self.sealed.insert(value.clone(), Sealed { value: secret, is_inline });
    }

    /// Hides only the secrets in it, so that the plugin can use the rest.
    fn inline(&mut self, place: &str, value: &mut Value, named: bool) -> Result<(), R::Error> {
        let original = value.clone();
        let mut concealer = Concealer { mark: self.mark, count: self.count, references: self.resolver.is_some() };
        if !concealer.conceal_inline(value, named) {
            return Ok(());
        }
        self.count = concealer.count;
        if let Some(resolver) = self.resolver {
            let named = if named { Named::Secret } else { Named::No };
            let text = secret_json::header(&original, place, resolver)?;
            let secrets = secret_json::secrets(&original, named, place, resolver)?;
            self.fills.insert(value.as_str().map_or_else(|| value.clone(), as_json), Fill { text, secrets });
        }
        self.sealed.insert(value.clone(), Sealed { value: original, is_inline: true });
        Ok(())
    }
}

/// A text as the JSON that it holds, else without white space around it: a plugin may write either anew.
fn as_json(text: &str) -> Value {
    secret_json::parse(text).unwrap_or_else(|| text.trim().into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;
    use crate::merge_check::{self, Choices, Owner};

    #[test]
    fn an_object_that_stands_for_a_text_is_shown_as_a_text_and_put_back() {
        let reference = json!({"source": "file", "provider": "mine", "id": "/a"});
        for options in [
            json!({"cacheNamespace": reference}),
            json!({"metadata": {"team": reference}}),
            json!({"config": {"targets": [{"api_key": reference}]}}),
        ] {
            let config = json!({"plugins": {"entries": {"portkey": {"config": options}}}});
            let view = View::of(&config, "portkey");
            assert!(!view.json().contains("source"), "{}", view.json());
            assert_eq!(view.merge_back(&config, "portkey", &view.json()).unwrap(), config);
        }
    }

    /// Nothing is referred to.
    struct Plain;

    impl Resolver for Plain {
        type Error = std::convert::Infallible;

        fn resolve(&self, text: &str, _: &str) -> Result<SecretString, Self::Error> {
            Ok(text.into())
        }

        fn referred(&self, _: &str) -> Result<Vec<SecretString>, Self::Error> {
            Ok(Vec::new())
        }

        fn follow(&self, _: &Value, _: &str) -> Result<SecretString, Self::Error> {
            Ok("".into())
        }
    }

    #[test]
    fn what_is_hidden_wherever_it_stands_is_masked() {
        let fixture: Value = serde_json::from_str(include_str!("../../../tests/fixtures/boundary/views.json")).unwrap();
        let all = |list: &Value| list.as_array().unwrap().clone();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let id = fixture["id"].as_str().unwrap();
        let places = |text: &Value| {
            [
                json!({"models": {"providers": {id: {"headers": {"x-up": text}}}}}),
                json!({"plugins": {"entries": {id: {"config": {"config": text}}}}}),
                json!({"plugins": {"entries": {id: {"config": {"config": {"a": text}}}}}}),
            ]
        };
        for case in all(&fixture["texts"]) {
            for config in places(&case["text"]) {
                let view = View::of(&config, id);
                let Ok(called) = View::for_calls(&config, id, &Plain);
                for shown in [view.json(), called.json()] {
                    assert!(texts(&case["hidden"]).iter().all(|text| !shown.contains(text)), "{case}: {shown}");
                }
                assert_eq!(view.merge_back(&config, id, &view.json()).unwrap(), config);
                let masked: Vec<_> = called.secrets().map(ExposeSecret::expose_secret).collect();
                assert!(texts(&case["masked"]).iter().all(|text| masked.contains(&&**text)), "{case}: {masked:?}");
                let is_none = |text: &Value| !masked.contains(&text.as_str().unwrap());
                assert!(case["not"].as_array().into_iter().flatten().all(is_none), "{case}: {masked:?}");
            }
        }
        for text in all(&fixture["plain"]) {
            for config in places(&text) {
                assert_eq!(View::of(&config, id).document, config);
            }
        }
        for case in all(&fixture["configs"]) {
            let view = View::of(&case["config"], id);
            assert!(texts(&case["hidden"]).iter().all(|text| !view.json().contains(text)), "{case}: {}", view.json());
            assert_eq!(view.merge_back(&case["config"], id, &view.json()).unwrap(), case["config"]);
        }
    }

    fn edited(mut document: Value, edits: &Value) -> Value {
        for edit in edits.as_array().into_iter().flatten() {
            let pointer = edit.get("set").or_else(|| edit.get("remove")).and_then(Value::as_str).unwrap();
            let mut steps: Vec<_> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/")).collect();
            let Some(last) = steps.pop() else {
                document = edit["to"].clone();
                continue;
            };
            let place = steps.iter().fold(&mut document, |place, step| match place {
                Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
                place => &mut place[step],
            });
            match (place, edit.get("to")) {
                (Value::Array(items), Some(to)) if last.parse() == Ok(items.len()) => items.push(to.clone()),
                (Value::Array(items), Some(to)) => items[last.parse::<usize>().unwrap()] = to.clone(),
                (place, Some(to)) => place[last] = to.clone(),
                (place, None) => drop(place.as_object_mut().unwrap().shift_remove(&last)),
            }
        }
        document
    }

    #[test]
    fn of_what_a_plugin_makes_of_the_configuration_only_its_own_part_is_taken() {
        let fixture: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/boundary/merges.json")).unwrap();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let (id, hidden) = (fixture["id"].as_str().unwrap(), texts(&fixture["hidden"]));
        let seen = View::of(&fixture["config"], id).json();
        assert!(hidden.iter().all(|text| !seen.contains(text)), "{seen}");
        assert!(texts(&fixture["shown"]).iter().all(|text| seen.contains(text)), "{seen}");
        let variables = texts(&fixture["env_vars"]);
        let owner = Owner {
            id,
            default_base_url: fixture["default_base_url"].as_str().unwrap(),
            key_variables: variables.iter().map(String::as_str).collect(),
        };
        for case in fixture["cases"].as_array().unwrap() {
            let config = case.get("config").unwrap_or(&fixture["config"]);
            let choice = |name: &str| case["choices"][name].as_str();
            let choices = Choices { base_url: choice("base_url"), api_key_reference: choice("api_key_reference") };
            let view = View::of(config, id);
            let seen = view.json();
            let is_hidden = |text: &Value| !seen.contains(text.as_str().unwrap());
            assert!(case["hidden"].as_array().into_iter().flatten().all(is_hidden), "{case}: {seen}");
            let mut document = edited(view.document.clone(), &case["edits"]);
            for moved in case["edits_move"].as_array().into_iter().flatten() {
                let name = |at: usize| moved[at].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let providers = document["models"]["providers"].as_object_mut().unwrap();
                let entry = providers.shift_remove(&name(0)).unwrap();
                providers.insert(name(1), entry);
            }
            if let Some(length) = case["grow"].as_u64() {
                document["models"]["providers"][id]["name"] = "x".repeat(usize::try_from(length).unwrap()).into();
            }
            let answer = case["answer"].as_str().map_or_else(|| document.to_string(), str::to_owned);
            let outcome = view.merge_back(config, id, &answer).and_then(|merged| {
                merge_check::check(config, &merged, &owner, &choices)?;
                Ok(merged)
            });
            assert_eq!(outcome.is_err(), case["refused"].as_bool().unwrap(), "{case}: {outcome:?}");
            match outcome {
                Ok(merged) => {
                    assert!(!merged.to_string().contains(&view.mark), "{case}: {merged}");
                    assert_eq!(edited(merged.clone(), &case["edits"]), merged, "{case}");
                    let is_left_alone = ["edits", "edits_move", "answer"].iter().all(|name| case.get(*name).is_none());
                    assert!(!is_left_alone || merged == *config, "{case}: {merged}");
                }
                Err(error) => {
                    let error = format!("{error} {error:?}");
                    assert!(hidden.iter().all(|text| !error.contains(text)), "{case}: {error}");
                }
            }
        }
    }

    #[test]
    fn hidden_values_are_put_back_as_long_as_there_is_room() {
        let config = json!({"models": {"providers": {"portkey": {"params": {"note": "x".repeat(40_000)}}}}});
        let view = View::of(&config, "portkey");
        for (copies, is_refused) in [(2, false), (1_000, true)] {
            let mut answer: Value = serde_json::from_str(&view.json()).unwrap();
            let entry = &mut answer["models"]["providers"]["portkey"];
            let hidden = entry["params"].clone();
            entry["headers"] = (0..copies).map(|name| (name.to_string(), hidden.clone())).collect();
            let outcome = view.merge_back(&config, "portkey", &answer.to_string());
            assert_eq!(outcome.is_err(), is_refused, "{copies}");
        }
    }

    /// What is moved takes room, too: it is read for each place.
    #[test]
    fn hidden_values_are_read_as_long_as_there_is_room() {
        let option = |options: Value| json!({"plugins": {"entries": {"portkey": {"config": options}}}});
        let config = option(json!({"api_key": {"k": format!("[{}1]", "1,".repeat(20_000))}}));
        let view = View::of(&config, "portkey");
        let shown: Value = serde_json::from_str(&view.json()).unwrap();
        let hidden = &shown["plugins"]["entries"]["portkey"]["config"]["api_key"];
        let copies = (0..1_000).map(|name| (name.to_string(), hidden.clone())).collect();
        let refused = view.merge_back(&config, "portkey", &option(copies).to_string()).unwrap_err();
        assert!(refused.to_string().contains("bytes more than there were"), "{refused}");
    }

    #[test]
    fn what_is_null_is_made_where_a_plugin_adds_to_it() {
        for config in [
            json!({"models": null, "agents": null}),
            json!({"models": {"providers": null}, "agents": {"defaults": null}}),
        ] {
            let view = View::of(&config, "portkey");
            assert_eq!(view.merge_back(&config, "portkey", &view.json()).unwrap(), config);
            let answer =
                json!({"models": {"providers": {"portkey": {}}}, "agents": {"defaults": {"model": "portkey/m"}}});
            assert_eq!(view.merge_back(&config, "portkey", &answer.to_string()).unwrap(), answer);
        }
    }
}
