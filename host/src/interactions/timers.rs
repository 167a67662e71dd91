//! What becomes of messages by themselves: deleted, or their controls disabled, after a time without a click.
//!
//! The host keeps it, so that it goes on over reloads of the plugin; not over a restart of the host, after which such a
//! message stays as it is. Only times are kept here: the requests are made by whoever waits.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use plugin_protocol::{ChannelId, LaterAction, MessageId};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{InteractionRef, Request, deadlines::Deadlines};

/// How many messages are remembered; further ones stay as they are.
const MOST: usize = 16_384;
/// How many of them may be refusals and the like, which only look better deleted.
const MOST_IN_PASSING: usize = 8192;
/// The longest time: what is to come later than in a day is a plugin's own to remember.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Messages that something becomes of.
#[derive(Default)]
pub(super) struct Timers {
    /// A plain lock: held for a look or an insertion, never across an await.
    timers: Mutex<HashMap<MessageId, Timer>>,
    deadlines: Deadlines,
}

/// What becomes of a message.
#[derive(Clone)]
pub(super) struct Timer {
    pub(super) action: LaterAction,
    pub(super) after: Duration,
    pub(super) channel: ChannelId,
    /// By whose token it can be changed, and until when; else as any message of the bot.
    pub(super) interaction: Option<(InteractionRef, Instant)>,
    /// Its components, as they were sent last.
    pub(super) components: Value,
    /// Whether it is the message that asked for a command: its answers stay when it goes.
    pub(super) is_invocation: bool,
}

impl Timers {
    fn timers(&self) -> MutexGuard<'_, HashMap<MessageId, Timer>> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a time anew, or the first time.
    pub(super) fn begin(&self, id: MessageId, mut timer: Timer) {
        timer.after = timer.after.min(LONGEST);
        let after = timer.after;
        let mut timers = self.timers();
        if timers.len() >= MOST && !timers.contains_key(&id) {
            tracing::warn!("too many messages wait to be deleted or disabled: one more stays as it is");
            return;
        }
        let is_new = timers.insert(id, timer).is_none();
        drop(timers);
        let at = Instant::now() + after;
        if is_new {
            self.deadlines.insert(at, id.get());
        } else {
            self.deadlines.move_to(at, id.get());
        }
    }

    /// Deletes a message after a time, unless something else becomes of it or too many wait.
    pub(super) fn delete(&self, id: MessageId, timer: Timer) {
        let timers = self.timers();
        if timers.len() < MOST_IN_PASSING && !timers.contains_key(&id) {
            drop(timers);
            self.begin(id, timer);
        }
    }

    /// The message was used: its time begins anew.
    pub(super) fn touch(&self, id: MessageId) {
        let after = match self.timers().get(&id) {
            Some(timer) if timer.action == LaterAction::Disable => timer.after,
            _ => return,
        };
        self.deadlines.move_to(Instant::now() + after, id.get());
    }

    /// The message is another now: what was to become of it no longer matters.
    pub(super) fn forget(&self, id: MessageId) {
        self.timers().remove(&id);
    }

    /// The message has other components now.
    pub(super) fn changed(&self, id: MessageId, components: &Value) {
        if let Some(timer) = self.timers().get_mut(&id) {
            timer.components = components.clone();
        }
    }

    /// Waits for the next one whose time is over. For one caller at a time; dropping the future loses none.
    pub(super) async fn next(&self) -> (MessageId, Timer) {
        loop {
            let id = self.deadlines.next().await;
            let found = MessageId::new(id).and_then(|id| Some((id, self.timers().remove(&id)?)));
            if let Some(found) = found {
                return found;
            }
        }
    }
}

impl Timer {
    /// It is deleted.
    pub(super) const fn deletion(channel: ChannelId, after: Duration) -> Self {
        Self {
            action: LaterAction::Delete,
            after,
            channel,
            interaction: None,
            components: Value::Null,
            is_invocation: false,
        }
    }

