//! Channels as people make, change and delete them, with the overwrites of their permissions.
//!
//! Apart from roles, since what counts here is what the person may in the channel itself.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hand, bits, given, name};
use crate::{
    page::acts::{Answer, Refused, id},
    rest::text_length,
    world::{Channel, History, Overwrite, World, audit_log::action, permissions},
};

/// The type of categories.
const CATEGORY: u64 = 4;

/// What is asked for; what is left out stays as it is.
#[derive(Default, Deserialize)]
pub(super) struct ChannelShape {
    name: Option<String>,
    topic: Option<String>,
    #[serde(default, deserialize_with = "given")]
    parent_id: Option<Option<String>>,
    position: Option<i64>,
    rate_limit_per_user: Option<u64>,
    nsfw: Option<bool>,
    permission_overwrites: Option<Vec<OverwriteShape>>,
}

#[derive(Deserialize)]
struct OverwriteShape {
    id: String,
    r#type: u64,
    #[serde(default)]
    allow: String,
    #[serde(default)]
    deny: String,
}

impl ChannelShape {
    fn apply(&self, hand: &Hand, world: &World, channel: &mut Channel) -> Result<(), Refused> {
        if let Some(wanted) = &self.name {
            let wanted = name(wanted)?;
            // Text channels have no capital letters and no spaces.
            channel.name = if matches!(channel.kind, 0 | 5 | 15) {
                wanted.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
            } else {
                wanted
            };
        }
        if let Some(parent) = &self.parent_id {
            channel.parent_id = match parent.as_deref().filter(|text| !text.is_empty()) {
                Some(parent) => Some(hand.channel(world, parent).map(|parent| parent.id)?),
                None => None,
            };
        }
        channel.position = self.position.unwrap_or(channel.position);
        if let Some(topic) = &self.topic {
            if text_length(topic) > 1024 {
                return Err("a topic has at most 1024 characters".into());
            }
            channel.settings.insert("topic".to_owned(), json!(topic));
        }
        if let Some(seconds) = self.rate_limit_per_user {
            channel
                .settings
                .insert("rate_limit_per_user".to_owned(), json!(seconds.min(21_600)));
        }
        if let Some(nsfw) = self.nsfw {
            channel.settings.insert("nsfw".to_owned(), json!(nsfw));
        }
        if let Some(overwrites) = &self.permission_overwrites {
            let read = |one: &OverwriteShape| {
                let (allow, deny) = (bits(&one.allow)?, bits(&one.deny)?);
                Ok(Overwrite {
                    id: id(&one.id)?,
                    kind: one.r#type.min(1),
                    allow: allow & !deny,
                    deny,
                })
            };
            channel.overwrites = overwrites.iter().map(read).collect::<Result<_, Refused>>()?;
        }
        Ok(())
    }
}

/// Where a channel is to stand.
#[derive(Deserialize)]
pub(super) struct Place {
    id: String,
    position: i64,
    #[serde(default, deserialize_with = "given")]
    parent_id: Option<Option<String>>,
}

/// Moves channels, all or none of them; the bot hears of each one that has moved.
pub(super) fn order(world: &mut World, hand: &Hand, places: &[Place]) -> Answer {
    hand.may(world, permissions::MANAGE_CHANNELS)?;
    let mut moved = Vec::new();
    for place in places {
        let found = hand.channel(world, &place.id)?;
        if found.is_thread() {
            return Err("threads have no place of their own".into());
        }
        let parent = match &place.parent_id {
            None => found.parent_id,
            Some(None) => None,
            Some(Some(parent)) => {
                let parent = hand.channel(world, parent)?;
                if parent.kind != CATEGORY || found.kind == CATEGORY {
                    return Err("only categories have channels below them, and stand below none".into());
                }
                Some(parent.id)
            }
        };
        if (found.position, found.parent_id) != (place.position, parent) {
            moved.push((found.id, place.position, parent));
        }
    }
    // Whoever hears of the first sees the others in their new places, too.
    let mut changes = Vec::new();
    for (id, position, parent) in moved {
        if let Some(channel) = world.channels.get_mut(&id) {
            let before = channel.guild_json();
            (channel.position, channel.parent_id) = (position, parent);
            changes.push((id, before, channel.guild_json()));
        }
    }
    for (id, before, after) in changes {
        world.emit_channel("CHANNEL_UPDATE", Some(hand.guild), &after);
        let note = hand.note(action::CHANNEL_UPDATE, id).between(&before, &after);
        world.record(hand.guild, note);
    }
    Ok(Json(json!({})))
}

pub(super) fn new_channel(world: &mut World, hand: &Hand, kind: u64, shape: &ChannelShape) -> Answer {
    hand.may(world, permissions::MANAGE_CHANNELS)?;
    if !matches!(kind, 0 | 2 | 4 | 5 | 13 | 15) {
        return Err("a server has no channels of that type".into());
    }
    if shape.name.is_none() {
        return Err("a channel has a name".into());
    }
    let mut wanted = Channel {
        kind,
        ..Channel::new(0, Some(hand.guild), "")
    };
    shape.apply(hand, world, &mut wanted)?;
    let made = world.add_channel(hand.guild, "", kind, |channel| {
        let place = shape.position.unwrap_or(channel.position);
        *channel = Channel {
            id: channel.id,
            position: place,
            ..wanted
        };
    });
    let json = world.channels.get(&made).map(Channel::guild_json).unwrap_or_default();
    world.record(
        hand.guild,
        hand.note(action::CHANNEL_CREATE, made).between(&Value::Null, &json),
    );
    Ok(Json(json))
}

pub(super) fn channel_to(world: &mut World, hand: &Hand, text: &str, shape: &ChannelShape) -> Answer {
    let found = hand.channel(world, text)?;
    let needed = if shape.permission_overwrites.is_some() {
        permissions::MANAGE_ROLES
    } else {
        permissions::MANAGE_CHANNELS
    };
    if found.is_thread() || world.permissions_in(found, hand.person) & needed == 0 {
        return Err(Refused(format!(
            "this person lacks \"{}\" in this channel",
            permissions::name(needed)
        )));
    }
    let (channel, before) = (found.id, found.guild_json());
    let mut wanted = Channel {
        history: History::default(),
        ..found.clone()
    };
    shape.apply(hand, world, &mut wanted)?;
    let place = world.channels.get_mut(&channel).ok_or("the channel is gone")?;
    wanted.history = std::mem::take(&mut place.history);
    *place = wanted;
    let after = place.guild_json();
    world.emit_channel("CHANNEL_UPDATE", Some(hand.guild), &after);
    world.record(
        hand.guild,
        hand.note(action::CHANNEL_UPDATE, channel).between(&before, &after),
    );
    Ok(Json(after))
}

pub(super) fn delete_channel(world: &mut World, hand: &Hand, text: &str) -> Answer {
    let found = hand.channel(world, text)?;
    let (channel, is_thread) = (found.id, found.is_thread());
    let needed = if is_thread {
        permissions::MANAGE_THREADS
    } else {
        permissions::MANAGE_CHANNELS
    };
    if world.permissions_in(found, hand.person) & needed == 0 {
        return Err(Refused(format!(
            "this person lacks \"{}\" in this channel",
            permissions::name(needed)
        )));
    }
    if is_thread {
        world.remove_thread(channel);
        return Ok(Json(json!({})));
    }
    let data = world.remove_channel(channel).ok_or("the channel is gone")?;
    world.record(
        hand.guild,
        hand.note(action::CHANNEL_DELETE, channel).between(&data, &Value::Null),
    );
    Ok(Json(json!({})))
}
