//! The one task that runs what is due and writes down what has changed, and the handle by which everybody else asks.
//!
//! One-off timers are written before it is said that they are set, and again before they begin; that they are over, and how
//! rules stand, is written in groups. What plugins are there it is told by its [`Stage`], on which it also begins runs.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{
    MAX_AHEAD_MS, MAX_TIMER_KEY, MAX_TIMER_PAYLOAD, MAX_TIMERS, Outcome, PluginName, Problem, ProblemCode, SetTimer,
    Subject, TIMERS_PER_ANSWER, TimerAnswer, TimerFunction, TimerId, TimerList, TimerRequest, TimerRun, Verdict,
    WaitingTimer,
};
use serde_json::value::RawValue;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{
    Clock,
    agenda::{Agenda, End, NotRun, Start},
};
use crate::storage::{StorageError, Tables, TimerRow};

/// How long nobody looks at the clock: it may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// After what time something is tried again that could not be begun, in milliseconds.
const AGAIN: u64 = 1_000;
/// How often it is written down how rules stand.
const WRITTEN: Duration = Duration::from_secs(5);
/// The longest reason of a failure that is kept, in characters.
const REASON: usize = 200;

/// Who runs things.
pub trait Stage: Send + Sync + 'static {
    /// The plugins that are there, those that are being replaced among them, with what they run by time.
    fn plugins(&self) -> Vec<(PluginName, Vec<TimerFunction>)>;
    /// Begins a run, of whose end [`Schedule::ended`] is told.
    fn begin(&self, plugin: &PluginName, run: &TimerRun, payload: String) -> Began;
    /// Something that the owner should know.
    fn tell(&self, told: Told);
}

/// What came of beginning a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// It runs, or waits for the plugin's next generation.
    Yes,
    /// Not now: the plugin is busy, or just gone.
    NotNow,
}

/// What the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// So many timers of a plugin wait for a function that it does not have any more.
    Adrift {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// How many.
        count: usize,
    },
    /// A one-off timer was cut off too often.
    Paused {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// The timer.
        id: u64,
    },
}

/// What runs by time. Clones are the same.
#[derive(Clone)]
pub struct Schedule(Arc<Inner>);

struct Inner {
    tables: Tables,
    clock: Clock,
    /// A plain lock: held for a look or a change, never across an await.
    agenda: Mutex<Agenda>,
    /// What the owner should know, until the task tells it.
    told: Mutex<Vec<Told>>,
    stirred: Notify,
    /// Whether other plugins are there than before.
    others: AtomicBool,
    is_over: AtomicBool,
    /// One writes at a time, so that what is written last is what was last.
    writing: tokio::sync::Mutex<()>,
}

impl Schedule {
    /// Reads what was written down.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn open(tables: Tables, clock: Clock) -> Result<Self, StorageError> {
        let agenda = Agenda::load(tables.timers().await?);
        Ok(Self(Arc::new(Inner {
            tables,
            clock,
            agenda: Mutex::new(agenda),
            told: Mutex::default(),
            stirred: Notify::new(),
            others: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            writing: tokio::sync::Mutex::default(),
        })))
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.0.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what is due, for ever.
    pub async fn keep(self, stage: impl Stage) {
        let mut known: HashMap<PluginName, Vec<TimerFunction>> = HashMap::new();
        let mut restored = self.0.tables.reopened();
        let mut written = Instant::now();
        loop {
            if restored.has_changed().unwrap_or(false) {
                restored.mark_unchanged();
                self.reload(&mut known).await;
            }
            if self.0.others.swap(false, Ordering::SeqCst) {
                self.look_around(&stage, &mut known).await;
            }
            let now = self.0.clock.now();
            let (starts, wake) = if self.0.is_over.load(Ordering::SeqCst) {
                (Vec::new(), None)
            } else {
                self.agenda().poll(now)
            };
            self.begin(&stage, starts).await;
            let (is_due, is_changed) = {
                let agenda = self.agenda();
                (agenda.has_gone(), agenda.has_changes())
            };
            if is_due || (is_changed && written.elapsed() >= WRITTEN) {
                // What can't be written stays as it is, and is tried again.
                let _ = self.write().await;
                written = Instant::now();
            }
            let told = std::mem::take(&mut *self.0.told.lock().unwrap_or_else(PoisonError::into_inner));
            for told in told {
                stage.tell(told);
            }
            let mut sleep = LONGEST_SLEEP;
            if let Some(wake) = wake {
                sleep = sleep.min(Duration::from_millis(wake.saturating_sub(self.0.clock.now())));
            }
            if self.agenda().has_changes() {
                sleep = sleep.min(WRITTEN);
            }
            tokio::select! {
                _ = timeout(sleep, self.0.stirred.notified()) => {}
                _ = restored.changed() => restored.mark_changed(),
            }
        }
    }

