//! What is to run, and when: every timer of every plugin, and what becomes of each as time passes.
//!
//! Pure: it is told what time it is, which plugins are there, and how runs end; it answers with what to begin and what to
//! write. Each timer runs once at a time. What runs by a rule and is cut off waits for its next time; a one-off timer that is
//! cut off is run again, three times in all.

mod ending;
mod overview;
mod strain;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plugin_protocol::{MissedRuns, PluginName, Subject, TimerFunction, TimerRule, TimerState};

pub use ending::End;
pub use strain::Strain;

use super::recurrence::Recurrence;
use crate::storage::TimerRow;

/// Who begins within this time is not late.
pub(super) const IN_TIME: u64 = 60_000;
/// How many one-off timers of a plugin run at a time.
const AT_ONCE: usize = 64;
/// How often a one-off timer is begun.
pub(super) const TRIES: u32 = 3;

/// All timers.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: BTreeMap<u64, Entry>,
    shelves: HashMap<PluginName, Shelf>,
    /// What runs, cancelled ones among them.
    running: HashMap<u64, Run>,
    /// Those of a rule that are not written down as they are.
    changed: BTreeSet<u64>,
    /// Those that are to be removed from what is written down.
    gone: Vec<u64>,
}

#[derive(Debug)]
struct Entry {
    row: TimerRow,
    recurrence: Option<Recurrence>,
    /// When it is looked at: its time, or later if it could not begin then.
    look_at: u64,
    /// Whether its owner has let it go on: late is not too late then.
    resumed: bool,
    /// How often it has failed in a row and was to be tried again, in this run of the bot.
    retries: u32,
}

/// A plugin's timers.
#[derive(Debug, Default)]
struct Shelf {
    /// One-off timers, by when they are looked at.
    waiting: BTreeSet<(u64, u64)>,
    /// Rules, by when they are looked at: apart, since they begin whatever else waits.
    rules: BTreeSet<(u64, u64)>,
    /// One-off timers with a key, by function and key.
    keys: HashMap<(String, String), u64>,
    /// Those whose function is not there.
    adrift: BTreeSet<u64>,
    /// What the plugin offers, while it is there.
    functions: Option<HashMap<String, (bool, MissedRuns)>>,
    /// One-off timers that run.
    running: usize,
    /// One-off timers there are, and those that are being set.
    once: usize,
    /// Whether it was told that no more of them can run.
    told_full: bool,
}

#[derive(Debug)]
struct Run {
    plugin: PluginName,
    name: String,
    began: u64,
    once: bool,
    /// The time that it was begun for, to be put back.
    due: u64,
    /// Whether it was told how long it takes.
    told: bool,
}

/// Something that is to begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The timer.
    pub id: u64,
    /// The plugin.
    pub plugin: PluginName,
    /// The function.
    pub name: String,
    /// When it was to run.
    pub due: u64,
    /// How many earlier runs were missed.
    pub missed: u32,
    /// The key of a one-off timer.
    pub key: Option<String>,
    /// Of a one-off timer, which time it is begun, from 1; `None` for what runs by a rule.
    pub attempt: Option<u32>,
}

/// Why a timer can't be run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// There is none of that number.
    Unknown,
    /// It runs.
    Running,
    /// Its plugin does not run.
    NoPlugin,
    /// Its plugin has no such function.
    NoFunction,
}

/// What came of a plugin's appearance.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Rules that are not kept yet: function, rule, first time.
    pub new: Vec<(String, TimerRule, u64)>,
    /// Functions that are not there any more, with how many timers wait for them.
    pub adrift: Vec<(String, usize)>,
}

impl Agenda {
    /// All that was written down, to begin with; and the one-off timers that are paused, since each of their runs was cut
    /// off by the end of the bot, the last one unseen.
    pub fn load(rows: Vec<TimerRow>) -> (Self, Vec<(PluginName, String, u64)>) {
        let mut agenda = Self::default();
        let mut paused = Vec::new();
        for row in rows {
            if row.rule.is_none() && !row.paused && row.attempts >= TRIES {
                paused.push((row.plugin.clone(), row.name.clone(), row.id));
                agenda.changed.insert(row.id);
            }
            agenda.insert(row);
        }
        (agenda, paused)
    }

