//! People: the users that a world knows, the bot among them, as Discord writes them.
//!
//! Plain data that knows no other part of the world; what the bot sees of itself differs from what it sees of others.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ids::Id;

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
        serde_json::to_value(self.object()).unwrap_or_default()
    }

    /// The user object, to be written.
    pub(crate) fn object(&self) -> UserObject<'_> {
        UserObject {
            id: Id(self.id),
            username: &self.username,
            global_name: self.global_name.as_deref(),
            discriminator: if self.bot { "0001" } else { "0" },
            avatar: (),
            banner: (),
            accent_color: (),
            avatar_decoration_data: (),
            collectibles: (),
            primary_guild: (),
            public_flags: 0,
            flags: 0,
            bot: self.bot.then_some(true),
        }
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

/// The user object in Discord's order; what nobody has here is null.
#[derive(Debug, Serialize)]
pub(crate) struct UserObject<'a> {
    id: Id,
    username: &'a str,
    global_name: Option<&'a str>,
    discriminator: &'static str,
    avatar: (),
    banner: (),
    accent_color: (),
    avatar_decoration_data: (),
    collectibles: (),
    primary_guild: (),
    public_flags: u64,
    flags: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<bool>,
}

/// The member object without its user; what nobody has here is null.
#[derive(Debug, Serialize)]
pub(crate) struct MemberObject<'a> {
    avatar: (),
    avatar_decoration_data: (),
    banner: (),
    collectibles: (),
    communication_disabled_until: Option<&'a str>,
    deaf: bool,
    flags: u64,
    joined_at: &'a str,
    mute: bool,
    nick: Option<&'a str>,
    pending: bool,
    premium_since: (),
    roles: Vec<Id>,
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
        let member = serde_json::to_value(self.object()).unwrap_or_default();
        match member {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// The member without its user, to be written.
    pub(crate) fn object(&self) -> MemberObject<'_> {
        MemberObject {
            avatar: (),
            avatar_decoration_data: (),
            banner: (),
            collectibles: (),
            communication_disabled_until: self.timed_out_until.as_deref(),
            deaf: self.deaf,
            flags: self.flags,
            joined_at: &self.joined_at,
            mute: self.mute,
            nick: self.nick.as_deref(),
            pending: false,
            premium_since: (),
            roles: self.roles.iter().copied().map(Id).collect(),
        }
    }

    /// The member object (`GuildMemberResponse`).
    pub(crate) fn json(&self, user: &User) -> Value {
        let mut member = self.partial();
        member.insert("user".to_owned(), user.json());
        Value::Object(member)
    }
}
