//! Reloads under load: a plugin is replaced again and again while people use it, other plugins call it and events come.
//!
//! That nothing is lost, answered twice or turned around is not a figure: what is found wrong fails the run. The figure is
//! how long commands take that are written while their plugin is being replaced.

mod judgement;
mod traffic;

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::traffic::{PerSecond, Traffic};
use super::reload::replaced;
use crate::{
    bot::{Bot, Home, Kind, Programs},
    load,
    statistics::percentile,
};

/// In how many servers the bot is.
const GUILDS: u64 = 10;
/// The fixture's name, of which the other plugins differ in the last digits.
const RELAY: &str = "relay-00000000000000000000000001";
/// How many plugins depend on the one that is replaced.
pub(super) const RELAYS: u32 = 5;
/// How long what is under way at the end may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions at the end.
const PAUSE: Duration = Duration::from_millis(20);
/// What 99 of 100 commands that are written during a swap are to take at most.
pub const WANTED_P99: Duration = Duration::from_millis(50);

/// What kind of plugin is replaced, and what holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Replaced {
    /// It hands its state over: what comes meanwhile waits, in order.
    Stateful,
    /// It keeps nothing: both generations are there for a moment.
    Stateless,
    /// The older one ends before the newer one starts.
    Exclusive,
}

impl Replaced {
    /// In tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stateful => "with a state",
            Self::Stateless => "without a state",
            Self::Exclusive => "exclusive",
        }
    }

    const fn plugin(self) -> &'static str {
        match self {
            Self::Stateful | Self::Exclusive => "tally",
            Self::Stateless => "courier",
        }
    }

    /// Whether all that comes in a channel is done in the order in which it came, also over a replacement.
    const fn keeps_order(self) -> bool {
        !matches!(self, Self::Stateless)
    }
}

/// What so many replacements of one plugin came to.
#[derive(Clone, Debug, Serialize)]
pub struct Swaps {
    /// Which plugin.
    pub replaced: Replaced,
    /// How often.
    pub reloads: u32,
    /// Commands that were written.
    pub commands: usize,
    /// Events beside them.
    pub events: u64,
    /// How long all of it took.
    pub seconds: f64,
    /// From the rename of a version to its first answer, milliseconds: half of them are faster.
    pub swap_p50_ms: f64,
    /// The slowest.
    pub swap_max_ms: f64,
    /// How long all commands took.
    pub all: Took,
    /// How long those took that were written between a rename and the first answer of what was renamed.
    pub during: Took,
    /// Events that came behind a later one of their channel, where order holds within a generation only.
    pub out_of_turn: u64,
    /// What must not be, in words: empty if nothing was lost, answered twice or turned around.
    pub wrong: Vec<String>,
}

/// How long commands took.
#[derive(Clone, Debug, Serialize)]
pub struct Took {
    /// How many.
    pub count: usize,
    /// The half of them are faster, milliseconds.
    pub p50_ms: f64,
    /// One in a hundred is slower.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Took {
    fn of(took: &[Duration]) -> Self {
        let milliseconds = |share| percentile(took, share).as_secs_f64() * 1e3;
        Self {
            count: took.len(),
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
            max_ms: milliseconds(1.0),
        }
    }
}

/// Measures so many replacements of a plugin of each kind.
pub async fn measure(programs: &Programs, reloads: u32) -> Result<Vec<Swaps>> {
    let mut all = Vec::new();
    for kind in [Replaced::Stateful, Replaced::Stateless, Replaced::Exclusive] {
        eprintln!("reloads under load: {reloads} of a plugin {}", kind.name());
        all.push(replace(programs, kind, reloads).await?);
    }
    Ok(all)
}

async fn replace(programs: &Programs, replaced: Replaced, reloads: u32) -> Result<Swaps> {
    let home = Home::new()?;
    let tally = programs.plugin("tally")?;
    let original = match replaced {
        Replaced::Stateful => tally.clone(),
        Replaced::Stateless => programs.plugin("courier")?,
        Replaced::Exclusive => exclusive(&tally)?,
    };
    home.drop_plugin("tally", &tally)?;
    home.drop_plugin(replaced.plugin(), &original)?;
    for number in 1..=RELAYS {
        home.drop_plugin(&format!("relay{number}"), &relay(&programs.plugin("relay")?, number)?)?;
    }
    let bot = Bot::start(Kind::Host, programs, &home, GUILDS).await?;
    let swaps = run(&bot, &home, &original, replaced, reloads).await;
    let swaps = bot.told(swaps)?;
    if !swaps.wrong.is_empty() {
        eprintln!("something went wrong; the bot said last:\n{}", bot.tail());
    }
    bot.stop().await?;
    Ok(swaps)
}

