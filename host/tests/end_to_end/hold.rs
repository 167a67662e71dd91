//! A plugin is replaced by one that can't run beside it: what is meant for it waits, in order, and is served once, by the
//! newer version, by the older one if that does not start, or told why not.

use std::{fs, path::PathBuf};

use rustix::process::Signal;
use sandbox::{InteractionState, Person, Said};
use serde_json::{Value, json};

use crate::{
    forging::{description, forged},
    harness::{Bot, World, compiled, file_name, patched},
    replacement::{exclusive, revision},
    storage::{backup_id, owner_is_told},
};

/// How the next version of the fixture starts.
#[derive(Clone, Copy)]
enum Start {
    Never = 3,
    OnceItMay = 4,
    NotOnceItMay = 5,
}

const HOLD: &str = "is being replaced: what is meant for it waits";

/// A bot with an exclusive plugin, of which the next version starts only when it may.
struct Scene {
    world: World,
    bot: Bot,
    alice: Person,
}

impl Scene {
    async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With these settings, too.
    async fn with(mut settings: Value) -> Self {
        let world = World::new().await;
        settings["plugins"] = json!({ "stress": { "starts_with": gate(&world) } });
        world.configure(&settings);
        world.drop_file(&file_name("stress"), &version(1));
        let bot = world.start().await;
        bot.logs("slash commands written").await;
        let alice = world.person("alice");
        Self { world, bot, alice }
    }

    /// Begins to replace version 1 by version 2.
    async fn replace(&self, start: Start) {
        let bytes = patched(&version(2), "START", start as u32);
        self.world.drop_file(&file_name("stress"), &bytes);
        self.bot.logs(HOLD).await;
    }

    /// Version 2 may start now.
    fn let_it_start(&self) {
        fs::write(gate(&self.world), "").unwrap();
    }

    /// Waits until the bot has read all that was said so far: the session is in order.
    async fn all_is_read(&self) {
        self.world.owner().says("!plugins").await.expect_reply().await;
    }

    async fn asks(&self, count: usize) -> Vec<Said> {
        let mut said = Vec::new();
        for _ in 0..count {
            said.push(self.alice.says("!revision").await);
        }
        said
    }
}

fn gate(world: &World) -> PathBuf {
    world.root().join("starts")
}

