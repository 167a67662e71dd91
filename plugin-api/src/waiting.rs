//! Waiting for what people do next: a message, a reaction, a click, each with a time limit.
//!
//! What is waited for is registered at the host, which forwards nothing else. A function that waits holds nothing up: when
//! its plugin is replaced, unloaded, or the bot stops, its waiting ends with an error that tells the user so.

mod awaited;

use std::{any::Any, fmt, panic::Location, time::Duration};

use plugin_protocol::{
    Happening, LONGEST_WATCH_MS, ReceivedMessage, ReceivedReaction, Watch, Watched, Watching, kind::WATCH,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

pub use awaited::{Awaited, AwaitedButton, awaited};
pub(crate) use awaited::{controls, told};

use crate::{
    Answer, ChannelId, ClickCtx, Ctx, Error, Host, IntoId, MessageId, ProblemCode, Result, UserId, runtime::Waiting,
};

/// The longest time that can be waited.
const LONGEST: Duration = Duration::from_millis(LONGEST_WATCH_MS);

type Filter<T> = Box<dyn FnMut(&T) -> bool>;

/// Waits for the next message: built on, then given its time by [`timeout`](Self::timeout).
///
/// Made by [`Ctx::wait_for_message`] and [`Host::wait_for_message_in`].
#[must_use = "it waits when `.timeout(..)` is awaited"]
pub struct WaitForMessage {
    wait: Wait,
    filter: Filter<ReceivedMessage>,
}

/// Waits for the next reaction on a message: built on, then given its time by [`timeout`](Self::timeout).
///
/// Made by [`Host::wait_for_reaction`] and [`Host::wait_for_reaction_on`].
#[must_use = "it waits when `.timeout(..)` is awaited"]
pub struct WaitForReaction {
    wait: Wait,
    /// Where Discord has not told which message it is, nothing can be waited for.
    message: Option<MessageId>,
    filter: Filter<ReceivedReaction>,
}

/// Waits for the next click on a message's [`awaited`] controls: built on, then given its time by
/// [`timeout`](Self::timeout).
///
/// Made by [`Ctx::wait_for_click`].
#[must_use = "it waits when `.timeout(..)` is awaited"]
pub struct WaitForClick<S = ()> {
    wait: Wait,
    message: Option<MessageId>,
    filter: ClickFilter<S>,
}

/// Which clicks are meant.
type ClickFilter<S> = Box<dyn Fn(&ClickCtx<S>) -> bool>;

/// What all of them have.
struct Wait {
    host: Host,
    wanted: Watched,
    /// Absent where Discord has not told it.
    channel: Option<ChannelId>,
    from: From,
    bots: bool,
    place: &'static Location<'static>,
}

/// Whose doing is waited for.
#[derive(Clone, Copy)]
enum From {
    Anybody,
    User(UserId),
    /// Of the one who asked, where nobody did.
    Nobody,
}

impl Wait {
    #[track_caller]
    fn new(host: &Host, wanted: Watched, channel: Option<ChannelId>) -> Self {
        Self {
            host: host.clone(),
            wanted,
            channel,
            from: From::Anybody,
            bots: false,
            place: Location::caller(),
        }
    }

    fn restrict_to_author(&mut self) {
        self.from = self.host.requester.map_or(From::Nobody, From::User);
    }

    fn user(&self) -> Option<UserId> {
        match self.from {
            From::User(user) => Some(user),
            From::Anybody | From::Nobody => None,
        }
    }

    /// Registers it at the host; says until when the invocation can be answered, if there is an end to that.
    async fn register(&self, waiting: &Waiting, limit: Duration) -> Result<Option<Instant>> {
        if limit > LONGEST {
            return Err(Error::new("a function can wait for at most 15 minutes"));
        }
        if matches!(self.from, From::Nobody) {
            return Err(Error::new(
                "nobody has asked for this, so there is no author: say `.from(user)`",
            ));
        }
        let Some(channel_id) = self.channel else {
            return Err(unknown_message());
        };
        let watch = Watch {
            id: waiting.id,
            wanted: self.wanted,
            channel_id,
            user_id: self.user(),
            bots: self.bots,
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            invocation: self.host.invocation.as_deref().copied(),
        };
        let asked = self.host.core.link.ask_for::<Watching>(WATCH, &watch, &[]).await;
        let (watching, _) = asked.map_err(|problem| match problem.code {
            ProblemCode::Closed => self.ended(),
            _ => problem.into(),
        })?;
        Ok(watching
            .answerable_ms
            .map(|answerable| Instant::now() + Duration::from_millis(answerable)))
    }

    /// Why nothing comes any more.
    fn ended(&self) -> Error {
        match self.host.core.waits.ended() {
            Some(why) => Error::wait_ended(why),
            // Nobody reads it: the host says nothing for a run that doesn't count any more.
            None => Error::refusal_of("What asked for this was edited or deleted meanwhile.".to_owned()),
        }
    }

    /// Begins to wait: registers it. What comes is taken when the second future is awaited, until `accept` makes something of
    /// it, or the time is over.
    async fn begin<T, U>(
        self,
        waiting: Result<(Waiting, mpsc::Receiver<T>)>,
        limit: Duration,
        mut accept: impl FnMut(T) -> Option<U>,
    ) -> Result<impl Future<Output = Result<Option<U>>>> {
        let place = self.place;
        let begun = async {
            let (waiting, coming) = waiting?;
            let begins = Instant::now();
            let answerable = self.register(&waiting, limit).await?;
            Ok((waiting, coming, begins, answerable))
        };
        let (waiting, mut coming, begins, answerable) = begun.await.map_err(|error: Error| error.at(place))?;
        let ends = begins + limit;
        let stops = answerable.map_or(ends, |answerable| answerable.min(ends));
        Ok(async move {
            let _waiting = waiting;
            loop {
                tokio::select! {
                    biased;
                    came = coming.recv() => match came {
                        Some(came) => if let Some(accepted) = accept(came) {
                            return Ok(Some(accepted));
                        },
                        None => return Err(self.ended().at(place)),
                    },
                    () = sleep_until(stops) => {
                        return if stops < ends { Err(Error::wait_outlived().at(place)) } else { Ok(None) };
                    }
                }
            }
        })
    }
}

fn unknown_message() -> Error {
    Error::new("Discord has not told which message this is: send it by `.handle()`")
}

impl WaitForMessage {
    /// Only those of the one who asked.
    pub fn from_author(mut self) -> Self {
        self.wait.restrict_to_author();
        self
    }

    /// Only those of this user.
    pub fn from(mut self, user: impl IntoId<UserId>) -> Self {
        self.wait.from = From::User(user.into_id());
        self
    }

    /// Those in another channel.
    pub fn in_channel(mut self, channel: impl IntoId<ChannelId>) -> Self {
        self.wait.channel = Some(channel.into_id());
        self
    }

    /// Those of bots and webhooks count, too, the bot's own among them.
    pub fn including_bots(mut self) -> Self {
        self.wait.bots = true;
        self
    }

    /// Only those of which `filter` says so. Several filters must all agree.
    pub fn filter(mut self, mut filter: impl FnMut(&ReceivedMessage) -> bool + 'static) -> Self {
        let mut earlier = self.filter;
        self.filter = Box::new(move |message| earlier(message) && filter(message));
        self
    }

    /// Waits for it, at most so long, which is at most 15 minutes: `None` if none came.
    ///
    /// # Errors
    ///
    /// The plugin is replaced or unloaded, the bot stops, or the 15 minutes are over in which Discord lets the command be
    /// answered: returned from the handler, each of these is told to the user in words (see [`Error::refusal`]). More than
    /// 1,024 functions of the plugin wait; or this generation has ended.
    pub async fn timeout(self, limit: Duration) -> Result<Option<ReceivedMessage>> {
        self.begin(limit).await?.await
    }

    /// Begins to wait, which ends after this time, at most 15 minutes; what this returns is then awaited for the message.
    /// So nobody can be quicker than the function that asks them:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::prelude::*;
    ///
    /// /// Type as fast as you can.
    /// #[command(slash, prefix)]
    /// async fn typing(ctx: Ctx) -> Result {
    ///     let typed = ctx.wait_for_message().filter(|message| message.content == "rhythm").begin(Duration::from_secs(9)).await?;
    ///     ctx.reply("Type: rhythm").await?;
    ///     match typed.await? {
    ///         Some(message) => ctx.reply(format!("{} was first.", message.author.mention())).await,
    ///         None => ctx.reply("Nobody.").await,
    ///     }
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::typing]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// As [`timeout`](Self::timeout), here and there.
    pub async fn begin(mut self, limit: Duration) -> Result<impl Future<Output = Result<Option<ReceivedMessage>>>> {
        let waiting = Waiting::for_events(self.wait.host.core.clone()).map_err(Error::wait_ended);
        let accept = move |happening| match happening {
            Happening::Message(message) => Some(*message).filter(|message| (self.filter)(message)),
            Happening::Reaction(_) => None,
        };
        self.wait.begin(waiting, limit, accept).await
    }
}