async fn run(bot: &Bot, home: &Home, original: &[u8], replaced: Replaced, reloads: u32) -> Result<Swaps> {
    // Each of them serves before the counting begins.
    for number in 1..=RELAYS {
        load::ask(bot, &format!("!relay-{number:026} add")).await?;
    }
    let before = tallied(bot).await?;
    ensure!(before.count == u64::from(RELAYS), "the plugins count {}", before.count);

    let rate = PerSecond {
        commands: 500,
        events: 2_000,
    };
    let began = Instant::now();
    let mut traffic = Traffic::begin(bot, replaced, rate).await?;
    let mut windows = Vec::new();
    for number in 1..=reloads {
        let revision = format!("REVISION-{number:08}");
        let version = self::replaced(original, "REVISION-00000000", &revision)?;
        let dropped = home.drop_plugin(replaced.plugin(), &version)?;
        let served = traffic.goes_on_until(&revision).await?;
        windows.push((dropped, served));
        traffic.goes_on().await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let done = traffic.end().await;

    // Handlers of events are answered by nobody: the counts are exact when the last of them has ended, and stay so.
    let expected = before.count + done.counted();
    let limit = Instant::now() + PATIENCE;
    let mut now = tallied(bot).await?;
    while (now.count < expected || now.heard < done.numbered) && Instant::now() < limit {
        sleep(PAUSE).await;
        now = tallied(bot).await?;
    }
    let mut wrong = judgement::of(&done.asked, &done.replies, replaced.keeps_order());
    if now.count != expected {
        wrong.push(format!("{} were counted, and {expected} asked for", now.count));
    }
    if now.heard != done.numbered || now.incomplete > 0 {
        wrong.push(format!(
            "{} events were counted, {} came; {} channels are not complete",
            now.heard, done.numbered, now.incomplete
        ));
    }
    if replaced.keeps_order() && now.out_of_turn > 0 {
        wrong.push(format!(
            "{} events came behind a later one of their channel",
            now.out_of_turn
        ));
    }

    let is_during = |written| {
        windows
            .iter()
            .any(|(dropped, served)| (*dropped..=*served).contains(&written))
    };
    let asked = done.replies.iter().filter(|reply| reply.message.is_some());
    let (during, beside): (Vec<_>, Vec<_>) = asked.partition(|reply| is_during(reply.written));
    let took = |replies: &[&crate::server::Reply]| replies.iter().map(|reply| reply.took).collect::<Vec<_>>();
    let (during, beside) = (took(&during), took(&beside));
    let swaps: Vec<_> = windows.iter().map(|(dropped, served)| *served - *dropped).collect();
    Ok(Swaps {
        replaced,
        reloads,
        commands: done.asked.len(),
        events: done.events(),
        seconds,
        swap_p50_ms: percentile(&swaps, 0.5).as_secs_f64() * 1e3,
        swap_max_ms: percentile(&swaps, 1.0).as_secs_f64() * 1e3,
        all: Took::of(&[during.as_slice(), beside.as_slice()].concat()),
        during: Took::of(&during),
        out_of_turn: now.out_of_turn,
        wrong,
    })
}

/// What the plugin `tally` has counted.
#[derive(Clone, Copy, Debug)]
struct Tallied {
    count: u64,
    heard: u64,
    incomplete: u64,
    out_of_turn: u64,
}

async fn tallied(bot: &Bot) -> Result<Tallied> {
    let (_, body) = load::ask(bot, "!tallied").await?;
    let body: Value = serde_json::from_slice(&body)?;
    let content = body["content"].as_str().unwrap_or_default();
    let told: Value = serde_json::from_str(content).with_context(|| format!("the plugin answered {content:?}"))?;
    let number = |value: &Value| value.as_u64().ok_or_else(|| anyhow!("the plugin answered {told}"));
    let heard = &told["heard"];
    Ok(Tallied {
        count: number(&told["count"])?,
        heard: number(&heard["count"])?,
        incomplete: number(&heard["incomplete"])?,
        out_of_turn: number(&heard["out_of_turn"])?,
    })
}

/// The fixture under another name: its bytes lie in one piece wherever they are.
fn relay(compiled: &[u8], number: u32) -> Result<Vec<u8>> {
    let (was, becomes) = (&RELAY.as_bytes()[16..], format!("{number:016}"));
    let mut bytes = compiled.to_vec();
    let found: Vec<_> = (0..bytes.len().saturating_sub(was.len()))
        .filter(|&at| &bytes[at..at + was.len()] == was)
        .collect();
    ensure!(
        found.len() >= 2,
        "the name is not in the compiled plugin's manifest and code"
    );
    for at in found {
        bytes[at..at + was.len()].copy_from_slice(becomes.as_bytes());
    }
    Ok(bytes)
}

/// The same plugin, of which the older generation ends before the newer one starts: the same length, so that nothing moves.
fn exclusive(compiled: &[u8]) -> Result<Vec<u8>> {
    const WAS: &str = r#""conflicts":[],"swap":"beside""#;
    replaced(
        compiled,
        WAS,
        &format!("{:<width$}", r#""swap":"exclusive""#, width = WAS.len()),
    )
}
