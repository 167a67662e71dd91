//! Whether files of plugins may be opened.
//!
//! Not while a backup takes its state, which waits for whoever opens one; and not while a backup is restored.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// What stands before every file that is opened, migrated or exchanged.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Whether nothing may be opened: a backup is being restored.
    is_paused: AtomicBool,
    /// Read by whoever opens one, written by whoever needs all of them as they are.
    opening: Arc<RwLock<()>>,
}

impl Gate {
    /// Lets a file be opened. Taken before any lock of the file, so that whoever holds the gate can take that.
    pub(super) async fn pass(&self) -> RwLockReadGuard<'_, ()> {
        self.opening.read().await
    }

    /// Waits until nobody opens a file, and lets nobody begin until this is dropped.
    pub(super) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.opening).write_owned().await
    }

    /// Whether a backup is being restored: who asks for a file is refused instead of waiting.
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    pub(super) fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Release);
    }
}
