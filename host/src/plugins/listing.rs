//! What is known of every plugin, as a file for people and scripts: written anew whenever a plugin comes, goes, is refused
//! or is replaced.
//!
//! It is told, not read: nothing in it changes what the bot does. What differs from moment to moment (CPU time, what is
//! under way, the last error) is not in it.

use std::{
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::sleep;

use super::life::Plugins;
use crate::storage::write_atomically;

/// When a file that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(60);

impl Plugins {
    /// Writes the file now and after each change, as long as `wanted` says so, until the life of plugins has ended. What
    /// can't be written is tried again after a while.
    pub async fn keep_registry_file(self, file: PathBuf, wanted: impl Fn() -> bool + Send) {
        let mut views = self.views();
        // Told once of each trouble, since each change would tell it again.
        let mut told = None;
        loop {
            views.mark_unchanged();
            if wanted() {
                let (plugins, path) = (self.clone(), file.clone());
                let written = tokio::task::spawn_blocking(move || {
                    let content = serde_json::to_vec_pretty(&plugins.registry()).map_err(io::Error::from)?;
                    write_atomically(&path, &content)
                });
                let trouble = match written.await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(error) = trouble.as_ref().filter(|_| trouble != told) {
                    tracing::warn!(file = %file.display(), error, "the list of plugins can't be written: it stays as it was");
                }
                told = trouble;
            }
            let is_written = told.is_none();
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return },
                () = sleep(AGAIN), if !is_written => {}
            }
        }
    }

    /// Everything that lasts for a while of every plugin.
    fn registry(&self) -> Value {
        let plugins: Vec<_> = self
            .lasting()
            .iter()
            .map(|info| {
                let Ok(Value::Object(mut info)) = serde_json::to_value(info) else {
                    return Value::Null;
                };
                let Some(Value::Object(mut plugin)) = info.remove("summary") else {
                    return Value::Object(info);
                };
                plugin.append(&mut info);
                passing(&mut plugin);
                Value::Object(plugin)
            })
            .collect();
        json!({
            "written_at": OffsetDateTime::from(SystemTime::now()).format(&Rfc3339).unwrap_or_default(),
            "host_version": env!("CARGO_PKG_VERSION"),
            "plugins": plugins,
        })
    }
}

/// Takes out what is another thing a moment later.
fn passing(plugin: &mut Map<String, Value>) {
    for key in ["lane", "left_behind", "last_error"] {
        plugin.remove(key);
    }
}
