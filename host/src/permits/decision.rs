//! The order of checks: whether somebody may use a command here, and by what.
//!
//! Each check is one function that finds something or nothing; the trace is what they found, so that what is explained
//! is what happens. How often and how many at a time is asked afterwards, since that changes with every use.

use plugin_protocol::{ChannelId, Command, Contexts, GuildId, Permissions, PluginName, RoleId, UserId};

use super::{
    overrides::{Overrides, Saying},
    refusal::{Refusal, names, shown},
    rules::{Effect, Ruling, ServerRules, Whom},
};

/// Everything that decides.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The plugin.
    pub plugin: &'a PluginName,
    /// The command.
    pub command: &'a Command,
    /// Who asks.
    pub asker: Asker<'a>,
    /// Where.
    pub place: Place,
    /// What the bot may there.
    pub bot: Permissions,
    /// The server's own rules.
    pub rules: &'a ServerRules,
    /// The owner's rules for servers which have none for the command and its category.
    pub defaults: &'a ServerRules,
    /// What administrators have set at Discord.
    pub overrides: Overrides<'a>,
    /// Whether Discord has asked for what it requires of users before it told of this: the registered command says so. Then
    /// who lacks it was allowed by the server's administrators.
    pub is_gated: bool,
    /// Whether Discord has let the user through after what administrators have set: then none of it refuses any more.
    pub is_let_through: bool,
    /// Whether the bot's owner has limited its plugin to other servers.
    pub is_elsewhere: bool,
    /// Whether no rule and no switch may hide or restrict it.
    pub is_protected: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user.
    pub id: UserId,
    /// Whether they own the bot.
    pub owns_bot: bool,
    /// Whether they own the server.
    pub owns_guild: bool,
    /// Their roles, without @everyone.
    pub roles: &'a [RoleId],
    /// What they may in the channel.
    pub permissions: Permissions,
}

/// Where it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In direct messages.
    Direct,
    /// In a server.
    Server {
        /// The server.
        guild: GuildId,
        /// The channel.
        channel: ChannelId,
        /// Of a thread, its channel.
        parent: Option<ChannelId>,
        /// Whether the channel, or the thread's, is age-restricted.
        is_nsfw: bool,
    },
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands against it.
    Passed,
    /// It is refused.
    Refused,
    /// It was not asked, or has nothing to say.
    Silent,
}

/// A check and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The check, in a few words.
    pub check: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, for people.
    pub text: String,
}

