//! What plugins keep in databases: `data/plugins/NAME/plugin.db` for their SQL, `keys.db` for their keys and values.
//!
//! Each is opened when it is first needed, with threads of its own, so that no plugin waits for another's statement. A
//! plugin reaches its own by its name, which the host knows and no request says.

mod authorizer;
mod entries;
mod gate;
mod keys;
mod migrations;
#[cfg(test)]
mod mishaps;
mod statements;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use plugin_protocol::{GuildId, PluginName, Problem, ProblemCode, Sql, SqlAnswer, UserId};
use tokio::{runtime::Handle, sync::Mutex as Turn, task::spawn_blocking};

pub use keys::{Asker, Done, KeysRequest};

use super::{Database, Limits, Options, StorageError, database::Synchronous};
use gate::Gate;
use keys::KeysOf;
use statements::Fault;

/// The file of a plugin's SQL, in its folder.
pub const SQL_FILE: &str = "plugin.db";
/// The file of a plugin's keys and values, in its folder.
pub const KEYS_FILE: &str = "keys.db";
/// The most that the file of a plugin's SQL holds, in bytes.
const MAX_SQL_BYTES: u64 = 1 << 30;
/// How long one step of a plugin's database may take.
const MIGRATION_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// Whose data is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A user's, in whichever server.
    User(UserId),
    /// A server's and its members'.
    Guild(GuildId),
}

/// The databases of all plugins. Cheap to clone.
#[derive(Clone)]
pub struct Stores(Arc<Inner>);

struct Inner {
    /// `data/plugins`.
    folder: PathBuf,
    synchronous: Synchronous,
    /// By plugin. A lock of std: held for a look-up only.
    plugins: Mutex<HashMap<PluginName, Arc<Kept>>>,
    gate: Arc<Gate>,
}

/// What one plugin keeps.
struct Kept {
    folder: PathBuf,
    keys: Arc<KeysOf>,
    /// Held while the file is opened, closed or exchanged.
    sql: Turn<Option<Database>>,
    /// How the steps that were made last are undone.
    undo: Mutex<Option<migrations::Undo>>,
    gate: Arc<Gate>,
}

impl Stores {
    /// The databases below a folder, `data/plugins`. Opens nothing yet.
    #[must_use]
    pub fn new(folder: PathBuf, synchronous: Synchronous) -> Self {
        Self(Arc::new(Inner {
            folder,
            synchronous,
            plugins: Mutex::default(),
            gate: Arc::default(),
        }))
    }

    /// The folder that holds all of them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Makes a plugin's statements, all or none, and answers with the values of their rows behind the head.
    ///
    /// # Errors
    ///
    /// A problem, with a text for the plugin's author; nothing of the statements is kept.
    pub async fn sql(&self, plugin: &PluginName, sql: Sql, parameters: Bytes) -> Result<(SqlAnswer, Vec<u8>), Problem> {
        let database = self.sql_database(plugin).await?;
        let asked = Arc::new((sql, parameters));
        let fault = Arc::new(Mutex::new(None));
        if statements::looks_like_reading(&asked.0) {
            let (reading, told) = (Arc::clone(&asked), Arc::clone(&fault));
            let read = database
                .read(move |connection| noting(&told, statements::run(connection, &reading.0, &reading.1)))
                .await;
            match read {
                Err(StorageError::NotARead) => {}
                read => return explain(read, &fault, asked.0.statements.len()),
            }
        }
        let count = asked.0.statements.len();
        let told = Arc::clone(&fault);
        let made = database
            .write(move |connection| noting(&told, statements::run(connection, &asked.0, &asked.1)))
            .await;
        explain(made, &fault, count)
    }

    /// Takes a request on a plugin's keys and values, and has it answered later. Does not wait.
    pub fn keys(&self, runtime: &Handle, plugin: &PluginName, request: KeysRequest) {
        self.kept(plugin).keys.ask(runtime, request);
    }

