//! stub

use plugin_api::prelude::*;

/// Answer with pong.
#[command(slash, prefix)]
async fn ping(ctx: Ctx, #[rest] text: Option<String>) -> Result {
    ctx.reply(match text {
        Some(text) => format!("pong {text}"),
        None => "pong".to_owned(),
    })
    .await
}

plugin! { commands: [ping] }
