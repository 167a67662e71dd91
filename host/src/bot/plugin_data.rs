//! What plugins keep, as backups need it: databases and files held at one moment, or closed for a restore.
//!
//! Files come later than databases: they need somebody who can be told of trouble with them.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use crate::storage::{
    Database, Stores,
    backup::{self, Guard},
    files::Files,
};

/// What plugins keep, as backups need it.
pub struct PluginData {
    stores: Stores,
    /// Empty until plugins can run.
    files: Arc<OnceLock<Files>>,
}

impl PluginData {
    /// What is in these.
    pub fn new(stores: Stores, files: Arc<OnceLock<Files>>) -> Self {
        Self { stores, files }
    }
}

impl backup::PluginData for PluginData {
    fn hold_open(&self) -> BoxFuture<'_, (Vec<Database>, Guard)> {
        Box::pin(async {
            let (open, held) = self.stores.hold_open().await;
            (open, Box::new(held) as Guard)
        })
    }

    fn hold_files(&self) -> BoxFuture<'_, Guard> {
        Box::pin(async {
            match self.files.get() {
                Some(files) => Box::new(files.hold().await) as Guard,
                None => Box::new(()),
            }
        })
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(files) = self.files.get() {
                files.pause().await;
            }
            self.stores.pause().await;
        })
    }

    fn resume(&self) {
        if let Some(files) = self.files.get() {
            files.resume();
        }
        self.stores.resume();
    }
}
