//! The way of an event: from a shard, past whoever wants it, to the lanes of live generations.
//!
//! Called on the shard's task, in the order of the session. An event that nobody wants costs its partial read and a
//! look-up. A command whose arguments need no look-up is delivered before the next event is read; one that has to ask
//! Discord for a member goes on in a task of its own.

mod clicks;
mod decoded;
mod edits;
mod mentioned;
mod refusals;
mod replies;
mod suggestions;
mod turns;
mod typed;
mod used;
mod veto;
mod watched;
mod written;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use plugin_protocol::{Click, Command, Door, Event, Invocation, Outcome, PluginName, Verdict};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use decoded::{invocation, origin};
pub use mentioned::Mentioned;
pub use refusals::answers;
pub use turns::Turns;
use turns::within;
use typed::zone_of;
use written::{Written, written_by};

use super::{
    Dial,
    directory::LiveDirectory,
    figures::Figures,
    gatekeeper::{Asked, Gatekeeper, Pass},
    watches::Watches,
};
use crate::{
    cache::Cache,
    commands::{
        ArgumentProblem, Interaction, InteractionKind, Message, Parsed, Place, Prefixes, parse_arguments, prefix, usage,
    },
    config,
    gateway::{Partial, RawEvent},
    hooks::Hooks,
    interactions::{ControlKeys, Invocations, Origin, Seen, texts},
    plugins::{
        Delivery, Entered, EventDelivery, Generation, GivenUp, Handler, Held, Routing, Share, Table, Undelivered,
        offers,
    },
    slash::Slash,
    storage::Tables,
};

/// How often a full queue is told of in the log.
const FULL_NOTE: Duration = Duration::from_secs(10);

/// Brings events to whoever wants them.
pub struct Router {
    /// The settings.
    pub config: config::Live,
    /// What is known of servers.
    pub cache: Cache,
    /// Who handles what.
    pub routing: Arc<Routing<Table>>,
    /// The open invocations.
    pub invocations: Invocations,
    /// Who waits for what people do.
    pub watches: Watches,
    /// Looks up what commands name.
    pub directory: LiveDirectory,
    /// Who may use what.
    pub gatekeeper: Gatekeeper,
    /// What servers have set, and how often commands are used.
    pub tables: Tables,
    /// Work that goes on behind the shard's task; waited for at stop.
    pub tasks: TaskTracker,
    /// When a full queue was last told of.
    pub full_noted: std::sync::Mutex<Option<Instant>>,
    /// Places for answers of the host itself.
    pub answers: Semaphore,
    /// What custom ids of controls are signed with.
    pub control_keys: ControlKeys,
    /// The registered slash commands.
    pub slash: Slash,
    /// The interactions that have come.
    pub seen: Seen,
    /// Who hears what.
    pub hooks: Hooks,
    /// What is counted of the bot as a whole.
    pub figures: Arc<Figures>,
    /// Where the bot has answered its mention lately.
    pub mentioned: Mentioned,
    /// The bot's clock, and how far it is.
    pub dial: Dial,
    /// In which order what is written in a server is decided.
    pub turns: Turns,
}

impl Router {
    /// Brings one event to everyone who wants it.
    pub fn route(self: &Arc<Self>, event: &RawEvent, partial: &Partial<'_>) {
        self.deliver_event(event, partial);
        if self.watches.are_there() {
            self.deliver_watched(event, partial);
        }
        match &*partial.kind {
            "MESSAGE_CREATE" => {
                self.figures.note_message(partial.is_by_bot());
                self.route_message(event, partial);
            }
            "MESSAGE_UPDATE" => self.route_edit(event, partial),
            "MESSAGE_DELETE" => self.route_deletion(partial),
            "MESSAGE_DELETE_BULK" => self.route_bulk_deletion(&event.payload),
            "INTERACTION_CREATE" => {
                let router = Arc::clone(self);
                let payload = event.payload.clone();
                self.drive(async move { router.route_interaction(&payload).await });
            }
            _ => {}
        }
        self.dial.note_routed(event.sequence);
    }

