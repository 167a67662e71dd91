//! Arguments of commands: which Rust types they may have, what the host is told of them, how they are read.
//!
//! The host has parsed, looked up and checked every value before it gets here, the same by both doors; what remains is
//! to put it into the type of the handler's parameter. Only types that an author defines are parsed here.

mod check;
mod custom;
mod plain;
mod shape;
mod values;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use plugin_protocol::{ArgumentValue, wording};

pub use self::{
    check::{check_argument, check_limit, check_text_limit},
    custom::ParseArgument,
    shape::{ChoiceDef, Shape},
    values::{Colour, DateTime, Mentionable, ServerZone, Utc, Zone},
};
use crate::{Error, Result};

/// A type that an argument of a command may have.
///
/// It is implemented for
///
/// - `String`, `bool`, integers and floats. Whole numbers are limited to what the type holds, and by Discord to
///   2^53 - 1 either way
///   (<https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type>);
/// - [`User`](crate::User), [`Member`](crate::Member), [`Role`](crate::Role), [`Channel`](crate::Channel),
///   [`Mentionable`] (a user or a role), [`MessageLink`](crate::MessageLink), [`Attachment`](crate::Attachment);
/// - [`Duration`](std::time::Duration) (`1h30m`, `2 days`), [`DateTime`] (`2030-12-24 18:00`, `in 2 days`), [`Colour`],
///   [`Emoji`](crate::Emoji), [`CodeBlock`](crate::CodeBlock);
/// - enums with `#[derive(Choice)]`, which are picked by name, and with `#[derive(OneOf)]`, whose variants' types are tried
///   in order;
/// - types of your own that implement [`ParseArgument`];
/// - `Option` of those, which makes the argument optional, and `Vec` of those, which takes all words there are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the type of a command's argument",
    label = "no argument can have this type",
    note = "see the documentation of `plugin_api::Argument` for the types there are; a type of your own implements `ParseArgument`"
)]
pub trait Argument: Sized {
    /// What the host is told of it.
    const SHAPE: Shape;

    /// Reads what was given; `None` if nothing was.
    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument>;
}

/// A value that doesn't fit the handler's parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongArgument {
    argument: &'static str,
    wants: &'static str,
    /// What was given, if it is the asker's fault and not the host's.
    given: Option<String>,
    /// What the asker is told instead of what is wanted.
    text: Option<String>,
}

impl WrongArgument {
    /// The parameter wants this: "a whole number between 0 and 255".
    #[must_use]
    pub const fn wants(wants: &'static str) -> Self {
        Self {
            argument: "",
            wants,
            given: None,
            text: None,
        }
    }

    /// What is wanted, as the object of a sentence.
    pub(crate) const fn wanted(&self) -> &'static str {
        self.wants
    }

    /// What the asker is told, if it is for the asker, without the usage line.
    pub(crate) fn refusal(&self) -> Option<Cow<'_, str>> {
        let given = self.given.as_ref()?;
        Some(match &self.text {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(wording::unfit(self.argument, self.wants, given)),
        })
    }
}

impl fmt::Display for WrongArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the argument `{}` must be {}", self.argument, self.wants)
    }
}

impl std::error::Error for WrongArgument {}

/// The arguments of one invocation.
#[derive(Debug, Default)]
pub struct Arguments(BTreeMap<String, ArgumentValue>);

impl Arguments {
    pub(crate) fn new(values: BTreeMap<String, ArgumentValue>) -> Self {
        Self(values)
    }

    /// Takes one out, for generated code.
    #[track_caller]
    pub fn take<T: Argument>(&mut self, name: &'static str) -> Result<T> {
        match T::read(self.0.remove(name)) {
            Ok(value) => Ok(value),
            Err(wrong) => Err(Error::from(WrongArgument {
                argument: name,
                ..wrong
            })),
        }
    }
}

impl<T: Argument> Argument for Option<T> {
    const SHAPE: Shape = T::SHAPE.optional();

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        value.map(|value| T::read(Some(value))).transpose()
    }
}

impl<T: Argument> Argument for Vec<T> {
    const SHAPE: Shape = T::SHAPE.variadic();

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            None => Ok(Self::new()),
            Some(ArgumentValue::List(values)) => values.into_iter().map(|value| T::read(Some(value))).collect(),
            Some(_) => Err(WrongArgument::wants("a list")),
        }
    }
}

#[cfg(test)]
mod tests;
