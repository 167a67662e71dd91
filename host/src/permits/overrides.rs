//! What a server's administrators have set for the bot's commands in Discord's own settings of integrations.
//!
//! Pure. Discord asks for these before a slash command reaches the bot; the same is asked here for every other door.
//! Source: <https://discord.com/developers/docs/interactions/application-commands#permissions>.

use plugin_protocol::{ChannelId, GuildId, RoleId, UserId};
use serde::{Deserialize, Serialize};

/// Whom or where an override is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverrideKind {
    /// Members with a role; the server's id is everybody.
    Role,
    /// A user.
    User,
    /// A channel; the server's id minus one is all of them.
    Channel,
}

/// An override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Whom or where.
    pub kind: OverrideKind,
    /// The role, user or channel.
    pub id: u64,
    /// Whether it allows.
    pub allows: bool,
}

/// What holds for one command in one server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// The command's own.
    pub command: &'a [Override],
    /// Those of all commands of the bot, which hold where the command has none.
    pub application: &'a [Override],
}

/// What they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    /// Nothing: what the command requires decides.
    Nothing,
    /// This user may, whatever the command requires.
    Allows,
    /// This user may not, or nobody may in this channel.
    Refuses,
}

impl Overrides<'_> {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.command.is_empty() && self.application.is_empty()
    }

    /// What they say of a user in a channel. Administrators are not asked about. Only what is set for the command itself
    /// stands in for what it requires; what allows all of the application's commands leaves each its requirements
    /// (<https://support.discord.com/hc/en-us/articles/10952896421783>).
    #[must_use]
    pub fn say(&self, guild: GuildId, channel: ChannelId, user: UserId, roles: &[RoleId]) -> Saying {
        let everywhere = guild.get().wrapping_sub(1);
        let at = |list: &[Override], id| {
            let found = list
                .iter()
                .find(|one| one.kind == OverrideKind::Channel && one.id == id);
            found.map(|one| one.allows)
        };
        let of_channel = |list| at(list, channel.get()).or_else(|| at(list, everywhere));
        if of_channel(self.command).or_else(|| of_channel(self.application)) == Some(false) {
            return Saying::Refuses;
        }
        let of_user = |list: &[Override]| {
            let own = list
                .iter()
                .find(|one| one.kind == OverrideKind::User && one.id == user.get());
            let held =
                |one: &&Override| one.kind == OverrideKind::Role && roles.iter().any(|role| role.get() == one.id);
            let mut of_roles = list.iter().filter(held).map(|one| one.allows);
            let everybody = list
                .iter()
                .find(|one| one.kind == OverrideKind::Role && one.id == guild.get());
            own.map(|one| one.allows)
                .or_else(|| of_roles.next().map(|first| first || of_roles.any(|allows| allows)))
                .or_else(|| everybody.map(|one| one.allows))
        };
        match (of_user(self.command), of_user(self.application)) {
            (Some(true), _) => Saying::Allows,
            (Some(false), _) | (None, Some(false)) => Saying::Refuses,
            (None, _) => Saying::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{
        OverrideKind::{Channel, Role, User},
        *,
    };

    fn say(command: &[(OverrideKind, u64, bool)], application: &[(OverrideKind, u64, bool)]) -> Saying {
        let list = |list: &[(OverrideKind, u64, bool)]| -> Vec<_> {
            list.iter()
                .map(|&(kind, id, allows)| Override { kind, id, allows })
                .collect()
        };
        let (command, application) = (list(command), list(application));
        let overrides = Overrides {
            command: &command,
            application: &application,
        };
        let roles = [10, 11].map(|id| RoleId::new(id).unwrap());
        overrides.say(
            GuildId::new(100).unwrap(),
            ChannelId::new(7).unwrap(),
            UserId::new(5).unwrap(),
            &roles,
        )
    }

    #[test]
    fn the_narrower_wins_and_the_commands_own_win() {
        let cases: [(&[_], &[_], _); 17] = [
            (&[], &[], Saying::Nothing),
            (&[(User, 5, true)], &[], Saying::Allows),
            (&[(User, 6, false)], &[], Saying::Nothing),
            (&[(User, 5, true), (Role, 10, false)], &[], Saying::Allows),
            (&[(Role, 10, false), (Role, 11, true)], &[], Saying::Allows),
            (&[(Role, 10, false), (Role, 100, true)], &[], Saying::Refuses),
            (&[(Role, 100, false)], &[], Saying::Refuses),
            (&[(Role, 100, true)], &[(User, 5, false)], Saying::Allows),
            (&[(Role, 12, true)], &[(User, 5, false)], Saying::Refuses),
            (&[(Channel, 7, false), (User, 5, true)], &[], Saying::Refuses),
            (&[(Channel, 99, false)], &[], Saying::Refuses),
            (&[(Channel, 99, false), (Channel, 7, true)], &[], Saying::Nothing),
            (&[(Channel, 7, true)], &[(Channel, 99, false)], Saying::Nothing),
            (&[], &[(Channel, 7, false)], Saying::Refuses),
            (&[], &[(User, 5, true)], Saying::Nothing),
            (&[], &[(Role, 100, false), (Role, 11, true)], Saying::Nothing),
            (&[(User, 5, true)], &[(Channel, 99, false)], Saying::Refuses),
        ];
        for (command, application, expected) in cases {
            assert_eq!(say(command, application), expected, "{command:?} {application:?}");
        }
    }
}
