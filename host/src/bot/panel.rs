//! What is shown once all stands: who runs where, with what, and what is missing.
//!
//! A panel on a terminal, one record in the log. Nothing in it is guessed: what is not known yet says so, and servers
//! that Discord has announced and not sent are counted as such.

use std::{fmt::Write, time::Duration};

use serde_json::{Map, Value};

/// The widest line of the panel, in characters.
const WIDTH: usize = 78;
/// The widest label.
const LABEL: usize = 10;

/// What is known when all stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The bot's name.
    pub bot: String,
    /// The bot's id.
    pub bot_id: String,
    /// The owners' ids.
    pub owners: Vec<String>,
    /// Servers that have arrived.
    pub servers: usize,
    /// Servers that Discord has announced and not sent.
    pub servers_to_come: usize,
    /// Plugins that run, without the host's own.
    pub plugins: usize,
    /// Plugins and files that are refused.
    pub refused: Vec<String>,
    /// How many shards are connected.
    pub shards: u32,
    /// How many there should be.
    pub shards_wanted: u32,
    /// How long an answer of Discord's takes, if one was measured.
    pub latency: Option<Duration>,
    /// Commands of all plugins.
    pub commands: usize,
    /// The prefix.
    pub prefix: String,
    /// Whether Discord sends what people write.
    pub has_message_content: bool,
    /// Intents that the bot goes without, by name.
    pub missing: Vec<String>,
    /// Since the process began.
    pub took: Duration,
}

impl Facts {
    /// The record for the log.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut field = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        field("bot", self.bot.as_str().into());
        field("servers", self.servers.into());
        if self.servers_to_come > 0 {
            field("servers_to_come", self.servers_to_come.into());
        }
        field("plugins", self.plugins.into());
        if !self.refused.is_empty() {
            field("refused", self.refused.join(", ").into());
        }
        field("shards", format!("{}/{}", self.shards, self.shards_wanted).into());
        if let Some(latency) = self.latency {
            field("latency_ms", millis(latency).into());
        }
        field("commands", self.commands.into());
        field("prefix", self.prefix.as_str().into());
        if !self.missing.is_empty() {
            field("missing_intents", self.missing.join(", ").into());
        }
        field("took_ms", millis(self.took).into());
        fields
    }

    /// The panel for a terminal: lines of up to 78 characters.
    #[must_use]
    pub fn panel(&self, colour: bool) -> String {
        let mut panel = String::new();
        let title = format!("{} is ready after {}", plain(&self.bot), seconds(self.took));
        let _ = writeln!(
            panel,
            "{}",
            if colour {
                format!("\x1b[1;32m{title}\x1b[0m")
            } else {
                title
            }
        );
        for (label, value) in self.lines() {
            for (at, part) in wrapped(&value).into_iter().enumerate() {
                let label = if at == 0 { label } else { "" };
                let label = format!("{label:<LABEL$}");
                let label = if colour {
                    format!("\x1b[2m{label}\x1b[0m")
                } else {
                    label
                };
                let _ = writeln!(panel, "  {label}  {part}");
            }
        }
        panel.pop();
        panel
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("User", format!("{} ({})", plain(&self.bot), self.bot_id))];
        lines.push((
            "Owner",
            if self.owners.is_empty() {
                "nobody: set BOT_OWNER_ID in .env, or owners' commands are closed to all".to_owned()
            } else {
                self.owners.join(", ")
            },
        ));
        lines.push((
            "Servers",
            match self.servers_to_come {
                0 => self.servers.to_string(),
                more => format!("{}, and {more} that Discord has not sent yet", self.servers),
            },
        ));
        let mut plugins = format!("{} running", self.plugins);
        if !self.refused.is_empty() {
            let names: Vec<_> = self.refused.iter().map(|name| plain(name)).collect();
            let _ = write!(plugins, ", {} refused: {}", names.len(), names.join(", "));
        }
        lines.push(("Plugins", plugins));
        lines.push(("Commands", self.commands.to_string()));
        lines.push((
            "Prefix",
            if self.has_message_content {
                plain(&self.prefix)
            } else {
                format!(
                    "{} (only in direct messages and behind a mention, see below)",
                    plain(&self.prefix)
                )
            },
        ));
        lines.push(("Shards", format!("{} of {} connected", self.shards, self.shards_wanted)));
        lines.push((
            "Latency",
            self.latency.map_or_else(
                || "not measured yet".to_owned(),
                |latency| format!("{} ms for Discord's first answer, connecting included", millis(latency)),
            ),
        ));
        if !self.missing.is_empty() {
            lines.push((
                "Missing",
                format!(
                    "{}: switch it on at https://discord.com/developers/applications, page Bot, then restart",
                    self.missing.join(", ")
                ),
            ));
        }
        lines
    }
}

/// Broken between words, so that no line is wider than the panel; a word that is too long is left whole.
fn wrapped(text: &str) -> Vec<String> {
    let room = WIDTH - LABEL - 4;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Without what could steer a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            bot: "Robin".to_owned(),
            bot_id: "1100000000000000001".to_owned(),
            owners: vec!["1100000000000000002".to_owned()],
            servers: 3,
            plugins: 2,
            shards: 1,
            shards_wanted: 1,
            latency: Some(Duration::from_millis(23)),
            commands: 14,
            prefix: "!".to_owned(),
            has_message_content: true,
            took: Duration::from_millis(1234),
            ..Facts::default()
        }
    }

    #[test]
    fn all_is_well() {
        insta::assert_snapshot!(facts().panel(false));
    }

    #[test]
    fn what_is_missing_is_said() {
        let facts = Facts {
            bot: "Ro\u{1b}[2Jbin".to_owned(),
            owners: Vec::new(),
            servers_to_come: 2,
            refused: (0..9).map(|number| format!("libbroken_{number}.so")).collect(),
            shards: 1,
            shards_wanted: 4,
            latency: None,
            has_message_content: false,
            missing: vec!["MESSAGE_CONTENT".to_owned(), "GUILD_MEMBERS".to_owned()],
            ..facts()
        };
        let panel = facts.panel(false);
        insta::assert_snapshot!(panel);
        assert!(panel.lines().all(|line| line.chars().count() <= WIDTH + 12), "{panel}");
        insta::assert_snapshot!(serde_json::to_string_pretty(&facts.fields()).unwrap());
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = facts().panel(true);
        assert!(coloured.contains("\x1b["));
        let plain = coloured
            .replace("\x1b[1;32m", "")
            .replace("\x1b[2m", "")
            .replace("\x1b[0m", "");
        assert_eq!(plain, facts().panel(false));
    }
}
