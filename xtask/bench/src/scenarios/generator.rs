//! The generator alone: the same loads on a client that does next to nothing.
//!
//! What it reaches there is the most that any bot could be measured at; how much of its core it uses beside the real bots
//! stands with their figures.

use anyhow::Result;
use serde::Serialize;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load::{self, Load, Sample},
};

/// What one load on the null client came to.
#[derive(Clone, Debug, Serialize)]
pub struct Ceiling {
    /// Which load.
    pub load: Load,
    /// The figures.
    pub sample: Sample,
}

/// A ceiling is the most that was reached in so many tries: what else the machine does only lowers it.
const TRIES: usize = 3;

/// Measures each load.
pub async fn measure(programs: &Programs, is_quick: bool) -> Result<Vec<Ceiling>> {
    eprintln!("the generator alone");
    let home = Home::new()?;
    let bot = Bot::start(Kind::Null, programs, &home, 10).await?;
    load::warm_up(&bot, 1_000).await?;
    let mut ceilings = Vec::new();
    for load in [Load::Flight, Load::Burst, Load::Plain] {
        let mut sample = load.run(&bot, load.size(is_quick)).await?;
        for _ in 1..TRIES {
            let again = load.run(&bot, load.size(is_quick)).await?;
            // One with missing answers is not to be hidden by a better one.
            if sample.is_complete() && (again.per_second > sample.per_second || !again.is_complete()) {
                sample = again;
            }
        }
        ceilings.push(Ceiling { load, sample });
    }
    bot.stop().await?;
    Ok(ceilings)
}
