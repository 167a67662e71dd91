//! Application commands, global and per guild: listed, created, replaced all at once, edited, deleted
//! (<https://discord.com/developers/docs/interactions/application-commands#endpoints>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Faults, Refusal},
    guilds, snowflake, validate,
};
use crate::world::World;

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/applications/{application_id}/commands", |world, call, path| {
        let scope = scope(world, path[0], None)?;
        list(world, call, scope)
    })
    .query(&["with_localizations"]),
    Route::post("/applications/{application_id}/commands", |world, call, path| {
        let scope = scope(world, path[0], None)?;
        create(world, call, scope)
    }),
    Route::put("/applications/{application_id}/commands", |world, call, path| {
        let scope = scope(world, path[0], None)?;
        overwrite(world, call, scope)
    }),
    Route::get(
        "/applications/{application_id}/commands/{command_id}",
        |world, _, path| {
            let scope = scope(world, path[0], None)?;
            get(world, scope, path[1])
        },
    ),
    Route::patch(
        "/applications/{application_id}/commands/{command_id}",
        |world, call, path| {
            let scope = scope(world, path[0], None)?;
            edit(world, call, scope, path[1])
        },
    ),
    Route::delete(
        "/applications/{application_id}/commands/{command_id}",
        |world, _, path| {
            let scope = scope(world, path[0], None)?;
            delete(world, scope, path[1])
        },
    ),
    Route::get(
        "/applications/{application_id}/guilds/{guild_id}/commands",
        |world, call, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            list(world, call, scope)
        },
    )
    .query(&["with_localizations"]),
    Route::post(
        "/applications/{application_id}/guilds/{guild_id}/commands",
        |world, call, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            create(world, call, scope)
        },
    ),
    Route::put(
        "/applications/{application_id}/guilds/{guild_id}/commands",
        |world, call, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            overwrite(world, call, scope)
        },
    ),
    Route::get(
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        |world, _, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            get(world, scope, path[2])
        },
    ),
    Route::patch(
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        |world, call, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            edit(world, call, scope, path[2])
        },
    ),
    Route::delete(
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        |world, _, path| {
            let scope = scope(world, path[0], Some(path[1]))?;
            delete(world, scope, path[2])
        },
    ),
    Route::get(
        "/applications/{application_id}/guilds/{guild_id}/commands/permissions",
        |world, _, path| permissions(world, path[0], path[1]),
    ),
    Route::get(
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}/permissions",
        |world, _, path| permissions_of(world, path[0], path[1], path[2]),
    ),
    Route::put(
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}/permissions",
        |world, _, path| set_permissions(world, path[0], path[1]),
    ),
];

/// Where commands stand: in a guild, or everywhere.
fn scope(world: &World, application: &str, guild: Option<&str>) -> Result<Option<u64>, Refusal> {
    own(world, application)?;
    guild.map(|guild| guilds::allowed(world, guild, 0)).transpose()
}

fn list(world: &World, call: &Call, guild: Option<u64>) -> Outcome {
    let whole = call.flag("with_localizations")?;
    let mut all: Vec<Value> = world.commands.of(guild).to_vec();
    if !whole {
        for command in &mut all {
            localize(command, call.locale.as_deref());
        }
    }
    Ok(Answer::ok(&Value::Array(all)))
}

fn get(world: &World, guild: Option<u64>, id: &str) -> Outcome {
    find(world, guild, id).map(|at| Answer::ok(&world.commands.of(guild)[at]))
}

fn delete(world: &mut World, guild: Option<u64>, id: &str) -> Outcome {
    let at = find(world, guild, id)?;
    let mut all = world.commands.of(guild).to_vec();
    all.remove(at);
    world.set_commands(guild, all);
    Ok(Answer::empty())
}

/// What administrators have set for commands in a guild, and for all of the application.
fn permissions(world: &World, application: &str, guild: &str) -> Outcome {
    own(world, application)?;
    let guild = guilds::allowed(world, guild, 0)?;
    let theirs = world.overrides.iter().filter(|((of, _), _)| *of == guild);
    let all = theirs.map(|((_, id), overrides)| world.overrides_json(guild, *id, overrides));
    Ok(Answer::ok(&all.collect()))
}

fn permissions_of(world: &World, application: &str, guild: &str, id: &str) -> Outcome {
    own(world, application)?;
    let guild = guilds::allowed(world, guild, 0)?;
    let id = snowflake("command_id", id)?;
    let overrides = world.overrides.get(&(guild, id));
    let overrides = overrides.ok_or_else(|| Refusal::new(404, 10066, "Unknown application command permissions"))?;
    Ok(Answer::ok(&world.overrides_json(guild, id, overrides)))
}

/// Administrators alone may, with a token of their own.
fn set_permissions(world: &World, application: &str, guild: &str) -> Outcome {
    scope(world, application, Some(guild))?;
    Err(Refusal::new(403, 20001, "Bots cannot use this endpoint"))
}

fn own(world: &World, application: &str) -> Result<(), Refusal> {
    if snowflake("application_id", application)? == world.bot_id {
        Ok(())
    } else {
        Err(errors::UNKNOWN_APPLICATION.into())
    }
}

