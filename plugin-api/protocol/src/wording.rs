//! What people are told of a command: its usage line, and what its arguments want.
//!
//! Pure, and here because both sides say it: the host of what it reads itself, a plugin of types of its own.

use std::fmt::Write as _;

use crate::{Argument, ArgumentKind, Command, SERVER_ZONE};

/// Discord's numbers of channel types that an argument can be limited to, with their names
/// (<https://discord.com/developers/docs/resources/channel#channel-object-channel-types>).
pub const CHANNEL_TYPES: [(u8, &str); 10] = [
    (0, "text"),
    (2, "voice"),
    (4, "category"),
    (5, "announcement"),
    (10, "announcement thread"),
    (11, "public thread"),
    (12, "private thread"),
    (13, "stage"),
    (15, "forum"),
    (16, "media"),
];

/// How a command is used: `!ban <member> [days=1] [--silent] [reason...]`. The prefix as it was written, or `/`.
#[must_use]
pub fn usage(prefix: &str, command: &Command) -> String {
    let mut line = prefix.to_owned();
    if prefix.ends_with(|last: char| last == '>' || last.is_alphanumeric()) {
        line.push(' ');
    }
    line.push_str(&command.name);
    for argument in &command.arguments {
        let (open, close) = if argument.required { ('<', '>') } else { ('[', ']') };
        let dots = if argument.rest || argument.variadic { "..." } else { "" };
        let name = &argument.name;
        let shown = match (argument.flag && prefix != "/", argument.kind) {
            (true, ArgumentKind::Boolean) => format!("--{name}"),
            (true, _) => format!("--{name} <{name}>"),
            (false, _) => format!("{name}{dots}"),
        };
        let default = match &argument.default {
            Some(default) if !default.is_empty() => format!("={default}"),
            _ => String::new(),
        };
        let _ = write!(line, " {open}{shown}{default}{close}");
    }
    line
}

/// A wrong argument, with the usage line below.
#[must_use]
pub fn with_usage(text: &str, usage: &str) -> String {
    format!("{text}\nUsage: {}", as_code(usage))
}

/// A word that an argument can't be.
#[must_use]
pub fn unfit(argument: &str, wants: &str, given: &str) -> String {
    format!("`{argument}` wants {wants}, not {}.", as_code(given))
}

/// What an argument wants, as the object of a sentence.
#[must_use]
pub fn wants(argument: &Argument) -> String {
    if let Some(wants) = &argument.wants {
        return wants.clone();
    }
    let what = match argument.kind {
        ArgumentKind::String if !argument.choices.is_empty() => return choices(argument),
        ArgumentKind::String | ArgumentKind::Unknown => "a text",
        ArgumentKind::Integer => "a whole number",
        ArgumentKind::Number => "a number",
        ArgumentKind::Boolean => "yes or no",
        ArgumentKind::User => "a user (a mention, an id or a name)",
        ArgumentKind::Member => "a member of this server (a mention, an id or a name)",
        ArgumentKind::Channel => {
            let kinds: Vec<_> = argument.channel_types.iter().map(|kind| channel_type(*kind)).collect();
            let kinds = if kinds.is_empty() {
                String::new()
            } else {
                format!("{} ", one_of(&kinds))
            };
            let article = if kinds.starts_with('a') { "an" } else { "a" };
            return format!("{article} {kinds}channel of this server (a mention, an id or a name)");
        }
        ArgumentKind::Role => "a role of this server (a mention, an id or a name)",
        ArgumentKind::Mentionable => "a user or a role (a mention, an id or a name)",
        ArgumentKind::Attachment => "an attached file",
        ArgumentKind::Message => "a message (its link or its id)",
        ArgumentKind::Emoji => "an emoji",
        ArgumentKind::Colour => "a colour (a name such as `teal`, or `#1abc9c`)",
        ArgumentKind::Duration => "a length of time such as `1h30m` or `2 days`",
        ArgumentKind::Date => {
            let zone = match argument.zone.as_deref() {
                Some(SERVER_ZONE) => "this server's time",
                zone => zone.unwrap_or("UTC"),
            };
            return format!("a date such as `2030-12-24 18:00` ({zone}), `18:00` or `in 2 days`");
        }
        ArgumentKind::CodeBlock => "code",
        ArgumentKind::AnyOf => {
            let each: Vec<_> = argument.any_of.iter().map(wants).collect();
            return one_of(&each);
        }
    };
    let numbers = |min: Option<String>, max: Option<String>| match (min, max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of {min} or more"),
        (None, Some(max)) => format!(" of {max} or less"),
        _ => String::new(),
    };
    let number = |number: Option<f64>| number.map(|number| number.to_string());
    let range = match argument.kind {
        ArgumentKind::Integer | ArgumentKind::Number => numbers(number(argument.min), number(argument.max)),
        ArgumentKind::String => match (argument.min_length, argument.max_length) {
            (Some(min), Some(max)) => format!(" of {min} to {max} characters"),
            (Some(min), None) => format!(" of {min} or more characters"),
            (None, Some(max)) => format!(" of at most {max} characters"),
            (None, None) => String::new(),
        },
        _ => String::new(),
    };
    format!("{what}{range}")
}

/// How many choices are named.
const MOST_NAMED: usize = 10;

fn choices(argument: &Argument) -> String {
    let named = argument
        .choices
        .iter()
        .take(MOST_NAMED)
        .map(|choice| as_code(&choice.name));
    let named: Vec<_> = named.collect();
    match argument.choices.len().checked_sub(MOST_NAMED) {
        Some(more) if more > 0 => format!("{} or one of {more} more", named.join(", ")),
        _ => one_of(&named),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        match at {
            0 => {}
            _ if at + 1 == words.len() => text.push_str(" or "),
            _ => text.push_str(", "),
        }
        text.push_str(word.as_ref());
    }
    text
}

fn channel_type(number: u8) -> &'static str {
    let known = CHANNEL_TYPES.iter().find(|(known, _)| *known == number);
    known.map_or("special", |(_, name)| name)
}

/// What somebody wrote, as code in a line: cut to 100 characters, without what would end the code.
#[must_use]
pub fn as_code(text: &str) -> String {
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
