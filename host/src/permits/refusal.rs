//! Why somebody may not use a command, and what they are told.
//!
//! Pure. Roles are shown, never pinged: what the host says mentions nobody.

use std::fmt::Write as _;

use plugin_protocol::Permissions;

use super::rules::Subject;
use crate::interactions::texts;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is for servers.
    ServerOnly,
    /// It is for direct messages.
    DirectOnly,
    /// It is switched off in this server.
    Disabled,
    /// It is for the bot's owners.
    OwnerOnly,
    /// It is for the server's owner and the bot's.
    ServerOwnerOnly,
    /// The server's administrators refuse it in Discord's settings.
    Overridden,
    /// A rule of the server refuses it.
    Denied,
    /// Rules of the server allow it to others only.
    For(Vec<Subject>),
    /// The user lacks these.
    UserLacks(Permissions),
    /// The bot lacks these.
    BotLacks(Permissions),
    /// It is for age-restricted channels.
    AgeRestricted,
    /// It was used too often: until then, in milliseconds since 1970.
    Cooldown(u64),
    /// So many run already.
    Running(u32),
    /// Discord did not tell what has to be known.
    Unknown,
}

impl Refusal {
    /// What the one who asked is told; `command` as they would write it, such as `!ban`.
    #[must_use]
    pub fn text(&self, command: &str) -> String {
        /// How many of those whom a command is for are named.
        const MOST: usize = 5;
        let change = "A server administrator can change this with `/config`.";
        match self {
            Self::ServerOnly => format!("`{command}` can be used in servers only."),
            Self::DirectOnly => format!("`{command}` can be used in direct messages with me only."),
            Self::Disabled => format!("`{command}` is disabled in this server."),
            Self::OwnerOnly => texts::OWNER_ONLY.to_owned(),
            Self::ServerOwnerOnly => "Only the server's owner can use that command.".to_owned(),
            Self::Overridden => format!(
                "`{command}` is switched off for you here. A server administrator can change this in the server's settings \
                 under Integrations."
            ),
            Self::Denied => format!("You can't use `{command}` here. {change}"),
            Self::For(subjects) => {
                let mut named = String::new();
                for (number, subject) in subjects.iter().take(MOST).enumerate() {
                    if number > 0 {
                        named.push_str(if number + 1 == subjects.len() { " and " } else { ", " });
                    }
                    // Writing to a string does not fail.
                    let _ = write!(named, "**{}**", shown(*subject));
                }
                if subjects.len() > MOST {
                    let _ = write!(named, " and {} more", subjects.len() - MOST);
                }
                format!("`{command}` here is for {named}. {change}")
            }
            Self::UserLacks(permissions) => format!("You need {} for that.", names(*permissions)),
            Self::BotLacks(permissions) => format!("I need {} for that.", names(*permissions)),
            Self::AgeRestricted => format!("`{command}` can be used in age-restricted channels only."),
            Self::Cooldown(until) => {
                // Discord shows whole seconds; earlier than this it would be refused again.
                format!("You can use `{command}` again <t:{}:R>.", until.div_ceil(1000))
            }
            Self::Running(1) => format!("`{command}` is still running. Use it again when it is done."),
            Self::Running(most) => format!("`{command}` runs {most} times already. Use it again when one is done."),
            Self::Unknown => {
                "Discord doesn't tell me right now who may do what here. Please try again in a moment.".to_owned()
            }
        }
    }
}

/// A subject as people see it.
#[must_use]
pub fn shown(subject: Subject) -> String {
    match subject {
        Subject::User(id) => format!("<@{id}>"),
        Subject::Channel(id) => format!("<#{id}>"),
        Subject::Role(id) => format!("<@&{id}>"),
    }
}

/// Permissions as people know them: *Ban Members* and *Kick Members*.
#[must_use]
pub fn names(permissions: Permissions) -> String {
    let names: Vec<_> = permissions.shown().map(|name| format!("*{name}*")).collect();
    match names.split_last() {
        None => "a permission that I don't know".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use plugin_protocol::{ChannelId, RoleId, UserId};

    use super::*;

    #[test]
    fn texts() {
        let role = |id| Subject::Role(RoleId::new(id).unwrap());
        let both = Permissions::BAN_MEMBERS | Permissions::KICK_MEMBERS;
        let user = Subject::User(UserId::new(5).unwrap());
        let channel = Subject::Channel(ChannelId::new(6).unwrap());
        let all = [
            Refusal::ServerOnly,
            Refusal::DirectOnly,
            Refusal::Disabled,
            Refusal::OwnerOnly,
            Refusal::ServerOwnerOnly,
            Refusal::Overridden,
            Refusal::Denied,
            Refusal::For(vec![role(1)]),
            Refusal::For(vec![user, channel]),
            Refusal::For((1..9).map(role).collect()),
            Refusal::UserLacks(Permissions::BAN_MEMBERS),
            Refusal::UserLacks(both | Permissions::MANAGE_GUILD),
            Refusal::BotLacks(both),
            Refusal::BotLacks(Permissions::from_bits(1 << 60)),
            Refusal::AgeRestricted,
            Refusal::Cooldown(1_700_000_000_001),
            Refusal::Running(1),
            Refusal::Running(3),
            Refusal::Unknown,
        ];
        let texts: Vec<_> = all.iter().map(|refusal| refusal.text("!ban")).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
