//! `commands.why`: the evaluator's own trace, of whoever asks or, for administrators, of somebody else.
//!
//! What is told is what the checks found when they were asked just now; nothing is worked out a second time.

use plugin_protocol::{
    Call, ChannelId, Command, GuildId, Invocation, Member, MenuTarget, Permissions, PluginName, Problem, ProblemCode,
    User, UserId,
    commands::{Why, WhyStep},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Calls;
use crate::{
    bot::gatekeeper::{Asked, Fetched},
    commands::{CommandIndex, Directory, usage},
    interactions::Origin,
    permits::Verdict,
    slash::Standing,
};

/// Who asked, and where, as it stands in an open invocation.
pub(super) struct There {
    user: User,
    member: Option<Member>,
    guild: Option<GuildId>,
    channel: ChannelId,
    /// The same for all commands that are asked about.
    fetched: Fetched,
}

#[derive(Deserialize)]
struct Question {
    command: String,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    channel_id: Option<ChannelId>,
}

impl There {
    /// From where an invocation came; `None` if it tells nothing of the asker.
    pub(super) fn of(origin: &Origin) -> Option<Self> {
        let asked: Invocation = serde_json::from_slice(origin.asked.as_ref()?).ok()?;
        Some(Self {
            user: asked.author,
            member: asked.member,
            guild: origin.guild_id,
            channel: origin.channel_id,
            fetched: Fetched::default(),
        })
    }

    /// They ask for this command.
    pub(super) fn asks<'a>(&'a self, plugin: &'a PluginName, command: &'a Command) -> Asked<'a> {
        let asked = Asked::of(
            (plugin, command),
            (self.user.id, self.member.as_ref()),
            (self.guild, self.channel),
        );
        Asked {
            fetched: Some(&self.fetched),
            ..asked
        }
    }
}

/// Where a command stands that is no slash command, but in menus.
fn in_menus(
    (plugin, command): (&PluginName, &Command),
    index: &CommandIndex,
    standing: &Standing,
    guild: Option<GuildId>,
) -> String {
    let menus = command.menus.iter().map(|menu| {
        // Of two with one name, the menu has the one that came first.
        let is_its_own = index
            .menu(menu.target, &menu.name)
            .is_some_and(|(owner, other, _)| owner == plugin && other.name == command.name);
        let of = match menu.target {
            MenuTarget::User => "of members",
            MenuTarget::Message => "of messages",
            MenuTarget::Unknown => "of something unknown",
        };
        let not = match (is_its_own, standing.has_menu(menu, guild)) {
            (true, true) => "",
            (true, false) => "not at the moment: ",
            (false, _) => "another plugin has the name: ",
        };
        format!("{not}\"{}\" in the menu {of}, under Apps", menu.name)
    });
    menus.collect::<Vec<_>>().join(", ")
}

impl Calls {
    /// All commands and categories, for those who write rules about them.
    pub(super) fn names(&self) -> Result<Value, Problem> {
        let table = self.life()?.routing().read();
        let mut commands = Vec::new();
        let mut categories = Vec::new();
        for (plugin, command) in table.commands.commands() {
            commands.push(command.name.clone());
            let category = command.category.clone();
            categories.push(category.unwrap_or_else(|| plugin.to_string()));
        }
        for list in [&mut commands, &mut categories] {
            list.sort_unstable();
            list.dedup();
        }
        let mut plugins: Vec<_> = table.offers().map(|(plugin, _)| plugin.to_string()).collect();
        plugins.sort_unstable();
        Ok(json!({ "commands": commands, "categories": categories, "plugins": plugins }))
    }

