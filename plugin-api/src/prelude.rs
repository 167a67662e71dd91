//! What nearly every plugin uses, for `use plugin_api::prelude::*`.
//!
//! Events are twilight's types, found under [`crate::model::gateway::payload::incoming`]; the ones that most plugins
//! handle are here.

pub use crate::model::gateway::payload::incoming::{
    BanAdd, BanRemove, ChannelCreate, ChannelDelete, ChannelUpdate, GuildCreate, GuildDelete, GuildUpdate, MemberAdd,
    MemberRemove, MemberUpdate, MessageCreate, MessageDelete, MessageUpdate, ReactionAdd, ReactionRemove, RoleCreate,
    RoleDelete, RoleUpdate, ThreadCreate, VoiceStateUpdate,
};
pub use crate::{
    Answer, Attachment, Blob, Button, ButtonFactory as _, Channel, ChannelId, Choice, ClickCtx, CodeBlock, Colour, Ctx,
    DateTime, Door, Embed, Emoji, EraseCtx, Error, EventCtx, GuildId, HookCtx, IntoId as _, Member, Mention,
    Mentionable, Message, MessageId, MessageLink, Modal, ModalFactory as _, OneOf, Optional as _, ParseArgument,
    Permissions, Result, Role, RoleId, Saved, SelectFactory as _, SelectOption, ServiceCtx, StartCtx, StopCtx,
    StopReason, Subject, TimerCtx, TimerFactory as _, TimerId, Upload, User, UserId, command, component, cron, embed,
    erase, event, every, hook, message, modal, plugin, refuse, service, settings, start, stop, timer,
};
