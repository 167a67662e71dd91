//! Calls about logs and incidents: `logs.*` and `errors.*`.
//!
//! All of them are for built-in plugins and those with a grant: texts of errors and lines of the log are the owner's.

use plugin_protocol::{Call, Problem, ProblemCode};
use serde_json::{Value, json};

use super::{Access, Calls};
use crate::telemetry::levels;

pub(super) const CALLS: &[(&str, Access)] = &[
    ("logs.levels", Access::Granted),
    ("logs.set", Access::Granted),
    ("logs.reset", Access::Granted),
    ("errors.list", Access::Granted),
    ("errors.show", Access::Granted),
];

/// How many incidents are told at once at most.
const MOST: usize = 50;

impl Calls {
    /// What is logged of whom.
    pub(super) async fn about_logs(&self, call: &Call) -> Result<Value, Problem> {
        let given = |name: &str| call.arguments.get(name).and_then(Value::as_str).map(str::trim);
        match call.name.as_str() {
            "logs.set" => {
                let target = given("target").map(|target| self.target(target)).transpose()?;
                let level = given("level").map(|level| levels::level(level).ok_or_else(|| no_level(level)));
                self.logs.set_level(target.as_deref(), level.transpose()?);
            }
            "logs.reset" => self.logs.reset_levels(),
            _ => return Ok(json!(self.logs.levels())),
        }
        // Plugins need not send what nobody wants.
        if let Ok(plugins) = self.life() {
            plugins.configure().await;
        }
        Ok(json!(self.logs.levels()))
    }

    /// What went wrong.
    pub(super) fn about_errors(&self, call: &Call) -> Result<Value, Problem> {
        if call.name == "errors.list" {
            let number = |name: &str| call.arguments.get(name).and_then(Value::as_u64);
            let number = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
            let (skip, most) = (number("skip").unwrap_or(0), number("most").unwrap_or(10));
            return Ok(json!(self.incidents.list(skip, most.min(MOST))));
        }
        let code = call.arguments.get("code").and_then(Value::as_str).unwrap_or_default();
        let code: String = code
            .trim()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect();
        match self.incidents.show(&code) {
            Some(story) => Ok(json!(story)),
            None => Err(Problem::new(
                ProblemCode::NotFound,
                format!("No incident with the code `{code}` is remembered. `errors` lists those that are."),
            )),
        }
    }

    /// A target by what the owner wrote: a plugin's name stands for that plugin.
    fn target(&self, written: &str) -> Result<String, Problem> {
        if !levels::is_target(written) {
            let text = "A target is the path of a module, such as `host::rest`, `plugin::NAME` or a library's name.";
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let is_plugin = !written.contains("::")
            && written != "host"
            && self.life().is_ok_and(|plugins| {
                let table = plugins.routing().read();
                table
                    .generations()
                    .any(|generation| generation.name().as_str() == written)
            });
        Ok(if is_plugin {
            format!("plugin::{written}")
        } else {
            written.to_owned()
        })
    }
}

fn no_level(_: &str) -> Problem {
    let text = "A level is one of TRACE, DEBUG, INFO, WARN, ERROR; `reset` goes back to config.json.";
    Problem::new(ProblemCode::Invalid, text)
}
