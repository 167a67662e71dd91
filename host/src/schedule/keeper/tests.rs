//! The task over a database, with a clock that is moved: what survives what, and how often things run.
//!
//! Who runs things is a stand that notes them; a bot that is killed is a task that is dropped.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicUsize;

use plugin_protocol::{MissedRuns, Outcome, TimerRule, Verdict, WhichTimer};

use super::*;
use crate::{schedule::Strain, storage::database::Synchronous};

const HOUR: u64 = 3_600_000;
/// A day in 2026.
const START: u64 = 1_790_000_000_000;

/// A stage that notes what it is to begin.
#[derive(Clone, Default)]
struct Stand(Arc<Inside>);

#[derive(Default)]
struct Inside {
    plugins: Mutex<Vec<(PluginName, Vec<TimerFunction>)>>,
    begun: Mutex<Vec<(TimerRun, String)>>,
    told: Mutex<Vec<Told>>,
    is_busy: AtomicBool,
    refused: AtomicUsize,
    more: Notify,
}

impl Stage for Stand {
    fn plugins(&self) -> Vec<(PluginName, Vec<TimerFunction>)> {
        self.0.plugins.lock().unwrap().clone()
    }

    fn begin(&self, _plugin: &PluginName, run: &TimerRun, payload: String) -> Began {
        if self.0.is_busy.load(Ordering::SeqCst) {
            self.0.refused.fetch_add(1, Ordering::SeqCst);
            self.0.more.notify_waiters();
            return Began::NotNow;
        }
        self.0.begun.lock().unwrap().push((run.clone(), payload));
        self.0.more.notify_waiters();
        Began::Yes
    }

    fn tell(&self, told: Told) {
        self.0.told.lock().unwrap().push(told);
        self.0.more.notify_waiters();
    }
}

impl Stand {
    fn with(functions: Vec<TimerFunction>) -> Self {
        let stand = Self::default();
        stand.0.plugins.lock().unwrap().push((plugin(), functions));
        stand
    }

    /// Waits for the next run, while nothing else has to happen.
    async fn next(&self) -> (TimerRun, String) {
        self.until(|inside| {
            let mut begun = inside.begun.lock().unwrap();
            (!begun.is_empty()).then(|| begun.remove(0))
        })
        .await
    }

    async fn until<T>(&self, mut look: impl FnMut(&Inside) -> Option<T>) -> T {
        loop {
            let more = self.0.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            if let Some(found) = look(&self.0) {
                return found;
            }
            more.await;
        }
    }
}

fn plugin() -> PluginName {
    "levels".parse().unwrap()
}

fn function(name: &str, rule: Option<TimerRule>) -> TimerFunction {
    TimerFunction {
        name: name.to_owned(),
        rule,
        missed: MissedRuns::RunLate,
    }
}

fn remind() -> Vec<TimerFunction> {
    vec![function("remind", None)]
}

fn hourly() -> Vec<TimerFunction> {
    vec![function("decay", Some(TimerRule::Every { ms: HOUR }))]
}

fn done() -> Outcome {
    Outcome::default()
}

/// A folder whose database several runs of the bot open, one after the other.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self, now: u64) -> (Tables, Schedule) {
        let tables = Tables::open(&self.0.path().join("bot.db"), Synchronous::Normal)
            .await
            .unwrap();
        let schedule = Schedule::open(tables.clone(), Clock::at(now)).await.unwrap();
        (tables, schedule)
    }
}

