//! What is in the tree: its root, its target folder, its plugins.
//!
//! Cargo is asked, so that no path and no list of names is kept twice.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cargo;

/// The checkout that this command belongs to.
pub(crate) struct Workspace {
    /// The folder of the root Cargo.toml; a bot run from the checkout has it as its root.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// The crates of `plugins/`, by name.
    pub(crate) plugins: Vec<Plugin>,
}

/// One crate of `plugins/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plugin {
    /// The package's name.
    pub(crate) name: String,
    /// Its Cargo.toml, absolute.
    pub(crate) manifest: PathBuf,
    /// Misbehaves on purpose, for tests: never installed unless named.
    pub(crate) fixture: bool,
}

impl Workspace {
    /// Asks cargo; needs no network and builds nothing.
    pub(crate) fn read() -> Result<Self> {
        let output = cargo::command()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(here())
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!(
                "cargo cannot read the workspace: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Self::from_metadata(&String::from_utf8_lossy(&output.stdout))
    }

    fn from_metadata(json: &str) -> Result<Self> {
        let metadata: Metadata = serde_json::from_str(json).context("cargo metadata is not understood")?;
        let folder = metadata.workspace_root.join("plugins");
        let mut plugins: Vec<Plugin> = metadata
            .packages
            .into_iter()
            .filter(|package| package.manifest_path.starts_with(&folder))
            .map(|package| Plugin {
                fixture: package
                    .metadata
                    .and_then(|metadata| metadata.plugin)
                    .is_some_and(|plugin| plugin.fixture),
                name: package.name,
                manifest: package.manifest_path,
            })
            .collect();
        plugins.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            plugins,
        })
    }

    /// The folder into which compiled plugins are dropped.
    pub(crate) fn drop_folder(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// What comes with the bot: all but the fixtures.
    pub(crate) fn bundled(&self) -> Vec<Plugin> {
        self.plugins.iter().filter(|plugin| !plugin.fixture).cloned().collect()
    }

    /// The plugin of this name.
    pub(crate) fn plugin(&self, name: &str) -> Result<Plugin> {
        self.plugins.iter().find(|plugin| plugin.name == name).cloned().with_context(|| {
            let names: Vec<&str> = self.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
            format!(
                "there is no plugin {name} in plugins/, only {}; a crate elsewhere is named by its path, as in ./{name}",
                names.join(", ")
            )
        })
    }
}

impl Plugin {
    /// Whether `cargo test` would find anything in it: the others need not be built for the tests'
    /// profile.
    pub(crate) fn has_tests(&self) -> bool {
        let folder = self.manifest.with_file_name("");
        folder.join("tests").is_dir() || contains_tests(&folder.join("src"))
    }
}

/// The folder of this crate: at run time cargo tells where it is now, the built-in path is where it
/// was compiled.
fn here() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn contains_tests(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().map(|entry| entry.path()).any(|path| {
            if path.is_dir() {
                contains_tests(&path)
            } else {
                std::fs::read_to_string(&path).is_ok_and(|text| text.contains("#[cfg(test)]"))
            }
        })
    })
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    metadata: Option<PackageMetadata>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    plugin: Option<PluginMetadata>,
}

#[derive(Deserialize)]
struct PluginMetadata {
    #[serde(default)]
    fixture: bool,
}

#[cfg(test)]
mod tests {
    use super::{Plugin, Workspace};
    use std::fs;

    fn workspace() -> Workspace {
        let json = r#"{"target_directory":"/w/target","workspace_root":"/w","packages":[
            {"name":"host","manifest_path":"/w/host/Cargo.toml","metadata":null},
            {"name":"stress","manifest_path":"/w/plugins/stress/Cargo.toml","metadata":{"plugin":{"fixture":true}}},
            {"name":"example","manifest_path":"/w/plugins/example/Cargo.toml","metadata":{"docs":{}}}]}"#;
        Workspace::from_metadata(json).expect("this is cargo's format")
    }

    #[test]
    fn plugins_are_the_crates_of_their_folder_and_fixtures_are_not_bundled() {
        let workspace = workspace();
        let names = |plugins: &[Plugin]| plugins.iter().map(|plugin| plugin.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&workspace.plugins), ["example", "stress"]);
        assert_eq!(names(&workspace.bundled()), ["example"]);
        assert!(workspace.plugin("stress").expect("a fixture can be named").fixture);
    }

    #[test]
    fn an_unknown_name_lists_what_exists() {
        let error = workspace().plugin("levels").expect_err("there is none").to_string();
        assert!(error.contains("levels") && error.contains("example, stress"), "{error}");
    }

    #[test]
    fn a_plugin_has_tests_when_a_source_file_or_a_folder_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugin = Plugin {
            name: "levels".to_owned(),
            manifest: folder.path().join("Cargo.toml"),
            fixture: false,
        };
        fs::create_dir_all(folder.path().join("src/rates")).expect("a folder");
        fs::write(folder.path().join("src/lib.rs"), "fn levels() {}").expect("a file");
        assert!(!plugin.has_tests());
        fs::write(folder.path().join("src/rates/mod.rs"), "#[cfg(test)]\nmod tests {}").expect("a file");
        assert!(plugin.has_tests());
    }
}
