//! Guilds, channels and roles as tests hold them.
//!
//! They hold ids and ask the world each time, so that a handle never shows a state that has passed.

use std::sync::Arc;

use super::{Message, Person, Sandbox};
use crate::world::World;

/// A guild of the sandbox.
#[derive(Clone, Debug)]
pub struct Guild {
    sandbox: Sandbox,
    id: u64,
}

impl Guild {
    pub(crate) fn new(sandbox: &Sandbox, id: u64) -> Self {
        Self {
            sandbox: sandbox.clone(),
            id,
        }
    }

    pub(super) const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Which of `count` shards it belongs to.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[must_use]
    pub const fn shard(&self, count: u64) -> u64 {
        (self.id >> 22) % count
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.sandbox.with(|world| {
            world
                .guilds
                .get(&self.id)
                .map(|guild| guild.name.clone())
                .unwrap_or_default()
        })
    }

    /// The channel or thread of this name.
    ///
    /// # Panics
    ///
    /// If there is none; the text lists those that exist.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let found = self.sandbox.with(|world| find(world, self.id, name));
        let id = found.unwrap_or_else(|names| {
            panic!(
                "the guild \"{}\" has no channel \"{name}\"; it has {names}",
                self.name()
            )
        });
        Channel::new(&self.sandbox, Some(self.id), id)
    }

    /// A new voice channel; the bot is told.
    #[must_use]
    pub fn add_voice_channel(&self, name: &str) -> Channel {
        let id = self
            .sandbox
            .with(|world| world.add_channel(self.id, name, 2, |channel| name.clone_into(&mut channel.name)));
        Channel::new(&self.sandbox, Some(self.id), id)
    }

    /// A new text channel; the bot is told.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn add_channel(&self, name: &str) -> Channel {
        let id = self
            .sandbox
            .with(|world| world.add_channel(self.id, name, 0, |channel| name.clone_into(&mut channel.name)));
        Channel::new(&self.sandbox, Some(self.id), id)
    }

    /// The role of this name.
    ///
    /// # Panics
    ///
    /// If there is none; the text lists those that exist.
    #[must_use]
    pub fn role(&self, name: &str) -> Role {
        let (id, names) = self.sandbox.with(|world| {
            let roles = world
                .guilds
                .get(&self.id)
                .map(|guild| guild.roles.clone())
                .unwrap_or_default();
            let id = roles
                .iter()
                .find(|role| role.name.eq_ignore_ascii_case(name))
                .map(|role| role.id);
            (
                id,
                roles.into_iter().map(|role| role.name).collect::<Vec<_>>().join(", "),
            )
        });
        let id = id.unwrap_or_else(|| panic!("the guild \"{}\" has no role \"{name}\"; it has {names}", self.name()));
        Role {
            sandbox: self.sandbox.clone(),
            guild_id: self.id,
            id,
        }
    }

    /// A new role without permissions of its own, at the bottom; the bot is told.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn add_role(&self, name: &str) -> Role {
        let id = self.sandbox.with(|world| {
            world.add_role(self.id, |role| {
                name.clone_into(&mut role.name);
                role.permissions = 0;
            })
        });
        Role {
            sandbox: self.sandbox.clone(),
            guild_id: self.id,
            id: id.unwrap_or(0),
        }
    }

    /// A person in the guild's default channel ("general", or the first text channel); made known to the sandbox and
    /// joined to this guild if needed.
    ///
    /// # Panics
    ///
    /// If the guild has no text channel left.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn user(&self, name: &str) -> Person {
        let channel = self.sandbox.with(|world| {
            let channels = world.channels_of(self.id);
            let general = channels.iter().find(|channel| channel.name == "general");
            general
                .or_else(|| channels.iter().find(|channel| channel.kind == 0))
                .map(|channel| channel.id)
        });
        let channel = channel.unwrap_or_else(|| panic!("the guild \"{}\" has no text channel", self.name()));
        Person::join(&self.sandbox, self.id, channel, name)
    }

    /// Waits until the names of the commands in the guild's own set satisfy `enough`.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_commands(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let names = |world: &World| -> Vec<String> {
            let own = world.commands.of(Some(self.id)).iter();
            own.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
        };
        let found = self.sandbox.shared().until(self.sandbox.patience(), |world| {
            Some(names(world)).filter(|names| enough(names))
        });
        found.await.unwrap_or_else(|| {
            let registered = self.sandbox.with(|world| names(world));
            panic!("the expected commands were not registered in the guild; registered: {registered:?}")
        })
    }

    /// Sets, as an administrator does under Integrations, who may use a command and where: by role, user or channel id,
    /// the guild's for everyone, one less for all channels. Replaces what was set; the bot is told.
    ///
    /// # Panics
    ///
    /// If no command of that name can be used in this guild.
    pub fn overrides_command(&self, command: &str, overrides: &[(u64, bool)]) {
        let found = self.sandbox.with(|world| {
            let of_name = |one: &&serde_json::Value| one["name"] == command;
            let found = world.commands.usable_in(Some(self.id)).find(of_name)?;
            let id = found["id"].as_str()?.parse().ok()?;
            self.set_overrides(world, id, overrides);
            Some(())
        });
        assert!(found.is_some(), "no command here is called `{command}`");
    }

    /// The same for all of the application's commands of which nothing else is set.
    pub fn overrides_application(&self, overrides: &[(u64, bool)]) {
        self.sandbox.with(|world| {
            let id = world.bot_id;
            self.set_overrides(world, id, overrides);
        });
    }

    fn set_overrides(&self, world: &mut World, id: u64, overrides: &[(u64, bool)]) {
        let overrides = overrides
            .iter()
            .map(|(whom, permission)| world.override_of(self.id, *whom, *permission))
            .collect();
        world.set_overrides(self.id, id, overrides);
    }

    /// Removes the bot, which hears `GUILD_DELETE`.
    pub fn removes_bot(&self) {
        self.sandbox.with(|world| world.leave(self.id, world.bot_id));
    }

    /// Whether a user of this id is a member.
    #[must_use]
    pub fn has_member(&self, user_id: u64) -> bool {
        self.sandbox.with(|world| {
            world
                .guilds
                .get(&self.id)
                .is_some_and(|guild| guild.members.contains_key(&user_id))
        })
    }

    /// Whether a user of this id is banned.
    #[must_use]
    pub fn has_banned(&self, user_id: u64) -> bool {
        self.sandbox.with(|world| {
            world
                .guilds
                .get(&self.id)
                .is_some_and(|guild| guild.bans.contains_key(&user_id))
        })
    }

    /// Its channels without categories, as people see them, by id and name.
    #[must_use]
    pub fn channels(&self) -> Vec<(u64, String)> {
        self.sandbox.with(|world| {
            let channels = world
                .channels_of(self.id)
                .into_iter()
                .filter(|channel| channel.kind != 4);
            channels.map(|channel| (channel.id, channel.name.clone())).collect()
        })
    }

    /// The names of its roles, in Discord's order from the bottom.
    #[must_use]
    pub fn role_names(&self) -> Vec<String> {
        self.sandbox.with(|world| {
            let roles = world.guilds.get(&self.id).map(|guild| &guild.roles);
            roles.into_iter().flatten().map(|role| role.name.clone()).collect()
        })
    }

    /// The ids of the roles that a member holds.
    #[must_use]
    pub fn roles_of(&self, user_id: u64) -> Vec<u64> {
        self.sandbox.with(|world| {
            let member = world.guilds.get(&self.id).and_then(|guild| guild.members.get(&user_id));
            member.map(|member| member.roles.clone()).unwrap_or_default()
        })
    }
}

