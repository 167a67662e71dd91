//! The application commands that are registered, globally and per guild, each as Discord's command object.
//!
//! REST has validated them before. A change replaces the list of one scope, and open pages are told of it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::World;
use crate::page::Audience;

/// Registered commands; the key is the guild, none for global ones.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    scopes: BTreeMap<Option<u64>, Vec<Value>>,
    /// When commands of new names were made, by scope; of a day.
    made: BTreeMap<Option<u64>, VecDeque<Instant>>,
}

/// Commands of new names that may be made in a scope within a day
/// (<https://discord.com/developers/docs/interactions/application-commands#registering-a-command>).
const A_DAY: (usize, Duration) = (200, Duration::from_secs(24 * 3600));

impl Commands {
    /// The commands of one scope, in the order of their registration.
    pub(crate) fn of(&self, guild: Option<u64>) -> &[Value] {
        self.scopes.get(&guild).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn set(&mut self, guild: Option<u64>, commands: Vec<Value>) {
        self.scopes.insert(guild, commands);
    }

    /// Counts so many commands of new names; says whether the day's are not used up by them.
    pub(crate) fn count_new(&mut self, guild: Option<u64>, count: usize, now: Instant) -> bool {
        let made = self.made.entry(guild).or_default();
        while made
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= A_DAY.1)
        {
            made.pop_front();
        }
        if made.len() + count > A_DAY.0 {
            return false;
        }
        made.extend(std::iter::repeat_n(now, count));
        true
    }

    /// All commands of all scopes.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.scopes.values().flatten()
    }

    /// Every command that can be used in `guild`; guild commands first, as they hide global ones of their name.
    pub(crate) fn usable_in(&self, guild: Option<u64>) -> impl Iterator<Item = &Value> {
        let own = guild.map_or(&[][..], |guild| self.of(Some(guild)));
        own.iter().chain(self.of(None))
    }
}

impl World {
    /// Replaces a scope's commands and tells open pages.
    pub(crate) fn set_commands(&mut self, guild: Option<u64>, commands: Vec<Value>) {
        self.commands.set(guild, commands);
        self.drop_orphaned_overrides();
        if !self.pages.is_empty() {
            let all: Value = self.commands.all().cloned().collect();
            self.pages.tell(&Audience::Everyone, "commands", || all);
        }
        self.changed();
    }
}
