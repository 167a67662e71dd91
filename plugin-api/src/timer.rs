//! One-off timers: a `#[timer]` function is also the factory of its timers.
//!
//! The host keeps them, over reloads and restarts; here they are only asked for. `TimerFactory` is implemented for all
//! functions of a `#[timer]`'s shape, so that `remind.at(&ctx, when, &reminder)` sets a timer that runs `remind`.

use std::{
    future::IntoFuture,
    marker::PhantomData,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{
    GuildId, SetTimer, TimerAnswer, TimerId, TimerRequest, UserId, WaitingTimer, WhichTimer, kind::TIMERS,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Host, IntoId, IntoOptionalId, Result, TimerCtx, definition::Running};

/// The function behind a timer, as `#[timer]` declares it; not for implementing by hand.
pub trait TimerHandler: 'static {
    /// The type of the plugin's state.
    type State: 'static;
    /// What one of its timers is about.
    type Payload: 'static;
    /// The name by which the host finds it.
    const NAME: &'static str;
}

/// What the function of a `#[timer]` returns: a future of [`Result`].
#[must_use = "a timer's function runs when it is awaited"]
pub struct Timed<H> {
    future: Running,
    handler: PhantomData<fn() -> H>,
}

impl<H> Timed<H> {
    #[doc(hidden)]
    pub fn new(future: impl Future<Output = Result> + 'static) -> Self {
        Self {
            future: Box::pin(future),
            handler: PhantomData,
        }
    }
}

impl<H> Future for Timed<H> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        self.future.as_mut().poll(cx)
    }
}

impl<H> std::fmt::Debug for Timed<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timed").finish_non_exhaustive()
    }
}

/// Sets and cancels the timers of a `#[timer]` function.
///
/// A timer is kept by the host: it survives a reload, a restart, and its plugin being unloaded. It is written down before
/// [`at`](Self::at) returns, and removed when its run has come to an end, whatever that was. A run that the end of the bot or
/// of the plugin has cut off is made again, so that a reminder comes twice rather than never; after three such runs it is paused,
/// and the owner told. Up to 10,000 of a plugin wait at a time, each about up to 16 KiB of JSON, up to ten years ahead; up to 64
/// of a plugin run at a time, for as long as they take, and further ones that are due begin when one of these ends.
///
/// A run that fails is over: it is told as an error, and not made again. With `#[timer(retry = "1m")]` what may go well later
/// ([`Error::is_transient`](crate::Error::is_transient): Discord can't be reached, say) is tried again each minute until it
/// goes well or fails for good; the timer keeps its number and key meanwhile, and can be cancelled.
///
/// ```
/// use std::time::Duration;
///
/// use plugin_api::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Reminder {
///     channel: ChannelId,
///     text: String,
/// }
///
/// /// Be reminded of something later.
/// #[command]
/// async fn remind(ctx: Ctx, time: Duration, #[rest] text: String) -> Result {
///     let reminder = Reminder { channel: ctx.channel_id(), text };
///     let id = tell.after(&ctx, time, &reminder).user(ctx.author().id).await?;
///     ctx.reply(format!("I'll tell you (timer {id}).")).await
/// }
///
/// #[timer(retry = "1m")]
/// async fn tell(ctx: TimerCtx, reminder: Reminder) -> Result {
///     ctx.send(reminder.channel, reminder.text).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::remind], timers: [super::tell]); }
/// # fn main() {}
/// ```
pub trait TimerFactory<Kind>: Sized {
    /// What a timer is about.
    type Payload;
    #[doc(hidden)]
    const NAME: &'static str;

    /// Sets a timer: await it for its number. A time that is over is as good as now.
    fn at(self, host: &Host, when: impl Into<SystemTime>, payload: &Self::Payload) -> NewTimer
    where
        Self::Payload: Serialize,
    {
        let since = when.into().duration_since(UNIX_EPOCH).unwrap_or_default();
        let head = SetTimer {
            name: Self::NAME.to_owned(),
            due_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            ..SetTimer::default()
        };
        NewTimer {
            host: host.clone(),
            head,
            payload: serde_json::to_vec(payload).map_err(Error::from),
        }
    }

    /// Sets a timer that runs after a time: await it for its number.
    fn after(self, host: &Host, time: Duration, payload: &Self::Payload) -> NewTimer
    where
        Self::Payload: Serialize,
    {
        // What no clock can tell is refused by the host, as too far ahead.
        let far = || UNIX_EPOCH + Duration::from_secs(1 << 40);
        self.at(host, SystemTime::now().checked_add(time).unwrap_or_else(far), payload)
    }

    /// Cancels a timer of this function; whether there was one. A run that has begun goes on.
    #[track_caller]
    fn cancel(self, host: &Host, id: TimerId) -> impl Future<Output = Result<bool>> {
        cancel(host, Self::NAME, WhichTimer::Id(id))
    }

    /// Cancels the timer of this function that was set with this key; whether there was one.
    #[track_caller]
    fn cancel_key(self, host: &Host, key: impl Into<String>) -> impl Future<Output = Result<bool>> {
        cancel(host, Self::NAME, WhichTimer::Key(key.into()))
    }

    /// The timers of this function that wait: await it for all of them, in the order in which they were set.
    fn pending(self, host: &Host) -> PendingTimers<Self::Payload> {
        PendingTimers {
            host: host.clone(),
            name: Self::NAME,
            user: None,
            guild: None,
            payload: PhantomData,
        }
    }
}

