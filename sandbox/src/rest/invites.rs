//! Invites: made for a channel, listed, looked at, taken back
//! (<https://discord.com/developers/docs/resources/invite>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route, channels,
    errors::{self, Refusal},
    guilds, members, snowflake,
    validate::{Fields, checked, id_of},
};
use crate::world::{
    World,
    audit_log::{Note, action},
    invite::{DEFAULT_AGE, Invite},
    permissions,
};

/// Invites of a guild.
const MOST: usize = 1000;

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}/invites", |world, _, path| {
        of_channel(world, path[0])
    }),
    Route::post("/channels/{channel_id}/invites", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/invites", |world, _, path| of_guild(world, path[0])),
    Route::get("/invites/{code}", |world, call, path| get(world, call, path[0])).query(&[
        "with_counts",
        "with_expiration",
        "guild_scheduled_event_id",
        "target_channel_id",
        "target_message_id",
    ]),
    Route::delete("/invites/{code}", |world, call, path| delete(world, call, path[0])),
];

fn all(world: &World, guild: u64, channel: Option<u64>) -> Answer {
    let found = world.invites_of(guild, channel);
    let found = found.into_iter().map(|invite| world.invite_json(invite, false, true));
    Answer::ok(&found.collect())
}

fn of_channel(world: &World, id: &str) -> Outcome {
    let id = channels::allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let guild = world.channels.get(&id).and_then(|channel| channel.guild_id);
    let guild = guild.ok_or_else(|| Refusal::from(errors::NOT_IN_DIRECT))?;
    Ok(all(world, guild, Some(id)))
}

/// For those who manage the guild, or may look at its audit log: they see how invites are used.
fn of_guild(world: &World, id: &str) -> Outcome {
    let id = match guilds::allowed(world, id, permissions::VIEW_AUDIT_LOG) {
        Ok(id) => id,
        Err(_) => guilds::allowed(world, id, permissions::MANAGE_GUILD)?,
    };
    Ok(all(world, id, None))
}

/// One that is like an older one is that one, unless the body asks for another.
fn create(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = channels::allowed(world, id, permissions::CREATE_INSTANT_INVITE)?;
    let channel = world.channels.get(&id);
    let guild = channel.and_then(|channel| channel.guild_id);
    let guild = guild.ok_or_else(|| Refusal::from(errors::NOT_IN_DIRECT))?;
    if channel.is_some_and(|channel| channel.kind == 4 || channel.is_thread()) {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    let (invite, is_unique) = checked(|faults| {
        let known = [
            "max_age",
            "max_uses",
            "temporary",
            "unique",
            "target_type",
            "target_user_id",
            "target_application_id",
            "role_ids",
        ];
        let fields = Fields::body(&call.body, &known, faults);
        let age = fields.integer("max_age", 0..=604_800, faults);
        fields.integer("target_type", 1..=2, faults);
        let roles = match fields.get("role_ids") {
            Some(Value::Array(list)) => list.iter().filter_map(id_of).collect(),
            _ => Vec::new(),
        };
        let invite = Invite {
            code: String::new(),
            guild,
            channel: id,
            inviter: world.bot_id,
            max_age: age.map_or(DEFAULT_AGE.as_secs(), i64::unsigned_abs),
            max_uses: fields.integer("max_uses", 0..=100, faults).unwrap_or(0).unsigned_abs(),
            uses: 0,
            temporary: fields.flag("temporary", faults).unwrap_or(false),
            roles,
            created_ms: 0,
        };
        (invite, fields.flag("unique", faults).unwrap_or(false))
    })?;
    if !invite.roles.is_empty() {
        guilds::allowed(world, &guild.to_string(), permissions::MANAGE_ROLES)?;
        for role in &invite.roles {
            members::grantable(world, guild, *role)?;
        }
    }
    let of_guild = world.invites_of(guild, None);
    let is_alike = |old: &&&Invite| {
        let shape = |one: &Invite| (one.channel, one.inviter, one.max_age, one.max_uses, one.temporary);
        shape(old) == shape(&invite) && old.roles == invite.roles
    };
    if let Some(old) = of_guild.iter().find(is_alike).filter(|_| !is_unique) {
        return Ok(Answer::ok(&world.invite_json(old, false, true)));
    }
    if of_guild.len() >= MOST {
        return Err(errors::TOO_MANY_INVITES.into());
    }
    let options = json!({ "channel_id": id.to_string() });
    let note = Note::new(action::INVITE_CREATE, world.bot_id, None)
        .change("max_age", &Value::Null, &json!(invite.max_age))
        .change("max_uses", &Value::Null, &json!(invite.max_uses))
        .change("temporary", &Value::Null, &json!(invite.temporary))
        .change("channel_id", &Value::Null, &options["channel_id"]);
    let code = world.add_invite(invite);
    let note = note.change("code", &Value::Null, &json!(code));
    world.record(guild, note.because(call.reason.as_deref()));
    let json = world.invite(&code).map(|invite| world.invite_json(invite, false, true));
    Ok(Answer::ok(&json.unwrap_or_default()))
}

fn found<'a>(world: &'a World, code: &str) -> Result<&'a Invite, Refusal> {
    world.invite(code).ok_or_else(|| errors::UNKNOWN_INVITE.into())
}

fn get(world: &World, call: &Call, code: &str) -> Outcome {
    let counted = call.flag("with_counts")?;
    call.flag("with_expiration")?;
    for name in ["guild_scheduled_event_id", "target_channel_id", "target_message_id"] {
        call.query(name).map(|id| snowflake(name, id)).transpose()?;
    }
    Ok(Answer::ok(&world.invite_json(found(world, code)?, counted, false)))
}

/// For those who manage its channel or the guild.
fn delete(world: &mut World, call: &Call, code: &str) -> Outcome {
    let invite = found(world, code)?;
    let (guild, channel) = (invite.guild, invite.channel.to_string());
    if channels::allowed(world, &channel, permissions::MANAGE_CHANNELS).is_err() {
        guilds::allowed(world, &guild.to_string(), permissions::MANAGE_GUILD)?;
    }
    let json = world.invite_json(invite, false, true);
    world.remove_invite(code);
    let options = json!({ "channel_id": channel });
    let note = Note::new(action::INVITE_DELETE, world.bot_id, None)
        .change("code", &json!(code), &Value::Null)
        .change("channel_id", &options["channel_id"], &Value::Null);
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::ok(&json))
}
