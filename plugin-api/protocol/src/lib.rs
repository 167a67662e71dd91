//! What crosses the boundary between the host and a plugin, as serde types.
//!
//! An envelope is a kind, flags, an id, a JSON head and a raw tail. This crate says which kinds there are ([`kind`]),
//! what their heads look like and what their tails hold. It does no I/O and knows neither tokio nor Discord libraries.
//!
//! Rules that keep old and new apart-compatible: unknown fields are ignored, every field that is added has a default,
//! an unknown kind that asks for an answer is answered with [`ProblemCode::NotSupported`], and nothing changes meaning.

pub mod backups;
pub mod commands;
pub mod custom_id;
pub mod databases;
mod description;
mod entities;
mod erase;
mod events;
pub mod figures;
mod files;
pub mod gateway;
pub mod guilds;
pub mod hooks;
mod ids;
mod incidents;
pub mod inspection;
mod invocation;
pub mod kind;
pub mod lane;
mod lifecycle;
mod manifest;
mod menu;
mod permissions;
pub mod plans;
mod policy;
mod requests;
pub mod server_settings;
mod services;
pub mod slash;
pub mod statistics;
mod storage;
mod timers;
mod tolerant;
pub mod upkeep;
pub mod upload;
mod values;
mod watches;
pub mod wording;

pub use description::{
    Argument, ArgumentKind, Choice, Command, Component, Description, Doors, Group, Migration, SERVER_ZONE,
};
pub use entities::{Channel, Member, Role, User};
pub use erase::{Asked, ErasedPlugin, ErasureReport, Subject};
pub use events::{EventQueue, EventSubscription, Overflow};
pub use files::{
    FileAction, FileAnswer, FileEntry, FileRequest, FileVersion, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_FILES_BYTES,
    MAX_NAME_BYTES, MAX_PATH_BYTES,
};
pub use ids::{
    ApplicationId, AttachmentId, ChannelId, EmojiId, GuildId, InteractionId, InvalidId, MessageId, RoleId, SNOWFLAKE,
    UserId,
};
pub use incidents::{IncidentList, IncidentStory, IncidentSummary, LevelSource, LogLevel, LogLevels};
pub use invocation::{
    ArgumentValue, Click, Door, Event, FormField, Invocation, Outcome, PanicReport, Suggestions, Typed, Verdict,
};
pub use lifecycle::{Activation, Level, Settings, Start, Started, Stop, StopReason, Stopped, lane_name};
pub use manifest::{Dependency, MANIFEST_SECTION, MANIFEST_SECTION_MACHO, Manifest, PluginName, Swap};
pub use menu::{Menu, MenuTarget};
pub use permissions::Permissions;
pub use policy::{Bucket, Concurrency, Contexts, Cooldown, CooldownRule, Defer};
pub use requests::{
    Action, Call, KeepControlState, KeptControlState, Later, LaterAction, LaterMessage, LogRecord, Problem,
    ProblemCode, Respond, Responded, Rest, RestAnswer,
};
pub use services::{
    LONGEST_SERVICE_MS, MAX_SERVICE_BYTES, SERVICE_DEPTH, SERVICE_LIMIT_MS, ServiceCall, ServiceCalled,
    ServiceDescription, ServiceFailure, ServiceOutcome, ServiceRequest, ServiceVerdict, misfit,
};
pub use storage::{
    KeyEntry, Keys, KeysAction, KeysAnswer, MalformedValues, Sql, SqlAnswer, SqlValue, SqlValues, Statement,
    StatementResult, UnmetExpectation, UserData,
};
pub use timers::{
    LastRun, MAX_AHEAD_MS, MAX_MISSED_RUNS, MAX_TIMER_FUNCTIONS, MAX_TIMER_KEY, MAX_TIMER_PAYLOAD, MAX_TIMERS,
    MIN_PERIOD_MS, MissedRuns, SetTimer, TIMERS_PER_ANSWER, TimerAnswer, TimerFunction, TimerId, TimerInfo, TimerList,
    TimerRequest, TimerRule, TimerRun, TimerState, WaitingTimer, WhichTimer,
};
pub use values::{Attachment, CodeBlock, Emoji, MessageLink};
pub use watches::{
    Drain, Happening, LONGEST_WATCH_MS, Occurrence, ReceivedMessage, ReceivedReaction, Unwatch, Watch, Watched,
    Watching,
};

/// The version of the protocol that this crate speaks: the version of this crate.
pub const PROTOCOL_VERSION: &str = env!("CARGO_PKG_VERSION");
