//! Emojis of guilds and of the application, and stickers, which can be read
//! (<https://discord.com/developers/docs/resources/emoji>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, image, snowflake,
    validate::{Fields, checked},
};
use crate::world::{
    Guild, World,
    audit_log::{Note, action},
    emoji::{Emoji, Image, LARGEST, MOST, MOST_OF_APPLICATION},
    permissions,
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/emojis", |world, _, path| list(world, path[0])),
    Route::post("/guilds/{guild_id}/emojis", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/emojis/{emoji_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/guilds/{guild_id}/emojis/{emoji_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/guilds/{guild_id}/emojis/{emoji_id}", |world, call, path| {
        delete(world, call, path[0], path[1])
    }),
    Route::get("/applications/{application_id}/emojis", |world, _, path| {
        list_own(world, path[0])
    }),
    Route::post("/applications/{application_id}/emojis", |world, call, path| {
        create_own(world, call, path[0])
    }),
    Route::get("/applications/{application_id}/emojis/{emoji_id}", |world, _, path| {
        get_own(world, path[0], path[1])
    }),
    Route::patch(
        "/applications/{application_id}/emojis/{emoji_id}",
        |world, call, path| edit_own(world, call, path[0], path[1]),
    ),
    Route::delete("/applications/{application_id}/emojis/{emoji_id}", |world, _, path| {
        delete_own(world, path[0], path[1])
    }),
    Route::get("/guilds/{guild_id}/stickers", |world, _, path| stickers(world, path[0])),
    Route::get("/guilds/{guild_id}/stickers/{sticker_id}", |world, _, path| {
        sticker(world, Some(path[0]), path[1])
    }),
    Route::get("/stickers/{sticker_id}", |world, _, path| sticker(world, None, path[0]))
        .differs("Only stickers of guilds: Discord's own are not here."),
    Route::get("/sticker-packs", |_, _, _| {
        Ok(Answer::ok(&json!({ "sticker_packs": [] })))
    })
    .differs("Always empty: Discord's own stickers are not here."),
];

/// Those who make or manage emojis see who made them.
const SEES_CREATORS: u64 = permissions::CREATE_GUILD_EXPRESSIONS | permissions::MANAGE_GUILD_EXPRESSIONS;

fn found<'a>(world: &'a World, id: &str) -> Result<&'a Guild, Refusal> {
    let id = guilds::allowed(world, id, 0)?;
    world.guilds.get(&id).ok_or_else(|| errors::UNKNOWN_GUILD.into())
}

fn shown(world: &World, guild: &Guild, emoji: &Emoji) -> Value {
    if world.permissions_of(guild, world.bot_id) & SEES_CREATORS != 0 {
        world.emoji_json(emoji)
    } else {
        emoji.json()
    }
}

fn one_of<'a>(guild: &'a Guild, id: &str) -> Result<&'a Emoji, Refusal> {
    let id = snowflake("emoji_id", id)?;
    guild.emojis.get(&id).ok_or_else(|| errors::NO_SUCH_EMOJI.into())
}

fn list(world: &World, guild: &str) -> Outcome {
    let guild = found(world, guild)?;
    Ok(Answer::ok(
        &guild.emojis.values().map(|emoji| shown(world, guild, emoji)).collect(),
    ))
}

fn get(world: &World, guild: &str, id: &str) -> Outcome {
    let guild = found(world, guild)?;
    Ok(Answer::ok(&shown(world, guild, one_of(guild, id)?)))
}

/// An emoji's body, checked.
struct Shape {
    name: Option<String>,
    roles: Option<Vec<u64>>,
}

impl Shape {
    fn read(body: &Value, known: &[&str], is_new: bool) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, known, faults);
            if is_new {
                fields.required("name", faults);
                fields.required("image", faults);
            }
            let name = fields.text("name", 2..=32, faults);
            let is_odd = |name: &&str| !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
            if name.as_ref().is_some_and(is_odd) {
                let why = "String value did not match validation regex.";
                faults.add("name", "STRING_TYPE_REGEX", why);
            }
            Self {
                name: name.map(str::to_owned),
                roles: fields.ids("roles", 250, faults),
            }
        })
    }
}

/// A new emoji of this shape, made by the bot; its picture is kept.
fn make(world: &mut World, shape: Shape, image: Image) -> Emoji {
    let emoji = Emoji {
        id: world.ids.part(),
        name: shape.name.unwrap_or_default(),
        animated: image.kind == "image/gif",
        roles: shape.roles.unwrap_or_default(),
        creator: world.bot_id,
    };
    world.images.insert(emoji.id, image);
    emoji
}

fn known_roles(guild: &Guild, shape: &Shape) -> Result<(), Refusal> {
    let mut roles = shape.roles.iter().flatten();
    if roles.all(|role| guild.role(*role).is_some()) {
        Ok(())
    } else {
        Err(errors::UNKNOWN_ROLE.into())
    }
}

fn create(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let id = guilds::allowed(world, guild, permissions::CREATE_GUILD_EXPRESSIONS)?;
    let shape = Shape::read(&call.body, &["name", "image", "roles"], true)?;
    let image = image::read("image", &call.body["image"], LARGEST)?;
    let of_guild = found(world, guild)?;
    known_roles(of_guild, &shape)?;
    let animated = image.kind == "image/gif";
    let alike = of_guild.emojis.values().filter(|emoji| emoji.animated == animated);
    if alike.count() >= MOST {
        return Err(if animated {
            errors::TOO_MANY_ANIMATED
        } else {
            errors::TOO_MANY_EMOJIS
        }
        .into());
    }
    let emoji = make(world, shape, image);
    let (target, json) = (emoji.id, world.emoji_json(&emoji));
    let note = Note::new(action::EMOJI_CREATE, world.bot_id, Some(target)).change("name", &Value::Null, &json["name"]);
    world.add_emoji(id, emoji);
    world.record(id, note.because(call.reason.as_deref()));
    Ok(Answer::created(&json))
}

