//! How many messages a second the local Discord serves to one shard: `MESSAGE_CREATE` from the world to a plain websocket
//! client that only counts, for each transport compression.
//!
//! `cargo run --release -p sandbox --example feed -- 150000`

use std::{env, io::Write, time::Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use sandbox::{RateLimits, Sandbox};
use serde_json::json;
use tokio::{runtime::Builder, sync::oneshot};
use tokio_tungstenite::tungstenite::Message;

/// Messages of a run, unless said otherwise: fewer than a client may leave unread.
const MESSAGES: u32 = 150_000;
const INTENTS: u64 = 53_608_447;

fn main() -> Result<()> {
    let count = env::args().nth(1).map_or(Ok(MESSAGES), |text| text.parse())?;
    for compress in ["none", "zlib-stream", "zstd-stream"] {
        let (rate, bytes) = measure(compress, count)?;
        writeln!(
            std::io::stdout(),
            "{compress:12} {rate:>9.0} messages a second, {bytes:>6.0} bytes each"
        )?;
    }
    Ok(())
}

/// Messages a second, and bytes of each on the wire.
fn measure(compress: &'static str, count: u32) -> Result<(f64, f64)> {
    let server = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let sandbox = server.block_on(Sandbox::builder().rate_limits(RateLimits::Off).start())?;
    let (online, is_online) = oneshot::channel();
    let (url, token) = (sandbox.gateway_url(), sandbox.token().to_owned());
    let reader = std::thread::spawn(move || -> Result<_> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(read(&url, &token, compress, count, online))
    });
    let alice = sandbox.guild().channel("general").user("alice");
    server.block_on(async {
        is_online.await.context("the client never came online")?;
        for number in 0..count {
            alice
                .says(&format!("message {number}, as people write them: not long"))
                .await;
        }
        anyhow::Ok(())
    })?;
    let result = reader.join().map_err(|_| anyhow::anyhow!("the client panicked"))?;
    server.block_on(sandbox.stop());
    result
}

/// Counts what comes after the client is online.
async fn read(url: &str, token: &str, compress: &str, count: u32, online: oneshot::Sender<()>) -> Result<(f64, f64)> {
    let query = if compress == "none" {
        String::new()
    } else {
        format!("&compress={compress}")
    };
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("{url}/?v=10&encoding=json{query}")).await?;
    let identify = json!({ "op": 2, "d": { "token": token, "intents": INTENTS, "properties": { "os": "feed" } } });
    // Hello; then READY and the guild's GUILD_CREATE.
    socket.next().await.context("no hello")??;
    socket.send(Message::text(identify.to_string())).await?;
    for _ in 0..2 {
        socket.next().await.context("not online")??;
    }
    let _ = online.send(());
    let (mut began, mut bytes) = (None, 0);
    for _ in 0..count {
        let message = socket.next().await.context("the connection ended")??;
        ensure!(message.is_text() || message.is_binary(), "{message}");
        bytes += message.len();
        began.get_or_insert_with(Instant::now);
    }
    let seconds = began.map_or(0.0, |began| began.elapsed().as_secs_f64());
    Ok((f64::from(count) / seconds, bytes as f64 / f64::from(count)))
}
