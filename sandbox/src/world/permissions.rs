//! Discord's permission bits and the computation of a member's permissions in a channel
//! (<https://discord.com/developers/docs/topics/permissions>). Pure: facts in, bits out.

use super::{Channel, Guild};

pub(crate) const CREATE_INSTANT_INVITE: u64 = 1;
pub(crate) const KICK_MEMBERS: u64 = 1 << 1;
pub(crate) const BAN_MEMBERS: u64 = 1 << 2;
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const MANAGE_CHANNELS: u64 = 1 << 4;
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
pub(crate) const VIEW_AUDIT_LOG: u64 = 1 << 7;
pub(crate) const STREAM: u64 = 1 << 9;
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
pub(crate) const SEND_TTS_MESSAGES: u64 = 1 << 12;
pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
pub(crate) const USE_EXTERNAL_EMOJIS: u64 = 1 << 18;
pub(crate) const CONNECT: u64 = 1 << 20;
pub(crate) const SPEAK: u64 = 1 << 21;
pub(crate) const MUTE_MEMBERS: u64 = 1 << 22;
pub(crate) const DEAFEN_MEMBERS: u64 = 1 << 23;
pub(crate) const MOVE_MEMBERS: u64 = 1 << 24;
pub(crate) const USE_VAD: u64 = 1 << 25;
pub(crate) const CHANGE_NICKNAME: u64 = 1 << 26;
pub(crate) const MANAGE_NICKNAMES: u64 = 1 << 27;
pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;
pub(crate) const MANAGE_GUILD_EXPRESSIONS: u64 = 1 << 30;
pub(crate) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub(crate) const REQUEST_TO_SPEAK: u64 = 1 << 32;
pub(crate) const MANAGE_EVENTS: u64 = 1 << 33;
pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(crate) const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
pub(crate) const USE_EXTERNAL_STICKERS: u64 = 1 << 37;
pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
pub(crate) const MODERATE_MEMBERS: u64 = 1 << 40;
pub(crate) const SEND_POLLS: u64 = 1 << 49;
pub(crate) const PIN_MESSAGES: u64 = 1 << 51;
pub(crate) const BYPASS_SLOWMODE: u64 = 1 << 52;
pub(crate) const CREATE_GUILD_EXPRESSIONS: u64 = 1 << 43;
pub(crate) const CREATE_EVENTS: u64 = 1 << 44;

/// Every bit that Discord defines.
pub(crate) const ALL: u64 = (1 << 53) - 1;

/// What `@everyone` may in a new guild.
pub(crate) const EVERYONE: u64 = CREATE_INSTANT_INVITE
    | ADD_REACTIONS
    | STREAM
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_EXTERNAL_EMOJIS
    | CONNECT
    | SPEAK
    | USE_VAD
    | CHANGE_NICKNAME
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | USE_EXTERNAL_STICKERS
    | SEND_MESSAGES_IN_THREADS
    | SEND_POLLS;

/// What the role "Moderator" adds.
pub(crate) const MODERATOR: u64 =
    KICK_MEMBERS | BAN_MEMBERS | VIEW_AUDIT_LOG | MANAGE_MESSAGES | MANAGE_NICKNAMES | MODERATE_MEMBERS | PIN_MESSAGES;

/// What the bot's own role adds: generous, without administrator.
pub(crate) const BOT: u64 = EVERYONE
    | MODERATOR
    | MANAGE_CHANNELS
    | MANAGE_GUILD
    | MENTION_EVERYONE
    | MANAGE_ROLES
    | MANAGE_WEBHOOKS
    | MANAGE_THREADS
    | MANAGE_GUILD_EXPRESSIONS
    | CREATE_GUILD_EXPRESSIONS
    | CREATE_EVENTS
    | MANAGE_EVENTS
    | MUTE_MEMBERS
    | DEAFEN_MEMBERS
    | MOVE_MEMBERS
    | SEND_TTS_MESSAGES;

/// A permission overwrite of a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Overwrite {
    pub(crate) id: u64,
    /// 0: a role, 1: a member.
    pub(crate) kind: u64,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

/// What `user` may in `guild`, and in `channel` if given; nothing if the user is no member.
pub(crate) fn of(guild: &Guild, channel: Option<&Channel>, user: u64) -> u64 {
    if guild.owner_id == user {
        return ALL;
    }
    let Some(member) = guild.members.get(&user) else {
        return 0;
    };
    let holds = |role: u64| role == guild.id || member.roles.contains(&role);
    let mut bits = guild
        .roles
        .iter()
        .filter(|role| holds(role.id))
        .fold(0, |bits, role| bits | role.permissions);
    if bits & ADMINISTRATOR != 0 {
        return ALL;
    }
    if let Some(channel) = channel {
        let everyone = channel.overwrites.iter().filter(|o| o.kind == 0 && o.id == guild.id);
        for overwrite in everyone {
            bits = (bits & !overwrite.deny) | overwrite.allow;
        }
        let of_roles = || {
            channel
                .overwrites
                .iter()
                .filter(|o| o.kind == 0 && o.id != guild.id && holds(o.id))
        };
        bits &= !of_roles().fold(0, |deny, o| deny | o.deny);
        bits |= of_roles().fold(0, |allow, o| allow | o.allow);
        for overwrite in channel.overwrites.iter().filter(|o| o.kind == 1 && o.id == user) {
            bits = (bits & !overwrite.deny) | overwrite.allow;
        }
        if bits & VIEW_CHANNEL == 0 {
            return 0;
        }
    }
    bits
}

