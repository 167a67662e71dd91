//! What servers' administrators have set for the bot's commands under Integrations: asked of Discord when somebody uses
//! a command there for the first time, and kept up to date by its events.
//!
//! Nothing of it outlives a session that can't be resumed, since changes may have been missed. A failure is told to all
//! who wait and stands for a while. What it means is `permits::overrides`' to say.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{ApplicationId, GuildId};
use serde::Deserialize;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

use crate::{
    permits::{CommandOverrides, Integrations, KnownIntegrations},
    rest::{Method, Request, Rest},
};

/// How long a look-up may take, from its place in the queue to its answer: Discord waits 3 s for an answer to an
/// interaction.
const LIMIT: Duration = Duration::from_secs(2);
/// How long a failure stands: whoever asks meanwhile is told it at once.
const FAILED_FOR: Duration = Duration::from_secs(10);
/// How many servers are asked about at a time; others wait for their place.
const MOST_ASKED: usize = 64;
/// How many may wait for answers.
const MOST_WAITING: usize = 1024;

/// What administrators have set. Clones are the same.
#[derive(Clone)]
pub struct Administrators {
    inner: Arc<Inner>,
}

struct Inner {
    rest: Rest,
    /// A lock of std: held for a look-up only, never across an await.
    guilds: RwLock<HashMap<GuildId, Entry>>,
    last_asked: AtomicU64,
    asked: Semaphore,
    waiting: Semaphore,
}

/// What is known of one server.
#[derive(Clone)]
enum Entry {
    Known(Arc<Integrations>),
    /// Discord is being asked: the number of the look-up, and where its outcome is told to all who wait.
    Asked(u64, watch::Receiver<Outcome>),
    /// It did not tell; it is not asked again before.
    Failed(Instant),
}

/// `None`: not yet. Then the settings, if Discord has told them.
type Outcome = Option<Option<Arc<Integrations>>>;

impl Administrators {
    /// Asks through this.
    pub fn new(rest: Rest) -> Self {
        Self {
            inner: Arc::new(Inner {
                rest,
                guilds: RwLock::default(),
                last_asked: AtomicU64::new(0),
                asked: Semaphore::new(MOST_ASKED),
                waiting: Semaphore::new(MOST_WAITING),
            }),
        }
    }

    /// What a server's administrators have set; `None` if Discord doesn't tell it, has not told it some seconds ago, or
    /// too many wait for such answers.
    pub async fn of(&self, application: ApplicationId, guild: GuildId) -> Option<Arc<Integrations>> {
        if let Some(known) = self.known(guild) {
            return Some(known);
        }
        let _place = self.inner.waiting.try_acquire().ok()?;
        let mut outcome = match self.entry(application, guild) {
            Entry::Known(known) => return Some(known),
            Entry::Failed(_) => return None,
            Entry::Asked(_, outcome) => outcome,
        };
        outcome.wait_for(Option::is_some).await.ok()?.clone().flatten()
    }

    fn known(&self, guild: GuildId) -> Option<Arc<Integrations>> {
        match self.inner.read().get(&guild) {
            Some(Entry::Known(known)) => Some(Arc::clone(known)),
            _ => None,
        }
    }