/// A command as lists show it unless asked otherwise: not all languages, but the caller's beside the own name
/// (<https://discord.com/developers/docs/interactions/application-commands#retrieving-localized-commands>).
fn localize(part: &mut Value, locale: Option<&str>) {
    let Some(fields) = part.as_object_mut() else { return };
    for (all, one) in [
        ("name_localizations", "name_localized"),
        ("description_localizations", "description_localized"),
    ] {
        let texts = fields.remove(all);
        let found = locale.and_then(|locale| texts.as_ref()?.get(locale));
        if let Some(text) = found {
            fields.insert(one.to_owned(), text.clone());
        }
    }
    for key in ["options", "choices"] {
        for inner in fields.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            localize(inner, locale);
        }
    }
}

fn find(world: &World, guild: Option<u64>, id: &str) -> Result<usize, Refusal> {
    snowflake("command_id", id)?;
    world
        .commands
        .of(guild)
        .iter()
        .position(|one| one["id"] == id)
        .ok_or_else(|| errors::UNKNOWN_COMMAND.into())
}

/// Gives a checked command its ids. One of the same name and type keeps its id, and its version if nothing changed.
fn complete(world: &mut World, guild: Option<u64>, mut command: Value, old: Option<&Value>) -> Value {
    let id = old
        .and_then(|old| old["id"].as_str().map(str::to_owned))
        .unwrap_or_else(|| world.ids.part().to_string());
    let mut whole = json!({ "id": id, "application_id": world.bot_id.to_string() });
    if let Some(guild) = guild {
        whole["guild_id"] = json!(guild.to_string());
    }
    let is_same = old.is_some_and(|old| {
        command
            .as_object()
            .is_some_and(|new| new.iter().all(|(key, value)| old.get(key) == Some(value)))
    });
    let version = old
        .filter(|_| is_same)
        .map_or_else(|| json!(world.ids.part().to_string()), |old| old["version"].clone());
    whole["version"] = version;
    if let (Some(to), Some(from)) = (whole.as_object_mut(), command.as_object_mut()) {
        to.append(from);
    }
    whole
}

/// Counts commands of new names against the day's.
fn count_new(world: &mut World, guild: Option<u64>, count: usize) -> Result<(), Refusal> {
    let now = world.time.now();
    if world.commands.count_new(guild, count, now) {
        Ok(())
    } else {
        Err(errors::TOO_MANY_NEW_COMMANDS.into())
    }
}

fn create(world: &mut World, call: &Call, guild: Option<u64>) -> Outcome {
    let mut faults = Faults::default();
    let command = validate::command(&call.body, "", None, guild.is_some(), &mut faults);
    faults.result()?;
    let mut all = world.commands.of(guild).to_vec();
    let place = all
        .iter()
        .position(|one| one["name"] == command["name"] && one["type"] == command["type"]);
    let command = complete(world, guild, command, place.map(|at| all[at].clone()).as_ref());
    match place {
        Some(at) => all[at] = command.clone(),
        None => all.push(command.clone()),
    }
    validate::check_set(&all)?;
    count_new(world, guild, usize::from(place.is_none()))?;
    world.set_commands(guild, all);
    Ok(if place.is_some() {
        Answer::ok(&command)
    } else {
        Answer::created(&command)
    })
}

fn overwrite(world: &mut World, call: &Call, guild: Option<u64>) -> Outcome {
    let list = guilds::list(&call.body)?;
    let mut faults = Faults::default();
    let read: Vec<Value> = list
        .iter()
        .enumerate()
        .map(|(at, one)| validate::command(one, &at.to_string(), None, guild.is_some(), &mut faults))
        .collect();
    faults.result()?;
    validate::check_set(&read)?;
    let old = world.commands.of(guild).to_vec();
    let is_known = |new: &&Value| {
        old.iter()
            .any(|one| one["name"] == new["name"] && one["type"] == new["type"])
    };
    let known = read.iter().filter(is_known).count();
    count_new(world, guild, read.len() - known)?;
    let all: Vec<Value> = read
        .into_iter()
        .map(|command| {
            let before = old
                .iter()
                .find(|one| one["name"] == command["name"] && one["type"] == command["type"]);
            complete(world, guild, command, before)
        })
        .collect();
    world.logs.bulk_overwrites += 1;
    world.set_commands(guild, all.clone());
    Ok(Answer::ok(&Value::Array(all)))
}

fn edit(world: &mut World, call: &Call, guild: Option<u64>, id: &str) -> Outcome {
    let at = find(world, guild, id)?;
    let mut all = world.commands.of(guild).to_vec();
    let mut faults = Faults::default();
    let command = validate::command(&call.body, "", Some(&all[at]), guild.is_some(), &mut faults);
    faults.result()?;
    let before = all[at].clone();
    all[at] = complete(world, guild, command, Some(&before));
    validate::check_set(&all)?;
    let command = all[at].clone();
    world.set_commands(guild, all);
    Ok(Answer::ok(&command))
}
