//! Takes over what the owner writes into config.json and `.env` while the bot runs.
//!
//! It decides nothing about the files themselves (`config::Files` does): it looks when the watcher says so, waits until a
//! file that has a fault, or is gone, stays so, puts in force what is right, and tells the rest.

use std::{path::Path, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::sleep,
};

use super::shards::{Phase, reached};
use crate::{
    config::{self, Change, Files, Look},
    plugins::Plugins,
    telemetry::{Logs, NoticeKind, Notices},
    watcher,
};

/// How long a file must stay faulty or absent until that is told: an editor may be in the middle of saving it.
const SAVED: Duration = Duration::from_millis(500);

/// What taking over needs.
pub struct Keeper {
    /// The files. Absent only while a look at them runs on another thread.
    pub files: Option<Files>,
    /// Where settings are put in force.
    pub live: config::Live,
    /// What is logged, and what is not shown.
    pub logs: Logs,
    /// Who gets sections.
    pub plugins: Plugins,
    /// Tells the owner.
    pub notices: Notices,
    /// How far the end of the bot has come.
    pub phase: watch::Receiver<Phase>,
}

/// Whether a path is one of the owner's files.
fn is_settings(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name == "config.json" || name == ".env")
}

/// Takes over changes until the bot stops.
pub async fn keep(mut keeper: Keeper, folder: std::path::PathBuf) {
    let (looks, looked) = mpsc::channel(1);
    let mut phase = keeper.phase.clone();
    tokio::select! {
        () = watcher::watch(folder, is_settings, looks) => {}
        () = keeper.work(looked) => {}
        () = reached(&mut phase, Phase::Draining) => {}
    }
}

impl Keeper {
    async fn work(&mut self, mut looked: mpsc::Receiver<()>) {
        // Whether the last that was told is that the files can't be used.
        let mut is_faulty = false;
        while looked.recv().await.is_some() {
            let Some(mut look) = self.look().await else { return };
            while matches!(look, Look::Faulty(_) | Look::Missing) {
                sleep(SAVED).await;
                match self.look().await {
                    Some(Look::Unchanged) => break,
                    Some(other) => look = other,
                    None => return,
                }
            }
            match look {
                Look::Unchanged => {}
                Look::Right(change) => {
                    self.put_in_force(*change, is_faulty).await;
                    is_faulty = false;
                }
                Look::Faulty(error) => {
                    self.tell(format!(
                        "{error}\nNothing of it is taken over: what held before goes on."
                    ));
                    is_faulty = true;
                }
                Look::Missing => {
                    let text = "config.json is gone. What it said goes on until the bot ends; the next start writes one \
                                with the defaults, so put it back if that is not what you want.";
                    self.tell(text.to_owned());
                    is_faulty = true;
                }
            }
        }
    }

    /// Looks at the files, away from the runtime's threads. `None` if that panicked: then nothing is taken over any more.
    async fn look(&mut self) -> Option<Look> {
        let mut files = self.files.take()?;
        let looking = spawn_blocking(move || {
            let look = files.look();
            (files, look)
        });
        match looking.await {
            Ok((files, look)) => {
                self.files = Some(files);
                Some(look)
            }
            Err(error) => {
                tracing::error!(%error, "looking at the settings panicked: changes are taken over by a restart only");
                None
            }
        }
    }

    async fn put_in_force(&self, change: Change, was_faulty: bool) {
        let Change {
            config,
            mut changed,
            at_start,
            warnings,
        } = change;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let before = self.live.get();
        let sections_differ = config.plugins != before.plugins;
        if sections_differ && !changed.contains(&"plugins") {
            // The same text, with another variable in it.
            changed.push("plugins");
        }
        let faults: Vec<_> = config
            .plugins
            .faults()
            .filter(|fault| before.plugins.faults().all(|known| known != *fault))
            .map(|(plugin, why)| format!("The settings of the plugin `{plugin}` can't be used: {why}. If it runs, it keeps those that it has."))
            .collect();
        // Before anybody is handed them.
        self.logs.secrets().learn(config.plugins.secrets());
        self.logs.configure(&config.logging);
        self.live.replace(config);
        if !changed.is_empty() {
            self.plugins.configure().await;
            tracing::info!(keys = changed.join(", "), "the settings have changed");
        } else if was_faulty {
            tracing::info!("the settings are in order again: they are those in force");
        }
        if !faults.is_empty() {
            self.tell(faults.join("\n"));
        }
        if !at_start.is_empty() {
            let keys: Vec<_> = at_start.iter().map(|key| format!("`{key}`")).collect();
            self.tell(format!(
                "{} in config.json counts from the next start on: restart the bot. Until then what held at its start goes on.",
                keys.join(", ")
            ));
        }
    }

    fn tell(&self, text: String) {
        self.notices.tell(NoticeKind::Settings, text);
    }
}
