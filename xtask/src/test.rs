//! `cargo xtask test [FILTER]`: everything that must hold, in one command.
//!
//! The tidy checks first, since they take a second; then the plugins, compiled as they are shipped,
//! for tests that load real ones; then the tests of all crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Profile};
use crate::install::Source;
use crate::process::{self, Stop};
use crate::steps::Steps;
use crate::tidy;
use crate::workspace::{Plugin, Workspace};

/// Check the tree's invariants, compile every plugin, run all tests
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tests whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let staged = workspace.target.join("plugins");
    let mut steps = Steps::new(workspace.plugins.len() + 2);
    steps.step("checking the tree", || match tidy::findings(&workspace.root)? {
        0 => Ok(()),
        count => bail!("{count} findings of tidy"),
    })?;
    let mut compiled = Vec::new();
    for plugin in &workspace.plugins {
        let source = Source::Member(plugin.clone());
        compiled.push(steps.step(&source.what(), || {
            source.install(&workspace, Profile::Release, &["--locked"], &staged, stop)
        })?);
    }
    remove_all_but(&compiled, &staged)?;
    steps.step("running the tests", || {
        let mut command = cargo::command();
        command
            .current_dir(&workspace.root)
            .args(test_arguments(&workspace.plugins, arguments.filter.as_deref()));
        // Where tests find the compiled plugins. The bot's program they take from cargo, never from here.
        command.env("BOTHOST_PLUGINS", &staged).env_remove("BOTHOST_BIN");
        process::run(&mut command, stop)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What earlier plugins left behind would be tested in their place.
fn remove_all_but(files: &[PathBuf], folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !files.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Libraries, programs, integration tests and documentation, of all crates but the plugins without
/// tests: those would be built once more for nothing.
fn test_arguments(plugins: &[Plugin], filter: Option<&str>) -> Vec<String> {
    let mut arguments: Vec<String> = ["test", "--workspace", "--locked"].map(str::to_owned).to_vec();
    for plugin in plugins.iter().filter(|plugin| !plugin.has_tests()) {
        arguments.extend(["--exclude".to_owned(), plugin.name.clone()]);
    }
    arguments.extend(filter.map(str::to_owned));
    arguments
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{remove_all_but, test_arguments};
    use crate::workspace::Plugin;

    #[test]
    fn only_plugins_of_the_tree_are_left_for_the_tests() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [kept, old] = ["libexample.so", "libgone.so"].map(|name| folder.path().join(name));
        for file in [&kept, &old] {
            fs::write(file, "code").expect("a file");
        }
        remove_all_but(std::slice::from_ref(&kept), folder.path()).expect("it is swept");
        assert!(kept.exists() && !old.exists());
        remove_all_but(&[], &folder.path().join("none")).expect("nothing to sweep");
    }

    #[test]
    fn plugins_without_tests_are_left_out_and_the_filter_comes_last() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugin = |name: &str| Plugin {
            name: name.to_owned(),
            manifest: folder.path().join(name).join("Cargo.toml"),
            fixture: false,
        };
        fs::create_dir_all(folder.path().join("tested/tests")).expect("a folder");
        assert_eq!(
            test_arguments(&[plugin("tested"), plugin("untested")], Some("reload")),
            ["test", "--workspace", "--locked", "--exclude", "untested", "reload"]
        );
    }
}
