//! What its owner should know of runs that go on: one that takes an hour, and a plugin that has as many as it can have.
//!
//! It looks, remembers what was told, and changes nothing else: a run may take as long as it takes.

use plugin_protocol::PluginName;

use super::{AT_ONCE, Agenda};

/// After what time a run is told, in milliseconds: an hour.
const LONG: u64 = 3_600_000;

/// What is strained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strain {
    /// A run takes long: that of the timer with this number.
    Long {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// The timer.
        id: u64,
    },
    /// A plugin has so many runs at once, and more are due.
    Full {
        /// The plugin.
        plugin: PluginName,
        /// How many run.
        running: usize,
    },
}

impl Agenda {
    /// What is strained now and was not told yet. What is full is told again once half of it has ended in between.
    pub fn strains(&mut self, now: u64) -> Vec<Strain> {
        let long = self
            .running
            .iter_mut()
            .filter(|(_, run)| !run.told && now.saturating_sub(run.began) >= LONG);
        let long = long.map(|(id, run)| {
            run.told = true;
            Strain::Long {
                plugin: run.plugin.clone(),
                name: run.name.clone(),
                id: *id,
            }
        });
        let mut strains: Vec<_> = long.collect();
        for (plugin, shelf) in &mut self.shelves {
            let more_are_due = shelf.waiting.first().is_some_and(|(at, _)| *at <= now);
            if shelf.running >= AT_ONCE && more_are_due {
                if !shelf.told_full {
                    strains.push(Strain::Full {
                        plugin: plugin.clone(),
                        running: shelf.running,
                    });
                }
                shelf.told_full = true;
            } else if shelf.running <= AT_ONCE / 2 {
                shelf.told_full = false;
            }
        }
        strains
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::{MissedRuns, TimerFunction};

    use super::*;
    use crate::{schedule::agenda::End, storage::TimerRow};

    const LIMIT: u64 = AT_ONCE as u64;

    /// A plugin for which so many timers are due at once, of which as many as can have begun.
    fn busy(timers: u64) -> (PluginName, Agenda) {
        let plugin: PluginName = "levels".parse().expect("a name");
        let mut agenda = Agenda::default();
        for id in 1..=timers {
            let row = TimerRow::new(plugin.clone(), "remind".to_owned(), None, 0);
            agenda.insert(TimerRow { id, ..row });
        }
        let remind = TimerFunction {
            name: "remind".to_owned(),
            rule: None,
            missed: MissedRuns::RunLate,
        };
        agenda.appear(&plugin, &[remind], 0);
        assert_eq!(agenda.poll(0).0.len(), usize::try_from(timers.min(LIMIT)).expect("few"));
        (plugin, agenda)
    }

    #[test]
    fn a_run_that_takes_an_hour_is_told_once() {
        let (plugin, mut agenda) = busy(1);
        assert_eq!(agenda.strains(LONG - 1), []);
        let name = "remind".to_owned();
        let long = Strain::Long { plugin, name, id: 1 };
        assert_eq!(agenda.strains(LONG), [long]);
        assert_eq!(agenda.strains(2 * LONG), []);
    }

    #[test]
    fn a_plugin_without_room_is_told_until_half_of_it_has_ended() {
        let (_, mut agenda) = busy(LIMIT);
        assert_eq!(agenda.strains(1), [], "nothing else is due");
        let (plugin, mut agenda) = busy(3 * LIMIT);
        let full = Strain::Full {
            plugin,
            running: AT_ONCE,
        };
        assert_eq!(agenda.strains(1), std::slice::from_ref(&full));
        let end = |agenda: &mut Agenda, ids: std::ops::RangeInclusive<u64>| {
            ids.for_each(|id| drop(agenda.ended(id, &End::Done, 2)));
        };
        end(&mut agenda, 1..=1);
        assert_eq!(agenda.strains(2), [], "one has ended");
        agenda.poll(2);
        assert_eq!(agenda.strains(2), [], "it was told");
        end(&mut agenda, 2..=LIMIT);
        assert_eq!(agenda.strains(3), []);
        agenda.poll(3);
        assert_eq!(agenda.strains(3), [full]);
    }
}
