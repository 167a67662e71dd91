//! What somebody waits for, on its way to who waits: messages and reactions, beside whatever else they are.
//!
//! It takes no ticket: whoever waits is under way already, and is told when its generation ends.

use std::time::Instant;

use plugin_protocol::{Happening, Occurrence, Watched};

use super::{Router, reason};
use crate::{
    bot::watches::Sighting,
    commands::{Message, reaction},
    gateway::{Partial, RawEvent},
};

impl Router {
    /// Hands an event to the functions that wait for it.
    pub(super) fn deliver_watched(&self, event: &RawEvent, partial: &Partial<'_>) {
        let what = match &*partial.kind {
            "MESSAGE_CREATE" if partial.is_said() => Watched::Message,
            "MESSAGE_REACTION_ADD" => Watched::Reaction,
            _ => return,
        };
        let Some(channel) = partial.channel_id else { return };
        let sighting = Sighting {
            what,
            channel,
            user: partial.author_id,
            // Of reactions in direct messages Discord doesn't say who is a bot: there is only this one.
            by_bot: partial.is_by_bot()
                || partial
                    .author_id
                    .is_some_and(|author| self.cache.bot_id() == Some(author)),
        };
        let waiting = self.watches.of(&sighting, Instant::now());
        if waiting.is_empty() {
            return;
        }
        let happening = match what {
            Watched::Message => {
                Message::decode(&event.payload).map(|message| Happening::Message(Box::new(message.into())))
            }
            _ => reaction::decode(&event.payload).map(|reaction| Happening::Reaction(Box::new(reaction))),
        };
        let happening = match happening {
            Ok(happening) => happening,
            Err(error) => {
                tracing::warn!(event = %partial.kind, %error, "something that is waited for can't be read");
                return;
            }
        };
        for (generation, watch) in waiting {
            if self.gatekeeper.is_off(generation.name(), partial.guild_id) {
                continue;
            }
            let occurrence = Occurrence {
                watch,
                what: happening.clone(),
            };
            if let Err(why) = generation.tell_occurrence(&occurrence, event.payload.as_bytes()) {
                self.note_undelivered(generation.name(), reason(why));
            }
        }
    }
}
