//! Events that tests number, and what a plugin sees of its own lane.
//!
//! Their names are none of Discord's, so that nothing else of a scenario brings them.

use std::{path::Path, thread, time::Duration};

use plugin_api::{prelude::*, serde_json::Value, tokio};

use crate::State;

/// Remembers the numbers of what people do in servers.
#[event("STRESS_TOLD", unlisted, filter = guild && !bot)]
pub(super) async fn told(ctx: EventCtx<State>, event: Value) -> Result {
    ctx.state().told.borrow_mut().extend(event["number"].as_u64());
    Ok(())
}

/// A second handler of the same event, which wants less of it.
#[event("STRESS_TOLD", unlisted, filter = guild && bot)]
pub(super) async fn also_told(ctx: EventCtx<State>, event: Value) -> Result {
    ctx.state().told.borrow_mut().extend(event["bot_number"].as_u64());
    Ok(())
}

/// Blocks the thread of this plugin: for so long, or until a file appears, at most two minutes; in itself, or in a task that
/// the lane does not know of.
#[event("STRESS_BLOCK", unlisted)]
pub(super) async fn block_in_event(_ctx: EventCtx<State>, event: Value) -> Result {
    if event["foreign"].as_bool() == Some(true) {
        tokio::task::spawn_local(async move { block(&event) });
    } else {
        block(&event);
    }
    Ok(())
}

fn block(event: &Value) {
    if let Some(file) = event["until"].as_str() {
        let looks = 0..12_000;
        for _ in looks.take_while(|_| !Path::new(file).exists()) {
            thread::sleep(Duration::from_millis(10));
        }
    }
    thread::sleep(Duration::from_millis(event["millis"].as_u64().unwrap_or(0)));
}

/// Remembers the numbers of what comes, one of a server at a time: each waits until its file appears, if it names one.
#[event("STRESS_TURN", unlisted, one_at_a_time = guild)]
pub(super) async fn takes_turns(ctx: EventCtx<State>, event: Value) -> Result {
    if let Some(file) = event["until"].as_str() {
        while !Path::new(file).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    ctx.state().told.borrow_mut().extend(event["number"].as_u64());
    Ok(())
}

/// Tell which events were told.
#[command(name = "told-events")]
pub(super) async fn told_events(ctx: Ctx<State>) -> Result {
    let told = ctx.state().told.take();
    let numbers: Vec<_> = told.iter().map(ToString::to_string).collect();
    ctx.reply(format!("told {}", numbers.join(" "))).await
}

/// Tell the figures of this plugin's lane.
#[command]
pub(super) async fn metrics(ctx: Ctx<State>) -> Result {
    let metrics = ctx.metrics().await?;
    ctx.reply(plugin_api::serde_json::to_string(&metrics)?).await
}

/// Hold so much memory, and no more of what was held.
#[command(name = "hold-memory")]
pub(super) async fn hold_memory(ctx: Ctx<State>, #[description = "How much"] mebibytes: u32) -> Result {
    // Ones, since zeros would not be touched.
    ctx.state().held.replace(vec![1; (mebibytes as usize) << 20]);
    ctx.reply(format!("holds {} bytes", ctx.state().held.borrow().len()))
        .await
}

/// Block the thread of this plugin in a task that belongs to no command.
#[command(name = "block-in-task")]
pub(super) async fn block_in_task(ctx: Ctx<State>, #[description = "For how long"] millis: u32) -> Result {
    ctx.spawn(async move {
        tokio::task::yield_now().await;
        thread::sleep(Duration::from_millis(millis.into()));
    });
    ctx.reply("spawned").await
}
