//! What people are told by the host itself instead of an answer: that they may not, or how a command is used.
//!
//! By interaction only the asker sees it; by message it deletes itself after a while.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_protocol::{Command, Door};
use tokio::sync::Semaphore;

use super::{Router, written_by};
use crate::{
    bot::gatekeeper::{Asked, Fetched},
    commands::{Message, usage},
    interactions::Origin,
    permits::Refusal,
};

/// How many answers of the host itself may be under way; further ones are left out, since they would only queue up
/// behind Discord's limits.
const MAX_ANSWERS: usize = 256;

/// A cooldown of which is left more is not waited for: its text goes with the other errors'.
const LONGEST: Duration = Duration::from_secs(3600);

/// The places for answers of the host itself.
pub fn answers() -> Semaphore {
    Semaphore::new(MAX_ANSWERS)
}

impl Router {
    /// Tells somebody that they may not use a command. By message, one that is switched off is not there.
    pub(super) async fn turn_away(&self, origin: &Origin, prefix: &str, command: &Command, refusal: &Refusal) {
        if *refusal == Refusal::Disabled && origin.door == Door::Prefix {
            return;
        }
        let name = Command {
            name: command.name.clone(),
            ..Command::default()
        };
        let lasts = lasts(refusal, self.config.get().replies.errors_delete_after);
        self.refuse_for(origin, &refusal.text(&usage(prefix, &name)), lasts)
            .await;
    }

    /// Answers for the host itself, for as long as an error's text lasts.
    pub(super) async fn refuse(&self, origin: &Origin, text: &str) {
        self.refuse_for(origin, text, self.config.get().replies.errors_delete_after)
            .await;
    }

    /// Answers for the host itself: by interaction only the asker sees it, by message it deletes itself after a while.
    pub(super) async fn refuse_for(&self, origin: &Origin, text: &str, lasts: Option<Duration>) {
        let Ok(_place) = self.answers.try_acquire() else {
            tracing::debug!(command = %origin.command, "an answer of the host was left out: too many are under way");
            return;
        };
        match self.invocations.answer_directly(origin, text, true).await {
            Ok(answer) if origin.door == Door::Prefix => self.invocations.fade(&answer, origin.channel_id, lasts),
            Ok(_) => {}
            Err(problem) => {
                tracing::debug!(command = %origin.command, %problem, "an answer of the host did not arrive");
            }
        }
    }

    /// A group's name without one of its commands: says which there are, for the one who asks.
    pub(super) async fn list_group(&self, prefix: &str, rest: &str, payload: &str) {
        let Ok(message) = Message::decode(payload) else { return };
        let table = self.routing.read();
        let Some(mut group) = table.commands.group(rest) else {
            return;
        };
        let Some((plugin, _)) = group.commands.first() else {
            return;
        };
        let Some(run) = self.begins(&message, &format!("{prefix}{rest}")).await else {
            return;
        };
        let mut origin = written_by(&message, plugin, group.name);
        origin.run = run;
        origin.bot_may = self.bot_may(&message);
        let mut refusal = None;
        let mut usable = Vec::new();
        let fetched = Fetched::default();
        for (plugin, command) in group.commands {
            let mut asked = Asked::of(
                (plugin, command),
                (message.author.id, message.member.as_ref()),
                (message.guild_id, message.channel_id),
            );
            asked.fetched = Some(&fetched);
            match self.gatekeeper.decide(&asked, None).await {
                Ok(()) => usable.push((plugin, command)),
                Err(why) => refusal = Some((command, why)),
            }
        }
        group.commands = usable;
        match refusal {
            Some((command, why)) if group.commands.is_empty() => self.turn_away(&origin, prefix, command, &why).await,
            _ => {
                let lasts = self.config.get().replies.usage_delete_after;
                self.refuse_for(&origin, &group.text(prefix), lasts).await;
            }
        }
        self.came_to_nothing((message.id, message.channel_id), run).await;
    }
}

/// When a refusal's text goes: a cooldown's when it ends, others after `errors`.
#[must_use]
fn lasts(refusal: &Refusal, errors: Option<Duration>) -> Option<Duration> {
    let Refusal::Cooldown(until) = refusal else {
        return errors;
    };
    errors?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(*until).saturating_sub(now);
    if left <= LONGEST { Some(left) } else { errors }
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
