//! `backups.*`: what backups there are, making, verifying and restoring one.
//!
//! A restore ends the loaded plugins and starts them again on what was restored; the host's own commands go on.

use plugin_protocol::{
    Call, Problem, ProblemCode,
    backups::{BackupInfo, BackupReason},
};
use serde_json::{Value, json};

use super::{Access, Calls};
use crate::{
    bot::backups::retention,
    interactions::ControlKeys,
    plugins::Paused,
    storage::{
        BackupError, BackupId,
        backup::{Entry, Why},
    },
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("backups.list", Access::Granted),
    ("backups.verify", Access::Granted),
    ("backups.make", Access::Changes),
    ("backups.restore", Access::Changes),
];

impl Calls {
    pub(super) async fn about_backups(&self, call: Call) -> Result<Value, Problem> {
        let backups = &self.backups;
        let id = call.arguments.get("id").and_then(Value::as_str);
        let id = match (call.name.as_str(), id) {
            ("backups.list", _) => {
                let all = backups.list().await.map_err(|error| problem(&error))?;
                return Ok(all.iter().map(|entry| json!(info(entry))).collect());
            }
            ("backups.make", _) => {
                let made = backups.make(Why::Command, retention(&self.config)).await;
                return made.map(|entry| json!(info(&entry))).map_err(|error| problem(&error));
            }
            (_, None) => return Err(Problem::new(ProblemCode::Invalid, "the backup's id is missing")),
            (_, Some(id)) => id
                .parse::<BackupId>()
                .map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))?,
        };
        let done = if call.name == "backups.verify" {
            backups.verify(id).await
        } else {
            let plugins = self.life()?.clone();
            let restoring = backups.clone();
            // A task of its own: it must not end with whoever asked.
            let keys = self.control_keys.clone();
            let quiet = async move {
                let paused = plugins.pause().await.map_err(|_| BackupError::Stopping)?;
                Ok(Quiet { keys, _paused: paused })
            };
            let restoring = tokio::spawn(async move { restoring.restore(id, quiet).await });
            restoring.await.unwrap_or(Err(BackupError::Panicked))
        };
        done.map(|entry| json!(info(&entry))).map_err(|error| problem(&error))
    }
}

/// Plugins are at rest; before they start again, what they are handed is read again.
struct Quiet {
    keys: ControlKeys,
    /// Dropped after what `drop` does.
    _paused: Paused,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // 32 bytes, while nothing else goes on.
        self.keys.reload();
    }
}

fn problem(error: &BackupError) -> Problem {
    let code = match error {
        BackupError::Busy => ProblemCode::Busy,
        BackupError::Absent(_) => ProblemCode::NotFound,
        _ => ProblemCode::Failed,
    };
    Problem::new(code, error.to_string())
}

/// A backup, as it is shown.
fn info(entry: &Entry) -> BackupInfo {
    let files = entry.manifest.as_ref().map(|manifest| manifest.files.as_slice());
    let all = files.unwrap_or_default();
    let databases = all.iter().filter(|file| file.database).count();
    BackupInfo {
        id: entry.id.to_string(),
        made_at: entry.id.seconds(),
        bytes: entry.bytes,
        why: match entry.manifest.as_ref().map(|manifest| manifest.why) {
            Some(Why::Command) => BackupReason::Command,
            Some(Why::Daily) => BackupReason::Daily,
            Some(Why::Stop) => BackupReason::Stop,
            Some(Why::BeforeRestore) => BackupReason::BeforeRestore,
            None => BackupReason::Unknown,
        },
        databases: databases as u64,
        files: (all.len() - databases) as u64,
        readable: files.is_some(),
    }
}
