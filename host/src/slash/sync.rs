//! Writes the planned sets to Discord, globally and for single servers, when they differ from what was written last.
//!
//! What was written is remembered in the bot's database, per application, so that a restart with the same plugins asks
//! nothing of Discord. One bulk overwrite writes all:
//! <https://discord.com/developers/docs/interactions/application-commands>.

use std::collections::{BTreeMap, BTreeSet};

use plugin_protocol::{ApplicationId, GuildId};
use serde::Deserialize;
use serde_json::Value;

use super::{
    memory::{Registered, Set},
    menu::key_of,
};
use crate::{
    interactions::{DiscordApi, Request, refusal::Refusal},
    storage::{StorageError, Tables},
};

/// An application's own set, or that of one server.
type Scope = (ApplicationId, Option<GuildId>);

/// What is registered at Discord, as far as this host wrote it.
#[derive(Debug)]
pub struct SlashSync {
    tables: Tables,
    /// An asynchronous lock, held while a set is written: sets are written one after the other.
    memory: tokio::sync::Mutex<BTreeMap<Scope, Registered>>,
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
    Refused(Refusal),
}

/// Why Discord did not take it: what is a fault or a limit of the moment may be taken later.
fn refused(refusal: &Refusal) -> SyncError {
    match refusal.status {
        429 | 500.. => SyncError::NoAnswer(refusal.to_string()),
        _ => SyncError::Refused(refusal.clone()),
    }
}

impl SlashSync {
    /// Reads what was written last. What is not understood counts as not written.
    ///
    /// # Errors
    ///
    /// The database can't be read.
    pub async fn open(tables: Tables) -> Result<Self, StorageError> {
        let rows = tables.slash_sets().await?;
        let known = rows.into_iter().filter_map(|(application, guild, memory)| {
            let scope = (ApplicationId::new(application)?, GuildId::new(guild));
            match serde_json::from_str(&memory) {
                Ok(memory) => Some((scope, memory)),
                Err(error) => {
                    tracing::warn!(%error, "what was remembered of slash commands is not understood: they will be written anew");
                    None
                }
            }
        });
        let memory = tokio::sync::Mutex::new(known.collect());
        Ok(Self { tables, memory })
    }

    /// What was written last. Before the first time, what Discord has is asked for: it is others', and kept.
    ///
    /// # Errors
    ///
    /// Discord refused to tell it or did not answer.
    pub async fn registered(
        &self,
        api: &dyn DiscordApi,
        application: ApplicationId,
        guild: Option<GuildId>,
    ) -> Result<Registered, SyncError> {
        if let Some(known) = self.memory.lock().await.get(&(application, guild)) {
            return Ok(known.clone());
        }
        let foreign = self.there(api, application, guild).await?;
        Ok(Registered {
            foreign,
            ..Registered::default()
        })
    }

    /// What was written last for all servers, without asking Discord.
    pub async fn known(&self, application: ApplicationId, guild: Option<GuildId>) -> Option<Registered> {
        self.memory.lock().await.get(&(application, guild)).cloned()
    }

    /// The commands that Discord has.
    ///
    /// # Errors
    ///
    /// Discord refused to tell it or did not answer.
    pub async fn there(
        &self,
        api: &dyn DiscordApi,
        application: ApplicationId,
        guild: Option<GuildId>,
    ) -> Result<Vec<Value>, SyncError> {
        let request = Request {
            method: "GET",
            path: format!("{}?with_localizations=true", path(application, guild)),
            body: Vec::new(),
            files: Vec::new(),
        };
        let response = api.send(request).await.map_err(SyncError::NoAnswer)?;
        if !response.is_success() {
            return Err(refused(&Refusal::read(response.status, &response.body)));
        }
        serde_json::from_slice(&response.body).map_err(|error| SyncError::NoAnswer(error.to_string()))
    }

    /// Writes a set with one bulk overwrite, if it is not the one that was written last. `there`, if it was asked for, is
    /// what Discord has: what differs from that is written, too.
    ///
    /// # Errors
    ///
    /// Discord refused the set or did not answer. The next call tries again, whether the set has changed or not.
    pub async fn sync(
        &self,
        api: &dyn DiscordApi,
        application: ApplicationId,
        guild: Option<GuildId>,
        set: Set,
        there: Option<&[Value]>,
    ) -> Result<Synced, SyncError> {
        let scope = (application, guild);
        let mut memory = self.memory.lock().await;
        let body = set.body();
        let hash = blake3::hash(&body).to_hex().to_string();
        let before = memory.get(&scope).cloned();
        let is_same = match (&before, there) {
            (Some(before), None) => before.hash == hash,
            (Some(before), Some(there)) => before.hash == hash && agrees(before, there),
            // Nothing written and nothing to write.
            (None, there) => set.is_empty() && there.is_none_or(<[_]>::is_empty),
        };
        let mut after = Registered {
            hash,
            commands: set.commands,
            foreign: set.foreign,
        };
        if is_same {
            if let Some(before) = before {
                take_over(&mut after, &before);
                if after != before {
                    self.keep(scope, &after).await;
                    memory.insert(scope, after);
                }
            }
            return Ok(Synced::Unchanged);
        }
        // Should the process end before it is known what came of it, the next start knows whose commands they are, and
        // writes again.
        self.keep(scope, &pending(before.as_ref(), &after)).await;
        if let Some(before) = memory.get_mut(&scope) {
            // If the answer is lost, it is not known what is there: the next set is written, whichever it is.
            before.hash.clear();
        }
        let request = Request {
            method: "PUT",
            path: path(application, guild),
            body,
            files: Vec::new(),
        };
        let response = api.send(request).await.map_err(SyncError::NoAnswer)?;
        if !response.is_success() {
            match &before {
                Some(before) => {
                    self.keep(scope, before).await;
                    memory.insert(scope, before.clone());
                }
                None => {
                    self.drop_row(scope).await;
                    memory.remove(&scope);
                }
            }
            return Err(refused(&Refusal::read(response.status, &response.body)));
        }
        note_ids(&mut after, &response.body);
        let synced = difference(&before.unwrap_or_default(), &after, there);
        self.keep(scope, &after).await;
        memory.insert(scope, after);
        Ok(synced)
    }

