//! The settings in force, as the whole host holds them: whoever asks at the time of use sees the newest.
//!
//! Apart from `Config`, which never changes: a change is another `Config`, put here in one step. It reads no file.

use std::sync::Arc;

use tokio::sync::watch;

use super::Config;

/// The settings in force. Clones share them.
#[derive(Clone, Debug)]
pub struct Live(Arc<watch::Sender<Arc<Config>>>);

impl Live {
    /// These settings, until others are put in force.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(config))))
    }

    /// The settings in force now. Not to be kept: ask again at the next use.
    #[must_use]
    pub fn get(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Hears of every change from now on. Changes that follow one another fast are seen as one.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.0.subscribe()
    }

    /// Puts other settings in force, and tells who listens.
    pub fn replace(&self, config: Config) {
        self.0.send_replace(Arc::new(config));
    }
}
