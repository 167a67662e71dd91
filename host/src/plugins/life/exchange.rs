//! What happens to one plugin between two tables: its older generation ends, its database is brought up to date, the
//! newer one starts; whatever fails is undone, and the older one starts again.
//!
//! Beside an older generation that goes on, only the start is left of this. It runs in tasks that outlive whoever waits
//! for them: a plugin that was told to stop is stopped to its end, whatever else is given up.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use plugin_protocol::{PluginName, Settings, StopReason, Swap};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::handle::Outlook;
use crate::plugins::{
    delivery::{Delivery, GivenUp},
    generation::{Blueprint, Code, Desk, Ending, Generation, HandedOver, NotStarted, StartFailure},
    hold::Hold,
};

/// How long a replaced generation may take to finish what it has begun.
const DRAIN: Duration = Duration::from_secs(10);
/// How long handlers may go on once a generation is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long what a generation that has stopped asked for may take, before its database is changed.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// How often it is looked whether something waits too long.
const LOOK: Duration = Duration::from_secs(1);

/// What starts and ends generations.
pub(super) struct Workshop {
    desk: Arc<dyn Desk>,
    outlook: Arc<dyn Outlook>,
    /// A std lock: held for a look only.
    numbers: Mutex<HashMap<PluginName, u32>>,
    /// Told of generations whose threads did not end.
    abandoned: mpsc::UnboundedSender<Arc<Generation>>,
    /// Generations on their way to their end.
    retiring: TaskTracker,
    /// The same by plugin, and those that have ended, until nothing of them is under way. A std lock: held for a look only.
    leaving: Mutex<HashMap<PluginName, Vec<Leaving>>>,
}

/// A generation that nothing is given to any more.
struct Leaving {
    /// Gone with the last of its requests.
    generation: Weak<Generation>,
    is_exclusive: bool,
    /// Told when it has ended.
    ended: CancellationToken,
}

/// What a plugin is to be replaced by.
pub(super) struct Exchange {
    pub newer: Blueprint,
    /// Steps of its database are to be made before it starts.
    pub migrations_due: bool,
    /// What has to end first, and where deliveries wait meanwhile.
    pub held: Option<(Arc<Generation>, Arc<Hold<Delivery>>)>,
    /// Its settings if the newest can't be used; it does not start then if there are none.
    pub fallback: Option<Settings>,
    /// What it gets that an older generation has handed over; what the one that has to end hands over takes its place.
    pub handed: Option<HandedOver>,
    /// Told when the newer version is no longer wanted.
    pub given_up: CancellationToken,
}

/// A newer version that has started and serves nothing yet: it is put in force, or given up.
pub(super) struct Staged {
    /// It.
    pub generation: Arc<Generation>,
    /// The older one, where that had to end first.
    older: Option<Arc<Generation>>,
    /// What that handed over.
    own: Option<HandedOver>,
    /// Whether steps of its database were made, which can still be undone.
    migrated: bool,
    given_up: CancellationToken,
}

/// What an exchange that is not in force yet came to.
pub(super) type Staging = Result<Staged, Unstaged>;

/// A newer version that has not started.
pub(super) struct Unstaged {
    /// Why.
    pub why: StartFailure,
    /// The older version, where it had to end: whether it has started again.
    pub again: Option<Result<Arc<Generation>, String>>,
}

/// What an exchange came to.
pub(super) enum Exchanged {
    /// The newer version has started.
    Newer(Arc<Generation>),
    /// It has not.
    Failed {
        why: StartFailure,
        /// The older version, where it had to end: whether it has started again.
        again: Option<Result<Arc<Generation>, String>>,
    },
}

impl Workshop {
    pub(super) fn new(
        desk: Arc<dyn Desk>,
        outlook: Arc<dyn Outlook>,
        abandoned: mpsc::UnboundedSender<Arc<Generation>>,
    ) -> Self {
        Self {
            desk,
            outlook,
            abandoned,
            numbers: Mutex::default(),
            retiring: TaskTracker::new(),
            leaving: Mutex::default(),
        }
    }

    pub(super) fn next_number(&self, name: &PluginName) -> u32 {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbers.entry(name.clone()).or_default();
        *number += 1;
        *number
    }

