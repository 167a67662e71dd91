//! `slash.*`: how many slash commands there are, and writing them now.
//!
//! Looking is for all; what is written is decided by the plan, whoever orders it.

use std::time::Duration;

use plugin_protocol::{Call, Problem, ProblemCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Access, Calls};
use crate::slash::Unknown;

/// How long figures are waited for that are not there yet.
const KNOWN: Duration = Duration::from_secs(5);

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("slash.figures", Access::All), ("slash.sync", Access::Changes)];

impl Calls {
    pub(super) async fn about_slash(&self, call: &Call) -> Result<Value, Problem> {
        if call.name == "slash.figures" {
            // Just after the start; without an answer of Discord's there are no figures to tell.
            let _ = timeout(KNOWN, self.slash.known()).await;
            return Ok(json!(self.slash.standing().figures));
        }
        let unknown = match call.arguments["delete_unknown"].as_bool() {
            Some(true) => Unknown::Delete,
            _ => Unknown::Keep,
        };
        let report = self.slash.sync(unknown).await;
        let busy = || {
            let text = "slash commands are being written already, or the bot is ending: try again in a moment";
            Problem::new(ProblemCode::Busy, text)
        };
        report.map(|report| json!(report)).ok_or_else(busy)
    }
}
