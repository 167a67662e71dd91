//! What administrators have set in whole servers, by command and application: as Discord tells it, and as it is written
//! down beside a session.
//!
//! Pure. Apart from `overrides`, which says what it means for one command.

use std::collections::HashMap;

use plugin_protocol::{ApplicationId, ChannelId, GuildId};
use serde::{Deserialize, Serialize};

use super::overrides::{Override, OverrideKind, Overrides};

/// What one server's administrators have set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrations(HashMap<u64, Vec<Override>>);

/// What is known of all servers, to be written down with the session that keeps it up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownIntegrations(pub Vec<(GuildId, Integrations)>);

/// What Discord tells of one command, or of the application, in one server.
/// <https://discord.com/developers/docs/interactions/application-commands#application-command-permissions-object>
#[derive(Debug, Deserialize)]
pub struct CommandOverrides {
    id: ChannelId,
    /// The server.
    pub guild_id: GuildId,
    permissions: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: u8,
    permission: bool,
}

impl CommandOverrides {
    fn overrides(&self) -> Vec<Override> {
        let read = |line: &Line| {
            let kind = match line.kind {
                1 => OverrideKind::Role,
                2 => OverrideKind::User,
                3 => OverrideKind::Channel,
                _ => return None,
            };
            Some(Override {
                kind,
                id: line.id.get(),
                allows: line.permission,
            })
        };
        self.permissions.iter().filter_map(read).collect()
    }
}

impl From<Vec<CommandOverrides>> for Integrations {
    fn from(told: Vec<CommandOverrides>) -> Self {
        let mut settings = Self::default();
        for one in &told {
            settings.put(one);
        }
        settings
    }
}

impl Integrations {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds for a command that Discord knows by this id, if it knows it.
    #[must_use]
    pub fn of(&self, application: ApplicationId, command: Option<&str>) -> Overrides<'_> {
        let list = |id| self.0.get(&id).map_or(&[][..], Vec::as_slice);
        Overrides {
            command: command.and_then(|id| id.parse().ok()).map_or(&[], list),
            application: list(application.get()),
        }
    }

    /// Takes over what is told of one command, in place of what was.
    pub fn put(&mut self, told: &CommandOverrides) {
        let overrides = told.overrides();
        if overrides.is_empty() {
            self.0.remove(&told.id.get());
        } else {
            self.0.insert(told.id.get(), overrides);
        }
    }
}
