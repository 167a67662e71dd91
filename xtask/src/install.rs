//! `cargo xtask install [PLUGIN...]`: builds plugins and drops them where a bot finds them.
//!
//! One `cargo build -p` each, since building several at once would unify the features of what they
//! depend on. A bot may be watching the folder: a file appears there by rename, complete.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::{self, ExitCode};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Profile};
use crate::process::Stop;
use crate::steps::Steps;
use crate::workspace::{Plugin, Workspace};

/// Build plugins and drop them into the bot's folder; a running bot loads them at once
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Plugins of this workspace by name, others by the path of their crate (./my-plugin).
    /// Without any: all that come with the bot
    #[arg(value_name = "PLUGIN")]
    plugins: Vec<String>,
    /// The folder to drop them into, instead of plugins/
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let sources = if arguments.plugins.is_empty() {
        workspace.bundled().into_iter().map(Source::Member).collect()
    } else {
        arguments
            .plugins
            .iter()
            .map(|name| Source::named(name, &workspace))
            .collect::<Result<Vec<_>>>()?
    };
    let folder = arguments.to.clone().unwrap_or_else(|| workspace.drop_folder());
    let mut steps = Steps::new(sources.len());
    for source in &sources {
        let installed = steps.step(&source.what(), || {
            source.install(&workspace, Profile::Release, &[], &folder, stop)
        })?;
        eprintln!("      installed {}", installed.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a plugin's crate is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In `plugins/` of this workspace.
    Member(Plugin),
    /// Elsewhere: its Cargo.toml, absolute.
    Outside(PathBuf),
}

impl Source {
    pub(crate) fn named(argument: &str, workspace: &Workspace) -> Result<Self> {
        if !argument.contains(['/', '\\']) && argument != "." && argument != ".." {
            return workspace.plugin(argument).map(Source::Member);
        }
        let folder = path::absolute(argument)?;
        if !folder.is_dir() {
            bail!("there is no folder {argument}");
        }
        let manifest = folder.join("Cargo.toml");
        if !manifest.is_file() {
            bail!("{argument} has no Cargo.toml: name the folder of a plugin's crate");
        }
        Ok(Source::Outside(manifest))
    }

    /// The step that installs it, in words.
    pub(crate) fn what(&self) -> String {
        match self {
            Source::Member(plugin) => format!("building plugin {}", plugin.name),
            Source::Outside(manifest) => format!("building plugin {}", manifest.with_file_name("").display()),
        }
    }

    /// Builds it and drops the result into `folder`; returns the file.
    pub(crate) fn install(
        &self,
        workspace: &Workspace,
        profile: Profile,
        cargo_arguments: &[&str],
        folder: &Path,
        stop: &Stop,
    ) -> Result<PathBuf> {
        let (selection, cwd) = self.selection(workspace);
        let artifacts = cargo::build(profile, &[selection.as_slice(), cargo_arguments].concat(), cwd, stop)?;
        drop_into(folder, &cargo::cdylib(&artifacts, self.manifest())?)
    }

    /// Its Cargo.toml.
    pub(crate) fn manifest(&self) -> &Path {
        match self {
            Source::Member(plugin) => &plugin.manifest,
            Source::Outside(manifest) => manifest,
        }
    }

    /// The folder of its crate.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest().parent().unwrap_or(Path::new("."))
    }

    /// Which package cargo is to build, and where.
    pub(crate) fn selection<'s>(&'s self, workspace: &'s Workspace) -> (Vec<&'s str>, &'s Path) {
        match self {
            Source::Member(plugin) => (vec!["-p", &plugin.name], &workspace.root),
            // Cargo reads .cargo/config.toml from its working folder: that of the plugin, not ours.
            Source::Outside(_) => (Vec::new(), self.folder()),
        }
    }
}

/// Copies a file into the folder under a hidden name and renames it: whoever watches the folder sees
/// the old file or the new one, never a part.
pub(crate) fn drop_into(folder: &Path, file: &Path) -> Result<PathBuf> {
    let name = file.file_name().context("a compiled plugin has a file name")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let staged = folder.join(staged_name(name));
    let target = folder.join(name);
    let dropped = copy_durably(file, &staged)
        .and_then(|()| fs::rename(&staged, &target))
        .and_then(|()| sync(folder));
    if let Err(error) = dropped {
        // What is left of the copy is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&staged);
        return Err(error).with_context(|| format!("cannot put {} into {}", name.display(), folder.display()));
    }
    Ok(target)
}

fn staged_name(name: &OsStr) -> String {
    format!(".{}.tmp-{}", name.to_string_lossy(), process::id())
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.sync_all()
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "folders can be synchronised on Unix only")]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Source, drop_into};
    use crate::workspace::{Plugin, Workspace};

    fn workspace() -> Workspace {
        let plugin = Plugin {
            name: "example".to_owned(),
            manifest: PathBuf::from("/w/plugins/example/Cargo.toml"),
            fixture: false,
        };
        Workspace {
            root: PathBuf::from("/w"),
            target: PathBuf::from("/w/target"),
            plugins: vec![plugin],
        }
    }

    #[test]
    fn a_dropped_file_replaces_the_old_one_and_leaves_nothing_else() {
        let from = tempfile::tempdir().expect("a temporary folder");
        let to = tempfile::tempdir().expect("a temporary folder");
        let file = from.path().join("libexample.so");
        for version in ["one", "two"] {
            fs::write(&file, version).expect("a file");
            let target = drop_into(&to.path().join("plugins"), &file).expect("it is dropped");
            assert_eq!(fs::read_to_string(target).expect("the file"), version);
        }
        let names: Vec<_> = fs::read_dir(to.path().join("plugins"))
            .expect("the folder")
            .flatten()
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_replacement_is_a_new_inode() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("libexample.so");
        fs::write(&file, "code").expect("a file");
        let plugins = folder.path().join("plugins");
        let first = File::open(drop_into(&plugins, &file).expect("it is dropped")).expect("the file");
        let second = fs::metadata(drop_into(&plugins, &file).expect("it is dropped")).expect("the file");
        assert_ne!(first.metadata().expect("the first file").ino(), second.ino());
    }

    #[test]
    fn a_failed_drop_names_the_file_and_leaves_no_rest() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let missing = folder.path().join("libmissing.so");
        let to = folder.path().join("plugins");
        let error = drop_into(&to, &missing).expect_err("there is no such file").to_string();
        assert!(error.contains("libmissing.so"), "{error}");
        assert_eq!(fs::read_dir(&to).expect("the folder").count(), 0);
    }

    #[test]
    fn a_bare_word_is_a_name_and_anything_with_a_slash_a_path() {
        let workspace = workspace();
        assert!(matches!(Source::named("example", &workspace), Ok(Source::Member(_))));
        let unknown = Source::named("levels", &workspace)
            .expect_err("there is none")
            .to_string();
        assert!(unknown.contains("example"), "{unknown}");

        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = format!("{}/", folder.path().display());
        let empty = Source::named(&path, &workspace).expect_err("no crate").to_string();
        assert!(empty.contains("Cargo.toml"), "{empty}");
        fs::write(folder.path().join("Cargo.toml"), "").expect("a file");
        assert!(matches!(Source::named(&path, &workspace), Ok(Source::Outside(_))));
    }

    use std::fs::File;
}
