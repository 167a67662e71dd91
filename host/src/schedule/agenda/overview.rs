//! How timers stand, as the owner sees them, and which there are, as plugins ask.
//!
//! It looks and changes nothing.

use plugin_protocol::{PluginName, TimerId, TimerInfo, TimerState, WhichTimer};

use super::{Agenda, Entry};
use crate::{schedule::recurrence::words, storage::TimerRow};

impl Agenda {
    pub(super) fn state(&self, entry: &Entry) -> TimerState {
        let functions = self
            .shelves
            .get(&entry.row.plugin)
            .and_then(|shelf| shelf.functions.as_ref());
        let Some(functions) = functions else {
            return TimerState::NoPlugin;
        };
        let by_rule = functions.get(&entry.row.name).map(|(by_rule, _)| *by_rule);
        if self.running.contains_key(&entry.row.id) {
            TimerState::Running
        } else if by_rule != Some(entry.row.rule.is_some()) {
            TimerState::NoFunction
        } else if entry.row.paused {
            TimerState::Paused
        } else {
            TimerState::Waiting
        }
    }

    /// All timers, or those of a plugin: those that run next first.
    pub fn list(&self, plugin: Option<&str>) -> Vec<TimerInfo> {
        let theirs = self
            .entries
            .values()
            .filter(|entry| plugin.is_none_or(|plugin| entry.row.plugin.as_str() == plugin));
        let mut all: Vec<_> = theirs
            .map(|entry| TimerInfo {
                id: TimerId(entry.row.id),
                plugin: entry.row.plugin.to_string(),
                name: entry.row.name.clone(),
                rule: entry.row.rule.as_ref().map(words).unwrap_or_default(),
                next_ms: entry.row.due,
                state: if entry.row.paused && !self.running.contains_key(&entry.row.id) {
                    TimerState::Paused
                } else {
                    self.state(entry)
                },
                began_ms: self.running.get(&entry.row.id).map(|run| run.began),
                last: entry.row.last.clone(),
                runs: entry.row.runs,
                overruns: entry.row.overruns,
                missed: entry.row.missed,
            })
            .collect();
        all.sort_by_key(|timer| (timer.next_ms, timer.id));
        all
    }

    /// Whether it is a rule that its plugin, which is there, has: it would be set again.
    pub fn is_offered(&self, id: u64) -> bool {
        let Some(entry) = self.entries.get(&id).filter(|entry| entry.row.rule.is_some()) else {
            return false;
        };
        let shelf = self.shelves.get(&entry.row.plugin);
        let functions = shelf.and_then(|shelf| shelf.functions.as_ref());
        functions.is_some_and(|functions| functions.get(&entry.row.name).is_some_and(|(by_rule, _)| *by_rule))
    }

    /// The one-off timer of a function with this number, or this key.
    pub fn find(&self, plugin: &PluginName, name: &str, which: &WhichTimer) -> Option<u64> {
        let is_theirs = |row: &TimerRow| row.rule.is_none() && row.plugin == *plugin && row.name == name;
        match which {
            WhichTimer::Id(TimerId(id)) => self.entries.get(id).filter(|entry| is_theirs(&entry.row)).map(|_| *id),
            WhichTimer::Key(key) => {
                let keys = &self.shelves.get(plugin)?.keys;
                keys.get(&(name.to_owned(), key.clone())).copied()
            }
        }
    }

    /// One-off timers of a function that wait, by their numbers: of whom it is said, behind `after`.
    pub fn waiting<'a>(
        &'a self,
        plugin: &'a PluginName,
        name: &'a str,
        about: impl Fn(&TimerRow) -> bool + 'a,
        after: TimerId,
    ) -> impl Iterator<Item = &'a TimerRow> {
        let behind = self.entries.range(after.0.saturating_add(1)..);
        let rows = behind.map(|(_, entry)| &entry.row);
        rows.filter(move |row| row.rule.is_none() && row.plugin == *plugin && row.name == name && about(row))
            .filter(|row| !self.running.contains_key(&row.id))
    }
}
