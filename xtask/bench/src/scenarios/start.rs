//! From the start of the process to its first answer.
//!
//! `!ping` is written the moment the connection has been greeted. The host starts in a new folder, where it has to probe
//! its plugin, and in one that it knows; the peer has nothing to remember.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load,
};

/// In how many servers the bots are.
const GUILDS: u64 = 10;

/// One kind of start.
#[derive(Clone, Debug, Serialize)]
pub struct Starts {
    /// Of which bot.
    pub bot: Kind,
    /// In what folder.
    pub folder: &'static str,
    /// From the start to the arrival of the answer, milliseconds, by round.
    pub first_answer_ms: Vec<f64>,
    /// CPU time until then, milliseconds, by round.
    pub cpu_ms: Vec<f64>,
}

impl Starts {
    fn new(bot: Kind, folder: &'static str) -> Self {
        Self {
            bot,
            folder,
            first_answer_ms: Vec::new(),
            cpu_ms: Vec::new(),
        }
    }

    async fn once(&mut self, programs: &Programs, home: &Home) -> Result<()> {
        let (bot, began) = Bot::spawn(self.bot, programs, home, GUILDS).await?;
        bot.connected().await?;
        load::ask(&bot, "!ping").await?;
        let (passed, cpu) = (began.elapsed(), bot.cpu()?);
        self.first_answer_ms.push(milliseconds(passed));
        self.cpu_ms.push(milliseconds(cpu));
        bot.stop().await
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Measures in so many rounds.
pub async fn measure(programs: &Programs, rounds: usize) -> Result<Vec<Starts>> {
    let mut starts = vec![
        Starts::new(Kind::Host, "new"),
        Starts::new(Kind::Host, "known"),
        Starts::new(Kind::Twilight, "any"),
    ];
    if programs.twilight_mimalloc.is_some() {
        starts.push(Starts::new(Kind::TwilightMimalloc, "any"));
    }
    let (known, any) = (Home::with_example(programs)?, Home::new()?);
    // What makes it known.
    Starts::new(Kind::Host, "known").once(programs, &known).await?;
    for round in 0..rounds {
        eprintln!("start: round {} of {rounds}", round + 1);
        let new = Home::with_example(programs)?;
        for (start, home) in starts.iter_mut().zip([&new, &known, &any, &any]) {
            let started = start.once(programs, home).await;
            started.with_context(|| format!("{} did not start well", start.bot.name()))?;
        }
    }
    Ok(starts)
}
