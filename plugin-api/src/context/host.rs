//! What every context can do, whatever the occasion.
//!
//! It holds no state of the plugin, so that a spawned task can keep one, and reaches Discord through the host only.

use std::{fmt, panic::Location, rc::Rc};

use plugin_protocol::{Call, kind::CALL, statistics::CommandStatistics};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    ApplicationId, ChannelId, Db, Error, Files, GuildId, IntoId, Message, MessageId, Plugins, Raw, Reply, Result,
    Service, Store, UserData, UserId,
    error::placed,
    runtime::{Core, Spawned},
};

/// The way to the host: what every context can do.
///
/// All contexts dereference to it. It is cheap to clone, so that a spawned task can keep one:
///
/// ```
/// use std::time::Duration;
///
/// use plugin_api::{Host, prelude::*, tokio};
///
/// #[start]
/// async fn start(ctx: StartCtx) -> Result {
///     ctx.spawn(every_hour(ctx.host().clone()));
///     Ok(())
/// }
///
/// async fn every_hour(host: Host) -> Result {
///     let channel: ChannelId = "1100000000000000001".parse()?;
///     loop {
///         tokio::time::sleep(Duration::from_secs(3600)).await;
///         host.send(channel, "Another hour has passed.").await?;
///     }
/// }
/// # mod linked { plugin_api::plugin!(linked; start: super::start); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Host {
    pub(crate) core: Rc<Core>,
    /// In which invocation it is used, and by whom.
    /// Counted: while somebody holds it, the invocation can be answered.
    pub(crate) invocation: Option<Rc<u64>>,
    pub(crate) requester: Option<UserId>,
    /// In which run of a hook's callback it is used.
    pub(crate) hook: Option<u64>,
}

impl Host {
    pub(crate) fn new(core: Rc<Core>) -> Self {
        Self {
            core,
            invocation: None,
            requester: None,
            hook: None,
        }
    }

    /// Itself: what a context dereferences to, by name.
    #[must_use]
    pub fn host(&self) -> &Self {
        self
    }

    /// The plugin's name.
    #[must_use]
    pub fn plugin(&self) -> &str {
        self.core.link.plugin()
    }

