//! What the bench has measured within a plugin: calls of a service, and allocations.
//! Within, since what is measured is the way from one lane to another, without any command around it.

use std::{
    cell::Cell,
    hint::black_box,
    rc::Rc,
    time::{Duration, Instant},
};

use plugin_api::{
    Host,
    prelude::*,
    serde_json::{Value, json},
    tokio::sync::mpsc,
};

/// How many allocations are timed together: the clock would cost more than one of them.
const TOGETHER: u32 = 1000;

/// Call a service of the plugin tally so often, and answer with the figures as JSON.
#[command(name = "measure-calls")]
pub(crate) async fn measure_calls(
    ctx: Ctx,
    #[description = "How many calls"]
    #[min = 100]
    count: u32,
) -> Result {
    let mut all = Vec::new();
    for at_once in [1, 64] {
        all.push(calls(ctx.host(), at_once, count).await?);
    }
    ctx.reply(Value::from(all).to_string()).await
}

/// Allocate and free so often, and answer with the figures as JSON.
#[command(name = "measure-allocations")]
pub(crate) async fn measure_allocations(
    ctx: Ctx,
    #[description = "How many allocations"]
    #[min = 1000]
    count: u32,
) -> Result {
    let mut all = Vec::new();
    for bytes in [64_usize, 1024] {
        let (mut took, began) = (Vec::new(), Instant::now());
        for _ in 0..count / TOGETHER {
            let began = Instant::now();
            for _ in 0..TOGETHER {
                black_box(Vec::<u8>::with_capacity(black_box(bytes)));
            }
            took.push(began.elapsed() / TOGETHER);
        }
        all.push(figures(
            &format!("allocate and free {bytes} bytes"),
            1,
            count,
            began.elapsed(),
            took,
        ));
    }
    ctx.reply(Value::from(all).to_string()).await
}

async fn calls(host: &Host, at_once: u32, count: u32) -> Result<Value> {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let (left, began) = (Rc::new(Cell::new(count)), Instant::now());
    for _ in 0..at_once {
        let (host, left, sender) = (host.clone(), Rc::clone(&left), sender.clone());
        host.clone().spawn(async move {
            let mut took = Vec::new();
            let done = loop {
                let Some(rest) = left.get().checked_sub(1) else {
                    break Ok(took);
                };
                left.set(rest);
                let began = Instant::now();
                let called: Result<u64> = host.service("tally").call("add", &json!({ "by": 0 })).await;
                if let Err(error) = called {
                    break Err(error);
                }
                took.push(began.elapsed());
            };
            // The receiver may have gone with an error of another.
            let _ = sender.send(done);
        });
    }
    drop(sender);
    let mut took = Vec::new();
    while let Some(done) = ended.recv().await {
        took.extend(done?);
    }
    Ok(figures(
        "service: a call of another plugin",
        at_once,
        count,
        began.elapsed(),
        took,
    ))
}

fn figures(what: &str, at_once: u32, count: u32, all: Duration, mut took: Vec<Duration>) -> Value {
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1)));
    let nanoseconds = |share| u64::try_from(at(share).copied().unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
    json!({
        "what": what, "at_once": at_once, "count": count, "seconds": all.as_secs_f64(),
        "p50_ns": nanoseconds(50), "p99_ns": nanoseconds(99),
    })
}
