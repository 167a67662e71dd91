//! The plugin's file, as owners install it: built by cargo once a run, or where it lies already.
//!
//! The build goes on in the profile of the test, into cargo's own target folder; cargo's lock keeps several programs of
//! tests apart, a lock of this process its tests.

use std::{
    collections::HashMap,
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// Which plugin is meant.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// A package of the author's workspace.
    Named(String),
    /// The crate in this folder.
    At(PathBuf),
    /// This compiled file.
    File(PathBuf),
}

/// A folder with compiled plugins, which are taken instead of built where they are there.
const PREBUILT: &str = "BOTHOST_PLUGINS";

static BUILT: Mutex<Option<HashMap<PathBuf, PathBuf>>> = Mutex::new(None);

/// The compiled file.
pub(crate) fn file_of(wanted: &Wanted) -> Result<PathBuf, String> {
    match wanted {
        Wanted::File(file) if file.is_file() => Ok(file.clone()),
        Wanted::File(file) => Err(format!(
            "there is no file {}: build it first, or give its folder to `plugin_at`",
            file.display()
        )),
        Wanted::At(folder) => built(&folder.join("Cargo.toml")),
        Wanted::Named(name) => match prebuilt(name) {
            Some(file) => Ok(file),
            None => built(&manifest_of(name)?),
        },
    }
}

fn prebuilt(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(PREBUILT)?);
    Some(folder.join(file_name(name))).filter(|file| file.is_file())
}

fn file_name(name: &str) -> String {
    format!(
        "{}{}{}",
        env::consts::DLL_PREFIX,
        name.replace('-', "_"),
        env::consts::DLL_SUFFIX
    )
}

/// Cargo, without what it has told this program about the author's crate: handed on, it would count as a change.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let told = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| told.iter().any(|told| name.starts_with(told)))
        {
            command.env_remove(name);
        }
    }
    command
}

fn manifest_of(name: &str) -> Result<PathBuf, String> {
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).ok_or_else(|| {
        format!("cargo did not start this test, so nobody says where plugin `{name}` is: run `cargo test`, or name its file by `plugin_file`")
    })?;
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("cargo can't be started ({error}): it has to be on the path"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        format!(
            "cargo can't read the workspace: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })?;
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let found = packages.iter().find(|package| package["name"] == name);
    let manifest = found.and_then(|package| package["manifest_path"].as_str());
    manifest.map(PathBuf::from).ok_or_else(|| {
        let names: Vec<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
        format!(
            "there is no package `{name}` in the workspace of {}, only {}: name one of them, or another crate's folder by `plugin_at`",
            folder.display(),
            names.join(", ")
        )
    })
}

fn built(manifest: &Path) -> Result<PathBuf, String> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_with(HashMap::new);
    if let Some(file) = built.get(manifest) {
        return Ok(file.clone());
    }
    let file = build(manifest)?;
    built.insert(manifest.to_owned(), file.clone());
    Ok(file)
}

fn build(manifest: &Path) -> Result<PathBuf, String> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    if !manifest.is_file() {
        return Err(format!(
            "{} has no Cargo.toml: give the folder of the plugin's crate",
            folder.display()
        ));
    }
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let output = cargo()
        .args([
            "build",
            "--lib",
            "--message-format=json-render-diagnostics",
            "--profile",
            profile,
        ])
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cargo can't be started ({error}): it has to be on the path"))?;
    if !output.status.success() {
        return Err(format!(
            "the plugin in {} does not compile; mend this first:\n{}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let is_plugin = |artifact: &Value| {
        let kinds = artifact["target"]["kind"].as_array();
        artifact["reason"] == "compiler-artifact"
            && kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
            && artifact["manifest_path"]
                .as_str()
                .is_some_and(|path| is_same(Path::new(path), manifest))
    };
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(is_plugin)
        .flat_map(|artifact| artifact["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension() == Some(OsStr::new(env::consts::DLL_EXTENSION)))
        .ok_or_else(|| {
            format!(
                "{} makes no compiled plugin: its [lib] needs crate-type = [\"cdylib\"]",
                manifest.display()
            )
        })
}

fn is_same(left: &Path, right: &Path) -> bool {
    left == right || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
}

/// Puts a file into the bot's folder of plugins, in one step and as a new one.
pub(crate) fn drop_into(folder: &Path, file: &Path) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default();
    let hidden = folder.join(format!(".{}.part", name.to_string_lossy()));
    fs::copy(file, &hidden)?;
    fs::rename(hidden, folder.join(name))
}
