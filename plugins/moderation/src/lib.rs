//! Moderation: ban, kick, timeout, purge and warnings, each told in a log channel that the server chooses.
//!
//! What can't be undone asks first, by a button that works on after a reload. Discord checks what the bot may do; that
//! nobody acts against those who stand above them is checked here.

mod log;
mod warn;

use std::time::{Duration, SystemTime};

use plugin_api::{RawRequest, model::channel::Message as Found, prelude::*, relative_time};
use serde::{Deserialize, Serialize};

/// The longest timeout (<https://discord.com/developers/docs/resources/guild#modify-guild-member>).
const LONGEST_TIMEOUT: Duration = Duration::from_secs(28 * 86_400);

/// What servers set: `serversettings moderation`.
#[settings(guild)]
struct Settings {
    /// Where it is told what moderators do
    #[channel_types(text, announcement)]
    log_channel: Option<ChannelId>,
}

/// What is done when its button is used: `days` of messages deleted with a ban, none with a kick.
#[derive(Serialize, Deserialize)]
struct Asked {
    user: UserId,
    days: u8,
    reason: Option<String>,
}

/// Ban a member, after asking once more.
#[command(both_require(BAN_MEMBERS), guild_only, examples("ban @Bob spam"))]
async fn ban(
    ctx: Ctx,
    /// Who is banned
    member: Member,
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
    let user = member.user.id;
    let question = question(&ctx, &member, "Ban", reason.as_deref()).await?;
    let asked = Asked { user, days, reason };
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
    let (user, days) = (member.user.id, 0);
    let question = question(&ctx, &member, "Kick", reason.as_deref()).await?;
    let asked = Asked { user, days, reason };
    ctx.confirm(question, kick_now.button("Kick").danger(&asked)).await
}

/// Refuses to act against those who stand above the asker or the bot.
async fn check_ranks(ctx: &Ctx, member: &Member) -> Result {
    if !ctx.outranks(member).await? {
        return refuse(format!("{} does not stand below you.", member.mention()));
    }
    if !ctx.bot_outranks(member).await? {
        return refuse(format!(
            "{} does not stand below me: move my role up.",
            member.mention()
        ));
    }
    Ok(())
}

async fn question(ctx: &Ctx, member: &Member, act: &str, reason: Option<&str>) -> Result<Embed> {
    check_ranks(ctx, member).await?;
    Ok(embed(format!("{act} this member?"))
        .field("Member", member.mention())
        .field("Reason", reason.unwrap_or("none")))
}

#[component(expires = "10m", command = ban)]
async fn ban_now(ctx: ClickCtx, asked: Asked) -> Result {
    let ban = ctx.ban(
        ctx.require_guild()?,
        asked.user,
        Duration::from_secs(u64::from(asked.days) * 86_400),
    );
    act_now(&ctx, ban, "Banned", &asked).await
}

#[component(expires = "10m", command = kick)]
async fn kick_now(ctx: ClickCtx, asked: Asked) -> Result {
    let kick = ctx.kick(ctx.require_guild()?, asked.user);
    act_now(&ctx, kick, "Kicked", &asked).await
}

/// Does it, unless the one it is about has risen above the asker or the bot since it was asked.
async fn act_now(ctx: &ClickCtx, act: RawRequest, title: &str, asked: &Asked) -> Result {
    if let Some(member) = ctx.fetch_member(ctx.require_guild()?, asked.user).await? {
        check_ranks(ctx, &member).await?;
    }
    let (user, reason) = (asked.user.mention(), asked.reason.as_deref());
    if act.reason(log::reason(ctx, reason)).await.optional()?.is_none() {
        return refuse("They are no longer here.");
    }
    log::tell(ctx, title, &user, reason).await;
    let text = format!("{user} by {}", ctx.author().mention());
    ctx.update(embed(title).description(text)).without_controls().await
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
    check_ranks(&ctx, &member).await?;
    if time > LONGEST_TIMEOUT {
        return refuse("Discord takes timeouts of up to 28 days.");
    }
    let until = (!time.is_zero()).then(|| SystemTime::now() + time);
    ctx.time_out(member.guild_id, member.user.id, until)
        .reason(log::reason(&ctx, reason.as_deref()))
        .await?;
    let when = until.map_or_else(String::new, |until| format!(" {}", relative_time(until)));
    let text = format!("{} can write again{when}.", member.mention());
    log::tell(&ctx, "Timeout", &text, reason.as_deref()).await;
    ctx.reply(text).await
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
    let reason = log::reason(&ctx, None);
    let deleted = ctx.delete_messages(ctx.channel_id(), ids, &reason).await?;
    if deleted == 0 {
        return refuse("There are no such messages of the last 14 days.");
    }
    let text = format!("{deleted} messages are gone from {}.", ctx.channel_id().mention());
    log::tell(&ctx, "Purge", &text, None).await;
    ctx.reply(message(text).ephemeral()).await
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
    components: [ban_now, kick_now],
    settings: Settings,
    migrations: ["warnings" => include_str!("../migrations/1.sql")],
}
