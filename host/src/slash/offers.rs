//! What plugins offer where: in all servers, or in those to which the bot's owner has limited a plugin; and how important
//! each command is to the owner.
//!
//! Pure. What becomes of it is the plan's to decide, which is asked once for all servers and once for each that has
//! commands of its own.

use std::collections::{BTreeMap, BTreeSet};

use plugin_protocol::{Command, Contexts, Description, Group, GuildId, PluginName};

use super::{
    names::Names,
    plan::{Held, LeftOut, Limits, Plan, first_word, plan_named},
};

/// What the bot's owner has set about slash commands in config.json.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// Plugins that serve in these servers only.
    pub only_in: &'a BTreeMap<PluginName, BTreeSet<GuildId>>,
    /// Priorities by command or plugin, in place of the author's.
    pub priorities: &'a BTreeMap<String, i32>,
}

/// A plugin's commands and what its groups are for.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The plugin.
    pub plugin: PluginName,
    /// Its commands, as important as the owner wants them to be.
    pub commands: Vec<Command>,
    /// What its groups are for.
    pub groups: Vec<Group>,
    /// The servers that it serves in, if not in all.
    pub only_in: Option<BTreeSet<GuildId>>,
}

impl Wishes<'_> {
    /// What all plugins offer, in their order.
    #[must_use]
    pub fn apply<'d>(&self, offers: impl IntoIterator<Item = (&'d PluginName, &'d Description)>) -> Vec<Offered> {
        let offered = |(plugin, description): (&PluginName, &Description)| {
            let mut commands = description.commands.clone();
            for command in &mut commands {
                command.slash_priority = self.priority(plugin, command);
            }
            Offered {
                plugin: plugin.clone(),
                commands,
                groups: description.groups.clone(),
                only_in: self.only_in.get(plugin).cloned(),
            }
        };
        offers.into_iter().map(offered).collect()
    }

    /// The owner's for the command, for its group, for its plugin; else its author's.
    fn priority(&self, plugin: &PluginName, command: &Command) -> i32 {
        let own = |name: &str| self.priorities.get(name).copied();
        own(&command.name.to_lowercase())
            .or_else(|| own(&first_word(command).to_lowercase()))
            .or_else(|| own(plugin.as_str()))
            .unwrap_or(command.slash_priority)
    }
}

impl Offered {
    /// The plugin, its commands, and what its groups are for, as the plan wants them.
    fn parts(&self) -> (&PluginName, &[Command], &[Group]) {
        (&self.plugin, &self.commands, &self.groups)
    }

    /// Whether a command of it belongs into the set of one server, or with `None` into that of all.
    #[must_use]
    pub fn belongs(&self, command: &Command, guild: Option<GuildId>, is_home: bool) -> bool {
        let serves = |guild| self.only_in.as_ref().is_none_or(|guilds| guilds.contains(&guild));
        let is_everywhere = self.only_in.is_none() && !command.owner_only;
        match guild {
            None => is_everywhere,
            Some(guild) if command.owner_only => is_home && serves(guild),
            Some(guild) => !is_everywhere && serves(guild) && command.contexts != Contexts::DirectMessages,
        }
    }
}

/// Plans the set of all servers, and, in [`Plan::owners`], what a home would have.
#[must_use]
pub fn everywhere(offers: &[Offered], held: &Held, limits: Limits) -> Plan {
    let here = offers.iter().filter(|offered| offered.only_in.is_none());
    let here: Vec<_> = here.map(Offered::parts).collect();
    plan_named(&here, &names(offers), held, limits)
}

/// Whose names are, in whichever servers they serve: what is used by a name goes to one command everywhere.
fn names(offers: &[Offered]) -> Names {
    Names::of(offers.iter().map(|offered| (&offered.plugin, &*offered.commands)))
}

