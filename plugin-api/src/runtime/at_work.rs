//! What of its author's a lane runs at this moment, published for whoever looks at it from outside, even while it blocks.
//!
//! One number, written by the lane alone when its author's code begins and ends: a count of steps, and which of the names
//! that it has met. Names are written down once; a look reads both without waiting for the lane.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering, fence},
    },
    time::{Duration, Instant},
};

use super::scope::Scope;

/// How many bits of the number are the name's.
const NAME_BITS: u32 = 20;

thread_local! {
    /// That of the lane whose thread this is.
    static LANE: RefCell<Option<Arc<AtWork>>> = const { RefCell::new(None) };
    static CURRENT: Cell<Label> = const { Cell::new(Label::NOTHING) };
}

/// What a piece of work is called: a place among the names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label(u32);

impl Label {
    const NOTHING: Self = Self(0);
    /// Work whose name nobody has said.
    const UNNAMED: Self = Self(1);

    /// A function of the author's: what it is, and its name.
    pub(crate) fn of(what: &'static str, name: &str) -> Self {
        Self::made(|names| names.named(what, name))
    }

    /// A task that was spawned there.
    pub(crate) fn spawned(place: &'static Location<'static>) -> Self {
        Self::made(|names| names.spawned(place))
    }

    /// That of whatever runs on this behalf, if nothing closer is known.
    pub(crate) fn within(scope: Scope) -> Self {
        match scope.name() {
            Some((what, name)) => Self::of(what, name),
            None => match CURRENT.try_with(Cell::get) {
                Ok(Self::NOTHING) | Err(_) => Self::UNNAMED,
                Ok(current) => current,
            },
        }
    }

    fn made(make: impl FnOnce(&mut Names) -> u32) -> Self {
        let made = LANE.try_with(|lane| lane.borrow().as_ref().map(|lane| Self(make(&mut lane.names()))));
        // A thread that is no lane has nothing to publish.
        made.ok().flatten().unwrap_or(Self::UNNAMED)
    }

    /// Publishes that this is at work on this thread, until the guard is dropped.
    pub(crate) fn enter(self) -> Working {
        let before = CURRENT.try_with(|current| current.replace(self)).unwrap_or(self);
        step(self);
        Working { before }
    }
}

/// Puts back what was at work before.
pub(crate) struct Working {
    before: Label,
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.before));
        step(self.before);
    }
}

fn step(label: Label) {
    let _ = LANE.try_with(|lane| {
        if let Some(lane) = &*lane.borrow() {
            let before = lane.now.load(Ordering::Relaxed);
            let steps = (before >> NAME_BITS).wrapping_add(1);
            if label != Label::NOTHING {
                let since = u64::try_from(lane.made.elapsed().as_micros()).unwrap_or(u64::MAX);
                lane.since.store(since, Ordering::Relaxed);
            }
            // Behind the time, so that who sees the step sees its time, or that of the next one, which is shorter.
            lane.now
                .store(steps << NAME_BITS | u64::from(label.0), Ordering::Release);
        }
    });
}

/// What a lane is at.
#[derive(Debug)]
pub(crate) struct AtWork {
    now: AtomicU64,
    /// When that began, in microseconds since it was made.
    since: AtomicU64,
    made: Instant,
    /// A lock of std: held for a look-up only, by the lane and by who looks at it.
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    named: HashMap<&'static str, HashMap<String, u32>>,
    spawned: HashMap<(&'static str, u32), u32>,
}

impl Names {
    fn named(&mut self, what: &'static str, name: &str) -> u32 {
        if let Some(known) = self.named.get(what).and_then(|named| named.get(name)) {
            return *known;
        }
        let number = self.add(format!("{what} `{name}`"));
        self.named.entry(what).or_default().insert(name.to_owned(), number);
        number
    }

    fn spawned(&mut self, place: &'static Location<'static>) -> u32 {
        let key = (place.file(), place.line());
        if let Some(known) = self.spawned.get(&key) {
            return *known;
        }
        let number = self.add(format!("the task spawned at {}:{}", place.file(), place.line()));
        self.spawned.insert(key, number);
        number
    }

    /// The place of a new name; beyond a million of them, none has a name.
    fn add(&mut self, name: String) -> u32 {
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX).saturating_add(2);
        if number >> NAME_BITS != 0 {
            return Label::UNNAMED.0;
        }
        self.all.push(name);
        number
    }
}

