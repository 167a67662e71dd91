//! Reloads: from the rename of a new version into the folder to its first answer, and what a retired generation leaves.
//!
//! The versions are one compiled plugin with another number in it, which it tells when asked. It is asked again and
//! again, one question at a time, until the new number comes.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load,
    statistics::percentile,
    usage::Holding,
};

/// In how many servers the bot is.
const GUILDS: u64 = 10;
/// Reloads before the counting begins: the first ones fill pools that stay.
const WARM_UP: u32 = 5;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(1);
/// How long a reload may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What reloads came to.
#[derive(Clone, Debug, Serialize)]
pub struct Reloads {
    /// From the rename to the arrival of the new version's first answer, milliseconds, in order.
    pub latency_ms: Vec<f64>,
    /// The half of them are faster.
    pub p50_ms: f64,
    /// One in a hundred is slower; none of fewer than a hundred.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub slowest_ms: f64,
    /// CPU time of the host's process for each, milliseconds, the questions included; the probe is a process of its own.
    pub cpu_ms: f64,
    /// Before the first that counts.
    pub before: Holding,
    /// Behind the last.
    pub after: Holding,
    /// What each retired generation keeps.
    pub each: Kept,
}

/// What a retired generation keeps, on average.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kept {
    /// Memory in RAM, bytes.
    pub rss: f64,
    /// Memory that is its own and written to, or read from a file that is not on disk yet, bytes.
    pub private_dirty: f64,
    /// Memory that is its own and in no file, bytes.
    pub anonymous: f64,
    /// Address space, bytes.
    pub mapped: f64,
    /// Thread keys, of which glibc gives a process 1,024; none where the host can't count them.
    pub thread_keys: Option<f64>,
    /// Descriptors.
    pub descriptors: f64,
    /// Threads.
    pub threads: f64,
}

/// Measures so many reloads.
pub async fn measure(programs: &Programs, count: u32) -> Result<Reloads> {
    eprintln!("reloads: {count}");
    let stress = programs.plugin("stress")?;
    let home = Home::new()?;
    home.drop_plugin("stress", &stress)?;
    let bot = Bot::start(Kind::Host, programs, &home, GUILDS).await?;
    load::ask(&bot, "!revision").await?;
    for number in 1..=WARM_UP {
        reload(&bot, &home, &stress, number).await?;
    }
    let keys_before = thread_keys(&bot).await?;
    bot.comes_to_rest().await?;
    let (before, cpu) = (bot.holding()?, bot.cpu()?);
    let mut latencies = Vec::new();
    for number in WARM_UP + 1..=WARM_UP + count {
        latencies.push(reload(&bot, &home, &stress, number).await?);
    }
    let cpu = bot.cpu()?.saturating_sub(cpu);
    bot.comes_to_rest().await?;
    let after = bot.holding()?;
    let keys_after = thread_keys(&bot).await?;
    bot.stop().await?;
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    let each = |value: fn(&Holding) -> u64| (value(&after) as f64 - value(&before) as f64) / f64::from(count);
    Ok(Reloads {
        p50_ms: milliseconds(percentile(&latencies, 0.5)),
        p99_ms: (latencies.len() >= 100).then(|| milliseconds(percentile(&latencies, 0.99))),
        slowest_ms: milliseconds(percentile(&latencies, 1.0)),
        latency_ms: latencies.into_iter().map(milliseconds).collect(),
        cpu_ms: milliseconds(cpu) / f64::from(count),
        each: Kept {
            rss: each(|holding| holding.rss),
            private_dirty: each(|holding| holding.private_dirty),
            anonymous: each(|holding| holding.anonymous),
            mapped: each(|holding| holding.mapped),
            thread_keys: keys_before
                .zip(keys_after)
                .map(|(before, after)| (after - before) / f64::from(count)),
            descriptors: each(|holding| holding.descriptors),
            threads: each(|holding| holding.threads),
        },
        before,
        after,
    })
}

async fn reload(bot: &Bot, home: &Home, stress: &[u8], number: u32) -> Result<Duration> {
    let revision = format!("REVISION-{number:08}");
    let version = replaced(stress, "REVISION-00000000", &revision)?;
    let dropped = home.drop_plugin("stress", &version)?;
    let limit = Instant::now() + PATIENCE;
    loop {
        let (_, body) = load::ask(bot, "!revision").await?;
        if String::from_utf8_lossy(&body).contains(&revision) {
            return Ok(dropped.elapsed());
        }
        if Instant::now() > limit {
            let body = String::from_utf8_lossy(&body);
            return bot.told(Err(anyhow!("{revision} never answered, only {body}")));
        }
        sleep(PAUSE).await;
    }
}

/// How many thread keys are taken in the host's process, which tells its owner in a direct message.
async fn thread_keys(bot: &Bot) -> Result<Option<f64>> {
    let body = load::ask_as_owner(bot, "!plugins").await?;
    Ok(counted(&String::from_utf8_lossy(&body), "thread keys: "))
}

/// The number behind a text.
fn counted(text: &str, name: &str) -> Option<f64> {
    let (_, behind) = text.split_once(name)?;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Bytes in which the first occurrence of a text is another of the same length.
pub(super) fn replaced(bytes: &[u8], from: &str, to: &str) -> Result<Vec<u8>> {
    ensure!(from.len() == to.len(), "{from} and {to} differ in length");
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.with_context(|| format!("{from} is not in the compiled plugin"))?;
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{counted, replaced};

    #[test]
    fn a_version_differs_in_its_number_alone() {
        let file = b"\x7fELF REVISION-00000000 rest";
        let version = replaced(file, "REVISION-00000000", "REVISION-00000012").unwrap();
        assert_eq!(version, b"\x7fELF REVISION-00000012 rest");
        assert!(replaced(file, "REVISION-00000000", "REVISION-1").is_err());
        assert!(replaced(file, "ELSE", "MORE").is_err());
    }

    #[test]
    fn a_budget_is_found_in_the_hosts_answer() {
        let body = r#"{"embeds":[{"fields":[{"value":"thread keys: 35 of 1024\nmemory: 1 MiB of 2 GiB"}]}]}"#;
        assert_eq!(counted(body, "thread keys: "), Some(35.0));
        assert_eq!(counted(body, "disk: "), None);
    }
}
