//! The table that is printed and the same as JSON.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

/// How often a part is measured whose figures depend on the machine.
pub(crate) const RUNS: usize = 5;

/// How much worse than its aim the worst run of a row may be that meets it.
const SPREAD: f64 = 1.1;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The middle of the runs.
    pub(crate) value: f64,
    /// The largest of the runs.
    pub(crate) worst: f64,
    pub(crate) unit: &'static str,
    /// At most this.
    pub(crate) aim: Option<f64>,
    /// Whether the aim was met, by the middle and nearly by the worst; absent where there is none.
    pub(crate) met: Option<bool>,
    /// What the figure comes from, in the run in the middle.
    pub(crate) detail: String,
    /// What each run gave, from the least on.
    #[serde(skip)]
    runs: Vec<(f64, String)>,
}

impl Row {
    fn add(&mut self, value: f64, detail: String) {
        self.runs.push((value, detail));
        self.runs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        if let (Some((middle, detail)), Some((worst, _))) = (self.runs.get(self.runs.len() / 2), self.runs.last()) {
            (self.value, self.worst, self.detail) = (*middle, *worst, detail.clone());
        }
        self.met = self.aim.map(|aim| self.value <= aim && self.worst <= aim * SPREAD);
    }

    fn print(&self) {
        let Self { name, value, worst, unit, aim, met, detail, runs } = self;
        let aim = aim.map(|aim| format!("{} {unit}", number(aim))).unwrap_or_default();
        let met = met.map_or("", |met| if met { "met" } else { "MISSED" });
        let worst = if runs.len() > 1 { number(*worst) } else { String::new() };
        println!("| {name} | {} {unit} | {worst} | {aim} | {met} | {detail} |", number(*value));
    }
}

/// What has been measured so far.
pub(crate) struct Report<'a> {
    rows: Vec<Row>,
    /// Of the parts, only this one.
    only: Option<&'a str>,
    /// How many rows there were before this part.
    before: usize,
}

impl<'a> Report<'a> {
    pub(crate) fn new(only: Option<&'a str>) -> Self {
        println!("| what | median | worst | at most | | how |\n| --- | --- | --- | --- | --- | --- |");
        Self { rows: Vec::new(), only, before: 0 }
    }

    /// Measures a part so many times, if it is wanted, and prints its rows.
    pub(crate) fn part(
        &mut self,
        name: &str,
        runs: usize,
        mut measure: impl FnMut(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.only.is_some_and(|only| only != name) {
            return Ok(());
        }
        self.before = self.rows.len();
        for _ in 0..runs {
            measure(self)?;
        }
        self.rows.iter().skip(self.before).for_each(Row::print);
        Ok(())
    }

    /// Notes a figure of this run, and holds it against its aim.
    pub(crate) fn row(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        aim: impl Into<Option<f64>>,
        detail: impl Into<String>,
    ) {
        let (name, aim, detail) = (name.into(), aim.into(), detail.into());
        let of_part = self.rows.get_mut(self.before..).unwrap_or_default();
        if let Some(row) = of_part.iter_mut().find(|row| row.name == name && row.unit == unit) {
            return row.add(value, detail);
        }
        let mut row = Row { name, value, worst: value, unit, aim, met: None, detail: String::new(), runs: Vec::new() };
        row.add(value, detail);
        self.rows.push(row);
    }

    /// Writes the rows to `target/bench.json`.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let json = serde_json::json!({"machine": machine(), "versions": versions(), "rows": self.rows});
        fs::write(path, serde_json::to_vec_pretty(&json)?)?;
        Ok(())
    }
}

/// With as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Processor, how many of it, and system.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let model = model.trim_start_matches([':', '\t', ' ']);
    format!("{cores} x {model}, Linux {}, load {load} at the start", kernel.trim())
}

/// What was built with what, and the peers.
pub(crate) fn versions() -> String {
    let lock = fs::read_to_string(crate::root().join("Cargo.lock")).unwrap_or_default();
    let locked = |name: &str| {
        let from = lock.find(&format!("name = \"{name}\"\nversion = \""));
        from.and_then(|from| lock.get(from..)?.split('"').nth(3)).unwrap_or("unknown").to_owned()
    };
    let peer = |name: &str| {
        let package = crate::root().join("benches/node/node_modules").join(name).join("package.json");
        let package: serde_json::Value =
            fs::read(package).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        package.get("version").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
    };
    let first_line = |command: &str| {
        let output = Command::new(command).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().next().unwrap_or("unknown").to_owned()
    };
    format!(
        "{}, wasmtime {}, hyper {}, Node {}, openai {}, portkey-ai {}",
        first_line("rustc"),
        locked("wasmtime"),
        locked("hyper"),
        first_line("node"),
        peer("openai"),
        peer("portkey-ai")
    )
}
