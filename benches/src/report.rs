//! The table that is printed and the same as JSON.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// At most this.
    pub(crate) aim: Option<f64>,
    /// Whether the aim was met; absent where there is none.
    pub(crate) met: Option<bool>,
    /// What the figure comes from.
    pub(crate) detail: String,
}

/// What has been measured so far.
pub(crate) struct Report<'a> {
    rows: Vec<Row>,
    /// Of the parts, only this one.
    only: Option<&'a str>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(only: Option<&'a str>) -> Self {
        println!("| what | value | at most | | how |\n| --- | --- | --- | --- | --- |");
        Self { rows: Vec::new(), only }
    }

    /// Whether this part is to be measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Notes a figure, prints it, and holds it against its aim.
    pub(crate) fn row(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        aim: impl Into<Option<f64>>,
        detail: impl Into<String>,
    ) {
        let aim = aim.into();
        let row = Row { name: name.into(), value, unit, aim, met: aim.map(|aim| value <= aim), detail: detail.into() };
        let (aim, met) = match (row.aim, row.met) {
            (Some(aim), Some(met)) => (format!("{} {unit}", number(aim)), if met { "met" } else { "MISSED" }),
            _ => (String::new(), ""),
        };
        println!("| {} | {} {unit} | {aim} | {met} | {} |", row.name, number(value), row.detail);
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
