//! Which slash commands are registered, and as what: from all plugins' commands to the set that Discord gets.
//!
//! Pure, and careful: one command that Discord refuses would take the whole set with it, so what it would refuse is
//! left out here, with the reason. Limits:
//! <https://discord.com/developers/docs/interactions/application-commands#application-command-object>.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use plugin_protocol::{Command, Group, PluginName};

use super::{
    command::{
        LONGEST_CHOICE, LONGEST_DESCRIPTION, LONGEST_NAME, MOST_CHARACTERS, MOST_OPTIONS, SlashCommand, SlashOption,
        Texts, description, is_holder, is_name, kinds, options,
    },
    gate::{Gate, check_localizations},
    menu::{MOST_MENU_COMMANDS, MenuCommand, Places, plan_menus},
    names::Names,
};

/// Discord's limit of commands that are typed, in all servers together.
pub const MOST_COMMANDS: usize = 100;

/// How many commands are registered: the owner's `slash_limiter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Never more than this.
    pub max: usize,
    /// From here on the owner is warned.
    pub warning: usize,
    /// From here on further commands are reachable by prefix only.
    pub safe: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max: MOST_COMMANDS,
            warning: 90,
            safe: 95,
        }
    }
}

/// What has a place already: a set that was planned once is not shaken up by every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The names (their first words; of menus, their keys) that are registered for all servers: these keep their places.
    pub names: BTreeSet<String>,
    /// How many places others take: commands that no running plugin offers, or that somebody else registered.
    pub taken: usize,
    /// The same for home servers.
    pub taken_at_home: usize,
    /// How many places others take in menus, of people and of messages.
    pub taken_menus: Places,
    /// The same for home servers.
    pub taken_menus_at_home: Places,
    /// Plugins all of whose commands belong into a server's own set.
    pub limited: BTreeSet<PluginName>,
}

/// What is registered, and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The commands, by name, as Discord gets them for all servers.
    pub commands: Vec<SlashCommand>,
    /// The owners' commands, by name, as Discord gets them for home servers only.
    pub owners: Vec<SlashCommand>,
    /// The commands of context menus, for all servers.
    pub menus: Vec<MenuCommand>,
    /// Those of the owners, for home servers only.
    pub owners_menus: Vec<MenuCommand>,
    /// Slash commands that are not registered.
    pub left_out: Vec<LeftOut>,
    /// Whether there are so many that the owner is warned.
    pub is_nearly_full: bool,
}

