//! Which slash commands are registered, and as what: from all plugins' commands to the set that Discord gets.
//!
//! Pure, and careful: one command that Discord refuses would take the whole set with it, so what it would refuse is
//! left out here, with the reason. Limits:
//! <https://discord.com/developers/docs/interactions/application-commands#application-command-object>.

use std::{collections::BTreeMap, fmt};

use plugin_protocol::{Argument, ArgumentKind, Command, Group, PluginName};
use serde::Serialize;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::commands::arguments::GREATEST_NUMBER;

/// Discord's limit of commands that are typed, in all servers together.
pub const MOST_COMMANDS: usize = 100;
/// Discord's limit of options of a command, and of subcommands of a command or group.
pub const MOST_OPTIONS: usize = 25;
/// Discord's limit of the characters of a command's names, descriptions and values together.
pub const MOST_CHARACTERS: usize = 8000;
/// Discord's limit of the characters of a name.
pub const LONGEST_NAME: usize = 32;
/// Discord's limit of the characters of a description.
pub const LONGEST_DESCRIPTION: usize = 100;

/// Discord's limit of the characters of a choice's name and of its value.
pub const LONGEST_CHOICE: usize = 100;
/// Discord's limit of the characters of a text that is given.
pub const LONGEST_TEXT: u16 = 6000;

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

/// What is registered, and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The commands, by name, as Discord gets them for all servers.
    pub commands: Vec<SlashCommand>,
    /// The owners' commands, by name, as Discord gets them for home servers only.
    pub owners: Vec<SlashCommand>,
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
    /// With it, the command would have more than 8,000 characters.
    TooLarge,
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
            Self::TooLarge => write!(
                f,
                "the names and descriptions of the command would have more than {MOST_CHARACTERS} characters"
            ),
        }
    }
}

/// A command as Discord registers it. Field order is fixed: equal commands have equal JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlashCommand {
    /// The first word of the name.
    pub name: String,
    /// Discord's number of commands that are typed: 1.
    #[serde(rename = "type")]
    kind: u8,
    description: String,
    /// Who is shown it unless a server's administrators say otherwise: `"0"` for administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_member_permissions: Option<&'static str>,
    options: Vec<SlashOption>,
    /// Whose it is: the plugin that had it first.
    #[serde(skip)]
    plugin: PluginName,
}

/// A subcommand, a group of them, or an argument.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct SlashOption {
    name: String,
    #[serde(rename = "type")]
    kind: u8,
    description: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_value: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_value: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channel_types: Vec<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<SlashChoice>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    autocomplete: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<SlashOption>,
}

/// Something that a text may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct SlashChoice {
    name: String,
    value: String,
}

/// Discord's numbers of option types.
mod kinds {
    pub(super) const SUBCOMMAND: u8 = 1;
    pub(super) const GROUP: u8 = 2;
    pub(super) const STRING: u8 = 3;
    pub(super) const INTEGER: u8 = 4;
    pub(super) const BOOLEAN: u8 = 5;
    pub(super) const USER: u8 = 6;
    pub(super) const CHANNEL: u8 = 7;
    pub(super) const ROLE: u8 = 8;
    pub(super) const MENTIONABLE: u8 = 9;
    pub(super) const NUMBER: u8 = 10;
    pub(super) const ATTACHMENT: u8 = 11;
}

