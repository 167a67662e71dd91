//! People: the users that a world knows, the bot among them, as Discord writes them.
//!
//! Plain data that knows no other part of the world; what the bot sees of itself differs from what it sees of others.

use serde_json::{Map, Value, json};

/// One user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    /// Unique, lower case: what tests call the person.
    pub(crate) username: String,
    /// What people see.
    pub(crate) global_name: Option<String>,
    pub(crate) bot: bool,
    /// The language of the person's client.
    pub(crate) locale: String,
    /// Whether the bot may write to the person.
    pub(crate) takes_directs: bool,
}

impl User {
    /// A person called `name`; the shown name starts with a capital letter.
    pub(crate) fn person(id: u64, name: &str) -> Self {
        let mut letters = name.chars();
        let shown = letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect());
        Self {
            id,
            username: name.to_lowercase(),
            global_name: shown,
            bot: false,
            locale: "en-US".to_owned(),
            takes_directs: true,
        }
    }

    /// The bot's own user.
    pub(crate) fn bot(id: u64, name: &str) -> Self {
        Self {
            id,
            username: name.to_owned(),
            global_name: None,
            bot: true,
            locale: "en-US".to_owned(),
            takes_directs: false,
        }
    }

    /// What people see in a channel.
    pub(crate) fn shown(&self) -> &str {
        self.global_name.as_deref().unwrap_or(&self.username)
    }

    /// The user object (`UserResponse`).
    pub(crate) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id.to_string(),
            "username": self.username,
            "global_name": self.global_name,
            "discriminator": if self.bot { "0001" } else { "0" },
            "avatar": null,
            "banner": null,
            "accent_color": null,
            "avatar_decoration_data": null,
            "collectibles": null,
            "primary_guild": null,
            "public_flags": 0,
            "flags": 0,
        });
        if self.bot {
            user["bot"] = Value::Bool(true);
        }
        user
    }

    /// The user object that a bot gets of itself (`UserPIIResponse`).
    pub(crate) fn own_json(&self) -> Value {
        let mut user = self.json();
        user["mfa_enabled"] = Value::Bool(true);
        user["locale"] = json!("en-US");
        user["verified"] = Value::Bool(true);
        user["email"] = Value::Null;
        user["premium_type"] = json!(0);
        user
    }
}

/// A user's membership of one guild.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) nick: Option<String>,
    pub(crate) roles: Vec<u64>,
    pub(crate) joined_at: String,
    pub(crate) mute: bool,
    pub(crate) deaf: bool,
    pub(crate) timed_out_until: Option<String>,
    pub(crate) flags: u64,
}

impl Member {
    pub(crate) const fn new(joined_at: String) -> Self {
        Self {
            nick: None,
            roles: Vec::new(),
            joined_at,
            mute: false,
            deaf: false,
            timed_out_until: None,
            flags: 0,
        }
    }

    /// The member without its user, as messages carry it.
    pub(crate) fn partial(&self) -> Map<String, Value> {
        let roles: Vec<String> = self.roles.iter().map(u64::to_string).collect();
        let member = json!({
            "avatar": null,
            "avatar_decoration_data": null,
            "banner": null,
            "collectibles": null,
            "communication_disabled_until": self.timed_out_until,
            "deaf": self.deaf,
            "flags": self.flags,
            "joined_at": self.joined_at,
            "mute": self.mute,
            "nick": self.nick,
            "pending": false,
            "premium_since": null,
            "roles": roles,
        });
        match member {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// The member object (`GuildMemberResponse`).
    pub(crate) fn json(&self, user: &User) -> Value {
        let mut member = self.partial();
        member.insert("user".to_owned(), user.json());
        Value::Object(member)
    }
}
