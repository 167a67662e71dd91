//! Gateway intents: which events a session asked for
//! (<https://discord.com/developers/docs/events/gateway#list-of-intents>).

/// A set of intents.
pub(crate) type Intents = u64;

/// The event goes to everybody.
pub(crate) const NONE: Intents = 0;
pub(crate) const GUILDS: Intents = 1;
pub(crate) const GUILD_MEMBERS: Intents = 1 << 1;
pub(crate) const GUILD_MODERATION: Intents = 1 << 2;
pub(crate) const GUILD_WEBHOOKS: Intents = 1 << 5;
pub(crate) const GUILD_EXPRESSIONS: Intents = 1 << 3;
pub(crate) const GUILD_INVITES: Intents = 1 << 6;
pub(crate) const GUILD_VOICE_STATES: Intents = 1 << 7;
pub(crate) const GUILD_PRESENCES: Intents = 1 << 8;
pub(crate) const GUILD_MESSAGES: Intents = 1 << 9;
pub(crate) const GUILD_MESSAGE_REACTIONS: Intents = 1 << 10;
pub(crate) const GUILD_MESSAGE_TYPING: Intents = 1 << 11;
pub(crate) const DIRECT_MESSAGES: Intents = 1 << 12;
pub(crate) const DIRECT_MESSAGE_REACTIONS: Intents = 1 << 13;
pub(crate) const DIRECT_MESSAGE_TYPING: Intents = 1 << 14;
pub(crate) const MESSAGE_CONTENT: Intents = 1 << 15;
pub(crate) const GUILD_SCHEDULED_EVENTS: Intents = 1 << 16;

/// Intents that an application has to be allowed to use.
pub(crate) const PRIVILEGED: Intents = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;

/// All that Discord defines: 0 to 16, auto moderation (20, 21), polls (24, 25).
const VALID: Intents = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;

/// Whether Discord knows all of them; else close code 4013.
pub(crate) const fn is_valid(intents: Intents) -> bool {
    intents & !VALID == 0
}

/// Messages in a guild or in a direct channel.
pub(crate) const fn messages(in_guild: bool) -> Intents {
    if in_guild { GUILD_MESSAGES } else { DIRECT_MESSAGES }
}

/// Reactions in a guild or in a direct channel.
pub(crate) const fn reactions(in_guild: bool) -> Intents {
    if in_guild {
        GUILD_MESSAGE_REACTIONS
    } else {
        DIRECT_MESSAGE_REACTIONS
    }
}

/// Votes in polls of a guild or of a direct channel.
pub(crate) const fn polls(in_guild: bool) -> Intents {
    if in_guild { 1 << 24 } else { 1 << 25 }
}

/// Typing in a guild or in a direct channel.
pub(crate) const fn typing(in_guild: bool) -> Intents {
    if in_guild {
        GUILD_MESSAGE_TYPING
    } else {
        DIRECT_MESSAGE_TYPING
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn unknown_bits_are_invalid() {
        assert!(is_valid(0) && is_valid(53_608_447));
        for bit in [17, 19, 22, 23, 26, 40] {
            assert!(!is_valid(1 << bit), "bit {bit}");
        }
    }
}
