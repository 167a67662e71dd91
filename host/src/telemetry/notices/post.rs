//! The sending of notices: to a channel, and to owners as direct messages, who may be known only later.
//!
//! Apart from what decides whether one is sent at all; one task has it, and nobody waits for it.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use plugin_protocol::{ChannelId, UserId};
use serde::Deserialize;
use serde_json::json;
use tokio::time;

use super::Ask;
use crate::rest::{self, Method, Request, Rest};

/// How many texts wait until Discord has told whose the application is; the oldest go first, the log has them.
const MOST_UNHEARD: usize = 16;
/// How often it is looked whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What sends.
pub(super) struct Post {
    rest: Rest,
    audience: Ask,
    /// The owners' direct message channels, as far as they are known.
    direct: HashMap<UserId, ChannelId>,
    /// What owners are to be told, of whom Discord has not told yet.
    unheard: VecDeque<String>,
}

impl Post {
    pub(super) fn new(rest: Rest, audience: Ask) -> Self {
        Self {
            rest,
            audience,
            direct: HashMap::new(),
            unheard: VecDeque::new(),
        }
    }

    /// Sends a text to the channel, and to the owners as soon as they are known.
    pub(super) async fn tell(&mut self, text: &str) {
        let audience = (self.audience)();
        if let Some(channel) = audience.channel {
            self.send(channel, text).await;
        }
        if !audience.is_known {
            if self.unheard.len() == MOST_UNHEARD {
                self.unheard.pop_front();
            }
            self.unheard.push_back(text.to_owned());
            return;
        }
        self.tell_owners(&audience.owners, text).await;
    }

    /// Waits until the owners are known to whom something is to be told; for ever, if there is nothing.
    pub(super) async fn owners_known(&self) {
        while self.unheard.is_empty() || !(self.audience)().is_known {
            if self.unheard.is_empty() {
                return std::future::pending().await;
            }
            time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells the owners what they have not heard, if they are known.
    pub(super) async fn tell_unheard(&mut self) {
        let audience = (self.audience)();
        if !audience.is_known {
            return;
        }
        while let Some(text) = self.unheard.pop_front() {
            self.tell_owners(&audience.owners, &text).await;
        }
    }

    async fn tell_owners(&mut self, owners: &[UserId], text: &str) {
        for owner in owners {
            if let Some(channel) = self.direct(*owner).await {
                self.send(channel, text).await;
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
