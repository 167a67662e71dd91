//! `erase user|server ID`: what is kept of somebody, over all plugins, erased by the owner, who is asked first.
//!
//! It makes the call that a plugin with a grant makes, too; what is shown is made in `erase_card`.

use plugin_api::{ErasureReport, Message, ProblemCode, prelude::*, serde_json::json};

use super::erase_card as card;

/// Erase all that is kept of a user or a server, in all plugins.
// States of controls stay until their time is over: what plugins wrote into them is theirs, and names nobody to the host.
#[command(
    slash,
    prefix,
    owner_only,
    cooldown(none),
    examples("erase user 1100000000000000001")
)]
pub(super) async fn erase(
    ctx: Ctx,
    #[description = "`user` or `server`"] what: String,
    #[description = "The id of the user or the server"] id: String,
) -> Result {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    let who = match (what.as_str(), digits.parse::<UserId>(), digits.parse::<GuildId>()) {
        ("user", Ok(user), _) => Subject::User(user),
        ("server", _, Ok(guild)) => Subject::Guild(guild),
        ("user" | "server", ..) => return refuse("That is no id: Discord shows one as a number of up to 20 digits."),
        _ => return refuse("Say whose data: `erase user ID` or `erase server ID`."),
    };
    ctx.confirm(
        Message::from(card::question(who)).ephemeral(),
        erase_it.button("Erase").danger(&who),
    )
    .await
}

/// Erases, and shows what came of it.
#[component(command = erase, expires = "10m")]
pub(super) async fn erase_it(ctx: ClickCtx, who: Subject) -> Result {
    let report: Result<ErasureReport> = ctx.call("data.erase", &json!({ "who": who })).await;
    match report {
        Ok(report) => ctx.update(card::report(who, &report)).without_controls().await,
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::Failed | ProblemCode::Busy, why)) => refuse(why),
            _ => Err(error),
        },
    }
}