    /// Deletes all keys and values of a user or a server, over all plugins, whether they are loaded or not; of each
    /// plugin how many, or why not.
    ///
    /// # Errors
    ///
    /// Why it can't be known which plugins have some.
    pub async fn forget(&self, whom: Whom) -> Result<Vec<(PluginName, Result<u64, String>)>, String> {
        let mut all = Vec::new();
        for plugin in self.with_keys().await? {
            let kept = self.kept(&plugin);
            let forgotten = match kept.keys.database().await {
                Ok(database) => database
                    .write(move |connection| entries::forget(connection, whom))
                    .await
                    .map_err(|error| error.to_string()),
                Err(problem) => Err(problem.message),
            };
            all.push((plugin, forgotten));
        }
        Ok(all)
    }

    /// Deletes what has expired, over all plugins; how many values.
    ///
    /// # Errors
    ///
    /// Why not all of it.
    pub async fn sweep(&self) -> Result<u64, String> {
        let mut swept = 0;
        for plugin in self.with_keys().await? {
            let kept = self.kept(&plugin);
            swept += kept.keys.sweep().await.map_err(|problem| problem.message)?;
        }
        Ok(swept)
    }

    /// The databases that are open, with their plugins.
    pub async fn open_databases(&self) -> Vec<(PluginName, Database)> {
        let all: Vec<_> = {
            let plugins = self.0.plugins.lock().unwrap_or_else(PoisonError::into_inner);
            plugins
                .iter()
                .map(|(name, kept)| (name.clone(), Arc::clone(kept)))
                .collect()
        };
        let mut open = Vec::new();
        for (name, kept) in all {
            let sql = kept.sql.lock().await.clone();
            let both = sql.into_iter().chain(kept.keys.open_database());
            open.extend(both.map(|database| (name.clone(), database)));
        }
        open
    }

    /// Closes all files, after what was asked is done. They are opened again if they are needed again.
    pub async fn close(&self) {
        let all: Vec<_> = {
            let mut plugins = self.0.plugins.lock().unwrap_or_else(PoisonError::into_inner);
            plugins.drain().map(|(_, kept)| kept).collect()
        };
        for kept in all {
            kept.keys.close().await;
            if let Some(database) = kept.sql.lock().await.take() {
                database.close().await;
            }
        }
    }

    fn kept(&self, plugin: &PluginName) -> Arc<Kept> {
        let mut plugins = self.0.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = plugins.get(plugin) {
            return Arc::clone(kept);
        }
        let folder = self.0.folder.join(plugin.as_str());
        let kept = Arc::new(Kept {
            keys: Arc::new(KeysOf::new(
                folder.join(KEYS_FILE),
                self.0.synchronous,
                Arc::clone(&self.0.gate),
            )),
            folder,
            sql: Turn::default(),
            undo: Mutex::default(),
            gate: Arc::clone(&self.0.gate),
        });
        plugins.insert(plugin.clone(), Arc::clone(&kept));
        kept
    }

    async fn sql_database(&self, plugin: &PluginName) -> Result<Database, Problem> {
        let kept = self.kept(plugin);
        if let Some(open) = kept.sql.lock().await.clone() {
            return Ok(open);
        }
        let _pass = self.0.gate.pass().await;
        let mut sql = kept.sql.lock().await;
        kept.open_sql(&mut sql, self.0.synchronous)
            .await
            .map_err(|text| Problem::new(ProblemCode::Failed, text))
    }

    /// The plugins that have keys and values.
    async fn with_keys(&self) -> Result<Vec<PluginName>, String> {
        let folder = self.0.folder.clone();
        let looked = spawn_blocking(move || {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(format!("{} can't be read: {error}", folder.display())),
            };
            let names = entries.filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?.parse().ok()?;
                path.join(KEYS_FILE).is_file().then_some(name)
            });
            let mut names: Vec<PluginName> = names.collect();
            names.sort_unstable();
            Ok(names)
        });
        looked.await.map_err(|error| error.to_string())?
    }
}

impl Stores {
    /// The databases that are open. No other is opened, migrated or exchanged until the second part is dropped.
    pub async fn hold_open(&self) -> (Vec<Database>, impl Send + 'static + use<>) {
        let held = self.0.gate.hold().await;
        let open = self.open_databases().await;
        (open.into_iter().map(|(_, database)| database).collect(), held)
    }

