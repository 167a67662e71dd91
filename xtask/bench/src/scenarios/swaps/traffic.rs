//! What comes while plugins are replaced: commands and events at a steady rate, and who was answered what.
//!
//! One task does all: it writes what is due, and between that it reads the answers that have come.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::time::{Interval, interval, sleep};

use super::{RELAYS, Replaced, judgement::Asked};
use crate::{
    bot::Bot,
    server::{Link, Reply, Text},
};

/// How often something is written.
const TICK: Duration = Duration::from_millis(10);
/// Between the first answer of a version and the next version.
const BETWEEN: Duration = Duration::from_millis(60);
/// How long a replacement may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may come before what is missing counts as lost.
const SILENCE: Duration = Duration::from_secs(5);
/// In how many channels commands are used.
const COMMAND_SLOTS: usize = 25;
/// And in how many others messages are written, behind them.
const EVENT_SLOTS: usize = 70;
/// Of so many events one is counted by each of the plugins that depend on the one that is replaced.
const CALLING: u64 = 20;

/// How much comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerSecond {
    pub(super) commands: u64,
    pub(super) events: u64,
}

/// Traffic that goes on.
pub(super) struct Traffic<'b> {
    bot: &'b Bot,
    link: Arc<Link>,
    replaced: Replaced,
    rate: PerSecond,
    ticks: Interval,
    ticked: u64,
    numbers: HashMap<usize, u64>,
    done: Done,
}

/// What came, and what was answered.
#[derive(Default)]
pub(super) struct Done {
    pub(super) asked: Vec<Asked>,
    pub(super) replies: Vec<Reply>,
    /// Events that are numbered by channel.
    pub(super) numbered: u64,
    /// Events that each of the dependants counts.
    calling: u64,
}

impl Done {
    /// How many events came.
    pub(super) fn events(&self) -> u64 {
        self.numbered + self.calling
    }

    /// How much is to be counted of it.
    pub(super) fn counted(&self) -> u64 {
        self.asked.len() as u64 + self.calling * u64::from(RELAYS)
    }
}

impl<'b> Traffic<'b> {
    pub(super) async fn begin(bot: &'b Bot, replaced: Replaced, rate: PerSecond) -> Result<Self> {
        let link = bot.server.link().await?;
        bot.server.ledger().record();
        Ok(Self {
            bot,
            link,
            replaced,
            rate,
            // What a busy moment holds up is made up for.
            ticks: interval(TICK),
            ticked: 0,
            numbers: HashMap::new(),
            done: Done::default(),
        })
    }

    /// Goes on until something is answered by this version: when that was.
    pub(super) async fn goes_on_until(&mut self, revision: &str) -> Result<Instant> {
        let limit = Instant::now() + PATIENCE;
        loop {
            let read = self.done.replies.len();
            self.tick().await?;
            let new = &self.done.replies[read..];
            if let Some(reply) = new.iter().find(|reply| reply.content.ends_with(revision)) {
                return Ok(reply.at);
            }
            if Instant::now() > limit {
                let last = new.last().map_or("nothing", |reply| &reply.content);
                bail!("{revision} never answered: said last was {last}");
            }
        }
    }

    /// Goes on for a moment.
    pub(super) async fn goes_on(&mut self) {
        let until = Instant::now() + BETWEEN;
        while Instant::now() < until && self.tick().await.is_ok() {}
    }

    /// Ends, and waits for all answers, or until none comes any more.
    pub(super) async fn end(mut self) -> Done {
        let mut last = Instant::now();
        while self.done.replies.len() < self.done.asked.len() && last.elapsed() < SILENCE {
            sleep(TICK).await;
            let new = self.bot.server.ledger().recorded();
            if !new.is_empty() {
                last = Instant::now();
            }
            self.done.replies.extend(new);
        }
        // One that is given twice comes soon behind the first, if it does.
        sleep(TICK * 20).await;
        self.done.replies.extend(self.bot.server.ledger().recorded());
        self.done
    }

    /// Writes what is due, and reads what has come.
    async fn tick(&mut self) -> Result<()> {
        self.ticks.tick().await;
        let due = |per_second: u64, tick: u64| per_second * tick / (1000 / TICK.as_millis() as u64);
        let (before, now) = (self.ticked, self.ticked + 1);
        self.ticked = now;
        for number in due(self.rate.commands, before)..due(self.rate.commands, now) {
            self.command(number)?;
        }
        for number in due(self.rate.events, before)..due(self.rate.events, now) {
            self.event(number)?;
        }
        self.done.replies.extend(self.bot.server.ledger().recorded());
        Ok(())
    }

    /// Every second command is the plugin's own, the others are those of its dependants, which call it.
    fn command(&mut self, number: u64) -> Result<()> {
        let (turn, is_direct) = (number / 2, number.is_multiple_of(2));
        let slot = turn as usize % COMMAND_SLOTS;
        let relay = turn % u64::from(RELAYS) + 1;
        let text = match (is_direct, self.replaced) {
            (true, Replaced::Stateless) => "!courier".to_owned(),
            (true, _) => "!tally".to_owned(),
            (false, Replaced::Stateless) => format!("!relay-{relay:026} courier"),
            (false, _) => format!("!relay-{relay:026} add"),
        };
        if let Some(message) = self.write(slot, &text, true)? {
            self.done.asked.push(Asked {
                message,
                slot,
                is_direct,
            });
        }
        Ok(())
    }

    fn event(&mut self, number: u64) -> Result<()> {
        let slot = COMMAND_SLOTS + number as usize % EVENT_SLOTS;
        if number % CALLING == CALLING - 1 {
            self.done.calling += 1;
            return self.write(slot, "count me", false).map(drop);
        }
        let count = self.numbers.entry(slot).or_default();
        *count += 1;
        let word = if self.replaced == Replaced::Stateless {
            "sent"
        } else {
            "heard"
        };
        let text = format!("{word} {count}");
        self.done.numbered += 1;
        self.write(slot, &text, false).map(drop)
    }

    fn write(&self, slot: usize, content: &str, is_command: bool) -> Result<Option<u64>> {
        let text = Text {
            slot,
            author: None,
            content,
            is_command,
            has_file: false,
        };
        let frames = self.link.messages(std::iter::once(text))?;
        let asks = frames.first().and_then(crate::server::Frame::asks);
        self.link.send(frames);
        Ok(asks)
    }
}
