//! From payloads to changes: partial structs that read what is kept and skip the rest. Pure.
//!
//! A large server's members, presences and emoji are most of a `GUILD_CREATE`; they are skipped without being built, but
//! for the one member that is the bot.

use std::fmt;

use compact_str::CompactString;
use plugin_protocol::{ApplicationId, ChannelId, GuildId, RoleId, User, UserId};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::model::{ChannelEntry, GuildEntry, RoleEntry};
use crate::permits::Overwrite;

/// The events that tell anything that is kept.
pub(super) const EVENTS: &[&str] = &[
    "READY",
    "USER_UPDATE",
    "GUILD_CREATE",
    "GUILD_UPDATE",
    "GUILD_DELETE",
    "GUILD_MEMBER_ADD",
    "GUILD_MEMBER_UPDATE",
    "GUILD_MEMBER_REMOVE",
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
];

/// What an event changes.
pub(super) enum Change {
    Ready {
        user: User,
        application_id: ApplicationId,
        guilds: Vec<GuildId>,
        /// The shard's number and how many there are.
        shard: (u64, u64),
    },
    User(User),
    Guild(GuildId, GuildEntry),
    GuildUpdated {
        id: GuildId,
        name: Option<CompactString>,
        owner_id: Option<UserId>,
        roles: Option<Vec<RoleEntry>>,
    },
    GuildUnavailable(GuildId),
    GuildLeft(GuildId),
    MemberCount(GuildId, i64),
    OwnRoles(GuildId, Box<[RoleId]>),
    Role(GuildId, RoleEntry),
    RoleDeleted(GuildId, RoleId),
    Channel(GuildId, ChannelEntry),
    ChannelDeleted(GuildId, ChannelId),
    Threads {
        guild_id: GuildId,
        /// The channels that it is about; `None` for all.
        below: Option<Vec<ChannelId>>,
        threads: Vec<ChannelEntry>,
    },
}

/// Reads a payload. `None` if it changes nothing that is kept.
pub(super) fn read(event: &str, payload: &str, own_id: Option<UserId>) -> Result<Option<Change>, serde_json::Error> {
    Ok(Some(match event {
        "READY" => {
            let ready: Ready = data(payload)?;
            Change::Ready {
                user: ready.user,
                application_id: ready.application.id,
                guilds: ready.guilds.into_iter().map(|guild| guild.id).collect(),
                shard: ready.shard.unwrap_or((0, 1)),
            }
        }
        "USER_UPDATE" => Change::User(data(payload)?),
        "GUILD_CREATE" => {
            let guild: Guild<'_> = data(payload)?;
            if guild.unavailable {
                return Ok(Some(Change::GuildUnavailable(guild.id)));
            }
            let own_roles = match (guild.members, own_id) {
                (Some(members), Some(own_id)) => own_roles(members, own_id)?,
                _ => None,
            };
            let channels = guild.channels.into_iter().chain(guild.threads).map(ChannelEntry::from);
            Change::Guild(
                guild.id,
                GuildEntry {
                    name: guild.name,
                    owner_id: guild.owner_id,
                    member_count: guild.member_count,
                    unavailable: false,
                    own_roles: own_roles.unwrap_or_default(),
                    channels: channels.collect(),
                    roles: guild.roles.into_iter().map(RoleEntry::from).collect(),
                },
            )
        }
        "GUILD_UPDATE" => {
            let guild: GuildUpdate = data(payload)?;
            Change::GuildUpdated {
                id: guild.id,
                name: guild.name,
                owner_id: guild.owner_id,
                roles: guild
                    .roles
                    .map(|roles| roles.into_iter().map(RoleEntry::from).collect()),
            }
        }
        "GUILD_DELETE" => {
            let guild: Unavailable = data(payload)?;
            if guild.unavailable {
                Change::GuildUnavailable(guild.id)
            } else {
                Change::GuildLeft(guild.id)
            }
        }
        "GUILD_MEMBER_ADD" => Change::MemberCount(data::<InGuild>(payload)?.guild_id, 1),
        "GUILD_MEMBER_REMOVE" => Change::MemberCount(data::<InGuild>(payload)?.guild_id, -1),
        "GUILD_MEMBER_UPDATE" => {
            let member: MemberUpdate<'_> = data(payload)?;
            if Some(member.user.id) != own_id {
                return Ok(None);
            }
            Change::OwnRoles(member.guild_id, serde_json::from_str(member.roles.get())?)
        }
        "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
            let role: RoleInGuild = data(payload)?;
            Change::Role(role.guild_id, role.role.into())
        }
        "GUILD_ROLE_DELETE" => {
            let role: RoleDelete = data(payload)?;
            Change::RoleDeleted(role.guild_id, role.role_id)
        }
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
            let channel: ChannelInGuild = data(payload)?;
            let Some(guild_id) = channel.guild_id else {
                return Ok(None);
            };
            if channel.channel.is_archived() {
                return Ok(Some(Change::ChannelDeleted(guild_id, channel.channel.id)));
            }
            Change::Channel(guild_id, channel.channel.into())
        }
        "CHANNEL_DELETE" | "THREAD_DELETE" => {
            let channel: ChannelDelete = data(payload)?;
            let Some(guild_id) = channel.guild_id else {
                return Ok(None);
            };
            Change::ChannelDeleted(guild_id, channel.id)
        }
        "THREAD_LIST_SYNC" => {
            let list: ThreadList = data(payload)?;
            Change::Threads {
                guild_id: list.guild_id,
                below: list.channel_ids,
                threads: list.threads.into_iter().map(ChannelEntry::from).collect(),
            }
        }
        _ => return Ok(None),
    }))
}

