//! What is registered at Discord as far as this host knows: what it wrote, and what others had registered before it.
//!
//! Pure. It decides what stays although no running plugin offers it: deleting a command wipes what servers'
//! administrators have set for it, and costs one of 200 creations a day when it comes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use plugin_protocol::PluginName;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    command::SlashCommand,
    menu::{MenuCommand, key_of},
};

/// How long a command stays whose plugin is not there.
pub const ABSENT: Duration = Duration::from_secs(24 * 60 * 60);

/// The set of a scope as it was written last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Of the whole set as it was sent.
    #[serde(default)]
    pub hash: String,
    /// The host's own commands, by name; those of menus by their keys.
    #[serde(default)]
    pub commands: BTreeMap<String, RegisteredCommand>,
    /// Commands that were there before the host wrote for the first time, as Discord told them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Value>,
}

/// A command as it was written last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredCommand {
    /// Discord's id of it, for `</name:id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Discord's number of its last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whose it is: more than one share a group.
    #[serde(default)]
    pub plugins: BTreeSet<PluginName>,
    /// As it was sent.
    #[serde(default)]
    pub json: String,
    /// Since when none of its plugins is there, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_since: Option<u64>,
}

/// A set to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// The host's own commands, by name: those that are planned and those that are kept.
    pub commands: BTreeMap<String, RegisteredCommand>,
    /// Others' commands.
    pub foreign: Vec<Value>,
}

impl Registered {
    /// The commands that stay although none of their plugins is there, since when each. `running` are the plugins that
    /// are there, `offered` the first words, and keys of menus, of what they offer here; `now` is in seconds since 1970.
    #[must_use]
    pub fn kept(
        &self,
        running: &BTreeSet<&PluginName>,
        offered: &BTreeSet<&str>,
        now: u64,
    ) -> BTreeMap<String, RegisteredCommand> {
        let absent = self.commands.iter().filter(|(name, command)| {
            !offered.contains(name.as_str()) && !command.plugins.iter().any(|plugin| running.contains(plugin))
        });
        let kept = absent.filter_map(|(name, command)| {
            let since = command.absent_since.unwrap_or(now);
            let kept = RegisteredCommand {
                absent_since: Some(since),
                ..command.clone()
            };
            (now < since.saturating_add(ABSENT.as_secs())).then(|| (name.clone(), kept))
        });
        kept.collect()
    }

    /// Those of the commands that Discord has which were never written by this host.
    #[must_use]
    pub fn others_of(&self, there: &[Value]) -> Vec<Value> {
        let is_own = |one: &&Value| {
            let id = one["id"].as_str();
            let mut own = self.commands.values();
            let by_id = own.any(|own| own.id.is_some() && own.id.as_deref() == id);
            // Of what was on its way when the host ended, only the names are known.
            let named = key_of(one).and_then(|key| self.commands.get(&key));
            by_id || named.is_some_and(|own| own.id.is_none())
        };
        there.iter().filter(|one| !is_own(one)).cloned().collect()
    }

    /// Others' commands that stay beside these.
    #[must_use]
    pub fn foreign_beside(&self, planned: &[SlashCommand], menus: &[MenuCommand]) -> Vec<Value> {
        let keys = planned.iter().map(|command| command.name.clone());
        let keys: BTreeSet<_> = keys.chain(menus.iter().map(MenuCommand::key)).collect();
        let is_replaced = |foreign: &&Value| key_of(foreign).is_some_and(|key| keys.contains(&key));
        self.foreign
            .iter()
            .filter(|foreign| !is_replaced(foreign))
            .cloned()
            .collect()
    }
}

impl Set {
    /// A set of planned commands, with those that are kept beside them.
    #[must_use]
    pub fn new(
        planned: &[SlashCommand],
        menus: &[MenuCommand],
        mut kept: BTreeMap<String, RegisteredCommand>,
        foreign: Vec<Value>,
    ) -> Self {
        let registered = |plugins: BTreeSet<PluginName>, json: Vec<u8>| RegisteredCommand {
            plugins,
            json: String::from_utf8(json).unwrap_or_default(),
            ..RegisteredCommand::default()
        };
        for command in planned {
            let of_command = registered(command.plugins.clone(), command.to_json());
            kept.insert(command.name.clone(), of_command);
        }
        for menu in menus {
            kept.insert(menu.key(), registered([menu.plugin.clone()].into(), menu.to_json()));
        }
        Self {
            commands: kept,
            foreign,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.foreign.is_empty()
    }

    /// The body of the bulk overwrite: the same set gives the same bytes.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let own = self.commands.values().map(|command| command.json.clone());
        let foreign = self.foreign.iter().map(Value::to_string);
        let all: Vec<_> = own
            .chain(foreign)
            .filter_map(|json| RawValue::from_string(json).ok())
            .collect();
        serde_json::to_vec(&all).expect("JSON is JSON")
    }
}

/// Discord's number of the kind of a command: 1 is typed and takes one of the 100 places, 2 and 3 are in menus.
#[must_use]
pub fn kind_of(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

impl RegisteredCommand {
    /// The same of one that was written.
    #[must_use]
    pub fn kind(&self) -> u64 {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type")]
            kind: u64,
        }
        serde_json::from_str::<Kind>(&self.json).map_or(1, |written| written.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    fn registered(plugin: &str, absent_since: Option<u64>) -> RegisteredCommand {
        RegisteredCommand {
            plugins: [name(plugin)].into(),
            absent_since,
            ..RegisteredCommand::default()
        }
    }

    #[test]
    fn what_is_absent_stays_for_a_day_and_what_was_given_up_does_not() {
        let day = ABSENT.as_secs();
        let memory = Registered {
            commands: [
                ("offered".to_owned(), registered("gone", Some(1))),
                ("given-up".to_owned(), registered("there", None)),
                ("absent".to_owned(), registered("gone", None)),
                ("since".to_owned(), registered("gone", Some(1000))),
                ("too-long".to_owned(), registered("gone", Some(999))),
            ]
            .into(),
            ..Registered::default()
        };
        let there = name("there");
        let kept = memory.kept(&[&there].into(), &["offered"].into(), day + 999);
        let since: Vec<_> = kept
            .iter()
            .map(|(name, command)| (name.as_str(), command.absent_since))
            .collect();
        assert_eq!(since, [("absent", Some(day + 999)), ("since", Some(1000))]);
    }

    #[test]
    fn others_commands_stay_unless_one_of_ours_has_the_name() {
        let command = |name: &str, kind: u64| serde_json::json!({ "name": name, "type": kind, "id": "1" });
        let memory = Registered {
            foreign: vec![command("ping", 1), command("ping", 2), command("old", 1)],
            ..Registered::default()
        };
        let ping = plugin_protocol::Command {
            name: "ping".to_owned(),
            doors: plugin_protocol::Doors {
                prefix: false,
                slash: true,
            },
            ..plugin_protocol::Command::default()
        };
        let owner = name("a");
        let plan = super::super::plan([(&owner, &[ping][..], &[][..])], super::super::Limits::default());
        let foreign = memory.foreign_beside(&plan.commands, &[]);
        assert_eq!(foreign, [command("ping", 2), command("old", 1)]);
        let set = Set::new(&plan.commands, &[], BTreeMap::new(), foreign);
        let body: Vec<Value> = serde_json::from_slice(&set.body()).unwrap();
        let names: Vec<_> = body
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["type"].as_u64()))
            .collect();
        assert_eq!(names, [("ping", Some(1)), ("ping", Some(2)), ("old", Some(1))]);
    }
}
