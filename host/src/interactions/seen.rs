//! Which interactions have come already: what Discord sends twice is done once.
//!
//! Events that a resumed session repeats are passed over by their numbers; this is for an interaction that comes as
//! another event, or in another session.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use plugin_protocol::InteractionId;

/// How many are remembered: those of 3 seconds, in which an interaction must be answered, at more than a thousand a second.
const MOST: usize = 4096;

/// The interactions that came last.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    all: HashSet<InteractionId>,
    /// The oldest first.
    order: VecDeque<InteractionId>,
}

impl Seen {
    /// Whether it comes for the first time, as far as is remembered. From now on it does not.
    pub fn is_new(&self, id: InteractionId) -> bool {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.all.insert(id) {
            return false;
        }
        ids.order.push_back(id);
        if ids.order.len() > MOST
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.all.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_known_until_many_others_have_come() {
        let seen = Seen::default();
        let id = |number: u64| InteractionId::new(number).expect("not 0");
        assert!(seen.is_new(id(1)));
        assert!(!seen.is_new(id(1)));
        for number in 2..=MOST as u64 + 1 {
            assert!(seen.is_new(id(number)));
        }
        assert!(seen.is_new(id(1)), "forgotten");
        assert!(!seen.is_new(id(MOST as u64 + 1)));
        assert_eq!(seen.0.lock().expect("sound").all.len(), MOST);
    }
}
