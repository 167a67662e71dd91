//! An interaction, decoded from the gateway's payload: slash command with its arguments, control or form.
//!
//! One parse into own, borrowed structures (Discord's objects here are partial ones that client libraries model more
//! strictly than needed). Which arguments a command has is asked of the caller, since a Discord user option is a user
//! for one command and a member for another.

mod chosen;
mod target;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    num::NonZeroU64,
};

use plugin_protocol::{
    ApplicationId, Argument, ArgumentKind, ArgumentValue, Attachment, AttachmentId, Channel, ChannelId, FormField,
    GuildId, InteractionId, Member, MessageId, Permissions, Role, RoleId, Typed, User, UserId,
};
use serde::Deserialize;
use serde_json::Value;

pub use self::target::Target;
use self::{chosen::Sent, target::ResolvedMessage};
use super::{
    arguments::{ArgumentError, ArgumentProblem, fit_integer, fit_number, fit_text, fits_channel},
    lookup::{is_of_a_server, require},
    partial::PartialMember,
};

/// What answers an interaction for 15 minutes. Whoever has it can speak in its name, so Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct InteractionToken(String);

impl InteractionToken {
    /// A token as Discord sent it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, for a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InteractionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InteractionToken(..)")
    }
}

/// An interaction (<https://discord.com/developers/docs/interactions/receiving-and-responding>).
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// The interaction.
    pub id: InteractionId,
    /// What answers it.
    pub token: InteractionToken,
    /// The bot's application.
    pub application_id: ApplicationId,
    /// What was used.
    pub kind: InteractionKind,
    /// The server; absent in direct messages.
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: ChannelId,
    /// Who used it.
    pub author: User,
    /// Who used it, as a member with permissions; absent in direct messages.
    pub member: Option<Member>,
    /// What the bot may in the channel, as Discord has computed it.
    pub app_permissions: Option<Permissions>,
    /// What Discord tells of the channel: of a thread, its channel; else whether it is age-restricted.
    pub place: Option<(Option<ChannelId>, bool)>,
    /// The user's language, such as `de` or `en-US`.
    pub locale: Option<String>,
}

/// What was used.
#[derive(Clone, Debug, PartialEq)]
pub enum InteractionKind {
    /// A slash command.
    Command {
        /// Its full name, such as `warn add`.
        name: String,
        /// Its arguments; an error if what Discord has registered does not match the command any more.
        arguments: Result<BTreeMap<String, ArgumentValue>, ArgumentError>,
    },
    /// A command of a message's or a person's context menu.
    MenuCommand {
        /// What it is called there.
        name: String,
        /// Whom or what it was used on.
        target: Target,
    },
    /// A button or select.
    Component {
        /// Its custom id.
        custom_id: String,
        /// A select's values.
        values: Vec<String>,
        /// What the values of a select of users, roles or channels mean.
        chosen: Vec<ArgumentValue>,
        /// The message that it is on.
        message_id: Option<MessageId>,
    },
    /// Suggestions for an argument that is being typed.
    Autocomplete {
        /// The command's full name, such as `warn add`.
        name: String,
        /// What is being typed; `None` if Discord doesn't say.
        typed: Option<Typed>,
    },
    /// A form that was sent.
    Modal {
        /// Its custom id.
        custom_id: String,
        /// What was written and chosen.
        fields: Vec<FormField>,
        /// The message with the control that opened it; `None` if a command did.
        message_id: Option<MessageId>,
    },
    /// Anything else.
    Unknown,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    d: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    id: InteractionId,
    application_id: ApplicationId,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(default)]
    guild_id: Option<GuildId>,
    channel_id: ChannelId,
    #[serde(default)]
    member: Option<PartialMember>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    app_permissions: Option<Permissions>,
    #[serde(default)]
    channel: Option<Place>,
    #[serde(default)]
    message: Option<OnlyId>,
    #[serde(default)]
    locale: Option<String>,
}

