//! What a guild shows of itself beside its channels and members: its preview, widget, welcome screen, onboarding, voice
//! regions; and what a guild here never has, which is read as empty, since clients and bots ask for it.

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, snowflake,
    validate::{Fields, checked},
};
use crate::{
    gateway::intents,
    world::{
        Guild, World,
        audit_log::{Note, action},
        permissions,
    },
};

/// Why a list is always empty.
const NONE_HERE: &str = "Always empty: none can be made here.";

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/preview", |world, _, path| preview(world, path[0])),
    Route::get("/guilds/{guild_id}/widget", |world, _, path| widget(world, path[0])),
    Route::patch("/guilds/{guild_id}/widget", |world, call, path| {
        edit_widget(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/widget.json", |world, _, path| {
        public_widget(world, path[0])
    }),
    Route::get("/guilds/{guild_id}/welcome-screen", |world, _, path| {
        welcome_screen(world, path[0])
    })
    .differs("Always empty: it can't be changed here."),
    Route::get("/guilds/{guild_id}/onboarding", |world, _, path| {
        onboarding(world, path[0])
    })
    .differs("Always switched off: it can't be changed here."),
    Route::get("/guilds/{guild_id}/vanity-url", |world, _, path| vanity(world, path[0]))
        .differs("Always none: it takes boosts."),
    Route::get("/guilds/{guild_id}/regions", |world, _, path| {
        guilds::allowed(world, path[0], 0)?;
        Ok(regions())
    }),
    Route::get("/voice/regions", |_, _, _| Ok(regions())),
    Route::get("/guilds/{guild_id}/integrations", |world, _, path| {
        empty(world, path[0], permissions::MANAGE_GUILD)
    })
    .differs(NONE_HERE),
    Route::get("/guilds/{guild_id}/auto-moderation/rules", |world, _, path| {
        empty(world, path[0], permissions::MANAGE_GUILD)
    })
    .differs(NONE_HERE),
    Route::get("/guilds/{guild_id}/templates", |world, _, path| {
        empty(world, path[0], permissions::MANAGE_GUILD)
    })
    .differs(NONE_HERE),
    Route::get("/guilds/{guild_id}/soundboard-sounds", |world, _, path| {
        guilds::allowed(world, path[0], 0)?;
        Ok(Answer::ok(&json!({ "items": [] })))
    })
    .differs(NONE_HERE),
    Route::get("/soundboard-default-sounds", |_, _, _| Ok(Answer::ok(&json!([]))))
        .differs("Always empty: Discord's own sounds are not here."),
];

fn found<'a>(world: &'a World, id: &str, needed: u64) -> Result<&'a Guild, Refusal> {
    let id = guilds::allowed(world, id, needed)?;
    world.guilds.get(&id).ok_or_else(|| errors::UNKNOWN_GUILD.into())
}

fn empty(world: &World, id: &str, needed: u64) -> Outcome {
    guilds::allowed(world, id, needed)?;
    Ok(Answer::ok(&json!([])))
}

/// Of guilds that the bot is in; others can't be discovered here.
fn preview(world: &World, id: &str) -> Outcome {
    let guild = found(world, id, 0).map_err(|_| Refusal::from(errors::UNKNOWN_GUILD))?;
    let json = guild.json();
    Ok(Answer::ok(&json!({
        "id": json["id"],
        "name": json["name"],
        "icon": json["icon"],
        "description": json["description"],
        "home_header": null,
        "splash": null,
        "discovery_splash": null,
        "features": json["features"],
        "approximate_member_count": guild.members.len(),
        "approximate_presence_count": world.count_online(guild),
        "emojis": json["emojis"],
        "stickers": json["stickers"],
    })))
}

fn widget_json(guild: &Guild) -> Value {
    let json = guild.json();
    json!({ "enabled": json["widget_enabled"], "channel_id": json["widget_channel_id"] })
}

