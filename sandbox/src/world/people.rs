//! Guilds and who is in them: made, joined, left, banned. Each change tells the bot and open pages.
//!
//! REST, the page and tests share it, so that none of them has to remember whom to tell.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Channel, Guild, Member, Role, User, World, permissions};
use crate::{
    gateway::intents,
    ids,
    page::{Audience, direct_json},
};

impl World {
    /// The person called `name`, made known to the sandbox if new.
    pub(crate) fn person(&mut self, name: &str) -> u64 {
        let wanted = name.to_lowercase();
        if let Some(user) = self.users.values().find(|user| user.username == wanted) {
            return user.id;
        }
        let id = self.ids.part();
        self.users.insert(id, User::person(id, name));
        if !self.pages.is_empty() {
            let person = self.user_json(id);
            self.pages.tell(&Audience::Everyone, "person", || person);
        }
        self.changed();
        id
    }

    /// Everybody but the bot.
    pub(crate) fn people_json(&self) -> Value {
        self.users.values().filter(|user| !user.bot).map(User::json).collect()
    }

    /// A guild with the usual channels and roles; the bot and everybody whom the default guild knows are members.
    pub(crate) fn add_guild(&mut self, name: &str) -> u64 {
        let id = self.ids.part();
        let joined_at = ids::created_at(id);
        let first_people: Vec<u64> = match self.guilds.values().next() {
            Some(guild) => guild.members.keys().copied().collect(),
            None => self.users.keys().copied().collect(),
        };
        let moderator = self.ids.part();
        let bot_role = self.ids.part();
        // One id is left out, so that guilds are an odd number of steps apart and fall into different shards.
        self.ids.part();
        let mut everyone = Role::new(id, "@everyone", permissions::EVERYONE, 0);
        everyone.mentionable = false;
        let mut moderators = Role::new(moderator, "Moderator", permissions::MODERATOR, 1);
        moderators.color = 0x34_98db;
        moderators.hoist = true;
        moderators.mentionable = true;
        let mut of_bot = Role::new(bot_role, &self.application_name, permissions::BOT, 2);
        of_bot.of_bot = Some(self.bot_id);
        let mut members = BTreeMap::new();
        for user in first_people {
            let mut member = Member::new(joined_at.clone());
            if user == self.bot_id {
                member.roles.push(bot_role);
            }
            members.insert(user, member);
        }
        let guild = Guild {
            id,
            name: name.to_owned(),
            owner_id: self.owner_id,
            roles: vec![everyone, moderators, of_bot],
            members,
            bans: BTreeMap::new(),
            emojis: BTreeMap::new(),
            stickers: BTreeMap::new(),
            joined_at,
            system_channel_id: None,
            settings: Map::new(),
        };
        self.guilds.insert(id, guild);
        let category = self.insert_channel(id, "Text channels", 4);
        for name in ["general", "bots"] {
            let channel = self.insert_channel(id, name, 0);
            if let Some(channel) = self.channels.get_mut(&channel) {
                channel.parent_id = Some(category);
            }
        }
        let general = self
            .channels_of(id)
            .into_iter()
            .find(|channel| channel.kind == 0)
            .map(|channel| channel.id);
        if let Some(guild) = self.guilds.get_mut(&id) {
            guild.system_channel_id = general;
        }
        self.emit_guild_create(id);
        id
    }

    /// A channel at the end of the guild's list; nobody is told.
    pub(crate) fn insert_channel(&mut self, guild_id: u64, name: &str, kind: u64) -> u64 {
        let id = self.ids.part();
        let position = self.channels_of(guild_id).len();
        let channel = Channel {
            kind,
            position: i64::try_from(position).unwrap_or(0),
            ..Channel::new(id, Some(guild_id), name)
        };
        self.channels.insert(id, channel);
        id
    }

    /// A new channel; everybody is told. `shape` sets what the request asked for before that.
    pub(crate) fn add_channel(
        &mut self,
        guild_id: u64,
        name: &str,
        kind: u64,
        shape: impl FnOnce(&mut Channel),
    ) -> u64 {
        let id = self.insert_channel(guild_id, name, kind);
        if let Some(channel) = self.channels.get_mut(&id) {
            shape(channel);
            let data = channel.guild_json();
            self.emit_channel("CHANNEL_CREATE", Some(guild_id), &data);
        }
        id
    }

