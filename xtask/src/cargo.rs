//! Building with cargo, and where it put the results.
//!
//! The paths come from cargo's own messages: a target directory, a profile's folder or a file name is
//! never guessed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::{self, Stop};

/// Which profile to build with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// What runs in the open; every plugin that is handed to a bot.
    Release,
    /// Faster to build, slower to run.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Dev => "dev",
        }
    }
}

/// One finished target of a build.
#[derive(Deserialize, Debug)]
pub(crate) struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize, Debug)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// A line of cargo's output; only finished targets matter here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

/// The cargo that runs this, else the one on the path.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(describes_this_crate)) {
        command.env_remove(name);
    }
    command
}

/// What `cargo run` tells this program about its own crate. Handed on, it would count as a change for
/// build scripts that ask to see it (ring's), and everything above them would be compiled again
/// whenever one goes from `cargo xtask` to plain cargo.
fn describes_this_crate(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
        || variable == "CARGO_PRIMARY_PACKAGE"
}

/// `cargo build` with these arguments, progress and diagnostics on the terminal.
pub(crate) fn build(profile: Profile, arguments: &[&str], folder: &Path, stop: &Stop) -> Result<Vec<Artifact>> {
    let mut command = command();
    command.current_dir(folder).args([
        "build",
        "--message-format=json-render-diagnostics",
        "--profile",
        profile.name(),
    ]);
    read_messages(&process::output(command.args(arguments), stop)?)
}

/// The same, with what the compiler says among the messages; each is handed over as it comes.
pub(crate) fn build_watched(
    profile: Profile,
    arguments: &[&str],
    folder: &Path,
    stop: &Stop,
    message: impl FnMut(&str),
) -> Result<()> {
    let mut command = command();
    command.current_dir(folder).args([
        "build",
        "--lib",
        "--message-format=json-diagnostic-rendered-ansi",
        "--profile",
        profile.name(),
    ]);
    process::lines(command.args(arguments), stop, message)
}

/// About how many targets a build has, for its progress; 0 if cargo does not tell.
pub(crate) fn targets(arguments: &[&str], folder: &Path) -> usize {
    let output = command()
        .current_dir(folder)
        .args(["tree", "--prefix", "none", "--edges", "normal,build", "--format", "{p}"])
        .args(arguments)
        .output();
    let Ok(output) = output else {
        return 0;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let packages: std::collections::HashSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    packages.len()
}

/// The executable of this name among the results.
pub(crate) fn executable(artifacts: &[Artifact], name: &str) -> Result<PathBuf> {
    artifacts
        .iter()
        .find(|artifact| artifact.target.name == name && artifact.executable.is_some())
        .and_then(|artifact| artifact.executable.clone())
        .with_context(|| format!("cargo built no program called {name}"))
}

/// The compiled plugin of the crate with this manifest among the results.
pub(crate) fn cdylib(artifacts: &[Artifact], manifest: &Path) -> Result<PathBuf> {
    artifacts
        .iter()
        .filter(|artifact| {
            is_same(&artifact.manifest_path, manifest) && artifact.target.kind.iter().any(|kind| kind == "cdylib")
        })
        .flat_map(|artifact| &artifact.filenames)
        .find(|file| {
            file.extension()
                .is_some_and(|extension| extension == env::consts::DLL_EXTENSION)
        })
        .cloned()
        .with_context(|| {
            format!(
                "{} makes no compiled plugin: its [lib] needs crate-type = [\"cdylib\"]",
                manifest.display()
            )
        })
}

/// Cargo writes paths in one of several forms: with links resolved, or with Windows' prefix.
fn is_same(left: &Path, right: &Path) -> bool {
    left == right || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
}

fn read_messages(output: &str) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    // Build scripts and proc macros may write lines of their own.
    for line in output.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line).with_context(|| format!("cargo's message is not understood: {line}"))? {
            Message::CompilerArtifact(artifact) => artifacts.push(artifact),
            Message::Other => {}
        }
    }
    Ok(artifacts)
}

#[cfg(test)]
mod tests {
    use std::env::consts::DLL_EXTENSION;
    use std::path::{Path, PathBuf};

    use super::{cdylib, command, executable, read_messages};

    #[test]
    fn children_are_not_told_about_this_crate() {
        // Set by the cargo that runs this test.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let removed: Vec<_> = command()
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(removed.iter().any(|removed| removed == name), "{name} is handed on");
        }
        assert!(
            !removed
                .iter()
                .any(|removed| removed == "CARGO_HOME" || removed == "CARGO_TARGET_DIR")
        );
    }

    fn messages() -> String {
        [
            r#"{"reason":"compiler-artifact","package_id":"dep","manifest_path":"/d/Cargo.toml","target":{"kind":["cdylib"],"crate_types":["cdylib"],"name":"dep"},"profile":{},"features":[],"filenames":["/t/libdep.EXT"],"executable":null,"fresh":true}"#,
            r#"{"reason":"build-script-executed","package_id":"x","linked_libs":[],"env":[]}"#,
            "a line of a build script",
            r#"{"reason":"compiler-artifact","package_id":"p","manifest_path":"/p/Cargo.toml","target":{"kind":["cdylib"],"crate_types":["cdylib"],"name":"greeter"},"profile":{},"features":[],"filenames":["/t/libgreeter.rlib","/t/libgreeter.EXT"],"executable":null,"fresh":false}"#,
            r#"{"reason":"compiler-artifact","package_id":"h","manifest_path":"/h/Cargo.toml","target":{"kind":["bin"],"crate_types":["bin"],"name":"bothost"},"profile":{},"features":[],"filenames":["/t/bothost"],"executable":"/t/bothost","fresh":false}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ]
        .join("\n")
        .replace("EXT", DLL_EXTENSION)
    }

    #[test]
    fn results_are_found_by_name_and_by_manifest() {
        let artifacts = read_messages(&messages()).expect("these are cargo's messages");
        assert_eq!(
            executable(&artifacts, "bothost").expect("it was built"),
            PathBuf::from("/t/bothost")
        );
        let plugin = cdylib(&artifacts, Path::new("/p/Cargo.toml")).expect("it was built");
        assert_eq!(plugin, PathBuf::from(format!("/t/libgreeter.{DLL_EXTENSION}")));
    }

    #[test]
    fn what_was_not_built_is_an_error_that_says_so() {
        let artifacts = read_messages(&messages()).expect("these are cargo's messages");
        assert!(
            executable(&artifacts, "greeter")
                .expect_err("it is a library")
                .to_string()
                .contains("greeter")
        );
        let none = cdylib(&artifacts, Path::new("/h/Cargo.toml")).expect_err("it is a program");
        assert!(none.to_string().contains("cdylib"), "{none}");
    }
}
