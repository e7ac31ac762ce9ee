//! Prices of models, and those that were told, in memory and in a file. Owns for how long one is kept; `price_of` asks.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{component::cache::Cache, types::Usage, wit::prices::Price};

/// How long an answer is kept, also the answer that there is no price.
const DAY: Duration = Duration::from_hours(24);
/// How long nobody is asked after the network or the service failed.
const PAUSE: Duration = Duration::from_mins(5);
/// Most answers that are kept, the newest.
const MOST: usize = 4096;
/// Longest name of a model or a provider that is kept.
const MAX_NAME: usize = 256;
/// No model costs more for a million tokens: with such a price there is no sum of what a call cost.
const MOST_DOLLARS: f64 = 1e9;
/// The file in the user's cache folder, and its largest size that is read.
const FILE: &str = "prices.json";
const MAX_FILE: u64 = 4 << 20;

impl Price {
    /// What a call that used this much costs, in US dollars. `None` where it used a prompt cache whose price is not known.
    ///
    /// ```
    /// use host_harness::{types::Usage, wit::prices::Price};
    ///
    /// let price = Price { input: 3.0, output: 15.0, cache_read: Some(0.3), cache_write: None };
    /// let usage = Usage { input_tokens: 1000, output_tokens: 100, cache_read_tokens: Some(600), ..Usage::default() };
    /// assert_eq!(price.cost_of(&usage), Some((400.0 * 3.0 + 600.0 * 0.3 + 100.0 * 15.0) / 1e6));
    /// ```
    pub fn cost_of(&self, usage: &Usage) -> Option<f64> {
        let read = usage.cache_read_tokens.unwrap_or(0).min(usage.input_tokens);
        let written = usage.cache_write_tokens.unwrap_or(0).min(usage.input_tokens - read);
        let plain = usage.input_tokens - read - written;
        let cost = |tokens: u64, price: Option<f64>| if tokens == 0 { Some(0.0) } else { Some(tokens as f64 * price?) };
        let input = cost(plain, Some(self.input))? + cost(read, self.cache_read)? + cost(written, self.cache_write)?;
        Some((input + usage.output_tokens as f64 * self.output) / 1e6)
    }

    /// Of a call that the gateway answered from its own cache: nobody was asked.
    pub(super) const NOTHING: Self = Self { input: 0.0, output: 0.0, cache_read: Some(0.0), cache_write: Some(0.0) };

    /// Whether it can be one: a plugin or a file may say anything.
    pub(super) fn is_sound(&self) -> bool {
        self.all().all(|price| (0.0..=MOST_DOLLARS).contains(&price))
    }

    /// As JSON, by the names of its fields.
    ///
    /// ```
    /// use host_harness::wit::prices::Price;
    ///
    /// let price = Price { input: 3.0, output: 15.0, cache_read: Some(0.3), cache_write: None };
    /// assert_eq!(price.to_json().to_string(), r#"{"input":3.0,"output":15.0,"cache_read":0.3,"cache_write":null}"#);
    /// ```
    pub fn to_json(&self) -> Value {
        let Self { input, output, cache_read, cache_write } = self;
        json!({"input": input, "output": output, "cache_read": cache_read, "cache_write": cache_write})
    }

    /// A price in JSON, where the fields of the cache have these names.
    fn read(json: &Value, [read, write]: [&str; 2]) -> Option<Self> {
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        let (cache_read, cache_write) = (number(read), number(write));
        let price = Self { input: number("input")?, output: number("output")?, cache_read, cache_write };
        price.is_sound().then_some(price)
    }

    /// `models[].cost` of OpenClaw's configuration. Zeros alone are what is written where no price is known.
    pub(crate) fn configured(cost: &Value) -> Option<Self> {
        let price = Self::read(cost, ["cacheRead", "cacheWrite"])?;
        price.all().any(|price| price > 0.0).then_some(price)
    }

    /// The prices that are known.
    fn all(&self) -> impl Iterator<Item = f64> {
        [Some(self.input), Some(self.output), self.cache_read, self.cache_write].into_iter().flatten()
    }
}