/// The name that people know a permission by, for refusals.
pub(crate) const fn name(bit: u64) -> &'static str {
    match bit {
        CREATE_INSTANT_INVITE => "Create Invite",
        KICK_MEMBERS => "Kick Members",
        BAN_MEMBERS => "Ban Members",
        MANAGE_CHANNELS => "Manage Channels",
        MANAGE_GUILD => "Manage Server",
        ADD_REACTIONS => "Add Reactions",
        VIEW_AUDIT_LOG => "View Audit Log",
        CONNECT => "Connect",
        MUTE_MEMBERS => "Mute Members",
        DEAFEN_MEMBERS => "Deafen Members",
        MOVE_MEMBERS => "Move Members",
        REQUEST_TO_SPEAK => "Request to Speak",
        MANAGE_EVENTS => "Manage Events",
        CREATE_EVENTS => "Create Events",
        CREATE_GUILD_EXPRESSIONS => "Create Expressions",
        MANAGE_GUILD_EXPRESSIONS => "Manage Expressions",
        MANAGE_WEBHOOKS => "Manage Webhooks",
        VIEW_CHANNEL => "View Channel",
        SEND_MESSAGES => "Send Messages",
        SEND_TTS_MESSAGES => "Send TTS Messages",
        SEND_POLLS => "Create Polls",
        PIN_MESSAGES => "Pin Messages",
        SEND_MESSAGES_IN_THREADS => "Send Messages in Threads",
        MANAGE_THREADS => "Manage Threads",
        CREATE_PUBLIC_THREADS => "Create Public Threads",
        CREATE_PRIVATE_THREADS => "Create Private Threads",
        MANAGE_MESSAGES => "Manage Messages",
        ATTACH_FILES => "Attach Files",
        READ_MESSAGE_HISTORY => "Read Message History",
        CHANGE_NICKNAME => "Change Nickname",
        MANAGE_NICKNAMES => "Manage Nicknames",
        MANAGE_ROLES => "Manage Roles",
        MODERATE_MEMBERS => "Time Out Members",
        _ => "a permission",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Map;

    use super::{ADMINISTRATOR, ALL, BAN_MEMBERS, Overwrite, SEND_MESSAGES, VIEW_CHANNEL, of};
    use crate::world::{Channel, Guild, Member, Role};

    const GUILD: u64 = 1;
    const OWNER: u64 = 2;
    const ALICE: u64 = 3;
    const ROLE: u64 = 4;

    fn guild(everyone: u64, role: u64) -> Guild {
        let mut alice = Member::new(String::new());
        alice.roles.push(ROLE);
        Guild {
            id: GUILD,
            name: String::new(),
            owner_id: OWNER,
            roles: vec![
                Role::new(GUILD, "@everyone", everyone, 0),
                Role::new(ROLE, "role", role, 1),
            ],
            members: BTreeMap::from([(OWNER, Member::new(String::new())), (ALICE, alice)]),
            bans: BTreeMap::new(),
            emojis: BTreeMap::new(),
            stickers: BTreeMap::new(),
            joined_at: String::new(),
            system_channel_id: None,
            settings: Map::new(),
        }
    }

    fn channel(overwrites: &[(u64, u64, u64, u64)]) -> Channel {
        let overwrites = overwrites.iter().map(|(id, kind, allow, deny)| Overwrite {
            id: *id,
            kind: *kind,
            allow: *allow,
            deny: *deny,
        });
        Channel {
            overwrites: overwrites.collect(),
            ..Channel::new(9, Some(GUILD), "")
        }
    }

    #[test]
    fn roles_add_up_and_owners_and_administrators_may_all() {
        let both = guild(VIEW_CHANNEL, BAN_MEMBERS);
        assert_eq!(of(&both, None, ALICE), VIEW_CHANNEL | BAN_MEMBERS);
        assert_eq!(of(&both, None, OWNER), ALL);
        assert_eq!(of(&both, None, 99), 0, "no member");
        assert_eq!(
            of(&guild(0, ADMINISTRATOR), Some(&channel(&[(GUILD, 0, 0, ALL)])), ALICE),
            ALL
        );
    }

    #[test]
    fn overwrites_apply_from_everyone_over_roles_to_the_member() {
        let base = guild(VIEW_CHANNEL | SEND_MESSAGES, 0);
        let may_send =
            |overwrites: &[(u64, u64, u64, u64)]| of(&base, Some(&channel(overwrites)), ALICE) & SEND_MESSAGES != 0;
        assert!(may_send(&[]));
        assert!(!may_send(&[(GUILD, 0, 0, SEND_MESSAGES)]));
        assert!(may_send(&[(GUILD, 0, 0, SEND_MESSAGES), (ROLE, 0, SEND_MESSAGES, 0)]));
        assert!(!may_send(&[(ROLE, 0, SEND_MESSAGES, 0), (ALICE, 1, 0, SEND_MESSAGES)]));
        assert!(may_send(&[(5, 0, 0, SEND_MESSAGES)]), "a role that alice lacks");
        // Who can't see a channel may nothing in it.
        assert_eq!(of(&base, Some(&channel(&[(GUILD, 0, 0, VIEW_CHANNEL)])), ALICE), 0);
    }
}
