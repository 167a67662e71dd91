//! Notices to the owner: what must not be missed, as a direct message or in a channel, and in the log.
//!
//! At most one of a kind in a while, so that a plugin that fails all the time is one message, not a thousand; what was
//! held back meanwhile is told afterwards, as the last of it and a number. Telling never fails and never waits: one task
//! of its own sends (`post`).

mod post;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use plugin_protocol::{ChannelId, UserId};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{self, Instant},
};

use post::Post;

use super::redaction::Secrets;
use crate::rest::Rest;

/// How many notices wait to be sent at most.
const QUEUE: usize = 64;
/// How many kinds have a quiet time at most; beyond that the one that was told longest ago is forgotten.
const MOST_KINDS: usize = 256;
/// The longest message, in characters (<https://discord.com/developers/docs/resources/message>).
const MAX_CONTENT: usize = 2000;

/// What a notice is about. Those about a plugin carry its name: each plugin has its own quiet time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// A plugin was refused.
    Refused(String),
    /// A plugin's handler panicked or failed.
    Incident(String),
    /// A plugin that was loaded hangs, or has left something behind.
    Trouble(String),
    /// Something of a plugin keeps the rest of it waiting.
    Blocked(String),
    /// Events of a plugin were dropped.
    Events(String),
    /// A plugin does something so often that part of it is dropped.
    Flood(String),
    /// A plugin's files: damaged ones, a full disk.
    Files(String),
    /// A backup was not made.
    Backup,
    /// Slash commands: limits, or Discord's refusal.
    Slash,
    /// The gateway.
    Gateway,
    /// The log can't be written.
    Logs,
    /// config.json or `.env`.
    Settings,
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(plugin) => write!(f, "Plugin {plugin} refused"),
            Self::Incident(plugin) => write!(f, "Something broke in plugin {plugin}"),
            Self::Trouble(plugin) => write!(f, "Plugin {plugin} is in trouble"),
            Self::Blocked(plugin) => write!(f, "Plugin {plugin} is blocked"),
            Self::Events(plugin) => write!(f, "Events of plugin {plugin}"),
            Self::Flood(plugin) => write!(f, "Plugin {plugin} overdoes it"),
            Self::Files(plugin) => write!(f, "Files of plugin {plugin}"),
            Self::Backup => f.write_str("Backups"),
            Self::Slash => f.write_str("Slash commands"),
            Self::Gateway => f.write_str("Gateway"),
            Self::Logs => f.write_str("The log"),
            Self::Settings => f.write_str("Settings"),
        }
    }
}

/// Who is told, and how often. It may change at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Who gets direct messages.
    pub owners: Vec<UserId>,
    /// Whether it is known who that is: what is to be told before waits.
    pub is_known: bool,
    /// A channel that gets every notice.
    pub channel: Option<ChannelId>,
    /// The least time between two notices of a kind.
    pub interval: Duration,
}

/// Where the audience of the moment is asked for.
type Ask = Arc<dyn Fn() -> Audience + Send + Sync>;

/// Tells the owners. Clones share the quiet times and the task.
#[derive(Clone, Debug)]
pub struct Notices {
    inner: Arc<Inner>,
}

struct Inner {
    audience: Ask,
    /// Both locks are of std: held for a look-up only, never across an await.
    told: Mutex<HashMap<NoticeKind, Told>>,
    /// Something was held back.
    holds_back: Arc<Notify>,
    task: Mutex<Option<(mpsc::Sender<String>, JoinHandle<()>)>>,
    /// What no notice shows.
    secrets: Secrets,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    held_back: u32,
    /// The last one that was held back.
    last: String,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(Some((_, task))) = self.task.get_mut().map(Option::take) {
            task.abort();
        }
    }
}

impl Told {
    fn hold_back(&mut self, text: String) {
        self.held_back += 1;
        self.last = text;
    }
}

