//! Invites: codes by which people come into a guild, for a while and so many times
//! (<https://discord.com/developers/docs/resources/invite>).

use std::time::Duration;

use serde_json::{Value, json};

use super::{World, permissions};
use crate::{gateway::intents, ids};

/// An invite to a guild's channel.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) code: String,
    pub(crate) guild: u64,
    pub(crate) channel: u64,
    pub(crate) inviter: u64,
    /// Seconds until it ends; 0 is never.
    pub(crate) max_age: u64,
    /// How often it can be used; 0 is as often as one likes.
    pub(crate) max_uses: u64,
    pub(crate) uses: u64,
    pub(crate) temporary: bool,
    /// Roles that it brings.
    pub(crate) roles: Vec<u64>,
    /// Milliseconds since 1970.
    pub(crate) created_ms: u64,
}

impl Invite {
    fn expires_ms(&self) -> Option<u64> {
        (self.max_age > 0).then(|| self.created_ms + self.max_age * 1000)
    }

    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        self.expires_ms().is_some_and(|end| end <= now_ms)
    }
}

impl World {
    /// A new invite; the bot is told where it manages the channel.
    pub(crate) fn add_invite(&mut self, mut invite: Invite) -> String {
        self.forget_invites();
        invite.created_ms = self.ids.now_ms();
        invite.code = code_of(self.ids.timed());
        let code = invite.code.clone();
        let mut data = json!({
            "channel_id": invite.channel.to_string(),
            "code": code,
            "created_at": ids::timestamp(invite.created_ms),
            "guild_id": invite.guild.to_string(),
            "inviter": self.user_json(invite.inviter),
            "max_age": invite.max_age,
            "max_uses": invite.max_uses,
            "temporary": invite.temporary,
            "uses": 0,
            "type": 0,
            "expires_at": invite.expires_ms().map(ids::timestamp),
        });
        if !invite.roles.is_empty() {
            data["role_ids"] = invite.roles.iter().map(u64::to_string).collect();
        }
        self.emit_invite("INVITE_CREATE", invite.guild, invite.channel, &data);
        self.invites.insert(code.clone(), invite);
        code
    }

    /// Takes an invite back; `None` if there is none of that code.
    pub(crate) fn remove_invite(&mut self, code: &str) -> Option<Invite> {
        self.forget_invites();
        let gone = self.invites.remove(code)?;
        let data = json!({
            "channel_id": gone.channel.to_string(),
            "guild_id": gone.guild.to_string(),
            "code": gone.code,
        });
        self.emit_invite("INVITE_DELETE", gone.guild, gone.channel, &data);
        Some(gone)
    }

    fn emit_invite(&mut self, name: &'static str, guild: u64, channel: u64, data: &Value) {
        let found = self.channels.get(&channel);
        let has = found.map_or(0, |channel| self.permissions_in(channel, self.bot_id));
        if has & (permissions::MANAGE_CHANNELS | permissions::VIEW_AUDIT_LOG) != 0 {
            self.emit(name, Some(guild), intents::GUILD_INVITES, data);
        }
    }

    /// An invite that is still good.
    pub(crate) fn invite(&self, code: &str) -> Option<&Invite> {
        let now = self.ids.now_ms();
        self.invites.get(code).filter(|invite| !invite.is_over(now))
    }

    /// Those of a guild, or of one of its channels, that are still good; the oldest first.
    pub(crate) fn invites_of(&self, guild: u64, channel: Option<u64>) -> Vec<&Invite> {
        let now = self.ids.now_ms();
        let is_meant = |invite: &&Invite| {
            invite.guild == guild && channel.is_none_or(|channel| invite.channel == channel) && !invite.is_over(now)
        };
        let mut found: Vec<&Invite> = self.invites.values().filter(is_meant).collect();
        found.sort_by(|one, two| (one.created_ms, &one.code).cmp(&(two.created_ms, &two.code)));
        found
    }

    /// Somebody comes in by an invite; the reason if it does not let them.
    pub(crate) fn join_by(&mut self, code: &str, user: u64) -> Result<u64, &'static str> {
        self.forget_invites();
        let invite = self
            .invites
            .get_mut(code)
            .ok_or("the invite is unknown or has expired")?;
        let (guild, roles) = (invite.guild, invite.roles.clone());
        let found = self.guilds.get(&guild).ok_or("the server is gone")?;
        if found.bans.contains_key(&user) {
            return Err("this person is banned from the server");
        }
        if found.members.contains_key(&user) {
            return Ok(guild);
        }
        invite.uses += 1;
        let is_used_up = invite.max_uses > 0 && invite.uses >= invite.max_uses;
        self.join_with(guild, user, roles);
        if is_used_up {
            self.remove_invite(code);
        }
        Ok(guild)
    }

    /// The invite object (`GuildInviteResponse`); `counted` adds how many members there are, `full` how it is used.
    pub(crate) fn invite_json(&self, invite: &Invite, counted: bool, full: bool) -> Value {
        let guild = self.guilds.get(&invite.guild);
        let channel = self.channels.get(&invite.channel);
        let of_guild = guild.map(crate::world::Guild::json).unwrap_or_default();
        let mut json = json!({
            "type": 0,
            "code": invite.code,
            "inviter": self.user_json(invite.inviter),
            "expires_at": invite.expires_ms().map(ids::timestamp),
            "flags": 0,
            "guild": {
                "id": invite.guild.to_string(),
                "name": of_guild["name"],
                "splash": null,
                "banner": null,
                "description": of_guild["description"],
                "icon": of_guild["icon"],
                "features": of_guild["features"],
                "verification_level": of_guild["verification_level"],
                "vanity_url_code": null,
                "nsfw_level": 0,
                "nsfw": false,
                "premium_subscription_count": 0,
            },
            "guild_id": invite.guild.to_string(),
            "channel": {
                "id": invite.channel.to_string(),
                "type": channel.map_or(0, |channel| channel.kind),
                "name": channel.map(|channel| channel.name.clone()),
            },
        });
        if full {
            json["uses"] = json!(invite.uses);
            json["max_uses"] = json!(invite.max_uses);
            json["max_age"] = json!(invite.max_age);
            json["temporary"] = json!(invite.temporary);
            json["created_at"] = json!(ids::timestamp(invite.created_ms));
        }
        if counted && let Some(guild) = guild {
            json["approximate_member_count"] = json!(guild.members.len());
            json["approximate_presence_count"] = json!(self.count_online(guild));
        }
        json
    }

    /// Discord tells nobody of invites that end by themselves.
    fn forget_invites(&mut self) {
        let now = self.ids.now_ms();
        let channels = &self.channels;
        self.invites
            .retain(|_, invite| !invite.is_over(now) && channels.contains_key(&invite.channel));
    }
}

/// What an invite is at first: a day, and no bound.
pub(crate) const DEFAULT_AGE: Duration = Duration::from_secs(86_400);

/// A code of eight letters and digits, another for each id.
fn code_of(id: u64) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8;
    let mut code = String::with_capacity(8);
    for _ in 0..8 {
        code.push(char::from(LETTERS[(rest % 62) as usize]));
        rest /= 62;
    }
    code
}
