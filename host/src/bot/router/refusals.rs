//! What people are told by the host itself instead of an answer: that they may not, or how a command is used.
//!
//! By interaction only the asker sees it; by message it deletes itself after a while.

use std::time::Duration;

use plugin_protocol::{Command, Door};
use tokio::sync::Semaphore;

use super::{Router, written_by};
use crate::{
    bot::{fading, gatekeeper::Asked},
    commands::{Message, usage},
    interactions::Origin,
    permits::Refusal,
};

/// How many answers of the host itself may be under way; further ones are left out, since they would only queue up
/// behind Discord's limits.
const MAX_ANSWERS: usize = 256;

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
        let lasts = fading::lasts(refusal, self.config.get().replies.errors_delete_after);
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
            Ok(answer) if origin.door == Door::Prefix => self.fading.fade(&answer, origin.channel_id, lasts),
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
        if self.ran_already(&message, &format!("{prefix}{rest}")).await {
            return;
        }
        let mut origin = written_by(&message, plugin, group.name);
        origin.bot_may = self.bot_may(&message);
        let mut refusal = None;
        let mut usable = Vec::new();
        for (plugin, command) in group.commands {
            let asked = Asked::of(
                (plugin, command),
                (message.author.id, message.member.as_ref()),
                (message.guild_id, message.channel_id),
            );
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
    }
}
