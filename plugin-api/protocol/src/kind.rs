//! The kinds of envelopes, and the bits of their flags.
//!
//! Requests carry an id that their sender chose; the answer is an [`ANSWER`] with that id. Ids of the host and of the
//! plugin are separate number spaces, told apart by the direction of the answer.

/// Answer to a request of the other side: id as asked. With [`FLAG_PROBLEM`], the head is a [`Problem`](crate::Problem).
pub const ANSWER: u32 = 1;

/// Host to plugin, asks: build the state. Head [`Start`](crate::Start), tail what the older generation handed over (may
/// be empty). Answered with [`Started`](crate::Started).
pub const START: u32 = 10;
/// Host to plugin: this generation serves from now on; spawned loops begin. Head [`Activation`](crate::Activation).
pub const ACTIVATE: u32 = 11;
/// Host to plugin: configuration or log level have changed. Head [`Settings`](crate::Settings).
pub const CONFIGURE: u32 = 12;
/// Host to plugin, asks: end. Head [`Stop`](crate::Stop). Answered with [`Stopped`](crate::Stopped), tail what is handed
/// to the next generation; nothing is delivered after it but answers, and the lane ends by itself.
pub const STOP: u32 = 13;
/// Host to plugin, asks: are you there? Answered at once with `null` when the lane takes it; an older plugin answers
/// [`NotSupported`](crate::ProblemCode::NotSupported), which says the same.
pub const PULSE: u32 = 14;
/// Host to plugin: what servers have set for it has changed. Head
/// [`GuildSettings`](crate::server_settings::GuildSettings). Only sent to plugins that describe such settings.
pub const GUILD_SETTINGS: u32 = 15;
/// Host to plugin: this generation is about to end, and gets nothing new. Head [`Drain`](crate::Drain). What runs is brought
/// to its end; whoever waits for people is told that nothing comes any more. A STOP follows when nothing is under way.
pub const DRAIN: u32 = 16;
/// Host to plugin, asks: run a command or a component's handler. Head [`Invocation`](crate::Invocation), tail the
/// gateway's payload as received (`{"t":..,"s":..,"op":0,"d":{..}}`). Answered with [`Outcome`](crate::Outcome).
pub const INVOKE: u32 = 20;
/// Host to plugin, asks: run the handlers of a gateway event. Head [`Event`](crate::Event), tail the gateway's payload as
/// received. Answered with [`Outcome`](crate::Outcome).
pub const EVENT: u32 = 21;
/// Host to plugin, asks: what an argument may be that is being typed. Head [`Invocation`](crate::Invocation) with `typed`.
/// Answered with [`Suggestions`](crate::Suggestions); only asked of plugins that describe such an argument.
pub const SUGGEST: u32 = 22;
/// Host to plugin: something happened that a function waits for. Head [`Occurrence`](crate::Occurrence), tail the gateway's
/// payload as received. Not answered, and no part of a generation's work: it waits for nothing that follows from it.
pub const OCCURRED: u32 = 23;

/// Host to plugin: a function waits in vain, since the message that asked was edited and runs anew, or is gone. Head
/// [`Unwatch`](crate::Unwatch). It ends as at a drain; nobody is told, and plugins that don't know this kind wait on.
pub const WATCH_ENDED: u32 = 24;
/// Host to plugin, asks: run a callback of a hook. Head [`HookRun`](crate::hooks::HookRun), tail the event's payload as JSON.
/// Answered with [`Outcome`](crate::Outcome); of `before_command`, a refusal is a veto.
pub const HOOK: u32 = 26;

/// Host to plugin, asks: how is the lane? Head `null`. Answered with [`LaneState`](crate::lane::LaneState) before the
/// delivery returns, by whichever thread delivers, so that a lane that is blocked is known by what blocks it. An older plugin
/// answers [`NotSupported`](crate::ProblemCode::NotSupported) when its lane takes it.
pub const LOOK: u32 = 29;
/// Host to plugin, asks: run a function whose time has come. Head [`TimerRun`](crate::TimerRun), tail the payload of a
/// one-off timer, JSON. Answered with [`Outcome`](crate::Outcome).
pub const TIMER: u32 = 27;
/// Host to plugin, asks: erase what you keep of somebody. Head [`Subject`](crate::Subject). Answered with
/// [`Outcome`](crate::Outcome); only asked of plugins that describe that they can.
pub const ERASE: u32 = 28;

