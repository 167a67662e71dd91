//! What waits of a plugin's events while it is slow: bounded by bytes, in order, with the plugin's own word on what is
//! dropped then.
//!
//! Pure: `generation/events` hands over what this lets through. A lane has a few events at a time that it has not begun,
//! so that what can still be dropped waits here and not there; what it has begun and not ended is bounded, too, and what
//! waits there for its turn counts like what waits here. Commands and clicks don't come this way.

use std::{collections::VecDeque, time::Instant};

use plugin_protocol::{EventQueue, Overflow, lane::EventFigures};

/// How many events a lane has that it has not begun: enough that it never waits for the next one, and few, for a command
/// that comes then waits for the first step of each.
const UNBEGUN: usize = 16;
/// And how many bytes of them, unless it is one alone.
const UNBEGUN_BYTES: usize = 256 << 10;
/// How many events a lane has that have not come to their end.
const UNENDED: usize = 4096;
/// And how many bytes of them, unless it is one alone.
const UNENDED_BYTES: usize = 32 << 20;
/// What an event takes beside its bytes.
const OVERHEAD: usize = 64;

/// How far an event has come that the lane was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits in the lane's queue.
    Unbegun,
    /// All handlers that it still has wait for their turn.
    Parked,
    /// A handler of it has begun.
    Begun,
}

/// A plugin's events between the shards and its lane.
#[derive(Debug)]
pub struct Waiting<T> {
    room: EventQueue,
    /// Whether the lane says what it has begun; of others every event counts as not begun until its end.
    tells_begun: bool,
    items: VecDeque<Item<T>>,
    bytes: usize,
    unbegun: Load,
    parked: Load,
    unended: Load,
    delivered: u64,
    dropped: u64,
    /// How many of them somebody was told of.
    dropped_told: u64,
    is_over: bool,
}

#[derive(Debug)]
struct Item<T> {
    what: T,
    bytes: usize,
    since: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    count: usize,
    bytes: usize,
}

impl Load {
    const fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
    }

    const fn take(&mut self, bytes: usize) {
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    const fn weight(&self) -> usize {
        self.bytes + self.count * OVERHEAD
    }

    const fn has_room(&self, bytes: usize, most: usize, most_bytes: usize) -> bool {
        self.count == 0 || (self.count < most && self.bytes + bytes <= most_bytes)
    }
}

impl<T> Waiting<T> {
    /// Nothing waits yet.
    #[must_use]
    pub fn new(room: EventQueue, tells_begun: bool) -> Self {
        Self {
            room: room.bounded(),
            tells_begun,
            items: VecDeque::new(),
            bytes: 0,
            unbegun: Load::default(),
            parked: Load::default(),
            unended: Load::default(),
            delivered: 0,
            dropped: 0,
            dropped_told: 0,
            is_over: false,
        }
    }

    /// Whether an event that has come is to be handed over at once; it counts as handed over then.
    pub fn passes(&mut self, bytes: usize) -> bool {
        let passes = !self.is_over && self.items.is_empty() && self.lane_takes(bytes);
        if passes {
            self.note_delivered(bytes);
        }
        passes
    }

    /// Lets an event wait that does not pass, which is made only then. Answers with what was dropped for it.
    pub fn push(&mut self, bytes: usize, now: Instant, make: impl FnOnce() -> T) -> Vec<T> {
        let most = self.most().saturating_sub(self.parked.weight()).max(self.most() / 2);
        let weight = bytes + OVERHEAD;
        let is_full = self.bytes + weight > most;
        if self.is_over || weight > most || (is_full && self.room.overflow == Overflow::DropNewest) {
            self.dropped += 1;
            return Vec::new();
        }
        let mut dropped = Vec::new();
        while self.bytes + weight > most
            && let Some(oldest) = self.items.pop_front()
        {
            self.bytes -= oldest.bytes + OVERHEAD;
            self.dropped += 1;
            dropped.push(oldest.what);
        }
        self.bytes += weight;
        self.items.push_back(Item {
            what: make(),
            bytes,
            since: now,
        });
        dropped
    }

