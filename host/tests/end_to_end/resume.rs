//! Connections end, and so does the process: no event is lost.

use sandbox::PrivilegedIntents;

use crate::harness::{World, discord};

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_connection_is_resumed_without_losing_an_event() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    for round in 0..3 {
        world.sandbox.drop_connection();
        // Said while nobody listens.
        let said = alice.says(&format!("!ping {round}")).await;
        assert_eq!(said.expect_reply().await.content(), format!("pong {round}"));
    }
    assert_eq!(world.sandbox.identifies(), 1);
    assert!(world.sandbox.resumes() >= 3);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_restart_resumes_with_its_cache() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let log = bot.stop().await;
    assert!(!log.contains("panicked"), "{log}");
    let said = alice.says("!ping while you were away").await;
    let bot = world.start().await;
    assert_eq!(said.expect_reply().await.content(), "pong while you were away");
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 1));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_matching_cache_snapshot_it_identifies() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    // Killed: there is no snapshot.
    bot.kill().await;
    let bot = world.start().await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (2, 0));
    bot.stop().await;
    // Stopped cleanly, but the snapshot is another bot's or damaged.
    let file = world.root().join("data/session.json");
    assert!(file.exists());
    std::fs::write(&file, "{}").unwrap();
    let bot = world.start().await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (3, 0));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_session_identifies_again_and_a_reconnect_resumes() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    world.sandbox.ask_reconnect();
    assert_eq!(alice.says("!ping one").await.expect_reply().await.content(), "pong one");
    assert_eq!(world.sandbox.identifies(), 1);
    world.sandbox.invalidate_session(false);
    world.sandbox.expect_online().await;
    assert_eq!(alice.says("!ping two").await.expect_reply().await.content(), "pong two");
    assert_eq!(world.sandbox.identifies(), 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_intents_that_discord_refuses_are_named_and_the_bot_goes_on_without() {
    let sandbox = discord().privileged_intents(PrivilegedIntents {
        members: false,
        ..PrivilegedIntents::ALL
    });
    let world = World::on(sandbox.start().await.unwrap());
    world.drop_plugin("example");
    let bot = world.start().await;
    let line = bot.logs("goes on without").await;
    assert!(
        line.contains("GUILD_MEMBERS") && !line.contains("MESSAGE_CONTENT"),
        "{line}"
    );
    let said = world.person("alice").says("!ping").await;
    assert_eq!(said.expect_reply().await.content(), "pong");
    bot.stop().await;
}
