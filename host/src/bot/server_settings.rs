//! What servers have set for plugins: from the table in memory to whoever asks, and to the plugins that run.
//!
//! What is kept and doesn't fit the plugin of now stays where it is; it only is not in force.

use plugin_protocol::{Description, GuildId, PluginName, server_settings::SetValues};

use crate::{
    plugins::{GuildValues, Table},
    server_settings::fitting,
    storage::Tables,
};

/// What is in force of what all servers have set for a plugin.
pub fn of_plugin(tables: &Tables, plugin: &PluginName, description: &Description) -> GuildValues {
    let Some(schema) = &description.settings else {
        return GuildValues::default();
    };
    let (revision, all) = tables.set_for_plugin(plugin.as_str());
    let mut unfit = Vec::new();
    let set = all.into_iter().filter_map(|(guild, set)| {
        let (fitting, others) = fitting(schema, &set);
        unfit.extend(others);
        (!fitting.is_empty()).then_some((guild, fitting))
    });
    let set = set.collect();
    if !unfit.is_empty() {
        let count = unfit.len();
        unfit.sort_unstable();
        unfit.dedup();
        tracing::warn!(
            %plugin, version = description.version, settings = unfit.join(", "), count,
            "servers have set what doesn't fit this version: it is kept, and the defaults are in force"
        );
    }
    GuildValues { revision, set }
}

/// Tells a plugin that runs what a server has set now.
pub fn tell(tables: &Tables, table: &Table, plugin: &PluginName, guild: GuildId) {
    let Some(generation) = table.generation(plugin) else {
        // Who comes reads it.
        return;
    };
    if let Some(schema) = &generation.description.settings {
        generation.tell_guild(guild, || fitting(schema, &set(tables, plugin, guild)).0);
    }
}

/// The same for all plugins.
pub fn tell_all(tables: &Tables, table: &Table, guild: GuildId) {
    for generation in table.generations() {
        tell(tables, table, generation.name(), guild);
    }
}

/// What a server has set for a plugin, whether it fits or not.
pub fn set(tables: &Tables, plugin: &PluginName, guild: GuildId) -> SetValues {
    let settings = tables.guild(guild);
    let set = settings
        .as_ref()
        .and_then(|settings| settings.of_plugin(plugin.as_str()));
    set.cloned().unwrap_or_default()
}