/// A slash command that is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose command.
    pub plugin: PluginName,
    /// The command's name.
    pub command: String,
    /// Its name in a context menu, if it is that which is not registered.
    pub menu: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// Why a slash command is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no room: it can be used by prefix only.
    Full,
    /// The name (or a word of it) is not one.
    BadName(String),
    /// More words than command, group and subcommand.
    TooDeep,
    /// Another command has the name, or uses it as a group's.
    NameTaken {
        /// The plugin whose command has it.
        by: PluginName,
    },
    /// The owners' command is in a group of commands that are everybody's.
    MixedGroup {
        /// The plugin whose commands are everybody's.
        by: PluginName,
    },
    /// The command or group has 25 subcommands already.
    TooManySubcommands,
    /// More than 25 arguments.
    TooManyArguments,
    /// An argument's name is not one, or comes twice.
    BadArgumentName(String),
    /// An argument is of a kind that this host doesn't know.
    UnknownKind(String),
    /// No number or text keeps an argument's limits.
    BadRange(String),
    /// An argument has more choices than Discord takes, or one that is none.
    BadChoices(String),
    /// A name or description in another language is none.
    BadLocalization(String),
    /// Discord has no such permission.
    UnknownPermission,
    /// With it, the command would have more than 8,000 characters.
    TooLarge,
    /// There is no room in the menu.
    MenusFull,
    /// Another command has that name in the menu.
    MenuTaken {
        /// The plugin whose command has it.
        by: PluginName,
    },
    /// The name in a menu is not one.
    BadMenuName(String),
    /// What the menu belongs to can be no argument of the command: it wants one that is required, of this kind.
    NoMenuArgument(&'static str),
    /// A menu that this host doesn't know.
    UnknownMenu,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("there is no room for more slash commands: prefix only"),
            Self::BadName(name) => write!(
                f,
                "`{name}` is no slash command's name: 1 to {LONGEST_NAME} lower-case letters, digits, - _ '"
            ),
            Self::TooDeep => f.write_str("a slash command's name has at most three words"),
            Self::NameTaken { by } => write!(f, "plugin {by} has a slash command of that name"),
            Self::MixedGroup { by } => write!(
                f,
                "its group has commands of plugin {by} that are not for owners only: give the owners' commands a group of \
                 their own, or make all of them `owner_only`"
            ),
            Self::TooManySubcommands => write!(f, "its group has {MOST_OPTIONS} subcommands already"),
            Self::TooManyArguments => write!(f, "a slash command has at most {MOST_OPTIONS} arguments"),
            Self::BadArgumentName(name) => write!(
                f,
                "`{name}` is no argument's name or comes twice: 1 to {LONGEST_NAME} lower-case letters, digits, - _ '"
            ),
            Self::UnknownKind(name) => {
                write!(
                    f,
                    "argument `{name}` is of a kind that this host doesn't know: update the host"
                )
            }
            Self::BadRange(name) => write!(f, "nothing keeps the limits of argument `{name}`"),
            Self::BadChoices(name) => write!(
                f,
                "argument `{name}` has at most {MOST_OPTIONS} choices, each with a name of its own, of 1 to {LONGEST_CHOICE} characters"
            ),
            Self::BadLocalization(locale) => write!(
                f,
                "the name or description in `{locale}` is not one: 1 to {LONGEST_NAME} lower-case letters, digits, - _ ' \
                 and 1 to {LONGEST_DESCRIPTION} characters, by Discord's codes of languages"
            ),
            Self::UnknownPermission => f.write_str("it requires a permission that Discord doesn't have"),
            Self::TooLarge => write!(
                f,
                "the names and descriptions of the command would have more than {MOST_CHARACTERS} characters"
            ),
            Self::MenusFull => write!(
                f,
                "there is no room for more than {MOST_MENU_COMMANDS} commands in that menu"
            ),
            Self::MenuTaken { by } => write!(f, "plugin {by} has that name in that menu"),
            Self::BadMenuName(name) => write!(
                f,
                "`{name}` is no name in a menu: one line of 1 to {LONGEST_NAME} characters, without spaces around it"
            ),
            Self::NoMenuArgument(wants) => write!(
                f,
                "the only argument that it requires must be what its menu is used on: {wants}"
            ),
            Self::UnknownMenu => f.write_str("it is in a menu that this host doesn't know: update the host"),
        }
    }
}

/// What plugins offer: each one's commands and what its groups are for, in the order in which they came.
type Offer<'a> = (&'a PluginName, &'a [Command], &'a [Group]);

/// Plans the sets where nothing is registered yet; see [`plan_beside`].
#[must_use]
pub fn plan<'a>(plugins: impl IntoIterator<Item = Offer<'a>>, limits: Limits) -> Plan {
    plan_beside(plugins, &Held::default(), limits)
}

/// Plans the global set and that of home servers, which has the owners' commands. Of two commands with one name the
/// earlier plugin's is registered, whatever their priorities. What has a place keeps it, up to the most there may be; places that are free go to
/// those of higher priority first, up to the safe number.
///
/// A group is either the owners' or everybody's: its commands would else be spread over two sets, and Discord would show
/// the group twice in home servers. Everybody's part is registered then.
#[must_use]
pub fn plan_beside<'a>(plugins: impl IntoIterator<Item = Offer<'a>>, held: &Held, limits: Limits) -> Plan {
    let plugins: Vec<_> = plugins.into_iter().collect();
    let names = Names::of(plugins.iter().map(|(plugin, commands, _)| (*plugin, *commands)));
    plan_named(&plugins, &names, held, limits)
}

