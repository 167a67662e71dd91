//! How often sessions may be started: so many a day, so many at once, and with so many guilds each
//! (<https://discord.com/developers/docs/events/gateway#session-start-limit-object>). A resume counts for nothing.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::{rest::limits::RateLimits, time::Time};

/// The window of Discord.
const WINDOW: Duration = Duration::from_secs(5);

/// What an application may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartLimits {
    /// Shards that `GET /gateway/bot` recommends.
    pub(crate) shards: u64,
    /// Guilds that a session may have.
    pub(crate) guilds_per_shard: usize,
    /// Session starts in `reset_after`.
    pub(crate) total: u64,
    pub(crate) reset_after: Duration,
    /// Session starts in `window`, one for each remainder of the shard's id by this.
    pub(crate) max_concurrency: u64,
    /// If none is set: Discord's with real rate limits, else nothing.
    pub(crate) window: Option<Duration>,
}

impl Default for StartLimits {
    fn default() -> Self {
        Self {
            shards: 1,
            guilds_per_shard: 2500,
            total: 1000,
            reset_after: Duration::from_secs(24 * 60 * 60),
            max_concurrency: 1,
            window: None,
        }
    }
}

/// Whether a session may be started.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Start {
    Yes,
    /// Another was started in the window: invalid session.
    TooSoon,
    /// The day's are used up: Discord ends all sessions and resets the token.
    Exhausted,
}

const fn window_of(rate_limits: RateLimits) -> Duration {
    match rate_limits {
        RateLimits::Real => WINDOW,
        RateLimits::Off | RateLimits::Generous => Duration::ZERO,
    }
}

/// The session starts so far.
#[derive(Debug)]
pub(crate) struct Starts {
    pub(crate) limits: StartLimits,
    window: Duration,
    used: u64,
    since: Instant,
    /// The last start, by the shard's id modulo the concurrency.
    last: HashMap<u64, Instant>,
    time: Time,
}

impl Starts {
    pub(crate) fn new(limits: StartLimits, rate_limits: RateLimits, time: Time) -> Self {
        Self {
            window: limits.window.unwrap_or_else(|| window_of(rate_limits)),
            limits,
            used: 0,
            since: time.now(),
            last: HashMap::new(),
            time,
        }
    }

    /// Holds the window as it is held with such rate limits, unless one was set.
    pub(crate) fn follow(&mut self, rate_limits: RateLimits) {
        self.window = self.limits.window.unwrap_or_else(|| window_of(rate_limits));
    }

    /// A shard wants to start a session; it is counted if it may.
    pub(crate) fn start(&mut self, shard: u64) -> Start {
        let now = self.time.now();
        if now.saturating_duration_since(self.since) >= self.limits.reset_after {
            (self.used, self.since) = (0, now);
        }
        let bucket = shard % self.limits.max_concurrency.max(1);
        let is_soon = self
            .last
            .get(&bucket)
            .is_some_and(|last| now.saturating_duration_since(*last) < self.window);
        if is_soon {
            return Start::TooSoon;
        }
        if self.used >= self.limits.total {
            return Start::Exhausted;
        }
        if self.used == 0 {
            self.since = now;
        }
        self.used += 1;
        self.last.insert(bucket, now);
        Start::Yes
    }

    /// How many starts are left, and in how many milliseconds all of them are again.
    pub(crate) fn left(&self) -> (u64, u64) {
        let gone = self.time.now().saturating_duration_since(self.since);
        let (used, rest) = match self.limits.reset_after.checked_sub(gone) {
            Some(rest) if !rest.is_zero() => (self.used, rest),
            _ => (0, self.limits.reset_after),
        };
        let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        (self.limits.total.saturating_sub(used), rest)
    }
}
