//! Which functions of plugins wait for a message or a reaction, and where: what nobody waits for costs one look at a number.
//!
//! Looked at on the shards' tasks, changed on plugins' threads. A watch ends when its plugin says so, when its time is over
//! or with its generation, whichever comes first.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use plugin_protocol::{ChannelId, LONGEST_WATCH_MS, PluginName, Problem, ProblemCode, UserId, Watch, Watched};

use crate::plugins::Generation;

/// How many functions of one plugin may wait at the same time.
const MOST: usize = 1024;

/// All watches. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many there are, for a look without the lock.
    count: AtomicUsize,
    /// A lock of std: held for a look or a change, never across an await.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    channels: HashMap<ChannelId, Vec<Entry>>,
    /// Where each of them is, by its generation and its number.
    places: HashMap<(Owner, u64), Place>,
    /// How many each plugin has.
    of_plugins: HashMap<PluginName, usize>,
}

/// A generation, by its name and number.
type Owner = (PluginName, u32);

#[derive(Clone, Copy, Debug)]
struct Place {
    channel: ChannelId,
    invocation: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    generation: Weak<Generation>,
    owner: Owner,
    id: u64,
    wanted: Watched,
    user: Option<UserId>,
    bots: bool,
    until: Instant,
}

/// Something that happened, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    /// What.
    pub what: Watched,
    /// Where.
    pub channel: ChannelId,
    /// Whose doing it is.
    pub user: Option<UserId>,
    /// Whether a bot or a webhook did it.
    pub by_bot: bool,
}

impl Watches {
    /// Whether anybody waits for anything.
    #[must_use]
    pub fn are_there(&self) -> bool {
        self.inner.count.load(Ordering::Relaxed) > 0
    }

    /// A function waits.
    ///
    /// # Errors
    ///
    /// `Busy`: too many of this plugin wait. `Invalid`: its number is taken, or it would wait for too long.
    pub fn begin(&self, from: &Arc<Generation>, watch: &Watch, now: Instant) -> Result<(), Problem> {
        if watch.limit_ms > LONGEST_WATCH_MS {
            let text = "a function can wait for at most 15 minutes";
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let owner = (from.name().clone(), from.number);
        let mut table = self.table();
        if table.of_plugins.get(from.name()).is_some_and(|&count| count >= MOST) {
            table.sweep(now);
        }
        if table.of_plugins.get(from.name()).is_some_and(|&count| count >= MOST) {
            let text = format!("{MOST} functions of this plugin wait for people already: let some of them end first");
            return Err(Problem::new(ProblemCode::Busy, text));
        }
        let place = Place {
            channel: watch.channel_id,
            invocation: watch.invocation,
        };
        if table.places.contains_key(&(owner.clone(), watch.id)) {
            let text = format!("this generation has a watch of the number {} already", watch.id);
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        table.places.insert((owner.clone(), watch.id), place);
        *table.of_plugins.entry(from.name().clone()).or_default() += 1;
        table.channels.entry(watch.channel_id).or_default().push(Entry {
            generation: Arc::downgrade(from),
            owner,
            id: watch.id,
            wanted: watch.wanted,
            user: watch.user_id,
            bots: watch.bots,
            until: now + Duration::from_millis(watch.limit_ms),
        });
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
        Ok(())
    }

    /// A function waits no longer; says in which invocation it did.
    pub fn end(&self, from: &Generation, id: u64) -> Option<u64> {
        let mut table = self.table();
        let place = table.remove(&((from.name().clone(), from.number), id))?;
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
        place.invocation
    }

    /// Who waits for this, with the number of their watch.
    #[must_use]
    pub fn of(&self, sighting: &Sighting, now: Instant) -> Vec<(Arc<Generation>, u64)> {
        let table = self.table();
        let Some(entries) = table.channels.get(&sighting.channel) else {
            return Vec::new();
        };
        entries
            .iter()
            .filter(|entry| entry.wants(sighting) && entry.until > now)
            .filter_map(|entry| Some((entry.generation.upgrade()?, entry.id)))
            .collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn wants(&self, sighting: &Sighting) -> bool {
        self.wanted == sighting.what
            && (self.bots || !sighting.by_bot)
            && self.user.is_none_or(|user| sighting.user == Some(user))
    }
}

impl Table {
    fn remove(&mut self, key: &(Owner, u64)) -> Option<Place> {
        let place = self.places.remove(key)?;
        if let Some(entries) = self.channels.get_mut(&place.channel) {
            entries.retain(|entry| entry.id != key.1 || entry.owner != key.0);
            if entries.is_empty() {
                self.channels.remove(&place.channel);
            }
        }
        let plugin = &key.0.0;
        if let Some(count) = self.of_plugins.get_mut(plugin) {
            *count -= 1;
            if *count == 0 {
                self.of_plugins.remove(plugin);
            }
        }
        Some(place)
    }

    /// Drops those whose time is over, and those of generations that are gone: whoever ends without a word.
    fn sweep(&mut self, now: Instant) {
        let gone: Vec<_> = self
            .channels
            .values()
            .flatten()
            .filter(|entry| entry.until <= now || entry.generation.upgrade().is_none_or(|held| held.has_ended()))
            .map(|entry| (entry.owner.clone(), entry.id))
            .collect();
        for key in gone {
            self.remove(&key);
        }
    }
}
