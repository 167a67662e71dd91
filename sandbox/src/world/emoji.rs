//! Emojis of guilds and of the application, and stickers as far as they can be read
//! (<https://discord.com/developers/docs/resources/emoji>).

use axum::body::Bytes;
use serde_json::{Value, json};

use super::World;
use crate::gateway::intents;

/// Emojis of a guild without boosts: so many that stand still, and as many that move.
pub(crate) const MOST: usize = 50;
/// Emojis of an application.
pub(crate) const MOST_OF_APPLICATION: usize = 2000;
/// The largest image, in bytes.
pub(crate) const LARGEST: usize = 256 << 10;

/// An emoji of a guild or of the application.
#[derive(Clone, Debug)]
pub(crate) struct Emoji {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) animated: bool,
    /// Who may use it; nobody in particular if empty.
    pub(crate) roles: Vec<u64>,
    pub(crate) creator: u64,
}

/// An image that was uploaded, for whoever shows it.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Bytes,
}

impl Emoji {
    /// The emoji object (`EmojiResponse`) without its creator, as guilds and events carry it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "roles": self.roles.iter().map(u64::to_string).collect::<Vec<_>>(),
            "require_colons": true,
            "managed": false,
            "animated": self.animated,
            "available": true,
        })
    }
}

impl World {
    /// The emoji object with who made it.
    pub(crate) fn emoji_json(&self, emoji: &Emoji) -> Value {
        let mut json = emoji.json();
        json["user"] = self.user_json(emoji.creator);
        json
    }

    /// A new emoji of a guild; everybody is told. `None` if there is no such guild.
    pub(crate) fn add_emoji(&mut self, guild: u64, emoji: Emoji) -> Option<u64> {
        let id = emoji.id;
        self.guilds.get_mut(&guild)?.emojis.insert(id, emoji);
        self.emit_emojis(guild);
        Some(id)
    }

    /// `GUILD_EMOJIS_UPDATE`, with all of them.
    pub(crate) fn emit_emojis(&mut self, guild: u64) {
        let Some(found) = self.guilds.get(&guild) else { return };
        let emojis: Vec<Value> = found.emojis.values().map(|emoji| self.emoji_json(emoji)).collect();
        let data = json!({ "guild_id": guild.to_string(), "emojis": emojis });
        self.emit("GUILD_EMOJIS_UPDATE", Some(guild), intents::GUILD_EXPRESSIONS, &data);
        self.tell_guild(guild);
    }

    /// A new sticker of a guild, from nowhere; everybody is told (`GUILD_STICKERS_UPDATE`).
    pub(crate) fn add_sticker(&mut self, guild: u64, name: &str, tags: &str) -> u64 {
        let id = self.ids.part();
        let owner = self.guilds.get(&guild).map_or(0, |guild| guild.owner_id);
        let sticker = json!({
            "id": id.to_string(),
            "name": name,
            "description": null,
            "tags": tags,
            "type": 2,
            "format_type": 1,
            "available": true,
            "guild_id": guild.to_string(),
            "user": self.user_json(owner),
        });
        if let Some(found) = self.guilds.get_mut(&guild) {
            found.stickers.insert(id, sticker);
            let all: Vec<Value> = found.stickers.values().cloned().collect();
            let data = json!({ "guild_id": guild.to_string(), "stickers": all });
            self.emit("GUILD_STICKERS_UPDATE", Some(guild), intents::GUILD_EXPRESSIONS, &data);
        }
        id
    }
}
