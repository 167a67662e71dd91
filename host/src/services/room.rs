//! How many calls of one plugin may be under way at another one: those that have begun and those that wait until it is
//! replaced, also where nobody waits for their end any more. So one plugin does not take the whole queue of another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use plugin_protocol::{PluginName, ServiceFailure};

/// How many calls of one plugin may be under way at one other: a sixteenth of what a lane's queue takes.
pub const MAX_CALLS: usize = 512;

/// Counts the calls by who calls and who is called. Clones are the same. A lock of std: held for a look-up only.
#[derive(Clone, Debug, Default)]
pub struct Rooms(Arc<Mutex<HashMap<(PluginName, PluginName), usize>>>);

/// Counts one call as under way, until it is dropped.
#[derive(Debug)]
pub struct Room {
    rooms: Rooms,
    pair: (PluginName, PluginName),
}

impl Rooms {
    /// Takes room for a call.
    ///
    /// # Errors
    ///
    /// Too many are under way.
    pub fn take(&self, caller: &PluginName, callee: &PluginName) -> Result<Room, ServiceFailure> {
        let pair = (caller.clone(), callee.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = all.entry(pair.clone()).or_default();
        if *under_way >= MAX_CALLS {
            let text = format!("{MAX_CALLS} calls of this plugin are under way at that one");
            return Err(ServiceFailure::Busy { text });
        }
        *under_way += 1;
        drop(all);
        let rooms = self.clone();
        Ok(Room { rooms, pair })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut all = self.rooms.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = all.get_mut(&self.pair) {
            *under_way -= 1;
            if *under_way == 0 {
                all.remove(&self.pair);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plugin_has_so_many_calls_at_one_other_and_no_more() {
        let [shop, bazaar, economy, levels] =
            ["shop", "bazaar", "economy", "levels"].map(|name| name.parse::<PluginName>().expect("a name"));
        let rooms = Rooms::default();
        let taken: Vec<_> = (0..MAX_CALLS).map(|_| rooms.take(&shop, &economy).unwrap()).collect();
        assert!(matches!(rooms.take(&shop, &economy), Err(ServiceFailure::Busy { .. })));
        assert!(rooms.take(&shop, &levels).is_ok(), "another one has room");
        assert!(rooms.take(&bazaar, &economy).is_ok(), "others have theirs");
        drop(taken);
        assert!(rooms.take(&shop, &economy).is_ok());
        assert!(rooms.0.lock().unwrap().is_empty(), "nothing is kept of what has ended");
    }
}
