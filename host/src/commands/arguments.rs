//! From a word to an argument's value, as far as that goes without looking anything up; and what is said when it fails.
//!
//! Pure. What must be looked up (members, channels, roles that no mention brought along) comes back as a [`Query`] for
//! the file `lookup`. Limits and texts are the same by every door.

use std::fmt::{self, Write as _};

use plugin_protocol::{Argument, ArgumentKind, ArgumentValue, ChannelId, Command, GuildId, RoleId, UserId};

use super::{message::Mention, words::QuoteError};

/// Discord's limit for whole numbers and numbers of slash commands, kept by prefix, too
/// (<https://discord.com/developers/docs/interactions/application-commands>): 2^53.
pub const GREATEST_NUMBER: i64 = 1 << 53;

/// Where a command was written, as far as its arguments depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The server; absent in direct messages.
    pub guild_id: Option<GuildId>,
    /// Whom the message mentions.
    pub mentions: &'a [Mention],
}

/// What a word is, for an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The value.
    Value(ArgumentValue),
    /// Something that has to be looked up.
    LookUp(Query),
    /// Nothing that the argument can be.
    Refused(ArgumentProblem),
}

/// Something that has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A user by id, in the server or not.
    User(UserId),
    /// A user by the name that members of the server know.
    UserNamed(String),
    /// A member of the server by id.
    Member(UserId),
    /// A member of the server by name.
    MemberNamed(String),
    /// A channel of the server by id.
    Channel(ChannelId),
    /// A channel of the server by name.
    ChannelNamed(String),
    /// A role of the server by id.
    Role(RoleId),
    /// A role of the server by name.
    RoleNamed(String),
}

/// Why a command's arguments are wrong: which one, what it wants, what is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// The argument's name.
    pub argument: String,
    /// What it wants, such as `a whole number from 1 to 6`.
    pub wants: String,
    /// What is the matter.
    pub problem: ArgumentProblem,
}

/// What is the matter with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentProblem {
    /// It is required and was not given.
    Missing,
    /// This is not what it wants.
    Unfit {
        /// What was given.
        given: String,
    },
    /// There is no such member, channel or role.
    NotFound {
        /// What was given.
        given: String,
    },
    /// It is something of a server, and this is none.
    ServerOnly,
    /// Its quotes are wrong.
    Quote(QuoteError),
    /// It could not be looked up, since Discord did not answer.
    Unreachable,
    /// It was not looked up, since too much is being looked up already.
    Busy,
}

impl ArgumentError {
    /// An error about this argument.
    #[must_use]
    pub fn new(argument: &Argument, problem: ArgumentProblem) -> Self {
        Self {
            argument: argument.name.clone(),
            wants: wants(argument),
            problem,
        }
    }

    /// What the user is told, with the usage line.
    #[must_use]
    pub fn text(&self, usage: &str) -> String {
        format!("{self}\nUsage: {}", as_code(usage))
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { argument, wants, .. } = self;
        match &self.problem {
            ArgumentProblem::Missing => write!(f, "`{argument}` is missing. It wants {wants}."),
            ArgumentProblem::Unfit { given } => {
                write!(f, "`{argument}` wants {wants}, not {}.", as_code(given))
            }
            ArgumentProblem::NotFound { given } => {
                write!(f, "`{argument}` wants {wants}. I can't find {}.", as_code(given))
            }
            ArgumentProblem::ServerOnly => {
                write!(f, "`{argument}` wants {wants}. That works in a server only.")
            }
            ArgumentProblem::Quote(error) => error.fmt(f),
            ArgumentProblem::Busy => {
                f.write_str("Too much is being looked up right now. Please try again in a moment.")
            }
            ArgumentProblem::Unreachable => write!(
                f,
                "I could not look up `{argument}`: Discord did not answer. Please try again in a moment."
            ),
        }
    }
}

impl std::error::Error for ArgumentError {}

/// How a command is used: `!ban <member> [reason...]`. The prefix as it was written, or `/`.
#[must_use]
pub fn usage(prefix: &str, command: &Command) -> String {
    let mut line = prefix.to_owned();
    if prefix.ends_with(|last: char| last == '>' || last.is_alphanumeric()) {
        line.push(' ');
    }
    line.push_str(&command.name);
    for argument in &command.arguments {
        let (open, close) = if argument.required { ('<', '>') } else { ('[', ']') };
        let dots = if argument.rest { "..." } else { "" };
        let _ = write!(line, " {open}{}{dots}{close}", argument.name);
    }
    line
}

/// What an argument wants, as the object of a sentence.
#[must_use]
pub fn wants(argument: &Argument) -> String {
    let what = match argument.kind {
        ArgumentKind::String | ArgumentKind::Unknown => "a text",
        ArgumentKind::Integer => "a whole number",
        ArgumentKind::Number => "a number",
        ArgumentKind::Boolean => "yes or no",
        ArgumentKind::User => "a user (a mention, an id or a name)",
        ArgumentKind::Member => "a member of this server (a mention, an id or a name)",
        ArgumentKind::Channel => "a channel of this server (a mention, an id or a name)",
        ArgumentKind::Role => "a role of this server (a mention, an id or a name)",
    };
    let range = match (argument.kind, argument.min, argument.max) {
        (ArgumentKind::Integer | ArgumentKind::Number, Some(min), Some(max)) => format!(" from {min} to {max}"),
        (ArgumentKind::Integer | ArgumentKind::Number, Some(min), None) => format!(" of {min} or more"),
        (ArgumentKind::Integer | ArgumentKind::Number, None, Some(max)) => format!(" of {max} or less"),
        _ => String::new(),
    };
    format!("{what}{range}")
}