/// The same where others than these plugins have names, too.
pub(super) fn plan_named(plugins: &[Offer<'_>], names: &Names, held: &Held, limits: Limits) -> Plan {
    let groups = Groups::of(plugins);
    let (max, safe) = (
        limits.max.min(MOST_COMMANDS),
        limits.safe.min(limits.max).min(MOST_COMMANDS),
    );
    let mut offered: Vec<_> = plugins
        .iter()
        .flat_map(|(plugin, commands, _)| commands.iter().map(move |command| (*plugin, command)))
        .filter(|(_, command)| command.doors.slash)
        .collect();
    let mut left_out = Vec::new();
    // However important another's is: who types the name gets the earliest plugin's.
    offered.retain(|(plugin, command)| {
        let Some(by) = names.other(plugin, command) else {
            return true;
        };
        left_out.push(LeftOut {
            plugin: (*plugin).clone(),
            command: command.name.clone(),
            menu: None,
            reason: Reason::NameTaken { by: by.clone() },
        });
        false
    });
    // A group has the priority of its most important command.
    let mut priorities = HashMap::<&str, i32>::new();
    for (_, command) in &offered {
        let priority = priorities.entry(first_word(command)).or_insert(i32::MIN);
        *priority = (*priority).max(command.slash_priority);
    }
    let is_held = |command: &Command| held.names.contains(first_word(command));
    // A stable sort: among equals the earlier plugin goes first. The owners' come last, when everybody's groups are known.
    offered.sort_by_key(|(_, command)| {
        let priority = priorities.get(first_word(command)).copied().unwrap_or_default();
        (!is_held(command), Reverse(priority))
    });
    let is_single = |plugin: &PluginName, command: &Command| command.owner_only || held.limited.contains(plugin);
    offered.sort_by_key(|(plugin, command)| is_single(plugin, command));
    let (mut commands, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for (plugin, command) in offered {
        let placed = if is_single(plugin, command) {
            let most = MOST_COMMANDS.saturating_sub(held.taken_at_home);
            mixes(&commands, command).and_then(|()| place(&mut owners, plugin, command, &groups, most))
        } else {
            let most = if is_held(command) { max } else { safe };
            place(&mut commands, plugin, command, &groups, most.saturating_sub(held.taken))
        };
        if let Err(reason) = placed {
            left_out.push(LeftOut {
                plugin: plugin.clone(),
                command: command.name.clone(),
                menu: None,
                reason,
            });
        }
    }
    let of_menus = |owner_only: bool| {
        let all = plugins
            .iter()
            .flat_map(|(plugin, commands, _)| commands.iter().map(move |command| (*plugin, command)));
        all.filter(move |(plugin, command)| is_single(plugin, command) == owner_only)
    };
    let menus = plan_menus(of_menus(false), (names, &held.names), held.taken_menus, &mut left_out);
    let owners_menus = plan_menus(
        of_menus(true),
        (names, &held.names),
        held.taken_menus_at_home,
        &mut left_out,
    );
    let owners = owners.into_values().map(SlashCommand::of_guilds);
    Plan {
        is_nearly_full: commands.len() + held.taken >= limits.warning,
        commands: commands.into_values().collect(),
        owners: owners.collect(),
        menus,
        owners_menus: owners_menus.into_iter().map(MenuCommand::of_guilds).collect(),
        left_out,
    }
}

/// The word that takes a place: the command's name, or its group's.
#[must_use]
pub fn first_word(command: &Command) -> &str {
    command.name.split(' ').next().unwrap_or_default()
}

/// Refuses an owners' command whose name, or group, is everybody's.
fn mixes(everybodys: &BTreeMap<String, SlashCommand>, command: &Command) -> Result<(), Reason> {
    match everybodys.get(first_word(command)) {
        None => Ok(()),
        Some(there)
            if command.owner_only
                && command.name.contains(' ')
                && there.options.iter().any(|option| is_holder(option.kind)) =>
        {
            Err(Reason::MixedGroup {
                by: there.plugin.clone(),
            })
        }
        Some(there) => Err(Reason::NameTaken {
            by: there.plugin.clone(),
        }),
    }
}

/// Whether Discord would take all of one plugin's slash commands, were there no others; asked when it is probed.
///
/// # Errors
///
/// The first command that it would refuse, and why. A kind of argument that this host doesn't know is no reason: without
/// its slash command, such a plugin still serves.
pub fn check(plugin: &PluginName, commands: &[Command]) -> Result<(), LeftOut> {
    let limits = Limits {
        max: usize::MAX,
        warning: usize::MAX,
        safe: usize::MAX,
    };
    let plan = plan([(plugin, commands, &[][..])], limits);
    let is_fault = |left_out: &LeftOut| {
        let reason = &left_out.reason;
        !matches!(
            reason,
            Reason::Full | Reason::UnknownKind(_) | Reason::MenusFull | Reason::UnknownMenu
        )
    };
    plan.left_out.into_iter().find(is_fault).map_or(Ok(()), Err)
}

/// Puts a command into the set.
fn place(
    commands: &mut BTreeMap<String, SlashCommand>,
    plugin: &PluginName,
    command: &Command,
    groups: &Groups<'_>,
    most: usize,
) -> Result<(), Reason> {
    let words: Vec<_> = command.name.split(' ').collect();
    if let Some(bad) = words.iter().find(|word| !is_name(word)) {
        return Err(Reason::BadName((*bad).to_owned()));
    }
    let gate = Gate::of(command)?;
    check_localizations(&command.name_localizations, &command.description_localizations)?;
    let arguments = options(&command.arguments)?;
    let described = description(&command.description, &command.name);
    let (names, descriptions) = (&command.name_localizations, &command.description_localizations);
    let (first, below) = (words[0], &words[1..]);
    let subcommand = |name: &str, arguments| SlashOption {
        name_localizations: names.clone(),
        description: described.clone(),
        description_localizations: descriptions.clone(),
        ..SlashOption::holder(kinds::SUBCOMMAND, name, arguments)
    };
    let ((top_description, top_names, top_descriptions), top_options) = match below {
        [] => ((described.clone(), names.clone(), descriptions.clone()), arguments),
        [sub] => (groups.texts(first, first)?, vec![subcommand(sub, arguments)]),
        [group, sub] => {
            let (described, names, descriptions) = groups.texts(&format!("{first} {group}"), group)?;
            let group = SlashOption {
                description: described,
                name_localizations: names,
                description_localizations: descriptions,
                ..SlashOption::holder(kinds::GROUP, group, vec![subcommand(sub, arguments)])
            };
            (groups.texts(first, first)?, vec![group])
        }
        _ => return Err(Reason::TooDeep),
    };
    let Some(existing) = commands.get_mut(first) else {
        let new = SlashCommand {
            name: first.to_owned(),
            kind: 1,
            name_localizations: top_names,
            description: top_description,
            description_localizations: top_descriptions,
            gate,
            options: top_options,
            plugin: plugin.clone(),
            plugins: [plugin.clone()].into(),
        };
        if new.characters() > MOST_CHARACTERS {
            return Err(Reason::TooLarge);
        }
        if commands.len() >= most {
            return Err(Reason::Full);
        }
        commands.insert(new.name.clone(), new);
        return Ok(());
    };
    let by = existing.plugin.clone();
    if below.is_empty() || !existing.options.iter().any(|option| is_holder(option.kind)) {
        return Err(Reason::NameTaken { by });
    }
    let mut grown = existing.options.clone();
    for option in top_options {
        join(&mut grown, option, &by)?;
    }
    let larger = SlashCommand {
        gate: existing.gate.clone().join(&gate),
        options: grown,
        ..existing.clone()
    };
    if larger.characters() > MOST_CHARACTERS {
        return Err(Reason::TooLarge);
    }
    *existing = larger;
    existing.plugins.insert(plugin.clone());
    Ok(())
}

/// Puts a subcommand or a group with one subcommand among others, in the order of their names.
fn join(options: &mut Vec<SlashOption>, new: SlashOption, by: &PluginName) -> Result<(), Reason> {
    match options.binary_search_by(|option| option.name.cmp(&new.name)) {
        Err(_) if options.len() >= MOST_OPTIONS => Err(Reason::TooManySubcommands),
        Err(at) => {
            options.insert(at, new);
            Ok(())
        }
        Ok(at) if options[at].kind == kinds::GROUP && new.kind == kinds::GROUP => {
            for option in new.options {
                join(&mut options[at].options, option, by)?;
            }
            Ok(())
        }
        Ok(_) => Err(Reason::NameTaken { by: by.clone() }),
    }
}

/// What is said of groups, by their words. Of several plugins that describe one, the first by name does, so that the order
/// in which they were loaded changes nothing.
struct Groups<'a>(BTreeMap<&'a str, (&'a PluginName, &'a Group)>);

impl<'a> Groups<'a> {
    fn of(plugins: &[(&'a PluginName, &'a [Command], &'a [Group])]) -> Self {
        let mut all = BTreeMap::<_, (&PluginName, &Group)>::new();
        for (plugin, _, groups) in plugins {
            for group in *groups {
                let described = all.entry(&*group.name).or_insert((plugin, group));
                if plugin.as_str() < described.0.as_str() {
                    *described = (plugin, group);
                }
            }
        }
        Self(all)
    }

    /// A group's description, and its name and description in other languages.
    fn texts(&self, words: &str, name: &str) -> Result<(String, Texts, Texts), Reason> {
        let otherwise = || format!("The commands of {name}");
        let Some((_, group)) = self.0.get(words) else {
            return Ok((otherwise(), Texts::new(), Texts::new()));
        };
        let (names, descriptions) = (&group.name_localizations, &group.description_localizations);
        check_localizations(names, descriptions)?;
        let text = match group.description.trim() {
            "" => otherwise(),
            text => description(text, name),
        };
        Ok((text, names.clone(), descriptions.clone()))
    }
}

#[cfg(test)]
mod tests;
