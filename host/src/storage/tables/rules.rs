//! Servers' own rules of who may use what, and what is switched off there: all in memory, written through.
//!
//! A look-up is one atomic load and one of a hash table; a change writes all rows of one server.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use plugin_protocol::GuildId;
use rusqlite::params;
use tokio::sync::Mutex;

use super::{Database, StorageError, Tables};
use crate::permits::{Effect, Rule, ServerRules, Subject, Target};

type All = HashMap<GuildId, Arc<ServerRules>>;

#[derive(Debug)]
pub(super) struct Rules {
    all: ArcSwap<All>,
    /// Changes one after the other, each in the database before it is in memory. An asynchronous lock: held while it is
    /// written.
    changing: Mutex<()>,
}

impl Rules {
    pub(super) async fn load(database: &Database) -> Result<Self, StorageError> {
        Ok(Self {
            all: ArcSwap::from_pointee(read(database).await?),
            changing: Mutex::default(),
        })
    }

    pub(super) async fn reload(&self, database: &Database) -> Result<(), StorageError> {
        let _turn = self.changing.lock().await;
        self.all.store(Arc::new(read(database).await?));
        Ok(())
    }
}

async fn read(database: &Database) -> Result<All, StorageError> {
    let read = |connection: &rusqlite::Connection| {
        let mut statement = connection.prepare("SELECT guild_id, target, subject, effect FROM permission_rules")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        rows.collect::<Result<Vec<(i64, String, String, String)>, _>>()
    };
    let mut all = HashMap::<GuildId, ServerRules>::new();
    for (guild, target, subject, effect) in database.read(read).await? {
        let Some(guild) = GuildId::new(guild.cast_unsigned()) else {
            continue;
        };
        let rules = all.entry(guild).or_default();
        match (target.split_once(':'), &*effect) {
            (Some(("plugin", name)), "off") => drop(rules.plugins_off.insert(name.into())),
            (Some(("command", name)), "off") => drop(rules.commands_off.insert(name.into())),
            (Some((kind, name)), _) => {
                let target = match kind {
                    "command" => Some(Target::Command(name.into())),
                    "category" => Some(Target::Category(name.into())),
                    _ => None,
                };
                let effect = match &*effect {
                    "allow" => Some(Effect::Allow),
                    "deny" => Some(Effect::Deny),
                    _ => None,
                };
                match (target, parse_subject(&subject), effect) {
                    (Some(target), Some(subject), Some(effect)) => rules.put(Rule {
                        target,
                        subject,
                        effect,
                    }),
                    _ => {
                        tracing::warn!(%guild, kind, name, subject, "a rule of a server can't be read, it is not in force");
                    }
                }
            }
            (None, _) => tracing::warn!(%guild, target, "a rule of a server can't be read, it is not in force"),
        }
    }
    Ok(all.into_iter().map(|(guild, rules)| (guild, Arc::new(rules))).collect())
}

fn parse_subject(text: &str) -> Option<Subject> {
    let (kind, id) = text.split_once(':')?;
    Some(match kind {
        "user" => Subject::User(id.parse().ok()?),
        "channel" => Subject::Channel(id.parse().ok()?),
        "role" => Subject::Role(id.parse().ok()?),
        _ => return None,
    })
}

/// A subject as it is written down.
struct Written(Subject);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Subject::User(id) => write!(f, "user:{id}"),
            Subject::Channel(id) => write!(f, "channel:{id}"),
            Subject::Role(id) => write!(f, "role:{id}"),
        }
    }
}

fn rows(rules: &ServerRules) -> Vec<(String, String, &'static str)> {
    let ruled = rules.rules.iter().map(|rule| {
        let target = match &rule.target {
            Target::Command(name) => format!("command:{name}"),
            Target::Category(name) => format!("category:{name}"),
        };
        let effect = match rule.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        (target, Written(rule.subject).to_string(), effect)
    });
    let plugins = rules.plugins_off.iter().map(|name| format!("plugin:{name}"));
    let commands = rules.commands_off.iter().map(|name| format!("command:{name}"));
    let off = plugins.chain(commands).map(|target| (target, String::new(), "off"));
    ruled.chain(off).collect()
}

impl Tables {
    /// A server's own rules, if it has any. Costs no query.
    #[must_use]
    pub fn rules(&self, id: GuildId) -> Option<Arc<ServerRules>> {
        self.0.rules.all.load().get(&id).cloned()
    }

    /// Changes a server's rules: in the database, then in memory. Answers with what holds then, and with what `change` does.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; then nothing has changed.
    pub async fn change_rules<T>(
        &self,
        id: GuildId,
        change: impl FnOnce(&mut ServerRules) -> T,
    ) -> Result<(Arc<ServerRules>, T), StorageError> {
        let rules = &self.0.rules;
        let _turn = rules.changing.lock().await;
        let mut changed = self
            .rules(id)
            .map_or_else(ServerRules::default, |rules| (*rules).clone());
        let answer = change(&mut changed);
        let rows = rows(&changed);
        let guild = id.get().cast_signed();
        let write = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("DELETE FROM permission_rules WHERE guild_id = ?1")?
                .execute([guild])?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO permission_rules (guild_id, target, subject, effect) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (target, subject, effect) in &rows {
                insert.execute(params![guild, target, subject, effect])?;
            }
            Ok(())
        };
        self.database().write(write).await?;
        let changed = Arc::new(changed);
        let mut all = All::clone(&rules.all.load());
        if changed.is_empty() {
            all.remove(&id);
        } else {
            all.insert(id, Arc::clone(&changed));
        }
        rules.all.store(Arc::new(all));
        Ok((changed, answer))
    }
}
