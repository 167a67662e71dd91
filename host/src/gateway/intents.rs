//! What to ask the gateway for: from the events that plugins handle to Discord's intents. Pure.
//!
//! <https://discord.com/developers/docs/events/gateway#list-of-intents>

use twilight_model::gateway::Intents;

use crate::config::IntentChoice;

/// Intents that must be switched on for the application.
pub const PRIVILEGED: Intents = Intents::GUILD_MEMBERS
    .union(Intents::GUILD_PRESENCES)
    .union(Intents::MESSAGE_CONTENT);

/// What the host itself needs: servers with their channels and roles, and messages with their text for prefix commands.
pub const OWN: Intents = Intents::GUILDS
    .union(Intents::GUILD_MESSAGES)
    .union(Intents::DIRECT_MESSAGES)
    .union(Intents::MESSAGE_CONTENT);

/// The intents to identify with: as set, else the host's own and those of the events that plugins handle.
///
/// `declared` is what manifests ask for beyond the events' own.
#[must_use]
pub fn wanted<'a>(choice: IntentChoice, events: impl IntoIterator<Item = &'a str>, declared: Intents) -> Intents {
    match choice {
        IntentChoice::Only(intents) => intents,
        IntentChoice::Auto => events
            .into_iter()
            .map(of_event)
            .fold(OWN | declared, |all, one| all | one),
    }
}

/// The intents by which an event comes; empty for those that always come and for names that Discord does not have.
#[must_use]
pub fn of_event(name: &str) -> Intents {
    EVENTS
        .iter()
        .find(|(_, names)| names.contains(&name))
        .map_or(Intents::empty(), |(intents, _)| *intents)
}

const BOTH_MESSAGES: Intents = Intents::GUILD_MESSAGES.union(Intents::DIRECT_MESSAGES);
const BOTH_REACTIONS: Intents = Intents::GUILD_MESSAGE_REACTIONS.union(Intents::DIRECT_MESSAGE_REACTIONS);
const BOTH_TYPING: Intents = Intents::GUILD_MESSAGE_TYPING.union(Intents::DIRECT_MESSAGE_TYPING);
const BOTH_POLLS: Intents = Intents::GUILD_MESSAGE_POLLS.union(Intents::DIRECT_MESSAGE_POLLS);

const EVENTS: &[(Intents, &[&str])] = &[
    (
        Intents::GUILDS,
        &[
            "GUILD_CREATE",
            "GUILD_UPDATE",
            "GUILD_DELETE",
            "GUILD_ROLE_CREATE",
            "GUILD_ROLE_UPDATE",
            "GUILD_ROLE_DELETE",
            "CHANNEL_CREATE",
            "CHANNEL_UPDATE",
            "CHANNEL_DELETE",
            "THREAD_CREATE",
            "THREAD_UPDATE",
            "THREAD_DELETE",
            "THREAD_LIST_SYNC",
            "THREAD_MEMBER_UPDATE",
            "STAGE_INSTANCE_CREATE",
            "STAGE_INSTANCE_UPDATE",
            "STAGE_INSTANCE_DELETE",
            "VOICE_CHANNEL_STATUS_UPDATE",
            "VOICE_CHANNEL_EFFECT_SEND",
        ],
    ),
    (Intents::GUILDS.union(BOTH_MESSAGES), &["CHANNEL_PINS_UPDATE"]),
    (
        Intents::GUILDS.union(Intents::GUILD_MEMBERS),
        &["THREAD_MEMBERS_UPDATE"],
    ),
    (
        Intents::GUILD_MEMBERS,
        &["GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"],
    ),
    (
        Intents::GUILD_MODERATION,
        &["GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE"],
    ),
    (
        Intents::GUILD_EMOJIS_AND_STICKERS,
        &[
            "GUILD_EMOJIS_UPDATE",
            "GUILD_STICKERS_UPDATE",
            "GUILD_SOUNDBOARD_SOUND_CREATE",
            "GUILD_SOUNDBOARD_SOUND_UPDATE",
            "GUILD_SOUNDBOARD_SOUND_DELETE",
            "GUILD_SOUNDBOARD_SOUNDS_UPDATE",
        ],
    ),
    (
        Intents::GUILD_INTEGRATIONS,
        &[
            "GUILD_INTEGRATIONS_UPDATE",
            "INTEGRATION_CREATE",
            "INTEGRATION_UPDATE",
            "INTEGRATION_DELETE",
        ],
    ),
    (Intents::GUILD_WEBHOOKS, &["WEBHOOKS_UPDATE"]),
    (Intents::GUILD_INVITES, &["INVITE_CREATE", "INVITE_DELETE"]),
    (Intents::GUILD_VOICE_STATES, &["VOICE_STATE_UPDATE"]),
    (Intents::GUILD_PRESENCES, &["PRESENCE_UPDATE"]),
    (BOTH_MESSAGES, &["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]),
    (Intents::GUILD_MESSAGES, &["MESSAGE_DELETE_BULK"]),
    (
        BOTH_REACTIONS,
        &[
            "MESSAGE_REACTION_ADD",
            "MESSAGE_REACTION_REMOVE",
            "MESSAGE_REACTION_REMOVE_ALL",
            "MESSAGE_REACTION_REMOVE_EMOJI",
        ],
    ),
    (BOTH_TYPING, &["TYPING_START"]),
    (BOTH_POLLS, &["MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE"]),
    (
        Intents::GUILD_SCHEDULED_EVENTS,
        &[
            "GUILD_SCHEDULED_EVENT_CREATE",
            "GUILD_SCHEDULED_EVENT_UPDATE",
            "GUILD_SCHEDULED_EVENT_DELETE",
            "GUILD_SCHEDULED_EVENT_USER_ADD",
            "GUILD_SCHEDULED_EVENT_USER_REMOVE",
        ],
    ),
    (
        Intents::AUTO_MODERATION_CONFIGURATION,
        &[
            "AUTO_MODERATION_RULE_CREATE",
            "AUTO_MODERATION_RULE_UPDATE",
            "AUTO_MODERATION_RULE_DELETE",
        ],
    ),
    (
        Intents::AUTO_MODERATION_EXECUTION,
        &["AUTO_MODERATION_ACTION_EXECUTION"],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_host_alone_asks_for_what_prefix_commands_need() {
        let wanted = wanted(IntentChoice::Auto, [], Intents::empty());
        assert_eq!(wanted.bits(), 1 | 1 << 9 | 1 << 12 | 1 << 15);
    }

    #[test]
    fn events_of_plugins_add_theirs_and_a_setting_overrides_all() {
        let events = [
            "GUILD_MEMBER_ADD",
            "MESSAGE_REACTION_ADD",
            "INTERACTION_CREATE",
            "NO_SUCH_EVENT",
        ];
        let declared = Intents::GUILD_INVITES;
        let auto = wanted(IntentChoice::Auto, events, declared);
        assert_eq!(
            auto,
            OWN | Intents::GUILD_MEMBERS | BOTH_REACTIONS | Intents::GUILD_INVITES
        );
        let only = wanted(IntentChoice::Only(Intents::GUILDS), events, declared);
        assert_eq!(only, Intents::GUILDS);
    }

    #[test]
    fn every_intent_but_content_is_reachable_and_no_event_stands_twice() {
        let reachable = EVENTS.iter().fold(Intents::empty(), |all, (intents, _)| all | *intents);
        assert_eq!(reachable, Intents::all() - Intents::MESSAGE_CONTENT);
        let names: Vec<&str> = EVENTS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
