//! All open invocations: opened when one is delivered, answered by its plugin, finished with its outcome.
//!
//! Calls of one invocation go out in the order they came, behind an asynchronous lock of its own; those of different
//! ones do not wait for each other. One task looks after all deadlines: it defers what is not answered within
//! 2 seconds (Discord gives up after 3) and forgets what is finished and 15 minutes old (Discord's limit for answers).

mod lasting;
mod sending;
mod suggesting;
mod suspension;

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use plugin_protocol::{
    ChannelId, Door, MessageId, Outcome, PluginName, Problem, ProblemCode, Respond, Responded, Verdict,
};
use serde_json::Value;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    DiscordApi, Incident, InteractionRef, Origin,
    answers::Answers,
    body::Body,
    calls,
    deadlines::Deadlines,
    incidents::{Codes, is_incident_code},
    lanes::Lanes,
    problems::{senseless_problem, unknown_invocation},
    state::{Closing, Conversation, State, Step},
    story::{self, Told},
    texts,
    timers::{Timer, Timers},
};
use crate::telemetry::{Story, scope};
use suspension::Suspension;

/// How long a handler may take before the host defers for it: a second less than Discord waits.
const SLOW_AFTER: Duration = Duration::from_secs(2);
/// How long a handler may take before its asker is told that it takes long.
const LONG_AFTER: Duration = Duration::from_secs(30);
/// How long an interaction can be answered
/// (<https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages>).
const ANSWERABLE: Duration = Duration::from_secs(15 * 60);
/// How many messages are deleted or disabled at a time.
const MOST_TIDIED: usize = 32;
/// How many finished invocations are remembered for tasks that answer later; the oldest go first.
const MOST_FINISHED: usize = 8192;

/// All open invocations. Clones are the same.
///
/// A finished invocation can still be answered by tasks that its handler left behind, until 15 minutes after its
/// beginning, unless 8,192 others have finished since.
#[derive(Clone)]
pub struct Invocations {
    inner: Arc<Inner>,
}

struct Inner {
    api: Box<dyn DiscordApi>,
    incidents: Box<dyn Fn(Incident, Arc<dyn Story>) + Send + Sync>,
    codes: Codes,
    last_id: AtomicU64,
    /// A plain lock: held for a look or an insertion, never across an await.
    table: Mutex<Table>,
    answers: Answers,
    deadlines: Arc<Deadlines>,
    /// What becomes of messages by themselves.
    timers: Arc<Timers>,
    timer: AbortHandle,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Arc<Entry>>,
    /// In the order of finishing; some may have gone from `entries` since.
    finished: VecDeque<u64>,
    /// Those who are typing an argument: nothing is open for them, but what they may use is asked.
    typing: HashMap<u64, Arc<Origin>>,
}

struct Entry {
    id: u64,
    /// The generation it was delivered to; 0 while it waits for one.
    generation: AtomicU32,
    origin: Arc<Origin>,
    opened: Instant,
    /// When it counts as slow; after that, when it counts as long.
    slow_at: Instant,
    is_slow: AtomicBool,
    finished: AtomicBool,
    /// An asynchronous lock, since it is held while a call is under way: that keeps calls in order.
    conversation: tokio::sync::Mutex<Conversation>,
    told: Told,
    suspension: Suspension,
}

