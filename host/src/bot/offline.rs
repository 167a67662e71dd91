//! `bothost backup list|verify|restore`: for a bot that is stopped, perhaps because it can't start.
//!
//! The root's lock is held meanwhile, so that nobody starts it in the middle.

use std::{fmt::Write, path::Path};

use crate::{
    config::{self, Root},
    storage::{
        BackupId, Backups,
        backup::{self, Entry, Layout, Why},
    },
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupOrder {
    /// Which there are.
    List,
    /// Whether one is sound.
    Verify(BackupId),
    /// One in the place of what there is.
    Restore(BackupId),
}

/// Does what is asked, and answers with a text for whoever asked.
///
/// # Errors
///
/// Why not, and what to do.
pub fn backups(root: &Path, order: BackupOrder) -> Result<String, String> {
    let root = Root::open(root).map_err(|error| error.to_string())?;
    let _lock = match order {
        // Looking disturbs nobody.
        BackupOrder::List => None,
        _ => Some(root.lock().map_err(|error| error.to_string())?),
    };
    let config = config::load_settings(&root, &|name| std::env::var(name).ok()).map_err(|error| error.to_string())?;
    let layout = Layout {
        data: root.data(),
        database: config.database.path,
    };
    let mut text = String::new();
    if order != BackupOrder::List {
        let finished = backup::finish(&layout).map_err(|error| error.to_string())?;
        if let Some(id) = finished {
            let _ = writeln!(
                text,
                "The restore of {id} was interrupted, and has been brought to its end."
            );
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| format!("the runtime can't be started: {error}"))?;
    let backups = Backups::offline(layout);
    let answer = runtime
        .block_on(answer(&backups, order))
        .map_err(|error| error.to_string())?;
    Ok(text + &answer)
}

async fn answer(backups: &Backups, order: BackupOrder) -> Result<String, backup::BackupError> {
    match order {
        BackupOrder::List => {
            let all = backups.list().await?;
            if all.is_empty() {
                return Ok("There is no backup yet.".to_owned());
            }
            Ok(all.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        BackupOrder::Verify(id) => {
            let entry = backups.verify(id).await?;
            let files = entry.manifest.map_or(0, |manifest| manifest.files.len());
            Ok(format!("{id} is sound: {files} files, {} bytes packed.", entry.bytes))
        }
        BackupOrder::Restore(id) => {
            let before = backups.restore(id, std::future::ready(Ok(()))).await?;
            Ok(format!(
                "Restored {id}. What there was before is {0}: `bothost backup restore {0}` undoes this.",
                before.id
            ))
        }
    }
}

fn line(entry: &Entry) -> String {
    let what = match &entry.manifest {
        None => "damaged".to_owned(),
        Some(manifest) => {
            let why = match manifest.why {
                Why::Command => "by command",
                Why::Daily => "daily",
                Why::Stop => "when the bot stopped",
                Why::BeforeRestore => "before a restore",
            };
            format!("{} files, {why}", manifest.files.len())
        }
    };
    format!("{}  {:>12} bytes  {what}", entry.id, entry.bytes)
}
