//! Bans and kicks behind their buttons: who may still be acted against, once for each question.
//!
//! Apart from the commands, which only ask.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use plugin_api::{RawRequest, prelude::*};
use serde::{Deserialize, Serialize};

use crate::log;

/// How long a question can be answered, as its buttons say.
const ASKED_FOR: Duration = Duration::from_secs(10 * 60);

/// The questions that were answered lately: two quick clicks, or two moderators, do it once. A lock of std: never held
/// across an await.
static ANSWERED: Mutex<BTreeMap<MessageId, Instant>> = Mutex::new(BTreeMap::new());

/// What is done when its button is used: `days` of messages deleted with a ban, none with a kick.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) user: UserId,
    pub(crate) days: u8,
    pub(crate) reason: Option<String>,
}

/// Refuses to act against those who stand above the asker or the bot.
pub(crate) async fn check_ranks(ctx: &Ctx, member: &Member) -> Result {
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

/// What Discord forbids is told in words; `None` if they are not there.
pub(crate) fn refused_by_discord<T>(done: Result<T>) -> Result<Option<T>> {
    match done.optional() {
        Err(error) if error.http().is_some_and(|http| http.status == 403) => refuse(
            "Discord doesn't let me do that to them. It protects administrators from timeouts; else my role lacks the \
             permission or has to be moved up.",
        ),
        done => done,
    }
}

#[component(expires = "10m", command = "ban")]
pub(crate) async fn ban_now(ctx: ClickCtx, asked: Asked) -> Result {
    let days = Duration::from_secs(u64::from(asked.days) * 86_400);
    let ban = ctx.ban(ctx.require_guild()?, asked.user, days);
    once(&ctx, ban, "Banned", &asked).await
}

#[component(expires = "10m", command = "kick")]
pub(crate) async fn kick_now(ctx: ClickCtx, asked: Asked) -> Result {
    let kick = ctx.kick(ctx.require_guild()?, asked.user);
    once(&ctx, kick, "Kicked", &asked).await
}

/// Does it, unless that was done by this very question; what came to nothing can be tried again.
async fn once(ctx: &ClickCtx, act: RawRequest, title: &str, asked: &Asked) -> Result {
    let Some(question) = ctx.message_id() else {
        return act_now(ctx, act, title, asked).await;
    };
    {
        let mut answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
        answered.retain(|_, at| at.elapsed() < ASKED_FOR);
        if answered.insert(question, Instant::now()).is_some() {
            return refuse("That is being done already.");
        }
    }
    let done = act_now(ctx, act, title, asked).await;
    if done.is_err() {
        let mut answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
        answered.remove(&question);
    }
    done
}

/// Does it, unless the one it is about has risen above the asker or the bot since it was asked.
async fn act_now(ctx: &ClickCtx, act: RawRequest, title: &str, asked: &Asked) -> Result {
    if let Some(member) = ctx.fetch_member(ctx.require_guild()?, asked.user).await? {
        check_ranks(ctx, &member).await?;
    }
    let (user, reason) = (asked.user.mention(), asked.reason.as_deref());
    if refused_by_discord(act.reason(log::reason(ctx, reason)).await)?.is_none() {
        return refuse("They are no longer here.");
    }
    let note = log::tell(ctx, title, &user, reason).await;
    let text = format!("{user} by {}{note}", ctx.author().mention());
    ctx.update(embed(title).description(text)).without_controls().await
}
