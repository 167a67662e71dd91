//! The probe: a throw-away process that opens a plugin's copy before the host does.
//!
//! Its child, `bothost probe --child FILE`, runs in an empty environment, in a process group of its own and under limits that it sets
//! itself. It opens the copy, checks header and layout, asks for the description and writes one line of JSON to what
//! was its standard output; what the plugin prints meanwhile goes into the refusal. A crash, an exit, a hang or a fork
//! while loading ends the child, never the host. Passed results are remembered by content and build.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use plugin_protocol::{Command as Offered, Description, Manifest};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    task::JoinHandle,
    time::timeout,
};

use super::{
    loader, manifest,
    shadow::{ContentHash, ShadowFolder},
};
use crate::{process, schedule, server_settings, slash};

/// How long a plugin may take to load and describe itself.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest description, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;
/// How long what the child wrote may take to arrive once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How many passed files are remembered.
const REMEMBERED: usize = 256;
/// How much of what a plugin prints while loading is kept, in bytes.
const PRINTED: usize = 4096;

/// Why a file did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// The child said why.
    #[error("{0}")]
    Refused(String),
    /// The child died of a signal.
    #[error(
        "it crashes while loading ({}): its static initialisers, or those of a library it links, are at fault; mend them{}",
        signal_text(*signal), printed_text(printed)
    )]
    Crashed {
        /// The signal's number.
        signal: i32,
        /// What it printed before.
        printed: String,
    },
    /// The child ended without a result.
    #[error(
        "it ends the process while loading (exit code {code}): no code that runs at load may call exit; mend its static initialisers{}",
        printed_text(printed)
    )]
    Exited {
        /// The exit code.
        code: i32,
        /// What it printed before.
        printed: String,
    },
    /// The child did not come to an end.
    #[error(
        "it does not finish loading within {} s: its static initialisers wait for something; move that into its start function{}",
        LIMIT.as_secs(), printed_text(printed)
    )]
    Hung {
        /// What it printed before.
        printed: String,
    },
    /// It wrote to standard output or standard error.
    #[error(
        "it prints while loading (`{}`): the terminal is the bot's; log by `tracing` from its start function on, and silence what its libraries print at load",
        line_of(.0)
    )]
    Prints(String),
    /// The child could not be run.
    #[error("the probe can't be run ({0}): the host needs to start itself once more, check process limits and memory")]
    NotRun(String),
}

/// What the child writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    Passed(Box<Description>),
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
        #[cfg(test)]
        if let Some(probed) = super::fake::probed(copy) {
            return probed;
        }
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
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(not_run)?;
    let group = child.id();
    let (Some(output), Some(printed)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(ProbeFailure::NotRun("its output has no pipe".to_owned()));
    };
    let result = Gathering::start(output, LONGEST);
    let printed = Gathering::start(printed, PRINTED);
    // The child's exit decides, not the pipes' end: what the plugin forked may keep them open.
    let ended = timeout(LIMIT, child.wait()).await;
    if let Some(group) = group {
        process::kill_group(group);
    }
    let (bytes, printed) = (result.end().await, printed.end().await);
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let Ok(status) = ended else {
        return Err(ProbeFailure::Hung { printed });
    };
    let status = status.map_err(not_run)?;
    match serde_json::from_slice(&bytes) {
        Ok(Report::Passed(_)) if !printed.is_empty() => Err(ProbeFailure::Prints(printed)),
        Ok(Report::Passed(description)) if status.success() => Ok(*description),
        Ok(Report::Refused(text)) => Err(ProbeFailure::Refused(text)),
        _ => Err(match process::signal_of(status) {
            Some(signal) => ProbeFailure::Crashed { signal, printed },
            None => ProbeFailure::Exited {
                code: status.code().unwrap_or(-1),
                printed,
            },
        }),
    }
}

