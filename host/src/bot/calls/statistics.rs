//! `statistics.*`: how often commands are used.
//!
//! Open to every plugin: it names no person and no server.

use plugin_protocol::{Call, Problem};
use serde_json::{Value, json};

use super::{Access, Calls, storage_problem};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("statistics.commands", Access::All)];

/// How many commands are listed where nobody says how many, and at most.
const LISTED: (u32, u32) = (25, 500);

impl Calls {
    pub(super) async fn about_statistics(&self, call: Call) -> Result<Value, Problem> {
        let limit = call.arguments.get("limit").and_then(Value::as_u64);
        let limit = limit.map_or(LISTED.0, |limit| u32::try_from(limit).unwrap_or(LISTED.1).min(LISTED.1));
        let statistics = self.tables.command_statistics(limit).await;
        statistics
            .map(|all| json!(all))
            .map_err(|error| storage_problem(&error))
    }
}
