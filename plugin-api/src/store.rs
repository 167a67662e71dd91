//! Keys and values: one store for all servers, one a server, one a user, one a member.
//!
//! A front for requests: keys, sizes and quotas are checked, and expired values passed over, by the host alone.

use std::{fmt, future::IntoFuture, panic::Location, pin::Pin, rc::Rc, time::Duration};

use plugin_protocol::{Keys, KeysAction, KeysAnswer, Problem, ProblemCode, kind::KEYS};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, GuildId, Result, UserId,
    error::placed,
    runtime::{Core, Owned},
};

/// How often an update begins anew because the value changed meanwhile. Updates of one generation wait for each other.
const TRIES: u32 = 64;

/// Keys and values of the plugin; see [`Host::global_store`](crate::Host::global_store).
///
/// Values are anything that serde knows, kept as JSON. What was written is kept when the call returns: it outlives a crash
/// of the bot. No plugin sees another's keys, and the four scopes don't see each other's.
///
/// - Single calls are atomic; [`update`](Self::update) changes a value by a function so that nobody else's change gets
///   lost, [`increment`](Self::increment) counts.
/// - A value may [expire](SetRequest::expires_in): from then on it is absent, and swept some time later.
/// - The bot's owner can erase all that is kept for a user or a server, over all plugins.
///
/// Limits: keys of 1 to 256 bytes, values up to 1 MiB of JSON, 256 MiB for the keys of one plugin. Calls that don't wait
/// for each other may be met in any order; many of them at once are far faster than one after the other.
///
/// ```
/// use std::time::Duration;
///
/// use plugin_api::prelude::*;
///
/// /// Claim today's reward.
/// #[command]
/// async fn daily(ctx: Ctx) -> Result {
///     let store = ctx.user_store(ctx.author().id);
///     if !store.insert("daily", &true).expires_in(Duration::from_secs(20 * 3600)).await? {
///         return refuse("You have had today's reward.");
///     }
///     let coins = store.increment("coins", 100).await?;
///     ctx.reply(format!("You have {coins} coins.")).await
/// }
///
/// /// Spend coins.
/// #[command]
/// async fn spend(ctx: Ctx, amount: u32) -> Result {
///     let left = ctx
///         .user_store(ctx.author().id)
///         .update("coins", |coins: &mut i64| {
///             if *coins < i64::from(amount) {
///                 return refuse("You don't have that much.");
///             }
///             *coins -= i64::from(amount);
///             Ok(*coins)
///         })
///         .await?;
///     ctx.reply(format!("{left} coins are left.")).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::daily, super::spend]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Store {
    core: Rc<Core>,
    guild_id: Option<GuildId>,
    user_id: Option<UserId>,
}

impl Store {
    pub(crate) fn new(core: Rc<Core>, guild_id: Option<GuildId>, user_id: Option<UserId>) -> Self {
        Self {
            core,
            guild_id,
            user_id,
        }
    }

