//! Roles of a guild
//! (<https://discord.com/developers/docs/topics/permissions#role-object>): those below the bot's highest are its to change,
//! and it gives none of them a permission that it lacks.

use serde_json::{Map, Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, members, snowflake,
    validate::{Fields, checked},
};
use crate::world::{
    Guild, Role, World,
    audit_log::{Note, action},
    permissions,
};

/// Roles of a guild.
const MOST: usize = 250;

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
    Route::delete("/guilds/{guild_id}/roles/{role_id}", |world, call, path| {
        delete(world, call, path[0], path[1])
    }),
    Route::get("/guilds/{guild_id}/roles/member-counts", |world, _, path| {
        counts(world, path[0])
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
    more_colors: Option<[Option<u64>; 2]>,
    hoist: Option<bool>,
    mentionable: Option<bool>,
}

impl Shape {
    fn read(body: &Value) -> Result<Self, Refusal> {
        let shape = checked(|faults| {
            let fields = Fields::body(body, KEYS, faults);
            let color = fields.integer("color", 0..=0xff_ffff, faults);
            let colors = fields.get("colors").map(|colors| {
                let known = ["primary_color", "secondary_color", "tertiary_color"];
                let colors = Fields::new(colors, &fields.at("colors"), &known, faults);
                known.map(|name| colors.integer(name, 0..=0xff_ffff, faults).map(i64::unsigned_abs))
            });
            Self {
                name: fields.text("name", 0..=100, faults).map(str::to_owned),
                permissions: fields.permissions("permissions", faults),
                color: colors.and_then(|colors| colors[0]).or(color.map(i64::unsigned_abs)),
                more_colors: colors.map(|colors| [colors[1], colors[2]]),
                hoist: fields.flag("hoist", faults),
                mentionable: fields.flag("mentionable", faults),
            }
        })?;
        // Pictures and gradients come with boosts, of which a guild here has none.
        let has_more = shape.more_colors.is_some_and(|more| more != [None, None]);
        if has_more || !body["icon"].is_null() || !body["unicode_emoji"].is_null() {
            return Err(errors::NEEDS_BOOSTS.into());
        }
        Ok(shape)
    }

    fn apply(self, role: &mut Role) {
        if let Some(name) = self.name.filter(|name| !name.is_empty()) {
            role.name = name;
        }
        role.permissions = self.permissions.unwrap_or(role.permissions);
        role.color = self.color.unwrap_or(role.color);
        role.more_colors = self.more_colors.unwrap_or(role.more_colors);
        role.hoist = self.hoist.unwrap_or(role.hoist);
        role.mentionable = self.mentionable.unwrap_or(role.mentionable);
    }
}

fn found(world: &World, guild: u64) -> Result<&Guild, Refusal> {
    world.guilds.get(&guild).ok_or_else(|| errors::UNKNOWN_GUILD.into())
}

fn find<'a>(world: &'a World, guild: u64, role: &str) -> Result<&'a Role, Refusal> {
    let role = snowflake("role_id", role)?;
    found(world, guild)?
        .role(role)
        .ok_or_else(|| errors::UNKNOWN_ROLE.into())
}

/// Refuses roles that stand as high as the bot's highest, or higher.
fn below_the_bot(world: &World, guild: u64, role: u64) -> Result<(), Refusal> {
    let guild = found(world, guild)?;
    if guild.height(role) >= guild.rank(world.bot_id) {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    Ok(())
}

/// Refuses permissions that the bot lacks itself; those that a role already has are none of its gifts.
fn grants(world: &World, guild: u64, before: u64, wanted: Option<u64>) -> Result<(), Refusal> {
    let guild = found(world, guild)?;
    let missing = wanted.unwrap_or(before) & !before & !world.permissions_of(guild, world.bot_id);
    if missing != 0 {
        return Err(Refusal::permission(1 << missing.trailing_zeros()));
    }
    Ok(())
}

pub(crate) fn list(world: &World, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    Ok(Answer::ok(&found(world, guild)?.roles.iter().map(Role::json).collect()))
}

pub(crate) fn get(world: &World, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    Ok(Answer::ok(&find(world, guild, role)?.json()))
}

/// How many members hold each role; `@everyone` is not among them.
pub(crate) fn counts(world: &World, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let guild = found(world, guild)?;
    let counts: Map<String, Value> = guild
        .roles
        .iter()
        .filter(|role| role.id != guild.id)
        .map(|role| {
            let holders = guild.members.values().filter(|member| member.roles.contains(&role.id));
            (role.id.to_string(), json!(holders.count()))
        })
        .collect();
    Ok(Answer::ok(&Value::Object(counts)))
}

pub(crate) fn create(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let shape = Shape::read(&call.body)?;
    let everyone = found(world, guild)?.role(guild).map_or(0, |role| role.permissions);
    grants(world, guild, 0, shape.permissions)?;
    if found(world, guild)?.roles.len() >= MOST {
        return Err(errors::TOO_MANY_ROLES.into());
    }
    let id = world.add_role(guild, |role| {
        role.permissions = everyone;
        shape.apply(role);
    });
    let json = find(world, guild, &id.unwrap_or(0).to_string())?.json();
    let note = Note::new(action::ROLE_CREATE, world.bot_id, id).between(&Value::Null, &json);
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::ok(&json))
}

