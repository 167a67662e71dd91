//! Backups: one archive holds one state of all that the bot keeps, verified before it counts.
//!
//! `gather` takes the state, `archive` packs and checks it, `restore` puts one back, `retention` says which go. Nothing
//! here blocks the runtime; what takes long runs on a thread of its own, of low priority. A backup that can't be made
//! leaves nothing behind.

mod archive;
mod entry;
mod gather;
mod restore;
mod retention;

#[cfg(test)]
mod tests;

use std::{
    fs, io, panic,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use futures_util::future::{BoxFuture, try_join_all};
use tempfile::TempDir;
use thiserror::Error;
use tokio::{
    sync::{Mutex, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

pub use entry::{BackupId, Contents, Entry, InvalidBackupId, Manifest, Why};
pub use restore::finish;

use super::{
    Tables,
    database::{Database, Held, OpenError, StorageError},
};

/// How long may be waited for the writers of all databases.
const HOLD: Duration = Duration::from_secs(10);
/// How long of that for files that are being written, since everybody's wait meanwhile.
const REST: Duration = Duration::from_secs(3);
/// How long may be waited until all that plugins asked for is done, before a restore.
const CLOSE: Duration = Duration::from_secs(30);

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The folder of all that the bot writes.
    pub data: PathBuf,
    /// The bot's own database.
    pub database: PathBuf,
}

impl Layout {
    /// Where the archives lie.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.data.join("backups")
    }

    fn archive(&self, id: BackupId) -> PathBuf {
        self.backups().join(format!("{id}.tar.zst"))
    }
}

/// How many backups are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many; 0 makes none by itself, and keeps what was made by command.
    pub count: usize,
    /// For how long; the newest is kept for ever.
    pub age: Duration,
}

/// Keeps something as it is until it is dropped.
pub type Guard = Box<dyn Send>;

/// Whoever has databases and files of plugins open.
pub trait PluginData: Send + Sync {
    /// The databases that are open: their writers wait for a moment while a backup begins. No other is opened until the
    /// guard is dropped.
    fn hold_open(&self) -> BoxFuture<'_, (Vec<Database>, Guard)>;
    /// Waits until nobody works on a plugin's file, and lets nobody begin until the guard is dropped.
    fn hold_files(&self) -> BoxFuture<'_, Guard>;
    /// Does what was asked, and closes everything. What is asked until [`PluginData::resume`] is refused or waits, and
    /// nothing is opened.
    fn pause(&self) -> BoxFuture<'_, ()>;
    /// All may be opened again: the files may be others by now.
    fn resume(&self);
}

/// Nobody has any open: the bot does not run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unused;

impl PluginData for Unused {
    fn hold_open(&self) -> BoxFuture<'_, (Vec<Database>, Guard)> {
        Box::pin(std::future::ready((Vec::new(), Box::new(()) as Guard)))
    }

    fn hold_files(&self) -> BoxFuture<'_, Guard> {
        Box::pin(std::future::ready(Box::new(()) as Guard))
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn resume(&self) {}
}

/// The state of one moment, for as long as it is held: databases that are being copied, and what keeps the rest still.
struct OneMoment {
    _databases: Vec<Held>,
    _files: Guard,
    _others: Guard,
}