    /// The request that does it; `None` if there is nothing to do.
    pub(super) fn request(self, id: MessageId) -> Option<Request> {
        let path = match self.interaction.filter(|(_, until)| Instant::now() < *until) {
            Some((interaction, _)) => {
                let (application, token) = (interaction.application_id, interaction.token.as_str());
                format!("/webhooks/{application}/{token}/messages/{id}")
            }
            None => format!("/channels/{}/messages/{id}", self.channel),
        };
        let (method, body) = match self.action {
            LaterAction::Delete => ("DELETE", Vec::new()),
            LaterAction::Disable => {
                let mut components = self.components;
                if !disable(&mut components) {
                    return None;
                }
                let body = json!({ "components": components, "allowed_mentions": { "parse": [] } });
                ("PATCH", body.to_string().into_bytes())
            }
            LaterAction::Unknown => return None,
        };
        Some(Request {
            method,
            path,
            body,
            files: Vec::new(),
        })
    }
}

/// Disables all buttons but links, and all selects; whether there was one to disable.
fn disable(components: &mut Value) -> bool {
    match components {
        Value::Array(all) => all.iter_mut().fold(false, |any, one| disable(one) | any),
        Value::Object(one) => {
            let kind = one.get("type").and_then(Value::as_u64);
            let is_link = one.get("style").and_then(Value::as_u64) == Some(5);
            let is_control = matches!(kind, Some(2 | 3 | 5..=8)) && !is_link;
            let mut any = is_control && one.get("disabled") != Some(&Value::Bool(true));
            if is_control {
                one.insert("disabled".to_owned(), true.into());
            }
            for key in ["components", "accessory"] {
                any |= one.get_mut(key).is_some_and(disable);
            }
            any
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_links_are_disabled_wherever_they_stand() {
        let mut components = json!([
            { "type": 1, "components": [{ "type": 2, "style": 1 }, { "type": 2, "style": 5 }] },
            { "type": 17, "components": [
                { "type": 9, "components": [{ "type": 10 }], "accessory": { "type": 2, "style": 2 } },
                { "type": 1, "components": [{ "type": 8 }] },
            ] },
        ]);
        assert!(disable(&mut components));
        assert_eq!(components[0]["components"][0]["disabled"], true);
        assert_eq!(components[0]["components"][1]["disabled"], Value::Null);
        assert_eq!(components[1]["components"][0]["accessory"]["disabled"], true);
        assert_eq!(components[1]["components"][1]["components"][0]["disabled"], true);
        assert!(!disable(&mut components), "nothing is left to disable");
        assert!(!disable(&mut Value::Null));
    }

    #[tokio::test(start_paused = true)]
    async fn a_click_begins_the_time_anew() {
        let timers = Timers::default();
        let begin = Instant::now();
        let timer = |action, seconds| Timer {
            action,
            after: Duration::from_secs(seconds),
            channel: ChannelId::new(1).unwrap(),
            interaction: None,
            components: Value::Null,
            is_invocation: false,
        };
        let id = |number| MessageId::new(number).unwrap();
        timers.begin(id(1), timer(LaterAction::Disable, 10));
        timers.begin(id(2), timer(LaterAction::Delete, 12));
        tokio::time::advance(Duration::from_secs(5)).await;
        timers.touch(id(1));
        timers.touch(id(2));
        timers.changed(id(1), &json!([{ "type": 2, "style": 1 }]));
        let (first, deletes) = timers.next().await;
        assert_eq!((first, begin.elapsed().as_secs()), (id(2), 12));
        assert_eq!(deletes.request(first).unwrap().path, "/channels/1/messages/2");
        let (second, disables) = timers.next().await;
        assert_eq!((second, begin.elapsed().as_secs()), (id(1), 15));
        let request = disables.request(second).unwrap();
        let body = String::from_utf8(request.body).unwrap();
        assert!(
            request.method == "PATCH" && body.contains("\"disabled\":true"),
            "{body}"
        );
    }
}