pub(crate) fn edit(world: &mut World, call: &Call, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let before = find(world, guild, role)?.clone();
    let role = before.id;
    below_the_bot(world, guild, role)?;
    let shape = Shape::read(&call.body)?;
    grants(world, guild, before.permissions, shape.permissions)?;
    let place = world
        .guilds
        .get_mut(&guild)
        .and_then(|guild| guild.roles.iter_mut().find(|one| one.id == role));
    let place = place.ok_or_else(|| Refusal::from(errors::UNKNOWN_ROLE))?;
    shape.apply(place);
    if role == guild {
        // Everybody's role keeps its name.
        place.name.clone_from(&before.name);
    }
    let json = place.json();
    tell(world, guild, &json);
    let note = Note::new(action::ROLE_UPDATE, world.bot_id, Some(role)).between(&before.json(), &json);
    if note.is_a_change() {
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&json))
}

fn tell(world: &mut World, guild: u64, role: &Value) {
    let data = json!({ "guild_id": guild.to_string(), "role": role });
    world.emit_role("GUILD_ROLE_UPDATE", guild, &data);
}

/// Moves roles to new places below the bot's highest; the others close ranks, and everybody hears of each that moved.
pub(crate) fn reorder(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let mut moves = Vec::new();
    for one in guilds::list(&call.body)? {
        let id = members::id_in(one)?;
        let position =
            checked(|faults| Fields::body(one, &["id", "position"], faults).integer("position", 0..=250, faults))?;
        let role = find(world, guild, &id.to_string())?;
        let Some(position) = position.filter(|position| *position != role.position) else {
            continue;
        };
        if id == guild || position == 0 {
            return Err(errors::INVALID_ROLE.into());
        }
        below_the_bot(world, guild, id)?;
        moves.push((position, id));
    }
    let of_guild = found(world, guild)?;
    let before: Vec<Role> = of_guild.roles.clone();
    let mut rest: Vec<&Role> = before
        .iter()
        .filter(|role| moves.iter().all(|(_, id)| *id != role.id))
        .collect();
    rest.sort_by_key(|role| of_guild.height(role.id));
    let mut order: Vec<u64> = rest.iter().map(|role| role.id).collect();
    moves.sort_unstable();
    for (position, id) in moves {
        let place = usize::try_from(position).unwrap_or(order.len()).min(order.len());
        order.insert(place, id);
    }
    let place_of = |id: u64| order.iter().position(|one| *one == id);
    // What was the bot's to move may not end up above it.
    let highest = before
        .iter()
        .filter(|role| of_guild.height(role.id) >= of_guild.rank(world.bot_id))
        .map(|role| (role.id, role.position))
        .min_by_key(|(id, _)| of_guild.height(*id));
    if let Some((bound, _)) = highest {
        let bound = place_of(bound);
        let lower = before
            .iter()
            .filter(|role| of_guild.height(role.id) < of_guild.rank(world.bot_id));
        if lower.map(|role| place_of(role.id)).any(|place| place > bound) {
            return Err(errors::MISSING_PERMISSIONS.into());
        }
    }
    for role in &before {
        let place = place_of(role.id).and_then(|place| i64::try_from(place).ok());
        let position = place.unwrap_or(role.position);
        if position == role.position {
            continue;
        }
        let mut moved = role.clone();
        moved.position = position;
        if let Some(place) = world
            .guilds
            .get_mut(&guild)
            .and_then(|guild| guild.roles.iter_mut().find(|one| one.id == role.id))
        {
            *place = moved.clone();
        }
        tell(world, guild, &moved.json());
        let note = Note::new(action::ROLE_UPDATE, world.bot_id, Some(role.id)).between(&role.json(), &moved.json());
        world.record(guild, note.because(call.reason.as_deref()));
    }
    list(world, &guild.to_string())
}

pub(crate) fn delete(world: &mut World, call: &Call, guild: &str, role: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let before = find(world, guild, role)?.clone();
    if before.id == guild || before.of_bot.is_some() {
        return Err(errors::INVALID_ROLE.into());
    }
    below_the_bot(world, guild, before.id)?;
    world.remove_role(guild, before.id);
    let note = Note::new(action::ROLE_DELETE, world.bot_id, Some(before.id)).between(&before.json(), &Value::Null);
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::empty())
}
