//! Writes by every door, all the time, and tells a test outside what the host has acknowledged: for tests that kill the bot.
//!
//! Each writer writes 1, 2, 3, ... under its own name, and goes on behind what it finds. The test tells at the beginning
//! what was acknowledged before; whatever is missing of that is lost.

use std::{collections::BTreeMap, path::Path, time::Duration};

use plugin_api::{Host, prelude::*, serde_json};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::interval,
};

/// How often each writer writes at most: all of them together write about 1,000 times a second.
const PACE: Duration = Duration::from_millis(10);

/// By which doors, and how many writers there are at each.
const DOORS: [(Door, i64); 4] = [(Door::Sql, 5), (Door::Keys, 5), (Door::Files, 2), (Door::UserData, 2)];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// Where the test listens; without it nothing is written.
    flood: Option<String>,
    /// The folder that the bot keeps this plugin's things in.
    folder: Option<String>,
}

#[derive(Clone, Copy)]
enum Door {
    Sql,
    Keys,
    Files,
    UserData,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    flooded: u64,
    filler: String,
}

struct Writer {
    host: Host,
    door: Door,
    number: i64,
}

pub(crate) fn begin(ctx: &StartCtx) -> Result {
    let config: Config = ctx.config()?;
    if let Some(address) = config.flood {
        let host = ctx.host().clone();
        ctx.spawn(run(host, address, config.folder));
    }
    Ok(())
}

async fn run(host: Host, address: String, folder: Option<String>) -> Result {
    let mut stream = TcpStream::connect(address).await?;
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    let acknowledged: BTreeMap<String, u64> = serde_json::from_str(&line)?;
    let (says, mut said) = unbounded_channel();
    let mut writers = Vec::new();
    for (door, count) in DOORS {
        for number in 0..count {
            let writer = Writer {
                host: host.clone(),
                door,
                number,
            };
            let name = writer.name();
            let there = writer.read().await?;
            let expected = acknowledged.get(&name).copied().unwrap_or(0);
            // More may be there: an acknowledgement that the killed process could not pass on any more.
            if there < expected {
                says.send(format!("lost {name}: {expected} was acknowledged, {there} is there"))?;
            }
            writers.push((writer, there));
        }
    }
    for left in folder.iter().flat_map(|folder| left_behind(Path::new(folder))) {
        says.send(format!("lost {left} is left behind"))?;
    }
    says.send("ready".to_owned())?;
    for (writer, there) in writers {
        host.spawn(writer.run(there, says.clone()));
    }
    while let Some(mut line) = said.recv().await {
        line.push('\n');
        write.write_all(line.as_bytes()).await?;
    }
    Ok(())
}

impl Writer {
    fn name(&self) -> String {
        let door = match self.door {
            Door::Sql => "sql",
            Door::Keys => "key",
            Door::Files => "file",
            Door::UserData => "data",
        };
        format!("{door}{}", self.number)
    }

    fn path(&self) -> String {
        format!("flood/{}.json", self.number)
    }

    fn user(&self) -> Result<UserId> {
        Ok(format!("{}", 900 + self.number).parse()?)
    }

    /// The number that is there; one that is not whole is an error.
    async fn read(&self) -> Result<u64> {
        Ok(match self.door {
            Door::Sql => {
                let sql = "SELECT count(*), coalesce(max(number), 0) FROM flooded WHERE writer = ?1";
                let (count, highest): (u64, u64) = self.host.db().query_one(sql, self.number).await?;
                if count == highest { count } else { 0 }
            }
            Door::Keys => {
                let store = self.host.global_store();
                store.get::<Written>(&self.name()).await?.unwrap_or_default().flooded
            }
            Door::Files => {
                let written: Option<Written> = self.host.files().read_json(&self.path()).await?;
                written.unwrap_or_default().flooded
            }
            Door::UserData => self.host.user_data(self.user()?).read::<Written>().await?.flooded,
        })
    }

    async fn write(&self, number: u64) -> Result {
        let written = Written {
            flooded: number,
            filler: "x".repeat(number as usize % 2_000),
        };
        match self.door {
            Door::Sql => {
                let sql = "INSERT INTO flooded (writer, number) VALUES (?1, ?2)";
                self.host.db().execute(sql, (self.number, number)).await?;
            }
            Door::Keys => self.host.global_store().set(&self.name(), &written).await?,
            Door::Files => self.host.files().write_json(&self.path(), &written).await?,
            Door::UserData => self.host.user_data(self.user()?).merge(&written).await?,
        }
        Ok(())
    }

    async fn run(self, mut number: u64, says: UnboundedSender<String>) -> Result {
        let mut ticks = interval(PACE);
        loop {
            ticks.tick().await;
            number += 1;
            let line = match self.write(number).await {
                Ok(()) => format!("{} {number}", self.name()),
                Err(error) => format!("failed {}: {error}", self.name()),
            };
            says.send(line)?;
        }
    }
}

/// Temporary files in a folder, at a moment when nothing is written.
fn left_behind(folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            left.append(&mut left_behind(&path));
        } else if name.to_string_lossy().contains(".write-") {
            left.push(path.display().to_string());
        }
    }
    left
}
