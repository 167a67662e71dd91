//! Loads: what people write to a bot, and what it took the bot to answer.
//!
//! Everything is written and compressed before the clock starts. CPU time is read from the bot's own clock, before the
//! first frame and once it has come to rest behind the last answer.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::time::{interval, sleep};

use crate::{
    bot::Bot,
    payloads::{self, SLOTS},
    server::{Answers, Frame, Link, Text},
    statistics::percentile,
    usage,
};

/// What a bot does behind its last answer counts, too.
const AFTERMATH: Duration = Duration::from_millis(50);

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// Always 64 commands in flight.
    Flight,
    /// All commands at once.
    Burst,
    /// 200 commands a second.
    Rate,
    /// Messages that nobody wants.
    Plain,
}

/// How many are in flight.
const WIDTH: usize = 64;
/// How many commands a second.
const PER_SECOND: u32 = 200;

impl Load {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flight => "64 in flight",
            Self::Burst => "burst",
            Self::Rate => "200 a second",
            Self::Plain => "plain messages",
        }
    }

    /// How many messages it has.
    pub const fn size(self, quick: bool) -> usize {
        match (self, quick) {
            (Self::Flight, false) => 10_000,
            (Self::Flight, true) => 4_000,
            (Self::Burst, _) => 5_000,
            (Self::Rate, false) => 1_000,
            (Self::Rate, true) => 200,
            (Self::Plain, false) => 100_000,
            (Self::Plain, true) => 40_000,
        }
    }

    /// Puts it on a bot.
    pub async fn run(self, bot: &Bot, size: usize) -> Result<Sample> {
        let measured = match self {
            Self::Flight => in_flight(bot, size).await,
            Self::Burst => burst(bot, size).await,
            Self::Rate => rate(bot, size).await,
            Self::Plain => plain(bot, size).await,
        };
        bot.told(measured)
    }
}

/// What one load on one bot came to.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// Messages written.
    pub messages: usize,
    /// Answers wanted; for plain messages, the one command behind them.
    pub wanted: usize,
    /// Answers that came.
    pub answered: usize,
    /// Of these, answers that were refusals: the bot was overrun.
    pub refused: usize,
    /// Answers that nothing had asked for.
    pub unasked: usize,
    /// Messages a second, from the first frame to the last answer.
    pub per_second: f64,
    /// Latency from the frame's writing to the arrival of the answer, milliseconds; none of a single command.
    pub p50_ms: Option<f64>,
    /// The same.
    pub p99_ms: Option<f64>,
    /// User and system time of the bot's process for each message, microseconds.
    pub cpu_us: f64,
    /// How much of one core the bot used.
    pub bot_cores: f64,
    /// How much of one core the generator used.
    pub generator_cores: f64,
    /// HTTP connections that the bot has made since its start.
    pub http_connections: usize,
}

impl Sample {
    /// Whether each command was answered, well and once.
    pub const fn is_complete(&self) -> bool {
        self.answered == self.wanted && self.refused + self.unasked == 0
    }
}

/// Warms a bot up.
pub async fn warm_up(bot: &Bot, commands: usize) -> Result<()> {
    let warmed = in_flight(bot, commands).await.and_then(|sample| {
        (sample.answered == commands)
            .then_some(())
            .with_context(|| format!("of {commands} commands {} were answered", sample.answered))
    });
    bot.told(warmed)
}

fn commands(count: usize) -> impl Iterator<Item = Text<'static>> {
    (0..count).map(|number| Text {
        slot: number % SLOTS,
        author: None,
        content: "!ping",
        is_command: true,
        has_file: false,
    })
}

async fn in_flight(bot: &Bot, count: usize) -> Result<Sample> {
    let link = bot.server.link().await?;
    let frames = link.messages(commands(count))?;
    keep_in_flight(bot, &link, frames).await
}

/// Sends these, always 64 of them in flight: the next one with an answer.
pub async fn keep_in_flight(bot: &Bot, link: &Arc<Link>, frames: Vec<Frame>) -> Result<Sample> {
    let count = frames.len();
    let mut frames = VecDeque::from(frames);
    let rest = frames.split_off(WIDTH.min(count));
    let ledger = bot.server.ledger();
    ledger.begin(count, count, link, rest);
    let clock = Clock::start(bot)?;
    link.send(frames.into());
    clock.stop(count, count, ledger.all().await).await
}

