//! Which command a text names: all live plugins' commands by name and alias, without case.
//!
//! Pure. Built anew whenever the set of live plugins changes, read for every command. Of two commands that claim one
//! name the one of the earlier plugin is kept and the other reported; prefix and slash are separate name spaces.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use plugin_protocol::{Command, Menu, MenuTarget, PluginName};

use super::arguments::{as_code, usage};

/// All live plugins' commands.
#[derive(Clone, Debug, Default)]
pub struct CommandIndex {
    /// Shared with those whose use is decided: a command is looked at by each use, and copied by none.
    commands: Vec<(PluginName, Arc<Command>)>,
    by_prefix: HashMap<String, usize>,
    /// Those that are slash commands only, should they have no place among these.
    without_place: HashMap<String, usize>,
    by_slash: HashMap<String, usize>,
    by_menu: HashMap<(MenuTarget, String), usize>,
    most_words: usize,
    /// By the words in front of their names, all commands by prefix.
    groups: HashMap<String, Vec<usize>>,
    conflicts: Vec<Conflict>,
}

/// A command found by its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'i, 't> {
    /// Whose command it is.
    pub plugin: &'i PluginName,
    /// The command.
    pub command: &'i Arc<Command>,
    /// What follows its name in the text, without leading spaces.
    pub rest: &'t str,
}

/// A group of commands, found by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundGroup<'i> {
    /// Its words, lower case.
    pub name: &'i str,
    /// Its commands with their plugins, in the order in which they came; never empty.
    pub commands: Vec<(&'i PluginName, &'i Command)>,
}

impl FoundGroup<'_> {
    /// What there is, as an answer to whom wrote only the group's name.
    #[must_use]
    pub fn text(&self, prefix: &str) -> String {
        /// How many commands are listed, so that it fits into a message.
        const MOST: usize = 12;
        let own = usage(
            prefix,
            &Command {
                name: self.name.to_owned(),
                ..Command::default()
            },
        );
        let mut text = format!("{} needs one of its commands:", as_code(&own));
        for (_, command) in self.commands.iter().take(MOST) {
            let _ = write!(text, "\n{}", as_code(&usage(prefix, command)));
            if !command.description.is_empty() {
                let _ = write!(text, ": {}", command.description);
            }
        }
        if self.commands.len() > MOST {
            let _ = write!(text, "\nand {} more.", self.commands.len() - MOST);
        }
        text
    }
}

/// A name that two plugins claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name or alias, lower case.
    pub name: String,
    /// The plugin that has it.
    pub kept: PluginName,
    /// The plugin that does not get it.
    pub left_out: PluginName,
}

impl CommandIndex {
    /// An index of all live plugins' commands; earlier plugins go before later ones, and a plugin's names before its
    /// aliases.
    #[must_use]
    pub fn build(plugins: impl IntoIterator<Item = (PluginName, Vec<Command>)>) -> Self {
        let mut index = Self::default();
        for (plugin, commands) in plugins {
            let first = index.commands.len();
            index
                .commands
                .extend(commands.into_iter().map(|command| (plugin.clone(), Arc::new(command))));
            for at in first..index.commands.len() {
                let command = &index.commands[at].1;
                let (name, doors) = (folded(&command.name), command.doors);
                if doors.prefix {
                    index.claim_prefix(name.clone(), at);
                    for (end, _) in name.match_indices(' ') {
                        index.groups.entry(name[..end].to_owned()).or_default().push(at);
                    }
                }
                if doors.slash && !doors.prefix && !name.is_empty() {
                    index.most_words = index.most_words.max(name.split(' ').count());
                    index.without_place.entry(name.clone()).or_insert(at);
                }
                for menu in index.commands[at].1.menus.clone() {
                    let taken = *index.by_menu.entry((menu.target, menu.name.clone())).or_insert(at);
                    index.report(menu.name, taken, at);
                }
                if doors.slash {
                    let taken = *index.by_slash.entry(name.clone()).or_insert(at);
                    index.report(name, taken, at);
                }
            }
            for at in first..index.commands.len() {
                if index.commands[at].1.doors.prefix {
                    for alias in index.commands[at].1.aliases.clone() {
                        index.claim_prefix(folded(&alias), at);
                    }
                }
            }
        }
        index
    }

    fn claim_prefix(&mut self, name: String, at: usize) {
        if name.is_empty() {
            return;
        }
        self.most_words = self.most_words.max(name.split(' ').count());
        let taken = *self.by_prefix.entry(name.clone()).or_insert(at);
        self.report(name, taken, at);
    }

