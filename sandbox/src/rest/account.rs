//! The bot itself: its user and application, its guilds, direct channels, where the gateway is.
//!
//! Of the application its description and tags can be changed; of the bot's user, only the name.

use serde_json::{Map, Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Faults, Refusal},
    image, snowflake, text_length,
    validate::{Fields, checked},
};
use crate::{
    gateway::application_flags,
    world::{User, World, permissions},
};

/// Bytes of an icon.
const LARGEST_ICON: usize = 10 << 20;

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/gateway", |_, call, _| Ok(gateway(call))),
    Route::get("/gateway/bot", |world, call, _| Ok(gateway_bot(world, call))),
    Route::get("/applications/@me", |world, _, _| Ok(application(world))),
    Route::get("/oauth2/applications/@me", |world, _, _| Ok(application(world))),
    Route::get("/oauth2/@me", |world, _, _| Ok(authorization(world))),
    Route::patch("/applications/@me", |world, call, _| edit_application(world, call))
        .differs("Description and tags are kept; the rest is checked and answered."),
    Route::get("/users/@me", |world, _, _| Ok(me(world))),
    Route::patch("/users/@me", |world, call, _| edit_me(world, call))
        .differs("Only the name is kept: there are no images."),
    Route::get("/users/@me/guilds", |world, call, _| my_guilds(world, call)).query(&[
        "before",
        "after",
        "limit",
        "with_counts",
    ]),
    Route::delete("/users/@me/guilds/{guild_id}", |world, _, path| {
        leave_guild(world, path[0])
    }),
    Route::post("/users/@me/channels", |world, call, _| open_direct(world, call)),
    Route::get("/users/{user_id}", |world, _, path| user(world, path[0])),
];

pub(crate) fn gateway(call: &Call) -> Answer {
    Answer::ok(&json!({ "url": call.gateway_url }))
}

pub(crate) fn gateway_bot(world: &World, call: &Call) -> Answer {
    let limits = &world.starts.limits;
    let (remaining, reset_after) = world.starts.left();
    Answer::ok(&json!({
        "url": call.gateway_url,
        "shards": limits.shards,
        "session_start_limit": {
            "total": limits.total,
            "remaining": remaining,
            "reset_after": reset_after,
            "max_concurrency": limits.max_concurrency,
        },
    }))
}

fn application(world: &World) -> Answer {
    Answer::ok(&application_json(world))
}

/// The application, with what surrounds it below `/oauth2/@me`.
fn authorization(world: &World) -> Answer {
    Answer::ok(&json!({
        "application": application_json(world),
        "scopes": ["bot", "applications.commands"],
        "expires": "2035-01-01T00:00:00.000000+00:00",
        "user": world.user_json(world.bot_id),
    }))
}

fn application_json(world: &World) -> Value {
    let flags = application_flags(world);
    let mut json = json!({
        "id": world.bot_id.to_string(),
        "name": world.application_name,
        "icon": null,
        "description": "The bot of a local Discord",
        "type": null,
        "summary": "",
        "bot": world.user_json(world.bot_id),
        "verify_key": "0000000000000000000000000000000000000000000000000000000000000000",
        "flags": flags,
        "flags_new": flags.to_string(),
        "bot_public": true,
        "bot_require_code_grant": false,
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "owner": world.user_json(world.owner_id),
        "approximate_guild_count": world.guilds.len(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": world.team,
        "eligible_oauth2_scopes": [],
        "rpc_origins": [],
        "tags": [],
        "integration_types_config": { "0": {} },
        "event_webhooks_status": 1,
        "event_webhooks_url": null,
        "event_webhooks_types": [],
    });
    for (key, value) in &world.application {
        json[key] = value.clone();
    }
    json
}

pub(crate) fn edit_application(world: &mut World, call: &Call) -> Outcome {
    let known = [
        "description",
        "icon",
        "cover_image",
        "team_id",
        "flags",
        "interactions_endpoint_url",
        "explicit_content_filter",
        "max_participants",
        "type",
        "tags",
        "custom_install_url",
        "install_params",
        "role_connections_verification_url",
        "integration_types_config",
        "event_webhooks_status",
        "event_webhooks_url",
        "event_webhooks_types",
    ];
    let kept = checked(|faults| {
        let fields = Fields::body(&call.body, &known, faults);
        let mut kept = Map::new();
        if fields.has("description") {
            let text = fields.text("description", 0..=400, faults).unwrap_or_default();
            kept.insert("description".to_owned(), json!(text));
        }
        if fields.has("tags") {
            kept.insert("tags".to_owned(), json!(tags(&fields, faults)));
        }
        for key in [
            "custom_install_url",
            "role_connections_verification_url",
            "interactions_endpoint_url",
            "event_webhooks_url",
        ] {
            fields.url(key, false, faults);
        }
        fields.integer("flags", 0..=i64::MAX, faults);
        fields.integer("event_webhooks_status", 1..=2, faults);
        kept
    })?;
    for key in ["icon", "cover_image"] {
        if call.body.get(key).is_some_and(|value| !value.is_null()) {
            image::read(key, &call.body[key], LARGEST_ICON)?;
        }
    }
    world.application.extend(kept);
    Ok(Answer::ok(&application_json(world)))
}

/// What the application's page says of it in a word each: at most five, all different
/// (<https://discord.com/developers/docs/resources/application#edit-current-application-json-params>).
fn tags(fields: &Fields<'_>, faults: &mut Faults) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for (at, tag) in fields
        .list("tags", 0..=5, faults)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let place = format!("tags.{at}");
        match tag.as_str().map(str::trim) {
            None => faults.add(&place, "STRING_TYPE_CONVERT", "Could not interpret as string."),
            Some("") => faults.add(&place, "BASE_TYPE_REQUIRED", "This field is required"),
            Some(tag) if text_length(tag) > 20 => {
                faults.add(&place, "BASE_TYPE_MAX_LENGTH", "Must be 20 or fewer in length.");
            }
            Some(tag) if tags.iter().any(|one| one == tag) => {
                let why = "The Set already contains this value";
                faults.add(&place, "SET_TYPE_ALREADY_CONTAINS_VALUE", why);
            }
            Some(tag) => tags.push(tag.to_owned()),
        }
    }
    tags
}

