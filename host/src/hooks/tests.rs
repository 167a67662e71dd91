//! The hooks with lanes that the tests play themselves, on a clock that stands still: order, limits, breakers, vetoes,
//! floods and holds.

#![allow(clippy::unwrap_used, reason = "tests")]

mod asked;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use plugin_protocol::{
    ChannelId, GuildId, Outcome, PluginName, User, UserId, Verdict,
    hooks::{
        BeforeCommand, BreakerState, CommandKind, Emit, ExtensionLoaded, HookEvent, HookRegistration, HookRun,
        HookSubscription, NAMES, Shutdown,
    },
};
use tokio::{runtime::Handle, sync::mpsc, time::Instant};

use super::{Handed, Hooks, Lanes, Listener, NotEmitted, Report, flow};

/// A run that a lane was given.
struct Given {
    callback: String,
    run: u64,
    head: HookRun,
    payload: String,
}

#[derive(Default)]
struct Played {
    listeners: Vec<Listener>,
    off: BTreeSet<String>,
    off_in: BTreeSet<(PluginName, GuildId)>,
    generations: HashMap<PluginName, u32>,
    handed: HashMap<PluginName, Handed>,
}

#[derive(Clone)]
struct Stage {
    played: Arc<Mutex<Played>>,
    given: mpsc::UnboundedSender<Given>,
}

impl Lanes for Stage {
    fn hears(&self, number: u32) -> bool {
        let played = self.played.lock().unwrap();
        played.listeners.iter().any(|one| *one.event == *NAMES[number as usize])
    }

    fn is_off_in(&self, plugin: &PluginName, guild: GuildId) -> bool {
        self.played.lock().unwrap().off_in.contains(&(plugin.clone(), guild))
    }

    fn declared(&self, event: &str) -> Vec<Listener> {
        let played = self.played.lock().unwrap();
        played
            .listeners
            .iter()
            .filter(|one| &*one.event == event)
            .cloned()
            .collect()
    }

    fn all_declared(&self) -> Vec<Listener> {
        self.played.lock().unwrap().listeners.clone()
    }

    fn generation(&self, plugin: &PluginName) -> Option<u32> {
        Some(*self.played.lock().unwrap().generations.get(plugin).unwrap_or(&1))
    }

    fn is_off(&self, callback: &str) -> bool {
        self.played.lock().unwrap().off.contains(callback)
    }

    fn deliver(&self, to: &Listener, run: u64, head: &[u8], payload: &str) -> Handed {
        let handed = self.played.lock().unwrap().handed.get(&to.plugin).copied();
        let _ = self.given.send(Given {
            callback: to.id.to_string(),
            run,
            head: serde_json::from_slice(head).unwrap(),
            payload: payload.to_owned(),
        });
        handed.unwrap_or(Handed::Now)
    }
}

struct World {
    hooks: Hooks,
    stage: Stage,
    given: mpsc::UnboundedReceiver<Given>,
    reports: mpsc::UnboundedReceiver<Report>,
}

/// Hooks with these declared callbacks: `PLUGIN.function EVENT PRIORITY`.
fn world(callbacks: &[&str]) -> World {
    let listeners = callbacks.iter().map(|text| {
        let words: Vec<_> = text.split(' ').collect();
        let (plugin, function) = words[0].split_once('.').unwrap();
        let hook = HookSubscription {
            event: words[1].to_owned(),
            function: function.to_owned(),
            priority: words.get(2).map_or(0, |word| word.parse().unwrap()),
        };
        Listener::declared(&name(plugin), &hook)
    });
    let played = Arc::new(Mutex::new(Played {
        listeners: listeners.collect(),
        ..Played::default()
    }));
    let (given, receiver) = mpsc::unbounded_channel();
    let (report, reports) = mpsc::unbounded_channel();
    let hooks = Hooks::new(Handle::current(), move |told| drop(report.send(told)));
    let stage = Stage { played, given };
    hooks.connect(stage.clone());
    World {
        hooks,
        stage,
        given: receiver,
        reports,
    }
}

