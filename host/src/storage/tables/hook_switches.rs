//! The callbacks of hooks that the owner has switched off: in memory, written through.
//!
//! A look-up is one atomic load, since it comes with every run of a callback.

use std::{collections::BTreeSet, sync::Arc};

use arc_swap::ArcSwap;
use rusqlite::params;
use tokio::sync::Mutex;

use super::{Database, StorageError, Tables, now};

#[derive(Debug)]
pub(super) struct HookSwitches {
    off: ArcSwap<BTreeSet<String>>,
    /// Changes one after the other, each in the database before it is in memory. An asynchronous lock: held while it is
    /// written.
    changing: Mutex<()>,
}

impl HookSwitches {
    pub(super) async fn load(database: &Database) -> Result<Self, StorageError> {
        Ok(Self {
            off: ArcSwap::from_pointee(read(database).await?),
            changing: Mutex::default(),
        })
    }

    pub(super) async fn reload(&self, database: &Database) -> Result<(), StorageError> {
        let _turn = self.changing.lock().await;
        self.off.store(Arc::new(read(database).await?));
        Ok(())
    }
}

async fn read(database: &Database) -> Result<BTreeSet<String>, StorageError> {
    let read = |connection: &rusqlite::Connection| {
        let mut statement = connection.prepare("SELECT callback FROM hook_switches")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    database.read(read).await
}

impl Tables {
    /// Whether the owner has switched a callback off.
    #[must_use]
    pub fn is_hook_off(&self, callback: &str) -> bool {
        self.0.hooks.off.load().contains(callback)
    }

    /// Switches a callback on or off, for good; false if it was so already.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written; then nothing has changed.
    pub async fn switch_hook(&self, callback: &str, off: bool) -> Result<bool, StorageError> {
        let _turn = self.0.hooks.changing.lock().await;
        let mut all = BTreeSet::clone(&self.0.hooks.off.load());
        let changes = if off {
            all.insert(callback.to_owned())
        } else {
            all.remove(callback)
        };
        if !changes {
            return Ok(false);
        }
        let (callback, now) = (callback.to_owned(), now());
        let write = move |connection: &rusqlite::Connection| {
            if off {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO hook_switches (callback, off_since) VALUES (?1, ?2)")?
                    .execute(params![callback, now])?;
            } else {
                connection
                    .prepare_cached("DELETE FROM hook_switches WHERE callback = ?1")?
                    .execute(params![callback])?;
            }
            Ok(())
        };
        self.database().write(write).await?;
        self.0.hooks.off.store(Arc::new(all));
        Ok(true)
    }
}
