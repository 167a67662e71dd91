//! Polls: a button for each answer, one vote for each person, which they may change until the poll ends.
//!
//! Votes are rows, so that counts are right whoever clicks at the same time; a poll that has ended is forgotten.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use plugin_api::{Host, prelude::*, tracing::warn};
use serde::Deserialize;

use crate::remind::{AGAIN, is_passing};

/// How long the message of a poll that has ended may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Poll {
    question: String,
    /// One a line.
    options: String,
    ends: u64,
}

impl Poll {
    /// A poll, and what was voted: each option's number with its votes.
    async fn read(host: &Host, id: i64) -> Result<Option<(Self, Vec<(usize, usize)>)>> {
        let sql = "SELECT question, options, ends FROM polls WHERE id = ?1";
        let Some(poll) = host.db().query_optional(sql, id).await? else {
            return Ok(None);
        };
        let sql = "SELECT choice, count(*) FROM votes WHERE poll = ?1 GROUP BY choice";
        Ok(Some((poll, host.db().query(sql, id).await?)))
    }

    fn card(&self, votes: &[(usize, usize)], verb: &str) -> Embed {
        let all: usize = votes.iter().map(|(_, count)| count).sum();
        let mut text = String::new();
        for (number, option) in self.options.lines().enumerate() {
            let count = votes
                .iter()
                .find(|(choice, _)| *choice == number)
                .map_or(0, |vote| vote.1);
            let (bar, percent) = (count * 12 / all.max(1), count * 100 / all.max(1));
            // Writing to a text does not fail.
            let _ = writeln!(text, "**{option}**\n{} {count} ({percent} %)", "\u{2588}".repeat(bar));
        }
        let _ = write!(text, "\n{verb} <t:{}:R>", self.ends);
        embed(self.question.as_str())
            .description(text)
            .footer(format!("Votes: {all}"))
    }
}

/// Ask everybody here something.
#[command(
    guild_only,
    examples("poll \"Pizza tonight?\" Yes No", "poll --lasts 1h Day? Friday \"Next week\"")
)]
pub(crate) async fn poll(
    ctx: Ctx,
    /// What is asked
    #[max_length = 200]
    question: String,
    /// How long people can vote: 10m, 1h, up to 30d
    #[flag]
    #[default = Duration::from_secs(86_400)]
    lasts: Duration,
    /// 2 to 10 answers, those of several words in quotes
    options: Vec<String>,
) -> Result {
    let is_label = |option: &String| (1..=80).contains(&option.chars().count()) && !option.contains('\n');
    if !(2..=10).contains(&options.len()) || !options.iter().all(is_label) {
        return refuse("A poll has 2 to 10 answers of up to 80 characters: `poll Day? Friday \"Next week\"`.");
    } else if lasts.is_zero() || lasts > Duration::from_secs(30 * 86_400) {
        return refuse("A poll lasts up to 30 days.");
    }
    let end = SystemTime::now() + lasts;
    let ends = end.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let options = options.join("\n");
    let poll = Poll {
        question,
        options,
        ends,
    };
    let sql = "INSERT INTO polls (channel, guild, question, options, ends) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = (ctx.channel_id(), ctx.guild_id(), &poll.question, &poll.options, ends);
    let id = ctx.db().execute(sql, values).await?.last_insert_id;
    close(&ctx, id, end, ctx.guild_id()).await?;
    let options = (0_u8..).zip(poll.options.lines());
    let buttons = options.map(|(number, option)| vote.button(option).secondary(&(id, number)));
    let answer = ctx.reply(poll.card(&[], "Ends")).buttons(buttons).handle().await?;
    let sql = "UPDATE polls SET message = ?2 WHERE id = ?1";
    ctx.db().execute(sql, (id, answer.message_id())).await?;
    Ok(())
}

/// A vote; who votes again changes theirs.
#[component(anyone)]
pub(crate) async fn vote(ctx: ClickCtx, (id, choice): (i64, u8)) -> Result {
    let sql = "INSERT INTO votes (poll, user, choice) SELECT id, ?2, ?3 FROM polls WHERE id = ?1 \
               AND ends > unixepoch() ON CONFLICT (poll, user) DO UPDATE SET choice = excluded.choice";
    let voted = ctx.db().execute(sql, (id, ctx.author().id, choice)).await?;
    match Poll::read(&ctx, id).await? {
        Some((poll, votes)) if voted.rows_changed > 0 => ctx.update(poll.card(&votes, "Ends")).await,
        _ => refuse("This poll is over."),
    }
}

/// Sets the timer that closes a poll, in place of an earlier one of it.
pub(crate) async fn close(host: &Host, id: i64, when: SystemTime, guild: Option<GuildId>) -> Result {
    let timer = closing.at(host, when, &id).key(id.to_string());
    match guild {
        Some(guild) => timer.guild(guild).await?,
        None => timer.await?,
    };
    Ok(())
}

/// Closes a poll whose time is over.
#[timer]
pub(crate) async fn closing(ctx: TimerCtx, id: i64) -> Result {
    let sql = "SELECT channel, message, guild FROM polls WHERE id = ?1";
    let place: Option<(ChannelId, Option<MessageId>, Option<GuildId>)> = ctx.db().query_optional(sql, id).await?;
    let (Some((poll, votes)), Some((channel, message, guild))) = (Poll::read(&ctx, id).await?, place) else {
        return Ok(());
    };
    let now = SystemTime::now();
    if let Some(message) = message {
        let closed = ctx.edit_message(channel, message, poll.card(&votes, "Ended"));
        match closed.without_controls().await {
            Err(error) if is_passing(&error) => {
                warn!("a poll can't be closed, it is tried again in a minute: {error}");
                return close(&ctx, id, now + AGAIN, guild).await;
            }
            Err(error) => warn!("a poll can't be closed: {error}"),
            Ok(()) => {}
        }
    } else if now < SystemTime::UNIX_EPOCH + Duration::from_secs(poll.ends) + ON_ITS_WAY {
        // It ends before it is known which message is its own.
        return close(&ctx, id, now + Duration::from_secs(1), guild).await;
    }
    ctx.db().execute("DELETE FROM polls WHERE id = ?1", id).await?;
    Ok(())
}
