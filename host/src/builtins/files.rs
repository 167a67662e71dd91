//! `atomictest`, `cachestats` and `cleanup`: whether files are kept as promised, what is remembered, what can go.
//!
//! The test goes the way of every plugin: the host's own commands have a folder of files like any other.

use std::time::{Duration, Instant};

use plugin_api::{
    Host,
    prelude::*,
    serde_json::{Value, json},
    upkeep::{CacheFigures, Cleanup},
};

use super::upkeep_card::{self, Step};

/// Times on disks are as coarse as the clock's tick: a file that was changed within the last one is read again.
const TICK: Duration = Duration::from_millis(30);
/// How many write at once.
const WRITERS: usize = 10;
/// How many times each step is done, so that its time says something.
const TIMES: u32 = 10;

/// Test how files are kept: write, read, remember, ten writers at once, changes from outside.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn atomictest(ctx: Ctx) -> Result {
    ctx.defer().await?;
    let path = format!("atomictest-{}.json", ctx.generation());
    let steps = test(&ctx, &path).await;
    // Whatever the test found, nothing of it stays.
    let removed = ctx.files().delete(&path).await;
    ctx.reply(upkeep_card::test(&steps?)).await?;
    removed.map(drop)
}

/// Show what the bot remembers, and how often that saved a look at the disk.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn cachestats(ctx: Ctx) -> Result {
    let caches: Vec<CacheFigures> = ctx.call("caches.figures", &json!({})).await?;
    ctx.reply(upkeep_card::caches(&caches)).await
}

/// Remove what nobody needs any more: what is left of killed runs, old logs, copies, damaged files.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn cleanup(ctx: Ctx) -> Result {
    ctx.defer().await?;
    let cleanup: Cleanup = ctx.call("cleanup.run", &json!({})).await?;
    ctx.reply(upkeep_card::cleanup(&cleanup)).await
}

async fn test(host: &Host, path: &str) -> Result<Vec<Step>> {
    let files = host.files();
    let mut steps = Vec::new();

    let mut written = Value::Null;
    let began = Instant::now();
    for number in 0..TIMES {
        written = json!({ "number": number, "text": "\u{e4}tomic \u{1f9ea}" });
        files.write_json(path, &written).await?;
    }
    let took = began.elapsed() / TIMES;
    let is_listed = files.list("").await?.iter().any(|file| file.path == path);
    steps.push(Step::new("write", took, is_listed));

    let uncached = files.clone().uncached();
    let began = Instant::now();
    let mut is_same = true;
    for _ in 0..TIMES {
        is_same &= uncached.read_json(path).await?.as_ref() == Some(&written);
    }
    steps.push(Step::new("read from the disk", began.elapsed() / TIMES, is_same));

    plugin_api::tokio::time::sleep(TICK).await;
    is_same = files.read_json(path).await?.as_ref() == Some(&written);
    let began = Instant::now();
    for _ in 0..TIMES {
        is_same &= files.read_json(path).await?.as_ref() == Some(&written);
    }
    steps.push(Step::new("read from memory", began.elapsed() / TIMES, is_same));

    let (took, is_whole) = many_writers(host, path).await?;
    steps.push(Step::new("10 writers at once", took, is_whole));

    files.write_json(path, &0).await?;
    let (took, counted) = many_updates(host, path).await?;
    steps.push(Step::new("10 updates at once", took, counted));

    let began = Instant::now();
    files.write(path, "\"new\"").await?;
    let is_new = files.read_json::<String>(path).await?.as_deref() == Some("new");
    steps.push(Step::new("a change is seen", began.elapsed(), is_new));

    let began = Instant::now();
    let is_gone = files.delete(path).await? && !files.exists(path).await? && files.read(path).await?.is_none();
    steps.push(Step::new("delete", began.elapsed(), is_gone));
    Ok(steps)
}

/// Whether of many writers of one file one wins whole, and readers meanwhile see no other content.
async fn many_writers(host: &Host, path: &str) -> Result<(Duration, bool)> {
    let contents: Vec<_> = (0..WRITERS)
        .map(|writer| writer.to_string().repeat(50_000 + writer))
        .collect();
    let (sender, mut results) = plugin_api::tokio::sync::mpsc::unbounded_channel();
    let began = Instant::now();
    for content in &contents {
        let (files, path, content, sender) = (host.files(), path.to_owned(), content.clone(), sender.clone());
        host.spawn(async move {
            let written = files.write(&path, &content).await;
            let read = files.read_text(&path).await;
            // The test may have ended.
            let _ = sender.send(written.and(read));
        });
    }
    drop(sender);
    let mut is_whole = true;
    while let Some(read) = results.recv().await {
        is_whole &= read?.is_some_and(|read| contents.contains(&read));
    }
    let took = began.elapsed();
    let last = host.files().uncached().read_text(path).await?;
    Ok((took, is_whole && last.is_some_and(|last| contents.contains(&last))))
}

/// Whether of many updates at once none is lost.
async fn many_updates(host: &Host, path: &str) -> Result<(Duration, bool)> {
    let (sender, mut results) = plugin_api::tokio::sync::mpsc::unbounded_channel();
    let began = Instant::now();
    for _ in 0..WRITERS {
        let (files, path, sender) = (host.files(), path.to_owned(), sender.clone());
        host.spawn(async move {
            let update = |count: &mut usize| {
                *count += 1;
                Ok(())
            };
            let _ = sender.send(files.update_json(&path, update).await);
        });
    }
    drop(sender);
    while let Some(updated) = results.recv().await {
        updated?;
    }
    let took = began.elapsed();
    Ok((took, host.files().read_json(path).await? == Some(WRITERS)))
}
