//! What is remembered of plugins' files, so that a read needs no more of the disk than a look at its times.
//!
//! It never decides that a file is unchanged: each use compares what was remembered with what the disk tells now.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use moka::{notification::RemovalCause, sync::Cache};
use plugin_protocol::{PluginName, upkeep::CacheFigures};

use super::{beneath::Fingerprint, path::FilePath};

/// How long a file is remembered.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(300);
/// How many files are remembered at most.
pub const MAX_ENTRIES: u64 = 1_000;
/// How many bytes of files are remembered at most.
const MAX_BYTES: u64 = 64 << 20;
/// What each file counts at least, so that there are never more than [`MAX_ENTRIES`].
const LEAST_WEIGHT: u64 = MAX_BYTES / MAX_ENTRIES;

/// A plugin's file.
pub(super) type Key = (PluginName, FilePath);

/// What was read of a file, or written to it.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) bytes: Bytes,
    /// The hash of the content.
    pub(super) version: Arc<str>,
    pub(super) fingerprint: Fingerprint,
    /// When the fingerprint was taken.
    pub(super) taken: SystemTime,
    /// Whether it was checked to be JSON.
    pub(super) is_json: bool,
    /// Whether the plugin wrote it, and nobody else.
    pub(super) is_own: bool,
}

/// What is remembered of all plugins' files.
#[derive(Debug)]
pub(super) struct FileCache {
    files: Cache<Key, Arc<Remembered>>,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: Arc<AtomicU64>,
}

impl FileCache {
    pub(super) fn new() -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&evictions);
        let files = Cache::builder()
            .name("files")
            .max_capacity(MAX_BYTES)
            .weigher(|_, remembered: &Arc<Remembered>| {
                let weight = (remembered.bytes.len() as u64).max(LEAST_WEIGHT);
                u32::try_from(weight).unwrap_or(u32::MAX)
            })
            .time_to_live(TIME_TO_LIVE)
            .eviction_listener(move |_, _, cause| {
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self {
            files,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions,
        }
    }

    /// What is remembered of a file, if that is what the disk tells of it now.
    pub(super) fn get(&self, key: &Key, now: Option<&Fingerprint>) -> Option<Arc<Remembered>> {
        let remembered = self.files.get(key)?;
        let is_unchanged = now == Some(&remembered.fingerprint) && remembered.fingerprint.is_settled(remembered.taken);
        is_unchanged.then_some(remembered)
    }

    /// Whether this content is what the plugin itself wrote last, as far as that is remembered.
    pub(super) fn is_own(&self, key: &Key, content: &[u8]) -> bool {
        let last = self.files.get(key);
        last.is_some_and(|last| last.is_own && last.bytes == content)
    }

    pub(super) fn put(&self, key: Key, remembered: Arc<Remembered>) {
        self.files.insert(key, remembered);
    }

    pub(super) fn forget(&self, key: &Key) {
        self.files.invalidate(key);
    }

    /// Counts a read as answered from memory, or not.
    pub(super) fn count(&self, hit: bool) {
        let counter = if hit { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> CacheFigures {
        // Else what was put in a moment ago would not be counted.
        self.files.run_pending_tasks();
        CacheFigures {
            name: "files of plugins".to_owned(),
            entries: self.files.entry_count(),
            max_entries: Some(MAX_ENTRIES),
            bytes: Some(
                self.files
                    .iter()
                    .map(|(_, remembered)| remembered.bytes.len() as u64)
                    .sum(),
            ),
            max_bytes: Some(MAX_BYTES),
            hits: Some(self.hits.load(Ordering::Relaxed)),
            misses: Some(self.misses.load(Ordering::Relaxed)),
            evictions: Some(self.evictions.load(Ordering::Relaxed)),
            time_to_live_seconds: Some(TIME_TO_LIVE.as_secs()),
        }
    }
}
