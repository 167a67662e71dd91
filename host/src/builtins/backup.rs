//! `backup now|list|verify ID|restore ID`: the owner's hand on backups.
//!
//! What is shown is made in `backup_card`.

use plugin_api::{ProblemCode, backups::BackupInfo, prelude::*, serde_json::json};

use super::backup_card;

/// Make, list, verify or restore backups of everything that is kept.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn backup(
    ctx: Ctx,
    #[description = "`now`, `list`, `verify` or `restore`"] action: String,
    #[description = "Which backup, for `verify` and `restore`: `list` shows them"] id: Option<String>,
) -> Result {
    let (call, id) = match (action.trim().to_lowercase().as_str(), id) {
        ("list", _) => {
            let list: Vec<BackupInfo> = ctx.call("backups.list", &json!({})).await?;
            return ctx.reply(backup_card::list(&list)).await;
        }
        ("now", _) => ("backups.make", None),
        ("verify", Some(id)) => ("backups.verify", Some(id)),
        ("restore", Some(id)) => ("backups.restore", Some(id)),
        ("verify" | "restore", None) => return refuse("Which one? `backup list` shows those that there are."),
        _ => return refuse("There is `backup now`, `backup list`, `backup verify ID` and `backup restore ID`."),
    };
    ctx.defer().await?;
    match ctx.call::<BackupInfo>(call, &json!({ "id": id })).await {
        Ok(done) => {
            let card = match (call, id) {
                ("backups.make", _) => backup_card::made(&done),
                ("backups.restore", Some(id)) => backup_card::restored(&id, &done),
                _ => backup_card::verified(&done),
            };
            ctx.reply(card).await
        }
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::Failed | ProblemCode::Invalid | ProblemCode::NotFound | ProblemCode::Busy, why)) => {
                refuse(why)
            }
            _ => Err(error),
        },
    }
}
