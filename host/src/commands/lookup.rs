//! Prefix arguments from beginning to end: word by word, looking up what the message did not bring along.
//!
//! Who answers the look-ups is a [`Directory`]: the cache and REST in the bot, a table in tests.

use std::{collections::BTreeMap, fmt, future::Future};

use plugin_protocol::{
    Argument, ArgumentKind, ArgumentValue, Channel, ChannelId, GuildId, Member, Role, RoleId, User, UserId,
};

use super::{
    arguments::{ArgumentError, ArgumentProblem, Place, Query, Step, step},
    words::Words,
};

/// A look-up that failed. (What does not exist is `None` instead.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryError {
    /// Too many are under way.
    Busy,
    /// Discord did not answer, or not in time.
    Failed(String),
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many look-ups are under way"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for DirectoryError {}

/// Who knows users, members, channels and roles. Answers about a server are only ever of that server.
///
/// Names match without case: a member's user name, display name or nickname, exactly; of several the best (user name
/// before display name before nickname).
pub trait Directory: Sync {
    /// A user by id.
    fn user(&self, id: UserId) -> impl Future<Output = Result<Option<User>, DirectoryError>> + Send;

    /// A member by id.
    fn member(&self, guild: GuildId, id: UserId)
    -> impl Future<Output = Result<Option<Member>, DirectoryError>> + Send;

    /// A member by name.
    fn member_by_name(
        &self,
        guild: GuildId,
        name: &str,
    ) -> impl Future<Output = Result<Option<Member>, DirectoryError>> + Send;

    /// A channel or thread by id.
    fn channel(
        &self,
        guild: GuildId,
        id: ChannelId,
    ) -> impl Future<Output = Result<Option<Channel>, DirectoryError>> + Send;

    /// A channel by name.
    fn channel_by_name(
        &self,
        guild: GuildId,
        name: &str,
    ) -> impl Future<Output = Result<Option<Channel>, DirectoryError>> + Send;

    /// A role by id.
    fn role(&self, guild: GuildId, id: RoleId) -> impl Future<Output = Result<Option<Role>, DirectoryError>> + Send;

    /// A role by name.
    fn role_by_name(
        &self,
        guild: GuildId,
        name: &str,
    ) -> impl Future<Output = Result<Option<Role>, DirectoryError>> + Send;
}

/// Reads a command's arguments from what follows its name.
///
/// An optional argument that can't be made of its word leaves the word to the next one; if none takes it, that is the
/// error. Words too many are ignored, as discord.py does.
///
/// # Errors
///
/// The first argument that is missing or wrong.
pub async fn parse_arguments(
    directory: &impl Directory,
    place: &Place<'_>,
    arguments: &[Argument],
    text: &str,
) -> Result<BTreeMap<String, ArgumentValue>, ArgumentError> {
    let mut words = Words::new(text);
    let mut values = BTreeMap::new();
    let mut passed_on = None;
    for argument in arguments {
        let before = words.clone();
        let word = if argument.rest {
            let rest = words.rest();
            words = Words::new("");
            (!rest.is_empty()).then(|| rest.into())
        } else {
            words
                .take()
                .map_err(|error| ArgumentError::new(argument, ArgumentProblem::Quote(error)))?
        };
        let Some(word) = word else {
            if argument.required {
                return Err(ArgumentError::new(argument, ArgumentProblem::Missing));
            }
            continue;
        };
        match value(directory, place, argument, &word).await {
            Ok(value) => {
                values.insert(argument.name.clone(), value);
            }
            Err(problem)
                if argument.required || matches!(problem, ArgumentProblem::Unreachable | ArgumentProblem::Busy) =>
            {
                return Err(ArgumentError::new(argument, problem));
            }
            Err(problem) => {
                words = before;
                passed_on.get_or_insert_with(|| ArgumentError::new(argument, problem));
            }
        }
    }
    match passed_on {
        Some(error) if !words.rest().is_empty() => Err(error),
        _ => Ok(values),
    }
}

async fn value(
    directory: &impl Directory,
    place: &Place<'_>,
    argument: &Argument,
    word: &str,
) -> Result<ArgumentValue, ArgumentProblem> {
    let query = match step(argument, word, place) {
        Step::Value(value) => return Ok(value),
        Step::Refused(problem) => return Err(problem),
        Step::LookUp(query) => query,
    };
    match look_up(directory, place.guild_id, query).await {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(ArgumentProblem::NotFound { given: word.to_owned() }),
        Err(DirectoryError::Busy) => Err(ArgumentProblem::Busy),
        Err(error) => {
            tracing::warn!(argument = argument.name, %error, "an argument could not be looked up");
            Err(ArgumentProblem::Unreachable)
        }
    }
}

async fn look_up(
    directory: &impl Directory,
    guild: Option<GuildId>,
    query: Query,
) -> Result<Option<ArgumentValue>, DirectoryError> {
    if let Query::User(id) = query {
        return Ok(directory.user(id).await?.map(ArgumentValue::User));
    }
    // By name, users are looked for among the members: Discord knows no other search.
    let Some(guild) = guild else { return Ok(None) };
    let is_here = |of: Option<GuildId>| of.is_none_or(|of| of == guild);
    Ok(match query {
        Query::User(id) => directory.user(id).await?.map(ArgumentValue::User),
        Query::UserNamed(name) => directory
            .member_by_name(guild, &name)
            .await?
            .map(|member| ArgumentValue::User(member.user)),
        Query::Member(id) => directory.member(guild, id).await?.map(ArgumentValue::Member),
        Query::MemberNamed(name) => directory.member_by_name(guild, &name).await?.map(ArgumentValue::Member),
        Query::Channel(id) => directory
            .channel(guild, id)
            .await?
            .filter(|channel| is_here(channel.guild_id))
            .map(ArgumentValue::Channel),
        Query::ChannelNamed(name) => directory
            .channel_by_name(guild, &name)
            .await?
            .map(ArgumentValue::Channel),
        Query::Role(id) => directory
            .role(guild, id)
            .await?
            .filter(|role| is_here(role.guild_id))
            .map(ArgumentValue::Role),
        Query::RoleNamed(name) => directory.role_by_name(guild, &name).await?.map(ArgumentValue::Role),
    })
}

/// The arguments of a slash command that are missing though they are required, or that nobody described.
///
/// # Errors
///
/// The first one that is missing: a registration that is older than the command.
pub(super) fn require(arguments: &[Argument], values: &BTreeMap<String, ArgumentValue>) -> Result<(), ArgumentError> {
    match arguments
        .iter()
        .find(|argument| argument.required && !values.contains_key(&argument.name))
    {
        Some(argument) => Err(ArgumentError::new(argument, ArgumentProblem::Missing)),
        None => Ok(()),
    }
}

/// Whether an argument's value is something of a server.
pub(super) fn is_of_a_server(kind: ArgumentKind) -> bool {
    matches!(kind, ArgumentKind::Member | ArgumentKind::Channel | ArgumentKind::Role)
}

#[cfg(test)]
mod tests;
