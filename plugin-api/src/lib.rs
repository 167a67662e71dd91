//! What the author of a plugin depends on.
//!
//! A plugin is a Rust `cdylib`: functions marked as commands, event handlers and handlers of controls, listed in one
//! [`plugin!`]. The host loads the compiled file, hands it invocations and takes its answers; between the two runs the
//! plugin's *lane*: a tokio runtime of its own on a thread of its own, so that handlers need not be [`Send`], the state
//! may be a [`RefCell`](std::cell::RefCell), and the rest of the ecosystem (reqwest, `tokio::time`, ...) works as it is.
//!
//! ```
//! use std::cell::Cell;
//!
//! use plugin_api::prelude::*;
//!
//! /// The plugin's state: lives on the lane, needs no locks.
//! #[derive(Default)]
//! struct Greeter {
//!     greeted: Cell<u32>,
//! }
//!
//! /// Greet somebody.
//! #[command(slash, prefix)]
//! async fn greet(ctx: Ctx<Greeter>, #[description = "Who is greeted"] user: User) -> Result {
//!     if user.bot {
//!         return refuse("Bots don't care for greetings.");
//!     }
//!     let greeted = ctx.state().greeted.get() + 1;
//!     ctx.state().greeted.set(greeted);
//!     ctx.reply(format!("Hello {}, you are number {greeted}.", user.mention())).await
//! }
//!
//! # mod linked { use super::*;
//! # plugin!(linked; state: Greeter, commands: [super::greet]);
//! # } #[cfg(any())]
//! plugin! { state: Greeter, commands: [greet] }
//! # fn main() { assert!(linked::linked_plugin().module().description().is_some()); }
//! ```
//!
//! Never hold a borrow of a `RefCell` over an `.await`: another handler may want it meanwhile, and panics. Clippy's
//! `await_holding_refcell_ref` finds such places.
//!
//! [`guide`] goes from nothing to a command with pages, permissions and a database.
//!
//! Its `Cargo.toml` needs `crate-type = ["cdylib"]` and this crate. The promise: what is built with version 1.x runs on
//! every host that knows 1.y with y >= x, whatever the compilers. [`model`] is outside of that promise.

extern crate self as plugin_api;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod argument;
mod component;
mod context;
mod db;
mod definition;
mod error;
mod event;
mod export;
mod files;
mod gateway;
pub mod guide;
mod hook;
mod id;
pub mod linked;
#[doc(hidden)]
pub mod manifest;
mod mention;
mod menu;
mod message;
mod modal;
mod plugins;
pub mod prelude;
mod raw;
mod runtime;
mod service;
mod settings;
mod store;
mod timer;
mod user_data;
mod waiting;

