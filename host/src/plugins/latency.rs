//! How long handlers take: a histogram for each kind of them, counted without a lock and without memory of its own per
//! event.
//!
//! Buckets grow with what they count, eight to each doubling, so that every figure is right to within an eighth: what
//! `HdrHistogram` does, with numbers that many threads add to.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{kind, lane::HandlerFigures};

/// Buckets a doubling, as a power of two.
const FINE: u32 = 3;
/// The longest that is told apart, in microseconds, as a power of two: 19 hours.
const LONGEST: u32 = 36;
const BUCKETS: usize = ((LONGEST - FINE + 1) << FINE) as usize;

/// A kind of handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// A command's.
    Command,
    /// A control's or form's.
    Click,
    /// An event's.
    Event,
    /// What another kind of envelope asks for.
    Other(u32),
}

impl Handler {
    /// The kind of envelope that asks for it.
    #[must_use]
    pub const fn envelope(self) -> u32 {
        match self {
            Self::Command | Self::Click => kind::INVOKE,
            Self::Event => kind::EVENT,
            Self::Other(kind) => kind,
        }
    }
}

impl From<u32> for Handler {
    fn from(kind: u32) -> Self {
        match kind {
            kind::INVOKE => Self::Command,
            kind::EVENT => Self::Event,
            other => Self::Other(other),
        }
    }
}

/// How long the handlers of a generation took.
#[derive(Debug, Default)]
pub struct Latencies {
    commands: OnceLock<Box<Histogram>>,
    clicks: OnceLock<Box<Histogram>>,
    events: OnceLock<Box<Histogram>>,
    others: OnceLock<Box<Histogram>>,
}

impl Latencies {
    /// Counts one that has come to its end.
    pub fn note(&self, handler: Handler, took: Duration) {
        let histogram = match handler {
            Handler::Command => &self.commands,
            Handler::Click => &self.clicks,
            Handler::Event => &self.events,
            Handler::Other(_) => &self.others,
        };
        histogram.get_or_init(Box::default).note(took);
    }

    /// What was counted, of the kinds of which there was any.
    pub fn figures(&self) -> Vec<HandlerFigures> {
        let all = [
            ("command", &self.commands),
            ("click", &self.clicks),
            ("event", &self.events),
            ("other", &self.others),
        ];
        let there = all
            .into_iter()
            .filter_map(|(kind, histogram)| Some((kind, histogram.get()?)));
        there.map(|(kind, histogram)| histogram.figures(kind)).collect()
    }
}

#[derive(Debug)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    longest: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            longest: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        // Read first: it is rarely a new one.
        if micros > self.longest.load(Ordering::Relaxed) {
            self.longest.fetch_max(micros, Ordering::Relaxed);
        }
    }

    fn figures(&self, kind: &str) -> HandlerFigures {
        let counts: Vec<u64> = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let longest = self.longest.load(Ordering::Relaxed);
        let at = |percent: u64| {
            let wanted = (count * percent).div_ceil(100).max(1);
            let mut below = 0;
            let found = counts.iter().position(|count| {
                below += count;
                below >= wanted
            });
            found.map_or(0, |bucket| highest(bucket).min(longest))
        };
        HandlerFigures {
            kind: kind.to_owned(),
            count,
            p50_micros: at(50),
            p99_micros: at(99),
            max_micros: longest,
        }
    }
}

/// The bucket of a figure: below 8 each has its own; of each doubling above, eight.
fn bucket(micros: u64) -> usize {
    let micros = micros.min((1 << LONGEST) - 1);
    let doubling = (micros | ((1 << FINE) - 1)).ilog2();
    if doubling < FINE {
        return usize::try_from(micros).unwrap_or(0);
    }
    let shift = doubling - FINE;
    let within = (micros >> shift) & ((1 << FINE) - 1);
    usize::try_from((u64::from(shift + 1) << FINE) + within).unwrap_or(BUCKETS - 1)
}

/// The largest figure of a bucket.
fn highest(bucket: usize) -> u64 {
    let (doubling, within) = ((bucket >> FINE) as u64, (bucket & ((1 << FINE) - 1)) as u64);
    match doubling.checked_sub(1) {
        None => within,
        Some(shift) => (((1 << FINE) + within + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_right_to_within_an_eighth() {
        for micros in (0..100_000).chain([1 << 20, (1 << 30) + 12_345, (1 << LONGEST) - 1]) {
            let at = bucket(micros);
            let highest = highest(at);
            assert!(
                at < BUCKETS && (micros..=micros + micros / 8).contains(&highest),
                "{micros}: {at}, {highest}"
            );
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn of_a_hundred_the_fiftieth_and_the_last_but_one_are_told() {
        let latencies = Latencies::default();
        assert_eq!(latencies.figures(), []);
        for millis in 1..=100 {
            latencies.note(Handler::Event, Duration::from_millis(millis));
        }
        latencies.note(Handler::Command, Duration::from_micros(7));
        let [command, event] = &latencies.figures()[..] else {
            panic!("two kinds were counted")
        };
        assert_eq!(
            (command.kind.as_str(), command.count, command.p99_micros),
            ("command", 1, 7)
        );
        assert_eq!(
            (event.kind.as_str(), event.count, event.max_micros),
            ("event", 100, 100_000)
        );
        assert!((50_000..=56_250).contains(&event.p50_micros), "{event:?}");
        assert!((99_000..=100_000).contains(&event.p99_micros), "{event:?}");
    }
}
