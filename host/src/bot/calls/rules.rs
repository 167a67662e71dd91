//! `rules.*` and `server.*`: what one server's owner sets for that server, and for no other.
//!
//! Built-in commands make these calls, whose use is checked where every command's is; every change is in the audit trail.

use plugin_protocol::{
    Call, ChannelId, Command, GuildId, PluginName, Problem, ProblemCode, RoleId, UserId, commands::ServerRuleList,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Access, Calls, storage_problem};
use crate::{
    bot::gatekeeper::is_always_on,
    commands::time::is_zone,
    permits::{
        Effect, Rule, ServerRules, Subject, Target,
        refusal::{names, shown},
    },
    plugins::{Generation, Table},
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("rules.show", Access::Granted),
    ("rules.set", Access::Changes),
    ("rules.clear", Access::Changes),
    ("rules.switch", Access::Changes),
    ("server.set", Access::Changes),
    ("server.delete", Access::Changes),
];

/// How many rules a server has at most.
const MOST_RULES: usize = 500;
/// How long a server's prefix may be, in characters.
const LONGEST_PREFIX: usize = 5;

#[derive(Deserialize)]
struct Set {
    target: String,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    role_id: Option<RoleId>,
    #[serde(default)]
    channel_id: Option<ChannelId>,
    allow: bool,
}

#[derive(Deserialize)]
struct Clear {
    target: String,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    role_id: Option<RoleId>,
    #[serde(default)]
    channel_id: Option<ChannelId>,
}

#[derive(Deserialize)]
struct Switch {
    name: String,
    on: bool,
}

#[derive(Deserialize)]
struct Delete {
    /// `success` for answers, `invocation` for the messages that asked.
    what: String,
    /// As the owner has set, without.
    #[serde(default)]
    seconds: Option<u32>,
    #[serde(default)]
    command: Option<String>,
}

#[derive(Deserialize)]
struct Server {
    /// `reset` goes back to what is configured.
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    mention: Option<bool>,
    /// `reset` goes back to UTC.
    #[serde(default)]
    zone: Option<String>,
}

/// Whom a rule is about, if anybody is named.
///
/// # Errors
///
/// More than one is: a rule can't be about somebody in some channel.
fn subject(user: Option<UserId>, role: Option<RoleId>, channel: Option<ChannelId>) -> Result<Option<Subject>, Problem> {
    let named = [
        user.map(Subject::User),
        role.map(Subject::Role),
        channel.map(Subject::Channel),
    ];
    let mut named = named.into_iter().flatten();
    let first = named.next();
    if named.next().is_some() {
        let text = "A rule is about one user, one role or one channel: make one for each.";
        return Err(Problem::new(ProblemCode::Invalid, text));
    }
    Ok(first)
}