/// Plans the global set and that of home servers, which has the owners' commands: of two commands with one name the
/// earlier plugin's is registered, and when there is no room, the earlier ones are.
#[must_use]
pub fn plan<'a>(
    plugins: impl IntoIterator<Item = (&'a PluginName, &'a [Command], &'a [Group])>,
    limits: Limits,
) -> Plan {
    let plugins: Vec<_> = plugins.into_iter().collect();
    let groups = Groups::of(&plugins);
    let most = limits.safe.min(limits.max).min(MOST_COMMANDS);
    let (mut commands, mut owners) = (BTreeMap::new(), BTreeMap::new());
    let mut left_out = Vec::new();
    for (plugin, theirs, _) in plugins {
        for command in theirs.iter().filter(|command| command.doors.slash) {
            let placed = if command.owner_only {
                place(&mut owners, plugin, command, &groups, MOST_COMMANDS)
            } else {
                place(&mut commands, plugin, command, &groups, most)
            };
            if let Err(reason) = placed {
                left_out.push(LeftOut {
                    plugin: plugin.clone(),
                    command: command.name.clone(),
                    reason,
                });
            }
        }
    }
    Plan {
        is_nearly_full: commands.len() >= limits.warning,
        commands: commands.into_values().collect(),
        owners: owners.into_values().collect(),
        left_out,
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
    let is_fault = |left_out: &LeftOut| !matches!(left_out.reason, Reason::Full | Reason::UnknownKind(_));
    plan.left_out.into_iter().find(is_fault).map_or(Ok(()), Err)
}

/// The body of the bulk overwrite of a set. The same set gives the same bytes, whatever order plugins were loaded in.
#[must_use]
pub fn overwrite(commands: &[SlashCommand]) -> Vec<u8> {
    json(&commands)
}

impl SlashCommand {
    /// The command as Discord gets it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }

    fn characters(&self) -> usize {
        characters(&self.name, &self.description) + self.options.iter().map(SlashOption::characters).sum::<usize>()
    }
}

impl SlashOption {
    fn holder(kind: u8, name: &str, options: Vec<Self>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            description: String::new(),
            required: false,
            min_value: None,
            max_value: None,
            min_length: None,
            max_length: None,
            channel_types: Vec::new(),
            choices: Vec::new(),
            autocomplete: false,
            options,
        }
    }

    fn characters(&self) -> usize {
        let choices = self
            .choices
            .iter()
            .map(|choice| characters(&choice.name, &choice.value));
        let options = self.options.iter().map(Self::characters);
        characters(&self.name, &self.description) + choices.sum::<usize>() + options.sum::<usize>()
    }
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
    let arguments = options(&command.arguments)?;
    let described = description(&command.description, &command.name);
    let (first, below) = (words[0], &words[1..]);
    let subcommand = |name: &str, arguments| SlashOption {
        description: described.clone(),
        ..SlashOption::holder(kinds::SUBCOMMAND, name, arguments)
    };
    let (top_description, top_options) = match below {
        [] => (described.clone(), arguments),
        [sub] => (groups.description(first, first), vec![subcommand(sub, arguments)]),
        [group, sub] => {
            let group = SlashOption {
                description: groups.description(&format!("{first} {group}"), group),
                ..SlashOption::holder(kinds::GROUP, group, vec![subcommand(sub, arguments)])
            };
            (groups.description(first, first), vec![group])
        }
        _ => return Err(Reason::TooDeep),
    };
    let Some(existing) = commands.get_mut(first) else {
        let new = SlashCommand {
            name: first.to_owned(),
            kind: 1,
            description: top_description,
            default_member_permissions: command.owner_only.then_some("0"),
            options: top_options,
            plugin: plugin.clone(),
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
        options: grown,
        ..existing.clone()
    };
    if larger.characters() > MOST_CHARACTERS {
        return Err(Reason::TooLarge);
    }
    *existing = larger;
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

/// The arguments as options, required ones first, as Discord wants it.
fn options(arguments: &[Argument]) -> Result<Vec<SlashOption>, Reason> {
    if arguments.len() > MOST_OPTIONS {
        return Err(Reason::TooManyArguments);
    }
    let mut options = Vec::with_capacity(arguments.len());
    for (at, argument) in arguments.iter().enumerate() {
        let name = &argument.name;
        if !is_name(name) || arguments[..at].iter().any(|earlier| earlier.name == *name) {
            return Err(Reason::BadArgumentName(name.clone()));
        }
        let kind = match argument.kind {
            _ if argument.travels_as_text() => kinds::STRING,
            ArgumentKind::String => kinds::STRING,
            ArgumentKind::Integer => kinds::INTEGER,
            ArgumentKind::Number => kinds::NUMBER,
            ArgumentKind::Boolean => kinds::BOOLEAN,
            ArgumentKind::User | ArgumentKind::Member => kinds::USER,
            ArgumentKind::Channel => kinds::CHANNEL,
            ArgumentKind::Role => kinds::ROLE,
            ArgumentKind::Mentionable => kinds::MENTIONABLE,
            ArgumentKind::Attachment => kinds::ATTACHMENT,
            ArgumentKind::Message
            | ArgumentKind::Emoji
            | ArgumentKind::Colour
            | ArgumentKind::Duration
            | ArgumentKind::Date
            | ArgumentKind::CodeBlock
            | ArgumentKind::AnyOf => kinds::STRING,
            ArgumentKind::Unknown => return Err(Reason::UnknownKind(name.clone())),
        };
        let (min_value, max_value) = range(argument).ok_or_else(|| Reason::BadRange(name.clone()))?;
        let choices = choices(argument).ok_or_else(|| Reason::BadChoices(name.clone()))?;
        let is_text = kind == kinds::STRING && argument.kind == ArgumentKind::String && !argument.variadic;
        let lengths = (argument.min_length, argument.max_length);
        if is_text && !has_lengths(lengths) {
            return Err(Reason::BadRange(name.clone()));
        }
        let (min_length, max_length) = if is_text && choices.is_empty() {
            lengths
        } else {
            (None, None)
        };
        let can_suggest = matches!(kind, kinds::STRING | kinds::INTEGER | kinds::NUMBER) && choices.is_empty();
        options.push(SlashOption {
            description: description(&argument.description, name),
            required: argument.required,
            min_value,
            max_value,
            min_length,
            max_length,
            channel_types: if kind == kinds::CHANNEL {
                argument.channel_types.clone()
            } else {
                Vec::new()
            },
            choices,
            autocomplete: argument.autocomplete && can_suggest,
            ..SlashOption::holder(kind, name, Vec::new())
        });
    }
    options.sort_by_key(|option| !option.required);
    Ok(options)
}

/// The choices of a text, as Discord takes them; `None` if it takes none of them.
fn choices(argument: &Argument) -> Option<Vec<SlashChoice>> {
    if argument.kind != ArgumentKind::String || argument.variadic {
        return Some(Vec::new());
    }
    let fits = |text: &str| (1..=LONGEST_CHOICE).contains(&text.chars().count());
    let all = &argument.choices;
    let is_new = |at: usize| all[..at].iter().all(|earlier| earlier.name != all[at].name);
    let is_right =
        all.len() <= MOST_OPTIONS && (0..all.len()).all(|at| fits(&all[at].name) && fits(&all[at].value) && is_new(at));
    is_right.then(|| {
        let choices = all.iter().map(|choice| SlashChoice {
            name: choice.name.clone(),
            value: choice.value.clone(),
        });
        choices.collect()
    })
}

/// Whether a text can have these limits.
fn has_lengths(limits: (Option<u16>, Option<u16>)) -> bool {
    let (min, max) = (limits.0.unwrap_or(0), limits.1.unwrap_or(LONGEST_TEXT));
    min <= max && (1..=LONGEST_TEXT).contains(&max)
}

type Range = (Option<serde_json::Number>, Option<serde_json::Number>);

/// A number's limits, as numbers that Discord takes; `None` if no number keeps them.
fn range(argument: &Argument) -> Option<Range> {
    let greatest = GREATEST_NUMBER as f64;
    let is_integer = match argument.kind {
        _ if argument.travels_as_text() => return Some((None, None)),
        ArgumentKind::Integer => true,
        ArgumentKind::Number => false,
        _ => return Some((None, None)),
    };
    let (mut min, mut max) = (argument.min, argument.max);
    if is_integer {
        (min, max) = (min.map(f64::ceil), max.map(f64::floor));
    }
    if min.is_some_and(f64::is_nan) || max.is_some_and(f64::is_nan) {
        return None;
    }
    let (least, most) = (min.unwrap_or(-greatest), max.unwrap_or(greatest));
    if least > most || least > greatest || most < -greatest {
        return None;
    }
    let number = |value: f64| {
        let value = value.clamp(-greatest, greatest);
        if is_integer {
            Some(serde_json::Number::from(value as i64))
        } else {
            serde_json::Number::from_f64(value)
        }
    };
    Some((min.and_then(number), max.and_then(number)))
}

/// Whether Discord takes this as a command's or argument's name: `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, in
/// lower case where there is one.
fn is_name(name: &str) -> bool {
    let is_allowed = |character: char| match character {
        // Besides the signs: the scripts Devanagari and Thai, with their vowel signs.
        '-'
        | '_'
        | '\''
        | '\u{900}'..='\u{950}'
        | '\u{955}'..='\u{963}'
        | '\u{966}'..='\u{97f}'
        | '\u{a8e0}'..='\u{a8ff}'
        | '\u{e01}'..='\u{e3a}'
        | '\u{e40}'..='\u{e5b}' => true,
        character if character.is_ascii() => character.is_ascii_alphanumeric(),
        character => matches!(
            character.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
        ),
    };
    (1..=LONGEST_NAME).contains(&name.chars().count())
        && name.chars().all(is_allowed)
        && name.chars().flat_map(char::to_lowercase).eq(name.chars())
}

/// A description that Discord takes: not empty, not too long.
fn description(text: &str, name: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return name.chars().take(LONGEST_DESCRIPTION).collect();
    }
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST_DESCRIPTION - 1).collect();
    format!("{}…", cut.trim_end())
}

/// What groups are for, by their words. Of several plugins that describe one, the first by name does, so that the order in
/// which they were loaded changes nothing.
struct Groups<'a>(BTreeMap<&'a str, (&'a PluginName, &'a str)>);

impl<'a> Groups<'a> {
    fn of(plugins: &[(&'a PluginName, &'a [Command], &'a [Group])]) -> Self {
        let mut all = BTreeMap::<_, (&PluginName, &str)>::new();
        for (plugin, _, groups) in plugins {
            for group in *groups {
                let described = all.entry(&*group.name).or_insert((plugin, &group.description));
                if plugin.as_str() < described.0.as_str() {
                    *described = (plugin, &group.description);
                }
            }
        }
        Self(all)
    }

    fn description(&self, words: &str, name: &str) -> String {
        match self.0.get(words) {
            Some((_, text)) => description(text, name),
            None => format!("The commands of {name}"),
        }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("names, texts and numbers are JSON")
}

fn is_holder(kind: u8) -> bool {
    matches!(kind, kinds::SUBCOMMAND | kinds::GROUP)
}

fn characters(name: &str, description: &str) -> usize {
    name.chars().count() + description.chars().count()
}

#[cfg(test)]
mod tests;
