//! `settings.*`: what one server sets for a plugin.
//!
//! Built-in commands make these calls, whose use is checked where every command's is; every change is in the audit trail.

use plugin_protocol::{
    Call, GuildId, PluginName, Problem, ProblemCode,
    server_settings::{
        MAX_LISTED, MAX_WRITTEN, PluginsWithSettings, ServerSetting, ServerSettings, SetValues, Setting, SettingsSchema,
    },
    wording::{as_code, wants},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Access, Calls, storage_problem};
use crate::{
    bot::server_settings,
    commands::{ArgumentError, ArgumentProblem, Place, lookup::read_text},
    plugins::{Generation, Table},
    server_settings::{as_argument, fits, is_too_long, kept, shown, without_doubles, written},
};

/// What a plugin is told that changes settings before it serves.
const TOO_EARLY: &str = "settings can't be changed by `#[start]`, before this version of the plugin serves: it may still be \
                         given up. Change them by a task that `ctx.spawn` is given there: that begins when this version serves";

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("settings.plugins", Access::Granted),
    ("settings.show", Access::Granted),
    ("settings.set", Access::Changes),
    ("settings.reset", Access::Changes),
    ("settings.change", Access::Own),
];

#[derive(Deserialize)]
struct Of {
    plugin: String,
}

#[derive(Deserialize)]
struct Set {
    plugin: String,
    setting: String,
    /// As people write it.
    value: String,
}

#[derive(Deserialize)]
struct Reset {
    plugin: String,
    setting: String,
}

/// What a plugin changes of its own settings.
#[derive(Deserialize)]
struct Change {
    guild_id: GuildId,
    /// Those that differ, as they are kept.
    values: SetValues,
}

impl Calls {
    pub(super) async fn about_settings(&self, from: &Generation, call: Call) -> Result<Value, Problem> {
        let origin = call.invocation.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.plugin == *from.name());
        // Nowhere, while somebody types: then only what there is can be told, not what is set.
        let here = origin.and_then(|origin| origin.guild_id);
        let in_server = || here.ok_or_else(|| Problem::new(ProblemCode::Invalid, "This can be used in a server only."));
        let table = self.life()?.routing().read();
        let read =
            |problem: serde_json::Error| Problem::new(ProblemCode::Invalid, format!("`{}`: {problem}", call.name));
        let (plugin, done) = match call.name.as_str() {
            "settings.set" => {
                let guild = in_server()?;
                let set: Set = serde_json::from_value(call.arguments).map_err(read)?;
                let (plugin, schema) = with_settings(&table, &set.plugin)?;
                let setting = setting(plugin, schema, &set.setting)?;
                let value = self.read(plugin, guild, setting, set.value.trim()).await?;
                let is = shown(setting, &value);
                let changes = vec![(setting.value.name.clone(), Some(value))];
                self.keep(plugin, guild, changes).await?;
                (
                    set.plugin,
                    Some(format!("`{}` of `{plugin}` is {is} now.", setting.value.name)),
                )
            }
            "settings.reset" => {
                let guild = in_server()?;
                let reset: Reset = serde_json::from_value(call.arguments).map_err(read)?;
                let (plugin, schema) = with_settings(&table, &reset.plugin)?;
                // What an earlier version has left behind can be cleared, too.
                let own = server_settings::set(&self.tables, plugin, guild);
                let name = reset.setting.trim().to_lowercase();
                let is = match setting(plugin, schema, &name) {
                    Ok(setting) => format!("is {} again, the default.", shown(setting, &setting.default)),
                    Err(_) if own.contains_key(&name) => "is cleared.".to_owned(),
                    Err(problem) => return Err(problem),
                };
                self.keep(plugin, guild, vec![(name.clone(), None)]).await?;
                (reset.plugin, Some(format!("`{name}` of `{plugin}` {is}")))
            }
            "settings.change" => {
                if from.serving_since.get().is_none() {
                    return Err(Problem::new(ProblemCode::Invalid, TOO_EARLY));
                }
                let change: Change = serde_json::from_value(call.arguments).map_err(read)?;
                return self.change_own(from, change).await;
            }
            "settings.show" => {
                let of: Of = serde_json::from_value(call.arguments).map_err(read)?;
                (of.plugin, None)
            }
            _ => return Ok(json!(self.plugins_with_settings(&table, here))),
        };
        let (plugin, schema) = with_settings(&table, &plugin)?;
        let set = self.set_here(plugin, here);
        Ok(json!(ServerSettings {
            done,
            ..present(plugin, schema, &set)
        }))
    }

    fn set_here(&self, plugin: &PluginName, here: Option<GuildId>) -> SetValues {
        here.map(|guild| server_settings::set(&self.tables, plugin, guild))
            .unwrap_or_default()
    }

    fn plugins_with_settings(&self, table: &Table, here: Option<GuildId>) -> PluginsWithSettings {
        let mut plugins: Vec<_> = offers(table)
            .map(|(plugin, schema)| {
                let set = self.set_here(plugin, here);
                (plugin.to_string(), schema.settings.len(), set.len())
            })
            .collect();
        plugins.sort_unstable();
        PluginsWithSettings { plugins }
    }

    /// Makes a value of a text, by the code and with the texts of commands' arguments.
    async fn read(&self, plugin: &PluginName, guild: GuildId, setting: &Setting, text: &str) -> Result<Value, Problem> {
        let argument = as_argument(setting);
        let place = Place {
            guild_id: Some(guild),
            ..Place::default()
        };
        let refused = |problem| {
            let text = ArgumentError::new(&argument, problem).to_string();
            Problem::new(ProblemCode::Invalid, text)
        };
        let directory = self.gatekeeper.directory().of(plugin);
        let value = read_text(&directory, &place, &argument, text).await;
        let value = value.map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))?;
        if let Value::Array(values) = kept(&value).unwrap_or_default()
            && values.len() > MAX_LISTED
        {
            let text = format!("`{}` takes at most {MAX_LISTED} values.", argument.name);
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let value = without_doubles(setting, kept(&value).unwrap_or_default());
        if is_too_long(&written(setting, &value)) {
            let text = format!(
                "`{}` takes at most {MAX_WRITTEN} characters in all, with spaces and quotes: shorten it.",
                argument.name
            );
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let given = || ArgumentProblem::Unfit { given: text.to_owned() };
        Some(value)
            .filter(|value| fits(setting, value))
            .ok_or_else(|| refused(given()))
    }

    /// Changes a plugin's settings at its own request, by the rules of what people write: all of them or none.
    async fn change_own(&self, from: &Generation, change: Change) -> Result<Value, Problem> {
        let (plugin, guild) = (from.name(), change.guild_id);
        if self.cache.guild(guild).is_none() {
            let text = format!("the bot is not in the server {guild}");
            return Err(Problem::new(ProblemCode::NotFound, text));
        }
        let Some(schema) = &from.description.settings else {
            let text = "this plugin has no settings: name the struct in `settings` of `plugin!`";
            return Err(Problem::new(ProblemCode::Invalid, text));
        };
        let mut changes = Vec::new();
        for (name, value) in change.values {
            let setting = setting(plugin, schema, &name)?;
            let text = written(setting, &value);
            // What has no words, nobody writes.
            let is_none = text.is_empty() && !value.is_string() && fits(setting, &value);
            let value = if is_none {
                value
            } else {
                self.read(plugin, guild, setting, text.trim()).await?
            };
            changes.push((name, Some(value).filter(|value| *value != setting.default)));
        }
        self.keep(plugin, guild, changes).await?;
        Ok(Value::Null)
    }

    /// Writes values down, or that the defaults are in force, and tells the plugin.
    async fn keep(
        &self,
        plugin: &PluginName,
        guild: GuildId,
        changes: Vec<(String, Option<Value>)>,
    ) -> Result<(), Problem> {
        let changed = self.tables.change_guild(guild, |settings| {
            for (name, value) in changes {
                settings.set_of_plugin(plugin.as_str(), &name, value);
            }
        });
        changed.await.map_err(|error| storage_problem(&error))?;
        // As it is by now: the plugin may have been replaced meanwhile.
        server_settings::tell(&self.tables, &self.life()?.routing().read(), plugin, guild);
        Ok(())
    }
}

