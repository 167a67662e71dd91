//! How runs end, and what becomes of their timers.
//!
//! Apart from what begins: an end changes one timer, and never begins another.

use plugin_protocol::{LastRun, MissedRuns, PluginName};

use super::{Agenda, Run, TRIES};

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It did what it should.
    Done,
    /// It went wrong, and why.
    Failed(String),
    /// It was cut off.
    Interrupted,
    /// It went wrong, and why, for a reason that may pass: it is tried again after so many milliseconds.
    Again(String, u64),
}

impl Agenda {
    /// It could not begin after all: it is looked at again at this time.
    pub fn put_back(&mut self, id: u64, look_at: u64) {
        let Some(run) = self.over(id) else { return };
        if let Some(entry) = self.entries.get_mut(&id) {
            if run.once {
                entry.row.attempts = entry.row.attempts.saturating_sub(1);
            }
            entry.row.due = run.due;
            entry.look_at = look_at;
        }
        self.wait(id);
    }

    /// Whose one-off timer it is and how often it has failed in a row and was to be tried again, if it was.
    pub fn retried(&self, id: u64) -> Option<(PluginName, String, u32)> {
        let entry = self.entries.get(&id).filter(|entry| entry.retries > 0)?;
        Some((entry.row.plugin.clone(), entry.row.name.clone(), entry.retries))
    }

    fn over(&mut self, id: u64) -> Option<Run> {
        let run = self.running.remove(&id)?;
        if run.once {
            let shelf = self.shelf(&run.plugin);
            shelf.running = shelf.running.saturating_sub(1);
        }
        Some(run)
    }

    /// A run has come to its end. Answers with whose one-off timer was cut off once too often, and is paused.
    pub fn ended(&mut self, id: u64, end: &End, now: u64) -> Option<(PluginName, String)> {
        let run = self.over(id)?;
        let entry = self.entries.get_mut(&id)?;
        entry.row.last = Some(LastRun {
            at_ms: run.began,
            took_ms: now.saturating_sub(run.began),
            outcome: match end {
                End::Done => "done".to_owned(),
                End::Failed(why) | End::Again(why, _) => why.clone(),
                End::Interrupted => "cut off".to_owned(),
            },
        });
        entry.row.runs += 1;
        let Some(recurrence) = &entry.recurrence else {
            match end {
                End::Interrupted => {}
                End::Again(_, after) => {
                    // As one that was set for that time; its runs came to their ends.
                    entry.row.due = now.saturating_add(*after);
                    entry.row.attempts = 0;
                    entry.retries = entry.retries.saturating_add(1);
                    entry.look_at = entry.row.due;
                    self.changed.insert(id);
                    self.wait(id);
                    return None;
                }
                End::Done | End::Failed(_) => {
                    self.remove(id);
                    return None;
                }
            }
            let is_last = entry.row.attempts >= TRIES;
            let told = is_last.then(|| (entry.row.plugin.clone(), entry.row.name.clone()));
            entry.row.paused |= is_last;
            self.changed.insert(id);
            self.wait(id);
            return told;
        };
        self.changed.insert(id);
        let shelf = self.shelves.get(&entry.row.plugin);
        let functions = shelf.and_then(|shelf| shelf.functions.as_ref());
        let policy = functions.and_then(|functions| functions.get(&entry.row.name));
        let makes_up = policy.is_some_and(|(_, missed)| matches!(missed, MissedRuns::RunEach { .. }));
        if entry.row.due <= now && !makes_up {
            entry.row.overruns += u64::from(recurrence.count(entry.row.due, now));
            entry.row.due = recurrence.first_after(entry.row.due, now);
        }
        entry.look_at = entry.row.due;
        self.wait(id);
        None
    }
}