/// What a check finds.
enum Finding {
    Silent(&'static str),
    Passed(String),
    /// It passes, and so do the user's permissions, whatever they are.
    Grants(String),
    Refused(Refusal, String),
}

type Check = fn(&Facts<'_>, Granted) -> Finding;

/// Whether an earlier check has granted the user's half, or reserved it for others.
#[derive(Clone, Copy, Default)]
struct Granted {
    is_granted: bool,
}

/// The checks, in order.
const CHECKS: [(&str, Check); 8] = [
    ("place", place),
    ("switched off here", switches),
    ("owner", owners),
    ("Discord's own settings", overrides),
    ("rules of this server", rules),
    ("your permissions", user),
    ("my permissions", bot),
    ("age restriction", age),
];

/// Whether it is allowed; the trace gets every check up to the one that refuses.
///
/// # Errors
///
/// Why not.
pub fn decide(facts: &Facts<'_>, mut trace: Option<&mut Vec<Step>>) -> Result<(), Refusal> {
    let mut granted = Granted::default();
    for (check, find) in CHECKS {
        let (verdict, text, refusal) = match find(facts, granted) {
            Finding::Silent(text) => (Verdict::Silent, text.to_owned(), None),
            Finding::Passed(text) => (Verdict::Passed, text, None),
            Finding::Grants(text) => {
                granted.is_granted = true;
                (Verdict::Passed, text, None)
            }
            Finding::Refused(refusal, text) => (Verdict::Refused, text, Some(refusal)),
        };
        if let Some(trace) = trace.as_deref_mut() {
            trace.push(Step { check, verdict, text });
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
    }
    Ok(())
}

impl Facts<'_> {
    /// The category under which help shows the command.
    #[must_use]
    pub fn category(&self) -> &str {
        self.command.category.as_deref().unwrap_or_else(|| self.plugin.as_str())
    }
}

fn place(facts: &Facts<'_>, _: Granted) -> Finding {
    let is_direct = facts.place == Place::Direct;
    match facts.command.contexts {
        Contexts::Guild if is_direct => Finding::Refused(Refusal::ServerOnly, "it is for servers only".to_owned()),
        Contexts::DirectMessages if !is_direct => {
            Finding::Refused(Refusal::DirectOnly, "it is for direct messages only".to_owned())
        }
        Contexts::Guild => Finding::Passed("it is for servers, and this is one".to_owned()),
        Contexts::DirectMessages => Finding::Passed("it is for direct messages, and this is one".to_owned()),
        Contexts::Everywhere | Contexts::Unknown => Finding::Silent("it can be used everywhere"),
    }
}

fn switches(facts: &Facts<'_>, _: Granted) -> Finding {
    if facts.is_elsewhere {
        let text = format!("the plugin `{}` serves in other servers only", facts.plugin);
        return Finding::Refused(Refusal::Disabled, text);
    }
    if facts.place == Place::Direct || facts.is_protected {
        return Finding::Silent("it can't be switched off here");
    }
    if facts.rules.plugins_off.contains(facts.plugin.as_str()) {
        let text = format!("the plugin `{}` is disabled in this server", facts.plugin);
        return Finding::Refused(Refusal::Disabled, text);
    }
    if facts.rules.commands_off.contains(facts.command.name.as_str()) {
        return Finding::Refused(Refusal::Disabled, "the command is disabled in this server".to_owned());
    }
    Finding::Silent("it is not disabled")
}

fn owners(facts: &Facts<'_>, _: Granted) -> Finding {
    if facts.asker.owns_bot {
        return Finding::Grants("the bot's owner may use everything that the bot can do".to_owned());
    }
    if facts.command.owner_only {
        return Finding::Refused(
            Refusal::OwnerOnly,
            "it is for the bot's owners, and no rule opens it".to_owned(),
        );
    }
    if facts.command.guild_owner_only {
        return if facts.asker.owns_guild {
            Finding::Grants("the server's owner may use it".to_owned())
        } else {
            let text = "it is for the server's owner and the bot's, and no rule opens it";
            Finding::Refused(Refusal::ServerOwnerOnly, text.to_owned())
        };
    }
    Finding::Silent("it is not for owners only")
}

fn overrides(facts: &Facts<'_>, granted: Granted) -> Finding {
    let Place::Server {
        guild, channel, parent, ..
    } = facts.place
    else {
        return Finding::Silent("there are none in direct messages");
    };
    if granted.is_granted || facts.is_protected {
        return Finding::Silent("they are not asked");
    }
    if facts.asker.permissions.contains(Permissions::ADMINISTRATOR) {
        return Finding::Silent("they do not hold for administrators");
    }
    let said = facts
        .overrides
        .say(guild, parent.unwrap_or(channel), facts.asker.id, facts.asker.roles);
    match said {
        Saying::Nothing => Finding::Silent("administrators have set nothing for it there"),
        Saying::Allows => Finding::Grants("administrators allow it under Integrations".to_owned()),
        Saying::Refuses if facts.is_let_through => Finding::Silent("Discord has asked them already"),
        Saying::Refuses => {
            let text = "administrators refuse it under Integrations".to_owned();
            Finding::Refused(Refusal::Overridden, text)
        }
    }
}

/// What the server's rules say; without any about the command or its category, what the bot's owner has set for all.
fn ruling(facts: &Facts<'_>) -> Option<Ruling> {
    let Place::Server {
        guild, channel, parent, ..
    } = facts.place
    else {
        return None;
    };
    let whom = Whom {
        user: facts.asker.id,
        roles: facts.asker.roles,
        everyone: RoleId::new(guild.get()),
        channel,
        parent,
    };
    let category = facts.category();
    Some(match facts.rules.say(&facts.command.name, category, &whom) {
        Ruling::None => facts.defaults.say(&facts.command.name, category, &whom),
        said => said,
    })
}

fn rules(facts: &Facts<'_>, granted: Granted) -> Finding {
    if facts.asker.owns_bot || facts.command.guild_owner_only || facts.is_protected {
        return Finding::Silent("they are not asked");
    }
    match ruling(facts) {
        None => Finding::Silent("there are none in direct messages"),
        Some(Ruling::None) => Finding::Silent("none is about it"),
        Some(Ruling::By(rule)) if rule.effect == Effect::Allow => {
            Finding::Grants(format!("the one for {} allows it", shown(rule.subject)))
        }
        Some(Ruling::By(rule)) => {
            let text = format!("the one for {} refuses it", shown(rule.subject));
            Finding::Refused(Refusal::Denied, text)
        }
        // Who has what the command requires needs no rule; where it requires nothing, a rule for some is one against others.
        Some(Ruling::For(others)) if facts.command.requires.is_empty() && !granted.is_granted => {
            Finding::Refused(Refusal::For(others), "they allow it to others only".to_owned())
        }
        Some(Ruling::For(_)) => Finding::Silent("they allow it to others, which takes nothing from anybody"),
    }
}

fn user(facts: &Facts<'_>, granted: Granted) -> Finding {
    let requires = facts.command.requires;
    if requires.is_empty() {
        return Finding::Silent("it requires none");
    }
    if granted.is_granted {
        return Finding::Passed(format!(
            "{} would be needed, but it is allowed already",
            names(requires)
        ));
    }
    let lacking = requires.without(facts.asker.permissions);
    if lacking.is_empty() {
        return Finding::Passed(format!("{} is there", names(requires)));
    }
    if facts.is_gated {
        return Finding::Passed(format!(
            "Discord has asked for {}, or administrators allow it under Integrations",
            names(requires)
        ));
    }
    let text = format!("{} is missing", names(lacking));
    match ruling(facts) {
        Some(Ruling::For(others)) => Finding::Refused(Refusal::For(others), text),
        _ => Finding::Refused(Refusal::UserLacks(lacking), text),
    }
}

fn bot(facts: &Facts<'_>, _: Granted) -> Finding {
    let requires = facts.command.bot_requires;
    if requires.is_empty() || facts.place == Place::Direct {
        return Finding::Silent("it requires none");
    }
    let lacking = requires.without(facts.bot);
    if lacking.is_empty() {
        return Finding::Passed(format!("{} is there", names(requires)));
    }
    Finding::Refused(Refusal::BotLacks(lacking), format!("{} is missing", names(lacking)))
}

fn age(facts: &Facts<'_>, _: Granted) -> Finding {
    match facts.place {
        _ if !facts.command.nsfw => Finding::Silent("it has none"),
        Place::Server { is_nsfw: true, .. } => Finding::Passed("the channel is age-restricted, too".to_owned()),
        _ => Finding::Refused(Refusal::AgeRestricted, "the channel is not age-restricted".to_owned()),
    }
}

#[cfg(test)]
mod tests;
