//! Plugins' files through the front door: the owner's commands about them, a kill, and files that people damage.

use std::fs;

use serde_json::{Value, json};

use crate::harness::World;

fn text(embeds: &[Value]) -> String {
    serde_json::to_string_pretty(&embeds[0]).unwrap()
}

/// The lines of a card that say what was found, without their times.
fn lines(embeds: &[Value]) -> Vec<String> {
    let description = embeds[0]["description"].as_str().unwrap_or_default();
    description
        .lines()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_tests_files_by_both_doors_and_sees_what_is_remembered() {
    let world = World::new().await;
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"atomictest".to_owned()))
        .await;
    let by_prefix = world.owner().says("!atomictest").await.expect_reply().await;
    let by_slash = world.owner().slash("atomictest", &[]).await.expect_reply().await;
    for reply in [&by_prefix, &by_slash] {
        assert_eq!(
            reply.embeds()[0]["title"],
            "Files are kept as they should be",
            "{}",
            text(reply.embeds())
        );
        assert_eq!(
            lines(reply.embeds()),
            [
                "\u{2705} write",
                "\u{2705} read from the disk",
                "\u{2705} read from memory",
                "\u{2705} 10 writers at once",
                "\u{2705} 10 updates at once",
                "\u{2705} a change is seen",
                "\u{2705} delete",
            ]
        );
    }
    let files = world.root().join("data/plugins/host/files");
    assert_eq!(fs::read_dir(files).unwrap().count(), 0, "the test leaves nothing");
    let caches = world.owner().says("!cachestats").await.expect_reply().await;
    let shown = text(caches.embeds());
    assert!(
        shown.contains("0 of 1000 entries") && shown.contains("kept for 300 s"),
        "{shown}"
    );
    let by_slash = world.owner().slash("cachestats", &[]).await.expect_reply().await;
    assert_eq!(by_slash.embeds()[0]["title"], "What the bot remembers");
    let alice = world.person("alice");
    for command in ["!atomictest", "!cachestats", "!cleanup"] {
        let refused = alice.says(command).await.expect_reply().await;
        assert!(
            refused.embeds().is_empty(),
            "{command} is for owners: {}",
            text(refused.embeds())
        );
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_goes_at_the_start_and_old_things_by_command() {
    let world = World::new().await;
    let data = world.root().join("data");
    let files = data.join("plugins/levels/files");
    fs::create_dir_all(&files).unwrap();
    fs::create_dir_all(data.join("plugins/levels/damaged")).unwrap();
    let left = [
        files.join(".write-4711-0"),
        data.join(".write-a"),
        world.root().join(".write-b"),
    ];
    for path in &left {
        fs::write(path, "half of a fi").unwrap();
    }
    fs::write(files.join("points.json"), "{}").unwrap();
    let aside = data.join("plugins/levels/damaged/points.json.20200101T000000Z");
    fs::write(&aside, "{").unwrap();
    let bot = world.start().await;
    assert!(left.iter().all(|path| !path.exists()));
    assert!(aside.exists());
    let reply = world.owner().says("!cleanup").await.expect_reply().await;
    let shown = text(reply.embeds());
    assert!(
        shown.contains("files that were found damaged more than 30 days ago: **1**"),
        "{shown}"
    );
    assert!(!aside.exists() && files.join("points.json").exists());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"cleanup".to_owned()))
        .await;
    let reply = world.owner().slash("cleanup", &[]).await.expect_reply().await;
    assert_eq!(
        reply.embeds()[0]["title"],
        "There was nothing to clean up",
        "{}",
        text(reply.embeds())
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_does_with_files_survives_a_kill_and_damage_from_outside() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    for count in 1..=3 {
        let said = alice.says("!file-count").await;
        assert_eq!(said.expect_reply().await.content(), format!("count {count}"));
    }
    let said = alice.says("!file-read ../../../config.json").await.expect_reply().await;
    assert!(
        said.content().contains("no path of a plugin's file"),
        "{}",
        said.content()
    );
    assert_eq!(
        alice.says("!file-read notes.txt").await.expect_reply().await.content(),
        "nothing"
    );
    let files = world.root().join("data/plugins/stress/files");
    fs::write(files.join("notes.txt"), "by hand").unwrap();
    assert_eq!(
        alice.says("!file-read notes.txt").await.expect_reply().await.content(),
        "by hand"
    );
    bot.kill().await;

    let count = files.join("count.json");
    fs::write(&count, "{ \"count\": ").unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(&count).unwrap();
    file.set_modified(std::time::SystemTime::now() - hour).unwrap();
    let bot = world.start().await;
    let mut told = world.sandbox.watch();
    let said = alice.says("!file-count").await;
    assert_eq!(said.expect_reply().await.content(), "count 4");
    loop {
        let message = told.next().await.expect("the owner is told");
        if message.content().contains("`count.json` was no JSON") {
            break;
        }
    }
    let written: Value = serde_json::from_slice(&fs::read(&count).unwrap()).unwrap();
    assert_eq!(written, json!({ "count": 4 }));
    let aside = fs::read_dir(world.root().join("data/plugins/stress/damaged")).unwrap();
    assert_eq!(aside.count(), 1);
    bot.stop().await;
}
