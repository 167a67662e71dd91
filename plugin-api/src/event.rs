//! Gateway events: which type belongs to which of Discord's names, which intents it needs, and reading it once.
//!
//! The types are twilight's; an event without a type of its own is handled by its name
//! (<https://discord.com/developers/docs/events/gateway-events>).

use std::{
    any::{Any, TypeId},
    cell::{Cell, RefCell},
    rc::Rc,
};

use plugin_protocol::{Event, EventSubscription};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use twilight_model::gateway::{Intents, payload::incoming};

use crate::{
    Error, Result,
    definition::EventDef,
    runtime::{Awaited, Owned},
};

/// A type of event that `#[event]` can handle by its type alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of a gateway event",
    label = "not an event",
    note = "use a type of plugin_api::model::gateway::payload::incoming, or name the event: #[event(\"NAME\")]"
)]
pub trait GatewayEvent: DeserializeOwned + Clone + 'static {
    /// Discord's name of the event.
    const NAME: &'static str;
    /// The bits of the intents by which it comes, in servers and in direct messages.
    const INTENTS: u64 = intents(Self::NAME);
}

macro_rules! events {
    ($($name:literal $type:ident: $($intent:ident)*,)*) => {
        $(
            impl GatewayEvent for incoming::$type {
                const NAME: &'static str = $name;
            }
        )*

        /// The bits of the intents by which the event of that name comes; 0 if it always does, or isn't known.
        #[must_use]
        pub const fn intents(name: &str) -> u64 {
            $(
                if same(name, $name) {
                    return 0 $(| Intents::$intent.bits())*;
                }
            )*
            0
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    };
}

// https://discord.com/developers/docs/events/gateway#list-of-intents
events! {
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE" CommandPermissionsUpdate: ,
    "AUTO_MODERATION_ACTION_EXECUTION" AutoModerationActionExecution: AUTO_MODERATION_EXECUTION,
    "AUTO_MODERATION_RULE_CREATE" AutoModerationRuleCreate: AUTO_MODERATION_CONFIGURATION,
    "AUTO_MODERATION_RULE_DELETE" AutoModerationRuleDelete: AUTO_MODERATION_CONFIGURATION,
    "AUTO_MODERATION_RULE_UPDATE" AutoModerationRuleUpdate: AUTO_MODERATION_CONFIGURATION,
    "CHANNEL_CREATE" ChannelCreate: GUILDS,
    "CHANNEL_DELETE" ChannelDelete: GUILDS,
    "CHANNEL_PINS_UPDATE" ChannelPinsUpdate: GUILDS DIRECT_MESSAGES,
    "CHANNEL_UPDATE" ChannelUpdate: GUILDS,
    "ENTITLEMENT_CREATE" EntitlementCreate: ,
    "ENTITLEMENT_DELETE" EntitlementDelete: ,
    "ENTITLEMENT_UPDATE" EntitlementUpdate: ,
    "GUILD_AUDIT_LOG_ENTRY_CREATE" GuildAuditLogEntryCreate: GUILD_MODERATION,
    "GUILD_BAN_ADD" BanAdd: GUILD_MODERATION,
    "GUILD_BAN_REMOVE" BanRemove: GUILD_MODERATION,
    "GUILD_CREATE" GuildCreate: GUILDS,
    "GUILD_DELETE" GuildDelete: GUILDS,
    "GUILD_EMOJIS_UPDATE" GuildEmojisUpdate: GUILD_EMOJIS_AND_STICKERS,
    "GUILD_INTEGRATIONS_UPDATE" GuildIntegrationsUpdate: GUILD_INTEGRATIONS,
    "GUILD_MEMBERS_CHUNK" MemberChunk: ,
    "GUILD_MEMBER_ADD" MemberAdd: GUILD_MEMBERS,
    "GUILD_MEMBER_REMOVE" MemberRemove: GUILD_MEMBERS,
    "GUILD_MEMBER_UPDATE" MemberUpdate: GUILD_MEMBERS,
    "GUILD_ROLE_CREATE" RoleCreate: GUILDS,
    "GUILD_ROLE_DELETE" RoleDelete: GUILDS,
    "GUILD_ROLE_UPDATE" RoleUpdate: GUILDS,
    "GUILD_SCHEDULED_EVENT_CREATE" GuildScheduledEventCreate: GUILD_SCHEDULED_EVENTS,
    "GUILD_SCHEDULED_EVENT_DELETE" GuildScheduledEventDelete: GUILD_SCHEDULED_EVENTS,
    "GUILD_SCHEDULED_EVENT_UPDATE" GuildScheduledEventUpdate: GUILD_SCHEDULED_EVENTS,
    "GUILD_SCHEDULED_EVENT_USER_ADD" GuildScheduledEventUserAdd: GUILD_SCHEDULED_EVENTS,
    "GUILD_SCHEDULED_EVENT_USER_REMOVE" GuildScheduledEventUserRemove: GUILD_SCHEDULED_EVENTS,
    "GUILD_STICKERS_UPDATE" GuildStickersUpdate: GUILD_EMOJIS_AND_STICKERS,
    "GUILD_UPDATE" GuildUpdate: GUILDS,
    "INTEGRATION_CREATE" IntegrationCreate: GUILD_INTEGRATIONS,
    "INTEGRATION_DELETE" IntegrationDelete: GUILD_INTEGRATIONS,
    "INTEGRATION_UPDATE" IntegrationUpdate: GUILD_INTEGRATIONS,
    "INTERACTION_CREATE" InteractionCreate: ,
    "INVITE_CREATE" InviteCreate: GUILD_INVITES,
    "INVITE_DELETE" InviteDelete: GUILD_INVITES,
    "MESSAGE_CREATE" MessageCreate: GUILD_MESSAGES DIRECT_MESSAGES,
    "MESSAGE_DELETE" MessageDelete: GUILD_MESSAGES DIRECT_MESSAGES,
    "MESSAGE_DELETE_BULK" MessageDeleteBulk: GUILD_MESSAGES,
    "MESSAGE_POLL_VOTE_ADD" MessagePollVoteAdd: GUILD_MESSAGE_POLLS DIRECT_MESSAGE_POLLS,
    "MESSAGE_POLL_VOTE_REMOVE" MessagePollVoteRemove: GUILD_MESSAGE_POLLS DIRECT_MESSAGE_POLLS,
    "MESSAGE_REACTION_ADD" ReactionAdd: GUILD_MESSAGE_REACTIONS DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_REACTION_REMOVE" ReactionRemove: GUILD_MESSAGE_REACTIONS DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_REACTION_REMOVE_ALL" ReactionRemoveAll: GUILD_MESSAGE_REACTIONS DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_REACTION_REMOVE_EMOJI" ReactionRemoveEmoji: GUILD_MESSAGE_REACTIONS DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_UPDATE" MessageUpdate: GUILD_MESSAGES DIRECT_MESSAGES,
    "PRESENCE_UPDATE" PresenceUpdate: GUILD_PRESENCES,
    "RATE_LIMITED" RateLimited: ,
    "READY" Ready: ,
    "STAGE_INSTANCE_CREATE" StageInstanceCreate: GUILDS,
    "STAGE_INSTANCE_DELETE" StageInstanceDelete: GUILDS,
    "STAGE_INSTANCE_UPDATE" StageInstanceUpdate: GUILDS,
    "SUBSCRIPTION_CREATE" SubscriptionCreate: ,
    "SUBSCRIPTION_DELETE" SubscriptionDelete: ,
    "SUBSCRIPTION_UPDATE" SubscriptionUpdate: ,
    "THREAD_CREATE" ThreadCreate: GUILDS,
    "THREAD_DELETE" ThreadDelete: GUILDS,
    "THREAD_LIST_SYNC" ThreadListSync: GUILDS,
    "THREAD_MEMBERS_UPDATE" ThreadMembersUpdate: GUILDS GUILD_MEMBERS,
    "THREAD_MEMBER_UPDATE" ThreadMemberUpdate: GUILDS,
    "THREAD_UPDATE" ThreadUpdate: GUILDS,
    "TYPING_START" TypingStart: GUILD_MESSAGE_TYPING DIRECT_MESSAGE_TYPING,
    "USER_UPDATE" UserUpdate: ,
    "VOICE_SERVER_UPDATE" VoiceServerUpdate: ,
    "VOICE_STATE_UPDATE" VoiceStateUpdate: GUILD_VOICE_STATES,
    "WEBHOOKS_UPDATE" WebhooksUpdate: GUILD_WEBHOOKS,
}

pub(crate) const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// One event on its way to all handlers of its name.
pub(crate) struct Payload {
    event: Event,
    envelope: Owned,
    readers: Cell<usize>,
    /// What was read, by type: several handlers read it once.
    read: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    /// Whose handlers wait for their turn.
    turns: Rc<Awaited>,
}

#[derive(Deserialize)]
struct Dispatch<T> {
    d: T,
}

impl Payload {
    pub(crate) fn new(event: Event, envelope: Owned) -> Self {
        Self {
            event,
            envelope,
            readers: Cell::new(0),
            read: RefCell::default(),
            turns: Rc::default(),
        }
    }

    /// Which of its handlers wait for their turn.
    pub(crate) fn turns(&self) -> &Rc<Awaited> {
        &self.turns
    }

    pub(crate) fn name(&self) -> &str {
        &self.event.name
    }

    pub(crate) fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.envelope.tail()
    }

    pub(crate) fn expect_readers(&self, readers: usize) {
        self.readers.set(readers);
    }

    /// The event as `T`, read once for all handlers of the same type.
    pub(crate) fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T> {
        let parse = || -> Result<T> {
            let dispatch: Dispatch<T> = serde_json::from_slice(self.bytes())
                .map_err(|error| Error::new(format!("the event {} can't be read: {error}", self.name())))?;
            Ok(dispatch.d)
        };
        if self.readers.get() <= 1 {
            return parse();
        }
        let known = self
            .read
            .borrow()
            .iter()
            .find(|(id, _)| *id == TypeId::of::<T>())
            .map(|(_, value)| value.clone());
        if let Some(value) = known.and_then(|value| value.downcast::<T>().ok()) {
            return Ok(T::clone(&value));
        }
        let value = parse()?;
        self.read.borrow_mut().push((TypeId::of::<T>(), Rc::new(value.clone())));
        Ok(value)
    }

    /// Whether this handler wants it. The host filters too, but for all handlers of a name at once.
    pub(crate) fn passes<S>(&self, handler: &EventDef<S>) -> bool {
        let filters = [
            handler.guild_only,
            handler.ignore_bots,
            handler.direct_only,
            handler.bots_only,
        ];
        if !filters.contains(&true) {
            return true;
        }
        let Some(origin) = self.origin() else {
            return true;
        };
        let wanted = EventSubscription {
            name: String::new(),
            guild_only: handler.guild_only,
            ignore_bots: handler.ignore_bots,
            direct_only: handler.direct_only,
            bots_only: handler.bots_only,
        };
        wanted.wants(origin.in_guild(self.name()), origin.by_bot())
    }

    /// What it has in common with others that take turns with it; `None` if it belongs to nothing of that kind.
    pub(crate) fn turn(&self, by: TurnBy) -> Option<u64> {
        let origin = self.origin()?;
        let name = self.name();
        let own = |prefix: &str| name.starts_with(prefix).then_some(origin.id).flatten();
        let user = || {
            let member = origin.member.as_ref().and_then(|member| member.user.as_ref());
            let causers = [origin.author.as_ref(), origin.user.as_ref(), member];
            causers
                .into_iter()
                .flatten()
                .find_map(|causer| causer.id)
                .or(origin.user_id)
        };
        let channel = || origin.channel_id.or_else(|| own("CHANNEL_").or_else(|| own("THREAD_")));
        let found = match by {
            TurnBy::Message => origin.message_id.or_else(|| own("MESSAGE_")),
            TurnBy::User => user(),
            TurnBy::Channel => channel(),
            // Direct messages are of no server: those of a channel take turns.
            TurnBy::Guild => origin.guild_id.or_else(|| own("GUILD_")).or_else(channel),
        };
        found.map(|id| id.0)
    }

    fn origin(&self) -> Option<Origin> {
        let read = serde_json::from_slice::<Dispatch<Origin>>(self.bytes());
        read.ok().map(|Dispatch { d }| d)
    }
}

