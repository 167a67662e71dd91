//! Moderation: ban, kick, timeout, purge and warnings, each told in a log channel that the server chooses.
//!
//! What can't be undone asks first, by a button that works on after a reload. Discord checks what the bot may do; that
//! nobody acts against those who stand above them is checked here.

mod log;
mod warn;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_api::{
    RawRequest,
    model::util::Timestamp,
    prelude::*,
    serde_json::{self, Value, json},
};
use serde::{Deserialize, Serialize};

/// The longest timeout (<https://discord.com/developers/docs/resources/guild#modify-guild-member>).
const LONGEST_TIMEOUT: Duration = Duration::from_secs(28 * 86_400);
/// No older messages are deleted together, with a minute to spare
/// (<https://discord.com/developers/docs/resources/message#bulk-delete-messages>).
const OLDEST_PURGED: Duration = Duration::from_secs(14 * 86_400 - 60);

/// What is done when its button is used: `days` of messages deleted with a ban, none with a kick.
#[derive(Serialize, Deserialize)]
struct Asked {
    user: UserId,
    days: u8,
    reason: Option<String>,
}

/// Ban a member, after asking once more.
#[command(
    category = "Moderation",
    requires(BAN_MEMBERS),
    bot_requires(BAN_MEMBERS),
    guild_only,
    examples("ban @Bob spam")
)]
async fn ban(
    ctx: Ctx,
    #[description = "Who is banned"] member: Member,
    #[description = "Messages of how many days are deleted"]
    #[flag]
    #[max = 7]
    #[default = 0]
    days: u8,
    #[description = "Why, for the audit log"]
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    let user = member.user.id;
    let asked = Asked { user, days, reason };
    let yes = ban_now.button("Ban").danger(&asked);
    ask(&ctx, &member, yes, "Ban", asked.reason.as_deref()).await
}

/// Remove a member, after asking once more.
#[command(
    category = "Moderation",
    requires(KICK_MEMBERS),
    bot_requires(KICK_MEMBERS),
    guild_only,
    examples("kick @Bob")
)]
async fn kick(
    ctx: Ctx,
    #[description = "Who is removed"] member: Member,
    #[description = "Why, for the audit log"]
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    let (user, days) = (member.user.id, 0);
    let asked = Asked { user, days, reason };
    let yes = kick_now.button("Kick").danger(&asked);
    ask(&ctx, &member, yes, "Kick", asked.reason.as_deref()).await
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

async fn ask(ctx: &Ctx, member: &Member, yes: Button, act: &str, reason: Option<&str>) -> Result {
    check_ranks(ctx, member).await?;
    let card = embed(format!("{act} this member?"))
        .field("Member", member.mention())
        .field("Reason", reason.unwrap_or("none"));
    ctx.reply(card)
        .button(yes)
        .button(cancel.button("Cancel").secondary(&()))
        .await
}

#[component(expires = "10m", command = ban)]
async fn ban_now(ctx: ClickCtx, asked: Asked) -> Result {
    let body = json!({ "delete_message_seconds": u32::from(asked.days) * 86_400 });
    let guild = checked_again(&ctx, &asked).await?;
    let done = ctx.raw().put(&format!("/guilds/{guild}/bans/{}", asked.user), &body);
    tell_done(&ctx, done, "Banned", &asked).await
}

#[component(expires = "10m", command = kick)]
async fn kick_now(ctx: ClickCtx, asked: Asked) -> Result {
    let guild = checked_again(&ctx, &asked).await?;
    let done = ctx.raw().delete(&format!("/guilds/{guild}/members/{}", asked.user));
    tell_done(&ctx, done, "Kicked", &asked).await
}

/// The server, unless the one it is about has risen above the asker or the bot since it was asked.
async fn checked_again(ctx: &ClickCtx, asked: &Asked) -> Result<GuildId> {
    let Some(guild) = ctx.guild_id() else {
        return refuse("This works in servers only.");
    };
    let path = format!("/guilds/{guild}/members/{}", asked.user);
    if let Some(found) = ctx.raw().get(&path).await.optional()? {
        let mut member: Value = found.json()?;
        member["guild_id"] = json!(guild);
        check_ranks(ctx, &serde_json::from_value(member)?).await?;
    }
    Ok(guild)
}

async fn tell_done(ctx: &ClickCtx, done: RawRequest, title: &str, asked: &Asked) -> Result {
    let (user, reason) = (asked.user, log::reason(ctx, asked.reason.as_deref()));
    if done.reason(reason).await.optional()?.is_none() {
        return refuse("They are no longer here.");
    }
    log::tell(ctx, title, &user.mention(), asked.reason.as_deref()).await?;
    let text = format!("{} by {}", user.mention(), ctx.author().mention());
    ctx.update(embed(title).description(text)).without_controls().await
}

#[component(expires = "10m")]
async fn cancel(ctx: ClickCtx) -> Result {
    ctx.update(embed("Nothing was done")).without_controls().await
}

/// Keep a member from writing and speaking for some time.
#[command(
    category = "Moderation",
    requires(MODERATE_MEMBERS),
    bot_requires(MODERATE_MEMBERS),
    guild_only,
    examples("timeout @Bob 10m")
)]
async fn timeout(
    ctx: Ctx,
    #[description = "Who has to be quiet"] member: Member,
    #[description = "For how long: 10m, 1h30m, up to 28d; 0s ends it"] time: Duration,
    #[description = "Why, for the audit log"]
    #[rest]
    #[max_length = 400]
    reason: Option<String>,
) -> Result {
    check_ranks(&ctx, &member).await?;
    if time > LONGEST_TIMEOUT {
        return refuse("Discord takes timeouts of up to 28 days.");
    }
    let (until, text) = if time.is_zero() {
        (None, format!("{} can write again.", member.mention()))
    } else {
        let since_1970 = (SystemTime::now() + time).duration_since(UNIX_EPOCH)?;
        let until = Timestamp::from_secs(since_1970.as_secs().try_into()?)?;
        let text = format!("{} can write again <t:{}:R>.", member.mention(), until.as_secs());
        (Some(until.iso_8601().to_string()), text)
    };
    let path = format!("/guilds/{}/members/{}", member.guild_id, member.user.id);
    let body = json!({ "communication_disabled_until": until });
    ctx.raw()
        .patch(&path, &body)
        .reason(log::reason(&ctx, reason.as_deref()))
        .await?;
    log::tell(&ctx, "Timeout", &text, reason.as_deref()).await?;
    ctx.reply(text).await
}