/// A task that reads a pipe, so that nobody waits because it is full.
struct Gathering {
    kept: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Gathering {
    /// Reads to the end and keeps the first `most` bytes.
    fn start(mut pipe: impl AsyncRead + Unpin + Send + 'static, most: usize) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            let mut part = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut part).await {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = most.saturating_sub(kept.len());
                kept.extend_from_slice(&part[..read.min(room)]);
            }
        });
        Self { kept, task }
    }

    /// What was kept, once all who could write have ended. One that got away keeps the pipe open, and is not waited for.
    async fn end(mut self) -> Vec<u8> {
        if timeout(LAST_WORDS, &mut self.task).await.is_err() {
            self.task.abort();
        }
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a signal means, where an author would have to look it up.
fn signal_text(signal: i32) -> String {
    let meaning = match signal {
        4 => "illegal instruction: built for another processor?",
        6 => "abort: a panic that could not unwind, or a failed assertion",
        7 => "bus error",
        8 => "division by zero",
        9 => "killed: too much memory or processor time?",
        11 => "segmentation fault",
        24 => "too much processor time",
        31 => "a system call that is not allowed",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal}, {meaning}")
}

/// The first of what it printed, which usually says why.
fn printed_text(printed: &str) -> String {
    match line_of(printed) {
        line if line.is_empty() => String::new(),
        line => format!("; it printed `{line}`"),
    }
}

/// The first line that is not empty, of a length that fits into a sentence; a panic says what happened in the second.
fn line_of(printed: &str) -> String {
    let mut lines = printed.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut line = lines.next().unwrap_or_default().to_owned();
    if line.ends_with(':') {
        line = format!("{line} {}", lines.next().unwrap_or_default());
    }
    let mut shown: String = line
        .chars()
        .filter(|letter| !letter.is_control() && *letter != '`')
        .take(200)
        .collect();
    if shown.len() < line.len() && line.chars().count() > 200 {
        shown.push('\u{2026}');
    }
    shown
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
        distinct(description)?;
        callbacks(description)?;
        if let Some(settings) = &description.settings {
            server_settings::check(settings)?;
        }
        let unknown_zone = |argument: &&plugin_protocol::Argument| {
            argument
                .zone
                .as_deref()
                .is_some_and(|zone| zone != plugin_protocol::SERVER_ZONE && !crate::commands::time::is_zone(zone))
        };
        for command in &description.commands {
            // It is a label in help's select: https://discord.com/developers/docs/components/reference#string-select
            let category = command
                .category
                .as_deref()
                .map(|category| category.trim().chars().count());
            if category.is_some_and(|length| !(1..=100).contains(&length)) {
                let name = &command.name;
                return Err(format!(
                    "the category of its command `{name}` must have 1 to 100 characters"
                ));
            }
            if let Some(argument) = command.arguments.iter().find(unknown_zone) {
                return Err(format!(
                    "argument `{}` of its command `{}` has a time zone that does not exist: name one of the IANA's, such as `Europe/Berlin`",
                    argument.name, command.name
                ));
            }
        }
        schedule::check(&description.timers)?;
        return slash::check(&manifest.name, &description.commands).map_err(|left_out| {
            let menu = left_out.menu.map(|menu| format!(" (\"{menu}\" in a menu)"));
            format!(
                "its command `{}`{} can't be registered: {}",
                left_out.command,
                menu.unwrap_or_default(),
                left_out.reason
            )
        });
    }
    Err(format!(
        "its manifest says `{}` {}, its code says `{}` {}: the file was tampered with, or two crates call `plugin!` in it",
        manifest.name, manifest.version, description.name, description.version
    ))
}

/// Two commands of one name by one door, or two services of one name: one of them would never run.
fn distinct(description: &Description) -> Result<(), String> {
    for (at, command) in description.commands.iter().enumerate() {
        let same = |other: &Offered| {
            let meet = (other.doors.prefix && command.doors.prefix) || (other.doors.slash && command.doors.slash);
            let in_menus = !other.menus.is_empty() || !command.menus.is_empty();
            (meet || in_menus) && other.name.eq_ignore_ascii_case(&command.name)
        };
        if description.commands[..at].iter().any(same) {
            return Err(format!("two of its commands are called `{}`: rename one", command.name));
        }
    }
    for (at, service) in description.services.iter().enumerate() {
        if description.services[..at]
            .iter()
            .any(|other| other.name == service.name)
        {
            return Err(format!("two of its services are called `{}`: rename one", service.name));
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
    let own = std::process::id();
    let opened = loader::open_checked(copy);
    let report = match opened {
        Err(failure) => Report::Refused(failure.to_string()),
        Ok(module) => match module.description().map(|bytes| serde_json::from_slice(&bytes)) {
            None => Report::Refused(
                "it panics when it is asked what it offers: its library is broken, build it again".to_owned(),
            ),
            Some(Err(error)) => Report::Refused(format!(
                "what it says it offers can't be read ({error}): build it again with the plugin-api of this host"
            )),
            Some(Ok(description)) => Report::Passed(Box::new(description)),
        },
    };
    if std::process::id() != own {
        // A copy of this process, forked by the plugin: the original tells.
        process::exit_now(0)
    }
    let report = match report {
        Report::Passed(_) if process::end_children() => Report::Refused(
            "it starts another process while loading: that belongs into its start function, or into a service of its own"
                .to_owned(),
        ),
        report => report,
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

/// Whether there can be the events that its callbacks listen to, and each callback has a name of its own.
fn callbacks(description: &Description) -> Result<(), String> {
    for (number, hook) in description.hooks.iter().enumerate() {
        let name = &hook.function;
        plugin_protocol::hooks::check_event(&hook.event)
            .map_err(|why| format!("its callback `{name}` can't listen: {why}"))?;
        if description.hooks[..number].iter().any(|other| other.function == *name) {
            return Err(format!("two of its callbacks are called `{name}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plugin_protocol::{Doors, hooks::HookSubscription};

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
    fn callbacks_of_events_that_there_can_never_be_are_refused() {
        let listens = |events: &[(&str, &str)]| {
            let hooks = events.iter().map(|(function, event)| HookSubscription {
                event: (*event).to_owned(),
                function: (*function).to_owned(),
                priority: 0,
            });
            callbacks(&Description {
                hooks: hooks.collect(),
                ..Description::default()
            })
        };
        assert_eq!(listens(&[("one", "bot_ready"), ("two", "nobody.knows-it_yet")]), Ok(()));
        let why = listens(&[("one", "Levels.up")]).unwrap_err();
        assert!(
            why.contains("its callback `one` can't listen: `Levels.up`: `Levels` can be no plugin's name"),
            "{why}"
        );
        let why = listens(&[("one", "bot_ready"), ("one", "shutdown")]).unwrap_err();
        assert_eq!(why, "two of its callbacks are called `one`");
    }

    #[test]
    fn what_is_no_file_is_told_and_never_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            explain(folder.path())
                .unwrap_err()
                .contains("this is no file but a folder")
        );
        assert!(
            explain(Path::new("/dev/zero"))
                .unwrap_err()
                .contains("this is no file but a device")
        );
        assert!(
            explain(&folder.path().join("absent.so"))
                .unwrap_err()
                .contains("the file is gone")
        );
    }
}