/// What was asked. Another plugin has a table of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) origin: String,
    /// The digest of the headers that may decide who answers.
    pub(super) way: String,
    pub(super) provider: Option<String>,
    pub(super) id: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Told {
    price: Option<Price>,
    /// Seconds since 1970.
    at: u64,
}

impl Told {
    fn is_fresh(&self, now: u64) -> bool {
        self.at <= now && now - self.at < DAY.as_secs()
    }
}

/// The prices that were told. Holds no secret: origins, names, numbers and digests of headers without secrets.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    /// The digest of the plugin, since any may call itself as another does, and the folder that its prices are kept in.
    file: Option<(String, Cache)>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    told: HashMap<Key, Told>,
    /// When the network or a service failed, by origin.
    failed: HashMap<String, Instant>,
    is_read: bool,
    is_changed: bool,
}

impl Prices {
    /// Kept in this folder too.
    pub(crate) fn in_folder(plugin: &str, folder: Cache) -> Self {
        Self { file: Some((plugin.to_owned(), folder)), table: Mutex::default() }
    }

    /// With what the file holds, which is read when it is first needed.
    fn with_table<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        // A panic elsewhere leaves it whole.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if !table.is_read {
            table.is_read = true;
            table.told.extend(self.read());
        }
        act(&mut table)
    }

    /// What is known without asking; the inner `None` where there is no price, or where asking now is in vain.
    pub(super) fn known(&self, key: &Key) -> Option<Option<Price>> {
        self.with_table(|table| {
            let told = table.told.get(key).filter(|told| told.is_fresh(now()));
            let has_failed = || table.failed.get(&key.origin).is_some_and(|at| at.elapsed() < PAUSE);
            told.map(|told| told.price).or_else(|| has_failed().then_some(None))
        })
    }

    pub(super) fn told(&self, key: Key, price: Option<Price>) {
        let is_short = |name: &str| name.len() <= MAX_NAME;
        if !is_short(&key.id) || !key.provider.as_deref().is_none_or(is_short) {
            return;
        }
        self.with_table(|table| {
            table.told.insert(key, Told { price, at: now() });
            newest(&mut table.told);
            table.is_changed = true;
        });
    }

    pub(super) fn failed(&self, origin: String) {
        self.with_table(|table| table.failed.insert(origin, Instant::now()));
    }

    /// The entries of the file, those of other plugins aside. A file that cannot be read holds none.
    fn read(&self) -> HashMap<Key, Told> {
        let Some((plugin, folder)) = &self.file else { return HashMap::new() };
        entries(folder).iter().filter_map(|entry| read_entry(entry, plugin)).collect()
    }

    /// Writes what is new into the file, beside what others wrote there meanwhile.
    pub(super) fn keep(&self) {
        let Some((plugin, folder)) = &self.file else { return };
        let changed = self.with_table(|table| std::mem::take(&mut table.is_changed).then(|| table.told.clone()));
        let Some(mut told) = changed else { return };
        let there = entries(folder);
        for (key, theirs) in there.iter().filter_map(|entry| read_entry(entry, plugin)) {
            let ours = told.entry(key).or_insert_with(|| theirs.clone());
            if theirs.at > ours.at {
                *ours = theirs;
            }
        }
        newest(&mut told);
        let of_others = there.into_iter().filter(|entry| entry["plugin"] != **plugin).take(MOST);
        let entries: Vec<Value> =
            told.iter().map(|(key, told)| write_entry(key, told, plugin)).chain(of_others).collect();
        // One that cannot be written costs a question, not the call.
        if let Err(error) = folder.write(FILE, &[json!({"prices": entries}).to_string().as_bytes()]) {
            tracing::debug!(%error, "could not keep the prices");
        }
    }
}

