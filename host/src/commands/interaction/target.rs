//! Whom or what a context menu was used on, and the argument that it becomes.
//!
//! Discord tells all of it along with the interaction: nothing is looked up.

use std::collections::BTreeMap;

use plugin_protocol::{
    ArgumentKind, ArgumentValue, ChannelId, Command, GuildId, Member, MenuTarget, MessageId, MessageLink, User, UserId,
};
use serde::Deserialize;

use super::{Data, Resolved};
use crate::commands::arguments::{ArgumentError, ArgumentProblem};

/// Whom or what a context menu was used on.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A person; as a member, if they are one.
    User(Box<User>, Option<Box<Member>>),
    /// A message.
    Message(MessageLink),
    /// Something else, or somebody of whom Discord has told nothing.
    Unknown,
}

/// What is read of a message that comes along.
#[derive(Deserialize)]
pub(super) struct ResolvedMessage {
    #[serde(default)]
    channel_id: Option<ChannelId>,
}

impl Target {
    pub(super) fn read(data: &Data<'_>, guild_id: Option<GuildId>, channel_id: ChannelId) -> Self {
        let Resolved {
            users,
            members,
            messages,
            ..
        } = &data.resolved;
        let Some(id) = &data.target_id else {
            return Self::Unknown;
        };
        match MenuTarget::of_number(data.kind) {
            Some(MenuTarget::User) => {
                let user = id.parse::<UserId>().ok().and_then(|id| users.get(&id)).cloned();
                let Some(user) = user else { return Self::Unknown };
                let member = guild_id.and_then(|guild_id| {
                    let member = members.get(&user.id)?.clone();
                    Some(Box::new(member.complete(user.clone(), guild_id)))
                });
                Self::User(Box::new(user), member)
            }
            Some(MenuTarget::Message) => id.parse::<MessageId>().map_or(Self::Unknown, |message_id| {
                let told = messages.get(&message_id).and_then(|message| message.channel_id);
                Self::Message(MessageLink {
                    guild_id,
                    channel_id: told.unwrap_or(channel_id),
                    message_id,
                })
            }),
            _ => Self::Unknown,
        }
    }

    /// The menu in which it was chosen.
    #[must_use]
    pub const fn menu(&self) -> MenuTarget {
        match self {
            Self::User(..) => MenuTarget::User,
            Self::Message(_) => MenuTarget::Message,
            Self::Unknown => MenuTarget::Unknown,
        }
    }

    /// The arguments of a command that is used on it.
    ///
    /// # Errors
    ///
    /// It wants a member, and they are none.
    pub fn arguments(self, command: &Command) -> Result<BTreeMap<String, ArgumentValue>, ArgumentError> {
        let Some(argument) = command.menu_argument(self.menu()) else {
            return Ok(BTreeMap::new());
        };
        let value = match (self, argument.kind) {
            (Self::Message(link), _) => ArgumentValue::Message(link),
            (Self::User(_, Some(member)), ArgumentKind::Member | ArgumentKind::Mentionable) => {
                ArgumentValue::Member(*member)
            }
            (Self::User(user, None), ArgumentKind::Member) => {
                let given = user.username;
                return Err(ArgumentError::new(argument, ArgumentProblem::NotFound { given }));
            }
            (Self::User(user, _), _) => ArgumentValue::User(*user),
            (Self::Unknown, _) => return Ok(BTreeMap::new()),
        };
        Ok([(argument.name.clone(), value)].into())
    }
}
