//! What plugins send on the gateway: what Discord shows of it, and what comes back.

use std::time::Duration;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_presence_stands_in_for_the_owners_until_it_ends() {
    let world = World::new().await;
    world.configure(&serde_json::json!({ "status": { "type": "playing", "text": "chess" } }));
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    let shows = |presence: &serde_json::Value, text: &str| presence["activities"][0]["name"] == text;
    world.sandbox.expect_presence(|presence| shows(presence, "chess")).await;
    alice.says("!display {guilds} songs").await.expect_reply().await;
    let shown = world
        .sandbox
        .expect_presence(|presence| shows(presence, "1 songs"))
        .await;
    assert_eq!(
        (&shown["status"], &shown["activities"][0]["type"]),
        (&"idle".into(), &2.into())
    );
    alice.says("!display").await.expect_reply().await;
    world.sandbox.expect_presence(|presence| shows(presence, "chess")).await;
    alice.says("!display again").await.expect_reply().await;
    world.sandbox.expect_presence(|presence| shows(presence, "again")).await;
    world.owner().says("!unload showcase").await.expect_reply().await;
    world.sandbox.expect_presence(|presence| shows(presence, "chess")).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_joins_a_voice_channel_and_leaves_it() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, guild) = (world.person("alice"), world.sandbox.guild());
    let lounge = guild.add_voice_channel("Lounge");
    alice
        .says(&format!("!lounge {}", lounge.id()))
        .await
        .expect_reply()
        .await;
    // What was sent before is there when the next request is answered: one connection, one order.
    let asked = alice.says("!namesakes alice").await.expect_reply().await;
    assert_eq!(asked.content(), "Found: alice");
    let voice = world.sandbox.bot_voice(guild.id()).unwrap();
    assert_eq!(
        (&voice["channel_id"], &voice["self_deaf"], &voice["self_mute"]),
        (&lounge.id().to_string().into(), &true.into(), &false.into())
    );
    alice.says("!lounge").await.expect_reply().await;
    alice.says("!namesakes alice").await.expect_reply().await;
    assert!(world.sandbox.bot_voice(guild.id()).is_none());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_found_by_name_and_by_id_and_all_of_them_only_with_the_intent() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, alan) = (world.person("alice"), world.person("alan"));
    world.person("bob");
    let found = alice.says("!namesakes AL").await.expect_reply().await;
    assert_eq!(found.content(), "Found: alan alice");
    let found = alice.says("!namesakes nobody").await.expect_reply().await;
    assert_eq!(found.content(), "Found:");
    let those = alice
        .says(&format!("!those {} 17", alan.id()))
        .await
        .expect_reply()
        .await;
    assert_eq!(those.content(), "1 here, 1 not");
    let all = alice.says("!namesakes").await.expect_reply().await;
    assert!(all.content().contains("Something broke"), "{}", all.content());
    bot.logs("only with the intent GUILD_MEMBERS").await;
    // A connection that is lost takes its requests along, and those that come meanwhile go by the next one.
    world.sandbox.drop_connection();
    world.sandbox.expect_resumes(1).await;
    let found = alice.says("!namesakes AL").await.expect_reply().await;
    assert_eq!(found.content(), "Found: alan alice");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_asks_without_end_does_not_cost_the_connection() {
    let world = World::new().await;
    // A minute of the sandbox's is as long as the scenario.
    world.sandbox.advance(Duration::from_secs(1));
    world.sandbox.stop_clock();
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    let connections = world.sandbox.connections();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..115 {
        let said = alice.says("!namesakes al").await;
        asked.spawn(async move { said.expect_reply().await.content().to_owned() });
    }
    // Which of those that run at once goes first is open; the rest waits for the next minute.
    for _ in 0..99 {
        assert_eq!(asked.join_next().await.unwrap().unwrap(), "Found: alice");
    }
    asked.abort_all();
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    assert_eq!(world.sandbox.connections(), connections);
    // Not stopped: what still waits would be waited for.
    bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_more_members_than_one_answer_holds_is_told_whole() {
    // Discord sends a thousand at a time.
    const MEMBERS: usize = 1100;
    let world = World::new().await;
    // It greets whoever joins, so the bot has the intent.
    world.drop_plugin("example");
    world.drop_plugin("showcase");
    let alice = world.person("alice");
    for number in 0..MEMBERS {
        world.person(&format!("member{number}"));
    }
    let bot = world.start().await;
    let counted = alice.says("!headcount").await.expect_reply().await;
    let Some((all, different)) = counted
        .content()
        .split_once(' ')
        .filter(|(all, _)| all.parse::<u32>().is_ok())
    else {
        panic!("{}:\n{}", counted.content(), bot.stop().await)
    };
    assert_eq!(all, different, "each once");
    assert!(all.parse::<usize>().unwrap() > MEMBERS, "{all}");
    bot.stop().await;
}
