//! What people do with scheduled events: they say that they are interested, or no longer are. Events themselves are planned by
//! the bot, by REST.

use super::Person;

impl Person {
    /// Says that this person is interested in a scheduled event; the bot hears of it with the intent
    /// `GUILD_SCHEDULED_EVENTS`. Gives whether that is new.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn takes_interest_in(&self, event: u64) -> bool {
        self.sandbox().with(|world| world.set_interest(event, self.id(), true))
    }

    /// Takes it back; gives whether this person was interested.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn loses_interest_in(&self, event: u64) -> bool {
        self.sandbox().with(|world| world.set_interest(event, self.id(), false))
    }
}
