//! A fixture of the tests: keeps things by every door, and tells what it has kept.
//!
//! Each command is one call, with its answer or its refusal as text. `flood.rs` writes all the time for the crash test.

mod flood;

use std::time::Duration;

use plugin_api::{
    prelude::*,
    serde_json::{self, Value, json},
};
use serde::{Deserialize, Serialize};

/// A note, as its table has it.
#[derive(Debug, Deserialize)]
struct Note {
    id: i64,
    author: UserId,
    text: String,
    tags: Vec<String>,
}

/// Any statement, with parameters as a JSON list: what it returns, or why it is refused.
#[command(prefix, owner_only)]
async fn sql(ctx: Ctx<Seen>, #[rest] text: String) -> Result {
    let (parameters, text) = match text.split_once(" | ") {
        Some((parameters, text)) => (serde_json::from_str(parameters)?, text),
        None => (Vec::new(), text.as_str()),
    };
    let parameters: Vec<Value> = parameters;
    let rows: Result<Vec<Value>> = ctx.db().query(text, &parameters).await;
    match rows {
        Ok(rows) => ctx.reply(serde_json::to_string(&rows)?).await,
        Err(error) => ctx.reply(told(&error)).await,
    }
}

/// Write a note and read it back by every way.
#[command]
async fn note(ctx: Ctx<Seen>, #[rest] text: String) -> Result {
    let db = ctx.db();
    let tags: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with('#')).collect();
    let written = db
        .execute(
            "INSERT INTO notes (author, text, tags) VALUES (?1, ?2, ?3)",
            (ctx.author().id, &text, &tags),
        )
        .await?;
    let note: Note = db
        .query_one("SELECT * FROM notes WHERE id = ?1", written.last_insert_id)
        .await?;
    let count: i64 = db.query_one("SELECT count(*) FROM notes", ()).await?;
    let same = note.author == ctx.author().id && note.text == text && note.tags == tags;
    ctx.reply(format!("note {} of {count}, {same}, {} tags", note.id, note.tags.len()))
        .await
}

/// Move coins between two purses, all or nothing.
#[command]
async fn give(ctx: Ctx<Seen>, to: i64, coins: i64) -> Result {
    let moved = ctx
        .db()
        .batch()
        .statement("INSERT OR IGNORE INTO purses VALUES (0, 100)", ())
        .statement(
            "UPDATE purses SET coins = coins - :coins WHERE id = 0 AND coins >= :coins",
            json!({ "coins": coins }),
        )
        .expect_rows(1)
        .statement(
            "INSERT INTO purses VALUES (?1, ?2) ON CONFLICT DO UPDATE SET coins = coins + ?2 RETURNING coins",
            (to, coins),
        )
        .await;
    match moved {
        Ok(moved) => ctx.reply(format!("{to} has {}", moved.one::<i64>(2)?)).await,
        Err(error) if error.unmet_expectation().is_some() => refuse(format!("no: {error}")),
        Err(error) => Err(error),
    }
}

/// The scope that a word names, for whoever asks.
fn scope(ctx: &Ctx<Seen>, word: &str) -> Result<plugin_api::Store> {
    let guild = || ctx.guild_id().ok_or_else(|| Error::new("only in a server"));
    match word {
        "global" => Ok(ctx.global_store()),
        "guild" => Ok(ctx.guild_store(guild()?)),
        "user" => Ok(ctx.user_store(ctx.author().id)),
        "member" => Ok(ctx.member_store(guild()?, ctx.author().id)),
        other => refuse(format!("`{other}` is no scope")),
    }
}

/// One call of a store: `key get global name`.
#[command(prefix)]
async fn key(ctx: Ctx<Seen>, what: String, scope_name: String, name: String, #[rest] value: Option<String>) -> Result {
    let store = scope(&ctx, &scope_name)?;
    let value = value.unwrap_or_default();
    let done: Result<Value> = async {
        Ok(match what.as_str() {
            "get" => json!(store.get::<Value>(&name).await?),
            "set" => json!(store.set(&name, &value).await?),
            "brief" => json!(store.set(&name, &value).expires_in(Duration::from_millis(1)).await?),
            "insert" => json!(store.insert(&name, &value).await?),
            "delete" => json!(store.delete(&name).await?),
            "add" => json!(store.increment(&name, value.parse()?).await?),
            "append" => json!(
                store
                    .update(&name, |text: &mut String| {
                        text.push_str(&value);
                        Ok(text.len())
                    })
                    .await?
            ),
            "list" => json!(store.list::<Value>(&name).limit(2).await?.entries),
            "clear" => json!(store.clear(&name).await?),
            "large" => json!(store.set(&name, &"x".repeat(value.parse()?)).await?),
            _ => return refuse("no such call"),
        })
    }
    .await;
    match done {
        Ok(done) => ctx.reply(done.to_string()).await,
        Err(error) => ctx.reply(told(&error)).await,
    }
}

/// Many updates of one key at once: each of them counts.
#[command]
async fn race(ctx: Ctx<Seen>, updates: u32) -> Result {
    let mut running = plugin_api::tokio::task::JoinSet::new();
    for _ in 0..updates {
        let store = ctx.global_store();
        running.spawn_local(async move {
            let add = |count: &mut u64| {
                *count += 1;
                Ok(())
            };
            store.update("raced", add).await
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let raced: Option<u64> = ctx.global_store().get("raced").await?;
    ctx.reply(format!("{raced:?}")).await
}

/// What all plugins share of somebody.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Profile {
    thanks: u32,
}

/// Thank yourself, and tell what is shared of you.
#[command]
async fn thank(ctx: Ctx<Seen>, #[rest] patch: Option<String>) -> Result {
    let data = ctx.user_data(ctx.author().id);
    if let Some(patch) = patch {
        data.merge(&serde_json::from_str::<Value>(&patch)?).await?;
    }
    data.update(|profile: &mut Profile| {
        profile.thanks += 1;
        Ok(())
    })
    .await?;
    ctx.reply(data.read::<Value>().await?.to_string()).await
}

/// Tell what the start function has seen.
#[command]
async fn started(ctx: Ctx<Seen>) -> Result {
    ctx.reply(format!("{} tables at the start", ctx.state().tables)).await
}

/// What the start function has seen of the database.
struct Seen {
    tables: i64,
}

#[start]
async fn start(ctx: StartCtx) -> Result<Seen> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('notes', 'purses', 'flooded')";
    let tables = ctx.db().query_one(tables, ()).await?;
    flood::begin(&ctx)?;
    Ok(Seen { tables })
}

fn told(error: &Error) -> String {
    match error.problem() {
        Some(problem) => format!("{:?}: {}", problem.code, problem.message),
        None => error.to_string(),
    }
}

plugin! {
    state: Seen,
    commands: [sql, note, give, key, race, thank, started],
    migrations: [
        "notes" => "CREATE TABLE notes (id INTEGER PRIMARY KEY, author INTEGER NOT NULL, text TEXT NOT NULL) STRICT",
        #[backward_compatible]
        "tags and purses" => include_str!("../migrations/2.sql"),
        #[backward_compatible]
        "what the crash test writes" => "CREATE TABLE flooded (writer INTEGER, number INTEGER, PRIMARY KEY (writer, number)) STRICT",
    ],
}
