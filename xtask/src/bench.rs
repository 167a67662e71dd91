//! `cargo xtask bench`: builds the bot, a bare twilight bot and the generator as they run in the open,
//! and lets the generator measure the two side by side.
//!
//! What is measured and how is in `xtask/bench`; this verb only builds and starts it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::cargo::{self, Profile};
use crate::install::{self, Source};
use crate::process::{self, Stop};
use crate::steps::Steps;
use crate::workspace::Workspace;

/// The plugins that are measured with.
const PLUGINS: [&str; 5] = [
    "example",
    "stress",
    "tally",
    "relay-00000000000000000000000001",
    "courier",
];
/// Built once more without the counting allocator, into a folder of that name.
const UNCOUNTED: &str = "courier";

/// So many plugins beside the example plugin make ten, which a bot with many plugins has.
const MORE: usize = 9;

/// Measure the bot beside a bare twilight bot: start, memory, commands, messages, reloads
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the generator takes: --quick, --rounds N, --only NAME, --json FILE, --hold LOAD, --bot BOT.
    /// The figures go to bench.json in cargo's target folder unless --json says otherwise
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let staged = workspace.target.join("plugins");
    let mut steps = Steps::new(PLUGINS.len() + 4 + usize::from(wants_many(&arguments.options)));
    let root = &workspace.root;
    let bot = steps.step("building the bot", || {
        let artifacts = cargo::build(Profile::Release, &["-p", "host", "--bin", "bothost"], root, stop)?;
        cargo::executable(&artifacts, "bothost")
    })?;
    let (bench, twilight, mimalloc) = steps.step("building the generator and the peer", || {
        let artifacts = cargo::build(Profile::Release, &["-p", "bench", "--bins"], root, stop)?;
        let find = |name| cargo::executable(&artifacts, name);
        Ok((find("bench")?, find("bare-twilight")?, find("bare-twilight-mimalloc")?))
    })?;
    for name in PLUGINS {
        let source = Source::Member(workspace.plugin(name)?);
        steps.step(&source.what(), || {
            source.install(&workspace, Profile::Release, &[], &staged, stop)
        })?;
    }
    steps.step("building plugin courier without the counting allocator", || {
        let source = Source::Member(workspace.plugin(UNCOUNTED)?);
        let folder = staged.join("uncounted");
        source.install(
            &workspace,
            Profile::Release,
            &["--features", "uncounted"],
            &folder,
            stop,
        )
    })?;
    if wants_many(&arguments.options) {
        steps.step("building plugin example under more names", || {
            more_examples(&workspace, &staged, stop)
        })?;
    }
    steps.step("measuring", || {
        let mut command = Command::new(bench);
        command.arg("--host").arg(bot).arg("--twilight").arg(twilight);
        command
            .arg("--twilight-mimalloc")
            .arg(mimalloc)
            .arg("--plugins")
            .arg(&staged)
            .arg("--json")
            .arg(workspace.target.join("bench.json"));
        process::run(command.args(&arguments.options), stop)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether memory with many plugins is measured: where it is named, or nothing is.
fn wants_many(options: &[OsString]) -> bool {
    let is = |option: &OsString, text: &str| option.to_str().is_some_and(|option| option.contains(text));
    let names_some = options
        .iter()
        .any(|option| is(option, "--only") || is(option, "--hold"));
    !names_some || options.iter().any(|option| is(option, "memory"))
}

/// Builds the example plugin under other names: a plugin is called what its package is called. They are a workspace of
/// their own, with this one's versions and profile, so that what they depend on is not built again.
fn more_examples(workspace: &Workspace, staged: &Path, stop: &Stop) -> Result<()> {
    let folder = workspace.target.join("bench-plugins");
    let root = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    let names: Vec<String> = (1..=MORE).map(|number| format!("example-{number}")).collect();
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[workspace]\nresolver = \"3\"\nmembers = {names:?}\n\n{}",
            release_profile(&root)
        ),
    )?;
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for name in &names {
        fs::create_dir_all(folder.join(name))?;
        fs::write(
            folder.join(name).join("Cargo.toml"),
            renamed_example(name, &workspace.root),
        )?;
    }
    let target = workspace.target.to_string_lossy();
    let artifacts = cargo::build(Profile::Release, &["--target-dir", &target], &folder, stop)?;
    for name in &names {
        install::drop_into(
            staged,
            &cargo::cdylib(&artifacts, &folder.join(name).join("Cargo.toml"))?,
        )?;
    }
    Ok(())
}

/// The example plugin's manifest under another name, in another place.
fn renamed_example(name: &str, root: &Path) -> String {
    let path = |path: &str| root.join(path).display().to_string();
    format!(
        "[package]\nname = {name:?}\nversion = \"1.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\npath = {source:?}\n\n\
         [dependencies]\nplugin-api = {{ path = {api:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n",
        source = path("plugins/example/src/lib.rs"),
        api = path("plugin-api"),
    )
}

/// The release profile's section of a workspace's manifest.
fn release_profile(manifest: &str) -> String {
    const TITLE: &str = "[profile.release]";
    let behind = manifest.split_once(TITLE).map_or("", |(_, behind)| behind);
    let section = behind.split("\n[").next().unwrap_or_default();
    format!("{TITLE}{section}\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{release_profile, renamed_example, wants_many};

    #[test]
    fn many_plugins_are_built_for_who_wants_them() {
        let wants = |options: &[&str]| wants_many(&options.iter().map(Into::into).collect::<Vec<_>>());
        assert!(wants(&[]) && wants(&["--quick"]) && wants(&["--only", "flight", "--only=memory"]));
        assert!(!wants(&["--only", "flight"]) && !wants(&["--hold", "plain"]));
    }

    #[test]
    fn copies_of_the_plugin_are_built_as_it_is() {
        let manifest = "[workspace]\n\n[profile.release]\nstrip = true\n\n[profile.other]\nstrip = false\n";
        assert_eq!(release_profile(manifest), "[profile.release]\nstrip = true\n\n");
        let copy = renamed_example("example-7", Path::new("/here"));
        assert!(
            copy.contains("name = \"example-7\"") && copy.contains("path = \"/here/plugin-api\""),
            "{copy}"
        );
    }
}
