//! `storage.*`: how large the databases are, what they do, and whether they are sound.
//!
//! Of plugins' databases those are told of, too, that nobody has opened in this run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use plugin_protocol::{
    Call, Problem, ProblemCode,
    databases::{DatabaseCheck, DatabaseFigures, DatabaseWork, Spread, TableRows},
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{Access, Calls, storage_problem};
use crate::storage::{
    Database,
    database::{self, Quantiles},
    stores::{KEYS_FILE, SQL_FILE},
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("storage.figures", Access::Granted), ("storage.check", Access::Granted)];

/// The host's own database, as it is shown.
const OWN: &str = "bot.db";

impl Calls {
    pub(super) async fn about_storage(&self, call: Call) -> Result<Value, Problem> {
        if call.name == "storage.check" {
            return self.check().await.map(|all| json!(all));
        }
        self.figures().await.map(|all| json!(all))
    }

    async fn figures(&self) -> Result<Vec<DatabaseFigures>, Problem> {
        let own = self.tables.database();
        let mut all = vec![figures(OWN.to_owned(), &own).await?];
        all[0].tables = own.read(rows).await.map_err(|error| storage_problem(&error))?;
        let open = self.stores.open_databases().await;
        for (name, path) in self.files().await? {
            let database = open.iter().find(|(_, database)| database.path() == path);
            all.push(match database {
                Some((_, database)) => figures(name, database).await?,
                None => DatabaseFigures {
                    name,
                    file_bytes: fs::metadata(&path).map_or(0, |about| about.len()),
                    ..DatabaseFigures::default()
                },
            });
        }
        Ok(all)
    }

    async fn check(&self) -> Result<Vec<DatabaseCheck>, Problem> {
        let mut all = vec![(OWN.to_owned(), self.tables.database().path().to_owned())];
        all.extend(self.files().await?);
        let mut checks = Vec::new();
        for (name, path) in all {
            let checked = spawn_blocking(move || database::check(&path)).await;
            let checked = checked.map_err(|_| Problem::new(ProblemCode::Failed, "the check panicked: see the log"))?;
            checks.push(match checked {
                Ok(found) => DatabaseCheck {
                    name,
                    problems: found.problems,
                    millis: found.took.as_millis() as u64,
                },
                Err(error) => DatabaseCheck {
                    name,
                    problems: vec![error.to_string()],
                    millis: 0,
                },
            });
        }
        Ok(checks)
    }

    /// Plugins' databases that there are on the disk, in order of their names.
    async fn files(&self) -> Result<Vec<(String, PathBuf)>, Problem> {
        let folder = self.stores.folder().to_owned();
        let found = spawn_blocking(move || found(&folder)).await;
        found.map_err(|_| Problem::new(ProblemCode::Failed, "looking for databases panicked: see the log"))
    }
}

fn found(folder: &Path) -> Vec<(String, PathBuf)> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = below(folder)
        .iter()
        .flat_map(|plugin| below(plugin))
        // A plugin may have a database of its own there, with an SQLite of its own: it must not be touched.
        .filter(|path| path.ends_with(SQL_FILE) || path.ends_with(KEYS_FILE))
        .filter_map(|path| {
            let name = path.strip_prefix(folder).ok()?.to_str()?;
            Some((format!("plugins/{name}"), path.clone()))
        })
        .collect();
    all.sort();
    all
}

async fn figures(name: String, database: &Database) -> Result<DatabaseFigures, Problem> {
    let figures = database.figures().await.map_err(|error| storage_problem(&error))?;
    Ok(DatabaseFigures {
        name,
        file_bytes: figures.file_bytes,
        log_bytes: figures.log_bytes,
        work: Some(DatabaseWork {
            page_bytes: figures.page_bytes,
            pages: figures.pages,
            free_pages: figures.free_pages,
            reads: spread(figures.reads),
            writes: spread(figures.writes),
            commits: spread(figures.commits),
            groups: spread(figures.groups),
        }),
        tables: Vec::new(),
    })
}

const fn spread(quantiles: Quantiles) -> Spread {
    Spread {
        count: quantiles.count,
        p50: quantiles.p50,
        p99: quantiles.p99,
        highest: quantiles.highest,
    }
}

/// How many rows each of the host's own tables has.
fn rows(connection: &rusqlite::Connection) -> Result<Vec<TableRows>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names
        .map(|name| {
            let name = name?;
            let count = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
            let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
            Ok(TableRows {
                name,
                rows: rows.cast_unsigned(),
            })
        })
        .collect()
}
