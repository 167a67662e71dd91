//! Roles of a guild
//! (<https://discord.com/developers/docs/topics/permissions#role-object>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, members, snowflake,
    validate::{Fields, checked},
};
use crate::world::{Role, World, permissions};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/roles", |world, _, path| list(world, path[0])),
    Route::post("/guilds/{guild_id}/roles", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::patch("/guilds/{guild_id}/roles", |world, call, path| {
        reorder(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/roles/{role_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/guilds/{guild_id}/roles/{role_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/guilds/{guild_id}/roles/{role_id}", |world, _, path| {
        delete(world, path[0], path[1])
    }),
];

const KEYS: &[&str] = &[
    "name",
    "description",
    "permissions",
    "color",
    "colors",
    "hoist",
    "mentionable",
    "icon",
    "unicode_emoji",
];

/// A role's body, checked.
struct Shape {
    name: Option<String>,
    permissions: Option<u64>,
    color: Option<u64>,
    hoist: Option<bool>,
    mentionable: Option<bool>,
}

impl Shape {
    fn read(body: &Value) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, KEYS, faults);
            let color = fields.integer("color", 0..=0xff_ffff, faults);
            let primary = fields.get("colors").and_then(|colors| {
                let known = ["primary_color", "secondary_color", "tertiary_color"];
                Fields::new(colors, &fields.at("colors"), &known, faults).integer(
                    "primary_color",
                    0..=0xff_ffff,
                    faults,
                )
            });
            Self {
                name: fields.text("name", 0..=100, faults).map(str::to_owned),
                permissions: fields.permissions("permissions", faults),
                color: primary.or(color).map(i64::unsigned_abs),
                hoist: fields.flag("hoist", faults),
                mentionable: fields.flag("mentionable", faults),
            }
        })
    }

    fn apply(self, role: &mut Role) {
        if let Some(name) = self.name {
            role.name = name;
        }
        role.permissions = self.permissions.unwrap_or(role.permissions);
        role.color = self.color.unwrap_or(role.color);
        role.hoist = self.hoist.unwrap_or(role.hoist);
        role.mentionable = self.mentionable.unwrap_or(role.mentionable);
    }
}

fn find(world: &World, guild: u64, role: &str) -> Result<u64, Refusal> {
    let role = snowflake("role_id", role)?;
    world
        .guilds
        .get(&guild)
        .and_then(|guild| guild.role(role))
        .map(|role| role.id)
        .ok_or_else(|| errors::UNKNOWN_ROLE.into())
}

/// Refuses roles that stand as high as the bot's highest, or higher.
fn below_the_bot(world: &World, guild: u64, role: u64) -> Result<(), Refusal> {
    let Some(guild) = world.guilds.get(&guild) else {
        return Err(errors::UNKNOWN_GUILD.into());
    };
    let held = guild
        .members
        .get(&world.bot_id)
        .map_or(&[][..], |member| member.roles.as_slice());
    let highest = held
        .iter()
        .filter_map(|id| guild.role(*id))
        .map(|role| role.position)
        .max()
        .unwrap_or(0);
    match guild.role(role) {
        Some(role) if role.position >= highest => Err(errors::MISSING_PERMISSIONS.into()),
        _ => Ok(()),
    }
}

pub(crate) fn list(world: &World, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let roles = world
        .guilds
        .get(&guild)
        .map(|guild| guild.roles.iter().map(Role::json).collect());
    Ok(Answer::ok(&roles.unwrap_or_default()))
}

pub(crate) fn get(world: &World, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let role = find(world, guild, role)?;
    Ok(Answer::ok(
        &world
            .guilds
            .get(&guild)
            .and_then(|guild| guild.role(role))
            .map(Role::json)
            .unwrap_or_default(),
    ))
}

pub(crate) fn create(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let shape = Shape::read(&call.body)?;
    let id = world.add_role(guild, |role| shape.apply(role));
    get(world, &guild.to_string(), &id.unwrap_or(0).to_string())
}

pub(crate) fn edit(world: &mut World, call: &Call, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let role = find(world, guild, role)?;
    below_the_bot(world, guild, role)?;
    let shape = Shape::read(&call.body)?;
    let found = world
        .guilds
        .get_mut(&guild)
        .and_then(|guild| guild.roles.iter_mut().find(|one| one.id == role));
    let found = found.ok_or_else(|| Refusal::from(errors::UNKNOWN_ROLE))?;
    shape.apply(found);
    let json = found.json();
    world.emit_role(
        "GUILD_ROLE_UPDATE",
        guild,
        &json!({ "guild_id": guild.to_string(), "role": json }),
    );
    Ok(Answer::ok(&json))
}

pub(crate) fn reorder(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    for one in guilds::list(&call.body)? {
        let id = members::id_in(one)?;
        let position =
            checked(|faults| Fields::body(one, &["id", "position"], faults).integer("position", 1..=250, faults))?;
        below_the_bot(world, guild, id)?;
        let found = world
            .guilds
            .get_mut(&guild)
            .and_then(|guild| guild.roles.iter_mut().find(|role| role.id == id));
        let role = found.ok_or_else(|| Refusal::from(errors::UNKNOWN_ROLE))?;
        role.position = position.unwrap_or(role.position);
        let json = role.json();
        world.emit_role(
            "GUILD_ROLE_UPDATE",
            guild,
            &json!({ "guild_id": guild.to_string(), "role": json }),
        );
    }
    list(world, &guild.to_string())
}

pub(crate) fn delete(world: &mut World, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let role = find(world, guild, role)?;
    below_the_bot(world, guild, role)?;
    if let Some(found) = world.guilds.get_mut(&guild) {
        if role == guild || found.role(role).is_some_and(|role| role.of_bot.is_some()) {
            return Err(errors::INVALID_ROLE.into());
        }
        found.roles.retain(|one| one.id != role);
        for member in found.members.values_mut() {
            member.roles.retain(|held| *held != role);
        }
    }
    let data = json!({ "guild_id": guild.to_string(), "role_id": role.to_string() });
    world.emit_role("GUILD_ROLE_DELETE", guild, &data);
    Ok(Answer::empty())
}
