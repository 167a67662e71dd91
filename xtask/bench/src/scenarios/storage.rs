//! Storage: what plugins keep, measured in a plugin, beside the same work done by SQLite and the file system alone.
//!
//! Both are of one run, on one disk. The plugin's figures are its own: from a call to its answer, through the boundary. What
//! the host counts with every command is measured by itself: in a command it is lost in the noise.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use host::storage::{Tables, database::Synchronous};
use plugin_protocol::UserId;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load,
    statistics::percentile,
};

/// A value, as the plugin has it.
const VALUE: [u8; 100] = [b'v'; 100];
/// What is in a file, as the plugin has it.
const CONTENT: [u8; 1_000] = [b'f'; 1_000];
/// How many writes share a transaction where writes are grouped.
const GROUP: u32 = 512;

/// What the same work took in the plugin and without a host.
#[derive(Clone, Debug, Serialize)]
pub struct Storage {
    /// In the plugin.
    pub plugin: Vec<Figures>,
    /// By SQLite and the file system alone, on one thread.
    pub alone: Vec<Figures>,
    /// In the host, without a plugin.
    pub host: Vec<Figures>,
}

/// What some work took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// What work.
    pub what: String,
    /// How many at once; of what is done alone, how many share a transaction.
    pub at_once: u32,
    /// How many.
    pub count: u32,
    /// How long all of it took.
    pub seconds: f64,
    /// The half of them are faster, nanoseconds.
    pub p50_ns: u64,
    /// One in a hundred is slower, nanoseconds.
    pub p99_ns: u64,
}

impl Figures {
    /// How many a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.count) / self.seconds
    }
}

/// Measures with so many values.
pub async fn measure(programs: &Programs, count: u32) -> Result<Storage> {
    eprintln!("storage: {count} values");
    let home = Home::new()?;
    home.drop_plugin("stress", &programs.plugin("stress")?)?;
    let bot = Bot::start(Kind::Host, programs, &home, 1).await?;
    load::ask(&bot, "!revision").await?;
    let (_, body) = load::ask(&bot, &format!("!measure-storage {count}")).await?;
    let plugin = bot.told(figures(&body))?;
    bot.stop().await?;
    let path = home.path().to_owned();
    let alone = spawn_blocking(move || alone(&path, count)).await??;
    let host = counting(home.path(), count).await?;
    Ok(Storage { plugin, alone, host })
}

/// What it costs to count a command, which is done with every one, and to write down what was counted, which is done once
/// a second: of 50 commands used by as many people as commands are counted.
async fn counting(folder: &Path, count: u32) -> Result<Vec<Figures>> {
    /// So many are timed together: the clock would cost more than one of them.
    const TOGETHER: u32 = 100;
    let tables = Tables::open(&folder.join("counted.db"), Synchronous::Normal).await?;
    let counted = tables.clone();
    let began = Instant::now();
    let took = spawn_blocking(move || {
        let names: Vec<_> = (0..50).map(|number| format!("command-{number}")).collect();
        let mut took = Vec::new();
        for begin in (0..count).step_by(TOGETHER as usize) {
            let began = Instant::now();
            for number in begin..count.min(begin + TOGETHER) {
                if let Some(user) = UserId::new(u64::from(number) + 1) {
                    counted.count_command(&names[number as usize % names.len()], user);
                }
            }
            took.push(began.elapsed() / TOGETHER);
        }
        took
    });
    let took = took.await?;
    let counting = taken("counting: a command", 1, count, began.elapsed(), &took);
    let began = Instant::now();
    tables.flush().await;
    let flushed = began.elapsed();
    tables.close().await;
    Ok(vec![
        counting,
        taken("counting: written down", count, count, flushed, &[flushed]),
    ])
}

/// The figures in the plugin's answer.
pub(super) fn figures(body: &[u8]) -> Result<Vec<Figures>> {
    let body: Value = serde_json::from_slice(body)?;
    let content = body["content"].as_str().unwrap_or_default();
    serde_json::from_str(content).with_context(|| format!("the plugin answered {content:?}"))
}