fn name(plugin: &str) -> PluginName {
    plugin.parse().unwrap()
}

fn loaded(which: &str) -> ExtensionLoaded {
    ExtensionLoaded {
        extension_name: which.to_owned(),
        ..ExtensionLoaded::default()
    }
}

fn used() -> BeforeCommand {
    BeforeCommand {
        command_name: "ban".to_owned(),
        plugin: "moderation".to_owned(),
        author: User {
            id: UserId::new(1).unwrap(),
            username: "kim".to_owned(),
            global_name: None,
            bot: false,
            avatar: None,
        },
        guild_id: None,
        channel_id: ChannelId::new(2).unwrap(),
        kind: CommandKind::Slash,
    }
}

fn outcome(verdict: Verdict, text: &str) -> Outcome {
    Outcome {
        verdict,
        text: (!text.is_empty()).then(|| text.to_owned()),
        ..Outcome::default()
    }
}

impl World {
    /// Lets all tasks go on as far as they can without time passing.
    async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }

    /// The runs that lanes were given since.
    async fn given(&mut self) -> Vec<Given> {
        self.settle().await;
        std::iter::from_fn(|| self.given.try_recv().ok()).collect()
    }

    /// The same by the callbacks' ids, all of them ended well.
    async fn given_and_done(&mut self) -> Vec<String> {
        let given = self.given().await;
        given
            .into_iter()
            .map(|given| {
                self.hooks.ended(given.run, Outcome::default());
                given.callback
            })
            .collect()
    }

    fn emit(&self, which: &str) {
        self.hooks.emit(None, || loaded(which));
    }

    fn breaker(&self, id: &str) -> BreakerState {
        let list = self.hooks.list();
        list.hooks.iter().find(|hook| hook.id == id).unwrap().breaker
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_listens_to_is_not_even_made() {
    let world = world(&["a.left extension_unloaded"]);
    world.hooks.emit(None, || -> ExtensionLoaded { panic!("made") });
    assert!(!world.hooks.hears::<ExtensionLoaded>());
    let unknown = Emit {
        name: "nobody".to_owned(),
        hook: None,
    };
    assert_eq!(world.hooks.emit_for(&name("a"), &unknown, b"1"), Ok(()));
    assert_eq!(world.hooks.list().emitted, 0);
}

#[tokio::test(start_paused = true)]
async fn higher_priorities_end_before_lower_ones_begin() {
    let mut world = world(&[
        "a.last extension_loaded -1",
        "a.one extension_loaded",
        "a.two extension_loaded",
        "b.one extension_loaded",
        "c.first extension_loaded 5",
    ]);
    world.emit("x");
    let first = world.given().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].callback, "c.first");
    assert!(first[0].payload.contains("\"extension_name\":\"x\""));
    assert_eq!((&*first[0].head.function, first[0].head.limit_ms), ("first", 10_000));
    world.hooks.ended(first[0].run, Outcome::default());
    // Those of different plugins at the same time, those of one plugin one after the other.
    let beside = world.given().await;
    let ids: Vec<_> = beside.iter().map(|given| &*given.callback).collect();
    assert_eq!(ids, ["a.one", "b.one"]);
    world.hooks.ended(beside[0].run, Outcome::default());
    assert_eq!(world.given_and_done().await, ["a.two"], "while b's goes on");
    assert!(world.given().await.is_empty());
    world.hooks.ended(beside[1].run, outcome(Verdict::Failed, "broken"));
    assert_eq!(world.given_and_done().await, ["a.last"], "also behind a failure");
}

