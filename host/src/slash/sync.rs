//! Writes the planned set to Discord, when it differs from what was written last.
//!
//! What was written is remembered in a file, per application, so that a restart with the same plugins asks nothing of
//! Discord. One bulk overwrite writes all: <https://discord.com/developers/docs/interactions/application-commands>.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use plugin_protocol::ApplicationId;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::interactions::{DiscordApi, Request, refusal::Refusal};

/// What is registered at Discord, as far as this host wrote it.
#[derive(Debug)]
pub struct SlashSync {
    path: PathBuf,
    /// An asynchronous lock, held while a set is written: sets are written one after the other.
    memory: tokio::sync::Mutex<Memory>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    #[serde(default)]
    applications: BTreeMap<ApplicationId, Registered>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Registered {
    /// Of the whole set as it was sent.
    hash: String,
    commands: BTreeMap<String, RegisteredCommand>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RegisteredCommand {
    /// Of the command as it was sent.
    hash: String,
    /// Discord's id of it, for `</name:id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// What a synchronisation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Synced {
    /// Nothing: the set is the one that was written last.
    Unchanged,
    /// It wrote the set.
    Written {
        /// Names that are new.
        added: Vec<String>,
        /// Names whose command is another now.
        changed: Vec<String>,
        /// Names that are gone.
        removed: Vec<String>,
    },
}

/// Why a set was not written; what was registered before still is.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Discord did not answer.
    #[error("Discord did not answer: {0}")]
    NoAnswer(String),
    /// Discord refused the set.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The file of what was written could not be read.
    #[error("reading {path}: {source}", path = path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SlashSync {
    /// Reads what was written last. A file that is missing or not understood counts as nothing written.
    ///
    /// # Errors
    ///
    /// The file is there and can't be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SyncError> {
        let path = path.into();
        let memory = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "not understood, slash commands will be written anew");
                Memory::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Memory::default(),
            Err(source) => return Err(SyncError::Memory { path, source }),
        };
        Ok(Self {
            path,
            memory: tokio::sync::Mutex::new(memory),
        })
    }

    /// Writes the planned set with one bulk overwrite, if it is not the one that was written last for this application.
    ///
    /// # Errors
    ///
    /// Discord refused the set or did not answer. The next call tries again, whether the set has changed or not.
    pub async fn sync(
        &self,
        api: &dyn DiscordApi,
        application: ApplicationId,
        plan: &Plan,
    ) -> Result<Synced, SyncError> {
        let mut memory = self.memory.lock().await;
        let body = plan.to_json();
        let hash = hash(&body);
        let before = memory.applications.get(&application).cloned();
        let is_same = match &before {
            Some(before) => before.hash == hash,
            // Nothing written and nothing to write: what others registered stays.
            None => plan.commands.is_empty(),
        };
        if is_same {
            return Ok(Synced::Unchanged);
        }
        let request = Request {
            method: "PUT",
            path: format!("/applications/{application}/commands"),
            body,
        };
        let response = api.send(request).await.map_err(SyncError::NoAnswer)?;
        if !response.is_success() {
            return Err(Refusal::read(response.status, &response.body).into());
        }
        let after = Registered {
            hash,
            commands: registered(plan, &response.body),
        };
        let synced = difference(&before.unwrap_or_default().commands, &after.commands);
        memory.applications.insert(application, after);
        let (path, memory) = (self.path.clone(), memory.clone());
        let written = tokio::task::spawn_blocking(move || write(&path, &memory)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            let path = self.path.display();
            tracing::warn!(%path, %error, "could not be written: slash commands will be written again after a restart");
        }
        Ok(synced)
    }

    /// Whether what was written for this application is what is there: commands with exactly these ids.
    pub async fn agrees(&self, application: ApplicationId, ids: &[&str]) -> bool {
        let memory = self.memory.lock().await;
        let Some(registered) = memory.applications.get(&application) else { return true };
        let mut known: Vec<&str> = registered.commands.values().filter_map(|command| command.id.as_deref()).collect();
        let mut there = ids.to_vec();
        known.sort_unstable();
        there.sort_unstable();
        known == there
    }

    /// Forgets what was written for this application, so that the next synchronisation writes: for `sync`, and for a
    /// local Discord that forgets on its part.
    pub async fn forget(&self, application: ApplicationId) {
        self.memory.lock().await.applications.remove(&application);
    }

    /// How a registered command is written so that people can click it: `</warn add:123>`. `None` if it is not
    /// registered.
    pub async fn clickable(&self, application: ApplicationId, name: &str) -> Option<String> {
        let memory = self.memory.lock().await;
        let first = name.split(' ').next().unwrap_or(name);
        let id = memory
            .applications
            .get(&application)?
            .commands
            .get(first)?
            .id
            .as_ref()?;
        Some(format!("</{name}:{id}>"))
    }
}

/// What was registered, with the ids of Discord's answer.
fn registered(plan: &Plan, answer: &[u8]) -> BTreeMap<String, RegisteredCommand> {
    #[derive(Deserialize)]
    struct Answered {
        id: String,
        name: String,
    }
    let answered: Vec<Answered> = serde_json::from_slice(answer).unwrap_or_default();
    let mut ids: BTreeMap<_, _> = answered.into_iter().map(|command| (command.name, command.id)).collect();
    let commands = plan.commands.iter().map(|command| {
        let registered = RegisteredCommand {
            hash: hash(&command.to_json()),
            id: ids.remove(&command.name),
        };
        (command.name.clone(), registered)
    });
    commands.collect()
}

fn difference(before: &BTreeMap<String, RegisteredCommand>, after: &BTreeMap<String, RegisteredCommand>) -> Synced {
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for (name, command) in after {
        match before.get(name) {
            None => added.push(name.clone()),
            Some(old) if old.hash != command.hash => changed.push(name.clone()),
            Some(_) => {}
        }
    }
    let removed = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .cloned()
        .collect();
    Synced::Written {
        added,
        changed,
        removed,
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Writes the file so that a crash leaves the old one or the new one.
fn write(path: &Path, memory: &Memory) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(memory)?)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}