    /// Takes in a timer that was written down.
    pub fn insert(&mut self, mut row: TimerRow) {
        let recurrence = row.rule.as_ref().and_then(|rule| Recurrence::read(rule).ok());
        if row.rule.is_none() {
            self.shelf(&row.plugin).once += 1;
            // It was begun as often as it may be, and never came to its end.
            row.paused |= row.attempts >= TRIES;
            if let Some(key) = row.key.clone() {
                let key = (row.name.clone(), key);
                self.shelf(&row.plugin).keys.insert(key, row.id);
            }
        }
        let entry = Entry {
            look_at: row.due,
            row,
            recurrence,
            resumed: false,
            retries: 0,
        };
        let id = entry.row.id;
        self.entries.insert(id, entry);
        self.wait(id);
    }

    /// Makes room for a one-off timer that is about to be written down; whether there was.
    pub fn reserve(&mut self, plugin: &PluginName, most: usize) -> bool {
        let shelf = self.shelf(plugin);
        let fits = shelf.once < most;
        if fits {
            shelf.once += 1;
        }
        fits
    }

    /// Gives room back: it is in its place, or could not be written down.
    pub fn release(&mut self, plugin: &PluginName) {
        let shelf = self.shelf(plugin);
        shelf.once = shelf.once.saturating_sub(1);
    }

    fn shelf(&mut self, plugin: &PluginName) -> &mut Shelf {
        if !self.shelves.contains_key(plugin) {
            self.shelves.insert(plugin.clone(), Shelf::default());
        }
        self.shelves.get_mut(plugin).expect("it was put there")
    }

    /// Puts an entry where it waits, if it does.
    fn wait(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        if entry.row.paused || self.running.contains_key(&id) {
            return;
        }
        let (at, plugin, by_rule) = (entry.look_at, entry.row.plugin.clone(), entry.row.rule.is_some());
        let is_there = |shelf: &Shelf| match &shelf.functions {
            Some(functions) => functions
                .get(&entry.row.name)
                .is_some_and(|(is_rule, _)| *is_rule == by_rule),
            // Nobody knows.
            None => true,
        };
        // A rule that can't be read, since another version of the host wrote it, waits until its plugin says it anew.
        let is_readable = !by_rule || entry.recurrence.is_some();
        let waits = is_readable && self.shelves.get(&plugin).is_none_or(is_there);
        let shelf = self.shelf(&plugin);
        if !waits {
            shelf.adrift.insert(id);
        } else if by_rule {
            shelf.rules.insert((at, id));
        } else {
            shelf.waiting.insert((at, id));
        }
    }

    /// Takes an entry from where it waits.
    fn unwait(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        let at = entry.look_at;
        if let Some(shelf) = self.shelves.get_mut(&entry.row.plugin) {
            shelf.waiting.remove(&(at, id));
            shelf.rules.remove(&(at, id));
            shelf.adrift.remove(&id);
        }
    }

