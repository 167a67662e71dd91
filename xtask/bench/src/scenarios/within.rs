//! What plugins measure in themselves: calls of another plugin's service, and what counting allocations costs.
//!
//! For the second there are two builds of one plugin, with the counting allocator and without it: allocations by
//! themselves, and commands, where the rest of the work is the same.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

use super::storage::{self, Figures};
use crate::{
    bot::{Bot, Home, Kind, Programs, file_name},
    load::{self, Sample},
    payloads::SLOTS,
    server::Text,
    statistics::median,
};

/// In how many servers the bots are.
const GUILDS: u64 = 10;

/// What a call of a service takes in the plugin that calls.
pub async fn calls(programs: &Programs, count: u32) -> Result<Vec<Figures>> {
    eprintln!("calls between plugins: {count}");
    let home = Home::new()?;
    for name in ["tally", "courier"] {
        home.drop_plugin(name, &programs.plugin(name)?)?;
    }
    let bot = Bot::start(Kind::Host, programs, &home, GUILDS).await?;
    load::ask(&bot, "!measure-calls 1000").await?;
    let (_, body) = load::ask(&bot, &format!("!measure-calls {count}")).await?;
    let figures = bot.told(storage::figures(&body))?;
    bot.stop().await?;
    Ok(figures)
}

/// What counting allocations costs.
#[derive(Clone, Debug, Serialize)]
pub struct Counting {
    /// Allocations, counted.
    pub counted: Vec<Figures>,
    /// Allocations that nobody counts.
    pub uncounted: Vec<Figures>,
    /// Commands of the plugin that counts, by round.
    pub commands_counted: Vec<Sample>,
    /// Commands of the other one.
    pub commands_uncounted: Vec<Sample>,
    /// CPU seconds of the first for each of the second, the median over rounds.
    pub cpu_ratio: f64,
}

/// Measures what counting allocations costs.
pub async fn counting(programs: &Programs, rounds: usize, is_quick: bool) -> Result<Counting> {
    let plain = programs.plugins.join("uncounted").join(file_name("courier"));
    let plain = fs::read(&plain).with_context(|| format!("{} can't be read: build it first", plain.display()))?;
    let (counts, alone) = (Home::new()?, Home::new()?);
    for (home, courier) in [(&counts, &programs.plugin("courier")?), (&alone, &plain)] {
        home.drop_plugin("tally", &programs.plugin("tally")?)?;
        home.drop_plugin("courier", courier)?;
    }
    let (allocations, commands) = if is_quick {
        (100_000, 4_000)
    } else {
        (5_000_000, 10_000)
    };
    let mut counting = Counting {
        counted: Vec::new(),
        uncounted: Vec::new(),
        commands_counted: Vec::new(),
        commands_uncounted: Vec::new(),
        cpu_ratio: f64::NAN,
    };
    for round in 0..rounds {
        eprintln!("counting of allocations: round {} of {rounds}", round + 1);
        let with = Bot::start(Kind::Host, programs, &counts, GUILDS).await?;
        let without = Bot::start(Kind::Host, programs, &alone, GUILDS).await?;
        for bot in [&with, &without] {
            pings(bot, 1_000).await?;
        }
        // In turns first, seconds apart: what else the machine does falls on both.
        for is_with in [round % 2 == 0, round % 2 != 0] {
            let (bot, samples, figures) = if is_with {
                (&with, &mut counting.commands_counted, &mut counting.counted)
            } else {
                (&without, &mut counting.commands_uncounted, &mut counting.uncounted)
            };
            samples.push(pings(bot, commands).await?);
            let (_, body) = load::ask(bot, &format!("!measure-allocations {allocations}")).await?;
            *figures = bot.told(storage::figures(&body))?;
        }
        with.stop().await?;
        without.stop().await?;
    }
    let both = counting.commands_counted.iter().zip(&counting.commands_uncounted);
    counting.cpu_ratio = median(both.map(|(with, without)| with.cpu_us / without.cpu_us));
    Ok(counting)
}

async fn pings(bot: &Bot, count: usize) -> Result<Sample> {
    let link = bot.server.link().await?;
    let texts = (0..count).map(|number| Text {
        slot: number % SLOTS,
        author: None,
        content: "!courier-ping",
        is_command: true,
        has_file: false,
    });
    let frames = link.messages(texts)?;
    bot.told(load::keep_in_flight(bot, &link, frames).await)
}
