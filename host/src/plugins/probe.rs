//! The probe: a throw-away process that opens a plugin's copy before the host does.
//!
//! Its child, `bothost probe --child FILE`, runs in an empty environment, in a process group of its own and under limits that it sets
//! itself. It opens the copy, checks header and layout, asks for the description and writes one line of JSON to what
//! was its standard output; whatever the plugin prints meanwhile goes nowhere. A crash, an exit, a hang or a fork while
//! loading ends the child, never the host. Passed results are remembered by content and build.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use plugin_protocol::{Command as Offered, Description, Manifest};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use super::{
    loader, manifest,
    shadow::{ContentHash, ShadowFolder},
};
use crate::process;

/// How long a plugin may take to load and describe itself.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest description, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;
/// How many passed files are remembered.
const REMEMBERED: usize = 256;

/// Why a file did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// The child said why.
    #[error("{0}")]
    Refused(String),
    /// The child died of a signal.
    #[error(
        "it crashes while loading (signal {0}): its static initialisers, or those of a library it links, are at fault"
    )]
    Crashed(i32),
    /// The child ended without a result.
    #[error("it ends the process while loading (exit code {0}): no code that runs at load may call exit")]
    Exited(i32),
    /// The child did not come to an end.
    #[error("it does not finish loading within {} s: its static initialisers wait for something", LIMIT.as_secs())]
    Hung,
    /// The child could not be run.
    #[error("the probe can't be run ({0}): the host needs to start itself once more, check process limits and memory")]
    NotRun(String),
}

/// What the child writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    Passed(Description),
    Refused(String),
}

/// Probes files, and remembers what passed.
#[derive(Debug)]
pub struct Probe {
    folder: PathBuf,
    memory: Mutex<Memory>,
}

impl Probe {
    /// Works in `folder` (the child's working folder) and remembers in the file `memory`.
    #[must_use]
    pub fn new(folder: PathBuf, memory: PathBuf) -> Self {
        Self {
            folder,
            memory: Mutex::new(Memory::open(memory)),
        }
    }

