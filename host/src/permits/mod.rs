//! Who may do what: one definition for commands by message, slash commands, controls, suggestions, help and `why`.
//!
//! Pure: facts in, a decision with a trace of every check out. Where facts come from, and who is told of a refusal, is not
//! decided here; no tokio, no SQL, no HTTP.

pub mod computation;
pub mod concurrency;
pub mod cooldown;
pub mod decision;
pub mod integrations;
mod overrides;
pub mod refusal;
pub mod rules;

pub use computation::{Membership, Overwrite};
pub use concurrency::{Concurrency, Slot};
pub use cooldown::{Cooldowns, Taken};
pub use decision::{Asker, Facts, Place, Step, Verdict, decide};
pub use integrations::{CommandOverrides, Integrations, KnownIntegrations};
pub use overrides::{Override, OverrideKind, Overrides};
pub use refusal::Refusal;
pub use rules::{Effect, Rule, ServerRules, Subject, Target};

use plugin_protocol::{Bucket, ChannelId, GuildId, UserId};

/// What uses of a command are counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64, pub u64);

impl Key {
    /// What this use counts for. In direct messages a server's bucket is the user's.
    #[must_use]
    pub fn of(bucket: Bucket, user: UserId, guild: Option<GuildId>, channel: ChannelId) -> Self {
        match (bucket, guild) {
            (Bucket::Global, _) => Self(0, 0),
            (Bucket::Channel, _) => Self(channel.get(), 0),
            (Bucket::Guild, Some(guild)) => Self(guild.get(), 0),
            (Bucket::Member, Some(guild)) => Self(guild.get(), user.get()),
            (Bucket::User | Bucket::Guild | Bucket::Member, _) => Self(0, user.get()),
        }
    }
}
