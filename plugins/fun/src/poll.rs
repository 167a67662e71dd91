//! Polls: a button for each answer, one vote for each person, which they may change until the poll ends.
//!
//! Votes are rows, so that counts are right whoever clicks at the same time; a poll that has ended is forgotten.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_api::{Host, prelude::*, tracing::warn};
use serde::Deserialize;

#[derive(Deserialize)]
struct Poll {
    question: String,
    /// One a line.
    options: String,
    ends: u64,
    channel: ChannelId,
    /// Where it is shown, once it is.
    message: Option<MessageId>,
}

impl Poll {
    /// A poll, and what was voted: each option's number with its votes.
    async fn read(host: &Host, id: i64) -> Result<Option<(Self, Vec<(usize, usize)>)>> {
        let sql = "SELECT question, options, ends, channel, message FROM polls WHERE id = ?1";
        let poll = host.db().query_optional(sql, id).await?;
        let sql = "SELECT choice, count(*) FROM votes WHERE poll = ?1 GROUP BY choice";
        let votes = host.db().query(sql, id).await?;
        Ok(poll.map(|poll| (poll, votes)))
    }

    fn card(&self, votes: &[(usize, usize)], verb: &str) -> Embed {
        let all: usize = votes.iter().map(|(_, count)| count).sum();
        let options = self.options.lines().enumerate().map(|(number, option)| {
            let voted = votes.iter().find(|(choice, _)| *choice == number);
            let count = voted.map_or(0, |(_, count)| *count);
            let (bar, percent) = (count * 12 / all.max(1), count * 100 / all.max(1));
            format!("**{option}**\n{} {count} ({percent} %)\n", "\u{2588}".repeat(bar))
        });
        let text = format!("{}\n{verb} <t:{}:R>", options.collect::<String>(), self.ends);
        let card = embed(self.question.as_str()).description(text);
        card.footer(format!("Votes: {all}"))
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
    let poll = Poll {
        question,
        options: options.join("\n"),
        ends: (SystemTime::now() + lasts).duration_since(UNIX_EPOCH)?.as_secs(),
        channel: ctx.channel_id(),
        message: None,
    };
    let sql = "INSERT INTO polls (channel, guild, question, options, ends) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = (poll.channel, ctx.guild_id(), &poll.question, &poll.options, poll.ends);
    let id = ctx.db().execute(sql, values).await?.last_insert_id;
    let buttons = (0_u8..).zip(poll.options.lines());
    let buttons = buttons.map(|(number, option)| vote.button(option).secondary(&(id, number)));
    let answer = ctx.reply(poll.card(&[], "Ends")).buttons(buttons).handle().await?;
    let sql = "UPDATE polls SET message = ?2 WHERE id = ?1";
    ctx.db().execute(sql, (id, answer.message_id())).await?;
    close(&ctx, id, poll.ends, ctx.guild_id()).await
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
pub(crate) async fn close(host: &Host, id: i64, ends: u64, guild: Option<GuildId>) -> Result {
    let timer = closing.at(host, UNIX_EPOCH + Duration::from_secs(ends), &id);
    timer.key(id.to_string()).guild(guild).await?;
    Ok(())
}

/// Closes a poll whose time is over.
#[timer(retry = "1m")]
pub(crate) async fn closing(ctx: TimerCtx, id: i64) -> Result {
    if let Some((poll, votes)) = Poll::read(&ctx, id).await?
        && let Some(message) = poll.message
    {
        let closed = ctx.edit_message(poll.channel, message, poll.card(&votes, "Ended"));
        match closed.without_controls().await {
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => warn!("a poll can't be closed: {error}"),
            Ok(()) => {}
        }
    }
    ctx.db().execute("DELETE FROM polls WHERE id = ?1", id).await?;
    Ok(())
}