/// The channel, of which the type is told always.
#[derive(Deserialize)]
struct Place {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    parent_id: Option<ChannelId>,
    #[serde(default)]
    nsfw: Option<bool>,
}

impl Place {
    /// Of a thread, its channel, and whether it is age-restricted; of another channel, what is above it is a category.
    fn read(&self) -> Option<(Option<ChannelId>, bool)> {
        if matches!(self.kind, 10..=12) {
            return Some((Some(self.parent_id?), false));
        }
        Some((None, self.nsfw?))
    }
}

#[derive(Deserialize)]
struct OnlyId {
    id: MessageId,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    /// 1 slash command, 2 user, 3 message; absent for controls and forms.
    #[serde(rename = "type", default)]
    kind: u8,
    #[serde(borrow, default)]
    options: Vec<GivenOption<'a>>,
    #[serde(default)]
    resolved: Resolved,
    /// Of menus: the user or message.
    #[serde(default)]
    target_id: Option<String>,
    #[serde(default)]
    custom_id: String,
    #[serde(default)]
    component_type: u8,
    #[serde(default)]
    values: Vec<String>,
    /// Of forms.
    #[serde(default)]
    components: Vec<Sent>,
}

#[derive(Deserialize)]
struct GivenOption<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    value: Option<Value>,
    #[serde(borrow, default)]
    options: Vec<GivenOption<'a>>,
    /// Whether it is the one that is being typed.
    #[serde(default)]
    focused: bool,
}

#[derive(Default, Deserialize)]
struct Resolved {
    #[serde(default)]
    users: HashMap<UserId, User>,
    #[serde(default)]
    members: HashMap<UserId, PartialMember>,
    #[serde(default)]
    channels: HashMap<ChannelId, Channel>,
    #[serde(default)]
    roles: HashMap<RoleId, Role>,
    #[serde(default)]
    attachments: HashMap<AttachmentId, Attachment>,
    #[serde(default)]
    messages: HashMap<MessageId, ResolvedMessage>,
}

/// Discord's numbers of interaction types.
mod kinds {
    pub(super) const COMMAND: u8 = 2;
    pub(super) const COMPONENT: u8 = 3;
    pub(super) const AUTOCOMPLETE: u8 = 4;
    pub(super) const MODAL: u8 = 5;
    /// Of commands: the one that is typed.
    pub(super) const CHAT_INPUT: u8 = 1;
    /// Of options: the two that only hold others.
    pub(super) const SUBCOMMAND: u8 = 1;
    pub(super) const GROUP: u8 = 2;
}

impl Interaction {
    /// Decodes a whole `INTERACTION_CREATE` payload, `{"t":..,"d":{..}}`. `arguments` tells a command's arguments by its
    /// full name; for one it doesn't know the options are taken as Discord types them.
    ///
    /// # Errors
    ///
    /// The payload is no such object; says where.
    pub fn decode<'c>(
        payload: &str,
        arguments: impl FnOnce(&str) -> Option<&'c [Argument]>,
    ) -> Result<Self, serde_json::Error> {
        let mut interaction = serde_json::from_str::<Frame<'_>>(payload)?.d;
        let guild_id = interaction.guild_id;
        let mut member = interaction.member.take();
        let author = interaction
            .user
            .take()
            .or_else(|| member.as_mut().and_then(|member| member.user.take()))
            .ok_or_else(|| serde::de::Error::custom("an interaction of nobody"))?;
        let data = interaction.data.take().unwrap_or_default();
        let kind = match interaction.kind {
            kinds::COMMAND if data.kind == kinds::CHAT_INPUT => command(data, guild_id, arguments),
            kinds::COMMAND => InteractionKind::MenuCommand {
                target: Target::read(&data, guild_id, interaction.channel_id),
                name: data.name.into_owned(),
            },
            kinds::COMPONENT => InteractionKind::Component {
                custom_id: data.custom_id,
                chosen: chosen::chosen(data.component_type, &data.values, &data.resolved, guild_id),
                values: data.values,
                message_id: interaction.message.map(|message| message.id),
            },
            kinds::AUTOCOMPLETE => autocomplete(data),
            kinds::MODAL => InteractionKind::Modal {
                custom_id: data.custom_id,
                fields: chosen::fields(data.components, &data.resolved, guild_id),
                message_id: interaction.message.map(|message| message.id),
            },
            _ => InteractionKind::Unknown,
        };
        Ok(Self {
            id: interaction.id,
            token: InteractionToken(interaction.token.into_owned()),
            application_id: interaction.application_id,
            kind,
            guild_id,
            channel_id: interaction.channel_id,
            member: guild_id.and_then(|guild_id| Some(member?.complete(author.clone(), guild_id))),
            author,
            app_permissions: interaction.app_permissions,
            place: interaction.channel.as_ref().and_then(Place::read),
            locale: interaction.locale,
        })
    }
}

