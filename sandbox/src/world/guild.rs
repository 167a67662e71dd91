//! Guilds, their roles and channels: state and how Discord writes it.
//!
//! Plain data: changing it tells nobody. Whoever changes it sends the events, as `people` does.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Map, Value, json};

use super::{History, Member, Overwrite, emoji::Emoji, thread::Thread};

/// A guild ("server").
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) owner_id: u64,
    /// The first one is `@everyone`, with the guild's id.
    pub(crate) roles: Vec<Role>,
    pub(crate) members: BTreeMap<u64, Member>,
    /// User and reason.
    pub(crate) bans: BTreeMap<u64, Option<String>>,
    pub(crate) emojis: BTreeMap<u64, Emoji>,
    /// Sticker objects, by id.
    pub(crate) stickers: BTreeMap<u64, Value>,
    pub(crate) joined_at: String,
    pub(crate) system_channel_id: Option<u64>,
    /// What `PATCH` may change and nothing here depends on.
    pub(crate) settings: Map<String, Value>,
}

/// Where a role or member stands, to be compared.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Height {
    Nothing,
    Role(i64, Reverse<u64>),
    Owner,
}

/// A role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) permissions: u64,
    pub(crate) position: i64,
    pub(crate) color: u64,
    /// The ends of a gradient.
    pub(crate) more_colors: [Option<u64>; 2],
    pub(crate) hoist: bool,
    pub(crate) mentionable: bool,
    /// The bot whose own role this is.
    pub(crate) of_bot: Option<u64>,
}

impl Role {
    pub(crate) fn new(id: u64, name: &str, permissions: u64, position: i64) -> Self {
        Self {
            id,
            name: name.to_owned(),
            permissions,
            position,
            color: 0,
            more_colors: [None; 2],
            hoist: false,
            mentionable: false,
            of_bot: None,
        }
    }

    /// The role object (`GuildRoleResponse`).
    pub(crate) fn json(&self) -> Value {
        let mut role = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "description": null,
            "permissions": self.permissions.to_string(),
            "position": self.position,
            "color": self.color,
            "colors": { "primary_color": self.color, "secondary_color": self.more_colors[0], "tertiary_color": self.more_colors[1] },
            "hoist": self.hoist,
            "managed": self.of_bot.is_some(),
            "mentionable": self.mentionable,
            "icon": null,
            "unicode_emoji": null,
            "flags": 0,
        });
        if let Some(bot) = self.of_bot {
            role["tags"] = json!({ "bot_id": bot.to_string() });
        }
        role
    }
}

impl Guild {
    pub(crate) fn role(&self, id: u64) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// How high a role stands: of two at one position, the older one is the higher.
    pub(crate) fn height(&self, role: u64) -> Height {
        self.role(role)
            .map_or(Height::Nothing, |role| Height::Role(role.position, Reverse(role.id)))
    }

    /// How high a member stands: the owner above all, others as their highest role.
    pub(crate) fn rank(&self, user: u64) -> Height {
        if self.owner_id == user {
            return Height::Owner;
        }
        let held = self
            .members
            .get(&user)
            .map_or(&[][..], |member| member.roles.as_slice());
        held.iter()
            .map(|role| self.height(*role))
            .max()
            .unwrap_or(Height::Nothing)
    }

    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.settings
            .get("features")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|one| one == name))
    }

    /// The guild object (`GuildResponse`).
    pub(crate) fn json(&self) -> Value {
        let mut guild = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "icon": null,
            "description": null,
            "home_header": null,
            "splash": null,
            "discovery_splash": null,
            "features": [],
            "banner": null,
            "owner_id": self.owner_id.to_string(),
            "application_id": null,
            "region": "deprecated",
            "afk_channel_id": null,
            "afk_timeout": 300,
            "system_channel_id": self.system_channel_id.map(|id| id.to_string()),
            "system_channel_flags": 0,
            "widget_enabled": false,
            "widget_channel_id": null,
            "verification_level": 0,
            "roles": self.roles.iter().map(Role::json).collect::<Vec<_>>(),
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": null,
            "max_members": 25_000_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "rules_channel_id": null,
            "safety_alerts_channel_id": null,
            "public_updates_channel_id": null,
            "premium_progress_bar_enabled": false,
            "nsfw": false,
            "nsfw_level": 0,
            "emojis": self.emojis.values().map(Emoji::json).collect::<Vec<_>>(),
            "stickers": self.stickers.values().collect::<Vec<_>>(),
            "incidents_data": null,
        });
        for (key, value) in &self.settings {
            guild[key] = value.clone();
        }
        guild
    }
}

/// A channel of a guild, or a direct one between the bot and a person.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: u64,
    /// Discord's channel type: 0 text, 1 direct, 2 voice, 4 category, 5 announcements, 10 to 12 threads,
    /// 13 stage, 15 forum, 16 media.
    pub(crate) kind: u64,
    pub(crate) guild_id: Option<u64>,
    pub(crate) name: String,
    pub(crate) position: i64,
    pub(crate) parent_id: Option<u64>,
    pub(crate) overwrites: Vec<Overwrite>,
    /// The person at the other end of a direct channel.
    pub(crate) recipient: Option<u64>,
    /// What only threads have.
    pub(crate) thread: Option<Thread>,
    /// What `PATCH` may change and nothing here depends on (topic, nsfw, ...).
    pub(crate) settings: Map<String, Value>,
    pub(crate) history: History,
}

impl Channel {
    /// An empty text channel at the top of the list.
    pub(crate) fn new(id: u64, guild_id: Option<u64>, name: &str) -> Self {
        Self {
            id,
            kind: 0,
            guild_id,
            name: name.to_owned(),
            position: 0,
            parent_id: None,
            overwrites: Vec::new(),
            recipient: None,
            thread: None,
            settings: Map::new(),
            history: History::default(),
        }
    }

    /// The channel object of a guild's channel (`GuildChannelResponse`).
    pub(crate) fn guild_json(&self) -> Value {
        let overwrites: Vec<Value> = self
            .overwrites
            .iter()
            .map(|o| {
                json!({
                    "id": o.id.to_string(),
                    "type": o.kind,
                    "allow": o.allow.to_string(),
                    "deny": o.deny.to_string(),
                })
            })
            .collect();
        let mut channel = json!({
            "id": self.id.to_string(),
            "type": self.kind,
            "flags": 0,
            "guild_id": self.guild_id.map(|id| id.to_string()),
            "name": self.name,
            "position": self.position,
            "parent_id": self.parent_id.map(|id| id.to_string()),
            "permission_overwrites": overwrites,
        });
        if self.kind != 4 {
            channel["last_message_id"] = json!(self.history.last_id().map(|id| id.to_string()));
            channel["rate_limit_per_user"] = json!(0);
            channel["nsfw"] = json!(false);
        }
        match self.kind {
            0 | 5 => {
                channel["topic"] = Value::Null;
                channel["last_pin_timestamp"] = Value::Null;
            }
            2 | 13 => {
                channel["bitrate"] = json!(64_000);
                channel["user_limit"] = json!(0);
                channel["rtc_region"] = Value::Null;
            }
            15 | 16 => {
                channel["topic"] = Value::Null;
                channel["available_tags"] = json!([]);
                channel["default_reaction_emoji"] = Value::Null;
                channel["default_sort_order"] = Value::Null;
                channel["default_forum_layout"] = json!(0);
            }
            _ => {}
        }
        if let Some(thread) = &self.thread {
            self.as_thread(thread, &mut channel);
        }
        for (key, value) in &self.settings {
            channel[key] = value.clone();
        }
        channel
    }
}