    /// The next one that the lane may be handed now, with its bytes.
    pub fn next(&mut self) -> Option<(T, usize, Instant)> {
        let bytes = self.items.front()?.bytes;
        if !self.lane_takes(bytes) {
            return None;
        }
        let item = self.items.pop_front()?;
        self.bytes -= item.bytes + OVERHEAD;
        self.note_delivered(item.bytes);
        Some((item.what, item.bytes, item.since))
    }

    /// An event of so many bytes has come further in the lane.
    pub fn came(&mut self, bytes: usize, from: Stage, to: Stage) {
        if let Some(load) = self.load(from) {
            load.take(bytes);
        }
        if let Some(load) = self.load(to) {
            load.add(bytes);
        }
    }

    /// An event of so many bytes has come to its end.
    pub fn ended(&mut self, bytes: usize, stage: Stage) {
        if let Some(load) = self.load(stage) {
            load.take(bytes);
        }
        self.unended.take(bytes);
    }

    /// One that was handed over is refused by a lane that ends.
    pub fn undelivered(&mut self, bytes: usize) {
        self.ended(bytes, Stage::Unbegun);
        self.delivered -= 1;
        self.dropped += 1;
    }

    /// One that was to be handed over could not be, for the lane's queue is full of other things: it is the next one again.
    pub fn put_back(&mut self, what: T, bytes: usize, since: Instant) {
        self.ended(bytes, Stage::Unbegun);
        self.delivered -= 1;
        self.bytes += bytes + OVERHEAD;
        self.items.push_front(Item { what, bytes, since });
    }

    /// One could not be passed on.
    pub fn lost(&mut self) {
        self.dropped += 1;
    }

    /// All that waits, in order, for somebody else: with its bytes, and since when it waits.
    pub fn take_all(&mut self) -> Vec<(T, usize, Instant)> {
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        items
            .into_iter()
            .map(|item| (item.what, item.bytes, item.since))
            .collect()
    }

    /// Ends it, since there is no lane any more: all that waits, which counts as dropped.
    pub fn end(&mut self) -> Vec<T> {
        self.is_over = true;
        self.dropped += self.items.len() as u64;
        self.bytes = 0;
        std::mem::take(&mut self.items)
            .into_iter()
            .map(|item| item.what)
            .collect()
    }

    /// How many of what the lane was handed have not come to their end, and how many wait.
    pub fn under_way(&self) -> usize {
        self.unended.count + self.items.len()
    }

    /// How many were dropped that nobody was told of; they count as told from now on.
    pub fn take_untold(&mut self) -> u64 {
        let untold = self.dropped - self.dropped_told;
        self.dropped_told = self.dropped;
        untold
    }

