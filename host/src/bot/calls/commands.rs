//! `commands.*`: what whoever asks may use in the place where they ask.
//!
//! Open to every plugin: it tells of no one but the asker of its own invocation.

use plugin_protocol::{
    Bucket, Call, Command, Contexts, Cooldown, CooldownRule, Door, GuildId, MenuTarget, PluginName, Problem,
    ProblemCode,
    commands::{CommandList, ListedArgument, ListedCommand},
    wording,
};
use serde_json::{Value, json};

use super::{Access, Calls, why::There};
use crate::{
    commands::{CommandIndex, usage},
    permits::Refusal,
    slash::Standing,
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("commands.list", Access::All),
    ("commands.names", Access::All),
    ("commands.why", Access::All),
    ("commands.cooldown", Access::All),
];

/// Where it is asked.
struct Here {
    guild: Option<GuildId>,
    prefix: String,
    /// Of commands that declare none: so many uses in so many milliseconds.
    default_cooldown: (u32, u64),
}

impl Calls {
    pub(super) async fn about_commands(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        if call.name == "commands.why" {
            return self.why(from, call).await;
        }
        if call.name == "commands.cooldown" {
            return self.count_use(from, call);
        }
        if call.name == "commands.names" {
            return self.names();
        }
        let config = self.config.get();
        let origin = call
            .invocation
            .and_then(|id| self.invocations.origin(id))
            .filter(|origin| origin.plugin == *from);
        let guild = origin.as_ref().and_then(|origin| origin.guild_id);
        let settings = guild.and_then(|guild| self.tables.guild(guild));
        let own = settings.as_ref().and_then(|settings| settings.prefix.clone());
        let mention = settings.as_ref().and_then(|settings| settings.mention_prefix());
        let here = Here {
            guild,
            prefix: own.unwrap_or_else(|| config.prefix.clone()),
            default_cooldown: (
                config.cooldowns.default_rate,
                u64::try_from(config.cooldowns.default_per.as_millis()).unwrap_or(u64::MAX),
            ),
        };
        let there = origin.as_deref().and_then(There::of);
        let table = self.life()?.routing().read();
        let standing = self.slash.standing();
        let mut commands = Vec::new();
        for (plugin, command) in table.commands.commands() {
            let decided = match &there {
                Some(there) => self.gatekeeper.decide(&there.asks(plugin, command), None).await,
                None if command.contexts == Contexts::Guild => Err(Refusal::ServerOnly),
                None if command.owner_only || command.guild_owner_only => Err(Refusal::OwnerOnly),
                None => Ok(()),
            };
            // What is switched off in a server isn't there.
            if decided == Err(Refusal::Disabled) {
                continue;
            }
            let listed = listed((plugin, command), &table.commands, &here, &standing, decided.is_ok());
            let is_in_menus = !listed.user_menus.is_empty() || !listed.message_menus.is_empty();
            if listed.prefix || listed.slash || is_in_menus {
                commands.push(listed);
            }
        }
        commands.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(json!(CommandList {
            prefix: here.prefix,
            mention: mention.unwrap_or(config.allow_mention_prefix),
            reads_messages: self.reads_messages(),
            commands,
        }))
    }
}

impl Calls {
    /// Counts the use of a command that is running, beside what it declares: for those whose cooldown depends on how they
    /// are used.
    fn count_use(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        let invalid = |text: &str| Problem::new(ProblemCode::Invalid, text);
        let rule: Cooldown = serde_json::from_value(call.arguments.clone())
            .map_err(|error| invalid(&format!("`commands.cooldown`: {error}")))?;
        if rule.uses == 0 || rule.per_ms == 0 {
            return Err(invalid("a cooldown is at least one use in some time"));
        }
        let origin = call.invocation.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.plugin == *from);
        let there = origin.as_deref().and_then(There::of);
        let Some((origin, there)) = origin.as_deref().zip(there) else {
            return Err(invalid("this is asked in an invocation"));
        };
        let command = Command {
            // Not the bucket of what the command declares.
            name: format!("{} while it runs", origin.command),
            cooldown: CooldownRule::Of(rule),
            ..Command::default()
        };
        let taken = self.gatekeeper.take(&there.asks(from, &command));
        let own = origin
            .guild_id
            .and_then(|guild| self.tables.guild(guild)?.prefix.clone());
        let prefix = match origin.door {
            Door::Prefix => own.unwrap_or_else(|| self.config.get().prefix.clone()),
            _ => "/".to_owned(),
        };
        let shown = format!("{prefix}{}", origin.command);
        let refused = |refusal: Refusal| Problem::new(ProblemCode::Busy, refusal.text(&shown));
        taken.map(|_| Value::Null).map_err(refused)
    }
}

