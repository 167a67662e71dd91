//! The kit with the example plugin, as its file and linked in: doors, expectations, time, faults, and what failures print.
//!
//! What it is for authors: the same in a few lines a test.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{panic, time::Duration};

use plugin_testing::{RestFault, TestBot, json};

#[tokio::test]
async fn what_people_do_is_answered_by_each_door() {
    let bot = TestBot::with_plugin("example").await;
    let alice = bot.member("alice");

    let answer = alice.says("!ping @bob").await.expect_text("pong @bob");
    assert!(
        answer.mentions().iter().all(|user| *user != bot.member("bob").id()),
        "nobody is pinged"
    );
    alice
        .slash("echo", json!({ "text": "by slash" }))
        .await
        .expect_text("by slash");
    let card = alice.says("!whoami").await.expect_embed("Name");
    assert_eq!(card.field("Name"), "alice");

    let counter = alice.says("!counter").await.expect_text("Count: 0");
    let counter = alice.clicks(&counter, "Count").await.expect_update();
    assert_eq!(counter.content(), "Count: 1");
    bot.member("bob").clicks(&counter, "Count").await.expect_ephemeral();

    alice.says("nothing for a bot").await.expect_no_reply();
    alice.dms("ping").await.expect_text("pong");
    let general = bot.channel("general");
    bot.member("carol").joins().await.settles();
    general.expect_text("Welcome, @carol!");
    bot.expect_rest("POST", "/channels/*/messages");
    bot.expect_log("example is starting");
}

#[tokio::test]
async fn a_linked_plugin_is_tested_in_the_same_way() {
    let bot = TestBot::with_linked(example::linked_plugin()).await;
    bot.member("alice").says("!ping").await.expect_text("pong");
    bot.expect_log("example is starting");
}

#[tokio::test]
async fn a_conversation_is_the_same_text_in_each_run() {
    let bot = TestBot::with_plugin("example").await;
    let alice = bot.member("alice");
    alice.says("!counter").await.expect_text("Count");
    alice.says("!whoami").await.expect_embed("Roles");
    alice.slash("ping", json!({})).await.expect_reply();
    insta::assert_snapshot!(bot.conversation());
}

#[tokio::test]
async fn a_bot_goes_on_after_a_reload_a_restart_and_faults() {
    let bot = TestBot::with_plugin("example").await;
    let alice = bot.member("alice");
    let counter = alice.says("!counter").await.expect_reply();
    bot.reload("example");
    let counter = alice.clicks(&counter, "Count").await.expect_update();
    bot.restart();
    let counter = alice.clicks(&counter, "Count").await.expect_update();
    assert_eq!(counter.content(), "Count: 2");
    bot.drop_connection();
    alice.says("!ping").await.expect_text("pong");
    bot.fail_rest(
        RestFault::status(500)
            .on("POST", "/channels/{channel_id}/messages")
            .until_cleared(),
    );
    alice.says("!ping").await.expect_log("500");
}

#[tokio::test]
async fn time_passes_for_cooldowns() {
    let config = json!({ "cooldowns": { "default_rate": 1, "default_per": 3600 } });
    let bot = TestBot::builder().plugin("example").config(config).start().await;
    let alice = bot.member("alice");
    alice.says("!ping").await.expect_text("pong");
    alice.says("!ping").await.expect_text("again");
    bot.advance(Duration::from_secs(3601));
    alice.says("!ping").await.expect_text("pong");
}

#[tokio::test]
async fn a_failed_expectation_tells_the_whole_conversation() {
    let bot = TestBot::with_plugin("example").await;
    let said = bot.member("alice").says("!ping there").await;
    said.within(Duration::from_secs(60)).expect_text("pong there");
    // Only what is meant to fail is not waited for.
    let hurried = said.within(Duration::from_millis(1));
    let failed = panic::catch_unwind(panic::AssertUnwindSafe(|| hurried.expect_embed("pong")));
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    for part in [
        "alice said \"!ping there\": expected an embed with \"pong\", but the bot answered \"pong there\"",
        "What to do",
        "#general\n  alice: !ping there\n",
        "REST calls",
        "the end of the log",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn an_answer_from_before_an_edit_is_none_to_the_edit() {
    let bot = TestBot::with_plugin("example").await;
    let alice = bot.member("alice");
    let said = alice.says("!ping one").await;
    said.expect_text("pong one");
    said.settles();
    alice.edits(&said, "!ping two").await.expect_text("pong two");
    let talk = alice.edits(&said, "no command").await;
    talk.settles();
    let hurried = talk.within(Duration::from_millis(1));
    let failed = panic::catch_unwind(panic::AssertUnwindSafe(|| hurried.expect_reply()));
    assert!(
        failed.is_err(),
        "the answer to the message as it was before is none to the edit"
    );
}

#[tokio::test]
async fn what_the_kit_sets_is_checked_and_in_no_conversation() {
    let config = json!({ "prefix": "?" });
    let bot = TestBot::builder().plugin("moderation").config(config).start().await;
    bot.sets("moderation", "log_channel", "#general");
    bot.reload("moderation");
    assert_eq!(bot.conversation(), "", "the kit's own messages are left out");
    let failed = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        bot.sets("moderation", "log_chanel", "#general");
    }));
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("has no setting"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_started_says_what_to_do() {
    let start = |builder: plugin_testing::Builder| {
        let failed = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(builder.start())));
        *failed.unwrap_err().downcast::<String>().unwrap()
    };
    let absent = start(TestBot::builder().plugin("no-such-plugin"));
    assert!(
        absent.contains("no package `no-such-plugin`") && absent.contains("plugin_at"),
        "{absent}"
    );
    let file = start(TestBot::builder().plugin_file("nowhere.so"));
    assert!(file.contains("build it first"), "{file}");
    let config = start(TestBot::builder().plugin("example").config(json!({ "prefix": 7 })));
    assert!(config.contains("prefix"), "{config}");
}
