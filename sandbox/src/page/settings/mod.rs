//! What people change of their servers: roles and what they permit, channels and their overwrites, members. So that a
//! bot's answers to permissions can be tried by hand.
//!
//! It is checked as Discord's client does it, with the person's permissions and place among the roles, and happens as
//! if the bot had asked for it over REST: the bot hears of it, and the audit log names the person.

pub(super) mod audit_log;
mod channels;
mod roles;
mod threads;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use self::{
    channels::{ChannelShape, Place as ChannelPlace},
    roles::RoleShape,
    threads::ThreadShape,
};
use super::acts::{Answer, Refused, id, person, read};
use crate::{
    ids,
    rest::text_length,
    shared::Shared,
    world::{
        Channel, Guild, World,
        audit_log::{Note, action},
        permissions,
    },
};

#[derive(Deserialize)]
struct Request {
    r#as: String,
    guild_id: Option<String>,
    #[serde(flatten)]
    change: Change,
}

/// What is to be changed. Fields that are left out stay as they are; null takes away.
#[derive(Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum Change {
    NewGuild {
        name: String,
    },
    Guild {
        name: String,
    },
    NewRole(RoleShape),
    Role {
        id: String,
        #[serde(flatten)]
        shape: RoleShape,
    },
    DeleteRole {
        id: String,
    },
    /// All roles but @everyone, highest first.
    RoleOrder {
        ids: Vec<String>,
    },
    NewChannel {
        #[serde(rename = "type", default)]
        kind: u64,
        #[serde(flatten)]
        shape: ChannelShape,
    },
    Channel {
        id: String,
        #[serde(flatten)]
        shape: ChannelShape,
    },
    DeleteChannel {
        id: String,
    },
    /// Where channels stand; those that are not named stay.
    ChannelOrder {
        channels: Vec<ChannelPlace>,
    },
    Thread {
        id: String,
        #[serde(flatten)]
        shape: ThreadShape,
    },
    Member {
        id: String,
        #[serde(default, deserialize_with = "given")]
        nick: Option<Option<String>>,
        roles: Option<Vec<String>>,
        timeout_minutes: Option<u64>,
    },
    Join {
        id: String,
    },
    Kick {
        id: String,
        reason: Option<String>,
    },
    Ban {
        id: String,
        reason: Option<String>,
    },
    Unban {
        id: String,
    },
}

/// Tells a field that is null from one that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn bits(text: &str) -> Result<u64, Refused> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| Refused(format!("\"{text}\" is no set of permissions")))
}

fn name(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if (1..=100).contains(&text_length(text)) {
        Ok(text.to_owned())
    } else {
        Err("a name has 1 to 100 characters".into())
    }
}

/// A person about to change a guild.
struct Hand {
    person: u64,
    guild: u64,
}

impl Hand {
    fn guild<'a>(&self, world: &'a World) -> Result<&'a Guild, Refused> {
        world.guilds.get(&self.guild).ok_or_else(|| "the server is gone".into())
    }

    /// Refuses who lacks a permission in the guild.
    fn may(&self, world: &World, needed: u64) -> Result<(), Refused> {
        // A time-out counts here, too.
        let has = world.permissions_of(self.guild(world)?, self.person);
        if has & needed == needed {
            return Ok(());
        }
        Err(Refused(format!(
            "this person lacks \"{}\" in this server",
            permissions::name(needed)
        )))
    }

    /// The place of somebody's highest role; nobody is above the owner.
    fn rank(&self, world: &World, user: u64) -> Result<i64, Refused> {
        let guild = self.guild(world)?;
        if guild.owner_id == user {
            return Ok(i64::MAX);
        }
        let held = guild
            .members
            .get(&user)
            .map_or(&[][..], |member| member.roles.as_slice());
        let places = guild
            .roles
            .iter()
            .filter(|role| held.contains(&role.id))
            .map(|role| role.position);
        Ok(places.max().unwrap_or(0))
    }

    /// Refuses to touch a role that is as high as the person's own, or higher.
    fn above_role(&self, world: &World, role: u64) -> Result<(), Refused> {
        let found = self.guild(world)?.role(role).ok_or("the role is gone")?;
        if self.rank(world, self.person)? > found.position {
            return Ok(());
        }
        Err(Refused(format!(
            "\"{}\" is not below this person's highest role",
            found.name
        )))
    }

    /// Refuses to do something to a member who is as high as this person, or higher.
    fn above(&self, world: &World, user: u64) -> Result<(), Refused> {
        if self.guild(world)?.owner_id == user {
            return Err("nobody can do that to the server's owner".into());
        }
        if self.rank(world, self.person)? > self.rank(world, user)? {
            return Ok(());
        }
        Err("that member's highest role is not below this person's".into())
    }

    fn channel<'a>(&self, world: &'a World, text: &str) -> Result<&'a Channel, Refused> {
        let found = world
            .channels
            .get(&id(text)?)
            .filter(|channel| channel.guild_id == Some(self.guild));
        found.ok_or_else(|| "the channel is gone".into())
    }

    fn note(&self, kind: u64, target: u64) -> Note {
        Note::new(kind, self.person, Some(target))
    }
}

