//! What the type of an argument tells: constants, since attributes are checked against them by the compiler.
//!
//! Its own, not the protocol's: nothing there is `const`.

use plugin_protocol::{self as protocol, ArgumentKind};

use crate::definition::texts;

/// What an argument of a type is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// What it is, for the host.
    pub kind: ArgumentKind,
    /// Whether the command can't run without it.
    pub required: bool,
    /// Whether it takes all words there are.
    pub variadic: bool,
    /// The least value of a number.
    pub min: Option<f64>,
    /// The greatest value of a number.
    pub max: Option<f64>,
    /// Of a channel: Discord's numbers of the types that it may have; empty for all.
    pub channel_types: &'static [u8],
    /// Of a date: the time zone's name.
    pub zone: Option<&'static str>,
    /// What it wants, as the object of a sentence, if the kind doesn't say it.
    pub wants: Option<&'static str>,
    /// Of a text: what it may be.
    pub choices: &'static [ChoiceDef],
    /// The types that are tried in order.
    pub any_of: &'static [Self],
}

/// Something that a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceDef {
    /// What people see.
    pub name: &'static str,
    /// What the plugin gets.
    pub value: &'static str,
    /// The name in other languages, by Discord's codes of them.
    pub name_localizations: &'static [(&'static str, &'static str)],
}

impl Shape {
    /// A required argument of this kind.
    #[must_use]
    pub const fn of(kind: ArgumentKind) -> Self {
        Self {
            kind,
            required: true,
            variadic: false,
            min: None,
            max: None,
            channel_types: &[],
            zone: None,
            wants: None,
            choices: &[],
            any_of: &[],
        }
    }

    /// A number within limits.
    #[must_use]
    pub const fn number(kind: ArgumentKind, min: f64, max: f64) -> Self {
        Self {
            min: Some(min),
            max: Some(max),
            ..Self::of(kind)
        }
    }

    /// One of these texts.
    #[must_use]
    pub const fn choices(choices: &'static [ChoiceDef]) -> Self {
        Self {
            choices,
            ..Self::of(ArgumentKind::String)
        }
    }

    /// The first of these that fits.
    #[must_use]
    pub const fn one_of(any_of: &'static [Self]) -> Self {
        let mut at = 0;
        while at < any_of.len() {
            assert!(
                any_of[at].required && !any_of[at].variadic && any_of[at].any_of.is_empty(),
                "a type that is one of several has no variant that is an `Option`, a `Vec` or one of several again"
            );
            assert!(
                !matches!(any_of[at].kind, ArgumentKind::Attachment),
                "a file is no word that could be one of several things"
            );
            at += 1;
        }
        Self {
            any_of,
            ..Self::of(ArgumentKind::AnyOf)
        }
    }

    /// The same as an optional argument.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// All words there are, each the same.
    #[must_use]
    pub const fn variadic(self) -> Self {
        assert!(
            self.required && !self.variadic,
            "a `Vec` of what is optional has no end"
        );
        assert!(
            !matches!(self.kind, ArgumentKind::CodeBlock),
            "an argument can be one block of code, no list of them"
        );
        Self {
            required: false,
            variadic: true,
            ..self
        }
    }

    /// As the host is told, without what attributes say.
    pub(crate) fn describe(&self) -> protocol::Argument {
        protocol::Argument {
            kind: self.kind,
            required: self.required,
            variadic: self.variadic,
            min: self.min,
            max: self.max,
            channel_types: self.channel_types.to_vec(),
            zone: self.zone.map(str::to_owned),
            wants: self.wants.map(str::to_owned),
            choices: self
                .choices
                .iter()
                .map(|choice| protocol::Choice {
                    name: choice.name.to_owned(),
                    value: choice.value.to_owned(),
                    name_localizations: texts(choice.name_localizations),
                })
                .collect(),
            any_of: self.any_of.iter().map(Self::describe).collect(),
            ..protocol::Argument::default()
        }
    }
}