impl Calls {
    pub(super) async fn about_rules(&self, from: &Generation, call: Call) -> Result<Value, Problem> {
        let origin = call.invocation.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.plugin == *from.name());
        let Some(guild) = origin.and_then(|origin| origin.guild_id) else {
            return Err(Problem::new(ProblemCode::Invalid, "This can be used in a server only."));
        };
        let table = self.life()?.routing().read();
        let (done, warning) = match call.name.as_str() {
            "rules.set" => self.set_rule(&table, guild, arguments(call)?).await?,
            "rules.clear" => (self.clear_rules(&table, guild, arguments(call)?).await?, None),
            "rules.switch" => (self.switch(&table, guild, arguments(call)?).await?, None),
            "server.delete" => (self.set_deleted_after(&table, guild, arguments(call)?).await?, None),
            "server.set" => (self.set_server(guild, arguments(call)?).await?, None),
            _ => (None, None),
        };
        Ok(json!(self.rule_list(guild, done, warning)))
    }

    fn rule_list(&self, guild: GuildId, done: Option<String>, warning: Option<String>) -> ServerRuleList {
        let rules = self.tables.rules(guild).unwrap_or_default();
        let config = self.config.get();
        let settings = self.tables.guild(guild);
        let own = settings.as_ref().and_then(|settings| settings.prefix.clone());
        let mention = settings.as_ref().and_then(|settings| settings.mention_prefix());
        ServerRuleList {
            rules: rules.rules.iter().map(line).collect(),
            plugins_off: rules.plugins_off.iter().map(ToString::to_string).collect(),
            commands_off: rules.commands_off.iter().map(ToString::to_string).collect(),
            done,
            warning,
            prefix: own.unwrap_or_else(|| config.prefix.clone()),
            mention: mention.unwrap_or(config.allow_mention_prefix),
            deletions: settings
                .iter()
                .flat_map(|settings| settings.deletions())
                .map(|(command, what, seconds)| deletion(command, what, Some(seconds)))
                .collect(),
            zone: settings
                .as_ref()
                .and_then(|settings| settings.time_zone().map(str::to_owned)),
        }
    }

    async fn change(&self, guild: GuildId, change: impl FnOnce(&mut ServerRules)) -> Result<(), Problem> {
        let changed = self.tables.change_rules(guild, change).await;
        changed.map(drop).map_err(|error| storage_problem(&error))
    }

    async fn set_rule(
        &self,
        table: &Table,
        guild: GuildId,
        set: Set,
    ) -> Result<(Option<String>, Option<String>), Problem> {
        let (target, command) = target(table, &set.target)?;
        let Some(subject) = subject(set.user_id, set.role_id, set.channel_id)? else {
            let text = "Say for whom: a role, a user or a channel.";
            return Err(Problem::new(ProblemCode::Invalid, text));
        };
        if let Some((plugin, command)) = command {
            let is_fixed = command.owner_only || command.guild_owner_only || is_always_on(plugin, &command.name);
            if is_fixed {
                let text = format!("No rule can open or restrict `{}`.", command.name);
                return Err(Problem::new(ProblemCode::Invalid, text));
            }
        }
        let known = self.tables.rules(guild).unwrap_or_default();
        let is_new = |rule: &Rule| rule.target != target || rule.subject != subject;
        if known.rules.len() >= MOST_RULES && known.rules.iter().all(is_new) {
            let text = format!("This server has {MOST_RULES} rules already. Clear some with `config clear`.");
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let effect = if set.allow { Effect::Allow } else { Effect::Deny };
        let rule = Rule {
            target,
            subject,
            effect,
        };
        let done = format!("Now {}.", line(&rule));
        self.change(guild, |rules| rules.put(rule)).await?;
        // Discord asks first, and knows nothing of these rules.
        let gated = command.filter(|(_, command)| command.doors.slash && !command.open && !command.requires.is_empty());
        let warning = gated.filter(|_| set.allow).map(|(_, command)| {
            format!(
                "Discord shows `/{}` only to members with {}. For others to use it as a slash command, allow them in the \
                 server's settings under Integrations, too; by message it works now.",
                command.name,
                names(command.requires)
            )
        });
        Ok((Some(done), warning))
    }

    async fn clear_rules(&self, table: &Table, guild: GuildId, clear: Clear) -> Result<Option<String>, Problem> {
        let subject = subject(clear.user_id, clear.role_id, clear.channel_id)?;
        // Rules of commands that are gone can be cleared, too.
        let target = target(table, &clear.target).map(|(target, _)| target);
        let name = clear.target.trim().to_lowercase();
        let targets = match target {
            Ok(target) => vec![target],
            Err(_) => vec![Target::Command(name.clone().into()), Target::Category(name.into())],
        };
        let mut cleared = 0;
        self.change(guild, |rules| {
            cleared = targets.iter().map(|target| rules.clear(target, subject)).sum();
        })
        .await?;
        Ok(Some(match cleared {
            0 => "There was no such rule.".to_owned(),
            1 => "1 rule is cleared.".to_owned(),
            many => format!("{many} rules are cleared."),
        }))
    }

    async fn switch(&self, table: &Table, guild: GuildId, switch: Switch) -> Result<Option<String>, Problem> {
        let name = switch.name.trim().trim_start_matches('/').to_lowercase();
        let command = exact(table, &name);
        let is_plugin = table.offers().any(|(plugin, _)| plugin.as_str() == name);
        let known = self
            .tables
            .rules(guild)
            .is_some_and(|rules| rules.plugins_off.contains(&*name) || rules.commands_off.contains(&*name));
        if command.is_none() && !is_plugin && !(switch.on && known) {
            return Err(unknown(&name));
        }
        let is_fixed = command.is_some_and(|(plugin, command)| is_always_on(plugin, &command.name))
            || (command.is_none() && name == crate::bot::HOST_NAME.as_str());
        if !switch.on && is_fixed {
            let text = format!("`{name}` can't be disabled.");
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let both = command.is_some() && is_plugin && name != crate::bot::HOST_NAME.as_str();
        let what = match command {
            _ if both => "plugin and the command",
            Some(_) => "command",
            None => "plugin",
        };
        self.change(guild, |rules| {
            if switch.on {
                rules.plugins_off.remove(&*name);
                rules.commands_off.remove(&*name);
            } else {
                if command.is_some() {
                    rules.commands_off.insert(name.clone().into());
                }
                if command.is_none() || both {
                    rules.plugins_off.insert(name.clone().into());
                }
            }
        })
        .await?;
        let now = if switch.on { "enabled" } else { "disabled" };
        let are = if both { "are" } else { "is" };
        Ok(Some(format!("The {what} `{name}` {are} {now} in this server.")))
    }

    async fn set_deleted_after(&self, table: &Table, guild: GuildId, set: Delete) -> Result<Option<String>, Problem> {
        let command = match &set.command {
            None => None,
            Some(name) => {
                let name = name.trim().trim_start_matches('/').to_lowercase();
                let (_, command) = exact(table, &name).ok_or_else(|| unknown(&name))?;
                Some(command.name.as_str())
            }
        };
        let changed = self.tables.change_guild(guild, |settings| {
            settings.set_deleted_after(command, &set.what, set.seconds);
        });
        changed.await.map_err(|error| storage_problem(&error))?;
        Ok(Some(deletion(command, &set.what, set.seconds)))
    }

    async fn set_server(&self, guild: GuildId, server: Server) -> Result<Option<String>, Problem> {
        let configured = self.config.get();
        let mut done = None;
        let prefix = match server.prefix.as_deref().map(str::trim) {
            None => None,
            Some(word) if word.eq_ignore_ascii_case("reset") => {
                done = Some(format!("The prefix is `{}` again.", configured.prefix));
                Some(None)
            }
            Some(prefix) => {
                let length = prefix.chars().count();
                let is_one = (1..=LONGEST_PREFIX).contains(&length)
                    && !prefix.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '`');
                if !is_one {
                    let text = format!("A prefix has 1 to {LONGEST_PREFIX} characters, without spaces and backticks.");
                    return Err(Problem::new(ProblemCode::Invalid, text));
                }
                done = Some(format!("The prefix is `{prefix}` now."));
                Some(Some(prefix.to_owned()))
            }
        };
        let zone = match server.zone.as_deref().map(str::trim) {
            None => None,
            Some(word) if word.eq_ignore_ascii_case("reset") => {
                done = Some("Dates are meant in UTC again.".to_owned());
                Some(None)
            }
            Some(zone) if is_zone(zone) => {
                done = Some(format!("Dates are meant in `{zone}` now."));
                Some(Some(zone.to_owned()))
            }
            Some(_) => {
                let text = "There is no such time zone. Write one of the IANA's names, such as `Europe/Berlin` or \
                    `America/New_York`.";
                return Err(Problem::new(ProblemCode::Invalid, text));
            }
        };
        if let Some(mention) = server.mention {
            let now = if mention { "works" } else { "doesn't work" };
            done = Some(format!("A mention of me {now} as a prefix here now."));
        }
        let changed = self.tables.change_guild(guild, |settings| {
            if let Some(prefix) = prefix {
                settings.prefix = prefix;
            }
            if let Some(zone) = zone {
                settings.set_time_zone(zone);
            }
            if let Some(mention) = server.mention {
                settings.set_mention_prefix(mention);
            }
        });
        changed.await.map_err(|error| storage_problem(&error))?;
        Ok(done)
    }
}

