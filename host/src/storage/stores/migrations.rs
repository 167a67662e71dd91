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
use crate::storage::{Database, OpenError, Step};

/// The copy from before the steps, beside the file.
const BEFORE: &str = "plugin.db.before";

/// The same while it is made.
const HALF: &str = "plugin.db.before.new";

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
        let _pass = self.0.gate.pass().await;
        let mut sql = kept.sql.lock().await;
        let path = kept.folder.join(SQL_FILE);
        if sql.is_none() && !exists(&path).await {
            return Ok(!migrations.is_empty());
        }
        let database = kept.open_sql(&mut sql, self.0.synchronous).await?;
        let due = database.migrations_due(steps(migrations)).await.map_err(refusal)?;
        // A copy is there if the bot was killed before it was known whether the version that made steps starts: whichever
        // starts now decides whether it is needed.
        Ok(due > 0 || exists(&kept.folder.join(BEFORE)).await)
    }

    /// Keeps a copy of the plugin's database, unless one is there of a time before steps that were made, and makes the steps that are due.
    ///
    /// # Errors
    ///
    /// Which step failed, and why, in words for the owner. Those before it are made: undo them.
    pub async fn migrate(&self, plugin: &PluginName, migrations: &[Migration]) -> Result<(), String> {
        let kept = self.kept(plugin);
        let _pass = self.0.gate.pass().await;
        let mut sql = kept.sql.lock().await;
        let (path, copy) = (kept.folder.join(SQL_FILE), kept.folder.join(BEFORE));
        let is_new = sql.is_none() && !exists(&path).await;
        let database = kept.open_sql(&mut sql, self.0.synchronous).await?;
        let undo = if is_new {
            Undo::Nothing
        } else {
            if !exists(&copy).await {
                let copied = keep_copy(&database, &kept.folder).await;
                copied.map_err(|error| format!("no copy of its database could be kept: {error}"))?;
            }
            Undo::Copy
        };
        *kept.undo.lock().unwrap_or_else(PoisonError::into_inner) = Some(undo);
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
        let _pass = self.0.gate.pass().await;
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
        let _pass = self.0.gate.pass().await;
        kept.undo.lock().unwrap_or_else(PoisonError::into_inner).take();
        remove(kept.folder.join(BEFORE)).await;
    }
}

/// Keeps a copy that is there as a whole or not at all.
async fn keep_copy(database: &Database, folder: &Path) -> Result<(), String> {
    let (half, copy) = (folder.join(HALF), folder.join(BEFORE));
    remove(half.clone()).await;
    database.copy_to(&half).await.map_err(|error| error.to_string())?;
    let folder = folder.to_owned();
    let renamed = spawn_blocking(move || fs::rename(&half, &copy).and_then(|()| flush(&folder))).await;
    renamed
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| error.to_string())
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
    flush(folder)
}

/// Makes what was renamed or removed in a folder last.
fn flush(folder: &Path) -> io::Result<()> {
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
        tracing::warn!(path = %path.display(), %error, "a copy of a database that is no longer needed can't be removed: remove it before the next start, or it may be put back");
    }
}
