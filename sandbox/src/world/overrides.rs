//! What administrators have set for the application's commands in a guild's settings of integrations, and what the
//! client makes of it before it offers a command.
//!
//! An own reading of Discord's rules: what is set for a command wins over what is set for the application, a user over
//! roles over everyone, a channel over all channels; only what is set for the command itself opens one that has
//! default permissions. <https://discord.com/developers/docs/interactions/application-commands#permissions>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Guild, World};
use crate::gateway::intents;

/// One line of those settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Override {
    /// A role, user or channel; the guild's id is everyone, one less all channels.
    pub(crate) id: u64,
    /// 1: a role, 2: a user, 3: a channel.
    pub(crate) kind: u64,
    pub(crate) permission: bool,
}

/// By guild, and by command or application.
pub(crate) type CommandOverrides = BTreeMap<(u64, u64), Vec<Override>>;

impl World {
    /// Sets what an administrator has chosen for a command, or for the application, and tells the bot.
    pub(crate) fn set_overrides(&mut self, guild: u64, id: u64, overrides: Vec<Override>) {
        let data = self.overrides_json(guild, id, &overrides);
        if overrides.is_empty() {
            self.overrides.remove(&(guild, id));
        } else {
            self.overrides.insert((guild, id), overrides);
        }
        self.emit(
            "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
            Some(guild),
            intents::NONE,
            &data,
        );
    }

    /// An override about this id, whatever it is the id of.
    pub(crate) fn override_of(&self, guild: u64, id: u64, permission: bool) -> Override {
        let is_role = self.guilds.get(&guild).is_some_and(|guild| guild.role(id).is_some());
        let is_channel = id == guild - 1 || self.channels.contains_key(&id);
        let kind = match (is_role, is_channel) {
            (true, _) => 1,
            (false, true) => 3,
            (false, false) => 2,
        };
        Override { id, kind, permission }
    }

    /// The object of Discord's (`CommandPermissionsResponse`).
    pub(crate) fn overrides_json(&self, guild: u64, id: u64, overrides: &[Override]) -> Value {
        let permissions: Vec<_> = overrides
            .iter()
            .map(|one| json!({ "id": one.id.to_string(), "type": one.kind, "permission": one.permission }))
            .collect();
        json!({
            "id": id.to_string(),
            "application_id": self.bot_id.to_string(),
            "guild_id": guild.to_string(),
            "permissions": permissions,
        })
    }

    /// Forgets those of commands that are gone, as Discord does.
    pub(crate) fn drop_orphaned_overrides(&mut self) {
        let (bot, commands) = (self.bot_id, &self.commands);
        self.overrides.retain(|(_, id), _| {
            *id == bot
                || commands
                    .all()
                    .any(|one| one["id"].as_str().is_some_and(|known| known.parse() == Ok(*id)))
        });
    }

    /// What they say of a user: whether they settle it, and how.
    pub(crate) fn overridden(&self, guild: &Guild, channel: u64, user: u64, command: &Value) -> Option<bool> {
        let none = Vec::new();
        let of = |id: u64| self.overrides.get(&(guild.id, id)).unwrap_or(&none);
        let command = command["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0);
        let (own, all) = (of(command), of(self.bot_id));
        let find = |list: &[Override], kind, id| {
            let found = list.iter().find(|one| one.kind == kind && one.id == id);
            found.map(|one| one.permission)
        };
        let in_channel = |list| find(list, 3, channel).or_else(|| find(list, 3, guild.id - 1));
        if in_channel(own).or_else(|| in_channel(all)) == Some(false) {
            return Some(false);
        }
        let roles = guild
            .members
            .get(&user)
            .map(|member| &*member.roles)
            .unwrap_or_default();
        let by_role = |list: &[Override]| {
            let said: Vec<bool> = roles.iter().filter_map(|role| find(list, 1, *role)).collect();
            (!said.is_empty()).then(|| said.contains(&true))
        };
        let of_user = |list: &[Override]| {
            let narrow = find(list, 2, user).or_else(|| by_role(list));
            narrow.or_else(|| find(list, 1, guild.id))
        };
        match (of_user(own), of_user(all)) {
            (Some(said), _) => Some(said),
            (None, Some(false)) => Some(false),
            (None, _) => None,
        }
    }
}