/// What a word is for an argument, by prefix.
#[must_use]
pub fn step(argument: &Argument, word: &str, place: &Place<'_>) -> Step {
    let value = match argument.kind {
        ArgumentKind::String | ArgumentKind::Unknown => Some(ArgumentValue::String(word.to_owned())),
        ArgumentKind::Integer => word.parse().ok().and_then(|number| fit_integer(argument, number)),
        ArgumentKind::Number => word.parse().ok().and_then(|number| fit_number(argument, number)),
        ArgumentKind::Boolean => boolean(word).map(ArgumentValue::Boolean),
        ArgumentKind::User | ArgumentKind::Member | ArgumentKind::Channel | ArgumentKind::Role => {
            return reference(argument.kind, word, place);
        }
    };
    value.map_or_else(
        || Step::Refused(ArgumentProblem::Unfit { given: word.to_owned() }),
        Step::Value,
    )
}

/// A whole number, if it keeps the argument's limits and Discord's.
#[must_use]
pub fn fit_integer(argument: &Argument, number: i64) -> Option<ArgumentValue> {
    let is_possible = (-GREATEST_NUMBER..=GREATEST_NUMBER).contains(&number);
    (is_possible && keeps_limits(argument, number as f64)).then_some(ArgumentValue::Integer(number))
}

/// A number, if it keeps the argument's limits and Discord's.
#[must_use]
pub fn fit_number(argument: &Argument, number: f64) -> Option<ArgumentValue> {
    let is_possible = number.is_finite() && number.abs() <= GREATEST_NUMBER as f64;
    (is_possible && keeps_limits(argument, number)).then_some(ArgumentValue::Number(number))
}

fn keeps_limits(argument: &Argument, number: f64) -> bool {
    argument.min.is_none_or(|min| number >= min) && argument.max.is_none_or(|max| number <= max)
}

/// Yes or no, by the words that discord.py takes.
fn boolean(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "enable" | "on" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "disable" | "off" => Some(false),
        _ => None,
    }
}

/// A user, member, channel or role: a mention, an id, or else a name.
fn reference(kind: ArgumentKind, word: &str, place: &Place<'_>) -> Step {
    let is_user = kind == ArgumentKind::User;
    if place.guild_id.is_none() && !is_user {
        return Step::Refused(ArgumentProblem::ServerOnly);
    }
    let (sigils, name): (&[&str], _) = match kind {
        ArgumentKind::Channel => (&["#"], word.strip_prefix('#')),
        ArgumentKind::Role => (&["@&"], word.strip_prefix('@')),
        _ => (&["@!", "@"], word.strip_prefix('@')),
    };
    let name = || name.filter(|name| !name.is_empty()).unwrap_or(word).to_owned();
    let id = sigils
        .iter()
        .find_map(|sigil| mention(word, sigil))
        .or_else(|| id(word));
    let query = match (kind, id) {
        (ArgumentKind::Channel, Some(id)) => ChannelId::new(id).map(Query::Channel),
        (ArgumentKind::Channel, None) => Some(Query::ChannelNamed(name())),
        (ArgumentKind::Role, Some(id)) => RoleId::new(id).map(Query::Role),
        (ArgumentKind::Role, None) => Some(Query::RoleNamed(name())),
        (_, Some(id)) => {
            if let Some(value) = mentioned(id, is_user, place) {
                return Step::Value(value);
            }
            UserId::new(id).map(if is_user { Query::User } else { Query::Member })
        }
        (_, None) if is_user => Some(Query::UserNamed(name())),
        (_, None) => Some(Query::MemberNamed(name())),
    };
    query.map_or_else(
        || Step::Refused(ArgumentProblem::NotFound { given: word.to_owned() }),
        Step::LookUp,
    )
}

/// Whom the message itself brought along.
fn mentioned(id: u64, is_user: bool, place: &Place<'_>) -> Option<ArgumentValue> {
    let mention = place.mentions.iter().find(|mention| mention.user.id.get() == id)?;
    if is_user {
        Some(ArgumentValue::User(mention.user.clone()))
    } else {
        mention.member.clone().map(ArgumentValue::Member)
    }
}

/// The id in `<SIGIL id>`.
fn mention(word: &str, sigil: &str) -> Option<u64> {
    digits(word.strip_prefix('<')?.strip_prefix(sigil)?.strip_suffix('>')?)
}

/// A bare id: 15 to 20 digits, so that a name may be a year.
fn id(word: &str) -> Option<u64> {
    if (15..=20).contains(&word.len()) {
        digits(word)
    } else {
        None
    }
}

fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// What somebody wrote, as code in a line: cut, without what would end the code.
pub(super) fn as_code(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut code = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            code.push('…');
            break;
        }
        code.push(match character {
            '`' => '\'',
            character if character.is_control() => ' ',
            character => character,
        });
    }
    if code.len() == 1 {
        code.push(' ');
    }
    code.push('`');
    code
}

#[cfg(test)]
mod tests;