impl WaitForReaction {
    /// Only those of the one who asked.
    pub fn from_author(mut self) -> Self {
        self.wait.restrict_to_author();
        self
    }

    /// Only those of this user.
    pub fn from(mut self, user: impl IntoId<UserId>) -> Self {
        self.wait.from = From::User(user.into_id());
        self
    }

    /// Those of bots count, too, the bot's own among them.
    pub fn including_bots(mut self) -> Self {
        self.wait.bots = true;
        self
    }

    /// Only those with this emoji: `"👍"`, or one of a server as a message writes it, `"<:name:id>"`.
    pub fn emoji(self, emoji: &str) -> Self {
        let wanted = emoji.to_owned();
        self.filter(move |reaction| match reaction.emoji.id {
            Some(id) => wanted.ends_with(&format!(":{id}>")),
            None => reaction.emoji.name == wanted,
        })
    }

    /// Only those of which `filter` says so. Several filters must all agree.
    pub fn filter(mut self, mut filter: impl FnMut(&ReceivedReaction) -> bool + 'static) -> Self {
        let mut earlier = self.filter;
        self.filter = Box::new(move |reaction| earlier(reaction) && filter(reaction));
        self
    }

    /// Waits for it, at most so long, which is at most 15 minutes: `None` if none came.
    ///
    /// # Errors
    ///
    /// As [`WaitForMessage::timeout`]. Discord was not asked for reactions: a plugin that waits for them says
    /// `intents: [GUILD_MESSAGE_REACTIONS]` in `plugin!`, and `DIRECT_MESSAGE_REACTIONS` for those in direct messages.
    pub async fn timeout(self, limit: Duration) -> Result<Option<ReceivedReaction>> {
        self.begin(limit).await?.await
    }