fn command<'c>(
    data: Data<'_>,
    guild_id: Option<GuildId>,
    arguments: impl FnOnce(&str) -> Option<&'c [Argument]>,
) -> InteractionKind {
    let (name, options) = full_name(data.name, data.options);
    let described = arguments(&name);
    let arguments = values(options, &data.resolved, guild_id, described);
    InteractionKind::Command { name, arguments }
}

fn autocomplete(data: Data<'_>) -> InteractionKind {
    let (name, options) = full_name(data.name, data.options);
    let (focused, others): (Vec<_>, Vec<_>) = options.into_iter().partition(|option| option.focused);
    let given = |option: GivenOption<'_>| (option.name.into_owned(), shown(&option.value.unwrap_or_default()));
    let typed = focused.into_iter().next().map(given).map(|(argument, text)| Typed {
        argument,
        text,
        others: others.into_iter().map(given).collect(),
    });
    InteractionKind::Autocomplete { name, typed }
}

/// The command's name with those of its group and subcommand, and the options below them.
fn full_name<'a>(name: Cow<'a, str>, mut options: Vec<GivenOption<'a>>) -> (String, Vec<GivenOption<'a>>) {
    let mut name = name.into_owned();
    while let [option] = options.as_mut_slice()
        && matches!(option.kind, kinds::SUBCOMMAND | kinds::GROUP)
    {
        name.push(' ');
        name.push_str(&option.name);
        options = std::mem::take(&mut option.options);
    }
    (name, options)
}

fn values(
    options: Vec<GivenOption<'_>>,
    resolved: &Resolved,
    guild_id: Option<GuildId>,
    described: Option<&[Argument]>,
) -> Result<BTreeMap<String, ArgumentValue>, ArgumentError> {
    let mut values = BTreeMap::new();
    for option in options {
        let guessed;
        let argument = if let Some(arguments) = described {
            let Some(argument) = arguments.iter().find(|argument| argument.name == option.name) else {
                // An argument that the command had once.
                continue;
            };
            argument
        } else {
            guessed = Argument {
                name: option.name.as_ref().to_owned(),
                kind: kind_of(option.kind, guild_id),
                ..Argument::default()
            };
            &guessed
        };
        let given = option.value.unwrap_or_default();
        let value =
            value(argument, given, resolved, guild_id).map_err(|problem| ArgumentError::new(argument, problem))?;
        values.insert(argument.name.clone(), value);
    }
    require(described.unwrap_or_default(), &values)?;
    Ok(values)
}

/// The kind of a Discord option type.
fn kind_of(option: u8, guild_id: Option<GuildId>) -> ArgumentKind {
    match option {
        4 => ArgumentKind::Integer,
        5 => ArgumentKind::Boolean,
        6 if guild_id.is_some() => ArgumentKind::Member,
        6 => ArgumentKind::User,
        7 => ArgumentKind::Channel,
        8 => ArgumentKind::Role,
        9 => ArgumentKind::Mentionable,
        10 => ArgumentKind::Number,
        11 => ArgumentKind::Attachment,
        _ => ArgumentKind::String,
    }
}

