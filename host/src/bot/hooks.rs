//! The hooks and the rest of the bot: who listens, by which way, what the bot tells of itself, and what callbacks' failures
//! come to.
//!
//! Nothing here decides who runs when, which is the hooks' own matter.

use std::{sync::Arc, time::Instant};

use plugin_protocol::{
    Door, GuildId, MenuTarget, PluginName, Problem, ProblemCode,
    hooks::{
        CommandError, CommandExecuted, CommandKind, Emit, GuildJoined, GuildLeft, GuildSummary, HookRegistered,
        HookRegistration,
    },
    kind,
};

use super::{HOST_NAME, desk::head, gatekeeper::Gatekeeper, incidents::Reporter};
use crate::{
    cache::{Cache, GuildInfo},
    hooks::{Handed, Hooks, Lanes, Listener, NotEmitted, Report, Source},
    interactions::{Incident, Invocations, Origin},
    plugins::{self, Delivery, Entered, Generation, Held, Routing, Table, Way},
    storage::Tables,
    telemetry::NoticeKind,
};

/// The way from the hooks to lanes.
pub struct ToLanes {
    pub(super) routing: Arc<Routing<Table>>,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) tables: Tables,
}

impl Lanes for ToLanes {
    fn hears(&self, number: u32) -> bool {
        self.routing.read().hears(number)
    }

    fn declared(&self, event: &str) -> Vec<Listener> {
        let table = self.routing.read();
        let hooks = table.hooks(event).iter();
        hooks.map(|(plugin, hook)| Listener::declared(plugin, hook)).collect()
    }

    fn is_off_in(&self, plugin: &PluginName, guild: GuildId) -> bool {
        self.gatekeeper.is_off(plugin, Some(guild))
    }

    fn all_declared(&self) -> Vec<Listener> {
        let table = self.routing.read();
        let hooks = table
            .offers()
            .flat_map(|(plugin, offers)| offers.hooks.iter().map(|hook| Listener::declared(plugin, hook)));
        hooks.collect()
    }

    fn generation(&self, plugin: &PluginName) -> Option<u32> {
        self.routing.read().latest(plugin).map(|generation| generation.number)
    }

    fn is_off(&self, callback: &str) -> bool {
        self.tables.is_hook_off(callback)
    }

    fn deliver(&self, to: &Listener, run: u64, head: &[u8], payload: &str) -> Handed {
        let find = |table: &Table| match &to.source {
            Source::Declared { .. } => table.way(&to.plugin),
            Source::Registered { generation, .. } => {
                let serving = table.generation(&to.plugin).filter(|one| one.number == *generation)?;
                Some(Way::Serves(Arc::clone(serving), Arc::clone(&serving.gate)))
            }
        };
        let wait = || Delivery {
            what: Held::Hook {
                run,
                function: match &to.source {
                    Source::Declared { function } => function.clone(),
                    Source::Registered { .. } => String::new(),
                },
            },
            head: head.to_vec(),
            payload: payload.to_owned(),
            since: Instant::now(),
        };
        match self.routing.enter(find, head.len() + payload.len(), wait) {
            None => Handed::Absent,
            Some(Entered::Waits) => Handed::Waits,
            Some(Entered::Full) => Handed::Full,
            Some(Entered::Now(generation, ticket)) => {
                // Looked up in an older table than the one by which it was found here.
                if let Source::Declared { function } = &to.source
                    && !generation
                        .description
                        .hooks
                        .iter()
                        .any(|hook| hook.function == *function)
                {
                    return Handed::Absent;
                }
                let hangs = generation.pulse.hung_for(Instant::now()).is_some();
                if hangs || !generation.has_room() {
                    return Handed::Full;
                }
                match generation.deliver(kind::HOOK, run, head, payload.as_bytes(), ticket) {
                    Ok(()) => Handed::Now,
                    Err(_) => Handed::Full,
                }
            }
        }
    }
}

/// A plugin emits an event of its own.
pub fn emit(hooks: &Hooks, from: &Generation, request: &plugins::Request) {
    let emitted = head::<Emit>(&request.head).and_then(|emit| {
        let emitted = hooks.emit_for(from.name(), &emit, &request.tail);
        emitted.map_err(|why| match why {
            NotEmitted::Invalid(text) => Problem::new(ProblemCode::Invalid, text),
            NotEmitted::Busy(text) => Problem::new(ProblemCode::Busy, text),
        })
    });
    from.answer(request.id, &emitted, &[]);
}

/// A plugin listens from now on.
pub fn register(hooks: &Hooks, from: &Generation, request: &plugins::Request) {
    let registered = head::<HookRegistration>(&request.head).and_then(|asked| {
        let id = hooks.register(from.name(), from.number, &from.description.hooks, &asked);
        id.map_err(|why| Problem::new(ProblemCode::Invalid, why))
    });
    let registered = registered.map(|id| HookRegistered { id });
    from.answer(request.id, &registered, &[]);
}

