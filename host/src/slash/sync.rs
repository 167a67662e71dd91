//! Writes the planned sets to Discord, globally and for single servers, when they differ from what was written last.
//!
//! What was written is remembered in a file, per application, so that a restart with the same plugins asks nothing of
//! Discord. One bulk overwrite writes all: <https://discord.com/developers/docs/interactions/application-commands>.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use plugin_protocol::{ApplicationId, GuildId};
use serde::{Deserialize, Serialize};

use super::command::{SlashCommand, overwrite};
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
    /// The global sets.
    #[serde(default)]
    applications: BTreeMap<ApplicationId, Registered>,
    /// The sets of single servers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    guilds: BTreeMap<ApplicationId, BTreeMap<GuildId, Registered>>,
}

impl Memory {
    fn of(&self, application: ApplicationId, guild: Option<GuildId>) -> Option<&Registered> {
        match guild {
            None => self.applications.get(&application),
            Some(guild) => self.guilds.get(&application)?.get(&guild),
        }
    }

    fn set(&mut self, application: ApplicationId, guild: Option<GuildId>, registered: Registered) {
        match guild {
            None => self.applications.insert(application, registered),
            Some(guild) => self.guilds.entry(application).or_default().insert(guild, registered),
        };
    }
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

    /// Writes a planned set, the global one or a server's, with one bulk overwrite, if it is not the one that was written
    /// last for this application.
    ///
    /// # Errors
    ///
    /// Discord refused the set or did not answer. The next call tries again, whether the set has changed or not.
    pub async fn sync(
        &self,
        api: &dyn DiscordApi,
        application: ApplicationId,
        guild: Option<GuildId>,
        commands: &[SlashCommand],
    ) -> Result<Synced, SyncError> {
        let mut memory = self.memory.lock().await;
        let body = overwrite(commands);
        let hash = hash(&body);
        let before = memory.of(application, guild).cloned();
        let is_same = match &before {
            Some(before) => before.hash == hash,
            // Nothing written and nothing to write: what others registered stays.
            None => commands.is_empty(),
        };
        if is_same {
            return Ok(Synced::Unchanged);
        }
        let request = Request {
            method: "PUT",
            path: match guild {
                None => format!("/applications/{application}/commands"),
                Some(guild) => format!("/applications/{application}/guilds/{guild}/commands"),
            },
            body,
        };
        let response = api.send(request).await.map_err(SyncError::NoAnswer)?;
        if !response.is_success() {
            return Err(Refusal::read(response.status, &response.body).into());
        }
        let after = Registered {
            hash,
            commands: registered(commands, &response.body),
        };
        let synced = difference(&before.unwrap_or_default().commands, &after.commands);
        memory.set(application, guild, after);
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
        let Some(registered) = memory.applications.get(&application) else {
            return true;
        };
        let mut known: Vec<&str> = registered
            .commands
            .values()
            .filter_map(|command| command.id.as_deref())
            .collect();
        let mut there = ids.to_vec();
        known.sort_unstable();
        there.sort_unstable();
        known == there
    }

    /// Forgets what was written for this application, so that the next synchronisation writes: for `sync`, and for a
    /// local Discord that forgets on its part.
    pub async fn forget(&self, application: ApplicationId) {
        let mut memory = self.memory.lock().await;
        memory.applications.remove(&application);
        memory.guilds.remove(&application);
    }

    /// The servers for which a set was written that is not empty.
    pub async fn guilds(&self, application: ApplicationId) -> Vec<GuildId> {
        let memory = self.memory.lock().await;
        let guilds = memory.guilds.get(&application).into_iter().flatten();
        let with_commands = guilds.filter(|(_, registered)| !registered.commands.is_empty());
        with_commands.map(|(guild, _)| *guild).collect()
    }

