//! Messages of the host that delete themselves: refusals of commands by message, which are of use for a moment only.
//!
//! One task waits for the next of all of them. What has not been deleted at stop stays: it does no harm.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{ChannelId, MessageId, Responded};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    permits::Refusal,
    rest::{Method, Request, Rest},
};

/// How many messages wait for their end; further ones stay.
const MOST: usize = 8192;
/// A cooldown of which is left more is not waited for: its text goes with the other errors'.
const LONGEST: Duration = Duration::from_secs(3600);

type Message = (Instant, ChannelId, MessageId);

/// Takes messages that delete themselves. Clones are the same.
#[derive(Clone, Debug)]
pub struct Fading(mpsc::Sender<Message>);

impl Fading {
    /// The taker, and the work that deletes, to be polled until the end.
    pub fn new(rest: Rest) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, taken) = mpsc::channel(64);
        (Self(sender), delete(rest, taken))
    }

    /// Deletes an answer after this time; one of which Discord has not told the id stays.
    pub fn fade(&self, answer: &Responded, channel: ChannelId, after: Option<Duration>) {
        if let (Some(after), Some(message)) = (after, answer.message_id) {
            // One that finds no room stays.
            let _ = self.0.try_send((Instant::now() + after, channel, message));
        }
    }
}

/// When a refusal's text goes: a cooldown's when it ends, others after `errors`.
#[must_use]
pub fn lasts(refusal: &Refusal, errors: Option<Duration>) -> Option<Duration> {
    let Refusal::Cooldown(until) = refusal else {
        return errors;
    };
    errors?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(*until).saturating_sub(now);
    if left <= LONGEST { Some(left) } else { errors }
}

async fn delete(rest: Rest, mut taken: mpsc::Receiver<Message>) {
    let mut waiting = BTreeSet::<Message>::new();
    loop {
        let first = waiting.first().copied();
        let due = async {
            match first {
                Some((at, ..)) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = taken.recv() => match message {
                Some(message) if waiting.len() < MOST => drop(waiting.insert(message)),
                Some(_) => {}
                None => return,
            },
            () = due => {
                let Some((_, channel, message)) = waiting.pop_first() else { continue };
                let request = Request {
                    method: Method::Delete,
                    path: format!("/channels/{channel}/messages/{message}"),
                    body: Vec::new(),
                    content_type: None,
                    reason: None,
                };
                if let Err(error) = rest.send(request).await {
                    tracing::debug!(%channel, %message, %error, "a refusal could not be deleted");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_cooldowns_text_lasts_as_long_as_it() {
        let errors = Some(Duration::from_secs(15));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let in_a = |seconds: u64| Refusal::Cooldown(u64::try_from(now.as_millis()).unwrap() + seconds * 1000);
        assert_eq!(lasts(&Refusal::Denied, errors), errors);
        assert_eq!(lasts(&in_a(600), None), None);
        let left = lasts(&in_a(600), errors).unwrap();
        assert!(
            left > Duration::from_secs(500) && left <= Duration::from_secs(600),
            "{left:?}"
        );
        assert_eq!(lasts(&in_a(86_400), errors), errors);
    }
}