    /// Another database is there, since a backup was restored: what it says holds.
    async fn reload(&self, known: &mut HashMap<PluginName, Vec<TimerFunction>>) {
        match self.0.tables.timers().await {
            Ok(rows) => {
                *self.agenda() = Agenda::load(rows);
                known.clear();
                self.0.others.store(true, Ordering::SeqCst);
            }
            Err(error) => tracing::error!(%error, "what runs by time can't be read: it stays as it was"),
        }
    }

    /// Looks which plugins are there, and what they run by time.
    async fn look_around(&self, stage: &impl Stage, known: &mut HashMap<PluginName, Vec<TimerFunction>>) {
        let there: HashMap<_, _> = stage.plugins().into_iter().collect();
        known.retain(|plugin, _| {
            let stays = there.contains_key(plugin);
            if !stays {
                self.agenda().vanish(plugin);
            }
            stays
        });
        for (plugin, functions) in there {
            if known.get(&plugin) == Some(&functions) {
                continue;
            }
            let appearance = self.agenda().appear(&plugin, &functions, self.0.clock.now());
            for (name, count) in appearance.adrift {
                let plugin = plugin.clone();
                stage.tell(Told::Adrift { plugin, name, count });
            }
            let mut is_known = true;
            for (name, rule, first) in appearance.new {
                let mut row = TimerRow::new(plugin.clone(), name, Some(rule), first);
                match self.0.tables.add_timer(row.clone(), "null".to_owned()).await {
                    Ok((id, _)) => {
                        row.id = id;
                        self.agenda().insert(row);
                    }
                    Err(error) => {
                        tracing::warn!(%plugin, %error, "what it runs by time can't be written down: it is tried again");
                        is_known = false;
                    }
                }
            }
            if is_known {
                known.insert(plugin, functions);
            } else {
                self.0.others.store(true, Ordering::SeqCst);
            }
        }
    }

    async fn begin(&self, stage: &impl Stage, starts: Vec<Start>) {
        if starts.is_empty() {
            return;
        }
        let once: Vec<_> = starts
            .iter()
            .filter_map(|start| Some((start.id, start.attempt?)))
            .collect();
        let payloads = if once.is_empty() {
            Ok(Vec::new())
        } else {
            self.0.tables.begin_timers(once).await
        };
        let mut payloads: Option<HashMap<_, _>> = match payloads {
            Ok(payloads) => Some(payloads.into_iter().collect()),
            Err(error) => {
                tracing::warn!(%error, "timers that are due can't be begun: it is tried again");
                None
            }
        };
        for start in starts {
            let again = self.0.clock.now() + AGAIN;
            let payload = match (&mut payloads, start.attempt) {
                (_, None) => "null".to_owned(),
                (None, Some(_)) => {
                    self.agenda().put_back(start.id, again);
                    continue;
                }
                (Some(payloads), Some(_)) => match payloads.remove(&start.id) {
                    Some(payload) => payload,
                    // Cancelled or replaced just before.
                    None => {
                        let mut agenda = self.agenda();
                        agenda.put_back(start.id, again);
                        agenda.cancel(start.id);
                        continue;
                    }
                },
            };
            self.hand_over(stage, start, payload);
        }
    }

    fn hand_over(&self, stage: &impl Stage, start: Start, payload: String) {
        let run = TimerRun {
            id: TimerId(start.id),
            name: start.name,
            due_ms: start.due,
            missed: start.missed,
            key: start.key,
        };
        if stage.begin(&start.plugin, &run, payload) == Began::NotNow {
            self.agenda().put_back(start.id, self.0.clock.now() + AGAIN);
            self.0.others.store(true, Ordering::SeqCst);
        }
    }

    /// A run has come to its end; answers with the function's name. Called on plugins' threads: it does not wait.
    pub fn ended(&self, id: u64, outcome: &Outcome) -> Option<String> {
        let end = match outcome.verdict {
            Verdict::Done => End::Done,
            Verdict::Interrupted => End::Interrupted,
            _ => {
                let why = outcome.text.as_deref().unwrap_or("failed");
                End::Failed(why.chars().take(REASON).collect())
            }
        };
        let (name, paused) = {
            let mut agenda = self.agenda();
            (agenda.name(id), agenda.ended(id, &end, self.0.clock.now()))
        };
        if let Some((plugin, name)) = paused {
            let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(Told::Paused { plugin, name, id });
        }
        self.0.stirred.notify_one();
        name
    }