impl Story for Entry {
    fn fields(&self, field: &mut dyn FnMut(&'static str, Value)) {
        let generation = self.generation.load(Ordering::Relaxed);
        story::fields(self.id, generation, &self.origin, field);
    }

    fn incident(&self) -> Option<String> {
        self.told.incident()
    }

    fn logged(&self, line: String) {
        self.told.logged(line);
    }

    fn lines(&self) -> Vec<String> {
        self.told.lines()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

impl Invocations {
    /// No invocations. `incidents` is told of every handler that failed or panicked, before its asker is; it must not
    /// block. Spawns the task that looks after deadlines, which ends with the last clone.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(
        api: impl DiscordApi + 'static,
        incidents: impl Fn(Incident, Arc<dyn Story>) + Send + Sync + 'static,
    ) -> Self {
        let deadlines = Arc::new(Deadlines::default());
        let timers = Arc::new(Timers::default());
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| Inner {
            api: Box::new(api),
            incidents: Box::new(incidents),
            codes: Codes::new(RandomState::new().hash_one("incident codes") as u32),
            last_id: AtomicU64::new(0),
            table: Mutex::default(),
            answers: Answers::default(),
            timer: tokio::spawn(look_after(inner.clone(), Arc::clone(&deadlines), Arc::clone(&timers))).abort_handle(),
            deadlines,
            timers,
        });
        Self { inner }
    }

    /// An invocation begins; its id is never 0. `generation` is the one it is delivered to, 0 if it waits for one.
    #[must_use]
    pub fn open(&self, origin: Origin, generation: u32) -> u64 {
        let id = self.inner.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let opened = Instant::now();
        let slow_at = if origin.typing {
            opened
        } else {
            origin.began + SLOW_AFTER
        };
        let entry = Arc::new(Entry {
            id,
            generation: AtomicU32::new(generation),
            conversation: tokio::sync::Mutex::new(conversation(&origin)),
            origin: Arc::new(origin),
            opened,
            slow_at,
            is_slow: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            told: Told::default(),
            suspension: Suspension::new(opened + LONG_AFTER),
        });
        self.inner.table().entries.insert(id, entry);
        self.inner.deadlines.insert(slow_at, id);
        id
    }

    /// What was answered to messages lately.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.inner.answers
    }

    /// An invocation that waited goes to this generation.
    pub fn deliver(&self, id: u64, generation: u32) {
        if let Some(entry) = self.inner.entry(id) {
            entry.generation.store(generation, Ordering::Relaxed);
        }
    }

    /// Where an invocation came from, while it is known, or a question for suggestions.
    #[must_use]
    pub fn origin(&self, id: u64) -> Option<Arc<Origin>> {
        let table = self.inner.table();
        let open = table.entries.get(&id).map(|entry| &entry.origin);
        open.or_else(|| table.typing.get(&id)).map(Arc::clone)
    }

    /// An invocation as the log sees it, while it is known: one of this plugin's.
    #[must_use]
    pub fn story(&self, id: u64, plugin: &PluginName) -> Option<Arc<dyn Story>> {
        let entry = self.inner.entry(id)?;
        (entry.origin.plugin == *plugin).then_some(entry as Arc<dyn Story>)
    }

    /// A code for an incident outside of any invocation.
    #[must_use]
    pub fn incident_code(&self) -> String {
        self.inner.codes.next()
    }

    /// The invocations of a generation that have not finished.
    #[must_use]
    pub fn of_generation(&self, plugin: &PluginName, generation: u32) -> Vec<u64> {
        let table = self.inner.table();
        let theirs = table.entries.values().filter(|entry| {
            !entry.finished.load(Ordering::Relaxed)
                && entry.generation.load(Ordering::Relaxed) == generation
                && entry.origin.plugin == *plugin
        });
        theirs.map(|entry| entry.id).collect()
    }

    /// Does what a plugin asks for one of its invocations, which is looked up at once: the answer arrives also if the
    /// invocation ends before the future is polled. Run it to its end: when it is dropped half-way, Discord may know of an
    /// answer that is not known here.
    ///
    /// # Errors
    ///
    /// `NotFound`: no such invocation, or no such answer. `NotGranted`: another plugin's. `Invalid`: the action makes no
    /// sense for that door, or the body is no message. `NotSupported`: an unknown action. `Failed`: Discord refused it
    /// (with its status, code, message and the fields it names) or did not answer.
    pub fn respond(
        &self,
        plugin: &PluginName,
        head: Respond,
        body: Bytes,
    ) -> impl Future<Output = Result<Responded, Problem>> + Send + use<> {
        let entry = self.inner.entry(head.invocation).ok_or_else(unknown_invocation);
        let entry = entry.and_then(|entry| {
            if entry.origin.plugin == *plugin {
                return Ok(entry);
            }
            let text = "that invocation is another plugin's";
            Err(Problem::new(ProblemCode::NotGranted, text))
        });
        let inner = Arc::clone(&self.inner);
        async move {
            let entry = entry?;
            let story: Arc<dyn Story> = Arc::clone(&entry) as _;
            scope::within(story, inner.respond(&entry, head, body)).await
        }
    }