async fn set(schedule: &Schedule, timer: SetTimer, payload: &str) -> Result<TimerId, Problem> {
    let timer = SetTimer {
        name: "remind".to_owned(),
        ..timer
    };
    let answer = schedule
        .answer(&plugin(), &remind(), TimerRequest::Set(timer), payload.as_bytes())
        .await?;
    match answer {
        TimerAnswer::Set(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

fn at(due_ms: u64) -> SetTimer {
    SetTimer {
        due_ms,
        ..SetTimer::default()
    }
}

async fn pending(schedule: &Schedule) -> Vec<(u64, String)> {
    let asked = TimerRequest::List {
        name: "remind".to_owned(),
        user: None,
        guild: None,
        after: TimerId::default(),
    };
    let TimerAnswer::List { timers, more: false } = schedule.answer(&plugin(), &remind(), asked, &[]).await.unwrap()
    else {
        panic!("a list")
    };
    timers
        .iter()
        .map(|timer| (timer.id.0, timer.payload.get().to_owned()))
        .collect()
}

#[tokio::test]
async fn a_timer_that_was_set_survives_a_kill_and_runs_once() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START + HOUR), r#"{"text":"tea"}"#).await.unwrap();
    // Killed: nothing is written any more.
    tables.close().await;

    let (tables, schedule) = house.open(START + 5 * HOUR).await;
    let stand = Stand::with(remind());
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    let (run, payload) = stand.next().await;
    assert_eq!((run.id, run.due_ms, &*payload), (id, START + HOUR, r#"{"text":"tea"}"#));
    // Killed while it ran: it is begun again, since nobody knows how far it came.
    keeping.abort();
    tables.close().await;

    let (tables, schedule) = house.open(START + 5 * HOUR).await;
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    assert_eq!(stand.next().await.0.id, id);
    schedule.ended(id.0, &done());
    schedule.write().await.unwrap();
    keeping.abort();
    tables.close().await;

    let (tables, schedule) = house.open(START + 6 * HOUR).await;
    assert_eq!(schedule.list(None, "", 0, 10).total, 0, "it is over");
    tables.close().await;
}

#[tokio::test]
async fn what_kills_the_bot_each_time_is_not_begun_for_ever() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START), "1").await.unwrap();
    tables.close().await;
    for _ in 0..3 {
        let (tables, schedule) = house.open(START).await;
        let stand = Stand::with(remind());
        let keeping = tokio::spawn(schedule.keep(stand.clone()));
        assert_eq!(stand.next().await.0.id, id);
        keeping.abort();
        tables.close().await;
    }
    let (tables, schedule) = house.open(START).await;
    let stand = Stand::with(remind());
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    // Another one shows that this one would have begun before.
    let other = set(&schedule, at(START), "2").await.unwrap();
    assert_eq!(stand.next().await.0.id, other);
    let told = stand.until(|inside| inside.told.lock().unwrap().pop()).await;
    assert!(
        matches!(told, Told::Paused { id: paused, .. } if paused == id.0),
        "{told:?}"
    );
    schedule.write().await.unwrap();
    keeping.abort();
    assert_eq!(
        schedule.list(None, "", 0, 10).timers[0].state,
        plugin_protocol::TimerState::Paused
    );
    tables.close().await;
}

#[tokio::test]
async fn a_rule_goes_on_where_it_was_and_makes_up_for_what_was_missed() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let stand = Stand::with(hourly());
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    // Known once it is written down; then the bot is gone for a night.
    let mut known = schedule.list(None, "", 0, 10);
    while known.total == 0 {
        tokio::task::yield_now().await;
        known = schedule.list(None, "", 0, 10);
    }
    assert!(known.timers[0].next_ms >= START + HOUR);
    let due = known.timers[0].next_ms;
    keeping.abort();
    tables.close().await;

    let (tables, schedule) = house.open(START + 9 * HOUR + HOUR / 2).await;
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    let (run, _) = stand.next().await;
    assert_eq!((run.due_ms, run.missed), (due, 8));
    schedule.ended(run.id.0, &done());
    schedule.write().await.unwrap();
    keeping.abort();
    tables.close().await;

    let (tables, schedule) = house.open(START + 9 * HOUR + HOUR / 2).await;
    let timer = &schedule.list(None, "", 0, 10).timers[0];
    assert_eq!((timer.next_ms, timer.runs, timer.missed), (due + 9 * HOUR, 1, 8));
    tables.close().await;
}

