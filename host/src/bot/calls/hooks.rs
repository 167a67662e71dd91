//! `hooks.*`: who listens to what, what has run, and the owner's switches.
//!
//! Looking is for all; a switch is kept, a reset is not.

use plugin_protocol::{Call, PluginName, Problem, ProblemCode};
use serde_json::{Value, json};

use crate::bot::HOST_NAME;

use super::{Access, Calls, storage_problem};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("hooks.list", Access::All),
    ("hooks.history", Access::All),
    ("hooks.enable", Access::Changes),
    ("hooks.disable", Access::Changes),
    ("hooks.reset", Access::Changes),
];

/// Whether the owner is told of hooks, and may switch them.
fn are_told(load_cogs: bool, enable_event_hooks: bool) -> Result<(), Problem> {
    let off = match (load_cogs, enable_event_hooks) {
        (true, true) => return Ok(()),
        (false, _) => "framework.load_cogs",
        (true, false) => "framework.enable_event_hooks",
    };
    let text = format!(
        "`{off}` in config.json is off: hooks run, but nothing is told of them. Set it to true there to list and switch them."
    );
    Err(Problem::new(ProblemCode::Failed, text))
}

impl Calls {
    pub(super) async fn about_hooks(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        let config = self.config.get();
        let framework = &config.framework;
        // What plugins may read does not depend on what is told to people.
        let is_read = matches!(&*call.name, "hooks.list" | "hooks.history");
        if *from == *HOST_NAME || !is_read {
            are_told(framework.load_cogs, framework.enable_event_hooks)?;
        }
        match call.name.as_str() {
            "hooks.list" => return Ok(json!(self.hooks.list())),
            "hooks.history" => {
                let limit = call.arguments["limit"].as_u64().unwrap_or(u64::MAX);
                return Ok(json!(self.hooks.history(usize::try_from(limit).unwrap_or(usize::MAX))));
            }
            _ => {}
        }
        let invalid = || {
            Problem::new(
                ProblemCode::Invalid,
                "the callback's `id` is missing: `hooks` lists them",
            )
        };
        let asked = call.arguments["id"].as_str().ok_or_else(invalid)?.trim();
        let id = self.hooks.known_as(asked).unwrap_or_else(|| asked.to_owned());
        let is_off = self.tables.is_hook_off(&id);
        if !is_off && self.hooks.known_as(&id).is_none() {
            // What was asked for is people's text.
            let id: String = id.chars().filter(|letter| *letter != '`').take(100).collect();
            let text = format!("There is no callback `{id}`. `hooks` lists those that there are.");
            return Err(Problem::new(ProblemCode::NotFound, text));
        }
        let text = match call.name.as_str() {
            "hooks.reset" => {
                self.hooks.reset(&id);
                let but = if is_off {
                    format!(" It is still switched off: `hooks enable {id}` switches it on.")
                } else {
                    String::new()
                };
                format!("The failures of `{id}` are forgotten, and it runs again.{but}")
            }
            name => {
                let off = name == "hooks.disable";
                let changed = self.tables.switch_hook(&id, off).await;
                match (changed.map_err(|error| storage_problem(&error))?, off) {
                    (true, true) => format!("`{id}` is switched off, also after a restart, until `hooks enable {id}`."),
                    (true, false) => format!("`{id}` is switched on."),
                    (false, true) => format!("`{id}` was switched off already."),
                    (false, false) => format!("`{id}` was not switched off."),
                }
            }
        };
        Ok(Value::String(text))
    }
}
