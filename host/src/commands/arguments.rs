//! From a word to an argument's value, as far as that goes without looking anything up; and what is said when it fails.
//!
//! Pure. What must be looked up (members, channels, roles that no mention brought along) comes back as a [`Query`] for
//! the file `lookup`. Limits and texts are the same by every door.

use std::fmt;

pub use plugin_protocol::wording::{as_code, usage, wants};
use plugin_protocol::{
    Argument, ArgumentKind, ArgumentValue, Attachment, ChannelId, Choice, CodeBlock, GuildId, RoleId, SERVER_ZONE,
    UserId, wording,
};

use super::{message::Mention, notation, time, words::QuoteError};

/// Discord's limit for whole numbers and numbers of slash commands, kept by prefix, too
/// (<https://discord.com/developers/docs/interactions/application-commands>): 2^53 - 1.
pub const GREATEST_NUMBER: i64 = (1 << 53) - 1;

/// Where a command was written, as far as its arguments depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The server; absent in direct messages.
    pub guild_id: Option<GuildId>,
    /// The channel, if known.
    pub channel_id: Option<ChannelId>,
    /// Whom the message mentions.
    pub mentions: &'a [Mention],
    /// The files of the message.
    pub attachments: &'a [Attachment],
    /// What time it is, in seconds since 1970.
    pub now: i64,
    /// The server's time zone, if it has set one.
    pub zone: Option<&'a str>,
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
    /// A role or a user by id.
    Mentionable(u64),
    /// A member or a role of the server by name.
    MentionableNamed(String),
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
    /// It is none of its choices.
    NoChoice {
        /// What was given.
        given: String,
        /// The choice that may have been meant.
        nearest: Option<String>,
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
        wording::with_usage(&self.to_string(), usage)
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { argument, wants, .. } = self;
        match &self.problem {
            ArgumentProblem::Missing => write!(f, "`{argument}` is missing. It wants {wants}."),
            ArgumentProblem::Unfit { given } => f.write_str(&wording::unfit(argument, wants, given)),
            ArgumentProblem::NoChoice { given, nearest } => {
                f.write_str(&wording::unfit(argument, wants, given))?;
                match nearest {
                    Some(nearest) => write!(f, " Did you mean {}?", as_code(nearest)),
                    None => Ok(()),
                }
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

/// What a word is for an argument, by prefix, or a text by slash where Discord has no type of option for it.
#[must_use]
pub fn step(argument: &Argument, word: &str, place: &Place<'_>) -> Step {
    let value = match argument.kind {
        ArgumentKind::String => {
            return fit_text(argument, word).map_or_else(Step::Refused, Step::Value);
        }
        ArgumentKind::Unknown => Some(ArgumentValue::String(word.to_owned())),
        ArgumentKind::Integer => word.parse().ok().and_then(|number| fit_integer(argument, number)),
        ArgumentKind::Number => word.parse().ok().and_then(|number| fit_number(argument, number)),
        ArgumentKind::Boolean => boolean(word).map(ArgumentValue::Boolean),
        ArgumentKind::User
        | ArgumentKind::Member
        | ArgumentKind::Channel
        | ArgumentKind::Role
        | ArgumentKind::Mentionable => {
            return reference(argument.kind, word, place);
        }
        ArgumentKind::Message => {
            notation::message_link(word, place.guild_id, place.channel_id).map(ArgumentValue::Message)
        }
        ArgumentKind::Emoji => notation::emoji(word).map(ArgumentValue::Emoji),
        ArgumentKind::Colour => notation::colour(word).map(ArgumentValue::Colour),
        ArgumentKind::Duration => time::duration(word)
            .and_then(|length| u64::try_from(length.as_millis()).ok())
            .map(ArgumentValue::Duration),
        ArgumentKind::Date => {
            let of_server = argument.zone.as_deref() == Some(SERVER_ZONE);
            let zone = if of_server {
                place.zone
            } else {
                argument.zone.as_deref()
            };
            let zone = zone.unwrap_or("UTC");
            time::date(word, zone, place.now).map(ArgumentValue::Date)
        }
        ArgumentKind::CodeBlock => Some(ArgumentValue::CodeBlock(code(word))),
        // No word is a file, and several kinds are tried by whoever looks them up.
        ArgumentKind::Attachment | ArgumentKind::AnyOf => None,
    };
    value.map_or_else(
        || Step::Refused(ArgumentProblem::Unfit { given: word.to_owned() }),
        Step::Value,
    )
}

/// A text, if it keeps the argument's limits: of choices, the value of the one of that name or value, without case.
///
/// # Errors
///
/// What is the matter with it.
pub fn fit_text(argument: &Argument, text: &str) -> Result<ArgumentValue, ArgumentProblem> {
    let value = |text: &str| Ok(ArgumentValue::String(text.to_owned()));
    if !argument.choices.is_empty() {
        let folded = text.trim().to_lowercase();
        let is = |choice: &&Choice| {
            let mut names = [&choice.name].into_iter().chain(choice.name_localizations.values());
            choice.value == text || names.any(|name| name.to_lowercase() == folded)
        };
        let is_value = |choice: &&Choice| choice.value.to_lowercase() == folded;
        let mut choices = argument.choices.iter();
        let found = choices.clone().find(is).or_else(|| choices.find(is_value));
        return match found {
            Some(choice) => value(&choice.value),
            None => Err(ArgumentProblem::NoChoice {
                given: text.to_owned(),
                nearest: nearest(&argument.choices, &folded),
            }),
        };
    }
    let length = text.chars().count();
    let is_long_enough = argument.min_length.is_none_or(|min| length >= min.into());
    if is_long_enough && argument.max_length.is_none_or(|max| length <= max.into()) {
        return value(text);
    }
    Err(ArgumentProblem::Unfit { given: text.to_owned() })
}

/// The name of the choice that may have been meant.
fn nearest(choices: &[Choice], folded: &str) -> Option<String> {
    /// How alike it must be, from 0 to 1.
    const ALIKE: f64 = 0.5;
    // Longer ones are no misspelt name.
    let given: String = folded.chars().take(100).collect();
    let alike = choices.iter().map(|choice| {
        let name = choice.name.to_lowercase();
        (strsim::normalized_damerau_levenshtein(&name, &given), &choice.name)
    });
    let (how, name) = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (how >= ALIKE).then(|| name.clone())
}

/// Whether a channel is of a type that the argument takes.
#[must_use]
pub fn fits_channel(argument: &Argument, kind: u8) -> bool {
    argument.channel_types.is_empty() || argument.channel_types.contains(&kind)
}

/// A text as code: the block that it is, or all of it.
#[must_use]
pub fn code(text: &str) -> CodeBlock {
    match notation::code_block(text) {
        Some((block, behind)) if behind.trim().is_empty() => block,
        _ => CodeBlock {
            language: None,
            code: text.to_owned(),
        },
    }
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
    if kind == ArgumentKind::Mentionable {
        return mentionable(word, place);
    }
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

/// A user or a role: a mention, an id, or else a name.
fn mentionable(word: &str, place: &Place<'_>) -> Step {
    let user = mention(word, "@!").or_else(|| mention(word, "@"));
    if let Some(id) = user.or_else(|| id(word)) {
        let member = || mentioned(id, false, place);
        if let Some(value) = member().or_else(|| mentioned(id, true, place)) {
            return Step::Value(value);
        }
        return Step::LookUp(Query::Mentionable(id));
    }
    if let Some(id) = mention(word, "@&") {
        return Step::LookUp(Query::Mentionable(id));
    }
    let name = word.strip_prefix('@').filter(|name| !name.is_empty()).unwrap_or(word);
    Step::LookUp(Query::MentionableNamed(name.to_owned()))
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

#[cfg(test)]
mod tests;
