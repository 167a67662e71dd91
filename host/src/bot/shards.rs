//! Drives the gateway: connects the shards, reads events in order, and brings the sessions to a clean end.
//!
//! Each shard has one task, which alone touches its [`EventSource`]. Discord's refusal of privileged intents is no end:
//! the bot goes on without them and says what is missing.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use plugin_protocol::ApplicationId;
use tokio::{sync::watch, task::JoinSet, time::interval};
use twilight_model::gateway::Intents;

use super::router::Router;
use crate::{
    cache::Cache,
    config::{Config, Environment, Root},
    gateway::{
        self, EventSource, GatewayError, Partial, PresenceFacts, RawEvent, SessionState, ShardSource, ShardsSettings,
        intents,
        snapshot::{Expected, Snapshot},
    },
    plugins::Plugins,
    rest::Rest,
    telemetry::{NoticeKind, Notices},
};

/// The gateway of a bot.
pub struct Gateway {
    /// When the process began.
    pub began: Instant,
    /// The settings.
    pub config: Arc<Config>,
    /// Token and addresses.
    pub environment: Environment,
    /// The bot's folder.
    pub root: Root,
    /// What is known of servers.
    pub cache: Cache,
    /// Has to know the application.
    pub rest: Rest,
    /// Where events go.
    pub router: Arc<Router>,
    /// Who has to know who the bot is, and whose events are asked for.
    pub plugins: Plugins,
    /// Tells the owner.
    pub notices: Notices,
    /// Turns true when no further event is to be dispatched.
    pub stopping: watch::Receiver<bool>,
    /// Is told the application once the gateway has told it.
    pub identity: watch::Sender<Option<ApplicationId>>,
    /// The tasks of the shards.
    pub running: JoinSet<Result<ShardSource, GatewayError>>,
    /// What was asked for at the last connect.
    pub asked: Option<Intents>,
    /// What the owner has been told that the bot goes without.
    pub refused: Intents,
}

impl Gateway {
    /// Runs all shards until they are told to stop, and gives back their sources, still connected. May be called again
    /// if its future was dropped.
    ///
    /// # Errors
    ///
    /// Discord has ended the connection for good.
    pub async fn run(&mut self) -> Result<Vec<ShardSource>, GatewayError> {
        let mut sources = Vec::new();
        let mut changes = self.plugins.views();
        loop {
            if self.running.is_empty() && sources.is_empty() {
                self.connect()?;
            }
            let ended = tokio::select! {
                ended = self.running.join_next() => ended,
                Ok(()) = changes.changed() => {
                    self.note_missing_intents();
                    continue;
                }
            };
            match ended {
                Some(Ok(Ok(source))) => sources.push(source),
                Some(Ok(Err(GatewayError::DisallowedIntents { privileged }))) if !privileged.is_empty() => {
                    self.go_on_without(privileged);
                    self.running.shutdown().await;
                    sources.clear();
                }
                Some(Ok(Err(error))) => return Err(error),
                Some(Err(error)) => {
                    tracing::error!(%error, "a shard's task ended");
                    return Err(GatewayError::Closed { code: None });
                }
                None => return Ok(sources),
            }
        }
    }

    fn connect(&mut self) -> Result<(), GatewayError> {
        let intents = self.asked.unwrap_or_else(|| self.wanted());
        self.asked = Some(intents);
        let sessions = self.sessions(intents);
        let facts = (!sessions.is_empty()).then(|| facts(&self.cache, &self.plugins, self.config.shards, self.began));
        let settings = ShardsSettings {
            token: self.environment.token.clone(),
            gateway_url: self.environment.gateway_url.clone(),
            intents,
            shards: self.config.shards,
            presence: gateway::identify_presence(&self.config.status, facts.as_ref()),
        };
        for source in gateway::shards(&settings, sessions)? {
            let shard = Shard {
                began: self.began,
                config: Arc::clone(&self.config),
                cache: self.cache.clone(),
                rest: self.rest.clone(),
                router: Arc::clone(&self.router),
                plugins: self.plugins.clone(),
                identity: self.identity.clone(),
            };
            self.running.spawn(shard.run(source, self.stopping.clone()));
        }
        Ok(())
    }

    /// The host's own intents and those of all plugins that run or are being started.
    fn wanted(&self) -> Intents {
        let table = self.router.routing.read();
        let names = table
            .generations()
            .flat_map(|generation| generation.description.events.iter().map(|event| event.name.as_str()));
        let declared = Intents::from_bits_truncate(self.plugins.intents());
        intents::wanted(self.config.discord.intents, names, declared)
    }

    /// A plugin that came later may handle events that Discord was not asked for, which takes a new session.
    fn note_missing_intents(&mut self) {
        let missing = self
            .asked
            .map_or(Intents::empty(), |asked| self.wanted() - asked - self.refused);
        if missing.is_empty() {
            return;
        }
        self.refused |= missing;
        let names: Vec<_> = missing.iter_names().map(|(name, _)| name).collect();
        let text = format!(
            "A plugin that was loaded after the start handles events of {}, which Discord was not asked for. Restart the \
             bot, and they come.",
            names.join(", ")
        );
        self.notices.tell(NoticeKind::Gateway, text);
    }

