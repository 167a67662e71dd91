//! Too much of everything: requests, log lines, tasks, bytes.
//!
//! None of it waits for what it has begun, which is what makes it a flood.

use plugin_api::{
    prelude::*,
    serde_json::Value,
    tokio,
    tracing::{error, info},
};

use crate::State;

/// Make REST calls, all at once.
#[command(name = "flood-rest")]
pub(crate) async fn flood_rest(ctx: Ctx<State>, #[description = "How many"] calls: u32) -> Result {
    for _ in 0..calls {
        let host = ctx.host().clone();
        ctx.spawn(async move { drop(host.raw().get("/users/@me").response().await) });
    }
    ctx.reply("flooding").await
}

/// Ask the host itself, all at once.
#[command(name = "flood-calls")]
pub(crate) async fn flood_calls(ctx: Ctx<State>, #[description = "How many"] calls: u32) -> Result {
    for _ in 0..calls {
        let host = ctx.host().clone();
        ctx.spawn(async move { drop(host.call::<Value>("plugins.list", &()).await) });
    }
    ctx.reply("flooding").await
}

/// Log lines, one after the other.
#[command(name = "flood-logs")]
pub(crate) async fn flood_logs(ctx: Ctx<State>, #[description = "How many"] lines: u32) -> Result {
    for line in 0..lines {
        info!(line, "the stress plugin was asked to log");
    }
    error!("the stress plugin was asked to log {}", "at length ".repeat(100_000));
    ctx.reply("flooded").await
}

/// Spawn tasks that wait for ever.
#[command(name = "flood-tasks")]
pub(crate) async fn flood_tasks(ctx: Ctx<State>, #[description = "How many"] tasks: u32) -> Result {
    for _ in 0..tasks {
        ctx.spawn(std::future::pending::<()>());
    }
    tokio::task::yield_now().await;
    ctx.reply("spawned").await
}

/// Answer with a text that is far too long.
#[command]
pub(crate) async fn huge(ctx: Ctx<State>, #[description = "How long"] bytes: u32) -> Result {
    ctx.reply("x".repeat(bytes as usize)).await
}

/// Take memory, and give it back.
#[command]
pub(crate) async fn allocate(ctx: Ctx<State>, #[description = "How much"] mebibytes: u32) -> Result {
    // Ones, since zeros would not be touched.
    let taken = vec![1_u8; (mebibytes as usize) << 20];
    ctx.reply(format!("took {} bytes", std::hint::black_box(&taken).len()))
        .await
}
