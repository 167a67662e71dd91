//! Suggestions while an argument is being typed: asked of its plugin alone, answered within Discord's 3 seconds or not.
//!
//! Apart from what runs commands, since nothing is opened, counted or waited for here.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use plugin_protocol::{Argument, Choice, Door, PluginName, Typed};

use super::{Router, invocation, origin};
use crate::{commands::Interaction, plugins::Table};

/// How long suggestions may take; Discord waits for 3 s.
const SUGGESTING: Duration = Duration::from_secs(2);

impl Router {
    /// Suggestions for an argument that is being typed. Nobody is told of a failure: there is nowhere to tell it.
    pub(super) async fn suggest(
        &self,
        table: &Table,
        interaction: Interaction,
        name: &str,
        typed: Typed,
        payload: &str,
    ) {
        let Some((plugin, command)) = table.commands.slash(name) else {
            return;
        };
        let asks = |argument: &&Argument| argument.name == typed.argument && argument.autocomplete;
        let Some(argument) = command.arguments.iter().find(asks) else {
            return;
        };
        let asked = self.let_through(&interaction, plugin, command);
        let began = Instant::now();
        let choices = if self.decide_in_time(&asked, began.into()).await.is_ok() {
            let left = SUGGESTING.saturating_sub(began.elapsed());
            let suggestions = self.suggestions(plugin, &interaction, name, typed, payload);
            tokio::time::timeout(left, suggestions).await.unwrap_or_else(|_| {
                let limit = SUGGESTING.as_secs();
                tracing::warn!(%plugin, command = %name, "no suggestions within {limit} s");
                Vec::new()
            })
        } else {
            Vec::new()
        };
        let origin = origin(&interaction, plugin, name, Door::Slash, None);
        if let Err(problem) = self.invocations.suggest(&origin, argument, choices).await {
            tracing::debug!(command = %name, %problem, "suggestions did not arrive");
        }
    }

    async fn suggestions(
        &self,
        plugin: &PluginName,
        interaction: &Interaction,
        name: &str,
        typed: Typed,
        payload: &str,
    ) -> Vec<Choice> {
        // Nothing that a replacement waits for: who types on asks the next generation.
        let Some(generation) = self.routing.read().generation(plugin).cloned() else {
            return Vec::new();
        };
        let hangs = generation.pulse.hung_for(Instant::now()).is_some();
        if hangs || !generation.has_room() {
            return Vec::new();
        }
        let (name, interaction) = (name.to_owned(), interaction.clone());
        let mut origin = origin(&interaction, plugin, &name, Door::Slash, None);
        let mut invocation = invocation(interaction, name, Door::Slash, None, BTreeMap::new(), None);
        invocation.typed = Some(typed);
        origin.asked = serde_json::to_vec(&invocation).ok().map(Arc::new);
        let typing = self.invocations.types(origin);
        match generation.suggest(typing.id(), &invocation, payload.as_bytes()).await {
            Ok(suggestions) => suggestions.choices,
            Err(problem) => {
                tracing::warn!(%plugin, command = %invocation.name, %problem, "no suggestions");
                Vec::new()
            }
        }
    }
}
