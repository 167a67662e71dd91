//! What Discord refuses for good, and what is missing at the start: each is told with what to do, and nothing is tried
//! without end.

use std::time::Duration;

use futures_util::future::join_all;
use sandbox::{PrivilegedIntents, Refusal, RestFault};
use serde_json::json;

use crate::harness::{Bot, World, discord};

const OTHER_TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_the_start_with_what_to_do() {
    let world = World::new().await;
    let mut command = world.command();
    command.env("DISCORD_TOKEN", OTHER_TOKEN);
    let (code, log) = Bot::spawn(command, world.sandbox.clone()).fails().await;
    assert_eq!(code, Some(78), "{log}");
    assert!(
        log.contains("Discord refuses the token") && log.contains("Reset Token"),
        "{log}"
    );
    assert!(!log.contains(OTHER_TOKEN), "{log}");
    // REST has said so: no session start was spent.
    assert_eq!(world.sandbox.identifies(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_for_good_end_the_bot_with_what_to_do() {
    let cases = [
        (4004, "Reset Token"),
        (4010, "sharding.shards"),
        (4011, "sharding.shards"),
        (4012, "update the host"),
        (4013, "discord.intents"),
    ];
    join_all(cases.map(|(close, to_do)| async move {
        let world = World::new().await;
        let bot = world.start().await;
        world.sandbox.close_with(close);
        let (code, log) = bot.fails().await;
        assert_eq!(code, Some(78), "{close}\n{log}");
        assert!(log.contains(to_do), "{close}\n{log}");
        assert_eq!(
            (world.sandbox.connections(), world.sandbox.identifies()),
            (1, 1),
            "{close}"
        );
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_message_content_the_owner_is_told_what_is_left() {
    let sandbox = discord().privileged_intents(PrivilegedIntents::NONE);
    let world = World::on(sandbox.start().await.unwrap());
    world.drop_plugin("example");
    let mut said = world.sandbox.watch();
    let bot = world.start().await;
    let mut told = String::new();
    while !told.contains("MESSAGE_CONTENT") {
        told = said.next().await.expect("the owner is told").content().to_owned();
    }
    assert!(told.contains("direct messages and by mention only"), "{told}");
    let alice = world.person("alice");
    let mention = format!("<@{}> ping", world.sandbox.bot_id());
    assert_eq!(alice.says(&mention).await.expect_reply().await.content(), "pong");
    assert_eq!(alice.dm("ping").await.expect_reply().await.content(), "pong");
    // The application was asked which it may have, instead of a second guess.
    assert_eq!(world.sandbox.connections(), 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_discord_at_the_start_are_told_and_passed() {
    let world = World::new().await;
    world.drop_plugin("example");
    let fault = RestFault::html(503).on("GET", "/gateway/bot").times(3);
    world.sandbox.fail_rest(fault);
    world.sandbox.gateway().refuse_next(1, Refusal::Status(502));
    let bot = world.start().await;
    bot.logs("without Discord's advice").await;
    bot.logs("no connection to Discord's gateway").await;
    let said = world.person("alice").says("!ping").await;
    assert_eq!(said.expect_reply().await.content(), "pong");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_api_is_told_and_the_gateway_goes_on() {
    let world = World::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let mut command = world.command();
    command.env("DISCORD_API_URL", format!("http://{address}"));
    let bot = world.start_as(command).await;
    let line = bot.logs("nothing listens there").await;
    assert!(
        line.contains(&address.to_string()) && line.contains("DISCORD_API_URL"),
        "{line}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_an_address_is_told_and_tried_again() {
    let world = World::new().await;
    // Longer than a part of a name may be: no name server is asked.
    let name = "x".repeat(64);
    let mut command = world.command();
    command.env("DISCORD_API_URL", format!("http://{name}.invalid:1"));
    command.env("DISCORD_GATEWAY_URL", format!("ws://{name}.invalid:1"));
    let mut bot = Bot::spawn(command, world.sandbox.clone());
    let line = bot.logs("no connection to Discord's gateway").await;
    assert!(
        line.contains("its name has no address") && line.contains("again_in"),
        "{line}"
    );
    bot.logs("no connection to Discord's API").await;
    bot.signal(rustix::process::Signal::TERM);
    assert!(bot.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_shards_are_taken_where_discord_wants_them() {
    let sandbox = discord()
        .guilds_per_shard(1)
        .shards(2)
        .identify_concurrency(2, Duration::ZERO);
    let world = World::on(sandbox.start().await.unwrap());
    let shard = |id: u64| (id >> 22) % 2;
    let first = world.sandbox.guild();
    // As many servers as shards, or a half of them would be too many again.
    let second = world.sandbox.add_guild("Second");
    assert_ne!(
        shard(first.id()),
        shard(second.id()),
        "ids of the sandbox's guilds have changed"
    );
    world.drop_plugin("example");
    let mut told = world.sandbox.watch();
    let bot = world.start().await;
    bot.logs("the bot goes on with 2").await;
    for guild in [first, second] {
        let said = guild.user("alice").says("!ping").await;
        assert_eq!(said.expect_reply().await.content(), "pong");
    }
    let mut notice = String::new();
    while !notice.contains("sharding.shards") {
        notice = told.next().await.expect("the owner is told").content().to_owned();
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_session_starts_left_the_bot_says_when_it_goes_on_and_spends_none() {
    let sandbox = discord().session_starts(1, Duration::from_secs(3600));
    let world = World::on(sandbox.start().await.unwrap());
    world.drop_plugin("example");
    let bot = world.start().await;
    bot.kill().await;
    let bot = world.spawn();
    let line = bot.logs("all of them are used up").await;
    assert!(
        line.contains("1 sessions a day") && line.contains("connects by itself"),
        "{line}"
    );
    assert_eq!((world.sandbox.identifies(), world.sandbox.connections()), (1, 1));
    // It ends when it is told to, whatever it waits for.
    let log = bot.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_starts_that_come_back_are_used() {
    let sandbox = discord().session_starts(1, Duration::from_secs(3));
    let world = World::on(sandbox.start().await.unwrap());
    world.drop_plugin("example");
    let bot = world.start().await;
    bot.kill().await;
    let bot = world.start().await;
    bot.logs("all of them are used up").await;
    let said = world.person("alice").says("!ping").await;
    assert_eq!(said.expect_reply().await.content(), "pong");
    assert_eq!(world.sandbox.identifies(), 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_identify_as_fast_as_discord_lets_them_and_no_faster() {
    let sandbox = discord().identify_concurrency(4, Duration::from_secs(5));
    let world = World::on(sandbox.start().await.unwrap());
    world.configure(&json!({ "sharding": { "shards": 4 } }));
    let bot = world.start().await;
    // One too early would have been turned away and come again.
    assert_eq!((world.sandbox.identifies(), world.sandbox.connections()), (4, 4));
    bot.stop().await;
}