fn find(world: &World, guild: u64, name: &str) -> Result<u64, String> {
    let mut channels = world.channels_of(guild);
    channels.extend(world.threads_of(guild));
    let wanted = name.trim_start_matches('#');
    channels
        .iter()
        .find(|channel| channel.name == wanted)
        .map(|channel| channel.id)
        .ok_or_else(|| {
            let names: Vec<&str> = channels
                .iter()
                .filter(|one| one.kind != 4)
                .map(|one| one.name.as_str())
                .collect();
            names.join(", ")
        })
}

/// A channel of a guild.
#[derive(Clone, Debug)]
pub struct Channel {
    sandbox: Sandbox,
    guild_id: Option<u64>,
    id: u64,
}

impl Channel {
    pub(super) fn new(sandbox: &Sandbox, guild_id: Option<u64>, id: u64) -> Self {
        Self {
            sandbox: sandbox.clone(),
            guild_id,
            id,
        }
    }

    pub(super) const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.sandbox.with(|world| {
            world
                .channels
                .get(&self.id)
                .map(|channel| channel.name.clone())
                .unwrap_or_default()
        })
    }

    /// A person acting in this channel; made known to the sandbox and joined to the guild if needed.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn user(&self, name: &str) -> Person {
        match self.guild_id {
            Some(guild) => Person::join(&self.sandbox, guild, self.id, name),
            None => Person::new(
                &self.sandbox,
                self.sandbox.with(|world| world.person(name)),
                self.id,
                None,
            ),
        }
    }

    /// Deletes several messages at once, as a moderation bot does: others hear of one `MESSAGE_DELETE_BULK`.
    pub fn purges(&self, ids: &[u64]) {
        self.sandbox.with(|world| world.delete(self.id, ids, true));
    }

    /// The messages that are remembered (the last 10,000), oldest first; ephemeral ones too.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.messages_after(0)
    }

    /// The messages later than message `id`, oldest first.
    #[must_use]
    pub fn messages_after(&self, id: u64) -> Vec<Message> {
        let stored: Vec<_> = self.sandbox.with(|world| {
            let history = world.channels.get(&self.id).map(|channel| &channel.history);
            history
                .into_iter()
                .flat_map(|history| history.after(id))
                .map(Arc::clone)
                .collect()
        });
        stored
            .into_iter()
            .map(|stored| Message::new(Arc::clone(self.sandbox.shared()), stored))
            .collect()
    }

    /// What was said, as text for people.
    #[must_use]
    pub fn conversation(&self) -> String {
        self.sandbox.conversation(self.id)
    }

    /// Takes permissions (Discord's bits) from somebody in this channel, by role or user id, and gives others; the bot
    /// is told.
    pub fn overwrite(&self, id: u64, allow: u64, deny: u64) {
        self.sandbox.with(|world| {
            let is_role = world.guilds.values().any(|guild| guild.role(id).is_some());
            if let Some(channel) = world.channels.get_mut(&self.id) {
                channel.overwrites.retain(|old| old.id != id);
                channel.overwrites.push(crate::world::Overwrite {
                    id,
                    kind: u64::from(!is_role),
                    allow,
                    deny,
                });
                let (guild, data) = (channel.guild_id, channel.guild_json());
                world.emit_channel("CHANNEL_UPDATE", guild, &data);
            }
        });
    }
}

/// A role of a guild.
#[derive(Clone, Debug)]
pub struct Role {
    sandbox: Sandbox,
    guild_id: u64,
    id: u64,
}

impl Role {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// `<@&ID>`.
    #[must_use]
    pub fn mention(&self) -> String {
        format!("<@&{}>", self.id)
    }

    /// Sets what its members may (Discord's permission bits); the bot is told.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn permissions(self, bits: u64) -> Self {
        self.sandbox.with(|world| {
            let guild = world.guilds.get_mut(&self.guild_id);
            if let Some(role) = guild.and_then(|guild| guild.roles.iter_mut().find(|role| role.id == self.id)) {
                role.permissions = bits;
                let data = serde_json::json!({ "guild_id": self.guild_id.to_string(), "role": role.json() });
                world.emit_role("GUILD_ROLE_UPDATE", self.guild_id, &data);
            }
        });
        self
    }
}