    fn report(&mut self, name: String, taken: usize, at: usize) {
        if taken == at {
            return;
        }
        let conflict = Conflict {
            name,
            kept: self.commands[taken].0.clone(),
            left_out: self.commands[at].0.clone(),
        };
        if !self.conflicts.contains(&conflict) {
            self.conflicts.push(conflict);
        }
    }

    /// The command that a text (without its prefix) begins with: the longest name or alias wins, so that `warn add`
    /// goes before `warn`. `None` is an unknown command: silence, not an error.
    #[must_use]
    pub fn find<'t>(&self, text: &'t str) -> Option<Found<'_, 't>> {
        self.find_beside(text, |_, _| false)
    }

    /// The same, also among slash commands of which `has_no_place` says that they are none, and so need another door.
    pub fn find_beside<'t>(
        &self,
        text: &'t str,
        has_no_place: impl Fn(&PluginName, &str) -> bool,
    ) -> Option<Found<'_, 't>> {
        let mut name = String::new();
        let mut rest = text.trim_start();
        let mut found = None;
        for _ in 0..self.most_words {
            let word = rest.split(char::is_whitespace).next().unwrap_or_default();
            if word.is_empty() {
                break;
            }
            rest = rest[word.len()..].trim_start();
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&word.to_lowercase());
            if let Some(&at) = self.by_prefix.get(&name) {
                found = Some((at, rest));
            } else if let Some(&at) = self.without_place.get(&name) {
                let (plugin, command) = &self.commands[at];
                if has_no_place(plugin, &command.name) {
                    found = Some((at, rest));
                }
            }
        }
        found.map(|(at, rest)| {
            let (plugin, command) = &self.commands[at];
            Found { plugin, command, rest }
        })
    }

    /// The group that a text names which is no command: `warn`, if there is `warn add`. The longest one wins.
    #[must_use]
    pub fn group(&self, text: &str) -> Option<FoundGroup<'_>> {
        let mut name = String::new();
        let mut found = None;
        for word in text.split_whitespace().take(self.most_words) {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&word.to_lowercase());
            match self.groups.get_key_value(&name) {
                Some((name, commands)) => found = Some((name, commands)),
                None => break,
            }
        }
        found.map(|(name, commands)| FoundGroup {
            name,
            commands: commands
                .iter()
                .map(|&at| (&self.commands[at].0, &*self.commands[at].1))
                .collect(),
        })
    }

    /// The slash command of this full name, such as `warn add`.
    #[must_use]
    pub fn slash(&self, name: &str) -> Option<(&PluginName, &Command)> {
        let (plugin, command) = &self.commands[*self.by_slash.get(name)?];
        Some((plugin, command))
    }

    /// The command of this name in a context menu.
    #[must_use]
    pub fn menu(&self, target: MenuTarget, name: &str) -> Option<(&PluginName, &Command, &Menu)> {
        let (plugin, command) = &self.commands[*self.by_menu.get(&(target, name.to_owned()))?];
        let mut menus = command.menus.iter();
        let menu = menus.find(|menu| menu.target == target && menu.name == name)?;
        Some((plugin, command, menu))
    }

    /// The command that somebody names, by whichever door: without case, with or without a slash, a menu's name, too.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<(&PluginName, &Command)> {
        let wanted = folded(name.trim().trim_start_matches('/'));
        if let Some(found) = self.find(&wanted) {
            return Some((found.plugin, found.command));
        }
        self.slash(&wanted).or_else(|| {
            let is_meant = |command: &Command| {
                let mut menus = command.menus.iter();
                folded(&command.name) == wanted || menus.any(|menu| folded(&menu.name) == wanted)
            };
            let mut all = self.commands();
            all.find(|(_, command)| !command.menus.is_empty() && is_meant(command))
        })
    }

    /// Every name that is claimed by more than one plugin, or twice by one.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// All commands with their plugins, in order.
    pub fn commands(&self) -> impl Iterator<Item = (&PluginName, &Command)> {
        self.commands.iter().map(|(plugin, command)| (plugin, &**command))
    }
}

