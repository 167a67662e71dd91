//! Scheduled work: what a plugin describes of its timers, what it asks of the host, and what it is given to run.
//!
//! The host keeps when something runs; what a one-off timer is about travels as JSON in a tail and is the plugin's alone.
//! Times are milliseconds since 1970, UTC.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{GuildId, UserId, tolerant::tolerant};

/// How many one-off timers of one plugin can wait.
pub const MAX_TIMERS: usize = 10_000;
/// How long the payload of a one-off timer can be, in bytes of JSON.
pub const MAX_TIMER_PAYLOAD: usize = 16 * 1024;
/// How long the key of a one-off timer can be, in bytes.
pub const MAX_TIMER_KEY: usize = 100;
/// How many timers a plugin can declare.
pub const MAX_TIMER_FUNCTIONS: usize = 100;
/// The shortest period of a timer, in milliseconds.
pub const MIN_PERIOD_MS: u64 = 1_000;
/// The longest period of a timer, and how far ahead a one-off timer can be, in milliseconds: ten years.
pub const MAX_AHEAD_MS: u64 = 10 * 366 * 24 * 3_600_000;
/// How many missed runs can be made up for at most.
pub const MAX_MISSED_RUNS: u32 = 100;
/// How many timers an answer lists at most.
pub const TIMERS_PER_ANSWER: usize = 100;

/// A function of a plugin that runs by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerFunction {
    /// The function's name.
    pub name: String,
    /// When it runs by itself; `None` for one whose timers are set while the plugin runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<TimerRule>,
    /// What becomes of runs for which nobody was there.
    #[serde(default)]
    pub missed: MissedRuns,
}

/// When a function runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum TimerRule {
    /// Again and again, after so many milliseconds.
    Every {
        /// The period.
        ms: u64,
    },
    /// Whenever a cron expression says so (<https://en.wikipedia.org/wiki/Cron#Cron_expression>).
    Cron {
        /// Five fields: minute, hour, day of the month, month, day of the week; or `@daily` and the like.
        expression: String,
        /// The time zone in which it is meant, by its name in the IANA's database.
        zone: String,
    },
    /// A rule that this side doesn't know.
    #[serde(other)]
    Unknown,
}

tolerant!(TimerRule MissedRuns TimerRequest TimerAnswer);

/// What becomes of runs for which nobody was there: the bot was off, or the plugin did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum MissedRuns {
    /// One run makes up for all of them, as soon as somebody is there.
    #[default]
    RunLate,
    /// They are left out.
    Skip,
    /// Each is made up for, one after another, oldest first, but no more than the last so many.
    RunEach {
        /// How many.
        most: u32,
    },
    /// A policy that this side doesn't know: they are made up for by one.
    #[serde(other)]
    Unknown,
}

/// The head of a [`TIMER`](crate::kind::TIMER).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRun {
    /// The timer.
    pub id: TimerId,
    /// The function that runs.
    pub name: String,
    /// When it was to run.
    pub due_ms: u64,
    /// How many earlier runs were missed for which this one makes up.
    #[serde(default)]
    pub missed: u32,
    /// The key of a one-off timer that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The number of a timer: never another's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(pub u64);

impl fmt::Display for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TimerId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The head of a [`TIMERS`](crate::kind::TIMERS): what a plugin asks of its own one-off timers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum TimerRequest {
    /// Sets one; its payload is the tail, JSON. Answered when it is written down.
    Set(SetTimer),
    /// Cancels one.
    Cancel {
        /// The function.
        name: String,
        /// Which of its timers.
        which: WhichTimer,
    },
    /// Lists those that wait, in the order of their numbers.
    List {
        /// The function.
        name: String,
        /// Only those about this user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        /// Only those about this server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guild: Option<GuildId>,
        /// Only those with a greater number.
        #[serde(default)]
        after: TimerId,
    },
    /// A request that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A one-off timer to be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTimer {
    /// The function that runs.
    pub name: String,
    /// When.
    pub due_ms: u64,
    /// A timer of the same function with the same key is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The user it is about: erased with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The server it is about: erased with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild: Option<GuildId>,
}

/// One of a function's timers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichTimer {
    /// By its number.
    Id(TimerId),
    /// By its key.
    Key(String),
}

