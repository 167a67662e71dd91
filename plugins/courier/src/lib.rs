//! A fixture of the bench: keeps nothing, and hands all that it gets on to the plugin tally, which counts it.
//!
//! What is lost or comes twice while it is replaced is missing there, or there twice. It also measures what a call of
//! another plugin takes, and an allocation.

mod measured;

use plugin_api::{prelude::*, serde::Deserialize, serde_json::json};

/// Its length is fixed, so that the bench makes other versions of the compiled file by overwriting the digits.
#[used]
static REVISION: [u8; 17] = *b"REVISION-00000000";

/// Count one more, by way of the plugin tally.
#[command]
async fn courier(ctx: Ctx) -> Result {
    let count: u64 = ctx.service("tally").call("add", &json!({ "by": 1 })).await?;
    let revision = std::str::from_utf8(std::hint::black_box(&REVISION))?;
    ctx.reply(format!("{count} by {revision}")).await
}

/// Answer, and nothing else.
#[command(name = "courier-ping")]
async fn ping(ctx: Ctx) -> Result {
    ctx.reply("pong").await
}

#[derive(Deserialize)]
#[serde(crate = "plugin_api::serde")]
struct Add {
    by: u64,
}

/// Count some more, by way of the plugin tally.
#[service]
async fn add(ctx: ServiceCtx, request: Add) -> Result<u64> {
    ctx.service("tally").call("add", &json!({ "by": request.by })).await
}

/// Hands on the messages that begin with `sent`.
#[event(filter = guild && !bot)]
async fn listen(ctx: EventCtx, message: MessageCreate) -> Result {
    if let Some(number) = message.content.strip_prefix("sent ") {
        let (channel, number): (u64, u64) = (message.channel_id.get(), number.parse()?);
        let heard = json!({ "channel": channel, "number": number });
        ctx.service("tally").call::<_, ()>("heard", &heard).await?;
    }
    Ok(())
}

macro_rules! courier {
    ($allocator:ident) => {
        plugin! {
            commands: [courier, ping, measured::measure_calls, measured::measure_allocations],
            services: [add],
            events: [listen],
            depends: ["tally"],
            allocator: $allocator,
        }
    };
}

#[cfg(not(feature = "uncounted"))]
courier!(counted);
#[cfg(feature = "uncounted")]
courier!(own);
