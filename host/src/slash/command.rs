//! A command as Discord registers it: its options, names and texts within Discord's limits.
//!
//! Apart from the plan, which decides what is registered: here is what a command looks like then, and why one can't be.
//! Pure. Limits: <https://discord.com/developers/docs/interactions/application-commands#application-command-object>.

use std::collections::{BTreeMap, BTreeSet};

use plugin_protocol::{Argument, ArgumentKind, PluginName};
use serde::Serialize;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{
    gate::{Gate, check_choices, check_localizations},
    plan::Reason,
};
use crate::commands::arguments::GREATEST_NUMBER;

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

/// A command as Discord registers it. Field order is fixed: equal commands have equal JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlashCommand {
    /// The first word of the name.
    pub name: String,
    /// Discord's number of commands that are typed: 1.
    #[serde(rename = "type")]
    pub(super) kind: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) name_localizations: BTreeMap<String, String>,
    pub(super) description: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) description_localizations: BTreeMap<String, String>,
    #[serde(flatten)]
    pub(super) gate: Gate,
    pub(super) options: Vec<SlashOption>,
    /// Whose it is: the plugin that had it first.
    #[serde(skip)]
    pub(super) plugin: PluginName,
    /// All plugins that have a part in it.
    #[serde(skip)]
    pub plugins: BTreeSet<PluginName>,
}

/// A subcommand, a group of them, or an argument.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SlashOption {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) name_localizations: BTreeMap<String, String>,
    pub(super) description: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) description_localizations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_value: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_value: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) channel_types: Vec<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) choices: Vec<SlashChoice>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) autocomplete: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) options: Vec<SlashOption>,
}

/// Texts by Discord's codes of languages.
pub(super) type Texts = BTreeMap<String, String>;

/// Something that a text may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SlashChoice {
    name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    name_localizations: Texts,
    value: String,
}

/// Discord's numbers of option types.
pub(super) mod kinds {
    pub const SUBCOMMAND: u8 = 1;
    pub const GROUP: u8 = 2;
    pub const STRING: u8 = 3;
    pub const INTEGER: u8 = 4;
    pub const BOOLEAN: u8 = 5;
    pub const USER: u8 = 6;
    pub const CHANNEL: u8 = 7;
    pub const ROLE: u8 = 8;
    pub const MENTIONABLE: u8 = 9;
    pub const NUMBER: u8 = 10;
    pub const ATTACHMENT: u8 = 11;
}

impl SlashCommand {
    /// The command as Discord gets it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }

    /// The same in a server's own set.
    pub(super) fn of_guilds(self) -> Self {
        Self {
            gate: self.gate.of_guilds(),
            ..self
        }
    }

    pub(super) fn characters(&self) -> usize {
        longest(&self.name, &self.name_localizations)
            + longest(&self.description, &self.description_localizations)
            + self.options.iter().map(SlashOption::characters).sum::<usize>()
    }
}

impl SlashOption {
    pub(super) fn holder(kind: u8, name: &str, options: Vec<Self>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            name_localizations: BTreeMap::new(),
            description: String::new(),
            description_localizations: BTreeMap::new(),
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

    pub(super) fn characters(&self) -> usize {
        let choices = self.choices.iter();
        let choices =
            choices.map(|choice| longest(&choice.name, &choice.name_localizations) + choice.value.chars().count());
        let options = self.options.iter().map(Self::characters);
        longest(&self.name, &self.name_localizations)
            + longest(&self.description, &self.description_localizations)
            + choices.sum::<usize>()
            + options.sum::<usize>()
    }
}

/// The arguments as options, required ones first, as Discord wants it.
pub(super) fn options(arguments: &[Argument]) -> Result<Vec<SlashOption>, Reason> {
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
            _ if argument.variadic => kinds::STRING,
            ArgumentKind::Integer => kinds::INTEGER,
            ArgumentKind::Number => kinds::NUMBER,
            ArgumentKind::Boolean => kinds::BOOLEAN,
            ArgumentKind::User | ArgumentKind::Member => kinds::USER,
            ArgumentKind::Channel => kinds::CHANNEL,
            ArgumentKind::Role => kinds::ROLE,
            ArgumentKind::Mentionable => kinds::MENTIONABLE,
            ArgumentKind::Attachment => kinds::ATTACHMENT,
            ArgumentKind::Unknown => return Err(Reason::UnknownKind(name.clone())),
            // Texts, and whatever else travels as one.
            _ => kinds::STRING,
        };
        check_localizations(&argument.name_localizations, &argument.description_localizations)?;
        if let Some(twice) = named_twice(&arguments[..at], argument) {
            return Err(Reason::BadArgumentName(twice.to_owned()));
        }
        for choice in &argument.choices {
            check_choices(&choice.name_localizations)?;
        }
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
            name_localizations: argument.name_localizations.clone(),
            description_localizations: argument.description_localizations.clone(),
            ..SlashOption::holder(kind, name, Vec::new())
        });
    }
    options.sort_by_key(|option| !option.required);
    Ok(options)
}

/// A name that an argument shares with an earlier one in some language: Discord could not tell them apart.
fn named_twice<'a>(earlier: &[Argument], argument: &'a Argument) -> Option<&'a str> {
    let mut names = argument.name_localizations.iter();
    let twice = names.find(|(locale, name)| {
        earlier
            .iter()
            .any(|one| one.name_localizations.get(*locale) == Some(name))
    });
    twice.map(|(_, name)| name.as_str())
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
            name_localizations: choice.name_localizations.clone(),
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
pub(super) fn is_name(name: &str) -> bool {
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
pub(super) fn description(text: &str, name: &str) -> String {
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

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("names, texts and numbers are JSON")
}

pub(super) fn is_holder(kind: u8) -> bool {
    matches!(kind, kinds::SUBCOMMAND | kinds::GROUP)
}

/// The characters of a text, or of its longest translation: that is what counts for Discord.
fn longest(text: &str, localizations: &BTreeMap<String, String>) -> usize {
    let translated = localizations.values().map(|text| text.chars().count());
    translated.chain([text.chars().count()]).max().unwrap_or_default()
}