fn widget(world: &World, id: &str) -> Outcome {
    Ok(Answer::ok(&widget_json(found(world, id, permissions::MANAGE_GUILD)?)))
}

fn edit_widget(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = guilds::allowed(world, id, permissions::MANAGE_GUILD)?;
    let (enabled, channel) = checked(|faults| {
        let fields = Fields::body(&call.body, &["enabled", "channel_id"], faults);
        let channel = fields.has("channel_id").then(|| fields.id("channel_id", faults));
        (fields.flag("enabled", faults), channel)
    })?;
    let channels = &world.channels;
    let is_here = |channel: &u64| {
        channels
            .get(channel)
            .is_some_and(|channel| channel.guild_id == Some(id))
    };
    if channel.flatten().is_some_and(|channel| !is_here(&channel)) {
        return Err(errors::UNKNOWN_CHANNEL.into());
    }
    let guild = world
        .guilds
        .get_mut(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let before = guild.json();
    if let Some(enabled) = enabled {
        guild.settings.insert("widget_enabled".to_owned(), json!(enabled));
    }
    if let Some(channel) = channel {
        let channel = json!(channel.map(|id| id.to_string()));
        guild.settings.insert("widget_channel_id".to_owned(), channel);
    }
    let (after, answer) = (guild.json(), widget_json(guild));
    if before != after {
        world.emit("GUILD_UPDATE", Some(id), intents::GUILDS, &after);
        let note = Note::new(action::GUILD_UPDATE, world.bot_id, Some(id)).between(&before, &after);
        world.record(id, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&answer))
}

/// What everybody sees of a guild whose widget is switched on.
fn public_widget(world: &World, id: &str) -> Outcome {
    let id = snowflake("guild_id", id)?;
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    if guild.json()["widget_enabled"] != true {
        return Err(errors::WIDGET_DISABLED.into());
    }
    let open = |channel: &&crate::world::Channel| {
        let hidden = channel.overwrites.iter().find(|one| one.id == id);
        hidden.is_none_or(|one| one.deny & permissions::VIEW_CHANNEL == 0)
    };
    let channels: Vec<Value> = world
        .channels_of(id)
        .into_iter()
        .filter(|channel| channel.has_voices())
        .filter(open)
        .map(|channel| json!({ "id": channel.id.to_string(), "name": channel.name, "position": channel.position }))
        .collect();
    Ok(Answer::ok(&json!({
        "id": id.to_string(),
        "name": guild.name,
        "instant_invite": null,
        "channels": channels,
        "members": [],
        "presence_count": world.count_online(guild),
    })))
}

fn welcome_screen(world: &World, id: &str) -> Outcome {
    let guild = found(world, id, 0)?;
    if world.permissions_of(guild, world.bot_id) & permissions::MANAGE_GUILD == 0 {
        return Err(errors::UNKNOWN_WELCOME_SCREEN.into());
    }
    Ok(Answer::ok(&json!({ "description": null, "welcome_channels": [] })))
}

fn onboarding(world: &World, id: &str) -> Outcome {
    let guild = found(world, id, 0)?;
    Ok(Answer::ok(&json!({
        "guild_id": guild.id.to_string(),
        "prompts": [],
        "default_channel_ids": [],
        "enabled": false,
        "mode": 0,
    })))
}

fn vanity(world: &World, id: &str) -> Outcome {
    found(world, id, permissions::MANAGE_GUILD)?;
    Ok(Answer::ok(&json!({ "code": null, "uses": 0 })))
}

fn regions() -> Answer {
    let region = |id: &str, name: &str| json!({ "id": id, "name": name, "custom": false, "deprecated": false, "optimal": id == "rotterdam" });
    Answer::ok(&json!([
        region("brazil", "Brazil"),
        region("japan", "Japan"),
        region("rotterdam", "Rotterdam"),
        region("us-east", "US East"),
    ]))
}
