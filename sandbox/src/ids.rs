//! Snowflakes. What a world is built of (guilds, channels, roles, people, commands) gets ids from a fixed start and a
//! counter, so that two runs of one test see the same ids. Messages and interactions carry their own age in the id and
//! real clients compute with it (an interaction is "expired" 15 minutes after its id), so by default they follow the
//! wall clock; a fixed clock makes them deterministic too.
//!
//! Layout: `(milliseconds since 2015) << 22 | worker, process, increment`
//! (<https://discord.com/developers/docs/reference#snowflakes>).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use twilight_model::util::Timestamp;

/// First millisecond of 2015, Discord's epoch, in Unix time.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;
/// 2024-01-01T00:00:00Z: when the parts of a world were "created".
const WORLD_MS: u64 = 1_704_067_200_000;
/// Milliseconds between two such parts: odd, so that guilds spread over shards.
const WORLD_STEP_MS: u64 = 61_001;
/// 2025-01-01T00:00:00Z: where the fixed clock starts.
const FIXED_MS: u64 = 1_735_689_600_000;
/// Milliseconds between two messages or interactions by the fixed clock.
const FIXED_STEP_MS: u64 = 10;

/// Where the ids of messages and interactions take their time from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Clock {
    /// The computer's clock: ages are true, ids differ from run to run.
    #[default]
    Wall,
    /// From 2025-01-01 on, ten milliseconds apart: every run gets the same ids. Clients that
    /// compare ids with their own clock see interactions as long expired.
    Fixed,
}

/// Hands out ids; never the same one twice, always growing within a kind.
#[derive(Debug)]
pub(crate) struct Ids {
    clock: Clock,
    parts: u64,
    last_timed: u64,
    skipped_ms: u64,
}

impl Ids {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            parts: 0,
            last_timed: 0,
            skipped_ms: 0,
        }
    }

    /// The id of a guild, channel, role, person or command.
    pub(crate) const fn part(&mut self) -> u64 {
        self.parts += 1;
        ((WORLD_MS + self.parts * WORLD_STEP_MS - DISCORD_EPOCH_MS) << 22) | (self.parts & 0xfff)
    }

    /// The id of a message or an interaction.
    pub(crate) fn timed(&mut self) -> u64 {
        let wanted = match self.clock {
            Clock::Wall => (unix_ms() + self.skipped_ms - DISCORD_EPOCH_MS) << 22,
            Clock::Fixed if self.last_timed == 0 => (FIXED_MS - DISCORD_EPOCH_MS) << 22,
            Clock::Fixed => ((self.last_timed >> 22) + FIXED_STEP_MS) << 22,
        };
        self.last_timed = wanted.max(self.last_timed + 1);
        self.last_timed
    }

    /// The first of 256 ids in a row, whose last byte is 0, for what comes in numbered parts.
    pub(crate) fn block(&mut self) -> u64 {
        let first = (self.timed() + 0xff) & !0xff;
        self.last_timed = first | 0xff;
        first
    }

    /// Lets time pass at once.
    pub(crate) fn advance(&mut self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX >> 23);
        self.skipped_ms += by;
        if self.clock == Clock::Fixed {
            self.last_timed = self.last_timed.max((FIXED_MS - DISCORD_EPOCH_MS) << 22) + (by << 22);
        }
    }

    /// Milliseconds since 1970 by this world's clock.
    pub(crate) fn now_ms(&self) -> u64 {
        match self.clock {
            Clock::Wall => unix_ms() + self.skipped_ms,
            Clock::Fixed => created_ms(self.last_timed).max(FIXED_MS),
        }
    }
}

/// An id as the API writes it: a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(pub(crate) u64);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Milliseconds since 1970 at which `id` was made.
pub(crate) const fn created_ms(id: u64) -> u64 {
    (id >> 22) + DISCORD_EPOCH_MS
}

/// Discord's timestamp text for `id`'s time of creation.
pub(crate) fn created_at(id: u64) -> String {
    timestamp(created_ms(id))
}

/// Discord's timestamp text (ISO 8601, microseconds, `+00:00`) for milliseconds since 1970.
pub(crate) fn timestamp(unix_ms: u64) -> String {
    i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_micros(ms.saturating_mul(1000)).ok())
        .map_or_else(
            || "1970-01-01T00:00:00.000000+00:00".to_owned(),
            |t| t.iso_8601().to_string(),
        )
}

/// Milliseconds since 1970 of a timestamp text (ISO 8601); without an offset it is UTC.
pub(crate) fn ms_of(text: &str) -> Option<u64> {
    use time::{OffsetDateTime, format_description::well_known::Iso8601};
    let read = |text: &str| OffsetDateTime::parse(text, &Iso8601::PARSING).ok();
    let read = read(text).or_else(|| read(&format!("{text}Z")))?;
    u64::try_from(read.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Milliseconds since 1970 by the computer's clock.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(FIXED_MS, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::{Clock, Ids, created_at, created_ms, ms_of, timestamp, unix_ms};

    #[test]
    fn parts_are_the_same_in_every_run_and_spread_over_shards() {
        let (mut one, mut two) = (Ids::new(Clock::Wall), Ids::new(Clock::Wall));
        let ids: Vec<u64> = (0..8).map(|_| one.part()).collect();
        assert_eq!(ids, (0..8).map(|_| two.part()).collect::<Vec<_>>());
        assert!(ids.iter().any(|id| (id >> 22) % 2 == 0) && ids.iter().any(|id| (id >> 22) % 2 == 1));
    }

    #[test]
    fn timed_ids_grow_and_tell_the_wall_clock() {
        let mut ids = Ids::new(Clock::Wall);
        let before = unix_ms();
        let made: Vec<u64> = (0..10_000).map(|_| ids.timed()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(created_ms(made[0]) >= before && created_ms(made[9_999]) <= unix_ms() + 10);
    }

    #[test]
    fn timestamps_are_read_as_clients_write_them() {
        for text in [
            "2025-01-01T00:00:00.000Z",
            "2025-01-01T00:00:00+00:00",
            "2025-01-01T01:00:00.000000+01:00",
            "2025-01-01T00:00:00",
        ] {
            assert_eq!(ms_of(text), Some(1_735_689_600_000), "{text}");
        }
        assert_eq!(ms_of(&timestamp(1_735_689_600_123)), Some(1_735_689_600_123));
        assert_eq!(ms_of("tomorrow"), None);
    }

    #[test]
    fn the_fixed_clock_repeats() {
        let (mut one, mut two) = (Ids::new(Clock::Fixed), Ids::new(Clock::Fixed));
        assert_eq!(
            (0..5).map(|_| one.timed()).collect::<Vec<_>>(),
            (0..5).map(|_| two.timed()).collect::<Vec<_>>()
        );
        assert!(created_at(one.timed()).starts_with("2025-01-01T00:00:00.05"));
    }
}