impl<F, S, T, H> TimerFactory<(S, T, H)> for F
where
    F: FnOnce(TimerCtx<S>, T) -> Timed<H>,
    H: TimerHandler<State = S, Payload = T>,
{
    type Payload = T;
    const NAME: &'static str = H::NAME;
}

impl<F, S, H> TimerFactory<(S, H)> for F
where
    F: FnOnce(TimerCtx<S>) -> Timed<H>,
    H: TimerHandler<State = S, Payload = ()>,
{
    type Payload = ();
    const NAME: &'static str = H::NAME;
}

#[track_caller]
fn cancel(host: &Host, name: &'static str, which: WhichTimer) -> impl Future<Output = Result<bool>> {
    let (host, place) = (host.clone(), Location::caller());
    async move {
        let request = TimerRequest::Cancel {
            name: name.to_owned(),
            which,
        };
        match ask(&host, &request, &[]).await {
            Ok(TimerAnswer::Cancelled(was_there)) => Ok(was_there),
            Ok(_) => Err(strange().at(place)),
            Err(error) => Err(error.at(place)),
        }
    }
}

async fn ask(host: &Host, request: &TimerRequest, payload: &[u8]) -> Result<TimerAnswer> {
    let (answer, _) = host.core.link.ask_for(TIMERS, request, payload).await?;
    Ok(answer)
}

fn strange() -> Error {
    Error::new("the host's answer is none to what was asked: it is older than this plugin")
}

/// A timer to be set: await it for its number.
///
/// # Errors
///
/// Too many of this plugin wait, the payload is too long, the time is too far ahead, or it can't be written down.
#[must_use = "a timer is set when this is awaited"]
pub struct NewTimer {
    host: Host,
    head: SetTimer,
    payload: Result<Vec<u8>>,
}

impl NewTimer {
    /// Replaces the timer of the same function that was set with the same key, of up to 100 bytes.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.head.key = Some(key.into());
        self
    }

    /// Says which user it is about: it is erased with them. Who only asked for it is not meant.
    pub fn user(mut self, user: impl IntoId<UserId>) -> Self {
        self.head.user = Some(user.into_id());
        self
    }

    /// Says which server it is about, if any: it is erased with it.
    pub fn guild(mut self, guild: impl IntoOptionalId<GuildId>) -> Self {
        self.head.guild = guild.into_optional_id();
        self
    }
}

impl IntoFuture for NewTimer {
    type Output = Result<TimerId>;
    type IntoFuture = Running<Result<TimerId>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let place = Location::caller();
        Box::pin(async move {
            let payload = self.payload.map_err(|error| error.at(place))?;
            match ask(&self.host, &TimerRequest::Set(self.head), &payload).await {
                Ok(TimerAnswer::Set(id)) => Ok(id),
                Ok(_) => Err(strange().at(place)),
                Err(error) => Err(error.at(place)),
            }
        })
    }
}

impl std::fmt::Debug for NewTimer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewTimer")
            .field("timer", &self.head)
            .finish_non_exhaustive()
    }
}

/// A timer that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTimer<T> {
    /// Its number.
    pub id: TimerId,
    /// When it runs.
    pub due: SystemTime,
    /// The key that it was set with.
    pub key: Option<String>,
    /// What it is about.
    pub payload: T,
}

/// The timers of a function that wait, to be asked for: await it.
///
/// # Errors
///
/// They can't be read. One that is about something else than the function's payload, since an earlier version of the plugin
/// has set it, is left out with a warning that names it.
#[must_use = "timers are asked for when this is awaited"]
pub struct PendingTimers<T> {
    host: Host,
    name: &'static str,
    user: Option<UserId>,
    guild: Option<GuildId>,
    payload: PhantomData<fn() -> T>,
}

impl<T> PendingTimers<T> {
    /// Only those that were set as about this user.
    pub fn user(mut self, user: impl IntoId<UserId>) -> Self {
        self.user = Some(user.into_id());
        self
    }

    /// Only those that were set as about this server.
    pub fn guild(mut self, guild: impl IntoId<GuildId>) -> Self {
        self.guild = Some(guild.into_id());
        self
    }

    async fn read(self) -> Result<Vec<PendingTimer<T>>>
    where
        T: DeserializeOwned,
    {
        let mut all = Vec::new();
        let mut last = TimerId::default();
        loop {
            let request = TimerRequest::List {
                name: self.name.to_owned(),
                user: self.user,
                guild: self.guild,
                after: last,
            };
            let TimerAnswer::List { timers, more } = ask(&self.host, &request, &[]).await? else {
                return Err(strange());
            };
            for WaitingTimer {
                id,
                due_ms,
                key,
                payload,
            } in timers
            {
                last = id;
                match serde_json::from_str(payload.get()) {
                    Ok(payload) => all.push(PendingTimer {
                        id,
                        due: UNIX_EPOCH + Duration::from_millis(due_ms),
                        key,
                        payload,
                    }),
                    // The others are none the worse for it.
                    Err(error) => tracing::warn!(
                        "the payload of timer {id} doesn't fit `{}`, it is left out of those that wait: {error}; \
                         `timers cancel {id}` removes it",
                        self.name
                    ),
                }
            }
            if !more {
                return Ok(all);
            }
        }
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for PendingTimers<T> {
    type Output = Result<Vec<PendingTimer<T>>>;
    type IntoFuture = Running<Self::Output>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let place = Location::caller();
        Box::pin(async move { self.read().await.map_err(|error| error.at(place)) })
    }
}

impl<T> std::fmt::Debug for PendingTimers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingTimers")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