    /// Closes all files. What is asked until [`resume`](Self::resume) is refused as closed, and nothing is opened.
    pub async fn pause(&self) {
        self.0.gate.pause(true);
        self.close().await;
    }

    /// Files may be opened again: they may be others by now.
    pub fn resume(&self) {
        self.0.gate.pause(false);
    }
}

impl Kept {
    /// The file of the plugin's SQL, opened if it is not.
    async fn open_sql(&self, sql: &mut Option<Database>, synchronous: Synchronous) -> Result<Database, String> {
        if let Some(database) = sql {
            return Ok(database.clone());
        }
        if self.gate.is_paused() {
            return Err(StorageError::Closed.to_string());
        }
        let options = Options {
            synchronous,
            migrations: Vec::new(),
            readers: 2,
            limits: Limits {
                file_bytes: Some(MAX_SQL_BYTES),
                value_bytes: Some(statements::MAX_VALUE),
                job_time: Some(statements::TIME),
                migration_time: Some(MIGRATION_TIME),
                authorizer: Some(authorizer::decide),
                denied: Some(authorizer::take_reason),
            },
        };
        let path = self.folder.join(SQL_FILE);
        let opened = spawn_blocking(move || Database::open(&path, options)).await;
        let database = opened
            .map_err(|_| "opening the database panicked: see the log".to_owned())?
            .map_err(|error| error.to_string())?;
        *sql = Some(database.clone());
        Ok(database)
    }
}

/// What a job of statements tells the engine; why it was not done is noted beside.
fn noting<T>(told: &Mutex<Option<Fault>>, made: Result<T, Fault>) -> Result<T, rusqlite::Error> {
    made.map_err(|fault| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            // The engine has to see it: it says whether the transaction is still there.
            Fault::Sqlite(number, error, reason) => {
                let shown = rusqlite::Error::InvalidQuery;
                *told = Some(Fault::Sqlite(number, shown, reason));
                error
            }
            fault => {
                *told = Some(fault);
                rusqlite::Error::InvalidQuery
            }
        }
    })
}

/// What a batch of so many statements came to, for the plugin.
fn explain(
    made: Result<(SqlAnswer, Vec<u8>), StorageError>,
    told: &Mutex<Option<Fault>>,
    count: usize,
) -> Result<(SqlAnswer, Vec<u8>), Problem> {
    let error = match made {
        Ok(made) => return Ok(made),
        Err(error) => error,
    };
    let fault = told.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A job that was not at fault itself says nothing of its statements.
    if error.is_about_the_system() || matches!(error, StorageError::Panicked) {
        return Err(problem(&error));
    }
    match fault {
        Some(Fault::Refused(text)) => Err(Problem::new(ProblemCode::Invalid, text)),
        Some(Fault::Unmet(unmet)) => {
            let answer = SqlAnswer {
                unmet: Some(unmet),
                ..SqlAnswer::default()
            };
            Ok((answer, Vec::new()))
        }
        Some(Fault::Sqlite(number, _, reason)) => {
            let mut problem = problem(&error);
            if let Some(reason) = reason.filter(|_| matches!(error, StorageError::Denied { .. })) {
                reason.clone_into(&mut problem.message);
            }
            if count > 1 {
                problem.message = format!("statement {number} of the batch: {}", problem.message);
            }
            Err(problem)
        }
        None => Err(problem(&error)),
    }
}

/// An error of the engine, for a plugin.
fn problem(error: &StorageError) -> Problem {
    let code = match error {
        StorageError::Closed => ProblemCode::Closed,
        StorageError::Busy => ProblemCode::Busy,
        StorageError::TimeLimit { .. } => ProblemCode::TimedOut,
        StorageError::Constraint { .. } => ProblemCode::Conflict,
        StorageError::Denied { .. }
        | StorageError::NotARead
        | StorageError::Statement { .. }
        | StorageError::ValueTooBig { .. } => ProblemCode::Invalid,
        _ => ProblemCode::Failed,
    };
    Problem::new(code, error.to_string())
}