/// Host to plugin, asks: run a service for another plugin. Head [`ServiceRequest`](crate::ServiceRequest), tail the request
/// as JSON. Answered with [`ServiceOutcome`](crate::ServiceOutcome), tail the answer as JSON. Only sent for services that
/// the plugin describes.
pub const SERVICE: u32 = 25;

/// Plugin to host, asks: answer an invocation. Head [`Respond`](crate::Respond), tail a message body of Discord's API as
/// JSON (empty where the action has none). Answered with [`Responded`](crate::Responded).
pub const RESPOND: u32 = 100;
/// Plugin to host, asks: a REST call. Head [`Rest`](crate::Rest), tail the body. Answered with
/// [`RestAnswer`](crate::RestAnswer), tail the body of Discord's answer.
pub const REST: u32 = 101;
/// Plugin to host, asks: something of the host itself. Head [`Call`](crate::Call); the answer's head is a JSON value.
pub const CALL: u32 = 102;
/// Plugin to host, asks: statements on the plugin's own database. Head [`Sql`](crate::Sql), tail the parameters as
/// [`SqlValue`](crate::SqlValue)s. Answered with [`SqlAnswer`](crate::SqlAnswer), tail the values of the rows.
pub const SQL: u32 = 103;
/// Plugin to host, asks: the plugin's keys and values. Head [`Keys`](crate::Keys), tail the value that is written.
/// Answered with [`KeysAnswer`](crate::KeysAnswer), tail the value that was read.
pub const KEYS: u32 = 104;
/// Plugin to host, asks: the plugin's own files. Head [`FileRequest`](crate::FileRequest), tail the content to write.
/// Answered with [`FileAnswer`](crate::FileAnswer), tail the content.
pub const FILES: u32 = 105;
/// Plugin to host, asks: a function waits for something that people do. Head [`Watch`](crate::Watch). Answered with
/// [`Watching`](crate::Watching); what happened before the answer was sent may be forwarded, too.
pub const WATCH: u32 = 106;
/// Plugin to host: that function doesn't wait any more. Head [`Unwatch`](crate::Unwatch).
pub const UNWATCH: u32 = 107;
/// Plugin to host, asks: run a service of another plugin. Head [`ServiceCall`](crate::ServiceCall), tail the request as
/// JSON. Answered with [`ServiceCalled`](crate::ServiceCalled), tail the answer as JSON.
pub const SERVICE_CALL: u32 = 108;
/// Plugin to host: a log record. Head [`LogRecord`](crate::LogRecord).
pub const LOG: u32 = 110;
/// Plugin to host: a panic outside of any invocation. Head [`PanicReport`](crate::PanicReport).
pub const PANIC: u32 = 111;
/// Plugin to host, asks: tell everybody who listens. Head [`Emit`](crate::hooks::Emit), tail the payload as JSON. Answered
/// with `null` as soon as that is begun; `Busy` if too much of this plugin's is under way.
pub const EMIT: u32 = 112;
/// Plugin to host, asks: listen to a hook's event from now on, until this generation ends. Head
/// [`HookRegistration`](crate::hooks::HookRegistration). Answered with [`HookRegistered`](crate::hooks::HookRegistered).
pub const HOOK_REGISTER: u32 = 113;
/// Plugin to host: listen no more. Head [`HookUnregister`](crate::hooks::HookUnregister).
pub const HOOK_UNREGISTER: u32 = 114;

/// Plugin to host: handlers of the [`EVENT`] of this id have begun, and wait for something: it is no longer in the lane's
/// queue. Head [`Begun`](crate::lane::Begun) or `null`: told twice of one of which a handler waits for its turn first,
/// once with that and once without. Not told of an event whose handlers end without waiting, since its answer says as much.
pub const BEGUN: u32 = 118;

/// Plugin to host, asks: its own one-off timers. Head [`TimerRequest`](crate::TimerRequest), tail the payload of one that
/// is set, JSON. Answered with [`TimerAnswer`](crate::TimerAnswer).
pub const TIMERS: u32 = 115;

/// On an [`ANSWER`]: the request failed, the head is a [`Problem`](crate::Problem).
pub const FLAG_PROBLEM: u32 = 1;
/// The receiver takes it though its queue is full: answers and the lifecycle's envelopes.
pub const FLAG_UNBOUNDED: u32 = 2;
