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
    table: Mutex<Table<Generation>>,
}

/// Of any generations, so that tests need no running ones.
#[derive(Debug)]
struct Table<G> {
    channels: HashMap<ChannelId, Vec<Entry<G>>>,
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
struct Entry<G> {
    generation: Weak<G>,
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
        table.begin(owner, Arc::downgrade(from), watch, now, Generation::has_ended)?;
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
        Ok(())
    }

    /// A function waits no longer; says in which invocation it did.
    pub fn end(&self, from: &Generation, id: u64) -> Option<u64> {
        let mut table = self.table();
        let (_, place) = table.remove(&((from.name().clone(), from.number), id))?;
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
        place.invocation
    }

    /// A generation has ended, and all its waiting with it.
    pub fn forget(&self, of: &Generation) {
        let mut table = self.table();
        table.remove_all(|(plugin, number), _| plugin == of.name() && *number == of.number);
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
    }

    /// The invocations whose functions wait.
    #[must_use]
    pub fn invocations(&self) -> Vec<u64> {
        let table = self.table();
        table.places.values().filter_map(|place| place.invocation).collect()
    }

    /// Functions of these invocations wait no longer: whose and which they were, and of which invocation.
    pub fn end_in(&self, invocations: &[u64]) -> Vec<(Arc<Generation>, u64, u64)> {
        let mut table = self.table();
        let ended = table.remove_all(|_, place| place.invocation.is_some_and(|id| invocations.contains(&id)));
        self.inner.count.store(table.places.len(), Ordering::Relaxed);
        let ended = ended.into_iter();
        ended
            .filter_map(|(generation, id, place)| Some((generation.upgrade()?, id, place.invocation?)))
            .collect()
    }

    /// Who waits for this, with the number of their watch.
    #[must_use]
    pub fn of(&self, sighting: &Sighting, now: Instant) -> Vec<(Arc<Generation>, u64)> {
        self.table().of(sighting, now)
    }

    fn table(&self) -> MutexGuard<'_, Table<Generation>> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<G> Entry<G> {
    fn wants(&self, sighting: &Sighting) -> bool {
        self.wanted == sighting.what
            && (self.bots || !sighting.by_bot)
            && self.user.is_none_or(|user| sighting.user == Some(user))
    }
}

impl<G> Default for Table<G> {
    fn default() -> Self {
        Self {
            channels: HashMap::new(),
            places: HashMap::new(),
            of_plugins: HashMap::new(),
        }
    }
}

