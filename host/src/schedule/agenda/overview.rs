//! How timers stand, as the owner sees them.
//!
//! It looks and changes nothing.

use plugin_protocol::{TimerId, TimerInfo, TimerState};

use super::{Agenda, Entry};
use crate::schedule::recurrence::words;

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
                last: entry.row.last.clone(),
                runs: entry.row.runs,
                overruns: entry.row.overruns,
                missed: entry.row.missed,
            })
            .collect();
        all.sort_by_key(|timer| (timer.next_ms, timer.id));
        all
    }
}
