//! A channel's body: what it may hold by the channel's type, checked, and how it is put into the channel.
//!
//! Whether the bot may ask for it is decided in `channels`; nothing here knows permissions.

use serde_json::{Value, json};

use super::{
    errors::{Faults, Refusal},
    validate::{self, Fields, checked},
};
use crate::world::{Channel, Overwrite, World};

/// What a channel's body may hold.
const KEYS: &[&str] = &[
    "name",
    "type",
    "position",
    "topic",
    "bitrate",
    "user_limit",
    "nsfw",
    "rate_limit_per_user",
    "parent_id",
    "permission_overwrites",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_reaction_emoji",
    "default_thread_rate_limit_per_user",
    "default_sort_order",
    "default_forum_layout",
    "default_tag_setting",
    "flags",
    "available_tags",
    "icon",
];

/// Of these, what is merely kept and shown, and by channels of which types. Null makes it what it was in the beginning.
const KEPT: &[(&str, &[u64])] = &[
    ("topic", &[0, 2, 5, 13, 15, 16]),
    ("nsfw", &[0, 2, 5, 13, 15, 16]),
    ("rate_limit_per_user", &[0, 2, 5, 13, 15, 16]),
    ("bitrate", &[2, 13]),
    ("user_limit", &[2, 13]),
    ("rtc_region", &[2, 13]),
    ("video_quality_mode", &[2, 13]),
    ("default_auto_archive_duration", &[0, 5, 15, 16]),
    ("default_thread_rate_limit_per_user", &[0, 5, 15, 16]),
    ("default_sort_order", &[15, 16]),
    ("default_forum_layout", &[15]),
    ("default_tag_setting", &[15, 16]),
    ("flags", &[15, 16]),
];

/// Types of channels that a guild can have, threads aside.
pub(crate) const KINDS: [u64; 7] = [0, 2, 4, 5, 13, 15, 16];

/// A forum's tag as the body has it.
struct Tag {
    id: Option<u64>,
    name: String,
    moderated: bool,
    emoji_id: Option<u64>,
    emoji_name: Option<String>,
}

/// A channel's body, checked.
pub(crate) struct Shape {
    pub(crate) name: Option<String>,
    pub(crate) kind: Option<u64>,
    pub(crate) position: Option<i64>,
    /// Null within: below no category.
    pub(crate) parent_id: Option<Option<u64>>,
    pub(crate) overwrites: Option<Vec<Overwrite>>,
    settings: Vec<(&'static str, Value)>,
    tags: Option<Vec<Tag>>,
    reaction: Option<Value>,
}

impl Shape {
    /// Reads a body for a channel of type `kind`, which a new one's body may name itself.
    pub(crate) fn read(body: &Value, kind: Option<u64>) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, KEYS, faults);
            if kind.is_none() {
                fields.required("name", faults);
            }
            let named = fields.integer("type", 0..=16, faults).map(i64::unsigned_abs);
            let kind = kind.or(named).unwrap_or(0);
            fields.text("topic", 0..=if matches!(kind, 15 | 16) { 4096 } else { 1024 }, faults);
            fields.integer("rate_limit_per_user", 0..=21_600, faults);
            fields.integer("default_thread_rate_limit_per_user", 0..=21_600, faults);
            fields.flag("nsfw", faults);
            // Without boosts.
            fields.integer("bitrate", 8_000..=if kind == 13 { 64_000 } else { 96_000 }, faults);
            fields.integer("user_limit", 0..=if kind == 13 { 10_000 } else { 99 }, faults);
            fields.integer("video_quality_mode", 1..=2, faults);
            fields.integer("default_sort_order", 0..=1, faults);
            fields.integer("default_forum_layout", 0..=2, faults);
            let minutes = fields.integer("default_auto_archive_duration", 60..=10_080, faults);
            if minutes.is_some_and(|minutes| ![60, 1440, 4320, 10_080].contains(&minutes)) {
                faults.add(
                    "default_auto_archive_duration",
                    "BASE_TYPE_CHOICES",
                    "Value must be one of {60, 1440, 4320, 10080}.",
                );
            }
            fields.integer("flags", 0..=0xff_ffff, faults);
            let kept = KEPT
                .iter()
                .filter(|(key, kinds)| fields.has(key) && kinds.contains(&kind));
            Self {
                name: fields.text("name", 1..=100, faults).map(str::to_owned),
                kind: named,
                position: fields.integer("position", 0..=i64::from(i32::MAX), faults),
                parent_id: fields.has("parent_id").then(|| fields.id("parent_id", faults)),
                overwrites: validate::overwrites(&fields, faults),
                settings: kept.map(|(key, _)| (*key, body[*key].clone())).collect(),
                tags: tags(&fields, faults),
                reaction: fields.has("default_reaction_emoji").then(|| reaction(&fields, faults)),
            }
        })
    }

    /// Puts it into a channel; tags that are new get ids of this world.
    pub(crate) fn apply(self, world: &mut World, id: u64) {
        let tags = self.tags.map(|tags| tags_json(world, id, tags));
        let Some(channel) = world.channels.get_mut(&id) else {
            return;
        };
        channel.kind = self.kind.unwrap_or(channel.kind);
        if let Some(name) = self.name {
            channel.name = written(channel.kind, name);
        }
        channel.position = self.position.unwrap_or(channel.position);
        if let Some(parent) = self.parent_id {
            channel.parent_id = parent;
        }
        if let Some(overwrites) = self.overwrites {
            channel.overwrites = overwrites;
        }
        for (key, value) in self.settings {
            if value.is_null() && !matches!(key, "topic" | "rtc_region" | "default_sort_order") {
                channel.settings.shift_remove(key);
            } else {
                channel.settings.insert(key.to_owned(), value);
            }
        }
        if has_tags(channel) {
            let more = [("available_tags", tags), ("default_reaction_emoji", self.reaction)];
            for (key, value) in more {
                if let Some(value) = value {
                    channel.settings.insert(key.to_owned(), value);
                }
            }
        }
    }
}

