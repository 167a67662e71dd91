//! Who hears of changes of what servers set: each server once until it is read, however often it changes.
//!
//! Apart from the values, which lie where they are read; a follower holds nothing but ids, so nothing grows unread.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    rc::{Rc, Weak},
};

use plugin_protocol::GuildId;
use tokio::sync::Notify;

/// Servers whose settings have changed and were not read yet.
#[derive(Default)]
pub(super) struct Changed {
    guilds: RefCell<BTreeSet<GuildId>>,
    more: Notify,
}

impl Changed {
    pub(super) fn tell(&self, guilds: &[GuildId]) {
        self.guilds.borrow_mut().extend(guilds);
        if !guilds.is_empty() {
            self.more.notify_one();
        }
    }
}

/// Changes of what servers set, as [`Host::settings_changes`](crate::Host::settings_changes) makes it.
#[derive(Default)]
pub struct SettingsChanges(Rc<Changed>);

impl SettingsChanges {
    pub(super) fn weak(&self) -> Weak<Changed> {
        Rc::downgrade(&self.0)
    }

    /// Waits for the next server whose settings are others than before: by its administrators, by this plugin, or since a
    /// backup was restored. Changes that follow one another fast come as one.
    ///
    /// Cancel safe: a change that was waited for in vain comes the next time.
    pub async fn changed(&mut self) -> GuildId {
        loop {
            let next = self.0.guilds.borrow_mut().pop_first();
            if let Some(guild) = next {
                return guild;
            }
            self.0.more.notified().await;
        }
    }
}

impl fmt::Debug for SettingsChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsChanges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::GuildValues;
    use super::*;

    #[tokio::test]
    async fn each_change_is_heard_of_once_and_what_is_the_same_is_none() {
        let values = GuildValues::default();
        let [one, two] = [1, 2].map(|id| GuildId::new(id).expect("an id"));
        let set = |limit: u32| json!({ "limit": limit }).as_object().cloned().unwrap_or_default();
        values.tell([(one, set(1))].into(), true);
        let mut changes = values.follow();
        values.tell([(one, set(1))].into(), false);
        values.tell([(two, set(2))].into(), false);
        values.tell([(two, set(3))].into(), false);
        assert_eq!(changes.changed().await, two, "of the other nothing has changed");
        // All of it is told anew: one has set nothing any more.
        values.tell([(two, set(3))].into(), true);
        assert_eq!(changes.changed().await, one);
        assert!(changes.0.guilds.borrow().is_empty());
        drop(changes);
        values.tell([(one, set(4))].into(), false);
        assert!(values.followers.borrow().is_empty(), "nobody hears of it any more");
    }
}
