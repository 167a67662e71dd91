//! Memory at rest: with no plugin, one and ten, in 10 and in 1,000 servers of realistic size.
//!
//! Ten plugins are the example plugin, compiled under ten names: each is a file, a library and a lane of its own.

use anyhow::Result;
use serde::Serialize;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    usage::Holding,
};

/// A bot at rest.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// Which.
    pub bot: Kind,
    /// How many plugins it has.
    pub plugins: usize,
    /// In how many servers it is.
    pub guilds: u64,
    /// CPU time from its start until it came to rest, milliseconds, by round.
    pub cpu_ms: Vec<f64>,
    /// What it holds, by round.
    pub holding: Vec<Holding>,
}

/// Measures in so many rounds.
pub async fn measure(programs: &Programs, rounds: usize) -> Result<Vec<Memory>> {
    let mut all = Vec::new();
    let mut bots = vec![(Kind::Host, 0), (Kind::Host, 1), (Kind::Host, 10), (Kind::Twilight, 0)];
    if programs.twilight_mimalloc.is_some() {
        bots.push((Kind::TwilightMimalloc, 0));
    }
    for guilds in [10, 1_000] {
        for &(bot, plugins) in &bots {
            let home = Home::new()?;
            for number in 0..plugins {
                let name = match number {
                    0 => "example".to_owned(),
                    _ => format!("example_{number}"),
                };
                home.drop_plugin(&name, &programs.plugin(&name)?)?;
            }
            let memory = Memory {
                bot,
                plugins,
                guilds,
                cpu_ms: Vec::new(),
                holding: Vec::new(),
            };
            all.push((home, memory));
        }
    }
    for round in 0..rounds {
        eprintln!("memory: round {} of {rounds}", round + 1);
        for (home, memory) in &mut all {
            let bot = Bot::start(memory.bot, programs, home, memory.guilds).await?;
            bot.comes_to_rest().await?;
            memory.cpu_ms.push(bot.cpu()?.as_secs_f64() * 1e3);
            memory.holding.push(bot.holding()?);
            bot.stop().await?;
        }
    }
    Ok(all.into_iter().map(|(_, memory)| memory).collect())
}