fn listed(
    (plugin, command): (&PluginName, &Command),
    index: &CommandIndex,
    here: &Here,
    standing: &Standing,
    may_run: bool,
) -> ListedCommand {
    let guild = here.guild;
    let left_out = standing.left_out(plugin.as_str(), &command.name);
    let slash_id = standing
        .id(&command.name, guild)
        .filter(|_| command.doors.slash && left_out.is_none());
    let arguments = command.arguments.iter().map(|argument| ListedArgument {
        name: argument.name.clone(),
        description: argument.description.clone(),
        wants: wording::wants(argument),
        required: argument.required,
    });
    let menus = |target: MenuTarget| {
        let here = command.menus.iter().filter(|menu| menu.target == target);
        let here = here.filter(|menu| standing.has_menu(menu, guild));
        // Under a name that another plugin has, there is that one's.
        let here = here.filter(|menu| {
            let found = index.menu(menu.target, &menu.name);
            found.is_some_and(|(by, its, _)| by == plugin && its.name == command.name)
        });
        here.map(|menu| menu.name.clone()).collect()
    };
    ListedCommand {
        name: command.name.clone(),
        description: command.description.clone(),
        plugin: plugin.to_string(),
        category: command.category.clone().unwrap_or_else(|| plugin.to_string()),
        prefix: command.doors.prefix || left_out.is_some_and(|left_out| left_out.full),
        slash: slash_id.is_some(),
        prefix_only: left_out.map(|left_out| left_out.why.clone()),
        slash_id: slash_id.map(str::to_owned),
        user_menus: menus(MenuTarget::User),
        message_menus: menus(MenuTarget::Message),
        usage: usage(&here.prefix, command),
        aliases: command.aliases.clone(),
        arguments: arguments.collect(),
        cooldown: cooldown(command, here.default_cooldown),
        who: who(command),
        examples: command.examples.clone(),
        owner_only: command.owner_only,
        hidden: command.hidden,
        may_run,
    }
}

/// How often it may be used: "3 times in 5 s, each user".
fn cooldown(command: &Command, default: (u32, u64)) -> Option<String> {
    let (uses, per_ms, bucket) = match command.cooldown {
        CooldownRule::None => return None,
        CooldownRule::Default => (default.0, default.1, Bucket::User),
        CooldownRule::Of(Cooldown { uses, per_ms, bucket }) => (uses, per_ms, bucket),
    };
    let times = if uses == 1 {
        "once".to_owned()
    } else {
        format!("{uses} times")
    };
    let seconds = per_ms / 1000;
    let per = match (seconds, per_ms % 1000) {
        (seconds, 0) if seconds >= 3600 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        (seconds, 0) if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, rest) => format!("{seconds}.{} s", rest / 100),
    };
    let whose = match bucket {
        Bucket::User => "each user",
        Bucket::Member => "each member",
        Bucket::Channel => "each channel",
        Bucket::Guild => "each server",
        Bucket::Global => "all together",
    };
    Some(format!("{times} in {per}, {whose}"))
}

/// Who may use it unless a server says otherwise; `None` for everyone.
fn who(command: &Command) -> Option<String> {
    let mut parts = Vec::new();
    if command.owner_only {
        parts.push("the bot's owner".to_owned());
    } else if command.guild_owner_only {
        parts.push("the server's owner".to_owned());
    } else if !command.requires.is_empty() {
        let names: Vec<_> = command.requires.shown().map(|name| format!("*{name}*")).collect();
        parts.push(format!("members with {}", names.join(", ")));
    }
    match command.contexts {
        Contexts::Guild => parts.push("in servers".to_owned()),
        Contexts::DirectMessages => parts.push("in direct messages".to_owned()),
        _ => {}
    }
    if command.nsfw {
        parts.push("in age-restricted channels".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
