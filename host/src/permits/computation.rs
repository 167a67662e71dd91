//! Discord's computation of what a member may in a channel.
//!
//! Pure. Source: <https://discord.com/developers/docs/topics/permissions#permission-overwrites> and, for threads,
//! <https://discord.com/developers/docs/topics/threads#permissions>.

use plugin_protocol::{GuildId, Permissions, RoleId, UserId};

/// Marks an overwrite of a member: no permission has this bit.
const OF_MEMBER: u64 = 1 << 63;

/// A permission overwrite of a channel, in 24 bytes: a server has thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    id: u64,
    allow: u64,
    /// And whether it is a member's.
    deny: u64,
}

impl Overwrite {
    /// Of a role or a member, by Discord's number of which: 0 role, 1 member.
    #[must_use]
    pub const fn new(id: u64, kind: u8, allow: u64, deny: u64) -> Self {
        let deny = deny & !OF_MEMBER;
        Self {
            id,
            allow,
            deny: if kind == 1 { deny | OF_MEMBER } else { deny },
        }
    }

    /// The role or member, Discord's number of which it is, what is allowed, what is denied.
    #[must_use]
    pub const fn parts(self) -> (u64, u8, u64, u64) {
        let kind = if self.is_members() { 1 } else { 0 };
        (self.id, kind, self.allow, self.deny & !OF_MEMBER)
    }

    const fn is_members(self) -> bool {
        self.deny & OF_MEMBER != 0
    }

    fn apply(self, to: Permissions) -> Permissions {
        to.without(Permissions::from_bits(self.deny)) | Permissions::from_bits(self.allow)
    }
}

/// A member of a server, and where they are.
#[derive(Clone, Copy, Debug)]
pub struct Membership<'a> {
    /// The server; its id is also that of the role @everyone.
    pub guild: GuildId,
    /// The member.
    pub user: UserId,
    /// Whether the server is theirs.
    pub owns_guild: bool,
    /// Their roles, without @everyone.
    pub roles: &'a [RoleId],
    /// Whether they are timed out.
    pub timed_out: bool,
    /// Whether they are in a thread: `overwrites` are its parent's then.
    pub in_thread: bool,
    /// The channel's.
    pub overwrites: &'a [Overwrite],
}

