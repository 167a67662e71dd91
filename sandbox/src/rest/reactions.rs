//! Reactions of the bot, and what it may do with those of others
//! (<https://discord.com/developers/docs/resources/message#create-reaction>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, channels,
    errors::{self, Refusal},
    messages::find,
    route::Route,
    snowflake, threads,
};
use crate::world::{Guild, Stored, World, permissions};

/// The routes of this file.
pub(super) const ROUTES: &[Route] = &[
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions",
        |world, _, path| clear(world, path[0], path[1], None),
    ),
    Route::get(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        |world, call, path| users(world, call, path[0], path[1], path[2]),
    )
    .query(&["after", "limit", "type"]),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        |world, _, path| clear(world, path[0], path[1], Some(path[2])),
    ),
    Route::put(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        |world, _, path| add(world, path[0], path[1], path[2]),
    ),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        |world, _, path| remove(world, path[0], path[1], path[2], "@me"),
    ),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}",
        |world, _, path| remove(world, path[0], path[1], path[2], path[3]),
    ),
];

/// The emoji that a path names: `name:id`, or a Unicode one.
fn emoji(text: &str) -> Result<Value, Refusal> {
    if let Some((name, id)) = text.rsplit_once(':') {
        let name = name.trim_start_matches("a:").trim_start_matches(':');
        return match id.parse::<u64>() {
            Ok(id) => Ok(json!({ "id": id.to_string(), "name": name })),
            Err(_) => Err(errors::UNKNOWN_EMOJI.into()),
        };
    }
    let is_emoji = !text.is_empty() && (!text.is_ascii() || text.ends_with('\u{20e3}'));
    if is_emoji {
        Ok(json!({ "id": null, "name": text }))
    } else {
        Err(errors::UNKNOWN_EMOJI.into())
    }
}

/// Whether a custom emoji is of a guild that the bot is in; one of another guild needs a permission.
fn known(world: &World, channel: u64, message: &Stored, emoji: &Value) -> Result<(), Refusal> {
    let Some(id) = emoji["id"].as_str().and_then(|id| id.parse::<u64>().ok()) else {
        return Ok(());
    };
    let has_bot = |guild: &&Guild| guild.members.contains_key(&world.bot_id);
    let mut guilds = world.guilds.values().filter(has_bot);
    let of = guilds
        .find(|guild| guild.emojis.contains_key(&id))
        .map(|guild| guild.id);
    let of = of.ok_or_else(|| Refusal::from(errors::UNKNOWN_EMOJI))?;
    if message.guild_id.is_some_and(|guild| guild != of) {
        channels::text(world, &channel.to_string(), permissions::USE_EXTERNAL_EMOJIS)?;
    }
    Ok(())
}

fn add(world: &mut World, channel: &str, id: &str, text: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    known(world, channel, &message, &emoji)?;
    // Whoever may read may join in with what is there.
    let there = message.value["reactions"].as_array().map_or(&[][..], Vec::as_slice);
    if !there.iter().any(|one| one["emoji"] == emoji) {
        channels::text(world, &channel.to_string(), permissions::ADD_REACTIONS)?;
    }
    threads::active_one(world, channel)?;
    if World::reactions_are_full(&message, &emoji) {
        return Err(errors::TOO_MANY_REACTIONS.into());
    }
    world.react(channel, message.id, world.bot_id, &emoji, true);
    Ok(Answer::empty())
}

fn remove(world: &mut World, channel: &str, id: &str, text: &str, user: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    let user = if user == "@me" {
        world.bot_id
    } else {
        channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
        snowflake("user_id", user)?
    };
    world.react(channel, message.id, user, &emoji, false);
    Ok(Answer::empty())
}

fn users(world: &World, call: &Call, channel: &str, id: &str, text: &str) -> Outcome {
    let (_, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    let limit = call.number("limit", 25, 1, 100)? as usize;
    let after = call.id("after")?.unwrap_or(0);
    let is_super = call.number("type", 0, 0, 1)? == 1;
    let mut users = world.reactors(message.id, &emoji);
    users.retain(|user| *user > after && !is_super);
    users.sort_unstable();
    users.truncate(limit);
    Ok(Answer::ok(
        &users.into_iter().map(|user| world.user_json(user)).collect(),
    ))
}

fn clear(world: &mut World, channel: &str, id: &str, only: Option<&str>) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let only = only.map(emoji).transpose()?;
    channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    world.clear_reactions(channel, message.id, only.as_ref());
    Ok(Answer::empty())
}