/// Why a backup could not be made, verified or restored. Nothing of what runs has changed then, if it does not say so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Another one is under way.
    #[error("another backup or restore is under way: try again when it is done")]
    Busy,
    /// There is no such backup.
    #[error("there is no backup {0}: `backup list` shows those that there are")]
    Absent(BackupId),
    /// Its content is not what was written.
    #[error("the backup {id} is damaged ({what}): use another one, `backup list` shows them; this one can be deleted")]
    Damaged {
        /// Which.
        id: BackupId,
        /// What is wrong.
        what: String,
    },
    /// It was made by a newer version.
    #[error("the backup {0} was made by a newer version of this program: restore it with that one")]
    Newer(BackupId),
    /// A database that should be backed up is not sound.
    #[error(
        "{path} is damaged ({what}), so no backup was made; the older ones are kept. Restore one with `backup restore ID`, or stop the bot and repair the file"
    )]
    Unsound {
        /// Its path below the data folder.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// No room.
    #[error("the disk that holds {} is full: nothing was left there; free some space, or keep fewer backups (database.backups)", .0.display())]
    DiskFull(PathBuf),
    /// The system failed.
    #[error("{}: {source}; check its permissions and the disk", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A database could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Something changed while it was packed.
    #[error(
        "the backup was not made: a file was changed while it was packed ({what}). Nothing is left of it: try again, and if it goes on, look what else writes below data/"
    )]
    Unsteady {
        /// What differs.
        what: String,
    },
    /// A database's writers did not come to a rest.
    #[error(
        "nothing was backed up or restored: {} {what}, so that there was no one moment of everything. Try again; if it goes on, unload that plugin or restart the bot",
        path.display()
    )]
    NotHeld {
        /// The database, or the folder of the files.
        path: PathBuf,
        /// What hindered.
        what: String,
    },
    /// This version can't work with it.
    #[error("the backup {id} is of no use to this version of the program, so nothing was changed: {source}")]
    Unusable {
        /// Which.
        id: BackupId,
        /// Why.
        source: OpenError,
    },
    /// Something can't be exchanged.
    #[error(
        "{} can't be exchanged for what is in the backup ({source}), so nothing was changed: it must be on the disk of data/, and no mount of its own. Mount the whole of data/ there instead, then try again",
        path.display()
    )]
    Immovable {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was restored could not be opened.
    #[error(
        "what was restored could not be opened: {source}. What there was before is the backup {before}: stop the bot and go back to it with `bothost backup restore {before}`"
    )]
    Reopen {
        /// The backup of what there was.
        before: BackupId,
        /// Why.
        source: OpenError,
    },
    /// A restore has begun and is not at its end: there is no state that could be kept.
    #[error("a restore has begun and is not finished: restart the bot, which finishes it first")]
    HalfRestored,
    /// The files are being put in place, but not all are.
    #[error("the restore has begun but could not be finished ({0}): restart the bot, which finishes it first")]
    Unfinished(io::Error),
    /// The bot stops.
    #[error("the bot is stopping, so nothing was restored: try again when it runs, or use `bothost backup restore`")]
    Stopping,
    /// The work panicked.
    #[error("the backup's thread panicked: see the log")]
    Panicked,
}

impl BackupError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            _ => Self::Io { path, source },
        }
    }
}

/// Makes and keeps backups. Clones are the same.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    layout: Layout,
    /// The host's own tables, while the bot runs.
    tables: Option<Tables>,
    plugins: Arc<dyn PluginData>,
    /// Why everything stays closed: a restore stopped half-way.
    broken: watch::Sender<Option<String>>,
    /// One at a time. An asynchronous lock: held while it is made.
    turn: Mutex<()>,
}

impl Backups {
    /// Of a bot that runs.
    #[must_use]
    pub fn new(layout: Layout, tables: Tables, plugins: Arc<dyn PluginData>) -> Self {
        Self(Arc::new(Inner {
            layout,
            tables: Some(tables),
            plugins,
            broken: watch::Sender::default(),
            turn: Mutex::default(),
        }))
    }

    /// Of a bot that does not run; nobody else may start it meanwhile.
    #[must_use]
    pub fn offline(layout: Layout) -> Self {
        Self(Arc::new(Inner {
            layout,
            tables: None,
            plugins: Arc::new(Unused),
            broken: watch::Sender::default(),
            turn: Mutex::default(),
        }))
    }

    /// Makes a backup, verifies it, and deletes those that are too many or too old.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; then nothing is left of it.
    pub async fn make(&self, why: Why, retention: Retention) -> Result<Entry, BackupError> {
        let _turn = self.0.turn.try_lock().map_err(|_| BackupError::Busy)?;
        self.make_in_turn(why, Some(retention)).await
    }

