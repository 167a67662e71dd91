//! How soon a lost connection is made again. Pure.
//!
//! Discord ends connections every now and then, and they are made again at once. A service that ends each as soon as it
//! has begun must not be called thousands of times a minute.

use std::time::{Duration, Instant};

/// How many connections may be lost shortly after one another before the next has to wait.
const AT_ONCE: u32 = 8;
/// How long it takes until one more may be lost.
const REFILL: Duration = Duration::from_secs(10);
/// The longest wait before a connection.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Decides when to connect again.
#[derive(Debug)]
pub(super) struct Pace {
    left: u32,
    refilled: Instant,
    waits: u32,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: AT_ONCE,
            refilled: now,
            waits: 0,
        }
    }

    /// How long to wait, now that a connection was lost.
    pub(super) fn lost(&mut self, now: Instant) -> Duration {
        while self.left < AT_ONCE && now.duration_since(self.refilled) >= REFILL {
            self.refilled += REFILL;
            self.left += 1;
        }
        if self.left == AT_ONCE {
            self.refilled = now;
        }
        if self.left > 0 {
            self.left -= 1;
            self.waits = 0;
            return Duration::ZERO;
        }
        self.waits += 1;
        LONGEST.min(Duration::from_secs(1 << self.waits.min(6)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_lost_all_the_time_are_made_ever_later() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        for _ in 0..AT_ONCE {
            assert_eq!(pace.lost(begin), Duration::ZERO);
        }
        let mut now = begin;
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                // Time stands still for the pace, or it would give places back.
                now += Duration::from_millis(1);
                pace.lost(now).as_secs()
            })
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pace.lost(begin + REFILL), Duration::ZERO);
        assert_eq!(pace.lost(begin + REFILL).as_secs(), 2);
        let long_after = begin + Duration::from_secs(3600);
        for _ in 0..AT_ONCE {
            assert_eq!(pace.lost(long_after), Duration::ZERO);
        }
        assert_ne!(pace.lost(long_after), Duration::ZERO);
    }
}