impl Membership<'_> {
    /// What the member may there. `role` tells a role's permissions; one that it doesn't know has none.
    #[must_use]
    pub fn permissions(&self, role: impl Fn(RoleId) -> Option<Permissions>) -> Permissions {
        if self.owns_guild {
            return Permissions::ALL;
        }
        let everyone = RoleId::new(self.guild.get());
        let held = self.roles.iter().copied().chain(everyone);
        let base = held.filter_map(role).fold(Permissions::NONE, |all, one| all | one);
        if base.contains(Permissions::ADMINISTRATOR) {
            return Permissions::ALL;
        }
        let mut permissions = base;
        let of_roles = || self.overwrites.iter().filter(|overwrite| !overwrite.is_members());
        for overwrite in of_roles().filter(|overwrite| overwrite.id == self.guild.get()) {
            permissions = overwrite.apply(permissions);
        }
        let mut joined = Overwrite::new(0, 0, 0, 0);
        let is_held = |id: u64| id != self.guild.get() && self.roles.iter().any(|role| role.get() == id);
        for overwrite in of_roles().filter(|overwrite| is_held(overwrite.id)) {
            joined.allow |= overwrite.allow;
            joined.deny |= overwrite.deny;
        }
        permissions = joined.apply(permissions);
        let own = self.overwrites.iter().filter(|overwrite| overwrite.is_members());
        for overwrite in own.filter(|overwrite| overwrite.id == self.user.get()) {
            permissions = Overwrite::new(0, 0, overwrite.allow, overwrite.deny).apply(permissions);
        }
        self.implied(permissions)
    }

    /// What follows from others: <https://discord.com/developers/docs/topics/permissions#implicit-permissions>.
    fn implied(&self, mut permissions: Permissions) -> Permissions {
        if !permissions.contains(Permissions::VIEW_CHANNEL) {
            return Permissions::NONE;
        }
        if self.timed_out {
            permissions = permissions & (Permissions::VIEW_CHANNEL | Permissions::READ_MESSAGE_HISTORY);
        }
        if self.in_thread {
            // There the one stands for the other.
            permissions = permissions.without(Permissions::SEND_MESSAGES);
            if permissions.contains(Permissions::SEND_MESSAGES_IN_THREADS) {
                permissions |= Permissions::SEND_MESSAGES;
            }
        }
        if !permissions.contains(Permissions::SEND_MESSAGES) {
            permissions = permissions.without(
                Permissions::MENTION_EVERYONE
                    | Permissions::SEND_TTS_MESSAGES
                    | Permissions::ATTACH_FILES
                    | Permissions::EMBED_LINKS,
            );
        }
        permissions
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const VIEW: Permissions = Permissions::VIEW_CHANNEL;
    const SEND: Permissions = Permissions::SEND_MESSAGES;
    const EMBED: Permissions = Permissions::EMBED_LINKS;
    const BAN: Permissions = Permissions::BAN_MEMBERS;
    const IN_THREADS: Permissions = Permissions::SEND_MESSAGES_IN_THREADS;

    /// Server 1, whose role 10 may ban, role 11 everything, role 12 nothing; everybody may see, write and embed.
    fn role(id: RoleId) -> Option<Permissions> {
        match id.get() {
            1 => Some(VIEW | SEND | EMBED | IN_THREADS),
            10 => Some(BAN),
            11 => Some(Permissions::ADMINISTRATOR),
            12 => Some(Permissions::NONE),
            _ => None,
        }
    }

    fn of(roles: &[u64], overwrites: &[Overwrite], change: impl FnOnce(&mut Membership<'_>)) -> Permissions {
        let roles: Vec<_> = roles.iter().map(|&id| RoleId::new(id).unwrap()).collect();
        let mut membership = Membership {
            guild: GuildId::new(1).unwrap(),
            user: UserId::new(5).unwrap(),
            owns_guild: false,
            roles: &roles,
            timed_out: false,
            in_thread: false,
            overwrites,
        };
        change(&mut membership);
        membership.permissions(role)
    }

    fn overwrite(id: u64, allow: Permissions, deny: Permissions) -> Overwrite {
        Overwrite::new(id, 0, allow.bits(), deny.bits())
    }

    fn own(id: u64, allow: Permissions, deny: Permissions) -> Overwrite {
        Overwrite::new(id, 1, allow.bits(), deny.bits())
    }

    #[test]
    fn as_discord_documents_it() {
        let none = Permissions::NONE;
        let base = VIEW | SEND | EMBED | IN_THREADS;
        let as_is = |_: &mut Membership<'_>| {};
        assert_eq!(of(&[], &[], as_is), base);
        assert_eq!(of(&[10, 99], &[], as_is), base | BAN, "an unknown role gives nothing");
        assert_eq!(of(&[11], &[overwrite(1, none, VIEW)], as_is), Permissions::ALL);
        assert_eq!(
            of(&[], &[overwrite(1, none, VIEW)], |member| member.owns_guild = true),
            Permissions::ALL
        );
        assert_eq!(
            of(&[10], &[overwrite(1, none, VIEW)], as_is),
            none,
            "unseen, nothing is permitted"
        );
        assert_eq!(
            of(&[], &[overwrite(1, none, SEND)], as_is),
            VIEW | IN_THREADS,
            "no embeds without messages"
        );
        let roles = [
            overwrite(10, BAN, SEND),
            overwrite(12, SEND, BAN),
            overwrite(1, BAN, EMBED),
        ];
        assert_eq!(of(&[], &roles, as_is), VIEW | SEND | IN_THREADS | BAN);
        assert_eq!(of(&[12], &roles, as_is), VIEW | SEND | IN_THREADS);
        assert_eq!(
            of(&[10, 12], &roles, as_is),
            VIEW | SEND | IN_THREADS | BAN,
            "what one allows wins among roles"
        );
        assert_eq!(of(&[12], &[overwrite(12, BAN, none), own(5, none, BAN)], as_is), base);
        assert_eq!(
            of(&[], &[own(6, BAN, none), overwrite(5, BAN, none)], as_is),
            base,
            "somebody else's"
        );
        assert_eq!(of(&[10], &[], |member| member.timed_out = true), VIEW);
        assert_eq!(of(&[11], &[], |member| member.timed_out = true), Permissions::ALL);
        let threads = [overwrite(1, none, IN_THREADS)];
        assert_eq!(of(&[], &threads, |member| member.in_thread = true), VIEW);
        let only_threads = [overwrite(1, none, SEND)];
        assert_eq!(of(&[], &only_threads, |member| member.in_thread = true), base);
    }

    #[test]
    fn an_overwrite_keeps_what_it_was_made_of() {
        for kind in [0, 1] {
            assert_eq!(Overwrite::new(7, kind, 3, 4).parts(), (7, kind, 3, 4));
        }
        assert_eq!(size_of::<Overwrite>(), 24);
    }
}
