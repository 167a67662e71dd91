//! What a command asks before it runs: where, how often, how many at a time; and what people see of it meanwhile.
//!
//! Data only, as the author declares it. Who may run what is decided by the host, and nowhere else.

use serde::{Deserialize, Serialize};

/// Where a command can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contexts {
    /// In servers and in direct messages with the bot.
    #[default]
    Everywhere,
    /// In servers only.
    Guild,
    /// In direct messages with the bot only.
    DirectMessages,
    /// Somewhere that this side doesn't know.
    #[serde(other)]
    Unknown,
}

impl Contexts {
    /// Whether it is for everywhere: left out of what is sent.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        *self == Self::Everywhere
    }
}

/// How often a command may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CooldownRule {
    /// As often as the owner's configuration says for commands that say nothing.
    #[default]
    Default,
    /// As often as somebody likes.
    None,
    /// So often.
    Of(Cooldown),
}

impl CooldownRule {
    /// Whether nothing was said: left out of what is sent.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

/// So many uses in so much time, counted by whom or where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// How many uses in a row.
    pub uses: u32,
    /// In how many milliseconds all of them come back.
    pub per_ms: u64,
    /// What they are counted for.
    #[serde(default)]
    pub bucket: Bucket,
}

/// How many of one command may run at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// At most so many.
    pub most: u32,
    /// What they are counted for.
    #[serde(default)]
    pub bucket: Bucket,
}

/// What uses are counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Each server; in direct messages each user.
    Guild,
    /// Each channel.
    Channel,
    /// Each user in each server.
    Member,
    /// Everybody together.
    Global,
    /// Each user, wherever they are.
    #[default]
    #[serde(other)]
    User,
}

/// How an interaction is deferred whose handler has not answered after 2 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defer {
    /// Only the one who asked sees the answer.
    Ephemeral,
    /// Not at all: the handler opens a form, or is always quick.
    Never,
    /// Everybody sees the answer.
    #[default]
    #[serde(other)]
    Public,
}

impl Defer {
    /// Whether it is what holds unless said otherwise: left out of what is sent.
    #[must_use]
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }
}
