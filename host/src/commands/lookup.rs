//! Prefix arguments from beginning to end: word by word, looking up what the message did not bring along.
//!
//! Who answers the look-ups is a [`Directory`]: the cache and REST in the bot, a table in tests.

use std::{borrow::Cow, collections::BTreeMap, fmt, future::Future};

use plugin_protocol::{
    Argument, ArgumentKind, ArgumentValue, Channel, ChannelId, CodeBlock, GuildId, Member, Role, RoleId, User, UserId,
};

use super::{
    arguments::{ArgumentError, ArgumentProblem, Place, Query, Step, code, fits_channel, step},
    flags, notation,
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

/// How many words a length of time or a date has at most: `1 hour and 30 minutes` has fewer.
const MOST_WORDS: usize = 6;

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
    let mut values = BTreeMap::new();
    let flags = flags::take(arguments, text)?;
    for (argument, word) in flags.given {
        let value = match word {
            Some(word) => value(directory, place, argument, &word).await,
            None => Ok(ArgumentValue::Boolean(true)),
        };
        let value = value.map_err(|problem| ArgumentError::new(argument, problem))?;
        values.insert(argument.name.clone(), value);
    }
    let mut words = Words::new(&flags.rest);
    let mut files = place.attachments.iter();
    let mut passed_on = None;
    for argument in arguments.iter().filter(|argument| !argument.flag) {
        let before = words.clone();
        let taken = match argument.kind {
            _ if argument.variadic && argument.kind != ArgumentKind::Attachment => {
                let list = list(directory, place, argument, &mut words).await?;
                list.map(|list| Ok(ArgumentValue::List(list)))
            }
            ArgumentKind::Attachment if argument.variadic => {
                let all: Vec<_> = files.by_ref().cloned().map(ArgumentValue::Attachment).collect();
                (!all.is_empty()).then_some(Ok(ArgumentValue::List(all)))
            }
            ArgumentKind::Attachment => files.next().map(|file| Ok(ArgumentValue::Attachment(file.clone()))),
            ArgumentKind::CodeBlock => code_block(argument, &mut words)?.map(|code| Ok(ArgumentValue::CodeBlock(code))),
            ArgumentKind::Duration | ArgumentKind::Date if !argument.rest => {
                match longest(argument, place, &mut words) {
                    Some(value) => Some(Ok(value)),
                    None => next(directory, place, argument, &mut words).await?,
                }
            }
            _ => next(directory, place, argument, &mut words).await?,
        };
        match taken {
            None if argument.required => return Err(ArgumentError::new(argument, ArgumentProblem::Missing)),
            None => {}
            Some(Ok(value)) => {
                values.insert(argument.name.clone(), value);
            }
            Some(Err(problem))
                if argument.required || matches!(problem, ArgumentProblem::Unreachable | ArgumentProblem::Busy) =>
            {
                return Err(ArgumentError::new(argument, problem));
            }
            Some(Err(problem)) => {
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

/// Reads the arguments of a slash command that Discord has no type of option for: the texts among `values`, by the same
/// code as words.
///
/// # Errors
///
/// The first argument that is wrong.
pub async fn read_texts(
    directory: &impl Directory,
    place: &Place<'_>,
    arguments: &[Argument],
    values: &mut BTreeMap<String, ArgumentValue>,
) -> Result<(), ArgumentError> {
    for argument in arguments.iter().filter(|argument| argument.travels_as_text()) {
        let Some(ArgumentValue::String(text)) = values.get(&argument.name) else {
            continue;
        };
        let value = read_text(directory, place, argument, text).await?;
        values.insert(argument.name.clone(), value);
    }
    Ok(())
}

/// Reads a text as the value of an argument: as all of its words, if it takes several.
///
/// # Errors
///
/// What is wrong with it.
pub async fn read_text(
    directory: &impl Directory,
    place: &Place<'_>,
    argument: &Argument,
    text: &str,
) -> Result<ArgumentValue, ArgumentError> {
    if argument.variadic {
        let list = list(directory, place, argument, &mut Words::new(text)).await?;
        return Ok(ArgumentValue::List(list.unwrap_or_default()));
    }
    let value = value(directory, place, argument, text).await;
    value.map_err(|problem| ArgumentError::new(argument, problem))
}

/// What is made of the next word, or of the rest; `None` if there is nothing left.
async fn next(
    directory: &impl Directory,
    place: &Place<'_>,
    argument: &Argument,
    words: &mut Words<'_>,
) -> Result<Option<Result<ArgumentValue, ArgumentProblem>>, ArgumentError> {
    let word = if argument.rest {
        let rest = words.rest();
        *words = Words::new("");
        (!rest.is_empty()).then(|| rest.into())
    } else {
        take(argument, words)?
    };
    match word {
        Some(word) => Ok(Some(value(directory, place, argument, &word).await)),
        None => Ok(None),
    }
}

fn take<'t>(argument: &Argument, words: &mut Words<'t>) -> Result<Option<Cow<'t, str>>, ArgumentError> {
    words
        .take()
        .map_err(|error| ArgumentError::new(argument, ArgumentProblem::Quote(error)))
}

/// All words that are left, each the same; `None` if there are none.
async fn list(
    directory: &impl Directory,
    place: &Place<'_>,
    argument: &Argument,
    words: &mut Words<'_>,
) -> Result<Option<Vec<ArgumentValue>>, ArgumentError> {
    let mut list = Vec::new();
    while !words.rest().is_empty() {
        if let Some(value) = longest(argument, place, words) {
            list.push(value);
            continue;
        }
        let Some(word) = take(argument, words)? else { break };
        let value = value(directory, place, argument, &word).await;
        list.push(value.map_err(|problem| ArgumentError::new(argument, problem))?);
    }
    Ok((!list.is_empty()).then_some(list))
}

/// A length of time or a date of as many words as make one: `2 days`, `tomorrow 9:00`.
fn longest<'t>(argument: &Argument, place: &Place<'_>, words: &mut Words<'t>) -> Option<ArgumentValue> {
    if !matches!(argument.kind, ArgumentKind::Duration | ArgumentKind::Date) {
        return None;
    }
    let mut ahead = words.clone();
    let mut text = String::new();
    let mut found: Option<(ArgumentValue, Words<'t>)> = None;
    for _ in 0..MOST_WORDS {
        let Ok(Some(word)) = ahead.take() else { break };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word);
        if let Step::Value(value) = step(argument, &text, place) {
            found = Some((value, ahead.clone()));
        }
    }
    let (value, ahead) = found?;
    *words = ahead;
    Some(value)
}

/// The code that comes next: a block, or all that is left if the argument takes the rest, or else a word.
fn code_block(argument: &Argument, words: &mut Words<'_>) -> Result<Option<CodeBlock>, ArgumentError> {
    let rest = words.rest();
    if rest.is_empty() {
        return Ok(None);
    }
    if argument.rest {
        *words = Words::new("");
        return Ok(Some(code(rest)));
    }
    if let Some((block, behind)) = notation::code_block(rest) {
        *words = Words::new(behind);
        return Ok(Some(block));
    }
    Ok(take(argument, words)?.map(|word| code(&word)))
}

/// What a word is: of several kinds, the first that fits.
async fn value(
    directory: &impl Directory,
    place: &Place<'_>,
    argument: &Argument,
    word: &str,
) -> Result<ArgumentValue, ArgumentProblem> {
    if argument.kind != ArgumentKind::AnyOf {
        return single(directory, place, argument, word).await;
    }
    for (at, kind) in (0_u32..).zip(&argument.any_of) {
        match single(directory, place, kind, word).await {
            Ok(value) => {
                let value = Box::new(value);
                return Ok(ArgumentValue::OneOf { at, value });
            }
            Err(problem @ (ArgumentProblem::Busy | ArgumentProblem::Unreachable)) => return Err(problem),
            Err(_) => {}
        }
    }
    Err(ArgumentProblem::Unfit { given: word.to_owned() })
}

async fn single(
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
        Ok(Some(ArgumentValue::Channel(channel))) if !fits_channel(argument, channel.kind) => {
            Err(ArgumentProblem::Unfit { given: word.to_owned() })
        }
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
    match query {
        Query::User(id) => return Ok(directory.user(id).await?.map(ArgumentValue::User)),
        Query::Mentionable(id) => return mentionable(directory, guild, id).await,
        _ => {}
    }
    // By name, users are looked for among the members: Discord knows no other search.
    let Some(guild) = guild else { return Ok(None) };
    let is_here = |of: Option<GuildId>| of.is_none_or(|of| of == guild);
    Ok(match query {
        Query::User(_) | Query::Mentionable(_) => None,
        Query::MentionableNamed(name) => match directory.member_by_name(guild, &name).await? {
            Some(member) => Some(ArgumentValue::Member(member)),
            None => directory.role_by_name(guild, &name).await?.map(ArgumentValue::Role),
        },
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

/// A role of the server, or else a member of it, or else a user.
async fn mentionable(
    directory: &impl Directory,
    guild: Option<GuildId>,
    id: u64,
) -> Result<Option<ArgumentValue>, DirectoryError> {
    if let Some((guild, id)) = guild.zip(RoleId::new(id))
        && let Some(role) = directory.role(guild, id).await?
        && role.guild_id.is_none_or(|of| of == guild)
    {
        return Ok(Some(ArgumentValue::Role(role)));
    }
    let Some(id) = UserId::new(id) else { return Ok(None) };
    if let Some(guild) = guild
        && let Some(member) = directory.member(guild, id).await?
    {
        return Ok(Some(ArgumentValue::Member(member)));
    }
    Ok(directory.user(id).await?.map(ArgumentValue::User))
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
