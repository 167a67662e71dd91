//! What a database has done: how many jobs, how long they took, how large the file is.
//!
//! Counted in atomics by the threads that do the work; whoever looks disturbs nobody.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use rusqlite::Connection;

use super::log_file;

/// Parts into which each doubling is divided: a quantile is at most a quarter too high.
const PARTS: u32 = 4;
/// Enough for all of `u64`.
const BUCKETS: usize = 64 * PARTS as usize;

/// What a database has done since it was opened, and how large it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The main file, in bytes.
    pub file_bytes: u64,
    /// The write-ahead log beside it, in bytes.
    pub log_bytes: u64,
    /// The size of a page, in bytes.
    pub page_bytes: u64,
    /// How many pages the database has.
    pub pages: u64,
    /// How many of them are free.
    pub free_pages: u64,
    /// Jobs that read, in nanoseconds.
    pub reads: Quantiles,
    /// Jobs that write, without their commit, in nanoseconds.
    pub writes: Quantiles,
    /// Commits, in nanoseconds.
    pub commits: Quantiles,
    /// How many writes shared a commit.
    pub groups: Quantiles,
}

/// How a figure is distributed; at most a quarter too high, but for the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many there were.
    pub count: u64,
    /// Half of them were no higher.
    pub p50: u64,
    /// 99 of 100 were no higher.
    pub p99: u64,
    /// The highest.
    pub highest: u64,
}

/// What the threads count.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) reads: Gauge,
    pub(super) writes: Gauge,
    pub(super) commits: Gauge,
    pub(super) groups: Gauge,
}

/// Figures, by their size.
#[derive(Debug)]
pub(super) struct Gauge {
    buckets: Box<[AtomicU64; BUCKETS]>,
    highest: AtomicU64,
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            highest: AtomicU64::new(0),
        }
    }
}

impl Gauge {
    pub(super) fn note(&self, took: Duration) {
        self.note_number(took.as_nanos() as u64);
    }

    pub(super) fn note_number(&self, number: u64) {
        self.buckets[bucket(number)].fetch_add(1, Relaxed);
        self.highest.fetch_max(number, Relaxed);
    }

    fn quantiles(&self) -> Quantiles {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let highest = self.highest.load(Relaxed);
        let at = |percent: u64| {
            let rank = (count * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let found = counts.iter().position(|in_bucket| {
                seen += in_bucket;
                seen >= rank
            });
            found.map_or(0, |number| upper(number).min(highest))
        };
        Quantiles {
            count,
            p50: at(50),
            p99: at(99),
            highest,
        }
    }
}

/// The bucket of a number: its highest bit, and the two behind it.
fn bucket(number: u64) -> usize {
    if number < u64::from(PARTS) {
        return number as usize;
    }
    let bit = number.ilog2();
    let part = (number >> (bit - 2)) & 3;
    ((bit - 1) * PARTS) as usize + part as usize
}

/// The highest number of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u32;
    if bucket < PARTS {
        return bucket.into();
    }
    let (bit, part) = (bucket / PARTS + 1, u64::from(bucket % PARTS));
    let width = 1_u64 << (bit - 2);
    (u64::from(PARTS) + part)
        .saturating_mul(width)
        .saturating_add(width - 1)
}

/// What the file says of itself.
pub(super) struct Pages {
    bytes: u64,
    all: u64,
    free: u64,
}

impl Pages {
    pub(super) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let pragma = |name: &str| {
            let figure = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            figure.map(|figure| u64::try_from(figure).unwrap_or(0))
        };
        Ok(Self {
            bytes: pragma("page_size")?,
            all: pragma("page_count")?,
            free: pragma("freelist_count")?,
        })
    }
}

impl Gauges {
    pub(super) fn figures(&self, path: &Path, pages: &Pages) -> Figures {
        let size = |path: &Path| fs::metadata(path).map_or(0, |about| about.len());
        Figures {
            file_bytes: size(path),
            log_bytes: size(&log_file(path)),
            page_bytes: pages.bytes,
            pages: pages.all,
            free_pages: pages.free,
            reads: self.reads.quantiles(),
            writes: self.writes.quantiles(),
            commits: self.commits.quantiles(),
            groups: self.groups.quantiles(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_in_its_bucket_and_the_bucket_is_narrow(number: u64) {
            let highest = upper(bucket(number));
            prop_assert!(highest >= number);
            prop_assert!(highest - number <= number / 4);
            prop_assert!(number == 0 || upper(bucket(number).saturating_sub(1)) < number || bucket(number) == 0);
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_noted() {
        let gauge = Gauge::default();
        assert_eq!(gauge.quantiles(), Quantiles::default());
        for number in 1..=1000 {
            gauge.note_number(number);
        }
        let Quantiles {
            count,
            p50,
            p99,
            highest,
        } = gauge.quantiles();
        assert_eq!((count, highest), (1000, 1000));
        assert!((500..=625).contains(&p50), "{p50}");
        assert!((990..=1000).contains(&p99), "{p99}");
    }
}
