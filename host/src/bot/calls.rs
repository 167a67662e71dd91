//! What plugins ask of the host itself: looking into what runs, and changing it.
//!
//! Looking is for all, though some of it is told to the bot's owners only; changing is for built-in plugins and those
//! with a grant.

use std::sync::{Arc, OnceLock};

use plugin_protocol::{Call, PluginName, Problem, ProblemCode};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::owners::Owners;
use crate::{
    config::Config,
    interactions::Invocations,
    plugins::{Generation, Plugins},
};

/// Whose turn it is to look: plugins one by one, so that a flood of looks takes one thread and not all. Built-in plugins,
/// by which the owner looks, do not wait.
static LOOKING: Semaphore = Semaphore::const_new(1);

/// Requests to the host itself. Changing plugins is for built-in plugins and those with a grant; looking is for all.
pub struct Calls {
    /// The settings.
    pub config: Arc<Config>,
    /// Set once the life of plugins has begun.
    pub plugins: Arc<OnceLock<Plugins>>,
    /// The open invocations: in which something is asked.
    pub invocations: Invocations,
    /// Who owns the bot.
    pub owners: Owners,
}

impl Calls {
    /// Does what is asked, if it is granted.
    ///
    /// # Errors
    ///
    /// `Busy` while the bot starts, `NotSupported`, `NotGranted`, `Invalid`, `NotFound`; `Failed` with a text for the
    /// owner.
    pub async fn answer(&self, from: &Generation, call: Call) -> Result<Value, Problem> {
        let plugins = self
            .plugins
            .get()
            .ok_or_else(|| Problem::new(ProblemCode::Busy, "the bot is starting: ask again once it is ready"))?;
        if call.name == "plugins.list" || call.name == "plugins.info" {
            let _turn = if from.is_linked() {
                None
            } else {
                LOOKING.acquire().await.ok()
            };
            return self.look(from, plugins.clone(), &call).await;
        }
        let changes = ["plugins.load", "plugins.reload", "plugins.unload"];
        if !changes.contains(&call.name.as_str()) {
            return Err(Problem::new(
                ProblemCode::NotSupported,
                format!("this host has no call `{}`", call.name),
            ));
        }
        let granted = from.is_linked()
            || self
                .config
                .grants
                .get(from.name())
                .is_some_and(|grants| grants.contains(&call.name));
        if !granted {
            let text = format!(
                "`{}` is not granted to `{}`: the owner can add it to `grants` in config.json",
                call.name,
                from.name()
            );
            return Err(Problem::new(ProblemCode::NotGranted, text));
        }
        let name = match call.arguments.get("name").and_then(Value::as_str) {
            Some(name) => Some(
                name.parse::<PluginName>()
                    .map_err(|error| Problem::new(ProblemCode::Invalid, error))?,
            ),
            None => None,
        };
        let needed = || Problem::new(ProblemCode::Invalid, "the plugin's name is missing");
        let reply = match call.name.as_str() {
            "plugins.load" => plugins.load(name.ok_or_else(needed)?).await,
            "plugins.reload" => plugins.reload(name).await,
            _ => {
                let with = call
                    .arguments
                    .get("with_dependants")
                    .and_then(Value::as_bool)
                    .unwrap_or(false);
                plugins.unload(name.ok_or_else(needed)?, with).await
            }
        };
        reply
            .map(Value::String)
            .map_err(|text| Problem::new(ProblemCode::Failed, text))
    }

    /// Looks into what runs, away from the runtime's threads: the system's figures take milliseconds.
    async fn look(&self, from: &Generation, plugins: Plugins, call: &Call) -> Result<Value, Problem> {
        // Only one's own invocations say who asks: numbers can be guessed.
        let origin = call.invocation.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.plugin == *from.name());
        let asked_for = call.arguments.get("private").and_then(Value::as_bool).unwrap_or(false);
        let private = asked_for && origin.is_some_and(|origin| self.owners.contains(origin.author.id));
        let name = call.arguments.get("name").and_then(Value::as_str).map(str::to_owned);
        let looked = match (call.name.as_str(), name) {
            ("plugins.list", _) => spawn_blocking(move || Ok(json!(plugins.list(private)))).await,
            (_, Some(name)) => spawn_blocking(move || info(&plugins, &name, private)).await,
            (_, None) => return Err(Problem::new(ProblemCode::Invalid, "the plugin's name is missing")),
        };
        looked.map_err(|_| Problem::new(ProblemCode::Failed, "looking into the plugins panicked: see the log"))?
    }
}

fn info(plugins: &Plugins, name: &str, private: bool) -> Result<Value, Problem> {
    let name = name.trim().to_lowercase();
    if let Some(info) = plugins.info(&name, private) {
        return Ok(json!(info));
    }
    let near = plugins.nearest(&name);
    let near = near.map_or_else(
        || "`plugins` lists those that there are.".to_owned(),
        |near| format!("Did you mean `{near}`?"),
    );
    // What was asked for is people's text.
    let name: String = name.chars().filter(|letter| *letter != '`').take(32).collect();
    let text = format!("There is no plugin `{name}`. {near}");
    Err(Problem::new(ProblemCode::NotFound, text))
}
