//! What becomes of messages by themselves: deleted, or their controls disabled, after a time without a click.
//!
//! The host keeps it, so that it goes on over reloads of the plugin; over a restart by what is taken from here once a second
//! and written down. Only times are kept here: the requests are made by whoever waits.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{ChannelId, LaterAction, MessageId};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{InteractionRef, Request, deadlines::Deadlines};
use crate::storage::MessageTime;

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
    kept: Mutex<Kept>,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Kept {
    /// With the moment at which it is to come.
    timers: HashMap<MessageId, (Timer, Instant)>,
    /// Those that are not written down as they are here.
    changed: HashSet<MessageId>,
    /// Those that are written down.
    written: HashSet<MessageId>,
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
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a time anew, or the first time.
    pub(super) fn begin(&self, id: MessageId, mut timer: Timer) {
        timer.after = timer.after.min(LONGEST);
        let due = Instant::now() + timer.after;
        let mut kept = self.kept();
        if kept.timers.len() >= MOST && !kept.timers.contains_key(&id) {
            tracing::warn!("too many messages wait to be deleted or disabled: one more stays as it is");
            return;
        }
        let is_new = kept.timers.insert(id, (timer, due)).is_none();
        kept.changed.insert(id);
        drop(kept);
        if is_new {
            self.deadlines.insert(due, id.get());
        } else {
            self.deadlines.move_to(due, id.get());
        }
    }

    /// Deletes a message after a time, unless something else becomes of it or too many wait.
    pub(super) fn delete(&self, id: MessageId, timer: Timer) {
        let kept = self.kept();
        if kept.timers.len() < MOST_IN_PASSING && !kept.timers.contains_key(&id) {
            drop(kept);
            self.begin(id, timer);
        }
    }

    /// The message was used: its time begins anew.
    pub(super) fn touch(&self, id: MessageId) {
        let begun = {
            let mut kept = self.kept();
            let Some((timer, due)) = kept.timers.get_mut(&id) else {
                return;
            };
            if timer.action != LaterAction::Disable {
                return;
            }
            *due = Instant::now() + timer.after;
            let begun = *due;
            kept.changed.insert(id);
            begun
        };
        self.deadlines.move_to(begun, id.get());
    }

    /// The message is another now: what was to become of it no longer matters.
    pub(super) fn forget(&self, id: MessageId) {
        let mut kept = self.kept();
        if kept.timers.remove(&id).is_some() {
            kept.changed.insert(id);
        }
    }

    /// The message has other components now.
    pub(super) fn changed(&self, id: MessageId, components: &Value) {
        let mut kept = self.kept();
        if let Some((timer, _)) = kept.timers.get_mut(&id) {
            timer.components = components.clone();
            kept.changed.insert(id);
        }
    }

    /// Whether something becomes of any message.
    pub(super) fn are_there(&self) -> bool {
        !self.kept().timers.is_empty()
    }

    /// What has changed since the last look: what becomes of a message now, or `None` if nothing does any more. It counts as
    /// written down.
    pub(super) fn changes(&self) -> Vec<(MessageId, Option<MessageTime>)> {
        let mut kept = self.kept();
        let Kept {
            timers,
            changed,
            written,
        } = &mut *kept;
        let mut changes = Vec::new();
        for id in changed.drain() {
            match timers.get(&id) {
                Some((timer, due)) => {
                    written.insert(id);
                    changes.push((id, Some(timer.time(*due))));
                }
                // What was over before it was written needs no write.
                None if written.remove(&id) => changes.push((id, None)),
                None => {}
            }
        }
        changes
    }

    /// These could not be written down.
    pub(super) fn not_written(&self, ids: Vec<MessageId>) {
        let mut kept = self.kept();
        // As far as is known: a row that is not there is removed in vain.
        kept.written.extend(&ids);
        kept.changed.extend(ids);
    }

    /// What the process before this one has written down.
    pub(super) fn restore(&self, left: Vec<(MessageId, MessageTime)>) {
        let (now, now_ms) = (Instant::now(), milliseconds_since_1970());
        for (id, time) in left {
            let due = now + Duration::from_millis(time.due_at.saturating_sub(now_ms)).min(LONGEST);
            let timer = Timer {
                action: time.action,
                components: serde_json::from_str(&time.components).unwrap_or_default(),
                ..Timer::deletion(time.channel, Duration::from_millis(time.after).min(LONGEST))
            };
            let mut kept = self.kept();
            kept.timers.insert(id, (timer, due));
            kept.written.insert(id);
            drop(kept);
            self.deadlines.insert(due, id.get());
        }
    }

    /// Waits for the next one whose time is over. For one caller at a time; dropping the future loses none.
    pub(super) async fn next(&self) -> (MessageId, Timer) {
        loop {
            let Some(id) = MessageId::new(self.deadlines.next().await) else {
                continue;
            };
            let mut kept = self.kept();
            if let Some((timer, _)) = kept.timers.remove(&id) {
                kept.changed.insert(id);
                return (id, timer);
            }
        }
    }
}

impl Timer {
    /// As it is written down: without a token.
    fn time(&self, due: Instant) -> MessageTime {
        let left = due.saturating_duration_since(Instant::now());
        MessageTime {
            channel: self.channel,
            action: self.action,
            due_at: milliseconds_since_1970() + u64::try_from(left.as_millis()).unwrap_or_default(),
            after: u64::try_from(self.after.as_millis()).unwrap_or_default(),
            components: self.components.to_string(),
        }
    }

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

fn milliseconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
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

    #[tokio::test(start_paused = true)]
    async fn what_was_written_down_goes_on_in_the_next_process() {
        let (timers, next) = (Timers::default(), Timers::default());
        let id = |number| MessageId::new(number).unwrap();
        let timer = |seconds| Timer::deletion(ChannelId::new(1).unwrap(), Duration::from_secs(seconds));
        timers.begin(id(1), timer(1000));
        timers.begin(id(2), timer(1000));
        timers.begin(id(3), timer(0));
        timers.next().await;
        let written = timers.changes();
        assert_eq!(written.len(), 2, "what is over already is not written");
        assert!(timers.changes().is_empty(), "once");
        timers.forget(id(2));
        assert_eq!(timers.changes(), [(id(2), None)]);
        timers.not_written(vec![id(2)]);
        assert_eq!(timers.changes(), [(id(2), None)]);
        let left = written.into_iter().filter_map(|(at, time)| Some((at, time?)));
        next.restore(left.filter(|(at, _)| *at == id(1)).collect());
        assert!(next.changes().is_empty());
        let begin = Instant::now();
        assert_eq!(next.next().await.0, id(1));
        assert!(
            begin.elapsed() > Duration::from_secs(900),
            "no sooner than it was to come"
        );
        assert_eq!(next.changes(), [(id(1), None)]);
    }
}