#[tokio::test]
async fn timers_are_replaced_by_key_listed_and_cancelled() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let keyed = |due| SetTimer {
        key: Some("poll".to_owned()),
        ..at(due)
    };
    let first = set(&schedule, keyed(START + HOUR), "1").await.unwrap();
    let second = set(&schedule, keyed(START + 2 * HOUR), "2").await.unwrap();
    let other = set(&schedule, at(START + HOUR), "3").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(
        pending(&schedule).await,
        [(second.0, "2".to_owned()), (other.0, "3".to_owned())]
    );
    for (which, was_there) in [
        (WhichTimer::Id(first), false),
        (WhichTimer::Key("poll".to_owned()), true),
        (WhichTimer::Key("poll".to_owned()), false),
        (WhichTimer::Id(other), true),
    ] {
        let asked = TimerRequest::Cancel {
            name: "remind".to_owned(),
            which,
        };
        let answer = schedule.answer(&plugin(), &remind(), asked, &[]).await.unwrap();
        assert!(
            matches!(answer, TimerAnswer::Cancelled(is) if is == was_there),
            "{answer:?}"
        );
    }
    tables.close().await;
    let (tables, schedule) = house.open(START).await;
    assert_eq!(pending(&schedule).await, []);
    tables.close().await;
}

#[tokio::test]
async fn what_can_be_no_timer_is_refused_with_what_to_do() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let long = format!("\"{}\"", "x".repeat(MAX_TIMER_PAYLOAD));
    let keyed = |key: String| SetTimer {
        key: Some(key),
        ..at(START)
    };
    for (timer, payload, expected) in [
        (at(START + 2 * MAX_AHEAD_MS), "1", "set it anew later"),
        (at(START), &*long, "put it into the database"),
        (at(START), "{", "is no JSON"),
        (keyed(String::new()), "1", "1 to 100 bytes"),
        (keyed("k".repeat(101)), "1", "1 to 100 bytes"),
    ] {
        let problem = set(&schedule, timer, payload).await.unwrap_err();
        assert!(problem.message.contains(expected), "{problem}");
    }
    let nobody = schedule
        .answer(&plugin(), &[], TimerRequest::Set(at(START)), b"1")
        .await
        .unwrap_err();
    assert!(nobody.message.contains("list it in `timers`"), "{nobody}");
    tables.close().await;
}

#[tokio::test]
async fn what_finds_no_room_is_tried_again_and_functions_that_went_are_told() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START), "1").await.unwrap();
    let stand = Stand::with(remind());
    stand.0.is_busy.store(true, Ordering::SeqCst);
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    stand
        .until(|inside| (inside.refused.load(Ordering::SeqCst) > 0).then_some(()))
        .await;
    stand.0.is_busy.store(false, Ordering::SeqCst);
    assert_eq!(stand.next().await.0.id, id);
    // It is cut off by a version that knows nothing of it.
    stand.0.plugins.lock().unwrap()[0].1.clear();
    schedule.look();
    let interrupted = Outcome {
        verdict: Verdict::Interrupted,
        ..Outcome::default()
    };
    schedule.ended(id.0, &interrupted);
    set(&schedule, at(START + HOUR), "2").await.unwrap();
    let told = stand.until(|inside| inside.told.lock().unwrap().pop()).await;
    assert!(
        matches!(told, Told::Adrift { ref name, .. } if name == "remind"),
        "{told:?}"
    );
    keeping.abort();
    tables.close().await;
}

#[tokio::test]
async fn a_run_that_takes_an_hour_is_told_its_owner() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START), "1").await.unwrap();
    let stand = Stand::with(remind());
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    stand.next().await;
    // An hour goes by as far as its clock can tell.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(HOUR)).await;
    let told = stand.until(|inside| inside.told.lock().unwrap().pop()).await;
    let Told::Strain(Strain::Long {
        plugin: whose,
        name,
        id: which,
    }) = told
    else {
        panic!("{told:?}")
    };
    assert_eq!((whose, &*name, which), (plugin(), "remind", id.0));
    keeping.abort();
    tables.close().await;
}