/// Leaves those that are fresh, and of too many the newest.
fn newest(told: &mut HashMap<Key, Told>) {
    let now = now();
    told.retain(|_, told| told.is_fresh(now));
    if told.len() > MOST {
        let mut ages: Vec<u64> = told.values().map(|told| told.at).collect();
        ages.sort_unstable();
        // A few more than too many, so that this is not done for each.
        let oldest = ages.get(ages.len() - MOST + MOST / 8).copied().unwrap_or(now);
        let mut room = MOST;
        told.retain(|_, told| told.at >= oldest && room.checked_sub(1).map(|left| room = left).is_some());
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn entries(folder: &Cache) -> Vec<Value> {
    let file = folder.read(FILE, MAX_FILE).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(Value::Object(mut file)) = file else { return Vec::new() };
    match file.remove("prices") {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

fn write_entry(key: &Key, told: &Told, plugin: &str) -> Value {
    let price = told.price.as_ref().map(Price::to_json);
    let Key { origin, way, provider, id } = key;
    json!({"plugin": plugin, "origin": origin, "way": way, "provider": provider, "id": id, "at": told.at, "price": price})
}

fn read_entry(entry: &Value, plugin: &str) -> Option<(Key, Told)> {
    let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
    if text("plugin")? != plugin {
        return None;
    }
    let price = match entry.get("price")? {
        Value::Null => None,
        price => Some(Price::read(price, ["cache_read", "cache_write"])?),
    };
    let told = Told { price, at: entry.get("at")?.as_u64()? };
    let key = Key { origin: text("origin")?, way: text("way")?, provider: text("provider"), id: text("id")? };
    Some((key, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input: 2.5, output: 10.0, cache_read: Some(0.25), cache_write: None };

    fn key(id: &str) -> Key {
        Key { origin: "https://api.example.com".into(), way: "w".into(), provider: None, id: id.into() }
    }

    fn kept(folder: &std::path::Path, plugin: &str) -> Prices {
        Prices::in_folder(plugin, Cache::at(folder).unwrap())
    }

    #[test]
    fn what_was_told_is_kept_for_a_day_by_plugin() {
        let folder = tempfile::tempdir().unwrap();
        let prices = kept(folder.path(), "a");
        assert_eq!(prices.known(&key("m")), None);
        prices.told(key("m"), Some(PRICE));
        prices.told(key("none"), None);
        prices.keep();
        // Another that wrote meanwhile, and another plugin's.
        let other = kept(folder.path(), "a");
        other.told(key("n"), Some(PRICE));
        other.keep();
        kept(folder.path(), "b").told(key("m"), None);
        let b = kept(folder.path(), "b");
        b.told(key("m"), None);
        b.keep();
        prices.told(key("o"), None);
        prices.keep();

        let again = kept(folder.path(), "a");
        for (id, known) in [("m", Some(Some(PRICE))), ("n", Some(Some(PRICE))), ("none", Some(None)), ("x", None)] {
            assert_eq!(again.known(&key(id)), known, "{id}");
        }
        assert_eq!(kept(folder.path(), "b").known(&key("m")), Some(None));
        assert_eq!(again.known(&Key { provider: Some("p".into()), ..key("m") }), None);
        assert_eq!(again.known(&Key { way: "v".into(), ..key("m") }), None);
        assert_eq!(again.known(&Key { origin: "https://other.example.com".into(), ..key("m") }), None);

        // What is older than a day, from the future, or no price, is as if it were not there.
        let path = folder.path().join(FILE);
        let good = std::fs::read_to_string(&path).unwrap();
        let at = |seconds: u64| {
            let mut file: Value = serde_json::from_str(&good).unwrap();
            file["prices"].as_array_mut().unwrap().iter_mut().for_each(|entry| entry["at"] = seconds.into());
            file.to_string()
        };
        for (file, is_known) in [
            (good.clone(), true),
            (at(now() - DAY.as_secs() + 60), true),
            (at(now() - DAY.as_secs()), false),
            (at(now() + 60), false),
            (good.replace("2.5", "-2.5"), false),
            (good.replace("2.5", "\"2.5\""), false),
            ("{".into(), false),
            ("[]".into(), false),
            (String::new(), false),
        ] {
            std::fs::write(&path, &file).unwrap();
            assert_eq!(kept(folder.path(), "a").known(&key("m")).is_some(), is_known, "{file}");
        }
    }

    #[test]
    fn a_failure_is_not_kept_but_asks_nobody_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let prices = kept(folder.path(), "a");
        prices.told(key("known"), Some(PRICE));
        prices.failed(key("m").origin);
        prices.keep();
        assert_eq!(prices.known(&key("m")), Some(None));
        assert_eq!(prices.known(&key("known")), Some(Some(PRICE)));
        assert_eq!(prices.known(&Key { origin: "https://other.example.com".into(), ..key("m") }), None);
        assert_eq!(kept(folder.path(), "a").known(&key("m")), None);
    }

    #[test]
    fn only_so_many_are_kept_and_no_long_names() {
        let prices = Prices::default();
        for number in 0..MOST + 10 {
            prices.told(key(&number.to_string()), None);
        }
        let count = prices.with_table(|table| table.told.len());
        assert!((MOST / 2..=MOST).contains(&count), "{count}");
        prices.told(key(&"m".repeat(MAX_NAME + 1)), None);
        assert_eq!(prices.known(&key(&"m".repeat(MAX_NAME + 1))), None);
    }

    #[test]
    fn a_cost_counts_the_cache_apart_and_reasoning_as_output() {
        let usage = Usage {
            input_tokens: 1_000_000,
            output_tokens: 1_000_000,
            cache_read_tokens: Some(400_000),
            cache_write_tokens: Some(100_000),
            reasoning_tokens: Some(900_000),
        };
        let price = Price { cache_write: Some(5.0), ..PRICE };
        assert_eq!(price.cost_of(&usage), Some(0.5 * 2.5 + 0.4 * 0.25 + 0.1 * 5.0 + 10.0));
        assert_eq!(PRICE.cost_of(&usage), None, "what was written has no price");
        assert_eq!(PRICE.cost_of(&Usage { cache_write_tokens: Some(0), ..usage }), Some(0.6 * 2.5 + 0.4 * 0.25 + 10.0));
        // More read than there was is nonsense, and no reason to pay less than nothing.
        let odd = Usage { input_tokens: 10, cache_read_tokens: Some(u64::MAX), cache_write_tokens: Some(9), ..usage };
        assert_eq!(PRICE.cost_of(&odd), Some((10.0 * 0.25 + 1e6 * 10.0) / 1e6));
        assert_eq!(Price::NOTHING.cost_of(&usage), Some(0.0));
        // Whatever is believed, there is a sum.
        let all = Usage { input_tokens: u64::MAX, output_tokens: u64::MAX, cache_read_tokens: Some(u64::MAX), ..usage };
        for dollars in [f64::MAX, 1e300, 1e9, f64::MIN_POSITIVE, f64::NAN] {
            let price =
                Price { input: dollars, output: dollars, cache_read: Some(dollars), cache_write: Some(dollars) };
            let cost = Some(price).filter(Price::is_sound).map(|price| price.cost_of(&all));
            assert!(cost.is_none_or(|cost| cost.is_some_and(f64::is_finite)), "{dollars}: {cost:?}");
        }
    }

    #[test]
    fn a_configured_price_is_one_unless_it_is_all_zeros() {
        let cost = |cost: Value| Price::configured(&cost);
        let written = json!({"input": 1, "output": 2.5, "cacheRead": 0, "cacheWrite": 0});
        assert_eq!(
            cost(written),
            Some(Price { input: 1.0, output: 2.5, cache_read: Some(0.0), cache_write: Some(0.0) })
        );
        assert_eq!(
            cost(json!({"input": 1, "output": 2})),
            Some(Price { input: 1.0, output: 2.0, cache_read: None, cache_write: None })
        );
        for none in [
            json!({"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}),
            json!({"input": -1, "output": 1}),
            json!({"input": 1e300, "output": 1}),
            json!({"input": "${PORTKEY_API_KEY}", "output": 1}),
            json!({"input": {"source": "env", "id": "PORTKEY_API_KEY"}, "output": 1}),
            json!({"input": "1", "output": 1}),
            json!({"output": 1}),
            json!(null),
            json!(3),
        ] {
            assert_eq!(cost(none.clone()), None, "{none}");
        }
    }
}