    /// The description of a copy that has passed, now or before.
    ///
    /// # Errors
    ///
    /// [`ProbeFailure`].
    pub async fn describe(&self, copy: &Path, hash: ContentHash) -> Result<Description, ProbeFailure> {
        let known = self.memory().passed.get(&hash.to_string()).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let description = run_child(&self.folder, copy).await?;
        self.memory().remember(hash, &description);
        Ok(description)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run_child(folder: &Path, copy: &Path) -> Result<Description, ProbeFailure> {
    let not_run = |error: std::io::Error| ProbeFailure::NotRun(error.to_string());
    let mut command = Command::new(process::own_program().map_err(not_run)?);
    command
        .args(["probe", "--child"])
        .arg(copy)
        .env_clear()
        .current_dir(folder);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(not_run)?;
    let group = child.id();
    let Some(output) = child.stdout.take() else {
        return Err(ProbeFailure::NotRun("its output has no pipe".to_owned()));
    };
    let ended = timeout(LIMIT, async {
        // The child's exit decides, not the pipe's end: what the plugin forked may keep the pipe open.
        let mut bytes = Vec::new();
        let mut output = output.take(LONGEST);
        let status = {
            let read = output.read_to_end(&mut bytes);
            tokio::pin!(read);
            tokio::select! {
                status = child.wait() => {
                    // What is already in the pipe is read; a grandchild that holds it open is not waited for.
                    let _ = timeout(Duration::from_millis(200), &mut read).await;
                    status
                }
                _ = &mut read => child.wait().await,
            }
        };
        (status, bytes)
    })
    .await;
    if let Some(group) = group {
        process::kill_group(group);
    }
    let (status, bytes) = ended.map_err(|_| ProbeFailure::Hung)?;
    let status = status.map_err(not_run)?;
    match serde_json::from_slice(&bytes) {
        Ok(Report::Passed(description)) if status.success() => Ok(description),
        Ok(Report::Refused(text)) => Err(ProbeFailure::Refused(text)),
        _ => Err(match process::signal_of(status) {
            Some(signal) => ProbeFailure::Crashed(signal),
            None => ProbeFailure::Exited(status.code().unwrap_or(-1)),
        }),
    }
}

/// Says for a person whether a file would be loaded: what it is and offers, or why not.
///
/// # Errors
///
/// Why not, and what to do.
pub fn explain(file: &Path) -> Result<String, String> {
    let named = |why: String| format!("{} would be refused: {why}", file.display());
    let folder = tempfile::tempdir().map_err(|error| named(format!("no private copy can be made ({error})")))?;
    let shadows = ShadowFolder::open(folder.path().join("run")).map_err(|error| named(error.to_string()))?;
    let shadow = shadows.copy(file).map_err(|error| named(error.to_string()))?;
    let bytes = shadow.bytes().map_err(|error| named(error.to_string()))?;
    let manifest = manifest::read(&bytes).map_err(|error| named(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| named(format!("the probe can't be run ({error})")))?;
    let description = runtime
        .block_on(run_child(shadows.path(), &shadow.path))
        .map_err(|failure| named(failure.to_string()))?;
    agrees(&manifest, &description).map_err(named)?;
    let list = |names: Vec<String>| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let needs = |wanted: &[plugin_protocol::Dependency]| {
        list(
            wanted
                .iter()
                .map(|needs| format!("{} {}", needs.name, needs.range).trim().to_owned())
                .collect(),
        )
    };
    Ok(format!(
        "{} {} would be loaded.\n{}\ncommands: {}\nevents: {}\nneeds: {}\nconflicts with: {}\nbuilt by {} for {}, plugin ABI {}",
        manifest.name,
        manifest.version,
        manifest.description,
        list(
            description
                .commands
                .iter()
                .map(|command| command.name.clone())
                .collect()
        ),
        list(description.events.iter().map(|event| event.name.clone()).collect()),
        needs(&manifest.depends),
        needs(&manifest.conflicts),
        manifest.compiler,
        manifest.target,
        manifest.abi,
    ))
}

/// Whether what a file's manifest says is what its code says.
///
/// # Errors
///
/// What each of them says.
pub(super) fn agrees(manifest: &Manifest, description: &Description) -> Result<(), String> {
    if description.name == manifest.name.as_str() && description.version == manifest.version {
        return distinct(description);
    }
    Err(format!(
        "its manifest says `{}` {}, its code says `{}` {}: the file was tampered with, or two crates call `plugin!` in it",
        manifest.name, manifest.version, description.name, description.version
    ))
}

/// Two commands of one name by one door: one of them would never run.
fn distinct(description: &Description) -> Result<(), String> {
    for (at, command) in description.commands.iter().enumerate() {
        let same = |other: &Offered| {
            let meet = (other.doors.prefix && command.doors.prefix) || (other.doors.slash && command.doors.slash);
            meet && other.name.eq_ignore_ascii_case(&command.name)
        };
        if description.commands[..at].iter().any(same) {
            return Err(format!("two of its commands are called `{}`: rename one", command.name));
        }
    }
    Ok(())
}

/// What `bothost probe --child FILE` does; the result is on the descriptor that was standard output.
///
/// # Errors
///
/// The result could not be written.
pub fn child(copy: &Path) -> std::io::Result<()> {
    let mut result = process::enter_probe()?;
    let report = match loader::open_checked(copy) {
        Err(failure) => Report::Refused(failure.to_string()),
        Ok(module) => match module.description().map(|bytes| serde_json::from_slice(&bytes)) {
            None => Report::Refused("it panics when it is asked what it offers".to_owned()),
            Some(Err(error)) => Report::Refused(format!("what it says it offers can't be read ({error})")),
            Some(Ok(description)) => Report::Passed(description),
        },
    };
    result.write_all(&serde_json::to_vec(&report)?)?;
    result.flush()?;
    drop(result);
    // Not through the destructors of the plugin's statics.
    process::exit_now(0)
}

/// What passed, on disk: valid for one build of the host.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    #[serde(skip)]
    file: PathBuf,
    build: String,
    passed: HashMap<String, Description>,
}

impl Memory {
    fn open(file: PathBuf) -> Self {
        let build = process::build_id();
        let known: Option<Self> = fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match known {
            Some(known) if known.build == build => Self { file, ..known },
            _ => Self {
                file,
                build,
                passed: HashMap::new(),
            },
        }
    }

    fn remember(&mut self, hash: ContentHash, description: &Description) {
        if self.passed.len() >= REMEMBERED {
            self.passed.clear();
        }
        self.passed.insert(hash.to_string(), description.clone());
        let (file, content) = (self.file.clone(), serde_json::to_vec(self));
        tokio::task::spawn_blocking(move || {
            let written = content
                .map_err(std::io::Error::from)
                .and_then(|content| crate::storage::write_atomically(&file, &content));
            if let Err(error) = written {
                // Only speed is lost: the next start probes again.
                tracing::warn!(file = %file.display(), %error, "the probe's results can't be remembered");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Doors;

    use super::*;

    #[test]
    fn two_commands_of_one_name_are_refused_where_they_meet() {
        let command = |name: &str, prefix, slash| Offered {
            name: name.to_owned(),
            doors: Doors { prefix, slash },
            ..Offered::default()
        };
        let offers = |commands| {
            distinct(&Description {
                commands,
                ..Description::default()
            })
        };
        assert!(offers(vec![command("roll", true, false), command("roll", false, true)]).is_ok());
        assert!(offers(vec![command("roll", true, true), command("Roll", true, false)]).is_err());
    }

    #[test]
    fn what_is_no_file_is_told_and_never_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(explain(folder.path()).unwrap_err().contains("this is no file"));
        assert!(explain(Path::new("/dev/zero")).unwrap_err().contains("this is no file"));
        assert!(
            explain(&folder.path().join("absent.so"))
                .unwrap_err()
                .contains("the file is gone")
        );
    }
}
