//! Answers: files, long texts, reactions, messages that go by themselves, by both doors.

use sandbox::Message;
use serde_json::{Value, json};

use crate::harness::World;

/// The names, sizes and descriptions of a message's files.
fn files(message: &Message) -> Vec<(String, u64, Option<String>)> {
    let attachments = message.json()["attachments"].as_array().cloned().unwrap_or_default();
    let file = |one: &Value| {
        (
            one["filename"].as_str().unwrap().to_owned(),
            one["size"].as_u64().unwrap(),
            one["description"].as_str().map(str::to_owned),
        )
    };
    attachments.iter().map(file).collect()
}

async fn ready() -> (World, crate::harness::Bot) {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"late".to_owned()))
        .await;
    (world, bot)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_along_with_replies_edits_further_answers_and_messages() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let mut said = world.sandbox.watch();
    let mut told = Vec::new();
    for door in ["prefix", "slash"] {
        if door == "prefix" {
            alice.says("!files first.txt").await;
        } else {
            alice.slash("files", &[("name", json!("first.txt"))]).await;
        }
        for _ in 0..4 {
            let message = said.next().await.unwrap();
            told.push((message.content().to_owned(), files(&message)));
        }
    }
    let file = |name: &str, size: u64| (name.to_owned(), size, None);
    let first = ("first.txt".to_owned(), 3, Some("The first".to_owned()));
    let expected = [
        ("Two files.".to_owned(), vec![first, file("SPOILER_second.bin", 3)]),
        ("A further one.".to_owned(), vec![file("further.txt", 4)]),
        ("One file.".to_owned(), vec![file("edited.txt", 6)]),
        ("In the channel.".to_owned(), vec![file("channel.txt", 4)]),
    ];
    assert_eq!(told[..4], expected);
    assert_eq!(told[4..], expected);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_given_to_a_slash_command() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let file = json!({ "filename": "a.txt", "content": "12345" });
    let used = alice.slash("measure", &[("file", file)]).await;
    assert_eq!(used.expect_reply().await.content(), "a.txt: 5 bytes");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_split_or_becomes_a_file() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let mut said = world.sandbox.watch();
    for door in ["prefix", "slash"] {
        for as_file in [false, true] {
            if door == "prefix" {
                alice.says(&format!("!long {as_file}")).await;
            } else {
                alice.slash("long", &[("as_file", json!(as_file))]).await;
            }
            if as_file {
                let message = said.next().await.unwrap();
                assert_eq!(files(&message), [("long.txt".to_owned(), 4100, None)]);
            } else {
                let mut whole = Vec::new();
                for _ in 0..3 {
                    whole.push(said.next().await.unwrap().content().to_owned());
                }
                assert_eq!(whole.join("\n").lines().count(), 100);
            }
        }
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_or_are_disabled_by_themselves() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    alice
        .says("!fleeting")
        .await
        .expect_reply()
        .await
        .expect_deleted()
        .await;
    alice
        .slash("fleeting", &[])
        .await
        .expect_reply()
        .await
        .expect_deleted()
        .await;
    let by_prefix = alice.says("!idle").await.expect_reply().await;
    let by_slash = alice.slash("idle", &[]).await.expect_reply().await;
    for message in [by_prefix, by_slash] {
        let message = if message.component("Nothing").unwrap()["disabled"] == true {
            message
        } else {
            message.expect_edit().await
        };
        assert_eq!(message.component("Nothing").unwrap()["disabled"], true);
        assert_eq!(message.content(), "Idle.");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_reach_what_was_asked_and_the_answer() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let asked = alice.says("!react").await;
    let by_prefix = asked.expect_reply().await;
    let by_slash = alice.slash("react", &[]).await.expect_reply().await;
    // Later ones answer when the reactions are there: handlers run in order here, and Discord's limit keeps it.
    for message in [asked.message(), by_prefix, by_slash] {
        loop {
            let now = message.refresh().unwrap();
            if now.json()["reactions"]
                .as_array()
                .is_some_and(|reactions| reactions.len() == 1)
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_notified_only_by_those_who_may() {
    let (world, bot) = ready().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    for (person, notifies) in [(&alice, false), (&owner, true)] {
        let answer = person.slash("everybody", &[]).await.expect_reply().await;
        assert_eq!(answer.json()["mention_everyone"], notifies);
        let answer = person.says("!everybody").await.expect_reply().await;
        assert_eq!(answer.json()["mention_everyone"], notifies, "by message");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_for_the_asker_only_where_the_command_says_so() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let used = alice.slash("late", &[]).await;
    used.expect_deferred().await;
    let answer = used.expect_reply().await;
    assert_eq!((answer.content(), answer.is_ephemeral()), ("Late.", true));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_to_the_asker_only_is_never_public() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let early = alice.slash("promise", &[("late", json!(false))]).await;
    let answer = early.expect_reply().await;
    assert_eq!((answer.content(), answer.is_ephemeral()), ("Promised.", true));
    // Deferred publicly meanwhile, the answer is a further one.
    let late = alice.slash("promise", &[("late", json!(true))]).await;
    late.expect_deferred().await;
    let answer = late.expect_follow_up(0).await;
    assert_eq!((answer.content(), answer.is_ephemeral()), ("Promised.", true));
    let shown = alice.says("!promise no").await.expect_reply().await;
    assert!(!shown.is_ephemeral());
    let answer = alice.clicks(&shown, "Again").await.expect_reply().await;
    assert_eq!((answer.content(), answer.is_ephemeral()), ("Promised again.", true));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_when_the_bot_is_killed_is_told_after_its_restart() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let used = alice.slash("forever", &[]).await;
    used.expect_deferred().await;
    let file = world.root().join("data/promised_answers.json");
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    bot.kill().await;
    let bot = world.start().await;
    let answer = used.expect_reply().await;
    assert_eq!(
        answer.content(),
        "That command was interrupted because the bot was restarted. Please try again."
    );
    assert!(!file.exists());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_made_of_components_alone() {
    let (world, bot) = ready().await;
    let alice = world.person("alice");
    let by_prefix = alice.says("!card").await.expect_reply().await;
    let by_slash = alice.slash("card", &[]).await.expect_reply().await;
    for card in [by_prefix, by_slash] {
        let kinds: Vec<_> = card
            .components()
            .iter()
            .map(|one| one["type"].as_u64().unwrap())
            .collect();
        assert_eq!(kinds, [17, 13]);
        assert_eq!(files(&card).len(), 2);
        assert_eq!(
            alice.clicks(&card, "Beside").await.expect_reply().await.content(),
            "Nothing."
        );
        let restyled = alice.clicks(&card, "Restyle").await.expect_update().await;
        assert_eq!(restyled.components()[0]["content"], "Restyled.");
        assert!(files(&restyled).is_empty());
    }
    bot.stop().await;
}