    /// An invocation has ended: if its asker has to be told nothing, that is all, at once. Else the outcome is given back
    /// for [`finish`](Self::finish), which waits for Discord.
    #[must_use]
    pub fn finish_silently(&self, id: u64, outcome: Outcome) -> Option<Outcome> {
        let entry = self.inner.entry(id)?;
        let tidies = entry.origin.deleted_after.success.is_some() || entry.origin.deleted_after.invocation.is_some();
        let is_silent = matches!(outcome.verdict, Verdict::Done | Verdict::Unknown)
            && !tidies
            && entry.conversation.try_lock().is_ok_and(|conversation| {
                matches!(conversation.closing(outcome.released), Closing::Nothing)
                    && conversation.idle_note().is_none()
                    && !self.inner.answers.leaves(&entry.origin)
            });
        if !is_silent {
            return Some(outcome);
        }
        if !entry.finished.swap(true, Ordering::Relaxed) {
            self.inner.end_deadlines(&entry);
            let _nothing = self.inner.left_behind(&entry.origin);
            self.inner.ended(&entry, outcome.released);
        }
        None
    }

    /// An invocation has ended: says what its asker has to be told, if anything. Does nothing for an unknown or finished
    /// one.
    pub async fn finish(&self, id: u64, outcome: Outcome) {
        let Some(entry) = self.inner.entry(id) else { return };
        if entry.finished.swap(true, Ordering::Relaxed) {
            return;
        }
        self.inner.end_deadlines(&entry);
        let story: Arc<dyn Story> = Arc::clone(&entry) as _;
        scope::within(story, self.inner.finish(&entry, outcome)).await;
    }

    /// Answers something that never became an invocation: a refusal by the host itself, such as a wrong argument. By
    /// prefix it is a reply, which everybody sees.
    ///
    /// # Errors
    ///
    /// `Failed`: Discord refused it or did not answer.
    pub async fn answer_directly(&self, origin: &Origin, text: &str, ephemeral: bool) -> Result<Responded, Problem> {
        let mut conversation = conversation(origin);
        self.inner.try_to_say(origin, &mut conversation, text, ephemeral).await
    }
}

impl Invocations {
    /// Interactions whose answer is promised and not there: their tokens, and when they began.
    #[must_use]
    pub fn promised(&self) -> Vec<(InteractionRef, Instant)> {
        let table = self.inner.table();
        // Also of handlers that have ended and left the answer to a task of theirs.
        let waiting = table.entries.values().filter(|entry| {
            entry.origin.interaction.is_some() && (SLOW_AFTER..ANSWERABLE).contains(&entry.opened.elapsed())
        });
        let promised = waiting.filter(|entry| {
            let conversation = entry.conversation.try_lock();
            conversation.is_ok_and(|conversation| matches!(conversation.state(), State::Deferred { .. }))
        });
        promised
            .filter_map(|entry| Some((entry.origin.interaction.clone()?, entry.opened)))
            .collect()
    }
}

