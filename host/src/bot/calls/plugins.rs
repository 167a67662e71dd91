//! `plugins.*`: looking into what runs, and changing it.
//!
//! Looking takes milliseconds of the system's, so it is done away from the runtime's threads.

use std::path::Path;

use plugin_protocol::{Call, PluginName, Problem, ProblemCode, inspection::EraseStanding};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{Access, Calls};
use crate::{
    bot::erasure::standing,
    plugins::{Generation, Plugins},
    schedule::Schedule,
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("plugins.list", Access::All),
    ("plugins.info", Access::All),
    ("plugins.metrics", Access::All),
    ("plugins.dependencies", Access::All),
    ("plugins.conflicts", Access::All),
    ("plugins.plan", Access::Granted),
    ("plugins.load", Access::Changes),
    ("plugins.reload", Access::Changes),
    ("plugins.unload", Access::Changes),
    ("plugins.rollback", Access::Changes),
    ("plugins.pin", Access::Changes),
    ("plugins.unpin", Access::Changes),
];

/// Whose turn it is to look: plugins one by one, so that a flood of looks takes one thread and not all. Built-in plugins,
/// by which the owner looks, do not wait.
static LOOKING: Semaphore = Semaphore::const_new(1);

impl Calls {
    pub(super) async fn about_plugins(&self, from: &Generation, call: Call) -> Result<Value, Problem> {
        if call.name == "plugins.metrics" {
            let lane = match self.life() {
                Ok(plugins) => plugins.lane_of(from).await,
                // While the bot starts.
                Err(_) => from.figures(),
            };
            return Ok(json!(lane));
        }
        let plugins = self.life()?;
        if call.name == "plugins.list" || call.name == "plugins.info" {
            let _turn = if from.is_linked() {
                None
            } else {
                LOOKING.acquire().await.ok()
            };
            return self.look(from, plugins.clone(), &call).await;
        }
        if call.name == "plugins.conflicts" {
            return Ok(json!(plugins.detect_conflicts()));
        }
        if call.name == "plugins.dependencies" {
            let name = call.arguments.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = name.trim().to_lowercase();
            let found = plugins.check_dependencies(&name);
            return found.map(|found| json!(found)).ok_or_else(|| not_found(plugins, &name));
        }
        let names = names(&call.arguments)?;
        let with_dependants = call.arguments.get("with_dependants").and_then(Value::as_bool);
        let with_dependants = with_dependants.unwrap_or(false);
        let needed = || Problem::new(ProblemCode::Invalid, "the plugin's name is missing");
        if call.name == "plugins.plan" {
            let verb = call.arguments.get("verb").cloned().unwrap_or_default();
            let verb =
                serde_json::from_value(verb).map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))?;
            let plan = plugins.plan(verb, names, with_dependants).await;
            return plan
                .map(|plan| json!(plan))
                .map_err(|text| Problem::new(ProblemCode::Failed, text));
        }
        let reply = match call.name.as_str() {
            "plugins.reload" => plugins.reload(names).await,
            "plugins.load" => plugins.load(names.ok_or_else(needed)?).await,
            "plugins.unload" => plugins.unload(names.ok_or_else(needed)?, with_dependants).await,
            one => {
                let name = names.and_then(|names| names.into_iter().next()).ok_or_else(needed)?;
                match one {
                    "plugins.rollback" => plugins.rollback(name).await,
                    "plugins.pin" => plugins.pin(name).await,
                    _ => plugins.unpin(name).await,
                }
            }
        };
        reply
            .map(Value::String)
            .map_err(|text| Problem::new(ProblemCode::Failed, text))
    }

    /// Looks into what runs, away from the runtime's threads: the system's figures take milliseconds.
    async fn look(&self, from: &Generation, plugins: Plugins, call: &Call) -> Result<Value, Problem> {
        let asked_for = call.arguments.get("private").and_then(Value::as_bool).unwrap_or(false);
        let private = asked_for && self.is_owner_asking(from, call);
        let name = call.arguments.get("name").and_then(Value::as_str).map(str::to_owned);
        let looked = match (call.name.as_str(), name) {
            ("plugins.list", _) => spawn_blocking(move || Ok(json!(plugins.list(private)))).await,
            (_, Some(name)) => {
                let (schedule, folder) = (self.schedule.clone(), self.stores.folder().to_owned());
                spawn_blocking(move || info(&plugins, &schedule, &folder, &name, private)).await
            }
            (_, None) => return Err(Problem::new(ProblemCode::Invalid, "the plugin's name is missing")),
        };
        looked.map_err(|_| Problem::new(ProblemCode::Failed, "looking into the plugins panicked: see the log"))?
    }
}

/// What an order names: `name`, or `names`; none where neither is there.
fn names(arguments: &Value) -> Result<Option<Vec<PluginName>>, Problem> {
    let one = arguments.get("name").and_then(Value::as_str);
    let several = arguments.get("names").and_then(Value::as_array);
    let several = several.into_iter().flatten().filter_map(Value::as_str);
    let mut names: Vec<PluginName> = Vec::new();
    for name in one.into_iter().chain(several) {
        let name = name
            .parse()
            .map_err(|error: String| Problem::new(ProblemCode::Invalid, error))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() && arguments.get("names").is_some() {
        return Err(Problem::new(ProblemCode::Invalid, "no plugin is named"));
    }
    Ok(if names.is_empty() { None } else { Some(names) })
}

fn info(plugins: &Plugins, schedule: &Schedule, folder: &Path, name: &str, private: bool) -> Result<Value, Problem> {
    let name = name.trim().to_lowercase();
    if let Some(mut info) = plugins.info(&name, private) {
        let (once, rules): (Vec<_>, Vec<_>) = {
            let all = schedule.list(Some(&name), "", 0, usize::MAX).timers;
            all.into_iter().partition(|timer| timer.rule.is_empty())
        };
        info.one_off_timers = once.len() as u64;
        info.timers = rules;
        let table = plugins.routing().read();
        let mut offers = table.offers();
        let described = offers
            .find(|(other, _)| other.as_str() == name)
            .map(|(_, described)| described);
        info.erase = match described {
            Some(described) => standing(described, &folder.join(&name)),
            None => EraseStanding::NotNeeded,
        };
        return Ok(json!(info));
    }
    Err(not_found(plugins, &name))
}

/// There is no such plugin; perhaps another one was meant.
fn not_found(plugins: &Plugins, name: &str) -> Problem {
    let near = plugins.nearest(name);
    let near = near.map_or_else(
        || "`plugins` lists those that there are.".to_owned(),
        |near| format!("Did you mean `{near}`?"),
    );
    // What was asked for is people's text.
    let name: String = name.chars().filter(|letter| *letter != '`').take(32).collect();
    let text = format!("There is no plugin `{name}`. {near}");
    Problem::new(ProblemCode::NotFound, text)
}