async fn burst(bot: &Bot, count: usize) -> Result<Sample> {
    let link = bot.server.link().await?;
    let frames = link.messages(commands(count))?;
    let ledger = bot.server.ledger();
    ledger.begin(count, count, &link, VecDeque::new());
    let clock = Clock::start(bot)?;
    link.send(frames);
    clock.stop(count, count, ledger.all().await).await
}

async fn rate(bot: &Bot, count: usize) -> Result<Sample> {
    let link = bot.server.link().await?;
    let frames = link.messages(commands(count))?;
    let ledger = bot.server.ledger();
    ledger.begin(count, count, &link, VecDeque::new());
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    let clock = Clock::start(bot)?;
    for frame in frames {
        ticks.tick().await;
        link.send(vec![frame]);
    }
    clock.stop(count, count, ledger.all().await).await
}

/// A command behind the messages shows when the bot is through with them.
async fn plain(bot: &Bot, count: usize) -> Result<Sample> {
    let link = bot.server.link().await?;
    let messages = (0..count).map(|number| Text {
        slot: number * 7 % SLOTS,
        author: None,
        content: payloads::chatter(number as u64),
        is_command: false,
        has_file: false,
    });
    let frames = link.messages(messages.chain(commands(1)))?;
    let ledger = bot.server.ledger();
    ledger.begin(count, 1, &link, VecDeque::new());
    let clock = Clock::start(bot)?;
    link.send(frames);
    clock.stop(count, 1, ledger.all().await).await
}

/// One command, alone: how long it took, and the answer's body.
pub async fn ask(bot: &Bot, text: &str) -> Result<(Duration, Vec<u8>)> {
    asked(bot, 0, None, text).await
}

/// The same, of the owner in a direct message, where the host tells what only its owner may know.
pub async fn ask_as_owner(bot: &Bot, text: &str) -> Result<Vec<u8>> {
    let (_, body) = asked(bot, payloads::DIRECT_SLOT, Some(payloads::OWNER), text).await?;
    Ok(body)
}

async fn asked(bot: &Bot, slot: usize, author: Option<u64>, text: &str) -> Result<(Duration, Vec<u8>)> {
    let link = bot.server.link().await?;
    let command = Text {
        slot,
        author,
        content: text,
        is_command: true,
        has_file: false,
    };
    let frames = link.messages(std::iter::once(command))?;
    let ledger = bot.server.ledger();
    ledger.begin(1, 1, &link, VecDeque::new());
    link.send(frames);
    let answers = ledger.all().await;
    let latency = answers.latencies.first().copied();
    let latency = bot.told(latency.with_context(|| format!("`{text}` was not answered")))?;
    Ok((latency, answers.body))
}

/// The bot's CPU time, the generator's, and the time on the wall, side by side.
struct Clock<'b> {
    bot: &'b Bot,
    bot_cpu: Duration,
    own_cpu: Duration,
    began: Instant,
}

impl<'b> Clock<'b> {
    fn start(bot: &'b Bot) -> Result<Self> {
        Ok(Self {
            bot,
            bot_cpu: bot.cpu()?,
            own_cpu: usage::own_cpu()?,
            began: Instant::now(),
        })
    }

    async fn stop(self, messages: usize, wanted: usize, answers: Answers) -> Result<Sample> {
        let own_cpu = usage::own_cpu()?.saturating_sub(self.own_cpu);
        let wall = answers.last.unwrap_or_else(Instant::now) - self.began;
        sleep(AFTERMATH).await;
        let bot_cpu = self.bot.cpu()?.saturating_sub(self.bot_cpu);
        // Of one command a percentile tells nothing.
        let milliseconds = |share| (wanted > 1).then(|| percentile(&answers.latencies, share).as_secs_f64() * 1e3);
        Ok(Sample {
            messages,
            wanted,
            answered: answers.latencies.len(),
            refused: answers.refused,
            unasked: self.bot.server.ledger().unasked(),
            per_second: messages as f64 / wall.as_secs_f64(),
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
            cpu_us: bot_cpu.as_secs_f64() * 1e6 / messages as f64,
            bot_cores: bot_cpu.as_secs_f64() / wall.as_secs_f64(),
            generator_cores: own_cpu.as_secs_f64() / wall.as_secs_f64(),
            http_connections: self.bot.server.http_connections(),
        })
    }
}