fn data<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Payload<T> {
        d: T,
    }
    serde_json::from_str::<Payload<T>>(payload).map(|payload| payload.d)
}

#[derive(Deserialize)]
struct Ready {
    user: User,
    application: ApplicationPart,
    guilds: Vec<Unavailable>,
    #[serde(default)]
    shard: Option<(u64, u64)>,
}

#[derive(Deserialize)]
struct ApplicationPart {
    id: ApplicationId,
}

#[derive(Deserialize)]
struct Unavailable {
    id: GuildId,
    #[serde(default)]
    unavailable: bool,
}

#[derive(Deserialize)]
struct InGuild {
    guild_id: GuildId,
}

#[derive(Deserialize)]
struct Guild<'a> {
    id: GuildId,
    #[serde(default)]
    unavailable: bool,
    #[serde(default)]
    name: CompactString,
    #[serde(default)]
    owner_id: Option<UserId>,
    #[serde(default)]
    member_count: u64,
    #[serde(default)]
    channels: Vec<ChannelPart>,
    #[serde(default)]
    threads: Vec<ChannelPart>,
    #[serde(default)]
    roles: Vec<RolePart>,
    /// Looked through for the bot only.
    #[serde(default, borrow)]
    members: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct GuildUpdate {
    id: GuildId,
    #[serde(default)]
    name: Option<CompactString>,
    #[serde(default)]
    owner_id: Option<UserId>,
    #[serde(default)]
    roles: Option<Vec<RolePart>>,
}

#[derive(Deserialize)]
struct UserPart {
    id: UserId,
}

#[derive(Deserialize)]
struct MemberUpdate<'a> {
    guild_id: GuildId,
    user: UserPart,
    #[serde(borrow)]
    roles: &'a RawValue,
}

#[derive(Deserialize)]
struct RoleInGuild {
    guild_id: GuildId,
    role: RolePart,
}

#[derive(Deserialize)]
struct RoleDelete {
    guild_id: GuildId,
    role_id: RoleId,
}

#[derive(Deserialize)]
struct RolePart {
    id: RoleId,
    #[serde(default)]
    name: CompactString,
    #[serde(default, deserialize_with = "bits")]
    permissions: u64,
    #[serde(default)]
    position: i32,
}

#[derive(Deserialize)]
struct ChannelInGuild {
    #[serde(default)]
    guild_id: Option<GuildId>,
    #[serde(flatten)]
    channel: ChannelPart,
}

#[derive(Deserialize)]
struct ChannelDelete {
    id: ChannelId,
    #[serde(default)]
    guild_id: Option<GuildId>,
}

#[derive(Deserialize)]
struct ThreadList {
    guild_id: GuildId,
    #[serde(default)]
    channel_ids: Option<Vec<ChannelId>>,
    #[serde(default)]
    threads: Vec<ChannelPart>,
}

#[derive(Deserialize)]
struct ChannelPart {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: Option<CompactString>,
    #[serde(default)]
    parent_id: Option<ChannelId>,
    #[serde(default)]
    thread_metadata: Option<ThreadPart>,
    #[serde(default)]
    nsfw: bool,
    #[serde(default)]
    permission_overwrites: Vec<OverwritePart>,
}

#[derive(Deserialize)]
struct OverwritePart {
    /// A role's or a user's: of both there is only the number.
    id: RoleId,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default, deserialize_with = "bits")]
    allow: u64,
    #[serde(default, deserialize_with = "bits")]
    deny: u64,
}

#[derive(Deserialize)]
struct ThreadPart {
    #[serde(default)]
    archived: bool,
}

impl ChannelPart {
    fn is_archived(&self) -> bool {
        self.thread_metadata.as_ref().is_some_and(|thread| thread.archived)
    }
}

impl From<ChannelPart> for ChannelEntry {
    fn from(part: ChannelPart) -> Self {
        Self {
            id: part.id,
            parent_id: part.parent_id,
            name: part.name.unwrap_or_default(),
            kind: part.kind,
            nsfw: part.nsfw,
            overwrites: part
                .permission_overwrites
                .into_iter()
                .map(|part| Overwrite::new(part.id.get(), part.kind, part.allow, part.deny))
                .collect(),
        }
    }
}

impl From<RolePart> for RoleEntry {
    fn from(part: RolePart) -> Self {
        Self {
            id: part.id,
            permissions: part.permissions,
            position: part.position,
            name: part.name,
        }
    }
}

/// Permission bits: a decimal text.
fn bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Bits;
    impl Visitor<'_> for Bits {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("permission bits as a decimal text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }
    }
    deserializer.deserialize_any(Bits)
}

/// The bot's roles among a server's members, without building the others.
fn own_roles(members: &RawValue, own_id: UserId) -> Result<Option<Box<[RoleId]>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct MemberPart<'a> {
        #[serde(default)]
        user: Option<UserPart>,
        #[serde(default, borrow)]
        roles: Option<&'a RawValue>,
    }
    struct Search(UserId);
    impl<'de> Visitor<'de> for Search {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of members")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(member) = members.next_element::<MemberPart<'de>>()? {
                if member.user.is_some_and(|user| user.id == self.0) {
                    found = member.roles;
                    while members.next_element::<IgnoredAny>()?.is_some() {}
                    break;
                }
            }
            Ok(found)
        }
    }
    impl<'de> DeserializeSeed<'de> for Search {
        type Value = Option<&'de RawValue>;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_seq(self)
        }
    }
    if members.get() == "null" {
        return Ok(None);
    }
    let found = Search(own_id).deserialize(&mut serde_json::Deserializer::from_str(members.get()))?;
    found.map(|roles| serde_json::from_str(roles.get())).transpose()
}