    pub(super) async fn why(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        let invalid = |text: &str| Problem::new(ProblemCode::Invalid, text);
        let question: Question = serde_json::from_value(call.arguments.clone())
            .map_err(|error| Problem::new(ProblemCode::Invalid, format!("`commands.why`: {error}")))?;
        let origin = call.invocation.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.plugin == *from);
        let mut there = origin
            .as_deref()
            .and_then(There::of)
            .ok_or_else(|| invalid("this is asked in an invocation"))?;
        let table = self.life()?.routing().read();
        let wanted = question.command.trim();
        let Some((plugin, command)) = table.commands.named(wanted) else {
            let name: String = wanted.chars().filter(|letter| *letter != '`').take(32).collect();
            let text = format!("There is no command `{name}`. `help` lists those that there are.");
            return Err(Problem::new(ProblemCode::NotFound, text));
        };
        self.turn_to(&mut there, &question, plugin).await?;
        let asked = there.asks(plugin, command);
        let mut steps = Vec::new();
        let decided = self.gatekeeper.decide(&asked, Some(&mut steps)).await;
        let mut steps: Vec<_> = steps
            .into_iter()
            .map(|step| WhyStep {
                check: step.check.to_owned(),
                passed: match step.verdict {
                    Verdict::Passed => Some(true),
                    Verdict::Refused => Some(false),
                    Verdict::Silent => None,
                },
                text: step.text,
            })
            .collect();
        let config = self.config.get();
        let own = there.guild.and_then(|guild| self.tables.guild(guild)?.prefix.clone());
        let shown = Command {
            name: command.name.clone(),
            ..Command::default()
        };
        let shown = usage(&own.unwrap_or_else(|| config.prefix.clone()), &shown);
        let decided = match decided {
            Ok(()) => {
                let counted = self.gatekeeper.peek(&asked);
                let text = match (&counted, self.gatekeeper.cooldown(&asked)) {
                    (Err(refusal), _) => refusal.text(&shown),
                    (Ok(()), None) => "there is none".to_owned(),
                    (Ok(()), Some(rule)) => {
                        format!("{} in {} s, of which some are left", rule.uses, rule.per_ms / 1000)
                    }
                };
                steps.push(WhyStep {
                    check: "how often".to_owned(),
                    passed: Some(counted.is_ok()),
                    text,
                });
                counted
            }
            refused => refused,
        };
        let standing = self.slash.standing();
        let slash = match standing.left_out(plugin.as_str(), &command.name) {
            _ if !command.doors.slash && !command.menus.is_empty() => {
                in_menus((plugin, command), &table.commands, &standing, there.guild)
            }
            _ if !command.doors.slash => "it is no slash command".to_owned(),
            Some(left_out) => format!("it is no slash command at the moment: {}", left_out.why),
            None => match standing.id(&command.name, there.guild) {
                Some(id) => format!("</{}:{id}>", command.name),
                None => "it is a slash command, but not in this place".to_owned(),
            },
        };
        Ok(json!(Why {
            command: command.name.clone(),
            may_run: decided.is_ok(),
            told: decided.err().map(|refusal| refusal.text(&shown)),
            steps,
            slash,
        }))
    }

    /// Turns a question to somebody else, or to another channel: for administrators of the server and the bot's owner.
    async fn turn_to(&self, there: &mut There, question: &Question, plugin: &PluginName) -> Result<(), Problem> {
        let about_other = question.user_id.is_some_and(|id| id != there.user.id);
        let elsewhere = question.channel_id.is_some_and(|id| id != there.channel);
        if !about_other && !elsewhere {
            return Ok(());
        }
        let Some(guild) = there.guild else {
            let text = "Others and other channels can be asked about in a server only.";
            return Err(Problem::new(ProblemCode::Invalid, text));
        };
        let roles = there.member.as_ref().map_or(&[][..], |member| &member.roles);
        let own = self.gatekeeper.permissions(guild, there.channel, there.user.id, roles);
        let is_administrator = own.is_some_and(|own| own.contains(Permissions::ADMINISTRATOR));
        if about_other && !is_administrator && !self.owners.contains(there.user.id) {
            let text = "Only administrators of this server can ask about others.";
            return Err(Problem::new(ProblemCode::NotGranted, text));
        }
        if let Some(member) = &mut there.member {
            // It holds for the channel in which it was asked.
            member.permissions = None;
        }
        if let Some(channel) = question.channel_id {
            there.channel = channel;
        }
        if let Some(id) = question.user_id.filter(|_| about_other) {
            let found = self.gatekeeper.directory().of(plugin).member(guild, id).await;
            let member = found.map_err(|error| Problem::new(ProblemCode::Failed, format!("{error:?}")))?;
            let Some(member) = member else {
                return Err(Problem::new(ProblemCode::NotFound, "That user is not in this server."));
            };
            there.user = member.user.clone();
            there.member = Some(member);
        }
        Ok(())
    }
}
