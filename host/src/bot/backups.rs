//! When backups are made by themselves: once a day, and when the bot stops. Those by command are in `calls`.
//!
//! A failure is told to the owner and tried again; it stops nothing.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Failure;
use crate::{
    config,
    storage::{
        BackupError, Backups,
        backup::{self, Layout, Retention, Why},
    },
    telemetry::{NoticeKind, Notices},
};

/// How often it is looked whether a day has passed: a bot that is restarted often is no exception.
const LOOK: Duration = Duration::from_secs(15 * 60);
/// How long a bot runs before its first one.
const FIRST: Duration = Duration::from_secs(3600);
/// How old the newest may get while the bot runs.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the one at the end may take. Service managers end what takes longer than some 90 s; what is half done then is
/// swept at the next start, and the one of the day before is still there.
const LAST: Duration = Duration::from_secs(30);

/// Brings a restore that was interrupted to its end, before anything is opened.
pub async fn finish_restore(layout: Layout) -> Result<(), Failure> {
    let finished = tokio::task::spawn_blocking(move || backup::finish(&layout)).await;
    match finished.map_err(Failure::other)? {
        Ok(None) => Ok(()),
        Ok(Some(id)) => {
            tracing::warn!(%id, "the restore of a backup was interrupted, and has been brought to its end");
            Ok(())
        }
        Err(error) => Err(Failure::configuration(error)),
    }
}

/// What is kept, as it is configured now.
pub fn retention(config: &config::Live) -> Retention {
    let config = config.get();
    Retention {
        count: config.database.backups as usize,
        age: config.database.backup_age,
    }
}

/// Makes one a day, for as long as it is polled.
pub async fn keep(backups: Backups, config: config::Live, notices: Notices) {
    let began = Instant::now();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let retention = retention(&config);
        if retention.count == 0 || !is_due(backups.newest().await, SystemTime::now(), began.elapsed()) {
            continue;
        }
        match backups.make(Why::Daily, retention).await {
            Ok(_) | Err(BackupError::Busy) => {}
            Err(error) => notices.tell(NoticeKind::Backup, format!("The daily backup was not made: {error}")),
        }
    }
}

/// Whether a day has passed.
fn is_due(newest: Option<SystemTime>, now: SystemTime, running: Duration) -> bool {
    match newest {
        // One of the future says nothing: the clock was set back.
        Some(made_at) => now.duration_since(made_at).map_or(true, |age| age >= DAY),
        // A new bot has nothing worth it yet.
        None => running >= FIRST,
    }
}

/// Makes one at the end, if anything was written since the last.
pub async fn last(backups: &Backups, config: &config::Live) {
    let retention = retention(config);
    if retention.count == 0 || !backups.is_due().await {
        return;
    }
    match timeout(LAST, backups.make(Why::Stop, retention)).await {
        Ok(Ok(_) | Err(BackupError::Busy)) => {}
        Ok(Err(error)) => tracing::error!("the backup at the end was not made: {error}"),
        Err(_) => tracing::warn!(
            "the backup at the end takes longer than {} s and was given up: the daily one is made while the bot runs",
            LAST.as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_day_and_the_first_soon_after_the_start() {
        let now = SystemTime::UNIX_EPOCH + DAY * 20_000;
        let second = Duration::from_secs(1);
        for (newest, running, due) in [
            (Some(now - DAY), Duration::ZERO, true),
            (Some(now - DAY + second), DAY, false),
            (Some(now), DAY, false),
            (Some(now + second), Duration::ZERO, true),
            (None, FIRST.saturating_sub(second), false),
            (None, FIRST, true),
        ] {
            assert_eq!(is_due(newest, now, running), due, "{newest:?}, after {running:?}");
        }
    }
}
