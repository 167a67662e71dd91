//! Each mode of misbehaviour, beside a plugin that behaves: only the misbehaving one's own commands suffer, its owner is
//! told, everybody else is answered as before.
//!
//! How long answers take meanwhile is printed, never asserted.

use std::time::{Duration, Instant};

use sandbox::Person;
use serde_json::json;
use tokio::{
    net::UdpSocket,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    forging::{drop_old, plugin},
    harness::{Bot, PATIENCE, World, compiled, example_answers, file_name, patched},
};

/// What `unruly` does on demand.
const BREACHES: [&str; 13] = [
    "again", "never", "flood", "bodies", "records", "panics", "garbage", "long", "full", "deaf", "linger", "quit",
    "counts",
];

/// How long `!ping` takes at a modest rate: the median and the slowest.
async fn pings(alice: &Person, times: u32, every: Duration) -> (Duration, Duration) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut took = Vec::new();
    for _ in 0..times {
        tick.tick().await;
        let asked = Instant::now();
        assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
        took.push(asked.elapsed());
    }
    took.sort();
    (took[took.len() / 2], took[took.len() - 1])
}

struct Table<'a> {
    bot: &'a Bot,
    alice: &'a Person,
    rows: Vec<(&'static str, Duration, Duration)>,
}

impl Table<'_> {
    /// Says a command, measures, and asserts that the example plugin answers to everything. Answers with the reply to the
    /// command, if it gets one.
    async fn mode(&mut self, command: &'static str, reply: Option<&str>, logged: Option<&str>) -> Option<String> {
        let said = self.alice.says(&format!("!{command}")).await;
        let (median, slowest) = pings(self.alice, 30, Duration::from_millis(5)).await;
        self.rows.push((command, median, slowest));
        example_answers(self.alice).await;
        let answer = match reply {
            Some(wanted) => {
                let answer = said
                    .reply(PATIENCE)
                    .await
                    .unwrap_or_else(|| panic!("!{command} has no answer"));
                assert!(answer.content().contains(wanted), "!{command}: {}", answer.content());
                Some(answer.content().to_owned())
            }
            None => None,
        };
        if let Some(logged) = logged {
            self.bot.logs(logged).await;
        }
        answer
    }

    fn print(&self) {
        for (mode, median, slowest) in &self.rows {
            println!("{mode:20} !ping median {median:>10.1?}, slowest of 30 {slowest:>10.1?}");
        }
    }
}

