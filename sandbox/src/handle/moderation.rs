//! What people do to a guild as moderators, and what they come in by: kicks, bans, time-outs, invites, emojis. It stands in
//! the audit log under their names, as the bot's own acts do under its.
//!
//! Nothing here asks whether they may: a test says who moderates.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Channel, Guild, Person, Sandbox};
use crate::{
    ids,
    page::{Audience, rate_limits_name},
    rest::limits::RateLimits,
    world::{
        World,
        audit_log::{Entry, Note, action},
        emoji::Emoji,
        invite::{DEFAULT_AGE, Invite},
    },
};

impl Person {
    fn moderates(&self, act: impl FnOnce(&mut World, u64)) {
        if let Some(guild) = self.guild_id() {
            self.sandbox().with(|world| act(world, guild));
        }
    }

    /// Kicks somebody out of the guild; the bot is told.
    pub fn kicks(&self, whom: &Self, reason: Option<&str>) {
        self.moderates(|world, guild| {
            if world.leave(guild, whom.id()) {
                let note = Note::new(action::MEMBER_KICK, self.id(), Some(whom.id()));
                world.record(guild, note.because(reason));
            }
        });
    }

    /// Bans somebody from the guild; the bot is told.
    pub fn bans(&self, whom: &Self, reason: Option<&str>) {
        self.moderates(|world, guild| {
            world.ban(guild, whom.id(), reason.map(str::to_owned));
            let note = Note::new(action::MEMBER_BAN_ADD, self.id(), Some(whom.id()));
            world.record(guild, note.because(reason));
        });
    }

    /// Lifts somebody's ban; the bot is told.
    pub fn unbans(&self, whom: &Self) {
        self.moderates(|world, guild| {
            if world.unban(guild, whom.id()) {
                let note = Note::new(action::MEMBER_BAN_REMOVE, self.id(), Some(whom.id()));
                world.record(guild, note);
            }
        });
    }

    /// Times somebody out by the sandbox's clock, or no longer; the bot is told.
    pub fn times_out(&self, whom: &Self, length: Option<Duration>, reason: Option<&str>) {
        self.moderates(|world, guild| {
            let now = world.ids.now_ms();
            let until = length.map(|length| {
                let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
                ids::timestamp(now.saturating_add(length))
            });
            let key = "communication_disabled_until";
            let before = world.member_json(guild, whom.id()).unwrap_or_default();
            let after = world.change_member(guild, whom.id(), |member| member.timed_out_until = until);
            let note = Note::new(action::MEMBER_UPDATE, self.id(), Some(whom.id()));
            let note = note.change(key, &before[key], &after.unwrap_or_default()[key]);
            world.record(guild, note.because(reason));
        });
    }

    /// Makes an invite to a channel for a day; gives its code. The bot is told where it manages the channel.
    ///
    /// # Panics
    ///
    /// If the channel is no guild's.
    #[must_use]
    pub fn invites_to(&self, channel: &Channel, max_uses: u64) -> String {
        let code = self.sandbox().with(|world| {
            let guild = world.channels.get(&channel.id())?.guild_id?;
            Some(world.add_invite(Invite {
                code: String::new(),
                guild,
                channel: channel.id(),
                inviter: self.id(),
                max_age: DEFAULT_AGE.as_secs(),
                max_uses,
                uses: 0,
                temporary: false,
                roles: Vec::new(),
                created_ms: 0,
            }))
        });
        code.unwrap_or_else(|| panic!("{} is no channel of a guild", channel.name()))
    }

    /// Comes into a guild by an invite, which the bot hears as `GUILD_MEMBER_ADD`, and acts in its default channel from now
    /// on.
    ///
    /// # Errors
    ///
    /// If the invite is unknown, has expired or is used up, or the person is banned.
    pub fn joins_by(&self, code: &str) -> Result<Self, String> {
        let guild = self.sandbox().with(|world| world.join_by(code, self.id()))?;
        Ok(Guild::new(self.sandbox(), guild).user(&self.name()))
    }

    /// Shows an activity, or none, beside what [`Self::goes`] says; an object of Discord's with `name` and `type`.
    pub fn shows(&self, activities: &[Value]) {
        self.sandbox().with(|world| {
            let presence = world.presence_json(self.id());
            let status = presence["status"].as_str().unwrap_or("online");
            world.set_presence(self.id(), status, Some(activities.to_vec()));
        });
    }
}

impl Guild {
    /// A new emoji of the guild's owner, without a picture; gives its id. The bot is told.
    #[allow(clippy::must_use_candidate, reason = "made for its effect as often as for its value")]
    pub fn add_emoji(&self, name: &str, animated: bool) -> u64 {
        self.sandbox().with(|world| {
            let emoji = Emoji {
                id: world.ids.part(),
                name: name.to_owned(),
                animated,
                roles: Vec::new(),
                creator: world.guilds.get(&self.id()).map_or(0, |guild| guild.owner_id),
            };
            world.add_emoji(self.id(), emoji).unwrap_or(0)
        })
    }

    /// A new sticker of the guild's owner, without a picture; gives its id. The bot is told.
    #[allow(clippy::must_use_candidate, reason = "made for its effect as often as for its value")]
    pub fn add_sticker(&self, name: &str) -> u64 {
        self.sandbox().with(|world| world.add_sticker(self.id(), name, name))
    }

    /// Gives a member a role, whoever it is, the bot too; the bot is told.
    pub fn gives_role(&self, user_id: u64, role_id: u64) {
        self.sandbox().with(|world| {
            world.change_member(self.id(), user_id, |member| {
                if !member.roles.contains(&role_id) {
                    member.roles.push(role_id);
                }
            })
        });
    }

    /// Takes a role from a member, whoever it is, the bot too; the bot is told.
    pub fn takes_role(&self, user_id: u64, role_id: u64) {
        self.sandbox().with(|world| {
            world.change_member(self.id(), user_id, |member| {
                member.roles.retain(|held| *held != role_id);
            })
        });
    }

    /// The guild's audit log, oldest first, as Discord's entry objects.
    #[must_use]
    pub fn audit_log(&self) -> Vec<Value> {
        self.sandbox()
            .with(|world| world.audit_log(self.id()).map(Entry::json).collect())
    }
}

impl Sandbox {
    /// Counts rate limits in another way from now on, from nothing; what was used up is forgotten, and a caller that was
    /// shut out is let in again.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.with(|world| {
            world.limits = crate::rest::limits::Limits::new(limits);
            world.starts.follow(limits);
            world.pages.tell(
                &Audience::Everyone,
                "rate_limits",
                || json!({ "profile": rate_limits_name(limits) }),
            );
        });
    }
}