    /// Forgets what was written for a server that the bot has left: Discord has, too.
    pub async fn forget_guild(&self, application: ApplicationId, guild: GuildId) {
        if let Some(guilds) = self.memory.lock().await.guilds.get_mut(&application) {
            guilds.remove(&guild);
        }
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
fn registered(commands: &[SlashCommand], answer: &[u8]) -> BTreeMap<String, RegisteredCommand> {
    #[derive(Deserialize)]
    struct Answered {
        id: String,
        name: String,
    }
    let answered: Vec<Answered> = serde_json::from_slice(answer).unwrap_or_default();
    let mut ids: BTreeMap<_, _> = answered.into_iter().map(|command| (command.name, command.id)).collect();
    let commands = commands.iter().map(|command| {
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
    crate::storage::write_atomically(path, &serde_json::to_vec_pretty(memory)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::{FutureExt, future::BoxFuture};
    use plugin_protocol::{Command, Doors, PluginName};

    use super::*;
    use crate::{
        interactions::Response,
        slash::plan::{Limits, Plan, plan},
    };

    /// A Discord that gives ids in the order of names.
    #[derive(Default)]
    struct Fake {
        refuses: Mutex<Option<u16>>,
        requests: Mutex<Vec<Request>>,
    }

    impl DiscordApi for Fake {
        fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>> {
            let commands: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
            self.requests.lock().unwrap().push(request);
            let answer: Vec<_> = commands
                .iter()
                .enumerate()
                .map(|(at, command)| serde_json::json!({"id": (at + 1).to_string(), "name": command["name"]}))
                .collect();
            let response = match *self.refuses.lock().unwrap() {
                Some(0) => Err("connection reset".to_owned()),
                Some(status) => Ok(Response {
                    status,
                    body: r#"{"code":50035,"message":"Invalid Form Body"}"#.into(),
                }),
                None => Ok(Response {
                    status: 200,
                    body: serde_json::to_vec(&answer).unwrap().into(),
                }),
            };
            async { response }.boxed()
        }
    }

    fn planned(commands: &[(&str, &str)]) -> Plan {
        let commands: Vec<_> = commands
            .iter()
            .map(|(name, description)| Command {
                name: (*name).to_owned(),
                description: (*description).to_owned(),
                doors: Doors {
                    prefix: false,
                    slash: true,
                },
                ..Command::default()
            })
            .collect();
        let name: PluginName = "a".parse().unwrap();
        plan([(&name, commands.as_slice(), &[][..])], Limits::default())
    }

    fn application(id: u64) -> ApplicationId {
        ApplicationId::new(id).unwrap()
    }

    fn written(added: &[&str], changed: &[&str], removed: &[&str]) -> Synced {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Synced::Written {
            added: owned(added),
            changed: owned(changed),
            removed: owned(removed),
        }
    }

    #[tokio::test]
    async fn a_set_is_written_once_and_after_a_restart_not_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slash.json");
        let discord = Fake::default();
        let set = planned(&[("ping", "Pings"), ("warn add", "Warns")]);

        let sync = SlashSync::open(&path).unwrap();
        let first = sync.sync(&discord, application(9), None, &set.commands).await.unwrap();
        assert_eq!(first, written(&["ping", "warn"], &[], &[]));
        assert_eq!(
            sync.sync(&discord, application(9), None, &set.commands).await.unwrap(),
            Synced::Unchanged
        );
        assert_eq!(
            sync.clickable(application(9), "warn add").await.as_deref(),
            Some("</warn add:2>")
        );
        assert_eq!(sync.clickable(application(9), "nothing").await, None);

        let again = SlashSync::open(&path).unwrap();
        assert_eq!(
            again.sync(&discord, application(9), None, &set.commands).await.unwrap(),
            Synced::Unchanged
        );
        assert_eq!(
            again.clickable(application(9), "ping").await.as_deref(),
            Some("</ping:1>")
        );
        let requests = discord.requests.lock().unwrap().clone();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            (requests[0].method, requests[0].path.as_str()),
            ("PUT", "/applications/9/commands")
        );
        assert_eq!(requests[0].body, overwrite(&set.commands));
    }

    #[tokio::test]
    async fn what_changed_is_reported_and_applications_are_apart() {
        let folder = tempfile::tempdir().unwrap();
        let discord = Fake::default();
        let sync = SlashSync::open(folder.path().join("slash.json")).unwrap();
        let old = planned(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let new = planned(&[("b", "2"), ("c", "1"), ("d", "1")]);
        sync.sync(&discord, application(9), None, &old.commands).await.unwrap();
        let synced = sync.sync(&discord, application(9), None, &new.commands).await.unwrap();
        assert_eq!(synced, written(&["d"], &["b"], &["a"]));
        let synced = sync.sync(&discord, application(8), None, &old.commands).await.unwrap();
        assert_eq!(synced, written(&["a", "b", "c"], &[], &[]));
        assert_eq!(
            sync.sync(&discord, application(9), None, &new.commands).await.unwrap(),
            Synced::Unchanged
        );
        sync.forget(application(9)).await;
        let synced = sync.sync(&discord, application(9), None, &new.commands).await.unwrap();
        assert_eq!(synced, written(&["b", "c", "d"], &[], &[]));
    }

    #[tokio::test]
    async fn servers_have_sets_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slash.json");
        let discord = Fake::default();
        let sync = SlashSync::open(&path).unwrap();
        let home = GuildId::new(5).unwrap();
        let set = planned(&[("load", "1")]);
        sync.sync(&discord, application(9), Some(home), &set.commands)
            .await
            .unwrap();
        assert_eq!(
            discord.requests.lock().unwrap()[0].path,
            "/applications/9/guilds/5/commands"
        );
        assert_eq!(sync.guilds(application(9)).await, [home]);

        let again = SlashSync::open(&path).unwrap();
        let synced = again.sync(&discord, application(9), Some(home), &set.commands).await;
        assert_eq!(synced.unwrap(), Synced::Unchanged);
        let synced = again.sync(&discord, application(9), Some(home), &[]).await;
        assert_eq!(synced.unwrap(), written(&[], &[], &["load"]));
        assert_eq!(again.guilds(application(9)).await, []);
    }

    #[tokio::test]
    async fn a_failure_keeps_the_old_memory_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let discord = Fake::default();
        let sync = SlashSync::open(folder.path().join("slash.json")).unwrap();
        let (old, new) = (planned(&[("a", "1")]), planned(&[("b", "1")]));
        sync.sync(&discord, application(9), None, &old.commands).await.unwrap();
        for status in [400, 0] {
            *discord.refuses.lock().unwrap() = Some(status);
            assert!(sync.sync(&discord, application(9), None, &new.commands).await.is_err());
            assert!(sync.clickable(application(9), "a").await.is_some());
        }
        *discord.refuses.lock().unwrap() = None;
        let synced = sync.sync(&discord, application(9), None, &new.commands).await.unwrap();
        assert_eq!(synced, written(&["b"], &[], &["a"]));
    }

    #[tokio::test]
    async fn nothing_is_written_for_nothing_and_a_broken_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slash.json");
        fs::write(&path, "{broken").unwrap();
        let discord = Fake::default();
        let sync = SlashSync::open(&path).unwrap();
        assert_eq!(
            sync.sync(&discord, application(9), None, &planned(&[]).commands)
                .await
                .unwrap(),
            Synced::Unchanged
        );
        assert!(discord.requests.lock().unwrap().is_empty());
        let set = planned(&[("a", "1")]);
        sync.sync(&discord, application(9), None, &set.commands).await.unwrap();
        let emptied = sync
            .sync(&discord, application(9), None, &planned(&[]).commands)
            .await
            .unwrap();
        assert_eq!(emptied, written(&[], &[], &["a"]));
    }
}
