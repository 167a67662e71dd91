//! What Discord itself checks of a slash command before the host hears of it: who is shown it, where, and in which words.
//!
//! Pure. One command of Discord's can be many of ours (a group), and Discord has one gate for all of it: what one of
//! them allows is let through, and refused later by the host.

use plugin_protocol::{Command, Contexts, Permissions};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    command::{LONGEST_CHOICE, LONGEST_DESCRIPTION, Texts, is_name},
    plan::Reason,
};

/// Discord's codes of languages: <https://discord.com/developers/docs/reference#locales>.
const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
];

/// Who is shown a command, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    /// Whom it is shown unless a server's administrators say otherwise: members with all of these; `None` is everybody,
    /// no bits is administrators.
    members: Option<Permissions>,
    contexts: Contexts,
    nsfw: bool,
    /// Whether it is for servers of its own: those commands have no contexts.
    is_guilds: bool,
}

impl Gate {
    /// That of one command.
    pub(super) fn of(command: &Command) -> Result<Self, Reason> {
        if !Permissions::ALL.contains(command.requires) {
            return Err(Reason::UnknownPermission);
        }
        let members = match command.requires {
            _ if command.owner_only || command.guild_owner_only => Some(Permissions::NONE),
            requires if requires.is_empty() || command.open => None,
            requires => Some(requires),
        };
        Ok(Self {
            members,
            contexts: command.contexts,
            nsfw: command.nsfw,
            is_guilds: command.owner_only,
        })
    }

    /// The same in a server's own set.
    pub(super) fn of_guilds(self) -> Self {
        Self {
            is_guilds: true,
            ..self
        }
    }

    /// That of two commands which are one for Discord: whoever may use either passes.
    pub(super) fn join(self, other: &Self) -> Self {
        let members = match (self.members, other.members) {
            (Some(these), Some(those)) if these == those => Some(these),
            // No bits at all would be for administrators only, who have all of them.
            (Some(these), Some(those)) => Some(these & those).filter(|both| !both.is_empty()),
            _ => None,
        };
        Self {
            members,
            contexts: if self.contexts == other.contexts {
                self.contexts
            } else {
                Contexts::Everywhere
            },
            nsfw: self.nsfw && other.nsfw,
            is_guilds: self.is_guilds,
        }
    }
}

impl Serialize for Gate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // https://discord.com/developers/docs/interactions/application-commands#interaction-contexts
        let contexts = match self.contexts {
            _ if self.is_guilds => None,
            Contexts::Guild => Some([0]),
            Contexts::DirectMessages => Some([1]),
            Contexts::Everywhere | Contexts::Unknown => None,
        };
        let mut gate = serializer.serialize_struct("Gate", 3)?;
        if let Some(members) = &self.members {
            gate.serialize_field("default_member_permissions", members)?;
        }
        if let Some(contexts) = &contexts {
            gate.serialize_field("contexts", contexts)?;
        }
        if self.nsfw {
            gate.serialize_field("nsfw", &true)?;
        }
        gate.end()
    }
}

/// Whether it is one of Discord's languages.
pub(super) fn is_locale(code: &str) -> bool {
    LOCALES.contains(&code)
}

/// Refuses names and descriptions in other languages that Discord would refuse.
pub(super) fn check_localizations(names: &Texts, descriptions: &Texts) -> Result<(), Reason> {
    let fits = |text: &str| (1..=LONGEST_DESCRIPTION).contains(&text.chars().count());
    let names = names.iter().map(|(locale, name)| (locale, is_name(name)));
    let descriptions = descriptions.iter().map(|(locale, text)| (locale, fits(text.trim())));
    let mut all = names.chain(descriptions);
    let wrong = all.find(|(locale, is_right)| !is_right || !is_locale(locale));
    wrong.map_or(Ok(()), |(locale, _)| Err(Reason::BadLocalization(locale.clone())))
}

/// Refuses names of choices in other languages that Discord would refuse.
pub(super) fn check_choices(names: &Texts) -> Result<(), Reason> {
    let fits = |text: &str| (1..=LONGEST_CHOICE).contains(&text.chars().count());
    let wrong = names.iter().find(|(locale, name)| !fits(name) || !is_locale(locale));
    wrong.map_or(Ok(()), |(locale, _)| Err(Reason::BadLocalization(locale.clone())))
}