/// `POST /page/settings`
pub(crate) async fn change(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let request: Request = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &request.r#as)?;
    if let Change::NewGuild { name: wanted } = &request.change {
        let guild = world.add_guild(&name(wanted)?);
        return Ok(Json(json!({ "id": guild.to_string() })));
    }
    let guild = id(request.guild_id.as_deref().unwrap_or_default())?;
    let hand = Hand { person, guild };
    if !hand.guild(&world)?.members.contains_key(&person) {
        return Err("this person is not in that server".into());
    }
    match request.change {
        Change::NewGuild { .. } => Ok(Json(json!({}))),
        Change::Guild { name: wanted } => rename(&mut world, &hand, &wanted),
        Change::NewRole(shape) => roles::new_role(&mut world, &hand, &shape),
        Change::Role { id: role, shape } => roles::role_to(&mut world, &hand, id(&role)?, &shape),
        Change::DeleteRole { id: role } => roles::delete_role(&mut world, &hand, id(&role)?),
        Change::RoleOrder { ids } => roles::order(&mut world, &hand, &ids),
        Change::NewChannel { kind, shape } => channels::new_channel(&mut world, &hand, kind, &shape),
        Change::Channel { id, shape } => channels::channel_to(&mut world, &hand, &id, &shape),
        Change::DeleteChannel { id } => channels::delete_channel(&mut world, &hand, &id),
        Change::ChannelOrder { channels: places } => channels::order(&mut world, &hand, &places),
        Change::Thread { id, shape } => threads::thread_to(&mut world, &hand, &id, &shape),
        Change::Member {
            id: user,
            nick,
            roles,
            timeout_minutes,
        } => member_to(&mut world, &hand, id(&user)?, nick, roles, timeout_minutes),
        Change::Join { id: user } => {
            let user = id(&user)?;
            world.users.get(&user).ok_or("nobody has that id")?;
            if hand.guild(&world)?.bans.contains_key(&user) {
                return Err("that person is banned from this server".into());
            }
            world.join(guild, user);
            Ok(Json(json!({})))
        }
        Change::Kick { id: user, reason } => {
            let user = id(&user)?;
            if user != person {
                hand.may(&world, permissions::KICK_MEMBERS)?;
                hand.above(&world, user)?;
            } else if hand.guild(&world)?.owner_id == user {
                return Err("the owner can't leave the server".into());
            }
            if world.leave(guild, user) && user != person {
                world.record(guild, hand.note(action::MEMBER_KICK, user).because(reason.as_deref()));
            }
            Ok(Json(json!({})))
        }
        Change::Ban { id: user, reason } => {
            let user = id(&user)?;
            hand.may(&world, permissions::BAN_MEMBERS)?;
            hand.above(&world, user)?;
            world.ban(guild, user, reason.clone().filter(|reason| !reason.is_empty()));
            world.record(
                guild,
                hand.note(action::MEMBER_BAN_ADD, user).because(reason.as_deref()),
            );
            Ok(Json(json!({})))
        }
        Change::Unban { id: user } => {
            let user = id(&user)?;
            hand.may(&world, permissions::BAN_MEMBERS)?;
            if world.unban(guild, user) {
                world.record(guild, hand.note(action::MEMBER_BAN_REMOVE, user));
            }
            Ok(Json(json!({})))
        }
    }
}

