//! Which backups go: those beyond the number that is kept, and those that are too old. The newest never goes.
//!
//! Asked after one was made and verified, so the newest is a good one.

use std::{fs, time::SystemTime};

use super::{BackupId, Layout, Retention, archive};

/// Deletes what need not be kept; never the one that was just made.
pub(super) fn prune(layout: &Layout, made: BackupId, retention: Retention, now: SystemTime) {
    let Ok(ids) = archive::ids(layout) else { return };
    for id in surplus(&ids, retention, now).into_iter().filter(|id| *id != made) {
        match fs::remove_file(layout.archive(id)) {
            Ok(()) => tracing::debug!(%id, "an old backup was deleted"),
            Err(error) => tracing::warn!(%id, %error, "an old backup could not be deleted"),
        }
    }
}

/// Which of these, newest first, need not be kept.
fn surplus(ids: &[BackupId], retention: Retention, now: SystemTime) -> Vec<BackupId> {
    // Without a number they are the owner's own.
    if retention.count == 0 {
        return Vec::new();
    }
    let is_old = |id: &BackupId| now.duration_since(id.made_at()).is_ok_and(|age| age > retention.age);
    let numbered = ids.iter().enumerate().skip(1);
    let gone = numbered.filter(|(at, id)| *at >= retention.count || is_old(id));
    gone.map(|(_, id)| *id).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_newest_stays_whatever_is_wanted() {
        let day = Duration::from_secs(86_400);
        let now: BackupId = "20261122-205017".parse().unwrap();
        let ids: Vec<BackupId> = (0..10).map(|days| BackupId::at(now.made_at() - day * days)).collect();
        let gone = |ids: &[BackupId], count, age| {
            let retention = Retention { count, age };
            surplus(ids, retention, now.made_at() + Duration::from_secs(1)).len()
        };
        assert_eq!(gone(&ids, 7, day * 30), 3);
        assert_eq!(gone(&ids, 7, day * 3), 7);
        assert_eq!(gone(&ids, 1, day * 30), 9);
        assert_eq!(gone(&ids, 0, day), 0, "none are made by themselves then");
        assert_eq!(gone(&ids[9..], 7, day), 0, "old, but the newest");
        assert_eq!(gone(&[], 7, day), 0);
    }
}