    /// A run that waited for its plugin is not begun: it is tried again.
    pub fn not_begun(&self, id: u64) {
        self.agenda().put_back(id, self.0.clock.now() + AGAIN);
        self.look();
    }

    /// Other plugins are there than before, or other versions of them.
    pub fn look(&self) {
        self.0.others.store(true, Ordering::SeqCst);
        self.0.stirred.notify_one();
    }

    /// Begins nothing any more.
    pub fn stop(&self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }

    /// Writes down what has changed.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written; it is tried again.
    pub async fn write(&self) -> Result<(), StorageError> {
        let _turn = self.0.writing.lock().await;
        let (rows, gone) = self.agenda().changes();
        if rows.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let written = self.0.tables.keep_timers(rows.clone(), gone.clone()).await;
        if let Err(error) = &written {
            tracing::debug!(%error, "how timers stand can't be written down, it is tried again");
            self.agenda().not_written(&rows, gone);
        }
        written
    }

    /// What a plugin asks of its own one-off timers.
    ///
    /// # Errors
    ///
    /// `Invalid` with what to do, `Busy` or `Failed` if it can't be written or read.
    pub async fn answer(
        &self,
        plugin: &PluginName,
        functions: &[TimerFunction],
        request: TimerRequest,
        payload: &[u8],
    ) -> Result<TimerAnswer, Problem> {
        match request {
            TimerRequest::Set(timer) => self.set(plugin, functions, timer, payload).await.map(TimerAnswer::Set),
            TimerRequest::Cancel { name, which } => {
                let was_there = {
                    let mut agenda = self.agenda();
                    let found = agenda.find(plugin, &name, &which);
                    found.is_some_and(|id| agenda.cancel(id))
                };
                self.write().await.map_err(|error| storage_problem(&error))?;
                Ok(TimerAnswer::Cancelled(was_there))
            }
            TimerRequest::List {
                name,
                user,
                guild,
                after,
            } => {
                let about = |row: &TimerRow| {
                    user.is_none_or(|user| row.user == Some(user)) && guild.is_none_or(|guild| row.guild == Some(guild))
                };
                let mut found: Vec<_> = {
                    let agenda = self.agenda();
                    let found = agenda.waiting(plugin, &name, about, after).take(TIMERS_PER_ANSWER + 1);
                    found.map(|row| (row.id, row.due, row.key.clone())).collect()
                };
                let more = found.len() > TIMERS_PER_ANSWER;
                found.truncate(TIMERS_PER_ANSWER);
                let ids = found.iter().map(|(id, ..)| *id).collect();
                let payloads = self.0.tables.timer_payloads(ids).await;
                let mut payloads: BTreeMap<_, _> =
                    payloads.map_err(|error| storage_problem(&error))?.into_iter().collect();
                let timers = found.into_iter().filter_map(|(id, due_ms, key)| {
                    Some(WaitingTimer {
                        id: TimerId(id),
                        due_ms,
                        key,
                        payload: RawValue::from_string(payloads.remove(&id)?).ok()?,
                    })
                });
                Ok(TimerAnswer::List {
                    timers: timers.collect(),
                    more,
                })
            }
            TimerRequest::Unknown => {
                let text = "this host does not know what is asked of timers: it is older than the plugin";
                Err(Problem::new(ProblemCode::NotSupported, text))
            }
        }
    }

    async fn set(
        &self,
        plugin: &PluginName,
        functions: &[TimerFunction],
        timer: SetTimer,
        payload: &[u8],
    ) -> Result<TimerId, Problem> {
        let invalid = |text: String| Problem::new(ProblemCode::Invalid, text);
        let name = timer.name;
        if !functions
            .iter()
            .any(|function| function.name == name && function.rule.is_none())
        {
            return Err(invalid(format!(
                "`{name}` is no `#[timer]` of this plugin: list it in `timers` of `plugin!`"
            )));
        }
        if timer.due_ms > self.0.clock.now().saturating_add(MAX_AHEAD_MS) {
            return Err(invalid(
                "a timer runs within the next ten years: set it anew later".to_owned(),
            ));
        }
        if payload.len() > MAX_TIMER_PAYLOAD {
            return Err(invalid(format!(
                "what a timer is about takes {} bytes as JSON, at most {MAX_TIMER_PAYLOAD} are kept: put it into the \
                 database, and its key into the timer",
                payload.len()
            )));
        }
        let payload = std::str::from_utf8(payload).ok().map(str::to_owned);
        let payload = payload.and_then(|text| RawValue::from_string(text).ok());
        let payload = payload.ok_or_else(|| invalid("what a timer is about is no JSON".to_owned()))?;
        if timer
            .key
            .as_ref()
            .is_some_and(|key| key.is_empty() || key.len() > MAX_TIMER_KEY)
        {
            return Err(invalid(format!("a timer's key has 1 to {MAX_TIMER_KEY} bytes")));
        }
        if !self.agenda().reserve(plugin, MAX_TIMERS) {
            return Err(Problem::new(
                ProblemCode::Busy,
                format!(
                    "{MAX_TIMERS} timers of this plugin wait: cancel some, or keep what is far ahead in the database"
                ),
            ));
        }
        let mut row = TimerRow {
            key: timer.key,
            user: timer.user,
            guild: timer.guild,
            ..TimerRow::new(plugin.clone(), name, None, timer.due_ms)
        };
        let added = self
            .0
            .tables
            .add_timer(row.clone(), String::from(Box::<str>::from(payload)))
            .await;
        let mut agenda = self.agenda();
        agenda.release(plugin);
        let (id, replaced) = added.map_err(|error| storage_problem(&error))?;
        if let Some(replaced) = replaced {
            agenda.cancel(replaced);
        }
        row.id = id;
        agenda.insert(row);
        drop(agenda);
        self.0.stirred.notify_one();
        Ok(TimerId(id))
    }

