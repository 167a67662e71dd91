//! The one task that runs what is due and writes down what has changed, and the handle by which everybody else asks.
//!
//! One-off timers are written before it is said that they are set, and again before they begin; that they are over, and how
//! rules stand, is written in groups. What plugins are there it is told by its [`Stage`], on which it also begins runs.

mod ends;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{
    MAX_AHEAD_MS, MAX_TIMER_KEY, MAX_TIMER_PAYLOAD, MAX_TIMERS, PluginName, Problem, ProblemCode, SetTimer, Subject,
    TIMERS_PER_ANSWER, TimerAnswer, TimerFunction, TimerId, TimerList, TimerRequest, TimerRun, WaitingTimer,
};
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use super::{
    Began, Clock, Stage, Told,
    agenda::{Agenda, NotRun, Start},
};
use crate::storage::{StorageError, Tables, TimerRow};

/// How long nobody looks at the clock: it may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// After what time something is tried again that could not be begun, in milliseconds.
const AGAIN: u64 = 1_000;
/// How often it is written down how rules stand.
const WRITTEN: Duration = Duration::from_secs(5);

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
    /// How often the task has begun what was due.
    looks: watch::Sender<u64>,
    /// Whether other plugins are there than before.
    others: AtomicBool,
    is_over: AtomicBool,
    /// One writes at a time, so that what is written last is what was last.
    writing: tokio::sync::Mutex<()>,
    /// One timer with a key is set at a time: the one that is written last is the one that is known last.
    keying: tokio::sync::Mutex<()>,
}

impl Schedule {
    /// Reads what was written down.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn open(tables: Tables, clock: Clock) -> Result<Self, StorageError> {
        let (agenda, paused) = Agenda::load(tables.timers().await?);
        Ok(Self(Arc::new(Inner {
            tables,
            clock,
            agenda: Mutex::new(agenda),
            told: Mutex::new(paused.into_iter().map(Told::from).collect()),
            stirred: Notify::new(),
            looks: watch::Sender::new(0),
            others: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            writing: tokio::sync::Mutex::default(),
            keying: tokio::sync::Mutex::default(),
        })))
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.0.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
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
            self.begin(&stage, starts, false).await;
            self.0.looks.send_modify(|looks| *looks += 1);
            let (is_due, is_changed) = {
                let agenda = self.agenda();
                (agenda.has_gone(), agenda.has_changes())
            };
            if is_due || (is_changed && written.elapsed() >= WRITTEN) {
                // What can't be written stays as it is, and is tried again.
                let _ = self.write().await;
                written = Instant::now();
            }
            let strains = self.agenda().strains(self.0.clock.now());
            self.told().extend(strains.into_iter().map(Told::Strain));
            let told = std::mem::take(&mut *self.told());
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

    /// The clock was moved: looks at it at once, and returns when all that is due by it has begun, or when nothing begins any more.
    pub async fn look_again(&self) {
        let mut looks = self.0.looks.subscribe();
        // The look that is under way may have been at the clock before.
        for _ in 0..2 {
            looks.mark_unchanged();
            self.0.stirred.notify_one();
            // At its end nobody looks any more.
            if self.0.is_over.load(Ordering::SeqCst) || looks.changed().await.is_err() {
                return;
            }
        }
    }

    /// Another database is there, since a backup was restored: what it says holds.
    async fn reload(&self, known: &mut HashMap<PluginName, Vec<TimerFunction>>) {
        match self.0.tables.timers().await {
            Ok(rows) => {
                let (agenda, paused) = Agenda::load(rows);
                *self.agenda() = agenda;
                self.told().extend(paused.into_iter().map(Told::from));
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

    /// Answers with how many are begun. Those that could not begin are tried again soon; `by_hand`, at their own time.
    async fn begin(&self, stage: &impl Stage, starts: Vec<Start>, by_hand: bool) -> usize {
        if starts.is_empty() {
            return 0;
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
        let mut begun = 0;
        for start in starts {
            let again = if by_hand { start.due } else { self.0.clock.now() + AGAIN };
            let payload = match (&mut payloads, start.attempt) {
                (_, None) => "null".to_owned(),
                (None, Some(_)) => {
                    self.put_back(start.id, again);
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
            begun += usize::from(self.hand_over(stage, start, payload, again));
        }
        begun
    }

    fn put_back(&self, id: u64, look_at: u64) {
        self.agenda().put_back(id, look_at);
        // Whoever sleeps does so until the next one that was known before.
        self.0.stirred.notify_one();
    }

    /// Whether it is begun.
    fn hand_over(&self, stage: &impl Stage, start: Start, payload: String, again: u64) -> bool {
        let run = TimerRun {
            id: TimerId(start.id),
            name: start.name,
            due_ms: start.due,
            missed: start.missed,
            key: start.key,
        };
        let is_begun = stage.begin(&start.plugin, &run, payload) == Began::Yes;
        if !is_begun {
            self.0.others.store(true, Ordering::SeqCst);
            self.put_back(start.id, again);
        }
        is_begun
    }

    /// A run that waited for its plugin is not begun: it is tried again.
    pub fn not_begun(&self, id: u64) {
        self.put_back(id, self.0.clock.now() + AGAIN);
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
        // Whoever waits for a look sees that there is none any more.
        self.0.looks.send_modify(|looks| *looks += 1);
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
        let _turn = match &row.key {
            Some(_) => Some(self.0.keying.lock().await),
            None => None,
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

    /// All timers, or those of a plugin, from `skip` on; those whose number begins with what is typed, or whose plugin's or
    /// function's name has it.
    #[must_use]
    pub fn list(&self, plugin: Option<&str>, typed: &str, skip: usize, most: usize) -> TimerList {
        let mut all = self.agenda().list(plugin);
        if !typed.is_empty() {
            all.retain(|timer| {
                timer.plugin.contains(typed) || timer.name.contains(typed) || timer.id.to_string().starts_with(typed)
            });
        }
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
                let begun = self.begin(stage, vec![start], true).await;
                self.0.stirred.notify_one();
                if begun > 0 {
                    return Ok(());
                }
                let text = format!(
                    "Timer {id} is not begun: its plugin is busy or being replaced, or the database is. Try again in a moment."
                );
                Err(Problem::new(ProblemCode::Busy, text))
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

    /// Removes a one-off timer, or a rule that its plugin has not, or that is of a plugin which is not there: that one sets
    /// it again when it comes.
    ///
    /// # Errors
    ///
    /// There is none of that number, it is a rule that its plugin would set again, or that can't be written.
    pub async fn remove(&self, id: TimerId) -> Result<(), Problem> {
        {
            let mut agenda = self.agenda();
            if agenda.is_offered(id.0) {
                let text = format!("Timer {id} belongs to its plugin, which would set it again: `timers pause {id}`.");
                return Err(Problem::new(ProblemCode::Invalid, text));
            }
            if !agenda.cancel(id.0) {
                return Err(unknown(id));
            }
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
