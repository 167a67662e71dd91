//! Commands and plain messages: both bots side by side, load by load, in rounds.
//!
//! A round starts both anew and puts each load on one and then on the other, seconds apart, in turns first: what else the
//! machine does falls on both. The figure is the ratio of CPU seconds within a round, and the median over rounds.

use anyhow::Result;
use serde::Serialize;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load::{self, Load, Sample},
    statistics::median,
};

/// In how many servers the bots are.
const GUILDS: u64 = 10;
/// Commands to warm up with.
const WARM_UP: usize = 1_000;
/// The peer on the host's allocator is measured in one of so many rounds.
const OTHER_ALLOCATOR: usize = 2;

/// Samples of one load: one a round and bot.
#[derive(Clone, Debug, Serialize)]
pub struct Loads {
    /// Which load.
    pub load: Load,
    /// The host's, by round.
    pub host: Vec<Sample>,
    /// The peer's, by round.
    pub twilight: Vec<Sample>,
    /// Those of the peer on the host's allocator, in every second round.
    pub twilight_mimalloc: Vec<Sample>,
    /// CPU seconds of the host for each of the peer, the median over rounds.
    pub cpu_ratio: f64,
    /// CPU seconds of the peer on the host's allocator for each of the peer's, the same way.
    pub mimalloc_cpu_ratio: f64,
}

impl Loads {
    const fn new(load: Load) -> Self {
        Self {
            load,
            host: Vec::new(),
            twilight: Vec::new(),
            twilight_mimalloc: Vec::new(),
            cpu_ratio: f64::NAN,
            mimalloc_cpu_ratio: f64::NAN,
        }
    }
}

/// Measures these loads in so many rounds.
pub async fn measure(programs: &Programs, loads: &[Load], rounds: usize, is_quick: bool) -> Result<Vec<Loads>> {
    let homes = [Home::with_example(programs)?, Home::new()?];
    let mut all: Vec<Loads> = loads.iter().map(|&load| Loads::new(load)).collect();
    for round in 0..rounds {
        eprintln!("commands and messages: round {} of {rounds}", round + 1);
        let host = Bot::start(Kind::Host, programs, &homes[0], GUILDS).await?;
        let twilight = Bot::start(Kind::Twilight, programs, &homes[1], GUILDS).await?;
        let mimalloc = if programs.twilight_mimalloc.is_some() && round % OTHER_ALLOCATOR == 0 {
            Some(Bot::start(Kind::TwilightMimalloc, programs, &homes[1], GUILDS).await?)
        } else {
            None
        };
        for bot in [&host, &twilight].into_iter().chain(&mimalloc) {
            load::warm_up(bot, WARM_UP).await?;
        }
        for samples in &mut all {
            let (load, size) = (samples.load, samples.load.size(is_quick));
            if round % 2 == 0 {
                samples.host.push(load.run(&host, size).await?);
                samples.twilight.push(load.run(&twilight, size).await?);
            } else {
                samples.twilight.push(load.run(&twilight, size).await?);
                samples.host.push(load.run(&host, size).await?);
            }
            if let Some(mimalloc) = &mimalloc {
                samples.twilight_mimalloc.push(load.run(mimalloc, size).await?);
            }
        }
        for bot in [host, twilight].into_iter().chain(mimalloc) {
            bot.stop().await?;
        }
    }
    for samples in &mut all {
        samples.cpu_ratio = ratio(&samples.host, samples.twilight.iter());
        let beside = samples.twilight.iter().step_by(OTHER_ALLOCATOR);
        samples.mimalloc_cpu_ratio = ratio(&samples.twilight_mimalloc, beside);
    }
    Ok(all)
}

/// CPU seconds for each of the peer's within a round: the median over rounds.
fn ratio<'s>(samples: &[Sample], peer: impl Iterator<Item = &'s Sample>) -> f64 {
    median(
        samples
            .iter()
            .zip(peer)
            .map(|(sample, peer)| sample.cpu_us / peer.cpu_us),
    )
}

/// Puts a load on one bot again and again, for a profiler; ends with its caller.
pub async fn hold(programs: &Programs, load: Load, kind: Kind) -> Result<()> {
    let home = match kind {
        Kind::Host => Home::with_example(programs)?,
        Kind::Twilight | Kind::TwilightMimalloc | Kind::Null => Home::new()?,
    };
    let bot = Bot::start(kind, programs, &home, GUILDS).await?;
    load::warm_up(&bot, WARM_UP).await?;
    println!(
        "{} under \"{}\": process {}, this generator: process {}. Ctrl-C ends both.",
        kind.name(),
        load.name(),
        bot.id()?,
        std::process::id()
    );
    loop {
        let sample = load.run(&bot, load.size(false)).await?;
        println!(
            "{:>9.0} a second, {:.1} µs CPU each, p50 {:.2} ms, {} of {} answered",
            sample.per_second,
            sample.cpu_us,
            sample.p50_ms.unwrap_or(f64::NAN),
            sample.answered,
            sample.wanted
        );
    }
}