fn alone(folder: &Path, count: u32) -> Result<Vec<Figures>> {
    let database = Connection::open(folder.join("alone.db"))?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "normal")?;
    database.execute_batch(
        "CREATE TABLE keys (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
         CREATE TABLE measured (number INTEGER PRIMARY KEY, text BLOB NOT NULL);",
    )?;
    let set = |number: u32| {
        let mut set = database.prepare_cached("INSERT OR REPLACE INTO keys (key, value) VALUES (?1, ?2)")?;
        set.execute(params![format!("key-{number:07}"), VALUE])
    };
    let insert = |number: u32| {
        let mut insert = database.prepare_cached("INSERT OR REPLACE INTO measured (number, text) VALUES (?1, ?2)")?;
        insert.execute(params![number, VALUE])
    };
    let mut all = vec![
        grouped("keys: write", &database, GROUP, count, set)?,
        grouped("keys: write", &database, 1, count / 20, set)?,
        one_by_one("keys: read", count * 2, |number| {
            let mut get = database.prepare_cached("SELECT value FROM keys WHERE key = ?1")?;
            let key = format!("key-{:07}", number % count);
            let value: Option<Vec<u8>> = get.query_row([key], |row| row.get(0)).optional()?;
            value.map(drop).context("a key is missing")
        })?,
        grouped("SQL: insert a row", &database, GROUP, count, insert)?,
        grouped("SQL: insert 100 rows", &database, 100, count, insert)?,
        one_by_one("SQL: select a row", count, |number| {
            let mut select = database.prepare_cached("SELECT text FROM measured WHERE number = ?1")?;
            let text: Option<Vec<u8>> = select.query_row([number], |row| row.get(0)).optional()?;
            text.map(drop).context("a row is missing")
        })?,
    ];
    let files = folder.join("alone");
    fs::create_dir(&files)?;
    let replace = |number: u32, durable: bool| -> Result<()> {
        let (temporary, name) = (files.join(".new"), files.join(format!("file-{number}")));
        let mut file = File::create(&temporary)?;
        file.write_all(&CONTENT)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, name)?;
        if durable {
            File::open(&files)?.sync_all()?;
        }
        Ok(())
    };
    all.push(one_by_one("file: write", count / 100, |number| replace(number, true))?);
    all.push(one_by_one("file: write, no fsync", count / 100, |number| {
        replace(number, false)
    })?);
    all.push(one_by_one("file: read", count, |number| {
        fs::read(files.join(format!("file-{}", number % 10)))?;
        Ok(())
    })?);
    Ok(all)
}

/// Does something so often.
fn one_by_one(what: &str, count: u32, work: impl Fn(u32) -> Result<()>) -> Result<Figures> {
    let mut took = Vec::new();
    let began = Instant::now();
    for number in 0..count {
        let began = Instant::now();
        work(number)?;
        took.push(began.elapsed());
    }
    Ok(taken(what, 1, count, began.elapsed(), &took))
}

/// Does something so often, so many of them in one transaction; the times are those of transactions.
fn grouped(
    what: &str,
    database: &Connection,
    group: u32,
    count: u32,
    work: impl Fn(u32) -> rusqlite::Result<usize>,
) -> Result<Figures> {
    let mut took = Vec::new();
    let began = Instant::now();
    let mut number = 0;
    while number < count {
        let began = Instant::now();
        let transaction = database.unchecked_transaction()?;
        for _ in 0..group.min(count - number) {
            work(number)?;
            number += 1;
        }
        transaction.commit()?;
        took.push(began.elapsed());
    }
    Ok(taken(what, group, count, began.elapsed(), &took))
}

fn taken(what: &str, at_once: u32, count: u32, all: Duration, took: &[Duration]) -> Figures {
    let nanoseconds = |share| u64::try_from(percentile(took, share).as_nanos()).unwrap_or(u64::MAX);
    Figures {
        what: what.to_owned(),
        at_once,
        count,
        seconds: all.as_secs_f64(),
        p50_ns: nanoseconds(0.5),
        p99_ns: nanoseconds(0.99),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{alone, figures};

    #[test]
    fn the_plugins_answer_is_read() {
        let figure = r#"{"what":"keys: read","at_once":64,"count":100,"seconds":0.5,"p50_ns":1,"p99_ns":2}"#;
        let body = serde_json::json!({ "content": format!("[{figure},{figure}]") }).to_string();
        let read = figures(body.as_bytes()).unwrap();
        assert_eq!((read.len(), read[1].rate().round()), (2, 200.0));
        assert!(figures(br#"{"content": "Something broke."}"#).is_err());
    }

    #[test]
    fn the_work_is_done_without_a_host() {
        let folder = tempfile::tempdir().unwrap();
        let done = alone(folder.path(), 1_000).unwrap();
        assert!(done.iter().all(|figures| figures.count > 0 && figures.p50_ns > 0));
        assert_eq!(std::fs::read_dir(folder.path().join("alone")).unwrap().count(), 10);
    }
}
