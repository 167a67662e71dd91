//! How many messages a second the local Discord serves to one shard: `MESSAGE_CREATE` from the world to a plain websocket
//! client that only counts, for each transport compression. On Linux also the processor time that a message takes, which
//! says more than the rate where other programs run beside it.
//!
//! `cargo run --release -p sandbox --example feed -- 150000`

use std::{env, fs, io::Write, time::Instant};

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
        let Measured {
            rate,
            bytes,
            server,
            client,
        } = measure(compress, count)?;
        writeln!(
            std::io::stdout(),
            "{compress:12} {rate:>9.0} messages a second, {bytes:>6.0} bytes each; of a core, the server takes {server:.1} us \
             and the client {client:.1} us"
        )?;
    }
    Ok(())
}

/// What a run has shown.
struct Measured {
    /// Messages a second.
    rate: f64,
    /// Bytes of a message on the wire.
    bytes: f64,
    /// Microseconds of processor time a message, by the server's two threads and by the client's.
    server: f64,
    client: f64,
}

/// Seconds of processor time of the whole program, or of the thread that asks; 0 where the system doesn't say so.
fn processor(of: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{of}/stat")).unwrap_or_default();
    // After the name in parentheses: user and system time are the 12th and 13th, in hundredths.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times = fields.split_whitespace().skip(11).take(2);
    times.filter_map(|time| time.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn measure(compress: &'static str, count: u32) -> Result<Measured> {
    let before = processor("self");
    let server = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let sandbox = server.block_on(Sandbox::builder().rate_limits(RateLimits::Off).start())?;
    let (online, is_online) = oneshot::channel();
    let (url, token) = (sandbox.gateway_url(), sandbox.token().to_owned());
    let reader = std::thread::spawn(move || -> Result<_> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (rate, bytes) = runtime.block_on(read(&url, &token, compress, count, online))?;
        Ok((rate, bytes, processor("thread-self")))
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
    let (rate, bytes, client) = result?;
    let all = processor("self") - before;
    server.block_on(sandbox.stop());
    let each = |seconds: f64| seconds * 1e6 / f64::from(count);
    Ok(Measured {
        rate,
        bytes,
        server: each(all - client),
        client: each(client),
    })
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
