//! The application commands that are registered, globally and per guild, each as Discord's command object.
//!
//! REST has validated them before. A change replaces the list of one scope, and open pages are told of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::World;
use crate::page::Audience;

/// Registered commands; the key is the guild, none for global ones.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    scopes: BTreeMap<Option<u64>, Vec<Value>>,
}

impl Commands {
    /// The commands of one scope, in the order of their registration.
    pub(crate) fn of(&self, guild: Option<u64>) -> &[Value] {
        self.scopes.get(&guild).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn set(&mut self, guild: Option<u64>, commands: Vec<Value>) {
        self.scopes.insert(guild, commands);
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
