//! A fixture: a plugin that uses what plugins in the wild will use (timers, tasks, blocking threads, thread-locals with
//! destructors, an HTTP client), so that tests can show that all of it works on a lane and stops cleanly.

use std::{cell::Cell, time::Duration};

use plugin_api::{prelude::*, tokio, tracing::info};

/// Ask a server by HTTP and show its answer.
#[command]
async fn fetch(
    ctx: Ctx<reqwest::Client>,
    #[description = "An http:// address"]
    #[rest]
    url: String,
) -> Result {
    let answer = ctx.state().get(url).send().await?;
    let status = answer.status().as_u16();
    ctx.reply(format!("{status}: {}", answer.text().await?)).await
}

/// Wait for timers, tasks and threads of tokio.
#[command]
async fn timers(ctx: Ctx<reqwest::Client>) -> Result {
    let short = Duration::from_millis(1);
    tokio::time::sleep(short).await;
    let mut interval = tokio::time::interval(short);
    for _ in 0..3 {
        interval.tick().await;
    }
    let timed_out = tokio::time::timeout(short, std::future::pending::<()>()).await.is_err();
    let spawned = tokio::spawn(async move {
        tokio::time::sleep(short).await;
        20
    });
    let local = tokio::task::spawn_local(async { 1 });
    let blocking = tokio::task::spawn_blocking(|| 21);
    let sum = spawned.await? + local.await? + blocking.await?;
    ctx.reply(format!("timed out: {timed_out}, sum: {sum}")).await
}

/// A value of this thread whose destructor runs when the thread ends.
struct Visits(Cell<u32>);

impl Drop for Visits {
    fn drop(&mut self) {
        // Reads what it is about to lose: were the library gone by now, this would crash.
        std::hint::black_box(self.0.get());
    }
}

thread_local!(static VISITS: Visits = const { Visits(Cell::new(0)) });

/// Say how often this was asked on this thread.
#[command]
async fn threadlocal(ctx: Ctx<reqwest::Client>) -> Result {
    let visits = VISITS.with(|visits| {
        visits.0.set(visits.0.get() + 1);
        visits.0.get()
    });
    ctx.reply(format!("visits: {visits}")).await
}

#[start]
async fn start(ctx: StartCtx) -> Result<reqwest::Client> {
    ctx.spawn(async {
        let mut interval = tokio::time::interval(Duration::from_secs(90));
        loop {
            interval.tick().await;
            info!("another minute and a half");
        }
    });
    // Without the system's proxy: tests ask servers on this machine.
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

/// Say whether a variable is in the environment that this plugin sees.
#[command]
async fn variable(ctx: Ctx<reqwest::Client>, #[description = "Its name"] name: String) -> Result {
    let found = std::env::var_os(&name).is_some();
    ctx.reply(if found { "set" } else { "not set" }).await
}

plugin! { state: reqwest::Client, commands: [fetch, timers, threadlocal, variable] }
