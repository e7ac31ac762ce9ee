//! The onboarding and auth suite: whether a component of this world sets itself up, takes a key, draws images, makes
//! vectors, speaks, tells prices, and ends its streams the way OpenClaw's providers do. It plays the host and, with the
//! stand-in of [`host_harness_stub`], the gateway; nothing leaves the machine.
//!
//! The expectations follow from the component's own descriptor and the WIT, so any provider can be checked. The stand-in
//! speaks OpenAI's API: where a descriptor's `api` is another one, the cases that need its answers do not apply, nor those
//! of faults that it would be told of by another member than the body's `model`.
//! [`host_harness::validate()`] says whether a component may be loaded at all.
//!
//! The ids are those of OpenClaw's checklist: `O1`… onboarding, `I1`… images. Others are ours: `C1`… what only OpenClaw's
//! code says about images, `E1`… vectors, `V1`… audio, `P1`… prices, `M1`… merging, `A1`… the key, `S1`… streams, `W1`… the
//! wire.
//!
//! ```no_run
//! use host_harness::{Engine, Limits, Plugin};
//!
//! # async fn run() -> Result<(), host_harness::Error> {
//! let plugin = Plugin::load(&Engine::new(Limits::default())?, "portkey_provider.wasm").await?;
//! let report = host_harness_check::run(&plugin).await;
//! println!("{}", report.tap());
//! assert!(report.passed());
//! # Ok(()) }
//! ```

mod audio;
mod auth;
mod canned;
mod embeddings;
mod fixture;
mod images;
mod onboarding;
mod prices;
mod proxy;
mod report;
mod streams;

use std::time::Duration;

use futures_util::future::BoxFuture;

use self::fixture::{Fixture, Flaw, Verdict};
pub use self::report::{Case, Outcome, Report};
use host_harness::Plugin;

/// What a case may take: none waits for anything but this machine.
const LIMIT: Duration = Duration::from_secs(60);

/// One row of the suite.
struct Check {
    id: &'static str,
    title: &'static str,
    run: for<'a> fn(&'a Fixture) -> BoxFuture<'a, Verdict>,
}

/// Whether rows apply to a component.
type Applies = fn(&Fixture) -> Verdict;

/// All rows, in the order in which they run.
const SUITES: [(Applies, &[Check]); 7] = [
    (|_| Ok(()), onboarding::CHECKS),
    (|fixture| fixture.images().map(drop), images::CHECKS),
    (Fixture::embeddings, embeddings::CHECKS),
    (Fixture::audio, audio::CHECKS),
    (Fixture::prices, prices::CHECKS),
    (|_| Ok(()), auth::CHECKS),
    (|_| Ok(()), streams::CHECKS),
];

fn checks() -> impl Iterator<Item = (Applies, &'static Check)> {
    SUITES.into_iter().flat_map(|(applies, checks)| checks.iter().map(move |check| (applies, check)))
}

/// Runs every case against `plugin`, each with gateways of its own. What goes wrong in a case is that case's outcome.
pub async fn run(plugin: &Plugin) -> Report {
    run_and_tell(plugin, |_, _| ()).await
}

/// How many cases there are.
pub fn count() -> usize {
    checks().count()
}

/// The same as [`run`], which hands each case to `tell` as soon as it is over, with its number, from 1 on.
pub async fn run_and_tell(plugin: &Plugin, mut tell: impl FnMut(usize, &Case)) -> Report {
    let fixture = Fixture::new(plugin.clone());
    let mut cases = Vec::new();
    for (applies, check) in checks() {
        let late = |_| Err(Flaw::Failed(format!("expected an end within {} seconds, got none", LIMIT.as_secs())));
        let case = async {
            applies(&fixture)?;
            (check.run)(&fixture).await
        };
        let outcome = match tokio::time::timeout(LIMIT, case).await.unwrap_or_else(late) {
            Ok(()) => Outcome::Ok,
            Err(Flaw::Failed(reason)) => Outcome::Failed(fixture::without_keys(&reason)),
            Err(Flaw::NotApplicable(reason)) => Outcome::NotApplicable(reason),
        };
        let case = Case { id: check.id, title: check.title, outcome };
        tell(cases.len() + 1, &case);
        cases.push(case);
    }
    Report { cases }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_case_stands_twice() {
        for (_, check) in checks() {
            let same = checks().filter(|(_, other)| (other.id, other.title) == (check.id, check.title)).count();
            assert_eq!(same, 1, "{} {}", check.id, check.title);
        }
    }
}