    /// A value; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The key is none, or the value doesn't fit `T`.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> impl Future<Output = Result<Option<T>>> {
        placed(async move {
            let (answer, envelope) = self.ask(&self.request(KeysAction::Get, key), &[]).await?;
            read(key, &answer, &envelope)
        })
    }

    /// Sets a value: await it. What was there before, with its expiry, is replaced.
    ///
    /// # Errors
    ///
    /// The key is none, the value is no JSON or too large, or the plugin has no room left.
    #[track_caller]
    pub fn set(&self, key: &str, value: &(impl Serialize + ?Sized)) -> SetRequest<()> {
        self.write(key, value, None, |_| ())
    }

    /// Sets a value only if there is none: await it, it says whether it was set.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    #[track_caller]
    pub fn insert(&self, key: &str, value: &(impl Serialize + ?Sized)) -> SetRequest<bool> {
        self.write(key, value, Some(0), |answer| !answer.conflict)
    }

    #[track_caller]
    fn write<R>(
        &self,
        key: &str,
        value: &(impl Serialize + ?Sized),
        expected_version: Option<u64>,
        read: fn(&KeysAnswer) -> R,
    ) -> SetRequest<R> {
        SetRequest {
            store: self.clone(),
            head: Keys {
                expected_version,
                ..self.request(KeysAction::Set, key)
            },
            value: serde_json::to_vec(value).map_err(Into::into),
            read,
            place: Location::caller(),
        }
    }

    /// Deletes a key; whether there was one.
    ///
    /// # Errors
    ///
    /// The key is none.
    #[track_caller]
    pub fn delete(&self, key: &str) -> impl Future<Output = Result<bool>> {
        placed(async move {
            let (answer, _) = self.ask(&self.request(KeysAction::Delete, key), &[]).await?;
            Ok(answer.deleted > 0)
        })
    }

    /// Adds to a number and returns the sum; what is absent counts as 0. It expires when it would have before.
    ///
    /// # Errors
    ///
    /// The key is none, or the value is no whole number between -2^63 and 2^63 - 1, or would not be one.
    #[track_caller]
    pub fn increment(&self, key: &str, by: i64) -> impl Future<Output = Result<i64>> {
        placed(async move {
            let head = Keys {
                by,
                ..self.request(KeysAction::Increment, key)
            };
            let (answer, _) = self.ask(&head, &[]).await?;
            Ok(answer.number)
        })
    }

    /// Changes a value by a function, `T::default()` where there is none, so that nobody else's change gets lost. Returns
    /// what the function returns, when the new value is kept. It expires when it would have before.
    ///
    /// The function may be called again with a newer value, if that changes meanwhile. An error of it leaves the value as
    /// it is. A value that is `null` as JSON afterwards, such as `None`, is deleted.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`set`](Self::set), the function's own, and if the value changed all the time.
    #[track_caller]
    pub fn update<T, R>(&self, key: &str, change: impl FnMut(&mut T) -> Result<R>) -> impl Future<Output = Result<R>>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        placed(self.swap(key, change))
    }

    async fn swap<T, R>(&self, key: &str, mut change: impl FnMut(&mut T) -> Result<R>) -> Result<R>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let place = format!("{:?}/{:?}/{key}", self.guild_id, self.user_id);
        let turn = self.core.key_turns.of(&place);
        let _turn = turn.lock().await;
        let (mut answer, mut envelope) = self.ask(&self.request(KeysAction::Get, key), &[]).await?;
        for _ in 0..TRIES {
            let mut value: T = read(key, &answer, &envelope)?.unwrap_or_default();
            let returned = change(&mut value)?;
            let bytes = serde_json::to_vec(&value)?;
            let is_null = bytes == b"null";
            if is_null && answer.version == 0 {
                return Ok(returned);
            }
            let action = if is_null { KeysAction::Delete } else { KeysAction::Set };
            let head = Keys {
                expected_version: Some(answer.version),
                keeps_expiry: !is_null,
                ..self.request(action, key)
            };
            (answer, envelope) = self.ask(&head, if is_null { &[] } else { &bytes }).await?;
            if !answer.conflict {
                return Ok(returned);
            }
        }
        let text = format!("`{key}` changed {TRIES} times while it was to be updated: try again later");
        Err(Problem::new(ProblemCode::Busy, text).into())
    }

    /// Lists the keys that begin with `prefix`, all of them if it is empty, with their values: await it. In the order of
    /// the keys' bytes, by default 100 at once.
    ///
    /// ```
    /// use plugin_api::{Host, Result};
    ///
    /// async fn titles(host: &Host) -> Result<Vec<String>> {
    ///     let (notes, mut titles) = (host.global_store(), Vec::new());
    ///     let mut after = String::new();
    ///     loop {
    ///         let page = notes.list::<String>("note:").after(&after).limit(500).await?;
    ///         titles.extend(page.entries.into_iter().map(|(_, title)| title));
    ///         match page.next {
    ///             Some(last) => after = last,
    ///             None => return Ok(titles),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// A value doesn't fit `T`; `serde::de::IgnoredAny` fits all.
    #[track_caller]
    pub fn list<T: DeserializeOwned>(&self, prefix: &str) -> ListRequest<T> {
        ListRequest {
            store: self.clone(),
            head: self.request(KeysAction::List, prefix),
            place: Location::caller(),
            read: |bytes| serde_json::from_slice(bytes),
        }
    }

    /// Deletes all keys of this scope that begin with `prefix`, all of them if it is empty; how many there were.
    #[track_caller]
    pub fn clear(&self, prefix: &str) -> impl Future<Output = Result<u64>> {
        placed(async move {
            let (answer, _) = self.ask(&self.request(KeysAction::Clear, prefix), &[]).await?;
            Ok(answer.deleted)
        })
    }

    fn request(&self, action: KeysAction, key: &str) -> Keys {
        Keys {
            action,
            guild_id: self.guild_id,
            user_id: self.user_id,
            key: key.to_owned(),
            ..Keys::default()
        }
    }

    async fn ask(&self, head: &Keys, value: &[u8]) -> Result<(KeysAnswer, Owned)> {
        Ok(self.core.link.ask_for(KEYS, head, value).await?)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("plugin", &self.core.link.plugin())
            .field("guild_id", &self.guild_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(key: &str, answer: &KeysAnswer, envelope: &Owned) -> Result<Option<T>> {
    if answer.version == 0 {
        return Ok(None);
    }
    serde_json::from_slice(envelope.tail())
        .map(Some)
        .map_err(|error| Error::new(format!("the value of `{key}` does not fit: {error}")))
}

/// A value on its way: await it.
#[must_use = "a value is set when it is awaited"]
pub struct SetRequest<R> {
    store: Store,
    head: Keys,
    value: Result<Vec<u8>>,
    read: fn(&KeysAnswer) -> R,
    place: &'static Location<'static>,
}

impl<R> SetRequest<R> {
    /// The value is absent after this time, counted from when the host takes it; in steps of a millisecond.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.head.expires_in_millis = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

impl<R: 'static> IntoFuture for SetRequest<R> {
    type Output = Result<R>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<R>>>>;

    fn into_future(self) -> Self::IntoFuture {
        let place = self.place;
        Box::pin(async move {
            let set = async {
                let (answer, _) = self.store.ask(&self.head, &self.value?).await?;
                Ok((self.read)(&answer))
            };
            set.await.map_err(|error: Error| error.at(place))
        })
    }
}

impl<R> fmt::Debug for SetRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetRequest")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// A list of keys to be asked for: await it.
#[must_use = "keys are listed when it is awaited"]
pub struct ListRequest<T> {
    store: Store,
    head: Keys,
    place: &'static Location<'static>,
    read: fn(&[u8]) -> serde_json::Result<T>,
}

impl<T> ListRequest<T> {
    /// Only keys behind this one: the [`next`](Page::next) of the page before; all if it is empty.
    pub fn after(mut self, key: &str) -> Self {
        self.head.after = (!key.is_empty()).then(|| key.to_owned());
        self
    }

    /// At most so many, up to 1,000. A page is shorter, too, where values are large: at most 4 MiB of them.
    pub fn limit(mut self, keys: u32) -> Self {
        self.head.limit = keys;
        self
    }

    async fn page(self) -> Result<Page<T>> {
        let (answer, envelope) = self.store.ask(&self.head, &[]).await?;
        let mut rest = envelope.tail();
        let mut entries = Vec::with_capacity(answer.entries.len());
        for entry in answer.entries {
            let (value, behind) = rest
                .split_at_checked(entry.bytes)
                .ok_or_else(|| Error::new("the host's list of keys is cut off"))?;
            rest = behind;
            let value = (self.read)(value)
                .map_err(|error| Error::new(format!("the value of `{}` does not fit: {error}", entry.key)))?;
            entries.push((entry.key, value));
        }
        let next = entries.last().filter(|_| answer.more).map(|(key, _)| key.clone());
        Ok(Page { entries, next })
    }
}

impl<T: 'static> IntoFuture for ListRequest<T> {
    type Output = Result<Page<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Page<T>>>>>;

    fn into_future(self) -> Self::IntoFuture {
        let place = self.place;
        Box::pin(async move { self.page().await.map_err(|error| error.at(place)) })
    }
}

impl<T> fmt::Debug for ListRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListRequest")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Some of the keys of a [`Store`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page<T> {
    /// Keys with their values.
    pub entries: Vec<(String, T)>,
    /// If there are more: the last of these keys, for [`after`](ListRequest::after).
    pub next: Option<String>,
}