    /// Ends a generation in a task of its own, and answers when that is done.
    pub(super) fn retire(&self, generation: Arc<Generation>, why: StopReason) -> impl Future<Output = ()> + use<> {
        let ended = self.leaves(&generation);
        let at_its_end = ended.clone().drop_guard();
        let (abandoned, outlook) = (self.abandoned.clone(), Arc::clone(&self.outlook));
        self.retiring.spawn(async move {
            let ending = retire(&generation, why).await;
            let lost = generation.take_untold_events();
            if lost > 0 && why != StopReason::Shutdown {
                let name = generation.name().as_str();
                let text = format!(
                    "When generation {} of the plugin `{name}` ended, {lost} events that waited for it were dropped: it was slower than its events. `/plugininfo {name}` shows how long its handlers take.",
                    generation.number
                );
                outlook.tell_dropped(name, &text);
            }
            if ending == Ending::Abandoned {
                let _ = abandoned.send(generation);
            }
            drop(at_its_end);
        });
        ended.cancelled_owned()
    }

    /// Notes that a generation is on its way to its end, which it has reached when what this returns is cancelled.
    pub(super) fn leaves(&self, generation: &Arc<Generation>) -> CancellationToken {
        let ended = CancellationToken::new();
        let mut leaving = self.leaving();
        leaving.retain(|_, of_one| {
            of_one.retain(Leaving::matters);
            !of_one.is_empty()
        });
        leaving.entry(generation.name().clone()).or_default().push(Leaving {
            generation: Arc::downgrade(generation),
            is_exclusive: generation.manifest.swap == Swap::Exclusive,
            ended: ended.clone(),
        });
        ended
    }

    fn leaving(&self) -> MutexGuard<'_, HashMap<PluginName, Vec<Leaving>>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one of a plugin's generations that are on their way to their end suffers no other beside it.
    fn leaves_alone(&self, name: &PluginName) -> bool {
        let leaving = self.leaving();
        leaving.get(name).is_some_and(|of_one| {
            let still = |one: &Leaving| one.is_exclusive && !one.ended.is_cancelled();
            of_one.iter().any(still)
        })
    }

    /// Waits until all of a plugin's generations that are on their way to their end have reached it: not only the one that
    /// is replaced now, but those before it, and those whose file was taken away.
    async fn all_left(&self, name: &PluginName) {
        let ends: Vec<_> = self
            .leaving()
            .get(name)
            .into_iter()
            .flatten()
            .map(|one| one.ended.clone())
            .collect();
        for ended in ends {
            ended.cancelled().await;
        }
    }