    /// Whether what was written for this application is what is there. For a local Discord, which forgets.
    pub async fn agrees(&self, application: ApplicationId, there: &[Value]) -> bool {
        let memory = self.memory.lock().await;
        let known = memory.get(&(application, None));
        // Without a hash it is not known what is there.
        known.is_none_or(|known| known.hash.is_empty() || agrees(known, there))
    }

    /// Forgets what was written for this application, so that the next synchronisation writes.
    pub async fn forget(&self, application: ApplicationId) {
        let mut memory = self.memory.lock().await;
        let scopes: Vec<_> = memory.keys().filter(|scope| scope.0 == application).copied().collect();
        for scope in scopes {
            memory.remove(&scope);
            self.drop_row(scope).await;
        }
    }

    /// The servers for which a set was written that is not empty.
    pub async fn guilds(&self, application: ApplicationId) -> Vec<GuildId> {
        let memory = self.memory.lock().await;
        let theirs = memory
            .iter()
            .filter(|(scope, set)| scope.0 == application && !(set.commands.is_empty() && set.foreign.is_empty()));
        theirs.filter_map(|(scope, _)| scope.1).collect()
    }

    async fn keep(&self, scope: Scope, registered: &Registered) {
        let json = serde_json::to_string(registered).ok();
        let guild = scope.1.map_or(0, GuildId::get);
        if let Err(error) = self.tables.keep_slash_set(scope.0.get(), guild, json).await {
            tracing::warn!(%error, "slash commands could not be remembered: they will be written again after a restart");
        }
    }

    async fn drop_row(&self, scope: Scope) {
        let guild = scope.1.map_or(0, GuildId::get);
        if let Err(error) = self.tables.keep_slash_set(scope.0.get(), guild, None).await {
            tracing::warn!(%error, "slash commands could not be forgotten");
        }
    }
}

fn path(application: ApplicationId, guild: Option<GuildId>) -> String {
    match guild {
        None => format!("/applications/{application}/commands"),
        Some(guild) => format!("/applications/{application}/guilds/{guild}/commands"),
    }
}

/// What is remembered while a set is on its way: whatever of both sets may be there.
fn pending(before: Option<&Registered>, after: &Registered) -> Registered {
    let mut commands = before.map(|before| before.commands.clone()).unwrap_or_default();
    commands.extend(after.commands.clone());
    Registered {
        hash: String::new(),
        commands,
        foreign: after.foreign.clone(),
    }
}

/// Whether Discord has exactly what was written, in the form in which it was written.
fn agrees(known: &Registered, there: &[Value]) -> bool {
    let pair = |id: Option<&str>, version: Option<&str>| (id.map(str::to_owned), version.map(str::to_owned));
    let own = known
        .commands
        .values()
        .map(|command| pair(command.id.as_deref(), command.version.as_deref()));
    let foreign: BTreeSet<_> = known.foreign.iter().filter_map(|one| one["id"].as_str()).collect();
    let all: BTreeSet<_> = own.chain(foreign.iter().map(|id| pair(Some(id), None))).collect();
    let told = |command: &Value| {
        let id = command["id"].as_str();
        // Others' commands were never looked at.
        let is_own = id.is_none_or(|id| !foreign.contains(id));
        pair(id, command["version"].as_str().filter(|_| is_own))
    };
    all == there.iter().map(told).collect()
}

/// Ids and versions that Discord told when it was written.
fn take_over(after: &mut Registered, before: &Registered) {
    for (name, command) in &mut after.commands {
        if let Some(old) = before.commands.get(name) {
            command.id.clone_from(&old.id);
            command.version.clone_from(&old.version);
        }
    }
    after.foreign.clone_from(&before.foreign);
}

fn note_ids(after: &mut Registered, answer: &[u8]) {
    #[derive(Deserialize)]
    struct Answered {
        id: String,
        #[serde(default)]
        version: Option<String>,
    }
    let answered: Vec<Value> = serde_json::from_slice(answer).unwrap_or_default();
    for command in answered {
        let Some(key) = key_of(&command) else { continue };
        let Ok(told) = serde_json::from_value::<Answered>(command) else {
            continue;
        };
        if let Some(command) = after.commands.get_mut(&key) {
            command.id = Some(told.id);
            command.version = told.version;
        }
    }
}

/// What a write changed: against what Discord had, if that was asked for, else against what was written before.
fn difference(before: &Registered, after: &Registered, there: Option<&[Value]>) -> Synced {
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let mut had: BTreeSet<String> = before.commands.keys().cloned().collect();
    if let Some(there) = there {
        had = there.iter().filter_map(key_of).collect();
    }
    for (name, command) in &after.commands {
        if !had.contains(name) {
            added.push(name.clone());
        } else if before.commands.get(name).is_none_or(|old| old.json != command.json) {
            changed.push(name.clone());
        }
    }
    let is_gone = |name: &&String| {
        !after.commands.contains_key(*name)
            && !after
                .foreign
                .iter()
                .any(|foreign| key_of(foreign).as_ref() == Some(*name))
    };
    let removed = had.iter().filter(is_gone).cloned().collect();
    Synced::Written {
        added,
        changed,
        removed,
    }
}

#[cfg(test)]
mod tests;
