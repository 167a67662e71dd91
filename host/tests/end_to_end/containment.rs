//! A plugin that panics, fails or blocks harms nobody else.

use crate::harness::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_with_a_code_and_logged_with_its_place() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let reply = alice.says("!panic").await.expect_reply().await;
    let code = reply.content().split('`').nth(1).expect("a code").to_owned();
    assert_eq!(
        reply.content(),
        format!("Something broke and the bot's owner has been told. Code `{code}`.")
    );
    let line = bot.logs(&code).await;
    assert!(line.contains("plugins/stress/src/"), "file and line are named: {line}");

    // The same plugin and the others go on.
    assert!(
        alice
            .says("!revision")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("REVISION")
    );
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_slash_command_tells_only_its_user() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"fail".to_owned()))
        .await;
    let alice = world.person("alice");
    let reply = alice.slash("fail", &[]).await.expect_reply().await;
    assert!(
        reply.is_ephemeral() && reply.content().contains("Code `"),
        "{}",
        reply.content()
    );
    let reply = alice.slash("refuse", &[]).await.expect_reply().await;
    assert!(
        reply.is_ephemeral() && !reply.content().contains("Code"),
        "{}",
        reply.content()
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_lane_delays_no_other_plugin() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let blocked = alice.says("!block 3").await;
    // Everything of another plugin is answered while the lane is blocked.
    for number in 0..20 {
        let reply = alice.says(&format!("!ping {number}")).await.expect_reply().await;
        assert_eq!(reply.content(), format!("pong {number}"));
        assert!(
            blocked.reply(std::time::Duration::ZERO).await.is_none(),
            "the lane was not blocked long enough"
        );
    }
    let reply = blocked.expect_reply().await;
    assert!(!reply.content().is_empty());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_never_comes_back_is_abandoned_and_its_users_are_told() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let blocked = alice.says("!block 600").await;
    let queued = alice.says("!revision").await;
    let unloading = world.owner().says("!unload stress").await;
    let unloaded = unloading
        .reply(PATIENCE)
        .await
        .expect("the order ends, whatever the plugin does");
    assert_eq!(unloaded.content(), "Unloaded `stress`.");
    for said in [blocked, queued] {
        let told = said.reply(PATIENCE).await.expect("whoever waits is told");
        assert!(told.content().contains("interrupted"), "{}", told.content());
    }
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    // A thread that still runs does not keep the process.
    let log = bot.stop().await;
    assert!(log.contains("its thread is abandoned"), "{log}");
}
