//! Roles as people make, change, order and delete them: nobody touches one that is not below the own highest, and nobody
//! gives a permission that they lack. Apart from members and channels, which have other rules.

use std::cmp::Reverse;

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hand, bits, name};
use crate::{
    page::acts::{Answer, Refused, id},
    world::{Role, World, audit_log::action, permissions},
};

/// What is asked for; what is left out stays as it is.
#[derive(Default, Deserialize)]
pub(super) struct RoleShape {
    name: Option<String>,
    color: Option<u64>,
    permissions: Option<String>,
    hoist: Option<bool>,
    mentionable: Option<bool>,
}

impl RoleShape {
    fn apply(&self, hand: &Hand, world: &World, role: &mut Role) -> Result<(), Refused> {
        if let Some(wanted) = &self.name {
            role.name = name(wanted)?;
        }
        if let Some(text) = &self.permissions {
            let wanted = bits(text)? & permissions::ALL;
            // Nobody gives what they don't have.
            let own = permissions::of(hand.guild(world)?, None, hand.person);
            let foreign = (wanted ^ role.permissions) & !own;
            if foreign != 0 {
                let first = permissions::name(1 << foreign.trailing_zeros());
                return Err(Refused(format!(
                    "this person lacks \"{first}\", and so can't give or take it"
                )));
            }
            role.permissions = wanted;
        }
        role.color = self.color.map_or(role.color, |color| color & 0xff_ff_ff);
        role.hoist = self.hoist.unwrap_or(role.hoist);
        role.mentionable = self.mentionable.unwrap_or(role.mentionable);
        Ok(())
    }
}

pub(super) fn new_role(world: &mut World, hand: &Hand, shape: &RoleShape) -> Answer {
    hand.may(world, permissions::MANAGE_ROLES)?;
    let mut wanted = Role::new(0, "new role", 0, 1);
    shape.apply(hand, world, &mut wanted)?;
    let made = world.add_role(hand.guild, |role| {
        let (id, position) = (role.id, role.position);
        *role = wanted;
        (role.id, role.position) = (id, position);
    });
    let made = made.ok_or("the server is gone")?;
    let json = hand.guild(world)?.role(made).map(Role::json).unwrap_or_default();
    world.record(
        hand.guild,
        hand.note(action::ROLE_CREATE, made).between(&Value::Null, &json),
    );
    Ok(Json(json))
}

pub(super) fn role_to(world: &mut World, hand: &Hand, role: u64, shape: &RoleShape) -> Answer {
    hand.may(world, permissions::MANAGE_ROLES)?;
    hand.above_role(world, role)?;
    let found = hand.guild(world)?.role(role).ok_or("the role is gone")?;
    let (before, mut wanted) = (found.json(), found.clone());
    shape.apply(hand, world, &mut wanted)?;
    if role == hand.guild {
        "@everyone".clone_into(&mut wanted.name);
    }
    put(world, hand, wanted.clone());
    world.record(
        hand.guild,
        hand.note(action::ROLE_UPDATE, role).between(&before, &wanted.json()),
    );
    Ok(Json(wanted.json()))
}

/// Puts a changed role in the place of the old one, and tells everybody.
fn put(world: &mut World, hand: &Hand, role: Role) {
    let data = json!({ "guild_id": hand.guild.to_string(), "role": role.json() });
    let places = world
        .guilds
        .get_mut(&hand.guild)
        .into_iter()
        .flat_map(|guild| guild.roles.iter_mut());
    for place in places.filter(|place| place.id == role.id) {
        place.clone_from(&role);
    }
    world.emit_role("GUILD_ROLE_UPDATE", hand.guild, &data);
}

pub(super) fn delete_role(world: &mut World, hand: &Hand, role: u64) -> Answer {
    hand.may(world, permissions::MANAGE_ROLES)?;
    hand.above_role(world, role)?;
    let found = hand.guild(world)?.role(role).ok_or("the role is gone")?;
    if role == hand.guild || found.of_bot.is_some() {
        return Err("that role stays as long as the server or the bot is there".into());
    }
    let before = found.json();
    world.remove_role(hand.guild, role);
    world.record(
        hand.guild,
        hand.note(action::ROLE_DELETE, role).between(&before, &Value::Null),
    );
    Ok(Json(json!({})))
}

pub(super) fn order(world: &mut World, hand: &Hand, wanted: &[String]) -> Answer {
    hand.may(world, permissions::MANAGE_ROLES)?;
    let wanted: Vec<u64> = wanted.iter().map(|text| id(text)).collect::<Result<_, _>>()?;
    let mut roles: Vec<Role> = hand
        .guild(world)?
        .roles
        .iter()
        .filter(|role| role.id != hand.guild)
        .cloned()
        .collect();
    roles.sort_by_key(|role| Reverse((role.position, Reverse(role.id))));
    let mut known: Vec<u64> = roles.iter().map(|role| role.id).collect();
    let mut named = wanted.clone();
    known.sort_unstable();
    named.sort_unstable();
    if known != named {
        return Err("name each role but @everyone once, highest first".into());
    }
    let mut moved = Vec::new();
    for (at, role) in wanted.iter().rev().enumerate() {
        let position = i64::try_from(at + 1).unwrap_or(1);
        if let Some(role) = roles.iter().find(|one| one.id == *role && one.position != position) {
            hand.above_role(world, role.id)?;
            moved.push(Role {
                position,
                ..role.clone()
            });
        }
    }
    let own = hand.rank(world, hand.person)?;
    if moved.iter().any(|role| role.position >= own) {
        return Err("a role can only be moved to a place below this person's highest role".into());
    }
    for role in moved {
        put(world, hand, role);
    }
    Ok(Json(json!({})))
}
