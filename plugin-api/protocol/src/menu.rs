//! Commands of context menus: what stands under "Apps" when somebody right-clicks a person or a message.
//!
//! A menu is one more door of a command, not a command of its own: rules, cooldowns and counts are the command's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ArgumentKind, Command};

/// An entry of a context menu that leads to a command
/// (<https://discord.com/developers/docs/interactions/application-commands#user-commands>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// Whose menu it is in.
    pub target: MenuTarget,
    /// What it is called there: 1 to 32 characters, of any case, with spaces.
    pub name: String,
    /// The same in other languages, by Discord's codes of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name_localizations: BTreeMap<String, String>,
}

/// What a context menu belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MenuTarget {
    /// A person.
    User,
    /// A message.
    Message,
    /// Something that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl MenuTarget {
    /// Discord's number of the kind of command
    /// (<https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-types>).
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::User => Some(2),
            Self::Message => Some(3),
            Self::Unknown => None,
        }
    }

    /// The kind of Discord's number.
    #[must_use]
    pub const fn of_number(number: u8) -> Option<Self> {
        match number {
            2 => Some(Self::User),
            3 => Some(Self::Message),
            _ => None,
        }
    }

    /// Whether an argument of this kind can be what the menu belongs to.
    #[must_use]
    pub const fn fits(self, kind: ArgumentKind) -> bool {
        match self {
            Self::User => matches!(
                kind,
                ArgumentKind::User | ArgumentKind::Member | ArgumentKind::Mentionable
            ),
            Self::Message => matches!(kind, ArgumentKind::Message),
            Self::Unknown => false,
        }
    }
}

impl Command {
    /// The argument that is the person or message whose menu was used: the only one that is required.
    #[must_use]
    pub fn menu_argument(&self, target: MenuTarget) -> Option<&crate::Argument> {
        let mut required = self.arguments.iter().filter(|argument| argument.required);
        let only = required.next().filter(|_| required.next().is_none())?;
        (target.fits(only.kind) && !only.variadic).then_some(only)
    }
}