    async fn make_in_turn(&self, why: Why, retention: Option<Retention>) -> Result<Entry, BackupError> {
        match self.make_once(why, retention).await {
            Err(BackupError::Unsteady { what }) => {
                tracing::warn!(%what, "a file was changed while it was backed up: it is tried once more");
                self.make_once(why, retention).await
            }
            made => made,
        }
    }

    async fn make_once(&self, why: Why, retention: Option<Retention>) -> Result<Entry, BackupError> {
        let layout = self.0.layout.clone();
        let held = self.hold().await?;
        let is_kept_unsound = why == Why::BeforeRestore;
        let gathering = layout.clone();
        let gathered = background(false, move || gather::gather(&gathering, is_kept_unsound)).await?;
        drop(held);
        let entry = background(true, move || {
            let entry = archive::pack(&layout, gathered, why)?;
            if let Some(retention) = retention {
                retention::prune(&layout, entry.id, retention, SystemTime::now());
            }
            Ok(entry)
        });
        let entry = entry.await?;
        tracing::info!(id = %entry.id, bytes = entry.bytes, "a backup was made and verified");
        Ok(entry)
    }

    /// Holds all that is written: what is in the archive is one state of all of it. A file that is being written may take any
    /// time, so those come first; what waits the shortest, the bot's own database, comes last.
    async fn hold(&self) -> Result<OneMoment, BackupError> {
        let until = Instant::now() + HOLD;
        let open = timeout_at(until, self.0.plugins.hold_open()).await;
        let (open, others) =
            open.map_err(|_| self.not_still("has a database that is being opened or migrated", HOLD))?;
        let files = timeout(REST, self.0.plugins.hold_files()).await;
        let files = files.map_err(|_| self.not_still("has a file that is being written", REST))?;
        let mut databases = try_join_all(open.into_iter().map(|database| hold(database, until))).await?;
        if let Some(tables) = &self.0.tables {
            databases.push(hold(tables.database(), until).await?);
        }
        Ok(OneMoment {
            _databases: databases.into_iter().flatten().collect(),
            _files: files,
            _others: others,
        })
    }

    fn not_still(&self, what: &str, waited: Duration) -> BackupError {
        BackupError::NotHeld {
            path: self.0.layout.data.join("plugins"),
            what: format!("{what} for {} s", waited.as_secs()),
        }
    }

    /// Whether anything was written since the newest backup.
    pub async fn is_due(&self) -> bool {
        let layout = self.0.layout.clone();
        let due = background(false, move || Ok(gather::is_changed_since(&layout, gathered(&layout))));
        due.await.unwrap_or(true)
    }

    /// When the newest was made, by its file: names may be ahead of the clock.
    pub async fn newest(&self) -> Option<SystemTime> {
        let layout = self.0.layout.clone();
        background(false, move || Ok(gathered(&layout))).await.ok().flatten()
    }

    /// All that there are, newest first.
    ///
    /// # Errors
    ///
    /// [`BackupError`] if the folder can't be read.
    pub async fn list(&self) -> Result<Vec<Entry>, BackupError> {
        let layout = self.0.layout.clone();
        background(false, move || archive::list(&layout)).await
    }

    /// Unpacks a backup aside, compares every file with its hash and checks every database.
    ///
    /// # Errors
    ///
    /// [`BackupError`] if it is not what it should be.
    pub async fn verify(&self, id: BackupId) -> Result<Entry, BackupError> {
        let layout = self.0.layout.clone();
        background(true, move || archive::verify(&layout, id)).await
    }