fn rename(world: &mut World, hand: &Hand, wanted: &str) -> Answer {
    hand.may(world, permissions::MANAGE_GUILD)?;
    let wanted = name(wanted)?;
    let guild = world.guilds.get_mut(&hand.guild).ok_or("the server is gone")?;
    let before = json!(guild.name);
    guild.name = wanted;
    let (after, data) = (json!(guild.name), guild.json());
    world.emit("GUILD_UPDATE", Some(hand.guild), crate::gateway::intents::GUILDS, &data);
    world.tell_guild(hand.guild);
    world.record(
        hand.guild,
        hand.note(action::GUILD_UPDATE, hand.guild)
            .change("name", &before, &after),
    );
    Ok(Json(data))
}

fn member_to(
    world: &mut World,
    hand: &Hand,
    user: u64,
    nick: Option<Option<String>>,
    roles: Option<Vec<String>>,
    timeout_minutes: Option<u64>,
) -> Answer {
    let guild = hand.guild(world)?;
    let held = guild
        .members
        .get(&user)
        .ok_or("that person is not in this server")?
        .roles
        .clone();
    if nick.is_some() && user == hand.person {
        hand.may(world, permissions::CHANGE_NICKNAME)?;
    } else if nick.is_some() {
        hand.may(world, permissions::MANAGE_NICKNAMES)?;
        hand.above(world, user)?;
    }
    let nick = match nick {
        Some(Some(text)) if text_length(text.trim()) > 32 => return Err("a nickname has at most 32 characters".into()),
        other => other.map(|nick| nick.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
    };
    let roles: Option<Vec<u64>> = roles
        .map(|roles| roles.iter().map(|text| id(text)).collect())
        .transpose()?;
    if let Some(roles) = &roles {
        hand.may(world, permissions::MANAGE_ROLES)?;
        let changed = roles
            .iter()
            .filter(|role| !held.contains(role))
            .chain(held.iter().filter(|role| !roles.contains(role)));
        for role in changed {
            hand.above_role(world, *role)?;
            if *role == hand.guild || hand.guild(world)?.role(*role).is_some_and(|role| role.of_bot.is_some()) {
                return Err("that role can't be given or taken".into());
            }
        }
    }
    if timeout_minutes.is_some() {
        hand.may(world, permissions::MODERATE_MEMBERS)?;
        hand.above(world, user)?;
    }
    let until = timeout_minutes
        .map(|minutes| (minutes > 0).then(|| ids::timestamp(world.ids.now_ms() + minutes.min(40_320) * 60_000)));
    let before = world.member_json(hand.guild, user).unwrap_or_default();
    let only_roles = roles.is_some() && nick.is_none() && until.is_none();
    let after = world.change_member(hand.guild, user, |member| {
        if let Some(nick) = nick {
            member.nick = nick;
        }
        if let Some(roles) = roles {
            member.roles = roles;
        }
        if let Some(until) = until {
            member.timed_out_until = until;
        }
    });
    let after = after.unwrap_or_default();
    let kind = if only_roles {
        action::MEMBER_ROLE_UPDATE
    } else {
        action::MEMBER_UPDATE
    };
    world.record(hand.guild, hand.note(kind, user).between(&before, &after));
    Ok(Json(after))
}

#[derive(Deserialize)]
pub(crate) struct Place {
    r#as: String,
    guild_id: String,
}

/// `GET /page/bans`: who is banned, for those who may ban.
pub(crate) async fn bans(State(shared): State<Arc<Shared>>, Query(place): Query<Place>) -> Answer {
    let world = shared.world();
    let hand = Hand {
        person: person(&world, &place.r#as)?,
        guild: id(&place.guild_id)?,
    };
    hand.may(&world, permissions::BAN_MEMBERS)?;
    let bans = hand.guild(&world)?.bans.iter();
    Ok(Json(
        bans.map(|(user, reason)| json!({ "user": world.user_json(*user), "reason": reason }))
            .collect(),
    ))
}
