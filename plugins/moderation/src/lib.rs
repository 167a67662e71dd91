//! Moderation: ban, kick, timeout, purge and warnings, each told in a log channel that the server chooses.
//!
//! What can't be undone asks first, by a button that works on after a reload. Discord checks what the bot may do; that
//! nobody acts against those who stand above them is checked here.

mod acts;
mod log;
mod warn;

use std::time::{Duration, SystemTime};

use acts::{ban_now, kick_now, refused_by_discord};
use plugin_api::{model::channel::Message as Found, prelude::*, relative_time};

/// What servers set: `serversettings moderation`.
#[settings(guild)]
struct Settings {
    /// Where it is told what moderators do
    #[channel_types(text, announcement)]
    log_channel: Option<ChannelId>,
}

/// Ban a user, here or not, after asking once more.
#[command(both_require(BAN_MEMBERS), guild_only, examples("ban @Bob spam"))]
async fn ban(
    ctx: Ctx,
    /// Who is banned; by their id, if they have left
    user: User,
    /// Messages of how many days are deleted
    #[flag]
    #[max = 7]
    #[default = 0]
    days: u8,
    /// Why, for the audit log
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    let member = ctx.check_ranks_of(user.id).await?;
    let title = member.map_or("Ban this user, who is not here?", |_| "Ban this member?");
    let question = question(&user, title, reason.as_deref());
    let asked = ((user.id, reason), days);
    ctx.confirm(question, ban_now.button("Ban").danger(&asked)).await
}

/// Remove a member, after asking once more.
#[command(both_require(KICK_MEMBERS), guild_only, examples("kick @Bob"))]
async fn kick(
    ctx: Ctx,
    /// Who is removed
    member: Member,
    /// Why, for the audit log
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    ctx.check_ranks(&member).await?;
    let question = question(&member.user, "Kick this member?", reason.as_deref());
    let about = (member.user.id, reason);
    ctx.confirm(question, kick_now.button("Kick").danger(&about)).await
}

fn question(user: &User, title: &str, reason: Option<&str>) -> Embed {
    embed(title)
        .field("User", user.mention())
        .field("Reason", reason.unwrap_or("none"))
}

/// Keep a member from writing and speaking for some time.
#[command(both_require(MODERATE_MEMBERS), guild_only, examples("timeout @Bob 10m"))]
async fn timeout(
    ctx: Ctx,
    /// Who has to be quiet
    member: Member,
    /// For how long: 10m, 1h30m, up to 28d; 0s ends it
    time: Duration,
    /// Why, for the audit log
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    ctx.check_ranks(&member).await?;
    // https://discord.com/developers/docs/resources/guild#modify-guild-member
    if time > Duration::from_secs(28 * 86_400) {
        return refuse("Discord takes timeouts of up to 28 days.");
    }
    let until = (!time.is_zero()).then(|| SystemTime::now() + time);
    let act = ctx.time_out(member.guild_id, member.user.id, until);
    refused_by_discord(act.reason(log::reason(&ctx, reason.as_deref())).await)?;
    let when = until.map_or_else(String::new, |until| format!(" {}", relative_time(until)));
    let text = format!("{} can write again{when}.", member.mention());
    let note = log::tell(&ctx, "Timeout", &text, reason.as_deref()).await;
    ctx.reply(text + &note).await
}

/// Delete the last messages of this channel, or those of one user among them.
#[command(
    both_require(MANAGE_MESSAGES, READ_MESSAGE_HISTORY),
    guild_only,
    defer = "ephemeral",
    examples("purge 20", "purge 50 @Bob")
)]
async fn purge(
    ctx: Ctx,
    /// How many messages are looked at
    #[min = 1]
    #[max = 100]
    count: u8,
    /// Only those of this user
    user: Option<User>,
) -> Result {
    // The message that asks is none of them.
    let before = ctx.message_id().map(|id| format!("&before={id}")).unwrap_or_default();
    let path = format!("/channels/{}/messages?limit={count}{before}", ctx.channel_id());
    let found: Vec<Found> = ctx.raw().get(&path).json().await?;
    let wanted = |found: &&Found| user.as_ref().is_none_or(|user| user.id == found.author.id.into_id());
    let ids = found.iter().filter(wanted).map(|found| found.id.into_id());
    let deleted = ctx
        .delete_messages(ctx.channel_id(), ids, &log::reason(&ctx, None))
        .await?;
    if deleted == 0 {
        return refuse("There are no such messages of the last 14 days.");
    }
    let text = format!("{deleted} messages are gone from {}.", ctx.channel_id().mention());
    let note = log::tell(&ctx, "Purge", &text, None).await;
    ctx.reply(message(text + &note).ephemeral()).await
}

plugin! {
    category: "Moderation",
    commands: [
        ban,
        kick,
        timeout,
        purge,
        /// Warnings of members.
        warn::{add, list, remove},
    ],
    components: [acts::ban_now, acts::kick_now],
    erase: [
        user => "DELETE FROM warnings WHERE ?1 IN (member, moderator)",
        guild => "DELETE FROM warnings WHERE guild = ?1",
    ],
    settings: Settings,
    migrations: ["warnings" => include_str!("../migrations/1.sql")],
}
