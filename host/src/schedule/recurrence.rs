//! When a rule's times are: periods, and cron expressions in a time zone.
//!
//! Pure. Croner finds the times of expressions, within bounds, and jiff knows the zones: where clocks are put forward, a
//! fixed time that there is not comes when the gap is over; where they are put back, a fixed time comes the first time only,
//! and what comes every hour or minute comes in both.

use std::fmt::Write;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use plugin_protocol::{
    MAX_AHEAD_MS, MAX_MISSED_RUNS, MAX_TIMER_FUNCTIONS, MIN_PERIOD_MS, MissedRuns, TimerFunction, TimerRule,
};

/// How many times are counted; more are as many.
const COUNTED: u32 = 1_000;
/// A time that does not come.
const NEVER: u64 = u64::MAX;

/// When something runs by itself.
#[derive(Clone, Debug)]
pub enum Recurrence {
    /// After so many milliseconds, from one time to the next.
    Every(u64),
    /// By an expression, in a zone.
    Cron(Box<Cron>, TimeZone),
}

impl Recurrence {
    /// Reads a rule.
    ///
    /// # Errors
    ///
    /// Why it can't be one, and what to write.
    pub fn read(rule: &TimerRule) -> Result<Self, String> {
        match rule {
            TimerRule::Every { ms } if (MIN_PERIOD_MS..=MAX_AHEAD_MS).contains(ms) => Ok(Self::Every(*ms)),
            TimerRule::Every { ms } => Err(format!(
                "its period is {ms} ms: write one from a second to ten years, such as `#[every(\"5m\")]`"
            )),
            TimerRule::Cron { expression, zone } => {
                let parser = CronParser::builder()
                    .seconds(Seconds::Disallowed)
                    .year(Year::Disallowed)
                    .build();
                let cron = parser
                    .parse(expression)
                    .map_err(|error| format!("`{expression}` is no cron expression ({error}): write `0 9 * * mon`"))?;
                let zone = TimeZone::get(zone).map_err(|_| {
                    format!("there is no time zone `{zone}`: name one of the IANA's, such as `Europe/Berlin`")
                })?;
                let recurrence = Self::Cron(Box::new(cron), zone);
                // Leap days are at most eight years apart.
                let start = Timestamp::UNIX_EPOCH.as_millisecond().unsigned_abs();
                if recurrence.after(start) > start + MAX_AHEAD_MS {
                    return Err(format!(
                        "`{expression}` does not come within ten years: look at its day, month and day of the week"
                    ));
                }
                Ok(recurrence)
            }
            TimerRule::Unknown => Err("its rule is of a kind that this host does not know: update the bot".to_owned()),
        }
    }

    /// The first time behind `due`, which was one.
    pub fn after(&self, due: u64) -> u64 {
        match self {
            Self::Every(period) => due.saturating_add(*period),
            Self::Cron(cron, zone) => {
                let found = zoned(due, zone).and_then(|start| cron.find_next_occurrence(&start, false).ok());
                found.map_or(NEVER, |found| milliseconds(&found))
            }
        }
    }

    /// The first time from `due` on that is behind `now`. `due` is a time of the rule.
    pub fn first_after(&self, due: u64, now: u64) -> u64 {
        if due > now {
            return due;
        }
        match self {
            Self::Every(period) => due.saturating_add(((now - due) / period + 1).saturating_mul(*period)),
            Self::Cron(..) => self.after(now),
        }
    }

    /// How many times there are from `due` to `now`, up to a thousand.
    pub fn count(&self, due: u64, now: u64) -> u32 {
        if due > now {
            return 0;
        }
        match self {
            Self::Every(period) => u32::try_from((now - due) / period + 1).map_or(COUNTED, |count| count.min(COUNTED)),
            Self::Cron(..) => {
                let mut at = due;
                for counted in 1..COUNTED {
                    at = self.after(at);
                    if at > now {
                        return counted;
                    }
                }
                COUNTED
            }
        }
    }

    /// The earliest of the last `most` times from `due` to `now`.
    pub fn last_few(&self, due: u64, now: u64, most: u32) -> u64 {
        if due > now {
            return due;
        }
        match self {
            Self::Every(period) => {
                let last = (now - due) / period;
                due + last.saturating_sub(u64::from(most.max(1)) - 1) * period
            }
            Self::Cron(cron, zone) => {
                let mut earliest = None;
                let Some(mut at) = zoned(now, zone) else { return due };
                for round in 0..most.max(1) {
                    let Ok(found) = cron.find_previous_occurrence(&at, round == 0) else {
                        break;
                    };
                    if milliseconds(&found) < due {
                        break;
                    }
                    earliest = Some(milliseconds(&found));
                    at = found;
                }
                earliest.unwrap_or(due)
            }
        }
    }
}

/// A rule in words: `every 5m`, `0 9 * * mon (Europe/Berlin)`.
pub fn words(rule: &TimerRule) -> String {
    match rule {
        TimerRule::Every { ms } => {
            let mut left = *ms;
            let mut text = String::from("every ");
            for (unit, length) in [
                ("d", 86_400_000),
                ("h", 3_600_000),
                ("m", 60_000),
                ("s", 1000),
                ("ms", 1),
            ] {
                if left >= length {
                    // Writing into a String can't fail.
                    let _ = write!(text, "{}{unit}", left / length);
                    left %= length;
                }
            }
            text
        }
        TimerRule::Cron { expression, zone } => format!("{expression} ({zone})"),
        TimerRule::Unknown => "by a rule that this host does not know".to_owned(),
    }
}

/// Checks what a plugin describes of its timers.
///
/// # Errors
///
/// What can't be so, and what to do.
pub fn check(functions: &[TimerFunction]) -> Result<(), String> {
    if functions.len() > MAX_TIMER_FUNCTIONS {
        return Err(format!(
            "it has {} timers, at most {MAX_TIMER_FUNCTIONS} are kept of a plugin: let one function do what is due together",
            functions.len()
        ));
    }
    for (number, function) in functions.iter().enumerate() {
        let name = &function.name;
        if functions[..number].iter().any(|earlier| earlier.name == *name) {
            return Err(format!(
                "two of its timers are called `{name}`: rename one of the functions"
            ));
        }
        if let Some(rule) = &function.rule {
            Recurrence::read(rule).map_err(|why| format!("its timer `{name}`: {why}"))?;
        }
        if matches!(function.missed, MissedRuns::RunEach { most } if most > MAX_MISSED_RUNS) {
            return Err(format!(
                "its timer `{name}` makes up for too many missed runs: `run_each` takes up to {MAX_MISSED_RUNS}"
            ));
        }
    }
    Ok(())
}

fn zoned(ms: u64, zone: &TimeZone) -> Option<Zoned> {
    let timestamp = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(timestamp.to_zoned(zone.clone()))
}

fn milliseconds(time: &Zoned) -> u64 {
    u64::try_from(time.timestamp().as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
