//! What the macros make of functions that run by time, and how the host is told of them.
//!
//! Plain tables, as those of commands: which timer runs when is the host's to decide.

use plugin_protocol::{MissedRuns, Subject, TimerFunction, TimerRule};

use super::Running;
use crate::{EraseCtx, TimerCtx};

/// What `#[erase]` makes of a function.
pub type Erase<S> = fn(EraseCtx<S>, Subject) -> Running;

/// What `#[every]`, `#[cron]` and `#[timer]` make of a function.
pub struct TimerDef<S> {
    pub name: &'static str,
    pub rule: Option<RuleDef>,
    pub missed: MissedRuns,
    /// After what time a run is made again that failed for a reason which may pass.
    pub retry_ms: Option<u64>,
    pub run: fn(TimerCtx<S>) -> Running,
}

/// When a function runs by itself.
#[derive(Clone, Copy)]
pub enum RuleDef {
    Every {
        ms: u64,
    },
    Cron {
        expression: &'static str,
        zone: &'static str,
    },
}

impl<S> TimerDef<S> {
    pub(super) fn describe(&self) -> TimerFunction {
        TimerFunction {
            name: self.name.to_owned(),
            rule: self.rule.map(|rule| match rule {
                RuleDef::Every { ms } => TimerRule::Every { ms },
                RuleDef::Cron { expression, zone } => TimerRule::Cron {
                    expression: expression.to_owned(),
                    zone: zone.to_owned(),
                },
            }),
            missed: self.missed,
        }
    }
}
