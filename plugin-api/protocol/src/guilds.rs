//! What the host knows of a server without asking Discord: the answer to the call `guilds.get`.
//!
//! Members are not among it, since a bot sees too many of them to remember.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{Channel, ChannelId, GuildId, Member, Permissions, Role, RoleId, UserId};

/// A server, as the gateway has told of it (<https://discord.com/developers/docs/resources/guild>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guild {
    /// The server's id.
    pub id: GuildId,
    /// Its name.
    pub name: String,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// How many members it has.
    #[serde(default)]
    pub member_count: u64,
    /// All its roles, @everyone (whose id is the server's) included, in the order in which they were made.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// All its channels and active threads that the bot knows, in the order in which they were made.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The bot's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<UserId>,
    /// The bot's own roles, without @everyone.
    #[serde(default)]
    pub own_roles: Vec<RoleId>,
}

impl Guild {
    /// A role by its id.
    #[must_use]
    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// A channel or active thread by its id.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// The role of these that stands highest; `None` if there is none but @everyone.
    #[must_use]
    pub fn top_role(&self, roles: &[RoleId]) -> Option<&Role> {
        let own = self.roles.iter().filter(|role| roles.contains(&role.id));
        own.max_by_key(|role| rank(role))
    }

    /// Whether a member stands above another, so that the one may ban, kick, time out or rename the other, where
    /// permissions allow it (<https://discord.com/developers/docs/topics/permissions#permission-hierarchy>). The owner
    /// stands above all; nobody stands above themselves or the owner.
    #[must_use]
    pub fn outranks(&self, member: &Member, other: &Member) -> bool {
        self.stands_above((member.user.id, &member.roles), (other.user.id, &other.roles))
    }

    /// The same for the bot.
    #[must_use]
    pub fn bot_outranks(&self, other: &Member) -> bool {
        let other = (other.user.id, other.roles.as_slice());
        self.bot_id
            .is_some_and(|bot| self.stands_above((bot, &self.own_roles), other))
    }

    fn stands_above(&self, (one, roles): (UserId, &[RoleId]), (other, others): (UserId, &[RoleId])) -> bool {
        if one == other || self.owner_id == Some(other) {
            return false;
        }
        self.owner_id == Some(one) || self.top_role(roles).map(rank) > self.top_role(others).map(rank)
    }

    /// What these roles permit in the whole server, before any channel's own overwrites.
    #[must_use]
    pub fn permissions(&self, roles: &[RoleId]) -> Permissions {
        let own = self
            .roles
            .iter()
            .filter(|role| role.id.get() == self.id.get() || roles.contains(&role.id));
        let bits = own
            .filter_map(|role| role.permissions.parse().ok())
            .fold(0, |all, bits: u64| all | bits);
        let sum = Permissions::from_bits(bits);
        if sum.contains(Permissions::ADMINISTRATOR) {
            Permissions::ALL
        } else {
            sum
        }
    }
}

/// Of two roles at one place the older one stands above.
fn rank(role: &Role) -> (i64, Reverse<RoleId>) {
    (role.position, Reverse(role.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;

    fn guild() -> Guild {
        let role = |id: &str, position, permissions: Permissions| Role {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            guild_id: None,
            permissions: permissions.bits().to_string(),
            position,
        };
        Guild {
            id: "1".parse().unwrap(),
            name: "Home".to_owned(),
            owner_id: UserId::new(10),
            member_count: 3,
            roles: vec![
                role("1", 0, Permissions::SEND_MESSAGES),
                role("2", 1, Permissions::KICK_MEMBERS),
                role("3", 1, Permissions::NONE),
                role("4", 2, Permissions::ADMINISTRATOR),
            ],
            channels: Vec::new(),
            bot_id: UserId::new(30),
            own_roles: vec!["3".parse().unwrap()],
        }
    }

    fn member(id: u64, roles: &[&str]) -> Member {
        Member {
            user: User {
                id: UserId::new(id).unwrap(),
                username: id.to_string(),
                global_name: None,
                avatar: None,
                bot: false,
            },
            guild_id: "1".parse().unwrap(),
            nick: None,
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            joined_at: None,
            permissions: None,
        }
    }

    #[test]
    fn who_stands_above_whom() {
        let guild = guild();
        let owner = member(10, &[]);
        for (one, other, above) in [
            (member(20, &["4"]), member(21, &["2"]), true),
            (member(20, &["2"]), member(21, &["4"]), false),
            // At one place the older role stands above.
            (member(20, &["2"]), member(21, &["3"]), true),
            (member(20, &["3"]), member(21, &["2"]), false),
            (member(20, &["2"]), member(21, &["2"]), false),
            (member(20, &["2"]), member(21, &[]), true),
            (member(20, &[]), member(21, &[]), false),
            (member(20, &["2", "4"]), member(21, &["3", "4"]), false),
            (owner.clone(), member(21, &["4"]), true),
            (member(20, &["4"]), owner.clone(), false),
            (owner.clone(), owner, false),
            // A role that is gone counts nothing.
            (member(20, &["9"]), member(21, &[]), false),
        ] {
            assert_eq!(guild.outranks(&one, &other), above, "{one:?} {other:?}");
        }
        assert!(guild.bot_outranks(&member(21, &[])));
        assert!(!guild.bot_outranks(&member(21, &["2"])) && !guild.bot_outranks(&member(30, &[])));
    }

    #[test]
    fn permissions_of_roles_are_their_sum() {
        let guild = guild();
        let kicks = guild.permissions(&["2".parse().unwrap()]);
        assert_eq!(kicks, Permissions::KICK_MEMBERS.with(Permissions::SEND_MESSAGES));
        assert_eq!(guild.permissions(&["4".parse().unwrap()]), Permissions::ALL);
        assert_eq!(guild.permissions(&[]), Permissions::SEND_MESSAGES);
    }
}
