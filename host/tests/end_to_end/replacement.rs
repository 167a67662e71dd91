//! A plugin is dropped, replaced and removed while commands arrive: none is lost, none is answered twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    sync::{Semaphore, oneshot, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use crate::harness::{Bot, PATIENCE, World, compiled, file_name, patched};

/// The stress plugin, with another revision in its bytes.
pub fn revision(original: &[u8], number: u32) -> Vec<u8> {
    patched(original, "REVISION", number)
}

/// What is known of one command.
#[derive(Default)]
struct Asked {
    sent: Option<Instant>,
    answers: Vec<(Instant, String)>,
}

/// How many commands are unanswered at most: a machine that is busy with other things gets no backlog that grows.
const UNANSWERED: usize = 100;
/// Where nobody answers, one is sent as often as this all the same.
const UNANSWERED_FOR: Duration = Duration::from_secs(1);

/// Sends a command every 5 ms until told to stop, and matches answers to commands.
struct Traffic {
    stop: Arc<AtomicBool>,
    /// Told when the bot has ended: what has arrived until then is all there will be.
    ended: oneshot::Sender<()>,
    sender: tokio::task::JoinHandle<BTreeMap<u64, Instant>>,
    receiver: tokio::task::JoinHandle<Vec<(u64, Instant, String)>>,
    /// The newest answer's text, and when it came.
    newest: watch::Receiver<(String, Option<Instant>)>,
}

impl Traffic {
    fn start(world: &World, command: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (newest_sender, newest) = watch::channel((String::new(), None));
        let mut answers = world.sandbox.watch();
        let (ended, mut has_ended) = oneshot::channel();
        let room = Arc::new(Semaphore::new(UNANSWERED));
        let answered_one = Arc::clone(&room);
        let receiver = tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let message = tokio::select! {
                    biased;
                    message = answers.next() => message,
                    _ = &mut has_ended => None,
                };
                let Some(message) = message else { return seen };
                let now = Instant::now();
                let answered = message.json()["message_reference"]["message_id"]
                    .as_str()
                    .and_then(|id| id.parse().ok());
                if let Some(answered) = answered {
                    let text = message.content().to_owned();
                    answered_one.add_permits(1);
                    newest_sender.send_replace((text.clone(), Some(now)));
                    seen.push((answered, now, text));
                }
            }
        });
        let (alice, stopped) = (world.person("alice"), Arc::clone(&stop));
        let sender = tokio::spawn(async move {
            let mut sent = BTreeMap::new();
            let mut tick = interval(Duration::from_millis(5));
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            while !stopped.load(Ordering::Relaxed) {
                tick.tick().await;
                if let Ok(Ok(place)) = timeout(UNANSWERED_FOR, room.acquire()).await {
                    place.forget();
                }
                let now = Instant::now();
                sent.insert(alice.says(command).await.message_id(), now);
            }
            sent
        });
        Self {
            stop,
            ended,
            sender,
            receiver,
            newest,
        }
    }

    /// Waits for an answer that contains `text`, and says when it came.
    async fn answered_with(&mut self, text: &str) -> Instant {
        let answered = timeout(PATIENCE, self.newest.wait_for(|(newest, _)| newest.contains(text))).await;
        let answered = answered.unwrap_or_else(|_| panic!("no answer with {text:?}")).unwrap();
        answered.1.expect("an answer has a time")
    }

    /// Stops sending, waits until the bot has read everything, and stops it: it drains, so whatever it has read is
    /// answered before it ends. Answers with every command in order.
    async fn finish(self, world: &World, bot: Bot) -> BTreeMap<u64, Asked> {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.sender.await.unwrap();
        // The session is in order: once this is answered, all before it have been read.
        world.person("bob").says("!revision").await.expect_reply().await;
        bot.stop().await;
        let _ = self.ended.send(());
        join(sent, self.receiver.await.unwrap())
    }
}

