//! A set that is looked at: the one for all servers, or one server's.
//!
//! What was written last, what of it stays though nobody offers it, and what Discord has, where that was asked.

use std::collections::{BTreeMap, BTreeSet};

use plugin_protocol::GuildId;
use serde_json::Value;

use crate::slash::{Registered, RegisteredCommand, memory, menu};

/// A set that is looked at.
pub(super) struct Scope {
    pub(super) guild: Option<GuildId>,
    /// Whether the owners' commands are there.
    pub(super) is_home: bool,
    pub(super) registered: Registered,
    pub(super) kept: BTreeMap<String, RegisteredCommand>,
    /// The first words, and keys of menus, that plugins offer there: what Discord has of that name already is theirs.
    pub(super) offered: BTreeSet<String>,
    /// What Discord has, if it was ordered.
    pub(super) there: Option<Vec<Value>>,
}

impl Scope {
    /// How many places of a kind are taken besides those of running plugins' commands.
    pub(super) fn taken(&self, kind: u64) -> usize {
        let kept = self.kept.values().filter(|command| command.kind() == kind).count();
        let foreign = self.registered.foreign.iter().filter(|one| {
            let is_others = menu::key_of(one).is_none_or(|key| !self.offered.contains(&key));
            memory::kind_of(one) == kind && is_others
        });
        kept + foreign.count()
    }
}
