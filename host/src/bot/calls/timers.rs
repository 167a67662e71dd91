//! `timers.*`: what runs by time, listed and ordered by the owner.
//!
//! Plugins ask of their own by requests of their own; this is about everybody's.

use std::sync::Arc;

use plugin_protocol::{Call, Problem, ProblemCode, TimerId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Access, Calls};
use crate::bot::schedule::Plays;

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("timers.list", Access::Granted),
    ("timers.run", Access::Changes),
    ("timers.pause", Access::Changes),
    ("timers.resume", Access::Changes),
    ("timers.cancel", Access::Changes),
];

/// How many are listed if nothing is said.
const LISTED: usize = 100;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    plugin: Option<String>,
    /// Only those whose number begins with this, or whose plugin's or function's name has it.
    #[serde(default)]
    typed: String,
    #[serde(default)]
    skip: usize,
    #[serde(default)]
    most: Option<usize>,
}

#[derive(Deserialize)]
struct Which {
    id: TimerId,
}

impl Calls {
    pub(super) async fn about_timers(&self, call: Call) -> Result<Value, Problem> {
        let wrong = |error: serde_json::Error| Problem::new(ProblemCode::Invalid, error.to_string());
        if call.name == "timers.list" {
            let List {
                plugin,
                typed,
                skip,
                most,
            } = serde_json::from_value(call.arguments).map_err(wrong)?;
            let most = most.unwrap_or(LISTED).min(LISTED);
            return Ok(json!(self.schedule.list(plugin.as_deref(), &typed, skip, most)));
        }
        let Which { id } = serde_json::from_value(call.arguments).map_err(wrong)?;
        match call.name.as_str() {
            "timers.run" => {
                let stage = Plays {
                    routing: Arc::clone(self.life()?.routing()),
                    notices: self.notices.clone(),
                };
                self.schedule.run_now(&stage, id).await?;
            }
            "timers.pause" => self.schedule.pause(id, true).await?,
            "timers.resume" => self.schedule.pause(id, false).await?,
            _ => self.schedule.remove(id).await?,
        }
        Ok(Value::Null)
    }
}
