//! Looks after what lies below `data/` and what is remembered: what the owner's `cleanup` and `cachestats` show.
//!
//! It only brings together where things lie and how long they stay; what goes is decided in `storage`.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use plugin_protocol::upkeep::{CacheFigures, Cleanup, Removed};

use crate::{
    cache::Cache,
    config::{self, Root},
    storage::{
        Tables,
        cleanup::{Rules, clean_up},
        files::Files,
        sweep,
    },
};

/// Knows where everything lies. All that it does blocks.
#[derive(Clone, Debug)]
pub struct Upkeep {
    root: PathBuf,
    data: PathBuf,
    logs: PathBuf,
    copies: PathBuf,
    config: config::Live,
    cache: Cache,
}

impl Upkeep {
    /// For the bot of this folder.
    pub fn new(root: &Root, config: config::Live, cache: Cache) -> Self {
        Self {
            root: root.folder().to_owned(),
            data: root.data(),
            logs: root.logs_dir(),
            copies: root.run_dir(),
            config,
            cache,
        }
    }

    /// Removes what a killed process left. Before anything else writes.
    pub fn sweep(&self) {
        let swept = sweep::temporary_files(&self.root, &self.data, Duration::ZERO);
        if swept.count > 0 {
            tracing::info!(files = swept.count, "temporary files of an earlier run were removed");
        }
        for problem in swept.problems {
            tracing::warn!("{problem}");
        }
    }

    /// How full each cache is.
    pub fn caches(&self, files: &Files) -> Vec<CacheFigures> {
        let counts = self.cache.counts();
        let state = |name: &str, entries: usize| CacheFigures {
            name: name.to_owned(),
            entries: entries as u64,
            ..CacheFigures::default()
        };
        vec![
            files.figures(),
            state("servers", counts.guilds),
            state("channels and threads", counts.channels),
            state("roles", counts.roles),
        ]
    }

    /// Throws away what nobody needs any more. `expired` is how many values of plugins were swept, or why they were not.
    pub fn clean_up(&self, expired: Result<u64, String>) -> Cleanup {
        let config = self.config.get();
        let logging = &config.logging;
        let rules = Rules {
            root: self.root.clone(),
            data: self.data.clone(),
            logs: self.logs.clone(),
            log_files: logging.backup_count.into(),
            log_age: logging.retention,
            copies: self.copies.clone(),
        };
        let mut cleanup = clean_up(&rules, SystemTime::now());
        let count = expired.unwrap_or_else(|problem| {
            cleanup.problems.push(problem);
            0
        });
        let values = Removed {
            what: "expired values of plugins".to_owned(),
            count,
            bytes: 0,
        };
        cleanup.removed.insert(0, values);
        cleanup
    }
}

/// How often states of controls are swept whose time is over.
const SWEEP: Duration = Duration::from_secs(3600);

/// Sweeps them, for ever.
pub async fn sweep_controls(tables: Tables) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        match tables.sweep_control_states().await {
            Ok(swept) => tracing::debug!(swept, "states of controls whose time is over were removed"),
            Err(error) => tracing::warn!(%error, "states of controls whose time is over stay for now"),
        }
    }
}