    /// What became of all that came.
    pub fn figures(&self, now: Instant) -> EventFigures {
        let oldest = self.items.front().map(|item| now.saturating_duration_since(item.since));
        EventFigures {
            delivered: self.delivered,
            dropped: self.dropped,
            waiting: self.items.len() as u64,
            waiting_bytes: self.bytes as u64,
            oldest_millis: oldest.map(|oldest| u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// How many bytes may wait.
    fn most(&self) -> usize {
        usize::try_from(self.room.bytes).unwrap_or(usize::MAX)
    }

    fn load(&mut self, stage: Stage) -> Option<&mut Load> {
        match stage {
            Stage::Unbegun => Some(&mut self.unbegun),
            Stage::Parked => Some(&mut self.parked),
            Stage::Begun => None,
        }
    }

    fn lane_takes(&self, bytes: usize) -> bool {
        let (unbegun, unbegun_bytes) = if self.tells_begun {
            (UNBEGUN, UNBEGUN_BYTES)
        } else {
            (UNENDED, UNENDED_BYTES)
        };
        // Half of the room is left for what waits here, of which the oldest can still make room.
        let parks = self.parked.count == 0 || self.parked.weight() + bytes + OVERHEAD <= self.most() / 2;
        parks
            && self.unbegun.has_room(bytes, unbegun, unbegun_bytes)
            && self.unended.has_room(bytes, UNENDED, UNENDED_BYTES)
    }

    fn note_delivered(&mut self, bytes: usize) {
        self.delivered += 1;
        self.unbegun.add(bytes);
        self.unended.add(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn queue(bytes: u64, overflow: Overflow) -> Waiting<u32> {
        Waiting::new(EventQueue { bytes, overflow }, true)
    }

    /// Offers events of 192 bytes, which weigh 256: what was dropped for them.
    fn offer(queue: &mut Waiting<u32>, numbers: std::ops::Range<u32>) -> Vec<u32> {
        let mut dropped = Vec::new();
        for number in numbers {
            if !queue.passes(192) {
                dropped.extend(queue.push(192, Instant::now(), || number));
            }
        }
        dropped
    }

    fn rest(queue: &mut Waiting<u32>) -> Vec<u32> {
        let mut rest = Vec::new();
        loop {
            while let Some((number, ..)) = queue.next() {
                rest.push(number);
            }
            if queue.unended.count == 0 {
                return rest;
            }
            queue.ended(192, Stage::Unbegun);
        }
    }

    #[test]
    fn the_policy_says_which_end_is_dropped() {
        // 16 are handed over, four have room.
        for (overflow, kept) in [(Overflow::DropOldest, 22..26), (Overflow::DropNewest, 16..20)] {
            let mut queue = queue(1024, overflow);
            let dropped = offer(&mut queue, 0..26);
            let oldest: Vec<_> = if kept.start == 22 {
                (16..22).collect()
            } else {
                Vec::new()
            };
            assert_eq!(dropped, oldest);
            let figures = queue.figures(Instant::now());
            assert_eq!((figures.delivered, figures.dropped, figures.waiting), (16, 6, 4));
            assert_eq!(figures.waiting_bytes, 1024);
            assert_eq!((queue.take_untold(), queue.take_untold()), (6, 0));
            assert_eq!(rest(&mut queue), kept.collect::<Vec<_>>());
            assert_eq!(queue.figures(Instant::now()).oldest_millis, None);
        }
    }

    #[test]
    fn what_has_begun_makes_room_for_the_next_and_is_bounded_too() {
        let mut queue = queue(8 << 20, Overflow::DropOldest);
        offer(&mut queue, 0..5000);
        let mut handed = UNBEGUN;
        while queue.unbegun.count > 0 {
            queue.came(192, Stage::Unbegun, Stage::Begun);
            handed += usize::from(queue.next().is_some());
        }
        assert_eq!(handed, UNENDED, "each of them waits for something");
        queue.ended(192, Stage::Begun);
        assert_eq!(queue.next().map(|(number, ..)| number), Some(4096));
        assert!(queue.next().is_none());
    }

    #[test]
    fn what_waits_for_its_turn_counts_like_what_waits_here() {
        for (overflow, handed) in [(Overflow::DropOldest, 98..100), (Overflow::DropNewest, 16..18)] {
            // Of 256 bytes each there is room for four.
            let mut queue = queue(1024, overflow);
            assert!(offer(&mut queue, 0..16).is_empty());
            for _ in 0..2 {
                queue.came(192, Stage::Unbegun, Stage::Parked);
            }
            let waiting = |queue: &Waiting<u32>| queue.items.iter().map(|item| item.what).collect::<Vec<_>>();
            offer(&mut queue, 16..100);
            assert!(queue.next().is_none(), "half of the room waits in the lane");
            assert_eq!(waiting(&queue), handed.collect::<Vec<_>>());
            queue.came(192, Stage::Parked, Stage::Begun);
            assert!(queue.next().is_some(), "one has its turn");
        }
    }

    #[test]
    fn what_could_not_be_handed_over_is_the_next_one_again() {
        let mut queue = queue(1024, Overflow::DropOldest);
        offer(&mut queue, 0..18);
        queue.ended(192, Stage::Unbegun);
        let (number, bytes, since) = queue.next().unwrap();
        queue.put_back(number, bytes, since);
        assert_eq!(queue.next().map(|(number, ..)| number), Some(16));
        assert_eq!(queue.figures(Instant::now()).delivered, 17);
        let left: Vec<_> = queue.take_all().into_iter().map(|(number, ..)| number).collect();
        assert_eq!(left, [17]);
        assert_eq!(queue.figures(Instant::now()).dropped, 0);
    }

    #[test]
    fn a_large_event_passes_alone_and_one_that_never_fits_drops_no_other() {
        let mut queue = queue(1024, Overflow::DropOldest);
        let now = Instant::now();
        assert!(queue.passes(64 << 20) && !queue.passes(192));
        assert!(queue.push(192, now, || 1).is_empty());
        assert!(queue.push(4096, now, || 2).is_empty());
        assert_eq!(queue.figures(now).dropped, 1);
        queue.ended(64 << 20, Stage::Unbegun);
        assert_eq!(queue.next().map(|(number, ..)| number), Some(1));
    }

    #[test]
    fn a_lane_that_does_not_tell_what_it_has_begun_is_handed_more() {
        let mut queue = Waiting::new(EventQueue::default(), false);
        offer(&mut queue, 0..4097);
        assert_eq!(queue.figures(Instant::now()).delivered, 4096);
        assert_eq!(queue.end(), [4096]);
        queue.push(192, Instant::now(), || 0);
        assert_eq!(
            queue.figures(Instant::now()).dropped,
            2,
            "nothing waits for a lane that has ended"
        );
    }

    proptest! {
        /// Whatever comes and ends: order is kept, nothing comes twice, and what came is handed over, dropped or waits.
        #[test]
        fn nothing_is_lost_or_turned_around(
            steps in prop::collection::vec((0_u8..6, 1_usize..600), 1..400),
            bytes in 1024_u64..8192,
            newest in any::<bool>(),
            tells_begun in any::<bool>(),
        ) {
            let overflow = if newest { Overflow::DropNewest } else { Overflow::DropOldest };
            let mut queue = Waiting::new(EventQueue { bytes, overflow }, tells_begun);
            let (mut came, mut handed, now) = (0_u64, Vec::new(), Instant::now());
            let mut at_lane: VecDeque<(usize, Stage)> = VecDeque::new();
            for (step, size) in steps {
                match step {
                    0 | 1 => {
                        if queue.passes(size) {
                            handed.push(came);
                            at_lane.push_back((size, Stage::Unbegun));
                        } else {
                            queue.push(size, now, || (came, size));
                        }
                        came += 1;
                    }
                    2 | 3 if tells_begun => {
                        let (from, to) = match (step, size % 2) {
                            (2, 0) => (Stage::Unbegun, Stage::Parked),
                            (2, _) => (Stage::Unbegun, Stage::Begun),
                            _ => (Stage::Parked, Stage::Begun),
                        };
                        if let Some(event) = at_lane.iter_mut().find(|event| event.1 == from) {
                            event.1 = to;
                            queue.came(event.0, from, to);
                        }
                    }
                    4 => if let Some((what, size, since)) = queue.next() {
                        queue.put_back(what, size, since);
                    }
                    _ => if let Some((size, stage)) = at_lane.pop_front() {
                        queue.ended(size, stage);
                    }
                }
                while let Some(((number, size), weighed, _)) = queue.next() {
                    prop_assert_eq!(size, weighed);
                    handed.push(number);
                    at_lane.push_back((size, Stage::Unbegun));
                }
                let figures = queue.figures(now);
                // What a lane was handed may all come to wait for its turn.
                prop_assert!(figures.waiting_bytes <= bytes);
                prop_assert!(queue.parked.weight() <= (bytes / 2) as usize + UNBEGUN * (600 + OVERHEAD));
                prop_assert_eq!(figures.delivered + figures.dropped + figures.waiting, came);
                prop_assert_eq!(figures.delivered, handed.len() as u64);
            }
            prop_assert!(handed.is_sorted_by(|one, next| one < next), "{handed:?}");
        }
    }
}
