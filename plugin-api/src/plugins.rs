//! What a plugin can know of the others: who there is, what each needs, and who can't run beside whom.
//!
//! Apart from `Host::call`, which it asks by: the answers have types here, and what is not there is `None`.

use std::{fmt, rc::Rc};

use plugin_protocol::{
    Call, ProblemCode,
    inspection::{DependencyCheck, PluginConflict, PluginInfo, PluginList, PluginSummary},
    kind::CALL,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Result, error::placed, runtime::Core};

/// The plugins of this bot; see [`Host::plugins`](crate::Host::plugins).
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Show what this plugin misses.
/// #[command]
/// async fn missing(ctx: Ctx) -> Result {
///     let needs = ctx.plugins().check_dependencies(ctx.plugin()).await?;
///     let Some(needs) = needs else { return refuse("I am not there.") };
///     let names: Vec<_> = needs.missing.iter().map(|needs| needs.name.as_str()).collect();
///     ctx.reply(format!("Missing: {}.", names.join(", "))).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::missing]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Plugins {
    core: Rc<Core>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins").finish_non_exhaustive()
    }
}

impl Plugins {
    pub(crate) fn new(core: Rc<Core>) -> Self {
        Self { core }
    }

    /// Every plugin that is known, running or not, in order of their names.
    ///
    /// # Errors
    ///
    /// The bot is starting or stopping.
    #[track_caller]
    pub fn all(&self) -> impl Future<Output = Result<Vec<PluginSummary>>> {
        placed(async move {
            let list: PluginList = self.ask("plugins.list", json!({})).await?;
            Ok(list.plugins)
        })
    }

    /// Everything about one plugin; `None` if there is none of that name.
    ///
    /// # Errors
    ///
    /// The bot is starting or stopping.
    #[track_caller]
    pub fn info(&self, plugin: &str) -> impl Future<Output = Result<Option<PluginInfo>>> {
        placed(async move { self.find("plugins.info", plugin).await })
    }

    /// What a plugin needs or would like to have: what of it runs in a version that fits, and what does not. `None` if
    /// there is no such plugin.
    ///
    /// # Errors
    ///
    /// The bot is starting or stopping.
    #[track_caller]
    pub fn check_dependencies(&self, plugin: &str) -> impl Future<Output = Result<Option<DependencyCheck>>> {
        placed(async move { self.find("plugins.dependencies", plugin).await })
    }

    /// Pairs of known plugins that can't run beside each other.
    ///
    /// # Errors
    ///
    /// The bot is starting or stopping.
    #[track_caller]
    pub fn detect_conflicts(&self) -> impl Future<Output = Result<Vec<PluginConflict>>> {
        placed(async move { self.ask("plugins.conflicts", json!({})).await })
    }

    async fn find<T: DeserializeOwned>(&self, call: &str, plugin: &str) -> Result<Option<T>> {
        match self.ask(call, json!({ "name": plugin })).await {
            Ok(found) => Ok(Some(found)),
            Err(error)
                if error
                    .problem()
                    .is_some_and(|problem| problem.code == ProblemCode::NotFound) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, name: &str, arguments: Value) -> Result<T> {
        let call = Call {
            name: name.to_owned(),
            arguments,
            invocation: None,
        };
        let (answer, _) = self.core.link.ask_for(CALL, &call, &[]).await?;
        Ok(answer)
    }
}