/// A name as it is looked up: lower case, one space between words.
fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word.to_lowercase());
    }
    folded
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Doors;

    use super::*;

    fn command(name: &str, aliases: &[&str]) -> Command {
        Command {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            doors: Doors {
                prefix: true,
                slash: true,
            },
            ..Command::default()
        }
    }

    fn plugin(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    fn names<'a>(index: &'a CommandIndex, text: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let found = index.find(text)?;
        Some((found.plugin.as_str(), found.command.name.as_str(), found.rest))
    }

    #[test]
    fn the_longest_name_wins_without_case() {
        let index = CommandIndex::build([(
            plugin("a"),
            vec![
                command("warn", &["W"]),
                command("warn add", &["wa"]),
                command("größe", &[]),
            ],
        )]);
        let cases = [
            ("warn bob", Some(("a", "warn", "bob"))),
            ("WARN   Add  bob x", Some(("a", "warn add", "bob x"))),
            ("warn\nadd\nbob", Some(("a", "warn add", "bob"))),
            ("warn added", Some(("a", "warn", "added"))),
            ("w add", Some(("a", "warn", "add"))),
            ("wa bob", Some(("a", "warn add", "bob"))),
            ("GRÖSSE", None),
            ("GRÖßE", Some(("a", "größe", ""))),
            ("warned", None),
            ("add", None),
            ("", None),
            ("   ", None),
        ];
        for (text, expected) in cases {
            assert_eq!(names(&index, text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_group_is_found_by_its_words_and_lists_what_it_has() {
        let mut add = command("warn add", &[]);
        add.description = "Warn a member.".to_owned();
        add.arguments = vec![plugin_protocol::Argument {
            name: "member".to_owned(),
            required: true,
            ..plugin_protocol::Argument::default()
        }];
        let mut hidden = command("warn export", &[]);
        hidden.doors.prefix = false;
        let index = CommandIndex::build([
            (plugin("a"), vec![add, hidden, command("config role add", &[])]),
            (
                plugin("b"),
                vec![command("warn list", &[]), command("config show", &[])],
            ),
        ]);
        let listed = |text: &str| {
            let group = index.group(text)?;
            let names: Vec<_> = group.commands.iter().map(|(_, command)| command.name.clone()).collect();
            Some((group.name.to_owned(), names.join(", ")))
        };
        let is = |name: &str, commands: &str| Some((name.to_owned(), commands.to_owned()));
        assert_eq!(listed("WARN"), is("warn", "warn add, warn list"));
        assert_eq!(listed("warn  everybody now"), is("warn", "warn add, warn list"));
        assert_eq!(listed("config"), is("config", "config role add, config show"));
        assert_eq!(listed("config Role x"), is("config role", "config role add"));
        assert_eq!((listed("warning"), listed(""), listed("role")), (None, None, None));
        insta::assert_snapshot!(index.group("warn").unwrap().text("!"), @r"
        `!warn` needs one of its commands:
        `!warn add <member>`: Warn a member.
        `!warn list`
        ");
    }

    #[test]
    fn of_two_plugins_with_one_name_the_first_wins_and_the_other_is_reported() {
        let index = CommandIndex::build([
            (plugin("a"), vec![command("ban", &["b"])]),
            (
                plugin("b"),
                vec![command("ban", &[]), command("b", &[]), command("c", &["ban"])],
            ),
        ]);
        assert_eq!(names(&index, "ban"), Some(("a", "ban", "")));
        assert_eq!(names(&index, "b"), Some(("a", "ban", "")));
        assert_eq!(names(&index, "c"), Some(("b", "c", "")));
        assert_eq!(
            index.slash("b").unwrap().0.as_str(),
            "b",
            "aliases are no slash commands"
        );
        let left_out: Vec<_> = index
            .conflicts()
            .iter()
            .map(|conflict| conflict.name.as_str())
            .collect();
        assert_eq!(left_out, ["ban", "b"]);
        assert!(index.conflicts().iter().all(|conflict| conflict.kept.as_str() == "a"));
    }

    #[test]
    fn doors_are_separate() {
        let mut only_slash = command("ping", &["p"]);
        only_slash.doors.prefix = false;
        let mut only_prefix = command("ping", &[]);
        only_prefix.doors.slash = false;
        let index = CommandIndex::build([(plugin("a"), vec![only_slash]), (plugin("b"), vec![only_prefix])]);
        assert_eq!(names(&index, "ping"), Some(("b", "ping", "")));
        assert_eq!(names(&index, "p"), None);
        assert_eq!(index.slash("ping").unwrap().0.as_str(), "a");
        assert_eq!(index.conflicts(), []);
    }
}