    /// Waits until what a plugin's generations that have ended asked for is answered: it may be on its way to the database.
    async fn all_answered(&self, name: &PluginName) {
        let generations: Vec<_> = self
            .leaving()
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|one| one.generation.upgrade())
            .collect();
        let answered = async {
            for generation in &generations {
                generation.answered().await;
            }
        };
        if timeout(LAST_REQUESTS, answered).await.is_err() {
            let left: usize = generations.iter().map(|generation| generation.requests()).sum();
            tracing::warn!(plugin = %name, left, "requests of older generations are still being answered");
        }
    }

    /// Waits until every generation has ended that is on its way to its end now.
    #[cfg(test)]
    pub(super) async fn at_rest(&self) {
        let ends: Vec<_> = self.leaving().values().flatten().map(|one| one.ended.clone()).collect();
        for ended in ends {
            ended.cancelled().await;
        }
    }

    /// Waits until every generation that was to end has ended.
    pub(super) async fn all_retired(&self) {
        self.retiring.close();
        self.retiring.wait().await;
    }

    /// Starts a version; what starts in part and then fails is stopped before this ends.
    pub(super) async fn start(
        &self,
        blueprint: Blueprint,
        fallback: Option<Settings>,
        handed: Option<&HandedOver>,
        given_up: &CancellationToken,
    ) -> Result<Arc<Generation>, StartFailure> {
        let settings = self.outlook.settings(&blueprint.manifest.name);
        let settings = settings.or_else(|why| fallback.ok_or(StartFailure::Settings(why)))?;
        if given_up.is_cancelled() {
            return Err(StartFailure::GivenUp);
        }
        let guilds = self
            .outlook
            .guild_values(&blueprint.manifest.name, &blueprint.description);
        let desk = Arc::clone(&self.desk);
        let started = Generation::start(blueprint, desk, settings, guilds, handed, given_up.cancelled()).await;
        match started {
            Ok(generation) => Ok(generation),
            Err(NotStarted { why, rest }) => {
                if let Some(rest) = rest {
                    self.stop_rest(rest).await;
                }
                Err(why)
            }
        }
    }

    /// Brings an exchange to its end.
    pub(super) async fn exchange(&self, exchange: Exchange) -> Exchanged {
        match self.stage(exchange).await {
            Ok(staged) => {
                self.keep(&staged).await;
                Exchanged::Newer(staged.generation)
            }
            Err(Unstaged { why, again }) => Exchanged::Failed { why, again },
        }
    }

    /// Starts the newer version, after the older one has ended if it must. What fails is undone.
    pub(super) async fn stage(&self, exchange: Exchange) -> Staging {
        let Exchange {
            newer,
            migrations_due,
            held,
            fallback,
            mut handed,
            given_up,
        } = exchange;
        let older = held.map(|(older, _)| older);
        let name = newer.manifest.name.clone();
        // It may have ended for something else that it was in the way of.
        if let Some(older) = older.as_ref().filter(|older| !older.is_stopping()) {
            self.retire(Arc::clone(older), StopReason::Reload).await;
            handed = older.handed_over().cloned();
        }
        // Whoever starts again after a failure gets its own back.
        let own = handed.clone();
        if newer.description.state_version.is_none() {
            handed = None;
        }
        if migrations_due || newer.manifest.swap == Swap::Exclusive || self.leaves_alone(&name) {
            self.all_left(&name).await;
        }
        if migrations_due {
            self.all_answered(&name).await;
        }
        let started = if migrations_due {
            self.migrate_and_start(newer, fallback, handed.as_ref(), &given_up)
                .await
        } else {
            self.start(newer, fallback, handed.as_ref(), &given_up).await
        };
        match started {
            Ok(generation) => Ok(Staged {
                generation,
                older,
                own,
                migrated: migrations_due,
                given_up,
            }),
            Err(why) => {
                let again = self.go_back(&name, older, own, migrations_due, &given_up).await;
                Err(Unstaged { why, again })
            }
        }
    }

    /// What was staged serves next: what could still have been undone is kept. Before it serves, for what it writes then
    /// must not be lost to an older copy.
    pub(super) async fn keep(&self, staged: &Staged) {
        if staged.migrated {
            self.outlook.keep_migrations(staged.generation.name()).await;
        }
    }

    /// Ends what was staged, for something else that belongs to it has failed. The older version, where it had to end:
    /// whether it has started again.
    pub(super) async fn unstage(&self, staged: Staged) -> Option<Result<Arc<Generation>, String>> {
        let Staged {
            generation,
            older,
            own,
            migrated,
            given_up,
        } = staged;
        let name = generation.name().clone();
        self.stop_rest(generation).await;
        self.go_back(&name, older, own, migrated, &given_up).await
    }

    /// Undoes what was done to a plugin's database, and starts the older version again where it had to end.
    async fn go_back(
        &self,
        name: &PluginName,
        older: Option<Arc<Generation>>,
        own: Option<HandedOver>,
        migrated: bool,
        given_up: &CancellationToken,
    ) -> Option<Result<Arc<Generation>, String>> {
        let undone = if migrated {
            // What has started in part may have written, too.
            self.all_answered(name).await;
            self.outlook.undo_migrations(name).await
        } else {
            Ok(())
        };
        let again = match (older, undone) {
            // Given up: nobody wants the older one either.
            (Some(older), Ok(())) if !given_up.is_cancelled() => Some(self.start_again(&older, own, given_up).await),
            (_, Ok(())) => None,
            (older, Err(text)) => {
                let text = format!("its database could not be put back as it was: {text}");
                self.outlook
                    .tell_trouble(name.as_str(), &format!("The plugin `{name}` has failed, and {text}."));
                older.map(|_| Err(text))
            }
        };
        again.filter(|again| again.is_ok() || !given_up.is_cancelled())
    }

    /// Stops what has started, or has in part, and serves nothing.
    async fn stop_rest(&self, rest: Arc<Generation>) {
        let at_its_end = self.leaves(&rest).drop_guard();
        let stopped = self.retiring.spawn(async move {
            rest.stop_rest().await;
            drop(at_its_end);
        });
        // A port or a file that it has taken may be what the next one needs.
        let _ = stopped.await;
    }

    async fn migrate_and_start(
        &self,
        newer: Blueprint,
        fallback: Option<Settings>,
        handed: Option<&HandedOver>,
        given_up: &CancellationToken,
    ) -> Result<Arc<Generation>, StartFailure> {
        let name = newer.manifest.name.clone();
        let began = Instant::now();
        self.outlook
            .migrate(&name, &newer.description.migrations)
            .await
            .map_err(StartFailure::Migration)?;
        tracing::info!(plugin = %name, took = ?began.elapsed(), "its database is up to date");
        self.start(newer, fallback, handed, given_up).await
    }

    async fn start_again(
        &self,
        older: &Generation,
        handed: Option<HandedOver>,
        given_up: &CancellationToken,
    ) -> Result<Arc<Generation>, String> {
        let again = Exchange {
            handed,
            ..self.again(older, given_up.clone()).await?
        };
        // Not endless: nothing older is held in it.
        match Box::pin(self.exchange(again)).await {
            Exchanged::Newer(generation) => Ok(generation),
            Exchanged::Failed { why, .. } => Err(why.to_string()),
        }
    }

    /// How one that has ended starts once more, from its own copy; with the settings that it had, if the newest can't be
    /// used.
    ///
    /// # Errors
    ///
    /// Why it can't.
    pub(super) async fn again(&self, older: &Generation, given_up: CancellationToken) -> Result<Exchange, String> {
        let Some(copy) = older.copy.clone() else {
            return Err("it is built into the bot".to_owned());
        };
        let steps = &older.description.migrations;
        let newer = Blueprint {
            manifest: Arc::clone(&older.manifest),
            description: Arc::clone(&older.description),
            hash: older.hash,
            number: self.next_number(older.name()),
            code: Code::Copy(copy),
        };
        Ok(Exchange {
            newer,
            // After a restore its database may be an older one.
            migrations_due: self.outlook.migrations_due(older.name(), steps).await?,
            held: None,
            fallback: Some(older.settings()),
            // What is in memory may not fit to what lies on the disk by now.
            handed: None,
            given_up,
        })
    }

    /// Gives up what has waited for too long, for as long as it is polled.
    pub(super) async fn give_up_overdue(&self, plugin: &PluginName, hold: &Hold<Delivery>) -> Infallible {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let now = Instant::now();
            let overdue = hold.take_out(|delivery| delivery.is_overdue(now));
            if !overdue.is_empty() {
                tracing::warn!(%plugin, given_up = overdue.len(), "is being replaced for so long that who waited is told to come later");
            }
            for delivery in overdue {
                delivery.give_up(plugin, &*self.desk, GivenUp::Busy);
            }
        }
    }
}

impl Leaving {
    /// Whether it has not ended, or something that it asked for is still being answered.
    fn matters(&self) -> bool {
        let is_answered = |generation: Arc<Generation>| generation.requests() == 0;
        !self.ended.is_cancelled() || !self.generation.upgrade().is_none_or(is_answered)
    }
}

/// Waits for what is under way, ends the generation and frees what can be freed.
async fn retire(generation: &Arc<Generation>, why: StopReason) -> Ending {
    // Whoever waits for people would hold it up for as long as they take.
    generation.drain(why);
    if timeout(DRAIN, generation.emptied()).await.is_err() {
        generation.waits_no_more();
        let left = generation.gate.tickets();
        tracing::warn!(plugin = %generation.name(), generation = generation.number, left, "did not finish what it had begun within {} s", DRAIN.as_secs());
    }
    let ending = generation.stop(why, GRACE).await;
    match ending {
        Ending::Clean => tracing::debug!(plugin = %generation.name(), generation = generation.number, "retired"),
        Ending::Abandoned => {
            tracing::error!(plugin = %generation.name(), generation = generation.number, "does not stop: its thread is abandoned until the bot is restarted");
        }
    }
    ending
}
