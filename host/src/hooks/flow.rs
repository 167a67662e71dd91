//! How much a plugin may emit: so many events whose callbacks run, and so many a second. Pure.
//!
//! What is too much is refused to whoever emits it, counted, and told to the owner.

use std::time::{Duration, Instant};

/// How many events of one plugin may be under way.
pub const UNDER_WAY: usize = 256;
/// How many one plugin may emit in a second, and at once.
pub const PER_SECOND: u32 = 1000;

/// What a plugin has emitted lately.
#[derive(Debug, Default)]
pub struct Flow {
    under_way: usize,
    /// The second that is being counted, and how many were emitted in it.
    second: Option<Instant>,
    emitted: u32,
    /// How many were refused since the bot's start.
    pub refused: u64,
}

/// Why an event is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// Callbacks do not keep up.
    UnderWay,
    /// It comes too fast.
    PerSecond,
}

impl Flow {
    /// Whether one more event may be emitted now; [`Flow::ended`] has to follow.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn begin(&mut self, now: Instant) -> Result<(), Flood> {
        let is_over = self
            .second
            .is_none_or(|second| now.saturating_duration_since(second) >= Duration::from_secs(1));
        if is_over {
            (self.second, self.emitted) = (Some(now), 0);
        }
        let flood = if self.under_way >= UNDER_WAY {
            Some(Flood::UnderWay)
        } else if self.emitted >= PER_SECOND {
            Some(Flood::PerSecond)
        } else {
            None
        };
        if let Some(flood) = flood {
            self.refused += 1;
            return Err(flood);
        }
        self.under_way += 1;
        self.emitted += 1;
        Ok(())
    }

    /// Whether nothing of it counts any more: none is under way, and the second that was counted is over.
    #[must_use]
    pub fn is_idle(&self, now: Instant) -> bool {
        let is_over = |second| now.saturating_duration_since(second) >= Duration::from_secs(1);
        self.under_way == 0 && self.second.is_none_or(is_over)
    }

    /// An event's callbacks have all ended.
    pub fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callbacks_do_not_keep_up_with_is_refused() {
        let (now, mut flow) = (Instant::now(), Flow::default());
        for _ in 0..UNDER_WAY {
            assert_eq!(flow.begin(now), Ok(()));
        }
        assert_eq!(flow.begin(now), Err(Flood::UnderWay));
        flow.ended();
        assert_eq!(flow.begin(now), Ok(()));
        assert_eq!(flow.refused, 1);
    }

    #[test]
    fn what_comes_too_fast_is_refused_until_the_second_is_over() {
        let (now, mut flow) = (Instant::now(), Flow::default());
        for _ in 0..PER_SECOND {
            assert_eq!(flow.begin(now), Ok(()));
            flow.ended();
        }
        assert_eq!(flow.begin(now + Duration::from_millis(999)), Err(Flood::PerSecond));
        assert_eq!(flow.begin(now + Duration::from_secs(1)), Ok(()));
    }
}
