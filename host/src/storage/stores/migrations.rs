//! The steps of plugins' databases, as the life of plugins has them made: a copy is kept first, put back if the version
//! that needs them does not start.
//!
//! No generation of the plugin runs meanwhile, so that nothing is written which the copy has not.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use plugin_protocol::{Migration, PluginName};
use tokio::task::spawn_blocking;

use super::{SQL_FILE, Stores};
use crate::storage::{OpenError, Step};

/// The copy from before the steps, beside the file.
const BEFORE: &str = "plugin.db.before";

/// How steps that were made are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// The copy is put back.
    Copy,
    /// There was no file.
    Nothing,
}

impl Stores {
    /// Whether a version with these steps has to make some of them first. Changes nothing.
    ///
    /// # Errors
    ///
    /// Why this version can't run on the plugin's database, in words for the owner.
    pub async fn migrations_due(&self, plugin: &PluginName, migrations: &[Migration]) -> Result<bool, String> {
        let kept = self.kept(plugin);
        let mut sql = kept.sql.lock().await;
        let path = kept.folder.join(SQL_FILE);
        if sql.is_none() && !exists(&path).await {
            return Ok(!migrations.is_empty());
        }
        let database = kept.open_sql(&mut sql, self.0.synchronous).await?;
        let due = database.migrations_due(steps(migrations)).await.map_err(refusal)?;
        if due == 0 {
            // Left behind by a bot that was killed after the steps.
            remove(kept.folder.join(BEFORE)).await;
        }
        Ok(due > 0)
    }

    /// Keeps a copy of the plugin's database, and makes the steps that are due.
    ///
    /// # Errors
    ///
    /// Which step failed, and why, in words for the owner. Those before it are made: undo them.
    pub async fn migrate(&self, plugin: &PluginName, migrations: &[Migration]) -> Result<(), String> {
        let kept = self.kept(plugin);
        let mut sql = kept.sql.lock().await;
        let (path, copy) = (kept.folder.join(SQL_FILE), kept.folder.join(BEFORE));
        let is_new = sql.is_none() && !exists(&path).await;
        let database = kept.open_sql(&mut sql, self.0.synchronous).await?;
        remove(copy.clone()).await;
        if !is_new {
            let copied = database.copy_to(&copy).await;
            copied.map_err(|error| format!("no copy of its database could be kept: {error}"))?;
        }
        *kept.undo.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(if is_new { Undo::Nothing } else { Undo::Copy });
        let made = database.migrate(steps(migrations)).await.map_err(refusal)?;
        tracing::info!(%plugin, made, "its database was brought up to date");
        Ok(())
    }

    /// Makes the plugin's database what it was before [`migrate`](Self::migrate).
    ///
    /// # Errors
    ///
    /// Why it is not, in words for the owner.
    pub async fn undo_migrations(&self, plugin: &PluginName) -> Result<(), String> {
        let kept = self.kept(plugin);
        let Some(undo) = kept.undo.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let mut sql = kept.sql.lock().await;
        if let Some(database) = sql.take() {
            database.close().await;
        }
        let folder = kept.folder.clone();
        let undone = spawn_blocking(move || put_back(&folder, undo)).await;
        undone
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| {
                let copy = kept.folder.join(BEFORE);
                format!(
                    "its database could not be put back ({error}): stop the bot and rename {} to {SQL_FILE}",
                    copy.display()
                )
            })
    }

    /// The copy is no longer needed.
    pub async fn keep_migrations(&self, plugin: &PluginName) {
        let kept = self.kept(plugin);
        kept.undo.lock().unwrap_or_else(PoisonError::into_inner).take();
        remove(kept.folder.join(BEFORE)).await;
    }
}

fn steps(migrations: &[Migration]) -> Vec<Step> {
    let steps = migrations.iter().map(|migration| Step {
        name: migration.name.clone().into(),
        sql: migration.sql.clone().into(),
        backward_compatible: migration.backward_compatible,
    });
    steps.collect()
}

/// What hinders a plugin's steps, for the owner, who knows plugins and not files.
fn refusal(error: OpenError) -> String {
    match error {
        OpenError::Newer { number, name, .. } => format!(
            "its database is newer than this version: it has the step {number} (\"{name}\"), which this version does not \
             know. Use the version that made it, or a newer one"
        ),
        OpenError::Changed {
            number, made, known, ..
        } => format!(
            "step {number} of its database was made as \"{made}\", but is \"{known}\" in this version, or its statements \
             were changed: its author must leave steps that were released as they are, and add further ones"
        ),
        OpenError::Migration {
            number, name, detail, ..
        } => format!("step {number} of its database (\"{name}\") failed: {detail}"),
        other => other.to_string(),
    }
}

fn put_back(folder: &Path, undo: Undo) -> io::Result<()> {
    let file = folder.join(SQL_FILE);
    // Its log first: with another file it would be another's.
    for log in ["plugin.db-wal", "plugin.db-shm"] {
        absent(fs::remove_file(folder.join(log)))?;
    }
    match undo {
        Undo::Copy => fs::rename(folder.join(BEFORE), &file)?,
        Undo::Nothing => absent(fs::remove_file(&file))?,
    }
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

async fn exists(path: &Path) -> bool {
    let path = path.to_owned();
    spawn_blocking(move || path.exists()).await.unwrap_or(true)
}

async fn remove(path: PathBuf) {
    let removed = spawn_blocking(move || absent(fs::remove_file(&path)).map_err(|error| (path, error))).await;
    if let Ok(Err((path, error))) = removed {
        tracing::warn!(path = %path.display(), %error, "a copy of a database that is no longer needed can't be removed");
    }
}