    /// The number of this generation: 1 for the first that the host has started.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.core.link.generation()
    }

    /// The bot's application; `None` before this generation serves or the gateway has told it.
    #[must_use]
    pub fn application_id(&self) -> Option<ApplicationId> {
        self.core.activation.borrow().application_id
    }

    /// The bot's user; `None` before this generation serves or the gateway has told it.
    #[must_use]
    pub fn bot_id(&self) -> Option<UserId> {
        self.core.activation.borrow().bot_id
    }

    /// The plugin's section of the configuration, `plugins.NAME` in `config.json`, as it is now: what the owner saves
    /// while the bot runs is handed over at once. `${NAME}` in its texts is filled in from `.env` or the environment.
    ///
    /// Read it once in the start function: a section that doesn't fit then keeps this version from replacing an older
    /// one. [`config_changes`](Self::config_changes) tells of changes.
    ///
    /// # Errors
    ///
    /// The section doesn't fit `T`. Give fields defaults: without a section, `T` is read from `{}`.
    #[track_caller]
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        let place = Location::caller();
        read_section(&self.core).map_err(|error| error.at(place))
    }

    /// Hears of every change of the plugin's section from now on. To be followed in a task:
    ///
    /// ```
    /// use plugin_api::{ConfigChanges, prelude::*, tracing::{info, warn}};
    /// # use serde::Deserialize;
    ///
    /// #[derive(Default, Deserialize)]
    /// #[serde(default)]
    /// struct Config {
    ///     rate: u32,
    /// }
    ///
    /// #[start]
    /// async fn start(ctx: StartCtx) -> Result {
    ///     ctx.config::<Config>()?;
    ///     ctx.spawn(follow(ctx.config_changes()));
    ///     Ok(())
    /// }
    ///
    /// async fn follow(mut changes: ConfigChanges) {
    ///     loop {
    ///         match changes.changed::<Config>().await {
    ///             Ok(config) => info!(rate = config.rate, "another configuration"),
    ///             Err(error) => warn!("what held before goes on: {error}"),
    ///         }
    ///     }
    /// }
    /// # mod linked { plugin_api::plugin!(linked; start: super::start); }
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn config_changes(&self) -> ConfigChanges {
        ConfigChanges {
            changes: self.core.follow_section(),
            core: self.core.clone(),
        }
    }

    /// Sends a message to a channel: await it. The id may be an event's.
    #[track_caller]
    pub fn send(&self, channel: impl IntoId<ChannelId>, message: impl Into<Message>) -> Reply {
        Reply::to_channel(self.clone(), channel.into_id(), message.into())
    }

    /// Changes a message that the bot has sent: await it. What is not said of the message stays as it is.
    #[track_caller]
    pub fn edit_message(
        &self,
        channel: impl IntoId<ChannelId>,
        id: impl IntoId<MessageId>,
        message: impl Into<Message>,
    ) -> Reply {
        Reply::to_message(self.clone(), channel.into_id(), id.into_id(), message.into())
    }

    /// Any REST call of Discord.
    #[must_use]
    pub fn raw(&self) -> Raw {
        Raw::new(self.core.link.clone())
    }

    /// The plugin's own `SQLite` database: statements with parameters, rows as serde types.
    #[must_use]
    pub fn db(&self) -> Db {
        Db::new(self.core.clone())
    }

    /// The plugin's keys and values that belong to no server and no user.
    #[must_use]
    pub fn global_store(&self) -> Store {
        Store::new(self.core.clone(), None, None)
    }

    /// The plugin's keys and values of a server.
    #[must_use]
    pub fn guild_store(&self, guild: impl IntoId<GuildId>) -> Store {
        Store::new(self.core.clone(), Some(guild.into_id()), None)
    }

    /// The plugin's keys and values of a user, in whichever server.
    #[must_use]
    pub fn user_store(&self, user: impl IntoId<UserId>) -> Store {
        Store::new(self.core.clone(), None, Some(user.into_id()))
    }

    /// The plugin's keys and values of a member of a server.
    #[must_use]
    pub fn member_store(&self, guild: impl IntoId<GuildId>, user: impl IntoId<UserId>) -> Store {
        Store::new(self.core.clone(), Some(guild.into_id()), Some(user.into_id()))
    }

    /// What all plugins share of a user: one JSON object.
    #[must_use]
    pub fn user_data(&self, user: impl IntoId<UserId>) -> UserData {
        UserData::new(self.core.clone(), user.into_id())
    }

    /// How often commands were used since the bot's database was made: up to 500 of them, those that were used most first.
    ///
    /// # Errors
    ///
    /// The database can't be read.
    #[track_caller]
    pub fn command_statistics(&self) -> impl Future<Output = Result<CommandStatistics>> {
        placed(async move {
            self.call("statistics.commands", &serde_json::json!({ "limit": 500 }))
                .await
        })
    }

    /// The plugin's own files: bytes, text and JSON, written in one step.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new(self.core.clone())
    }

    /// The plugins of this bot: what they are, need and can't stand.
    #[must_use]
    pub fn plugins(&self) -> Plugins {
        Plugins::new(self.core.clone())
    }

    /// Asks something of the host itself, such as `plugins.reload`, and reads its answer.
    ///
    /// # Errors
    ///
    /// The host doesn't know it, or this plugin, or the one who asked it, may not.
    #[track_caller]
    pub fn call<T: DeserializeOwned>(&self, name: &str, arguments: &impl Serialize) -> impl Future<Output = Result<T>> {
        placed(async move {
            let call = Call {
                name: name.to_owned(),
                arguments: serde_json::to_value(arguments)?,
                invocation: self.invocation.as_deref().copied(),
            };
            let (answer, _) = self.core.link.ask_for(CALL, &call, &[]).await?;
            Ok(answer)
        })
    }

    /// Calls services of another plugin, which this one declares in `depends: [..]`; see [`Service::call`].
    #[must_use]
    pub fn service(&self, plugin: &str) -> Service {
        Service::new(self.core.link.clone(), plugin)
    }

    /// Runs a task beside the handlers, on the same thread: it need not be `Send`.
    ///
    /// It begins at once, or, in the start function, when this generation begins to serve. An error that it returns is
    /// logged, a panic is reported, neither disturbs anything else. In the stop function nothing is spawned any more.
    ///
    /// When the generation ends, at a reload as well as at the bot's end, the task is dropped where it waits, and the
    /// next generation knows nothing of it: what must outlive that belongs into the state, or outside.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::{prelude::*, tokio};
    ///
    /// /// Remind you of your tea.
    /// #[command]
    /// async fn tea(ctx: Ctx) -> Result {
    ///     let later = ctx.clone();
    ///     ctx.spawn(async move {
    ///         tokio::time::sleep(Duration::from_secs(240)).await;
    ///         later.reply("Your tea is ready.").await
    ///     });
    ///     ctx.reply("In four minutes.").await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::tea]); }
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output: Spawned> + 'static,
    {
        self.core.spawn(future, Location::caller());
    }
}

/// Changes of the plugin's section of the configuration, as [`Host::config_changes`] makes it.
pub struct ConfigChanges {
    changes: watch::Receiver<Value>,
    core: Rc<Core>,
}

impl ConfigChanges {
    /// Waits for the next change, and reads the section as it is then. Changes that follow one another fast come as one.
    ///
    /// Cancel safe: a change that was waited for in vain comes the next time.
    ///
    /// # Errors
    ///
    /// The section doesn't fit `T`.
    #[track_caller]
    pub fn changed<T: DeserializeOwned>(&mut self) -> impl Future<Output = Result<T>> {
        let place = Location::caller();
        async move {
            if self.changes.changed().await.is_err() {
                // Nobody can change it any more, which this very struct rules out.
                std::future::pending::<()>().await;
            }
            read_section(&self.core).map_err(|error| error.at(place))
        }
    }
}

impl fmt::Debug for ConfigChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sections hold secrets.
        f.debug_struct("ConfigChanges").finish_non_exhaustive()
    }
}

fn read_section<T: DeserializeOwned>(core: &Core) -> Result<T> {
    serde_json::from_value(core.section()).map_err(|error| {
        Error::new(format!(
            "`plugins.{}` in the configuration: {error}",
            core.link.plugin()
        ))
    })
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("plugin", &self.plugin())
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
