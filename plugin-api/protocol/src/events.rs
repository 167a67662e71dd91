//! The gateway events that a plugin handles, and how much of them waits for it.
//!
//! What is decided here is decided in the host, before anything is copied; what a handler asks beyond that, its plugin sees
//! to.

use std::ops::Not;

use serde::{Deserialize, Serialize};

/// A gateway event that the plugin handles. A plugin may have several of one name: it gets an event that one of them wants.
#[allow(clippy::struct_excessive_bools, reason = "each is a filter of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSubscription {
    /// Discord's name of the event, such as `MESSAGE_CREATE`.
    pub name: String,
    /// Only events of servers.
    #[serde(default)]
    pub guild_only: bool,
    /// Not the ones that a bot (this one included) or a webhook caused, where the event tells.
    #[serde(default)]
    pub ignore_bots: bool,
    /// Only what belongs to no server: direct messages.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub direct_only: bool,
    /// Only what a bot or a webhook caused.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub bots_only: bool,
}

impl EventSubscription {
    /// Whether it wants an event that is of a server, or not, and was caused by a bot, or not.
    #[must_use]
    pub const fn wants(&self, of_guild: bool, by_bot: bool) -> bool {
        let place = if of_guild { !self.direct_only } else { !self.guild_only };
        place && if by_bot { !self.ignore_bots } else { !self.bots_only }
    }
}

/// How much of a plugin's events waits for it in the host while it is slow. Commands and clicks never wait behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQueue {
    /// How many bytes of events, as they came.
    pub bytes: u64,
    /// What is dropped when there are more.
    #[serde(default)]
    pub overflow: Overflow,
}

impl EventQueue {
    /// The smallest queue, in bytes.
    pub const LEAST: u64 = 1 << 10;
    /// The largest queue, in bytes.
    pub const MOST: u64 = 256 << 20;

    /// The same within the limits.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            bytes: self.bytes.clamp(Self::LEAST, Self::MOST),
            ..self
        }
    }

    /// Whether it is what a plugin gets that says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for EventQueue {
    /// 8 MiB, some ten thousand messages; the oldest make room.
    fn default() -> Self {
        Self {
            bytes: 8 << 20,
            overflow: Overflow::DropOldest,
        }
    }
}

/// What is dropped of events for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// What has come last: for whoever must have a beginning without gaps.
    DropNewest,
    /// What has waited longest: for whoever wants to know how things are now.
    #[default]
    #[serde(other)]
    DropOldest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_excludes_what_it_says_and_nothing_else() {
        let all = EventSubscription::default();
        let with = |change: fn(&mut EventSubscription)| {
            let mut subscription = all.clone();
            change(&mut subscription);
            [(true, false), (true, true), (false, false), (false, true)]
                .map(|(of_guild, by_bot)| subscription.wants(of_guild, by_bot))
        };
        assert_eq!(with(|_| ()), [true; 4]);
        assert_eq!(with(|s| s.guild_only = true), [true, true, false, false]);
        assert_eq!(with(|s| s.direct_only = true), [false, false, true, true]);
        assert_eq!(with(|s| s.ignore_bots = true), [true, false, true, false]);
        assert_eq!(with(|s| s.bots_only = true), [false, true, false, true]);
        assert_eq!(
            with(|s| (s.guild_only, s.ignore_bots) = (true, true)),
            [true, false, false, false]
        );
    }

    #[test]
    fn a_policy_that_is_not_known_drops_the_oldest() {
        let read = |text| {
            serde_json::from_str::<EventQueue>(text)
                .map(|queue| queue.overflow)
                .ok()
        };
        assert_eq!(
            read(r#"{"bytes":1,"overflow":"drop_newest"}"#),
            Some(Overflow::DropNewest)
        );
        assert_eq!(
            read(r#"{"bytes":1,"overflow":"drop_some"}"#),
            Some(Overflow::DropOldest)
        );
        assert_eq!(read(r#"{"bytes":1}"#), Some(Overflow::DropOldest));
    }
}