async fn beside_the_example(fixture: &str) -> (World, Bot) {
    let world = World::new().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    world.drop_plugin("example");
    if fixture == "unruly" {
        drop_old(&world, "unruly", &plugin("unruly", "1.0.0", &json!({}), &BREACHES));
    } else {
        world.drop_plugin(fixture);
    }
    let bot = world.start().await;
    (world, bot)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_can_do_harms_no_other_plugin() {
    let (world, bot) = beside_the_example("stress").await;
    let alice = world.person("alice");
    let mut table = Table {
        bot: &bot,
        alice: &alice,
        rows: Vec::new(),
    };
    let (median, slowest) = pings(&alice, 30, Duration::from_millis(5)).await;
    table.rows.push(("nothing", median, slowest));
    table.mode("panic", Some("Code `"), Some("was asked to panic")).await;
    table
        .mode("panic-in-drop", Some("about to drop"), Some("panic in a drop"))
        .await;
    table
        .mode(
            "spawn-panic",
            Some("spawned"),
            Some("panicked in a task of its own at plugins/stress/"),
        )
        .await;
    table.mode("fail", Some("Code `"), Some("was asked to fail")).await;
    table.mode("twice", Some(""), None).await;
    table.mode("hang", None, None).await;
    table
        .mode(
            "huge 8000000",
            Some("Code `"),
            Some("the text of a message has 8000000 characters"),
        )
        .await;
    table.mode("allocate 256", Some("took 268435456 bytes"), None).await;
    table.mode("flood-tasks 20000", Some("spawned"), None).await;
    table.mode("flood-calls 20000", Some("flooding"), None).await;
    table.mode("flood-rest 5000", Some("flooding"), None).await;
    table
        .mode(
            "flood-logs 100000",
            Some("flooded"),
            Some("lines of the plugin `stress` were dropped"),
        )
        .await;
    let kept = bot.lines_with("was asked to log").len();
    assert!((1000..10_000).contains(&kept), "{kept} of 100,000 lines were kept");
    let longest = bot.lines_with("was asked to log").iter().map(String::len).max();
    assert!(longest < Some(20_000), "{longest:?} bytes in a line");
    table.mode("stuck", Some("stuck"), None).await;
    table.mode("block 0.5", Some("unblocked"), None).await;
    // The plugin itself has come through all of that.
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000000");

    // What belongs to the whole process is put back, or not needed.
    table
        .mode("take-over", Some("taken over"), Some("signal=SIGTERM"))
        .await;
    table.mode("panic", Some("Code `"), None).await;
    let reply = world.owner().says("!reload example").await.expect_reply().await;
    assert_eq!(reply.content(), "`example` 1.0.0 reloaded (generation 2).");
    table.print();
    // Ends, by the signal that was ignored, in spite of a command that never does and of a thread that is stuck.
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_of_the_boundary_harms_no_other_plugin() {
    let (world, bot) = beside_the_example("unruly").await;
    let alice = world.person("alice");
    let mut table = Table {
        bot: &bot,
        alice: &alice,
        rows: Vec::new(),
    };
    table.mode("again", Some("once"), None).await;
    table.mode("never", None, None).await;
    table.mode("garbage", Some("sent"), None).await;
    table.mode("bodies", Some("sent"), None).await;
    table
        .mode("long", Some("Code `"), Some("(cut, it has 8388608 bytes)"))
        .await;
    table
        .mode(
            "records",
            Some("recorded"),
            Some("lines of the plugin `unruly` were dropped"),
        )
        .await;
    table.mode("panics", Some("panicked"), None).await;
    let kept = bot.lines_with("panicked outside of a command: panic").len();
    assert!(kept < 2000, "{kept} of 10,000 panics were logged");
    // Its own answer may be among those that have to come later.
    table.mode("flood", None, None).await;
    // Each of 80,000 requests is answered once, whatever the answer.
    let counted = async {
        loop {
            let Some(counts) = alice.says("!counts").await.reply(Duration::from_secs(1)).await else {
                continue;
            };
            let counts = counts.content().to_owned();
            let numbers: Vec<u64> = counts
                .split(|letter: char| !letter.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            if numbers[0] >= 80_000 {
                return (counts, numbers);
            }
        }
    };
    let (counts, numbers) = timeout(PATIENCE, counted).await.expect("all requests are answered");
    assert!(numbers[1] > 0, "some were told to come later: {counts}");
    assert!(numbers[2] >= 3, "what was too large was refused: {counts}");
    println!("{counts}");
    table.mode("full", Some("full"), None).await;
    table.mode("counts", Some("That plugin is busy right now"), None).await;
    table.print();
    let log = bot.stop().await;
    assert!(!log.contains("the host panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_leaves_room_for_everybody_elses_answers() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let before = pings(&alice, 10, Duration::from_millis(120)).await;
    // At Discord's limit of 50 requests a second, this takes a minute.
    alice.says("!flood-rest 3000").await.expect_reply().await;
    let meanwhile = pings(&alice, 25, Duration::from_millis(120)).await;
    println!(
        "!ping at 50 requests a second: median and slowest {before:.1?}, beside a flood of requests {meanwhile:.1?}"
    );
    let reads = world
        .sandbox
        .rest_log()
        .iter()
        .filter(|entry| entry.path.ends_with("/users/@me"))
        .count();
    assert!(reads >= 64, "the flood was under way: {reads}");
    bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_fails_in_any_way_is_told_and_the_next_version_serves() {
    let world = World::new().await;
    world.drop_plugin("example");
    let version = |number| patched(&patched(&compiled("stress"), "REVISION", number), "STOP", number);
    world.drop_file(&file_name("stress"), &version(1));
    let bot = world.start().await;
    let alice = world.person("alice");
    for (number, why) in [
        (1, "was asked to fail at its stop"),
        (2, "was asked to panic at its stop"),
        (3, "the stop function did not end in time"),
        (4, "was asked to panic in the drop of its state"),
    ] {
        assert_eq!(
            alice.says("!revision").await.expect_reply().await.content(),
            format!("REVISION-{number:08}")
        );
        world.drop_file(&file_name("stress"), &version(number + 1));
        let line = bot.logs(why).await;
        assert!(
            line.contains("the stop function failed") && line.contains("plugin=stress"),
            "{line}"
        );
        example_answers(&alice).await;
    }
    assert_eq!(
        alice.says("!revision").await.expect_reply().await.content(),
        "REVISION-00000005"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_outlive_their_generation_reach_nobody() {
    let (world, bot) = beside_the_example("unruly").await;
    world.drop_plugin("stress");
    bot.logs("loaded plugin=stress").await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let refused = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = refused.local_addr().unwrap().port();
    // Either the command's own reply or one of the thread's.
    alice.says(&format!("!linger {port}")).await.expect_reply().await;
    owner.says("!load stress").await.expect_reply().await;
    assert_eq!(alice.says("!leave-thread").await.expect_reply().await.content(), "left");
    bot.logs("the thread that was left behind").await;
    for name in ["unruly", "stress"] {
        let reply = owner.says(&format!("!unload {name}")).await.expect_reply().await;
        assert_eq!(reply.content(), format!("Unloaded `{name}`."));
    }
    let logged = bot.lines_with("the thread that was left behind").len();
    let told = timeout(PATIENCE, refused.recv(&mut [0; 16])).await;
    told.expect("what it sends is refused").unwrap();
    example_answers(&alice).await;
    assert_eq!(
        bot.lines_with("the thread that was left behind").len(),
        logged,
        "nothing of it is logged any more"
    );
    // New generations are nobody's heirs.
    for name in ["unruly", "stress"] {
        let reply = owner.says(&format!("!load {name}")).await.expect_reply().await;
        assert_eq!(reply.content(), format!("`{name}` 1.0.0 loaded (generation 2)."));
    }
    assert!(
        alice
            .says("!counts")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("answered")
    );
    // Those threads still run; the process ends nevertheless.
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_does_not_hear_or_ends_by_itself_is_told() {
    let (world, bot) = beside_the_example("unruly").await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let mut notices = world.sandbox.watch();
    let waiting = alice.says("!never").await;
    alice.says("!quit").await;
    let told = waiting.reply(PATIENCE).await.expect("whoever waits is told");
    assert!(told.content().contains("interrupted"), "{}", told.content());
    let line = bot
        .logs("The plugin `unruly` has stopped: its thread ended by itself")
        .await;
    assert!(line.contains("`load` starts it again"), "{line}");
    let heard = async {
        while !notices
            .next()
            .await
            .is_some_and(|notice| notice.content().contains("has stopped"))
        {}
    };
    timeout(PATIENCE, heard).await.expect("the owner is told");
    let reply = owner.says("!load unruly").await.expect_reply().await;
    assert_eq!(reply.content(), "`unruly` 1.0.0 loaded (generation 2).");
    assert_eq!(alice.says("!deaf").await.expect_reply().await.content(), "deaf");
    let unloading = owner.says("!unload unruly").await;
    example_answers(&alice).await;
    let reply = unloading
        .reply(PATIENCE)
        .await
        .expect("the order ends, whatever the plugin does");
    assert_eq!(reply.content(), "Unloaded `unruly`.");
    let log = bot.stop().await;
    assert!(log.contains("its thread is abandoned"), "{log}");
}