    /// The direct channel between the bot and a person, made if there is none.
    pub(crate) fn direct(&mut self, person: u64) -> u64 {
        if let Some(channel) = self.directs.get(&person) {
            return *channel;
        }
        let id = self.ids.part();
        let channel = Channel {
            kind: 1,
            recipient: Some(person),
            ..Channel::new(id, None, "")
        };
        self.channels.insert(id, channel);
        self.directs.insert(person, id);
        // Bots get no CHANNEL_CREATE for direct channels since version 8; pages do.
        let data = self.channels.get(&id).map(|channel| direct_json(self, channel));
        if let Some(data) = data {
            self.pages.tell(&Audience::One(person), "dm_create", || data);
        }
        id
    }

    /// A new role just below the bot's own; everybody is told.
    pub(crate) fn add_role(&mut self, guild_id: u64, shape: impl FnOnce(&mut Role)) -> Option<u64> {
        let id = self.ids.part();
        let guild = self.guilds.get_mut(&guild_id)?;
        for role in guild.roles.iter_mut().filter(|role| role.position >= 1) {
            role.position += 1;
        }
        let mut role = Role::new(id, "new role", permissions::EVERYONE, 1);
        shape(&mut role);
        let data = json!({ "guild_id": guild_id.to_string(), "role": role.json() });
        guild.roles.push(role);
        self.emit_role("GUILD_ROLE_CREATE", guild_id, &data);
        Some(id)
    }

    /// A role is gone, from all who held it; everybody is told.
    pub(crate) fn remove_role(&mut self, guild_id: u64, role: u64) {
        if let Some(guild) = self.guilds.get_mut(&guild_id) {
            guild.roles.retain(|one| one.id != role);
            for member in guild.members.values_mut() {
                member.roles.retain(|held| *held != role);
            }
        }
        let of_guild = self
            .channels
            .values_mut()
            .filter(|channel| channel.guild_id == Some(guild_id));
        for channel in of_guild {
            channel.overwrites.retain(|one| one.id != role);
        }
        let data = json!({ "guild_id": guild_id.to_string(), "role_id": role.to_string() });
        self.emit_role("GUILD_ROLE_DELETE", guild_id, &data);
    }

    /// A channel is gone with its threads, voices and invites; those below a category are below none. Everybody is told,
    /// and the channel as it was is given.
    pub(crate) fn remove_channel(&mut self, id: u64) -> Option<Value> {
        let guild_id = self.channels.get(&id)?.guild_id?;
        let below = |channel: &&Channel| channel.parent_id == Some(id);
        let children: Vec<(u64, bool)> = self
            .channels
            .values()
            .filter(below)
            .map(|child| (child.id, child.is_thread()))
            .collect();
        for (thread, _) in children.iter().filter(|(_, is_thread)| *is_thread) {
            self.remove_thread(*thread);
        }
        self.empty_voice(guild_id, id);
        self.end_stage(id);
        self.cancel_scheduled_in(id);
        let data = self.channels.remove(&id)?.guild_json();
        self.emit_channel("CHANNEL_DELETE", Some(guild_id), &data);
        for (orphan, _) in children.iter().filter(|(_, is_thread)| !is_thread) {
            if let Some(channel) = self.channels.get_mut(orphan) {
                channel.parent_id = None;
                let json = channel.guild_json();
                self.emit_channel("CHANNEL_UPDATE", Some(guild_id), &json);
            }
        }
        let of_system = self
            .guilds
            .get_mut(&guild_id)
            .filter(|guild| guild.system_channel_id == Some(id));
        if let Some(guild) = of_system {
            guild.system_channel_id = None;
            let json = guild.json();
            self.emit("GUILD_UPDATE", Some(guild_id), intents::GUILDS, &json);
        }
        Some(data)
    }

    /// Removes what somebody has said in a guild since a time (milliseconds since 1970).
    pub(crate) fn purge(&mut self, guild_id: u64, user: u64, since_ms: u64) {
        let of_guild = self
            .channels
            .values()
            .filter(|channel| channel.guild_id == Some(guild_id));
        let found: Vec<(u64, Vec<u64>)> = of_guild
            .map(|channel| {
                let said = channel.history.iter().filter(|message| message.author_id == user);
                let said = said.filter(|message| ids::created_ms(message.id) >= since_ms);
                (channel.id, said.map(|message| message.id).collect())
            })
            .collect();
        for (channel, messages) in found.into_iter().filter(|(_, messages)| !messages.is_empty()) {
            self.delete(channel, &messages, true);
        }
    }