/// By which way a command was used; `None` for what is no command.
fn kind_of(door: Door, menu: Option<MenuTarget>) -> Option<CommandKind> {
    match (door, menu) {
        (Door::Prefix, _) => Some(CommandKind::Prefix),
        (Door::Slash, _) => Some(CommandKind::Slash),
        (Door::Menu, Some(MenuTarget::Message)) => Some(CommandKind::MessageMenu),
        (Door::Menu, Some(MenuTarget::User)) => Some(CommandKind::UserMenu),
        (Door::Menu, _) => Some(CommandKind::Unknown),
        (Door::Component | Door::Modal | Door::Unknown, _) => None,
    }
}

/// By which way the command of this origin was used.
pub fn kind_of_origin(origin: &Origin) -> Option<CommandKind> {
    kind_of(origin.door, origin.menu)
}

/// An invocation has come to its end well.
pub fn executed(hooks: &Hooks, invocations: &Invocations, id: u64) {
    if !hooks.hears::<CommandExecuted>() {
        return;
    }
    let Some(origin) = invocations.origin(id) else { return };
    let Some(kind) = kind_of_origin(&origin) else { return };
    hooks.emit(origin.guild_id, || CommandExecuted {
        command_name: origin.command.clone(),
        plugin: origin.plugin.to_string(),
        author: origin.author.clone(),
        guild_id: origin.guild_id,
        channel_id: origin.channel_id,
        kind,
        took_us: u64::try_from(origin.began.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
}

/// An invocation has failed.
pub fn failed(hooks: &Hooks, incident: &Incident) {
    let Some(kind) = kind_of(incident.door, incident.menu) else {
        return;
    };
    hooks.emit(incident.guild_id, || CommandError {
        command_name: incident.command.clone(),
        plugin: incident.plugin.to_string(),
        error: incident
            .panic
            .as_ref()
            .map_or_else(|| incident.text.clone(), |panic| panic.message.clone()),
        panicked: incident.panic.is_some(),
        code: incident.code.clone(),
        author: incident.author.clone(),
        guild_id: incident.guild_id,
        channel_id: incident.channel_id,
        kind,
    });
}

/// Hands an event of the gateway to the cache, and tells of servers that the bot has joined or left: those that were not
/// known before, or are not any more. Servers that Discord sends at the start it has announced, and an outage leaves them
/// known.
///
/// # Errors
///
/// The payload is not what Discord documents.
pub fn apply(hooks: &Hooks, cache: &Cache, event: &str, payload: &str) -> Result<(), serde_json::Error> {
    let matters = match event {
        "GUILD_CREATE" => hooks.hears::<GuildJoined>(),
        "GUILD_DELETE" => hooks.hears::<GuildLeft>(),
        _ => false,
    };
    let id = if matters { guild_of(payload) } else { None };
    let before = id.and_then(|id| cache.guild(id));
    cache.apply(event, payload)?;
    let Some(id) = id else { return Ok(()) };
    match (before, cache.guild(id)) {
        (None, Some(now)) => hooks.emit(Some(id), || GuildJoined { guild: summary(now) }),
        (Some(before), None) => hooks.emit(Some(id), || GuildLeft { guild: summary(before) }),
        _ => {}
    }
    Ok(())
}

fn guild_of(payload: &str) -> Option<GuildId> {
    #[derive(serde::Deserialize)]
    struct Dispatch {
        d: Guild,
    }
    #[derive(serde::Deserialize)]
    struct Guild {
        id: GuildId,
    }
    let dispatch: Dispatch = serde_json::from_str(payload).ok()?;
    Some(dispatch.d.id)
}

fn summary(guild: GuildInfo) -> GuildSummary {
    GuildSummary {
        id: guild.id,
        name: guild.name,
        owner_id: guild.owner_id,
        member_count: guild.member_count,
    }
}

/// What becomes of callbacks that fail, and of floods.
pub fn report(reporter: &Reporter, code: impl FnOnce() -> String, report: Report) {
    match report {
        Report::Failed(failure) => {
            reporter.hook_failed(&failure, code());
            if failure.opened {
                let text = format!(
                    "The callback `{}` of the event `{}` has failed too often, the last time with: {}. It is left out for 60 s, \
                     then tried once. `hooks disable {0}` switches it off; `hooks reset {0}` tries it at once.",
                    failure.callback, failure.event, failure.text
                );
                reporter
                    .notices
                    .tell(NoticeKind::Trouble(failure.plugin.to_string()), text);
            }
        }
        Report::Flood(plugin, refused, why) => {
            let text = format!(
                "The plugin `{plugin}` emits more events than are taken, {refused} of them were refused: {why}. Its author \
                 should emit less; `unload {plugin}` silences it."
            );
            reporter.notices.tell(NoticeKind::Flood(plugin.to_string()), text);
        }
        Report::Dropped(dropped) => {
            let text = format!(
                "{dropped} events of the bot's own were not told to plugins: callbacks of hooks do not keep up. `hookhistory` \
                 shows which take long."
            );
            reporter.notices.tell(NoticeKind::Flood(HOST_NAME.to_string()), text);
        }
    }
}
