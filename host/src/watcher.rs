//! The watcher: says when files of a folder are worth a look. Plugins and the settings are watched by it.
//!
//! It watches the folder, never a file. A rename into it, a file closed after writing or a removal is worth a look at
//! once, after 20 ms in which a batch gathers; anything else when it has been quiet for a while. It looks every 30 s
//! anyway, and much more often where the system offers no events.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

/// In which files of one batch gather.
const GATHER: Duration = Duration::from_millis(20);
/// How long a file that is written to must be quiet.
const QUIET: Duration = Duration::from_millis(300);
/// How often it looks without having been told.
const RESCAN: Duration = Duration::from_secs(30);
/// How often it asks whether the folder is still the one that it watches.
const CHECK: Duration = Duration::from_secs(2);
/// How often it looks where the system offers no events.
const POLL: Duration = Duration::from_secs(2);

/// How soon a look is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    Now,
    WhenQuiet,
}

/// Watches the files of `folder` that are `wanted`, and sends a token whenever they are worth a look, until the receiver
/// is dropped. The first comes when it has begun: something may have changed before.
pub async fn watch(folder: PathBuf, wanted: fn(&Path) -> bool, looks: mpsc::Sender<()>) {
    let (sender, mut events) = mpsc::unbounded_channel();
    let handler = move |event: notify::Result<Event>| {
        if let Some(urgency) = event.ok().as_ref().and_then(|event| urgency(event, wanted)) {
            let _ = sender.send(urgency);
        }
    };
    // Kept alive: dropping it ends the watch.
    let mut kept = begin(&folder, handler.clone());
    let mut known = identity(&folder);
    let mut check = interval_at(Instant::now() + CHECK, CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rescan = interval_at(Instant::now() + RESCAN, RESCAN);
    rescan.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Some(Instant::now());
    loop {
        let due_at = due.unwrap_or_else(Instant::now);
        tokio::select! {
            event = events.recv() => match event {
                Some(Urgency::Now) => due = Some(due.map_or(Instant::now() + GATHER, |due| due.min(Instant::now() + GATHER))),
                Some(Urgency::WhenQuiet) => due = Some(due.map_or(Instant::now() + QUIET, |at| if at > Instant::now() + GATHER { Instant::now() + QUIET } else { at })),
                None => return,
            },
            () = sleep_until(due_at), if due.is_some() => {
                due = None;
                if looks.send(()).await.is_err() {
                    return;
                }
            }
            _ = check.tick() => {
                let now = identity(&folder);
                if now.is_some() && now != known {
                    // The folder was replaced by another one, which nobody watches yet.
                    drop(std::mem::replace(&mut kept, begin(&folder, handler.clone())));
                    known = now;
                    due = Some(Instant::now());
                }
            }
            _ = rescan.tick() => {
                if looks.send(()).await.is_err() {
                    return;
                }
            }
            () = looks.closed() => return,
        }
    }
}

fn begin<H: notify::EventHandler + Clone>(folder: &Path, handler: H) -> Option<Box<dyn notify::Watcher + Send>> {
    let native = RecommendedWatcher::new(handler.clone(), Config::default())
        .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    let error = match native {
        Ok(watcher) => return Some(Box::new(watcher)),
        Err(error) => error,
    };
    tracing::warn!(folder = %folder.display(), %error, "the system offers no events for a folder: looking every {} s", POLL.as_secs());
    let polling = PollWatcher::new(handler, Config::default().with_poll_interval(POLL))
        .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    match polling {
        Ok(watcher) => Some(Box::new(watcher)),
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "a folder can't be watched: looking every {} s", RESCAN.as_secs());
            None
        }
    }
}

/// What tells one folder from another of the same name.
fn identity(folder: &Path) -> Option<u64> {
    let folder = folder.metadata().ok()?;
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::ino(&folder));
    #[cfg(not(unix))]
    return folder
        .created()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .map(|time| time.as_secs());
}

/// How urgent an event is; `None` for those that change nothing, such as our own reading.
fn urgency(event: &Event, wanted: fn(&Path) -> bool) -> Option<Urgency> {
    let relevant = event.paths.iter().any(|path| wanted(path));
    if !relevant && !event.paths.is_empty() {
        return None;
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Remove(_) | EventKind::Other => {
            Some(Urgency::Now)
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both | RenameMode::From | RenameMode::Any)) => {
            Some(Urgency::Now)
        }
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => None,
        _ => Some(Urgency::WhenQuiet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wanted(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "wanted")
    }

    /// The watch begins on its own time: files are renamed into the folder until one is noticed.
    async fn until_noticed(folder: &Path, looked: &mut mpsc::Receiver<()>) {
        for number in 0.. {
            let hidden = folder.join(".part");
            std::fs::write(&hidden, b"x").unwrap();
            std::fs::rename(&hidden, folder.join(format!("{number}.wanted"))).unwrap();
            if let Ok(look) = tokio::time::timeout(Duration::from_millis(500), looked.recv()).await {
                return assert_eq!(look, Some(()));
            }
        }
    }

    #[tokio::test]
    async fn a_rename_into_the_folder_is_worth_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let (looks, mut looked) = mpsc::channel(8);
        let watching = tokio::spawn(watch(folder.path().to_owned(), is_wanted, looks));
        assert_eq!(looked.recv().await, Some(()), "the first, whatever happened before");
        until_noticed(folder.path(), &mut looked).await;
        drop(looked);
        watching.await.unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_was_made_anew_is_looked_at() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("plugins");
        std::fs::create_dir(&folder).unwrap();
        let (looks, mut looked) = mpsc::channel(8);
        let watching = tokio::spawn(watch(folder.clone(), is_wanted, looks));
        assert_eq!(looked.recv().await, Some(()));
        // Only then does it watch.
        until_noticed(&folder, &mut looked).await;
        std::fs::create_dir(parent.path().join("other")).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::rename(parent.path().join("other"), &folder).unwrap();
        // The removal itself may be noticed, too; what counts is that the new folder's files are.
        until_noticed(&folder, &mut looked).await;
        until_noticed(&folder, &mut looked).await;
        drop(looked);
        watching.await.unwrap();
    }
}
