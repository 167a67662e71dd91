//! What happens to requests on their way: limits, faults of Discord, answers that are slow, torn or senseless. People get
//! their answer or a text, and nobody else waits.

use std::time::Duration;

use sandbox::{RestFault, Sandbox, Scope};

use crate::harness::World;

const MESSAGES: &str = "/channels/{channel_id}/messages";

/// A world with the example plugin whose slash commands are written, so that no request goes out by itself.
async fn world() -> World {
    let world = World::new().await;
    world.drop_plugin("example");
    world
}

async fn settled(sandbox: &Sandbox) {
    sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_route_of_everybody_and_of_the_bot_are_waited_out() {
    let world = world().await;
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let alice = world.person("alice");
    for scope in [Scope::User, Scope::Shared, Scope::Global] {
        let limited = RestFault::rate_limited(scope, Duration::from_millis(300));
        world.sandbox.fail_rest(limited.on("POST", MESSAGES).times(2));
        let said = alice.says("!ping").await;
        assert_eq!(said.expect_reply().await.content(), "pong", "{scope:?}");
    }
    // Refused by Discord's network, which speaks no JSON.
    world
        .sandbox
        .fail_rest(RestFault::shut_out(Duration::from_secs(1)).on("POST", MESSAGES));
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let refused = world
        .sandbox
        .rest_log()
        .iter()
        .filter(|entry| entry.status == 429)
        .count();
    assert_eq!(refused, 7);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_discord_does_not_take_is_an_incident() {
    let world = world().await;
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let alice = world.person("alice");
    let mut told = world.sandbox.watch();
    let mut owner_knows = false;
    for fault in [RestFault::status(500), RestFault::html(502), RestFault::html(503)] {
        world.sandbox.fail_rest(fault.on("POST", MESSAGES));
        let reply = alice.says("!ping").await.expect_reply().await;
        let text = reply.content();
        assert!(
            text.starts_with("Something broke and the bot's owner has been told. Code"),
            "{text}"
        );
        assert!(!text.contains("html"), "{text}");
        // The owner hears of the first one, by a request of the same route as the next fault's.
        while !owner_knows {
            let message = told.next().await.expect("the owner is told");
            owner_knows = message.content().contains("used by");
        }
    }
    assert_eq!(alice.says("!ping on").await.expect_reply().await.content(), "pong on");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torn_and_senseless_answers_harm_nothing_else() {
    let world = world().await;
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let alice = world.person("alice");
    for fault in [RestFault::cut(), RestFault::garbled(), RestFault::empty()] {
        // The message is there; only the bot does not know.
        world.sandbox.fail_rest(fault.on("POST", MESSAGES));
        assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
        assert_eq!(alice.says("!ping on").await.expect_reply().await.content(), "pong on");
    }
    let log = bot.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_delays_no_other_command_and_no_shard() {
    let world = world().await;
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world.sandbox.fail_rest(RestFault::held().on("POST", MESSAGES));
    let held = alice.says("!ping slow").await;
    world.sandbox.expect_held_rest(1).await;
    for number in 0..5 {
        let said = bob.says(&format!("!ping {number}")).await;
        assert_eq!(said.expect_reply().await.content(), format!("pong {number}"));
    }
    world.sandbox.drop_connection();
    assert_eq!(
        bob.says("!ping again").await.expect_reply().await.content(),
        "pong again"
    );
    world.sandbox.release_rest();
    assert_eq!(held.expect_reply().await.content(), "pong slow");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_hang_are_bounded_and_further_ones_are_told_busy() {
    let world = world().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let member = format!("!member {}", bob.id());
    assert_eq!(alice.says(&member).await.expect_reply().await.content(), "found bob");
    let fault = RestFault::held().on("GET", "/guilds/{guild_id}/members/{user_id}");
    world.sandbox.fail_rest(fault.until_cleared());
    let mut waiting = Vec::new();
    for _ in 0..host::rest::Rest::LOOK_UPS_PER_PLUGIN {
        waiting.push(alice.says(&member).await);
    }
    world.sandbox.expect_held_rest(1).await;
    let refused = alice.says(&member).await.expect_reply().await;
    assert_eq!(
        refused.content(),
        "That plugin is busy right now. Please try again in a moment."
    );
    // What needs no look-up goes on.
    assert!(
        alice
            .says("!revision")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("REVISION")
    );
    assert_eq!(bob.says("!ping").await.expect_reply().await.content(), "pong");
    world.sandbox.release_rest();
    for said in waiting {
        assert_eq!(said.expect_reply().await.content(), "found bob");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_is_tried_again_after_a_fault_of_discords() {
    let world = world().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    settled(&world.sandbox).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let route = ("GET", "/guilds/{guild_id}/members/{user_id}");
    for fault in [RestFault::html(502), RestFault::cut()] {
        world.sandbox.fail_rest(fault.on(route.0, route.1));
        let said = alice.says(&format!("!member {}", bob.id())).await;
        assert_eq!(said.expect_reply().await.content(), "found bob");
    }
    world
        .sandbox
        .fail_rest(RestFault::status(500).on(route.0, route.1).until_cleared());
    let reply = alice.says(&format!("!member {}", bob.id())).await.expect_reply().await;
    assert!(
        reply.content().starts_with("I could not look up `member`"),
        "{}",
        reply.content()
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_ends_while_requests_hang() {
    let world = world().await;
    let bot = world.start().await;
    settled(&world.sandbox).await;
    world
        .sandbox
        .fail_rest(RestFault::held().on("POST", MESSAGES).until_cleared());
    let alice = world.person("alice");
    let _held = alice.says("!ping").await;
    world.sandbox.expect_held_rest(1).await;
    bot.stop().await;
    world.sandbox.clear_rest_faults();
    let bot = world.start().await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 1));
    bot.stop().await;
}