/// By what events take turns at a handler that takes them one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnBy {
    /// The message that they are about.
    Message,
    /// The person who caused them.
    User,
    /// Their channel.
    Channel,
    /// Their server; in direct messages their channel.
    Guild,
}

/// An id, written as a text or a number; whatever else stands there is none.
#[derive(Clone, Copy)]
struct Id(u64);

/// An id that may be missing or something else.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let text = value.as_str().and_then(|text| text.parse().ok());
    Ok(text.or_else(|| value.as_u64()).map(Id))
}

/// Where an event came from and who caused it, where it tells.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Origin {
    #[serde(deserialize_with = "id")]
    id: Option<Id>,
    #[serde(deserialize_with = "id")]
    guild_id: Option<Id>,
    #[serde(deserialize_with = "id")]
    channel_id: Option<Id>,
    #[serde(deserialize_with = "id")]
    message_id: Option<Id>,
    #[serde(deserialize_with = "id")]
    user_id: Option<Id>,
    webhook_id: Option<serde::de::IgnoredAny>,
    author: Option<Causer>,
    user: Option<Causer>,
    member: Option<CausingMember>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Causer {
    #[serde(deserialize_with = "id")]
    id: Option<Id>,
    bot: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CausingMember {
    user: Option<Causer>,
}

impl Origin {
    fn in_guild(&self, name: &str) -> bool {
        self.guild_id.is_some() || matches!(name, "GUILD_CREATE" | "GUILD_UPDATE" | "GUILD_DELETE") && self.id.is_some()
    }

    fn by_bot(&self) -> bool {
        let member = self.member.as_ref().and_then(|member| member.user.as_ref());
        let causers = [self.author.as_ref(), self.user.as_ref(), member];
        self.webhook_id.is_some() || causers.into_iter().flatten().any(|causer| causer.bot)
    }
}

#[cfg(test)]
mod tests {
    use plugin_abi::Envelope;
    use twilight_model::gateway::event::EventType;

    use super::*;

    #[test]
    fn the_names_are_those_that_twilight_knows() {
        for name in NAMES {
            // Its serde names are complete; its `TryFrom<&str>` lacks some.
            let kind: EventType = serde_json::from_value((*name).into()).expect(name);
            assert_eq!(kind.name(), Some(*name));
        }
    }

    #[test]
    fn the_macros_know_the_name_of_every_type() {
        let known = include_str!("../macros/src/event_names.rs");
        for name in NAMES {
            assert!(known.contains(&format!("\n    \"{name}\",\n")), "{name}");
        }
    }

    #[test]
    fn events_name_their_intents() {
        assert_eq!(incoming::MemberAdd::INTENTS, 1 << 1);
        assert_eq!(incoming::MessageCreate::INTENTS, (1 << 9) | (1 << 12));
        assert_eq!(intents("INTERACTION_CREATE"), 0);
        assert_eq!(intents("SOMETHING_NEW"), 0);
    }

    fn payload(name: &str, d: &str) -> Payload {
        let bytes = format!(r#"{{"t":"{name}","s":1,"op":0,"d":{d}}}"#);
        let inbox = crate::runtime::Owned::from(&Envelope::new(21, 0, 1, b"{}", bytes.as_bytes()));
        Payload::new(
            Event {
                name: name.to_owned(),
                shard: 0,
                sequence: 1,
            },
            inbox,
        )
    }

    #[test]
    fn filters_look_at_server_and_causer() {
        let guild = payload("MESSAGE_CREATE", r#"{"guild_id":"1","author":{"id":"2"}}"#);
        let direct = payload("MESSAGE_CREATE", r#"{"author":{"id":"2","bot":true}}"#);
        let joined = payload("GUILD_MEMBER_ADD", r#"{"guild_id":"1","user":{"id":"2","bot":true}}"#);
        let server = payload("GUILD_CREATE", r#"{"id":"1"}"#);
        for (case, guild_only, ignore_bots, passes) in [
            (&guild, true, true, true),
            (&direct, true, false, false),
            (&direct, false, true, false),
            (&direct, false, false, true),
            (&joined, true, true, false),
            (&joined, true, false, true),
            (&server, true, true, true),
        ] {
            let handler: EventDef<()> = EventDef {
                name: "",
                handler: "",
                intents: 0,
                guild_only,
                ignore_bots,
                direct_only: false,
                bots_only: false,
                one_at_a_time: None,
                run: |_| Box::pin(async { Ok(()) }),
            };
            assert_eq!(case.passes(&handler), passes, "{}", case.name());
            let opposite = EventDef {
                guild_only: false,
                ignore_bots: false,
                direct_only: guild_only,
                bots_only: ignore_bots,
                ..handler
            };
            if guild_only != ignore_bots {
                assert_ne!(case.passes(&opposite), passes, "{}", case.name());
            }
        }
    }

    #[test]
    fn turns_are_taken_by_what_an_event_belongs_to() {
        use TurnBy::{Channel, Guild, Message, User};
        let written = payload(
            "MESSAGE_CREATE",
            r#"{"id":"4","guild_id":"1","channel_id":"2","author":{"id":"3"}}"#,
        );
        let direct = payload("MESSAGE_CREATE", r#"{"id":"4","channel_id":"2","author":{"id":"3"}}"#);
        let reacted = payload(
            "MESSAGE_REACTION_ADD",
            r#"{"message_id":"4","channel_id":"2","user_id":"3"}"#,
        );
        let joined = payload("GUILD_MEMBER_ADD", r#"{"guild_id":"1","user":{"id":"3"}}"#);
        let made = payload("CHANNEL_CREATE", r#"{"id":"2","guild_id":"1"}"#);
        let ready = payload("READY", r#"{"user":5}"#);
        for (event, turns) in [
            (&written, [Some(4), Some(3), Some(2), Some(1)]),
            (&direct, [Some(4), Some(3), Some(2), Some(2)]),
            (&reacted, [Some(4), Some(3), Some(2), Some(2)]),
            (&joined, [None, Some(3), None, Some(1)]),
            (&made, [None, None, Some(2), Some(1)]),
            (&ready, [None; 4]),
        ] {
            assert_eq!(
                [Message, User, Channel, Guild].map(|by| event.turn(by)),
                turns,
                "{}",
                event.name()
            );
        }
    }

    #[test]
    fn several_readers_read_once() {
        #[derive(Clone, Deserialize)]
        struct Counted(#[serde(deserialize_with = "count")] u32);
        thread_local!(static READS: Cell<u32> = const { Cell::new(0) });
        fn count<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
            READS.set(READS.get() + 1);
            u32::deserialize(deserializer)
        }
        let payload = payload("X", "7");
        payload.expect_readers(2);
        assert_eq!(payload.read::<Counted>().expect("a number").0, 7);
        assert_eq!(payload.read::<Counted>().expect("a number").0, 7);
        assert_eq!(READS.get(), 1);
        assert_eq!(payload.read::<serde_json::Value>().expect("a number"), 7);
    }
}
