//! Work side by side by channel: one at a time in each, so many at a time in all.
//!
//! Pure. Discord takes requests of one channel one after the other; a channel in which there is much to do, or in which
//! Discord is slow, keeps no other waiting.

use std::collections::{HashMap, VecDeque};

use plugin_protocol::ChannelId;

/// What waits for its turn, by channel.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    /// How many may be under way.
    most: usize,
    running: usize,
    /// What waits, of channels in which something is under way or waits.
    waiting: HashMap<ChannelId, VecDeque<T>>,
    /// The channels whose turn comes, in order.
    turns: VecDeque<ChannelId>,
}

impl<T> Lanes<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            running: 0,
            waiting: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// Something to be done; what can begin now comes out of [`next`](Self::next).
    pub(super) fn add(&mut self, channel: ChannelId, work: T) {
        let is_idle = !self.waiting.contains_key(&channel);
        self.waiting.entry(channel).or_default().push_back(work);
        if is_idle {
            self.turns.push_back(channel);
        }
    }

    /// What begins now, if anything may.
    pub(super) fn next(&mut self) -> Option<(ChannelId, T)> {
        if self.running >= self.most {
            return None;
        }
        let channel = self.turns.pop_front()?;
        let work = self.waiting.get_mut(&channel)?.pop_front()?;
        self.running += 1;
        Some((channel, work))
    }

    /// What was under way in a channel has ended.
    pub(super) fn ended(&mut self, channel: ChannelId) {
        self.running -= 1;
        if self.waiting.get(&channel).is_some_and(VecDeque::is_empty) {
            self.waiting.remove(&channel);
        } else {
            self.turns.push_back(channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn one_at_a_time_in_a_channel_so_many_in_all_and_everything_in_order(
            steps in prop::collection::vec((1_u64..6, any::<bool>()), 0..80),
        ) {
            let mut lanes = Lanes::new(3);
            let (mut running, mut done) = (Vec::new(), Vec::new());
            for (number, (channel, ends)) in steps.iter().enumerate() {
                lanes.add(ChannelId::new(*channel).unwrap(), number);
                loop {
                    running.extend(lanes.next());
                    let channels: BTreeSet<_> = running.iter().map(|(channel, _)| *channel).collect();
                    prop_assert!(channels.len() == running.len() && running.len() <= 3);
                    if !ends || running.is_empty() {
                        break;
                    }
                    let (channel, number) = running.remove(0);
                    lanes.ended(channel);
                    done.push((channel, number));
                }
            }
            loop {
                while let Some(next) = lanes.next() {
                    running.push(next);
                }
                let Some((channel, number)) = running.pop() else { break };
                lanes.ended(channel);
                done.push((channel, number));
            }
            prop_assert_eq!(done.len(), steps.len());
            for channel in 1..6 {
                let of = done.iter().filter(|(other, _)| other.get() == channel).map(|(_, number)| number);
                prop_assert!(of.is_sorted());
            }
            prop_assert!(lanes.waiting.is_empty() && lanes.turns.is_empty() && lanes.running == 0);
        }
    }
}
