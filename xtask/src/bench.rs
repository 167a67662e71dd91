//! `cargo xtask bench`: builds the bot, a bare twilight bot and the generator as they run in the open,
//! and lets the generator measure the two side by side.
//!
//! What is measured and how is in `xtask/bench`; this verb only builds and starts it.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::cargo::{self, Profile};
use crate::install::Source;
use crate::process::{self, Stop};
use crate::steps::Steps;
use crate::workspace::Workspace;

/// The plugins that are measured with.
const PLUGINS: [&str; 2] = ["example", "stress"];

/// Measure the bot beside a bare twilight bot: start, memory, commands, messages, reloads
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the generator takes: --quick, --rounds N, --only NAME, --json FILE, --hold LOAD.
    /// The figures go to bench.json in cargo's target folder unless --json says otherwise
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let staged = workspace.target.join("plugins");
    let mut steps = Steps::new(PLUGINS.len() + 3);
    let root = &workspace.root;
    let bot = steps.step("building the bot", || {
        let artifacts = cargo::build(Profile::Release, &["-p", "host", "--bin", "bothost"], root, stop)?;
        cargo::executable(&artifacts, "bothost")
    })?;
    let (bench, twilight) = steps.step("building the generator and the peer", || {
        let artifacts = cargo::build(Profile::Release, &["-p", "bench", "--bins"], root, stop)?;
        let find = |name| cargo::executable(&artifacts, name);
        Ok((find("bench")?, find("bare-twilight")?))
    })?;
    for name in PLUGINS {
        let source = Source::Member(workspace.plugin(name)?);
        steps.step(&source.what(), || {
            source.install(&workspace, Profile::Release, &[], &staged, stop)
        })?;
    }
    steps.step("measuring", || {
        let mut command = Command::new(bench);
        command.arg("--host").arg(bot).arg("--twilight").arg(twilight);
        command
            .arg("--plugins")
            .arg(&staged)
            .arg("--json")
            .arg(workspace.target.join("bench.json"));
        process::run(command.args(&arguments.options), stop)
    })?;
    Ok(ExitCode::SUCCESS)
}
