//! What people see: prefix and slash, arguments, buttons, events, and the owner's commands.

use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_plugin_answers_by_prefix_and_slash() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");

    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    assert_eq!(
        alice.says("! PING  hello there ").await.expect_reply().await.content(),
        "pong hello there"
    );
    let mention = format!("<@{}> ping", world.sandbox.bot_id());
    assert_eq!(alice.says(&mention).await.expect_reply().await.content(), "pong");
    assert_eq!(alice.dm("ping").await.expect_reply().await.content(), "pong");

    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    assert_eq!(alice.slash("ping", &[]).await.expect_reply().await.content(), "pong");
    assert_eq!(
        alice
            .slash("ping", &[("text", json!("slash"))])
            .await
            .expect_reply()
            .await
            .content(),
        "pong slash"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_say_what_is_wanted() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let reply = world.person("alice").says("!echo").await.expect_reply().await;
    assert!(
        reply.content().contains("text") && reply.content().contains("!echo <text"),
        "{}",
        reply.content()
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_is_the_same_by_every_door() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    let by_prefix = alice.says("!whoami").await.expect_reply().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"whoami".to_owned()))
        .await;
    let by_slash = alice.slash("whoami", &[]).await.expect_reply().await;
    let shown = serde_json::to_string(by_prefix.embeds()).unwrap();
    assert!(shown.contains(&alice.id().to_string()), "{shown}");
    assert_eq!(by_prefix.embeds(), by_slash.embeds());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_counts_and_outlives_its_plugins_generation_and_the_bot() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    let counter = alice.says("!counter").await.expect_reply().await;
    assert_eq!(counter.content(), "Count: 0");
    let counter = alice.clicks(&counter, "Count").await.expect_update().await;
    assert_eq!(counter.content(), "Count: 1");

    let foreign = world.person("bob").clicks(&counter, "Count").await.expect_reply().await;
    assert!(
        foreign.is_ephemeral() && foreign.content().contains("belongs to"),
        "{}",
        foreign.content()
    );

    let reply = world.owner().says("!reload example").await.expect_reply().await;
    assert_eq!(reply.content(), "`example` 1.0.0 reloaded (generation 2).");
    let counter = alice.clicks(&counter, "Count").await.expect_update().await;
    assert_eq!(counter.content(), "Count: 2");

    bot.stop().await;
    let bot = world.start().await;
    let counter = alice.clicks(&counter, "Count").await.expect_update().await;
    assert_eq!(counter.content(), "Count: 3");

    world.owner().says("!unload example").await.expect_reply().await;
    let gone = alice.clicks(&counter, "Count").await.expect_reply().await;
    assert_eq!(gone.content(), "The plugin behind this button is not loaded right now.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_joins_is_greeted() {
    let world = World::new().await;
    let channel = world.channel();
    world.configure(&json!({ "plugins": { "example": { "greet_channel": channel.id().to_string() } } }));
    world.drop_plugin("example");
    let bot = world.start().await;
    let mut said = world.sandbox.watch();
    let newcomer = world.person("carol");
    let greeting = said.next().await.expect("the bot greets");
    assert!(
        greeting.content().contains(&format!("<@{}>", newcomer.id())),
        "{}",
        greeting.content()
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_load_reload_and_unload_and_others_do_not() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let (owner, alice) = (world.owner(), world.person("alice"));

    let refused = alice.says("!unload example").await.expect_reply().await;
    assert_eq!(refused.content(), "Only the bot's owner can use that command.");
    let reply = owner.says("!load example").await.expect_reply().await;
    assert!(
        reply.content().contains("`example` is running already"),
        "{}",
        reply.content()
    );
    let reply = owner.says("!load nothing").await.expect_reply().await;
    assert!(
        reply
            .content()
            .contains("There is no plugin `nothing`. Known: `example`"),
        "{}",
        reply.content()
    );

    assert_eq!(
        owner.says("!unload example").await.expect_reply().await.content(),
        "Unloaded `example`."
    );
    // Its slash commands stay for a day, or until the owner has them written anew.
    let absent = alice.slash("ping", &[]).await.expect_reply().await;
    assert_eq!(
        absent.content(),
        "That command is not available right now. Please try again later."
    );
    owner.says("!sync").await.expect_reply().await;
    assert!(!world.sandbox.commands().iter().any(|command| command["name"] == "ping"));
    // Unloaded survives a restart.
    bot.stop().await;
    let bot = world.start().await;
    let reply = owner.says("!load example").await.expect_reply().await;
    assert_eq!(reply.content(), "`example` 1.0.0 loaded (generation 1).");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    assert_eq!(
        owner.says("!reload all").await.expect_reply().await.content(),
        "`example` 1.0.0 reloaded (generation 2)."
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slash_commands_are_written_once_and_only_when_they_change() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let all = |names: &[String]| {
        ["ping", "unload"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned()))
    };
    world.sandbox.expect_commands(all).await;
    world.owner().says("!reload example").await.expect_reply().await;
    bot.stop().await;
    let bot = world.start().await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    bot.stop().await;
    // One for all servers, one with the owners' commands for their own.
    assert_eq!(world.sandbox.bulk_overwrites(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_slash_command_is_deferred_and_then_answered() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let has_slow = |names: &[String]| names.contains(&"slow".to_owned());
    world.sandbox.expect_commands(has_slow).await;
    let alice = world.person("alice");
    let used = alice.slash("slow", &[("milliseconds", json!(2500))]).await;
    used.expect_deferred().await;
    assert_eq!(used.expect_reply().await.content(), "slept");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_logs_stands_under_its_name() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    assert!(
        world
            .person("alice")
            .says("!revision")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("REVISION")
    );
    world.owner().says("!reload stress").await.expect_reply().await;
    let line = bot.logs("stress stopped").await;
    assert!(
        line.contains("plugin::stress#1") && line.contains("why=Reload") && line.contains("commands=1"),
        "{line}"
    );
    bot.stop().await;
}

/// The servers in which the sandbox has a slash command of this name; 0 for all.
fn servers_with(world: &World, name: &str) -> Vec<u64> {
    let commands = world.sandbox.commands();
    let named = commands.iter().filter(|command| command["name"] == name);
    let guild = |command: &serde_json::Value| command["guild_id"].as_str().map_or(0, |id| id.parse().unwrap());
    named.map(guild).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_commands_are_slash_commands_of_home_servers_only() {
    let world = World::new().await;
    world.drop_plugin("example");
    let other = world.sandbox.add_guild("another");
    world.configure(&json!({ "discord": { "home_guilds": [world.sandbox.guild().id().to_string()] } }));
    let bot = world.start().await;
    let is_there = |names: &[String]| names.contains(&"unload".to_owned());
    world.sandbox.expect_commands(is_there).await;
    assert_eq!(servers_with(&world, "unload"), [world.sandbox.guild().id()]);
    assert_eq!(servers_with(&world, "plugins"), [0]);

    let refused = world
        .person("alice")
        .try_slash("unload", &[("name", json!("example"))])
        .await;
    assert!(refused.is_err(), "only administrators are shown it");
    let reply = world.owner().slash("unload", &[("name", json!("example"))]).await;
    assert_eq!(reply.expect_reply().await.content(), "Unloaded `example`.");
    bot.stop().await;

    // The home is another one: the commands move there, and leave nothing behind.
    world.configure(&json!({ "discord": { "home_guilds": [other.id().to_string()] } }));
    let bot = world.start().await;
    let path = format!("/guilds/{}/commands", other.id());
    world
        .sandbox
        .expect_rest(|call| call.method == "PUT" && call.path.ends_with(&path))
        .await;
    assert_eq!(servers_with(&world, "unload"), [other.id()]);
    bot.stop().await;

    // Without any named, the servers of the owner are its homes.
    world.configure(&json!({}));
    let bot = world.start().await;
    let in_both = |names: &[String]| names.iter().filter(|name| *name == "unload").count() == 2;
    world.sandbox.expect_commands(in_both).await;
    bot.stop().await;
}