    /// A plugin is there, or is there in another version: with these functions.
    pub fn appear(&mut self, plugin: &PluginName, functions: &[TimerFunction], now: u64) -> Appearance {
        let mut appearance = Appearance::default();
        let known = functions
            .iter()
            .map(|function| (function.name.clone(), (function.rule.is_some(), function.missed)));
        self.shelf(plugin).functions = Some(known.collect());
        for function in functions {
            let Some(rule) = &function.rule else { continue };
            let Ok(recurrence) = Recurrence::read(rule) else {
                continue;
            };
            let first = match &recurrence {
                Recurrence::Every(period) => now.saturating_add(*period),
                Recurrence::Cron(..) => recurrence.after(now),
            };
            let same = |entry: &&mut Entry| {
                entry.row.rule.is_some() && entry.row.plugin == *plugin && entry.row.name == function.name
            };
            let Some(entry) = self.entries.values_mut().find(same) else {
                appearance.new.push((function.name.clone(), rule.clone(), first));
                continue;
            };
            if entry.row.rule.as_ref() == Some(rule) {
                continue;
            }
            // Another rule: no later than it would begin anew.
            let id = entry.row.id;
            self.unwait(id);
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.row.rule = Some(rule.clone());
                entry.recurrence = Some(recurrence);
                entry.row.due = first;
                entry.look_at = first;
            }
            self.changed.insert(id);
        }
        // Each is put where it belongs now.
        let theirs: Vec<_> = self
            .entries
            .values()
            .filter(|entry| entry.row.plugin == *plugin)
            .map(|entry| entry.row.id)
            .collect();
        let shelf = self.shelf(plugin);
        shelf.waiting.clear();
        shelf.rules.clear();
        shelf.adrift.clear();
        for id in theirs {
            self.wait(id);
        }
        let mut adrift: BTreeMap<String, usize> = BTreeMap::new();
        for id in &self.shelves[plugin].adrift {
            if let Some(entry) = self.entries.get(id) {
                *adrift.entry(entry.row.name.clone()).or_default() += 1;
            }
        }
        appearance.adrift = adrift.into_iter().collect();
        appearance
    }

    /// A plugin is not there any more: its timers wait.
    pub fn vanish(&mut self, plugin: &PluginName) {
        let shelf = self.shelf(plugin);
        shelf.functions = None;
        for id in std::mem::take(&mut shelf.adrift) {
            self.wait(id);
        }
    }

    /// The plugins that are there.
    pub fn present(&self) -> Vec<PluginName> {
        let present = self.shelves.iter().filter(|(_, shelf)| shelf.functions.is_some());
        present.map(|(plugin, _)| plugin.clone()).collect()
    }

    /// What is to begin now, which counts as begun; and when to look again.
    pub fn poll(&mut self, now: u64) -> (Vec<Start>, Option<u64>) {
        let mut starts = Vec::new();
        let mut wake: Option<u64> = None;
        let mut later = |at: u64| wake = Some(wake.map_or(at, |wake| wake.min(at)));
        for plugin in self.present() {
            while let Some(&(at, id)) = self.shelf(&plugin).rules.first() {
                if at > now {
                    later(at);
                    break;
                }
                starts.extend(self.begin(id, now));
            }
            while let Some(&(at, id)) = self.shelf(&plugin).waiting.first() {
                if at > now {
                    later(at);
                    break;
                }
                if self.shelf(&plugin).running >= AT_ONCE {
                    // What is full is looked at when one of its runs ends.
                    break;
                }
                starts.extend(self.begin(id, now));
            }
        }
        (starts, wake)
    }

    /// Begins what is due, unless it was missed and is to be left out.
    fn begin(&mut self, id: u64, now: u64) -> Option<Start> {
        self.unwait(id);
        let entry = self.entries.get_mut(&id)?;
        let functions = self.shelves.get(&entry.row.plugin)?.functions.as_ref()?;
        let policy = functions
            .get(&entry.row.name)
            .map_or(MissedRuns::RunLate, |(_, missed)| *missed);
        let is_late = now.saturating_sub(entry.row.due) > IN_TIME;
        let due = entry.row.due;
        if due > now {
            // Begun before its time by its owner, and could not begin then: its next time stays as it is.
            return Some(self.start(id, due, 0, now));
        }
        // One that was begun already, or that its owner lets go on, was not missed.
        let is_first = entry.row.attempts == 0 && !entry.resumed;
        let missed = match (&entry.recurrence, policy) {
            (None, MissedRuns::Skip) if is_late && is_first => {
                tracing::info!(plugin = %entry.row.plugin, timer = id, "a timer was missed, and is left out as its function says");
                self.remove(id);
                return None;
            }
            (None, _) => 0,
            (Some(recurrence), MissedRuns::Skip) if is_late => {
                entry.row.missed += u64::from(recurrence.count(due, now));
                entry.row.due = recurrence.first_after(due, now);
                entry.look_at = entry.row.due;
                self.changed.insert(id);
                self.wait(id);
                return None;
            }
            (Some(recurrence), MissedRuns::RunEach { most }) => {
                let earliest = recurrence.last_few(due, now, most);
                let left_out = recurrence.count(due, now).saturating_sub(most.max(1));
                entry.row.missed += u64::from(left_out);
                entry.row.due = recurrence.after(earliest);
                entry.look_at = entry.row.due;
                self.changed.insert(id);
                return Some(self.start(id, earliest, left_out, now));
            }
            (Some(recurrence), _) => {
                let missed = recurrence.count(due, now).saturating_sub(1);
                entry.row.missed += u64::from(missed);
                entry.row.due = recurrence.first_after(due, now);
                entry.look_at = entry.row.due;
                self.changed.insert(id);
                missed
            }
        };
        Some(self.start(id, due, missed, now))
    }

    fn start(&mut self, id: u64, due: u64, missed: u32, now: u64) -> Start {
        let entry = self.entries.get_mut(&id).expect("whoever begins it has looked");
        let once = entry.row.rule.is_none();
        if once {
            entry.row.attempts += 1;
        }
        let start = Start {
            id,
            plugin: entry.row.plugin.clone(),
            name: entry.row.name.clone(),
            due,
            missed,
            key: entry.row.key.clone(),
            attempt: once.then_some(entry.row.attempts),
        };
        if once {
            self.shelf(&start.plugin).running += 1;
        }
        let run = Run {
            plugin: start.plugin.clone(),
            name: start.name.clone(),
            began: now,
            once,
            due,
            told: false,
        };
        self.running.insert(id, run);
        start
    }

    /// The function's name of what runs.
    pub fn name(&self, id: u64) -> Option<String> {
        self.running.get(&id).map(|run| run.name.clone())
    }

    fn remove(&mut self, id: u64) -> bool {
        self.unwait(id);
        let Some(entry) = self.entries.remove(&id) else {
            return false;
        };
        if entry.row.rule.is_none() {
            self.release(&entry.row.plugin);
            if let Some(key) = entry.row.key {
                let key = (entry.row.name, key);
                let keys = &mut self.shelf(&entry.row.plugin).keys;
                // Another one may have taken its place.
                if keys.get(&key) == Some(&id) {
                    keys.remove(&key);
                }
            }
        }
        self.changed.remove(&id);
        self.gone.push(id);
        true
    }

    /// Takes a timer out that something else has removed from what is written down, or that is cancelled; whether it was there.
    /// A run of it goes on.
    pub fn cancel(&mut self, id: u64) -> bool {
        self.remove(id)
    }

    /// Cancels all one-off timers about somebody; how many of each plugin.
    pub fn erase(&mut self, who: Subject) -> BTreeMap<PluginName, u64> {
        let is_about = |row: &TimerRow| match who {
            Subject::User(user) => row.user == Some(user),
            Subject::Guild(guild) => row.guild == Some(guild),
        };
        let all = self.entries.values().filter(|entry| is_about(&entry.row));
        let all: Vec<_> = all.map(|entry| (entry.row.id, entry.row.plugin.clone())).collect();
        let mut counts = BTreeMap::new();
        for (id, plugin) in all {
            self.remove(id);
            *counts.entry(plugin).or_default() += 1;
        }
        counts
    }

    /// Pauses a timer; whether there is one. A run goes on.
    pub fn pause(&mut self, id: u64) -> bool {
        self.unwait(id);
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.row.paused = true;
        self.changed.insert(id);
        true
    }

    /// Lets a timer go on; whether there is one. What a rule had in between does not count as missed.
    pub fn resume(&mut self, id: u64, now: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        if entry.row.paused {
            entry.row.paused = false;
            entry.row.attempts = 0;
            entry.resumed = true;
            if let Some(recurrence) = &entry.recurrence {
                entry.row.due = recurrence.first_after(entry.row.due, now);
            }
            entry.look_at = entry.row.due;
            self.changed.insert(id);
            self.wait(id);
        }
        true
    }

    /// Begins a timer now, whatever its time; a rule's next time stays as it is.
    ///
    /// # Errors
    ///
    /// [`NotRun`].
    pub fn run_now(&mut self, id: u64, now: u64) -> Result<Start, NotRun> {
        let entry = self.entries.get(&id).ok_or(NotRun::Unknown)?;
        match self.state(entry) {
            TimerState::Running => return Err(NotRun::Running),
            TimerState::NoPlugin => return Err(NotRun::NoPlugin),
            TimerState::NoFunction => return Err(NotRun::NoFunction),
            _ => {}
        }
        let due = entry.row.due;
        self.unwait(id);
        Ok(self.start(id, due, 0, now))
    }

    /// What has changed since the last look, to be written down: as it is now, and what is to be removed.
    pub fn changes(&mut self) -> (Vec<TimerRow>, Vec<u64>) {
        let changed = std::mem::take(&mut self.changed);
        let rows = changed
            .iter()
            .filter_map(|id| self.entries.get(id))
            .map(|entry| entry.row.clone());
        (rows.collect(), std::mem::take(&mut self.gone))
    }

    /// These could not be written down.
    pub fn not_written(&mut self, rows: &[TimerRow], gone: Vec<u64>) {
        self.changed.extend(rows.iter().map(|row| row.id));
        self.gone.extend(gone);
    }

    /// Whether something is to be removed from what is written down.
    pub fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Whether anything is not written down as it is.
    pub fn has_changes(&self) -> bool {
        !self.gone.is_empty() || !self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests;