    /// All timers, or those of a plugin, from `skip` on.
    #[must_use]
    pub fn list(&self, plugin: Option<&str>, skip: usize, most: usize) -> TimerList {
        let all = self.agenda().list(plugin);
        TimerList {
            total: all.len(),
            timers: all.into_iter().skip(skip).take(most).collect(),
        }
    }

    /// Runs a timer now, whatever its time.
    ///
    /// # Errors
    ///
    /// Why not, and what to do.
    pub async fn run_now(&self, stage: &impl Stage, id: TimerId) -> Result<(), Problem> {
        let start = self.agenda().run_now(id.0, self.0.clock.now());
        match start {
            Ok(start) => {
                self.begin(stage, vec![start]).await;
                self.0.stirred.notify_one();
                Ok(())
            }
            Err(NotRun::Unknown) => Err(unknown(id)),
            Err(why) => Err(Problem::new(
                ProblemCode::Invalid,
                match why {
                    NotRun::Running => format!("Timer {id} runs already: it can be run again when it has ended."),
                    NotRun::NoPlugin => format!("The plugin of timer {id} does not run: `load` it first."),
                    NotRun::Unknown | NotRun::NoFunction => format!(
                        "The plugin of timer {id} has no such function any more: `timers cancel {id}` removes the timer."
                    ),
                },
            )),
        }
    }

    /// Pauses a timer or lets it go on, which is written down.
    ///
    /// # Errors
    ///
    /// There is none of that number; or it can't be written.
    pub async fn pause(&self, id: TimerId, paused: bool) -> Result<(), Problem> {
        let is_there = if paused {
            self.agenda().pause(id.0)
        } else {
            self.agenda().resume(id.0, self.0.clock.now())
        };
        if !is_there {
            return Err(unknown(id));
        }
        self.write().await.map_err(|error| storage_problem(&error))?;
        self.0.stirred.notify_one();
        Ok(())
    }

    /// Removes a one-off timer, or a rule whose function is not there.
    ///
    /// # Errors
    ///
    /// There is none of that number, it is a rule that its plugin would set again, or that can't be written.
    pub async fn remove(&self, id: TimerId) -> Result<(), Problem> {
        {
            let mut agenda = self.agenda();
            let timer = agenda.list(None).into_iter().find(|timer| timer.id == id);
            let Some(timer) = timer else { return Err(unknown(id)) };
            if !timer.rule.is_empty() && timer.state != plugin_protocol::TimerState::NoFunction {
                let text = format!("Timer {id} belongs to its plugin, which would set it again: `timers pause {id}`.");
                return Err(Problem::new(ProblemCode::Invalid, text));
            }
            agenda.cancel(id.0);
        }
        self.write().await.map_err(|error| storage_problem(&error))
    }

    /// Cancels all one-off timers about somebody; how many of each plugin.
    ///
    /// # Errors
    ///
    /// That can't be written; it is tried again.
    pub async fn erase(&self, who: Subject) -> Result<BTreeMap<PluginName, u64>, StorageError> {
        let counts = self.agenda().erase(who);
        self.write().await?;
        Ok(counts)
    }
}

fn unknown(id: TimerId) -> Problem {
    let text = format!("There is no timer {id}: `timers` lists them.");
    Problem::new(ProblemCode::NotFound, text)
}

fn storage_problem(error: &StorageError) -> Problem {
    let code = match error {
        StorageError::Busy | StorageError::Closed => ProblemCode::Busy,
        _ => ProblemCode::Failed,
    };
    Problem::new(code, error.to_string())
}

#[cfg(test)]
mod tests;