fn version(number: u32) -> Vec<u8> {
    exclusive(&revision(&compiled("stress"), number))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_meanwhile_waits_and_is_served_once_in_order_by_the_newer_version() {
    let scene = Scene::new().await;
    let first = scene.alice.says("!revision").await.expect_reply().await;
    assert_eq!(first.content(), "REVISION-00000001");
    let mut answers = scene.world.sandbox.watch();
    scene.alice.reacts(&first, "1\u{fe0f}\u{20e3}").await;

    scene.replace(Start::OnceItMay).await;
    for number in 2..=9 {
        scene.alice.reacts(&first, &format!("{number}\u{fe0f}\u{20e3}")).await;
    }
    let used = scene.alice.slash("revision", &[]).await;
    let said = scene.asks(20).await;
    // Its asker sees that it takes a while, instead of a failure after three seconds.
    used.expect_deferred().await;
    let list = scene.world.owner().says("!plugins").await.expect_reply().await;
    let list = serde_json::to_string(list.json()).unwrap();
    assert!(list.contains("being replaced, generation 1"), "{list}");

    scene.let_it_start();
    assert_eq!(used.expect_reply().await.content(), "REVISION-00000002");
    let mut expected = Vec::new();
    for said in &said {
        assert_eq!(said.expect_reply().await.content(), "REVISION-00000002");
        expected.push(said.message_id());
    }
    scene.bot.logs("generation 2").await;
    let written = scene.bot.lines_with("slash commands written");
    let of_the_plugin = written.iter().filter(|line| line.contains("revision")).count();
    assert_eq!(of_the_plugin, 1, "no slot was touched: {written:#?}");
    let reactions = scene.bot.lines_with("seen by generation");
    let told: Vec<_> = reactions
        .iter()
        .map(|line| (1..=9).find(|number| line.contains(&format!("{number}\\u{{fe0f}}"))))
        .collect();
    assert_eq!(told, (1..=9).map(Some).collect::<Vec<_>>(), "{reactions:#?}");
    assert!(reactions[0].contains("generation 1"), "{reactions:#?}");
    assert!(
        reactions[1..].iter().all(|line| line.contains("generation 2")),
        "{reactions:#?}"
    );
    scene.bot.stop().await;
    let mut answered = Vec::new();
    while answered.len() < expected.len() {
        let message = answers.next().await.expect("an answer");
        let to = message.json()["message_reference"]["message_id"].as_str();
        answered.extend(
            to.and_then(|id| id.parse::<u64>().ok())
                .filter(|id| expected.contains(id)),
        );
    }
    answered.sort_unstable();
    assert_eq!(answered, expected, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_is_due_meanwhile_runs_once_by_the_newer_version() {
    let scene = Scene::new().await;
    let (world, owner) = (&scene.world, scene.world.owner());
    let set = scene.alice.says("!later 1h tea").await.expect_reply().await;
    let number = set.content().trim_start_matches("timer ").to_owned();
    let mut seen = world.sandbox.watch();
    scene.replace(Start::OnceItMay).await;
    let begun = owner.says(&format!("!timers run {number}")).await.expect_reply().await;
    assert!(begun.content().contains("is begun"), "{}", begun.content());
    let again = owner.says(&format!("!timers run {number}")).await.expect_reply().await;
    assert!(
        again.content().contains("runs already"),
        "it waits: {}",
        again.content()
    );
    scene.let_it_start();
    loop {
        let message = seen.next().await.expect("it runs");
        assert_ne!(message.content(), "later: tea (2)");
        if message.content() == "later: tea (1)" {
            break;
        }
    }
    let told = scene.bot.logs("told 1").await;
    assert!(told.contains("stress#2"), "by the newer version: {told}");
    let left = scene.alice.says("!later-list").await.expect_reply().await;
    assert_eq!(left.content(), "0 of mine:");
    scene.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_version_serves_what_waited_if_the_newer_one_does_not_start() {
    let scene = Scene::new().await;
    scene.replace(Start::NotOnceItMay).await;
    let used = scene.alice.slash("revision", &[]).await;
    let said = scene.asks(5).await;
    scene.all_is_read().await;
    scene.let_it_start();
    for said in said {
        assert_eq!(said.expect_reply().await.content(), "REVISION-00000001");
    }
    assert_eq!(used.expect_reply().await.content(), "REVISION-00000001");
    let refused = scene.bot.logs("its start function failed").await;
    assert!(refused.contains("Generation 3 of `stress` goes on"), "{refused}");
    scene.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unload_meanwhile_gives_it_up_and_tells_who_waits() {
    let scene = Scene::new().await;
    scene.replace(Start::Never).await;
    let used = scene.alice.slash("revision", &[]).await;
    let said = scene.asks(3).await;
    scene.all_is_read().await;
    let unloaded = scene.world.owner().says("!unload stress").await.expect_reply().await;
    let text = unloaded.content();
    assert!(text.contains("was being replaced, which was given up"), "{text}");
    for said in said {
        let reply = said.expect_reply().await;
        assert!(reply.content().contains("was interrupted"), "{}", reply.content());
    }
    let reply = used.expect_reply().await;
    assert!(reply.content().contains("was interrupted"), "{}", reply.content());
    // It stays away, and can be had again.
    scene.let_it_start();
    scene.world.drop_file(&file_name("stress"), &version(3));
    let loaded = scene.world.owner().says("!load stress").await.expect_reply().await;
    assert!(
        loaded.content().contains("loaded (generation 3)"),
        "{}",
        loaded.content()
    );
    let reply = scene.alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000003");
    scene.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_meanwhile_does_not_count_as_a_use() {
    let once_an_hour = json!({ "cooldowns": { "default_rate": 1, "default_per": 3600 } });
    let scene = Scene::with(once_an_hour).await;
    scene.replace(Start::Never).await;
    let said = scene.alice.says("!revision").await;
    scene.all_is_read().await;
    scene.world.owner().says("!unload stress").await.expect_reply().await;
    let reply = said.expect_reply().await;
    assert!(reply.content().contains("was interrupted"), "{}", reply.content());
    scene.let_it_start();
    scene.world.drop_file(&file_name("stress"), &version(3));
    scene.world.owner().says("!load stress").await.expect_reply().await;
    let reply = scene.alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000003");
    let again = scene.alice.says("!revision").await.expect_reply().await;
    assert_ne!(again.content(), "REVISION-00000003", "that one counted");
    scene.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_bot_meanwhile_tells_who_waits() {
    let scene = Scene::new().await;
    scene.replace(Start::Never).await;
    let used = scene.alice.slash("revision", &[]).await;
    let said = scene.asks(3).await;
    scene.all_is_read().await;
    let log = scene.bot.stop().await;
    assert!(!log.contains("abandoned"), "{log}");
    for said in said {
        let reply = said.expect_reply().await;
        assert!(reply.content().contains("was interrupted"), "{}", reply.content());
    }
    assert!(matches!(used.state(), InteractionState::Answered), "{:?}", used.state());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_change_of_the_file_meanwhile_is_the_next_replacement() {
    let scene = Scene::new().await;
    scene.replace(Start::OnceItMay).await;
    let said = scene.asks(2).await;
    scene.all_is_read().await;
    scene.world.drop_file(&file_name("stress"), &version(3));
    scene.let_it_start();
    for said in said {
        assert_eq!(said.expect_reply().await.content(), "REVISION-00000002");
    }
    scene.bot.logs("generation=3 took").await;
    let reply = scene.alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000003");
    scene.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_being_unloaded_is_stopped_though_the_bot_ends() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let slow = world.person("alice").says("!slow 1500").await;
    world.person("alice").says("!revision").await.expect_reply().await;
    world.owner().says("!unload stress").await;
    bot.logs("unloaded").await;
    let log = bot.stop().await;
    assert_eq!(slow.expect_reply().await.content(), "slept");
    let stopped = log.lines().find(|line| line.contains("stress stopped"));
    assert!(stopped.is_some_and(|line| line.contains("Unload")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_that_have_started_are_stopped_though_the_bot_ends_while_others_start() {
    let world = World::new().await;
    world.configure(&json!({ "logging": { "level": "DEBUG" } }));
    world.drop_plugin("example");
    world.drop_file(
        &file_name("stress"),
        &patched(&compiled("stress"), "START", Start::Never as u32),
    );
    let mut bot = world.spawn();
    let loaded = bot.logs("generation=1 took").await;
    bot.signal(Signal::TERM);
    assert!(bot.ended().await.success());
    let line = bot.logs("retired plugin=example").await;
    assert!(
        loaded.contains("example") && line.contains("generation=1"),
        "{loaded}\n{line}"
    );
    assert_eq!(world.sandbox.connections(), 0, "it does not connect any more");
}

/// A plugin whose database needs these steps.
fn with_steps(version: &str, steps: &[(&str, &str)]) -> Vec<u8> {
    let manifest = json!({ "name": "unruly", "version": version, "abi": "1.0.0", "target": "", "panic": "unwind" });
    let mut described = description("unruly", version, &[]);
    let steps = steps.iter().map(|(name, sql)| json!({ "name": name, "sql": sql }));
    described["migrations"] = steps.collect();
    forged(&manifest.to_string(), &described.to_string())
}

fn tables(world: &World) -> Vec<String> {
    let file = world.root().join("data/plugins/unruly/plugin.db");
    let database = rusqlite::Connection::open(file).unwrap();
    let mut query = database
        .prepare("SELECT name FROM sqlite_schema WHERE name IN ('words', 'more') ORDER BY name")
        .unwrap();
    let names = query.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_database_are_made_meanwhile_and_undone_if_one_fails() {
    const FIRST: (&str, &str) = ("words", "CREATE TABLE words (word TEXT) STRICT");
    const SECOND: (&str, &str) = ("more", "CREATE TABLE more (number INTEGER) STRICT");
    const BROKEN: (&str, &str) = ("broken", "INSERT INTO nowhere VALUES (1)");
    let world = World::new().await;
    let drop_version = |version, steps: &[_]| world.drop_file(&file_name("unruly"), &with_steps(version, steps));
    drop_version("1.0.0", &[FIRST]);
    let bot = world.start().await;
    bot.logs("generation=1 took").await;

    drop_version("2.0.0", &[FIRST, SECOND, BROKEN]);
    let told = bot.logs("is refused").await;
    assert!(
        told.contains("step 3 of its database") && told.contains("broken"),
        "{told}"
    );
    assert!(
        told.contains("nowhere") && told.contains("Generation 3 of `unruly` goes on"),
        "{told}"
    );
    assert_eq!(tables(&world), ["words"], "as before");

    drop_version("3.0.0", &[FIRST, SECOND]);
    bot.logs("generation=4 took").await;
    assert_eq!(tables(&world), ["more", "words"]);

    // A version that is older than the database never begins: what runs goes on, and nothing waits.
    drop_version("1.0.1", &[FIRST]);
    let told = bot.logs("newer than this version").await;
    assert!(told.contains("Generation 4 of `unruly` goes on"), "{told}");
    assert_eq!(bot.lines_with(HOLD).len(), 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_database_are_made_again_where_the_older_version_goes_on_after_a_restore() {
    const FIRST: (&str, &str) = ("words", "CREATE TABLE words (word TEXT) STRICT");
    const SECOND: (&str, &str) = ("more", "CREATE TABLE more (number INTEGER) STRICT");
    let world = World::new().await;
    world.drop_file(&file_name("unruly"), &with_steps("1.0.0", &[FIRST]));
    let bot = world.start().await;
    bot.logs("generation=1 took").await;
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    world.drop_file(&file_name("unruly"), &with_steps("2.0.0", &[FIRST, SECOND]));
    bot.logs("generation=2 took").await;
    world.drop_file(&file_name("unruly"), b"no plugin");
    bot.logs("is refused").await;
    owner_is_told(&world, &format!("!backup restore {made}")).await;
    let loaded = bot.logs("generation=3 took").await;
    assert!(loaded.contains("version=2.0.0"), "{loaded}");
    assert_eq!(tables(&world), ["more", "words"]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_version_whose_step_fails_is_refused_before_it_starts() {
    let world = World::new().await;
    let broken = [("broken", "INSERT INTO nowhere VALUES (1)")];
    world.drop_file(&file_name("unruly"), &with_steps("1.0.0", &broken));
    let bot = world.start().await;
    let told = bot.logs("is refused").await;
    assert!(
        told.contains("step 1 of its database") && told.contains("broken"),
        "{told}"
    );
    world.drop_file(&file_name("unruly"), &with_steps("1.0.1", &[]));
    bot.logs("loaded plugin=unruly").await;
    assert!(
        bot.lines_with("generation=1 took").is_empty(),
        "the first was never started"
    );
    bot.stop().await;
}
