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

/// Samples of one load: one a round and bot.
#[derive(Clone, Debug, Serialize)]
pub struct Loads {
    /// Which load.
    pub load: Load,
    /// The host's, by round.
    pub host: Vec<Sample>,
    /// The peer's, by round.
    pub twilight: Vec<Sample>,
    /// CPU seconds of the host for each of the peer, the median over rounds.
    pub cpu_ratio: f64,
}

/// Measures these loads in so many rounds.
pub async fn measure(programs: &Programs, loads: &[Load], rounds: usize, is_quick: bool) -> Result<Vec<Loads>> {
    let homes = [Home::with_example(programs)?, Home::new()?];
    let mut all: Vec<_> = loads.iter().map(|&load| (load, Vec::new(), Vec::new())).collect();
    for round in 0..rounds {
        eprintln!("commands and messages: round {} of {rounds}", round + 1);
        let host = Bot::start(Kind::Host, programs, &homes[0], GUILDS).await?;
        let twilight = Bot::start(Kind::Twilight, programs, &homes[1], GUILDS).await?;
        for bot in [&host, &twilight] {
            load::warm_up(bot, WARM_UP).await?;
        }
        for (load, of_host, of_twilight) in &mut all {
            let size = load.size(is_quick);
            if round % 2 == 0 {
                of_host.push(load.run(&host, size).await?);
                of_twilight.push(load.run(&twilight, size).await?);
            } else {
                of_twilight.push(load.run(&twilight, size).await?);
                of_host.push(load.run(&host, size).await?);
            }
        }
        host.stop().await?;
        twilight.stop().await?;
    }
    let all = all.into_iter().map(|(load, host, twilight)| Loads {
        load,
        cpu_ratio: median(host.iter().zip(&twilight).map(|(host, peer)| host.cpu_us / peer.cpu_us)),
        host,
        twilight,
    });
    Ok(all.collect())
}

/// Puts a load on one bot again and again, for a profiler; ends with its caller.
pub async fn hold(programs: &Programs, load: Load, kind: Kind) -> Result<()> {
    let home = match kind {
        Kind::Host => Home::with_example(programs)?,
        Kind::Twilight | Kind::Null => Home::new()?,
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
            sample.per_second, sample.cpu_us, sample.p50_ms, sample.answered, sample.wanted
        );
    }
}