    /// What is known of a server. Where that is nothing, a look-up begins, which nobody who waits for it can cut short:
    /// its outcome is everybody's. It ends within [`LIMIT`].
    fn entry(&self, application: ApplicationId, guild: GuildId) -> Entry {
        let mut guilds = self.inner.write();
        match guilds.get(&guild) {
            Some(Entry::Failed(until)) if *until <= Instant::now() => {}
            Some(entry) => return entry.clone(),
            None => {}
        }
        let number = self.inner.last_asked.fetch_add(1, Ordering::Relaxed);
        let (told, outcome) = watch::channel(None);
        let entry = Entry::Asked(number, outcome);
        guilds.insert(guild, entry.clone());
        drop(guilds);
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            let settings = timeout(LIMIT, inner.ask(application, guild)).await;
            let settings = settings.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
            if let Err(why) = &settings {
                tracing::warn!(%guild, %why, "Discord doesn't tell what is set for commands under Integrations: asked again in {} s", FAILED_FOR.as_secs());
            }
            let settings = settings.ok();
            inner.note(guild, number, settings.clone());
            told.send_replace(Some(settings));
        });
        entry
    }

    /// Takes over an event of the gateway: `APPLICATION_COMMAND_PERMISSIONS_UPDATE`, and those after which nothing is
    /// known any more. `shard` is whose, and of how many.
    pub fn apply(&self, kind: &str, payload: &str, shard: (u32, u32)) {
        #[derive(Deserialize)]
        struct Frame<T> {
            d: T,
        }
        #[derive(Deserialize)]
        struct Gone {
            id: GuildId,
        }
        match kind {
            // Of another session: what has changed in between is not told.
            "READY" => self.forget_shard(shard),
            "GUILD_DELETE" => {
                if let Ok(gone) = serde_json::from_str::<Frame<Gone>>(payload) {
                    self.inner.write().remove(&gone.d.id);
                }
            }
            "APPLICATION_COMMAND_PERMISSIONS_UPDATE" => {
                match serde_json::from_str::<Frame<CommandOverrides>>(payload) {
                    Ok(frame) => self.put(&frame.d),
                    Err(error) => {
                        tracing::warn!(%error, "what was set for commands under Integrations can't be read: it is asked anew");
                        self.forget_shard(shard);
                    }
                }
            }
            _ => {}
        }
    }

    fn put(&self, told: &CommandOverrides) {
        let mut guilds = self.inner.write();
        match guilds.get_mut(&told.guild_id) {
            Some(Entry::Known(known)) => Arc::make_mut(known).put(told),
            // An answer that is on its way may be older than this: whoever asks from now on has it asked again.
            Some(Entry::Asked(..) | Entry::Failed(_)) => {
                guilds.remove(&told.guild_id);
            }
            None => {}
        }
    }

    /// Forgets the servers of one shard (<https://discord.com/developers/docs/events/gateway#sharding>).
    fn forget_shard(&self, (shard, shards): (u32, u32)) {
        let is_its = |guild: &GuildId| (guild.get() >> 22) % u64::from(shards.max(1)) == u64::from(shard);
        self.inner.write().retain(|guild, _| !is_its(guild));
    }

    /// What is known of all servers.
    pub fn snapshot(&self) -> KnownIntegrations {
        let guilds = self.inner.read();
        let known = guilds.iter().filter_map(|(guild, entry)| match entry {
            Entry::Known(known) => Some((*guild, Integrations::clone(known))),
            _ => None,
        });
        KnownIntegrations(known.collect())
    }

    /// Takes over what was known at the end of the session that is resumed.
    pub fn restore(&self, known: KnownIntegrations) {
        let known = known.0.into_iter();
        let entries = known.map(|(guild, settings)| (guild, Entry::Known(Arc::new(settings))));
        self.inner.write().extend(entries);
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<GuildId, Entry>> {
        self.guilds.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<GuildId, Entry>> {
        self.guilds.write().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, application: ApplicationId, guild: GuildId) -> Result<Arc<Integrations>, String> {
        let _place = self.asked.acquire().await.map_err(|error| error.to_string())?;
        let path = format!("/applications/{application}/guilds/{guild}/commands/permissions");
        let answer = self.rest.send(Request::new(Method::Get, path)).await;
        let answer = answer.map_err(|error| error.to_string())?;
        match answer.status {
            200 => {}
            // Where the bot was added without application commands, there is nothing to set.
            403 | 404 => return Ok(Arc::default()),
            status => return Err(format!("it answered with status {status}")),
        }
        let told: Vec<CommandOverrides> =
            serde_json::from_slice(&answer.body).map_err(|error| format!("its answer can't be read: {error}"))?;
        Ok(Arc::new(Integrations::from(told)))
    }

    /// Remembers what came of a look-up, unless something has made it void.
    fn note(&self, guild: GuildId, number: u64, settings: Option<Arc<Integrations>>) {
        let mut guilds = self.write();
        if let Some(entry) = guilds.get_mut(&guild)
            && matches!(entry, Entry::Asked(its, _) if *its == number)
        {
            *entry = settings.map_or_else(|| Entry::Failed(Instant::now() + FAILED_FOR), Entry::Known);
        }
    }
}

#[cfg(test)]
mod tests;