    /// Delivers to the handlers of this event, plugin by plugin.
    fn deliver_event(&self, event: &RawEvent, partial: &Partial<'_>) {
        let table = self.routing.read();
        // What is of no server and no channel, such as a new session, is everybody's.
        let is_of_a_place = partial.guild_id.is_some() || partial.channel_id.is_some();
        let subscribers = table.subscribers(&partial.kind).iter();
        let mut wanting = subscribers
            .filter(|subscriber| {
                let is_off = || is_of_a_place && self.gatekeeper.is_off(&subscriber.plugin, partial.guild_id);
                subscriber.wants(partial.guild_id.is_some(), partial.is_by_bot()) && !is_off()
            })
            .peekable();
        if wanting.peek().is_none() {
            return;
        }
        let head = Event {
            name: partial.kind.to_string(),
            shard: event.shard,
            sequence: event.sequence,
        };
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let delivery = EventDelivery::new(&head, &event.payload);
        for subscriber in wanting {
            let plugin = &subscriber.plugin;
            let wait = || Delivery {
                what: Held::Event,
                head: head.clone(),
                payload: event.payload.clone(),
                since: Instant::now(),
            };
            // Those for which there is no room are counted: told of at the end of a hold, or by the watchdog.
            let (root, share) = (self.routing.root(), Share::Event(delivery.bytes()));
            let way = |table: &Table| table.way(plugin);
            if let Some(Entered::Now(generation, ticket)) = self.routing.enter_of(root, way, share, wait) {
                generation.deliver_event(&delivery, ticket);
            }
        }
    }

    fn route_message(self: &Arc<Self>, event: &RawEvent, partial: &Partial<'_>) {
        if partial.is_by_bot() || !partial.is_said() {
            return;
        }
        let config = self.config.get();
        let guild = partial.guild_id.and_then(|id| self.tables.guild(id));
        let own = guild.as_ref().and_then(|guild| guild.prefix.as_deref());
        let prefixes = Prefixes {
            text: own.unwrap_or(&config.prefix),
            mention_of: self.cache.bot_id().filter(|_| {
                let own = guild.as_ref().and_then(|guild| guild.mention_prefix());
                own.unwrap_or(config.allow_mention_prefix)
            }),
            bare: partial.guild_id.is_none(),
        };
        let Parsed::Command { prefix, rest } = prefix::parse(&partial.content, &prefixes) else {
            self.answer_mention(event, partial, prefixes.text);
            return;
        };
        let table = self.routing.read();
        let Some(found) = self.slash.find(&table.commands, rest) else {
            if table.commands.group(rest).is_some() {
                let (router, payload) = (Arc::clone(self), event.payload.clone());
                let (prefix, rest) = (prefix.to_owned(), rest.to_owned());
                self.drive(async move { router.list_group(&prefix, &rest, &payload).await });
            }
            return;
        };
        let written = Written {
            plugin: found.plugin.clone(),
            command: Arc::clone(found.command),
            prefix: prefix.to_owned(),
            rest: found.rest.to_owned(),
            payload: event.payload.clone(),
        };
        let router = Arc::clone(self);
        self.drive(async move { router.run_written(written).await });
    }