impl Invocations {
    /// Deletes the bot's own messages of a channel. What can't be deleted stays.
    pub async fn delete_messages(&self, channel: ChannelId, messages: Vec<MessageId>) {
        for message in messages {
            let request = calls::deletion(channel, message);
            if let Err(error) = self.inner.api.send(request).await {
                tracing::debug!(%message, error, "an answer could not be deleted");
            }
        }
    }
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, id: u64) -> Option<Arc<Entry>> {
        self.table().entries.get(&id).cloned()
    }

    /// It ends in time: nobody has to be told that it takes a while.
    fn end_deadlines(&self, entry: &Entry) {
        let at = if entry.is_slow.load(Ordering::Relaxed) {
            entry.suspension.long_at()
        } else {
            entry.slow_at
        };
        self.deadlines.remove(at, entry.id);
    }

    async fn finish(&self, entry: &Arc<Entry>, outcome: Outcome) {
        let origin = &entry.origin;
        let mut lasts = None;
        let text = match outcome.verdict {
            Verdict::Done | Verdict::Unknown => None,
            Verdict::Refused | Verdict::Interrupted if self.answers.is_outdated(origin) => None,
            Verdict::Refused => Some({
                lasts = if outcome.is_usage {
                    origin.deleted_after.usage
                } else {
                    origin.deleted_after.errors
                };
                outcome
                    .text
                    .filter(|text| !text.trim().is_empty())
                    .unwrap_or_else(|| texts::REFUSED.to_owned())
            }),
            Verdict::Interrupted => {
                lasts = origin.deleted_after.errors;
                Some(texts::INTERRUPTED.to_owned())
            }
            Verdict::Failed | Verdict::Panicked => {
                let known = outcome.incident.filter(|code| is_incident_code(code));
                let is_known = known.is_some();
                let code = known.unwrap_or_else(|| self.codes.next());
                let text = texts::incident(&code);
                entry.told.came_to(&code);
                let incident = Incident {
                    code,
                    plugin: origin.plugin.clone(),
                    generation: entry.generation.load(Ordering::Relaxed),
                    command: origin.command.clone(),
                    text: outcome.text.unwrap_or_default(),
                    panic: outcome.panic,
                    author: origin.author.clone(),
                    guild_id: origin.guild_id,
                    channel_id: origin.channel_id,
                    door: origin.door,
                    menu: origin.menu,
                    invocation: entry.id,
                    is_known,
                    asked: origin.asked.clone(),
                };
                (self.incidents)(incident, Arc::clone(entry) as _);
                Some(text)
            }
        };
        let mut conversation = entry.conversation.lock().await;
        match text {
            Some(text) => {
                let said = self.say(origin, &mut conversation, &text, true).await;
                if let (Some(after), Some(message), Door::Prefix) = (lasts, said, origin.door) {
                    self.timers.delete(message, Timer::deletion(origin.channel_id, after));
                }
            }
            None => match conversation.closing(outcome.released) {
                Closing::Nothing => {
                    if let Some(call) = conversation.idle_note() {
                        let step = Step {
                            calls: vec![call],
                            next: conversation.state(),
                        };
                        let _ = self.perform(origin, &mut conversation, &step, &Body::default()).await;
                    }
                }
                Closing::Say => drop(self.say(origin, &mut conversation, texts::DONE, true).await),
                Closing::Acknowledge(step) => {
                    let acknowledged = self.perform(origin, &mut conversation, &step, &Body::default()).await;
                    if let Err(problem) = acknowledged {
                        log_unsaid(origin, &problem);
                    }
                }
            },
        }
        if matches!(outcome.verdict, Verdict::Done | Verdict::Unknown) {
            self.tidy(origin, &mut conversation);
        }
        drop(conversation);
        for left in self.left_behind(origin) {
            let _ = self.api.send(calls::deletion(origin.channel_id, left)).await;
        }
        self.ended(entry, outcome.released);
    }

    /// A command by prefix has ended: what earlier runs of its message have said and this one has not.
    fn left_behind(&self, origin: &Origin) -> Vec<MessageId> {
        match (origin.door, origin.message_id) {
            (Door::Prefix, Some(message)) => self.answers.ends(message, origin.run),
            _ => Vec::new(),
        }
    }

    /// A deadline has come: the invocation is slow, or finished and old.
    async fn due(&self, id: u64) {
        let Some(entry) = self.entry(id) else { return };
        if entry.finished.load(Ordering::Relaxed) {
            self.forget(id);
            return;
        }
        let story: Arc<dyn Story> = Arc::clone(&entry) as _;
        scope::within(story, async {
            let mut conversation = entry.conversation.lock().await;
            let is_long = entry.is_slow.swap(true, Ordering::Relaxed);
            let is_suspended = entry.suspension.is_on();
            let (step, body) = if is_long {
                let step = conversation.step_when_long().filter(|_| !is_suspended);
                (step, Body::text(texts::SLOW))
            } else {
                self.begin_long(&entry);
                let step = conversation.step_when_slow(entry.origin.defer);
                // Who waits for people isn't typing; an interaction has to be acknowledged all the same.
                let step = step.filter(|_| !is_suspended || entry.origin.interaction.is_some());
                (step, Body::default())
            };
            let Some(step) = step else { return };
            if let Err(problem) = self.perform(&entry.origin, &mut conversation, &step, &body).await {
                log_unsaid(&entry.origin, &problem);
            }
        })
        .await;
    }

    /// Remembers a finished invocation until its 15 minutes are over or too many others have finished; one that nothing
    /// can answer any more is forgotten.
    fn ended(&self, entry: &Entry, released: bool) {
        if let Some(slot) = &entry.origin.slot {
            slot.end();
        }
        let until = entry.opened + ANSWERABLE;
        if released || until <= Instant::now() {
            self.table().entries.remove(&entry.id);
            return;
        }
        self.deadlines.insert(until, entry.id);
        let mut table = self.table();
        table.finished.push_back(entry.id);
        let mut forgotten = None;
        if table.finished.len() > MOST_FINISHED
            && let Some(oldest) = table.finished.pop_front()
        {
            forgotten = table.entries.remove(&oldest);
        }
        drop(table);
        if let Some(entry) = forgotten {
            self.deadlines.remove(entry.opened + ANSWERABLE, entry.id);
        }
    }

    fn forget(&self, id: u64) {
        let mut table = self.table();
        table.entries.remove(&id);
        while let Some(oldest) = table.finished.front().copied()
            && !table.entries.contains_key(&oldest)
        {
            table.finished.pop_front();
        }
    }
}