#[tokio::test(start_paused = true)]
async fn runs_of_one_callback_begin_in_order_and_a_slow_one_delays_no_other() {
    let mut world = world(&["a.slow extension_loaded", "b.quick extension_loaded"]);
    for number in 0..20 {
        world.emit(&number.to_string());
    }
    let given = world.given().await;
    for callback in ["a.slow", "b.quick"] {
        let of_one = given.iter().filter(|given| given.callback == callback);
        let order: Vec<_> = of_one
            .map(|given| {
                serde_json::from_str::<ExtensionLoaded>(&given.payload)
                    .unwrap()
                    .extension_name
            })
            .collect();
        assert_eq!(order, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    // None of the slow one's has ended.
    let quick = given.iter().filter(|given| given.callback == "b.quick");
    quick.for_each(|given| world.hooks.ended(given.run, Outcome::default()));
    world.settle().await;
    let done = world.hooks.history(50).runs;
    assert_eq!(done.len(), 20);
    assert!(done.iter().all(|run| run.callback == "b.quick" && run.error.is_none()));
}

#[tokio::test(start_paused = true)]
async fn who_takes_longer_than_ten_seconds_has_failed() {
    let mut world = world(&["a.slow extension_loaded"]);
    world.emit("x");
    let given = world.given().await;
    tokio::time::advance(Duration::from_millis(9_999)).await;
    world.settle().await;
    assert!(world.hooks.history(1).runs.is_empty());
    tokio::time::advance(Duration::from_millis(1)).await;
    world.settle().await;
    let runs = world.hooks.history(1).runs;
    assert_eq!(runs[0].error.as_deref(), Some("it took longer than 10s"));
    assert_eq!(runs[0].took_us, 10_000_000);
    let Report::Failed(failure) = world.reports.try_recv().unwrap() else {
        panic!("a failure")
    };
    assert_eq!((&*failure.callback, failure.opened), ("a.slow", false));
    // What comes later is nobody's.
    world.hooks.ended(given[0].run, Outcome::default());
    world.settle().await;
    assert_eq!(world.hooks.history(50).runs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn five_failures_leave_a_callback_out_until_its_trial() {
    let mut world = world(&["a.bad extension_loaded", "b.good extension_loaded"]);
    let fail = async |world: &mut World, verdict: Verdict| {
        world.emit("x");
        let given = world.given().await;
        for given in &given {
            let bad = given.callback == "a.bad";
            let outcome = if bad {
                outcome(verdict, "broken")
            } else {
                Outcome::default()
            };
            world.hooks.ended(given.run, outcome);
        }
        world.settle().await;
        given.iter().any(|given| given.callback == "a.bad")
    };
    for _ in 0..5 {
        assert!(fail(&mut world, Verdict::Panicked).await);
    }
    assert_eq!(
        (world.breaker("a.bad"), world.breaker("b.good")),
        (BreakerState::Open(60), BreakerState::Closed)
    );
    let opened: Vec<_> = std::iter::from_fn(|| world.reports.try_recv().ok()).collect();
    assert!(matches!(opened.last(), Some(Report::Failed(failure)) if failure.opened));
    assert!(!fail(&mut world, Verdict::Failed).await, "left out");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(world.breaker("a.bad"), BreakerState::Trial);
    assert!(fail(&mut world, Verdict::Failed).await, "its trial");
    assert_eq!(world.breaker("a.bad"), BreakerState::Open(60));
    world.hooks.reset("a.bad");
    assert!(fail(&mut world, Verdict::Done).await);
    // A newer generation begins with a whole one.
    for _ in 0..5 {
        assert!(fail(&mut world, Verdict::Failed).await);
    }
    world.stage.played.lock().unwrap().generations.insert(name("a"), 2);
    assert!(fail(&mut world, Verdict::Done).await);
    assert_eq!(world.breaker("a.bad"), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_does_not_run() {
    let mut world = world(&["a.one extension_loaded", "a.two extension_loaded"]);
    world.stage.played.lock().unwrap().off.insert("a.one".to_owned());
    world.emit("x");
    assert_eq!(world.given_and_done().await, ["a.two"]);
    let off: Vec<_> = world.hooks.list().hooks.iter().map(|hook| hook.off).collect();
    assert_eq!(off, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn nobody_hears_of_a_server_where_its_plugin_is_off() {
    let mut world = world(&["a.one extension_loaded", "b.one extension_loaded"]);
    let asked = HookRegistration {
        event: "extension_loaded".to_owned(),
        registration: 7,
        priority: 0,
    };
    world.hooks.register(&name("a"), 1, &[], &asked).unwrap();
    let (here, there) = (GuildId::new(1).unwrap(), GuildId::new(2).unwrap());
    world.stage.played.lock().unwrap().off_in.insert((name("a"), here));
    world.hooks.emit(Some(here), || loaded("x"));
    assert_eq!(world.given_and_done().await, ["b.one"]);
    world.hooks.emit(Some(there), || loaded("x"));
    let mut heard = world.given_and_done().await;
    heard.extend(world.given_and_done().await);
    heard.sort_unstable();
    assert_eq!(heard, ["a.on_extension_loaded", "a.one", "b.one"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_about_one_server_holds_up_no_other_and_no_question() {
    let mut world = world(&["a.slow extension_loaded 5", "b.quick extension_loaded"]);
    let (here, there) = (GuildId::new(1).unwrap(), GuildId::new(2).unwrap());
    world.hooks.emit(Some(here), || loaded("first"));
    world.hooks.emit(Some(here), || loaded("second"));
    world.hooks.emit(Some(there), || loaded("third"));
    let slow = world.given().await;
    assert_eq!(slow.len(), 3);
    let end = |which: usize| world.hooks.ended(slow[which].run, Outcome::default());
    end(1);
    end(2);
    let names = |given: &[Given]| -> Vec<String> {
        let event = |given: &Given| serde_json::from_str::<ExtensionLoaded>(&given.payload).unwrap();
        given.iter().map(|given| event(given).extension_name).collect()
    };
    let quick = world.given().await;
    assert_eq!(names(&quick), ["third"]);
    world.hooks.ended(slow[0].run, Outcome::default());
    let quick = world.given().await;
    assert_eq!(names(&quick), ["first", "second"], "in order here");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_was_there_to_run_has_not_run() {
    let mut world = world(&["a.one extension_loaded"]);
    let absent = |handed| world.stage.played.lock().unwrap().handed.insert(name("a"), handed);
    absent(Handed::Absent);
    world.emit("x");
    assert_eq!(world.given().await.len(), 1);
    assert!(world.hooks.history(1).runs.is_empty());
    assert_eq!(world.hooks.list().hooks[0].runs, 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_in_a_hold_does_not_count() {
    let mut world = world(&["a.one extension_loaded"]);
    world
        .stage
        .played
        .lock()
        .unwrap()
        .handed
        .insert(name("a"), Handed::Waits);
    world.emit("x");
    world.emit("y");
    let given = world.given().await;
    assert_eq!(given.len(), 2, "both wait there, in order");
    tokio::time::advance(Duration::from_secs(40)).await;
    world.settle().await;
    assert!(world.hooks.history(1).runs.is_empty());
    world.hooks.begun(given[0].run);
    world.settle().await;
    tokio::time::advance(Duration::from_secs(9)).await;
    world.hooks.ended(given[0].run, Outcome::default());
    // Given up with the hold: nothing is said of the callback.
    world.hooks.ended(given[1].run, outcome(Verdict::Interrupted, ""));
    world.settle().await;
    let runs = world.hooks.history(2).runs;
    let mut errors: Vec<_> = runs.iter().map(|run| run.error.as_deref()).collect();
    errors.sort_unstable();
    assert_eq!(errors, [None, Some("its plugin ended meanwhile")]);
    assert!(world.reports.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn callbacks_come_and_go_while_a_plugin_runs() {
    let mut world = world(&[]);
    let asked = |event: &str, registration| HookRegistration {
        event: event.to_owned(),
        registration,
        priority: 0,
    };
    assert!(!world.hooks.hears::<ExtensionLoaded>());
    let id = world.hooks.register(&name("a"), 1, &[], &asked("extension_loaded", 7));
    assert_eq!(id.as_deref(), Ok("a.on_extension_loaded"));
    assert!(world.hooks.hears::<ExtensionLoaded>());
    assert!(
        world
            .hooks
            .register(&name("a"), 1, &[], &asked("extension_load", 8))
            .is_err()
    );
    world.emit("x");
    let given = world.given().await;
    assert_eq!((given[0].head.registration, &*given[0].head.function), (Some(7), ""));
    world.hooks.unregister(&name("a"), 1, 7);
    assert!(!world.hooks.hears::<ExtensionLoaded>());
    // The next generation's, and the names that it has given itself: nobody's until it serves.
    let own = HookSubscription {
        function: "on_a_own".to_owned(),
        ..HookSubscription::default()
    };
    let id = world.hooks.register(&name("a"), 2, &[own], &asked("a.own", 1));
    assert_eq!(id.as_deref(), Ok("a.on_a_own_2"));
    assert!(world.hooks.list().hooks.is_empty());
    assert_eq!(world.hooks.known_as("a.on_a_own_2"), None);
    world.stage.played.lock().unwrap().generations.insert(name("a"), 2);
    world.hooks.forget(&name("a"), 1);
    assert_eq!(world.hooks.list().hooks.len(), 1);
    assert_eq!(world.hooks.known_as("A.On_a_own_2").as_deref(), Some("a.on_a_own_2"));
    world.hooks.forget(&name("a"), 2);
    assert!(world.hooks.list().hooks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_events_is_refused_counted_and_told() {
    let mut world = world(&["b.slow a.up"]);
    let up = Emit {
        name: "up".to_owned(),
        hook: None,
    };
    for _ in 0..flow::UNDER_WAY {
        assert_eq!(world.hooks.emit_for(&name("a"), &up, b"{}"), Ok(()));
    }
    let refused = world.hooks.emit_for(&name("a"), &up, b"{}");
    assert!(
        matches!(&refused, Err(NotEmitted::Busy(text)) if text.contains("do not keep up")),
        "{refused:?}"
    );
    assert!(matches!(world.reports.try_recv(), Ok(Report::Flood(plugin, 1, _)) if plugin == name("a")));
    assert_eq!(world.hooks.list().dropped, 1);
    assert_eq!(world.given_and_done().await.len(), flow::UNDER_WAY);
    world.settle().await;
    assert_eq!(world.hooks.emit_for(&name("a"), &up, b"{}"), Ok(()));
    for (wrong, payload) in [
        ("Up", &b"{}"[..]),
        ("up", &[0xff][..]),
        ("up", &vec![b' '; 65 * 1024][..]),
    ] {
        let emit = Emit {
            name: wrong.to_owned(),
            hook: None,
        };
        let refused = world.hooks.emit_for(&name("a"), &emit, payload);
        assert!(matches!(refused, Err(NotEmitted::Invalid(_))), "{wrong}: {refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn callbacks_that_set_each_other_off_come_to_an_end() {
    let mut world = world(&["a.again a.up"]);
    let mut hook = None;
    let mut chain = 0;
    loop {
        let up = Emit {
            name: "up".to_owned(),
            hook,
        };
        match world.hooks.emit_for(&name("a"), &up, b"{}") {
            Ok(()) => chain += 1,
            Err(NotEmitted::Busy(text)) => {
                assert!(text.contains("come to an end after 8"), "{text}");
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
        let given = world.given().await;
        world.hooks.ended(given[0].run, Outcome::default());
        // Also from a task that outlives the callback.
        world.settle().await;
        hook = Some(given[0].run);
    }
    assert_eq!(chain, 9, "the first one, and eight that follow from it");
    assert_eq!(<ExtensionLoaded as HookEvent>::NAME, "extension_loaded");
}