    /// A command that was written as a message.
    async fn run_written(&self, written: Written) {
        let message = match Message::decode(&written.payload) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "a message that can't be read");
                return;
            }
        };
        let text = format!("{}{} {}", written.prefix, written.command.name, written.rest);
        let Some(run) = self.begins(&message, &text).await else {
            return;
        };
        let asked_in = (message.id, message.channel_id);
        if !self.run_message(written, message, run).await {
            self.came_to_nothing(asked_in, run).await;
        }
    }

    /// Runs a command that was written; false if nothing came of it.
    async fn run_message(&self, written: Written, message: Message, run: u64) -> bool {
        let mut origin = written_by(&message, &written.plugin, &written.command.name);
        origin.run = run;
        origin.typing = written.command.typing;
        origin.deleted_after = self.deleted_after(message.guild_id, &written.command, Door::Prefix);
        origin.bot_may = self.bot_may(&message);
        origin.may_ping_everyone = self.may_ping_everyone(&message);
        let asked = Asked::of(
            (&written.plugin, &written.command),
            (message.author.id, message.member.as_ref()),
            (message.guild_id, message.channel_id),
        );
        let mut turn = self.turns.take(message.guild_id).await;
        if let Err(refusal) = self.gatekeeper.decide(&asked, None).await {
            drop(turn);
            self.turn_away(&origin, &written.prefix, &written.command, &refusal)
                .await;
            return false;
        }
        let zone = zone_of(&self.tables, &written.command, message.guild_id);
        let place = Place {
            guild_id: message.guild_id,
            channel_id: Some(message.channel_id),
            mentions: &message.mentions,
            attachments: &message.attachments,
            now: self.unix_seconds(),
            zone: zone.as_deref(),
        };
        let directory = self.directory.of(&written.plugin);
        let parsing = parse_arguments(&directory, &place, &written.command.arguments, &written.rest);
        let arguments = match within(&mut turn, parsing).await {
            Ok(arguments) => arguments,
            Err(error) if error.problem == ArgumentProblem::Busy => {
                drop(turn);
                self.note_undelivered(
                    &written.plugin,
                    "too many of its commands' arguments are being looked up",
                );
                self.refuse(&origin, texts::BUSY).await;
                return false;
            }
            Err(error) => {
                let text = error.text(&usage(&written.prefix, &written.command));
                let lasts = self.config.get().replies.usage_delete_after;
                drop(turn);
                self.refuse_for(&origin, &text, lasts).await;
                return false;
            }
        };
        let pass = match self.gatekeeper.take(&asked) {
            Ok(pass) => pass,
            Err(refusal) => {
                drop(turn);
                self.turn_away(&origin, &written.prefix, &written.command, &refusal)
                    .await;
                return false;
            }
        };
        // In its turn still, for it is bounded: what comes after it is asked after it.
        if let Some(text) = self.veto(&origin, &written.command).await {
            drop(turn);
            return self.vetoed(&origin, &written.command, &pass, &text).await;
        }
        let invocation = Invocation {
            name: written.command.name.clone(),
            door: Door::Prefix,
            author: message.author,
            member: message.member,
            guild_id: message.guild_id,
            channel_id: message.channel_id,
            message_id: Some(message.id),
            interaction_id: None,
            locale: None,
            prefix: Some(written.prefix),
            arguments,
            click: None,
            typed: None,
        };
        let invoking = self.invoke_counted(origin, &invocation, &written.command, &written.payload, pass);
        within(&mut turn, invoking).await
    }

    async fn route_interaction(&self, payload: &str) {
        let table = self.routing.read();
        let decoded = Interaction::decode(payload, |name| {
            table
                .commands
                .slash(name)
                .map(|(_, command)| command.arguments.as_slice())
        });
        let interaction = match decoded {
            Ok(interaction) => interaction,
            Err(error) => {
                tracing::warn!(%error, "an interaction that can't be read");
                return;
            }
        };
        if !self.seen.is_new(interaction.id) {
            tracing::debug!(id = %interaction.id, "an interaction came twice");
            return;
        }
        match interaction.kind.clone() {
            InteractionKind::Command { name, arguments } => {
                self.route_slash(&table, interaction, &name, arguments, payload).await;
            }
            InteractionKind::MenuCommand { name, target } => {
                self.route_menu(&table, interaction, &name, target, payload).await;
            }
            InteractionKind::Component {
                custom_id,
                values,
                chosen,
                message_id,
            } => {
                let click = Click {
                    values,
                    chosen,
                    ..Click::default()
                };
                self.route_click(&table, interaction, &custom_id, click, message_id, payload)
                    .await;
            }
            InteractionKind::Autocomplete { name, typed } => {
                if let Some(typed) = typed {
                    self.suggest(&table, interaction, &name, typed, payload).await;
                }
            }
            InteractionKind::Modal {
                custom_id,
                fields,
                message_id,
            } => {
                let click = Click {
                    form: Some(fields),
                    ..Click::default()
                };
                self.route_click(&table, interaction, &custom_id, click, message_id, payload)
                    .await;
            }
            InteractionKind::Unknown => {}
        }
    }

    /// A plugin has refused a command: its use doesn't count.
    async fn vetoed(&self, origin: &Origin, command: &Command, pass: &Pass, text: &str) -> bool {
        self.gatekeeper.give_back(&command.name, pass);
        self.refuse(origin, text).await;
        false
    }

    /// Delivers a command whose use was counted; one that is not delivered doesn't count.
    async fn invoke_counted(
        &self,
        mut origin: Origin,
        invocation: &Invocation,
        command: &Command,
        payload: &str,
        pass: Pass,
    ) -> bool {
        origin.slot.clone_from(&pass.slot);
        origin.taken = pass.taken;
        let delivered = self.invoke(origin, invocation, Some(command), payload).await;
        if !delivered {
            self.gatekeeper.give_back(&invocation.name, &pass);
        }
        delivered
    }

    /// Delivers an invocation to the live generation of its plugin, or lets it wait for the next; false if neither.
    async fn invoke(
        &self,
        mut origin: Origin,
        invocation: &Invocation,
        command: Option<&Command>,
        payload: &str,
    ) -> bool {
        if origin.is_too_late() {
            tracing::warn!(plugin = %origin.plugin, command = %origin.command, "not run: Discord waits no more for its answer");
            return false;
        }
        let head = Arc::new(serde_json::to_vec(invocation).unwrap_or_default());
        origin.asked = Some(Arc::clone(&head));
        let wait = || Delivery {
            what: Held::Invocation {
                // Open while it waits: who asked is told in time that it takes a while.
                id: self.invocations.open(origin.clone(), 0),
                handler: invocation.name.clone(),
                command: command.cloned().map(Box::new),
            },
            head: head.to_vec(),
            payload: payload.to_owned(),
            since: Instant::now(),
        };
        let (generation, ticket) = match self.enter(&origin.plugin, head.len() + payload.len(), wait) {
            Some(Entered::Now(generation, ticket)) => (generation, ticket),
            Some(Entered::Waits) => {
                self.count(invocation);
                return true;
            }
            Some(Entered::Full) => {
                self.refuse(&origin, texts::BUSY).await;
                return false;
            }
            None => {
                // Unloaded since the command was found. By prefix an unknown command is silent.
                if origin.interaction.is_some() {
                    self.refuse(&origin, texts::COMMAND_ABSENT).await;
                }
                return false;
            }
        };
        // Replaced since it was decided who may use it, and its arguments were read.
        if let Err(GivenUp::Changed) = offers(&generation.description, &invocation.name, command) {
            self.refuse(&origin, texts::COMMAND_CHANGED).await;
            return false;
        }
        // What is given to a lane that hangs would run when nobody waits for it any more.
        let hangs = generation.pulse.hung_for(Instant::now()).is_some();
        if hangs || !generation.has_room() {
            let why = if hangs {
                "its thread takes nothing"
            } else {
                reason(Undelivered::Full)
            };
            self.note_undelivered(&origin.plugin, why);
            self.refuse(&origin, texts::BUSY).await;
            return false;
        }
        let plugin = origin.plugin.clone();
        self.count(invocation);
        let id = self.invocations.open(origin, generation.number);
        let handler = if is_click(invocation) {
            Handler::Click
        } else {
            Handler::Command
        };
        if let Err(why) = generation.deliver(handler, id, &head, payload.as_bytes(), ticket) {
            self.note_undelivered(&plugin, reason(why));
            let outcome = Outcome {
                verdict: Verdict::Refused,
                text: Some(texts::BUSY.to_owned()),
                released: true,
                ..Outcome::default()
            };
            self.invocations.finish(id, outcome).await;
            return false;
        }
        true
    }

    /// Counts a command; clicks are none.
    fn count(&self, invocation: &Invocation) {
        if !is_click(invocation) {
            self.figures.note_command();
            self.tables.count_command(&invocation.name, invocation.author.id);
        }
    }

    fn enter(
        &self,
        plugin: &PluginName,
        bytes: usize,
        wait: impl FnMut() -> Delivery,
    ) -> Option<Entered<Arc<Generation>>> {
        self.routing.enter(|table| table.way(plugin), bytes, wait)
    }

    fn note_undelivered(&self, plugin: &PluginName, why: &str) {
        let mut noted = self
            .full_noted
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if noted.is_none_or(|noted| noted.elapsed() >= FULL_NOTE) {
            *noted = Some(Instant::now());
            tracing::warn!(%plugin, "a plugin takes nothing: {why}");
        }
    }

    fn unix_seconds(&self) -> i64 {
        i64::try_from(self.dial.clock().seconds()).unwrap_or(i64::MAX)
    }

    /// Runs `work` as far as it goes without waiting, which usually is to its end, so that what comes first is
    /// delivered first; the rest of it goes on in a task.
    fn drive(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            // Polled again there at once, so the waker that did nothing is replaced.
            self.tasks.spawn(work);
        }
    }
}

const fn is_click(invocation: &Invocation) -> bool {
    matches!(invocation.door, Door::Component | Door::Modal)
}

const fn reason(why: Undelivered) -> &'static str {
    match why {
        Undelivered::Full => "its queue is full",
        Undelivered::Closed => "its lane has ended",
    }
}