/// The task that waits for deadlines. What is due runs beside the waiting, so that a slow call delays no other; messages
/// that are deleted or disabled take turns by channel.
async fn look_after(inner: Weak<Inner>, deadlines: Arc<Deadlines>, timers: Arc<Timers>) {
    let mut under_way = FuturesUnordered::new();
    let mut lanes = Lanes::new(MOST_TIDIED);
    loop {
        while let Some((channel, (id, timer))) = lanes.next() {
            let Some(inner) = inner.upgrade() else { return };
            let later = async move {
                inner.later(id, timer).await;
                Some(channel)
            };
            under_way.push(later.boxed());
        }
        tokio::select! {
            id = deadlines.next() => {
                let Some(inner) = inner.upgrade() else { return };
                let due = async move {
                    inner.due(id).await;
                    None
                };
                under_way.push(due.boxed());
            }
            (id, timer) = timers.next() => lanes.add(timer.channel, (id, timer)),
            Some(ended) = under_way.next() => {
                if let Some(channel) = ended {
                    lanes.ended(channel);
                }
            }
        }
    }
}

fn conversation(origin: &Origin) -> Conversation {
    Conversation::new(origin.door, origin.message_id)
}

fn log_unsaid(origin: &Origin, problem: &Problem) {
    tracing::warn!(
        plugin = %origin.plugin,
        command = origin.command,
        author = %origin.author.id,
        %problem,
        "the asker could not be answered"
    );
}

#[cfg(test)]
mod tests;