pub use argument::{
    Argument, Colour, DateTime, Mentionable, ParseArgument, ServerZone, Shape, Utc, WrongArgument, Zone,
};
pub use component::{ButtonFactory, Handled, Handler, SelectFactory};
pub use context::{
    Claim, ClickCtx, ConfigChanges, Ctx, EraseCtx, EventCtx, Host, PostedMessage, Saved, StartCtx, StopCtx, TimerCtx,
};
pub use db::{Batch, BatchResults, Blob, Db, Executed};
pub use definition::{End, Ended};
pub use error::{Error, HttpError, Optional, Result, refuse};
pub use event::GatewayEvent;
pub use files::Files;
pub use gateway::{ActivityKind, Gateway, MembersRequest, OnlineStatus, Presence};
pub use hook::{
    BeforeCommand, BotReady, BreakerState, CommandError, CommandExecuted, CommandKind, ExtensionLoaded,
    ExtensionRefused, ExtensionReloaded, ExtensionUnloaded, GuildJoined, GuildLeft, GuildSummary, Hook, HookCtx,
    HookEvent, HookHandle, Hooks, PastRun, Shutdown,
};
pub use id::{IntoId, IntoOptionalId};
pub use mention::{Mention, relative_time};
pub use message::{
    Answer, Button, ChannelKind, ChannelSelect, Control, Embed, Layout, MentionableSelect, Message, Reply, RoleSelect,
    Section, Select, SelectOption, StringSelect, Upload, UserSelect, embed, message, of,
};
pub use modal::{Modal, ModalFactory, ModalOf};
/// # Examples
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Ban a member from this server.
/// #[command(slash, prefix, aliases("b"))]
/// async fn ban(
///     ctx: Ctx,
///     member: Member,
///     #[description = "Messages of how many days are deleted"]
///     #[max = 7]
///     days: Option<u8>,
///     #[rest] reason: Option<String>,
/// ) -> Result {
///     let path = format!("/guilds/{}/bans/{}", member.guild_id, member.user.id);
///     let seconds = u32::from(days.unwrap_or(0)) * 86_400;
///     let body = plugin_api::serde_json::json!({ "delete_message_seconds": seconds });
///     ctx.raw().put(&path, &body).reason(reason.unwrap_or_default()).await?;
///     ctx.reply(format!("{} is banned.", member.mention())).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::ban]); }
/// # fn main() {}
/// ```
///
/// What Discord would refuse is refused by the compiler. A command without documentation:
///
/// ```compile_fail
/// # use plugin_api::prelude::*;
/// #[command]
/// async fn ping(ctx: Ctx) -> Result {
///     ctx.reply("pong").await
/// }
/// ```
///
/// A required argument behind an optional one:
///
/// ```compile_fail
/// # use plugin_api::prelude::*;
/// /// Roll dice.
/// #[command(slash)]
/// async fn roll(ctx: Ctx, dice: Option<u8>, sides: u8) -> Result {
///     ctx.reply(format!("{dice:?} {sides}")).await
/// }
/// ```
///
/// A type that no argument can have:
///
/// ```compile_fail,E0277
/// # use plugin_api::prelude::*;
/// /// Wait.
/// #[command]
/// async fn wait(ctx: Ctx, time: std::time::Instant) -> Result {
///     ctx.reply(format!("{time:?}")).await
/// }
/// ```
///
/// A limit that the argument's type doesn't have:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// /// Roll dice.
/// #[command]
/// async fn roll(ctx: Ctx, #[max = 1000] sides: u8) -> Result {
///     ctx.reply(format!("{sides}")).await
/// }
/// ```
///
/// A limit of a text on what is none:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// /// Roll dice.
/// #[command]
/// async fn roll(ctx: Ctx, #[max_length = 3] sides: u8) -> Result {
///     ctx.reply(format!("{sides}")).await
/// }
/// ```
///
/// A list of files by slash, which Discord doesn't have:
///
/// ```compile_fail,E0080
/// # use plugin_api::{Attachment, prelude::*};
/// /// Keep files.
/// #[command]
/// async fn keep(ctx: Ctx, files: Vec<Attachment>) -> Result {
///     ctx.reply(format!("{} files", files.len())).await
/// }
/// ```
///
/// A menu of people whose command takes no person:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// /// Report somebody.
/// #[command(user_menu = "Report")]
/// async fn report(ctx: Ctx, role: Role) -> Result {
///     ctx.reply(role.name).await
/// }
/// ```
///
/// A check that returns something else than `Result` or `Result<bool>`:
///
/// ```compile_fail,E0277
/// # use plugin_api::prelude::*;
/// async fn luck(ctx: &Ctx) -> Result<u8> {
///     Ok(7)
/// }
///
/// /// Answer with pong.
/// #[command(checks(luck))]
/// async fn ping(ctx: Ctx) -> Result {
///     ctx.reply("pong").await
/// }
/// ```
///
/// A group too deep for a name of two words:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// mod config {
///     pub mod role {
///         use plugin_api::prelude::*;
///         /// Add a role.
///         #[command(name = "add one")]
///         pub async fn add(ctx: Ctx) -> Result {
///             ctx.reply("added").await
///         }
///     }
/// }
/// plugin!(linked; commands: [config::role::{add}]);
/// ```
///
/// Two commands of one name:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// /// Answer with pong.
/// #[command]
/// async fn ping(ctx: Ctx) -> Result {
///     ctx.reply("pong").await
/// }
///
/// /// Answer in another way.
/// #[command(name = "ping")]
/// async fn pong(ctx: Ctx) -> Result {
///     ctx.reply("ping").await
/// }
/// plugin!(linked; commands: [ping, pong]);
/// ```
///
/// A handler whose state isn't the plugin's:
///
/// ```compile_fail,E0308
/// # use plugin_api::prelude::*;
/// /// Answer with pong.
/// #[command]
/// async fn ping(ctx: Ctx<u32>) -> Result {
///     ctx.reply("pong").await
/// }
/// plugin!(linked; state: String, commands: [ping]);
/// ```
pub use plugin_macros::command;
/// # Examples
///
/// By the event's type, and by its name:
///
/// ```
/// use plugin_api::{prelude::*, serde_json::Value, tracing::info};
///
/// #[event(filter = guild && !bot)]
/// async fn count(_ctx: EventCtx, message: MessageCreate) -> Result {
///     info!(letters = message.content.chars().count(), "a message by {}", message.author.name);
///     Ok(())
/// }
///
/// #[event("GUILD_SOUNDBOARD_SOUND_CREATE")]
/// async fn sound(_ctx: EventCtx, sound: Value) -> Result {
///     info!("a new sound: {}", sound["name"]);
///     Ok(())
/// }
/// # mod linked { plugin_api::plugin!(linked; events: [super::count, super::sound]); }
/// # fn main() {}
/// ```
///
/// A name that Discord doesn't have is refused by the compiler, with the nearest that it has:
///
/// ```compile_fail
/// # use plugin_api::{prelude::*, serde_json::Value};
/// #[event("MEMBER_ADD")]
/// async fn joined(_ctx: EventCtx, member: Value) -> Result {
///     Ok(())
/// }
/// ```
///
/// A type that is no event needs the event's name:
///
/// ```compile_fail,E0277
/// # use plugin_api::{prelude::*, serde_json::Value};
/// #[event]
/// async fn sound(_ctx: EventCtx, sound: Value) -> Result {
///     Ok(())
/// }
/// ```
pub use plugin_macros::event;
/// # Examples
///
/// ```
/// use plugin_api::{BeforeCommand, ExtensionLoaded, prelude::*, tracing::info};
///
/// #[hook("extension_loaded", priority = 5)]
/// async fn loaded(_ctx: HookCtx, event: ExtensionLoaded) -> Result {
///     info!("{} {} is there", event.extension_name, event.version);
///     Ok(())
/// }
///
/// /// Nobody may use anything while the house is closed.
/// #[hook]
/// async fn closed(ctx: HookCtx, _event: BeforeCommand) -> Result {
///     if ctx.global_store().get::<bool>("closed").await?.unwrap_or(false) {
///         return refuse("We are closed for today.");
///     }
///     Ok(())
/// }
/// # mod linked { plugin_api::plugin!(linked; hooks: [super::loaded, super::closed]); }
/// # fn main() {}
/// ```
///
/// An event of the bot's own, read as another one:
///
/// ```compile_fail,E0308
/// # use plugin_api::{ExtensionUnloaded, prelude::*};
/// #[hook("extension_loaded")]
/// async fn loaded(_ctx: HookCtx, event: ExtensionUnloaded) -> Result {
///     Ok(())
/// }
/// ```
///
/// A name that no event has:
///
/// ```compile_fail
/// # use plugin_api::{ExtensionLoaded, prelude::*};
/// #[hook("extension_load")]
/// async fn loaded(_ctx: HookCtx, event: ExtensionLoaded) -> Result {
///     Ok(())
/// }
/// ```
///
/// Two callbacks of one name:
///
/// ```compile_fail,E0080
/// # use plugin_api::prelude::*;
/// mod one {
///     use plugin_api::{BotReady, prelude::*};
///     #[hook]
///     pub async fn ready(_ctx: HookCtx, _event: BotReady) -> Result { Ok(()) }
/// }
/// mod two {
///     use plugin_api::{BotReady, prelude::*};
///     #[hook]
///     pub async fn ready(_ctx: HookCtx, _event: BotReady) -> Result { Ok(()) }
/// }
/// plugin!(linked; hooks: [one::ready, two::ready]);
/// ```
pub use plugin_macros::hook;
pub use plugin_macros::{
    Choice, Modal, OneOf, client, component, cron, erase, every, modal, plugin, service, settings, start, stop, timer,
};
/// The members that were found, see [`Gateway::request_members`].
pub use plugin_protocol::gateway::FoundMembers;
/// What is known of a server without asking Discord, see [`Host::guild`].
pub use plugin_protocol::guilds::Guild;
/// What the host answers to the calls `hooks.*`, see [`Host::hooks`].
pub use plugin_protocol::hooks;
/// What the host answers to the calls `plugins.list` and `plugins.info`, see [`Host::call`].
pub use plugin_protocol::inspection;
/// The figures of a plugin's lane, see [`Host::metrics`].
pub use plugin_protocol::lane;
/// What the host answers to the calls `settings.*`, see [`Host::call`].
pub use plugin_protocol::server_settings;
/// How often commands are used, see [`Host::command_statistics`].
pub use plugin_protocol::statistics::{CommandStatistics, CommandUse};
/// What the host answers to the calls `caches.figures` and `cleanup.run`, see [`Host::call`].
pub use plugin_protocol::upkeep;
pub use plugin_protocol::{
    ApplicationId, ArgumentKind, ArgumentValue, Attachment, AttachmentId, Channel, ChannelId, Choice, CodeBlock, Door,
    Emoji, EmojiId, FileEntry, GuildId, InteractionId, Member, MessageId, MessageLink, Permissions, Problem,
    ProblemCode, ReceivedMessage, ReceivedReaction, Role, RoleId, StopReason, Subject, TimerId, UnmetExpectation, User,
    UserId,
};
/// What the host answers to the calls `timers.list` and `data.erase`, see [`Host::call`].
pub use plugin_protocol::{Asked, ErasedPlugin, ErasureReport, LastRun, TimerInfo, TimerList, TimerState};
/// What the host answers to the calls `logs.*` and `errors.*`, see [`Host::call`].
pub use plugin_protocol::{IncidentList, IncidentStory, IncidentSummary, Level, LevelSource, LogLevel, LogLevels};
/// What the host answers to the calls `storage.*`, `backups.*` and `statistics.commands`, see [`Host::call`].
pub use plugin_protocol::{backups, databases, statistics};
/// What the host answers to the calls `commands.list`, `slash.*` and `bot.figures`, see [`Host::call`].
pub use plugin_protocol::{commands, figures, plans, slash};
pub use plugins::Plugins;
pub use raw::{Raw, RawAnswer, RawRequest};
pub use runtime::Spawned;
pub use service::{Service, ServiceCalling, ServiceCtx, ServiceError, ServiceFailure};
pub use settings::{DeclaredSettings, ServerSettings, Setting, SettingsChanges};
pub use store::{ListRequest, Page, SetRequest, Store};
pub use timer::{NewTimer, PendingTimer, PendingTimers, Timed, TimerFactory, TimerHandler};
pub use user_data::UserData;
pub use waiting::{Awaited, AwaitedButton, WaitForClick, WaitForMessage, WaitForReaction, awaited};

/// For naming its traits; for the derives your own `Cargo.toml` needs serde with `derive`.
pub use serde;
pub use serde_json;
pub use tokio;
pub use tracing;
pub use twilight_model as model;
