//! Whose each name among slash commands and in menus is: the earliest plugin's that claims it, as the router finds it.
//!
//! Pure. Apart from the plan, which is made of one set at a time: a name is somebody's in all of them.

use std::collections::HashMap;

use plugin_protocol::{Command, PluginName};

/// Names, by Discord's kind of command, with the plugins that have them and their commands' names.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<(u8, String), (PluginName, String)>);

impl Names {
    /// The names of all plugins' commands, in the plugins' order.
    #[must_use]
    pub fn of<'a>(plugins: impl IntoIterator<Item = (&'a PluginName, &'a [Command])>) -> Self {
        let mut names = Self::default();
        for (plugin, commands) in plugins {
            for command in commands {
                let mut claim = |kind, name| {
                    let whose = || (plugin.clone(), command.name.clone());
                    names.0.entry((kind, name)).or_insert_with(whose);
                };
                if command.doors.slash {
                    claim(1, folded(&command.name));
                }
                for menu in &command.menus {
                    if let Some(kind) = menu.target.number() {
                        claim(kind, menu.name.clone());
                    }
                }
            }
        }
        names
    }

    /// Who else has the name of a command that is typed.
    pub(super) fn other(&self, plugin: &PluginName, command: &Command) -> Option<&PluginName> {
        self.other_of((1, folded(&command.name)), plugin, command)
    }

    /// Who else has this name of a command in a menu.
    pub(super) fn other_in_menu(
        &self,
        (kind, name): (u8, &str),
        plugin: &PluginName,
        command: &Command,
    ) -> Option<&PluginName> {
        self.other_of((kind, name.to_owned()), plugin, command)
    }

    fn other_of(&self, name: (u8, String), plugin: &PluginName, command: &Command) -> Option<&PluginName> {
        let (by, its) = self.0.get(&name)?;
        (by != plugin || *its != command.name).then_some(by)
    }
}

/// As the router looks it up: without case, with one space between words.
fn folded(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