fn offers(table: &Table) -> impl Iterator<Item = (&PluginName, &SettingsSchema)> {
    table
        .offers()
        .filter_map(|(plugin, description)| Some((plugin, description.settings.as_ref()?)))
}

/// A plugin that has settings, by its name.
fn with_settings<'a>(table: &'a Table, name: &str) -> Result<(&'a PluginName, &'a SettingsSchema), Problem> {
    let name = name.trim().to_lowercase();
    if let Some(found) = offers(table).find(|(plugin, _)| plugin.as_str() == name) {
        return Ok(found);
    }
    let mut others: Vec<_> = offers(table).map(|(plugin, _)| format!("`{plugin}`")).collect();
    others.sort_unstable();
    let there_are = match others.as_slice() {
        [] => "No plugin that runs has any.".to_owned(),
        some => format!("These have some: {}.", some.join(", ")),
    };
    let text = if table.offers().any(|(plugin, _)| plugin.as_str() == name) {
        format!("The plugin `{name}` has no settings. {there_are}")
    } else {
        format!("There is no plugin {} that runs. {there_are}", as_code(&name))
    };
    Err(Problem::new(ProblemCode::NotFound, text))
}

fn setting<'a>(plugin: &PluginName, schema: &'a SettingsSchema, name: &str) -> Result<&'a Setting, Problem> {
    let name = name.trim().to_lowercase();
    schema.setting(&name).ok_or_else(|| {
        let names: Vec<_> = schema
            .settings
            .iter()
            .map(|one| format!("`{}`", one.value.name))
            .collect();
        let text = format!(
            "`{plugin}` has no setting {}. It has {}.",
            as_code(&name),
            names.join(", ")
        );
        Problem::new(ProblemCode::NotFound, text)
    })
}

/// All settings of a plugin, as a server has them.
fn present(plugin: &PluginName, schema: &SettingsSchema, set: &SetValues) -> ServerSettings {
    let settings = schema.settings.iter().map(|setting| {
        let own = set.get(&setting.value.name);
        let fitting = own.filter(|value| fits(setting, value));
        let value = fitting.unwrap_or(&setting.default);
        ServerSetting {
            value: value.clone(),
            shown: shown(setting, value),
            written: written(setting, value),
            wants: wants(&as_argument(setting)),
            is_set: fitting.is_some(),
            unfit: own
                .filter(|_| fitting.is_none())
                .map(|value| as_code(&value.to_string())),
            setting: setting.clone(),
        }
    });
    let strays = set.iter().filter(|(name, _)| schema.setting(name).is_none());
    ServerSettings {
        plugin: plugin.to_string(),
        settings: settings.collect(),
        strays: strays
            .map(|(name, value)| (name.clone(), as_code(&value.to_string())))
            .collect(),
        done: None,
    }
}
