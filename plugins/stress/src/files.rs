//! Files: names that lead elsewhere, and a count that must survive a kill.
//!
//! What is read is answered, or why it can't be, so that tests see the author's errors.

use std::collections::BTreeMap;

use plugin_api::prelude::*;

use crate::State;

/// Count in a file.
#[command(name = "file-count")]
pub(super) async fn file_count(ctx: Ctx<State>) -> Result {
    let count = |counts: &mut BTreeMap<String, u64>| {
        let count = counts.entry("count".to_owned()).or_default();
        *count += 1;
        Ok(*count)
    };
    let count = ctx.files().update_json("count.json", count).await?;
    ctx.reply(format!("count {count}")).await
}

/// Answer with what is in a file, or why it can't be read.
#[command(name = "file-read")]
pub(super) async fn file_read(
    ctx: Ctx<State>,
    #[description = "Which one"]
    #[rest]
    path: String,
) -> Result {
    let read = ctx.files().read_text(&path).await;
    let answer = match read {
        Ok(text) => text.unwrap_or_else(|| "nothing".to_owned()),
        Err(error) => error.to_string(),
    };
    ctx.reply(answer).await
}