impl<G> Table<G> {
    fn begin(
        &mut self,
        owner: Owner,
        generation: Weak<G>,
        watch: &Watch,
        now: Instant,
        has_ended: impl Fn(&G) -> bool,
    ) -> Result<(), Problem> {
        if self.count(&owner.0) >= MOST {
            self.sweep(now, has_ended);
        }
        if self.count(&owner.0) >= MOST {
            let text = format!("{MOST} functions of this plugin wait for people already: let some of them end first");
            return Err(Problem::new(ProblemCode::Busy, text));
        }
        let place = Place {
            channel: watch.channel_id,
            invocation: watch.invocation,
        };
        if self.places.contains_key(&(owner.clone(), watch.id)) {
            let text = format!("this generation has a watch of the number {} already", watch.id);
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        self.places.insert((owner.clone(), watch.id), place);
        *self.of_plugins.entry(owner.0.clone()).or_default() += 1;
        self.channels.entry(watch.channel_id).or_default().push(Entry {
            generation,
            owner,
            id: watch.id,
            wanted: watch.wanted,
            user: watch.user_id,
            bots: watch.bots,
            until: now + Duration::from_millis(watch.limit_ms),
        });
        Ok(())
    }

    fn count(&self, plugin: &PluginName) -> usize {
        self.of_plugins.get(plugin).copied().unwrap_or(0)
    }

    fn of(&self, sighting: &Sighting, now: Instant) -> Vec<(Arc<G>, u64)> {
        let entries = self.channels.get(&sighting.channel).into_iter().flatten();
        entries
            .filter(|entry| entry.wants(sighting) && entry.until > now)
            .filter_map(|entry| Some((entry.generation.upgrade()?, entry.id)))
            .collect()
    }

    fn remove(&mut self, key: &(Owner, u64)) -> Option<(Weak<G>, Place)> {
        let place = self.places.remove(key)?;
        let entries = self.channels.get_mut(&place.channel)?;
        let at = entries
            .iter()
            .position(|entry| entry.id == key.1 && entry.owner == key.0)?;
        let entry = entries.remove(at);
        if entries.is_empty() {
            self.channels.remove(&place.channel);
        }
        let plugin = &key.0.0;
        if let Some(count) = self.of_plugins.get_mut(plugin) {
            *count -= 1;
            if *count == 0 {
                self.of_plugins.remove(plugin);
            }
        }
        Some((entry.generation, place))
    }

    fn remove_all(&mut self, goes: impl Fn(&Owner, &Place) -> bool) -> Vec<(Weak<G>, u64, Place)> {
        let places = self.places.iter().filter(|((owner, _), place)| goes(owner, place));
        let keys: Vec<_> = places.map(|(key, _)| key.clone()).collect();
        let removed = keys.into_iter().filter_map(|key| {
            let (generation, place) = self.remove(&key)?;
            Some((generation, key.1, place))
        });
        removed.collect()
    }

    /// Drops those whose time is over, and those of generations that are gone: whoever ends without a word.
    fn sweep(&mut self, now: Instant, has_ended: impl Fn(&G) -> bool) {
        let is_over = |entry: &&Entry<G>| {
            entry.until <= now
                || entry
                    .generation
                    .upgrade()
                    .is_none_or(|generation| has_ended(&generation))
        };
        let over = self.channels.values().flatten().filter(is_over);
        let keys: Vec<_> = over.map(|entry| (entry.owner.clone(), entry.id)).collect();
        for key in keys {
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it has ended.
    type Fake = bool;

    const ALICE: u64 = 7;
    const SECOND: Duration = Duration::from_secs(1);

    fn owner(plugin: &str, generation: u32) -> Owner {
        (plugin.parse().unwrap(), generation)
    }

    fn watch(id: u64) -> Watch {
        Watch {
            id,
            wanted: Watched::Message,
            channel_id: ChannelId::new(5).unwrap(),
            user_id: None,
            bots: false,
            limit_ms: 1000,
            invocation: Some(id + 100),
        }
    }

    fn begin(
        table: &mut Table<Fake>,
        owner: Owner,
        generation: &Arc<Fake>,
        watch: &Watch,
        now: Instant,
    ) -> Result<(), ProblemCode> {
        let begun = table.begin(owner, Arc::downgrade(generation), watch, now, |ended| *ended);
        begun.map_err(|problem| problem.code)
    }

    #[test]
    fn only_what_is_waited_for_is_told_and_only_in_time() {
        let (now, lives) = (Instant::now(), Arc::new(false));
        let seen = Sighting {
            what: Watched::Message,
            channel: ChannelId::new(5).unwrap(),
            user: UserId::new(ALICE),
            by_bot: false,
        };
        let own = Watch {
            user_id: UserId::new(ALICE),
            ..watch(1)
        };
        let bots = Watch { bots: true, ..watch(1) };
        for (watch, seen, at, is_told) in [
            (watch(1), seen, now, true),
            (
                watch(1),
                Sighting {
                    what: Watched::Reaction,
                    ..seen
                },
                now,
                false,
            ),
            (
                watch(1),
                Sighting {
                    channel: ChannelId::new(6).unwrap(),
                    ..seen
                },
                now,
                false,
            ),
            (watch(1), Sighting { by_bot: true, ..seen }, now, false),
            (bots, Sighting { by_bot: true, ..seen }, now, true),
            (own.clone(), seen, now, true),
            (
                own.clone(),
                Sighting {
                    user: UserId::new(8),
                    ..seen
                },
                now,
                false,
            ),
            (own, Sighting { user: None, ..seen }, now, false),
            (watch(1), seen, now + Duration::from_millis(999), true),
            (watch(1), seen, now + SECOND, false),
        ] {
            let mut table = Table::default();
            begin(&mut table, owner("a", 1), &lives, &watch, now).unwrap();
            let told: Vec<_> = table.of(&seen, at).into_iter().map(|(_, id)| id).collect();
            assert_eq!(!told.is_empty(), is_told, "{watch:?} {seen:?}");
            assert!(table.remove(&(owner("a", 2), 1)).is_none(), "another generation's");
            assert_eq!(table.remove(&(owner("a", 1), 1)).unwrap().1.invocation, Some(101));
            assert!(table.of(&seen, now).is_empty() && table.remove(&(owner("a", 1), 1)).is_none());
            assert!(table.channels.is_empty() && table.places.is_empty() && table.of_plugins.is_empty());
        }
        let mut table = Table::default();
        let goes = Arc::new(false);
        begin(&mut table, owner("a", 1), &goes, &watch(1), now).unwrap();
        drop(goes);
        assert!(table.of(&seen, now).is_empty(), "nobody is there to be told");
    }

    #[test]
    fn a_plugin_has_so_many_and_those_that_are_over_make_room() {
        let (now, lives, ended) = (Instant::now(), Arc::new(false), Arc::new(true));
        let mut table = Table::default();
        for id in 0..MOST as u64 {
            begin(&mut table, owner("a", 1), &lives, &watch(id), now).unwrap();
        }
        let busy = Err(ProblemCode::Busy);
        assert_eq!(begin(&mut table, owner("a", 2), &lives, &watch(1), now), busy);
        begin(&mut table, owner("b", 1), &lives, &watch(1), now).unwrap();
        assert_eq!(
            begin(&mut table, owner("b", 1), &lives, &watch(1), now),
            Err(ProblemCode::Invalid)
        );
        // What is over, and what has ended without a word, is swept for who comes.
        begin(&mut table, owner("a", 2), &lives, &watch(1), now + SECOND).unwrap();
        assert_eq!(table.places.len(), 1, "the times of all others were over");
        let mut table = Table::default();
        for id in 0..MOST as u64 {
            begin(&mut table, owner("a", 1), &ended, &watch(id), now).unwrap();
        }
        begin(&mut table, owner("a", 2), &lives, &watch(1), now).unwrap();
        assert_eq!(table.places.len(), 1);
    }

    #[test]
    fn those_of_a_generation_and_of_an_invocation_go_together() {
        let (now, lives) = (Instant::now(), Arc::new(false));
        let mut table = Table::default();
        for (generation, id) in [(1, 1), (1, 2), (2, 1)] {
            begin(&mut table, owner("a", generation), &lives, &watch(id), now).unwrap();
        }
        let of_first = table.remove_all(|(_, generation), _| *generation == 1);
        assert_eq!((of_first.len(), table.places.len()), (2, 1));
        let ended = table.remove_all(|_, place| place.invocation == Some(101));
        assert_eq!((ended.len(), ended[0].1, table.places.len()), (1, 1, 0));
    }
}
