//! The sandbox itself: started, asked for addresses and people, watched, stopped.
//!
//! It owns its tasks: dropping the last clone tells them to end, and `stop` also waits until they have.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use super::{Builder, GatewayEntry, Guild, Message, Person, RestEntry, Settings, Watch, conversation};
use crate::{
    Error, server,
    shared::{self, Shared},
    specification::{Specification, Violation},
    tls::Identity,
    world::World,
};

/// A running local Discord on 127.0.0.1. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Not so for a handle that a part of the sandbox itself holds for a moment.
    ends_with_this: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.ends_with_this {
            // Every task waits for this signal, sockets included.
            self.shared.close();
        }
    }
}

impl Sandbox {
    /// Starts one with all defaults: a free port, the guild "Sandbox" with channels "general" and "bots", its owner
    /// olivia, and alice and bob.
    ///
    /// # Errors
    ///
    /// If the operating system refuses to listen.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Sets one up differently.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn run(settings: Settings) -> Result<Self, Error> {
        let acceptor = settings.tls.as_ref().map(Identity::acceptor).transpose()?;
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|source| Error::bind(wanted, source))?;
        let address = listener.local_addr().map_err(|source| Error::bind(wanted, source))?;
        let specification = settings
            .specification
            .as_deref()
            .map(|path| Specification::load(path).map_err(|why| Error::specification(path, why)))
            .transpose()?;
        let shared = Shared::new(settings, address, specification);
        let tasks = vec![
            tokio::spawn(server::serve(listener, acceptor, Arc::clone(&shared))),
            tokio::spawn(shared::keep_time(Arc::clone(&shared))),
        ];
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                tasks: Mutex::new(tasks),
                ends_with_this: true,
            }),
        })
    }

    /// What the page acts with: the same functions as tests have. Dropping it ends nothing.
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self {
            inner: Arc::new(Inner {
                shared,
                tasks: Mutex::default(),
                ends_with_this: false,
            }),
        }
    }

    /// Ends it and waits until its port is free and its connections are closed.
    pub async fn stop(&self) {
        self.inner.shared.close();
        let tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
        self.inner.shared.connections.close();
        self.inner.shared.connections.wait().await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.inner.shared.world())
    }

    /// The bot's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.inner.shared.token
    }

    /// Where REST is: `http://127.0.0.1:PORT`, or `https` with TLS, to which clients add `/api/v10`.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.inner.shared.http_url()
    }

    /// Where the gateway is: `ws://127.0.0.1:PORT`, or `wss` with TLS.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.inner.shared.gateway_url()
    }

    /// Where the web page is: `http://127.0.0.1:PORT/`, or `https` with TLS.
    #[must_use]
    pub fn page_url(&self) -> String {
        format!("{}/", self.inner.shared.http_url())
    }

    /// The application's id.
    #[must_use]
    pub fn application_id(&self) -> u64 {
        self.bot_id()
    }

    /// The bot's user id, which is the application's too.
    #[must_use]
    pub fn bot_id(&self) -> u64 {
        self.with(|world| world.bot_id)
    }

    /// The owner of the application and of the guilds, in the first guild's first channel.
    #[must_use]
    pub fn owner(&self) -> Person {
        let name = self.with(|world| world.users.get(&world.owner_id).map(|user| user.username.clone()));
        self.guild().user(&name.unwrap_or_default())
    }

    /// Makes the application a team's, whose owner is the owner; others by user id and role (`admin`, `developer`,
    /// `read_only`), with an accepted invitation or without.
    pub fn team(&self, members: &[(u64, &str, bool)]) {
        self.with(|world| {
            let team_id = world.ids.part().to_string();
            let members: Vec<_> = members
                .iter()
                .map(|(user, role, has_accepted)| {
                    json!({
                        "user": world.user_json(*user),
                        "team_id": team_id,
                        "membership_state": if *has_accepted { 2 } else { 1 },
                        "role": role,
                        "permissions": ["*"],
                    })
                })
                .collect();
            world.team = Some(json!({
                "id": team_id,
                "icon": null,
                "name": "Team",
                "owner_user_id": world.owner_id.to_string(),
                "members": members,
            }));
        });
    }

    /// Everybody but the bot, by id and user name.
    #[must_use]
    pub fn people(&self) -> Vec<(u64, String)> {
        self.with(|world| {
            let people = world.users.values().filter(|user| !user.bot);
            people.map(|user| (user.id, user.username.clone())).collect()
        })
    }

    /// The first guild.
    ///
    /// # Panics
    ///
    /// Never: a sandbox starts with a guild and none is ever removed.
    #[must_use]
    pub fn guild(&self) -> Guild {
        let id = self.with(|world| world.first_guild().map(|guild| guild.id));
        Guild::new(self, id.expect("a sandbox starts with a guild"))
    }

    /// All guilds, the first one first.
    #[must_use]
    pub fn guilds(&self) -> Vec<Guild> {
        let ids: Vec<u64> = self.with(|world| world.guilds.keys().copied().collect());
        ids.into_iter().map(|id| Guild::new(self, id)).collect()
    }

    /// Another guild, with the same channels, roles and people as the first; the bot is told by `GUILD_CREATE`.
    #[allow(clippy::must_use_candidate, reason = "made for its effect as often as for its value")]
    pub fn add_guild(&self, name: &str) -> Guild {
        Guild::new(self, self.with(|world| world.add_guild(name)))
    }

    /// The commands that are registered, globally and in servers (`guild_id`), as Discord's command objects.
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        self.with(|world| world.commands.all().cloned().collect())
    }

    /// Waits until the names of all registered commands, global and of guilds, satisfy `enough`.
    ///
    /// # Panics
    ///
    /// If that does not happen in time; the text says what is registered and which REST calls were refused.
    pub async fn expect_commands(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let names = |world: &World| -> Vec<String> {
            world
                .commands
                .all()
                .filter_map(|one| one["name"].as_str().map(str::to_owned))
                .collect()
        };
        let found = self
            .inner
            .shared
            .until(self.patience(), |world| {
                Some(names(world)).filter(|names| enough(names))
            })
            .await;
        found.unwrap_or_else(|| {
            let (names, errors) = self.with(|world| (names(world), conversation::errors(world)));
            panic!(
                "the expected commands were not registered within {:?}; registered: {names:?}\n{errors}",
                self.patience()
            )
        })
    }

    /// Waits until the bot is online: every shard has a session that is READY or RESUMED.
    ///
    /// # Panics
    ///
    /// If that does not happen in time; the text tells the gateway's traffic and the refused REST calls.
    pub async fn expect_online(&self) {
        self.until("the bot is online", |world| world.sessions.is_online(None))
            .await;
    }

    /// Waits until what the bot shows (`status` and `activities`, as it set them last) satisfies `wanted`, and gives it.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_presence(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until("the bot shows what was expected", |world| wanted(&world.presence))
            .await;
        self.bot_presence()
    }

    /// Waits until the bot has no live session.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_offline(&self) {
        self.until("the bot is offline", |world| !world.sessions.is_online(None))
            .await;
    }

    /// Waits until the bot has resumed its session so many times in all.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_resumes(&self, count: u64) {
        self.until("the bot resumes", |world| world.logs.resumes >= count).await;
    }

    /// Waits until the bot has identified so many times in all.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_identifies(&self, count: u64) {
        self.until("the bot identifies", |world| world.logs.identifies >= count)
            .await;
    }

    /// Waits until a REST call of the bot satisfies `wanted`, and gives it.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_rest(&self, wanted: impl Fn(&RestEntry) -> bool) -> RestEntry {
        let found = self.inner.shared.until(self.patience(), |world| {
            world.logs.rest.iter().find(|entry| wanted(entry)).cloned()
        });
        found.await.unwrap_or_else(|| {
            let errors = self.with(|world| conversation::errors(world));
            panic!(
                "the expected REST call did not come within {:?}\n{errors}",
                self.patience()
            )
        })
    }

    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&World) -> bool) {
        if self
            .inner
            .shared
            .until(self.patience(), |world| is_so(world).then_some(()))
            .await
            .is_none()
        {
            let (traffic, errors) = self.with(|world| (conversation::gateway(world), conversation::errors(world)));
            panic!("waited {:?} in vain until {what}\n{traffic}\n{errors}", self.patience());
        }
    }

    /// Every message that the bot sends or edits from now on, in order.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.with(|world| world.watchers.push(sender));
        Watch::new(Arc::clone(self.shared()), receiver)
    }

    /// All messages of a channel that are remembered, oldest first, as text for people.
    #[must_use]
    pub fn conversation(&self, channel_id: u64) -> String {
        self.with(|world| conversation::of(world, channel_id))
    }

    /// The messages of a channel later than message `id`, oldest first.
    #[must_use]
    pub fn messages_after(&self, channel_id: u64, id: u64) -> Vec<Message> {
        super::Channel::new(self, None, channel_id).messages_after(id)
    }

    /// A message by its ids.
    #[must_use]
    pub fn message(&self, channel_id: u64, id: u64) -> Option<Message> {
        let stored = self.with(|world| world.message(channel_id, id).map(Arc::clone))?;
        Some(Message::new(Arc::clone(self.shared()), stored))
    }

    /// The bot's REST calls, oldest first; the last 5,000 are kept.
    #[must_use]
    pub fn rest_log(&self) -> Vec<RestEntry> {
        self.with(|world| world.logs.rest.iter().cloned().collect())
    }

    /// What was against the specification, oldest first: requests of the bot, and answers and events of the sandbox. Empty
    /// without a specification.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.with(|world| world.violations.all().to_vec())
    }

    /// Gateway payloads in both directions, oldest first; the last 10,000 are kept.
    #[must_use]
    pub fn gateway_log(&self) -> Vec<GatewayEntry> {
        self.with(|world| world.logs.gateway.iter().cloned().collect())
    }

    /// Gateway connections that were opened.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.with(|world| world.logs.connections)
    }

    /// Sessions that were started.
    #[must_use]
    pub fn identifies(&self) -> u64 {
        self.with(|world| world.logs.identifies)
    }

    /// Sessions that were resumed.
    #[must_use]
    pub fn resumes(&self) -> u64 {
        self.with(|world| world.logs.resumes)
    }

    /// Bulk overwrites of commands that were accepted.
    #[must_use]
    pub fn bulk_overwrites(&self) -> u64 {
        self.with(|world| world.logs.bulk_overwrites)
    }

    /// Whether every shard of the bot has a live session.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.with(|world| world.sessions.is_online(None))
    }

    pub(crate) fn patience(&self) -> Duration {
        self.inner.shared.settings.patience
    }
}