impl Default for AtWork {
    fn default() -> Self {
        Self {
            now: AtomicU64::new(0),
            since: AtomicU64::new(0),
            made: Instant::now(),
            names: Mutex::default(),
        }
    }
}

/// What was seen of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How many steps there were.
    pub(crate) steps: u64,
    /// What is at work, and for how long.
    pub(crate) at: Option<(String, Duration)>,
}

impl AtWork {
    /// This thread is the lane's, until the guard is dropped.
    pub(crate) fn serve(self: &Arc<Self>) -> Serves {
        LANE.with(|lane| lane.replace(Some(Arc::clone(self))));
        Serves
    }

    /// How many steps there were, and what is at work.
    pub(crate) fn now(&self) -> Seen {
        let (now, since) = loop {
            let now = self.now.load(Ordering::Acquire);
            let since = self.since.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if self.now.load(Ordering::Relaxed) == now {
                break (now, since);
            }
        };
        let label = u32::try_from(now & ((1 << NAME_BITS) - 1)).unwrap_or(0);
        let name = match Label(label) {
            Label::NOTHING => None,
            Label::UNNAMED => Some("a task of its own".to_owned()),
            Label(number) => self.names().all.get(number as usize - 2).cloned(),
        };
        let lasted = self.made.elapsed().saturating_sub(Duration::from_micros(since));
        Seen {
            steps: now >> NAME_BITS,
            at: name.map(|name| (name, lasted)),
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends it that a thread is a lane's.
pub(crate) struct Serves;

impl Drop for Serves {
    fn drop(&mut self) {
        let _ = LANE.try_with(std::cell::RefCell::take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lane: &AtWork) -> (u64, Option<String>) {
        let Seen { steps, at } = lane.now();
        (steps, at.map(|(name, _)| name))
    }

    #[test]
    fn what_is_at_work_is_seen_with_its_name_and_as_one_step() {
        let lane = Arc::new(AtWork::default());
        let _serves = lane.serve();
        assert_eq!(seen(&lane), (0, None));
        let (ban, warn) = (Label::of("the command", "ban"), Label::of("the command", "warn"));
        assert_eq!(ban, Label::of("the command", "ban"));
        assert_ne!(ban, warn);
        {
            let _ban = ban.enter();
            let (steps, name) = seen(&lane);
            assert_eq!((steps, name.as_deref()), (1, Some("the command `ban`")));
            assert_eq!(seen(&lane).0, steps, "nothing has changed meanwhile");
            {
                let inner = Label::within(Scope::None);
                assert_eq!(inner, ban, "whoever it calls is part of it");
                let _warn = Label::spawned(Location::caller()).enter();
                let name = seen(&lane).1.unwrap_or_default();
                assert!(
                    name.starts_with("the task spawned at ") && name.contains("at_work.rs:"),
                    "{name}"
                );
            }
            assert_eq!(seen(&lane), (3, Some("the command `ban`".to_owned())));
        }
        assert_eq!(seen(&lane), (4, None));
        let _some = Label::within(Scope::None).enter();
        assert_eq!(seen(&lane).1.as_deref(), Some("a task of its own"));
        let _event = Label::within(Scope::Event("READY", 1)).enter();
        assert_eq!(seen(&lane).1.as_deref(), Some("a handler of `READY`"));
    }

    #[test]
    fn a_step_has_lasted_since_its_own_beginning() {
        let lane = Arc::new(AtWork::default());
        let _serves = lane.serve();
        let lasted = || lane.now().at.map(|(_, lasted)| lasted);
        assert_eq!(lasted(), None);
        let before = Instant::now();
        let _ban = Label::of("the command", "ban").enter();
        let first = lasted().expect("it is at work");
        // It counts in whole microseconds.
        let whole = Duration::from_micros(1);
        assert!(first <= before.elapsed() + whole);
        while lasted() == Some(first) {}
        let second = lasted().expect("it is at work");
        assert!(
            first < second && second <= before.elapsed() + whole,
            "{first:?} {second:?}"
        );
        drop(Label::of("the command", "warn").enter());
        let again = Instant::now();
        assert!(
            lasted() <= Some(again.elapsed() + (again - before) + whole),
            "what it went back to begins anew"
        );
    }

    #[test]
    fn other_threads_publish_nothing() {
        let lane = Arc::new(AtWork::default());
        let _working = Label::of("the command", "ban").enter();
        assert_eq!(seen(&lane), (0, None));
    }
}
