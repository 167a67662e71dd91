//! What a process can take: many reloads, and the refusal of one too many while the older one goes on.

use std::{collections::BTreeSet, fs};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::harness::{Bot, World, compiled, file_name, patched};

/// How often the plugin is replaced.
const RELOADS: u32 = 300;
/// How many contents it has: each differs from the one before, and the probe knows them after the first round.
const CONTENTS: u32 = 6;

/// A figure of `/proc/ID/smaps_rollup`, in KiB.
fn memory(bot: &Bot, name: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", bot.id())).unwrap();
    let line = rollup.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(bot: &Bot) -> u64 {
    fs::read_dir(format!("/proc/{}/fd", bot.id())).unwrap().count() as u64
}

/// Lets the bot have so many descriptors from now on; `None` is as many as it may have at all.
fn limit_descriptors(bot: &Bot, most: Option<u64>) {
    let id = Pid::from_raw(i32::try_from(bot.id()).unwrap());
    // It inherits the test's hard limit, which is kept.
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most.or(hard),
        maximum: hard,
    };
    prlimit(id, Resource::Nofile, limit).unwrap();
}

/// Drops a revision and waits until it answers; others go on meanwhile.
async fn replace(world: &World, content: &[u8], generation: u32, bot: &Bot) {
    world.drop_file(&file_name("stress"), content);
    bot.logs(&format!("generation={generation} took")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_reloads_and_one_too_many() {
    let world = World::new().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    let original = compiled("stress");
    let contents: Vec<_> = (0..CONTENTS)
        .map(|number| patched(&original, "REVISION", number))
        .collect();
    world.drop_file(&file_name("stress"), &contents[0]);
    let bot = world.start().await;
    let alice = world.person("alice");

    let mut seen = BTreeSet::new();
    let mut early = None;
    for number in 1..=RELOADS {
        let revision = number % CONTENTS;
        replace(&world, &contents[revision as usize], number + 1, &bot).await;
        let reply = alice.says("!revision").await.expect_reply().await;
        assert_eq!(reply.content(), format!("REVISION-{revision:08}"));
        seen.insert(revision);
        // What the first ones cost is the host's own warming up.
        if number == 20 {
            early = Some((memory(&bot, "Rss:"), memory(&bot, "Anonymous:"), descriptors(&bot)));
        }
    }
    assert_eq!(seen.len(), CONTENTS as usize);
    let (rss, own, open) = early.unwrap();
    let generations = u64::from(RELOADS - 20);
    let (rss_each, own_each) = (
        memory(&bot, "Rss:").saturating_sub(rss) / generations,
        memory(&bot, "Anonymous:").saturating_sub(own) / generations,
    );
    let open_now = descriptors(&bot);
    println!(
        "{RELOADS} reloads; a retired generation costs {rss_each} KiB resident, {own_each} KiB of it its own; {open} -> {open_now} descriptors"
    );
    // Most of it is pages of the library's file, of which there is one copy for each generation.
    let file = original.len() as u64 / 1024;
    assert!(
        rss_each < file,
        "a generation costs more than its file of {file} KiB: {rss_each} KiB"
    );
    assert!(own_each < 400, "a generation keeps more than it may: {own_each} KiB");
    assert!(
        open_now < open + 20,
        "descriptors are left behind: {open} -> {open_now}"
    );

    // One too many: told with cause and remedy, and the older one goes on.
    limit_descriptors(&bot, Some(open_now + 10));
    world.drop_file(&file_name("stress"), &contents[1]);
    let refused = bot.logs("is refused: the bot has").await;
    assert!(refused.contains("restart the bot, or raise its limit"), "{refused}");
    assert!(
        refused.contains(&format!("Generation {} of `stress` goes on", RELOADS + 1)),
        "{refused}"
    );
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000000");
    // The owner is told once, however often it is tried.
    for content in [&contents[2], &contents[3]] {
        world.drop_file(&file_name("stress"), content);
        let ordered = world.owner().says("!reload stress").await.expect_reply().await;
        assert!(ordered.content().contains("was not reloaded"), "{}", ordered.content());
    }
    // Room again, and it is loaded without more ado.
    limit_descriptors(&bot, None);
    let ordered = world.owner().says("!reload stress").await.expect_reply().await;
    assert!(
        ordered.content().contains("reloaded (generation"),
        "{}",
        ordered.content()
    );
    let reply = alice.says("!revision").await.expect_reply().await;
    assert_eq!(reply.content(), "REVISION-00000003");
    let log = bot.stop().await;
    assert_eq!(log.matches("notice to the owner").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_load_is_measured_too() {
    let world = World::new().await;
    let bot = world.start().await;
    limit_descriptors(&bot, Some(descriptors(&bot) + 10));
    world.drop_plugin("example");
    bot.logs("is refused: the bot has").await;
    // The host's own commands need no budget.
    let told = world.owner().says("!load example").await.expect_reply().await;
    assert!(told.content().contains("raise its limit"), "{}", told.content());
    limit_descriptors(&bot, None);
    world.owner().says("!load example").await.expect_reply().await;
    let reply = world.person("alice").says("!ping").await.expect_reply().await;
    assert_eq!(reply.content(), "pong");
    // Refused copies are gone, the one that runs is there.
    let copies = fs::read_dir(world.root().join("data/run")).unwrap().count();
    assert_eq!(copies, 1);
    bot.stop().await;
}
