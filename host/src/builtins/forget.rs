//! `forget`: what is kept of a user or a server, over all plugins, erased by the owner.
//!
//! It makes the call that a plugin with a grant makes, too.

use plugin_api::{ProblemCode, prelude::*, serde_json::json};
use serde::Deserialize;

/// What the host has erased.
#[derive(Deserialize)]
struct Forgotten {
    /// How many values of stores.
    values: u64,
    /// Whether there was something for all plugins, too.
    shared: bool,
}

/// Erase all that is kept of a user or a server, in all plugins.
// States of controls stay until their time is over: what plugins wrote into them is theirs, and names nobody to the host.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn forget(
    ctx: Ctx,
    #[description = "`user` or `server`"] what: String,
    #[description = "The id of the user or the server"] id: String,
) -> Result {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    let (arguments, whose) = match (what.as_str(), digits.parse::<UserId>(), digits.parse::<GuildId>()) {
        ("user", Ok(user), _) => (json!({ "user_id": user }), format!("user {user}")),
        ("server", _, Ok(guild)) => (json!({ "guild_id": guild }), format!("server {guild}")),
        ("user" | "server", ..) => return refuse("That is no id: Discord shows one as a number of up to 20 digits."),
        _ => return refuse("Say whose data: `forget user ID` or `forget server ID`."),
    };
    let forgotten: Forgotten = match ctx.call("data.forget", &arguments).await {
        Ok(forgotten) => forgotten,
        Err(error) => match error.problem() {
            Some(problem) if problem.code == ProblemCode::Failed => return refuse(problem.message.clone()),
            _ => return Err(error),
        },
    };
    let values = match forgotten.values {
        1 => "1 value".to_owned(),
        values => format!("{values} values"),
    };
    let shared = match (forgotten.shared, what.as_str()) {
        (false, _) => "nothing was kept for all plugins",
        (true, "user") => "so is what all plugins shared of them",
        (true, _) => "so are its settings",
    };
    ctx.reply(format!(
        "{values} of {whose} in the plugins' stores are erased, {shared}. Tables and files of plugins are not touched: ask \
         their authors. Backups still have it until they are deleted."
    ))
    .await
}