    /// `user` joins; nothing happens if it is a member already.
    pub(crate) fn join(&mut self, guild_id: u64, user: u64) {
        self.join_with(guild_id, user, Vec::new());
    }

    /// `user` joins and has these roles from the first.
    pub(crate) fn join_with(&mut self, guild_id: u64, user: u64, roles: Vec<u64>) {
        let at = ids::timestamp(self.ids.now_ms());
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return;
        };
        if guild.members.contains_key(&user) {
            return;
        }
        guild.members.insert(
            user,
            Member {
                roles,
                ..Member::new(at)
            },
        );
        if let Some(mut data) = self.member_json(guild_id, user) {
            data["guild_id"] = json!(guild_id.to_string());
            self.emit_member("GUILD_MEMBER_ADD", "member_add", guild_id, user, &data);
        }
    }

    /// `user` leaves or is removed; says whether it was a member.
    pub(crate) fn leave(&mut self, guild_id: u64, user: u64) -> bool {
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return false;
        };
        if guild.members.remove(&user).is_none() {
            return false;
        }
        if user == self.bot_id {
            self.voice.remove(&(guild_id, user));
            self.emit_removal(guild_id);
            return true;
        }
        self.leave_threads(guild_id, user);
        self.leave_voice(guild_id, user);
        let data = json!({ "guild_id": guild_id.to_string(), "user": self.user_json(user) });
        self.emit_member("GUILD_MEMBER_REMOVE", "member_remove", guild_id, user, &data);
        true
    }

    /// Changes a member and tells everybody; `None` if there is no such member.
    pub(crate) fn change_member(
        &mut self,
        guild_id: u64,
        user: u64,
        change: impl FnOnce(&mut Member),
    ) -> Option<Value> {
        let member = self.guilds.get_mut(&guild_id)?.members.get_mut(&user)?;
        change(member);
        let json = self.member_json(guild_id, user)?;
        let mut data = json.clone();
        data["guild_id"] = json!(guild_id.to_string());
        self.emit_member("GUILD_MEMBER_UPDATE", "member_update", guild_id, user, &data);
        Some(json)
    }

    /// Bans `user`, who leaves if a member.
    pub(crate) fn ban(&mut self, guild_id: u64, user: u64, reason: Option<String>) {
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return;
        };
        guild.bans.insert(user, reason);
        self.leave(guild_id, user);
        let data = json!({ "guild_id": guild_id.to_string(), "user": self.user_json(user) });
        self.emit("GUILD_BAN_ADD", Some(guild_id), intents::GUILD_MODERATION, &data);
    }

    /// Lifts a ban; says whether there was one.
    pub(crate) fn unban(&mut self, guild_id: u64, user: u64) -> bool {
        let was = self
            .guilds
            .get_mut(&guild_id)
            .is_some_and(|guild| guild.bans.remove(&user).is_some());
        if was {
            let data = json!({ "guild_id": guild_id.to_string(), "user": self.user_json(user) });
            self.emit("GUILD_BAN_REMOVE", Some(guild_id), intents::GUILD_MODERATION, &data);
        }
        was
    }

    /// Tells each session of the guild's shard about the guild, in the form that its intents allow.
    fn emit_guild_create(&mut self, guild_id: u64) {
        let mut wanted = Vec::new();
        self.sessions.each(Some(guild_id), |session| {
            if session.intents & intents::GUILDS != 0 {
                wanted.push((session.id.clone(), session.intents, session.large_threshold));
            }
        });
        for (session, intents, large) in wanted {
            if let Some(data) = self.guild_create(guild_id, intents, large)
                && let Some(session) = self.sessions.get_mut(&session)
            {
                session.push(&mut self.logs, "GUILD_CREATE", &data.to_string());
                self.check_event("GUILD_CREATE", &data);
            }
        }
        self.note_seen(guild_id);
        self.tell_guild(guild_id);
        self.changed();
    }

    /// A guild becomes unavailable: the last that the bot hears of it until it comes up.
    pub(crate) fn guild_goes_down(&mut self, guild_id: u64) {
        let data = json!({ "id": guild_id.to_string(), "unavailable": true });
        self.emit("GUILD_DELETE", Some(guild_id), intents::GUILDS, &data);
        self.outages.insert(guild_id);
    }

    /// A guild becomes available again.
    pub(crate) fn guild_comes_up(&mut self, guild_id: u64) {
        if self.outages.remove(&guild_id) {
            self.emit_guild_create(guild_id);
        }
    }

    /// `GUILD_CREATE`'s data. Without the presence intent a bot gets no member but itself and who is in voice channels; of a
    /// large guild, those who are there
    /// (<https://discord.com/developers/docs/events/gateway-events#guild-create>).
    pub(crate) fn guild_create(&self, guild_id: u64, intents: intents::Intents, large_threshold: u64) -> Option<Value> {
        let guild = self.guilds.get(&guild_id)?;
        let is_large = guild.members.len() as u64 > large_threshold;
        let has_presences = intents & intents::GUILD_PRESENCES != 0;
        let is_there = |user: u64| self.offline_since(user).is_none();
        let is_shown = |user: u64| {
            user == self.bot_id
                || self.voice.contains_key(&(guild_id, user))
                || has_presences && (!is_large || is_there(user))
        };
        let members: Vec<Value> = guild
            .members
            .keys()
            .filter(|user| is_shown(**user))
            .filter_map(|user| self.member_json(guild_id, *user))
            .collect();
        let presences: Vec<Value> = guild
            .members
            .keys()
            .filter(|user| has_presences && **user != self.bot_id && is_there(**user))
            .map(|user| self.presence_json(*user))
            .collect();
        let mut data = guild.json();
        data["joined_at"] = json!(guild.joined_at);
        data["large"] = json!(is_large);
        data["unavailable"] = json!(false);
        data["member_count"] = json!(guild.members.len());
        data["members"] = Value::Array(members);
        data["channels"] = self
            .channels_of(guild_id)
            .into_iter()
            .map(Channel::guild_json)
            .collect();
        data["presences"] = Value::Array(presences);
        data["threads"] = self
            .active_threads(guild_id)
            .into_iter()
            .map(|thread| self.thread_json(thread))
            .collect();
        data["soundboard_sounds"] = json!([]);
        data["stage_instances"] = Value::Array(self.stages_of(guild_id));
        let scheduled = self.scheduled_of(guild_id);
        data["guild_scheduled_events"] = scheduled.map(|event| self.scheduled_json(event, true)).collect();
        data["voice_states"] = Value::Array(self.voices_of(guild_id));
        Some(data)
    }

    /// A guild as the page of a member gets it: with the channels that this person sees.
    pub(crate) fn page_guild(&self, guild_id: u64, person: u64) -> Option<Value> {
        let guild = self.guilds.get(&guild_id)?;
        guild.members.get(&person)?;
        let sees = |channel: &&Channel| self.permissions_in(channel, person) & permissions::VIEW_CHANNEL != 0;
        let threads = self.threads_of(guild_id);
        let channels = self.channels_of(guild_id).into_iter().chain(threads).filter(sees);
        let members: Vec<Value> = guild
            .members
            .keys()
            .filter_map(|user| self.member_json(guild_id, *user))
            .collect();
        Some(json!({
            "id": guild.id.to_string(),
            "name": guild.name,
            "icon": null,
            "owner_id": guild.owner_id.to_string(),
            "channels": channels.map(|channel| self.page_channel(channel, person)).collect::<Vec<_>>(),
            "permissions": permissions::of(guild, None, person).to_string(),
            "voice_states": self.voices_of(guild_id),
            "presences": self.presences_of(guild),
            "emojis": guild.emojis.values().map(|emoji| self.emoji_json(emoji)).collect::<Vec<_>>(),
            "roles": guild.roles.iter().map(Role::json).collect::<Vec<_>>(),
            "members": members,
        }))
    }

    /// A channel as the page of a person gets it: with what this person may in it.
    fn page_channel(&self, channel: &Channel, person: u64) -> Value {
        let mut json = channel.guild_json();
        json["permissions"] = json!(self.permissions_in(channel, person).to_string());
        if let Some(member) = channel.thread_member(person) {
            json["member"] = member;
        }
        json
    }
}
