//! What people chose in selects and wrote into forms: ids become what they mean, by what Discord sends along.
//!
//! Apart from the options of commands, since nothing describes a control but the payload itself. Pure.

use std::num::NonZeroU64;

use plugin_protocol::{ArgumentValue, Channel, ChannelId, FormField, GuildId, Role, RoleId, UserId};
use serde::Deserialize;

use super::Resolved;

/// Discord's numbers of components' types.
mod components {
    pub(super) const USER_SELECT: u8 = 5;
    pub(super) const ROLE_SELECT: u8 = 6;
    pub(super) const MENTIONABLE_SELECT: u8 = 7;
    pub(super) const CHANNEL_SELECT: u8 = 8;
    pub(super) const FILE_UPLOAD: u8 = 19;
}

/// A component of a form that was sent: a row or label with others in it, or a field.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(rename = "type", default)]
    kind: u8,
    #[serde(default)]
    custom_id: Option<String>,
    /// A text's.
    #[serde(default)]
    value: Option<Scalar>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    component: Option<Box<Self>>,
    #[serde(default)]
    components: Vec<Self>,
}

/// A text, a checkbox's truth, or nothing chosen.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Truth(bool),
}

/// The fields of a form, in their order.
pub(super) fn fields(sent: Vec<Sent>, resolved: &Resolved, guild_id: Option<GuildId>) -> Vec<FormField> {
    let mut fields = Vec::new();
    for one in sent {
        gather(one, resolved, guild_id, &mut fields);
    }
    fields
}

fn gather(one: Sent, resolved: &Resolved, guild_id: Option<GuildId>, fields: &mut Vec<FormField>) {
    for below in one.component.map(|below| *below).into_iter().chain(one.components) {
        gather(below, resolved, guild_id, fields);
    }
    let Some(name) = one.custom_id else { return };
    let mut values = one.values;
    values.extend(one.value.map(|value| match value {
        Scalar::Text(text) => text,
        Scalar::Truth(truth) => truth.to_string(),
    }));
    let chosen = chosen(one.kind, &values, resolved, guild_id);
    fields.push(FormField { name, values, chosen });
}

/// What the values of a select mean; nothing for one of texts.
pub(super) fn chosen(
    kind: u8,
    values: &[String],
    resolved: &Resolved,
    guild_id: Option<GuildId>,
) -> Vec<ArgumentValue> {
    let found = |value: &String| {
        let id: NonZeroU64 = value.parse().ok()?;
        match kind {
            components::USER_SELECT => user(id.into(), resolved, guild_id),
            components::ROLE_SELECT => role(id.into(), resolved, guild_id),
            components::MENTIONABLE_SELECT => {
                role(id.into(), resolved, guild_id).or_else(|| user(id.into(), resolved, guild_id))
            }
            components::CHANNEL_SELECT => {
                let channel = resolved.channels.get(&ChannelId::from(id))?.clone();
                Some(ArgumentValue::Channel(Channel { guild_id, ..channel }))
            }
            components::FILE_UPLOAD => {
                let file = resolved.attachments.get(&id.into())?.clone();
                Some(ArgumentValue::Attachment(file))
            }
            _ => None,
        }
    };
    values.iter().filter_map(found).collect()
}

fn user(id: UserId, resolved: &Resolved, guild_id: Option<GuildId>) -> Option<ArgumentValue> {
    let user = resolved.users.get(&id)?.clone();
    let member = guild_id.zip(resolved.members.get(&id).cloned());
    Some(match member {
        Some((guild_id, member)) => ArgumentValue::Member(member.complete(user, guild_id)),
        None => ArgumentValue::User(user),
    })
}

fn role(id: RoleId, resolved: &Resolved, guild_id: Option<GuildId>) -> Option<ArgumentValue> {
    let role = resolved.roles.get(&id)?.clone();
    Some(ArgumentValue::Role(Role { guild_id, ..role }))
}