/// The answer to a [`TIMERS`](crate::kind::TIMERS).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum TimerAnswer {
    /// It is set, under this number.
    Set(TimerId),
    /// Whether there was one to cancel.
    Cancelled(bool),
    /// Some of those that wait.
    List {
        /// They.
        timers: Vec<WaitingTimer>,
        /// Whether there are more behind them.
        more: bool,
    },
    /// An answer that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A one-off timer that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaitingTimer {
    /// Its number.
    pub id: TimerId,
    /// When it runs.
    pub due_ms: u64,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it is about.
    pub payload: Box<RawValue>,
}

/// The answer to the call `timers.list`: what runs by time, of all plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerList {
    /// How many there are.
    pub total: usize,
    /// Some of them, those that run next first.
    pub timers: Vec<TimerInfo>,
}

/// A timer, as its owner sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerInfo {
    /// Its number.
    pub id: TimerId,
    /// The plugin.
    pub plugin: String,
    /// The function that runs.
    pub name: String,
    /// When, in words: `every 5m`, `0 9 * * mon (Europe/Berlin)`; empty for a one-off timer.
    #[serde(default)]
    pub rule: String,
    /// When it runs next.
    pub next_ms: u64,
    /// How it stands.
    pub state: TimerState,
    /// When the run began that is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_ms: Option<u64>,
    /// Its last run, for what runs by a rule, and for what did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
    /// How often it ran.
    #[serde(default)]
    pub runs: u64,
    /// How many runs were left out, since the one before was still at work.
    #[serde(default)]
    pub overruns: u64,
    /// How many runs were missed, since nobody was there.
    #[serde(default)]
    pub missed: u64,
}

/// How a timer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerState {
    /// It waits for its time.
    #[default]
    Waiting,
    /// It runs.
    Running,
    /// The owner has paused it.
    Paused,
    /// Its plugin does not run.
    NoPlugin,
    /// Its plugin runs, but has no such function any more.
    NoFunction,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// How a timer ran last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it began.
    pub at_ms: u64,
    /// How long it took.
    #[serde(default)]
    pub took_ms: u64,
    /// `done`, or what went wrong.
    #[serde(default)]
    pub outcome: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_knows_is_unknown_and_what_is_wrong_is_an_error() {
        let function = r#"{"name":"a","rule":{"at_sunrise":{"place":[1,2]}},"missed":{"run_some":{"most":3}}}"#;
        let function: TimerFunction = serde_json::from_str(function).expect("a newer plugin's");
        assert_eq!(
            (function.rule, function.missed),
            (Some(TimerRule::Unknown), MissedRuns::Unknown)
        );
        for text in [r#"{"postpone":{"id":7}}"#, r#""postpone""#, r#"{"postpone":null}"#] {
            let request: TimerRequest = serde_json::from_str(text).expect(text);
            assert_eq!(request, TimerRequest::Unknown, "{text}");
            let answer: TimerAnswer = serde_json::from_str(text).expect(text);
            assert!(matches!(answer, TimerAnswer::Unknown), "{text}");
        }
        for wrong in [r#"{"set":{"name":7}}"#, r#"{"cancel":{}}"#, "7", r#"{"a":1,"b":2}"#] {
            serde_json::from_str::<TimerRequest>(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn what_both_know_is_what_was_written() {
        let rules = [
            TimerRule::Every { ms: 5 },
            TimerRule::Cron {
                expression: "@daily".to_owned(),
                zone: "UTC".to_owned(),
            },
        ];
        for rule in rules {
            let text = serde_json::to_string(&rule).expect("JSON");
            assert_eq!(serde_json::from_str::<TimerRule>(&text).expect("a rule"), rule);
        }
        let missed = [MissedRuns::RunLate, MissedRuns::Skip, MissedRuns::RunEach { most: 3 }];
        let text = serde_json::to_string(&missed).expect("JSON");
        assert_eq!(text, r#"["run_late","skip",{"run_each":{"most":3}}]"#);
        assert_eq!(
            serde_json::from_str::<[MissedRuns; 3]>(&text).expect("policies"),
            missed
        );
        let list = r#"{"list":{"timers":[{"id":1,"due_ms":2,"payload":{"a": 1}}],"more":false}}"#;
        let TimerAnswer::List { timers, more } = serde_json::from_str(list).expect("an answer") else {
            panic!("a list is a list");
        };
        assert_eq!((timers[0].payload.get(), more), (r#"{"a": 1}"#, false));
    }
}