    /// Begins to wait, which ends after this time, at most 15 minutes; what this returns is then awaited for the reaction,
    /// see [`WaitForMessage::begin`].
    ///
    /// # Errors
    ///
    /// As [`timeout`](Self::timeout), here and there.
    pub async fn begin(mut self, limit: Duration) -> Result<impl Future<Output = Result<Option<ReceivedReaction>>>> {
        let waiting = match self.message {
            Some(_) => Waiting::for_events(self.wait.host.core.clone()).map_err(Error::wait_ended),
            None => Err(unknown_message()),
        };
        let accept = move |happening| match happening {
            Happening::Reaction(reaction) => {
                let is_there = |reaction: &ReceivedReaction| Some(reaction.message_id) == self.message;
                Some(*reaction).filter(|reaction| is_there(reaction) && (self.filter)(reaction))
            }
            Happening::Message(_) => None,
        };
        self.wait.begin(waiting, limit, accept).await
    }
}

impl<S: 'static> WaitForClick<S> {
    /// Only those of this user; who else clicks is told that it isn't for them.
    pub fn from(mut self, user: impl IntoId<UserId>) -> Self {
        self.wait.from = From::User(user.into_id());
        self
    }

    /// Only those of which `filter` says so; who else clicks is told that it isn't for them. Several filters must all agree.
    pub fn filter(mut self, filter: impl Fn(&ClickCtx<S>) -> bool + 'static) -> Self {
        let earlier = self.filter;
        self.filter = Box::new(move |click| earlier(click) && filter(click));
        self
    }

    /// Waits for it, at most so long, which is at most 15 minutes: `None` if none came.
    ///
    /// The click is answered as in a handler of its own: by [`update`](ClickCtx::update), `reply` or a form; one that was
    /// not answered when it is dropped is acknowledged silently.
    ///
    /// # Errors
    ///
    /// As [`WaitForMessage::timeout`].
    pub async fn timeout(self, limit: Duration) -> Result<Option<ClickCtx<S>>> {
        let Self { wait, message, filter } = self;
        let user = wait.user();
        let accepts = move |click: &dyn Any| {
            let click = click.downcast_ref::<ClickCtx<S>>();
            click.is_some_and(|click| user.is_none_or(|user| click.author().id == user) && filter(click))
        };
        let core = wait.host.core.clone();
        let waiting = message
            .ok_or_else(unknown_message)
            .and_then(|message| Waiting::for_click(core, message, Box::new(accepts)).map_err(Error::wait_ended));
        let accept = |click: Box<dyn Any>| click.downcast::<ClickCtx<S>>().ok().map(|click| *click);
        wait.begin(waiting, limit, accept).await?.await
    }
}

impl Host {
    /// Waits for the next message in a channel that is not a bot's; what else it must be, is said by the methods of what this
    /// returns. See [`Ctx::wait_for_message`].
    #[track_caller]
    pub fn wait_for_message_in(&self, channel: impl IntoId<ChannelId>) -> WaitForMessage {
        WaitForMessage {
            wait: Wait::new(self, Watched::Message, Some(channel.into_id())),
            filter: Box::new(|_| true),
        }
    }