    /// Discord does not say which of them it refuses: what commands by prefix need is given up last.
    fn go_on_without(&mut self, privileged: Intents) {
        let others = privileged - Intents::MESSAGE_CONTENT;
        let given_up = if others.is_empty() { privileged } else { others };
        let text = format!(
            "{}. Until then the bot goes on without.",
            GatewayError::DisallowedIntents { privileged: given_up }
        );
        self.notices.tell(NoticeKind::Gateway, text);
        self.asked = self.asked.map(|asked| asked - given_up);
        self.refused |= given_up;
    }

    /// The sessions to go on with, with the cache as it was at their end; none if anything does not fit.
    fn sessions(&self, intents: Intents) -> BTreeMap<u32, SessionState> {
        match Snapshot::take(&self.root.session_file(), &self.expected(intents)) {
            Ok((sessions, cache)) => {
                tracing::info!("resuming the session of the last run");
                self.cache.restore(cache);
                sessions
            }
            Err(why) => {
                tracing::debug!(%why, "no session to resume");
                BTreeMap::new()
            }
        }
    }

    fn expected(&self, intents: Intents) -> Expected {
        Expected {
            bot_id: self.environment.token.bot_id(),
            intents,
            shards: self.config.shards,
            gateway_url: self.environment.gateway_url.clone(),
        }
    }

    /// Ends the connections so that the next start can resume, and writes down what it needs for that.
    pub async fn close(&self, sources: Vec<ShardSource>) {
        let closing = sources
            .into_iter()
            .map(|source| async { (source.shard(), source.close(true).await) });
        let sessions: Option<BTreeMap<u32, SessionState>> = join_all(closing)
            .await
            .into_iter()
            .map(|(shard, session)| Some((shard, session?)))
            .collect();
        let (Some(sessions), Some(intents)) = (sessions, self.asked) else {
            tracing::debug!("not every shard has a session to resume");
            return;
        };
        let snapshot = Snapshot::new(self.expected(intents), sessions, self.cache.snapshot());
        if let Err(error) = snapshot.write(&self.root.session_file()) {
            tracing::warn!(%error, "the session can't be written down: the next start identifies anew");
        }
    }
}

/// What one shard's task needs.
struct Shard {
    began: Instant,
    config: Arc<Config>,
    cache: Cache,
    rest: Rest,
    router: Arc<Router>,
    plugins: Plugins,
    identity: watch::Sender<Option<ApplicationId>>,
}

impl Shard {
    async fn run(
        self,
        mut source: ShardSource,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<ShardSource, GatewayError> {
        let mut presence = interval(self.config.status.interval.max(Duration::from_secs(10)));
        // The first tick is at once; the first presence is the one to identify with.
        presence.tick().await;
        loop {
            tokio::select! {
                event = source.next() => self.handle(&mut source, event?).await,
                _ = presence.tick() => self.show_presence(&mut source),
                () = told_to_stop(&mut stopping) => return Ok(source),
            }
        }
    }

    async fn handle(&self, source: &mut ShardSource, event: RawEvent) {
        let partial = match Partial::read(&event.payload) {
            Ok(partial) => partial,
            Err(error) => {
                tracing::warn!(shard = event.shard, sequence = event.sequence, %error, "an event that can't be read");
                event.receipt.acknowledge();
                return;
            }
        };
        if let Err(error) = self.cache.apply(&partial.kind, &event.payload) {
            tracing::warn!(shard = event.shard, event = %partial.kind, %error, "an event that the cache can't read");
        }
        match &*partial.kind {
            "READY" | "RESUMED" => {
                let bot = self.cache.bot_user().map(|bot| bot.username).unwrap_or_default();
                let servers = self.cache.counts().guilds;
                tracing::info!(shard = event.shard, %bot, servers, since_start = ?self.began.elapsed(), "{}", partial.kind.to_lowercase());
                if let Some(application) = self.cache.application_id() {
                    self.rest.set_application_id(application);
                    self.identity.send_replace(Some(application));
                }
                self.plugins.announce().await;
                self.show_presence(source);
            }
            _ => {}
        }
        self.router.route(&event, &partial);
        drop(partial);
        event.receipt.acknowledge();
    }

    fn show_presence(&self, source: &mut ShardSource) {
        let facts = facts(&self.cache, &self.plugins, self.config.shards, self.began);
        let status = &self.config.status;
        let line = if status.rotation.is_empty() {
            &status.line
        } else {
            let turn = facts.uptime.as_secs() / status.interval.as_secs().max(1);
            &status.rotation[usize::try_from(turn).unwrap_or(0) % status.rotation.len()]
        };
        if let Err(error) = source.send(gateway::presence_update(status, line, &facts)) {
            tracing::warn!(%error, "the presence can't be shown");
        }
    }
}

async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error means that the bot is gone, which is an end as well.
    let _ = stopping.wait_for(|&stopping| stopping).await;
}

fn facts(cache: &Cache, plugins: &Plugins, shards: u32, began: Instant) -> PresenceFacts {
    let counts = cache.counts();
    PresenceFacts {
        guilds: counts.guilds,
        users: counts.members,
        commands: plugins.routing().read().commands.commands().count(),
        shards,
        uptime: began.elapsed(),
    }
}
