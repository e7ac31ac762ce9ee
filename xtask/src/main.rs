//! Build steps that are more than a line of the Makefile: `cargo xtask --help`. A command is the module of its name.

#![allow(clippy::indexing_slicing, reason = "of JSON, where what is missing is null; and a build step may stop")]

mod component;
mod crates;
mod dist;
mod gateway;
mod locks;
mod npm;
mod oci;
mod sbom;
mod short_names;
mod site;
mod workspace;

use clap::Parser;

use crate::workspace::Workspace;

/// Build steps that are more than a line of the Makefile.
#[derive(Parser)]
enum Task {
    /// Builds the component as it is shipped, and prints where it is
    Component,
    /// Builds front and credentials, and composes the provider with them into one component
    Gateway(gateway::Args),
    /// Builds the program for this system into dist/, where the OpenClaw package is already
    Program,
    /// Adds to dist/, where all else is already, the rest of a release
    Dist,
    /// Packs the crates that are meant for others, and compiles them away from their sources
    Crates,
    /// Checks that all packages are pinned by their digests, and how they are installed
    Locks,
    /// For mdBook: has links out of docs/ lead to the repository
    SiteLinks(site::Args),
}

fn main() -> anyhow::Result<()> {
    let task = Task::parse();
    let workspace = Workspace::read()?;
    match task {
        Task::Component => component::run(&workspace),
        Task::Gateway(args) => gateway::run(&workspace, &args),
        Task::Program => dist::program(&workspace),
        Task::Dist => dist::run(&workspace),
        Task::Crates => crates::run(&workspace),
        Task::Locks => locks::run(&workspace),
        Task::SiteLinks(args) => site::run(&workspace, &args),
    }
}