fn value(
    argument: &Argument,
    given: Value,
    resolved: &Resolved,
    guild_id: Option<GuildId>,
) -> Result<ArgumentValue, ArgumentProblem> {
    if argument.travels_as_text() {
        // Read as words are, by whoever can look things up.
        return match given {
            Value::String(text) => Ok(ArgumentValue::String(text)),
            other => Err(ArgumentProblem::Unfit { given: shown(&other) }),
        };
    }
    let Some(guild_id) = guild_id else {
        if is_of_a_server(argument.kind) {
            return Err(ArgumentProblem::ServerOnly);
        }
        return plain(argument, given, resolved);
    };
    let id = given.as_str().and_then(|id| id.parse::<UserId>().ok());
    let found = match (argument.kind, id) {
        (ArgumentKind::Member, Some(id)) => {
            let user = resolved.users.get(&id).cloned();
            let member = resolved.members.get(&id).cloned();
            user.zip(member)
                .map(|(user, member)| ArgumentValue::Member(member.complete(user, guild_id)))
        }
        (ArgumentKind::Channel, Some(id)) => {
            let channel = resolved.channels.get(&ChannelId::from(NonZeroU64::from(id)));
            if channel.is_some_and(|channel| !fits_channel(argument, channel.kind)) {
                return Err(ArgumentProblem::Unfit { given: shown(&given) });
            }
            channel.cloned().map(|channel| {
                ArgumentValue::Channel(Channel {
                    guild_id: Some(guild_id),
                    ..channel
                })
            })
        }
        (ArgumentKind::Role, Some(id)) => role(id, resolved, guild_id),
        (ArgumentKind::Mentionable, Some(id)) => role(id, resolved, guild_id).or_else(|| {
            let user = resolved.users.get(&id)?.clone();
            let member = resolved.members.get(&id).cloned();
            Some(match member {
                Some(member) => ArgumentValue::Member(member.complete(user, guild_id)),
                None => ArgumentValue::User(user),
            })
        }),
        _ => return plain(argument, given, resolved),
    };
    found.ok_or_else(|| ArgumentProblem::NotFound { given: shown(&given) })
}

fn role(id: UserId, resolved: &Resolved, guild_id: GuildId) -> Option<ArgumentValue> {
    let role = resolved.roles.get(&RoleId::from(NonZeroU64::from(id)))?.clone();
    Some(ArgumentValue::Role(Role {
        guild_id: Some(guild_id),
        ..role
    }))
}

/// What needs no server.
fn plain(argument: &Argument, given: Value, resolved: &Resolved) -> Result<ArgumentValue, ArgumentProblem> {
    let value = match (argument.kind, &given) {
        (ArgumentKind::String, Value::String(text)) => return fit_text(argument, text),
        (ArgumentKind::Unknown, _) => match given {
            Value::String(text) => return Ok(ArgumentValue::String(text)),
            _ => None,
        },
        (ArgumentKind::Integer, given) => given.as_i64().and_then(|number| fit_integer(argument, number)),
        (ArgumentKind::Number, given) => given.as_f64().and_then(|number| fit_number(argument, number)),
        (ArgumentKind::Boolean, given) => given.as_bool().map(ArgumentValue::Boolean),
        (ArgumentKind::Attachment, Value::String(id)) => id
            .parse()
            .ok()
            .and_then(|id| resolved.attachments.get(&id))
            .map(|file| ArgumentValue::Attachment(file.clone())),
        (ArgumentKind::User | ArgumentKind::Mentionable, Value::String(id)) => id
            .parse()
            .ok()
            .and_then(|id| resolved.users.get(&id))
            .map(|user| ArgumentValue::User(user.clone())),
        _ => None,
    };
    value.ok_or_else(|| ArgumentProblem::Unfit { given: shown(&given) })
}

fn shown(given: &Value) -> String {
    given.as_str().map_or_else(|| given.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