pub(crate) fn me(world: &World) -> Answer {
    Answer::ok(&world.users.get(&world.bot_id).map_or(Value::Null, User::own_json))
}

pub(crate) fn edit_me(world: &mut World, call: &Call) -> Outcome {
    let name = checked(|faults| {
        Fields::body(&call.body, &["username", "avatar", "banner"], faults)
            .text("username", 2..=32, faults)
            .map(str::to_owned)
    })?;
    if let (Some(name), Some(user)) = (name, world.users.get_mut(&world.bot_id)) {
        user.username = name;
        let data = user.own_json();
        world.emit("USER_UPDATE", None, crate::gateway::intents::NONE, &data);
    }
    Ok(me(world))
}

pub(crate) fn user(world: &World, id: &str) -> Outcome {
    let id = snowflake("user_id", id)?;
    world
        .users
        .get(&id)
        .map(|user| Answer::ok(&user.json()))
        .ok_or_else(|| errors::UNKNOWN_USER.into())
}

pub(crate) fn my_guilds(world: &World, call: &Call) -> Outcome {
    let limit = call.number("limit", 200, 1, 200)? as usize;
    let (before, after) = (call.id("before")?, call.id("after")?);
    let with_counts = call.flag("with_counts")?;
    let guilds: Value = world
        .guilds
        .values()
        .filter(|guild| guild.members.contains_key(&world.bot_id))
        .filter(|guild| before.is_none_or(|before| guild.id < before) && after.is_none_or(|after| guild.id > after))
        .take(limit)
        .map(|guild| {
            let json = guild.json();
            let mut json = json!({
                "id": guild.id.to_string(),
                "name": guild.name,
                "icon": json["icon"],
                "banner": null,
                "owner": guild.owner_id == world.bot_id,
                "permissions": permissions::of(guild, None, world.bot_id).to_string(),
                "features": json["features"],
            });
            if with_counts {
                json["approximate_member_count"] = json!(guild.members.len());
                json["approximate_presence_count"] = json!(world.count_online(guild));
            }
            json
        })
        .collect();
    Ok(Answer::ok(&guilds))
}

pub(crate) fn leave_guild(world: &mut World, guild: &str) -> Outcome {
    let guild = snowflake("guild_id", guild)?;
    if world.leave(guild, world.bot_id) {
        Ok(Answer::empty())
    } else {
        Err(errors::UNKNOWN_GUILD.into())
    }
}

pub(crate) fn open_direct(world: &mut World, call: &Call) -> Outcome {
    let person = checked(|faults| {
        let fields = Fields::body(&call.body, &["recipient_id", "access_tokens", "nicks"], faults);
        fields.required("recipient_id", faults);
        fields.id("recipient_id", faults)
    })?;
    let person = person.ok_or_else(|| Refusal::from(errors::UNKNOWN_USER))?;
    if person == world.bot_id {
        return Err(errors::CANNOT_DIRECT.into());
    }
    if !world.users.contains_key(&person) {
        return Err(Refusal::new(400, 50033, "Invalid Recipient(s)"));
    }
    let channel = world.direct(person);
    let json = world.channels.get(&channel).map(|channel| world.channel_json(channel));
    Ok(Answer::ok(&json.unwrap_or_default()))
}