    /// Puts a backup in the place of what there is. That is backed up before, so that this can be undone: when `quiet`
    /// has ended the plugins, so that it has everything. What `quiet` answers lets them go on when it is dropped; if it
    /// fails, nothing is touched.
    ///
    /// Answers with the backup of what there was.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; but for `Unfinished` and `Reopen`, everything is as it was.
    pub async fn restore<Q: Send>(
        &self,
        id: BackupId,
        quiet: impl Future<Output = Result<Q, BackupError>> + Send,
    ) -> Result<Entry, BackupError> {
        let _turn = self.0.turn.try_lock().map_err(|_| BackupError::Busy)?;
        let layout = self.0.layout.clone();
        let unpacked = background(true, move || archive::unpack(&layout, id)).await?;
        let quiet = quiet.await?;
        if timeout(CLOSE, self.0.plugins.pause()).await.is_err() {
            self.0.plugins.resume();
            let what = format!(
                "has a database or a file that is still being written {} s after its plugins have ended",
                CLOSE.as_secs()
            );
            let path = self.0.layout.data.join("plugins");
            return Err(BackupError::NotHeld { path, what });
        }
        if let Some(tables) = &self.0.tables {
            tables.close().await;
        }
        let mut replaced = self.replace(id, unpacked).await;
        if let Err(error) = &replaced
            && self.is_under_way().await
        {
            replaced = Err(BackupError::Unfinished(io::Error::other(error.to_string())));
        }
        if let Err(error @ BackupError::Unfinished(_)) = &replaced {
            // Half of it is there: nothing is opened until the rest is, and who was ended must not go on.
            self.0.broken.send_replace(Some(error.to_string()));
            std::mem::forget(quiet);
            return replaced;
        }
        let reopened = match &self.0.tables {
            Some(tables) => tables.reopen().await,
            None => Ok(()),
        };
        self.0.plugins.resume();
        let before = replaced?;
        reopened.map_err(|source| BackupError::Reopen {
            before: before.id,
            source,
        })?;
        Ok(before)
    }

    /// Whether a restore has been decided and is not at its end.
    async fn is_under_way(&self) -> bool {
        let layout = self.0.layout.clone();
        let looked = background(false, move || Ok(restore::is_under_way(&layout)));
        looked.await.unwrap_or(true)
    }

    /// Waits until a restore has stopped half-way; answers with what to say. The process has to end then: the next one
    /// finishes it. For ever, if none does.
    pub async fn broken(&self) -> String {
        let mut broken = self.0.broken.subscribe();
        match broken.wait_for(Option::is_some).await.map(|why| why.clone()) {
            Ok(Some(why)) => why,
            _ => std::future::pending().await,
        }
    }

    async fn replace(&self, id: BackupId, unpacked: TempDir) -> Result<Entry, BackupError> {
        let before = self.make_in_turn(Why::BeforeRestore, None).await?;
        let layout = self.0.layout.clone();
        background(false, move || restore::replace(&layout, id, unpacked)).await?;
        Ok(before)
    }
}

/// The state of which moment the newest has.
fn gathered(layout: &Layout) -> Option<SystemTime> {
    let newest = *archive::ids(layout).ok()?.first()?;
    fs::metadata(layout.archive(newest)).ok()?.modified().ok()
}

/// Holds a database's writers; `None` for one that was closed meanwhile, to which nobody writes.
async fn hold(database: Database, until: Instant) -> Result<Option<Held>, BackupError> {
    let what = match timeout_at(until, database.hold()).await {
        Ok(Ok(held)) => return Ok(Some(held)),
        Ok(Err(StorageError::Closed)) => return Ok(None),
        Ok(Err(error)) => format!("can't be held ({error})"),
        Err(_) => format!("was written to for more than {} s without a pause", HOLD.as_secs()),
    };
    let path = database.path().to_owned();
    Err(BackupError::NotHeld { path, what })
}

/// Does blocking work on a thread of its own; a slow one leaves the processors to others.
async fn background<T: Send + 'static>(
    is_slow: bool,
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let (answer, answered) = oneshot::channel();
    let spawned = thread::Builder::new().name("backup".to_owned()).spawn(move || {
        #[cfg(target_os = "linux")]
        if is_slow {
            // Of this thread alone: that is what Linux means by it.
            let _ = rustix::process::setpriority_process(None, 10);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = is_slow;
        if let Ok(done) = panic::catch_unwind(panic::AssertUnwindSafe(work)) {
            let _ = answer.send(done);
        }
    });
    spawned.map_err(BackupError::io(Path::new("a thread")))?;
    answered.await.map_err(|_| BackupError::Panicked)?
}

/// Flushes a folder, so that what was renamed in it survives a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