const fn has_tags(channel: &Channel) -> bool {
    matches!(channel.kind, 15 | 16)
}

/// Text channels have no capital letters and no spaces.
fn written(kind: u64, name: String) -> String {
    if matches!(kind, 0 | 5 | 15 | 16) {
        name.to_lowercase().replace(' ', "-")
    } else {
        name
    }
}

fn tags(fields: &Fields<'_>, faults: &mut Faults) -> Option<Vec<Tag>> {
    let list = fields.list("available_tags", 0..=20, faults)?;
    let mut tags = Vec::with_capacity(list.len());
    for (at, tag) in list.iter().enumerate() {
        let path = format!("{}.{at}", fields.at("available_tags"));
        let known = ["id", "name", "moderated", "emoji_id", "emoji_name"];
        let tag = Fields::new(tag, &path, &known, faults);
        tag.required("name", faults);
        tags.push(Tag {
            id: tag.id("id", faults),
            name: tag.text("name", 1..=50, faults).unwrap_or_default().to_owned(),
            moderated: tag.flag("moderated", faults).unwrap_or(false),
            emoji_id: tag.id("emoji_id", faults),
            emoji_name: tag.text("emoji_name", 1..=100, faults).map(str::to_owned),
        });
    }
    Some(tags)
}

/// As Discord shows them; one keeps its id if the channel has it.
fn tags_json(world: &mut World, channel: u64, tags: Vec<Tag>) -> Value {
    let known: Vec<u64> = world
        .channels
        .get(&channel)
        .and_then(|channel| channel.settings.get("available_tags")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["id"].as_str()?.parse().ok())
        .collect();
    tags.into_iter()
        .map(|tag| {
            let id = tag.id.filter(|id| known.contains(id));
            json!({
                "id": id.unwrap_or_else(|| world.ids.part()).to_string(),
                "name": tag.name,
                "moderated": tag.moderated,
                "emoji_id": tag.emoji_id.map(|id| id.to_string()),
                "emoji_name": tag.emoji_name,
            })
        })
        .collect()
}

fn reaction(fields: &Fields<'_>, faults: &mut Faults) -> Value {
    let Some(emoji) = fields.get("default_reaction_emoji") else {
        return Value::Null;
    };
    let known = ["emoji_id", "emoji_name"];
    let emoji = Fields::new(emoji, &fields.at("default_reaction_emoji"), &known, faults);
    json!({
        "emoji_id": emoji.id("emoji_id", faults).map(|id| id.to_string()),
        "emoji_name": emoji.text("emoji_name", 1..=100, faults),
    })
}