/// The command of this very name.
fn exact<'a>(table: &'a Table, name: &str) -> Option<(&'a PluginName, &'a Command)> {
    let mut commands = table.commands.commands();
    commands.find(|(_, command)| command.name.to_lowercase() == name)
}

type Found<'a> = (Target, Option<(&'a PluginName, &'a Command)>);

/// What a rule is about: a command, else a category.
fn target<'a>(table: &'a Table, name: &str) -> Result<Found<'a>, Problem> {
    let name = name.trim().trim_start_matches('/').to_lowercase();
    if let Some(command) = exact(table, &name) {
        return Ok((Target::Command(command.1.name.as_str().into()), Some(command)));
    }
    let is_category = |(plugin, command): (&PluginName, &Command)| {
        let category = command.category.as_deref().unwrap_or_else(|| plugin.as_str());
        category.to_lowercase() == name
    };
    if table.commands.commands().any(is_category) {
        return Ok((Target::Category(name.into()), None));
    }
    Err(unknown(&name))
}

fn unknown(name: &str) -> Problem {
    let name: String = name.chars().filter(|letter| *letter != '`').take(32).collect();
    let text = format!("There is no command, category or plugin `{name}`. `help` lists those that there are.");
    Problem::new(ProblemCode::NotFound, text)
}

/// After what time messages of a command, or of all, are deleted, in words.
fn deletion(command: Option<&str>, what: &str, seconds: Option<u32>) -> String {
    let whose = command.map_or_else(|| "commands".to_owned(), |name| format!("`{name}`"));
    let what = match what {
        "success" => format!("Answers of {whose}"),
        _ => format!("Messages with {whose}"),
    };
    match seconds {
        None => format!("{what} are deleted as the bot's owner has set."),
        Some(0) => format!("{what} stay in this server."),
        Some(1) => format!("{what} are deleted after 1 second in this server."),
        Some(seconds) => format!("{what} are deleted after {seconds} seconds in this server."),
    }
}

/// A rule in words: "`ban` is allowed for @Moderator".
fn line(rule: &Rule) -> String {
    let target = match &rule.target {
        Target::Command(name) => format!("`{name}`"),
        Target::Category(name) => format!("every command of category `{name}`"),
    };
    let effect = match rule.effect {
        Effect::Allow => "allowed",
        Effect::Deny => "refused",
    };
    let at = match rule.subject {
        Subject::Channel(_) => "in",
        Subject::User(_) | Subject::Role(_) => "for",
    };
    format!("{target} is {effect} {at} {}", shown(rule.subject))
}

fn arguments<T: DeserializeOwned>(call: Call) -> Result<T, Problem> {
    serde_json::from_value(call.arguments)
        .map_err(|error| Problem::new(ProblemCode::Invalid, format!("`{}`: {error}", call.name)))
}
