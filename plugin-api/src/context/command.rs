//! The context of a command: who asked, where, by which door, and the ways to answer.
//!
//! Answers are sent as actions, never as routes of Discord, so that one handler serves all doors alike.

use std::{fmt, ops::Deref, rc::Rc, time::Duration};

use plugin_protocol::{Action, Cooldown, Door, Invocation, Problem, ProblemCode, Respond, Responded, kind::RESPOND};

use super::Host;
use crate::{
    ChannelId, GuildId, InteractionId, Member, Message, MessageId, Reply, Result, User,
    argument::Arguments,
    error::placed,
    message::reaction_path,
    refuse,
    runtime::{Core, Owned},
};

/// An invocation, as it came.
pub(crate) struct Asked {
    pub(crate) invocation: Invocation,
    /// Its number, shared with everything that can answer it.
    id: Rc<u64>,
    envelope: Owned,
}

impl Asked {
    pub(crate) fn new(envelope: Owned, invocation: Invocation) -> Self {
        Self {
            invocation,
            id: Rc::new(envelope.id),
            envelope,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        *self.id
    }

    /// The number to hold as long as the invocation may be answered.
    pub(crate) fn hold(&self) -> Rc<u64> {
        self.id.clone()
    }

    pub(crate) fn is_click(&self) -> bool {
        self.invocation.click.is_some()
    }

    pub(crate) fn take_arguments(&mut self) -> Arguments {
        Arguments::new(std::mem::take(&mut self.invocation.arguments))
    }
}

/// What a command's handler is given: `Ctx<State>`, or just `Ctx` in a plugin without a state.
///
/// It dereferences to [`Host`], and is cheap to clone.
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Say how long a text is.
/// #[command(slash, prefix)]
/// async fn length(ctx: Ctx, #[rest] text: String) -> Result {
///     let answer = ctx.reply("Counting...").handle().await?;
///     answer.edit(format!("{} letters", text.chars().count())).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::length]); }
/// # fn main() {}
/// ```
pub struct Ctx<S = ()> {
    host: Host,
    state: Rc<S>,
    pub(crate) asked: Rc<Asked>,
}

impl<S> Ctx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>, asked: Asked) -> Self {
        let host = Host {
            core,
            invocation: Some(asked.hold()),
            requester: Some(asked.invocation.author.id),
            hook: None,
        };
        Self {
            host,
            state,
            asked: Rc::new(asked),
        }
    }

    /// The plugin's state, as the start function built it.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Who asked.
    #[must_use]
    pub fn author(&self) -> &User {
        &self.asked.invocation.author
    }

    /// Who asked, as a member of the server; `None` in direct messages.
    #[must_use]
    pub fn member(&self) -> Option<&Member> {
        self.asked.invocation.member.as_ref()
    }

    /// The server; `None` in direct messages.
    #[must_use]
    pub fn guild_id(&self) -> Option<GuildId> {
        self.asked.invocation.guild_id
    }

    /// The channel.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.asked.invocation.channel_id
    }

    /// By prefix: the message that asked. By a control: the message that it is on. By slash: `None`.
    #[must_use]
    pub fn message_id(&self) -> Option<MessageId> {
        self.asked.invocation.message_id
    }

    /// By slash and by a control: the interaction.
    #[must_use]
    pub fn interaction_id(&self) -> Option<InteractionId> {
        self.asked.invocation.interaction_id
    }

    /// By which way it was asked.
    #[must_use]
    pub fn door(&self) -> Door {
        self.asked.invocation.door
    }

    /// The asker's language, such as `de` or `en-US`; by prefix, Discord doesn't tell it.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        self.asked.invocation.locale.as_deref()
    }

    /// By prefix: the prefix that was used.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.asked.invocation.prefix.as_deref()
    }

    /// The command's or the control's name, as the plugin declares it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.asked.invocation.name
    }

    /// Counts this use of the command for its asker, beside the cooldown that it declares: for a command whose cooldown
    /// depends on how it is used. The bot's owners have none.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::prelude::*;
    ///
    /// /// Show one page, or search all of them.
    /// #[command(cooldown(none))]
    /// async fn pages(ctx: Ctx, search: Option<String>) -> Result {
    ///     if search.is_some() {
    ///         ctx.cooldown(1, Duration::from_secs(30)).await?;
    ///     }
    ///     ctx.reply("Nothing here.").await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::pages]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// A refusal that says when it can be used again.
    #[track_caller]
    pub fn cooldown(&self, uses: u32, per: Duration) -> impl Future<Output = Result> {
        let cooldown = Cooldown {
            uses,
            per_ms: u64::try_from(per.as_millis()).unwrap_or(u64::MAX),
            ..Cooldown::default()
        };
        placed(async move {
            let counted: Result = self.call("commands.cooldown", &cooldown).await;
            match counted.as_ref().map_err(|error| error.problem()) {
                Err(Some(Problem {
                    code: ProblemCode::Busy,
                    message,
                })) => refuse(message.clone()),
                _ => counted,
            }
        })
    }

    /// While suggestions are asked for: what another argument of the command is by now, as Discord tells it, such as a
    /// text, or an id. `None` if it is not given yet.
    #[must_use]
    pub fn typed(&self, argument: &str) -> Option<&str> {
        let typed = self.asked.invocation.typed.as_ref()?;
        typed.others.get(argument).map(String::as_str)
    }

    /// The gateway's payload as received: JSON with the event under `d`.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.asked.envelope.tail()
    }

    /// Answers: await it. The first answer is the reply, further ones are follow-ups.
    ///
    /// By prefix it is a reply to the message that asked; by slash and by a control it is the interaction's answer.
    ///
    /// A handler may end without an answer: by slash the asker is then told "Done.", which only they see; by prefix
    /// nothing is sent.
    #[track_caller]
    pub fn reply(&self, message: impl Into<Message>) -> Reply {
        Reply::to_invocation(self.host.clone(), self.asked.id(), Action::Reply, None, message.into())
    }

    /// Changes the first answer: await it. What the message doesn't set stays as it is.
    #[track_caller]
    pub fn edit(&self, message: impl Into<Message>) -> Reply {
        Reply::to_invocation(self.host.clone(), self.asked.id(), Action::Edit, None, message.into())
    }

    /// Deletes the first answer.
    ///
    /// # Errors
    ///
    /// Nothing was answered yet, or the answer is gone.
    #[track_caller]
    pub fn delete(&self) -> impl Future<Output = Result> {
        placed(self.act(Action::Delete, false))
    }

    /// Promises an answer at once, which everybody will see. By prefix it shows typing.
    ///
    /// Discord wants an answer, or the promise of one, within 3 seconds
    /// (<https://discord.com/developers/docs/interactions/receiving-and-responding>). The host promises one by itself
    /// after 2 seconds, so that this is needed only to choose, here or by [`defer_ephemeral`](Self::defer_ephemeral), who
    /// sees a late answer, or to show at once that the bot is at work.
    ///
    /// # Errors
    ///
    /// It was answered already.
    #[track_caller]
    pub fn defer(&self) -> impl Future<Output = Result> {
        placed(self.act(Action::Defer, false))
    }

    /// Like [`defer`](Self::defer), for an answer that only the asker sees.
    ///
    /// # Errors
    ///
    /// It was answered already.
    #[track_caller]
    pub fn defer_ephemeral(&self) -> impl Future<Output = Result> {
        placed(self.act(Action::Defer, true))
    }

    /// Puts a reaction on the message that asked: `"👍"`, or one of a server as a message writes it, `"<:name:id>"`. By a
    /// control it is the message that the control is on; by slash, where there is none, nothing happens.
    ///
    /// # Errors
    ///
    /// The bot may not react there, or doesn't know the emoji.
    #[track_caller]
    pub fn react(&self, emoji: &str) -> impl Future<Output = Result> {
        let path = self.message_id().map(|id| reaction_path(self.channel_id(), id, emoji));
        placed(async move {
            match path {
                Some(path) => self.raw().put(&path, &()).await.map(drop),
                None => Ok(()),
            }
        })
    }

    /// Shows the bot as typing in the channel, for 10 seconds or until it writes.
    ///
    /// # Errors
    ///
    /// The bot may not write there.
    #[track_caller]
    pub fn typing(&self) -> impl Future<Output = Result> {
        let path = format!("/channels/{}/typing", self.channel_id());
        placed(async move { self.raw().post(&path, &()).await.map(drop) })
    }

    async fn act(&self, action: Action, ephemeral: bool) -> Result {
        let respond = Respond {
            ephemeral,
            ..Respond::new(self.asked.id(), action)
        };
        self.core.link.ask_for::<Responded>(RESPOND, &respond, &[]).await?;
        Ok(())
    }
}

impl<S> Clone for Ctx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
            asked: self.asked.clone(),
        }
    }
}

impl<S> Deref for Ctx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for Ctx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("name", &self.name())
            .field("door", &self.door())
            .finish_non_exhaustive()
    }
}