/// An emoji that the bot may change: one of its own, or any if it manages expressions.
fn changeable(world: &World, guild: &str, id: &str) -> Result<(u64, Emoji), Refusal> {
    let of_guild = found(world, guild)?;
    let emoji = one_of(of_guild, id)?;
    let has = world.permissions_of(of_guild, world.bot_id);
    let is_own = emoji.creator == world.bot_id && has & permissions::CREATE_GUILD_EXPRESSIONS != 0;
    if !is_own && has & permissions::MANAGE_GUILD_EXPRESSIONS == 0 {
        return Err(Refusal::permission(permissions::MANAGE_GUILD_EXPRESSIONS));
    }
    Ok((of_guild.id, emoji.clone()))
}

fn edit(world: &mut World, call: &Call, guild: &str, id: &str) -> Outcome {
    let (guild_id, before) = changeable(world, guild, id)?;
    let shape = Shape::read(&call.body, &["name", "roles"], false)?;
    known_roles(found(world, guild)?, &shape)?;
    let mut emoji = before.clone();
    emoji.name = shape.name.unwrap_or(emoji.name);
    if call.body.get("roles").is_some() {
        emoji.roles = shape.roles.unwrap_or_default();
    }
    let json = world.emoji_json(&emoji);
    let note = Note::new(action::EMOJI_UPDATE, world.bot_id, Some(emoji.id)).change(
        "name",
        &json!(before.name),
        &json!(emoji.name),
    );
    world.add_emoji(guild_id, emoji);
    if note.is_a_change() {
        world.record(guild_id, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&json))
}

fn delete(world: &mut World, call: &Call, guild: &str, id: &str) -> Outcome {
    let (guild, before) = changeable(world, guild, id)?;
    if let Some(guild) = world.guilds.get_mut(&guild) {
        guild.emojis.remove(&before.id);
    }
    world.images.remove(&before.id);
    world.emit_emojis(guild);
    let note = Note::new(action::EMOJI_DELETE, world.bot_id, Some(before.id)).change(
        "name",
        &json!(before.name),
        &Value::Null,
    );
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::empty())
}

fn own(world: &World, application: &str) -> Result<(), Refusal> {
    if snowflake("application_id", application)? == world.bot_id {
        Ok(())
    } else {
        Err(errors::UNKNOWN_APPLICATION.into())
    }
}

fn one_own<'a>(world: &'a World, application: &str, id: &str) -> Result<&'a Emoji, Refusal> {
    own(world, application)?;
    let id = snowflake("emoji_id", id)?;
    world.emojis.get(&id).ok_or_else(|| errors::NO_SUCH_EMOJI.into())
}

fn list_own(world: &World, application: &str) -> Outcome {
    own(world, application)?;
    let items: Vec<Value> = world.emojis.values().map(|emoji| world.emoji_json(emoji)).collect();
    Ok(Answer::ok(&json!({ "items": items })))
}

fn get_own(world: &World, application: &str, id: &str) -> Outcome {
    Ok(Answer::ok(&world.emoji_json(one_own(world, application, id)?)))
}

fn is_taken(world: &World, name: &str, but: u64) -> Result<(), Refusal> {
    let mut others = world.emojis.values();
    if others.any(|emoji| emoji.id != but && emoji.name == name) {
        return Err(Refusal::at(
            "name",
            "APPLICATION_EMOJI_NAME_ALREADY_TAKEN",
            "This emoji name is already taken",
        ));
    }
    Ok(())
}

fn create_own(world: &mut World, call: &Call, application: &str) -> Outcome {
    own(world, application)?;
    let shape = Shape::read(&call.body, &["name", "image"], true)?;
    let image = image::read("image", &call.body["image"], LARGEST)?;
    is_taken(world, shape.name.as_deref().unwrap_or_default(), 0)?;
    if world.emojis.len() >= MOST_OF_APPLICATION {
        return Err(errors::TOO_MANY_EMOJIS.into());
    }
    let emoji = make(world, shape, image);
    let json = world.emoji_json(&emoji);
    world.emojis.insert(emoji.id, emoji);
    Ok(Answer::created(&json))
}

fn edit_own(world: &mut World, call: &Call, application: &str, id: &str) -> Outcome {
    let mut emoji = one_own(world, application, id)?.clone();
    let shape = Shape::read(&call.body, &["name"], false)?;
    emoji.name = shape.name.unwrap_or(emoji.name);
    is_taken(world, &emoji.name, emoji.id)?;
    let json = world.emoji_json(&emoji);
    world.emojis.insert(emoji.id, emoji);
    Ok(Answer::ok(&json))
}

fn delete_own(world: &mut World, application: &str, id: &str) -> Outcome {
    let id = one_own(world, application, id)?.id;
    world.emojis.remove(&id);
    world.images.remove(&id);
    Ok(Answer::empty())
}

fn stickers(world: &World, guild: &str) -> Outcome {
    let guild = found(world, guild)?;
    Ok(Answer::ok(&guild.stickers.values().cloned().collect()))
}

fn sticker(world: &World, guild: Option<&str>, id: &str) -> Outcome {
    let id = snowflake("sticker_id", id)?;
    let found = match guild {
        Some(guild) => found(world, guild)?.stickers.get(&id),
        None => world.guilds.values().find_map(|guild| guild.stickers.get(&id)),
    };
    found.map(Answer::ok).ok_or_else(|| errors::UNKNOWN_STICKER.into())
}