/// Delete the last messages of this channel, or those of one user among them.
#[command(
    category = "Moderation",
    requires(MANAGE_MESSAGES),
    bot_requires(MANAGE_MESSAGES, READ_MESSAGE_HISTORY),
    guild_only,
    defer = "ephemeral",
    examples("purge 20", "purge 50 @Bob")
)]
async fn purge(
    ctx: Ctx,
    #[description = "How many messages are looked at"]
    #[min = 1]
    #[max = 100]
    count: u8,
    #[description = "Only those of this user"] user: Option<User>,
) -> Result {
    #[derive(Deserialize)]
    struct Found {
        id: MessageId,
        author: User,
    }
    let path = format!("/channels/{}/messages", ctx.channel_id());
    // The message that asks is none of them.
    let before = ctx.message_id().map(|id| format!("&before={id}")).unwrap_or_default();
    let found: Vec<Found> = ctx.raw().get(&format!("{path}?limit={count}{before}")).await?.json()?;
    let oldest = (SystemTime::now() - OLDEST_PURGED)
        .duration_since(UNIX_EPOCH)?
        .as_millis();
    let ids: Vec<MessageId> = found
        .into_iter()
        .filter(|found| user.as_ref().is_none_or(|user| user.id == found.author.id))
        .map(|found| found.id)
        .filter(|id| u128::from(id.timestamp_millis()) > oldest)
        .collect();
    let deleted = match ids.as_slice() {
        [] => return refuse("There are no such messages of the last 14 days."),
        [one] => ctx.raw().delete(&format!("{path}/{one}")),
        all => ctx
            .raw()
            .post(&format!("{path}/bulk-delete"), &json!({ "messages": all })),
    };
    deleted.reason(log::reason(&ctx, None)).await?;
    let text = format!("{} messages are gone from {}.", ids.len(), ctx.channel_id().mention());
    log::tell(&ctx, "Purge", &text, None).await?;
    ctx.reply(message(text).ephemeral()).await
}

plugin! {
    commands: [
        ban,
        kick,
        timeout,
        purge,
        log::modlog,
        /// Warnings of members.
        warn::{add, list, remove},
    ],
    components: [ban_now, kick_now, cancel],
    migrations: ["warnings" => include_str!("../migrations/1.sql")],
}