fn join(sent: BTreeMap<u64, Instant>, answers: Vec<(u64, Instant, String)>) -> BTreeMap<u64, Asked> {
    let mut asked: BTreeMap<u64, Asked> = BTreeMap::new();
    for (id, at) in sent {
        asked.entry(id).or_default().sent = Some(at);
    }
    for (id, at, text) in answers {
        // The last one is nobody's of these.
        if let Some(command) = asked.get_mut(&id) {
            command.answers.push((at, text));
        }
    }
    asked
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_replacements_under_load_lose_nothing_and_answer_nothing_twice() {
    let world = World::under_load().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &revision(&original, 0));
    let bot = world.start().await;
    let mut traffic = Traffic::start(&world, "!revision");
    traffic.answered_with("REVISION-00000000").await;

    let mut latencies = Vec::new();
    for number in 1..=100 {
        let bytes = revision(&original, number);
        let renamed = Instant::now();
        world.drop_file(&file_name("stress"), &bytes);
        let first = traffic.answered_with(&format!("REVISION-{number:08}")).await;
        latencies.push(first.saturating_duration_since(renamed));
    }

    let asked = traffic.finish(&world, bot).await;
    let mut slowest = Duration::ZERO;
    for (id, command) in &asked {
        let sent = command.sent.expect("an answer to something that was asked");
        assert_eq!(
            command.answers.len(),
            1,
            "command {id} was answered {} times",
            command.answers.len()
        );
        slowest = slowest.max(command.answers[0].0.saturating_duration_since(sent));
    }
    assert!(slowest < Duration::from_secs(5), "a command waited {slowest:?}");
    latencies.sort();
    println!(
        "{} commands; slowest answer {slowest:?}; rename to first answer of the new version: p50 {:?}, p99 {:?}, max {:?}",
        asked.len(),
        percentile(&latencies, 50),
        percentile(&latencies, 99),
        percentile(&latencies, 100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exclusive_replacements_under_load_lose_nothing_and_answer_nothing_twice() {
    let world = World::under_load().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    let original = exclusive(&compiled("stress"));
    world.drop_file(&file_name("stress"), &revision(&original, 0));
    let bot = world.start().await;
    let mut traffic = Traffic::start(&world, "!revision");
    traffic.answered_with("REVISION-00000000").await;
    for number in 1..=20 {
        // Every fifth does not start, and the one before serves again.
        let bytes = revision(&original, number);
        if number % 5 == 0 {
            world.drop_file(&file_name("stress"), &patched(&bytes, "START", 1));
            bot.logs(&format!("generation={} took", number + number / 5 + 1)).await;
        } else {
            world.drop_file(&file_name("stress"), &bytes);
            traffic.answered_with(&format!("REVISION-{number:08}")).await;
        }
    }
    let asked = traffic.finish(&world, bot).await;
    let mut newest = String::new();
    for (id, command) in &asked {
        assert_eq!(
            command.answers.len(),
            1,
            "command {id} was answered {} times",
            command.answers.len()
        );
        // In the order of sending, so in the order of versions.
        let text = &command.answers[0].1;
        assert!(*text >= newest, "{text} after {newest}");
        newest.clone_from(text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_plugin_finishes_what_it_has_and_then_is_silent() {
    let world = World::under_load().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    world.drop_plugin("stress");
    let bot = world.start().await;
    let mut traffic = Traffic::start(&world, "!revision");
    traffic.answered_with("REVISION").await;
    world.remove_plugin("stress");
    bot.logs("unloaded").await;
    // Dropped again, it answers again.
    let bytes = revision(&compiled("stress"), 7);
    world.drop_file(&file_name("stress"), &bytes);
    traffic.answered_with("REVISION-00000007").await;
    let asked = traffic.finish(&world, bot).await;
    assert!(
        asked.values().all(|command| command.answers.len() <= 1),
        "something was answered twice"
    );
    // In the order of sending: answered by the old one, then silence, then answered by the new one.
    let phases: Vec<&str> = asked
        .values()
        .map(|command| {
            command
                .answers
                .first()
                .map_or("silent", |(_, text)| if text.ends_with('7') { "new" } else { "old" })
        })
        .collect();
    let mut changes = phases.clone();
    changes.dedup();
    assert!(
        matches!(changes[..], ["old", "silent", "new"] | ["old", "new"]),
        "{changes:?}"
    );
}

/// A compiled plugin whose older generation stops before a newer one starts: the same length, so that nothing moves.
pub fn exclusive(original: &[u8]) -> Vec<u8> {
    let was: &[u8] = br#""conflicts":[],"swap":"beside""#;
    let becomes = format!("{:<width$}", r#""swap":"exclusive""#, width = was.len());
    let at = original
        .windows(was.len())
        .position(|window| window == was)
        .expect("the manifest is in the file");
    let mut bytes = original.to_vec();
    bytes[at..at + was.len()].copy_from_slice(becomes.as_bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusive_swap_that_fails_starts_the_older_one_again() {
    let world = World::new().await;
    let original = exclusive(&compiled("stress"));
    world.drop_file(&file_name("stress"), &revision(&original, 1));
    let bot = world.start().await;
    let alice = world.person("alice");
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000001");

    // The newer one fails at its start: by then the older one has stopped.
    let failing = patched(&revision(&original, 2), "START", 1);
    world.drop_file(&file_name("stress"), &failing);
    let refused = bot.logs("its start function failed").await;
    assert!(refused.contains("Generation 3 of `stress` goes on"), "{refused}");
    bot.logs("stress stopped").await;
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000001", "the older one serves again");
    let ordered = world.owner().says("!reload stress").await.expect_reply().await;
    let text = ordered.content();
    assert!(
        text.contains("was not reloaded, its older version serves again"),
        "{text}"
    );
    assert!(text.contains("asked to fail at its start"), "{text}");
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000001");

    // One that starts takes over.
    world.drop_file(&file_name("stress"), &revision(&original, 3));
    bot.logs("generation=6 took").await;
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000003");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusive_newcomer_waits_for_the_generation_whose_file_was_taken_away() {
    let world = World::new().await;
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &revision(&original, 1));
    let bot = world.start().await;
    let alice = world.person("alice");
    let slow = alice.says("!slow 3000").await;
    alice.says("!revision").await.expect_reply().await;
    world.remove_plugin("stress");
    bot.logs("unloaded").await;
    world.drop_file(&file_name("stress"), &exclusive(&revision(&original, 2)));
    bot.logs("generation=2 took").await;
    assert_eq!(slow.expect_reply().await.content(), "slept");
    let log = bot.stop().await;
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("no {text:?}:\n{log}"));
    assert!(at("stress stopped") < at("generation=2 took"), "{log}");
}