impl Notices {
    /// Starts the task that sends; `audience` is asked for each notice. To be called inside a tokio runtime.
    #[must_use]
    pub fn start(rest: Rest, secrets: Secrets, audience: impl Fn() -> Audience + Send + Sync + 'static) -> Self {
        let audience: Ask = Arc::new(audience);
        let (sender, mut queue) = mpsc::channel(QUEUE);
        let mut post = Post::new(rest, Arc::clone(&audience));
        let inner = Arc::new(Inner {
            audience,
            told: Mutex::default(),
            holds_back: Arc::default(),
            task: Mutex::new(None),
            secrets,
        });
        // Not the whole of it: the task ends with the last of those who tell.
        let (weak, holds_back) = (Arc::downgrade(&inner), Arc::clone(&inner.holds_back));
        let task = tokio::spawn(async move {
            loop {
                let texts = tokio::select! {
                    biased;
                    text = queue.recv() => match text {
                        Some(text) => vec![text],
                        None => break,
                    },
                    texts = quiet_time_over(&weak, &holds_back) => texts,
                    () = post.owners_known() => Vec::new(),
                };
                post.tell_unheard().await;
                for text in texts {
                    post.tell(&text).await;
                }
            }
            // The last chance to tell what was held back.
            let held_back = weak
                .upgrade()
                .map(|inner| inner.take_held_back(None))
                .unwrap_or_default();
            for text in held_back {
                post.tell(&text).await;
            }
            post.tell_unheard().await;
        });
        *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender, task));
        Self { inner }
    }

    /// Tells the owners, unless one of this kind was told a short while ago; logs it in any case.
    pub fn tell(&self, kind: NoticeKind, text: impl Into<String>) {
        let text = text.into();
        tracing::warn!(kind = %kind, text, "notice to the owner");
        self.tell_unlogged(kind, text);
    }

    /// Like [`tell`](Self::tell), for what comes too often to be logged each time.
    #[expect(clippy::needless_pass_by_value, reason = "callers name the kind in place")]
    pub fn tell_unlogged(&self, kind: NoticeKind, mut text: String) {
        self.inner.secrets.cover_text(&mut text);
        let Some(message) = self.due(&kind, text.clone()) else {
            return;
        };
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sender, _)) = &*task
            && sender.try_send(message).is_err()
        {
            // Too many wait to be sent: it is told when the quiet time of its kind is over.
            self.inner.hold_back(&kind, text);
        }
    }

    /// The message, if one of this kind may be sent now; with how many were held back since the last.
    fn due(&self, kind: &NoticeKind, text: String) -> Option<String> {
        let now = Instant::now();
        let interval = self.inner.interval();
        let mut told = self.inner.told();
        match told.get_mut(kind) {
            Some(told) if now.duration_since(told.at) < interval => {
                told.hold_back(text);
                self.inner.holds_back.notify_one();
                None
            }
            Some(told) => {
                told.at = now;
                told.last = String::new();
                Some(message(kind, &text, std::mem::take(&mut told.held_back)))
            }
            None => {
                if told.len() >= MOST_KINDS {
                    forget_one(&mut told);
                }
                let message = message(kind, &text, 0);
                let entry = Told {
                    at: now,
                    held_back: 0,
                    last: String::new(),
                };
                told.insert(kind.clone(), entry);
                Some(message)
            }
        }
    }

    /// Sends what waits, for no longer than this, and ends the task. Later notices are logged only.
    pub async fn close(&self, limit: Duration) {
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, mut task)) = task {
            drop(sender);
            if time::timeout(limit, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Inner {
    fn told(&self) -> MutexGuard<'_, HashMap<NoticeKind, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold_back(&self, kind: &NoticeKind, text: String) {
        if let Some(told) = self.told().get_mut(kind) {
            told.hold_back(text);
        }
        self.holds_back.notify_one();
    }

    /// The least time between two notices of a kind.
    fn interval(&self) -> Duration {
        (self.audience)().interval
    }

    /// When the first quiet time is over in which something was held back.
    fn next_due(&self) -> Option<Instant> {
        let interval = self.interval();
        let told = self.told();
        let held_back = told.values().filter(|told| told.held_back > 0);
        held_back.map(|told| told.at + interval).min()
    }

    /// The messages of what was held back, where the quiet time is over `now`; all of it without a time. Kinds whose
    /// quiet time is over without more are forgotten.
    fn take_held_back(&self, now: Option<Instant>) -> Vec<String> {
        let mut texts = Vec::new();
        let interval = self.interval();
        self.told().retain(|kind, told| {
            let is_over = now.is_none_or(|now| now.duration_since(told.at) >= interval);
            if is_over && told.held_back > 0 {
                texts.push(message(kind, &told.last, told.held_back - 1));
                told.held_back = 0;
                told.at = now.unwrap_or(told.at);
                return true;
            }
            !is_over
        });
        texts
    }
}

/// Waits until a quiet time is over in which something was held back, and tells what. Cancel safe: it takes only what it
/// returns at once.
async fn quiet_time_over(inner: &Weak<Inner>, holds_back: &Notify) -> Vec<String> {
    loop {
        let due = inner.upgrade().and_then(|inner| inner.next_due());
        match due {
            Some(due) if due <= Instant::now() => {
                let texts = inner.upgrade().map(|inner| inner.take_held_back(Some(Instant::now())));
                let mut texts = texts.unwrap_or_default();
                texts.sort_unstable();
                return texts;
            }
            Some(due) => tokio::select! {
                () = time::sleep_until(due) => {}
                () = holds_back.notified() => {}
            },
            None => holds_back.notified().await,
        }
    }
}

/// Makes room: what held nothing back goes first, then what was told longest ago.
fn forget_one(told: &mut HashMap<NoticeKind, Told>) {
    let oldest = told.iter().min_by_key(|(_, told)| (told.held_back > 0, told.at));
    let oldest = oldest.map(|(kind, _)| kind.clone());
    if let Some(oldest) = oldest {
        told.remove(&oldest);
    }
}

fn message(kind: &NoticeKind, text: &str, more: u32) -> String {
    let message = format!("**{kind}**\n{text}");
    if more == 0 {
        return cut(&message, 0);
    }
    format!(
        "{}\n*And {more} more since the last message; the log has them.*",
        cut(&message, 80)
    )
}

/// The first part of a text that leaves so much room in a message.
fn cut(text: &str, room: usize) -> String {
    let limit = MAX_CONTENT - room;
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, extract::State, http::Uri};
    use serde_json::{Value, json};
    use tokio::{net::TcpListener, sync::mpsc::UnboundedSender};

    use super::*;
    use crate::config::ApiAddress;

    type Sent = (String, Value);

    async fn server() -> (Rest, mpsc::UnboundedReceiver<Sent>) {
        async fn serve(State(sent): State<UnboundedSender<Sent>>, uri: Uri, Json(body): Json<Value>) -> Json<Value> {
            sent.send((uri.path().trim_start_matches("/api/v10").to_owned(), body))
                .unwrap();
            Json(json!({"id": "77"}))
        }
        let (sender, sent) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = ApiAddress {
            authority: listener.local_addr().unwrap().to_string(),
            is_plain_http: true,
        };
        let router = Router::new().fallback(serve).with_state(sender);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let token = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";
        (Rest::new(&token.parse().unwrap(), Some(&api), 1000).unwrap(), sent)
    }

    fn audience(owners: Vec<UserId>, interval: Duration) -> impl Fn() -> Audience + Send + Sync + 'static {
        move || Audience {
            owners: owners.clone(),
            is_known: true,
            channel: ChannelId::new(88),
            interval,
        }
    }

    fn refused(plugin: &str) -> NoticeKind {
        NoticeKind::Refused(plugin.to_owned())
    }

    #[tokio::test]
    async fn a_notice_reaches_the_channel_and_every_owner_and_pings_nobody() {
        let (rest, mut sent) = server().await;
        let owners = vec![UserId::new(1).unwrap(), UserId::new(2).unwrap()];
        let notices = Notices::start(rest, Secrets::default(), audience(owners, Duration::from_secs(300)));
        notices.tell(refused("levels"), "@everyone it lies");
        notices.close(Duration::from_secs(60)).await;
        let mut all = Vec::new();
        while let Ok(one) = sent.try_recv() {
            all.push(one);
        }
        let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/channels/88/messages",
                "/users/@me/channels",
                "/channels/77/messages",
                "/users/@me/channels",
                "/channels/77/messages"
            ]
        );
        assert_eq!(all[1].1, json!({"recipient_id": "1"}));
        assert_eq!(
            all[2].1,
            json!({"content": "**Plugin levels refused**\n@everyone it lies", "allowed_mentions": {"parse": []}})
        );
    }

    #[tokio::test]
    async fn what_is_told_before_the_owners_are_known_waits_for_them() {
        let (rest, mut sent) = server().await;
        let known = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let asked = Arc::clone(&known);
        let audience = move || {
            let is_known = asked.load(std::sync::atomic::Ordering::Relaxed);
            Audience {
                owners: UserId::new(1).filter(|_| is_known).into_iter().collect(),
                is_known,
                channel: ChannelId::new(88),
                interval: Duration::ZERO,
            }
        };
        let notices = Notices::start(rest, Secrets::default(), audience);
        for number in 0..3 {
            notices.tell(refused("levels"), format!("fault {number}"));
        }
        for _ in 0..3 {
            assert_eq!(
                sent.recv().await.unwrap().0,
                "/channels/88/messages",
                "the channel hears it at once"
            );
        }
        known.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(sent.recv().await.unwrap().0, "/users/@me/channels");
        for number in 0..3 {
            let (path, body) = sent.recv().await.unwrap();
            assert_eq!(path, "/channels/77/messages");
            assert!(
                body["content"].as_str().unwrap().ends_with(&format!("fault {number}")),
                "{body}"
            );
        }
        notices.close(Duration::from_secs(60)).await;
    }

    #[tokio::test]
    async fn one_of_a_kind_and_plugin_in_a_while() {
        let (rest, mut sent) = server().await;
        let notices = Notices::start(rest, Secrets::default(), audience(Vec::new(), Duration::from_secs(300)));
        for _ in 0..5 {
            notices.tell(refused("a"), "again");
        }
        notices.tell(refused("b"), "another plugin");
        notices.tell(NoticeKind::Slash, "another kind");
        notices.clone().close(Duration::from_secs(60)).await;
        let mut texts = Vec::new();
        while let Ok((_, body)) = sent.try_recv() {
            texts.push(body["content"].as_str().unwrap().to_owned());
        }
        assert_eq!(texts.len(), 4, "one of each, and what was held back in one: {texts:?}");
    }

    #[tokio::test]
    async fn what_was_held_back_is_told_afterwards_with_its_number() {
        let (rest, mut sent) = server().await;
        let notices = Notices::start(
            rest,
            Secrets::default(),
            audience(Vec::new(), Duration::from_millis(100)),
        );
        for number in 1..=13 {
            notices.tell(refused("a"), format!("fault {number}"));
        }
        let mut next = async || sent.recv().await.unwrap().1["content"].as_str().unwrap().to_owned();
        assert_eq!(next().await, "**Plugin a refused**\nfault 1");
        let later = next().await;
        // Usually all of them; on a machine under load the quiet time may be over before the last.
        assert!(later.starts_with("**Plugin a refused**\nfault "), "{later}");
        assert!(
            later.contains("more since the last message") || !later.ends_with("fault 13"),
            "{later}"
        );
        notices.close(Duration::from_secs(60)).await;
    }

    #[tokio::test]
    async fn the_end_tells_what_was_held_back() {
        let (rest, mut sent) = server().await;
        let notices = Notices::start(rest, Secrets::default(), audience(Vec::new(), Duration::from_secs(300)));
        for number in 1..=13 {
            notices.tell(refused("a"), format!("fault {number}"));
        }
        notices.clone().close(Duration::from_secs(60)).await;
        let mut texts = Vec::new();
        while let Ok((_, body)) = sent.try_recv() {
            texts.push(body["content"].as_str().unwrap().to_owned());
        }
        let expected = [
            "**Plugin a refused**\nfault 1",
            "**Plugin a refused**\nfault 13\n*And 11 more since the last message; the log has them.*",
        ];
        assert_eq!(texts, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_times_are_bounded_and_end() {
        let inner = Inner {
            audience: Arc::new(audience(Vec::new(), Duration::from_secs(300))),
            told: Mutex::default(),
            holds_back: Arc::default(),
            task: Mutex::new(None),
            secrets: Secrets::default(),
        };
        let notices = Notices { inner: Arc::new(inner) };
        let due = |plugin: &str| notices.due(&refused(plugin), "text".to_owned());
        assert!(due("a").is_some() && due("a").is_none() && due("a").is_none());
        for number in 0..2 * MOST_KINDS {
            assert!(due(&number.to_string()).is_some());
        }
        assert_eq!(notices.inner.told().len(), MOST_KINDS);
        assert!(due("a").is_none(), "what held something back is kept");
        assert_eq!(notices.inner.take_held_back(Some(Instant::now())), Vec::<String>::new());
        time::advance(Duration::from_secs(300)).await;
        let told = notices.inner.take_held_back(Some(Instant::now()));
        assert_eq!(
            told,
            ["**Plugin a refused**\ntext\n*And 2 more since the last message; the log has them.*"]
        );
        assert_eq!(notices.inner.told().len(), 1, "the others are forgotten");
        assert!(due("a").is_none(), "a new quiet time has begun");
    }

    #[tokio::test]
    async fn without_a_service_the_caller_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = ApiAddress {
            authority: listener.local_addr().unwrap().to_string(),
            is_plain_http: true,
        };
        drop(listener);
        let token = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";
        let rest = Rest::new(&token.parse().unwrap(), Some(&api), 1000).unwrap();
        let notices = Notices::start(
            rest,
            Secrets::default(),
            audience(vec![UserId::new(1).unwrap()], Duration::ZERO),
        );
        for number in 0..200 {
            notices.tell(NoticeKind::Gateway, number.to_string());
        }
        notices.close(Duration::from_secs(60)).await;
        notices.tell(NoticeKind::Gateway, "after the end");
    }

    #[test]
    fn long_texts_are_cut_to_a_messages_length() {
        let text = cut(&"ä".repeat(5000), 60);
        assert_eq!(text.chars().count(), 1940);
        assert!(text.ends_with('\u{2026}'));
        assert_eq!(cut("short", 60), "short");
    }
}