/// Plans a server's own set, [`Plan::owners`], with the menus in it: the owners' commands if it is a home, and those of the
/// plugins that serve there only. What everybody has is planned along, since names that it has are taken.
#[must_use]
pub fn at_home(offers: &[Offered], (guild, is_home): (GuildId, bool), held: &Held, limits: Limits) -> Plan {
    let mut here = offers.to_vec();
    for offered in &mut here {
        let plugin = Offered {
            commands: Vec::new(),
            ..offered.clone()
        };
        let is_here =
            |command: &Command| plugin.belongs(command, None, false) || plugin.belongs(command, Some(guild), is_home);
        offered.commands.retain(is_here);
    }
    let limited = here.iter().filter(|offered| offered.only_in.is_some());
    let held = Held {
        limited: limited.map(|offered| offered.plugin.clone()).collect(),
        ..held.clone()
    };
    let parts: Vec<_> = here.iter().map(Offered::parts).collect();
    let mut plan = plan_named(&parts, &names(offers), &held, limits);
    let is_own = |left_out: &LeftOut| {
        let of = here.iter().find(|offered| offered.plugin == left_out.plugin);
        of.is_some_and(|offered| {
            let mut commands = offered.commands.iter();
            let own = commands.find(|command| command.name == left_out.command);
            own.is_some_and(|command| offered.belongs(command, Some(guild), is_home))
        })
    };
    plan.left_out.retain(is_own);
    plan
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Doors;

    use super::*;

    fn offered(only_in: &[u64], priorities: &[(&str, i32)]) -> Offered {
        let plugin: PluginName = "levels".parse().unwrap();
        let command = |name: &str, owner_only, contexts| Command {
            name: name.to_owned(),
            slash_priority: 5,
            doors: Doors {
                prefix: true,
                slash: true,
            },
            owner_only,
            contexts,
            ..Command::default()
        };
        let description = Description {
            commands: vec![
                command("rank", false, Contexts::Everywhere),
                command("rank-admin reset", true, Contexts::Everywhere),
                command("rank-dm", false, Contexts::DirectMessages),
            ],
            ..Description::default()
        };
        let only_in = match only_in {
            [] => BTreeMap::new(),
            ids => [(plugin.clone(), ids.iter().filter_map(|id| GuildId::new(*id)).collect())].into(),
        };
        let priorities = priorities
            .iter()
            .map(|(name, number)| ((*name).to_owned(), *number))
            .collect();
        let wishes = Wishes {
            only_in: &only_in,
            priorities: &priorities,
        };
        wishes.apply([(&plugin, &description)]).remove(0)
    }

    #[test]
    fn the_owners_number_for_a_command_goes_before_that_for_its_group_and_its_plugin() {
        let numbers = |priorities: &[(&str, i32)]| -> Vec<_> {
            let offered = offered(&[], priorities);
            offered.commands.iter().map(|command| command.slash_priority).collect()
        };
        assert_eq!(numbers(&[]), [5, 5, 5]);
        assert_eq!(numbers(&[("levels", -1), ("rank", 7)]), [7, -1, -1]);
        assert_eq!(numbers(&[("rank-admin", 2), ("rank-admin reset", 3)]), [5, 3, 5]);
    }

    #[test]
    fn each_command_belongs_where_its_plugin_serves_and_owners_commands_at_home() {
        let places = |only_in: &[u64]| -> Vec<_> {
            let offered = offered(only_in, &[]);
            let scopes = [(None, false), (GuildId::new(1), true), (GuildId::new(2), false)];
            let belongs = |command: &Command| scopes.map(|(guild, is_home)| offered.belongs(command, guild, is_home));
            offered.commands.iter().map(belongs).collect()
        };
        let everywhere = [[true, false, false], [false, true, false], [true, false, false]];
        assert_eq!(places(&[]), everywhere);
        assert_eq!(places(&[1]), [[false, true, false], [false, true, false], [false; 3]]);
        assert_eq!(places(&[2]), [[false, false, true], [false; 3], [false; 3]]);
    }
}
