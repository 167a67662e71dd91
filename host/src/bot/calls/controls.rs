//! `controls.*`, `messages.*`: what the host keeps for plugins' controls and messages.
//!
//! Every plugin may keep states of its own; what they are is never looked at here.

use plugin_protocol::{
    Call, KeepControlState, KeptControlState, LaterMessage, Problem, ProblemCode, custom_id::MAX_KEPT_STATE,
};
use serde_json::{Value, json};

use super::{Access, Calls, storage_problem};
use crate::plugins::Generation;

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("controls.keep", Access::All), ("messages.later", Access::All)];

impl Calls {
    pub(super) async fn about_controls(&self, from: &Generation, call: Call) -> Result<Value, Problem> {
        let wrong = |error: serde_json::Error| Problem::new(ProblemCode::Invalid, error.to_string());
        if call.name == "messages.later" {
            let message: LaterMessage = serde_json::from_value(call.arguments).map_err(wrong)?;
            self.invocations.later(&message);
            return Ok(Value::Null);
        }
        let KeepControlState { state, until } = serde_json::from_value(call.arguments).map_err(wrong)?;
        if state.len() > MAX_KEPT_STATE {
            let text = format!(
                "the state of a control takes {} bytes as JSON, at most {MAX_KEPT_STATE} are kept: put it into your own \
                 database, and its key into the control",
                state.len()
            );
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let key = self.tables.keep_control_state(from.name(), &state, until).await;
        let key = key.map_err(|error| storage_problem(&error))?;
        Ok(json!(KeptControlState { key }))
    }
}
