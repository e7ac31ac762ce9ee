//! What the component and its host cost: `make bench`.
//!
//! Each comparison makes the same calls to the same server by both arms in turn, checks what they give, and reports the
//! middle of many ratios: absolute times move with the machine, ratios much less.

mod alone;
mod arm;
mod chart;
mod component;
mod cost;
mod native;
#[allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the tests' own, as it is"
)]
#[path = "../../tests/all/portkey_gateway.rs"]
mod portkey_gateway;
mod report;
mod rows;
mod server;
mod session;

use std::path::{Path, PathBuf};

use tokio::runtime::{Builder, Runtime};

/// The project's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        None => bench(None),
        Some(("serve", _)) => Builder::new_current_thread().enable_all().build()?.block_on(server::serve()),
        Some(("alone", [asked])) => Runtime::new()?.block_on(alone::run(asked)),
        // Only the rows whose name holds this.
        Some((filter, _)) => bench(Some(filter)),
    }
}

fn bench(filter: Option<&str>) -> anyhow::Result<()> {
    let server = server::Process::start()?;
    println!("{}\n{}\n", report::machine(), report::versions());
    let mut report = report::Report::new(filter);
    rows::all(&server.addresses, &mut report)?;
    report.write(&root().join("target/bench.json"))
}