#[tokio::test]
async fn what_finds_no_room_wakes_whoever_sleeps_and_by_hand_is_said() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START + HOUR), "1").await.unwrap();
    let stand = Stand::with(remind());
    stand.0.is_busy.store(true, Ordering::SeqCst);
    schedule.agenda().appear(&plugin(), &remind(), START);
    let problem = schedule.run_now(&stand, id).await.unwrap_err();
    assert!(
        problem.code == ProblemCode::Busy && problem.message.contains("Try again"),
        "{problem}"
    );
    let now = START + 2 * HOUR;
    let starts = schedule.agenda().poll(now).0;
    assert_eq!(starts.len(), 1, "at its own time, not before");
    // Nobody has stirred it since.
    timeout(Duration::ZERO, schedule.0.stirred.notified()).await.ok();
    assert_eq!(schedule.begin(&stand, starts, false).await, 0);
    assert!(
        timeout(Duration::ZERO, schedule.0.stirred.notified()).await.is_ok(),
        "it is looked at again before the next one is due"
    );
    tables.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_timers_with_one_key_one_stays() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let schedule = schedule.clone();
        all.spawn(async move {
            let keyed = SetTimer {
                key: Some("poll".to_owned()),
                ..at(START + HOUR)
            };
            set(&schedule, keyed, "1").await.unwrap();
        });
    }
    all.join_all().await;
    assert_eq!(schedule.list(None, "", 0, 10).total, 1);
    assert_eq!(pending(&schedule).await.len(), 1);
    tables.close().await;
}

#[tokio::test]
async fn rules_are_removed_unless_their_plugin_has_them() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let row = TimerRow::new(
        plugin(),
        "decay".to_owned(),
        Some(TimerRule::Every { ms: HOUR }),
        START + HOUR,
    );
    let (id, _) = tables.add_timer(row.clone(), "null".to_owned()).await.unwrap();
    schedule.agenda().insert(TimerRow { id, ..row });
    schedule.agenda().appear(&plugin(), &hourly(), START);
    schedule.pause(TimerId(id), true).await.unwrap();
    let refused = schedule.remove(TimerId(id)).await.unwrap_err();
    assert!(refused.message.contains("timers pause"), "{refused}");
    schedule.agenda().vanish(&plugin());
    schedule.remove(TimerId(id)).await.unwrap();
    assert_eq!(
        schedule.remove(TimerId(id)).await.unwrap_err().code,
        ProblemCode::NotFound
    );
    assert!(tables.timers().await.unwrap().is_empty());
    tables.close().await;
}

#[tokio::test]
async fn what_fails_often_in_a_row_is_told_once_and_tried_again_within_a_day() {
    let house = House::new();
    let (tables, schedule) = house.open(START).await;
    let id = set(&schedule, at(START), "1").await.unwrap();
    let stand = Stand::with(remind());
    let keeping = tokio::spawn(schedule.clone().keep(stand.clone()));
    let failed = Outcome {
        verdict: Verdict::Failed,
        retry_ms: Some(u64::MAX),
        ..Outcome::default()
    };
    for round in 0..21 {
        if round > 0 {
            schedule.run_now(&stand, id).await.unwrap();
        }
        assert_eq!(stand.next().await.0.id, id);
        let ended = schedule.ended(id.0, &failed);
        assert_eq!(ended, Some(("remind".to_owned(), Some(Duration::from_secs(24 * 3600)))));
    }
    let told = stand.until(|inside| inside.told.lock().unwrap().pop()).await;
    let (plugin, name) = (plugin(), "remind".to_owned());
    let (id, times) = (id.0, 10);
    assert_eq!(
        told,
        Told::Retried {
            plugin,
            name,
            id,
            times
        }
    );
    schedule.look_again().await;
    assert_eq!(*stand.0.told.lock().unwrap(), []);
    keeping.abort();
    schedule.stop();
    // Nobody looks any more, and nobody waits for it.
    schedule.look_again().await;
    tables.close().await;
}
