//! How far the limits are used up, for people to see.
//!
//! Only reading: looking changes no window, and what decides about requests does not lie here.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{GLOBAL, INVALID, Limits, RateLimits, Window};

/// Buckets that are named at most.
const SHOWN: usize = 100;

impl Limits {
    /// How they are counted.
    pub(crate) const fn mode(&self) -> RateLimits {
        self.mode
    }

    /// The windows that are running: `buckets`, those with the least left first, and with real limits `global` and `invalid`.
    /// `resets_in_ms` is in milliseconds.
    pub(crate) fn usage(&self, now: Instant) -> Value {
        let mut buckets: Vec<(u64, Value)> = self
            .buckets
            .iter()
            .filter_map(|(route, bucket)| {
                let mut shown = window(now, &bucket.window, bucket.limit, bucket.length)?;
                shown["route"] = json!(route.replacen('/', " /", 1));
                Some((bucket.limit - bucket.window.used.min(bucket.limit), shown))
            })
            .collect();
        buckets.sort_by(|(a, one), (b, other)| (a, one["route"].as_str()).cmp(&(b, other["route"].as_str())));
        buckets.truncate(SHOWN);
        let whole = |counter: &Option<Window>, (limit, length): (u64, Duration)| {
            counter.as_ref().and_then(|one| window(now, one, limit, length))
        };
        json!({
            "buckets": buckets.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>(),
            "global": whole(&self.global, GLOBAL),
            "invalid": whole(&self.invalid, INVALID),
        })
    }
}

/// A window, unless it is over.
fn window(now: Instant, window: &Window, limit: u64, length: Duration) -> Option<Value> {
    let left = length.checked_sub(now.saturating_duration_since(window.since))?;
    (!left.is_zero()).then(|| json!({ "limit": limit, "used": window.used, "resets_in_ms": left.as_millis() as u64 }))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{Limits, Particulars, RateLimits};

    #[test]
    fn what_is_used_is_shown_until_its_window_is_over() {
        let (mut limits, now) = (Limits::new(RateLimits::Real), Instant::now());
        for _ in 0..2 {
            limits.count(now, "POST", &["channels", "5", "messages"], Particulars::default());
        }
        let used = limits.usage(now + Duration::from_millis(500));
        assert_eq!(used["global"]["used"], 2);
        assert_eq!(used["buckets"][0]["route"], "POST /channels/{}/messages 5");
        assert_eq!(
            (
                used["buckets"][0]["used"].as_u64(),
                used["buckets"][0]["limit"].as_u64()
            ),
            (Some(2), Some(5))
        );
        assert_eq!(used["buckets"][0]["resets_in_ms"], 4500);
        let later = limits.usage(now + Duration::from_secs(5));
        assert!(later["global"].is_null() && later["buckets"][0].is_null(), "{later}");
    }
}