    /// Waits for the next reaction that is put on a message that was sent, by somebody who is no bot.
    ///
    /// The plugin has to ask for reactions: `intents: [GUILD_MESSAGE_REACTIONS]` in `plugin!`, and
    /// `DIRECT_MESSAGE_REACTIONS` for those in direct messages.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::prelude::*;
    ///
    /// /// See who is quickest.
    /// #[command(slash, prefix)]
    /// async fn race(ctx: Ctx) -> Result {
    ///     let start = ctx.reply("React with 🏁!").handle().await?;
    ///     let first = ctx.wait_for_reaction(&start).emoji("🏁").timeout(Duration::from_secs(30)).await?;
    ///     match first {
    ///         Some(reaction) => ctx.reply(format!("{} is quickest.", reaction.user_id.mention())).await,
    ///         None => ctx.reply("Nobody?").await,
    ///     }
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::race], intents: [GUILD_MESSAGE_REACTIONS]); }
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn wait_for_reaction(&self, message: &Answer) -> WaitForReaction {
        WaitForReaction {
            wait: Wait::new(self, Watched::Reaction, message.channel_id()),
            message: message.message_id(),
            filter: Box::new(|_| true),
        }
    }

    /// Like [`wait_for_reaction`](Self::wait_for_reaction), on any message.
    #[track_caller]
    pub fn wait_for_reaction_on(
        &self,
        channel: impl IntoId<ChannelId>,
        message: impl IntoId<MessageId>,
    ) -> WaitForReaction {
        WaitForReaction {
            wait: Wait::new(self, Watched::Reaction, Some(channel.into_id())),
            message: Some(message.into_id()),
            filter: Box::new(|_| true),
        }
    }
}

impl<S> Ctx<S> {
    /// Waits for the next message in this channel that is not a bot's; what else it must be, is said by the methods of what
    /// this returns.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::prelude::*;
    ///
    /// /// Be asked for your favourite colour.
    /// #[command(slash, prefix)]
    /// async fn favourite(ctx: Ctx) -> Result {
    ///     ctx.reply("Which colour?").await?;
    ///     let answer = ctx.wait_for_message().from_author().timeout(Duration::from_secs(30)).await?;
    ///     match answer {
    ///         Some(message) => ctx.reply(format!("{}, I see.", message.content)).await,
    ///         None => ctx.reply("Another time, then.").await,
    ///     }
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::favourite]); }
    /// # fn main() {}
    /// ```
    ///
    /// A message that somebody waits for remains a message for everything else: events are handled, and if it is a command,
    /// it runs, as in discord.py. Messages are seen that come after this is first polled. Without the `MESSAGE_CONTENT`
    /// intent, Discord leaves the text of those in servers empty that don't mention the bot: ask for a mention, or by a form.
    ///
    /// While a function waits, its plugin can be replaced or unloaded, and the bot can stop: the waiting ends with an error
    /// then, which tells the user to use the command again. The host tells nobody that a command takes long while it waits.
    #[track_caller]
    pub fn wait_for_message(&self) -> WaitForMessage {
        self.wait_for_message_in(self.channel_id())
    }

    /// Waits for the next click on the [`awaited`] controls of a message that was sent.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::{awaited, prelude::*};
    ///
    /// /// Choose a side.
    /// #[command(slash, prefix)]
    /// async fn side(ctx: Ctx) -> Result {
    ///     let question = ctx
    ///         .reply("Heads or tails?")
    ///         .button(awaited("heads").button("Heads").primary())
    ///         .button(awaited("tails").button("Tails").secondary())
    ///         .handle()
    ///         .await?;
    ///     match ctx.wait_for_click(&question).timeout(Duration::from_secs(60)).await? {
    ///         Some(click) => click.update(format!("You chose {}.", click.key())).without_controls().await,
    ///         None => question.edit("Too late.").without_controls().await,
    ///     }
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::side]); }
    /// # fn main() {}
    /// ```
    ///
    /// A click for which nobody waits (any more) is answered so; one that comes while the function is busy waits a second or
    /// so for it. What must outlive a reload is better done by a `#[component]`, whose buttons work on.
    #[track_caller]
    pub fn wait_for_click(&self, message: &Answer) -> WaitForClick<S> {
        WaitForClick {
            wait: Wait::new(
                self,
                Watched::Click,
                Some(message.channel_id().unwrap_or_else(|| self.channel_id())),
            ),
            message: message.message_id(),
            filter: Box::new(|_| true),
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("wanted", &self.wanted)
            .field("channel", &self.channel)
            .field("user", &self.user())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WaitForMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.fmt(f)
    }
}

impl fmt::Debug for WaitForReaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.fmt(f)
    }
}

impl<S> fmt::Debug for WaitForClick<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.fmt(f)
    }
}
