//! Notices to the owner: what must not be missed, as a direct message or in a channel, and in the log.
//!
//! At most one of a kind in a while, so that a plugin that fails all the time is one message, not a thousand. Telling
//! never fails and never waits: one task of its own sends.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use plugin_protocol::{ChannelId, UserId};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{self, Instant},
};

use crate::{
    config::NoticeSettings,
    rest::{self, Method, Request, Rest},
};

/// How many notices wait to be sent at most.
const QUEUE: usize = 64;
/// The longest message, in characters (<https://discord.com/developers/docs/resources/message>).
const MAX_CONTENT: usize = 2000;

/// What a notice is about. Those about a plugin carry its name: each plugin has its own quiet time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// A plugin was refused.
    Refused(String),
    /// A plugin's handler panicked or failed.
    Incident(String),
    /// Slash commands: limits, or Discord's refusal.
    Slash,
    /// The gateway.
    Gateway,
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(plugin) => write!(f, "Plugin {plugin} refused"),
            Self::Incident(plugin) => write!(f, "Something broke in plugin {plugin}"),
            Self::Slash => f.write_str("Slash commands"),
            Self::Gateway => f.write_str("Gateway"),
        }
    }
}

/// Tells the owners. Clones share the quiet times and the task.
#[derive(Clone, Debug)]
pub struct Notices {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    interval: Duration,
    /// Both locks are of std: held for a look-up only, never across an await.
    told: Mutex<HashMap<NoticeKind, Told>>,
    task: Mutex<Option<(mpsc::Sender<String>, JoinHandle<()>)>>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    held_back: u32,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(Some((_, task))) = self.task.get_mut().map(Option::take) {
            task.abort();
        }
    }
}

impl Notices {
    /// Starts the task that sends. To be called inside a tokio runtime.
    #[must_use]
    pub fn start(rest: Rest, owners: Vec<UserId>, settings: &NoticeSettings) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        let mut post = Post {
            rest,
            owners: if settings.dm_owner { owners } else { Vec::new() },
            direct: HashMap::new(),
            channel: settings.channel,
        };
        let task = tokio::spawn(async move { post.run(queue).await });
        Self {
            inner: Arc::new(Inner {
                interval: settings.interval,
                told: Mutex::default(),
                task: Mutex::new(Some((sender, task))),
            }),
        }
    }

    /// Tells the owners, unless one of this kind was told a short while ago; logs it in any case.
    #[expect(clippy::needless_pass_by_value, reason = "callers name the kind in place")]
    pub fn tell(&self, kind: NoticeKind, text: impl Into<String>) {
        let text = text.into();
        tracing::warn!(kind = %kind, text, "notice to the owner");
        let Some(held_back) = self.due(&kind) else { return };
        let mut message = format!("**{kind}**\n{text}");
        if held_back > 0 {
            message = format!("{}\n*{held_back} more of this kind were held back.*", cut(&message, 60));
        }
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sender, _)) = &*task
            && sender.try_send(cut(&message, 0)).is_err()
        {
            tracing::warn!("too many notices wait to be sent: this one is in the log only");
        }
    }

    /// Whether one of this kind may be sent now, and how many were held back since the last.
    fn due(&self, kind: &NoticeKind) -> Option<u32> {
        let now = Instant::now();
        let mut told = self.inner.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told.get_mut(kind) {
            Some(told) if now.duration_since(told.at) < self.inner.interval => {
                told.held_back += 1;
                None
            }
            Some(told) => {
                told.at = now;
                Some(std::mem::take(&mut told.held_back))
            }
            None => {
                told.insert(kind.clone(), Told { at: now, held_back: 0 });
                Some(0)
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

/// The first part of a text that leaves so much room in a message.
fn cut(text: &str, room: usize) -> String {
    let limit = MAX_CONTENT - room;
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['\u{2026}']).collect()
}

/// The task's state.
struct Post {
    rest: Rest,
    owners: Vec<UserId>,
    /// The owners' direct message channels, as far as they are known.
    direct: HashMap<UserId, ChannelId>,
    channel: Option<ChannelId>,
}

impl Post {
    async fn run(&mut self, mut queue: mpsc::Receiver<String>) {
        while let Some(text) = queue.recv().await {
            if let Some(channel) = self.channel {
                self.send(channel, &text).await;
            }
            for owner in self.owners.clone() {
                if let Some(channel) = self.direct(owner).await {
                    self.send(channel, &text).await;
                }
            }
        }
    }

    async fn direct(&mut self, owner: UserId) -> Option<ChannelId> {
        #[derive(Deserialize)]
        struct Direct {
            id: ChannelId,
        }
        if let Some(channel) = self.direct.get(&owner) {
            return Some(*channel);
        }
        let body = json!({"recipient_id": owner}).to_string();
        let request = Request::new(Method::Post, "/users/@me/channels").with_body(body);
        let body = self.answer(request, "open a direct message with the owner").await?;
        let channel = serde_json::from_slice::<Direct>(&body).ok()?.id;
        self.direct.insert(owner, channel);
        Some(channel)
    }

    async fn send(&self, channel: ChannelId, text: &str) {
        let body = json!({"content": text, "allowed_mentions": rest::without_mentions()}).to_string();
        let request = Request::new(Method::Post, format!("/channels/{channel}/messages")).with_body(body);
        self.answer(request, "send a notice").await;
    }

    async fn answer(&self, request: Request, what: &str) -> Option<bytes::Bytes> {
        match self.rest.send(request).await {
            Ok(response) if response.is_success() => Some(response.body),
            Ok(response) => {
                let body = String::from_utf8_lossy(&response.body[..response.body.len().min(200)]).into_owned();
                tracing::warn!(status = response.status, body, "can't {what}");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "can't {what}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, extract::State, http::Uri};
    use serde_json::Value;
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

    fn settings(interval: Duration) -> NoticeSettings {
        NoticeSettings {
            channel: ChannelId::new(88),
            dm_owner: true,
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
        let notices = Notices::start(rest, owners, &settings(Duration::from_secs(300)));
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
    async fn one_of_a_kind_and_plugin_in_a_while() {
        let (rest, mut sent) = server().await;
        let notices = Notices::start(rest, Vec::new(), &settings(Duration::from_secs(300)));
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
        assert_eq!(texts.len(), 3, "{texts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_held_back_is_counted_in_the_next() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let api = ApiAddress {
            authority: listener.local_addr().unwrap().to_string(),
            is_plain_http: true,
        };
        let token = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";
        let rest = Rest::new(&token.parse().unwrap(), Some(&api), 1000).unwrap();
        let notices = Notices::start(rest, Vec::new(), &settings(Duration::from_secs(300)));
        let kind = refused("a");
        assert_eq!(notices.due(&kind), Some(0));
        assert_eq!((notices.due(&kind), notices.due(&kind)), (None, None));
        time::advance(Duration::from_secs(300)).await;
        assert_eq!(notices.due(&kind), Some(2));
        assert_eq!(notices.due(&kind), None);
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
        let notices = Notices::start(rest, vec![UserId::new(1).unwrap()], &settings(Duration::ZERO));
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
