//! What a plugin has asked of the host, by kind, and how often it may: counted without a lock.
//!
//! Room for what is under way is `room`'s; this bounds a loop that asks and asks, each time waiting for the answer. A
//! burst of all that may be under way at a time is let through.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use plugin_protocol::{Problem, ProblemCode, kind, lane::RequestFigures};

/// REST calls a second: twice what Discord takes of the largest bots.
const REST: Rate = Rate::new(1000, "REST calls");
/// Calls of the host itself a second.
const CALLS: Rate = Rate::new(2000, "calls of the host");
/// Statements, keys and files a second.
const STORAGE: Rate = Rate::new(200_000, "statements, keys and files");

/// How often something may be asked.
#[derive(Debug)]
struct Rate {
    a_second: u64,
    what: &'static str,
}

impl Rate {
    const fn new(a_second: u64, what: &'static str) -> Self {
        Self { a_second, what }
    }

    /// How many at once: all that may be under way, or what comes in a second.
    const fn burst(&self) -> u64 {
        if self.a_second > 8192 { self.a_second } else { 8192 }
    }
}

/// The moment at which a bucket is full again, in nanoseconds since the generation was made: the one number of a token
/// bucket.
#[derive(Debug, Default)]
struct Bucket(AtomicU64);

impl Bucket {
    fn admit(&self, rate: &Rate, since: Duration) -> bool {
        let now = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let step = 1_000_000_000 / rate.a_second;
        let most = step * rate.burst();
        let admit = |full_at: u64| {
            let next = full_at.max(now) + step;
            (next - now <= most).then_some(next)
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok()
    }
}

/// What a generation has asked.
#[derive(Debug)]
pub(super) struct Asked {
    began: Instant,
    answers: AtomicU64,
    rest: (AtomicU64, Bucket),
    calls: (AtomicU64, Bucket),
    storage: (AtomicU64, Bucket),
    turned_away: AtomicU64,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            answers: AtomicU64::default(),
            rest: Default::default(),
            calls: Default::default(),
            storage: Default::default(),
            turned_away: AtomicU64::default(),
        }
    }
}

impl Asked {
    /// Counts a request.
    ///
    /// # Errors
    ///
    /// `Busy` for one of too many in a second. Answers to people are bounded by their number alone.
    pub(super) fn admit(&self, kind: u32) -> Result<(), Problem> {
        self.admit_at(kind, self.began.elapsed())
    }

    fn admit_at(&self, kind: u32, since: Duration) -> Result<(), Problem> {
        let ((count, bucket), rate) = match kind {
            kind::RESPOND => {
                self.answers.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            kind::REST => (&self.rest, REST),
            kind::SQL | kind::KEYS | kind::FILES => (&self.storage, STORAGE),
            // Those of other plugins are bounded by how many are under way.
            kind::SERVICE_CALL | kind::EMIT => {
                self.calls.0.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            _ => (&self.calls, CALLS),
        };
        count.fetch_add(1, Ordering::Relaxed);
        if bucket.admit(&rate, since) {
            return Ok(());
        }
        let text = format!(
            "this plugin makes more than {} {} a second: wait a moment, keep answers that are needed again, or ask for \
             several things at once",
            rate.a_second, rate.what
        );
        Err(Problem::new(ProblemCode::Busy, text))
    }

    /// One was turned away, for whatever reason.
    pub(super) fn note_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> RequestFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RequestFigures {
            answers: read(&self.answers),
            rest: read(&self.rest.0),
            calls: read(&self.calls.0),
            storage: read(&self.storage.0),
            turned_away: read(&self.turned_away),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_faster_than_that_waits() {
        let asked = Asked::default();
        let admitted = |millis: u64, times: usize| {
            let at = Duration::from_millis(millis);
            (0..times).filter(|_| asked.admit_at(kind::REST, at).is_ok()).count()
        };
        assert_eq!(admitted(0, 10_000), 8192);
        assert_eq!(admitted(100, 10_000), 100, "a thousand a second");
        assert_eq!(admitted(60_000, 10_000), 8192);
        let refused = asked.admit_at(kind::REST, Duration::from_secs(60)).unwrap_err();
        assert_eq!(refused.code, ProblemCode::Busy);
        assert!(
            refused
                .message
                .starts_with("this plugin makes more than 1000 REST calls a second: wait a moment"),
            "{refused}"
        );
        assert!(
            asked.admit(kind::CALL).is_ok() && asked.admit(kind::KEYS).is_ok(),
            "each kind has its own"
        );
        for _ in 0..100_000 {
            assert!(asked.admit(kind::RESPOND).is_ok(), "answers to people always pass");
        }
        asked.note_turned_away();
        let figures = asked.figures();
        assert_eq!((figures.rest, figures.calls, figures.storage), (30_001, 1, 1));
        assert_eq!((figures.answers, figures.turned_away), (100_000, 1));
    }
}
